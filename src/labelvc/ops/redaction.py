"""Redaction on import: personal data leaves the texts of a source, and labels keep covering what they covered.

Items and records of a source wait by shard, so a text and the labels on it meet here, whatever their order was.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from labelvc.codec import canonical, surrogates
from labelvc.codec.offsets import Unit
from labelvc.core import domains, leaks, protection, redact, reword
from labelvc.core.gate import Gate
from labelvc.core.redact import Redacted
from labelvc.core.reword import Found, Spoken
from labelvc.errors import DataError, RefusedError
from labelvc.model import jsonpointer
from labelvc.model.finding import Finding
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset, Project, Sensitive
from labelvc.ops import fitting
from labelvc.ops.fitting import Line, MisfitError
from labelvc.ops.incoming import ITEM, RECORD, UNNAMED, Incoming, Rows, TwiceError
from labelvc.ops.tokens import Tokens
from labelvc.spill import Spill

WAY = "text"
"""Scope of the tokens that the way back from a text stands under (docs/formats/vault.md)."""

_REMEMBERED = 1 << 12
_OVERHEAD = 60
_WAITING = 1 << 20
_PARTS = 5
_NAMES = ("/id", "/item", "/natural", "/media")
_OFF = "take it out of the source, or leave the detector out in labelvc.yaml: privacy.leaks.off"
_ELSEWHERE = "choose another --key or --item, or declare the field sensitive with mode: keyed or drop"


class Place(NamedTuple):
    """Where a text stands: in a line, at a pointer, as a member of something, by which declaration it is looked at."""

    line: Line
    field: Sensitive
    pointer: str
    holder: Any
    name: Any

    @property
    def text(self) -> str:
        """The text."""
        found: str = self.holder[self.name]
        return found

    @property
    def labelled(self) -> bool:
        """Whether labels may lie on it."""
        return self.line.kind == ITEM and self.pointer == protection.TEXT


class Way(NamedTuple):
    """A way back from a text.

    Attributes:
        layer, item, pointer: where the text stands.
        digest: of the text without personal data.
        moves: where a replaced part was, start and end, where what replaced it is, its token, and what it was.
    """

    layer: Layer
    item: str
    pointer: str
    digest: str
    moves: list[list[Any]]

    def __repr__(self) -> str:
        """Show no value."""
        return f"Way({self.layer!r}, {self.pointer!r}, ...)"


class Redaction:
    """Takes personal data out of texts.

    Args:
        project: says what is looked for.
        dataset: says in which fields, and what stands in its place.
        tokens: makes that.
        unit: what offsets of the source count; None: code points, which are not compared with what they cover unless the
            text changes.

    Attributes:
        texts: how many texts changed.
        values: how many values were replaced.
        called: items of the source that have another name here.
    """

    def __init__(self, project: Project, dataset: Dataset, tokens: Tokens, unit: Unit | None) -> None:
        self._project, self._dataset, self._tokens, self._unit = project, dataset, tokens, unit
        self._declared = [field for field in dataset.sensitive if field.mode == "redact"]
        self._asked = [(field, jsonpointer.steps(field.pointer)) for field in self._declared]
        self._domains = domains.of(project)
        self._words: dict[tuple[str, str, str, str, bool], str] = {}
        self._ways, self._values = Spill(1, _WAITING), Spill(1, _WAITING)
        self._told: set[str] = set()
        self.texts = self.values = 0
        self.called: Mapping[str, str] = {}

    @property
    def needed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._declared) or self._unit is not None

    @property
    def traced(self) -> bool:
        """Whether there is a vault that is told what was replaced."""
        return self._tokens.traced

    def over(self, incoming: Incoming, k: int, fresh: Incoming) -> Incoming:
        """Return incoming lines without the personal data that was found in their declared texts.

        Args:
            incoming: as they were read.
            k: number of digits in a shard's name.
            fresh: takes the lines.

        Returns:
            `fresh`.

        Raises:
            MisfitError: a label does not fit its text, or personal data stands where it cannot be replaced.
            TwiceError: two items of one name differ.
        """
        for cell in sorted(incoming.cells(k)):
            for _, rows in sorted(incoming.shards(cell, k).items()):
                for line in self._shard(_lines(rows)):
                    fresh.add(line.kind, line.item, line.raw)
        return fresh

    def ways(self) -> Iterator[Way]:
        """Yield the ways back; none where there is no vault. They wait as the source's lines do, some in memory at a time."""
        return (Way(*canonical.decode(raw)) for rows in self._ways.blocks(0) for raw in rows)

    def rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield what the vault must know: the tokens of what was replaced, and the ways back."""
        for rows in self._values.blocks(0):
            for token, scope, value in map(canonical.decode, rows):
                yield token, {"scope": scope, "value": value}
        for one in self.ways():
            said = way(self._dataset.id, one.layer, self.called.get(one.item, one.item), one.pointer, one.digest)
            yield (
                self._tokens.of_value(self._project.domain, "other", said, WAY),
                {"moves": one.moves, "scope": WAY, "value": said},
            )

    def _shard(self, lines: list[Line]) -> list[Line]:
        """Return the lines of one shard as they go on."""
        texts = {line.item: line.fields.get("text") for line in lines if line.kind == ITEM}
        if len(texts) < sum(line.kind == ITEM for line in lines):
            counted = Counter([line.item for line in lines if line.kind == ITEM])
            raise TwiceError(Key(self._dataset.name, counted.most_common(1)[0][0], ""), "items")
        labels: defaultdict[str, list[Line]] = defaultdict(list)
        for line in lines:
            if line.kind != ITEM and fitting.span(line.fields) is not None:
                labels[line.item].append(line)
                if self._unit is not None:
                    fitting.measure(line, texts.get(line.item), self._unit)
        changed = self._reworded(lines, labels)
        again = [
            line._replace(raw=line.written()) if self._unit is not None or id(line.fields) in changed else line
            for line in lines
        ]
        self._refuse_what_is_left(lines, again)
        return again

    def _reworded(self, lines: Sequence[Line], labels: Mapping[str, list[Line]]) -> set[int]:
        """Take personal data out of texts; returns the identities of the members that changed."""
        places = [place for line in lines for place in self._places(line)]
        spoken = [_spoken(place, labels) for place in places]

        def instead(at: int, found: Found, made_up: bool) -> str:
            return self._instead(places[at], found, made_up=made_up)

        changed: set[int] = set()
        words = self._words_of(lines)
        try:
            found = list(reword.reworded(spoken, self._project.leaks, instead))
        except reword.LeftOverError as error:
            left = (
                "is written in more ways than are read"
                if error.unread
                else "cannot be replaced so that none is found any more"
            )
            message = f"{'a text' if error.unread else 'personal data'} at {places[error.at].pointer} {left}"
            raise MisfitError(places[error.at].line.raw, RefusedError(message, hint=_OFF)) from None
        for at, done, told in found:
            place = places[at]
            changed.add(id(place.line.fields))
            if place.labelled:
                if place.line.item in words:
                    message = "personal data stands in a text whose words are records, called by their place in it"
                    raise MisfitError(place.line.raw, RefusedError(message, hint="take it out of the source"))
                for label in labels.get(place.line.item, ()):
                    fitting.place(label.fields, done.place(fitting.hold(label, place.text)), done.text)
                    changed.add(id(label.fields))
            self._note(place, done, told)
            place.holder[place.name] = done.text
        return changed

    def _places(self, line: Line) -> Iterator[Place]:
        """Yield where the declared texts of a line stand; each once, by its first declaration."""
        seen: set[str] = set()
        for field, steps in self._asked:
            if field.layer != line.layer:
                continue
            for pointer, holder, name in jsonpointer.texts(line.fields, steps):
                # what a label covers goes with the item's text
                covers = pointer == protection.COVERED and fitting.span(line.fields) is not None
                if pointer not in seen and not covers:
                    seen.add(pointer)
                    yield Place(line, field, pointer, holder, name)

    def _instead(self, place: Place, found: Found, *, made_up: bool) -> str:
        """Return what stands in place of a value."""
        scope = self._tokens.scope(place.field, place.line.fields)
        domain = self._domains.within(place.field)
        surrogate = made_up and place.field.instead == "surrogate"
        asked = (domain, found.detector, found.said, scope, surrogate)
        if asked not in self._words:
            if len(self._words) > _REMEMBERED:
                self._words.clear()
            drawn = ""
            if surrogate:
                drawn = surrogates.surrogate(found.detector, self._tokens.drawn(domain, found.kind, found.said, scope))
            self._words[asked] = drawn or redact.marked(self._tokens.of_value(domain, found.kind, found.said, scope))
        return self._words[asked]

    def _note(self, place: Place, done: Redacted, told: Sequence[Found]) -> None:
        """Take down what was replaced in a text, and where."""
        self.texts += 1
        self.values += len(set(map(id, told)))
        if not self.traced:
            return
        scope, moves = self._tokens.scope(place.field, place.line.fields), []
        domain = self._domains.within(place.field)
        for move, found in zip(done.moves, told, strict=True):
            token = self._tokens.of_value(domain, found.kind, found.said, scope)
            if token not in self._told:  # told twice is no harm, and all of them would not fit
                if len(self._told) > _REMEMBERED:
                    self._told.clear()
                self._told.add(token)
                self._aside(self._values, [token, scope, found.said])
            moves.append([*move.old, *move.new, token, place.text[slice(*move.old)]])
        self._aside(self._ways, [place.line.layer, place.line.item, place.pointer, digest(done.text), moves])

    def _aside(self, where: Spill, row: list[Any]) -> None:
        """Set a row aside: as bytes, which take a fifth of the memory."""
        raw = canonical.encode(row)
        where.add(0, raw, len(raw) + _OVERHEAD)

    def _words_of(self, lines: Iterable[Line]) -> set[str]:
        """Return the items whose words are records: these are called by their place in the text, and say it again."""
        tasks = {name for name, task in self._project.tasks.items() if task.type == "token"}
        return (
            {line.item for line in lines if line.kind != ITEM and line.fields.get("task") in tasks} if tasks else set()
        )

    def _refuse_what_is_left(self, before: Sequence[Line], lines: Sequence[Line]) -> None:
        """Refuse what the leak gate would find in declared fields and in names: a number, a member's name, an id.

        Raises:
            MisfitError: it finds something.
        """
        if not self._declared:
            return

        def key_of(at: int) -> str:
            return str(Key(self._dataset.name, lines[at].item, lines[at].name))

        data = b"\n".join([line.raw for line in lines])
        for found in leaks.in_shard(self._dataset.name, data, key_of, Gate(self._project.leaks)):
            at = found.place.line - 1
            if self._covered(lines[at].layer, found):
                message = f"{found.message}, at {found.place.pointer}, where it cannot be replaced"
                raise MisfitError(before[at].raw, RefusedError(message, hint=_ELSEWHERE))

    def _covered(self, layer: Layer, found: Finding) -> bool:
        """Tell whether a finding is in a declared field, or in a name, where it is one for sure."""
        declared = [field.pointer for field in self._declared if field.layer == layer]
        names = _NAMES if found.severity == "error" else ()
        return any(jsonpointer.inside(pointer).match(found.place.pointer) for pointer in (*declared, *names))


def way(dataset: str, layer: Layer, item: str, pointer: str, digest: str) -> str:
    """Return what the way back from a text is called: where the text stands, and its digest."""
    return canonical.encode([dataset, layer, item, pointer, digest]).decode()


def place_of(way: str) -> list[str] | None:
    """Return the parts of what a way back is called (`way`); None where it is called otherwise."""
    try:
        parts = canonical.decode(way.encode())
    except DataError:
        return None
    good = isinstance(parts, list) and len(parts) == _PARTS and all(isinstance(part, str) for part in parts)
    return parts if good else None


def digest(text: str) -> str:
    """Return what tells a text, without personal data, from another one."""
    return hashlib.sha256(text.encode()).hexdigest()


def _lines(rows: Rows) -> list[Line]:
    kinds = ((ITEM, rows.items), (RECORD, rows.records), (UNNAMED, rows.unnamed))
    return [Line(kind, raw, canonical.decode(raw)) for kind, found in kinds for raw in found]


def _spoken(place: Place, labels: Mapping[str, list[Line]]) -> Spoken:
    found = [fitting.span(label.fields) for label in labels.get(place.line.item, ())] if place.labelled else []
    name = place.name if isinstance(place.name, str) else ""
    return Spoken(name, place.text, tuple([at for at in found if at is not None]))
