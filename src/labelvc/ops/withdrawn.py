"""Withdrawn: published versions that are not in their list any more, or stand there with other content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from labelvc.codec import canonical
from labelvc.errors import DataError
from labelvc.model.finding import Finding, Place
from labelvc.model.snapshot import Snapshot
from labelvc.ops import project as projects
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git

RULE = "document.version"
_END = ".versions.jsonl"


def unsaid(git: Git, old: Snapshot, new: Snapshot, paths: Iterable[str]) -> Iterator[Finding]:
    """Yield the published versions that a list had and has not any more; a list goes with its document only.

    Records name versions, and what one said is found by the digest in its line: without it their labels mean anything.

    Args:
        git: the repository.
        old: the snapshot before.
        new: the snapshot to judge.
        paths: the files that differ.

    Raises:
        StoreError: a list cannot be read.
    """
    lists = [path for path in paths if path.endswith(_END) and path in old.entries and projects.noun_of(path)]
    if not lists:
        return
    with tree.reader(git) as reader:
        for path in lists:
            entry = new.entries.get(path)
            if path.removesuffix(_END) + ".yaml" not in new.entries and entry is None:
                continue
            stays = set(reader.read(path, entry).split(b"\n")) if entry else set()
            versions = {_version(line) for line in stays}
            for line in reader.read(path, old.entries[path]).split(b"\n"):
                version = _version(line)
                if line in stays or not version:
                    continue
                said = "stands there with other content" if version in versions else "is not in the list any more"
                message = f"version {version} was published, and {said}: records that name it would mean anything"
                yield Finding(RULE, "error", Place(path), message, f"{_restoring(old)} -- {path}")


def since_head(git: Git, snapshot: Snapshot) -> Iterator[Finding]:
    """Yield what `unsaid` does of the work tree against the last commit.

    Raises:
        StoreError: a list cannot be read.
    """
    if snapshot.kind == "work" and plumbing.head(git):
        head = tree.commit(git, "HEAD", ("guidelines", "taxonomies"))
        lists = [path for path in head.entries if path.endswith(_END)]
        yield from unsaid(
            git, head, snapshot, [path for path in lists if not head.entries[path].same(snapshot.entries.get(path))]
        )


def _restoring(old: Snapshot) -> str:
    return f"git restore --source={old.commit[:12] or 'HEAD'} --staged --worktree"


def _version(line: bytes) -> str:
    """Return the version that a line of a list tells of; empty where it tells of none."""
    try:
        said = canonical.decode(line) if line else None
    except DataError:
        return ""
    return str(said.get("version", "")) if isinstance(said, dict) else ""
