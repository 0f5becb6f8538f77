"""History: which commits changed which files, who made them and when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from git import Repo
from git.exc import GitError, ODBError
from git.objects.commit import Commit as Found

from labelvc.errors import StoreError
from labelvc.store import git as plumbing
from labelvc.store import process
from labelvc.store.git import Git

_SHA1_LENGTH = 40
_COAUTHOR = re.compile(r"^co-authored-by:\s*(.*?)\s*<([^<>\n]*)>\s*$", re.IGNORECASE | re.MULTILINE)


class Person(NamedTuple):
    """Somebody as a commit names them."""

    name: str
    email: str


class Version(NamedTuple):
    """One file that a commit changed.

    Attributes:
        path: POSIX path relative to the top of the project.
        old: git object id before; empty when the file is new.
        new: git object id after; empty when the file is gone.
        parent: the parent it is compared with; empty for a root commit.
    """

    path: str
    old: str
    new: str
    parent: str


class Commit(NamedTuple):
    """A commit and what it changed.

    Attributes:
        id: full commit id.
        parents: ids of its parents.
        author: who made the change.
        coauthors: who the message names in `Co-authored-by` lines.
        authored: author date, ISO 8601 with its offset.
        committed: committer date, ISO 8601 with its offset.
        subject: first line of the message.
        files: the wanted files that differ, for a merge from each of its parents.
    """

    id: str
    parents: tuple[str, ...]
    author: Person
    coauthors: tuple[Person, ...]
    authored: str
    committed: str
    subject: str
    files: tuple[Version, ...] = ()


def walk(git: Git, paths: Sequence[str], head: str = "HEAD", base: str = "") -> Iterator[Commit]:
    """Yield the commits that changed files, oldest first, parents before children.

    History is not simplified: a merge is there when it differs from any of its parents in one of the files, so that
    neither an edit inside a merge nor a side that a merge threw away is missed (gitrevisions, `--full-history`).

    Args:
        git: where.
        paths: files or folders, literally.
        head: revision to end with.
        base: revision to start after; empty for all of history.

    Yields:
        Commits with their `files`.

    Raises:
        StoreError: unknown revision, or history that ends early in a shallow clone.
    """
    if plumbing.is_shallow(git):
        raise StoreError("history is cut off in this shallow clone", where=head, hint="git fetch --unshallow")
    wanted = _commits(git, base, head, paths, full_history=True, topo_order=True, reverse=True)
    files = _changed(git, wanted, paths)
    for commit in wanted:
        yield commit._replace(files=tuple(files.get(commit.id, ())))


def commits_between(git: Git, base: str, head: str) -> list[Commit]:
    """Return the commits of head that base lacks and that are no merges, oldest first: whose authors made the change.

    Args:
        git: where.
        base: revision to start after; empty for all of history.
        head: revision to end with.

    Returns:
        Commits without their files.

    Raises:
        StoreError: unknown revision.
    """
    return _commits(git, base, head, (), no_merges=True, topo_order=True, reverse=True)


def commit(git: Git, rev: str) -> Commit:
    """Return one commit, without its files.

    Raises:
        StoreError: unknown revision.
    """
    found = plumbing.resolve(git, rev)
    with _repository(git, rev, found) as repo:
        return _told(repo.commit(found))


def _commits(git: Git, base: str, head: str, paths: Sequence[str], **options: bool) -> list[Commit]:
    last = plumbing.resolve(git, head)
    span = f"{plumbing.resolve(git, base)}..{last}" if base else last
    with _repository(git, head, last) as repo:
        return [_told(found) for found in Found.iter_items(repo, span, list(paths), **options)]


@contextmanager
def _repository(git: Git, where: str, commit_id: str) -> Iterator[Repo]:
    """Open the repository with GitPython, which knows SHA-1 only; what it raises becomes a StoreError."""
    if len(commit_id) != _SHA1_LENGTH:
        message = "the history of a repository with SHA-256 objects cannot be read yet"
        raise StoreError(
            message, where=where, hint="git init --object-format=sha1 elsewhere, and bring the labels there"
        )
    try:
        with Repo(git.directory if git.bare else git.top) as repo:
            repo.git.update_environment(GIT_NO_REPLACE_OBJECTS="1", GIT_LITERAL_PATHSPECS="1", **process.UNGRAFTED)
            yield repo
    except (GitError, ODBError, ValueError, OSError) as error:
        said = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise StoreError(
            f"git could not read history: {said[-1].strip()}", where=where, hint="git fsck --full"
        ) from None


def _told(found: Found) -> Commit:
    message = found.message if isinstance(found.message, str) else found.message.decode("utf-8", "replace")
    return Commit(
        found.hexsha,
        tuple(parent.hexsha for parent in found.parents),
        Person(found.author.name or "", found.author.email or ""),
        tuple(Person(name, email.strip()) for name, email in _COAUTHOR.findall(message)),
        found.authored_datetime.isoformat(),
        found.committed_datetime.isoformat(),
        message.strip().partition("\n")[0],
    )


def _changed(git: Git, commits: Iterable[Commit], paths: Sequence[str]) -> dict[str, list[Version]]:
    """Return commit id to changed files, from one `git diff-tree --stdin` (GitPython's own diff takes ten times as long)."""
    pairs = [(commit.id, parent) for commit in commits for parent in commit.parents or ("",)]
    asked = "".join([f"{commit} {parent}".strip() + "\n" for commit, parent in pairs])
    words = (
        "--literal-pathspecs",
        "diff-tree",
        "--stdin",
        "--root",
        "--always",
        "-r",
        "--raw",
        "-z",
        "--no-abbrev",
        "--no-renames",
    )
    told = plumbing.run(git, *words, "--", *paths, data=asked.encode()).decode("utf-8", "surrogateescape").split("\0")
    found: dict[str, list[Version]] = {}
    waiting, parent, here = iter(pairs), "", ""
    rows = iter(told[:-1])
    for row in rows:
        if not row.startswith(":"):
            here, parent = next(waiting)
            found.setdefault(here, [])
            continue
        _, _, old, new, _ = row.split(" ")
        found[here].append(Version(next(rows), old.strip("0") and old, new.strip("0") and new, parent))
    return found
