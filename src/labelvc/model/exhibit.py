"""An exhibit: an example of a change with the text or picture that it is about, as a value."""

# No `from __future__ import annotations`: msgspec would compile and evaluate the text of each at every start.

from typing import Literal

import msgspec

from labelvc.model.change import Kind

Sign = Literal["+", "-", "="]


class Moved(msgspec.Struct, frozen=True):
    """A field that changed, in words: its JSON pointer, the value before and after."""

    pointer: str
    old: str
    new: str


class Passage(msgspec.Struct, frozen=True):
    """A text around what is marked in it; the sign tells whether the mark is the old one, the new one or both."""

    sign: Sign
    before: str
    marked: str
    after: str


class Box(msgspec.Struct, frozen=True):
    """A box on a picture in pixels: there before (`-`), there now (`+`), or on both sides (`=`)."""

    sign: Sign
    label: str
    x: float
    y: float
    width: float
    height: float


class Picture(msgspec.Struct, frozen=True):
    """A picture with its boxes.

    Attributes:
        path: in the dataset's media folder.
        width, height: in pixels, as the item says, or as far as the boxes reach.
        digest: `sha256:` of the bytes shown; empty where there are none.
        why: why there are none; empty where there are.
        boxes: the boxes of the item, what differs last; `more` others are not listed.
        differing: how many differ; one that changed is there twice, as it was and as it is.
        total: how many there are.
    """

    path: str
    width: int
    height: int
    digest: str
    why: str
    boxes: tuple[Box, ...]
    more: int
    differing: int
    total: int


class Example(msgspec.Struct, frozen=True):
    """One record that went a way: its key, how it changed, who made it, which fields went to what, and what it is about."""

    key: str
    kind: Kind
    by: str
    fields: tuple[Moved, ...]
    passages: tuple[Passage, ...]
    picture: Picture | None
