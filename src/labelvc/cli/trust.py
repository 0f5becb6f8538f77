"""Commands on trust: approve, verify."""

from __future__ import annotations

import secrets
import sys
from collections import Counter
from pathlib import Path

import click

from labelvc.cli import memory, signing, timing
from labelvc.cli.context import Settings, now, pass_settings
from labelvc.cli.output import changes, output_options, progress, say, write
from labelvc.cli.render import json, text
from labelvc.cli.render import trust as render
from labelvc.codec import moment
from labelvc.model.approval import Meaning, Verdict
from labelvc.model.names import Digest
from labelvc.ops import approve as approving
from labelvc.ops import course as courses
from labelvc.ops import dates, glimpse, people, sealing
from labelvc.ops import policy as governing
from labelvc.ops import trust as trusting
from labelvc.ops import verify as verifying
from labelvc.ops.approvals import Lost
from labelvc.ops.approve import Wish
from labelvc.ops.course import Course
from labelvc.ops.steps import Step
from labelvc.store import git as plumbing
from labelvc.store.git import Git

_DAY = 86_400
_BAD = ("conditional", "missing", "denied", "rejected")


@click.command()
@click.argument("revisions", metavar="A...B")
@click.option("--role", metavar="ROLE", required=True, help="The hat you wear; the policy must grant it to you.")
@click.option(
    "--decision",
    type=click.Choice(["approve", "reject", "withdraw"]),
    default="approve",
    show_default=True,
    help="Agree, disagree, or take back what you said before.",
)
@click.option("--reason", default="", help="Why; asked for with reject and withdraw, and in an emergency.")
@click.option(
    "--except",
    "excepted",
    metavar="KEY",
    multiple=True,
    help="Say nothing of KEY, such as texts/m1#a1 or 'texts/m1#*' (* stops at /, ** does not); repeatable.",
)
@click.option(
    "--expires",
    "expires_at",
    callback=timing.instant,
    metavar="TIME",
    help="Let the yes count until then and no longer: 30d, 36h, 2026-12-31 or 2026-12-31T18:00:00Z.",
)
@click.option(
    "--material",
    "files",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file you went by, such as a report or the list of what you looked at: its SHA-256 is signed; repeatable.",
)
@click.option(
    "--reference", default="", metavar="URL", help="Where it was talked about: a pull request; signed with it."
)
@click.option("--remainder", is_flag=True, help="Sign only what standing approvals leave to the role.")
@click.option(
    "--emergency", is_flag=True, help="Let it in before the others agree, where the policy lets the role do so."
)
@click.option("--as", "principal", metavar="PRINCIPAL", help="Who you are; must own the key.")
@click.option("--yes", is_flag=True, help="Do not ask on a terminal before signing.")
@click.option("--also-raw", is_flag=True, help="Add a raw signature, for programs that read DSSE and know no SSH ones.")
@signing.key_option
@signing.root_option
@pass_settings
@changes
def approve(
    settings: Settings,
    /,
    revisions: str,
    role: str,
    decision: Verdict,
    reason: str,
    excepted: tuple[str, ...],
    expires_at: str | None,
    files: tuple[Path, ...],
    reference: str,
    remainder: bool,
    emergency: bool,
    principal: str | None,
    yes: bool,
    also_raw: bool,
    key: str | None,
    root: str | None,
) -> int:
    """Sign your decision on everything that B brings to A; what it covers is shown first.

    What is signed is the set of record and document changes, not a commit: the approval survives squash, rebase and merge.
    --except and --remainder sign a part of them; `verify` adds up what all approvals cover.
    The file is written to approvals/ and staged; commit it on the branch. Authors and annotators of the change are refused
    where the policy asks for others.

    \b
      labelvc approve main...topic --role reviewer
      labelvc approve main...topic --role reviewer --except 'texts/m7#*'
      labelvc approve main...topic --role reviewer --expires 30d
      labelvc approve main...topic --role reviewer --decision reject \\
        --reason 'm7 is no payment'
    """
    if remainder and (emergency or decision != "approve"):
        raise click.UsageError("--remainder is for an approval that the rules ask for")
    if emergency and decision != "approve":
        raise click.UsageError("--emergency is a way to approve")
    if expires_at and decision != "approve":
        raise click.UsageError("--expires is for an approval: what is said against a change has no end")
    git = plumbing.find(settings.directory)
    _refuse_two_dots(git, revisions)
    meaning: Meaning = "review" if decision == "reject" else "emergency" if emergency else "approval"
    wish = Wish(role, decision, meaning, reason, principal, excepted, remainder, expires_at or "", files, reference)
    change = approving.examine(git, revisions, signing.pin(git, root), wish, timing.clock())
    signer = people.signer(git, signing.where(key), signing.ask, change.trust.policy)
    approval = approving.draft(change, wish, signer.key, now().astimezone(), secrets.token_hex(16))
    shown = glimpse.first(git, change, render.SHOWN)
    preview = render.preview(change, shown, approval, signer.key.fingerprint, color=settings.color)
    say(settings, preview.rstrip("\n"))
    if sys.stdin.isatty() and not yes and not click.confirm("sign this", err=True):
        say(settings, "not signed; nothing was written")
        return 1
    contents = sealing.seal(change, approval, signer, also_raw=also_raw)
    governing.write(git, contents)
    write("".join(f"{path}\n" for path in sorted(contents)))
    where = " in an emergency" if emergency else ""
    say(settings, f"staged; next: git commit -m '{decision.capitalize()} as {role}{where}' -- approvals")
    return 0


def _refuse_two_dots(git: Git, revisions: str) -> None:
    """Refuse A..B when A has gone on: it would take back what A brought since, which B never did."""
    one, dots, two = revisions.partition("..")
    if dots and not two.startswith(".") and not plumbing.is_ancestor(git, *_ends(git, one, two)):
        raise click.UsageError(f"{one} has gone on since the branch was cut; write {one}...{two}")


def _ends(git: Git, *words: str) -> list[str]:
    return [plumbing.resolve(git, word or "HEAD") for word in words]


@click.command()
@click.argument("revisions", metavar="[A..B | A...B | A]", required=False)
@click.option("--all", "everything", is_flag=True, help="Judge the whole first-parent history.")
@click.option(
    "--at",
    callback=timing.instant,
    metavar="TIME",
    help="Judge what came in before TIME as if it came in then: `now` tells whether a pull request is still approved.",
)
@click.option("--strict", is_flag=True, help="Count steps before the first policy as not approved.")
@memory.rewrite_option
@signing.root_option
@output_options("text", "json", "jsonl")
@pass_settings
def verify(
    settings: Settings,
    /,
    revisions: str | None,
    everything: bool,
    at: str | None,
    strict: bool,
    accept_rewrite: bool,
    root: str | None,
    form: str,
    output: Path | None,
) -> int:
    """Ask whether every change was approved as the policy before it demands.

    A..B judges each first-parent step, A...B one step from the merge base (a pull request); without either the step that made HEAD.
    Exit 1 when a word is missing, 2 when it cannot be told: an author nobody knows, a policy that does not verify, missing
    data, a branch that went back since it last verified here (docs/formats/client-state.md), or, with CI=true, a root that
    nobody pinned (--root, LABELVC_ROOT or `git config labelvc.root`).

    No clock is asked: a yes that expires, or that the policy wants young, is held against the latest date on the line to the step.

    \b
      labelvc verify main...topic
      labelvc verify --all
    """
    git = plumbing.find(settings.directory)
    pinned = signing.pin(git, root)
    going = courses.read(git, revisions, everything=everything)
    least = moment.seconds(at) if at else 0
    again = " ".join(filter(None, ["labelvc verify", revisions, "--all" * everything, "--accept-rewrite"]))
    place = memory.Place(*_named(going, revisions), again, accept=accept_rewrite)
    known = memory.hold(git, place, pinned)
    with progress(settings, len(going.pairs), "verifying steps") as advance:
        steps, anchors = verifying.verify(git, going, pinned, advance, least)
    anchors |= trusting.anchor(git, going.head, pinned)
    write(_report(steps, going, anchors, revisions, form, color=settings.color), output)
    _late(settings, git, going, steps)
    code = _verdict(settings, steps, pinned, strict=strict)
    if known and not code and not going.ruler:
        memory.keep(settings, git, known, place)
    return code


def _named(going: Course, revisions: str | None) -> tuple[str, str]:
    """Return the end of a course that must not go back, as it was typed and its commit; of a pull request, where it would go."""
    first, dots, last = (revisions or "HEAD").partition("..")
    if going.ruler:
        return first or "HEAD", going.ruler
    return (last if dots else first) or "HEAD", going.head


def _report(
    steps: list[Step], going: Course, anchors: dict[Digest, bool], revisions: str | None, form: str, *, color: bool
) -> str:
    if form == "jsonl":
        return "".join(json.lines(map(render.step_item, steps)))
    states = Counter(step.state for step in steps)
    if form == "json":
        roots = [{"root": digest, "pinned": pinned} for digest, pinned in sorted(anchors.items())]
        summary = {"steps": len(steps), "states": dict(sorted(states.items())), "roots": roots}
        items = [render.step_item(step) for step in steps]
        return json.document("verify", items, base=going.base, head=going.head, summary=summary)
    one, moment = revisions if revisions and "..." in revisions else None, now()
    told = [
        line
        for step in steps
        for line in render.step_lines(step, one or f"{step.parent[:12]}..{step.commit[:12]}", moment, color=color)
    ]
    sums = ", ".join(f"{number} {state}" for state, number in sorted(states.items())) or "no step"
    ends = "".join(
        f"root {digest} ({'pinned' if pinned else 'unpinned'})\n" for digest, pinned in sorted(anchors.items())
    )
    return "".join([*told, f"{text.count(len(steps), 'step')}: {sums}\n", ends])


def _late(settings: Settings, git: Git, going: Course, steps: list[Step]) -> None:
    """Say which commit of the line is dated later than now: what expires is over by it, whatever a clock shows."""
    at = max((step.at for step in steps if step.at is not None), default=0)
    if at > timing.clock() + _DAY and (commit := dates.told_by(git, at, going.ruler, going.head)):
        told = moment.instant(at)
        say(
            settings,
            f"note: {commit[:12]} says that it is of {told}, later than now: what expires until then is over after it",
        )
        say(
            settings,
            f"  next: as long as it is not merged, git rebase --reset-author-date {commit[:12]}~1; else docs/guide/security.md",
        )


def _verdict(settings: Settings, steps: list[Step], pinned: str | None, *, strict: bool) -> int:
    """Return the exit code; that something could not be told weighs more than that something is missing."""
    if any(step.state == "undecidable" for step in steps):
        return 2
    if signing.unproved(settings, pinned):
        return 2
    bad = (*_BAD, "ungoverned") if strict else _BAD
    lost = any(isinstance(problem, Lost) for step in steps for problem in step.problems)
    return int(lost or any(step.state in bad for step in steps))
