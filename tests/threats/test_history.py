"""Threats to the history as a whole: what was said is dropped, rolled back, forked, or signed with a stolen key."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from labelvc.store.keys import public_key
from tests.cli.test_release import ANNA, cut, main, people, proved, released
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "main", "people", "people_keys"]


def merged(desk: Desk) -> str:
    """Bring the topic into main with a yes by Ben, and return the merge."""
    desk.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    step = desk.git("rev-parse", "HEAD")
    desk.approve("ben", f"{step}^..{step}")
    return step


def test_threat_14_a_rejection_that_a_release_counted_cannot_be_dropped(main: Desk):
    step = merged(main)
    said = main.approve("cleo", f"{step}^..{step}", "reviewer", "--decision", "reject", "--reason", "no")
    released(main, "1.0.0")
    said.unlink()
    main.commit("Forget the no")
    code, _, err = cut(main, "1.0.1")
    assert code == 2
    assert "a statement that a release counted is gone or changed" in err
    assert main.verify("HEAD")[1][0]["problems"][0]["path"].endswith(said.name)


def test_threat_15_a_branch_that_went_back_is_refused_by_who_saw_it(main: Desk, monkeypatch: pytest.MonkeyPatch):
    root = json.loads(main.labelvc("policy", "show", "--format", "json")[1])["summary"]["root"]
    monkeypatch.setenv("LABELVC_ROOT", root)
    main.write("README.md", "hello")
    main.commit("Say hello")
    assert main.labelvc("verify")[0] == 0
    main.git("reset", "-q", "--hard", "HEAD~1")
    code, out, err = main.labelvc("verify", "--all")
    assert (code, out) == (2, "")
    assert "this branch went back" in err


def test_threat_16_two_clones_that_were_shown_two_histories_find_out(main: Desk, tmp_path: Path):
    first = released(main, "1.0.0")
    shutil.copytree(main.folder, tmp_path / "other")
    other = main._replace(folder=tmp_path / "other")
    released(main, "1.0.1")
    other.git("reset", "-q", "--hard", first)
    merged(other)
    released(other, "2.0.0")
    assert proved(main, "--all")[0] == proved(other, "--all")[0] == 0, "each alone holds"
    code, out, _ = main.labelvc("release", "compare", str(other.folder))
    assert code == 1
    assert out.startswith("forked ")


def test_threat_18_what_a_stolen_key_signed_is_listed_and_no_date_helps(main: Desk):
    believed = main.git("rev-parse", "HEAD")
    main.git("checkout", "-q", "topic")
    main.approve("ben")
    main.git("checkout", "-q", "main")
    main.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    assert main.verify()[0] == main.verify("HEAD")[0] == 0
    words = ("policy", "distrust", "ben", "--from", believed, "--reason", "stolen", "--sign-with", main.key("ada"))
    assert main.labelvc(*words)[0] == 0
    main.commit("Distrust Ben", GIT_COMMITTER_DATE="2020-01-01T00:00:00Z", GIT_AUTHOR_DATE="2020-01-01T00:00:00Z")
    code, out, _ = main.labelvc("audit", "impact", "--format", "json")
    assert code == 1
    assert [item["key"] for item in json.loads(out)["items"]] == ["reviews/rev-1#r1"]
    assert main.labelvc("verify", "--all")[0] == 1


def distrust_ben(desk: Desk, believed: str) -> None:
    words = ("policy", "distrust", "ben", "--from", believed, "--reason", "stolen", "--sign-with", desk.key("ada"))
    assert desk.labelvc(*words)[0] == 0
    desk.commit("Distrust Ben")


def test_threat_18_whom_a_distrusted_signer_named_as_an_author_stays_one(main: Desk):
    """Cleo made the change and Ada squashed it; Ben's statement is the only one that says so."""
    believed = main.git("rev-parse", "HEAD")
    main.git("checkout", "-q", "topic")
    main.relabel("nice", "rev-2", who="cleo")
    main.approve("ben")
    main.git("checkout", "-q", "main")
    main.git("merge", "-q", "--squash", "topic")
    squash = main.commit("Squash")
    distrust_ben(main, believed)
    (step,) = main.verify(f"{squash}~1..{squash}")[1]
    assert step["state"] == "approved", "no policy of that range distrusts him"
    step = next(step for step in main.verify("--all")[1] if step["commit"] == squash)
    assert (step["state"], step["needs"][0]["who_can"]) == ("missing", [])
    code, _, err = main.labelvc("approve", f"{squash}~1..{squash}", "--role", "reviewer", "--key", main.key("cleo"))
    assert code == 1
    assert "cleo is an author of this change" in err


def test_threat_18_what_was_approved_again_is_approved(main: Desk):
    """What a distrusted person approved is open again, like what came in in an emergency, until others have signed it."""
    believed = main.git("rev-parse", "HEAD")
    main.git("checkout", "-q", "topic")
    main.approve("ben")
    main.git("checkout", "-q", "main")
    main.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    step = main.git("rev-parse", "HEAD")
    main.relabel("never asked", "rev-4")
    late = main.git("rev-parse", "HEAD")
    distrust_ben(main, believed)
    states = {each["commit"]: each["state"] for each in main.verify("--all")[1]}
    assert (states[step], states[late]) == ("missing", "missing")
    main.approve("cleo", f"{step}~1..{step}")
    main.approve("cleo", f"{late}~1..{late}")
    found = {each["commit"]: each for each in main.verify("--all")[1]}
    assert (found[step]["state"], found[step]["ratified_by"]) == ("approved", ["cleo"])
    assert found[late]["state"] == "missing", "what nobody had approved when it came in stays so"
    assert main.labelvc("audit", "impact")[0] == 0
    out = main.labelvc("audit", "population", "--all", "--format", "jsonl")[1]
    states = {row["id"]: row["state"] for row in map(json.loads, out.splitlines())}
    assert states[step] == "approved"


def test_threat_18_explain_and_approve_heed_the_distrust_of_their_range(main: Desk):
    believed = main.git("rev-parse", "HEAD")
    main.git("checkout", "-q", "topic")
    main.approve("ben")
    distrust_ben(main, believed)
    code, out, _ = main.labelvc("policy", "explain", f"{believed}..HEAD", "--format", "json")
    found = json.loads(out)
    assert (code, found["summary"]["state"]) == (0, "missing")
    (need,) = [
        each for item in found["items"] if item["kind"] == "labels" for rule in item["rules"] for each in rule["needs"]
    ]
    assert (need["have"], need["who_can"], sorted(each["principal"] for each in need["barred"])) == (
        0,
        ["cleo"],
        ["ada", "ben"],
    )
    code, _, err = main.labelvc("approve", f"{believed}..HEAD", "--role", "reviewer", "--key", main.key("ben"))
    assert (code, "ben is distrusted after" in err) == (1, True)


@pytest.mark.parametrize("about", ["person", "key"])
def test_threat_18_what_a_distrusted_key_released_or_witnessed_does_not_stand(main: Desk, about: str):
    """The key is distrusted after the first release: that one stands, the second does not, and its witness is none."""
    assert main.labelvc("policy", "add", "ben", "--role", "lead", "--sign-with", main.key("ada"))[0] == 0
    main.commit("Ben leads too")
    assert main.labelvc("release", "cut", "1.0.0", "--yes", "--key", main.key("ben"))[0] == 0
    believed = main.commit("Release 1.0.0")
    merged(main)
    assert main.labelvc("release", "cut", "2.0.0", "--unapproved", "--yes", "--key", main.key("ben"))[0] == 0
    main.commit("Release 2.0.0")
    assert main.labelvc("release", "witness", "1.0.0", "--key", main.key("cleo"))[0] == 0
    main.commit("Cleo saw it")
    assert [item["state"] for item in proved(main, "--all")[1]] == ["good", "good"]
    which = () if about == "person" else ("--key", public_key(Path(f"{main.key('ben')}.pub")).fingerprint)
    words = (
        "policy",
        "distrust",
        "ben",
        *which,
        "--from",
        believed,
        "--reason",
        "stolen",
        "--sign-with",
        main.key("ada"),
    )
    code, _, err = main.labelvc(*words)
    assert code == 0, err
    words = ("policy", "distrust", "cleo", "--from", believed, "--reason", "lent", "--sign-with", main.key("ada"))
    assert main.labelvc(*words)[0] == 0
    main.commit("Distrust both")
    code, items = proved(main, "--all")
    assert (code, [item["state"] for item in items]) == (1, ["good", "wrong"])
    assert any("ben is distrusted after" in problem for problem in items[1]["problems"])
    assert items[0]["witnesses"] == []
    assert any("witnesses nothing: cleo is distrusted after" in note for note in items[0]["notes"])
    code, _, err = main.labelvc("release", "witness", "1.0.0", "--key", main.key("cleo"))
    assert code == 1


def test_threat_18_the_life_of_a_label_says_that_its_approver_is_distrusted(people: Desk):
    believed = people.git("rev-parse", "HEAD")
    people.relabel("good", "rev-26", by=ANNA)
    people.approve("ben", "HEAD~1..HEAD")
    distrust_ben(people, believed)
    code, out, err = people.labelvc("audit", "trace", "reviews/rev-26#r1", "--format", "json")
    assert code == 0, err
    assert out.count("ben is distrusted after") == 2, "in what was said, and in how it stands now"


def test_threat_15_a_host_that_serves_an_old_state_for_ever_is_found_by_its_age(
    main: Desk, monkeypatch: pytest.MonkeyPatch
):
    """Each old state verifies; whoever knows how often there is a release asks for one of the last days."""
    assert main.labelvc("release", "verify", "--max-age", "30")[0] == 1
    released(main, "1.0.0")
    assert main.labelvc("release", "verify", "--max-age", "30")[0] == 0
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(time.time()) + 40 * 86_400))
    code, _, err = main.labelvc("release", "verify", "--max-age", "30")
    assert code == 1
    assert "the last release here is 1.0.0 of 20" in err
    assert main.labelvc("release", "verify")[0] == 0


def test_threat_18_a_yes_that_had_ended_when_it_came_in_approves_nothing_again(main: Desk):
    """Judged at the time of the step that it is about, a yes of an hour that lay about for ten days would be young."""
    believed = main.git("rev-parse", "HEAD")
    main.git("checkout", "-q", "topic")
    main.approve("ben")
    main.git("checkout", "-q", "main")
    main.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    step = main.git("rev-parse", "HEAD")
    distrust_ben(main, believed)
    main.approve("cleo", f"{step}~1..{step}", "reviewer", "--expires", "1h")
    late = f"{int(time.time()) + 10 * 86_400} +0000"
    main.git("commit", "-q", "--amend", "--no-edit", GIT_COMMITTER_DATE=late, GIT_AUTHOR_DATE=late)
    assert {each["commit"]: each["state"] for each in main.verify("--all")[1]}[step] == "missing"
    code, out, _ = main.labelvc("audit", "impact", "--format", "json")
    assert (code, [item["key"] for item in json.loads(out)["items"]]) == (1, ["reviews/rev-1#r1"])
