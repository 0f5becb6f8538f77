"""Pace: does somebody answer faster than one can look, or with one answer so long in a row that no order explains it."""

from __future__ import annotations

import struct
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain, groupby, repeat
from math import ceil
from operator import eq, itemgetter, sub, truediv
from typing import Any, ClassVar, NamedTuple

import msgspec

from labelvc.checks.annotators import ALARM, LEAST, answer_in, countable, tokens_of
from labelvc.checks.interface import Look, Rule, Said, Shard, asked, finding, threshold
from labelvc.core import chance
from labelvc.model.finding import Finding, Place
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project

_FAST, _ROW = 1.0, 10
_UNCOUNTED = 0
_RULES = ("annotator.too_fast", "annotator.run")
_Voice = tuple[str, float | None, str]
"""Annotator, time, answer, of one item and task."""


class _Run(NamedTuple):
    """The longest run of an answer: how long it is, and how many of its items others answered the same and otherwise."""

    length: int
    same: int
    otherwise: int


class _Series:
    """Somebody's timed answers to a task, in the order they come; they are put in the order of their times once."""

    def __init__(self) -> None:
        self.times, self.codes, self.others = array("d"), array("I"), array("b")

    @property
    def answered(self) -> int:
        """How many of them can be counted."""
        return len(self.codes) - self.codes.count(_UNCOUNTED)

    def ordered(self) -> list[int]:
        """Return the places of those that can be counted, by time."""
        places = sorted(range(len(self.times)), key=self.times.__getitem__)
        return places if self.answered == len(places) else [at for at in places if self.codes[at] != _UNCOUNTED]

    def runs(self, places: Iterable[int]) -> Iterator[tuple[int, _Run]]:
        """Yield the answers that follow one another; of several saved at one moment the order is known only where they are the same."""
        code, run = -1, _Run(0, 0, 0)
        for _, saved in groupby(places, self.times.__getitem__):
            some = list(saved)
            own = {self.codes[at] for at in some}
            if own != {code}:
                yield code, run
                code, run = (own.pop() if len(own) == 1 else -1), _Run(0, 0, 0)
            if code >= 0:
                others = [self.others[at] for at in some]
                run = _Run(run.length + len(some), run.same + others.count(1), run.otherwise + others.count(-1))
        yield code, run


class _Stamps(msgspec.Struct, frozen=True, array_like=True):
    """The timed answers of a shard.

    Attributes:
        series: task and annotator of each series that has one here.
        said: the different answers; the empty one cannot be counted.
        places: position in `series`, answer by answer.
        times: seconds since 1970, eight bytes each.
        answers: position in `said`.
        others: what others said of the item, and one: 2 the same, 0 otherwise, 1 where nobody else answered.
    """

    series: list[tuple[str, str]]
    said: list[str]
    places: list[int]
    times: bytes
    answers: list[int]
    others: bytes

    @classmethod
    def of(cls, heard: Mapping[tuple[str, str], list[_Voice]]) -> _Stamps:
        """Write down the answers that have a time, from all answers by task and item."""
        series, said = dict[tuple[str, str], int](), dict[str, int]()
        places, times, answers, others = list[int](), list[float](), list[int](), bytearray()
        for (task, _), voices in heard.items():
            numbers = dict[str, int]()
            given = tuple([numbers.setdefault(answer, len(numbers)) for *_, answer in voices])
            found = _others(given, numbers.get(""))
            for (by, time, answer), other in zip(voices, found, strict=True):
                if time is not None:
                    places.append(series.setdefault((task, by), len(series)))
                    times.append(time)
                    answers.append(said.setdefault(answer, len(said)))
                    others.append(other + 1)
        packed = struct.pack(f"<{len(times)}d", *times)
        return cls(list(series), list(said), places, packed, answers, bytes(others))

    def gather(self, answers: Mapping[str, Mapping[str, _Series]], codes: dict[str, int]) -> None:
        """Add them to those of other shards, by task and annotator; `codes` numbers all answers."""
        known = [codes.setdefault(answer, len(codes)) for answer in self.said]
        series = [answers[task][by] for task, by in self.series]
        held = [(one.times.append, one.codes.append, one.others.append) for one in series]
        times = struct.unpack(f"<{len(self.places)}d", self.times)
        for at, time, answer, others in zip(self.places, times, self.answers, self.others, strict=True):
            add_time, add_code, add_others = held[at]
            add_time(time)
            add_code(known[answer])
            add_others(others - 1)


class Pace:
    """Looks at what annotators answered in the order of the times (`at`) that records hold; records without one say nothing.

    A shard's summary holds some 12 bytes for each record with a time. Messages hold no number that a day's work changes: hints do.
    """

    name: ClassVar[str] = "labelvc.pace"
    version: ClassVar[int] = 2
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
            across=True,
        ),
        Rule(
            "annotator.run",
            "warning",
            "One annotator gives one answer many times in a row",
            "Who stops looking presses the same key (long string: Johnson 2005; Curran 2016).",
            _ROW,
            "answers",
            on_request=True,
            across=True,
        ),
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply where a dataset asks for one of the rules."""
        return asked(dataset, *_RULES)

    def look(self, shard: Shard, project: Project) -> Look:
        """Return the timed answers of this shard."""
        asks, tokens = answer_in(countable(project, shard.dataset)), tokens_of(shard)
        items, people, said = shard.answers()
        told = {one: (one.task, asks(one) or "") for one in set(said) if _is_answer(one)}
        heard: dict[tuple[str, str], list[_Voice]] = defaultdict(list)
        for item, by, one, time in zip(items, people, said, _seconds(shard.times()), strict=True):
            if one in told and by in tokens:
                task, answer = told[one]
                heard[task, item].append((by, time, answer))
        stamps = _Stamps.of(heard)
        return Look([], msgspec.msgpack.encode(stamps) if stamps.places else b"")

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield annotators who are too fast, or whose answers stand in a row."""
        answers: dict[str, dict[str, _Series]] = defaultdict(lambda: defaultdict(_Series))
        codes = {"": _UNCOUNTED}
        for _, summary in summaries:
            msgspec.msgpack.decode(summary, type=_Stamps).gather(answers, codes)
        place = Place(f"datasets/{dataset.name}/dataset.yaml")
        if asked(dataset, "annotator.too_fast"):
            yield from _too_fast(answers, threshold(Pace, "annotator.too_fast", dataset), place)
        if asked(dataset, "annotator.run"):
            least = threshold(Pace, "annotator.run", dataset)
            names = {code: answer for answer, code in codes.items()}
            for task in sorted(answers):
                yield from _runs(task, answers[task], names, least, place._replace(pointer=f"/tasks/{task}"))


def _is_answer(said: Said) -> bool:
    return isinstance(said.task, str) and said.value is not msgspec.UNSET


def _seconds(times: Sequence[Any]) -> list[float | None]:
    """Return each time in seconds since 1970; None for what is none."""
    try:
        return [time.timestamp() for time in map(datetime.fromisoformat, times)]
    except (ValueError, OverflowError, TypeError):
        return [_time(said) for said in times]


def _time(said: Any) -> float | None:
    if not isinstance(said, str):
        return None
    try:
        return datetime.fromisoformat(said).timestamp()
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=4096)
def _others(given: tuple[int, ...], uncounted: int | None) -> tuple[int, ...]:
    """Return what others said of an item, for each answer to it: 1 where most of them gave this one, -1 where not.

    Args:
        given: a number for each answer, the same for equal ones.
        uncounted: that of answers that cannot be counted; None where there are none.

    Returns:
        0 too where nobody else answered, and for what cannot be counted.
    """
    votes = Counter(answer for answer in given if answer != uncounted)
    others = votes.total() - 1
    if others <= 0:
        return (0,) * len(given)
    return tuple([0 if one == uncounted else 1 if 2 * (votes[one] - 1) > others else -1 for one in given])


def _too_fast(answers: Mapping[str, Mapping[str, _Series]], least: float, place: Place) -> Iterator[Finding]:
    """Yield annotators half of whose answers, whatever the task, took less."""
    paces: dict[str, array[float]] = defaultdict(lambda: array("d"))
    for of_task in answers.values():
        for by, series in of_task.items():
            paces[by] += series.times
    for by, times in sorted(paces.items(), key=itemgetter(0)):
        took = sorted(_took(times))
        half = took[(len(took) - 1) // 2] if len(took) >= LEAST else least  # `statistics` would load `random`
        if half < least:
            message = f"{by} takes less than {least:g} s for half of the answers"
            hint = f"median {half:.2f} s over {len(took):,}: look at some of them before you ask; a tool may have written the times later"
            yield finding(Pace, "annotator.too_fast", place, message, hint)


def _took(times: Iterable[float]) -> Iterator[float]:
    """Yield how long each answer but the first took; those saved at one moment share the time since the moment before."""
    saved = Counter(times)
    moments = sorted(saved)
    numbers = [saved[moment] for moment in moments[1:]]
    shares = map(truediv, map(sub, moments[1:], moments), numbers)
    return chain.from_iterable(map(repeat, shares, numbers))


def _runs(
    task: str, answers: Mapping[str, _Series], names: Mapping[int, str], least: float, place: Place
) -> Iterator[Finding]:
    """Yield annotators with a run that a random order of their own answers does not explain (Bonferroni over people and answers)."""
    judged = {by: series for by, series in answers.items() if series.answered >= LEAST}
    for by, series in sorted(judged.items()):
        places = series.ordered()
        codes = [series.codes[at] for at in places]
        if least > len(places) or b"\1" * (ceil(least) - 1) not in bytes(map(eq, codes, codes[1:])):
            continue  # in no order of those saved at one moment a run is long enough
        counted, longest = Counter(codes), dict[int, _Run]()
        for code, run in series.runs(places):
            if code >= 0 and (code not in longest or run.length > longest[code].length):
                longest[code] = run
        for code, run in longest.items():
            share = chance.run_of(len(places), counted[code], run.length) * len(counted) * len(judged)
            if run.length >= least and share < ALARM and run.same <= run.otherwise:
                message = f"{by} gives one answer to many items of {task!r} in a row"
                hint = f"{run.length} times {names[code]!r}, of {counted[code]:,} among {len(places):,}: look at these before you ask; items that came sorted look the same"
                yield finding(Pace, "annotator.run", place, message, hint)
                break
