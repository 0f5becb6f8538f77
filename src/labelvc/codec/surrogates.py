"""Surrogates: made-up values out of ranges that standards reserve, so that nobody has them and no detector takes them for a leak."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labelvc.codec.checksums import luhn
from labelvc.model.secret import ALPHABET

_DOMAINS = ("example.com", "example.net", "example.org")
_VOWELS = "aeiou"


def surrogate(detector: str, random: bytes) -> str:
    """Return a made-up value of the sort that a detector finds; empty where no range is reserved for it.

    Args:
        detector: id of the detector (`labelvc.codec.detectors`).
        random: 32 bytes that decide which; equal bytes, equal value.
    """
    maker = _MAKERS.get(detector) or _MAKERS.get(detector.partition(".")[0])
    return "" if maker is None else maker(_Draw(random))


class _Draw:
    """Numbers out of 256 random bits, the same ones each time."""

    def __init__(self, random: bytes) -> None:
        self._left = int.from_bytes(random, "big")

    def below(self, limit: int) -> int:
        """Return a number from 0, less than a limit."""
        self._left, number = divmod(self._left, limit)
        return number


def _email(draw: _Draw) -> str:
    """RFC 2606: example.com, .net, .org; ten letters and two digits before it."""
    name = "".join([ALPHABET[draw.below(len(ALPHABET))] + _VOWELS[draw.below(len(_VOWELS))] for _ in range(5)])
    return f"{name}{draw.below(90) + 10}@{_DOMAINS[draw.below(len(_DOMAINS))]}"


def _phone(draw: _Draw) -> str:
    """NANPA: 555-0100 to 555-0199 of any area are kept for fiction."""
    return f"{draw.below(8) + 2}{draw.below(8)}{draw.below(8) + 2}-555-01{draw.below(100):02}"


def _ipv4(draw: _Draw) -> str:
    """RFC 5737: TEST-NET-1, -2 and -3."""
    return f"{('192.0.2', '198.51.100', '203.0.113')[draw.below(3)]}.{draw.below(254) + 1}"


def _ipv6(draw: _Draw) -> str:
    """RFC 3849: 2001:db8::/32."""
    return "2001:db8:" + ":".join([f"{draw.below(0xEFFF) + 0x1000:x}" for _ in range(6)])


def _mac(draw: _Draw) -> str:
    """RFC 7042, section 2.1.2: 00-00-5E-00-53-00 to -FF."""
    return f"00-00-5E-00-53-{draw.below(256):02X}"


def _card(draw: _Draw) -> str:
    """ISO/IEC 7812-1: a number whose check digit is wrong is no card's."""
    start = f"400000{draw.below(10**9):09}"
    right = next(digit for digit in range(10) if luhn(f"{start}{digit}"))
    digits = f"{start}{(right + 1 + draw.below(9)) % 10}"
    return " ".join([digits[at : at + 4] for at in range(0, 16, 4)])


def _ssn(draw: _Draw) -> str:
    """20 CFR 422.103: areas 000 and 666 were never given out."""
    return f"{('000', '666')[draw.below(2)]}-{draw.below(99) + 1:02}-{draw.below(9999) + 1:04}"


def _iban(draw: _Draw) -> str:
    """ISO 13616-1 with ZZ, which ISO 3166-1 leaves to users: no country's."""
    return f"ZZ{draw.below(100):02}" + "".join([ALPHABET[draw.below(len(ALPHABET))].upper() for _ in range(16)])


_MAKERS: Mapping[str, Callable[[_Draw], str]] = {
    "email": _email, "phone": _phone, "ipv4": _ipv4, "ipv6": _ipv6, "mac": _mac, "card": _card, "ssn": _ssn, "iban": _iban,
}  # fmt: skip
