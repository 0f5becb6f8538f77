"""Masking: findings as they are shown, in which nothing stands that the leak gate is sure of; checks quote what people wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from labelvc.core import leaks
from labelvc.core.gate import Gate
from labelvc.model.detection import Span
from labelvc.model.finding import Finding


def masked(findings: Sequence[Finding], gate: Gate) -> list[Finding]:
    """Return findings with personal data and secrets in their words and places as `***`; a line still says where each is.

    Args:
        findings: as checks made them.
        gate: what judges texts.
    """
    texts = sorted({text for one in findings for text in _texts(one)})
    hidden = {texts[at]: leaks.hidden(texts[at], _sure(texts[at], spans)) for at, spans in gate.scan(texts)}
    return [_over(one, hidden) if any(text in hidden for text in _texts(one)) else one for one in findings]


def _texts(one: Finding) -> tuple[str, ...]:
    return one.place.path, one.place.key, one.place.pointer, one.message, one.hint


def _sure(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    """Yield the spans that are surely one; bare digits in words about a record are mostly its id."""
    return (span for span in spans if span.tier == "block" and not text[span.start : span.end].isdigit())


def _over(one: Finding, hidden: dict[str, str]) -> Finding:
    path, key, pointer, message, hint = [hidden.get(text, text) for text in _texts(one)]
    return one._replace(place=one.place._replace(path=path, key=key, pointer=pointer), message=message, hint=hint)
