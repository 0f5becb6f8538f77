"""Milestones of a dashboard: how much there is of what is wanted, what came each week, when it will be enough, and in which hours."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot

from labelvc.codec import document
from tests.browser import hold
from tests.cli.test_report import DRAWN, MARKS, on, told, written
from tests.cli.test_review import Run, harmless, in_words, prose_of, reached, spelled
from tests.zoo import ANNA, BEN, Zoo, answer, make

TODAY = date(2026, 6, 1)
WANTED = {
    "all": {"dataset": "pets", "task": "kind", "answers": 60, "by": "2026-07-01"},
    "twice": {"dataset": "pets", "task": "kind", "items": 30, "people": 2, "by": "2026-12-01"},
    "balance": {
        "dataset": "pets", "task": "kind", "each": 20, "slice": "/source", "by": "2026-05-01", "redone": 0.2,
        "annotation": {"seconds": 90, "hours": 0.5}, "review": {"seconds": 30, "hours": 2, "share": 0.5},
    },
    "done": {"dataset": "pets", "task": "kind", "answers": 10, "by": "2026-05-01"},
    "never": {"dataset": "pictures", "task": "where", "answers": 100, "by": "2027-01-01"},
}  # fmt: skip


_made: list[Zoo] = []


@pytest.fixture
def planned(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Zoo:
    """Return the one zoo of this file, which no test changes for others, on the day TODAY."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1780315200")
    if not _made:
        _made.append(lived(make(tmp_path_factory.mktemp("planned") / "zoo")))
    return _made[0]


def lived(zoo: Zoo) -> Zoo:
    """Give the zoo milestones, and ten weeks in which four answers of `kind` came each, in two of them eight."""
    zoo.write("labelvc.yaml", document.edit(zoo.read("labelvc.yaml"), {("milestones",): WANTED}))
    zoo.commit("Milestones", **on("2026-03-16"))
    number = 0
    for week in range(10):
        for _ in range(4 if week in (3, 7) else 2):
            number += 1
            name = f"k{number}"
            zoo.put(
                f"pets/{name}#",
                {"id": name, "natural": {"word": name}, "source": ("news", "web")[number % 2], "text": "the cat"},
            )
            for by in (ANNA, BEN):
                label = "cat" if number % 3 or by == BEN else "dog"
                zoo.put(f"pets/{name}#{by[-3:]}", answer(name, by[-3:], "kind", {"label": label}, by=by))
        zoo.commit("A week", **on((TODAY - timedelta(weeks=10 - week, days=-2)).isoformat()))
    return zoo


def counted(zoo: Zoo, commit: str) -> list[tuple[str, str, str]]:
    """Return item, label and slice of each answer of `kind` at a commit, counted from its files."""
    files = zoo.git("ls-tree", "-r", "--name-only", commit, "--", "datasets/pets").splitlines()
    rows = {
        layer: [
            json.loads(line)
            for path in files
            if f"/{layer}/" in path
            for line in zoo.git("show", f"{commit}:{path}").splitlines()
        ]
        for layer in ("items", "annotations")
    }
    items = {row["id"]: row.get("source", "") for row in rows["items"]}
    return [
        (row["item"], row["value"]["label"], items[row["item"]])
        for row in rows["annotations"]
        if row.get("task") == "kind"
    ]


def test_milestones_are_what_the_shards_hold(planned: Zoo, labelvc: Run):
    found = {one["name"]: one for one in told(planned, labelvc)["milestones"]}
    assert list(found) == ["balance", "done", "all", "twice", "never"]
    now = counted(planned, "HEAD")
    starts = [date.fromisoformat(start) for start in found["all"]["starts"]]
    assert starts == [TODAY - timedelta(weeks=11 - at, days=6) for at in range(12)][-len(starts) :]
    ends = [planned.git("rev-list", "-1", f"--before={start + timedelta(days=7)}T00:00Z", "main") for start in starts]
    before = planned.git("rev-list", "-1", f"--before={starts[0]}T00:00Z", "main")
    sizes = [len(counted(planned, commit)) for commit in (before, *ends)]
    assert found["all"]["came"] == [later - sooner for sooner, later in pairwise(sizes)]
    assert found["all"]["done"] == len(now) == 60 - found["all"]["missing"]
    twice = [item for item, *_ in now]
    assert found["twice"]["done"] == sum(twice.count(item) >= 2 for item in set(twice))
    cells = {(label, of): 0 for label in ("cat", "dog") for of in ("news", "web")}
    for _, label, of in now:
        if of:
            cells[label, of] += 1
    balance = found["balance"]
    assert (balance["cells"], balance["wanted"]) == (4, 80)
    assert {(row["label"], row["slice"]): row["missing"] for row in balance["rows"]} == {
        cell: 20 - number for cell, number in cells.items() if number < 20
    }
    assert balance["missing"] == sum(max(0, 20 - number) for number in cells.values())
    answers = balance["missing"] / 0.8
    assert balance["annotation"]["hours"] == round(answers * 90 / 3600, 1)
    assert balance["review"]["hours"] == round(answers / 2 * 30 / 3600, 1)
    assert (found["done"]["missing"], found["done"]["forecast"]) == (0, None)
    assert found["never"]["forecast"] == {"early": None, "middle": None, "late": None, "chance": 0}


def test_milestones_on_a_terminal_and_on_pages(planned: Zoo, labelvc: Run):
    _, out, _ = labelvc(planned.folder, "report", "main")
    assert "".join(re.findall(r"(?ms)^milestone.*?(?=^findings)", out)) == snapshot("""\
milestone     balance: pets kind: 48 of 80 answers (20 of each label in each /source; 2 of 4 have fewer), wanted by 2026-05-01
              the day has passed, 32 are missing
              at the pace of the last 12 weeks: half of all futures are there on 2027-09-20, one in ten on 2027-04-12, nine in ten on 2028-09-25; 0 % in time
              annotators need 1.0 hours, 2.0 weeks of 0.5 hours: done on 2026-06-15
              reviewers need 0.2 hours, 0.1 weeks of 2 hours: done on 2026-06-02
                     16  missing: dog news
                     16  missing: dog web
milestone     done: pets kind: 10 of 10 answers, wanted by 2026-05-01
              reached
milestone     all: pets kind: 49 of 60 answers, wanted by 2026-07-01
              at the pace of the last 12 weeks: half of all futures are there on 2026-06-22, one in ten on 2026-06-15, nine in ten on 2026-07-06; 89 % in time
milestone     twice: pets kind: 24 of 30 items with answers of 2 people, wanted by 2026-12-01
              at the pace of the last 12 weeks: half of all futures are there on 2026-06-22, one in ten on 2026-06-15, nine in ten on 2026-07-06; 100 % in time
milestone     never: pictures where: 3 of 100 answers, wanted by 2027-01-01
              at the pace of the last 12 weeks: not within five years
""")
    found = told(planned, labelvc)
    shown = written(planned, labelvc, "html")
    page = harmless(shown, DRAWN)
    own = [row for row in page.numbers if row[0].startswith("/milestones")]
    assert len(own) > 60
    for pointer, value, text in own:
        assert str(reached(found, pointer)) == value, pointer
        assert float(text.replace(",", "").replace("−", "-")) == pytest.approx(reached(found, pointer), abs=0.051)
    assert in_words("\n".join(page.words)) == []
    markdown = prose_of(written(planned, labelvc, "markdown").replace(*MARKS))
    said = in_words(re.sub(r"\d{4}-\d\d-\d\d|\b[0-9a-f]{12}\b|\b\d+\.\d+\.\d+\b", "", markdown))
    sizes = {str(len(found[part][of])) for part, of in (("trends", "points"), ("throughput", "starts"))}
    assert set(said) - sizes - {str(len(found["milestones"][0]["came"]))} <= spelled(found)


def test_little_history_forecasts_nothing_and_says_so(planned: Zoo, labelvc: Run):
    (one, *_) = [row for row in told(planned, labelvc, "--since", "2026-05-05")["milestones"] if row["name"] == "all"]
    assert one["forecast"] is None
    assert one["why"] == snapshot("3 of the 6 whole weeks of history that a forecast needs")
    then = {row["name"]: row for row in told(planned, labelvc, "--to", "2026-05-15")["milestones"]}
    assert then["all"]["done"] < one["done"]
    assert then["all"]["starts"][-1] < "2026-05-15"


def test_a_milestone_that_cannot_be_is_refused(planned: Zoo, labelvc: Run):
    wrong: dict[str, dict[str, Any]] = {
        "day": {"dataset": "pets", "task": "kind", "answers": 1, "by": "2026-02-30"},
        "task": {"dataset": "pets", "task": "nothing", "answers": 1, "by": "2026-07-01"},
        "dataset": {"dataset": "nothing", "task": "kind", "answers": 1, "by": "2026-07-01"},
        "asked": {"dataset": "pictures", "task": "kind", "answers": 1, "by": "2026-07-01"},
        "each": {"dataset": "pets", "task": "mood", "each": 1, "by": "2026-07-01"},
    }
    planned.write("labelvc.yaml", document.edit(planned.read("labelvc.yaml"), {("milestones",): wrong}))
    _, out, _ = labelvc(planned.folder, "check", "--all", "--format", "json")
    assert [(one["place"]["pointer"], one["message"]) for one in json.loads(out)["items"]] == snapshot(
        [
            ("/milestones/day/by", "2026-02-30 is in no calendar"),
            ("/milestones/task/task", "there is no task 'nothing'"),
            ("/milestones/dataset/dataset", "there is no dataset 'nothing'"),
            ("/milestones/asked/task", "the dataset pictures does not ask kind"),
            ("/milestones/each/each", "the task mood has no taxonomy, so there are no labels to count each of"),
        ]
    )
    planned.git("restore", "labelvc.yaml")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_wrong_with_milestones(planned: Zoo, labelvc: Run, tmp_path: Path, dark: bool):
    page = tmp_path / "page.html"
    assert labelvc(planned.folder, "report", "main", "--format", "html", "-o", str(page))[0] == 0
    shown = page.read_text()
    assert "What is missing" in shown
    assert "in time</span>" in shown
    hold(page, dark=dark)
