"""HTML of a diff, and what all pages share: one file that needs nothing else, no script, no network, in light and dark; Jinja2 escapes all of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from labelvc.cli.render import edits, text
from labelvc.cli.render.compiled import Compiled
from labelvc.cli.render.report import Report
from labelvc.cli.render.tables import by_task, largest, ordered
from labelvc.core import diff
from labelvc.core.counts import COLUMNS, Rows

_MOST_LABELS = 20
_MOST_TASKS = 20
_MOST_ROWS = 200
_TOP = 20
_SMALL = 5
_OTHERS = "(others)"
_SIGNS = {"added": "+", "removed": "−", "changed": "~", "touched": ".", "mechanical": "="}
_LONGEST = 300


class Matrix(NamedTuple):
    """Which label became which in one task.

    Attributes:
        task: name of the task.
        total: number of records.
        labels: the columns, new labels.
        rows: an old label with the number and the shade, 0 to 9, of each cell.
        ways: (old, new, number, share of the most frequent in twentieths), the most frequent first.
        more: how many ways are left out, and of how many records.
    """

    task: str
    total: int
    labels: list[str]
    rows: list[tuple[str, list[tuple[int, int]]]]
    ways: list[tuple[str, str, int, int]]
    more: tuple[int, int]

    @property
    def sparse(self) -> bool:
        """Tell whether a list says more than a table that is mostly empty."""
        filled = sum(number > 0 for _, cells in self.rows for number, _ in cells)
        return len(self.labels) > _SMALL and filled * 4 < len(self.labels) * len(self.rows)

    @property
    def tall(self) -> bool:
        """Tell whether the names of columns must stand upright."""
        return max(map(len, self.labels)) > _SMALL


@cache
def environment() -> Environment:
    """Return what fills the templates of pages: everything is escaped, and safe to show."""
    loader = FileSystemLoader(Path(__file__).parent)
    made = Environment(
        loader=loader,
        bytecode_cache=Compiled(),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["shown"] = lambda words: text.clip(text.safe(str(words)), _LONGEST)
    made.filters["named"] = lambda key: text.named(str(key))
    made.filters["prose"] = lambda words: text.safe(" ".join(str(words).split()))
    made.filters["safely"] = lambda words: text.safe(str(words))
    made.filters["number"] = lambda number: f"{number:,}"
    return made


def diff_page(report: Report) -> str:
    """Return a diff as one HTML page.

    Args:
        report: what to say.
    """
    return (
        environment()
        .get_template("diff.html.jinja")
        .render(
            report=report,
            cards=list(_cards(report.summary)),
            tables=[
                (name, COLUMNS[name], list(rows.items())[:_MOST_ROWS], max(0, len(rows) - _MOST_ROWS))
                for name, rows in _filled(report.tables)
            ],
            matrices=matrices(report.summary),
            documents=[(seen, [edits.sentence(edit) for edit in seen.edits]) for seen in report.gathered.documents],
            signs=_SIGNS,
            what=text.what,
        )
    )


def matrices(summary: diff.Summary) -> list[Matrix]:
    """Return a matrix for each task; of many labels the most frequent, the others in one row and column."""
    return [_matrix(task, moves) for task, moves in largest(by_task(summary), _MOST_TASKS)]


def _matrix(task: str, moves: Mapping[tuple[str, str], int]) -> Matrix:
    weight: dict[str, int] = {}
    for pair, number in moves.items():
        for label in pair:
            weight[label] = weight.get(label, 0) + number
    kept = sorted(weight, key=lambda label: (-weight[label], label))[:_MOST_LABELS]
    labels = ordered(set(kept)) + [_OTHERS] * (len(weight) > len(kept))
    cells: dict[tuple[str, str], int] = {}
    for (old, new), number in moves.items():
        place = (old if old in kept else _OTHERS, new if new in kept else _OTHERS)
        cells[place] = cells.get(place, 0) + number
    most = max(cells.values())
    rows = [
        (old, [(cells.get((old, new), 0), _shade(cells.get((old, new), 0), most)) for new in labels])
        for old in labels
        if any((old, new) in cells for new in labels)
    ]
    ranked = sorted(moves.items(), key=lambda row: (-row[1], row[0]))
    ways = [(old, new, number, max(1, round(20 * number / ranked[0][1]))) for (old, new), number in ranked[:_TOP]]
    more = len(ranked) - len(ways), sum(number for _, number in ranked[_TOP:])
    return Matrix(task, sum(moves.values()), labels, rows, ways, more)


def _shade(number: int, most: int) -> int:
    return 0 if not number else max(1, round(9 * number / most))


def _cards(summary: diff.Summary) -> list[tuple[str, list[tuple[str, int]]]]:
    kinds = ("changed", "added", "removed", "touched")
    named: list[tuple[str, Mapping[Any, int]]] = [
        ("records", summary.records),
        ("items", summary.items),
        ("documents", summary.documents),
    ]
    cards = [(noun, [(kind, counts[kind]) for kind in kinds if counts.get(kind)]) for noun, counts in named]
    mechanical = [(noun if number == 1 else f"{noun}s", number) for noun, number in sorted(summary.mechanical.items())]
    return [*cards, ("mechanical", mechanical)] if mechanical else cards


def _filled(tables: Mapping[str, Rows]) -> list[tuple[str, Rows]]:
    return [(name, rows) for name, rows in tables.items() if rows]
