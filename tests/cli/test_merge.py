"""`merge` and `resolve` as people and programs meet them: words, JSON that fits its schema, exit codes, a terminal."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from inline_snapshot import snapshot

from labelvc.codec import schema
from labelvc.ops import install, tidy
from labelvc.store import dvc
from tests.zoo import PLAIN, Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def forked(zoo: Zoo) -> Zoo:
    """Return the zoo with two branches that disagree about two records and a document."""
    zoo.git("switch", "-qc", "topic")
    zoo.change("pets/p1#m1", value={"score": -3})
    zoo.change("pets/p1#m2", value={"score": -4})
    zoo.bury("pets/p2#m1")
    zoo.commit("theirs", "Ben")
    zoo.git("switch", "-q", "main")
    zoo.change("pets/p1#m1", value={"score": 3})
    zoo.change("pets/p2#m1", value={"score": 4})
    zoo.commit("ours")
    return zoo


def valid(out: str) -> dict[str, object]:
    document = json.loads(out)
    jsonschema.Draft202012Validator(schema.schema("merge")).validate(document)
    return dict(document)


def test_a_conflict_is_told_with_both_sides_and_the_next_step(forked: Zoo, labelvc: Run):
    code, out, err = labelvc(forked.folder, "merge", "topic")
    assert (code, err) == (1, "")
    assert out == snapshot("""\
2 shards merged by record
! pets/p2#m1  changed on our side, deleted on theirs
    /value/score  was 0  ours 4  theirs (deleted)
! pets/p1#m1  changed on both sides
    /value/score  was -1  ours 3  theirs -3
2 records in conflict; nothing is committed
next: labelvc resolve; then labelvc merge --continue; or labelvc merge --abort
""")


def test_resolve_lists_settles_and_names_the_next_step(forked: Zoo, labelvc: Run):
    labelvc(forked.folder, "merge", "topic")
    code, out, err = labelvc(forked.folder, "resolve")
    assert code == 1
    assert "pets/p1#m1" in out
    assert err == snapshot("2 records in conflict; choose --ours, --theirs, --newest, --union or --annotator\n")
    code, out, err = labelvc(forked.folder, "resolve", "--ours", "pets/p1#m1")
    assert (code, err) == (
        1,
        snapshot(
            "1 conflict settled; 1 record in conflict; choose --ours, --theirs, --newest, --union or --annotator\n"
        ),
    )
    code, out, err = labelvc(forked.folder, "resolve", "--theirs")
    assert (code, out) == (0, "")
    assert err == snapshot("1 conflict settled; nothing is in conflict any more; next: labelvc merge --continue\n")
    code, out, err = labelvc(forked.folder, "merge", "--continue")
    assert code == 0
    assert out.startswith("merged as ")
    assert forked.row("pets/p1#m1")["value"] == {"score": 3}
    assert forked.row("pets/p2#m1")["gone"] is True


def test_json_of_merge_and_resolve_fits_the_schema(forked: Zoo, labelvc: Run):
    code, out, _ = labelvc(forked.folder, "merge", "topic", "--format", "json")
    document = valid(out)
    assert code == 1
    assert document["summary"] == snapshot(
        {"state": "conflict", "taken": 0, "merged": 2, "records": 0, "conflicts": 2, "documents": [], "findings": []}
    )
    assert [row["kind"] for row in document["items"]] == ["deleted", "edited"]
    _, out, _ = labelvc(forked.folder, "resolve", "--format", "jsonl")
    assert [json.loads(line) for line in out.splitlines()] == document["items"]
    code, out, _ = labelvc(forked.folder, "resolve", "--newest", "--format", "json")
    assert (code, valid(out)["summary"]["settled"]) == (1, 0)  # no side has an `at`
    code, out, _ = labelvc(forked.folder, "resolve", "--theirs", document["items"][1]["key"], "--format", "json")
    assert valid(out)["summary"]["settled"] == 1
    assert code == 1


@pytest.mark.parametrize("more", ["--theirs", "--union", "--annotator=prs_bcdfghjklmnpqrstvwxzbcdfgbcdf"])
def test_two_answers_to_one_question_are_refused(more, forked: Zoo, labelvc: Run):
    """The last one would win otherwise, and labels with it."""
    labelvc(forked.folder, "merge", "topic")
    _, before, _ = labelvc(forked.folder, "resolve", "--format", "jsonl")
    code, _, err = labelvc(forked.folder, "resolve", "--ours", more)
    assert code == 2
    assert "choose one of --ours, --theirs, --newest, --union and --annotator" in err
    assert labelvc(forked.folder, "resolve", "--format", "jsonl")[1] == before


def test_lists_are_united_without_what_either_took_out_and_the_later_answer_wins(zoo: Zoo, labelvc: Run):
    def answered(labels: list[str], score: int, at: str) -> None:
        zoo.change("pets/p1#s1", value={"labels": labels})
        zoo.change("pets/p2#m1", value={"score": score}, at=at)
        zoo.commit("answered")

    zoo.git("switch", "-qc", "topic")
    answered(["cat"], -3, "2026-03-02T08:00:00Z")
    zoo.git("switch", "-q", "main")
    answered(["dodo", "dog"], 3, "2026-03-01T08:00:00Z")
    assert labelvc(zoo.folder, "merge", "topic")[0] == 1
    code, out, _ = labelvc(zoo.folder, "resolve", "--union", "--format", "json")
    assert (code, valid(out)["summary"]["settled"]) == (1, 1)  # a score is no list
    assert zoo.row("pets/p1#s1")["value"] == {"labels": ["dodo"]}
    code, out, _ = labelvc(zoo.folder, "resolve", "--newest", "--format", "json")
    assert (code, valid(out)["summary"]["settled"]) == (0, 1)
    assert zoo.row("pets/p2#m1")["value"] == {"score": -3}
    assert zoo.git("diff", "--name-only", "--diff-filter=U") == ""


def test_a_choice_that_settles_nothing_says_so(forked: Zoo, labelvc: Run):
    labelvc(forked.folder, "merge", "topic")
    code, _, err = labelvc(forked.folder, "resolve", "--annotator", "prs_bcdfghjklmnpqrstvwxzbcdfgbcdf")
    assert (code, err) == (
        1,
        snapshot("nothing settled; 2 records in conflict; choose --ours, --theirs, --newest, --union or --annotator\n"),
    )


def test_other_ends_of_a_merge_are_told(forked: Zoo, labelvc: Run):
    labelvc(forked.folder, "merge", "topic")
    code, out, err = labelvc(forked.folder, "merge", "--abort")
    assert (code, out) == (0, "")
    assert err.startswith("the merge is taken back; ")
    forked.git("reset", "-q", "--hard", "HEAD~1")
    code, out, _ = labelvc(forked.folder, "merge", "topic", "--no-commit")
    assert (code, out) == (
        0,
        snapshot("""\
2 shards taken over
staged, not committed; next: labelvc merge --continue
"""),
    )
    assert labelvc(forked.folder, "merge", "--continue")[0] == 0
    code, out, _ = labelvc(forked.folder, "merge", "topic")
    assert (code, out) == (0, snapshot("topic is in already\n"))


@pytest.mark.parametrize(
    "words",
    [
        ("merge",),
        ("merge", "topic", "--abort"),
        ("merge", "--abort", "--continue"),
        ("resolve", "--ours", "--annotator", "prs_x"),
    ],
)
def test_words_that_do_not_fit_together(forked: Zoo, labelvc: Run, words):
    code, out, err = labelvc(forked.folder, *words)
    assert (code, out) == (2, "")
    assert "next: " in err


def test_a_key_that_is_not_in_conflict_is_refused(forked: Zoo, labelvc: Run):
    labelvc(forked.folder, "merge", "topic")
    code, _, err = labelvc(forked.folder, "resolve", "--ours", "pets/p9#m1")
    assert code == 2
    assert "nothing of that name is in conflict" in err


def test_findings_stop_the_commit_and_are_told(zoo: Zoo, labelvc: Run):
    zoo.git("switch", "-qc", "topic")
    zoo.change("pets/p1#k1", value={"label": "dodo"})
    zoo.git("rm", "-q", "guidelines/mood.yaml")
    zoo.commit("theirs")
    zoo.git("switch", "-q", "main")
    zoo.change("pets/p1#m1", value={"score": 3})
    zoo.commit("ours")
    code, out, _ = labelvc(zoo.folder, "merge", "topic")
    assert code == 1
    assert "the merged labels break a check" in out
    assert "labelvc merge --abort" in out
    assert labelvc(zoo.folder, "merge", "--continue")[0] == 1


def test_no_plain_value_is_printed(zoo: Zoo, labelvc: Run):
    for branch, score in (("topic", "a"), ("main", "b")):
        zoo.git("switch", "-qC" if branch == "topic" else "-q", branch)
        zoo.change("pets/p1#k1", ext={"contact": f"{score}{PLAIN}", "note": score})
        zoo.commit(branch)
        if branch == "topic":
            zoo.git("switch", "-q", "main")
    for words in (("merge", "topic"), ("resolve",), ("resolve", "--format", "json")):
        code, out, err = labelvc(zoo.folder, *words)
        assert code == 1
        assert PLAIN not in out + err
    assert "(a plain value, not shown)" in out


def test_a_person_is_asked_on_a_terminal(forked: Zoo):
    subprocess.run(
        [sys.executable, "-m", "labelvc.cli", "merge", "topic"], cwd=forked.folder, capture_output=True, check=False
    )
    master, slave = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "labelvc.cli", "resolve"],
        cwd=forked.folder,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        close_fds=True,
    )
    os.close(slave)
    os.write(master, b"x\ns\nt\n")
    said = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:
            break
        if not part:
            break
        said += part
    assert done.wait() == 1
    os.close(master)
    text = said.decode()
    assert "[o]urs, [t]heirs, [u]nion, [n]ewest, [s]kip, [q]uit" in text
    assert "1 conflict settled" in text
    assert forked.row("pets/p1#m2")["value"] == {"score": -4}
    assert Path(forked.folder, forked.shard("pets/p2#m1")).read_bytes().count(b"<<<<<<<") == 1


def test_status_and_diff_name_what_is_in_conflict_and_count_nothing_twice(forked: Zoo, labelvc: Run):
    before = json.loads(labelvc(forked.folder, "status", "--format", "json")[1])["items"]
    forked.git("switch", "-q", "topic")
    forked.change("pets/p3#m1", value={"score": -3})
    forked.commit("more")
    forked.git("switch", "-q", "main")
    labelvc(forked.folder, "merge", "topic")
    shards = {forked.shard(f"pets/{item}#m1"): 1 for item in ("p1", "p2")}
    assert forked.shard("pets/p3#m1") not in shards
    _, out, _ = labelvc(forked.folder, "status")
    assert all(f"{path}  1 conflict\n" in out for path in shards)
    assert "staged      pets  records: 1 changed\n" in out
    assert "not staged  nothing\n" in out
    status = json.loads(labelvc(forked.folder, "status", "--format", "json")[1])
    assert status["summary"]["marked"] == shards
    # p2#m1, deleted by them and changed by us, is there as ours has it
    assert [(one["items"], one["records"]) for one in status["items"]] == [
        (one["items"], one["records"]) for one in before
    ]
    for words in (("diff",), ("diff", "--staged")):
        code, out, err = labelvc(forked.folder, *words, "--exit-code")
        assert code == 1
        assert out == "~ pets/p3#m1  /value/score 1 -> -3\n"
        assert err.splitlines()[1:] == [
            *(f"in conflict, not compared: {path}  1 conflict" for path in sorted(shards)),
            "next: labelvc resolve",
        ]
    page = json.loads(labelvc(forked.folder, "diff", "--format", "json")[1])
    jsonschema.Draft202012Validator(schema.schema("diff")).validate(page)
    assert page["summary"]["conflicts"] == shards
    assert "in conflict, not compared" in labelvc(forked.folder, "diff", "--format", "markdown")[1]
    assert "in conflict" not in "".join(labelvc(forked.folder, "diff", "main..topic")[1:])


def test_an_index_in_conflict_is_never_clean(forked: Zoo, labelvc: Run):
    """What is in conflict stands in the index three times and in no snapshot of it: without it the rest means nothing."""
    labelvc(forked.folder, "merge", "topic")
    (torn, *_) = forked.git("diff", "--name-only", "--diff-filter=U").splitlines()
    for words in (("check", "--staged"), ("privacy", "scan"), ("format", "--staged")):
        code, out, err = labelvc(forked.folder, *words)
        assert (code, out, "a merge left conflicts" in err, torn in err) == (2, "", True, True), words
    labelvc(forked.folder, "resolve", "--ours")
    assert labelvc(forked.folder, "check", "--staged")[0] == 0


def test_a_pointer_in_conflict_is_told_by_its_shards(zoo: Zoo, labelvc: Run):
    zoo.store_in_dvc()
    zoo.commit("Store in DVC")
    zoo.git("switch", "-qc", "topic")
    zoo.change("pets/p1#m1", value={"score": -3})
    tidy.tidy(zoo.at)
    zoo.commit("theirs", "Ben")
    zoo.git("switch", "-q", "main")
    dvc.checkout(zoo.at, ["datasets/pets/annotations.dvc"], force=True)
    zoo.change("pets/p1#m1", value={"score": 3})
    tidy.tidy(zoo.at)
    zoo.commit("ours")
    before = json.loads(labelvc(zoo.folder, "status", "--format", "json")[1])["items"]
    labelvc(zoo.folder, "merge", "topic")
    path = zoo.shard("pets/p1#m1")
    status = json.loads(labelvc(zoo.folder, "status", "--format", "json")[1])
    assert status["summary"]["marked"] == {path: 1}
    assert [(one["items"], one["records"]) for one in status["items"]] == [
        (one["items"], one["records"]) for one in before
    ]
    _, out, err = labelvc(zoo.folder, "diff")
    assert out == ""
    assert f"in conflict, not compared: {path}  1 conflict\n" in err


def test_a_merge_starts_as_few_gits_as_it_can(forked: Zoo, labelvc: Run, gits: Callable[[], list[str]]):
    """Two trees are listed by what they differ in from a third, revisions and documents are read by the git that reads objects."""
    gits()
    assert labelvc(forked.folder, "merge", "topic")[0] == 1
    verbs = Counter(words.removeprefix("-c pack.compression=1 ").split()[0] for words in gits())
    once = ("cat-file", "fast-import", "ls-tree", "merge-base", "write-tree")
    assert [verbs[verb] for verb in once] == [1] * len(once)
    assert verbs["diff-tree"] == verbs["update-index"] - 1 == 2
    assert verbs["read-tree"] == 3, "the draft, the dry run that protects what is not committed, and the work tree"
    assert verbs.total() - verbs["unpack-objects"] == 16, "fast-import itself starts that one"


@pytest.mark.parametrize(
    "rev", ["nowhere", "topic~9", "topic:labelvc.yaml", "topic^{tree}", "two words", "a\nb", "topic\n"]
)
def test_what_is_no_commit_is_refused_and_nothing_written(forked: Zoo, labelvc: Run, rev: str):
    before = {path: path.read_bytes() for path in (forked.folder / ".git").iterdir() if path.is_file()}
    code, out, err = labelvc(forked.folder, "merge", rev)
    assert (code, out) == (2, "")
    assert "no such revision" in err
    assert before.items() <= {p: p.read_bytes() for p in (forked.folder / ".git").iterdir() if p.is_file()}.items()
    assert forked.git("status", "--porcelain") == ""


def test_what_lists_by_line_is_merged_by_plain_git(zoo: Zoo, labelvc: Run, tmp_path: Path):
    """Two branches bring pictures, approvals and records: git joins the manifest and the change-sets, the driver the shard."""
    (tmp_path / "new").mkdir()
    assert labelvc(tmp_path / "new", "init", "--template", "rating")[0] == 0
    zoo.write(".gitattributes", (tmp_path / "new/.gitattributes").read_bytes())
    for name, value in install.drivers(sys.executable).items():
        zoo.git("config", name, value)
    manifest = "datasets/pictures/media.sha256"
    sums = {name: f"{hashlib.sha256(name.encode()).hexdigest()}  media/{name}.png\n" for name in "abc"}
    zoo.write(manifest, sums["b"])
    zoo.commit("Attributes")
    moves = {name: f'{{"k":"pets/{name}#m1","n":null,"o":null}}\n' for name in ("p1", "p2", "p3")}
    folder = {name: f"approvals/{hashlib.sha256(line.encode()).hexdigest()}" for name, line in moves.items()}
    for branch, picture, own, score in (("one", "a", "p2", 3), ("two", "c", "p3", -3)):
        zoo.git("switch", "-q", "-c", branch, "main")
        zoo.write(manifest, "".join(sorted([sums["b"], sums[picture]], key=lambda line: line[66:])))
        zoo.change(f"pets/{own}#m1", value={"score": score})
        for name in ("p1", own):  # the change-set of p1 is approved on both branches, by two people
            zoo.write(f"{folder[name]}/changeset.jsonl", moves[name])
            zoo.write(f"{folder[name]}/{branch}-0123456789ab.json", "{}")
        zoo.commit(branch)
    zoo.git("merge", "--no-edit", "one")
    assert zoo.git("status", "--porcelain") == ""
    assert sorted(zoo.read(manifest).decode().splitlines(keepends=True)) == sorted(sums.values())
    assert {name: zoo.read(f"{folder[name]}/changeset.jsonl").decode() for name in moves} == moves
    assert {path.name[:3] for path in (zoo.folder / folder["p1"]).glob("*.json")} == {"one", "two"}
    assert [zoo.row(f"pets/{name}#m1")["value"]["score"] for name in ("p2", "p3")] == [3, -3]


def test_a_merge_is_not_finished_while_a_marker_is_left(forked: Zoo, labelvc: Run):
    labelvc(forked.folder, "merge", "topic")
    torn = forked.git("diff", "--name-only", "--diff-filter=U").splitlines()
    head = forked.git("rev-parse", "HEAD")
    assert labelvc(forked.folder, "resolve", "--ours", "pets/p1#m1")[0] == 1
    code, _, err = labelvc(forked.folder, "merge", "--continue")
    assert (code, "in conflict" in err) == (2, True), err
    forked.git("add", "--all")
    code, out, err = labelvc(forked.folder, "merge", "--continue")
    assert (code, "merged as" in out, "marker" in out) == (1, False, True), out + err
    assert forked.git("rev-parse", "HEAD") == head
    assert labelvc(forked.folder, "resolve", "--theirs")[0] == 2, "git was told that it is settled"
    forked.git("checkout", "-q", "-m", "--", *torn)
    assert labelvc(forked.folder, "resolve", "--theirs")[0] == 0
    assert labelvc(forked.folder, "merge", "--continue")[0] == 0
    assert not any(b"<<<<<<<" in forked.read(path) for path in torn)
