"""Who made a change, and with whose key somebody speaks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from labelvc.errors import TrustError
from labelvc.model.policy import Policy, PublicKey
from labelvc.ops.makers import Made
from labelvc.store import git as plumbing
from labelvc.store import keys
from labelvc.store.git import Git
from labelvc.store.keys import Ask, Signer

_SETTING = "labelvc.signingKey"


class Authors(NamedTuple):
    """The authors of a change: principals, and commits of somebody the policy does not know."""

    principals: frozenset[str]
    strangers: tuple[str, ...]

    def naming(self, more: frozenset[str]) -> Authors:
        """Return these authors and those whom statements on the change name: a squash hides who made it."""
        return self._replace(principals=self.principals | more)


class Where(NamedTuple):
    """Where a signing key may be named, in order of precedence.

    Attributes:
        option: what the person typed.
        variable: what LABELVC_KEY holds.
        agent: path of ssh-agent's socket.
        name: of the option, for messages: `--key` where it is not somebody else's key.
    """

    option: str | None = None
    variable: str | None = None
    agent: str | None = None
    name: str = "--key"


def authors(policy: Policy, made: Iterable[Made]) -> Authors:
    """Return which principals made commits, and the commits with an author who is none."""
    known: set[str] = set()
    strangers = []
    for commit, addresses in made:
        found = names(policy, addresses)
        if None in found:
            strangers.append(commit)
        known |= {name for name in found if name is not None}
    return Authors(frozenset(known), tuple(strangers))


def names(policy: Policy, addresses: Iterable[str]) -> frozenset[str | None]:
    """Return the principals who own addresses of commits; None is among them when nobody owns one."""
    owner = {address.casefold(): name for name, each in policy.principals.items() for address in each.emails}
    return frozenset(owner.get(address.casefold()) for address in addresses)


def annotators(policy: Policy, by: Iterable[str]) -> frozenset[str]:
    """Return the principals who stand behind pseudonyms."""
    owner = {token: name for name, each in policy.principals.items() for token in each.pseudonyms}
    return frozenset(owner[token] for token in by if token in owner)


def owner_of(policy: Policy, key: PublicKey) -> str | None:
    """Return the principal who owns a key, or None."""
    line = str(key)
    return next((name for name, each in policy.principals.items() if line in each.keys), None)


def remember(git: Git, words: str) -> None:
    """Sign with a key from now on in this clone.

    Args:
        git: the repository, in whose own settings it is written.
        words: path of a private key or `.pub` file, from the working folder, or a public key itself.
    """
    plumbing.config_set(git, _SETTING, keys.absolute(words))


def settings(git: Git) -> str | None:
    """Return the key that git's settings name: labelvc's own, else the one git signs with when that is an SSH key."""
    found = plumbing.config_get(git, _SETTING)
    if not found and plumbing.config_get(git, "gpg.format") == "ssh":
        found = plumbing.config_get(git, "user.signingKey")
    return found


def signer(git: Git, where: Where, ask: Ask, policy: Policy | None = None) -> Signer:
    """Return the key a person signs with: option, environment, git's settings, else the agent's key that a principal owns.

    Args:
        git: whose settings are read.
        where: what was typed, and the environment.
        ask: asks for a passphrase.
        policy: whose keys to look for in the agent; None takes the agent's only key.

    Returns:
        The signer.

    Raises:
        TrustError: none is named and the agent holds none that fits, or the one named cannot be used.
    """
    if named := where.option or where.variable or settings(git):
        return keys.signer(named, where.agent, ask)
    held = keys.agent_signers(where.agent)
    if policy is not None:
        held = [each for each in held if owner_of(policy, each.key)]
    if len(held) == 1:
        return held[0]
    if held:
        raise TrustError(
            "ssh-agent holds several keys that could sign", hint=f"pass {where.name} FILE, or labelvc key use FILE"
        )
    raise TrustError("no key to sign with", hint=f"labelvc key use ~/.ssh/id_ed25519, or pass {where.name} FILE")
