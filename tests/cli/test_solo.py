"""A project of one person: what verify, approve, status and policy say at each step, and that each hint leads on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from labelvc.codec import dsse, statement

CURE = "labelvc policy add NAME --role lead"


@pytest.fixture
def solo(repo: Path, git, labelvc, ssh_key) -> Path:
    """Return a committed project whose one person is Ada, with a change of a document on the branch `topic`."""
    assert labelvc(repo, "init", "--key", str(ssh_key("ada")))[0] == 0
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "start")
    git(repo, "switch", "-qc", "topic")
    document = repo / "datasets" / "texts" / "dataset.yaml"
    document.write_bytes(document.read_bytes() + b"# more\n")
    git(repo, "commit", "-qam", "more")
    return repo


def test_verify_says_that_nobody_but_the_author_holds_the_role(solo: Path, labelvc):
    code, out, _ = labelvc(solo, "verify", "main...topic")
    assert code == 1
    assert "0 of 1 lead; nobody holds the role lead but ada-author, who had a part in the change\n" in out
    assert f"next: on main: {CURE} " in out
    assert "labelvc approve" not in out


def test_approve_says_it_too_and_writes_nothing(solo: Path, labelvc, git):
    code, out, err = labelvc(solo, "approve", "main...topic", "--role", "lead")
    assert (code, out) == (1, "")
    assert "ada-author is an author of this change, and nobody else holds the role lead\n" in err
    assert f"next: on main: {CURE} " in err
    assert git(solo, "status", "--porcelain") == ""


def test_status_says_it_too(solo: Path, labelvc):
    out = labelvc(solo, "status")[1]
    assert (
        "approvals   main...HEAD waits for 1 lead; nobody holds the role lead but ada-author, who had a part in the change\n"
        in out
    )
    assert f"next: on main: {CURE} " in out


def test_the_hint_leads_to_an_approved_change(solo: Path, labelvc, git, ssh_key):
    git(solo, "switch", "-q", "main")
    more = ["--name", "Ben", "--email", "ben@example.com", "--key", f"{ssh_key('ben')}.pub"]
    assert labelvc(solo, "policy", "add", "ben", "--role", "lead", *more)[0] == 0
    git(solo, "commit", "-qm", "Ben leads too", "--", "trust")
    git(solo, "switch", "-q", "topic")
    out = labelvc(solo, "verify", "main...topic")[1]
    assert "0 of 1 lead; ben can\n" in out
    assert "next: labelvc approve main...topic --role lead\n" in out
    assert labelvc(solo, "approve", "main...topic", "--role", "lead", "--key", str(solo.parent / "ben.key"))[0] == 0
    git(solo, "commit", "-qm", "Approve", "--", "approvals")
    assert labelvc(solo, "verify", "main...topic")[0] == 0


def test_a_single_step_that_only_its_author_could_approve_names_the_cure(solo: Path, labelvc):
    """Committed on the branch itself: no branch is named, so the cure names none."""
    code, out, _ = labelvc(solo, "verify")
    assert code == 1
    assert f"next: {CURE} " in out


def test_the_key_of_init_is_remembered(repo: Path, labelvc, git, ssh_key, hermetic: Path):
    key = ssh_key("ada")
    out = labelvc(repo, "init", "--key", f"../{key.name}")[1]
    assert git(repo, "config", "labelvc.signingKey").strip() == str(key)
    assert "labelvc key use" not in out
    assert "remembered" in out


def test_a_key_that_init_found_at_home_is_remembered_too(repo: Path, labelvc, git, ssh_key, hermetic: Path):
    """`approve` does not look there, so it would ask for what init already knew."""
    (hermetic / ".ssh").mkdir()
    home = shutil.copy(ssh_key("ada"), hermetic / ".ssh" / "id_ed25519")
    assert labelvc(repo, "init")[0] == 0
    assert git(repo, "config", "labelvc.signingKey").strip() == str(home)


@pytest.mark.parametrize("way", ["variable", "git"])
def test_a_key_that_is_set_elsewhere_stays_there(repo: Path, labelvc, git, ssh_key, monkeypatch, way: str):
    key = str(ssh_key("ada"))
    if way == "git":
        git(repo, "config", "gpg.format", "ssh")
        git(repo, "config", "user.signingKey", key)
    else:
        monkeypatch.setenv("LABELVC_KEY", key)
    assert "Signed with" in labelvc(repo, "init")[1]
    assert "labelvc.signingkey" not in git(repo, "config", "--list")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("ada-author",), "ada-author is the only person of the root"),
        (("ada-author", "--key", "ada.key.pub"), "ada-author is the only person of the root"),
        (("ada-author", "--role", "root"), "said by the root keys"),
        (("ada-author", "--role", "lead"), "asks for 1 of the role lead and 0 would be left"),
        (("ada-author", "--role", "reviewer"), "asks for 1 of the role reviewer and 0 would be left"),
    ],
)
def test_the_last_one_is_not_removed(solo: Path, labelvc, git, words: tuple[str, ...], message: str):
    words = tuple(str(solo.parent / word) if word.endswith(".pub") else word for word in words)
    code, out, err = labelvc(solo, "policy", "remove", *words)
    assert (code, out) == (2, "")
    assert message in err
    assert "next: " in err
    assert git(solo, "status", "--porcelain") == ""
    assert ("next: first labelvc policy add NAME --role" in err) == ("would be left" in err)


def test_a_removal_that_leaves_a_role_to_one_person_says_what_that_means(solo: Path, labelvc, ssh_key):
    more = ["--name", "Ben", "--email", "ben@example.com", "--key", f"{ssh_key('ben')}.pub"]
    _, _, err = labelvc(solo, "policy", "add", "ben", "--role", "lead", "--role", "reviewer", *more)
    assert "note: rule" not in err
    code, out, err = labelvc(solo, "policy", "remove", "ben", "--role", "lead")
    assert (code, out) == (0, "trust/policy.json\n")
    assert "note: rule 'documents': nobody can approve as lead what ada-author changed\n" in err
    assert "reviewer" not in err


def test_a_last_key_of_a_quorum_is_not_removed(solo: Path, labelvc, ssh_key):
    more = ["--name", "Ben", "--email", "ben@example.com", "--key", f"{ssh_key('ben')}.pub"]
    assert labelvc(solo, "policy", "add", "ben", "--role", "lead", *more)[0] == 0
    assert labelvc(solo, "policy", "remove", "ada-author", "--role", "lead")[0] == 0
    code, _, err = labelvc(solo, "policy", "remove", "ben", "--key", f"{ssh_key('cleo')}.pub")
    assert "no such key" in err
    code, _, err = labelvc(solo, "policy", "remove", "ben", "--key", str(solo.parent / "ben.key.pub"))
    assert code == 2
    assert "asks for 1 of the role lead and 0 would be left" in err


def test_what_is_staged_is_said(solo: Path, labelvc, git, ssh_key):
    _, _, err = labelvc(solo, "policy", "add", "ada-author", "--email", "ada@home.example")
    assert err == "policy version 2, signed and staged; next: git commit -m 'Change the policy' -- trust\n"
    assert git(solo, "diff", "--cached", "--name-only") == "trust/policy.json\n"


def test_trust_init_says_what_is_staged_and_what_to_commit(repo: Path, labelvc, git, ssh_key):
    assert labelvc(repo, "init")[0] == 0
    _, out, err = labelvc(repo, "trust", "init", "--key", str(ssh_key("ada")))
    assert out == "trust/policy.json\ntrust/root/1.json\n"
    assert "staged" in err
    assert "next: git commit -m 'Govern' -- trust\n" in err
    git(repo, "commit", "-qm", "Govern", "--", "trust")


def test_a_broken_guideline_does_not_keep_trust_from_working(repo: Path, labelvc, git, ssh_key):
    assert labelvc(repo, "init")[0] == 0
    project = (repo / "labelvc.yaml").read_text()
    (repo / "guidelines" / "topic.yaml").write_text("a: [\n")
    key = str(ssh_key("ada"))
    assert labelvc(repo, "trust", "init", "--key", key)[0] == 0
    payload = dsse.decode((repo / "trust/policy.json").read_bytes(), dsse.IN_TOTO).payload
    assert statement.decode_policy(payload).repository in project
    for words in (
        ("policy", "show"),
        ("policy", "check"),
        ("key", "list"),
        ("key", "show", "ada-author"),
        ("key", "use", key),
    ):
        code, _, err = labelvc(repo, *words)
        assert code in (0, 1), err
        assert "guidelines" not in err
    assert labelvc(repo, "policy", "add", "ada-author", "--email", "ada@home.example")[0] == 0


def test_trust_init_needs_a_sound_project_document(repo: Path, labelvc, ssh_key):
    key = str(ssh_key("ada"))
    code, _, err = labelvc(repo, "trust", "init", "--key", key)
    assert code == 2
    assert "next: labelvc init\n" in err
    (repo / "labelvc.yaml").write_text("schema: urn:labelvc:schema:project:1\nname: x\n")
    code, _, err = labelvc(repo, "trust", "init", "--key", key)
    assert code == 2
    assert "labelvc.yaml" in err
    assert "next: " in err
    assert not (repo / "trust").exists()


def test_status_before_the_first_commit_knows_what_is_installed(repo: Path, labelvc, git):
    assert labelvc(repo, "init")[0] == 0
    assert "next: labelvc install, then git add --all && git commit\n" in labelvc(repo, "status")[1]
    assert labelvc(repo, "install")[0] == 0
    code, out, _ = labelvc(repo, "status")
    assert code == 0
    assert "next: git add --all && git commit\n" in out
    assert (
        json.loads(labelvc(repo, "status", "--format", "json")[1])["summary"]["next"] == "git add --all && git commit"
    )


@pytest.mark.parametrize("words", [("status",), ("policy", "show"), ("check",), ("install",)])
def test_outside_of_a_repository_both_ways_are_told(tmp_path: Path, labelvc, words: tuple[str, ...]):
    code, out, err = labelvc(tmp_path, *words)
    assert (code, out) == (2, "")
    assert "next: cd into your project, or make one here: labelvc init\n" in err
