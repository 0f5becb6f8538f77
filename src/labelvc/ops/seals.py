"""Seals: whose signatures a trust file needs, and who of them has signed it. People are counted, never keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from labelvc.codec import dsse, sshsig
from labelvc.errors import TrustError
from labelvc.model.approval import TRUST_NAMESPACE, Envelope
from labelvc.model.names import Digest
from labelvc.model.policy import Root


class Demand(NamedTuple):
    """So many of these people must sign.

    Attributes:
        root: version of the root that asks for it.
        owners: fingerprint of each key that counts, to the principal who owns it.
        threshold: how many different people.
        signed: those of them whose signature is good.
        trouble: why a signature with one of the keys is not good; empty when there is none.
    """

    root: int
    owners: Mapping[str, str]
    threshold: int
    signed: frozenset[str]
    trouble: str = ""

    @property
    def missing(self) -> int:
        """How many people still have to sign."""
        return max(0, self.threshold - len(self.signed))

    @property
    def others(self) -> tuple[str, ...]:
        """Those who have not signed, in the root's order."""
        return tuple(owner for owner in self.owners.values() if owner not in self.signed)


class Seal(NamedTuple):
    """A trust file and what it needs to count.

    Attributes:
        path: the file.
        kind: what it holds.
        version: of the root or policy in it.
        envelope: its payload and signatures.
        demands: all must be met; a root asks the people of the root before it as well as its own.
    """

    path: str
    kind: Literal["root", "policy"]
    version: int
    envelope: Envelope
    demands: tuple[Demand, ...]

    @property
    def digest(self) -> Digest:
        """Payload digest."""
        return self.envelope.digest

    @property
    def draft(self) -> bool:
        """Tell whether a signature is missing, so that the file counts for nothing."""
        return any(demand.missing for demand in self.demands)

    @property
    def signed(self) -> tuple[str, ...]:
        """Everybody whose signature counts, by name."""
        return tuple(sorted(frozenset().union(*(demand.signed for demand in self.demands))))

    def counts(self, keyid: str) -> bool:
        """Tell whether a signature with a key would count."""
        return any(keyid in demand.owners for demand in self.demands)

    def wants(self, keyid: str) -> bool:
        """Tell whether the owner of a key should sign: of a draft, to complete it; else to prove that their key is theirs."""
        asked = [demand for demand in self.demands if demand.missing] or self.demands[:1]
        return any(demand.owners.get(keyid, "") in demand.others for demand in asked)


def of_root(path: str, envelope: Envelope, root: Root, before: Root | None) -> Seal:
    """Return the seal of a root: version n + 1 asks the thresholds of version n and of its own.

    Source: TUF specification 1.0 section 5.3.4.
    """
    demands = [_demand(envelope, each, each.root) for each in (root, before) if each is not None]
    return Seal(path, "root", root.version, envelope, tuple(demands))


def of_policy(path: str, envelope: Envelope, version: int, root: Root) -> Seal:
    """Return the seal of a policy, by the root in force."""
    return Seal(path, "policy", version, envelope, (_demand(envelope, root, root.targets),))


def enforce(seal: Seal) -> None:
    """Return when enough people signed.

    Raises:
        TrustError: the file is a draft.
    """
    for each in seal.demands:
        if each.missing:
            reason = f": {each.trouble}" if each.trouble else ""
            message = f"signed by {len(each.signed)} of the {each.threshold} people who must sign it{reason}"
            raise TrustError(message, where=seal.path, hint="labelvc trust show")


def _demand(envelope: Envelope, root: Root, role: tuple[tuple[str, ...], int]) -> Demand:
    """Look at every signature that may count; those of other keys are nobody's."""
    keyids, threshold = role
    message = dsse.pae(envelope.payload_type, envelope.payload)
    good: set[str] = set()
    trouble = ""
    for each in envelope.signatures:
        if each.keyid not in keyids:
            continue
        try:
            sshsig.verify(each.sig, message, TRUST_NAMESPACE, sshsig.read_public(root.keys[each.keyid].key))
            good.add(root.keys[each.keyid].owner)
        except TrustError as error:
            trouble = error.message
    owners = {keyid: root.keys[keyid].owner for keyid in keyids}
    return Demand(root.version, owners, threshold, frozenset(good), trouble)
