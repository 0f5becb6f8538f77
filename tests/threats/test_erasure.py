"""Threats to erasure: somebody who was forgotten comes back by a branch, a revert or a re-key, or is told by what stays."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.codec import epochs
from labelvc.core import pseudonym
from labelvc.store import keyring, vault
from tests.killing import every_write
from tests.ops.test_erase import erase, held, ledger, plan, signing, ssh
from tests.vaulting import MAIL, NAME, PEOPLE, REASON, Vaulted, vaulted, vaulted_template
from tests.zoo import ANNA, Zoo, author, zoo, zoo_template

__all__ = ["held", "vaulted", "vaulted_template", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
PHONE = "+49 30 901820"


def erased(found: Vaulted, labelvc: Run, token: str, *words: str) -> None:
    """Erase somebody and commit it."""
    code, _, err = erase(found, labelvc, token, "--apply", *words)
    assert code == 0, err
    found.zoo.commit("Forget")


def back(labelvc: Run, folder: Path, words: str) -> list[str]:
    """Return the keys of the lines that bring somebody back, as a check in CI sees it."""
    code, out, _ = labelvc(folder, "check", words, "--format", "json")
    keys = [one["place"]["key"] for one in json.loads(out)["items"] if one["rule"] == "privacy.erased"]
    assert code == int(bool(keys)), out
    return list(keys)


def opens(labelvc: Run, found: Vaulted, folder: Path, *what: str) -> str:
    """Return what a vault says to somebody with two of its three keys."""
    value = found.keys / "told"
    value.unlink(missing_ok=True)
    words = ("vault", "reveal", *what, "--reason", REASON, "-o", str(value), *found.by("ada", "ben"))
    code, _, err = labelvc(folder, *words)
    return value.read_text().strip() if code == 0 else err


def test_privacy_15_a_full_clone_and_all_replicas_open_nothing_and_an_old_backup_does(held: Vaulted, labelvc: Run):
    """The exception is documented: an old copy of the vault opens with old shares, for as long as somebody keeps one."""
    token, sealed = held.told()["mail"], held.told()["name"]
    held.zoo.commit("With a sealed value")
    backup = held.folder.parent / "backup"
    shutil.copytree(held.home, backup)
    theirs = held.copy()
    (held.keys / "secret").write_text("\n")
    for one in (token, sealed.partition(":")[0]):
        erased(held, labelvc, one, "--records", "unlink")
    theirs.zoo.git("pull", "-q", str(held.folder), "main")
    for who in ("ben", "cleo"):
        assert erase(theirs, labelvc, "--confirm", who=who)[0] == 0
    clone = held.folder.parent / "clone"
    subprocess.run(["git", "clone", "-q", "--mirror", f"file://{held.folder}", str(clone)], check=True)
    history = subprocess.run(
        ["git", "cat-file", "--batch", "--batch-all-objects", "--buffer"], cwd=clone, capture_output=True, check=True
    ).stdout
    assert sealed.encode() in history, "the ciphertext stays in the history: that is what makes the keys matter"
    for found in (held, theirs):
        assert "was forgotten" in opens(labelvc, held, found.folder, token)
        kept = b"".join([path.read_bytes() for path in found.home.rglob("*") if path.is_file()])
        for plain in (MAIL, NAME):
            assert plain.encode() not in kept
        assert not vault.lines(found.home / vault.KEYS)
        found.zoo.git("checkout", "-q", "HEAD~2", "--", "datasets")
        assert "was forgotten" in opens(labelvc, held, found.folder, "pets/q1#r1", "/ext/jsonl/name")
        found.zoo.git("reset", "-q", "--hard")
    shutil.rmtree(theirs.home)
    shutil.copytree(backup, theirs.home)
    assert "stands for somebody who was erased" in opens(labelvc, held, theirs.folder, token)
    theirs.zoo.git("switch", "-q", "--detach", "HEAD~2")  # a state that has not heard of it
    assert opens(labelvc, held, theirs.folder, "pets/q1#r1", "/ext/jsonl/name") == NAME
    assert opens(labelvc, held, theirs.folder, token) == MAIL
    theirs.zoo.git("switch", "-q", "main")
    assert labelvc(theirs.folder, "privacy", "status")[1].count("still holds") == 1
    assert erase(theirs, labelvc, "--confirm", who="ben")[0] == 0
    assert "was forgotten" in opens(labelvc, held, theirs.folder, token)


@pytest.mark.parametrize("way", ["labelvc merge", "merge", "squash", "cherry-pick", "rebase", "theirs"])
def test_privacy_15_a_branch_from_before_brings_nobody_back(vaulted: Vaulted, labelvc: Run, way: str):
    """A branch that was made before the erasure adds records by the same annotator; whatever brings it in, CI sees them."""
    signing(vaulted)
    zoo = vaulted.zoo
    zoo.git("switch", "-q", "-c", "old")
    zoo.put("pets/p2#m9", {**zoo.row("pets/p2#m1"), "id": "m9"})
    zoo.commit("More by Anna")
    zoo.git("switch", "-q", "main")
    erased(vaulted, labelvc, ANNA)
    before = zoo.git("rev-parse", "HEAD")
    if way == "theirs":
        zoo.git("checkout", "-q", "old", "--", "datasets")
        zoo.commit("Take theirs")
    elif way == "labelvc merge":
        code, out, err = labelvc(vaulted.folder, "merge", "old", "-m", "Merge")
        assert (code, "privacy.erased     pets/p2#m9" in out) == (1, True), err
        assert erase(vaulted, labelvc, ANNA, "--apply")[0] == 0
        code, out, err = labelvc(vaulted.folder, "merge", "--continue", "-m", "Merge")
        assert code == 0, out + err
        assert pseudonym.is_marker(zoo.row("pets/p2#m9")["by"])
        assert back(labelvc, vaulted.folder, f"{before}..HEAD") == []
        return
    elif way == "cherry-pick":
        zoo.git("cherry-pick", "-X", "theirs", "old", **author("Ada"))
    elif way == "rebase":
        zoo.git("switch", "-q", "old")
        zoo.git("rebase", "-q", "-X", "theirs", "main", **author("Ada"))
    else:
        words = ("--squash",) if way == "squash" else ("--no-ff", "-m", "Merge")
        zoo.git("merge", "-q", *words, "-X", "theirs", "old", **author("Ada"))
        if way == "squash":
            zoo.commit("Squash")
    assert "pets/p2#m9" in back(labelvc, vaulted.folder, f"{before}..HEAD")


def test_privacy_15_a_revert_of_the_erasure_is_seen_and_taking_the_ledger_back_with_it_too(
    vaulted: Vaulted, labelvc: Run
):
    signing(vaulted)
    erased(vaulted, labelvc, ANNA)
    before = vaulted.zoo.git("rev-parse", "HEAD")
    vaulted.zoo.git("revert", "--no-edit", "HEAD", **author("Ada"))
    assert not list((vaulted.folder / "privacy").glob("erasures/*"))
    code, out, _ = labelvc(vaulted.folder, "check", f"{before}..HEAD", "--format", "json")
    found = [one for one in json.loads(out)["items"] if one["rule"] == "privacy.erased"]
    assert (code, len(found)) == (1, 12), "the ledger that the range started from judges it"


def test_privacy_15_the_tokens_of_every_epoch_are_erased_and_none_may_come_back(held: Vaulted, labelvc: Run):
    """A re-key gave the person a second token; with the vault's key and both secrets one erasure lists both."""
    old = held.told()["phone"]
    (held.keys / "values").write_text(f"{PHONE}\n")
    words = ("vault", "seal", "--values", str(held.keys / "values"), "--kind", "phone", *held.by("ada", "ben"))
    assert labelvc(held.folder, *words)[0] == 0
    assert labelvc(held.folder, "pseudonym", "new")[0] == 0
    held.zoo.commit("A new epoch")
    held.person(2, phone=PHONE, mail="other@example.org", name="Somebody Else")
    new = held.told(2)["phone"]
    assert pseudonym.epoch_of(old) != pseudonym.epoch_of(new)
    held.zoo.commit("Bring the person again")
    erased(held, labelvc, old)
    (entry,) = ledger(held.folder, labelvc)[1]
    assert {old, new} <= set(entry["tokens"])
    before = held.zoo.git("rev-parse", "HEAD")
    for number, token in ((3, old), (4, new)):
        held.person(number, phone=token, mail=f"x{number}@example.org", name=f"N {number}")
    held.zoo.commit("Both come back")
    assert sorted(back(labelvc, held.folder, f"{before}..HEAD")) == ["pets/q3#r3", "pets/q4#r4"]


def test_privacy_15_importing_the_same_person_again_is_seen(held: Vaulted, labelvc: Run):
    """The importing machine may know the person by the epoch's secret alone: a keyed token is the same for ever."""
    token = held.told()["phone"]
    erased(held, labelvc, token)
    before = held.zoo.git("rev-parse", "HEAD")
    held.person(5, phone=PHONE, mail="y@example.org", name="Y")
    assert held.told(5)["phone"] == token
    held.zoo.commit("Import again")
    assert back(labelvc, held.folder, f"{before}..HEAD") == ["pets/q5#r5"]


def test_privacy_15_a_random_field_gives_nobody_a_second_life(held: Vaulted, labelvc: Run):
    """The old random token leads nowhere, so a new one would be seen by nobody; the keyed one of the value is in the ledger."""
    erased(held, labelvc, held.told()["mail"])
    source = held.folder.parent / "again.jsonl"
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
    row = {"item": "q9", "id": "r9", "by": "anna", "said": "x", "mail": MAIL.upper()}
    source.write_text(json.dumps(row) + "\n")
    code, out, err = labelvc(held.folder, *words)
    assert (code, "belongs to somebody who was erased" in err) == (1, True), out
    assert "hopper" not in (out + err).lower()
    assert held.zoo.git("status", "--porcelain") == ""
    source.write_text(json.dumps({**row, "mail": "other@example.org"}) + "\n")
    assert labelvc(held.folder, *words)[0] == 0


@pytest.mark.parametrize("around", ["x{}", "_{}", "{}b", "{}zz", "{}:bcdf", "<{}>", "a {} b"])
def test_privacy_15_letters_around_a_token_hide_it_from_nobody(vaulted: Vaulted, labelvc: Run, around: str):
    signing(vaulted)
    erased(vaulted, labelvc, ANNA)
    before = vaulted.zoo.git("rev-parse", "HEAD")
    vaulted.zoo.change("pets/p1#n1", value={"text": around.format(ANNA)})
    vaulted.zoo.commit("Hide it")
    assert back(labelvc, vaulted.folder, f"{before}..HEAD") == ["pets/p1#n1"]
    assert erase(vaulted, labelvc, ANNA, "--apply", "--records", "unlink")[0] == 0
    assert ANNA.encode() not in vaulted.zoo.read(vaulted.zoo.shard("pets/p1#n1"))


def test_privacy_15_no_output_journal_cache_message_or_object_tells_the_value(held: Vaulted, labelvc: Run):
    """What a person typed when they asked for the erasure is in nothing that it leaves behind."""
    token = held.told()["mail"]
    said = ""
    for words in (
        (token,),
        (token, "--format", "json"),
        (token, "--apply"),
        (token, "--apply"),
        ("--list",),
        (token, "--confirm"),
    ):
        code, out, err = erase(held, labelvc, *words)
        assert code in (0, 1), err
        said += out + err
    held.zoo.commit("Forget")
    said += "".join(
        labelvc(held.folder, *words)[1] for words in (("privacy", "status"), ("log",), ("status",), ("doctor",))
    )
    reflog = held.zoo.git("reflog", "--all")
    for plain in (MAIL, NAME, "Hopper", "hopper"):
        assert plain not in said + reflog
        assert plain.encode() not in held.everything()
    files = sorted(path.name for path in (held.folder / "privacy/erasures").iterdir())
    assert [name.partition(".")[2] for name in files] == ["by.ada.json", "confirmed.ada.json", "yaml"]


@pytest.mark.parametrize("step", [41, pytest.param(3, marks=pytest.mark.long)])
def test_privacy_15_a_kill_before_any_write_leaves_an_erasure_that_the_same_command_ends(
    held: Vaulted, labelvc: Run, tmp_path: Path, step: int
):
    token = held.told()["mail"]
    words = ("erase", token, "--apply", "--yes", "--key", str(ssh(held.keys, "ada")), *held.by("ada", "ben"))
    (tmp_path / "killed").mkdir()
    modules = ("labelvc.cli.erase", "labelvc.ops.erase", "labelvc.store.journal", "labelvc.store.age")
    copies = every_write(held.folder, words, tmp_path / "killed", modules=modules, step=step)
    assert len(copies) > 3
    seen = set()
    for copy in copies:
        there = Vaulted(Zoo(copy), held.keys)
        (copy / ".git/index.lock").unlink(missing_ok=True)
        if (copy / ".git/labelvc/journal").exists():
            assert labelvc(copy, "doctor", "--finish")[0] == 0
        listed = bool(list((copy / "privacy").glob("erasures/*.yaml")))
        bears = any(token.encode() in path.read_bytes() for path in (copy / "datasets").rglob("*.jsonl"))
        assert listed != bears, "the ledger and the records change as one"
        gone = "was forgotten" in opens(labelvc, held, copy, token)
        assert listed or not gone, "the vault forgets after the ledger, so that nothing is lost sight of"
        seen.add((listed, gone))
        code, _, err = erase(there, labelvc, token, "--apply")
        assert code == 0, err
        there.zoo.commit("Forget")
        assert labelvc(copy, "check", "--all")[0] == 0
        (entry,) = ledger(copy, labelvc)[1]
        assert (entry["signed_by"], entry["pending"], entry["problems"]) == ("ada", ["ben", "cleo"], [])
        assert "was forgotten" in opens(labelvc, held, copy, token)
    assert {(False, False), (True, True)} <= seen <= {(False, False), (True, False), (True, True)}


def test_privacy_15_whoever_left_does_not_leave_the_list_and_an_attacker_empties_none(held: Vaulted, labelvc: Run):
    """Taking a holder out of recipients.yaml after the erasure does not make their replica forget."""
    erased(held, labelvc, held.told()["mail"])
    text = held.zoo.read("privacy/recipients.yaml").decode()
    held.zoo.write("privacy/recipients.yaml", text.replace("people: [ada, ben, cleo]", "people: [ada, ben]"))
    held.zoo.commit("Cleo leaves")
    assert ledger(held.folder, labelvc)[1][0]["pending"] == ["ben", "cleo"]
    assert plan(held, labelvc, ANNA)["holders"] == ["ada", "ben"]
    (signed,) = (held.folder / "privacy/erasures").glob("*.by.ada.json")
    signed.unlink()
    assert ledger(held.folder, labelvc)[1][0]["pending"] == ["ben"]
    assert ledger(held.folder, labelvc)[1][0]["signed_by"] is None
    assert ledger(held.folder, labelvc)[0] == 1
    assert len(PEOPLE) == 3
    assert epochs.PATH == "privacy/epochs.jsonl"
    assert keyring.path(held.zoo.at, "b").exists()
