"""Conflict markers: what is written is read again, and git's own styles are understood."""

from __future__ import annotations

import subprocess
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.core import markers
from labelvc.errors import DataError
from labelvc.model.change import Conflict
from labelvc.model.names import Key

some_lines = st.lists(st.integers(0, 30).map(lambda n: b'{"item":"i%02d","id":"a"}' % n), max_size=3, unique=True)


@st.composite
def conflicts(draw: st.DrawFn) -> Conflict:
    sides = draw(st.tuples(some_lines, some_lines, some_lines).filter(any))
    return Conflict(Key("d", "i", "a"), "edited", *map(tuple, sides))


@given(some_lines, st.lists(conflicts(), max_size=3), st.sampled_from([7, 11]))
def test_what_is_written_is_read_again(lines, found, size):
    data = markers.weave(lines, found, ("HEAD", "base", "topic"), size)
    torn = markers.read(data, "x", size)
    assert sorted(torn.lines) == sorted(lines)
    blocks = sorted((block.ours, block.base, block.theirs) for block in torn.blocks)
    assert blocks == sorted((one.ours, one.base, one.theirs) for one in found)
    assert [data.split(b"\n")[block.line - 1][: size + 1] for block in torn.blocks] == [b"<" * size + b" "] * len(found)


def test_blocks_stand_where_their_lines_belong():
    one, two, three = [b'{"item":"%s","id":"a"}' % name for name in (b"a", b"b", b"c")]
    data = markers.weave([three, one], [Conflict(Key("d", "b", "a"), "edited", (two,), (two + b" ",), (two + b"  ",))])
    assert data.index(one) < data.index(b"<<<<<<<") < data.index(three)


@pytest.mark.parametrize("style", ["--diff3", "--zdiff3", ""])
def test_git_merge_files_own_markers_are_read(tmp_path, style):
    base = [b'{"item":"%s","id":"a","v":1}' % name for name in (b"a", b"b", b"c")]
    for name, text in (
        ("base", base),
        ("ours", [base[0].replace(b"1", b"2"), base[1].replace(b"1", b"2"), base[2]]),
        ("theirs", [base[0].replace(b"1", b"3"), base[1], base[2]]),
    ):
        (tmp_path / name).write_bytes(b"\n".join(text) + b"\n")
    words = ["git", "merge-file", "-p", *([style] if style else []), "ours", "base", "theirs"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=False)
    if done.returncode > 127:
        pytest.skip("this git does not know the style")
    torn = markers.read(done.stdout, "x")
    assert torn.lines == [base[2]]
    (block,) = torn.blocks
    assert [line[-2:-1] for line in block.ours] == [b"2", b"2"]
    assert (block.base is None) == (not style)


@pytest.mark.parametrize(
    "data",
    [
        b"<<<<<<< a\nx\n",
        b"<<<<<<< a\nx\n=======\ny\n",
        b"=======\n",
        b">>>>>>> b\n",
        b"<<<<<<< a\n<<<<<<< a\n=======\n>>>>>>> b\n",
        b"<<<<<<< a\n=======\n||||||| c\n>>>>>>> b\n",
        b"<<<<<<< a\n>>>>>>> b\n",
    ],
)
def test_markers_that_do_not_pair_are_refused_with_their_line(data):
    with pytest.raises(DataError, match="do not pair") as told:
        markers.read(data, "datasets/x.jsonl")
    assert told.value.where.startswith("datasets/x.jsonl:")


def test_carriage_returns_and_longer_rows_are_no_markers_or_are():
    assert len(markers.read(b"<<<<<<< a\r\nx\r\n=======\r\ny\r\n>>>>>>> b\r\n").blocks) == 1
    assert markers.read(b"<<<<<<<<<< a\n========\n").lines == [b"<<<<<<<<<< a", b"========"]


def test_without_takes_each_line_as_often_as_it_goes():
    assert markers.without([b"a", b"b", b"a"], [b"a"]) == [b"b", b"a"]
    assert markers.without([b"a"], []) == [b"a"]


@given(st.lists(st.sampled_from([b"a", b"b", b"c", b"d"]), max_size=8), st.data())
def test_without_is_the_difference_of_two_bags_in_any_order(lines, data):
    gone = data.draw(st.lists(st.sampled_from([b"a", b"b", b"c", b"d", b"e"]), max_size=5))
    for order in (lines, sorted(lines)):
        left = markers.without(order, gone)
        assert Counter(left) == Counter(lines) - Counter(gone)
        rest = iter(order)
        assert all(line in rest for line in left), "what stays keeps its order"
    assert Counter(markers.without(lines * 20, gone * 20)) == Counter(lines * 20) - Counter(gone * 20), "many"
