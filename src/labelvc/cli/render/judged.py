"""A judged branch for people and programs: one list of findings, and a page of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape

from msgspec.structs import replace

from labelvc.cli.render import audit, markdown, review_markdown, text, trust
from labelvc.cli.render.review_markdown import MARK
from labelvc.model.finding import SEVERITIES, Finding, Place
from labelvc.model.review import Review
from labelvc.ops import remedy
from labelvc.ops.approvals import Lost
from labelvc.ops.ci import BY, Judged, Untold
from labelvc.ops.steps import Step

_OPEN = ("conditional", "missing", "denied")
_POLICY = "trust/policy.json"
_PROJECT = "labelvc.yaml"
BUDGET = 60_000
"""Characters of a summary at most; GitHub refuses a comment of more than 65,536."""
LISTED = 50
"""How many findings a summary holds where there is no review."""
HELD = 500
"""How many findings a review holds; the other files hold all."""
SHOWN = 20
"""How many findings the page of text holds; the files hold all."""


def findings(judged: Judged) -> list[Finding]:
    """Return all that a judgement found, the most severe first: of content, merges and approvals, and what could not be told.

    Args:
        judged: the judgement.
    """
    found = [*judged.report.findings, *judged.mended]
    found += [_torn(judged, path, places) for path, places in judged.torn]
    found += _faults(judged)
    for step in judged.steps:
        found += _lacking(step, words(judged))
    found += [_untold(one) for one in judged.untold]
    return sorted(found, key=lambda one: (-SEVERITIES.index(one.severity), one.place, one.rule, one.message))


def words(judged: Judged) -> str:
    """Return the range of a branch, as a command takes it."""
    return f"{judged.base[:12]}...{judged.head[:12]}"


def page(judged: Judged, found: Sequence[Finding], *, color: bool) -> Iterator[str]:
    """Yield a judgement as a person reads it.

    Args:
        judged: the judgement.
        found: what `findings` made of it.
        color: whether to paint.
    """
    ends = [f"{name} {one[:12] or 'not here'}" for name, one in (("base", judged.base), ("head", judged.head))]
    yield f"{'; '.join(ends)}: {text.count(judged.commits, 'commit')}; policy, settings and exceptions are the base's\n"
    report = judged.report
    known = f", {text.count(report.known, 'known finding')} not listed" if report.known else ""
    looked = f"{text.count(report.lines, 'line')} in {text.count(report.shards, 'shard')} looked at"
    mended = f", {len(judged.mended):,} mended on the way" if judged.mended else ""
    waived = f", {len(report.waived):,} waived" if report.waived else ""
    yield f"content    {text.tally(report.findings)}{known}{waived}{mended}; {looked}\n"
    faults = f"{len(judged.faults):,} wrong" if judged.faults else "none wrong"
    decided = f", {text.count(judged.resolved, 'conflict')} decided by a person" if judged.resolved else ""
    yield f"merges     {text.count(judged.merges, 'merge')}, {faults}{decided}\n"
    torn = f"in conflict with the base in {text.count(len(judged.torn), 'file')}" if judged.torn else judged.tree[:12]
    yield f"merged     {torn or 'could not be told'}\n"
    for step in judged.steps:
        version = "" if step.policy is None else f", policy {step.policy}"
        yield f"approvals  {step.state}: {step.covered:,} of {text.count(step.total, 'change')} covered{version}\n"
    yield from (
        f"root       {root} ({'pinned' if pin else 'unpinned'})\n" for root, pin in sorted(judged.anchors.items())
    )
    yield from text.findings(found[:SHOWN], color=color)
    yield from text.waived(report.waived, color=color)
    if len(found) > SHOWN:
        yield f"and {len(found) - SHOWN:,} more, in the files\n"


def reviewed(judged: Judged, found: Sequence[Finding]) -> Review | None:
    """Return the review of a judgement, its findings those of the judgement; None where there is none."""
    if judged.page is None:
        return None
    counted = Counter([one.severity for one in found])
    new = {severity: counted[severity] for severity in SEVERITIES[::-1] if counted[severity]}
    quality = replace(
        judged.page.quality,
        new=new,
        unchanged=judged.report.known,
        waived=judged.report.waived[:HELD],
        more_waived=max(0, len(judged.report.waived) - HELD),
        findings=tuple(found[:HELD]),
        more=max(0, len(found) - HELD),
    )
    return replace(judged.page, quality=quality)


def no_review(judged: Judged) -> dict[str, object]:
    """Return what stands in place of a review that could not be made: an error as every command writes one in JSON."""
    first = judged.untold[0]
    return {"error": {"kind": "untold", "message": untold(first), "hint": first.hint}}


def no_page(judged: Judged, found: Sequence[Finding]) -> str:
    """Return the HTML that stands in place of a review that could not be made: what was found, and why there is no more."""
    words = escape("".join([*page(judged, (), color=False), *text.findings(found[:HELD], color=False)]))
    csp = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
    title = escape(_verdict(judged, found))
    head = f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{csp}<title>{title}</title></head>\n'
    return f"{head}<body><h1>{title}</h1><pre>{words}</pre></body></html>\n"


def summary(judged: Judged, found: Sequence[Finding]) -> str:
    """Return a judgement as Markdown for a comment, within the budget: the verdict, then the review; without one, the findings.

    Args:
        judged: the judgement.
        found: what `findings` made of it.
    """
    head = [MARK, f"## {_verdict(judged, found)}", "", "```text"]
    head += [line.rstrip("\n") for line in page(judged, (), color=False)] + ["```", ""]
    whole = reviewed(judged, found)
    if whole is None:
        head += ["| | rule | where | what, and what to do |", "|---|---|---|---|", *map(_row, found[:LISTED])]
        head += ["", f"and {len(found) - LISTED:,} more, not shown here"] if len(found) > LISTED else []
        return "".join([f"{line}\n" for line in head])
    first = "".join([f"{line}\n" for line in head])
    return first + review_markdown.page(whole, min(whole.budget, BUDGET - len(first))).removeprefix(f"{MARK}\n")


def _row(one: Finding) -> str:
    where = markdown.code(one.place.key or one.place.path, 120, cell=True)
    next_ = f"<br>next: {markdown.code(one.hint, 300, cell=True)}" if one.hint else ""
    return f"| {one.severity} | {one.rule} | {where} | {markdown.code(one.message, 300, cell=True)}{next_} |"


def _verdict(judged: Judged, found: Sequence[Finding]) -> str:
    """Return the verdict in one line."""
    if judged.untold:
        return f"Could not be told: {text.count(len(judged.untold), 'thing')}"
    errors = text.tally([one for one in found if one.severity == "error"])
    return "Nothing stands against it" if errors == "no findings" else f"Not yet: {errors}"


def _torn(judged: Judged, path: str, places: int) -> Finding:
    message = (
        f"the base changed it too: {text.count(places, 'record')} in conflict" if places else "the base changed it too"
    )
    hint = f"labelvc merge {judged.base[:12]} on the branch, then labelvc resolve"
    return Finding("merge.conflict", "error", Place(path), message, hint, BY)


def _faults(judged: Judged) -> Iterator[Finding]:
    for merge, found in judged.faults:
        message = f"merge {merge.commit[:10]}: {audit.said(merge, found.verdict)}"
        place = Place(found.path, 0, str(found.verdict.key), next(iter(found.verdict.fields), ""))
        hint = f"labelvc audit merges {judged.base[:12]}...{judged.head[:12]}"
        yield Finding(f"merge.{found.verdict.kind}", "error", place, message, hint, BY)


def _lacking(step: Step, names: str) -> Iterator[Finding]:
    """Yield what keeps a step from being approved; a policy that nobody made yet asks for nothing."""
    place = Place(_POLICY, 1)
    for problem in step.problems:
        if isinstance(problem, Lost):
            hint = f"git restore --source={step.parent[:12]} {problem.path}"
            yield Finding("approval.lost", "error", Place(problem.path), problem.message, hint, BY)
    for said in step.noes if step.state == "rejected" else ():
        hint = f"change it, or labelvc approve {names} --role {said.role} --decision withdraw --key KEY --reason WHY"
        yield Finding("approval.rejected", "error", place, f"{said.principal} rejected it as {said.role}", hint, BY)
    if step.state not in _OPEN:
        return
    lacking = [need for need in step.needs if need.have < need.asked]
    for need in lacking:
        message = f"{need.have} of {need.asked} {need.role}; {trust.able(need)}"
        yield Finding("approval.missing", "error", place, message, remedy.cure(need, names), BY)
    if not lacking:
        message = f"{step.covered:,} of {text.count(step.total, 'change')} covered, and no rule allows the rest"
        yield Finding("approval.missing", "error", place, message, f"labelvc policy explain {names}", BY)


def untold(one: Untold) -> str:
    """Return what could not be told, and why."""
    where = f" ({one.where})" if one.where else ""
    return f"{one.topic}: {one.message}{where}"


def _untold(one: Untold) -> Finding:
    return Finding("ci.untold", "error", Place(_PROJECT, 1), untold(one), one.hint, BY)
