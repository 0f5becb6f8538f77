"""A small labels repository in which every rule is satisfied, for tests that then break one thing.

`from tests.zoo import zoo, zoo_template`: each test gets a fresh copy with one commit.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from labelvc.codec import canonical, document, epochs, shard
from labelvc.core import pseudonym
from labelvc.model.finding import Finding
from labelvc.model.names import Key
from labelvc.model.secret import Secret
from labelvc.ops import check, diff, pseudonyms
from labelvc.store import dvc, tree
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from tests.copying import copied

ID = "3f0e4b9e-53d3-4d2a-a7f6-5d5d1f2f9c11"
SECRET = Secret("b", b"\1" * 32)
ANNA, BEN = (pseudonym.token(SECRET, ID, "main", "person", name) for name in ("anna", "ben"))
CONTACT = pseudonym.token(SECRET, ID, "main", "email", "anna@example.com")
PLAIN = "someone.private@example.org"
"""A value that no message may ever hold."""

PROJECT = f"""schema: urn:labelvc:schema:project:1
id: {ID}
name: zoo
goal: Know the animals
tasks:
  mood: {{type: score, minimum: -4, maximum: 4, step: 1, guideline: mood}}
  kind: {{type: label, taxonomy: animals}}
  kinds: {{type: labels, taxonomy: animals}}
  odds: {{type: soft, taxonomy: animals}}
  words: {{type: span, taxonomy: animals}}
  link: {{type: relation, taxonomy: animals}}
  where: {{type: box, taxonomy: animals}}
  note: {{type: text}}
"""
PETS = """schema: urn:labelvc:schema:dataset:1
name: pets
id: 0c4a7f7e-6c1e-4b3a-9a5e-2f6c1b7d9e10
tasks: {mood: true, kind: false, kinds: false, odds: false, words: false, link: false, note: false}
storage: git
shards: 4
natural_key: [/natural/word]
sensitive:
  - {pointer: /ext/contact, kind: email}
  - {pointer: /ext/owner, kind: person, layer: items}
checks: {}
"""
PICTURES = """schema: urn:labelvc:schema:dataset:1
name: pictures
id: 0c4a7f7e-6c1e-4b3a-9a5e-2f6c1b7d9e11
tasks: {where: false}
shards: 4
checks: {}
"""
TAXONOMY = """schema: urn:labelvc:schema:taxonomy:1
name: animals
version: 1.0.0
labels:
  - {id: cat, name: Cat}
  - {id: dog, name: Dog}
  - {id: dodo, name: Dodo, status: deprecated}
"""
GUIDELINE = """schema: urn:labelvc:schema:guideline:1
name: mood
version: 1.1.0
title: How to judge a mood
status: active
labels: {}
"""
DOCUMENTS = {
    "labelvc.yaml": PROJECT,
    "datasets/pets/dataset.yaml": PETS,
    "datasets/pictures/dataset.yaml": PICTURES,
    "taxonomies/animals.yaml": TAXONOMY,
    "guidelines/mood.yaml": GUIDELINE,
}
SHARDS = {"pets": 4, "pictures": 4}
TEXT = "the cat and the dog"
Row = dict[str, Any]


def rating(item: str, score: int = 1, by: str = ANNA, name: str = "m1", rev: int = 1) -> Row:
    """Return a record of `mood`."""
    head = {"item": item, "id": name, "by": by, "rev": rev}
    return {**head, "task": "mood", "under": "mood@1.1.0", "value": {"score": score}}


def answer(item: str, name: str, task: str, value: Any, **more: Any) -> Row:
    """Return a record of another task."""
    return {"item": item, "id": name, "rev": 1, "task": task, "value": value, **more}


def rows() -> dict[str, Row]:
    """Return every line of the zoo by its key."""
    found: dict[str, Row] = {}
    for number in range(1, 9):
        item: Row = {"id": f"p{number}", "natural": {"word": f"w{number}"}, "text": TEXT}
        found[f"pets/p{number}#"] = item
        found[f"pets/p{number}#m1"] = rating(f"p{number}", number % 5 - 2)
    found["pets/p1#"]["ext"] = {"owner": BEN}
    for row in (
        rating("p1", 2, BEN, "m2"),
        answer("p1", "k1", "kind", {"label": "cat"}, by=ANNA, ext={"contact": CONTACT, "note": "shy"}),
        answer("p1", "s1", "kinds", {"labels": ["cat", "dog"]}),
        answer("p1", "o1", "odds", {"soft": {"cat": 0.25, "dog": 0.75}}),
        answer("p1", "w1", "words", {"label": "cat", "span": [4, 7], "text": "cat"}),
        answer("p1", "w2", "words", {"label": "dog", "span": [16, 19], "text": "dog"}),
        answer("p1", "l1", "link", {"label": "cat", "from": "w1", "to": "w2"}),
        answer("p1", "n1", "note", {"text": "ünïcode"}, at="2026-03-01T09:12:44Z", origin={"tool": "form"}),
    ):
        found[f"pets/{row['item']}#{row['id']}"] = row
    found["pictures/b.jpg#"] = {"id": "b.jpg", "media": {"height": 100, "path": "b.jpg", "width": 100}}
    for name, box in {"x1": [10, 10, 20, 20], "x2": [50, 50, 20, 20], "x3": [80, 80, 20, 20]}.items():
        found[f"pictures/b.jpg#{name}"] = answer("b.jpg", name, "where", {"label": "cat", "box": box}, by=ANNA)
    return found


class Zoo(NamedTuple):
    """A labels repository that tests edit as a person would."""

    folder: Path

    @property
    def at(self) -> Git:
        return plumbing.find(self.folder)

    def git(self, *arguments: str, code: int = 0, **environment: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **environment},
        )
        assert done.returncode == code, f"git {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def commit(self, message: str, who: str = "Ada", **environment: str) -> str:
        """Commit everything and return the commit."""
        self.git("add", "--all")
        self.git("commit", "-q", "--no-verify", "--allow-empty", "-m", message, **author(who), **environment)
        return self.git("rev-parse", "HEAD")

    def read(self, path: str) -> bytes:
        return (self.folder / path).read_bytes()

    def write(self, path: str, data: bytes | str) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)  # a link into the cache of DVC must not be written through
        place.write_bytes(data.encode() if isinstance(data, str) else data)

    def replace(self, path: str, old: str, new: str) -> None:
        """Edit a file as text; the old text must be there."""
        text = self.read(path).decode()
        assert old in text, f"{old!r} is not in {path}"
        self.write(path, text.replace(old, new, 1))

    def shard(self, key: str, shards: int | None = None) -> str:
        """Return the path of the file that holds a key."""
        dataset, item, name = Key.parse(key)
        k = shard.digits(shards or SHARDS.get(dataset, 4))
        return shard.path(dataset, "annotations" if name else "items", shard.place(item, k))

    def raw(self, key: str) -> bytes:
        """Return the line of a key in the work tree."""
        found = shard.find(self.read(self.shard(key)), Key.parse(key))
        assert found is not None, key
        return found

    def line(self, key: str) -> int:
        """Return the number of the line of a key in the work tree."""
        return shard.lines(self.read(self.shard(key))).index(self.raw(key)) + 1

    def row(self, key: str) -> Row:
        return dict(json.loads(self.raw(key)))

    def put(self, key: str, row: Mapping[str, Any] | bytes | None, *, sort: bool = True) -> None:
        """Set, add or (None) take away the line of a key; lines stay sorted."""
        path, old = self.shard(key), None
        lines = shard.lines(self.read(path)) if (self.folder / path).exists() else []
        old = shard.find(shard.write(lines), Key.parse(key))
        kept = [line for line in lines if line != old]
        if row is not None:
            first = canonical.ITEM_FIRST if key.endswith("#") else canonical.RECORD_FIRST
            line = row if isinstance(row, bytes) else canonical.encode(dict(row), first)
            kept.insert(lines.index(old) if old in lines else len(kept), line)
        self.write(path, shard.write(kept) if sort else b"".join([line + b"\n" for line in kept]))

    def change(self, key: str, bump: int = 1, **members: Any) -> None:
        """Change members of a record (None takes one away), with the next `rev`."""
        row = {**self.row(key), **members}
        if not key.endswith("#") and "rev" not in members:
            row["rev"] += bump
        self.put(key, {name: value for name, value in row.items() if value is not None})

    def respell(self, key: str, old: str, new: str) -> None:
        """Edit the text of one line, whatever that makes of it; its place in the file stays."""
        line = self.raw(key)
        assert old.encode() in line, (key, old)
        whole = self.read(self.shard(key))
        self.write(self.shard(key), whole.replace(line, line.replace(old.encode(), new.encode(), 1), 1))

    def bury(self, key: str) -> None:
        """Delete a record as one should: a tombstone stays."""
        row = self.row(key)
        self.put(key, {"item": row["item"], "id": row["id"], "gone": True, "rev": row["rev"] + 1})

    def everything(self, jobs: int = 1) -> list[Finding]:
        """Check all of the work tree."""
        return check.everything(self.at, tree.work(self.at), jobs=jobs).findings

    def unstaged(self) -> check.Report:
        """Check what the work tree changes against HEAD."""
        return check.changed(self.at, *diff.resolve(self.at, None))

    def staged(self) -> check.Report:
        """Check what a commit would bring."""
        return check.changed(self.at, *diff.resolve(self.at, None, staged=True))

    def begin_pseudonyms(self) -> None:
        """Make the first epoch, so that this clone can turn plain values into tokens."""
        self.write(epochs.PATH, pseudonyms.begin(self.at, "2026-03-01T09:00:00Z"))

    def store_in_dvc(self, dataset: str = "pets") -> None:
        """Move a dataset's annotations behind a DVC pointer."""
        path = f"datasets/{dataset}/dataset.yaml"
        self.write(path, document.edit(self.read(path), {("storage",): "dvc"}))
        self.git("rm", "-rq", "--cached", "--ignore-unmatch", f"datasets/{dataset}/annotations")
        dvc.initialise(self.at)
        dvc.add(self.at, Path(f"datasets/{dataset}/annotations"))


def author(who: str) -> dict[str, str]:
    """Return the environment in which git takes somebody for author and committer."""
    mail = f"{who.lower()}@example.com"
    return {
        f"GIT_{role}_{part}": {"NAME": who, "EMAIL": mail}[part]
        for role in ("AUTHOR", "COMMITTER")
        for part in ("NAME", "EMAIL")
    }


def make(folder: Path, *options: str) -> Zoo:
    """Make the repository with one commit; the options are those of `git init`."""
    zoo = Zoo(folder)
    folder.mkdir(parents=True, exist_ok=True)
    zoo.git("init", "-q", "-b", "main", *options)
    for path, text in DOCUMENTS.items():
        zoo.write(path, text)
    digest = canonical.digest(canonical.encode(document.read(GUIDELINE.encode(), "mood")))
    old = canonical.digest(b"the first version")
    lines = [canonical.encode({"digest": d, "version": v}) for d, v in ((old, "1.0.0"), (digest, "1.1.0"))]
    zoo.write("guidelines/mood.versions.jsonl", b"".join([line + b"\n" for line in lines]))
    files: dict[str, list[bytes]] = {}
    for key, row in rows().items():
        line = canonical.encode(row, canonical.ITEM_FIRST if key.endswith("#") else canonical.RECORD_FIRST)
        files.setdefault(zoo.shard(key), []).append(line)
    for path, found in files.items():
        zoo.write(path, shard.write(found))
    zoo.commit("Begin")
    return zoo


_zoos: list[Zoo] = []
"""What is made once: a fixture of the session that several files import is another one in each of them."""


@pytest.fixture(scope="session")
def zoo_template() -> list[Zoo]:
    """Return the place of the first zoo; it is made inside a test, where the environment is hermetic."""
    return _zoos


@pytest.fixture
def zoo(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, zoo_template: list[Zoo]) -> Zoo:
    """Return a fresh copy of the zoo, committed on `main`."""
    if not zoo_template:
        zoo_template.append(make(tmp_path_factory.mktemp("zoo") / "labels"))
    fresh = Zoo(tmp_path / "zoo")
    copied(zoo_template[0].folder, fresh.folder)
    fresh.git("update-index", "-q", "--refresh")
    return fresh


Change = Callable[[Zoo], None]
