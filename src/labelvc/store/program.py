"""Another program run once: a hook that was there before ours, git's own text merge, an interpreter that is asked for."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ABSENT = 127
"""The exit code a shell gives for a program that is not there."""


class Done(NamedTuple):
    """How a program ended.

    Attributes:
        code: exit code; negative when a signal ended it, `ABSENT` when it could not be started.
        out: what it wrote to stdout; empty when it was attached.
        err: the same for stderr.
    """

    code: int
    out: bytes
    err: bytes


def run(arguments: Sequence[str], folder: Path, *, data: bytes = b"", attached: bool = False) -> Done:
    """Run a program to its end.

    Args:
        arguments: the program and its arguments, passed without a shell.
        folder: where it runs.
        data: what it reads from stdin.
        attached: let it write to this process's own stdout and stderr.

    Returns:
        How it ended; a program that cannot be started is no exception but `ABSENT`.
    """
    pipe = None if attached else subprocess.PIPE
    try:
        done = subprocess.run(list(arguments), cwd=folder, input=data, stdout=pipe, stderr=pipe, check=False)
    except OSError as problem:
        return Done(ABSENT, b"", str(problem.strerror or problem).encode())
    return Done(done.returncode, done.stdout or b"", done.stderr or b"")
