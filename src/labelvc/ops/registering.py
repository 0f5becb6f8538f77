"""Registers written: documents opened, noted and closed in the work tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from labelvc.codec import document, published, schema
from labelvc.core import registers as rules
from labelvc.errors import ConfigurationError, RefusedError
from labelvc.model import register
from labelvc.model.policy import Policy
from labelvc.model.snapshot import Snapshot
from labelvc.ops import people, registers
from labelvc.ops.registers import Document
from labelvc.store import disk, files, tree
from labelvc.store.git import Git

_COMMON = ("schema", "id", "title", "owner", "opened", "due", "status")


class Entry(NamedTuple):
    """What a person says of a new document, a note or an end.

    Attributes:
        on: the day.
        by: address of who says it, as git has it; the policy knows whose it is.
    """

    on: str
    by: str


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
            policy = registers.policy_of(snapshot, reader)
        known = frozenset(registers.ids(snapshot))
        name = rules.fresh(kind, str(said.get("title", "")), known)
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
    return registers.document_of(path, value, entry.on)


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
        found = registers.shown(git, snapshot, name, entry.on)
        value, data = changed(git, snapshot, found, entry, change)
        disk.write_all({git.top / found.path: data}, git.top)
    return registers.document_of(found.path, value, entry.on)


def changed(
    git: Git,
    snapshot: Snapshot,
    found: Document,
    entry: Entry,
    change: Callable[[str, Mapping[str, Any]], Mapping[str, Any]],
) -> tuple[Mapping[str, Any], bytes]:
    """Return what an open document says once members of it changed, and its bytes; nothing is written.

    Args:
        git: the repository.
        snapshot: where it is.
        found: the document.
        entry: who changes it, and when.
        change: as for `edited`.

    Raises:
        ConfigurationError: it would not fit its schema.
        RefusedError: it is closed.
    """
    with tree.reader(git) as reader:
        by = _principal(registers.policy_of(snapshot, reader), entry.by)
    if found.value["status"] != "open":
        said = f"{found.id} was closed on {found.value['closed']['on']}: {found.value['closed']['reason']}"
        raise RefusedError(said, where=found.path, hint=f"labelvc register new {found.kind} --link {found.id}")
    changes = change(by, found.value)
    value = {**found.value, **changes}
    _refuse_wrong(found.kind, found.id, value, frozenset(registers.ids(snapshot)))
    data = (git.top / found.path).read_bytes()
    return value, document.edit(data, {(member,): inner for member, inner in changes.items()})


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


def _ordered(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return members in the order in which they are written: those all kinds have first."""
    order = {member: number for number, member in enumerate(_COMMON)}
    return dict(sorted(value.items(), key=lambda pair: order.get(pair[0], len(order))))


def _refuse_wrong(kind: str, name: str, value: Mapping[str, Any], known_ids: frozenset[str]) -> None:
    """Refuse what `check` would find, all of it at once."""
    noun = register.noun(kind)
    known = published.schema(noun)
    missing = [member for member in known["required"] if member not in value]
    strange = [member for member in value if member not in known["properties"]]
    problems = [tuple(problem) for problem in schema.problems(noun, dict(value))]
    told = [_said(kind, *problem) for problem in problems or rules.troubles(name, value, known_ids)]
    if told:
        hint = f"labelvc register new {kind} --help"
        if missing:
            hint = " ".join([f"--set {member}=..." for member in missing])
        elif strange:
            own = [member for member in known["properties"] if member not in _COMMON]
            hint = f"choose one of: {', '.join(get_close_matches(strange[0], own) or own)}"
        raise ConfigurationError("; ".join(told), where=register.path(name), hint=hint)


def _said(kind: str, pointer: str, message: str) -> str:
    """Return what is wrong in the words of who types members, not of who writes schemas."""
    member = pointer.removeprefix("/")
    if message.startswith("is not known here"):
        return f"a {kind} has no member {member!r}{message.removeprefix('is not known here')}"
    if message.startswith("lacks ") and not member:
        return f"a {kind} needs {message.removeprefix('lacks ').strip(chr(39))}"
    return f"{member} {message}".strip()


def _principal(policy: Policy | None, address: str) -> str:
    """Return whose address it is; empty where the policy knows nobody who has it."""
    (name,) = people.names(policy, [address]) if policy else (None,)
    return name or ""
