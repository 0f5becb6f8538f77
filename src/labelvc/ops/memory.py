"""Memory: a history that went back or sideways since it last verified on this machine is told, and never taken for news.

The state of TUF clients, TUF specification 1.0 section 5: whoever serves the repository can leave out its newest commits,
policies and releases, and each of those older states verifies.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from labelvc.errors import DataError, StoreError, TrustError
from labelvc.model import listing
from labelvc.model.memory import Mark, Memory, Newest
from labelvc.model.names import Digest
from labelvc.model.policy import Trust
from labelvc.model.release import FOLDER
from labelvc.model.snapshot import Snapshot
from labelvc.ops import manifest as manifests
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.process import UNSHALLOW
from labelvc.store.reader import Reader

Chain = frozenset[tuple[int, Digest]]
"""Releases by their place in the chain and payload digest."""


class Here(NamedTuple):
    """How far a branch has come in this clone.

    Attributes:
        ref: full name of the ref.
        commit: full id.
        trust: policy and roots in force there.
        chain: the releases in its tree, nothing is proved of them; empty where none is remembered.
    """

    ref: str
    commit: str
    trust: Trust
    chain: Chain


def ref(git: Git, words: str) -> str:
    """Return the full name of the ref that a revision names, empty when it names none: a digest, `main~1`, a detached HEAD."""
    told = plumbing.run(git, "rev-parse", "--symbolic-full-name", words).decode("utf-8", "surrogateescape").strip()
    return told if told.startswith("refs/") and "\n" not in told else ""


def chain(reader: Reader, snapshot: Snapshot) -> Chain:
    """Return the releases in a tree; what cannot be read is none."""
    found = set()
    for path in listing.paths(snapshot.entries, f"{FOLDER}/"):
        try:
            envelope, release = manifests.opened(reader.read(path, snapshot.entries[path]))
        except DataError:
            continue
        found.add((release.sequence, envelope.digest))
    return frozenset(found)


def released_before(memory: Memory | None, ref: str) -> bool:
    """Tell whether a release of a branch is remembered."""
    return memory is not None and memory.refs.get(ref, Mark()).release is not None


def refuse(git: Git, memory: Memory | None, here: Here, again: str) -> None:
    """Return when a branch has come at least as far as is remembered, along the same way.

    Args:
        git: where.
        memory: what is remembered of the project; None: nothing.
        here: the branch.
        again: the command that accepts a rewrite.

    Raises:
        TrustError: it went back or sideways; says where it was and what to do.
    """
    mark = memory.refs.get(here.ref) if memory is not None else None
    if memory is not None and memory.anchor != here.trust.anchor:
        message = "the root of trust is another one than when this project last verified on this machine"
        raise TrustError(message, where=here.trust.anchor, hint=f"ask who keeps the root; {_meant(again)}")
    if mark is None:
        return
    if mark.commit:
        _descends(git, mark.commit, here, again)
    for noun, was, now in (
        ("root", mark.root, here.trust.root.version),
        ("policy", mark.policy, here.trust.policy.version),
    ):
        if now < was:
            message = f"the {noun} is version {now}, and was version {was} when this branch last verified"
            raise TrustError(message, where=here.ref, hint=f"git log -- trust; {_meant(again)}")
    if mark.release and (mark.release.sequence, mark.release.digest) not in here.chain:
        number, newest = mark.release.sequence, max((number for number, _ in here.chain), default=0)
        what = (
            f"the chain of releases ends at number {newest}"
            if newest < number
            else f"release number {number} is another"
        )
        message = f"{what}, and number {number} was {mark.release.digest[:19]} when this branch last verified"
        raise TrustError(message, where=here.ref, hint=f"git log -- releases; {_meant(again)}")


def moved(git: Git, memory: Memory | None, here: Here, new: Mark, *, rewritten: bool) -> Memory | None:
    """Return what to remember once a branch has verified; None when what is remembered is further already.

    Args:
        git: where.
        memory: what is remembered.
        here: the branch.
        new: how far it has come; what it does not tell stays as it is.
        rewritten: whether somebody accepted that it went back or sideways.
    """
    try:
        refuse(git, memory, here, "")
    except TrustError:
        if not rewritten:
            return None
        same = memory is not None and memory.anchor == here.trust.anchor
        memory = msgspec.structs.replace(memory, refs=_without(memory, here.ref)) if memory and same else None
    known = memory or Memory(here.trust.policy.repository, here.trust.anchor, {})
    old = known.refs.get(here.ref, Mark())
    mark = Mark(new.commit or old.commit, new.root or old.root, new.policy or old.policy, new.release or old.release)
    return Memory(known.project, known.anchor, {**known.refs, here.ref: mark})


def verified(here: Here) -> Mark:
    """Return how far a branch has come whose last commit verified."""
    return Mark(here.commit, here.trust.root.version, here.trust.policy.version)


def released(sequence: int, digest: Digest) -> Mark:
    """Return how far a branch has come whose newest release verified."""
    return Mark(release=Newest(sequence, digest))


def _descends(git: Git, before: str, here: Here, again: str) -> None:
    """Return when the commit that is remembered is in the history that is judged."""
    short = before[:12]
    try:
        plumbing.resolve(git, before)
    except StoreError:
        message = f"this branch last verified at {short}, and that commit is not here"
        fetch = UNSHALLOW if plumbing.is_shallow(git) else "git fetch --all"
        raise TrustError(message, where=here.ref, hint=f"{fetch}; {_meant(again)}") from None
    if plumbing.is_ancestor(git, before, here.commit):
        if before == here.commit or plumbing.first_parents(git, before, here.commit)[0][0] == before:
            return
        message = (
            f"this branch was led round: it last verified at {short}, which is not on its first-parent line any more"
        )
        hint = f"git log --first-parent --oneline {before[:12]}^..{here.commit[:12]}; {_meant(again)}"
        raise TrustError(message, where=here.ref, hint=hint)
    if plumbing.is_ancestor(git, here.commit, before):
        message = f"this branch went back: it last verified at {short}, which is newer than {here.commit[:12]}"
        raise TrustError(message, where=here.ref, hint=f"git pull; {_meant(again)}")
    message = f"this branch was rewritten: it last verified at {short}, which is not in its history any more"
    raise TrustError(message, where=here.ref, hint=f"git log {here.commit[:12]}..{short}; {_meant(again)}")


def _without(memory: Memory, ref: str) -> dict[str, Mark]:
    return {name: mark for name, mark in memory.refs.items() if name != ref}


def _meant(again: str) -> str:
    return f"when the rewrite is meant: {again}"
