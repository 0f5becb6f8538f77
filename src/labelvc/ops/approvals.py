"""The approvals folder of a snapshot: change-sets and the statements on them that hold under a policy."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple, TypeVar

from labelvc.codec import dsse, rawsig, sshsig, statement
from labelvc.core import changeset
from labelvc.core.holders import Holders
from labelvc.core.voices import Backing, Voice
from labelvc.errors import DataError, StoreError, TrustError
from labelvc.model import listing
from labelvc.model.approval import AGAINST, NAMESPACE, Approval, Envelope, Rekeying, Signature
from labelvc.model.change import ChangeSet
from labelvc.model.names import Digest
from labelvc.model.policy import Presence, PublicKey, Trust
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.store.reader import Reader

FOLDER = "approvals"
CHANGE_SET = "changeset.jsonl"
_LIST = f"/{CHANGE_SET}"
_PLACE = re.compile(
    rf"{FOLDER}/([0-9a-f]{{64}})/(?:{re.escape(CHANGE_SET)}|{statement.PRINCIPAL.pattern}\.[0-9a-f]{{12}}\.json)"
)
_AGAINST = tuple(b'"decision":"%b"' % word.encode() for word in AGAINST)  # the one spelling that a statement may have
_ENCODED = [part for words in _AGAINST for part in dsse.inside(words)]
_READY = 1000  # how many statements are kept at hand: more than one step brings

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

Folders = Mapping[Digest, Mapping[str, Entry]]
"""Folders of approvals: change-set root to the files in it by their paths."""


class Problem(NamedTuple):
    """A file that counts for nothing, and why.

    Attributes:
        path, message: the file, and why.
        authors: whom it names as authors where its signer is distrusted; they stay so, or their part in the change would be
            forgotten with the vote.
    """

    path: str
    message: str
    authors: tuple[str, ...] = ()


class Lost(Problem):
    """A statement that a step took away or changed."""


class Distrusted(Problem):
    """A statement that would hold, but whose signer the policy distrusts."""


class Statement(NamedTuple):
    """An approval whose signature is good and whose signer, role and repository the policy knows.

    Attributes:
        path: its file.
        digest: payload digest.
        approval: what it says.
        presence: what the signature proves of the person.
    """

    path: str
    digest: Digest
    approval: Approval
    presence: Presence


class Heard(NamedTuple):
    """What was said on one change-set: the statements that hold, and the files that count for nothing.

    Attributes:
        backing: the change-set with their voices.
        statements: the statements.
        problems: what is wrong with the other files.
    """

    backing: Backing
    statements: tuple[Statement, ...]
    problems: tuple[Problem, ...]


class Opened(NamedTuple):
    """An approval whose signature is good: its envelope, payload digest, what it says, and what the signature proves of the person."""

    envelope: Envelope
    digest: Digest
    approval: Approval
    presence: Presence


@lru_cache(maxsize=_READY)  # of each file that a step brings it is asked several times
def root_of(path: str) -> Digest | None:
    """Return the change-set that a file of the approvals folder is about; None of one that is named as no list or statement."""
    place = _PLACE.fullmatch(path)
    return Digest(f"sha256:{place[1]}") if place else None


def folders(snapshot: Snapshot) -> dict[Digest, dict[str, Entry]]:
    """Return the approval folders of a snapshot: change-set root to the files in it by their paths."""
    found: dict[Digest, dict[str, Entry]] = {}
    for path, entry in listing.under(snapshot.entries, FOLDER):
        if root := root_of(path):
            found.setdefault(root, {})[path] = entry
    return found


def folder_of(root: Digest) -> str:
    """Return the path of a change-set's folder."""
    return f"{FOLDER}/{root.removeprefix('sha256:')}"


def path_of(root: Digest, principal: str, digest: Digest) -> str:
    """Return the path of a statement: its change-set's folder, the signer, and the first 12 digits of its payload digest."""
    return f"{folder_of(root)}/{principal}.{digest.removeprefix('sha256:')[:12]}.json"


class Shelf:
    """Reads approvals: what was decoded and verified last is remembered for the steps that follow."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._changesets: dict[str, ChangeSet | str] = {}
        self._holders = Holders()
        self._against: dict[str, bool] = {}
        self._ready: OrderedDict[str, bytes] = OrderedDict()
        self._statements: OrderedDict[tuple[str, Digest], Opened | str] = OrderedDict()

    def changeset(self, root: Digest, files: Mapping[str, Entry]) -> ChangeSet | Problem:
        """Return the change-set kept in a folder, or why it counts for nothing."""
        path = f"{folder_of(root)}/{CHANGE_SET}"
        if path not in files:
            return Problem(path, "the change-set is missing")
        entry = files[path]
        known = self._changesets.get(entry.id) if entry.id else None
        if known is None:
            try:
                known = changeset.read(self._reader.read(path, entry))
            except DataError as error:
                known = error.message
            if entry.id:
                self._changesets[entry.id] = known
        if isinstance(known, str):
            return Problem(path, known)
        return (
            known
            if known.root == root
            else Problem(path, f"the change-set's root is {known.root}, not its folder's name")
        )

    def objecting(self, folders: Folders) -> Iterator[Digest]:
        """Yield the folders in which a file may say no or take a yes back; no signature is verified yet."""
        self._look_through(row for files in folders.values() for row in files.items())
        yield from (root for root, files in folders.items() if self.objects(files))

    def objects(self, files: Mapping[str, Entry]) -> bool:
        """Tell whether a file in a folder may say no or take a yes back; no signature is verified yet.

        Raises:
            StoreError: a file is missing or broken: what it says could be a no.
        """
        return any(self._may_object(path, entry) for path, entry in files.items() if not path.endswith(_LIST))

    def heard(
        self,
        root: Digest,
        files: Mapping[str, Entry],
        known: Container[str],
        trust: Trust,
        moves: ChangeSet | None = None,
    ) -> Heard:
        """Return what was said on a change-set.

        Args:
            root: its digest.
            files: its folder.
            known: paths of statements that were in history before the step; the others came with it.
            trust: policy whose principals count.
            moves: its moves; None for the very change-set that is judged.
        """
        told = list(self.statements(root, files, trust))
        found = tuple(one for one in told if isinstance(one, Statement))
        voices = tuple(voice(one, fresh=one.path not in known) for one in found)
        backing = Backing(root, None if moves is None else frozenset(moves.moves), voices, authors(told))
        return Heard(backing, found, tuple(one for one in told if isinstance(one, Problem)))

    def all_heard(self, moved: ChangeSet, folders: Folders, known: Container[str], trust: Trust) -> list[Heard]:
        """Return what was said on a change-set and on the others that share moves with it."""
        own = folders.get(moved.root)
        first = [] if own is None else [self.heard(moved.root, own, known, trust)]
        return [*first, *self.carried(moved, folders, known, trust)]

    def carried(self, moved: ChangeSet, folders: Folders, known: Container[str], trust: Trust) -> Iterator[Heard]:
        """Yield what was said on the other change-sets of a folder of approvals that share moves with one."""
        for root, other in self.sharing(moved, folders, folders):
            yield self.heard(root, folders[root], known, trust, other)

    def sharing(
        self, moved: ChangeSet, folders: Folders, roots: Iterable[Digest]
    ) -> Iterator[tuple[Digest, ChangeSet]]:
        """Yield those of some change-sets that share moves with another one, whose lists count in a folder of approvals."""
        asked = {root for root in roots if root != moved.root and root in folders}
        for root in asked:
            if root not in self._holders and isinstance(one := self.changeset(root, folders[root]), ChangeSet):
                self._holders.add(one)
        for root in self._holders.of(moved.moves):
            other = self.changeset(root, folders[root]) if root in asked else None
            if isinstance(other, ChangeSet):
                yield root, other

    def statements(self, root: Digest, files: Mapping[str, Entry], trust: Trust) -> Iterator[Statement | Problem]:
        """Yield the statements in a folder that hold under a policy, and what is wrong with the other files.

        Raises:
            StoreError: a file is missing or broken: what it says could be a no.
        """
        for path, entry in sorted(files.items()):
            if path.endswith(_LIST):
                continue
            try:
                found = self._opened(path, entry, trust)
                judge(path, root, found, trust)
            except (DataError, TrustError) as error:
                yield Problem(path, error.message)
                continue
            silent = trust.policy.distrusts(found.approval.signer.principal, found.envelope.signatures[0].keyid)
            if silent is not None:
                yield Distrusted(path, str(silent), found.approval.authors)
            else:
                yield Statement(path, found.digest, found.approval, found.presence)

    def _look_through(self, files: Iterable[tuple[str, Entry]]) -> None:
        """Read the statements that were not read before, all in one go."""
        wanted = [
            (path, entry)
            for path, entry in files
            if entry.kind == "git" and entry.id not in self._against and not path.endswith(_LIST)
        ]
        with suppress(StoreError):  # whoever needs the one that is missing will be told
            for (_, entry), (_, data) in zip(wanted, self._reader.many(wanted), strict=True):
                self._against[entry.id] = _against(data)
                _put(self._ready, entry.id, data)

    def _may_object(self, path: str, entry: Entry) -> bool:
        known = self._against.get(entry.id) if entry.id else None
        if known is None:
            known = _against(self._reader.read(path, entry))
            if entry.id:
                self._against[entry.id] = known
        return known

    def _opened(self, path: str, entry: Entry, trust: Trust) -> Opened:
        """Decode a statement and verify its signature, once for each policy."""
        at = (entry.id, trust.digest)
        known = self._statements.get(at) if entry.id else None
        if known is None:
            data = self._ready.pop(entry.id, None) or self._reader.read(path, entry)
            try:
                known = opened(data, trust)
            except (DataError, TrustError) as error:
                known = error.message
            if entry.id:
                _put(self._statements, at, known)
        if isinstance(known, str):
            raise TrustError(known, where=path)
        return known


def _put(kept: OrderedDict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Keep something at hand, and let go of what was put there long ago."""
    kept[key] = value
    if len(kept) > _READY:
        kept.popitem(last=False)


def _against(data: bytes) -> bool:
    """Tell whether a file may say no or take a yes back; what none of its bytes could spell is not even decoded."""
    for words in _ENCODED:
        if words in data:
            break
    else:
        return False
    try:
        payload = dsse.decode(data, dsse.IN_TOTO).payload
    except DataError:
        return False
    return any(words in payload for words in _AGAINST)


def opened(data: bytes, trust: Trust) -> Opened:
    """Read the file of an approval and verify its signature with a key of the principal it names.

    The SSHSIG decides. A raw signature beside it is for other programs: it adds nothing and must be good all the same, or
    two programs would give two verdicts on one file.

    Args:
        data: the file.
        trust: policy whose principals count.

    Returns:
        The envelope and what it says.

    Raises:
        DataError: not an approval in its one spelling.
        TrustError: more than the signature and a raw one by the same key, a signer the policy does not know, a key that is
            not theirs, a printed name that is not theirs, or a signature that is not good.
    """
    envelope = dsse.decode(data, dsse.IN_TOTO)
    signature, *more = envelope.signatures
    approval = statement.decode_approval(envelope.payload)
    person = trust.policy.principals.get(approval.signer.principal)
    if person is None:
        raise TrustError(f"{approval.signer.principal} is no principal of the policy in force")
    if person.name != approval.signer.printed_name:
        raise TrustError(f"the printed name is not the one the policy has for {approval.signer.principal}")
    key = next((key for line in person.keys if (key := sshsig.read_public(line)).fingerprint == signature.keyid), None)
    if key is None:
        raise TrustError(
            f"the key {signature.keyid} does not belong to {approval.signer.principal} in the policy in force"
        )
    message = dsse.pae(envelope.payload_type, envelope.payload)
    presence = sshsig.verify(signature.sig, message, NAMESPACE, key)
    _same_signer(key, message, more)
    return Opened(envelope, envelope.digest, approval, presence)


def _same_signer(key: PublicKey, message: bytes, more: Sequence[Signature]) -> None:
    """Return when what stands behind the first signature is nothing, or one raw signature by the same key."""
    if not more:
        return
    if len(more) > 1 or not rawsig.possible(key) or more[0].keyid != rawsig.keyid(key):
        raise TrustError(
            "an approval has one signature, and behind it at most a raw one by the same key; each person writes a file"
        )
    rawsig.verify(key, message, more[0].sig)


def judge(path: str, root: Digest, found: Opened, trust: Trust) -> None:
    """Return when a verified statement belongs where it lies and says what the policy lets its signer say.

    Raises:
        TrustError: it is about another change-set or repository, its role is not granted, or its file has another name.
    """
    approval = found.approval
    if approval.root != root:
        raise TrustError("the statement is about another change-set than its folder")
    if approval.scope.repository != trust.policy.repository:
        raise TrustError("the statement was made for another repository")
    if not trust.policy.grants(approval.signer.principal, approval.role):
        raise TrustError(f"the policy in force does not grant {approval.signer.principal} the role {approval.role}")
    if path != path_of(root, approval.signer.principal, found.digest):
        raise TrustError("the file is not named after its signer and payload digest")


def authors(told: Iterable[Statement | Problem]) -> frozenset[str]:
    """Return whom statements name as authors, those among them whose signer is distrusted."""
    named = (one.authors if isinstance(one, Problem) else one.approval.authors for one in told)
    return frozenset(name for names in named for name in names)


def voice(found: Statement, *, fresh: bool) -> Voice:
    """Return what a statement counts for."""
    said = found.approval
    who, emergency = said.signer.principal, said.meaning == "emergency"
    return Voice(
        who,
        said.role,
        said.decision,
        found.digest,
        said.supersedes,
        said.authors,
        fresh,
        found.presence,
        emergency,
        isinstance(said, Rekeying),
        said.signed_at,
        said.expires_at,
    )
