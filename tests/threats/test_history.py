"""Threats to the history as a whole: what was said is dropped, rolled back, forked, or signed with a stolen key."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.test_release import cut, main, proved, released
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "main", "people_keys"]


def merged(desk: Desk) -> str:
    """Bring the topic into main with a yes by Ben, and return the merge."""
    desk.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    step = desk.git("rev-parse", "HEAD")
    desk.approve("ben", f"{step}^..{step}")
    return step


def test_threat_14_a_rejection_that_a_release_counted_cannot_be_dropped(main: Desk):
    step = merged(main)
    said = main.approve("cleo", f"{step}^..{step}", "reviewer", "--decision", "reject", "--reason", "no")
    released(main, "1.0.0")
    said.unlink()
    main.commit("Forget the no")
    code, _, err = cut(main, "1.0.1")
    assert code == 2
    assert "a statement that a release counted is gone or changed" in err
    assert main.verify("HEAD")[1][0]["problems"][0]["path"].endswith(said.name)


def test_threat_15_a_branch_that_went_back_is_refused_by_who_saw_it(main: Desk, monkeypatch: pytest.MonkeyPatch):
    root = json.loads(main.labelvc("policy", "show", "--format", "json")[1])["summary"]["root"]
    monkeypatch.setenv("LABELVC_ROOT", root)
    main.write("README.md", "hello")
    main.commit("Say hello")
    assert main.labelvc("verify")[0] == 0
    main.git("reset", "-q", "--hard", "HEAD~1")
    code, out, err = main.labelvc("verify", "--all")
    assert (code, out) == (2, "")
    assert "this branch went back" in err


def test_threat_16_two_clones_that_were_shown_two_histories_find_out(main: Desk, tmp_path: Path):
    first = released(main, "1.0.0")
    shutil.copytree(main.folder, tmp_path / "other")
    other = main._replace(folder=tmp_path / "other")
    released(main, "1.0.1")
    other.git("reset", "-q", "--hard", first)
    merged(other)
    released(other, "2.0.0")
    assert proved(main, "--all")[0] == proved(other, "--all")[0] == 0, "each alone holds"
    code, out, _ = main.labelvc("release", "compare", str(other.folder))
    assert code == 1
    assert out.startswith("forked ")


def test_threat_18_what_a_stolen_key_signed_is_listed_and_no_date_helps(main: Desk):
    believed = main.git("rev-parse", "HEAD")
    main.git("checkout", "-q", "topic")
    main.approve("ben")
    main.git("checkout", "-q", "main")
    main.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    assert main.verify()[0] == main.verify("HEAD")[0] == 0
    words = ("policy", "distrust", "ben", "--from", believed, "--reason", "stolen", "--sign-with", main.key("ada"))
    assert main.labelvc(*words)[0] == 0
    main.commit("Distrust Ben", GIT_COMMITTER_DATE="2020-01-01T00:00:00Z", GIT_AUTHOR_DATE="2020-01-01T00:00:00Z")
    code, out, _ = main.labelvc("audit", "impact", "--format", "json")
    assert code == 1
    assert [item["key"] for item in json.loads(out)["items"]] == ["reviews/rev-1#r1"]
    assert main.labelvc("verify", "--all")[0] == 1
