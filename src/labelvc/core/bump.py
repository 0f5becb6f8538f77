"""Bump: what a new version of a guideline or taxonomy says otherwise, and by how much its version must grow for that.

Major, minor and patch as Semantic Versioning 2.0.0 has them, applied to instructions: what makes a person decide a case
otherwise breaks what was decided, what helps them decide as before does not.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from labelvc.core import documents, semver
from labelvc.model import jsonpointer
from labelvc.model.change import Edit

Weight = Literal["editorial", "clarifying", "meaning"]
WEIGHTS: Sequence[Weight] = ("editorial", "clarifying", "meaning")
"""How much an edit changes, least first: nothing for whoever decides, how surely they decide, or what they decide."""
GROWS: Mapping[Weight, str] = {"editorial": "patch", "clarifying": "minor", "meaning": "major"}
_DECIDING = frozenset(("definition", "use_when", "avoid_when", "ambiguity", "general", "taxonomy"))
_HELPING = frozenset(("examples", "counterexamples", "edge_cases"))
_POINTING = {"examples": True, "counterexamples": False, "edge_cases": True}
_OF_LABELS: Mapping[str, Weight] = {
    "added": "clarifying",
    "removed": "meaning",
    "renamed": "clarifying",
    "deprecated": "clarifying",
    "revived": "clarifying",
    "moved": "meaning",
}
_PARTING = frozenset(("merge", "split"))
_MARK = r"[.,;:!?…\"'()“”‘’«»]"
_MARKS = re.compile(rf"(?<!\d){_MARK}|{_MARK}(?!\d)")
_written = msgspec.json.Encoder(order="deterministic").encode
Decisions = Mapping[str, frozenset[str]]
"""A case that a guideline shows, a record's key or a text, to what it says of it."""


class Weighed(NamedTuple):
    """One thing that a document says differently, and how much that changes."""

    edit: Edit
    weight: Weight


def weighed(noun: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Weighed]:
    """Return what two versions of a document say differently, each weighed; the version itself is left out.

    A definition, a condition or a rule that reads otherwise changes the meaning, and so does a case that is decided
    otherwise; the first definition of a label, and examples, clarify. What differs in case, blanks or punctuation between
    words alone is editorial.

    Args:
        noun: `guideline` or `taxonomy`.
        old: what it said.
        new: what it says.
    """
    turned = _turned(old, new) if noun == "guideline" else frozenset()
    rule = _of_guideline if noun == "guideline" else _of_taxonomy
    found = [edit for edit in documents.edits(noun, dict(old), dict(new)) if edit.of != "version"]
    return [
        Weighed(edit, "meaning" if edit.block in _HELPING and edit.name in turned else rule(edit)) for edit in found
    ]


def heaviest(found: Iterable[Weighed]) -> Weight | None:
    """Return how much edits change together, None when there is none."""
    return max([one.weight for one in found], key=WEIGHTS.index, default=None)


def affected(found: Iterable[Weighed]) -> frozenset[str] | None:
    """Return the labels whose meaning edits change; None when it is that of every label."""
    heavy = [one.edit for one in found if one.weight == "meaning"]
    if any(not edit.name and not tells_lineage(edit) for edit in heavy):
        return None
    named = {edit.name for edit in heavy if edit.name}
    return frozenset(named.union(*[_ends(edit) for edit in heavy if tells_lineage(edit)]))


def least(version: str, weight: Weight) -> str:
    """Return the least version that may follow one.

    Before 1.0.0 a change of meaning raises the minor number and everything else the patch: nobody was promised anything yet.
    A version with a suffix, `1.0.0-rc.1`, may be followed by the one it announces.
    """
    major, minor, patch, announced = semver.numbers(version)
    if announced:
        return f"{major}.{minor}.{patch}"
    if major == 0:
        return f"0.{minor + 1}.0" if weight == "meaning" else f"0.{minor}.{patch + 1}"
    if weight == "meaning":
        return f"{major + 1}.0.0"
    return f"{major}.{minor + 1}.0" if weight == "clarifying" else f"{major}.{minor}.{patch + 1}"


def _of_guideline(edit: Edit) -> Weight:
    if edit.of == "label":
        return _OF_LABELS.get(edit.what, "editorial")
    where = edit.block or jsonpointer.steps(edit.pointer)[0]
    if where in _HELPING:
        return "editorial" if edit.what == "ordered" else "clarifying"
    if where not in _DECIDING or edit.what == "ordered" or _alike(edit.old, edit.new):
        return "editorial"
    return "clarifying" if edit.old is None and where in ("definition", "ambiguity") else "meaning"


def _of_taxonomy(edit: Edit) -> Weight:
    if edit.of == "label":
        return _OF_LABELS.get(edit.what, "editorial")
    if not tells_lineage(edit):
        return "editorial"
    parted = any(step.get("kind") in _PARTING for step in _steps(edit.new))
    return "meaning" if edit.what != "added" or parted else "editorial"


def _turned(old: Mapping[str, Any], new: Mapping[str, Any]) -> frozenset[str]:
    """Return the labels with a case that both versions show and decide otherwise."""
    before, after = _decisions(old), _decisions(new)
    return frozenset(
        label
        for case in before.keys() & after.keys()
        if before[case] != after[case]
        for label in (_written_label(said) for said in before[case] ^ after[case])
    )


def _decisions(value: Mapping[str, Any]) -> Decisions:
    found: dict[str, set[str]] = defaultdict(set)
    for label, blocks in value.get("labels", {}).items():
        for block, belongs in _POINTING.items():
            for example in blocks.get(block, ()):
                for case, said in _case(example):
                    found[case].add(f"{label}\0{said if belongs else f'not {said}'}")
    return {case: frozenset(said) for case, said in found.items()}


def _case(example: Any) -> Iterator[tuple[str, str]]:
    """Yield what an example shows and what it says of it; plain text of an edge case says what is to be done within itself."""
    if isinstance(example, str):
        yield example, ""
        return
    case = example.get("record") or example.get("text")
    if case:
        yield case, _written([example.get("label"), example.get("value")]).decode()


def _written_label(said: str) -> str:
    return said.partition("\0")[0]


def tells_lineage(edit: Edit) -> bool:
    """Tell whether an edit is one of the list of what was done to labels.

    Args:
        edit: an edit of a document.
    """
    return edit.of == "lineage" or edit.pointer == "/lineage"


def _steps(said: Any) -> list[Mapping[str, Any]]:
    """Return the steps of lineage that an edit brought or took, one or the first of them all together."""
    return [step for step in (said if isinstance(said, list) else [said]) if isinstance(step, dict)]


def _ends(edit: Edit) -> set[str]:
    steps = [step for step in (*_steps(edit.old), *_steps(edit.new)) if step.get("kind") in _PARTING]
    return {str(label) for step in steps for end in ("from", "to") for label in step.get(end, ())}


def _alike(old: Any, new: Any) -> bool:
    """Tell whether two texts say the same but for case, blanks and the punctuation between words."""
    if not isinstance(old, str) or not isinstance(new, str):
        return False
    return _folded(old) == _folded(new)


def _folded(text: str) -> str:
    return " ".join(_MARKS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).split())
