"""Publish: a release as Croissant, a description in JSON-LD with its records in flat files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from labelvc.core import croissant, disclosure, flat, protection
from labelvc.core.croissant import Table
from labelvc.core.disclosure import Gap
from labelvc.formats import target as targets
from labelvc.model.names import Key
from labelvc.model.project import Project
from labelvc.model.release import Version
from labelvc.ops import facts, licensing
from labelvc.ops import manifest as manifests
from labelvc.ops import project as projects
from labelvc.ops.facts import Facts, Fields
from labelvc.ops.licensing import Asked, Counted
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git

DESCRIPTION = "croissant.json"


class Published(NamedTuple):
    """What was written: the tables, what nobody wrote down, and what a person should know of items that a decision let out."""

    tables: tuple[Table, ...]
    rows: int
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...]


def croissant_of(git: Git, wanted: Version | None, target: Path, asked: Asked) -> Published:
    """Write a release as Croissant.

    Args:
        git: the repository.
        wanted: the release; None: the last.
        target: a name that ends in `.json` for the description alone, else a folder for the description and its files.
        asked: the day, and the decision that permits it whatever the licences; it stands at HEAD, where it may be younger
            than the release.

    Raises:
        ConfigurationError: a document of the release is wrong.
        DataError: no such release, or a line that cannot be read.
        RefusedError: a line holds a plain value where a pseudonym must be; or files of rows are wanted, and the licence of
            an item or the terms of its source do not let it out.
        StoreError: data are missing, or the disk is full, read-only or not ours.
    """
    if target.suffix == ".json":
        description, found = _written(git, wanted, None, asked)
        with targets.file(target) as file:
            file.write(description)
        return found
    with targets.folder(target) as folder:
        description, found = _written(git, wanted, folder, asked)
        (folder / DESCRIPTION).write_bytes(description)
    return found


def _written(git: Git, wanted: Version | None, folder: Path | None, asked: Asked) -> tuple[bytes, Published]:
    """Return the description, and write the files of rows into a folder when there is one."""
    head = plumbing.resolve(git, "HEAD")
    with tree.reader(git) as reader, ExitStack() as stack:
        made = manifests.find(git, head, wanted)
        released = tree.commit(git, made.commit)
        project = projects.load(git, released, reader)
        writer = _Writer(project, folder, stack)
        counted = {
            name: Counted(project, released, each, asked.on, licensing.since(git, released, project, each, asked.on))
            for name, each in project.datasets.items()
        }

        def take(key: Key, fields: Fields) -> None:
            """Count an item, and write the row."""
            if not key.id:
                counted[key.dataset].take(fields)
            writer.take(key, fields)

        told = facts.gather(git, reader, made, take)
        tables = writer.tables()
    notes: list[str] = []
    if folder is not None:
        decisions = tree.commit(git, head)
        held = [counted[each.dataset.name] for each in told.datasets]
        notes = [each.settle(git, decisions, asked) for each in [one for one in held if one.stopped] or held]
    document = croissant.document(about(told), tables)
    description = msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
    gaps = tuple(disclosure.gaps(told.project, told.sources))
    return description, Published(tables, writer.rows, gaps, tuple(dict.fromkeys(filter(None, notes))))


class _Writer:
    """Writes items and records as rows, a file a dataset's items and a file a task; files of no rows are not made.

    Args:
        project: says what the columns are.
        folder: where the files go; None: only their digests are wanted.
        stack: closes the files.
    """

    def __init__(self, project: Project, folder: Path | None, stack: ExitStack) -> None:
        self._project, self._folder, self._stack = project, folder, stack
        self._files: dict[tuple[str, str], _File] = {}

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(file.rows for file in self._files.values())

    def take(self, key: Key, fields: Fields) -> None:
        """Write one item or record; a record of a task that its dataset does not ask is none of the dataset's answers."""
        dataset = self._project.datasets[key.dataset]
        if not key.id:
            self._file(key.dataset, "").put(flat.item_row(dataset, fields))
        elif (name := fields.get("task")) in dataset.tasks:
            self._file(key.dataset, name).put(flat.row(self._project.tasks[name], fields))

    def tables(self) -> tuple[Table, ...]:
        """End the files, and return what each holds."""
        return tuple(self._table(*place, file) for place, file in self._files.items())

    def _file(self, dataset: str, task: str) -> _File:
        place = (dataset, task)
        if place not in self._files:
            path = self._folder / _name(*place) if self._folder else None
            self._files[place] = _File(self._stack.enter_context(path.open("xb")) if path else None)
        return self._files[place]

    def _table(self, dataset: str, task: str, file: _File) -> Table:
        file.end()
        held = (_name(dataset, task), file.size, file.digest)
        if task:
            columns, about = flat.columns(self._project.tasks[task]), f"A row is an answer to {task} in {dataset}."
            return Table(f"{dataset}/{task}", about, columns, ("item", "id"), *held)
        columns, about = flat.item_columns(self._project.datasets[dataset]), f"A row is an item of {dataset}."
        return Table(f"{dataset}/items", about, columns, ("id",), *held)


class _File:
    """A JSON array that grows row by row, one row a line."""

    def __init__(self, file: IO[bytes] | None) -> None:
        self._to, self._sum = file, hashlib.sha256()
        self.size = self.rows = 0

    @property
    def digest(self) -> str:
        """SHA-256 of what was written, in hexadecimal."""
        return self._sum.hexdigest()

    def put(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        self._write((b",\n" if self.rows else b"[\n") + msgspec.json.encode(row))
        self.rows += 1

    def end(self) -> None:
        """Close the array."""
        self._write(b"\n]\n")
        if self._to is not None:
            self._to.close()

    def _write(self, data: bytes) -> None:
        self._sum.update(data)
        self.size += len(data)
        if self._to is not None:
            self._to.write(data)


def _name(dataset: str, task: str) -> str:
    return f"{dataset}.{task}.json" if task else f"{dataset}.json"


def about(told: Facts) -> dict[str, Any]:
    """Return what Croissant says of the dataset as a whole."""
    release, project = told.release, told.project
    people = [{"@type": "Organization", "name": name} for name in disclosure.said(project, "creators")]
    publishers = [{"@type": "Organization", "name": name} for name in disclosure.said(project, "publisher")]
    machine = sum(asked.machine for each in told.datasets for asked in each.asked)
    return {
        "name": project["name"],
        "alternateName": project.get("title"),
        "description": _sentences([project["goal"], *_scope(project, "includes"), *_scope(project, "excludes")]),
        "version": release.version,
        "datePublished": release.signed_at[:10],
        "license": list(disclosure.licences(project, told.sources)),
        "creator": people,
        "publisher": publishers,
        "url": next(iter(disclosure.said(project, "url")), None),
        "citeAs": next(iter(disclosure.said(project, "citation")), None),
        "identifier": told.digest,
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "prov:endedAtTime": release.signed_at,
            "prov:wasAssociatedWith": {"@type": "prov:SoftwareAgent", "name": release.tool},
        },
        "rai:dataCollection": _sentences([*disclosure.said(project, "collection"), *_sources(told)]),
        "rai:dataAnnotationProtocol": list(_protocol(told)),
        "rai:dataAnnotationPlatform": sorted({tool for each in told.datasets for tool in each.tools}),
        "rai:dataAnnotationAnalysis": list(_analysis(told)),
        "rai:annotationsPerItem": "; ".join(_per_item(told)),
        "rai:annotatorDemographics": list(disclosure.said(project, "annotators")),
        "rai:machineAnnotationTools": sorted({model for each in told.datasets for model in each.models})
        if machine
        else [],
        "rai:personalSensitiveInformation": list(_sensitive(told)),
        "rai:dataUseCases": [project["goal"], *disclosure.said(project, "uses")],
        "rai:dataLimitations": [*disclosure.said(project, "limitations"), *_scope(project, "excludes")],
        "rai:dataBiases": list(disclosure.said(project, "biases")),
        "rai:dataReleaseMaintenancePlan": _sentences(disclosure.said(project, "maintenance")),
    }


def _scope(project: Mapping[str, Any], side: str) -> list[str]:
    words = (project.get("scope") or {}).get(side) or []
    return [f"{'In' if side == 'includes' else 'Out of'} scope: {', '.join(words)}."] if words else []


def _sources(told: Facts) -> Iterator[str]:
    for each in told.datasets:
        for source in each.sources:
            yield f"{each.dataset.name} from " + ", ".join(f"{name} {value}" for name, value in source.items())


def _protocol(told: Facts) -> Iterator[str]:
    """Yield each guideline: where it is, its digest, and what it says of every label."""
    for document in told.release.documents:
        said = told.documents.get(document.path)
        if document.path.startswith("guidelines/") and said:
            general = said.get("general") or []
            words = [said["title"], *([general] if isinstance(general, str) else general), said.get("ambiguity", "")]
            head = f"{document.path}, version {document.version}, sha256 {document.sha256}"
            yield f"{head}: {_sentences(words)}"


def _analysis(told: Facts) -> Iterator[str]:
    """Yield the figures of quality that there are: who decided on how many changes."""
    for word in told.words:
        number = f"{word.number} statement{'' if word.number == 1 else 's'}"
        yield f"{number} `{word.decision}` on changes by {word.principal} as {word.role}"


def _per_item(told: Facts) -> Iterator[str]:
    for each in told.datasets:
        for asked in each.asked:
            if asked.per_item:
                counts = ", ".join(
                    f"{number} on {items} item{'s'[: items != 1]}" for number, items in asked.per_item.items()
                )
                yield f"{each.dataset.name}/{asked.name}: {counts}"


def _sensitive(told: Facts) -> Iterator[str]:
    for each in told.datasets:
        yield f"{each.dataset.name}: annotators (/by) are keyed pseudonyms"
        for field in each.dataset.sensitive:
            holds = protection.WORDS[field.mode]
            yield f"{each.dataset.name}: {field.pointer} of {field.layer} ({field.kind}) holds {holds}"


def _sentences(words: Sequence[str]) -> str:
    """Return sentences one after another, each with its end."""
    said = [word.strip() for word in words if word.strip()]
    return " ".join(word if word[-1] in ".!?…:" else f"{word}." for word in said)
