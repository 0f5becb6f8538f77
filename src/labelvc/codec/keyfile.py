"""Key files: a secret in shares, each encrypted to one person, of which some number together give it back.

The file holds nothing that opens anything by itself, and a commitment tells a wrong secret (docs/formats/vault.md).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from labelvc.codec import canonical, shamir
from labelvc.codec.derive import commitment
from labelvc.errors import DataError, TrustError

_SHARE = re.compile(rb"labelvc-share-v1 ([a-z]+) ([0-9a-f]{32}) ([1-9][0-9]{0,2}) ([0-9a-f]+)\n")


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key as it is handed on and kept.

    Attributes:
        purpose: what it is for: `tokenise` or `reverse`.
        commitment: 32 hex digits that only the secret yields.
        needs: how many people must come together.
        shares: person to an armored age file that holds their share.
        epoch: the epoch of a `tokenise` key.
        to: the recipient that whoever imports encrypts to; of a `reverse` key.
    """

    purpose: str
    commitment: str
    needs: int
    shares: dict[str, str]
    epoch: str = ""
    to: str = ""


class Share(NamedTuple):
    """One person's share, opened."""

    purpose: str
    commitment: str
    place: int
    data: bytes

    def __repr__(self) -> str:
        """Show no byte of it."""
        return f"Share({self.purpose!r}, {self.place}, ...)"


def shares(purpose: str, secret: bytes, needs: int, people: Sequence[str], random: bytes) -> Mapping[str, bytes]:
    """Cut a secret into one share a person.

    Args:
        purpose: what the secret is for; a share says it.
        secret: the bytes.
        needs: how many people must come together, at most as many as there are.
        people: their names.
        random: as for `shamir.split`.

    Returns:
        Person to the text of their share, to be encrypted to them alone.
    """
    cut = shamir.split(secret, needs, range(1, len(people) + 1), random)
    said = commitment(secret)
    return {
        person: f"labelvc-share-v1 {purpose} {said} {place} {cut[place].hex()}\n".encode()
        for place, person in enumerate(people, 1)
    }


def read_share(data: bytes) -> Share | None:
    """Return an opened share, or None when the bytes are none."""
    found = _SHARE.fullmatch(data)
    return (
        Share(found[1].decode(), found[2].decode(), int(found[3]), bytes.fromhex(found[4].decode())) if found else None
    )


def join(file: KeyFile, found: Sequence[Share], where: str) -> bytes:
    """Return the secret that shares give back, proved against the file's commitment.

    Raises:
        TrustError: a share is of another key, there are too few of them, or one of them is wrong.
    """
    if any((one.purpose, one.commitment) != (file.purpose, file.commitment) for one in found):
        raise TrustError(
            f"a share is of another key than this {file.purpose} key", where=where, hint="labelvc vault status"
        )
    places = {one.place: one.data for one in found}
    if len(places) < file.needs:
        have = f"{len(places)} of {file.needs}"
        raise TrustError(
            f"the {file.purpose} key needs {file.needs} of {', '.join(sorted(file.shares))}: {have} shares are here",
            where=where,
            hint="name the identity of each with --identity, or a share that somebody lent you (labelvc vault lend) with --share",
        )
    secret = shamir.join(places) if len({len(data) for data in places.values()}) == 1 else b""
    if not hmac.compare_digest(commitment(secret), file.commitment):
        message = f"the shares do not give the {file.purpose} key that the file commits to: one of them is wrong"
        raise TrustError(message, where=where, hint="ask whoever made the key file for it again")
    return secret


def write(file: KeyFile) -> bytes:
    """Return a key file's bytes: one canonical line, empty members left out."""
    return canonical.encode({name: value for name, value in msgspec.to_builtins(file).items() if value != ""}) + b"\n"


def read(data: bytes, where: str) -> KeyFile:
    """Read a key file.

    Raises:
        DataError: the bytes are no key file.
    """
    try:
        found = msgspec.json.decode(data, type=KeyFile)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = None
    if found is None or not 1 <= found.needs <= len(found.shares):
        raise DataError(
            "this is no key file (docs/formats/vault.md)", where=where, hint="ask whoever sent it to make it again"
        )
    return found
