"""GitLab Code Quality: an array of findings, as merge requests show them (docs.gitlab.com, Code Quality report format)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from labelvc.checks.interface import Rule
from labelvc.cli.render import hosts
from labelvc.cli.render.hosts import Judged
from labelvc.cli.render.text import safe
from labelvc.model.finding import Finding, Severity

_SEVERITIES: dict[Severity, str] = {"note": "info", "warning": "minor", "error": "critical"}


def write(findings: Iterable[Finding], catalogue: Mapping[str, Rule], judged: Judged) -> str:
    """Return the array, the most severe first, each with a fingerprint of its own.

    Args:
        findings: what was found.
        catalogue: rules by their id, whose titles are told.
        judged: what was looked at.

    Returns:
        The JSON, its last line ended.
    """
    marked = hosts.fingerprinted(hosts.ranked(findings))
    items = [_item(found, mark, catalogue, judged) for found, mark in marked]
    return json.dumps(items, ensure_ascii=False, indent=1) + "\n"


def _item(found: Finding, mark: str, catalogue: Mapping[str, Rule], judged: Judged) -> dict[str, Any]:
    path, line = hosts.anchor(found.place, judged.files)
    title = f"{catalogue[found.rule].title}: " if found.rule in catalogue else ""
    return {
        "description": safe(title) + hosts.sentence(found),
        "check_name": safe(found.rule),
        "fingerprint": mark,
        "severity": _SEVERITIES[found.severity],
        "location": {"path": safe(path), "lines": {"begin": line}},
    }
