"""A dashboard as Markdown: within a budget, in the order of the page, nothing in it live."""

from __future__ import annotations

from collections.abc import Iterator

from labelvc.cli.render import dashboard as words
from labelvc.cli.render import milestone
from labelvc.cli.render.budget import Section
from labelvc.cli.render.budget import page as fitted
from labelvc.cli.render.markdown import code, quiet
from labelvc.cli.render.review import NONE, interval
from labelvc.model.dashboard import Dashboard, Progress

MARK = "<!-- labelvc:report:v1 -->"
"""The first line, by which a program finds the comment it wrote before."""
_KEY, _LABEL, _COMMAND = 120, 60, 600


def page(found: Dashboard, budget: int) -> str:
    """Return a dashboard as Markdown.

    Args:
        found: the dashboard.
        budget: characters at most.
    """
    head = [MARK, f"## Labels of {code(found.line.name, _KEY)}", "", f"**{quiet(words.glance(found))}**", ""]
    head += [f"{quiet(words.line(found))}. {quiet(words.now(found))}.", ""]
    return fitted(head, list(_sections(found)), budget)


def _sections(found: Dashboard) -> Iterator[Section]:
    yield from map(_progress, found.progress)
    for one in found.milestones:
        lead = [f"{quiet(milestone.standing(one))}.", ""]
        lead += [f"- {quiet(line)}" for line, _ in milestone.outlook(one, words.from_day(found))]
        rows = [f"- {code(f'{row.label} {row.slice}'.strip(), _LABEL)}: {row.missing:,} missing" for row in one.rows]
        yield Section(f"Milestone {code(one.name)}", 2, lead, rows, one.more, 2)
    yield _findings(found)
    yield from _agreement(found)
    yield _reviews(found)
    yield _work(found)
    yield _turns(found)
    yield _registers(found)
    rows = [f"- {quiet(words.manual(one))}" for one in found.guidelines]
    yield Section("Guidelines", 4, ["There is none.", ""] * (not rows), rows)
    told = found.source
    lead = [
        f"- head {code(found.line.head)}",
        f"- made by {code(told.tool)}, judged on {code(told.day)}: {code(told.command, _COMMAND)}",
    ]
    yield Section("Where this page comes from", 3, lead)


def _progress(one: Progress) -> Section:
    names = [code(name, _LABEL, cell=True) for name in one.slices] + ["others"] * one.others
    head = (
        f"| label | answers | share | {' | '.join([*names, ''])}".rstrip() if names else "| label | answers | share |"
    )
    lead = [f"{quiet(words.progress(one))}.", "", head, f"|---|---:|---:|{'---:|' * len(names)}"]
    rows = [
        f"| {code(row.label, _LABEL, cell=True)}{' few' if row.short else ''} | {row.answers:,} | {row.percent:.1f} % |"
        + "".join([f" {cell:,} |" for cell in row.cells])
        for row in one.rows
    ]
    return Section(f"Progress of {code(one.dataset)} {code(one.task)}", 2, lead, rows, one.more, 4)


def _findings(found: Dashboard) -> Section:
    lead = [f"{quiet(words.findings(found))}.", ""]
    lead += ["| day | commit | items | records | errors | warnings | notes |", "|---|---|---:|---:|---:|---:|---:|"]
    rows = [
        f"| {one.day} | {code(one.commit[:12])} | {words.number(one.items)} | {words.number(one.records)} | {words.number(one.error)} | {words.number(one.warning)} | {words.number(one.note)} |"
        for one in found.trends.points
    ]
    return Section("Findings", 2, lead, rows, 0, 2)


def _agreement(found: Dashboard) -> Iterator[Section]:
    rows = []
    for one in found.trends.agreement:
        rows.append(f"- {quiet(words.agreement(one, found))}")
        for point, side in zip(found.trends.points, one.sides, strict=True):
            if side:
                rows.append(f"  - {point.day}: observed {interval(side.observed)}, alpha {interval(side.alpha)}")
    yield Section("Agreement", 5, [f"{words.NO_AGREEMENT}."] * (not rows), rows, 0, 2)


def _reviews(found: Dashboard) -> Section:
    told = found.reviews
    rows = [
        f"- {code(one.commit[:12])} {one.day}: {words.state(one.state)}, {one.covered:,} of {one.total:,} covered"
        for one in told.open
    ]
    return Section("Reviews", 1, [*[f"- {quiet(line)}" for line in words.reviews(found)]], rows, told.more_open, 2)


def _work(found: Dashboard) -> Section:
    told = found.throughput
    lead = [f"{quiet(words.work(found))}.", "", "| annotator | records | share |", "|---|---:|---:|"]
    rows = [f"| {code(one.name, _KEY, cell=True)} | {one.edits:,} | {one.percent:.1f} % |" for one in told.rows]
    return Section("Work", 6, lead, rows, told.more, 2)


def _turns(found: Dashboard) -> Section:
    told = found.turns
    lead = [f"{quiet(words.turns(found))}.", ""]
    if told.records:
        lead += ["| task | from | to | records | share |", "|---|---|---|---:|---:|"]
    rows = [
        f"| {code(one.task, _LABEL, cell=True)} | {code(one.old or NONE, _LABEL, cell=True)} | {code(one.new or NONE, _LABEL, cell=True)} | {one.count:,} | {one.percent:.1f} % |"
        for one in told.rows
    ]
    return Section("Which label became which", 5, lead, rows, told.more, 3)


def _registers(found: Dashboard) -> Section:
    told = found.registers
    rows = [
        f"- {code(one.id, _KEY)} {code(one.title)}, owner {code(one.owner)}: {quiet(words.lateness(one) or (f'due {one.due}' if one.due else 'no day set'))}"
        for one in told.rows
    ]
    return Section("Open in registers", 3, [f"{quiet(words.registers(found))}.", ""], rows, told.more, 2)
