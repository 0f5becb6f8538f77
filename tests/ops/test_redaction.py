"""Redaction on import: personal data never reaches a shard, labels keep what they cover, and the vault leads back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labelvc.codec import canonical
from labelvc.core import pseudonym
from labelvc.ops import links, pseudonyms, redaction
from labelvc.store import age, tree, vault
from tests.vaulting import REASON, Vaulted, vaulted, vaulted_template, zoo, zoo_template
from tests.zoo import ID, Zoo

__all__ = ["vaulted", "vaulted_template", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
MAIL, PHONE, CARD = "jo.public@firma.de", "+49 30 901820 77", "4111 1111 1111 1111"
DECLARED = "  - {pointer: /text, mode: redact, layer: items}\n"


def declare(zoo: Zoo, *lines: str) -> None:
    zoo.replace("datasets/pets/dataset.yaml", "sensitive:\n", "sensitive:\n" + "".join(lines or (DECLARED,)))
    if not (zoo.folder / "privacy/epochs.jsonl").exists():
        zoo.begin_pseudonyms()
    zoo.commit("Declare")


def item(name: str, text: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "natural": {"word": name}, "text": text, **more}


def label(item: str, name: str, start: int, end: int, text: str | None = None, **more: Any) -> dict[str, Any]:
    covered = {} if text is None else {"text": text}
    return {
        "item": item, "id": name, "task": "words", "value": {"label": "cat", "span": [start, end], **covered}, **more
    }  # fmt: skip


def bring(zoo: Zoo, labelvc: Run, rows: list[dict[str, Any]], *words: str) -> tuple[int, str, str]:
    path = zoo.folder.parent / "in.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return labelvc(zoo.folder, "import", "jsonl", str(path), "--dataset", "pets", "--task", "words", *words)


def where(text: str, part: str) -> tuple[int, int]:
    return text.index(part), text.index(part) + len(part)


def test_labels_keep_what_they_cover_and_no_value_comes_in(zoo: Zoo, labelvc: Run):
    declare(zoo)
    text = f"👩‍💻 Frau Köhler ({MAIL}) lobt den Dienst; ruft {PHONE} an."
    rows = [item("r1", text)]
    for name, part in (
        ("a", "Frau Köhler"),
        ("b", MAIL),
        ("c", "lobt den Dienst"),
        ("d", "public@firma"),
        ("e", "ruft"),
    ):
        rows.append(label("r1", name, *where(text, part), part))
    code, out, err = bring(zoo, labelvc, rows)
    assert code == 0, err
    assert "2 values in 1 text replaced" in out
    new = zoo.row("pets/r1#")["text"]
    assert MAIL not in new
    assert "901820" not in new
    assert new.startswith("👩‍💻 Frau Köhler ([[eml_")
    covered = {name: zoo.row(f"pets/r1#{name}")["value"] for name in "abcde"}
    assert all(new[slice(*value["span"])] == value["text"] for value in covered.values())
    assert covered["a"]["text"] == "Frau Köhler"
    assert covered["c"]["text"] == "lobt den Dienst"
    assert covered["d"]["text"].endswith("~2]]")
    assert covered["b"]["text"].count("[[eml_") == 3
    assert labelvc(zoo.folder, "check", "--all")[0] == 0
    zoo.git("add", "--all")
    assert labelvc(zoo.folder, "privacy", "scan")[0] == 0
    again = bring(zoo, labelvc, rows)
    assert (again[0], "wrote 0 shards" in again[1]) == (0, True)


def test_one_person_has_one_token_however_it_is_written(zoo: Zoo, labelvc: Run):
    declare(zoo)
    ways = [
        MAIL,
        MAIL.upper(),
        "jo.public%40firma.de",
        "ｊｏ．ｐｕｂｌｉｃ＠ｆｉｒｍａ．ｄｅ",
        "jo.pub\u200blic@firma.de",
        "am8ucHVibGljQGZpcm1hLmRl",
    ]
    assert bring(zoo, labelvc, [item(f"r{at}", f"ask {way} now") for at, way in enumerate(ways)])[0] == 0
    texts = {zoo.row(f"pets/r{at}#")["text"] for at in range(len(ways))}
    assert len(texts) == 1
    assert texts.pop().startswith("ask [[eml_")


def test_surrogates_look_like_values_and_are_nobodys(zoo: Zoo, labelvc: Run):
    declare(zoo, "  - {pointer: /text, mode: redact, layer: items, instead: surrogate}\n")
    text = f"mail {MAIL}, phone {PHONE}, card {CARD}, host 8.8.4.4, ssn 219-09-9998, iban DE89 3702 0044 0532 0130 00"
    rows = [item("r1", text), item("r2", f"again {MAIL}"), label("r1", "a", *where(text, "public@fir"))]
    assert bring(zoo, labelvc, rows)[0] == 0
    new = zoo.row("pets/r1#")["text"]
    assert "[[" not in new
    mail = new.split()[1].rstrip(",")
    assert mail.partition("@")[2] in ("example.com", "example.net", "example.org")
    assert zoo.row("pets/r2#")["text"] == f"again {mail}"
    assert zoo.row("pets/r1#a")["value"]["text"] in mail
    zoo.git("add", "--all")
    assert labelvc(zoo.folder, "privacy", "scan", "--fail-on", "warning")[0] == 0


def test_where_nothing_is_reserved_a_token_stands(zoo: Zoo, labelvc: Run):
    declare(zoo, "  - {pointer: /text, mode: redact, layer: items, instead: surrogate}\n")
    assert bring(zoo, labelvc, [item("r1", "born 1984-02-29 in a town")])[0] == 0
    assert zoo.row("pets/r1#")["text"].startswith("born [[oth_")


@pytest.mark.parametrize("unit", ["codepoints", "utf16", "bytes"])
def test_offsets_are_converted_and_held_against_what_they_cover(zoo: Zoo, labelvc: Run, unit: str):
    declare(zoo)
    text = f"👩‍💻 é\r\nשלום {MAIL} 𝔘nten"
    encoding, width = {"utf16": ("utf-16-le", 2), "bytes": ("utf-8", 1), "codepoints": ("utf-32-le", 4)}[unit]

    def at(part: str) -> tuple[int, int]:
        start, end = where(text, part)
        return len(text[:start].encode(encoding)) // width, len(text[:end].encode(encoding)) // width

    rows = [
        item("r1", text),
        *[label("r1", f"a{n}", *at(part), part) for n, part in enumerate(("שלום", "𝔘nten", MAIL))],
    ]
    code, _, err = bring(zoo, labelvc, rows, "--offsets", unit)
    assert code == 0, err
    told = [zoo.row(f"pets/r1#a{n}")["value"]["text"] for n in range(3)]
    assert told[:2] == ["שלום", "𝔘nten"]
    assert told[2].startswith("[[eml_")
    assert labelvc(zoo.folder, "check", "--all")[0] == 0


def test_a_label_that_does_not_fit_stops_the_import_and_is_named(zoo: Zoo, labelvc: Run):
    declare(zoo)
    text = f"😀 {MAIL} ruft an"
    before = zoo.git("status", "--porcelain")
    rows = [item("r1", text), label("r1", "a", *[at + 1 for at in where(text, "ruft")], "ruft")]
    code, out, err = bring(zoo, labelvc, rows)
    assert code == 2
    assert "in.jsonl:2" in err
    assert "covers other text" in err
    assert "firma" not in out + err
    assert zoo.git("status", "--porcelain") == before
    assert bring(zoo, labelvc, rows, "--offsets", "utf16")[0] == 0
    rows = [item("r2", "👍 ok"), label("r2", "a", 1, 4)]
    assert "cuts a character" in bring(zoo, labelvc, rows, "--offsets", "utf16")[2]
    assert "does not bring the text" in bring(zoo, labelvc, [label("p1", "z", 0, 3)], "--offsets", "utf16")[2]


@pytest.mark.parametrize(
    "row",
    [
        item("r1", "hello", ext={"form": {MAIL: "x"}}),
        item("r1", "hello", ext={"form": {"card": 4111111111111111}}),
        item(MAIL, "hello"),
        {"id": "r1", "natural": {"word": MAIL}, "text": "hello"},
        item("r1", "hello", media={"path": f"{MAIL}.jpg"}),
    ],
)
def test_what_cannot_be_replaced_is_refused_and_nothing_is_written(zoo: Zoo, labelvc: Run, row: dict[str, Any]):
    declare(zoo, DECLARED, "  - {pointer: /ext/form, mode: redact, layer: items}\n")
    before = zoo.git("status", "--porcelain")
    code, out, err = bring(zoo, labelvc, [row])
    assert (code, "in.jsonl:1" in err, "cannot be replaced" in err) == (1, True, True)
    assert MAIL not in out + err
    assert zoo.git("status", "--porcelain") == before


def test_a_text_that_is_written_in_more_ways_than_are_read_is_refused(zoo: Zoo, labelvc: Run):
    declare(zoo, DECLARED)
    code, out, err = bring(zoo, labelvc, [item("r1", "it was said %41\u200b=2541 " * 9000 + MAIL)])
    assert (code, "in.jsonl:1" in err, "more ways than are read" in err, MAIL in out + err) == (1, True, True, False)


def test_nested_texts_urls_and_json_in_texts(zoo: Zoo, labelvc: Run):
    declare(
        zoo,
        DECLARED,
        "  - {pointer: /ext/form, mode: redact, layer: items}\n",
        "  - {pointer: /ext/jsonl, mode: redact}\n",
    )
    inner = json.dumps({"mail": MAIL.replace("@", "\u0040"), "n": [1, PHONE]})
    form = {
        "a": [{"b": MAIL}],
        "url": "https://shop.example/?to=jo.public%40firma.de&x=1",
        "raw": inner,
        "phone": "30901820",
    }
    assert bring(zoo, labelvc, [item("r1", "hello", ext={"form": form})])[0] == 0
    told = zoo.row("pets/r1#")["ext"]["form"]
    assert told["a"][0]["b"].startswith("[[eml_")
    assert told["url"].startswith("https://shop.example/?to=[[eml_")
    assert told["url"].endswith("]]&x=1")
    assert json.loads(told["raw"])["mail"] == told["a"][0]["b"]
    assert told["phone"].startswith("[[phn_")


def test_words_that_are_records_are_refused(zoo: Zoo, labelvc: Run, tmp_path: Path):
    declare(zoo)
    zoo.replace(
        "labelvc.yaml",
        "  note: {type: text}\n",
        "  note: {type: text}\n  parse: {type: token, fields: [form, lemma]}\n",
    )
    zoo.replace("datasets/pets/dataset.yaml", "note: false", "note: false, parse: false")
    source = tmp_path / "in.conllu"
    source.write_text(
        f"# sent_id = s1\n# text = ask {MAIL}\n1\task\t_\t_\t_\t_\t_\t_\t_\t_\n2\t{MAIL}\t_\t_\t_\t_\t_\t_\t_\t_\n\n"
    )
    code, out, err = labelvc(zoo.folder, "import", "conllu", str(source), "--dataset", "pets", "--task", "parse")
    assert (code, "words are records" in err) == (1, True), err
    assert MAIL not in out + err


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_a_table_with_texts_and_other_columns(zoo: Zoo, labelvc: Run, tmp_path: Path, layout: str):
    layer = "annotations" if layout == "long" else "items"
    declare(zoo, DECLARED, f"  - {{pointer: /ext/csv, mode: redact, layer: {layer}}}\n")
    source = tmp_path / "in.csv"
    if layout == "long":
        source.write_text(
            f'item,by,text,mood,remark\nt1,anna,"ask {MAIL}, she said",2,"call {PHONE}"\nt2,anna,hello,1,none\n'
        )
    else:
        source.write_text(
            f'item,text,anna,ben,remark\nt1,"ask {MAIL}, she said",2,1,"call {PHONE}"\nt2,hello,1,1,none\n'
        )
    value = "mood" if layout == "long" else "anna,ben"
    words = ("--item", "item", "--value", value, "--layout", layout)
    code, out, err = labelvc(zoo.folder, "import", "csv", str(source), "--dataset", "pets", "--task", "mood", *words)
    assert code == 0, err
    assert "2 values in 2 texts" in out
    assert zoo.row("pets/t1#")["text"].endswith("]], she said")
    zoo.git("add", "--all")
    assert labelvc(zoo.folder, "privacy", "scan", "--fail-on", "warning")[0] == 0
    said = zoo.git("diff", "--cached")
    assert "firma" not in said
    assert "901820" not in said


def test_a_text_that_names_its_item_is_refused(zoo: Zoo, labelvc: Run, tmp_path: Path):
    declare(zoo)
    source = tmp_path / "in.csv"
    source.write_text(f"text,mood\nask {MAIL},2\n")
    code, out, err = labelvc(
        zoo.folder, "import", "csv", str(source), "--dataset", "pets", "--task", "mood", "--value", "mood"
    )
    assert (code, "in.csv:2" in err, MAIL in out + err) == (1, True, False)


def test_a_token_that_holds_in_one_record_alone(zoo: Zoo, labelvc: Run):
    declare(
        zoo,
        "  - {pointer: /text, mode: redact, layer: items, scope: record}\n",
        "  - {pointer: /ext/jsonl, mode: redact, scope: record}\n",
    )
    assert bring(zoo, labelvc, [item("r1", f"{MAIL} {MAIL}"), item("r2", MAIL)])[0] == 0
    one, two = zoo.row("pets/r1#")["text"].split()
    assert one == two != zoo.row("pets/r2#")["text"]
    path = zoo.folder.parent / "rows.jsonl"
    path.write_text(json.dumps({"word": "w9", "said": "x", "remark": MAIL}) + "\n")
    words = ("--dataset", "pets", "--task", "note", "--item", "word", "--key", "word", "--value", "said")
    code, out, err = labelvc(zoo.folder, "import", "jsonl", str(path), *words)
    assert (code, "has no id" in err, "rows.jsonl" in err, MAIL in out + err) == (2, True, True, False), err


def test_labels_that_the_source_does_not_bring_are_not_left_behind(zoo: Zoo, labelvc: Run):
    """A text that is stored already is redacted with all labels on it, or not at all."""
    text = f"ask {MAIL} or nobody"
    first = [item("r1", text), label("r1", "a", *where(text, "nobody"), "nobody"), label("r1", "b", 0, 3, "ask")]
    zoo.begin_pseudonyms()
    assert bring(zoo, labelvc, first)[0] == 0
    zoo.commit("As it was")
    declare(zoo)
    before = zoo.raw("pets/r1#")
    more = label("r1", "c", *where(text, "or"), "or")
    code, out, err = bring(zoo, labelvc, [first[0], more])
    assert (code, "1 stored label would cover" in err, "pets/r1#a" in err, MAIL in out + err) == (1, True, True, False)
    assert zoo.raw("pets/r1#") == before
    assert bring(zoo, labelvc, [*first, more])[0] == 0
    assert labelvc(zoo.folder, "check", "--all")[0] == 0
    again = [first[0], label("r1", "d", *where(text, "public"), "public")]
    code, out, err = bring(zoo, labelvc, again)
    assert (code, "stored labels would cover" in err) == (1, True), (
        "this one cuts the token, so all behind it would move"
    )
    assert bring(zoo, labelvc, [*first, more, again[1]])[0] == 0
    assert labelvc(zoo.folder, "check", "--all")[0] == 0


# ---------------------------------------------------------------- the way back
def restored(vaulted: Vaulted, labelvc: Run, item: str, *more: str) -> list[dict[str, Any]]:
    path = vaulted.keys / "restored.jsonl"
    path.unlink(missing_ok=True)
    words = ("--reason", REASON, "-o", str(path), *vaulted.by("ada", "ben"), *more)
    code, out, err = labelvc(vaulted.folder, "vault", "restore", f"pets/{item}", *words)
    assert (code, out) == (0, ""), err
    assert path.stat().st_mode & 0o77 == 0
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("instead", ["token", "surrogate"])
def test_who_opens_the_vault_gets_text_and_offsets_back(
    vaulted: Vaulted, labelvc: Run, monkeypatch: pytest.MonkeyPatch, instead: str
):
    monkeypatch.setattr(links, "PARCEL", 1)  # bytes: a file of the inbox for every row
    declare(vaulted.zoo, f"  - {{pointer: /text, mode: redact, layer: items, instead: {instead}}}\n")
    text = f"e\u0301 {MAIL.upper()} und {MAIL}, {PHONE}. 👩‍💻"
    parts = {"a": "e\u0301", "b": "PUBLIC@FIR", "c": "und", "d": "👩‍💻"}
    rows = [item("r1", text), *[label("r1", name, *where(text, part), part) for name, part in parts.items()]]
    assert bring(vaulted.zoo, labelvc, rows)[0] == 0
    assert MAIL.encode() not in vaulted.everything()
    assert PHONE.encode() not in vaulted.everything()
    assert len(vault.waiting(vaulted.home)) > 2
    vaulted.zoo.commit("Import")
    for sealed in (False, True):
        if sealed:
            assert labelvc(vaulted.folder, "vault", "seal", *vaulted.by("ada", "ben"))[0] == 0
        first, *labels = restored(vaulted, labelvc, "r1")
        assert first["text"] == text
        assert {one["id"]: one["value"]["text"] for one in labels} == parts
        assert all(text[slice(*one["value"]["span"])] == one["value"]["text"] for one in labels)
    log = (vaulted.home / "log.jsonl").read_text()
    assert '"did":"restore"' in log
    assert REASON in log
    assert labelvc(vaulted.folder, "vault", "status")[0] == 0


def test_restoring_needs_a_reason_enough_people_and_a_file_outside(vaulted: Vaulted, labelvc: Run):
    declare(vaulted.zoo)
    assert bring(vaulted.zoo, labelvc, [item("r1", f"ask {MAIL}")])[0] == 0
    out = str(vaulted.keys / "x")
    for words, code in (
        (("--reason", "short", "-o", out, *vaulted.by("ada", "ben")), 2),
        (("--reason", REASON, "-o", out, *vaulted.by("ada")), 2),
        (("--reason", REASON, "-o", str(vaulted.folder / "x"), *vaulted.by("ada", "ben")), 1),
    ):
        said = labelvc(vaulted.folder, "vault", "restore", "pets/r1", *words)
        assert said[0] == code
        assert MAIL not in said[1] + said[2]
    assert not Path(out).exists()
    said = labelvc(
        vaulted.folder, "vault", "restore", "pets/p2", "--reason", REASON, "-o", out, *vaulted.by("ada", "ben")
    )
    assert (said[0], "nothing leads back" in said[2]) == (2, True)


def test_who_was_forgotten_stays_replaced(vaulted: Vaulted, labelvc: Run):
    declare(vaulted.zoo)
    text = f"ask {MAIL} or {PHONE}"
    rows = [item("r1", text), label("r1", "a", *where(text, "or"), "or")]
    assert bring(vaulted.zoo, labelvc, rows)[0] == 0
    new = vaulted.zoo.row("pets/r1#")["text"]
    token = new.split("[[")[1].split("]]")[0]
    words = ("--reason", REASON, *vaulted.by("ada", "ben"))
    assert vaulted.reveal(labelvc, token) == MAIL
    assert labelvc(vaulted.folder, "vault", "forget", token, *words)[0] == 0
    rows[0]["ext"] = {"note": "once more"}
    assert bring(vaulted.zoo, labelvc, rows)[0] == 0, "the same person comes in again"
    for _ in range(2):
        first, one = restored(vaulted, labelvc, "r1")
        assert first["text"] == f"ask [[{token}]] or {PHONE}"
        assert one["value"]["text"] == "or"
        assert labelvc(vaulted.folder, "vault", "seal", *vaulted.by("ada", "ben"))[0] == 0


@pytest.mark.parametrize("moves", [[], [[0, 1, 0, 1, "eml_x", "a"]] * 3, [[-5, 99, -9, 999, "x", None]]], ids=str)
def test_a_forged_way_back_is_no_bug(vaulted: Vaulted, labelvc: Run, moves: list[Any]):
    """Anybody who has the vault's public half can write into its inbox."""
    declare(vaulted.zoo)
    assert bring(vaulted.zoo, labelvc, [item("r1", f"ask {MAIL}")])[0] == 0
    text = vaulted.zoo.row("pets/r1#")["text"]
    said = redaction.way("0c4a7f7e-6c1e-4b3a-9a5e-2f6c1b7d9e10", "items", "r1", "/text", redaction.digest(text))
    with tree.reader(vaulted.zoo.at) as reader:
        secret = pseudonyms.active(vaulted.zoo.at, tree.work(vaulted.zoo.at), reader)
    token = pseudonym.token(secret, ID, "main", "other", said, redaction.WAY)
    to = json.loads((vaulted.generation / "key.json").read_text())["to"]
    for told in (said, "no way at all"):
        line = canonical.encode({"content": {"moves": moves, "scope": "text", "value": told}, "t": token})
        vault.put_in(vaulted.home, [age.encrypt(line + b"\n", [to], "here")])
    out = str(vaulted.keys / "x")
    code, told, err = labelvc(
        vaulted.folder, "vault", "restore", "pets/r1", "--reason", REASON, "-o", out, *vaulted.by("ada", "ben")
    )
    assert code in (0, 2), err
    assert MAIL not in told + err


def test_without_a_vault_nothing_leads_back_and_that_is_said(zoo: Zoo, labelvc: Run):
    declare(zoo)
    code, out, _ = bring(zoo, labelvc, [item("r1", f"ask {MAIL}")])
    assert (code, "nothing here leads back" in out) == (0, True)
