"""Credentials in a text: tokens, keys and key files that let somebody in; and dates, places and papers that words point to."""

from __future__ import annotations

import binascii
import re
import string
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache

from labelvc.codec.addresses import Hit
from labelvc.codec.surroundings import stands_free
from labelvc.model.detection import Settings
from labelvc.model.secret import TOKEN

JWT = r"\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*"
"""The second of its three parts, with both dots: what stands before is read backwards."""
PRIVATE_KEY = "-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
AWS = "(?:AKIA|ASIA)[A-Z2-7]{16}"
GITHUB = "gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}"
SLACK = "xox[abeoprs]-[A-Za-z0-9-]{11,255}|xapp-[0-9]-[A-Za-z0-9-]{9,255}"
GOOGLE = "AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{28}"
SERVICE = (
    "gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct|oas)-[A-Za-z0-9_-]{20,}"  # GitLab, token overview
    "|[rs]k_live_[A-Za-z0-9]{16,}"  # Stripe, API keys
    "|hf_[A-Za-z]{34}"  # Hugging Face, user access tokens
    "|npm_[A-Za-z0-9]{36}"  # npm, access tokens
    "|pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}"  # PyPI, API tokens: how its macaroons begin
    r"|SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"  # SendGrid, API keys
    "|do[opr]_v1_[0-9a-f]{64}"  # DigitalOcean, API tokens
    "|sk-(?:proj|svcacct|admin|ant-[a-z0-9]{2,12})-[A-Za-z0-9_-]{40,}"  # OpenAI and Anthropic, API keys
    r"|hooks\.slack\.com/services/T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{16,}"  # Slack, incoming webhooks
    "|AccountKey=[A-Za-z0-9+/]{86}=="  # Azure Storage, connection strings
)
"""Keys of services that begin as their pages say, for programs that look for leaks."""
PUTTY = "PuTTY-User-Key-File-[0-9]: "
AGE_KEY = "AGE-SECRET-KEY-(?:PQ-)?1[02-9AC-HJ-NP-Z]{20,}|age-secret-key-(?:pq-)?1[02-9ac-hj-np-z]{20,}"
AGE_FILE = r"age-encryption\.org/v1\n-> |-----BEGIN AGE ENCRYPTED FILE-----"
OWN = (
    "labelvc-(?:epoch-secret|gate-key)-v1 [a-z]{1,2} [0-9a-f]{64}"
    "|labelvc-share-v1 [a-z]+ [0-9a-f]{32} [0-9]{1,3} [0-9a-f]{32,}"
    "|labelvc-known-v1 [a-z]{1,2} [0-9a-f]{32}"
)
"""What labelvc itself keeps outside of git: secrets of epochs, gate keys, shares of a key, the filter of known people."""
_OF_TOKEN = f'"t": ?"{TOKEN}"'
VAULT = (
    f'"c": ?"[A-Za-z0-9+/]{{40,}}={{0,2}}", ?"e": ?"[a-z]{{1,2}}", ?{_OF_TOKEN}'
    f'|"d": ?"[A-Za-z0-9+/]{{107}}=", ?{_OF_TOKEN}'
    f'|"i": ?"[0-9a-f]{{32}}", ?"m": ?"[0-9a-f]{{32}}", ?{_OF_TOKEN}'
    '|"(?:mac": ?"[0-9a-f]{32}|did": ?"lend)", ?"n": ?[0-9]{1,12}, ?"prev": ?"[0-9a-f]{64}"'
)
"""A row of the vault, a key of sealed values, a link, a line of the log: canonical, or with a blank as other programs write."""

COORDINATES = r"[-+]?[0-9]{1,3}\.[0-9]{5,}[,;]? ?[-+]?[0-9]{1,3}\.[0-9]{5,}"
BIRTH = r"[0-9]{1,2}[./-][0-9]{1,2}[./-][12][0-9]{3}|[12][0-9]{3}[./-][0-9]{1,2}[./-][0-9]{1,2}"
PASSPORT = "[A-Za-z]{0,2}[0-9]{6,}"
LICENCE = "[A-Za-z]{0,2}[0-9](?:-?[0-9]){5,}"

_IN_HEADER = f"{string.ascii_letters}{string.digits}_-"
_SHORTEST_HEADER, _LONGEST_HEADER = 16, 4096
_ENDS = re.compile("-----END [A-Z0-9 ]{1,80}-----")
_FIGURE = re.compile(r"[-+]?[0-9]+\.[0-9]+")
_LISTED_BEFORE, _LISTED_AFTER = re.compile(r"[0-9][,;]? ?$"), re.compile(r"[,;]? ?[-+]?[0-9]")
_POLE = 90
_PAIR = 2
_ENOUGH_DIGITS, _LONGEST_NUMBER = 6, 17


def jwt(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge a JSON Web Token (RFC 7519 section 3.1): its first part is the base64url of a header that names an algorithm."""
    before = text[max(start - _LONGEST_HEADER, 0) : start]
    part = before[len(before.rstrip(_IN_HEADER)) :].encode()
    if len(part) < _SHORTEST_HEADER:
        return
    try:
        decoded = binascii.a2b_base64(part.translate(bytes.maketrans(b"-_", b"+/")) + b"=" * (-len(part) % 4))
    except binascii.Error:
        return
    if decoded.startswith(b"{") and b'"alg"' in decoded:
        yield Hit(start - len(part), end)


def private_key(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge the first line of a private key in PEM (RFC 7468 section 10); its value reaches to its last line."""
    starts, ends = _last_lines(text)
    at = bisect_left(starts, end)
    yield Hit(start, ends[at] if at < len(ends) else end)


@lru_cache(maxsize=1)
def _last_lines(text: str) -> tuple[list[int], list[int]]:
    """Return where the last lines of keys begin and end in a text: looked for once, however many first lines it has."""
    found = [one.span() for one in _ENDS.finditer(text)]
    return [start for start, _ in found], [end for _, end in found]


def token(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge a token of a service by its prefix and length, unless it is part of a longer word or its service's own example."""
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    if before.isalnum() or after.isalnum() or after in ("_", "-"):
        return
    if settings.reserved or not text[start:end].endswith("EXAMPLE"):  # AKIAIOSFODNN7EXAMPLE: the IAM User Guide
        yield Hit(start, end)


def plain(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge what its own first words prove."""
    yield Hit(start, end)


def coordinates(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge two decimals as latitude and longitude (ISO 6709): in range, exact to a metre, and no part of a longer list."""
    figures = list(map(float, _FIGURE.findall(text[start:end])))
    if len(figures) != _PAIR:
        return  # one long decimal with two points
    one, two = figures
    listed = _LISTED_BEFORE.search(text, max(start - 8, 0), start) or _LISTED_AFTER.match(text, end)
    if abs(one) <= _POLE and abs(two) <= 2 * _POLE and not listed and stands_free(text, start, end):
        yield Hit(start, end, sure=False)


def number(text: str, start: int, end: int, settings: Settings) -> Iterator[Hit]:
    """Judge six and more digits that stand by themselves; a word beside them must speak for them."""
    if (
        end - start <= _LONGEST_NUMBER
        and sum(map(str.isdigit, text[start:end])) >= _ENOUGH_DIGITS
        and stands_free(text, start, end)
    ):
        yield Hit(start, end, sure=False)
