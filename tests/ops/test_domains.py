"""A domain for each field: the same person has tokens that cannot be joined, and is one person to who may know."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from labelvc.core import pseudonym
from labelvc.errors import RefusedError
from labelvc.ops import domains, mending, pseudonyms
from labelvc.ops import project as projects
from labelvc.ops import vault as vaults
from labelvc.store import tree
from tests.ops.test_erase import erase, plan, signing
from tests.ops.test_rekey import known, openers, secret_of
from tests.vaulting import NAME, REASON, Vaulted, vaulted, vaulted_template, zoo, zoo_template
from tests.zoo import ID, Zoo

__all__ = ["known", "vaulted", "vaulted_template", "zoo", "zoo_template"]
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


def carried(zoo: Zoo, token: str, domain: str) -> str:
    """Return what a chained re-key makes of a token in a domain."""
    return pseudonym.chained(secret_of(zoo, "c"), ID, domain, token)


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


def test_a_chained_re_key_makes_of_each_token_what_an_import_makes_in_the_domain_of_its_field(
    divided: Vaulted, labelvc: Run
):
    """A branch that was open meanwhile is mended into the same; the verifier knows the domains; the vault leads back."""
    before = brought(divided)
    divided.zoo.commit("One person")
    divided.zoo.git("branch", "open")
    code, _, err = labelvc(divided.folder, "vault", "seal", *divided.by("ada", "ben"))
    assert code == 0, err
    code, _, err = labelvc(divided.folder, "pseudonym", "rekey", "--to", "c", "--chained")
    assert code == 0, err
    assert labelvc(divided.folder, "pseudonym", "verify-rekey", "--keys")[0] == 0
    divided.zoo.commit("Re-key")
    held = divided.zoo.row("pets/q1#r1")
    after = {**held["ext"]["jsonl"], "said": held["value"]["text"]}
    for field, domain in (("phone", "main"), ("phone2", "clinic"), ("mail", "main"), ("mail2", "clinic")):
        assert after[field] == carried(divided.zoo, before[field], domain)
    assert after["home"] == {"phone": after["phone2"]}
    again = brought(divided, 2)
    for field in ("phone", "phone2", "home", "mail", "mail2", "said", "said2"):
        assert again[field] == after[field], field
    assert [again[field].partition(":")[0] for field in ("name", "name2")] == [
        after[field].partition(":")[0] for field in ("name", "name2")
    ]
    divided.zoo.commit("The same person again")
    assert divided.reveal(labelvc, after["mail2"]) == MAIL
    divided.zoo.git("checkout", "-q", "open", "--", "datasets/pets/annotations")
    divided.zoo.commit("A branch of before")
    code, _, err = labelvc(divided.folder, "pseudonym", "mend")
    assert code == 0, err
    row = divided.zoo.row("pets/q1#r1")
    assert {**row["ext"]["jsonl"], "said": row["value"]["text"]} == after


def test_an_old_vault_learns_what_a_chained_re_key_made_in_every_domain(divided: Vaulted, labelvc: Run):
    """What it has a value for is followed in the domain that the value proves; what only a key is left of in each."""
    before = brought(divided)
    opened = divided.by("ada", "ben")
    assert labelvc(divided.folder, "vault", "seal", *opened)[0] == 0
    one = vaults.opened(divided.home, ID, openers(divided))
    divided.zoo.commit("One person")
    assert labelvc(divided.folder, "pseudonym", "rekey", "--to", "c", "--chained")[0] == 0
    with tree.reader(divided.zoo.at) as reader:
        project = projects.load(divided.zoo.at, tree.work(divided.zoo.at), reader)
    found = mending.onward(divided.zoo.at, project, one)
    wanted = {carried(divided.zoo, before[f"{name}{own}"].partition(":")[0], domain): before[f"{name}{own}"].partition(":")[0]
              for name in ("mail", "name") for own, domain in (("", "main"), ("2", "clinic"))}  # fmt: skip
    assert {
        new: row["before"] for new, row in found.items() if row["before"] in wanted.values()
    }.items() >= wanted.items()
    made = [new for new, row in found.items() if row["before"] in (before["mail"], before["mail2"])]
    assert len(made) == 2


def test_a_re_key_by_values_makes_each_token_in_the_domain_of_its_field(known: Vaulted, labelvc: Run):
    rows = OWN.replace("  - {pointer: /ext/jsonl/name2, kind: name, mode: sealed, domain: clinic}\n", "")
    known.zoo.replace(PETS, "checks: {}\n", rows)
    known.zoo.commit("A clinic whose people nobody can lay beside the others")
    told = {"item": "q4", "id": "r4", "by": "anna", "said": "hello", "mail": MAIL, "phone": PHONE}
    known.bring({**told, "mail2": MAIL, "phone2": PHONE, "said2": f"write to {MAIL} now"})
    known.zoo.commit("One person in both")
    opened = known.by("ada", "ben")
    (known.folder.parent / "values").write_text(f"{PHONE}\n")
    words = ("vault", "seal", "--values", str(known.folder.parent / "values"), "--kind", "phone")
    assert labelvc(known.folder, *words, *opened)[0] == 0
    code, _, err = labelvc(known.folder, "pseudonym", "rekey", "--to", "c", *opened)
    assert code == 0, err
    code, _, err = labelvc(known.folder, "pseudonym", "verify-rekey", "--keys", *opened)
    assert code == 0, err
    known.zoo.commit("Re-key")
    after = known.zoo.row("pets/q4#r4")["ext"]["jsonl"]
    assert (after["phone"], after["phone2"]) == tokens(known, "phone", PHONE)
    assert after["said2"] == f"write to [[{tokens(known, 'email', MAIL)[1]}]] now"
    known.bring({**told, "item": "q5", "id": "r5", "mail2": MAIL, "phone2": PHONE, "said2": f"to {MAIL}"})
    again = known.zoo.row("pets/q5#r5")["ext"]["jsonl"]
    for field in ("mail", "mail2", "phone", "phone2"):
        assert again[field] == after[field], field


def test_a_token_that_stands_in_two_domains_stops_a_re_key_before_it_writes(divided: Vaulted, labelvc: Run):
    """Somebody gave a field that holds tokens a domain of its own, or copied one: its person would become two."""
    found = brought(divided)
    row = divided.zoo.row("pets/q1#r1")
    divided.zoo.change("pets/q1#r1", ext={"jsonl": {**row["ext"]["jsonl"], "phone2": found["phone"]}})
    divided.zoo.commit("A copy")
    code, _, err = labelvc(divided.folder, "pseudonym", "rekey", "--to", "c", "--chained")
    told = ("of the domain 'main' and in one of 'clinic'", "where: pets/q1#r1", "next: give both fields one `domain`")
    assert (code, [words in err for words in told]) == (2, [True] * 3), err
    assert divided.zoo.git("status", "--porcelain") == ""


def test_a_field_that_gets_a_domain_is_brought_into_it_by_a_re_key_by_values_before_the_next_import(
    known: Vaulted, labelvc: Run
):
    known.zoo.replace(PETS, "kind: phone}", "kind: phone, domain: clinic}")
    known.zoo.commit("The telephone numbers shall not be laid beside others")
    opened = known.by("ada", "ben")
    code, _, err = labelvc(known.folder, "pseudonym", "rekey", "--to", "c", *opened)
    assert code == 0, err
    assert labelvc(known.folder, "pseudonym", "verify-rekey", "--keys", *opened)[0] == 0
    known.zoo.commit("Re-key")
    row = known.zoo.row("pets/q1#r1")
    assert row["ext"]["jsonl"]["phone"] == tokens(known, "phone", "+49 30 901820")[1]
    known.bring(
        {
            "item": "q1",
            "id": "r1",
            "by": "anna",
            "said": "hello",
            "mail": "grace.hopper@example.org",
            "phone": "+49 30 901820",
        }
    )
    assert known.zoo.row("pets/q1#r1") == row
