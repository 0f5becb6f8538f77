"""The accept path: whole shards proved good by one regular expression made from their schema.

A shard that matches holds only valid, canonical lines; one that does not proves nothing, and its lines are looked at one
by one. A property test holds it against jsonschema-rs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from operator import ge
from typing import Any, NamedTuple

from labelvc.codec import pattern
from labelvc.codec.pattern import Unsupported

__all__ = ["Acceptor", "Unsupported", "compile_schema"]

_CAPTURABLE = re.compile(r'((?:\(\?!""\))?)"((?:[^"\\\[]|\[(?:[^\]\\]|\\.)*\])*?)"')


class Acceptor(NamedTuple):
    """A compiled schema.

    A line of the schema's language is good when it matches and, where it holds an open object, `ordered` agrees: no
    regular expression can see that the members of an object of any shape are sorted and distinct.

    Attributes:
        heads: pattern of one such line with its `\\n` when no string in it holds an escape and no object is open, which
            captures its `captured` members; empty when the schema has alternatives that each say them anew.
        line: pattern of one such line without its `\\n`.
        first: members that stand first.
        opens: how the open objects begin, `"ext":{`.
    """

    heads: str
    line: str
    first: tuple[str, ...]
    opens: tuple[str, ...]

    def read(self, text: str, lines: int) -> list[Any] | None:
        """Prove a whole shard of plain lines, without escapes and open objects, and capture its heads in one pass.

        Args:
            text: the shard.
            lines: how many lines it has.

        Returns:
            What `re.findall` captured of each line, or None when nothing is proved: each match begins a line and ends
            one, so as many matches as lines leave no line unmatched.
        """
        if not self.heads or "\\" in text or not text.endswith("\n"):
            return None
        found = _compiled(self.heads).findall(text)
        return found if len(found) == lines else None

    def accepts(self, line: str) -> bool:
        """Tell whether one line without its `\\n` is proved good."""
        return _compiled(self.line).fullmatch(line) is not None and self.ordered(line)

    def accepts_all(self, text: str) -> bool:
        """Tell whether every line of a shard is proved good, but for the order in its open objects."""
        return _compiled(f"(?>(?:{self.line}\n)*)").fullmatch(text) is not None

    def ordered(self, line: str) -> bool:
        """Tell whether the members of the open objects of a matching line are sorted and distinct."""
        return not any(start in line for start in self.opens) or _ordered(line, self.first)


def compile_schema(schema: Mapping[str, Any], first: Sequence[str], captured: Sequence[str] = ()) -> Acceptor:
    """Compile a schema of one line.

    Args:
        schema: JSON Schema 2020-12 of a closed object, or `oneOf` such objects.
        first: members that stand first in canonical form (`item`, `id`).
        captured: text members of the outermost object that `heads` captures, in the order in which they stand.

    Returns:
        The acceptor.

    Raises:
        Unsupported: the schema holds a keyword or combination that is not compiled; use the slow path for every line.
    """
    line = pattern.line(schema, schema, tuple(first))
    opens = tuple([f'"{name}":{{' for name in sorted(_open_members(schema))])
    try:
        heads = _heads(pattern.line(_closed(schema), schema, tuple(first)), captured)
    except Unsupported:  # every line has an open object
        heads = ""
    return Acceptor(heads, line, tuple(first), opens)


@cache
def _compiled(text: str) -> re.Pattern[str]:
    """Compile a pattern when it is first used: most shards need one of the three."""
    return re.compile(text, re.ASCII | re.MULTILINE)


def _heads(line: str, captured: Sequence[str]) -> str:
    """Write a line without escapes, with a group around the text of each captured member."""
    line = pattern.without_escapes(line)
    for name in captured:
        before, found, after = line.partition(f"{pattern.literal(name)}:")
        value = _CAPTURABLE.match(after)
        if not found or value is None or found in after:
            return ""
        line = f'{before}{found}{value[1]}"({value[2]})"{after[value.end() :]}'
    return f"^{line}\n"


def _closed(schema: Any) -> Any:
    """Return a schema that allows no object of any shape; one that demands such a member cannot be met then."""
    if isinstance(schema, list):
        return list(map(_closed, schema))
    if not isinstance(schema, dict):
        return schema
    kept = {name: _closed(rule) for name, rule in schema.items()}
    if isinstance(schema.get("properties"), dict):
        kept["properties"] = {
            name: _closed(rule) for name, rule in schema["properties"].items() if rule != pattern.OPEN
        }
    return kept


def _open_members(schema: Any) -> set[str]:
    """Return the names of members that are objects of any shape, wherever they stand in a schema."""
    if isinstance(schema, list):
        return set().union(*map(_open_members, schema))
    if not isinstance(schema, dict):
        return set()
    found = {name for name, inner in schema.get("properties", {}).items() if inner == pattern.OPEN}
    return found.union(*map(_open_members, schema.values()))


def _ordered(line: str, first: tuple[str, ...]) -> bool:
    """Tell whether the members of every object in a line are sorted by UTF-16 and distinct, the outermost `first` apart."""
    wrong = 0
    lead = list(first)

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal wrong
        names = [name for name, _ in pairs]
        if names[: len(lead)] == lead:
            wrong += 1
            names = names[len(lead) :]
        keys = [name.encode("utf-16-be") for name in names] if not all(map(str.isascii, names)) else names
        if any(map(ge, keys, keys[1:])):
            wrong += 2

    json.loads(line, object_pairs_hook=look)
    return wrong <= 1
