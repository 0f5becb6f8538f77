"""Threats to statements on erasures and re-keys: one of another repository, list, range, person or deed is named and counts for nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from labelvc.codec import dsse, statement
from labelvc.model.approval import NAMESPACE, Mapped, Rekeying
from labelvc.model.names import Digest
from labelvc.ops import approvals, trust
from labelvc.store import keys
from tests.ops.test_erase import erase, held, ledger
from tests.ops.test_rekey_trust import Court, branch, court, court_keys
from tests.vaulting import Vaulted, vaulted, vaulted_template
from tests.zoo import ANNA, BEN, zoo, zoo_template

__all__ = ["court", "court_keys", "held", "vaulted", "vaulted_template", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]


def files(found: Vaulted) -> dict[str, Path]:
    """Return the files of the one erasure, by what they are."""
    listed = sorted((found.folder / "privacy/erasures").iterdir())
    return {path.name.partition(".")[2]: path for path in listed}


def test_privacy_15_a_statement_of_another_repository_counts_for_nothing(held: Vaulted, labelvc: Run):
    """The same people, keys and tokens in a project with another id: neither the erasure nor the confirmation is one here."""
    token = held.told()["mail"]
    theirs = held.copy()
    (theirs.home / "current").rename(theirs.home / "aside")  # its vault is of this project
    project = theirs.zoo.read("labelvc.yaml").decode().replace("3f0e4b9e-53d3", "3f0e4b9e-53d4")
    theirs.zoo.write("labelvc.yaml", project)
    theirs.zoo.commit("Another project")
    assert erase(theirs, labelvc, token, "--apply")[0] == 0
    assert erase(theirs, labelvc, "--confirm")[0] == 0
    for path in files(theirs).values():
        held.zoo.write(f"privacy/erasures/{path.name}", path.read_bytes())
    code, (entry,) = ledger(held.folder, labelvc)
    assert (code, entry["signed_by"], entry["pending"]) == (1, None, ["ada", "ben", "cleo"])
    assert sorted(entry["problems"]) == [
        f"privacy/erasures/{files(theirs)[name].name}: it was made for another repository"
        for name in ("by.ada.json", "confirmed.ada.json")
    ]


@pytest.mark.parametrize("attack", ["another list", "one token swapped", "another person", "another deed"])
def test_privacy_15_a_replayed_or_edited_statement_counts_for_nothing(held: Vaulted, labelvc: Run, attack: str):
    assert erase(held, labelvc, held.told()["mail"], "--apply")[0] == 0
    held.zoo.commit("Forget")
    there = files(held)
    listed, signed, confirmed = (there[name] for name in ("yaml", "by.ada.json", "confirmed.ada.json"))
    name = listed.name.partition(".")[0]
    if attack == "another list":  # replayed for somebody else, later
        name = "0123456789abcdef"
        listed.with_name(f"{name}.yaml").write_bytes(
            listed.read_bytes().replace(b'at: "2', b'at: "3') + f"  - {ANNA}\n".encode()
        )
        for one in (signed, confirmed):
            one.with_name(one.name.replace(listed.name.partition(".")[0], name)).write_bytes(one.read_bytes())
        told = {"by.ada": "it is about another list of tokens", "confirmed.ada": "it is about another list of tokens"}
    elif attack == "one token swapped":
        token = held.zoo.git("show", f"HEAD:privacy/erasures/{listed.name}").rpartition("- ")[2]
        listed.write_bytes(listed.read_bytes().replace(token.encode(), BEN.encode()))
        told = {"by.ada": "it is about another list of tokens", "confirmed.ada": "it is about another list of tokens"}
    elif attack == "another person":
        confirmed.rename(confirmed.with_name(f"{name}.confirmed.ben.json"))
        told = {"confirmed.ben": "the file is not named after what it holds"}
    else:
        confirmed.write_bytes(signed.read_bytes())
        told = {"confirmed.ada": "the file is not named after what it holds"}
    code, entries = ledger(held.folder, labelvc)
    entry = next(one for one in entries if one["name"] == name)
    assert code == 1
    assert len(entry["problems"]) == len(told)
    for who, why in told.items():
        assert any(f"{name}.{who}.json: {why}" in problem for problem in entry["problems"]), entry["problems"]
    assert {"ben", "cleo"} <= set(entry["pending"])
    assert ("ada" in entry["pending"]) is True
    assert (entry["signed_by"] is None) is ("by.ada" in told)


def vouched(court: Court) -> tuple[Path, Rekeying]:
    """Re-key on a branch and vouch for it; returns the statement's file and what it says."""
    court.rule("--need", "lead:1:author")
    branch(court)
    out = court.ok("pseudonym", "verify-rekey", "main...topic", "--role", "lead", *court.key("cleo"))
    (path,) = [court.zoo.folder / line for line in out.splitlines() if line.endswith(".json")]
    said = statement.decode_approval(dsse.decode(path.read_bytes(), dsse.IN_TOTO).payload)
    assert isinstance(said, Rekeying)
    return path, said


@pytest.mark.parametrize(
    ("attack", "told"),
    [
        ("another repository", "another repository"),
        ("another range", "another change-set"),
        ("one entry swapped", "not what the lines show"),
        ("another epoch", "not what the lines show"),
    ],
)
def test_privacy_18_a_statement_on_another_re_key_counts_for_nothing(court: Court, attack: str, told: str):
    """Signed well by who may vouch, as that person's own program could: what it says is held against the lines."""
    path, said = vouched(court)
    path.unlink()
    other = {
        "another repository": {"scope": replace(said.scope, repository="00000000-0000-4000-8000-000000000000")},
        "another range": {"root": Digest(f"sha256:{'0' * 64}")},
        "one entry swapped": {"mapping": Mapped(said.mapping.tokens, "0" * 64)},
        "another epoch": {"epochs": replace(said.epochs, after="d")},
    }[attack]
    forged = replace(said, **other)
    signer = keys.signer(str(court.keys / "cleo"), None, lambda *_: "")
    envelope = trust.seal(dsse.IN_TOTO, statement.encode_approval(forged), signer, NAMESPACE)
    place = approvals.path_of(said.root, "cleo", envelope.digest)
    court.zoo.write(place, dsse.encode(envelope))
    court.zoo.commit("Vouch")
    court.merge()
    (step,) = court.judged()
    assert (step["state"], len(step["uncovered"])) == ("missing", 14)
    assert any(place in problem["path"] and told in problem["message"] for problem in step["problems"]), step[
        "problems"
    ]


def test_privacy_18_a_statement_that_is_replayed_later_lets_nothing_in(court: Court):
    """Somebody takes the re-key back and brings it in again, with the statement of the first time."""
    path, said = vouched(court)
    court.zoo.git("commit", "-q", "--no-verify", "-m", "Vouch", "--", "approvals")
    court.merge()
    assert court.judged()[0]["state"] == "approved"
    merge = court.zoo.git("rev-parse", "HEAD")
    court.zoo.git("checkout", "-q", f"{merge}~1", "--", "datasets", "privacy")
    court.zoo.commit("Take it back")
    court.zoo.git("checkout", "-q", merge, "--", "datasets", "privacy")
    court.zoo.commit("Bring it again")
    assert path.exists()
    assert said.mapping.tokens == 3
    again, back = court.judged("HEAD~2..HEAD")[-1], court.judged("HEAD~2..HEAD")[0]
    assert (back["state"], again["state"]) == ("denied", "missing"), "what takes it back has its old rev"
    assert len(again["uncovered"]) >= 14
