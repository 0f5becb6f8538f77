"""Schemas: what the published JSON Schema of a noun says no to, in plain words.

A message names what is expected, never what was found beyond the name of a member, so that it can be printed anywhere.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import SchemaError, ValidationError

from labelvc.codec.published import schema
from labelvc.model import jsonpointer

_LONGEST = 40
_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_REFERENCES = frozenset({"$ref", "$dynamicRef", "$id", "$anchor", "$dynamicAnchor", "$schema", "$vocabulary"})
_VERSION = re.compile(r"urn:labelvc:schema:([a-z-]+):([0-9]{1,9})")


class Problem(NamedTuple):
    """One thing a schema says no to: a JSON pointer into the value, and what is expected there."""

    pointer: str
    message: str


def problems(noun: str, value: Any) -> list[Problem]:
    """Return everything the schema of a noun says no to.

    Args:
        noun: as for `labelvc.codec.published.schema`.
        value: the decoded value.

    Returns:
        Problems sorted by pointer; empty when the value is good.
    """
    return _told(_validator(noun).iter_errors(value))


def problems_against(rules: Mapping[str, Any], value: Any) -> list[Problem]:
    """Return everything a given schema says no to, in the same words as `problems`.

    Args:
        rules: a JSON Schema 2020-12.
        value: the decoded value.

    Returns:
        Problems sorted by pointer.
    """
    return _told(_Validator(rules).iter_errors(value))


def schema_problem(rules: Any) -> Problem | None:
    """Return what is wrong with what should be a JSON Schema 2020-12 of a field, or None when it can be used.

    It comes from the repository that is judged. So it says all itself, since what it referred to would be fetched, and its
    patterns need no more time than the text is long: they are those of an engine that never goes back.
    """
    try:
        Draft202012Validator.check_schema(rules)
    except SchemaError as error:
        said = next(_words(error))
        return Problem(said.pointer, f"is no JSON Schema: {said.message}")
    at = _reference(rules, "")
    if at:
        return Problem(at, "refers to another place: write its rules out here")
    library = importlib.import_module("jsonschema_rs")
    try:
        library.Draft202012Validator(rules, pattern_options=library.RegexOptions(), offline=True)
    except library.ValidationError as error:
        words = "is no regular expression that is matched in one pass: it has an error, look-around or a back-reference"
        return Problem("".join([_below("", str(step)) for step in error.instance_path]), words)
    return None


def _reference(rules: Any, at: str) -> str:
    """Return the pointer to the first thing in a schema that refers elsewhere or can be referred to; empty for none."""
    if isinstance(rules, dict):
        named = next((name for name in rules if name in _REFERENCES), None)
        inside = [(_below(at, name), inner) for name, inner in rules.items()]
        return (
            _below(at, named)
            if named
            else next(filter(None, (_reference(inner, below) for below, inner in inside)), "")
        )
    if isinstance(rules, list):
        return next(filter(None, (_reference(inner, f"{at}/{number}") for number, inner in enumerate(rules))), "")
    return ""


def newer(noun: str, value: Any) -> int | None:
    """Return the version a document says it is of, when this labelvc knows only an older one."""
    found = (
        _VERSION.fullmatch(value["schema"])
        if isinstance(value, dict) and isinstance(value.get("schema"), str)
        else None
    )
    return int(found[2]) if found and found[1] == noun and int(found[2]) > 1 else None


def _pattern(validator: Any, pattern: str, instance: Any, rules: Any) -> Iterator[ValidationError]:
    """Match as JSON Schema means it: `$` is the end of the text, where Python's also is the place before a last line end."""
    if isinstance(instance, str) and not _compiled(pattern).search(instance):
        yield ValidationError("pattern")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern[:-1] + r"\Z" if pattern.endswith("$") and not pattern.endswith(r"\$") else pattern)


_Validator: Any = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _pattern}
)


@cache
def _validator(noun: str) -> Any:
    return _Validator(schema(noun))


def _told(errors: Iterator[ValidationError]) -> list[Problem]:
    found = {problem for error in errors for problem in _words(error)}
    return sorted(found)


def _words(error: Any) -> Iterator[Problem]:
    """Say an error in plain words; errors of a branch are said instead of "is none of these"."""
    pointer = _pointer(error.absolute_path)
    rule, value = error.validator, error.validator_value
    if rule in ("anyOf", "oneOf"):
        yield from _branches(error, pointer)
    elif rule == "required":
        yield from [Problem(pointer, f"lacks {name!r}") for name in value if name not in error.instance][:20]
    elif rule == "dependentRequired":
        needed = {name for present, names in value.items() if present in error.instance for name in names}
        yield from [Problem(pointer, f"lacks {name!r}") for name in sorted(needed - set(error.instance))]
    elif rule in ("additionalProperties", "unevaluatedProperties"):
        known = error.schema.get("properties", {})
        strange = [name for name in error.instance if name not in known]
        yield from [
            Problem(_below(pointer, name), f"is not known here{_nearest(name, known)}") for name in strange[:20]
        ]
    elif "propertyNames" in error.absolute_schema_path:
        name = str(error.instance)
        yield Problem(
            _below(pointer, name),
            "is not known here" if rule == "enum" else f"has a name that does not fit: {_expected(error)}",
        )
    else:
        yield Problem(pointer, _expected(error))


def _branches(error: Any, pointer: str) -> Iterator[Problem]:
    """Explain the branch that came furthest: whose constants are there, whose errors lie deepest, then the one with fewest."""
    branches: dict[Any, list[Any]] = {}
    for below in error.context or []:
        branches.setdefault(below.schema_path[0], []).append(below)
    if all(len(found) == 1 and found[0].validator == "required" for found in branches.values()):
        names = [name for found in branches.values() for name in found[0].validator_value]
        yield Problem(pointer, f"needs one of {', '.join(names)}")
        return
    best = max(branches.values(), key=_reach)
    if max([len(below.path) for below in best]) == 0 and all(
        below.validator == "type" for found in branches.values() for below in found
    ):
        kinds = [_kind(below.validator_value) for found in branches.values() for below in found]
        yield Problem(pointer, f"must be {' or '.join(dict.fromkeys(kinds))}")
        return
    for below in best:
        yield from _words(below)


def _reach(found: Sequence[Any]) -> tuple[bool, int, int]:
    strange = any(below.validator == "const" for below in found)
    return not strange, max([len(below.path) for below in found]), -len(found)


def _expected(error: Any) -> str:
    rule, value = str(error.validator), error.validator_value
    described = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
    if rule == "type":
        return f"must be {_kind(value)}{_quotes(value, error.instance)}"
    if rule == "const":
        return f"must be {_short(value)}"
    if rule == "enum":
        choices = [_short(choice) for choice in value]
        rest = f" and {len(choices) - 30} more" if len(choices) > 30 else ""
        return f"must be one of {', '.join(choices[:30])}{rest}"
    if rule == "contains":
        return f"lacks {_short(value['const'])!r}" if "const" in value else "lacks a member it must have"
    if rule == "not":
        return "is a name that is taken" if value else "does not belong here"
    if rule in ("minLength", "minItems", "minProperties") and value == 1:
        return "must not be empty"
    if rule == "pattern":
        return f"must be: {described[:1].lower()}{described[1:].rstrip('.')}" if described else f"must match {value}"
    words = _SIMPLE.get(rule)
    return words.format(value) if words else f"breaks the rule {rule}"


_SIMPLE = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "multipleOf": "must be a multiple of {}",
    "minLength": "must not be shorter than {} characters",
    "maxLength": "must not be longer than {} characters",
    "minItems": "must have at least {} members",
    "maxItems": "must have at most {} members",
    "items": "must not have more members",
    "minProperties": "must have at least {} members",
    "maxProperties": "must have at most {} members",
    "uniqueItems": "must not hold the same member twice",
    "format": "must be a {}",
}


def _kind(value: Any) -> str:
    return " or ".join([_KINDS[kind] for kind in ([value] if isinstance(value, str) else value)])


def _quotes(kind: Any, instance: Any) -> str:
    """Give the usual reason why text is not text: YAML reads 1 and true as something else."""
    wanted = "string" in ([kind] if isinstance(kind, str) else kind)
    return "; write it in quotes" if wanted and isinstance(instance, bool | int | float) else ""


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    """Return the known name that differs by little, since most unknown members are typing errors."""
    close = [other for other in known if _close(name, other)]
    return f"; did you mean {close[0]!r}?" if close else ""


def _close(one: str, other: str) -> bool:
    """Tell whether two names differ by one letter more, less, other, or two swapped."""
    if abs(len(one) - len(other)) > 1 or len(other) < 3:
        return False
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])


def _below(pointer: str, name: str) -> str:
    return f"{pointer}/{jsonpointer.escaped(_short(name))}"


def _pointer(path: Any) -> str:
    return "".join([_below("", str(step)) for step in path])
