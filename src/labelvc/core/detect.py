"""Detection: the personal data and secrets in texts.

Staged: the sieve (`labelvc.core.sieve`) says which texts can hold anything, then patterns, check digits and the words around
decide. `everywhere` asks every pattern of every text instead; both find the same, which is a law of the tests.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter

from labelvc.codec import surroundings
from labelvc.codec.detectors import ANY_REGION, DETECTORS, IDS, REGIONS, Detector
from labelvc.core import known, sieve, views
from labelvc.errors import ConfigurationError
from labelvc.model.detection import Settings, Span

NOTHING_SPECIAL = Settings()
UNREAD = "unread"
"""Says of a text that it is written in more ways than were read: nobody can tell what else it holds."""
_RULES = {**{row.id: row.rule for row in DETECTORS}, known.DETECTOR: known.DETECTOR, UNREAD: UNREAD}
_AT_ONCE = 1 << 20
_RANK = {name: rank for rank, name in enumerate(_RULES)}
_SPOKEN_FOR = {row.sieve for row in DETECTORS if row.needed}
"""The sieves of those that find nothing without a word beside it: few texts with digits hold one."""
_LONG = 1 << 12
"""Characters of a text in which it is worth to know where words are before each number beside none is judged."""
_BY_START = itemgetter(0)
_compiled = lru_cache(maxsize=None)(re.compile)


def spans(text: str, settings: Settings = NOTHING_SPECIAL) -> tuple[Span, ...]:
    """Return the personal data and secrets in a text.

    Args:
        text: any text.
        settings: what the project wants looked for.

    Returns:
        Spans in code points, sorted, none overlapping another: where two claim the same characters the surer one stays, then
        the one whose detector stands first in `labelvc.codec.detectors`, then the longer one.

    Raises:
        ConfigurationError: the settings name a region or detector that there is not.
    """
    found = dict(scan((text,), settings))
    return found.get(0, ())


def scan(texts: Sequence[str], settings: Settings = NOTHING_SPECIAL) -> Iterator[tuple[int, tuple[Span, ...]]]:
    """Yield the spans of those of many texts that have some.

    Args:
        texts: any texts; about a MB at once is quickest.
        settings: what the project wants looked for.

    Yields:
        Position in `texts` and its spans, as `spans` returns them.

    Raises:
        ConfigurationError: as for `spans`.
    """
    for at, found in claims(texts, settings):
        if kept := apart(found):
            yield at, kept


def claims(
    texts: Sequence[str], settings: Settings = NOTHING_SPECIAL, reach: int = views.REACH
) -> Iterator[tuple[int, list[Span]]]:
    """Yield all that detectors claim of those of many texts that have some, overlaps and all; as `scan` otherwise.

    `reach` is how far around what is written in another way a text is read, as `views.views` has it.
    """
    rows = detectors(settings)
    let_through = sieve.sift(texts) if texts else {}
    found = _in_plain(texts, let_through, rows, settings)
    read: list[tuple[int, views.View]] = []
    for at in sorted(let_through.get("odd", ())):
        readings = views.views(texts[at], reach)
        read += [(at, view) for view in readings.views]
        if not readings.complete:
            found.setdefault(at, []).append(_unread(texts[at]))
    if read:
        said = [view.text for _, view in read]
        for number, hits in _in_plain(said, sieve.sift(said), rows, settings).items():
            at, view = read[number]
            found.setdefault(at, []).extend(_placed(view, hits))
    yield from sorted(found.items())


def said(written: str, span: Span) -> str:
    """Return what a value says that stands in another form (escapes, full-width letters, base64); else as it is written.

    Args:
        written: the characters of the span.
        span: the span.
    """
    found = views.views(written, len(written)).views
    parts = [view.text for view in found if not view.whole]
    for view in reversed(found):  # the deepest first
        if view.whole and not parts and view.place(0, 1) == (0, len(written)):
            inner = [one for one in spans(view.text) if one.detector == span.detector]
            parts += [view.text[one.start : one.end] for one in inner[:1]]
    return parts[-1] if parts else written


def everywhere(text: str, settings: Settings = NOTHING_SPECIAL) -> tuple[Span, ...]:
    """Return what `spans` returns, by asking every pattern of the text and of all its views: slow, and nothing to get wrong."""
    rows = detectors(settings)
    found = [span for row in rows for span in _found(text, row, settings)]
    readings = views.views(text)
    for view in readings.views:
        found += _placed(view, [span for row in rows for span in _found(view.text, row, settings)])
    return apart(found if readings.complete else [*found, _unread(text)])


def rule_of(span: Span) -> str:
    """Return the rule of a span's detector, without `privacy.`."""
    return _RULES[span.detector]


def apart(found: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans of which none overlaps another, but what says that a text was not read to its end, which takes no other's place."""
    kept: list[Span] = []
    aside: list[Span] = []
    heap: list[Span] = []
    reached = 0
    for span in sorted(dict.fromkeys(found), key=_BY_START):
        if span.detector == UNREAD:
            aside.append(span)
            continue
        if heap and span.start >= reached:
            kept += heap if len(heap) == 1 else _best(heap)
            heap = []
        heap.append(span)
        reached = max(reached, span.end)
    return (*aside, *kept, *_best(heap))


def _best(heap: Sequence[Span]) -> list[Span]:
    """Return those of spans that hang together of which none overlaps another, the surest first taken, by where they begin."""
    first = min((span.start for span in heap), default=0)
    taken = bytearray(max((span.end for span in heap), default=0) - first)
    kept = []
    for span in sorted(heap, key=_order):
        start, end = span.start - first, span.end - first
        if taken.find(1, start, end) < 0:
            taken[start:end] = b"\1" * (end - start)
            kept.append(span)
    return sorted(kept)


@lru_cache(maxsize=64)
def detectors(settings: Settings) -> tuple[Detector, ...]:
    """Return the detectors that settings ask for.

    Raises:
        ConfigurationError: a region or detector that there is not; one that is left out in silence would be a leak.
    """
    for said, there, noun in ((settings.regions, REGIONS, "region"), (settings.off, IDS, "detector")):
        for name in said:
            if name not in there:
                hint = f"choose among {', '.join(sorted(there))}"
                raise ConfigurationError(f"there is no {noun} {name!r} to look for", where="labelvc.yaml", hint=hint)
    wanted = {"", *settings.regions, *[ANY_REGION for _ in settings.regions[:1]]}
    return tuple(row for row in DETECTORS if row.region in wanted and row.id not in settings.off)


def _in_plain(
    texts: Sequence[str], let_through: Mapping[str, Collection[int]], rows: Iterable[Detector], settings: Settings
) -> dict[int, list[Span]]:
    found: dict[int, list[Span]] = {}
    asked = sorted(set().union(*[let_through.get(name, ()) for name in _SPOKEN_FOR]))
    spoken = sieve.spoken(texts, asked) if asked else None
    for row in rows:
        held = let_through.get(row.sieve)
        if not held:
            continue
        found_in = _compiled(row.pattern).search
        for at in spoken(row.words).intersection(held) if row.needed and spoken else held:
            if found_in(texts[at]) and (hits := list(_found(texts[at], row, settings))):
                found.setdefault(at, []).extend(hits)
    return found


def _found(text: str, row: Detector, settings: Settings) -> Iterator[Span]:
    near = surroundings.nearby(text, row.words) if row.needed and len(text) > _LONG else None
    judge = row.judge
    for match in _compiled(row.pattern).finditer(text):
        first, last = match.span()
        if near and not near(first, last):
            continue
        for start, end, sure in judge(text, first, last, settings):
            told = not sure and surroundings.beside(text, start, end, row.words)
            if sure or told or not row.needed:
                yield Span(start, end, row.kind, row.id, "block" if sure or told else "warn")


def _placed(view: views.View, hits: Iterable[Span]) -> Iterator[Span]:
    """Yield the spans of a view where they stand in the original; of what base64 hides only what is sure."""
    for span in hits:
        if (not view.whole or span.tier == "block") and view.tells(span.start, span.end):
            start, end = view.place(span.start, span.end)
            yield Span(start, end, span.kind, span.detector, span.tier)


def _unread(text: str) -> Span:
    return Span(0, len(text), "other", UNREAD, "block")


def _order(span: Span) -> tuple[bool, int, int, int]:
    return span.tier != "block", _RANK[span.detector], span.start - span.end, span.start
