"""Forgetting: what a vault holds of somebody becomes tombstones, and another copy that still holds it brings nothing back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from labelvc.codec import vaultrow
from labelvc.codec.vaultrow import Row
from labelvc.core import pseudonym
from labelvc.errors import DataError
from labelvc.ops import vault
from labelvc.ops.vault import LINEAGE, Opened

_TEXTS = "oth_"


class Merged(NamedTuple):
    """What became of a vault that took another copy's rows in.

    Attributes:
        rows: how many are new or changed.
        aliases: how many tokens became aliases of others.
        returning: tokens of the forgotten that the other copy still has rows of; these were left out.
    """

    rows: int
    aliases: int
    returning: tuple[str, ...]


def merge(one: Opened, other: Opened) -> Merged:
    """Take another vault's rows in: tombstones win, keys of one token are joined, of two random tokens of a value one remains.

    Whoever was forgotten here, or stands in the ledger, does not come back, under whatever token the other copy knows them:
    a branch from before may have given them one that nobody here ever saw. That token is forgotten as well.

    Raises:
        DataError: a token stands for two values, or a row of the other does not open.
    """
    before = dict(one.rows)
    held = {token for token, row in other.rows.items() if row.sealed is not None}
    returning = aliases(other, {token for token in other.rows if one.gone(token)}) & held
    for token, row in other.rows.items():
        if row.sealed is None or (token in returning and token not in one.rows):
            one.rows[token] = Row(token, row.epoch, None)
        elif token not in returning:
            vault.put(one, token, other.content(token), f"{other.folder} {token}")
    for token, row in one.rows.items():
        content = one.content(token) if row.sealed is not None and token.startswith(_TEXTS) else {}
        if "moves" in content and (less := vaultrow.without(content, one.gone)) != content:
            one.rows[token] = vaultrow.seal(one.keys, token, row.epoch, less)
    number = _aliased(one)
    changed = sum(before.get(token) != row for token, row in one.rows.items())
    return Merged(changed, number, tuple(sorted(returning)))


def forget(one: Opened, tokens: Iterable[str]) -> list[str]:
    """Make tokens stand for nothing, for good, with all others that stand for the same.

    Tombstones take the place of their rows, also where none was.

    Returns:
        The tokens.
    """
    found = aliases(one, tokens)
    contents = {name: one.content(name) for name, row in one.rows.items() if row.sealed is not None}
    for name in found:
        one.rows[name] = Row(name, pseudonym.epoch_of(name), None)
    for name, content in contents.items():
        if (
            name not in found
            and "moves" in content
            and (less := vaultrow.without(content, found.__contains__)) != content
        ):
            one.rows[name] = vaultrow.seal(one.keys, name, pseudonym.epoch_of(name), less)
    return sorted(found)


def aliases(one: Opened, tokens: Iterable[str]) -> set[str]:
    """Return tokens with those that stand for the same: aliases, what they were before and after a re-key, and others of the value.

    One value has tokens that nothing else joins: of another scope, of an epoch that began without a re-key, of a re-key that
    drew random ones anew. Whichever of them stayed would tell who was forgotten.
    """
    contents = {name: one.content(name) for name, row in one.rows.items() if row.sealed is not None}
    values = {name: value for name, content in contents.items() if (value := _value(name, content)) is not None}
    alike: dict[tuple[str, bytes], set[str]] = {}
    for name, value in values.items():
        alike.setdefault(value, set()).add(name)
    found: set[str] = set()
    more = set(tokens)
    while more:
        found |= more
        ends = {content.get(way) for name in more for content in [contents.get(name, {})] for way in LINEAGE}
        starts = {name for name, content in contents.items() if any(content.get(way) in found for way in LINEAGE)}
        same = {each for name in more if name in values for each in alike[values[name]]}
        more = ({end for end in ends if end} | starts | same) - found
    return found


def _value(token: str, content: Mapping[str, Any]) -> tuple[str, bytes] | None:
    """Return the kind and the normalised value of a row; None where it has none that a token could be made of."""
    kind = pseudonym.kind_of(token)
    with suppress(DataError):
        return (kind, pseudonym.normalised(kind, content["value"])[1]) if kind and "value" in content else None
    return None


def _aliased(one: Opened) -> int:
    """Make of several random tokens of one value the smallest the one that is used; return how many are aliases now."""
    by_link: dict[str, list[str]] = {}
    for token, row in one.rows.items():
        link = one.content(token).get("link") if row.sealed is not None else None
        if link is not None:
            by_link.setdefault(f"{token[:3]} {pseudonym.epoch_of(token)} {link}", []).append(token)
    number = 0
    for tokens in by_link.values():
        first, *rest = sorted(tokens)
        for token in rest:
            one.rows[token] = vaultrow.seal(one.keys, token, pseudonym.epoch_of(token), {"alias": first})
            number += 1
    return number
