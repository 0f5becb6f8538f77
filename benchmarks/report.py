"""The tables of a run: what each job cost and whether it was right, beside its target and the peers of the same run."""

from __future__ import annotations

import math
import os
import platform
from typing import NamedTuple

ABSENT = "not installed: make bench-peers"
LATE = "takes longer than a minute: --long"


class Row(NamedTuple):
    """One line of a table.

    Attributes:
        work: what was done.
        tool: by whom.
        cpu, wall: seconds; not a number when it was not run.
        peak: MiB of the largest process.
        ratio: against the reference, in its own words.
        right: whether what the tool found is what is known to be true; None when there is nothing to find.
        note: what else must be known.
    """

    work: str
    tool: str
    cpu: float
    wall: float
    peak: float
    ratio: str = ""
    right: bool | None = None
    note: str = ""


class Job(NamedTuple):
    """A table: one job, what is asked of labelvc there, and what came out.

    Attributes:
        title: the job.
        target: what is asked, in words; empty where nothing is.
        measured: what came out, in the words of the target.
        met: whether the target is met; None when it was not measured.
        rows: of labelvc and its peers.
    """

    title: str
    target: str
    measured: str
    met: bool | None
    rows: list[Row]


def absent(work: str, tool: str, why: str = ABSENT) -> Row:
    """Return the row of a tool that could not be run here."""
    return Row(work, tool, math.nan, math.nan, math.nan, note=why)


def skipped(title: str, target: str, why: str) -> Job:
    """Return the table of a job that could not be measured here."""
    return Job(title, target, f"not measured: {why}", None, [])


def failed(jobs: list[Job]) -> list[str]:
    """Return the rows in which labelvc itself said something that is not true."""
    return [f"{job.title}: {row.work}" for job in jobs for row in job.rows if _ours(row) and row.right is False]


def table(jobs: list[Job], load: tuple[float, ...]) -> str:
    """Return the Markdown of a run.

    Args:
        jobs: in the order they are told.
        load: load averages of the machine at the beginning.
    """
    now = os.getloadavg()
    told = [job for job in jobs if job.met is not None]
    lines = [
        "# Benchmark results",
        "",
        "Records of about 253 bytes in canonical shards, with an item for every three. Who changed what is known from the",
        "generator, so a table also says who was wrong. `make bench` writes this file; `make bench-peers` fetches the peers.",
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} processors; load average of the last minute",
        f"{load[0]:.1f} at the beginning and {now[0]:.1f} at the end. CPU is user and system time of the whole process with its",
        "children, of the least disturbed of several runs; where only one run was affordable the row is that run.",
        "Peak memory is of the process itself, without the git it starts.",
        "A ratio compares runs of the same session on the same machine: quote ratios, not seconds.",
        "",
        f"Targets met: {sum(bool(job.met) for job in told)} of {len(told)}.",
        "",
        "| job | measured | target | |",
        "|---|---|---|---|",
        *[f"| {job.title} | {job.measured} | {job.target} | {_verdict(job)} |" for job in jobs if job.target],
    ]
    for job in jobs:
        lines += ["", f"## {job.title}", ""]
        if job.target:
            lines += [f"Target: {job.target}. Measured: {job.measured} - {_verdict(job)}.", ""]
        if job.rows:
            lines += ["| work | tool | CPU s | wall s | peak MiB | ratio | right | note |"]
            lines += ["|---|---|---:|---:|---:|---|---|---|", *map(_line, job.rows)]
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    right = {None: "", True: "yes", False: "**no**"}[row.right]
    figures = [_figure(row.cpu, 2), _figure(row.wall, 2), _figure(row.peak, 0)]
    return f"| {' | '.join((row.work, row.tool, *figures, row.ratio, right, row.note))} |"


def _figure(number: float, digits: int) -> str:
    return "" if math.isnan(number) or not number else f"{number:.{digits}f}"


def _verdict(job: Job) -> str:
    return {None: "not measured", True: "met", False: "**missed**"}[job.met]


def _ours(row: Row) -> bool:
    return row.tool.startswith("labelvc")
