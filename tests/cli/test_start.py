"""init, install, doctor and status as a new user meets them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from inline_snapshot import snapshot

from labelvc.codec import canonical, epochs, shard
from labelvc.model.hooks import HOOKS, SERVER_HOOKS
from labelvc.ops import install
from labelvc.ops.templates import TEMPLATES
from labelvc.store import git as plumbing
from labelvc.store import keyring

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


def valid(noun: str, text: str) -> dict:
    """Hold an output against its schema and return it."""
    schema = json.loads((SCHEMAS / f"{noun}.v1.json").read_text())
    document = json.loads(text)
    jsonschema.Draft202012Validator(schema).validate(document)
    return document


@pytest.fixture
def project(repo, git, labelvc) -> Path:
    """Return a committed rating project with one record, hooks and drivers."""
    assert labelvc(repo, "init", "--template", "rating")[0] == 0
    assert labelvc(repo, "install")[0] == 0
    name = shard.place("w1", 2)
    value = {"item": "w1", "id": "r1", "rev": 1, "task": "sentiment", "under": "sentiment@1.0.0", "value": {"score": 1}}
    for layer, line in (
        ("items", canonical.encode_item({"id": "w1", "text": "good"})),
        ("annotations", canonical.encode_record(value)),
    ):
        path = repo / shard.path("ratings", layer, name)
        path.parent.mkdir(parents=True)
        path.write_bytes(line + b"\n")
    git(repo, "add", "--all")
    git(repo, "commit", "-qnm", "start")
    return repo


@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_every_template_makes_a_project_that_checks_clean(repo, git, labelvc, template):
    code, out, err = labelvc(repo, "init", "--template", template)
    assert (code, err) == (0, "")
    assert f"A {template} project in {repo}" in out
    code, out, err = labelvc(repo, "check", "--all")
    assert (code, err) == (0, "")
    git(repo, "add", "--all")
    code, out, err = labelvc(repo, "check", "--staged")
    assert code == 0, out + err
    assert git(repo, "status", "--porcelain", "--ignored").count("!!") == 0


def test_init_tells_what_it_made_and_what_is_next(repo, labelvc):
    code, out, err = labelvc(repo, "init", "--template", "rating", "--name", "words")
    assert (code, err) == (0, "")
    assert out.replace(str(repo), "HERE") == snapshot(
        """\
A rating project in HERE

  .gitattributes                 line ends and drivers of shards
  .gitignore                     what a killed command left behind
  .pre-commit-config.yaml        hooks, for users of the pre-commit framework
  datasets/ratings/dataset.yaml  a dataset: its tasks, storage, checks and sources
  guidelines/sentiment.yaml      how to label
  labelvc.yaml                   the project: goal, scope, tasks; start editing here
  privacy/epochs.jsonl           the epochs of pseudonyms; their secret stays in .git/labelvc/keyring

next:
  labelvc install                            hooks and drivers in this clone
  labelvc trust init --key FILE              later: who must approve what (no key to sign with)
  git add --all && git commit                the start of its history
  labelvc import csv FILE --dataset ratings  bring labels in
"""
    )
    assert 'name: "words"' in (repo / "labelvc.yaml").read_text()


def test_init_makes_a_repository_where_there_is_none(tmp_path, git, labelvc):
    assert labelvc(tmp_path, "init", "new/labels")[0] == 0
    assert git(tmp_path / "new" / "labels", "status", "--porcelain").count("??") >= 6
    assert 'name: "labels"' in (tmp_path / "new" / "labels" / "labelvc.yaml").read_text()


def test_init_begins_the_first_epoch_with_its_secret_outside_of_git(repo, git, labelvc):
    labelvc(repo, "init")
    (epoch,) = epochs.read((repo / epochs.PATH).read_bytes())
    where = plumbing.find(repo)
    secret = keyring.load(where, epoch).reveal()
    assert keyring.path(where, epoch.id).stat().st_mode & 0o077 == 0
    git(repo, "add", "--all")
    everything = b"".join((repo / path).read_bytes() for path in git(repo, "ls-files").splitlines())
    assert secret not in everything
    assert secret.hex().encode() not in everything


def test_init_a_second_time_says_so_and_changes_nothing(repo, labelvc):
    labelvc(repo, "init")
    before = {path: path.read_bytes() for path in repo.rglob("*") if path.is_file()}
    code, out, err = labelvc(repo, "init", "--template", "boxes")
    assert (code, out) == (1, "")
    assert err.startswith("error: this is a labels project already\n")
    assert "next: labelvc status" in err
    assert {path: path.read_bytes() for path in repo.rglob("*") if path.is_file()} == before


def test_init_overwrites_nothing(repo, labelvc):
    (repo / "guidelines").mkdir()
    (repo / "guidelines" / "sentiment.yaml").write_text("mine\n")
    code, _, err = labelvc(repo, "init", "--template", "rating")
    assert code == 1
    assert "guidelines/sentiment.yaml" in err
    assert [path.name for path in repo.iterdir()] != []
    assert not (repo / "labelvc.yaml").exists()
    assert not (repo / ".git" / "labelvc" / "keyring").exists()


def test_init_adds_to_the_files_git_shares_with_others(repo, labelvc):
    (repo / ".gitattributes").write_text("*.png binary\n*.yaml text eol=lf\n")
    (repo / ".gitignore").write_text("secret.txt")
    (repo / ".pre-commit-config.yaml").write_text("repos: []\n")
    code, out, _ = labelvc(repo, "init")
    assert code == 0
    attributes = (repo / ".gitattributes").read_text()
    assert attributes.startswith("*.png binary\n*.yaml text eol=lf\n\n")
    assert attributes.count("*.yaml text eol=lf") == 1
    assert install.ATTRIBUTES in attributes
    assert (repo / ".gitignore").read_text().startswith("secret.txt\n\n#")
    assert (repo / ".pre-commit-config.yaml").read_text() == "repos: []\n"
    assert re.search(r"\.pre-commit-config\.yaml +was there, left as it is\n", out)


def test_init_inside_another_repository_or_a_bare_one_is_refused(repo, git, labelvc, tmp_path):
    (repo / "folder").mkdir()
    code, _, err = labelvc(repo / "folder", "init")
    assert code == 1
    assert "inside another repository" in err
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    code, _, err = labelvc(tmp_path / "bare.git", "init")
    assert code == 1
    assert "bare repository" in err


def test_init_with_a_bad_name_makes_nothing(tmp_path, labelvc):
    code, _, err = labelvc(tmp_path, "init", "here", "--name", "no spaces please")
    assert code == 2
    assert "--name" in err
    assert not (tmp_path / "here").exists()


def test_init_with_a_key_makes_the_trust_files(repo, labelvc, ssh_key):
    key = ssh_key("ada")
    code, out, err = labelvc(repo, "init", "--key", str(key))
    assert (code, err) == (0, "")
    assert "trust/root/1.json" in out
    assert "Signed with SHA256:" in out
    assert "trust init" not in out
    assert (repo / "trust" / "policy.json").exists()


def test_init_finds_the_key_of_the_home_or_of_git(repo, labelvc, ssh_key, hermetic, git):
    key = ssh_key("ada")
    (hermetic / ".ssh").mkdir()
    shutil.copy(key, hermetic / ".ssh" / "id_ed25519")
    assert "Signed with SHA256:" in labelvc(repo, "init")[1]


def test_init_with_a_locked_key_goes_on_without_and_with_a_named_one_fails(repo, labelvc, hermetic, tmp_path):
    (hermetic / ".ssh").mkdir()
    key = hermetic / ".ssh" / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret words", "-f", str(key)], check=True)
    code, _, err = labelvc(repo, "init", "--key", str(key))
    assert code == 2
    assert "passphrase" in err
    assert not (repo / "labelvc.yaml").exists()
    code, out, _ = labelvc(repo, "init")
    assert code == 0
    assert "passphrase" in out
    assert not (repo / "trust").exists()


def test_init_with_dvc(repo, labelvc):
    code, out, err = labelvc(repo, "init", "--template", "rating", "--dvc")
    assert (code, err) == (0, "")
    assert ".dvc/config" in out
    assert "\nstorage: dvc\n" in (repo / "datasets" / "ratings" / "dataset.yaml").read_text()


def test_a_file_where_a_folder_must_be_is_refused(repo, labelvc):
    (repo / "privacy").write_text("a file where a folder must be\n")
    code, _, err = labelvc(repo, "init")
    assert code == 1
    assert "error: privacy is in the way\n" in err
    assert sorted(path.name for path in repo.iterdir()) == [".git", "privacy"]
    assert not (repo / ".git" / "labelvc" / "keyring").exists()


def test_a_folder_that_cannot_be_written_leaves_no_key_behind(repo, labelvc):
    (repo / "privacy").symlink_to(repo.parent)
    code, _, err = labelvc(repo, "init")
    assert code == 2
    assert "error: " in err
    assert "Traceback" not in err
    assert not (repo / "labelvc.yaml").exists()
    assert not list((repo / ".git" / "labelvc" / "keyring").glob("*.key"))


def test_install_tells_what_it_did_and_a_second_time_changes_nothing(repo, labelvc):
    first = labelvc(repo, "install")
    assert first == snapshot(
        (
            0,
            """\
pre-commit        set up
pre-merge-commit  set up
commit-msg        set up
pre-push          set up
interpreter       set up: what hooks run when labelvc is not on PATH
merge driver      set up: merges shards by record and field; what no rule decides is marked as a conflict
diff driver       set up: names a key above each hunk; `git diff --word-diff` shows fields
next: labelvc doctor
""",
            "",
        )
    )
    before = {path: path.read_bytes() for path in (repo / ".git").rglob("*") if path.is_file()}
    assert labelvc(repo, "install")[1] == first[1].replace("set up", "as it was")
    assert {path: path.read_bytes() for path in (repo / ".git").rglob("*") if path.is_file()} == before


def test_uninstall_leaves_the_clone_as_it_was(repo, labelvc):
    before = {path: path.read_bytes() for path in (repo / ".git").rglob("*") if path.is_file()}
    labelvc(repo, "install")
    assert labelvc(repo, "install", "--uninstall")[0] == 0
    assert {path: path.read_bytes() for path in (repo / ".git").rglob("*") if path.is_file()} == before
    assert labelvc(repo, "install", "--uninstall") == (0, "there was nothing to take away\n", "")


def test_uninstall_keeps_the_signing_key_and_the_pinned_root(repo, labelvc, git):
    git(repo, "config", "labelvc.signingKey", "/a/key")
    git(repo, "config", "labelvc.root", f"sha256:{'0' * 64}")
    labelvc(repo, "install")
    assert "interpreter" in labelvc(repo, "install", "--uninstall")[1]
    assert (
        git(repo, "config", "--get-regexp", "^labelvc")
        == f"labelvc.signingkey /a/key\nlabelvc.root sha256:{'0' * 64}\n"
    )


def test_install_for_all_clones_writes_the_users_configuration(repo, git, labelvc):
    assert labelvc(repo, "install", "--global")[0] == 0
    assert "merge-driver" in git(repo, "config", "--global", "merge.labelvc.driver")
    assert "merge.labelvc.driver" not in git(repo, "config", "--local", "--list")
    assert labelvc(repo, "install", "--global", "--uninstall")[0] == 0
    assert "merge.labelvc" not in git(repo, "config", "--list")


def test_install_mends_a_hook_of_an_older_version_and_one_that_is_not_executable(repo, labelvc):
    labelvc(repo, "install")
    hook = repo / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\n# labelvc hook: of an older version\n")
    hook.with_name("pre-push").chmod(0o644)
    _, out, _ = labelvc(repo, "install")
    assert out.count("brought up to date") == 2
    assert hook.read_bytes() == install.shim("pre-commit")
    assert hook.with_name("pre-push").stat().st_mode & 0o111


def test_a_path_with_blanks_quotes_and_percent_signs_is_quoted():
    driver = install.drivers("/a b/it's 100%O/python")["merge.labelvc.driver"]
    assert driver.startswith("'/a b/it'\"'\"'s 100%%O/python' -P -m labelvc.cli")


@pytest.mark.parametrize("name", [*HOOKS, *SERVER_HOOKS])
def test_hooks_are_short_and_posix(name):
    text = install.shim(name).decode()
    assert text.startswith("#!/bin/sh\n")
    assert len(text.splitlines()) <= 5
    assert text.count(f" {name} ") == 2
    assert "\nset " not in text
    assert "[[" not in text


def lines(out: str) -> dict[str, tuple[str, str]]:
    """Read what doctor prints: topic to (state, message)."""
    found = {}
    for line in out.splitlines():
        if line[:4].strip() in {"ok", "warn", "fail"}:
            topic, _, message = line[6:].partition("  ")
            found[topic.strip()] = (line[:4].strip(), message.strip())
    return found


def test_doctor_finds_nothing_wrong_with_a_good_clone(project, labelvc, ssh_key, git):
    git(project, "config", "labelvc.signingKey", str(ssh_key("ada")))
    code, out, err = labelvc(project, "doctor")
    assert (code, err) == (0, "")
    assert {state for state, _ in lines(out).values()} == {"ok"}, out
    assert out.endswith("\nall well\n")


@pytest.mark.parametrize(
    ("harm", "topic", "state", "cure"),
    [
        (lambda here, git: (here / ".git/hooks/pre-push").unlink(), "pre-push", "warn", "labelvc install"),
        (lambda here, git: (here / ".git/hooks/pre-push").chmod(0o644), "pre-push", "fail", "chmod +x"),
        (
            lambda here, git: (here / ".git/hooks/pre-commit").write_text("#!/bin/sh\n"),
            "pre-commit",
            "warn",
            "labelvc install",
        ),
        (
            lambda here, git: (here / ".gitattributes").write_text("*.jsonl -diff\n"),
            "attributes",
            "warn",
            ".gitattributes",
        ),
        (
            lambda here, git: git(here, "config", "--remove-section", "merge.labelvc"),
            "drivers",
            "warn",
            "labelvc install",
        ),
        (lambda here, git: git(here, "config", "labelvc.python", "/nowhere"), "drivers", "warn", "labelvc install"),
        (lambda here, git: shutil.rmtree(here / ".git/labelvc/keyring"), "pseudonyms", "warn", "copy b.key"),
        (lambda here, git: (here / ".git/labelvc/keyring/b.key").chmod(0o644), "pseudonyms", "fail", "chmod 600"),
        (lambda here, git: (here / "labelvc.yaml").write_text("a: [\n"), "project", "fail", "labelvc check"),
        (lambda here, git: (here / "labelvc.yaml").unlink(), "project", "fail", "labelvc init"),
        (lambda here, git: (here / ".git/index.lock").touch(), "index", "warn", "index.lock"),
        (lambda here, git: git(here, "config", "core.hooksPath", "elsewhere"), "pre-commit", "warn", "labelvc install"),
    ],
    ids=range(12),
)
def test_doctor_names_the_cure(project, git, labelvc, harm, topic, state, cure):
    harm(project, git)
    code, out, err = labelvc(project, "doctor")
    assert lines(out)[topic][0] == state, out + err
    assert cure in out.split(f"  {topic} ")[1].split("next: ")[1].splitlines()[0]
    assert code == (1 if "fail" in {state for state, _ in lines(out).values()} else 0)
    document = valid("doctor", labelvc(project, "doctor", "--format", "json")[1])
    assert any(item["topic"] == topic and item["state"] == state and item["cure"] for item in document["items"])


def test_doctor_sees_a_shallow_clone(project, git, labelvc, tmp_path):
    git(project, "commit", "-q", "--allow-empty", "-nm", "more")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{project}", "shallow")
    _, out, _ = labelvc(tmp_path / "shallow", "doctor")
    assert lines(out)["history"][0] == "warn"
    assert "git fetch --unshallow" in out


def test_doctor_outside_of_a_repository_could_not_do_it(tmp_path, labelvc):
    code, out, err = labelvc(tmp_path, "doctor")
    assert (code, out) == (2, "")
    assert "labelvc init" in err


def test_doctor_in_a_bare_repository(git, labelvc, tmp_path):
    git(tmp_path, "init", "-q", "--bare", "server.git")
    code, out, _ = labelvc(tmp_path / "server.git", "doctor")
    assert code == 0
    assert lines(out)["pre-receive"][0] == "warn"
    labelvc(tmp_path / "server.git", "install")
    assert lines(labelvc(tmp_path / "server.git", "doctor")[1])["pre-receive"][0] == "ok"


def test_status_on_one_screen(project, labelvc, git):
    commit = git(project, "rev-parse", "HEAD")[:10]
    code, out, err = labelvc(project, "status")
    assert (code, err) == (0, "")
    assert out.replace(commit, "COMMIT") == snapshot(
        """\
labels  on main at COMMIT

dataset  items  records  shards  storage
ratings      1        1       1  git

staged      nothing
not staged  nothing

next: git switch -c my-change, then labelvc import, or edit the shards
"""
    )


def test_what_is_no_document_is_counted_as_a_file(project, labelvc):
    (project / "guidelines/notes.txt").write_text("x")
    (project / "new\nline").mkdir()
    (project / "new\nline/x").write_text("x")
    (project / "taxonomies").mkdir()
    (project / "taxonomies/topics.yaml").write_text(
        "schema: urn:labelvc:schema:taxonomy:1\nname: topics\nversion: 1.0.0\nlabels: []\n"
    )
    assert "not staged  documents: 1 added; files: 2 added\n" in labelvc(project, "status")[1]
    told = valid("status", labelvc(project, "status", "--format", "json")[1])
    assert told["summary"]["unstaged"] == {"records": {}, "items": {}, "documents": {"added": 1}, "files": {"added": 2}}


def test_a_line_end_in_a_folders_name_ends_no_line(project, labelvc):
    (project / "datasets/a\nb").mkdir()
    (project / "datasets/a\nb/dataset.yaml").write_text("x")
    code, _, err = labelvc(project, "status")
    assert code == 2
    assert [line[:8] for line in err.splitlines()] == ["error: m", "  where:", "  next: "], err
    assert r"datasets/a\u000ab/dataset.yaml" in err


def test_status_counts_what_changed_by_records(project, labelvc, git):
    path = project / shard.path("ratings", "annotations", shard.place("w1", 2))
    path.write_bytes(path.read_bytes().replace(b'"rev":1', b'"rev":2').replace(b'"score":1', b'"score":2'))
    (project / "guidelines" / "sentiment.yaml").write_bytes(
        b"# read me\n" + (project / "guidelines" / "sentiment.yaml").read_bytes()
    )
    out = labelvc(project, "status")[1]
    assert "staged      nothing\n" in out
    assert "not staged  records: 1 changed; documents: 1 changed\n" in out
    git(project, "add", "datasets")
    path.write_bytes(canonical.encode_record({"item": "w1", "id": "r1", "gone": True, "rev": 3}) + b"\n")
    document = valid("status", labelvc(project, "status", "--format", "json")[1])
    assert document["summary"]["staged"]["records"] == {"changed": 1}
    assert document["summary"]["unstaged"]["records"] == {"removed": 1}
    assert document["items"] == [
        {
            "name": "ratings",
            "storage": "git",
            "items": 1,
            "records": 0,
            "gone": 1,
            "shards": 1,
            "staged": {"records": {"changed": 1}, "items": {}},
            "unstaged": {"records": {"removed": 1}, "items": {}},
            "untracked": 0,
        }
    ]


def test_status_before_the_first_commit_and_without_a_project(repo, labelvc):
    code, out, err = labelvc(repo, "status")
    assert (code, out) == (2, "")
    assert "labelvc init" in err
    labelvc(repo, "init")
    code, out, _ = labelvc(repo, "status")
    assert code == 0
    assert "no commit yet" in out
    assert "next: labelvc install, then git add --all && git commit" in out


def test_status_in_a_conflict(project, git, labelvc):
    path = project / shard.path("ratings", "annotations", shard.place("w1", 2))
    start = path.read_bytes()
    git(project, "switch", "-qc", "theirs")
    path.write_bytes(start.replace(b'"score":1', b'"score":2'))
    git(project, "commit", "-qnam", "theirs")
    git(project, "switch", "-q", "main")
    path.write_bytes(start.replace(b'"score":1', b'"score":3'))
    git(project, "commit", "-qnam", "ours")
    plumbing_git = plumbing.find(project)
    with pytest.raises(Exception, match=r"conflict|failed"):
        plumbing.run(plumbing_git, "merge", "theirs")
    code, out, err = labelvc(project, "status")
    assert code == 0, err
    assert f"conflicts   {path.relative_to(project)}  1 conflict\n" in out
    assert out.count("staged      nothing\n") == 1
    assert "not staged  nothing\n" in out  # neither side of a conflict is a change of the other
    assert "next: labelvc resolve" in out
    summary = valid("status", labelvc(project, "status", "--format", "json")[1])["summary"]
    assert (summary["unresolved"], summary["merging"], len(summary["conflicts"])) == (1, True, 1)
    assert summary["marked"] == {str(path.relative_to(project)): 1}
    path.write_bytes(start.replace(b'"score":1', b'"score":3'))
    git(project, "add", "--all")
    out = labelvc(project, "status")[1]
    assert "merging     every conflict is resolved\n" in out
    assert "next: labelvc merge --continue\n" in out


def test_status_tells_datasets_apart(project, git, labelvc):
    assert labelvc(project, "dataset", "new", "more", "--task", "sentiment")[0] == 0
    git(project, "add", "--all")
    git(project, "commit", "-qnm", "another dataset")
    for name in ("ratings", "more"):
        path = project / shard.path(name, "items", shard.place("w2", 2))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(canonical.encode_item({"id": "w2", "text": "bad"}) + b"\n")
        if name == "ratings":
            git(project, "add", "--all")
    (project / "labelvc.yaml").write_bytes((project / "labelvc.yaml").read_bytes() + b"# more\n")
    code, out, _ = labelvc(project, "status")
    assert code == 0
    assert out[out.index("staged ") : out.index("\nnext")] == snapshot("""\
staged      ratings  items: 1 added
not staged  more  items: 1 added
            documents: 1 changed
untracked   1 shard that git does not know yet
""")
    document = valid("status", labelvc(project, "status", "--format", "json")[1])
    found = {item["name"]: item for item in document["items"]}
    assert found["ratings"]["staged"] == {"records": {}, "items": {"added": 1}}
    assert found["more"]["unstaged"] == {"records": {}, "items": {"added": 1}}
    assert (found["ratings"]["untracked"], found["more"]["untracked"]) == (0, 1)


def test_status_of_a_branch_switch_is_counted_anew(project, git, labelvc):
    """What an index held is remembered: another index must not be told with its figures."""
    assert labelvc(project, "status")[0] == 0
    for number in range(3, 6):
        path = project / shard.path("ratings", "items", shard.place(f"w{number}", 2))
        old = path.read_bytes() if path.exists() else b""
        path.write_bytes(shard.write([*shard.lines(old), canonical.encode_item({"id": f"w{number}", "text": "x"})]))
        found = valid("status", labelvc(project, "status", "--format", "json")[1])["items"][0]
        assert found["items"] == number - 1
        git(project, "add", "--all")
        found = valid("status", labelvc(project, "status", "--format", "json")[1])["items"][0]
        assert found["items"] == number - 1


def test_status_says_whose_approval_a_branch_waits_for(repo, git, labelvc, ssh_key):
    labelvc(repo, "init", "--key", str(ssh_key("ada")))
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "start")
    assert "approvals" not in labelvc(repo, "status")[1]
    git(repo, "switch", "-qc", "topic")
    path = repo / "guidelines" / "topic.yaml"
    path.write_bytes(path.read_bytes() + b"# more\n")
    git(repo, "commit", "-qam", "more")
    code, out, err = labelvc(repo, "status")
    assert (code, err) == (0, "")
    assert "approvals   main...HEAD waits for 1 lead; nobody " in out
    git(repo, "-c", "user.email=ben@example.com", "commit", "-q", "--amend", "--reset-author", "-m", "more")
    assert "next: labelvc verify main...HEAD\n" in labelvc(repo, "status")[1]
    git(repo, "switch", "-q", "main")
    more = ("--name", "Ben", "--email", "ben@example.com", "--key", f"{ssh_key('ben')}.pub")
    assert labelvc(repo, "policy", "add", "ben", *more)[0] == 0
    git(repo, "commit", "-qm", "Ben", "--", "trust")
    git(repo, "switch", "-q", "topic")
    code, out, err = labelvc(repo, "status")
    assert (code, err) == (0, "")
    assert "approvals   main...HEAD waits for 1 lead\n" in out
    assert "next: a lead: labelvc approve main...HEAD --role lead\n" in out
    document = valid("status", labelvc(repo, "status", "--format", "json")[1])
    assert document["summary"]["waiting"] == {"range": "main...HEAD", "state": "missing", "roles": {"lead": 1}}


def test_the_recorded_interpreter_is_this_one(repo, git, labelvc):
    labelvc(repo, "install")
    assert git(repo, "config", "labelvc.python").strip() == sys.executable
