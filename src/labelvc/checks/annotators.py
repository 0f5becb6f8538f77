"""Annotators: does somebody answer always the same, or just as somebody else, more often than chance explains."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain, combinations
from math import lcm
from typing import Any, ClassVar

import msgspec

from labelvc.checks.interface import Look, Rule, Said, Shard, asked, finding, threshold
from labelvc.core import chance, protection
from labelvc.model.finding import Finding, Place
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project, Task

LEAST = 30
"""Answers of one annotator, or items that two share, below which nothing is said."""
ALARM = 0.01
"""Probability that anybody at all of a task is named though nobody did what is looked for (Bonferroni)."""
_OTHERS, _MOST_RATERS = 100, 20
_SAME, _ALIKE = 0.95, 0.95
_RULES = ("annotator.constant", "annotator.copy")
_Pair = tuple[str, str]
_WHOLE = lcm(*range(1, _MOST_RATERS + 1))
"""Parts of a chance that all chances of up to 20 annotators are whole multiples of: their sums are exact in any order."""


class Annotators:
    """Counts each annotator's answers, and how often two of them agree on items that others answered too.

    A shard's summary holds two small numbers for each answer; summaries add up in any order. Messages hold no number that a
    day's work changes: hints do.
    """

    name: ClassVar[str] = "labelvc.annotators"
    version: ClassVar[int] = 2
    counts: ClassVar[tuple[Layer, ...]] = ("annotations",)
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "annotator.constant",
            "warning",
            "One annotator answers always the same",
            "Who presses one key reads nothing, and every vote counts it.",
            _SAME,
            on_request=True,
        ),
        Rule(
            "annotator.copy",
            "note",
            "Two annotators answer alike where others differ",
            "A copied answer is one opinion that counts twice.",
            _ALIKE,
            on_request=True,
        ),
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply where a dataset asks for one of the rules and has a task with answers that can be counted."""
        return asked(dataset, *_RULES) and bool(countable(project, dataset))

    def look(self, shard: Shard, project: Project) -> Look:
        """Return who answered what in this shard, item by item."""
        asks = answer_in(countable(project, shard.dataset))
        heard: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
        items, people, said = shard.answers()
        tokens = tokens_of(shard)
        answers = {one: asks(one) for one in set(said)}
        for item, by, one in zip(items, people, said, strict=True):
            answer = answers[one]
            if answer is not None and by in tokens:
                heard[one.task][item][by] = answer
        return Look([], msgspec.msgpack.encode([_written(task, heard[task]) for task in heard]) if heard else b"")

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield annotators whose answers chance does not explain."""
        given: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        pairs: dict[str, dict[_Pair, list[int]]] = defaultdict(dict)
        for _, summary in summaries:
            for votes in msgspec.msgpack.decode(summary, type=list[_Votes]):
                for (by, answer), number in Counter(zip(votes.people, votes.answers, strict=True)).items():
                    given[votes.task][votes.names[by]][votes.said[answer]] += number
                if asked(dataset, "annotator.copy"):
                    _compare(votes, pairs[votes.task])
        for task in sorted(given):
            place = Place(f"datasets/{dataset.name}/dataset.yaml", 0, "", f"/tasks/{task}")
            if asked(dataset, "annotator.constant"):
                yield from _constant(task, given[task], threshold(Annotators, "annotator.constant", dataset), place)
            if asked(dataset, "annotator.copy"):
                yield from _copies(task, pairs[task], threshold(Annotators, "annotator.copy", dataset), place)


class _Votes(msgspec.Struct, frozen=True, array_like=True):
    """The answers to one task of a shard, item by item, those of an item in the order of their annotators.

    Attributes:
        task: its name.
        names: the annotators, sorted.
        said: the different answers.
        sizes: how many answered each item.
        people: position in `names`, answer by answer.
        answers: position in `said`, answer by answer.
    """

    task: str
    names: list[str]
    said: list[str]
    sizes: list[int]
    people: list[int]
    answers: list[int]


def _written(task: str, heard: Mapping[str, Mapping[str, str]]) -> _Votes:
    names = {by: at for at, by in enumerate(sorted(set(chain.from_iterable(heard.values()))))}
    said: dict[str, int] = {}
    people, answers = list[int](), list[int]()
    for voices in heard.values():
        ordered = sorted(voices)
        people += map(names.__getitem__, ordered)
        answers += [said.setdefault(voices[by], len(said)) for by in ordered]
    return _Votes(task, list(names), list(said), list(map(len, heard.values())), people, answers)


def countable(project: Project, dataset: Dataset) -> set[str]:
    """Return the tasks whose answers are few enough to be counted: labels, sets of labels, and scores in steps."""
    found = {name: project.tasks[name] for name in dataset.tasks if name in project.tasks}
    return {name for name, task in found.items() if task.type in ("label", "labels") or _in_steps(task)}


def _in_steps(task: Task) -> bool:
    return task.type == "score" and bool(task.step) and task.minimum is not None and task.maximum is not None


def answer_of(value: Any) -> str | None:
    """Return an answer as one text; None where it is none, or says that there is nothing."""
    if not isinstance(value, dict) or value.get("empty"):
        return None
    found = next((value[name] for name in ("label", "labels", "score") if name in value), None)
    if found is None or isinstance(found, dict):
        return None
    return found if isinstance(found, str) else json.dumps(found)


def answer_in(tasks: Collection[str]) -> Callable[[Said], str | None]:
    """Return what tells the answer that a record gives to one of some tasks; None where it gives none."""
    return lambda said: answer_of(said.value) if isinstance(said.task, str) and said.task in tasks else None


def tokens_of(shard: Shard) -> set[str]:
    """Return the pseudonyms that records of a shard are made by."""
    return {by for by in set(shard.heads("annotations").by) if protection.protected(by)}


def _compare(votes: _Votes, pairs: dict[_Pair, list[int]]) -> None:
    """Count, for each two who answered an item with others: items, agreements, and how many chance would give.

    Of an item with many answers the first 20 annotators count.
    """
    begin = 0
    for size in votes.sizes:
        if size > 2:
            end = begin + min(size, _MOST_RATERS)
            names = [votes.names[by] for by in votes.people[begin:end]]
            answers = votes.answers[begin:end]
            found = _agreements(tuple(map(answers.index, answers)))  # which are equal is all that counts
            for pair, (same, expected) in zip(combinations(names, 2), found, strict=True):
                held = pairs.setdefault(pair, [0, 0, 0])
                held[0] += 1
                held[1] += same
                held[2] += expected
        begin += size


@lru_cache(maxsize=4096)
def _agreements(answers: tuple[int, ...]) -> tuple[tuple[bool, int], ...]:
    """Return of each two answers to an item whether they are the same, and the chance of that, as a multiple of 1/`_WHOLE`.

    The chance that one answers as the other did is taken from what the others answered, for the answer of either that more
    of them gave.
    """
    votes, others = Counter(answers), len(answers) - 2
    found = []
    for one, two in combinations(answers, 2):
        most = max(votes[one], votes[two]) - 1 - (one == two)
        found.append((one == two, max(most * _WHOLE // others, (most + 1) * _WHOLE // (others + 2))))
    return tuple(found)


def _constant(task: str, given: Mapping[str, Counter[str]], least: float, place: Place) -> Iterator[Finding]:
    """Yield annotators whose commonest answer is commoner than others' answers explain: a binomial test, Bonferroni over people."""
    together = sum(given.values(), Counter[str]())
    judged = {by: answers for by, answers in given.items() if answers.total() >= LEAST}
    for by, answers in sorted(judged.items()):
        (answer, number), *_ = answers.most_common(1)
        total, rest = answers.total(), together.total() - answers.total()
        if rest < _OTHERS or number < least * total:
            continue
        share = (together[answer] - number + 1) / (rest + 2)
        if chance.at_least(total, number, share) * len(judged) < ALARM:
            message = f"{by} gives one answer to nearly all of {task!r}"
            hint = f"{100 * number / total:.0f} % of {total:,}, others {100 * share:.0f} %: look at some of them before you ask"
            yield finding(Annotators, "annotator.constant", place, message, hint)


def _copies(task: str, pairs: Mapping[_Pair, list[int]], least: float, place: Place) -> Iterator[Finding]:
    judged = {pair: numbers for pair, numbers in pairs.items() if numbers[0] >= LEAST}
    for (one, two), (items, agreed, parts) in sorted(judged.items()):
        expected = parts / _WHOLE
        if agreed < least * items:
            continue
        if chance.at_least_of_unequal(items, agreed, expected) * len(judged) < ALARM:
            message = f"{one} and {two} answer {task!r} alike where others differ"
            hint = f"on {agreed:,.0f} of {items:,.0f} items, chance gives {expected:,.0f}: look at these before you ask; two experts among beginners look the same"
            yield finding(Annotators, "annotator.copy", place, message, hint)
