"""Waivers written, listed, and held against what is found: a signed, dated exception, not a rule that is off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from labelvc.checks import registry
from labelvc.core import waivers
from labelvc.errors import ConfigurationError, RefusedError
from labelvc.model.snapshot import Snapshot
from labelvc.model.waiver import WAIVERS, Waiver
from labelvc.ops import check, people, registers
from labelvc.ops import project as projects
from labelvc.ops.gates import Brought
from labelvc.ops.look import Advance
from labelvc.store import disk, files, tree
from labelvc.store import git as plumbing
from labelvc.store.git import Git

_DAY = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
_SHOW = "labelvc waiver list"


class Answer(NamedTuple):
    """Who lets a finding stand, why, and until when.

    Attributes:
        who: principal; empty: whose address git has.
        reason: for people.
        expires: last day, `2027-06-30`.
        today: date.
    """

    who: str
    reason: str
    expires: str
    today: str


class Standing(NamedTuple):
    """A waiver as it stands: `holds`, `ended`, or `unused` where nothing that is found is one of its findings.

    Attributes:
        waiver: the line.
        state: how it stands.
        covers: number of findings that it lets stand.
    """

    waiver: Waiver
    state: str
    covers: int


def add(git: Git, rule: str, places: Sequence[str], answer: Answer, label: str = "") -> list[Waiver]:
    """Write waivers into the work tree and stage them.

    Args:
        git: the repository.
        rule: whose findings stand.
        places: keys, paths or globs over them, one waiver each.
        answer: who, why, until when.
        label: only findings that name it.

    Returns:
        The new lines.

    Raises:
        ConfigurationError: no check has the rule, the day is none or over, or the policy knows nobody who answers.
        RefusedError: findings of the rule cannot be waived.
    """
    if not waivers.may(rule):
        hint = "labelvc privacy accept MARK --why ..." if rule.startswith("privacy.") else "labelvc check says the cure"
        raise RefusedError(f"findings of {rule} are not waived", hint=hint)
    if registry.unknown((rule,)):
        raise ConfigurationError(f"no check here has the rule {rule!r}", hint="labelvc check --rules")
    if not _DAY.fullmatch(answer.expires) or answer.expires < answer.today:
        raise ConfigurationError("the day on which it ends is none, or over", hint="--expires 2027-06-30")
    with files.lock(git):
        snapshot = tree.work(git)
        with tree.reader(git) as reader:
            project = projects.load(git, snapshot, reader)
        by = _answering(git, snapshot, answer.who)
        made = [Waiver(at, by, answer.expires, answer.today, answer.reason, rule, label) for at in places]
        known = {(one.rule, one.at, one.label) for one in made}
        kept = [one for one in project.waivers if (one.rule, one.at, one.label) not in known]
        _write(git, [*kept, *made])
    return made


def remove(git: Git, rule: str, places: Sequence[str]) -> list[Waiver]:
    """Take waivers out of the work tree and stage that.

    Args:
        git: the repository.
        rule: of the waivers.
        places: what they are about, as they say it; none: all of the rule.

    Returns:
        The lines that are gone.

    Raises:
        ConfigurationError: there is none such.
    """
    with files.lock(git):
        with tree.reader(git) as reader:
            known = projects.load(git, tree.work(git), reader).waivers
        gone = [one for one in known if one.rule == rule and (not places or one.at in places)]
        missing = [place for place in places if all(one.at != place for one in gone)]
        if missing or not gone:
            about = f" for {missing[0]}" if missing else ""
            raise ConfigurationError(f"there is no waiver of {rule}{about}", where=WAIVERS, hint=_SHOW)
        _write(git, [one for one in known if one not in gone])
    return gone


def standing(git: Git, brought: Brought, jobs: int, rev: str = "", advance: Advance | None = None) -> list[Standing]:
    """Return each waiver with how it stands; everything is checked for that, where there are any.

    Args:
        git: the repository.
        brought: the date.
        jobs: worker processes.
        rev: a revision; empty: the work tree.
        advance: called with the number of shards done.
    """
    snapshot = tree.commit(git, rev) if rev else tree.work(git)
    with tree.reader(git) as reader:
        known = projects.load(git, snapshot, reader).waivers
    if not known:
        return []
    report = check.everything(git, snapshot, brought=brought, jobs=jobs, advance=advance)
    found = [*report.findings, *(one.finding for one in report.waived)]
    rows = [(one, sum(waivers.covers(one, each) for each in found)) for one in known]
    return [Standing(one, _state(one, number, brought.today), number) for one, number in rows]


def _state(waiver: Waiver, number: int, today: str) -> str:
    if waivers.ended(waiver, today):
        return "ended"
    return "holds" if number else "unused"


def _answering(git: Git, snapshot: Snapshot, who: str) -> str:
    """Return the principal who answers."""
    with tree.reader(git) as reader:
        policy = registers.policy_of(snapshot, reader)
    if policy is None:
        raise ConfigurationError("there is no policy that says who may answer for it", hint="labelvc trust init")
    if who:
        if who not in policy.principals:
            raise ConfigurationError(f"the policy knows nobody called {who!r}", hint="labelvc policy show")
        return who
    address = plumbing.config_get(git, "user.email") or ""
    (name,) = people.names(policy, [address])
    if name is None:
        said = f"the policy knows nobody with the address {address!r}"
        raise ConfigurationError(said, hint="--by with a principal: labelvc policy show")
    return name


def _write(git: Git, lines: Sequence[Waiver]) -> None:
    disk.write_all({git.top / WAIVERS: waivers.write(lines) or None}, git.top)
    plumbing.add(git, [WAIVERS])
