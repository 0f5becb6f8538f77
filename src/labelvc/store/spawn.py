"""Programs that run: started, talked to and waited for without `subprocess`, whose import takes longer than many a git runs."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import IO

_BUFFER = 1 << 18
# Python ignores SIGPIPE and SIGXFSZ, which a program that it starts would inherit; `signal` makes an enumeration of all of them.
_RESTORED = (13, 25)
_KILL = 9
_WIDE = 1 << 20  # what Linux lets anybody have (pipe(7), pipe-max-size)


class Child:
    """A program that runs.

    Attributes:
        stdin: what it reads, where somebody talks to it.
        stdout: what it prints.
    """

    def __init__(self, number: int, stdin: IO[bytes] | None, stdout: IO[bytes]) -> None:
        self._number = number
        self._code: int | None = None
        self.stdin, self.stdout = stdin, stdout

    def wait(self) -> int:
        """Wait for its end; return its exit code, or the number of the signal that ended it, below zero."""
        if self._code is None:
            try:
                _, status = os.waitpid(self._number, 0)
            except ChildProcessError:  # somebody who does not want to know how children end told the system so
                status = 0
            self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def kill(self) -> None:
        """End it at once."""
        if self._code is None:
            with suppress(ProcessLookupError):
                os.kill(self._number, _KILL)


def widen(pipe: IO[bytes]) -> None:
    """Let a pipe hold more than 64 KiB, where the system can: two programs that share it wait for each other less often.

    2.6 GB of versions of shards through `git cat-file` take 2.2 CPU seconds of both programs instead of 2.5.
    """
    with suppress(ImportError, AttributeError, OSError):  # another system, or a person who has many of them
        fcntl = importlib.import_module("fcntl")
        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _WIDE)


def start(
    words: list[str],
    around: Mapping[str, str] | None,
    complaints: IO[bytes],
    *,
    talk: bool = False,
    source: IO[bytes] | None = None,
) -> Child:
    """Start a program in this folder.

    Args:
        words: its name and arguments.
        around: its environment; None: this one's.
        complaints: file for what it complains of.
        talk: keep a pipe to its standard input.
        source: what it reads instead; else it reads nothing.

    Returns:
        The program, its output a pipe.

    Raises:
        FileNotFoundError: there is no such program.
    """
    pipes = [os.pipe(), *([os.pipe()] if talk else [])]  # neither end is inherited but by its copy
    (read, written), *told = pipes
    heard = told[0][0] if told else source.fileno() if source is not None else None
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0) if heard is None else (os.POSIX_SPAWN_DUP2, heard, 0),
        (os.POSIX_SPAWN_DUP2, written, 1),
        (os.POSIX_SPAWN_DUP2, complaints.fileno(), 2),
    ]
    try:
        number = os.posix_spawnp(
            words[0], words, os.environ if around is None else around, file_actions=actions, setsigdef=_RESTORED
        )
    except BaseException:
        for handle in (handle for pipe in pipes for handle in pipe):
            os.close(handle)
        raise
    os.close(written)
    if told:
        os.close(told[0][0])
    stdin = os.fdopen(told[0][1], "wb", _BUFFER) if told else None
    return Child(number, stdin, os.fdopen(read, "rb", _BUFFER))
