"""Bad input to whatever somebody signed: refused with the file and the reason, the exit code of the contract, and nothing written."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.codec import canonical
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
    "cut before its end": (lambda data: data[:-2], "not JSON: "),
    "twice": (lambda data: data * 2, "not JSON: Extra data"),
    "and another object": (lambda data: data[:-1] + b"{}\n", "not JSON: Extra data"),
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


def test_ten_thousand_signatures_need_little_time_and_memory(desk: Desk):
    """As one process, from its start to its end; beside the same command without them."""
    path = desk.approve("ben").relative_to(desk.folder).as_posix()
    desk.approve("cleo")
    spoiled(desk, path, lambda data: many(data, 3))
    code, out, _ = bounded(desk.folder, "verify", "main...topic", seconds=2, megabytes=100)
    assert (code, "an envelope has 1 to 64 signatures" in out) == (0, True)
