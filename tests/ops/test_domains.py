"""A domain for each field: the same person has tokens that cannot be joined, and is one person to who may know."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from labelvc.core import pseudonym
from labelvc.errors import RefusedError
from labelvc.ops import domains, pseudonyms
from labelvc.ops import project as projects
from labelvc.store import tree
from tests.ops.test_erase import erase, plan, signing
from tests.vaulting import NAME, REASON, Vaulted, vaulted, vaulted_template, zoo, zoo_template
from tests.zoo import ID, Zoo

__all__ = ["vaulted", "vaulted_template", "zoo", "zoo_template"]
PETS = "datasets/pets/dataset.yaml"
MAIL = "grace.hopper@navy-ships.eu"
PHONE = "+44 20 7946 0958"
OWN = """  - {pointer: /ext/jsonl/mail2, kind: email, mode: random, domain: clinic}
  - {pointer: /ext/jsonl/name2, kind: name, mode: sealed, domain: clinic}
  - {pointer: /ext/jsonl/phone2, kind: phone, domain: clinic}
  - {pointer: /ext/jsonl/home/*, kind: phone, domain: clinic}
  - {pointer: /value/text, mode: redact}
  - {pointer: /ext/jsonl/said2, mode: redact, domain: clinic}
checks: {}
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def divided(vaulted: Vaulted) -> Vaulted:
    """The zoo with two fields of each mode whose values are alike and whose domains are not."""
    vaulted.zoo.replace(PETS, "checks: {}\n", OWN)
    vaulted.zoo.commit("A clinic whose people nobody can lay beside the others")
    return vaulted


def tokens(of: Vaulted, kind: str, value: str) -> tuple[str, str]:
    """Return the token of a value in the domain of the project, and in that of the clinic."""
    with tree.reader(of.zoo.at) as reader:
        secret = pseudonyms.active(of.zoo.at, tree.work(of.zoo.at), reader)
    one, other = (pseudonym.token(secret, ID, domain, kind, value) for domain in ("main", "clinic"))
    return one, other


def brought(divided: Vaulted, number: int = 1) -> dict[str, str]:
    """Import a person into every field; returns what their record holds there."""
    said = f"write to {MAIL} now"
    more = {"mail2": MAIL, "name2": NAME, "phone2": PHONE, "said2": said, "home": {"phone": PHONE}}
    divided.person(number, mail=MAIL, phone=PHONE, said=said, **more)
    row = divided.zoo.row(f"pets/q{number}#r{number}")
    return {**row["ext"]["jsonl"], "said": row["value"]["text"]}


def parts(text: str) -> set[str]:
    """Return every stretch of six letters in the body of a token."""
    return {text[at : at + 6] for at in range(5, 24)}


def test_one_person_has_tokens_that_share_nothing_in_two_domains(divided: Vaulted, labelvc: Run):
    found = brought(divided)
    pairs = [tokens(divided, *each) for each in (("phone", PHONE), ("name", NAME), ("email", MAIL))]
    (phone, phone2), (name, name2), (mail, mail2) = pairs
    assert (found["phone"], found["phone2"], found["home"]) == (phone, phone2, {"phone": phone2})
    assert found["name"].startswith(f"{name}:")
    assert found["name2"].startswith(f"{name2}:")
    assert found["said"] == f"write to [[{mail}]] now"
    assert found["said2"] == found["said"].replace(mail, mail2)
    assert found["mail"] not in (found["mail2"], mail, mail2)
    assert not any(parts(one) & parts(other) for one, other in [*pairs, (found["mail"], found["mail2"])])
    again = brought(divided, 2)
    assert {again[field] for field in ("mail", "mail2")} == {found[field] for field in ("mail", "mail2")}
    assert [one for one in divided.zoo.everything() if one.severity == "error"] == []
    code, _, err = labelvc(divided.folder, "vault", "seal", *divided.by("ada", "ben"))
    assert code == 0, err
    for what, value in ([found["mail2"]], MAIL), ([mail2], MAIL), (["pets/q1#r1", "/ext/jsonl/name2"], NAME):
        out = divided.keys / "out"
        out.unlink(missing_ok=True)
        words = ("--reason", REASON, "-o", str(out), *divided.by("ada", "ben"))
        code, _, err = labelvc(divided.folder, "vault", "reveal", *what, *words)
        assert (code, "proved" in err) == (0, False), err
        assert out.read_text().rstrip("\n") == value


def test_an_erasure_by_value_finds_a_person_in_every_domain_that_a_field_ever_had(
    divided: Vaulted, labelvc: Run, monkeypatch: pytest.MonkeyPatch
):
    """Also of a field that is in the project's domain again; and nobody comes back under a domain that begins later."""
    signing(divided)
    found = brought(divided)
    divided.zoo.commit("One person")
    divided.zoo.write(PETS, divided.zoo.read(PETS).replace(b", domain: clinic", b""))
    divided.zoo.commit("The clinic's people may be laid beside the others from now on")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{MAIL}\n"))
    told = plan(divided, labelvc, "--value", "--kind", "email", *divided.by("ada", "ben"))
    assert {*told["tokens"]} == {*tokens(divided, "email", MAIL), found["mail"], found["mail2"]}
    fields = {"/ext/jsonl/mail": 1, "/ext/jsonl/mail2": 1, "/ext/jsonl/said2": 1, "/value/text": 1}
    assert told["datasets"][0]["fields"] == fields
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{MAIL}\n"))
    code, _, err = erase(divided, labelvc, "--value", "--kind", "email", "--apply")
    assert code == 0, err
    divided.zoo.commit("Forget")
    divided.zoo.replace(PETS, "name, mode: sealed}", "name, mode: sealed, domain: third}")
    divided.zoo.replace(PETS, "email, mode: random}", "email, mode: keyed, domain: third}")
    with pytest.raises(RefusedError, match="belongs to somebody who was erased"):
        divided.person(3, mail=MAIL, name="Somebody Else")
    divided.zoo.replace(PETS, "mode: keyed, domain: third", "mode: random, domain: third")
    with pytest.raises(RefusedError, match="belongs to somebody who was erased"):
        divided.person(3, mail=MAIL, name="Somebody Else")
    divided.person(3, mail="somebody.else@example.org", name="Somebody Else")


def test_the_domains_of_history_are_those_of_documents_that_could_be_read(zoo: Zoo):
    zoo.replace(PETS, "kind: email}", "kind: email, domain: one}")
    zoo.commit("One")
    zoo.replace(PETS, "domain: one", '"\\x64omain": two')
    zoo.replace("labelvc.yaml", "tasks:\n", "privacy: {domain: three}\ntasks:\n")
    zoo.commit("Two and three")
    zoo.write(PETS, zoo.read(PETS).replace(b"two", b"[four"))
    zoo.commit("A slip")
    zoo.git("checkout", "-q", "HEAD~1", "--", PETS)
    zoo.replace(PETS, '"\\x64omain": two', "domain: five")
    with tree.reader(zoo.at) as reader:
        project = projects.load(zoo.at, tree.work(zoo.at), reader)
    assert domains.ever(zoo.at, project) == ("three", "five", "main", "one", "two")


@pytest.mark.parametrize("words", [("rekey", "--to", "c", "--chained"), ("mend",)])
def test_what_does_not_ask_for_the_domain_of_a_field_yet_refuses_it_and_says_where(
    divided: Vaulted, labelvc: Run, words: tuple[str, ...]
):
    brought(divided)
    divided.zoo.commit("One person")
    code, _, err = labelvc(divided.folder, "pseudonym", *words)
    assert (code, "datasets/pets/dataset.yaml /sensitive/5/domain" in err, "next: take `domain` out" in err) == (
        1,
        True,
        True,
    ), err
    assert divided.zoo.git("status", "--porcelain") == ""
