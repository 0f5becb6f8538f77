"""Annotators: does somebody answer always the same, or just as somebody else, more often than chance explains."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain, combinations, compress, starmap
from math import lcm
from operator import eq
from typing import Any, ClassVar

import msgspec

from labelvc.checks.interface import Look, Rule, Said, Shard, asked, finding, threshold
from labelvc.core import chance, protection
from labelvc.model.finding import Finding, Place
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project, Task
from labelvc.spill import Spill

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
            across=True,
        ),
        Rule(
            "annotator.copy",
            "note",
            "Two annotators answer alike where others differ",
            "A copied answer is one opinion that counts twice.",
            _ALIKE,
            on_request=True,
            across=True,
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
        given: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        shared, agreed = [defaultdict[str, Counter[_Pair]](Counter) for _ in range(2)]
        copies, constant = [asked(dataset, rule) for rule in _RULES[::-1]]
        with Spill(1) as kept:
            for _, summary in summaries:
                kept.add(0, summary, len(summary))
                for votes in _votes_in(summary):
                    given[votes.task].update(votes.answered())
                    some = list(votes.shared()) if copies else []
                    shared[votes.task].update(chain.from_iterable([combinations(names, 2) for names, _ in some]))
                    agreed[votes.task].update(chain.from_iterable([_agreeing(*one) for one in some]))
            for task in sorted(given):
                place = Place(f"datasets/{dataset.name}/dataset.yaml", 0, "", f"/tasks/{task}")
                if constant:
                    least = threshold(Annotators, "annotator.constant", dataset)
                    yield from _constant(task, _by_annotator(given[task]), least, place)
                if copies:
                    least = threshold(Annotators, "annotator.copy", dataset)
                    judged = {pair: number for pair, number in shared[task].items() if number >= LEAST}
                    alike = {pair: agreed[task][pair] for pair in judged if agreed[task][pair] >= least * judged[pair]}
                    expected = _expected(task, alike, chain.from_iterable(kept.blocks(0)))
                    yield from _copies(task, judged, alike, expected, place)


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

    def answered(self) -> Iterator[tuple[str, str]]:
        """Return annotator and answer of each answer."""
        return zip(map(self.names.__getitem__, self.people), map(self.said.__getitem__, self.answers), strict=True)

    def shared(self) -> Iterator[tuple[list[str], list[int]]]:
        """Yield who answered each item that more than two did, and what; of many the first 20 annotators count."""
        begin = 0
        for size in self.sizes:
            if size > 2:
                end = begin + min(size, _MOST_RATERS)
                yield [self.names[by] for by in self.people[begin:end]], self.answers[begin:end]
            begin += size


def _votes_in(summary: bytes) -> list[_Votes]:
    return msgspec.msgpack.decode(summary, type=list[_Votes])


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


def _agreeing(names: list[str], answers: list[int]) -> Iterator[_Pair]:
    """Return each two who gave the same answer."""
    return compress(combinations(names, 2), starmap(eq, combinations(answers, 2)))


def _expected(task: str, pairs: Collection[_Pair], summaries: Iterable[bytes]) -> Mapping[_Pair, int]:
    """Return how often chance would let each of some pairs agree, as a multiple of 1/`_WHOLE`."""
    found = dict.fromkeys(pairs, 0)
    for votes in chain.from_iterable(map(_votes_in, summaries if pairs else ())):
        for names, answers in votes.shared() if votes.task == task else ():
            if not found.keys().isdisjoint(combinations(names, 2)):
                chances = _chances(tuple(map(answers.index, answers)))  # which are equal is all that counts
                for pair, parts in zip(combinations(names, 2), chances, strict=True):
                    if pair in found:
                        found[pair] += parts
    return found


@lru_cache(maxsize=4096)
def _chances(answers: tuple[int, ...]) -> tuple[int, ...]:
    """Return of each two answers to an item the chance that they are the same, as a multiple of 1/`_WHOLE`.

    The chance that one answers as the other did is taken from what the others answered, for the answer of either that more
    of them gave.
    """
    votes, others = Counter(answers), len(answers) - 2
    most = [max(votes[one], votes[two]) - 1 - (one == two) for one, two in combinations(answers, 2)]
    return tuple([max(more * _WHOLE // others, (more + 1) * _WHOLE // (others + 2)) for more in most])


def _by_annotator(given: Mapping[tuple[str, str], int]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for (by, answer), number in given.items():
        found[by][answer] = number
    return found


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


def _copies(
    task: str,
    judged: Mapping[_Pair, int],
    alike: Mapping[_Pair, int],
    expected: Mapping[_Pair, int],
    place: Place,
) -> Iterator[Finding]:
    """Yield those who agree on more items than chance explains (Bonferroni over all pairs that are judged)."""
    for one, two in sorted(alike):
        pair = (one, two)
        items, agreed, chances = judged[pair], alike[pair], expected[pair] / _WHOLE
        if chance.at_least_of_unequal(items, agreed, chances) * len(judged) < ALARM:
            message = f"{one} and {two} answer {task!r} alike where others differ"
            hint = f"on {agreed:,} of {items:,} items, chance gives {chances:,.0f}: look at these before you ask; two experts among beginners look the same"
            yield finding(Annotators, "annotator.copy", place, message, hint)
