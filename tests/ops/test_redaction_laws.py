"""Laws of redaction on import: what is outside stays, labels keep their order and what they cover, and the way back is the same way."""

from __future__ import annotations

import json
import os
import random
import re
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec import canonical, surrogates
from labelvc.codec.detectors import DETECTORS, REGIONS
from labelvc.core import detect, redact, reword
from labelvc.core.reword import Spoken
from labelvc.model.detection import Settings
from labelvc.model.project import Sensitive
from labelvc.ops import project as projects
from labelvc.ops.incoming import ITEM, RECORD, Incoming
from labelvc.ops.redaction import Redaction, Way
from labelvc.ops.tokens import Tokens
from labelvc.store import tree
from tests.vaulting import Vaulted, vaulted, vaulted_template, zoo, zoo_template

__all__ = ["vaulted", "vaulted_template", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
DATA = Path(os.environ.get("LABELVC_TEST_DATA", "nowhere")) / "pii"
LETTERS = [
    *"abcdefgh äöüß.,;@-+()", "e\u0301", "a\u0323\u0301", "😀", "👩‍💻", "👨‍👩‍👧", "🇩🇪", "✊🏽", "❤️", "𝔘", "日本", "مرحبا", "שלום", "\u202b", "\u202c", "\r\n", "\n", "\t",
    "\u200b", "\u00ad", "%20", "&amp;",
]  # fmt: skip
VALUES = [
    "jo.public@firma.de", "JO.Public@Firma.DE", "ＪＯ＠ｆｉｒｍａ.de", "jo%40firma.de", "jo&#64;firma.de", "a@b.de,c@d.fr", "zoë@exämple.de", "am8ucHVibGljQGZpcm1hLmRl",
    "+49 30 901820", "+1 (212) 736-5000", "٠٠٤٩ ٣٠ ٩٠١٨٢٠", "4111 1111 1111 1111", "4111-1111-1111-1111 1234", "DE89 3702 0044 0532 0130 00", "219-09-9998", "8.8.4.4",
    "https://jo:hunter22@host.de/x", "born 1984-02-29", "00:1b:44:11:3a:b7", "phone 30901820", "52.520008, 13.404954",
]  # fmt: skip
Label = tuple[int, int]


def drawn(chance: random.Random) -> tuple[str, list[Label]]:
    """Return a text with personal data in it, and labels that overlap in any way."""
    pieces = [chance.choice(VALUES if chance.random() < 0.15 else LETTERS) for _ in range(chance.randint(1, 30))]
    text = "".join([f" {piece} " if piece in VALUES and chance.random() < 0.8 else piece for piece in pieces])
    starts = [chance.randrange(len(text)) for _ in range(chance.randint(0, 6))]
    return text, [(start, chance.randint(start + 1, len(text))) for start in starts]


def broken(
    text: str, labels: list[Label], new: str, placed: list[Label], moves: list[tuple[int, int, int, int]]
) -> list[str]:
    """Return which laws the redaction of a text breaks, worked out from the moves alone."""
    outside_old, outside_new, old_at, new_at = [], [], 0, 0
    for start, end, first, last in moves:
        outside_old.append(text[old_at:start])
        outside_new.append(new[new_at:first])
        old_at, new_at = end, last
    hidden = [at for start, end, *_ in moves for at in range(start, end)]
    there = {0: 0}
    for start, end, first, last in [*moves, (len(text), len(text), len(new), len(new))]:
        before_old, before_new = max(there), there[max(there)]
        there |= {before_old + step: before_new + step for step in range(start - before_old + 1)}
        there |= {start: first, end: last}
    old, now = [at for label in labels for at in label], [at for label in placed for at in label]
    laws = {
        "what is outside stays": [*outside_old, text[old_at:]] == [*outside_new, new[new_at:]],
        "parts are apart, in order and whole": hidden == sorted(set(hidden))
        and all(start < end for start, end, *_ in moves),
        "boundaries keep their order and stay apart": [(a < b, a == b) for a in old for b in old]
        == [(a < b, a == b) for a in now for b in now],
        "no label is empty": all(start < end for start, end in placed),
        "there and back is the same": [(there.get(a), there.get(b)) for a, b in labels] == placed,
    }
    return [law for law, holds in laws.items() if not holds]


def carried(
    vaulted: Vaulted, cases: list[tuple[str, list[Label]]], instead: Any
) -> Iterable[tuple[dict[str, Any], list[Label], Way | None]]:
    """Return each text as an import stores it, where its labels are then, and the way back."""
    work = tree.work(vaulted.zoo.at)
    with tree.reader(vaulted.zoo.at) as reader:
        project = projects.load(vaulted.zoo.at, work, reader)
    field = Sensitive("/text", mode="redact", layer="items", instead=instead)
    dataset = msgspec.structs.replace(project.datasets["pets"], sensitive=(field,))
    redaction = Redaction(project, dataset, Tokens(vaulted.zoo.at, work, project, dataset), None)
    items, records = {}, {}
    with Incoming(dataset) as read, Incoming(dataset) as fresh:
        for at, (text, labels) in enumerate(cases):
            read.add(ITEM, f"i{at}", canonical.encode_item({"id": f"i{at}", "text": text}))
            for number, (start, end) in enumerate(labels):
                value = {"label": "cat", "span": [start, end], "text": text[start:end]}
                read.add(
                    RECORD,
                    f"i{at}",
                    canonical.encode_record({"item": f"i{at}", "id": f"r{number}", "task": "words", "value": value}),
                )
        redaction.over(read, 3, fresh)
        for cell in fresh.cells(3):
            for rows in fresh.shards(cell, 3).values():
                items |= {row["id"]: row for row in map(json.loads, rows.items)}
                records |= {(row["item"], row["id"]): row["value"] for row in map(json.loads, rows.records)}
    ways = {way.item: way for way in redaction.ways()}
    for at, (_, labels) in enumerate(cases):
        placed = [records[f"i{at}", f"r{number}"] for number in range(len(labels))]
        assert all(items[f"i{at}"]["text"][slice(*value["span"])] == value["text"] for value in placed)
        yield items[f"i{at}"], [tuple(value["span"]) for value in placed], ways.get(f"i{at}")


@pytest.mark.parametrize(
    ("instead", "number"),
    [("token", 3_000), ("surrogate", 1_000), pytest.param("token", 20_000, marks=pytest.mark.long)],
)
def test_the_laws_hold_on_the_way_of_an_import(vaulted: Vaulted, instead: str, number: int):
    chance = random.Random(f"redaction {instead}")
    cases = [drawn(chance) for _ in range(number)]
    changed = wrong = 0
    for (text, labels), (item, placed, way) in zip(cases, carried(vaulted, cases, instead), strict=True):
        moves = [tuple(move[:4]) for move in way.moves] if way else []
        assert broken(text, labels, item["text"], placed, moves) == [], ascii(text)
        changed += bool(moves)
        if way:
            at, pieces = 0, []
            for _, _, first, last, _, said in way.moves:
                pieces += [item["text"][at:first], said]
                at = last
            assert "".join([*pieces, item["text"][at:]]) == text
        wrong += bool(dict(detect.claims([f"text: {item['text']}"])))
    assert changed > number / 4
    assert wrong == 0


@given(
    st.lists(
        st.one_of(st.sampled_from(LETTERS), st.sampled_from(VALUES), st.characters(exclude_categories=["Cs"])),
        max_size=24,
    ),
    st.data(),
)
def test_the_laws_hold_on_any_text(pieces: list[str], data: st.DataObject):
    text = "".join(pieces)
    spans = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).filter(lambda span: span[0] < span[1])
    labels = data.draw(st.lists(spans, max_size=5)) if text else []
    settings = Settings(regions=tuple(sorted(REGIONS)))
    words = lambda _at, found, _made_up: redact.marked("oth_bkxlrbwjqtcdkvcjphrqpwmqkvfh")  # noqa: E731
    for _, done, _ in reword.reworded([Spoken("text", text, tuple(labels))], settings, words):
        moves = [(*move.old, *move.new) for move in done.moves]
        placed = [done.place(label) for label in labels]
        assert broken(text, labels, done.text, placed, moves) == []
        assert [done.back(label) for label in placed] == labels
        assert not dict(detect.scan([f"text: {done.text}"], settings))


@pytest.mark.parametrize("row", DETECTORS, ids=lambda row: row.id)
def test_a_surrogate_is_none_that_a_detector_finds(row: Any):
    settings = Settings(regions=tuple(sorted(REGIONS)))
    made = [surrogates.surrogate(row.id, random.Random(f"{row.id} {number}").randbytes(32)) for number in range(300)]
    assert made == [
        surrogates.surrogate(row.id, random.Random(f"{row.id} {number}").randbytes(32)) for number in range(300)
    ]
    if row.id in ("email", "phone.national", "ipv4", "ipv6", "mac", "card", "ssn", "iban"):
        assert len(set(made)) > 60
        assert row.id in ("phone.national", "iban", "card") or len(
            dict(detect.scan(made, Settings(reserved=True)))
        ) == len(made)
    found = [
        (at, span)
        for at, spans in detect.scan([f"see {one} there" for one in made if one], settings)
        for span in spans
        if span.tier == "block"
    ]
    assert found == []


# ---------------------------------------------------------------- threats 16 and 17 of the study
STRUCTURED = {
    "EMAIL_ADDRESS", "EMAIL", "CREDIT_CARD", "IBAN_CODE", "IBAN", "US_SSN", "PHONE_NUMBER", "PHONE", "IP_ADDRESS", "IP", "IPV6", "MAC", "URLUSER", "CPF", "PESEL", "DNI", "CF",
}  # fmt: skip


def gold() -> list[tuple[str, list[str]]]:
    """Return the texts of the corpora and the structured values in them."""
    rows = [
        (row["full_text"], [one["entity_value"] for one in row["spans"] if one["entity_type"] in STRUCTURED])
        for row in json.loads((DATA / "presidio-research/synth_dataset_v2.json").read_bytes())
    ]
    for line in (DATA / "faker_generated/structured_spans.jsonl").read_bytes().splitlines():
        row = json.loads(line)
        rows.append((row["text"], [row["text"][start:end] for start, end, kind in row["spans"] if kind in STRUCTURED]))
    return rows


@pytest.mark.skipif(not DATA.is_dir(), reason="LABELVC_TEST_DATA names no folder with pii/")
@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.long)])
def test_privacy_16_17_no_value_of_the_corpora_and_no_piece_of_one_is_left_anywhere(
    vaulted: Vaulted, labelvc: Run, every: int
):
    """Every gold value that the detectors find, in every file, output, temporary folder and object of git: none."""
    zoo = vaulted.zoo
    zoo.replace(
        "datasets/pets/dataset.yaml", "sensitive:\n", "sensitive:\n  - {pointer: /text, mode: redact, layer: items}\n"
    )
    zoo.replace("labelvc.yaml", "tasks:\n", "privacy: {leaks: {regions: [BR, DE, ES, FR, GB, IT, PL, US]}}\ntasks:\n")
    zoo.commit("Declare")
    rows = gold()[::every]
    settings = Settings(regions=("BR", "DE", "ES", "FR", "GB", "IT", "PL", "US"))
    found: dict[int, list[Label]] = {
        at: [(span.start - 6, span.end - 6) for span in spans]
        for at, spans in detect.scan([f"text: {text}" for text, _ in rows], settings)
    }
    values = {
        text[start:end]
        for at, (text, wanted) in enumerate(rows)
        for start, end in found.get(at, ())
        if any(text[start:end] in one or one in text[start:end] for one in wanted)
    }
    assert len(values) > 2_000 // every
    source = zoo.folder.parent / "in.jsonl"
    source.write_text(
        "".join(
            json.dumps({"id": f"t{at}", "natural": {"word": str(at)}, "text": text}) + "\n"
            for at, (text, _) in enumerate(rows)
        )
    )
    said = ""
    for words in (
        ("import", "jsonl", str(source), "--dataset", "pets", "--task", "words", "--dry-run"),
        ("import", "jsonl", str(source), "--dataset", "pets", "--task", "words", "--format", "json"),
        ("diff", "--format", "json"), ("check",), ("privacy", "scan", "--all"), ("import", "jsonl", str(source), "--dataset", "pets", "--task", "words", "--offsets", "bytes"),
    ):  # fmt: skip
        code, out, err = labelvc(zoo.folder, *words)
        assert code in (0, 1), err
        said += out + err
    zoo.git("add", "--all")
    zoo.commit("Import")
    kept = {path for path in Path(tempfile.gettempdir()).glob("*labelvc*") if path.is_file()}
    everything = vaulted.everything() + said.encode() + b"".join([path.read_bytes() for path in kept])
    words = set(re.findall(rb"[^\s\"\\<>]{4,}", everything))
    joined = b"\n".join(words)
    left = [
        at for at, value in enumerate(sorted(values)) if value.encode() in (joined if " " not in value else everything)
    ]
    assert left == [], f"{len(left)} of {len(values)} values"
    for at, (text, _) in enumerate(rows):
        new = zoo.row(f"pets/t{at}#")["text"]
        outside = re.sub(r"\[\[[a-z]{3}_[a-z]+(?:~[0-9]+)?\]\]", "\0", new)
        parts = outside.split("\0")
        assert len(parts) > 1 or at not in found
        whole = re.fullmatch("(.*?)".join(map(re.escape, parts)), text, re.DOTALL)
        assert whole is not None, at
        covered = [span for number in range(1, len(parts)) for span in [whole.span(number)]]
        for start, end in found.get(at, ()):
            assert any(first <= start and end <= last for first, last in covered) or all(
                any(first <= place < last for first, last in covered)
                for place in range(start, end)
                if text[place].isalnum()
            ), at
