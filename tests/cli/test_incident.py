"""An incident: whatever holds a value is found, the value is shown nowhere, and git filter-repo takes it out by our file."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import stat
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec import schema
from labelvc.core import spelling
from labelvc.errors import ConfigurationError
from labelvc.store import dvc
from tests.cli.test_release import main, released
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys
from tests.zoo import Zoo, author, zoo, zoo_template

__all__ = ["desk", "desk_template", "main", "people_keys", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
MAIL = "jo.public@firma.de"
CARD = "4111111111111111"
WIDE = "".join(chr(ord(letter) + 0xFEE0) for letter in MAIL)


def told(zoo: Zoo, labelvc: Run, *words: str, code: int = 1) -> dict[str, Any]:
    """Return what an incident comes to, for programs; no output holds the value."""
    found, out, err = labelvc(zoo.folder, "privacy", "incident", *words, "--format", "json")
    assert found == code, err
    assert "public" not in out + err
    whole = json.loads(out)
    assert not list(schema.problems("privacy-incident", whole))
    return dict(whole)


def typed(zoo: Zoo, labelvc: Run, monkeypatch: pytest.MonkeyPatch, value: str, code: int = 1) -> dict[str, Any]:
    monkeypatch.setattr("sys.stdin", io.StringIO(value + "\n"))
    return told(zoo, labelvc, "--value", code=code)


def everywhere(zoo: Zoo) -> None:
    """Bring an address into history in every way that a file can hold it, and take it out of HEAD again."""
    zoo.change("pets/p2#", text=f"ask {MAIL}, or {MAIL.upper()}")
    zoo.change("pets/p3#", text="ask jo.public\\u0040firma.de")
    zoo.respell("pets/p3#", "\\\\u0040", "\\u0040")
    zoo.change(
        "pets/p4#",
        ext={"wide": WIDE, "marks": "jo.pub\u200blic@fir\u00adma.de", "link": quote(f"mailto:{MAIL}", safe="")},
    )
    zoo.change(
        "pets/p5#", ext={"raw": base64.b64encode(f"to {MAIL} at once".encode()).decode(), "hex": MAIL.encode().hex()}
    )
    zoo.change("pets/p6#", ext={MAIL: [1]})
    zoo.write("taxonomies/animals.yaml", zoo.read("taxonomies/animals.yaml").decode() + f"# ask {MAIL}\n")
    zoo.write("wide.txt", f"ask {MAIL}\n".encode("utf-16"))
    zoo.write("bytes.bin", b"\0\1\2" + MAIL.encode())
    zoo.write(f"notes/{MAIL}.txt", "hello\n")
    first = zoo.commit(f"Bring {MAIL}\n\nand more")
    zoo.git("tag", "-a", "-m", f"Thanks to {MAIL}", "v1", **author("Ada"))
    zoo.git("branch", "aside")
    for key in ("pets/p2#", "pets/p3#", "pets/p4#", "pets/p5#", "pets/p6#"):
        zoo.change(key, text="nothing", ext=None)
    zoo.git("rm", "-q", "-r", "notes", "wide.txt", "bytes.bin")
    zoo.git("checkout", "-q", f"{first}~1", "--", "taxonomies")
    zoo.commit("Take it back")


def forms(data: bytes) -> list[str]:
    """Return the ways in which bytes hold the address, told without our patterns."""
    text = data.decode("utf-8", "replace")
    squeezed = "".join(
        letter for letter in unicodedata.normalize("NFKC", text) if unicodedata.category(letter) != "Cf"
    ).lower()
    views = {
        "plain": squeezed,
        "escaped": squeezed.replace("\\u0040", "@"),
        "percent": squeezed.replace("%40", "@"),
        "hex": squeezed.replace(MAIL.encode().hex(), MAIL),
        "wide": data.replace(b"\0", b"").decode("utf-8", "replace").lower(),
    }
    for at in range(3):
        part = base64.b64encode(bytes(at) + MAIL.encode())[4:-4]
        views[f"base64 {at}"] = MAIL if part in data else ""
    return [name for name, view in views.items() if MAIL in view]


def objects(folder: Path) -> dict[str, list[str]]:
    """Return the objects of a repository that hold the address, with how."""
    listed = subprocess.run(
        ["git", "cat-file", "--batch-all-objects", "--batch-check"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    found = {}
    for row in listed.stdout.splitlines():
        name, kind, _ = row.split()
        data = subprocess.run(["git", "cat-file", kind, name], cwd=folder, capture_output=True, check=True).stdout
        if how := forms(data):
            found[f"{kind} {name}"] = how
    return found


def test_filter_repo_takes_every_occurrence_out_by_our_files(
    zoo: Zoo, labelvc: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    everywhere(zoo)
    before = objects(zoo.folder)
    found = typed(zoo, labelvc, monkeypatch, MAIL)
    assert {f"{one['kind']} {one['id']}" for one in found["objects"]} == before.keys()
    assert {one["kind"] for one in found["objects"]} == {"blob", "commit", "tag", "tree"}
    assert found["spellings"] >= 8
    assert (found["refs"], found["pushed"]) == (["refs/heads/aside", "refs/heads/main", "refs/tags/v1"], False)
    (brought,) = found["brought"]
    assert {"notes/***.txt", "bytes.bin", "wide.txt", "taxonomies/animals.yaml"} <= set(brought["paths"])
    assert {path.rpartition("/")[0] for path in brought["paths"]} == {"notes", "", "taxonomies", "datasets/pets/items"}
    fresh = tmp_path / "fresh.git"
    subprocess.run(["git", "clone", "-q", "--mirror", f"file://{zoo.folder}", str(fresh)], check=True)
    (line,) = [step for step in found["steps"] if step.startswith("git filter-repo")]
    assert found["replace"] in line
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(line, shell=True, cwd=fresh, check=True, capture_output=True, env={**os.environ, "PATH": path})
    subprocess.run(["git", "reflog", "expire", "--expire=now", "--all"], cwd=fresh, check=True)
    subprocess.run(["git", "gc", "-q", "--prune=now"], cwd=fresh, check=True)
    assert objects(fresh) == {}
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(fresh), str(clone)], check=True)
    assert typed(Zoo(clone), labelvc, monkeypatch, MAIL, code=0)["found"] is False
    assert labelvc(clone, "check", "--all")[0] == 0, "what is left is a labels repository as before"
    names = subprocess.run(
        ["git", "log", "--all", "--name-only", "--format="], cwd=clone, capture_output=True, text=True, check=True
    ).stdout
    assert "notes/removed.txt" in names


def test_the_files_are_private_and_outside_of_the_work_tree(zoo: Zoo, labelvc: Run, monkeypatch: pytest.MonkeyPatch):
    everywhere(zoo)
    found = typed(zoo, labelvc, monkeypatch, MAIL)
    for name in ("replace", "strip", "names"):
        path = Path(found[name])
        assert path.is_relative_to(zoo.folder / ".git/labelvc/incident")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    lines = Path(found["replace"]).read_bytes().splitlines()
    assert b"literal:jo.public@firma.de==>(removed)" in lines
    assert all(line.startswith(b"literal:") and b"==>" in line for line in lines)
    assert zoo.git("status", "--porcelain", "--ignored") == ""
    assert any("shred -u" in step and found["replace"] in step for step in found["steps"])
    own = {Path(found[name]) for name in ("replace", "strip", "names")}
    others = [path for path in (zoo.folder / ".git/labelvc").rglob("*") if path.is_file() and path not in own]
    assert not [path for path in others if MAIL.encode() in path.read_bytes()]


@pytest.mark.parametrize("where", ["key", "path", "commit", "message"])
def test_a_finding_leads_to_its_value(zoo: Zoo, labelvc: Run, where: str):
    if where == "message":
        commit = zoo.commit(f"Ask {MAIL}")
        words: tuple[str, ...] = ("privacy.email", f"message of commit {commit[:10]}")
    elif where == "path":
        zoo.write("notes.txt", f"ask {MAIL}\n")
        zoo.commit("Bring")
        words = ("privacy.email", "notes.txt")
    else:
        zoo.change("pets/p2#", text=f"ask {MAIL}")
        commit = zoo.commit("Bring")
        words = ("privacy.email", "pets/p2#")
        if where == "commit":
            zoo.change("pets/p2#", text="nothing")
            zoo.commit("Take back")
            code, _, err = labelvc(zoo.folder, "privacy", "incident", *words)
            assert (code, "nothing of the rule privacy.email stands there" in err) == (2, True)
            words = (*words, "--at", commit)
    found = told(zoo, labelvc, *words)
    assert (found["found"], found["occurrences"]) == (True, 1)
    code, out, err = labelvc(zoo.folder, "privacy", "incident", *words)
    assert (code, "public" in out + err, "not reached" in out) == (1, False, True)


def test_what_is_pushed_tagged_and_loose_is_told(
    zoo: Zoo, labelvc: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "host.git")], check=True)
    zoo.git("remote", "add", "origin", str(tmp_path / "host.git"))
    zoo.git("push", "-q", "origin", "main")
    zoo.change("pets/p2#", text=f"ask {MAIL}")
    zoo.commit("Bring")
    assert typed(zoo, labelvc, monkeypatch, MAIL)["pushed"] is False
    zoo.git("push", "-q", "origin", "main")
    zoo.git("fetch", "-q")
    found = typed(zoo, labelvc, monkeypatch, MAIL)
    assert (found["pushed"], "refs/remotes/origin/main" in found["refs"]) == (True, True)
    zoo.git("reset", "-q", "--hard", "HEAD~1")
    zoo.git("remote", "remove", "origin")
    found = typed(zoo, labelvc, monkeypatch, MAIL)
    assert ([one["reached"] for one in found["objects"]], found["refs"], found["brought"]) == ([False], [], [])


def test_objects_of_dvc_and_what_is_not_here(zoo: Zoo, labelvc: Run, monkeypatch: pytest.MonkeyPatch):
    dvc.initialise(zoo.at)
    zoo.commit("DVC")
    zoo.change("pets/p1#n1", value={"text": f"ask {MAIL}"})
    zoo.commit("Bring")
    assert labelvc(zoo.folder, "dataset", "storage", "pets", "dvc")[0] == 0
    commit = zoo.commit("Into DVC")
    found = typed(zoo, labelvc, monkeypatch, MAIL)
    (one,) = found["dvc"]
    assert one["path"].startswith("datasets/pets/annotations/")
    assert found["brought"][-1] == {
        "commit": commit,
        "at": "2026-03-01T09:00:00+00:00",
        "paths": ["datasets/pets/annotations.dvc"],
    }
    assert any(step.startswith("dvc gc") for step in found["steps"])
    place = zoo.folder / ".dvc/cache/files/md5" / one["id"][:2] / one["id"][2:]
    place.chmod(0o644)
    place.unlink()
    found = typed(zoo, labelvc, monkeypatch, MAIL)
    assert (found["dvc"], [row["id"] for row in found["unread"]]) == ([], [one["id"]])
    assert typed(zoo, labelvc, monkeypatch, "somebody else", code=2)["found"] is False
    monkeypatch.setattr("sys.stdin", io.StringIO("somebody else\n"))
    code, out, _ = labelvc(zoo.folder, "privacy", "incident", "--value")
    assert (code, "1 object of DVC could not be looked at" in out) == (2, True)


def test_names_of_authors_and_refs_are_said_to_stay(zoo: Zoo, labelvc: Run, monkeypatch: pytest.MonkeyPatch):
    zoo.write("notes.txt", "hello\n")
    zoo.git("add", "--all")
    zoo.git(
        "commit",
        "-q",
        "-m",
        "Hello",
        GIT_AUTHOR_NAME="Jo",
        GIT_AUTHOR_EMAIL=MAIL,
        GIT_COMMITTER_NAME="A",
        GIT_COMMITTER_EMAIL="a@example.com",
    )
    zoo.git("branch", f"for-{MAIL}")
    found = typed(zoo, labelvc, monkeypatch, MAIL)
    assert [(one["kind"], "--mailmap" in one["why"]) for one in found["unchanged"]] == [
        ("commit", True),
        ("ref", False),
    ]
    assert "refs/heads/for-***" in found["refs"]


def test_what_the_last_commit_alone_holds_is_amended_away(zoo: Zoo, labelvc: Run, monkeypatch: pytest.MonkeyPatch):
    zoo.change("pets/p2#", text=f"ask {MAIL}")
    zoo.commit("Bring")
    found = typed(zoo, labelvc, monkeypatch, MAIL)
    assert (found["replace"], found["strip"], found["names"]) == (None, None, None)
    assert any("git commit --amend" in step for step in found["steps"])
    assert not any(word in step for step in found["steps"] for word in ("filter-repo", "--force", "clone"))
    zoo.change("pets/p2#", text="ask nobody")
    zoo.git("add", "--all")
    zoo.git("commit", "-q", "--amend", "--no-edit")
    found = typed(zoo, labelvc, monkeypatch, MAIL)
    assert [one["reached"] for one in found["objects"]] == [False] * len(found["objects"])
    assert not any("amend" in step or "filter-repo" in step for step in found["steps"])
    zoo.git("reflog", "expire", "--expire=now", "--all")
    zoo.git("gc", "-q", "--prune=now")
    assert typed(zoo, labelvc, monkeypatch, MAIL, code=0)["found"] is False


@pytest.mark.parametrize("more", ["branch", "tag", "remote", "commit"])
def test_what_more_than_the_last_commit_of_one_branch_holds_is_filtered(
    zoo: Zoo, labelvc: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, more: str
):
    zoo.change("pets/p2#", text=f"ask {MAIL}")
    zoo.commit("Bring")
    if more == "remote":
        subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "host.git")], check=True)
        zoo.git("remote", "add", "origin", str(tmp_path / "host.git"))
        zoo.git("push", "-q", "origin", "main")
    elif more == "commit":
        zoo.write("later.txt", "more\n")
        zoo.commit("Go on")
    else:
        zoo.git(more, "other")
    found = typed(zoo, labelvc, monkeypatch, MAIL)
    assert found["replace"]
    assert any("filter-repo" in step for step in found["steps"])
    again = typed(zoo, labelvc, monkeypatch, MAIL)
    assert again["replace"] == found["replace"], "asked again, it leaves no second file with the value"
    lying = list(Path(found["replace"]).parent.iterdir())
    assert lying == [Path(found["replace"])]
    other = typed(zoo, labelvc, monkeypatch, "ask jo.public@firma.de")
    assert other["replace"] != found["replace"], "another value has files of its own"


def test_the_approvals_that_it_voids_are_told_and_no_others(desk: Desk, labelvc: Run, monkeypatch: pytest.MonkeyPatch):
    (clean,) = {path.parent.name for path in [desk.approve("ben")]}
    zoo = Zoo(desk.folder)
    assert typed(zoo, labelvc, monkeypatch, MAIL, code=0)["approvals"] == []
    desk.git("switch", "-q", "main")
    desk.git("merge", "-q", "--ff-only", "topic")
    desk.git("switch", "-qc", "more")
    records = desk.records()
    records["rev-2"] = {**records["rev-2"], "ext": {"said": f"ask {MAIL}"}, "rev": records["rev-2"]["rev"] + 1}
    desk.save(records)
    desk.commit("Bring")
    bound = desk.approve("ben", "main...more").parent.name
    found = typed(zoo, labelvc, monkeypatch, MAIL)
    assert [one["lines"] for one in found["approvals"]] == [1]
    assert bound != clean
    assert bound in found["approvals"][0]["changeset"].replace(":", "/")
    assert any("approvals of 1 change-set are void" in step for step in found["steps"])


def test_the_releases_that_it_voids_are_told_and_no_others(main: Desk, labelvc: Run, monkeypatch: pytest.MonkeyPatch):
    zoo = Zoo(main.folder)
    released(main, "1.0.0")
    assert typed(zoo, labelvc, monkeypatch, MAIL, code=0)["releases"] == []
    records = main.records()
    clean = records["rev-1"]
    records["rev-1"] = {**clean, "ext": {"said": f"ask {MAIL}"}, "rev": clean["rev"] + 1}
    main.save(records)
    main.commit("Bring")
    assert typed(zoo, labelvc, monkeypatch, MAIL)["releases"] == [], "no release has it yet"
    released(main, "2.0.0")
    records["rev-1"] = {**clean, "rev": clean["rev"] + 2}
    main.save(records)
    main.commit("Take it back")
    released(main, "3.0.0")
    found = typed(zoo, labelvc, monkeypatch, MAIL)
    assert found["releases"] == ["2.0.0"], "the one before it came and the one after it went hold nothing"
    assert [step for step in found["steps"] if "releases 2.0.0 are void" in step]
    monkeypatch.setattr("sys.stdin", io.StringIO(MAIL + "\n"))
    assert re.search(r"^releases +2\.0\.0$", labelvc(main.folder, "privacy", "incident", "--value")[1], re.MULTILINE)


def test_a_number_of_json_stays_one(zoo: Zoo, labelvc: Run, monkeypatch: pytest.MonkeyPatch):
    zoo.change("pets/p2#", ext={"card": int(CARD)}, text="or 4111 1111 1111 1111")
    zoo.commit("Bring")
    zoo.write("later.txt", "more\n")
    zoo.commit("Go on")
    found = typed(zoo, labelvc, monkeypatch, "4111-1111-1111-1111")
    lines = Path(found["replace"]).read_text().splitlines()
    assert sorted(lines) == ["literal:4111 1111 1111 1111==>(removed)", f"literal:{CARD}==>1000000000000000"]


def test_nothing_is_found_in_a_clean_history_and_a_short_value_is_refused(
    zoo: Zoo, labelvc: Run, monkeypatch: pytest.MonkeyPatch
):
    found = typed(zoo, labelvc, monkeypatch, MAIL, code=0)
    assert (found["found"], found["replace"], found["steps"]) == (False, None, [])
    for value, said in (("jo", "fewer than 4 characters"), ("", "no value came in")):
        monkeypatch.setattr("sys.stdin", io.StringIO(value + "\n"))
        code, _, err = labelvc(zoo.folder, "privacy", "incident", "--value")
        assert (code, said in err) == (2, True)
    code, _, err = labelvc(zoo.folder, "privacy", "incident", "privacy.email")
    assert (code, "name RULE and PATH or KEY" in err) == (2, True)
    with pytest.raises(ConfigurationError):
        spelling.pattern(" ab ")


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp", "Cf")), min_size=4, max_size=12
    )
)
def test_each_spelling_of_any_value_is_found_whole(value: str):
    """JSON's own encoder, quoting of URLs, Unicode's forms and base64 at each place: written by others than our pattern."""
    found = spelling.pattern(value)
    for data in (
        value.encode(),
        unicodedata.normalize("NFD", value).encode(),
        json.dumps(value)[1:-1].encode(),
        json.dumps(value, ensure_ascii=False)[1:-1].encode(),
        quote(value, safe="").encode(),
        value.encode().hex().encode(),
        value.encode("utf-16-le"),
    ):
        around = found.search(b"<" + data + b">")
        assert around is not None, data
        assert found.sub(b"", b"<" + data + b">") == b"<>"
    for at in range(3):
        data = base64.b64encode(b"x" * at + value.encode() + b"y" * 3)
        assert found.search(data), (at, data)
