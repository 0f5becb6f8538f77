"""What lost its approval by a distrust, for people and programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labelvc.cli.render import text as plain
from labelvc.core import decide
from labelvc.ops import remedy
from labelvc.ops.impact import Loss

_MOST = 20


def items(loss: Loss) -> Iterator[Mapping[str, Any]]:
    """Yield what a step lost as `audit impact` prints it in JSON (`schemas/audit-impact.v1.json`)."""
    step = loss.step
    head = {"commit": step.commit, "parent": step.parent, "state": step.state, "reasons": list(loss.reasons)}
    for key in loss.keys:
        yield {**head, "key": key, "kind": decide.kind_of(key)}


def lines(loss: Loss, subject: str, *, color: bool) -> Iterator[str]:
    """Yield a step with what it lost and how it is approved again.

    Args:
        loss: what was lost.
        subject: first line of the commit's message.
        color: whether to paint.
    """
    step = loss.step
    yield f"{plain.paint(step.commit[:10], 'bold', on=color)}  {plain.safe(subject)}\n"
    word = "untold" if step.state == "undecidable" else "lost"
    for key in loss.keys[:_MOST]:
        yield f"  {plain.paint(word.ljust(6), 'error', on=color)}  {plain.safe(key)}\n"
    if len(loss.keys) > _MOST:
        yield f"  and {len(loss.keys) - _MOST:,} more; labelvc audit impact --format jsonl lists all\n"
    yield from (f"  why     {plain.safe(reason)}\n" for reason in loss.reasons)
    if missing := next((need for need in step.needs if need.have < need.asked), None):
        cure = remedy.cure(missing, f"{step.parent[:12]}..{step.commit[:12]}")
        yield f"  {plain.paint(f'next: {cure}', 'dim', on=color)}\n"


def totals(losses: Sequence[Loss]) -> str:
    """Return the last line: how much was lost in how many steps."""
    lost = sum(len(each.keys) for each in losses)
    whose = "its approval" if lost == 1 else "their approval"
    return f"{plain.count(lost, 'change')} in {plain.count(len(losses), 'step')} lost {whose}\n"


def summary(losses: Sequence[Loss], steps: int) -> Mapping[str, int]:
    """Return the counts in JSON."""
    return {
        "steps": steps,
        "wrong": len(losses),
        "lost": sum(len(each.keys) for each in losses if each.step.state != "undecidable"),
        "untold": sum(each.step.state == "undecidable" for each in losses),
    }
