"""The card of a release: what is known of its data under the headings of Datasheets for Datasets, and what is not.

Source of the headings: Gebru et al., Datasheets for Datasets, Communications of the ACM 64(12), 2021.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from labelvc.cli.render import html, json, markdown, release, text
from labelvc.core import disclosure, protection
from labelvc.core.disclosure import Gap
from labelvc.model.agreement import Estimate, Side
from labelvc.ops.facts import Asked, Facts, Told
from labelvc.ops.reviewed import Reviewed
from labelvc.ops.spread import FEW

_MOST = 30
_OTHERS = "(others)"
Agreed = Mapping[tuple[str, str], Side | None]
"""Dataset and task to how far people agreed; a task whose answers would have to be matched first is not in it."""


class Line(NamedTuple):
    """A question and its answers; `code` when they are names or digests, not prose."""

    term: str
    said: tuple[str, ...]
    code: bool = False


class Grid(NamedTuple):
    """A table: title, names of columns, rows; the last columns are numbers."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: int = 0


class Balance(NamedTuple):
    """How often each answer was given: answer, number, share of all in percent, length of its bar in thousandths."""

    title: str
    total: int
    rows: tuple[tuple[str, int, str, int], ...]


class Section(NamedTuple):
    """One heading of the card."""

    title: str
    lines: tuple[Line, ...]
    parts: tuple[Grid | Balance, ...] = ()


def page(told: Facts, changes: Reviewed | None, agreed: Agreed, form: str) -> str:
    """Return the card.

    Args:
        told: what is known.
        changes: how the changes that the release brings stand; None when that cannot be told.
        agreed: how far people agreed.
        form: `markdown`, `html` or `json`.
    """
    if form == "json":
        return json.document(
            "release-card", items(told, agreed), head=told.release.version, summary=summary(told, changes)
        )
    gaps = list(disclosure.gaps(told.project, told.sources))
    sections = [section for section in _sections(told, changes, agreed) if section.lines or section.parts]
    if form == "html":
        environment = html.environment()
        return environment.get_template("card.html.jinja").render(
            title=_title(told), told=told, sections=sections, gaps=gaps, lengths=_lengths(sections)
        )
    return "\n".join(_markdown(told, sections, gaps)) + "\n"


def summary(told: Facts, changes: Reviewed | None) -> Mapping[str, Any]:
    """Return what the card says of the release as a whole (`schemas/release-card.v1.json`)."""
    project = told.project
    return {
        "version": told.release.version,
        "digest": told.digest,
        "state": told.release.root,
        "name": project["name"],
        "goal": project["goal"],
        "licences": list(disclosure.licences(project, told.sources)),
        "items": sum(each.data.items for each in told.datasets),
        "records": sum(each.data.records for each in told.datasets),
        "said": {name: list(disclosure.said(project, name)) for name in disclosure.TOPICS},
        "gaps": [gap._asdict() for gap in disclosure.gaps(project, told.sources)],
        "approvals": {
            "changes": told.changes,
            "statements": [word._asdict() for word in told.words],
            "not_holding": told.unheld,
        },
        "changes": release.changes_item(changes),
        "releases": [
            {"version": each.version, "signed_at": each.signed_at, "signer": each.signer, "digest": each.digest}
            for each in told.releases
        ],
    }


def items(told: Facts, agreed: Agreed) -> list[Mapping[str, Any]]:
    """Return the datasets as JSON (`schemas/release-card.v1.json`)."""
    return [
        {
            "dataset": each.dataset.name,
            "items": each.data.items,
            "records": each.data.records,
            "tombstones": each.data.tombstones,
            "span": list(each.span or ()),
            "tools": dict(each.tools),
            "models": dict(each.models),
            "licences": dict(each.licences),
            "sources": [dict(source) for source in each.sources],
            "tasks": [_asked(asked, agreed.get((each.dataset.name, asked.name))) for asked in each.asked],
        }
        for each in told.datasets
    ]


def _asked(asked: Asked, side: Side | None) -> Mapping[str, Any]:
    return {
        "task": asked.name,
        "type": asked.task.type,
        "guideline": asked.task.guideline,
        "taxonomy": asked.task.taxonomy,
        "records": asked.records,
        "empty": asked.empty,
        "machine": asked.machine,
        "annotators": asked.annotators,
        "per_item": {str(number): items for number, items in asked.per_item.items()},
        "answers": dict(asked.answers),
        "agreement": msgspec.to_builtins(side),
    }


def _title(told: Facts) -> str:
    return f"{told.project.get('title') or told.project['name']} {told.release.version}"


def _sections(told: Facts, changes: Reviewed | None, agreed: Agreed) -> Iterator[Section]:
    project = told.project
    yield Section(
        "Motivation",
        _lines(("Purpose", (project["goal"],)), *_answers(told, "creators", "publisher", "funding")),
    )
    yield _composition(told)
    yield Section(
        "Collection",
        _lines(
            ("Sources", tuple(_source(source) for source in told.sources)), *_answers(told, "collection", "consent")
        ),
    )
    yield _labelling(told, agreed)
    yield _review(told, changes)
    yield Section("Uses", _lines(*_answers(told, "uses", "limitations", "biases")))
    yield _distribution(told)
    yield _maintenance(told)


def _composition(told: Facts) -> Section:
    scope = told.project.get("scope") or {}
    rows = tuple(
        (each.dataset.name, f"{each.data.items:,}", f"{each.data.records:,}", f"{each.data.tombstones:,}")
        for each in told.datasets
    )
    lines = _lines(
        ("In scope", tuple(scope.get("includes") or ())),
        ("Out of scope", tuple(scope.get("excludes") or ())),
        ("People", tuple(_people(told))),
        ("Items with a licence of their own", tuple(_licences(told))),
    )
    return Section("Composition", lines, (Grid("", ("dataset", "items", "answers", "deleted"), rows, 3),))


def _people(told: Facts) -> Iterator[str]:
    yield "Annotators stand in the records as keyed pseudonyms."
    for each in told.datasets:
        for field in each.dataset.sensitive:
            holds = protection.WORDS[field.mode]
            yield f"In {each.dataset.name}, {field.pointer} of {field.layer} ({field.kind}) holds {holds}."


def _licences(told: Facts) -> Iterator[str]:
    for each in told.datasets:
        yield from (
            f"{name}: {text.count(number, 'item')} of {each.dataset.name}" for name, number in each.licences.items()
        )


def _labelling(told: Facts, agreed: Agreed) -> Section:
    parts: list[Grid | Balance] = []
    for each in told.datasets:
        for asked in each.asked:
            title = f"{each.dataset.name}/{asked.name}"
            parts.append(Grid(title, ("", ""), tuple(_task(told, each, asked, agreed))))
            if asked.answers:
                parts.append(_balance(f"Balance of {title}", asked))
    made = tuple(f"{each.dataset.name}: {' to '.join(each.span)}" for each in told.datasets if each.span)
    tools = tuple(f"{each.dataset.name}: {', '.join(each.tools)}" for each in told.datasets if each.tools)
    lines = _lines(*_answers(told, "annotators"), ("Time", made), ("Tools", tools))
    return Section("Labelling", lines, tuple(parts))


def _review(told: Facts, changes: Reviewed | None) -> Section:
    version = told.release.policy.version
    said = tuple((word.name, word.principal, word.role, word.decision, f"{word.number:,}") for word in told.words)
    head = ("who", "principal", "role", "decision", "statements")
    number = text.count(sum(word.number for word in told.words), "statement")
    notes = [
        f"{number} on {text.count(told.changes, 'change-set')} hold under policy version {version}, from all releases"
    ]
    notes += [f"{text.count(told.unheld, 'statement')} in the tree count for nothing under it"] if told.unheld else []
    lines = _lines(("Changes", (release.reviewed(changes),)), ("Approvals", tuple(notes) if told.words else ()))
    return Section("Review", lines, (Grid("", head, said, 1),) if said else ())


def _task(told: Facts, each: Told, asked: Asked, agreed: Agreed) -> Iterator[tuple[str, str]]:
    versions = {document.path: document.version for document in told.release.documents}
    task = asked.task
    yield from [("question", task.title)] if task.title else []
    yield "type of answer", task.type
    for folder, name in (("guidelines", task.guideline), ("taxonomies", task.taxonomy)):
        if name:
            yield (
                folder.removesuffix("s").replace("taxonomie", "taxonomy"),
                f"{name} {versions.get(f'{folder}/{name}.yaml', '')}".strip(),
            )
    if task.type == "score":
        yield "scale", f"{task.minimum:g} to {task.maximum:g}" + (f", step {task.step:g}" if task.step else "")
    yield "answers", f"{asked.records:,}" + (f", {asked.empty:,} of them empty" if asked.empty else "")
    yield "annotators", f"{asked.annotators:,}"
    if asked.machine:
        yield "made by a model", f"{asked.machine:,}"
    if asked.per_item:
        rows = [f"{number} on {text.count(items, 'item')}" for number, items in asked.per_item.items()]
        yield "answers an item", "; ".join(rows[:_MOST])
    side = agreed.get((each.dataset.name, asked.name))
    if side:
        alpha = f"alpha {_figure(side.alpha)}, " if side.alpha else ""
        told_of = f"on {text.count(side.items, 'item')} with answers of two people or more"
        yield "agreement", f"{alpha}observed {_figure(side.observed)} {told_of}"
    elif (each.dataset.name, asked.name) in agreed:
        yield "agreement", FEW
    missing = each.data.items - sum(asked.per_item.values())
    if missing > 0:
        yield "items without one", f"{missing:,}"


def _figure(found: Estimate) -> str:
    between = f" ({found.low:.3f} to {found.high:.3f})" if found.low is not None and found.high is not None else ""
    return f"{found.value:.3f}{between}"


def _balance(title: str, asked: Asked) -> Balance:
    """Return how often each answer was given, the most frequent first, scores by their value."""
    total, most = sum(asked.answers.values()), max(asked.answers.values())
    rows = list(asked.answers.items())
    if asked.task.type == "score" and len(rows) <= _MOST:
        rows.sort(key=lambda row: float(row[0]))
    if len(rows) > _MOST:
        rest = rows[_MOST - 1 :]
        rows = [*rows[: _MOST - 1], (f"{_OTHERS}: {len(rest)}", sum(number for _, number in rest))]
    told = [
        (name, number, f"{100 * number / total:.1f}", min(1000, max(1, round(1000 * number / most))))
        for name, number in rows
    ]
    return Balance(title, total, tuple(told))


def _lengths(sections: Sequence[Section]) -> list[int]:
    """Return the lengths of all bars: a page without scripts or styles in its elements names each in its style sheet."""
    bars = [part for section in sections for part in section.parts if isinstance(part, Balance)]
    return sorted({length for bar in bars for *_, length in bar.rows})


def _distribution(told: Facts) -> Section:
    release = told.release
    signer = f"{release.signer.printed_name} ({release.signer.principal}) as {release.role}, {release.signed_at}"
    lines = _lines(("Licence", disclosure.licences(told.project, told.sources)), *_answers(told, "url", "citation"))
    named = (
        Line("Version", (release.version,), code=True),
        Line("Digest of the release", (told.digest,), code=True),
        Line("Digest of the data", (release.root,), code=True),
        Line("Signed by", (signer,)),
        Line("Proof", (f"labelvc release verify {release.version}",), code=True),
    )
    return Section("Distribution", (*lines, *named))


def _maintenance(told: Facts) -> Section:
    rows = tuple((each.version, each.signed_at, each.signer, each.digest) for each in told.releases)
    head = ("release", "signed", "by", "digest")
    return Section("Maintenance", _lines(*_answers(told, "contact", "maintenance")), (Grid("", head, rows),))


def _answers(told: Facts, *topics: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name in topics:
        about = disclosure.TOPICS[name].about
        yield about[0].upper() + about[1:], disclosure.said(told.project, name)


def _lines(*rows: tuple[str, Sequence[str]]) -> tuple[Line, ...]:
    """Return the questions that have an answer."""
    return tuple(Line(term, tuple(said)) for term, said in rows if said)


def _source(source: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in source.items())


def _markdown(told: Facts, sections: Sequence[Section], gaps: Sequence[Gap]) -> Iterator[str]:
    yield f"# {markdown.prose(_title(told))}"
    for section in sections:
        yield from ("", f"## {section.title}", "")
        for line in section.lines:
            said = [markdown.code(each) if line.code else markdown.prose(each) for each in line.said]
            yield f"- **{line.term}**: {'; '.join(said)}"
        for part in section.parts:
            yield from _grid(part) if isinstance(part, Grid) else _bars(part)
    if gaps:
        yield from ("", "## What nobody wrote down", "")
        yield from (f"- {gap.about}: {markdown.code(gap.where)}" for gap in gaps)


def _bars(balance: Balance) -> Iterator[str]:
    yield from ("", f"#### {markdown.prose(balance.title)}", "", "| answer | number | % |", "|---|---:|---:|")
    yield from (f"| {markdown.prose(name)} | {number:,} | {share} |" for name, number, share, _ in balance.rows)


def _grid(grid: Grid) -> Iterator[str]:
    yield from ("", f"### {markdown.prose(grid.title)}", "") if grid.title else ("",)
    ends = ["---"] * (len(grid.head) - grid.numbers) + ["---:"] * grid.numbers
    yield f"| {' | '.join(grid.head)} |"
    yield f"|{'|'.join(ends)}|"
    yield from (f"| {' | '.join(map(markdown.prose, row))} |" for row in grid.rows)
