"""Rewriting: what a dict and twenty lines of model say is what is written, and no line is lost on the way."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from labelvc.codec import canonical, shard
from labelvc.core import diff, revise
from labelvc.errors import DataError
from labelvc.model.change import Delta
from labelvc.model.names import Key
from labelvc.model.snapshot import Snapshot
from labelvc.ops import project as projects
from labelvc.ops import rewrite
from labelvc.ops.incoming import ITEM, RECORD, Incoming
from labelvc.ops.rewrite import Wanted
from labelvc.ops.sides import AstrayError
from labelvc.store import tree
from tests.zoo import Zoo, rating, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Content = tuple[str, int] | None
"""(task, score) of a record; None for a tombstone."""
Lines = dict[Key, bytes]


def line(key: Key, content: Content, rev: int) -> bytes:
    if content is None:
        return revise.tombstone(key, rev)
    return canonical.encode_record(
        {"item": key.item, "id": key.id, "rev": rev, "task": content[0], "value": {"score": content[1]}}
    )


keys = st.sampled_from([Key("d", item, name) for item in "ab" for name in "123"])
contents = st.one_of(st.none(), st.tuples(st.sampled_from(["mood", "other"]), st.integers(0, 2)))
states = st.dictionaries(keys, st.tuples(contents, st.integers(1, 4)), max_size=6)
asks = st.dictionaries(keys, st.tuples(st.just("mood"), st.integers(0, 2)), max_size=4)
Stored = dict[Key, tuple[Content, int]]


def model(head: Stored, work: Stored, asked: dict[Key, Content], *, replace: bool, tasks: set[str]) -> Stored:
    """Say what must be there after an import, in terms a person would use."""
    result: Stored = {}
    for key in {*head, *work, *asked}:
        before, rev = head.get(key, (None, 0))
        lies = work.get(key)
        if key in asked:
            result[key] = (before, rev) if before == asked[key] else (asked[key], rev + 1)
        elif lies is not None and not (replace and (not tasks or (lies[0] or ("", 0))[0] in tasks)):
            result[key] = lies
        elif key in head:
            result[key] = (None, rev) if before is None else (None, rev + 1)
    return result


def stored(state: Stored) -> Lines:
    return {key: line(key, *what) for key, what in state.items()}


@settings(max_examples=300)
@given(states, states, asks, st.booleans(), st.sampled_from([set(), {"mood"}]))
@example({}, {Key("d", "a", "1"): (("mood", 1), 1)}, {}, True, {"mood"})
@example({Key("d", "a", "1"): (("mood", 1), 2)}, {}, {}, False, set())
def test_add_and_replace_do_what_the_model_says(
    head: Stored, work: Stored, asked: dict, replace: bool, tasks: set[str]
) -> None:
    whole = frozenset(["annotations"]) if replace else frozenset()
    wanted = Wanted({"annotations": {key: line(key, what, 1) for key, what in asked.items()}}, whole, frozenset(tasks))
    found = rewrite._result(stored(work), stored(head), wanted, "annotations")
    assert found == stored(model(head, work, asked, replace=replace, tasks=tasks))
    again = rewrite._result(found, stored(head), wanted, "annotations")
    assert again == found, "a second import before a commit changes nothing"
    for key in asked:
        assert revise.problem(Delta(key, stored(head).get(key), found[key])) == ""


@given(states, st.lists(asks, min_size=2, max_size=3))
def test_many_imports_before_a_commit_raise_rev_once(head: Stored, stories: list[dict]) -> None:
    work = stored(head)
    for asked in stories:
        lines = {key: line(key, what, 1) for key, what in asked.items()}
        work = rewrite._result(work, stored(head), Wanted({"annotations": lines}), "annotations")
    for key, raw in work.items():
        assert revise.revision(raw) - head.get(key, (None, 0))[1] in (0, 1)
        assert revise.problem(Delta(key, stored(head).get(key), raw)) == ""


# ---------------------------------------------------------------- on a repository
class Planned(NamedTuple):
    """What a plan puts, and the deltas."""

    files: dict[str, bytes | None]
    deltas: list[Delta]


def plan(zoo: Zoo, wanted: Wanted, head: Snapshot | None = None) -> Planned:
    """Plan twice, from the files and from lines set aside: both ways must say the same."""
    work, head = tree.work(zoo.at), head or tree.commit(zoo.at, "HEAD")
    found: list[Planned] = []
    for aside in (True, False):
        files: dict[str, bytes | None] = {}
        with Incoming(_pets(zoo)) as incoming:
            for kind, layer in ((ITEM, "items"), (RECORD, "annotations")):
                for key, raw in wanted.lines.get(layer, {}).items():
                    incoming.add(kind, key.item, raw)
            bare = wanted._replace(lines={})
            try:
                done = rewrite.plan(zoo.at, _pets(zoo), (work, head), bare, incoming, files.__setitem__, aside=aside)
            except AstrayError:
                assert not aside
                continue
        assert {path: data and len(data) for path, data in files.items()} == done.files
        assert done.deltas.summary._replace(transitions={}) == diff.summarise(done.deltas)._replace(transitions={})
        found.append(Planned(files, list(done.deltas)))
    assert found == found[:1] * len(found)
    return found[0]


def asked(*rows: dict[str, Any]) -> dict[Key, bytes]:
    return {Key("pets", row["item"], row["id"]): canonical.encode_record(row) for row in rows}


def perform(zoo: Zoo, found: Planned) -> None:
    for path, data in found.files.items():
        zoo.write(path, data) if data is not None else (zoo.folder / path).unlink()


def test_nothing_asked_is_nothing_written(zoo: Zoo):
    assert plan(zoo, Wanted({})) == Planned({}, [])
    assert plan(zoo, Wanted({"annotations": asked(zoo.row("pets/p1#m1"))})) == Planned({}, [])


def test_one_record_is_one_line_of_one_file(zoo: Zoo):
    found = plan(zoo, Wanted({"annotations": asked(rating("p2", 4))}))
    ((path, data),) = found.files.items()
    (delta,) = found.deltas
    assert path == zoo.shard("pets/p2#m1")
    assert set(data.splitlines()) ^ set(zoo.read(path).splitlines()) == {delta.old, delta.new}
    assert data == shard.write(data.splitlines())
    assert revise.problem(delta) == ""


def test_replace_leaves_tombstones_of_its_own_task_only(zoo: Zoo):
    wanted = Wanted({"annotations": asked(rating("p1", 4))}, frozenset(["annotations"]), frozenset(["mood"]))
    perform(zoo, plan(zoo, wanted))
    assert zoo.row("pets/p1#m2") == {"item": "p1", "id": "m2", "gone": True, "rev": 2}
    assert zoo.row("pets/p8#m1") == {"item": "p8", "id": "m1", "gone": True, "rev": 2}
    assert zoo.row("pets/p1#k1")["rev"] == 1
    assert zoo.row("pets/p1#m1")["rev"] == 2
    assert plan(zoo, wanted) == Planned({}, [])


def test_replace_keeps_the_items_that_other_tasks_still_need(zoo: Zoo):
    items = {Key("pets", "p2", ""): zoo.raw("pets/p2#")}
    wanted = Wanted(
        {"items": items, "annotations": asked(rating("p2", 4))},
        frozenset(["items", "annotations"]),
        frozenset(["mood"]),
    )
    perform(zoo, plan(zoo, wanted))
    assert zoo.raw("pets/p1#")
    assert [finding.rule for finding in zoo.everything() if finding.rule == "item.missing"] == []
    there = [path.read_text() for path in (zoo.folder / "datasets/pets/items").iterdir()]
    assert sorted(line[7:9] for text in there for line in text.splitlines()) == ["p1", "p2"]


def test_a_file_without_lines_is_no_file(zoo: Zoo):
    wanted = Wanted({}, frozenset(["items", "annotations"]))
    found = plan(zoo, wanted)
    assert {data for path, data in found.files.items() if "/items/" in path} == {None}
    zoo.git("update-ref", "-d", "HEAD")
    found = plan(zoo, wanted, tree.empty())
    assert set(found.files.values()) == {None}


def _pets(zoo: Zoo) -> Any:
    with tree.reader(zoo.at) as reader:
        return projects.load(zoo.at, tree.work(zoo.at), reader).datasets["pets"]


def test_a_record_that_was_deleted_by_hand_gets_its_tombstone(zoo: Zoo):
    zoo.put("pets/p2#m1", None)
    perform(zoo, plan(zoo, Wanted({})))
    assert zoo.row("pets/p2#m1") == {"item": "p2", "id": "m1", "gone": True, "rev": 2}
    perform(zoo, plan(zoo, Wanted({"annotations": asked(rating("p2", 3))})))
    assert zoo.row("pets/p2#m1")["rev"] == 2
    zoo.commit("Changed")
    zoo.bury("pets/p2#m1")
    zoo.commit("Deleted")
    perform(zoo, plan(zoo, Wanted({"annotations": asked(rating("p2", 3))})))
    assert zoo.row("pets/p2#m1")["rev"] == 4


def test_lines_in_a_wrong_shard_go_home(zoo: Zoo):
    there = next(
        path for name in "0123" if (path := shard.path("pets", "annotations", name)) != zoo.shard("pets/p1#k1")
    )
    moved = zoo.raw("pets/p1#k1")
    zoo.put("pets/p1#k1", None)
    kept = zoo.read(there).splitlines() if (zoo.folder / there).exists() else []
    zoo.write(there, shard.write([*kept, moved]))
    perform(zoo, plan(zoo, Wanted({})))
    assert zoo.raw("pets/p1#k1") == moved
    assert zoo.git("status", "--porcelain") == ""


def conflict(zoo: Zoo) -> None:
    raw = zoo.raw("pets/p1#k1")
    text = b"<<<<<<< HEAD\n" + raw + b"\n=======\n" + raw.replace(b"cat", b"dog") + b"\n>>>>>>> topic\n"
    zoo.write(zoo.shard("pets/p1#k1"), zoo.read(zoo.shard("pets/p1#k1")).replace(raw + b"\n", text))


def double(zoo: Zoo) -> None:
    raw = zoo.raw("pets/p1#k1")
    zoo.write(zoo.shard("pets/p1#k1"), zoo.read(zoo.shard("pets/p1#k1")) + raw.replace(b"cat", b"dog") + b"\n")


def junk(zoo: Zoo) -> None:
    zoo.write(zoo.shard("pets/p1#k1"), zoo.read(zoo.shard("pets/p1#k1")) + b"not a record\n")


@pytest.mark.parametrize("damage", [conflict, double, junk])
@pytest.mark.parametrize("whole", [frozenset(), frozenset(["annotations"])])
def test_a_broken_shard_is_refused_and_not_mended_in_silence(zoo: Zoo, damage: Any, whole: frozenset):
    """An import in the middle of a conflict must not resolve it."""
    damage(zoo)
    before = zoo.read(zoo.shard("pets/p1#k1"))
    with pytest.raises(DataError) as caught:
        plan(zoo, Wanted({"annotations": asked(rating("p2", 3))}, whole))
    assert caught.value.where.startswith(zoo.shard("pets/p1#k1") + ":")
    assert "labelvc check" in caught.value.hint
    assert zoo.read(zoo.shard("pets/p1#k1")) == before


def test_of_a_key_that_head_holds_twice_the_highest_rev_counts(zoo: Zoo):
    raw = zoo.raw("pets/p1#k1")
    zoo.write(
        zoo.shard("pets/p1#k1"),
        shard.write([*zoo.read(zoo.shard("pets/p1#k1")).splitlines(), raw.replace(b'"rev":1', b'"rev":7')]),
    )
    zoo.commit("Twice")
    zoo.put("pets/p1#k1", None)
    perform(zoo, plan(zoo, Wanted({"annotations": asked({**zoo.row("pets/p1#k1"), "value": {"label": "dog"}})})))
    assert zoo.row("pets/p1#k1")["rev"] == 8


def test_a_rev_inside_ext_is_not_the_records(zoo: Zoo):
    row = {"item": "p2", "id": "x", "ext": {"rev": 1, "z": 1}, "rev": 5, "task": "note", "value": {"text": ""}}
    perform(zoo, plan(zoo, Wanted({"annotations": asked(row)})))
    assert zoo.row("pets/p2#x")["rev"] == 1
