"""A change-set names what moved, in one spelling, and notices every changed byte of itself."""

from __future__ import annotations

import hashlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec import canonical, merkle
from labelvc.core import changeset
from labelvc.errors import DataError
from labelvc.model.change import Delta, Move
from labelvc.model.names import Key
from tests.strategies import identifiers, names

KEYS = st.one_of(
    st.builds(Key, st.text("ab-", min_size=1, max_size=3), names, identifiers), st.text("a/#%.", min_size=1, max_size=5)
)
MODES = st.sampled_from([(), ("100644", "100755")])
SIDES = st.one_of(st.none(), st.binary(max_size=6))
DELTAS = st.lists(
    st.builds(Delta, KEYS, SIDES, SIDES, MODES).filter(lambda delta: delta.old != delta.new),
    max_size=12,
    unique_by=lambda delta: changeset.key_text(delta.key),
)


@given(DELTAS, st.randoms())
def test_order_and_path_do_not_matter(deltas: list[Delta], chance):
    found = changeset.gather(deltas)
    chance.shuffle(deltas)
    assert changeset.gather(deltas) == found


@given(DELTAS, MODES)
def test_a_mode_is_no_content(deltas: list[Delta], modes: tuple[str, ...]):
    alone = Delta("run.sh", b"true", b"true", modes)
    assert changeset.gather([*deltas, alone]) == changeset.gather([delta._replace(modes=()) for delta in deltas])


@given(DELTAS)
def test_what_is_written_is_read(deltas: list[Delta]):
    found = changeset.gather(deltas)
    data = changeset.write(found.lines)
    assert changeset.read(data) == found.changeset
    assert found.lines == sorted(found.lines)
    for line, move in zip(found.lines, found.changeset.moves, strict=True):
        assert line == canonical.encode({"k": move.key, "n": move.new, "o": move.old})
    added, _, removed = found.sums
    assert (added, removed) == (sum(d.old is None for d in deltas), sum(d.new is None for d in deltas))
    assert changeset.empty(found.changeset) == (not deltas)


@given(DELTAS)
def test_undoing_is_another_change_set(deltas: list[Delta]):
    back = changeset.gather([~delta for delta in deltas]).changeset
    assert [(m.key, m.new, m.old) for m in back.moves] == [
        tuple(m)
        for m in sorted(
            changeset.gather(deltas).changeset.moves, key=lambda m: [b.key for b in back.moves].index(m.key)
        )
    ]
    assert (back.root == changeset.gather(deltas).changeset.root) == (not deltas)


@given(DELTAS.filter(bool), st.data())
def test_every_changed_byte_is_noticed(deltas: list[Delta], data: st.DataObject):
    found = changeset.gather(deltas)
    good = changeset.write(found.lines)
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    try:
        other = changeset.read(bad)
    except DataError:
        return
    assert other.root != found.changeset.root


def test_every_byte_of_a_real_one_exhaustively():
    found = changeset.gather([Delta(Key("d", f"i{n}", "r"), b"old" if n else None, b"new%d" % n) for n in range(4)])
    good = changeset.write(found.lines)
    for at in range(len(good)):
        for mask in (1, 0x20, 0x80):
            try:
                other = changeset.read(good[:at] + bytes([good[at] ^ mask]) + good[at + 1 :])
            except DataError:
                continue
            assert other.root != found.changeset.root
    for other in (
        good[:-1],
        good + b"\n",
        b"\n" + good,
        good + good,
        good.replace(b"\n", b"\r\n"),
        b"".join(reversed(good.splitlines(keepends=True))),
    ):
        with pytest.raises(DataError):
            changeset.read(other)


def test_digests_are_of_the_line_and_of_the_file():
    move = changeset.gather([Delta(Key("d", "i", "r"), None, b'{"item":"i","id":"r"}')]).changeset.moves[0]
    assert move == Move("d/i#r", None, "sha256:" + hashlib.sha256(b'{"item":"i","id":"r"}').hexdigest())


@given(st.text(max_size=9), KEYS)
def test_no_file_is_named_like_a_record(path: str, key: Key | str):
    name = changeset.key_text(path)
    assert "#" not in name
    assert (changeset.key_text(key) == name) is (key == path)


def test_who_and_how_many():
    def line(**fields: object) -> bytes:
        return json.dumps(fields).encode()

    key = [Key("d", f"i{n}", "r") for n in range(6)]
    found = changeset.gather(
        [
            Delta(key[0], None, line(by="a")),
            Delta(key[1], line(by="b"), line(by="c")),
            Delta(key[2], line(by="d"), line(gone=True)),
            Delta(key[3], line(gone=True), line(by="e", ext={"by": "x"})),
            Delta(key[4], b"not json", line(by=None)),
            Delta("labelvc.yaml", b"by: f", None),
        ]
    )
    assert found.by == {"a", "b", "c", "d", "e"}
    assert found.sums == (2, 2, 2)


def test_a_key_that_moves_twice_is_told():
    key = Key("d", "i", "r")
    found = changeset.gather([Delta(key, None, b"1"), Delta(key, None, b"2"), Delta("x", None, b"1")])
    assert found.twice == {"d/i#r"}
    with pytest.raises(DataError, match="twice"):
        changeset.read(changeset.write(found.lines))


@pytest.mark.parametrize(
    "line",
    [
        b'{"k":"a","n":null,"o":null}',
        b'{"k":"a","n":"sha256:%s","o":"sha256:%s"}' % (b"0" * 64, b"0" * 64),
        b'{"k":"a","n":"md5:%s","o":null}' % (b"0" * 32),
        b'{"k":"a","n":"sha256:%s","o":null}' % (b"A" * 64),
        b'{"k":"a","o":null,"n":"sha256:%s"}' % (b"0" * 64),
        b'{"k":"a","n":"sha256:%s","o":null,"p":1}' % (b"0" * 64),
        b'{"k":"\\u0061","n":"sha256:%s","o":null}' % (b"0" * 64),
        b'{"k":"a","k":"a","n":"sha256:%s","o":null}' % (b"0" * 64),
        b"",
        b"[]",
        b"\xff",
    ],
)
def test_a_line_that_is_no_move_is_refused(line: bytes):
    with pytest.raises(DataError):
        changeset.read(line + b"\n")


def test_a_hundred_thousand_moves_take_a_moment():
    """Compared with hashing the same bytes in the same run: never a timed test."""
    deltas = [Delta(Key("d", f"i{n}", "r"), b"x" * 250, b"%250d" % n) for n in range(50_000)]
    start = time.process_time()
    for delta in deltas:
        hashlib.sha256(delta.old or b"").hexdigest()
        hashlib.sha256(delta.new or b"").hexdigest()
    floor = time.process_time() - start
    start = time.process_time()
    found = changeset.gather(deltas)
    assert time.process_time() - start < 40 * floor
    assert merkle.digest(found.lines) == found.changeset.root
