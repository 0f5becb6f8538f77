"""Trace and blame over real histories: merges, rewrites, reshards and storage moves take no attribution away."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.codec import canonical, shard
from labelvc.core import diff as rules
from labelvc.errors import ConfigurationError, DataError, StoreError
from labelvc.model.names import Key
from labelvc.ops import blame, log, tidy, trace, verify
from labelvc.ops import course as courses
from tests import people
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys
from tests.zoo import ANNA, BEN, GUIDELINE, PLAIN, Zoo, answer, make, rating, zoo, zoo_template

__all__ = ["desk", "desk_template", "people_keys", "zoo", "zoo_template"]
KEY = "pets/p2#m1"


def score(zoo: Zoo, value: int, who: str = "Ada", key: str = KEY, **more: object) -> str:
    """Change a record and commit that."""
    zoo.change(key, value={"score": value}, **more)
    return zoo.commit(f"{key} is {value}", who)


def steps(zoo: Zoo, key: str = KEY, rev: str = "HEAD") -> list[tuple[str, str, str]]:
    """Return (kind, subject, author) of each step of a life."""
    life = trace.trace(zoo.at, Key.parse(key), rev)
    return [(rules.kind_of(step.delta), step.commit.subject, step.commit.author.name) for step in life.steps]


def now(zoo: Zoo, key: str = KEY) -> bytes | None:
    return trace.trace(zoo.at, Key.parse(key)).now


def blamed(zoo: Zoo, item: str = "p2", rev: str = "HEAD") -> dict[str, str]:
    """Return `id pointer` to the subject of the commit that set it."""
    found = dict(blame.item(zoo.at, "pets", item, rev))
    for _ in range(2):  # of the whole dataset, the second time from what is remembered
        assert {key: origins for key, origins in blame.whole(zoo.at, "pets", rev) if key.item == item} == found
    return {f"{key.id} {origin.pointer}": origin.commit.subject for key, origins in found.items() for origin in origins}


def on_branch(zoo: Zoo, name: str = "topic") -> None:
    zoo.git("checkout", "-q", "-b", name)


def merge(zoo: Zoo, other: str = "topic", *, code: int = 0) -> None:
    zoo.git("merge", "-q", "--no-ff", "-m", f"Merge {other}", other, code=code)


# ---------------------------------------------------------------- a straight line
def test_a_life_from_birth_to_now(zoo: Zoo):
    score(zoo, 3, "Ben")
    score(zoo, 4, "Ada", by=BEN)
    assert [row[:2] for row in steps(zoo)] == [
        ("added", "Begin"),
        ("changed", f"{KEY} is 3"),
        ("changed", f"{KEY} is 4"),
    ]
    assert [row[2] for row in steps(zoo)][1:] == ["Ben", "Ada"]
    life = trace.trace(zoo.at, Key.parse(KEY))
    assert life.now == zoo.raw(KEY)
    assert life.item == zoo.raw("pets/p2#")
    assert [step.integrated.id for step in life.steps] == [step.commit.id for step in life.steps]
    assert {(step.votes, step.governed) for step in life.steps} == {((), False)}
    assert blamed(zoo) == {
        "m1 /by": f"{KEY} is 4",
        "m1 /task": "Begin",
        "m1 /under": "Begin",
        "m1 /value/score": f"{KEY} is 4",
    }


def test_history_ends_where_it_is_told_to(zoo: Zoo):
    score(zoo, 3)
    score(zoo, 4)
    assert len(steps(zoo, rev="HEAD~1")) == 2
    assert blamed(zoo, rev="HEAD~2")["m1 /value/score"] == "Begin"


def test_other_records_of_the_shard_are_no_part_of_it(zoo: Zoo):
    neighbour = next(f"pets/p{n}#m1" for n in range(1, 9) if zoo.shard(f"pets/p{n}#m1") == zoo.shard(KEY) and n != 2)
    score(zoo, 3, key=neighbour)
    assert len(steps(zoo)) == 1
    assert len(steps(zoo, neighbour)) == 2


def test_an_item_has_a_life_too(zoo: Zoo):
    zoo.change("pets/p2#", text="another text")
    zoo.commit("Reword")
    assert [row[:2] for row in steps(zoo, "pets/p2#")] == [("added", "Begin"), ("changed", "Reword")]


def test_deleted_and_added_again(zoo: Zoo):
    zoo.bury(KEY)
    zoo.commit("Delete", "Ben")
    assert now(zoo) == zoo.raw(KEY)
    with pytest.raises(DataError):
        blamed(zoo)
    zoo.put(KEY, rating("p2", 2, rev=3))
    zoo.commit("Again", "Cleo")
    assert [row[:2] for row in steps(zoo)] == [("added", "Begin"), ("removed", "Delete"), ("added", "Again")]
    assert set(blamed(zoo).values()) == {"Again"}


def test_removed_without_a_tombstone(zoo: Zoo):
    zoo.put(KEY, None)
    zoo.commit("Gone")
    life = trace.trace(zoo.at, Key.parse(KEY))
    assert (life.now, len(life.steps)) == (None, 2)


@pytest.mark.parametrize("key", ["pets/p2#m7", "pets/nobody#m1", "pets/nobody#", "pictures/p2#m1"])
def test_what_never_was_has_no_life(zoo: Zoo, key: str):
    with pytest.raises(DataError) as caught:
        steps(zoo, key)
    assert key in caught.value.message
    assert caught.value.hint


def test_unknown_datasets_items_and_revisions(zoo: Zoo):
    with pytest.raises(ConfigurationError) as caught:
        steps(zoo, "birds/b#1")
    assert "pets, pictures" in caught.value.hint
    with pytest.raises(DataError) as missing:
        dict(blame.item(zoo.at, "pets", "nobody"))
    assert "pets/nobody has no records at HEAD" in missing.value.message
    with pytest.raises(StoreError):
        steps(zoo, rev="nowhere")


def test_a_shallow_clone_cannot_tell(zoo: Zoo):
    score(zoo, 3)
    clone = Zoo(zoo.folder.parent / "clone")
    zoo.git("clone", "-q", "--depth", "1", f"file://{zoo.folder}", str(clone.folder))
    with pytest.raises(StoreError) as caught:
        steps(clone)
    assert caught.value.hint == "git fetch --unshallow"


# ---------------------------------------------------------------- merges
def test_both_sides_of_a_merge_edit_other_records_of_one_shard(zoo: Zoo):
    """The merge of the file is a new blob, and yet nobody's change."""
    other = next(f"pets/p{n}#m1" for n in range(8, 0, -1) if zoo.shard(f"pets/p{n}#m1") == zoo.shard(KEY) and n != 2)
    for number in range(3):  # git merges lines as text, so that neighbours would be a conflict
        zoo.put(f"pets/p2#z{number}", answer("p2", f"z{number}", "note", {"text": ""}))
    zoo.commit("Notes between")
    on_branch(zoo)
    topic = score(zoo, 3, "Ben")
    zoo.git("checkout", "-q", "main")
    score(zoo, 4, "Cleo", key=other)
    merge(zoo)
    head = zoo.git("rev-parse", "HEAD")
    assert [row[1:] for row in steps(zoo)][1:] == [(f"{KEY} is 3", "Ben")]
    assert [row[1:] for row in steps(zoo, other)][1:] == [(f"{other} is 4", "Cleo")]
    last = trace.trace(zoo.at, Key.parse(KEY)).steps[-1]
    assert (last.commit.id, last.integrated.id) == (topic, head)
    assert trace.trace(zoo.at, Key.parse(other)).steps[-1].integrated.id == zoo.git("rev-parse", "HEAD~1")
    assert blamed(zoo)["m1 /value/score"] == f"{KEY} is 3"


def conflict(zoo: Zoo) -> None:
    """Let two branches change one record, each another field, and stop in the merge."""
    zoo.change(KEY, ext={"note": "old"})
    zoo.commit("Note")
    on_branch(zoo)
    zoo.change(KEY, ext={"note": "new"})
    zoo.commit("Topic notes", "Ben")
    zoo.git("checkout", "-q", "main")
    score(zoo, 4, "Cleo")
    merge(zoo, code=1)


def test_an_edit_inside_a_merge_is_the_merges_own(zoo: Zoo):
    conflict(zoo)
    zoo.git("checkout", "-q", "--ours", zoo.shard(KEY))
    zoo.change(KEY, value={"score": -4}, ext={"note": "new"})
    zoo.commit("Evil merge", "Mallory")
    assert [row[1] for row in steps(zoo)][-1] == "Evil merge"
    assert blamed(zoo) | {"m1 /value/score": "Evil merge", "m1 /ext/note": "Topic notes"} == blamed(zoo)


def test_a_merge_that_takes_a_field_of_each_side_is_author_of_none(zoo: Zoo):
    conflict(zoo)
    zoo.git("checkout", "-q", "--ours", zoo.shard(KEY))
    zoo.change(KEY, ext={"note": "new"})
    zoo.commit("Both")
    assert blamed(zoo) | {"m1 /value/score": f"{KEY} is 4", "m1 /ext/note": "Topic notes", "m1 /by": "Begin"} == blamed(
        zoo
    )
    assert [row[1] for row in steps(zoo)][-1] == "Both"


@pytest.mark.parametrize(
    ("side", "value", "note"), [("--ours", f"{KEY} is 4", "Note"), ("--theirs", "Begin", "Topic notes")]
)
def test_of_a_side_that_was_thrown_away_nothing_is_left_now(zoo: Zoo, side: str, value: str, note: str):
    conflict(zoo)
    zoo.git("checkout", "-q", side, zoo.shard(KEY))
    zoo.commit("Choose")
    assert now(zoo) == zoo.raw(KEY)
    assert blamed(zoo) | {"m1 /value/score": value, "m1 /ext/note": note} == blamed(zoo)
    assert {row[1] for row in steps(zoo)} == {"Begin", "Note", "Topic notes", f"{KEY} is 4"}
    lost = {"--ours": "Topic notes", "--theirs": f"{KEY} is 4"}[side]
    told = {
        step.commit.subject: step.dropped and step.dropped.subject for step in trace.trace(zoo.at, Key.parse(KEY)).steps
    }
    assert told == dict.fromkeys(told) | {lost: "Choose"}


def test_a_merge_of_three(zoo: Zoo):
    homes = {zoo.shard(f"pets/p{number}#m1"): number for number in range(1, 9)}
    three = dict(zip(("one", "two", "three"), homes.values(), strict=False))
    for name, number in three.items():
        zoo.git("checkout", "-q", "-b", name, "main")
        score(zoo, 3, name.title(), key=f"pets/p{number}#m1")
    zoo.git("checkout", "-q", "main")
    zoo.git("merge", "-q", "-m", "Octopus", "one", "two", "three")
    for name, number in three.items():
        assert [row[2] for row in steps(zoo, f"pets/p{number}#m1")][1:] == [name.title()]
        assert blamed(zoo, f"p{number}")["m1 /value/score"] == f"pets/p{number}#m1 is 3"


# ---------------------------------------------------------------- rewritten history
def test_a_squash_is_one_step_of_the_one_who_squashed(zoo: Zoo):
    on_branch(zoo)
    score(zoo, 3, "Ben")
    score(zoo, 4, "Ben")
    zoo.git("checkout", "-q", "main")
    zoo.git("merge", "-q", "--squash", "topic")
    zoo.commit("Squashed", "Cleo")
    life = trace.trace(zoo.at, Key.parse(KEY))
    assert [(step.commit.subject, step.commit.author.name) for step in life.steps[1:]] == [("Squashed", "Cleo")]
    assert canonical.decode(life.now)["rev"] == 3


def test_a_rebase_keeps_authors(zoo: Zoo):
    on_branch(zoo)
    score(zoo, 3, "Ben")
    zoo.git("checkout", "-q", "main")
    score(zoo, 4, "Cleo", key="pets/p3#m1")
    zoo.git("checkout", "-q", "topic")
    zoo.git("rebase", "-q", "main")
    zoo.git("checkout", "-q", "main")
    zoo.git("merge", "-q", "--ff-only", "topic")
    assert [row[1:] for row in steps(zoo)][1:] == [(f"{KEY} is 3", "Ben")]


# ---------------------------------------------------------------- other files, other storage
def test_a_reshard_in_between_is_no_step(zoo: Zoo):
    score(zoo, 3)
    for shards in (16, 1024, 4):
        text = zoo.read("datasets/pets/dataset.yaml").decode()
        zoo.write(
            "datasets/pets/dataset.yaml",
            "".join(
                f"shards: {shards}\n" if line.startswith("shards") else line for line in text.splitlines(keepends=True)
            ),
        )
        tidy.tidy(zoo.at)
        zoo.commit(f"{shards} shards")
    score(zoo, 4)
    assert [row[1] for row in steps(zoo)] == ["Begin", f"{KEY} is 3", f"{KEY} is 4"]
    assert blamed(zoo)["m1 /by"] == "Begin"


def test_another_grouping_in_between_is_no_step(zoo: Zoo):
    together = shard.path("pets", "annotations", shard.place("p", 1))
    key = next(f"pets/p{n}#m1" for n in range(1, 9) if zoo.shard(f"pets/p{n}#m1") != together)
    score(zoo, 3, key=key)
    zoo.replace("datasets/pets/dataset.yaml", "shards: 4", 'shards: 4\ngroup: "^(p)"')
    tidy.tidy(zoo.at)
    zoo.commit("Group")
    assert zoo.git("ls-files", "datasets/pets/annotations") == together
    zoo.replace("datasets/pets/dataset.yaml", '\ngroup: "^(p)"', "")
    tidy.tidy(zoo.at)
    zoo.commit("Ungroup")
    score(zoo, 4, key=key)
    assert [row[1] for row in steps(zoo, key)] == ["Begin", f"{key} is 3", f"{key} is 4"]


def test_through_dvc_and_back(zoo: Zoo):
    score(zoo, 3)
    zoo.store_in_dvc()
    zoo.commit("Store in DVC")
    zoo.change(KEY, value={"score": 4})
    zoo.store_in_dvc()
    zoo.commit("Behind the pointer", "Ben")
    on_branch(zoo)
    zoo.change("pets/p3#m1", value={"score": 4})
    zoo.store_in_dvc()
    zoo.commit("Another record")
    zoo.git("checkout", "-q", "main")
    merge(zoo)
    assert [row[1] for row in steps(zoo)] == ["Begin", f"{KEY} is 3", "Behind the pointer"]
    assert [row[1] for row in steps(zoo, "pets/p3#m1")] == ["Begin", "Another record"]
    assert blamed(zoo)["m1 /value/score"] == "Behind the pointer"
    for name in ("annotations.dvc", "annotations.sha256", ".gitignore"):
        (zoo.folder / "datasets/pets" / name).unlink()
    zoo.replace("datasets/pets/dataset.yaml", "storage: dvc", "storage: git")
    zoo.commit("Back to git")
    assert [row[1] for row in steps(zoo)] == ["Begin", f"{KEY} is 3", "Behind the pointer"]


# ---------------------------------------------------------------- approvals
RECORD, QUOTED = "reviews/rev-1#r1", 'reviews/rev-"9"#r1'
REVIEWS = """schema: urn:labelvc:schema:dataset:1
name: reviews
id: 0c4a7f7e-6c1e-4b3a-9a5e-2f6c1b7d9e10
tasks: {sentiment: false}
shards: 16
"""


def relabel(desk: Desk, label: str) -> None:
    """Change both records and commit that, each in the file where it belongs."""
    for path in (desk.folder / "datasets/reviews/annotations").iterdir():
        rows = [canonical.decode(line) for line in path.read_bytes().splitlines()]
        new = [
            {**row, "rev": row["rev"] + 1, "value": {"text": label}} if row["item"] in ("rev-1", 'rev-"9"') else row
            for row in rows
        ]
        path.write_bytes(b"".join(sorted(canonical.encode_record(row) + b"\n" for row in new)))
    desk.commit(label)


@pytest.fixture
def sound(desk: Desk) -> Desk:
    """Return the desk with documents that `trace` can read, and two records changed on `topic`."""
    desk.git("checkout", "-q", "main")
    desk.write("guidelines/mood.yaml", GUIDELINE)
    desk.write("datasets/reviews/dataset.yaml", REVIEWS)
    desk.save({**desk.records(), 'rev-"9"': people.record('rev-"9"', "bad")})
    tidy.tidy(Zoo(desk.folder).at)
    desk.commit("In form")
    desk.git("checkout", "-q", "-B", "topic")
    relabel(desk, "good")
    return desk


def integrate(desk: Desk) -> None:
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "--no-verify", "-m", "Merge", "topic")


def votes(desk: Desk, key: str = RECORD) -> list[list[tuple[str, str, str, bool]]]:
    life = trace.trace(Zoo(desk.folder).at, Key.parse(key))
    return [
        sorted([(vote.decision, vote.principal, vote.role, bool(vote.problem)) for vote in step.votes])
        for step in life.steps
    ]


@pytest.mark.parametrize("key", [RECORD, QUOTED])
def test_approvals_stand_beside_the_change_they_cover(sound: Desk, key: str):
    sound.approve("ben")
    sound.approve("cleo", "main...topic", "reviewer", "--decision", "reject", "--reason", "no")
    integrate(sound)
    assert votes(sound, key) == [[], [("approve", "ben", "reviewer", False), ("reject", "cleo", "reviewer", False)]]
    assert trace.trace(Zoo(sound.folder).at, Key.parse(key)).steps[-1].governed


def test_an_approval_covers_each_step_of_what_it_approved_as_a_whole(sound: Desk):
    relabel(sound, "better")
    sound.approve("ben")
    integrate(sound)
    assert votes(sound) == [[], [("approve", "ben", "reviewer", False)], [("approve", "ben", "reviewer", False)]]


def test_a_squash_keeps_its_approval(sound: Desk):
    relabel(sound, "better")
    sound.approve("ben")
    sound.git("checkout", "-q", "main")
    sound.git("merge", "-q", "--squash", "topic")
    sound.commit("Squashed", who="cleo")
    assert votes(sound) == [[], [("approve", "ben", "reviewer", False)]]


def test_a_flipped_byte_makes_an_approval_void(sound: Desk):
    people.flip(sound, sound.approve("ben"), "signedAt")
    integrate(sound)
    assert votes(sound)[-1] == [("", "", "", True)]


def test_an_approval_of_another_change_is_not_shown(sound: Desk):
    sound.approve("ben")
    integrate(sound)
    relabel(sound, "later")
    assert [len(found) for found in votes(sound)] == [0, 1, 0]


def late(desk: Desk) -> None:
    """Bring the topic in unapproved, and sign it afterwards."""
    integrate(desk)
    step = desk.git("rev-parse", "HEAD")
    desk.approve("ben", f"{step}~1...{step}")
    desk.git("add", "--all")
    desk.git("commit", "-q", "--no-verify", "--allow-empty", "-m", "A late approval")


def test_a_late_approval_did_not_stand_as_verify_says_too(sound: Desk):
    late(sound)
    step = trace.trace(Zoo(sound.folder).at, Key.parse(RECORD)).steps[-1]
    assert [(vote.decision, vote.stood) for vote in step.votes] == [("approve", False)]
    at = Zoo(sound.folder).at
    states = {one.commit: one.state for one in verify.verify(at, courses.read(at, None, everything=True), None)[0]}
    assert states[step.integrated.id] == "missing"


def test_an_approval_in_time_stood_as_verify_says_too(sound: Desk):
    sound.approve("ben")
    integrate(sound)
    step = trace.trace(Zoo(sound.folder).at, Key.parse(RECORD)).steps[-1]
    assert [(vote.decision, vote.stood) for vote in step.votes] == [("approve", True)]
    at = Zoo(sound.folder).at
    states = {one.commit: one.state for one in verify.verify(at, courses.read(at, None, everything=True), None)[0]}
    assert states[step.integrated.id] == "approved"


# ---------------------------------------------------------------- another name of the dataset
def _renamed(zoo: Zoo, name: str = "animals") -> None:
    zoo.git("mv", "datasets/pets", f"datasets/{name}")
    document = f"datasets/{name}/dataset.yaml"
    text = zoo.read(document).decode()
    zoo.write(document, text.replace("name: pets", f"name: {name}"))


def test_a_life_goes_on_when_its_dataset_gets_another_name(zoo: Zoo):
    score(zoo, 3, "Ben")
    _renamed(zoo)
    zoo.commit("Call them animals", "Cleo")
    score(zoo, 4, "Ada", key="animals/p2#m1")
    key = "animals/p2#m1"
    found = trace.trace(zoo.at, Key.parse(key)).steps
    assert [(str(step.delta.key), step.former and str(step.former), step.commit.subject) for step in found] == [
        (KEY, None, "Begin"),
        (KEY, None, f"{KEY} is 3"),
        (key, KEY, "Call them animals"),
        (key, None, f"{key} is 4"),
    ]
    assert steps(zoo, "animals/p2#")[0][1] == "Begin"


def test_a_copy_of_a_dataset_is_no_other_name_of_it(zoo: Zoo):
    shutil.copytree(zoo.folder / "datasets/pets", zoo.folder / "datasets/copies")
    zoo.replace("datasets/copies/dataset.yaml", "name: pets", "name: copies")
    zoo.commit("Copy")
    shutil.rmtree(zoo.folder / "datasets/pets")
    zoo.commit("Away")
    assert [row[1] for row in steps(zoo, "copies/p2#m1")] == ["Copy"]


def test_what_the_old_name_declared_sensitive_stays_hidden(zoo: Zoo, labelvc: Callable[..., tuple[int, str, str]]):
    declared = "  - {pointer: /ext/rater, kind: person}\n"
    zoo.replace("datasets/pets/dataset.yaml", "sensitive:\n", f"sensitive:\n{declared}")
    zoo.change(KEY, ext={"rater": "Jo Doe"})
    zoo.commit("By hand")
    zoo.replace("datasets/pets/dataset.yaml", declared, "")
    _renamed(zoo)
    zoo.commit("Call them animals")
    for form in ("text", "json", "prov"):
        code, out, err = labelvc(zoo.folder, "trace", "animals/p2#m1", "--format", form)
        assert (code, "By hand" in out or form == "prov", "Jo Doe" in out + err) == (0, True, False)


# ---------------------------------------------------------------- another key
def rekey(zoo: Zoo, old: str, new: str, **more: object) -> None:
    """Move an item and its rating to another id, as an import does that makes other ids of the same natural key."""
    item, record = zoo.row(f"pets/{old}#"), zoo.row(f"pets/{old}#m1")
    zoo.put(f"pets/{old}#", None)
    zoo.bury(f"pets/{old}#m1")
    zoo.put(f"pets/{new}#", {**item, "id": new, **more})
    zoo.put(f"pets/{new}#m1", {**record, "item": new, "rev": 1, "origin": {"tool": "csv"}})


def test_a_record_is_followed_to_the_key_it_had_before(zoo: Zoo):
    score(zoo, 3)
    for number in range(3, 6):  # others go with it, some with equal ratings: the natural key tells them apart
        rekey(zoo, f"p{number}", f"q{number}")
    rekey(zoo, "p2", "q2")
    zoo.commit("Import with other ids")
    score(zoo, 4, key="pets/q2#m1")
    life = trace.trace(zoo.at, Key.parse("pets/q2#m1"))
    assert [(str(step.delta.key), step.former and str(step.former), step.commit.subject) for step in life.steps] == [
        (KEY, None, "Begin"),
        (KEY, None, f"{KEY} is 3"),
        ("pets/q2#m1", KEY, "Import with other ids"),
        ("pets/q2#m1", None, "pets/q2#m1 is 4"),
    ]
    assert str(trace.trace(zoo.at, Key.parse(KEY)).later) == "pets/q2#m1"
    rekey(zoo, "q2", "r2")
    zoo.commit("And once more")
    assert len(trace.trace(zoo.at, Key.parse("pets/r2#m1")).steps) == 5


@pytest.mark.parametrize("word", ["another", None])
def test_another_natural_key_is_another_thing(zoo: Zoo, word: str | None):
    rekey(zoo, "p2", "q2", natural={"word": word} if word else {"other": "w2"})
    zoo.commit("Import")
    assert len(steps(zoo, "pets/q2#m1")) == 1
    assert trace.trace(zoo.at, Key.parse(KEY)).later is None


def test_two_that_may_have_been_it_are_not_guessed_at(zoo: Zoo):
    zoo.put("pets/p2#m9", {**zoo.row(KEY), "id": "m9"})
    zoo.commit("Twins")
    for name in ("m1", "m9"):
        zoo.put(f"pets/p2#{name}", None)
    zoo.put("pets/p2#n1", rating("p2", 0, name="n1"))
    zoo.commit("One of them")
    assert len(steps(zoo, "pets/p2#n1")) == 1


def test_another_id_in_the_same_item(zoo: Zoo):
    row = zoo.row(KEY)
    zoo.put(KEY, None)
    zoo.put("pets/p2#n1", {**row, "id": "n1"})
    zoo.commit("Other ids")
    assert [row[:2] for row in steps(zoo, "pets/p2#n1")] == [("added", "Begin"), ("changed", "Other ids")]


# ---------------------------------------------------------------- what it meant then
def test_a_label_means_what_it_meant_then(zoo: Zoo):
    zoo.replace("taxonomies/animals.yaml", "version: 1.0.0", "version: 1.1.0")
    zoo.replace("taxonomies/animals.yaml", "name: Cat", "name: House cat")
    zoo.commit("Rename")
    zoo.change("pets/p1#k1", value={"label": "dog"})
    zoo.commit("A dog")
    first, second = trace.trace(zoo.at, Key.parse("pets/p1#k1")).steps
    assert first.meaning is not None
    assert second.meaning is not None
    assert (first.meaning.taxonomy, *first.meaning.texts[0]) == ("animals@1.0.0", "cat", "", "Cat", "House cat", (), "")
    assert (second.meaning.taxonomy, second.meaning.texts[0].label) == ("animals@1.1.0", "dog")


def test_the_guideline_is_that_of_the_record_not_of_the_day(zoo: Zoo):
    zoo.replace("guidelines/mood.yaml", "labels: {}", 'labels: {"3": {definition: Old words}}')
    zoo.commit("Define")
    zoo.replace("guidelines/mood.yaml", "1.1.0", "1.2.0")
    zoo.replace("guidelines/mood.yaml", "Old words", "New words")
    zoo.commit("Another version")
    score(zoo, 3)
    score(zoo, 3, under="mood@1.2.0")
    score(zoo, 3, under="mood@9.9.9")
    told = [step.meaning for step in trace.trace(zoo.at, Key.parse(KEY)).steps[1:]]
    assert [(one.guideline, one.found, [text.definition for text in one.texts]) for one in told if one] == [
        ("mood@1.1.0", True, ["Old words"]),
        ("mood@1.2.0", True, ["New words"]),
        ("mood@9.9.9", False, []),
    ]


# ---------------------------------------------------------------- what is remembered
def test_what_is_remembered_may_be_lost_or_broken_and_holds_no_content(zoo: Zoo):
    zoo.change(KEY, by=PLAIN, ext={PLAIN: PLAIN}, value={"score": 3})
    zoo.commit("A plain value")
    expected = list(blame.whole(zoo.at, "pets"))
    place = zoo.at.common / "labelvc/cache/results.sqlite3"
    with contextlib.closing(sqlite3.connect(place, isolation_level=None)) as table:
        rows = table.execute("SELECT key, value FROM result_1 WHERE key LIKE 'labelvc.blame%'").fetchall()
        assert rows
        assert PLAIN.encode() not in b"".join(key.encode() + value for key, value in rows)
        assert b"score" not in b"".join(value for _, value in rows)
        table.execute("UPDATE result_1 SET value = CAST(x'00' || value AS BLOB)")
    assert list(blame.whole(zoo.at, "pets")) == expected
    place.write_bytes(b"no database")
    assert list(blame.whole(zoo.at, "pets")) == expected
    place.unlink()
    assert list(blame.whole(zoo.at, "pets")) == expected
    assert {origin.by for key, origins in expected if str(key) == KEY for origin in origins} == {"", ANNA}


def test_portions_of_a_dataset_are_the_whole(zoo: Zoo, monkeypatch: pytest.MonkeyPatch):
    score(zoo, 3)
    on_branch(zoo)
    score(zoo, 4)
    zoo.git("checkout", "-q", "main")
    score(zoo, 2, key="pets/p5#m1")
    merge(zoo)
    expected = sorted(blame.whole(zoo.at, "pets"))
    monkeypatch.setattr(blame, "_AT_ONCE", 2)
    for _ in range(2):
        assert sorted(blame.whole(zoo.at, "pets")) == expected
    assert len(expected) > 8


# ---------------------------------------------------------------- odd repositories
def test_a_repository_with_other_object_ids(tmp_path: Path):
    zoo = make(tmp_path / "other", "--object-format=sha256")
    score(zoo, 3)
    assert len(zoo.git("rev-parse", "HEAD")) == 64
    assert [row[1] for row in steps(zoo)] == ["Begin", f"{KEY} is 3"]
    assert blamed(zoo)["m1 /value/score"] == f"{KEY} is 3"


def test_no_commit_yet(tmp_path: Path):
    zoo = Zoo(tmp_path / "empty")
    zoo.folder.mkdir()
    zoo.git("init", "-q")
    for ask in (
        lambda: trace.trace(zoo.at, Key.parse(KEY)),
        lambda: list(blame.whole(zoo.at, "pets")),
        lambda: list(log.read(zoo.at, "", log.Span(), log.Filter())),
    ):
        with pytest.raises(StoreError) as caught:
            ask()
        assert caught.value.message == "there is no commit yet"


def test_settings_and_messages_do_not_confuse_it(zoo: Zoo):
    for name, value in {
        "log.showSignature": "true", "diff.noprefix": "true", "log.follow": "true", "diff.renames": "copies", "core.quotePath": "true",
        "color.ui": "always", "diff.external": "/bin/false", "log.showRoot": "false", "diff.algorithm": "patience", "diff.context": "9",
    }.items():  # fmt: skip
        zoo.git("config", name, value)
    zoo.change(KEY, value={"score": 3})
    zoo.commit("\n\ncommit 1234\n\x01odd\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+line\n", "Ben")
    score(zoo, 4)
    assert [row[0] for row in steps(zoo)] == ["added", "changed", "changed"]
    assert len(list(log.read(zoo.at, "", log.Span(), log.Filter()))) == 3
    assert set(blamed(zoo)) == {"m1 /by", "m1 /task", "m1 /under", "m1 /value/score"}


def test_a_merge_of_a_resharded_side(zoo: Zoo):
    """The side that did not reshard holds the record in a file that the merge lacks."""
    on_branch(zoo)
    score(zoo, 3, "Ben")
    zoo.git("checkout", "-q", "main")
    zoo.replace("datasets/pets/dataset.yaml", "shards: 4", "shards: 16")
    tidy.tidy(zoo.at)
    zoo.commit("16 shards")
    zoo.git("merge", "-q", "--no-commit", "-s", "ours", "topic")
    wide = zoo.shard(KEY, 16)
    zoo.write(
        wide,
        zoo.read(wide).replace(
            b'"rev":1,"task":"mood","under":"mood@1.1.0","value":{"score":0}',
            b'"rev":2,"task":"mood","under":"mood@1.1.0","value":{"score":3}',
            1,
        ),
    )
    zoo.commit("Merge topic")
    life = trace.trace(zoo.at, Key.parse(KEY))
    assert [(step.commit.subject, step.integrated.subject) for step in life.steps] == [
        ("Begin", "Begin"),
        (f"{KEY} is 3", "Merge topic"),
    ]
    assert blamed(zoo)["m1 /value/score"] == f"{KEY} is 3"
    told = list(log.read(zoo.at, "pets", log.Span(), log.Filter()))
    assert [one.commit.subject for one in told if one.records] == [f"{KEY} is 3", "Begin"]


def test_a_branch_that_took_its_change_back_set_nothing(zoo: Zoo):
    """Its line is the same byte for byte, and lies nearer to the end than the commit that made it."""
    begun = zoo.raw(KEY)
    on_branch(zoo)
    score(zoo, 3, "Ben")
    zoo.put(KEY, begun)
    zoo.commit("Take it back", "Ben")
    zoo.git("checkout", "-q", "main")
    score(zoo, 4, key="pets/p3#m1")
    merge(zoo)
    assert set(blamed(zoo).values()) == {"Begin"}
    assert [row[1] for row in steps(zoo)] == ["Begin", f"{KEY} is 3", "Take it back"]


def test_a_merge_drops_a_record_whose_file_neither_it_nor_one_parent_has(zoo: Zoo):
    """Of four shards the one has the record on one side, of 1,024 another on the other side: the merge is like a parent in both."""
    on_branch(zoo)
    zoo.replace("datasets/pets/dataset.yaml", "shards: 4", "shards: 1024")
    tidy.tidy(zoo.at)
    zoo.commit("1,024 shards")
    zoo.git("checkout", "-q", "main")
    score(zoo, 3, key="pets/p3#m1")
    zoo.git("merge", "-q", "--no-commit", "-s", "ours", "topic")
    zoo.git("read-tree", "-u", "--reset", "topic")
    alone = zoo.shard(KEY, 1024)
    assert zoo.read(alone).count(b"\n") == 1
    (zoo.folder / alone).unlink()
    zoo.commit("Merge topic and drop a record")
    assert [row[:2] for row in steps(zoo)] == [("added", "Begin"), ("removed", "Merge topic and drop a record")]
    for wanted in ("pets", KEY):
        told = list(log.read(zoo.at, wanted, log.Span(), log.Filter()))
        assert told[0].records == {"removed": 1}, wanted


def test_a_partial_clone_fetches_the_past_at_once(
    zoo: Zoo, gits: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
):
    """Each of twelve versions of a shard would be a fetch of its own: that many round trips, and processes."""
    for number in range(12):
        score(zoo, number % 4)
    for name in ("allowFilter", "allowAnySHA1InWant"):
        zoo.git("config", f"uploadpack.{name}", "true")
    clone = Zoo(zoo.folder.parent / "partial")
    for told in (
        lambda: steps(clone),
        lambda: dict(blame.item(clone.at, "pets", "p2")),
        lambda: dict(blame.whole(clone.at, "pets")),
        lambda: list(log.read(clone.at, KEY, log.Span(), log.Filter())),
    ):
        zoo.git("clone", "-q", "--filter=blob:none", zoo.folder.as_uri(), str(clone.folder))
        gits()
        found = told()
        fetches = [line for line in gits() if line.startswith(("fetch", "-c fetch"))]
        assert 1 <= len(fetches) <= 2, fetches
        monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "none")  # all is here now
        assert told() == found
        monkeypatch.delenv("GIT_ALLOW_PROTOCOL")
        shutil.rmtree(clone.folder)
