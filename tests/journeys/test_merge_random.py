"""Random histories in real repositories, held against a model of dictionaries that knows the rules of merging from their pages only."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from labelvc.codec import canonical, document, shard
from labelvc.ops import audit, merge, resolve
from labelvc.ops.audit import Auditor
from labelvc.store import dvc
from tests.copying import copied
from tests.ops.test_merge import PETS_YAML, lines, switch
from tests.zoo import SHARDS, Zoo, answer, make, rating

Record = dict[str, Any]
Content = dict[str, Record]
Flat = dict[tuple[str, ...], Any]

BRANCHES = ("main", "topic", "other")
UNDECIDED: Record = {"undecided": True}
KEYS = [f"pets/p{item}#{name}" for item in (1, 2, 3) for name in ("m1", "m2")] + ["pictures/b.jpg#x1"]
EDITS = st.lists(
    st.tuples(st.sampled_from(KEYS), st.sampled_from(["score", "score", "a", "b", "delete"]), st.integers(-4, 4)),
    min_size=1,
    max_size=4,
    unique_by=lambda edit: edit[0],
)
PAIRS = [(one, two) for one in BRANCHES for two in BRANCHES if one != two]


# ---------------------------------------------------------------- the model
class Node(NamedTuple):
    """A commit: what it holds and where it comes from."""

    content: Content
    parents: tuple[str, ...]


def flat(record: Record) -> Flat:
    """Return the fields that are decided one by one; `by`, `origin` and `under` are not touched here."""
    found: Flat = {}
    for name, value in record.items():
        if name in ("value", "ext"):
            found.update({(name, member): inner for member, inner in value.items()})
        elif name not in ("item", "id", "rev"):
            found[name,] = value
    return found


def built(head: Record, fields: Flat, rev: int) -> Record:
    record: Record = {"item": head["item"], "id": head["id"], "rev": rev}
    for (name, *inner), value in fields.items():
        if inner:
            record.setdefault(name, {})[inner[0]] = value
        else:
            record[name] = value
    return record


def said(record: Record) -> Record:
    return {name: value for name, value in record.items() if name != "rev"}


def dead(record: Record | None) -> bool:
    return record is None or "gone" in record


def record_merged(was: Record | None, mine: Record | None, new: Record | None, choice: str = "") -> Record | None:
    """Return what three versions of a record merge into; `UNDECIDED` where a person must choose and nobody did."""
    if new in (was, mine):
        return mine
    if mine == was:
        return new
    assert mine is not None
    assert new is not None
    if UNDECIDED in (mine, new):  # a base of a base that nobody agreed on stays one
        return UNDECIDED
    if dead(mine) and dead(new):
        return max((mine, new), key=lambda record: record["rev"])
    if dead(mine) or dead(new):
        live, gone = (new, mine) if dead(mine) else (mine, new)
        if was is not None and not dead(was) and said(was) == said(live):
            taken = gone
        elif choice:
            taken = mine if choice == "ours" else new
        else:
            return UNDECIDED
        return grown(said(taken), mine, new)
    base = {} if was is None or dead(was) else flat(was)
    one, two, fields = flat(mine), flat(new), dict[tuple[str, ...], Any]()
    for name in sorted({*base, *one, *two}):
        three = [side.get(name, "(none)") for side in (base, one, two)]
        if was == UNDECIDED:
            three[0] = "(like nothing)"
        if three[1] == three[2] or three[2] == three[0]:
            value = three[1]
        elif three[1] == three[0]:
            value = three[2]
        elif choice:
            value = three[1] if choice == "ours" else three[2]
        else:
            return UNDECIDED
        if value != "(none)":
            fields[name] = value
    return grown(said(built(mine, fields, 0)), mine, new)


def grown(words: Record, mine: Record, new: Record) -> Record:
    """Return a record with the `rev` it gets: a side's own where that side says the same and outgrew the other."""
    for side, other in ((mine, new), (new, mine)):
        if side["rev"] > other["rev"] and said(side) == words:
            return side
    return {**words, "rev": max(mine["rev"], new["rev"]) + 1}


def content_merged(was: Content, mine: Content, new: Content, choice: str = "") -> tuple[Content, set[str]]:
    """Return what three versions of a dataset merge into, and the keys in conflict."""
    result: Content = {}
    conflicts = set()
    for key in {*was, *mine, *new}:
        three = (was.get(key), mine.get(key), new.get(key))
        if record_merged(*three) is UNDECIDED:
            conflicts.add(key)
        found = record_merged(*three, choice)
        if found is not None:
            result[key] = found
    return result, conflicts


class Model:
    """Commits and branches as dictionaries."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.tips: dict[str, str] = {}

    def ancestors(self, commit: str) -> set[str]:
        found, waiting = set[str](), [commit]
        while waiting:
            here = waiting.pop()
            if here not in found:
                found.add(here)
                waiting += self.nodes[here].parents
        return found

    def bases(self, one: str, two: str) -> set[str]:
        common = self.ancestors(one) & self.ancestors(two)
        return {commit for commit in common if not any(commit in self.ancestors(more) - {more} for more in common)}

    def base(self, one: str, two: str, order: list[str]) -> Content:
        """Return what the base of a merge holds: of several bases what they merge into, conflicts decided by nobody."""
        first, *others = order
        node = self.nodes[first]
        for other in others:
            name = f"{first}+{other}"
            self.nodes[name] = node
            inner = self.base(first, other, sorted(self.bases(first, other)))
            content, _ = content_merged(inner, node.content, self.nodes[other].content)
            first, node = name, Node(content, (first, other))
            self.nodes[name] = node
        return node.content


# ---------------------------------------------------------------- the real thing
def seed(folder: Path) -> Zoo:
    """Make a repository with a few records, whose fields are all there from the beginning."""
    zoo = make(folder)
    for path in folder.glob("datasets/*/*/*.jsonl"):
        path.unlink()
    files: dict[str, list[bytes]] = {}
    for number in (1, 2, 3):
        item = {"id": f"p{number}", "natural": {"word": f"w{number}"}, "text": "the cat"}
        files.setdefault(zoo.shard(f"pets/p{number}#"), []).append(canonical.encode_item(item))
    picture = {"id": "b.jpg", "media": {"height": 100, "path": "b.jpg", "width": 100}}
    files.setdefault(zoo.shard("pictures/b.jpg#"), []).append(canonical.encode_item(picture))
    box = answer("b.jpg", "x1", "where", {"label": "cat", "box": [10, 10, 20, 20]}, ext={"a": 0, "b": 0})
    for row in [*[fresh(f"pets/p{number}#m1", 0) for number in (1, 2, 3)], box]:
        dataset = "pictures" if row is box else "pets"
        files.setdefault(zoo.shard(f"{dataset}/{row['item']}#{row['id']}"), []).append(canonical.encode_record(row))
    for path, found in files.items():
        zoo.write(path, shard.write(found))
    zoo.replace(PETS_YAML, "natural_key: [/natural/word]\n", "# a line between what two sides may change\n\n\n")
    dvc.initialise(zoo.at)
    zoo.commit("Few records")
    return zoo


def fresh(key: str, score: int, rev: int = 1) -> Record:
    item, _, name = key.partition("/")[2].partition("#")
    return {**rating(item, score, name=name, rev=rev), "ext": {"a": 0, "b": 0}}


def records(zoo: Zoo, rev: str = "HEAD") -> Content:
    """Return every record of a commit by its key; fails when one stands there twice."""
    found: Content = {}
    counted = lines(zoo, rev)
    assert max(counted.values()) == 1
    for line in counted:
        row = json.loads(line)
        if "item" in row:
            key = f"{'pictures' if row['item'] == 'b.jpg' else 'pets'}/{row['item']}#{row['id']}"
            assert key not in found
            found[key] = row
    return found


class Histories(RuleBasedStateMachine):
    """Three branches that are edited, laid out anew, stored elsewhere and merged."""

    template: Path
    storage = "git"
    counts: ClassVar[dict[str, int]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=self.template.parent))
        self.zoo = Zoo(copied(self.template, self.folder / "zoo"))
        self.zoo.git("update-index", "-q", "--refresh")
        self.model = Model()
        self.here = "main"

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @initialize()
    def begin(self) -> None:
        if self.storage != "git":
            self.zoo.store_in_dvc("pets")
            self.zoo.commit("Into DVC")
        if self.storage == "dvc":
            self.zoo.store_in_dvc("pictures")
            self.zoo.commit("Into DVC")
        for branch in BRANCHES[1:]:
            self.zoo.git("branch", branch)
        tip = self.zoo.git("rev-parse", "HEAD")
        self.model.nodes[tip] = Node(records(self.zoo), ())
        self.model.tips = dict.fromkeys(BRANCHES, tip)

    # ------------------------------------------------------------ edits
    @rule(branch=st.sampled_from(BRANCHES), edits=EDITS)
    def edit(self, branch: str, edits: list[tuple[str, str, int]]) -> None:
        """Change, add, delete and bring back some records, and commit."""
        self._switch(branch)
        content = dict(self.model.nodes[self.model.tips[branch]].content)
        for key, what, number in edits:
            old = content.get(key)
            if what == "delete" and old is not None and not dead(old) and key.startswith("pets/"):
                content[key] = {"item": old["item"], "id": old["id"], "gone": True, "rev": old["rev"] + 1}
            elif dead(old):
                content[key] = fresh(key, number, 1 if old is None else old["rev"] + 1)
            elif what == "score" and key.startswith("pets/"):
                content[key] = {**old, "value": {"score": number}, "rev": old["rev"] + 1}
            elif old is not None:
                content[key] = {
                    **old,
                    "ext": {**old["ext"], "b" if what == "b" else "a": number},
                    "rev": old["rev"] + 1,
                }
        self._put(content)
        self._commit("edit", branch, content)

    @rule(branch=st.sampled_from(BRANCHES), move=st.booleans())
    def lay_out(self, branch: str, move: bool) -> None:
        if move:
            self.move(branch)
        else:
            self.reshard(branch, 16)

    def reshard(self, branch: str, shards: int) -> None:
        self._switch(branch)
        if self._shards() != shards:
            text = self.zoo.read(PETS_YAML)
            self.zoo.write(PETS_YAML, document.edit(text, {("shards",): shards}))
            self._put(self.model.nodes[self.model.tips[branch]].content, shards)
            self._commit("reshard", branch, self.model.nodes[self.model.tips[branch]].content)

    def move(self, branch: str) -> None:
        """Move annotations into DVC, or back into git."""
        self._switch(branch)
        if self._in_dvc("pets"):
            self.zoo.write(PETS_YAML, document.edit(self.zoo.read(PETS_YAML), {("storage",): "git"}))
            for name in ("annotations.dvc", "annotations.sha256", ".gitignore"):
                (self.zoo.folder / "datasets/pets" / name).unlink()
        else:
            self.zoo.store_in_dvc("pets")
        self._commit("move", branch, self.model.nodes[self.model.tips[branch]].content)

    # ------------------------------------------------------------ merges
    @rule(pair=st.sampled_from(PAIRS), choice=st.sampled_from(["ours", "theirs"]))
    def merge(self, pair: tuple[str, str], choice: str) -> None:
        self._merge(pair[0], self.model.tips[pair[1]], choice)

    def _merge(self, ours: str, new: str, choice: str) -> None:
        self._switch(ours)
        mine = self.model.tips[ours]
        if new in self.model.ancestors(mine):
            assert merge.merge(self.zoo.at, new).state == "current"
            return
        if mine in self.model.ancestors(new):
            assert merge.merge(self.zoo.at, new).state == "forward"
            self._arrived("forward", ours, self.model.nodes[new].content, new)
            return
        order = self.zoo.git("merge-base", "--all", mine, new).split()
        assert set(order) == self.model.bases(mine, new)
        base = self.model.base(mine, new, order)
        sides = base, self.model.nodes[mine].content, self.model.nodes[new].content
        _, conflicts = content_merged(*sides)
        content, _ = content_merged(*sides, choice)
        done = merge.merge(self.zoo.at, new)
        assert done.outcome is not None
        if {row.path for row in done.outcome.stages if row.path.endswith(".yaml")}:  # git could not merge the documents
            merge.abort(self.zoo.at)
            assert self.zoo.git("rev-parse", "HEAD") == mine
            assert self.zoo.git("status", "--porcelain") == ""
            assert records(self.zoo) == self.model.nodes[mine].content
            self._count("documents")
            return
        assert {str(one.key) for here in done.outcome.torn.values() for one in here} == conflicts
        if conflicts:
            assert done.state == "conflict"
            settled = resolve.resolve(self.zoo.at, resolve.by_side("ours" if choice == "ours" else "theirs"))
            assert (settled.settled, settled.left.records()) == (len(conflicts), 0)
            done = merge.finish(self.zoo.at)
        assert done.state == "merged", done.report
        self._arrived(
            "criss-cross" if len(order) > 1 else "conflict" if conflicts else "merge", ours, content, mine, new
        )
        assert self.model.nodes[mine].content.keys() | self.model.nodes[new].content.keys() <= content.keys()
        assert [found for found in self.zoo.everything() if found.severity == "error"] == []
        with Auditor(self.zoo.at) as auditor:
            (found,) = [one for one in audit.merges(self.zoo.at, "HEAD^..HEAD") if one.commit == done.commit]
            verdicts = [one.verdict for one in auditor.examine(found)]
        assert {verdict.kind for verdict in verdicts} <= {"resolved"}
        assert {str(verdict.key) for verdict in verdicts} == conflicts

    @rule(
        pair=st.sampled_from(PAIRS),
        mine=EDITS,
        new=EDITS,
        layout=st.sampled_from(["", "", "", "reshard", "move"]),
        choice=st.sampled_from(["ours", "theirs"]),
        back=st.booleans(),
    )
    def work_apart_and_merge(
        self, pair: tuple[str, str], mine: list[Any], new: list[Any], layout: str, choice: str, back: bool
    ) -> None:
        """What happens most: two branches go on, and one is merged into the other, or each into the other's last commit."""
        ours, theirs = pair
        self.edit(theirs, new)
        if layout == "move":
            self.move(theirs)
        elif layout:
            self.reshard(theirs, 20 - self._shards())
        self.edit(ours, mine)
        if back:  # each merges what the other had before it merged: a criss-cross
            mine_now, new_now = self.model.tips[ours], self.model.tips[theirs]
            self._merge(ours, new_now, choice)
            self._merge(theirs, mine_now, "theirs" if choice == "ours" else "ours")
        else:
            self._merge(ours, self.model.tips[theirs], choice)

    @invariant()
    def what_is_checked_out_is_what_was_committed(self) -> None:
        if self.model.tips:
            assert self.zoo.git("status", "--porcelain") == ""

    # ------------------------------------------------------------ hands
    def _switch(self, branch: str) -> None:
        if branch != self.here:
            switch(self.zoo, branch)
            self.here = branch

    def _shards(self) -> int:
        text = self.zoo.read(PETS_YAML).decode()
        return next(int(row.partition(":")[2]) for row in text.splitlines() if row.startswith("shards:"))

    def _in_dvc(self, dataset: str) -> bool:
        return (self.zoo.folder / f"datasets/{dataset}/annotations.dvc").exists()

    def _put(self, content: Content, shards: int = 0) -> None:
        """Write records where they belong; those of items are moved by a reshard alone."""
        shards = shards or self._shards()
        files: dict[str, list[bytes]] = {}
        gone = [*self.zoo.folder.glob("datasets/*/annotations/*.jsonl")]
        for path in self.zoo.folder.glob("datasets/pets/items/*.jsonl"):
            gone.append(path)
            for line in shard.lines(path.read_bytes()):
                files.setdefault(self.zoo.shard(f"pets/{json.loads(line)['id']}#", shards), []).append(line)
        for key, row in content.items():
            k = shards if key.startswith("pets/") else SHARDS["pictures"]
            files.setdefault(self.zoo.shard(key, k), []).append(canonical.encode_record(row))
        for path in gone:
            path.unlink()
        for name, found in files.items():
            self.zoo.write(name, shard.write(found))

    def _commit(self, what: str, branch: str, content: Content) -> None:
        for dataset in SHARDS:
            if self._in_dvc(dataset):
                dvc.add(self.zoo.at, Path(f"datasets/{dataset}/annotations"))
        self._arrived(what, branch, content, self.model.tips[branch], commit=self.zoo.commit(what))

    def _arrived(self, what: str, branch: str, content: Content, *parents: str, commit: str = "") -> None:
        tip = commit or self.zoo.git("rev-parse", "HEAD")
        assert records(self.zoo) == content
        if tip not in self.model.nodes:
            assert self.zoo.git("rev-list", "--parents", "--max-count=1", tip).split()[1:] == list(parents)
            self.model.nodes[tip] = Node(content, parents)
        self.model.tips[branch] = tip
        self._count(what)

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


def play(folder: Path, storage: str, *, examples: int, steps: int) -> dict[str, int]:
    """Play random histories, and return how often each thing happened."""
    template = seed(folder / "template")
    machine: type[Histories] = type(
        "Played", (Histories,), {"template": template.folder, "storage": storage, "counts": {}}
    )
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            phases=(Phase.generate,),  # to make a history smaller takes longer than to read it
            suppress_health_check=list(HealthCheck),
            deadline=None,
        ),
    )
    return machine.counts


@pytest.mark.parametrize(("storage", "examples"), [("git", 3), ("mixed", 3), ("dvc", 3)])
def test_random_histories(tmp_path: Path, storage: str, examples: int):
    counts = play(tmp_path, storage, examples=examples, steps=14)
    assert sum(counts.get(name, 0) for name in ("merge", "conflict", "criss-cross")) > 0, counts


@pytest.mark.long
@pytest.mark.parametrize("storage", ["git", "mixed", "dvc"])
def test_many_random_histories(tmp_path: Path, storage: str):
    counts = play(tmp_path, storage, examples=40, steps=30)
    assert min(counts.get(name, 0) for name in ("merge", "conflict", "criss-cross", "reshard", "move")) > 0, counts
