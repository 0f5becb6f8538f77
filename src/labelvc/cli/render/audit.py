"""What an audit of merges found, for people and programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from labelvc.cli.render import text as plain
from labelvc.core.audit import Verdict
from labelvc.core.diff import decoded
from labelvc.core.veil import Veil
from labelvc.errors import Error
from labelvc.model import jsonpointer
from labelvc.model.names import Key
from labelvc.ops.audit import Found, Merge

FAULTS = ("lost", "resurrected", "unwritten", "doubled", "markers")
"""The kinds of verdict that are faults of a merge."""

_MOST = 20
_LONG = 200
_SIDES = {"ours": "the first parent", "theirs": "the second parent", "both": "both sides", "": "nobody"}
_OF_MANY = {**_SIDES, "ours": "the parents before the last", "theirs": "the last parent"}  # worked out parent by parent
_ORDER = dict.fromkeys([*_SIDES.values(), *_OF_MANY.values()])
_Row = tuple[Merge, Found | None, Error | None, Veil]


def item(merge: Merge, found: Found | None, problem: Error | None, veil: Veil) -> Mapping[str, Any]:
    """Return one thing that was found as `audit merges` prints it in JSON."""
    head = {"commit": merge.commit, "parents": list(merge.parents)}
    if found is None:
        told = "" if problem is None else f"{problem.message}{f' ({problem.where})' if problem.where else ''}"
        return {**head, "kind": "untold", "key": "", "path": "", "side": "", "fields": [], "message": told, **_NOTHING}
    verdict = found.verdict
    lines = {
        name: [_shown(verdict.key, line, veil) for line in side]
        for name, side in zip(_NOTHING, (verdict.base, verdict.ours, verdict.theirs, verdict.merged), strict=True)
    }
    return {
        **head, "kind": verdict.kind, "key": str(verdict.key), "path": found.path, "side": verdict.side,
        "fields": _pointers(verdict, veil), "message": said(merge, verdict), **lines,
    }  # fmt: skip


_NOTHING: Mapping[str, list[Any]] = {"base": [], "ours": [], "theirs": [], "merge": []}


def text(rows: Iterable[_Row], subject: Callable[[Merge], str], *, color: bool) -> Iterator[str]:
    """Yield each merge that something is to be said of, below it what; of many faults the first, the rest counted.

    Args:
        rows: what was found, merge by merge.
        subject: the first line of a merge's message.
        color: whether to paint.
    """
    here: Merge | None = None
    shown, more = 0, Counter[tuple[str, str]]()
    for merge, found, problem, veil in rows:
        if merge != here:
            yield from _rest(more)
            here, shown, more = merge, 0, Counter()
            yield f"{plain.paint(merge.commit[:10], 'bold', on=color)}  {plain.clip(plain.safe(subject(merge)), _LONG)}\n"
        kind = found.verdict.kind if found else "untold"
        if shown >= _MOST or kind == "resolved":
            more[kind, _sides(merge)[found.verdict.side] if found else ""] += 1
            continue
        shown += 1
        if found is None:
            yield from _untold(problem, color=color)
        else:
            yield from _lines(merge, found, veil, color=color)
    yield from _rest(more)


def totals(summary: Mapping[str, int]) -> str:
    """Return the last line: how many merges, and what was found in them."""
    words = [_count(kind, summary[kind]) for kind in (*FAULTS, "resolved", "untold") if summary[kind]]
    return f"{plain.count(summary['merges'], 'merge')}, {summary['clean']:,} clean{''.join(f'; {word}' for word in words)}\n"


def _count(kind: str, number: int) -> str:
    nouns = {
        "lost": "lost update", "resurrected": "resurrected record", "unwritten": "record nobody wrote",
        "doubled": "doubled key", "markers": "shard with conflict markers", "resolved": "conflict resolved",
    }  # fmt: skip
    if kind == "untold":
        return f"{number:,} could not be told"
    if number == 1:
        return f"1 {nouns[kind]}"
    noun, _, rest = nouns[kind].partition(" ")
    return (
        f"{number:,} {noun}s {rest}" if kind in ("unwritten", "markers", "resolved") else f"{number:,} {nouns[kind]}s"
    )


def _rest(more: Mapping[tuple[str, str], int]) -> Iterator[str]:
    resolved = {side: number for (kind, side), number in more.items() if kind == "resolved"}
    faults = sum(more.values()) - sum(resolved.values())
    if faults:
        yield f"  and {faults:,} more; labelvc audit merges --format jsonl lists all\n"
    if resolved:
        sides = ", ".join(f"{resolved[side]:,} as {side}" for side in _ORDER if side in resolved)
        yield f"  {_count('resolved', sum(resolved.values()))} by a person: {sides}\n"


def _lines(merge: Merge, found: Found, veil: Veil, *, color: bool) -> Iterator[str]:
    verdict = found.verdict
    key = plain.named(str(verdict.key), _LONG)
    yield f"  {plain.paint(verdict.kind.ljust(11), 'error', on=color)} {key}  {said(merge, verdict)}\n"
    sides = [_first(verdict.key, side, veil) for side in (verdict.base, verdict.ours, verdict.theirs, verdict.merged)]
    if verdict.kind == "markers" or not any(sides):
        return
    for pointer in _pointers(verdict, veil) or _differing(sides):
        was, ours, theirs, merged = [_at(side, pointer) for side in sides]
        yield f"      {plain.safe(pointer)}  was {was}  ours {ours}  theirs {theirs}  merge {merged}\n"


def _untold(problem: Error | None, *, color: bool) -> Iterator[str]:
    if problem is None:
        return
    where = f" ({plain.safe(problem.where)})" if problem.where else ""
    yield f"  {plain.paint('untold'.ljust(11), 'warning', on=color)} {plain.safe(problem.message)}{where}\n"
    if problem.hint:
        yield f"      next: {plain.safe(problem.hint)}\n"


def said(merge: Merge, verdict: Verdict) -> str:
    """Return what is wrong with a line of a merge, in words."""
    side = _sides(merge)[verdict.side]
    what = "" if verdict.fields else " of the whole line"
    return {
        "resolved": f"a conflict; what {side} said stands",
        "lost": f"a change of {side} is not in the merge"
        if verdict.side != "both"
        else "what both sides had is not in the merge",
        "resurrected": f"deleted by {side}, and there again",
        "unwritten": f"the merge says what no side and no rule says{what}",
        "doubled": "the key stands there more often than on either side",
        "markers": "conflict markers were committed",
    }[verdict.kind]


def _sides(merge: Merge) -> Mapping[str, str]:
    return _SIDES if len(merge.parents) == 2 else _OF_MANY


def _differing(sides: list[Mapping[str, Any]]) -> list[str]:
    """Return the members to show of a line that is judged as a whole: those in which the versions differ."""
    live = [side for side in sides if side and side.get("gone") is not True]
    names = sorted(set().union(*live) - {"item", "id", "rev", "at"})
    kept = [name for name in names if any(side.get(name) != live[0].get(name) for side in live)]
    return [
        f"/{jsonpointer.escaped(name)}" for name in kept or [name for name in names if name == "value"] or names[:1]
    ]


def _pointers(verdict: Verdict, veil: Veil) -> list[str]:
    if not isinstance(verdict.key, Key):
        return list(verdict.fields)
    return list(dict.fromkeys(pointer for pointer, _ in veil.leaves(verdict.key, [(p, None) for p in verdict.fields])))


def _at(side: Mapping[str, Any], pointer: str) -> str:
    if not side:
        return "(absent)"
    if side.get("gone") is True:
        return "(deleted)"
    value = jsonpointer.reach(side, pointer)
    return "(none)" if value is None else plain.short(value)


def _first(key: Key | str, side: tuple[bytes, ...], veil: Veil) -> Mapping[str, Any]:
    return _shown(key, side[0], veil) if side else {}


def _shown(key: Key | str, line: bytes, veil: Veil) -> dict[str, Any]:
    fields = decoded(line)
    return veil.over(key, fields) if isinstance(key, Key) else fields
