"""Redaction attacked: values in messages, labels that get lost, offsets that line ends and joined signs shift."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labelvc.core.reword import Found, Spoken
from labelvc.errors import DataError
from labelvc.ops import transfer
from labelvc.ops.fitting import Line
from labelvc.ops.redaction import Way
from labelvc.ops.request import Request
from tests.ops.test_redaction import DECLARED, MAIL, PHONE, bring, declare, item, label, where
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    "text",
    [
        f"Zeile\r\n{MAIL}\r\nEnde",
        f"\r\n\r\n{MAIL}\n\r{PHONE}\r",
        f"👨‍👩‍👧‍👦{MAIL}👨‍👩‍👧‍👦 und 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        f"كلمة {MAIL} مرحبا \u202b{PHONE}\u202c שלום",
        f"e\u0301\u0323{MAIL}\u0301 né",
        f"a\u2028b\u2029{MAIL}\x85c\x0b\x0cd",
        f"\ufeff{MAIL}",
    ],
)
@pytest.mark.parametrize("unit", ["utf16", "bytes", "codepoints"])
def test_every_label_of_a_hard_text_is_still_there(zoo: Zoo, labelvc: Run, text: str, unit: str):
    """Labels on all neighbouring pairs of characters and on the whole text: none is lost, none grows, none shrinks."""
    declare(zoo)
    encoding, width = {"utf16": ("utf-16-le", 2), "bytes": ("utf-8", 1), "codepoints": ("utf-32-le", 4)}[unit]
    spans = [(at, min(at + 2, len(text))) for at in range(0, len(text), 3)] + [(0, len(text))]

    def at(place: int) -> int:
        return len(text[:place].encode(encoding)) // width

    rows = [item("r1", text)]
    rows += [label("r1", f"n{n}", at(start), at(end), text[start:end]) for n, (start, end) in enumerate(spans)]
    code, _, err = bring(zoo, labelvc, rows, "--offsets", unit)
    assert code == 0, err
    new = zoo.row("pets/r1#")["text"]
    assert MAIL not in new
    got = [zoo.row(f"pets/r1#n{n}")["value"] for n in range(len(spans))]
    assert all(new[slice(*value["span"])] == value["text"] != "" for value in got)
    assert got[-1]["span"] == [0, len(new)]
    order = sorted(range(len(spans)), key=lambda n: spans[n])
    assert order == sorted(range(len(spans)), key=lambda n: tuple(got[n]["span"]))
    assert labelvc(zoo.folder, "check", "--all")[0] == 0


def test_a_source_that_lost_its_carriage_returns_is_told_not_believed(zoo: Zoo, labelvc: Run):
    declare(zoo)
    text = f"one\r\ntwo\r\n{MAIL} ok"
    start = text.replace("\r\n", "\n").index("ok")
    code, _, err = bring(zoo, labelvc, [item("r1", text), label("r1", "a", start, start + 2, "ok")])
    assert (code, "covers other text" in err) == (2, True)


WRONG = {
    "a label outside": [item("r1", f"ask {MAIL}"), label("r1", "a", 0, 999, MAIL)],
    "a label that is no span": [item("r1", f"ask {MAIL}"), {**label("r1", "a", 0, 1), "value": {"span": ["x", 3, 4]}}],
    "a label that covers another": [item("r1", f"ask {MAIL}"), label("r1", "a", 0, 3, MAIL)],
    "two items of one name": [item("r1", f"ask {MAIL}"), item("r1", f"ask {PHONE}")],
    "an id that tells": [item("r1", "x", ext={"n": 1}), {**item(MAIL, f"ask {MAIL}")}],
    "half a surrogate": [item("r1", f"ask {MAIL} \ud83d")],
    "a record of nobody": [{"item": "r1", "id": MAIL, "task": "words", "value": {"label": MAIL, "span": [0, 1]}}],
    "a line that is no JSON object": [[MAIL]],
    "a number where a text is": [{"id": "r1", "natural": {"word": "w"}, "text": 4111111111111111}],
    "a depth": [item("r1", f"ask {MAIL}", ext={"a": {"b": [[[[[[[{"c": MAIL}]]]]]]]}})],
}


@pytest.mark.parametrize("how", WRONG)
@pytest.mark.parametrize("words", [(), ("--offsets", "utf16"), ("--dry-run",)], ids=str)
def test_no_message_of_a_wrong_source_holds_a_value(zoo: Zoo, labelvc: Run, how: str, words: tuple[str, ...]):
    declare(zoo, DECLARED, "  - {pointer: /ext, mode: redact, layer: items}\n")
    code, out, err = bring(zoo, labelvc, WRONG[how], *words)
    assert "bug in labelvc" not in err, err
    assert code in (0, 1, 2)
    for value in (MAIL, "firma", "901820", "4111111111111111"):
        assert value not in out + err, how
    kept = b"".join([path.read_bytes() for path in (zoo.folder / ".git/labelvc").rglob("*") if path.is_file()])
    assert MAIL.encode() not in kept


def test_a_traceback_with_its_variables_holds_no_value_of_ours(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """What a crash reporter prints of our own types: locals of every frame of `labelvc.ops.redaction` and `core.reword`."""
    for one in (
        Spoken("text", MAIL), Found("email", "email", MAIL), Way("items", "r1", "/text", "", [[0, 1, 0, 1, "t", MAIL]]), Line(0, MAIL.encode(), {"text": MAIL}),
    ):  # fmt: skip
        assert "firma" not in repr(one)
        assert "firma" not in repr([one])
    declare(zoo)
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps(item("r1", f"ask {MAIL}")) + "\n" + json.dumps(label("r1", "a", 0, 3, "nix")) + "\n")
    with pytest.raises(DataError) as caught:
        transfer.perform(zoo.at, Request("jsonl", path, "pets", "words"))
    said = "".join(traceback.format_exception(caught.value))
    assert "covers other text" in said
    assert MAIL not in said


def test_a_label_may_end_where_a_value_begins_and_touch_it(zoo: Zoo, labelvc: Run):
    declare(zoo)
    text = f"({MAIL})({MAIL})"
    first, second = where(text, MAIL), (text.rindex(MAIL), text.rindex(MAIL) + len(MAIL))
    rows: list[dict[str, Any]] = [item("r1", text)]
    spans = [(0, first[0]), first, (first[1], second[0]), second, (first[0], second[1]), (0, len(text))]
    rows += [label("r1", f"n{n}", *span, text[slice(*span)]) for n, span in enumerate(spans)]
    assert bring(zoo, labelvc, rows)[0] == 0
    got = [zoo.row(f"pets/r1#n{n}")["value"]["text"] for n in range(len(spans))]
    token = got[1]
    assert got == ["(", token, ")(", token, f"{token})({token}", f"({token})({token})"]


def test_a_text_that_was_redacted_elsewhere_stays_and_forged_tokens_hide_nothing(zoo: Zoo, labelvc: Run):
    declare(zoo)
    rows = [
        item("r1", f"[[eml_{MAIL}]] and [[{MAIL}~1]]"),
        item("r2", "[[eml_bkxlrbwjqtcdkvcjphrqpwmqkvfh]] wrote name@example.org"),
    ]
    assert bring(zoo, labelvc, rows)[0] == 0
    assert "firma" not in zoo.row("pets/r1#")["text"]
    assert zoo.row("pets/r2#")["text"] == rows[1]["text"]


@pytest.mark.parametrize("piece", ["1 ", "a@", "@a.", "4111 ", "%40", "\\u0031", f"{MAIL} ", f"{PHONE},"])
def test_a_text_made_to_be_slow_is_not(zoo: Zoo, labelvc: Run, piece: str):
    declare(zoo)
    before = time.process_time()
    assert bring(zoo, labelvc, [item("r1", piece * (60_000 // len(piece)))])[0] in (0, 1)
    assert time.process_time() - before < 10
