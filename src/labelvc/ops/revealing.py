"""Revealing: what a token or a sealed value stands for, told with a reason and a line in the log before it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from labelvc.codec import canonical, expression, shard, vaultrow
from labelvc.core import protection, pseudonym
from labelvc.errors import ConfigurationError, DataError, TrustError
from labelvc.model import jsonpointer
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset, Project
from labelvc.ops import custody, vault
from labelvc.ops import project as projects
from labelvc.ops.custody import Act
from labelvc.ops.lineage import Lineage
from labelvc.ops.sharing import Openers
from labelvc.ops.vault import Opened
from labelvc.store import tree
from labelvc.store import vault as folders
from labelvc.store.git import Git

_SHORTEST = 8
_WORDS = re.compile(r"\S.*\S|\S")


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
    project = custody.project_here(git)
    token, letters, place = _meant(git, project, what, pointer)
    with folders.held(git) as folder:
        one, _ = custody.opened(folder, project, openers)
        vault.fold(one)
        trail = vault.trail(one, token)
        token = trail[-1]
        row = one.rows.get(token)
        vault.record(one, custody.entry(act, "reveal", found=row is not None and row.sealed is not None, token=token))
    refuse_erased(one, trail)
    if letters and any(_keys(one, each) for each in trail):
        return Revealed(token, _unsealed(one, letters, project, trail, place), None)
    if row is None or row.sealed is None:
        gone = "was forgotten: nobody can tell any more what it stood for" if row else "has no row in the vault"
        raise DataError(
            f"the token {token} {gone}",
            hint="" if row else "labelvc vault seal takes in what a re-key made; labelvc vault merge FOLDER",
        )
    content = one.content(token)
    if "value" not in content:
        message = f"{token} is the token of a sealed value, which stands in the record and not in the vault"
        raise ConfigurationError(
            message, hint="name the record and the field: labelvc vault reveal dataset/item#id /ext/field"
        )
    known = Lineage(git, project).proved(trail, content)
    if known is False:
        message = (
            f"the row of {trail[0]} leads to a value that does not yield this token: somebody wrote it who should not"
        )
        raise DataError(message, where=str(folder), hint="labelvc vault status; take the row from a backup")
    return Revealed(token, content["value"], known)


def refuse_erased(one: Opened, trail: Sequence[str]) -> None:
    """Refuse to tell what a token stands for that the ledger lists and this copy of the vault has not let go of.

    Raises:
        DataError: it does; nothing is told.
    """
    listed = sorted(one.erased.intersection(trail))
    if listed and any(not (row is None or row.sealed is None) for row in map(one.rows.get, trail)):
        message = f"the token {trail[0]} stands for somebody who was erased: nobody may tell any more what it stood for"
        raise DataError(message, where=str(one.folder), hint=f"labelvc erase {listed[0]} --confirm, in this clone")


def reasoned(act: Act) -> None:
    """Refuse to tell anything without a reason.

    Raises:
        ConfigurationError: there is none, or it is short.
    """
    if len(act.reason) < _SHORTEST or not _WORDS.fullmatch(act.reason):
        hint = "--reason with the ticket or request it is for: who asks may be asked for it"
        raise ConfigurationError(f"to reveal needs a reason of at least {_SHORTEST} characters", hint=hint)


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
