"""Manifests: the releases that a history holds, read, and their signatures judged by a policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from labelvc.codec import dsse, moment, sshsig, statement
from labelvc.core import decide
from labelvc.core import release as rules
from labelvc.core.decide import Case, Decision
from labelvc.core.diff import Summary
from labelvc.core.voices import Backing, Voice
from labelvc.errors import DataError, StoreError, TrustError
from labelvc.model.approval import Envelope, Seen
from labelvc.model.change import Move
from labelvc.model.policy import Policy, Trust
from labelvc.model.release import FOLDER, NAMESPACE, Release, Version
from labelvc.model.snapshot import Entry
from labelvc.ops import diff as differing
from labelvc.ops.diff import Range
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.process import UNSHALLOW

VERIFY = "labelvc release verify --all"


class Made(NamedTuple):
    """A manifest that history holds.

    Attributes:
        version: by its file's name.
        path: its file.
        commit: the commit that added it.
        entry: the file as it is now; None when it is not there any more.
    """

    version: Version
    path: str
    commit: str
    entry: Entry | None


class Touched(NamedTuple):
    """A file under `releases/` that a commit added or changed."""

    path: str
    commit: str
    added: bool


def touched(git: Git, commit: str) -> list[Touched]:
    """Return what a commit and its history did to the files of `releases/` but take them away, the newest first.

    Args:
        git: where.
        commit: full id.
    """
    words = (
        "log",
        "--full-history",
        "-c",
        "--no-renames",
        "--no-show-signature",
        "--name-status",
        "-z",
        "--format=%x01%H",
    )
    found = []
    for told in plumbing.run(git, *words, commit, "--", FOLDER).decode("utf-8", "surrogateescape").split("\1")[1:]:
        head, *rows = told.split("\0")
        names = [row.lstrip("\n") for row in rows if row.strip("\n")]
        pairs = zip(names[::2], names[1::2], strict=False)
        found += [Touched(path, head, status[:1] == "A") for status, path in pairs if status[:1] != "D"]
    return found


def history(git: Git, commit: str, rows: Sequence[Touched] | None = None) -> list[Made]:
    """Return every manifest that a commit or its history holds, by version.

    Args:
        git: where.
        commit: full id.
        rows: what `touched` returns, where it is known.

    Raises:
        StoreError: a shallow clone hides which commit added one.
    """
    entries = tree.commit(git, commit, (FOLDER,)).entries
    added = {row.path: row.commit for row in (touched(git, commit) if rows is None else rows) if row.added}
    found = []
    for path, head in added.items():
        name = path.removeprefix(f"{FOLDER}/").removesuffix(".json")
        if statement.VERSION.fullmatch(name) and path.endswith(".json"):
            found.append(Made(rules.version(name), path, head, entries.get(path)))
    if found and plumbing.is_shallow(git):
        raise StoreError("a shallow clone hides which commit added a release", where=FOLDER, hint=UNSHALLOW)
    return sorted(found)


def find(git: Git, commit: str, wanted: Version | None) -> Made:
    """Return a release in the tree of a commit.

    Args:
        git: where.
        commit: full id.
        wanted: the version; None: the last.

    Raises:
        DataError: there is none.
    """
    found = {made.version: made for made in history(git, commit) if made.entry is not None}
    if not found:
        raise DataError("nothing was released yet", where=f"{FOLDER}/", hint="labelvc release cut --next")
    if wanted is not None and wanted not in found:
        raise DataError(f"there is no release {wanted}", where=f"{FOLDER}/", hint="labelvc release list")
    return found[wanted or max(found)]


def ends(git: Git, words: str | None) -> tuple[str, Range]:
    """Read what release notes are asked for.

    Args:
        git: where.
        words: `A..B` of versions and revisions, a version or None for the last: against the release before it.

    Returns:
        What to call it, and the two snapshots.

    Raises:
        DataError: there is no such release.
        StoreError: no such revision.
    """
    commit = plumbing.resolve(git, "HEAD")
    found = history(git, commit)
    known = {str(made.version): made.commit for made in found}
    if words and ".." in words:
        one, two = [(word or "HEAD").removeprefix("v") for word in words.split("..", 1)]
        old, new = (known.get(name) or plumbing.resolve(git, name) for name in (one, two))
        return words, Range(*tree.differing(git, old, new))
    made = find(git, commit, rules.version(words.removeprefix("v")) if words else None)
    before = [each for each in found if each.version < made.version]
    title = f"Release {made.version}"
    if not before:
        return title, Range(tree.empty(), tree.commit(git, made.commit))
    return title, Range(*tree.differing(git, before[-1].commit, made.commit))


def opened(data: bytes, where: str = "") -> tuple[Envelope, Release]:
    """Read a manifest; no signature is verified.

    Args:
        data: the file.
        where: its path, for whom a message of ours is the last word.

    Raises:
        DataError: it is anything but a release in its one spelling.
    """
    try:
        envelope = dsse.decode(data, dsse.IN_TOTO)
        return envelope, statement.decode_release(envelope.payload)
    except DataError as error:
        raise DataError(error.message, where=where, hint=VERIFY) from None


def judge(path: str, envelope: Envelope, release: Release, trust: Trust) -> Decision:
    """Verify the signatures of a manifest and judge by a policy whether they suffice.

    Args:
        path: where it lies.
        envelope: its envelope.
        release: what it says.
        trust: the policy in force before it.

    Returns:
        The decision; a release stands with state `approved`.

    Raises:
        TrustError: a signature is not good, of nobody the policy knows or of somebody it distrusts, the signer it names has not signed, or what it
            says of signer, role, policy or repository is not so.
    """
    policy = trust.policy
    signed = {_signatory(policy, envelope, each) for each in range(len(envelope.signatures))}
    who = release.signer.principal
    if who not in signed:
        raise TrustError(f"{who}, whom it names as signer, has not signed it")
    if policy.principals[who].name != release.signer.printed_name:
        raise TrustError(f"the printed name is not the one the policy has for {who}")
    if release.role not in decide.roles_of(policy, who):
        raise TrustError(f"the policy in force does not grant {who} the role {release.role}")
    if release.repository != policy.repository:
        raise TrustError("it was made for another repository")
    if release.policy != Seen(policy.version, trust.digest.removeprefix("sha256:")):
        raise TrustError(f"it names policy version {release.policy.version}, which is not the one in force before it")
    voices = [
        Voice(name, role, "approve", envelope.digest, (), (), fresh=True, signed_at=release.signed_at)
        for name in sorted(signed)
        for role in ([release.role] if name == who else decide.roles_of(policy, name))
    ]
    # it says its own time: what a need asks of the age of a yes is nothing here, `release verify --max-age` tells it
    case = Case([Move(path, None, envelope.digest)], at=moment.seconds(release.signed_at))
    return decide.decide(policy, case, [Backing(envelope.digest, None, tuple(voices))])


def containing(git: Git, commit: str, line_at: Callable[[str], bytes | None]) -> Iterator[str]:
    """Yield the versions of the releases that hold a line as a commit holds it; whether they stand is not asked.

    Args:
        git: the repository.
        commit: full id of the commit.
        line_at: returns the line as it was at a commit.
    """
    now = line_at(commit)
    for made in history(git, commit) if now is not None else ():
        if made.entry is not None and line_at(made.commit) == now:
            yield str(made.version)


def moved(git: Git, old: str, new: str) -> Summary:
    """Return the counts of what changed between two commits."""
    return differing.summary(git, *tree.differing(git, old, new))


def _signatory(policy: Policy, envelope: Envelope, number: int) -> str:
    """Return the principal who made a signature."""
    each = envelope.signatures[number]
    message = dsse.pae(envelope.payload_type, envelope.payload)
    for name, person in policy.principals.items():
        for key in map(sshsig.read_public, person.keys):
            if key.fingerprint == each.keyid:
                sshsig.verify(each.sig, message, NAMESPACE, key)
                if silent := policy.distrusts(name, each.keyid):
                    raise TrustError(str(silent))
                return name
    raise TrustError(f"the key {each.keyid[:60]} belongs to nobody in the policy in force")
