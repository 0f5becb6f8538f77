"""Pseudonyms: keyed tokens that stand for a person or another sensitive value (docs/formats/pseudonym.md).

A token is HMAC-SHA256 over the normalised value under a key derived from the epoch's secret for one project, domain and
kind, so it can be joined only where that is wanted and tested only by who holds the secret.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

from labelvc.codec.derive import commitment as _commitment
from labelvc.codec.derive import hkdf, prefixed
from labelvc.errors import ConfigurationError, DataError
from labelvc.model.secret import ALPHABET, TOKEN, Secret

BODY = 24
CHECK = 3
_UUID_BYTES = 16
_MODULUS = 7993  # the largest prime below 20^3
_MULTIPLIER = 31
_TOKEN = re.compile(f"[a-z]{{3}}_[{ALPHABET}]{{{1 + BODY + CHECK},{2 + BODY + CHECK}}}")
_TRIPLES = [a + b + c for a in ALPHABET for b in ALPHABET for c in ALPHABET]
_ERASED = ALPHABET[0] * (BODY // 2)
_SHORTER = 4 + 1 + BODY + CHECK
_anywhere = re.compile(TOKEN.encode()).findall
_BLANKS = re.compile(r"\s+")


class Kind(NamedTuple):
    """A kind of value: the letters its tokens start with, and how equal values are recognised."""

    letters: str
    normaliser: str
    normalise: Callable[[str], str]


def _text(value: str) -> str:
    return unicodedata.normalize("NFC", value).strip()


def _spaced(value: str) -> str:
    return _BLANKS.sub(" ", _text(value))


def _folded(value: str) -> str:
    return unicodedata.normalize("NFC", _spaced(value).casefold())


def _email(value: str) -> str:
    local, at, domain = _text(value).rpartition("@")
    if not at:
        return domain.lower()
    with suppress(UnicodeError):  # a domain too long or odd for IDNA stays as it is
        domain = domain.encode("idna").decode()
    return f"{local.lower()}@{domain.lower()}"


def _person(value: str) -> str:
    return _email(value) if value.count("@") == 1 and not _BLANKS.search(value.strip()) else _spaced(value)


def _phone(value: str) -> str:
    text = _text(value)
    figures = "".join([str(unicodedata.decimal(letter)) for letter in text if letter.isdecimal()])
    if not figures:
        return _spaced(value)
    if text.startswith("+"):
        return f"+{figures}"
    return f"+{figures[2:]}" if figures.startswith("00") else figures


def _packed(value: str) -> str:
    return _BLANKS.sub("", _text(value)).upper()


KINDS: Mapping[str, Kind] = {
    "person": Kind("prs", "person1", _person),
    "account": Kind("act", "nfc1", _text),
    "email": Kind("eml", "email1", _email),
    "phone": Kind("phn", "phone1", _phone),
    "name": Kind("nam", "name1", _folded),
    "device": Kind("dev", "nfc1", _text),
    "iban": Kind("ibn", "packed1", _packed),
    "place": Kind("plc", "name1", _folded),
    "organisation": Kind("org", "name1", _folded),
    "other": Kind("oth", "nfc1", _text),
}


def token(secret: Secret, project_id: str, domain: str, kind: str, value: str, scope: str = "") -> str:
    """Return the token of a value.

    Args:
        secret: the active epoch's secret.
        project_id: UUID of the project.
        domain: pseudonymisation domain; tokens of two domains cannot be joined.
        kind: a name in `KINDS`.
        value: the plain value, not empty; never kept, never shown.
        scope: empty for a person pseudonym (joins across datasets), a dataset's UUID for a relationship pseudonym, a
            record's key for a transaction pseudonym (no joins at all).

    Returns:
        Kind letters, `_`, epoch letters, 24 body letters, 3 check letters.

    Raises:
        ConfigurationError: unknown kind, or a project id that is no UUID.
        DataError: the value is empty once normalised, or no Unicode text.
    """
    normaliser, plain = normalised(kind, value)
    message = prefixed("tok1", scope, normaliser, plain)
    return of_bytes(kind, secret.epoch, hmac.digest(_key(secret, project_id, domain, kind), message, "sha256"))


def chained(secret: Secret, project_id: str, domain: str, old: str) -> str:
    """Return the token that follows a token of another epoch: made of that token alone, so it needs no plain value.

    Args:
        secret: of the epoch it belongs to.
        project_id: UUID of the project.
        domain: pseudonymisation domain.
        old: the token it follows, whatever epoch made it.

    Returns:
        A token of the same kind; two old ones never share it but with the chance of a collision.

    Raises:
        ConfigurationError: a project id that is no UUID.
        DataError: the old text is no token, is of a kind nobody knows, or belongs to this very epoch.
    """
    kind = kind_of(old)
    if not is_token(old) or not kind or epoch_of(old) == secret.epoch:
        raise DataError("only a token of a known kind and of another epoch can be carried into this one")
    key = _key(secret, project_id, domain, kind, "chain")
    return of_bytes(kind, secret.epoch, hmac.digest(key, prefixed("chain1", old), "sha256"))


def lineage(
    secrets: Sequence[Secret], project_id: str, domain: str, kind: str, value: str, scope: str = ""
) -> list[str]:
    """Return the tokens a value had and has in a chain of epochs, each made of the one before it.

    Args:
        secrets: of the epochs of a chain, oldest first; of an epoch that is not chained that one alone.
        project_id: as for `token`.
        domain: as for `token`.
        kind: as for `token`.
        value: as for `token`.
        scope: as for `token`.

    Returns:
        As many tokens; the last one is the one that stands for the value now.
    """
    first, *later = secrets
    found = [token(first, project_id, domain, kind, value, scope)]
    for secret in later:
        found.append(chained(secret, project_id, domain, found[-1]))
    return found


def normalised(kind: str, value: str) -> tuple[str, bytes]:
    """Return the name of a kind's normaliser, and what it makes of a value, as UTF-8.

    Raises:
        ConfigurationError: unknown kind.
        DataError: the value is empty once normalised, or no Unicode text.
    """
    sort = _kind(kind)
    try:
        plain = sort.normalise(value).encode()
    except UnicodeEncodeError:
        raise DataError("a sensitive value holds half of a surrogate pair, which UTF-8 cannot store") from None
    if not plain:
        raise DataError("a sensitive value is empty; leave the field out instead")
    return sort.normaliser, plain


def of_bytes(kind: str, epoch: str, random: bytes) -> str:
    """Return the token whose body is made of 32 bytes: of a keyed digest, or random ones that only the vault can trace."""
    number = int.from_bytes(random, "big")
    start = f"{_kind(kind).letters}_{epoch}{_letters(number * 20**BODY >> 256, BODY)}"
    return start + check(start)


def marker(token: str, random: bytes) -> str:
    """Return what stands in place of a token whose person was erased: of the same kind, epoch and length, and nobody's.

    Half of its body says that it is a marker; a token that a value yields begins so once in 20^12. The other half is drawn,
    so that two markers tell nothing of whether they stood for one person.

    Args:
        token: the token that goes.
        random: 32 random bytes.
    """
    start = token[: -BODY - CHECK] + _ERASED
    start += _letters(int.from_bytes(random, "big") % 20 ** (BODY // 2), BODY // 2)
    return start + check(start)


def is_marker(text: str) -> bool:
    """Tell whether a token marks somebody who was erased."""
    return is_token(text) and text[-BODY - CHECK :].startswith(_ERASED)


def found_in(data: bytes) -> set[str]:
    """Return everything in some bytes that may be a token, whatever stands around it; of two readings both."""
    found = {token.decode() for token in set(_anywhere(data))}
    return found | {token[:_SHORTER] for token in found}


def kind_of(text: str) -> str:
    """Return the kind of a token, by its letters; empty for a kind that is not known."""
    return next((name for name, kind in KINDS.items() if kind.letters == text[:3]), "")


def is_token(text: str) -> bool:
    """Tell whether a text is a token: its shape, and check letters that belong to the rest.

    No secret is needed. Any one letter replaced and any two neighbours of the body swapped are noticed, always;
    anything else with a chance of 7,992 in 7,993.
    """
    return _TOKEN.fullmatch(text) is not None and check(text[:-CHECK]) == text[-CHECK:]


def epoch_of(text: str) -> str:
    """Return the epoch letters of a token."""
    return text[4 : len(text) - BODY - CHECK]


def check(start: str) -> str:
    """Return the check letters of everything before them.

    The polynomial with multiplier 31 modulo the prime 7993 over the ASCII codes. A plain CRC-32 modulo 20^3 would let one
    typing error in 8,000 pass; modulo a prime, a single wrong letter changes the sum by a product of two numbers that
    the prime does not divide, so it always shows.
    """
    total = 0
    for code in start.encode("ascii", "replace"):
        total = (total * _MULTIPLIER + code) % _MODULUS
    return _TRIPLES[total]


def commitment(secret: Secret) -> str:
    """Return the public commitment to a secret, as `privacy/epochs.jsonl` holds it."""
    return _commitment(secret.reveal())


def next_epoch(last: str = "") -> str:
    """Return the id of the epoch after `last`: b, c, ... z, bb, bc, ... zz.

    Raises:
        ConfigurationError: `last` is zz, the 420th.
    """
    if not last:
        return ALPHABET[0]
    known: list[str] = [*ALPHABET, *[one + other for one in ALPHABET for other in ALPHABET]]
    at = known.index(last) + 1
    if at == len(known):
        raise ConfigurationError("the letters for epochs are used up", hint="start a new project")
    return known[at]


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise ConfigurationError(f"{name[:40]!r} is no kind of sensitive value", hint=f"use one of {', '.join(KINDS)}")
    return KINDS[name]


@lru_cache(maxsize=256)
def _key(secret: Secret, project_id: str, domain: str, kind: str, use: str = "tok") -> bytes:
    try:
        salt = bytes.fromhex(project_id.replace("-", ""))
    except ValueError:
        salt = b""
    if len(salt) != _UUID_BYTES:
        raise ConfigurationError("the project's id is no UUID", where="labelvc.yaml", hint="labelvc check")
    return hkdf(secret.reveal(), salt, prefixed("labelvc/v1", use, domain, kind), 32)


def _letters(number: int, count: int) -> str:
    """Write a number in base 20, most significant letter first, three letters at a time."""
    triples = []
    for _ in range(count // 3):
        number, rest = divmod(number, 8000)
        triples.append(_TRIPLES[rest])
    return "".join(reversed(triples))
