"""The gate: what judges a text - patterns, people who are known here, and the findings that somebody answers for."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property

from labelvc.codec.derive import prefixed
from labelvc.codec.detectors import FINAL
from labelvc.core import baseline, detect
from labelvc.core.known import Known
from labelvc.core.pseudonym import KINDS
from labelvc.errors import TrustError
from labelvc.model.detection import Accepted, Settings, Span
from labelvc.model.finding import Place
from labelvc.model.secret import ALPHABET

_NO_KIND = "other"


class Gate:
    """What judges texts.

    Args:
        settings: what the project wants looked for.
        accepted: findings that somebody answers for.
        key_of: returns the gate key of an epoch, None when this machine has none.
        epoch: the active epoch, whose key marks what is found; empty when there is none.
        today: date, `2026-12-02`; empty when nobody said: then no exception with an end holds.
        known: returns what finds people who are known here; asked before the first text is read.

    Attributes:
        used: lines of the baseline that excused something.
    """

    def __init__(
        self,
        settings: Settings = detect.NOTHING_SPECIAL,
        *,
        accepted: Iterable[Accepted] = (),
        key_of: Callable[[str], bytes | None] = lambda epoch: None,
        epoch: str = "",
        today: str = "",
        known: Callable[[], Sequence[Known]] = tuple,
    ) -> None:
        self.settings, self.today = settings, today
        self.used: set[Accepted] = set()
        self._accepted = baseline.by_place(accepted)
        self._key_of, self._epoch, self._ask = key_of, epoch, known

    def spans(self, text: str) -> tuple[Span, ...]:
        """Return what stands in plain in a text, as `detect.spans` does, and who is known here."""
        return dict(self.scan((text,))).get(0, ())

    def scan(self, texts: Sequence[str]) -> Iterator[tuple[int, tuple[Span, ...]]]:
        """Yield what stands in plain in many texts, as `detect.scan` does, and who is known here."""
        found = detect.scan(texts, self.settings)
        if not self._known:
            yield from found
            return
        shaped = dict(found)
        for at, text in enumerate(texts):
            people = [span for known in self._known for span in known.spans(text)]
            if people or at in shaped:
                yield at, detect.apart([*shaped.get(at, ()), *people])

    def alike(self, other: Gate) -> bool:
        """Tell whether another finds the same in every text, whatever somebody answers for."""
        return self.settings == other.settings and self._known == other._known

    @property
    def knows(self) -> bool:
        """Whether people are known here."""
        return bool(self._known)

    def can_mark(self, line: Accepted) -> bool:
        """Tell whether the gate key is here that a line of the baseline was made with."""
        return self._key_of(line.epoch) is not None

    def alone(self, line: Accepted) -> Gate:
        """Return what judges as this does, with one line of the baseline and no other."""
        known = self._known
        return Gate(self.settings, accepted=(line,), key_of=self._key_of, today=self.today, known=lambda: known)

    @cached_property
    def _known(self) -> Sequence[Known]:
        return self._ask()

    def mark(self, span: Span, value: str) -> str:
        """Return the mark by which a finding can be accepted; empty without the gate key, and for what never can be."""
        with suppress(TrustError):
            key = self._key_of(self._epoch) if self._epoch and span.detector not in FINAL else None
            return mark(key, _rule(span), span.kind, value) if key else ""
        return ""

    def excuses(self, span: Span, value: str, place: Place) -> bool:
        """Tell whether somebody answers for a value in a place.

        Raises:
            TrustError: only a gate key that is not on this machine could tell.
        """
        rule, pointer = _rule(span), place.pointer if place.key else ""
        if span.detector in FINAL:
            return False
        for line in self._accepted.get((rule, place.key or place.path, pointer), ()):
            if baseline.ended(line, self.today):
                continue
            key = self._key_of(line.epoch)
            if key is None:
                raise TrustError(
                    f"could not tell whether a finding of {rule} is accepted: the gate key of epoch {line.epoch!r} is not on this machine",
                    where=place.key or place.path,
                    hint="ask for it: labelvc pseudonym share --role gate -o FILE, at theirs; labelvc pseudonym accept FILE -i MY_KEY, here",
                )
            if line.fp == mark(key, rule, span.kind, value):
                self.used.add(line)
                return True
        return False


def mark(key: bytes, rule: str, kind: str, value: str) -> str:
    """Return the mark of a value: HMAC-SHA256 over its rule and its normalised form, as ten letters.

    Args:
        key: the gate key.
        rule: `privacy.email`.
        kind: kind of value, as a span has it.
        value: the plain value; equal ones are recognised as pseudonyms do.
    """
    sort = KINDS.get(kind) or KINDS[_NO_KIND]
    plain = sort.normalise(value).encode("utf-8", "backslashreplace")
    digest = hmac.digest(key, prefixed("gate1", rule, sort.normaliser, plain), "sha256")
    number = int.from_bytes(digest, "big") * len(ALPHABET) ** baseline.LETTERS >> 8 * len(digest)
    return "".join(
        [ALPHABET[number // len(ALPHABET) ** at % len(ALPHABET)] for at in reversed(range(baseline.LETTERS))]
    )


def _rule(span: Span) -> str:
    return f"privacy.{detect.rule_of(span)}"
