"""The life of a record with its proofs, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from labelvc.cli.render import json, text
from labelvc.core import diff
from labelvc.core.veil import Veil
from labelvc.ops import materials
from labelvc.ops.evidence import GOOD, Document, Proof, Record, Word
from labelvc.ops.trace import Step

NOT_TOLD = "not told: no file keeps what `check` said; `labelvc check A..B` asks again"
_DECISIONS = {"approve": "approved", "reject": "rejected", "withdraw": "withdrawn"}


def document(found: Record, head: str, veil: Veil) -> str:
    """Return a life and its proofs as JSON (`schemas/audit-trace.v1.json`)."""
    life = found.life
    summary = {
        "key": str(life.key), "steps": len(life.steps), "now": found.now, "item": found.item,
        "later": None if life.later is None else str(life.later), "checks": "not told",
        "root": None if found.anchor is None else {"root": found.anchor[0], "pinned": found.anchor[1]},
        "releases": [one._asdict() for one in found.releases],
    }  # fmt: skip
    items = [_item(step, proof, veil) for step, proof in zip(life.steps, found.proofs, strict=True)]
    return json.document("audit-trace", items, head=head, summary=summary)


def lines(found: Record, veil: Veil, *, color: bool) -> Iterator[str]:
    """Yield a life as an auditor reads it: below each fact what proves it, and what is not there is said."""
    life = found.life
    now = veil.over(life.key, diff.decoded(diff.live(life.now)))
    yield f"{text.paint(text.named(str(life.key)), 'bold', on=color)}\n"
    yield f"now       {_value(now)}  line {found.now or 'none'}\n"
    source = veil.over(life.key._replace(id=""), diff.decoded(life.item))
    told = "; ".join(f"{text.safe(name)} {text.short(source[name])}" for name in source if name != "id")
    yield (
        f"item      {told or 'nothing but its id'}  line {found.item}\n"
        if found.item
        else "item      none: no line tells of it\n"
    )
    if life.later is not None:
        yield f"          it went on as {text.named(str(life.later))}\n"
    for number, (step, proof) in enumerate(zip(life.steps, found.proofs, strict=True), 1):
        yield "\n"
        yield from _step(number, step, proof, veil, color=color)
    yield "\n"
    for one in found.releases:
        proved = f"the line leads to {one.root} there" if one.root else f"not followed: {text.safe(one.why)}"
        yield f"release   {one.version} {one.digest}, {one.state}\n          {proved}\n"
    if not found.releases:
        yield f"release   none{' holds this line' if life.releases is not None else ': there is no releases/ folder'}\n"
    yield f"checks    {NOT_TOLD}\n"
    if found.anchor is None:
        yield "root      none: no policy is in force\n"
    else:
        yield f"root      {found.anchor[0]} ({'pinned' if found.anchor[1] else 'unpinned'})\n"


def _step(number: int, step: Step, proof: Proof, veil: Veil, *, color: bool) -> Iterator[str]:
    seen = veil.drawn(diff.compare(step.delta))
    new = seen.new
    yield f"{number}. {text.paint(seen.kind.ljust(8), 'bold', on=color)} {text.what(seen)}\n"
    yield f"   line      {proof.old or 'none'} -> {proof.new or 'none'}\n"
    if step.former is not None:
        yield f"   key       was {text.named(str(step.former))} before this commit\n"
    by = new.get("by")
    behind = f", whom the policy knows as {proof.maker}" if proof.maker else ", whom no policy names"
    yield f"   annotator {text.safe(by) + behind if isinstance(by, str) else 'not said'}{_origin(new)}\n"
    yield f"   under     {_meant(step, proof)}\n"
    yield f"   commit    {step.commit.id} by {', '.join(proof.authors)}, {step.commit.authored} as claimed\n"
    yield f"   came in   {step.integrated.id}, {step.integrated.committed} as claimed\n"
    yield f"             after {proof.parent or 'nothing'}\n"
    yield f"             change-set {proof.changeset}\n"
    if step.dropped is not None:
        yield f"   dropped   {step.dropped.id}, a merge that kept another side's line\n"
    policy = f"by policy {proof.policy[0]} {proof.policy[1]}" if proof.policy else "no policy was in force"
    then = " when it came in" if proof.state == "conditional" else ""
    yield f"   judged    the whole step {proof.state}{then}, {policy}\n"
    for word in proof.words:
        yield from _word(word)
    if not any(word.vote.decision == "approve" and word.vote.stood for word in proof.words):
        yield f"   approval  none: {_why(step, proof)}\n"


def _word(word: Word) -> Iterator[str]:
    vote, said = word.vote, word.approval
    if said is None or not vote.decision:
        yield f"   void      {text.safe(vote.path)}: {text.safe(vote.problem)}\n"
        return
    name = f"{text.safe(said.signer.printed_name)} ({said.signer.principal})"
    verb = _DECISIONS.get(said.decision, said.decision)
    late = f", until {said.expires_at}" if said.expires_at else ""
    late += "" if vote.stood else ", after it came in"
    yield f"   {verb.ljust(9)} by {name} as {text.safe(said.role)}, meaning {said.meaning}, {said.signed_at} as claimed{late}\n"
    if said.reason:
        yield f"             because: {text.clip(text.safe(said.reason), 300)}\n"
    if said.reference:
        yield f"             talked about: {text.clip(text.safe(said.reference), 300)}\n"
    for each in materials.shown(said.materials):
        yield f"             went by {text.safe(each.name)} sha256:{each.sha256}\n"
    yield f"             {text.safe(vote.path)}\n"
    yield f"             statement {word.digest}\n"
    yield f"             change-set {said.root}\n"
    now = "good today" if word.now == GOOD else f"would not count today: {text.safe(word.now)}"
    yield f"             signature good under policy {vote.policy}, {now}\n"


def _why(step: Step, proof: Proof) -> str:
    if not step.governed:
        return "no policy was in force yet"
    if any(word.vote.decision == "approve" for word in proof.words):
        return "what approves it came after it"
    return "no statement covers this change"


def _meant(step: Step, proof: Proof) -> str:
    meaning = step.meaning
    if meaning is None or not meaning.guideline:
        return "no guideline is named"
    lost = "" if meaning.found else " (no guideline of that version is in history)"
    told = f"{text.safe(meaning.guideline)}{lost}, {_place(proof.guideline)}"
    return f"{told}; taxonomy {text.safe(meaning.taxonomy)}, {_place(proof.taxonomy)}" if meaning.taxonomy else told


def _place(found: Document | None) -> str:
    if found is None:
        return "no such file at the commit"
    same = "" if found.today == found.digest else f" (today {found.today or 'gone'})"
    return f"{text.safe(found.path)} {found.digest}{same}"


def _value(fields: Mapping[str, Any]) -> str:
    if not fields:
        return "deleted"
    shown = next((fields[name] for name in ("value", "text", "media") if name in fields), fields)
    return text.short(shown) + (f"  rev {fields['rev']}" if "rev" in fields else "")


def _origin(fields: Mapping[str, Any]) -> str:
    origin = fields.get("origin")
    said = [f"{name} {text.short(origin[name])}" for name in sorted(origin)] if isinstance(origin, dict) else []
    return f"  ({', '.join(said)})" if said else ""


def _item(step: Step, proof: Proof, veil: Veil) -> Mapping[str, Any]:
    seen = veil.drawn(diff.compare(step.delta))
    return {
        "kind": seen.kind,
        "fields": list(seen.pointers),
        "old": proof.old,
        "new": proof.new,
        "record": seen.new if diff.live(step.delta.new) else None,
        "former": None if step.former is None else str(step.former),
        "maker": proof.maker or None,
        "guideline": _document(step.meaning.guideline if step.meaning else "", proof.guideline),
        "taxonomy": _document(step.meaning.taxonomy if step.meaning else "", proof.taxonomy),
        "commit": {"id": step.commit.id, "authors": list(proof.authors), "authored": step.commit.authored},
        "integrated": {"id": step.integrated.id, "parent": proof.parent, "committed": step.integrated.committed},
        "dropped": step.dropped and step.dropped.id,
        "state": proof.state,
        "changeset": proof.changeset,
        "policy": None if proof.policy is None else {"version": proof.policy[0], "digest": proof.policy[1]},
        "statements": [_said(word) for word in proof.words],
        "approval": "covered"
        if any(word.vote.decision == "approve" and word.vote.stood for word in proof.words)
        else f"none: {_why(step, proof)}",
    }


def _document(name: str, found: Document | None) -> Mapping[str, Any] | None:
    if not name:
        return None
    return {"name": name, **(found._asdict() if found else dict.fromkeys(Document._fields))}


def _said(word: Word) -> Mapping[str, Any]:
    said = word.approval
    about = {
        "path": word.vote.path,
        "digest": word.digest or None,
        "stood": word.vote.stood,
        "then": word.then,
        "now": word.now,
    }
    if said is None:
        return about
    return {
        **about, "principal": said.signer.principal, "name": said.signer.printed_name, "role": said.role,
        "decision": said.decision, "meaning": said.meaning, "signed": said.signed_at, "reason": said.reason,
        "changeset": said.root, "materials": [{"name": each.name, "sha256": each.sha256} for each in said.materials],
        **({"reference": said.reference} if said.reference else {}),
    }  # fmt: skip
