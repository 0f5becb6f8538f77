"""A review as Markdown for a comment on the pull request: within a budget, in the order of the page, nothing in it live."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from labelvc.cli.render import edits
from labelvc.cli.render import review as words
from labelvc.cli.render.budget import Section
from labelvc.cli.render.budget import page as fitted
from labelvc.cli.render.markdown import code, quiet
from labelvc.cli.render.text import count
from labelvc.model.exhibit import Example, Passage, Picture
from labelvc.model.review import Document, Rates, Review
from labelvc.model.ways import Way

MARK = "<!-- labelvc:review:v1 -->"
"""The first line, by which a program finds the comment it wrote before."""
_KEY = 120
_FEW = 12
_LABEL = 60
_COMMAND = 600


def page(found: Review, budget: int) -> str:
    """Return a review as Markdown.

    Args:
        found: the review.
        budget: characters at most.
    """
    verdict = found.verdict
    head = [MARK, f"## Labels of {code(words.called(found.head), _KEY)} for {code(words.called(found.base), _KEY)}", ""]
    head += [f"**{words.STATES[verdict.state]}**: {quiet(words.covered(found))}", ""]
    head += [f"Next: {code(verdict.next, _COMMAND)}", ""] if verdict.next else []
    return fitted(head, list(_sections(found)), budget)


def _sections(found: Review) -> Iterator[Section]:
    yield from _verdict(found)
    yield Section("Counts", 2, _counts(found))
    yield _quality(found)
    yield _ways(found)
    for title, rank, table in (
        ("By annotator", 6, found.annotators),
        ("By slice", 6, found.slices),
        ("By field", 9, found.fields),
    ):
        if table.rows:
            yield _rates(title, rank, table)
    yield from _shifts(found)
    yield from _agreement(found)
    yield from _examples(found)
    yield from _documents(found)
    yield Section("Merges", 5, [*map(quiet, words.merges(found)), ""], _lost(found), found.merges.more)
    yield Section("Privacy and licence", 5, [*_listed([words.privacy(found), *words.licences(found)])])
    yield Section("Where this page comes from", 3, list(_provenance(found)))


def _verdict(found: Review) -> Iterator[Section]:
    verdict = found.verdict
    rows = [
        f"| {code(one.role, _KEY, cell=True)} | {one.have:,} of {one.asked:,} | {quiet(words.able(one)) if one.missing else ''} |"
        for one in verdict.needs
    ]
    said = [
        f"- {code(one.principal, _KEY)} said {quiet(one.decision)} as {code(one.role, _KEY)} on {one.covers:,} of them"
        + (", and took it back" if one.superseded else "")
        + (", which does not count any more: it expired or is too old" if one.ended else "")
        for one in verdict.said
    ]
    open_ = [f"- not approved: {code(key, _KEY)}" for key in verdict.uncovered]
    told = [f"- {quiet(line)}" for line in words.problems(found)]
    if rows:
        lead = ["| role | given | who can |", "|---|---|---|", *rows]
        yield Section("Approvals", 1, lead, ["", *said, *told, *open_], verdict.more)
    elif said or told or open_:
        yield Section("Approvals", 1, [], [*said, *told, *open_], verdict.more)


def _counts(found: Review) -> list[str]:
    told = found.counts
    table = ["| | before | after | added | removed | changed |", "|---|---:|---:|---:|---:|---:|"]
    for noun, one in (("records", told.records), ("items", told.items)):
        cells = (one.before, one.after, one.added, one.removed, one.changed)
        table.append(f"| {noun} | {' | '.join(f'{cell:,}' for cell in cells)} |")
    documents = told.documents
    table.append(f"| documents | | | {documents.added:,} | {documents.removed:,} | {documents.changed:,} |")
    return [*table, "", *_listed(list(words.counts(found))[2:])]


def _quality(found: Review) -> Section:
    told = found.quality
    rows = [
        f"| {one.severity} | {code(one.rule, cell=True)} | {code(one.place.key or one.place.path, _KEY, cell=True)} | {code(one.message, cell=True)} |"
        for one in told.findings
    ]
    lead = [f"{words.quality(found)}.", "", *_waived(found)]
    return Section(
        "Findings",
        2,
        [*lead, *["| new | rule | where | what |", "|---|---|---|---|"]] if rows else lead,
        rows,
        told.more,
        3,
    )


def _waived(found: Review) -> list[str]:
    """Return what somebody lets stand, the first of it, as a table."""
    told = found.quality
    if not told.waived:
        return []
    rows = [
        f"| {code(one.finding.rule, cell=True)} | {code(one.finding.place.key or one.finding.place.path, _KEY, cell=True)} "
        f"| {code(words.waived(one), cell=True)} |"
        for one in told.waived[:_FEW]
    ]
    more = len(told.waived) + told.more_waived - len(rows)
    return [
        "| waived | where | by whom, until when, and why |",
        "|---|---|---|",
        *rows,
        *([f"and {more:,} more"] if more else []),
        "",
    ]


def _ways(found: Review) -> Section:
    told = found.ways
    lead = [f"{words.ways(found)}.", "", *_listed(words.plans(told))]
    if not told.records:
        return Section("Which label became which", 2, lead)
    rows = [
        f"| {_cell(one.task)} | {_cell(words.side(one.old, words.HERE))} | {_cell(words.side(one.new, words.GONE))} | {one.count:,} | {one.coverage:.1f} % |"
        for one in told.list
    ]
    table = ["| task | from | to | records | with those above |", "|---|---|---|---:|---:|"]
    return Section("Which label became which", 2, [*lead, *table], rows, told.more, 5)


def _rates(title: str, rank: int, table: Rates) -> Section:
    name = title.removeprefix("By ")
    rows = [
        f"| {code(one.name, _KEY, cell=True)} | {one.changed:,} | {one.added:,} | {one.removed:,} | {'–' if one.per_thousand is None else f'{one.records:,}'} | {words.rate(one.per_thousand)} |"
        for one in table.rows
    ]
    lead = [f"| {name} | changed | added | removed | records | per 1,000 |", "|---|---:|---:|---:|---:|---:|"]
    return Section(title, rank, lead, rows, table.more, 2)


def _shifts(found: Review) -> Iterator[Section]:
    rows, more = list[str](), 0
    for one in found.shifts:
        place = f"{one.dataset} {one.task}"
        for row in one.rows:
            if row.before != row.after:
                cells = f"{row.before:,} | {row.after:,} | {row.before_percent:.2f} | {row.after_percent:.2f} | {row.points:+.2f}"
                rows.append(f"| {_cell(place)} | {_cell(row.label)} | {cells} |")
        more += one.more
    if rows:
        lead = _listed([words.shift(one) for one in found.shifts])
        lead += ["| of | label | before | after | before % | after % | points |", "|---|---|---:|---:|---:|---:|---:|"]
        yield Section("Shift of the whole", 7, lead, rows, more, 3)


def _agreement(found: Review) -> Iterator[Section]:
    if found.agreement:
        yield Section("Agreement", 7, [], [f"- {quiet(line)}" for line in words.agreements(found)])


def _examples(found: Review) -> Iterator[Section]:
    rows = [line for way in found.ways.list if way.examples for line in _example_rows(way, found.ways.confidence)]
    if rows:
        seed = f"Drawn by {code(found.ways.seed)}; pictures are in the HTML page."
        yield Section("Examples", 8, [seed, ""], rows, 0, 12)


def _example_rows(way: Way, confidence: int) -> Iterator[str]:
    went = " → ".join([code(words.side(way.old, words.HERE), _LABEL), code(words.side(way.new, words.GONE), _LABEL)])
    lines = "\n".join([f"  - {_example(one)}" for one in way.examples])
    yield f"- {went} ({words.guarantee(way, confidence)})\n{lines}"


def _example(one: Example) -> str:
    parts = [code(one.key, _KEY), *map(_passage, one.passages)]
    if one.picture:
        parts.append(_picture(one.picture))
    moved = [each for each in one.fields if each.pointer != "/value"]
    parts += [f"{code(each.pointer)} {code(each.old)} → {code(each.new)}" for each in moved]
    return "; ".join(parts)


def _passage(one: Passage) -> str:
    """Return a text with its mark in bold; blanks stay outside of the marks, as Markdown wants."""
    if not one.marked:
        return quiet(one.after)
    before = quiet(one.before) + " " * one.before[-1:].isspace()
    return f"{before}**{code(one.marked)}**{' ' * one.after[:1].isspace()}{quiet(one.after)}"


def _picture(one: Picture) -> str:
    return f"{one.differing:,} of {one.total:,} boxes on {code(one.path, _KEY)} differ"


def _documents(found: Review) -> Iterator[Section]:
    rows = [line for one in found.documents for line in _document(one)]
    rows = [
        *[
            f"- {count(one.records, 'record')} of {code(one.dataset)} {code(one.task)} stand{'s' * (one.records == 1)} on {code(one.label)}, which is out of use"
            for one in found.stranded
        ],
        *rows,
    ]
    if rows:
        yield Section("Guidelines, taxonomies and other documents", 4, [], rows, found.more_documents, 4)


def _document(one: Document) -> Iterator[str]:
    said = f": {quiet(one.said)}" if one.said else ""
    yield f"- {one.kind} {code(one.path, _KEY)}{said}"
    for edit in one.edits:
        sign, stretches = edits.sentence(edit)
        yield f"  - {code(f'{sign} {edits.plain(stretches)}')}"
    if one.more:
        yield f"  - and {one.more:,} more edits"


def _lost(found: Review) -> list[str]:
    return [
        f"- {code(one.commit[:10])} {one.kind}: {code(one.key, _KEY)} {code(', '.join(one.fields)) if one.fields else ''}"
        for one in found.merges.rows
    ]


def _provenance(found: Review) -> Iterator[str]:
    told = found.provenance
    yield f"- base {code(found.base.commit)}, head {code(found.head.commit)}"
    yield f"- change-set {code(told.changeset)}"
    yield f"- policy {code(told.policy)}, root {code(told.root)}"
    yield f"- made by {code(told.tool)}, exceptions judged by {code(told.day)}: {code(told.command, _COMMAND)}"


def _listed(lines: Sequence[str]) -> list[str]:
    return [f"- {quiet(line)}" for line in lines] + [""] * bool(lines)


def _cell(label: str) -> str:
    return code(label, _LABEL, cell=True)
