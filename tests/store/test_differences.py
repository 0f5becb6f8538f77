"""Differences: a git that is asked again and again says what a git says that is asked once."""

from __future__ import annotations

import random

import pytest

from labelvc.errors import StoreError
from labelvc.store import git as plumbing
from labelvc.store.differences import Differences

RAW = ("diff-tree", "-r", "-z", *plumbing.RAW)


@pytest.fixture
def line(repo, git):
    """Return a repository and its commits, with names and content that could be taken for the end of an answer."""
    found = []
    for number in range(4):
        for name in ("datasets/x.jsonl", "datasets/two words\n\1", "end of\n", "approvals/é\n:100644"):
            (repo / name).parent.mkdir(parents=True, exist_ok=True)
            (repo / name).write_bytes(b"end of %d\n\1\nsame\n" % number)
        git(repo, "add", "-A")
        git(repo, "commit", "-qm", f"{number}")
        found.append(git(repo, "rev-parse", "HEAD").strip())
    return plumbing.find(repo), found


def test_every_pair_is_answered_as_by_a_git_of_its_own(line):
    where, commits = line
    asked = Differences(where)
    for old in commits:
        for new in (*commits[::-1], old):
            assert asked.files(old, new) == plumbing.run(where, *RAW, old, new)
            alone = list(plumbing.diff_lines(where, old, new, ["datasets"]))
            assert list(asked.lines(old, new)) == alone
            assert len(alone) == (2 if old != new else 0)
    asked.close()


def test_what_differs_is_told_with_its_lines_by_one_git(line):
    where, commits = line
    asked = Differences(where)
    for old in commits:
        for new in (*commits[::-1], old):
            assert asked.begin(old, new) == plumbing.run(where, *RAW, old, new)
            assert list(asked.lines(old, new)) == list(plumbing.diff_lines(where, old, new))
            assert list(asked.lines(old, new)) == list(plumbing.diff_lines(where, old, new, ["datasets"])), "again"
    asked.close()


def test_folders_that_are_left_out_cost_no_lines(line):
    where, (one, two, *_) = line
    asked = Differences(where)
    beside = ("approvals/", "end of\n", "datasets/*")
    left = plumbing.run(where, *RAW, one, two, "--", "datasets")
    assert asked.begin(one, two, beside) == left, "names are taken as they are; no pattern, no prefix"
    assert [change.path for change in asked.lines(one, two)] == ["datasets/two words\n\1", "datasets/x.jsonl"]
    assert asked.begin(one, two, ("approvals/", "datasets", "end of\n")) == b""
    asked.close()


def test_lines_that_were_begun_and_not_asked_for(line):
    where, (one, two, three, _) = line
    asked = Differences(where)
    asked.begin(one, two)
    assert list(asked.lines(two, three)) == list(plumbing.diff_lines(where, two, three, ["datasets"]))
    asked.begin(one, two)
    asked.begin(two, three)
    left = asked.lines(two, three)
    next(left)
    left.close()
    asked.begin(one, two)
    asked.close()
    assert list(asked.lines(one, two)) == list(plumbing.diff_lines(where, one, two, ["datasets"]))
    asked.close()


def test_a_question_within_an_answer_and_after_one_that_was_left(line):
    where, (one, two, three, _) = line
    asked = Differences(where)
    whole = list(asked.lines(one, two))
    outer = asked.lines(one, two)
    first = next(outer)
    inner, _ = asked.lines(two, three)
    assert inner.new == [b"end of 2"]
    assert [first, *outer] == whole
    left = asked.lines(one, two)
    next(left)
    left.close()
    assert list(asked.lines(one, two)) == whole
    asked.close()
    assert list(asked.lines(one, two)) == whole
    asked.close()


@pytest.mark.parametrize("which", [0, 1])
def test_a_commit_that_is_not_here_is_no_empty_answer(line, which):
    where, commits = line
    asked = Differences(where)
    pair = [commits[0], commits[1]]
    pair[which] = "1" * 40
    for question in (asked.files, asked.begin, lambda *ids: list(asked.lines(*ids))):
        with pytest.raises(StoreError):
            question(*pair)
    assert asked.files(*commits[:2]) == plumbing.run(where, *RAW, *commits[:2])
    asked.close()


def test_a_missing_tree_is_told(line, repo, git):
    where, (one, *_, last) = line
    tree = git(repo, "rev-parse", f"{last}^{{tree}}").strip()
    (repo / ".git/objects" / tree[:2] / tree[2:]).unlink()
    asked = Differences(where)
    for question in (asked.files, asked.begin):
        with pytest.raises(StoreError, match=f"{tree[:7]}|{last[:7]}"):
            question(one, last)
    asked.close()


def test_a_missing_file_is_told_when_its_lines_are_asked_for(line, repo, git):
    where, (one, *_, last) = line
    lost = git(repo, "rev-parse", f"{last}:datasets/x.jsonl").strip()
    (repo / ".git/objects" / lost[:2] / lost[2:]).unlink()
    asked = Differences(where)
    assert lost.encode() in asked.begin(one, last)
    with pytest.raises(StoreError, match=lost[:7]):
        list(asked.lines(one, last))
    asked.close()


def test_what_is_expected_is_asked_ahead_and_nothing_is_answered_by_another_answer(line):
    """Some pairs are skipped, asked twice or out of turn, left half read, or never expected."""
    where, commits = line
    pairs = [(old, new) for old in commits for new in commits]
    alone = {pair: plumbing.run(where, *RAW, *pair) for pair in pairs}
    for seed in range(20):
        chance = random.Random(seed)
        asked = Differences(where)
        asked.expect(chance.sample(pairs, chance.randint(1, len(pairs))))
        for at in range(30):
            pair = chance.choice(pairs) if chance.random() < 0.2 else pairs[at % len(pairs)]
            if chance.random() < 0.2:
                next(asked.lines(*pair), None)
            elif chance.random() < 0.8:
                assert asked.files(*pair) == alone[pair]
                assert [each.new for each in asked.lines(*pair)] == [
                    [b"end of %d" % commits.index(pair[1])] for _ in range(2 * (pair[0] != pair[1]))
                ]
        asked.close()


def test_few_questions_make_git_compare_few_pairs(line):
    where, commits = line
    asked = Differences(where)
    asked.expect([(commits[0], commits[1]), ("1" * 40, "2" * 40)])
    assert asked.files(*commits[:2])  # the second pair would end it
    with pytest.raises(StoreError):
        asked.files("1" * 40, "2" * 40)
    asked.close()
