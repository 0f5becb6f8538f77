"""Annotators: does somebody answer always the same, or just as somebody else, more often than chance explains."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any, ClassVar

import msgspec

from labelvc.checks.interface import Look, Rule, Shard, asked, finding, threshold
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
_Pair = tuple[str, str, str]


class Annotators:
    """Counts each annotator's answers, and how often two of them agree on items that others answered too.

    A shard's summary holds a number for each answer that an annotator gave in it, and three for each two annotators who share
    an item there; summaries add up in any order. Messages hold no number that a day's work changes: hints do.
    """

    name: ClassVar[str] = "labelvc.annotators"
    version: ClassVar[int] = 1
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
        """Return the numbers of this shard."""
        tasks = countable(project, shard.dataset)
        answers: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        tokens = {by for by in set(shard.heads("annotations").by) if protection.protected(by)}
        for line in shard.records():
            fields = line.fields or {}
            by, task = fields.get("by"), fields.get("task")
            if isinstance(by, str) and isinstance(task, str) and task in tasks and by in tokens:
                answer = answer_of(fields.get("value"))
                if answer is not None:
                    answers[task, str(fields.get("item"))][by] = answer
        given, pairs = Counter[_Pair](), dict[_Pair, list[float]]()
        for (task, _), voices in answers.items():
            given.update((task, by, answer) for by, answer in voices.items())
            if asked(shard.dataset, "annotator.copy"):
                _compare(task, voices, pairs)
        return Look([], msgspec.msgpack.encode([list(given.items()), list(pairs.items())]) if given else b"")

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield annotators whose answers chance does not explain."""
        given: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        pairs: dict[str, dict[tuple[str, str], list[float]]] = defaultdict(dict)
        for _, summary in summaries:
            of_answers, of_pairs = msgspec.msgpack.decode(summary)
            for (task, by, answer), number in of_answers:
                given[task][by][answer] += number
            for (task, one, two), numbers in of_pairs:
                held = pairs[task].setdefault((one, two), [0, 0, 0])
                held[:] = [before + more for before, more in zip(held, numbers, strict=True)]
        for task in sorted(given):
            place = Place(f"datasets/{dataset.name}/dataset.yaml", 0, "", f"/tasks/{task}")
            if asked(dataset, "annotator.constant"):
                yield from _constant(task, given[task], threshold(Annotators, "annotator.constant", dataset), place)
            if asked(dataset, "annotator.copy"):
                yield from _copies(task, pairs[task], threshold(Annotators, "annotator.copy", dataset), place)


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


def _compare(task: str, voices: Mapping[str, str], pairs: dict[_Pair, list[float]]) -> None:
    """Count, for each two who answered an item with others: items, agreements, and how many chance would give.

    The chance that one answers as the other did is taken from what the others answered, for the answer of either that more
    of them gave; of an item with many answers the first 20 annotators count.
    """
    people = sorted(voices)[:_MOST_RATERS]
    if len(people) <= 2:
        return
    votes = Counter(voices[by] for by in people)
    for one, two in combinations(people, 2):
        same, others = voices[one] == voices[two], len(people) - 2
        with_one = votes[voices[one]] - 1 - same
        with_two = votes[voices[two]] - 1 - same
        most = max(with_one, with_two)
        held = pairs.setdefault((task, one, two), [0, 0, 0.0])
        held[0] += 1
        held[1] += same
        held[2] += max(most / others, (most + 1) / (others + 2))


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


def _copies(task: str, pairs: Mapping[tuple[str, str], list[float]], least: float, place: Place) -> Iterator[Finding]:
    judged = {pair: numbers for pair, numbers in pairs.items() if numbers[0] >= LEAST}
    for (one, two), (items, agreed, expected) in sorted(judged.items()):
        if agreed < least * items:
            continue
        if chance.at_least_of_unequal(int(items), agreed, expected) * len(judged) < ALARM:
            message = f"{one} and {two} answer {task!r} alike where others differ"
            hint = f"on {agreed:,.0f} of {items:,.0f} items, chance gives {expected:,.0f}: look at these before you ask; two experts among beginners look the same"
            yield finding(Annotators, "annotator.copy", place, message, hint)
