"""The dashboard of a line of history: each of its numbers is what other commands and git say, and nothing in it is live."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from inline_snapshot import snapshot

from labelvc.codec import canonical, document, schema
from labelvc.core import calendar
from labelvc.model.commit import Commit, Person
from labelvc.ops import trends, work
from labelvc.store import log
from tests.cli.test_review import HOSTILE, PLAIN, Page, Run, harmless, in_words, prose_of, reached, spelled
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys
from tests.zoo import ANNA, BEN, GUIDELINE, Zoo, answer, rating, zoo, zoo_template

__all__ = ["desk", "desk_template", "people_keys", "zoo", "zoo_template"]
PETS = "datasets/pets/dataset.yaml"
MARKS = "labelvc:report:v1", "labelvc:review:v1"
DRAWN = frozenset(("polyline", "polygon", "path", "line", "time"))


def on(day: str) -> dict[str, str]:
    return {f"GIT_{role}_DATE": f"{day}T10:00:00Z" for role in ("AUTHOR", "COMMITTER")}


@pytest.fixture
def lived(zoo: Zoo) -> Zoo:
    """Return the zoo after a spring: two people, a merged branch, a slip that was mended, slices, floors and a register."""
    checks = {"label.floor": {"threshold": 2}, "slice.coverage": {"threshold": 1}}
    zoo.write(PETS, document.edit(zoo.read(PETS), {("slices",): ["/source"], ("checks",): checks}))
    for number in range(1, 13):
        zoo.put(
            f"pets/p{number}#",
            {"id": f"p{number}", "natural": {"word": f"w{number}"}, "source": ["news", "web"][number % 2], "text": "the cat and the dog"},
        )  # fmt: skip
        for name, by in (("m1", ANNA), ("m2", BEN)):
            zoo.put(
                f"pets/p{number}#{name}", rating(f"p{number}", number % 3 if name == "m1" else number % 2, by, name)
            )
    zoo.commit("Two people", **on("2026-03-10"))
    zoo.git("switch", "-qc", "topic")
    zoo.change("pets/p1#k1", value={"label": "dog"})
    zoo.put("pets/p2#k2", answer("p2", "k2", "kind", {"label": "dog"}, by=BEN, at="2026-03-15T09:12:44Z"))
    zoo.commit("One", **on("2026-03-20"))
    zoo.change("pets/p1#k1", value={"label": "cat"}, at="2026-04-01T09:12:44Z")
    zoo.bury("pets/p1#w1")
    zoo.commit("Two", **on("2026-04-02"))
    zoo.git("switch", "-q", "main")
    zoo.change("pets/p3#m1", value={"score": 3}, origin={"model": "m", "tool": "t"})
    zoo.change("pets/p4#m1", value={"score": 9})
    zoo.commit("A slip", **on("2026-03-25"))
    zoo.git("merge", "-q", "--no-ff", "-m", "Merge", "topic", **on("2026-04-03"))
    zoo.change("pets/p4#m1", value={"score": 1})
    zoo.write(
        "registers/decision/0001-one-label.yaml",
        "schema: urn:labelvc:schema:register-decision:1\nid: decision/0001-one-label\ntitle: One label or two\n"
        "owner: ada\nopened: 2026-03-01\ndue: 2026-03-31\nstatus: open\nquestion: One?\n",
    )
    zoo.commit("Mended", **on("2026-04-20"))
    return zoo


def told(zoo: Zoo | Desk, labelvc: Run, *words: str) -> dict[str, Any]:
    code, out, err = labelvc(zoo.folder, "report", *words, "--format", "json")
    assert code == 0, err
    found = json.loads(out)
    jsonschema.Draft202012Validator(schema.schema("report")).validate(found)
    return dict(found)


def written(zoo: Zoo | Desk, labelvc: Run, form: str, *words: str) -> str:
    code, out, err = labelvc(zoo.folder, "report", *words, "--format", form)
    assert code == 0, err
    return out


def changes(zoo: Zoo, labelvc: Run) -> list[tuple[str, dict[str, Any]]]:
    """Return author's day and change of each record of each commit that is no merge, as `diff` tells them."""
    found = []
    listed = zoo.git("log", "--no-merges", "--format=%H %P %as", "main").splitlines()
    for commit, *parent, day in map(str.split, listed):
        before = parent[0] if parent else zoo.git("hash-object", "-t", "tree", "/dev/null")
        if parent:
            _, out, _ = labelvc(zoo.folder, "diff", f"{before}..{commit}", "--format", "jsonl")
            rows = [json.loads(line) for line in out.splitlines()]
        else:
            paths = zoo.git("ls-tree", "-r", "--name-only", commit).splitlines()
            lines = [
                line
                for path in paths
                if "/annotations/" in path
                for line in zoo.git("show", f"{commit}:{path}").splitlines()
            ]
            rows = [{"key": "a#b", "kind": "added", "old": None, "new": json.loads(line)} for line in lines]
        found += [(day, row) for row in rows if re.search("#.", row["key"])]
    return found


# ---------------------------------------------------------------- numbers
def test_work_and_label_changes_are_those_of_every_commit(lived: Zoo, labelvc: Run):
    made, turns = Counter[tuple[str, str]](), Counter[tuple[str, str, str]]()
    removed = stamped = 0
    for day, row in changes(lived, labelvc):
        old, new = row["old"] or {}, row["new"] or {}
        removed += row["kind"] == "removed"
        if row["kind"] not in ("added", "changed"):
            continue
        own = "at" in new and new.get("at") != old.get("at")
        stamped += own
        by = "(a model)" if "model" in new.get("origin", {}) else new.get("by", "(nobody)")
        made[by, new["at"][:10] if own else day] += 1
        values = [each.get("value", {}) for each in (old, new)]
        names = [str(each.get("label", each.get("score"))) for each in values]
        if row["kind"] == "changed" and names[0] != names[1]:
            turns[(new["task"], *names)] += 1
    found = told(lived, labelvc)
    work = found["throughput"]
    assert (work["edits"], work["removed"], work["stamped"]) == (made.total(), removed, stamped)
    assert (removed, stamped) == (1, 3)
    people = Counter[str]()
    for (by, _), number in made.items():
        people[by] += number
    assert {row["name"]: row["edits"] for row in work["rows"]} == people
    assert work["unit"] == "week"
    for at, start in enumerate(work["starts"]):
        first = date.fromisoformat(start)
        assert first.weekday() == 0
        week = {(first + timedelta(days=add)).isoformat() for add in range(7)}
        assert work["totals"][at] == sum(number for (_, day), number in made.items() if day in week)
        for row in work["rows"]:
            assert row["cells"][at] == sum(n for (by, day), n in made.items() if by == row["name"] and day in week)
    assert {(row["task"], row["old"], row["new"]): row["count"] for row in found["turns"]["rows"]} == turns
    assert turns["kind", "cat", "dog"] == turns["kind", "dog", "cat"] == 1
    assert (found["turns"]["records"], found["turns"]["distinct"]) == (turns.total(), len(turns))
    assert found["turns"]["rows"][-1]["coverage"] == 100.0


def test_findings_at_each_point_are_those_of_check_there(lived: Zoo, labelvc: Run, monkeypatch: pytest.MonkeyPatch):
    points = told(lived, labelvc)["trends"]["points"]
    line = lived.git("log", "--first-parent", "--reverse", "--format=%H", "main").splitlines()
    assert [point["commit"] for point in points] == line
    for point in points:
        lived.git("checkout", "-q", point["commit"])
        _, out, _ = labelvc(lived.folder, "check", "--all", "--format", "json")
        counted = json.loads(out)["summary"]
        assert {name: point[name] for name in ("error", "warning", "note")} == {
            name: counted[name] for name in ("error", "warning", "note")
        }
        _, out, _ = labelvc(lived.folder, "dataset", "list", "--format", "json")
        listed = json.loads(out)["items"]
        assert (point["items"], point["records"]) == tuple(
            sum(one[name] for one in listed) for name in ("items", "records")
        )
    assert [point["error"] for point in points][-3:] == [1, 1, 0]


def test_progress_is_what_the_shards_hold_and_falls_short_where_check_says_so(lived: Zoo, labelvc: Run):
    found = told(lived, labelvc)
    rows = [
        json.loads(line)
        for path in lived.folder.glob("datasets/pets/annotations/*.jsonl")
        for line in path.read_text().splitlines()
    ]
    items = {
        row["id"]: row.get("source", "(not set)")
        for path in lived.folder.glob("datasets/pets/items/*.jsonl")
        for row in map(json.loads, path.read_text().splitlines())
    }
    cells = Counter((str(row["value"]["score"]), items[row["item"]]) for row in rows if row.get("task") == "mood")
    (mood,) = [one for one in found["progress"] if one["task"] == "mood"]
    assert (mood["by"], sorted(mood["slices"]), mood["others"]) == ("/source", ["news", "web"], False)
    for row in mood["rows"]:
        assert dict(zip(mood["slices"], row["cells"], strict=True)) == {
            name: cells[row["label"], name] for name in mood["slices"]
        }
        assert row["answers"] == sum(row["cells"])
    assert sum(row["answers"] for row in mood["rows"]) == mood["answers"] == cells.total()
    _, out, _ = labelvc(lived.folder, "check", "--all", "--format", "json")
    few = {
        (one["place"]["pointer"], re.findall("'([a-z]+)'", one["message"])[0])
        for one in json.loads(out)["items"]
        if one["rule"] == "label.floor"
    }
    short = {
        (f"/tasks/{one['task']}", row["label"])
        for one in found["progress"]
        if one["dataset"] == "pets"
        for row in one["rows"]
        if row["short"]
    }
    assert short == few != set()
    kind = next(one for one in found["progress"] if one["task"] == "kind")
    assert (kind["floor"], kind["least"], kind["short"]) == (2, 1, 2)
    assert (mood["floor"], mood["least"], mood["short"]) == (None, None, 0)


def test_agreement_at_the_head_is_that_of_a_review(lived: Zoo, labelvc: Run):
    (mood,) = [one for one in told(lived, labelvc)["trends"]["agreement"] if one["task"] == "mood"]
    lived.git("switch", "-qc", "later")
    lived.change("pets/p5#m2", value={"score": 2})
    lived.commit("Later")
    _, out, _ = labelvc(lived.folder, "review", "main...later", "--format", "json")
    (same,) = [one for one in json.loads(out)["agreement"] if one["task"] == "mood"]
    assert mood["sides"][-1] == same["before"]
    assert mood["sides"][0] is None
    assert (mood["why"], mood["wanted"]) == ("", None)


def test_reviews_are_those_of_verify(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    desk.approve("ben")
    desk.git("switch", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    desk.write("guidelines/mood.yaml", GUIDELINE)
    desk.relabel("worse", "rev-3")
    _, out, _ = desk.labelvc("verify", "--all", "--format", "json")
    steps = json.loads(out)["items"]
    found = told(desk, lambda _, *words: desk.labelvc(*words), "main")["reviews"]
    assert found["states"] == Counter(step["state"] for step in steps)
    (merged,) = [step for step in steps if step["state"] == "approved"]
    opened = [step for step in steps if step["state"] not in ("approved", "unchanged", "ungoverned")]
    assert [(one["commit"], one["covered"], one["total"]) for one in found["open"]] == [
        (step["commit"], step["covered"], step["total"]) for step in reversed(opened)
    ]
    assert found["unapproved"] == len(opened) == 1
    assert [one["commit"] for one in found["slowest"]] == [merged["commit"]]
    (signed,) = [one["signed_at"] for one in merged["approvals"]]
    made = desk.git("log", "-1", "--format=%at", "topic^")
    hours = (calendar.datetime.fromisoformat(signed).timestamp() - int(made)) / 3600
    assert hours > 24
    assert found["median"] == found["ninth"] == found["longest"] == pytest.approx(hours, abs=0.051)
    assert sum(span["steps"] for span in found["spans"]) == found["measured"] == 1


def test_registers_and_guidelines_are_those_of_their_commands(lived: Zoo, labelvc: Run):
    found = told(lived, labelvc)
    _, out, _ = labelvc(lived.folder, "register", "list", "--open", "--format", "json")
    listed = json.loads(out)
    assert [one["id"] for one in found["registers"]["rows"]] == [one["id"] for one in listed["items"]]
    assert {name: found["registers"][name] for name in ("open", "overdue")} == {"open": 1, "overdue": 1}
    assert (found["registers"]["rows"][0]["late"], found["registers"]["rows"][0]["since"]) == ("due", "2026-03-31")
    assert [(one["name"], one["version"], one["records"]) for one in found["guidelines"]] == [("mood", "1.1.0", 0)]


def test_every_number_of_a_page_is_the_one_in_the_json(lived: Zoo, labelvc: Run):
    found = told(lived, labelvc)
    page = Page(written(lived, labelvc, "html"))
    assert len(page.numbers) > 150
    for pointer, value, shown in page.numbers:
        number = reached(found, pointer)
        assert str(number) == value, pointer
        assert float(shown.replace(",", "").replace("−", "-")) == pytest.approx(number, abs=0.051), pointer
    assert in_words("\n".join(page.words)) == []
    said = in_words(
        re.sub(
            r"\d{4}-\d\d-\d\d|\b[0-9a-f]{12}\b|\b\d+\.\d+\.\d+\b",
            "",
            prose_of(written(lived, labelvc, "markdown").replace(*MARKS)),
        )
    )
    assert len(said) > 80
    sizes = {f"{len(found['trends']['points'])}", f"{len(found['throughput']['starts'])}", "0001"}
    assert set(said) - sizes <= spelled(found)


def test_no_plain_value_is_shown(zoo: Zoo, labelvc: Run):
    zoo.replace(PETS, "sensitive:\n", "sensitive:\n  - {pointer: /value/label, kind: person}\n")
    zoo.put("pets/p2#k1", answer("p2", "k1", "kind", {"label": PLAIN}, by=PLAIN))
    zoo.commit("One")
    zoo.change("pets/p2#k1", value={"label": f"{PLAIN}!"})
    zoo.commit("Two")
    for form in ("text", "json", "markdown", "html"):
        assert PLAIN not in written(zoo, labelvc, form)
    zoo.replace(PETS, "  - {pointer: /value/label, kind: person}\n", "")
    zoo.put("pets/p2#k1", answer("p2", "k1", "kind", {"label": "cat"}, by=ANNA, rev=3))
    zoo.commit("What was protected once stays so")
    found = told(zoo, labelvc)
    assert PLAIN not in json.dumps(found)
    assert found["turns"]["records"] == 0  # of labels that may not be shown nobody is told which became which


def test_what_commits_did_is_remembered_of_each_and_hidden_as_soon_as_that_is_declared(
    lived: Zoo, labelvc: Run, monkeypatch: pytest.MonkeyPatch
):
    asked: list[list[str]] = []
    these = log.these
    monkeypatch.setattr(log, "these", lambda git, ids, paths: asked.append(list(ids)) or these(git, ids, paths))
    first = told(lived, labelvc)
    assert [len(ids) for ids in asked] == [first["line"]["commits"]]
    asked.clear()
    assert told(lived, labelvc) == first
    assert not asked
    lived.change("pets/p3#m1", value={"score": 2})
    lived.commit("Later", **on("2026-05-01"))
    later = told(lived, labelvc)
    assert asked == [[later["line"]["head"]]]
    assert later["throughput"]["edits"] == first["throughput"]["edits"] + 1
    for file in (lived.folder / ".git/labelvc/cache").iterdir():
        file.write_bytes(b"not a cache")
    assert told(lived, labelvc) == later
    assert "cat" in json.dumps(later["turns"])
    lived.replace(PETS, "sensitive:\n", "sensitive:\n  - {pointer: /value/label, kind: person}\n")
    lived.commit("Declared", **on("2026-05-02"))
    assert "cat" not in json.dumps(told(lived, labelvc)["turns"])


def test_commits_that_bring_files_alone_are_read_as_they_lie(lived: Zoo, labelvc: Run, monkeypatch: pytest.MonkeyPatch):
    first = told(lived, labelvc)
    shutil.rmtree(lived.folder / ".git/labelvc/cache")
    asked: list[str] = []
    these = log.these
    monkeypatch.setattr(log, "these", lambda git, ids, paths: asked.extend(ids) or these(git, ids, paths))
    monkeypatch.setattr(work, "_MANY", 1)
    assert told(lived, labelvc) == first
    root = lived.git("rev-list", "--max-parents=0", "main").strip()
    assert root not in asked
    assert len(asked) == first["line"]["commits"] - 1


def test_a_shard_that_came_and_a_record_that_went_are_looked_at_together(zoo: Zoo, labelvc: Run):
    """So many records that they are counted at once, one of which another shard had until then."""
    shards = [zoo.shard(f"pets/p{number}#m1") for number in range(1, 9)]
    wrong = next(path for path in shards if path != shards[0])
    moved = canonical.encode(rating("p1", 1, ANNA, "z0"), canonical.RECORD_FIRST) + b"\n"
    zoo.write(wrong, zoo.read(wrong) + moved)
    zoo.commit("Astray")
    before = told(zoo, labelvc)["throughput"]
    zoo.write(wrong, zoo.read(wrong).replace(moved, b""))
    for number in range(70):
        zoo.put(f"pets/p1#z{number}", rating("p1", 1, ANNA, f"z{number}"))
    zoo.commit("Many")
    after = told(zoo, labelvc)["throughput"]
    assert (after["edits"], after["removed"]) == (before["edits"] + 69, before["removed"])


# ---------------------------------------------------------------- which commits
def commit(number: int, day: str) -> Commit:
    return Commit(f"{number:040x}", (), Person("a", "b"), (), f"{day}T00:00:00+00:00", f"{day}T00:00:00+00:00", "")


def test_points_are_spread_over_time_and_hold_both_ends():
    busy = [commit(at, f"2026-01-{1 + at // 40:02}") for at in range(400)]
    line = [*busy, commit(400, "2026-06-01"), commit(401, "2026-12-01")]
    found = trends.chosen(line)
    assert found[0] == line[0]
    assert found[-1] == line[-1]
    assert line[400] in found
    assert len(found) == 4  # the busy ten days are one stretch
    for size in (1, 2, 11, 12, 13, 50):
        even = [commit(at, (date(2026, 1, 1) + timedelta(days=3 * at)).isoformat()) for at in range(size)]
        chosen = trends.chosen(even)
        assert len(chosen) == min(size, trends.MOST)
        assert chosen[:1] + chosen[-1:] == even[:1] + even[-1:]
        assert all(one.id < two.id for one, two in pairwise(chosen))
    backwards = [commit(at, f"20{40 - at:02}-01-01") for at in range(30)]
    assert trends.chosen(backwards)[-1] == backwards[-1]


@pytest.mark.parametrize(
    ("first", "last", "unit", "number"),
    [
        ("2026-03-01", "2026-03-01", "week", 1),
        ("2026-03-01", "2026-03-02", "week", 2),
        ("2025-12-29", "2026-01-04", "week", 1),
        ("2026-01-05", "2027-02-28", "week", 60),
        ("2026-01-05", "2027-03-01", "month", 15),
        ("2020-01-31", "2024-12-01", "month", 60),
        ("2020-01-31", "2025-01-01", "quarter", 21),
        ("2018-02-19", "2025-04-26", "quarter", 30),
        ("2010-01-31", "2025-01-01", "year", 16),
        ("0001-01-01", "9999-12-31", "year", 60),
        ("1970-01-01", "2026-12-02", "year", 57),
    ],
)
def test_a_calendar_holds_its_days_in_stretches_that_follow_one_another(first: str, last: str, unit: str, number: int):
    one, two = date.fromisoformat(first), date.fromisoformat(last)
    found = calendar.over([two, one])
    assert (found.unit, len(found.starts)) == (unit, number)
    assert list(found.starts) == sorted(set(found.starts))
    assert (found.place(one), found.place(two)) == (0, number - 1)
    for at, start in enumerate(found.starts):
        assert found.place(start) == at
        if at:
            assert found.place(start - timedelta(days=1)) == at - 1


def test_dates_bound_the_line(lived: Zoo, labelvc: Run):
    line = lived.git("log", "--first-parent", "--reverse", "--format=%H", "main").splitlines()
    found = told(lived, labelvc, "main", "--since", "2026-03-24", "--to", "2026-04-10T00:00:00Z")
    assert found["line"]["head"] == line[-2]
    assert found["line"]["base"] == line[1]
    assert (found["line"]["steps"], found["line"]["commits"]) == (2, 4)
    assert [point["commit"] for point in found["trends"]["points"]] == line[2:4]
    code, out, err = labelvc(lived.folder, "report", "--since", "2030-01-01")
    assert (code, out) == (2, "")
    assert "no commit of HEAD along first parents is since 2030-01-01" in err


def test_what_cannot_be_reported_exits_2_and_says_why(lived: Zoo, labelvc: Run, tmp_path):
    for words, said in (
        (("nowhere",), "nowhere"),
        (("--since", "one fine day"), "is no date"),
        (("--by", "colour"), "choose one of: /source"),
    ):
        code, out, err = labelvc(lived.folder, "report", *words)
        assert (code, out) == (2, ""), words
        assert said in err
        assert "next: " in err
    lived.git("clone", "-q", "--depth", "2", f"file://{lived.folder}", str(tmp_path / "shallow"))
    code, _, err = labelvc(tmp_path / "shallow", "report")
    assert (code, "shallow" in err) == (2, True)


# ---------------------------------------------------------------- forms
def test_on_a_terminal(lived: Zoo, labelvc: Run):
    _, out, _ = labelvc(lived.folder, "report", "main")
    assert re.sub(r"[0-9a-f]{40}|\b[0-9a-f]{12}\b", "…", re.sub("overdue on [0-9-]+", "overdue on …", out)) == snapshot("""\
line          main at …: 5 steps along first parents, 7 commits, 2026-03-01 to 2026-04-20
now           34 records on 13 items in 2 datasets, made by 2 annotators
progress      pets kind: 2 answers; by /source; 2 labels under the floor of 2
                      1   50.0 %  cat
                      1   50.0 %  dog
progress      pets kinds: 2 answers; by /source; 2 labels under the floor of 2
                      1   50.0 %  cat
                      1   50.0 %  dog
progress      pets link: 1 answer; by /source; 2 labels under the floor of 2
                      1  100.0 %  cat
                      0    0.0 %  dog
progress      pets mood: 24 answers; by /source
                     10   41.7 %  1
                      9   37.5 %  0
                      4   16.7 %  2
                      1    4.2 %  3
progress      pets note: 1 answer; by /source
                      1  100.0 %  (free text)
progress      pets odds: 1 answer; by /source; 2 labels under the floor of 2
                      1  100.0 %  dog
                      0    0.0 %  cat
progress      pets words: 1 answer; by /source; 2 labels under the floor of 2
                      1  100.0 %  dog
                      0    0.0 %  cat
progress      pictures where: 3 answers
                      3  100.0 %  cat
                      0    0.0 %  dog
findings      errors 0 to 0, warnings 0 to 23, notes 0 to 0, at 5 points from 2026-03-01 to 2026-04-20
              error   ··██·
              warning ·████
agreement     pets kind: fewer than 10 items have answers of two people
              pets mood: 11 items; observed 0.333 (0.055 to 0.612) on 2026-03-10 -> 0.364 (0.065 to 0.662) on 2026-04-20; alpha -0.022 (-0.422 to 0.378) -> 0.039 (-0.380 to 0.459)
reviews       no policy was in force: nobody had to approve
work          49 records added or changed, 1 removed, in 9 weeks; 3 dated by the record itself, the others by their commit
                     28   57.1 %  █·█▁▁▁··▁  prs_bbsdthvxnbtclgcpbgqkthtzvcrv
                     14   28.6 %  ▁·█······  prs_bbdcxtcnrqcglttdbktsccrpwkqd
                      6   12.2 %  █········  (nobody)
                      1    2.0 %  ····█····  (a model)
labels        14 labels became another, in 13 ways
                      2   14.3 %  mood  2 -> 1
                      1    7.1 %  kind  cat -> dog
                      1    7.1 %  kind  dog -> cat
                      1    7.1 %  mood  -1 -> 0
                      1    7.1 %  mood  -1 -> 1
                      1    7.1 %  mood  -2 -> 2
                      1    7.1 %  mood  0 -> 1
                      1    7.1 %  mood  0 -> 2
                      1    7.1 %  mood  0 -> 3
                      1    7.1 %  mood  1 -> 0
registers     1 open, 1 of them overdue on …; 0 closed
              decision/0001-one-label  ada  due 2026-03-31  One label or two
guidelines    mood 1.1.0  active; 0 records to be looked at again
made by       labelvc 0.1.0; labelvc report …
""")


def test_the_same_history_gives_the_same_bytes(lived: Zoo, labelvc: Run, tmp_path):
    for form in ("json", "markdown", "text", "html"):
        words = ("report", "main", "--format", form)
        first = labelvc(lived.folder, *words, "--jobs", "1")
        assert labelvc(lived.folder, *words, "--jobs", "2") == first
        lived.git("clone", "-q", str(lived.folder), str(tmp_path / form))
        assert labelvc(tmp_path / form, *words)[:2] == first[:2]


def test_markdown_keeps_its_budget(lived: Zoo, labelvc: Run):
    whole = written(lived, labelvc, "markdown")
    assert whole.startswith("<!-- labelvc:report:v1 -->\n")
    for budget in (2_000, 2_500, 4_000):
        assert len(written(lived, labelvc, "markdown", "--budget", str(budget))) <= budget < len(whole)


def test_the_page_can_be_read_without_eyes_or_mouse(lived: Zoo, labelvc: Run):
    found = harmless(written(lived, labelvc, "html"), DRAWN)
    tags = [tag for tag, _ in found.tags]
    assert [tags.count(tag) for tag in ("h1", "main", "header", "nav")] == [1] * 4
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all("scope" in each for tag, each in found.tags if tag == "th")
    for tag, each in found.tags:
        if tag == "svg":
            assert (each.get("role") == "img" and each.get("aria-label")) or each.get("aria-hidden")


def test_nothing_in_a_page_is_live(zoo: Zoo, labelvc: Run):
    zoo.write(PETS, document.edit(zoo.read(PETS), {("slices",): ["/source"]}))
    for number, said in enumerate(HOSTILE):
        item = f"h{number}"
        zoo.put(f"pets/{item}#", {"id": item, "natural": {"word": item}, "source": said, "text": said})
        zoo.put(f"pets/{item}#k1", answer(item, "k1", "kind", {"label": said}, by=ANNA))
        name = f"feedback/{number:04}-words"
        zoo.write(
            f"registers/{name}.yaml",
            f"schema: urn:labelvc:schema:register-feedback:1\nid: {name}\ntitle: {json.dumps(said)}\n"
            f"owner: us\nopened: 2026-03-01\nstatus: open\nsaid: {json.dumps(said)}\n",
        )
    zoo.commit("Begin")
    for number, said in enumerate(HOSTILE):
        zoo.change(f"pets/h{number}#k1", value={"label": f"{said}!"})
    zoo.change("pets/p1#m1", by=PLAIN)
    branch = "x;touch${IFS}pwned"
    zoo.git("add", "--all")
    zoo.git("commit", "-qnm", HOSTILE[0])
    zoo.git("branch", branch)
    texts = [written(zoo, labelvc, form, branch) for form in ("markdown", "html", "text", "json")]
    prose_of(texts[0].replace(*MARKS))
    harmless(texts[1], DRAWN)
    for text in texts[:3]:
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u200b\u202a-\u202e\u2066-\u2069]", text)
    assert not [text for text in texts if PLAIN in text]
    assert json.loads(texts[3])["turns"]["records"] == len(HOSTILE)


def test_dark_colours_are_for_screens_alone(lived: Zoo, labelvc: Run, tmp_path: Path):
    """Paper is light: who prefers dark would print pale text, since browsers leave out what is behind it."""
    page = tmp_path / "page.html"
    assert labelvc(lived.folder, "report", "main", "--format", "html", "-o", str(page))[0] == 0
    dark = re.findall(r"@media ([^{]*prefers-color-scheme: dark[^{]*)[{]", page.read_text())
    assert dark == ["screen and (prefers-color-scheme: dark) "]
