"""Conflicts for people and programs: what both sides made of a record, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from labelvc.cli.render import text
from labelvc.core.diff import decoded, pointers
from labelvc.core.veil import Veil
from labelvc.model import jsonpointer
from labelvc.model.change import Conflict
from labelvc.model.names import Key

_MOST = 20


def item(found: Conflict, path: str, veil: Veil) -> Mapping[str, Any]:
    """Return a conflict as `merge` and `resolve` print it in JSON."""
    base, ours, theirs = [
        [_shown(found, line, veil) for line in side] for side in (found.base, found.ours, found.theirs)
    ]
    fields = _drawn(found, found.fields, veil)
    return {
        "key": str(found.key), "kind": found.kind, "path": path, "fields": fields, "base": base, "ours": ours, "theirs": theirs,
    }  # fmt: skip


def some(conflicts: Mapping[str, list[Conflict]], veil: Veil, *, color: bool) -> Iterator[str]:
    """Yield the first conflicts and the number of the others."""
    found = [conflict for here in conflicts.values() for conflict in here]
    for conflict in found[:_MOST]:
        yield from lines(conflict, veil, color=color)
    if len(found) > _MOST:
        yield f"  and {text.count(len(found) - _MOST, 'more record')}; labelvc resolve --format jsonl lists all\n"


def lines(found: Conflict, veil: Veil, *, color: bool) -> Iterator[str]:
    """Yield a conflict: its key and what is wrong, and below it each field that both sides have differently."""
    base, ours, theirs = [_first(found, side, veil) for side in (found.base, found.ours, found.theirs)]
    yield f"{text.paint('!', '-', on=color)} {text.named(str(found.key), 200)}  {_said(found, ours)}\n"
    if found.kind == "doubled":
        return
    for pointer in _drawn(found, _fields(found, base, ours, theirs), veil):
        was, mine, new = [_at(side, pointer) for side in (base, ours, theirs)]
        one, two = text.paint(mine, "+", on=color), text.paint(new, "~", on=color)
        yield f"    {text.safe(pointer)}  {f'was {was}  ' if base else ''}ours {one}  theirs {two}\n"


def _said(found: Conflict, ours: Mapping[str, Any]) -> str:
    return {
        "edited": "changed on both sides",
        "added": "added on both sides, not alike",
        "deleted": "deleted on our side, changed on theirs"
        if _is_gone(ours)
        else "changed on our side, deleted on theirs",
        "doubled": "the key stands on several lines",
    }[found.kind]


def _fields(
    found: Conflict, base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Iterable[str]:
    """Return the pointers to show: what no rule decides; against a deletion, what the other side changed."""
    if any(found.fields):
        return found.fields
    one, two = (base, theirs if _is_gone(ours) else ours) if found.base and found.kind == "deleted" else (ours, theirs)
    return [pointer for pointer in pointers(one, two) if pointer not in ("/rev", "/at", "/gone")]


def _drawn(found: Conflict, named: Iterable[str], veil: Veil) -> list[str]:
    """Return pointers, each cut where it leads into a field that must hold a pseudonym: what it names there may be somebody's."""
    if not isinstance(found.key, Key):
        return list(named)
    return list(dict.fromkeys([pointer for pointer, _ in veil.leaves(found.key, [(name, None) for name in named])]))


def _at(side: Mapping[str, Any], pointer: str) -> str:
    if _is_gone(side):
        return "(deleted)"
    value = jsonpointer.reach(side, pointer)
    return "(none)" if value is None else text.short(value)


def _is_gone(side: Mapping[str, Any]) -> bool:
    return not side or side.get("gone") is True


def _first(found: Conflict, side: tuple[bytes, ...], veil: Veil) -> Mapping[str, Any]:
    return _shown(found, side[0], veil) if side else {}


def _shown(found: Conflict, line: bytes, veil: Veil) -> dict[str, Any]:
    fields = decoded(line)
    return veil.over(found.key, fields) if isinstance(found.key, Key) else fields
