"""A view of one shard: its lines, heads and records, each worked out once and only when a check asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

import msgspec

from labelvc.checks.interface import Answers, Heads, Line, Said
from labelvc.codec import canonical, shard
from labelvc.codec.accept import Acceptor, Unsupported, compile_schema
from labelvc.codec.quick import UNREADABLE
from labelvc.core import expect
from labelvc.errors import DataError
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset, Project

_STRING = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'


def _head(layer: Layer) -> re.Pattern[str]:
    """Compile what a line begins with, capturing item, id and by, and running to the end of the line."""
    if layer == "items":
        return re.compile(rf'^\{{"id":{_STRING}()()[^\n]*+', re.MULTILINE)
    return re.compile(
        rf'^\{{"item":{_STRING},"id":{_STRING}(?:,"at":"[^"]*+")?+(?:,"by":{_STRING})?+[^\n]*+', re.MULTILINE
    )


_LAYERS: tuple[Layer, ...] = ("annotations", "items")
_HEADS = {layer: _head(layer) for layer in _LAYERS}
_Made = TypeVar("_Made")
_decode, _decode_lines = msgspec.json.Decoder().decode, msgspec.json.Decoder().decode_lines
_TASK = b',"task":'
_TIME = re.compile(r'^\{"item":"[^"]*+","id":"[^"]*+"(?:,"at":"([^"]*+)")?+[^\n]*+', re.MULTILINE)
_MOST_SAID = 4096
_said: dict[bytes, Said] = {}
_acceptors: dict[tuple[str, str, Layer], Acceptor | None] = {}


class View:
    """One shard of a dataset as the checks see it (`labelvc.checks.interface.Shard`)."""

    def __init__(self, project: Project, dataset: Dataset, name: str, items: bytes, annotations: bytes) -> None:
        """Take the bytes of both layers; nothing is read from them yet."""
        self.dataset = dataset
        self.name = name
        self._project = project
        shortened = {"items": shard.shorten(items), "annotations": shard.shorten(annotations)}
        self._data: dict[Layer, bytes] = {layer: shortened[layer][0] for layer in _LAYERS}
        self._cut: dict[Layer, frozenset[int]] = {layer: shortened[layer][1] for layer in _LAYERS}
        self._kept: dict[tuple[str, Layer], Any] = {}
        self._near: dict[Layer, tuple[list[bytes], list[Any]]] = {}

    def other(self, project: Project, dataset: Dataset, items: bytes, annotations: bytes) -> View:
        """Return a view of this shard as another snapshot has it, which takes over what was worked out of lines that both have.

        Args:
            project: the documents that judge there.
            dataset: the dataset there.
            items: bytes of its items.
            annotations: bytes of its records.
        """
        found = View(project, dataset, self.name, items, annotations)
        for layer in _LAYERS:
            if acceptor_for(project, dataset, layer) != acceptor_for(self._project, self.dataset, layer):
                continue
            if (found._data[layer], found._cut[layer]) == (self._data[layer], self._cut[layer]):
                found._kept.update({place: made for place, made in self._kept.items() if place[1] == layer})
            elif (proof := self._kept.get(("proof", layer))) is not None:
                found._near[layer] = self.raw(layer), proof
        return found

    def path(self, layer: Layer) -> str:
        """Return the shard's path in a layer."""
        return shard.path(self.dataset.name, layer, self.name)

    def data(self, layer: Layer) -> bytes:
        """Return the bytes of a layer; of a line beyond 16 MiB only the beginning."""
        return self._data[layer]

    def raw(self, layer: Layer) -> list[bytes]:
        """Return the lines of a layer, without `\\n`."""
        return self._once("raw", layer, lambda: shard.lines(self._data[layer]))

    def heads(self, layer: Layer) -> Heads:
        """Return the first members of all lines, read without decoding them."""
        return self._once("heads", layer, lambda: self._read_heads(layer))

    def key(self, layer: Layer, at: int) -> Key | None:
        """Return the key of the line at a position (from 0); None when it cannot be read."""
        heads = self.heads(layer)
        item, identifier = heads.items[at], heads.ids[at]
        if "\\" in item or "\\" in identifier:
            return shard.key_of(self.raw(layer)[at], self.dataset.name, layer)
        return Key(self.dataset.name, item, identifier) if item and (identifier or layer == "items") else None

    def records(self, layer: Layer = "annotations") -> list[Line]:
        """Return all lines, decoded once and kept."""
        return self._once("records", layer, lambda: self._lines(layer, range(len(self.raw(layer)))))

    def answers(self) -> Answers:
        """Return what the records say, column by column."""
        return self._once("answers", "annotations", self._read_answers)

    def times(self) -> Sequence[Any]:
        """Return when each record was made, as it has it."""
        text = self._text("annotations")
        if text is not None and self._proof("annotations") is not None:
            return _TIME.findall(text)
        return [(line.fields or {}).get("at") for line in self.records()]

    def holding(self, *members: str) -> list[Line]:
        """Return the records whose value may have a member of one of these names."""
        return self._once(f"holding {members}", "annotations", lambda: self._find_holding(members))

    def texts(self) -> Mapping[str, Any]:
        """Return the `text` of each item, as it has it."""
        rows = [line.fields or {} for line in self.records("items")]
        return self._once("texts", "items", lambda: {str(row.get("id")): row.get("text") for row in rows})

    def suspects(self, layer: Layer) -> list[Line]:
        """Return the lines that the accept path did not prove good."""
        return self._once("suspects", layer, lambda: self._find_suspects(layer))

    @cached_property
    def size(self) -> int:
        """Number of lines in both layers."""
        return sum(len(self.raw(layer)) for layer in _LAYERS)

    def _once(self, what: str, layer: Layer, make: Callable[[], _Made]) -> _Made:
        place = (what, layer)
        if place not in self._kept:
            self._kept[place] = make()
        made: _Made = self._kept[place]
        return made

    def _text(self, layer: Layer) -> str | None:
        return self._once("text", layer, lambda: _decoded(self._data[layer]))

    def _proof(self, layer: Layer) -> list[Any] | None:
        """Return the heads of a layer whose lines were all proved good in the same pass, or None."""
        return self._once("proof", layer, lambda: self._prove(layer))

    def _prove(self, layer: Layer) -> list[Any] | None:
        acceptor, text, lines = acceptor_for(self._project, self.dataset, layer), self._text(layer), self.raw(layer)
        if acceptor is None or not text:
            return None
        theirs, known = self._near.get(layer, ([], []))
        if len(theirs) != len(lines) or not text.endswith("\n"):
            return acceptor.read(text, len(lines))
        # each line is proved by itself, so that those which stand there as well need no other proof
        differ = [at for at, (one, two) in enumerate(zip(lines, theirs, strict=True)) if one != two]
        heads = acceptor.read("".join([f"{lines[at].decode()}\n" for at in differ]), len(differ)) if differ else []
        if heads is None:
            return None
        found = list(known)
        for at, head in zip(differ, heads, strict=True):
            found[at] = head
        return found

    def _read_heads(self, layer: Layer) -> Heads:
        found, lines = self._proof(layer), self.raw(layer)
        if found is not None and layer == "items":
            return Heads(found, *[("",) * len(found)] * 2)
        if found is None:
            text = self._text(layer)
            found = _HEADS[layer].findall(text) if text else []
        if len(found) != len(lines):
            matches = [_HEADS[layer].match(line.decode(errors="replace")) for line in lines]
            found = [match.groups("") if match else ("", "", "") for match in matches]
        return Heads(*zip(*found, strict=True)) if found else Heads((), (), ())

    def _find_suspects(self, layer: Layer) -> list[Line]:
        if not self._data[layer]:
            return []
        acceptor, text = acceptor_for(self._project, self.dataset, layer), self._text(layer)
        if acceptor is None or text is None:
            return [self._line(layer, at, strict=True) for at in range(len(self.raw(layer)))]
        if self._proof(layer) is not None:
            return []
        proved = acceptor.accepts_all(text)
        if proved and not any(start in text for start in acceptor.opens):
            return []
        good = acceptor.ordered if proved else acceptor.accepts
        return [
            self._line(layer, at, strict=True) for at, line in enumerate(self.raw(layer)) if not good(line.decode())
        ]

    def _find_holding(self, members: Sequence[str]) -> list[Line]:
        """Of proved lines, look at each different value once; of canonical ones, at how such a member is spelled."""
        if self.suspects("annotations"):
            return self.records()
        if self._proof("annotations") is not None:
            said = self.answers().said
            wanted = {
                one for one in set(said) if isinstance(one.value, dict) and not one.value.keys().isdisjoint(members)
            }
            return self._lines("annotations", [at for at, one in enumerate(said) if one in wanted] if wanted else ())
        needles = [f'"{name}":'.encode() for name in members]
        needles = [needle for needle in needles if needle in self._data["annotations"]]
        lines = enumerate(self.raw("annotations")) if needles else ()
        return self._lines("annotations", [at for at, line in lines if any(needle in line for needle in needles)])

    def _read_answers(self) -> Answers:
        if self._proof("annotations") is not None:
            heads = self.heads("annotations")
            return Answers(heads.items, heads.by, _said_in(self.raw("annotations")))
        rows = [line.fields or {} for line in self.records()]
        said = [Said(row.get("task"), row.get("under"), row.get("value", msgspec.UNSET)) for row in rows]
        makers = [by if isinstance(by := row.get("by"), str) else "" for row in rows]
        return Answers([str(row.get("item")) for row in rows], makers, said)

    def _lines(self, layer: Layer, places: Sequence[int]) -> list[Line]:
        """Decode some lines: all at once where each is proved, since one line of two objects would be read as two lines."""
        raw, dataset = self.raw(layer), self.dataset.name
        some = [raw[at] for at in places]
        try:
            rows = [] if self.suspects(layer) else _decode_lines(b"\n".join(some))
        except UNREADABLE:
            rows = []
        if len(rows) != len(some) or not all(type(row) is dict for row in rows):
            return [self._line(layer, at) for at in places]
        found = zip(places, some, rows, strict=True)
        return [Line(layer, at + 1, dataset, line, fields) for at, line, fields in found]

    def _line(self, layer: Layer, at: int, *, strict: bool = False) -> Line:
        raw = self.raw(layer)[at]
        fields, problem = (None, f"the line is longer than {shard.LONGEST >> 20} MiB")
        if at + 1 not in self._cut[layer]:
            fields, problem = _read(raw, strict=strict)
        return Line(layer, at + 1, self.dataset.name, raw, fields, problem)


def _read(raw: bytes, *, strict: bool) -> tuple[dict[str, Any] | None, str]:
    """Return the object that a line holds, or None and why it holds none."""
    try:
        fields = canonical.decode(raw) if strict else _decode(raw)
    except DataError as error:
        return None, error.message
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return None, f"not JSON: {error}"
    except RecursionError:
        return None, "nested too deep"
    return (fields, "") if isinstance(fields, dict) else (None, "the line is no JSON object")


def _said_in(lines: Sequence[bytes]) -> list[Said]:
    """Return what each of some proved lines says: what follows its `task`, which stands behind all that tells records apart.

    No text of a line without escapes holds a quotation mark, and no object before it has a member of that name.
    """
    if len(_said) > _MOST_SAID:
        _said.clear()
    tails = [line.partition(_TASK)[2] for line in lines]
    for tail in set(tails).difference(_said):
        fields = _decode(_TASK.replace(b",", b"{") + tail) if tail else {}
        _said[tail] = Said(fields.get("task"), fields.get("under"), fields.get("value", msgspec.UNSET))
    return [_said[tail] for tail in tails]


def acceptor_for(project: Project, dataset: Dataset, layer: Layer) -> Acceptor | None:
    """Return the compiled schema of a layer, or None when the dataset's schema cannot be compiled."""
    place = (project.digest, dataset.name, layer)
    if place not in _acceptors:
        first = canonical.RECORD_FIRST if layer == "annotations" else canonical.ITEM_FIRST
        captured = (*first, "by") if layer == "annotations" else first
        try:
            _acceptors[place] = compile_schema(expect.line_schema(project, dataset, layer), first, captured)
        except Unsupported:
            _acceptors[place] = None
    return _acceptors[place]


def _decoded(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None
