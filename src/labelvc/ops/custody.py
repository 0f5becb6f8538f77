"""Custody: what is done with the vault, each with its line in the log before anything is told or changed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from labelvc.codec import canonical, expression, keyfile, shard, vaultrow
from labelvc.core import protection, pseudonym
from labelvc.errors import ConfigurationError, DataError, Error, RefusedError, TrustError
from labelvc.model import jsonpointer
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset, Project
from labelvc.model.secret import Secret
from labelvc.ops import carrying, lineage, links, pseudonyms, sharing, vault
from labelvc.ops import project as projects
from labelvc.ops.sharing import Openers
from labelvc.ops.vault import Opened
from labelvc.store import tree
from labelvc.store import vault as folders
from labelvc.store.git import Git

_SHORTEST = 8
_WORDS = re.compile(r"\S.*\S|\S")


class Act(NamedTuple):
    """Who does something, when, and why; the log keeps it."""

    who: str
    at: str
    reason: str


class Revealed(NamedTuple):
    """What a token stands for.

    Attributes:
        token: the token, after aliases.
        value: the plain value. It is shown on request only.
        proved: whether the value yields the token again; None when the epoch's secret is not here to tell.
    """

    token: str
    value: str
    proved: bool | None

    def __repr__(self) -> str:
        """Show no value."""
        return f"Revealed({self.token!r}, ..., proved={self.proved})"


class Forgotten(NamedTuple):
    """What the vault forgot: tokens with their aliases, whether it had to, and the RFC 6962 root over the rows that are left."""

    tokens: list[str]
    fresh: bool
    root: str


class Status(NamedTuple):
    """What can be told of the vault without its key.

    Attributes:
        folder: where it is.
        people: who holds a share of its key.
        needs: how many of them open it.
        kinds: kind to number of rows.
        gone: tombstones.
        waiting: files in the inbox.
        entries: lines of the log.
        problems: what is wrong.
    """

    folder: Path
    people: list[str]
    needs: int
    kinds: dict[str, int]
    gone: int
    waiting: int
    entries: int
    problems: list[Error]


def seal(git: Git, act: Act, openers: Openers, values: Sequence[str] = (), kind: str = "person") -> int:
    """Take what waits in the inbox, and values of keyed fields, into the vault.

    Args:
        git: the repository.
        act: who, when, why.
        openers: open the vault.
        values: plain values whose keyed tokens shall be traced from now on.
        kind: of these.

    Returns:
        How many rows are new.
    """
    project = project_here(git)
    with folders.held(git) as folder:
        one, waiting = opened(folder, project, openers)
        number = vault.fold(one)
        for token, value in _keyed(git, project, kind, values):
            number += token not in one.rows
            vault.put(one, token, {"scope": "", "value": value}, "the values to seal")
        if number or waiting:
            vault.record(one, entry(act, "seal", rows=number))
            vault.write(one, clear=waiting)
    return number


def reveal(git: Git, act: Act, openers: Openers, what: str, pointer: str = "") -> Revealed:
    """Return what a token or a sealed value stands for; the log has a line of it before that.

    Args:
        git: the repository.
        act: who, when, why; a reason is needed.
        openers: open the vault.
        what: a token, or the key of a record or item whose field is meant.
        pointer: the field, with a key.

    Raises:
        ConfigurationError: no reason, or no field.
        DataError: there is no row, it was forgotten, does not yield its token, or what is sealed does not open.
    """
    reasoned(act)
    project = project_here(git)
    token, letters, place = _meant(git, project, what, pointer)
    with folders.held(git) as folder:
        one, _ = opened(folder, project, openers)
        vault.fold(one)
        trail = vault.trail(one, token)
        token = trail[-1]
        row = one.rows.get(token)
        vault.record(one, entry(act, "reveal", found=row is not None and row.sealed is not None, token=token))
    if letters and any(_keys(one, each) for each in trail):
        return Revealed(token, _unsealed(one, letters, project, trail, place), None)
    if row is None or row.sealed is None:
        gone = "was forgotten: nobody can tell any more what it stood for" if row else "has no row in the vault"
        raise DataError(
            f"the token {token} {gone}", hint="" if row else "labelvc vault status; labelvc vault merge FOLDER"
        )
    content = one.content(token)
    if "value" not in content:
        message = f"{token} is the token of a sealed value, which stands in the record and not in the vault"
        raise ConfigurationError(
            message, hint="name the record and the field: labelvc vault reveal dataset/item#id /ext/field"
        )
    known = lineage.proved(git, project, trail, content)
    if known is False:
        message = (
            f"the row of {trail[0]} leads to a value that does not yield this token: somebody wrote it who should not"
        )
        raise DataError(message, where=str(folder), hint="labelvc vault status; take the row from a backup")
    return Revealed(token, content["value"], known)


def reasoned(act: Act) -> None:
    """Refuse to tell anything without a reason.

    Raises:
        ConfigurationError: there is none, or it is short.
    """
    if len(act.reason) < _SHORTEST or not _WORDS.fullmatch(act.reason):
        hint = "--reason with the ticket or request it is for: who asks may be asked for it"
        raise ConfigurationError(f"to reveal needs a reason of at least {_SHORTEST} characters", hint=hint)


def merge(git: Git, act: Act, openers: Openers, source: Path) -> tuple[int, int]:
    """Take the rows, links and waiting files of another copy of the vault in.

    Returns:
        How many rows are new or changed, and how many tokens became aliases.
    """
    project = project_here(git)
    with folders.held(git) as folder:
        if source.resolve() == folder.resolve():
            raise ConfigurationError("that is this vault itself", where=str(source), hint="name a colleague's copy")
        one, waiting = opened(folder, project, openers)
        other = vault.beside(one, source)
        folded = vault.fold(one)
        vault.fold(other)
        changed, aliases = vault.merge(one, other)
        vault.record(one, entry(act, "merge", aliases=aliases, rows=changed))
        for name in (folders.LINKS, folders.KEYS):
            links.add(folder / name, folders.lines(source / name))
        vault.drop_links(folder, [token for token, row in one.rows.items() if row.sealed is None])
        if changed or folded or waiting:
            vault.write(one, clear=waiting)
    return changed, aliases


def rotate(git: Git, act: Act, openers: Openers) -> Opened:
    """Give the vault a new key, in shares for the people whom the last commit names; the old key opens it no more."""
    project = project_here(git)
    to = sharing.role(git, "reverse")
    with folders.held(git) as folder:
        one, waiting = opened(folder, project, openers)
        vault.fold(one)
        fresh = vault.rotated(one, to)
        vault.record(one, entry(act, "rotate", key=fresh.file.commitment))  # by the old key: it opens until `write`
        vault.write(fresh, clear=waiting)
    return fresh


def forget(git: Git, act: Act, openers: Openers, tokens: Sequence[str], did: str = "forget") -> Forgotten:
    """Make tokens stand for nothing: their rows and aliases become tombstones, their links and keys go.

    What is gone already is left alone, log and all, so that doing it twice changes nothing.

    Args:
        git: the repository.
        act: who, when, why.
        openers: open the vault.
        tokens: what to forget.
        did: what the log calls it.

    Raises:
        DataError: one is no token.
    """
    if not all(map(pseudonym.is_token, tokens)):
        raise DataError("this is no token", hint="copy it whole from a record: labelvc blame dataset/item")
    project = project_here(git)
    with folders.held(git) as folder:
        one, waiting = opened(folder, project, openers)
        before = dict(one.rows)
        vault.fold(one)
        found = vault.forget(one, tokens)
        fresh = bool(waiting or one.rows != before or vault.linked(folder, found))
        if fresh:
            vault.record(one, entry(act, did, tokens=found))
            vault.drop_links(folder, found)
            vault.write(one, clear=waiting)
        root = folders.root_of(folders.rows(folders.needed(folder)))[1]
    return Forgotten(found, fresh, root)


def carriers(git: Git, act: Act, openers: Openers) -> Callable[[Secret, Project], carrying.Revealed]:
    """Return what opens the vault for a re-key by values, with a line in its log, once the new epoch's secret is known."""

    def carrier(secret: Secret, project: Project) -> carrying.Revealed:
        return carrying.Revealed(git, secret, project, read(git, act, openers, project))

    return carrier


def read(git: Git, act: Act, openers: Openers, project: Project | None = None) -> Opened:
    """Return the vault opened for a re-key, what waits in its inbox among its rows, with a line in its log."""
    project = project or project_here(git)
    with folders.held(git) as folder:
        one, _ = opened(folder, project, openers)
        vault.fold(one)
        vault.record(one, entry(act, "rekey"))
    return one


def lend(git: Git, act: Act, openers: Openers, person: str) -> bytes:
    """Return one's own share of the vault's key, encrypted to another holder of it."""
    with folders.held(git) as folder:
        generation = folders.needed(folder)
        where = generation / folders.KEY
        file = keyfile.read(where.read_bytes(), str(where))
        to = sharing.recipients(git, person)
        if person not in file.shares:
            message = f"{person} holds no share of the vault's key, so lending one would widen who can open it"
            raise RefusedError(message, where=str(where), hint=f"one of: {', '.join(sorted(file.shares))}")
        data = sharing.lend(file, openers, to, str(where))
        folders.append(folder, entry(act, "lend", to=person))
    return data


def status(git: Git) -> Status:
    """Return what can be told of the vault without its key: what it holds, and whether something is damaged.

    Raises:
        TrustError: there is no vault on this machine.
    """
    folder = folders.home(git)
    generation = folders.needed(folder)
    where = generation / folders.KEY
    file = keyfile.read(where.read_bytes(), str(where))
    problems: list[Error] = []
    kinds: Counter[str] = Counter()
    gone, entries = 0, 0
    found = folders.rows(generation)
    for name, lines in found.items():
        for number, line in enumerate(lines, 1):
            try:
                row = vaultrow.read(line, f"{generation / name}:{number}")
            except DataError as error:
                problems.append(error)
                continue
            gone += row.sealed is None
            kinds[pseudonym.kind_of(row.token)] += row.sealed is not None
    said = folders.lines(generation / folders.ROOT)
    root = folders.root_of(found)[1]
    if not said or f'"root":"{root}"'.encode() not in said[0]:
        message = "the rows are not those that the vault's root is over"
        problems.append(
            DataError(message, where=str(generation / folders.ROOT), hint="bring the folder back from a backup")
        )
    try:
        entries = folders.chain(folder)[1]
    except DataError as error:
        problems.append(error)
    for path in folders.leftover(folder):
        message = "a generation of rows that a kill left behind is still there, with what was forgotten since"
        problems.append(DataError(message, where=str(path), hint="labelvc vault seal -i FILE deletes it"))
    waiting = len(folders.waiting(folder))
    return Status(folder, sorted(file.shares), file.needs, dict(kinds), gone, waiting, entries, problems)


def project_id(git: Git) -> str:
    """Return the UUID of the project in the work tree."""
    return project_here(git).id


def project_here(git: Git) -> Project:
    """Return the project in the work tree."""
    snapshot = tree.work(git)
    with tree.reader(git) as reader:
        return projects.load(git, snapshot, reader)


def _keyed(git: Git, project: Project, kind: str, values: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the keyed token of each value, and the value; the epoch's secret is looked for where there is one."""
    if values:
        with tree.reader(git) as reader:
            secrets = pseudonyms.making(git, tree.work(git), reader)
        tokenise = pseudonyms.tokeniser(secrets, project.id, project.domain)
        yield from ((tokenise(kind, value, ""), value) for value in values)


def opened(folder: Path, project: Project, openers: Openers) -> tuple[Opened, Iterable[Path]]:
    """Return a vault with its key open, and the files that wait in its inbox; the caller holds it.

    Raises:
        TrustError: there is no vault, too few shares, or a wrong one.
        DataError: it is damaged.
    """
    folders.chain(folder)
    one = vault.opened(folder, project.id, openers)
    folders.sweep(folder)  # now that the current generation is proved to be sound
    return one, list(folders.waiting(folder))


def entry(act: Act, did: str, **more: object) -> dict[str, object]:
    """Return a line of the vault's log."""
    return {"at": act.at, "did": did, "reason": act.reason, "who": act.who, **more}


def _meant(git: Git, project: Project, what: str, pointer: str) -> tuple[str, str, str]:
    """Return the token, the letters of what is sealed, and the place it was sealed for; the last two empty for a token."""
    if pseudonym.is_token(what):
        return what, "", ""
    if protection.protected(what) or not pointer:
        hint = "labelvc vault reveal dataset/item#id /ext/field"
        raise ConfigurationError("this is no token; name the record and the field in which it stands", hint=hint)
    key = Key.parse(what)
    dataset = projects.dataset(project, key.dataset)
    layer: Layer = "annotations" if key.id else "items"
    value = jsonpointer.reach(fields_of(git, dataset, key, layer), pointer)
    field = protection.declared(dataset.sensitive, layer, pointer)
    if not isinstance(value, str) or not protection.protected(value):
        raise DataError(
            f"there is no token and nothing sealed at {pointer}", where=str(key), hint=f"labelvc blame {key}"
        )
    token, _, letters = value.partition(":")
    if letters and field is None:
        where = f"datasets/{dataset.name}/dataset.yaml"
        raise ConfigurationError(
            f"{pointer} holds a sealed value and is not declared sensitive any more, so nothing says what it was sealed for",
            where=where,
            hint=f"git log -p -- {where}, and declare the field again as it was",
        )
    return token, letters, protection.place(dataset, field) if field else ""


def fields_of(git: Git, dataset: Dataset, key: Key, layer: Layer) -> dict[str, object]:
    """Return the members of a record or item of the work tree.

    Raises:
        DataError: there is none of that key.
    """
    snapshot = tree.work(git)
    group = shard.group_of(key.item, expression.compiled(dataset.group))
    name = shard.place(group, shard.digits(dataset.shards))
    path = shard.path(dataset.name, layer, name)
    entry = snapshot.entries.get(path)
    with tree.reader(git) as reader:
        line = shard.find(reader.read(path, entry), key) if entry else None
    if line is None:
        raise DataError("there is no such record or item in the work tree", where=str(key), hint=f"labelvc log {key}")
    return dict(canonical.decode(line))


def _keys(one: Opened, token: str) -> Sequence[str]:
    row = one.rows.get(token)
    found: Sequence[str] = one.content(token).get("keys", ()) if row is not None and row.sealed is not None else ()
    return found


def _unsealed(one: Opened, letters: str, project: Project, trail: Sequence[str], place: str) -> str:
    """Return what is sealed, under the token it stands behind or one that this one was before a re-key."""
    for token in trail:
        for text in _keys(one, token):
            value = vaultrow.show(vault.key_of(text), letters, project.id, pseudonym.kind_of(token), token, place)
            if value is not None:
                return value
    raise TrustError(
        "what is sealed here does not open with its token's key: it was changed, or moved here from another field",
        hint="labelvc vault reveal dataset/item#id /ext/field, with the record and field it was imported into",
    )
