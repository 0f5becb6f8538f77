"""Initialise: a repository becomes a labels project, all of it or nothing."""

from __future__ import annotations

import importlib
import os
import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from labelvc.codec import epochs
from labelvc.errors import Error, RefusedError, StoreError
from labelvc.ops import ceremony, pseudonyms, templates, trust
from labelvc.ops import project as projects
from labelvc.ops.install import ATTRIBUTES
from labelvc.store import disk, dvc, files, keyring, program
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.keys import Signer

_ATTRIBUTES = f"""\
# Shards hold one record a line, in one canonical form. Without these lines git may convert line ends, and a merge
# may not know where a record ends. The drivers are set up in each clone by `labelvc install`; git does without them.
{ATTRIBUTES}
*.yaml text eol=lf
*.versions.jsonl text eol=lf
modules.lock text eol=lf
*.sha256 text eol=lf
# One line a picture: what both sides brought stands side by side.
datasets/*/media.sha256 text eol=lf merge=union
privacy/** text eol=lf
# What was signed stays as it was signed, byte for byte.
trust/** -text
approvals/** -text
releases/** -text
"""
_IGNORE = f"""\
# What a killed command left behind.
.*{files.UNFINISHED}
"""
_FRAMEWORK = """\
# For users of the pre-commit framework (https://pre-commit.com): run `pre-commit install`.
# Without it, `labelvc install` sets up the same hooks. `labelvc` must be on PATH.
minimum_pre_commit_version: 3.2.0
default_install_hook_types: [pre-commit, pre-merge-commit, commit-msg, pre-push]
repos:
  - repo: local
    hooks:
      - id: labelvc-check
        name: labelvc check
        entry: labelvc plumbing hook pre-commit
        language: system
        always_run: true
        pass_filenames: false
        require_serial: true
        stages: [pre-commit, pre-merge-commit, manual]
      - id: labelvc-message
        name: labelvc check of the message
        entry: labelvc plumbing hook commit-msg
        language: system
        always_run: true
        stages: [commit-msg]
      - id: labelvc-push
        name: labelvc check before push
        entry: labelvc plumbing hook pre-push
        language: system
        always_run: true
        pass_filenames: false
        require_serial: true
        stages: [pre-push]
"""
_SHARED = {".gitattributes": _ATTRIBUTES, ".gitignore": _IGNORE}
_CONFIGURATION = ".pre-commit-config.yaml"


class Plan(NamedTuple):
    """A project that is to be made.

    Attributes:
        project_id: its fresh UUID.
        documents: path to bytes, from the template.
        dvc: whether its annotations lie in DVC.
    """

    project_id: str
    documents: Mapping[str, bytes]
    dvc: bool


class Made(NamedTuple):
    """What was made.

    Attributes:
        paths: files written, in order.
        kept: files that were there and are as they were.
    """

    paths: list[str]
    kept: list[str]


def plan(template: str, name: str, *, in_dvc: bool = False, documents: Mapping[str, bytes] | None = None) -> Plan:
    """Think up a project; nothing is written.

    Args:
        template: a name in `templates.TEMPLATES`.
        name: of the project.
        in_dvc: keep the dataset's annotations in DVC.
        documents: of a template that does not ship with labelvc, from `modules.template`.

    Raises:
        ConfigurationError: there is no such template, or a project cannot have that name.
    """
    project_id = str(uuid.uuid4())
    if documents is None:
        documents = templates.contents(template, name, project_id, str(uuid.uuid4()))
    else:
        documents = templates.filled(documents, name, project_id, lambda: str(uuid.uuid4()))
        importlib.import_module("labelvc.ops.modules").refuse_unfit(documents, template)
    if in_dvc:
        documents = {
            path: data.replace(b"\nstorage: git\n", b"\nstorage: dvc\n") if path.endswith("/dataset.yaml") else data
            for path, data in documents.items()
        }
    return Plan(project_id, documents, in_dvc)


def repository(folder: Path) -> Git:
    """Return the repository a project can be made in; a folder that is in none becomes one.

    Args:
        folder: where the project shall be; made when it is not there.

    Raises:
        RefusedError: there is a project already, or the folder lies inside another repository, or it is bare.
        StoreError: git could not do it.
    """
    if (folder / projects.TOP).exists():
        raise RefusedError("this is a labels project already", where=str(folder / projects.TOP), hint="labelvc status")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise StoreError(
            f"could not make the folder: {problem.strerror}", where=str(folder), hint=f"ls -ld {folder.parent}"
        ) from None
    try:
        git = plumbing.find(folder)
    except StoreError as problem:
        if "not a git repository" not in problem.message:
            raise
        done = program.run(["git", "init", "--quiet"], folder)
        if done.code:
            said = done.err.decode("utf-8", "replace").strip()
            raise StoreError(f"git init failed: {said}", where=str(folder), hint="git init") from None
        git = plumbing.find(folder)
    if git.bare:
        raise RefusedError(
            "a bare repository has no work tree to write to",
            where=str(folder),
            hint="git clone it, then labelvc init in the clone",
        )
    if git.top.resolve() != folder.resolve():
        raise RefusedError(
            "the folder lies inside another repository, and a project is a repository of its own",
            where=str(git.top),
            hint=f"labelvc -C {git.top} init, or choose a folder outside of it",
        )
    return git


def initialise(git: Git, wanted: Plan, signer: Signer | None, now: datetime) -> Made:
    """Write a project into a repository: documents, attributes, hooks' configuration, first epoch and, with a key, trust.

    Args:
        git: the repository.
        wanted: the project.
        signer: key of the person who starts it and is its first root of trust; None leaves trust for later.
        now: UTC.

    Returns:
        What was written; nothing of it is staged but what DVC stages.

    Raises:
        RefusedError: a file that would be written is there already; nothing was written.
        StoreError: the disk, git or DVC could not do it.
        TrustError: the key could not sign.
    """
    taken = [found for path in (*wanted.documents, epochs.PATH) if (found := _in_the_way(git.top, path))]
    if taken:
        more = f" (and {len(taken) - 1} more)" if len(taken) > 1 else ""
        hint = "move it elsewhere, or make the project in an empty folder"
        raise RefusedError(f"{taken[0]}{more} is in the way", where=str(git.top), hint=hint)
    contents = {**wanted.documents, **_beside(git.top)}
    if signer is not None:
        name, email = plumbing.identity(git)
        contents |= ceremony.create(git, wanted.project_id, trust.slug(name), name, email, signer, now)
    contents[epochs.PATH] = pseudonyms.begin(git, now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    try:
        disk.write_all({git.top / path: data for path, data in contents.items()}, git.top)
    except Error:
        keyring.path(git, epochs.read(contents[epochs.PATH])[0].id).unlink(missing_ok=True)
        raise
    paths = sorted(contents) + (dvc.initialise(git) if wanted.dvc else [])
    kept = [path for path in (*_SHARED, _CONFIGURATION) if path not in contents]
    return Made(paths, kept)


def _in_the_way(top: Path, path: str) -> str:
    """Return what keeps a path from being written: a file there, or one where a folder must be; else empty."""
    if os.path.lexists(top / path):
        return path
    above = [parent for parent in PurePosixPath(path).parents if str(parent) != "."]
    return next(
        (str(parent) for parent in reversed(above) if os.path.lexists(top / parent) and not (top / parent).is_dir()), ""
    )


def _beside(top: Path) -> dict[str, bytes]:
    """Return what belongs beside the documents; lines that are missing are added to files that are there."""
    found: dict[str, bytes] = {}
    for path, text in _SHARED.items():
        before = (top / path).read_bytes() if (top / path).is_file() else b""
        after = _joined(before, text.encode())
        if after != before:
            found[path] = after
    if not (top / _CONFIGURATION).exists():
        found[_CONFIGURATION] = _FRAMEWORK.encode()
    return found


def _joined(before: bytes, wanted: bytes) -> bytes:
    """Return a file with the wanted lines at its end, without those it has already."""
    if not before:
        return wanted
    known = set(before.splitlines())
    missing = [line for line in wanted.splitlines() if line not in known]
    if all(line.startswith(b"#") for line in missing):
        return before
    return before.rstrip(b"\n") + b"\n\n" + b"\n".join(missing) + b"\n"
