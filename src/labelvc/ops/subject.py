"""The subject of an erasure: every token that stands for one person, as far as this machine can tell."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from labelvc.codec import epochs, subkeys
from labelvc.core import erasure, pseudonym
from labelvc.errors import TrustError
from labelvc.model.project import Dataset, Project
from labelvc.model.secret import Epoch, Secret
from labelvc.ops import custody, domains, forgetting, links, vault
from labelvc.ops.custody import Act
from labelvc.ops.sharing import Openers
from labelvc.store import keyring, tree
from labelvc.store import vault as folders
from labelvc.store.git import Git

_PERSON = "person"
_LINK = ("i", "m", "t")


class Asked(NamedTuple):
    """Whom somebody named: by a token, or by a plain value and its kind; a value is never shown."""

    token: str = ""
    value: str = ""
    kind: str = _PERSON

    def __repr__(self) -> str:
        """Show no value."""
        return f"Asked({self.token!r}, ..., {self.kind!r})"


class Subject(NamedTuple):
    """Who is to be forgotten.

    Attributes:
        tokens: all that are known to stand for them.
        opened: whether the vault was asked; else only what was typed, and what the epochs' secrets here yield, is known.
        vault: whether there is a vault on this machine.
        behind: the epoch of which none of these tokens is, though theirs is over: what they became in it, neither the
            vault nor a secret on this machine told; empty when one of them is of the last epoch.
    """

    tokens: tuple[str, ...]
    opened: bool
    vault: bool
    behind: str = ""


class _Here(NamedTuple):
    """The repository, its project, and every domain that this has or had."""

    git: Git
    project: Project
    domains: tuple[str, ...]


def find(git: Git, asked: Asked, openers: Openers | None, act: Act) -> Subject:
    """Return all tokens of a person.

    Args:
        git: the repository.
        asked: whom.
        openers: open the vault; None where nobody brought a key.
        act: who asks, when and why; the vault's log keeps it.

    Raises:
        DataError: what was typed is no token, or the vault is damaged.
        TrustError: no secret of an epoch is here, so that nobody can tell the tokens of a value; or the vault does not open.
    """
    project = custody.project_here(git)
    one = _Here(git, project, domains.ever(git, project))
    home = folders.home(git)
    here = folders.current(home) is not None
    if asked.value:
        found = set(_tokens_of(one, asked.kind, asked.value, home))
        if not found:
            hint = "labelvc pseudonym accept FILE -i MY_KEY, or name the token: labelvc erase TOKEN"
            raise TrustError("no secret of an epoch is on this machine, so nobody can tell its tokens", hint=hint)
    else:
        found = set(erasure.tokens_of([asked.token]))
    found = _carried(one, found)
    if here and openers is not None:
        found |= _beside(one, openers, sorted(found), act)
    opened = here and openers is not None
    return Subject(tuple(sorted(found)), opened, here, "" if opened else _behind(git, found))


def refuse_untold(subject: Subject) -> None:
    """Refuse to say that somebody stands nowhere when they may stand everywhere under a token that nobody here knows.

    Raises:
        TrustError: what the tokens became in the last epoch cannot be told here.
    """
    if subject.behind:
        message = f"none of these tokens stands here, and what they became in epoch {subject.behind} cannot be told"
        hint = "open the vault with -i FILE, or get the epoch's secret: labelvc pseudonym accept FILE -i MY_KEY"
        raise TrustError(message, where=", ".join(subject.tokens), hint=hint)


def _behind(git: Git, tokens: Collection[str]) -> str:
    """Return the last epoch when no token is of it."""
    known = _epochs(git)
    last = known[-1].id if known else ""
    return last if last not in map(pseudonym.epoch_of, tokens) else ""


def _beside(here: _Here, openers: Openers, tokens: Sequence[str], act: Act) -> set[str]:
    """Return tokens with all others of the same people that the vault tells: aliases, and those of other epochs and scopes."""
    with folders.held(here.git) as folder:
        one, _ = custody.opened(folder, here.project, openers)
        vault.record(one, custody.entry(act, "trace", tokens=list(tokens)))
        vault.fold(one)
        found = forgetting.aliases(one, tokens)
        for token in sorted(found):
            row = one.rows.get(token)
            content = one.content(token) if row is not None and row.sealed is not None else {}
            if "value" in content:
                found |= set(_tokens_of(here, pseudonym.kind_of(token), content["value"], folder))
        return forgetting.aliases(one, _carried(here, found))


def _carried(here: _Here, tokens: Collection[str]) -> set[str]:
    """Return tokens with those that chained re-keys made of them, as far as the secrets are here.

    A re-key takes along what an earlier one missed, so any epoch before may be the one that a token came from.
    """
    found = set(tokens)
    for epoch, secret in _secrets(here.git):
        made = [token for token in found if epoch.before and pseudonym.epoch_of(token) != epoch.id]
        ways = itertools.product(here.domains, made)
        found |= {pseudonym.chained(secret, here.project.id, name, token) for name, token in ways}
    return found


def _tokens_of(here: _Here, kind: str, value: str, folder: Path) -> Iterator[str]:
    """Yield the keyed tokens of a value in each domain and each epoch whose secret is here, and the random ones that links lead to."""
    where = folder / folders.LINKS
    known: dict[str, list[str]] = {}
    for line in folders.lines(where):
        found = links.entry(line, _LINK, str(where))
        known.setdefault(found["i"], []).append(found["t"])
    project = here.project
    scopes = ["", *[dataset.id for dataset in project.datasets.values() if _scoped(dataset, kind)]]
    for domain, (_, secret) in itertools.product(here.domains, _secrets(here.git)):
        blind = subkeys.subkey(secret, project.id, "blind", domain, kind)
        for scope in scopes:
            yield pseudonym.token(secret, project.id, domain, kind, value, scope)
            link = subkeys.tag(blind, scope, *pseudonym.normalised(kind, value))
            yield from known.get(link, ())


def _scoped(dataset: Dataset, kind: str) -> bool:
    """Tell whether a dataset has tokens of a kind that hold in it alone."""
    said = [field for field in dataset.sensitive if field.scope == "dataset"]
    return any(field.kind == kind or field.mode == "redact" for field in said)


def _secrets(git: Git) -> list[tuple[Epoch, Secret]]:
    """Return the epochs whose secrets are on this machine, oldest first, each with its secret."""
    return [(epoch, keyring.load(git, epoch)) for epoch in _epochs(git) if keyring.path(git, epoch.id).exists()]


def _epochs(git: Git) -> tuple[Epoch, ...]:
    """Return the epochs of the work tree, oldest first."""
    snapshot = tree.work(git)
    entry = snapshot.entries.get(epochs.PATH)
    with tree.reader(git) as reader:
        return epochs.read(reader.read(epochs.PATH, entry)) if entry else ()
