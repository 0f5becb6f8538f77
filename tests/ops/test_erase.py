"""Erasing a person: from records in git and behind DVC, from the vault and its replicas, for good and only once."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labelvc.codec import schema
from labelvc.core import pseudonym
from labelvc.ops import erasures
from labelvc.store import dvc, vault
from tests.vaulting import MAIL, NAME, PEOPLE, Vaulted, recipients, vaulted, vaulted_template
from tests.zoo import ANNA, BEN, SHARDS, Zoo, zoo, zoo_template

__all__ = ["vaulted", "vaulted_template", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]


def ssh(keys: Path, who: str) -> Path:
    """Return a person's SSH key, made when it is not there."""
    path = keys / f"{who}.ssh"
    if not path.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", str(path)], check=True)
    return path


def signing(found: Vaulted) -> None:
    """Give the three holders SSH keys beside their age keys, as privacy/recipients.yaml says."""
    lines = recipients(found.keys)
    for who in PEOPLE:
        age, public = (found.keys / f"{who}.pub").read_text().strip(), ssh(found.keys, who).with_suffix(".ssh.pub")
        key = " ".join(public.read_text().split()[:2])
        lines = lines.replace(f"{who}: [{age}]", f'{who}: [{age}, "{key}"]')
    found.zoo.write("privacy/recipients.yaml", lines)
    found.zoo.commit("Keys to sign with")


@pytest.fixture
def held(vaulted: Vaulted, labelvc: Run) -> Vaulted:
    """Return a vault of three people who can sign, and one record about a person, sealed and committed."""
    signing(vaulted)
    vaulted.person(phone="+49 30 901820")
    assert labelvc(vaulted.folder, "vault", "seal", *vaulted.by("ada", "ben"))[0] == 0
    vaulted.zoo.commit("Import")
    return vaulted


def erase(found: Vaulted, labelvc: Run, *words: str, who: str = "ada") -> tuple[int, str, str]:
    """Run `labelvc erase` as one of the people, the vault opened by two."""
    return labelvc(found.folder, "erase", *words, *found.by("ada", "ben"), "--key", str(ssh(found.keys, who)))


def plan(found: Vaulted, labelvc: Run, *words: str) -> dict[str, Any]:
    code, out, err = labelvc(found.folder, "erase", *words, "--format", "json")
    assert code == 0, err
    assert not list(schema.problems("erase-plan", json.loads(out)))
    return dict(json.loads(out))


def ledger(folder: Path, labelvc: Run) -> tuple[int, list[dict[str, Any]]]:
    code, out, _ = labelvc(folder, "erase", "--list", "--format", "json")
    assert not list(schema.problems("erase-list", json.loads(out)))
    return code, list(json.loads(out)["items"])


def test_a_person_is_taken_out_of_records_vault_and_ledger(held: Vaulted, labelvc: Run):
    token = held.told()["mail"]
    before = plan(held, labelvc, token, *held.by("ada", "ben"))
    assert before["datasets"] == [
        {
            "dataset": "pets",
            "storage": "git",
            "dropped": 1,
            "unlinked": 0,
            "items": 0,
            "sealed": 0,
            "fields": {"/ext/jsonl/mail": 1},
            "first": ["pets/q1#r1"],
        }
    ]
    assert before["vault"] == {"rows": 1, "gone": 0, "links": 1, "waiting": 0}
    assert before["holders"] == list(PEOPLE)
    assert (before["commits"]["holding"], [len(row["paths"]) for row in before["brought"]]) == (1, [1])
    code, out, err = erase(held, labelvc, token, "--apply")
    assert code == 0, err
    assert "records: 1 dropped, 0 unlinked" in out
    assert held.zoo.row("pets/q1#r1") == {"item": "q1", "id": "r1", "gone": True, "rev": 2}
    held.zoo.commit("Forget")
    assert labelvc(held.folder, "check", "--all")[0] == 0
    assert labelvc(held.folder, "check", "HEAD~1..HEAD")[0] == 0
    assert MAIL not in out + err
    code, (entry,) = ledger(held.folder, labelvc)
    assert (code, entry["signed_by"], entry["pending"], entry["problems"]) == (1, "ada", ["ben", "cleo"], [])
    assert (entry["dropped"], entry["unlinked"]) == (1, 0)
    assert token in entry["tokens"]
    assert "pending 2 of 3 key holders: ben, cleo" in labelvc(held.folder, "erase", "--list")[1]


def test_doing_it_twice_changes_nothing(held: Vaulted, labelvc: Run):
    token = held.told()["mail"]
    assert erase(held, labelvc, token, "--apply")[0] == 0
    held.zoo.commit("Forget")

    def state() -> dict[str, bytes]:
        files = [path for path in held.home.rglob("*") if path.is_file() and path.name not in ("lock", vault.LOG)]
        return {str(path): path.read_bytes() for path in files}

    before, rows = state(), vault.lines(held.home / vault.LOG)
    code, out, err = erase(held, labelvc, token, "--apply")
    assert (code, out) == (0, "nothing was left to do\n"), err
    assert held.zoo.git("status", "--porcelain") == ""
    assert state() == before
    said = [json.loads(line)["did"] for line in vault.lines(held.home / vault.LOG)[len(rows) :]]
    assert said == ["trace"], "who opened the vault is told all the same"


def test_pending_ends_when_every_holder_has_signed(held: Vaulted, labelvc: Run):
    token = held.told()["mail"]
    theirs = held.copy()
    assert erase(held, labelvc, token, "--apply")[0] == 0
    held.zoo.commit("Forget")
    theirs.zoo.git("pull", "-q", str(held.folder), "main")
    reveal = ("vault", "reveal", token, "--reason", "ticket 4711", "-o", str(theirs.keys / "v"))
    code, _, err = labelvc(theirs.folder, *reveal, *theirs.by("ada", "ben"))
    assert (code, f"labelvc erase {token} --confirm" in err, MAIL in err) == (2, True, False), err
    assert erasures.held(theirs.zoo.at, [token]) == 1, "it holds the row, and tells it to nobody"
    code, out, err = erase(theirs, labelvc, token, "--confirm", who="ben")
    assert (code, out.count(".confirmed.ben.json")) == (0, 1), err
    code, _, err = labelvc(theirs.folder, *reveal, *theirs.by("ada", "ben"))
    assert (code, "was forgotten" in err) == (2, True)
    assert erasures.held(theirs.zoo.at, [token]) == 0
    assert theirs.zoo.commit("Confirm")
    assert [entry["pending"] for entry in ledger(theirs.folder, labelvc)[1]] == [["cleo"]]
    code, out, err = erase(theirs, labelvc, token, "--confirm", who="ben")
    assert (code, out, "confirmed already" in err) == (0, "", True)
    assert erase(theirs, labelvc, "--confirm", who="cleo")[0] == 0
    code, (entry,) = ledger(theirs.folder, labelvc)
    assert (code, entry["pending"]) == (0, [])
    assert "done, 3 of 3 key holders" in labelvc(theirs.folder, "erase", "--list")[1]


def test_an_annotator_is_unlinked_and_their_labels_stay(zoo: Zoo, vaulted: Vaulted, labelvc: Run):
    signing(vaulted)
    folder = vaulted.folder
    mine = [
        line
        for path in sorted(folder.rglob("datasets/**/*.jsonl"))
        for line in path.read_bytes().splitlines()
        if ANNA.encode() in line
    ]
    found = plan(vaulted, labelvc, ANNA)
    assert sum(one["unlinked"] for one in found["datasets"]) == len(mine) == 12
    assert sum(one["dropped"] for one in found["datasets"]) == 0
    code, _out, err = erase(vaulted, labelvc, ANNA, "--apply")
    assert code == 0, err
    vaulted.zoo.commit("Forget")
    assert labelvc(folder, "check", "--all")[0] == 0
    assert labelvc(folder, "check", "HEAD~1..HEAD")[0] == 0
    lines = [line for path in sorted(folder.rglob("datasets/**/*.jsonl")) for line in path.read_bytes().splitlines()]
    assert not [line for line in lines if ANNA.encode() in line]
    markers = [row["by"] for line in lines if pseudonym.is_marker((row := json.loads(line)).get("by", ""))]
    assert len(markers) == 12
    items = {json.loads(line)["item"] for line in mine}
    assert len(set(markers)) == len(items), (
        "within an item a marker says that one person spoke, across items nothing does"
    )
    assert vaulted.zoo.row("pets/p3#m1")["value"] == {"score": 1}


@pytest.mark.parametrize("way", ["drop", "unlink"])
def test_the_way_can_be_chosen_and_the_project_can_fix_it(vaulted: Vaulted, labelvc: Run, way: str):
    signing(vaulted)
    other = {"drop": "unlink", "unlink": "drop"}[way]
    vaulted.zoo.replace("labelvc.yaml", "tasks:\n", f"privacy: {{erase: {way}}}\ntasks:\n")
    vaulted.zoo.commit("Fix it")
    code, _, err = erase(vaulted, labelvc, ANNA, "--records", other)
    assert (code, f"the project fixes how records of an erased person go: {way}" in err) == (1, True)
    found = plan(vaulted, labelvc, ANNA, "--records", way)
    assert (found["fixed"], sum(one["unlinked"] for one in found["datasets"]) > 0) == (True, way == "unlink")
    assert erase(vaulted, labelvc, ANNA, "--apply")[0] == 0
    vaulted.zoo.commit("Forget")
    assert labelvc(vaulted.folder, "check", "--all")[1].count("privacy.") == 0
    assert labelvc(vaulted.folder, "check", "HEAD~1..HEAD")[1].count("record.rev") == 0


def test_an_item_goes_with_its_records(vaulted: Vaulted, labelvc: Run):
    signing(vaulted)
    found = plan(vaulted, labelvc, BEN)
    (one,) = found["datasets"]
    assert (one["items"], one["fields"]["/ext/owner"]) == (1, 1)
    assert erase(vaulted, labelvc, BEN, "--apply")[0] == 0
    vaulted.zoo.commit("Forget")
    code, out, _ = labelvc(vaulted.folder, "check", "HEAD~1..HEAD")
    assert code == 0, out
    assert vaulted.zoo.row("pets/p1#k1")["gone"] is True
    assert not (vaulted.folder / vaulted.zoo.shard("pets/p1#")).exists(), "the only item of its shard"


@pytest.mark.parametrize("way", ["drop", "unlink"])
def test_a_token_in_a_key_leaves_no_tombstone_that_names_it(vaulted: Vaulted, labelvc: Run, way: str):
    signing(vaulted)
    token = pseudonym.of_bytes("account", "b", b"\7" * 32)
    vaulted.zoo.put(f"pets/{token}#", {"id": token, "natural": {"word": "mine"}, "text": "hello"})
    vaulted.zoo.put(
        f"pets/{token}#m1",
        {"item": token, "id": "m1", "by": ANNA, "rev": 1, "task": "mood", "under": "mood@1.1.0", "value": {"score": 1}},
    )
    vaulted.zoo.commit("Bring")
    code, out, err = erase(vaulted, labelvc, token, "--apply", "--records", way)
    assert code == 0, err
    assert f"{2 if way == 'drop' else 0} dropped, {2 if way == 'unlink' else 0} unlinked" in out
    vaulted.zoo.commit("Forget")
    shards = b"".join([path.read_bytes() for path in vaulted.folder.rglob("datasets/**/*.jsonl")])
    assert token.encode() not in shards
    assert shards.count(b'"item":"act_bbbbbbbbbbbbb') == (way == "unlink")
    code, out, _ = labelvc(vaulted.folder, "check", "HEAD~1..HEAD")
    assert code == 0, out
    assert labelvc(vaulted.folder, "check", "--all")[0] == 0


def test_a_sealed_value_goes_with_the_field_it_stands_in(held: Vaulted, labelvc: Run):
    token = held.told()["name"].partition(":")[0]
    found = plan(held, labelvc, token)
    assert [one["sealed"] for one in found["datasets"]] == [1]
    assert erase(held, labelvc, token, "--apply", "--records", "unlink")[0] == 0
    row = held.zoo.row("pets/q1#r1")
    assert "name" not in row["ext"]["jsonl"]
    assert row["ext"]["jsonl"]["mail"] == held.told()["mail"]
    assert not [line for line in vault.lines(held.home / vault.KEYS) if token.encode() in line]


def test_a_value_from_stdin_finds_every_token_and_is_told_nowhere(
    held: Vaulted, labelvc: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{MAIL}\n"))
    code, out, err = erase(held, labelvc, "--value", "--kind", "email", "--apply")
    assert code == 0, err
    assert MAIL not in out + err
    assert held.zoo.row("pets/q1#r1")["gone"] is True
    held.zoo.commit("Forget")
    (entry,) = ledger(held.folder, labelvc)[1]
    assert len(entry["tokens"]) == 2, "the random token by its link, and the keyed one that an import could bring"
    assert MAIL.encode() not in held.everything()


def test_behind_dvc_too_and_old_objects_are_listed(vaulted: Vaulted, labelvc: Run):
    signing(vaulted)
    remote = vaulted.folder.parent / "remote"
    dvc.initialise(vaulted.zoo.at)
    words = [sys.executable, "-m", "dvc", "remote", "add", "-q", "-d", "store", str(remote)]
    subprocess.run(words, cwd=vaulted.folder, check=True)
    vaulted.zoo.commit("DVC")
    assert labelvc(vaulted.folder, "dataset", "storage", "pets", "dvc")[0] == 0
    vaulted.zoo.commit("Into DVC")
    code, _out, err = erase(vaulted, labelvc, ANNA, "--apply")
    assert code == 0, err
    vaulted.zoo.commit("Forget")
    assert labelvc(vaulted.folder, "check", "--all")[0] == 0
    assert labelvc(vaulted.folder, "check", "HEAD~1..HEAD")[0] == 0
    found = plan(vaulted, labelvc, ANNA)
    assert found["datasets"] == []
    assert len(found["dvc"]) > 0
    assert found["remotes"] == [{"name": "store", "url": str(remote)}]
    for one in found["dvc"]:
        assert ANNA.encode() in (vaulted.folder / ".dvc/cache/files/md5" / one["id"][:2] / one["id"][2:]).read_bytes()


def test_changes_that_are_not_committed_stop_it(held: Vaulted, labelvc: Run):
    token = held.told()["mail"]
    held.zoo.change("pets/q1#r1", value={"text": "else"})
    before = held.zoo.git("status", "--porcelain")
    code, _, err = erase(held, labelvc, token, "--apply")
    assert (code, "pets has changes that are not committed" in err) == (1, True)
    assert held.zoo.git("status", "--porcelain") == before
    assert held.reveal(labelvc, token) == MAIL


def test_a_stranger_signs_nothing_and_confirms_for_nobody(held: Vaulted, labelvc: Run):
    token = held.told()["mail"]
    code, _, err = erase(held, labelvc, token, "--apply", who="mallory")
    assert (code, "belongs to no principal" in err) == (2, True)
    assert erase(held, labelvc, token, "--apply")[0] == 0
    held.zoo.commit("Forget")
    code, _, err = erase(held, labelvc, token, "--confirm", who="mallory")
    assert (code, "belongs to no principal" in err) == (2, True)
    (mine,) = (held.folder / "privacy/erasures").glob("*.confirmed.ada.json")
    forged = mine.with_name(mine.name.replace("ada", "ben"))
    shutil.copy(mine, forged)
    code, (entry,) = ledger(held.folder, labelvc)
    assert (code, entry["pending"]) == (1, ["ben", "cleo"])
    assert [problem.partition(": ")[2] for problem in entry["problems"]] == [
        "the file is not named after what it holds"
    ]


def test_ssh_keygen_proves_the_ledger_without_labelvc(held: Vaulted, labelvc: Run, tmp_path: Path):
    """An envelope as DSSE writes it, a statement as in-toto does, and a signature that OpenSSH checks."""
    assert erase(held, labelvc, held.told()["mail"], "--apply")[0] == 0
    (file,) = (held.folder / "privacy/erasures").glob("*.yaml")
    for noun, did in (("by", "erase"), ("confirmed", "confirm")):
        envelope = json.loads(file.with_suffix(f".{noun}.ada.json").read_bytes())
        payload = base64.b64decode(envelope["payload"])
        said = json.loads(payload)
        assert not list(schema.problems("erasure-statement", said))
        assert said["predicate"]["did"] == did
        assert said["subject"][0]["digest"]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
        (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
        (tmp_path / "allowed").write_text(f"ada {ssh(held.keys, 'ada').with_suffix('.ssh.pub').read_text()}")
        pae = b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(payload), payload)
        words = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "ada", "-n", "erasure@labelvc.v1", "-s", "sig"]
        done = subprocess.run(words, cwd=tmp_path, input=pae, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


def test_a_list_that_was_changed_after_it_was_signed_is_told(held: Vaulted, labelvc: Run):
    assert erase(held, labelvc, held.told()["mail"], "--apply")[0] == 0
    (path,) = (held.folder / "privacy/erasures").glob("*.yaml")
    path.write_text(path.read_text() + f"  - {BEN}\n")
    code, (entry,) = ledger(held.folder, labelvc)
    assert (code, entry["signed_by"]) == (1, None)
    assert all("changed after it was signed" in problem for problem in entry["problems"])


def test_without_a_vault_the_records_go_and_the_holders_are_pending(vaulted: Vaulted, labelvc: Run):
    signing(vaulted)
    shutil.rmtree(vaulted.home)
    code, _, err = labelvc(vaulted.folder, "erase", ANNA, "--apply", "--key", str(ssh(vaulted.keys, "ada")))
    assert code == 0, err
    vaulted.zoo.commit("Forget")
    assert [entry["pending"] for entry in ledger(vaulted.folder, labelvc)[1]] == [list(PEOPLE)]


def test_with_a_vault_it_must_be_opened(held: Vaulted, labelvc: Run):
    words = ("erase", held.told()["mail"], "--apply", "--key", str(ssh(held.keys, "ada")))
    code, _, err = labelvc(held.folder, *words)
    assert (code, "the vault on this machine has to forget too" in err) == (2, True)
    assert held.zoo.git("status", "--porcelain") == ""
    assert held.reveal(labelvc, "pets/q1#r1", "/ext/jsonl/name") == NAME


def test_a_marker_and_a_mistyped_token_are_nobody(vaulted: Vaulted, labelvc: Run):
    assert SHARDS["pets"] == 4
    for text, said in (
        (pseudonym.marker(ANNA, b"\1" * 32), "marks somebody who was erased"),
        (f"{ANNA[:-1]}b", "no token"),
    ):
        code, _, err = labelvc(vaulted.folder, "erase", text)
        assert (code, said in err) == (2, True), err


@pytest.mark.parametrize("storage", ["git", "dvc"])
def test_a_ledger_that_grew_is_searched_for_and_asks_no_other_check_again(vaulted: Vaulted, labelvc: Run, storage: str):
    """What the list of the forgotten brings is found in every shard, and only the shards of the change are looked at."""
    if storage == "dvc":
        vaulted.zoo.store_in_dvc()
        vaulted.zoo.commit("Into DVC")
    path = vaulted.folder / "privacy/erasures/a.yaml"
    path.parent.mkdir()
    path.write_bytes(erasures.listed([ANNA], "2026-03-01T09:00:00Z"))
    vaulted.zoo.commit("List her")
    code, out, _ = labelvc(vaulted.folder, "check", "HEAD~1..HEAD", "--format", "json")
    step = json.loads(out)
    assert (code, step["summary"]["shards"]) == (1, 0), step["summary"]
    code, out, _ = labelvc(vaulted.folder, "check", "--all", "--format", "json")
    whole = [one for one in json.loads(out)["items"] if one["rule"] == "privacy.erased"]
    assert len(whole) > 1
    assert [one for one in step["items"] if one["rule"] == "privacy.erased"] == whole
    if storage == "dvc":
        return
    key = whole[0]["place"]["key"]
    vaulted.zoo.bury(key)
    vaulted.zoo.commit("Bury one")
    code, out, _ = labelvc(vaulted.folder, "check", "HEAD~2..HEAD", "--format", "json")
    left = [one["place"]["key"] for one in json.loads(out)["items"] if one["rule"] == "privacy.erased"]
    assert (code, left) == (1, [one["place"]["key"] for one in whole if one["place"]["key"] != key])
