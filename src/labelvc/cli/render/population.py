"""A population and a sample of it, for people, programs and spreadsheets."""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from labelvc.cli.render.text import count, paint, safe
from labelvc.core.sampling import Stratum
from labelvc.ops.approvals import Statement
from labelvc.ops.course import Course
from labelvc.ops.population import NOUNS, WORDS, End, Member, Moved, Row, Totals, approving, good

_HEADS = {
    "step": (
        "id", "parent", "date", "kinds", "authors", "state",
        *(f"{noun}_{word}" for noun in NOUNS for word in WORDS), "policy", "changeset", "approved_by",
    ),
    "record": (
        "id", "commit", "date", "kinds", "authors", "state", "what", "old", "new", "changeset", "approved_by", "key",
    ),
}  # fmt: skip
COLUMN = {"kind": 4, "author": 5, "state": 6}
"""Where a sheet holds what a sample may be stratified by, counted from 1; no column before holds a comma."""
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
_ONE = {"records": "record", "items": "item", "documents": "document"}


def item(member: Member) -> Mapping[str, Any]:
    """Return a member as JSON (`schemas/audit-population.v1.json`)."""
    row = member.row if isinstance(member, Moved) else member
    head = {"id": member.id, "commit": row.commit.id, "parent": row.step.parent, "date": row.commit.committed}
    about = {"kinds": list(member.kinds), "authors": list(row.authors), "state": member.state}
    end = {"policy": row.step.policy, "changeset": row.step.root, "approvals": [_said(one) for one in row.statements]}
    if isinstance(member, Row):
        return {**head, **about, "counts": _counts(member.counts), **end}
    key, old, new = member.move
    return {**head, **about, "key": key, "what": row.words[key], "old": old, "new": new, **end}


def sheet(members: Iterable[Member], by: str) -> Iterator[str]:
    """Yield the lines of a CSV (RFC 4180, but for line ends) that no spreadsheet takes for formulas.

    Source: OWASP, "CSV Injection": a cell that begins with what begins a formula gets an apostrophe in front.
    """
    yield from _lines([_HEADS[by]])
    for member in members:
        row = member.row if isinstance(member, Moved) else member
        about = [row.commit.committed, *map("+".join, (member.kinds, row.authors)), member.state]
        who = "; ".join(approvers(row))
        if isinstance(member, Row):
            numbers = [member.counts[noun, word] for noun in NOUNS for word in WORDS]
            policy = "" if row.step.policy is None else row.step.policy
            yield from _lines([[member.id, row.step.parent, *about, *numbers, policy, row.step.root, who]])
        else:
            key, old, new = member.move
            what = row.words[key]
            yield from _lines([[member.id, row.commit.id, *about, what, old or "", new or "", row.step.root, who, key]])


def text(members: Iterable[Member], *, color: bool) -> Iterator[str]:
    """Yield a line a member as a person reads it."""
    for member in members:
        row = member.row if isinstance(member, Moved) else member
        state = paint(member.state.ljust(11), "+" if good(member.state) else "error", on=color)
        who = ", ".join(approvers(row))
        made = f"by {safe(', '.join(row.authors))}" if row.authors else "nothing changed"
        if isinstance(member, Row):
            what = tally(member.counts)
            name = member.id[:12]
        else:
            what = f"{row.words[member.move.key]} {safe(member.move.key)}"
            name = f"{row.commit.id[:12]}/{member.number}"
        parts = [made, *filter(None, [what]), *([f"approved by {safe(who)}"] if who else [])]
        yield f"{state} {name}  {row.commit.committed}  {'; '.join(parts)}\n"


def totals(found: Totals, going: Course, ends: tuple[End, End], by: str, kinds: Sequence[str] = ()) -> Iterator[str]:
    """Yield the last lines of a population: the sums, and what shows that the list is whole."""
    states = ", ".join(f"{number:,} {state}" for state, number in sorted(found.states.items())) or "none"
    yield f"{count(found.size, _noun(by))}: {states}; {tally(found.counts) or 'nothing changed'}\n"
    for word, one in zip(("from", "to"), ends, strict=True):
        log = f"{count(one.approvals.size, 'statement')}, sha256:{one.approvals.root}"
        yield f"{word:<5} {one.commit or 'before the first commit'}\n"
        yield f"      state {one.state}; log of approvals: {log}\n"
    yield f"list  {found.digest}; all of them: {listing(going, by, kinds)} | sha256sum\n"


def summary(
    found: Totals,
    ends: tuple[End, End],
    by: str,
    roots: Mapping[str, bool],
    going: Course,
    kinds: Sequence[str] = (),
) -> Mapping[str, Any]:
    """Return the sums of a population, and what shows that it is whole, for JSON."""
    base, head = [
        {
            "commit": one.commit,
            "state": one.state,
            "approvals": {"size": one.approvals.size, "root": one.approvals.root},
        }
        for one in ends
    ]
    return {
        "by": by, "size": found.size, "list": found.digest, "command": listing(going, by, kinds),
        "states": dict(sorted(found.states.items())), "counts": _counts(found.counts),
        "roots": [{"root": root, "pinned": pinned} for root, pinned in sorted(roots.items())], "from": base, "to": head,
    }  # fmt: skip


def listing(going: Course, by: str, kinds: Sequence[str] = ()) -> str:
    """Return the command that lists the ids of a population, oldest first, without labelvc where that can be."""
    words = f"{going.base}..{going.head}" if going.base else going.head
    if by == "step" and not going.ruler:
        return f"git rev-list --reverse --first-parent {words}"
    return f"{_sheet(going, by, kinds)} | tail -n +2 | cut -d , -f 1"


def recipe(going: Course, by: str, number: int, seed: str, stratify: str | None, kinds: Sequence[str] = ()) -> str:
    """Return the commands by which somebody else draws the same sample."""
    told = f"printf '%s\\0%s' {shlex.quote(seed)} \"$id\" | sha256sum | cut -c 1-64"
    if stratify is None:
        loop = f'while read -r id; do echo "$({told}) $id"; done'
        return f"{listing(going, by, kinds)} | {loop} | LC_ALL=C sort | head -n {number}"
    columns = f"tail -n +2 | cut -d , -f 1,{COLUMN[stratify]} | tr , ' '"
    loop = f'while read -r id part; do echo "${{part:--}} $({told}) $id"; done'
    return f"{_sheet(going, by, kinds)} | {columns} | {loop} | LC_ALL=C sort | awk '++n[$1] <= {number}'"


def drawn(
    strata: Sequence[tuple[Stratum[Member], int]], found: Totals, by: str, command: str, seed: str, *, color: bool
) -> Iterator[str]:
    """Yield a sample as a person reads it: what was drawn, how, and what it says when it is clean."""
    for part, most in strata:
        if part.name:
            yield f"{part.name}\n"
        yield from text(part.drawn, color=color)
        yield f"{promise(part, most, by)}\n"
    yield f"drawn from {count(found.size, _noun(by))}, list {found.digest}, seed {safe(seed)}: smallest SHA-256 of seed, NUL, id\n"
    yield f"the same sample: {command}\n"


def drawing(
    strata: Sequence[tuple[Stratum[Member], int]], found: Totals, by: str, command: str, seed: str, number: int
) -> Mapping[str, Any]:
    """Return how a sample was drawn and what it says when it is clean, for JSON."""
    parts = [
        {
            "name": part.name,
            "size": part.size,
            "drawn": len(part.drawn),
            "bad_at_most": most,
            "says": promise(part, most, by),
        }
        for part, most in strata
    ]
    method = "those with the smallest SHA-256 of the seed, a NUL and the id"
    return {
        "by": by, "size": found.size, "list": found.digest, "n": number, "seed": seed, "method": method,
        "confidence": 95, "strata": parts, "command": command,
    }  # fmt: skip


def promise(part: Stratum[Member], most: int, by: str) -> str:
    """Return what a clean sample says of all that was not drawn."""
    number = len(part.drawn)
    if number == part.size:
        return f"all {count(number, _noun(by))} drawn: nothing is left to infer"
    share = f"{100 * most / part.size:.2f} %"
    return (
        f"{number:,} of {count(part.size, _noun(by))} drawn: if none of them is bad, then with 95 % confidence at most "
        f"{most:,} of all {part.size:,} are ({share}; exact, hypergeometric)"
    )


def tally(counts: Mapping[tuple[str, str], int]) -> str:
    """Return `2 records changed, 1 document added`."""
    told = [(noun, word, counts[noun, word]) for noun in NOUNS for word in WORDS if counts.get((noun, word))]
    return ", ".join(f"{count(number, _ONE[noun])} {word}" for noun, word, number in told)


def approvers(row: Row) -> list[str]:
    """Return who approved a step and in which role; trust files stand by the signatures in them and by nothing else."""
    if row.kinds == ("trust",) and row.state == "approved":
        return ["signed by the root"]
    return [f"{one.signer.principal} as {one.role}" for one in approving(row.statements, row.step.at)]


def guarded(cell: str) -> str:
    """Return a cell that a spreadsheet shows and does not run."""
    shown = safe(cell)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown


def _sheet(going: Course, by: str, kinds: Sequence[str]) -> str:
    words = f"{going.ruler}...{going.head}" if going.ruler else f"{going.base}..{going.head}" if going.base else ""
    chosen = words or f"{going.head} --all"
    only = "".join(f" --kind {kind}" for kind in kinds)
    return f"labelvc audit population {chosen} --by {by}{only} --format csv"


def _noun(by: str) -> str:
    return "step" if by == "step" else "change"


def _counts(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    return {noun: {word: counts.get((noun, word), 0) for word in WORDS} for noun in NOUNS}


def _said(one: Statement) -> dict[str, str]:
    said = one.approval
    who = {"principal": said.signer.principal, "role": said.role, "decision": said.decision, "signed": said.signed_at}
    who |= {"expires": said.expires_at} if said.expires_at else {}
    return {**who, "changeset": said.root, "statement": one.digest}


def _lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    for row in rows:
        target = io.StringIO()
        csv.writer(target, lineterminator="\n").writerow([guarded(str(cell)) for cell in row])
        yield target.getvalue()
