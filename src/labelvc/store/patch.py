"""Changed lines as values: read from git's patch text, or found by walking two versions of a file side by side."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from labelvc.errors import StoreError
from labelvc.model.snapshot import FileChange

# Compiled where they are used first: not every command that lists files reads patches.
_HUNK = rb"(?m)^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@"
_ESCAPE = rb"(?s)\\([0-3][0-7]{2}|.)"
_ESCAPES = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_D, _AT, _MINUS, _PLUS = b"d@-+"
_BLOCK = 4096
_DENSE = 64
_NEAR = 32  # bytes: a step nearer to the first that differs costs more than a line compared in vain, now and then


def read(stream: Iterable[bytes]) -> Iterator[FileChange]:
    """Yield the changed lines of each file of a patch without context, as it arrives.

    Every line of a hunk bears its sign, and what looks like a sign in a header stands between `diff --git` and the first
    `@@`, so content is never taken for a header. The counts in the `@@` lines must come out. Source: git's
    Documentation/diff-generate-patch.txt.

    Args:
        stream: the lines of `git diff-tree -p -U0 --text`, each with its `\\n`, an empty one counting for none; names carry
            the prefixes `a/` and `b/`.

    Yields:
        A change for each file that has changed lines; a line that only moved or only gained its `\\n` is none.

    Raises:
        StoreError: a patch that breaks off or is none.
    """
    hunks, old, new = list[bytes](), list[bytes](), list[bytes]()
    for line in filter(None, stream):
        sign = line[0]
        if sign == _MINUS:
            old.append(line)
        elif sign == _PLUS:
            new.append(line)
        elif sign == _AT:
            hunks.append(line)
        elif sign == _D and line.startswith(b"diff --git "):
            yield from _change(hunks, old, new)
            hunks, old, new = [], [], []
    yield from _change(hunks, old, new)


def walk(path: str, old: bytes, new: bytes) -> FileChange:
    """Return the lines that differ between two versions of a file; both are normally sorted by their bytes.

    Equal stretches are skipped by comparing blocks of bytes, so the cost follows the changes and not the size.
    Every skipped line has its equal on the other side, so what is left, less what is on both sides, is the exact
    difference of the two bags of lines even when a file is not sorted.

    Args:
        path: name to give the change.
        old: whole bytes before.
        new: whole bytes after.

    Returns:
        The change, with empty lists when no line differs.
    """
    if old == new:
        return FileChange(path, [], [])
    gone: list[bytes] = []
    come: list[bytes] = []
    whole = memoryview(old)
    at, to = 0, 0
    while at < len(old) and to < len(new):
        same = _common(old, whole, at, new, to)
        at, to = at + same, to + same
        if at == len(old) or to == len(new):
            break
        ours, at_end = _line(old, at)
        theirs, to_end = _line(new, to)
        if ours == theirs:
            at, to = at_end, to_end
        elif _line(old, at_end)[0] == _line(new, to_end)[0]:  # a line that was changed where it stands, as most are
            gone.append(ours)
            come.append(theirs)
            at, to = at_end, to_end
        elif ours < theirs:
            gone.append(ours)
            at = at_end
        else:
            come.append(theirs)
            to = to_end
        if len(gone) + len(come) > _DENSE and same < _BLOCK:
            break
    gone += _lines(old[at:])
    come += _lines(new[to:])
    return FileChange(path, *_apart(gone, come))


def _change(hunks: list[bytes], old: list[bytes], new: list[bytes]) -> Iterator[FileChange]:
    """Yield the change of one file, if lines of it differ; the first of its old lines and of its new ones are its names."""
    counts = re.findall(_HUNK, b"".join(hunks))
    gone = come = 0
    for one, two in counts:
        gone += int(one) if one else 1
        come += int(two) if two else 1
    if not hunks and not old and not new:
        return
    if len(counts) != len(hunks) or (gone, come) != (len(old) - 1, len(new) - 1):
        raise StoreError("git broke off in the middle of a patch", hint="git fsck")
    path = old[0] if new[0] == b"+++ /dev/null\n" else new[0]
    old, new = _apart([line[1:-1] for line in old[1:]], [line[1:-1] for line in new[1:]])
    if old or new:
        yield FileChange(_name(path[4:-1]), old, new)


def _name(raw: bytes) -> str:
    """Return a path from a header, without `a/`."""
    return unquoted(raw)[2:]


def unquoted(raw: bytes) -> str:
    """Return a path as git prints it in a patch, unquoted as C does (quote.c) and without the tab that guards spaces."""
    quoted = raw.startswith(b'"')
    plain = re.sub(_ESCAPE, _unescape, raw[1 : raw.rindex(b'"')]) if quoted else raw.removesuffix(b"\t")
    return plain.decode("utf-8", "surrogateescape")


def _unescape(found: re.Match[bytes]) -> bytes:
    code = found[1]
    return bytes([int(code, 8)]) if len(code) > 1 else _ESCAPES.get(code, code)


def _apart(old: list[bytes], new: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Take away what is on both sides, as often as it is on both, keeping the order."""
    if not old or not new or set(old).isdisjoint(new):
        return old, new
    both = Counter(old) & Counter(new)
    return _without(old, both.copy()), _without(new, both)


def _without(lines: list[bytes], taken: Counter[bytes]) -> list[bytes]:
    left = []
    for line in lines:
        if taken[line]:
            taken[line] -= 1
        else:
            left.append(line)
    return left


def _common(old: bytes, whole: memoryview, at: int, new: bytes, to: int) -> int:
    """Return the length of the whole lines that both have alike from here on; `whole` is the old version, looked at in place."""
    start, size, most = at, _BLOCK, min(len(old) - at, len(new) - to)
    while size <= most and new.startswith(whole[at : at + size], to):
        at, to, most = at + size, to + size, most - size
        size = min(size * 2, 1 << 20)
    low, high = 0, min(size, most)
    while high - low > _NEAR:
        middle = (low + high + 1) // 2
        if new.startswith(whole[at + low : at + middle], to + low):
            low = middle
        else:
            high = middle - 1
    found = old.rfind(b"\n", start, at + low)
    return found + 1 - start if found >= 0 else 0


def _line(data: bytes, at: int) -> tuple[bytes, int]:
    end = data.find(b"\n", at)
    return (data[at:], len(data)) if end < 0 else (data[at:end], end + 1)


def _lines(data: bytes) -> list[bytes]:
    found = data.split(b"\n")
    if not found[-1]:
        found.pop()
    return found
