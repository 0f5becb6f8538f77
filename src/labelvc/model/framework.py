"""What labelvc offers users of the pre-commit framework: the table that `.pre-commit-hooks.yaml` is made from."""

from __future__ import annotations

from typing import NamedTuple

from labelvc.model.hooks import HOOKS

_COMMITS = ("pre-commit", "pre-merge-commit", "manual")


class Offer(NamedTuple):
    """One hook of the framework.

    Attributes:
        id: what a configuration names.
        name: what is shown while it runs.
        about: what it does.
        entry: the command.
        stages: when it runs.
        files: pattern of paths of which one must have changed; empty: it always runs.
        serial: whether one process must see all: the hooks of labelvc judge the whole index.
        filenames: whether the framework hands over names: of the file with a commit's message.
    """

    id: str
    name: str
    about: str
    entry: str
    stages: tuple[str, ...]
    files: str = ""
    serial: bool = True
    filenames: bool = False


OFFERS = (
    Offer(
        "labelvc-format",
        "labelvc format",
        "Brings changed shards into canonical form. It edits files, and the framework stops the commit when it did.",
        "labelvc format",
        _COMMITS,
        files=r"^datasets/[^/]+/(annotations|items)/.*\.jsonl$",
    ),
    Offer(
        "labelvc-check",
        "labelvc check",
        "Judges the index against HEAD, deletions and merges included; it writes nothing.",
        "labelvc plumbing hook pre-commit",
        _COMMITS,
    ),
    Offer(
        "labelvc-message",
        "labelvc check of the message",
        "Looks for personal data and secrets in the message of a commit.",
        "labelvc plumbing hook commit-msg",
        ("commit-msg",),
        serial=False,
        filenames=True,
    ),
    Offer(
        "labelvc-push",
        "labelvc check before push",
        "Judges what each pushed branch would bring to the remote.",
        "labelvc plumbing hook pre-push",
        ("pre-push",),
    ),
)
OLDEST = "3.2.0"
"""The first version of the framework that knows these names of stages."""


def manifest() -> str:
    """Return `.pre-commit-hooks.yaml`."""
    head = f"""\
# What labelvc offers users of the pre-commit framework (https://pre-commit.com). Without the framework, `labelvc install`
# sets up the same hooks. A merge without conflict runs pre-merge-commit only, so install all four:
# default_install_hook_types: [{", ".join(HOOKS)}]
# Written by scripts/reference.
"""
    return "\n".join([head, *[_entry(offer) for offer in OFFERS]])


def _entry(offer: Offer) -> str:
    rows = [
        ("name", offer.name),
        ("description", offer.about),
        ("entry", offer.entry),
        ("language", "python"),
        ("files", offer.files) if offer.files else ("always_run", "true"),
        *([] if offer.filenames else [("pass_filenames", "false")]),
        *([("require_serial", "true")] if offer.serial else []),
        ("stages", f"[{', '.join(offer.stages)}]"),
        ("minimum_pre_commit_version", OLDEST),
    ]
    return f"- id: {offer.id}\n" + "".join([f"  {name}: {value}\n" for name, value in rows])
