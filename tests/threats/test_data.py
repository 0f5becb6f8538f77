"""Threats to data and evidence: exchanged objects, guessed labels, hostile archives, what nobody looked at, what is denied."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.codec import tar
from tests.cli.test_release import main, people, released, salted
from tests.people import SHARD, Desk
from tests.trusting import desk, desk_template, govern, people_keys
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["desk", "desk_template", "main", "people", "people_keys", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]


def test_threat_23_an_object_of_the_cache_that_was_edited_is_refused(zoo: Zoo, labelvc: Run):
    """MD5 names it; SHA-256, in git, says what it must be."""
    zoo.store_in_dvc("pets")
    zoo.commit("Store in DVC")
    manifest = (zoo.folder / "datasets/pets/annotations.sha256").read_text().splitlines()[0]
    digest, name = manifest.split(maxsplit=1)
    shard = zoo.folder / "datasets/pets" / name.strip()
    data = shard.read_bytes()
    assert hashlib.sha256(data).hexdigest() == digest
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    place = zoo.folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    place.chmod(0o644)
    place.write_bytes(data.replace(b'"rev":1', b'"rev":9', 1) if b'"rev":1' in data else data + data)
    shard.unlink()
    code, out, err = labelvc(zoo.folder, "diff", "HEAD", "--format", "json")
    assert code == 2, out
    assert "SHA-256" in err


def test_threat_23_a_pointer_that_was_rewritten_to_other_bytes_is_refused(zoo: Zoo, labelvc: Run):
    """Each object has the MD5 that the pointer names, so DVC is content; the SHA-256 in git is the one that was approved."""
    zoo.store_in_dvc("pets")
    zoo.commit("Store in DVC")
    shard = zoo.folder / "datasets/pets" / "annotations/0.jsonl"
    other = shard.read_bytes().replace(b'"rev":1', b'"rev":9', 1)
    shard.unlink()  # it may be a link into the cache
    shard.write_bytes(other)
    words = (sys.executable, "-m", "dvc", "add", "-q", "datasets/pets/annotations")
    subprocess.run(words, cwd=zoo.folder, check=True, capture_output=True)
    zoo.commit("Rewrite the pointer")
    assert zoo.git("diff", "--name-only", "HEAD~1", "HEAD").split() == ["datasets/pets/annotations.dvc"]
    for command in (("diff", "HEAD~1..HEAD"), ("check", "HEAD~1..HEAD")):
        code, out, err = labelvc(zoo.folder, *command)
        assert (code, "does not have the SHA-256" in out + err) == (2, True), (out, err)


def test_threat_25_a_report_signs_for_nothing(desk: Desk):
    """No policy asks for a report of another program, so none can be forged or used twice: CI works all checks out again."""
    desk.write("datasets/reviews/qa-report.json", '{"result":"passed"}')
    desk.commit("Bring a report", "ben")
    code, items = desk.verify("HEAD")
    assert (code, items[0]["state"]) == (1, "denied")


def judged(desk: Desk, out: Path) -> tuple[object, ...]:
    """Return what `verify` and `ci` say of `main...topic`, without the names of the commits and the count of unprotected files."""
    code, (step,) = desk.verify()
    ci, _, _ = desk.labelvc("ci", "--base", "main", "--head", "topic", "-o", str(out))
    review = json.loads((out / "review.json").read_bytes())
    verdict = {name: review["verdict"][name] for name in ("state", "needs", "said", "problems", "uncovered")}
    head = review["head"]["commit"]
    quality = json.loads(json.dumps(review["quality"]).replace(head, "HEAD").replace(head[:12], "HEAD"))
    return code, {name: step[name] for name in ("state", "needs", "uncovered", "problems")}, ci, verdict, quality


def test_threat_25_yesterdays_report_in_an_unprotected_place_changes_nothing(
    zoo: Zoo, people_keys: Path, labelvc: Run, tmp_path: Path
):
    """A review without a finding, made of the state before and renamed to the present one, and one of another program."""
    desk = govern(zoo, people_keys, labelvc)
    zoo.git("switch", "-q", "-c", "topic")
    zoo.change("pets/p2#m1", value={"score": 3})
    yesterday = zoo.commit("Three")
    good = judged(desk, tmp_path / "good")
    assert (good[0], good[2], [each["rule"] for each in good[-1]["findings"]]) == (1, 1, ["approval.missing"])

    zoo.change("pets/p2#m1", value={"score": 9})
    today = zoo.commit("Nine")
    before = judged(desk, tmp_path / "before")
    code, step, ci, verdict, quality = before
    assert (code, ci, step["state"], verdict["state"]) == (1, 1, "missing", "missing")
    assert {each["rule"] for each in quality["findings"]} == {"score.range", "approval.missing"}

    for path in (tmp_path / "good").iterdir():
        desk.write(f"reports/{path.name}", path.read_text().replace(yesterday, today))
        desk.write(path.name, path.read_text().replace(yesterday, today))
    desk.write("qa-report.json", json.dumps({"result": "passed", "errors": 0, "commit": today}))
    zoo.commit("Bring reports")
    assert judged(desk, tmp_path / "after") == before


def test_threat_26_the_population_says_how_much_each_approval_covered(desk: Desk):
    """Nothing proves that somebody looked; the list of all that came in gives an auditor what to ask about."""
    desk.approve("ben")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    code, out, _ = desk.labelvc("audit", "population", "HEAD~1..HEAD", "--format", "jsonl")
    (row,) = map(json.loads, out.splitlines())
    assert code == 0
    assert (row["state"], row["counts"]["records"]["changed"]) == ("approved", 1)
    assert row["approvals"][0]["principal"] == "ben"


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "a/../../evil"])
def test_threat_27_a_bundle_that_leads_out_of_its_folder_is_refused(desk: Desk, tmp_path: Path, name: str):
    (tmp_path / "evil.tar").write_bytes(tar._header(name, 4) + b"evil".ljust(512, b"\0") + bytes(1024))
    code, out, err = desk.run(tmp_path, "audit", "recheck", "evil.tar")
    assert (code, out) == (2, "")
    assert "a name in the archive leads out of its folder" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["desk", "evil.tar"]


def test_threat_28_a_proof_with_salt_gives_no_neighbour_away(people: Desk):
    salted(people)
    proof = json.loads(people.labelvc("audit", "prove", "reviews/rev-2#r1")[1])
    lines = (people.folder / SHARD).read_bytes().splitlines()
    salts = (b"", bytes.fromhex(proof["salt"]))
    guesses = {hashlib.sha256(b"\0" + salt + line).hexdigest() for line in lines for salt in salts}
    assert proof["lines"]["path"]
    assert not guesses & set(proof["lines"]["path"])


def test_threat_29_a_key_that_signed_nothing_yet_is_told(desk: Desk):
    """Owners of the root prove that they hold their keys by signing; of a key that is only listed, the policy says so."""
    words = ("policy", "add", "mallory", "--name", "Mal Ory", "--key", f"{desk.key('mallory')}.pub")
    code, _, err = desk.labelvc(*words, "--sign-with", desk.key("ada"))
    assert code == 0
    assert "note: nothing proves yet that mallory holds SHA256:" in err


def test_threat_13_the_last_release_is_proved_with_its_approvals(main: Desk):
    main.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    step = main.git("rev-parse", "HEAD")
    said = main.approve("ben", f"{step}^..{step}")
    released(main, "1.0.0")
    said.unlink()
    main.commit("Lose the yes")
    code, (found,) = main.verify(f"{step}^...HEAD")
    assert (code, found["state"]) == (1, "missing")
