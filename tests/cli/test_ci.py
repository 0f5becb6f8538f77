"""The command ci: what a branch may not hide, who judges it, and what is said when nobody could tell."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from labelvc.codec import canonical, document
from labelvc.core.audit import Kind
from labelvc.ops import catalogue, judgement, merge
from tests.copying import copied
from tests.people import Desk
from tests.trusting import govern, people_keys
from tests.zoo import Zoo, rating, rows, zoo, zoo_template

__all__ = ["people_keys", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
MAIL = "jo.public@firma.de"
_made: dict[Path, Path] = {}
FILES = {"review.html", "review.json", "summary.md", "findings.sarif", "junit.xml", "gl-code-quality.json"}


@pytest.fixture
def judge(labelvc: Run, tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """Judge a branch into a fresh folder: exit code, what was printed, summary.md."""

    def run(folder: Path, *words: str, base: str = "main", head: str = "topic") -> tuple[int, str, str]:
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        code, said, err = labelvc(folder, "ci", "--base", base, "--head", head, "-o", str(out), *words)
        assert "Traceback" not in err, err
        return code, said + err, (out / "summary.md").read_text()

    return run


@pytest.fixture
def desk(zoo: Zoo, people_keys: Path, labelvc: Run, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Return the zoo under a policy: Ada keeps the root, Ben and Cleo review, and Ada changed a record on `topic`; made once."""
    if people_keys not in _made:
        govern(zoo, people_keys, labelvc)
        branch(zoo)
        zoo.change("pets/p2#m1", value={"score": 2})
        zoo.commit("Two")
        _made[people_keys] = copied(zoo.folder, tmp_path_factory.mktemp("made") / "desk")
    else:
        shutil.rmtree(zoo.folder)
        copied(_made[people_keys], zoo.folder)
        zoo.git("update-index", "-q", "--refresh")
    return Desk(zoo.folder, people_keys, labelvc)


def branch(zoo: Zoo, name: str = "topic") -> None:
    zoo.git("checkout", "-q", "-b", name)


def errors(said: str) -> list[str]:
    """Return the rules of the errors that were printed."""
    return [line.split()[1] for line in said.splitlines() if line.startswith("error ")]


def rules(said: str) -> list[tuple[str, str]]:
    """Return severity and rule of the findings that were printed."""
    rows = [line.split() for line in said.splitlines() if line.startswith(("error ", "warning ", "note "))]
    return [(row[0], row[1]) for row in rows]


def test_a_branch_in_order_is_green(zoo: Zoo, judge):
    branch(zoo)
    zoo.change("pets/p2#m1", value={"score": 2})
    zoo.commit("Better")
    code, said, summary = judge(zoo.folder)
    assert (code, errors(said)) == (0, []), said
    assert summary.startswith("<!-- labelvc:review:v1 -->\n## Nothing stands against it\n")
    assert zoo.git("status", "--porcelain") == ""


def test_a_finding_is_red(zoo: Zoo, judge):
    branch(zoo)
    zoo.change("pets/p2#m1", value={"score": 9})
    zoo.commit("Too good")
    code, said, summary = judge(zoo.folder)
    assert (code, errors(said)) == (1, ["score.range"]), said
    assert "score.range" in summary
    assert judge(zoo.folder, "--fail-on", "warning")[0] == 1


def test_what_a_later_commit_mends_is_a_note_that_names_the_commit(zoo: Zoo, judge):
    branch(zoo)
    zoo.change("pets/p2#m1", value={"score": 9})
    bad = zoo.commit("Too good")
    zoo.change("pets/p2#m1", value={"score": 2})
    zoo.commit("Mended")
    code, said, _ = judge(zoo.folder)
    assert (code, rules(said)) == (0, [("note", "score.range")]), said
    assert f"in commit {bad[:10]}; a later commit of the branch mends it" in said


def test_a_value_that_a_later_commit_takes_out_stays_an_error(zoo: Zoo, judge):
    branch(zoo)
    zoo.write("notes.md", f"ask {MAIL}\n")
    bad = zoo.commit("A note")
    (zoo.folder / "notes.md").unlink()
    zoo.commit("No note")
    code, said, summary = judge(zoo.folder)
    assert (code, errors(said)) == (1, ["privacy.email"]), said
    assert bad[:10] in said
    assert "labelvc privacy incident" in said
    assert MAIL not in said + summary


def test_a_value_in_a_message_or_in_the_name_of_a_branch_is_an_error(zoo: Zoo, judge, monkeypatch: pytest.MonkeyPatch):
    branch(zoo)
    zoo.commit(f"As {MAIL} asked")
    code, said, _ = judge(zoo.folder)
    assert (code, errors(said)) == (1, ["privacy.email"])
    zoo.git("commit", "-q", "--amend", "--allow-empty", "-m", "As asked")
    assert judge(zoo.folder)[0] == 0
    assert judge(zoo.folder, "--branch", f"for-{MAIL}")[0] == 1
    monkeypatch.setenv("GITHUB_HEAD_REF", f"for-{MAIL}")
    code, said, summary = judge(zoo.folder, head=zoo.git("rev-parse", "topic"))
    assert (code, errors(said)) == (1, ["privacy.email"])
    assert MAIL not in said + summary


SOFTER = {
    "the dataset": ("datasets/pets/dataset.yaml", "checks: {}", "checks: {score.range: {severity: off}}"),
    "the leaks": ("labelvc.yaml", "goal: Know", "privacy: {leaks: {off: [email]}}\ngoal: Know"),
}


@pytest.mark.parametrize("apart", [False, True])
def test_a_branch_cannot_lift_the_protection_of_a_field_and_fill_it(zoo: Zoo, judge, apart: bool):
    branch(zoo)
    zoo.replace("datasets/pets/dataset.yaml", "  - {pointer: /ext/owner, kind: person, layer: items}\n", "")
    if apart:
        zoo.commit("No secret any more")
    zoo.change("pets/p2#", ext={"owner": "hildegard mueller"})
    zoo.commit("The owner")
    code, said, _ = judge(zoo.folder)
    assert (code, "privacy.plaintext" in errors(said), "hildegard" in said) == (1, True, False), said


@pytest.mark.parametrize("way", SOFTER)
def test_a_branch_that_softens_what_judges_it_is_judged_by_the_base(zoo: Zoo, judge, way: str):
    branch(zoo)
    zoo.replace(*SOFTER[way])
    zoo.commit("Softer")
    zoo.change("pets/p2#m1", value={"score": 9})
    zoo.write("notes.md", f"ask {MAIL}\n")
    zoo.commit("And so")
    code, said, _ = judge(zoo.folder)
    assert code == 1
    assert {"score.range", "privacy.email"} <= set(errors(said)), said


def test_a_strategy_that_a_branch_sets_decides_no_conflict_with_main(zoo: Zoo, judge, labelvc: Run):
    """The branch says that its own labels win, and merges main: nobody looked at the label that main had set."""
    branch(zoo)
    zoo.replace("datasets/pets/dataset.yaml", "checks: {}", "checks: {}\nmerge: {/value: ours}")
    zoo.change("pets/p2#m1", value={"score": 2})
    zoo.commit("Two, and ours wins")
    zoo.git("checkout", "-q", "main")
    zoo.change("pets/p2#m1", value={"score": -2})
    zoo.commit("Minus two")
    zoo.git("checkout", "-q", "topic")
    assert labelvc(zoo.folder, "merge", "main")[0] == 0
    code, said, _ = judge(zoo.folder)
    assert (code, errors(said)) == (1, ["merge.lost"]), said
    hint = next(line.split("labelvc ")[1] for line in said.splitlines() if "labelvc audit merges" in line)
    assert labelvc(zoo.folder, *hint.split())[0] == 1
    code, out, _ = labelvc(zoo.folder, "review", "main...topic", "--format", "json")
    assert (code, json.loads(out)["merges"]["verdicts"]) == (0, {"lost": 1})
    zoo.git("checkout", "-q", "main")
    zoo.git("merge", "-q", "--no-ff", "-m", "In", "topic")
    assert labelvc(zoo.folder, "audit", "merges", "main~1..main")[0] == 1  # main before the branch came in says it


def test_a_strategy_of_main_decides_as_before(zoo: Zoo, judge, labelvc: Run):
    zoo.replace("datasets/pets/dataset.yaml", "checks: {}", "checks: {}\nmerge: {/value: ours}")
    zoo.commit("Ours wins")
    branch(zoo)
    zoo.change("pets/p2#m1", value={"score": 2})
    zoo.commit("Two")
    zoo.git("checkout", "-q", "main")
    zoo.change("pets/p2#m1", value={"score": -2})
    zoo.commit("Minus two")
    zoo.git("checkout", "-q", "topic")
    assert labelvc(zoo.folder, "merge", "main")[0] == 0
    code, said, _ = judge(zoo.folder)
    assert (code, errors(said)) == (0, []), said


LOOSER: dict[str, tuple[str, tuple[str, str, str], Callable[[Zoo], None], str]] = {
    "a task that need not be answered": (
        "checks: {label.missing: {severity: error}}",
        ("datasets/pets/dataset.yaml", "mood: true", "mood: false"),
        lambda zoo: zoo.bury("pets/p2#m1"),
        "label.missing",
    ),
    "no natural key": (
        "checks: {item.duplicate: {severity: error}}",
        ("datasets/pets/dataset.yaml", "natural_key: [/natural/word]\n", ""),
        lambda zoo: zoo.change("pets/p2#", natural={"word": "w1"}),
        "item.duplicate",
    ),
    "a field that holds anything": (
        "item_fields: {genre: {enum: [mail]}}",
        ("datasets/pets/dataset.yaml", "{genre: {enum: [mail]}}", "{genre: {}}"),
        lambda zoo: zoo.change("pets/p2#", genre="nonsense"),
        "record.schema",
    ),
    "no slices": (
        "item_fields: {genre: {enum: [mail, web]}}\nslices: [/genre]\nchecks: {slice.coverage: {severity: error}}",
        ("datasets/pets/dataset.yaml", "slices: [/genre]\n", ""),
        lambda zoo: zoo.change("pets/p2#", genre="mail"),
        "slice.coverage",
    ),
    "a longer scale": (
        "{}",
        ("labelvc.yaml", "maximum: 4, step: 1", "maximum: 9"),
        lambda zoo: zoo.change("pets/p2#m1", value={"score": 8.5}),
        "score.range",
    ),
    "a task without a guideline": (
        "{}",
        ("labelvc.yaml", ", guideline: mood", ""),
        lambda zoo: zoo.change("pets/p2#m1", under=None, value={"score": 2}),
        "record.schema",
    ),
}
"""What a branch might make softer: what main says, the edit, what only that edit would let in, and the rule that tells it."""


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("way", LOOSER)
def test_a_branch_is_judged_by_no_definition_that_it_made_looser(zoo: Zoo, judge, way: str, apart: bool):
    says, edit, bring, rule = LOOSER[way]
    if says != "{}":
        zoo.replace("datasets/pets/dataset.yaml", "checks: {}", says)
        zoo.commit("What main says")
    branch(zoo)
    zoo.replace(*edit)
    if apart:
        zoo.commit("Looser")
    bring(zoo)
    zoo.commit("And so")
    code, said, _ = judge(zoo.folder)
    assert (code, rule in errors(said)) == (1, True), said


def test_a_dataset_without_its_document_is_no_dataset_that_went(zoo: Zoo, judge):
    """Its records lie there still, and nobody checks, merges or counts them any more."""
    branch(zoo)
    zoo.git("rm", "-q", "datasets/pets/dataset.yaml")
    zoo.commit("No pets")
    code, said, _ = judge(zoo.folder)
    assert (code, errors(said)) == (1, ["shard.stray"]), said


def test_a_repository_without_a_project_is_told_once(zoo: Zoo, judge):
    zoo.git("rm", "-q", "labelvc.yaml")
    zoo.commit("No project")
    branch(zoo)
    zoo.commit("Nothing")
    code, said, _ = judge(zoo.folder)
    assert (code, said.count("there is no labelvc.yaml"), errors(said)) == (2, 1, ["ci.untold"]), said
    assert "labelvc init" in said


def test_where_to_write_is_said(zoo: Zoo, labelvc: Run):
    branch(zoo)
    for out, told in (("", "the name is empty"), ("not/there", "next: mkdir -p ")):
        code, _, err = labelvc(zoo.folder, "ci", "--base", "main", "--head", "topic", "-o", out)
        assert (code, told in err) == (2, True), err
    code, _, err = labelvc(zoo.folder, "export", "csv", "--dataset", "pets", "--task", "mood", "-o", "not/there.csv")
    assert (code, "next: mkdir -p not" in err) == (2, True), err
    assert labelvc(zoo.folder, "export", "csv", "--dataset", "pets", "--task", "mood", "-o", "")[0] == 2
    assert labelvc(zoo.folder, "check", "--format", "json", "-o", "")[0] == 2
    assert zoo.git("status", "--porcelain") == ""


def test_a_lock_and_a_document_edited_alike_are_told(zoo: Zoo, judge, labelvc: Run):
    assert labelvc(zoo.folder, "module", "add", "package:labelvc/box-checks")[0] == 0
    zoo.commit("Take a module")
    path = "profiles/box-checks.yaml"
    old = zoo.read(path)
    branch(zoo)
    zoo.write(path, old + b"# softer\n")
    zoo.replace("modules.lock", hashlib.sha256(old).hexdigest(), hashlib.sha256(zoo.read(path)).hexdigest())
    zoo.commit("Nothing to see")
    code, said, _ = judge(zoo.folder)
    assert (code, errors(said)) == (1, ["module.rewritten"]), said


def test_a_branch_that_rewrites_what_a_published_version_said_is_caught(zoo: Zoo, judge):
    """The text and its digest are edited alike, so that the tree fits itself; the list in the base says otherwise."""
    branch(zoo)
    zoo.replace("guidelines/mood.yaml", "title: How to judge a mood", "title: How to guess a mood")
    digest = canonical.digest(canonical.encode(document.read(zoo.read("guidelines/mood.yaml"), "mood")))
    lines = zoo.read("guidelines/mood.versions.jsonl").splitlines()
    lines[1] = canonical.encode({"digest": digest, "version": "1.1.0"})
    zoo.write("guidelines/mood.versions.jsonl", b"".join([line + b"\n" for line in lines]))
    zoo.commit("Always so")
    assert zoo.everything() == []
    code, said, _ = judge(zoo.folder)
    assert (code, errors(said)) == (1, ["document.version"]), said


def test_the_merge_is_judged_where_both_sides_alone_are_right(zoo: Zoo, judge):
    """Both add the same word under another id: that merges without a conflict."""
    branch(zoo)
    zoo.put("pets/p9#", {"id": "p9", "natural": {"word": "w10"}, "text": "new"})
    zoo.put("pets/p9#m1", rating("p9"))
    zoo.commit("Another")
    zoo.git("checkout", "-q", "main")
    zoo.put("pets/p10#", {"id": "p10", "natural": {"word": "w10"}, "text": "newer"})
    zoo.put("pets/p10#m1", rating("p10"))
    zoo.commit("Yet another")
    code, said, _ = judge(zoo.folder, "--fail-on", "warning")
    assert (code, rules(said)) == (1, [("warning", "item.duplicate")]), said
    assert judge(zoo.folder)[0] == 0
    assert zoo.git("status", "--porcelain") == ""


def test_a_branch_in_conflict_says_where_and_is_judged_by_itself(zoo: Zoo, judge):
    branch(zoo)
    zoo.change("pets/p2#m1", value={"score": 9})
    zoo.commit("Nine")
    zoo.git("checkout", "-q", "main")
    zoo.change("pets/p2#m1", value={"score": -2})
    zoo.commit("Minus two")
    code, said, _ = judge(zoo.folder)
    assert (code, sorted(errors(said))) == (1, ["merge.conflict", "score.range"]), said
    assert "labelvc merge" in said


def by_their_side(zoo: Zoo) -> None:
    """Keep our side alone."""
    zoo.git("merge", "-q", "-s", "ours", "-m", "Merge", "main")


def again(zoo: Zoo) -> None:
    """Merge as labelvc does, and put a record back that main deleted."""
    merge.merge(zoo.at, "main", commit=False)
    zoo.put("pets/p6#m1", rows()["pets/p6#m1"])
    taken(zoo)


def made_up(zoo: Zoo) -> None:
    """Merge as labelvc does, and write what neither side said."""
    merge.merge(zoo.at, "main", commit=False)
    zoo.change("pets/p7#m1", value={"score": 4})
    taken(zoo)


def with_markers(zoo: Zoo) -> None:
    """Commit a conflict as it lies there."""
    merge.merge(zoo.at, "main")
    taken(zoo)


def with_both(zoo: Zoo) -> None:
    """Commit both lines of a conflict."""
    merge.merge(zoo.at, "main")
    path = zoo.shard("pets/p1#m1")
    zoo.write(path, b"".join(line + b"\n" for line in zoo.read(path).splitlines() if line.startswith(b"{")))
    taken(zoo)


def taken(zoo: Zoo) -> None:
    zoo.git("add", "--all")
    zoo.git("commit", "-q", "--no-verify", "--no-edit")


MERGES = {
    "lost": by_their_side, "resurrected": again, "unwritten": made_up, "markers": with_markers, "doubled": with_both,
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(MERGES))
def test_what_a_merge_of_the_branch_did_wrong_is_an_error_with_a_rule_of_the_catalogue(
    zoo: Zoo, judge, tmp_path: Path, kind: str
):
    branch(zoo)
    zoo.change("pets/p2#m1", value={"score": 2})
    if kind in ("markers", "doubled"):
        zoo.change("pets/p1#m1", value={"score": 3})
    zoo.commit("Ours")
    zoo.git("checkout", "-q", "main")
    zoo.change("pets/p3#m1", value={"score": -2})
    zoo.bury("pets/p6#m1")
    if kind in ("markers", "doubled"):
        zoo.change("pets/p1#m1", value={"score": -3})
    zoo.commit("Theirs")
    zoo.git("checkout", "-q", "topic")
    MERGES[kind](zoo)
    code, said, _ = judge(zoo.folder)
    assert code == 1, said
    assert f"merge.{kind}" in errors(said), said
    (run,) = json.loads((tmp_path / "out" / "findings.sarif").read_text())["runs"]
    assert f"merge.{kind}" in [one["ruleId"] for one in run["results"]]
    titles = {one["id"]: one["shortDescription"]["text"] for one in run["tool"]["driver"]["rules"]}
    assert titles[f"merge.{kind}"] == catalogue.every()[f"merge.{kind}"].title


def test_every_verdict_on_a_merge_has_a_rule_and_a_case():
    kinds = set(get_args(Kind)) - {"resolved"}
    assert kinds == set(MERGES)
    assert {f"merge.{kind}" for kind in kinds} <= {rule.id for rule in judgement.RULES}


def test_merging_the_base_into_a_branch_brings_none_of_its_findings(zoo: Zoo, judge):
    branch(zoo)
    zoo.change("pets/p2#m1", value={"score": 2})
    zoo.commit("Two")
    zoo.git("checkout", "-q", "main")
    zoo.change("pets/p3#m1", value={"score": 9})
    zoo.commit("Main is wrong")
    zoo.git("checkout", "-q", "topic")
    zoo.git("merge", "-q", "--no-verify", "-m", "Merge", "main")
    code, said, _ = judge(zoo.folder)
    assert (code, rules(said)) == (0, []), said


def test_an_octopus_is_judged(zoo: Zoo, judge):
    for name, item in (("one", "p2"), ("two", "p3"), ("three", "p4")):
        zoo.git("checkout", "-q", "-b", name, "main")
        zoo.change(f"pets/{item}#m1", value={"score": 0 if name != "two" else 9})
        zoo.commit(name)
    zoo.git("checkout", "-q", "-b", "topic", "main")
    zoo.git("commit", "-q", "--allow-empty", "-m", "begin")
    zoo.git("merge", "-q", "-m", "Octopus", "one", "two", "three")
    assert len(zoo.git("rev-list", "--parents", "--max-count=1", "topic").split()) == 5
    code, said, _ = judge(zoo.folder)
    assert (code, errors(said)) == (1, ["score.range"]), said


@pytest.mark.parametrize("head", ["main", "main~1"])
def test_a_head_that_brings_nothing_is_green(zoo: Zoo, judge, head: str):
    zoo.change("pets/p2#m1", value={"score": 2})
    zoo.commit("Two")
    code, said, _ = judge(zoo.folder, head=head)
    assert (code, rules(said)) == (0, []), said
    assert "0 commits" in said


def test_a_change_of_documents_only(zoo: Zoo, judge):
    branch(zoo)
    zoo.replace("labelvc.yaml", "goal: Know the animals", "goal: Know them")
    zoo.commit("Goal")
    assert judge(zoo.folder)[0] == 0
    zoo.replace("labelvc.yaml", "taxonomy: animals}\n  kinds", "taxonomy: beasts}\n  kinds")
    zoo.commit("Beasts")
    code, said, _ = judge(zoo.folder)
    assert code == 1
    assert "document.reference" in errors(said), said


def test_unrelated_histories_are_never_green(zoo: Zoo, judge):
    zoo.git("checkout", "-q", "--orphan", "topic")
    zoo.change("pets/p2#m1", value={"score": 9})
    zoo.commit("Out of nowhere")
    code, said, summary = judge(zoo.folder)
    assert code == 2
    assert "share no commit" in said, said
    assert "score.range" in said, "what can be told is told"
    assert "Could not be told" in summary


def test_a_base_that_is_not_here_says_how_to_get_it(zoo: Zoo, judge):
    code, said, summary = judge(zoo.folder, base="origin/main", head="main")
    assert code == 2
    assert "next: git fetch origin BRANCH" in said
    assert "fetch-depth: 0" in summary


def test_a_shallow_clone_is_never_green(zoo: Zoo, judge, tmp_path: Path):
    branch(zoo)
    zoo.change("pets/p2#m1", value={"score": 2})
    zoo.commit("Two")
    zoo.change("pets/p3#m1", value={"score": 9})
    zoo.commit("Nine")
    for depth in (1, 2):
        clone = tmp_path / f"clone-{depth}"
        words = ["git", "clone", "-q", "--no-single-branch", f"--depth={depth}", f"file://{zoo.folder}", str(clone)]
        subprocess.run(words, check=True, capture_output=True)
        code, said, _ = judge(clone, base="origin/main", head="origin/topic")
        assert code == 2, (depth, said)
        assert "git fetch --unshallow" in said
        assert ("score.range" in said) is (depth > 1), "what can be told is told"


def test_a_base_whose_documents_cannot_be_read_lets_nobody_judge_by_their_own(zoo: Zoo, judge):
    zoo.replace("datasets/pets/dataset.yaml", "shards: 4", "shards: many")
    zoo.commit("Broken")
    branch(zoo)
    zoo.replace("datasets/pets/dataset.yaml", "shards: many", "shards: 4")
    zoo.commit("Mended")
    code, said, _ = judge(zoo.folder)
    assert code == 2
    assert "the documents of the base cannot be read" in said


def test_a_branch_that_takes_the_project_away_is_never_green(zoo: Zoo, judge):
    branch(zoo)
    (zoo.folder / "labelvc.yaml").unlink()
    zoo.commit("No project")
    assert judge(zoo.folder)[0] == 2


def test_a_branch_that_begins_a_project_is_judged_by_itself(zoo: Zoo, judge):
    zoo.git("checkout", "-q", "--orphan", "empty")
    zoo.git("rm", "-rqf", ".")
    zoo.commit("Nothing yet")
    branch(zoo)
    zoo.git("checkout", "main", "--", ".")
    zoo.commit("Begin")
    assert judge(zoo.folder, base="empty")[0] == 0
    zoo.change("pets/p2#m1", value={"score": 9})
    zoo.commit("Nine")
    code, said, _ = judge(zoo.folder, base="empty")
    assert (code, errors(said)) == (1, ["score.range"])


def test_an_unpinned_root_in_ci_is_exit_2(desk: Desk, judge, monkeypatch: pytest.MonkeyPatch):
    desk.approve("ben")
    assert judge(desk.folder)[0] == 0
    monkeypatch.setenv("CI", "true")
    code, said, summary = judge(desk.folder)
    assert (code, errors(said)) == (2, ["ci.untold"])
    assert "nobody pinned" in summary
    assert "1 changes" not in summary
    (run,) = json.loads((desk.folder.parent / "out" / "findings.sarif").read_text())["runs"]
    (told,) = run["invocations"]
    assert told["executionSuccessful"] is False
    assert [one["level"] for one in told["toolExecutionNotifications"]] == ["error"]
    root = json.loads(desk.labelvc("policy", "show", "--format", "json")[1])["summary"]["root"]
    assert judge(desk.folder, "--root", root)[0] == 0
    monkeypatch.setenv("LABELVC_ROOT", root)
    assert judge(desk.folder)[0] == 0
    monkeypatch.setenv("LABELVC_ROOT", "sha256:" + "0" * 64)
    code, said, _ = judge(desk.folder)
    assert (code, set(errors(said))) == (2, {"ci.untold"})


def test_a_missing_approval_and_a_rejection_are_found(desk: Desk, judge):
    code, said, summary = judge(desk.folder)
    assert (code, errors(said)) == (1, ["approval.missing"])
    assert "0 of 1 reviewer; ben, cleo can" in summary
    assert "labelvc approve" in summary
    said_no = desk.approve("ben", "main...topic", "reviewer", "--decision", "reject", "--reason", "no")
    code, said, _ = judge(desk.folder)
    assert (code, errors(said)) == (1, ["approval.rejected"])
    desk.approve("cleo")
    assert judge(desk.folder)[0] == 1
    said_no.unlink()
    desk.commit("Forget the no")
    code, said, _ = judge(desk.folder)
    assert (code, errors(said)) == (1, ["approval.lost"]), said


def test_an_author_whom_nobody_knows_is_exit_2(desk: Desk, judge):
    desk.approve("ben")
    zoo = Zoo(desk.folder)
    zoo.change("pets/p3#m1", value={"score": 0})
    zoo.commit("Whoever", who="Nobody")
    code, said, _ = judge(desk.folder)
    assert (code, set(errors(said))) == (2, {"ci.untold"}), said
    assert "nobody the policy knows" in said


def test_a_branch_that_makes_its_own_policy_is_judged_by_the_base(desk: Desk, judge):
    """Mallory has the role in the policy of the branch, which nobody with a root key signed."""
    zoo = Zoo(desk.folder)
    policy = zoo.read("trust/policy.json")
    desk.git("checkout", "-q", "main")
    code, out, err = desk.labelvc(
        "policy", "rule", "set", "labels and items", "--need", "1 reviewer", "--sign-with", desk.key("mallory")
    )
    assert code != 0, out + err
    desk.git("checkout", "-q", "-f", "topic")
    zoo.write("trust/policy.json", policy.replace(b'"sig"', b'"sig" '))
    zoo.commit("Mine")
    code, said, _ = judge(desk.folder)
    assert code == 1
    assert "approval.missing" in errors(said)
    (zoo.folder / "trust/policy.json").unlink()
    zoo.commit("None")
    assert judge(desk.folder)[0] == 1


@pytest.mark.parametrize(
    "path", [".github/workflows/labels.yml", ".gitlab/labels.yml", ".ci/labels.mk", "hooks/pre-receive"]
)
def test_a_branch_that_edits_what_runs_in_ci_needs_the_root(desk: Desk, judge, path: str):
    desk.approve("ben")
    assert judge(desk.folder)[0] == 0
    desk.write(path, "on: never\n")
    desk.commit("Never run")
    desk.approve("cleo")
    code, said, _ = judge(desk.folder)
    assert (code, errors(said)) == (1, ["approval.missing"])
    assert "0 of 1 root; ada can" in said


def test_a_branch_name_of_shell_characters_is_a_name(zoo: Zoo, judge, tmp_path: Path):
    name = "fix/$(touch${IFS}pwned);`id`|&'\""
    zoo.git("checkout", "-q", "-b", name)
    zoo.change("pets/p2#m1", value={"score": 2})
    zoo.commit("Two")
    assert judge(zoo.folder, head=name)[0] == 0
    assert not list(tmp_path.rglob("pwned"))


def judged_far_away(folder: Path, out: Path) -> tuple[tuple[str, bytes], ...]:
    """Judge in a process of another time zone and language, without a home, of which nobody else may read what it writes."""
    dropped = ("HOME", "XDG_CONFIG_HOME", "LANG", "LANGUAGE")
    around = {name: value for name, value in os.environ.items() if name not in dropped}
    around |= {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    words = [str(Path(sys.executable).parent / "labelvc"), "-C", str(folder), "ci", "--base", "main", "--head", "topic"]
    words += ["-o", str(out), "--jobs", "2", "--date", "2026-03-01"]
    done = subprocess.run(words, cwd="/", env=around, umask=0o077, capture_output=True, text=True, check=False)
    assert (done.returncode, "wrote review.html" in done.stderr) == (1, True), done.stdout + done.stderr
    return tuple((path.name, path.read_bytes()) for path in sorted(out.iterdir()))


def test_two_runs_of_any_number_of_jobs_write_the_same_bytes(zoo: Zoo, labelvc: Run, tmp_path: Path):
    branch(zoo)
    zoo.change("pets/p2#m1", value={"score": 9})
    zoo.commit("Nine")
    zoo.git("checkout", "-q", "main")
    zoo.change("pets/p3#m1", value={"score": 0})
    zoo.commit("Main went on")
    shutil.copytree(zoo.folder, tmp_path / "elsewhere" / "clone")
    told = set()
    for at, (folder, jobs) in enumerate(
        ((zoo.folder, "1"), (zoo.folder, "2"), (tmp_path / "elsewhere" / "clone", "1"))
    ):
        os.environ["SOURCE_DATE_EPOCH"] = str(1_800_000_000 + at * 100_000)
        out = tmp_path / f"out-{at}"
        words = ("ci", "--base", "main", "--head", "topic", "-o", str(out), "--jobs", jobs, "--date", "2026-03-01")
        try:
            assert labelvc(folder, *words)[0] == 1
        finally:
            del os.environ["SOURCE_DATE_EPOCH"]
        told.add(tuple((path.name, path.read_bytes()) for path in sorted(out.iterdir())))
    told.add(judged_far_away(tmp_path / "elsewhere" / "clone", tmp_path / "far"))
    assert len(told) == 1
    assert str(tmp_path).encode() not in b"".join(data for _, data in told.pop())


def test_no_file_is_half_written(zoo: Zoo, labelvc: Run, tmp_path: Path):
    branch(zoo)
    out = tmp_path / "out"
    (out / "summary.md").mkdir(parents=True)
    code, _, err = labelvc(zoo.folder, "ci", "--base", "main", "-o", str(out))
    assert (code, "error: " in err) == (2, True)
    assert {path.name for path in out.iterdir()} <= FILES
    (out / "summary.md").rmdir()
    assert labelvc(zoo.folder, "ci", "--base", "main", "-o", str(out))[0] == 0
    assert {path.name for path in out.iterdir()} == FILES


def test_every_file_tells_the_same_findings(desk: Desk, labelvc: Run, tmp_path: Path):
    zoo = Zoo(desk.folder)
    zoo.change("pets/p3#m1", value={"score": 9})
    zoo.write("notes.md", f"ask {MAIL}\n")
    zoo.commit("Nine")
    out = tmp_path / "out"
    code, said, _ = labelvc(zoo.folder, "ci", "--base", "main", "-o", str(out), "--annotations", "github")
    assert code == 1
    wanted = {"score.range", "privacy.email", "approval.missing"}
    review = json.loads((out / "review.json").read_text())
    assert {one["rule"] for one in review["quality"]["findings"]} == wanted
    assert review["quality"]["new"]["error"] == len(review["quality"]["findings"])
    (run,) = json.loads((out / "findings.sarif").read_text())["runs"]
    assert {one["ruleId"] for one in run["results"]} == wanted
    assert all(one["locations"] for one in run["results"])
    quality = json.loads((out / "gl-code-quality.json").read_text())
    assert {one["check_name"] for one in quality} == wanted
    assert len({one["fingerprint"] for one in quality}) == len(quality)
    suites = ET.parse(out / "junit.xml").getroot()
    assert {case.get("name") for case in suites.iter("testcase") if case.find("failure") is not None} == wanted
    assert sum(line.startswith("::error ") for line in said.splitlines()) == len(quality)
    assert all(rule in (out / "summary.md").read_text() for rule in wanted)
    assert MAIL not in "".join(path.read_text() for path in out.iterdir())


def test_no_text_of_a_repository_is_a_command_for_a_runner(zoo: Zoo, judge):
    """A runner takes `##[` from the middle of a line, and `::` from its beginning."""
    branch(zoo)
    item = "##[add-mask]a\n::add-mask::b"
    zoo.put(f"pets/{item}#", {"id": item, "natural": {"word": "w11"}, "text": "new"})
    zoo.put(f"pets/{item}#m1", rating(item, 9))
    zoo.commit("A command")
    code, said, _ = judge(zoo.folder, "--annotations", "github")
    assert code == 1
    assert "add-mask" in said
    told = [line for line in said.splitlines() if "##[" in line and not line.startswith("::")]
    assert told == []
    assert not any(line.startswith("::add-mask") for line in said.splitlines())


def test_a_summary_stays_within_the_budget(zoo: Zoo, judge):
    branch(zoo)
    for number in range(600):
        zoo.write(f"datasets/pets/items/{'x' * 80}{number}.txt", "stray")
    zoo.commit("Strays")
    code, _, summary = judge(zoo.folder)
    assert code == 1
    assert 20_000 < len(summary) <= 60_000
    assert "not shown here" in summary


def test_no_trick_of_git_and_no_missing_object_makes_a_bad_branch_green(zoo: Zoo, judge):
    """What hides the branch, and what takes away an object that tells what it brings."""
    branch(zoo)
    zoo.change("pets/p2#m1", value={"score": 9})
    bad = zoo.commit("Nine")
    main = zoo.git("rev-parse", "main")
    zoo.git("switch", "-q", "main")
    zoo.git("tag", "topic", "main")
    assert judge(zoo.folder)[0] == 2, "two things have the name"
    zoo.git("tag", "-d", "topic")
    zoo.git("replace", bad, main)
    assert judge(zoo.folder)[0] == 1, "another commit stands in its place"
    zoo.git("replace", "-d", bad)
    zoo.write(".git/info/grafts", f"{main} {bad}\n")
    assert judge(zoo.folder)[0] in (1, 2), "the base claims to come after it"
    (zoo.folder / ".git/info/grafts").unlink()
    for row in zoo.git("rev-list", "--objects", "--no-object-names", f"main..{bad}").splitlines():
        place = zoo.folder / ".git/objects" / row[:2] / row[2:]
        place.rename(zoo.folder / ".git/away")
        assert judge(zoo.folder)[0] == 2, row
        (zoo.folder / ".git/away").rename(place)
    code, said, _ = judge(zoo.folder)
    assert (code, errors(said)) == (1, ["score.range"]), said


@pytest.mark.parametrize("younger", ["main", "topic"])
def test_a_criss_cross_hides_nothing_and_blames_the_branch_for_nothing(
    desk: Desk, judge, monkeypatch: pytest.MonkeyPatch, younger: str
):
    """Main and branch merged each other: seen from one of two bases, what the branch takes back of main is no change at all."""
    zoo = Zoo(desk.folder)
    desk.approve("ben")

    def on(branch: str, day: str) -> None:
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"2026-03-{day}T09:00:00Z")
        zoo.git("checkout", "-q", branch)

    on("main", "03" if younger == "main" else "02")
    zoo.change("pets/p3#", text="as main has it")
    main = zoo.commit("Main went on")
    on("topic", "02" if younger == "main" else "03")
    zoo.change("pets/p4#m1", value={"score": 2})
    topic = zoo.commit("So did the branch")
    desk.approve("ben")
    on("main", "04")
    zoo.git("merge", "-q", "--no-ff", "-m", "In", topic)
    on("topic", "04")
    zoo.git("merge", "-q", "--no-ff", "-m", "Catch up", main)
    assert len(zoo.git("merge-base", "--all", "main", "topic").split()) == 2
    code, said, _ = judge(zoo.folder)
    assert (code, errors(said), "0 of 0" in said) == (0, [], True), said
    zoo.git("checkout", topic, "--", zoo.shard("pets/p3#"))
    zoo.commit("As it was")
    code, said, summary = judge(zoo.folder)
    assert (code, errors(said)) == (1, ["approval.missing"]), said
    assert "not approved: `pets/p3#`" in summary
    assert judge(zoo.folder)[2] == summary, "what two bases merge into has one id"
    desk.approve("ben")
    assert judge(zoo.folder)[0] == 0


def test_a_name_that_a_tree_holds_twice_is_never_green(zoo: Zoo, labelvc: Run, judge):
    """A checkout gets the second file of that name, who asks by path the first: nobody can say which was judged."""
    branch(zoo)
    zoo.change("pets/p2#m1", value={"score": 2})
    zoo.commit("Better")
    sound = subprocess.run(
        ["git", "cat-file", "tree", "HEAD^{tree}"], cwd=zoo.folder, capture_output=True, check=True
    ).stdout
    start = sound.index(b"100644 labelvc.yaml\0")
    row = sound[start : start + len(b"100644 labelvc.yaml\0") + 20]
    zoo.write("../soft.yaml", zoo.read("labelvc.yaml") + b"# the one that a checkout gets\n")
    other = bytes.fromhex(zoo.git("hash-object", "-w", "../soft.yaml"))
    words = ["git", "hash-object", "-t", "tree", "-w", "--literally", "--stdin"]
    twice = sound[:start] + row + row[:-20] + other + sound[start + len(row) :]
    tree = subprocess.run(words, cwd=zoo.folder, input=twice, capture_output=True, check=True).stdout.decode().strip()
    bad = zoo.git("commit-tree", tree, "-p", "HEAD", "-m", "Twice")
    mended = zoo.git("commit-tree", "HEAD^{tree}", "-p", bad, "-m", "Mended")
    for head in (bad, mended):
        code, said, summary = judge(zoo.folder, head=head)
        assert (code, f"{bad[:12]}, tree {tree[:12]}" in said, "labelvc.yaml" in summary) == (2, True, True), said
        code, _, err = labelvc(zoo.folder, "verify", f"main..{head}")
        assert (code, "holds the name 'labelvc.yaml' twice" in err, "receive.fsckObjects" in err) == (2, True, True), (
            err
        )
    server = zoo.folder.parent / "server.git"
    zoo.git("init", "-q", "--bare", str(server))
    assert labelvc(server, "install")[0] == 0
    zoo.git("push", "-q", "--no-verify", str(server), "topic:topic")
    said = zoo.git("push", "-q", "--no-verify", str(server), f"{mended}:refs/heads/topic", code=1)
    assert zoo.git("-C", str(server), "rev-parse", "topic") == zoo.git("rev-parse", "topic"), said
