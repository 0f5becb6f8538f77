"""Batches: items drawn to be worked on together, each a document; and what a pilot shows of the guideline it tried."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import msgspec

from labelvc.codec import document
from labelvc.core import agreement, bearing, sampling, sums
from labelvc.core.agreement import Side
from labelvc.errors import ConfigurationError, RefusedError
from labelvc.model import jsonpointer
from labelvc.model.project import Pilot, Task
from labelvc.model.snapshot import Snapshot
from labelvc.ops import lines
from labelvc.ops import project as projects
from labelvc.store import disk, files, tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_FOLDER, _END = "batches/", ".yaml"
_NONE = "(none)"
_SHOWN = 8
Value = Mapping[str, Any]


class Order(NamedTuple):
    """What is to be drawn: the batch's name, its kind, dataset, task, field (empty for none), size, seed, and the day."""

    name: str
    kind: str
    dataset: str
    task: str
    field: str
    size: int
    seed: str
    today: str


class Confusion(NamedTuple):
    """Two labels that people gave the same items, how many pairs of answers, and whether the guideline tells them apart."""

    one: str
    other: str
    pairs: int
    answered: bool


class Shown(NamedTuple):
    """A batch and what was answered.

    Attributes:
        value: the document.
        answered: items with an answer; `twice`: with answers of two people or more.
        agreement: of those; None where they are too few to tell.
        confusions: the pairs of labels taken for each other, most often first.
    """

    value: Value
    answered: int
    twice: int
    agreement: Side | None
    confusions: Sequence[Confusion]


def path_of(name: str) -> str:
    """Return the path of a batch's document."""
    return f"{_FOLDER}{name}{_END}"


def draw(git: Git, order: Order) -> Value:
    """Draw a batch of the items in the work tree and write its document.

    Each value of the field has its share of the batch, one item at least. Within it those come first whose hash with the seed
    is smallest, so that the draw can be repeated with a hash and a sort.

    Args:
        git: the repository.
        order: what is asked for.

    Returns:
        The document; it is written and not staged.

    Raises:
        ConfigurationError: no such dataset or task, or a document is wrong.
        RefusedError: there is a batch of that name, or no item to draw.
        StoreError: git or DVC data is missing, or the disk is full.
    """
    path = path_of(order.name)
    with files.lock(git), tree.reader(git) as reader, Cache(git) as cache:
        work = tree.work(git)
        project = projects.load(git, work, reader, cache)
        dataset = projects.dataset(project, order.dataset)
        if order.task not in dataset.tasks:
            raise ConfigurationError(
                f"the dataset {dataset.name} asks no task {order.task!r}",
                where=f"datasets/{dataset.name}/dataset.yaml",
                hint=f"choose one of: {', '.join(dataset.tasks)}",
            )
        if path in work.entries:
            raise RefusedError(
                "there is a batch of that name; what was drawn stays as it is", where=path, hint="labelvc batch list"
            )
        drawn = _drawn(reader, work, order)
        taken = sampling.shares({stratum.name: stratum.size for stratum in drawn}, order.size)
        guideline = project.guidelines.get(project.tasks[order.task].guideline or "")
        value = {
            "schema": "urn:labelvc:schema:batch:1",
            "name": order.name,
            "kind": order.kind,
            "dataset": order.dataset,
            "task": order.task,
            **({"under": f"{guideline.name}@{guideline.version}"} if guideline else {}),
            "drawn": order.today,
            "seed": order.seed,
            **({"stratify": order.field} if order.field else {}),
        }
        rows = [
            {"of": stratum.name, "size": stratum.size, "items": stratum.drawn[: taken[stratum.name]]}
            for stratum in drawn
            if stratum.name in taken
        ]
        data = document.edit(b"schema: urn:labelvc:schema:batch:1\n", {(name,): said for name, said in value.items()})
        data = document.edit(data, {("strata",): rows})
        disk.write_all({git.top / path: data}, git.top)
        return {**value, "strata": rows}


def _drawn(reader: Reader, work: Snapshot, order: Order) -> list[sampling.Stratum[str]]:
    """Return the strata that are drawn from.

    Raises:
        RefusedError: there are no items.
        ConfigurationError: no item has the field that parts them.
    """
    home = f"datasets/{order.dataset}"
    drawn = sampling.draw(_members(reader, work, order), order.size, order.seed)
    if not drawn:
        raise RefusedError(f"{order.dataset} has no items to draw", where=home, hint="labelvc import --help")
    if order.field and [stratum.name for stratum in drawn] == [_NONE]:
        message = f"no item of {order.dataset} has the field {order.field}"
        hint = "--stratify takes the name of a field of items, or a JSON pointer"
        raise ConfigurationError(message, where=f"{home}/items", hint=hint)
    return drawn


def _members(reader: Reader, work: Snapshot, order: Order) -> Iterator[tuple[str, str, str]]:
    for rows in lines.live(reader, work, order.dataset, "items"):
        for row in rows:
            said = jsonpointer.reach(row, order.field) if order.field else ""
            yield (_NONE if said is None else str(said))[:200], row["id"], row["id"]


def listed(git: Git) -> list[Value]:
    """Return the batches of the work tree, by name.

    Raises:
        ConfigurationError: a document is wrong.
    """
    with tree.reader(git) as reader, Cache(git) as cache:
        work = tree.work(git)
        projects.load(git, work, reader, cache)
        return _all(git, reader, cache, work)


def shown(git: Git, name: str) -> Shown:
    """Return a batch of the work tree and what was answered of it.

    Raises:
        ConfigurationError: there is no such batch, or a document is wrong.
        StoreError: git or DVC data is missing.
    """
    with tree.reader(git) as reader, Cache(git) as cache:
        work = tree.work(git)
        for one in projects.problems_of(git, work, reader, cache):
            if one.rule != "document.version":  # a guideline that is being written
                raise ConfigurationError(
                    f"{one.place.pointer} {one.message}".strip(), where=one.place.path, hint=one.hint
                )
        batches = {one["name"]: one for one in _all(git, reader, cache, work)}
        if name not in batches:
            hint = f"choose one of: {', '.join(batches)}" if batches else "labelvc batch new --help"
            raise ConfigurationError(f"there is no batch {name!r}", where=path_of(name), hint=hint)
        top = _document(git, reader, cache, work, "project", projects.TOP) or {"tasks": {}}
        task = _task(top, batches[name]["task"])
        guideline = _document(
            git, reader, cache, work, "guideline", f"guidelines/{task.guideline if task else ''}.yaml"
        )
        return _measured(reader, work, batches[name], task, guideline or {}, _names(git, reader, cache, work, task))


def refuse(git: Git, reader: Reader, cache: Cache, work: Snapshot, value: Value) -> None:
    """Refuse to make a guideline active that no pilot has shown to work as far as the project asks.

    The pilot drawn last counts. Two labels that were taken for each other are told apart by an edge case or an `avoid_when` of
    one of them that names the other.

    Args:
        git: the repository.
        reader: reads it.
        cache: where documents are remembered.
        work: the work tree.
        value: what the guideline says.

    Raises:
        RefusedError: there was no pilot, or it shows too little.
    """
    top = _document(git, reader, cache, work, "project", projects.TOP) or {}
    asked = top.get("guidelines", {}).get("pilot")
    if asked is None:
        return
    where = f"guidelines/{value['name']}.yaml"
    tasks = {name for name, said in top["tasks"].items() if said.get("guideline") == value["name"]}
    pilots = [one for one in _all(git, reader, cache, work) if one["kind"] == "pilot" and one["task"] in tasks]
    if not pilots:
        hint = "labelvc batch new NAME --pilot --dataset D --task T --size 50 --seed 1"
        raise RefusedError(
            "the project asks for a pilot before a guideline is active, and there is none", where=where, hint=hint
        )
    last = max(pilots, key=lambda one: (one["drawn"], one["name"]))
    task = _task(top, last["task"])
    found = _measured(reader, work, last, task, value, _names(git, reader, cache, work, task))
    message = _short_of(found, Pilot(**asked))
    if message:
        raise RefusedError(
            f"the pilot {last['name']} {message}", where=where, hint=f"labelvc batch show {last['name']}"
        )


def _short_of(found: Shown, asked: Pilot) -> str:
    """Say what a pilot lacks of what is asked; empty where it lacks nothing."""
    side = found.agreement
    if side is None:
        return f"has {found.twice} items with two answers; {agreement.FEWEST} are the least to tell anything by"
    if asked.agreement is not None and side.observed.value < asked.agreement:
        return f"agrees in {side.observed.value:.2f} of pairs; {asked.agreement:g} is asked"
    if asked.alpha is not None and side.alpha is not None and side.alpha.value < asked.alpha:
        return f"has an alpha of {side.alpha.value:.2f}; {asked.alpha:g} is asked"
    open_ = [one for one in found.confusions[: asked.confusions] if not one.answered]
    if open_:
        pairs = ", ".join([f"{one.one} and {one.other} ({one.pairs})" for one in open_])
        return f"shows labels taken for each other that the guideline does not tell apart: {pairs}"
    return ""


def _measured(
    reader: Reader, work: Snapshot, batch: Value, task: Task | None, guideline: Value, names: Mapping[str, str]
) -> Shown:
    """Return what was answered of a batch; of one person the last answer in the order of ids counts."""
    wanted = {item for stratum in batch["strata"] for item in stratum["items"]}
    said: dict[str, dict[str, str]] = defaultdict(dict)
    for rows in lines.live(reader, work, batch["dataset"], "annotations"):
        for row in rows:
            if row["item"] in wanted and row.get("task") == batch["task"]:
                value = row.get("value")
                labels = bearing.token_labels(value, task) if task and task.type == "token" else bearing.labels(value)
                if labels:
                    said[row["item"]][str(row.get("by", row["id"]))] = " + ".join(labels)
    units = Counter(agreement.opinions(answers.values()) for answers in said.values())
    side = agreement.side(sums.gathered([list(answers.values()) for answers in said.values()]))
    pairs: Counter[tuple[str, str]] = Counter()
    for opinions, number in units.items():
        for (one, many), (other, more) in combinations(opinions, 2):
            pairs[one, other] += number * many * more
    confusions = [
        Confusion(one, other, number, _told_apart(guideline, one, other, names))
        for (one, other), number in sorted(pairs.items(), key=lambda row: (-row[1], row[0]))
    ]
    twice = sum(len(answers) > 1 for answers in said.values())
    return Shown(batch, len(said), twice, side, confusions)


def _told_apart(guideline: Value, one: str, other: str, names: Mapping[str, str]) -> bool:
    """Tell whether an edge case or an `avoid_when` of one of two labels names the other."""
    for label, beside in ((one, other), (other, one)):
        blocks = guideline.get("labels", {}).get(label, {})
        words = [re.escape(word) for word in {beside, names.get(beside, beside)}]
        spelt = re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)
        for said in (*blocks.get("avoid_when", ()), *blocks.get("edge_cases", ())):
            texts = [said.get(member, "") for member in ("text", "label", "why")] if isinstance(said, dict) else [said]
            if any(spelt.search(text) for text in texts):
                return True
    return False


def _names(git: Git, reader: Reader, cache: Cache, work: Snapshot, task: Task | None) -> Mapping[str, str]:
    found = _document(git, reader, cache, work, "taxonomy", f"taxonomies/{task.taxonomy if task else ''}.yaml") or {}
    return {label["id"]: str(label.get("name", label["id"])) for label in found.get("labels", ())}


def _task(top: Value, name: str) -> Task | None:
    said = top["tasks"].get(name)
    return msgspec.convert(said, Task) if said else None


def _document(git: Git, reader: Reader, cache: Cache, work: Snapshot, noun: str, path: str) -> Value | None:
    entry = work.entries.get(path)
    found: Value | None = projects.values(git, [(noun, reader.read(path, entry))], cache)[0] if entry else None
    return found


def _all(git: Git, reader: Reader, cache: Cache, work: Snapshot) -> list[Value]:
    paths = sorted(path for path in work.entries if path.startswith(_FOLDER) and projects.noun_of(path))
    data = [("batch", reader.read(path, work.entries[path])) for path in paths]
    return [value for value in projects.values(git, data, cache) if isinstance(value, dict)]
