"""Bad input to whatever somebody signed: refused with the file and the reason, the exit code of the contract, and nothing written."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.codec import canonical, dsse
from labelvc.model.approval import NAMESPACE, TRUST_NAMESPACE
from labelvc.model.release import NAMESPACE as RELEASE
from labelvc.model.witness import NAMESPACE as WITNESS
from labelvc.ops import trust
from labelvc.store import keys
from tests.cli.test_release import main, people, released
from tests.cli.test_witness import witnessed
from tests.journeys.conftest import contents
from tests.journeys.test_bad_input import bounded
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "main", "people", "people_keys"]
MANY = 10_000


def many(data: bytes, size: int) -> bytes:
    """Return an envelope with so many signatures of so many bytes, each by another key."""
    value = json.loads(data)
    sig = base64.b64encode(bytes(size)).decode()
    value["signatures"] = [{"keyid": f"SHA256:{at}", "sig": sig} for at in range(MANY)]
    return canonical.encode(value) + b"\n"


WAYS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut in half": (lambda data: data[: len(data) // 2], "not JSON: Unterminated string starting at character "),
    "twice": (lambda data: data * 2, "not JSON: Extra data"),
    "10,000 small signatures": (lambda data: many(data, 3), "an envelope has 1 to 64 signatures"),
    "10,000 signatures": (lambda data: many(data, 300), "larger than 1048576"),
}
SECONDS = 1


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> tuple[Callable[[bytes], bytes], str]:
    """Return what becomes of a signed file, and what is said of it."""
    return WAYS[request.param]


def refused(desk: Desk, why: str, path: str, code: int, *words: str) -> None:
    """Hold a command to an exit code, to a message that names the file and the reason, to little time, and to writing nothing."""
    before, start = contents(desk.folder), time.process_time()
    got, out, err = desk.labelvc(*words)
    spent = time.process_time() - start
    assert (got, contents(desk.folder) == before) == (code, True), (words, out, err)
    assert why in out + err, (words, out, err)
    assert path in out + err, (words, out, err)
    if code == 2:
        assert (out, err.count("error: ")) == ("", 1), (words, out, err)
        assert "\n  where: " in err, (words, err)
        assert "\n  next: " in err, (words, err)
    assert spent < SECONDS, (words, spent)


def spoiled(desk: Desk, path: str, change: Callable[[bytes], bytes]) -> None:
    place = desk.folder / path
    place.write_bytes(change(place.read_bytes()))
    desk.commit("Spoil", who="cleo")


def test_an_approval(desk: Desk, way: tuple[Callable[[bytes], bytes], str]):
    path = desk.approve("ben").relative_to(desk.folder).as_posix()
    desk.approve("cleo")
    assert len(desk.verify()[1][0]["approvals"]) == 2
    spoiled(desk, path, way[0])
    refused(desk, way[1], path, 0, "verify", "main...topic")
    (step,) = desk.verify()[1]
    assert [said["principal"] for said in step["approvals"]] == ["cleo"], "the other one counts all the same"
    refused(desk, way[1], path, 0, "policy", "explain", "main...topic")
    refused(desk, way[1], path, 1, "check", "main...topic")


@pytest.mark.parametrize("path", ["trust/policy.json", "trust/root/1.json"])
def test_policy_and_root(desk: Desk, path: str, way: tuple[Callable[[bytes], bytes], str], tmp_path: Path):
    desk.git("checkout", "-q", "main")
    spoiled(desk, path, way[0])
    refused(desk, way[1], path, 1, "verify", "HEAD")
    desk.relabel("fine", "rev-3")
    refused(desk, way[1], path, 2, "approve", "HEAD~1..HEAD", "--role", "reviewer", "--key", desk.key("ben"))
    ada = ("--sign-with", desk.key("ada"))
    for words in (
        ("policy", "show"),
        ("policy", "check"),
        ("policy", "add", "ben", "--role", "lead", *ada),
        ("policy", "distrust", "ben", "--from", "HEAD~1", "--reason", "x", *ada),
        ("key", "list"),
        ("trust", "show"),
        ("trust", "sign", "--key", desk.key("ada")),
        ("trust", "rotate", "--remove", "ben", "--key", desk.key("ada")),
        ("release", "cut", "1.0.0", "--unapproved", "--yes", "--key", desk.key("ada")),
    ):
        refused(desk, way[1], path, 2, *words)
    code, (step,) = desk.verify("HEAD")
    assert (code, step["state"]) == (2, "undecidable"), "what came in under it cannot be told"


def test_a_release_and_its_witness(desk: Desk, way: tuple[Callable[[bytes], bytes], str], tmp_path: Path):
    desk.git("checkout", "-q", "main")
    start = released(desk, "1.0.0")
    seen = witnessed(desk)
    spoiled(desk, seen, way[0])
    refused(desk, way[1], seen, 1, "release", "verify")
    desk.git("reset", "-q", "--hard", start)
    path, target = "releases/1.0.0.json", str(tmp_path / "out")
    spoiled(desk, path, way[0])
    refused(desk, "its file was changed after it was added", "1.0.0", 1, "release", "verify")
    for words in (
        ("release", "list"),
        ("release", "show"),
        ("release", "cut", "--next", "--unapproved", "--yes", "--key", desk.key("ada")),
        ("audit", "population", "--all"),
        ("audit", "bundle", "-o", target),
    ):
        refused(desk, way[1], path, 2, *words)
    assert not Path(target).exists()
    desk.git("reset", "-q", "--hard", start)
    desk.git("rm", "-q", path)
    desk.git("commit", "-q", "--amend", "-m", "Release 1.0.0, spoiled from its first day", "--allow-empty")
    desk.write(path, way[0](desk.git("show", f"{start}:{path}").encode() + b"\n"))
    desk.commit("Release 1.0.0")
    refused(desk, way[1], "1.0.0", 1, "release", "verify")


def test_the_proof_of_a_label(people: Desk, way: tuple[Callable[[bytes], bytes], str], tmp_path: Path):
    """The manifest in it is such an envelope."""
    released(people, "1.0.0")
    value = json.loads(people.labelvc("audit", "prove", "reviews/rev-1#r1")[1])
    value["manifest"] = way[0](value["manifest"].encode()).decode()
    (tmp_path / "proof.json").write_text(json.dumps(value))
    code, out, _ = people.run(tmp_path, "audit", "recheck", "proof.json")
    assert (code, out.startswith("wrong"), way[1] in out) == (1, True, True), out


def test_a_flood_of_files_hides_no_word_that_was_taken_away(desk: Desk):
    """Fifty copies of an approval under other names, and the no that they should hide is gone from the tree."""
    no = desk.approve("cleo", "main...topic", "reviewer", "--decision", "reject", "--reason", "no")
    start = desk.git("rev-parse", "HEAD")
    desk.relabel("fine", "rev-2")
    yes = desk.approve("ben", f"{start}...HEAD")
    for at in range(50):
        yes.with_name(f"ada.{at:012x}.json").write_bytes(yes.read_bytes())
    no.unlink()
    desk.commit("Many more")
    code, out, _ = desk.labelvc("verify", f"{start}...HEAD")
    rows = [line for line in out.splitlines() if "approvals/" in line]
    assert (code, len(rows)) == (1, 10)
    assert f"{no.name}: this step changed or removed" in rows[0]
    assert "... and 41 more files that count for nothing; --format json lists them" in out
    code, out, _ = desk.labelvc("policy", "explain", f"{start}...HEAD")
    assert out.count("problem  ") == 11


def test_ten_thousand_signatures_need_little_time_and_memory(desk: Desk):
    """As one process, from its start to its end; beside the same command without them."""
    path = desk.approve("ben").relative_to(desk.folder).as_posix()
    desk.approve("cleo")
    spoiled(desk, path, lambda data: many(data, 3))
    code, out, _ = bounded(desk.folder, "verify", "main...topic", seconds=2, megabytes=100)
    assert (code, "an envelope has 1 to 64 signatures" in out) == (0, True)


@pytest.mark.parametrize(
    ("what", "who", "namespace"),
    [
        ("approval", "ben", NAMESPACE),
        ("policy", "ada", TRUST_NAMESPACE),
        ("release", "ada", RELEASE),
        ("witness", "ben", WITNESS),
    ],
)
def test_a_statement_of_another_version_says_which(desk: Desk, what: str, who: str, namespace: str):
    """Signed well, by who may, and named as it must be: a later version may mean something else by the same words."""
    said = desk.approve("ben")
    desk.git("checkout", "-q", "main")
    if what == "approval":
        desk.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    else:
        released(desk, "1.0.0")
    if what == "witness":
        witnessed(desk)
    path = {
        "approval": said.relative_to(desk.folder).as_posix(), "policy": trust.POLICY,
        "release": "releases/1.0.0.json", "witness": "releases/1.0.0.witness.ben.json",
    }[what]  # fmt: skip
    payload = dsse.decode((desk.folder / path).read_bytes(), dsse.IN_TOTO).payload
    later = payload.replace(f"urn:labelvc:{what}:1".encode(), f"urn:labelvc:{what}:2".encode())
    assert later != payload
    envelope = trust.seal(dsse.IN_TOTO, later, keys.signer(desk.key(who), None, str), namespace)
    (desk.folder / path).unlink()
    if what == "approval":
        path = f"{path.rpartition('/')[0]}/ben.{envelope.digest[7:19]}.json"
    desk.write(path, dsse.encode(envelope))
    desk.git("add", "--all")
    start = "HEAD~1"
    if what == "policy":
        desk.commit("Govern anew")
    else:
        desk.git("commit", "-q", "--no-verify", "--amend", "--no-edit")
    words = ("verify", f"{start}..HEAD") if what in ("approval", "policy") else ("release", "verify")
    why = f"a statement of type urn:labelvc:{what}:2, which another version of labelvc made; this one reads urn:labelvc:{what}:1"
    refused(desk, why, path.removesuffix(".json").rpartition("/")[2], 1, *words)


def test_keys_that_are_unknown_revoked_doubled_or_of_somebody_else(desk: Desk):
    """Ben's second key is enrolled, taken out again, and then tried in every place where a key is named."""
    ada, second = ("--sign-with", desk.key("ada")), f"{desk.key('ben2')}.pub"
    desk.git("checkout", "-q", "main")
    add = ("policy", "add", "ben", "--key", second, *ada)
    assert desk.labelvc(*add)[0] == 0
    desk.commit("A second key")
    refused(desk, "the policy says all of this of ben already", "ben", 1, *add)
    refused(desk, "one key belongs to ben and cleo", trust.POLICY, 1, "policy", "add", "cleo", "--key", second, *ada)
    two = ("trust", "rotate", "--add", f"ben={second}", "--add", f"cleo={second}", "--key", desk.key("ada"))
    got, out, err = desk.labelvc(*two)
    assert (got, out, "two owners have one key" in err) == (1, "", True), err
    desk.git("checkout", "-q", "topic")
    desk.git("rebase", "-q", "main")
    desk.approve("ben2")
    assert desk.verify()[0] == 0
    desk.git("checkout", "-q", "main")
    remove = ("policy", "remove", "ben", "--key", second, *ada)
    assert desk.labelvc(*remove)[0] == 0
    desk.commit("Ben lost it")
    refused(desk, "ben has no such key", trust.POLICY, 2, *remove)
    code, (step,) = desk.verify()
    assert (code, step["covered"]) == (1, 0)
    assert "does not belong to ben in the policy in force" in step["problems"][0]["message"]
    yes = ("approve", "main...topic", "--role", "reviewer", "--key")
    for who in ("ben2", "mallory"):
        refused(desk, "the key belongs to no principal of the policy in force", "SHA256:", 2, *yes, desk.key(who))
    cut = ("release", "cut", "1.0.0", "--unapproved", "--yes", "--key")
    refused(desk, "the key belongs to no principal", "SHA256:", 2, *cut, desk.key("ben2"))
    refused(
        desk,
        "is none of those that the root lets sign policies",
        "SHA256:",
        1,
        *add[:3],
        "--role",
        "lead",
        "--sign-with",
        desk.key("ben2"),
    )


def test_an_id_is_never_given_to_somebody_else(desk: Desk):
    """What Ben signed under it would look like another's; Ben himself may come back."""
    ada = ("--sign-with", desk.key("ada"))
    desk.git("checkout", "-q", "main")
    assert desk.labelvc("policy", "remove", "ben", *ada)[0] == 0
    desk.commit("Ben leaves")
    mallory = ("--key", f"{desk.key('mallory')}.pub", *ada)
    refused(
        desk,
        "ben was Ben Builder, who signed under this id",
        trust.POLICY,
        1,
        "policy",
        "add",
        "ben",
        "--name",
        "Bob",
        *mallory,
    )
    assert desk.labelvc("policy", "add", "ben", "--name", "Ben Builder", "--role", "reviewer", *mallory)[0] == 0
    assert desk.labelvc("policy", "add", "ben-2", "--name", "Bob", *ada)[0] == 0
