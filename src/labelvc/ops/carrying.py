"""Carrying: what a token becomes in a re-key, made of the token alone or of the value that the vault has for it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from labelvc.codec import canonical, subkeys
from labelvc.core import pseudonym
from labelvc.errors import DataError
from labelvc.model.project import Project
from labelvc.model.secret import Secret
from labelvc.ops import links, vault
from labelvc.ops.lineage import Lineage
from labelvc.ops.vault import Opened
from labelvc.store import vault as folders
from labelvc.store.git import Git

_RANDOM = 32


class Way(Protocol):
    """Turns old tokens into new ones, one to one."""

    def of(self, token: str, domain: str, where: str) -> str:
        """Return what a token becomes.

        Args:
            token: the old one.
            domain: of the field that it stands in.
            where: it stands, for messages.

        Raises:
            DataError: it cannot be carried; says why.
        """
        ...

    def rows(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what the vault must know of the tokens that were carried: each with what its row holds."""
        ...

    def links(self) -> list[bytes]:
        """Return the lines by which the next import finds random tokens that were drawn."""
        ...


class Chained(NamedTuple):
    """New tokens are made of the old ones: no value and no vault is needed.

    Attributes:
        secret: of the new epoch.
        project: whose tokens they are.
        made: old token and domain to new token.
    """

    secret: Secret
    project: Project
    made: dict[tuple[str, str], str]

    def of(self, token: str, domain: str, where: str) -> str:
        """See `Way`."""
        if (token, domain) not in self.made:
            if not pseudonym.kind_of(token):
                raise DataError("a token is of a kind that nobody knows", where=where, hint="labelvc check --all")
            self.made[token, domain] = pseudonym.chained(self.secret, self.project.id, domain, token)
        return self.made[token, domain]

    def rows(self) -> list[tuple[str, dict[str, Any]]]:
        """See `Way`."""
        return [(new, {"before": old}) for (old, _), new in self.made.items()]

    def links(self) -> list[bytes]:
        """See `Way`: a random token is carried on from the one that its link leads to."""
        return []


class Revealed:
    """New tokens are made of the values that the opened vault has for the old ones.

    Args:
        git: the repository.
        secret: of the new epoch.
        project: whose tokens they are.
        one: the vault.
    """

    def __init__(self, git: Git, secret: Secret, project: Project, one: Opened) -> None:
        self._git, self._secret, self._project, self._one = git, secret, project, one
        self._lineage = Lineage(git, project)
        self._rows: list[tuple[str, dict[str, Any]]] = []
        self._taken: set[str] = set()
        self.made: dict[str, str] = {}
        """Old token to new one."""
        self.unproved = 0
        """How many values could not be held against their old tokens: the secret that made them is not here."""

    def of(self, token: str, domain: str, where: str) -> str:
        """See `Way`."""
        if token not in self.made:
            self.made[token] = self._new(token, domain, self._content(token, where), where)
        return self.made[token]

    def rows(self) -> list[tuple[str, dict[str, Any]]]:
        """See `Way`."""
        return self._rows

    def links(self) -> list[bytes]:
        """See `Way`."""
        key = subkeys.subkey(self._secret, self._project.id, "link")
        drawn = [(content["link"], token) for token, content in self._rows if "link" in content]
        return [canonical.encode({"i": link, "m": subkeys.tag(key, link, token), "t": token}) for link, token in drawn]

    @cached_property
    def _links(self) -> Mapping[str, str]:
        """Links to tokens that a re-key drew which was killed, or taken back: a second draw would make the person two."""
        key = subkeys.subkey(self._secret, self._project.id, "link")
        return links.read(folders.home(self._git) / folders.LINKS, {self._secret.epoch: key})

    def _content(self, token: str, where: str) -> Mapping[str, Any]:
        trail = vault.trail(self._one, token)
        row = self._one.rows.get(trail[-1])
        if row is None:
            hint = f"labelvc vault seal takes in what waits; without its value only --chained carries it: {token}"
            raise DataError("the vault has no row for a token", where=where, hint=hint)
        if row.sealed is None:
            hint = "labelvc check --all names the lines that hold it: take it out of them, and commit"
            raise DataError("a token of somebody who was forgotten", where=where, hint=hint)
        content = self._one.content(trail[-1])
        if "value" not in content:
            message = "a sealed value is bound to its token, so a new token would need it sealed anew"
            raise DataError(message, where=where, hint="carry the old tokens on: add --chained")
        self.unproved += not self._lineage.demand(trail, content, where)
        return content

    def _new(self, token: str, domain: str, content: Mapping[str, Any], where: str) -> str:
        project, kind = self._project, pseudonym.kind_of(token)
        value, scope = content["value"], content.get("scope", "")
        if "link" not in content:
            new = pseudonym.token(self._secret, project.id, domain, kind, value, scope)
            if new in self._taken:
                message = "two tokens stand for one value, and would become one: no re-key, two people made one"
                raise DataError(message, where=where, hint="keep them apart: add --chained")
            self._taken.add(new)
            self._rows.append((new, {"before": token, "scope": scope, "value": value}))
            return new
        blind = subkeys.subkey(self._secret, project.id, "blind", domain, kind)
        link = subkeys.tag(blind, scope, *pseudonym.normalised(kind, value))
        new = self._links.get(link, "")
        if not new or new in self._taken:
            new = pseudonym.of_bytes(kind, self._secret.epoch, secrets.token_bytes(_RANDOM))
        self._taken.add(new)
        self._rows.append((new, {"link": link, "scope": scope, "value": value}))
        return new


def keep(git: Git, way: Way) -> int:
    """Set aside in the vault's inbox what it must know of tokens that were carried; nothing where there is no vault.

    Returns:
        How many rows wait.
    """
    rows = way.rows()
    if not rows or folders.current(folders.home(git)) is None:
        return 0
    with folders.held(git) as folder:
        folders.put_in(folder, links.parcels(rows, links.recipient(folder)))
        links.add(folder / folders.LINKS, way.links())
    return len(rows)
