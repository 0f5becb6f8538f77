"""Waivers: a finding stands by a line that somebody of the policy answers for, for a time, on what the base already had."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.codec import canonical
from labelvc.core import decide, waivers
from labelvc.model.finding import Finding, Place
from labelvc.model.policy import Need, Policy, Principal, Role, Rule
from labelvc.model.waiver import Waiver
from tests.people import Desk
from tests.trusting import govern, people_keys
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["people_keys", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
ADD = ("waiver", "add", "score.range", "pets/p2#m1", "--reason", "a nine was given", "--expires", "2026-06-30")


@pytest.fixture(autouse=True)
def a_fixed_day(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1772355600")  # 2026-03-01


@pytest.fixture
def desk(zoo: Zoo, people_keys: Path, labelvc: Run) -> Desk:
    """Return the zoo under a policy of Ada, who keeps the root, and Ben and Cleo, who lead and review."""
    return govern(zoo, people_keys, labelvc)


def nine(zoo: Zoo, key: str = "pets/p2#m1") -> None:
    zoo.change(key, value={"score": 9})


def waive(zoo: Zoo, labelvc: Run, *words: str) -> None:
    code, _, err = labelvc(zoo.folder, *(words or ADD))
    assert code == 0, err


def check(zoo: Zoo, labelvc: Run, *words: str) -> tuple[int, list[dict[str, object]], dict[str, int]]:
    code, out, err = labelvc(zoo.folder, "check", *words, "--format", "json")
    assert code in (0, 1), err
    told = json.loads(out)
    return code, told["items"], told["summary"]


def states(items: list[dict[str, object]]) -> list[tuple[object, object]]:
    return [(one["rule"], one.get("state", "new")) for one in items]


# ---------------------------------------------------------------- a waiver is written
def test_a_waiver_is_a_line_that_says_all_of_it(zoo: Zoo, desk: Desk, labelvc: Run):
    nine(zoo)
    code, out, err = labelvc(zoo.folder, *ADD)
    assert (code, out) == (
        0,
        "score.range  pets/p2#m1  by ada 2026-03-01, until 2026-06-30: a nine was given\n",
    )
    assert "have it approved" in err
    assert zoo.git("diff", "--cached", "--name-only") == "waivers.jsonl"
    (line,) = zoo.read("waivers.jsonl").splitlines()
    assert canonical.decode(line) == {
        "at": "pets/p2#m1",
        "by": "ada",
        "expires": "2026-06-30",
        "made": "2026-03-01",
        "reason": "a nine was given",
        "rule": "score.range",
    }
    code, items, summary = check(zoo, labelvc, "--all")
    assert (code, states(items), summary["waived"], summary["error"]) == (0, [("score.range", "waived")], 1, 0)
    assert items[0]["waiver"] == {
        "by": "ada",
        "made": "2026-03-01",
        "expires": "2026-06-30",
        "reason": "a nine was given",
    }
    code, out, _ = labelvc(zoo.folder, "check", "--all")
    assert code == 0
    assert "by ada until 2026-06-30: a nine was given" in out
    assert out.splitlines()[-1].startswith("no findings, 1 waived; ")


def test_a_second_waiver_of_the_same_takes_the_place_of_the_first_and_one_is_taken_out(
    zoo: Zoo, desk: Desk, labelvc: Run
):
    waive(zoo, labelvc)
    waive(zoo, labelvc, *ADD[:-1], "2026-12-31")
    assert zoo.read("waivers.jsonl").count(b"\n") == 1
    assert labelvc(zoo.folder, "waiver", "remove", "score.range", "pets/p3#m1")[0] == 2
    assert labelvc(zoo.folder, "waiver", "remove", "score.range")[0] == 0
    assert not (zoo.folder / "waivers.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((*ADD[:2], "privacy.email", *ADD[3:]), 1, "privacy accept"),
        ((*ADD[:2], "record.rev", *ADD[3:]), 1, "not waived"),
        ((*ADD[:2], "document.schema", *ADD[3:]), 1, "not waived"),
        ((*ADD[:2], "score.rnage", *ADD[3:]), 2, "no check here has the rule"),
        ((*ADD[:-1], "2026-02-28"), 2, "none, or over"),
        ((*ADD[:-1], "soon"), 2, "none, or over"),
        ((*ADD, "--by", "zoe"), 2, "nobody called 'zoe'"),
        ((*ADD[:3], *ADD[4:]), 2, "say what it covers"),
        (("waiver", "add", "score.range", "x", "--reason", "two\nlines", "--expires", "2026-06-30"), 2, "one line"),
    ],
)
def test_what_cannot_be_waived_is_refused_and_nothing_is_written(
    zoo: Zoo, desk: Desk, labelvc: Run, words: tuple[str, ...], code: int, said: str
):
    found, _, err = labelvc(zoo.folder, *words)
    assert (found, said in err) == (code, True), err
    assert zoo.git("status", "--porcelain") == ""


def test_who_the_policy_does_not_know_answers_for_nothing(zoo: Zoo, desk: Desk, labelvc: Run):
    zoo.git("config", "user.email", "stranger@example.com")
    code, _, err = labelvc(zoo.folder, *ADD)
    assert (code, "stranger@example.com" in err) == (2, True)
    assert labelvc(zoo.folder, *ADD, "--by", "cleo")[0] == 0


def test_without_a_policy_nobody_can_answer(zoo: Zoo, labelvc: Run):
    code, _, err = labelvc(zoo.folder, *ADD)
    assert (code, "labelvc trust init" in err) == (2, True)


# ---------------------------------------------------------------- what it covers
@pytest.mark.parametrize(
    ("at", "label", "covered"),
    [
        ("pets/p2#m1", "", True),
        ("pets/*", "", True),
        ("pets/p2#*", "", True),
        ("datasets/pets/**", "", True),
        ("datasets/pets/annotations/1.jsonl", "", True),
        ("pets/p2#m2", "", False),
        ("pets", "", False),
        ("datasets/pets/*", "", False),
        ("pets/*", "dodo", True),
        ("pets/*", "dod", False),
    ],
)
def test_a_waiver_covers_what_it_says_and_nothing_beside(at: str, label: str, covered: bool):
    found = Finding(
        "label.unknown", "error", Place("datasets/pets/annotations/1.jsonl", 3, "pets/p2#m1"), "the label 'dodo' is not"
    )
    one = Waiver(at, "ada", "2026-06-30", "2026-03-01", "why", "label.unknown", label)
    assert waivers.covers(one, found) is covered
    assert not waivers.covers(one, found._replace(rule="label.deprecated"))


@pytest.mark.parametrize("rule", ["privacy.email", "record.rev", "waiver.expired", "merge.lost", "document.schema"])
def test_some_rules_are_waived_by_no_line_however_it_came_there(rule: str):
    found = Finding(rule, "error", Place("a"), "x")
    assert waivers.apart([found], [Waiver("a", "ada", "2026-06-30", "2026-03-01", "why", rule)], "2026-03-01") == (
        [found],
        [],
    )


def test_a_line_that_waives_what_cannot_be_waived_is_a_finding(zoo: Zoo, desk: Desk, labelvc: Run):
    waive(zoo, labelvc)
    zoo.replace("waivers.jsonl", "score.range", "record.rev")
    zoo.replace("waivers.jsonl", "2026-06-30", "2025-06-30")
    code, items, _ = check(zoo, labelvc, "--all")
    assert code == 1
    assert [(one["rule"], one["place"]["pointer"]) for one in items] == [  # type: ignore[index]
        ("document.reference", "/0/expires"),
        ("document.reference", "/0/rule"),
    ]


# ---------------------------------------------------------------- when it holds
def test_a_waiver_that_ended_lets_nothing_stand_and_is_told(
    zoo: Zoo, desk: Desk, labelvc: Run, monkeypatch: pytest.MonkeyPatch
):
    nine(zoo)
    waive(zoo, labelvc)
    zoo.commit("Waived")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1782820800")  # 2026-06-30
    assert check(zoo, labelvc, "--all")[0] == 0
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1782864000")  # 2026-07-01
    code, items, _ = check(zoo, labelvc, "--all")
    assert (code, states(items)) == (1, [("score.range", "new"), ("waiver.expired", "new")])
    code, out, _ = labelvc(zoo.folder, "waiver", "list")
    assert (code, out.splitlines()[0].split()[0], out.splitlines()[-1]) == (1, "ended", "1 waiver; 1 ended, 0 unused")


def test_a_waiver_that_covers_nothing_is_told_where_everything_is_looked_at(zoo: Zoo, desk: Desk, labelvc: Run):
    waive(zoo, labelvc)
    code, items, _ = check(zoo, labelvc, "--all")
    assert (code, states(items)) == (0, [("waiver.unused", "new")])
    assert check(zoo, labelvc)[1] == []
    code, out, _ = labelvc(zoo.folder, "waiver", "list", "--format", "json")
    assert (code, [(one["state"], one["covers"]) for one in json.loads(out)["items"]]) == (0, [("unused", 0)])


def test_a_waiver_of_somebody_who_left_is_told(zoo: Zoo, desk: Desk, labelvc: Run):
    nine(zoo)
    waive(zoo, labelvc, *ADD, "--by", "cleo")
    assert check(zoo, labelvc, "--all")[0] == 0
    zoo.replace("waivers.jsonl", '"cleo"', '"zoe"')
    assert states(check(zoo, labelvc, "--all")[1]) == [("waiver.owner", "new"), ("score.range", "waived")]
    assert states(check(zoo, labelvc)[1]) == [("waiver.owner", "new"), ("score.range", "waived")]


# ---------------------------------------------------------------- whose waivers judge
def judged(zoo: Zoo, labelvc: Run, out: Path, *words: str) -> tuple[int, str]:
    code, said, err = labelvc(zoo.folder, "ci", "--base", "main", "--head", "topic", "-o", str(out), *words)
    assert "Traceback" not in err, err
    return code, said + err


def test_a_branch_waives_nothing_of_its_own(zoo: Zoo, desk: Desk, labelvc: Run, tmp_path: Path):
    """The same line waives the same finding when the base has it, in the hook, `check A..B` and `ci`."""
    zoo.git("checkout", "-q", "-b", "topic")
    waive(zoo, labelvc)
    zoo.commit("Waived by myself")
    nine(zoo)
    zoo.commit("Nine")
    code, said = judged(zoo, labelvc, tmp_path / "out")
    assert (code, "error   score.range" in said, "1 waived" in said) == (1, True, False)
    code, items, _ = check(zoo, labelvc, "main..topic")
    assert (code, states(items)) == (1, [("score.range", "new")])
    zoo.git("checkout", "-q", "main")
    zoo.git("checkout", "topic~1", "--", "waivers.jsonl")
    zoo.commit("Waived by main")
    zoo.git("checkout", "-q", "topic")
    code, said = judged(zoo, labelvc, tmp_path / "out")
    assert ("error   score.range" in said, "no findings, 1 waived" in said) == (False, True), said
    assert "by ada until 2026-06-30: a nine was given" in said
    assert code == 1  # nobody approved it
    code, items, summary = check(zoo, labelvc, "main..topic")
    assert (code, states(items), summary["waived"]) == (0, [("score.range", "waived")], 1)


def test_a_waiver_is_over_on_the_day_that_ci_is_told(zoo: Zoo, desk: Desk, labelvc: Run, tmp_path: Path):
    waive(zoo, labelvc)
    zoo.commit("Waived")
    zoo.git("checkout", "-q", "-b", "topic")
    nine(zoo)
    zoo.commit("Nine")
    assert "1 waived" in judged(zoo, labelvc, tmp_path / "out", "--date", "2026-06-30")[1]
    assert "1 waived" not in judged(zoo, labelvc, tmp_path / "out", "--date", "2026-07-01")[1]


def test_a_merge_by_hand_takes_in_what_is_waived(zoo: Zoo, desk: Desk, labelvc: Run):
    waive(zoo, labelvc)
    zoo.commit("Waived")
    zoo.git("checkout", "-q", "-b", "topic")
    nine(zoo)
    zoo.commit("Nine")
    zoo.git("checkout", "-q", "main")
    zoo.change("pets/p3#m1", value={"score": -2})
    zoo.commit("Main went on")
    code, _, err = labelvc(zoo.folder, "merge", "-m", "In", "topic")
    assert code == 0, err


def test_a_waiver_needs_the_word_that_the_policy_asks_for(zoo: Zoo, desk: Desk, labelvc: Run):
    zoo.git("checkout", "-q", "-b", "topic")
    waive(zoo, labelvc)
    zoo.commit("Waived")
    code, items = desk.verify("main...topic")
    (step,) = items
    assert (code, step["uncovered"], [need["role"] for need in step["needs"]]) == (1, ["waivers.jsonl"], ["lead"])
    code, out, _ = labelvc(zoo.folder, "policy", "explain", "waivers.jsonl")
    assert (code, "lead" in out) == (0, True)
    desk.approve("ben", "main...topic", "reviewer")
    assert desk.verify("main...topic")[0] == 1, "a reviewer's yes is another word"
    desk.approve("cleo", "main...topic", "lead")
    code, items = desk.verify("main...topic")
    assert (code, [step["state"] for step in items]) == (0, ["approved"])


def test_a_rule_on_waivers_takes_the_place_of_that_on_datasets():
    need, two = Need("lead"), Need("lead", 2)
    people = {"ada": Principal("Ada")}
    old = Policy(1, None, "x", people, {"lead": Role(("ada",))}, (Rule("documents", ("datasets",), (need,)),))
    new = Policy(1, None, "x", people, old.roles, (*old.rules, Rule("waivers", ("waivers",), (two,))))
    assert [rule.name for rule in decide.rules_for(old, "waivers.jsonl") or ()] == ["documents"]
    assert [rule.name for rule in decide.rules_for(new, "waivers.jsonl") or ()] == ["waivers"]
    assert decide.kind_of("Waivers.JSONL") == "unknown"


# ---------------------------------------------------------------- what is shown
@pytest.fixture
def out(zoo: Zoo, desk: Desk, labelvc: Run, tmp_path: Path) -> Path:
    """Judge a branch with a waived finding, one that is not, and one that main has too."""
    waive(zoo, labelvc)
    zoo.change("pets/p6#m1", value={"score": 7})
    zoo.commit("Main has one")
    zoo.git("checkout", "-q", "-b", "topic")
    nine(zoo)
    nine(zoo, "pets/p3#m1")
    zoo.change("pets/p6#m1", ext={"seen": True})
    zoo.commit("Nines")
    judged(zoo, labelvc, tmp_path / "out")
    return tmp_path / "out"


def test_sarif_says_what_is_new_what_stayed_and_what_is_suppressed(out: Path):
    (run,) = json.loads((out / "findings.sarif").read_text())["runs"]
    rows = [
        (one["locations"][0]["logicalLocations"][0]["fullyQualifiedName"], one["baselineState"], one["suppressions"])
        for one in run["results"]
        if one["ruleId"] == "score.range"
    ]
    accepted = {"kind": "external", "status": "accepted", "justification": "a nine was given (ada, until 2026-06-30)"}
    assert rows == [
        ("pets/p3#m1", "new", []),
        ("pets/p2#m1", "new", [accepted]),
        ("pets/p6#m1", "unchanged", []),
    ]
    assert run["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]


def test_what_hosts_show_leaves_it_out(out: Path):
    items = json.loads((out / "gl-code-quality.json").read_text())
    assert [one["description"].partition(": pets")[2][:6] for one in items if one["check_name"] == "score.range"] == [
        "/p3#m1"
    ]
    cases = ET.parse(out / "junit.xml").getroot().iter("testcase")
    (case,) = [one for one in cases if one.get("name") == "score.range" and one.get("classname") == "pets"]
    assert ([child.tag for child in case], "p2" in str(case[0].text)) == (["failure"], False)


def test_a_case_with_nothing_but_what_is_waived_is_skipped(zoo: Zoo, desk: Desk, labelvc: Run):
    nine(zoo)
    waive(zoo, labelvc)
    root = ET.fromstring(labelvc(zoo.folder, "check", "--all", "--format", "junit")[1])
    (case,) = [
        one for one in root.iter("testcase") if one.get("name") == "score.range" and one.get("classname") == "pets"
    ]
    assert [(child.tag, child.get("message")) for child in case] == [("skipped", "1 finding waived")]
    assert [suite.get("skipped") for suite in root if suite.get("name") == "pets"] == ["1"]


def test_the_page_names_who_lets_it_stand_and_why(out: Path):
    review = json.loads((out / "review.json").read_text())["quality"]
    assert [(one["place"]["key"], one["state"], one["waiver"]["reason"]) for one in review["waived"]] == [
        ("pets/p2#m1", "waived", "a nine was given")
    ]
    assert "pets/p2#m1" not in [one["place"]["key"] for one in review["findings"]]
    for name in ("summary.md", "review.html"):
        text = (out / name).read_text()
        assert "a nine was given" in text, name
        assert "2026-06-30" in text, name
    assert "no findings, 1 waived" not in (out / "summary.md").read_text()
    assert "1 error, 1 known finding not listed, 1 waived" in (out / "summary.md").read_text()
