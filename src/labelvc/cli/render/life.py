"""The life of a record and the log of many, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec

from labelvc.cli.render import json, text
from labelvc.core import diff
from labelvc.core.veil import Veil
from labelvc.model.change import Kind
from labelvc.model.commit import Commit
from labelvc.ops.blame import Blamed, Makers
from labelvc.ops.log import Logged
from labelvc.ops.meaning import Meaning
from labelvc.ops.trace import Life, Step
from labelvc.ops.votes import Vote

NOT_TOLD = "not told"
_DOCUMENTS = 6
_AT_ONCE = 32
_DECISIONS = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn"}
_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines


def log(found: Iterable[Logged], veil: Veil, *, color: bool) -> Iterator[str]:
    """Yield each commit with what it changed: one line for its counts, one for each change that is told in full."""
    for one in found:
        commit = one.commit
        head = text.paint(commit.id[:10], "bold", on=color)
        yield f"{head}  {commit.authored[:10]}  {text.safe(commit.author.name)}: {text.safe(commit.subject)}\n"
        if one.changes:
            for delta in one.changes:
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


def log_item(one: Logged, veil: Veil) -> json.Item:
    """Return a commit as `log` prints it in JSON."""
    return {
        "commit": _commit(one.commit),
        "records": _numbers(one.records),
        "items": _numbers(one.items),
        "documents": list(one.documents),
        "changes": [json.delta(veil.drawn(diff.compare(delta))) for delta in one.changes],
    }


def _numbers(counts: Counter[Kind]) -> dict[str, int]:
    return {kind: number for kind, number in sorted(counts.items()) if number}


def trace(life: Life, veil: Veil, *, color: bool) -> Iterator[str]:
    """Yield the record's present state, then each change with who, when, why and who answered for it."""
    item = veil.over(life.key._replace(id=""), diff.decoded(life.item))
    now = veil.over(life.key, diff.decoded(life.now))
    media = item.get("media")
    shown = item.get("text") or (media.get("path") if isinstance(media, dict) else None)
    yield f"{text.paint(text.safe(str(life.key)), 'bold', on=color)}{f'  {text.short(shown)}' if shown else ''}\n"
    yield f"now  {_present(now) if diff.live(life.now) else 'deleted'}\n"
    if life.later is not None:
        yield f"     it went on as {text.safe(str(life.later))}\n"
    for number, step in enumerate(life.steps, 1):
        yield "\n"
        yield from _step(number, step, veil, color=color)
    yield "\n"
    yield "checks   not told: no file keeps what `check` said; `labelvc check A..B` asks again\n"
    yield f"release  {_released(life)}\n"


def _released(life: Life) -> str:
    if life.releases is None:
        return "none: there is no releases/ folder"
    if life.releases:
        return f"{', '.join(life.releases)} {'holds' if len(life.releases) == 1 else 'hold'} this line; `labelvc release verify` proves it"
    return "none holds this line"


def _step(number: int, step: Step, veil: Veil, *, color: bool) -> Iterator[str]:
    seen, commit = veil.drawn(diff.compare(step.delta)), step.commit
    new = seen.new
    yield f"{number}. {text.paint(seen.kind.ljust(8), 'bold', on=color)} {text.what(seen)}\n"
    if step.former is not None:
        yield f"   key       was {text.safe(str(step.former))} before this commit\n"
    if isinstance(new.get("by"), str):
        yield f"   made by   {text.safe(new['by'])}{_with(new)}\n"
    if isinstance(new.get("under"), str):
        yield f"   under     {text.safe(new['under'])}{_place(step.meaning)}\n"
    yield from _texts(step.meaning)
    yield f"   commit    {_line(commit)}\n"
    if step.integrated.id != commit.id:
        yield f"   merged    {_line(step.integrated)}\n"
    for vote in step.votes:
        yield f"   {_vote(vote)}\n"
    if not any(vote.decision == "approve" and vote.stood for vote in step.votes):
        yield f"   approval  none{_why(step)}\n"


def _why(step: Step) -> str:
    if not step.governed:
        return ": no policy was in force yet"
    if any(vote.decision == "approve" for vote in step.votes):
        return f" stood when it came in, so `verify` of {step.integrated.id[:10]} counts none"
    return ": no statement covers this change"


def _line(commit: Commit) -> str:
    return f"{commit.id[:10]}  {commit.authored}  {text.safe(commit.author.name)}: {text.safe(commit.subject)}"


def _place(meaning: Meaning | None) -> str:
    if meaning is None:
        return ""
    lost = "" if meaning.found or not meaning.guideline else "  (no guideline of that version is in history)"
    return (f"  (taxonomy {text.safe(meaning.taxonomy)})" if meaning.taxonomy else "") + lost


def _texts(meaning: Meaning | None) -> Iterator[str]:
    for one in meaning.texts if meaning else ():
        named = f" {text.safe(one.name)!r}" if one.name and one.name != one.label else ""
        since = f", now {text.safe(one.now)!r}" if one.now and one.name and one.now != one.name else ""
        gone = ", no label any more" if one.name and not one.now else ""
        said = f": {text.clip(text.safe(' '.join(one.definition.split())), 200)}" if one.definition else ""
        if named or since or gone or said:
            yield f"   meaning   {text.safe(one.label)}{named}{since}{gone}{said}\n"


def _vote(vote: Vote) -> str:
    if vote.problem:
        return f"void      {text.safe(vote.path)}: {text.safe(vote.problem)}"
    word = _DECISIONS.get(vote.decision, vote.decision)
    late = "" if vote.stood else ", after it came in"
    who = f"{text.safe(vote.name)} ({vote.principal}) as {vote.role}, {vote.signed}, policy {vote.policy}{late}"
    return f"{(word if vote.stood else 'later').ljust(9)} {'' if vote.stood else word + ' by '}{who}\n             {text.safe(vote.path)}"


def _with(fields: Mapping[str, Any]) -> str:
    origin = fields.get("origin")
    if not isinstance(origin, dict):
        return ""
    said = [f"{word} {text.short(origin[word])}" for word in ("tool", "model", "ref", "migration") if word in origin]
    return f"  ({', '.join(said)})" if said else ""


def _present(fields: Mapping[str, Any]) -> str:
    shown = next((fields[name] for name in ("value", "text", "media") if name in fields), fields)
    return text.short(shown) + (f"  rev {fields['rev']}" if "rev" in fields else "")


def trace_summary(life: Life) -> dict[str, Any]:
    """Return what `trace` says in JSON about the whole life."""
    later = None if life.later is None else str(life.later)
    releases = list(life.releases or ())
    return {"key": str(life.key), "steps": len(life.steps), "later": later, "checks": NOT_TOLD, "releases": releases}


def trace_items(life: Life, veil: Veil) -> list[json.Item]:
    """Return each step as `trace` prints it in JSON."""
    return [
        {
            **json.delta(veil.drawn(diff.compare(step.delta))),
            "former": None if step.former is None else str(step.former),
            "commit": _commit(step.commit),
            "integrated": step.integrated.id,
            "governed": step.governed,
            "meaning": _meaning(step.meaning),
            "votes": [vote._asdict() for vote in step.votes],
        }
        for step in life.steps
    ]


def _meaning(meaning: Meaning | None) -> dict[str, Any] | None:
    return None if meaning is None else {**meaning._asdict(), "texts": [one._asdict() for one in meaning.texts]}


def blame(found: Iterable[Blamed], *, color: bool) -> Iterator[str]:
    """Yield each record with the last commit of each of its fields."""
    for key, fields in found:
        origins = list(fields)
        yield f"{text.paint(text.safe(str(key)), 'bold', on=color)}\n"
        names = [text.safe(origin.pointer) for origin in origins]
        values = [text.short(origin.value) for origin in origins]
        wide, broad = max(map(len, names), default=0), min(40, max(map(len, values), default=0))
        for name, value, origin in zip(names, values, origins, strict=True):
            commit = origin.commit
            author = text.safe(commit.author.name)
            yield f"  {name.ljust(wide)}  {value.ljust(broad)}  {commit.id[:10]} {commit.authored[:10]} {author}: {text.safe(commit.subject)}\n"


def blame_items(found: Iterable[Blamed]) -> Iterator[json.Item]:
    """Yield each field of each record as `blame` prints it in JSON."""
    known: dict[str, dict[str, Any]] = {}
    for key, origins in found:
        for pointer, value, commit, by in origins:
            if commit.id not in known:
                known[commit.id] = _commit(commit)
            yield {"key": str(key), "pointer": pointer, "value": value, "commit": known[commit.id], "by": by}


def blame_lines(found: Iterable[Blamed]) -> Iterator[str]:
    """Yield what `json.lines` makes of `blame_items`, many records at once.

    Only key and values differ between two records whose fields the same commits set: the rest is encoded once for all.
    """
    rest = iter(found)
    while some := list(islice(rest, _AT_ONCE)):
        pieces: list[bytes] = []
        for key, fields in some:
            row = _frame(fields.makers).copy()
            row[1::4] = [_encode(str(key))] * len(fields.values)
            row[3::4] = _encode_lines(fields.values).splitlines()
            pieces += row
        yield b"".join(pieces).decode()


@lru_cache(maxsize=1 << 12)
def _frame(makers: Makers) -> list[bytes]:
    """Return what stands around the key and the value of each field in its line; empty where those two belong."""
    known: dict[tuple[str, str], bytes] = {}
    found = [b'{"key":']
    for pointer, commit, by in zip(makers.pointers, makers.commits, makers.by, strict=True):
        end = known.get((commit.id, by))
        if end is None:
            end = known[commit.id, by] = b',"commit":%b,"by":%b}\n{"key":' % (_commit_line(commit), _encode(by))
        found += [b"", b',"pointer":%b,"value":' % _encode(pointer), b"", end]
    found[-1] = found[-1].removesuffix(b'{"key":')
    return found


@lru_cache(maxsize=1 << 12)
def _commit_line(commit: Commit) -> bytes:
    return _encode(_commit(commit))


def _commit(commit: Commit) -> dict[str, Any]:
    return {
        "id": commit.id,
        "author": {"name": commit.author.name, "email": commit.author.email},
        "coauthors": [{"name": person.name, "email": person.email} for person in commit.coauthors],
        "authored": commit.authored,
        "committed": commit.committed,
        "subject": commit.subject,
    }
