"""Who last changed each field, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice

import msgspec

from labelvc.cli.render import json, text
from labelvc.model.commit import Commit
from labelvc.ops.blame import Blamed, Makers

_AT_ONCE = 32
_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines


def blame(found: Iterable[Blamed], *, color: bool) -> Iterator[str]:
    """Yield each record with the last commit of each of its fields."""
    for key, fields in found:
        origins = list(fields)
        yield f"{text.paint(text.safe(str(key)), 'bold', on=color)}\n"
        names = [text.safe(origin.pointer) for origin in origins]
        values = [text.short(origin.value) for origin in origins]
        wide, broad = max(map(len, names), default=0), min(40, max(map(len, values), default=0))
        for name, value, origin in zip(names, values, origins, strict=True):
            commit = origin.commit
            author = text.safe(commit.author.name)
            yield f"  {name.ljust(wide)}  {value.ljust(broad)}  {commit.id[:10]} {commit.authored[:10]} {author}: {text.safe(commit.subject)}\n"


def items(found: Iterable[Blamed]) -> Iterator[json.Item]:
    """Yield each field of each record as `blame` prints it in JSON."""
    known: dict[str, json.Item] = {}
    for key, origins in found:
        for pointer, value, commit, by in origins:
            if commit.id not in known:
                known[commit.id] = json.commit(commit)
            yield {"key": str(key), "pointer": pointer, "value": value, "commit": known[commit.id], "by": by}


def lines(found: Iterable[Blamed]) -> Iterator[str]:
    """Yield what `json.lines` makes of `items`, many records at once.

    Only key and values differ between two records whose fields the same commits set: the rest is encoded once for all.
    """
    rest = iter(found)
    while some := list(islice(rest, _AT_ONCE)):
        pieces: list[bytes] = []
        for key, fields in some:
            row = _frame(fields.makers).copy()
            row[1::4] = [_encode(str(key))] * len(fields.values)
            row[3::4] = _encode_lines(fields.values).splitlines()
            pieces += row
        yield b"".join(pieces).decode()


@lru_cache(maxsize=1 << 12)
def _frame(makers: Makers) -> list[bytes]:
    """Return what stands around the key and the value of each field in its line; empty where those two belong."""
    known: dict[tuple[str, str], bytes] = {}
    found = [b'{"key":']
    for pointer, commit, by in zip(makers.pointers, makers.commits, makers.by, strict=True):
        end = known.get((commit.id, by))
        if end is None:
            end = known[commit.id, by] = b',"commit":%b,"by":%b}\n{"key":' % (_commit_line(commit), _encode(by))
        found += [b"", b',"pointer":%b,"value":' % _encode(pointer), b"", end]
    found[-1] = found[-1].removesuffix(b'{"key":')
    return found


@lru_cache(maxsize=1 << 12)
def _commit_line(commit: Commit) -> bytes:
    return _encode(json.commit(commit))
