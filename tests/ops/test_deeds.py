"""Laws of a walk over many steps: it says of each what is said when nothing but that step was ever read."""

from __future__ import annotations

import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from labelvc.codec import canonical, dsse, statement
from labelvc.core import changeset
from labelvc.model.approval import NAMESPACE, Approval, Scope, Seen, Signer
from labelvc.model.change import Delta
from labelvc.model.names import Key
from labelvc.ops import approvals, lying, makers, trust, verify
from labelvc.ops import course as courses
from labelvc.ops import diff as comparing
from labelvc.ops.course import Course
from labelvc.ops.deeds import Deeds
from labelvc.ops.merged import takes_back
from labelvc.ops.population import Census
from labelvc.ops.verify import Walk
from labelvc.store import git as plumbing
from labelvc.store import keys, tree
from labelvc.store.git import Git
from tests.people import NAMES, SHARD, Desk, in_force, record
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]

FILE, PROGRAM, LINK, MODULE = "100644", "100755", "120000", "160000"
OTHER = SHARD.replace("00.jsonl", "13.jsonl")
NOTES = "guidelines/mood.yaml"
PLACES = (SHARD, OTHER, NOTES, "README.md", "datasets/reviews/dataset.yaml", "trust/policy.json")
Tree = dict[str, tuple[str, bytes]]
KINDS = (
    ["agreed"] * 9 + ["edit"] * 3 + ["say"] * 2 + ["merge"] * 3
    + ["document", "empty", "move", "mode", "link", "module", "mend", "mend", "forget", "stray", "gone", "policy"]
    + ["octopus", "squash", "by hand", "back", "old main"]
)  # fmt: skip


class Node(NamedTuple):
    """A commit that was made: its mark, and its files."""

    mark: int
    files: Tree


class Past:
    """Writes a random history to `git fast-import`: a main line, and branches that it takes in.

    Args:
        desk: where it begins, at the end of its `main`.
        seed: what it is made from.
    """

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk, self.chance, self.trust = desk, random.Random(seed), in_force(desk)
        self.signers = {
            who: keys.signer(desk.key(who), None, lambda words: words) for who in ("ben", "cleo", "mallory")
        }
        listed = desk.git("ls-tree", "-r", "main").splitlines()
        start = {
            path: (FILE, desk.git("show", f"main:{path}").encode() + b"\n")
            for path in [row.partition("\t")[2] for row in listed]
        }
        start["trust/policy.json"] = (FILE, (desk.folder / "trust/policy.json").read_bytes())
        self.start: Tree = start
        self.out: list[bytes] = []
        self.deltas: list[Delta] = []
        self.number = 0
        self.spine: list[Node] = []
        self.sides: list[Node] = []

    def write(self, count: int, branch: str) -> None:
        """Write so many steps and let the branch end with the last."""
        here = self.commit(self.start, [], "main", first=True)
        for _ in range(count):
            here = self.step(here, self.chance.choice(KINDS))
            self.spine.append(here)
        self.out.append(b"reset refs/heads/%b\nfrom :%d\n\n" % (branch.encode(), here.mark))
        words = ["git", "fast-import", "--quiet", "--force"]
        subprocess.run(words, cwd=self.desk.folder, input=b"".join(self.out), check=True, capture_output=True)

    def commit(self, files: Tree, parents: list[Node], said: str, *, first: bool = False) -> Node:
        self.number += 1
        who = self.chance.choice(["ada"] * 8 + ["ben"] * 3 + ["mallory"])
        at = 1_780_000_000 + self.number * 60 + self.chance.choice([0, 0, -90_000, 90_000])
        person = b"%b <%b@example.com> %d +0000\n" % (NAMES.get(who, who).encode(), who.encode(), at)
        more = "\n\nCo-authored-by: Cleo <cleo@example.com>\n" if self.chance.random() < 0.2 else "\n"
        message = (said + more).encode()
        self.out.append(b"commit refs/heads/law\nmark :%d\nauthor %bcommitter %b" % (self.number, person, person))
        self.out.append(b"data %d\n%b" % (len(message), message))
        if first:
            self.out.append(b"from %b\n" % self.desk.git("rev-parse", "main").encode())
        for word, parent in zip(["from", *["merge"] * 9], parents, strict=False):
            self.out.append(b"%b :%d\n" % (word.encode(), parent.mark))
        self.out.append(b"deleteall\n")
        for path, (mode, data) in files.items():
            if mode == MODULE:
                self.out.append(b"M %b %b %b\n" % (mode.encode(), data, path.encode()))
            else:
                self.out.append(b"M %b inline %b\ndata %d\n%b\n" % (mode.encode(), path.encode(), len(data), data))
        return Node(self.number, files)

    def step(self, here: Node, kind: str) -> Node:
        if kind in ("merge", "octopus", "squash", "by hand", "back", "old main"):
            return self.joined(here, kind)
        return self.commit(self.changed(here.files, kind), [here], kind)

    def joined(self, here: Node, kind: str) -> Node:
        """Return a step that takes branches in; each began at this commit or at an older one."""
        ends, files = list[Node](), dict(here.files)
        for _ in range(2 if kind == "octopus" else 1):
            node = (
                self.chance.choice([*self.spine[-3:], *self.sides[-3:]] or [here])
                if kind in ("back", "old main")
                else here
            )
            for _ in range(self.chance.randint(1, 3)):
                before = node
                node = self.commit(
                    self.changed(
                        node.files, self.chance.choice(["agreed", "agreed", "edit", "say", "document", "empty"])
                    ),
                    [node],
                    "aside",
                )
                if kind == "old main" and self.chance.random() < 0.5:
                    node = self.commit(
                        merged(node.files, before.files, here.files), [node, here], "main into the branch"
                    )
            files = merged(files, here.files, node.files)
            ends.append(node)
            self.sides.append(node)
        if kind == "by hand":
            files = self.changed(files, "edit")
        return self.commit(files, [here] if kind == "squash" else [here, *ends], kind)

    def changed(self, files: Tree, kind: str) -> Tree:
        """Return files with one change of a kind."""
        made: dict[str, Callable[[Tree], Any]] = {
            "agreed": self.agreed, "edit": self.edit, "say": self.say, "move": self.move, "forget": self.forget,
            "document": lambda new: new.update({NOTES: (FILE, b"name: mood\nversion: %d\n" % self.number)}),
            "mode": lambda new: self.turn(new, PROGRAM), "link": lambda new: self.turn(new, LINK), "mend": lambda new: self.turn(new, FILE),
            "module": lambda new: new.update({self.chance.choice(PLACES[:4]): (MODULE, b"5" * 40)}),
            "stray": lambda new: new.update({self.chance.choice(["approvals/notes.txt", f"approvals/{'0' * 64}/x.y.json", "trust/odd"]): (FILE, b"x")}),
            "gone": lambda new: new.pop(self.chance.choice(PLACES), None),
            "policy": lambda new: new.update({"trust/policy.json": self.chance.choice([self.start["trust/policy.json"], (FILE, b"{}\n")])}),
            "empty": lambda _: None,
        }  # fmt: skip
        new = dict(files)
        made[kind](new)
        return new

    def edit(self, files: Tree) -> None:
        path = self.chance.choice([SHARD, SHARD, OTHER])
        mode, data = files.get(path, (FILE, b""))
        rows = (
            {}
            if mode in (LINK, MODULE)
            else {line.split(b'"')[3]: line for line in data.split(b"\n") if b'"item"' in line}
        )
        item = f"rev-{self.chance.randint(1, 4)}"
        old = rows.get(item.encode())
        new = canonical.encode_record(
            record(item, f"label {self.number}", self.number + 1, self.chance.choice(["prs_anna", "prs_ben"]))
        )
        rows[item.encode()] = new
        files[path] = (FILE, b"".join(line + b"\n" for line in sorted(rows.values())))
        self.deltas.append(Delta(Key("reviews", item, "r1"), old, new))

    def agreed(self, files: Tree) -> None:
        """Make an edit with which somebody agrees at once."""
        self.edit(files)
        files.update((path, (FILE, data)) for path, data in self.said("cleo", self.deltas[-1:], "approve"))

    def say(self, files: Tree) -> None:
        """Add what somebody says of one of the last edits, or of some."""
        number = self.chance.choice([1, 1, 2, 3])
        about = {delta.key: delta for delta in self.deltas[-number:]}
        if about:
            decision = self.chance.choice(["approve"] * 4 + ["reject", "withdraw"])
            who = self.chance.choice(["ben", "cleo", "cleo", "mallory"])
            files.update((path, (FILE, data)) for path, data in self.said(who, list(about.values()), decision))

    def said(self, who: str, deltas: list[Delta], decision: Any) -> Iterator[tuple[str, bytes]]:
        found, now = changeset.gather(deltas), self.trust
        root = found.changeset.root
        self.number += 1
        approval = Approval(
            root=root, decision=decision, meaning="approval", role="reviewer", signer=Signer(who, NAMES.get(who, who)),
            signed_at="2026-01-01T00:00:00Z", scope=Scope(now.policy.repository, "delta", 0, 1, 0), reason="so",
            policy=Seen(now.policy.version, now.digest.removeprefix("sha256:")), nonce=f"{self.number:032x}", tool="labelvc 0",
        )  # fmt: skip
        envelope = trust.seal(dsse.IN_TOTO, statement.encode_approval(approval), self.signers[who], NAMESPACE)
        yield f"{approvals.folder_of(root)}/{approvals.CHANGE_SET}", changeset.write(found.lines)
        yield approvals.path_of(root, who, envelope.digest), dsse.encode(envelope)

    def move(self, files: Tree) -> None:
        if SHARD in files and files[SHARD][0] != MODULE:
            files[OTHER] = files.pop(SHARD)

    def forget(self, files: Tree) -> None:
        said = [path for path in files if path.startswith("approvals/")]
        if said:
            path = self.chance.choice(said)
            files.pop(path) if self.chance.random() < 0.5 else files.update({path: (FILE, b"{}\n")})

    def turn(self, files: Tree, mode: str) -> None:
        path = self.chance.choice([path for path in PLACES if path in files] or [NOTES])
        known, data = files.get(path, (FILE, b"x\n"))
        files[path] = (mode, b"README.md" if MODULE in (known, mode) else data)


def merged(ours: Tree, base: Tree, theirs: Tree) -> Tree:
    """Return files with what others changed since a base."""
    found = dict(ours)
    for path in base.keys() | theirs.keys():
        if base.get(path) != theirs.get(path):
            found.pop(path, None)
            found |= {path: theirs[path]} if path in theirs else {}
    return found


def alone(git: Git, going: Course) -> Iterator[verify.Step]:
    """Yield each step as a walk judges it that has read nothing else, but knows whom the newest policy distrusts."""
    with tree.reader(git) as reader:
        knowing = Walk(git, reader, None)
        knowing.heed(going)
    for parent, commit in going.pairs:
        with tree.reader(git) as reader:
            walk = Walk(git, reader, None)
            walk.silence = knowing.silence
            yield walk.step(parent, commit)


def made_one_by_one(git: Git, parent: str, commit: str) -> list[str]:
    """Return the commits of a step that make something, each looked at by itself."""
    words = ("--", ":(top,exclude)approvals", ":(top,exclude)releases")
    found = []
    for own, *parents in map(
        str.split,
        plumbing.run(git, "rev-list", "--parents", commit, *([f"^{parent}"] if parent else [])).decode().splitlines(),
    ):
        how = ("--cc", "-p", "-U0") if len(parents) > 1 else ("-r", "--root", "--name-only")
        told = plumbing.run(git, "diff-tree", "--no-commit-id", *how, own, *words)
        new = b"diff --cc" in told or takes_back(git, own, parents) if len(parents) > 1 else told
        found += [own] if new else []
    return found


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32), count=st.integers(4, 12))
def test_steps_of_a_walk_are_the_steps_alone(desk: Desk, seed: int, count: int):
    branch = f"law-{seed}-{count}"
    Past(desk, seed).write(count, branch)
    git = plumbing.find(desk.folder)
    from_start = seed % 2 == 1
    going = courses.read(git, branch if from_start else f"main..{branch}", everything=from_start)
    assert len(going.pairs) > count
    with tree.reader(git) as reader:
        walk, deeds = Walk(git, reader, None), Deeds(git, reader)
        walk.heed(going)
        found = [walk.step(*pair) for pair in going.pairs]
        assert found == list(alone(git, going))
        rows = [row.step for row in Census(git, reader, None).rows(going)]
        assert [(step.commit, step.state, step.uncovered) for step in rows] == [
            (step.commit, step.state, step.uncovered) for step in found
        ]
        deeds.expect(going.pairs)
        for pair in going.pairs:
            old, new = tree.differing(git, *pair) if pair[0] else (tree.empty(), tree.commit(git, pair[1]))
            deed = deeds.of(*pair)
            assert (dict(deed.old.entries), dict(deed.new.entries)) == (dict(old.entries), dict(new.entries))
            assert deed.found == changeset.gather(comparing.between(git, old, new))
            made = deeds.made(deed)
            assert sorted(made) == sorted(makers.commits(git, *pair))
            assert sorted(each.commit for each in made) == sorted(made_one_by_one(git, *pair))


def test_what_was_said_before_is_found_by_git_as_by_reading_all_of_it(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    states = Counter()
    for seed in (0, 2, 4):
        Past(desk, seed).write(10, f"searched-{seed}")
        git = plumbing.find(desk.folder)
        going = courses.read(git, f"main..searched-{seed}")
        told = []
        for many in (0, 256):
            monkeypatch.setattr(lying, "_MANY", many)
            told.append(list(alone(git, going)))
        assert told[0] == told[1]
        states += Counter(said.decision for step in told[0] for said in step.said if said.root != step.root)
    assert states["approve"] > 0
    assert states["withdraw"] > 0


def test_a_commit_is_of_the_first_step_that_reaches_it(desk: Desk):
    first = desk.git("rev-parse", "topic")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "-m", "Once", "topic")
    desk.git("checkout", "-q", "topic")
    second = desk.relabel("fine", "rev-2")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "-m", "Twice", "topic")
    git = plumbing.find(desk.folder)
    pairs = courses.read(git, "main~2..main").pairs
    told = makers.along(git, pairs)
    assert [[each.commit for each in told[commit]] for _, commit in pairs] == [[first], [second]]
    assert [told[commit] for _, commit in pairs] == [makers.commits(git, *pair) for pair in pairs]
