"""Threats by merges: who merged takes an approved label back, and no commit of the step names them as an author."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from labelvc.model.policy import Role
from labelvc.ops import makers
from labelvc.store import git as plumbing
from tests import people
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]


@pytest.fixture
def merged(desk: Desk) -> Desk:
    """Return a desk on `main`, where a guideline by Ada was approved by Cleo and came in; Ben and Cleo are leads."""
    everybody = {"lead": Role(("ada", "ben", "cleo"))}
    people.govern(desk, lambda policy: replace(policy, roles={**policy.roles, **everybody}))
    desk.git("checkout", "-q", "-b", "words", "main")
    desk.write("guidelines/mood.yaml", "schema: urn:labelvc:schema:guideline:1\nname: mood\nversion: 2.0.0\n")
    desk.commit("Say more")
    desk.approve("cleo", "main...words", "lead")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "-m", "Merge", "words")
    assert desk.verify("HEAD")[0] == 0
    return desk


def tied(desk: Desk, tree: str, *parents: str, who: str = "ben") -> str:
    """Put main at a commit of this tree with these parents."""
    words = [word for parent in parents for word in ("-p", parent)]
    made = desk.git("commit-tree", f"{tree}^{{tree}}", *words, "-m", "Merge", who=who)
    desk.git("reset", "-q", "--hard", made, who=who)
    return made


def side(desk: Desk, at: str, who: str = "cleo") -> str:
    """Return a commit of somebody on an older one that touches nothing protected."""
    desk.git("checkout", "-q", "--detach", at)
    desk.write("README.md", f"{at}\n")
    made = desk.commit("Read me", who)
    desk.git("checkout", "-q", "main")
    return made


@pytest.mark.parametrize("way", ["an ancestor", "an older tree", "a branch of older content", "behind a branch"])
def test_threat_02_who_takes_something_back_by_a_merge_is_an_author_of_that(merged: Desk, way: str):
    """Ben may approve what others did; that he undid it himself, in a merge, makes it his."""
    start = merged.git("rev-parse", "HEAD")
    old = merged.git("rev-parse", "HEAD~1")
    if way == "an ancestor":
        tied(merged, old, start, old)
    elif way == "an older tree":
        tied(merged, old, start, side(merged, start))
    elif way == "a branch of older content":
        other = side(merged, old)
        tied(merged, other, start, other)
    else:
        inner = tied(merged, old, old, start)
        tied(merged, inner, start, inner, who="cleo")
    merged.git("checkout", "-q", start, "--", "approvals")
    who = "cleo" if way == "behind a branch" else "ben"
    merged.git("commit", "-q", "--no-verify", "--amend", "--no-edit", "--reset-author", who=who)
    code, (step,) = merged.verify(f"{start}..HEAD")
    assert (code, step["uncovered"], step["needs"][0]["have"]) == (1, ["guidelines/mood.yaml"], 0)
    assert "ben" not in step["needs"][0]["who_can"]
    code, _, err = merged.labelvc("approve", f"{start}..HEAD", "--role", "lead", "--key", merged.key("ben"))
    assert code == 1, err
    assert "ben is an author of this change" in err


def test_threat_08_a_label_that_a_merge_takes_back_with_its_old_rev_is_denied(desk: Desk):
    desk.approve("cleo")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    start, old = desk.git("rev-parse", "HEAD"), desk.git("rev-parse", "HEAD~1")
    tied(desk, old, start, old)
    code, (step,) = desk.verify(f"{start}..HEAD")
    assert (code, step["state"], step["uncovered"]) == (1, "denied", ["reviews/rev-1#r1"])


@pytest.mark.parametrize("flow", ["merge", "criss-cross", "unrelated"])
def test_a_merge_that_takes_each_change_where_it_was_made_has_no_author(desk: Desk, flow: str):
    desk.git("checkout", "-q", "main")
    desk.relabel("fine", "rev-5", who="cleo")
    desk.write("guidelines/mood.yaml", "schema: urn:labelvc:schema:guideline:1\nname: mood\nversion: 2.0.0\n")
    desk.commit("Version 2", "cleo")
    if flow == "criss-cross":
        one, two = desk.git("rev-parse", "main"), desk.git("rev-parse", "topic")
        desk.git("merge", "-q", "--no-ff", "-m", "One", two, who="ben")
        desk.git("checkout", "-q", "topic")
        desk.git("merge", "-q", "--no-ff", "-m", "Two", one, who="ben")
        desk.relabel("odd", "rev-3")
        desk.git("checkout", "-q", "main")
    elif flow == "unrelated":
        desk.git("checkout", "-q", "--orphan", "alone")
        desk.git("rm", "-q", "-r", "-f", ".")
        desk.write("taxonomies/mood.yaml", "schema: urn:labelvc:schema:taxonomy:1\nname: mood\n")
        desk.commit("Start anew")
        desk.git("checkout", "-q", "main")
        desk.git("branch", "-f", "topic", "alone")
    start = desk.git("rev-parse", "main")
    more = ["--allow-unrelated-histories"] if flow == "unrelated" else []
    desk.git("merge", "-q", "--no-ff", "-m", "Merge", *more, "topic", who="ben")
    made = makers.commits(plumbing.find(desk.folder), start, desk.git("rev-parse", "HEAD"))
    assert made
    assert {address for each in made for address in each.addresses} == {"ada@example.com"}
