"""Reference data: a labels repository of any size, seeded, whose changes are known."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import subprocess
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from labelvc.codec import shard
from labelvc.core import pseudonym

LABELS = [f"topic-{number:02d}" for number in range(80)]
_LETTERS = "bcdfghjklmnpqrstvwxz"
_TOOLS = ("label-studio", "doccano", "prodigy")


class Repository(NamedTuple):
    """A repository and its commits.

    Attributes:
        folder: its work tree.
        records: number of records at `base`.
        base: commit with all records.
        few: branch with 1,000 (or 200) changed records.
        many: branch with one record in ten changed.
        changed: number of changed records on each branch.
    """

    folder: Path
    records: int
    base: str
    changed: dict[str, int]


def make(folder: Path, records: int, shards: int, few: int, seed: int = 7) -> Repository:
    """Make a repository, or reuse the one that is there; in memory is never more than a 64th of it.

    Args:
        folder: where.
        records: number of records, about 253 bytes each, three an item.
        shards: 4^k.
        few: number of changed records on the branch `few`.
        seed: of all chance.

    Returns:
        The repository, checked out at `main`.
    """
    many = records // 10
    done = Repository(folder, records, "main", {"few": few, "many": many})
    if (folder / ".git" / "complete").exists():
        git(folder, "checkout", "-qf", "main")
        return done
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    begin(folder, shards)
    chance = random.Random(seed)
    _fill(folder, chance, records, shards)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "base")
    git(folder, "gc", "-q")
    for name, number in (("few", few), ("many", many)):
        git(folder, "checkout", "-qb", name, "main")
        for path, lines, chosen in picked(folder, chance.sample(range(records), number)):
            edit(folder, {path: lines}, [(path, at) for at, _ in chosen])
        git(folder, "commit", "-qam", f"{number} records changed")
    git(folder, "checkout", "-qf", "main")
    (folder / ".git" / "complete").touch()
    return done


def begin(folder: Path, shards: int) -> None:
    """Make an empty repository with the documents of the reference project, not committed."""
    git(folder, "init", "-q", "-b", "main")
    for name, value in (("user.name", "bench"), ("user.email", "bench@example.org"), ("gc.auto", "0")):
        git(folder, "config", name, value)
    for path, text in documents(shards).items():
        _write(folder / path, text.encode())


def edit(folder: Path, cells: dict[str, list[bytes]], places: list[tuple[str, int]]) -> None:
    """Give records at some places another label and the next `rev`."""
    by_path: dict[str, list[int]] = defaultdict(list)
    for path, at in places:
        by_path[path].append(at)
    for path, rows in by_path.items():
        lines = list(cells[path])
        for at in rows:
            head, _, tail = lines[at].partition(b'"label":"topic-')
            lines[at] = (
                head.replace(b'"rev":1', b'"rev":2') + b'"label":"topic-%02d' % ((int(tail[:2]) + 1) % 80) + tail[2:]
            )
        _write(folder / path, shard.write(lines))


def read(folder: Path) -> dict[str, list[bytes]]:
    """Return the annotation shards of a work tree."""
    return dict(walk(folder))


def walk(folder: Path) -> Iterator[tuple[str, list[bytes]]]:
    """Yield path and lines of each annotation shard of a work tree, in the order of paths."""
    for path in sorted(folder.glob("datasets/texts/annotations/**/*.jsonl")):
        yield str(path.relative_to(folder)), shard.lines(path.read_bytes())


def walk_at(folder: Path, revision: str) -> Iterator[tuple[str, list[bytes]]]:
    """Yield path and lines of each annotation shard of a commit, in the order of paths."""
    where = "datasets/texts/annotations"
    paths = sorted(_said(folder, "ls-tree", "-r", "--name-only", revision, "--", where).decode().splitlines())
    with tempfile.TemporaryFile() as asked:
        asked.write("".join([f"{revision}:{path}\n" for path in paths]).encode())
        asked.seek(0)
        with subprocess.Popen(
            ["git", "cat-file", "--batch"], cwd=folder, stdin=asked, stdout=subprocess.PIPE
        ) as reading:
            for path in paths:
                size = int(reading.stdout.readline().split()[2])
                yield path, shard.lines(reading.stdout.read(size))
                reading.stdout.read(1)


def settle(folder: Path) -> None:
    """Make the index look younger than the files of a work tree that was just checked out and that nobody edits.

    Git reads the files that are as young as its index again and again (Documentation/technical/racy-git.txt): nearly all of a
    small tree, which is written within the second in which its index is, and few of a large one.
    """
    index = folder / ".git/index"
    later = index.stat().st_mtime + 2
    os.utime(index, (later, later))


def shards(folder: Path) -> int:
    """Return the number of shards in the work tree, of items and of annotations as one each."""
    return sum(1 for _ in folder.glob("datasets/texts/annotations/**/*.jsonl"))


def picked(folder: Path, numbers: Iterable[int]) -> Iterator[tuple[str, list[bytes], list[tuple[int, int]]]]:
    """Yield each shard of a work tree that holds one of these records, with (place in it, number) of each.

    Records are numbered through all shards, in the order of paths.
    """
    left = sorted(numbers, reverse=True)
    begin = 0
    for path, lines in walk(folder):
        chosen = []
        while left and left[-1] < begin + len(lines):
            number = left.pop()
            chosen.append((number - begin, number))
        begin += len(lines)
        if chosen:
            yield path, lines, chosen


def documents(shards: int) -> dict[str, str]:
    """Return the documents of the reference project."""
    project, dataset = uuid.UUID(int=1, version=4), uuid.UUID(int=2, version=4)
    labels = "".join([f"  - {{id: {name}, name: {name}, description: about {name}}}\n" for name in LABELS])
    blocks = "".join(
        [
            f"  {name}: {{definition: A text about {name}., use_when: [it is], avoid_when: [it is not], examples: [one]}}\n"
            for name in LABELS
        ]
    )
    return {
        "labelvc.yaml": f"schema: urn:labelvc:schema:project:1\nid: {project}\nname: bench\ngoal: measure\n"
        "tasks:\n  topic: {type: label, taxonomy: topics, guideline: topics}\n",
        "datasets/texts/dataset.yaml": f"schema: urn:labelvc:schema:dataset:1\nname: texts\nid: {dataset}\n"
        f"tasks: {{topic: true}}\nstorage: git\nshards: {shards}\n",
        "taxonomies/topics.yaml": f"schema: urn:labelvc:schema:taxonomy:1\nname: topics\nversion: 1.0.0\nlabels:\n{labels}",
        "guidelines/topics.yaml": "schema: urn:labelvc:schema:guideline:1\nname: topics\nversion: 1.0.0\ntitle: Topics\n"
        f"status: active\ntaxonomy: topics\nlabels:\n{blocks}",
    }


def stream(chance: random.Random, records: int) -> Iterator[tuple[str, bytes, list[bytes]]]:
    """Yield items, each as its id, its line and the lines of its records."""
    people = [_token(chance) for _ in range(200)]
    made = number = 0
    while made < records:
        number += 1
        item = f"text-{number:07d}"
        text = f"{item} {chance.getrandbits(160):040x}"
        answers = [_record(chance, item, by) for by in chance.sample(people, min(chance.randint(1, 5), records - made))]
        made += len(answers)
        yield item, f'{{"id":"{item}","source":"bench","text":"{text}"}}'.encode(), answers


def _fill(folder: Path, chance: random.Random, records: int, shards: int) -> None:
    """Write all shards, by way of 64 files with what belongs to neighbouring shards."""
    k = shard.digits(shards)
    making = folder / ".git/making"
    making.mkdir()
    heaps = {name: (making / name).open("wb") for name in map("".join, itertools.product("0123", repeat=min(k, 3)))}
    for item, line, answers in stream(chance, records):
        name = shard.place(item, k)
        heap = heaps[name[:3]]
        for kind, row in (("items", line), *(("annotations", answer) for answer in answers)):
            heap.write(b"%s\t%s\n" % (shard.path("texts", kind, name).encode(), row))
    for heap in heaps.values():
        heap.close()
        cells: dict[str, list[bytes]] = defaultdict(list)
        for row in Path(heap.name).read_bytes().splitlines():
            path, _, line = row.partition(b"\t")
            cells[path.decode()].append(line)
        for path, lines in cells.items():
            _write(folder / path, shard.write(lines))
    shutil.rmtree(making)


def _record(chance: random.Random, item: str, by: str) -> bytes:
    at = f"2026-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}T{chance.randint(0, 23):02d}:{chance.randint(0, 59):02d}:00Z"
    tool, ref = chance.choice(_TOOLS), f"{chance.getrandbits(64):016x}"
    return (
        f'{{"item":"{item}","id":"{by[4:12]}","at":"{at}","by":"{by}","origin":{{"ref":"{ref}","tool":"{tool}"}},'
        f'"rev":1,"task":"topic","under":"topics@1.0.0","value":{{"label":"{chance.choice(LABELS)}"}}}}'
    ).encode()


def _token(chance: random.Random) -> str:
    start = "prs_b" + "".join(chance.choices(_LETTERS, k=24))
    return start + pseudonym.check(start)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def git(folder: Path, *words: str) -> None:
    """Run git; what it prints is dropped."""
    subprocess.run(["git", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def _said(folder: Path, *words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True).stdout
