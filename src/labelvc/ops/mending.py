"""Mending: tokens that a re-key missed, on a branch, in an old export or in an old vault, become what it made of their persons' others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labelvc.codec import epochs, subkeys
from labelvc.core import pseudonym
from labelvc.errors import DataError, TrustError
from labelvc.model.project import Project
from labelvc.model.secret import Epoch, Secret
from labelvc.ops import carrying, pseudonyms, vault
from labelvc.ops import dataset as datasets
from labelvc.ops.carriage import Carriage
from labelvc.ops.dataset import Advance
from labelvc.ops.lineage import Lineage
from labelvc.ops.rekey import Asked, Done, Run
from labelvc.ops.vault import Opened
from labelvc.store import files, journal, keyring, tree
from labelvc.store.git import Git


class Onward:
    """What a token became in the re-keys after its epoch, one after the other, as these made it.

    Args:
        git: the repository.
        project: whose tokens they are.
        known: the epochs.
        one: the vault, opened; None: a re-key by values cannot be followed.
    """

    def __init__(self, git: Git, project: Project, known: Sequence[Epoch], one: Opened | None) -> None:
        self._git, self._project, self._known, self._one = git, project, known, one
        self._lineage = Lineage(git, project)
        self._secrets: dict[str, Secret] = {}
        self._rows: dict[str, dict[str, Any]] = {}
        self._made: dict[str, str] = {}

    def of(self, token: str, domain: str, where: str) -> str:
        """See `carrying.Way`."""
        if token not in self._made:
            names = [epoch.id for epoch in self._known]
            now = token
            for epoch in self._known[names.index(pseudonym.epoch_of(token)) + 1 :]:
                if epoch.ends:
                    now = self._step(now, epoch, domain, where)
            self._made[token] = now
        return self._made[token]

    def rows(self) -> list[tuple[str, dict[str, Any]]]:
        """See `carrying.Way`."""
        return list(self._rows.items())

    def links(self) -> list[bytes]:
        """See `carrying.Way`: no token is drawn."""
        return []

    def _step(self, token: str, epoch: Epoch, domain: str, where: str) -> str:
        """Return what one re-key made, or would have made, of a token."""
        if epoch.before:
            if not pseudonym.kind_of(token):
                raise DataError("a token is of a kind that nobody knows", where=where, hint="labelvc check --all")
            new = pseudonym.chained(self._secret(epoch), self._project.id, domain, token)
            self._rows[new] = {"before": token}
            return new
        if self._one is None:
            message = f"epoch {epoch.id!r} began with a re-key by values, and only the vault has the value of a token before it"
            raise TrustError(message, where=where, hint="labelvc pseudonym mend -i MY_KEY -i THEIR_KEY")
        return self._by_value(token, self._secret(epoch), domain, where, self._one)

    def _by_value(self, token: str, secret: Secret, domain: str, where: str, one: Opened) -> str:
        trail = vault.trail(one, token)
        row = one.rows.get(trail[-1])
        content = one.content(trail[-1]) if row is not None and row.sealed is not None else {}
        if "value" not in content:
            message = "the vault does not know what a token from before a re-key stands for"
            raise DataError(message, where=where, hint="labelvc vault seal; else take the line out, or import it again")
        self._lineage.demand(trail, content, where)
        kind, scope = pseudonym.kind_of(token), content.get("scope", "")
        if "link" in content:
            blind = subkeys.subkey(secret, self._project.id, "blind", domain, kind)
            return _drawn(subkeys.tag(blind, scope, *pseudonym.normalised(kind, content["value"])), secret, where, one)
        new = pseudonym.token(secret, self._project.id, domain, kind, content["value"], scope)
        self._rows[new] = {"before": token, "scope": scope, "value": content["value"]}
        return new

    def _secret(self, epoch: Epoch) -> Secret:
        if epoch.id not in self._secrets:
            self._secrets[epoch.id] = keyring.load(self._git, epoch)
        return self._secrets[epoch.id]


def _drawn(link: str, secret: Secret, where: str, one: Opened) -> str:
    """Return the token that a re-key drew for a value: the one whose link is the value's."""
    for token, row in one.rows.items():
        if (
            row.sealed is not None
            and pseudonym.epoch_of(token) == secret.epoch
            and one.content(token).get("link") == link
        ):
            return token
    message = "a random token from before a re-key, whose value had no other token then"
    raise DataError(message, where=where, hint="import the line again from its source")


def mend(git: Git, one: Opened | None, advance: Advance | None = None) -> Done | None:
    """Give tokens that a re-key missed the place of what it made of their persons' others, in all datasets, and stage that.

    Args:
        git: the repository.
        one: the vault, opened; needed where a re-key by values came after.
        advance: called with the number of lines that were looked at since the last call.

    Returns:
        What was done; None where no such token is left.

    Raises:
        RefusedError: changes that are not committed.
        TrustError: a secret is not here, or the vault is needed.
        DataError: a token cannot be followed; nothing was written.
        StoreError: a conflict, another command writes here, or the disk, git or DVC could not do it.
    """
    with files.lock(git) as since:
        work, project = datasets.opened(git)
        for dataset in project.datasets.values():
            datasets.refuse_dirty(git, dataset, work)
        with tree.reader(git) as reader:
            known = pseudonyms.listed(work, reader)
            ended = epochs.ended(known)
            way = Onward(git, project, known, one)
            asked = Asked(known[-1].id if known else "", "", chained=False)
            run = Run(git, work, project, way, known, asked)
            stay = frozenset([epoch.id for epoch in known]) - ended
            if not ended:
                return None
            carriage = Carriage(way, known, run.erased(reader), stay)
            with journal.transaction(git, "pseudonym mend", since) as change:
                touched = [
                    dataset
                    for dataset in project.datasets.values()
                    if run.rewritten(reader, dataset, carriage, change, advance)
                ]
                if not touched:
                    return None
                run.then(change, touched, [])
                return run.done(carriage, touched)._replace(waiting=carrying.keep(git, way))


def onward(git: Git, project: Project, one: Opened) -> dict[str, dict[str, Any]]:
    """Return rows for what chained re-keys made of the tokens of a vault that does not know of these.

    As far as the secrets are on this machine; of what was made of values only who re-keyed can tell.
    """
    work = tree.work(git)
    with tree.reader(git) as reader:
        known = pseudonyms.listed(work, reader)
    found: dict[str, dict[str, Any]] = {}
    if not any(epoch.before for epoch in known):
        return found
    contents = {token: one.content(token) for token in one.rows if not one.gone(token)}
    latest = contents.keys() - {content.get("before") for content in contents.values()}
    latest -= {token for token in latest if "moves" in contents[token]}
    lineage = Lineage(git, project)
    pairs = {(token, domain) for token in latest for domain in _made_in(lineage, one, token)}
    before: set[str] = set()
    for epoch in known:
        if epoch.before and keyring.path(git, epoch.id).exists():
            secret = keyring.load(git, epoch)
            for token, domain in [pair for pair in pairs if pseudonym.epoch_of(pair[0]) in before]:
                new = pseudonym.chained(secret, project.id, domain, token)
                pairs.remove((token, domain))
                pairs.add((new, domain))
                found[new] = {"before": token}
        before.add(epoch.id)
    return found


def _made_in(lineage: Lineage, one: Opened, token: str) -> Sequence[str]:
    trail = vault.trail(one, token)
    known = trail[-1] in one.rows and not one.gone(trail[-1])
    return lineage.made_in(trail, one.content(trail[-1]) if known else {})
