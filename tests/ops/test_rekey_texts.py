"""Tokens inside of redacted texts are carried into a new epoch with the labels on them, and the vault leads back as before."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec import epochs
from labelvc.core import pseudonym, redact
from labelvc.model.secret import Secret
from labelvc.store import keyring
from tests.ops.test_redaction import CARD, DECLARED, MAIL, PHONE, bring, declare, item, label, restored, where
from tests.vaulting import REASON, Vaulted, vaulted, vaulted_template, zoo, zoo_template
from tests.zoo import ID, Zoo

__all__ = ["vaulted", "vaulted_template", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
TEXT = f"👩‍💻 Frau Köhler ({MAIL}) lobt; ruft {PHONE} an, {MAIL} nie."
PARTS = {"a": "Frau Köhler", "b": MAIL, "c": "lobt", "d": "public@firma", "e": "an,"}
LAST = Secret("z", b"\3" * 32)


def rows() -> list[dict[str, Any]]:
    labels = [label("r1", name, *where(TEXT, part), part) for name, part in PARTS.items()]
    return [item("r1", TEXT), *labels, item("r2", "nobody"), label("r2", "a", 0, 6, "nobody")]


def opened(vaulted: Vaulted, labelvc: Run) -> list[str]:
    words = vaulted.by("ada", "ben")
    code, _, err = labelvc(vaulted.folder, "vault", "seal", *words)
    assert code == 0, err
    return words


def clean(zoo: Zoo) -> None:
    """Bury what the zoo holds and no vault knows the values of."""
    for path in sorted((zoo.folder / "datasets").rglob("annotations/*.jsonl")):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            if "by" in row:
                zoo.bury(f"{path.parent.parent.name}/{row['item']}#{row['id']}")
    zoo.change("pets/p1#", ext={})


@pytest.fixture
def told(vaulted: Vaulted, labelvc: Run) -> Vaulted:
    """Return the project with a redacted text, labels on it and around its values, and a vault that knows them."""
    clean(vaulted.zoo)
    vaulted.zoo.replace("datasets/pets/dataset.yaml", "  - {pointer: /ext/jsonl/name, kind: name, mode: sealed}\n", "")
    declare(vaulted.zoo)
    assert bring(vaulted.zoo, labelvc, rows())[0] == 0
    opened(vaulted, labelvc)
    vaulted.zoo.commit("Import")
    return vaulted


def covers(zoo: Zoo) -> dict[str, str]:
    """Return what the labels cover, which must be what their records say."""
    text = zoo.row("pets/r1#")["text"]
    values = {name: zoo.row(f"pets/r1#{name}")["value"] for name in PARTS}
    assert {name: text[slice(*value["span"])] for name, value in values.items()} == {
        name: value["text"] for name, value in values.items()
    }
    return {name: str(value["text"]) for name, value in values.items()}


@pytest.mark.parametrize("chained", [True, False], ids=["chained", "by values"])
def test_texts_are_carried_and_everything_leads_back_as_before(told: Vaulted, labelvc: Run, chained: bool):
    by = told.by("ada", "ben")
    ways = ["--chained"] if chained else by
    old, before = told.zoo.row("pets/r1#")["text"], covers(told.zoo)
    for epoch in "cd":
        code, _, err = labelvc(told.folder, "pseudonym", "rekey", "--to", epoch, *ways)
        assert code == 0, err
        assert "2 tokens" in err
        assert "in 2 records and 1 item" in err
        new = told.zoo.row("pets/r1#")["text"]
        assert [mark[1][:5] for mark in redact.marks(new)] == [
            f"{kind}_{epoch}" for kind in ("eml", "eml", "eml", "phn", "eml")
        ]
        swaps = redact.exchanges(old, new)
        assert swaps is not None
        assert (len(swaps), len(set(swaps))) == (5, 2)
        assert covers(told.zoo)["c"] == "lobt"
        assert covers(told.zoo)["b"] == before["b"].replace(*swaps[0])
        said = "re-keyed 2 records and 1 item from epoch {} to {}: 2 tokens, one to one, 0 content changes\n"
        code, out, err = labelvc(told.folder, "pseudonym", "verify-rekey", "--keys", *([] if chained else by))
        assert (code, out.splitlines(keepends=True)[0]) == (0, said.format("b" if epoch == "c" else "c", epoch)), err
        _, diff, counts = labelvc(told.folder, "diff", "--staged")
        assert "2 tokens, one to one, in 3 lines (mechanical)\n" in diff
        assert (
            "records: 0 changed, 0 added, 0 removed in 0 items; mechanical: 1 document, 1 item, 2 records\n" in counts
        )
        told.zoo.commit(f"Re-key to {epoch}")
        assert labelvc(told.folder, "check", "--all")[0] == 0
        assert labelvc(told.folder, "pseudonym", "verify-rekey", "HEAD~1..HEAD")[1] == out.splitlines(keepends=True)[0]
        opened(told, labelvc)
        first, *labels = restored(told, labelvc, "r1")
        assert first["text"] == TEXT
        assert {one["id"]: one["value"]["text"] for one in labels} == PARTS
        assert told.reveal(labelvc, redact.marks(new)[0][1]) == MAIL
        assert MAIL.encode() not in told.everything()
        old, before = new, covers(told.zoo)
    again = bring(told.zoo, labelvc, rows())
    assert (again[0], "wrote 0 shards" in again[1]) == (0, True), "what is imported again meets the same people"


def test_labels_move_where_the_letters_of_the_epoch_grow(zoo: Zoo, labelvc: Run):
    """The epoch after z is bb, so every token is a letter longer, and each label behind one lies elsewhere."""
    clean(zoo)
    keyring.keep(zoo.at, LAST)
    zoo.write(
        epochs.PATH, epochs.write([epochs.Epoch("z", "active", "2026-03-01T09:00:00Z", pseudonym.commitment(LAST))])
    )
    declare(zoo)
    assert bring(zoo, labelvc, rows())[0] == 0
    zoo.commit("Import")
    before = {name: zoo.row(f"pets/r1#{name}")["value"]["span"] for name in PARTS}
    covered = covers(zoo)
    assert labelvc(zoo.folder, "pseudonym", "rekey", "--to", "bb", "--chained")[0] == 0
    after = {name: zoo.row(f"pets/r1#{name}")["value"]["span"] for name in PARTS}
    assert {name: [b - a for a, b in zip(before[name], after[name], strict=True)] for name in PARTS} == {
        "a": [0, 0], "b": [0, 3], "c": [3, 3], "d": [1, 2], "e": [4, 4]
    }  # fmt: skip
    assert covers(zoo)["c"] == covered["c"]
    assert zoo.row("pets/r1#e")["rev"] == 2
    assert labelvc(zoo.folder, "pseudonym", "verify-rekey", "--keys")[0] == 0
    assert labelvc(zoo.folder, "check", "--all")[0] == 0
    span = after["c"]
    value = zoo.row("pets/r1#c")["value"]
    zoo.change("pets/r1#c", bump=0, value={**value, "span": [span[0] - 1, span[1] - 1]})
    zoo.git("add", "--all")
    code, _, err = labelvc(zoo.folder, "pseudonym", "verify-rekey")
    assert (code, "where: pets/r1#c" in err, "changed at /value/span" in err) == (1, True, True), err


# ---------------------------------------------------------------- what is none, and what stops it
def edited(zoo: Zoo, key: str, change: Callable[[dict[str, Any]], None]) -> None:
    row = zoo.row(key)
    change(row)
    zoo.put(key, row)
    zoo.git("add", "--all")


def swap_within(row: dict[str, Any]) -> None:
    one, *_, two, _ = [mark[1] for mark in redact.marks(row["text"])]
    row["text"] = row["text"].replace(one, "%").replace(two, one).replace("%", two)


def word(row: dict[str, Any]) -> None:
    row["text"] = row["text"].replace("lobt", "hasst")


def back(row: dict[str, Any]) -> None:
    row["value"]["span"] = [0, 1]


def part(row: dict[str, Any]) -> None:
    row["text"] = row["text"].replace("~2]]", "~3]]", 1)


@pytest.mark.parametrize(
    ("key", "change", "told_of"),
    [
        ("pets/r1#", swap_within, "pets/r1#"),
        ("pets/r1#", word, "changed at /text"),
        ("pets/r1#", part, "changed at /text"),
        ("pets/r1#b", back, "changed at /value/span"),
    ],
    ids=["two people changed places", "a word", "the number of a part", "a label"],
)
def test_what_changes_beside_the_tokens_of_a_text_is_seen_without_a_key(
    told: Vaulted, labelvc: Run, key: str, change: Callable[[dict[str, Any]], None], told_of: str
):
    assert labelvc(told.folder, "pseudonym", "rekey", "--to", "c", "--chained")[0] == 0
    edited(told.zoo, key, change)
    code, _, err = labelvc(told.folder, "pseudonym", "verify-rekey")
    assert (code, told_of in err) == (1, True), err
    assert MAIL not in err


def test_a_label_that_cuts_a_token_stops_it_by_name(told: Vaulted, labelvc: Run):
    text = told.zoo.row("pets/r1#")["text"]
    at = text.index("eml_")
    value = {"label": "cat", "span": [at, at + 10], "text": text[at : at + 10]}
    told.zoo.change("pets/r1#c", value=value)
    told.zoo.commit("Drawn by hand")
    code, _, err = labelvc(told.folder, "pseudonym", "rekey", "--to", "c", "--chained")
    assert (code, "inside of a token" in err, "where: pets/r1#c" in err) == (2, True, True), err
    assert told.zoo.git("status", "--porcelain") == ""


def test_a_text_that_is_not_declared_any_more_stops_it(told: Vaulted, labelvc: Run):
    told.zoo.replace("datasets/pets/dataset.yaml", DECLARED, "")
    told.zoo.commit("No more redaction")
    code, _, err = labelvc(told.folder, "pseudonym", "rekey", "--to", "c", "--chained")
    assert (code, "not declared to be redacted" in err, "mode: redact" in err) == (2, True, True), err


def test_who_was_erased_stays_a_marker_and_the_others_come_back(told: Vaulted, labelvc: Run):
    """A marker changes the text; what else was replaced in it still leads back, before and after a re-key."""
    text = told.zoo.row("pets/r1#")["text"]
    token = redact.marks(text)[0][1]
    for epoch in ("", "c"):
        if epoch:
            assert labelvc(told.folder, "pseudonym", "rekey", "--to", epoch, "--chained")[0] == 0
            told.zoo.commit("Re-key")
            opened(told, labelvc)
        else:
            words = ("--reason", REASON, *told.by("ada", "ben"))
            assert labelvc(told.folder, "vault", "forget", token, *words)[0] == 0
            marker = pseudonym.marker(token, b"\5" * 32)
            for name in ("#", *(f"#{one}" for one in PARTS)):
                row = json.loads(told.zoo.raw(f"pets/r1{name}").replace(token.encode(), marker.encode()))
                row.update({"rev": row["rev"] + 1} if name != "#" else {})
                told.zoo.put(f"pets/r1{name}", row)
            told.zoo.commit("Erased")
        first, *labels = restored(told, labelvc, "r1")
        assert PHONE in first["text"]
        assert MAIL not in first["text"]
        assert first["text"].count(marker) == 4
        assert {one["value"]["text"] for one in labels} >= {"Frau Köhler", "lobt", "an,"}


TOKENS = [
    pseudonym.token(Secret(epoch, b"\6" * 32), ID, "main", "email", f"{who}@x.org")
    for epoch in ("z", "bb")
    for who in "ab"
]
PIECES = st.lists(st.sampled_from([*TOKENS[:2], "x", "[[", "]]", "é\u0301", "👩‍💻", " ", CARD]), max_size=12)


@given(PIECES, st.lists(st.booleans(), max_size=12))
def test_what_was_exchanged_is_what_is_found_and_leads_back(pieces: list[str], numbered: list[bool]):
    into = dict(zip(TOKENS[:2], TOKENS[2:], strict=True))
    parts = [redact.marked(one, at % 3) if one in into else one for at, one in enumerate(pieces)]
    old = "".join(parts)
    done = redact.exchanged(old, lambda mark: into.get(mark[1], mark[1]))
    assert redact.exchanges(old, done.text) == [(mark[1], into[mark[1]]) for mark in redact.marks(old)]
    back = {new: one for one, new in into.items()}
    assert redact.exchanged(done.text, lambda mark: back.get(mark[1], mark[1])).text == old
    assert len(done.text) - len(old) == len(redact.marks(old))
    for start, end in [move.old for move in done.moves]:
        assert done.back(done.place((start, end))) == (start, end)
    if done.moves:
        assert redact.exchanges(old, f"{done.text}!") is None
