"""Any bit of any byte of what was signed or approved: flipped where it came in or after, it is found, and its file or record is named."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from labelvc.ops import manifest as manifests
from labelvc.ops import papers
from labelvc.ops.approvals import Lost
from labelvc.ops.attest import Attester
from labelvc.ops.verify import Walk
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.reader import Reader
from tests import people
from tests.cli.test_release import released
from tests.people import SHARD, Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]
GUIDELINE = "guidelines/mood.yaml"
TEXT = """# How we look at moods.
schema: urn:labelvc:schema:guideline:1

name: mood  # one word
labels:
    - {id: good,   title: "Good"}
    # and so on
"""
RELEASE = "releases/1.0.0.json"
WHO = "Eve <eve@example.com> 1772355600 +0000"


class Victim(NamedTuple):
    """A file that was approved or signed.

    Attributes:
        what: what it is.
        path: its file.
        data: its bytes.
        old: the commit before the step that brought it in, or that it judges.
        tree: what that step made of the files.
    """

    what: str
    path: str
    data: bytes
    old: str
    tree: str


class Flip(NamedTuple):
    """One bit of a file.

    Attributes:
        victim: the file.
        at, bit: the byte and the bit of it.
        after: whether it is flipped by a commit after the release, or in the history before it.
    """

    victim: Victim
    at: int
    bit: int
    after: bool

    @property
    def data(self) -> bytes:
        """The file with the bit flipped."""
        data = self.victim.data
        return data[: self.at] + bytes([data[self.at] ^ (1 << self.bit)]) + data[self.at + 1 :]


class Ground(NamedTuple):
    """A repository in which all was approved and released.

    Attributes:
        git: the repository.
        victims: files of it.
        head: the release's commit.
    """

    git: Git
    victims: list[Victim]
    head: str

    def flipped(self, flips: Iterable[Flip]) -> list[tuple[str, str]]:
        """Commit files with a flipped bit; return the step to judge of each: its parent and its commit."""
        asked = list(flips)
        rows: list[bytes] = []
        for number, flip in enumerate(asked, 1):
            of, data = flip.victim, flip.data
            blob = b"M 100644 inline %b\ndata %d\n%b\n" % (of.path.encode(), len(data), data)
            if flip.after:
                rows += [commit(2 * number, self.head, ""), blob]
            elif of.what in ("policy", "root"):
                rows += [
                    commit(2 * number - 1, of.old, ""),
                    blob,
                    commit(2 * number, f":{2 * number - 1}", of.tree),
                    blob,
                ]
            else:
                rows += [commit(2 * number, of.old, of.tree), blob]
        marks = self.git.directory / "marks"
        words = ["git", "fast-import", "--quiet", "--force", f"--export-marks={marks}"]
        subprocess.run(words, cwd=self.git.top, input=b"".join(rows), check=True)
        ids = dict(line.split() for line in marks.read_text().splitlines())
        starts = [
            self.head if flip.after else ids.get(f":{2 * at - 1}", flip.victim.old) for at, flip in enumerate(asked, 1)
        ]
        return [(start, ids[f":{2 * at}"]) for at, start in enumerate(starts, 1)]


def commit(mark: int, parent: str, files: str) -> bytes:
    """Return the beginning of a commit for `git fast-import`, with the files of a tree, or its parent's."""
    row = f"commit refs/flips\nmark :{mark}\nauthor {WHO}\ncommitter {WHO}\ndata 5\nFlip\n\nfrom {parent}\n"
    return row.encode() + (f'M 040000 {files} ""\n'.encode() if files else b"")


_grounds: list[Ground] = []


@pytest.fixture
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """Return a repository with an approved record, an approved guideline and a release; made once, it outlasts the test."""
    if not _grounds:
        first = request.getfixturevalue("desk")
        _grounds.append(made(people.copy(first, tmp_path_factory.mktemp("flips") / "desk", first.run)))
    return _grounds[0]


def made(desk: Desk) -> Ground:
    said = desk.approve("ben")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    record = desk.git("rev-parse", "HEAD")
    desk.git("checkout", "-q", "-b", "words")
    desk.write(GUIDELINE, TEXT)
    desk.commit("Say more", who="cleo")
    agreed = desk.approve("ada", "main...words", "lead")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "-m", "Merge", "words")
    guideline = desk.git("rev-parse", "HEAD")
    head = released(desk, "1.0.0")
    assert desk.verify(f"{record}~1..{guideline}")[0] == 0
    return Ground(
        plumbing.find(desk.folder),
        [
            Victim(
                what,
                path,
                (desk.folder / path).read_bytes(),
                desk.git("rev-parse", old),
                desk.git("rev-parse", f"{new}^{{tree}}"),
            )
            for what, path, old, new in [
                ("record", SHARD, f"{record}~1", record),
                ("approval", said.relative_to(desk.folder).as_posix(), f"{record}~1", record),
                ("list", said.with_name("changeset.jsonl").relative_to(desk.folder).as_posix(), f"{record}~1", record),
                ("guideline", GUIDELINE, f"{guideline}~1", guideline),
                ("approval", agreed.relative_to(desk.folder).as_posix(), f"{guideline}~1", guideline),
                ("policy", "trust/policy.json", f"{record}~1", record),
                ("root", "trust/root/1.json", f"{record}~1", record),
                ("release", RELEASE, guideline, head),
            ]
        ],
        head,
    )


def unseen(ground: Ground, reader: Reader, walk: Walk, flip: Flip, step: tuple[str, str]) -> str:
    """Return how a flip escapes; empty when it is found, and named."""
    of = flip.victim
    if of.what == "release" and not flip.after:
        (made,) = manifests.history(ground.git, step[1])
        with Cache(ground.git) as cache:
            verdict = Attester(ground.git, reader, cache, None, step[1]).verdict(made, lambda: None)
        return "" if verdict.problems else f"{verdict.state} {verdict.doubts}"
    if of.what == "list" and not flip.after:  # a list is asked only for what another step carries over
        return (
            ""
            if [one.place.path for one in papers.strays(ground.git, tree.commit(ground.git, step[1]), [of.path])]
            else "no stray"
        )
    found = walk.step(*step)
    names = {*found.uncovered, *(problem.path for problem in found.problems)}
    bad = found.state not in ("approved", "unchanged") or any(isinstance(problem, Lost) for problem in found.problems)
    named = of.path in names or (of.what == "record" and any(name.startswith("reviews/") for name in names))
    return "" if bad and named else f"{found.state} {sorted(names)}"


def escaped(ground: Ground, flips: Sequence[Flip]) -> list[tuple[str, int, int, bool, str]]:
    """Return the flips that escape, each with how."""
    with tree.reader(ground.git) as reader:
        steps = ground.flipped(flips)
        walk = Walk(ground.git, reader, None)
        told = [(flip, unseen(ground, reader, walk, flip, step)) for flip, step in zip(flips, steps, strict=True)]
    return [(flip.victim.path, flip.at, flip.bit, flip.after, how) for flip, how in told if how]


@settings(max_examples=6, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_threat_01_30_a_flipped_bit_is_found_and_named(ground: Ground, data: st.DataObject):
    flips = []
    for victim in ground.victims:
        at, bit = data.draw(st.integers(0, len(victim.data) - 1)), data.draw(st.integers(0, 7))
        flips += [Flip(victim, at, bit, after) for after in (False, True)]
    assert not escaped(ground, flips)


@pytest.mark.long
@pytest.mark.parametrize("number", range(8))
def test_threat_01_30_every_flipped_byte_is_found_and_named(ground: Ground, number: int):
    """Every byte of a file, where it came in and after, one bit of it: all eight take turns, 20,000 flips in all."""
    victim = ground.victims[number]
    flips = [Flip(victim, at, (at + after) * 3 % 8, after) for at in range(len(victim.data)) for after in (False, True)]
    assert not escaped(ground, flips)
