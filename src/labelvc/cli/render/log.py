"""The log of many commits, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from labelvc.cli.render import json, text
from labelvc.core import diff
from labelvc.core.veil import Veil
from labelvc.model.change import Kind
from labelvc.ops.log import Logged

_DOCUMENTS = 6


def log(found: Iterable[Logged], veil: Veil, *, color: bool) -> Iterator[str]:
    """Yield each commit with what it changed: one line for its counts, one for each change that is told in full."""
    for one in found:
        commit = one.commit
        head = text.paint(commit.id[:10], "bold", on=color)
        yield f"{head}  {commit.authored[:10]}  {text.safe(commit.author.name)}: {text.safe(commit.subject)}\n"
        if one.changes:
            for delta in sorted(one.changes, key=lambda delta: str(delta.key)):
                yield f"  {text.delta(veil.drawn(diff.compare(delta)), color=color)}"
        else:
            yield f"  {_counts(one)}\n"


def _counts(one: Logged) -> str:
    words = []
    for noun, counts in (("record", one.records), ("item", one.items)):
        said = [f"{number:,} {kind}" for kind, number in sorted(counts.items()) if number]
        words += [f"{noun}s: {', '.join(said)}"] if said else []
    if one.documents:
        named = [text.safe(path) for path in one.documents[:_DOCUMENTS]]
        more = len(one.documents) - len(named)
        words.append(f"documents: {', '.join(named)}{f' and {more:,} more' if more else ''}")
    return "; ".join(words)


def item(one: Logged, veil: Veil) -> json.Item:
    """Return a commit as `log` prints it in JSON."""
    return {
        "commit": json.commit(one.commit),
        "records": _numbers(one.records),
        "items": _numbers(one.items),
        "documents": list(one.documents),
        "changes": [json.delta(veil.drawn(diff.compare(delta))) for delta in one.changes],
    }


def _numbers(counts: Counter[Kind]) -> dict[str, int]:
    return {kind: number for kind, number in sorted(counts.items()) if number}
