"""Lineage: what is done to the labels of a taxonomy, and which label a record's old one is now.

Ids never change and are never used again: a label that was merged or split away stays in the list, deprecated, so that no
later label can take its id and with it the records of others.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple

from labelvc.core import semver
from labelvc.errors import RefusedError

Kind = Literal["add", "rename", "merge", "split", "move", "deprecate"]
Value = Mapping[str, Any]
Change = tuple[tuple[str, ...], Any]
_FRESH = ("labels", "-")
_MEMBERS = ("label", "labels", "soft", "ranking")
_LOOK = "labelvc taxonomy counts NAME, which lists the labels there are"


class Edits(NamedTuple):
    """Edits of a taxonomy's document.

    Attributes:
        values: paths as `codec.document.edit` takes them, and what to set there.
        fresh: labels to append to the list.
    """

    values: Mapping[tuple[str, ...], Any]
    fresh: tuple[Mapping[str, Any], ...]


class Operation(NamedTuple):
    """Something to be done to a taxonomy.

    Attributes:
        kind: what.
        labels: ids of the labels it begins with; of `add` none.
        into: ids of the labels it ends with: one of `add` and `merge`, several of `split`.
        name: what people see of a label that is added or renamed; empty for its id.
        parent: the label above, of `add` and `move`; None for the top.
        reason: why.
    """

    kind: Kind
    labels: tuple[str, ...] = ()
    into: tuple[str, ...] = ()
    name: str = ""
    parent: str | None = None
    reason: str = ""


class Fate(NamedTuple):
    """What became of a label.

    Attributes:
        to: the labels that its records may have now; one where a merge decides for all of them.
        version: of the taxonomy that brought it.
        kept: whether the label itself is one of those.
    """

    to: tuple[str, ...]
    version: str
    kept: bool = False


def changes(value: Value, asked: Operation) -> Edits:
    """Return the edits of a taxonomy's document that carry an operation out, lineage and version left out.

    Args:
        value: what the document says.
        asked: what is to be done.

    Raises:
        RefusedError: a label does not exist, exists already, or another one is called so; or nothing would change.
    """
    labels = {label["id"]: (str(at), label) for at, label in enumerate(value["labels"])}
    for label in asked.labels:
        if label not in labels:
            raise _missing(labels, label)
    found = list(_DOING[asked.kind](labels, asked))
    fresh = [said for path, said in found if path == _FRESH]
    return Edits({path: said for path, said in found if path != _FRESH}, tuple(fresh))


def step(asked: Operation, version: str) -> Mapping[str, Any]:
    """Return the entry of the lineage that tells of an operation."""
    ends = {
        "add": ((), asked.into),
        "rename": (asked.labels, asked.labels),
        "move": (asked.labels, asked.labels),
        "deprecate": (asked.labels, ()),
    }
    old, new = ends.get(asked.kind, (asked.labels, asked.into))
    found: dict[str, Any] = {"version": version, "kind": asked.kind}
    found |= {"from": list(old)} if old else {}
    found |= {"to": list(new)} if new else {}
    return {**found, **({"reason": asked.reason} if asked.reason else {})}


def fates(value: Value, since: str = "") -> Mapping[str, Fate]:
    """Return what became of the labels that were merged or split, followed to the end of the lineage.

    Args:
        value: what a taxonomy's document says.
        since: version of the taxonomy by which labels were given: what happened after it counts; empty for all.

    Returns:
        Label to fate. A label merged into one that was split later has the labels of the split; of one that was split, kept
        and merged away later a person decides still, since nobody said which of the first ones its records were.
    """
    found: dict[str, Fate] = {}
    behind: dict[str, set[str]] = defaultdict(set)  # label to those that lead to it
    for entry in value.get("lineage", ()):
        if entry["kind"] not in ("merge", "split") or (since and not semver.precedes(since, str(entry["version"]))):
            continue
        to, version = tuple(entry.get("to", ())), str(entry["version"])
        ends = {label: Fate(to, version, label in to) for label in entry.get("from", ()) if to != (label,)}
        for label in {label for one in ends for label in behind.pop(one, ())}:
            through = dict.fromkeys(new for one in found[label].to for new in (ends[one].to if one in ends else (one,)))
            found[label] = Fate(tuple(through), version, label in through)
            for one in through:
                behind[one].add(label)
        for label in ends.keys() - found.keys():
            found[label] = ends[label]
            for one in ends[label].to:
                behind[one].add(label)
    return found


def migrated(said: Any, known: Mapping[str, Fate], members: Sequence[str] = _MEMBERS) -> Any:
    """Return a record's value with every merged label replaced; the same object when it has none.

    Several labels become a set again, shares of one whole are added up, and of a ranking the first place counts.

    Args:
        said: the value.
        known: the fates of labels.
        members: those of the value that hold labels.
    """
    if not isinstance(said, dict):
        return said
    new = dict(said)
    for member in members:
        if member in said:
            new[member] = _one(said[member], known)
    if new == said:
        return said
    return {**new, "labels": sorted(new["labels"])} if isinstance(new.get("labels"), list) else new


def undecided(labels: Sequence[str], known: Mapping[str, Fate]) -> Iterator[str]:
    """Yield those of a record's labels that were split, so that a person must say which of the new ones they are."""
    for label in labels:
        fate = known.get(label)
        if fate is not None and len(fate.to) > 1:
            yield label


def _one(said: Any, known: Mapping[str, Fate]) -> Any:
    if isinstance(said, dict):
        shares: dict[str, float] = {}
        for label, share in said.items():
            now = _now(label, known)
            shares[now] = shares[now] + share if now in shares else share
        return shares
    if isinstance(said, list):
        return list(dict.fromkeys(_now(label, known) for label in said))
    return _now(said, known)


def _now(label: Any, known: Mapping[str, Fate]) -> Any:
    fate = known.get(label) if isinstance(label, str) else None
    return fate.to[0] if fate is not None and len(fate.to) == 1 else label


_Labels = Mapping[str, tuple[str, Value]]


def _added(labels: _Labels, asked: Operation) -> Iterator[Change]:
    (fresh,) = asked.into
    _refuse_taken(labels, fresh)
    _refuse_taken(labels, asked.name or fresh)
    yield _new(fresh, asked.name, asked.parent)


def _renamed(labels: _Labels, asked: Operation) -> Iterator[Change]:
    (label,) = asked.labels
    at, known = labels[label]
    if known.get("name") == asked.name:
        raise RefusedError(f"the label {label!r} is called so already", hint=_LOOK)
    _refuse_taken({other: row for other, row in labels.items() if other != label}, asked.name, label)
    yield ("labels", at, "name"), asked.name


def _merged(labels: _Labels, asked: Operation) -> Iterator[Change]:
    (target,) = asked.into
    gone = [label for label in asked.labels if label != target]
    if not gone:
        raise RefusedError(f"the label {target!r} would be merged into itself", hint=_LOOK)
    if target not in labels:
        _refuse_taken(labels, asked.name or target)
        yield _new(target, asked.name, labels[gone[0]][1].get("parent"))
    elif labels[target][1].get("status") == "deprecated":
        raise RefusedError(f"the label {target!r} is deprecated, so nothing can become it", hint=_LOOK)
    for label in gone:
        at, known = labels[label]
        yield from _retired(at, known)
        for child, (below, row) in labels.items():
            if row.get("parent") == label and child not in asked.labels:
                yield ("labels", below, "parent"), (known.get("parent") if child == target else target)


def _split(labels: _Labels, asked: Operation) -> Iterator[Change]:
    (label,) = asked.labels
    at, known = labels[label]
    if len(set(asked.into)) < len(asked.into) or len(asked.into) < 2:
        hint = (
            f"labelvc taxonomy split NAME {shlex.quote(label)} --into A --into B; one of them may be that label itself"
        )
        raise RefusedError(f"the label {label!r} is split into two labels or more, each named once", hint=hint)
    for fresh in asked.into:
        if fresh not in labels:
            _refuse_taken(labels, fresh)
            yield _new(fresh, "", known.get("parent"))
        elif fresh != label and labels[fresh][1].get("status") == "deprecated":
            raise RefusedError(f"the label {fresh!r} is deprecated, so nothing can become it", hint=_LOOK)
    if label not in asked.into:
        yield from _retired(at, known)


def _moved(labels: _Labels, asked: Operation) -> Iterator[Change]:
    (label,) = asked.labels
    at, known = labels[label]
    if known.get("parent") == asked.parent:
        raise RefusedError(f"the label {label!r} is there already", hint=_LOOK)
    above = asked.parent
    while above is not None:
        if above == label:
            raise RefusedError(f"the label {label!r} would be its own ancestor", hint=_LOOK)
        if above not in labels:
            raise _missing(labels, above)
        above = labels[above][1].get("parent")
    yield ("labels", at, "parent"), asked.parent


def _deprecated(labels: _Labels, asked: Operation) -> Iterator[Change]:
    for label in asked.labels:
        yield from _retired(*labels[label])


def _retired(at: str, known: Value) -> Iterator[Change]:
    if known.get("status") == "deprecated":
        raise RefusedError(f"the label {known['id']!r} is deprecated already", hint=_LOOK)
    yield ("labels", at, "status"), "deprecated"


def _new(label: str, name: str, parent: str | None) -> Change:
    return _FRESH, {"id": label, "name": name or label, **({"parent": parent} if parent else {})}


def _missing(labels: _Labels, label: str) -> RefusedError:
    near = get_close_matches(label, labels, n=3) or sorted(labels)[:8]
    return RefusedError(f"there is no label {label!r}", hint=f"choose one of: {', '.join(near)}")


def _refuse_taken(labels: _Labels, said: str, merge: str = "") -> None:
    """Refuse an id or name by which another label is known, deprecated ones included: people could not tell them apart.

    Args:
        labels: those there are.
        said: the id or name.
        merge: a label that exists, and so can be merged into the other; empty for none.
    """
    for other, (_, row) in labels.items():
        if said.casefold() in (other.casefold(), str(row.get("name", "")).casefold()):
            hint = f"labelvc taxonomy merge NAME {shlex.quote(merge)} --into {shlex.quote(other)}" if merge else _LOOK
            raise RefusedError(f"{said!r} is the label {other!r} already", hint=hint)


_DOING = {
    "add": _added,
    "rename": _renamed,
    "merge": _merged,
    "split": _split,
    "move": _moved,
    "deprecate": _deprecated,
}


def pending(value: Value, last: str) -> list[str]:
    """Return the positions in the lineage of the steps that came after a published version.

    Args:
        value: what the document says.
        last: the version published last; empty when none was.
    """
    rows = enumerate(value.get("lineage", ()))
    return [str(at) for at, entry in rows if not last or semver.precedes(last, str(entry["version"]))]
