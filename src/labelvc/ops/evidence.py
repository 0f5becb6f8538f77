"""Evidence: the life of a record with what proves each part of it: digests, signatures then and now, releases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from labelvc.codec import canonical, dsse, statement
from labelvc.core import diff
from labelvc.errors import DataError, Error, TrustError
from labelvc.model.approval import Approval
from labelvc.model.names import Digest, Key
from labelvc.model.policy import Trust
from labelvc.model.vote import Vote
from labelvc.ops import approvals, people
from labelvc.ops import course as courses
from labelvc.ops import manifest as manifests
from labelvc.ops import prove as proving
from labelvc.ops import trace as tracing
from labelvc.ops.attest import Attester
from labelvc.ops.makers import Made
from labelvc.ops.population import UNKNOWN, Census
from labelvc.ops.steps import Step
from labelvc.ops.trace import Life
from labelvc.ops.verify import Walk
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.reader import Reader

GOOD = "good"
"""What is said of a signature that holds."""


class Document(NamedTuple):
    """A document as it lay at a commit, and its digest where the history ends; None when it is gone."""

    path: str
    digest: Digest
    today: Digest | None


class Word(NamedTuple):
    """A statement on a change, and what is to be said of its signature.

    Attributes:
        vote: the statement, judged by the policy in force before the change came in.
        digest: payload digest; empty when the file is no statement.
        approval: what it says; None when the file is no statement.
        now: `good`, or why it would not count under the policy at the end of the history.
    """

    vote: Vote
    digest: Digest
    approval: Approval | None
    now: str

    @property
    def then(self) -> str:
        """`good`, or why it did not count when the change came in."""
        return self.vote.problem or GOOD


class Proof(NamedTuple):
    """One change of a life, with what proves it.

    Attributes:
        old, new: digests of its line before and after; None where there was none.
        authors: principals who made the commit, and `unknown`.
        maker: the principal behind the pseudonym in `by`, where the policy tells; empty otherwise.
        guideline, taxonomy: the documents at the commit; None where there was none of that name.
        parent: the commit before the step by which the change came in; empty for a root commit.
        changeset: of that step.
        state: how `verify` judges that step.
        policy: version and digest of the policy in force before it; None where there was none.
        words: the statements that cover the change.
    """

    old: Digest | None
    new: Digest | None
    authors: tuple[str, ...]
    maker: str
    guideline: Document | None
    taxonomy: Document | None
    parent: str
    changeset: Digest
    state: str
    policy: tuple[int, Digest] | None
    words: tuple[Word, ...]


class Held(NamedTuple):
    """A release that holds the present line.

    Attributes:
        version, digest: of the release.
        state: of its signature and its place in the chain, as `release verify` says it without looking at all data.
        root: plain root of the dataset, in hexadecimal, to which the line was followed; empty when that could not be done.
        why: why not.
    """

    version: str
    digest: Digest
    state: str
    root: str
    why: str = ""


class Record(NamedTuple):
    """The life of a record and the proof of each of its steps, in the same order.

    Attributes:
        life: as `trace` tells it.
        proofs: one a step.
        now, item: digest of its present line, and of its item's; None when there is none.
        releases: those that hold it.
        anchor: digest of the first root, and whether it is the pinned one; None where there is no policy.
    """

    life: Life
    proofs: list[Proof]
    now: Digest | None
    item: Digest | None
    releases: list[Held]
    anchor: tuple[Digest, bool] | None


def trace(git: Git, key: Key, rev: str, pin: str | None) -> Record:
    """Return the life of a record with its proofs.

    Args:
        git: the repository.
        key: of the record or item.
        rev: where its history ends.
        pin: digest of root version 1, from outside the repository; None when there is none.

    Raises:
        DataError: the record never existed.
        StoreError: an object is missing, or the clone is shallow.
    """
    life = tracing.trace(git, key, rev, pin)
    head = plumbing.resolve(git, rev)
    with tree.reader(git) as reader, Cache(git) as cache:
        witness = _Witness(git, reader, head, pin)
        proofs = [witness.proof(step) for step in life.steps]
        attester = Attester(git, reader, cache, pin, head)
        releases = list(_held(git, attester, life, head))
        trust = witness.trust
    anchor = None if trust is None else (trust.anchor, trust.pinned)
    return Record(life, proofs, _digest(life.now), _digest(life.item), releases, anchor)


class _Witness:
    """Looks up what proves a step."""

    def __init__(self, git: Git, reader: Reader, head: str, pin: str | None) -> None:
        self._git, self._reader, self._head = git, reader, head
        self._walk, self._census = Walk(git, reader, pin), Census(git, reader, pin)
        self._walk.heed(courses.read(git, head))
        self._files = tree.commit(git, head, [approvals.FOLDER]).entries
        self._steps: dict[str, Step] = {}
        self.trust = self._census.trust(head)

    def proof(self, step: tracing.Step) -> Proof:
        """Return what proves a step."""
        parent = step.integrated.parents[0] if step.integrated.parents else ""
        trust = self._census.trust(parent)
        judged = self._steps.get(step.integrated.id)
        if judged is None:
            judged = self._steps[step.integrated.id] = self._walk.step(parent, step.integrated.id)
        by = diff.decoded(diff.live(step.delta.new)).get("by")
        makers = people.annotators(trust.policy, [by]) if trust and isinstance(by, str) else frozenset()
        meaning = step.meaning
        names = (meaning.guideline, meaning.taxonomy) if meaning else ("", "")
        return Proof(
            old=_digest(step.delta.old),
            new=_digest(step.delta.new),
            authors=_authors(step, trust),
            maker=min(makers, default=""),
            guideline=self._document("guidelines", step.commit.id, names[0]),
            taxonomy=self._document("taxonomies", step.commit.id, names[1]),
            parent=parent,
            changeset=judged.root,
            state=judged.state,
            policy=None if trust is None else (trust.policy.version, trust.digest),
            words=tuple(self._word(vote, step.integrated.id) for vote in step.votes),
        )

    def _word(self, vote: Vote, commit: str) -> Word:
        data = self._reader.read(vote.path, self._files[vote.path])
        try:
            envelope = dsse.decode(data, dsse.IN_TOTO)
            approval = statement.decode_approval(envelope.payload)
        except DataError as error:
            return Word(vote, Digest(""), None, error.message)
        now = GOOD
        if self.trust is None:
            now = "there is no policy any more that could be used"
        else:
            try:
                approvals.judge(vote.path, approval.root, approvals.opened(data, self.trust), self.trust)
            except (DataError, TrustError) as error:
                now = error.message
            who, keyid = approval.signer.principal, envelope.signatures[0].keyid
            if silent := self._walk.heeding(self.trust, commit).policy.distrusts(who, keyid):
                now = str(silent)
        return Word(vote, envelope.digest, approval, now)

    def _document(self, folder: str, commit: str, name: str) -> Document | None:
        """Return a document at a commit; the name is `name@version`."""
        path = f"{folder}/{name.partition('@')[0]}.yaml"
        data = plumbing.show(self._git, commit, path) if name else b""
        today = plumbing.show(self._git, self._head, path) if name else b""
        return Document(path, canonical.digest(data), _digest(today or None)) if data else None


def _held(git: Git, attester: Attester, life: Life, head: str) -> Iterator[Held]:
    """Yield the releases that hold the present line, each with the line followed to its root."""
    for made in manifests.history(git, head) if life.releases is not None else ():
        verdict = attester.verdict(made, None)
        if str(made.version) not in (life.releases or ()):
            continue
        root, why = "", ""
        try:
            proof = proving.prove(git, life.key, made.version, plain=True)
        except Error as error:
            why = error.message
        else:
            root = next(
                one.root
                for one in statement.decode_release(dsse.decode(proof.manifest.encode(), dsse.IN_TOTO).payload).datasets
                if one.name == life.key.dataset
            )
        yield Held(str(made.version), verdict.digest, verdict.state, root, why)


def _authors(step: tracing.Step, trust: Trust | None) -> tuple[str, ...]:
    if trust is None:
        return (UNKNOWN,)
    who = (step.commit.author, *step.commit.coauthors)
    found = people.authors(trust.policy, [Made(step.commit.id, tuple(one.email for one in who))])
    return (*sorted(found.principals), *([UNKNOWN] if found.strangers else []))


def _digest(line: bytes | None) -> Digest | None:
    return None if line is None else canonical.digest(line)
