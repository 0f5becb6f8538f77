"""Ways: which label became which, records that came and went among them, as a list, as a square, and as a shift of the whole."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from labelvc.core import sampling
from labelvc.core.counts import label_of
from labelvc.core.diff import Comparison
from labelvc.core.sampling import Stratum
from labelvc.digests import sha256
from labelvc.model.exhibit import Example
from labelvc.model.names import Key
from labelvc.model.ways import Grid, Plan, Share, Shift, Way, Ways

CONFIDENCE = 95
PLANS = (30, 59, 100)
_MOST = 200
_MOST_GRIDS = 12
_SIDE = 20
_MOST_LABELS = 60
_LONGEST = 120
Turn = tuple[str, str | None, str | None]
"""A task and a label that became another; None is a record that was not there, or is not there any more."""


class Drawn(NamedTuple):
    """The examples of a way, and how many records went it."""

    size: int
    examples: tuple[Example, ...]


def way_of(seen: Comparison) -> Turn | None:
    """Return the way that a record went; None where its label is the same, or it is no record."""
    key = seen.delta.key
    if not isinstance(key, Key) or not key.id or seen.kind not in ("added", "removed", "changed"):
        return None
    old = None if seen.kind == "added" else named(label_of(seen.old))
    new = None if seen.kind == "removed" else named(label_of(seen.new))
    fields = seen.old if new is None else seen.new
    return None if old == new else (named(str(fields.get("task", ""))), old, new)


def named(label: str) -> str:
    """Return a label as it is shown; of a long one its beginning and some digits that tell it from others."""
    if len(label) <= _LONGEST:
        return label
    digits = sha256(label.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{label[: _LONGEST - 10]}… {digits}"


def relabelled(turns: Mapping[Turn, int]) -> int:
    """Return how many records have another label: those that came or went also went a way, and none of theirs changed."""
    return sum(number for (_, old, new), number in turns.items() if old is not None and new is not None)


def ranked(turns: Mapping[Turn, int]) -> list[tuple[Turn, int]]:
    """Return ways by how many records went them, equal ones by their names."""
    return sorted(turns.items(), key=lambda row: (-row[1], tuple(side or "" for side in row[0])))


def draw(rows: Iterable[tuple[Turn, str, Comparison]], number: int, seed: str) -> dict[Turn, Stratum[Comparison]]:
    """Draw a number of records of each way, all of one with the same chance.

    Args:
        rows: the way, the record's key and the change.
        number: how many of each way.
        seed: of the draw.
    """
    names: dict[Turn, str] = {}

    def strata() -> Iterator[tuple[str, str, Comparison]]:
        for turn, key, seen in rows:
            name = names.get(turn)
            if name is None:
                name = names[turn] = repr(turn)
            yield name, key, seen

    found = sampling.draw(strata(), number, seed)
    turns = {name: turn for turn, name in names.items()}
    return {turns[one.name]: one for one in found}


def told(turns: Mapping[Turn, int], seed: str, drawn: Mapping[Turn, Drawn]) -> Ways:
    """Return which label became which.

    Args:
        turns: way to number of records.
        seed: that the examples were drawn by.
        drawn: the examples of some ways.
    """
    total = sum(turns.values())
    rows: list[Way] = []
    reached = 0
    for (task, old, new), number in ranked(turns)[:_MOST]:
        reached += number
        of_way = drawn.get((task, old, new), Drawn(number, ()))
        bound = sampling.bound(of_way.size, len(of_way.examples)) if of_way.examples else None
        shares = percent(number, total), percent(reached, total)
        rows.append(Way(task, old, new, number, *shares, len(of_way.examples), of_way.examples, bound))
    return Ways(
        total,
        len(turns),
        sum(number == 1 for number in turns.values()),
        seed,
        CONFIDENCE,
        tuple(Plan(seen, sampling.bound(total, seen)) for seen in PLANS if seen < total),
        tuple(_grids(turns)),
        tuple(rows),
        len(turns) - len(rows),
        total - reached,
    )


def percent(part: float, whole: float) -> float:
    """Return a share in percent with one digit after the point; 0 of nothing."""
    return round(100 * part / whole, 1) if whole else 0.0


def _grids(turns: Mapping[Turn, int]) -> Iterator[Grid]:
    tasks: dict[str, dict[tuple[str | None, str | None], int]] = defaultdict(dict)
    for (task, old, new), number in turns.items():
        tasks[task][old, new] = number
    largest = sorted(tasks.items(), key=lambda row: (-sum(row[1].values()), row[0]))[:_MOST_GRIDS]
    return (_grid(task, moves) for task, moves in sorted(largest))


def _grid(task: str, moves: Mapping[tuple[str | None, str | None], int]) -> Grid:
    weight = Counter[str | None]()
    for pair, number in moves.items():
        weight.update(dict.fromkeys(pair, number) if pair[0] != pair[1] else {pair[0]: number})
    absent = None in weight
    names = sorted((name for name in weight if name is not None), key=lambda name: (-weight[name], name))
    kept: list[str | None] = [*sorted(names[:_SIDE], key=_reading), *[None] * absent]
    places = {name: at for at, name in enumerate(kept)}
    others = len(names) > _SIDE
    size = len(kept) + others
    cells = [[0] * size for _ in range(size)]
    for (old, new), number in moves.items():
        cells[places.get(old, size - 1)][places.get(new, size - 1)] += number
    return Grid(task, sum(moves.values()), tuple(kept), others, tuple(map(tuple, cells)))


def _reading(label: str) -> tuple[bool, float, str]:
    """Return what puts labels in the order people read them: numbers by size, then words by letter."""
    try:
        number = float(label)
    except ValueError:
        return True, 0.0, label
    return number != number, number if number == number else 0.0, label  # noqa: PLR0124 - `nan` is a word here


def shift(
    place: tuple[str, str],
    before: Mapping[str, int],
    after: Mapping[str, int],
    floor: int | None,
    known: Collection[str],
) -> Shift:
    """Return how the answers to a task are spread before and after.

    Args:
        place: dataset and task.
        before: label to number of answers.
        after: the same after.
        floor: fewest answers of a label that the dataset declares.
        known: labels of the task's taxonomy that are in use.
    """
    one, two = sum(before.values()), sum(after.values())
    labels = sorted({*before, *after})
    moves = {name: _part(after.get(name, 0), two) - _part(before.get(name, 0), one) for name in labels}
    distance = round(50 * sum(abs(moves[name]) for name in labels), 2)
    order = sorted(labels, key=lambda name: (-abs(moves[name]), -before.get(name, 0), name))
    rows = [
        Share(
            named(name),
            before.get(name, 0),
            after.get(name, 0),
            round(100 * _part(before.get(name, 0), one), 2),
            round(100 * _part(after.get(name, 0), two), 2),
            round(100 * moves[name], 2) + 0.0,
        )
        for name in order[:_MOST_LABELS]
    ]
    under = [
        named(name)
        for name in labels
        if floor is not None and name in known and before.get(name, 0) >= floor > after.get(name, 0)
    ]
    return Shift(*place, one, two, distance, tuple(rows), len(labels) - len(rows), floor, tuple(under))


def _part(number: int, whole: int) -> float:
    return number / whole if whole else 0.0


def merged(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Return the sum of counts, what is nought left out."""
    total = Counter[str]()
    for each in counts:
        for name, number in each.items():
            total[name] += number
    return {name: number for name, number in total.items() if number}
