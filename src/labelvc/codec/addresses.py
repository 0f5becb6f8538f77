"""Addresses in a text: of mailboxes, of hosts, of devices, and those that carry a password."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from labelvc.codec import reserved
from labelvc.codec.surroundings import before, stands_free
from labelvc.model.detection import Settings


class Hit(NamedTuple):
    """What a judge makes of a match.

    Attributes:
        start, end: the value in the text, in code points.
        sure: the form itself proves it; else a word beside it must, or it is only a warning.
    """

    start: int
    end: int
    sure: bool = True


_IN_DOMAIN = r"[^\x00-,./:-@\[-`{-\x7f]"
EMAIL = rf"@(?:{_IN_DOMAIN}+\.)+{_IN_DOMAIN}+"
"""From the at sign on: what stands before it is read backwards, so that a line of a million letters costs one pass."""
USERINFO = r"""://[^\x00-\x20"/?#@<>]+@[^\x00-\x20"<>]+"""
IPV4 = r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"
IPV6 = r":[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]*(?:\.[0-9]{1,3}){0,3}"
MAC = "[0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}"
_LONGEST_LOCAL, _LONGEST_DOMAIN, _LONGEST_LABEL, _LONGEST_V6 = 64, 253, 63, 45
_ALPHABETS = 0x2000
"""Below are alphabets that put blanks between words; above, what stands before an address is the sentence it is in."""
_LOCAL = f"{string.ascii_lowercase}{string.ascii_uppercase}{string.digits}._%+'-"
_GAP = re.compile(r"[\s\x80-\x9f]")
"""What ends an address though it is not ASCII: U+0085, U+2028, no-break spaces."""
_PICTURE = re.compile(r"[0-9.]+x\.[a-z]{2,4}")
_PORT = re.compile(":[0-9]{1,5}")
"""What follows a host (RFC 3986 section 3.2.3)."""
_PRODUCT = re.compile("[A-Za-z]/$")
"""A product's name before its version (RFC 9110 section 10.1.5): `Mozilla/5.0.1.2`."""
_OCTETS = {str(number): number for number in range(256)}
"""A number with a zero before it is none."""
_VERSIONS = frozenset(("version", "versions", "v", "ver"))
_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]{0,15}$")
_HEX = frozenset("0123456789abcdefABCDEF")


def email(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge what follows an at sign: a mailbox of RFC 5321 section 4.1.2, its local part of RFC 5322 atoms or RFC 6531 letters."""
    first = _begun(text, start)
    if first == start:
        return
    if text[start:end].isascii():
        labels = text[start + 1 : end].rstrip("-.").split(".")
    else:
        gap = _GAP.search(text, start, end)
        end = gap.start() if gap else end
        while end > start and not _in_name(text[end - 1]):
            end -= 1
        labels = text[start + 1 : end].split(".")
    while len(labels) > 1 and not _top(labels[-1]):
        labels.pop()
    host = ".".join(labels)
    if len(labels) < 2 or len(host) >= _LONGEST_DOMAIN or max(map(len, labels)) > _LONGEST_LABEL:
        return
    box = text[first:start]
    if ".." in box or box == "git" or _PICTURE.fullmatch(host):
        return
    if settings.reserved or not reserved.domain(host, settings.domains):
        yield Hit(first, start + 1 + len(host))


def userinfo(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge a URL with a name and password before its host (RFC 3986 section 3.2.1); all of the URL is the value."""
    scheme = _SCHEME.search(text, max(start - 16, 0), start)
    name, colon, password = text[start + 3 : text.index("@", start)].partition(":")
    host = re.split("[/:?#]", text[text.index("@", start) + 1 : end], maxsplit=1)[0]
    if scheme is None or not (colon and password and name) or not host:
        return
    if settings.reserved or not reserved.domain(host):
        while text[end - 1] in ".,;:!?)']}":
            end -= 1
        yield Hit(scheme.start(), end)


def ipv4(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge four numbers: an address that is reachable from everywhere, and no version with four parts."""
    number = 0
    for part in text[start:end].split("."):
        octet = _OCTETS.get(part)
        if octet is None:
            return
        number = number << 8 | octet
    if not settings.reserved and reserved.address_4(number):
        return
    port = _PORT.match(text, end)
    if not stands_free(text, start, port.end() if port else end):
        return
    lead = text[start - 1 : start]
    if lead in (".", "-", "+") or text[end : end + 1] in ("-", "+") or before(text, start, _VERSIONS, 12):
        return
    if lead != "/" or not _PRODUCT.search(text, max(start - 2, 0), start):
        yield Hit(start, end)


def ipv6(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge groups of hex digits: an address of RFC 5952 or RFC 4291 section 2.2 that is reachable from everywhere."""
    first = start
    while first > 0 and start - first < 4 and text[first - 1] in _HEX:
        first -= 1
    while end - start > 2 and text[end - 1] in ":." and text[end - 2 : end] != "::":
        end -= 1
    short = text.find("::", first, end) >= 0
    if text[first] == ":" or (short and text[first] not in "23") or end - first > _LONGEST_V6:
        return  # C++ and Perl write `abc::de`; the addresses that networks have begin with 2 or 3 (RFC 4291 section 2.4)
    if not (_alone(text, first - 1) and _alone(text, end)):
        return
    number = _number_6(text[first:end])
    if number is None or (short and number >> 125 != 1):
        return
    if settings.reserved or not reserved.address_6(number):
        yield Hit(first, end)


def mac(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge six pairs of hex digits (IEEE 802-2014 clause 8.1): one kind of mark between them, and no seventh pair."""
    digits = text[start:end].replace(text[start + 2], "")
    if len(digits) != 12 or not (_alone(text, start - 1) and _alone(text, end)):
        return
    if any(text[at : at + 1] == text[start + 2] for at in (start - 1, end) if at >= 0):
        return
    if settings.reserved or not reserved.hardware(digits):
        yield Hit(start, end)


def _begun(text: str, end: int) -> int:
    """Return where a local part begins that ends at an at sign."""
    least = max(end - _LONGEST_LOCAL, 0)
    first = least + len(text[least:end].rstrip(_LOCAL))
    if first > 0 and not text[first - 1].isascii():
        wide = ord(text[end - 1]) >= _ALPHABETS
        while first > 0 and end - first < _LONGEST_LOCAL and _local(text[first - 1], wide=wide):
            first -= 1
    while first < end and not (text[first].isalnum() or text[first] == "_"):
        first += 1
    return first


def _top(label: str) -> bool:
    """Tell whether a label can be a top-level domain: letters only, or one in Punycode (RFC 3696 section 2)."""
    return len(label) > 1 and (label.isalpha() or label.lower().startswith("xn--") or _marked(label))


def _marked(label: str) -> bool:
    """Tell whether a label is letters with vowel signs, as those of India and Thailand are (RFC 5892 section 2.1)."""
    return not label.isascii() and label[0].isalpha() and all(map(_in_name, label)) and not any(map(str.isdigit, label))


def _in_name(letter: str) -> bool:
    """Tell whether a character may end a name: a letter, a digit, or a sign over, under or after one."""
    return letter.isalnum() or (not letter.isascii() and unicodedata.category(letter) in ("Mn", "Mc"))


def _local(letter: str, *, wide: bool) -> bool:
    if letter.isascii():
        return letter in _LOCAL
    return _in_name(letter) and (wide or ord(letter) < _ALPHABETS)


def _alone(text: str, at: int) -> bool:
    letter = text[at : at + 1] if at >= 0 else ""
    return not letter or not (letter.isalnum() or letter in "_:")


def _number_6(text: str) -> int | None:
    """Return an IPv6 address as a number; None when it is none."""
    if "." in text:
        head, _, tail = text.rpartition(":")
        parts = tail.split(".")
        if len(parts) != 4 or not all(part.isdigit() and int(part) < 256 for part in parts):
            return None
        four = int.from_bytes(bytes(map(int, parts)), "big")
        text = f"{head}:{four >> 16:x}:{four & 0xFFFF:x}"
    head, double, tail = text.partition("::")
    left, right = (list(side.split(":")) if side else [] for side in (head, tail))
    missing = 8 - len(left) - len(right)
    if (
        "::" in tail
        or (missing < 1 if double else missing != 0)
        or not all(0 < len(group) < 5 for group in (*left, *right))
    ):
        return None
    return int("".join([group.zfill(4) for group in (*left, *["0"] * (missing if double else 0), *right)]), 16)
