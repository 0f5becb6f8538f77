"""Accounts in a text: bank accounts, payment cards and US Social Security numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate

from labelvc.codec import checksums, reserved
from labelvc.codec.addresses import Hit
from labelvc.codec.surroundings import beside, stands_free
from labelvc.model.detection import Settings

IBAN = "[A-Za-z]{2}[0-9]{2}[ -]?[0-9A-Za-z]{2}"
"""The head alone: how many follow, the country says."""
CARD = f"[0-9]{'[ -]?[0-9]' * 11}(?:[ -]?[0-9])*"
SSN = "[0-9]{3}[ -][0-9]{2}[ -][0-9]{4}"
BARE_SSN = "[0-9]{9,}"

LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
    "YE": 30,
}  # fmt: skip
"""Characters of an IBAN by country: the registry of ISO 13616-2, which SWIFT keeps."""
_ACCOUNTS = {
    length: re.compile(f"[0-9A-Za-z](?:[ -]?[0-9A-Za-z]){{{length - 1}}}") for length in sorted(set(LENGTHS.values()))
}
"""Letters and digits of an IBAN of each length, between which a blank or hyphen may stand."""
_NUMERIC = frozenset(
    [
        "AE",
        "AT",
        "BA",
        "BE",
        "BI",
        "CR",
        "CZ",
        "DE",
        "DJ",
        "DK",
        "EE",
        "EG",
        "ES",
        "FI",
        "FO",
        "GL",
        "HR",
        "HU",
        "IL",
        "IS",
        "LT",
        "LY",
        "ME",
        "MN",
        "MR",
        "NO",
        "PL",
        "PT",
        "RS",
        "SD",
        "SE",
        "SI",
        "SK",
        "SO",
        "ST",
        "TL",
        "TN",
        "VA",
        "XK",
    ]
)
"""Countries whose account numbers the registry has as digits only."""

# Issuer identification numbers of ISO/IEC 7812: first and last of a range, and how many digits its cards have; as the
# schemes publish them. Each scheme goes on giving out ranges within the block of numbers that it was given.
_ISSUERS = (
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)), ("2221", "2720", (16,)),  # Mastercard
    ("34", "34", (15,)), ("37", "37", (15,)),  # American Express
    ("300", "305", (14, 16)), ("3095", "3095", (14, 16)), ("36", "36", (14, 16)), ("38", "39", (14, 16)),  # Diners Club
    ("6011", "6011", (16, 19)), ("644", "659", (16, 19)),  # Discover
    ("35", "35", (16, 19)), ("1800", "1800", (15,)), ("2131", "2131", (15,)),  # JCB, the last two of before 1989
    ("62", "62", (16, 17, 18, 19)), ("81", "81", (16,)),  # UnionPay
    ("2200", "2204", (16, 17, 18, 19)),  # Mir
    ("60", "60", (16,)), ("508", "508", (16,)), ("82", "82", (16,)),  # RuPay
    ("9704", "9704", (16, 19)), ("9792", "9792", (16,)), ("9860", "9860", (16,)),  # 9 and a country (annex A): NAPAS, Troy, HUMO
    ("8600", "8600", (16,)),  # UZCARD
    ("5060", "5061", (16, 19)), ("6500", "6500", (16, 19)),  # Verve
    ("50", "50", tuple(range(12, 20))), ("56", "58", tuple(range(12, 20))), ("6", "6", tuple(range(12, 20))),  # Maestro
)  # fmt: skip
_WIDTHS = frozenset(
    [(width,) for width in range(12, 20)]
    + [(4,) * fours + ((rest,) if rest else ()) for fours in (3, 4) for rest in (0, 1, 2, 3)]
    + [(4, 6, 5), (4, 6, 4)]
)
"""Groups that cards are printed in: one piece, 4-4-4-4 and the like, 4-6-5, 4-6-4."""
_MOST_GROUPS = max(map(len, _WIDTHS))
_TOO_WIDE, _FEW = 20, 8
_SURE = 14
"""A 12- or 13-digit number that fits may well be a time in milliseconds or a row's id."""
_LEAST_DIGITS, _SSN_DIGITS = 6, 9
_PRINTED = re.compile("[A-Z0-9]+|(?:[A-Z0-9]{4} )+[A-Z0-9]{1,4}")
"""An IBAN as ISO 13616-1 writes it: in capitals, in one piece or in fours; other writing needs digits, or words would be one."""
_FIRST_GROUP = 4
CARD_WORDS = frozenset(
    [
        "card",
        "cards",
        "credit",
        "debit",
        "cc",
        "visa",
        "mastercard",
        "maestro",
        "amex",
        "karte",
        "kreditkarte",
        "carte",
        "tarjeta",
        "carta",
        "cartão",
        "karta",
    ]
)
"""Words that speak for a card, whoever gave it out."""


def iban(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge an IBAN: its country's length and its two check digits (ISO 13616-1), in one case, with single blanks or none."""
    country = text[start : start + 2].upper()
    if country not in LENGTHS or (start and (text[start - 1].isalnum() or text[start - 1] == "_")):
        return
    found = _ACCOUNTS[LENGTHS[country]].match(text, start)
    if not found or text[found.end() : found.end() + 1].isalnum():
        return
    value = found[0].replace(" ", "").replace("-", "")
    if country in _NUMERIC and not value[4:].isdigit():
        return  # `be12...` is how a digest may begin
    if not checksums.mod_97(value) or value not in (value.upper(), value.lower()):
        return
    if _PRINTED.fullmatch(found[0]) or sum(map(str.isdigit, value)) >= _LEAST_DIGITS:
        yield Hit(start, found.end())


def card(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge a run of digits: the card numbers in it, whole or in groups (ISO/IEC 7812-1: issuer's range, length, check digit)."""
    pieces = text[start:end].replace("-", " ").split(" ")
    shape = bytes([min(len(piece), _TOO_WIDE) for piece in pieces])
    if len(pieces) <= _FEW and not _printed(shape):
        return
    sums: list[int] = []
    first = taken = start
    for at, piece in enumerate(pieces):
        fits = _fitting(shape[at : at + _MOST_GROUPS], piece[:_FIRST_GROUP]) if first >= taken else ()
        if fits and not sums:
            sums = list(accumulate(map(_luhn_sum, pieces), initial=0))
        for width, length, even, known in fits:
            if (sums[at + width] - sums[at]) % 10 if even else not checksums.luhn("".join(pieces[at : at + width])):
                continue
            last = first + length + width - 1
            if stands_free(text, first, last) and (known or beside(text, first, last, CARD_WORDS)):
                taken = last
                yield Hit(first, last, sure=known and length >= _SURE)
                break
        first += len(piece) + 1


@lru_cache(maxsize=1 << 12)
def _printed(shape: bytes) -> bool:
    """Tell whether some of a few groups are as wide as those of a card, whoever gave it out."""
    return any(tuple(shape[at:end]) in _WIDTHS for at in range(len(shape)) for end in range(at + 1, len(shape) + 1))


@lru_cache(maxsize=1 << 14)
def _fitting(shape: bytes, beginning: str) -> tuple[tuple[int, int, bool, bool], ...]:
    """Return which of some groups may be one card's: those of an issuer's length, and whole numbers of any.

    Args:
        shape: how many digits each group has.
        beginning: the first digits of the first group.

    Returns:
        How many groups, the most first; how many digits these have; whether an even number follows each group; whether an
        issuer gives out cards of so many that begin so.
    """
    if shape[0] < _FIRST_GROUP:
        return ()
    issued = {
        length for first, last, lengths in _ISSUERS if first <= beginning[: len(first)] <= last for length in lengths
    }
    return tuple(
        (width, length, not any(after % 2 for after in shape[1:width]), length in issued)
        for width in range(len(shape), 0, -1)
        if tuple(shape[:width]) in _WIDTHS and ((length := sum(shape[:width])) in issued or width == 1)
    )


_luhn_sum = lru_cache(maxsize=1 << 14)(checksums.luhn_sum)


def ssn(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge three, two and four digits (SSA POMS RM 10201): surely a Social Security number only where hyphens join them."""
    if text[start + 3] != text[start + 6] or text[start - 1 : start] == "-" or text[end : end + 1] == "-":
        return
    digits = text[start : start + 3] + text[start + 4 : start + 6] + text[start + 7 : end]
    if (settings.reserved or not reserved.social_security(digits)) and stands_free(text, start, end):
        yield Hit(start, end, sure=text[start + 3] == "-")


def bare_ssn(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge nine digits in a row, for which a word beside them must speak."""
    if end - start == _SSN_DIGITS and stands_free(text, start, end) and not reserved.social_security(text[start:end]):
        yield Hit(start, end, sure=False)
