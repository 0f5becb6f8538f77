"""Reserved: ranges that standards keep for made-up data, so that an example is no leak."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable


class _Ranges:
    """Ranges of addresses, of which none reaches into another.

    Args:
        width: bits of an address.
        blocks: an address of each, and how many bits from the left all of its have in common.
    """

    def __init__(self, width: int, blocks: Iterable[tuple[int, int]]) -> None:
        firsts = sorted([(number >> width - bits << width - bits, bits) for number, bits in blocks])
        self._firsts = [first for first, _ in firsts]
        self._lasts = [first | (1 << width - bits) - 1 for first, bits in firsts]

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= self._lasts[at]


_DOMAINS = (".example", ".invalid", ".localhost", ".test", ".example.com", ".example.net", ".example.org")
# First address and number of fixed bits: IANA's IPv4 Special-Purpose Address Registry (RFC 6890), multicast (RFC 5771).
_SPECIAL_4 = _Ranges(32, [
    (int.from_bytes(bytes(map(int, first.split("."))), "big"), bits)
    for first, bits in (
        ("0.0.0.1", 8), ("10.0.0.0", 8), ("100.64.0.0", 10), ("127.0.0.0", 8), ("169.254.0.0", 16), ("172.16.0.0", 12),
        ("192.0.0.0", 24), ("192.0.2.0", 24), ("192.88.99.0", 24), ("192.168.0.0", 16), ("198.18.0.0", 15),
        ("198.51.100.0", 24), ("203.0.113.0", 24), ("224.0.0.0", 4), ("240.0.0.0", 4),
    )
])  # fmt: skip
# IANA's IPv6 Special-Purpose Address Registry (RFC 6890, RFC 9637), multicast (RFC 4291).
_SPECIAL_6 = _Ranges(128, [
    (0, 96), (0xFFFF << 32, 96), (0x64_FF9B << 96, 96), (0x100 << 112, 64), (0x2001 << 112, 23),
    (0x2001_0DB8 << 96, 32), (0x2002 << 112, 16), (0x3FFF << 112, 20), (0x5F00 << 112, 16), (0xFC << 120, 7),
    (0xFE80 << 112, 10), (0xFF << 120, 8),
])  # fmt: skip


def domain(name: str, own: tuple[str, ...] = ()) -> bool:
    """Tell whether a domain is for documentation (RFC 2606, RFC 6761), or one of the project's own.

    Args:
        name: a domain name.
        own: domains of the project, in lower case.
    """
    lower = f".{name.lower().rstrip('.')}"
    return lower.endswith(_DOMAINS) or lower.endswith(tuple([f".{one}" for one in own]))


def address_4(number: int) -> bool:
    """Tell whether an IPv4 address is of a special range: documentation, private, loopback, multicast (RFC 6890)."""
    return number in _SPECIAL_4


def address_6(number: int) -> bool:
    """Tell whether an IPv6 address is of a special range: documentation, local, multicast (RFC 6890)."""
    return number in _SPECIAL_6


def hardware(digits: str) -> bool:
    """Tell whether a MAC address, 12 hex digits, is nobody's: documentation (RFC 7042 section 2.1.2), all zeros or all ones."""
    low = digits.lower()
    return low.startswith(("00005e0053", "01005e9010")) or low in ("0" * 12, "f" * 12)


def telephone(digits: str) -> bool:
    """Tell whether a telephone number is kept for fiction.

    Args:
        digits: with its country code, or national: North America 555-0100 to 0199 (NANPA), and Ofcom's ranges for drama,
            01632 960, 07700 900, 020 7946 0, 0808 157 0, 0113 to 0161 496 0, 0306 999 0, 0909 879 0.
    """
    national = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
    if len(national) == 10 and national[3:8] == "55501":
        return True
    british = digits[2:] if digits.startswith("44") else digits[1:] if digits.startswith("0") else ""
    return british.removeprefix("0").startswith(_DRAMA)


_DRAMA = (
    "1632960", "7700900", "2079460", "8081570", "3069990", "9098790", "2890180", "2920180", "1914980",
    *[f"1{city}4960" for city in ("13", "14", "15", "16", "17", "18", "21", "31", "41", "51", "61")],
)  # fmt: skip


def social_security(digits: str) -> bool:
    """Tell whether a US Social Security number can be nobody's (SSA POMS RM 10201.035, 20 CFR 422.103).

    No area is 000, 666 or 900 to 999, no group 00, no serial 0000; two numbers that advertisements made public are void.
    """
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area in ("000", "666") or area[0] == "9" or group == "00" or serial == "0000" or digits in _ADVERTISED


_ADVERTISED = ("078051120", "219099999")
