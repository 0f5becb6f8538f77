"""What somebody found who attacked all of it together: histories led round a policy, words taken out, hostile files."""

from __future__ import annotations

import json

import pytest

from labelvc.codec import canonical, dsse, rootfile, statement
from labelvc.errors import DataError
from tests.people import Desk, in_force
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]


def pinned(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.approve("ben")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    monkeypatch.setenv("LABELVC_ROOT", in_force(desk).anchor)


def led_round(desk: Desk, *parents: str) -> None:
    """Edit a label and give the commit these parents."""
    desk.relabel("evil", "rev-5", who="mallory")
    tree = desk.git("rev-parse", "HEAD^{tree}")
    words = [word for parent in parents for word in ("-p", parent)]
    desk.git("reset", "-q", "--hard", desk.git("commit-tree", tree, *words, "-m", "Merge", who="mallory"))


def test_threat_15_a_merge_whose_first_parent_knew_no_policy_is_not_ungoverned(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    pinned(desk, monkeypatch)
    monkeypatch.setenv("LABELVC_STATE", str(desk.folder.parent / "nothing-known"))
    old = desk.git("rev-parse", "main")
    led_round(desk, desk.git("rev-list", "--max-parents=0", "main"), old)
    for words in (("main",), ("main", "--all")):
        code, items = desk.verify(*words)
        assert (code, items[-1]["state"]) == (2, "undecidable"), words
    assert "a policy was in force on this parent" in items[-1]["problems"][0]["message"]


def test_threat_15_a_branch_that_was_led_round_is_refused_by_who_knows_it(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    pinned(desk, monkeypatch)
    assert desk.verify("main")[0] == 0
    old = desk.git("rev-parse", "main")
    led_round(desk, f"{old}~1", old)
    code, out, err = desk.labelvc("verify", "main")
    assert (code, out) == (2, "")
    assert "this branch was led round" in err


def test_threat_14_a_step_that_takes_a_word_out_says_so_and_is_not_green(desk: Desk):
    said = desk.approve("cleo", "main...topic", "reviewer", "--decision", "reject", "--reason", "no")
    said.unlink()
    desk.commit("Forget it")
    code, out, _ = desk.labelvc("verify")
    assert code == 1
    assert f"{said.name}: this step changed or removed what somebody signed before it" in out


@pytest.mark.parametrize("way", ["gone", "one digest flipped", "one line more"])
@pytest.mark.parametrize("first", [False, True], ids=["on the branch", "on main before"])
def test_threat_14_a_no_whose_list_was_spoiled_is_not_taken_for_one_about_something_else(
    desk: Desk, way: str, first: bool
):
    """Nobody signs the list itself: Cleo's no stands there, and what it is about was taken away or changed before Ben's yes to more."""
    no = desk.approve("cleo", "main...topic", "reviewer", "--decision", "reject", "--reason", "no")
    if first:
        desk.git("checkout", "-q", "main")
        desk.git("checkout", "-q", "topic", "--", "approvals")
        desk.commit("Bring the no to main", "cleo")
        desk.git("checkout", "-q", "topic")
        desk.git("rebase", "-q", "main")
    listing = no.with_name("changeset.jsonl")
    good = listing.read_bytes()
    digest = good.index(b"sha256:") + 7
    flipped = good[:digest] + (b"1" if good[digest:][:1] == b"0" else b"0") + good[digest + 1 :]
    other = good.replace(b"rev-1", b"rev-9") + good
    if way == "gone":
        listing.unlink()
    else:
        listing.write_bytes(flipped if way == "one digest flipped" else b"".join(sorted(other.splitlines(True))))
    desk.relabel("fine", "rev-2")
    desk.approve("ben")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--squash", "topic")
    desk.commit("Squash")
    code, (step,) = desk.verify("HEAD")
    assert (code, step["state"]) == (2, "undecidable")
    told = next(one for one in step["problems"] if "cleo said reject there" in one["message"])
    assert told["path"] == listing.relative_to(desk.folder).as_posix()
    assert f"next: git log --all -- {told['path']}, and bring it back" in desk.labelvc("verify", "HEAD")[1]
    listing.write_bytes(good)
    desk.commit("Bring it back")
    code, (step,) = desk.verify("HEAD~2...HEAD")
    assert (code, step["state"]) == (1, "rejected")


def test_threat_14_a_rejection_where_a_branch_would_go_binds_the_branch(desk: Desk):
    tip = desk.git("rev-parse", "topic")
    desk.approve("cleo", "main...topic", "reviewer", "--decision", "reject", "--reason", "no")
    no = desk.git("rev-parse", "HEAD")
    desk.git("reset", "-q", "--hard", tip)
    desk.approve("ben")
    assert desk.verify()[0] == 0
    desk.git("checkout", "-q", "main")
    desk.git("checkout", "-q", no, "--", "approvals")
    desk.commit("Bring the no to main first", "cleo")
    desk.git("checkout", "-q", "topic")
    code, items = desk.verify()
    assert (code, items[0]["state"]) == (1, "rejected")


@pytest.mark.parametrize("what", ["the statement", "the list"])
def test_threat_14_a_branch_does_not_put_something_else_in_the_place_of_a_no(desk: Desk, what: str):
    """The no is on main alone; a file of the branch under its very name would hide it from who judges the pull request."""
    tip = desk.git("rev-parse", "topic")
    no = desk.approve("cleo", "main...topic", "reviewer", "--decision", "reject", "--reason", "no")
    said = desk.git("rev-parse", "HEAD")
    desk.git("checkout", "-q", "main")
    desk.git("checkout", "-q", said, "--", "approvals")
    desk.commit("Bring the no to main", "cleo")
    desk.git("checkout", "-q", "topic")
    desk.git("reset", "-q", "--hard", tip)
    hidden = no if what == "the statement" else no.with_name("changeset.jsonl")
    desk.write(hidden.relative_to(desk.folder).as_posix(), "{}\n")
    desk.commit("Nothing to see here")
    desk.relabel("fine", "rev-2")
    desk.approve("ben")
    code, (step,) = desk.verify()
    assert (code, step["state"]) == (1, "rejected")


@pytest.mark.parametrize(
    ("name", "state"),
    [("notes#1", "approved"), ("datasets/reviews/notes#1", "denied"), ("guidelines/mood%.yaml", "denied")],
)
def test_threat_06_a_link_is_denied_by_its_own_name_and_only_in_a_protected_place(desk: Desk, name: str, state: str):
    """`#` and `%` stand for other things in a change-set: a link of such a name is no record, and named once."""
    (desk.folder / name).symlink_to("/etc/passwd")
    desk.commit("Link", "ben")
    code, (step,) = desk.verify("HEAD")
    assert (code, step["state"]) == (int(state == "denied"), state)
    if state == "denied":
        assert step["uncovered"] == [name.replace("%", "%25").replace("#", "%23")]
        assert [problem["path"] for problem in step["problems"]] == [name]
        assert "a symbolic link" in step["problems"][0]["message"]
    else:
        assert step["problems"] == []


@pytest.mark.parametrize(
    ("place", "value"),
    [("x-labelvc-principal", []), ("keyval", {"public": 5}), ("keyval", {"public": None}), ("keyval", {"public": {}})],
)
def test_threat_27_a_root_of_the_wrong_types_is_refused(desk: Desk, place: str, value: object):
    envelope = dsse.decode((desk.folder / "trust/root/1.json").read_bytes(), dsse.TUF)
    root = json.loads(envelope.payload)
    for each in root["keys"].values():
        each[place] = value
    with pytest.raises(DataError, match="not well formed"):
        rootfile.decode(canonical.encode(root))
    for keyids in ([[]], [{}], 5, None):
        root = json.loads(envelope.payload)
        root["roles"]["root"]["keyids"] = keyids
        with pytest.raises(DataError):
            rootfile.decode(canonical.encode(root))


@pytest.mark.parametrize("moment", ["2026-13-45T99:99:99Z", "2026-01-0\u0661T00:00:00Z"])
def test_threat_27_a_moment_that_there_is_not_is_refused(desk: Desk, moment: str):
    said = desk.approve("ben")
    payload = dsse.decode(said.read_bytes(), dsse.IN_TOTO).payload
    value = json.loads(payload)
    value["predicate"]["signedAt"] = moment
    with pytest.raises(DataError):
        statement.decode_approval(canonical.encode(value))


def test_threat_27_an_error_colours_nothing(desk: Desk):
    code, _, err = desk.labelvc("verify", "\x1b[2J\x1b]0;pwned\x07")
    assert code == 2
    assert "\x1b" not in err
    assert "\\u001b" in err


@pytest.mark.parametrize(
    "words", ["verify --all", "verify HEAD", "audit impact", "audit population --all", "release verify --all"]
)
def test_threat_22_in_ci_nothing_is_green_without_a_pin_not_even_a_repository_without_policy(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, words: str
):
    """Who serves the repository serves it without its trust files, or with their own."""
    monkeypatch.setenv("CI", "true")
    for without in (False, True):
        if without:
            desk.git("checkout", "-q", "--orphan", "bare")
            desk.git("rm", "-q", "-r", "-f", "trust")
            desk.commit("Start")
        code, _, err = desk.labelvc(*words.split())
        assert code == 2, without
        assert "nobody pinned the root" in err
        assert "LABELVC_ROOT" in err
