"""What `verify` and `release verify` share: where this machine remembers how far a branch had come, and when it does."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import click

from labelvc.cli.context import Settings, environment, in_ci
from labelvc.cli.output import say
from labelvc.errors import StoreError, TrustError
from labelvc.model.memory import Mark
from labelvc.ops import memory as remembering
from labelvc.ops import trust as trusting
from labelvc.ops.memory import Here
from labelvc.store import memory as store
from labelvc.store import tree
from labelvc.store.git import Git

rewrite_option = click.option(
    "--accept-rewrite", is_flag=True, help="Accept that the branch went back or was rewritten, and remember it anew."
)


class Place(NamedTuple):
    """What must not go back.

    Attributes:
        words: the revision as it was typed.
        commit: its full id.
        again: the command that accepts a rewrite.
        accept: whether it was given.
    """

    words: str
    commit: str
    again: str
    accept: bool


class Known(NamedTuple):
    """A branch that was held against what is remembered, and the folder that remembers it."""

    folder: Path
    here: Here


def folder() -> Path | None:
    """Return the state folder: LABELVC_STATE, or `labelvc` in XDG_STATE_HOME or ~/.local/state; in CI only a named one.

    A relative XDG_STATE_HOME is none, XDG Base Directory Specification.
    """
    if named := environment("LABELVC_STATE"):
        return Path(named).absolute()
    home = environment("XDG_STATE_HOME")
    if home and Path(home).is_absolute():
        return Path(home) / "labelvc"
    user = environment("HOME")
    return None if in_ci() or not user else Path(user) / ".local" / "state" / "labelvc"


def hold(git: Git, place: Place, pin: str | None) -> Known | None:
    """Hold a branch against what is remembered of it.

    Args:
        git: where.
        place: the branch.
        pin: digest of root version 1, from outside the repository; None when there is none.

    Returns:
        What `keep` may remember; None when nothing may be: no policy, no branch, no folder, or a root that nobody pinned.

    Raises:
        TrustError: the branch went back or sideways, and nobody accepts it.
        StoreError: what is remembered cannot be told.
    """
    at, ref = folder(), remembering.ref(git, place.words)
    if at is None or not ref:
        return None
    snapshot = tree.commit(git, place.commit, ("trust", "releases"))
    if not trusting.present(snapshot):
        return None
    with tree.reader(git) as reader:
        try:
            trust = trusting.load(reader, snapshot, pin)
        except TrustError:
            return None  # whoever judges the steps tells it
        memory = store.read(at, trust.policy.repository)
        chain = remembering.chain(reader, snapshot) if remembering.released_before(memory, ref) else frozenset()
    here = Here(ref, place.commit, trust, chain)
    if not place.accept:
        remembering.refuse(git, memory, here, place.again)
    return Known(at, here) if trust.pinned else None


def keep(settings: Settings, git: Git, known: Known, place: Place, mark: Mark | None = None) -> None:
    """Remember how far a branch has come that has just verified; when that cannot be written, say so and go on.

    Args:
        settings: the global options.
        git: where.
        known: the branch, as `hold` returned it.
        place: as for `hold`.
        mark: how far it has come; None: as far as it is here.
    """
    new = mark or remembering.verified(known.here)
    try:
        store.update(
            known.folder,
            known.here.trust.policy.repository,
            lambda memory: remembering.moved(git, memory, known.here, new, rewritten=place.accept),
        )
    except StoreError as error:
        say(settings, f"note: that this verified is not remembered: {error.message} ({error.where})")
