"""Plain: personal data and secrets in shards, documents, other files and names, and which were there before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from labelvc.checks.interface import Rule
from labelvc.codec import shard
from labelvc.core import leaks
from labelvc.model.finding import Finding
from labelvc.model.names import Layer
from labelvc.model.project import Project
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

RULE = "privacy."
RULES = tuple(Rule(f"{RULE}{name}", "error", words.title, words.why) for name, words in leaks.RULES.items())


def standing(
    git: Git, project: Project, snapshot: Snapshot, paths: Iterable[str], old: Snapshot | None = None
) -> Iterator[Finding]:
    """Yield what stands in plain in files, and in their names.

    Bytes come from git's objects or the disk, never through `git diff`, which `.gitattributes`, a `textconv` or one NUL byte
    make blind (gitleaks reads it).

    Args:
        git: the repository.
        project: says what is looked for.
        snapshot: where the files are.
        paths: those that are wanted; what is not in the snapshot is left out.
        old: the snapshot before: lines of shards that it has are left out.

    Yields:
        Findings.

    Raises:
        StoreError: a file cannot be read.
    """
    there = [path for path in paths if path in snapshot.entries]
    yield from leaks.in_names(there, project.leaks)
    wanted = [(path, entry) for path in there if not _media(path, entry := snapshot.entries[path])]
    if not wanted:
        return
    earlier = {} if old is None else {path: old.entries[path] for path, _ in wanted if path in old.entries}
    with tree.reader(git) as reader, tree.reader(git) as past:
        for path, data in reader.many(wanted):
            found = shard.parse_path(path)
            if found:
                fresh = _without(data, past.read(path, earlier[path])) if path in earlier else data
                yield from leaks.in_shard(path, fresh, _keys(data, *found[:2]), project.leaks)
            else:
                yield from leaks.in_file(path, data, project.leaks)


def _without(data: bytes, old: bytes) -> bytes:
    """Return lines with those left empty that were there before."""
    known = frozenset(old.split(b"\n"))
    return b"\n".join([b"" if line in known else line for line in data.split(b"\n")])


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
    paths = {found.place.path for found in findings if found.rule.startswith(RULE)}
    suspects = [found for found in before if found.rule.startswith(RULE) and found.place.path in paths]
    if not suspects:
        return before
    with tree.reader(git) as reader:
        lines = {
            path: (_lines(reader, old, path), frozenset(_lines(reader, new, path)))
            for path in sorted({one.place.path for one in suspects})
        }
    changed = {found for found in suspects if not _stayed(found, *lines[found.place.path])}
    return [found for found in before if found not in changed]


def _stayed(found: Finding, old: list[bytes], new: frozenset[bytes]) -> bool:
    number = found.place.line
    return old[number - 1] in new if 0 < number <= len(old) else frozenset(old) == new


def _lines(reader: Reader, snapshot: Snapshot, path: str) -> list[bytes]:
    entry = snapshot.entries.get(path)
    return [] if entry is None else reader.read(path, entry).split(b"\n")


def _media(path: str, entry: Entry) -> bool:
    """Tell whether a file is a media file behind DVC: there may be terabytes of them."""
    return entry.kind == "dvc" and not path.endswith(".jsonl")
