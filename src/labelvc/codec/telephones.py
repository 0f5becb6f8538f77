"""Telephones: numbers as people write them, by ITU-T E.164 (what a number is) and E.123 (how it is written)."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from labelvc.codec import reserved
from labelvc.codec.addresses import Hit
from labelvc.codec.surroundings import stands_free
from labelvc.model.detection import Settings

_RUN = "[ ()./-]{0,3}[0-9]"
_SIX, _FIVE = _RUN * 6 + f"(?:{_RUN})*", _RUN * 5 + f"(?:{_RUN})*"
"""So many and more: written out, what has fewer is left a third sooner."""
INTERNATIONAL = rf"\+[ (]?[0-9]{_SIX}"
DIALLED = f"00[1-9]{_SIX}"
NORTH_AMERICAN = r"\(?[2-9][0-9]{2}\)?[ ./-]{1,2}[2-9][0-9]{2}[ .-][0-9]{4}"
TRUNK = rf"\(?0[0-9]{_SIX}"
NUMBER = rf"\(?[0-9]{_FIVE}"

_WORDS = """
    phone phones telephone tel t.e.l telephones cell cellphone mobile mob fax call calls called calling dial ring
    texted sms whatsapp hotline landline extension ext voicemail answering reachable telefon telefonnummer handy
    handynummer rufnummer mobil anrufen ruf rückruf téléphone portable appeler appelez appelle teléfono telefono
    móvil celular llamar llame llama cellulare chiamare chiama chiamami telefone celular telemóvel ligar ligue
    telefoon mobiel bellen komórka zadzwoń numer mobilnummer ringa tlf
"""  # English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Swedish
WORDS = frozenset(_WORDS.split())
"""Words that say that a number beside them is a telephone's."""

_CODES = """
    1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84
    86 90 91 92 93 94 95 98 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236
    237 238 239 240 241 242 243 244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265
    266 267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 370 371 372 373 374 375 376 377 378
    379 380 381 382 383 385 386 387 389 420 421 423 500 501 502 503 504 505 506 507 508 509 590 591 592 593 594 595
    596 597 598 599 670 672 673 674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 800 808 850
    852 853 855 856 870 878 880 881 882 883 886 888 960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976
    977 979 992 993 994 995 996 998
"""  # ITU-T Operational Bulletin, list of E.164 country codes assigned
_COUNTRIES = frozenset(_CODES.split())
NATIONAL = {
    # national (significant) numbers with their trunk prefix, from the ITU's National Numbering Plans
    "AT": "0[1-9][0-9]{6,11}",
    "AU": "0[2-478][0-9]{8}|1[38]00[0-9]{6}",
    "BE": "0[1-9][0-9]{7,8}",
    "BR": "0?[1-9][1-9]9?[2-9][0-9]{7}|0[358]00[0-9]{6,7}",
    "CA": "[2-9][0-9]{2}[2-9][0-9]{6}",
    "CH": "0[1-9][0-9]{8}",
    "DE": "0[1-9][0-9]{6,11}",
    "DK": "[2-9][0-9]{7}",
    "ES": "[6-9][0-9]{8}",
    "FI": "0[1-9][0-9]{5,10}",
    "FR": "0[1-9][0-9]{8}",
    "GB": "0[1-9][0-9]{8,9}",
    "IN": "0?[6-9][0-9]{9}|0[1-9][0-9]{9}",
    "IT": "0[1-9][0-9]{5,9}|3[0-9]{8,9}",
    "NL": "0[1-9][0-9]{8}",
    "PL": "[1-9][0-9]{8}",
    "PT": "[2379][0-9]{8}",
    "SE": "0[1-9][0-9]{6,9}",
    "US": "[2-9][0-9]{2}[2-9][0-9]{6}",
}
_NATIONAL = {region: re.compile(pattern) for region, pattern in NATIONAL.items()}
_EXTENSION = re.compile(r" ?(?:x|ext\.?|#) ?[0-9]{1,6}(?![0-9A-Za-z])", re.ASCII)
_NO_DIGIT = re.compile("[^0-9]+")
_MARKS = bytes(set(range(128)) - set(string.digits.encode()))
_PARTED = bytes.maketrans(_MARKS, b" " * len(_MARKS))
_DATE = re.compile(
    r"(?<![0-9])(?:[0-3]?[0-9]([./-])[0-3]?[0-9]\1(?:[0-9]{2}){1,2}(?!\1?[0-9])"
    r"|[12][0-9]{3}([./-])[01]?[0-9]\2[0-3]?[0-9](?!\2?[0-9]))"
)
_NO_NUMBER = re.compile(r"0[0-9]{2}[ -][0-9]{2}[ -][0-9]{4}|[0-9]+\.[0-9]+")
"""A Social Security number of an area that is never given out, and a decimal."""
_FEWEST, _MOST = 8, 15
_LONGEST = 32
_SHORTEST_NUMBER, _LONGEST_NUMBER = 6, 11


def international(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge what begins with a plus sign: E.164 section 6, a country code that is assigned and at most 15 digits."""
    if not _goes_on(text, start):
        yield from _with_country(text, start, end, settings, 0)


def dialled(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge what begins with 00, the international prefix of ITU-T E.123: parted into groups, or it is just a number."""
    if not _goes_on(text, start) and _parted(text[start:end], alone=1):
        yield from _with_country(text, start, end, settings, 2)


def north_american(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge ten digits as the North American Numbering Plan writes them: no area or office code ends in 11."""
    digits = _digits(text[start:end])
    if digits[1:3] == "11" or digits[4:6] == "11":
        return
    near = text[max(start - 4, 0) : start]
    lead = _LEAD.search(text, max(start - 4, 0), start) if "1" in near or "(" in near else None
    first = lead.start() if lead else start
    extended = _ext(text, end)
    whole = text[first] == "(" or (text[first] != "(" and ")" not in text[first : start + 5])
    if not (whole or "(" in text[first : start + 1]) or not stands_free(text, first, first if extended else end):
        return
    if text[first - 1 : first] in ("-", "+") or text[end : end + 1] == "-":
        return
    if settings.reserved or not reserved.telephone(digits):
        yield Hit(first, extended or end, sure=" " not in text[start:end] or "(" in text[start:end])


def trunk(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge groups that begin with the trunk prefix 0, as E.123 writes a number for use at home: 9 to 11 digits, no date."""
    if _held(text, start, end):
        return
    twice = text.startswith("00", start + (text[start] == "("))
    for first, last in _windows(text, start, end):
        if twice and first == start:
            continue
        digits = _digits(text[first:last])
        if 9 <= len(digits) <= 11 and digits[1] != "0" and _parted(text[first:last]) and not _dated(text, first, last):
            if _NO_NUMBER.fullmatch(text[first:last]):
                continue
            yield from _unless_reserved(text, first, last, digits, settings, sure=False)
            return


def number(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge any 6 to 11 digits, for which a word beside them must speak."""
    if start > 1 and text[start - 1] in "-#" and text[start - 2].isalpha():
        return  # the number of an id, `review-0001234`
    if _held(text, start, end):
        return
    for first, last in _windows(text, start, end):
        digits = _digits(text[first:last])
        if (
            _SHORTEST_NUMBER <= len(digits) <= _LONGEST_NUMBER
            and _pieces(text[first:last])
            and not _dated(text, first, last)
        ):
            yield from _unless_reserved(text, first, last, digits, settings, sure=False)
            return


def national(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge digits by the numbering plans of the regions that are asked for."""
    if _held(text, start, end):
        return
    for first, last in _windows(text, start, end):
        digits = _digits(text[first:last])
        planned = any(region in _NATIONAL and _NATIONAL[region].fullmatch(digits) for region in settings.regions)
        if planned and _written(text[first:last]) and not _dated(text, first, last):
            yield from _unless_reserved(text, first, last, digits, settings, sure=False)
            return


_LEAD = re.compile(r"(?<![0-9+])1[ .-]?$|\($|(?<![0-9])1[ .-]?\($")


def _with_country(text: str, start: int, end: int, settings: Settings, prefix: int) -> Iterator[Hit]:
    """Judge digits that begin, after a prefix of some digits, with a country code."""
    for first, last in _windows(text, start, end):
        digits = _digits(text[first:last])[prefix:]
        known = any(digits[:width] in _COUNTRIES for width in (1, 2, 3))
        if first == start and known and _FEWEST <= len(digits) <= _MOST + ("(0)" in text[first:last]):
            yield from _unless_reserved(text, first, last, digits, settings, sure=True)
            return


def _goes_on(text: str, start: int) -> bool:
    """Tell whether a plus sign or 00 stands in the middle of a word or of a longer number."""
    before = text[start - 1 : start] if start else ""
    if before.isalnum() or before in ("_", "+"):
        return True
    return start > 1 and before in (" ", "-") and text[start - 2].isdigit()


def _unless_reserved(text: str, first: int, last: int, digits: str, settings: Settings, *, sure: bool) -> Iterator[Hit]:
    extended = _ext(text, last)
    if not extended and not stands_free(text, first + (text[first] == "+"), last) and text[first] != "+":
        return
    if not extended and text[last : last + 1].isalnum():
        return
    if settings.reserved or not reserved.telephone(digits):
        yield Hit(first, extended or last, sure)


def _held(text: str, start: int, end: int) -> bool:
    """Tell whether digits without a blank are a piece of something longer, so that they are no number whatever they say."""
    return not (" " in text[start:end] or stands_free(text, start, end) or _ext(text, end))


def _windows(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield a run of digits whole, then without what stands before or after a blank in it: `905-674-3793 2 times`."""
    if end - start <= _LONGEST:
        yield start, end
    head = text.find(" ", start, end)
    if head < 0:
        return
    tail = text.rfind(" ", start, end)
    if head > 0 and tail - start <= _LONGEST:
        yield start, start + len(text[start:tail].rstrip(" ()./-"))
    if head > 0 and end - head <= _LONGEST and text[head + 1].isdigit():
        yield head + 1, end


def _parted(text: str, *, alone: int = 0) -> bool:
    """Tell whether digits stand in groups, of which none but the first, and so many others, has only one: `00971 2 234 5677`."""
    if text.isdigit():
        return False
    groups = list(map(len, text.encode("ascii").translate(_PARTED).split()))
    single = groups[1:].count(1)
    return len(groups) > 1 + bool(single) and single <= alone


def _written(text: str) -> bool:
    """Tell whether digits stand as a national number may: in one piece, or in groups with one kind of mark between them.

    Two groups alone are house and post codes or decimals, unless the first is an area code: with a 0 or in parentheses.
    """
    marks = set(_NO_DIGIT.findall(text))
    if not marks or text[0] in "(0":
        return "." not in marks or len(marks) == 1
    return len(marks) == 1 and _parted(text) and len(_NO_DIGIT.findall(text)) > 1


def _pieces(text: str) -> bool:
    """Tell whether digits are no decimal: a point stands between all groups or between none, and then between three."""
    if "." not in text:
        return True
    marks = _NO_DIGIT.findall(text)
    return "." not in marks or (len(marks) > 1 and set(marks) == {"."})


def _dated(text: str, first: int, last: int) -> bool:
    said = text[first:last]
    twice = said.count("-") > 1 or said.count("/") > 1 or said.count(".") > 1
    return twice and _DATE.search(text, first, last) is not None


def _digits(text: str) -> str:
    return text if text.isdigit() else text.encode("ascii").translate(None, _MARKS).decode()


def _ext(text: str, end: int) -> int:
    """Return where an extension that follows a number ends; 0 when there is none."""
    found = _EXTENSION.match(text, end)
    return found.end() if found else 0
