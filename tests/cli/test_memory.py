"""The client state: a branch that went back or sideways since it last verified is told, whoever serves it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jsonschema
import pytest

from labelvc.codec import canonical, schema
from labelvc.codec import memory as codec
from labelvc.errors import DataError
from labelvc.model.memory import Mark, Memory, Newest
from labelvc.model.names import Digest
from labelvc.store import memory as store
from tests import people
from tests.people import PROJECT, Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]
MAIN = "refs/heads/main"


@pytest.fixture
def place(hermetic: Path) -> Path:
    return hermetic / ".state" / "labelvc" / f"{PROJECT}.json"


@pytest.fixture
def pinned(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Return the desk on `main` with the topic merged and approved, its root pinned, and verified once."""
    desk.approve("ben")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    root = json.loads(desk.labelvc("policy", "show", "--format", "json")[1])["summary"]["root"]
    monkeypatch.setenv("LABELVC_ROOT", root)
    assert desk.labelvc("verify")[0] == 0
    return desk


def kept(place: Path) -> dict:
    value = json.loads(place.read_bytes())
    jsonschema.Draft202012Validator(schema.schema("client-state")).validate(value)
    return value["refs"]


def refused(desk: Desk, *words: str) -> str:
    code, out, err = desk.labelvc(*(words or ("verify",)))
    assert (code, out) == (2, ""), out + err
    return err


def test_what_verified_is_remembered_and_moves_on(pinned: Desk, place: Path):
    first = pinned.git("rev-parse", "HEAD")
    assert kept(place) == {MAIN: {"commit": first, "policy": 3, "root": 1}}
    assert oct(place.parent.stat().st_mode & 0o777) == "0o700"
    assert str(pinned.folder) not in place.read_text()
    pinned.write("README.md", "hello")
    second = pinned.commit("Say hello")
    assert pinned.labelvc("verify", "main")[0] == 0
    assert kept(place)[MAIN]["commit"] == second
    pinned.relabel("dull", "rev-6")
    assert pinned.labelvc("verify")[0] == 1
    assert kept(place)[MAIN]["commit"] == second


def test_a_history_that_went_back_is_refused(pinned: Desk, place: Path):
    before = place.read_bytes()
    last = pinned.git("rev-parse", "HEAD")
    pinned.git("reset", "-q", "--hard", "HEAD~1")
    err = refused(pinned)
    assert f"this branch went back: it last verified at {last[:12]}" in err
    assert f"at: {MAIN}" in err or MAIN in err
    assert "next: git pull; when the rewrite is meant: labelvc verify --accept-rewrite" in err
    assert place.read_bytes() == before
    assert pinned.labelvc("verify", "--accept-rewrite")[0] == 0
    assert kept(place)[MAIN]["commit"] == pinned.git("rev-parse", "HEAD")
    assert pinned.labelvc("verify")[0] == 0


def test_a_history_that_was_rewritten_is_refused(pinned: Desk):
    for number in range(3):
        pinned.write("README.md", str(number))
        pinned.commit(f"Say {number}")
    assert pinned.labelvc("verify", "HEAD~3..main")[0] == 0
    pinned.git("reset", "-q", "--hard", "HEAD~3")
    assert "this branch went back" in refused(pinned, "verify", "--all")
    pinned.write("README.md", "else")
    pinned.commit("Say something else")
    assert "this branch was rewritten" in refused(pinned, "verify", "HEAD~1..main")
    assert "this branch was rewritten" in refused(pinned, "verify", "--all")
    assert "this branch was rewritten" in refused(pinned, "release", "verify")


def test_an_older_clone_shares_what_is_remembered(pinned: Desk, tmp_path: Path):
    """Somebody serves yesterday's history to a new clone; the commit that is remembered is not even in it."""
    shutil.copytree(pinned.folder, tmp_path / "old")
    pinned.write("README.md", "hello")
    pinned.commit("Say hello")
    assert pinned.labelvc("verify")[0] == 0
    code, out, err = pinned.run(tmp_path / "old", "verify")
    assert (code, out, "and that commit is not here" in err) == (2, "", True)
    assert "git fetch --all" in err
    pinned.git("clone", "-q", str(pinned.folder), str(tmp_path / "new"))
    assert pinned.run(tmp_path / "new", "verify")[0] == 0


def test_a_pull_request_is_judged_by_a_branch_that_did_not_go_back(pinned: Desk, place: Path):
    """Its own branch is rebased at will and is not remembered; the one it would go into must not be an old one."""
    pinned.git("checkout", "-q", "-b", "next")
    pinned.relabel("fine", "rev-2")
    pinned.approve("ben", "main...next")
    assert pinned.labelvc("verify", "main...next")[0] == 0
    assert list(kept(place)) == [MAIN]
    pinned.git("commit", "-q", "--amend", "-m", "Anew")
    assert pinned.labelvc("verify", "main...next")[0] == 0
    pinned.git("branch", "-q", "-f", "main", "main~1")
    assert "this branch went back" in refused(pinned, "verify", "main...next")


def test_what_names_no_branch_is_not_remembered(pinned: Desk, place: Path):
    before = place.read_bytes()
    pinned.git("checkout", "-q", "--detach", "HEAD~1")
    assert pinned.labelvc("verify")[0] == 0
    assert pinned.labelvc("verify", "main~1")[0] == 0
    assert place.read_bytes() == before


def test_an_unpinned_root_is_held_and_not_remembered(pinned: Desk, place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LABELVC_ROOT")
    before = place.read_bytes()
    pinned.write("README.md", "hello")
    pinned.commit("Say hello")
    assert pinned.labelvc("verify")[0] == 0
    assert place.read_bytes() == before
    pinned.git("reset", "-q", "--hard", "HEAD~2")
    refused(pinned)


def test_an_older_policy_root_or_release_is_refused(pinned: Desk, place: Path):
    for member, value, said in (
        ("policy", 9, "the policy is version 3, and was version 9"),
        ("root", 2, "the root is version 1, and was version 2"),
        ("release", {"digest": "sha256:" + "0" * 64, "sequence": 1}, "the chain of releases ends at number 0"),
    ):
        forged(place, lambda mark, member=member, value=value: mark | {member: value})
        assert said in refused(pinned)
        assert said in refused(pinned, "release", "verify")
        assert pinned.labelvc("verify", "--accept-rewrite")[0] == 0


def test_another_root_of_trust_is_refused(pinned: Desk, place: Path):
    value = json.loads(place.read_bytes()) | {"anchor": "sha256:" + "0" * 64}
    place.write_bytes(canonical.encode(value) + b"\n")
    assert "the root of trust is another one" in refused(pinned)
    assert pinned.labelvc("verify", "--accept-rewrite")[0] == 0
    assert pinned.labelvc("verify")[0] == 0


def forged(place: Path, change) -> None:
    value = json.loads(place.read_bytes())
    value["refs"][MAIN] = change(value["refs"][MAIN])
    place.write_bytes(canonical.encode(value) + b"\n")


def test_an_older_policy_on_top_is_refused(pinned: Desk, place: Path):
    """The commit descends, and its policy is the one before: `verify` of the step alone would say so too."""
    old = (pinned.folder / "trust/policy.json").read_bytes()
    pinned.git("branch", "-q", "-f", "topic")
    people.govern(pinned, lambda policy: people.labels_rule(policy, name="anew"))
    pinned.git("checkout", "-q", "main")
    assert pinned.labelvc("verify")[0] == 0
    assert kept(place)[MAIN]["policy"] == 4
    pinned.write("trust/policy.json", old)
    pinned.commit("Back to the old one")
    assert "the policy is version 3, and was version 4" in refused(pinned)


def test_a_release_chain_that_got_shorter_is_refused(pinned: Desk, place: Path):
    code, out, err = pinned.labelvc("release", "cut", "1.0.0", "--key", pinned.key("ada"))
    assert code == 0, out + err
    pinned.commit("Release 1.0.0")
    assert pinned.labelvc("verify")[0] == 0
    assert "release" not in kept(place)[MAIN], "who may push a file into releases/ cannot move this"
    assert pinned.labelvc("release", "verify")[0] == 0
    assert kept(place)[MAIN]["release"]["sequence"] == 1
    pinned.git("rm", "-q", "-r", "releases")
    pinned.commit("Take it away")
    assert "the chain of releases ends at number 0, and number 1 was sha256:" in refused(pinned)
    refused(pinned, "release", "verify")


def test_a_file_that_is_none_is_said(pinned: Desk, place: Path, tmp_path: Path):
    data = place.read_bytes()
    for damage in (
        data[:-20],
        data[:-1],
        b"",
        b'{"a": 1}\n',
        data.replace(b":", b": ", 1),
        data.replace(PROJECT.encode(), PROJECT.replace("3", "4").encode()),
        b"\xff\x00",
    ):
        place.write_bytes(damage)
        unusable(pinned, place)
    place.unlink()
    (tmp_path / "elsewhere").write_bytes(data)
    place.symlink_to(tmp_path / "elsewhere")
    unusable(pinned, place)
    place.unlink()
    place.mkdir()
    unusable(pinned, place)
    assert pinned.labelvc("verify", "--accept-rewrite")[0] == 2
    place.rmdir()
    assert pinned.labelvc("verify")[0] == 0


def unusable(desk: Desk, place: Path) -> None:
    err = refused(desk)
    assert "what verified on this machine before cannot be told" in err
    assert f"rm -r {place}" in err


def test_a_folder_that_cannot_be_written_is_said_once(pinned: Desk, place: Path, monkeypatch: pytest.MonkeyPatch):
    (place.parent.parent / "file").write_text("x")
    monkeypatch.setenv("LABELVC_STATE", str(place.parent.parent / "file" / "below"))
    code, _, err = pinned.labelvc("verify")
    assert (code, err.count("note: that this verified is not remembered: could not write")) == (0, 1)


def test_in_ci_only_a_named_folder_is_used(pinned: Desk, place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("CI", "true")
    monkeypatch.delenv("XDG_STATE_HOME")
    pinned.git("reset", "-q", "--hard", "HEAD~1")
    assert pinned.labelvc("verify")[0] == 0
    monkeypatch.setenv("LABELVC_STATE", str(tmp_path / "state"))
    assert pinned.labelvc("verify")[0] == 0
    assert [path.name for path in (tmp_path / "state").iterdir() if path.suffix == ".json"] == [place.name]
    monkeypatch.setenv("XDG_STATE_HOME", str(place.parent.parent))
    monkeypatch.delenv("LABELVC_STATE")
    refused(pinned)


def test_the_home_folder_is_the_default(pinned: Desk, hermetic: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert pinned.labelvc("verify")[0] == 0
    assert (hermetic / ".local/state/labelvc" / f"{PROJECT}.json").is_file()


def test_two_at_once_lose_nothing(tmp_path: Path):
    """Each adds a branch of its own, at once: all are there, and the file was whole at any moment."""

    def add(number: int) -> None:
        def change(memory: Memory | None) -> Memory:
            known = memory or Memory(PROJECT, Digest("sha256:" + "a" * 64), {})
            return Memory(known.project, known.anchor, {**known.refs, f"refs/heads/b{number}": Mark("a" * 40, 1, 1)})

        store.update(tmp_path, PROJECT, change)
        assert store.read(tmp_path, PROJECT) is not None

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(24)))
    found = store.read(tmp_path, PROJECT)
    assert found is not None
    assert len(found.refs) == 24
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".lock"]


def test_two_processes_at_once_lose_nothing(pinned: Desk, place: Path, tmp_path: Path):
    """Two people's commands on one machine, each on a branch and in a clone of its own: both are remembered, and neither fails."""
    names = ("one", "two")
    for name in names:
        pinned.git("branch", name)
        pinned.git("worktree", "add", "-q", str(tmp_path / name), name)
    command = [str(Path(sys.executable).with_name("labelvc")), "verify"]
    at_once = [
        subprocess.Popen([*command, name], cwd=tmp_path / name, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for name in names
        for _ in range(2)
    ]
    told = [one.communicate()[0].decode() for one in at_once]
    assert [one.returncode for one in at_once] == [0] * 4, told
    head = pinned.git("rev-parse", "HEAD")
    assert {ref: mark["commit"] for ref, mark in kept(place).items()} == dict.fromkeys(
        (MAIN, "refs/heads/one", "refs/heads/two"), head
    )
    assert not [path for path in place.parent.iterdir() if path.suffix not in (".json", ".lock")]


def test_an_id_that_is_no_uuid_names_no_file(tmp_path: Path):
    for bad in ("../../evil", "", "x" * 36, f"{PROJECT}/x"):
        assert store.path(tmp_path, bad) is None
        store.update(tmp_path, bad, lambda memory: memory)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", [
    {"commit": "x"}, {"commit": "A" * 40}, {"policy": -1}, {"root": "1"}, {"policy": 1.5}, {"more": 1}, {"commit": ""},
    {"release": {"sequence": 0, "digest": "sha256:" + "0" * 64}}, {"release": {"sequence": 1, "digest": "md5:0"}},
])  # fmt: skip
def test_only_what_is_written_is_read(change: dict):
    good = Memory(
        PROJECT, Digest("sha256:" + "a" * 64), {MAIN: Mark("a" * 40, 1, 3, Newest(2, Digest("sha256:" + "b" * 64)))}
    )
    assert codec.read(codec.write(good), PROJECT) == good
    value = json.loads(codec.write(good))
    value["refs"][MAIN] |= change
    with pytest.raises(DataError):
        codec.read(canonical.encode(value) + b"\n", PROJECT)


def test_another_user_s_file_is_refused(pinned: Desk, place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: place.stat().st_uid + 1)
    assert "it belongs to another user" in refused(pinned)
