"""Mending: what a re-key missed is found, stops the next one, and becomes what the re-key made of its person's other token."""

from __future__ import annotations

from pathlib import Path

from labelvc.codec import epochs
from labelvc.core import pseudonym
from labelvc.ops import pseudonyms
from labelvc.store import dvc, keyring
from tests.ops.test_redaction import restored
from tests.ops.test_rekey import Run, begun, carried, known, refused
from tests.ops.test_rekey_texts import PARTS, TEXT, covers, opened, told
from tests.vaulting import MAIL, Vaulted, vaulted, vaulted_template, zoo, zoo_template
from tests.zoo import ANNA, BEN, CONTACT, Zoo, author

__all__ = ["begun", "known", "told", "vaulted", "vaulted_template", "zoo", "zoo_template"]


def rekey(zoo: Zoo, labelvc: Run, *words: str) -> None:
    code, _, err = labelvc(zoo.folder, "pseudonym", "rekey", *words)
    assert code == 0, err
    zoo.commit("Re-key")


def left(zoo: Zoo, labelvc: Run) -> list[str]:
    """Return the keys of the lines in which `check` finds what a re-key missed; each says the cure."""
    code, out, _ = labelvc(zoo.folder, "check", "--all")
    found = [line.split()[2] for line in out.splitlines() if "privacy.epoch" in line]
    assert ("labelvc pseudonym mend" in out) == bool(found) == (code == 1), out
    return sorted(found)


def test_what_a_chained_re_key_missed_becomes_what_it_made_of_the_others(begun: Zoo, labelvc: Run):
    assert labelvc(begun.folder, "pseudonym", "mend") == (0, "", "no token is left from before a re-key\n")
    rekey(begun, labelvc, "--to", "c", "--chained")
    begun.change("pets/p3#m1", by=ANNA)
    begun.change("pets/p1#", ext={"owner": BEN})
    begun.change("pets/p1#k1", ext={"contact": CONTACT, "note": "shy"})
    begun.commit("A branch that was open meanwhile")
    assert left(begun, labelvc) == ["pets/p1#", "pets/p1#k1", "pets/p3#m1"]
    code, err = refused(begun, labelvc, "--to", "d")
    assert (code, "its person has another one since" in err, "next: labelvc pseudonym mend" in err) == (2, True, True)
    rev = begun.row("pets/p3#m1")["rev"]
    code, _, err = labelvc(begun.folder, "pseudonym", "mend")
    assert (code, err.splitlines()[0]) == (0, "3 tokens of epoch b became one of c each, in 2 records and 1 item")
    assert begun.git("diff", "--name-only") == ""
    row = begun.row("pets/p3#m1")
    assert (row["by"], row["rev"]) == (carried(begun, ANNA), rev + 1)
    assert begun.row("pets/p1#")["ext"]["owner"] == carried(begun, BEN)
    assert begun.row("pets/p1#k1")["ext"]["contact"] == carried(begun, CONTACT)
    assert left(begun, labelvc) == []
    begun.commit("Mend")
    rekey(begun, labelvc, "--to", "d", "--chained")
    assert labelvc(begun.folder, "pseudonym", "verify-rekey", "HEAD~1..HEAD", "--keys")[0] == 0
    assert begun.row("pets/p3#m1")["by"] == begun.row("pets/p1#m1")["by"] == carried(begun, carried(begun, ANNA), "d")
    begun.change("pets/p3#m1", by=ANNA)
    begun.commit("A branch that is older still")
    assert labelvc(begun.folder, "pseudonym", "mend")[0] == 0
    assert begun.row("pets/p3#m1")["by"] == begun.row("pets/p1#m1")["by"]


def test_tokens_that_no_re_key_missed_stay_and_what_cannot_be_followed_writes_nothing(begun: Zoo, labelvc: Run):
    """An epoch that `pseudonym new` began left the tokens of before where they are: these are nobody's stragglers."""
    begun.write(epochs.PATH, pseudonyms.begin(begun.at, "2026-04-01T09:00:00Z", begun.read(epochs.PATH)))
    begun.commit("Another epoch")
    assert labelvc(begun.folder, "pseudonym", "mend") == (0, "", "no token is left from before a re-key\n")
    rekey(begun, labelvc, "--to", "d", "--chained")
    begun.change("pets/p3#m1", by=ANNA)
    begun.change("pets/p1#n1", value={"text": f"ask {BEN}"})
    begun.commit("A token in a text")
    before = begun.git("rev-parse", "HEAD")
    code, _, err = labelvc(begun.folder, "pseudonym", "mend")
    assert (code, "not declared to hold any\n  where: pets/p1#n1" in err) == (2, True), err
    assert (begun.git("status", "--porcelain"), begun.git("rev-parse", "HEAD")) == ("", before)
    begun.git("revert", "--no-edit", "HEAD", **author("Ada"))
    begun.change("pets/p3#m1", by=ANNA)
    begun.commit("The other alone")
    keyring.path(begun.at, "d").rename(begun.folder.parent / "d.key")
    code, _, err = labelvc(begun.folder, "pseudonym", "mend")
    assert (code, "pseudonym accept" in err or "secret" in err) == (2, True), err
    (begun.folder.parent / "d.key").rename(keyring.path(begun.at, "d"))
    assert labelvc(begun.folder, "pseudonym", "mend")[0] == 0
    assert begun.row("pets/p3#m1")["by"] == begun.row("pets/p1#m1")["by"]


def test_what_a_re_key_by_values_missed_is_found_and_mended_with_the_vault(known: Vaulted, labelvc: Run):
    zoo, both = known.zoo, known.by("ada", "ben")
    old = zoo.row("pets/q1#r1")
    rekey(zoo, labelvc, "--to", "c", *both)
    listed = epochs.read(zoo.read(epochs.PATH))
    assert [(each.before, each.rekeyed) for each in listed] == [("", False), ("", True)]
    new = zoo.row("pets/q1#r1")
    assert labelvc(known.folder, "vault", "seal", *both)[0] == 0
    zoo.change("pets/q1#r1", by=old["by"], ext=old["ext"])
    zoo.commit("A branch that was open meanwhile")
    assert left(zoo, labelvc) == ["pets/q1#r1"]
    code, _, err = labelvc(known.folder, "pseudonym", "mend")
    assert (code, "next: labelvc pseudonym mend -i" in err) == (2, True), err
    assert zoo.git("status", "--porcelain") == ""
    code, out, err = labelvc(known.folder, "pseudonym", "mend", *both)
    assert (code, out) == (0, ""), err
    mended = zoo.row("pets/q1#r1")
    assert (mended["by"], mended["ext"]) == (new["by"], new["ext"])
    assert MAIL not in err
    assert left(zoo, labelvc) == []


def test_a_vault_from_before_chained_re_keys_learns_of_them_when_it_is_sealed(vaulted: Vaulted, labelvc: Run):
    both = vaulted.by("ada", "ben")
    vaulted.person()
    assert labelvc(vaulted.folder, "vault", "seal", *both)[0] == 0
    vaulted.zoo.commit("A person")
    for epoch in "cd":
        rekey(vaulted.zoo, labelvc, "--to", epoch, "--chained")
    for path in (vaulted.home / "inbox").iterdir():
        path.unlink()  # as in a colleague's clone, whose vault is older
    token = vaulted.told()["mail"]
    words = ("vault", "reveal", token, "--reason", "ticket 4711", "-o", str(vaulted.keys / "value"), *both)
    code, _, err = labelvc(vaulted.folder, *words)
    assert (code, "has no row in the vault" in err, "labelvc vault seal" in err) == (2, True, True)
    assert labelvc(vaulted.folder, "vault", "seal", *both)[0] == 0
    assert vaulted.reveal(labelvc, token) == MAIL
    rows = (vaulted.home / "log.jsonl").read_bytes()
    assert labelvc(vaulted.folder, "vault", "seal", *both)[0] == 0
    assert (vaulted.home / "log.jsonl").read_bytes().count(b'"did":"seal"') == rows.count(b'"did":"seal"')
    assert pseudonym.epoch_of(token) == "d"


def test_a_redacted_text_that_a_re_key_missed_is_mended_with_the_labels_on_it(told: Vaulted, labelvc: Run):
    """After a re-key by values and a chained one: the text and its labels go both ways, and the vault leads back."""
    zoo, by = told.zoo, told.by("ada", "ben")
    lines = {key: zoo.row(key) for key in ("pets/r1#", *(f"pets/r1#{name}" for name in PARTS))}
    rekey(zoo, labelvc, "--to", "c", *by)
    assert labelvc(told.folder, "vault", "seal", *by)[0] == 0
    rekey(zoo, labelvc, "--to", "d", "--chained")
    text, covered = zoo.row("pets/r1#")["text"], covers(zoo)
    for key, row in lines.items():
        zoo.put(key, row | ({} if key.endswith("#") else {"rev": row["rev"] + 2}))
    zoo.commit("A branch that was open meanwhile")
    assert left(zoo, labelvc) == ["pets/r1#", "pets/r1#b", "pets/r1#d"]
    code, _, err = labelvc(told.folder, "pseudonym", "mend", *by)
    assert (code, err.splitlines()[0]) == (0, "2 tokens of epoch b became one of d each, in 2 records and 1 item"), err
    assert (zoo.row("pets/r1#")["text"], covers(zoo)) == (text, covered)
    assert left(zoo, labelvc) == []
    zoo.commit("Mend")
    opened(told, labelvc)
    first, *labels = restored(told, labelvc, "r1")
    assert (first["text"], {one["id"]: one["value"]["text"] for one in labels}) == (TEXT, PARTS)


def test_records_behind_dvc_are_mended_too(begun: Zoo, labelvc: Run):
    begun.store_in_dvc()
    begun.commit("To DVC")
    rekey(begun, labelvc, "--to", "c", "--chained")
    begun.change("pets/p3#m1", by=ANNA)
    begun.change("pets/p1#", ext={"owner": BEN})
    dvc.add(begun.at, Path("datasets/pets/annotations"))
    begun.commit("A branch that was open meanwhile")
    assert left(begun, labelvc) == ["pets/p1#", "pets/p3#m1"]
    code, _, err = labelvc(begun.folder, "pseudonym", "mend")
    assert (code, "in 1 record and 1 item" in err) == (0, True), err
    assert begun.row("pets/p3#m1")["by"] == carried(begun, ANNA)
    assert begun.git("status", "--porcelain", "--untracked-files=all").split() == [
        "M", "datasets/pets/annotations.dvc", "M", "datasets/pets/annotations.sha256", "M", begun.shard("pets/p1#"),
    ]  # fmt: skip
    assert left(begun, labelvc) == []
