"""A review for programs and on a terminal, and the words that all its pages share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from labelvc.cli.render import json
from labelvc.cli.render.text import clip, count, paint, safe
from labelvc.model.agreement import Agreement, Estimate
from labelvc.model.exhibit import Passage
from labelvc.model.review import End, Need, Rates, Review
from labelvc.model.waiver import Waived
from labelvc.model.ways import Shift, Way, Ways

SCHEMA = "urn:labelvc:schema:review:1"
STATES: Mapping[str, str] = {
    "approved": "Approved",
    "conditional": "Let in in an emergency; approval is still missing",
    "missing": "Not approved yet",
    "denied": "Refused: no rule of the policy allows it",
    "rejected": "Rejected",
    "unchanged": "Nothing differs that the policy protects",
    "ungoverned": "No policy was in force: nobody had to approve",
    "undecidable": "It cannot be told whether it is approved",
}
"""How a change stands, in words."""
GOOD = ("approved", "unchanged")
HERE, GONE, NONE = "(new record)", "(record removed)", "(none)"
KINDS = {
    "resolved": "conflicts that a person decided",
    "lost": "changes of one side that are not there",
    "resurrected": "deleted on one side and there again",
    "unwritten": "lines that no side and no rule says",
    "doubled": "keys that stand there more often than on a side",
    "markers": "shards with conflict markers",
}
"""What merges are found to have done, in words."""
_COLOURS = {"approved": "+", "unchanged": "dim", "undecidable": "error", "denied": "error", "rejected": "error"}
_WIDTH = 16
_FEW = 12
_UNTOLD = ("pictures", "budget")


def called(end: End) -> str:
    """Return what an end of the range is called: as it was typed, and twelve digits of it where that was the whole id."""
    return end.commit[:12] if end.name == end.commit else end.name


def document(found: Review) -> dict[str, Any]:
    """Return a review as JSON (`schemas/review.v1.json`); pictures are named by their digest, and it has no budget."""
    told = {"schema": SCHEMA}
    told |= {name: msgspec.to_builtins(getattr(found, name)) for name in found.__struct_fields__ if name not in _UNTOLD}
    quality: Any = told["quality"]
    quality["findings"] = [json.finding(one) for one in found.quality.findings]
    quality["gone"] = [json.finding(one) for one in found.quality.gone]
    quality["waived"] = [json.waived(one) for one in found.quality.waived]
    for row, one in zip(told["documents"], found.documents, strict=True):
        written: Any = row
        written["edits"] = [json.edit(edit) for edit in one.edits]
    return told


def text(found: Review, *, color: bool) -> Iterator[str]:
    """Yield a review as a person reads it on a terminal."""
    for name, lines in _sections(found, color=color):
        for at, line in enumerate(lines):
            yield f"{('' if at else name).ljust(_WIDTH)}{line}\n"


def _sections(found: Review, *, color: bool) -> Iterator[tuple[str, Sequence[str]]]:
    verdict = found.verdict
    state = paint(STATES[verdict.state], _COLOURS.get(verdict.state, "warning"), on=color)
    next_ = [f"next: {safe(verdict.next)}"] if verdict.next else []
    yield "verdict", [f"{state}; {covered(found)}", *map(need, verdict.needs), *problems(found), *next_]
    yield "counts", list(counts(found))
    new = [
        f"{one.severity} {one.rule} {safe(one.place.key or one.place.path)}" for one in found.quality.findings[:_FEW]
    ]
    new += [
        f"waived {each.finding.rule} {safe(each.finding.place.key or each.finding.place.path)}  {waived(each)}"
        for each in found.quality.waived[:_FEW]
    ]
    yield "quality", [quality(found), *new]
    yield "labels", [ways(found), *map(_way, found.ways.list[:_FEW]), *plans(found.ways)]
    yield from _rates(found)
    yield "shift", [shift(one) for one in found.shifts] or ["no answer is more or less frequent"]
    yield "agreement", agreements(found) or ["no dataset is touched"]
    yield "documents", [f"{one.kind} {safe(one.path)}" for one in found.documents[:_FEW]] or ["none differ"]
    yield "merges", list(merges(found))
    yield "privacy", [privacy(found), *licences(found)]
    yield "made by", [f"{found.provenance.tool}; {safe(found.provenance.command)}"]


def covered(found: Review) -> str:
    """Return how much of the change is approved, and by which policy."""
    verdict = found.verdict
    policy = "" if verdict.policy is None else f", policy {verdict.policy:,}"
    return f"{verdict.covered:,} of {verdict.total:,} covered (records, items and documents that differ){policy}"


def need(one: Need) -> str:
    """Return how one need stands, in words."""
    if not one.missing:
        return f"{one.have:,} of {one.asked:,} {safe(one.role)}"
    return f"{one.have:,} of {one.asked:,} {safe(one.role)}; {able(one)}"


def able(one: Need) -> str:
    """Return who can meet a need that is not met, in words."""
    if one.who_can:
        return f"{', '.join(map(safe, one.who_can))} can"
    part = f" but {', '.join(map(safe, one.barred))}, who had a part in the change" if one.barred else ""
    return f"nobody {'else ' if one.have else ''}holds the role{part}"


def problems(found: Review) -> list[str]:
    """Return what counted for nothing or kept the change from being judged."""
    return [f"{safe(one.where)}: {safe(one.message)}" for one in found.verdict.problems]


def counts(found: Review) -> Iterator[str]:
    """Yield how much there is, in sentences."""
    told = found.counts
    for noun, one in (("records", told.records), ("items", told.items)):
        yield (
            f"{noun}: {one.before:,} before, {one.after:,} after; {one.added:,} added, {one.removed:,} removed, "
            f"{one.changed:,} changed"
        )
    yield (
        f"{count(told.records.relabelled, 'label')} changed; {count(told.items.concerned, 'item')} concerned; "
        f"{told.shards:,} of {count(told.all_shards, 'shard')}; {count(told.annotators, 'annotator')}"
    )
    documents = told.documents
    yield (
        f"documents: {documents.added:,} added, {documents.removed:,} removed, {documents.changed:,} changed; "
        f"{count(told.edits, 'edit')} of records in {count(told.commits, 'commit')}"
    )
    if told.mechanical:
        said = ", ".join(count(number, noun) for noun, number in told.mechanical.items())
        yield f"mechanical, no content changes: {said}"


def quality(found: Review) -> str:
    """Return what checks find otherwise than before, in a sentence."""
    told = found.quality
    number = len(told.waived) + told.more_waived
    waived = f"; waived: {number:,}" if number else ""
    return f"new: {severities(told.new)}; fixed: {severities(told.fixed)}; unchanged: {told.unchanged:,}{waived}"


def waived(one: Waived) -> str:
    """Return who lets a finding stand, until when, and why."""
    return f"{one.waiver.by}, until {one.waiver.expires}: {safe(one.waiver.reason)}"


def severities(found: Mapping[str, int]) -> str:
    """Return `2 errors, 8 warnings`, or `none`."""
    return ", ".join(count(number, severity) for severity, number in found.items()) or "none"


def ways(found: Review) -> str:
    """Return how many labels changed, and how many came and went with their records, in a sentence."""
    told, records = found.ways, found.counts.records
    if not told.records:
        return "no label changed, came or went"
    once = f", {told.singletons:,} of them once" if told.singletons else ""
    return (
        f"{count(records.relabelled, 'label')} changed, {records.added:,} came, {records.removed:,} went: "
        f"{count(told.records, 'record')} in {count(told.distinct, 'way')}{once}"
    )


def plans(found: Ways) -> list[str]:
    """Return what clean samples would say, in sentences."""
    return [
        f"of these {found.records:,} records, {plan.seen:,} drawn and seen without a mistake leave at most "
        f"{plan.at_most:,} wrong ({found.confidence} %)"
        for plan in found.plans
    ]


def side(label: str | None, other: str) -> str:
    """Return a label, or what stands where there is no record."""
    return other if label is None else label or NONE


def guarantee(way: Way, confidence: int) -> str:
    """Return what the examples of a way say of all that went it, in a sentence."""
    if way.shown == way.count:
        return f"all {way.shown:,} shown" if way.shown > 1 else "the only one"
    return (
        f"{way.shown:,} of {way.count:,} shown; if they are right, at most {way.at_most:,} are wrong ({confidence} %)"
    )


def rate(value: float | None) -> str:
    """Return a rate per thousand."""
    return "–" if value is None else f"{value:,.1f}"


def shift(one: Shift) -> str:
    """Return how the answers to a task moved, in a sentence."""
    top = one.rows[0]
    under = f"; under the floor of {one.floor:,} now: {', '.join(map(safe, one.under))}" if one.under else ""
    return (
        f"{safe(one.dataset)} {safe(one.task)}: distance {one.distance:.2f} %, most at {clip(safe(top.label), 40)}: "
        f"{top.before:,} to {top.after:,}, {top.points:+.2f} points{under}"
    )


def agreement(one: Agreement) -> str:
    """Return the agreement on a task before and after, in a sentence."""
    place = f"{safe(one.dataset)} {safe(one.task)}"
    if one.before is None or one.after is None:
        return f"{place}: {one.why}"
    alpha = f"; alpha {_change(one.before.alpha, one.after.alpha)}" if one.before.alpha or one.after.alpha else ""
    difference = f"; difference {interval(one.observed)}" if one.observed else ""
    return (
        f"{place}: {one.after.items:,} items, {one.after.answers:,} answers; "
        f"observed {_change(one.before.observed, one.after.observed)}{difference}{alpha}"
    )


def agreements(found: Review) -> list[str]:
    """Return the agreement on each task, in sentences; those of which there is none by the reason."""
    told = [agreement(one) for one in found.agreement if one.before is not None and one.after is not None]
    for why, places in silent(found).items():
        named = ", ".join(f"{safe(dataset)} {safe(task)}" for dataset, task in places)
        told.append(f"does not apply to {named}: {why}")
    return told


def silent(found: Review) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Return why there is no agreement to the datasets and tasks of which that is so."""
    rows: dict[str, list[tuple[str, str]]] = {}
    for one in found.agreement:
        if one.before is None or one.after is None:
            rows.setdefault(one.why, []).append((one.dataset, one.task))
    return rows


def interval(found: Estimate | None) -> str:
    """Return a figure with its interval."""
    if found is None:
        return "–"
    return f"{found.value:.3f}" if found.low is None else f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def merges(found: Review) -> Iterator[str]:
    """Yield what merges did, in sentences."""
    told = found.merges
    if not told.commits:
        yield "no merge commit in the range"
        return
    clean = "" if told.verdicts or told.problems else ": all as merging gives it"
    yield f"{count(told.commits, 'merge commit')} worked out again{clean}"
    yield from (f"{KINDS[kind]}: {number:,}" for kind, number in told.verdicts.items())
    yield from (f"{one.where[:10]}: could not be told, {safe(one.message)}" for one in told.problems)


def privacy(found: Review) -> str:
    """Return what the change does to people, in a sentence."""
    told = found.privacy
    new = ", ".join(f"{number:,} {rule}" for rule, number in told.findings.items()) or "none"
    covered_ = f"; covered on this page: {count(told.hidden, 'text')}" if told.hidden else ""
    return f"new plain personal data: {new}; {count(told.fields, 'field')} declared sensitive{covered_}"


def licences(found: Review) -> list[str]:
    """Return what is said of licences, in sentences."""
    return [
        f"licence of {safe(one.dataset)}: {', '.join(map(safe, one.licences)) or 'nobody says'}"
        + (f"; {one.silent:,} of {count(one.sources, 'source')} without one" if one.silent else "")
        for one in found.licences
    ]


def whole(passage: Passage) -> str:
    """Return a passage as one text, its mark in brackets."""
    return f"{passage.before}[{passage.marked}]{passage.after}" if passage.marked else passage.after


def _way(one: Way) -> str:
    task, old, new = [clip(safe(word), 30) for word in (one.task, side(one.old, HERE), side(one.new, GONE))]
    return f"{one.count:>7,}  {one.coverage:>5.1f} %  {task}  {old} -> {new}"


def _rates(found: Review) -> Iterator[tuple[str, Sequence[str]]]:
    rates: Sequence[tuple[str, Rates]] = (
        ("by annotator", found.annotators),
        ("by slice", found.slices),
        ("by field", found.fields),
    )
    for name, table in rates:
        rows = [
            f"{one.changed + one.added + one.removed:>7,}  {rate(one.per_thousand):>7} per 1,000  {clip(safe(one.name), 40)}"
            for one in table.rows[:_FEW]
        ]
        if rows:
            yield name, rows


def _change(before: Estimate | None, after: Estimate | None) -> str:
    return f"{interval(before)} -> {interval(after)}"
