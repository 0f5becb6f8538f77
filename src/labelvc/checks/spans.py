"""Spans: do they begin and end where a character or a word does, and how do those of one annotator lie to each other."""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, ClassVar, NamedTuple

from labelvc.checks.interface import Line, Look, Rule, Shard, asked, finding
from labelvc.model.finding import Finding, Place
from labelvc.model.project import Dataset, Project

_JOINER, _VARIATIONS = "\u200d", range(0xFE00, 0xFE10)
_TONES, _FLAGS, _TAGS = range(0x1F3FB, 0x1F400), range(0x1F1E6, 0x1F200), range(0xE0020, 0xE0080)
_MARKS = ("Mn", "Me", "Mc")
_FIRST_PICTURE = 0x2600
_SPACELESS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN", "HANGUL")


class Spans:
    """Looks at where spans begin and end, and at pairs of spans that one annotator set in one text."""

    name: ClassVar[str] = "labelvc.spans"
    version: ClassVar[int] = 1
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "span.boundary",
            "warning",
            "Span begins or ends beside its text",
            "White space at an end, or half of a character, comes from a wrong offset or a hasty mouse.",
        ),
        Rule(
            "span.crossing",
            "warning",
            "Two spans of one annotator cross",
            "Spans that overlap without one lying in the other fit into no tree and no column of tags.",
        ),
        Rule(
            "span.word",
            "warning",
            "Span begins or ends inside a word",
            "Half a word is a slip wherever words are what is labelled.",
            on_request=True,
        ),
        Rule(
            "span.overlap",
            "error",
            "Two spans of one annotator overlap",
            "Where one word may have one label only, two spans on it contradict each other.",
            on_request=True,
        ),
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply where a task asks for spans."""
        return any(name in project.tasks and project.tasks[name].type == "span" for name in dataset.tasks)

    def look(self, shard: Shard, project: Project) -> Look:
        """Return spans with odd ends, and pairs that cross or overlap."""
        lines = shard.holding("span")
        texts = shard.texts() if lines else {}
        words, overlaps = asked(shard.dataset, "span.word"), asked(shard.dataset, "span.overlap")
        groups: dict[tuple[str, ...], list[_Span]] = defaultdict(list)
        found: list[Finding] = []
        for line in lines:
            text = texts.get(str(line.fields.get("item"))) if line.fields else None
            span = _span(line, text)
            if span is None or line.fields is None or not isinstance(text, str):
                continue
            found += _ends(span, text, shard.path("annotations"), words=words)
            groups[*[str(line.fields.get(name)) for name in ("item", "task", "by")],].append(span)
        for spans in groups.values():
            found += _pairs(spans, shard.path("annotations"), overlaps=overlaps)
        return Look(found)

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield nothing: all spans of a text share a shard."""
        return iter(())


class _Span(NamedTuple):
    start: int
    end: int
    line: Line

    def place(self, path: str) -> Place:
        return Place(path, self.line.number, str(self.line.key or ""), "/value/span")


def inside_character(text: str, at: int) -> bool:
    """Tell whether a place in a text lies inside of what people see as one character.

    The rules of UAX #29 that no property beyond Python's `unicodedata` is needed for: GB3 (CR LF), GB9 and GB9a (marks,
    joiner, variation selectors, skin tones), GB11 (joined emoji) and GB12/13 (flags); Hangul jamo and the Indic conjuncts
    of GB9c are taken as characters of their own, which misses some.

    Args:
        text: the text.
        at: a place in it, in code points; before the first and behind the last is inside of nothing.
    """
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if before < "\u0300" and after < "\u0300":
        return before == "\r" and after == "\n"
    if _extends(after):
        return not (before.isspace() or before < " ")
    if before == _JOINER and at > 1:
        base = at - 2
        while base > 0 and text[base] != _JOINER and _extends(text[base]) and _category(text[base]) != "Mc":
            base -= 1
        return _pictures(text[base]) and _pictures(after)
    if ord(before) in _FLAGS and ord(after) in _FLAGS:
        run = at - 1
        while run > 0 and ord(text[run - 1]) in _FLAGS:
            run -= 1
        return (at - run) % 2 == 1
    return False


def inside_word(text: str, at: int) -> bool:
    """Tell whether a place in a text has letters or digits on both sides, in a script that puts spaces between words."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if not (before.isalnum() and after.isalnum()):
        return False
    return (before + after).isascii() or not (_spaceless(before) or _spaceless(after))


def _extends(character: str) -> bool:
    point = ord(character)
    return (
        character == _JOINER
        or point in _VARIATIONS
        or point in _TONES
        or point in _TAGS
        or (point >= 0x300 and _category(character) in _MARKS)
    )


@cache
def _unicode() -> Any:
    """Return Python's table of characters, a megabyte that a hook over ASCII does not load."""
    return importlib.import_module("unicodedata")


def _pictures(character: str) -> bool:
    point = ord(character)
    return point >= _FIRST_PICTURE and point not in _FLAGS and _category(character) == "So"


def _category(character: str) -> str:
    return str(_unicode().category(character))


def _spaceless(character: str) -> bool:
    return str(_unicode().name(character, "")).startswith(_SPACELESS)


def _span(line: Line, text: object) -> _Span | None:
    """Return the span of a record that lies in its text; others are told by `labelvc.values`."""
    value = line.fields.get("value") if line.fields else None
    ends = value.get("span") if isinstance(value, dict) else None
    if not isinstance(text, str) or not isinstance(ends, list) or len(ends) != 2:
        return None
    start, end = ends
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
        return None
    return _Span(start, end, line)


def _ends(span: _Span, text: str, path: str, *, words: bool) -> Iterator[Finding]:
    start, end, _ = span
    odd = {
        "has white space at its beginning": text[start].isspace(),
        "has white space at its end": text[end - 1].isspace(),
        "begins inside of a character": inside_character(text, start),
        "ends inside of a character": inside_character(text, end),
    }
    told = [words for words, is_so in odd.items() if is_so]
    if told:
        message = f"[{start},{end}] {' and '.join(told)}"
        yield finding(Spans, "span.boundary", span.place(path), message, "move its ends to those of the text it means")
    if words and not told and (inside_word(text, start) or inside_word(text, end)):
        where = "begins" if inside_word(text, start) else "ends"
        hint = "move its ends to those of the word"
        yield finding(Spans, "span.word", span.place(path), f"[{start},{end}] {where} inside of a word", hint)


def _pairs(spans: list[_Span], path: str, *, overlaps: bool) -> Iterator[Finding]:
    """Sweep from left to right; each span is told once, with the first one it crosses or overlaps."""
    ordered = sorted(spans, key=lambda span: (span.start, -span.end, span.line.number))
    open_spans: list[_Span] = []
    for span in ordered:
        open_spans = [one for one in open_spans if one.end > span.start]
        for one in open_spans:
            crosses = one.start < span.start and one.end < span.end
            if crosses or overlaps:
                rule, verb = ("span.overlap", "overlaps") if overlaps else ("span.crossing", "crosses")
                message = f"[{span.start},{span.end}] {verb} [{one.start},{one.end}] of {one.line.key}"
                hint = "delete one of the two, or let one end where the other begins"
                yield finding(Spans, rule, span.place(path), message, hint)
                break
        open_spans.append(span)
