"""Custody: what is done with the vault, each with its line in the log before anything is told or changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from labelvc.codec import keyfile, vaultrow
from labelvc.core import domains, pseudonym
from labelvc.errors import ConfigurationError, DataError, Error, RefusedError
from labelvc.model.project import Project
from labelvc.model.secret import Secret
from labelvc.ops import carrying, forgetting, links, mending, pseudonyms, sharing, vault
from labelvc.ops import filter as filters
from labelvc.ops import project as projects
from labelvc.ops.forgetting import Merged
from labelvc.ops.sharing import Openers
from labelvc.ops.vault import Opened
from labelvc.store import tree
from labelvc.store import vault as folders
from labelvc.store.git import Git


class Act(NamedTuple):
    """Who does something, when, and why; the log keeps it."""

    who: str
    at: str
    reason: str


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
    """Take what waits in the inbox, what chained re-keys made of its tokens, and values of keyed fields, into the vault.

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
        for token, content in mending.onward(git, project, one).items():
            number += token not in one.rows
            vault.put(one, token, content, "what a re-key made of a token")
        for token, value in _keyed(git, project, kind, values):
            number += token not in one.rows
            vault.put(one, token, {"scope": "", "value": value}, "the values to seal")
        if number or waiting:
            vault.record(one, entry(act, "seal", rows=number))
            vault.write(one, clear=waiting)
    return number


def merge(git: Git, act: Act, openers: Openers, source: Path) -> Merged:
    """Take the rows, links and waiting files of another copy of the vault in, but nothing of who was forgotten."""
    project = project_here(git)
    with folders.held(git) as folder:
        if source.resolve() == folder.resolve():
            raise ConfigurationError("that is this vault itself", where=str(source), hint="name a colleague's copy")
        one, waiting = opened(folder, project, openers)
        other = vault.beside(one, source)
        folded = vault.fold(one)
        vault.fold(other)
        found = forgetting.merge(one, other)
        vault.record(one, entry(act, "merge", aliases=found.aliases, rows=found.rows))
        for name in (folders.LINKS, folders.KEYS):
            links.add(folder / name, folders.lines(source / name))
        links.drop(folder, {*one.erased, *[token for token, row in one.rows.items() if row.sealed is None]})
        if found.rows or folded or waiting:
            vault.write(one, clear=waiting)
    return found


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
        found = forgetting.forget(one, tokens)
        fresh = bool(waiting or one.rows != before or links.linked(folder, found))
        if fresh:
            vault.record(one, entry(act, did, tokens=found))
            links.drop(folder, found)
            filters.renew(git, project, one)
            vault.write(one, clear=waiting)
        root = folders.root_of(folders.rows(folders.needed(folder)))[1]
    return Forgotten(found, fresh, root)


def filtered(git: Git, act: Act, openers: Openers) -> tuple[int, int]:
    """Write the filter with which hooks find the people whom the vault knows; returns what `filter.write` does."""
    project = project_here(git)
    with folders.held(git) as folder:
        one, _ = opened(folder, project, openers)
        vault.fold(one)
        vault.record(one, entry(act, "filter"))
    return filters.write(git, project, one)


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
    """Yield the keyed tokens of each value in every domain, and the value; the epoch's secret is looked for where there is one."""
    if values:
        with tree.reader(git) as reader:
            secrets = pseudonyms.making(git, tree.work(git), reader)
        tokenise = pseudonyms.tokeniser(secrets, project.id)
        names = domains.of(project).names
        yield from ((tokenise(name, kind, value, ""), value) for value in values for name in names)


def opened(folder: Path, project: Project, openers: Openers) -> tuple[Opened, Iterable[Path]]:
    """Return a vault with its key open, and the files that wait in its inbox; the caller holds it.

    Raises:
        TrustError: there is no vault, too few shares, or a wrong one.
        DataError: it is damaged.
    """
    folders.chain(folder)
    one = vault.opened(folder, project.id, openers, project.erased)
    folders.sweep(folder)  # now that the current generation is proved to be sound
    return one, folders.waiting(folder)


def entry(act: Act, did: str, **more: object) -> dict[str, object]:
    """Return a line of the vault's log."""
    return {"at": act.at, "did": did, "reason": act.reason, "who": act.who, **more}
