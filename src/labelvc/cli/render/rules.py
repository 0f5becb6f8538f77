"""The catalogue of rules for people: a list for the terminal, a page for the reference, and items of JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from labelvc.checks.interface import Rule
from labelvc.cli.render.text import paint, safe
from labelvc.model.finding import Severity

_OTHER: dict[Severity, Severity] = {"error": "warning", "warning": "error", "note": "warning"}
_HEAD = """\
# Rules

What `labelvc check` tells of, and `labelvc ci` of the branch it judges, made from the rules themselves. A dataset sets a rule's severity (`off`, `note`, `warning`, `error`) and, where there is one, its threshold, in `checks` of `datasets/<name>/dataset.yaml`. A change is judged by the settings it started from. Rules of a package that is installed beside labelvc are listed by `labelvc plugin list`: [add a check](../guide/add-a-check.md).

| rule | severity | what is wrong |
|---|---|---|
"""


def text(rules: Iterable[Rule], *, color: bool) -> Iterator[str]:
    """Yield the rules for a terminal, by what they are about."""
    ordered = sorted(rules)
    for number, (noun, some) in enumerate(groupby(ordered, key=_noun)):
        yield f"{chr(10) if number else ''}{paint(noun, 'bold', on=color)}\n"
        for rule in some:
            head = paint(rule.severity.ljust(7), rule.severity, on=color)
            asked = ", on request" if rule.on_request else ""
            yield f"  {head}  {safe(rule.id)}  {safe(rule.title)}{_bound(rule)}{asked}\n"
            yield f"           {paint(safe(rule.why), 'dim', on=color)}\n"


def items(rules: Iterable[Rule], settable: Mapping[str, bool | None]) -> list[dict[str, Any]]:
    """Return the rules as `check --rules --format json` prints them.

    Args:
        rules: what to list.
        settable: as `labelvc.ops.catalogue.settable` tells it.
    """
    return [{**rule._asdict(), "settable": settable[rule.id] is not None} for rule in sorted(rules)]


def page(rules: Iterable[Rule], settable: Mapping[str, bool | None]) -> str:
    """Return the page of the reference: a section a rule.

    Args:
        rules: the catalogue.
        settable: as `labelvc.ops.catalogue.settable` tells it.
    """
    ordered = sorted(rules)
    rows = [f"| [`{rule.id}`](#{_mark(rule)}) | {rule.severity} | {rule.title} |\n" for rule in ordered]
    return _HEAD + "".join(rows) + "".join([_section(rule, settable=settable[rule.id] is not None) for rule in ordered])


def _section(rule: Rule, *, settable: bool) -> str:
    lines = [f"\n## {rule.id}\n\n**{rule.title}.** {rule.why}\n\n", f"- severity: {rule.severity}\n"]
    if rule.threshold is not None:
        lines.append(f"- threshold: {_number(rule.threshold)}{f', {rule.measure}' if rule.measure else ''}\n")
    if rule.on_request:
        lines.append("- asked: where a dataset sets it\n")
    if rule.across:
        lines.append("- judged: by the records of the whole dataset\n")
    if not settable:
        return "".join([*lines, "- set by: nothing; mend what it tells of\n"])
    bound = f", threshold: {_number(_moved(rule.threshold))}" if rule.threshold is not None else ""
    example = f"checks:\n  {rule.id}: {{severity: {_OTHER[rule.severity]}{bound}}}\n"
    return "".join([*lines, f"- set by: `checks` of a dataset\n\n```yaml\n{example}```\n"])


def _moved(threshold: float) -> float:
    """Return another threshold: for a share or a ratio one that is half as far from 1, else twice as much."""
    return round((1 + threshold) / 2, 3) if 0 < threshold < 1 else threshold * 2


def _number(value: float) -> str:
    """Return a number as YAML reads it: without an exponent where it is whole."""
    return str(int(value)) if value == int(value) else repr(value)


def _bound(rule: Rule) -> str:
    if rule.threshold is None:
        return ""
    return f" (threshold {_number(rule.threshold)}{f', {safe(rule.measure)}' if rule.measure else ''})"


def _noun(rule: Rule) -> str:
    return safe(rule.id.partition(".")[0])


def _mark(rule: Rule) -> str:
    """Return the fragment by which a host links to a rule's heading: letters, digits, hyphens and low lines stay."""
    return rule.id.replace(".", "")
