"""A re-key under a policy: who may vouch for it, that approvals survive it, and that nothing else comes in under its cover."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from labelvc.codec import canonical, dsse, epochs, statement
from labelvc.core import pseudonym
from labelvc.model.approval import Rekeying
from labelvc.ops import rekeyed
from labelvc.store import keyring
from tests.people import make_keys
from tests.zoo import ANNA, BEN, CONTACT, ID, SECRET, Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
FIRST = epochs.Epoch("b", "active", "2026-03-01T09:00:00Z", pseudonym.commitment(SECRET))


class Court(NamedTuple):
    """The zoo under a policy: Ada keeps the root, Ben and Cleo review; Cleo is a lead too."""

    zoo: Zoo
    keys: Path
    run: Run

    def ok(self, *words: str) -> str:
        code, out, err = self.run(self.zoo.folder, *words)
        assert code == 0, out + err
        return out + err

    def key(self, who: str) -> tuple[str, str]:
        return "--key", str(self.keys / who)

    def rule(self, *words: str) -> None:
        self.ok("policy", "rule", "set", "re-keys", "--kind", "rekeys", *words, "--sign-with", str(self.keys / "ada"))
        self.zoo.commit("A rule on re-keys")

    def rekey(self, *words: str) -> str:
        return self.ok("pseudonym", "rekey", "--to", "c", "--chained", *words)

    def approve(self, who: str, words: str, role: str = "reviewer") -> None:
        self.ok("approve", words, "--role", role, *self.key(who))
        self.zoo.git("commit", "-q", "--no-verify", "-m", f"{who} decides", "--", "approvals")

    def judged(self, *words: str) -> list[dict[str, Any]]:
        _, out, err = self.run(self.zoo.folder, "verify", *(words or ("HEAD",)), "--format", "json")
        assert out.startswith("{\n"), err
        return list(json.loads(out)["items"])

    def merge(self, branch: str = "topic") -> str:
        self.zoo.git("switch", "-q", "main")
        self.zoo.git("merge", "-q", "--no-ff", "-m", f"Merge {branch}", branch)
        return self.zoo.git("rev-parse", "HEAD").strip()


@pytest.fixture(scope="session")
def court_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("court")
    make_keys(folder)
    return folder


@pytest.fixture
def court(zoo: Zoo, court_keys: Path, labelvc: Run) -> Court:
    zoo.git("config", "user.name", "Ada")
    zoo.git("config", "user.email", "ada@example.com")
    zoo.write(epochs.PATH, epochs.write([FIRST]))
    keyring.keep(zoo.at, SECRET)
    found = Court(zoo, court_keys, labelvc)
    found.ok("trust", "init", "--as", "ada", "--name", "Ada", "--email", "ada@example.com", *found.key("ada"))
    for who, roles in (("ben", ["reviewer"]), ("cleo", ["reviewer", "lead"])):
        words = ["--name", who, "--email", f"{who}@example.com", "--key", str(court_keys / f"{who}.pub")]
        roles_ = [word for role in roles for word in ("--role", role)]
        found.ok("policy", "add", who, *words, *roles_, "--sign-with", str(court_keys / "ada"))
    zoo.commit("Govern")
    return found


def topic(court: Court) -> None:
    court.zoo.git("switch", "-q", "-c", "topic")


def branch(court: Court, *words: str) -> None:
    """Re-key on a branch, and let the lead approve the list of epochs."""
    topic(court)
    court.rekey(*words)
    court.zoo.git("commit", "-q", "--no-verify", "-m", "Re-key")
    court.ok("approve", "main...topic", "--role", "lead", "--except", "**#**", *court.key("cleo"))
    court.zoo.git("commit", "-q", "--no-verify", "-m", "The list of epochs", "--", "approvals")


def test_without_a_rule_on_re_keys_nobody_can_vouch_for_one(court: Court):
    words = ("pseudonym", "rekey", "--to", "c", "--chained", "--role", "lead", *court.key("cleo"))
    code, _, err = court.run(court.zoo.folder, *words)
    assert (code, "no rule of the policy lets the role lead vouch" in err) == (1, True)
    assert court.zoo.git("status", "--porcelain") == ""
    branch(court)
    code, _, err = court.run(
        court.zoo.folder, "pseudonym", "verify-rekey", "main...topic", "--role", "lead", *court.key("cleo")
    )
    assert (code, "no rule of the policy lets the role lead vouch for a re-key" in err) == (1, True)
    assert "next: labelvc policy rule set re-keys --kind rekeys --need lead" in err
    court.merge()
    (step,) = court.judged()
    assert step["state"] == "missing"
    assert len(step["uncovered"]) == 14


def test_a_statement_lets_a_re_key_in_and_says_what_it_is(court: Court):
    court.rule("--need", "lead:1:author")
    branch(court)
    out = court.ok("pseudonym", "verify-rekey", "main...topic", "--role", "lead", *court.key("cleo"))
    (path,) = [line for line in out.splitlines() if line.endswith(".json")]
    court.zoo.git("commit", "-q", "--no-verify", "-m", "Vouch", "--", "approvals")
    envelope = dsse.decode(court.zoo.read(path), dsse.IN_TOTO)
    payload = json.loads(envelope.payload)
    assert (payload["_type"], payload["predicateType"]) == ("https://in-toto.io/Statement/v1", "urn:labelvc:rekey:1")
    said = payload["predicate"]
    assert (said["epochs"], said["mapping"]["tokens"]) == ({"after": "c", "before": ["b"]}, 3)
    assert said["scope"] == {"added": 0, "binding": "delta", "changed": 14, "removed": 0, "repository": ID}
    assert said["states"]["before"] != said["states"]["after"]
    assert isinstance(statement.decode_approval(envelope.payload), Rekeying)
    court.merge()
    (step,) = court.judged()
    assert (step["state"], step["covered"], step["total"], step["uncovered"]) == ("approved", 15, 15, [])
    assert {(each["principal"], each["meaning"]) for each in step["approvals"]} >= {("cleo", "verification")}


def test_a_re_key_straight_on_main_is_one_commit(court: Court):
    """Of a rule without `author`, whoever re-keys may vouch for it; the list of epochs falls under its own rule."""
    court.rule("--need", "lead")
    court.ok(
        "policy",
        "rule",
        "set",
        "documents",
        "--kind",
        "privacy",
        "--need",
        "lead",
        "--sign-with",
        str(court.keys / "ada"),
    )
    court.zoo.commit("Rules")
    court.zoo.git("config", "user.email", "cleo@example.com")
    out = court.rekey("--role", "lead", *court.key("cleo"))
    assert "signed and staged; next: git commit" in out
    topic(court)
    court.zoo.git("commit", "-q", "--no-verify", "-m", "Re-key")
    found = court.judged("main...topic")
    assert found[0]["uncovered"] == ["privacy/epochs.jsonl"]


def test_approvals_of_before_survive_and_the_whole_history_is_green(court: Court, tmp_path: Path):
    """Two reviewers approve a label, it is released, everything is re-keyed: the history, the release and a bundle hold."""
    court.ok(
        "policy", "rule", "set", "labels and items", "--kind", "labels", "--kind", "items",
        "--need", "reviewer:2:author,annotators", "--sign-with", str(court.keys / "ada"),
    )  # fmt: skip
    court.rule("--need", "lead:1:author")
    topic(court)
    court.zoo.change("pets/p1#m1", value={"score": 2})
    court.zoo.commit("A better score")
    court.approve("ben", "main...topic")
    court.approve("cleo", "main...topic")
    court.merge()
    court.zoo.git("branch", "-qD", "topic")
    court.ok("release", "cut", "1.0.0", "--role", "lead", "--unapproved", *court.key("cleo"))
    court.zoo.commit("Release", "cleo")
    branch(court)
    court.ok("pseudonym", "verify-rekey", "main...topic", "--keys", "--role", "lead", *court.key("cleo"))
    court.zoo.git("commit", "-q", "--no-verify", "-m", "Vouch", "--", "approvals")
    court.merge()
    steps = court.judged("--all")
    assert [step["state"] for step in steps[-3:]] == ["approved", "unchanged", "approved"]
    assert {step["state"] for step in steps} == {"approved", "unchanged", "ungoverned"}
    assert court.run(court.zoo.folder, "verify", "--all")[0] == 0
    court.ok("release", "verify", "1.0.0")
    code, out, err = court.run(court.zoo.folder, "trace", "pets/p1#m1", "--format", "json")
    assert code == 0, err
    assert ("A better score" in out, '"ben"' in out, '"cleo"' in out, "verification" in out) == (True,) * 4
    code, out, _ = court.run(court.zoo.folder, "blame", "pets/p1#m1", "--format", "json")
    rows = {row["pointer"]: row["commit"] for row in json.loads(out)["items"] if row["key"] == "pets/p1#m1"}
    told = [json.dumps(rows[pointer]) for pointer in ("/value/score", "/by")]
    assert ("A better score" in told[0], "Re-key" in told[1]) == (True, True)
    court.ok("audit", "bundle", "-o", str(tmp_path / "b.tar"))
    root = json.loads(court.ok("trust", "show", "--format", "json"))["summary"]["root"]
    assert "wrong" not in court.ok("audit", "recheck", str(tmp_path / "b.tar"), "--root", root)
    shutil.unpack_archive(tmp_path / "b.tar", tmp_path / "b")
    words = ["sh", "verify.sh", root]
    done = subprocess.run(words, cwd=tmp_path / "b", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "spoil",
    [
        {"value": {"score": -2}},
        {"value": {"score": -2}, "bump": 1},
        {"at": "2026-03-01T09:12:44Z"},
        {"by": "BEN"},
        {"ext": {"note": "x"}},
    ],
    ids=["a value", "a value and rev", "a time", "another person", "more"],
)
def test_one_record_changed_under_its_cover_is_not_let_in(court: Court, spoil: dict[str, Any]):
    court.rule("--need", "lead:1:author")
    branch(court)
    court.ok("pseudonym", "verify-rekey", "main...topic", "--role", "lead", *court.key("cleo"))
    court.zoo.git("commit", "-q", "--no-verify", "-m", "Vouch", "--", "approvals")
    bump = spoil.pop("bump", 0)
    if "by" in spoil:
        spoil["by"] = court.zoo.row("pets/p1#m2")["by"]
    court.zoo.change("pets/p2#m1", bump=bump, **spoil)
    court.zoo.commit("Nothing to see")
    code, out, err = court.run(court.zoo.folder, "pseudonym", "verify-rekey", "main...topic")
    assert (code, out) == (1, "")
    assert "pets/p" in err
    court.merge()
    (step,) = court.judged()
    assert step["state"] == "missing"
    assert "pets/p2#m1" in step["uncovered"]
    assert court.run(court.zoo.folder, "verify")[0] == 1


def test_a_statement_that_says_otherwise_counts_for_nothing(court: Court):
    """One of another re-key, moved to this one's change-set and signed again, is found out by the mapping in it."""
    court.rule("--need", "lead:1:author")
    branch(court)
    court.ok("pseudonym", "verify-rekey", "main...topic", "--role", "lead", *court.key("cleo"))
    court.zoo.git("commit", "-q", "--no-verify", "-m", "Vouch", "--", "approvals")
    shards = [
        path for path in court.zoo.git("ls-files").splitlines() if path.endswith(".jsonl") and "/annotations/" in path
    ]
    anna, ben = (court.zoo.row(key)["by"] for key in ("pets/p1#m1", "pets/p1#m2"))
    for path in [*shards, court.zoo.shard("pets/p1#")]:
        text = court.zoo.read(path).decode().replace(anna, "%").replace(ben, anna).replace("%", ben)
        court.zoo.write(path, b"".join(sorted(f"{line}\n".encode() for line in text.splitlines())))
    court.zoo.commit("Two people change places, everywhere")
    out = court.ok("pseudonym", "verify-rekey", "main...topic")  # nobody can see that without keys
    assert "3 tokens, one to one, 0 content changes" in out
    code, _, err = court.run(court.zoo.folder, "pseudonym", "verify-rekey", "main...topic", "--keys")
    assert (code, "not the one that the keys make" in err) == (1, True)
    court.merge()
    (step,) = court.judged()
    assert step["state"] == "missing"
    assert any("not what the lines show" in problem["message"] for problem in step["problems"])


def test_the_policy_must_name_people_by_their_new_tokens(court: Court):
    """Otherwise Ben could approve his own records after it, since nobody would know any more that they are his."""
    court.ok("policy", "add", "ben", "--pseudonym", BEN, "--sign-with", str(court.keys / "ada"))
    court.rule("--need", "lead:1:author")
    topic(court)
    out = court.rekey("--role", "lead", *court.key("cleo"))
    assert "staged, not signed" in out
    (command,) = [line.split(": ", 1)[1] for line in out.splitlines() if "policy add ben --pseudonym" in line]
    court.zoo.git("commit", "-q", "--no-verify", "-m", "Re-key")
    code, _, err = court.run(court.zoo.folder, "pseudonym", "verify-rekey", "main...topic")
    assert (code, command in err) == (1, True)
    court.ok("policy", "remove", "ben", "--sign-with", str(court.keys / "ada"))
    code, _, err = court.run(court.zoo.folder, "pseudonym", "verify-rekey", "main")
    assert (code, command in err) == (1, True), (
        "taking him out of the policy makes nobody forget whose records those are"
    )
    court.zoo.git("reset", "-q", "--hard")
    court.ok(*command.split()[1:], "--sign-with", str(court.keys / "ada"))
    court.zoo.commit("Ben has another token")
    court.ok("pseudonym", "verify-rekey", "main...topic", "--role", "lead", *court.key("cleo"))
    court.zoo.git("commit", "-q", "--no-verify", "-m", "Vouch", "--", "approvals")
    court.approve("cleo", "main...topic", "lead")
    court.merge()
    assert [step["state"] for step in court.judged()] == ["approved"]


def test_a_statement_is_no_approval_of_anything_else(court: Court):
    """Signed by a reviewer, it would be the word that the rule on labels asks for, were it one on labels."""
    court.rule("--need", "reviewer")
    branch(court)
    court.ok("pseudonym", "verify-rekey", "main...topic", "--role", "reviewer", *court.key("ben"))
    court.zoo.git("commit", "-q", "--no-verify", "-m", "Vouch", "--", "approvals")
    court.zoo.change("pictures/b.jpg#x1", bump=0, by=ANNA)
    court.zoo.change("pictures/b.jpg#x1", bump=-1)
    court.zoo.commit("One record keeps its old token")
    court.merge()
    (step,) = court.judged()
    assert step["state"] == "missing"
    assert len(step["uncovered"]) >= 13


def test_a_no_binds_here_too(court: Court):
    court.rule("--need", "lead:1:author")
    branch(court)
    court.ok("pseudonym", "verify-rekey", "main...topic", "--role", "lead", *court.key("cleo"))
    court.zoo.git("commit", "-q", "--no-verify", "-m", "Vouch", "--", "approvals")
    words = ("--role", "lead", "--decision", "reject", "--reason", "not now")
    court.ok("approve", "main...topic", *words, *court.key("cleo"))
    court.zoo.git("commit", "-q", "--no-verify", "-m", "No", "--", "approvals")
    court.merge()
    assert [step["state"] for step in court.judged()] == ["rejected"]


def test_whoever_made_it_cannot_vouch_where_the_rule_asks_for_others(court: Court):
    court.rule("--need", "lead:1:author")
    court.zoo.git("config", "user.email", "cleo@example.com")
    topic(court)
    code, _, err = court.run(
        court.zoo.folder, "pseudonym", "rekey", "--to", "c", "--chained", "--role", "lead", *court.key("cleo")
    )
    assert (code, "cleo is an author of this re-key" in err) == (1, True)
    assert not (court.zoo.folder / "approvals").exists()


def test_a_line_of_a_mapping_is_what_the_page_says(court: Court):
    court.rule("--need", "lead:1:author")
    branch(court)
    out = court.ok("pseudonym", "verify-rekey", "main...topic", "--role", "lead", *court.key("cleo"))
    (path,) = [line for line in out.splitlines() if line.endswith(".json")]
    said = json.loads(dsse.decode(court.zoo.read(path), dsse.IN_TOTO).payload)["predicate"]
    raw = epochs.read_secret(keyring.path(court.zoo.at, "c").read_bytes(), "c")
    assert raw is not None
    tokens = (ANNA, BEN, CONTACT)
    lines = sorted(f"{old} {pseudonym.chained(raw, ID, 'main', old)}\n".encode() for old in tokens)
    assert said["mapping"]["sha256"] == canonical.digest(b"".join(lines)).removeprefix("sha256:")


def test_a_rule_on_own_records_does_not_stop_who_re_keys_everybodys(court: Court):
    """Of what is proved to be a re-key and nothing else; a label of somebody else that they touch beside it is denied."""
    words = ("--kind", "labels", "--need", "reviewer:1:author", "--own-records", "--sign-with", str(court.keys / "ada"))
    court.ok("policy", "rule", "set", "labels and items", *words)
    named = ("--name", "Dora", "--email", "dora@example.com", "--sign-with", str(court.keys / "ada"))
    court.ok("policy", "add", "dora", *named)
    court.rule("--need", "lead:1:author")
    court.zoo.git("config", "user.email", "dora@example.com")
    branch(court)
    court.zoo.git("config", "user.email", "ada@example.com")
    assert [step["state"] for step in court.judged("main...topic")] == ["denied"]
    court.ok("pseudonym", "verify-rekey", "main...topic", "--role", "lead", *court.key("cleo"))
    court.zoo.git("commit", "-q", "--no-verify", "-m", "Vouch", "--", "approvals")
    assert [step["state"] for step in court.judged("main...topic")] == ["approved"]
    court.zoo.change("pets/p1#n1", value={"text": "mine"})
    court.zoo.commit("A label of nobody's", "Dora")
    (step,) = court.judged("main...topic")
    assert (step["state"], step["uncovered"]) == ("denied", ["pets/p1#n1"])


def test_a_squash_and_a_rebase_keep_the_statement(court: Court):
    court.rule("--need", "lead:1:author")
    branch(court)
    court.ok("pseudonym", "verify-rekey", "main...topic", "--role", "lead", *court.key("cleo"))
    court.zoo.git("commit", "-q", "--no-verify", "-m", "Vouch", "--", "approvals")
    court.zoo.git("switch", "-q", "main")
    court.zoo.write("notes.txt", "main goes on")
    court.zoo.commit("Notes")
    court.zoo.git("branch", "aside")
    court.zoo.git("merge", "-q", "--squash", "topic")
    court.zoo.commit("Squashed")
    assert [step["state"] for step in court.judged()] == ["approved"]
    court.zoo.git("switch", "-q", "topic")
    court.zoo.git("rebase", "-q", "aside")
    assert [step["state"] for step in court.judged("aside...topic")] == ["approved"]


def test_a_record_that_main_brought_meanwhile_makes_it_none(court: Court):
    """Its old token stays beside the new ones: one person would be two."""
    court.rule("--need", "lead:1:author")
    branch(court)
    court.ok("pseudonym", "verify-rekey", "main...topic", "--role", "lead", *court.key("cleo"))
    court.zoo.git("commit", "-q", "--no-verify", "-m", "Vouch", "--", "approvals")
    court.zoo.git("switch", "-q", "main")
    court.zoo.put("pets/p7#m9", {**court.zoo.row("pets/p7#m1"), "id": "m9"})
    court.zoo.commit("One more by Anna")
    court.zoo.git("merge", "-q", "-s", "ours", "--no-commit", "topic")
    court.zoo.git("checkout", "-q", "topic", "--", ".")
    court.zoo.put("pets/p7#m9", {**court.zoo.row("pets/p7#m1"), "id": "m9", "by": ANNA, "rev": 1})
    court.zoo.commit("Merge")
    (step,) = court.judged()
    assert step["state"] == "missing"
    assert any("one person would be two" in problem["message"] for problem in step["problems"])


def test_a_list_too_long_for_git_is_left_out_and_the_statement_holds(court: Court, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rekeyed.sign, "__defaults__", (100,))
    court.rule("--need", "lead:1:author")
    branch(court)
    out = court.ok("pseudonym", "verify-rekey", "main...topic", "--role", "lead", *court.key("cleo"))
    assert "changeset.jsonl" not in out
    court.zoo.git("commit", "-q", "--no-verify", "-m", "Vouch", "--", "approvals")
    court.merge()
    assert [step["state"] for step in court.judged()] == ["approved"]
