"""Hosts: the files by which a code host, a server or make has labelvc judge each change of a project."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Literal, NamedTuple

from labelvc.store import disk
from labelvc.store.git import Git

HOSTS: Mapping[str, Mapping[str, str]] = {
    "github": {".github/workflows/labels.yml": "github.yml"},
    "gitlab": {".gitlab/labels.yml": "gitlab.yml", ".gitlab-ci.yml": "gitlab-ci.yml"},
    "pre-receive": {"hooks/pre-receive": "pre-receive"},
    "make": {".ci/labels.mk": "labels.mk"},
}
"""Path to the template it is written from, by host. All of them are places that a policy's `controls` rule protects."""


class Written(NamedTuple):
    """What became of a file: `new`, `kept`: it was there as it would be written, or `other`: it says otherwise and stays."""

    path: str
    state: Literal["new", "kept", "other"]


def contents(host: str) -> dict[str, bytes]:
    """Return path to bytes of the files for a host.

    Args:
        host: a name in `HOSTS`.
    """
    folder = files("labelvc.ops") / "_ci"
    return {path: (folder / name).read_bytes() for path, name in HOSTS[host].items()}


def write(git: Git, host: str) -> list[Written]:
    """Write the files for a host where there are none; what somebody has edited stays as it is.

    Args:
        git: the repository.
        host: a name in `HOSTS`.

    Raises:
        StoreError: the disk refuses, or a path leads out of the repository.
    """
    wanted = contents(host)
    told = {path: _state(git, path, data) for path, data in wanted.items()}
    fresh = {git.top / path: data for path, data in wanted.items() if told[path] == "new"}
    disk.write_all(dict(fresh), git.top)
    return [Written(path, state) for path, state in told.items()]


def _state(git: Git, path: str, data: bytes) -> Literal["new", "kept", "other"]:
    place = git.top / path
    if not place.exists() and not place.is_symlink():
        return "new"
    return "kept" if place.is_file() and not place.is_symlink() and place.read_bytes() == data else "other"
