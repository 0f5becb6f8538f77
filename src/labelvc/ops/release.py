"""Releases: cut at a commit, signed, chained to the one before, and proved again from the repository alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from labelvc import __version__
from labelvc.codec import dsse, epochs, statement
from labelvc.core import decide
from labelvc.core import release as rules
from labelvc.core.diff import Summary
from labelvc.core.release import Bump, Log
from labelvc.errors import DataError, RefusedError, TrustError
from labelvc.model.approval import Seen
from labelvc.model.approval import Signer as Signatory
from labelvc.model.change import Move
from labelvc.model.policy import Trust
from labelvc.model.release import FOLDER, NAMESPACE, Document, Previous, Release, Version
from labelvc.model.secret import Epoch, Secret
from labelvc.model.snapshot import Snapshot
from labelvc.ops import diff as differing
from labelvc.ops import manifest as manifests
from labelvc.ops import migrate, people
from labelvc.ops import project as projects
from labelvc.ops import trust as trusting
from labelvc.ops.manifest import Made
from labelvc.ops.state import Scale, State
from labelvc.store import git as plumbing
from labelvc.store import keyring, tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.keys import Signer
from labelvc.store.reader import Reader

_LISTED = ("project", "dataset", "guideline", "taxonomy")


class Plan(NamedTuple):
    """A release before it is signed.

    Attributes:
        path: its file.
        release: what would be signed.
        trust: the policy in force.
        bump: how far the version had to move; None for the first.
    """

    path: str
    release: Release
    trust: Trust
    bump: Bump | None


class Base(NamedTuple):
    """What a release is made on.

    Attributes:
        made: the release before, and `before` what it says; None for the first.
        digest: its payload digest, in hexadecimal.
        log: the log of approvals as it left it.
    """

    made: Made | None = None
    before: Release | None = None
    digest: str = ""
    log: Log = Log()


def path_of(version: Version) -> str:
    """Return the path of a release's manifest."""
    return f"{FOLDER}/{version}.json"


def based(git: Git, reader: Reader, scale: Scale, commit: str) -> Base:
    """Return what the next release at a commit is made on.

    Raises:
        DataError: the last manifest cannot be read, or a statement that a release counted is gone.
    """
    base = Base()
    for made in manifests.history(git, commit):
        if made.entry is None:
            raise DataError("a release was taken out of the tree", where=made.path, hint=manifests.VERIFY)
        envelope, release = manifests.opened(reader.read(made.path, made.entry), made.path)
        log = base.log.grown(scale.statements(tree.commit(git, made.commit, ("approvals",))))
        base = Base(made, release, envelope.digest.removeprefix("sha256:"), log)
    return base


def plan(
    git: Git,
    wanted: Version | None,
    trust: Trust,
    scale: Scale,
    reader: Reader,
    head: Snapshot,
    advance: Callable[..., None] = lambda: None,
) -> Plan:
    """Work out a release at a commit; its signer is not in it yet.

    Args:
        git: the repository.
        wanted: the version; None: the smallest one that may be.
        trust: the policy in force.
        scale: measures the state.
        reader: reads files.
        head: the commit, all of it.
        advance: called after each shard.

    Returns:
        The plan.

    Raises:
        RefusedError: the version does not follow the last, or is a smaller step than the changes ask for; or records have
            labels that were merged or split away.
        DataError: a release before it does not hold.
    """
    _refuse_undecided(git, reader, head)
    base = based(git, reader, scale, head.commit)
    version, step = _step(git, base.made, wanted, head.commit)
    found = scale.statements(head)
    if gone := base.log.lost(found):
        raise DataError("a statement that a release counted is gone or changed", where=gone[0], hint=manifests.VERIFY)
    state = scale.state(head, advance)
    release = Release(
        root=state.digest,
        version=str(version),
        sequence=base.before.sequence + 1 if base.before else 1,
        previous=Previous(base.before.version, base.digest) if base.before else None,
        repository=trust.policy.repository,
        datasets=state.datasets,
        documents=tuple(documents(git, reader, head, state)),
        approvals=base.log.grown(found).checkpoint(len(base.log.rows)),
        policy=Seen(trust.policy.version, trust.digest.removeprefix("sha256:")),
        role="",
        signer=Signatory("", ""),
        signed_at="",
        tool=f"labelvc {__version__}",
    )
    return Plan(path_of(version), release, trust, step)


def speaker(plan: Plan, signer: Signer, role: str | None) -> tuple[str, str]:
    """Return who releases with a key, and in which role: the first that the policy asks for and grants them, unless one is named.

    Raises:
        TrustError: the key belongs to nobody the policy knows.
        RefusedError: no rule lets anybody release, or the policy asks for a role that it does not grant them.
    """
    policy = plan.trust.policy
    who = people.owner_of(policy, signer.key)
    if who is None:
        message = "the key belongs to no principal of the policy in force"
        raise TrustError(message, where=signer.key.fingerprint, hint="labelvc key list")
    needs = decide.demands(policy, [Move(plan.path, None, plan.release.root)])
    if not needs:
        raise RefusedError("no rule of the policy lets anybody release", where=plan.path, hint="labelvc policy show")
    held = decide.roles_of(policy, who)
    chosen = role or next((need.role for need in needs if need.role in held), "")
    if chosen not in held:
        asked = ", ".join(dict.fromkeys(need.role for need in needs))
        message = (
            f"the policy does not grant {who} the role {role}" if role else f"{who} holds no role that may release"
        )
        raise RefusedError(message, hint=f"the policy asks for: {asked}; see `labelvc policy show`")
    return who, chosen


def signed(plan: Plan, who: str, role: str, signer: Signer, now: datetime) -> bytes:
    """Sign a release.

    Args:
        plan: what is released.
        who: the principal who signs.
        role: the hat worn.
        signer: their key.
        now: with the person's offset from UTC.

    Returns:
        The manifest.

    Raises:
        RefusedError: the policy asks for more people than one.
        TrustError: the key could not sign, or what it made would not be accepted.
    """
    offset = now.utcoffset() or timedelta()
    release = msgspec.structs.replace(
        plan.release,
        role=role,
        signer=Signatory(who, plan.trust.policy.principals[who].name),
        signed_at=now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        tz_offset_minutes=int(offset.total_seconds() // 60),
    )
    envelope = trusting.seal(dsse.IN_TOTO, statement.encode_release(release), signer, NAMESPACE)
    data = dsse.encode(envelope)
    decision = manifests.judge(plan.path, *manifests.opened(data), plan.trust)
    if decision.state != "approved":
        need = next(each for each in decision.needs if each.have < each.asked)
        message = f"the policy asks {need.asked} of the role {need.role} to sign a release, and one command makes one signature"
        raise RefusedError(message, where=plan.path, hint="labelvc policy show")
    return data


def demand_clean(git: Git, head: Snapshot) -> None:
    """Return when the work tree is what HEAD says.

    Raises:
        RefusedError: something differs, or is not committed.
    """
    rows = (
        plumbing.run(git, "status", "--porcelain", "-z", "--untracked-files=all").decode("utf-8", "replace").split("\0")
    )
    where = rows[0][3:]
    if not where and any(entry.kind == "dvc" for entry in head.entries.values()):
        deltas = differing.shard_deltas(git, head, tree.work(git))
        where = next((str(delta.key) for delta in deltas), "")
    if where:
        message = "a release is of what is committed, and the work tree differs from HEAD"
        raise RefusedError(message, where=where, hint="git status; commit it, or git stash --include-untracked")


def _refuse_undecided(git: Git, reader: Reader, head: Snapshot) -> None:
    """Refuse to release records whose label means nothing any more: merged and not migrated, or split and not decided."""
    with Cache(git) as cache:
        found = next(migrate.undecided(git, head, reader, cache), None)
    if found is not None:
        message = "a record has a label that was merged or split, and nobody decided what it is now"
        raise RefusedError(message, where=str(found.key), hint=f"labelvc taxonomy migrate {found.taxonomy}")


def secret_of(git: Git, reader: Reader, snapshot: Snapshot, name: str | None = None) -> Secret | None:
    """Return the secret of an epoch at a snapshot, None when it is not on this machine.

    Args:
        git: the repository.
        reader: reads the list of epochs.
        snapshot: where it is.
        name: the epoch; None: the active one.

    Raises:
        TrustError: the key file is there and cannot be used.
    """
    entry = snapshot.entries.get(epochs.PATH)
    listed = epochs.read(reader.read(epochs.PATH, entry)) if entry else ()
    epoch: Epoch | None = (
        epochs.active(listed) if name is None else next((one for one in listed if one.id == name), None)
    )
    return keyring.load(git, epoch) if epoch and keyring.path(git, epoch.id).exists() else None


def documents(git: Git, reader: Reader, head: Snapshot, state: State) -> Iterator[Document]:
    """Yield the documents that a manifest lists, with the version of those that have one."""
    nouns = {path: found[0] for path in state.documents if (found := projects.noun_of(path)) and found[0] in _LISTED}
    paths = sorted(nouns)
    values = projects.values(git, [(nouns[path], reader.read(path, head.entries[path])) for path in paths])
    for path, value in zip(paths, values, strict=True):
        version = value.get("version", "") if isinstance(value, Mapping) else ""
        yield Document(path, state.documents[path][1].hex(), str(version))


def _step(git: Git, last: Made | None, wanted: Version | None, commit: str) -> tuple[Version, Bump | None]:
    """Return the version to release and how far it had to move; refuse one that is too small."""
    if last is None:
        return wanted or rules.FIRST, None
    summary = manifests.moved(git, last.commit, commit)
    step = rules.bump(summary)
    least = rules.least(last.version, step)
    if wanted is not None and wanted < least:
        message = _too_small(wanted, last.version, least, step, summary)
        raise RefusedError(message, hint=f"labelvc release cut {least}")
    return wanted or least, step


def _too_small(version: Version, last: Version, least: Version, step: Bump, summary: Summary) -> str:
    if version <= last:
        return f"{version} does not follow {last}, the last release"
    told = [
        f"{number:,} {noun}{'' if number == 1 else 's'} {kind}"
        for noun, counts in (("record", summary.records), ("item", summary.items))
        for kind, number in sorted(counts.items())
        if number and kind in (("changed", "removed") if step == "major" else ("added",))
    ]
    return f"{version} is too small a step from {last}: {', '.join(told)}, which asks for {least} ({step})"
