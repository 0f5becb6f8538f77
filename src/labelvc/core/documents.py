"""What two versions of a document say differently: labels, blocks and members, never lines of text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from labelvc.core import prose
from labelvc.core.diff import pointers
from labelvc.model import jsonpointer
from labelvc.model.change import Edit

_LAYOUT = frozenset(("/shards", "/group", "/storage"))
_DEFAULTS = {"shards": 16, "group": None, "storage": "git"}
_STATUSES = {"deprecated": "deprecated", "active": "revived"}


class Rename(NamedTuple):
    """A label that is called otherwise and is the same label."""

    id: str
    old: str
    new: str


def edits(noun: str, old: Any, new: Any) -> list[Edit]:
    """Return what two versions of a document say differently.

    Args:
        noun: kind of the document: `taxonomy` and `guideline` are told by label, others by member.
        old: what it said.
        new: what it says.

    Returns:
        The edits, `version` first; empty exactly when both say the same.
    """
    if not isinstance(old, dict) or not isinstance(new, dict):
        return list(_members(old, new, ""))
    found = [Edit("version", "changed", "", "", "/version", one, two) for one, two in _version(old, new)]
    rest = [{name: inner for name, inner in side.items() if not (found and name == "version")} for side in (old, new)]
    if noun == "taxonomy" and all(map(_is_taxonomy, rest)):
        found += _labels(_by_id(rest[0]["labels"]), _by_id(rest[1]["labels"]))
        rest = [{name: inner for name, inner in side.items() if name != "labels"} for side in rest]
    elif noun == "guideline" and all(map(_is_guideline, rest)):
        found += _explained(rest[0]["labels"], rest[1]["labels"])
        rest = [{name: inner for name, inner in side.items() if name != "labels"} for side in rest]
    return [*found, *_members(rest[0], rest[1], "")]


def renames(old: Any, new: Any) -> list[Rename] | None:
    """Return the labels that were renamed when that is all that two versions of a taxonomy differ in.

    Args:
        old: the taxonomy before.
        new: the taxonomy after.

    Returns:
        The renames; None when anything else differs, or when a label takes a name that another label had: records of the
        one would then read as the other. The version, and lineage entries that tell of renames, go with a rename.
    """
    if not (isinstance(old, dict) and isinstance(new, dict) and _is_taxonomy(old) and _is_taxonomy(new)):
        return None
    rest = [{name: inner for name, inner in side.items() if name not in _RENAMING} for side in (old, new)]
    if pointers(rest[0], rest[1]) or not _only_renames(old.get("lineage", []), new.get("lineage", [])):
        return None
    before, after = old["labels"], new["labels"]
    if len(before) != len(after) or any(
        pointers(one, two) not in ([], ["/name"]) for one, two in zip(before, after, strict=True)
    ):
        return None
    found = [
        Rename(one["id"], str(one.get("name")), str(two.get("name")))
        for one, two in zip(before, after, strict=True)
        if one.get("name") != two.get("name")
    ]
    own = {
        label["id"]: {str(side.get("name")).casefold() for side in pair}
        for pair in zip(before, after, strict=True)
        for label in pair
    }
    said = [name for names in own.values() for name in names]
    return found if found and len(said) == len(set(said)) else None


_RENAMING = frozenset(("version", "lineage", "labels"))


def layout(old: Any, new: Any) -> list[str] | None:
    """Return how a dataset lies otherwise when that is all that two versions of its document differ in.

    Args:
        old: the dataset's document before.
        new: the document after.

    Returns:
        `cut into 64 shards, were 4`, `moved from git to dvc` ...; None when anything else differs.
    """
    if not isinstance(old, dict) or not isinstance(new, dict):
        return None
    differing = pointers(old, new)
    if not differing or not _LAYOUT.issuperset(differing):
        return None
    one, two = ({name: side.get(name, default) for name, default in _DEFAULTS.items()} for side in (old, new))
    told = []
    if one["shards"] != two["shards"]:
        told.append(f"cut into {two['shards']} shards, were {one['shards']}")
    if one["group"] != two["group"]:
        told.append("grouped into shards by another expression")
    if one["storage"] != two["storage"]:
        told.append(f"moved from {one['storage']} to {two['storage']}")
    return told


def begun(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the ids of epochs that began between two lists of epochs, when nothing else happened but that others ended."""
    if len(new) <= len(old):
        return []
    for one, two in zip(old, new, strict=False):
        if {**one, "status": ""} != {**two, "status": ""} or (
            one["status"] != two["status"] and two["status"] == "active"
        ):
            return []
    return [epoch["id"] for epoch in new[len(old) :]]


def _version(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, str]]:
    one, two = old.get("version"), new.get("version")
    return [(one, two)] if isinstance(one, str) and isinstance(two, str) and one != two else []


def _is_taxonomy(value: Mapping[str, Any]) -> bool:
    labels = value.get("labels")
    if not isinstance(labels, list) or not all(
        isinstance(one, dict) and isinstance(one.get("id"), str) for one in labels
    ):
        return False
    return len({one["id"] for one in labels}) == len(labels)


def _is_guideline(value: Mapping[str, Any]) -> bool:
    labels = value.get("labels")
    return isinstance(labels, dict) and all(isinstance(one, dict) for one in labels.values())


def _only_renames(old: Any, new: Any) -> bool:
    """Tell whether one list of lineage is the other with renames after it, either way round."""
    if not isinstance(old, list) or not isinstance(new, list):
        return False
    short, long = sorted((old, new), key=len)
    grown = long[len(short) :]
    return not pointers(short, long[: len(short)]) and all(
        isinstance(one, dict) and one.get("kind") == "rename" for one in grown
    )


def _by_id(labels: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, Mapping[str, Any]]]:
    return {label["id"]: (f"/labels/{at}", label) for at, label in enumerate(labels)}


def _labels(
    old: Mapping[str, tuple[str, Mapping[str, Any]]], new: Mapping[str, tuple[str, Mapping[str, Any]]]
) -> Iterator[Edit]:
    """Yield what became of each label of a taxonomy."""
    for name, (pointer, label) in old.items():
        if name not in new:
            yield Edit("label", "removed", name, "", pointer, dict(label), None)
    for name, (pointer, label) in new.items():
        if name not in old:
            yield Edit("label", "added", name, "", pointer, None, dict(label))
            continue
        was = old[name][1]
        for step in dict.fromkeys([found.split("/")[1] for found in pointers(was, label)]):
            member = jsonpointer.steps(f"/{step}")[0]
            yield _relabelled(name, member, f"{pointer}/{step}", was.get(member), label.get(member))
    kept = [[name for name in side if name in other] for side, other in ((old, new), (new, old))]
    if kept[0] != kept[1]:
        yield Edit("label", "ordered", "", "", "/labels", kept[0], kept[1])


def _relabelled(name: str, member: str, pointer: str, old: Any, new: Any) -> Edit:
    if member == "name":
        return Edit("label", "renamed", name, member, pointer, old, new)
    if member == "parent":
        return Edit("label", "moved", name, member, pointer, old, new)
    if member == "status":
        one, two = old or "active", new or "active"
        if one != two and isinstance(two, str) and two in _STATUSES:
            return Edit("label", "deprecated" if two == "deprecated" else "revived", name, member, pointer, one, two)
    return Edit("label", "changed", name, member, pointer, old, new)


def _explained(old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]) -> Iterator[Edit]:
    """Yield what became of each label's blocks in a guideline."""
    for name, blocks in old.items():
        if name not in new:
            yield Edit("label", "removed", name, "", f"/labels/{jsonpointer.escaped(name)}", dict(blocks), None)
    for name, blocks in new.items():
        pointer = f"/labels/{jsonpointer.escaped(name)}"
        if name not in old:
            yield Edit("label", "added", name, "", pointer, None, dict(blocks))
            continue
        for block in dict.fromkeys([*old[name], *blocks]):
            below = f"{pointer}/{jsonpointer.escaped(block)}"
            for edit in _at({block: old[name][block]} if block in old[name] else {}, blocks, block, below):
                yield edit._replace(of="block", name=name, block=block)


def _members(old: Any, new: Any, at: str) -> Iterator[Edit]:
    """Yield the members of two values that differ, mappings walked and lists entry by entry."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys([*old, *new]):
            yield from _at(old, new, name, f"{at}/{jsonpointer.escaped(name)}")
    elif isinstance(old, list) and isinstance(new, list):
        yield from _entries(old, new, at)
    elif pointers(old, new):
        yield Edit("member", "changed", "", "", at, old, new)


def _at(old: Mapping[str, Any], new: Mapping[str, Any], name: str, pointer: str) -> Iterator[Edit]:
    if name not in old:
        yield Edit("member", "added", "", "", pointer, None, new[name])
    elif name not in new:
        yield Edit("member", "removed", "", "", pointer, old[name], None)
    else:
        yield from _members(old[name], new[name], pointer)


def _entries(old: Sequence[Any], new: Sequence[Any], at: str) -> Iterator[Edit]:
    """Yield the entries of two lists that differ; those of a lineage are called so."""
    of: Literal["lineage", "member"] = "lineage" if at == "/lineage" else "member"
    one, two = ([json.dumps(entry, sort_keys=True) for entry in side] for side in (old, new))
    if one != two and sorted(one) == sorted(two):
        yield Edit("member", "ordered", "", "", at, list(old), list(new))
        return
    for before, after in prose.pairs(one, two):
        what: Literal["added", "removed", "changed"] = (
            "added" if before is None else "removed" if after is None else "changed"
        )
        was, now = None if before is None else old[before], None if after is None else new[after]
        yield Edit(of, what, "", "", f"{at}/{before if after is None else after}", was, now)
