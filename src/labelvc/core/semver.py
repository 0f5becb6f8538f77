"""Versions of documents: what one looks like and which comes before another (Semantic Versioning 2.0.0, without builds)."""

from __future__ import annotations

import re

_NUMBER = "(0|[1-9][0-9]{0,5})"
_VERSION = rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-([0-9A-Za-z]+(?:[.-][0-9A-Za-z]+)*))?"


def is_version(text: str) -> bool:
    """Tell whether a text is a version, as the schemas of documents have it."""
    return re.fullmatch(_VERSION, text) is not None


def precedes(one: str, two: str) -> bool:
    """Tell whether a version comes before another (Semantic Versioning 2.0.0, 11)."""
    return rank(one) < rank(two)


def rank(version: str) -> tuple[tuple[int, int, int], bool, list[tuple[bool, int, str]]]:
    """Return what versions are ordered by (Semantic Versioning 2.0.0, 11)."""
    *numbered, suffix = numbers(version)
    parts = suffix.split(".") if suffix else []
    major, minor, patch = numbered
    return (
        (major, minor, patch),
        not suffix,
        [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts],
    )


def numbers(version: str) -> tuple[int, int, int, str]:
    """Return major, minor and patch of a version, and its suffix or nothing.

    Raises:
        ValueError: it is no version.
    """
    found = re.fullmatch(_VERSION, version)
    if found is None:
        raise ValueError(version)
    return int(found[1]), int(found[2]), int(found[3]), found[4] or ""
