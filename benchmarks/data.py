"""Reference data: a labels repository of any size, seeded, whose changes are known."""

from __future__ import annotations

import random
import subprocess
import uuid
from collections import defaultdict
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
    """Make a repository, or reuse the one that is there.

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
        _git(folder, "checkout", "-qf", "main")
        return done
    folder.mkdir(parents=True)
    _git(folder, "init", "-q", "-b", "main")
    _git(folder, "config", "user.name", "bench")
    _git(folder, "config", "user.email", "bench@example.org")
    _git(folder, "config", "gc.auto", "0")
    for path, text in documents(shards).items():
        _write(folder / path, text.encode())
    chance = random.Random(seed)
    cells = _cells(chance, records, shards)
    for path, lines in cells.items():
        _write(folder / path, shard.write(lines))
    _git(folder, "add", "-A")
    _git(folder, "commit", "-qm", "base")
    _git(folder, "gc", "-q")
    where = [(path, at) for path, lines in cells.items() if "/annotations/" in path for at in range(len(lines))]
    for name, number in (("few", few), ("many", many)):
        _git(folder, "checkout", "-qb", name, "main")
        edit(folder, cells, chance.sample(where, number))
        _git(folder, "commit", "-qam", f"{number} records changed")
    _git(folder, "checkout", "-qf", "main")
    (folder / ".git" / "complete").touch()
    return done


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
    files = sorted(folder.glob("datasets/texts/annotations/**/*.jsonl"))
    return {str(path.relative_to(folder)): shard.lines(path.read_bytes()) for path in files}


def documents(shards: int) -> dict[str, str]:
    """Return the documents of the reference project."""
    project, dataset = uuid.UUID(int=1, version=4), uuid.UUID(int=2, version=4)
    labels = "".join([f"  - {{id: {name}, name: {name}, description: about {name}}}\n" for name in LABELS])
    blocks = "".join(
        [
            f"  {name}: {{definition: A text about {name}., use_when: [it is], avoid_when: [it is not]}}\n"
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


def _cells(chance: random.Random, records: int, shards: int) -> dict[str, list[bytes]]:
    k = shard.digits(shards)
    cells: dict[str, list[bytes]] = defaultdict(list)
    people = [_token(chance) for _ in range(200)]
    made = number = 0
    while made < records:
        number += 1
        item = f"text-{number:07d}"
        name = shard.place(item, k)
        text = f"{item} {chance.getrandbits(160):040x}"
        cells[shard.path("texts", "items", name)].append(f'{{"id":"{item}","source":"bench","text":"{text}"}}'.encode())
        for by in chance.sample(people, min(chance.randint(1, 5), records - made)):
            made += 1
            cells[shard.path("texts", "annotations", name)].append(_record(chance, item, by))
    return cells


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


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)
