"""Who last changed each field, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, islice, repeat

import msgspec

from labelvc.cli.render import json, text
from labelvc.core.attribution import Pointers
from labelvc.ops.blame import Blamed

_AT_ONCE = 32
_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines


def blame(found: Iterable[Blamed], *, color: bool) -> Iterator[str]:
    """Yield each record with the last commit of each of its fields."""
    for key, fields in found:
        origins = list(fields)
        yield f"{text.paint(text.named(str(key)), 'bold', on=color)}\n"
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


def lines(found: Iterable[Blamed]) -> Iterator[bytes]:
    """Yield what `json.lines` makes of `items`, many records at once; a commit and the pointers of a shape are encoded once."""
    known: dict[str, bytes] = {}
    rest = iter(found)
    while some := list(islice(rest, _AT_ONCE)):
        pieces: list[bytes] = []
        for key, fields in some:
            ends = []
            for commit, by in fields.sources:
                if commit.id not in known:
                    known[commit.id] = b',"commit":%b,"by":' % _encode(json.commit(commit))
                ends.append(b"%b%b}\n" % (known[commit.id], _encode(by)))
            values = _encode_lines(fields.values).splitlines()
            after = [ends[at] for at in fields.places]
            before = repeat(b'{"key":%b' % _encode(str(key)))
            pieces += chain.from_iterable(zip(before, _named(fields.pointers), values, after, strict=False))
        yield b"".join(pieces)


@lru_cache(maxsize=1 << 10)
def _named(pointers: Pointers) -> list[bytes]:
    """Return what stands before the value of each field in its line, from the pointer on."""
    return [b',"pointer":%b,"value":' % _encode(pointer) for pointer in pointers]
