"""Attest: every release proved again from the repository: its data, its place in the chain, its signatures, its log."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import nullcontext
from typing import NamedTuple

from labelvc.core import release as rules
from labelvc.core.release import Log
from labelvc.errors import DataError, Error, StoreError, TrustError
from labelvc.model.approval import Envelope
from labelvc.model.names import Digest
from labelvc.model.policy import Policy, Trust
from labelvc.model.release import FOLDER, Release, Version
from labelvc.model.secret import Secret
from labelvc.model.snapshot import Snapshot
from labelvc.ops import manifest as manifests
from labelvc.ops import release as releasing
from labelvc.ops import silence
from labelvc.ops import trust as trusting
from labelvc.ops import witness as witnessing
from labelvc.ops.manifest import Made
from labelvc.ops.state import Scale
from labelvc.ops.witness import Filed, Link
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_AGAIN = "cut again here, labelvc release cut --next, and bring releases in by merge or fast-forward"


class Verdict(NamedTuple):
    """What is wrong with a release.

    Attributes:
        version: of its file's name.
        commit: the commit that added it.
        release: what it says; None when it cannot be read.
        digest: payload digest; empty when it cannot be read.
        problems: what was found to be wrong.
        doubts: what could not be told.
        notes: what was not looked at, and why.
        witnesses: statements of others who saw it, which hold.
    """

    version: Version
    commit: str
    release: Release | None
    digest: Digest
    problems: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    witnesses: tuple[Filed, ...] = ()

    @property
    def state(self) -> str:
        """`good`, `wrong` or `undecidable`; what cannot be told weighs more than what was found."""
        return "undecidable" if self.doubts else "wrong" if self.problems else "good"


class Attester:
    """Proves the releases of one history, oldest first.

    Args:
        git: the repository.
        reader: reads files.
        cache: remembers what shards are.
        pin: digest of root version 1, from outside the repository; None when there is none.
        head: where the history ends; the newest policy on its line says who is distrusted.
    """

    def __init__(self, git: Git, reader: Reader, cache: Cache, pin: str | None, head: str) -> None:
        self._git, self._reader, self._cache, self._pin = git, reader, cache, pin
        self._heeding = silence.later(git, reader, head, lambda snapshot: trusting.load(reader, snapshot, pin))
        self._plain = Scale(reader, cache)
        self._last: tuple[Made, Envelope, Release] | None = None
        self._broken = False
        self.log = Log()
        """The log of approvals as the last release left it."""
        self.chain: list[Link] = []
        """The releases that could be read."""
        self.anchors: dict[Digest, bool] = {}
        """Digests of root version 1 met on the way, and whether they were pinned."""

    def verdict(self, made: Made, advance: Callable[..., None] | None) -> Verdict:
        """Return what is wrong with the next release.

        Args:
            made: the release.
            advance: called after each shard; None: its data are not looked at, only what the releases after it need.

        Raises:
            StoreError: the commit that added it cannot be read.
        """
        snapshot = tree.commit(self._git, made.commit, ("approvals", FOLDER))
        data = self._reader.read(made.path, snapshot.entries[made.path])
        statements = self._plain.statements(snapshot)
        before = self.log
        self.log = before.grown(statements)
        problems = [
            f"{path}: a statement that a release before counted is gone or changed" for path in before.lost(statements)
        ]
        if made.entry is None:
            problems.append("its file was taken out of the tree")
        elif made.entry != snapshot.entries[made.path]:
            problems.append("its file was changed after it was added")
        try:
            envelope, release = manifests.opened(data)
        except DataError as error:
            self._broken = True
            return Verdict(made.version, made.commit, None, Digest(""), (*problems, error.message))
        doubts: list[str] = []
        notes: list[str] = []
        problems += self._chained(made, release, len(before.rows))
        try:
            problems += self._signed(made, envelope, release)
            if advance is not None:
                other = list(self._told(made, release, advance, notes))
                notes += [self._home(made, release, advance)] if other and not problems else []
                problems += other
        except (StoreError, TrustError) as error:
            doubts.append(f"{error.where}: {error.message}" if error.where else error.message)
        self._last, self._broken = (made, envelope, release), False
        self.chain.append(Link(release, envelope.digest))
        return Verdict(
            made.version, made.commit, release, envelope.digest, tuple(problems), tuple(doubts), tuple(notes)
        )

    def _chained(self, made: Made, release: Release, before: int) -> Iterator[str]:
        """Yield what is wrong with a release's place among the others, and with its log of approvals."""
        if release.version != str(made.version):
            yield f"it says that it is version {release.version}"
        if self._broken:
            yield "the release before it cannot be read, so nothing vouches for what came before"
            return
        last = self._last
        named = (release.previous.version, release.previous.sha256) if release.previous else None
        known = (last[2].version, last[1].digest.removeprefix("sha256:")) if last else None
        if named != known or release.sequence != (last[2].sequence + 1 if last else 1):
            yield f"it does not follow {last[2].version if last else 'nothing'}, the release before it here"
        if last is not None and not plumbing.is_ancestor(self._git, last[0].commit, made.commit):
            yield "the release before it is not in its history"
        if release.approvals != self.log.checkpoint(before):
            yield "its checkpoint is not the one of the approvals in the tree"
        elif not rules.follows(last[2].approvals if last else None, release.approvals):
            yield "its log of approvals does not continue the one of the release before"

    def _signed(self, made: Made, envelope: Envelope, release: Release) -> Iterator[str]:
        """Yield what is wrong with the signatures, by the policy in force before the release."""
        trust = self.trust_before(made.commit)
        if trust is None:
            yield "no policy was in force before it"
            return
        try:
            decision = manifests.judge(made.path, envelope, release, trust)
        except TrustError as error:
            yield error.message
            return
        if decision.state != "approved":
            yield f"the policy in force before it does not let {release.signer.principal} alone release as {release.role}"

    def trust_before(self, commit: str) -> Trust | None:
        """Return the policy in force before a commit, without those who are distrusted in it; None when there was none.

        Raises:
            TrustError: it does not verify, or its root is not the one of the releases before.
        """
        parents = plumbing.run(self._git, "rev-list", "--parents", "--max-count=1", commit).decode().split()[1:2]
        if not parents:
            return None
        snapshot = tree.commit(self._git, parents[0], ("trust",))
        if not trusting.present(snapshot):
            return None
        trust = trusting.load(self._reader, snapshot, self._pin)
        if self.anchors and trust.anchor not in self.anchors:
            raise TrustError("the root of trust is another one than before an earlier release", where=commit[:12])
        self.anchors[trust.anchor] = trust.pinned
        return self._heeding(trust, commit)

    def policy_before(self, commit: str) -> Policy | None:
        """Return the policy in force before a commit, as `trust_before` finds it."""
        trust = self.trust_before(commit)
        return trust.policy if trust else None

    def _told(self, made: Made, release: Release, advance: Callable[..., None], notes: list[str]) -> Iterator[str]:
        """Yield what the release says otherwise than the commit that added it."""
        snapshot = tree.commit(self._git, made.commit)
        secret = self._secret(release, snapshot, notes)
        state = Scale(self._reader, self._cache, secret, release.repository).state(snapshot, advance)
        found = {one.name: one for one in state.datasets}
        for one in release.datasets:
            here = found.pop(one.name, None)
            if here != (one if secret else rules.plain(one)):
                yield f"datasets/{one.name}: the lines at {made.commit[:12]} are not those that were released"
        yield from (f"datasets/{name}: it is at {made.commit[:12]} and was not released" for name in found)
        if list(release.documents) != list(releasing.documents(self._git, self._reader, snapshot, state)):
            yield f"the documents at {made.commit[:12]} are not those that were released"
        if release.root != state.digest:
            yield f"the state at {made.commit[:12]} is {state.digest}, not {release.root}"
        if self._last is not None:
            last = self._last[0]
            least = rules.least(last.version, rules.bump(manifests.moved(self._git, last.commit, made.commit)))
            if made.version < least:
                yield f"what changed since {last.version} asks for {least} at least"

    def _home(self, made: Made, release: Release, advance: Callable[..., None]) -> str:
        """Return where the data are that a release is of, when nothing but them is wrong with it.

        It stays wrong all the same: nobody signed what lies beside it here.
        """
        words = ("log", "--all", "--full-history", "--diff-filter=A", "--no-show-signature", "--format=%H")
        for commit in plumbing.run(self._git, *words, "--", made.path).decode().split():
            if commit == made.commit:
                continue
            try:
                here = tree.commit(self._git, commit, (FOLDER,)).entries.get(made.path) == made.entry
                if here and not any(self._told(made._replace(commit=commit), release, advance, [])):
                    return f"it holds at {commit[:12]}, which is not in this history: {_AGAIN}"
            except StoreError:
                continue
        return f"all else holds, as when a branch is squashed onto a line that has gone on: {_AGAIN}"

    def _secret(self, release: Release, snapshot: Snapshot, notes: list[str]) -> Secret | None:
        """Return the secret of the salts; notes when it is not here, and the salted roots are not looked at."""
        names = {one.salted.epoch for one in release.datasets if one.salted}
        if not names:
            return None
        try:
            secret = releasing.secret_of(self._git, self._reader, snapshot, min(names)) if len(names) == 1 else None
        except Error as error:
            notes.append(f"salted roots not looked at: {error.message}")
            return None
        if secret is None:
            notes.append(
                f"salted roots not looked at: the secret of epoch {', '.join(sorted(names))} is not on this machine"
            )
        return secret


class Proof(NamedTuple):
    """What was found of the releases of a history.

    Attributes:
        verdicts: oldest first.
        anchors: digests of root version 1 that were met, and whether they were pinned.
        chain: the releases that could be read, oldest first, whether they were asked for or not.
        log: the log of approvals as the last of them left it.
    """

    verdicts: list[Verdict]
    anchors: dict[Digest, bool]
    chain: list[Link]
    log: Log


def verify(
    git: Git,
    wanted: Version | None,
    pin: str | None,
    advance: Callable[..., None] | None,
    *,
    everything: bool = False,
    cache: Cache | None = None,
) -> Proof:
    """Prove one release, the last, or all.

    Args:
        git: the repository.
        wanted: the one; None: the last.
        pin: digest of root version 1, from outside the repository; None when there is none.
        advance: called after each shard; None: data are not looked at, only chain, signatures and approvals.
        everything: prove all of them.
        cache: where shards are remembered; None for the repository's own.

    Returns:
        The proof.

    Raises:
        DataError: there is no such release.
        StoreError: git or DVC data is missing.
    """
    head = plumbing.resolve(git, "HEAD")
    rows = manifests.touched(git, head)
    found = manifests.history(git, head, rows)
    last = found[-1].version if found else None
    if wanted is not None and wanted not in {made.version for made in found}:
        raise DataError(f"there never was a release {wanted}", where="releases/", hint="labelvc release list")
    chosen = {made.version for made in found} if everything else {wanted or last}
    verdicts = []
    with tree.reader(git) as reader, Cache(git) if cache is None else nullcontext(cache) as remembered:
        attester = Attester(git, reader, remembered, pin, head)
        for made in found:
            verdict = attester.verdict(made, advance if made.version in chosen else None)
            if made.version in chosen:
                verdicts.append(verdict)
            if made.version == wanted and not everything:
                break
        filed = witnessing.filed(git, reader, head, rows, attester.policy_before)
    known = {made.version for made in found}
    verdicts = [
        _witnessed(verdict, attester.chain, [one for one in filed if _concerns(one, verdict.version, known)])
        for verdict in verdicts
    ]
    return Proof(verdicts, attester.anchors, attester.chain, attester.log)


def _concerns(one: Filed, version: Version, known: Collection[Version]) -> bool:
    """Tell whether a statement is about a release; one about a release that is not here concerns the last that is."""
    return one.version == version or (one.version not in known and version == max(known))


def _witnessed(verdict: Verdict, chain: Sequence[Link], filed: Sequence[Filed]) -> Verdict:
    """Return a verdict with the witnesses' statements: those that hold, and what is wrong with the others."""
    good, problems, notes = [], [], []
    for one in filed:
        if one.silent:
            notes += [f"{one.path} witnesses nothing: {one.silent}"] if one.present else []
            continue
        flaws = list(witnessing.flaws(one.said, chain)) if one.said else []
        if not one.present:
            flaws = [] if flaws or not one.said else ["it was changed or taken out of the tree after it was added"]
        elif not one.said:
            flaws = [one.problem]
        problems += [f"{one.path}: {flaw}" for flaw in flaws]
        good += [one] if one.present and not flaws else []
    return verdict._replace(
        problems=(*verdict.problems, *problems), notes=(*verdict.notes, *notes), witnesses=tuple(good)
    )
