"""Leaks: how quickly plain text is found, how much of it, and how often what is none, beside Presidio's patterns."""

from __future__ import annotations

import json
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import corpora
from benchmarks.corpora import Counted, Row, Span
from benchmarks.measure import Cost, least, process
from benchmarks.report import Job, absent, skipped
from benchmarks.report import Row as Line
from benchmarks.tools import HERE, python, script
from labelvc.core import detect, glance
from labelvc.model.detection import Settings

SETTINGS = Settings(regions=("BR", "DE", "ES", "FR", "GB", "IT", "PL", "US"), reserved=True)
FOUND = {"ipv4": "ip", "ipv6": "ip", "url.password": "url", "ssn.bare": "ssn"}
PRESIDIO = "presidio-analyzer, patterns only"
_HINT = "not installed: make bench-peers ARGUMENTS=presidio"
_QUICKER, _FAST, _SLOWEST, _BYTES = 12, 55, 2.0, 1_000_000
_MICRO, _RECALL, _STRICT, _NEGATIVE = 0.95, 0.94, 0.99, 0.005
_WORDS = [
    "the",
    "parcel",
    "came",
    "two",
    "days",
    "late",
    "and",
    "nobody",
    "told",
    "me",
    "why",
    "so",
    "please",
    "look",
    "into",
    "it",
    "the",
    "box",
    "was",
    "open",
    "when",
    "i",
    "got",
    "it",
    "and",
    "one",
    "of",
    "the",
    "cups",
    "is",
    "broken",
    "thank",
    "you",
    "for",
    "the",
    "quick",
    "answer",
    "it",
    "works",
    "now",
    "but",
    "the",
    "light",
    "still",
    "blinks",
    "from",
    "time",
    "to",
    "time",
]
_VALUES = ("ask jo.public@firma.de", "card 4111 1111 1111 1111", "to DE89 3704 0044 0532 0130 00", "call +49 30 901820", "from 8.8.8.8")  # fmt: skip
_WORST = (
    "1 ", "a@", "@a.", "4111 ", "::", "%40", "0 ", "219-09-", "://a:", "QUJD", "DE89", "x" * 15 + " ", "-----BEGIN A PRIVATE KEY-----",
    *("8.8.8.8%20", "a@b.de\u200b%20", "call 123456%20\u200b", "1.2.3.4.%20\u200b", "::1%20\u200b", "4111 " * 100 + "%2541\u200b =41 "),
)  # fmt: skip


def scan(folder: Path, records: int) -> list[Job]:
    """Time the scan of clean texts, without and with the extra `fast`, beside every pattern asked of every text, and beside Presidio on a part."""
    paces = [_paces(folder, kind, list(texts)) for kind, texts in _kinds(max(2000, records // 25))]
    jobs = []
    for way, title, least_times in (("staged", "", _QUICKER), ("fast", ", with the extra fast", _FAST)):
        rows = [row for pace in paces for row in pace.rows(way)]
        times = min(pace.times(way) for pace in paces)
        good = times >= least_times and all(pace.same(way) for pace in paces)
        target = f">= {least_times}x a pattern-by-pattern scan with identical findings"
        jobs.append(Job(f"leak scan, clean text of shards{title}", target, f"{times:.0f}x", good, rows))
    plain = paces[0]
    jobs[0].rows.append(_presidio_pace(plain.part, plain.nothing, plain.cost("staged") / plain.size, folder))
    return [*jobs, worst()]


class _Pace(NamedTuple):
    """What scanning one kind of texts cost.

    Attributes:
        kind: what texts.
        size: in MB.
        costs: way to cost, `read` for reading the texts and no more.
        part, nothing: files of a hundredth of the texts and of none.
    """

    kind: str
    size: float
    costs: dict[str, Cost]
    part: Path
    nothing: Path

    def cost(self, way: str) -> float:
        """Return the CPU seconds of a way, without those of reading the texts."""
        return max(self.costs[way].cpu - self.costs["read"].cpu, 1e-3)

    def times(self, way: str) -> float:
        """Return how many times as long every pattern takes."""
        return self.cost("patterns") / self.cost(way)

    def same(self, way: str) -> bool:
        """Tell whether the findings are those of every pattern."""
        return self.costs[way].out == self.costs["patterns"].out and self.costs[way].code == 0

    def rows(self, way: str) -> Iterator[Line]:
        """Yield the rows of a way, of every pattern and of reading."""
        for tool, each, said in (
            (f"labelvc, {way}", way, "1x"),
            ("each pattern by itself", "patterns", f"{self.times(way):.0f}x"),
        ):
            note = f"{self.size / self.cost(each):.0f} MB/s; one text in 200 holds a value"
            yield Line(self.kind, tool, *self.costs[each][:3], said, self.same(way), note)
        yield Line(self.kind, "reading them, taken off both", *self.costs["read"][:3])


def _paces(folder: Path, kind: str, texts: list[str]) -> _Pace:
    whole, part, nothing = folder / "texts.jsonl", folder / "texts-part.jsonl", folder / "no-texts.jsonl"
    for path, some in ((whole, texts), (part, texts[: len(texts) // 100]), (nothing, [])):
        path.write_text("".join([json.dumps(text) + "\n" for text in some]))
    size = sum(map(len, texts)) / 1e6
    costs = {way: least(partial(_scan, way, whole)) for way in ("read", "staged", "fast")}
    costs["patterns"] = _scan("patterns", whole)
    return _Pace(f"{len(texts):,} texts{kind}, {size:.1f} MB", size, costs, part, nothing)


def _kinds(number: int) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield texts without figures, and texts with the dates, prices, times and addresses of pages that people write."""
    yield " with figures", (f"{text} {_FIGURES[at % len(_FIGURES)]}" for at, text in enumerate(_texts(number)))
    yield "", _texts(number)


_FIGURES = (
    "on 12 May 2021",
    "for $12.50",
    "at 10:30",
    "100 of 300",
    "see v1.2",
    "https://host.example/a/b",
    "room 12a",
    "5-6 days",
)


def worst() -> Job:
    """Time lines of a megabyte that are made to be slow, without and with the extra `fast`."""
    rows = []
    automatic = glance.LEAST
    for tool, glance.LEAST in (("labelvc", sys.maxsize), ("labelvc, fast", 0)):
        for piece in _WORST:
            before, clock = time.process_time(), time.perf_counter()
            detect.spans(piece * (_BYTES // len(piece)), SETTINGS)
            spent = time.process_time() - before
            rows.append(
                Line(f"{ascii(piece)[:40]} again and again", tool, spent, time.perf_counter() - clock, math.nan)
            )
    glance.LEAST = automatic
    most = max(row.cpu for row in rows)
    return Job(
        "leak scan, a line of 1 MB made to be slow", f"<= {_SLOWEST:.0f} CPU s", f"{most:.1f} s", most <= _SLOWEST, rows
    )


def quality(folder: Path) -> list[Job]:
    """Tell precision, recall and F1 by type on the corpora, beside Presidio's, and how often what is none is taken for some."""
    title = "leak scan, what is found"
    if not corpora.DATA.is_dir():
        return [skipped(title, "", "needs pii/ under LABELVC_TEST_DATA")]
    jobs = []
    for name, rows in (("synth_dataset_v2", list(corpora.synth())), ("faker", list(corpora.faker()))):
        ours = corpora.counted(rows, map(found_by_labelvc, [text for text, _ in rows]))
        theirs = _presidio(rows, folder)
        whole = corpora.together(ours.values())
        strict = {kind: ours[kind].f1 for kind in corpora.STRICT if kind in ours}
        good = whole.f1 >= _MICRO and whole.recall >= _RECALL and min(strict.values()) >= _STRICT
        lines = [*_lines("labelvc", ours), *(_lines(PRESIDIO, theirs) if theirs else [absent("all", PRESIDIO, _HINT)])]
        target = f"F1 >= {_MICRO}, recall >= {_RECALL} of all; F1 >= {_STRICT} of card, IBAN, e-mail and IP"
        said = f"F1 {whole.f1:.3f}, recall {whole.recall:.3f}; {', '.join(f'{kind} {f1:.3f}' for kind, f1 in strict.items())}"
        jobs.append(Job(f"{title}: {name}", target, said, good, lines))
    return [*jobs, _negatives(folder)]


def _negatives(folder: Path) -> Job:
    rows = [(kind, text) for kind, text in corpora.negatives() if kind != "version"]
    hits = Counter(kind for kind, text in rows if detect.spans(text, SETTINGS))
    share = hits.total() / len(rows)
    said = ", ".join(f"{number} {kind}" for kind, number in hits.most_common()) or "none"
    lines = [Line(f"{len(rows):,} texts", "labelvc", math.nan, math.nan, math.nan, f"{share:.2%}", note=said)]
    theirs = _peer([text for _, text in rows], folder)
    if theirs is None:
        lines.append(absent(f"{len(rows):,} texts", PRESIDIO, _HINT))
    else:
        wrong = sum(any(kind in corpora.GOLD for *_, kind in spans) for spans in theirs)
        lines.append(Line(f"{len(rows):,} texts", PRESIDIO, math.nan, math.nan, math.nan, f"{wrong / len(rows):.2%}"))
    target = f"<= {_NEGATIVE:.1%} of texts; four-part versions, which have the form of an address, left out"
    return Job("leak scan, what only looks like it", target, f"{share:.2%}", share <= _NEGATIVE, lines)


def _lines(tool: str, figures: dict[str, Counted]) -> Iterator[Line]:
    for kind, one in [*figures.items(), ("all", corpora.together(figures.values()))]:
        note = f"{one.right} right, {one.wrong} wrong, {one.missed} missed"
        said = f"P {one.precision:.3f} R {one.recall:.3f} F1 {one.f1:.3f}"
        yield Line(kind, tool, math.nan, math.nan, math.nan, said, note=note)


def found_by_labelvc(text: str) -> list[Span]:
    return [(span.start, span.end, _kind(span.detector)) for span in detect.spans(text, SETTINGS)]


def _kind(detector: str) -> str:
    group, _, rest = detector.partition(".")
    return FOUND.get(detector) or (rest[:2] if group == "identity" else group)


def _presidio(rows: list[Row], folder: Path) -> dict[str, Counted]:
    """Return Presidio's figures for the types that it knows; none where it is not here."""
    found = _peer([text for text, _ in rows], folder)
    if found is None:
        return {}
    knows = {"email", "phone", "iban", "ip", "card", "ssn", "mac"}
    gold = [(text, [span for span in spans if corpora.GOLD.get(span[2]) in knows]) for text, spans in rows]
    named = {**corpora.GOLD, "MAC_ADDRESS": "mac"}
    return corpora.counted(
        gold, [[(start, end, named.get(kind, kind)) for start, end, kind in spans] for spans in found]
    )


def _peer(texts: Iterable[str], folder: Path) -> list[list[Span]] | None:
    program = python("presidio", "presidio_analyzer")
    if program is None:
        return None
    path = folder / "peer.jsonl"
    path.write_text("".join([json.dumps(text) + "\n" for text in texts]))
    cost = process([program, script("presidio"), str(path)], folder, cap=900)
    return [json.loads(line) for line in cost.out.splitlines()] if cost.code == 0 else None


def _presidio_pace(part: Path, nothing: Path, ours: float, folder: Path) -> Line:
    """Return the row of Presidio on a part of the texts.

    Args:
        part, nothing: files of texts, the second of none.
        ours: CPU seconds a MB of labelvc.
        folder: where it runs.
    """
    program = python("presidio", "presidio_analyzer")
    if program is None:
        return absent("a hundredth of them", PRESIDIO, _HINT)
    words = [program, script("presidio")]
    start, cost = process([*words, str(nothing)], folder), process([*words, str(part)], folder, cap=900)
    size = sum(len(json.loads(line)) for line in part.read_bytes().splitlines()) / 1e6
    if cost.code:
        return absent("a hundredth of them", PRESIDIO, f"ended with {cost.code}")
    pace = (cost.cpu - start.cpu) / size
    return Line(
        "a hundredth of them", PRESIDIO, *cost[:3], f"{pace / ours:.0f}x labelvc, a MB", note=f"{1 / pace:.2f} MB/s"
    )


def _scan(way: str, path: Path) -> Cost:
    words = [sys.executable, "-m", "benchmarks.scan_texts", way, str(path)]
    return process(words, HERE.parent, environment={"PYTHONPATH": str(HERE.parent)}, cap=900)


def _texts(number: int, seed: int = 5) -> Iterator[str]:
    """Yield texts of about 230 characters, one in 200 with a value in it."""
    chance = random.Random(seed)
    for at in range(number):
        words = chance.choices(_WORDS, k=48)
        if at % 200 == 0:
            words.insert(20, _VALUES[at // 200 % len(_VALUES)])
        yield " ".join(words)
