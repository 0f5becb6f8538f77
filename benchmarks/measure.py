"""Measuring a whole process: CPU, wall and peak memory as the operating system counts them."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """What one run of a process cost: CPU seconds (user and system, children too), wall seconds, peak MiB of the largest process."""

    cpu: float
    wall: float
    peak: float
    code: int
    out: bytes


def process(
    words: Sequence[str], folder: Path, *, environment: Mapping[str, str] | None = None, cap: float = 120, keep: bool = True
) -> Cost:
    """Run a process once.

    Args:
        words: program and arguments.
        folder: where it runs.
        environment: added to this process's own.
        cap: seconds after which it is killed; its code is then negative.
        keep: whether to return what it printed.

    Returns:
        The cost.
    """
    start = time.perf_counter()
    out = subprocess.PIPE if keep else subprocess.DEVNULL
    running = subprocess.Popen(words, cwd=folder, env={**os.environ, **(environment or {})}, stdout=out, stderr=subprocess.DEVNULL)
    said = b""
    try:
        if running.stdout:
            said = running.stdout.read()
        deadline = start + cap
        while True:
            done, status, usage = os.wait4(running.pid, os.WNOHANG if time.perf_counter() < deadline else 0)
            if done:
                break
            if time.perf_counter() >= deadline:
                running.kill()
            time.sleep(0.002)
    finally:
        running.returncode = 0
    wall = time.perf_counter() - start
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status), said)


def median(run: Callable[[], Cost], times: int = 5) -> Cost:
    """Return the run whose CPU is the median of several."""
    return sorted([run() for _ in range(times)], key=lambda cost: cost.cpu)[times // 2]


def paired(one: Callable[[], Cost], two: Callable[[], Cost], times: int = 5) -> tuple[Cost, Cost, float]:
    """Run two things in turn and return the median of each and the median ratio of their CPU, pair by pair."""
    pairs = [(one(), two()) for _ in range(times)]
    ratio = statistics.median([a.cpu / b.cpu for a, b in pairs])
    middle = times // 2
    return sorted([a for a, _ in pairs])[middle], sorted([b for _, b in pairs])[middle], ratio
