"""Histories whose truth is known: records in three layouts, the same random edits in each, written by `git fast-import`."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from benchmarks import data
from benchmarks.measure import Cost, process
from labelvc.codec import shard

LAYOUTS = ("shards", "one file", "a file a record")


class Past(NamedTuple):
    """What a history is made of.

    Attributes:
        records: number of records of the first commit.
        commits: number of commits after it.
        edits: records that each of them changes.
        seed: of all chance.
    """

    records: int
    commits: int
    edits: int
    seed: int = 7

    @property
    def name(self) -> str:
        """Name of its folder."""
        return f"past-{self.records}-{self.commits}x{self.edits}"


class Made(NamedTuple):
    """A history on disk.

    Attributes:
        folder: its work tree.
        size: bytes of its packs, repacked as `git gc` does.
        collecting: what that repacking cost, as measured when it was made.
    """

    folder: Path
    size: int
    collecting: Cost


def start(past: Past) -> list[tuple[str, bytes]]:
    """Return the records of the first commit, each as its item and its line."""
    chance = random.Random(past.seed)
    return [(item, line) for item, _, lines in data.stream(chance, past.records) for line in lines]


def changes(past: Past) -> Iterator[dict[int, bytes]]:
    """Yield for each further commit the records it changes, number to new line: another label, and the next `rev`."""
    chance = random.Random(past.seed + 1)
    now = {number: line for number, (_, line) in enumerate(start(past))}
    for _ in range(past.commits):
        new = {number: _changed(now[number], chance) for number in chance.sample(range(past.records), past.edits)}
        now |= new
        yield new


def last_changes(past: Past) -> dict[int, int]:
    """Return for each record the commit that changed it last: 0 is the first one."""
    last = dict.fromkeys(range(past.records), 0)
    for number, new in enumerate(changes(past), 1):
        last |= dict.fromkeys(new, number)
    return last


def make(folder: Path, past: Past, layout: str, shards: int) -> Made:
    """Make a history as a repository, or reuse the one that is there.

    Args:
        folder: where its folder lies.
        past: what it is made of.
        layout: one of `LAYOUTS`.
        shards: 4^k, of the layout `shards`.
    """
    here = folder / f"{past.name}-{layout.replace(' ', '-')}"
    noted = here / ".git/collected.json"
    if not noted.exists():
        here.mkdir(parents=True)
        data.begin(here, shards)
        words = ["git", "fast-import", "--quiet", "--depth=0", "--force"]
        with subprocess.Popen(words, cwd=here, stdin=subprocess.PIPE) as running:
            for number, files in enumerate(_commits(past, layout, shards)):
                _write(running.stdin, number, files)
            running.stdin.close()
        if running.returncode:
            raise RuntimeError("git fast-import failed")
        # what `git gc` does with loose objects; without -f it would believe fast-import that nothing is alike
        collecting = process(["git", "repack", "-a", "-d", "-f", "-q", "--window=10", "--depth=50"], here, cap=3600)
        noted.write_text(json.dumps(collecting[:4]))
        if layout == "shards":
            data.git(here, "reset", "-q", "--hard", "main")
    packs = sum(path.stat().st_size for path in (here / ".git/objects/pack").iterdir())
    return Made(here, packs, Cost(*json.loads(noted.read_text()), b""))


def feed(past: Past, target: Path) -> Path:
    """Write the history for `peer_doltlite.py`, a line a commit."""
    rows = start(past)
    names = [key(line) for _, line in rows]
    with target.open("w") as file:
        first = {name: line.decode() for name, (_, line) in zip(names, rows, strict=True)}
        file.write(json.dumps({"put": first, "drop": []}) + "\n")
        for new in changes(past):
            put = {names[number]: line.decode() for number, line in new.items()}
            file.write(json.dumps({"put": put, "drop": []}) + "\n")
    return target


def key(line: bytes) -> str:
    """Return the key of a line, `item#id`."""
    record = json.loads(line)
    return f"{record['item']}#{record['id']}"


def _commits(past: Past, layout: str, shards: int) -> Iterator[list[tuple[str, bytes]]]:
    rows, k = start(past), shard.digits(shards)
    lines = {number: line for number, (_, line) in enumerate(rows)}
    paths = [_path(layout, number, item, k) for number, (item, _) in enumerate(rows)]
    members: dict[str, list[int]] = {}
    for number, path in enumerate(paths):
        members.setdefault(path, []).append(number)

    def files(numbers: Iterable[int]) -> list[tuple[str, bytes]]:
        touched = sorted({paths[number] for number in numbers})
        return [(path, shard.write([lines[number] for number in members[path]])) for path in touched]

    first = files(range(past.records))
    items: dict[str, list[bytes]] = {}
    for item, line, _ in data.stream(random.Random(past.seed), past.records):
        in_shards = shard.path("texts", "items", shard.place(item, k))
        items.setdefault(in_shards if layout == "shards" else "items.jsonl", []).append(line)
    first += [(path, shard.write(group)) for path, group in items.items()]
    if layout == "shards":
        first += [(path, text.encode()) for path, text in data.documents(shards).items()]
    yield first
    for new in changes(past):
        lines |= new
        yield files(new)


def _path(layout: str, number: int, item: str, k: int) -> str:
    if layout == "shards":
        return shard.path("texts", "annotations", shard.place(item, k))
    return "records.jsonl" if layout == "one file" else f"records/{number // 1000:03d}/{number % 1000:03d}.json"


def _changed(line: bytes, chance: random.Random) -> bytes:
    head, _, tail = line.partition(b'"label":"topic-')
    start, _, rest = head.partition(b'"rev":')
    rev, _, rest = rest.partition(b",")
    label = (int(tail[:2]) + chance.randint(1, 79)) % 80
    return b'%s"rev":%d,%s"label":"topic-%02d%s' % (start, int(rev) + 1, rest, label, tail[2:])


def _write(out: IO[bytes], number: int, files: list[tuple[str, bytes]]) -> None:
    said = b"edit %d\n" % number
    out.write(
        b"commit refs/heads/main\ncommitter bench <bench@example.org> %d +0000\n" % (1_772_000_000 + number * 3600)
    )
    out.write(b"data %d\n%s" % (len(said), said))
    for path, content in files:
        out.write(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content))
