"""Registers read: the dated, owned documents there are, who owns and who closed them, and what a decision permits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from labelvc.codec import dsse, statement
from labelvc.core import registers
from labelvc.core.registers import Late
from labelvc.errors import ConfigurationError, DataError, RefusedError, TrustError
from labelvc.model import listing, register
from labelvc.model.finding import Finding, Place
from labelvc.model.parsed import Parsed
from labelvc.model.policy import Policy
from labelvc.model.snapshot import Snapshot
from labelvc.ops import project as projects
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_POLICY = "trust/policy.json"
_SHOW = "labelvc register list"


class Document(NamedTuple):
    """A document of a register.

    Attributes:
        id: `decision/0007-two-labels`.
        kind: `decision`.
        path: where it lies.
        value: what it says.
        late: why it is overdue on the day that was asked for; None when it is not.
    """

    id: str
    kind: str
    path: str
    value: Mapping[str, Any]
    late: Late | None


def listed(git: Git, snapshot: Snapshot, on: str, kind: str = "") -> list[Document]:
    """Return the documents of all registers, or of one kind, in order of their ids.

    Args:
        git: the repository.
        snapshot: where they are.
        on: the day for which it is told what is overdue.
        kind: of `register.KINDS`; empty for all.

    Raises:
        DataError: one cannot be read, or does not fit its schema: what is overdue would not be told in full.
    """
    with tree.reader(git) as reader:
        found = _parsed(git, snapshot, reader, kind)
    known = frozenset(ids(snapshot))
    for path, parsed in found.items():
        told = [(each.pointer, each.message) for each in parsed.troubles]
        for pointer, message in told or registers.troubles(_named(path), parsed.value, known):
            where = f"{path}:{parsed.line(pointer)}" if parsed.line(pointer) else path
            raise DataError(f"{pointer} {message}".strip(), where=where, hint="labelvc check")
    return [document_of(path, parsed.value, on) for path, parsed in found.items()]


def shown(git: Git, snapshot: Snapshot, name: str, on: str) -> Document:
    """Return one document by its id, or by kind and number.

    Raises:
        ConfigurationError: there is none, or two have the number.
    """
    known = {one.id: one for one in listed(git, snapshot, on)}
    meant = registers.meant(name, list(known))
    if len(meant) != 1:
        said = f"{name!r} may mean {' or '.join(meant)}" if meant else f"there is no {name!r} in the registers"
        raise ConfigurationError(said, where=register.FOLDER, hint=_SHOW)
    return known[meant[0]]


def findings(git: Git, snapshot: Snapshot, reader: Reader) -> Iterator[Finding]:
    """Yield open documents that nobody of the policy owns, and decisions closed by who may not decide.

    Nothing is read where there are no registers, and nothing said where there is no policy: who there is says the policy.
    """
    found = _parsed(git, snapshot, reader)
    policy = policy_of(snapshot, reader) if found else None
    for path, parsed in found.items() if policy else ():
        if policy is None or parsed.troubles:
            continue
        value = parsed.value
        if value["status"] == "open" and value["owner"] not in {*policy.principals, *policy.roles}:
            place = Place(path, parsed.line("/owner"), "", "/owner")
            message = f"the owner {value['owner']!r} is neither a principal nor a role of the policy"
            yield Finding("register.owner", "error", place, message, "labelvc policy show; then edit owner")
        by, deciders = value.get("closed", {}).get("by"), value.get("deciders", [value["owner"]])
        if by and path.startswith(f"{register.FOLDER}decision/") and not _may(policy, by, deciders):
            place = Place(path, parsed.line("/closed/by"), "", "/closed/by")
            message = f"{by!r} closed it, and only {', '.join(deciders)} may decide"
            yield Finding("register.rights", "warning", place, message, "have one of them decide: edit closed")


def permitted(git: Git, snapshot: Snapshot, name: str, dataset: str, on: str) -> Document:
    """Return the decision that lets a dataset be handed out.

    Raises:
        ConfigurationError: there is no such document.
        RefusedError: it is no decision, not closed, about other datasets, its time is over, or who closed it may not decide.
    """
    found = shown(git, snapshot, name, on)
    permits = found.value.get("permits", {})
    with tree.reader(git) as reader:
        policy = policy_of(snapshot, reader)
    by, deciders = found.value.get("closed", {}).get("by"), found.value.get("deciders", [found.value["owner"]])
    if found.value["status"] != "closed":
        said = "is not decided yet"
    elif dataset not in permits.get("export", ()):
        said = f"permits no export of {dataset}"
    elif permits.get("until", on) < on:
        said = f"permitted it until {permits['until']}"
    elif policy is not None and (not by or not _may(policy, by, deciders)):
        said = f"was closed by {by or 'nobody'}, and only {', '.join(deciders)} may decide"
    else:
        return found
    raise RefusedError(f"{found.id} {said}", where=found.path, hint=f"labelvc register show {found.id}")


def document_of(path: str, value: Mapping[str, Any], on: str) -> Document:
    """Return a document by its path and what it says, as it stands on a day."""
    kind = value["id"].partition("/")[0]
    return Document(value["id"], kind, path, value, registers.late(kind, value, on))


def ids(snapshot: Snapshot, kind: str = "") -> list[str]:
    """Return what the paths of a snapshot call the documents of known kinds, in order."""
    under = f"{register.FOLDER}{kind}/" if kind else register.FOLDER
    homes = [projects.noun_of(path) for path in sorted(listing.paths(snapshot.entries, under))]
    return [home[1] for home in homes if home and home[0] != register.NOUN]


def _named(path: str) -> str:
    return path.removeprefix(register.FOLDER).removesuffix(".yaml")


def _parsed(git: Git, snapshot: Snapshot, reader: Reader, kind: str = "") -> dict[str, Parsed]:
    paths = {register.path(name): register.noun(name.partition("/")[0]) for name in ids(snapshot, kind)}
    if not paths:
        return {}
    data = dict(reader.many([(path, snapshot.entries[path]) for path in paths]))
    found = projects.parsed(git, [(paths[path], raw) for path, raw in data.items()])
    return dict(zip(data, found, strict=True))


def policy_of(snapshot: Snapshot, reader: Reader) -> Policy | None:
    """Return the policy as it lies there, unproved: whether it is signed asks `verify`; None where none can be read."""
    entry = snapshot.entries.get(_POLICY)
    if entry is None:
        return None
    try:
        return statement.decode_policy(dsse.decode(reader.read(_POLICY, entry), dsse.IN_TOTO).payload)
    except (DataError, TrustError):
        return None


def _may(policy: Policy, by: str, deciders: Sequence[str]) -> bool:
    return any(by == name or policy.grants(by, name) for name in deciders)
