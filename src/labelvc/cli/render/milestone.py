"""A milestone in words, which all pages of a dashboard share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from labelvc.cli.render.text import count, safe
from labelvc.model.dashboard import Forecast, Milestone, Need

FURTHER = "a day more than five years ahead"
_NOUNS: Mapping[str, str] = {"answers": "answer", "items": "item", "labels": "answer"}


def standing(one: Milestone) -> str:
    """Return how far a milestone is, in a sentence."""
    place = f"{safe(one.name)}: {safe(one.dataset)} {safe(one.task)}"
    if not one.cells:
        return f"{place}: cannot be told: {one.why}"
    return f"{place}: {one.done:,} of {count(one.wanted, _NOUNS[one.of])}{of_each(one)}, wanted by {one.by}"


def of_each(one: Milestone) -> str:
    """Return of what so many are wanted, in words; empty where all is counted together."""
    if one.of == "items":
        return f" with answers of {one.people:,} people" if one.people > 1 else " with an answer"
    if one.of == "answers":
        return ""
    by = f" in each {safe(one.slice)}" if one.slice else ""
    return f" ({one.each:,} of each label{by}; {one.short:,} of {one.cells:,} have fewer)"


def outlook(one: Milestone, day: str) -> Iterator[tuple[str, bool]]:
    """Yield what is to be expected, in sentences, each with whether it is bad news.

    Args:
        one: the milestone.
        day: from which it is seen.
    """
    if not one.cells:
        return
    if not one.missing:
        yield "reached", False
        return
    if one.by < day:
        yield f"the day has passed, {one.missing:,} are missing", True
    yield expected(one), one.forecast is None or one.forecast.chance < 50
    for who, need in (("annotators", one.annotation), ("reviewers", one.review)):
        if need is not None:
            yield takes(who, need), need.day > one.by


def expected(one: Milestone) -> str:
    """Return the forecast in a sentence, or why there is none."""
    found = one.forecast
    if found is None:
        return f"no forecast: {one.why}"
    came = f"at the pace of the last {len(one.came)} weeks"
    if found.early is None:
        return f"{came}: not within five years"
    return f"{came}: half of all futures are there on {_on(found.middle)}, one in ten on {found.early}, nine in ten on {_on(found.late)}; {in_time(found)}"


def in_time(found: Forecast) -> str:
    """Return how many futures are there in time."""
    return f"{found.chance} % in time"


def takes(who: str, need: Need) -> str:
    """Return what a kind of work takes, in a sentence."""
    return f"{who} need {need.hours:,.1f} hours, {need.weeks:,.1f} weeks of {need.weekly:g} hours: done on {need.day}"


def _on(day: str | None) -> str:
    return FURTHER if day is None else day
