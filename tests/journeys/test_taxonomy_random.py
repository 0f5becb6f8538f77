"""Random histories of a taxonomy in a real repository: no record is orphaned, none decided that a person must decide."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from labelvc.cli import main as cli
from labelvc.codec import document
from labelvc.core.lineage import Operation
from labelvc.errors import RefusedError
from labelvc.ops import check, migrate, publication, taxonomy
from labelvc.ops import diff as differing
from labelvc.ops.registering import Entry
from labelvc.store import git as plumbing
from labelvc.store import tree

TAXONOMY = """schema: urn:labelvc:schema:taxonomy:1
name: topics
version: 1.0.0
labels:
  - {id: a, name: A}
  - {id: b, name: B}
  - {id: c, name: C, parent: b}
  - {id: d, name: D}
"""
GUIDELINE = "schema: urn:labelvc:schema:guideline:1\nname: topic\nversion: 1.0.0\ntitle: T1\nstatus: draft\ntaxonomy: topics\nlabels: {}\n"
IDS = st.sampled_from("abcdefghij")
KINDS = ("merge", "merge", "split", "split", "rename", "move", "deprecate", "add")
ENTRY = Entry("2026-12-02", "author@example.org")


class Lives(RuleBasedStateMachine):
    """A taxonomy that is worked on, and answers that follow it.

    The model follows each answer, not each label: `possible` holds the labels that it may be, by everything that was done
    since a person gave it. Where that is one the migration gives it; where it is several a person must say.
    """

    template: Path
    counts: ClassVar[dict[str, int]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(
            shutil.copytree(self.template, tempfile.mkdtemp(dir=self.template.parent), dirs_exist_ok=True)
        )
        self.at = plumbing.find(self.folder)
        self.possible: dict[str, set[str]] = {}
        self.status = dict.fromkeys("abcd", "active")
        self.titles = 1

    def teardown(self) -> None:
        report = check.everything(self.at, tree.work(self.at))
        shutil.rmtree(self.folder)
        assert {one.rule for one in report.findings if one.severity == "error"} == set()

    @initialize()
    def begin(self) -> None:
        self.answer([(item, label) for item, label in zip("123456", "aabbcd", strict=True)])

    # ------------------------------------------------------------ what is done to labels
    @rule(data=st.data(), kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=3))
    def work(self, data: st.DataObject, kinds: list[str]) -> None:
        for kind in kinds:
            getattr(self, f"_{kind}")(data)

    def _rename(self, data: st.DataObject) -> None:
        self._operate(Operation("rename", (self._known(data),), (), data.draw(st.sampled_from("XYZ"))))

    def _move(self, data: st.DataObject) -> None:
        self._operate(Operation("move", (self._known(data),), (), "", self._known(data)))

    def _deprecate(self, data: st.DataObject) -> None:
        label = self._active(data)
        if len(self._in_use()) > 2 and self._operate(Operation("deprecate", (label,))):
            self.status[label] = "deprecated"

    def _add(self, data: st.DataObject) -> None:
        label = data.draw(IDS)
        if self._operate(Operation("add", (), (label,))):
            self.status[label] = "active"

    def _merge(self, data: st.DataObject) -> None:
        into = data.draw(IDS)
        gone = sorted({self._active(data), self._known(data)} - {into})
        if self._operate(Operation("merge", tuple(gone), (into,))):
            self._became(gone, {into})

    def _split(self, data: st.DataObject) -> None:
        label, fresh = self._active(data), data.draw(st.lists(IDS, min_size=1, max_size=2, unique=True))
        to = [label, *fresh] if data.draw(st.booleans()) else fresh
        if self._operate(Operation("split", (label,), tuple(to))):
            self._became([label], set(to))

    def _in_use(self) -> list[str]:
        return sorted(label for label, status in self.status.items() if status == "active")

    def _active(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(self._in_use()))

    def _known(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.status)))

    def _operate(self, asked: Operation) -> bool:
        before = (self.folder / "taxonomies/topics.yaml").read_bytes()
        try:
            taxonomy.operate(self.at, "topics", asked)
        except RefusedError:
            assert (self.folder / "taxonomies/topics.yaml").read_bytes() == before
            return False
        self._count(asked.kind)
        return True

    def _became(self, gone: list[str], into: set[str]) -> None:
        for label in into:
            self.status.setdefault(label, "active")
        for label in gone:
            if label not in into:
                self.status[label] = "gone"
            for answer, labels in self.possible.items():
                if label in labels:
                    self.possible[answer] = (labels - {label}) | into

    # ------------------------------------------------------------ what is done with it
    @rule(data=st.data(), items=st.lists(st.sampled_from("12345678"), min_size=1, max_size=3, unique=True))
    def decide(self, data: st.DataObject, items: list[str]) -> None:
        """A person publishes what is in force, and answers some items by it."""
        self.publish()
        self.answer([(item, self._active(data)) for item in items])

    @rule()
    def publish(self) -> None:
        publication.publish(self.at, "taxonomy", "topics", ENTRY)
        self.titles += 1
        path = self.folder / "guidelines/topic.yaml"
        path.write_bytes(document.edit(path.read_bytes(), {("title",): f"T{self.titles}"}))
        publication.publish(self.at, "guideline", "topic", ENTRY)
        self._commit()

    @rule()
    def migrate(self) -> None:
        """What the migration says is what a diff of its commit says, and both are what the model says."""
        self._commit()
        before = self._labels()
        done = migrate.migrate(self.at, "topics")
        moved = {move.key.item: move.new[0] for move in done.moves}
        decided = {item: next(iter(labels)) for item, labels in self.possible.items() if len(labels) == 1}
        assert moved == {item: label for item, label in decided.items() if before[item] != label}
        assert {one.key.item: {*one.to} for one in done.open} == {
            item: labels for item, labels in self.possible.items() if len(labels) > 1
        }
        assert self._labels() == {**before, **moved}
        if self._commit():
            pair = differing.resolve(self.at, "HEAD~1..HEAD")
            told = {
                delta.key.item: json.loads(delta.new)["value"]["label"]
                for delta in differing.between(self.at, *pair)
                if delta.key.id
            }
            assert told == moved
            assert not migrate.migrate(self.at, "topics").moves
        self._count("moved" if moved else "still")

    def answer(self, rows: list[tuple[str, str]]) -> None:
        lines = "".join([f"{item},a{item},{label}\n" for item, label in rows])
        path = self.folder.parent / "in.csv"
        path.write_text(f"item,id,label\n{lines}")
        words = ["-q", "-C", str(self.folder), "import", "csv", str(path), "--dataset", "texts"]
        assert cli.run(words) == 0
        self._look_again({item for item, _ in rows})
        self.possible |= {item: {label} for item, label in rows}
        self._commit()

    def _look_again(self, rows: set[str]) -> None:
        """Have the records that say the same name the version in force: a person looked at them, which a CSV cannot tell."""
        version = document.read((self.folder / "guidelines/topic.yaml").read_bytes())["version"]
        for path in (self.folder / "datasets/texts/annotations").rglob("*.jsonl"):
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            for line in lines:
                if line["item"] in rows and not line.get("gone"):
                    line["under"] = f"topic@{version}"
                    line.get("origin", {}).pop("migration", None)
            path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        assert cli.run(["-q", "-C", str(self.folder), "format"]) == 0

    # ------------------------------------------------------------ what always holds
    @invariant()
    def no_record_is_orphaned(self) -> None:
        said = document.read((self.folder / "taxonomies/topics.yaml").read_bytes())
        known = {label["id"]: label.get("status", "active") for label in said["labels"]}
        assert {
            label: "active" if status == "active" else "deprecated" for label, status in self.status.items()
        } == known
        labels = self._labels()
        assert labels.keys() == self.possible.keys()
        for item, label in labels.items():
            assert label in known
            assert all(self.status[one] != "gone" for one in self.possible[item])

    def _labels(self) -> dict[str, str]:
        found = {}
        for path in (self.folder / "datasets/texts/annotations").rglob("*.jsonl"):
            for line in map(json.loads, path.read_text().splitlines()):
                if not line.get("gone"):
                    found[line["item"]] = line["value"]["label"]
        return found

    def _commit(self) -> bool:
        git(self.folder, "add", "--all")
        return (
            subprocess.run(
                ["git", "commit", "-qnm", "Next"], cwd=self.folder, capture_output=True, check=False
            ).returncode
            == 0
        )

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def play(tmp_path: Path, repo: Callable[[], Path], *, examples: int, steps: int) -> dict[str, int]:
    """Play histories, and return how often what happened."""
    machine: Any = type("Histories", (Lives,), {"template": repo(), "counts": {}})
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


@pytest.fixture
def template(repo, labelvc) -> Callable[[], Path]:
    """Return what makes a project with a taxonomy and a guideline, published and committed."""

    def make() -> Path:
        assert labelvc(repo, "init", "--template", "classification")[0] == 0
        (repo / "taxonomies/topics.yaml").write_text(TAXONOMY)
        (repo / "guidelines/topic.yaml").write_text(GUIDELINE)
        for noun, name in (("taxonomy", "topics"), ("guideline", "topic")):
            assert labelvc(repo, noun, "publish", name)[0] == 0
        git(repo, "add", "--all")
        git(repo, "commit", "-qnm", "Begin")
        return repo

    return make


def test_random_lives_of_labels(tmp_path: Path, template):
    counts = play(tmp_path, template, examples=4, steps=12)
    assert min(counts.get(name, 0) for name in ("merge", "split", "moved")) > 0, counts


@pytest.mark.long
def test_many_random_lives_of_labels(tmp_path: Path, template):
    counts = play(tmp_path, template, examples=25, steps=25)
    assert min(counts.get(name, 0) for name in ("merge", "split", "moved", "rename", "move", "deprecate")) > 0, counts
