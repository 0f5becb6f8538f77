"""Deposits: files behind DVC that are no shards, as far as a cache of this clone holds them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from labelvc.core import leaks
from labelvc.core.gate import Gate
from labelvc.model.finding import Finding
from labelvc.model.snapshot import Snapshot
from labelvc.store import pointer, tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_MD5 = re.compile(rb"md5: *['\"]?([0-9a-f]{32}(?:\.dir)?)")
_NAME = re.compile(r"[0-9a-f]{32}")
_BEGINNING = 8192
"""Bytes in which git looks for a NUL to tell what is no text (`buffer_is_binary` in `xdiff-interface.c`)."""
_MOST = 64 << 20
_listed = msgspec.json.Decoder(list[dict[str, str | int | bool | None]]).decode


def leaking(
    git: Git, gate: Gate, snapshot: Snapshot, paths: Iterable[str], old: Snapshot | None = None
) -> Iterator[Finding]:
    """Yield what stands in plain in files behind DVC pointers, and in their names; nothing is fetched for it.

    Pictures and other files that are no text are not read, nor are texts above 64 MiB.

    Args:
        git: the repository.
        gate: what judges.
        snapshot: where the pointers are.
        paths: those that are wanted, other files among them.
        old: the snapshot before: files that its pointers lead to are left out.

    Raises:
        StoreError: a pointer cannot be read.
    """
    pointers = [path for path in paths if _leads(path) and path in snapshot.entries]
    if not pointers or git.bare or git.far is not None:
        return
    cache = pointer.Cache(git)
    with tree.reader(git) as reader:
        before = frozenset(_behind(cache, reader, old, pointers) if old else ())
        fresh = [one for one in dict.fromkeys(_behind(cache, reader, snapshot, pointers)) if one not in before]
    known = {path for path, _ in before}
    yield from leaks.in_names([path for path, _ in fresh if path not in known], gate)
    for path, md5 in fresh:
        data = _text(cache.find(md5))
        for found in leaks.in_file(path, data, gate) if data else ():
            yield found._replace(message=f"{found.message} in DVC object {md5[:10]}")


def held(git: Git, reader: Reader, snapshot: Snapshot, path: str) -> bytes:
    """Return the bytes of a text behind a DVC pointer, empty where no cache of this clone holds it.

    Raises:
        StoreError: a pointer cannot be read.
    """
    if git.bare:
        return b""
    parts = path.split("/")
    above = ["/".join(parts[:count]) + ".dvc" for count in range(1, len(parts) + 1)]
    cache = pointer.Cache(git)
    wanted = [md5 for name, md5 in _behind(cache, reader, snapshot, filter(_leads, above)) if name == path]
    return b"\n".join([_text(cache.find(md5)) for md5 in wanted])


def _leads(path: str) -> bool:
    return path.endswith(".dvc") and not pointer.stands_for_shards(path)


def _behind(
    cache: pointer.Cache, reader: Reader, snapshot: Snapshot, pointers: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """Yield path to md5 of the files that pointers lead to; of a folder whose listing is not here none."""
    for path, data in reader.many([(path, snapshot.entries[path]) for path in pointers if path in snapshot.entries]):
        home = path.removesuffix(".dvc")
        for md5 in map(bytes.decode, _MD5.findall(data)):
            if not md5.endswith(".dir"):
                yield home, md5
            elif place := cache.find(md5):
                yield from [(f"{home}/{name}", member) for name, member in members(place.read_bytes())]


def members(listing: bytes) -> Iterable[tuple[str, str]]:
    """Return path and md5 of what the listing of a DVC folder names, but for what is no md5; nothing where it cannot be read."""
    try:
        rows = [(str(row["relpath"]), str(row["md5"])) for row in _listed(listing)]
        return [row for row in rows if _NAME.fullmatch(row[1])]
    except (msgspec.DecodeError, KeyError):
        return ()


def _text(place: Path | None) -> bytes:
    if place is None or place.stat().st_size > _MOST:
        return b""
    with place.open("rb") as file:
        start = file.read(_BEGINNING)
        return b"" if b"\0" in start else start + file.read()
