"""Label lists: taxonomies made from the lists of other tools, and written out as such."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from labelvc.codec import document
from labelvc.core import references, semver
from labelvc.core.references import Document
from labelvc.errors import ConfigurationError, DataError, StoreError
from labelvc.formats import labels
from labelvc.ops import parsing, versions
from labelvc.store import disk, files, tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git


class Brought(NamedTuple):
    """A taxonomy made from a label list: the path of its document, its version, and how many labels it has."""

    path: str
    version: str
    labels: int


def bring(git: Git, kind: str, source: Path, name: str, *, dry: bool = False) -> Brought:
    """Make a taxonomy of the work tree from a label list.

    Args:
        git: the repository.
        kind: of the list, as in `labelvc.formats.labels`.
        source: the file.
        name: of the taxonomy, which is new.
        dry: write nothing.

    Raises:
        ConfigurationError: there is such a taxonomy already.
        DataError: the file is no such list, or its labels are no taxonomy: says the first thing that is wrong.
        StoreError: the file cannot be read, or the disk is full.
    """
    path = versions.path_of("taxonomy", name)
    if (git.top / path).exists():
        hint = f"labelvc taxonomy add {name} LABEL; or choose another name with --name"
        raise ConfigurationError(f"there is a taxonomy {name!r} already", where=path, hint=hint)
    try:
        said = labels.form(kind).read(source)
    except OSError as error:
        raise StoreError(f"cannot be read: {error.strerror}", where=str(source), hint="name another file") from None
    version = said.get("version", "")
    version = version if semver.is_version(version) else "1.0.0"
    head = f"schema: urn:labelvc:schema:taxonomy:1\nname: {json.dumps(name)}\nversion: {version}\n"
    rest: dict[document.Path, str] = {
        (member,): said[member] for member in ("title", "description") if said.get(member)
    }
    try:
        data = document.edit(f"{head}labels:\n".encode(), rest, {("labels",): said["labels"]})
    except DataError as error:  # larger than a document may be
        hint = "split the list into several taxonomies, or shorten its texts"
        raise DataError(f"the taxonomy {error.message}", where=str(source), hint=hint) from None
    found = parsing.parse("taxonomy", data)
    wrong = [(one.pointer, one.message) for one in found.troubles] or [
        (one.pointer, one.message)
        for one in references.troubles([Document("taxonomy", name, found.value)], {"taxonomy": frozenset([name])})
    ]
    for pointer, message in wrong[:1]:
        hint = "add --name NAME" if pointer == "/name" else "mend the file, then import it again"
        more = f" (and {len(wrong) - 1} more problems)" if wrong[1:] else ""
        raise DataError(f"{pointer} {message}{more}", where=str(source), hint=hint)
    if not dry:
        with files.lock(git):
            disk.write_all({git.top / path: data}, git.top)
    return Brought(path, version, len(said["labels"]))


def take(git: Git, kind: str, name: str) -> tuple[bytes, tuple[str, ...]]:
    """Return a taxonomy of the work tree as a label list, and what that cannot hold, in words.

    Raises:
        ConfigurationError: there is no such taxonomy, or something is wrong with its document.
        DataError: the list cannot hold a text.
    """
    with tree.reader(git) as reader, Cache(git) as cache:
        value: versions.Value = versions.opened(git, reader, cache, "taxonomy", name)[0].now or {}
    return labels.form(kind).write(value), tuple(labels.lost(kind, value))
