"""The life of a record, for programs; what people read of it is in a module of its own, which fewer need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from labelvc.cli.render import json
from labelvc.core import diff
from labelvc.core.veil import Veil
from labelvc.ops.meaning import Meaning
from labelvc.ops.trace import Life

if TYPE_CHECKING:
    from labelvc.ops.hindsight import Judged

NOT_TOLD, TOLD = "not told", "worked out now"


def document(life: Life, veil: Veil, judged: Sequence[Judged] | None = None, *, head: str) -> str:
    """Return what `trace --format json` prints.

    Args:
        life: the life.
        veil: hides plain values where a pseudonym must stand.
        judged: what the checks say of each step; None where they were not asked.
        head: the revision looked at, as the person wrote it.
    """
    return json.document("trace", items(life, veil, judged), head=head, summary=summary(life, judged))


def summary(life: Life, judged: Sequence[Judged] | None = None) -> dict[str, Any]:
    """Return what `trace` says in JSON about the whole life."""
    checks = NOT_TOLD if judged is None else TOLD
    later = None if life.later is None else str(life.later)
    releases = list(life.releases or ())
    return {"key": str(life.key), "steps": len(life.steps), "later": later, "checks": checks, "releases": releases}


def items(life: Life, veil: Veil, judged: Sequence[Judged] | None = None) -> list[json.Item]:
    """Return each step as `trace` prints it in JSON; arguments as for `document`."""
    return [
        {
            **json.delta(veil.drawn(diff.compare(step.delta))),
            "former": None if step.former is None else str(step.former),
            "commit": json.commit(step.commit),
            "integrated": step.integrated.id,
            "dropped": step.dropped and step.dropped.id,
            "governed": step.governed,
            "meaning": _meaning(step.meaning),
            "votes": [vote._asdict() for vote in step.votes],
            **({} if judged is None else {"checks": _checks(judged[at])}),
        }
        for at, step in enumerate(life.steps)
    ]


def _checks(judged: Judged) -> dict[str, Any]:
    found = [json.finding(one) for one in judged.findings] + [json.waived(one) for one in judged.waived]
    return {"findings": found, "untold": judged.untold}


def _meaning(meaning: Meaning | None) -> dict[str, Any] | None:
    return None if meaning is None else {**meaning._asdict(), "texts": [one._asdict() for one in meaning.texts]}
