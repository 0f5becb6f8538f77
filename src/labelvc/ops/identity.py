"""Identity: which stored items and records an import means, where the source's own numbers are not to be trusted.

Items are found by their natural key, and where that moved by their content; records without an id of their own by content
(`labelvc.core.match`). What is found keeps the name it has here, whatever the source calls it today.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import count
from typing import Any, NamedTuple

from labelvc.codec import canonical, shard
from labelvc.core import match
from labelvc.core.diff import decoded, live
from labelvc.formats.spool import counting
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset
from labelvc.model.snapshot import Snapshot
from labelvc.store import tree
from labelvc.store.git import Git

Lines = dict[Layer, dict[Key, bytes]]


class Asked(NamedTuple):
    """What decides identity in one import.

    Attributes:
        dataset: name of the dataset.
        task: name of the task the records answer.
        keys: what was given as `--key`; empty: items are called what the source calls them.
        tool: name of the format, under which `ext` holds its fields.
        prefix: before ids made up here (`Plan.prefix`).
        whole: the source is all there is.
    """

    dataset: str
    task: str
    keys: tuple[str, ...]
    tool: str
    prefix: str
    whole: bool


class Stored:
    """What the work tree holds of a dataset, read only when it is asked for.

    Args:
        git: the repository.
        work: the work tree.
        dataset: the dataset.
    """

    def __init__(self, git: Git, work: Snapshot, dataset: Dataset) -> None:
        self._git, self._work, self._dataset = git, work, dataset

    @cached_property
    def items(self) -> dict[str, bytes]:
        """Return items by id."""
        return {key.item: raw for key, raw in self._lines("items")}

    @cached_property
    def records(self) -> dict[str, dict[str, bytes]]:
        """Return live records of all tasks, by item and id."""
        found: dict[str, dict[str, bytes]] = defaultdict(dict)
        for key, raw in self._lines("annotations"):
            if live(raw) is not None:
                found[key.item][key.id] = raw
        return dict(found)

    def answers(self, task: str) -> dict[Key, bytes]:
        """Return the live records of one task."""
        return {
            Key(self._dataset.name, item, identifier): raw
            for item, held in self.records.items()
            for identifier, raw in held.items()
            if decoded(raw).get("task") == task
        }

    def _lines(self, layer: Layer) -> Iterator[tuple[Key, bytes]]:
        folder = f"datasets/{self._dataset.name}/{layer}/"
        wanted = [
            (path, entry)
            for path, entry in sorted(self._work.entries.items())
            if path.startswith(folder) and shard.parse_path(path)
        ]
        with tree.reader(self._git) as reader:
            for _, data in reader.many(wanted):
                for raw in shard.lines(data):
                    key = shard.key_of(raw, self._dataset.name, layer)
                    if key is not None:  # one that has none is refused when the shard is written
                        yield key, raw


def settle(lines: Lines, unnamed: Mapping[str, list[bytes]], stored: Stored, asked: Asked) -> Lines:
    """Give everything that was read the name it has here.

    Args:
        lines: items, and records that have an id, by key.
        unnamed: records that have none, by item: canonical lines without the member `id`.
        stored: what is there.
        asked: what decides.

    Returns:
        All lines by key.
    """
    if asked.keys and stored.items:
        called = _called(lines, unnamed, stored, asked)
        if called:
            lines = {layer: dict(_renamed(found, called)) for layer, found in lines.items()}
            unnamed = {called.get(item, item): found for item, found in unnamed.items()}
    answers = dict(lines["annotations"])
    for item, found in unnamed.items():
        for identifier, raw in zip(_ids(item, found, stored, asked, answers), found, strict=True):
            answers[Key(asked.dataset, item, identifier)] = _inserted(item, identifier, raw)
    return {"items": lines["items"], "annotations": answers}


def values(item: Mapping[str, Any], keys: Sequence[str], tool: str) -> bytes | None:
    """Return what an item says under the fields of a key, in canonical JSON; None when it lacks one of them.

    An item that was imported without the key says it among the format's own fields.
    """
    natural, ext = item.get("natural"), item.get("ext")
    space = ext.get(tool) if isinstance(ext, dict) else None
    told = []
    for wanted in keys:
        name, _, column = wanted.partition("=")
        for held, member in ((natural, wanted), (natural, name), (space, column or name)):
            if isinstance(held, dict) and held.get(member) not in (None, ""):
                told.append(held[member])
                break
    return canonical.encode(told) if len(told) == len(keys) else None


def _called(lines: Lines, unnamed: Mapping[str, list[bytes]], stored: Stored, asked: Asked) -> dict[str, str]:
    """Return the items of the source that have another name here: their id in the source to the one stored."""
    old, new = (
        {name: values(decoded(raw), asked.keys, asked.tool) for name, raw in side}
        for side in (stored.items.items(), ((key.item, raw) for key, raw in lines["items"].items()))
    )
    known = _by_key(old, new)
    left = [name for name in new if name not in known]
    known.update({name: name for name in left if name in old and old[name] is None})
    left = [name for name in left if name not in known and new[name] is not None]
    free = stored.items.keys() - set(known.values())
    if asked.whole and left and free:
        known.update(_by_content(left, free, lines, unnamed, stored))
    taken = set(known.values())
    for name in sorted(new.keys() - known.keys()):
        known[name] = next(
            here
            for here in _spellings(name)
            if here not in taken
            and (here == name or here not in new)
            and (here not in old or (asked.whole and not _answers_others(here, stored, asked)))
        )
        taken.add(known[name])
    return {name: here for name, here in known.items() if name != here}


def _answers_others(name: str, stored: Stored, asked: Asked) -> bool:
    """Tell whether an item stays for the sake of records of another task."""
    return any(decoded(raw).get("task") != asked.task for raw in stored.records.get(name, {}).values())


def _by_key(old: Mapping[str, bytes | None], new: Mapping[str, bytes | None]) -> dict[str, str]:
    """Pair items of equal key values; where several share them, they are called by their lines and stay in that order."""
    holders: dict[bytes, list[str]] = defaultdict(list)
    for name, told in old.items():
        if told is not None:
            holders[told].append(name)
    asking: dict[bytes, list[str]] = defaultdict(list)
    for name, told in new.items():
        if told in holders:
            asking[told].append(name)
    found: dict[str, str] = {}
    for told, names in asking.items():
        found.update(zip(sorted(names, key=counting), sorted(holders[told], key=counting), strict=False))
    return found


def _by_content(
    left: Iterable[str], free: Iterable[str], lines: Lines, unnamed: Mapping[str, list[bytes]], stored: Stored
) -> dict[str, str]:
    asked = set(left)
    told: dict[str, list[bytes]] = {name: list(unnamed.get(name, ())) for name in asked}
    for key, raw in lines["annotations"].items():
        if key.item in asked:
            told[key.item].append(raw)
    items = {key.item: raw for key, raw in lines["items"].items()}
    new = {name: _evidence(items[name], told[name]) for name in asked}
    return match.items(
        {name: _evidence(stored.items[name], stored.records.get(name, {}).values()) for name in free}, new
    )


def _evidence(item: bytes, records: Iterable[bytes]) -> set[bytes]:
    """Return digests of what tells an item from others whatever it is called: its text, or the shapes drawn on it."""
    fields = decoded(item)
    text, media = fields.get("text"), fields.get("media")
    if isinstance(text, str) and text:
        return {canonical.digest(canonical.encode(text)).encode()}
    size = [media.get("width"), media.get("height")] if isinstance(media, dict) else []
    shapes = [match.place(decoded(raw).get("value")) for raw in records]
    return {canonical.digest(canonical.encode([size, shape])).encode() for shape in shapes if shape}


def _renamed(lines: Mapping[Key, bytes], called: Mapping[str, str]) -> Iterator[tuple[Key, bytes]]:
    for key, raw in lines.items():
        item = called.get(key.item)
        if item is None:
            yield key, raw
        elif key.id:
            yield Key(key.dataset, item, key.id), canonical.encode_record({**decoded(raw), "item": item})
        else:
            yield Key(key.dataset, item, ""), canonical.encode_item({**decoded(raw), "id": item})


def _ids(item: str, found: Sequence[bytes], stored: Stored, asked: Asked, answers: Mapping[Key, bytes]) -> list[str]:
    """Return the ids of an item's records that came without: those they have here, or new ones made from their shape."""
    held = stored.records.get(item, {})
    old = {name: fields for name, raw in held.items() if (fields := decoded(raw)).get("task") == asked.task}
    new = [decoded(raw) for raw in found]
    ids = match.records(old, new, whole=asked.whole)
    taken = held.keys() | {name for name in ids if name is not None}
    for number in sorted(range(len(found)), key=lambda at: found[at]):
        if ids[number] is None:
            made = asked.prefix + match.name({**new[number], "item": item})
            free = (name for name in _spellings(made) if name not in taken)
            ids[number] = next(name for name in free if Key(asked.dataset, item, name) not in answers)
            taken.add(str(ids[number]))
    return [name for name in ids if name is not None]


def _spellings(name: str) -> Iterator[str]:
    """Yield a name, then `name.2`, `name.3` ..."""
    yield name
    for number in count(2):
        yield f"{name}.{number}"


def _inserted(item: str, identifier: str, raw: bytes) -> bytes:
    """Return a canonical line of this item with an id put in."""
    if decoded(raw)["item"] != item:
        return canonical.encode_record({**decoded(raw), "item": item, "id": identifier})
    head = b'{"item":' + canonical.encode(item)
    return head + b',"id":' + canonical.encode(identifier) + raw[len(head) :]
