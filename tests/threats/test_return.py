"""Threats to an erasure from the vault's side: an old copy, a late row, a text or a surrogate that would tell the value again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from labelvc.codec import canonical, keyfile
from labelvc.core import pseudonym, redact
from labelvc.ops import erasures
from labelvc.store import age
from labelvc.store import vault as folders
from tests.ops.test_erase import erase, signing
from tests.ops.test_redaction import MAIL, PHONE, bring, declare, item, label, where
from tests.vaulting import REASON, Vaulted, vaulted, vaulted_template, zoo, zoo_template

__all__ = ["vaulted", "vaulted_template", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
TEXT = f"Frau Köhler ({MAIL}) lobt, {PHONE}."
PARTS = {"a": "Frau Köhler", "b": "lobt"}


def rows() -> list[dict[str, Any]]:
    return [item("r1", TEXT), *[label("r1", name, *where(TEXT, part), part) for name, part in PARTS.items()]]


def restored(found: Vaulted, labelvc: Run) -> tuple[int, str, str]:
    """Restore the text as somebody with two of the three keys; returns exit code, its lines, and what was said."""
    path = found.keys / "restored"
    path.unlink(missing_ok=True)
    words = ("vault", "restore", "pets/r1", "--reason", REASON, "-o", str(path), *found.by("ada", "ben"))
    code, _, err = labelvc(found.folder, *words)
    return code, path.read_text() if code == 0 else "", err


def begun(found: Vaulted, labelvc: Run, instead: str) -> str:
    """Import the text, seal what the vault learns, and return the token of the address."""
    signing(found)
    declare(found.zoo, f"  - {{pointer: /text, mode: redact, layer: items, instead: {instead}}}\n")
    assert bring(found.zoo, labelvc, rows())[0] == 0
    assert labelvc(found.folder, "vault", "seal", *found.by("ada", "ben"))[0] == 0
    found.zoo.commit("Import")
    listed = [path.read_text() for path in sorted(found.generation.glob("rows/eml/*.jsonl"))]
    (token,) = [json.loads(line)["t"] for text in listed for line in text.splitlines()]
    return str(token)


@pytest.mark.parametrize("instead", ["token", "surrogate"])
def test_privacy_15_a_text_tells_the_erased_nowhere_and_the_others_still(vaulted: Vaulted, labelvc: Run, instead: str):
    """Also in a clone that has the erasure from git and has not let go yet: its vault holds the value, and does not tell it."""
    token = begun(vaulted, labelvc, instead)
    before = vaulted.zoo.row("pets/r1#")["text"]
    theirs = vaulted.copy()
    code, _, err = erase(vaulted, labelvc, token, "--apply", "--records", "unlink")
    assert code == 0, err
    vaulted.zoo.commit("Forget")
    theirs.zoo.git("pull", "-q", str(vaulted.folder), "main")
    after = vaulted.zoo.row("pets/r1#")["text"]
    if instead == "surrogate":
        assert after == before, "a made-up value is nobody's: it stays"
    else:
        assert pseudonym.is_marker(redact.marks(after)[0][1])
    for found in (vaulted, theirs):
        code, lines, err = restored(found, labelvc)
        assert code == 0, err
        assert "1 value in them told of somebody who was forgotten: what replaced it stays" in err
        first, *labels = map(json.loads, lines.splitlines())
        assert (MAIL in lines, PHONE in first["text"]) == (False, True)
        assert {one["id"]: one["value"]["text"] for one in labels} == PARTS
        assert all(first["text"][slice(*one["value"]["span"])] == one["value"]["text"] for one in labels)
        reveal = ("vault", "reveal", token, "--reason", REASON, "-o", str(found.keys / "told"), *found.by("ada", "ben"))
        code, told, err = labelvc(found.folder, *reveal)
        assert (code, MAIL in told + err, (found.keys / "told").exists()) == (2, False, False)
        assert ("--confirm" in err) is (found is theirs)
    assert erase(theirs, labelvc, "--confirm", who="ben")[0] == 0
    assert restored(theirs, labelvc)[0] == 0
    assert labelvc(theirs.folder, "erase", "--list", "--format", "json")[1].count(MAIL) == 0


def test_privacy_15_another_copy_that_still_holds_the_value_is_told_of_and_brings_nothing(
    vaulted: Vaulted, labelvc: Run
):
    """A clone re-keyed before it heard of the erasure: the row of the new token has the value, and nobody here knows it."""
    token = begun(vaulted, labelvc, "token")
    theirs = vaulted.copy()
    new = token.replace("eml_b", "eml_c")[:-3]
    new += pseudonym.check(new)
    content = {"before": token, "scope": "", "value": MAIL}
    to = keyfile.read((theirs.generation / "key.json").read_bytes(), "here").to
    folders.put_in(theirs.home, [age.encrypt(canonical.encode({"content": content, "t": new}) + b"\n", [to], "here")])
    assert labelvc(theirs.folder, "vault", "seal", *theirs.by("ada", "ben"))[0] == 0
    assert theirs.reveal(labelvc, token) == MAIL
    assert erase(vaulted, labelvc, token, "--apply")[0] == 0
    vaulted.zoo.commit("Forget")
    for _ in range(2):
        code, out, err = labelvc(vaulted.folder, "vault", "merge", str(theirs.home), *vaulted.by("ada", "ben"))
        assert (code, out.split()) == (1, sorted([token, new])), err
        assert "left out 2 rows of somebody who was forgotten" in err
        for one in (token, new):
            words = ("vault", "reveal", one, "--reason", REASON, "-o", str(vaulted.keys / "told"))
            code, told, err = labelvc(vaulted.folder, *words, *vaulted.by("ada", "ben"))
            assert (code, "was forgotten" in err, MAIL in told + err) == (2, True, False), err
    assert labelvc(theirs.folder, "vault", "merge", str(vaulted.home), *theirs.by("ada", "ben"))[0] == 0
    assert labelvc(vaulted.folder, "vault", "merge", str(theirs.home), *vaulted.by("ada", "ben"))[0] == 0


def test_privacy_15_what_comes_in_late_is_left_out_where_the_ledger_lists_it(vaulted: Vaulted, labelvc: Run):
    """An import on a machine that has not let go yet waits in its inbox; sealing it brings the value of nobody erased."""
    token = begun(vaulted, labelvc, "token")
    theirs = vaulted.copy()
    assert erase(vaulted, labelvc, token, "--apply")[0] == 0
    vaulted.zoo.commit("Forget")
    theirs.zoo.git("pull", "-q", str(vaulted.folder), "main")
    again = [item("r9", f"again {MAIL} and {PHONE}")]
    assert bring(theirs.zoo, labelvc, again)[0] == 0
    code, out, _ = labelvc(theirs.folder, "check")
    assert (code, "privacy.erased" in out, "pets/r9#" in out) == (1, True, True)
    assert labelvc(theirs.folder, "vault", "seal", *theirs.by("ada", "ben"))[0] == 0
    path = theirs.keys / "r9"
    words = ("vault", "restore", "pets/r9", "--reason", REASON, "-o", str(path), *theirs.by("ada", "ben"))
    assert labelvc(theirs.folder, *words)[0] == 0
    assert (MAIL in path.read_text(), PHONE in path.read_text()) == (False, True)


def test_privacy_15_a_surrogate_leads_nowhere_once_the_person_is_erased(vaulted: Vaulted, labelvc: Run):
    """Neither the vault nor the filter of known people says any more what it stood for, and no file of the clone holds the value."""
    token = begun(vaulted, labelvc, "surrogate")
    assert labelvc(vaulted.folder, "vault", "filter", *vaulted.by("ada", "ben"))[0] == 0
    made_up = vaulted.zoo.row("pets/r1#")["text"]
    plan = labelvc(vaulted.folder, "erase", token, *vaulted.by("ada", "ben"))[1]
    assert MAIL not in plan
    assert erase(vaulted, labelvc, token, "--apply")[0] == 0
    vaulted.zoo.commit("Forget")
    assert vaulted.zoo.row("pets/r1#")["text"] == made_up
    assert labelvc(vaulted.folder, "check", "--all")[0] == 0
    assert MAIL.encode() not in vaulted.everything()
    assert erasures.held(vaulted.zoo.at, [token]) == 0
    code, lines, err = restored(vaulted, labelvc)
    assert (code, MAIL in lines + err, PHONE in lines) == (0, False, True), err
