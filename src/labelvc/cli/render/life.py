"""The life of a record, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labelvc.cli.render import json, text
from labelvc.core import diff
from labelvc.core.veil import Veil
from labelvc.model.names import Key
from labelvc.ops.trace import Life, Origin, Step, Vote
from labelvc.store.history import Commit


def trace(life: Life, veil: Veil, *, color: bool) -> Iterator[str]:
    """Yield the record's present state, then each change with who, when, why and who answered for it."""
    item = veil.over(life.key._replace(id=""), diff.decoded(life.item))
    now = veil.over(life.key, diff.decoded(life.now))
    media = item.get("media")
    shown = item.get("text") or (media.get("path") if isinstance(media, dict) else None)
    yield f"{text.paint(text.safe(str(life.key)), 'bold', on=color)}{f'  {text.short(shown)}' if shown else ''}\n"
    yield f"now  {_present(now) if diff.live(life.now) else 'deleted'}\n"
    for number, step in enumerate(life.steps, 1):
        yield "\n"
        yield from _step(number, step, veil, color=color)


def _step(number: int, step: Step, veil: Veil, *, color: bool) -> Iterator[str]:
    seen, commit = veil.drawn(diff.compare(step.delta)), step.commit
    new = seen.new
    yield f"{number}. {text.paint(seen.kind.ljust(8), 'bold', on=color)} {text.what(seen)}\n"
    if isinstance(new.get("by"), str):
        yield f"   made by   {text.safe(new['by'])}{_with(new)}\n"
    if isinstance(new.get("under"), str):
        yield f"   under     {text.safe(new['under'])}\n"
    yield f"   commit    {commit.id[:10]}  {commit.authored}  {text.safe(commit.author.name)}: {text.safe(commit.subject)}\n"
    if step.integrated != commit.id:
        yield f"   merged    {step.integrated[:10]}\n"
    for vote in step.votes:
        yield f"   {_vote(vote)}\n"
    if not any(vote.decision == "approve" for vote in step.votes):
        yield f"   approval  none: {'no statement covers this change' if step.governed else 'no policy was in force yet'}\n"


def _vote(vote: Vote) -> str:
    if vote.problem:
        return f"void      {text.safe(vote.path)}: {text.safe(vote.problem)}"
    word = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn"}.get(vote.decision, vote.decision)
    who = f"{text.safe(vote.name)} ({vote.principal}) as {vote.role}, {vote.signed}, policy {vote.policy}"
    return f"{word.ljust(9)} {who}\n             {text.safe(vote.path)}"


def _with(fields: Mapping[str, Any]) -> str:
    origin = fields.get("origin")
    if not isinstance(origin, dict):
        return ""
    said = [f"{word} {text.short(origin[word])}" for word in ("tool", "model", "ref", "migration") if word in origin]
    return f"  ({', '.join(said)})" if said else ""


def _present(fields: Mapping[str, Any]) -> str:
    shown = next((fields[name] for name in ("value", "text", "media") if name in fields), fields)
    return text.short(shown) + (f"  rev {fields['rev']}" if "rev" in fields else "")


def trace_items(life: Life, veil: Veil) -> list[json.Item]:
    """Return each step as `trace` prints it in JSON."""
    return [
        {
            **json.delta(veil.drawn(diff.compare(step.delta))),
            "commit": _commit(step.commit),
            "integrated": step.integrated,
            "governed": step.governed,
            "votes": [vote._asdict() for vote in step.votes],
        }
        for step in life.steps
    ]


def blame(found: Mapping[Key, Sequence[Origin]], *, color: bool) -> Iterator[str]:
    """Yield each record of an item with the last commit of each of its fields."""
    for key, origins in found.items():
        yield f"{text.paint(text.safe(str(key)), 'bold', on=color)}\n"
        names = [text.safe(origin.pointer) for origin in origins]
        values = [text.short(origin.value) for origin in origins]
        wide, broad = max(map(len, names)), min(40, max(map(len, values)))
        for name, value, origin in zip(names, values, origins, strict=True):
            commit = origin.commit
            author = text.safe(commit.author.name)
            yield f"  {name.ljust(wide)}  {value.ljust(broad)}  {commit.id[:10]} {commit.authored[:10]} {author}: {text.safe(commit.subject)}\n"


def blame_items(found: Mapping[Key, Sequence[Origin]]) -> list[json.Item]:
    """Return each field of each record as `blame` prints it in JSON."""
    return [
        {"key": str(key), "pointer": origin.pointer, "value": origin.value, "commit": _commit(origin.commit)}
        for key, origins in found.items()
        for origin in origins
    ]


def _commit(commit: Commit) -> dict[str, Any]:
    return {
        "id": commit.id,
        "author": {"name": commit.author.name, "email": commit.author.email},
        "coauthors": [{"name": person.name, "email": person.email} for person in commit.coauthors],
        "authored": commit.authored,
        "committed": commit.committed,
        "subject": commit.subject,
    }
