"""Conflict markers: a shard with both sides of what could not be merged, written and read again.

The form is git's own with the base between (`merge.conflictStyle=diff3`), so that editors and `git rerere` know it; a
record that is not in conflict never stands between markers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from labelvc.codec import shard
from labelvc.errors import DataError
from labelvc.model.change import Conflict

SIZE = 7
_FEW = 32


class Block(NamedTuple):
    """What stands between a `<<<<<<<` and its `>>>>>>>`.

    Attributes:
        ours: lines of our side.
        base: lines of the common ancestor; None where the markers hold none (git's default style).
        theirs: lines of their side.
        line: 1-based number of the line the block begins with.
    """

    ours: tuple[bytes, ...]
    base: tuple[bytes, ...] | None
    theirs: tuple[bytes, ...]
    line: int = 0


class Torn(NamedTuple):
    """A shard with conflicts.

    Attributes:
        lines: lines outside of markers, in file order.
        blocks: what stands between markers.
    """

    lines: list[bytes]
    blocks: list[Block]


def weave(
    lines: Iterable[bytes],
    conflicts: Sequence[Conflict],
    names: tuple[str, str, str] = ("ours", "base", "theirs"),
    size: int = SIZE,
) -> bytes:
    """Return a shard's bytes with conflicts marked.

    Args:
        lines: the lines that are not in conflict, in any order.
        conflicts: what is.
        names: what markers call the sides: ours, base, theirs.
        size: length of a marker (gitattributes(5), `conflict-marker-size`).

    Returns:
        Lines in order of their bytes, each block where the first of its lines belongs.
    """
    if not conflicts:
        return shard.write(lines)
    rows = [(line, line) for line in lines]
    rows += [(_first(found), _block(found, names, size)) for found in conflicts]
    return b"\n".join([text for _, text in sorted(rows)]) + b"\n"


def read(data: bytes, where: str = "", size: int = SIZE) -> Torn:
    """Read a shard that may hold conflict markers, labelvc's own or those of git's text merge.

    Args:
        data: bytes of the shard.
        where: its path, for messages.
        size: length of a marker.

    Returns:
        The lines and blocks.

    Raises:
        DataError: markers do not pair.
    """
    marks = {mark * size: mark for mark in (b"<", b"|", b"=", b">")}
    lines, blocks = list[bytes](), list[Block]()
    parts: dict[bytes, list[bytes]] | None = None
    here, began = b"", 0
    for number, line in enumerate(shard.lines(data), 1):
        mark = marks.get(line.rstrip(b"\r")[:size], b"") if line.rstrip(b"\r")[size : size + 1] in (b"", b" ") else b""
        if not mark:
            (lines if parts is None else parts[here]).append(line)
        elif mark == b"<" and parts is None:
            parts, here, began = {b"<": []}, b"<", number
        elif parts is not None and mark in (b"|", b"=") and _follows(here, mark):
            parts[mark], here = [], mark
        elif parts is not None and mark == b">" and here == b"=":
            base = tuple(parts[b"|"]) if b"|" in parts else None
            blocks.append(Block(tuple(parts[b"<"]), base, tuple(parts[b"="]), began))
            parts = None
        else:
            raise _unpaired(where, number)
    if parts is not None:
        raise _unpaired(where, began)
    return Torn(lines, blocks)


def without(lines: Sequence[bytes], gone: Sequence[bytes]) -> list[bytes]:
    """Return lines less those that go, each as often as it goes; a few that go out of sorted lines are looked up in them."""
    kept = list(lines)
    for line in gone if len(gone) <= _FEW else ():
        at = bisect_left(kept, line)
        if at == len(kept) or kept[at] != line:
            break
        del kept[at]
    if len(kept) == len(lines) - len(gone):
        return kept
    left = Counter(gone)
    kept = []
    for line in lines:
        if left.get(line):
            left[line] -= 1
        else:
            kept.append(line)
    return kept


def _first(conflict: Conflict) -> bytes:
    return min((*conflict.ours, *conflict.theirs, *conflict.base))


def _block(conflict: Conflict, names: tuple[str, str, str], size: int) -> bytes:
    ours, base, theirs = [name.encode("utf-8", "surrogateescape") for name in names]
    return b"\n".join(
        [
            b"<" * size + b" " + ours, *conflict.ours,
            b"|" * size + b" " + base, *conflict.base,
            b"=" * size, *conflict.theirs,
            b">" * size + b" " + theirs,
        ]
    )  # fmt: skip


def _follows(here: bytes, mark: bytes) -> bool:
    return (here, mark) in {(b"<", b"|"), (b"<", b"="), (b"|", b"=")}


def _unpaired(where: str, number: int) -> DataError:
    return DataError("conflict markers do not pair", where=f"{where}:{number}", hint=f"git checkout --merge -- {where}")
