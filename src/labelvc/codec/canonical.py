"""Canonical JSON: the one place that decides the bytes of a record, an item and a signed statement.

RFC 8785 (JCS) throughout, with one liberty: the named first members (`item`, `id`) stand before the sorted rest,
so that sorting lines by their bytes sorts records by their key.
"""

from __future__ import annotations

import importlib
import json
import math
import re
import sys
from collections.abc import Callable
from functools import cache, lru_cache
from json.encoder import encode_basestring
from typing import Any, NoReturn

from labelvc import digests
from labelvc.errors import DataError
from labelvc.model.names import Digest

RECORD_FIRST = ("item", "id")
ITEM_FIRST = ("id",)
EXACT = 2**53 - 1
"""The largest number that every program reads alike (RFC 7493 section 2.2)."""
DEPTH = 32
"""How deep a value may be nested."""
_NAME = r"[A-Za-z_][A-Za-z0-9_-]{0,39}"
_INEXACT = "a number beyond 2^53-1 is not the same in every program; write it as text"


def encode(value: Any, first: tuple[str, ...] = ()) -> bytes:
    """Return the canonical bytes of a JSON value.

    Args:
        value: None, bool, int, float, str, list, tuple or dict with str keys, nested at most 32 deep.
        first: members of the outermost object that stand first, in this order, when present.

    Returns:
        UTF-8 bytes without spaces or line break.

    Raises:
        DataError: NaN or infinity, a number beyond 2^53-1, a lone surrogate, nesting beyond 32, or a foreign type.
            Source: RFC 8785 sections 3.1 and 3.2.2.3 (numbers are IEEE 754 doubles), RFC 7493 section 2.1 (surrogates).
    """
    try:
        written = _quick()[0](value, first)
        return _write(value, first, DEPTH).encode() if written is None else written
    except UnicodeEncodeError:
        raise DataError("text holds half of a surrogate pair, which UTF-8 cannot store") from None


def encode_record(record: dict[str, Any]) -> bytes:
    """Return a record's line without `\\n`: `item`, `id`, then the sorted rest."""
    return encode(record, RECORD_FIRST)


def encode_item(item: dict[str, Any]) -> bytes:
    """Return an item's line without `\\n`: `id`, then the sorted rest."""
    return encode(item, ITEM_FIRST)


def decode(raw: bytes | str) -> Any:
    """Read JSON strictly.

    Args:
        raw: one JSON text; bytes are UTF-8 without a byte order mark.

    Returns:
        The value.

    Raises:
        DataError: not UTF-8, not JSON, a duplicate member name, NaN or infinity, a lone surrogate, a number
            beyond 2^53-1, or nesting beyond 32. Most parsers keep the last of two equal names in silence; a record
            that two programs read differently cannot be approved.
    """
    if isinstance(raw, bytes):
        quick = _quick()[1](raw)
        if quick is not None:
            return quick
    try:
        text = raw.decode() if isinstance(raw, bytes) else raw
        if text.startswith("\ufeff"):
            raise DataError("not JSON: Unexpected UTF-8 BOM (decode using utf-8-sig) at character 1")
        value = _reader().decode(text)
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON: {error.msg.removesuffix(' at')} at character {error.pos + 1}") from None
    except RecursionError:
        raise DataError(f"nested deeper than {DEPTH}") from None
    _inspect(value, DEPTH)
    return value


@lru_cache(maxsize=256)  # the lines of a dataset have few shapes: sorting their names was a sixth of an import
def ordered(names: tuple[str, ...], first: tuple[str, ...] = ()) -> tuple[tuple[str, str], ...]:
    """Return the names of an object's members in canonical order, each with how its member begins.

    They are sorted by UTF-16 code units (RFC 8785 section 3.2.3), the first members ahead.

    Raises:
        DataError: a name is no text.
    """
    try:
        rest = sorted(names, key=lambda name: name.encode("utf-16-be"))
    except AttributeError:
        raise DataError("a member name is not text") from None
    ahead = [name for name in first if name in names]
    return tuple([(name, f"{encode_basestring(name)}:") for name in [*ahead, *(n for n in rest if n not in first)]])


def digest(raw: bytes) -> Digest:
    """Return `sha256:<hex>` of the bytes."""
    return Digest("sha256:" + digests.sha256(raw).hexdigest())


@cache
def _quick() -> tuple[Callable[[Any, tuple[str, ...]], bytes | None], Callable[[bytes], dict[str, Any] | None]]:
    """Return what writes and what reads an object of ordinary spelling, where msgspec is loaded anyhow.

    It takes as long to import as a hundred lines take without it, and the merge driver writes one or two.
    """
    if "msgspec" not in sys.modules:
        return lambda *_: None, lambda *_: None
    quick = importlib.import_module("labelvc.codec.quick")
    return quick.encode, quick.decode


def _write(value: Any, first: tuple[str, ...], depth: int) -> str:
    if type(value) is str:
        return encode_basestring(value)
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if type(value) is int:
        if -EXACT <= value <= EXACT:
            return str(value)
        raise DataError(_INEXACT)
    if type(value) is float:
        return _number(value)
    if depth == 0:
        raise DataError(f"nested deeper than {DEPTH}")
    if isinstance(value, dict):
        return (
            "{" + ",".join([begin + _write(value[n], (), depth - 1) for n, begin in ordered(tuple(value), first)]) + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ",".join([_write(member, (), depth - 1) for member in value]) + "]"
    raise DataError(f"a {type(value).__name__} is no JSON value")


def _number(value: float) -> str:
    """Write a double as ECMAScript does (RFC 8785 section 3.2.2.3): shortest digits that read back the same."""
    if not math.isfinite(value):
        raise DataError("NaN and infinity are no JSON numbers")
    if value == 0:
        return "0"
    if abs(value) > EXACT:
        raise DataError(_INEXACT)
    digits, _, exponent = f"{value!r}".partition("e")
    sign, digits = ("-", digits[1:]) if digits[0] == "-" else ("", digits)
    whole, _, fraction = digits.partition(".")
    fraction = "" if fraction == "0" else fraction
    point = len(whole) + int(exponent or 0)
    figures = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(figures)
    figures = figures.rstrip("0")
    count = len(figures)
    if count <= point:
        return sign + figures + "0" * (point - count)
    if point > 0:
        return f"{sign}{figures[:point]}.{figures[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{figures}"
    mantissa = figures if count == 1 else f"{figures[0]}.{figures[1:]}"
    return f"{sign}{mantissa}e{point - 1}"


@cache
def _reader() -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_members, parse_constant=_constant, parse_int=_integer, parse_float=_float
    )


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        told = f"member {twice!r}" if re.fullmatch(_NAME, twice) else "same member"  # any other name may be somebody's
        raise DataError(f"the {told} occurs twice in one object")
    return members


def _constant(name: str) -> NoReturn:
    raise DataError(f"{name} is no JSON number")


def _integer(text: str) -> int:
    if len(text) > 17:
        raise DataError(_INEXACT)
    value = int(text)
    if not -EXACT <= value <= EXACT:
        raise DataError(_INEXACT)
    return value


def _float(text: str) -> float | int:
    value = float(text)
    if abs(value) > EXACT:
        raise DataError(_INEXACT)
    return int(value) if value.is_integer() else value


def _inspect(value: Any, depth: int) -> None:
    """Refuse what a strict reader must not let through: depth and lone surrogates."""
    if isinstance(value, str):
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise DataError("text holds half of a surrogate pair, which UTF-8 cannot store") from None
    elif isinstance(value, dict):
        if depth == 0:
            raise DataError(f"nested deeper than {DEPTH}")
        for name, member in value.items():
            _inspect(name, depth - 1)
            _inspect(member, depth - 1)
    elif isinstance(value, list):
        if depth == 0:
            raise DataError(f"nested deeper than {DEPTH}")
        for member in value:
            _inspect(member, depth - 1)
