"""Patterns: a JSON Schema written as a regular expression over canonical text.

Canonical JSON fixes the order, spacing and spelling of members, so the regular part of a JSON Schema describes a regular
language. The writer may refuse (`Unsupported`) but must never write a pattern that matches what the schema refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import takewhile
from typing import Any, NamedTuple

from labelvc.codec import canonical, expression

_CHARACTER = r'[^"\\\x00-\x1f]'
_ESCAPE = r'\\(?:["\\bfnrt]|u00(?:0[0-7bef]|1[0-9a-f]))'
_IN_NAME, _IN_NAME_NO_HASH = r'[^"\\\x00-\x1f\x7f]', r'[^#"\\\x00-\x1f\x7f]'
_ESCAPES = rf"(?>(?:{_ESCAPE}{_CHARACTER}*+)*)"
_TEXT = rf'"{_CHARACTER}*+{_ESCAPES}"'
_NAME_ESCAPE = r'\\["\\]'
_WITH_ESCAPES = re.compile(
    rf"{re.escape(_ESCAPES)}|\|\(\?:(?:{re.escape(_IN_NAME)}|{re.escape(_IN_NAME_NO_HASH)})\|{re.escape(_NAME_ESCAPE)}\)\{{1,[0-9]*\}}\+"
)
_FRACTION = r"\.[0-9]{0,11}[1-9]"
_DATE_TIME = (
    r'"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8]|(?:29|30)(?<!02-..)|31(?<=0[13578]-..|1[02]-..))'
    r'T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?Z"'
)
_SAFE_PATTERN = re.compile(r"\^((?:[A-Za-z0-9_:@-]|\\[.d]|\[[A-Za-z0-9_:@-]+\]|\{[0-9]+(?:,[0-9]*)?\}|[()|?+*])*)\$")
UTC_PATTERN = "Z$"
NAME_PATTERN = r"^[^\u0000-\u001f\u007f]+$"
NO_HASH_PATTERN = r"^[^#\u0000-\u001f\u007f]+$"
LABEL_PATTERN = r"^[^\s\u0000-\u001f\u007f]([^\u0000-\u001f\u007f]*[^\s\u0000-\u001f\u007f])?$"
PATH_PATTERN = r"^(?!/)(?!.*(^|/)\.\.(/|$)).+$"
# What ECMAScript's `\s` and `.` may stop at, as one class: a label ends with none of it, a path holds none of it.
_BLANK = r"[\s\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]"
_NAMES = {NAME_PATTERN: _IN_NAME, NO_HASH_PATTERN: _IN_NAME_NO_HASH}
_WITHOUT_ESCAPES = {
    LABEL_PATTERN: rf"(?!{_BLANK}){{text}}(?<!{_BLANK})",
    PATH_PATTERN: r'(?!/)(?!(?:[^"\\]*/)?\.\.[/"])(?![^"\\]*[\u2028\u2029]){text}',
}
_IGNORED = frozenset({"title", "description", "$id", "$schema", "$comment", "examples", "default"})
_MOST_VALUES = 2001
_MOST_TIMES = 1 << 16
_LONGEST = 1 << 20  # characters of a written pattern: nested members multiply it


OPEN = {"type": "object"}
_Builder = Callable[[Mapping[str, Any], Mapping[str, Any]], str]


def _any_value(depth: int) -> str:
    """Write the canonical JSON values of some depth whose numbers have few figures; the order of members is not seen."""
    scalar = rf"{_TEXT}|true|false|null|{_any_number()}"
    if depth == 0:
        return f"(?:{scalar})"
    inner = _any_value(depth - 1)
    return rf"(?:{scalar}|\[(?>(?:{inner}(?>(?:,{inner})*))?)\]|{_members_of_any(inner)})"


def _members_of_any(inner: str) -> str:
    return rf"\{{(?>(?:{_TEXT}:{inner}(?>(?:,{_TEXT}:{inner})*))?)\}}"


def _any_number() -> str:
    return rf"(?!-?0\.000000)(?:0(?!\.)|-?(?:0|[1-9][0-9]{{0,2}}){_FRACTION}|-?[1-9][0-9]{{0,14}}+(?!\.))"


_ANY_OBJECT = _members_of_any(_any_value(1))


class Unsupported(Exception):  # noqa: N818  not an error: the slow path answers instead
    """The schema says something that no regular expression over canonical text can."""


def _value(schema: Any, root: Mapping[str, Any]) -> str:
    written = _written(schema, root)
    if len(written) > _LONGEST:
        raise Unsupported("a value of too many parts")
    return written


def _written(schema: Any, root: Mapping[str, Any]) -> str:
    if not isinstance(schema, dict):
        raise Unsupported("boolean schema")
    schema = {name: rule for name, rule in schema.items() if name not in _IGNORED}
    if "$ref" in schema:
        _only(schema, {"$ref"})
        return _value(_resolve(schema["$ref"], root), root)
    if "const" in schema:
        _only(schema, {"const", "type"})
        return literal(schema["const"])
    if "enum" in schema:
        _only(schema, {"enum", "type"})
        return _words([canonical.encode(value).decode() for value in schema["enum"]])
    if "oneOf" in schema or "anyOf" in schema:
        return line(schema, root, ())
    kind = schema.get("type")
    builder = _KINDS.get(kind) if isinstance(kind, str) else None
    if builder is None:
        raise Unsupported(f"type {kind!r}")
    return builder(schema, root)


def line(schema: Mapping[str, Any], root: Mapping[str, Any], first: tuple[str, ...]) -> str:
    """Write an object, or alternatives that share what they begin with, so that a match never starts over.

    Args:
        schema: a closed object, or `oneOf` or `anyOf` closed objects or other values.
        root: the schema whose `$defs` references point into.
        first: members that stand first.

    Returns:
        A regular expression.

    Raises:
        Unsupported: nothing of it can be written.
    """
    schema = {name: rule for name, rule in schema.items() if name not in _IGNORED | {"$defs"}}
    branches = schema.get("oneOf") or schema.get("anyOf")
    if branches is None:
        return _object(schema, root, first)
    _only(schema, {"oneOf", "anyOf"})
    whole = [branch if "$ref" not in branch else _resolve(branch["$ref"], root) for branch in branches]
    if not all(branch.get("type") == "object" for branch in whole):
        return _any([_value(branch, root) for branch in whole])
    members = []
    for branch in whole:
        try:
            members.append(_members(branch, root, first))
        except Unsupported:
            # Lines of a branch that cannot be compiled take the slow path.
            continue
    if not members:
        raise Unsupported("no branch can be compiled")
    return r"\{" + _branches(members, leads=True) + r"\}"


class _Member(NamedTuple):
    name: str
    pattern: str
    required: bool


def _members(schema: Mapping[str, Any], root: Mapping[str, Any], first: tuple[str, ...]) -> list[_Member]:
    _only(schema, {"type", "properties", "required", "additionalProperties"} | _IGNORED)
    if schema.get("additionalProperties") is not False:
        raise Unsupported("open object with known members")
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not set(required) <= set(properties):
        raise Unsupported("required member without a schema")
    rest = sorted(set(properties) - set(first), key=lambda name: name.encode("utf-16-be"))
    found = []
    for name in [*[name for name in first if name in properties], *rest]:
        try:
            # only where `accept` looks for open objects may one stand
            open_object = properties[name] == OPEN
            written = _ANY_OBJECT if open_object else _value(properties[name], root)
            found.append(_Member(name, written, name in required))
        except Unsupported:
            if name in required:
                raise
            # An optional member that cannot be compiled is left out: lines that have it take the slow path.
    leading = len(list(takewhile(lambda member: not member.required, found))) + 1
    if leading * sum(len(member.name) + len(member.pattern) + 8 for member in found) > _LONGEST:
        raise Unsupported("an object of too many members")  # each member that may be the first writes out all after it
    return found


def _object(schema: Mapping[str, Any], root: Mapping[str, Any], first: tuple[str, ...] = ()) -> str:
    """Write an object; `minProperties` 1 only forbids `{}`."""
    least = schema.get("minProperties", 0)
    if least > 1:
        raise Unsupported("minProperties above 1")
    rest = {name: rule for name, rule in schema.items() if name != "minProperties"}
    return (r"(?!\{\})" if least else "") + r"\{" + _body(_members(rest, root, first)) + r"\}"


def _branches(choices: list[list[_Member]], *, leads: bool) -> str:
    """Write alternative member lists as a trie, so that a match reads what they begin with only once."""
    groups: dict[_Member | None, list[list[_Member]]] = {}
    for members in choices:
        groups.setdefault(members[0] if members else None, []).append(members)
    patterns = []
    for head, group in groups.items():
        if head is None:
            patterns.append("")
        elif len(group) == 1 or (leads and not head.required):
            patterns += [
                _body(members) if leads else "".join([_member(m, False) for m in members]) for members in group
            ]
        else:
            patterns.append(_member(head, leads) + _branches([members[1:] for members in group], leads=False))
    return _any(patterns)


def _body(members: list[_Member]) -> str:
    """Write the members of an object; the comma stands before every member but the first that is there."""
    if not members:
        return ""
    head, rest = members[0], members[1:]
    after = "".join([_member(member, False) for member in rest])
    if head.required:
        return _member(head, True) + after
    return _any([_member(head._replace(required=True), True) + after, _body(rest)])


def _member(member: _Member, leads: bool) -> str:
    text = f"{'' if leads else ','}{literal(member.name)}:{member.pattern}"
    return text if member.required else f"(?>(?:{text})?)"


def _string(schema: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    _only(schema, {"type", "minLength", "maxLength", "pattern", "format"})
    if schema.get("format") == "date-time" and schema.get("pattern") == UTC_PATTERN:
        return _DATE_TIME
    if "format" in schema:
        raise Unsupported(f"format {schema['format']!r}")
    least, most = _times(schema, "minLength") or 0, _times(schema, "maxLength")
    if schema.get("pattern") in _NAMES:
        return _name(_NAMES[schema["pattern"]], most)
    if schema.get("pattern") in _WITHOUT_ESCAPES:
        text = f"{_IN_NAME}{{1,{most or ''}}}+"
        return f'"{_WITHOUT_ESCAPES[schema["pattern"]].format(text=text)}"'
    if "pattern" in schema:
        found = _SAFE_PATTERN.fullmatch(schema["pattern"])
        if found is None or len(schema) != 2 or expression.trouble(schema["pattern"]):
            raise Unsupported(f"pattern {schema['pattern']!r}")
        return f'"(?:{found[1]})"'
    if most is not None:
        return f'"(?:{_CHARACTER}|{_ESCAPE}){{{least},{most}}}+"'
    if least > 1:
        raise Unsupported("minLength above 1")
    return _TEXT if not least else f'(?!""){_TEXT}'


def _name(character: str, most: int | None) -> str:
    """Write a text without control characters, whose canonical form escapes nothing but `"` and the backslash."""
    count = f"{{1,{most or ''}}}+"
    return f'"(?:{character}{count}|(?:{character}|{_NAME_ESCAPE}){count})"'


def without_escapes(pattern: str) -> str:
    """Return a written pattern that matches the same texts as long as they hold no escapes."""
    return _WITH_ESCAPES.sub("", pattern)


def _integer(schema: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    _only(schema, {"type", "minimum", "maximum"})
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None and high - low < _MOST_VALUES and low == int(low) and high == int(high):
        return _words(map(str, range(int(low), int(high) + 1)))
    if high is None and low in (0, 1):
        return r"[1-9][0-9]{0,14}+" if low else r"(?:0|[1-9][0-9]{0,14}+)"
    if high is None and low is None:
        return r"(?:0|-?[1-9][0-9]{0,14}+)"
    raise Unsupported("bounds of an integer")


def _number(schema: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    """Write numbers with at most 15 figures, which are canonical as they stand; others take the slow path."""
    _only(schema, {"type", "minimum", "maximum", "exclusiveMinimum"})
    if "exclusiveMinimum" in schema:
        raise Unsupported("exclusiveMinimum")
    low, high = schema.get("minimum"), schema.get("maximum")
    tiny = r"(?!-?0\.000000)"
    if low is None and high is None:
        return _any_number()
    if low == 0 and high is None:
        return rf"{tiny}(?:(?:0|[1-9][0-9]{{0,2}}){_FRACTION}|(?:0|[1-9][0-9]{{0,14}}+)(?!\.))"
    if (
        low is None
        or high is None
        or low != int(low)
        or high != int(high)
        or high - low > _MOST_VALUES
        or max(high, -low) > 999
    ):
        raise Unsupported("bounds of a number")
    low, high = int(low), int(high)
    forms = [f"{n}{_FRACTION}" for n in range(max(0, low), high)] + [
        f"-{n}{_FRACTION}" for n in range(max(0, -high), -low)
    ]
    whole = [str(number) for number in range(low, high + 1)]
    return tiny + _any(
        sorted(forms, key=len, reverse=True) + [rf"{n}(?![0-9.])" for n in sorted(whole, key=len, reverse=True)]
    )


def _array(schema: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    _only(schema, {"type", "items", "minItems", "maxItems", "prefixItems"})
    if "prefixItems" in schema:
        if schema.get("items") is not False or schema.get("minItems") != len(schema["prefixItems"]):
            raise Unsupported("open tuple")
        return r"\[" + ",".join([_value(member, root) for member in schema["prefixItems"]]) + r"\]"
    if "items" not in schema:
        raise Unsupported("array of anything")
    member, least, most = _value(schema["items"], root), _times(schema, "minItems") or 0, _times(schema, "maxItems")
    if most == 0:
        return r"\[\]"
    more = f"(?>(?:,{member}){{{max(least - 1, 0)},{'' if most is None else most - 1}}})"
    return rf"\[{member}{more}\]" if least else rf"\[(?>(?:{member}{more})?)\]"


def _times(schema: Mapping[str, Any], name: str) -> int | None:
    """Return a number of repetitions, None where the schema does not say one."""
    said = schema.get(name)
    if said is not None and (type(said) is not int or said > _MOST_TIMES):
        raise Unsupported(f"{name} {said!r}")
    return said


def _constant(pattern: str) -> _Builder:
    return lambda schema, root: pattern


_KINDS: dict[str, _Builder] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "array": _array,
    "object": _object,
    "boolean": _constant("(?:true|false)"),
    "null": _constant("null"),
}


def literal(value: Any) -> str:
    """Return a pattern that matches the canonical bytes of one value."""
    return re.escape(canonical.encode(value).decode())


def _words(words: Iterable[str]) -> str:
    """Write alternative texts as a trie: tried one by one, 80 labels would cost 40 comparisons a line."""
    tails: dict[str, list[str]] = {}
    for word in sorted(words):
        tails.setdefault(word[:1], []).append(word[1:])
    branches: dict[str, list[str]] = {}
    for first, rest in sorted(tails.items(), reverse=True):
        shared = _common(min(rest), max(rest))
        cut = [word[len(shared) :] for word in rest]
        branches.setdefault(re.escape(shared) + (_words(cut) if any(cut) else ""), []).append(re.escape(first))
    return _any([(f"[{''.join(firsts)}]" if firsts[1:] else firsts[0]) + rest for rest, firsts in branches.items()])


def _common(one: str, two: str) -> str:
    """Return what the first and the last of sorted words begin with, and so all between them."""
    pairs = zip(one, two, strict=False)
    return "".join([a for a, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)])


def _any(patterns: list[str]) -> str:
    return patterns[0] if len(patterns) == 1 else f"(?:{'|'.join(patterns)})"


def _resolve(reference: str, root: Mapping[str, Any]) -> dict[str, Any]:
    if not reference.startswith("#/$defs/"):
        raise Unsupported(f"reference {reference!r}")
    found: dict[str, Any] = root.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {})
    return found


def _only(schema: Mapping[str, Any], known: set[str]) -> None:
    unknown = set(schema) - known - _IGNORED
    if unknown:
        raise Unsupported(f"keyword {min(unknown)!r}")
