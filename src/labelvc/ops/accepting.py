"""Accepting: somebody answers for a finding of plain text, in a line of the baseline that others approve."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from labelvc.codec import shard
from labelvc.core import baseline, leaks, pseudonym
from labelvc.errors import ConfigurationError, RefusedError
from labelvc.model.detection import BASELINE, Accepted, Why
from labelvc.model.finding import Finding, Place
from labelvc.ops import gates, plain, pseudonyms
from labelvc.ops import project as projects
from labelvc.store import disk, files, tree
from labelvc.store import git as plumbing
from labelvc.store.git import Git

_DATE = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
_SHOWS = "labelvc privacy scan --all shows it after the length of each value, where the gate key is here"


class Answer(NamedTuple):
    """Who answers for a finding, why, and until when.

    Attributes:
        who: e-mail address of git; the line holds a token of it.
        why: why the value may stand.
        expires: last day, `2027-06-30`; empty for no end.
        today: date.
    """

    who: str
    why: Why
    expires: str
    today: str


def accept(git: Git, mark: str, answer: Answer, at: Sequence[str] = ()) -> list[Accepted]:
    """Write exceptions for a finding in the work tree into the baseline, and stage it.

    Args:
        git: the repository.
        mark: the ten letters that the finding shows.
        answer: who, why, until when.
        at: places, keys or paths, when not all where the value stands are meant.

    Returns:
        The new lines.

    Raises:
        ConfigurationError: nobody answers, the day is none or over, or the project has no active epoch.
        RefusedError: no finding that can be accepted has this mark, or none in one of the places.
        TrustError: the epoch's secret is not on this machine.
    """
    if not answer.who:
        raise ConfigurationError("nobody answers for it", hint="git config user.email YOU@EXAMPLE")
    if answer.expires and (not _DATE.fullmatch(answer.expires) or answer.expires < answer.today):
        raise ConfigurationError("the day on which it ends is none, or over", hint="--expires 2027-06-30")
    with files.lock(git):
        snapshot = tree.work(git)
        with tree.reader(git) as reader:
            project = projects.load(git, snapshot, reader)
            secret = pseudonyms.active(git, snapshot, reader)
        found = plain.whole(git, gates.of(git, project, gates.Brought(answer.today)), snapshot)
        chosen = _chosen([one for one in found if leaks.mark_of(one) == mark], at)
        by = pseudonym.token(secret, project.id, project.domain, "person", answer.who)
        made = {
            Accepted(
                place.key or place.path,
                by,
                secret.epoch,
                mark,
                rule,
                answer.why,
                answer.expires or None,
                place.pointer if place.key else "",
            )
            for rule, place in chosen
        }
        disk.write_all({git.top / BASELINE: baseline.write([*project.accepted, *made])}, git.top)
        plumbing.add(git, [BASELINE])
    return sorted(made, key=lambda line: (line.at, line.pointer, line.rule))


def _chosen(found: Sequence[Finding], at: Sequence[str]) -> list[tuple[str, Place]]:
    """Return rule and place of the findings that are meant."""
    if not found:
        raise RefusedError("no finding in the work tree that can be accepted has this mark", hint=_SHOWS)
    places = {one.place.key or one.place.path for one in found}
    missing = [place for place in at if place not in places]
    if missing:
        raise RefusedError(
            "the finding does not stand in one of these places", hint=f"it stands in {', '.join(places)}"
        )
    chosen = [(one.rule, one.place) for one in found if not at or (one.place.key or one.place.path) in at]
    nameless = [place for _, place in chosen if shard.parse_path(place.path) and not place.key]
    if nameless:
        hint = "mend the line first: labelvc check"
        raise RefusedError("the record has no key that an exception could name", where=nameless[0].path, hint=hint)
    return chosen
