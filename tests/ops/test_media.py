"""Pictures come in without what tells who took them and where; other readers of metadata and pixels are the judges."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import exifread
import piexif
import pytest
from PIL import Image, ImageChops, ImageCms, ImageOps, PngImagePlugin

from labelvc.codec import pictures
from labelvc.core import turning
from labelvc.errors import DataError
from tests.killing import every_write
from tests.zoo import Zoo, answer, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
PHOTOS = Path(os.environ.get("LABELVC_TEST_DATA", "nowhere")) / "bccd-voc/BCCD/JPEGImages"
pytestmark = pytest.mark.filterwarnings("ignore:Image appears to be a malformed MPO file")
SECRETS = (
    b"Ada Lovelace",
    b"GPSLatitude",
    b"Hasselblad",
    b"xmpmeta",
    b"8BIM",
    b"trailer of a telephone",
    b"JFXX",
    b"thumbnail",
)


def drawing(width: int = 96, height: int = 64) -> Image.Image:
    """Return a picture in which every orientation looks different."""
    image = Image.radial_gradient("L").resize((width, height)).convert("RGB")
    image.paste((250, 30, 30), (0, 0, width // 3, height // 4))
    image.paste((20, 200, 60), (width - width // 4, 0, width, height // 2))
    return image


def exif(orientation: int = 1) -> bytes:
    thumbnail = io.BytesIO()
    drawing(32, 32).save(thumbnail, "JPEG")
    return bytes(
        piexif.dump(
            {
                "0th": {piexif.ImageIFD.Orientation: orientation, piexif.ImageIFD.Artist: b"Ada Lovelace", piexif.ImageIFD.Make: b"Hasselblad"},
                "Exif": {piexif.ExifIFD.DateTimeOriginal: b"2026:03:01 09:12:44"},
                "GPS": {piexif.GPSIFD.GPSLatitudeRef: b"N", piexif.GPSIFD.GPSLatitude: ((52, 1), (31, 1), (12, 1)), piexif.GPSIFD.GPSLongitude: ((13, 1), (24, 1), (18, 1))},
                "1st": {}, "thumbnail": thumbnail.getvalue(),
            }
        )
    )  # fmt: skip


def segment(kind: int, body: bytes) -> bytes:
    return bytes([0xFF, kind]) + (len(body) + 2).to_bytes(2, "big") + body


def photo(orientation: int = 1, source: Path | None = None, **words: Any) -> bytes:
    """Return a JPEG that tells a lot."""
    out = io.BytesIO()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.open(source) if source else drawing()
    image.save(out, "JPEG", exif=exif(orientation), icc_profile=profile, comment=b"Ada Lovelace", **words)
    raw = out.getvalue()
    more = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta GPSLatitude='52'/>") + segment(
        0xED, b"Photoshop 3.0\x008BIM Ada Lovelace"
    )
    more += segment(0xE0, b"JFXX\0\x10thumbnail") + segment(0xE2, b"MPF\0Ada Lovelace") + segment(0xE4, b"Hasselblad")
    return raw[:2] + more + raw[2:] + b"trailer of a telephone" + out.getvalue()


def drawn(orientation: int = 1) -> bytes:
    """Return a PNG that tells a lot."""
    out, told = io.BytesIO(), PngImagePlugin.PngInfo()
    told.add_text("Author", "Ada Lovelace")
    told.add_text("Comment", "Ada Lovelace", zip=True)
    told.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>GPSLatitude</x:xmpmeta>")
    drawing().save(out, "PNG", pnginfo=told, exif=exif(orientation)[6:])
    return out.getvalue() + b"trailer of a telephone"


def pixels(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def empty(data: bytes) -> None:
    """Hold a picture to it that three other readers find nothing in it."""
    assert not [secret for secret in SECRETS if secret in data]
    assert exifread.process_file(io.BytesIO(data), details=True) == {}
    image = pixels(data)
    assert dict(image.getexif()) == {}
    assert set(image.info) <= {
        "jfif",
        "jfif_version",
        "jfif_unit",
        "jfif_density",
        "icc_profile",
        "progressive",
        "progression",
        "dpi",
    }
    if image.format == "JPEG":
        assert all(value is None or value == {} for value in piexif.load(data).values())
        assert not pictures.places(data)


@pytest.mark.parametrize(
    "words", [{}, {"progressive": True}, {"quality": 100, "subsampling": 0}, {"restart_marker_blocks": 2}], ids=str
)
def test_nothing_is_left_in_a_jpeg_and_every_pixel_is(words: dict[str, Any]):
    data = photo(**words)
    assert pictures.places(data)
    assert exifread.process_file(io.BytesIO(data), details=True)
    clean = pictures.cleaned(data)
    empty(clean)
    assert pixels(clean).tobytes() == pixels(data).tobytes()
    assert pixels(clean).info["icc_profile"] == pixels(data).info["icc_profile"]
    assert pictures.cleaned(clean) == clean
    assert clean.endswith(b"\xff\xd9")


def test_nothing_is_left_in_a_png_and_every_pixel_is():
    data = drawn()
    assert pictures.places(data)
    clean = pictures.cleaned(data)
    empty(clean)
    assert pixels(clean).tobytes() == pixels(data).tobytes()
    assert pictures.cleaned(clean) == clean


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="LABELVC_TEST_DATA names no folder with bccd-voc/")
def test_real_photographs_stay_what_they_show():
    for path in sorted(PHOTOS.glob("*.jpg"))[:40]:
        data = path.read_bytes()
        clean = pictures.cleaned(data)
        assert pixels(clean).tobytes() == pixels(data).tobytes()
        assert pictures.size(data) == pixels(data).size
        told = pictures.cleaned(photo(1, path, quality=90))
        empty(told)


@pytest.mark.parametrize("at", [0.0, 0.1, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("make", [photo, drawn])
def test_a_picture_that_is_cut_is_refused_not_written(make: Callable[[], bytes], at: float):
    data = make().removesuffix(b"trailer of a telephone").partition(b"trailer of a telephone")[0]
    with pytest.raises(DataError):
        pictures.cleaned(data[: int(len(data) * at)])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_point_goes_where_pillow_puts_its_pixel(orientation: int):
    image = Image.new("L", (12, 8))
    image.putpixel((9, 2), 255)
    image.getexif()[0x0112] = orientation
    seen = ImageOps.exif_transpose(image)
    (place,) = [(x, y) for x in range(seen.width) for y in range(seen.height) if seen.getpixel((x, y))]
    assert turning.turned({"box": [9, 2, 1, 1]}, orientation, 12, 8)["box"] == [*place, 1, 1]
    middle = turning.turned({"polygon": [[9.5, 2.5]]}, orientation, 12, 8)["polygon"]
    assert middle == [[place[0] + 0.5, place[1] + 0.5]]


@pytest.mark.parametrize("make", [photo, drawn])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_with_its_boxes(
    zoo: Zoo, labelvc: Run, tmp_path: Path, orientation: int, make: Callable[..., bytes]
):
    data = make(orientation, quality=95, subsampling=0) if make is photo else make(orientation)
    (tmp_path / "b.jpg").write_bytes(data)
    zoo.put("pictures/b.jpg#", {"id": "b.jpg", "media": {"height": 64, "path": "b.jpg", "width": 96}})
    zoo.commit("Size")
    words = ("media", "add", str(tmp_path / "b.jpg"), "--dataset", "pictures")
    if orientation in (2, 3, 4):
        code, _, err = labelvc(zoo.folder, *words)
        assert (code, "--shapes stored" in err) == (1, True)
        assert zoo.git("status", "--porcelain") == ""
        words = (*words, "--shapes", "stored")
    code, out, err = labelvc(zoo.folder, *words)
    assert code == 0, err
    clean = zoo.read("datasets/pictures/media/b.jpg")
    empty(clean)
    wanted = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert pixels(clean).size == wanted.size
    far = max(
        high for _, high in ImageChops.difference(pixels(clean).convert("RGB"), wanted.convert("RGB")).getextrema()
    )
    assert far <= (0 if make is drawn or orientation == 1 else 12)
    digest = hashlib.sha256(clean).hexdigest()
    size = {"width": wanted.width, "height": wanted.height}
    assert zoo.row("pictures/b.jpg#")["media"] == {"path": "b.jpg", **size, "sha256": digest}
    for name, box in {"x1": [10, 10, 20, 20], "x3": [80, 80, 20, 20]}.items():
        row = zoo.row(f"pictures/b.jpg#{name}")
        assert row["value"]["box"] == turning.turned({"box": box}, orientation, 96, 64)["box"]
        assert row["rev"] == 1 + (row["value"]["box"] != box)
    assert zoo.read("datasets/pictures/media.sha256").decode() == f"{digest}  media/b.jpg\n"
    assert digest[:10] in out
    before = [zoo.row(f"pictures/b.jpg#{name}") for name in ("x1", "x2", "x3")]
    assert labelvc(zoo.folder, *words)[0] == 0, "once more, and nothing is turned twice"
    assert [zoo.row(f"pictures/b.jpg#{name}") for name in ("x1", "x2", "x3")] == before


def test_shapes_that_were_drawn_on_what_is_seen_stay(zoo: Zoo, labelvc: Run, tmp_path: Path):
    (tmp_path / "b.jpg").write_bytes(photo(6))
    zoo.put("pictures/b.jpg#", {"id": "b.jpg", "media": {"height": 96, "path": "b.jpg", "width": 64}})
    assert labelvc(zoo.folder, "media", "add", str(tmp_path / "b.jpg"), "-D", "pictures")[0] == 0
    assert zoo.row("pictures/b.jpg#x1")["value"]["box"] == [10, 10, 20, 20]


def test_a_mask_stops_what_would_turn_without_it(zoo: Zoo, labelvc: Run, tmp_path: Path):
    (tmp_path / "b.jpg").write_bytes(photo(6))
    zoo.put("pictures/b.jpg#", {"id": "b.jpg", "media": {"height": 64, "path": "b.jpg", "width": 96}})
    zoo.put(
        "pictures/b.jpg#x9", answer("b.jpg", "x9", "where", {"label": "cat", "rle": {"counts": "1", "size": [64, 96]}})
    )
    code, _, err = labelvc(zoo.folder, "media", "add", str(tmp_path / "b.jpg"), "-D", "pictures")
    assert (code, "mask" in err) == (2, True)
    assert not (zoo.folder / "datasets/pictures/media").exists()


def test_a_new_picture_a_name_that_tells_and_what_is_no_picture(zoo: Zoo, labelvc: Run, tmp_path: Path):
    (tmp_path / "new.png").write_bytes(drawn())
    (tmp_path / "jo.public@firma.de.png").write_bytes(drawn())
    (tmp_path / "x.gif").write_bytes(b"GIF89a")
    assert labelvc(zoo.folder, "media", "add", str(tmp_path / "new.png"), "-D", "pictures")[0] == 0
    digest = hashlib.sha256(zoo.read("datasets/pictures/media/new.png")).hexdigest()
    assert zoo.row("pictures/new#")["media"] == {"height": 64, "path": "new.png", "sha256": digest, "width": 96}
    (tmp_path / "tall.png").write_bytes(drawn(6))
    code, out, _ = labelvc(zoo.folder, "media", "add", str(tmp_path / "tall.png"), "-D", "pictures")
    assert (code, out.endswith(" bytes of metadata left out, turned upright\n")) == (0, True)
    assert labelvc(zoo.folder, "check", "--all")[0] == 0
    for name, code in (("jo.public@firma.de.png", 1), ("x.gif", 2)):
        said = labelvc(zoo.folder, "media", "add", str(tmp_path / name), "-D", "pictures")
        assert said[0] == code
        assert "jo.public" not in said[1] + said[2]


def test_another_picture_does_not_take_the_place_of_the_one_that_was_labelled(zoo: Zoo, labelvc: Run, tmp_path: Path):
    source = tmp_path / "b.jpg"
    words = ("media", "add", str(source), "-D", "pictures")
    source.write_bytes(photo())
    raw = hashlib.sha256(source.read_bytes()).hexdigest()
    zoo.put("pictures/b.jpg#", {"id": "b.jpg", "media": {"path": "b.jpg", "sha256": raw}})
    assert labelvc(zoo.folder, *words)[0] == 0, "the very file; from now on its clean bytes are known"
    kept = zoo.read("datasets/pictures/media/b.jpg")
    assert zoo.row("pictures/b.jpg#")["media"]["sha256"] == hashlib.sha256(kept).hexdigest() != raw
    assert labelvc(zoo.folder, "media", "check", "--require")[:2] == (0, "1 same, 0 other, 0 absent, 0 unnamed\n")
    source.write_bytes(photo(quality=40))
    code, _, err = labelvc(zoo.folder, *words)
    assert (code, "another file than the one that was labelled" in err) == (1, True), err
    assert zoo.read("datasets/pictures/media/b.jpg") == kept


def test_through_dvc(zoo: Zoo, labelvc: Run, tmp_path: Path):
    zoo.store_in_dvc("pictures")
    (tmp_path / "b.jpg").write_bytes(photo())
    assert labelvc(zoo.folder, "media", "add", str(tmp_path / "b.jpg"), "-D", "pictures")[0] == 0
    assert (zoo.folder / "datasets/pictures/media.dvc").is_file()
    folder = zoo.folder / "datasets/pictures"
    assert subprocess.run(["sha256sum", "--check", "--quiet", "media.sha256"], cwd=folder, check=False).returncode == 0
    empty((folder / "media/b.jpg").read_bytes())


@pytest.mark.parametrize(("name", "make"), [("a.jpg", photo), ("a.png", drawn)])
def test_privacy_06_a_picture_that_says_where_it_was_taken_is_found(
    zoo: Zoo, labelvc: Run, name: str, make: Callable[[], bytes]
):
    zoo.write(f"datasets/pictures/media/{name}", make())
    zoo.git("add", "--all")
    code, out, _ = labelvc(zoo.folder, "privacy", "scan", "--format", "jsonl")
    found = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert ("privacy.place", "error") in [(row["rule"], row["severity"]) for row in found]
    zoo.write(f"datasets/pictures/media/{name}", pictures.cleaned(make()))
    zoo.git("add", "--all")
    assert labelvc(zoo.folder, "privacy", "scan")[0] == 0


@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.long)])
def test_a_kill_before_any_write_turns_no_shape_away_from_its_picture(
    zoo: Zoo, labelvc: Run, tmp_path: Path, step: int
):
    """What is there once the same command ran again is what is there without a kill: the rows of no picture stay behind."""
    (tmp_path / "b.jpg").write_bytes(photo(6))
    zoo.put("pictures/b.jpg#", {"id": "b.jpg", "media": {"height": 64, "path": "b.jpg", "width": 96}})
    zoo.commit("Size")
    words = ("media", "add", str(tmp_path / "b.jpg"), "--dataset", "pictures")
    out = tmp_path / "killed"
    out.mkdir()
    modules = ("labelvc.cli.media", "labelvc.ops.media", "PIL.Image", "PIL.JpegImagePlugin")
    copies = [Zoo(path) for path in every_write(zoo.folder, words, out, modules=modules, step=step)]
    turned = {name: copies[-1].row(f"pictures/b.jpg#{name}") for name in ("x1", "x2", "x3")}
    assert turned["x1"]["value"]["box"] == turning.turned({"box": [10, 10, 20, 20]}, 6, 96, 64)["box"]
    assert len(copies) > 3
    for copy in copies[:-1]:
        (copy.folder / ".git/index.lock").unlink(missing_ok=True)
        labelvc(copy.folder, "doctor", "--finish")
        code, _, err = labelvc(copy.folder, *words)
        assert code == 0, (copy, err)
        assert {name: copy.row(f"pictures/b.jpg#{name}") for name in turned} == turned, copy
