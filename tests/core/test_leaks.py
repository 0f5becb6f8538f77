"""Leaks: whatever a record holds and wherever, it is found at its pointer; what files hold is read in every encoding."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from benchmarks import data as generated
from hypothesis import example, given
from hypothesis import strategies as st

from labelvc.codec import canonical
from labelvc.core import detect, leaks
from labelvc.core.gate import Gate
from labelvc.model import jsonpointer

PLAIN = Gate()
MAIL, CARD = "jo@firma.de", 4111111111111111
KEYS = st.one_of(st.sampled_from(["text", "ext", "a b", 'q"\\', MAIL, "phone", "ü", ""]), st.text(max_size=4))
LEAVES = st.one_of(
    st.sampled_from([MAIL, CARD, f"ask {MAIL} now", "2026-03-01T09:12:44Z", "prs_" + "b" * 28, "30901820", 30901820, "\ud7ff", "a\nb"]),
    st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.floats(-(2.0**52), 2.0**52), st.text(max_size=6),
)  # fmt: skip
RECORDS = st.dictionaries(
    KEYS,
    st.recursive(LEAVES, lambda inside: st.one_of(st.lists(inside, max_size=3), st.dictionaries(KEYS, inside, max_size=3)), max_leaves=8),
    max_size=4,
)  # fmt: skip


def walked(value: Any, pointer: str = "", name: str = "") -> set[str]:
    """Return the pointers of what `detect.spans` finds in every member's name and value, the slow and plain way."""
    if isinstance(value, dict):
        found = set()
        for member, inside in value.items():
            spans = detect.spans(member)
            below = f"{pointer}/{jsonpointer.escaped(leaks.hidden(member, spans))}"
            found |= ({below} if spans else set()) | walked(inside, below, member)
        return found
    if isinstance(value, list):
        return set().union(*[walked(inside, f"{pointer}/{at}") for at, inside in enumerate(value)])
    said = value if isinstance(value, str) else canonical.encode(value).decode()
    if not isinstance(value, str) and len(said) < 6:
        return set()
    return {pointer} if detect.spans(f"{name}: {said}" if name else said) else set()


@example([{"text": {MAIL: 3.388827808836963e-300}}])
@given(st.lists(RECORDS, max_size=3))
def test_law_what_a_record_holds_is_found_at_its_pointer(records: list[dict[str, Any]]):
    data = b"".join([canonical.encode(record) + b"\n" for record in records])
    found = list(leaks.in_shard("x.jsonl", data, lambda at: f"d/{at}#", PLAIN))
    wanted = {(at + 1, pointer) for at, record in enumerate(records) for pointer in walked(record)}
    assert {(one.place.line, one.place.pointer) for one in found} == wanted
    assert MAIL not in repr(found)
    assert str(CARD) not in repr(found)


@example({"text": MAIL}, {"rev": 1, "v": MAIL}, {"rev": 2, "v": "x"})
@example({"ext": {"rev": 7, "text": MAIL}}, {"rev": 1}, {"rev": 2})
@given(RECORDS, RECORDS, RECORDS)
def test_law_of_a_line_only_what_it_began_with_before_is_left_out(start: Any, before: Any, after: Any):
    old, new = [canonical.encode({"0": start, "rev": {"of": end}}) for end in (before, after)]
    whole, less = leaks.pieces(new), leaks.pieces(new, leaks.beginnings(old))
    assert whole is not None
    assert less is not None
    assert whole == less | (leaks.pieces(canonical.encode({"0": start})) or set())
    assert (leaks.pieces(canonical.encode({"rev": {"of": after}})) or set()) <= less
    assert leaks.pieces(new, leaks.beginnings(b'{"0":1,"rev":2}\n')) == whole


@pytest.mark.parametrize(
    "line",
    [f'{{"text":"{MAIL}"', f'["{MAIL}"]', f'"{MAIL}"', f"<<<<<<< {json.dumps(MAIL)}", '{"a":"jo\\u0040firma.de"}'],
)
def test_a_line_that_is_no_record_is_read_all_the_same(line: str):
    (found,) = leaks.in_shard("x.jsonl", f"{{}}\n{line}\n".encode(), lambda at: "", PLAIN)
    assert found.place.line == 2


def test_a_shard_with_bytes_that_are_no_text_is_read_all_the_same():
    (found,) = leaks.in_shard("x.jsonl", b'\xff\xfe\n{"text":"' + MAIL.encode() + b'"}\n', lambda at: "", PLAIN)
    assert found.place.line == 2


@pytest.mark.parametrize(
    "shard",
    [
        f"{{}}\n# ask {MAIL}\n".encode(),
        f'"\n{{"text":"{MAIL}"}}\n'.encode(),
        f"{{}}\n{{'text':'{MAIL}'}}\n".encode(),
        f"<<<<<<< ours\n{{}}\n=======\n{MAIL}\n>>>>>>> theirs\n".encode(),
        f'{{"text":"{MAIL}"}}\n'.encode("utf-16"),
        f'{{"text":"{MAIL}"}}\n'.encode("utf-32-be"),
        b'{}\n{"phone" : "30901820"}\n',
    ],
)
def test_a_shard_that_is_not_written_as_shards_are_hides_nothing(shard: bytes):
    assert list(leaks.in_shard("x.jsonl", shard, lambda at: "", PLAIN))


@pytest.mark.parametrize("depth", [900, *range(940, 1000), 1500, 100_000])
def test_depth_hides_nothing_and_stops_nothing(depth: int):
    line = f"{'[' * depth}{json.dumps(MAIL)}{']' * depth}\n".encode()
    assert len(list(leaks.in_shard("x.jsonl", line, lambda at: "", PLAIN))) == 1


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_letters_behind_a_long_beginning_of_narrow_ones_are_read(encoding: str):
    data = b"a" * 9001 + f"\nask {MAIL} now".encode(encoding)
    (found,) = leaks.in_file("x.bin", data, PLAIN)
    assert (found.rule, found.place.line) == ("privacy.email", 0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_files_in_every_encoding(encoding: str):
    (found,) = leaks.in_file("x", f"one\ntwo {MAIL}\n".encode(encoding), PLAIN)
    assert (found.rule, found.severity, found.place.line) == ("privacy.email", "error", 2)


def test_a_letter_whose_second_half_is_cut_off_is_read():
    assert [one.rule for one in leaks.in_file("x.txt", b"ask " + "jo@firma.de".encode("utf-16-le")[:-1], Gate())] == [
        "privacy.email"
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe" + "ask jo@firma.de".encode("utf-16-be"),
        b"\xff\xfex" + "ask jo@firma.de".encode("utf-16-le"),
        b"\xfe\xff" + "ask jo@firma.de".encode("utf-16-le"),
        b"\xff\xfe\0\0" + "ask jo@firma.de".encode("utf-16-le"),
        b"\0\0\xfe\xff" + "ask jo@firma.de".encode("utf-32-le"),
    ],
)
def test_a_mark_that_says_another_order_hides_nothing(data: bytes):
    assert [one.rule for one in leaks.in_file("x.txt", data, Gate())] == ["privacy.email"]


def test_files_that_are_no_text_show_what_is_readable():
    (found,) = leaks.in_file("x.jpg", b"\xff\xd8\xff\xe1\0\x10Exif\0" + MAIL.encode() + b"\0\x80" * 9, PLAIN)
    assert (found.rule, found.place.line) == ("privacy.email", 0)


def test_who_answers_may_be_reached_and_who_signs_may_be_named():
    text = f"name: x\ngovernance:\n  contact: {MAIL}\n  # and {MAIL}\n\n  owner: y\ngoal: ask {MAIL}\n".encode()
    assert [one.place.line for one in leaks.in_file("labelvc.yaml", text, PLAIN)] == [7]
    assert [one.place.line for one in leaks.in_file("notes.yaml", text, PLAIN)] == [3, 4, 7]
    assert list(leaks.in_file("trust/policy.json", text, PLAIN)) == []
    key = b"AGE-SECRET-KEY-1" + b"Q" * 58
    assert [one.rule for one in leaks.in_file("approvals/x/y.json", key, PLAIN)] == ["privacy.secret"]
    signed = f"Say {MAIL}\n\nSigned-off-by: Jo <{MAIL}>\nReviewed-by: card 4111 1111 1111 1111\n"
    said = list(leaks.in_message("m", signed, PLAIN))
    assert [(one.rule, one.place.line) for one in said] == [("privacy.email", 1), ("privacy.card", 4)]


def test_a_hundred_thousand_records_without_personal_data_have_none():
    """Two of their references are sixteen digits with the check digit of a card: what the schema calls an identifier is none."""
    rows = list(generated.stream(random.Random(7), 100_000))
    items = b"\n".join([line for _, line, _ in rows])
    records = b"\n".join([line for _, _, lines in rows for line in lines])
    assert records.count(b"\n") == 99_999
    for shard in (items, records):
        assert list(leaks.in_shard("x.jsonl", shard, lambda at: "", PLAIN)) == []


@pytest.mark.parametrize(
    ("record", "found"),
    [
        ({"origin": {"ref": str(CARD)}}, False),
        ({"id": str(CARD)}, False),
        ({"origin": {"ref": "4111 1111 1111 1111"}}, True),
        ({"origin": {"tool": str(CARD)}}, True),
        ({"ext": {"id": str(CARD)}}, True),
        ({"ext": {"origin": {"ref": str(CARD)}}}, True),
        ({"origin": {"ref": "AKIA" + "Z2345672ABCDEFGH"}}, True),
    ],
)
def test_the_bare_digits_of_an_identifier_are_no_card(record: dict[str, Any], found: bool):
    line = canonical.encode(record)
    assert bool(list(leaks.in_shard("x.jsonl", line, lambda at: "", PLAIN))) == found
