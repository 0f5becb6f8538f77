"""Every way in which git brings two sides together, with the driver at work in real repositories, held to a dictionary model."""

from __future__ import annotations

import subprocess
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from labelvc.ops import audit, resolve
from labelvc.ops.audit import Auditor
from tests.copying import copied
from tests.journeys.test_merge_random import Content, content_merged, fresh, records, seed
from tests.ops.test_merge_attacks import driven
from tests.zoo import Zoo

TORN = {"pets/p1#m1", "pets/p1#m3"}
"""What both sides changed so that a person must decide: another score, and a deletion of what was edited."""


def apply(zoo: Zoo, content: Content) -> None:
    """Make the pets hold some records and nothing else; a record that went leaves a tombstone."""
    for key, row in content.items():
        zoo.put(key, row)


def base(content: Content) -> Content:
    more = {f"pets/{name}": fresh(f"pets/{name}", 1) for name in ("p1#m2", "p1#m3", "p2#m2", "p3#m2")}
    return {**content, **more}


def changed(row: dict[str, object], **members: object) -> dict[str, object]:
    return {**row, **members, "rev": int(str(row["rev"])) + 1}


def gone(row: dict[str, object]) -> dict[str, object]:
    return {"item": row["item"], "id": row["id"], "gone": True, "rev": int(str(row["rev"])) + 1}


def ours(was: Content) -> Content:
    pets = {
        "pets/p1#m1": changed(was["pets/p1#m1"], value={"score": 3}),
        "pets/p1#m3": gone(was["pets/p1#m3"]),
        "pets/p2#m1": changed(was["pets/p2#m1"], ext={"a": 1, "b": 0}),
        "pets/p3#m1": changed(was["pets/p3#m1"], value={"score": 2}),
        "pets/p2#m2": gone(was["pets/p2#m2"]),
        "pets/p1#o1": fresh("pets/p1#o1", 4),
        "pets/p1#caf\u00e9": fresh("pets/p1#caf\u00e9", 1),
    }
    return {**was, **pets}


def theirs(was: Content) -> Content:
    nfd = unicodedata.normalize("NFD", "caf\u00e9")
    pets = {
        "pets/p1#m1": changed(was["pets/p1#m1"], value={"score": -3}),
        "pets/p1#m3": changed(was["pets/p1#m3"], value={"score": -1}),
        "pets/p2#m1": changed(was["pets/p2#m1"], ext={"a": 0, "b": 1}),
        "pets/p3#m1": changed(was["pets/p3#m1"], value={"score": 2}),
        "pets/p1#m2": changed(was["pets/p1#m2"], value={"score": 4}),
        "pets/p3#m2": gone(was["pets/p3#m2"]),
        "pets/p1#t1": fresh("pets/p1#t1", -4),
        f"pets/p1#{nfd}": fresh(f"pets/p1#{nfd}", 2),
    }
    return {**was, **pets}


@pytest.fixture(scope="module")
def ground() -> list[Zoo]:
    """Return the place of the repository that all tests copy; it is made inside a test, where the environment is hermetic."""
    return []


class Sides(NamedTuple):
    """A repository on `main` with a branch `topic`, and what base, main and topic hold."""

    zoo: Zoo
    was: Content
    mine: Content
    new: Content


@pytest.fixture
def sides(ground: list[Zoo], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Sides:
    if not ground:
        zoo = seed(tmp_path_factory.mktemp("ways") / "zoo")
        driven(zoo)
        apply(zoo, base(records(zoo)))
        zoo.commit("base")
        was = records(zoo)
        zoo.git("switch", "-qc", "topic")
        apply(zoo, theirs(was))
        zoo.write("guidelines/note.md", "theirs\n")
        zoo.write(unicodedata.normalize("NFD", "guidelines/caf\u00e9.md"), "theirs\n")
        zoo.commit("theirs", "Ben")
        zoo.git("switch", "-q", "main")
        apply(zoo, ours(was))
        zoo.write("guidelines/Note.md", "ours\n")
        zoo.write("guidelines/caf\u00e9.md", "ours\n")
        zoo.commit("ours")
        ground.append(zoo)
    zoo = Zoo(copied(ground[0].folder, tmp_path / "zoo"))
    zoo.git("update-index", "-q", "--refresh")
    return Sides(zoo, *[records(zoo, rev) for rev in ("main~1", "main", "topic")])


def plain(words: str, *settings: str, begin: Callable[[Zoo], object] = lambda _: None) -> Callable[[Zoo], str]:
    def way(zoo: Zoo) -> str:
        for setting in settings:
            zoo.git("config", *setting.split("="))
        begin(zoo)
        zoo.git(*words.split(), code=1)
        return "commit -q --no-edit"

    return way


def rebase(zoo: Zoo) -> str:
    zoo.git("switch", "-q", "topic")
    zoo.git("rebase", "-q", "main", code=1)
    return "-c core.editor=true rebase --continue"


def mailed(zoo: Zoo) -> str:
    patch = zoo.git("format-patch", "--stdout", "--binary", "topic~1..topic") + "\n"
    (zoo.folder.parent / "patch").write_text(patch)
    zoo.git("am", "-q", "-3", str(zoo.folder.parent / "patch"), code=128)
    return "am --continue"


def stashed(zoo: Zoo) -> str:
    zoo.git("switch", "-q", "--detach", "main~1")
    zoo.git("checkout", "-q", "topic", "--", ".")
    zoo.git("stash", "-q")
    zoo.git("switch", "-q", "main")
    zoo.git("stash", "pop", "-q", code=1)
    return "commit -qm popped"


def recorded(zoo: Zoo) -> str:
    """Merge a first time and resolve: the second time git itself would put the first answer in."""
    zoo.git("config", "rerere.enabled", "true")
    zoo.git("merge", "-q", "topic", code=1)
    resolve.resolve(zoo.at, resolve.by_side("theirs"))
    zoo.git("commit", "-q", "--no-edit")
    zoo.git("reset", "-q", "--hard", "HEAD^1")
    done = subprocess.run(["git", "merge", "-q", "topic"], cwd=zoo.folder, check=False, capture_output=True)
    assert done.returncode == 1
    zoo.git("add", "-A")
    return "commit -q --no-edit"


def switched(zoo: Zoo) -> str:
    """Switch with edits that are not committed."""
    zoo.git("switch", "-q", "--detach", "main~1")
    zoo.git("checkout", "-q", "topic", "--", ".")
    zoo.git("reset", "-q")
    zoo.git("checkout", "-q", "-m", "main")
    return "commit -qm switched"


def begun_anew(zoo: Zoo) -> str:
    """Edit a file in conflict, and ask git for its conflict again."""
    zoo.git("merge", "-q", "topic", code=1)
    zoo.write(zoo.shard("pets/p1#m1"), "half mended\n")
    zoo.git("checkout", "--conflict=zdiff3", "--", zoo.shard("pets/p1#m1"))
    return "commit -q --no-edit"


WAYS: dict[str, Callable[[Zoo], str]] = {
    "merge": plain("merge -q topic"),
    "-X ours": plain("merge -q -X ours topic"),
    "-X theirs": plain("merge -q -X theirs topic"),
    "-X ignore-all-space": plain("merge -q -X ignore-all-space topic"),
    "-s recursive": plain("merge -q -s recursive topic"),
    "-s resolve": plain("merge -q -s resolve topic"),
    "-s subtree": plain("merge -q -s subtree topic"),
    "zdiff3": plain("merge -q topic", "merge.conflictStyle=zdiff3"),
    "autocrlf": plain("merge -q topic", "core.autocrlf=true", begin=lambda zoo: zoo.git("checkout", "-qf", "main")),
    "ignorecase": plain("merge -q topic", "core.ignorecase=true"),
    "precompose": plain("merge -q topic", "core.precomposeunicode=true"),
    "cherry-pick": plain("cherry-pick topic"),
    "rebase": rebase,
    "am -3": mailed,
    "stash pop": stashed,
    "rerere": recorded,
    "merge --squash": lambda zoo: plain("merge -q --squash topic")(zoo).replace("--no-edit", "-m squashed"),
    "checkout -m": switched,
    "checkout --conflict": begun_anew,
}


@pytest.mark.parametrize("name", [*WAYS])
def test_no_way_of_git_loses_a_record(sides: Sides, name: str):
    """The conflicts are those of the model and no others; what comes out is what the model says; no record of a side is missing."""
    zoo, was, mine, new = sides
    go_on = WAYS[name](zoo)
    expected, torn = content_merged(was, mine, new, "theirs")
    assert torn == TORN
    if name != "rerere":  # git has put in what a person answered before
        left = resolve.left(zoo.at)
        assert {str(one.key) for here in left.conflicts.values() for one in here} == torn
        resolve.resolve(zoo.at, resolve.by_side("theirs"))
    zoo.git("add", "-A")
    zoo.git(*go_on.split())
    assert records(zoo) == expected
    assert {*mine} | {*new} <= {*expected}
    paths = zoo.git("ls-files", "-z", "guidelines/*.md").split("\0")[:-1]
    assert sorted(zoo.git("show", f"HEAD:{path}") for path in paths) == ["ours", "ours", "theirs", "theirs"]
    assert zoo.git("status", "--porcelain") == ""


@pytest.mark.parametrize("where", ["worktree", "submodule", "sparse"])
def test_no_place_loses_a_record(sides: Sides, where: str, tmp_path: Path):
    zoo, was, mine, new = sides
    if where == "worktree":
        zoo.git("worktree", "add", "-q", "--detach", str(tmp_path / "other"), "main")
        here = Zoo(tmp_path / "other")
    elif where == "submodule":
        above = Zoo(tmp_path / "above")
        above.folder.mkdir()
        above.git("init", "-q")
        above.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(zoo.folder), "labels")
        here = Zoo(above.folder / "labels")
        here.git("branch", "-q", "topic", "origin/topic")
        for name in ("driver", "name", "recursive"):
            value = zoo.git("config", "--default", "", f"merge.labelvc.{name}")
            here.git("config", f"merge.labelvc.{name}", value) if value else None
    else:
        zoo.git("sparse-checkout", "set", "--no-cone", "/*", "!/datasets/pets/annotations/")
        here = zoo
    here.git("merge", "-q", "topic", code=1)
    assert {str(one.key) for rows in resolve.left(here.at).conflicts.values() for one in rows} == TORN
    resolve.resolve(here.at, resolve.by_side("ours"))
    here.git("commit", "-q", "--no-edit")
    assert records(here) == content_merged(was, mine, new, "ours")[0]


def test_a_merge_that_is_reverted_goes_and_what_came_after_it_stays(sides: Sides):
    zoo, _, mine, _ = sides
    zoo.git("merge", "-q", "topic", code=1)
    resolve.resolve(zoo.at, resolve.by_side("theirs"))
    zoo.git("commit", "-q", "--no-edit")
    merged = records(zoo)
    later = {"pets/p1#z1": fresh("pets/p1#z1", 2), "pets/p2#m1": changed(merged["pets/p2#m1"], ext={"a": 7, "b": 1})}
    apply(zoo, later)
    zoo.commit("later")
    after = records(zoo)
    zoo.git("revert", "-m", "1", "--no-edit", "HEAD~1")
    expected, torn = content_merged(merged, after, mine)
    assert torn == set()
    assert records(zoo) == expected
    assert expected["pets/p1#z1"] == later["pets/p1#z1"]
    assert expected["pets/p2#m1"]["ext"] == {"a": 7, "b": 0}


@pytest.mark.parametrize("side", ["--ours", "--theirs"])
def test_a_side_that_is_taken_whole_is_a_finding_for_each_record_of_the_other(sides: Sides, side: str):
    """`git checkout --theirs` takes a file and not the records in conflict: what the other side said in it is lost."""
    zoo, was, mine, new = sides
    zoo.git("merge", "-q", "topic", code=1)
    zoo.git("checkout", side, "--", "datasets")
    zoo.git("add", "-A")
    zoo.git("commit", "-q", "--no-edit")
    expected, found = content_merged(was, mine, new, side.removeprefix("--"))[0], records(zoo)
    with Auditor(zoo.at) as auditor:
        verdicts = [told for one in audit.merges(zoo.at, None) for told in auditor.examine(one)]
    lost = {key for key in expected if found.get(key) != expected[key]}
    assert len(lost) > 3
    assert {str(told.verdict.key) for told in verdicts if told.verdict.kind != "resolved"} >= lost - TORN
    assert {str(told.verdict.key) for told in verdicts} == lost | TORN
