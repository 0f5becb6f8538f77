"""Tables of a diff on a terminal: counts a dataset or group, and which label became which, in eighty columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from labelvc.cli.render.text import clip, count, safe, totals
from labelvc.core import diff
from labelvc.core.counts import COLUMNS, Rows

WIDTH = 80
_NAME = 24
_TASKS = 20
_LABEL = 10
_FEW = 4
_MOST = 12
_ROWS = 40
Moves = dict[tuple[str, str], int]


def stat(summary: diff.Summary, tables: Mapping[str, Rows]) -> Iterator[str]:
    """Yield the totals, the tables, and for each task which label became which."""
    yield totals(summary) + "\n"
    for name, rows in tables.items():
        if rows:
            yield from table(name, rows)
    yield from transitions(summary)


def table(name: str, rows: Rows) -> Iterator[str]:
    """Yield a table with a row for each group, the rest counted; nought is a dash."""
    columns = COLUMNS[name]
    widths = [max(len(column), 7) for column in columns]
    room = WIDTH - sum(number + 2 for number in widths)
    width = min(room, max(len(safe(row)) for row in [name, *list(rows)[:_ROWS]]))
    yield f"\n{name.ljust(width)}" + _cells(columns, widths)
    for row, counted in list(rows.items())[:_ROWS]:
        yield clip(safe(row), width).ljust(width) + _cells(
            [f"{counted[one]:,}" if counted[one] else "-" for one in columns], widths
        )
    if len(rows) > _ROWS:
        yield f"and {count(len(rows) - _ROWS, 'more row')}\n"


def transitions(summary: diff.Summary) -> Iterator[str]:
    """Yield for each task a matrix where it fits into eighty columns and says more than a list, else the largest transitions."""
    tasks = by_task(summary)
    if len(tasks) > _TASKS:
        yield f"\n{count(len(tasks) - _TASKS, 'task')} with fewer changes not shown here\n"
    for task, moves in largest(tasks, _TASKS):
        labels = ordered({label for pair in moves for label in pair})
        widths = [max(len(clip(safe(label), _LABEL)), 5) for label in labels]
        left = max(len("old"), *[len(clip(safe(label), _LABEL)) for label in labels])
        fits = left + sum(width + 2 for width in widths) <= WIDTH
        square = fits and len(moves) >= _FEW
        how = " (rows are old, columns new)" if square else ""
        yield f"\n{safe(task) or '(no task)'}: {count(sum(moves.values()), 'record')} with another answer{how}\n"
        yield from _matrix(labels, widths, left, moves) if square else _largest(moves)


def by_task(summary: diff.Summary) -> dict[str, Moves]:
    """Return the transitions of each task: (old, new) to number."""
    tasks: dict[str, Moves] = {}
    for (task, old, new), number in summary.transitions.items():
        tasks.setdefault(task, {})[old, new] = number
    return tasks


def largest(tasks: Mapping[str, Moves], most: int) -> list[tuple[str, Moves]]:
    """Return the tasks with the most changes, sorted by name."""
    return sorted(sorted(tasks.items(), key=lambda row: (-sum(row[1].values()), row[0]))[:most])


def ordered(labels: set[str]) -> list[str]:
    """Return labels as people read them: numbers by size, then words by letter."""
    return sorted(labels, key=_rank)


def _rank(label: str) -> tuple[bool, float, str]:
    try:
        number = float(label)
    except ValueError:
        return True, 0.0, label
    return number != number, number if number == number else 0.0, label  # noqa: PLR0124 - `nan` is a word here


def _cells(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join([f"  {cell.rjust(width)}" for cell, width in zip(cells, widths, strict=True)]).rstrip() + "\n"


def _matrix(
    labels: Sequence[str], widths: Sequence[int], left: int, moves: Mapping[tuple[str, str], int]
) -> Iterator[str]:
    """Yield rows of old labels and columns of new ones."""
    yield "old".ljust(left) + _cells([clip(safe(label), _LABEL) for label in labels], widths)
    for old in labels:
        cells = [f"{moves[old, new]:,}" if (old, new) in moves else "-" for new in labels]
        if any(cell != "-" for cell in cells):
            yield clip(safe(old), _LABEL).ljust(left) + _cells(cells, widths)


def _largest(moves: Mapping[tuple[str, str], int]) -> Iterator[str]:
    ranked = sorted(moves.items(), key=lambda row: (-row[1], row[0]))
    width = max(len(_way(*pair)) for pair, _ in ranked[:_MOST])
    for pair, number in ranked[:_MOST]:
        yield f"  {_way(*pair).ljust(width)}  {number:>7,}\n"
    if len(ranked) > _MOST:
        rest = sum(number for _, number in ranked[_MOST:])
        yield f"  and {count(len(ranked) - _MOST, 'more transition')} of {count(rest, 'record')}\n"


def _way(old: str, new: str) -> str:
    shown = [clip(safe(side), _NAME) or "(none)" for side in (old, new)]
    return " -> ".join(shown)
