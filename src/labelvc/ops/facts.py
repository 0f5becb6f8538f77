"""Facts: what the files of a release say about its data, counted in one pass, for whoever publishes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from labelvc.core import disclosure
from labelvc.core.veil import Veil
from labelvc.errors import RefusedError
from labelvc.model.names import Digest, Key
from labelvc.model.project import Dataset, Project, Task
from labelvc.model.release import Data, Release
from labelvc.model.snapshot import Snapshot
from labelvc.ops import approvals, lines, veil
from labelvc.ops import manifest as manifests
from labelvc.ops import project as projects
from labelvc.ops import trust as trusting
from labelvc.ops.approvals import Shelf, Statement
from labelvc.ops.manifest import Made
from labelvc.store import tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

Fields = dict[str, Any]
Take = Callable[[Key, Fields], None]


class Asked(NamedTuple):
    """The answers to one task of a dataset.

    Attributes:
        name, task: the task.
        records: number of answers.
        empty: how many of them say that there is nothing.
        answers: label or score to how often it was given, the most frequent first; empty for free answers.
        annotators: number of pseudonyms.
        machine: how many answers a model gave.
        per_item: number of answers to number of items that have so many; items without one are not in it.
    """

    name: str
    task: Task
    records: int
    empty: int
    answers: Mapping[str, int]
    annotators: int
    machine: int
    per_item: Mapping[int, int]


class Told(NamedTuple):
    """One dataset.

    Attributes:
        dataset: as its document describes it.
        data: what the release says of it.
        asked: its tasks.
        tools, models: what its records were made with, to number of records.
        licences: licences that items have of their own, to number of items.
        span: the first and the last time a record was made, where any says it.
    """

    dataset: Dataset
    data: Data
    asked: tuple[Asked, ...]
    tools: Mapping[str, int]
    models: Mapping[str, int]
    licences: Mapping[str, int]
    span: tuple[str, str] | None

    @property
    def sources(self) -> list[Mapping[str, str]]:
        """Where its items come from, as far as somebody described it."""
        return disclosure.sources(self.dataset.sources)


class Word(NamedTuple):
    """How many statements on changes somebody made under one role."""

    principal: str
    name: str
    role: str
    decision: str
    number: int


class Earlier(NamedTuple):
    """A release: version, claimed time, printed name of its signer and payload digest."""

    version: str
    signed_at: str
    signer: str
    digest: Digest


class Facts(NamedTuple):
    """What is known of a release.

    Attributes:
        made: the release.
        digest: its payload digest.
        release: what it says.
        project: what labelvc.yaml says.
        documents: path to what the document says, of guidelines and taxonomies.
        datasets: in the release's order.
        words: the statements in its tree that hold under the policy in force there.
        changes: how many changes they are about.
        unheld: how many statements do not hold under that policy.
        releases: this one and those before it, oldest first.
    """

    made: Made
    digest: Digest
    release: Release
    project: Mapping[str, Any]
    documents: Mapping[str, Mapping[str, Any]]
    datasets: tuple[Told, ...]
    words: tuple[Word, ...]
    changes: int
    unheld: int
    releases: tuple[Earlier, ...]

    @property
    def sources(self) -> list[Mapping[str, str]]:
        """Where the items of all datasets come from."""
        return [source for told in self.datasets for source in told.sources]


def gather(git: Git, reader: Reader, made: Made, take: Take = lambda *_: None) -> Facts:
    """Return what is known of a release.

    Args:
        git: the repository.
        reader: reads files.
        made: the release.
        take: called with each live item and record, items before the records of a dataset.

    Raises:
        ConfigurationError: a document at that commit is wrong.
        DataError: a line cannot be read, or the manifest.
        RefusedError: a line holds a plain value where a pseudonym must be.
        StoreError: git or DVC data is missing.
    """
    snapshot = tree.commit(git, made.commit)
    envelope, release = manifests.opened(reader.read(made.path, snapshot.entries[made.path]), made.path)
    project = projects.load(git, snapshot, reader)
    raw = _documents(git, reader, snapshot)
    drawn = veil.over(git, snapshot)
    datasets = tuple(_told(reader, snapshot, project, data, _screened(drawn, take)) for data in release.datasets)
    words, changes, unheld = _words(reader, snapshot)
    return Facts(
        made,
        envelope.digest,
        release,
        raw.pop(projects.TOP),
        raw,
        datasets,
        words,
        changes,
        unheld,
        tuple(_earlier(git, reader, made.commit)),
    )


def _screened(drawn: Veil, take: Take) -> Take:
    """Return what refuses to hand on a plain value where a pseudonym must be."""

    def screened(key: Key, fields: Fields) -> None:
        if drawn.over(key, fields) is not fields:
            message = "the line holds a plain value where a pseudonym must be, and would be published"
            raise RefusedError(message, where=str(key), hint="labelvc check --all")
        take(key, fields)

    return screened


def _documents(git: Git, reader: Reader, snapshot: Snapshot) -> dict[str, Any]:
    nouns = {path: found[0] for path in snapshot.entries if (found := projects.noun_of(path))}
    paths = [path for path, noun in sorted(nouns.items()) if noun in {"project", "guideline", "taxonomy"}]
    said = projects.values(git, [(nouns[path], reader.read(path, snapshot.entries[path])) for path in paths])
    return dict(zip(paths, said, strict=True))


def _told(reader: Reader, snapshot: Snapshot, project: Project, data: Data, take: Take) -> Told:
    dataset = projects.dataset(project, data.name)
    licences: Counter[str] = Counter()
    for rows in lines.live(reader, snapshot, data.name, "items"):
        for fields in rows:
            take(Key(data.name, fields["id"], ""), fields)
            licences.update([fields["licence"]] if "licence" in fields else [])
    tallies = {name: _Tally(project.tasks[name]) for name in dataset.tasks}
    tools: Counter[str] = Counter()
    models: Counter[str] = Counter()
    times: list[str] = []
    for rows in lines.live(reader, snapshot, data.name, "annotations"):
        for fields in rows:
            take(Key(data.name, fields["item"], fields["id"]), fields)
            origin = fields.get("origin") or {}
            tools.update([origin["tool"]] if "tool" in origin else [])
            models.update([origin["model"]] if "model" in origin else [])
        times = _ends([*times, *(fields["at"] for fields in rows if "at" in fields)])
        for name, tally in tallies.items():
            tally.add([fields for fields in rows if fields.get("task") == name])
    asked = tuple(tally.asked(name) for name, tally in tallies.items())
    span = (times[0], times[-1]) if times else None
    return Told(dataset, data, asked, _ranked(tools), _ranked(models), _ranked(licences), span)


class _Tally:
    """Counts the answers to a task, shard by shard: all answers about an item lie in one shard."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._records = self._empty = self._machine = 0
        self._answers: Counter[str] = Counter()
        self._annotators: set[str] = set()
        self._per_item: Counter[int] = Counter()

    def add(self, rows: Sequence[Fields]) -> None:
        self._records += len(rows)
        self._per_item.update(Counter(fields["item"] for fields in rows).values())
        for fields in rows:
            value = fields.get("value") or {}
            self._empty += "empty" in value
            self._machine += "model" in (fields.get("origin") or {})
            self._answers.update(_answers(self._task, value))
            if isinstance(by := fields.get("by"), str):
                self._annotators.add(by)

    def asked(self, name: str) -> Asked:
        numbers = dict(sorted(self._per_item.items()))
        people = len(self._annotators)
        return Asked(
            name, self._task, self._records, self._empty, _ranked(self._answers), people, self._machine, numbers
        )


def _answers(task: Task, value: Fields) -> Iterable[str]:
    """Return the labels that an answer gives: of a distribution the most probable, of free text and tokens none."""
    if task.type == "score":
        return [str(value["score"])] if "score" in value else []
    if task.type == "soft":
        soft = value.get("soft") or {}
        return [max(sorted(soft), key=soft.__getitem__)] if soft else []
    if task.type == "labels":
        return value.get("labels") or []
    return [value["label"]] if "label" in value and task.type != "token" else []


def _ends(times: Sequence[str]) -> list[str]:
    return [min(times), max(times)] if times else []


def _ranked(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda row: (-row[1], row[0])))


def _words(reader: Reader, snapshot: Snapshot) -> tuple[tuple[Word, ...], int, int]:
    """Return who said what how often, of how many changes, and how many statements count for nothing."""
    if not trusting.present(snapshot):
        return (), 0, 0
    trust, shelf = trusting.load(reader, snapshot), Shelf(reader)
    counts: Counter[tuple[str, str, str, str]] = Counter()
    changes = unheld = 0
    for root, files in sorted(approvals.folders(snapshot).items()):
        found = list(shelf.statements(root, files, trust))
        held = [each.approval for each in found if isinstance(each, Statement)]
        counts.update((each.signer.principal, each.signer.printed_name, each.role, each.decision) for each in held)
        changes += bool(held)
        unheld += len(found) - len(held)
    return tuple(Word(*who, number) for who, number in sorted(counts.items())), changes, unheld


def _earlier(git: Git, reader: Reader, commit: str) -> Iterator[Earlier]:
    """Yield the releases in the tree of a commit, oldest first."""
    for made in manifests.history(git, commit):
        if made.entry is not None:
            envelope, release = manifests.opened(reader.read(made.path, made.entry), made.path)
            yield Earlier(release.version, release.signed_at, release.signer.printed_name, envelope.digest)
