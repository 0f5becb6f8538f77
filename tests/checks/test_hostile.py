"""Lines that no program writes: each gives findings that name it, never a crash, and nothing is told twice."""

from __future__ import annotations

import pytest

from tests.zoo import BEN, CONTACT, PLAIN, Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]


def rules(zoo: Zoo) -> list[str]:
    return [finding.rule for finding in zoo.everything()]


@pytest.mark.parametrize("member", ["item", "id", "by", "task", "under", "value", "ext", "origin"])
@pytest.mark.parametrize("text", [r'"\ud800"', r'"a\udfffb"', "[1]", '{"a":[]}', "null", "1e999"])
def test_a_member_that_is_no_text_or_half_a_character(zoo: Zoo, member: str, text: str):
    fields = {
        "item": '"b.jpg"',
        "id": '"x9"',
        "rev": "1",
        "task": '"where"',
        "value": '{"box":[1,1,1,1],"label":"cat"}',
    }
    line = ",".join([f'"{name}":{value}' for name, value in {**fields, member: text}.items()])
    shard = zoo.shard("pictures/b.jpg#x1")
    zoo.write(shard, zoo.read(shard) + f"{{{line}}}\n".encode())
    found = zoo.everything()
    assert any(finding.place.path == shard and finding.severity == "error" for finding in found)
    assert zoo.unstaged().findings


@pytest.mark.parametrize("layer", ["items", "annotations"])
def test_half_a_character_in_a_key(zoo: Zoo, layer: str):
    key = "pets/p1#" if layer == "items" else "pets/p1#n1"
    zoo.respell(key, '"id":"', r'"id":"\ud800')
    assert "record.json" in rules(zoo)


def test_a_box_whose_maker_is_a_list(zoo: Zoo):
    for name in ("x1", "x2"):
        zoo.change(f"pictures/b.jpg#{name}", by=["x"], value={"label": "cat", "box": [10, 10, 20, 20]})
    assert sorted(rules(zoo)) == ["box.near_duplicate", "record.schema", "record.schema"]


def test_a_task_named_inside_ext_is_no_answer(zoo: Zoo):
    zoo.change("pets/p1#k1", ext={"contact": CONTACT, "rev": 1, "task": "mood"})
    assert rules(zoo) == []
    zoo.bury("pets/p1#m1")
    assert rules(zoo) == []
    zoo.bury("pets/p1#m2")
    assert rules(zoo) == ["label.missing"]


def test_a_conflict_is_told_once(zoo: Zoo):
    line = zoo.raw("pets/p1#k1")
    both = b"\n".join([b"<<<<<<< ours", line, b"=======", line.replace(b'"cat"', b'"dog"'), b">>>>>>> theirs"])
    zoo.write(zoo.shard("pets/p1#k1"), zoo.read(zoo.shard("pets/p1#k1")).replace(line, both))
    assert rules(zoo) == ["shard.markers"]


@pytest.mark.parametrize(
    "at", ["yesterday", "2026-02-30T00:00:00Z", "2026-02-03T00:00:00", "2026-02-03T00:00:00+01:00"]
)
def test_a_malformed_time_is_told_once(zoo: Zoo, at: str):
    zoo.change("pets/p1#n1", at=at)
    assert rules(zoo) == ["record.schema"]


@pytest.mark.parametrize(
    ("pointer", "key", "members"),
    [
        ("/value/text", "pets/p1#n1", {"value": {"text": PLAIN}}),
        ("/ext/a~1b", "pets/p1#n1", {"ext": {"a/b": PLAIN}}),
        ("/ext/a~0b/c", "pets/p1#n1", {"ext": {"a~b": {"c": PLAIN}}}),
        ("/origin/ref", "pets/p1#n1", {"origin": {"ref": PLAIN}}),
        ("/value/text", "pets/p1#w1", {"value": {"label": "cat", "span": [4, 7], "text": PLAIN}}),
    ],
)
def test_a_plain_value_at_any_declared_pointer(zoo: Zoo, pointer: str, key: str, members: dict):
    more = f"sensitive:\n  - {{pointer: {pointer}, kind: person}}"
    zoo.replace("datasets/pets/dataset.yaml", "sensitive:", more)
    zoo.change(key, **members)
    at = [finding for finding in zoo.everything() if finding.rule == "privacy.plaintext"]
    assert [(finding.place.key, finding.place.pointer) for finding in at if finding.place.key == key] == [
        (key, pointer)
    ]
    assert PLAIN not in repr(at)


def test_an_empty_answer_has_no_sensitive_member(zoo: Zoo):
    zoo.replace("datasets/pets/dataset.yaml", "sensitive:", "sensitive:\n  - {pointer: /value/text, kind: person}")
    zoo.change("pets/p1#n1", value={"empty": True})
    zoo.change("pets/p1#w1", value={"label": "cat", "span": [4, 7], "text": BEN})
    assert "privacy.plaintext" not in [
        one.rule for one in zoo.everything() if one.place.key in ("pets/p1#n1", "pets/p1#w1")
    ]


def test_a_dvc_dataset_whose_edit_is_not_stored_is_told_without_all(zoo: Zoo):
    zoo.store_in_dvc()
    zoo.commit("to DVC")
    assert zoo.unstaged().findings == []
    zoo.change("pets/p2#m1", value={"score": 3})
    assert [finding.rule for finding in zoo.unstaged().findings] == ["dvc.unstored"]
