"""Erasures: the ledger of who was forgotten, who signed for it, and which holders of the vault's key have let go of them."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

import msgspec

from labelvc import __version__
from labelvc.codec import dsse, erasures, sshsig, vaultrow
from labelvc.errors import ConfigurationError, DataError, TrustError
from labelvc.model.approval import Signer as Signatory
from labelvc.model.erasure import NAMESPACE, Counted, Erasure, Holder
from labelvc.model.names import Digest
from labelvc.model.policy import Policy, PublicKey
from labelvc.model.snapshot import Snapshot
from labelvc.ops import people, sharing
from labelvc.ops import project as projects
from labelvc.ops import trust as trusting
from labelvc.store import disk, files, tree
from labelvc.store import git as plumbing
from labelvc.store import vault as folders
from labelvc.store.git import Git
from labelvc.store.keys import Ask, Signer
from labelvc.store.reader import Reader

_FILE = re.compile(rf"{projects.ERASURES}([^/]+)\.yaml")


class Roll(NamedTuple):
    """Who may sign, as the last commit says.

    Attributes:
        names: fingerprint to the person it belongs to: a principal, or a person of `privacy/recipients.yaml`.
        printed: person to their name in the policy.
        holders: who holds a share of the vault's key, with the fingerprints of their keys.
    """

    names: Mapping[str, str]
    printed: Mapping[str, str]
    holders: tuple[Holder, ...]

    def keys_of(self, person: str) -> set[str]:
        """Return the fingerprints of a person's keys."""
        return {key for key, name in self.names.items() if name == person}


class Entry(NamedTuple):
    """One erasure of the ledger.

    Attributes:
        name: of its file in `privacy/erasures/`, without `.yaml`.
        at: when, UTC, as the file says.
        tokens: what must stand nowhere any more.
        digest: SHA-256 of that file, which statements are about.
        signed: what was signed of it; None when nobody did, or not well.
        problems: what is wrong with a statement on it.
        holders: who has to confirm: whoever held a share of the vault's key then, and who came since.
        confirmed: of them, who has, with their statements.
    """

    name: str
    at: str
    tokens: tuple[str, ...]
    digest: Digest
    signed: Erasure | None
    problems: tuple[str, ...]
    holders: tuple[str, ...]
    confirmed: Mapping[str, Erasure]

    @property
    def pending(self) -> list[str]:
        """Who has not confirmed yet."""
        return [person for person in self.holders if person not in self.confirmed]


def held(git: Git, tokens: Collection[str]) -> int:
    """Return how many tokens the vault on this machine still has a row of; needs no key.

    Raises:
        DataError: the vault is damaged.
    """
    folder = folders.home(git)
    if folders.current(folder) is None:
        return 0
    rows = [vaultrow.read(line, name) for name, lines in folders.rows(folders.needed(folder)).items() for line in lines]
    return sum(row.sealed is not None and row.token in tokens for row in rows)


def roll(git: Git) -> Roll:
    """Return who may sign erasures, and who has to confirm them.

    Raises:
        TrustError: the policy in force does not verify.
    """
    names: dict[str, str] = {}
    printed: dict[str, str] = {}
    policy = _policy(git)
    try:
        held = dict(sharing.role(git, "reverse").people)
    except ConfigurationError:  # a project without a vault: nobody has anything to confirm
        held = {}
    for person, lines in held.items():
        names |= {sshsig.read_public(line).fingerprint: person for line in lines if not line.startswith("age1")}
    for person, each in policy.principals.items() if policy else ():
        names = {**{sshsig.read_public(line).fingerprint: person for line in each.keys}, **names}
        printed[person] = each.name
    known = Roll(names, printed, ())
    return known._replace(holders=tuple([Holder(who, tuple(sorted(known.keys_of(who)))) for who in sorted(held)]))


def speaker(known: Roll, key: PublicKey) -> str:
    """Return who a key belongs to.

    Raises:
        TrustError: nobody whom the last commit names.
    """
    who = known.names.get(key.fingerprint)
    if who is None:
        message = "the key belongs to no principal of the policy and to nobody of privacy/recipients.yaml"
        add = "labelvc policy add NAME --key FILE, under the name that recipients.yaml has; have it approved"
        hint = add if known.printed else "labelvc trust init --key FILE, and commit it"
        raise TrustError(message, where=key.fingerprint, hint=hint)
    return who


def listed(tokens: Sequence[str], at: str) -> bytes:
    """Return the file of an erasure: what must stand nowhere any more, and when that was decided."""
    rows = "".join([f"  - {token}\n" for token in sorted(tokens)])
    return f'schema: urn:labelvc:schema:erasure:1\nat: "{at}"\ntokens:\n{rows}'.encode()


def declare(git: Git, tokens: Sequence[str], at: str) -> str:
    """Write down in the work tree which tokens stand for nobody any more, and stage it: `check` then finds them in records.

    Returns:
        The path.
    """
    path = path_of(secrets.token_hex(8))
    with files.lock(git):
        disk.write_all({git.top / path: listed(tokens, at)}, git.top)
        plumbing.add(git, [path])
    return path


def path_of(name: str, person: str = "", did: Literal["erase", "confirm"] = "erase") -> str:
    """Return the path of an erasure's file, or of a person's statement on it."""
    if not person:
        return f"{projects.ERASURES}{name}.yaml"
    return f"{projects.ERASURES}{name}.{'by' if did == 'erase' else 'confirmed'}.{person}.json"


def draft(
    project: str, file: bytes, known: Roll, who: str, *, records: Counted | None = None, vault: str = ""
) -> Erasure:
    """Return what would be signed: of an erasure when there are counts of records, else of a confirmation.

    Args:
        project: UUID of the project.
        file: bytes of the erasure's file.
        known: who is who.
        who: the signer.
        records: what was done in the records.
        vault: root over the rows that are left; empty where there is no vault.
    """
    return Erasure(
        root=_digest(file),
        did="confirm" if records is None else "erase",
        repository=project,
        signer=Signatory(who, known.printed.get(who, who)),
        signed_at="",
        tool=f"labelvc {__version__}",
        records=records,
        holders=known.holders if records is not None else (),
        vault=vault,
    )


def sealed(said: Erasure, signer: Signer, now: datetime) -> bytes:
    """Sign an erasure or a confirmation and return its file.

    Raises:
        TrustError: the key could not sign.
    """
    offset = now.utcoffset() or timedelta()
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    dated = _dated(said, stamp, int(offset.total_seconds() // 60))
    return dsse.encode(trusting.seal(dsse.IN_TOTO, erasures.encode(dated), signer, NAMESPACE))


def read(git: Git, snapshot: Snapshot, known: Roll | None = None) -> list[Entry]:
    """Return the ledger of a snapshot, the oldest first.

    Args:
        git: the repository.
        snapshot: where.
        known: who may sign; None: as the last commit says.

    Raises:
        StoreError: a file cannot be read.
    """
    paths = {found[1]: path for path in snapshot.entries if (found := _FILE.fullmatch(path))}
    if not paths:
        return []
    known = known or roll(git)
    with tree.reader(git) as reader:
        entries = [_entry(git, reader, snapshot, known, name, path) for name, path in sorted(paths.items())]
    return sorted(filter(None, entries), key=lambda entry: (entry.at, entry.name))


def _entry(git: Git, reader: Reader, snapshot: Snapshot, known: Roll, name: str, path: str) -> Entry | None:
    data = reader.read(path, snapshot.entries[path])
    (value,) = projects.values(git, [("erasure", data)])
    if not value:
        return None
    project, problems = trusting.project_id(git), list[str]()
    said: dict[str, dict[str, Erasure]] = {"by": {}, "confirmed": {}}
    used: dict[str, str] = {}
    for place in sorted(place for place in snapshot.entries if place.startswith(f"{projects.ERASURES}{name}.")):
        noun, _, person = place.removeprefix(f"{projects.ERASURES}{name}.").removesuffix(".json").partition(".")
        if noun not in said or not place.endswith(".json"):
            continue
        try:
            signed, key = _opened(reader.read(place, snapshot.entries[place]), _digest(data), project)
        except (DataError, TrustError) as error:
            problems.append(f"{place}: {error.message}")
            continue
        if place == path_of(name, signed.signer.principal, signed.did):
            said[noun][person], used[place] = signed, key
        else:
            problems.append(f"{place}: the file is not named after what it holds")
    first = _first(said["by"], used, name, known, problems)
    holders: dict[str, set[str]] = {}
    for one in (*(first.holders if first else ()), *known.holders):  # who held a share then, and who came since
        holders.setdefault(one.person, set()).update(one.keys)
    confirmed = {}
    for person, signed in said["confirmed"].items():
        if used[path_of(name, person, "confirm")] in holders.get(person, set()):
            confirmed[person] = signed
        else:
            problems.append(f"{path_of(name, person, 'confirm')}: signed with a key that is not {person}'s")
    tokens = tuple(value["tokens"])
    return Entry(name, value["at"], tokens, _digest(data), first, tuple(problems), tuple(sorted(holders)), confirmed)


def _first(
    said: Mapping[str, Erasure], used: Mapping[str, str], name: str, known: Roll, problems: list[str]
) -> Erasure | None:
    """Return the erasure that somebody known signed; of several the first that was."""
    good = []
    for person, signed in said.items():
        if known.names.get(used[path_of(name, person)]) == person:
            good.append(signed)
        else:
            problems.append(f"{path_of(name, person)}: signed with a key that the last commit knows no {person} by")
    return min(good, key=lambda one: (one.signed_at, one.signer.principal), default=None)


def _opened(data: bytes, digest: Digest, project: str) -> tuple[Erasure, str]:
    """Return what a statement says and the fingerprint of the key that signed it.

    Raises:
        DataError, TrustError: it is none, is about another file or project, or its signature is not good.
    """
    envelope = dsse.decode(data, dsse.IN_TOTO)
    said = erasures.decode(envelope.payload)
    if said.root != digest:
        raise TrustError("it is about another list of tokens: the file was changed after it was signed")
    if said.repository != project:
        raise TrustError("it was made for another repository")
    if len(envelope.signatures) != 1:
        raise TrustError("one person signs an erasure: each writes a file")
    (signature,) = envelope.signatures
    key = sshsig.parse(signature.sig).key
    sshsig.verify(signature.sig, dsse.pae(envelope.payload_type, envelope.payload), NAMESPACE, key)
    return said, key.fingerprint


def _policy(git: Git) -> Policy | None:
    """Return the policy of the last commit; None where there is none yet."""
    if not plumbing.head(git):
        return None
    snapshot = tree.commit(git, "HEAD", ("trust",))
    with tree.reader(git) as reader:
        return trusting.load(reader, snapshot).policy if trusting.present(snapshot) else None


def signer_of(git: Git, where: people.Where, ask: Ask) -> Signer:
    """Return the key that somebody signs an erasure with.

    Raises:
        TrustError: none is named, or it cannot be used.
    """
    return people.signer(git, where, ask, _policy(git))


def _digest(data: bytes) -> Digest:
    return Digest(f"sha256:{hashlib.sha256(data).hexdigest()}")


def _dated(said: Erasure, at: str, offset: int) -> Erasure:
    return msgspec.structs.replace(said, signed_at=at, tz_offset_minutes=offset)
