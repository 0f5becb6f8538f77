"""Identities: numbers that states give to people, by country, each with the check digits its rule demands."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from labelvc.codec import checksums

_KEEP = re.compile("[^0-9A-Z]+")
_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (
            1,
            0,
            5,
            7,
            9,
            13,
            15,
            17,
            19,
            21,
            1,
            0,
            5,
            7,
            9,
            13,
            15,
            17,
            19,
            21,
            2,
            4,
            18,
            20,
            11,
            3,
            6,
            8,
            12,
            14,
            16,
            10,
            22,
            25,
            24,
            23,
        ),
        strict=True,
    )
)
_FINNISH = "0123456789ABCDEFHJKLMNPRSTUVWXY"


class Identity(NamedTuple):
    """A kind of identity number.

    Attributes:
        region: country, ISO 3166-1 alpha-2.
        name: what it is called there.
        pattern: how it is written.
        fits: whether a number's letters and digits, upper case, belong together.
        source: who says so.
        sure: its form alone proves it; else a word beside it must.
        words: words that speak for it.
        needed: whether it is nothing without such a word: one check digit lets every tenth number through.
        sieve: what a text must have, as `labelvc.codec.detectors` has it.
    """

    region: str
    name: str
    pattern: str
    fits: Callable[[str], bool]
    source: str
    sure: bool = False
    words: tuple[str, ...] = ()
    needed: bool = False
    sieve: Literal["digits", "many", "fiscal"] = "many"


def compact(text: str) -> str:
    """Return the letters and digits of a number, upper case."""
    return _KEEP.sub("", text.upper())


def _cpf(digits: str) -> bool:
    if len(set(digits)) == 1:
        return False
    return all(
        checksums.weighted(digits[:length], range(length + 1, 1, -1), 11) * 10 % 11 % 10 == int(digits[length])
        for length in (9, 10)
    )


def _day(year: int, month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def _pesel(digits: str) -> bool:
    month = int(digits[2:4]) % 20
    return _day(0, month, int(digits[4:6])) and checksums.weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), 10) == 0


def _dni(text: str) -> bool:
    number = text.translate(str.maketrans("XYZ", "012", "")) if text[0] in "XYZ" else text
    return _LETTERS[int(number[:-1]) % 23] == text[-1]


def _fiscal(text: str) -> bool:
    plain = [int(letter, 36) if letter.isdigit() else ord(letter) - 65 for letter in text[:15]]
    total = sum(_ODD[letter] if at % 2 == 0 else plain[at] for at, letter in enumerate(text[:15]))
    return chr(65 + total % 26) == text[15] and text[8] in "ABCDEHLMPRST"


def _nir(text: str) -> bool:
    body = text[:13].replace("2A", "19").replace("2B", "18")
    return body.isdigit() and text[0] in "123478" and 97 - int(body) % 97 == int(text[13:])


def _steuer(digits: str) -> bool:
    first = digits[:10]
    return digits[0] != "0" and len(set(first)) in (8, 9) and checksums.mod_11_10(digits)


def _nhs(digits: str) -> bool:
    check = 11 - checksums.weighted(digits[:9], range(10, 1, -1), 11)
    return check % 11 == int(digits[9]) and check != 10


def _nino(text: str) -> bool:
    return not (text[0] in "DFIQUV" or text[1] in "DFIOQUV" or text[:2] in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ"))


def _bsn(digits: str) -> bool:
    return digits != "0" * 9 and checksums.weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1), 11) == 0


def _belgian(digits: str) -> bool:
    born = _day(0, int(digits[2:4]) % 20, int(digits[4:6]))
    return born and any(97 - int(century + digits[:9]) % 97 == int(digits[9:]) for century in ("", "2"))


def _swedish(digits: str) -> bool:
    short = digits[-10:]
    return _day(0, int(short[2:4]), (int(short[4:6]) - 1) % 60 + 1) and checksums.luhn(short)


def _danish(digits: str) -> bool:
    return _day(0, int(digits[2:4]), int(digits[:2]))


def _finnish(text: str) -> bool:
    return _day(0, int(text[2:4]), int(text[:2])) and _FINNISH[int(text[:6] + text[-4:-1]) % 31] == text[-1]


def _nif(digits: str) -> bool:
    check = 11 - checksums.weighted(digits[:8], range(9, 1, -1), 11)
    return digits[0] in "1235689" and (0 if check > 9 else check) == int(digits[8])


def _swiss(digits: str) -> bool:
    return checksums.weighted(digits, (1, 3) * 6 + (1,), 10) == 0


def _aadhaar(digits: str) -> bool:
    return digits[0] not in "01" and checksums.verhoeff(digits)


def _sin(digits: str) -> bool:
    return digits[0] not in "08" and checksums.luhn(digits)


def _tfn(digits: str) -> bool:
    return checksums.weighted(digits, (1, 4, 3, 7, 5, 8, 6, 9, 10), 11) == 0


IDENTITIES = (
    Identity("BR", "cpf", r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", _cpf, "Receita Federal, CPF", sure=True),
    Identity("BR", "cpf-bare", r"[0-9]{11}", _cpf, "Receita Federal, CPF", words=("cpf",)),
    Identity("PL", "pesel", r"[0-9]{11}", _pesel, "Ustawa o ewidencji ludności, art. 15", words=("pesel",)),
    Identity("ES", "dni", r"[0-9]{8}[ -]?[A-Za-z]", _dni, "Real Decreto 1553/2005, NIF", sure=True, words=("dni", "nif")),
    Identity("ES", "nie", r"[XYZxyz][ -]?[0-9]{7}[ -]?[A-Za-z]", _dni, "Orden INT/2058/2008", sure=True, words=("nie",), sieve="digits"),
    Identity(
        "IT", "codice-fiscale", r"[A-Za-z]{6}[0-9]{2}[A-Za-z][0-9LMNP-Vl-np-v]{2}[A-Za-z][0-9LMNP-Vl-np-v]{3}[A-Za-z]",
        _fiscal, "D.M. 23 dicembre 1976, codice fiscale", sure=True, words=("codice", "fiscale", "cf"), sieve="fiscal",
    ),
    Identity("FR", "nir", r"[1-478] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9ABab] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}", _nir, "INSEE, NIR", sure=True, words=("nir", "insee", "sécu", "sociale"), sieve="digits"),
    Identity("DE", "steuer-id", r"[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}", _steuer, "§ 139b AO, ISO/IEC 7064", words=("steuer", "steuernummer", "idnr", "identifikationsnummer", "tin", "steueridentifikationsnummer")),
    Identity("GB", "nino", r"[A-Za-z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-Da-d]", _nino, "HMRC NIM39110", sure=True, words=("ni", "nino", "insurance"), sieve="digits"),
    Identity("GB", "nhs", r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}", _nhs, "NHS Data Dictionary, NHS number", words=("nhs",), needed=True),
    Identity("NL", "bsn", r"[0-9]{9}", _bsn, "Wet algemene bepalingen burgerservicenummer", words=("bsn", "burgerservicenummer", "sofinummer"), needed=True),
    Identity("BE", "nrn", r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}[.-][0-9]{2}", _belgian, "AR 3 avril 1984, numéro national", sure=True),
    Identity("SE", "personnummer", r"(?:[12][0-9])?[0-9]{6}[-+][0-9]{4}", _swedish, "Skatteverket SKV 704", sure=True, words=("personnummer", "pnr")),
    Identity("DK", "cpr", r"[0-9]{6}-[0-9]{4}", _danish, "CPR-kontoret, personnummeret", words=("cpr", "personnummer"), needed=True),
    Identity("FI", "hetu", r"[0-9]{6}[-+AaB-Fb-fU-Yu-y][0-9]{3}[0-9A-Ya-y]", _finnish, "DVV, henkilötunnus", sure=True, words=("hetu", "henkilötunnus"), sieve="digits"),
    Identity("PT", "nif", r"[0-9]{9}", _nif, "Decreto-Lei 14/2013, NIF", words=("nif", "contribuinte"), needed=True),
    Identity("CH", "ahv", r"756\.?[0-9]{4}\.?[0-9]{4}\.?[0-9]{2}", _swiss, "AHVV Art. 133, EAN-13", sure=True, words=("ahv", "avs")),
    Identity("IN", "aadhaar", r"[2-9][0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}", _aadhaar, "UIDAI, Aadhaar number", words=("aadhaar", "aadhar", "uid", "uidai")),
    Identity("CA", "sin", r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}", _sin, "Service Canada, SIN", words=("sin", "nas", "insurance"), needed=True),
    Identity("AU", "tfn", r"[0-9]{3} ?[0-9]{3} ?[0-9]{3}", _tfn, "ATO, TFN", words=("tfn", "tax"), needed=True),
)  # fmt: skip
"""Every kind of identity number that is known, in the order in which they are told apart."""
REGIONS = frozenset(identity.region for identity in IDENTITIES)
