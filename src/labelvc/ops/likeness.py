"""Likeness: whether media files are the very ones that were labelled, by the digests that items or the manifest name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from labelvc.model.snapshot import Snapshot
from labelvc.ops import lines
from labelvc.ops import project as projects
from labelvc.ops.media import MEDIA
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

State = Literal["same", "other", "absent", "unnamed"]
"""The file that was labelled; another one; not on this machine; or nobody says which it should be."""
_DIGITS = frozenset("0123456789abcdef")
_LENGTH = 64


class Held(NamedTuple):
    """A media file held against its digest.

    Attributes:
        dataset: whose.
        item: that names the file.
        path: in the dataset's media folder.
        state: how it stands.
        wanted: SHA-256 of the file that was labelled, in hexadecimal; empty where nobody says.
        found: SHA-256 of the file that is there; empty where none is, or nobody says what it should be.
    """

    dataset: str
    item: str
    path: str
    state: State
    wanted: str
    found: str


def of(git: Git, dataset: str, advance: Callable[[], None] = lambda: None) -> Iterator[Held]:
    """Yield each media file that an item of the work tree names, held against its digest; a file is read once.

    Args:
        git: the repository.
        dataset: name; empty for all.
        advance: called after each item that names one.

    Raises:
        ConfigurationError: no such dataset.
        DataError: an item cannot be read.
        StoreError: items are missing, or the disk cannot be read.
    """
    work = tree.work(git)
    with tree.reader(git) as reader:
        project = projects.load(git, work, reader)
        names = [projects.dataset(project, dataset).name] if dataset else sorted(project.datasets)
        for name in names:
            known = _manifest(reader, work, name)
            digests: dict[str, str] = {}
            for rows in lines.live(reader, work, name, "items"):
                for row in rows:
                    if isinstance(media := row.get("media"), dict):
                        yield _held(git, name, str(row["id"]), media, known, digests)
                        advance()


def _held(
    git: Git, name: str, item: str, media: Mapping[str, Any], known: Mapping[str, str], digests: dict[str, str]
) -> Held:
    path = str(media.get("path", ""))
    wanted = str(media.get("sha256") or known.get(path, ""))
    file = git.top / "datasets" / name / MEDIA / path
    if ".." in Path(path).parts or not path or path.startswith("/") or not file.is_file():
        return Held(name, item, path, "absent" if wanted else "unnamed", wanted, "")
    if not wanted:
        return Held(name, item, path, "unnamed", "", "")
    if path not in digests:
        with file.open("rb") as data:
            digests[path] = hashlib.file_digest(data, "sha256").hexdigest()
    return Held(name, item, path, "same" if digests[path] == wanted else "other", wanted, digests[path])


def _manifest(reader: Reader, work: Snapshot, name: str) -> dict[str, str]:
    """Return path to SHA-256 of the lines of a dataset's manifest, as `sha256sum` writes them."""
    path = f"datasets/{name}/{MEDIA}.sha256"
    entry = work.entries.get(path)
    if entry is None:
        return {}
    rows = [line.partition("  ") for line in reader.read(path, entry).decode("utf-8", "surrogateescape").splitlines()]
    start = f"{MEDIA}/"
    return {
        file.removeprefix(start): digest
        for digest, _, file in rows
        if file.startswith(start) and len(digest) == _LENGTH and _DIGITS.issuperset(digest)
    }
