"""Licences of COCO: an image's `license`, a name or the number of one in the file's list, becomes the item's, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from labelvc.codec import canonical

_MEMBER = "license"


class Licences:
    """The list `licenses` of a file: names and the numbers that stand for them.

    Args:
        listed: the list, or whatever stands in its place.
    """

    def __init__(self, listed: Any) -> None:
        rows = [
            one
            for one in (listed if isinstance(listed, list) else ())
            if isinstance(one, dict) and "id" in one and _says(one.get("name"))
        ]
        self._names: dict[bytes, str] = {canonical.encode(one["id"]): one["name"] for one in rows}
        once = Counter(self._names.values())
        self._numbers = {one["name"]: one["id"] for one in rows if once[one["name"]] == 1}

    def taken(self, image: dict[str, Any]) -> dict[str, str]:
        """Take the licence out of an image, unless writing would spell it otherwise than the image does.

        Args:
            image: members of the image; the licence is removed where the item says all of it.

        Returns:
            The item's member `licence`, or nothing: `null`, a blank and a number that nothing stands for are no licence.
        """
        said = image.get(_MEMBER)
        name = self._name(said)
        if not name:
            return {}
        if canonical.encode(self._spelled(name)) == canonical.encode(said):
            del image[_MEMBER]
        return {"licence": name}

    def given(self, item: Mapping[str, Any], image: Mapping[str, Any]) -> dict[str, Any]:
        """Return the members of an image with the licence of its item, the inverse of `taken`."""
        name = item.get("licence")
        if name is None or self._name(image.get(_MEMBER)) == name:
            return dict(image)
        return {**image, _MEMBER: self._spelled(name)}

    def _name(self, said: Any) -> str:
        if isinstance(said, str):
            return said if _says(said) else ""
        return self._names.get(canonical.encode(said), "")

    def _spelled(self, name: str) -> Any:
        return self._numbers.get(name, name)


def _says(name: Any) -> bool:
    return isinstance(name, str) and bool(name.strip())
