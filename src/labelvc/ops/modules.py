"""Modules read: a manifest and its documents, each held against its schema, before anything of them is believed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec

from labelvc.checks import registry
from labelvc.core import lock, references
from labelvc.errors import ConfigurationError, DataError, Error, StoreError
from labelvc.model.finding import Finding
from labelvc.model.module import LOCK, Manifest, Pinned
from labelvc.model.snapshot import Snapshot
from labelvc.ops import parsing, pinned
from labelvc.ops import project as projects
from labelvc.store import fetching, origins, tree
from labelvc.store.git import Git
from labelvc.store.origins import Origin
from labelvc.store.reader import Reader

MANIFEST = "module.yaml"
_MOST = 4 << 20
HOMES = ("taxonomies/", "guidelines/", "profiles/")


class Module(NamedTuple):
    """A module that was read and found good.

    Attributes:
        manifest: what it says of itself.
        source: where it lies, as the lock names it.
        commit: full id of the source's commit; empty where it is no git repository.
        documents: path to bytes of what is copied into a project.
    """

    manifest: Manifest
    source: str
    commit: str
    documents: Mapping[str, bytes]

    def pinned(self, name: str = "") -> Pinned:
        """Return the line of the lock, under the module's own name or another."""
        digests = {path: lock.digest(data) for path, data in sorted(self.documents.items())}
        said = self.manifest
        return Pinned(name or said.name, said.version, self.source, digests, self.commit, said.licence)


def read(git: Git, start: Path, source: str, rev: str = "", *, wait: float = fetching.WAIT) -> Module:
    """Read a module.

    Args:
        git: the repository that takes it.
        start: as for `origins.find`.
        source: as for `origins.find`.
        rev: as for `origins.find`.
        wait: as for `origins.find`.

    Raises:
        ConfigurationError: its manifest or a document is wrong: names the file, line, pointer and problem.
        DataError: a file is too large, no plain file, or lies outside.
        StoreError: there is no such place, or a file of it cannot be read.
    """
    origin = origins.find(git, start, source, rev, wait=wait)
    manifest = _manifest(origin)
    documents = _documents(origin, [path for path in manifest.provides if path.startswith(HOMES)])
    if not documents:
        hint = f"labelvc init --template {manifest.name}, in an empty folder, makes a project of a template"
        raise ConfigurationError(
            "it provides no document that a project could take", where=_where(origin, MANIFEST), hint=hint
        )
    for path, data in documents.items():
        _refuse_bad(origin, path, data)
    return Module(manifest, origin.source, origin.commit, documents)


def template(start: Path, source: str, rev: str = "", *, wait: float = fetching.WAIT) -> Mapping[str, bytes]:
    """Return the documents of a module that is a project template, as they are before they are filled in.

    Args:
        start: as for `origins.find`.
        source: as for `origins.find`.
        rev: as for `origins.find`.
        wait: as for `origins.find`.

    Raises:
        ConfigurationError: its manifest is wrong, or it is no template.
        DataError: as for `read`.
        StoreError: as for `read`.
    """
    with TemporaryDirectory() as folder:
        origin = origins.find(Git(Path(folder), Path(folder), Path(folder)), start, source, rev, wait=wait)
        manifest = _manifest(origin)
        if projects.TOP not in manifest.provides or not any(path.startswith("datasets/") for path in manifest.provides):
            message = f"the module is no template: it does not provide {projects.TOP} and a dataset"
            raise ConfigurationError(
                message, where=_where(origin, MANIFEST), hint=f"labelvc module add {source}, in a project"
            )
        return _documents(origin, manifest.provides)


def refuse_unfit(documents: Mapping[str, bytes], source: str) -> None:
    """Refuse documents that would make no project: each is held against its schema, and all of them against each other.

    Args:
        documents: path to bytes.
        source: where they came from, for messages.

    Raises:
        ConfigurationError: names the first that is wrong, with line, pointer and problem.
    """
    origin = Origin(source, "", documents.__getitem__)
    found = [
        references.Document(*home, _parsed(origin, path, home[0], data))
        for path, data in documents.items()
        if (home := projects.noun_of(path))
    ]
    names = references.named((one.noun, one.name) for one in found)
    for trouble in references.troubles(found, names):
        where = f"{trouble.document.noun} {trouble.document.name}".strip()
        raise ConfigurationError(f"{trouble.pointer} {trouble.message}", where=f"{source}: {where}", hint=_mend(origin))
    for one in found:
        unknown = registry.unknown(one.value.get("checks", {})) if one.noun in ("dataset", "profile") else ()
        if unknown:
            raise _no_rule(min(unknown), f"{source}: {one.noun} {one.name}")


def shelved() -> list[Manifest]:
    """Return the manifests of labelvc's own library, by name."""
    nowhere = Git(Path(), Path(), Path())
    return [_manifest(origins.find(nowhere, Path(), name)) for name in origins.shipped()]


def _manifest(origin: Origin) -> Manifest:
    value = _parsed(origin, MANIFEST, "module", origin.read(MANIFEST))
    found: Manifest = msgspec.convert({name: said for name, said in value.items() if name != "schema"}, Manifest)
    folded: dict[str, str] = {}
    for path in found.provides:
        other = folded.setdefault(path.casefold(), path)
        if other != path:
            message = f"{other} and {path} are one file where letters have no case"
            raise ConfigurationError(message, where=_where(origin, MANIFEST), hint=_mend(origin))
    return found


def _documents(origin: Origin, paths: Iterable[str]) -> dict[str, bytes]:
    """Return the bytes of documents, no more than a module may have: reading YAML takes a second for each MiB."""
    found: dict[str, bytes] = {}
    for path in paths:
        try:
            found[path] = origin.read(path)
        except Error as problem:
            hint = problem.hint or _mend(origin)
            raise type(problem)(f"{path} {problem.message}", where=problem.where, hint=hint) from None
        if sum(map(len, found.values())) > _MOST:
            raise DataError(f"its documents have more than {_MOST >> 20} MiB", where=origin.source, hint=_mend(origin))
    return found


def _refuse_bad(origin: Origin, path: str, data: bytes) -> None:
    noun, name = projects.noun_of(path) or ("", "")
    value = _parsed(origin, path, noun, data)
    if value["name"] != name:
        message = f"/name says {value['name']!r}, and the file is called {name!r}"
        raise ConfigurationError(message, where=_where(origin, path), hint=_mend(origin))
    unknown = registry.unknown(value.get("checks", {})) if noun == "profile" else ()
    if unknown:
        raise _no_rule(min(unknown), _where(origin, path))


def _parsed(origin: Origin, path: str, noun: str, data: bytes) -> Any:
    parsed = parsing.parse(noun, data)
    for trouble in parsed.troubles[:1]:
        line = f":{trouble.line}" if trouble.line else ""
        said = f"{trouble.pointer} {trouble.message}".strip()
        raise ConfigurationError(said, where=f"{_where(origin, path)}{line}", hint=_mend(origin))
    return parsed.value


def _no_rule(rule: str, where: str) -> ConfigurationError:
    message = f"/checks sets the rule {rule!r}, which no check here has"
    hint = "labelvc check --rules lists the rules; pip install --upgrade labelvc, or the package that brings it"
    return ConfigurationError(message, where=where, hint=hint)


def _where(origin: Origin, path: str) -> str:
    at = f"@{origin.commit[:10]}" if origin.commit else ""
    return f"{origin.source}{at}: {path}"


def _mend(origin: Origin) -> str:
    return f"tell who keeps the module ({origin.source}); nothing of it was taken"


def taken(snapshot: Snapshot, reader: Reader) -> tuple[Pinned, ...]:
    """Return the modules that a snapshot's lock names, whatever else is wrong with its documents.

    Raises:
        ConfigurationError: the lock itself is wrong.
        StoreError: it cannot be read.
    """
    entry = snapshot.entries.get(LOCK)
    parsed = parsing.parse("lock", reader.read(LOCK, entry) if entry else b"")
    for trouble in parsed.troubles[:1]:
        said = f"{trouble.pointer} {trouble.message}".strip()
        hint = f"mend it, or take it back: git log -p -- {LOCK}"
        raise ConfigurationError(said, where=f"{LOCK}:{trouble.line or 1}", hint=hint)
    return msgspec.convert(parsed.value, tuple[Pinned, ...])


def listing(git: Git) -> list[tuple[Pinned, dict[str, str]]]:
    """Return the modules of the work tree's lock, each with its documents and whether they are the `same`, `edited` or `missing`.

    Raises:
        ConfigurationError: the lock is wrong.
        StoreError: a document cannot be read.
    """
    work = tree.work(git)
    with tree.reader(git) as reader:
        found = taken(work, reader)
    told = [one for one in pinned.troubles(git, found, work) if one.rule != pinned.TWICE]
    states = {one.place.path: one.rule.partition(".")[2] for one in told}
    return [(one, {path: states.get(path, "same") for path in one.documents}) for one in found]


def examine(git: Git) -> list[Finding]:
    """Return what is wrong between the work tree's lock and its documents, and with the lock itself, sorted.

    Raises:
        ConfigurationError: there is no project.
        StoreError: a document cannot be read.
    """
    work = tree.work(git)
    with tree.reader(git) as reader:
        found = [one for one in projects.problems_of(git, work, reader) if one.place.path == LOCK]
        found += pinned.troubles(git, () if found else taken(work, reader), work)
    return sorted(found, key=lambda one: (one.place, one.rule))


def chosen(git: Git, name: str) -> Pinned:
    """Return a module of the work tree's lock by its name.

    Raises:
        ConfigurationError: there is none of that name, or the lock is wrong.
    """
    with tree.reader(git) as reader:
        listed = taken(tree.work(git), reader)
    for one in listed:
        if one.name == name:
            return one
    hint = f"choose one of: {', '.join([one.name for one in listed]) or 'none yet'}"
    raise ConfigurationError(f"there is no module {name!r} in {LOCK}", where=LOCK, hint=hint)


def following(one: Pinned) -> str:
    """Return the revision that an update without one reads: of a folder in git that was read at a commit, its HEAD."""
    return "HEAD" if one.commit else ""


def before(git: Git, start: Path, one: Pinned, path: str) -> bytes | None:
    """Return what a module gave before, from the commit that is kept here; None when it is not."""
    if not one.commit:
        return None
    try:
        data = origins.find(git, start, one.source, one.commit, wait=0).read(path)
    except (StoreError, DataError):
        return None
    return data if lock.digest(data) == one.documents.get(path) else None
