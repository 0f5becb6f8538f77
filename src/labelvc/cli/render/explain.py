"""What a place or a change needs, for people and programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from labelvc.cli.render import trust as render
from labelvc.cli.render.text import count, safe
from labelvc.codec import moment
from labelvc.model.shell import word
from labelvc.ops.explain import Asked, Explained, Place

_FREE = {
    "other": "no policy protects it: nobody is asked",
    "trust": "it answers to the root keys alone, and to no rule: labelvc trust show",
}


def lines(found: Explained, words: str) -> Iterator[str]:
    """Yield an explanation as a person reads it.

    Args:
        found: the explanation.
        words: what was asked about, as it was typed.
    """
    state = f"; {words} is {found.state}" if found.state else ""
    yield f"policy      version {max(1, found.policy.version)}{safe(state)}\n"
    for place in found.places:
        moves = f" ({count(place.moves, 'change')})" if found.state else ""
        yield f"{place.kind.ljust(11)} {safe(place.place)}{moves}\n"
        yield from (f"  {line}\n" for line in _place(place, words, judged=bool(found.state)))
    for said in found.said:
        urgent = " in an emergency" if said.meaning == "emergency" else ""
        word = f"{safe(said.principal)} said {said.decision} as {safe(said.role)}{urgent}"
        yield f"said        {word}{render.limit(said, found.at)}\n"
    yield from (f"problem     {line}\n" for line in render.faults(found.problems))


def items(found: Explained) -> list[Mapping[str, Any]]:
    """Return the places as `policy explain --format json` lists them (`schemas/policy-explain.v1.json`)."""
    return [
        {
            "kind": place.kind,
            "place": place.place,
            "moves": place.moves,
            "denied": place.denied,
            "rules": [{"name": rule.name, "needs": [_item(asked) for asked in needs]} for rule, needs in place.rules],
        }
        for place in found.places
    ]


def summary(found: Explained) -> Mapping[str, Any]:
    """Return what stands around the places in JSON."""
    said = [
        {
            "principal": each.principal,
            "role": each.role,
            "decision": each.decision,
            "statement": each.digest,
            **({"expires_at": each.expires_at} if each.expires_at else {}),
        }
        for each in found.said
    ]
    problems = [{"path": each.path, "message": each.message} for each in found.problems]
    at = {} if found.at is None else {"at": moment.instant(found.at)}
    return {"policy": found.policy.version, "state": found.state, **at, "approvals": said, "problems": problems}


def _place(place: Place, words: str, *, judged: bool) -> Iterator[str]:
    if place.kind in _FREE:
        yield _FREE[place.kind]
    elif place.denied:
        yield "denied: no rule is about it"
        yield f"next: labelvc policy rule set NAME --kind {place.kind} --path '{safe(place.place)}' --need ROLE"
    for rule, needs in place.rules:
        yield f"rule {safe(repr(rule.name))} asks {'; '.join(render.need(each.need) for each in needs)}"
        for each in needs:
            yield from (f"  {line}" for line in _need(each, words, judged=judged))
        if rule.emergency:
            yield f"  in an emergency {render.need(rule.emergency)} lets it in before that{render.soon(rule)}"


def _need(asked: Asked, words: str, *, judged: bool) -> Iterator[str]:
    need = asked.need
    met = asked.have is not None and asked.have >= need.count
    have = "" if asked.have is None else f"{asked.have} of {need.count} {need.role}; "
    able = ", ".join(map(safe, asked.able)) or "nobody"
    yield f"{have}{'nothing is missing' if met else f'{able} can'}"
    yield from (f"{safe(name)}'s yes {render.ENDED}" for name in asked.ended)
    for name, why in sorted(asked.barred.items()):
        yield f"{safe(name)} cannot: {safe(why)}"
    if judged and not met and asked.able:
        yield f"next: labelvc approve {safe(word(words))} --role {need.role}"


def _item(asked: Asked) -> Mapping[str, Any]:
    need = asked.need
    proofs = {name: True for name in ("touch", "verification") if getattr(need.presence, name)}
    return {
        "role": need.role,
        "count": need.count,
        "distinct_from": list(need.distinct_from),
        **{f"require_{name}": value for name, value in proofs.items()},
        **({} if need.max_age is None else {"max_age": need.max_age}),
        **({"ended": list(asked.ended)} if asked.ended else {}),
        **({} if asked.have is None else {"have": asked.have, "missing": max(0, need.count - asked.have)}),
        "who_can": list(asked.able),
        "barred": [{"principal": name, "reason": why} for name, why in sorted(asked.barred.items())],
    }
