"""Approve: one person's decision on a change, as it is shown before it is signed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Literal, NamedTuple

from labelvc import __version__
from labelvc.core import changeset, decide, voices
from labelvc.core.changeset import Gathered
from labelvc.core.decide import Case
from labelvc.errors import DataError, RefusedError, TrustError
from labelvc.model.approval import Approval, Material, Meaning, Scope, Seen, Verdict
from labelvc.model.approval import Signer as Signatory
from labelvc.model.change import ChangeSet, Delta
from labelvc.model.names import Digest
from labelvc.model.policy import Need, PublicKey, Separation, Trust
from labelvc.model.shell import word
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import approvals, growth, makers, materials, ownership, parts, people, silence
from labelvc.ops import diff as comparing
from labelvc.ops import policy as governing
from labelvc.ops import trust as trusting
from labelvc.ops.approvals import Problem, Shelf, Statement
from labelvc.ops.dates import Dates
from labelvc.ops.diff import Range
from labelvc.ops.people import Authors
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_KEPT = 1_000
LONGEST_LIST = 32 << 20
"""Bytes of the longest list of moves that is kept in git beside an approval: hosts warn of files from 50 MB on."""


class Wish(NamedTuple):
    """What a person wants to say.

    Attributes:
        role: the hat they wear.
        decision: approve, reject or withdraw.
        meaning: what the signature means.
        reason: why; asked for with everything but approve, and in an emergency.
        principal: who they say they are; None: whoever owns the key.
        excepted: globs of the keys they say nothing of.
        remainder: say it only of what still needs the word of the role.
        expires_at: the last second in which a yes counts, RFC 3339 UTC; empty: it has no end.
        materials: files they went by, beside the documents in force: a report, a plan, a list.
        reference: where it was talked about, such as a pull request's address; empty: not said.
    """

    role: str
    decision: Verdict = "approve"
    meaning: Meaning = "approval"
    reason: str = ""
    principal: str | None = None
    excepted: tuple[str, ...] = ()
    remainder: bool = False
    expires_at: str = ""
    materials: tuple[Path, ...] = ()
    reference: str = ""


class Change(NamedTuple):
    """What there is to decide on, with the policy in force before it.

    Attributes:
        words: the range as it was typed.
        base, head: the snapshots.
        found: the change-set to sign: all that moved, or a part of it.
        total: how many things moved in all.
        excepted: how many of them were left out by name.
        trust: policy in force: at A for `A...B` (where it would go), else at the base; without those whom B's distrusts.
        authors: who made the change, by its commits or by a statement on it.
        annotators: principals behind the records that all that moved touches.
        needs: what the policy asks for these moves.
        emergencies: whom it lets act on them in an emergency.
        statements: valid statements at the head or in the index: on the same change-set, and on what is all in it.
        materials: guidelines, taxonomies and what says how it is checked, at the head; and what the signer names.
        denied: what an author may not touch by the rules on own records; no approval helps.
        first: deltas of what is to be signed, to be shown before; of many the first that were met.
    """

    words: str
    base: Snapshot
    head: Snapshot
    found: Gathered
    total: int
    excepted: int
    trust: Trust
    authors: Authors
    annotators: frozenset[str]
    needs: list[Need]
    emergencies: list[Need]
    statements: list[Statement]
    materials: tuple[Material, ...]
    denied: tuple[Problem, ...] = ()
    first: tuple[Delta, ...] = ()

    def asked(self, meaning: Meaning) -> list[Need]:
        """Return the needs that a yes of this meaning is about."""
        return self.emergencies if meaning == "emergency" else self.needs


def examine(git: Git, words: str, pin: str | None = None, wish: Wish | None = None, now: int = 0) -> Change:
    """Read the change a person is to decide on.

    Args:
        git: where.
        words: `A...B` for what B brings to A, or `A..B`.
        pin: digest of root version 1, when known.
        wish: what they want to say, and of which part; None: of all.
        now: seconds since 1970: what expired until then leaves a need unmet.

    Returns:
        The change.

    Raises:
        StoreError: unknown revisions or missing data.
        TrustError: no policy in force at the base, or one that cannot be used.
        DataError: a key moves twice, so the records are not sound; or a glob names nothing that moved.
        RefusedError: nothing changed, or nothing is left to sign.
    """
    if ".." not in words:
        raise TrustError(f"{words!r} is no range", hint="labelvc approve main...BRANCH --role ROLE")
    pair = comparing.resolve(git, words)
    wish = wish or Wish("")
    with tree.reader(git) as reader:
        before, trust = _in_force(git, reader, words, pair, pin)
        first: list[Delta] = []
        whole = _gathered(git, words, pair, first)
        commits = makers.commits(git, pair.old.commit, pair.new.commit)
        made = people.authors(trust.policy, commits)
        annotators = people.annotators(trust.policy, whole.by)
        shelf, folders = Shelf(reader), _folders(git, pair.new)
        kept = parts.kept(whole, words, wish.excepted)
        keys = kept
        if wish.remainder and wish.role in trust.policy.roles:
            heard = [each.backing for each in shelf.all_heard(whole.changeset, folders, before.entries, trust)]
            dates = Dates(git, now)
            at = dates.at(before.commit, pair.new.commit) if voices.limited(trust.policy, heard) else None
            case = Case(whole.changeset.moves, made.principals, annotators, bool(made.strangers), at=at)
            keys = kept & decide.wanting(trust.policy, case, heard, wish.role)
        parts.refuse_none(keys, words, wish.role if wish.remainder else "")
        found = whole if len(keys) == len(whole.lines) else changeset.part(whole, keys)
        for root in {whole.changeset.root, found.changeset.root} & folders.keys():
            made = made.naming(approvals.authors(shelf.statements(root, folders[root], trust)))
        return Change(
            words,
            pair.old,
            pair.new,
            found,
            len(whole.lines),
            len(whole.lines) - len(kept),
            trust,
            made,
            annotators,
            decide.demands(trust.policy, found.changeset.moves),
            decide.demands(trust.policy, found.changeset.moves, emergency=True),
            list(_statements(shelf, folders, found.changeset, trust, every=wish.decision == "withdraw")),
            materials.of(git, reader, pair.new, found.changeset, wish.materials),
            (*growth.faults(whole), *ownership.foreign(git, trust.policy, whole, commits, frozenset())[1]),
            tuple(delta for delta in first if changeset.key_text(delta.key) in keys),
        )


def _in_force(git: Git, reader: Reader, words: str, pair: Range, pin: str | None) -> tuple[Snapshot, Trust]:
    """Return the snapshot whose policy judges a range, and the trust there without those whom the range's newest distrusts."""
    one, three_dots, _ = words.partition("...")
    before = tree.commit(git, one or "HEAD", ("trust", approvals.FOLDER)) if three_dots else pair.old
    if not trusting.present(before):
        message = "no policy was in force before this change"
        raise TrustError(message, where=before.name, hint="labelvc trust init, commit it, then change labels")
    trust = trusting.load(reader, before, pin)
    heeded = silence.of(git, reader, lambda _: trust, (before, pair.new), pair.new.commit)
    return before, heeded.over(trust, pair.new.commit) if heeded else trust


def _gathered(git: Git, words: str, pair: Range, first: list[Delta]) -> Gathered:
    """Return all that moved in a range, or refuse what cannot be signed; keep the first deltas to show them."""
    deltas = comparing.between(git, pair.old, pair.new)
    first += islice(deltas, _KEPT)
    found = changeset.gather(chain(first, deltas))
    if found.twice:
        raise DataError("a key changes twice; its shard holds it twice", where=min(found.twice), hint="labelvc check")
    if changeset.empty(found.changeset):
        message = "nothing to decide on: no record or document differs"
        raise RefusedError(message, where=words, hint=f"labelvc diff {word(words)}")
    return found


def draft(change: Change, wish: Wish, key: PublicKey, now: datetime, nonce: str, most: int = LONGEST_LIST) -> Approval:
    """Return what would be signed, or refuse.

    Args:
        change: what there is to decide on.
        wish: what the person wants to say.
        key: public half of their key.
        now: with the person's offset from UTC.
        nonce: 32 random hex digits.
        most: bytes of the longest list of moves that is kept beside an approval.

    Returns:
        The decision, not yet signed.

    Raises:
        TrustError: the key belongs to no principal, or not to the one named; the policy has no such role; or separation is demanded and an author is
            nobody the policy knows.
        RefusedError: the policy does not grant the role, the person is an author or annotator where others are asked, or
            there is nothing to withdraw or no reason.
    """
    policy = change.trust.policy
    who = _speaker(change, wish, key)
    mine = [each for each in change.statements if each.approval.signer.principal == who]
    if wish.decision != "approve" and not wish.reason:
        hint = f'--decision {wish.decision} --reason "..."'
        raise RefusedError(f"a decision to {wish.decision} needs a reason", hint=hint)
    if wish.meaning == "emergency":
        _urge(change, wish)
    if wish.decision == "withdraw" and not mine:
        raise RefusedError(f"{who} has said nothing on this change-set that could be withdrawn", hint="labelvc verify")
    if wish.decision == "approve":
        _separate(change, who, wish)
    signed_at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if wish.expires_at and (wish.decision != "approve" or wish.expires_at <= signed_at):
        hint = "--expires 30d, or leave it out: what is said against a change has no end"
        raise RefusedError(
            f"only a yes expires, and later than now; not a {wish.decision} at {wish.expires_at}", hint=hint
        )
    root, (added, changed, removed) = change.found.changeset.root, change.found.sums
    gone = sorted(each.digest for each in mine if _superseded(each.approval, wish, root))
    offset = now.utcoffset() or timedelta()
    return Approval(
        root=root,
        decision=wish.decision,
        meaning=wish.meaning,
        role=wish.role,
        signer=Signatory(who, policy.principals[who].name),
        signed_at=signed_at,
        tz_offset_minutes=int(offset.total_seconds() // 60),
        reason=wish.reason,
        scope=Scope(policy.repository, _binding(change, wish, most), added, changed, removed),
        policy=Seen(policy.version, change.trust.digest.removeprefix("sha256:")),
        authors=tuple(sorted(change.authors.principals)),
        materials=change.materials,
        supersedes=tuple(gone),
        nonce=nonce,
        tool=f"labelvc {__version__}",
        expires_at=wish.expires_at,
        reference=wish.reference,
    )


def _binding(change: Change, wish: Wish, most: int) -> Literal["delta", "whole"]:
    """Return what a decision is bound to; a no keeps its list, or more beside what it refuses would go round it."""
    long = sum(len(line) + 1 for line in change.found.lines) > most
    return "whole" if long and wish.decision == "approve" else "delta"


def _superseded(old: Approval, wish: Wish, root: Digest) -> bool:
    """Tell whether a wish takes an older word of the same person back.

    A yes leaves their yes in another hat and their yes of the other kind: one in an emergency is none that the rules ask
    for. A no leaves their no to a part, which holds when the part comes alone.
    """
    if wish.decision != "approve":
        return wish.decision == "withdraw" or old.root == root
    if old.decision != "approve":
        return True
    return (old.role, old.meaning == "emergency") == (wish.role, wish.meaning == "emergency")


def _urge(change: Change, wish: Wish) -> None:
    """Return when the policy lets the role act in an emergency, and the wish says what it is."""
    if not wish.reason:
        raise RefusedError("an emergency needs a reason", hint='--emergency --reason "..."')
    if not any(need.role == wish.role for need in change.emergencies):
        able = ", ".join(sorted({need.role for need in change.emergencies}))
        hint = f"roles that may: {able}" if able else f"labelvc approve {word(change.words)} --role ROLE"
        raise RefusedError(f"no rule of the policy lets the role {wish.role} act in an emergency", hint=hint)


def kinds(change: Change) -> Counter[str]:
    """Return how many moves there are of each kind."""
    return Counter(decide.kind_of(move.key, removed=move.new is None) for move in change.found.changeset.moves)


def _speaker(change: Change, wish: Wish, key: PublicKey) -> str:
    """Return the principal who speaks with a key, in a role the policy grants."""
    policy = change.trust.policy
    who = people.owner_of(policy, key)
    if who is None:
        message = "the key belongs to no principal of the policy in force"
        role = wish.role if wish.role in policy.roles else "reviewer"
        hint = f"ask who keeps the root; {governing.enrol(role, change.words)}"
        raise TrustError(message, where=key.fingerprint, hint=hint)
    if silent := policy.distrusts(who, key.fingerprint):
        raise RefusedError(str(silent), where=key.fingerprint, hint="labelvc policy show")
    if wish.principal not in (None, who):
        message = f"the key belongs to {who}, not to {wish.principal}"
        raise TrustError(message, where=key.fingerprint, hint="labelvc key list")
    if wish.role not in policy.roles:
        raise TrustError(f"the policy has no role {wish.role}", hint=f"roles it has: {', '.join(sorted(policy.roles))}")
    roles = decide.roles_of(policy, who)
    if wish.role not in roles:
        held = ", ".join(roles) or "none"
        hint = f"{who} holds: {held}; who keeps the root can add one: labelvc policy add {who} --role {wish.role}"
        raise RefusedError(f"the policy does not grant {who} the role {wish.role}", hint=hint)
    return who


def _separate(change: Change, who: str, wish: Wish) -> None:
    """Refuse an author or annotator where the policy asks for others."""
    role = wish.role
    parts = {part for need in change.asked(wish.meaning) if need.role == role for part in need.distinct_from}
    if "author" in parts and who in change.authors.principals:
        raise _refusal(change, role, parts, f"{who} is an author of this change")
    if "annotators" in parts and who in change.annotators:
        raise _refusal(change, role, parts, f"{who} made a record this change touches")
    if "author" in parts and change.authors.strangers:
        commit = change.authors.strangers[0][:12]
        raise TrustError(
            "an author of this change is nobody the policy knows, so nobody can be told apart from them",
            where=commit,
            hint=f"git show -s --format=%ae {commit}; labelvc policy add PRINCIPAL --email ADDRESS",
        )


def _refusal(change: Change, role: str, parts: set[Separation], why: str) -> RefusedError:
    """Return the refusal of somebody who had a part in the change, with who can approve it or how to find one."""
    members = change.trust.policy.roles[role].members
    kept = {"author": change.authors.principals, "annotators": change.annotators}
    able = sorted(set(members).difference(*(kept[part] for part in parts)))
    if able:
        message = f"{why} and the policy asks for somebody else"
        return RefusedError(message, hint=f"ask {' or '.join(able)} to run it")
    return RefusedError(f"{why}, and nobody else holds the role {role}", hint=governing.enrol(role, change.words))


def _folders(git: Git, head: Snapshot) -> dict[Digest, dict[str, Entry]]:
    """Return the approval folders at a commit, with what is staged but not committed yet."""
    folders: dict[Digest, dict[str, Entry]] = {}
    for place in [head] if git.bare else [head, tree.index(git, (approvals.FOLDER,))]:
        for root, files in approvals.folders(place).items():
            folders.setdefault(root, {}).update(files)
    return folders


def _statements(
    shelf: Shelf, folders: Mapping[Digest, dict[str, Entry]], found: ChangeSet, trust: Trust, *, every: bool
) -> Iterator[Statement]:
    """Yield the valid statements that a new one may take back: on a change-set, and rejections of (or all on) a part of it."""
    wanted = frozenset(found.moves)
    for root, files in folders.items():
        if root != found.root:
            if not (every or shelf.objects(files)):
                continue
            part = shelf.changeset(root, files)
            if not isinstance(part, ChangeSet) or not wanted.issuperset(part.moves):
                continue
        for one in shelf.statements(root, files, trust):
            if isinstance(one, Statement) and (root == found.root or every or one.approval.decision == "reject"):
                yield one
