"""Media: pictures come into a dataset without what tells who took them and where, upright, and their shapes with them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from labelvc.codec import canonical, pictures
from labelvc.core import detect, turning
from labelvc.errors import ConfigurationError, DataError, RefusedError
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import lines, rewrite
from labelvc.ops import project as projects
from labelvc.ops.incoming import ITEM, RECORD, Incoming
from labelvc.store import files, imaging, stale, tree
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.journal import Transaction

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
        RefusedError: a name holds personal data, nobody can tell what shapes were drawn on, or an item says that another file
            was labelled.
        StoreError: the disk or DVC refuses.
    """
    with files.lock(git) as began:
        work = tree.work(git)
        with tree.reader(git) as reader:
            project = projects.load(git, work, reader)
            dataset = projects.dataset(project, name)
            held: dict[Layer, list[Row]] = {
                layer: [row for rows in lines.live(reader, work, name, layer) for row in rows]
                for layer in ("items", "annotations")
            }
        found = list(_pictures(git, project, name, sources, held, shapes))
        if len({one.path for one in found}) < len(found):
            raise ConfigurationError("two files have one name", hint="bring them under names of their own")
        if dataset.storage == "dvc":
            stale.refuse(git, f"datasets/{name}/annotations")
        _written(git, began, work, dataset, found)
    return found


def _pictures(
    git: Git,
    project: Project,
    name: str,
    sources: Sequence[Path],
    held: Mapping[Layer, list[Row]],
    shapes: Shapes | None,
) -> Iterator[Picture]:
    by_path = {row["media"]["path"]: row for row in held["items"] if isinstance(row.get("media"), dict)}
    for source in sources:
        if detect.spans(source.name, project.leaks):
            raise RefusedError("the name of a file holds personal data", hint="rename it before: mv FILE picture-1.jpg")
        item = by_path.get(source.name) or {"id": _free(source, held["items"]), "media": {"path": source.name}}
        records = [row for row in held["annotations"] if row["item"] == item["id"]]
        try:
            here = git.top / "datasets" / name / MEDIA / source.name
            yield _picture(source, item, records, shapes, here)
        except (DataError, RefusedError) as error:
            raise type(error)(error.message, where=error.where or source.name, hint=error.hint) from None


def _picture(source: Path, item: Row, records: Iterable[Row], shapes: Shapes | None, here: Path) -> Picture:
    data = source.read_bytes()
    stored, orientation = pictures.size(data), pictures.orientation(data)
    seen = stored[::-1] if orientation in turning.SIDEWAYS else stored
    bare = pictures.cleaned(data)
    clean = bare if orientation == 1 else pictures.cleaned(imaging.turned(bare, orientation))
    there = here.is_file() and here.read_bytes() == clean  # it came in before, and its shapes were turned then
    digest = hashlib.sha256(clean).hexdigest()
    said = item["media"].get("sha256")
    if said not in (None, digest, hashlib.sha256(data).hexdigest()):
        message = "it is another file than the one that was labelled: its item says so in media.sha256"
        raise RefusedError(message, hint="bring it under a name of its own: mv FILE picture-1.jpg")
    drawn = [row for row in records if isinstance(row.get("value"), dict) and _is_shape(row["value"])]
    turned: list[Row] = []
    if orientation != 1 and drawn and not there and _on_stored(item["media"], stored, seen, shapes):
        turned = [{**row, "value": turning.turned(row["value"], orientation, *stored)} for row in drawn]
    media = {**item["media"], "width": seen[0], "height": seen[1], "sha256": digest}
    removed = len(data) - len(bare)
    return Picture(media["path"], clean, f"sha256:{digest}", removed, orientation, {**item, "media": media}, turned)


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


def _written(git: Git, began: int, work: Snapshot, dataset: Dataset, found: Sequence[Picture]) -> None:
    """Write files and rows as one step: shapes of a picture that lies there already are never turned again."""
    folder = f"datasets/{dataset.name}"
    head = tree.commit(git, "HEAD") if plumbing.head(git) else tree.empty()

    def rewritten(change: Transaction, aside: bool) -> None:
        with Incoming(dataset) as incoming:
            for one in found:
                incoming.add(ITEM, one.item["id"], canonical.encode_item(one.item))
                for row in one.records:
                    incoming.add(RECORD, row["item"], canonical.encode_record(row))
            rewrite.plan(git, dataset, [work, head], rewrite.Wanted(), incoming, rewrite.putting(change), aside=aside)
        for one in found:
            change.write(f"{folder}/{MEDIA}/{one.path}", one.data)
        if dataset.storage == "git":
            change.write(f"{folder}/{MEDIA}.sha256", _manifest(git.top / folder / f"{MEDIA}.sha256", found))
        else:
            turned = [f"{folder}/annotations"] if any(one.records for one in found) else []
            change.then("store", [f"{folder}/{MEDIA}", *turned])

    rewrite.carried_out(git, "media add", began, rewritten)


def _manifest(path: Path, found: Sequence[Picture]) -> bytes:
    """Return the lines of `sha256sum` for the files that came in, beside those that were there."""
    known = dict(line.split("  ", 1)[::-1] for line in path.read_text().splitlines()) if path.is_file() else {}
    known |= {f"{MEDIA}/{one.path}": one.digest.removeprefix("sha256:") for one in found}
    return "".join([f"{known[name]}  {name}\n" for name in sorted(known)]).encode()
