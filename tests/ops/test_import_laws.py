"""Imports of any size obey the laws of small ones: dictionaries say what must be there, and nothing depends on the order."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tracemalloc
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec import canonical, shard
from labelvc.errors import DataError
from labelvc.formats import tables
from labelvc.ops import transfer
from labelvc.ops.request import Request
from labelvc.spill import Spill
from tests.zoo import Zoo, rating, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Content = dict[tuple[str, str], dict[str, Any] | None]
"""Item and id of each record of `mood` to its value; None for a tombstone."""

EXPECTED = {"label.missing", "rating.duplicate", "span.outside", "span.text"}
"""What sources that know nothing of the zoo's other tasks bring: an item's text changes below its spans."""


# ---------------------------------------------------------------- setting aside
@given(
    st.lists(st.tuples(st.integers(0, 4), st.one_of(st.binary(), st.tuples(st.text(), st.none())))), st.integers(0, 99)
)
def test_rows_come_back_by_part_and_in_order(rows: list[tuple[int, Any]], most: int):
    expected: dict[int, list[Any]] = defaultdict(list)
    with Spill(5, most) as spill:
        for part, row in rows:
            spill.add(part, row, 7)
            expected[part].append(row)
        assert spill.parts() == sorted(expected)
        assert [spill.rows(part) for part in range(5)] == [expected[part] for part in range(5)]
        assert [row for rows in spill.all() for row in rows] == [row for part in range(5) for row in expected[part]]


def test_what_is_set_aside_takes_no_memory():
    def peak(number: int) -> int:
        tracemalloc.start()
        with Spill(1024, 1_000_000) as spill:
            for at in range(number):
                spill.add(at % 1024, b"%d" % at * 50, 300)
            assert sum(len(rows) for rows in spill.all()) == number
            found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(40_000) < 1.5 * peak(10_000)


# ---------------------------------------------------------------- what must be there
def content(zoo: Zoo) -> Content:
    found: Content = {}
    for path in (zoo.folder / "datasets/pets/annotations").rglob("*.jsonl"):
        lines = path.read_bytes().splitlines()
        assert lines == sorted(lines)
        for raw in lines:
            row = json.loads(raw)
            assert canonical.encode_record(row) == raw
            assert path == zoo.folder / zoo.shard(f"pets/{row['item']}#{row['id']}")
            if row.get("task", "mood") == "mood":
                found[row["item"], row["id"]] = None if row.get("gone") else row["value"]
    return found


def bring(zoo: Zoo, rows: list[dict[str, Any]], mode: Any = "add") -> transfer.Imported:
    source = zoo.folder.parent / "in.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return transfer.perform(zoo.at, Request("jsonl", source, "pets", "mood", mode, renumbering=True))


def source(chance: random.Random) -> tuple[list[dict[str, Any]], Content]:
    items = chance.sample([f"p{at}" for at in range(1, 30)], chance.randint(1, 20))
    rows: list[dict[str, Any]] = []
    told: Content = {}
    for item in items:
        rows.append({"id": item, "natural": {"word": f"w{item}"}, "text": f"text {item}"})
        for name in chance.sample(["m1", "m2", "m3"], chance.randint(0, 3)):
            row = rating(item, chance.randint(-4, 4), name=name)
            rows.append(row)
            told[item, name] = row["value"]
    return rows, told


@pytest.mark.parametrize("seed", range(4))
def test_many_imports_leave_what_dictionaries_say(zoo: Zoo, seed: int):
    chance = random.Random(seed)
    expected = content(zoo)
    committed = set(expected)
    for _ in range(6):
        rows, told = source(chance)
        mode = chance.choice(["add", "replace"])
        if mode == "replace":
            gone = expected.keys() - told.keys()
            expected = {key: None for key in gone if key in committed}
        expected |= told
        bring(zoo, rows, mode)
        assert content(zoo) == expected
        before = {path: path.read_bytes() for path in zoo.folder.rglob("datasets/**/*.jsonl")}
        chance.shuffle(rows)
        again = bring(zoo, rows, mode)
        assert (again.rewrite.files, len(again.rewrite.deltas)) == ({}, 0)
        assert before == {path: path.read_bytes() for path in zoo.folder.rglob("datasets/**/*.jsonl")}
        assert not {"record.rev", "shard.order", "record.key"} & {finding.rule for finding in zoo.unstaged().findings}
        if chance.random() < 0.5:
            zoo.commit("In")
            committed |= expected.keys()


@pytest.mark.parametrize("shards", [4, 64, 4096])
def test_however_many_shards_each_line_is_written_once_and_where_it_belongs(zoo: Zoo, shards: int):
    zoo.replace("datasets/pets/dataset.yaml", "shards: 4", f"shards: {shards}")
    rows = [{"id": f"x{at}", "natural": {"word": f"x{at}"}, "text": "t"} for at in range(200)]
    rows += [rating(f"x{at}") for at in range(200)]
    found = bring(zoo, rows)
    assert found.read == {"items": 200, "annotations": 200}
    assert found.rewrite.deltas.summary.records == {"added": 200}
    for path in (zoo.folder / "datasets/pets/items").rglob("*.jsonl"):
        parsed = shard.parse_path(path.relative_to(zoo.folder).as_posix())
        assert parsed is not None
        for line in path.read_text().splitlines():
            assert shard.place(json.loads(line)["id"], shard.digits(shards)) == parsed[2]
    assert bring(zoo, rows).rewrite.files == {}


def test_two_rows_of_one_key_that_differ_are_found_wherever_they_stand(zoo: Zoo):
    rows = [row for at in range(50) for row in ({"id": f"x{at}", "text": "t"}, rating(f"x{at}"))]
    with pytest.raises(DataError) as caught:
        bring(zoo, [*rows, rating("x7", 3)])
    assert (caught.value.message, caught.value.where) == (
        "two annotations of the source have the key pets/x7#m1",
        "in.jsonl:101",
    )
    with pytest.raises(DataError) as caught:
        bring(zoo, [*rows, {"id": "x9", "text": "other"}])
    assert (caught.value.message, caught.value.where) == (
        "two items of the source have the key pets/x9#",
        "in.jsonl:101",
    )
    assert zoo.git("status", "--porcelain") == ""


@pytest.mark.long
def test_an_item_that_comes_again_much_later_is_the_same_item(zoo: Zoo):
    many = tables._KNOWN + 10
    lines = [f"w{at},,{at % 5}\n" for at in range(many)]
    path = zoo.folder.parent / "in.csv"
    words = {"item": "word", "by": "who", "value": "score"}
    long = "y" * 600
    path.write_text(
        f"word,who,score,text\n{long},,1,a\n"
        + "".join(f"{line[:-1]},t\n" for line in lines)
        + f"{long},,2,a\nw0,,2,t\n"
    )
    found = transfer.prepare(zoo.at, Request("csv", path, "pets", "mood", words=words))
    assert found.read == {"items": many + 1, "annotations": many + 3}
    for last in (f"{long},,2,b\n", "w0,,2,other\n"):
        path.write_text(f"word,who,score,text\n{long},,1,a\n" + "".join(f"{line[:-1]},t\n" for line in lines) + last)
        with pytest.raises(DataError):
            transfer.prepare(zoo.at, Request("csv", path, "pets", "mood", words=words))


# ---------------------------------------------------------------- memory and the disk of temporary files
LIMITED = """
import resource, sys
from labelvc import spill
from labelvc.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
spill.Spill.__init__.__defaults__ = (20_000,)
sys.exit(main.run(sys.argv[1:]))
"""


def test_a_full_disk_of_temporary_files_is_told(zoo: Zoo):
    assert resource.getrlimit(resource.RLIMIT_FSIZE)
    (zoo.folder.parent / "in.csv").write_text("word,score\n" + "".join(f"w{at},1\n" for at in range(3000)))
    words = ["import", "csv", "../in.csv", "-D", "pets", "--task", "mood", "--item", "word", "--value", "score"]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *words], cwd=zoo.folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "could not write: File too large" in done.stderr
    assert "free some space" in done.stderr
    assert zoo.git("status", "--porcelain") == ""


def peak(folder: Path, *words: str) -> int:
    """Return the most KiB that a command held, of a process of its own."""
    program = "import resource,sys\nfrom labelvc.cli import main\ncode=main.run(sys.argv[1:])\nprint(code,[row for row in open('/proc/self/status') if 'VmHWM' in row][0].split()[1])"
    done = subprocess.run(
        [sys.executable, "-c", program, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    code, found = done.stdout.splitlines()[-1].split()
    assert code == "0", done.stderr
    return int(found)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_of_an_import_stays_flat(zoo: Zoo):
    def size(name: str, number: int) -> int:
        path = zoo.folder.parent / name
        path.write_text("word,score\n" + "".join(f"{name} {at},1\n" for at in range(number)))
        return peak(
            zoo.folder,
            "import",
            "csv",
            str(path),
            "-D",
            "pets",
            "--task",
            "mood",
            "--item",
            "word",
            "--value",
            "score",
            "--dry-run",
        )

    zoo.replace("datasets/pets/dataset.yaml", "shards: 4", "shards: 1024")
    small = size("a", 40_000)
    # what else a process keeps differs by some megabytes between two runs of the very same: the lesser of two is judged
    assert min(size("b", 120_000) for _ in range(2)) - small < 12 << 10
