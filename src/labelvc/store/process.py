"""A git process: how it is started, what it inherits, and what its complaints mean."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple, Self

from labelvc.errors import StoreError
from labelvc.store import spawn
from labelvc.store.spawn import Child

# `git rev-parse --local-env-vars`: what a hook inherits and another repository must not see.
_LOCAL = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT", "GIT_OBJECT_DIRECTORY",
    "GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_GRAFT_FILE", "GIT_INDEX_FILE", "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_COMMON_DIR", "GIT_QUARANTINE_PATH",
)  # fmt: skip
# What would change the meaning of our own command lines: pathspecs, and how much context a patch has (git(1)).
_MEDDLING = (
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_LITERAL_PATHSPECS",
    "GIT_DIFF_OPTS",
)
# A clone's own `info/grafts` would show other parents than the commits name; of a file that is not there git says nothing.
UNGRAFTED = {"GIT_GRAFT_FILE": f"{os.devnull}/none"}
# Some of git's complaints are told apart by their words; gettext asks LANGUAGE first.
_ENGLISH = {"LC_ALL": "C", "LANGUAGE": "C"}
_ARGUMENTS = 60_000
_AMBIGUOUS = "refname '(.*)' is ambiguous"
# A replacement object (`git replace`) would show other bytes under an id that was signed, so none is followed.
# A monitor of files is a program that the configuration names, and says which files git may leave unread. A tag that is called
# like a branch goes before it, of which git only warns (gitrevisions), and only where nobody asked it not to. What git prints of
# commits is UTF-8, whatever a person's terminal reads (git-config, i18n.logOutputEncoding).
_SETTINGS = ("core.fsmonitor=false", "core.warnAmbiguousRefs=true", "i18n.logOutputEncoding=UTF-8")
GIT = ("git", "--no-replace-objects", *(word for setting in _SETTINGS for word in ("-c", setting)))
# Old versions of a file lie in a pack as differences from newer ones. With git's own 96 MiB a history of 25 MB of shards falls
# out of this cache between two commits, and every version is put together anew: 5.7 s for 1.8 (git-config).
ROOM = ("-c", "core.deltaBaseCacheLimit=256m")
UNSHALLOW = "git fetch --unshallow"
REPAIR = "git fsck --full; git fetch --refetch"


class Done(NamedTuple):
    """A git command that ended: its exit code, what it printed, what it complained of."""

    code: int
    out: bytes
    said: str

    @property
    def text(self) -> str:
        """What it printed, without the last line break."""
        return self.out.decode("utf-8", "surrogateescape").rstrip("\n")

    @property
    def ambiguous(self) -> str:
        """The name of a revision that git says could mean several, of which it took one; empty for none."""
        found = re.search(_AMBIGUOUS, self.said)
        return found[1] if found else ""


class Running(NamedTuple):
    """A git command that runs: what it prints and reads, and a file that holds its complaints.

    Complaints go to a file because a pipe nobody reads stops git when it is full.
    """

    process: Child
    out: IO[bytes]
    complaints: IO[bytes]

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End git, whether it was done or not."""
        self.end()

    def end(self) -> Done:
        """Wait for git when it has said all, stop it when not; return how it ended."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None and not pipe.closed:
                with suppress(BrokenPipeError):
                    pipe.close()
        code = self.process.wait()
        said = ""
        if not self.complaints.closed:
            self.complaints.seek(0)
            said = complaint(self.complaints.read())
            self.complaints.close()
        return Done(code, b"", said)


def environment(*, alone: bool = False, index: str = "") -> dict[str, str]:
    """Return the environment of a git process.

    Args:
        alone: drop the GIT_* variables inherited from a hook.
        index: the index to use instead of the repository's own.
    """
    dropped = (*_MEDDLING, *_LOCAL) if alone else _MEDDLING
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, **UNGRAFTED, **_ENGLISH, **({"GIT_INDEX_FILE": index} if index else {})}


@contextmanager
def without_fetching() -> Iterator[None]:
    """Let no git fetch what is missing: in somebody else's clone the configuration says which program that would run.

    Source: git(1), GIT_ALLOW_PROTOCOL.
    """
    before = os.environ.get("GIT_ALLOW_PROTOCOL")
    os.environ["GIT_ALLOW_PROTOCOL"] = "none"
    try:
        yield
    finally:
        del os.environ["GIT_ALLOW_PROTOCOL"]
        if before is not None:
            os.environ["GIT_ALLOW_PROTOCOL"] = before


def finish(words: list[str], folder: Path, data: bytes = b"", around: Mapping[str, str] | None = None) -> Done:
    """Run git to its end.

    Args:
        words: the command line.
        folder: where.
        data: what it reads.
        around: its environment, from `environment`.

    Returns:
        How it ended; failure is the caller's to judge.

    Raises:
        StoreError: git or the folder does not exist.
    """
    with told(data) as source, start(words, folder, around, source=source) as running:
        out = running.out.read()
        return running.end()._replace(out=out)


def named(running: Running, name: str) -> tuple[str, str, bytes] | None:
    """Ask a `git cat-file --batch` that waits for a question for the object that a name leads to.

    Args:
        running: the git.
        name: such as `HEAD:labelvc.yaml`, without a line break.

    Returns:
        Full id, kind and bytes; None when git knows no such object, or several.

    Raises:
        EOFError: git ended.
    """
    stdin = running.process.stdin
    if "\n" in name or "\0" in name or stdin is None:
        return None
    try:
        stdin.write(f"{name}\n".encode("utf-8", "surrogateescape"))
        stdin.flush()
    except BrokenPipeError:
        raise EOFError(name) from None
    words = running.out.readline().split()
    if not words:
        raise EOFError(name)
    if len(words) != 3 or not words[0].isalnum() or not words[2].isdigit():
        return None
    size = int(words[2])
    data = running.out.read(size + 1)
    if len(data) != size + 1:
        raise EOFError(name)
    return words[0].decode(), words[1].decode(), data[:-1]


def peek(folder: Path, *names: str) -> bytes:
    """Return what `git cat-file --batch` says of some objects; of one that is missing, that it is.

    Args:
        folder: in a repository.
        names: of objects, as `HEAD:labelvc.yaml`.

    Raises:
        StoreError: git failed.
    """
    done = finish(
        [*GIT, "cat-file", "--batch"], folder, "".join([f"{name}\n" for name in names]).encode(), environment()
    )
    if done.code:
        raise StoreError(done.said or "git failed", where=str(folder), hint="git status")
    return done.out


def start(
    words: list[str],
    folder: Path,
    around: Mapping[str, str] | None = None,
    *,
    talk: bool = False,
    source: IO[bytes] | None = None,
) -> Running:
    """Start git and return while it runs.

    Args:
        words: the command line, `git` first.
        folder: where.
        around: its environment, from `environment`.
        talk: keep a pipe to its standard input.
        source: what it reads: a file, or the output of another command that runs.

    Returns:
        The running command.

    Raises:
        StoreError: git or the folder does not exist.
    """
    if not folder.is_dir():
        raise absent(folder)
    complaints = nameless_file()  # lives as long as the process
    name, *rest = words
    try:
        child = spawn.start([name, "-C", str(folder), *rest], around, complaints, talk=talk, source=source)
    except FileNotFoundError:
        complaints.close()
        raise absent(folder) from None
    return Running(child, child.stdout, complaints)


def nameless_file() -> IO[bytes]:
    """Open a file that has no name and ends with its handle; in memory where the system can, since tempfile is slow to import."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("complaints"), "w+b")
    file: IO[bytes] = importlib.import_module("tempfile").TemporaryFile()
    return file


@contextmanager
def told(data: bytes) -> Iterator[IO[bytes] | None]:
    """Lend a file that holds what a program shall read; None when that is nothing."""
    if not data:
        yield None
        return
    with nameless_file() as file:
        file.write(data)
        file.seek(0)
        yield file


def absent(folder: Path) -> StoreError:
    """Return the error of a git that could not be started in a folder."""
    if not folder.is_dir():
        return StoreError("no such folder", where=str(folder))
    return StoreError("git is not installed", hint="install git 2.30 or newer, then try `git --version`")


def complaint(stderr: bytes) -> str:
    """Return what git complained of: the last `fatal:` or `error:` line, else one on a name of several meanings, else the last."""
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    vague = [line for line in lines if re.search(_AMBIGUOUS, line)]
    return (told or vague or lines or [""])[-1]


def batches(paths: Sequence[str]) -> Iterator[list[str]]:
    """Yield the paths in lists that fit a command line; one empty list when there are none."""
    some: list[str] = []
    room = _ARGUMENTS
    for path in paths:
        if some and len(path) * 4 > room:
            yield some
            some, room = [], _ARGUMENTS
        some.append(path)
        room -= len(path) * 4 + 8
    if some or not paths:
        yield some
