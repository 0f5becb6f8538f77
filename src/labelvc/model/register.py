"""Registers: dated, owned documents that a project keeps beside its labels, and the kinds of them."""

# No `from __future__ import annotations`: typing would compile the text of each at every start.

from collections.abc import Mapping
from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of register; what its documents hold beyond the common is `schemas/register-<name>.v1.json`.

    Attributes:
        title: what it is a register of.
        lapses: members with a date after which an open document is overdue.
        shown: members of its own that a list shows.
    """

    title: str
    lapses: tuple[str, ...] = ("due",)
    shown: tuple[str, ...] = ()


KINDS: Mapping[str, Kind] = {
    "decision": Kind("Decisions: who may decide, by when, and to whom it goes then", shown=("deciders",)),
    "risk": Kind("Risks: how likely, how bad, and what is done about it", shown=("likelihood", "impact")),
    "incident": Kind("Incidents: what went wrong, and what follows", shown=("severity",)),
    "misuse": Kind("Reports of misuse: data or labels used as they must not be", shown=("severity",)),
    "source": Kind(
        "Sources: licence, terms, and when they end", lapses=("due", "expires"), shown=("licence", "export")
    ),
    "review": Kind("Reviews with stakeholders: what was shown, and what came of it", shown=("held",)),
    "feedback": Kind("Feedback: what somebody says of labels or guidelines", shown=("from",)),
    "proposal": Kind(
        "Proposals: what a guideline should say otherwise, and what gave rise to it",
        shown=("guideline", "label", "block"),
    ),
}
"""Every kind: the folder under `registers/`, and the first part of its documents' ids."""

FOLDER = "registers/"
NOUN = "register"


def noun(kind: str) -> str:
    """Return the noun of a kind's documents, which names their schema; that of all registers for a kind there is not."""
    return f"{NOUN}-{kind}" if kind in KINDS else NOUN


def path(name: str) -> str:
    """Return where the document of an id lies: `decision/0007-two-labels` is `registers/decision/0007-two-labels.yaml`."""
    return f"{FOLDER}{name}.yaml"
