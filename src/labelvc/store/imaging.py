"""Imaging: pixels turned upright, by Pillow, which comes with the extra `media`."""

from __future__ import annotations

import importlib
import io
from typing import Any

from labelvc.errors import ConfigurationError, DataError

_WAYS = {
    2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE", 6: "ROTATE_270", 7: "TRANSVERSE", 8: "ROTATE_90",
}  # fmt: skip


def turned(data: bytes, orientation: int) -> bytes:
    """Return a JPEG or PNG whose pixels are turned as its tag asked for; a JPEG is written with the tables it came with.

    Args:
        data: the picture.
        orientation: 2 to 8 (CIPA DC-008, tag 274).

    Raises:
        ConfigurationError: Pillow is not installed.
        DataError: Pillow cannot read it.
    """
    try:
        images: Any = importlib.import_module("PIL.Image")
        jpeg: Any = importlib.import_module("PIL.JpegImagePlugin")
    except ImportError:
        raise ConfigurationError(
            "to turn a picture upright takes Pillow", hint="pip install 'labelvc[media]'"
        ) from None
    out = io.BytesIO()
    try:
        with images.open(io.BytesIO(data)) as image:
            form, profile = image.format, image.info.get("icc_profile")
            words: dict[str, Any] = {"icc_profile": profile} if profile else {}
            if form == "JPEG":
                words |= {"qtables": image.quantization, "subsampling": jpeg.get_sampling(image)}
            elif "transparency" in image.info:
                words["transparency"] = image.info["transparency"]
            image.transpose(getattr(images.Transpose, _WAYS[orientation])).save(out, form, **words)
    except (OSError, ValueError, SyntaxError, images.DecompressionBombError) as error:
        raise DataError(f"the picture could not be turned upright ({type(error).__name__})") from None
    return out.getvalue()
