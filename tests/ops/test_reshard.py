"""Resharding moves every line and changes none, whatever the two layouts are."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelvc.codec import shard
from labelvc.core import changeset
from labelvc.errors import DataError, RefusedError, StoreError
from labelvc.ops import check, diff, reshard, sizes
from labelvc.ops.reshard import Request
from labelvc.store import files, journal, tree
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
LAYOUTS = st.tuples(st.sampled_from([4, 16, 64, 1024]), st.sampled_from([None, "^p(.)", "[0-9]", "(1|2)", "x"]))


def lines(zoo: Zoo, layer: str) -> list[bytes]:
    return sorted(
        line
        for path in (zoo.folder / f"datasets/pets/{layer}").rglob("*.jsonl")
        for line in shard.lines(path.read_bytes())
    )


def held(zoo: Zoo, layout: tuple[int, str | None]) -> None:
    """Hold that every line lies, sorted, in the one shard that the layout says, and that nothing else lies there."""
    k, pattern = shard.digits(layout[0]), re.compile(layout[1]) if layout[1] else None
    for path in (zoo.folder / "datasets/pets").rglob("*.jsonl"):
        found = shard.parse_path(path.relative_to(zoo.folder).as_posix())
        assert found is not None
        rows = shard.lines(path.read_bytes())
        assert rows == sorted(rows)
        for row in rows:
            key = shard.key_of(row, "pets", found[1])
            assert shard.place(shard.group_of(key.item, pattern), k) == found[2]
        assert path == zoo.folder / shard.path(*found)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(layouts=st.lists(LAYOUTS, min_size=1, max_size=3))
def test_lines_stay_and_lie_where_the_layout_says(zoo, layouts):
    zoo.git("reset", "-q", "--hard", "HEAD")
    zoo.git("clean", "-qfd")
    start = zoo.git("rev-parse", "HEAD")
    before = {layer: lines(zoo, layer) for layer in ("items", "annotations")}
    for layout in layouts:
        done = reshard.reshard(zoo.at, Request("pets", layout[0], layout[1], regroup=True))
        assert {layer: lines(zoo, layer) for layer in before} == before
        held(zoo, layout)
        if done.moved:
            assert done.lines == sum(map(len, before.values()))
            zoo.commit("reshard")
    keys = [delta.key for delta in diff.between(zoo.at, tree.commit(zoo.at, start), tree.commit(zoo.at, "HEAD"))]
    assert keys in ([], ["datasets/pets/dataset.yaml"])
    assert check.everything(zoo.at, tree.work(zoo.at)).findings == []
    zoo.git("reset", "-q", "--hard", start)


def test_the_change_set_that_people_sign_names_the_document_alone(zoo):
    reshard.reshard(zoo.at, Request("pets", 64))
    zoo.commit("reshard")
    old, new = (tree.commit(zoo.at, rev) for rev in ("HEAD~1", "HEAD"))
    gathered = changeset.gather(diff.between(zoo.at, old, new))
    assert [move.key for move in gathered.changeset.moves] == ["datasets/pets/dataset.yaml"]


def test_a_dry_run_says_what_will_happen_and_writes_nothing(zoo):
    before = {path: path.read_bytes() for path in zoo.folder.rglob("*") if path.is_file() and ".git" not in path.parts}
    said = reshard.reshard(zoo.at, Request("pets", 16), dry=True)
    assert {path: path.read_bytes() for path in before} == before
    assert reshard.reshard(zoo.at, Request("pets", 16)) == said


def test_auto_chooses_what_the_sizes_ask_for(zoo):
    done = reshard.reshard(zoo.at, Request("pets", 0))
    assert (done.old.shards, done.new.shards) == (4, 16)
    zoo.commit("reshard")
    assert not reshard.reshard(zoo.at, Request("pets", 0)).moved


@pytest.mark.parametrize(
    ("storage", "total", "shards"),
    [
        ("git", 0, 16), ("git", 2 << 20, 16), ("git", (2 << 20) + 1, 64), ("git", 231 << 20, 4096), ("git", 1 << 40, 4**10),
        ("dvc", 40 << 20, 16), ("dvc", 231 << 20, 256), ("dvc", 2310 << 20, 1024),
    ],
)  # fmt: skip
def test_the_number_that_fits(storage, total, shards):
    assert sizes.fitting(storage, total) == shards


def staged_edit(zoo):
    zoo.replace(zoo.shard("pets/p1#m1"), '"score":-1', '"score":2')
    zoo.git("add", "--all")
    zoo.git("restore", "--source=HEAD", "--worktree", ".")


def unstaged_edit(zoo):
    zoo.replace(zoo.shard("pets/p1#m1"), '"score":-1', '"score":2')


def new_shard(zoo):
    zoo.write("datasets/pets/annotations/0.jsonl", zoo.read("datasets/pets/annotations/0.jsonl") + b"{}\n")


def marker(zoo):
    path = zoo.shard("pets/p1#m1")
    zoo.write(path, b"<<<<<<< ours\n" + zoo.read(path))
    zoo.commit("a conflict that was committed")


def broken(zoo):
    path = zoo.shard("pets/p1#m1")
    zoo.write(path, zoo.read(path)[:-3] + b"\n")
    zoo.commit("a broken line")


def astray(zoo):
    path = zoo.shard("pets/p1#m1")
    other = next(name for name in "0123" if f"/{name}.jsonl" not in path)
    zoo.write(f"datasets/pets/annotations/{other}.jsonl", zoo.read(path))
    zoo.write("datasets/pets/dataset.yaml", zoo.read("datasets/pets/dataset.yaml") + b"# more\n")
    zoo.commit("a shard under another name")


def other_layout(zoo):
    zoo.replace("datasets/pets/dataset.yaml", "shards: 4", "shards: 16")
    zoo.commit("only the document")


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (staged_edit, RefusedError), (unstaged_edit, RefusedError), (new_shard, RefusedError), (marker, DataError),
        (broken, DataError), (astray, DataError), (other_layout, DataError),
    ],
)  # fmt: skip
def test_what_would_mix_or_lose_something_is_refused(zoo, harm, kind):
    harm(zoo)
    before = {path: path.read_bytes() for path in zoo.folder.rglob("*") if path.is_file() and ".git" not in path.parts}
    for dry in (True, False):
        with pytest.raises(kind) as caught:
            reshard.reshard(zoo.at, Request("pets", 64), dry=dry)
        assert caught.value.where.startswith("datasets/pets/")
        assert caught.value.hint
    after = {path: path.read_bytes() for path in zoo.folder.rglob("*") if path.is_file() and ".git" not in path.parts}
    assert after == before
    assert not journal.has_left(zoo.at)


def test_a_merge_in_conflict_is_refused(zoo):
    zoo.git("switch", "-qc", "theirs")
    zoo.replace(zoo.shard("pets/p1#m1"), '"score":-1', '"score":2')
    zoo.commit("theirs")
    zoo.git("switch", "-q", "main")
    zoo.replace(zoo.shard("pets/p1#m1"), '"score":-1', '"score":3')
    zoo.commit("ours")
    zoo.git("merge", "theirs", code=1)
    with pytest.raises(StoreError, match="conflicts"):
        reshard.reshard(zoo.at, Request("pets", 64))


def test_two_at_a_time_wait(zoo):
    with files.alone(zoo.at), pytest.raises(StoreError, match="another labelvc"), files.lock(zoo.at, 0.1):
        pass


def test_a_field_called_gone_takes_no_record_out_of_the_count(zoo: Zoo):
    def counted() -> tuple[int, int]:
        found = sizes.of_dataset(zoo.at, tree.work(zoo.at), "pets", tasks=False)
        every = [size for (layer, _), size in found.items() if layer == "annotations"]
        return sum(size.lines for size in every), sum(size.gone for size in every)

    lines, _ = counted()
    zoo.change("pets/p1#k1", ext={"gone": True})
    assert counted() == (lines, 0)
    zoo.bury("pets/p2#m1")
    assert counted() == (lines, 1)
