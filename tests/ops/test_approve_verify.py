"""A change is approved by others, verified, and stays approved however it is merged."""

from __future__ import annotations

import hashlib
import json

import pytest

from labelvc.codec import dsse, shard, statement
from tests import people
from tests.people import FIELDS, Desk, record
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]


@pytest.mark.parametrize("field", [None, *FIELDS])
def test_a_reviewer_approves_and_one_flipped_byte_undoes_it(desk: Desk, field: str | None):
    assert desk.verify()[0] == 1
    path = desk.approve("ben")
    if field is not None:
        people.flip(desk, path, field)
    code, (step,) = desk.verify()
    assert (code, step["state"], step["covered"], step["total"]) == (
        (0, "approved", 1, 1) if field is None else (1, "missing", 0, 1)
    )
    if field is None:
        assert [(said["principal"], said["role"], said["decision"]) for said in step["approvals"]] == [
            ("ben", "reviewer", "approve")
        ]
    else:
        assert step["uncovered"] == ["reviews/rev-1#r1"]
        assert step["problems"][0]["path"].startswith("approvals/")
        assert step["needs"] == [{"role": "reviewer", "count": 1, "have": 0, "who_can": ["ben", "cleo"]}]


def test_the_author_is_refused_and_nothing_is_written(desk: Desk):
    before = desk.git("status", "--porcelain")
    code, out, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ada"))
    assert (code, out) == (1, "")
    assert "ada is an author of this change" in err
    assert "ask ben or cleo" in err
    assert desk.git("status", "--porcelain") == before
    assert not (desk.folder / "approvals").exists()


def test_a_role_the_policy_does_not_grant_is_refused(desk: Desk):
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "lead", "--key", desk.key("ben"))
    assert code == 1
    assert "does not grant ben the role lead" in err
    assert "next: ben holds: reviewer; who keeps the root can add one: labelvc policy add ben --role lead\n" in err
    assert not (desk.folder / "approvals").exists()


def test_the_annotator_of_a_touched_record_is_refused(desk: Desk):
    desk.relabel("fine", "rev-2", by="prs_ben")
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    assert code == 1
    assert "ben made a record this change touches" in err
    desk.approve("cleo")
    assert desk.verify()[0] == 0


def test_an_annotator_of_the_old_version_is_refused_too(desk: Desk):
    records = desk.records()
    records["rev-3"]["by"] = "prs_ben"
    desk.git("checkout", "-q", "main")
    base = desk.records()
    base["rev-3"]["by"] = "prs_ben"
    desk.save(base)
    desk.commit("Ben labels")
    desk.git("checkout", "-q", "-b", "next")
    desk.relabel("good", "rev-3", by="prs_anna")
    code, _, err = desk.labelvc("approve", "main...next", "--role", "reviewer", "--key", desk.key("ben"))
    assert code == 1
    assert "made a record" in err


def test_a_stranger_s_key_is_no_principal(desk: Desk):
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("mallory"))
    assert code == 2
    assert "belongs to no principal" in err


def test_somebody_else_s_name_is_refused(desk: Desk):
    code, _, err = desk.labelvc(
        "approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"), "--as", "cleo"
    )
    assert code == 2
    assert "belongs to ben, not to cleo" in err


def test_an_author_nobody_knows_makes_it_undecidable(desk: Desk):
    desk.relabel("fine", "rev-2", who="zoe")
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    assert code == 2
    assert "nobody the policy knows" in err
    assert "zoe" not in err
    code, (step,) = desk.verify()
    assert (code, step["state"]) == (2, "undecidable")


def test_a_co_author_is_an_author(desk: Desk):
    desk.git("commit", "-q", "--amend", "-m", "Together\n\nCo-authored-by: Ben <BEN@example.com>")
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    assert code == 1
    assert "ben is an author" in err
    desk.approve("cleo")
    assert desk.verify()[0] == 0


def test_nothing_to_decide_on_is_refused(desk: Desk):
    desk.git("checkout", "-q", "-b", "same", "main")
    code, _, err = desk.labelvc("approve", "main...same", "--role", "reviewer", "--key", desk.key("ben"))
    assert code == 1
    assert "nothing to decide on" in err


def test_what_is_signed_is_shown_first(desk: Desk):
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    assert code == 0
    for words in (
        "~ reviews/rev-1#r1  /value/text bad -> good",
        "1 changed (labels 1)",
        "version 3 asks 1 reviewer",
        "Ben Builder (ben), SHA256:",
        "made by     ada",
    ):
        assert words in err, err


def test_what_is_signed_is_shown_with_its_item_and_without_plain_values(desk: Desk):
    """Ten things are shown, each with the item it is about; a name in place of a pseudonym is never."""
    desk.write("datasets/reviews/dataset.yaml", "schema: urn:labelvc:schema:dataset:1\nname: reviews\n")
    for name in desk.records():
        path = shard.path("reviews", "items", shard.place(name, 3))
        desk.write(path, f'{{"id":"{name}","text":"text of {name} \\u001b[31m"}}\n')
    desk.save({name: {**row, "by": "Anna Real", "rev": row["rev"] + 1} for name, row in desk.records().items()})
    desk.commit("Names")
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    assert code == 0, err
    assert "            ~ reviews/rev-2#r1  /by " in err
    assert "                on text of rev-2 \\u001b[31m\n" in err
    assert "Anna" not in err
    assert "\x1b" not in err
    assert err.count("\n            ~ reviews/") + err.count("\n            + reviews/") == 9
    assert "            ... and 3 more\n" in err
    some = [word for number in range(2, 7) for word in ("--except", f"reviews/rev-{number}#*")]
    _, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"), *some)
    assert "rev-1#r1" in err, err
    assert "rev-2" not in err


def test_a_rejection_blocks_until_it_is_withdrawn(desk: Desk):
    desk.approve("cleo")
    assert desk.verify()[0] == 0
    desk.approve("ben", "main...topic", "reviewer", "--decision", "reject", "--reason", "rev-1 is sarcastic")
    code, (step,) = desk.verify()
    assert (code, step["state"], step["covered"]) == (1, "rejected", 0)
    desk.approve("ben", "main...topic", "reviewer", "--decision", "withdraw", "--reason", "it is not")
    assert desk.verify()[0] == 0


def test_an_approval_can_be_withdrawn_and_given_again(desk: Desk):
    desk.approve("ben")
    desk.approve("ben", "main...topic", "reviewer", "--decision", "withdraw", "--reason", "looked again")
    assert desk.verify()[0] == 1
    desk.approve("ben")
    assert desk.verify()[0] == 0


def test_a_decision_other_than_yes_needs_a_reason(desk: Desk):
    code, _, err = desk.labelvc(
        "approve", "main...topic", "--role", "reviewer", "--decision", "reject", "--key", desk.key("ben")
    )
    assert code == 1
    assert "needs a reason" in err


def test_who_merges_and_who_brings_an_approval_is_no_author(desk: Desk):
    desk.git("checkout", "-q", "main")
    desk.write("README.md", "hello")
    desk.commit("Say hello")
    desk.git("checkout", "-q", "topic")
    desk.git("merge", "-q", "--no-ff", "-m", "Catch up", "main", who="ben")
    desk.approve("ben")
    code, (step,) = desk.verify()
    assert (code, step["covered"]) == (0, 1)
    desk.relabel("fine", "rev-2", who="ben")
    assert desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))[0] == 1


FLOWS = ("fast-forward", "merge", "squash", "rebase", "cherry-pick", "merge moved", "squash moved", "rebase moved")


@pytest.mark.parametrize("field", [None, "sha256"])
@pytest.mark.parametrize("flow", FLOWS)
def test_an_approval_survives_every_way_of_merging(desk: Desk, flow: str, field: str | None):
    path = desk.approve("ben")
    if field is not None:
        people.flip(desk, path, field)
    code, steps = merged(desk, flow)
    assert (code, [step["covered"] for step in steps]) == ((0, [1]) if field is None else (1, [0]))


@pytest.mark.parametrize("flow", FLOWS)
def test_a_part_and_its_remainder_survive_every_way_of_merging(desk: Desk, flow: str):
    """Ben approves rev-1 alone, Cleo what that leaves of rev-2: rev-3 is not covered, however it is merged."""
    desk.relabel("fine", "rev-2")
    desk.approve("ben", "main...topic", "reviewer", "--except", "reviews/rev-2#*")
    desk.approve("cleo", "main...topic", "reviewer", "--remainder")
    desk.relabel("fine", "rev-3")
    code, (step,) = merged(desk, flow)
    assert (code, step["covered"], step["uncovered"]) == (1, 2, ["reviews/rev-3#r1"])
    assert sorted((said["principal"], said["covers"]) for said in step["approvals"]) == [("ben", 1), ("cleo", 1)]


def merged(desk: Desk, flow: str) -> tuple[int, list[dict]]:
    """Bring `topic` into `main` in one of the ways, and judge what that brought."""
    start = desk.git("rev-parse", "main")
    desk.git("checkout", "-q", "main")
    if flow.endswith("moved"):
        desk.relabel("dull", "rev-6")
        start = desk.git("rev-parse", "main")
    integrate(desk, flow.partition(" ")[0])
    return desk.verify(f"{start}...main")


def integrate(desk: Desk, way: str) -> None:
    if way == "fast-forward":
        desk.git("merge", "-q", "--ff-only", "topic")
    elif way == "merge":
        desk.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    elif way == "squash":
        desk.git("merge", "-q", "--squash", "topic")
        desk.git("commit", "-q", "-m", "Squash")
    elif way == "rebase":
        desk.git("checkout", "-q", "topic")
        desk.git("rebase", "-q", "main")
        desk.git("checkout", "-q", "main")
        desk.git("merge", "-q", "--ff-only", "topic")
    else:
        desk.git("cherry-pick", "main..topic")


def test_what_a_merge_adds_needs_approval_alone(desk: Desk):
    """Carried over: the moves that were approved stay so, and only the rest is asked for."""
    desk.relabel("fine", "rev-2")
    desk.approve("ben")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "--no-commit", "topic")
    records = desk.records()
    records["rev-5"] = record("rev-5", "odd", 2)
    desk.save(records)
    desk.commit("Merge and meddle")
    code, (step,) = desk.verify("HEAD")
    assert (code, step["covered"], step["total"], step["uncovered"]) == (1, 2, 3, ["reviews/rev-5#r1"])


def test_the_history_is_judged_step_by_step(desk: Desk):
    desk.approve("ben")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    desk.relabel("meh", "rev-4")
    code, steps = desk.verify("--all")
    assert code == 1
    assert [step["state"] for step in steps] == ["ungoverned", "ungoverned", "approved", "missing"]
    assert desk.verify("main~1")[0] == 0
    assert desk.verify("main~2..main~1")[0] == 0
    assert desk.labelvc("verify", "main~3", "--strict")[0] == 1
    assert desk.labelvc("verify", "main~3")[0] == 0


def test_documents_need_a_lead_who_did_not_write_them(desk: Desk):
    desk.write("guidelines/mood.yaml", "name: mood\nversion: 2.0.0\n")
    desk.commit("Rewrite the guideline", who="ben")
    desk.approve("cleo")
    code, (step,) = desk.verify()
    assert (code, step["uncovered"]) == (1, ["guidelines/mood.yaml"])
    desk.git("checkout", "-q", "-b", "own", "main")
    desk.write("guidelines/mood.yaml", "name: mood\nversion: 2.0.0\n")
    desk.commit("Rewrite the guideline", who="ben")
    path = desk.approve("ada", "main...own", "lead")
    said = json.loads(people.base64.b64decode(json.loads(path.read_bytes())["payload"]))["predicate"]
    assert [material["name"] for material in said["materials"]] == ["guidelines/mood.yaml", "labelvc.yaml"]
    assert said["authors"] == ["ben"]
    assert desk.verify("main...own")[0] == 0


def test_a_stray_file_in_a_protected_folder_is_denied(desk: Desk):
    desk.write("datasets/reviews/annotations/notes.txt", "hello")
    desk.commit("Notes")
    desk.approve("ben")
    code, (step,) = desk.verify()
    assert (code, step["state"], step["uncovered"]) == (1, "denied", ["datasets/reviews/annotations/notes.txt"])


def test_a_file_outside_the_protected_folders_needs_nobody(desk: Desk):
    desk.git("checkout", "-q", "main")
    desk.write("README.md", "hello")
    desk.commit("Say hello")
    code, (step,) = desk.verify("HEAD")
    assert (code, step["covered"], step["total"], step["needs"]) == (0, 1, 1, [])


def test_ssh_agent_signs_when_no_key_is_named(desk: Desk, agent):
    agent(desk.key("ben"))
    code, out, err = desk.labelvc("approve", "main...topic", "--role", "reviewer")
    assert code == 0, out + err
    desk.git("commit", "-q", "-m", "Ben decides", "--", "approvals", who="ben")
    assert desk.verify()[0] == 0


@pytest.mark.parametrize("way", ["variable", "labelvc.signingKey", "user.signingKey"])
def test_the_key_is_found_where_people_put_it(desk: Desk, way: str, monkeypatch: pytest.MonkeyPatch):
    if way == "variable":
        monkeypatch.setenv("LABELVC_KEY", desk.key("ben"))
    elif way == "labelvc.signingKey":
        assert desk.labelvc("key", "use", desk.key("ben"))[0] == 0
    else:
        desk.git("config", "gpg.format", "ssh")
        desk.git("config", "user.signingKey", desk.key("ben") + ".pub")
    code, out, err = desk.labelvc("approve", "main...topic", "--role", "reviewer")
    assert code == 0, out + err


def test_without_a_key_the_hint_says_how(desk: Desk):
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer")
    assert code == 2
    assert "labelvc key use" in err


def test_an_approval_names_what_labels_meant_and_how_they_were_checked(desk: Desk):
    """Who asks later under which guideline and which checks it was approved finds the very documents by their SHA-256."""
    desk.git("checkout", "-q", "main")
    others = {
        "taxonomies/mood.yaml": "a",
        "profiles/usual.yaml": "b",
        "datasets/other/dataset.yaml": "c",
        "datasets/reviews/dataset.yaml": "d",
    }
    for path, text in {**others, "guidelines/mood.txt": "no document"}.items():
        desk.write(path, f"{text}\n")
    desk.commit("Documents")
    desk.git("checkout", "-q", "topic")
    desk.git("rebase", "-q", "main")
    said = statement.decode_approval(dsse.decode(desk.approve("ben").read_bytes(), dsse.IN_TOTO).payload)
    names = sorted({"labelvc.yaml", "guidelines/mood.yaml", *others} - {"datasets/other/dataset.yaml"})
    assert [one.name for one in said.materials] == names
    for one in said.materials:
        assert one.sha256 == hashlib.sha256((desk.folder / one.name).read_bytes()).hexdigest()
