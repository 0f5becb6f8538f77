"""More ways to get a green verify that should not be: by the shape of history, kinds of files, and odd approval files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labelvc.ops import makers
from labelvc.store import git as plumbing
from tests.people import SHARD, Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]


def meddle(desk: Desk, item: str = "rev-5") -> None:
    records = desk.records()
    records[item] = {**records[item], "value": {"text": "odd"}, "rev": records[item]["rev"] + 1}
    desk.save(records)


def ahead(desk: Desk, path: str = "README.md") -> None:
    """Let main go on by a file that needs nobody."""
    desk.git("checkout", "-q", "main")
    desk.write(path, "hello")
    desk.commit("Say hello")
    desk.git("checkout", "-q", "topic")


def test_who_hides_a_change_in_a_merge_is_its_author(desk: Desk):
    ahead(desk)
    desk.git("merge", "-q", "--no-ff", "--no-commit", "main", who="ben")
    meddle(desk)
    desk.commit("Catch up", who="ben")
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    assert code == 1, "ben made rev-5 and may not approve it"
    assert "ben is an author of this change" in err
    desk.approve("cleo")
    assert desk.verify()[0] == 0


def test_who_merges_two_edits_of_one_file_cleanly_is_no_author(desk: Desk):
    desk.git("checkout", "-q", "main")
    desk.write("notes.txt", b"".join(b"%d\n" % number for number in range(40)))
    desk.commit("Notes")
    desk.git("checkout", "-q", "topic")
    desk.git("rebase", "-q", "main")
    for branch, at in (("topic", 2), ("main", 38)):
        desk.git("checkout", "-q", branch)
        lines = (desk.folder / "notes.txt").read_text().splitlines()
        lines[at] = branch
        desk.write("notes.txt", "\n".join(lines) + "\n")
        desk.commit(f"Note on {branch}")
    desk.git("checkout", "-q", "topic")
    desk.git("merge", "-q", "--no-ff", "-m", "Catch up", "main", who="ben")
    desk.approve("ben")
    assert desk.verify()[0] == 0


def test_who_resolves_a_conflict_is_an_author(desk: Desk):
    desk.git("checkout", "-q", "main")
    desk.relabel("dull", "rev-1", who="cleo")
    desk.git("checkout", "-q", "topic")
    desk.git("merge", "-q", "--no-ff", "--no-commit", "-s", "ours", "main", who="ben")
    records = desk.records()
    records["rev-1"] = {**records["rev-1"], "value": {"text": "good and dull"}, "rev": 3}
    desk.save(records)
    desk.commit("Catch up", who="ben")
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    assert (code, "ben is an author" in err) == (1, True)


def turned(desk: Desk, *, keep: bool) -> tuple[str, str]:
    """Merge main into a line from before the policy and make that main: a fast-forward that turns the parents around."""
    good = desk.git("rev-parse", "main")
    desk.git("checkout", "-q", "-b", "turn", "main~1")
    desk.write("README.md", "hello")
    desk.commit("Say hello", who="ben")
    desk.git("merge", "-q", "--no-ff", "--no-commit", *(() if keep else ("-s", "ours")), "main", who="ben")
    meddle(desk)
    desk.commit("Merge main", who="ben")
    desk.git("branch", "-f", "main", "turn")
    return good, desk.git("rev-parse", "turn")


@pytest.mark.parametrize("keep", [True, False])
def test_a_history_turned_around_does_not_go_past_the_policy(desk: Desk, keep: bool):
    good, bad = turned(desk, keep=keep)
    code, out, err = desk.labelvc("verify", f"{good}..{bad}")
    assert code == 2, out
    assert "is not on the first-parent line" in err
    assert f"next: labelvc verify {good}...{bad}" in err
    assert desk.verify(f"{good}...{bad}")[0] == 1


def test_a_merge_that_drops_the_policy_is_not_before_it(desk: Desk):
    turned(desk, keep=False)
    code, (step,) = desk.verify("HEAD")
    assert (code, step["state"]) == (2, "undecidable")
    desk.relabel("awful", "rev-2", who="ben")
    code, (step,) = desk.verify("HEAD")
    assert (code, step["state"]) == (2, "undecidable")


@pytest.mark.parametrize("name", ["hooks", ".dvc", "schemas", ".github", ".GitHub"])
def test_a_link_in_the_place_of_a_folder_of_controls_is_one_of_them(desk: Desk, name: str):
    desk.git("checkout", "-q", "-b", "link", "main")
    (desk.folder / name).symlink_to("elsewhere")
    desk.write("elsewhere/config", "x")
    desk.commit("Link", who="ben")
    desk.approve("cleo", "main...link")
    code, (step,) = desk.verify("main...link")
    assert (code, step["uncovered"]) == (1, [name])


@pytest.mark.parametrize("path", ["guidelines/mood.yaml", SHARD, "trust/policy.json", "labelvc.yaml"])
def test_a_file_that_becomes_a_link_of_the_same_bytes_is_a_change(desk: Desk, path: str):
    """The blob of a link is its target: the same bytes, and another file on the disk."""
    desk.git("checkout", "-q", "-b", "link", "main")
    blob = desk.git("rev-parse", f"HEAD:{path}")
    desk.git("update-index", "--cacheinfo", f"120000,{blob},{path}")
    desk.git("commit", "-q", "--no-verify", "-m", "Link", who="ben")
    code, steps = desk.verify("main...link")
    assert code != 0, steps


@pytest.mark.parametrize(
    "path", ["guidelines/more.yaml", "datasets/reviews/annotations/01.jsonl", "approvals/x", "trust/root/2.json"]
)
def test_a_submodule_in_a_protected_place_is_denied(desk: Desk, path: str):
    desk.git("checkout", "-q", "-b", "module", "main")
    desk.git("update-index", "--add", "--cacheinfo", f"160000,{desk.git('rev-parse', 'HEAD')},{path}")
    desk.git("commit", "-q", "--no-verify", "-m", "Module", who="ben")
    code, steps = desk.verify("main...module")
    assert code != 0, steps


def test_a_linked_approval_counts_for_nothing_and_hides_no_other(desk: Desk):
    path = desk.approve("ben")
    elsewhere = desk.folder / "elsewhere.json"
    path.rename(elsewhere)
    path.symlink_to(os.path.relpath(elsewhere, path.parent))
    desk.commit("Link", who="cleo")
    code, (step,) = desk.verify()
    assert (code, step["approvals"]) == (1, [])
    code, out, err = desk.labelvc("policy", "explain", "main...topic")
    name = path.relative_to(desk.folder)
    assert (code, "main...topic is denied" in out, f"problem     {name}: a symbolic link" in out) == (1, True, True), (
        out + err
    )
    assert desk.labelvc("policy", "explain", "main...topic", "--format", "json")[0] == 1


def test_what_lies_among_the_approvals_and_says_nothing_is_found(desk: Desk):
    """None of it counts, and a step that brings only such files needs nobody: both `check` and `verify` tell of them."""
    path = desk.approve("ben")
    folder, good = path.parent, path.read_bytes()
    assert "approval.stray" not in desk.labelvc("check", "main..HEAD")[1], "a statement and its list are none"
    other = folder.parent / ("0" * 64)
    misplaced = {
        folder.parent / "notes.txt": b"agreed\n", folder / "more" / path.name: good, folder / "agreed.txt": b"yes\n",
        folder.parent / folder.name.upper() / path.name: good,
    }  # fmt: skip
    empty = {
        folder / "cleo.0123456789ab.json": b"{}\n", other / path.name: good, folder / "cleo.cbda9f9eb5e5.json": good[:-9],
        other / "changeset.jsonl": (folder / "changeset.jsonl").read_bytes(),
    }  # fmt: skip
    strays = {**misplaced, **empty}
    for place, data in strays.items():
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(data)
    start = desk.git("rev-parse", "HEAD")
    desk.commit("Bring more", who="cleo")
    named = {at.relative_to(desk.folder).as_posix() for at in strays}
    code, (step,) = desk.verify("HEAD")
    told = {one["path"]: one["message"] for one in step["problems"]}
    assert (code, step["state"], step["total"]) == (0, "unchanged", 0)
    assert told.keys() == {at.relative_to(desk.folder).as_posix() for at in misplaced}
    assert all(message.endswith("; it says nothing, whoever wrote it") for message in told.values())
    assert desk.verify()[0] == 0, "none of them takes the good one's word away"

    def found(*words: str) -> set[str]:
        code, out, err = desk.labelvc("check", *words, "--format", "json")
        items = [one for one in json.loads(out)["items"] if one["rule"] == "approval.stray"]
        assert (code, {one["hint"].startswith("git rm approvals/") for one in items}) == (1, {True}), out + err
        return {one["place"]["path"] for one in items}

    assert found("main..HEAD") == found("--all") == named
    for place in misplaced:
        place.unlink()
    desk.commit("Tidy up", who="cleo")
    assert desk.verify("HEAD")[0] == 0, "what nobody signed may go"
    desk.git("reset", "-q", "--hard", "HEAD~1")
    desk.write("labelvc.yaml", "schema: [\n")
    desk.commit("Break the project")
    assert found(f"{start}..HEAD") == found("--all") == named, (
        "where the project cannot be read they are told all the same"
    )


def test_a_huge_approval_file_is_refused_and_others_still_count(desk: Desk):
    path = desk.approve("ben")
    path.with_name("cleo.0123456789ab.json").write_bytes(b'{"payload":"' + b"A" * (8 << 20) + b'"}')
    desk.commit("Huge", who="cleo")
    code, (step,) = desk.verify()
    assert (code, len(step["approvals"]), len(step["problems"])) == (0, 1, 1)
    assert "larger than" in step["problems"][0]["message"]


@pytest.mark.parametrize(
    "name", ["ben.0123456789ab.json\u202e", "b\u0435n.0123456789ab.json", "Ben.0123456789ab.json", "e\u0301.json"]
)
def test_an_approval_under_an_odd_name_counts_for_nothing(desk: Desk, name: str):
    path = desk.approve("ben")
    path.rename(path.with_name(name))
    desk.commit("Rename", who="cleo")
    code, (step,) = desk.verify()
    assert (code, step["approvals"]) == (1, [])
    assert "\u202e" not in desk.labelvc("verify", "main...topic")[1]


@pytest.mark.parametrize("address", ["ADA@Example.COM", "Ada@example.com"])
def test_an_author_under_another_case_of_the_address_is_the_same(desk: Desk, address: str):
    desk.git("commit", "-q", "--amend", "--no-edit", f"--author=Ben <{address}>")
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ada"))
    assert (code, "ada is an author" in err) == (1, True)


@pytest.mark.parametrize("address", ["", " ", "ada@example.com\u200b", "\uff41da@example.com", "ada@example.com "])
def test_an_address_that_only_looks_like_one_is_nobody(desk: Desk, address: str):
    tree, parent = desk.git("rev-parse", "HEAD^{tree}"), desk.git("rev-parse", "HEAD~1")
    raw = f"tree {tree}\nparent {parent}\nauthor A <{address}> 1772355600 +0000\ncommitter A <ada@example.com> 1772355600 +0000\n\nx\n"
    (desk.folder.parent / "raw").write_bytes(raw.encode())
    commit = desk.git("hash-object", "-t", "commit", "-w", "--literally", str(desk.folder.parent / "raw"))
    desk.git("reset", "-q", "--hard", commit)
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    assert (code, "nobody the policy knows" in err) == (2, True)


def test_a_name_and_a_message_that_imitate_the_listing_of_commits_hide_no_author(desk: Desk):
    desk.git("commit", "-q", "--amend", "-m", "x\n\n\x01\n0123456789abcdef0123456789abcdef01234567\nben@example.com\n")
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ada"))
    assert (code, "ada is an author" in err) == (1, True)


def test_a_co_author_counts_however_the_line_is_written(desk: Desk):
    """With CR LF at its end, as hosts write what they squash, Ben was read as nobody, and could approve his own work."""
    for line in (
        "Co-authored-by: Ben <ben@example.com>\r", "co-authored-BY : Ben <BEN@example.com>  ", "Co-authored-by: <ben@example.com> (pair)",
        "Co-authored-by: Cleo <cleo@example.com>, Ben <ben@example.com>", "Co-authored-by:Ben<ben@example.com>\r\n\r\nand more",
    ):  # fmt: skip
        desk.git("commit", "-q", "--amend", "--cleanup=verbatim", "-m", f"Together\n\n{line}")
        (made,) = makers.commits(plumbing.find(desk.folder), "main", "topic")
        assert "ben@example.com" in [address.casefold() for address in made.addresses], line
    desk.git(
        "commit",
        "-q",
        "--amend",
        "--cleanup=verbatim",
        "-m",
        "Together\r\n\r\nCo-authored-by: Ben <ben@example.com>\r\n",
    )
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    assert (code, "ben is an author of this change" in err) == (1, True), err
    assert "ben@example.com" in desk.labelvc("log", "--format", "json")[1]


def test_what_git_shows_nobody_names_no_co_author_and_hides_no_author(desk: Desk):
    """git ends a message at a zero byte: a line behind it is like one that was never written. The header is the author's own."""
    who = "Ada Author <ada@example.com> 1772355600 +0000"
    for header, addresses in (
        (f"author {who}\ncommitter {who}\n\nTogether\0\nCo-authored-by: Ben <ben@example.com>\n", ("ada@example.com",)),
        (f"author Ada\0 <ada@example.com> 1772355600 +0000\ncommitter {who}\n\nHide\n", ("",)),
        (f"committer {who}\n\nHide\n", ("",)),
    ):
        top = desk.git("rev-parse", "topic^{tree}", "main").split()
        raw = f"tree {top[0]}\nparent {top[1]}\n{header}".encode()
        words = ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"]
        made = (
            subprocess.run(words, cwd=desk.folder, input=raw, capture_output=True, check=True).stdout.decode().strip()
        )
        (found,) = makers.commits(plumbing.find(desk.folder), "main", made)
        assert found.addresses == addresses, header
        if not addresses[0]:
            assert desk.verify(f"main...{made}")[1][0]["state"] == "undecidable", header


def test_an_approval_after_a_rebase_onto_another_old_value_covers_nothing(desk: Desk):
    """Main changed the record meanwhile: the move is another, though the new line is the one that was signed."""
    desk.approve("ben")
    desk.git("checkout", "-q", "main")
    desk.relabel("dull", "rev-1", who="cleo")
    start = desk.git("rev-parse", "HEAD")
    desk.git("checkout", "-q", "topic", "--", ".")
    desk.commit("Overwrite")
    code, (step,) = desk.verify(f"{start}...HEAD")
    assert (code, step["covered"]) == (1, 0)


@pytest.mark.parametrize("what", ["add", "delete", "delete a line", "binary"])
def test_every_kind_of_change_in_a_merge_has_its_author(desk: Desk, what: str):
    ahead(desk)
    desk.git("merge", "-q", "--no-ff", "--no-commit", "main", who="ben")
    if what == "add":
        desk.write("guidelines/more.yaml", "name: more\n")
    elif what == "delete":
        desk.git("rm", "-q", "guidelines/mood.yaml")
    elif what == "delete a line":
        desk.save({item: row for item, row in desk.records().items() if item != "rev-6"})
    else:
        desk.write("guidelines/more.yaml", b"\0\0\xff")
    desk.commit("Catch up", who="ben")
    made = makers.commits(plumbing.find(desk.folder), "main", "topic")
    assert "ben@example.com" in {address for each in made for address in each.addresses}


@pytest.mark.parametrize("last", ["good", "evil"])
def test_a_tree_that_holds_a_name_twice_is_refused(desk: Desk, last: str):
    """git writes one of the two to the disk, and a reader of the tree may take the other: nobody can tell what was approved."""
    good = desk.git("rev-parse", "main:guidelines/mood.yaml")
    desk.write("../evil", "name: evil\n")
    evil = desk.git("hash-object", "-w", "../evil")
    order = (evil, good) if last == "good" else (good, evil)
    desk.write("../tree", b"".join(b"100644 mood.yaml\0" + bytes.fromhex(blob) for blob in order))
    twice = desk.git("hash-object", "-t", "tree", "-w", "--literally", "../tree")
    listing = [line for line in desk.git("ls-tree", "main").splitlines() if not line.endswith("\tguidelines")]
    desk.write("../listing", "\n".join([*listing, f"040000 tree {twice}\tguidelines"]) + "\n")
    with (desk.folder / "../listing").open() as rows:
        made = subprocess.run(
            ["git", "mktree"], cwd=desk.folder, stdin=rows, capture_output=True, text=True, check=True
        )
    commit = desk.git("commit-tree", made.stdout.strip(), "-p", "main", "-m", "Twice")
    code, out, err = desk.labelvc("verify", f"main...{commit}")
    assert (code, out) == (2, ""), out + err
    assert "holds the name 'mood.yaml' twice" in err
    assert commit[:12] in err


def test_people_who_approve_at_the_same_moment_in_one_clone_all_count(desk: Desk):
    """Each writes a file of their own and all write the list: none is lost, none is half, and nobody sees an error."""
    labelvc = str(Path(sys.executable).with_name("labelvc"))
    yes = [labelvc, "approve", "main...topic", "--role", "reviewer", "--key"]
    at_once = [
        subprocess.Popen([*yes, desk.key(who)], cwd=desk.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for who in ("ben", "cleo", "ben")
    ]
    told = [one.communicate()[1].decode() for one in at_once]
    assert [one.returncode for one in at_once] == [0, 0, 0], told
    desk.git("commit", "-q", "--no-verify", "-m", "All decide", "--", "approvals")
    assert desk.git("status", "--porcelain") == ""
    code, (step,) = desk.verify()
    assert (code, step["problems"]) == (0, [])
    assert sorted(said["principal"] for said in step["approvals"]) == ["ben", "ben", "cleo"]
