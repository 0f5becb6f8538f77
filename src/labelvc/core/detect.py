"""Detection: the personal data and secrets in texts.

Staged: the sieve (`labelvc.core.sieve`) says which texts can hold anything, then patterns, check digits and the words around
decide. `everywhere` asks every pattern of every text instead; both find the same, which is a law of the tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
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
_PLACE = re.Match.span
_BY_START = itemgetter(0)
_MANY, _APART = 1 << 12, 32
"""Values in a text, and characters for each, from which on its readings are not worth what they cost: it is told instead."""
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
    short: list[tuple[int, views.View]] = []
    for at in sorted(let_through.get("odd", ())):
        readings, held = views.views(texts[at], reach), found.setdefault(at, [])
        if sum([len(view.text) for view in readings.views]) > views.LEAST:
            _read(texts[at], held, readings, lambda batch: [span for _, span in _in_views(batch, rows, settings)])
        else:
            short += [(at, view) for view in readings.views]
            held += [] if readings.complete else [_unread(texts[at])]
    for number, span in _in_views([view for _, view in short], rows, settings):
        found[short[number][0]].append(span)
    yield from sorted([(at, held) for at, held in found.items() if held])


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
    _read(
        text,
        found,
        views.views(text),
        lambda batch: [
            span
            for view in batch
            for span in _placed(view, [span for row in rows for span in _found(view.text, row, settings)])
        ],
    )
    return apart(found)


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


def _read(
    text: str,
    held: list[Span],
    readings: views.Readings,
    look: Callable[[Sequence[views.View]], Iterable[Span]],
) -> None:
    """Add to what is claimed of a text what is claimed of it read in other ways, and that it was not read to its end where it was not.

    Where values stand as dense as in a list of nothing else, no more than the first of the readings are looked at.

    Args:
        text: the text.
        held: what is claimed of it as it stands.
        readings: what it says.
        look: returns what is claimed of some views.
    """
    most, size, complete = max(_MANY, len(text) // _APART), 0, readings.complete
    for batch in _batches(readings.views):
        size += sum([len(view.text) for view in batch])
        if size > views.LEAST and len(held) > most:
            complete = False
            break
        held += look(batch)
    held += [] if complete else [_unread(text)]


def _batches(read: Sequence[views.View]) -> Iterator[Sequence[views.View]]:
    """Yield views in turn, as many at once as have no more than `views.LEAST` characters, or one."""
    first = size = 0
    for at, view in enumerate(read):
        if at > first and size + len(view.text) > views.LEAST:
            yield read[first:at]
            first, size = at, 0
        size += len(view.text)
    if read:
        yield read[first:]


def _in_views(read: Sequence[views.View], rows: Iterable[Detector], settings: Settings) -> Iterator[tuple[int, Span]]:
    """Yield what is claimed of some views: position of the view, and the span where it stands in the original."""
    said = [view.text for view in read]
    for number, hits in _in_plain(said, sieve.sift(said), rows, settings).items() if said else ():
        for span in _placed(read[number], hits):
            yield number, span


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
    judge = row.judge
    matches: Iterable[tuple[int, int]] = map(_PLACE, _compiled(row.pattern).finditer(text))
    if row.needed and len(text) > _LONG:
        matches = surroundings.nearby(text, row.words, matches)
    for first, last in matches:
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
