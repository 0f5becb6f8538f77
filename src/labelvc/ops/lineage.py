"""Lineage: whether a value yields the token that stands for it, through whatever re-keys lie between the two."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

from labelvc.codec import epochs, subkeys
from labelvc.core import pseudonym
from labelvc.errors import DataError
from labelvc.model.project import Project
from labelvc.model.secret import Secret
from labelvc.ops import domains, pseudonyms
from labelvc.store import keyring, tree
from labelvc.store.git import Git


class Lineage:
    """Proves values against tokens; the secrets of each epoch, and the domains in history, are read once.

    Args:
        git: the repository, whose work tree lists the epochs.
        project: its project.
    """

    def __init__(self, git: Git, project: Project) -> None:
        self._git, self._project = git, project
        self._secrets: dict[str, tuple[Secret, ...] | None] = {}

    @cached_property
    def domains(self) -> tuple[str, ...]:
        """Every domain that the project has or had: a token does not tell in which it was made."""
        return domains.ever(self._git, self._project)

    def proved(self, trail: Sequence[str], content: Mapping[str, Any]) -> bool | None:
        """Tell whether the value of a row of the vault yields the token that it was asked for.

        Args:
            trail: the token, and those that it leads to in the vault; the last one has the value.
            content: of that one's row.

        Returns:
            None where a secret that would tell is not on this machine.

        Raises:
            TrustError: a secret can be read by others, or is the wrong one.
        """
        return self._proved(trail, content, self.domains)

    def demand(self, trail: Sequence[str], content: Mapping[str, Any], where: str) -> bool:
        """Tell whether a value was proved, as `proved` does, and refuse one that yields another token.

        Args:
            trail: as for `proved`.
            content: as for `proved`.
            where: the token stands, for messages.

        Returns:
            False where a secret that would tell is not on this machine.

        Raises:
            DataError: the value does not yield the token.
            TrustError: as for `proved`.
        """
        known = self.proved(trail, content)
        if known is False:
            message = "the vault leads a token to a value that does not yield it: somebody wrote it who should not"
            raise DataError(message, where=where, hint="labelvc vault status; take the row from a backup")
        return bool(known)

    def made_in(self, trail: Sequence[str], content: Mapping[str, Any]) -> Sequence[str]:
        """Return the domain that a token was made in, as far as its value tells; every one where nobody can tell.

        Args:
            trail: as for `proved`.
            content: as for `proved`; empty where the vault has no value.
        """
        if len(self.domains) == 1 or "value" not in content:
            return self.domains
        return [each for each in self.domains if self._proved(trail, content, [each])] or self.domains

    def _proved(self, trail: Sequence[str], content: Mapping[str, Any], domains: Sequence[str]) -> bool | None:
        first, token = trail[0], trail[-1]
        here = self._of(pseudonym.epoch_of(token))
        if here is None:
            return None
        if not _yields(content, token, here, self._project, domains):
            return False
        if pseudonym.epoch_of(first) == pseudonym.epoch_of(token):
            return True  # an alias, which only who holds the vault's key writes
        later = self._of(pseudonym.epoch_of(first))
        if later is None:
            return None
        names = [each.epoch for each in later]
        if pseudonym.epoch_of(token) not in names:
            return "link" not in content and _yields(content, first, later, self._project, domains)
        then = later[names.index(pseudonym.epoch_of(token)) + 1 :]
        return _carried(token, then, trail[:-1], self._project, domains)

    def _of(self, epoch: str) -> tuple[Secret, ...] | None:
        if epoch not in self._secrets:
            self._secrets[epoch] = secrets_of(self._git, epoch)
        return self._secrets[epoch]


def _yields(
    content: Mapping[str, Any], token: str, secrets: Sequence[Secret], project: Project, domains: Sequence[str]
) -> bool:
    """Tell whether a row's value yields its token, or the link that its token was given for, under the epoch's secrets."""
    kind = pseudonym.kind_of(token)
    value, scope = content["value"], content.get("scope", "")
    if "link" not in content:
        first, *later = secrets
        made = (pseudonym.token(first, project.id, domain, kind, value, scope) for domain in domains)
        return any(_carried(one, later, (token,), project, domains) for one in made)
    blinds = (subkeys.subkey(secrets[-1], project.id, "blind", domain, kind) for domain in domains)
    return any(subkeys.is_tag(content["link"], blind, scope, *pseudonym.normalised(kind, value)) for blind in blinds)


def _carried(
    token: str, secrets: Sequence[Secret], to: Collection[str], project: Project, domains: Sequence[str]
) -> bool:
    """Tell whether a chain of re-keys leads from a token to one of some others, each in whatever domain its field had then."""
    made = {token}
    for secret in secrets:
        made = {pseudonym.chained(secret, project.id, domain, one) for domain in domains for one in made}
    return not made.isdisjoint(to)


def secrets_of(git: Git, name: str) -> tuple[Secret, ...] | None:
    """Return the secrets of an epoch and of those it is chained to; None where one of them is not on this machine.

    Raises:
        TrustError: one of them can be read by others, or is the wrong one.
    """
    snapshot = tree.work(git)
    with tree.reader(git) as reader:
        known = pseudonyms.listed(snapshot, reader)
    epoch = next((epoch for epoch in known if epoch.id == name), None)
    if epoch is None or not all(keyring.path(git, each.id).exists() for each in epochs.chain(known, epoch)):
        return None
    return pseudonyms.secrets(git, known, epoch)
