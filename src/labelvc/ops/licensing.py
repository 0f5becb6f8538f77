"""Licensing: whether the items of a dataset may be handed out, and which decision lets them when not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from labelvc.core import licences
from labelvc.errors import RefusedError
from labelvc.model.project import Dataset, Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import project as projects
from labelvc.ops import registers
from labelvc.store import tree
from labelvc.store.git import Git

_MOST = 8


class Asked(NamedTuple):
    """The day on which items are handed out, and the decision that is said to permit it; empty for none."""

    on: str
    because: str = ""


class Since(NamedTuple):
    """The terms that HEAD has for a dataset of the past.

    Attributes:
        dataset: it, with the terms that the registers of HEAD have for its sources.
        allowed: the licences that HEAD's project allows; None: any.
    """

    dataset: Dataset
    allowed: frozenset[str] | None


def since(git: Git, snapshot: Snapshot, project: Project, dataset: Dataset, on: str) -> Since | None:
    """Return the terms that HEAD has for a dataset of the past; None where they tell no more.

    Raises:
        ConfigurationError: HEAD has no project.
        DataError: HEAD's project, or an entry of its register, cannot be read.
    """
    head = tree.commit(git, "HEAD")
    if head.commit == snapshot.commit:
        return None
    with tree.reader(git) as reader:
        allowed = projects.load(git, head, reader).licences
    if any("register" in source for source in dataset.sources):
        known = {one.id: one.value for one in registers.listed(git, head, on)}
        said = [{**source, **licences.terms(known.get(source.get("register", ""), {}))} for source in dataset.sources]
        return Since(msgspec.structs.replace(dataset, sources=tuple(said)), allowed)
    return None if allowed == project.licences else Since(dataset, allowed)


def deciding(git: Git, snapshot: Snapshot) -> Snapshot:
    """Return where the decisions lie that let something out: those of the past may have been taken back, so HEAD's."""
    return tree.commit(git, "HEAD") if snapshot.kind == "commit" else snapshot


class Counted:
    """Items counted by why they may not be handed out, as they go by.

    Args:
        project: says which licences are allowed.
        snapshot: where the project and its registers are.
        dataset: whose items they are.
        on: the day.
        later: the terms of HEAD; what they forbid stays too.
    """

    def __init__(
        self, project: Project, snapshot: Snapshot, dataset: Dataset, on: str, later: Since | None = None
    ) -> None:
        registered = bool(registers.ids(snapshot, "source"))
        self._terms = licences.of(dataset, registered=registered)
        self._later = (licences.of(later.dataset, registered=registered), later.allowed) if later else None
        self._allowed, self._on = project.licences, on
        self._dataset = dataset.name
        self._why = Counter[str]()
        self._all = 0

    @property
    def stopped(self) -> bool:
        """Tell whether an item went by that may not be handed out."""
        return bool(self._why)

    def over(self, items: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield the items, and count them in passing."""
        for item in items:
            self.take(item)
            yield item

    def take(self, item: Mapping[str, Any]) -> None:
        """Count an item."""
        self._all += 1
        why = licences.objection(item, self._terms, self._allowed, self._on)
        if not why and self._later is not None:
            since = licences.objection(item, *self._later, self._on)
            why = f"{since}, as HEAD has it" if since else ""
        if why:
            self._why[why] += 1

    def settle(self, git: Git, snapshot: Snapshot, asked: Asked) -> str:
        """Return what a person is told of items that go out though their licence would not let them; empty for none.

        Args:
            git: where.
            snapshot: whose decisions count; see `deciding`.
            asked: the day, and the decision.

        A decision that is named must be there, also where nothing needs it: whoever names it relies on it.

        Raises:
            ConfigurationError: there is no such decision.
            RefusedError: some items may not be handed out, and no decision permits it.
        """
        found = registers.permitted(git, snapshot, asked.because, self._dataset, asked.on) if asked.because else None
        if not self._why:
            return f"nothing here needs {found.id}: every item may be handed out" if found else ""
        number = self._why.total()
        ranked = sorted(self._why.items(), key=lambda pair: (-pair[1], pair[0]))
        told = [f"{count:,} {why}" for why, count in ranked[:_MOST]]
        more = len(ranked) - len(told)
        message = f"{number:,} of {self._all:,} items may not be handed out: {'; '.join(told)}"
        message += f"; and {more} more reasons" if more > 0 else ""
        if found is None:
            raise RefusedError(message, where=f"datasets/{self._dataset}", hint=self._cure())
        return f"{message}; they go out because of {found.id}: {found.value['closed']['reason']}"

    def _cure(self) -> str:
        """Return the command to type next: who has the rights writes them down, or somebody decides and answers for it."""
        permits = f"--set 'permits={{export: [{self._dataset}]}}'"
        return (
            "write source and licence into the items, or the licence into their source; or have it decided, then export with --because: "
            f"labelvc register new decision --title 'Export {self._dataset}' {permits}"
        )
