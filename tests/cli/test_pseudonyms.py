"""Secrets that are not here: every hint of a clone that lacks one leads on, whether somebody has the file or nobody has."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from labelvc.codec import epochs
from labelvc.core import pseudonym
from labelvc.model.secret import Secret
from labelvc.store import age, keyring
from labelvc.store import git as plumbing
from tests.vaulting import FIELDS, Vaulted, recipients, vaulted, vaulted_template, zoo, zoo_template
from tests.zoo import ID, Zoo

__all__ = ["vaulted", "vaulted_template", "zoo", "zoo_template"]
ROWS = "id,item,text,annotator,label\na1,m1,Where is my parcel?,anna,delivery\n"


@pytest.fixture
def clone(repo: Path, tmp_path: Path, git, labelvc) -> Path:
    """Return a fresh clone of a project; its keyring stayed behind."""
    assert labelvc(repo, "init")[0] == 0
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "start")
    git(tmp_path, "clone", "-q", str(repo), "my clone")
    (tmp_path / "m.csv").write_text(ROWS)
    return tmp_path / "my clone"


def bring_in(clone: Path, labelvc) -> tuple[int, str, str]:
    return labelvc(clone, "import", "csv", "../m.csv", "--dataset", "texts")


def author_of(clone: Path) -> str:
    (line,) = [
        line for path in clone.glob("datasets/texts/annotations/*.jsonl") for line in path.read_text().splitlines()
    ]
    return json.loads(line)["by"]


def cure(err: str, begins: str) -> list[str]:
    """Return the commands of what an error says to type next, which begins with some words."""
    (said,) = re.findall(r"^  next: (.*)$", err, re.MULTILINE)
    assert said.startswith(begins), said
    aside, _, rest = said.rpartition("; copy ") if "; copy " in said else ("", "", said)
    return [aside, rest.partition("nobody listens to: ")[2].partition("; when nobody has it")[0]]


def test_the_first_import_of_a_clone_says_where_the_secret_is_and_where_it_goes(clone: Path, repo: Path, labelvc):
    code, out, err = bring_in(clone, labelvc)
    assert (code, out) == (2, "")
    file = clone / ".git/labelvc/keyring/b.key"
    assert f"where: {file}\n" in err
    assert "next: copy b.key from .git/labelvc/keyring/ of a clone that imports already" in err
    assert "labelvc pseudonym new" in err
    command = f"mkdir -p -m 700 {shlex.quote(str(file.parent))} && install -m 600 b.key {shlex.quote(str(file))}"
    assert f": {command}; " in err
    subprocess.run(command, shell=True, check=True, cwd=repo / ".git/labelvc/keyring")
    assert bring_in(clone, labelvc)[0] == 0
    assert bring_in(repo, labelvc)[0] == 0
    assert author_of(clone) == author_of(repo)


def test_a_secret_of_another_project_is_put_aside_as_the_error_says(clone: Path, repo: Path, labelvc, git):
    """A sound key file, of the right epoch, with other bytes in it: its tokens would be other people."""
    file = clone / ".git/labelvc/keyring/b.key"
    keyring.keep(plumbing.find(clone), Secret("b", b"\7" * 32))
    code, out, err = bring_in(clone, labelvc)
    assert (code, out, git(clone, "status", "--porcelain")) == (2, "", "")
    assert "this is not the secret that epoch 'b' of the project commits to" in err
    assert f"  where: {file}\n" in err
    first, second = cure(err, f"mv {shlex.quote(str(file))} {shlex.quote(f'{file}.wrong')}; copy b.key from ")
    for command in (first, second):
        subprocess.run(command, shell=True, check=True, cwd=repo / ".git/labelvc/keyring")
    assert Path(f"{file}.wrong").read_bytes() == epochs.write_secret(Secret("b", b"\7" * 32))
    assert bring_in(clone, labelvc)[0] == bring_in(repo, labelvc)[0] == 0
    assert author_of(clone) == author_of(repo)


def test_a_lost_secret_is_replaced_by_a_new_epoch(clone: Path, labelvc, git):
    code, out, err = labelvc(clone, "pseudonym", "new", "--yes")
    assert (code, out) == (0, "privacy/epochs.jsonl\n")
    assert "the same person has another token from now on" in err
    assert "next: git commit -m 'A new epoch of pseudonyms' -- privacy\n" in err
    assert git(clone, "diff", "--cached", "--name-only") == "privacy/epochs.jsonl\n"
    epochs = [json.loads(line) for line in (clone / "privacy/epochs.jsonl").read_text().splitlines()]
    assert [(epoch["id"], epoch["status"]) for epoch in epochs] == [("b", "retired"), ("c", "active")]
    assert bring_in(clone, labelvc)[0] == 0
    assert author_of(clone).startswith("prs_c")


def test_a_lost_list_of_epochs_is_brought_back_and_not_begun_anew(clone: Path, labelvc, git):
    """A second epoch `b` with another secret would make one token mean two people."""
    git(clone, "rm", "-q", "privacy/epochs.jsonl")
    git(clone, "commit", "-qm", "tidy")
    cure = "next: git log --oneline -- privacy/epochs.jsonl, then git restore --source=COMMIT~1 privacy/epochs.jsonl\n"
    for code, _, err in (bring_in(clone, labelvc), labelvc(clone, "pseudonym", "new", "--yes")):
        assert code == 2
        assert cure in err
    assert not (clone / ".git/labelvc/keyring").exists()


def test_a_project_that_never_had_an_epoch_begins_one(repo: Path, labelvc):
    assert labelvc(repo, "init")[0] == 0
    (repo / "privacy/epochs.jsonl").unlink()
    (repo.parent / "m.csv").write_text(ROWS)
    code, _, err = bring_in(repo, labelvc)
    assert code == 2
    assert "next: labelvc pseudonym new\n" in err
    (repo / ".git/labelvc/keyring/b.key").unlink()
    assert labelvc(repo, "pseudonym", "new", "--yes")[0] == 0
    assert bring_in(repo, labelvc)[0] == 0


def test_a_list_that_cannot_be_written_leaves_no_secret_behind(clone: Path, labelvc):
    (clone / "privacy").rename(clone.parent / "privacy")
    (clone / "privacy").symlink_to(clone.parent / "privacy")
    assert labelvc(clone, "pseudonym", "new", "--yes")[0] == 2
    assert not list((clone / ".git/labelvc/keyring").glob("*.key"))


def test_a_secret_is_handed_on_in_a_file_that_only_its_people_open(vaulted: Vaulted, labelvc, git):
    """The clone of a colleague imports with it, and gives the same person the same token."""
    file = vaulted.keys / "epoch.json"
    code, _, err = labelvc(vaulted.folder, "pseudonym", "share", "-o", str(file))
    assert code == 0, err
    assert keyring.load(vaulted.zoo.at, epoch_of(vaulted)).reveal().hex().encode() not in file.read_bytes()
    git(vaulted.keys, "clone", "-q", str(vaulted.folder), "theirs")
    theirs = vaulted.keys / "theirs"
    stranger, _ = age.generate()
    (vaulted.keys / "eve").write_text(stranger)
    code, _, err = labelvc(theirs, "pseudonym", "accept", str(file), *vaulted.by("eve"))
    assert code == 2
    assert "no identity here opens a share of the tokenise key" in err
    assert not (theirs / ".git/labelvc/keyring").exists()
    code, _, err = labelvc(theirs, "pseudonym", "accept", str(file), *vaulted.by("cleo"))
    assert (code, err) == (0, "this machine makes pseudonyms of epoch b now\n")
    assert keyring.load(plumbing.find(theirs), epoch_of(vaulted)) == keyring.load(vaulted.zoo.at, epoch_of(vaulted))


def test_who_has_the_gate_key_alone_imports_nobody(vaulted: Vaulted, labelvc, git):
    """It tells what is accepted; no token is made of it, and the error leads to the key that makes them."""
    roles = recipients(vaulted.keys).replace("roles:\n", "roles:\n  gate: {people: [cleo]}\n")
    vaulted.zoo.write("privacy/recipients.yaml", roles)
    vaulted.zoo.replace("datasets/pets/dataset.yaml", FIELDS, "")
    vaulted.zoo.commit("Cleo runs the gate")
    file = vaulted.keys / "gate.json"
    assert labelvc(vaulted.folder, "pseudonym", "share", "--role", "gate", "-o", str(file))[0] == 0
    git(vaulted.keys, "clone", "-q", str(vaulted.folder), "theirs")
    theirs = vaulted.keys / "theirs"
    assert labelvc(theirs, "pseudonym", "accept", str(file), *vaulted.by("cleo"))[0] == 0
    ring = theirs / ".git/labelvc/keyring"
    assert [path.name for path in ring.iterdir()] == ["b.gate"]
    (vaulted.keys / "in.jsonl").write_text('{"item":"p1","id":"r1","by":"anna","said":"hello"}\n')
    words = (
        "import",
        "jsonl",
        "../in.jsonl",
        "-D",
        "pets",
        "--task",
        "note",
        "--item",
        "item",
        "--value",
        "said",
        "--by",
        "by",
    )
    code, out, err = labelvc(theirs, *words)
    assert (code, out, git(theirs, "status", "--porcelain")) == (2, "", ""), err
    assert "the secret of epoch 'b' is not on this machine" in err
    assert f"  where: {ring / 'b.key'}\n" in err
    _, command = cure(err, "copy b.key from ")
    subprocess.run(command, shell=True, check=True, cwd=keyring.path(vaulted.zoo.at, "b").parent)
    code, _, err = labelvc(theirs, *words)
    assert code == 0, err
    assert Zoo(theirs).row("pets/p1#r1")["by"] == pseudonym.token(
        keyring.load(vaulted.zoo.at, epoch_of(vaulted)), ID, "main", "person", "anna"
    )


def test_a_key_file_of_another_purpose_or_epoch_is_not_taken(vaulted: Vaulted, labelvc):
    key = keyring.path(vaulted.zoo.at, "b")
    file = vaulted.keys / "epoch.json"
    assert labelvc(vaulted.folder, "pseudonym", "share", "-o", str(file))[0] == 0
    before = key.read_bytes()
    told = json.loads(file.read_bytes())
    for path, said in (
        (vaulted.generation / "key.json", "for the purpose 'reverse'"),
        (vaulted.keys / "other.json", "of no epoch of this project"),
        (vaulted.keys / "garbage", "no key file"),
        (vaulted.keys / "absent", "could not read"),
    ):
        (vaulted.keys / "other.json").write_text(json.dumps({**told, "epoch": "c"}))
        (vaulted.keys / "garbage").write_text("{}")
        code, out, err = labelvc(vaulted.folder, "pseudonym", "accept", str(path), *vaulted.by("ada"))
        assert (code, out) == (2, "")
        assert said in err
        assert "next: " in err
    assert key.read_bytes() == before


def epoch_of(vaulted: Vaulted):
    (epoch,) = epochs.read(vaulted.zoo.read(epochs.PATH))
    return epoch
