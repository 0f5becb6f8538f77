"""The table of a run: what each job cost, beside the reference measured in the same run."""

from __future__ import annotations

import platform
from typing import NamedTuple


class Row(NamedTuple):
    """One line of the table.

    Attributes:
        job: what was done.
        tool: by whom.
        cpu, wall: seconds.
        peak: MiB of the largest process.
        ratio: against the reference, in its own words.
        right: whether what the tool found is what is known to be true.
        note: what else must be known.
    """

    job: str
    tool: str
    cpu: float
    wall: float
    peak: float
    ratio: str = ""
    right: bool = True
    note: str = ""


def table(rows: list[Row], records: int) -> str:
    """Return the Markdown of a run."""
    lines = [
        "# Benchmark results",
        "",
        f"{records:,} records of about 253 bytes in canonical shards, with an item for every three.",
        f"Python {platform.python_version()}, {platform.machine()}. CPU is user and system time of the whole process with its",
        "children, of the least disturbed of several runs. A ratio compares runs of the same session on the same machine:",
        "quote ratios, not seconds. `make bench` writes this file.",
        "",
        "| job | tool | CPU s | wall s | peak MiB | ratio | right | note |",
        "|---|---|---:|---:|---:|---|---|---|",
    ]
    for row in rows:
        cells = (
            row.job,
            row.tool,
            f"{row.cpu:.2f}",
            f"{row.wall:.2f}",
            f"{row.peak:.0f}" if row.peak else "",
            row.ratio,
            "yes" if row.right else "**no**",
            row.note,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
