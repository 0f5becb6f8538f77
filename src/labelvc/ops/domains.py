"""Domains in history: what was made in a domain that was declared once stands there still, whatever is declared now."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from labelvc.codec import document
from labelvc.core import domains
from labelvc.errors import DataError
from labelvc.model.project import Project
from labelvc.ops import project as projects
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.objects import Objects

_DOCUMENTS = (f":(top){projects.TOP}", ":(top,glob)datasets/*/dataset.yaml")
_WORD = b"domain"
_ESCAPES = b"\\"


def ever(git: Git, project: Project) -> tuple[str, ...]:
    """Return the domains that a project has or had, in any commit that this clone knows: that of the project first.

    A version of a document that cannot be read made no tokens: nothing imports with it. One that does not hold the word
    names no domain, and is not parsed (YAML may escape it).

    Args:
        git: the repository.
        project: as it is now.

    Raises:
        StoreError: git could not do it.
    """
    now = domains.of(project).names
    found = set[str]()
    wanted = _versions(git)
    with Objects(git) as objects:
        for (_, of_project), data in zip(wanted, objects.many([oid for oid, _ in wanted]), strict=True):
            found |= _of_project(data) if of_project else _of_dataset(data)
    return *now, *sorted(found.difference(now))


def _versions(git: Git) -> list[tuple[str, bool]]:
    """Return the blobs of every version of the documents that name domains, in all that refs lead to: each once a kind.

    With each, whether it is the project's document and not a dataset's.
    """
    words = ("log", "--all", "--format=", "--raw", "--no-abbrev", "--no-renames", "-m", "--root", "--", *_DOCUMENTS)
    rows = [row.split() for row in plumbing.run(git, *words).decode("utf-8", "surrogateescape").splitlines()]
    return sorted({(row[3], row[-1] == projects.TOP) for row in rows if row and row[3].strip("0")})


def _of_project(data: bytes) -> set[str]:
    with contextlib.suppress(DataError):
        privacy = _read(data).get("privacy", {})
        return set(_names([privacy if isinstance(privacy, dict) else {}])) or {projects.NO_DOMAIN}
    return set()


def _of_dataset(data: bytes) -> set[str]:
    with contextlib.suppress(DataError):
        fields = _read(data).get("sensitive", [])
        return set(_names(fields if isinstance(fields, list) else []))
    return set()


def _read(data: bytes) -> Mapping[str, Any]:
    """Return a document's members; none of one that cannot say the word."""
    return document.read(data, projects.TOP) if _WORD in data or _ESCAPES in data else {}


def _names(said: list[Any]) -> Iterator[str]:
    """Yield the domains that some mappings name."""
    for one in said:
        name = one.get("domain") if isinstance(one, dict) else None
        if isinstance(name, str):
            yield name
