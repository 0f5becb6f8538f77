"""Seams of privacy: an erasure, a re-key and a redaction meet in one project, in either order."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable

import pytest

from labelvc.core import pseudonym
from labelvc.store import disk, keyring
from labelvc.store import git as plumbing
from tests.ops.test_erase import erase, plan, signing, ssh
from tests.vaulting import Vaulted, vaulted, vaulted_template
from tests.zoo import zoo, zoo_template

__all__ = ["vaulted", "vaulted_template", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
PHONE = "+49 30 901820"


@pytest.fixture
def two(vaulted: Vaulted, labelvc: Run) -> Vaulted:
    """Return a project with two people, sealed and committed, whose holders can sign."""
    signing(vaulted)
    vaulted.person(1, phone=PHONE)
    vaulted.person(2, phone="+49 30 901821", mail="ada@example.org", name="N")
    vaulted.zoo.commit("Two people")
    assert labelvc(vaulted.folder, "vault", "seal", *vaulted.by("ada", "ben"))[0] == 0
    return vaulted


def rekeyed(found: Vaulted, labelvc: Run, epoch: str = "c") -> None:
    """Re-key by the chain, hold that against lines and keys, and commit it."""
    code, _, err = labelvc(found.folder, "pseudonym", "rekey", "--to", epoch, "--chained")
    assert code == 0, err
    code, _, err = labelvc(found.folder, "pseudonym", "verify-rekey", "--keys")
    assert code == 0, err
    found.zoo.commit("Re-key")


def test_what_marks_the_erased_is_carried_into_no_epoch(two: Vaulted, labelvc: Run):
    """Else a re-key would make somebody of who was erased, and by values the vault would miss their row for ever."""
    assert erase(two, labelvc, two.told()["phone"], "--apply", "--records", "unlink")[0] == 0
    two.zoo.commit("Forget")
    marker = two.told()["phone"]
    assert pseudonym.is_marker(marker)
    rekeyed(two, labelvc)
    assert two.told()["phone"] == marker
    assert pseudonym.epoch_of(two.told(2)["phone"]) == "c"
    assert labelvc(two.folder, "check", "--all")[0] == 0
    assert labelvc(two.folder, "vault", "seal", *two.by("ada", "ben"))[0] == 0
    code, out, _ = labelvc(two.folder, "vault", "status")
    assert (code, "and 1 forgotten" in out) == (0, True), out


def test_no_re_key_unlinks_anybody(two: Vaulted, labelvc: Run):
    """A marker in place of a token is an erasure, which other people sign."""
    token = two.told()["phone"]
    assert labelvc(two.folder, "pseudonym", "rekey", "--to", "c", "--chained")[0] == 0
    ext = two.told()
    made = pseudonym.marker(ext["phone"], b"\1" * 32)
    assert pseudonym.epoch_of(made) == "c"
    shard = two.zoo.shard("pets/q1#r1")
    two.zoo.write(shard, (two.folder / shard).read_text().replace(ext["phone"], made))
    two.zoo.git("add", "--all")
    code, out, err = labelvc(two.folder, "pseudonym", "verify-rekey")
    assert (code, "changed at /ext/jsonl/phone" in out + err) == (1, True), out + err
    assert token not in out + err


@pytest.mark.parametrize("vault", [True, False])
def test_the_token_of_before_a_re_key_erases_who_has_another_now(two: Vaulted, labelvc: Run, *, vault: bool):
    old = two.told()["phone"]
    rekeyed(two, labelvc)
    rekeyed(two, labelvc, "d")
    if not vault:
        shutil.rmtree(two.home)
    now = two.told()["phone"]
    found = plan(two, labelvc, old)
    assert {old, now} <= set(found["tokens"])
    assert [one["dropped"] for one in found["datasets"]] == [1]
    opened = two.by("ada", "ben") if vault else []
    code, out, err = labelvc(two.folder, "erase", old, "--apply", "--key", str(ssh(two.keys, "ada")), *opened)
    assert (code, "records: 1 dropped" in out) == (0, True), out + err
    assert now not in (two.folder / two.zoo.shard("pets/q1#r1")).read_text()
    two.zoo.commit("Forget")
    assert labelvc(two.folder, "check", "--all")[0] == 0


@pytest.mark.parametrize("mode", ["--plan", "--apply"])
def test_a_token_of_before_a_re_key_is_not_called_nowhere_by_who_cannot_tell(two: Vaulted, labelvc: Run, mode: str):
    """Without the vault and without the secret of the new epoch nobody knows what the token is now."""
    old = two.told()["phone"]
    rekeyed(two, labelvc)
    shutil.rmtree(two.home)
    git = plumbing.find(two.folder)
    secret = keyring.path(git, "c")
    kept = secret.read_bytes()
    secret.unlink()
    words = ("erase", old, mode, *(("--key", str(ssh(two.keys, "ada"))) if mode == "--apply" else ()))
    code, out, err = labelvc(two.folder, *words)
    assert (code, out, "what they became in epoch c cannot be told" in err) == (2, "", True), out + err
    assert "labelvc pseudonym accept FILE" in err
    assert two.zoo.git("status", "--porcelain") == ""
    disk.write_private(secret, kept)
    assert labelvc(two.folder, *words)[0] == 0


def test_an_old_token_that_still_stands_is_taken_out_and_the_rest_is_said_to_be_unknown(two: Vaulted, labelvc: Run):
    """An epoch that began because a secret was lost carries nothing over: old tokens stand beside new ones."""
    shutil.rmtree(two.home)
    assert labelvc(two.folder, "pseudonym", "new")[0] == 0
    two.zoo.commit("Begin an epoch")
    keyring.path(plumbing.find(two.folder), "c").unlink()
    code, out, err = labelvc(two.folder, "erase", two.told()["phone"])
    assert (code, "may stand here under other tokens" in out) == (0, True), out + err


def test_what_a_re_key_lists_of_the_erased_is_signed_by_the_command_that_the_list_names(two: Vaulted, labelvc: Run):
    assert erase(two, labelvc, two.told()["phone"], "--apply", "--records", "unlink")[0] == 0
    two.zoo.commit("Forget")
    rekeyed(two, labelvc)
    code, out, _ = labelvc(two.folder, "erase", "--list")
    assert (code, "rekey-c" in out) == (1, True), out
    (named,) = re.findall(r"not signed; whoever answers for it: labelvc (erase \S+ --apply), and commit", out)
    for who in ("ada", "ben"):
        words = named.split() if who == "ada" else ["erase", "--confirm"]
        code, out, err = labelvc(two.folder, *words, "--key", str(ssh(two.keys, who)), *two.by("ada", "ben"))
        assert code == 0, out + err
        two.zoo.commit(f"As {who}")
    code, out, _ = labelvc(two.folder, "erase", "--list", "--format", "json")
    pending = {name for one in json.loads(out)["items"] for name in one["pending"]}
    assert (code, pending) == (1, {"cleo"}), out
    assert all(one["signed_by"] for one in json.loads(out)["items"])


def test_a_value_finds_the_token_of_a_chained_epoch(two: Vaulted, labelvc: Run, monkeypatch: pytest.MonkeyPatch):
    rekeyed(two, labelvc)
    shutil.rmtree(two.home)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PHONE}\n"))
    found = plan(two, labelvc, "--value", "--kind", "phone")
    assert two.told()["phone"] in found["tokens"]
    assert [one["dropped"] for one in found["datasets"]] == [1]


def test_an_exception_holds_across_a_re_key_and_one_for_who_is_known_is_needed(two: Vaulted, labelvc: Run):
    """Marks are of the gate key of their epoch, and the filter says whether somebody known still stands there."""
    assert labelvc(two.folder, "vault", "filter", *two.by("ada", "ben"))[0] == 0
    two.zoo.change("pets/p3#", text="ask jo.public@firma.de or grace.hopper@example.org")
    two.zoo.git("add", "--all")
    code, out, _ = labelvc(two.folder, "privacy", "scan", "--all")
    marks = re.findall("(?<=, )[a-z]{10}(?=[)])", out)
    assert (code, len(marks)) == (1, 2), out
    for mark in marks:
        assert labelvc(two.folder, "privacy", "accept", mark, "--why", "public")[0] == 0
    assert labelvc(two.folder, "privacy", "scan", "--all") == (0, "no findings\n", "")
    two.zoo.commit("Answer for both")
    rekeyed(two, labelvc)
    assert labelvc(two.folder, "privacy", "scan", "--all") == (0, "no findings\n", "")
    keyring.filter_path(two.zoo.at).unlink()
    code, out, _ = labelvc(two.folder, "privacy", "scan", "--all")
    assert (code, "only a filter of known people tells" in out) == (0, True), out
    two.zoo.change("pets/p3#", text="ask an.other@firma.de or grace.hopper@example.org")
    two.zoo.git("add", "--all")
    assert labelvc(two.folder, "privacy", "scan", "--all")[0] == 1
