"""Shards: which file an item lives in, and the lines and keys of such a file.

A shard is a file of canonical lines, sorted by their bytes, each ended by `\\n`; an empty shard is no file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from labelvc import digests
from labelvc.errors import ConfigurationError, DataError
from labelvc.model.names import Key, Layer

_STRING = rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
HEADS: Mapping[Layer, re.Pattern[bytes]] = {
    "annotations": re.compile(rb'\{"item":' + _STRING + rb',"id":' + _STRING),
    "items": re.compile(rb'\{"id":' + _STRING + rb"()"),
}
"""What a line of a layer begins with: its item and, of a record, its id. Equal heads of canonical lines are equal keys."""
LONGEST = 16 << 20
"""Longest line in bytes, as of a source: what is longer is looked at by its beginning only."""
_BEGINNING = 4096
_MARKERS = (b"<<<<<<< ", b"||||||| ", b"=======", b">>>>>>> ")
_PATH = re.compile(r"datasets/([^/]+)/(annotations|items)/(?:[0-3]{3}/)?([0-3]+)\.jsonl")
OWN_PATH = r"datasets/([^/\0]+)/(annotations|items)/(?:([0-3]{1,4})|([0-3]{3})/(\4[0-3]{2,}))\.jsonl"
"""Pattern of a shard's path where `path` puts it: dataset, layer, name, or folder and name in it."""
_OWN_PATH = re.compile(OWN_PATH)
_FLAT = 256
_FOLDER_DIGITS = 3


def digits(shards: int) -> int:
    """Return k for a number of shards 4^k.

    Args:
        shards: number of shards, a power of four from 4 to 4^10.

    Returns:
        Number of base-4 digits in a shard's name.

    Raises:
        ConfigurationError: it is no such number.
    """
    k = (shards.bit_length() - 1) // 2
    if not 1 <= k <= 10 or 4**k != shards:
        raise ConfigurationError(
            f"{shards} is not a possible number of shards", hint="use 4, 16, 64, 256, 1024 or 4096"
        )
    return k


def count_for(records: int, per_shard: int = 500) -> int:
    """Return the number of shards that holds so many records at most about `per_shard` each, 16 at least."""
    k = 2
    while 4**k * per_shard < records and k < 10:
        k += 1
    return 1 << 2 * k


def place(group: str, k: int) -> str:
    """Return the name of the shard a group belongs to: the first k base-4 digits of SHA-256(group).

    Base 4 because git picks delta bases by a hash of the path's last characters, in which hexadecimal names collide
    (builtin/pack-objects.c, `check_pbase_path`): a spread commit of 1,000 records pushed 21.5 MB with hexadecimal
    names and 80 KB with these.

    Args:
        group: item id, or what the dataset's `group` expression captures in it.
        k: number of digits.

    Returns:
        k characters of `0123`.
    """
    return spelled(number(group, k), k)


def number(group: str, k: int) -> int:
    """Return the place of a group as a number below 4^k: its k base-4 digits are the shard's name."""
    return int.from_bytes(digests.sha256_short(group.encode()).digest()[:4], "big") >> (32 - 2 * k)


def spelled(number: int, k: int) -> str:
    """Return a number below 4^k as k base-4 digits."""
    return "".join(["0123"[number >> shift & 3] for shift in range(2 * k - 2, -2, -2)])


def astray(items: Iterable[str], name: str, pattern: re.Pattern[str] | None) -> list[str]:
    """Return the items whose place is not the shard of this name; the loop of `place`, for many items at once."""
    if pattern is None:
        # the digests that begin with the shard's digits are one range
        here, shift, sha256 = int(name, 4), 32 - 2 * len(name), digests.sha256
        low = (here << shift).to_bytes(4, "big")
        high = ((here + 1 << shift) - 1).to_bytes(4, "big") + b"\xff" * 28
        return [item for item in items if not low <= sha256(item.encode()).digest() <= high]
    return [item for item in items if place(group_of(item, pattern), len(name)) != name]


def group_of(item: str, pattern: re.Pattern[str] | None) -> str:
    """Return the group of an item: the first capture of the dataset's `group` expression, else the item id itself."""
    if pattern is None:
        return item
    found = pattern.search(item)
    if found is None:
        return item
    return (found.group(1) if pattern.groups else found.group()) or item


def path(dataset: str, layer: Layer, name: str) -> str:
    """Return the path of a shard: flat up to 256 shards, above that fanned out by the first three digits."""
    folder = f"{name[:_FOLDER_DIGITS]}/" if 4 ** len(name) > _FLAT else ""
    return f"datasets/{dataset}/{layer}/{folder}{name}.jsonl"


def parse_path(path: str) -> tuple[str, Layer, str] | None:
    """Return (dataset, layer, shard name) of a shard's path, or None when the path is no shard."""
    found = _PATH.fullmatch(path)
    return (found[1], "items" if found[2] == "items" else "annotations", found[3]) if found else None


def own_path(path: str) -> tuple[str, Layer, str] | None:
    """Return what `parse_path` does, or None where `path` would put that shard elsewhere."""
    found = _OWN_PATH.fullmatch(path)
    return (found[1], "items" if found[2] == "items" else "annotations", found[3] or found[5]) if found else None


def own_paths(digits: Mapping[str, int]) -> re.Pattern[str]:
    """Return the pattern of the paths of all shards that some datasets may have.

    Args:
        digits: name of a dataset to the number of digits in the names of its shards.
    """
    ways = []
    for at, (dataset, k) in enumerate(digits.items()):
        flat, deep = f"[0-3]{{{k}}}", f"(?P<_{at}>[0-3]{{3}})/(?P=_{at})[0-3]{{{k - _FOLDER_DIGITS}}}"
        ways.append(rf"{re.escape(dataset)}/(?:annotations|items)/{flat if 4**k <= _FLAT else deep}\.jsonl")
    return re.compile(f"datasets/(?:{'|'.join(ways)})" if ways else "(?!)")


def lines(data: bytes) -> list[bytes]:
    """Return the lines of a shard without their `\\n`; a last line that lacks it is still a line."""
    found = data.split(b"\n")
    if not found[-1]:
        found.pop()
    return found


def shorten(data: bytes) -> tuple[bytes, frozenset[int]]:
    """Cut lines that are too long to their beginning, which holds their key.

    Args:
        data: bytes of a shard.

    Returns:
        The bytes to look at, and the 1-based numbers of the lines that were cut.
    """
    if len(data) <= LONGEST:
        return data, frozenset()
    found = lines(data)
    long = frozenset([number for number, line in enumerate(found, 1) if len(line) > LONGEST])
    if not long:
        return data, long
    kept = [line[:_BEGINNING] if number in long else line for number, line in enumerate(found, 1)]
    return b"\n".join(kept) + b"\n" * data.endswith(b"\n"), long


def write(lines: Iterable[bytes]) -> bytes:
    """Return a shard's bytes: the lines sorted by their bytes, each ended by `\\n`."""
    ordered = sorted(lines)
    return b"\n".join(ordered) + b"\n" if ordered else b""


def key_of(raw: bytes, dataset: str, layer: Layer = "annotations") -> Key | None:
    """Return the key of a line by looking at its first members only; None when they are not there."""
    found = HEADS[layer].match(raw)
    return None if found is None else key_in(found, dataset)


def key_in(head: re.Match[bytes], dataset: str) -> Key | None:
    """Return the key that a match of `HEADS` holds; None when its texts cannot be read."""
    item, identifier = head.groups()
    try:
        if b"\\" in item or b"\\" in identifier:
            return Key(dataset, text(item), text(identifier))
        return Key(dataset, item.decode(), identifier.decode())
    except (UnicodeError, json.JSONDecodeError):
        return None


def prefix(key: Key) -> bytes:
    """Return the bytes that the line of this key starts with."""
    item = json.dumps(key.item, ensure_ascii=False)
    if not key.id:
        return f'{{"id":{item}'.encode()
    return f'{{"item":{item},"id":{json.dumps(key.id, ensure_ascii=False)}'.encode()


def find(data: bytes, key: Key) -> bytes | None:
    """Return the line of a key in a shard's bytes, or None; decodes no line."""
    return next(starting(data, prefix(key)), None)


def find_item(data: bytes, item: str) -> list[bytes]:
    """Return the lines of all records of an item in a shard's bytes; decodes no line."""
    return list(starting(data, f'{{"item":{json.dumps(item, ensure_ascii=False)}'.encode()))


def starting(data: bytes, start: bytes) -> Iterator[bytes]:
    """Yield the lines of a shard's bytes that begin with some whole members; decodes no line."""
    at = 0 if data.startswith(start) else data.find(b"\n" + start) + 1
    while at or data.startswith(start):
        end = data.find(b"\n", at)
        line = data[at : end if end >= 0 else len(data)]
        if line[len(start) : len(start) + 1] in (b",", b"}"):
            yield line
        at = data.find(b"\n" + start, at) + 1
        if not at:
            return


def markers(data: bytes) -> Iterator[int]:
    """Yield the 1-based numbers of the lines that are git's conflict markers."""
    if not any(marker in data for marker in _MARKERS):
        return
    for number, line in enumerate(lines(data), 1):
        if line.startswith(_MARKERS):
            yield number


def text(raw: bytes) -> str:
    """Return the text whose JSON spelling stands between these quotation marks.

    Raises:
        UnicodeError: it holds half of a surrogate pair.
        json.JSONDecodeError: it is no JSON text.
    """
    value = json.loads(b'"' + raw + b'"')
    if not isinstance(value, str):
        raise DataError("not text")
    value.encode()  # a lone surrogate is no text: UnicodeEncodeError
    return value
