"""The project of a snapshot: its documents read, held against their schemas and each other, and made one value."""

# No `from __future__ import annotations`: typing would compile the text of each at every start.

import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import msgspec

from labelvc import __version__, digests
from labelvc.errors import ConfigurationError
from labelvc.model import register
from labelvc.model.detection import BASELINE, Accepted
from labelvc.model.detection import Settings as Leaks
from labelvc.model.finding import Finding
from labelvc.model.milestone import Milestone
from labelvc.model.module import LOCK, Pinned
from labelvc.model.parsed import Parsed
from labelvc.model.project import Dataset, Guideline, Guiding, Profile, Project, Sensitive, Task, Taxonomy
from labelvc.model.secret import EPOCHS, Epoch
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.model.waiver import WAIVERS, Waiver
from labelvc.store.cache import Cache
from labelvc.store.folders import Folders
from labelvc.store.git import Git
from labelvc.store.reader import Reader

TOP = "labelvc.yaml"
BY = "labelvc.documents/3"
_WHOLE = b"whole"
RECIPIENTS = "privacy/recipients.yaml"
ERASURES = "privacy/erasures/"
_DATASET, _YAML, _VERSIONS = "/dataset.yaml", ".yaml", ".versions.jsonl"
_NOUNS = {"taxonomies": "taxonomy", "guidelines": "guideline", "profiles": "profile", "batches": "batch"}
_ALONE = (TOP, "taxonomies", "guidelines", "profiles", "registers", "privacy", LOCK, WAIVERS)
_SINGLE = {
    TOP: "project",
    EPOCHS: "epoch",
    RECIPIENTS: "recipients",
    BASELINE: "baseline",
    LOCK: "lock",
    WAIVERS: "waiver",
}
_SOURCE = register.noun("source")
_UNJUDGED = frozenset(  # which there are changes no verdict on a record
    ("epoch", "recipients", "baseline", "lock", "waiver", "batch", register.NOUN, *map(register.noun, register.KINDS))
) - {_SOURCE}
NO_DOMAIN = "main"
"""The domain of a project that says none."""


class Read(NamedTuple):
    """One document of a snapshot: where it is, what kind, what its path calls it, its digest and what it says."""

    path: str
    noun: str
    name: str
    digest: str
    parsed: Parsed


class Survey(NamedTuple):
    """The documents of a snapshot.

    Attributes:
        findings: everything that is wrong with them.
        project: what they describe; None where something is wrong.
        documents: each of them, by path.
    """

    findings: list[Finding]
    project: Project | None
    documents: Sequence[Read]


def load(git: Git, snapshot: Snapshot, reader: Reader, cache: Cache | None = None) -> Project:
    """Return the project that a snapshot's documents describe.

    Args:
        git: the repository.
        snapshot: where the documents are.
        reader: reads them.
        cache: where documents are remembered by their digest; None for the repository's own.

    Returns:
        The project. A guideline's `versions` end with its version in the tree.

    Raises:
        ConfigurationError: no labelvc.yaml, or a document is wrong: names the path, line, pointer and problem.
        StoreError: a document cannot be read from git or the disk.
    """
    findings, project = examine(git, snapshot, reader, cache)
    if project is None:
        first, rest = findings[0], len(findings) - 1
        place = f"{first.place.path}:{first.place.line}" if first.place.line else first.place.path
        said = f"{first.place.pointer} {first.message}".strip()
        raise ConfigurationError(f"{said} (and {rest} more problems)" if rest else said, where=place, hint=first.hint)
    return project


def examine(
    git: Git, snapshot: Snapshot, reader: Reader, cache: Cache | None = None
) -> tuple[list[Finding], Project | None]:
    """Return what is wrong with a snapshot's documents and, when nothing is, the project: reads each document once.

    Args:
        git: the repository.
        snapshot: where the documents are.
        reader: reads them.
        cache: as for `load`.

    Returns:
        The findings of `problems_of`, and the project or None.

    Raises:
        ConfigurationError: there is no labelvc.yaml.
        StoreError: a document cannot be read from git or the disk.
    """
    return survey(git, snapshot, reader, cache)[:2]


def survey(
    git: Git,
    snapshot: Snapshot,
    reader: Reader,
    cache: Cache | None = None,
    settable: Mapping[str, bool | None] | None = None,
) -> Survey:
    """Return what `examine` does with the documents themselves, and what settings of rules would do nothing.

    Args:
        git: the repository.
        snapshot: where the documents are.
        reader: reads them.
        cache: as for `load`.
        settable: as for `labelvc.core.references.troubles`.

    Raises:
        ConfigurationError: there is no labelvc.yaml.
        StoreError: a document cannot be read from git or the disk.
    """
    if TOP not in snapshot.entries:
        raise ConfigurationError(f"there is no labelvc.yaml in {snapshot.name}", where=TOP, hint="labelvc init")
    with Cache(git) if cache is None else nullcontext(cache) as remembered:
        documents = _read(snapshot, reader, remembered)
        findings = _findings(documents, settable, remembered)
    return Survey(findings, None if findings else _project(documents), documents)


def problems_of(git: Git, snapshot: Snapshot, reader: Reader, cache: Cache | None = None) -> list[Finding]:
    """Return everything that is wrong with a snapshot's documents.

    Args:
        git: the repository.
        snapshot: where the documents are.
        reader: reads them.
        cache: as for `load`.

    Returns:
        Findings of the rules in `labelvc.ops.rules`, sorted by path and line; empty when `load` succeeds.

    Raises:
        ConfigurationError: there is no labelvc.yaml.
        StoreError: a document cannot be read from git or the disk.
    """
    return examine(git, snapshot, reader, cache)[0]


def dataset(project: Project, name: str) -> Dataset:
    """Return a dataset by its name.

    Raises:
        ConfigurationError: there is none of that name; says which there are.
    """
    found = project.datasets.get(name)
    if found is None:
        known = ", ".join(project.datasets) or "none yet"
        where = f"datasets/{name}/dataset.yaml"
        raise ConfigurationError(f"there is no dataset {name!r}", where=where, hint=f"choose one of: {known}")
    return found


def sensitive(git: Git, data: bytes, cache: Cache | None = None) -> tuple[Sensitive, ...]:
    """Return the fields a dataset declares sensitive, whatever else may be wrong with the project.

    Args:
        git: the repository, whose documents are remembered.
        data: bytes of the dataset's document.
        cache: as for `load`.

    Returns:
        The fields; none when the document cannot be read.
    """
    (value,) = values(git, [("dataset", data)], cache)
    try:
        return msgspec.convert(value["sensitive"] if value else [], tuple[Sensitive, ...])
    except (msgspec.ValidationError, KeyError):
        return ()


def values(git: Git, documents: Sequence[tuple[str, bytes]], cache: Cache | None = None) -> list[Any]:
    """Return what documents say, whatever the rest of the project says; None for one that cannot be read.

    Args:
        git: the repository, whose documents are remembered.
        documents: the kind of each, `guideline` ..., and its bytes.
        cache: as for `load`.
    """
    return [found.value for found in parsed(git, documents, cache)] if documents else []


def parsed(git: Git, documents: Sequence[tuple[str, bytes]], cache: Cache | None = None) -> list[Parsed]:
    """Return documents as they were read, with the line of each part; arguments as for `values`."""
    with Cache(git) if cache is None else nullcontext(cache) as remembered:
        return _remembered(remembered, documents)


def documents(folders: Folders, rev: str) -> Snapshot:
    """Return the snapshot of a commit with nothing but its documents, which is all that `load` needs of it.

    Args:
        folders: finds the files.
        rev: a revision.

    Raises:
        StoreError: no such revision, or a missing object.
    """
    commit = folders.commit(rev)
    own = [f"datasets/{name}/dataset.yaml" for name in folders.names(commit, "datasets")]
    return folders.snapshot(commit, [*_ALONE, *own])._replace(name=rev)


def noun_of(path: str) -> tuple[str, str] | None:
    """Return (noun, name) of a document's path, or None when the path is no document."""
    if path in _SINGLE:
        return _SINGLE[path], ""
    if path.startswith(ERASURES) and path.endswith(_YAML):
        name = path[len(ERASURES) : -len(_YAML)]
        return ("erasure", name) if name and "/" not in name else None
    folder, _, rest = path.partition("/")
    if folder == "registers":
        kind, _, name = rest.removesuffix(_YAML).partition("/")
        good = rest.endswith(_YAML) and kind and name and "/" not in name
        return (register.noun(kind), f"{kind}/{name}") if good else None
    noun, end = _NOUNS.get(folder, ""), _VERSIONS if rest.endswith(_VERSIONS) else _YAML
    if folder == "datasets":
        noun, end = "dataset", _DATASET
    name = rest.removesuffix(end)
    if not noun or name == rest or not name or "/" in name or (noun == "batch" and end == _VERSIONS):
        return None
    return ("versions", f"{noun}/{name}") if end == _VERSIONS else (noun, name)


def _read(snapshot: Snapshot, reader: Reader, cache: Cache) -> list[Read]:
    """Read all documents; those whose bytes were seen before are remembered, the others are parsed."""
    homes = {
        path: home
        for path in _ending(snapshot.entries, _YAML, _VERSIONS, EPOCHS, BASELINE, LOCK, WAIVERS)
        if (home := noun_of(path))
    }
    data = dict(reader.many([(path, snapshot.entries[path]) for path in sorted(homes)]))
    parsed = _remembered(cache, [(homes[path][0], raw) for path, raw in data.items()])
    return [
        Read(path, *homes[path], digests.sha256_short(raw).hexdigest(), found)
        for (path, raw), found in zip(data.items(), parsed, strict=True)
    ]


def _ending(entries: Mapping[str, Entry], *ends: str) -> list[str]:
    """Return the paths that end with one of some texts; the listing of a whole commit finds them without making text of all."""
    if isinstance(entries, dict):
        return [path for path in entries if path.endswith(ends)]
    found: list[str] = importlib.import_module("labelvc.model.listing").ending(entries, *ends)
    return found


def _remembered(cache: Cache, documents: Sequence[tuple[str, bytes]]) -> list[Parsed]:
    """Parse (noun, bytes) pairs, but for those whose bytes were seen before."""
    keys = [f"{BY}:{noun}:{digests.sha256_short(data).hexdigest()}" for noun, data in documents]
    kept = cache.get_many(keys)
    found, fresh = [], []
    for key, (noun, data) in zip(keys, documents, strict=True):
        parsed = _recalled(kept.get(key))
        if parsed is None:
            parsed = _parse(noun, data)
            fresh.append((key, msgspec.json.encode(parsed)))
        found.append(parsed)
    cache.put_many(fresh)
    return found


def _recalled(raw: bytes | None) -> Parsed | None:
    try:
        return msgspec.json.decode(raw, type=Parsed) if raw is not None else None
    except msgspec.DecodeError:
        return None


def _parse(noun: str, data: bytes) -> Parsed:
    """Parse a document; the module that does it brings ruamel.yaml and jsonschema, so it is loaded only here."""
    found: Parsed = importlib.import_module("labelvc.ops.parsing").parse(noun, data)
    return found


def _findings(documents: list[Read], settable: Mapping[str, bool | None] | None, cache: Cache) -> list[Finding]:
    """Return what is wrong with documents; that nothing was is remembered of this labelvc, and spares the modules that look."""
    told = [f"{read.path}\0{read.digest}\n" for read in documents]
    key = f"{BY}:whole:{digests.sha256_short(repr((__version__, told, settable)).encode()).hexdigest()}"
    if cache.get_many([key]).get(key) == _WHOLE:
        return []
    found: list[Finding] = importlib.import_module("labelvc.ops.concord").findings(documents, settable)
    if not found:
        cache.put_many([(key, _WHOLE)])
    return found


def _project(documents: Iterable[Read]) -> Project:
    values = {(read.noun, read.name): read.parsed.value for read in documents}
    top = values["project", ""]
    governing = [read for read in documents if read.noun not in _UNJUDGED]
    digest = digests.sha256_short("".join([f"{BY}\0{read.path}\0{read.digest}\n" for read in governing]).encode())
    return Project(
        id=top["id"],
        name=top["name"],
        tasks=msgspec.convert(top["tasks"], dict[str, Task]),
        datasets=_datasets(values),
        taxonomies=dict(_all(values, "taxonomy", Taxonomy)),
        guidelines={
            name: Guideline(
                name=name,
                version=value["version"],
                status=value["status"],
                taxonomy=value.get("taxonomy"),
                versions=_versions(values.get(("versions", f"guideline/{name}"), []), value["version"]),
                bound={
                    line["version"]: line["taxonomy"]
                    for line in values.get(("versions", f"guideline/{name}"), ())
                    if line.get("taxonomy")
                },
            )
            for (noun, name), value in values.items()
            if noun == "guideline"
        },
        digest=f"sha256:{digest.hexdigest()}",
        domain=top.get("privacy", {}).get("domain", NO_DOMAIN),
        leaks=msgspec.convert(top.get("privacy", {}).get("leaks", {}), Leaks),
        erased=frozenset([token for key, value in values.items() if key[0] == "erasure" for token in value["tokens"]]),
        licences=frozenset(top["licences"]["allow"]) if "licences" in top else None,
        erase=top.get("privacy", {}).get("erase"),
        accepted=msgspec.convert(values.get(("baseline", ""), ()), tuple[Accepted, ...]),
        waivers=msgspec.convert(values.get(("waiver", ""), ()), tuple[Waiver, ...]),
        epochs=_epochs(values.get(("epoch", ""), ())),
        guiding=msgspec.convert(top.get("guidelines", {}), Guiding),
        modules=msgspec.convert(values.get(("lock", ""), ()), tuple[Pinned, ...]),
        milestones=msgspec.convert(top.get("milestones", {}), dict[str, Milestone]),
    )


def _epochs(lines: Sequence[dict[str, Any]]) -> tuple[Epoch, ...]:
    """Return the epochs of pseudonyms; a project that makes none has none."""
    return tuple(map(importlib.import_module("labelvc.codec.epochs").epoch_of, lines)) if lines else ()


def _all(values: Mapping[tuple[str, str], Any], wanted: str, kind: type[Any]) -> Iterator[tuple[str, Any]]:
    for (noun, name), value in values.items():
        if noun == wanted:
            content = {member: inside for member, inside in value.items() if member != "schema"}
            yield name, msgspec.convert(content, kind)


def _datasets(values: Mapping[tuple[str, str], Any]) -> dict[str, Dataset]:
    """Return the datasets, each with what its profiles and the register of sources say; most have no profile."""
    found = {name: _sourced(one, values) for name, one in _all(values, "dataset", Dataset)}
    if not any(one.profiles for one in found.values()):
        return found
    unsliced = {name for (noun, name), value in values.items() if noun == "dataset" and value.get("slices") == []}
    told: dict[str, Dataset] = importlib.import_module("labelvc.core.profiles").taken(
        found, dict(_all(values, "profile", Profile)), unsliced
    )
    return told


def _sourced(found: Dataset, values: Mapping[tuple[str, str], Any]) -> Dataset:
    """Return a dataset whose sources say what the register of sources says of them."""
    if not any("register" in source for source in found.sources):
        return found
    said = [values[_SOURCE, source["register"]] if "register" in source else {} for source in found.sources]
    terms = importlib.import_module("labelvc.core.licences").terms  # few datasets name what the register holds
    sources = tuple({**source, **terms(entry)} for source, entry in zip(found.sources, said, strict=True))
    return msgspec.structs.replace(found, sources=sources)


def _versions(published: list[dict[str, Any]], current: str) -> tuple[str, ...]:
    return (*[line["version"] for line in published if line["version"] != current], current)
