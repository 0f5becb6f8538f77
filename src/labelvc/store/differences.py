"""Differences: what differs between two commits, by file and by line, through one `git diff-tree` each however many are compared."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from labelvc.errors import StoreError
from labelvc.model.snapshot import FileChange
from labelvc.store import git as plumbing
from labelvc.store import patch, process
from labelvc.store.git import Git

_MOST_AHEAD = 16
_ALWAYS = ("diff-tree", "--stdin", "--always", "-r")
_BETWEEN = b"\0\0"  # the end of the last row, and what stands before the first patch (diff.c, `diff_flush`)


class Differences:
    """Compares commits by their full ids; close it when done.

    Args:
        git: the repository.
        under: folder whose lines are compared.
    """

    def __init__(self, git: Git, under: str = "datasets") -> None:
        self._git = git
        self._files = _Asked(git, [*_ALWAYS, "-z", *plumbing.RAW])
        self._told: tuple[str, str, bytes] = ("", "", b"")
        self._lines = _Asked(git, [*_ALWAYS, *plumbing.PATCH, "--", under])
        self._begun: _Begun | None = None

    def close(self) -> None:
        """End all gits; a later question starts them again."""
        self._files.close()
        self._lines.close()
        self._leave()

    def expect(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Take note of pairs that will be asked for in this order, most of them; any other may be asked for all the same."""
        self._files.expect(pairs)
        self._lines.expect(pairs)

    def files(self, old: str, new: str) -> bytes:
        """Return what `git diff-tree -r -z --raw --no-renames` prints of two commits; of the last two without asking again.

        Raises:
            StoreError: an object is missing or broken.
        """
        if self._told[:2] != (old, new):
            self._told = (old, new, b"".join(self._files.answer(old, new)))
        return self._told[2]

    def lines(self, old: str, new: str) -> Iterator[FileChange]:
        """Yield the lines that differ between two commits in the files under the folder, one change a file, in git's order.

        Raises:
            StoreError: as for `files`; nothing that was yielded before is wrong.
        """
        if self._begun is not None and (self._begun.old, self._begun.new) == (old, new):
            return self._rest(self._begun)
        self._leave()
        return patch.read(self._lines.answer(old, new))

    def begin(self, old: str, new: str, beside: Sequence[str] = ()) -> bytes:
        """Return what `files` does, from a git of its own that goes on with the lines, where `lines` is asked for them next.

        Args:
            old: full id of a commit.
            new: of another.
            beside: folders that are left out.

        Raises:
            StoreError: as for `files`.
        """
        self._leave()
        left_out = [f":(exclude,literal){folder}" for folder in beside]
        line = (
            "-c",
            "core.quotePath=false",
            "diff-tree",
            "-z",
            *plumbing.RAW,
            *plumbing.PATCH,
            old,
            new,
            "--",
            *left_out,
        )
        running = plumbing.start(self._git, *line, index=_no_index(self._git))
        rows = list[bytes]()
        for text in running.out:
            row, mark, first = text.partition(_BETWEEN)
            rows.append(row + mark[:1])
            if mark:
                self._begun = _Begun(old, new, first, running)
                break
        else:  # nothing differs, or git failed
            plumbing.demand(self._git, "diff-tree", running.end())
        return b"".join(rows)

    def _rest(self, begun: _Begun) -> Iterator[FileChange]:
        """Yield the lines that a git has begun to tell, once; it is ended by `close` at the latest, read or not."""
        if begun.read or self._begun is not begun:
            yield from patch.read(self._lines.answer(begun.old, begun.new))
            return
        self._begun = begun._replace(read=True)
        with begun.running as running:
            yield from patch.read(chain((begun.first,), running.out))
            plumbing.demand(self._git, "diff-tree", running.end())

    def _leave(self) -> None:
        if self._begun is not None:
            self._begun.running.end()
            self._begun = None


class _Begun(NamedTuple):
    """A git that told which files differ between two commits, and of their lines the first one that it says."""

    old: str
    new: str
    first: bytes
    running: process.Running
    read: bool = False


class _Asked:
    """A git that is asked for one pair of commits after another.

    What is no object id it prints as it is, and then lets go of all it has to say (builtin/diff-tree.c): that marks the end of
    an answer. The mark that we ask for is a number that no file of a repository can know.

    Pairs that are expected are asked for ahead of the answers, twice as many each time: both programs work on while the other
    one does, and whoever asks for few makes git compare few. A question is 82 to 180 bytes, so that all of them fit any pipe.
    """

    def __init__(self, git: Git, words: Sequence[str]) -> None:
        self._git, self._words = git, words
        self._running: process.Running | None = None
        self._busy = False
        self._expected: Sequence[tuple[str, str]] = ()
        self._places: dict[tuple[str, str], int] = {}
        self._sent: deque[tuple[str, str]] = deque()
        self._ahead = 1
        self._second: _Asked | None = None
        self._mark = b"end of %b\n" % os.urandom(16).hex().encode()

    def close(self) -> None:
        self._end()
        if self._second is not None:
            self._second.close()

    def expect(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._expected, self._places = pairs, {pair: at for at, pair in enumerate(pairs)}

    def answer(self, old: str, new: str) -> Iterator[bytes]:
        """Yield what git prints of two commits, line by line; a question within an answer, or out of turn, goes to another git."""
        if self._busy or (self._sent and (old, new) not in self._sent):
            self._second = self._second or _Asked(self._git, self._words)
            yield from self._second.answer(old, new)
            return
        self._busy = True
        try:
            if not self._sent:
                self._ask(old, new)
            while self._sent[0] != (old, new):  # nobody wanted to know it
                for _ in self._told():
                    pass
            yield from self._told()
            self._busy = False
        finally:
            if self._busy:  # what is left unread would be taken for the next answer
                self._end()

    def _ask(self, old: str, new: str) -> None:
        """Send a question, and some of those that are expected after it."""
        at = self._places.get((old, new))
        more = () if at is None else self._expected[at + 1 : at + self._ahead]
        self._ahead = min(2 * self._ahead, _MOST_AHEAD)
        self._sent += [(old, new), *more]
        stdin = self._started().process.stdin
        if stdin is not None:
            try:
                stdin.write(b"".join([f"{to} {fro}\n".encode() + self._mark for fro, to in self._sent]))
                stdin.flush()
            except BrokenPipeError:
                raise self._broken(new) from None

    def _told(self) -> Iterator[bytes]:
        """Yield the next answer."""
        out, new = self._started().out, self._sent[0][1]
        line = out.readline()
        if not line.startswith(new.encode()):  # of an object that is not here git says nothing
            raise self._broken(new)
        line = line[len(new) + 1 :]
        while not line.endswith(self._mark):
            yield line
            line = out.readline()
            if not line:
                raise self._broken(new)
        self._sent.popleft()
        yield line.removesuffix(self._mark)

    def _started(self) -> process.Running:
        if self._running is None:
            line = ("-c", "core.quotePath=false", "--literal-pathspecs", *self._words)
            self._running = plumbing.start(self._git, *line, talk=True, index=_no_index(self._git))
        return self._running

    def _end(self) -> process.Done | None:
        running, self._running, self._busy = self._running, None, False
        self._sent.clear()
        return running.end() if running is not None else None

    def _broken(self, where: str) -> StoreError:
        done = self._end()
        return plumbing.failure(self._git, "diff-tree", done.said if done else "")


def _no_index(git: Git) -> str:
    """Return an index that is not there: with one at hand git reads a file that looks unchanged instead of the commit's object.

    Source: diff.c, `reuse_worktree_file`.
    """
    return str(git.directory / "labelvc-no-index")
