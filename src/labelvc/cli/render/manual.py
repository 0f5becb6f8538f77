"""The manual: a guideline as a page for people who label, with what changed since the version they know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from labelvc.cli.render import html, markdown
from labelvc.core import bump, prose
from labelvc.core.bump import Weighed, Weight
from labelvc.core.prose import Stretch
from labelvc.model import jsonpointer
from labelvc.model.change import Edit
from labelvc.ops.versions import Shown

_HEADINGS: Mapping[Weight, str] = {
    "meaning": "Decide otherwise",
    "clarifying": "Made clearer",
    "editorial": "Words only",
}
_RETIRED = "out of use: do not choose it"
_SILENCE = "Labels that this guideline does not explain:"
_TITLES = {
    "use_when": "use it when",
    "avoid_when": "do not use it when",
    "counterexamples": "not this label",
    "edge_cases": "edge cases",
}
_CONDITIONS = (("use_when", "Use it when"), ("avoid_when", "Do not use it when"))
_CASES = (("examples", "✓", "Examples"), ("counterexamples", "✗", "Not this label"), ("edge_cases", "", "Edge cases"))


class Case(NamedTuple):
    """An example: what is seen, the label or value it gets, why, the record it stands in, and what it comes from."""

    seen: str
    said: str
    why: str
    record: str
    because: tuple[str, ...] = ()


class Entry(NamedTuple):
    """One label: id, name, whether it is out of use, one sentence, conditions and cases under their titles, why, how much changed, and what it comes from."""

    label: str
    name: str
    retired: bool
    definition: str
    conditions: tuple[tuple[str, tuple[str, ...]], ...]
    cases: tuple[tuple[str, str, tuple[Case, ...]], ...]
    rationale: str
    weight: Weight | None
    because: tuple[str, ...]


class Change(NamedTuple):
    """The edits of one weight under their heading; each what it is about, and stretches of words that stayed, went or came."""

    weight: Weight
    heading: str
    said: tuple[tuple[str, Sequence[Stretch]], ...]


def page(shown: Shown, form: str) -> str:
    """Return a guideline for people who label.

    Args:
        shown: the guideline.
        form: `markdown` or `html`.
    """
    general = shown.value.get("general", ())
    rules = [general] if isinstance(general, str) else list(general)
    entries = [_entry(label, blocks, shown) for label, blocks in shown.value["labels"].items()]
    changes = list(_changes(shown.edits))
    if form == "html":
        template = html.environment().get_template("manual.html.jinja")
        return template.render(
            value=shown.value,
            standing=_standing(shown),
            retired=_RETIRED,
            silent=_silent(shown),
            silence=_SILENCE,
            rules=rules,
            entries=entries,
            changes=changes,
            against=shown.against,
            headings=_HEADINGS,
        )
    return "\n".join(_markdown(shown, rules, entries, changes)).rstrip("\n") + "\n"


def _entry(label: str, blocks: Mapping[str, Any], shown: Shown) -> Entry:
    name = shown.names.get(label, "")
    return Entry(
        label,
        "" if name == label else name,
        label in shown.retired,
        blocks.get("definition", ""),
        tuple((title, tuple(blocks[block])) for block, title in _CONDITIONS if blocks.get(block)),
        tuple((mark, title, tuple(map(_case, blocks[block]))) for block, mark, title in _CASES if blocks.get(block)),
        blocks.get("rationale", ""),
        bump.heaviest([one for one in shown.edits if one.edit.name == label]),
        tuple(blocks.get("because", ())),
    )


def _case(example: Any) -> Case:
    if isinstance(example, str):
        return Case(example, "", "", "")
    said = example.get("label", example.get("value", ""))
    because = tuple(example.get("because", ()))
    return Case(example.get("text", ""), str(said), example.get("why", ""), example.get("record", ""), because)


def _standing(shown: Shown) -> str:
    """Return the status, and that the text is no published one where it is not: nobody should decide by a draft unawares."""
    return f"{shown.value['status']}{'' if shown.published else ', with changes that are not published'}"


def _silent(shown: Shown) -> list[str]:
    """Return the labels in use of which the guideline says nothing."""
    return [label for label in shown.names if label not in shown.value["labels"] and label not in shown.retired]


def _changes(found: Sequence[Weighed]) -> Iterator[Change]:
    for weight in reversed(bump.WEIGHTS):
        said = tuple((_about(one.edit), _reads(one.edit)) for one in found if one.weight == weight)
        if said:
            yield Change(weight, _HEADINGS[weight], said)


def _about(edit: Edit) -> str:
    where = edit.block or ("" if edit.of == "label" else jsonpointer.steps(edit.pointer)[0])
    return " ".join(filter(None, (edit.name, _TITLES.get(where, where).lower())))


def _reads(edit: Edit) -> Sequence[Stretch]:
    """Return how a text reads now beside how it read; of examples and conditions those that went and came."""
    if edit.what == "ordered":
        return [Stretch("=", "the same in another order")]
    old, new = [_spoken(side) for side in (edit.old, edit.new)]
    return prose.words(old, new)


def _spoken(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "; ".join(map(_spoken, value))
    if not isinstance(value, dict):
        return str(value)
    if "definition" in value:
        return str(value["definition"])
    case = _case(value)
    said, why = f"→ {case.said}" if case.said else "", f"({case.why})" if case.why else ""
    return " ".join(filter(None, (case.seen, case.record, said, why)))


def _markdown(shown: Shown, rules: Sequence[str], entries: Sequence[Entry], changes: Sequence[Change]) -> Iterator[str]:
    value, shown_as = shown.value, markdown.prose
    yield from (f"# {shown_as(value['title'])}", "")
    yield from (f"`{value['name']}@{value['version']}`, {_standing(shown)}", "")
    if value.get("because"):
        yield from (f"Comes from {', '.join(map(markdown.code, value['because']))}", "")
    if shown.against:
        yield from (f"## What changed since {shown.against}", "")
        for change in changes:
            yield from (f"**{change.heading}**", "")
            yield from [f"- {shown_as(about)}: {''.join(map(_marked, stretches))}" for about, stretches in change.said]
            yield ""
        if not changes:
            yield from ("Nothing.", "")
    if rules or value.get("ambiguity"):
        yield from ("## For every label", "")
        yield from [f"- {shown_as(rule)}" for rule in rules]
        if value.get("ambiguity"):
            yield f"- **When two labels fit, or none does:** {shown_as(value['ambiguity'])}"
        yield ""
    if silent := _silent(shown):
        yield from (f"{_SILENCE} {', '.join(map(markdown.code, silent))}", "")
    for entry in entries:
        name = f" {shown_as(entry.name)}" if entry.name else ""
        mark = f" ({_RETIRED})" if entry.retired else ""
        mark += f" ({_HEADINGS[entry.weight].lower()})" if entry.weight else ""
        yield from (f"## {markdown.code(entry.label)}{name}{mark}", "")
        if entry.definition:
            yield from (shown_as(entry.definition), "")
        for title, lines in entry.conditions:
            yield from (f"**{title}**", "", *[f"- {shown_as(line)}" for line in lines], "")
        for mark_, title, cases in entry.cases:
            yield from (f"**{title}**", "", *[" ".join(filter(None, ("-", mark_, _spelt(case)))) for case in cases], "")
        if entry.rationale:
            yield from (f"*Why:* {shown_as(entry.rationale)}", "")
        if entry.because:
            yield from (f"*Comes from:* {', '.join(map(markdown.code, entry.because))}", "")


def _marked(stretch: Stretch) -> str:
    """Return words with what went struck out and what came in bold; blanks stay outside of the marks, as Markdown wants."""
    shown = markdown.prose(stretch.text)
    mark = {"=": "", "-": "~~", "+": "**"}[stretch.sign]
    before, after = stretch.text[:1].isspace(), stretch.text[-1:].isspace()
    return f"{' ' * before}{mark}{shown}{mark}{' ' * after}" if shown else " "


def _spelt(case: Case) -> str:
    parts = [
        markdown.prose(case.seen) if case.seen else "",
        markdown.code(case.record) if case.record else "",
        f"→ {markdown.code(case.said)}" if case.said else "",
        f"({markdown.prose(case.why)})" if case.why else "",
        f"\\[{', '.join(map(markdown.code, case.because))}\\]" if case.because else "",
    ]
    return " ".join(filter(None, parts))
