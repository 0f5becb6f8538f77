"""Re-key: every token carried into a new epoch as one change of no content, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from inline_snapshot import snapshot

from labelvc.codec import epochs
from labelvc.core import pseudonym
from labelvc.model.secret import Secret
from labelvc.store import keyring
from tests.vaulting import vaulted, vaulted_template, zoo, zoo_template
from tests.zoo import ANNA, BEN, CONTACT, ID, SECRET, Zoo, rows

__all__ = ["vaulted", "vaulted_template", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
FIRST = epochs.Epoch("b", "active", "2026-03-01T09:00:00Z", pseudonym.commitment(SECRET))


@pytest.fixture
def begun(zoo: Zoo) -> Zoo:
    """Return the zoo with the epoch that made its tokens, whose secret is here."""
    zoo.write(epochs.PATH, epochs.write([FIRST]))
    zoo.commit("The first epoch")
    keyring.keep(zoo.at, SECRET)
    return zoo


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
        (
            "3 tokens of epoch b became one of c each, in 13 records and 1 item\n"
            "staged; next: labelvc pseudonym verify-rekey, then git commit\n"
        ),
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
        ("pets/p3#", {"ext": {"ada lovelace": BEN}}, "where: pets/p3# /ext/***\n"),
    ],
    ids=["an unknown epoch", "two epochs", "check letters", "an undeclared field", "a name", "a text", "a plain name"],
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


@pytest.mark.parametrize("path", ["README.md", "guidelines/mood.yaml", "registers/r/one.yaml"])
def test_a_token_in_another_file_stops_it(begun: Zoo, labelvc: Run, path: str):
    before = (begun.folder / path).read_text() if (begun.folder / path).exists() else ""
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
