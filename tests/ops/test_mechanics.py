"""Mechanical changes print one line and count nothing; a change of content is never hidden in one."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from inline_snapshot import snapshot

from labelvc.codec import document, epochs
from labelvc.core import documents, pseudonym
from labelvc.model.secret import Epoch, Secret
from tests.ops.test_diff import reshard
from tests.zoo import ANNA, BEN, CONTACT, ID, SECRET, Zoo, rating, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
NEXT = Secret("c", b"\2" * 32)
NAMES = {ANNA: ("person", "anna"), BEN: ("person", "ben"), CONTACT: ("email", "anna@example.com")}
TOKENS = {old: pseudonym.token(NEXT, ID, "main", *told) for old, told in NAMES.items()}
FIRST = Epoch("b", "active", "2026-03-01T09:00:00Z", pseudonym.commitment(SECRET))
SECOND = Epoch("c", "active", "2026-04-01T09:00:00Z", pseudonym.commitment(NEXT))
RETIRED = FIRST._replace(status="retired")
NONE = "records: 0 changed, 0 added, 0 removed in 0 items"


def rekey(zoo: Zoo, tokens: dict[str, str] = TOKENS, *, bump: bool = True) -> None:
    """Begin an epoch and replace tokens in every line, each with the next `rev`."""
    zoo.write(epochs.PATH, epochs.write([FIRST]))
    zoo.commit("The first epoch")
    zoo.write(epochs.PATH, epochs.write([RETIRED, SECOND]))
    for path in (zoo.folder / "datasets").rglob("*.jsonl"):
        lines = []
        for line in path.read_text().splitlines():
            new = line
            for old, token in tokens.items():
                new = new.replace(old, token)
            lines.append(new.replace('"rev":1', '"rev":2') if bump and new != line else new)
        path.write_text("".join([f"{line}\n" for line in sorted(lines)]))


def shown(zoo: Zoo, labelvc: Run, *words: str) -> tuple[str, str]:
    code, out, err = labelvc(zoo.folder, "diff", *words)
    assert code == 0, err
    return out, err


def content(zoo: Zoo, labelvc: Run, *words: str) -> dict[str, str]:
    """Return key to kind of what is not mechanical."""
    _, out, _ = labelvc(zoo.folder, "diff", "--format", "jsonl", *words)
    rows = [json.loads(line) for line in out.splitlines()]
    return {row["key"]: row["kind"] for row in rows if row["kind"] != "mechanical"}


# ---------------------------------------------------------------- where records lie
def test_a_reshard_is_one_line(zoo: Zoo, labelvc: Run):
    reshard(zoo, 64)
    assert shown(zoo, labelvc) == snapshot(
        (
            "= datasets/pets/dataset.yaml  cut into 64 shards, were 4 (mechanical)\n",
            "records: 0 changed, 0 added, 0 removed in 0 items; mechanical: 1 document\n",
        )
    )
    assert labelvc(zoo.folder, "diff", "--exit-code")[0] == 0
    zoo.commit("Reshard")
    assert shown(zoo, labelvc, "HEAD~1..HEAD") == snapshot(
        (
            "= datasets/pets/dataset.yaml  cut into 64 shards, were 4 (mechanical)\n",
            "records: 0 changed, 0 added, 0 removed in 0 items; mechanical: 1 document\n",
        )
    )


def test_another_grouping_is_one_line(zoo: Zoo, labelvc: Run):
    path = "datasets/pets/dataset.yaml"
    zoo.write(path, document.edit(zoo.read(path), {("group",): "^(p)"}))
    assert shown(zoo, labelvc)[0] == snapshot(
        "= datasets/pets/dataset.yaml  grouped into shards by another expression (mechanical)\n"
    )


def test_a_storage_move_is_one_line_there_and_back(zoo: Zoo, labelvc: Run):
    zoo.store_in_dvc()
    zoo.commit("To DVC")
    assert shown(zoo, labelvc, "HEAD~1..HEAD") == snapshot(
        (
            "= datasets/pets/dataset.yaml  moved from git to dvc (mechanical)\n",
            "records: 0 changed, 0 added, 0 removed in 0 items; mechanical: 5 documents\n",
        )
    )
    assert shown(zoo, labelvc, "HEAD..HEAD~1") == snapshot(
        (
            "= datasets/pets/dataset.yaml  moved from dvc to git (mechanical)\n",
            "records: 0 changed, 0 added, 0 removed in 0 items; mechanical: 5 documents\n",
        )
    )
    assert labelvc(zoo.folder, "diff", "--exit-code", "HEAD~1..HEAD")[0] == 0


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".dvc/config", "[core]\n    remote = elsewhere\n"),
        (".dvcignore", "*.jsonl\n"),
        (".dvc/.gitignore", "/config.local\n/tmp\n/cache\n/config\n"),
        ("datasets/pets/.gitignore", "/annotations\n/items\n"),
        ("datasets/pictures/.gitignore", "/annotations\n"),
    ],
)
def test_what_dvc_does_not_write_is_content_in_a_storage_move(zoo: Zoo, labelvc: Run, path: str, text: str):
    zoo.store_in_dvc()
    zoo.write(path, text)
    zoo.commit("To DVC")
    assert content(zoo, labelvc, "HEAD~1..HEAD") == {path: "added"}
    assert labelvc(zoo.folder, "diff", "--exit-code", "HEAD~1..HEAD")[0] == 1


def test_an_edit_within_a_move_is_shown(zoo: Zoo, labelvc: Run):
    reshard(zoo, 64)
    path = "datasets/pets/dataset.yaml"
    zoo.write(path, document.edit(zoo.read(path), {("title",): "Pets"}))
    zoo.commit("Reshard")
    zoo.store_in_dvc()
    assert content(zoo, labelvc, "HEAD~1..HEAD") == {path: "changed"}


# ---------------------------------------------------------------- re-key
@pytest.mark.parametrize("bump", [True, False])
def test_a_re_key_is_one_line_there_and_back(zoo: Zoo, labelvc: Run, bump: bool):
    rekey(zoo, bump=bump)
    line = "= privacy/epochs.jsonl  pseudonyms re-keyed, epoch c: 3 tokens, one to one, in 14 lines (mechanical)\n"
    out, err = shown(zoo, labelvc)
    assert out == line
    assert err == f"{NONE}; mechanical: 1 document, 1 item, 13 records\n"
    zoo.git("add", "--all")
    assert shown(zoo, labelvc, "--staged") == (out, err)
    zoo.commit("Re-key")
    assert shown(zoo, labelvc, "HEAD~1..HEAD") == (out, err)
    assert shown(zoo, labelvc, "HEAD..HEAD~1") == (out, err)
    assert labelvc(zoo.folder, "diff", "--exit-code", "HEAD~1..HEAD")[0] == 0
    assert shown(zoo, labelvc, "HEAD~1..HEAD", "--stat")[0].startswith(line)


def test_two_people_made_one_is_shown_record_by_record(zoo: Zoo, labelvc: Run):
    rekey(zoo, {**TOKENS, BEN: TOKENS[ANNA]})
    found = content(zoo, labelvc)
    assert len(found) == 15
    assert set(found.values()) == {"changed"}


def test_one_person_made_two_is_shown_record_by_record(zoo: Zoo, labelvc: Run):
    rekey(zoo)
    zoo.change("pets/p2#m1", by=TOKENS[BEN], bump=0)
    assert len(content(zoo, labelvc)) == 15


def test_an_old_token_that_stays_is_one_person_made_two(zoo: Zoo, labelvc: Run):
    """Also where its line, and its whole shard, does not differ at all."""
    rekey(zoo)
    zoo.change("pictures/b.jpg#x2", by=ANNA, bump=-1)
    assert content(zoo, labelvc)["pets/p2#m1"] == "changed"


def test_a_new_token_that_was_there_before_is_two_people_made_one(zoo: Zoo, labelvc: Run):
    zoo.put("pets/p2#m9", rating("p2", by=TOKENS[BEN], name="m9"))
    rekey(zoo)
    assert content(zoo, labelvc)["pets/p2#m1"] == "changed"


def test_content_within_a_re_key_is_shown(zoo: Zoo, labelvc: Run):
    rekey(zoo)
    zoo.change("pets/p2#m1", value={"score": 4}, bump=0)
    zoo.change("pets/p3#m1", at="2026-03-01T09:12:44Z", bump=0)
    zoo.put("pets/p4#new", rating("p4", by=TOKENS[BEN], name="new"))
    zoo.bury("pets/p5#m1")
    assert content(zoo, labelvc) == {
        "pets/p2#m1": "changed",
        "pets/p3#m1": "changed",
        "pets/p4#new": "added",
        "pets/p5#m1": "removed",
    }
    assert "13 records" not in shown(zoo, labelvc)[1]


@pytest.mark.parametrize(
    "tokens",
    [
        {ANNA: pseudonym.token(Secret("d", b"\2" * 32), ID, "main", "person", "anna")},
        {ANNA: pseudonym.token(SECRET, ID, "main", "person", "somebody else")},
        {ANNA: TOKENS[ANNA][:-1] + ("b" if TOKENS[ANNA][-1] != "b" else "c")},
        {ANNA: pseudonym.token(NEXT, ID, "main", "account", "anna")},
    ],
    ids=["an epoch nobody began", "the same epoch", "wrong check letters", "another kind"],
)
def test_what_is_no_re_key(zoo: Zoo, labelvc: Run, tokens: dict[str, str]):
    rekey(zoo, tokens)
    assert content(zoo, labelvc)["pets/p2#m1"] == "changed"


def test_a_token_in_a_field_that_is_not_declared_is_content(zoo: Zoo, labelvc: Run):
    zoo.change("pets/p1#n1", value={"text": ANNA})
    rekey(zoo)
    assert content(zoo, labelvc)["pets/p1#n1"] == "changed"


def test_without_a_new_epoch_there_is_no_re_key(zoo: Zoo, labelvc: Run):
    rekey(zoo)
    zoo.write(epochs.PATH, epochs.write([FIRST]))
    assert len(content(zoo, labelvc)) == 14


@pytest.mark.parametrize("other", [FIRST._replace(commitment="0" * 32), FIRST._replace(created="2026-03-02T09:00:00Z")])
def test_a_forged_epoch_makes_no_re_key(zoo: Zoo, labelvc: Run, other: Epoch):
    rekey(zoo)
    zoo.write(epochs.PATH, epochs.write([other._replace(status="retired"), SECOND]))
    assert len(content(zoo, labelvc)) == 15


def test_a_new_epoch_alone_is_content(zoo: Zoo, labelvc: Run):
    rekey(zoo, {})
    assert content(zoo, labelvc) == {epochs.PATH: "changed"}
    assert shown(zoo, labelvc)[0] == snapshot("""\
~ privacy/epochs.jsonl  document changed
    ~ /b/status active -> retired
    + /c {"commitment": "32f30715c468d7d091dbb630435ab66a", "created": "2026-04-01T09:00:00Z", "id": "c", "status": "active"}
""")


# ---------------------------------------------------------------- labels
def test_a_rename_is_one_line(zoo: Zoo, labelvc: Run):
    path = "taxonomies/animals.yaml"
    zoo.write(path, document.edit(zoo.read(path), {("labels", "0", "name"): "House cat", ("version",): "1.0.1"}))
    zoo.write(
        path,
        document.edit(
            zoo.read(path), {("lineage",): [{"version": "1.0.1", "kind": "rename", "from": ["cat"], "to": ["cat"]}]}
        ),
    )
    assert shown(zoo, labelvc) == snapshot(
        (
            "= taxonomies/animals.yaml  label cat renamed from Cat to House cat (mechanical)\n",
            "records: 0 changed, 0 added, 0 removed in 0 items; mechanical: 1 document\n",
        )
    )
    assert labelvc(zoo.folder, "diff", "--exit-code")[0] == 0
    zoo.commit("Rename")
    assert shown(zoo, labelvc, "HEAD..HEAD~1")[0] == snapshot(
        "= taxonomies/animals.yaml  label cat renamed from House cat to Cat (mechanical)\n"
    )


LABELS = [{"id": "cat", "name": "Cat"}, {"id": "dog", "name": "Dog"}]
OLD = {"version": "1.0.0", "labels": LABELS}


@pytest.mark.parametrize(
    "change",
    [
        {"labels": [{"id": "cat", "name": "Dog"}, {"id": "dog", "name": "Cat"}]},
        {"labels": [{"id": "cat", "name": "dog"}, {"id": "dog", "name": "Hound"}]},
        {"labels": [{"id": "cat", "name": "Dog"}, {"id": "dog", "name": "Dog"}]},
        {"labels": [{"id": "cat", "name": "House cat", "status": "deprecated"}, LABELS[1]]},
        {"labels": [{"id": "cats", "name": "House cat"}, LABELS[1]]},
        {"labels": [{"id": "cat", "name": "House cat"}]},
        {"labels": [LABELS[1], {"id": "cat", "name": "House cat"}]},
        {"labels": [{"id": "cat", "name": "House cat"}, LABELS[1]], "title": "New"},
        {"labels": [{"id": "cat", "name": "House cat"}, LABELS[1]], "lineage": [{"kind": "merge"}]},
        {"version": "1.0.1"},
        {"labels": [{"id": "cat", "name": "House cat"}, {"id": "cat", "name": "Dog"}]},
    ],
)
def test_what_is_no_rename(change: dict[str, object]):
    assert documents.renames(OLD, {**OLD, **change}) is None
    assert documents.edits("taxonomy", OLD, {**OLD, **change})
