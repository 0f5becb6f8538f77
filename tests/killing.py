"""Kill a command before each of its writes: a runner that forks a child a write, told of them by Python's audit events.

`every_write(folder, words, out)` leaves one copy of a repository for each write, as a kill just before it left it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

RUNNER = """
import importlib, os, shutil, signal, sys
from pathlib import Path

folder, out, names, *words = sys.argv[1:]
for name in names.split(","):
    importlib.import_module(name)
from labelvc.cli import main
MOVES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "shutil.move"}
MOVES |= {"subprocess.Popen", "os.posix_spawn"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def start(copy, limit):
    seen = [0]

    def hook(event, arguments):
        if event in MOVES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING):
            target = str(arguments[0])
            if target.startswith("/dev/") and not target.startswith("/dev/shm/") or "/cache/results" in target:
                return
            seen[0] += 1
            if seen[0] == limit:
                os.kill(os.getpid(), signal.SIGKILL)

    os.chdir(copy)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    sys.addaudithook(hook)
    os._exit(main.run(words))


step = int(os.environ.get("KILL_STEP", "1"))
for number in range(1, 2000, step):
    copy = Path(out) / f"{number:04d}"
    shutil.copytree(folder, copy, symlinks=True)
    child = os.fork()
    if not child:
        try:
            start(copy, number)
        finally:
            os._exit(99)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        print(number, os.WEXITSTATUS(status))
        break
"""


def every_write(
    folder: Path, words: tuple[str, ...], out: Path, *, modules: tuple[str, ...] = (), step: int = 1
) -> list[Path]:
    """Run a command on copies of a repository, each killed before another of its writes, the last not at all.

    Args:
        folder: the repository.
        words: the command, without `labelvc`.
        out: an empty folder for the copies.
        modules: what to import before forking, for speed.
        step: kill before every so many writes.

    Returns:
        The copies in the order of the kills; the last one's command ended by itself, with exit code 0.
    """
    names = ",".join(("labelvc.cli.main", *modules))
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, str(folder), str(out), names, *words],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "KILL_STEP": str(step)},
    )
    assert done.stdout.split()[1] == "0", done.stdout + done.stderr
    return sorted(out.iterdir())
