"""Objects: the bytes of git's objects by id, through one process however many are read."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Self

from labelvc import digests
from labelvc.errors import StoreError
from labelvc.store import git as plumbing
from labelvc.store import kept, process, spawn
from labelvc.store.git import Git

_AHEAD = 60
_SHA1_LENGTH = 40


class Objects:
    """Objects of the repository by id, through one `git cat-file --batch`; use it as a context manager.

    Up to 60 requests are sent ahead of the answers: with 65 bytes each they fit any pipe (POSIX: PIPE_BUF), so that
    neither side waits for the other and memory holds one object at a time.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self._running: process.Running | None = None
        self._waiting: deque[str] = deque()
        self._second: Objects | None = None
        self._wide = False

    def __enter__(self) -> Self:
        """Return the objects; git starts with the first request."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of git."""
        self.close()

    def close(self) -> None:
        """Let go of git, which the command may keep for whoever asks next; a later request starts it again."""
        if self._running is not None and not self._waiting and kept.give(self._git, self._running):
            self._running, self._wide = None, False
        self._end()
        if self._second is not None:
            self._second.close()

    def read(self, oid: str) -> bytes:
        """Return the bytes of one object.

        Raises:
            StoreError: it is not here or broken.
        """
        return next(self.many([oid]))

    def commit(self, rev: str) -> tuple[str, bytes] | None:
        """Return full id and bytes of the commit that a revision names; None when git knows none, or knows several."""
        found = self.named(f"{rev}^{{commit}}")
        return (found[0], found[2]) if found else None

    def named(self, name: str) -> tuple[str, str, bytes] | None:
        """Return full id, kind and bytes of the object that a name leads to (`HEAD:labelvc.yaml`); None as for `commit`."""
        if self._waiting:
            return plumbing.named(self._git, name)
        try:
            return process.named(self._git_process(), name)
        except EOFError:
            raise self._broken(name) from None

    def many(self, oids: Iterable[str]) -> Iterator[bytes]:
        """Yield the bytes of objects in the order asked.

        Args:
            oids: full object ids; a walk within a walk is served by a git of its own.

        Yields:
            The content of each; memory holds one at a time.

        Raises:
            StoreError: one of them is not here or broken.
        """
        if self._waiting:
            self._second = self._second or Objects(self._git)
            yield from self._second.many(oids)
            return
        source = iter(oids)
        more = self._ask(source)
        try:
            while self._waiting:
                yield self._answer()
                if more and len(self._waiting) <= _AHEAD // 2:
                    more = self._ask(source)
        finally:
            if self._waiting:
                self._end()

    def _ask(self, source: Iterator[str]) -> bool:
        """Send requests until 60 wait; return whether there may be more to ask for."""
        wanted: list[str] = []
        for oid in source:
            if not (oid.isascii() and oid.isalnum()):
                raise StoreError(f"{oid!r} is no object id")
            wanted.append(f"{oid}\n")
            self._waiting.append(oid)
            if len(self._waiting) >= _AHEAD:
                self._widen()
                break
        if wanted:
            self._send("".join(wanted).encode(), self._waiting[0])
        return len(self._waiting) >= _AHEAD

    def _widen(self) -> None:
        """Widen the pipe of a git that is asked for many objects, once."""
        if not self._wide:
            spawn.widen(self._git_process().out)
            self._wide = True

    def _send(self, asked: bytes, first: str) -> None:
        stdin = self._git_process().process.stdin
        if stdin is not None:
            try:
                stdin.write(asked)
                stdin.flush()
            except BrokenPipeError:
                raise self._broken(first) from None

    def _answer(self) -> bytes:
        stream = self._git_process().out
        oid = self._waiting[0]
        words = stream.readline().split()
        if len(words) != 3:
            raise self._missing(oid) if words else self._broken(oid)
        size = int(words[2])
        data = stream.read(size)
        if len(data) != size or not stream.read(1):
            raise self._broken(oid)
        self._waiting.popleft()
        return data

    def _git_process(self) -> process.Running:
        if self._running is None:
            self._running = plumbing.objects(self._git)
        return self._running

    def _end(self) -> str:
        running, self._running = self._running, None
        self._wide = False
        self._waiting.clear()
        return running.end().said if running is not None else ""

    def _missing(self, oid: str) -> StoreError:
        said = self._end()
        hint = process.UNSHALLOW if plumbing.is_shallow(self._git) else process.REPAIR
        return StoreError(said or "an object of the repository is missing", where=oid, hint=hint)

    def _broken(self, oid: str) -> StoreError:
        return StoreError(self._end() or "git ended before it answered", where=oid, hint=process.REPAIR)


def blob_id(data: bytes, like: str) -> str:
    """Return the id git gives to a file's bytes, by the hash that another id shows to be in use (SHA-1 or SHA-256)."""
    head = b"blob %d\0" % len(data)
    digest = digests.sha1(head, usedforsecurity=False) if len(like) == _SHA1_LENGTH else digests.sha256(head)
    digest.update(data)
    return str(digest.hexdigest())
