"""Import and export: names become tokens or nothing is written, identity is kept, and a round trip changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labelvc.codec import document, epochs
from labelvc.core import pseudonym
from labelvc.errors import ConfigurationError, DataError, Error, RefusedError, TrustError
from labelvc.model.names import Key
from labelvc.ops import pseudonyms, transfer
from labelvc.ops.licensing import Asked
from labelvc.ops.request import Request
from labelvc.ops.transfer import Imported
from labelvc.store import keyring, tree
from tests.zoo import ANNA, CONTACT, ID, PLAIN, Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
PETS = "datasets/pets/dataset.yaml"
TODAY = Asked("2026-12-02")
LONG = {"item": "word", "key": ("word",), "by": "who", "value": "score"}


@pytest.fixture
def ready(zoo: Zoo) -> Zoo:
    """Return the zoo on a machine that can make pseudonyms."""
    zoo.begin_pseudonyms()
    zoo.commit("Pseudonyms")
    return zoo


def source(zoo: Zoo, text: str, name: str = "in.csv") -> Path:
    path = zoo.folder.parent / name
    path.write_text(text)
    return path


def plan(
    zoo: Zoo, text: str, form: str = "csv", task: str = "mood", mode: Any = "add", name: str = "in", **words: Any
) -> Imported:
    return transfer.prepare(zoo.at, asked(zoo, text, form, task, mode, name, **words))


def asked(
    zoo: Zoo, text: str, form: str = "csv", task: str = "mood", mode: Any = "add", name: str = "in", **words: Any
) -> Request:
    return Request(form, source(zoo, text, f"{name}.{form}"), "pets", task, mode, words, add_labels=False)


def run(zoo: Zoo, text: str, *more: Any, **words: Any) -> Imported:
    return transfer.perform(zoo.at, asked(zoo, text, *more, **words))


def state(zoo: Zoo) -> dict[str, bytes]:
    """Return all files of the work tree; git's own folder is left out."""
    files = (
        path for path in zoo.folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(zoo.folder).parts
    )
    return {str(path.relative_to(zoo.folder)): path.read_bytes() for path in files}


def lines(zoo: Zoo, layer: str = "annotations") -> list[dict[str, Any]]:
    paths = sorted((zoo.folder / "datasets/pets" / layer).rglob("*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def refused(zoo: Zoo, kind: type[Error], *arguments: Any, **words: Any) -> Error:
    """Expect an import to be refused with a cure and without a trace in the tree; return what was said."""
    before = state(zoo)
    with pytest.raises(kind) as caught:
        run(zoo, *arguments, **words)
    assert state(zoo) == before
    assert caught.value.message
    assert caught.value.hint
    return caught.value


# ---------------------------------------------------------------- pseudonyms
def test_one_rater_has_one_token_in_every_import(ready: Zoo):
    run(ready, "word,who,score\nhello,Anna Ant,1\nbye,Ben Bee,2\n", **LONG)
    ready.commit("First")
    run(ready, 'word,who,score\nmorning,"  Anna  Ant ",3\n', **LONG, name="second")
    by = {line["item"]: line["by"] for line in lines(ready) if line["item"] in ("hello", "bye", "morning")}
    assert by["hello"] == by["morning"] != by["bye"]
    assert all(map(pseudonym.is_token, by.values()))
    assert not any(name.encode() in data for data in state(ready).values() for name in ("Anna Ant", "Ben Bee"))
    with tree.reader(ready.at) as reader:
        secret = pseudonyms.active(ready.at, tree.work(ready.at), reader)
    assert by["hello"] == pseudonym.token(secret, ID, "main", "person", "Anna Ant")
    assert ready.everything() == []


def test_a_token_stays_as_it_is_and_needs_no_secret(zoo: Zoo):
    run(zoo, f"word,who,score\nhello,{ANNA},1\n", **LONG)
    assert next(line["by"] for line in lines(zoo) if line["item"] == "hello") == ANNA


def test_a_mistyped_token_is_a_plain_value(ready: Zoo):
    wrong = ANNA[:-1] + ("b" if ANNA[-1] != "b" else "c")
    run(ready, f"word,who,score\nhello,{wrong},1\n", **LONG)
    assert next(line["by"] for line in lines(ready) if line["item"] == "hello") not in (wrong, ANNA)


def own(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


ITEM = {"id": "x1", "text": "hello"}


def test_declared_fields_of_records_and_items_are_protected(ready: Zoo):
    run(
        ready,
        own(
            {**ITEM, "ext": {"owner": "Carla Cat", "colour": "red"}},
            {
                "item": "x1",
                "id": "a",
                "value": {"score": 1},
                "by": "Dan Dog",
                "ext": {"contact": "Dan.Dog@Example.org", "seconds": 3},
            },
            {"item": "x1", "id": "b", "value": {"score": 2}, "ext": {"contact": "dan.dog@example.org"}},
            {"item": "x1", "id": "c", "value": {"score": 2}, "ext": {"contact": CONTACT}},
        ),
        "jsonl",
    )
    contact = [ready.row(f"pets/x1#{name}")["ext"]["contact"] for name in "abc"]
    assert contact[0] == contact[1]
    assert contact[0].startswith("eml_")
    assert contact[2] == CONTACT
    assert ready.row("pets/x1#a")["ext"]["seconds"] == 3
    item = next(line for line in lines(ready, "items") if line["id"] == "x1")
    assert pseudonym.is_token(item["ext"]["owner"])
    assert item["ext"]["colour"] == "red"
    assert not any(
        word in data.lower() for data in state(ready).values() for word in (b"dan.dog", b"dan dog", b"carla")
    )
    assert ready.everything() == []


@pytest.mark.parametrize(
    ("pointer", "ext"),
    [
        ("/ext/a~1b", {"a/b": PLAIN}),
        ("/ext/m~0n", {"m~n": PLAIN}),
        ("/ext/", {"": PLAIN}),
        ("/ext/deep/mail", {"deep": {"mail": PLAIN}}),
    ],
)
def test_a_pointer_is_read_as_its_standard_says(ready: Zoo, pointer: str, ext: dict[str, Any]):
    ready.replace(PETS, "{pointer: /ext/contact, kind: email}", f'{{pointer: "{pointer}", kind: email}}')
    run(ready, own(ITEM, {"item": "x1", "id": "a", "value": {"score": 1}, "ext": ext}), "jsonl")
    assert not any(PLAIN.encode() in data for data in state(ready).values())


def test_an_id_must_not_tell_what_a_token_hides(ready: Zoo):
    ready.replace(PETS, "natural_key: [/natural/word]", "natural_key: [/natural/mail]")
    ready.replace(PETS, "pointer: /ext/owner, kind: person", "pointer: /natural/mail, kind: email")
    error = refused(ready, DataError, f"mail,score\n{PLAIN},1\n", item="mail", key=("mail",), value="score")
    assert PLAIN not in error.message + error.hint + error.where
    assert error.where == "in.csv:2"
    ready.replace(
        PETS,
        "layer: items}",
        "layer: items}\n  - {pointer: /id, kind: email, layer: items}\n  - {pointer: /item, kind: email}\n  - {pointer: /text, kind: email, layer: items}",
    )
    run(ready, f"mail,score\n{PLAIN},1\n", item="mail", key=("mail",), value="score")
    assert not any(PLAIN.encode() in data for data in state(ready).values())
    (record,) = [line for line in lines(ready) if line["item"].startswith("eml_")]
    assert record["item"] in {line["id"] for line in lines(ready, "items")}


def test_without_the_secret_nothing_is_written(ready: Zoo):
    (epoch,) = epochs.read(ready.read(epochs.PATH))
    ready.commit("Epoch")
    for secret in (ready.at.common / "labelvc" / "keyring").iterdir():
        secret.unlink()
    with pytest.raises(TrustError):
        keyring.load(ready.at, epoch)
    error = refused(ready, TrustError, f"word,who,score\nhello,{PLAIN},1\n", **LONG)
    assert PLAIN not in error.message + error.hint + error.where


def test_without_an_epoch_the_cure_is_named(zoo: Zoo):
    error = refused(zoo, ConfigurationError, "word,who,score\nhello,Anna,1\n", **LONG)
    assert (error.hint, error.where) == ("labelvc pseudonym new", "privacy/epochs.jsonl")
    run(zoo, "word,score\nhello,1\n", item="word", key=("word",), value="score")


# ---------------------------------------------------------------- identity
def test_the_same_source_twice_changes_nothing(ready: Zoo):
    text = "word,who,score\nhello,Anna,1\nbye,Ben,2\n"
    first = run(ready, text, **LONG)
    again = run(ready, text, **LONG)
    assert len(first.rewrite.deltas) == 4
    assert (again.rewrite.files, again.rewrite.deltas, again.documents) == ({}, [], {})
    ready.commit("In")
    assert run(ready, text, **LONG).rewrite.deltas == []


def test_rev_grows_once_between_two_commits(ready: Zoo):
    def bring(score: int) -> int:
        run(ready, f"word,who,score\nhello,Anna,{score}\n", **LONG)
        return next(line["rev"] for line in lines(ready) if line["item"] == "hello")

    assert [bring(1), bring(2), bring(3)] == [1, 1, 1]
    ready.commit("In")
    assert [bring(2), bring(1), bring(3), bring(0)] == [2, 2, 1, 2]
    ready.commit("Again")
    assert ready.unstaged().findings == []
    assert bring(4) == 3


def test_replace_buries_what_the_source_lacks_and_add_keeps_it(ready: Zoo):
    run(ready, "word,who,score\nhello,Anna,1\nbye,Ben,2\n", **LONG)
    ready.commit("In")
    run(ready, "word,who,score\nhello,Anna,1\n", **LONG)
    assert ready.git("status", "--porcelain") == ""
    found = run(ready, "word,who,score\nhello,Anna,1\n", "csv", "mood", "replace", **LONG)
    gone = {(line["item"], line["id"]) for line in lines(ready) if line.get("gone")}
    assert any(item == "bye" and name.startswith("mood.a") for item, name in gone)
    assert len(gone) == 10
    assert {line["id"] for line in lines(ready, "items")} == {"hello", "p1"}, "p1 has records of other tasks"
    assert {finding.rule for finding in ready.unstaged().findings} <= {"label.missing"}
    assert found.read == {"items": 1, "annotations": 1}


def test_duplicates_in_the_source_are_kept_apart_and_shown(ready: Zoo):
    text = "word,who,score\nhello,Anna,1\nhello,Anna,-1\nbye,Ben,2\n"
    run(ready, text, **LONG, layout="long")
    first, second = sorted(line["id"] for line in lines(ready) if line["item"] == "hello")
    assert second == f"{first}.2"
    assert ("rating.duplicate", f"pets/hello#{second}") in [
        (finding.rule, finding.place.key) for finding in ready.everything()
    ]


def test_a_word_twice_in_a_wide_table_is_two_items(ready: Zoo):
    run(
        ready,
        "hello\t1\t[1, 2]\nbye\t1\t[2, 2]\nhello\t1\t[3, 3]\n",
        name="few",
        item="1",
        key=("word=1",),
        value="3",
        layout="wide",
    )
    found = [(finding.rule, finding.place.key) for finding in ready.everything()]
    assert found == [("item.duplicate", "pets/source-3#")]
    assert len([line for line in lines(ready) if line["item"].startswith("source-")]) == 6


def test_two_different_records_of_one_key_are_refused(ready: Zoo):
    rows = own(ITEM, {"item": "x1", "id": "a", "value": {"score": 1}}, {"item": "x1", "id": "a", "value": {"score": 2}})
    error = refused(ready, DataError, rows, "jsonl")
    assert error.message == "two annotations of the source have the key pets/x1#a"
    assert error.where == "in.jsonl:3"
    run(ready, own(ITEM, ITEM, {"item": "x1", "id": "a", "value": {"score": 1}}), "jsonl")


# ---------------------------------------------------------------- what is added to a record
def test_guideline_and_tool_are_noted_and_never_overwritten(ready: Zoo):
    run(
        ready,
        own(
            ITEM,
            {"item": "x1", "id": "a", "value": {"score": 1}},
            {"item": "x1", "id": "b", "value": {"score": 1}, "under": "mood@1.0.0", "origin": {"tool": "form"}},
        ),
        "jsonl",
    )
    one, two = ready.row("pets/x1#a"), ready.row("pets/x1#b")
    assert (one["under"], one["origin"], one["task"], one["rev"]) == ("mood@1.1.0", {"tool": "jsonl"}, "mood", 1)
    assert (two["under"], two["origin"]) == ("mood@1.0.0", {"tool": "form"})


def test_a_record_of_another_task_gets_no_foreign_guideline(ready: Zoo):
    run(ready, own(ITEM, {"item": "x1", "id": "k", "task": "kind", "value": {"label": "cat"}}), "jsonl")
    assert "under" not in ready.row("pets/x1#k")


UNKNOWN = own(
    ITEM,
    {"item": "x1", "id": "k", "value": {"label": "cow"}},
    {"item": "x1", "id": "l", "value": {"label": "ant"}},
    {"item": "x1", "id": "m", "value": {"label": "cow"}},
    {"item": "x1", "id": "n", "value": {"label": "cat"}},
)


def test_unknown_labels_are_told_and_added_on_demand(ready: Zoo):
    found = plan(ready, UNKNOWN, "jsonl", "kind")
    [note] = found.notes
    assert note == (
        "labels that are not in taxonomies/animals.yaml: ant (1 record), cow (2 records); `labelvc check` will refuse "
        "them: add them with --add-labels, or correct the source"
    )
    assert found.documents == {}
    request = Request("jsonl", source(ready, UNKNOWN, "in.jsonl"), "pets", "kind", "add", {}, add_labels=True)
    found = transfer.perform(ready.at, request)
    assert found.notes == ["labels added to taxonomies/animals.yaml: ant, cow"]
    labels = document.read(ready.read("taxonomies/animals.yaml"), "animals")["labels"]
    assert [label["id"] for label in labels] == ["cat", "dog", "dodo", "ant", "cow"]
    assert [finding.rule for finding in ready.everything()] == ["label.missing"]


@pytest.mark.parametrize(
    ("task", "value"),
    [
        ("kinds", {"labels": ["cat", "cow", "yak"]}),
        ("odds", {"soft": {"cat": 0.5, "cow": 0.25, "yak": 0.25}}),
        ("kinds", {"ranking": ["cow", "yak"]}),
    ],
)
def test_labels_are_looked_at_wherever_they_stand(ready: Zoo, task: str, value: dict[str, Any]):
    """In a value of many labels, and in a record that names another task than the import's."""
    rows = own(ITEM, {"item": "x1", "id": "k", "task": task, "value": value})
    for asked in (task, "mood"):
        [note] = plan(ready, rows, "jsonl", asked).notes
        assert note.startswith("labels that are not in taxonomies/animals.yaml: cow (1 record), yak (1 record); ")


def test_of_many_unknown_labels_the_first_are_named(ready: Zoo):
    rows = own(ITEM, *({"item": "x1", "id": f"k{n}", "value": {"label": f"l{n:02}"}} for n in range(20)))
    [note] = plan(ready, rows, "jsonl", "kind").notes
    assert "l07 (1 record) and 12 more; `labelvc check`" in note


def test_the_first_import_chooses_shards_and_the_natural_key(ready: Zoo):
    for path in (ready.folder / "datasets/pets").glob("*/*.jsonl"):
        path.unlink()
    ready.replace(PETS, "natural_key: [/natural/word]", "natural_key: [] # set by import")
    ready.commit("Empty")
    rows = "".join(f"w{number},Anna,1\n" for number in range(9000))
    found = run(ready, "word,who,score\n" + rows, **LONG)
    assert found.dataset.shards == 64
    assert found.notes[:2] == [
        "no two items may share /natural/word: it is the natural key in datasets/pets/dataset.yaml now",
        "the dataset has 64 shards, as datasets/pets/dataset.yaml says now",
    ]
    assert b"# set by import" in ready.read(PETS)
    assert ready.everything() == []
    ready.commit("In")
    assert (
        run(
            ready, "word,who,score\n" + rows + "".join(f"v{number},Anna,1\n" for number in range(9000)), **LONG
        ).dataset.shards
        == 64
    )


# ---------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    ("text", "form", "words", "where"),
    [
        ("", "csv", LONG, "in.csv"),
        ("word,who,score\n", "csv", {**LONG, "value": "points"}, ""),
        ("word,who,score\nhello,Anna,many\n", "csv", LONG, ":2"),
        ("{}\n", "jsonl", {}, ":1"),
        ('{"id":"x"}\n{"item":"x","id":"a#b","value":{"score":1}}\n', "jsonl", {}, "in.jsonl:2"),
        ('{"id":"x"}\n{"item":"","id":"a","value":{"score":1}}\n', "jsonl", {}, "in.jsonl:2"),
        ('{"id":"x"}\n{"item":"x","id":"a","by":"  ","value":{"score":1}}\n', "jsonl", {}, "in.jsonl:2"),
        ("not json\n", "jsonl", {}, ":1"),
    ],
)
def test_a_source_that_cannot_be_read_leaves_no_trace(ready: Zoo, text: str, form: str, words: dict, where: str):
    before = state(ready)
    with pytest.raises(DataError) as caught:
        run(ready, text, form, **words)
    assert state(ready) == before
    assert where in caught.value.where


def test_a_table_of_nothing_but_a_header_brings_nothing(ready: Zoo):
    found = run(ready, "word,who,score\n", **LONG)
    assert (found.rewrite.deltas, found.read) == ([], {"items": 0, "annotations": 0})
    assert ready.git("status", "--porcelain") == ""


def test_words_that_name_nothing_are_refused(ready: Zoo):
    for request, hint in (
        (Request("csv", source(ready, "a,b\n"), "birds", "mood"), "choose one of: pets, pictures"),
        (
            Request("csv", source(ready, "a,b\n"), "pets", "song"),
            "--task with one of: mood, kind, kinds, odds, words, link, note",
        ),
        (
            Request("csv", source(ready, "a,b\n"), "pets"),
            "--task with one of: mood, kind, kinds, odds, words, link, note",
        ),
    ):
        with pytest.raises(ConfigurationError) as caught:
            transfer.prepare(ready.at, request)
        assert caught.value.hint == hint


def test_an_import_does_not_end_a_conflict(ready: Zoo):
    raw = ready.raw("pets/p1#k1")
    path = ready.shard("pets/p1#k1")
    ready.write(
        path,
        ready.read(path).replace(
            raw, b"<<<<<<< HEAD\n" + raw + b"\n=======\n" + raw.replace(b"cat", b"dog") + b"\n>>>>>>> topic"
        ),
    )
    error = refused(ready, DataError, "word,who,score\nhello,Anna,1\n", **LONG)
    assert error.where.startswith(path)


# ---------------------------------------------------------------- export
def test_what_goes_out_comes_in_as_it_was(ready: Zoo):
    target = ready.folder.parent / "out.jsonl"
    for task in ("mood", "kind", "words", "note"):
        number = transfer.export(ready.at, tree.work(ready.at), "jsonl", "pets", target, {}, TODAY, task).records
        assert number == sum(line["task"] == task for line in lines(ready))
        transfer.perform(ready.at, Request("jsonl", target, "pets", task, "replace"))
        assert ready.git("status", "--porcelain") == "", task


def test_tombstones_stay_at_home(ready: Zoo):
    ready.bury("pets/p2#m1")
    target = ready.folder.parent / "out.jsonl"
    assert transfer.export(ready.at, tree.work(ready.at), "jsonl", "pets", target, {}, TODAY, "mood").records == 8
    assert (
        transfer.export(ready.at, tree.commit(ready.at, "HEAD"), "jsonl", "pets", target, {}, TODAY, "mood").records
        == 9
    )
    assert b"gone" not in target.read_bytes()


def test_behind_a_pointer_it_is_the_same(ready: Zoo):
    ready.store_in_dvc()
    ready.commit("Store in DVC")
    run(ready, "word,who,score\nhello,Anna,1\n", **LONG)
    assert ready.everything() == []
    assert "datasets/pets/annotations.dvc" in ready.git("diff", "--cached", "--name-only")
    ready.commit("In")
    assert run(ready, "word,who,score\nhello,Anna,1\n", **LONG).rewrite.deltas == []


# ---------------------------------------------------------------- natural keys and renumbering
def rows_of(count: int, first: int = 0, label: Any = lambda at: at % 5) -> str:
    return "".join(f"v{at},Anna,{label(at)}\n" for at in range(first, first + count))


def test_an_answer_under_a_key_is_found_wherever_its_row_stands(ready: Zoo):
    run(ready, "word,who,score\n" + rows_of(40), **LONG)
    ready.commit("In")
    before = {(line["item"], line["id"]): line for line in lines(ready)}
    text = "word,who,score\nnew,Ben,1\n" + "".join(reversed(rows_of(40).splitlines(keepends=True)))
    found = run(ready, text.replace("v7,Anna,2", "v7,Anna,3"), **LONG)
    changed = [delta for delta in found.rewrite.deltas if delta.old and delta.key.id]
    assert [(delta.key.item, json.loads(delta.new)["value"]["score"]) for delta in changed] == [("v7", 3)]
    after = {(line["item"], line["id"]): line for line in lines(ready)}
    assert len(after) == len(before) + 1
    assert {key for key in before if before[key] != after[key]} == {("v7", changed[0].key.id)}


def test_a_row_put_in_above_renames_the_rest_and_is_stopped(ready: Zoo):
    by_line = {"item": "word", "by": "who", "value": "score"}
    run(ready, "word,who,score\n" + rows_of(40), **by_line)
    ready.commit("In")
    text = "word,who,score\nnew,Ben,1\n" + rows_of(40)
    for mode in ("add", "replace"):
        error = refused(ready, RefusedError, text, "csv", "mood", mode, **by_line)
        assert "40 of them with what the source has under another id" in error.message
        assert "--key word finds items by word" in error.hint
    forced = asked(ready, text, mode="replace", **by_line)._replace(renumbering=True)
    assert transfer.perform(ready.at, forced).read["annotations"] == 41


@pytest.mark.parametrize("mode", ["add", "replace"])
@pytest.mark.parametrize(
    "text",
    [
        rows_of(40, label=lambda at: (at + 1) % 5),  # every answer changed
        rows_of(40).replace("Anna", "Ben"),  # given again by somebody else
        rows_of(400),  # ten times as many
        rows_of(2),
        rows_of(40, first=1000),  # other items
    ],
)  # fmt: skip
def test_a_source_that_truly_changed_is_not_stopped(ready: Zoo, text: str, mode: str):
    by_line = {"item": "word", "by": "who", "value": "score"}
    run(ready, "word,who,score\n" + rows_of(40), **by_line)
    ready.commit("In")
    run(ready, "word,who,score\n" + text, "csv", "mood", mode, **by_line)


def test_a_wide_table_keeps_its_items_when_a_row_comes_in_between(ready: Zoo):
    words = {"item": "1", "key": ("word=1",), "value": "2", "layout": "wide"}
    table = [f"v{at}\t[{at % 5}, {at % 3}]\n" for at in range(30)] + ["twice\t[1, 1]\n", "twice\t[2, 2]\n"]
    run(ready, "".join(table), name="few", **words)
    ready.commit("In")
    found = run(ready, "".join([*table[:10], "new\t[0, 0]\n", *table[10:]]), name="few", mode="replace", **words)
    fresh = {line["id"] for line in lines(ready, "items") if line.get("natural", {}).get("word") == "new"}
    touched = {delta.key.item for delta in found.rewrite.deltas if isinstance(delta.key, Key)}
    assert len(fresh) == 1
    assert {item for item in touched if item.startswith("source-")} == fresh


def test_an_item_whose_key_moved_is_found_by_its_text_and_keeps_its_name(ready: Zoo):
    words = {"item": "text", "key": ("url",), "by": "who", "value": "score"}
    head = "url,text,who,score\n"
    run(ready, head + "".join(f"http://a/{at},text {at},Anna,1\n" for at in range(5)), **words)
    ready.commit("In")
    moved = head + "".join(f"http://b/{at},text {at},Anna,{1 + (at == 3)}\n" for at in range(5))
    found = run(ready, moved, "csv", "mood", "replace", **words)
    changed = [delta for delta in found.rewrite.deltas if delta.old and delta.new and b"gone" not in delta.new]
    assert sorted(delta.key.item for delta in changed if not delta.key.id) == [f"http://a/{at}" for at in range(5)]
    assert [delta.key.item for delta in changed if delta.key.id] == ["http://a/3"]
    again = run(ready, moved + "http://a/1,another text,Anna,4\n", "csv", "mood", "replace", **words)
    new = [delta.key.item for delta in again.rewrite.deltas if delta.old is None]
    assert new == ["http://a/1.2", "http://a/1.2"], "the name is taken by an item whose key moved on"


def test_an_item_of_another_task_gives_its_name_to_nobody(ready: Zoo):
    """p1 holds records of other tasks: an item that is called p1 by its key now, and was not before, is another one."""
    words = {"item": "text", "key": ("code",), "by": "who", "value": "score"}
    run(ready, "code,text,who,score\np1,something else,Anna,1\n", "csv", "mood", "replace", **words)
    kept = next(line for line in lines(ready, "items") if line["id"] == "p1")
    assert "something else" not in json.dumps(kept) or kept.get("natural") == {"code": "p1"}
