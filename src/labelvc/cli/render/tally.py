"""Counts of a taxonomy's labels for people and programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from labelvc.cli.render import batch, text
from labelvc.ops.tally import Tally

_MOST = 60
_LONGEST = 40


def items(found: Tally) -> Iterator[Mapping[str, Any]]:
    """Yield the rows as JSON (`schemas/taxonomy-counts.v1.json`)."""
    for row in found.rows:
        yield {**row._asdict(), "rolled": list(row.rolled)}


def summary(found: Tally) -> Mapping[str, Any]:
    """Return the whole as JSON."""
    return {
        "taxonomy": found.taxonomy,
        "level": found.level,
        "records": found.records,
        "unknown": found.unknown,
        "agreement": {task: side and batch.side(side) for task, side in found.agreements.items()},
    }


def table(found: Tally) -> Iterator[str]:
    """Yield a table, the label of most records first."""
    rolled = f", rolled up to level {found.level}" if found.level else ""
    yield f"{text.count(found.records, 'record')} with a label of {text.safe(found.taxonomy)}{rolled}\n\n"
    shown = found.rows[:_MOST]
    width = min(max([len(row.label) for row in shown], default=5), _LONGEST)
    yield f"{'label'.ljust(width)}  {'records':>9}{'items':>9}{'share':>11}\n"
    for row in shown:
        below = f"  with {', '.join(row.rolled[:3])}{' …' if row.rolled[3:] else ''}" if row.rolled else ""
        yield f"{text.safe(row.label).ljust(width)}  {row.records:>9,}{row.items:>9,}{row.share:>11,.2f}{text.safe(below)}\n"
    if len(found.rows) > _MOST:
        yield f"and {len(found.rows) - _MOST:,} more; --format jsonl lists all\n"
    if found.unknown:
        yield f"{text.count(found.unknown, 'record')} with a label that the taxonomy lacks; labelvc check --all names them\n"
    for task, side in found.agreements.items():
        if side:
            alpha = f"alpha {batch.figure(side.alpha)}" if side.alpha else "all answers are the same"
            figures = f"agreement {batch.figure(side.observed)}, {alpha}"
            yield f"\n{text.safe(task)}: {figures}, on {text.count(side.units, 'item')} with two answers or more\n"
