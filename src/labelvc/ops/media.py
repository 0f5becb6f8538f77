"""Media: pictures come into a dataset without what tells who took them and where, upright, and their shapes with them."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from labelvc.codec import canonical, pictures
from labelvc.core import detect, turning
from labelvc.errors import ConfigurationError, DataError, RefusedError
from labelvc.model.names import Layer
from labelvc.model.project import Dataset
from labelvc.ops import lines, transfer
from labelvc.ops import project as projects
from labelvc.ops.request import Request
from labelvc.store import disk, dvc, files, imaging, tree
from labelvc.store.git import Git

MEDIA = "media"
"""Folder of a dataset that the paths of its items lead into."""

Shapes = Literal["stored", "seen"]
Row = dict[str, Any]


class Picture(NamedTuple):
    """A picture on its way in.

    Attributes:
        path: in the media folder.
        data: its clean bytes.
        digest: `sha256:` of these.
        removed: how many bytes were left out.
        orientation: how it had to be turned, 1 when it was upright.
        item: its item.
        records: records that were turned with it.
    """

    path: str
    data: bytes
    digest: str
    removed: int
    orientation: int
    item: Row
    records: list[Row]


def add(git: Git, name: str, sources: Sequence[Path], shapes: Shapes | None) -> list[Picture]:
    """Clean pictures, turn them upright, and put them where the items of a dataset point.

    Args:
        git: the repository.
        name: the dataset.
        sources: JPEG or PNG files; an item whose `media` names such a file is its item, else there is a new one.
        shapes: what existing shapes were drawn on: the picture as it is `stored`, or as it is `seen`; None: as the size that
            the item says tells.

    Returns:
        What came in.

    Raises:
        ConfigurationError: no such dataset, or Pillow is needed and not there.
        DataError: a file is no picture, or a shape cannot be turned.
        RefusedError: a name holds personal data, or nobody can tell what shapes were drawn on.
        StoreError: the disk or DVC refuses.
    """
    work = tree.work(git)
    with tree.reader(git) as reader:
        project = projects.load(git, work, reader)
        dataset = projects.dataset(project, name)
        held: dict[Layer, list[Row]] = {
            layer: [row for rows in lines.live(reader, work, name, layer) for row in rows]
            for layer in ("items", "annotations")
        }
    by_path = {row["media"]["path"]: row for row in held["items"] if isinstance(row.get("media"), dict)}
    found = []
    for source in sources:
        if detect.spans(source.name, project.leaks):
            raise RefusedError("the name of a file holds personal data", hint="rename it before: mv FILE picture-1.jpg")
        item = by_path.get(source.name) or {"id": _free(source, held["items"]), "media": {"path": source.name}}
        records = [row for row in held["annotations"] if row["item"] == item["id"]]
        try:
            here = git.top / "datasets" / name / MEDIA / source.name
            found.append(_picture(source, item, records, shapes, here))
        except (DataError, RefusedError) as error:
            raise type(error)(error.message, where=error.where or source.name, hint=error.hint) from None
    if len({one.path for one in found}) < len(found):
        raise ConfigurationError("two files have one name", hint="bring them under names of their own")
    _written(git, dataset, found)
    return found


def _picture(source: Path, item: Row, records: Iterable[Row], shapes: Shapes | None, here: Path) -> Picture:
    data = source.read_bytes()
    stored, orientation = pictures.size(data), pictures.orientation(data)
    seen = stored[::-1] if orientation in turning.SIDEWAYS else stored
    bare = pictures.cleaned(data)
    clean = bare if orientation == 1 else pictures.cleaned(imaging.turned(bare, orientation))
    there = here.is_file() and here.read_bytes() == clean  # it came in before, and its shapes were turned then
    drawn = [row for row in records if isinstance(row.get("value"), dict) and _is_shape(row["value"])]
    turned: list[Row] = []
    if orientation != 1 and drawn and not there and _on_stored(item["media"], stored, seen, shapes):
        turned = [{**row, "value": turning.turned(row["value"], orientation, *stored)} for row in drawn]
    media = {**item["media"], "width": seen[0], "height": seen[1]}
    digest = f"sha256:{hashlib.sha256(clean).hexdigest()}"
    removed = len(data) - len(bare)
    return Picture(media["path"], clean, digest, removed, orientation, {**item, "media": media}, turned)


def _is_shape(value: Mapping[str, Any]) -> bool:
    return not {"box", "polygon", "polyline", "points", "rle", "media"}.isdisjoint(value)


def _on_stored(media: Mapping[str, Any], stored: tuple[int, int], seen: tuple[int, int], shapes: Shapes | None) -> bool:
    """Tell whether shapes were drawn on the picture as it is stored.

    Raises:
        RefusedError: nobody can tell.
    """
    if shapes is not None:
        return shapes == "stored"
    said = media.get("width"), media.get("height")
    if stored != seen and said in (stored, seen):
        return said == stored
    message = "the picture is to be turned, and whether its shapes were drawn on it before or after cannot be told"
    raise RefusedError(message, hint="look at one, then say --shapes stored or --shapes seen")


def _free(source: Path, items: Iterable[Row]) -> str:
    """Return a name for a new item: the file's without its ending, with it where that is taken."""
    return source.stem if source.stem not in {row["id"] for row in items} else source.name


def _written(git: Git, dataset: Dataset, found: Sequence[Picture]) -> None:
    """Prove that the rows can be stored, write the files, then the rows."""
    folder = git.top / "datasets" / dataset.name
    for request in _requests(dataset, found):
        with request as one:
            transfer.prepare(git, one)
    with files.lock(git):
        contents: dict[Path, bytes | None] = {folder / MEDIA / one.path: one.data for one in found}
        if dataset.storage == "git":
            contents[folder / f"{MEDIA}.sha256"] = _manifest(folder / f"{MEDIA}.sha256", found)
        disk.write_all(contents, git.top)
        if dataset.storage == "dvc":
            dvc.add(git, Path("datasets") / dataset.name / MEDIA)
    for request in _requests(dataset, found):
        with request as one:
            transfer.perform(git, one)


class _Lines:
    """Rows as a file of labelvc's own lines, there while it is needed."""

    def __init__(self, dataset: str, task: str, rows: Iterable[Row]) -> None:
        self._dataset, self._task = dataset, task
        self._data = b"".join([canonical.encode(row) + b"\n" for row in rows])

    def __enter__(self) -> Request:
        """Return the request to import them."""
        self._folder = tempfile.TemporaryDirectory(prefix="labelvc-")
        path = Path(self._folder.name) / "media.jsonl"
        path.write_bytes(self._data)
        return Request("jsonl", path, self._dataset, self._task)

    def __exit__(self, *_: object) -> None:
        """Delete the file."""
        self._folder.cleanup()


def _requests(dataset: Dataset, found: Sequence[Picture]) -> Iterator[_Lines]:
    """Yield what is to be stored: items, and records by their task."""
    records = [row for one in found for row in one.records]
    first = next(iter(dataset.tasks))
    for task in dict.fromkeys([first, *[row["task"] for row in records]]):
        items = [one.item for one in found] if task == first else []
        yield _Lines(dataset.name, task, [*items, *[row for row in records if row["task"] == task]])


def _manifest(path: Path, found: Sequence[Picture]) -> bytes:
    """Return the lines of `sha256sum` for the files that came in, beside those that were there."""
    known = dict(line.split("  ", 1)[::-1] for line in path.read_text().splitlines()) if path.is_file() else {}
    known |= {f"{MEDIA}/{one.path}": one.digest.removeprefix("sha256:") for one in found}
    return "".join([f"{known[name]}  {name}\n" for name in sorted(known)]).encode()
