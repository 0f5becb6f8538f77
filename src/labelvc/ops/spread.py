"""Spread: what all records of the touched datasets say before and after: labels, people, slices, who agrees with whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from labelvc.checks import registry
from labelvc.codec import expression, shard
from labelvc.core import agreement, ways
from labelvc.core import census as counting
from labelvc.core.answers import Changed, said_of
from labelvc.core.census import COMPARED, Census
from labelvc.core.diff import Comparison
from labelvc.core.sums import Sums, Turned
from labelvc.core.veil import Veil
from labelvc.model import agreement as shown
from labelvc.model import review as page
from labelvc.model.names import Key
from labelvc.model.project import Project
from labelvc.model.ways import Shift
from labelvc.ops import census
from labelvc.ops.diff import Range
from labelvc.store.cache import Cache
from labelvc.store.reader import Reader

FLOOR = "label.floor"
"""The rule whose threshold is the fewest answers that a label shall have, where a dataset asks for it."""
_DIGITS = 3
FEW = f"fewer than {agreement.FEWEST} items have answers of two people"
"""Why there is no agreement."""
_UNLIKE = "answers of type {} would have to be matched before they can be compared"
Pair = tuple[Project | None, Project | None]


class Touched:
    """What a change does to the records of a dataset.

    Args:
        projects: those before and after the change.
        name: the dataset.

    Attributes:
        labels: task to label to how many more answers there are.
        people: pseudonym to how many more records.
        records: how many more records.
        answers: what becomes of the answers to tasks that are compared.
    """

    def __init__(self, projects: Pair, name: str) -> None:
        self.compared = compared(projects, name)
        self.labels: dict[str, Counter[str]] = defaultdict(Counter)
        self.people: Counter[str] = Counter()
        self.records = 0
        self.answers = Changed(_placed(projects, name))

    def add(self, key: Key, seen: Comparison) -> None:
        """Count a change."""
        old, new, kind = seen.old, seen.new, seen.kind
        if kind == "touched":
            return
        if kind != "added":
            self._count(old, -1)
        if kind != "removed":
            self._count(new, 1)
        if _is_task(old.get("task"), self.compared) or _is_task(new.get("task"), self.compared):
            self.answers.add(key.item, key.id, said_of(new, self.compared) if kind != "removed" else None)

    def _count(self, fields: Mapping[str, Any], step: int) -> None:
        labels = self.labels[str(fields.get("task", ""))]
        for label in counting.labels_of(fields):
            labels[label] += step
        self.people[counting.person_of(fields)] += step
        self.records += step


def _is_task(said: object, compared: Collection[str]) -> bool:
    return isinstance(said, str) and said in compared


class Spread(NamedTuple):
    """A dataset before and after, and by task that is compared what was said of items before and after."""

    before: Census
    after: Census
    turned: Mapping[str, Turned]


def of(
    reader: Reader, cache: Cache, pair: Range, projects: Pair, veil: Veil, touched: Mapping[str, Touched]
) -> dict[str, Spread]:
    """Return the spread of each dataset that is touched, or one of whose taxonomies differs.

    Args:
        reader: reads the shards.
        cache: where counts are remembered.
        pair: the two snapshots; the later one is not read, it is the earlier one and what differs.
        projects: their projects.
        veil: hides plain values.
        touched: what the change does to each dataset.

    Raises:
        StoreError: a shard cannot be read.
    """
    names = sorted({*touched, *_governed_anew(projects)})
    return {
        name: _spread(reader, cache, pair, projects, veil, name, touched.get(name) or Touched(projects, name))
        for name in names
    }


def _governed_anew(projects: Pair) -> Iterator[str]:
    old, new = projects
    if old is None or new is None:
        return
    differ = {name for name, found in new.taxonomies.items() if old.taxonomies.get(name) != found}
    for name, dataset in new.datasets.items():
        if name in old.datasets and any(
            new.tasks[task].taxonomy in differ for task in dataset.tasks if task in new.tasks
        ):
            yield name


def _spread(
    reader: Reader, cache: Cache, pair: Range, projects: Pair, veil: Veil, name: str, touched: Touched
) -> Spread:
    old = projects[0].datasets.get(name) if projects[0] else None
    if projects[0] is None or old is None:
        before, turned = Census(), counting.turned(touched.answers, touched.compared)
    else:
        wanted = census.asked(projects[0], old, veil)
        before, turned = census.with_turned(reader, cache, pair.old, old, wanted, touched.answers)
    compared = {task: turned.get(task) or Turned() for task in sorted(touched.compared)}
    return Spread(before, _after(before, touched), compared)


def compared(projects: Pair, name: str) -> Collection[str]:
    """Return the tasks of a dataset whose answers are compared: as it asks for them before the change, else after."""
    project = _first(projects, name)
    tasks = project.datasets[name].tasks if project else ()
    return frozenset(
        task for task in tasks if project and task in project.tasks and project.tasks[task].type in COMPARED
    )


def _placed(projects: Pair, name: str) -> Callable[[str], str]:
    """Return what tells the shard of an item: as the dataset has it before the change, else after; without one all are in one."""
    project = _first(projects, name)
    if project is None:
        return lambda _: ""
    dataset = project.datasets[name]
    digits, group = shard.digits(dataset.shards), expression.compiled(dataset.group)
    return lambda item: shard.place(shard.group_of(item, group), digits)


def _first(projects: Pair, name: str) -> Project | None:
    """Return the project that has a dataset: before the change, else after."""
    return next((one for one in projects if one and name in one.datasets), None)


def _after(before: Census, touched: Touched) -> Census:
    """Return the counts after; what agreement is worked out from stays as it was before."""
    labels = {
        task: ways.merged([before.labels.get(task, {}), touched.labels.get(task, {})])
        for task in {**before.labels, **touched.labels}
    }
    people = ways.merged([before.people, touched.people])
    return Census(before.items, before.records + touched.records, labels, people, before.slices)


def whole(spreads: Mapping[str, Spread]) -> tuple[Census, Census]:
    """Return the counts of all datasets before and after."""
    before, after = [
        counting.combined([(1, (found.before, found.after)[side]) for found in spreads.values()]) for side in (0, 1)
    ]
    return before, after


def shifts(spreads: Mapping[str, Spread], projects: Pair) -> Iterator[Shift]:
    """Yield how the answers to each task are spread whose labels moved."""
    for name, found in spreads.items():
        for task in sorted({*found.before.labels, *found.after.labels}):
            before, after = found.before.labels.get(task, {}), found.after.labels.get(task, {})
            if before != after:
                yield ways.shift((name, task), before, after, least(projects[0], name), in_use(projects[1], task))


def least(project: Project | None, dataset: str, name: str = FLOOR) -> int | None:
    """Return the fewest answers that a dataset asks for by a rule; None where it does not ask."""
    found = project.datasets.get(dataset) if project else None
    setting = found.checks.get(name) if found else None
    if setting is None or setting.severity == "off":
        return None
    rule = registry.catalogue().get(name)
    wanted = rule.threshold if rule and setting.threshold is None else setting.threshold
    return None if wanted is None else int(wanted)


def in_use(project: Project | None, task: str) -> frozenset[str]:
    """Return the labels of a task's taxonomy that are in use."""
    asked = project.tasks.get(task) if project else None
    taxonomy = project.taxonomies.get(asked.taxonomy or "") if project and asked else None
    return frozenset(one.id for one in taxonomy.labels if one.status == "active") if taxonomy else frozenset()


def stranded(spreads: Mapping[str, Spread], projects: Pair) -> Iterator[page.Stranded]:
    """Yield the labels that the change takes out of use and that records still stand on."""
    for name, found in spreads.items():
        for task, counted in sorted(found.after.labels.items()):
            for label in sorted(in_use(projects[0], task) - in_use(projects[1], task)):
                if counted.get(label):
                    yield page.Stranded(name, task, ways.named(label), counted[label])


def agreements(spreads: Mapping[str, Spread], projects: Pair) -> Iterator[shown.Agreement]:
    """Yield the agreement on each task of the datasets, or why there is none."""
    for name, found in spreads.items():
        for task in sorted({*found.before.labels, *found.after.labels}):
            asked = next((one.tasks[task] for one in projects[::-1] if one and task in one.tasks), None)
            if task not in found.turned:
                yield shown.Agreement(
                    name, task, _UNLIKE.format(asked.type if asked else "unknown"), None, None, None, None
                )
                continue
            told = agreement.measured(found.before.agreement.get(task, Sums()), found.turned[task])
            why = "" if told.before and told.after else FEW
            before, after = [side(one) if one else None for one in (told.before, told.after)]
            yield shown.Agreement(name, task, why, before, after, _estimate(told.observed), _estimate(told.alpha))


def side(found: agreement.Side) -> shown.Side:
    """Return the agreement at one moment, as pages round it."""
    observed = _estimate(found.observed)
    if observed is None:
        raise TypeError("a side has an observed agreement")
    return shown.Side(found.units, found.values, observed, _estimate(found.alpha))


def _estimate(found: agreement.Estimate | None) -> shown.Estimate | None:
    if found is None:
        return None
    return shown.Estimate(*[None if value is None else round(value, _DIGITS) + 0.0 for value in found])  # type: ignore[arg-type]
