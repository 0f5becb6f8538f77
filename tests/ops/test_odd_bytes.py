"""Records, approvals, messages and object stores of odd bytes: verify never breaks, and is never green when it cannot tell."""

from __future__ import annotations

import hashlib
import subprocess

import pytest

from labelvc.codec import dsse
from tests.people import SHARD, Desk, tampered
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]
DEEP = b"[" * 100_000 + b"]" * 100_000


def spell(desk: Desk, value: bytes) -> None:
    """Let the answer that `topic` changes be spelled so."""
    data = (desk.folder / SHARD).read_bytes()
    desk.write(SHARD, data.replace(b'{"text":"good"}', b'{"text":' + value + b"}"))
    desk.commit("Spell")


@pytest.mark.parametrize(
    ("one", "two"), [(b"1", b"1.0"), (b"0", b"-0"), (b"1e308", b"1e999"), (b'"z"', b'1,"text":"z"')]
)
def test_an_approval_covers_the_spelling_that_was_signed_and_no_other(desk: Desk, one: bytes, two: bytes):
    spell(desk, one)
    desk.approve("ben")
    assert desk.verify()[0] == 0
    data = (desk.folder / SHARD).read_bytes()
    desk.write(SHARD, data.replace(b'{"text":' + one + b"}", b'{"text":' + two + b"}"))
    desk.commit("Spell it otherwise")
    code, items = desk.verify()
    assert (code, items[0]["state"]) == (1, "missing")


def test_a_record_nested_without_end_is_shown_by_its_digest_and_breaks_nothing(desk: Desk):
    spell(desk, DEEP)
    code, items = desk.verify()
    assert (code, items[0]["state"]) == (1, "denied")
    code, out, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    assert (code, "/unreadable (none) -> sha256:" in out + err) == (0, True), out[-500:] + err[-500:]


@pytest.mark.parametrize("value", [b'1,"text":"z"', b"-0", b"1.0", b'"\\u007a"', b' "z"'])
def test_a_line_that_says_more_than_is_shown_is_told_by_its_digest_before_it_is_signed(desk: Desk, value: bytes):
    words = "not in canonical form"
    code, out, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    assert (code, words in out + err) == (0, False)
    spell(desk, value)
    line = next(row for row in (desk.folder / SHARD).read_bytes().split(b"\n") if b'"text":' + value in row)
    code, out, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    assert (code, words in out + err) == (0, True), out + err
    assert f"sha256:{hashlib.sha256(line).hexdigest()}" in out + err


def signed_often(good: bytes) -> bytes:
    envelope = dsse.decode(good, dsse.IN_TOTO)
    more = [envelope.signatures[0]._replace(keyid=f"SHA256:{number}") for number in range(9_999)]
    return dsse.encode(envelope._replace(signatures=(*envelope.signatures, *more)))


ODD = {
    "nested": lambda good, payload: DEEP,
    "nested inside": lambda good, payload: tampered(good, DEEP),
    "cut": lambda good, payload: good[:-20],
    "twice": lambda good, payload: good + good,
    "a member twice": lambda good, payload: good.replace(b'{"payload"', b'{"payload":"","payload"', 1),
    "half a character": lambda good, payload: tampered(good, payload.replace(b"Ben", b"\\ud800")),
    "endless": lambda good, payload: tampered(good, payload.replace(b'"added":0', b'"added":1e999')),
    "less than nothing": lambda good, payload: tampered(good, payload.replace(b'"added":0', b'"added":-0')),
    "a fraction": lambda good, payload: tampered(good, payload.replace(b'"changed":1', b'"changed":1.0')),
    "UTF-16": lambda good, payload: good.decode().encode("utf-16"),
    "nothing": lambda good, payload: b"",
    "ten thousand signatures": lambda good, payload: signed_often(good),
}


@pytest.mark.parametrize("name", ODD)
def test_an_approval_of_odd_bytes_counts_for_nothing_and_is_named(desk: Desk, name: str):
    path = desk.approve("ben")
    good = path.read_bytes()
    odd = ODD[name](good, dsse.decode(good, dsse.IN_TOTO).payload)
    assert odd != good
    path.write_bytes(odd)
    desk.commit("Meddle")
    code, out, err = desk.labelvc("verify", "main...topic")
    assert (code, f"{path.name}: " in out) == (1, True), out + err


def test_an_approval_in_other_letters_counts_for_nothing_and_hides_no_other(desk: Desk):
    path = desk.approve("ben")
    data, root, rest = path.read_bytes(), path.parent.name, path.name.removeprefix("ben")
    names = (
        "approvals/X.json", "approvals/x.JSON", f"approvals/{root.upper()}/ben{rest}", f"approvals/{root}/Ben{rest}",
        f"approvals/{root}/b\u00e9n{rest}", f"approvals/{root}/be\u0301n{rest}", f"approvals/{root}/x/ben{rest}",
    )  # fmt: skip
    for name in names:
        desk.write(name, data)
    desk.commit("Bring more")
    assert desk.verify()[0] == 0, "the good one still counts"
    desk.git("rm", "-q", "--", str(path.relative_to(desk.folder)))
    desk.commit("Take the good one away")
    code, items = desk.verify()
    assert (code, items[0]["state"]) == (1, "missing"), "none of the others does"


@pytest.mark.parametrize("more", [b"\0\n", b"\0\n\nauthor Eve <eve@example.com>\n", b"x\n" * 5_000_000, b"\xff\xfe"])
def test_a_message_of_odd_bytes_or_ten_megabytes_hides_no_author(desk: Desk, more: bytes):
    raw = _git(desk, b"", "cat-file", "commit", "topic")
    odd = _git(desk, raw + more, "hash-object", "-w", "-t", "commit", "--literally", "--stdin").decode().strip()
    desk.git("reset", "-q", "--hard", odd)
    code, items = desk.verify()
    assert (code, items[0]["state"]) == (1, "missing")
    code, out, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    assert (code, "made by     ada\n" in out + err) == (0, True), out + err


def _git(desk: Desk, data: bytes, *words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=desk.folder, input=data, capture_output=True, check=True).stdout


def test_a_co_author_behind_ten_megabytes_is_an_author(desk: Desk):
    raw = _git(desk, b"", "cat-file", "commit", "topic")
    said = raw + b"x" * 10_000_000 + b"\n\nCo-authored-by: Ben <ben@example.com>\n"
    odd = _git(desk, said, "hash-object", "-w", "-t", "commit", "--stdin").decode().strip()
    desk.git("reset", "-q", "--hard", odd)
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    assert (code, "ben is an author of this change" in err) == (1, True), err


@pytest.mark.parametrize("words", [("verify", "main...topic"), ("verify", "--all")], ids=" ".join)
def test_objects_in_another_repository_count_and_are_never_green_when_they_are_gone(desk: Desk, words: tuple[str, ...]):
    desk.approve("ben")
    here = desk.labelvc(*words)
    objects, other = desk.folder / ".git/objects", desk.folder.parent / "other"
    objects.rename(other)
    for name in ("info", "pack"):
        (objects / name).mkdir(parents=True)
    place = objects / "info/alternates"
    place.write_text(f"{other}\n")
    assert desk.labelvc(*words) == here
    for gone in ("/nonexistent", str(objects)):
        place.write_text(f"{gone}\n")
        code, out, err = desk.labelvc(*words)
        assert (code, "next: " in err) == (2, True), out + err
