"""JUnit XML: one test case a rule and dataset, as test reports of every CI system take them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from html import escape

from labelvc.checks.interface import Rule
from labelvc.cli.render import hosts
from labelvc.cli.render.hosts import Judged
from labelvc.cli.render.text import count, safe
from labelvc.model.finding import Finding

LISTED = 20
"""Findings of one rule and dataset whose words are in the file."""
PROJECT = "(project)"


def write(findings: Iterable[Finding], catalogue: Mapping[str, Rule], judged: Judged) -> str:
    """Return a suite a dataset, with a case for each rule that judged it: passed, or failed with its first findings.

    A case of which somebody lets findings stand, and that does not fail, is skipped: it did not pass.

    Args:
        findings: what was found.
        catalogue: rules by their id, whose titles are told.
        judged: what was looked at. A case fails when one of its findings does; else its findings are its output.

    Returns:
        The XML, its last line ended; without times, so that equal data gives equal bytes.
    """
    cases: dict[str, dict[str, list[Finding]]] = {
        name: {rule.id: [] for rule in rules} for name, rules in judged.asked.items()
    }
    for found in hosts.ranked(findings):
        suite = cases.setdefault(hosts.dataset_of(found, judged.asked), {})
        suite.setdefault(found.rule, []).append(found)
    waived: dict[str, Counter[str]] = {name: Counter() for name in cases}
    for found, _ in judged.waived:
        name = hosts.dataset_of(found, judged.asked)
        cases.setdefault(name, {}).setdefault(found.rule, [])
        waived.setdefault(name, Counter())[found.rule] += 1
    suites = [
        list(_suite(name or PROJECT, cases[name], catalogue, judged, waived.get(name, Counter())))
        for name in sorted(cases)
    ]
    tests = sum(len(rules) for rules in cases.values())
    failures = sum(_failed(found, judged) for rules in cases.values() for found in rules.values())
    head = f'<testsuites name="labelvc check" tests="{tests}" failures="{failures}" errors="0">\n'
    body = "".join([line for suite in suites for line in suite])
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}{body}</testsuites>\n'


def _suite(
    name: str,
    rules: Mapping[str, list[Finding]],
    catalogue: Mapping[str, Rule],
    judged: Judged,
    waived: Mapping[str, int],
) -> Iterator[str]:
    skipped = sum(not _failed(rules[rule], judged) for rule in waived)
    failures = sum(_failed(found, judged) for found in rules.values())
    suite = _attribute(name)
    yield f' <testsuite name="{suite}" tests="{len(rules)}" failures="{failures}" errors="0" skipped="{skipped}">\n'
    for rule, found in sorted(rules.items()):
        case = f'  <testcase classname="{suite}" name="{_attribute(rule)}"'
        if rule in waived and not _failed(found, judged):
            said = _attribute(f"{count(waived[rule], 'finding')} waived")
            yield f'{case}>\n   <skipped message="{said}"/>\n  </testcase>\n'
            continue
        if not found:
            yield f"{case}/>\n"
            continue
        words = escape("\n".join(_words(found)), quote=False)
        if _failed(found, judged):
            title = catalogue[rule].title if rule in catalogue else rule
            said = _attribute(f"{count(len(found), 'finding')}: {title}")
            body = f'<failure type="{found[0].severity}" message="{said}">{words}</failure>'
        else:
            body = f"<system-out>{words}</system-out>"
        yield f"{case}>\n   {body}\n  </testcase>\n"
    yield " </testsuite>\n"


def _words(found: list[Finding]) -> Iterator[str]:
    for one in found[:LISTED]:
        line = f":{one.place.line}" if one.place.line else ""
        yield f"{one.severity} {safe(one.place.path)}{line} {hosts.sentence(one)}"
    if len(found) > LISTED:
        yield f"and {count(len(found) - LISTED, 'more finding')}"


def _failed(found: list[Finding], judged: Judged) -> bool:
    """Tell whether a case failed; its most severe finding stands first."""
    return bool(found) and judged.fails(found[0].severity)


def _attribute(words: str) -> str:
    return escape(safe(words))
