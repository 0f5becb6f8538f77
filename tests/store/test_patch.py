"""Changed lines: the walk obeys the law of bags of lines, and git's patches are read whatever the lines look like."""

import subprocess
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelvc.errors import StoreError
from labelvc.store import git as plumbing
from labelvc.store import patch

LINES = st.lists(
    st.sampled_from([b"", b"a", b"b", b"-- x", b"++ x", b"@@ -1 +1 @@", b"\\ No newline", b"\x00\xff", b"z" * 5000])
)


def text(lines, ended):
    data = b"\n".join(lines)
    return data + b"\n" if ended and lines else data


def bag(data):
    lines = data.split(b"\n")
    return Counter(lines[:-1] if not lines[-1] else lines)


@settings(max_examples=400, deadline=None)
@given(LINES, LINES, st.booleans(), st.booleans(), st.booleans())
def test_walk_is_the_difference_of_the_bags_of_lines(old, new, ordered, old_ended, new_ended):
    if ordered:
        old, new = sorted(old), sorted(new)
    before, after = text(old, old_ended), text(new, new_ended)
    change = patch.walk("p", before, after)
    assert Counter(change.old) == bag(before) - bag(after)
    assert Counter(change.new) == bag(after) - bag(before)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 12))
def test_walk_of_a_large_sorted_shard_finds_exactly_the_edits(seed, edits):
    lines = [b"%08d %s" % (number, b"x" * (number * 7 % 400)) for number in range(800)]
    after = list(lines)
    for step in range(edits):
        place = (seed * (step + 1) * 7919) % len(after)
        if step % 3 == 0:
            after[place] += b"!"
        elif step % 3 == 1:
            del after[place]
        else:
            after.append(b"%08d new" % (place * 13))
    after.sort()
    change = patch.walk("p", text(lines, True), text(after, True))
    assert Counter(change.old) == Counter(lines) - Counter(after)
    assert Counter(change.new) == Counter(after) - Counter(lines)


def test_walk_keeps_file_order():
    change = patch.walk("p", b"1\n3\n5\n", b"0\n3\n4\n6\n")
    assert (change.old, change.new) == ([b"1", b"5"], [b"0", b"4", b"6"])


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(LINES, LINES, st.booleans(), st.booleans()), min_size=1, max_size=4))
def test_patches_of_git_give_what_the_walk_gives(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("repo")

    def git(*arguments):
        subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)

    git("init", "-q")
    for side in (0, 1):
        for number, row in enumerate(files):
            (folder / f"{number}.jsonl").write_bytes(text(row[side], row[side + 2]))
        git("add", ".")
        git("commit", "-q", "--allow-empty", "-m", str(side))
    found = {change.path: change for change in plumbing.diff_lines(plumbing.find(folder), "HEAD~1", "HEAD")}
    for number, (old, new, old_ended, new_ended) in enumerate(files):
        walked = patch.walk(f"{number}.jsonl", text(old, old_ended), text(new, new_ended))
        change = found.pop(f"{number}.jsonl", patch.FileChange("", [], []))
        assert Counter(change.old) == Counter(walked.old)
        assert Counter(change.new) == Counter(walked.new)
    assert not found


def test_a_patch_that_breaks_off_is_an_error():
    whole = [b"diff --git a/x b/x\n", b"--- a/x\n", b"+++ b/x\n", b"@@ -1,2 +1,2 @@\n", b"-a\n"]
    with pytest.raises(StoreError, match="broke off"):
        list(patch.read(whole))
