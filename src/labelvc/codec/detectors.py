"""The detectors: one table of what personal data and secrets look like, each row with the standard that says so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from labelvc.codec import accounts, addresses, credentials, identities, telephones
from labelvc.codec.addresses import Hit
from labelvc.codec.surroundings import stands_free
from labelvc.model.detection import Settings

Sieve = Literal["at", "digits", "many", "iban", "fiscal", "dotted", "pairs", "run", "dashes"]
"""What every text that a detector can find something in has: `labelvc.core.sieve` looks for that first."""
Judge = Callable[[str, int, int, Settings], Iterable[Hit]]
NUMBERS, MANY = 6, 8
"""A detector of the sieve `digits`, or `many`, finds nothing with fewer decimal digits, between which no letter stands."""
ANY_REGION = "*"
RUN = 16
"""A detector of the sieve `run` finds nothing without so many letters, digits, `_`, `-`, `+`, `/` or `=` in a row."""


class Detector(NamedTuple):
    """One row.

    Attributes:
        id: its name, `phone.international`.
        rule: rule of the findings it makes, without `privacy.`.
        kind: kind of value, as pseudonyms have it; `secret` for credentials.
        sieve: what a text must have to be looked at.
        pattern: where to look, in the syntax that Python's `re` and RE2 share; never slower than linear.
        judge: tells whether a match is one, from where to where, and how surely.
        words: words beside it that make a likely value a sure one.
        needed: whether it is nothing without such a word.
        region: country whose data it finds, `*` for all that are asked for; empty: always looked for.
        source: the standard or the page that defines the form.
    """

    id: str
    rule: str
    kind: str
    sieve: Sieve
    pattern: str
    judge: Judge
    source: str
    words: frozenset[str] = frozenset()
    needed: bool = False
    region: str = ""


_SSN_WORDS = frozenset(["ssn", "social", "security"])
_BORN_WORDS = frozenset(
    [
        "born",
        "birth",
        "birthday",
        "birthdate",
        "birthdates",
        "dob",
        "d.o.b",
        "d.o.b.",
        "geboren",
        "geb",
        "geburtsdatum",
        "geburtstag",
        "né",
        "née",
        "naissance",
        "nacido",
        "nacida",
        "nacimiento",
        "nato",
        "nata",
        "nascita",
        "nascido",
        "nascida",
        "nascimento",
        "geboortedatum",
        "urodzony",
        "urodzona",
        "urodzenia",
        "född",
    ]
)
_PLACE_WORDS = frozenset(
    [
        "lat",
        "lon",
        "lng",
        "long",
        "latitude",
        "longitude",
        "gps",
        "coordinates",
        "coordinate",
        "position",
        "location",
        "geo",
        "located",
        "koordinaten",
    ]
)
_PASSPORT_WORDS = frozenset(
    ["passport", "passports", "reisepass", "passeport", "pasaporte", "passaporto", "passaporte", "paspoort", "paszport"]
)
_LICENCE_WORDS = frozenset(
    [
        "driver",
        "driver's",
        "drivers",
        "driving",
        "dl",
        "führerschein",
        "permis",
        "conducir",
        "patente",
        "habilitação",
        "rijbewijs",
    ]
)

_LONGEST_IDENTITY = 24


def _identity(row: identities.Identity) -> Detector:
    """Return the detector of a kind of identity number; digits that go on are part of the match, so that a run is read once."""
    whole = re.compile(row.pattern).fullmatch

    def judge(text: str, start: int, end: int, settings: Settings) -> Iterable[Hit]:
        if end - start > _LONGEST_IDENTITY or not stands_free(text, start, end) or not whole(text, start, end):
            return
        value = identities.compact(text[start:end])
        if sum(map(str.isdigit, value)) >= NUMBERS and row.fits(value):
            yield Hit(start, end, row.sure)

    return Detector(
        f"identity.{row.region.lower()}-{row.name}", "identity", "other",
        row.sieve,
        f"{row.pattern}[0-9]*", judge, row.source,
        frozenset(row.words), row.needed, row.region,
    )  # fmt: skip


DETECTORS: tuple[Detector, ...] = (
    Detector("secret.private-key", "secret", "secret", "dashes", credentials.PRIVATE_KEY, credentials.private_key, "RFC 7468, RFC 9580"),
    Detector("secret.jwt", "secret", "secret", "run", credentials.JWT, credentials.jwt, "RFC 7519"),
    Detector("secret.aws", "secret", "secret", "run", credentials.AWS, credentials.token, "AWS IAM User Guide, unique identifiers"),
    Detector("secret.github", "secret", "secret", "run", credentials.GITHUB, credentials.token, "GitHub Docs, token formats"),
    Detector("secret.slack", "secret", "secret", "run", credentials.SLACK, credentials.token, "Slack API, token types"),
    Detector("secret.google", "secret", "secret", "run", credentials.GOOGLE, credentials.token, "Google Cloud, API keys"),
    Detector("secret.service", "secret", "secret", "run", credentials.SERVICE, credentials.token, "the token formats that GitLab, Stripe, Hugging Face, npm, PyPI, SendGrid, DigitalOcean, OpenAI, Anthropic, Slack and Azure document"),
    Detector("secret.putty-key", "secret", "secret", "run", credentials.PUTTY, credentials.plain, "PuTTY manual, appendix C"),
    Detector("secret.age-key", "secret", "secret", "run", credentials.AGE_KEY, credentials.token, "C2SP age.md"),
    Detector("secret.age-file", "secret", "secret", "dashes", credentials.AGE_FILE, credentials.plain, "C2SP age.md"),
    Detector("secret.epoch", "secret", "secret", "run", credentials.OWN, credentials.plain, "docs/formats/pseudonym.md"),
    Detector("secret.vault", "secret", "secret", "run", credentials.VAULT, credentials.plain, "docs/formats/vault.md"),
    Detector("url.password", "url", "secret", "at", addresses.USERINFO, addresses.userinfo, "RFC 3986 section 3.2.1"),
    Detector("email", "email", "email", "at", addresses.EMAIL, addresses.email, "RFC 5321, RFC 5322, RFC 6531"),
    Detector("iban", "iban", "iban", "iban", accounts.IBAN, accounts.iban, "ISO 13616-1"),
    Detector("card", "card", "account", "many", accounts.CARD, accounts.card, "ISO/IEC 7812-1", accounts.CARD_WORDS),
    Detector("ssn", "ssn", "other", "many", accounts.SSN, accounts.ssn, "SSA POMS RM 10201", _SSN_WORDS),
    Detector("ssn.bare", "ssn", "other", "many", accounts.BARE_SSN, accounts.bare_ssn, "SSA POMS RM 10201", _SSN_WORDS, needed=True),
    Detector("ipv6", "address", "device", "pairs", addresses.IPV6, addresses.ipv6, "RFC 4291, RFC 5952, RFC 6890"),
    Detector("mac", "address", "device", "pairs", addresses.MAC, addresses.mac, "IEEE 802-2014 clause 8"),
    Detector("ipv4", "address", "device", "dotted", addresses.IPV4, addresses.ipv4, "RFC 791, RFC 6890"),
    *map(_identity, identities.IDENTITIES),
    Detector("phone.international", "phone", "phone", "many", telephones.INTERNATIONAL, telephones.international, "ITU-T E.164"),
    Detector("phone.dialled", "phone", "phone", "many", telephones.DIALLED, telephones.dialled, "ITU-T E.123"),
    Detector("phone.north-american", "phone", "phone", "many", telephones.NORTH_AMERICAN, telephones.north_american, "NANPA, ATIS-0300051", telephones.WORDS),
    Detector("phone.trunk", "phone", "phone", "many", telephones.TRUNK, telephones.trunk, "ITU-T E.123", telephones.WORDS),
    Detector("phone.national", "phone", "phone", "digits", telephones.NUMBER, telephones.national, "ITU-T E.129, national numbering plans", telephones.WORDS, region=ANY_REGION),
    Detector("phone.number", "phone", "phone", "digits", telephones.NUMBER, telephones.number, "ITU-T E.164", telephones.WORDS, needed=True),
    Detector("place.coordinates", "place", "place", "digits", credentials.COORDINATES, credentials.coordinates, "ISO 6709", _PLACE_WORDS),
    Detector("birth.date", "birth", "other", "digits", credentials.BIRTH, credentials.number, "ISO 8601", _BORN_WORDS, needed=True),
    Detector("paper.licence", "paper", "other", "digits", credentials.LICENCE, credentials.number, "ISO/IEC 18013-1", _LICENCE_WORDS, needed=True),
    Detector("paper.passport", "paper", "other", "digits", credentials.PASSPORT, credentials.number, "ICAO Doc 9303-3", _PASSPORT_WORDS, needed=True),
)  # fmt: skip
"""Every detector, in the order in which one goes before another where both claim the same characters."""

FINAL = frozenset(
    ("secret.private-key", "secret.putty-key", "secret.age-key", "secret.age-file", "secret.epoch", "secret.vault")
)
"""Keys and what they open: nobody can answer for one in a repository, it must go out and be made anew."""
IDS = frozenset(row.id for row in DETECTORS)
REGIONS = frozenset(telephones.NATIONAL) | identities.REGIONS
RULES = tuple(dict.fromkeys(row.rule for row in DETECTORS))
