"""Pseudonyms: is every token one that labelvc made, judged by its check letters."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import ClassVar

from labelvc.checks.interface import Look, Rule, Shard, finding
from labelvc.codec import epochs
from labelvc.core import pseudonym
from labelvc.model.finding import Finding, Place
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project
from labelvc.model.secret import ALPHABET, Epoch

_MOST_KEPT = 1 << 16
_LENGTHS = (32, 33)
_LAYERS: tuple[Layer, ...] = ("annotations", "items")
_genuine: set[str] = set()


class Pseudonyms:
    """Looks at the distinct `by` of a shard: the accept path proves a token's letters, this proves they belong together."""

    name: ClassVar[str] = "labelvc.pseudonyms"
    version: ClassVar[int] = 6
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "privacy.token",
            "error",
            "Pseudonym has wrong check letters",
            "A mistyped token is another person, or nobody.",
        ),
        Rule(
            "privacy.erased",
            "error",
            "Pseudonym of somebody who was forgotten",
            "What the project says it erased must stand in no record.",
        ),
        Rule(
            "privacy.epoch",
            "error",
            "Pseudonym of an epoch that a re-key ended, or that nobody lists",
            "One person would be two: by this pseudonym here, by that of the epoch in force elsewhere.",
        ),
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply to every dataset."""
        return True

    def look(self, shard: Shard, project: Project) -> Look:
        """Return each token whose check letters are wrong, at the first record that bears it."""
        found = []
        heads = shard.heads("annotations")
        for by in sorted(set(heads.by) - _genuine):
            if pseudonym.is_token(by):
                _keep(by)
            elif len(by) in _LENGTHS and by[3] == "_":
                at = heads.by.index(by)
                place = Place(shard.path("annotations"), at + 1, str(shard.key("annotations", at) or ""), "/by")
                message = "the check letters of the pseudonym are wrong"
                found.append(finding(Pseudonyms, "privacy.token", place, message, "copy it whole from another record"))
        return Look([*found, *forgotten(shard, project.erased), *_strange(shard, project.epochs)])

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield nothing: each token stands for itself."""
        return iter(())


def forgotten(shard: Shard, tokens: Collection[str]) -> Iterator[Finding]:
    """Yield the lines that hold a token of somebody who was forgotten, wherever in the line it stands."""
    gone = frozenset(tokens)
    for layer in _LAYERS if gone else ():
        if gone.isdisjoint(pseudonym.found_in(shard.data(layer))):
            continue
        for at, line in enumerate(shard.raw(layer)):
            if not gone.isdisjoint(pseudonym.found_in(line)):
                place = Place(shard.path(layer), at + 1, str(shard.key(layer, at) or ""))
                message = "the line holds the pseudonym of somebody who was forgotten (privacy/erasures)"
                hint = "labelvc erase TOKEN --apply takes it out of all records; the history keeps what was pushed"
                yield finding(Pseudonyms, "privacy.erased", place, message, hint)


def _strange(shard: Shard, known: Sequence[Epoch]) -> Iterator[Finding]:
    """Yield the lines that hold a token of an epoch that ended with a re-key, or of none that is listed.

    What marks the erased stays as it was. A project that lists no epoch is asked nothing.
    """
    listed, ended = frozenset([epoch.id for epoch in known]), epochs.ended(known)
    for layer in _LAYERS if known else ():
        data = shard.data(layer)
        if not (any(f"_{epoch}".encode() in data for epoch in ended) or _unlisted(listed)(data)):
            continue
        good = listed - ended
        if not _beside(good, data):
            continue
        for at, line in enumerate(shard.raw(layer)):
            if found := _beside(good, line):
                place = Place(shard.path(layer), at + 1, str(shard.key(layer, at) or ""))
                message = f"the line holds a pseudonym of epoch {found}, which a re-key carried into a later one"
                hint = "labelvc pseudonym mend, or import the line again"
                if found not in listed:
                    message = f"the line holds a pseudonym of epoch {found}, which {epochs.PATH} does not list"
                    hint = "import the line again; a list that lost an epoch comes back from git"
                yield finding(Pseudonyms, "privacy.epoch", place, message, hint)


@lru_cache(maxsize=8)
def _unlisted(listed: frozenset[str]) -> Callable[[bytes], object]:
    """Return a search for what may be a token of an epoch that is not listed: one letter and 27, or two letters and 27."""
    letter = f"[{ALPHABET}]"
    one, two = (
        "|".join(sorted(epoch for epoch in listed if len(epoch) == length)) or f"(?!{letter})" for length in (1, 2)
    )
    either = f"_(?:(?!{one}){letter}{{28}}(?!{letter})|(?!{two}){letter}{{29}})"
    return re.compile(either.encode()).search


def _beside(good: Collection[str], data: bytes) -> str:
    """Return an epoch, beside some, that a token in some bytes is of; empty when none is."""
    found = (token for token in pseudonym.found_in(data) if pseudonym.epoch_of(token) not in good)
    odd = [token for token in found if pseudonym.is_token(token) and not pseudonym.is_marker(token)]
    return min(map(pseudonym.epoch_of, odd), default="")


def _keep(token: str) -> None:
    """Remember a good token for the shards that follow, within bounds."""
    if len(_genuine) >= _MOST_KEPT:
        _genuine.clear()
    _genuine.add(token)
