"""The life of a record, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labelvc.cli.render import text
from labelvc.core import diff
from labelvc.core.veil import Veil
from labelvc.model.commit import Commit
from labelvc.ops.meaning import Meaning
from labelvc.ops.trace import Life, Step

if TYPE_CHECKING:
    from labelvc.model.vote import Vote
    from labelvc.ops.hindsight import Judged

_DECISIONS = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn"}


def trace(life: Life, veil: Veil, judged: Sequence[Judged] | None = None, *, color: bool) -> Iterator[str]:
    """Yield the record's present state, then each change with who, when, why and who answered for it.

    Args:
        life: the life.
        veil: hides plain values where a pseudonym must stand.
        judged: what the checks say of each step; None where they were not asked.
        color: whether to use colours.
    """
    item = veil.over(life.key._replace(id=""), diff.decoded(life.item))
    now = veil.over(life.key, diff.decoded(life.now))
    media = item.get("media")
    shown = item.get("text") or (media.get("path") if isinstance(media, dict) else None)
    yield f"{text.paint(text.named(str(life.key)), 'bold', on=color)}{f'  {text.short(shown)}' if shown else ''}\n"
    yield f"now  {_present(now) if diff.live(life.now) else 'deleted'}\n"
    if life.later is not None:
        yield f"     it went on as {text.named(str(life.later))}\n"
    for number, step in enumerate(life.steps, 1):
        yield "\n"
        yield from _step(number, step, veil, color=color)
        yield from _judged(judged[number - 1], color=color) if judged is not None else ()
    yield "\n"
    if judged is None:
        yield "checks   not told: no file keeps what `check` said; --checks asks again of each version\n"
    else:
        yield "checks   worked out now, by the rules of this labelvc under each commit's own documents; no file keeps what `check` said then\n"
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
        yield f"   key       was {text.named(str(step.former))} before this commit\n"
    if isinstance(new.get("by"), str):
        yield f"   annotator {text.safe(new['by'])}{_with(new)}\n"
    if isinstance(new.get("under"), str):
        yield f"   under     {text.safe(new['under'])}{_place(step.meaning)}\n"
    yield from _texts(step.meaning)
    yield f"   commit    {_line(commit)}\n"
    if step.integrated.id != commit.id and step.integrated != step.dropped:
        yield f"   merged    {_line(step.integrated)}\n"
    if step.dropped is not None:
        yield f"   dropped   {_line(step.dropped)}\n             it kept another side's line; `labelvc audit merges` tells whether somebody decided that\n"
    for vote in sorted(step.votes, key=lambda vote: not vote.stood):
        yield f"   {_vote(vote)}\n"
    if not any(vote.ordinary for vote in step.votes):
        yield f"   approval  {_why(step)}\n"


def _judged(judged: Judged, *, color: bool) -> Iterator[str]:
    """Yield what the checks say of a version."""
    if judged.untold:
        yield f"   check     cannot be told: {text.safe(judged.untold)}\n"
        return
    waived = f", {len(judged.waived)} waived" if judged.waived else ""
    yield f"   check     {text.tally(judged.findings)}{waived}\n"
    for one in judged.findings:
        place = f"{text.safe(one.place.pointer)}  " if one.place.pointer else ""
        severity = text.paint(one.severity.ljust(7), one.severity, on=color)
        yield f"             {severity} {one.rule.ljust(18)} {place}{text.safe(one.message)}\n"


def _why(step: Step) -> str:
    """Return why no yes that the rules ask for stood when the change came in."""
    if not step.governed:
        return "none: no policy was in force yet"
    later = [vote for vote in step.votes if vote.decision == "approve" and not vote.stood and not vote.superseded]
    agreed = [f"{text.safe(vote.name)} ({vote.principal})" for vote in later if vote.meaning != "emergency"]
    if any(vote.decision == "approve" and vote.stood for vote in step.votes):
        said = f"agreed to later by {', '.join(agreed)}" if agreed else "and nobody has agreed to it since"
        return f"let in in an emergency, {said}"
    if agreed:
        return f"none stood when it came in, so `verify` of {step.integrated.id[:10]} counts none"
    return "none: no statement covers this change"


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
        led = f", {text.safe(' or '.join(one.led))} since {one.since}" if one.led else ""
        said = f": {text.clip(text.safe(' '.join(one.definition.split())), 200)}" if one.definition else ""
        if named or since or gone or led or said:
            yield f"   meaning   {text.safe(one.label)}{named}{since}{gone}{led}{said}\n"


def _vote(vote: Vote) -> str:
    if vote.problem:
        return f"void      {text.safe(vote.path)}: {text.safe(vote.problem)}"
    word = _DECISIONS.get(vote.decision, vote.decision)
    late = "" if vote.stood else ", after it came in"
    late += f", in an emergency: {text.safe(vote.reason)}" if vote.meaning == "emergency" else ""
    late += f", superseded by {text.safe(vote.superseded.rpartition('/')[2])}" if vote.superseded else ""
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
