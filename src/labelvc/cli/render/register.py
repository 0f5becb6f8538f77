"""Registers for people and programs: lists, the matrix of risks, and one document in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labelvc.cli.render import text
from labelvc.core import registers
from labelvc.core.registers import LEVELS
from labelvc.model.register import KINDS
from labelvc.ops.registers import Document

_STEPS = range(1, 6)
_ELSEWHERE = frozenset(("schema", "id", "title", "owner", "opened", "due", "status", "closed", "history"))


def row(one: Document) -> Mapping[str, Any]:
    """Return a document as JSON (`schemas/register-list.v1.json`)."""
    value = one.value
    return {
        "id": one.id,
        "kind": one.kind,
        "title": value["title"],
        "owner": value["owner"],
        "opened": value["opened"],
        "due": value.get("due"),
        "status": value["status"],
        "closed": value["closed"]["on"] if "closed" in value else None,
        "overdue": one.late._asdict() if one.late else None,
        "path": one.path,
        "shown": _shown(one),
    }


def whole(one: Document) -> Mapping[str, Any]:
    """Return a document with all it says as JSON (`schemas/register-show.v1.json`)."""
    return {**row(one), "document": dict(one.value)}


def totals(found: Sequence[Document], on: str) -> Mapping[str, Any]:
    """Return how many of the documents are open, closed and overdue."""
    counted = Counter(one.value["status"] for one in found)
    late = sum(one.late is not None for one in found)
    return {"on": on, "open": counted["open"], "closed": counted["closed"], "overdue": late}


def table(found: Sequence[Document]) -> Iterator[str]:
    """Yield a line a document, and under risks the matrix of those that are open."""
    rows = [(one.id, one.value["owner"], _when(one), _about(one)) for one in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row_ in rows:
        yield f"{'  '.join(map(str.ljust, row_, [*widths[:-1], 0]))}\n"
    risks = [one for one in found if one.kind == "risk" and one.value["status"] == "open"]
    if risks:
        yield from _matrix(risks)


def page(one: Document) -> Iterator[str]:
    """Yield what a document says, a line a member."""
    value = one.value
    rows = [(member, value[member]) for member in ("owner", "opened", "due") if member in value]
    rows += [("level", level)] if (level := registers.level(value)) else []
    rows += [("overdue", _overdue(one))] if one.late else []
    rows += [(member, said) for member, said in value.items() if member not in _ELSEWHERE]
    rows += [(line["on"], f"{_by(line)}{line['said']}") for line in value.get("history", ())]
    if "closed" in value:
        closed = value["closed"]
        rows.append(("closed", f"{closed['on']} {_by(closed)}{closed['reason']}"))
    yield f"{one.id}  {text.safe(value['title'])}\n"
    yield from [f"  {name.ljust(10)}  {_said(said)}\n" for name, said in rows]


def _about(one: Document) -> str:
    own = ", ".join(f"{member} {text.clip(_said(said), 60)}" for member, said in _shown(one).items())
    return f"{text.clip(text.safe(one.value['title']), 100)}{f' ({own})' if own else ''}"


def _when(one: Document) -> str:
    value = one.value
    if value["status"] == "closed":
        return f"closed {value['closed']['on']}"
    if one.late:
        return _overdue(one)
    return f"open until {value['due']}" if "due" in value else "open"


def _overdue(one: Document) -> str:
    late = one.late
    if late is None:
        return ""
    what = "expired" if late.member == "expires" else "overdue since"
    return f"{what} {late.since}{f', with {late.asked} now' if late.asked else ''}"


def _shown(one: Document) -> dict[str, Any]:
    own = {member: one.value[member] for member in KINDS[one.kind].shown if member in one.value}
    level = registers.level(one.value)
    return {**own, "level": level} if level else own


def _matrix(risks: Sequence[Document]) -> Iterator[str]:
    """Yield the open risks by likelihood (up) and impact (right), with the level of each field."""
    counted = Counter((one.value["likelihood"], one.value["impact"]) for one in risks)
    yield "\nlikelihood\n"
    for likelihood in reversed(_STEPS):
        cells = [_cell(counted[likelihood, impact], likelihood * impact) for impact in _STEPS]
        yield f"  {likelihood}  {' '.join(cells).rstrip()}\n"
    yield f"     {' '.join(str(impact).ljust(8) for impact in _STEPS)} impact\n"


def _cell(number: int, product: int) -> str:
    level = next(name for name, highest in LEVELS.items() if product <= highest)
    return f"{number or '.'} {level}".ljust(8)


def _said(said: Any) -> str:
    if isinstance(said, list):
        return ", ".join(map(_said, said))
    if isinstance(said, dict):
        return " ".join(f"{name} {_said(inner)}" for name, inner in said.items())
    return text.safe(str(said))


def _by(line: Mapping[str, Any]) -> str:
    return f"{line['by']}: " if "by" in line else ""
