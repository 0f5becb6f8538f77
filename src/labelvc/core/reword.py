"""Rewording: personal data in many texts is found and replaced, until the detectors find nothing more, or the text is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from labelvc.core import detect, redact
from labelvc.core.redact import Piece, Range, Redacted
from labelvc.model.detection import Settings, Span

_ROUNDS = 8
"""Each takes what the one before laid bare; two are seldom needed."""
_WEIGHTS = {"block": 2, "warn": 1}


class Spoken(NamedTuple):
    """A text that personal data may stand in.

    Attributes:
        name: the member that it is the value of, whose word beside it tells; empty in a list.
        text: the text.
        labels: where labels on it are.
    """

    name: str
    text: str
    labels: tuple[Range, ...] = ()

    def __repr__(self) -> str:
        """Show no text."""
        return f"Spoken({self.name!r}, ...)"


class Found(NamedTuple):
    """A piece of personal data as it is to be replaced.

    Attributes:
        kind: kind of value, as pseudonyms have it, or `secret`.
        detector: id of the detector.
        said: what it says; where it is written in another form, what that stands for.
    """

    kind: str
    detector: str
    said: str

    def __repr__(self) -> str:
        """Show no value."""
        return f"Found({self.detector!r}, ...)"


Instead = Callable[[int, Found, bool], str]
"""What stands in place of a value: of the text at a position, the value, and whether it may look like one."""


class LeftOverError(Exception):
    """Something is still found in a text, and cannot be replaced, or nobody can read all of it; no value is told.

    Attributes:
        at: position of the text.
        unread: whether it is written in more ways than are read.
    """

    def __init__(self, at: int, *, unread: bool = False) -> None:
        super().__init__(at)
        self.at, self.unread = at, unread


def reworded(
    texts: Sequence[Spoken], settings: Settings, instead: Instead
) -> Iterator[tuple[int, Redacted, tuple[Found, ...]]]:
    """Yield those of many texts that hold personal data, without it.

    What a detector finds once its neighbours are gone is replaced too.

    Args:
        texts: the texts.
        settings: what the project wants looked for.
        instead: what stands in place of a value.

    Yields:
        Position in `texts`, the text and the way to it, and for each of its moves what was replaced.

    Raises:
        LeftOverError: something is still found in a text after many rounds, or a text is written in more ways than are read.
    """
    found = {at: left for at, one in _claimed(texts, settings) if (left := _within(texts[at], one))}
    for at, left in found.items():
        if any(span.detector == detect.UNREAD for span in left):
            raise LeftOverError(at, unread=True)
    done: dict[int, tuple[Redacted, tuple[Found, ...]]] = {}
    waiting = sorted(found)
    for number in range(2 * _ROUNDS):
        # a made-up value may look like something else beside its neighbours: then a token takes its place
        for at in waiting:
            done[at] = _replaced(texts[at], found[at], partial(instead, at), made_up=number < _ROUNDS)
        now = [texts[at]._replace(text=done[at][0].text) for at in waiting]
        again = [(waiting[at], _within(now[at], one)) for at, one in _claimed(now, settings)]
        waiting = [at for at, left in again if left]
        if not waiting:
            break
        for at, left in again:
            fresh = [old for span in left for old in _before(span, done[at][0])]
            found[at] += [old for old in fresh if _says(texts[at].text, old)]
    if waiting:
        raise LeftOverError(waiting[0])
    yield from ((at, *one) for at, one in sorted(done.items()))


def _claimed(texts: Sequence[Spoken], settings: Settings) -> Iterator[tuple[int, list[Span]]]:
    """Yield what is claimed of texts; each is read as a whole, since all of a value is replaced, however long it is."""
    said = [*map(_said, texts)]
    return detect.claims(said, settings, reach=max(map(len, said), default=0))


def _said(one: Spoken) -> str:
    """Return a text behind its member's name, as the leak gate reads it."""
    return f"{one.name}: {one.text}" if one.name else one.text


def _within(one: Spoken, claimed: Sequence[Span]) -> list[Span]:
    """Return what was found behind the member's name, in code points of the text."""
    ahead = len(one.name) + 2 if one.name else 0
    return [
        span._replace(start=max(span.start, ahead) - ahead, end=span.end - ahead)
        for span in claimed
        if span.end > ahead
    ]


def _before(span: Span, done: Redacted) -> Iterator[Span]:
    """Yield where what was found in a new text stands in the old one, replacements left out."""
    start = span.start
    for _, new in done.moves:
        if new[1] <= start or new[0] >= span.end:
            continue
        if start < new[0]:
            yield _moved(span, (start, new[0]), done)
        start = new[1]
    if start < span.end:
        yield _moved(span, (start, span.end), done)


def _moved(span: Span, at: Range, done: Redacted) -> Span:
    start, end = done.back(at)
    return span._replace(start=start, end=end)


def _says(text: str, found: Span | Piece) -> bool:
    """Tell whether something that was found holds a letter or digit: what is left over between two values may not."""
    return any(map(str.isalnum, text[found.start : found.end]))


def _replaced(
    one: Spoken, found: Sequence[Span], instead: Callable[[Found, bool], str], *, made_up: bool
) -> tuple[Redacted, tuple[Found, ...]]:
    """Return a text with all that was found replaced, piece by piece where a label begins or ends in it."""
    by_place = {(span.start, span.end, span.kind): span for span in reversed(found)}
    pieces = [Piece(*place, weight=_WEIGHTS[span.tier]) for place, span in by_place.items()]
    whole = [piece for piece in redact.apart(one.text, pieces) if _says(one.text, piece)]
    detectors = {span.kind: span for span in found}
    values: dict[Piece, Found] = {}
    for piece in whole:
        span = by_place.get((piece.start, piece.end, piece.kind)) or detectors[piece.kind]
        said = detect.said(one.text[piece.start : piece.end], span)
        values[piece] = Found(piece.kind, span.detector, said)
    cut = redact.parts(whole, one.labels)
    counted = {part.whole: part.number for part in cut}
    words = {}
    for piece, value in values.items():
        word = instead(value, made_up)
        words[piece] = _words(word if len(word) >= counted[piece] else instead(value, False), counted[piece])
    done = redact.redacted(one.text, cut, lambda part: words[part.whole][max(part.number - 1, 0)])
    return done, tuple([values[part.whole] for part in cut])


def _words(text: str, number: int) -> list[str]:
    """Return what stands in place of a value for each of the parts that labels cut it into.

    A token is numbered, `[[prs_...~1]]` and `[[prs_...~2]]`; a made-up value is cut as well, so that its parts make it up.
    """
    if not number:
        return [text]
    if text.startswith(redact.MARK):
        return [redact.marked(text[len(redact.MARK) : -len(redact.MARK)], at) for at in range(1, number + 1)]
    cuts = [len(text) * at // number for at in range(number + 1)]
    return [text[start:end] for start, end in pairwise(cuts)]
