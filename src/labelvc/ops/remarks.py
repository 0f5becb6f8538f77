"""Remarks: what a person should know about an import that did nothing wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from labelvc.model.names import Layer

_TOLD = 8
_TEXT = rb'"(?:[^"\\\n]*+(?:\\.[^"\\\n]*+)*+)"'
_LINES = {
    "items": re.compile(rb'^\{"id":"source-\d+"', re.MULTILINE).findall,
    "annotations": re.compile(rb'^\{"item":' + _TEXT + rb',"id":"(?:[^"\n]*\.)?source-\d+"', re.MULTILINE).findall,
}


def riding(riders: Mapping[str, Layer], dataset: str) -> Iterator[str]:
    """Yield which columns everybody will be able to read: one may hold names that the person forgot about."""
    if riders:
        told = some([f"{pointer} of items" if layer == "items" else pointer for pointer, layer in riders.items()])
        cure = f"declare what identifies a person under sensitive in datasets/{dataset}/dataset.yaml and import again"
        yield f"stored as they stand, for everybody to read: {told}; {cure}"


def by_line(data: bytes, layer: Layer) -> int:
    """Count the lines of a shard whose item, or whose record's id, is that of a line of the source."""
    return len(_LINES[layer](data)) if b"source-" in data else 0


def unnamed(items: int, answers: int, *, keyed: bool) -> Iterator[str]:
    """Yield what a person should know where so many things are called by their line, the last resort of a reader."""
    renames = "so they are called by their line (source-2 ...): a line inserted in the source renames those below"
    if items and keyed:
        called = renames.replace("they are", f"{items:,} items are" if items > 1 else "1 item is")
        called = called if items > 1 else called.replace("their", "its", 1)
        yield f"several rows share their --key, or it is too long for a name or holds control characters, {called}"
    elif items:
        cure = "--key COL, or a sent_id in CoNLL-U, prevents it"
        yield f"nothing names {items:,} item{'s'[: items > 1]}, or they share a name, {renames}. {cure}"
    if answers:
        yield f"nothing names the answers, {renames}. A column `id` prevents it"


def some(names: Sequence[str]) -> str:
    """Return names as a list for people, the first eight of them."""
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(names[:_TOLD]) + more


def redacted(texts: int, values: int, *, traced: bool) -> Iterator[str]:
    """Yield what was taken out of texts, and whether anything leads back to it."""
    if texts:
        told = f"{values:,} value{'s'[: values > 1]} in {texts:,} text{'s'[: texts > 1]} replaced, with the labels on them moved"
        lost = (
            ""
            if traced
            else "; nothing here leads back to them, since there is no vault: labelvc vault new before the import"
        )
        yield told + lost


def waiting(number: int) -> str:
    """Say that rows wait to be sealed: of random and sealed fields, and of redacted texts."""
    return f"{number:,} row{'s'[: number > 1]} for the vault wait{'s'[: number == 1]} in its inbox: labelvc vault seal"
