"""Diff between snapshots: the same deltas whichever moments and storages are compared, and memory that stays flat."""

from __future__ import annotations

import itertools
import tracemalloc

import pytest

from labelvc.codec import canonical, document, shard
from labelvc.core import diff as rules
from labelvc.errors import StoreError
from labelvc.model.change import Delta
from labelvc.model.names import Key
from labelvc.model.snapshot import Snapshot
from labelvc.ops import diff
from labelvc.store import tree
from tests.zoo import Zoo, answer, rating, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Lines = dict[Key, bytes]


def lying(zoo: Zoo) -> Lines:
    """Read every line of the pets from the disk, without labelvc's readers."""
    found: Lines = {}
    for layer in ("items", "annotations"):
        for path in (zoo.folder / "datasets/pets" / layer).rglob("*.jsonl"):
            for line in path.read_bytes().splitlines():
                row = canonical.decode(line)
                found[Key("pets", row.get("item", row["id"]), row["id"] if layer == "annotations" else "")] = line
    return found


def differing(old: Lines, new: Lines) -> set[Delta]:
    return {Delta(key, old.get(key), new.get(key)) for key in old.keys() | new.keys() if old.get(key) != new.get(key)}


def records(zoo: Zoo, old: Snapshot, new: Snapshot) -> list[Delta]:
    return [delta for delta in diff.between(zoo.at, old, new) if isinstance(delta.key, Key)]


def between(zoo: Zoo, words: str | None = None, *, staged: bool = False) -> list[Delta]:
    return list(diff.between(zoo.at, *diff.resolve(zoo.at, words, staged=staged)))


def keys(deltas: list[Delta]) -> list[str]:
    return sorted(str(delta.key) for delta in deltas)


def reshard(zoo: Zoo, shards: int) -> None:
    """Cut the pets into another number of shards, as any program could."""
    path = "datasets/pets/dataset.yaml"
    zoo.write(path, document.edit(zoo.read(path), {("shards",): shards}))
    files: dict[str, list[bytes]] = {}
    for key, line in lying(zoo).items():
        place = shard.place(key.item, shard.digits(shards))
        files.setdefault(shard.path("pets", "annotations" if key.id else "items", place), []).append(line)
    for layer in ("items", "annotations"):
        for old in (zoo.folder / "datasets/pets" / layer).rglob("*.jsonl"):
            old.unlink()
    for name, lines in files.items():
        zoo.write(name, shard.write(lines))


def edit(zoo: Zoo, step: int) -> None:
    """Change, add, delete and touch records and items; each step does something else."""
    zoo.change(f"pets/p{step + 1}#m1", value={"score": 4 - step})
    zoo.put(f"pets/p{step + 1}#new{step}", answer(f"p{step + 1}", f"new{step}", "note", {"text": "a\u2028b"}))
    zoo.put(f"pets/new-{step}/x#y#", {"id": f"new-{step}/x#y", "natural": {"word": f"new {step}"}})
    zoo.put(f"pets/new-{step}/x#y#m1", rating(f"new-{step}/x#y"))
    zoo.bury(f"pets/p{step + 4}#m1")
    zoo.change(f"pets/p{step + 4}#", text="other")


def test_every_pair_of_moments_differs_by_what_their_lines_say(zoo: Zoo):
    """Commits in git, commits in DVC, index and work tree, each compared with each, both ways."""
    moments: list[tuple[Snapshot, Lines]] = []

    def remember() -> None:
        moments.append((tree.commit(zoo.at, zoo.commit("moment")), lying(zoo)))

    remember()
    edit(zoo, 0)
    remember()
    zoo.store_in_dvc()
    remember()
    edit(zoo, 1)
    zoo.store_in_dvc()
    remember()
    edit(zoo, 2)
    zoo.store_in_dvc()
    zoo.git("add", "--all")
    moments.append((tree.index(zoo.at), lying(zoo)))
    edit(zoo, 3)
    moments.append((tree.work(zoo.at), lying(zoo)))
    for (one, before), (two, after) in itertools.product(moments, repeat=2):
        found = records(zoo, one, two)
        assert len(found) == len(set(found))
        assert set(found) == differing(before, after), f"{one.name} {one.kind} .. {two.name} {two.kind}"
        assert set(records(zoo, two, one)) == {~delta for delta in found}


def test_moving_annotations_to_dvc_and_back_changes_no_record(zoo: Zoo):
    before = tree.commit(zoo.at, "HEAD")
    zoo.store_in_dvc()
    zoo.commit("Store in DVC")
    assert keys(between(zoo, "HEAD~1..HEAD")) == [
        ".dvc/.gitignore",
        ".dvc/config",
        ".dvcignore",
        "datasets/pets/.gitignore",
        "datasets/pets/dataset.yaml",
    ]
    for name in ("annotations.dvc", "annotations.sha256", ".gitignore"):
        (zoo.folder / "datasets/pets" / name).unlink()
    zoo.replace("datasets/pets/dataset.yaml", "storage: dvc", "storage: git")
    zoo.commit("Back to git")
    assert records(zoo, before, tree.commit(zoo.at, "HEAD")) == []
    assert keys(between(zoo, "HEAD~1..HEAD")) == ["datasets/pets/.gitignore", "datasets/pets/dataset.yaml"]


@pytest.mark.parametrize("shards", [16, 64, 1024])
def test_another_number_of_shards_is_no_change(zoo: Zoo, shards: int):
    reshard(zoo, shards)
    assert keys(between(zoo)) == ["datasets/pets/dataset.yaml"]
    zoo.git("add", "--all")
    assert keys(between(zoo, staged=True)) == ["datasets/pets/dataset.yaml"]
    zoo.commit("Reshard")
    assert keys(between(zoo, "HEAD~1..HEAD")) == keys(between(zoo, "HEAD..HEAD~1")) == ["datasets/pets/dataset.yaml"]


def test_an_edit_within_a_reshard_is_seen_alone(zoo: Zoo):
    old = lying(zoo)
    edit(zoo, 0)
    new = lying(zoo)
    reshard(zoo, 64)
    zoo.commit("Reshard, and something else")
    assert set(records(zoo, tree.commit(zoo.at, "HEAD~1"), tree.commit(zoo.at, "HEAD"))) == differing(old, new)


def test_a_second_record_of_a_key_in_a_wrong_shard_is_shown(zoo: Zoo):
    """What a person signs must not hide a line, however broken the tree is."""
    home = zoo.shard("pets/p1#k1")
    lines = [zoo.raw("pets/p1#k1").replace(b'"rev":1', b'"rev":%d' % rev) for rev in (2, 3)]
    others = [shard.path("pets", "annotations", name) for name in "0123"]
    others.remove(home)
    for path, line in zip(others, lines, strict=False):
        kept = zoo.read(path).splitlines() if (zoo.folder / path).exists() else []
        zoo.write(path, shard.write([*kept, line]))
    found = between(zoo)
    assert {delta.new for delta in found} == set(lines)
    assert keys(found) == ["pets/p1#k1"] * 2
    zoo.commit("Three of one key")
    assert {delta.new for delta in between(zoo, "HEAD~1..HEAD")} == set(lines)


def test_documents_are_compared_whole_and_statements_about_changes_are_left_out(zoo: Zoo):
    zoo.write("approvals/sha256-x/changeset.jsonl", "x")
    zoo.write("releases/1.0.0.json", "{}")
    zoo.write("README.md", "Pets")
    zoo.replace("taxonomies/animals.yaml", "Cat", "House cat")
    zoo.write("trust/policy.json", "{}")
    (zoo.folder / "guidelines/mood.versions.jsonl").unlink()
    found = between(zoo)
    assert [str(delta.key) for delta in found] == [
        "README.md",
        "guidelines/mood.versions.jsonl",
        "taxonomies/animals.yaml",
        "trust/policy.json",
    ]
    assert [rules.kind_of(delta) for delta in found] == ["added", "removed", "changed", "added"]
    zoo.git("add", "--all")
    assert between(zoo, staged=True) == found


@pytest.mark.parametrize(
    ("path", "is_document"),
    [
        ("labelvc.yaml", True),
        ("datasets/pets/dataset.yaml", True),
        ("datasets/pets/annotations/0.jsonl", False),
        ("datasets/pets/annotations/031/031203.jsonl", False),
        ("datasets/pets/annotations/notes.txt", True),
        ("datasets/pets/annotations.dvc", False),
        ("datasets/pets/annotations.sha256", False),
        ("datasets/pets/media.dvc", True),
        ("annotations.dvc", True),
        ("approvals/sha256-a/b.json", False),
        ("approvals.md", True),
        ("releases/1.json", False),
        ("trust/policy.json", True),
    ],
)
def test_what_counts_as_a_document(path: str, is_document: bool):
    assert diff.is_document(path) == is_document


def test_a_work_tree_that_was_only_touched_does_not_differ(zoo: Zoo):
    for path in zoo.folder.rglob("*.jsonl"):
        zoo.write(str(path.relative_to(zoo.folder)), path.read_bytes())
    assert between(zoo) == between(zoo, staged=True) == []


def test_words_of_ranges(zoo: Zoo):
    zoo.git("checkout", "-q", "-b", "topic")
    zoo.change("pets/p1#m1", value={"score": 4})
    zoo.commit("topic")
    zoo.git("checkout", "-q", "main")
    zoo.change("pets/p2#m1", value={"score": 4})
    zoo.commit("main")
    zoo.change("pets/p3#m1", value={"score": 4})
    p1, p2, p3 = (f"pets/p{number}#m1" for number in (1, 2, 3))
    assert keys(between(zoo, "main..topic")) == [p1, p2]
    assert keys(between(zoo, "main...topic")) == keys(between(zoo, "...topic")) == [p1]
    assert keys(between(zoo, "topic...")) == [p2]
    assert keys(between(zoo, "topic")) == [p1, p2, p3]
    assert keys(between(zoo, "topic", staged=True)) == [p1, p2]
    assert keys(between(zoo)) == [p3]
    assert keys(between(zoo, "main..")) == []
    with pytest.raises(StoreError) as caught:
        diff.resolve(zoo.at, "main..topic", staged=True)
    assert caught.value.hint == "labelvc diff --staged"
    with pytest.raises(StoreError):
        diff.resolve(zoo.at, "main..nowhere")


def test_before_the_first_commit_everything_is_new(zoo: Zoo):
    zoo.git("update-ref", "-d", "HEAD")
    found = between(zoo)
    assert {delta.old for delta in found} == {None}
    assert between(zoo, staged=True) == found
    assert len(found) == len(list(diff.between(zoo.at, tree.empty(), tree.index(zoo.at)))) > 30


def test_what_concerns_a_key_an_item_a_dataset_or_a_document():
    delta = Delta(Key("pets", "a#b", "1"), None, b"")
    assert [
        word for word in ("pets/a#b#1", "pets/a#b", "pets", "a#b", "pet", "pets/a") if diff.matches(delta, word)
    ] == ["pets/a#b#1", "pets/a#b", "pets"]
    assert diff.matches(Delta("labelvc.yaml", None, b""), "labelvc.yaml")


def test_memory_stays_flat_over_many_shards(zoo: Zoo):
    """One record of each of 1,024 shards of 64 KB changes: the deltas are never all there at once."""
    zoo.write("datasets/pets/dataset.yaml", document.edit(zoo.read("datasets/pets/dataset.yaml"), {("shards",): 1024}))
    filler = b"".join(
        [canonical.encode_record(answer("z", f"f{n}", "note", {"text": "x" * 500})) + b"\n" for n in range(60)]
    )
    for number in range(400):
        name = shard.path("pets", "annotations", "".join("0123"[number >> shift & 3] for shift in range(8, -2, -2)))
        zoo.write(
            name, filler + canonical.encode_record(answer("zz", f"n{number}", "note", {"text": "old" * 900})) + b"\n"
        )
    zoo.commit("Many")
    for path in (zoo.folder / "datasets/pets/annotations").rglob("*/*.jsonl"):
        path.write_bytes(path.read_bytes().replace(b"old" * 900, b"new" * 900))
    zoo.commit("Change each")
    old, new = tree.commit(zoo.at, "HEAD~1"), tree.commit(zoo.at, "HEAD")
    for one, two in (
        (old, new),
        (
            old,
            tree.work(zoo.at)._replace(
                entries={path: entry._replace(kind="disk", id="") for path, entry in new.entries.items()}
            ),
        ),
    ):
        tracemalloc.start()
        count = size = 0
        for delta in diff.shard_deltas(zoo.at, one, two):
            count += 1
            size += len(delta.old or b"") + len(delta.new or b"")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == 400
        assert size > 2_000_000
        assert peak < 1_200_000, f"{peak} bytes at most"


def test_a_narrow_listing_gives_the_same_deltas(zoo: Zoo):
    """What `labelvc diff` asks for lists only what differs; storage, reshards and documents must not matter."""

    def same(words: str) -> None:
        found = list(diff.between(zoo.at, *diff.resolve(zoo.at, words)))
        assert found
        with tree.reader(zoo.at) as reader:
            part = diff.resolve(zoo.at, words, reader=reader)
            assert list(diff.between(zoo.at, *part, reader)) == found
            assert list(diff.between(zoo.at, *part, reader)) == found, "a second time"
            assert list(diff.between(zoo.at, *part)) == found, "with another reader"

    zoo.change("pets/p1#m1", value={"score": 3})
    zoo.put("pets/p9#", {"id": "p9", "natural": {"word": "w9"}, "text": "new"})
    zoo.replace("labelvc.yaml", "Know the animals", "Know all animals")
    zoo.write("approvals/x/changeset.jsonl", "{}\n")
    zoo.write("releases/1.json", "{}\n")
    zoo.commit("edits")
    same("HEAD~1..HEAD")
    zoo.store_in_dvc()
    zoo.change("pets/p2#m1", value={"score": 3})
    zoo.commit("to DVC")
    same("HEAD~1..HEAD")
    zoo.change("pets/p3#m1", value={"score": 3})
    zoo.store_in_dvc()
    zoo.commit("in DVC")
    same("HEAD~1..HEAD")
    zoo.change("pictures/b.jpg#x1", value={"label": "dog", "box": [1, 1, 2, 2]})
    zoo.commit("beside DVC")
    same("HEAD~1..HEAD")
    same("HEAD~4..HEAD")
