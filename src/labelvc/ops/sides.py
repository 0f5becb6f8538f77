"""Sides: what some snapshots hold of a dataset, shard by shard in one order, so that memory holds one shard of each.

Where every shard lies as the dataset's document says, and every line in its shard, the files are read one after the other.
Else all lines are set aside by the shard they belong to first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple, Self

from labelvc.codec import expression, shard
from labelvc.core import revise
from labelvc.errors import DataError
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops.incoming import DIGITS
from labelvc.spill import Spill
from labelvc.store import tree
from labelvc.store.git import Git

LAYERS: tuple[Layer, ...] = ("annotations", "items")
_MEND = "labelvc check --all, and mend what it finds"
_OVERHEAD = 200


class Held(NamedTuple):
    """The lines that one snapshot holds for one shard of a layer.

    Attributes:
        lines: the lines, in the order of the file.
        data: the bytes of the file when these are its lines; None when they were set aside, or there is no file.
        path: of that file.
        places: of lines that were set aside, (path, 1-based number) each.
    """

    lines: Sequence[bytes] = ()
    data: bytes | None = None
    path: str = ""
    places: Sequence[tuple[str, int]] = ()

    def place(self, at: int) -> tuple[str, int]:
        """Return the file and the 1-based number of a line."""
        return self.places[at] if self.places else (self.path, at + 1)


class AstrayError(Exception):
    """A shard or a line is not where the dataset's document says: all must be set aside first."""


class Sides:
    """What snapshots hold; a context manager. `held` is asked for names in order, of each `annotations` before `items`.

    Args:
        git: the repository.
        dataset: the dataset, with the number of shards it shall have.
        snapshots: the moments; the first is the one whose files are to be rewritten.
        aside: set all lines aside first, wherever they lie.
        mended: shards of the first snapshot of which lines without a key may be left out.

    Raises:
        AstrayError: without `aside`: a shard lies elsewhere than the dataset's document says.
        DataError: a line of the first snapshot has no key; told for lines set aside only.
    """

    def __init__(
        self,
        git: Git,
        dataset: Dataset,
        snapshots: Sequence[Snapshot],
        *,
        aside: bool = False,
        mended: Collection[str] = (),
    ) -> None:
        self.dataset, self.k = dataset, shard.digits(dataset.shards)
        self.pattern = expression.compiled(dataset.group)
        self.mended = mended
        self._git, self._first, self._stack = git, snapshots[0], ExitStack()
        self._reader = self._stack.enter_context(tree.reader(git))
        self._of: list[dict[tuple[Layer, str], tuple[str, Entry]]] = []
        self._spills: list[Spill] = []
        self._streams: list[Iterator[tuple[str, bytes]]] = []
        try:
            if aside:
                self._spills = [self._aside(number, snapshot) for number, snapshot in enumerate(snapshots)]
            else:
                self._of = [self._placed(snapshot) for snapshot in snapshots]
                self._streams = [self._stream(number) for number in range(len(snapshots))]
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of git and the temporary files."""
        self._stack.close()

    @property
    def paths(self) -> list[str]:
        """Return the paths of the first snapshot's shards."""
        return [path for path, *_ in shards_of(self._first, self.dataset.name)]

    def cells(self) -> dict[str, list[str]]:
        """Return the names of all shards by their first digits, as many as `Incoming.cells` gives, both in order."""
        digits = min(self.k, DIGITS)
        found: dict[str, list[str]] = defaultdict(list)
        if self._spills:
            for part in sorted({part for spill in self._spills for part in spill.parts()}):
                found[shard.spelled(part >> 2 * (DIGITS - digits), digits)] = []
        else:
            for name in sorted({name for side in self._of for _, name in side}):
                found[name[:digits]].append(name)
        return dict(found)

    def held(self, cell: str, names: Iterable[str]) -> Iterator[tuple[str, dict[Layer, list[Held]]]]:
        """Yield what lies in the shards of a cell; cells are asked for in order.

        Args:
            cell: the first digits of their names.
            names: names of shards, those that `cells` gives for the cell among them; of lines set aside all come anyhow.

        Yields:
            The name, and by layer what each snapshot holds, in order of the names.

        Raises:
            StoreError: a file cannot be read.
        """
        if self._spills:
            sorted_out = [self._sorted_out(spill, cell) for spill in self._spills]
            for name in sorted({*names, *[name for side in sorted_out for _, name in side]}):
                yield name, {layer: [side.get((layer, name), Held()) for side in sorted_out] for layer in LAYERS}
        else:
            for name in sorted(names):
                yield name, {layer: self._read(layer, name) for layer in LAYERS}

    def lying(self, layer: Layer, name: str) -> Held:
        """Return what the first snapshot holds of any shard, out of order."""
        if self._spills:
            return self._sorted_out(self._spills[0], name[:DIGITS]).get((layer, name), Held())
        found = self._of[0].get((layer, name))
        if found is None:
            return Held()
        data = self._reader.read(*found)
        return Held(shard.lines(data), data, found[0])

    def written(self, path: str) -> bytes | None:
        """Return the bytes of a file of the first snapshot; None when it is not there, or only behind a pointer."""
        entry = self._first.entries.get(path)
        if entry is None or (entry.kind == "dvc" and not (self._git.top / path).exists()):
            return None
        return self._reader.read(path, entry)

    def lies(self, path: str) -> bool:
        """Tell whether a file is in the work tree: what only a pointer names must be written before DVC stores anew."""
        return self._first.entries[path].kind != "dvc" or (self._git.top / path).exists()

    def home(self, name: str, items: Collection[bytes]) -> None:
        """Prove that items, as they are written, belong into a shard.

        Raises:
            AstrayError: one does not; never when lines were set aside.
        """
        if not self._spills and shard.astray([item.decode() for item in items], name, self.pattern):
            raise AstrayError

    def _read(self, layer: Layer, name: str) -> list[Held]:
        found: list[Held] = []
        for side, stream in zip(self._of, self._streams, strict=True):
            entry = side.get((layer, name))
            if entry is None:
                found.append(Held())
            elif found and self._same((layer, name), entry):
                found.append(found[0])
            else:
                path, data = next(stream)
                assert path == entry[0]  # noqa: S101 - shards are read in the order they were asked for
                found.append(Held(shard.lines(data), data, path))
        return found

    def _same(self, place: tuple[Layer, str], entry: tuple[str, Entry]) -> bool:
        first = self._of[0].get(place)
        return first is not None and first[1].same(entry[1])

    def _stream(self, number: int) -> Iterator[tuple[str, bytes]]:
        side = self._of[number]
        order = sorted(side, key=lambda place: (place[1], place[0]))
        wanted = [side[place] for place in order if not number or not self._same(place, side[place])]
        reader = self._stack.enter_context(tree.reader(self._git))
        # DVC's objects are fetched together; the disk is quicker than git's objects
        lying = not number and self._first.kind == "work" and all(entry.kind != "dvc" for _, entry in wanted)
        return reader.lying(wanted) if lying else reader.many(wanted)

    def _placed(self, snapshot: Snapshot) -> dict[tuple[Layer, str], tuple[str, Entry]]:
        found: dict[tuple[Layer, str], tuple[str, Entry]] = {}
        for path, layer, name, entry in shards_of(snapshot, self.dataset.name):
            if len(name) != self.k or shard.path(self.dataset.name, layer, name) != path:
                raise AstrayError
            found[layer, name] = path, entry
        return found

    def _aside(self, number: int, snapshot: Snapshot) -> Spill:
        """Set the lines of a snapshot aside: (digits of the shard's name after its part, layer, line, path, number)."""
        spill = self._stack.enter_context(Spill(4**DIGITS))
        found = sorted(shards_of(snapshot, self.dataset.name))
        layers = {path: layer for path, layer, _, _ in found}
        with tree.reader(self._git) as reader:
            for path, data in reader.many([(path, entry) for path, _, _, entry in found]):
                layer = layers[path]
                for at, raw in enumerate(shard.lines(data), 1):
                    key = shard.key_of(raw, self.dataset.name, layer)
                    if key is not None:
                        name = shard.place(shard.group_of(key.item, self.pattern), max(self.k, DIGITS))
                        row = (name[: self.k], layer, raw, path, at)
                        spill.add(int(name[:DIGITS], 4), row, len(raw) + _OVERHEAD)
                    elif not number and path not in self.mended:
                        raise keyless(path, at)
        return spill

    def _sorted_out(self, spill: Spill, cell: str) -> dict[tuple[Layer, str], Held]:
        cell = cell[:DIGITS]
        wide = 4 ** (DIGITS - len(cell))
        found: dict[tuple[Layer, str], list[Any]] = defaultdict(list)
        for part in range(int(cell, 4) * wide, (int(cell, 4) + 1) * wide):
            for name, layer, raw, path, at in spill.rows(part):
                found[layer, name].append((raw, (path, at)))
        return {place: Held([row[0] for row in rows], places=[row[1] for row in rows]) for place, rows in found.items()}


def keyless(path: str, number: int) -> DataError:
    """Return what to tell of a line whose key cannot be read: rewriting would lose it."""
    return DataError("the line has no key", where=f"{path}:{number}", hint=_MEND)


def keyed(held: Held, dataset: str, layer: Layer, mended: Collection[str] | None = None) -> dict[Key, bytes]:
    """Return lines by key.

    Args:
        held: the lines.
        dataset: name of the dataset.
        layer: their layer.
        mended: given for the snapshot that is rewritten: its shards must be sound unless they are among these, for what
            cannot be named would be lost.

    Returns:
        The lines; of a key that occurs twice, the one with the highest `rev`.

    Raises:
        DataError: a line has no key, or a key occurs twice, in a shard that must be sound.
    """
    found: dict[Key, bytes] = {}
    for at, raw in enumerate(held.lines):
        key = shard.key_of(raw, dataset, layer)
        if mended is not None and (key is None or found.get(key, raw) != raw):
            path, number = held.place(at)
            if path not in mended:
                if key is None:
                    raise keyless(path, number)
                raise DataError(f"the key {key} occurs twice", where=f"{path}:{number}", hint=_MEND)
        if key is not None and (key not in found or revise.revision(raw) >= revise.revision(found[key])):
            found[key] = raw
    return found


def shards_of(snapshot: Snapshot, dataset: str) -> Iterator[tuple[str, Layer, str, Entry]]:
    """Yield path, layer, name and entry of each shard of a dataset, whatever number of them it should have."""
    folder = f"datasets/{dataset}/"
    for path, entry in snapshot.entries.items():
        parsed = shard.parse_path(path) if path.startswith(folder) else None
        if parsed:
            yield path, parsed[1], parsed[2], entry
