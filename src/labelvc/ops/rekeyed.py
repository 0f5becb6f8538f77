"""Re-keyed: what a person asks of a re-key that is there: is it one, is it the right one, and their name under it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from labelvc import __version__
from labelvc.codec import dsse, statement
from labelvc.core import changeset, decide, domains, pseudonym
from labelvc.core.changeset import Gathered
from labelvc.core.rekey import Flaw
from labelvc.errors import RefusedError, TrustError
from labelvc.model.approval import NAMESPACE, Epochs, Mapped, Rekeying, Scope, Seen, States
from labelvc.model.approval import Signer as Signatory
from labelvc.model.policy import Need, Policy, Trust
from labelvc.model.project import Project
from labelvc.model.secret import Epoch, Secret
from labelvc.model.snapshot import Snapshot
from labelvc.ops import approvals, bijection, makers, people, pseudonyms, vault, vouching
from labelvc.ops import diff as comparing
from labelvc.ops import project as projects
from labelvc.ops import trust as trusting
from labelvc.ops.approve import LONGEST_LIST
from labelvc.ops.bijection import Found
from labelvc.ops.diff import Range
from labelvc.ops.state import Scale
from labelvc.ops.vault import Opened
from labelvc.store import git as plumbing
from labelvc.store import keyring, tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.keys import Signer
from labelvc.store.reader import Reader


class Looked(NamedTuple):
    """A re-key as it was looked at.

    Attributes:
        pair: the snapshots.
        found: what the lines show.
        trust: the policy in force before; None where there is none.
        unnamed: principals whom the policy after it does not name by their new tokens, with these.
    """

    pair: Range
    found: Found
    trust: Trust | None
    unnamed: list[tuple[str, str]]


class Wish(NamedTuple):
    """What somebody wants to put their name under: in which role, as whom (None: whoever owns the key), when, 32 hex digits."""

    role: str
    principal: str | None
    now: datetime
    nonce: str


def look(git: Git, words: str | None, pin: str | None = None) -> Looked:
    """Read a re-key off two snapshots, without any key.

    Args:
        git: the repository.
        words: `A..B` or `A...B`; None: the last commit against what is staged.
        pin: digest of root version 1, when known.

    Raises:
        StoreError: unknown revisions or missing data.
        TrustError: the policy before it, or after it, cannot be used.
    """
    pair = _pair(git, words)
    with tree.reader(git) as reader:
        found = bijection.read(git, reader, pair.old, pair.new)
        before = (
            tree.commit(git, words.partition("...")[0] or "HEAD", ("trust",)) if words and "..." in words else pair.old
        )
        trust = trusting.load(reader, before, pin) if trusting.present(before) else None
        after = trusting.load(reader, pair.new, pin) if trust and trusting.present(pair.new) else trust
    unnamed = bijection.unnamed(found.into, trust.policy, after.policy) if trust and after else []
    return Looked(pair, found, trust, unnamed)


def _pair(git: Git, words: str | None) -> Range:
    if words is None:
        return Range(tree.commit(git, "HEAD")._replace(name="HEAD"), tree.index(git))
    return comparing.resolve(git, words)


class Recomputed(NamedTuple):
    """What the keys say: the first line whose token is another one than they make, or None; how many tokens nobody can tell of."""

    flaw: Flaw | None
    forgotten: int


def recomputed(git: Git, looked: Looked, one: Opened | None) -> Recomputed:
    """Make every new token again, with the secrets of the epochs or the values of the vault; two people swapped show here.

    A token does not tell its domain: it is asked for in each that the project declares after the re-key.

    Of a person who was forgotten since, no value is left to make a token of.

    Args:
        git: the repository.
        looked: the re-key.
        one: the vault, opened; needed where new tokens are made of values.

    Raises:
        TrustError: the secret of the new epoch is not here or is the wrong one, or the vault is needed.
    """
    with tree.reader(git) as reader:
        known = pseudonyms.listed(looked.pair.new, reader)
        project = projects.load(git, looked.pair.new, reader)
    names = domains.of(project).names
    epoch = next(each for each in known if each.id == looked.found.epoch)
    secret = keyring.load(git, epoch)
    into, gone = looked.found.into, set[str]()
    if not epoch.before:
        opened = _opened(epoch, looked, one)
        gone = {old for old, new in into.items() if opened.gone(old) or opened.gone(new)}
        into = {old: new for old, new in into.items() if old not in gone}
        wrong = _valued(secret, project, names, into, opened)
    else:
        wrong = _chained(secret, project, names, into)
    keys = sorted(looked.found.first.get(token, "") for token in wrong)
    flaw = Flaw(keys[0], "its new token is not the one that the keys make of the old one") if keys else None
    return Recomputed(flaw, len(gone))


def _chained(secret: Secret, project: Project, names: Sequence[str], into: Mapping[str, str]) -> Iterator[str]:
    for old, new in into.items():
        if new not in [pseudonym.chained(secret, project.id, domain, old) for domain in names]:
            yield old


def _opened(epoch: Epoch, looked: Looked, one: Opened | None) -> Opened:
    if one is None:
        message = f"tokens of epoch {epoch.id!r} are made of values, which only the vault can tell"
        raise TrustError(
            message, where=str(looked.pair.new.name), hint="add --identity FILE for each who opens the vault"
        )
    return one


def _valued(
    secret: Secret, project: Project, names: Sequence[str], into: Mapping[str, str], one: Opened
) -> Iterator[str]:
    for old, new in into.items():
        here, there = (_content(one, token) for token in (old, new))
        kind = pseudonym.kind_of(new)
        if here is None or not kind:
            yield old
        elif "link" in here:
            same = there is not None and pseudonym.normalised(kind, here["value"]) == pseudonym.normalised(
                kind, there["value"]
            )
            if not same:
                yield old
        else:
            value, scope = here["value"], here.get("scope", "")
            if new not in [pseudonym.token(secret, project.id, domain, kind, value, scope) for domain in names]:
                yield old


def _content(one: Opened, token: str) -> dict[str, str] | None:
    """Return what the vault has for a token, or for what it leads to; None when there is no value."""
    last = vault.trail(one, token)[-1]
    row = one.rows.get(last)
    content = one.content(last) if row is not None and row.sealed is not None else {}
    return content if "value" in content else None


def sign(git: Git, looked: Looked, wish: Wish, signer: Signer, most: int = LONGEST_LIST) -> dict[str, bytes]:
    """Put somebody's name under a re-key.

    Args:
        git: the repository.
        looked: the re-key.
        wish: in which role.
        signer: whose key.
        most: bytes of the longest list of moves that is kept beside a statement.

    Returns:
        Path to bytes: the statement and, where it is kept, the list of what was re-keyed.

    Raises:
        RefusedError: it is no re-key, the policy does not name the new tokens yet, or does not let the signer vouch for it.
        TrustError: there is no policy, or the key is nobody's whom it knows.
    """
    refuse_flawed(looked)
    if looked.trust is None:
        hint = "labelvc trust init, commit it, then re-key"
        raise TrustError("no policy was in force before this change", where=looked.pair.old.name, hint=hint)
    authors = _authors(git, looked.pair, looked.trust)
    who = _speaker(looked.trust, wish, signer, authors)
    with tree.reader(git) as reader:
        part = changeset.part(_gathered(git, reader, looked.pair), looked.found.keys)
        states = _states(git, reader, looked.pair)
    said = _statement(looked, looked.trust, wish, who, authors, part, states, most)
    envelope = trusting.seal(dsse.IN_TOTO, statement.encode_approval(said), signer, NAMESPACE)
    path, data = approvals.path_of(said.root, who, envelope.digest), dsse.encode(envelope)
    approvals.judge(path, said.root, approvals.opened(data, looked.trust), looked.trust)
    listing = {f"{approvals.folder_of(said.root)}/{approvals.CHANGE_SET}": changeset.write(part.lines)}
    return {path: data, **(listing if said.scope.binding == "delta" else {})}


def refuse_flawed(looked: Looked) -> None:
    """Return when a change is a re-key and nothing else, and the policy names everybody by their new tokens.

    Raises:
        RefusedError: it is not; where, and why.
    """
    flaw = looked.found.flaw
    if flaw is not None:
        raise RefusedError(f"no re-key, or not that alone: {flaw.message}", where=flaw.key, hint=_look(looked.pair))
    if looked.unnamed:
        name, token = looked.unnamed[0]
        message = f"the policy names {name} by a token from before, and not by what it became"
        raise RefusedError(message, where="trust/policy.json", hint=f"labelvc policy add {name} --pseudonym {token}")


def _look(pair: Range) -> str:
    return (
        "labelvc diff" if pair.new.kind != "commit" else f"labelvc diff {pair.old.commit[:12]}..{pair.new.commit[:12]}"
    )


def _authors(git: Git, pair: Range, trust: Trust) -> frozenset[str]:
    """Return the principals who made the change; of one that is not committed, whoever would commit it."""
    if pair.new.kind == "commit":
        return people.authors(trust.policy, makers.commits(git, pair.old.commit, pair.new.commit)).principals
    named = people.names(trust.policy, [plumbing.config_get(git, "user.email") or ""])
    return frozenset(name for name in named if name is not None)


def _speaker(trust: Trust, wish: Wish, signer: Signer, authors: frozenset[str]) -> str:
    """Return the principal who vouches, in a role that the rules on re-keys ask for."""
    policy, key = trust.policy, signer.key
    who = people.owner_of(policy, key)
    if who is None or wish.principal not in (None, who):
        message = "the key belongs to no principal of the policy in force, or to another one"
        raise TrustError(message, where=key.fingerprint, hint="labelvc key list")
    if silent := policy.distrusts(who, key.fingerprint):
        raise RefusedError(str(silent), where=key.fingerprint, hint="labelvc policy show")
    needs = _needs(policy, wish.role)
    if wish.role not in decide.roles_of(policy, who):
        held = ", ".join(decide.roles_of(policy, who)) or "none"
        raise RefusedError(f"the policy does not grant {who} the role {wish.role}", hint=f"roles of {who}: {held}")
    if who in authors and all(_wants_others(need) for need in needs):
        message = f"{who} is an author of this re-key and the policy asks for somebody else"
        raise RefusedError(message, hint="labelvc pseudonym verify-rekey A...B --role ROLE, by them")
    return who


def _needs(policy: Policy, role: str) -> list[Need]:
    """Return the needs of a role in the rules on re-keys; there must be one."""
    rules = (rule for rule in policy.rules if vouching.KIND in rule.kinds)
    found = [need for rule in rules for need in rule.needs if need.role == role]
    if not found:
        hint = f"labelvc policy rule set re-keys --kind {vouching.KIND} --need {role}, committed before the re-key"
        raise RefusedError(f"no rule of the policy lets the role {role} vouch for a re-key", hint=hint)
    return found


def refuse_role(git: Git, role: str, pin: str | None) -> None:
    """Return when a role may vouch for a re-key that begins at the last commit; looked at before anything is written.

    Raises:
        RefusedError: no rule asks for its word.
        TrustError: there is no policy that can be used.
    """
    before = tree.commit(git, "HEAD", ("trust",))
    with tree.reader(git) as reader:
        _needs(trusting.load(reader, before, pin).policy, role)


def _wants_others(need: Need) -> bool:
    return "author" in need.distinct_from


def _gathered(git: Git, reader: Reader, pair: Range) -> Gathered:
    return changeset.gather(comparing.between(git, pair.old, pair.new, reader))


def _states(git: Git, reader: Reader, pair: Range) -> States:
    with Cache(git) as cache:
        scale = Scale(reader, cache)
        old, new = (scale.state(_whole(git, side)).digest.removeprefix("sha256:") for side in pair)
    return States(old, new)


def _whole(git: Git, side: Snapshot) -> Snapshot:
    return tree.commit(git, side.commit) if side.kind == "commit" else side


def _statement(
    looked: Looked,
    trust: Trust,
    wish: Wish,
    who: str,
    authors: frozenset[str],
    part: Gathered,
    states: States,
    most: int,
) -> Rekeying:
    found, (added, changed, removed) = looked.found, part.sums
    offset = wish.now.utcoffset() or timedelta()
    long = sum(len(line) + 1 for line in part.lines) > most
    return Rekeying(
        root=part.changeset.root,
        decision="approve",
        meaning="verification",
        role=wish.role,
        signer=Signatory(who, trust.policy.principals[who].name),
        signed_at=wish.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        tz_offset_minutes=int(offset.total_seconds() // 60),
        scope=Scope(trust.policy.repository, "whole" if long else "delta", added, changed, removed),
        policy=Seen(trust.policy.version, trust.digest.removeprefix("sha256:")),
        authors=tuple(sorted(authors)),
        nonce=wish.nonce,
        tool=f"labelvc {__version__}",
        epochs=Epochs(found.before, found.epoch),
        mapping=Mapped(len(found.into), found.mapping),
        states=states,
    )
