"""CODEOWNERS: who is asked about which part of a project, in the file that code hosts read, where the last line that matches wins.

Source: GitHub, "About code owners"; GitLab, "CODEOWNERS syntax". Both take e-mail addresses, which the policy has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from labelvc.core import decide
from labelvc.model.policy import ROOT_ROLE, Policy

_SPECIAL = re.compile(r"([\s\\#*?!\[\]])")
_DOCUMENTS = ("guidelines", "taxonomies", "registers")
_LAYERS = {"annotations": "#", "items": ""}
_FOLDERS = {"project": "releases", "privacy": "privacy", "trust": "trust"}


class Line(NamedTuple):
    """A line of the file.

    Attributes:
        pattern: what it is about, from the top of the repository on.
        owners: addresses; empty when nobody owns it.
        why: why nobody does; empty when somebody does.
    """

    pattern: str
    owners: tuple[str, ...]
    why: str = ""


def lines(policy: Policy, paths: Iterable[str], named: Mapping[str, str]) -> list[Line]:
    """Return who owns what, the general before the particular.

    Args:
        policy: with `root` among its roles.
        paths: of all files there are.
        named: path of a document to the principal or role that it says owns it.

    Returns:
        The lines; a part whose owners are those of what it lies in has none of its own.
    """
    parts: dict[str, str] = {}
    for path in paths:
        for pattern, key in _parts(path):
            parts.setdefault(pattern, key)
    found: dict[str, Line] = {}
    for pattern in sorted(parts, key=lambda pattern: (pattern.count("/") - pattern.endswith("/"), pattern)):
        line = _line(policy, pattern, parts[pattern], named)
        over = next((found[above] for above in _above(pattern) if above in found), None)
        if over is None or line[1:] != over[1:]:
            found[pattern] = line
    return list(found.values())


def text(found: Iterable[Line]) -> str:
    """Return the lines as the file has them; what nobody owns is a comment."""
    return "".join(
        [f"{one.pattern} {' '.join(one.owners)}\n" if one.owners else f"# {one.pattern} {one.why}\n" for one in found]
    )


def _parts(path: str) -> Iterator[tuple[str, str]]:
    """Yield the patterns of the parts that a file belongs to, each with the key of a change in it."""
    top, *rest = path.split("/")
    kind = decide.kind_of(path)
    if top == "datasets" and len(rest) > 1 and kind != "controls":
        name, inner = rest[:2]
        yield _pattern(f"datasets/{name}/"), f"datasets/{name}/dataset.yaml"
        layer, mark, _ = inner.partition(".")
        if layer in _LAYERS:
            yield (
                _pattern(f"datasets/{name}/{inner}" if mark else f"datasets/{name}/{layer}/"),
                (f"{name}/x#{_LAYERS[layer] and 'x'}"),
            )
    elif top in _DOCUMENTS and kind != "controls":
        yield f"/{top}/", f"{top}/{'x/' * (top == 'registers')}x.yaml"
        if top == "registers" and len(rest) > 1:
            yield _pattern(f"{top}/{rest[0]}/"), f"{top}/{rest[0]}/x.yaml"
        yield _pattern(path), path
    elif kind in _FOLDERS and rest:
        yield f"/{_FOLDERS[kind]}/", path
    elif kind == "controls" and rest and decide.kind_of(f"{top}/x") == "controls":
        yield _pattern(f"{top}/"), path
    elif kind in ("project", "controls"):
        yield _pattern(path), path


def _line(policy: Policy, pattern: str, key: str, named: Mapping[str, str]) -> Line:
    owner = named.get(key, "")
    who = [owner] if owner in policy.principals or owner in policy.roles else []
    if not who and decide.kind_of(key) == "trust":
        who = [ROOT_ROLE]
    rules = decide.rules_for(policy, key) or ()
    who = who or list(dict.fromkeys(need.role for rule in rules for need in rule.needs))
    owners = dict.fromkeys(address for name in who for address in _addresses(policy, name))
    if owners:
        return Line(pattern, tuple(owners))
    return Line(
        pattern, (), f"nobody of {', '.join(who)} has an address" if who else "no rule of the policy is about it"
    )


def _addresses(policy: Policy, name: str) -> Iterator[str]:
    members = (name,) if name in policy.principals else policy.roles[name].members if name in policy.roles else ()
    for member in members:
        yield from policy.principals[member].emails[:1]


def _above(pattern: str) -> Iterator[str]:
    """Yield the patterns of the folders that a pattern lies in, the nearest first."""
    parts = pattern.rstrip("/").split("/")[:-1]
    while len(parts) > 1:
        yield "/".join(parts) + "/"
        parts.pop()


def _pattern(path: str) -> str:
    return "/" + _SPECIAL.sub(r"\\\1", path)
