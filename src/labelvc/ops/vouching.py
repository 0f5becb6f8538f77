"""Vouching: statements on a re-key, made for what the lines show, and held against what the lines show."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from typing import NamedTuple

from labelvc.codec import epochs
from labelvc.core import changeset
from labelvc.model.approval import Rekeying
from labelvc.model.names import Digest
from labelvc.model.policy import Trust
from labelvc.ops import approvals, bijection
from labelvc.ops.approvals import Distrusted, Folders, Heard, Problem, Shelf, Statement
from labelvc.ops.bijection import Found
from labelvc.ops.deeds import Deed
from labelvc.store.git import Git
from labelvc.store.reader import Reader

KIND = "rekeys"
"""The kind of rules that let a re-key in by a statement; without one nobody can."""
_UNRULED = "no rule of the policy in force is about re-keys, so nobody can vouch for one"
_UNNAMED = "the policy names somebody by a token from before, and not by what it became"
_OTHERWISE = "what it says of the re-key is not what the lines show"


class Vouched(NamedTuple):
    """What statements make of a step.

    Attributes:
        root: digest of the change-set of the lines that were re-keyed and changed in nothing else.
        keys: their keys.
        statements: payload digests of the statements that say what the lines show.
        problems: the statements that count for nothing, and why.
        heard: what was said on that change-set, where its list is too long to lie beside it.
    """

    root: Digest = Digest("")
    keys: frozenset[str] = frozenset()
    statements: frozenset[Digest] = frozenset()
    problems: tuple[Problem, ...] = ()
    heard: tuple[Heard, ...] = ()


class Place(NamedTuple):
    """Where a step is judged: the repository, what reads it, and what reads its approvals."""

    git: Git
    reader: Reader
    shelf: Shelf


def of(
    at: Place,
    deed: Deed,
    known: Container[str],
    folders: Folders,
    trust: Trust,
    later: Callable[[str], Trust | None],
) -> Vouched:
    """Return what the statements on a re-key that a step brings make of it; lines are read only where it brings one.

    Args:
        at: where.
        deed: what the step did.
        known: paths of statements that were in history before it.
        folders: the approvals that count in it.
        trust: policy that judges.
        later: the policy at a commit; None where none can be used.

    Raises:
        StoreError: git or DVC data is missing.
    """
    read = list(_told(at.shelf, deed, folders, trust))
    told = [one for one in read if isinstance(one, Statement)]
    void = tuple(one for one in read if isinstance(one, Problem))
    if not told:
        return Vouched(problems=void)
    if not any(KIND in rule.kinds for rule in trust.policy.rules):
        return _none(told, _UNRULED, void)
    found = bijection.read(at.git, at.reader, deed.old, deed.new)
    if found.broken is not None:
        return _none(told, f"{found.broken.key}: {found.broken.message}", void)
    if bijection.unnamed(found.into, trust.policy, (later(deed.commit) or trust).policy):
        return _none(told, _UNNAMED, void)
    good = frozenset(one.digest for one in told if _says(one.approval, found))
    odd = _none([one for one in told if one.digest not in good], _OTHERWISE, void)
    if not good:
        return odd
    part = changeset.part(deed.found, found.keys).changeset
    files = folders.get(part.root, {})
    long = files and f"{approvals.folder_of(part.root)}/{approvals.CHANGE_SET}" not in files
    heard = (
        (at.shelf.heard(part.root, files, known, trust, part),)
        if long and part.root != deed.found.changeset.root
        else ()
    )
    return Vouched(part.root, found.keys, good, odd.problems, heard)


def _none(told: Iterable[Statement], why: str, void: Iterable[Problem]) -> Vouched:
    return Vouched(problems=(*[Problem(one.path, why) for one in told], *void))


def _told(shelf: Shelf, deed: Deed, folders: Folders, trust: Trust) -> Iterator[Statement | Problem]:
    """Yield the statements on a re-key that a step brings, and what is wrong with a file beside them; none where no epoch began.

    What lies in the folder of the whole change is looked at as its approvals are.
    """
    if not deed.changed(epochs.PATH):
        return
    for path in deed.brought:
        root = approvals.root_of(path)
        entry = folders.get(root, {}).get(path) if root is not None else None
        if root is None or entry is None:
            continue
        for one in shelf.statements(root, {path: entry}, trust):
            ours = isinstance(one, Statement) and isinstance(one.approval, Rekeying)
            void = isinstance(one, Problem) and not isinstance(one, Distrusted)
            if ours or (void and root != deed.found.changeset.root):
                yield one


def _says(approval: object, found: Found) -> bool:
    if not isinstance(approval, Rekeying):
        return False
    said, mapping = approval.epochs, approval.mapping
    return (said.before, said.after, mapping.tokens, mapping.sha256) == (
        found.before,
        found.epoch,
        len(found.into),
        found.mapping,
    )
