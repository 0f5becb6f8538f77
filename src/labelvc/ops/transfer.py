"""Transfer: bring labels in from other tools' files, and hand them out again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from labelvc.codec import canonical, document, shard
from labelvc.core import diff, pseudonym
from labelvc.core.expect import versions_of
from labelvc.errors import ConfigurationError, DataError
from labelvc.formats import registry
from labelvc.formats.interface import Plan, Row
from labelvc.model import jsonpointer
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset, Project, Sensitive, Task
from labelvc.model.snapshot import Snapshot
from labelvc.ops import project as projects
from labelvc.ops import pseudonyms, remarks, rewrite, taxonomy
from labelvc.store import files, journal, tree
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_PER_SHARD = {"git": 500, "dvc": 8000}
_LAYERS: tuple[Layer, ...] = ("items", "annotations")
_AGAIN = "correct the source there and run the import again; nothing was written"
_MEND = "labelvc check --all, and mend what it finds"
_BY = Sensitive("/by", "person")
_TABLES = ("csv", "jsonl")  # whose other columns are the person's own; the `ext` of other formats is of their making
_TWICE = {
    "items": "choose another --key",
    "annotations": "give each answer of an item another id in the source, or rename the column to have lines as ids",
}


class Request(NamedTuple):
    """What a person asked to import.

    Attributes:
        form: name of the format.
        source: file or folder.
        dataset: name of the dataset.
        task: name of the task; empty when the dataset has just one.
        mode: `add` keeps what the source lacks; `replace` leaves tombstones for it.
        words: the columns and key given, as for `formats.interface.Plan`.
        add_labels: add labels that the taxonomy lacks to it.
    """

    form: str
    source: Path
    dataset: str
    task: str = ""
    mode: Literal["add", "replace"] = "add"
    words: Mapping[str, Any] = {}
    add_labels: bool = False


class Imported(NamedTuple):
    """What an import would do, and how to do it.

    Attributes:
        dataset: the dataset, with the number of shards it will have.
        rewrite: the files and deltas.
        documents: documents that change with it (number of shards, natural key, labels).
        notes: what the person should know, one line each.
        read: number of items and records read.
    """

    dataset: Dataset
    rewrite: rewrite.Rewrite
    documents: dict[str, bytes]
    notes: list[str]
    read: dict[Layer, int]


def prepare(git: Git, request: Request, advance: Callable[[int], None] | None = None) -> Imported:
    """Read a source and work out what importing it would change; write nothing.

    Args:
        git: the repository.
        request: what to import.
        advance: called with 1 for every row read.

    Returns:
        The change, to be shown; `perform` works it out anew and writes it.

    Raises:
        ConfigurationError: the dataset or task does not exist.
        DataError: the source cannot be read; says where.
        TrustError: the pseudonym key is absent.
    """
    work = tree.work(git)
    with tree.reader(git) as reader:
        project = projects.load(git, work, reader)
    dataset, name = find(project, request.dataset, request.task)
    form = registry.find(request.form)
    if not form.reads:
        raise ConfigurationError(f"the format {form.name} can be written, not read", hint="labelvc import --help")
    reading = _Reading(project, dataset, name, form.name, _Tokens(git, work, project, dataset))
    rows = form.read(request.source, _plan(project, dataset, name, request.words))
    try:
        lines = reading.lines(rows, advance)
    except DataError as error:
        raise DataError(error.message, where=error.where or str(request.source), hint=error.hint or _AGAIN) from None
    documents, notes = _documents(git, work, project, dataset, reading, request)
    dataset = _sized(dataset, work, len(lines["annotations"]))
    if dataset.shards != project.datasets[dataset.name].shards:
        path = f"datasets/{dataset.name}/dataset.yaml"
        documents[path] = document.edit(
            documents.get(path) or (git.top / path).read_bytes(), {("shards",): dataset.shards}
        )
        notes.append(f"the dataset has {dataset.shards} shards, as {path} says now")
    notes += [*remarks.riding(reading.riders, dataset.name), *remarks.unnamed(lines, keyed=bool(reading.natural))]
    whole: frozenset[Layer] = frozenset(("annotations", "items") if request.mode == "replace" else ())
    wanted = rewrite.Wanted(lines, whole, frozenset([name]))
    # A long source takes minutes to read: an editor or git may have changed the shards since.
    work, head = tree.work(git), tree.commit(git, "HEAD") if plumbing.head(git) else tree.empty()
    change = rewrite.plan(git, dataset, head, work, wanted)
    return Imported(dataset, change, documents, notes, {layer: len(found) for layer, found in lines.items()})


def perform(git: Git, request: Request, advance: Callable[[int], None] | None = None) -> Imported:
    """Import a source as `prepare` works it out, while no other command writes: all of it, or nothing when the disk is full.

    Raises:
        Error: as for `prepare`.
        StoreError: another command writes here, or the disk is full.
    """
    with files.lock(git):
        imported = prepare(git, request, advance)
        with journal.transaction(git, "import") as change:
            rewrite.put(change, imported.dataset, imported.rewrite, imported.documents)
    return imported


def export(
    git: Git,
    snapshot: Snapshot,
    form_name: str,
    dataset_name: str,
    target: Path,
    words: Mapping[str, Any],
    task: str = "",
) -> int:
    """Write a dataset's records as another tool's file, rebuilt from the records alone.

    Args:
        git: the repository.
        snapshot: the moment to export.
        form_name: name of the format.
        dataset_name: name of the dataset.
        target: file or folder to write.
        words: columns, as for import.
        task: the task; empty when the dataset has just one.

    Returns:
        Number of records written.

    Raises:
        ConfigurationError: the format cannot be written, or the dataset or task does not exist.
        DataError: a line cannot be read or its value written: a file that lacks it would look complete.
    """
    form = registry.find(form_name)
    if not form.writes:
        raise ConfigurationError(f"the format {form.name} can be read, not written", hint="labelvc export --help")
    with tree.reader(git) as reader:
        project = projects.load(git, snapshot, reader)
        dataset, name = find(project, dataset_name, task)
        items = list(_layer(reader, snapshot, dataset, "items"))
        kept = (row for row in _layer(reader, snapshot, dataset, "annotations") if row.get("task") == name)
        try:
            return form.write(items, kept, dataset, _plan(project, dataset, name, words), target)
        except DataError as error:
            where = error.where or f"datasets/{dataset.name}"
            raise DataError(error.message, where=where, hint=error.hint or _MEND) from None


def find(project: Project, dataset: str, task: str = "") -> tuple[Dataset, str]:
    """Return a dataset and one of its tasks by name.

    Raises:
        ConfigurationError: there is none of that name, or the task must be said because there are several.
    """
    found = projects.dataset(project, dataset)
    if not task and len(found.tasks) == 1:
        task = next(iter(found.tasks))
    if task not in found.tasks:
        said = f"the dataset {dataset!r} has no task {task!r}" if task else f"the dataset {dataset!r} has several tasks"
        raise ConfigurationError(said, hint=f"--task with one of: {', '.join(found.tasks)}")
    return found, task


class _Tokens:
    """Turns plain values of declared fields into tokens; the secret is looked for only when there is one to turn."""

    def __init__(self, git: Git, work: Snapshot, project: Project, dataset: Dataset) -> None:
        self._git, self._work, self._project = git, work, project
        fields = [*dataset.sensitive, _BY]
        self._fields = {
            layer: [(field.kind, *_steps(field.pointer)) for field in fields if field.layer == layer]
            for layer in _LAYERS
        }
        self._made: dict[tuple[str, str], str] = {}

    def protect(self, layer: Layer, fields: dict[str, Any]) -> None:
        """Replace plain values by tokens.

        Raises:
            DataError: a value is empty once normalised; or an id is a value that was replaced, which would tell it.
        """
        plain: set[str] = set()
        for kind, steps, last in self._fields[layer]:
            inside: Any = fields
            for step in steps:
                inside = inside.get(step) if isinstance(inside, dict) else None
            if isinstance(inside, dict) and inside.get(last) not in (None, ""):
                value = str(inside[last])
                inside[last] = self._token(kind, value)
                plain.update((value,) if inside[last] != value else ())
        told = [name for name in ("id", "item") if fields.get(name) in plain]
        if told:
            raise DataError(
                f"the {told[0]} is the plain value of a field that must hold a pseudonym",
                hint="choose another --key, or declare /id of items and /item of annotations as sensitive, of the same kind",
            )

    def _token(self, kind: str, value: str) -> str:
        found = self._made.get((kind, value))
        if found is None:
            found = self._made[kind, value] = value if pseudonym.is_token(value) else self._tokenise(kind, value)
        return found

    @cached_property
    def _tokenise(self) -> Callable[[str, str], str]:
        with tree.reader(self._git) as reader:
            secret = pseudonyms.active(self._git, self._work, reader)
        return pseudonyms.tokeniser(secret, self._project.id, self._project.domain)


def _steps(pointer: str) -> tuple[list[str], str]:
    """Return the names a JSON pointer (RFC 6901) goes through, and the last one."""
    *steps, last = jsonpointer.steps(pointer)
    return steps, last


class _Reading:
    """Turns a format's rows into canonical lines by key."""

    def __init__(self, project: Project, dataset: Dataset, task: str, tool: str, tokens: _Tokens) -> None:
        self._dataset, self._task, self._tool, self._tokens = dataset, task, tool, tokens
        versions = {name: versions_of(project, asked) for name, asked in project.tasks.items()}
        self._under = {name: known[-1] for name, known in versions.items() if known}
        self._taxonomies = {name: asked.taxonomy or "" for name, asked in project.tasks.items()}
        self.labels: dict[str, Counter[str]] = defaultdict(Counter)  # taxonomy to label to number of records
        self.natural: dict[str, None] = {}
        self.riders: dict[str, Layer] = {}  # pointers to columns that play no part
        self._declared = {(field.layer, field.pointer) for field in dataset.sensitive}

    def lines(self, rows: Iterable[Row], advance: Callable[[int], None] | None) -> dict[Layer, dict[Key, bytes]]:
        found: dict[Layer, dict[Key, bytes]] = {"items": {}, "annotations": {}}
        for row in rows:
            try:
                self._tokens.protect(row.layer, row.fields)
                key, raw = self._item(row) if row.layer == "items" else self._record(row)
            except DataError as error:
                raise DataError(error.message, where=error.where or row.where, hint=error.hint) from None
            if found[row.layer].setdefault(key, raw) != raw:
                raise DataError(
                    f"two {row.layer} of the source have the key {key}", where=row.where, hint=_TWICE[row.layer]
                )
            self._note_riders(row)
            if advance:
                advance(1)
        return found

    def _note_riders(self, row: Row) -> None:
        """Take down which columns of a table are stored beside the answers as they stand."""
        if self._tool in _TABLES:
            for name in row.fields.get("ext", {}).get(self._tool, ()):
                pointer = f"/ext/{self._tool}/{jsonpointer.escaped(name)}"
                if (row.layer, pointer) not in self._declared:
                    self.riders[pointer] = row.layer

    def _item(self, row: Row) -> tuple[Key, bytes]:
        fields = row.fields
        self.natural.update(dict.fromkeys(fields.get("natural") or ()))
        return Key(self._dataset.name, _text(row, "id"), ""), canonical.encode(fields, canonical.ITEM_FIRST)

    def _record(self, row: Row) -> tuple[Key, bytes]:
        fields = row.fields
        if "gone" not in fields and "task" not in fields:  # a record that names its task is labelvc's own
            fields.setdefault("origin", {"tool": self._tool})
        task = fields.setdefault("task", self._task)
        fields["rev"] = 1
        if "gone" not in fields and isinstance(task, str) and task in self._under:
            fields.setdefault("under", self._under[task])
        value = fields.get("value")
        owner = self._taxonomies.get(task) if isinstance(task, str) else None
        if owner and isinstance(value, dict):
            counted = self.labels[owner]
            for label in _labels(value):
                counted[label] += 1
        key = Key(self._dataset.name, _text(row, "item"), _text(row, "id"))
        return key, canonical.encode(fields, canonical.RECORD_FIRST)


def _labels(value: Mapping[str, Any]) -> Iterable[str]:
    """Return the labels that a value names: one, or several, those that share a whole, or an order of them."""
    label = value.get("label")
    if isinstance(label, str):
        return (label,)
    several = [value.get(name) for name in ("labels", "soft", "ranking")]
    return {
        label for labels in several if isinstance(labels, list | dict) for label in labels if isinstance(label, str)
    }


def _text(row: Row, name: str) -> str:
    value = row.fields.get(name)
    if not isinstance(value, str) or not value:
        raise DataError(
            f"the {name} of a row is empty or no text", where=row.where, hint="name another column with --item or --key"
        )
    if name == "id" and row.layer == "annotations" and "#" in value:
        raise DataError("the id of a record may not hold #", where=row.where, hint="choose another --key")
    return value


def _plan(project: Project, dataset: Dataset, task: str, words: Mapping[str, Any]) -> Plan:
    """Say what a format must know; ids it makes up name the task where a dataset asks several."""
    asked: Task = project.tasks[task]
    prefix = f"{task}." if len(dataset.tasks) > 1 else ""
    return Plan(task=task, asked=asked, prefix=prefix, taxonomy=project.taxonomies.get(asked.taxonomy or ""), **words)


def _documents(
    git: Git, work: Snapshot, project: Project, dataset: Dataset, reading: _Reading, request: Request
) -> tuple[dict[str, bytes], list[str]]:
    """Return the documents an import changes besides shards: new labels, the natural key it brought."""
    changed: dict[str, bytes] = {}
    notes: list[str] = []
    for name, counted in sorted(reading.labels.items()):
        known = {label.id for label in project.taxonomies[name].labels}
        unknown = sorted(counted.keys() - known)
        path = f"taxonomies/{name}.yaml"
        if unknown and request.add_labels:
            changed[path] = taxonomy.add_labels((git.top / path).read_bytes(), unknown)
            notes.append(f"labels added to {path}: {remarks.some(unknown)}")
        elif unknown:
            told = remarks.some([f"{label} ({counted[label]} record{'s'[: counted[label] > 1]})" for label in unknown])
            cure = "`labelvc check` will refuse them: add them with --add-labels, or correct the source"
            notes.append(f"labels that are not in {path}: {told}; {cure}")
    if reading.natural and not dataset.natural_key:
        path = f"datasets/{dataset.name}/dataset.yaml"
        pointers = [f"/natural/{field}" for field in reading.natural]
        changed[path] = document.edit((git.top / path).read_bytes(), {("natural_key",): pointers})
        notes.append(f"no two items may share {', '.join(pointers)}: it is the natural key in {path} now")
    return changed, notes


def _sized(dataset: Dataset, work: Snapshot, records: int) -> Dataset:
    """Choose the number of shards at a dataset's first import; later only a reshard changes it."""
    folder = f"datasets/{dataset.name}/"
    if any(path.startswith(folder) and shard.parse_path(path) for path in work.entries):
        return dataset
    return msgspec.structs.replace(dataset, shards=shard.count_for(records, _PER_SHARD[dataset.storage]))


def _layer(reader: Reader, snapshot: Snapshot, dataset: Dataset, layer: Layer) -> Iterator[dict[str, Any]]:
    folder = f"datasets/{dataset.name}/{layer}/"
    names = canonical.RECORD_FIRST if layer == "annotations" else canonical.ITEM_FIRST
    wanted = [
        (path, entry)
        for path, entry in sorted(snapshot.entries.items())
        if path.startswith(folder) and shard.parse_path(path)
    ]
    for path, data in reader.many(wanted):
        for number, raw in enumerate(shard.lines(data), 1):
            fields = diff.decoded(raw) if diff.live(raw) is not None else None
            if fields is None:
                continue
            if not all(isinstance(fields.get(name), str) for name in names):
                raise DataError("the line cannot be read", where=f"{path}:{number}", hint=_MEND)
            yield fields
