"""Threats to pseudonyms and the vault: who guesses, joins, listens, keeps keys, moves rows or tells on; one test and more a row."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import json
import os
import random
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labelvc.codec import canonical, epochs, keyfile, subkeys, vaultrow
from labelvc.codec.vaultrow import Keys
from labelvc.core import leaks, pseudonym, redact
from labelvc.core.redact import Piece
from labelvc.model.secret import Secret
from labelvc.ops import links, sharing
from labelvc.ops import project as projects
from labelvc.ops import vault as vaults
from labelvc.ops.sharing import Openers
from labelvc.store import age, keyring, tree, vault
from tests.killing import every_write
from tests.ops.test_mechanics import TOKENS, rekey
from tests.trusting import govern, people_keys
from tests.vaulting import MAIL, NAME, REASON, Vaulted, recipients, vaulted, vaulted_template, zoo, zoo_template
from tests.zoo import ANNA, BEN, Zoo

__all__ = ["people_keys", "vaulted", "vaulted_template", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
PROJECT = "6f9619ff-8b86-4d01-b42d-00c04fc964ff"


def sealed(vaulted: Vaulted, run: Run, **more: str) -> dict[str, str]:
    """Import one person and seal what the import left."""
    vaulted.person(**more)
    assert run(vaulted.folder, "vault", "seal", *vaulted.by("ada", "ben"))[0] == 0
    return vaulted.told()


def asked(vaulted: Vaulted, run: Run, *what: str) -> tuple[int, str, str]:
    """Ask for what a token stands for; the value goes into a file."""
    words = ("vault", "reveal", *what, "--reason", REASON, "-o", str(vaulted.keys / "value"))
    return run(vaulted.folder, *words, *vaulted.by("ada", "ben"))


def secret_here(vaulted: Vaulted) -> Secret:
    (epoch,) = epochs.read(vaulted.zoo.read(epochs.PATH))
    return keyring.load(vaulted.zoo.at, epoch)


NUMBER = 901820
_STRETCH = 16
"""Characters of a digest that tell it: who keeps half of an MD5 has kept a dictionary's key."""
_CLOSE = 500
"""Numbers on each side of the true one whose tokens are made under keys that anybody can think of."""


def windows(data: bytes) -> set[bytes]:
    """Return all stretches of some bytes, hex also in lower case and base64 in either alphabet."""
    ways = {data, data.lower(), data.translate(bytes.maketrans(b"-_", b"+/"))}
    return {way[at : at + _STRETCH] for way in ways for at in range(len(way) - _STRETCH + 1)}


def guessed(vaulted: Vaulted, here: set[bytes], reach: int) -> set[str]:
    """Return what gives a telephone number away: the plain digests of all so near to the true one, tokens that need no secret."""
    found = set()
    for number in range(NUMBER - reach, NUMBER + reach):
        value = f"+4930{number}".encode()
        for name in ("sha256", "sha1", "md5"):
            raw = hashlib.new(name, value).digest()
            for way, spelt in (("hex", raw.hex().encode()), ("base64", base64.b64encode(raw)), ("raw", raw)):
                if spelt[:_STRETCH] in here:
                    found.add(f"{name} {way}")
    project = vaulted.project
    for key in (bytes(32), b"\xff" * 32, hashlib.sha256(project.encode()).digest(), hashlib.sha256(b"b").digest()):
        for number in range(NUMBER - _CLOSE, NUMBER + _CLOSE):
            token = pseudonym.token(Secret("b", key), project, "main", "phone", f"+4930{number}")
            if token.encode()[-_STRETCH:] in here:
                found.add("a token without a secret")
    return found


@pytest.mark.parametrize("reach", [50_000, pytest.param(500_000, marks=pytest.mark.long)])
def test_privacy_01_no_dictionary_finds_a_value(vaulted: Vaulted, labelvc: Run, reach: int):
    """No plain digest of up to a million telephone numbers, the true one among them, and no token without the secret is anywhere."""
    told = sealed(vaulted, labelvc, phone=f"+4930{NUMBER}")
    vaulted.zoo.commit("Import")
    assert guessed(vaulted, windows(vaulted.everything()), reach) == set()
    assert pseudonym.token(secret_here(vaulted), vaulted.project, "main", "phone", f"+4930{NUMBER}") == told["phone"]


def test_privacy_01_what_would_give_a_value_away_is_seen(
    vaulted: Vaulted, labelvc: Run, monkeypatch: pytest.MonkeyPatch
):
    """The dictionary finds each way of writing a digest, and an import whose tokens come of a constant key instead of the secret."""
    value = f"+4930{NUMBER}".encode()
    for name in ("sha256", "sha1", "md5"):
        raw = hashlib.new(name, value).digest()
        for way, spelt in (
            ("hex", raw.hex().upper().encode()),
            ("base64", base64.urlsafe_b64encode(raw)),
            ("raw", raw),
        ):
            assert guessed(vaulted, windows(b"id: " + spelt + b"."), 10) == {f"{name} {way}"}
    true = pseudonym._key
    monkeypatch.setattr(pseudonym, "_key", lambda secret, *more: true(Secret(secret.epoch, bytes(32)), *more))
    sealed(vaulted, labelvc, phone=value.decode())
    assert guessed(vaulted, windows(vaulted.everything()), 10) == {"a token without a secret"}


def test_privacy_02_a_field_of_few_values_is_refused(vaulted: Vaulted, labelvc: Run):
    fields = (
        "item_fields: {sex: {enum: [f, m]}}\nsensitive:\n  - {pointer: /sex, kind: other, layer: items, mode: MODE}\n"
    )
    for mode in ("keyed", "random", "sealed"):
        vaulted.zoo.git("checkout", "-q", ".")
        vaulted.zoo.replace("datasets/pets/dataset.yaml", "sensitive:\n", fields.replace("MODE", mode))
        code, out, _ = labelvc(vaulted.folder, "check", "--all")
        assert code == 1, mode
        assert "privacy.domain" in out
    vaulted.zoo.replace("datasets/pets/dataset.yaml", "mode: sealed}", "mode: drop}")
    assert "privacy.domain" not in labelvc(vaulted.folder, "check", "--all")[1]


def test_privacy_03_two_domains_cannot_be_joined():
    """Of the same thousand people no two tokens share a stretch that more than chance explains."""
    secret = Secret("b", secrets.token_bytes(32))
    one, two = (
        [pseudonym.token(secret, PROJECT, domain, "person", f"person {number}") for number in range(1000)]
        for domain in ("a", "b")
    )
    assert not set(one) & set(two)
    for left, right in zip(one, two, strict=True):
        bodies = left[5:-3], right[5:-3]
        stretches = [{body[start : start + 6] for start in range(len(body) - 5)} for body in bodies]
        assert not stretches[0] & stretches[1]


def test_privacy_04_a_key_for_one_purpose_is_none_for_another():
    """Who holds the key of the gate, or the vault, makes no token; each is another derivation, none leads back."""
    secret = Secret("b", secrets.token_bytes(32))
    uses = [subkeys.subkey(secret, PROJECT, use) for use in ("gate", "blind", "link", "wrap")]
    assert len({*uses, secret.reveal()}) == 5
    token = pseudonym.token(secret, PROJECT, "main", "person", "ada")
    for key in uses:
        assert pseudonym.token(Secret("b", key), PROJECT, "main", "person", "ada") != token
    text, _ = age.generate()
    assert pseudonym.token(Secret("b", text.encode()), PROJECT, "main", "person", "ada") != token


def test_privacy_04_who_imports_cannot_open_what_the_vault_holds(vaulted: Vaulted, labelvc: Run):
    """The importing machine has the epoch's secret and the vault's folder, and yet finds no value of a random token in them."""
    told = sealed(vaulted, labelvc)
    secret = secret_here(vaulted)
    generation = vaulted.generation
    rows = [vaultrow.read(line, "") for lines in vault.rows(generation).values() for line in lines]
    file = keyfile.read((generation / vault.KEY).read_bytes(), "")
    for key in (secret.reveal(), file.to.encode(), file.commitment.encode()):
        for row in rows:
            with pytest.raises(Exception, match="does not open"):
                vaultrow.open_row(Keys(key, PROJECT), row)
    assert told["mail"] in {row.token for row in rows}


def test_privacy_05_who_left_makes_no_token_of_the_new_epoch_and_opens_no_vault(vaulted: Vaulted, labelvc: Run):
    """What they had before stays theirs: an old copy opens with old shares. That is said, not hidden."""
    told = sealed(vaulted, labelvc)
    old = vaulted.copy("kept")
    leaver = secret_here(vaulted)
    vaulted.zoo.write("privacy/recipients.yaml", recipients(vaulted.keys, people=("ben", "cleo")))
    vaulted.zoo.commit("Ada leaves")
    assert labelvc(vaulted.folder, "vault", "rotate", *vaulted.by("ada", "ben"))[0] == 0
    assert labelvc(vaulted.folder, "pseudonym", "new", "--yes")[0] == 0
    vaulted.person(2)
    now = vaulted.zoo.row("pets/q2#r2")
    for kind, value, token in (
        ("person", "anna", now["by"]),
        ("name", NAME, now["ext"]["jsonl"]["name"].partition(":")[0]),
    ):
        assert pseudonym.token(leaver, vaulted.project, "main", kind, value) != token
    assert asked(vaulted, labelvc, told["mail"])[0] == 2
    assert asked(old, labelvc, told["mail"])[0] == 0


def test_privacy_10_a_branch_that_opens_a_field_is_judged_by_what_it_was(zoo: Zoo, labelvc: Run):
    """A declaration that goes, or grows wider, counts for the next branch: a plain value in the same one is found, and hidden."""
    field, contact = "  - {pointer: /ext/contact, kind: email}\n", zoo.row("pets/p1#k1")["ext"]["contact"]
    for wider in (
        "",
        field.replace("kind: email", "mode: generalise, prefix: 32"),
        field.replace("contact", "contacts"),
    ):
        zoo.replace("datasets/pets/dataset.yaml", field, wider)
        zoo.change("pets/p1#k1", ext={"contact": "Eve Sender", "note": "shy"})
        zoo.git("add", "--all")
        said = ""
        for words in (("check", "--staged"), ("plumbing", "hook", "pre-commit"), ("diff", "--staged")):
            code, out, err = labelvc(zoo.folder, *words)
            assert code == (words[0] != "diff"), (wider, words, out)
            said += out + err
        zoo.git("switch", "-q", "-c", "open")
        zoo.commit("Open a field")
        zoo.change("pets/p1#k1", ext={"contact": contact, "note": "shy"})
        zoo.commit("And take it back: it was published all the same")
        for words in (
            ("check", "main..HEAD~1"),
            ("ci", "--base", "main", "--head", "HEAD", "-o", str(zoo.folder.parent)),
        ):
            code, out, err = labelvc(zoo.folder, *words)
            assert (code, "privacy.plaintext" in out + err) == (1, True), (wider, words, out + err)
            said += out + err
        assert "Eve Sender" not in said
        zoo.git("switch", "-q", "-f", "main")
        zoo.git("branch", "-qD", "open")


def test_privacy_10_a_field_is_opened_in_one_commit_used_in_the_next_and_emptied_in_the_last(zoo: Zoo, labelvc: Run):
    """The name was published in between, and no detector knows it: its place tells."""
    contact = zoo.row("pets/p1#k1")["ext"]
    zoo.git("switch", "-q", "-c", "open")
    zoo.replace("datasets/pets/dataset.yaml", "  - {pointer: /ext/contact, kind: email}\n", "")
    zoo.commit("Open a field")
    zoo.change("pets/p1#k1", ext={"contact": "Eve Sender", "note": "shy"})
    used = zoo.commit("Use it")[:10]
    zoo.change("pets/p1#k1", ext=contact)
    zoo.commit("Take it back")
    for words in (
        ("ci", "--base", "main", "--head", "HEAD", "-o", str(zoo.folder.parent)),
        ("privacy", "scan", "main..HEAD"),
    ):
        code, out, err = labelvc(zoo.folder, *words)
        assert (code, f"a plain value stands where none must in commit {used}" in out + err) == (1, True), out + err
        assert "Eve Sender" not in out + err


def test_privacy_10_who_gets_keys_is_widened_by_no_branch_alone(vaulted: Vaulted, people_keys: Path, labelvc: Run):
    """One more person, and one share enough: the policy asks for a lead who did not write it, and `verify` and `ci` name the file."""
    desk = govern(vaulted.zoo, people_keys, labelvc)
    desk.git("switch", "-q", "-c", "topic")
    before = vaulted.zoo.read(projects.RECIPIENTS).decode()
    wider = before.replace("roles:\n", f"  mallory: [{age.generate()[1]}]\nroles:\n").replace("cleo]", "cleo, mallory]")
    desk.write(projects.RECIPIENTS, wider.replace("needs: 2", "needs: 1"))
    desk.commit("Let Mallory in")
    code, (step,) = desk.verify()
    assert (code, step["covered"], step["uncovered"]) == (1, 0, [projects.RECIPIENTS])
    code, out, err = desk.labelvc("verify", "main...topic")
    assert (code, projects.RECIPIENTS in out + err) == (1, True), out + err
    assert desk.labelvc("ci", "--base", "main", "--head", "topic", "-o", str(vaulted.keys))[0] == 1
    assert projects.RECIPIENTS in (vaulted.keys / "summary.md").read_text()
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "lead", "--key", desk.key("ada"))
    assert (code, "ada is an author of this change" in err) == (1, True)
    desk.approve("ben", role="lead")
    assert desk.verify()[0] == 0


def test_privacy_12_rows_that_were_exchanged_do_not_open(vaulted: Vaulted, labelvc: Run):
    """A thief of the files has nothing that opens; an editor who exchanges two sealed parts is noticed twice over."""
    sealed(vaulted, labelvc)
    vaulted.person(2, mail="other@example.org", name="Somebody Else")
    labelvc(vaulted.folder, "vault", "seal", *vaulted.by("ada", "ben"))
    openers = Openers([found for who in ("ada", "ben") for found in age.load(vaulted.keys / who, str)])
    one = vaults.opened(vaulted.home, vaulted.project, openers)
    live = [row for row in one.rows.values() if row.sealed]
    assert len(live) == 4
    for left, right in itertools.permutations(live, 2):
        with pytest.raises(Exception, match="does not open"):
            vaultrow.open_row(one.keys, left._replace(sealed=right.sealed))
    for row in live:
        for changed in (
            row._replace(epoch="c"),
            row._replace(token=f"nam{row.token[3:]}" if row.token[:3] != "nam" else f"eml{row.token[3:]}"),
        ):
            with pytest.raises(Exception, match="does not open"):
                vaultrow.open_row(one.keys, changed)
    with pytest.raises(Exception, match="does not open"):
        vaultrow.open_row(Keys(one.keys.secret, PROJECT), live[0])
    first, second = (vaulted.generation / vault.row_file(row.token) for row in live[:2])
    swapped = {
        live[0].token: live[0]._replace(sealed=live[1].sealed),
        live[1].token: live[1]._replace(sealed=live[0].sealed),
    }
    for path in {first, second}:
        lines = [vaultrow.read(line, "") for line in path.read_bytes().splitlines()]
        path.write_bytes(b"".join(vaultrow.write(swapped.get(row.token, row)) + b"\n" for row in lines))
    code, _, err = asked(vaulted, labelvc, live[0].token)
    assert code == 2
    assert "without its key" in err
    assert labelvc(vaulted.folder, "vault", "status")[0] == 1


def test_privacy_12_a_sealed_value_opens_in_its_own_field_only(vaulted: Vaulted, labelvc: Run):
    told = sealed(vaulted, labelvc)
    assert vaulted.reveal(labelvc, "pets/q1#r1", "/ext/jsonl/name") == NAME
    vaulted.zoo.replace(
        "datasets/pets/dataset.yaml",
        "sensitive:\n",
        "sensitive:\n  - {pointer: /ext/jsonl/alias, kind: name, mode: sealed}\n",
    )
    row = vaulted.zoo.row("pets/q1#r1")
    vaulted.zoo.change("pets/q1#r1", ext={"jsonl": {**row["ext"]["jsonl"], "alias": told["name"]}})
    (vaulted.keys / "value").unlink()
    code, _, err = asked(vaulted, labelvc, "pets/q1#r1", "/ext/jsonl/alias")
    assert code == 2
    assert "moved here from another field" in err
    assert NAME not in err
    changed = told["name"][:-1] + ("b" if told["name"][-1] != "b" else "c")
    vaulted.zoo.change("pets/q1#r1", ext={"jsonl": {**row["ext"]["jsonl"], "name": changed}})
    assert asked(vaulted, labelvc, "pets/q1#r1", "/ext/jsonl/name")[0] == 2
    assert not (vaulted.keys / "value").exists()


def test_privacy_12_a_stolen_share_file_asks_for_little_work_or_is_refused(tmp_path: Path):
    """A file that asks for hours of scrypt is refused by its header, before any work is done."""
    path = tmp_path / "identity"
    path.write_bytes(
        b"age-encryption.org/v1\n-> scrypt bBjlhJVYZeE4aqUdmtRHfw 29\n" + b"A" * 43 + b"\n--- " + b"A" * 43 + b"\nxx"
    )
    with pytest.raises(Exception, match="steps of scrypt"):
        age.load(path, lambda _: pytest.fail("a passphrase was asked for"))


@pytest.mark.parametrize("command", ["rotate", "seal", "forget", "merge"])
def test_privacy_12_a_kill_leaves_the_vault_before_or_after_never_half(
    vaulted: Vaulted, labelvc: Run, tmp_path: Path, command: str
):
    """Killed before each of its writes: the same people open it, and nothing that was forgotten stays behind for good."""
    told = sealed(vaulted, labelvc)
    by = vaulted.by("ada", "ben")
    theirs = vaulted.copy() if command == "merge" else vaulted
    if command in ("seal", "merge"):
        theirs.person(2, mail="ada.lovelace@example.org")
    words = {
        "rotate": ("--reason", REASON), "forget": (told["mail"], "--reason", REASON), "merge": (str(theirs.home),)
    }.get(command, ())  # fmt: skip
    (tmp_path / "copies").mkdir()
    copies = every_write(
        vaulted.folder,
        ("vault", command, *words, *by),
        tmp_path / "copies",
        step={"seal": 3, "merge": 4}.get(command, 2),
    )
    left = 0
    for folder in copies:
        one = Vaulted(Zoo(folder), vaulted.keys)
        code, _, said = labelvc(folder, "vault", "status")
        left += code
        assert code == 0 or said.count("error:") == said.count("a kill left behind"), said
        code, _, said = asked(one, labelvc, told["mail"])
        assert code == 0 or (command == "forget" and "was forgotten" in said), said
        assert labelvc(folder, "vault", "status")[0] == 0
        assert len([path for path in one.home.iterdir() if re.fullmatch("[0-9a-f]{16}", path.name)]) == 1
    assert (len(copies) > 5, left > 0) == (True, True)


def test_privacy_16_a_kill_while_a_value_is_revealed_leaves_it_to_its_owner_alone(
    vaulted: Vaulted, labelvc: Run, tmp_path: Path
):
    """Whatever moment it is: no byte of it in the repository, and beside the file it goes to only what nobody else can read."""
    token = sealed(vaulted, labelvc)["mail"]
    (tmp_path / "copies").mkdir()
    words = ("vault", "reveal", token, "--reason", REASON, "-o", str(vaulted.keys / "value"), *vaulted.by("ada", "ben"))
    copies = every_write(vaulted.folder, words, tmp_path / "copies", step=4)
    assert len(copies) > 5
    assert [
        path for path in (tmp_path / "copies").rglob("*") if path.is_file() and MAIL.encode() in path.read_bytes()
    ] == []
    told = [path for path in vaulted.keys.iterdir() if MAIL.encode() in path.read_bytes()]
    assert {path.stat().st_mode & 0o777 for path in told} == {0o600}


def test_privacy_12_a_key_that_is_rotated_during_an_import_opens_what_it_brings(vaulted: Vaulted, labelvc: Run):
    """An import that began before encrypts to the key that is in force when it ends: the other is nobody's any more."""
    work = tree.work(vaulted.zoo.at)
    with tree.reader(vaulted.zoo.at) as reader:
        project = projects.load(vaulted.zoo.at, work, reader)
    importing = links.Links(vaulted.zoo.at, project, (secret_here(vaulted),))
    token = importing.random("main", "email", MAIL, "")
    assert labelvc(vaulted.folder, "vault", "rotate", *vaulted.by("ada", "ben"))[0] == 0
    assert importing.keep() == 1
    code, _, err = labelvc(vaulted.folder, "vault", "seal", *vaulted.by("ada", "ben"))
    assert code == 0, err
    assert vaulted.reveal(labelvc, token) == MAIL


def test_privacy_12_commands_at_once_leave_one_vault_and_a_log_of_all_of_them(vaulted: Vaulted, labelvc: Run):
    """Two seal, one rotates, one forgets, at the same moment: no row is lost, none is there twice, the log's chain is whole."""
    by, program = vaulted.by("ada", "ben"), "import sys; from labelvc.cli.main import run; sys.exit(run(sys.argv[1:]))"

    def at_once(*commands: tuple[str, ...]) -> list[int]:
        words = [[sys.executable, "-c", program, "vault", *command, *by] for command in commands]
        with contextlib.ExitStack() as stack:
            ran = [
                stack.enter_context(subprocess.Popen(one, cwd=vaulted.folder, stderr=subprocess.PIPE)) for one in words
            ]
            return [one.returncode for one in ran if one.communicate()]

    for number in (1, 2):
        vaulted.person(number, mail=f"p{number}@example.org")
    tokens = [vaulted.told(number)["mail"] for number in (1, 2)]
    assert at_once(("seal",), ("seal",)) == [0, 0]
    vaulted.person(3, mail="p3@example.org")
    tokens.append(vaulted.told(3)["mail"])
    assert at_once(("rotate", "--reason", REASON), ("seal",), ("forget", tokens[0], "--reason", REASON)) == [0, 0, 0]
    assert labelvc(vaulted.folder, "vault", "seal", *by)[0] == 0
    assert [vaulted.reveal(labelvc, token) for token in tokens[1:]] == ["p2@example.org", "p3@example.org"]
    code, said, _ = labelvc(vaulted.folder, "vault", "status")
    assert (code, "1 forgotten" in said, "nothing to seal" in said) == (0, True, True)
    assert asked(vaulted, labelvc, tokens[0])[0] != 0


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="not Linux")
def test_privacy_16_no_command_leaves_a_core_file(vaulted: Vaulted, tmp_path: Path):
    """A core file lies in the work tree and holds all that was in memory; the next `git add` would take it along."""
    os.mkfifo(tmp_path / "identity")
    words = (sys.executable, "-m", "labelvc.cli", "vault", "seal", "--identity", str(tmp_path / "identity"))
    line = f"ulimit -c $(ulimit -H -c); exec {shlex.join(words)}"
    with subprocess.Popen(["sh", "-c", line], cwd=vaulted.folder, stderr=subprocess.PIPE) as running:
        handle = os.open(tmp_path / "identity", os.O_WRONLY)  # returns once the key is asked for
        limits = Path(f"/proc/{running.pid}/limits").read_text()
        running.send_signal(signal.SIGABRT)
        os.close(handle)
        running.communicate()
    assert running.returncode == -signal.SIGABRT
    assert re.search("Max core file size +0 ", limits), limits
    assert not list(vaulted.folder.glob("core*"))


def harmed(folder: Path, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the last line of a file as somebody does who writes it by hand; in the log its chain stays whole."""
    (path, *_) = sorted(folder.glob(name))
    *lines, last = path.read_bytes().splitlines()
    row = json.loads(last)
    change(row)
    path.write_bytes(b"".join([line + b"\n" for line in [*lines, canonical.encode(row)]]))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("*/rows/eml/*.jsonl", lambda row: row.update(t=None)),
        ("*/rows/eml/*.jsonl", lambda row: row.update(t=row["t"][:9])),
        ("*/rows/eml/*.jsonl", lambda row: row.update(e=1)),
        ("*/root.json", lambda row: row.update(mac="é")),
        ("log.jsonl", lambda row: row.pop("did")),
        ("log.jsonl", lambda row: row.update(mac="é")),
        ("links.jsonl", lambda row: row.update(m="é")),
    ],
)
def test_privacy_12_a_line_that_somebody_made_up_is_told_and_is_no_bug(
    vaulted: Vaulted, labelvc: Run, name: str, change: Callable[[dict[str, Any]], object]
):
    token = sealed(vaulted, labelvc)["mail"]
    harmed(vaulted.home, name, change)
    source = vaulted.keys / "in.jsonl"
    source.write_text(json.dumps({"item": "q3", "id": "r3", "by": "anna", "said": "x", "mail": "a@example.org"}))
    words = ("--dataset", "pets", "--task", "note", "--item", "item", "--by", "by", "--value", "said")
    if name == "links.jsonl":
        code, _, err = labelvc(vaulted.folder, "import", "jsonl", str(source), *words)
    else:
        code, _, err = asked(vaulted, labelvc, token)
    assert (code, "where: " in err, "next: " in err) == (2, True, True), err
    assert MAIL not in err


def test_privacy_13_a_link_that_was_made_up_in_the_inbox_leads_to_nobody(vaulted: Vaulted, labelvc: Run):
    """Who has the vault's public half can write there; where the epoch's secret is, what they wrote proves false."""
    token = pseudonym.of_bytes("email", "b", secrets.token_bytes(32))
    to = keyfile.read((vaulted.generation / vault.KEY).read_bytes(), "").to
    for link, value in (("é", MAIL), ("0" * 32, " ")):
        vault.put_in(vaulted.home, links.parcels([(token, {"link": link, "scope": "", "value": value})], to))
        assert labelvc(vaulted.folder, "vault", "seal", *vaulted.by("ada", "ben"))[0] in (0, 2)
        code, _, err = asked(vaulted, labelvc, token)
        assert code == 2, err
        assert MAIL not in err
        for path in vault.waiting(vaulted.home):
            path.unlink()
    assert labelvc(vaulted.folder, "vault", "forget", token, "--reason", REASON, *vaulted.by("ada", "ben"))[0] == 0


def test_privacy_14_a_token_of_an_epoch_that_nobody_lists_is_found(vaulted: Vaulted, labelvc: Run):
    """It was made with another secret, or with none: whose it is nobody here can tell."""
    zoo, strange = vaulted.zoo, Secret("bc", b"\2" * 32)
    tokens = [pseudonym.token(strange, PROJECT, "main", kind, "eve") for kind in ("person", "email")]
    assert labelvc(vaulted.folder, "check", "--all")[0] == 0
    for key, members in {
        "pets/p3#m1": {"by": tokens[0]},
        "pets/p2#": {"ext": {"owner": pseudonym.token(Secret("q", b"\2" * 32), PROJECT, "main", "person", "eve")}},
        "pets/p1#k1": {"ext": {"contact": tokens[1]}},
    }.items():
        zoo.change(key, **members)
    code, out, _ = labelvc(vaulted.folder, "check", "--all")
    found = sorted(line.split()[2] for line in out.splitlines() if "privacy.epoch" in line)
    assert (code, found) == (1, ["pets/p1#k1", "pets/p2#", "pets/p3#m1"]), out
    assert "which privacy/epochs.jsonl does not list" in out


HALF = """
import resource, sys
from pathlib import Path
from labelvc.store import vault
folder = Path(sys.argv[1])
full = (folder / vault.LOG).stat().st_size + 20
resource.setrlimit(resource.RLIMIT_FSIZE, (full, full))
vault.append(folder, {"did": "lend"})
"""


def test_privacy_12_half_a_line_of_the_log_is_taken_back(vaulted: Vaulted):
    before = (vaulted.home / vault.LOG).read_bytes()
    done = subprocess.run([sys.executable, "-c", HALF, str(vaulted.home)], capture_output=True, text=True, check=False)
    assert "could not write" in done.stderr
    assert (vaulted.home / vault.LOG).read_bytes() == before


@pytest.mark.parametrize("there", ["nothing", "a folder", "a link to nowhere", "a link to /dev/null"])
def test_privacy_12_what_the_log_cannot_hold_is_not_revealed(vaulted: Vaulted, labelvc: Run, there: str):
    """Whoever keeps the log from being written learns nothing: the entry is there before the value is."""
    token, log, value = sealed(vaulted, labelvc)["mail"], vaulted.home / vault.LOG, vaulted.keys / "value"
    log.unlink()
    if there == "a folder":
        log.mkdir()
    elif there != "nothing":
        log.symlink_to("/dev/null" if there == "a link to /dev/null" else "elsewhere")
    words = ("vault", "reveal", token, "--reason", REASON, "-o", str(value), *vaulted.by("ada", "ben"))
    code, out, err = labelvc(vaulted.folder, *words)
    assert (code, out, str(log) in err, value.exists()) == (2, "", True, False), err


@pytest.mark.parametrize("there", ["a file for all to read", "a link", "a pipe", "another work tree"])
def test_privacy_16_a_value_goes_into_a_file_that_only_its_owner_reads(vaulted: Vaulted, labelvc: Run, there: str):
    told = sealed(vaulted, labelvc)
    place = real = vaulted.keys / "value"
    if there == "a link":
        real = vaulted.keys / "real"
        place.symlink_to(real)
    if there == "a pipe":
        os.mkfifo(place)
    elif there == "another work tree":
        vaulted.zoo.git("worktree", "add", "-q", str(vaulted.folder.parent / "other"), "-b", "other")
        place = vaulted.folder.parent / "other/value"
    else:
        real.write_text("before")
        real.chmod(0o644)
    words = ("vault", "reveal", told["mail"], "--reason", REASON, "-o", str(place))
    code, out, err = labelvc(vaulted.folder, *words, *vaulted.by("ada", "ben"))
    assert MAIL not in out + err
    if there in ("a pipe", "another work tree"):
        assert code == (2 if there == "a pipe" else 1)
        assert place.is_fifo() or not place.exists()
    else:
        assert (code, real.read_text(), real.stat().st_mode & 0o777) == (0, f"{MAIL}\n", 0o600)
        assert place.is_symlink() == (there == "a link")


def test_privacy_13_a_token_led_to_another_person_is_noticed_even_with_the_key(vaulted: Vaulted, labelvc: Run):
    """Who holds the vault's key can seal any row; the epoch's secret tells that the value does not yield the token."""
    told = sealed(vaulted, labelvc, phone="+49 30 901820")
    openers = Openers([found for who in ("ada", "ben") for found in age.load(vaulted.keys / who, str)])
    for name, content in (
        ("mail", {"value": "other@example.org"}),
        ("phone", {"scope": "", "value": "+49 30 901821"}),
    ):
        one = vaults.opened(vaulted.home, vaulted.project, openers)
        before = one.content(told[name]) if told[name] in one.rows else {}
        one.rows[told[name]] = vaultrow.seal(one.keys, told[name], "b", {**before, **content})
        vaults.write(one)
        code, _, err = asked(vaulted, labelvc, told[name])
        assert code == 2, name
        assert "does not yield this token" in err
    assert not (vaulted.keys / "value").exists()


def test_privacy_13_a_link_that_leads_to_another_persons_token_stops_the_import(vaulted: Vaulted, labelvc: Run):
    sealed(vaulted, labelvc)
    vaulted.person(2, mail="other@example.org", name="Somebody Else")
    path = vaulted.home / vault.LINKS
    one, two = (json.loads(line) for line in vault.lines(path))
    one["t"], two["t"] = two["t"], one["t"]
    path.write_bytes(
        b"".join(json.dumps(line, separators=(",", ":"), sort_keys=True).encode() + b"\n" for line in (one, two))
    )
    before = vaulted.zoo.git("status", "--porcelain")
    with pytest.raises(Exception, match="a link of the vault was changed"):
        vaulted.person(3)
    assert vaulted.zoo.git("status", "--porcelain") == before


def test_privacy_14_a_wrong_secret_makes_no_token(vaulted: Vaulted, labelvc: Run):
    """A colleague's key file of another project under the right name: commitment and import say so, nothing is written."""
    path = keyring.path(vaulted.zoo.at, "b")
    path.write_bytes(epochs.write_secret(Secret("b", secrets.token_bytes(32))))
    with pytest.raises(Exception, match="would be other people"):
        vaulted.person()
    assert vaulted.zoo.git("status", "--porcelain") == ""


def test_privacy_14_shares_of_another_key_do_not_mix(vaulted: Vaulted, labelvc: Run):
    """Shares of two keys, and too few of one, never give some third key that then seals rows nobody can open."""
    to = sharing.Role(
        "reverse", {who: [(vaulted.keys / f"{who}.pub").read_text().strip()] for who in ("ada", "ben", "cleo")}, 2
    )
    one, two = (sharing.lock(text.encode(), to, recipient=public) for text, public in (age.generate(), age.generate()))
    mixed = keyfile.KeyFile("reverse", one.commitment, 2, {"ada": one.shares["ada"], "ben": two.shares["ben"]})
    openers = Openers([found for who in ("ada", "ben") for found in age.load(vaulted.keys / who, str)])
    with pytest.raises(Exception, match="of another key"):
        sharing.unlock(mixed, openers, "here")
    forged = age.encrypt(
        f"labelvc-share-v1 reverse {one.commitment} 2 {secrets.token_hex(74)}\n".encode(), to.people["ben"]
    )
    wrong = keyfile.KeyFile("reverse", one.commitment, 2, {"ada": one.shares["ada"], "ben": forged.decode()})
    with pytest.raises(Exception, match="one of them is wrong"):
        sharing.unlock(wrong, openers, "here")


def test_privacy_15_who_has_all_of_the_history_reads_nothing_of_somebody_forgotten(vaulted: Vaulted, labelvc: Run):
    """Keys of sealed values were never in git, so old commits hold ciphertext for good; an old copy of the vault opens it still."""
    told = sealed(vaulted, labelvc)
    vaulted.zoo.commit("Import")
    backup = vaulted.copy("backup")
    for token in (told["mail"], told["name"].partition(":")[0]):
        assert labelvc(vaulted.folder, "vault", "forget", token, *vaulted.by("ada", "ben"))[0] == 0
    for what in ((told["mail"],), ("pets/q1#r1", "/ext/jsonl/name")):
        code, _, err = asked(vaulted, labelvc, *what)
        assert code == 2
        assert "was forgotten" in err
    openers = Openers([found for who in ("ada", "ben", "cleo") for found in age.load(vaulted.keys / who, str)])
    one = vaults.opened(vaulted.home, vaulted.project, openers)
    assert all(row.sealed is None for row in one.rows.values())
    assert told["mail"].encode() not in (vaulted.home / vault.LINKS).read_bytes()
    assert (vaulted.home / vault.KEYS).read_bytes() == b""
    assert asked(backup, labelvc, "pets/q1#r1", "/ext/jsonl/name")[0] == 0  # why backups must be deleted


@pytest.mark.parametrize("what", ["import", "check", "diff", "status", "seal", "reveal", "merge", "rotate", "forget"])
def test_privacy_16_no_command_prints_a_value(vaulted: Vaulted, labelvc: Run, what: str):
    told = sealed(vaulted, labelvc)
    theirs = vaulted.copy()
    both = vaulted.by("ada", "ben")
    commands = {
        "import": ("check", "--all"),
        "check": ("check", "--all", "--format", "json"),
        "diff": ("diff", "HEAD", "--format", "json"),
        "status": ("vault", "status"),
        "seal": ("vault", "seal", *both),
        "reveal": ("vault", "reveal", told["mail"], "--reason", REASON, "-o", str(vaulted.keys / "value"), *both),
        "merge": ("vault", "merge", str(theirs.home), *both),
        "rotate": ("vault", "rotate", *both),
        "forget": ("vault", "forget", told["mail"], *both),
    }
    _, out, err = labelvc(vaulted.folder, *commands[what])
    for plain in (MAIL, NAME):
        assert plain not in out + err
    held = b"".join(path.read_bytes() for path in vaulted.home.rglob("*") if path.is_file())
    assert MAIL.encode() not in held
    assert NAME.encode() not in held


def test_privacy_16_nothing_that_holds_a_secret_shows_it():
    keys, share = Keys(b"k" * 74, PROJECT), keyfile.Share("reverse", "c" * 32, 1, b"s" * 74)
    for shown in (repr(keys), str(keys), repr(share), repr(age.Identity("here", "AGE-SECRET-KEY-1X"))):
        assert "kkk" not in shown
        assert "sss" not in shown
        assert "AGE-SECRET" not in shown


def test_privacy_07_keys_and_vault_are_where_no_commit_can_hold_them(vaulted: Vaulted, labelvc: Run):
    sealed(vaulted, labelvc)
    vaulted.zoo.commit("Import")
    tracked = vaulted.zoo.git("ls-files").splitlines()
    assert not [path for path in tracked if "vault" in path or path.endswith((".key", ".age"))]
    assert vaulted.home.is_relative_to(vaulted.folder / ".git")
    assert vaulted.home.stat().st_mode & 0o077 == 0
    shutil.rmtree(vaulted.home)
    assert vaulted.zoo.git("status", "--porcelain") == ""


def test_privacy_07_a_copy_of_the_vault_in_the_work_tree_is_stopped(vaulted: Vaulted, labelvc: Run):
    """Each line alone is known by its form: rows, links, keys and the log, as they are and as another program writes them."""
    sealed(vaulted, labelvc)
    lent = ("--to", "ben", "-o", str(vaulted.keys / "lent.age"))
    assert labelvc(vaulted.folder, "vault", "lend", *lent, *vaulted.by("ada"))[0] == 0
    rows = itertools.chain.from_iterable(vault.rows(vaulted.generation).values())
    files = {
        "rows": list(rows),
        **{name: vault.lines(vaulted.home / name) for name in (vault.LINKS, vault.KEYS, vault.LOG)},
    }
    assert all(files.values())
    wanted = set()
    for name, lines in files.items():
        for number, line in enumerate(lines):
            for way, data in (("as-it-is", line), ("spaced", json.dumps(json.loads(line)).encode())):
                path = f"notes/{way}/{number}-{name}"
                vaulted.zoo.write(path, data + b"\n")
                wanted.add(path)
    vaulted.zoo.git("add", "--all", "--force")
    code, out, _ = labelvc(vaulted.folder, "privacy", "scan", "--staged", "--format", "jsonl")
    found = [json.loads(line) for line in out.splitlines()]
    found = [row for row in found if "secret.vault" in row["message"]]
    assert (code, {row["place"]["path"] for row in found}) == (1, wanted)
    assert {(row["rule"], row["severity"], row["hint"]) for row in found} == {("privacy.secret", "error", leaks.HINT)}
    assert labelvc(vaulted.folder, "plumbing", "hook", "pre-commit")[0] == 1


def test_privacy_17_no_fragment_of_a_name_survives_whatever_overlaps():
    """Of 1,000 names that detectors found in pieces, beside labels that cut them, no four letters stay."""
    for seed in range(1_000):
        chance = random.Random(seed)
        name = "".join(chance.choices("αβγδεζηθικλμ", k=chance.randint(4, 20)))
        before, after = ("".join(chance.choices("abc 😀é", k=chance.randint(0, 9))) for _ in range(2))
        text, start = f"{before}{name}{after}", len(before)
        cuts = sorted({0, *(chance.randint(0, len(name)) for _ in range(3)), len(name)})
        found = [Piece(start + one, start + two, "person", chance.random()) for one, two in itertools.pairwise(cuts)]
        found.append(Piece(start + cuts[0], start + cuts[-2] + 1, "email", chance.random()))
        labels = [tuple(sorted(chance.sample(range(len(text) + 1), 2))) for _ in range(4)]
        pieces = redact.apart(text, found)
        done = redact.redacted(text, redact.parts(pieces, labels), lambda part: redact.marked("prs_x", part.number))
        assert not any(name[at : at + 4] in done.text for at in range(len(name) - 3)), seed
        assert not set(name) & set(done.text)
        for label in labels:
            assert done.back(done.place(label)) == label


def test_privacy_18_people_exchanged_under_a_new_epoch_are_shown(zoo: Zoo, labelvc: Run):
    """One record that gets another person's token makes the whole no re-key: every line of it is shown as a change."""
    rekey(zoo)
    assert labelvc(zoo.folder, "diff")[1].endswith("in 14 lines (mechanical)\n")
    row = zoo.row("pets/p1#m2")
    assert row["by"] == TOKENS[BEN]
    zoo.change("pets/p1#m2", by=TOKENS[ANNA], bump=0)
    _, out, _ = labelvc(zoo.folder, "diff", "--format", "jsonl")
    changed = {item["key"] for item in map(json.loads, out.splitlines()) if item["kind"] == "changed"}
    assert "pets/p1#m2" in changed
    assert "re-keyed" not in labelvc(zoo.folder, "diff")[1]
