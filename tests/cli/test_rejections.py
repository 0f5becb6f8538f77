"""A no binds: whoever rejected a change is not gone round by adding something to it and asking somebody else."""

from __future__ import annotations

import pytest

from labelvc.ops import lying
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]
NO = ("main...topic", "reviewer", "--decision", "reject", "--reason", "rev-1 is sarcastic")


def bring_a_rejection(desk: Desk) -> None:
    """Bring Cleo's no to a part of a change to main, before the change that Ben says yes to."""
    desk.approve("cleo", *NO)
    desk.relabel("fine", "rev-2")
    desk.approve("ben")
    desk.git("checkout", "-q", "main")
    desk.git("checkout", "-q", "topic", "--", "approvals")
    desk.commit("Bring the words")


def test_a_rejection_of_more_than_was_approved_holds_when_more_comes(desk: Desk):
    """Approve {m1}, reject {m1, m2}, then m3 comes."""
    desk.approve("ben")
    desk.relabel("fine", "rev-2")
    desk.approve("cleo", *NO)
    assert desk.verify()[1][0]["state"] == "rejected"
    desk.relabel("fine", "rev-3")
    code, (step,) = desk.verify()
    assert (code, step["state"], step["covered"]) == (1, "rejected", 0)
    assert ("cleo", "reject") in [(said["principal"], said["decision"]) for said in step["approvals"]]


@pytest.mark.parametrize("way", ["one more label", "a file that no policy protects"])
def test_an_approval_of_more_does_not_go_round_a_rejection(desk: Desk, way: str):
    desk.approve("cleo", *NO)
    if way == "one more label":
        desk.relabel("fine", "rev-2")
    else:
        desk.write("README.md", "hello")
        desk.commit("Say hello")
    desk.approve("ben")
    code, (step,) = desk.verify()
    assert (code, step["state"]) == (1, "rejected")
    assert "reviews/rev-1#r1" in step["uncovered"]
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--squash", "topic")
    desk.git("commit", "-q", "-m", "Squash")
    assert desk.verify("HEAD")[0] == 1


@pytest.mark.parametrize("many", [0, 256])
def test_a_rejection_that_reached_main_first_holds_too(desk: Desk, monkeypatch: pytest.MonkeyPatch, many: int):
    """Approvals need no approval, so a no could be laid aside by bringing it in before the change; many are searched by git."""
    monkeypatch.setattr(lying, "_MANY", many)
    bring_a_rejection(desk)
    assert desk.verify("HEAD")[0] == 0
    code, (step,) = desk.verify()
    assert (code, step["state"]) == (1, "rejected")


@pytest.mark.parametrize("many", [0, 256])
@pytest.mark.parametrize("lost", ["the list", "the statement"])
def test_a_rejection_that_is_missing_from_the_clone_is_no_consent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, lost: str, many: int
):
    """As in a partial or damaged clone: what cannot be read could be a no, so verify says that it could not tell."""
    monkeypatch.setattr(lying, "_MANY", many)
    bring_a_rejection(desk)
    rows = [row.split() for row in desk.git("ls-tree", "-r", "HEAD", "approvals").splitlines()]
    said = next(path for *_, path in rows if "/cleo." in path)
    wanted = said if lost == "the statement" else f"{said.rpartition('/')[0]}/changeset.jsonl"
    oid = next(oid for _, _, oid, path in rows if path == wanted)
    (desk.folder / ".git/objects" / oid[:2] / oid[2:]).unlink()
    code, _, err = desk.labelvc("verify", "main...topic")
    assert code == 2, err


def test_what_was_not_wanted_can_be_taken_out(desk: Desk):
    """A rejection of the whole says nothing of a part alone: without m2 the approved m1 stands."""
    desk.approve("ben")
    at = desk.git("rev-parse", "HEAD")
    desk.relabel("fine", "rev-2")
    desk.approve("cleo", *NO)
    assert desk.verify()[0] == 1
    desk.git("checkout", "-q", at, "--", "datasets")
    desk.commit("Take rev-2 back")
    assert desk.verify()[0] == 0


def test_who_said_no_says_yes_to_more(desk: Desk):
    """Cleo wanted rev-2 changed too; her yes to both takes her no to the one back, also when more comes."""
    desk.approve("cleo", *NO)
    desk.relabel("fine", "rev-2")
    desk.approve("cleo")
    assert desk.verify()[0] == 0
    desk.relabel("fine", "rev-3")
    code, (step,) = desk.verify()
    assert (code, step["state"], step["uncovered"]) == (1, "missing", ["reviews/rev-3#r1"])
    desk.approve("ben")
    assert desk.verify()[0] == 0


def test_a_no_to_a_part_is_withdrawn_at_the_whole(desk: Desk):
    desk.approve("cleo", *NO)
    desk.relabel("fine", "rev-2")
    desk.approve("ben")
    desk.approve("cleo", "main...topic", "reviewer", "--decision", "withdraw", "--reason", "he convinced me")
    assert desk.verify()[0] == 0


def test_nobody_takes_the_no_of_another_back(desk: Desk):
    desk.approve("cleo", *NO)
    desk.relabel("fine", "rev-2")
    code, _, err = desk.labelvc(
        "approve",
        "main...topic",
        "--role",
        "reviewer",
        "--key",
        desk.key("ben"),
        "--decision",
        "withdraw",
        "--reason",
        "x",
    )
    assert code == 1
    assert "has said nothing" in err


def test_verify_says_who_said_no_and_what_helps(desk: Desk):
    desk.approve("cleo", *NO)
    desk.relabel("fine", "rev-2")
    desk.approve("ben")
    code, out, _ = desk.labelvc("verify", "main...topic")
    assert code == 1
    assert "cleo said reject as reviewer (1 of 2 changes)\n" in out
    hint = 'next: change what cleo rejected, or cleo runs: labelvc approve main...topic --role reviewer --decision withdraw --reason "..."\n'
    assert hint in out
