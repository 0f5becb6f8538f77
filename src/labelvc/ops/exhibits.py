"""Exhibits: examples of a change as a person judges them, with the text or picture they are about; nothing plain is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from labelvc.codec import canonical, pictures
from labelvc.core import boxes, passage
from labelvc.core.census import person_of
from labelvc.core.diff import Comparison, decoded, live
from labelvc.core.gate import Gate
from labelvc.core.veil import Veil
from labelvc.core.ways import named
from labelvc.errors import DataError, StoreError
from labelvc.model import jsonpointer
from labelvc.model.change import Edit
from labelvc.model.exhibit import Example, Moved, Passage, Picture
from labelvc.model.names import Key
from labelvc.ops.beside import Beside
from labelvc.ops.diff import Range
from labelvc.store.reader import Reader

_MOST_FIELDS = 12
_SHORT = 200
_LARGEST = 300_000
_ROOM = 450_000
"""Bytes of pictures on a page: with four characters for three bytes, and the rest of the page, less than a MB."""
_COVER = "•"
_REMEMBERED = 1 << 12


class Screen:
    """Covers what detectors and the people known here say is personal or secret, so that no page hands it on.

    Args:
        gate: what judges texts.

    Attributes:
        covered: how many texts something was covered in.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._names: dict[str, str] = {}
        self.covered = 0

    def over(self, text: str) -> str:
        """Return a text of the same length in which nothing personal can be read."""
        found = self._gate.spans(text) if text else ()
        self.covered += bool(found)
        for span in found:
            text = text[: span.start] + _COVER * (span.end - span.start) + text[span.end :]
        return text

    def name(self, name: str) -> str:
        """Return what `over` does of the name of a label or a slice, of which many records have the same."""
        found = self._names.get(name)
        if found is None:
            if len(self._names) >= _REMEMBERED:
                self._names.clear()
            found = self._names[name] = self.over(name)
        return found

    def within(self, value: Any) -> Any:
        """Return a value with all texts in it covered, names of members too."""
        if isinstance(value, str):
            return self.over(value)
        if isinstance(value, Mapping):
            return {self.over(str(name)): self.within(inner) for name, inner in value.items()}
        return [self.within(inner) for inner in value] if isinstance(value, list | tuple) else value

    def edit(self, edit: Edit) -> Edit:
        """Return an edit of a document that way."""
        return edit._replace(pointer=self.over(edit.pointer), old=self.within(edit.old), new=self.within(edit.new))


class Exhibits:
    """Makes examples; reads what is beside them.

    Args:
        reader: reads items, records and pictures.
        pair: the two snapshots.
        veil: hides plain values.
        screen: covers personal data in texts.

    Attributes:
        pictures: digest to bytes of the pictures that were found, as far as the page has room.
    """

    def __init__(self, reader: Reader, pair: Range, veil: Veil, screen: Screen) -> None:
        self._reader, self._pair, self._veil, self._screen = reader, pair, veil, screen
        self._beside = Beside(reader, pair[::-1])
        self.pictures: dict[str, bytes] = {}

    def example(self, seen: Comparison) -> Example:
        """Return a change as an example.

        Raises:
            StoreError: a shard cannot be read.
        """
        key = seen.delta.key
        if not isinstance(key, Key):
            raise TypeError("only records are examples")
        item = next((self._veil.over(key._replace(id=""), decoded(raw)) for _, raw in self._beside.items(key)), {})
        text = item.get("text")
        by = person_of(seen.new if seen.kind != "removed" else seen.old)
        return Example(
            str(key),
            seen.kind,
            by,
            tuple(self._moved(seen)),
            self._passages(seen, text) if isinstance(text, str) else (),
            self._picture(key, item),
        )

    def _moved(self, seen: Comparison) -> list[Moved]:
        sides = (seen.old, seen.new)
        if seen.kind in ("added", "removed"):
            return [Moved("/value", *[self._words(side.get("value")) if side else "" for side in sides])]
        return [
            Moved(pointer, *[self._words(jsonpointer.reach(side, pointer)) for side in sides])
            for pointer in seen.fields[:_MOST_FIELDS]
        ]

    def _words(self, value: object) -> str:
        if value is None:
            return ""
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        shown = self._screen.over(text[: _SHORT + passage.REACH])
        return shown if len(shown) <= _SHORT else shown[: _SHORT - 1] + "…"

    def _passages(self, seen: Comparison, text: str) -> tuple[Passage, ...]:
        """Return the text with what is marked, covered before it is cut: half a value would not be known for one."""
        spans = [passage.span_of(side, seen.delta.key.id, len(text)) for side in (seen.old, seen.new)]  # type: ignore[union-attr]
        ends = [at for span in spans if span for at in span] or [0]
        low, high = max(0, min(ends) - passage.REACH), max(ends) + passage.REACH
        shown = text[:low] + self._screen.over(text[low:high]) + text[high:]
        return passage.passages(seen, shown)

    def _picture(self, key: Key, item: Mapping[str, Any]) -> Picture | None:
        media = item.get("media")
        if not isinstance(media, Mapping) or not isinstance(media.get("path"), str):
            return None
        before, after = [self._live(key, snapshot) for snapshot in self._pair]
        found, more = boxes.compared(before, after)
        size = [media.get(name) for name in ("width", "height")]
        reach = [max([one.x + one.width for one in found] or [1]), max([one.y + one.height for one in found] or [1])]
        width, height = [
            said if type(said) is int and said > 0 else max(1, round(far))
            for said, far in zip(size, reach, strict=True)
        ]
        digest, why = self._shown(f"datasets/{key.dataset}/media/{media['path']}")
        differing = sum(one.sign != "=" for one in found)
        return Picture(named(media["path"]), width, height, digest, why, found, more, differing, len(found) + more)

    def _live(self, key: Key, snapshot: Any) -> Sequence[Mapping[str, Any]]:
        return [decoded(raw) for raw in self._beside.records(key, snapshot) if live(raw) is not None]

    def _shown(self, path: str) -> tuple[str, str]:
        """Return the digest of a picture that is kept for the page, or why there is none."""
        entry = next((one.entries[path] for one in self._pair[::-1] if path in one.entries), None)
        if entry is None:
            return "", "it is not in the repository; labelvc media add brings pictures in"
        if entry.kind not in ("git", "dvc"):
            return "", "it is a link, which is not followed"
        if entry.kind == "dvc" and not self._reader.dvc.stored(entry):
            return "", "it is behind DVC and not in this clone; dvc pull brings it"
        try:
            data = pictures.cleaned(self._reader.read(path, entry))
            pictures.size(data)
        except DataError:
            return "", "it is no JPEG or PNG, or it is damaged"
        except StoreError:
            return "", "it cannot be read"
        digest = canonical.digest(data)
        if digest in self.pictures:
            return digest, ""
        if len(data) > _LARGEST:
            return "", f"it is too large for a page, {len(data):,} bytes"
        if sum(map(len, self.pictures.values())) + len(data) > _ROOM:
            return "", "the page has no room for more pictures"
        self.pictures[digest] = data
        return digest, ""
