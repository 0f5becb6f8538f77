"""Registers: dated, owned documents opened, listed, noted and closed, and what is wrong with who owns and who closed them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from labelvc.codec import document, dsse, schema, statement
from labelvc.core import registers
from labelvc.core.registers import Late
from labelvc.errors import ConfigurationError, DataError, RefusedError, TrustError
from labelvc.model import listing, register
from labelvc.model.finding import Finding, Place
from labelvc.model.parsed import Parsed
from labelvc.model.policy import Policy
from labelvc.model.snapshot import Snapshot
from labelvc.ops import people
from labelvc.ops import project as projects
from labelvc.store import disk, files, tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_POLICY = "trust/policy.json"
_COMMON = ("schema", "id", "title", "owner", "opened", "due", "status")
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


class Entry(NamedTuple):
    """What a person says of a new document, a note or an end.

    Attributes:
        on: the day.
        by: address of who says it, as git has it; the policy knows whose it is.
    """

    on: str
    by: str


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
    bad = next(((path, parsed.troubles[0]) for path, parsed in found.items() if parsed.troubles), None)
    if bad:
        path, trouble = bad
        where = f"{path}:{trouble.line}" if trouble.line else path
        raise DataError(f"{trouble.pointer} {trouble.message}".strip(), where=where, hint="labelvc check")
    return [_document(path, parsed.value, on) for path, parsed in found.items()]


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


def opened(git: Git, kind: str, said: Mapping[str, Any], entry: Entry) -> Document:
    """Write a new document into the work tree.

    Args:
        git: the repository.
        kind: of `register.KINDS`.
        said: its members; those it has by its kind and number are added, and who opened it where no owner is named.
        entry: who opens it, and when.

    Returns:
        The document.

    Raises:
        ConfigurationError: nobody owns it, or it does not fit its schema.
    """
    with files.lock(git):
        snapshot = tree.work(git)
        with tree.reader(git) as reader:
            policy = _policy(snapshot, reader)
        known = frozenset(_ids(snapshot))
        name = registers.fresh(kind, str(said.get("title", "")), known)
        owner = said.get("owner") or _principal(policy, entry.by)
        if not owner:
            message = f"nobody owns it: the policy knows nobody with the address {entry.by!r}"
            raise ConfigurationError(message, hint="--owner with a principal or role: labelvc policy show")
        head = {"schema": f"urn:labelvc:schema:{register.noun(kind)}:1", "id": name}
        value = _ordered({**said, **head, "owner": owner, "opened": entry.on, "status": "open"})
        _refuse_wrong(kind, name, value, known | {name})
        path = register.path(name)
        start = f"schema: {head['schema']}\n".encode()
        data = document.edit(start, {(member,): inner for member, inner in value.items() if member != "schema"})
        disk.write_all({git.top / path: data}, git.top)
    return _document(path, value, entry.on)


def edited(
    git: Git, name: str, entry: Entry, change: Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
) -> Document:
    """Change members of an open document in the work tree, and leave all else of it as it is written.

    Args:
        git: the repository.
        name: its id, or its kind and number.
        entry: who changes it, and when.
        change: from who it is, as the policy knows them, and what it says to the members that change.

    Raises:
        ConfigurationError: there is no such document, or it would not fit its schema.
        RefusedError: it is closed.
    """
    with files.lock(git):
        snapshot = tree.work(git)
        found = shown(git, snapshot, name, entry.on)
        with tree.reader(git) as reader:
            by = _principal(_policy(snapshot, reader), entry.by)
        if found.value["status"] != "open":
            said = f"{found.id} was closed on {found.value['closed']['on']}: {found.value['closed']['reason']}"
            raise RefusedError(said, where=found.path, hint=f"labelvc register new {found.kind} --link {found.id}")
        changes = change(by, found.value)
        value = {**found.value, **changes}
        _refuse_wrong(found.kind, found.id, value, frozenset(_ids(snapshot)))
        path = git.top / found.path
        data = document.edit(path.read_bytes(), {(member,): inner for member, inner in changes.items()})
        disk.write_all({path: data}, git.top)
    return _document(found.path, value, entry.on)


def closing(reason: str, on: str) -> Callable[[str, Mapping[str, Any]], Mapping[str, Any]]:
    """Return the change that closes a document."""

    def change(by: str, _value: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"status": "closed", "closed": {"on": on, "reason": reason, **({"by": by} if by else {})}}

    return change


def noting(said: str, on: str, due: str) -> Callable[[str, Mapping[str, Any]], Mapping[str, Any]]:
    """Return the change that adds to a document's history, and moves the day on which it is due when one is given."""

    def change(by: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
        line = {"on": on, "said": said, **({"by": by} if by else {})}
        return {"history": [*value.get("history", ()), line], **({"due": due} if due else {})}

    return change


def findings(git: Git, snapshot: Snapshot, reader: Reader) -> Iterator[Finding]:
    """Yield open documents that nobody of the policy owns, and decisions closed by who may not decide.

    Nothing is read where there are no registers, and nothing said where there is no policy: who there is says the policy.
    """
    found = _parsed(git, snapshot, reader)
    policy = _policy(snapshot, reader) if found else None
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
        RefusedError: it is no decision, not closed, about other datasets, or its time is over.
    """
    found = shown(git, snapshot, name, on)
    permits = found.value.get("permits", {})
    if found.value["status"] != "closed":
        said = "is not decided yet"
    elif dataset not in permits.get("export", ()):
        said = f"permits no export of {dataset}"
    elif permits.get("until", on) < on:
        said = f"permitted it until {permits['until']}"
    else:
        return found
    raise RefusedError(f"{found.id} {said}", where=found.path, hint=f"labelvc register show {found.id}")


def _ordered(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return members in the order in which they are written: those all kinds have first."""
    order = {member: number for number, member in enumerate(_COMMON)}
    return dict(sorted(value.items(), key=lambda pair: order.get(pair[0], len(order))))


def _refuse_wrong(kind: str, name: str, value: Mapping[str, Any], known: frozenset[str]) -> None:
    """Refuse what `check` would find, all of it at once."""
    noun = register.noun(kind)
    missing = [member for member in schema.schema(noun)["required"] if member not in value]
    problems = [tuple(problem) for problem in schema.problems(noun, dict(value))]
    told = [f"{pointer} {message}".strip() for pointer, message in problems or registers.troubles(name, value, known)]
    if told:
        hint = " ".join([f"--set {member}=..." for member in missing]) or f"labelvc register new {kind} --help"
        raise ConfigurationError("; ".join(told), where=register.path(name), hint=hint)


def _document(path: str, value: Mapping[str, Any], on: str) -> Document:
    kind = value["id"].partition("/")[0]
    return Document(value["id"], kind, path, value, registers.late(kind, value, on))


def _ids(snapshot: Snapshot, kind: str = "") -> list[str]:
    """Return what the paths of a snapshot call the documents there are, in order."""
    under = f"{register.FOLDER}{kind}/" if kind else register.FOLDER
    homes = [projects.noun_of(path) for path in sorted(listing.paths(snapshot.entries, under))]
    return [home[1] for home in homes if home]


def _parsed(git: Git, snapshot: Snapshot, reader: Reader, kind: str = "") -> dict[str, Parsed]:
    paths = {register.path(name): register.noun(name.partition("/")[0]) for name in _ids(snapshot, kind)}
    if not paths:
        return {}
    data = dict(reader.many([(path, snapshot.entries[path]) for path in paths]))
    found = projects.parsed(git, [(paths[path], raw) for path, raw in data.items()])
    return dict(zip(data, found, strict=True))


def _policy(snapshot: Snapshot, reader: Reader) -> Policy | None:
    """Return the policy as it lies there, unproved: whether it is signed asks `verify`; None where none can be read."""
    entry = snapshot.entries.get(_POLICY)
    if entry is None:
        return None
    try:
        return statement.decode_policy(dsse.decode(reader.read(_POLICY, entry), dsse.IN_TOTO).payload)
    except (DataError, TrustError):
        return None


def _principal(policy: Policy | None, address: str) -> str:
    """Return whose address it is; empty where the policy knows nobody who has it."""
    (name,) = people.names(policy, [address]) if policy else (None,)
    return name or ""


def _may(policy: Policy, by: str, deciders: Sequence[str]) -> bool:
    return any(by == name or policy.grants(by, name) for name in deciders)
