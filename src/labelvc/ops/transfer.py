"""Transfer: bring labels in from other tools' files, and hand them out again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from labelvc.codec import canonical, document, shard
from labelvc.core.veil import Veil
from labelvc.errors import ConfigurationError, DataError, RefusedError
from labelvc.formats import block, registry
from labelvc.formats.interface import Plan
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset, Project, Task
from labelvc.model.snapshot import Snapshot
from labelvc.ops import identity, licensing, lines, remarks, renumbering, rewrite, stranded, taxonomy
from labelvc.ops import project as projects
from labelvc.ops.fitting import MisfitError
from labelvc.ops.incoming import Incoming, TwiceError
from labelvc.ops.reading import Reading
from labelvc.ops.recognition import Recognition, renamed
from labelvc.ops.redaction import Redaction
from labelvc.ops.request import Request
from labelvc.ops.sides import AstrayError, Sides
from labelvc.ops.tokens import Tokens
from labelvc.spill import SpillError
from labelvc.store import disk, files, stale, tree
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.journal import Transaction

if TYPE_CHECKING:
    from labelvc.ops.look import Advance

_PER_SHARD = {"git": 500, "dvc": 8000}
_AGAIN = "correct the source there and run the import again; nothing was written"


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
        advance: called with the number of rows read since the last call.

    Returns:
        The change, to be shown; `perform` works it out anew and writes it.

    Raises:
        ConfigurationError: the dataset or task does not exist.
        DataError: the source cannot be read; says where.
        RefusedError: the source has most of what is stored under other ids, so that ids would change what they stand for.
        TrustError: the pseudonym key is absent.
    """
    return _imported(git, request, advance, None)


def perform(git: Git, request: Request, advance: Callable[[int], None] | None = None) -> Imported:
    """Import a source as `prepare` works it out, while no other command writes: all of it, or nothing when the disk is full.

    Raises:
        Error: as for `prepare`.
        StoreError: another command writes here, the disk is full, or another branch's shards lie behind the DVC pointer.
    """
    with files.lock(git):
        return _imported(git, request, advance, "import")


def _imported(git: Git, request: Request, advance: Callable[[int], None] | None, command: str | None) -> Imported:
    """Read a source, work out what it changes, and write that when a command is named."""
    work = tree.work(git)
    with tree.reader(git) as reader:
        project = projects.load(git, work, reader)
    dataset, name = find(project, request.dataset, request.task)
    form = registry.find(request.form)
    if not form.reads:
        raise ConfigurationError(f"the format {form.name} can be written, not read", hint="labelvc import --help")
    said = _plan(project, dataset, name, request.words)
    try:
        with ExitStack() as stack:
            incoming = stack.enter_context(Incoming(dataset))
            tokens = Tokens(git, work, project, dataset)
            reading = Reading(project, dataset, name, form.name, tokens)
            redaction = Redaction(project, dataset, tokens, request.offsets)
            with _told(request):
                reading.into(incoming, block.of(form, request.source, said), advance or _unheard)
            # A long source takes minutes to read: an editor or git may have changed the shards since.
            since = 0 if command is None else disk.moment(git.top)
            work = tree.work(git)
            if dataset.storage == "dvc":
                stale.refuse(git, f"datasets/{dataset.name}/annotations")
            asked = identity.Asked(dataset.name, name, said.key, form.name, said.prefix, request.mode == "replace")
            try:
                if redaction.needed:
                    fresh = stack.enter_context(Incoming(dataset))
                    k = shard.digits(_sized(dataset, work, incoming).shards)
                    with _told(request):
                        incoming = redaction.over(incoming, k, fresh)
                source = _Source(project, dataset, reading, request, asked, incoming, stack, redaction)
                if command is None:
                    return _without_writing(git, work, source)
                return rewrite.carried_out(
                    git, command, since, lambda change, aside: _written(git, work, source, change, aside)
                )
            except (MisfitError, TwiceError) as error:
                with _told(request):
                    again = Reading(project, dataset, name, form.name, Tokens(git, work, project, dataset))
                    again.refuse(form.read(request.source, said), error)
    except SpillError as error:
        raise disk.failure(error, Path(str(error.filename))) from None


def _unheard(_number: int) -> None:
    """Tell nobody how many rows were read."""


@contextmanager
def _told(request: Request) -> Iterator[None]:
    """Say of an error in a source where it is and how to go on."""
    try:
        yield
    except (DataError, RefusedError) as error:
        raise type(error)(error.message, where=error.where or str(request.source), hint=error.hint or _AGAIN) from None


class _Source(NamedTuple):
    """What was read, and what is asked to be done with it."""

    project: Project
    dataset: Dataset
    reading: Reading
    request: Request
    asked: identity.Asked
    incoming: Incoming
    stack: ExitStack
    redaction: Redaction


def _without_writing(git: Git, work: Snapshot, source: _Source) -> Imported:
    def put(_path: str, _data: bytes | None) -> None:
        """Write nothing."""

    try:
        return _worked_out(git, work, source, put, aside=False)
    except AstrayError:
        return _worked_out(git, work, source, put, aside=True)


def _written(git: Git, work: Snapshot, source: _Source, change: Transaction, aside: bool) -> Imported:
    found = _worked_out(git, work, source, rewrite.putting(change), aside=aside)
    more = source.redaction.rows() if found.rewrite.files else ()
    waiting = source.reading.keep(
        more
    )  # before the first shard is there: a token that nothing leads from is never traced
    if waiting:
        found.notes.append(remarks.waiting(waiting))
    for path, data in found.documents.items():
        change.write(path, data)
    if found.dataset.storage == "dvc":
        change.then("store", [f"datasets/{found.dataset.name}/annotations"])
    return found


def _worked_out(git: Git, work: Snapshot, source: _Source, put: rewrite.Put, *, aside: bool) -> Imported:
    """Work out what an import changes, and hand on the shards that differ."""
    project, reading, request, asked = source.project, source.reading, source.request, source.asked
    documents, notes = _documents(git, work, project, source.dataset, reading, request)
    dataset = _sized(source.dataset, work, source.incoming)
    if dataset.shards != source.dataset.shards:
        path = f"datasets/{dataset.name}/dataset.yaml"
        documents[path] = document.edit(
            documents.get(path) or (git.top / path).read_bytes(), {("shards",): dataset.shards}
        )
        notes.append(f"the dataset has {dataset.shards} shards, as {path} says now")
    head = tree.commit(git, "HEAD") if plumbing.head(git) else tree.empty()

    def opened() -> Sides:
        return Sides(git, dataset, [work], aside=aside)

    settled = identity.Settled(_called(source, dataset, opened), asked)
    layers: frozenset[Layer] = frozenset(("annotations", "items") if asked.whole else ())
    wanted = rewrite.Wanted({}, layers, frozenset([asked.task]), fresh=True, assumed=reading.assumed())
    change = rewrite.plan(git, dataset, (work, head), wanted, settled, put, aside=aside)
    read = dict(settled.read)
    notes += remarks.riding(reading.riders, dataset.name)
    notes += remarks.redacted(source.redaction.texts, source.redaction.values, traced=source.redaction.traced)
    notes += remarks.unnamed(settled.by_line["items"], settled.by_line["annotations"], keyed=bool(reading.natural))
    if source.redaction.texts:
        stranded.refuse(git, work, dataset.name, change.deltas)
    if not request.renumbering:
        keyed = bool(reading.natural) or not dataset.natural_key
        renumbering.refuse(
            change.deltas, read["annotations"], renumbering.Compared(opened, settled, asked, request, keyed)
        )
    return Imported(dataset, change, documents, notes, read)


def _called(source: _Source, dataset: Dataset, opened: Callable[[], Sides]) -> Incoming:
    """Return what was read under the names that its items have here."""
    with opened() as stored:
        there = any("/items/" in path for path in stored.paths)
    if not source.asked.keys or not there:
        return source.incoming
    with Recognition(source.incoming, opened, dataset, source.asked) as found:
        source.redaction.called = called = found.called()
    if not called:
        return source.incoming
    fresh = source.stack.enter_context(Incoming(dataset))
    return renamed(source.incoming, called, shard.digits(dataset.shards), fresh)


def export(
    git: Git,
    snapshot: Snapshot,
    form_name: str,
    dataset_name: str,
    target: Path,
    words: Mapping[str, Any],
    asked: licensing.Asked,
    task: str = "",
    advance: Advance | None = None,
) -> Exported:
    """Write a dataset's records as another tool's file, rebuilt from the records alone.

    Args:
        git: the repository.
        snapshot: the moment to export.
        form_name: name of the format.
        dataset_name: name of the dataset.
        target: file or folder to write.
        words: columns, as for import.
        asked: the day, and the decision that permits it whatever the licences.
        task: the task; empty when the dataset has just one.
        advance: called with the number of shards read, and with how many there are.

    Returns:
        Number of records written, and what the person should know.

    Raises:
        ConfigurationError: the format cannot be written, or the dataset or task does not exist.
        DataError: a line cannot be read or its value written: a file that lacks it would look complete; or a plain value
            stands where a pseudonym should.
        RefusedError: the licence of an item or the terms of its source do not let it out, and no decision permits it.
    """
    form = registry.find(form_name)
    if not form.writes:
        raise ConfigurationError(f"the format {form.name} can be read, not written", hint="labelvc export --help")
    with tree.reader(git) as reader:
        project = projects.load(git, snapshot, reader)
        dataset, name = find(project, dataset_name, task)
        seen = Veil(lambda _: dataset.sensitive)
        later = licensing.since(git, snapshot, project, dataset, asked.on) if snapshot.commit else None
        counted = licensing.Counted(project, snapshot, dataset, asked.on, later)
        layers: tuple[Layer, Layer] = ("items", "annotations")
        things, found = [lines.live(reader, snapshot, dataset.name, layer) for layer in layers]
        if advance is not None:
            total = sum(len(lines.listed(snapshot, dataset.name, layer)) for layer in layers)
            things, found = [_heard(part, partial(advance, total=total)) for part in (things, found)]
        rows = chain.from_iterable(things)
        items = [_refuse_plain(seen, dataset.name, row) for row in counted.over(rows)]
        note = counted.settle(git, licensing.deciding(git, snapshot), asked)
        kept = (_refuse_plain(seen, dataset.name, row) for rows in found for row in rows if row.get("task") == name)
        try:
            written = form.write(items, kept, dataset, _plan(project, dataset, name, words), target)
            return Exported(written, note)
        except DataError as error:
            where = error.where or f"datasets/{dataset.name}"
            raise DataError(error.message, where=where, hint=error.hint or lines.MEND) from None


def _heard(shards: Iterator[list[dict[str, Any]]], advance: Callable[[], None]) -> Iterator[list[dict[str, Any]]]:
    """Yield what is read of each shard, and tell that it was."""
    for rows in shards:
        yield rows
        advance()


class Exported(NamedTuple):
    """What an export came to: number of records written, and what the person should know; empty for nothing."""

    records: int
    note: str


def _refuse_plain(veil: Veil, dataset: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a record or item; refuse one with a plain value in a field that is declared sensitive."""
    key = Key(dataset, row["item"], row["id"]) if "item" in row else Key(dataset, row["id"], "")
    if veil.over(key, row) is not row:
        message = "a plain value stands in a field that is declared sensitive, and is not carried into another file"
        raise DataError(message, where=str(key), hint="labelvc check --all")
    return row


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


def _plan(project: Project, dataset: Dataset, task: str, words: Mapping[str, Any]) -> Plan:
    """Say what a format must know; ids it makes up name the task where a dataset asks several."""
    asked: Task = project.tasks[task]
    prefix = f"{task}." if len(dataset.tasks) > 1 else ""
    return Plan(task=task, asked=asked, prefix=prefix, taxonomy=project.taxonomies.get(asked.taxonomy or ""), **words)


def _documents(
    git: Git, work: Snapshot, project: Project, dataset: Dataset, reading: Reading, request: Request
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
    path = f"datasets/{dataset.name}/dataset.yaml"
    about = {
        tool: canonical.decode(canonical.encode(_united(dataset.ext.get(tool), said, request.mode)))
        for tool, said in reading.about.items()
    }
    if any(dataset.ext.get(tool) != said for tool, said in about.items()):
        edits: dict[tuple[str, ...], Any] = {("ext", tool): said for tool, said in about.items()}
        changed[path] = document.edit((git.top / path).read_bytes(), edits)
        notes.append(f"what the source says beside items and records is in {path} under ext, for everybody to read")
    if reading.natural and not dataset.natural_key:
        pointers = [f"/natural/{field}" for field in reading.natural]
        changed[path] = document.edit(changed.get(path) or (git.top / path).read_bytes(), {("natural_key",): pointers})
        notes.append(f"no two items may share {', '.join(pointers)}: it is the natural key in {path} now")
    return changed, notes


def _united(old: Any, new: dict[str, Any], mode: str) -> dict[str, Any]:
    """Return what is said of the dataset now: with `add`, mappings in it keep the members that the source lacks."""
    if mode == "replace" or not isinstance(old, dict):
        return new
    inner = {
        name: {**old[name], **said}
        for name, said in new.items()
        if isinstance(said, dict) and isinstance(old.get(name), dict)
    }
    return {**old, **new, **inner}


def _sized(dataset: Dataset, work: Snapshot, incoming: Incoming) -> Dataset:
    """Choose the number of shards at a dataset's first import; later only a reshard changes it."""
    folder = f"datasets/{dataset.name}/"
    if any(path.startswith(folder) and shard.parse_path(path) for path in work.entries):
        return dataset
    return msgspec.structs.replace(dataset, shards=shard.count_for(incoming.records, _PER_SHARD[dataset.storage]))
