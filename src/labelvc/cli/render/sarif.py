"""SARIF 2.1.0: findings as code scanning takes them (OASIS Standard, errata 01)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from labelvc import __version__
from labelvc.checks.interface import Rule
from labelvc.cli.render import hosts
from labelvc.cli.render.hosts import Judged
from labelvc.cli.render.text import count, named, safe
from labelvc.model.finding import Finding
from labelvc.model.waiver import Waiver

MOST = 25_000
"""Results that a host takes in one run; it shows the first 5,000 (docs.github.com, limits on SARIF results)."""
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LONGEST = 1000
_ROOT = "%SRCROOT%"
_SPOKEN = str.maketrans({"{": "{{", "}": "}}"})


def write(findings: Iterable[Finding], catalogue: Mapping[str, Rule], judged: Judged) -> str:
    """Return one run with every rule of the catalogue and a result for each finding, the most severe first.

    What somebody lets stand follows, suppressed (3.27.23), then what the base has too, which is `unchanged` (3.27.24).

    Args:
        findings: what was found; where there is a base, what is new.
        catalogue: rules by their id; one of a finding that is not among them gets a row of its own.
        judged: what was looked at.

    Returns:
        The JSON, its last line ended. Beyond `MOST` results the rest is counted in a notification of the invocation.
    """
    state: dict[str, Any] = {"baselineState": "new"} if judged.base else {}
    state |= {"suppressions": []} if judged.waived else {}  # all results say of suppressions, or none
    rows: list[tuple[Finding, dict[str, Any]]] = [(one, state) for one in hosts.ranked(findings)]
    rows += [(one, {**state, "suppressions": [_suppression(by)]}) for one, by in judged.waived]
    rows += [(one, {**state, "baselineState": "unchanged"}) for one in hosts.ranked(judged.known)]
    named = {**{one.rule: Rule(one.rule, one.severity, one.rule, one.rule) for one, _ in rows}, **catalogue}
    numbers = {name: number for number, name in enumerate(sorted(named))}
    marked = zip(hosts.fingerprinted([one for one, _ in rows[:MOST]]), rows, strict=False)
    notes = [*_untold(judged.untold), *_left_out(len(rows))]
    run = {
        "tool": {
            "driver": {
                "name": "labelvc",
                "semanticVersion": __version__,
                "rules": [_descriptor(named[name]) for name in numbers],
            }
        },
        "invocations": [{"executionSuccessful": not judged.untold, "toolExecutionNotifications": notes}],
        "columnKind": "unicodeCodePoints",
        "results": [{**_result(found, mark, numbers, judged), **more} for (found, mark), (_, more) in marked],
        "properties": {"base": safe(judged.base), "head": safe(judged.head)},
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=1) + "\n"


def _descriptor(rule: Rule) -> dict[str, Any]:
    return {
        "id": safe(rule.id),
        "shortDescription": {"text": _spoken(rule.title)},
        "fullDescription": {"text": _spoken(f"{rule.title}. {rule.why}")},
        "help": {"text": _spoken(f"{rule.why} `labelvc check --rules` lists all rules.")},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"tags": [safe(rule.id.partition(".")[0])]},
    }


def _result(found: Finding, mark: str, numbers: Mapping[str, int], judged: Judged) -> dict[str, Any]:
    path, line = hosts.anchor(found.place, judged.files)
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(path.encode("utf-8", "surrogateescape")), "uriBaseId": _ROOT},
            "region": {"startLine": line},
        }
    }
    if found.place.key:
        location["logicalLocations"] = [{"fullyQualifiedName": named(found.place.key, _LONGEST), "kind": "element"}]
    return {
        "ruleId": safe(found.rule),
        "ruleIndex": numbers[found.rule],
        "level": found.severity,
        "message": {"text": _spoken(hosts.sentence(found))},
        "locations": [location],
        # code scanning reads this name and no other, and would make it of the line's text if it were not here
        "partialFingerprints": {"primaryLocationLineHash": mark},
    }


def _suppression(by: Waiver) -> dict[str, Any]:
    """Return what lets a result stand: written in a file beside the data (3.35)."""
    said = safe(f"{by.reason} ({by.by}, until {by.expires})")
    return {"kind": "external", "status": "accepted", "justification": said}


def _untold(words: Iterable[str]) -> Iterator[dict[str, Any]]:
    for said in words:
        yield {"level": "error", "message": {"text": _spoken(said)}}


def _left_out(findings: int) -> Iterator[dict[str, Any]]:
    if findings > MOST:
        said = f"{count(findings - MOST, 'more finding')} not listed here, none more severe than those that are"
        yield {"level": "warning", "message": {"text": said}}


def _spoken(words: str) -> str:
    """Return words as a plain message: no placeholder (3.11.5) and no embedded link (3.11.6)."""
    return safe(words).translate(_SPOKEN).replace("](", "] (")
