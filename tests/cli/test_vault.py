"""The vault as people use it: imports fill its inbox, two of three open it, and what is wrong is said with its cure."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labelvc.codec import epochs
from labelvc.core import pseudonym
from labelvc.store import age, keyring, vault
from tests.vaulting import MAIL, NAME, PEOPLE, REASON, Vaulted, recipients, vaulted, vaulted_template, zoo, zoo_template

__all__ = ["vaulted", "vaulted_template", "zoo", "zoo_template"]


def test_two_of_three_people_reveal_what_an_import_hid(vaulted: Vaulted, labelvc):
    """No plain value is anywhere: not in the tree, not in git, not in the vault."""
    vaulted.person(phone="+49 30 901820")
    told = vaulted.told()
    assert pseudonym.is_token(told["mail"])
    assert pseudonym.is_token(told["phone"])
    assert pseudonym.is_token(told["name"].partition(":")[0])
    vaulted.zoo.commit("Import")
    everything = vaulted.everything()
    for plain in (MAIL, NAME, "901820"):
        assert plain.encode() not in everything
    assert not {one.rule for one in vaulted.zoo.everything()} & {
        "privacy.plaintext",
        "privacy.token",
        "record.schema",
        "record.canonical",
    }
    code, out, err = labelvc(vaulted.folder, "vault", "seal", *vaulted.by("ada", "cleo"))
    assert (code, out, err) == (0, "", "2 rows sealed\n")
    assert vaulted.reveal(labelvc, told["mail"], who=("ben", "cleo")) == MAIL
    assert vaulted.reveal(labelvc, "pets/q1#r1", "/ext/jsonl/mail") == MAIL
    assert vaulted.reveal(labelvc, "pets/q1#r1", "/ext/jsonl/name") == NAME
    code, out, _ = labelvc(vaulted.folder, "vault", "status")
    assert code == 0
    assert "opens with  2 of ada, ben, cleo\nrows        1 email, 1 name\nwaiting     nothing to seal\n" in out


def test_one_person_alone_does_not(vaulted: Vaulted, labelvc):
    vaulted.person()
    words = ("vault", "reveal", vaulted.told()["mail"], "--reason", REASON, "-o", str(vaulted.keys / "value"))
    for who in PEOPLE:
        code, out, err = labelvc(vaulted.folder, *words, *vaulted.by(who, who))
        assert (code, out) == (2, "")
        assert "the reverse key needs 2 of ada, ben, cleo: 1 of 2 shares are here" in err
        assert "next: name the identity of each with --identity" in err
    assert not (vaulted.keys / "value").exists()


def test_a_share_is_lent_to_another_holder_and_to_nobody_else(vaulted: Vaulted, labelvc):
    """Two people need not sit at one machine: one lends a share, encrypted to the other."""
    vaulted.person()
    lent = vaulted.keys / "lent.age"
    code, _, err = labelvc(vaulted.folder, "vault", "lend", "--to", "ben", "-o", str(lent), *vaulted.by("ada"))
    assert code == 0, err
    words = (
        "vault",
        "reveal",
        vaulted.told()["mail"],
        "--reason",
        REASON,
        "-o",
        str(vaulted.keys / "value"),
        "--share",
        str(lent),
    )
    code, _, err = labelvc(vaulted.folder, *words, *vaulted.by("cleo"))
    assert code == 2
    assert "no identity here opens the share that was lent" in err
    assert labelvc(vaulted.folder, *words, *vaulted.by("ben"))[0] == 0
    assert (vaulted.keys / "value").read_text() == f"{MAIL}\n"
    code, _, err = labelvc(vaulted.folder, "vault", "lend", "--to", "eve", "-o", str(lent), *vaulted.by("ada"))
    assert code == 2
    assert "nobody 'eve'" in err


def test_importing_again_gives_everybody_the_token_they_have(vaulted: Vaulted):
    vaulted.person()
    first = vaulted.told()
    vaulted.zoo.commit("Import")
    vaulted.person(mail=f" {MAIL.upper()} ")
    vaulted.person(2)
    assert vaulted.told(1) == vaulted.told(2) == first
    assert len(vault.waiting(vaulted.home)) == 1


def test_an_import_says_that_something_waits_to_be_sealed(vaulted: Vaulted, labelvc):
    source = vaulted.folder.parent / "in.jsonl"
    source.write_text(json.dumps({"item": "q1", "id": "r1", "by": "anna", "said": "x", "mail": MAIL}) + "\n")
    words = (
        "import",
        "jsonl",
        str(source),
        "--dataset",
        "pets",
        "--task",
        "note",
        "--item",
        "item",
        "--by",
        "by",
        "--value",
        "said",
    )
    said = "1 row for the vault waits in its inbox: labelvc vault seal\n"
    assert said in labelvc(vaulted.folder, *words)[1]
    assert "inbox" not in labelvc(vaulted.folder, *words)[1]


def test_a_dry_run_writes_nothing_into_the_vault(vaulted: Vaulted, labelvc):
    before = sorted(path for path in vaulted.home.rglob("*"))
    source = vaulted.folder.parent / "in.jsonl"
    source.write_text(json.dumps({"item": "p1", "id": "r1", "by": "anna", "said": "x", "mail": MAIL}) + "\n")
    words = (
        "import",
        "jsonl",
        str(source),
        "--dataset",
        "pets",
        "--task",
        "note",
        "--item",
        "item",
        "--by",
        "by",
        "--value",
        "said",
    )
    code, out, err = labelvc(vaulted.folder, *words, "--dry-run")
    assert code in (0, 1), err
    assert MAIL not in out + err
    assert sorted(path for path in vaulted.home.rglob("*") if path.name != "lock") == [
        path for path in before if path.name != "lock"
    ]


def test_reveal_needs_a_reason_and_a_place_and_leaves_a_line_in_the_log(vaulted: Vaulted, labelvc):
    vaulted.person()
    token = vaulted.told()["mail"]
    labelvc(vaulted.folder, "vault", "seal", *vaulted.by("ada", "ben"))
    both = vaulted.by("ada", "ben")
    value = str(vaulted.keys / "value")
    for words, said, exits in (
        ((token, "-o", value), "needs a reason", 2),
        ((token, "-o", value, "--reason", "because"), "at least 8 characters", 2),
        ((token, "--reason", REASON), "say where the value shall go", 2),
        ((token, "--reason", REASON, "--show"), "on a terminal only", 1),
        ((token, "--reason", REASON, "-o", str(vaulted.folder / "value")), "not written into the repository", 1),
        (("pets/q1#r1", "--reason", REASON, "-o", value), "name the record and the field", 2),
        (("pets/q1#r9", "/ext/jsonl/mail", "--reason", REASON, "-o", value), "no such record", 2),
        (("pets/q1#r1", "/ext/jsonl/fax", "--reason", REASON, "-o", value), "no token and nothing sealed", 2),
    ):
        code, out, err = labelvc(vaulted.folder, "vault", "reveal", *words, *both)
        assert (code, out) == (exits, ""), words
        assert said in err
        assert MAIL not in err
    assert not Path(value).exists()
    before = len(vault.lines(vaulted.home / vault.LOG))
    assert vaulted.reveal(labelvc, token) == MAIL
    (line,) = vault.lines(vaulted.home / vault.LOG)[before:]
    entry = json.loads(line)
    assert (entry["did"], entry["token"], entry["reason"], entry["found"], entry["who"]) == (
        "reveal",
        token,
        REASON,
        True,
        "ada@example.com",
    )
    assert MAIL.encode() not in line
    assert Path(value).stat().st_mode & 0o077 == 0


def test_a_value_is_shown_on_a_terminal(vaulted: Vaulted):
    """A real terminal: a pseudo-terminal is one."""
    vaulted.person()
    words = ["vault", "reveal", vaulted.told()["mail"], "--reason", REASON, "--show", *vaulted.by("ada", "ben")]
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "labelvc.cli", *words],
        cwd=vaulted.folder,
        stdout=theirs,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    os.close(theirs)
    assert done.returncode == 0, done.stderr
    assert os.read(ours, 1000).decode().strip() == MAIL
    os.close(ours)


def test_a_keyed_token_is_traced_once_its_value_is_sealed(vaulted: Vaulted, labelvc):
    vaulted.person(phone="+49 30 901820")
    (vaulted.keys / "values").write_text("+49 (30) 901820\n\n+49 30 901821\n")
    words = ("vault", "seal", "--values", str(vaulted.keys / "values"), "--kind", "phone")
    code, _, err = labelvc(vaulted.folder, *words, *vaulted.by("ada", "ben"))
    assert (code, err) == (0, "4 rows sealed\n")
    assert vaulted.reveal(labelvc, vaulted.told()["phone"]) == "+49 (30) 901820"
    assert labelvc(vaulted.folder, *words, *vaulted.by("ada", "ben"))[2] == "0 rows sealed\n"


def test_two_copies_merge_line_by_line_and_one_person_keeps_one_token(vaulted: Vaulted, labelvc):
    """Two clones that meet the same new person give two random tokens; the smaller one is used from then on."""
    theirs = vaulted.copy()
    vaulted.person()
    theirs.person()
    theirs.person(2, mail="other@example.org", name="Somebody Else")
    mine, other = vaulted.told(), theirs.told()
    assert mine["mail"] != other["mail"]
    labelvc(theirs.folder, "vault", "seal", *theirs.by("ada", "ben"))
    code, _, err = labelvc(vaulted.folder, "vault", "merge", str(theirs.home), *vaulted.by("ada", "cleo"))
    assert code == 0, err
    assert "1 token became another name of one that is smaller" in err
    for token in (mine["mail"], other["mail"]):
        assert vaulted.reveal(labelvc, token) == MAIL
    assert vaulted.reveal(labelvc, theirs.told(2)["mail"]) == "other@example.org"
    assert vaulted.reveal(labelvc, "pets/q1#r1", "/ext/jsonl/name") == NAME
    theirs_name = other["name"]
    row = vaulted.zoo.row("pets/q1#r1")
    vaulted.zoo.change("pets/q1#r1", ext={"jsonl": {**row["ext"]["jsonl"], "name": theirs_name}})
    assert vaulted.reveal(labelvc, "pets/q1#r1", "/ext/jsonl/name") == NAME  # both keys of one person open
    vaulted.person(3)
    assert vaulted.told(3)["mail"] == min(mine["mail"], other["mail"])
    code, _, err = labelvc(vaulted.folder, "vault", "merge", str(theirs.home), *vaulted.by("ada", "cleo"))
    assert (code, err) == (0, "0 rows new or changed\n")
    code, _, err = labelvc(theirs.folder, "vault", "merge", str(vaulted.home), *vaulted.by("ada", "cleo"))
    assert code == 0, err
    assert vault.root_of(vault.rows(theirs.generation)) == vault.root_of(vault.rows(vaulted.generation))


def test_what_was_forgotten_stays_so_after_a_merge(vaulted: Vaulted, labelvc):
    vaulted.person()
    labelvc(vaulted.folder, "vault", "seal", *vaulted.by("ada", "ben"))
    theirs = vaulted.copy()
    token = vaulted.told()["mail"]
    code, out, _ = labelvc(vaulted.folder, "vault", "forget", token, *vaulted.by("ada", "ben"))
    assert (code, out) == (0, f"{token}\n")
    for _ in range(2):
        words = ("vault", "reveal", token, "--reason", REASON, "-o", str(vaulted.keys / "value"))
        code, _, err = labelvc(vaulted.folder, *words, *vaulted.by("ada", "ben"))
        assert code == 2
        assert "was forgotten" in err
        code, out, err = labelvc(vaulted.folder, "vault", "merge", str(theirs.home), *vaulted.by("ada", "ben"))
        assert (code, out, "left out 1 row" in err) == (1, f"{token}\n", True), err
    vaulted.person(2)
    assert vaulted.told(2)["mail"] != token
    assert ", and 1 forgotten" in labelvc(vaulted.folder, "vault", "status")[1]


def test_a_keyed_token_without_a_row_can_be_forgotten_and_gets_none_later(vaulted: Vaulted, labelvc):
    vaulted.person(phone="+49 30 901820")
    token = vaulted.told()["phone"]
    code, out, err = labelvc(vaulted.folder, "vault", "forget", token, *vaulted.by("ada", "ben"))
    assert (code, out) == (0, f"{token}\n"), err
    (vaulted.keys / "values").write_text("+49 30 901820\n")
    words = ("vault", "seal", "--values", str(vaulted.keys / "values"), "--kind", "phone")
    assert labelvc(vaulted.folder, *words, *vaulted.by("ada", "ben"))[2] == "0 rows sealed\n"
    words = ("vault", "reveal", token, "--reason", REASON, "-o", str(vaulted.keys / "value"))
    assert "was forgotten" in labelvc(vaulted.folder, *words, *vaulted.by("ada", "ben"))[2]
    code, _, err = labelvc(
        vaulted.folder, "vault", "forget", token[:-1] + ("b" if token[-1] != "b" else "c"), *vaulted.by("ada", "ben")
    )
    assert code == 2
    assert "no token" in err


def test_who_was_forgotten_is_found_in_records_until_they_are_gone(vaulted: Vaulted, labelvc):
    vaulted.person()
    vaulted.zoo.commit("Import")
    token = vaulted.told()["mail"]
    code, _, err = labelvc(vaulted.folder, "vault", "forget", token, *vaulted.by("ada", "ben"))
    assert code == 0
    (path,) = vaulted.zoo.git("diff", "--cached", "--name-only").splitlines()
    assert path.startswith("privacy/erasures/")
    assert path in err
    code, out, _ = labelvc(vaulted.folder, "check", "--all", "--format", "json")
    found = [item for item in json.loads(out)["items"] if item["rule"] == "privacy.erased"]
    assert code == 1
    assert [item["place"]["key"] for item in found] == ["pets/q1#r1"]
    vaulted.zoo.commit("Forget")
    code, out, _ = labelvc(vaulted.folder, "check", "HEAD~1..HEAD")
    assert code == 1
    assert "privacy.erased     pets/q1#r1" in out
    vaulted.zoo.bury("pets/q1#r1")
    vaulted.zoo.commit("Bury")
    assert "privacy.erased" not in labelvc(vaulted.folder, "check", "--all")[1]
    vaulted.zoo.git("rm", "-q", path)
    vaulted.person(2, mail=token)
    vaulted.zoo.commit("Take it back and bring the token in again")
    code, out, _ = labelvc(vaulted.folder, "check", "HEAD~1..HEAD")
    assert code == 1
    assert "privacy.erased     pets/q2#r2" in out


def test_a_new_key_goes_to_whom_the_commit_names_and_the_old_one_opens_no_more(vaulted: Vaulted, labelvc):
    vaulted.person()
    labelvc(vaulted.folder, "vault", "seal", *vaulted.by("ada", "ben"))
    vaulted.zoo.write("privacy/recipients.yaml", recipients(vaulted.keys, people=("ben", "cleo")))
    code, _, err = labelvc(vaulted.folder, "vault", "rotate", *vaulted.by("ada", "ben"))
    assert code == 0, err
    assert "opens with 2 of ada, ben, cleo" in err  # what is not committed counts for nothing
    vaulted.zoo.commit("Ada leaves")
    code, _, err = labelvc(vaulted.folder, "vault", "rotate", *vaulted.by("ada", "ben"))
    assert code == 0, err
    assert "2 rows sealed anew; the vault opens with 2 of ben, cleo" in err
    assert vaulted.reveal(labelvc, vaulted.told()["mail"], who=("ben", "cleo")) == MAIL
    words = ("vault", "reveal", vaulted.told()["mail"], "--reason", REASON, "-o", str(vaulted.keys / "value"))
    assert labelvc(vaulted.folder, *words, *vaulted.by("ada", "ben"))[0] == 2
    assert len([path for path in vaulted.home.iterdir() if path.is_dir() and path.name != "inbox"]) == 1


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda v: shutil.rmtree(v.home), "no vault on this machine"),
        (lambda v: v.home.chmod(0o755), "others may enter the vault"),
        (lambda v: (v.home / "current").write_text("../../etc\n"), "current generation is not there"),
        (lambda v: (v.generation / "key.json").write_text("{}"), "no key file"),
        (lambda v: (v.generation / "root.json").unlink(), "without its key"),
        (lambda v: next(v.generation.glob("rows/*/*.jsonl")).unlink(), "without its key"),
        (lambda v: next(v.generation.glob("rows/*/*.jsonl")).write_text("{}\n"), "no row of a vault"),
        (lambda v: next(v.home.glob("inbox/*.age")).write_text("x"), "not encrypted to it"),
        (
            lambda v: (v.home / "log.jsonl").write_bytes((v.home / "log.jsonl").read_bytes().replace(b"seal", b"heal")),
            "log of the vault was edited",
        ),
    ],
)
def test_a_damaged_vault_stops_everything_says_where_and_changes_nothing(vaulted: Vaulted, labelvc, harm, said: str):
    vaulted.person()
    labelvc(vaulted.folder, "vault", "seal", *vaulted.by("ada", "ben"))
    vaulted.person(2, mail="other@example.org", name="Somebody Else")
    token = vaulted.told()["mail"]
    harm(vaulted)
    before = (
        {path: path.read_bytes() for path in vaulted.home.rglob("*") if path.is_file()} if vaulted.home.exists() else {}
    )
    value = vaulted.keys / "value"
    for words in (("seal",), ("reveal", token, "--reason", REASON, "-o", str(value)), ("forget", token), ("rotate",)):
        code, out, err = labelvc(vaulted.folder, "vault", *words, *vaulted.by("ada", "ben"))
        assert (code, out) == (2, ""), (words, err)
        assert said in err, words
        assert "where: " in err
        assert "next: " in err
    assert not value.exists()
    after = (
        {path: path.read_bytes() for path in vaulted.home.rglob("*") if path.is_file()} if vaulted.home.exists() else {}
    )
    assert {path.name for path in after.keys() ^ before.keys()} <= {"lock"}
    assert all(after[path] == data for path, data in before.items())


def test_without_a_vault_an_import_of_random_fields_writes_nothing(vaulted: Vaulted, labelvc):
    shutil.rmtree(vaulted.home)
    source = vaulted.folder.parent / "in.jsonl"
    source.write_text(json.dumps({"item": "p1", "id": "r1", "by": "anna", "said": "x", "mail": MAIL}) + "\n")
    words = (
        "import",
        "jsonl",
        str(source),
        "--dataset",
        "pets",
        "--task",
        "note",
        "--item",
        "item",
        "--by",
        "by",
        "--value",
        "said",
    )
    code, out, err = labelvc(vaulted.folder, *words)
    assert (code, out) == (2, "")
    assert "no vault on this machine" in err
    assert "labelvc vault new" in err
    assert vaulted.zoo.git("status", "--porcelain") == ""


def test_a_vault_is_begun_once_and_only_for_people_whom_a_commit_names(vaulted: Vaulted, labelvc):
    code, _, err = labelvc(vaulted.folder, "vault", "new")
    assert code == 1
    assert "there is a vault already" in err
    shutil.rmtree(vaulted.home)
    vaulted.zoo.git("rm", "-q", "privacy/recipients.yaml")
    vaulted.zoo.commit("Lose it")
    vaulted.zoo.write("privacy/recipients.yaml", recipients(vaulted.keys))
    code, _, err = labelvc(vaulted.folder, "vault", "new")
    assert code == 2
    assert "the last commit does not say who gets which key" in err
    assert vault.current(vaulted.home) is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("needs: 2", "needs: 4", "more than there are people"),
        ("reverse: {people: [ada,", "reverse: {people: [eve,", "nobody 'eve'"),
        ("reverse:", "reader:", "recipients.yaml:8  is not known here"),
        ("ada: [age1", "ada: [agx1", "recipients.yaml:3  must be: a public key"),
        ("ada: [", "Ada: [", "recipients.yaml:3  has a name that does not fit"),
    ],
)
def test_wrong_recipients_are_found_where_they_stand(vaulted: Vaulted, labelvc, old: str, new: str, said: str):
    vaulted.zoo.replace("privacy/recipients.yaml", old, new)
    code, out, _ = labelvc(vaulted.folder, "check", "--all")
    assert code == 1
    assert "privacy/recipients.yaml" in out
    assert said in out


def test_a_key_is_made_once_and_opens_what_is_meant_for_it(vaulted: Vaulted, labelvc):
    path = vaulted.keys / "mine"
    code, out, err = labelvc(vaulted.folder, "vault", "identity", "-o", str(path), "--no-passphrase")
    assert (code, err) == (0, "")
    assert path.stat().st_mode & 0o077 == 0
    (mine,) = age.load(path, lambda _: "")
    assert age.decrypt(age.encrypt(b"for me", [out.strip()]), [mine]) == b"for me"
    before = path.read_bytes()
    code, _, err = labelvc(vaulted.folder, "vault", "identity", "-o", str(path), "--no-passphrase")
    assert code == 1
    assert "no key is overwritten" in err
    assert path.read_bytes() == before
    (vaulted.keys / "empty").write_text("\n")
    code, _, err = labelvc(
        vaulted.folder, "vault", "identity", "-o", f"{path}2", "--passphrase-file", str(vaulted.keys / "empty")
    )
    assert code == 2
    assert "passphrase is empty" in err


def test_a_passphrase_that_nobody_can_type_is_brought_in_a_file(vaulted: Vaulted, labelvc):
    path = vaulted.keys / "locked"
    code, _, err = labelvc(vaulted.folder, "vault", "identity", "-o", str(path))
    assert (code, path.exists()) == (2, False)
    assert "a new key wants a passphrase, and no terminal is here to type it on\n" in err
    assert "next: --passphrase-file FILE, or --no-passphrase when" in err
    (vaulted.keys / "words").write_text("correct horse\n")
    words = ("--passphrase-file", str(vaulted.keys / "words"))
    assert labelvc(vaulted.folder, "vault", "identity", "-o", str(path), *words)[0] == 0
    code, _, err = labelvc(vaulted.folder, "vault", "seal", "-i", str(path))
    assert code == 2
    assert f"where: {path}\n  next: --passphrase-file FILE" in err
    assert "ssh-add" not in err


def test_a_field_that_vanished_from_the_dataset_is_named_with_the_way_back(vaulted: Vaulted, labelvc):
    vaulted.person()
    vaulted.zoo.replace("datasets/pets/dataset.yaml", "  - {pointer: /ext/jsonl/name, kind: name, mode: sealed}\n", "")
    words = ("vault", "reveal", "pets/q1#r1", "/ext/jsonl/name", "--reason", REASON, "-o", str(vaulted.keys / "value"))
    code, out, err = labelvc(vaulted.folder, *words, *vaulted.by("ada", "ben"))
    assert (code, out) == (2, "")
    assert "/ext/jsonl/name holds a sealed value and is not declared sensitive any more" in err
    assert "where: datasets/pets/dataset.yaml" in err
    assert "next: git log -p -- datasets/pets/dataset.yaml" in err
    token = vaulted.told()["name"].partition(":")[0]
    code, _, err = labelvc(vaulted.folder, *words[:2], token, *words[4:], *vaulted.by("ada", "ben"))
    assert code == 2
    assert "name the record and the field" in err
    assert not (vaulted.keys / "value").exists()


@pytest.mark.parametrize(
    "line",
    [
        b"secret of grace",
        b"{}",
        b'{"content":{"value":"secret of grace"},"t":"x"}',
        b'{"content":{"scope":1,"value":2},"t":"x"}',
        b'{"content":{"keys":[1]},"t":"x"}',
    ],
)
def test_what_somebody_put_into_the_inbox_is_told_apart_and_never_shown(vaulted: Vaulted, labelvc, line: bytes):
    """Whoever has the vault's public half can write into its inbox; a line that no import writes stops, and keeps the rest."""
    to = json.loads((vaulted.generation / "key.json").read_bytes())["to"]
    (path,) = vault.put_in(vaulted.home, [age.encrypt(line + b"\n", [to])])
    code, out, err = labelvc(vaulted.folder, "vault", "seal", *vaulted.by("ada", "ben"))
    assert (code, out) == (2, "")
    assert "none that an import writes" in err
    assert "grace" not in err
    assert path.exists()


def test_authors_can_be_random_too(vaulted: Vaulted, labelvc):
    vaulted.zoo.replace("datasets/pets/dataset.yaml", "sensitive:\n", "sensitive:\n  - {pointer: /by, mode: random}\n")
    vaulted.person()
    by = vaulted.zoo.row("pets/q1#r1")["by"]
    (epoch,) = epochs.read(vaulted.zoo.read(epochs.PATH))
    assert pseudonym.is_token(by)
    assert by != pseudonym.token(keyring.load(vaulted.zoo.at, epoch), vaulted.project, "main", "person", "anna")
    assert vaulted.reveal(labelvc, by) == "anna"
