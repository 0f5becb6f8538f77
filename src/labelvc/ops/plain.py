"""Plain: personal data and secrets in shards, documents, other files and names, and which were there before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from labelvc.checks.interface import Rule
from labelvc.codec import canonical, shard
from labelvc.core import attributes as hidden
from labelvc.core import baseline, leaks
from labelvc.core.diff import decoded
from labelvc.core.gate import Gate
from labelvc.model import jsonpointer
from labelvc.model.detection import Span
from labelvc.model.finding import Finding, Place
from labelvc.model.names import Layer
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import deposits
from labelvc.ops import project as projects
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

RULE = "privacy."
_OID = b"oid sha256:"
HIDDEN = "privacy.hidden"
_AT_ONCE, _MOST_AT_ONCE = 2 << 20, 64
"""Bytes of lines, and shards, that are looked at together."""
RULES = (
    *[Rule(f"{RULE}{name}", "error", words.title, words.why) for name, words in leaks.RULES.items()],
    Rule(HIDDEN, "error", "Attribute hides data from a diff", "What a reviewer is not shown, nobody reviewed."),
    Rule(
        baseline.RULE,
        "error",
        "Exception that ended, or that nothing needs",
        "An exception that nobody looks at again hides the next value.",
    ),
)


def without_project(git: Git, gate: Gate, old: Snapshot, new: Snapshot) -> Iterator[Finding]:
    """Yield what stands in plain in files that changed where there is no labelvc.yaml, before or after: what is always looked for.

    Raises:
        StoreError: a file cannot be read.
    """
    paths = tree.changed(old, new)
    there = [path for path in paths if path in new.entries and not _media(path, new.entries[path])]
    yield from leaks.in_names(there, gate)
    with tree.reader(git) as reader:
        for path, data in reader.many([(path, new.entries[path]) for path in there]):
            yield from deposits.stored(git, gate, path, data)
    yield from deposits.leaking(git, gate, new, paths, old)


def standing(
    git: Git, gate: Gate, snapshot: Snapshot, paths: Iterable[str], old: Snapshot | None = None
) -> Iterator[Finding]:
    """Yield what stands in plain in files, and in their names.

    Bytes come from git's objects or the disk, never through `git diff` as it is, which `.gitattributes`, a `textconv` or one
    NUL byte make blind (gitleaks reads it).

    Args:
        git: the repository.
        gate: what judges.
        snapshot: where the files are.
        paths: those that are wanted; what is not in the snapshot is left out.
        old: the snapshot before: lines of shards that it has are left out, and values that a record held in that place
            already, whatever else of it changed.

    Yields:
        Findings.

    Raises:
        StoreError: a file cannot be read.
    """
    there = [path for path in paths if path in snapshot.entries]
    yield from leaks.in_names(there, gate)
    attributes = [path for path in there if path.rpartition("/")[2] == hidden.NAME]
    if attributes:
        yield from _hiding(git, snapshot, attributes)
    wanted = [path for path in there if not _media(path, snapshot.entries[path])]
    others = [(path, snapshot.entries[path]) for path in wanted if not shard.parse_path(path)]
    with tree.reader(git) as reader:
        for path, data in reader.many(others):
            yield from deposits.stored(git, gate, path, data)
    for fresh, _ in _in_shards(git, gate, None, old, snapshot, filter(shard.parse_path, wanted)):
        yield from fresh


def whole(git: Git, gate: Gate, snapshot: Snapshot) -> Iterator[Finding]:
    """Yield what stands in plain in all files of a snapshot, in what lies behind DVC here, and in their names.

    Raises:
        StoreError: a file cannot be read.
    """
    yield from standing(git, gate, snapshot, snapshot.entries)
    yield from deposits.leaking(git, gate, snapshot, snapshot.entries)


def between(
    git: Git, gate: Gate, former: Gate | None, old: Snapshot, new: Snapshot, paths: Collection[str]
) -> tuple[list[Finding], list[Finding]]:
    """Return what stands in plain after a change, as `standing` does, and what stood in lines of shards that it took away.

    What both sides of a shard have in common is looked at once.

    Args:
        git: the repository.
        gate: what judges.
        former: what judged before; None where nobody asks for what went.
        old: the snapshot before.
        new: the snapshot after.
        paths: files that differ.

    Raises:
        StoreError: a file cannot be read.
    """
    shards = [path for path in paths if shard.parse_path(path)]
    come = list(standing(git, gate, new, [path for path in paths if not shard.parse_path(path)], old))
    come += leaks.in_names([path for path in shards if path in new.entries], gate)
    come += deposits.leaking(git, gate, new, paths, old)
    gone = [] if former is None else list(leaks.in_names([path for path in shards if path in old.entries], former))
    for fresh, left in _in_shards(git, gate, former, old, new, shards):
        come += fresh
        gone += left
    return come, gone


class _Sides(NamedTuple):
    """A shard before and after.

    Attributes:
        path: its path.
        gone, come: the lines that one side has and the other has not; empty where nobody asks for what went.
        read: returns the bytes of both sides, empty where it is not there.
    """

    path: str
    gone: bytes
    come: bytes
    read: Callable[[], tuple[bytes, bytes]]


def _in_shards(
    git: Git, gate: Gate, former: Gate | None, old: Snapshot | None, new: Snapshot, paths: Iterable[str]
) -> Iterator[tuple[list[Finding], list[Finding]]]:
    """Yield what stands in plain in lines of shards that came, and in those that went where somebody judges them.

    Between two commits git tells the lines, made to tell all of them whatever attributes say, and for whoever asks next; in
    what it tells nothing is overlooked, and where something is found both sides are read.
    """
    with tree.reader(git) as reader:
        if old is not None and {old.kind, new.kind} == {"commit"}:
            found = _told(git, reader, old, new, frozenset(paths))
        else:
            found = _sides(reader, old, new, paths)
        some, weight = list[_Sides](), 0
        for sides in found:
            if _OID in sides.come:
                deposits.refuse(sides.path, sides.read()[1])
            some.append(sides)
            weight += len(sides.gone) + len(sides.come)
            if weight >= _AT_ONCE or len(some) >= _MOST_AT_ONCE:
                yield _judged(some, gate, former)
                some, weight = [], 0
        yield _judged(some, gate, former)


def _told(git: Git, reader: Reader, old: Snapshot, new: Snapshot, paths: Collection[str]) -> Iterator[_Sides]:
    """Yield the shards of two commits in which lines differ, read only where that is needed."""
    for change in tree.changes(git, old, new):
        if change.path in paths:
            read = partial(_both, reader, change.path, old.entries.get(change.path), new.entries.get(change.path))
            yield _Sides(change.path, b"\n".join(change.old), b"\n".join(change.new), read)


def _both(reader: Reader, path: str, *entries: Entry | None) -> tuple[bytes, bytes]:
    before, after = [reader.read(path, entry) if entry else b"" for entry in entries]
    return before, after


def _sides(reader: Reader, old: Snapshot | None, new: Snapshot, paths: Iterable[str]) -> Iterator[_Sides]:
    asked = [(path, old.entries.get(path) if old else None, new.entries.get(path)) for path in paths]
    read = reader.many([(path, entry) for path, *entries in asked for entry in entries if entry])
    for path, one, two in asked:
        sides = next(read)[1] if one else b"", next(read)[1] if two else b""
        yield _Sides(path, _without(*sides), _without(*sides[::-1]), _at_hand(sides))


def _at_hand(sides: tuple[bytes, bytes]) -> Callable[[], tuple[bytes, bytes]]:
    return lambda: sides


def _judged(some: Sequence[_Sides], gate: Gate, former: Gate | None) -> tuple[list[Finding], list[Finding]]:
    come = [leaks.pieces(one.come, leaks.beginnings(one.gone)) for one in some]
    gone = [leaks.pieces(one.gone, leaks.beginnings(one.come)) for one in some] if former else []
    alike = former is not None and gate.alike(former)
    told = leaks.telling(_all([*come, *gone] if alike else come), gate)
    fresh = [
        found
        for one, said in zip(some, come, strict=True)
        if said is None or not told.keys().isdisjoint(said)
        for found in _of_shard(one.path, *one.read()[::-1], gate, told)
    ]
    if former is None:
        return fresh, []
    told = told if alike else leaks.telling(_all(gone), former)
    return fresh, [
        found
        for one, said in zip(some, gone, strict=True)
        if said is None or not told.keys().isdisjoint(said)
        for found in _of_shard(one.path, *one.read(), former, told)
    ]


def _all(pieces: Iterable[set[str] | None]) -> set[str]:
    return set[str]().union(*filter(None, pieces))


def _of_shard(
    path: str, data: bytes, other: bytes, gate: Gate, told: Mapping[str, tuple[Span, ...]]
) -> Iterator[Finding]:
    """Yield what stands in plain in the lines of a shard that its other side has not, but for what was there already."""
    home = shard.parse_path(path)
    if home:
        found = leaks.in_shard(path, _without(data, other), _keys(data, *home[:2]), gate, told)
        yield from _fresh(found, data, other, home[:2], gate)


def _hiding(git: Git, snapshot: Snapshot, attributes: Iterable[str]) -> Iterator[Finding]:
    """Yield lines of `.gitattributes` by which changes of shards or documents are not shown to those who review them."""
    data = [path for path in snapshot.entries if shard.parse_path(path) or projects.noun_of(path)]
    with tree.reader(git) as reader:
        for path, content in reader.many([(path, snapshot.entries[path]) for path in attributes]):
            folder = path.removesuffix(hidden.NAME)
            for line, attribute, example in hidden.hiding(content.decode(errors="replace"), folder, data):
                message = f"`{attribute}` keeps what changes in {example} from those who read a diff"
                yield Finding(HIDDEN, "error", Place(path, line), message, "take the line out", leaks.BY)


def _without(data: bytes, old: bytes) -> bytes:
    """Return lines with those left empty that were there before."""
    if not old:
        return data
    known = frozenset(old.split(b"\n"))
    return b"\n".join([b"" if line in known else line for line in data.split(b"\n")])


def _fresh(found: Iterable[Finding], data: bytes, old: bytes, home: tuple[str, Layer], gate: Gate) -> Iterator[Finding]:
    """Yield the findings whose value the record or item did not hold before in the same place: history keeps the others already.

    The line tells whose it is: an id that holds a value itself is shown in no finding.
    """
    lines: list[bytes] = []
    for one in found:
        lines = lines or data.split(b"\n")
        line = lines[one.place.line - 1] if old and one.place.line and one.place.pointer else b""
        key = shard.key_of(line, *home) if line else None
        before = shard.find(old, key) if key else None
        now, then = [_values(side, one, gate) for side in (line, before)]
        if not now or not now <= then:
            yield one


def _values(line: bytes | None, found: Finding, gate: Gate) -> set[str]:
    """Return what stands in plain in the member of a finding by its rule, read with the member's name as it stands in a line."""
    value = jsonpointer.reach(decoded(line), found.place.pointer) if line else None
    if not isinstance(value, str | int | float):
        return set()
    member = {jsonpointer.steps(found.place.pointer)[-1]: value}
    return leaks.values(canonical.encode(member), found.rule, gate)


def _keys(data: bytes, dataset: str, layer: Layer) -> Callable[[int], str]:
    """Return what tells the key of a line, empty when it cannot be read."""
    lines = data.split(b"\n")
    return lambda at: str(shard.key_of(lines[at], dataset, layer) or "")


def same(git: Git, old: Snapshot, new: Snapshot, findings: Iterable[Finding], before: list[Finding]) -> list[Finding]:
    """Return the findings of before without those whose line is another one now.

    A finding shows no value, so two of one place look alike: another address in the place of one that was there is new.

    Args:
        git: the repository.
        old: the snapshot the change starts from.
        new: the snapshot to judge.
        findings: what is found now.
        before: what was found before.

    Raises:
        StoreError: a file cannot be read.
    """
    now = [found for found in findings if found.rule.startswith(RULE)]
    paths = {found.place.path for found in now}
    if not any(found.rule.startswith(RULE) and found.place.path in paths for found in before):
        return before
    kept = []
    with tree.reader(git) as reader:
        ours, theirs = _Lines(reader, new), _Lines(reader, old)
        stayed = Counter([(found.fingerprint, ours.of(found.place)) for found in now])
        for found in before:
            if found.rule.startswith(RULE) and found.place.path in paths:
                one = found.fingerprint, theirs.of(found.place)
                if stayed[one] <= 0:
                    continue
                stayed[one] -= 1
            kept.append(found)
    return kept


class _Lines:
    """The lines of files of a snapshot."""

    def __init__(self, reader: Reader, snapshot: Snapshot) -> None:
        self._reader, self._entries = reader, snapshot.entries
        self._read: dict[str, tuple[list[bytes], frozenset[bytes]]] = {}

    def of(self, place: Place) -> frozenset[bytes]:
        """Return the line at a place; all lines of the file when it tells none, or when its lines are not those of its bytes."""
        if place.path not in self._read:
            lines = self._lines(place.path)
            self._read[place.path] = lines, frozenset(lines)
        lines, whole = self._read[place.path]
        return frozenset([lines[place.line - 1]]) if 0 < place.line <= len(lines) else whole

    def _lines(self, path: str) -> list[bytes]:
        entry = self._entries.get(path)
        data = self._reader.read(path, entry) if entry else b""
        return [data] if b"\0" in data else data.split(b"\n")


def _media(path: str, entry: Entry) -> bool:
    """Tell whether a file is a media file behind DVC: there may be terabytes of them."""
    return entry.kind == "dvc" and not path.endswith(".jsonl")
