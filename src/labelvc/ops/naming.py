"""Naming: whether a key that somebody typed names anything, and what it may have meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from itertools import islice

from labelvc.codec import shard
from labelvc.errors import DataError
from labelvc.model.names import Key, Layer
from labelvc.model.snapshot import Snapshot
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

WRITTEN = "a record is dataset/item#id, an item dataset/item, a dataset its name and a document its path"
BESIDE = ("approvals/", "releases/")
"""Folders that speak about changes, so that they are in none."""
_DERIVED = ("annotations.dvc", "annotations.sha256")
_MOST = 3
_LOOKED_AT = 50_000
_DIGITS = 10


def is_document(path: str) -> bool:
    """Tell whether a path counts as a document in a change-set: all but shards, approvals, releases and derived files."""
    if path.startswith(BESIDE) or shard.parse_path(path) is not None:
        return False
    return not (path.startswith("datasets/") and path.rpartition("/")[2] in _DERIVED)


def key(git: Git, text: str, rev: str) -> Key:
    """Read the key of a record or item as somebody typed it.

    Args:
        git: the repository.
        text: what was typed.
        rev: the commit where something like it is looked for when it is no key.

    Returns:
        The key; whether it is there is not asked.

    Raises:
        DataError: the text is no key; says what it may have meant.
    """
    try:
        return Key.parse(text)
    except DataError as error:
        raise DataError(error.message, hint=hint(git, tree.commit(git, rev), text, keys=True) or error.hint) from None


def demand(git: Git, snapshots: Sequence[Snapshot], wanted: str) -> None:
    """Refuse what names no record, item, dataset or document in any of some snapshots.

    Args:
        git: the repository.
        snapshots: where to look.
        wanted: what was typed.

    Raises:
        DataError: there is nothing of that name; says what it may have meant.
    """
    if any(known(git, snapshot, wanted) for snapshot in snapshots):
        return
    places = [snapshot.name if snapshot.kind == "commit" else f"the {snapshot.name}" for snapshot in snapshots]
    advice = next(filter(None, (hint(git, snapshot, wanted) for snapshot in reversed(snapshots))), WRITTEN)
    raise DataError(f"{wanted!r} is nothing in {' or '.join(places)}", hint=advice)


def known(git: Git, snapshot: Snapshot, wanted: str) -> bool:
    """Tell whether a text names a record, item, dataset or document of a snapshot."""
    with tree.reader(git) as reader:
        return _holds(reader, snapshot, wanted)


def hint(git: Git, snapshot: Snapshot, wanted: str, *, keys: bool = False) -> str:
    """Return `did you mean ...` with the names in a snapshot that come near what was typed; empty when none does.

    Args:
        git: the repository.
        snapshot: where to look.
        wanted: what was typed.
        keys: offer keys only: an item is written dataset/item#, datasets and documents are left out.
    """
    with tree.reader(git) as reader:
        near: Iterator[str] = _near(reader, snapshot, wanted)
        if keys:
            near = (
                name if "#" in name else f"{name}#" for name in near if "/" in name and name not in snapshot.entries
            )
        found = list(islice((name for name in near if name != wanted), _MOST))
    return f"did you mean {', '.join(found)}?" if found else ""


def _holds(reader: Reader, snapshot: Snapshot, wanted: str) -> bool:
    if wanted in snapshot.entries and is_document(wanted):
        return True
    dataset, slash, rest = wanted.partition("/")
    if not slash:
        return dataset in _datasets(snapshot)
    if not rest.isprintable():
        return False
    item, _, name = rest.rpartition("#")
    named = Key(dataset, item or rest, name if item else "")
    return any(
        shard.find(data, named) or shard.find(data, Key(dataset, rest, "")) or shard.find_item(data, rest)
        for layer in ("items", "annotations")
        for data in _shards(reader, snapshot, dataset, layer, (named.item, rest))
    )


def _near(reader: Reader, snapshot: Snapshot, wanted: str) -> Iterator[str]:
    """Yield names that come near a text, the likeliest first."""
    said = wanted.removeprefix("datasets/").strip("/")
    datasets = _datasets(snapshot)
    first, _, rest = said.partition("/")
    owners = [(name, rest) for name in get_close_matches(first, datasets)] if rest else []
    for dataset, inside in owners or [(name, said) for name in datasets]:
        yield from _inside(reader, snapshot, dataset, inside)
    if not owners:
        yield from get_close_matches(said, [*datasets, *filter(is_document, snapshot.entries)])


def _inside(reader: Reader, snapshot: Snapshot, dataset: str, text: str) -> Iterator[str]:
    """Yield an item's records where the item is there and was meant, else items whose names come near."""
    item, _, name = text.rpartition("#")
    item, name = (item, name) if item else (text, "")
    lines = (raw for data in _shards(reader, snapshot, dataset, "items") for raw in shard.lines(data))
    keys = (shard.key_of(raw, dataset, "items") for raw in islice(lines, _LOOKED_AT))
    known = {found.item.casefold(): found.item for found in keys if found}
    for near in get_close_matches(item.casefold(), known, _MOST):
        ids = list(_ids(reader, snapshot, dataset, known[near]))
        if name in ids:
            yield f"{dataset}/{known[near]}#{name}"
        elif near == item.casefold():
            yield from [f"{dataset}/{known[near]}#{found}" for found in get_close_matches(name, ids, cutoff=0.4) or ids]
        else:
            yield f"{dataset}/{known[near]}"


def _ids(reader: Reader, snapshot: Snapshot, dataset: str, item: str) -> Iterator[str]:
    for data in _shards(reader, snapshot, dataset, "annotations", (item,)):
        for raw in shard.find_item(data, item):
            found = shard.key_of(raw, dataset)
            if found:
                yield found.id


def _datasets(snapshot: Snapshot) -> list[str]:
    return sorted({path.split("/")[1] for path in snapshot.entries if path.startswith("datasets/")})


def _shards(
    reader: Reader, snapshot: Snapshot, dataset: str, layer: Layer, items: Iterable[str] = ()
) -> Iterator[bytes]:
    """Yield the shards of a layer; those where some items belong, when no `group` puts them elsewhere, come first."""
    places = [shard.place(item, _DIGITS) for item in items]
    paths = [(found, path) for path in snapshot.entries if (found := shard.parse_path(path))]
    wanted = [(found[2], path) for found, path in paths if found[:2] == (dataset, layer)]
    wanted.sort(key=lambda pair: (not any(place.startswith(pair[0]) for place in places), pair))
    yield from (data for _, data in reader.many([(path, snapshot.entries[path]) for _, path in wanted]))
