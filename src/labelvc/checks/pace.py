"""Pace: does somebody answer faster than one can look, or with one answer so long in a row that no order explains it."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, ClassVar, NamedTuple

import msgspec

from labelvc.checks.annotators import ALARM, LEAST, answer_of, countable
from labelvc.checks.interface import Look, Rule, Shard, asked, finding, threshold
from labelvc.core import chance, protection
from labelvc.model.finding import Finding, Place
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project

_FAST, _ROW = 1.0, 10
_RULES = ("annotator.too_fast", "annotator.run")
_Stamp = tuple[str, str, float, str, int]
"""Task, annotator, time, answer (empty: none that can be counted), and what others said: 1 the same, -1 otherwise, 0 nothing."""


class _Run(NamedTuple):
    """The longest run of an answer: how long it is, and how many of its items others answered the same and otherwise."""

    length: int
    same: int
    otherwise: int


class _Series:
    """Somebody's timed answers, in the order they come; they are put in the order of their times once."""

    def __init__(self) -> None:
        self.times, self.codes, self.others = array("d"), array("L"), array("b")

    def add(self, time: float, code: int, others: int) -> None:
        self.times.append(time)
        self.codes.append(code)
        self.others.append(others)

    def runs(self) -> Iterator[tuple[int, _Run]]:
        """Yield the answers that follow one another; of several saved at one moment the order is known only where they are the same."""
        code, run = -1, _Run(0, 0, 0)
        for _, saved in groupby(sorted(range(len(self.times)), key=self.times.__getitem__), self.times.__getitem__):
            places = list(saved)
            own = {self.codes[at] for at in places}
            if own != {code}:
                yield code, run
                code, run = (own.pop() if len(own) == 1 else -1), _Run(0, 0, 0)
            if code >= 0:
                others = [self.others[at] for at in places]
                run = _Run(run.length + len(places), run.same + others.count(1), run.otherwise + others.count(-1))
        yield code, run


class Pace:
    """Looks at what annotators answered in the order of the times (`at`) that records hold; records without one say nothing.

    A shard's summary holds a row for each record with a time. Messages hold no number that a day's work changes: hints do.
    """

    name: ClassVar[str] = "labelvc.pace"
    version: ClassVar[int] = 1
    counts: ClassVar[tuple[Layer, ...]] = ("annotations",)
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "annotator.too_fast",
            "warning",
            "One annotator answers faster than one can look",
            "Answers get inconsistent where they take less than a second (Wood and others 2017).",
            _FAST,
            "seconds",
            on_request=True,
        ),
        Rule(
            "annotator.run",
            "warning",
            "One annotator gives one answer many times in a row",
            "Who stops looking presses the same key (long string: Johnson 2005; Curran 2016).",
            _ROW,
            "answers",
            on_request=True,
        ),
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply where a dataset asks for one of the rules."""
        return asked(dataset, *_RULES)

    def look(self, shard: Shard, project: Project) -> Look:
        """Return the timed answers of this shard."""
        tasks = countable(project, shard.dataset)
        tokens = {by for by in set(shard.heads("annotations").by) if protection.protected(by)}
        found: list[tuple[str, str, str, float | None, str]] = []
        for line in shard.records():
            fields = line.fields or {}
            by, task = fields.get("by"), fields.get("task")
            if isinstance(by, str) and isinstance(task, str) and by in tokens and "value" in fields:
                answer = answer_of(fields["value"]) if task in tasks else None
                found.append((task, str(fields.get("item")), by, _time(fields.get("at")), answer or ""))
        if not any(row[3] is not None for row in found):
            return Look([])
        votes: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for task, item, _, _, answer in found:
            votes[task, item][answer] += bool(answer)
        rows: list[_Stamp] = [
            (task, by, time, answer, _others(votes[task, item], answer))
            for task, item, by, time, answer in found
            if time is not None
        ]
        return Look([], msgspec.msgpack.encode(rows))

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield annotators who are too fast, or whose answers stand in a row."""
        paces: dict[str, _Series] = defaultdict(_Series)
        answers: dict[str, dict[str, _Series]] = defaultdict(lambda: defaultdict(_Series))
        codes: dict[str, int] = {}
        for _, summary in summaries:
            for task, by, time, answer, others in msgspec.msgpack.decode(summary):
                paces[by].add(time, 0, 0)
                if answer:
                    answers[task][by].add(time, codes.setdefault(answer, len(codes)), others)
        place = Place(f"datasets/{dataset.name}/dataset.yaml")
        if asked(dataset, "annotator.too_fast"):
            yield from _too_fast(paces, threshold(Pace, "annotator.too_fast", dataset), place)
        if asked(dataset, "annotator.run"):
            least = threshold(Pace, "annotator.run", dataset)
            names = {code: answer for answer, code in codes.items()}
            for task in sorted(answers):
                yield from _runs(task, answers[task], names, least, place._replace(pointer=f"/tasks/{task}"))


def _time(said: Any) -> float | None:
    if not isinstance(said, str):
        return None
    try:
        return datetime.fromisoformat(said).timestamp()
    except (ValueError, OverflowError):
        return None


def _others(votes: Counter[str], answer: str) -> int:
    """Return what others said of an item: 1 where most of them gave this answer, -1 where not, 0 where nobody else answered."""
    others = votes.total() - 1
    if not answer or others <= 0:
        return 0
    return 1 if 2 * (votes[answer] - 1) > others else -1


def _too_fast(paces: Mapping[str, _Series], least: float, place: Place) -> Iterator[Finding]:
    """Yield annotators half of whose answers took less; answers saved at one moment share the time since the moment before."""
    for by, series in sorted(paces.items()):
        took: list[float] = []
        before: float | None = None
        for time, saved in groupby(sorted(series.times)):
            number = sum(1 for _ in saved)
            if before is not None:
                took += [(time - before) / number] * number
            before = time
        half = sorted(took)[(len(took) - 1) // 2] if len(took) >= LEAST else least  # `statistics` would load `random`
        if half < least:
            message = f"{by} takes less than {least:g} s for half of the answers"
            hint = f"median {half:.2f} s over {len(took):,}: look at some of them before you ask; a tool may have written the times later"
            yield finding(Pace, "annotator.too_fast", place, message, hint)


def _runs(
    task: str, answers: Mapping[str, _Series], names: Mapping[int, str], least: float, place: Place
) -> Iterator[Finding]:
    """Yield annotators with a run that a random order of their own answers does not explain (Bonferroni over people and answers)."""
    judged = {by: series for by, series in answers.items() if len(series.times) >= LEAST}
    for by, series in sorted(judged.items()):
        counted, longest = Counter(series.codes), dict[int, _Run]()
        for code, run in series.runs():
            if code >= 0 and (code not in longest or run.length > longest[code].length):
                longest[code] = run
        for code, run in longest.items():
            share = chance.run_of(len(series.times), counted[code], run.length) * len(counted) * len(judged)
            if run.length >= least and share < ALARM and run.same <= run.otherwise:
                message = f"{by} gives one answer to many items of {task!r} in a row"
                hint = f"{run.length} times {names[code]!r}, of {counted[code]:,} among {len(series.times):,}: look at these before you ask; items that came sorted look the same"
                yield finding(Pace, "annotator.run", place, message, hint)
                break
