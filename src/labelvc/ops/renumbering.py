"""Renumbering: an import that would give most ids another meaning is stopped, with the numbers and the way round."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from labelvc import digests
from labelvc.codec import canonical, shard
from labelvc.core import renumber
from labelvc.core.diff import decoded, live
from labelvc.errors import RefusedError
from labelvc.model.names import Key, Layer
from labelvc.ops import recognition
from labelvc.ops.changes import Changes
from labelvc.ops.identity import Asked, Settled
from labelvc.ops.incoming import NOTHING
from labelvc.ops.request import Request
from labelvc.ops.sides import Sides
from labelvc.spill import Spill

ALLOW = "--allow-renumbering"
_PARTS = 256
_WEIGHT = 150
_SAMPLED = 8  # bytes of a digest
_KEY = ""  # stands for the key that was given among the names of fields


class Compared(NamedTuple):
    """What an import is held against.

    Attributes:
        opened: begins to read what is stored: the work tree alone.
        settled: what was read, under the names it has here.
        asked: what decided the names.
        request: what was typed.
        keyed: the items read have the key that the dataset claims, or it claims none; without it even items that are
            only added may be there under another name.
    """

    opened: Callable[[], Sides]
    settled: Settled
    asked: Asked
    request: Request
    keyed: bool

    def shards(self) -> Iterator[dict[Layer, tuple[list[bytes], list[bytes]]]]:
        """Yield of each shard, by layer, the lines stored and the lines read."""
        with self.opened() as stored:
            known = stored.cells()
            for cell in sorted({*known, *self.settled.cells(stored.k)}):
                rows = self.settled.shards(cell, stored.k)
                for name, held in stored.held(cell, {*known.get(cell, ()), *rows}):
                    here = {layer: list(side[0].lines) for layer, side in held.items()}
                    lines = self.settled.lines(rows.get(name, NOTHING), here["annotations"])
                    yield {layer: (here[layer], shard.lines(new.data)) for layer, new in lines.items()}


def refuse(changes: Changes, read: int, compared: Compared) -> None:
    """Stop an import that renumbers.

    What an ordinary import costs is a count of its deltas; contents are compared only when most records moved.

    Args:
        changes: what the import would change.
        read: number of records that were read.
        compared: what it is held against.

    Raises:
        RefusedError: most ids would be rewritten with content that is there under other ids; says how many of each, and
            the command that finds records by content instead.
    """
    asked = compared.asked
    with compared.opened() as stored:
        if not any("/items/" in path for path in stored.paths):
            return
    if not renumber.likely(changes.moved["added"], changes.moved["changed"], read):
        return
    measured = renumber.Measure(whole=asked.whole or not compared.keyed)
    with Spill(_PARTS) as seen:
        for both in compared.shards():
            old, new = (_by_key(lines, asked.dataset, "annotations") for lines in both["annotations"])
            old = {key: raw for key, raw in old.items() if live(raw) is not None and _task(raw) == asked.task}
            items = [_by_key(lines, asked.dataset, "items") for lines in both["items"]]
            for row in measured.seen(old, new, _about(items)):
                seen.add(row[0][0], row, _WEIGHT)
        found = measured.result(seen.all)
    if found is not None:
        named = _named(compared)
        message = (
            f"{_cause(asked.keys, named)}: {found.rewritten:,} of the {found.stored:,} ids stored here would be rewritten, "
            f"{found.elsewhere:,} of them with what the source has under another id"
        )
        raise RefusedError(message, where=str(compared.request.source), hint=_way_on(compared, named))


def _by_key(lines: list[bytes], dataset: str, layer: Layer) -> dict[Key, bytes]:
    return {key: raw for raw in lines if (key := shard.key_of(raw, dataset, layer)) is not None}


def _task(raw: bytes) -> object:
    return decoded(raw).get("task")


def _about(items: list[dict[Key, bytes]]) -> renumber.About:
    """Return what tells the item of a key from others: its text, or the path of its media."""

    @cache
    def about(dataset: str, item: str, source: bool) -> bytes:
        fields = decoded(items[source].get(Key(dataset, item, "")))
        media = fields.get("media")
        path = media.get("path") if isinstance(media, dict) else None
        return canonical.encode(fields.get("text") or path or item)

    return lambda key, source: about(key.dataset, key.item, source)


class _Named(NamedTuple):
    """How the items of a source are named.

    Attributes:
        best: the field that names them best, empty when none does: no two of them share it, and most stored items have it.
        found: how many of the stored items have in it what an item of the source has.
        same, gone: how many of the stored items the source has under the key that was given, and how many it has not.
        fresh: how many items of the source are new by that key.
    """

    best: str
    found: int
    same: int
    gone: int
    fresh: int


def _cause(keys: Sequence[str], named: _Named) -> str:
    """Say why the import looks as if ids had been given out anew."""
    if not keys:
        return "ids were given out anew"
    stored = named.same + named.gone
    return (
        f"most keys changed: by {', '.join(keys)} the source has {named.same:,} of the {stored:,} items stored here, lacks "
        f"{named.gone:,} and brings {named.fresh:,} new ones"
    )


def _way_on(compared: Compared, named: _Named) -> str:
    asked, request = compared.asked, compared.request
    words = ["labelvc", "import", request.form, str(request.source), "--dataset", asked.dataset]
    words += ["--task", request.task] if request.task else []
    for name in ("layout", "item", "by", "value"):
        said = request.words.get(name)
        words += [f"--{name}", str(said)] if said and (name, said) != ("layout", "long") else []
    words += ["--mode", "replace"] if asked.whole else []
    words += ["--add-labels"] if request.add_labels else []
    better = named.found > named.same
    if asked.keys and not better:
        return f"if the items were really replaced, add {ALLOW}; if they only got other keys, name another --key"
    key = named.best or request.words.get("item") or "FIELD"
    typed = " ".join([*map(shlex.quote, words), "--key", shlex.quote(str(key))])
    if asked.keys:
        return (
            f"{typed} finds {named.found:,} of them; if the items were really replaced, add {ALLOW} to what you typed"
        )
    return f"{typed} finds items by {key} and records by content; {ALLOW} writes them all the same"


def _named(compared: Compared) -> _Named:
    """Look for the field that names items best, and count how far the key that was given does."""
    every, many = Counter[str](), [0, 0]
    with Spill(_PARTS) as told:
        for both in compared.shards():
            for side, lines in enumerate(both["items"]):
                many[side] += len(lines)
                for raw in lines:
                    for name, said in _fields(raw, compared.asked).items():
                        mark = digests.sha256(said.encode(errors="surrogatepass")).digest()[:_SAMPLED]
                        told.add(mark[0], (side, name, mark), _WEIGHT)
                        every[name] += side and said != ""
        known, shared, fresh = Counter[str](), set[str](), 0
        for group in told.all():
            new = Counter((name, mark) for side, name, mark in group if side)
            old = {(name, mark) for side, name, mark in group if not side}
            shared.update(name for (name, _), number in new.items() if number > 1)
            known.update(name for side, name, mark in group if not side and (name, mark) in new)
            fresh += sum(number for one, number in new.items() if one[0] == _KEY and one not in old)
    fit = [
        name for name, number in every.items() if number == many[1] and name not in shared and name not in ("id", _KEY)
    ]
    best = min(fit, key=lambda name: (-known[name], len(name), name), default="")
    return _Named(best, known[best], known[_KEY], many[0] - known[_KEY], fresh)


def _fields(raw: bytes, asked: Asked) -> dict[str, str]:
    """Return the plain fields that a source brought for an item, and what it says under the key that was given."""
    fields = decoded(raw)
    ext, natural = fields.get("ext"), fields.get("natural")
    space = ext.get(asked.tool) if isinstance(ext, dict) else None
    plain = {**(space if isinstance(space, dict) else {}), **(natural if isinstance(natural, dict) else {})}
    found = {
        name: str(said) for name, said in plain.items() if isinstance(said, str | int) and not isinstance(said, bool)
    }
    key = recognition.values(fields, asked.keys, asked.tool) if asked.keys else None
    return found if key is None else {**found, _KEY: key.decode()}
