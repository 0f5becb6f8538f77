"""The command privacy risk: how many people look alike by their quasi-identifiers."""

from __future__ import annotations

import json as library
from collections.abc import Iterator
from pathlib import Path

import click

from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.listing import FILE
from labelvc.cli.output import output_options, progress, write
from labelvc.cli.render.text import count, safe
from labelvc.ops import risk as risks
from labelvc.ops.risk import Risk
from labelvc.store import git as plumbing

_COUNTS = ("of_one", "below_five", "below_ten")


@click.command("risk", short_help="Count how many people look alike by their quasi-identifiers.")
@click.argument("dataset", required=False)
@click.option(
    "--population",
    type=FILE,
    metavar="FILE",
    help="CSV table of a population, with a column for each of them.",
)
@click.option("--fail-under", type=click.IntRange(min=1), metavar="K", help="Exit 1 where a class is smaller than K.")
@output_options("text", "json")
@pass_settings
def risk(
    settings: Settings,
    /,
    dataset: str | None,
    population: Path | None,
    fail_under: int | None,
    form: str,
    output: Path | None,
) -> int:
    """Count how many people look alike by the quasi-identifiers that datasets declare (`risk` in dataset.yaml).

    The smaller a class of people who look alike, the surer is a guess who somebody is. With --population the classes are
    those of a whole population that the data are drawn from, and --fail-under asks for k there. Of a class nothing is shown
    but values that the dataset made coarse.

    \b
      labelvc privacy risk people --fail-under 5
    """  # fmt: skip
    git = plumbing.find(settings.directory)
    with progress(settings, None, "counting who looks alike", "lines") as advance:
        found = risks.measure(git, dataset, population, advance)
    if form == "json":
        told = {"schema": "urn:labelvc:schema:privacy-risk:1", "items": [_told(one) for one in found]}
        write(library.dumps(told, ensure_ascii=False, indent=1) + "\n", output)
    else:
        write("".join([line for one in found for line in _text(one)]), output)
    return int(fail_under is not None and any(0 < _k(one) < fail_under for one in found))


def _k(one: Risk) -> int:
    """Return the size of the smallest class: in the population where there is one."""
    known = one.measured.population
    return known.k if known else one.measured.k


def _text(one: Risk) -> Iterator[str]:
    found = one.measured
    yield f"{one.dataset}\n"
    yield f"  quasi-identifiers  {', '.join(one.quasi)}\n"
    yield f"  people by          {one.person or 'none: each line counts as one person'}\n"
    yield f"  there are          {found.persons:,} people, {count(found.records, 'line')}, {found.classes:,} classes\n"
    yield f"  k                  {found.k:,}\n"
    yield "  in classes of         people       lines\n"
    for words, people, lines in zip(
        ("1", "below 5", "below 10"), found.persons_below, found.records_below, strict=True
    ):
        yield f"    {words:<14}{people:>10,}  {lines:>10,}\n"
    yield f"  prosecutor's risk  {found.highest:.4f} highest ({found.at_highest:,} people), {found.average:.4f} average\n"
    if known := found.population:
        yield f"  journalist's risk  {known.highest:.4f} highest, {known.average:.4f} average; k-map {known.k:,} among {known.classes:,} classes\n"
        if known.absent:
            yield f"                     {known.absent:,} classes are not in the population: it is not one of these data\n"
    yield "  smallest classes\n" if found.smallest else ""
    for each, shown in zip(found.smallest, one.shown, strict=True):
        values = ", ".join([f"{name.partition(' ')[2]} {safe(value)}" for name, value in shown.items()])
        yield f"    {each.size:>6,}  {values}  such as {safe(each.example)}\n"


def _told(one: Risk) -> dict[str, object]:
    found, known = one.measured, one.measured.population
    return {
        "dataset": one.dataset,
        "quasi": list(one.quasi),
        "person": one.person or None,
        "records": found.records,
        "persons": found.persons,
        "classes": found.classes,
        "k": found.k,
        "in_classes": {
            "records": dict(zip(_COUNTS, found.records_below, strict=True)),
            "persons": dict(zip(_COUNTS, found.persons_below, strict=True)),
        },
        "prosecutor": {"highest": found.highest, "average": found.average, "at_highest": found.at_highest},
        "population": known._asdict() if known else None,
        "smallest": [
            {"size": each.size, "records": each.records, "values": shown, "example": each.example}
            for each, shown in zip(found.smallest, one.shown, strict=True)
        ],
    }
