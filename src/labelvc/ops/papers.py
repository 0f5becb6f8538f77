"""Papers: files in the folder of approvals that are neither a statement nor a list of moves, so that they say nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from labelvc.codec import dsse, statement
from labelvc.core import changeset, decide
from labelvc.errors import DataError
from labelvc.model import listing, release, shell
from labelvc.model.approval import AGAINST
from labelvc.model.finding import Finding, Place
from labelvc.model.names import Digest
from labelvc.model.policy import Trust
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import approvals
from labelvc.ops.approvals import Folders, Lost, Problem, Shelf, Statement
from labelvc.ops.deeds import Deed
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

FOLDERS = (f"{approvals.FOLDER}/", f"{release.FOLDER}/")
"""Where files lie that somebody signed and nobody may change after that."""
RULE = "approval.stray"
_RELEASED = re.compile(
    rf"{release.FOLDER}/{statement.VERSION.pattern}(\.witness\.{statement.PRINCIPAL.pattern})?\.json"
)
_VOID = "it says nothing, whoever wrote it"


def strays(git: Git, snapshot: Snapshot, paths: Iterable[str]) -> Iterator[Finding]:
    """Yield the files among the approvals that say nothing, whoever signs and whatever the policy.

    Args:
        git: where.
        snapshot: what is there.
        paths: files of the folder to look at; those that are not there are left out.

    Raises:
        StoreError: a file is missing or broken.
    """
    there = listing.of(snapshot.entries)
    with tree.reader(git) as reader:
        for path in paths:
            entry = there.get(path)
            if entry and (message := _void(reader, path, entry)):
                early = ", before it is merged: what lies there as a statement stays" if approvals.root_of(path) else ""
                hint = f"git rm {shell.word(path)}{early}"
                yield Finding(RULE, "error", Place(path), f"{message}; {_VOID}", hint)


def lost(old: Snapshot, paths: Iterable[str]) -> list[Lost]:
    """Return the signed files that a step took away or changed: what is named as a statement, list or release stays.

    Args:
        old: what was there before.
        paths: the files that differ after the step; those outside `FOLDERS` are left out.
    """
    there = _there(old, paths := list(paths))
    message = "this step changed or removed what somebody signed before it"
    return [
        Lost(path, message)
        for path in paths
        if path in there and (approvals.root_of(path) or _RELEASED.fullmatch(path))
    ]


def unlisted(shelf: Shelf, deed: Deed, folders: Folders, trust: Trust) -> Iterator[Problem]:
    """Yield the lists that are gone or changed beside a no that holds, or beside a word taken back, in a folder that a step turned.

    A list is not signed, its root is. Without it nobody can tell whether what somebody rejected is a part of the step, and
    whoever takes it away could go round the no; a rejection always has its list (`labelvc.ops.approve`).

    Args:
        shelf: reads approvals.
        deed: what the step did.
        folders: the approvals that count in it.
        trust: policy that judges.

    Raises:
        StoreError: git data is missing.
    """
    turned = {root for path in deed.changed(f"{approvals.FOLDER}/") if (root := approvals.root_of(path))}
    for root in sorted(turned - {deed.found.changeset.root}):
        files = folders.get(root, {})
        found = shelf.changeset(root, files) if shelf.objects(files) else None
        if isinstance(found, Problem):
            told = (one.approval for one in shelf.statements(root, files, trust) if isinstance(one, Statement))
            for said in (one for one in told if one.decision in AGAINST):
                who = said.signer.principal
                why = f"{found.message}; {who} said {said.decision} there, and nobody can tell whether it is about this change"
                yield found._replace(message=why)


def beside(told: Sequence[Problem], deed: Deed) -> tuple[Problem, ...]:
    """Return what was told of a step, with what it took away of what was signed before it and what it put among the approvals.

    Args:
        told: what was found wrong when the step was judged.
        deed: what it did.
    """
    said, released = [deed.changed(start) for start in FOLDERS]
    if not said and not released:
        return tuple(told)
    known, there = {problem.path for problem in told}, _there(deed.new, said)
    found = [(path, _place(path)) for path in said if path in there and path not in known]
    void = (Problem(path, f"{why}; {_VOID}") for path, why in found if why)
    return (*told, *lost(deed.old, [*said, *released]), *void)


def _there(snapshot: Snapshot, paths: Iterable[str]) -> set[str]:
    """Return the files of a snapshot that lie beside some paths, some of them or not; a folder is listed once."""
    folders = {path.rpartition("/")[0] for path in paths}
    return {path for folder in folders for path in listing.paths(snapshot.entries, f"{folder}/")}


def _void(reader: Reader, path: str, entry: Entry) -> str:
    """Return why a file says nothing; empty when it says something, or counts elsewhere."""
    if entry.kind == "link":
        return "a symbolic link stands where a statement must"
    return _place(path) or _why(path, reader.read(path, entry))


def _place(path: str) -> str:
    """Return what is wrong with the place of a file; empty when nothing is, or when it counts elsewhere as `.gitattributes` does."""
    good = approvals.root_of(path) or decide.kind_of(path) == "controls"
    return "" if good else "no statement or list of a change-set has this place and name"


def _why(path: str, data: bytes) -> str:
    """Return why a file in its place is no list or statement that belongs there; empty when it is one."""
    root = approvals.root_of(path)
    if root is None:
        return ""
    try:
        if path.endswith(f"/{approvals.CHANGE_SET}"):
            return _of_list(root, data)
        envelope = dsse.decode(data, dsse.IN_TOTO)
        said = statement.decode_approval(envelope.payload)
    except DataError as error:
        return f"the file is no statement: {error.message}"
    good = said.root == root and path == approvals.path_of(root, said.signer.principal, envelope.digest)
    return "" if good else "the statement is about another change-set, or named after another signer or digest"


def _of_list(root: Digest, data: bytes) -> str:
    known = changeset.read(data)
    return "" if known.root == root else f"the change-set's root is {known.root}, not its folder's name"
