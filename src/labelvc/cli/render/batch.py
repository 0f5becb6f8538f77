"""Batches for people and programs: what was drawn, how far people agree, and what they take for each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labelvc.cli.render import text
from labelvc.core.agreement import Estimate, Side
from labelvc.ops.batch import Shown, Value

_MOST = 10


def drawn(value: Value) -> str:
    """Return one line on a batch, and one a stratum."""
    rows = "".join(list(_strata(value)))
    return f"{_head(value)}\n{rows}"


def table(found: Sequence[Value]) -> Iterator[str]:
    """Yield a line a batch."""
    for value in found:
        yield f"{_head(value)}, drawn {value['drawn']}\n"


def shown(found: Shown) -> Iterator[str]:
    """Yield a batch, how far people agree on it, and the pairs of labels taken for each other."""
    value, side = found.value, found.agreement
    yield f"{_head(value)}, drawn {value['drawn']} with the seed {text.safe(value['seed'])}\n"
    yield from _strata(value)
    yield f"answered: {found.answered:,}; by two people or more: {found.twice:,}\n"
    if side is None:
        yield "too few of them to say how far people agree\n"
        return
    yield f"agreement {figure(side.observed)}\n"
    yield f"alpha     {figure(side.alpha)}\n" if side.alpha else "alpha     all answers are the same\n"
    if found.confusions:
        yield "\ntaken for each other              pairs  in the guideline\n"
    for one in found.confusions[:_MOST]:
        names = text.clip(f"{text.safe(one.one)} / {text.safe(one.other)}", 32)
        yield f"{names.ljust(32)} {one.pairs:>6,}  {'told apart' if one.answered else 'not told apart'}\n"
    if len(found.confusions) > _MOST:
        yield f"and {len(found.confusions) - _MOST:,} more\n"


def row(value: Value) -> Mapping[str, Any]:
    """Return a batch as JSON (`schemas/batch-list.v1.json`)."""
    members = ("name", "kind", "dataset", "task", "drawn", "seed")
    size = sum(len(stratum["items"]) for stratum in value["strata"])
    return {**{name: value[name] for name in members}, "under": value.get("under"), "items": size}


def whole(found: Shown) -> Mapping[str, Any]:
    """Return a batch and what was answered of it as JSON (`schemas/batch-show.v1.json`)."""
    return {
        **row(found.value),
        "strata": [dict(stratum) for stratum in found.value["strata"]],
        "answered": found.answered,
        "twice": found.twice,
        "agreement": side(found.agreement) if found.agreement else None,
        "confusions": [
            {"labels": [one.one, one.other], "pairs": one.pairs, "told_apart": one.answered} for one in found.confusions
        ],
    }


def side(found: Side) -> Mapping[str, Any]:
    """Return how far people agree as JSON."""
    return {
        "units": found.units,
        "values": found.values,
        "observed": found.observed._asdict(),
        "alpha": found.alpha._asdict() if found.alpha else None,
    }


def _head(value: Value) -> str:
    number = sum(len(stratum["items"]) for stratum in value["strata"])
    under = f" under {text.safe(value['under'])}" if value.get("under") else ""
    return f"{value['name']}: {value['kind']}, {text.count(number, 'item')} of {value['dataset']} for {value['task']}{under}"


def _strata(value: Value) -> Iterator[str]:
    if value.get("stratify"):
        for stratum in value["strata"]:
            yield f"  {len(stratum['items']):>6,} of {stratum['size']:>8,}  {text.safe(stratum['of'])}\n"


def figure(found: Estimate) -> str:
    """Return a figure with its interval."""
    if found.low is None or found.high is None:
        return f"{found.value:.2f}"
    return f"{found.value:.2f} (95 % between {found.low:.2f} and {found.high:.2f})"
