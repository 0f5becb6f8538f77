"""Measuring a whole process: CPU, wall and peak memory as the operating system counts them."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """What one run of a process cost.

    Attributes:
        cpu: user and system seconds, its children's too.
        wall: seconds.
        peak: MiB of the process itself, polled every 2 ms: `ru_maxrss` would count this program's own memory at the fork.
        code: exit code; negative when it was killed.
        out: what it printed.
    """

    cpu: float
    wall: float
    peak: float
    code: int
    out: bytes


def process(
    words: Sequence[str],
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    cap: float = 120,
    keep: bool = True,
    told: Path | None = None,
) -> Cost:
    """Run a process once.

    Args:
        words: program and arguments.
        folder: where it runs.
        environment: added to this process's own.
        cap: seconds after which it is killed; its code is then negative.
        keep: whether to return what it printed.
        told: file that it reads as its standard input; else it reads nothing.

    Returns:
        The cost.
    """
    start = time.perf_counter()
    out = subprocess.PIPE if keep else subprocess.DEVNULL
    with (told or Path(os.devnull)).open("rb") as heard:
        running = subprocess.Popen(
            words,
            cwd=folder,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **(environment or {})},
            stdin=heard,
            stdout=out,
            stderr=subprocess.DEVNULL,
        )
    said: list[bytes] = []
    reader = threading.Thread(target=lambda: said.append(running.stdout.read() if running.stdout else b""))
    reader.start()
    peak, status_file = 0.0, Path(f"/proc/{running.pid}/status")
    while True:
        late = time.perf_counter() >= start + cap
        if late:
            running.kill()
        done, status, usage = os.wait4(running.pid, 0 if late else os.WNOHANG)
        if done:
            break
        peak = max(peak, _high_water(status_file))
        time.sleep(0.002)
    wall = time.perf_counter() - start
    running.returncode = os.waitstatus_to_exitcode(status)
    reader.join()
    if running.stdout:
        running.stdout.close()
    return Cost(usage.ru_utime + usage.ru_stime, wall, peak, running.returncode, said[0])


def _high_water(status: Path) -> float:
    try:
        row = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return 0.0
    return int(row.split()[1]) / 1024


def least(run: Callable[[], Cost], times: int = 5) -> Cost:
    """Return the run that cost the least CPU: whatever else the machine does can only add to it."""
    return min([run() for _ in range(times)], key=lambda cost: cost.cpu)


def in_turn(*runs: Callable[[], Cost], times: int = 5) -> list[Cost]:
    """Run some things in turn and return the run of each that cost the least CPU: what disturbs one disturbs the others alike."""
    rounds = [[run() for run in runs] for _ in range(times)]
    return [min(some, key=lambda cost: cost.cpu) for some in zip(*rounds, strict=True)]
