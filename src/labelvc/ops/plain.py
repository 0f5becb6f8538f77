"""Plain: personal data and secrets in shards, documents, other files and names, and which were there before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from labelvc.checks.interface import Rule
from labelvc.codec import canonical, shard
from labelvc.core import attributes as hidden
from labelvc.core import baseline, leaks
from labelvc.core.diff import decoded
from labelvc.core.gate import Gate
from labelvc.model import jsonpointer
from labelvc.model.finding import Finding, Place
from labelvc.model.names import Layer
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import project as projects
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

RULE = "privacy."
HIDDEN = "privacy.hidden"
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
            yield from leaks.in_file(path, data, gate)


def standing(
    git: Git, gate: Gate, snapshot: Snapshot, paths: Iterable[str], old: Snapshot | None = None
) -> Iterator[Finding]:
    """Yield what stands in plain in files, and in their names.

    Bytes come from git's objects or the disk, never through `git diff`, which `.gitattributes`, a `textconv` or one NUL byte
    make blind (gitleaks reads it).

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
    wanted = [(path, entry) for path in there if not _media(path, entry := snapshot.entries[path])]
    if not wanted:
        return
    earlier = {} if old is None else {path: old.entries[path] for path, _ in wanted if path in old.entries}
    with tree.reader(git) as reader, tree.reader(git) as past:
        lines = past.many((path, entry) for path, entry in earlier.items() if shard.parse_path(path))
        for path, data in reader.many(wanted):
            found = shard.parse_path(path)
            if found:
                before = next(lines)[1] if path in earlier else b""
                told = leaks.in_shard(path, _without(data, before), _keys(data, *found[:2]), gate)
                yield from _fresh(told, data, before, found[:2], gate)
            else:
                yield from leaks.in_file(path, data, gate)


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
