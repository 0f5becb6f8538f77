"""Re-key: every token carried into a new epoch as one change of no content, or nothing at all."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from inline_snapshot import snapshot

from labelvc.codec import canonical, epochs, keyfile
from labelvc.core import pseudonym
from labelvc.errors import StoreError, TrustError
from labelvc.model.secret import Secret
from labelvc.ops import custody
from labelvc.ops import rekey as rekeying
from labelvc.ops import vault as vaults
from labelvc.ops.custody import Act
from labelvc.ops.sharing import Openers
from labelvc.store import age, keyring
from labelvc.store import vault as folders
from tests.checks.cases import DECISION, REGISTERED
from tests.vaulting import MAIL, NAME, Vaulted, vaulted, vaulted_template, zoo, zoo_template
from tests.zoo import ANNA, BEN, CONTACT, ID, SECRET, Zoo, rows

__all__ = ["vaulted", "vaulted_template", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
COUNTED = "3 tokens of epoch b became one of c each, in 13 records and 1 item\n"
FIRST = epochs.Epoch("b", "active", "2026-03-01T09:00:00Z", pseudonym.commitment(SECRET))


@pytest.fixture
def begun(zoo: Zoo) -> Zoo:
    """Return the zoo with the epoch that made its tokens, whose secret is here."""
    zoo.write(epochs.PATH, epochs.write([FIRST]))
    zoo.commit("The first epoch")
    keyring.keep(zoo.at, SECRET)
    return zoo


def openers(vaulted: Vaulted) -> Openers:
    return Openers([found for who in ("ada", "ben") for found in age.load(vaulted.keys / who, str)])


def secret_of(zoo: Zoo, epoch: str) -> Secret:
    found = epochs.read_secret(keyring.path(zoo.at, epoch).read_bytes(), epoch)
    assert found is not None
    return found


def carried(zoo: Zoo, token: str, epoch: str = "c") -> str:
    return pseudonym.chained(secret_of(zoo, epoch), ID, "main", token)


def test_a_chained_re_key_changes_every_token_and_nothing_else(begun: Zoo, labelvc: Run):
    before = {key: begun.row(key) for key in ("pets/p1#", "pets/p1#m2", "pets/p1#k1", "pets/p1#n1", "pets/p1#s1")}
    assert labelvc(begun.folder, "pseudonym", "rekey", "--to", "c", "--chained") == (
        0,
        "",
        f"{COUNTED}staged; next: labelvc pseudonym verify-rekey, then git commit\n",
    )
    anna, ben, contact = (carried(begun, token) for token in (ANNA, BEN, CONTACT))
    owner, rated, known, note, soft = (begun.row(key) for key in before)
    assert owner == before["pets/p1#"] | {"ext": {"owner": ben}}
    assert rated == before["pets/p1#m2"] | {"by": ben, "rev": 2}
    assert known == before["pets/p1#k1"] | {"by": anna, "rev": 2, "ext": {"contact": contact, "note": "shy"}}
    assert (note, soft) == (before["pets/p1#n1"], before["pets/p1#s1"])
    listed = epochs.read(begun.read(epochs.PATH))
    assert [(each.id, each.status, each.before) for each in listed] == [("b", "retired", ""), ("c", "active", "b")]
    assert begun.git("diff", "--name-only") == ""
    assert labelvc(begun.folder, "check", "--all")[0] == 0
    assert labelvc(begun.folder, "diff", "--staged") == snapshot(
        (
            0,
            "= privacy/epochs.jsonl  pseudonyms re-keyed, epoch c: 3 tokens, one to one, in 14 lines (mechanical)\n",
            "records: 0 changed, 0 added, 0 removed in 0 items; mechanical: 1 document, 1 item, 13 records\n",
        )
    )
    verified = (
        0,
        "re-keyed 13 records and 1 item from epoch b to c: 3 tokens, one to one, 0 content changes\n",
        "also changed, and judged by its own rules: privacy/epochs.jsonl\n",
    )
    assert labelvc(begun.folder, "pseudonym", "verify-rekey") == verified
    begun.commit("Re-key")
    assert labelvc(begun.folder, "pseudonym", "verify-rekey", "HEAD~1..HEAD") == verified
    code, out, _ = labelvc(begun.folder, "pseudonym", "verify-rekey", "HEAD~1..HEAD", "--keys")
    assert (code, out) == (0, f"{verified[1]}every new token is the one that the keys make\n")


# ---------------------------------------------------------------- what stops it, with nothing written
def refused(zoo: Zoo, labelvc: Run, *words: str, chained: bool = True) -> tuple[int, str]:
    """Re-key, expect that nothing was written, and return the exit code and what was said."""
    before, index = zoo.git("status", "--porcelain", "--untracked-files=all"), zoo.git("write-tree")
    keys = sorted(path.name for path in keyring.path(zoo.at, "b").parent.glob("*"))
    code, out, err = labelvc(zoo.folder, "pseudonym", "rekey", *(words or ("--to", "c")), *(["--chained"] * chained))
    assert out == ""
    assert zoo.git("status", "--porcelain", "--untracked-files=all") == before
    assert zoo.git("write-tree") == index
    assert sorted(path.name for path in keyring.path(zoo.at, "b").parent.glob("*")) == keys
    assert not (zoo.folder / ".git/labelvc/journal").exists()
    assert "Traceback" not in err
    return code, err


OTHER = pseudonym.token(Secret("d", b"\4" * 32), ID, "main", "person", "dora")
SOON = pseudonym.token(Secret("c", b"\4" * 32), ID, "main", "person", "dora")
BROKEN = ANNA[:-1] + ("b" if ANNA[-1] != "b" else "c")


@pytest.mark.parametrize(
    ("key", "members", "told"),
    [
        ("pets/p3#m1", {"by": OTHER}, "a token of an epoch that this project does not have: 'd'\n  where: pets/p3#m1"),
        ("pets/p3#m1", {"by": SOON}, "a token of the new epoch 'c' is here already: two epochs would be mixed"),
        ("pets/p3#m1", {"by": BROKEN}, "the check letters of a token are wrong\n  where: pets/p3#m1"),
        ("pets/p3#m1", {"ext": {"friend": BEN}}, "not declared to hold any\n  where: pets/p3#m1 /ext/friend"),
        ("pets/p3#m1", {"ext": {BEN: 1}}, "not declared to hold any\n  where: pets/p3#m1 /ext"),
        ("pets/p3#", {"text": f"ask {BEN}!"}, "not declared to hold any\n  where: pets/p3# /text"),
        (
            "pets/p3#",
            {"text": f"ask [[{BEN}]]!"},
            "a text that is not declared to be redacted\n  where: pets/p3# /text",
        ),
        (
            "pets/p3#",
            {"text": f"ask [[{BEN}~1]]!"},
            "next: declare it under `sensitive` in the document of its dataset, `mode: redact`",
        ),
        ("pets/p3#", {"ext": {"ada lovelace": BEN}}, "where: pets/p3# /ext/***\n"),
    ],
    ids=[
        "an unknown epoch",
        "two epochs",
        "check letters",
        "an undeclared field",
        "a name",
        "a text",
        "a redacted text",
        "a part",
        "a plain name",
    ],
)
def test_a_token_that_cannot_be_carried_stops_it(begun: Zoo, labelvc: Run, key: str, members: dict, told: str):
    begun.change(key, **members)
    begun.commit("Hand-made")
    code, err = refused(begun, labelvc)
    assert (code, told in err) == (2, True), err
    assert "next: " in err
    for token in (OTHER, SOON, BROKEN, BEN, "lovelace"):
        assert token not in err


def test_a_token_that_names_an_item_stops_it(begun: Zoo, labelvc: Run):
    begun.put(f"pets/{BEN}#", {"id": BEN, "natural": {"word": "w"}, "text": "x"})
    begun.commit("Named by a token")
    code, err = refused(begun, labelvc)
    assert (code, "a token names the item" in err) == (2, True)


@pytest.mark.parametrize("path", ["README.md", "guidelines/mood.yaml", REGISTERED])
def test_a_token_in_another_file_stops_it(begun: Zoo, labelvc: Run, path: str):
    before = (begun.folder / path).read_text() if (begun.folder / path).exists() else ""
    before = before or (DECISION if path == REGISTERED else "")
    begun.write(path, f"{before}# as {BEN} says\n")
    begun.commit("A note")
    code, err = refused(begun, labelvc)
    assert (code, f"a token stands in a file that a re-key does not rewrite\n  where: {path}" in err) == (2, True)


def test_keys_that_are_missing_or_wrong_stop_it(begun: Zoo, labelvc: Run):
    path = keyring.path(begun.at, "b")
    right = path.read_bytes()
    path.unlink()
    code, err = refused(begun, labelvc)
    assert (code, "the secret of epoch 'b' is not on this machine" in err) == (2, True)
    keyring.keep(begun.at, Secret("b", b"\7" * 32))
    code, err = refused(begun, labelvc)
    assert (code, "this is not the secret that epoch 'b' of the project commits to" in err) == (2, True)
    path.write_bytes(right)
    code, err = refused(begun, labelvc, chained=False)
    assert (code, "vault" in err) == (2, True)


@pytest.mark.parametrize("epoch", ["b", "d", "x1", ""])
def test_only_the_next_epoch_can_begin(begun: Zoo, labelvc: Run, epoch: str):
    code, err = refused(begun, labelvc, "--to", epoch)
    assert (code, "next: labelvc pseudonym rekey --to c --chained\n" in err) == (2, True)


def test_changes_that_are_not_committed_stop_it(begun: Zoo, labelvc: Run):
    begun.change("pets/p3#m1", value={"score": 1})
    code, err = refused(begun, labelvc)
    assert (code, "pets has changes that are not committed" in err) == (1, True)


def test_an_epoch_that_was_begun_and_not_committed_is_the_one(begun: Zoo, labelvc: Run):
    assert labelvc(begun.folder, "pseudonym", "new", "--yes")[0] == 0
    fresh = secret_of(begun, "c")
    assert labelvc(begun.folder, "pseudonym", "rekey", "--to", "c", "--chained")[0] == 0
    assert secret_of(begun, "c") == fresh
    assert labelvc(begun.folder, "pseudonym", "verify-rekey", "--keys")[0] == 0


def test_an_epoch_that_was_committed_may_have_tokens_and_is_none(begun: Zoo, labelvc: Run):
    assert labelvc(begun.folder, "pseudonym", "new", "--yes")[0] == 0
    begun.commit("A new epoch")
    code, err = refused(begun, labelvc)
    assert (code, "next: labelvc pseudonym rekey --to d --chained\n" in err) == (2, True)
    assert labelvc(begun.folder, "pseudonym", "rekey", "--to", "d", "--chained")[0] == 0


def test_a_secret_that_a_killed_command_left_is_taken_up(begun: Zoo, labelvc: Run):
    left = keyring.create(begun.at, "c")
    assert labelvc(begun.folder, "pseudonym", "rekey", "--to", "c", "--chained")[0] == 0
    assert secret_of(begun, "c") == left
    assert labelvc(begun.folder, "pseudonym", "verify-rekey", "--keys")[0] == 0


def test_a_dry_run_writes_nothing(begun: Zoo, labelvc: Run):
    code, err = refused(begun, labelvc, "--to", "c", "--dry-run")
    assert (code, err) == (0, "3 tokens of epoch b would become one of c each, in 13 records and 1 item\n")


def test_a_project_without_tokens_has_nothing_to_re_key(begun: Zoo, labelvc: Run):
    for key in [key for key in rows() if not key.endswith("#")]:
        begun.bury(key)
    begun.change("pets/p1#", ext={})
    begun.commit("All gone")
    code, err = refused(begun, labelvc)
    assert (code, "there is no token to re-key" in err) == (1, True)


# ---------------------------------------------------------------- with values, a vault, DVC
def swapped(zoo: Zoo, one: str, two: str) -> None:
    """Let two tokens change places in every line."""
    for path in sorted((zoo.folder / "datasets").rglob("*.jsonl")):
        text = path.read_text().replace(one, "%").replace(two, one).replace("%", two)
        path.write_text("".join(sorted(line + "\n" for line in text.splitlines())))


def test_what_is_imported_afterwards_meets_the_same_people(vaulted: Vaulted, labelvc: Run):
    """Keyed, random and sealed fields: an import of the same rows after a chained re-key changes nothing."""
    vaulted.person(phone="+49 30 901820")
    vaulted.zoo.commit("A person")
    before = vaulted.told()
    code, _, err = labelvc(vaulted.folder, "pseudonym", "rekey", "--to", "c", "--chained")
    assert code == 0, err
    assert "rows for the vault to take in: labelvc vault seal" in err
    vaulted.zoo.commit("Re-key")
    after = vaulted.told()
    token, letters = before["name"].split(":")
    row = vaulted.zoo.row("pets/q1#r1")
    assert after == {
        "mail": carried(vaulted.zoo, before["mail"]),
        "name": f"{carried(vaulted.zoo, token)}:{letters}",
        "phone": carried(vaulted.zoo, before["phone"]),
    }
    vaulted.person(phone="+49 30 901820")
    assert vaulted.zoo.row("pets/q1#r1") == row
    assert vaulted.zoo.git("status", "--porcelain") == ""
    vaulted.person(2, phone="+49 30 901820", name="Somebody New")
    new = vaulted.told(2)
    assert {**new, "name": ""} == {**after, "name": ""}
    assert new["name"].startswith("nam_c")


def test_a_clone_needs_the_secrets_of_the_whole_chain(vaulted: Vaulted, labelvc: Run):
    vaulted.person()
    vaulted.zoo.commit("A person")
    assert labelvc(vaulted.folder, "pseudonym", "rekey", "--to", "c", "--chained")[0] == 0
    vaulted.zoo.commit("Re-key")
    there = vaulted.copy()
    for epoch in "bc":
        keyring.path(there.zoo.at, epoch).unlink()
        file = vaulted.folder.parent / f"{epoch}.json"
        assert labelvc(vaulted.folder, "pseudonym", "share", "--epoch", epoch, "-o", str(file))[0] == 0
    accept = ("pseudonym", "accept", *there.by("ada"))
    assert labelvc(there.folder, *accept, str(vaulted.folder.parent / "c.json"))[0] == 0
    out = labelvc(there.folder, "doctor")[1]
    assert "the secret of epoch 'b' is not on this machine" in out
    with pytest.raises(TrustError, match="the secret of epoch 'b' is not on this machine"):
        there.person(2)
    assert there.zoo.git("status", "--porcelain") == ""
    assert labelvc(there.folder, *accept, str(vaulted.folder.parent / "b.json"))[0] == 0
    there.person()
    assert there.zoo.git("status", "--porcelain") == ""
    code, _, err = labelvc(vaulted.folder, "pseudonym", "share", "--epoch", "z", "-o", str(vaulted.keys / "z"))
    assert (code, "one of: b, c" in err) == (2, True)


def test_the_vault_tells_what_new_tokens_stand_for(vaulted: Vaulted, labelvc: Run):
    vaulted.person(phone="+49 30 901820")
    vaulted.zoo.commit("A person")
    values = vaulted.folder.parent / "values"
    values.write_text("+49 30 901820\n")
    old = vaulted.told()
    words = ("vault", "seal", "--values", str(values), "--kind", "phone", *vaulted.by("ada", "ben"))
    assert labelvc(vaulted.folder, *words)[0] == 0
    for epoch in "cd":
        assert labelvc(vaulted.folder, "pseudonym", "rekey", "--to", epoch, "--chained")[0] == 0
        assert labelvc(vaulted.folder, "vault", "seal", *vaulted.by("ada", "ben"))[0] == 0
        vaulted.zoo.commit(f"Re-key to {epoch}")
    told = vaulted.told()
    assert (told["mail"][:5], told["phone"][:5], told["name"][:5]) == ("eml_d", "phn_d", "nam_d")
    assert vaulted.reveal(labelvc, told["mail"]) == MAIL
    assert vaulted.reveal(labelvc, told["phone"]) == "+49 30 901820"
    assert vaulted.reveal(labelvc, "pets/q1#r1", "/ext/jsonl/name") == NAME
    code, out, err = labelvc(
        vaulted.folder, "vault", "forget", told["mail"], "--reason", "asked", *vaulted.by("ada", "ben")
    )
    assert code == 0, err
    assert len(out.splitlines()) == 3
    assert {old["mail"], told["mail"]} <= set(out.splitlines())


def test_the_vault_leads_a_new_token_to_nobody_else(vaulted: Vaulted, labelvc: Run):
    """Whoever has the vault's public half can write its inbox, and lead one person's new token to another person."""
    vaulted.person()
    vaulted.person(2, mail="ada@example.org")
    vaulted.zoo.commit("Two people")
    old = vaulted.told(2)["mail"]
    assert labelvc(vaulted.folder, "pseudonym", "rekey", "--to", "c", "--chained")[0] == 0
    max((vaulted.home / "inbox").glob("*.age"), key=lambda path: path.stat().st_mtime_ns).unlink()
    line = canonical.encode({"content": {"before": old}, "t": vaulted.told()["mail"]}) + b"\n"
    to = keyfile.read((vaulted.generation / "key.json").read_bytes(), "here").to
    folders.put_in(vaulted.home, [age.encrypt(line, [to], "here")])
    words = ("vault", "reveal", vaulted.told()["mail"], "--reason", "ticket 4711", "-o", str(vaulted.keys / "value"))
    code, _, err = labelvc(vaulted.folder, *words, *vaulted.by("ada", "ben"))
    assert (code, "leads to a value that does not yield this token" in err) == (2, True), err
    assert not (vaulted.keys / "value").exists()


@pytest.fixture
def known(vaulted: Vaulted, labelvc: Run) -> Vaulted:
    """Return the project with people whose values are all in the vault, without sealed fields."""
    zoo = vaulted.zoo
    zoo.replace("datasets/pets/dataset.yaml", "  - {pointer: /ext/jsonl/name, kind: name, mode: sealed}\n", "")
    for key in [key for key in rows() if not key.endswith("#")]:
        zoo.bury(key)
    zoo.change("pets/p1#", ext={})
    row = {"item": "q1", "id": "r1", "by": "anna", "said": "hello", "mail": MAIL, "phone": "+49 30 901820"}
    vaulted.bring(
        row, {**row, "item": "q2", "id": "r2", "by": "ben", "mail": "ada@example.org", "phone": "+49 30 901821"}
    )
    zoo.commit("Two people")
    for kind, values in (("phone", "+49 30 901820\n+49 30 901821\n"), ("person", "anna\nben\n")):
        (vaulted.folder.parent / "values").write_text(values)
        words = ("vault", "seal", "--values", str(vaulted.folder.parent / "values"), "--kind", kind)
        assert labelvc(vaulted.folder, *words, *vaulted.by("ada", "ben"))[0] == 0
    return vaulted


def test_a_re_key_by_values(known: Vaulted, labelvc: Run):
    """Keyed tokens are those that an import makes in the new epoch; random ones are drawn anew, and found again."""
    opened = known.by("ada", "ben")
    code, _, err = labelvc(known.folder, "pseudonym", "rekey", "--to", "c", *opened)
    assert code == 0, err
    secret = secret_of(known.zoo, "c")
    assert known.told()["phone"] == pseudonym.token(secret, ID, "main", "phone", "+49 30 901820")
    assert known.zoo.row("pets/q2#r2")["by"] == pseudonym.token(secret, ID, "main", "person", "ben")
    assert known.told()["mail"].startswith("eml_c")
    assert [each.before for each in epochs.read(known.zoo.read(epochs.PATH))] == ["", ""]
    assert labelvc(known.folder, "pseudonym", "verify-rekey")[0] == 0
    code, _, err = labelvc(known.folder, "pseudonym", "verify-rekey", "--keys")
    assert (code, "only the vault can tell" in err) == (2, True)
    code, out, err = labelvc(known.folder, "pseudonym", "verify-rekey", "--keys", *opened)
    assert (code, out.splitlines()[1:]) == (0, ["every new token is the one that the keys make"]), err
    known.zoo.commit("Re-key")
    row = known.zoo.row("pets/q1#r1")
    known.bring({"item": "q1", "id": "r1", "by": "anna", "said": "hello", "mail": MAIL, "phone": "+49 30 901820"})
    assert known.zoo.row("pets/q1#r1") == row
    assert known.reveal(labelvc, row["ext"]["jsonl"]["mail"]) == MAIL
    assert known.reveal(labelvc, row["ext"]["jsonl"]["phone"]) == "+49 30 901820"
    for field in ("mail", "phone"):
        swapped(known.zoo, known.told()[field], known.told(2)[field])
        known.zoo.git("add", "--all")
        assert labelvc(known.folder, "pseudonym", "verify-rekey", "HEAD~1")[0] == 0
        code, _, err = labelvc(known.folder, "pseudonym", "verify-rekey", "HEAD~1", "--keys", *opened)
        assert (code, "where: pets/q1#r1" in err or "where: pets/q2#r2" in err) == (1, True), err
        known.zoo.git("reset", "-q", "--hard")


def test_a_re_key_by_values_that_did_not_come_to_pass_gives_nobody_a_second_token(known: Vaulted, labelvc: Run):
    """What it drew waits in the vault already: taken up again, or the next import would give people the other one."""
    opened, epoch = known.by("ada", "ben"), ("pseudonym", "rekey", "--to", "c")
    ways = custody.carriers(known.zoo.at, Act("ada", "2026-04-01T09:00:00Z", "re-key"), openers(known))
    shard = known.folder / known.zoo.shard("pets/q1#r1")
    asked = rekeying.Asked("c", "2026-04-01T09:00:00Z", chained=False)
    with pytest.raises(StoreError, match="changed while labelvc worked"):
        rekeying.rekey(known.zoo.at, asked, ways, advance=lambda *_, **__: shard.touch())
    assert known.zoo.git("status", "--porcelain") == ""
    for _ in range(2):
        assert labelvc(known.folder, *epoch, *opened)[0] == 0
        known.zoo.git("reset", "-q", "--hard")
    assert labelvc(known.folder, *epoch, *opened)[0] == 0
    known.zoo.commit("Re-key")
    drawn = [json.loads(line)["t"] for line in (known.home / folders.LINKS).read_bytes().splitlines()]
    assert sum(pseudonym.epoch_of(token) == "c" for token in drawn) == 2
    row = known.zoo.row("pets/q1#r1")
    known.bring({"item": "q1", "id": "r1", "by": "anna", "said": "hello", "mail": MAIL, "phone": "+49 30 901820"})
    assert known.zoo.row("pets/q1#r1") == row
    assert known.reveal(labelvc, row["ext"]["jsonl"]["mail"]) == MAIL


def test_who_is_forgotten_after_a_re_key_by_values_is_forgotten_under_every_token(known: Vaulted, labelvc: Run):
    """A random token that was drawn anew leads to none of before: their value is what joins them."""
    opened, before = known.by("ada", "ben"), known.told()
    assert labelvc(known.folder, "pseudonym", "rekey", "--to", "c", *opened)[0] == 0
    known.zoo.commit("Re-key")
    assert labelvc(known.folder, "pseudonym", "new", "--yes")[0] == 0
    row = {"item": "q1", "id": "r1", "by": "anna", "said": "hello", "mail": MAIL, "phone": "+49 30 901820"}
    known.bring({**row, "item": "q3"})
    known.zoo.commit("An epoch later")
    assert labelvc(known.folder, "vault", "seal", *opened)[0] == 0
    words = ("vault", "forget", known.told()["mail"], "--reason", "asked by the person", *opened)
    code, out, err = labelvc(known.folder, *words)
    assert (code, sorted(token[:5] for token in out.split())) == (0, ["eml_b", "eml_c", "eml_d"]), err
    assert before["mail"] in out
    one = vaults.opened(known.home, known.project, openers(known))
    assert not [token for token in one.rows if not one.gone(token) and one.content(token).get("value") == MAIL]
    code, out, err = labelvc(known.folder, "pseudonym", "verify-rekey", "HEAD~2..HEAD~1", "--keys", *opened)
    assert (code, "1 token of somebody who was forgotten" in err) == (0, True), err


def test_a_value_that_the_vault_does_not_have_stops_it(known: Vaulted, labelvc: Run):
    known.bring({"item": "q3", "id": "r1", "by": "cleo", "said": "hello"})
    known.zoo.commit("Cleo")
    code, _, err = labelvc(known.folder, "pseudonym", "rekey", "--to", "c", *known.by("ada", "ben"))
    assert (code, "the vault has no row for a token\n  where: pets/q3#r1" in err) == (2, True)
    assert known.zoo.git("status", "--porcelain") == ""


def test_a_sealed_value_needs_the_chained_way(vaulted: Vaulted, labelvc: Run):
    vaulted.person()
    for key in [key for key in rows() if not key.endswith("#")]:
        vaulted.zoo.bury(key)
    vaulted.zoo.change("pets/p1#", ext={})
    vaulted.zoo.change("pets/q1#r1", by=None)
    vaulted.zoo.commit("A person")
    code, _, err = labelvc(vaulted.folder, "pseudonym", "rekey", "--to", "c", *vaulted.by("ada", "ben"))
    assert (code, "next: carry the old tokens on: add --chained" in err) == (2, True), err


def test_the_forgotten_stay_forgotten(vaulted: Vaulted, labelvc: Run):
    """What their tokens would be in the new epoch is told as well: who imports them again is found out."""
    vaulted.person(phone="+49 30 901820")
    vaulted.zoo.commit("A person")
    token = vaulted.told()["phone"]
    words = ("vault", "forget", token, "--reason", "asked", *vaulted.by("ada", "ben"))
    assert labelvc(vaulted.folder, *words)[0] == 0
    vaulted.zoo.commit("Forgotten")
    code, _, err = labelvc(vaulted.folder, "pseudonym", "rekey", "--to", "c", "--chained")
    assert (code, "a token of somebody who was forgotten still stands here\n  where: pets/q1#r1" in err) == (2, True)
    vaulted.zoo.bury("pets/q1#r1")
    vaulted.zoo.commit("Taken out")
    assert labelvc(vaulted.folder, "pseudonym", "rekey", "--to", "c", "--chained")[0] == 0
    assert labelvc(vaulted.folder, "pseudonym", "verify-rekey")[0] == 0
    vaulted.zoo.commit("Re-key")
    assert labelvc(vaulted.folder, "check", "--all")[0] == 0
    vaulted.person(2, phone="+49 30 901820")
    code, out, _ = labelvc(vaulted.folder, "check", "--all")
    assert (code, "privacy.erased" in out) == (1, True)


def test_records_behind_dvc_are_re_keyed_too(begun: Zoo, labelvc: Run):
    begun.store_in_dvc()
    begun.commit("To DVC")
    assert labelvc(begun.folder, "pseudonym", "rekey", "--to", "c", "--chained")[0] == 0
    assert begun.git("status", "--porcelain", "--untracked-files=all").split() == [
        "M", "datasets/pets/annotations.dvc", "M", "datasets/pets/annotations.sha256", "M", begun.shard("pets/p1#"),
        "M", begun.shard("pictures/b.jpg#x1"), "M", "privacy/epochs.jsonl",
    ]  # fmt: skip
    assert labelvc(begun.folder, "pseudonym", "verify-rekey", "--keys")[0] == 0
    begun.commit("Re-key")
    assert labelvc(begun.folder, "pseudonym", "verify-rekey", "HEAD~1..HEAD", "--keys")[0] == 0
    assert labelvc(begun.folder, "check", "--all")[0] == 0


def test_a_list_of_people_is_re_keyed_whole(begun: Zoo, labelvc: Run):
    begun.replace("datasets/pets/dataset.yaml", "sensitive:\n", "sensitive:\n  - {pointer: /ext/with/*/who}\n")
    begun.change("pets/p3#m1", ext={"with": [{"who": ANNA}, {"who": BEN, "how": "well"}, {"how": "badly"}]})
    begun.commit("Together")
    assert labelvc(begun.folder, "pseudonym", "rekey", "--to", "c", "--chained")[0] == 0
    anna, ben = carried(begun, ANNA), carried(begun, BEN)
    assert begun.row("pets/p3#m1")["ext"]["with"] == [{"who": anna}, {"how": "well", "who": ben}, {"how": "badly"}]
    assert labelvc(begun.folder, "pseudonym", "verify-rekey", "--keys")[0] == 0
    out = labelvc(begun.folder, "diff", "--staged")[1]
    assert "one to one, in 14 lines (mechanical)" in out
