"""Outs: what a `.dvc` file or `dvc.lock` stands for, and the files that the listing of a DVC folder names, one after another.

Source of the formats: dvc `output.py` and `serialize.py` (`outs`, `files` of a versioned remote), dvc_data `hashfile/tree.py`
(a listing is JSON, sorted by `relpath`).
"""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from labelvc.codec import document
from labelvc.errors import DataError, StoreError
from labelvc.store import pointer

LOCK = "dvc.lock"
_MD5 = re.compile(r"[0-9a-f]{32}(?:\.dir)?")
_ADDED = re.compile(
    rb"outs:\n(?:- md5: '?[0-9a-f]{32}(?:\.dir)?'?\n(?:  (?:size|nfiles): [0-9]+\n|  hash: md5\n)*  path: [\w./ -]+\n)+"
)
"""A pointer as `dvc add` writes it; of many, a reader of YAML would take a millisecond each."""
_SUM = re.compile(rb"[0-9a-f]{32}(?:\.dir)?")
_ELSEWHERE = ("etag", "checksum", "version_id")
"""How a file is known that lies in no cache of DVC (`HashInfo` and `Meta` of dvc_data)."""
_ROW = re.compile(rb'\{[^{}"]*(?:"(?:[^"\\]|\\.)*"[^{}"]*)*\}')
_BETWEEN = re.compile(rb"\s*,\s*")
_BEGIN, _END = re.compile(rb"\s*\[\s*"), re.compile(rb"\s*\]\s*")


class Out(NamedTuple):
    """A file or folder that DVC keeps.

    Attributes:
        path: where it belongs, relative to the top of the project.
        md5: of its object; ends in `.dir` for a folder's listing.
    """

    path: str
    md5: str

    @property
    def folder(self) -> bool:
        """Whether the object is the listing of a folder."""
        return self.md5.endswith(".dir")


def lead(path: str) -> bool:
    """Tell whether a file leads to objects of DVC that are no shards."""
    return path.rpartition("/")[2] == LOCK or (path.endswith(".dvc") and not pointer.stands_for_shards(path))


def read(path: str, data: bytes) -> list[Out]:
    """Return what a `.dvc` file, or `dvc.lock`, stands for.

    Args:
        path: its path. What a `.dvc` file stands for is called as the file is, without its ending.
        data: its bytes.

    Raises:
        StoreError: it cannot be read, or leads to what lies in no cache of DVC: nobody can tell what is in that.
    """
    home, lock = path.removesuffix(".dvc"), not path.endswith(".dvc")
    if not lock and _ADDED.fullmatch(data):
        return [Out(home, md5.decode()) for md5 in _SUM.findall(re.sub(rb"(?m)^  .*", b"", data))]
    try:
        said = document.read(data, path)
    except DataError as error:
        raise StoreError(f"could not read a file of DVC: {error.message}", where=path, hint=_again(path)) from None
    stages = said.get("stages", said)
    parts = list(stages.values()) if lock and isinstance(stages, dict) else [said]
    found = [out for part in parts if isinstance(part, dict) for out in part.get("outs") or ()]
    folder = path.rpartition("/")[0]
    return [one for out in found for one in _stored(out, f"{folder}/{_name(out)}".lstrip("/") if lock else home, path)]


def _stored(out: Any, home: str, path: str) -> Iterator[Out]:
    """Yield the objects of one output; none where DVC keeps none of it."""
    told = out if isinstance(out, dict) else {}
    md5, files = told.get("md5"), told.get("files")
    if told.get("cache") is False:
        return
    if isinstance(md5, str) and _MD5.fullmatch(md5):
        yield Out(home, md5)
    elif md5 is None and isinstance(files, list) and files:
        for file in files:
            yield from _stored(file, f"{home}/{file.get('relpath')}" if isinstance(file, dict) else home, path)
    elif not isinstance(out, dict) or md5 is not None or any(name in told for name in _ELSEWHERE):
        raise StoreError("a file of DVC leads to what lies in no cache of DVC", where=path, hint=_again(path))


def _name(out: Any) -> str:
    return str(out.get("path")) if isinstance(out, dict) else ""


def _again(path: str) -> str:
    return f"dvc add {path.removesuffix('.dvc')}" if path.endswith(".dvc") else "dvc repro"


def listed(place: Path, folder: str) -> Iterator[tuple[str, str]]:
    """Yield name and md5 of the files that the listing of a folder names, in order; memory holds one at a time.

    Args:
        place: file of the listing.
        folder: path of the folder, for messages.

    Raises:
        StoreError: it is not as DVC writes it: a row that names no file below the folder or no md5, or not sorted.
    """
    with place.open("rb") as file:
        try:
            data: mmap.mmap | bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # of nothing there is no map
            data = b""
        yield from rows(data, folder)


def rows(data: mmap.mmap | bytes, folder: str) -> Iterator[tuple[str, str]]:
    """Yield what `listed` does, of bytes."""
    begun = _BEGIN.match(data)
    at, last, more = begun.end() if begun else -1, "", False
    while at >= 0:
        found = _ROW.match(data, at)
        if found is None:
            break
        name, md5 = _row(found[0])
        if name <= last or not md5:
            break
        yield name, md5
        last, between = name, _BETWEEN.match(data, found.end())
        more, at = between is not None, between.end() if between else found.end()
    end = _END.match(data, at) if at >= 0 else None
    if end is None or more or end.end() != len(data):
        raise StoreError("a DVC folder listing is broken", where=folder, hint="dvc pull --force")


def _row(data: bytes) -> tuple[str, str]:
    """Return name and md5 of a row; two empty texts where it is none."""
    try:
        row = json.loads(data)
        name, md5 = row["relpath"], row["md5"]
    except (ValueError, KeyError):
        return "", ""
    good = pointer.beneath(name) and isinstance(md5, str) and len(md5) == 32 and _MD5.fullmatch(md5)
    return (name, md5) if good else ("", "")


def fresh(now: Iterable[tuple[str, str]], before: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, bool]]:
    """Yield the rows of a sorted listing that another one does not have: name, md5, and whether the name is new too."""
    others = iter(before)
    other = next(others, None)
    for name, md5 in now:
        while other is not None and other[0] < name:
            other = next(others, None)
        known = other is not None and other[0] == name
        if not known or (other is not None and other[1] != md5):
            yield name, md5, not known
