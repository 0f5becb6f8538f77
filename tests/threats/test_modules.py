"""Threats from a module: it runs no code, reads nothing outside, softens nothing unseen, and brings no leak past the gate."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.core import lock
from labelvc.model.module import LOCK, Pinned
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["desk", "desk_template", "people_keys", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
MANIFEST = """schema: urn:labelvc:schema:module:1
name: bad
version: 1.0.0
licence: CC0-1.0
provides: [profiles/bad.yaml]
"""
PROFILE = """schema: urn:labelvc:schema:profile:1
name: bad
version: 1.0.0
checks:
  score.range: {severity: error}
"""
GUIDELINE = """schema: urn:labelvc:schema:guideline:1
name: bad
version: 1.0.0
title: How
status: active
labels: {}
"""
MAIL = "jo.public@firma.de"


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """Return a folder with a module that is good so far."""
    folder = tmp_path / "bad"
    write(folder, "module.yaml", MANIFEST)
    write(folder, "profiles/bad.yaml", PROFILE)
    return folder


def write(folder: Path, path: str, text: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)


def refused(zoo: Zoo, labelvc: Run, *words: str, code: int = 2) -> str:
    """Expect that taking a module fails, that it says what to do, and that nothing was written."""
    found, out, err = labelvc(zoo.folder, "module", *(words or ("add", "../bad")))
    assert found == code, out + err
    assert zoo.git("status", "--porcelain") == ""
    assert not (zoo.folder / "modules.lock").exists()
    assert "Traceback" not in err
    if code == 2:
        assert "error: " in err
    return out + err


# ---------------------------------------------------------------- code
def test_a_package_is_read_and_never_imported(zoo: Zoo, labelvc: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    site = package(tmp_path, {"module.yaml": MANIFEST, "profiles/bad.yaml": PROFILE})
    monkeypatch.syspath_prepend(str(site))
    for source in ("bad", "package:acme-labels/bad"):
        code, out, err = labelvc(zoo.folder, "module", "add", source, "--dry-run")
        assert (code, "from package:acme-labels/bad" in out) == (0, True), err
    assert labelvc(zoo.folder, "module", "add", "bad")[0] == 0
    assert labelvc(zoo.folder, "check", "--all")[0] == 0
    assert not (tmp_path / "pwned").exists()
    assert "acme_labels" not in sys.modules


def package(folder: Path, contents: dict[str, str], value: str = "acme_labels.bad", more: tuple[str, ...] = ()) -> Path:
    """Install a package by hand that would leave a mark if it were imported."""
    site = folder / "site"
    write(site, "acme_labels/__init__.py", f"open({str(folder / 'pwned')!r}, 'w')\n")
    write(site, "acme_labels/bad/__init__.py", f"open({str(folder / 'pwned')!r}, 'w')\n")
    for path, text in contents.items():
        write(site, f"acme_labels/bad/{path}", text)
    listed = [f"acme_labels/bad/{path},," for path in contents] + [f"{path},," for path in more]
    write(site, "acme_labels-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: acme-labels\nVersion: 1.0\n")
    write(site, "acme_labels-1.0.dist-info/RECORD", "\n".join(listed) + "\n")
    write(site, "acme_labels-1.0.dist-info/entry_points.txt", f"[labelvc.modules]\nbad = {value}\n")
    return site


@pytest.mark.parametrize("value", ["../../etc", "os:system", "acme_labels..bad", "/etc", "acme_labels.nowhere"])
def test_a_package_leads_nowhere_else(zoo: Zoo, labelvc: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value):
    monkeypatch.syspath_prepend(str(package(tmp_path, {"module.yaml": MANIFEST}, value)))
    refused(zoo, labelvc, "add", "bad")
    assert not (tmp_path / "pwned").exists()


def test_a_file_that_the_package_does_not_list_is_not_read(zoo: Zoo, labelvc: Run, tmp_path: Path, monkeypatch):
    site = package(tmp_path, {"module.yaml": MANIFEST})
    write(site, "acme_labels/bad/profiles/bad.yaml", PROFILE)
    monkeypatch.syspath_prepend(str(site))
    assert "is no file of the package" in refused(zoo, labelvc, "add", "bad")


def test_the_settings_and_hooks_of_a_repository_run_nothing(zoo: Zoo, labelvc: Run, bad: Path, tmp_path: Path, git):
    """A module's own clone may name programs for all that git does with a work tree; its objects are read, nothing else."""
    mark = tmp_path / "pwned"
    program = f"touch {mark}; cat"
    write(bad, ".gitattributes", "* filter=evil diff=evil\n")
    git(bad, "init", "-q")
    git(bad, "add", "--all")
    git(bad, "commit", "-qm", "bad")
    for name in (
        "filter.evil.smudge",
        "filter.evil.clean",
        "diff.evil.textconv",
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
    ):
        git(bad, "config", name, program)
    git(bad, "config", "core.hooksPath", "hooks")
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        write(bad, f"hooks/{hook}", f"#!/bin/sh\ntouch {mark}\n")
        (bad / "hooks" / hook).chmod(0o755)
    mark.unlink(missing_ok=True)
    code, out, err = labelvc(zoo.folder, "module", "add", "../bad", "--at", "HEAD")
    assert code == 0, out + err
    assert labelvc(zoo.folder, "check", "--all")[0] == 0
    assert not mark.exists()


@pytest.mark.parametrize(
    "source", ["ext::sh -c touch% pwned", "file:///etc", "fd::0", "git://127.0.0.1:1/x", "http://127.0.0.1:1/x"]
)
def test_protocols_that_run_programs_or_show_this_machine(zoo: Zoo, labelvc: Run, source: str):
    assert "https and ssh only" in refused(zoo, labelvc, "add", source)
    assert not list(zoo.folder.rglob("pwned"))


# ---------------------------------------------------------------- files outside
@pytest.mark.parametrize(
    "path",
    ["../secret.yaml", "profiles/../../secret.yaml", "/etc/passwd", "trust/policy.json", ".git/config", "hooks/pre-commit",
     "profiles/.yaml", "profiles\\\\bad.yaml", "Profiles/bad.yaml", "modules.lock", "profiles/bad.yaml/x", "~/x", "profiles//bad.yaml"],
)  # fmt: skip
def test_a_manifest_names_no_other_place(zoo: Zoo, labelvc: Run, bad: Path, path: str):
    write(bad, "module.yaml", MANIFEST.replace("[profiles/bad.yaml]", f'["{path}"]'))
    assert "/provides/0" in refused(zoo, labelvc)


@pytest.mark.parametrize("what", ["profiles/bad.yaml", "profiles", "module.yaml"])
def test_a_link_is_not_followed(zoo: Zoo, labelvc: Run, bad: Path, tmp_path: Path, git, what: str):
    """In a folder as it lies, and in a commit."""
    (bad / what).rename(tmp_path / "outside")
    (bad / what).symlink_to(tmp_path / "outside")
    assert "link" in refused(zoo, labelvc)
    git(bad, "init", "-q")
    git(bad, "add", "--all")
    git(bad, "commit", "-qm", "bad")
    refused(zoo, labelvc, "add", "../bad", "--at", "HEAD")


def test_many_large_documents_are_too_many(zoo: Zoo, labelvc: Run, bad: Path):
    paths = [f"profiles/p{number}.yaml" for number in range(5)]
    write(bad, "module.yaml", MANIFEST.replace("profiles/bad.yaml", ", ".join(paths)))
    for path in paths:
        text = PROFILE.replace("name: bad", f"name: {path[9:-5]}")
        write(bad, path, text + "#" * ((1 << 20) - len(text) - 1) + "\n")
    assert "more than 4 MiB" in refused(zoo, labelvc)


def test_a_pipe_does_not_hang(zoo: Zoo, labelvc: Run, bad: Path):
    (bad / "profiles/bad.yaml").unlink()
    os.mkfifo(bad / "profiles/bad.yaml")
    assert "no plain file" in refused(zoo, labelvc)


def test_a_link_here_is_not_written_through(zoo: Zoo, labelvc: Run, bad: Path, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (zoo.folder / "profiles").symlink_to(tmp_path / "elsewhere")
    zoo.commit("A link")
    found = labelvc(zoo.folder, "module", "add", "../bad")
    assert found[0] in (1, 2), found
    assert list((tmp_path / "elsewhere").iterdir()) == []


# ---------------------------------------------------------------- what wears a reader out, or deceives one
@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("module.yaml", MANIFEST.replace("version: 1.0.0\n", ""), "lacks 'version'"),
        ("module.yaml", MANIFEST.replace("licence: CC0-1.0\n", ""), "lacks 'licence'"),
        ("module.yaml", MANIFEST.replace("1.0.0", "one"), "/version"),
        ("module.yaml", MANIFEST + "install: setup.py\n", "/install is not known here"),
        ("module.yaml", MANIFEST + 'title: "a\\e[2Jb"\n', "/title"),
        ("module.yaml", MANIFEST + 'title: "a\\u202eb"\n', None),
        ("module.yaml", MANIFEST + "title: &a x\ndescription: *a\n", "anchor"),
        ("module.yaml", "a: [" * 64, "module.yaml"),
        ("module.yaml", "\x00", "module.yaml"),
        ("profiles/bad.yaml", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "anchor"),
        ("profiles/bad.yaml", "x" * (1 << 20) + "\n", "larger than 1 MiB"),
        ("profiles/bad.yaml", "#" * 100 + "\n" * (100 << 20), "larger than 1 MiB"),
        ("profiles/bad.yaml", PROFILE.replace("score.range", "score.rage"), "'score.rage', which no check here has"),
        ("profiles/bad.yaml", PROFILE.replace("name: bad", "name: good"), "/name says 'good'"),
        ("profiles/bad.yaml", PROFILE.replace("error", "fatal"), "/checks/score.range/severity"),
        ("profiles/bad.yaml", "!!python/object/apply:os.system [touch pwned]\n", "profiles/bad.yaml"),
    ],
    ids=lambda value: (value or "")[:30].replace("\x00", "NUL").replace("/", "_"),
)
def test_bad_files_are_told_with_their_place(zoo: Zoo, labelvc: Run, bad: Path, path: str, text: str, said: str | None):
    write(bad, path, text)
    if said is None:  # letters that turn the line round are shown as escapes by whoever prints them
        assert labelvc(zoo.folder, "module", "add", "../bad")[0] == 0
        assert "\u202e" not in "".join(labelvc(zoo.folder, "module", "list")[1:])
        return
    told = refused(zoo, labelvc)
    assert said in told
    assert path in told
    assert "next: " in told


def test_two_names_that_are_one_file_elsewhere(zoo: Zoo, labelvc: Run, bad: Path):
    write(bad, "module.yaml", MANIFEST.replace("[profiles/bad.yaml]", "[profiles/bad.yaml, profiles/BAD.yaml]"))
    write(bad, "profiles/BAD.yaml", PROFILE.replace("name: bad", "name: BAD"))
    assert "letters have no case" in refused(zoo, labelvc)
    write(bad, "module.yaml", MANIFEST)
    zoo.write("profiles/Bad.yaml", PROFILE.replace("name: bad", "name: Bad"))
    zoo.commit("Bad")
    assert "git mv profiles/Bad.yaml" in refused(zoo, labelvc, code=1)


def test_two_modules_of_one_name_or_with_one_document(zoo: Zoo, labelvc: Run, bad: Path):
    assert labelvc(zoo.folder, "module", "add", "../bad")[0] == 0
    before = zoo.read("modules.lock")
    code, _, err = labelvc(zoo.folder, "module", "add", "../bad")
    assert (code, "--name NAME" in err) == (1, True)
    code, _, err = labelvc(zoo.folder, "module", "add", "../bad", "--name", "other")
    assert (code, "labelvc module remove bad --keep" in err) == (1, True)
    assert zoo.read("modules.lock") == before


@pytest.mark.parametrize(
    "source",
    [
        "",
        "-x",
        "nothing",
        "./nothing",
        "package:nobody/nothing",
        "a\nb",
        "x" * 2000,
        "package:",
        "package:labelvc/../x",
    ],
)
def test_a_source_that_is_none(zoo: Zoo, labelvc: Run, source: str):
    refused(zoo, labelvc, "add", "--", source)


def test_a_template_alone_is_not_taken(zoo: Zoo, labelvc: Run, bad: Path):
    write(bad, "module.yaml", MANIFEST.replace("profiles/bad.yaml", "labelvc.yaml"))
    assert "labelvc init --template" in refused(zoo, labelvc)


# ---------------------------------------------------------------- softer, unseen
def test_an_update_that_softens_says_so_and_does_not_judge_itself(zoo: Zoo, labelvc: Run, bad: Path):
    assert labelvc(zoo.folder, "module", "add", "../bad")[0] == 0
    zoo.replace("datasets/pets/dataset.yaml", "checks: {}", "profiles: [bad]")
    zoo.commit("Taken")
    write(bad, "module.yaml", MANIFEST.replace("1.0.0", "1.0.1"))
    write(bad, "profiles/bad.yaml", PROFILE.replace("severity: error", 'severity: "off"'))
    for words in (("--dry-run",), ()):
        code, out, _ = labelvc(zoo.folder, "module", "update", "bad", *words)
        assert code == 0
        assert "pets  score.range severity error -> off  softer" in out
    zoo.change("pets/p2#m1", value={"score": 9})
    zoo.commit("A bad score, in the shade of a softer check")
    code, out, _ = labelvc(zoo.folder, "check", "HEAD~1..HEAD")
    assert (code, "score.range" in out) == (1, True)


def test_what_a_module_brings_is_under_the_policy(desk: Desk):
    """The lock is one of the controls, a profile one of the datasets' documents; and neither is let in by those who review labels."""
    desk.git("switch", "-qc", "modules", "main")
    desk.write("profiles/bad.yaml", PROFILE)
    desk.write(
        LOCK, lock.write([Pinned("bad", "1.0.0", "../bad", {"profiles/bad.yaml": lock.digest(PROFILE.encode())})])
    )
    desk.commit("Take a module")
    code, items = desk.verify("main...modules")
    assert code == 1
    (step,) = items
    assert step["uncovered"] == ["modules.lock", "profiles/bad.yaml"]
    assert {"root", "lead"} <= {need["role"] for need in step["needs"]}
    assert "reviewer" not in {need["role"] for need in step["needs"]}


def test_a_lock_edited_by_hand_hides_nothing(zoo: Zoo, labelvc: Run, bad: Path):
    """Who softens a copy and writes its digest into the lock has changed two files that people approve; an update tells it."""
    assert labelvc(zoo.folder, "module", "add", "../bad")[0] == 0
    zoo.replace("datasets/pets/dataset.yaml", "checks: {}", "profiles: [bad]")
    zoo.commit("Taken")
    zoo.replace("profiles/bad.yaml", "severity: error", 'severity: "off"')
    assert "module.edited" in labelvc(zoo.folder, "check")[1]
    out = labelvc(zoo.folder, "diff")[1]
    assert "/checks/score.range/severity error -> off" in out


# ---------------------------------------------------------------- a leak
def test_a_leak_does_not_come_in_with_a_module(zoo: Zoo, labelvc: Run, bad: Path):
    """Neither in what a document says nor in its comments; and who takes it anyway is stopped by the hook's check."""
    write(bad, "module.yaml", MANIFEST.replace("profiles/bad.yaml", "guidelines/bad.yaml"))
    for text in (GUIDELINE.replace("title: How", f"title: Ask {MAIL}"), GUIDELINE + f"# ask {MAIL}\n"):
        write(bad, "guidelines/bad.yaml", text)
        told = refused(zoo, labelvc, code=1)
        assert "privacy.email" in told
    assert labelvc(zoo.folder, "module", "add", "../bad", "--anyway")[0] == 0
    zoo.git("add", "--all")
    code, out, _ = labelvc(zoo.folder, "check", "--staged")
    assert (code, "privacy.email" in out, MAIL in out) == (1, True, False)


def test_a_name_that_is_a_leak_is_found_in_the_lock(zoo: Zoo, labelvc: Run, bad: Path):
    write(bad, "module.yaml", MANIFEST.replace("CC0-1.0", f"ask {MAIL}"))
    assert "privacy.email" in refused(zoo, labelvc, code=1)


def test_a_password_in_an_address_is_not_written_down(zoo: Zoo, labelvc: Run):
    told = refused(zoo, labelvc, "add", "https://joe:s3cret@host.example/x.git")
    assert "s3cret" not in told


def test_the_output_of_a_refusal_is_json_where_it_was_asked_for(zoo: Zoo, labelvc: Run, bad: Path):
    write(bad, "module.yaml", MANIFEST.replace("version: 1.0.0\n", ""))
    code, out, _ = labelvc(zoo.folder, "module", "add", "../bad", "--format", "json")
    assert code == 2
    assert json.loads(out)["error"]["kind"] == "configuration"
    assert textwrap.shorten(json.loads(out)["error"]["message"], 200).startswith("lacks 'version'")
