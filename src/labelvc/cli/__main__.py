"""The door: `python -m labelvc.cli`, which lets git's merge driver in without importing Click."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import sys

DRIVER = ["plumbing", "merge-driver"]
_COLLECT_AFTER = 100_000
_UNWRITTEN = 2


def main() -> None:
    """Run the merge driver by itself, and everything else through the command line.

    Python's cycle collector runs after every 700 new objects, many of which an import makes: a twentieth of a start.
    """
    gc.set_threshold(_COLLECT_AFTER)
    _open_streams()
    if sys.argv[1:3] == DRIVER and len(sys.argv) == 8:
        code = importlib.import_module("labelvc.cli.merging").run(sys.argv[3:])
    else:
        code = importlib.import_module("labelvc.cli.main").main()
    _leave(code)


def _open_streams() -> None:
    """Open what was closed of the three standard streams on nothing: a file opened later would take the place of one of them."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.set_inheritable(
                os.open(os.devnull, os.O_RDWR), True
            )  # it takes the lowest number that is free, which is this one
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))


def _leave(code: int) -> None:
    """End the process without taking the interpreter's modules apart one by one, which costs a tenth of a short command.

    What was registered for the end is done first, and a thread that still works is waited for.
    """
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        sys.exit(code)
    atexit._run_exitfuncs()  # noqa: SLF001 - it has no public name
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or _UNWRITTEN
    os._exit(code)


if __name__ == "__main__":
    main()
