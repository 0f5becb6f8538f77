"""`trace --checks`: what the checks find in each version of a record, under the documents of its own commit."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from inline_snapshot import snapshot

from labelvc.codec import canonical, schema
from labelvc.model.names import Key
from labelvc.ops import check, hindsight, trace
from labelvc.store import tree
from tests.cli.test_history import masked
from tests.zoo import BEN, PLAIN, Zoo, rating, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
KEY = "pets/p2#m1"
DATASET = "datasets/pets/dataset.yaml"
WAIVER = {
    "rule": "score.range",
    "at": KEY,
    "reason": "a known slip",
    "by": "ben",
    "made": "2026-02-01",
    "expires": "2026-03-31",
}


@pytest.fixture
def judged(zoo: Zoo) -> Zoo:
    """Return the zoo with a record that is good, out of range, the same where that is waived, is off, and deleted wrongly."""
    zoo.change(KEY, value={"score": 9})
    zoo.commit("Out of range")
    zoo.write("waivers.jsonl", canonical.encode(WAIVER) + b"\n")
    zoo.change(KEY, value={"score": 8})
    zoo.commit("Out of range, waived")
    (zoo.folder / "waivers.jsonl").unlink()
    zoo.replace(DATASET, "checks: {}", "checks: {score.range: {severity: off}}")
    zoo.change(KEY, value={"score": 7})
    zoo.commit("Out of range, off")
    zoo.put(KEY, None)
    zoo.commit("Deleted without a tombstone")
    return zoo


def read(labelvc: Run, zoo: Zoo, key: str, code: int = 0) -> dict[str, Any]:
    got, out, err = labelvc(zoo.folder, "trace", key, "--checks", "--format", "json")
    assert got == code, err
    document: dict[str, Any] = json.loads(out)
    jsonschema.Draft202012Validator(schema.schema("trace")).validate(document)
    return document


def test_each_version_is_judged_by_its_own_settings(judged: Zoo, labelvc: Run):
    code, out, err = labelvc(judged.folder, "trace", KEY, "--checks")
    assert (code, err) == (0, "")
    told = [
        line
        for line in masked(out).splitlines()
        if line.startswith(("   check", "     ", "checks", "1", "2", "3", "4", "5"))
    ]
    assert "\n".join(told) == snapshot("""\
1. added    score 0
   check     no findings
2. changed  /value/score 0 -> 9
   check     1 error
             error   score.range        /value/score  the score 9 is outside -4 to 4 in steps of 1
3. changed  /value/score 9 -> 8
   check     no findings, 1 waived
4. changed  /value/score 8 -> 7
   check     no findings
5. removed  score 7
   check     1 error
             error   record.rev         the record was deleted without a tombstone
checks   worked out now, by the rules of this labelvc under each commit's own documents; no file keeps what `check` said then\
""")


def test_in_json_it_fits_its_schema(judged: Zoo, labelvc: Run):
    document = read(labelvc, judged, KEY)
    assert document["summary"]["checks"] == "worked out now"
    assert [
        [(one["rule"], one["severity"], one.get("state", "")) for one in item["checks"]["findings"]]
        for item in document["items"]
    ] == [[], [("score.range", "error", "")], [("score.range", "error", "waived")], [], [("record.rev", "error", "")]]
    plain = json.loads(labelvc(judged.folder, "trace", KEY, "--format", "json")[1])
    assert plain["summary"]["checks"] == "not told"
    assert not any("checks" in item for item in plain["items"])


def test_it_finds_what_a_check_of_that_commit_finds_of_the_record(zoo: Zoo):
    """The whole of each commit is checked and what is about the record picked out: nothing more, nothing less."""
    zoo.change(KEY, value={"score": 9}, under="mood@9.9.9", ext={"contact": PLAIN})
    zoo.commit("Much is wrong")
    zoo.put("pets/p2#m1", {**zoo.row(KEY), "rev": 3, "task": "nothing"})
    zoo.put(
        "pets/p2#w9", {**zoo.row("pets/p1#w1"), "item": "p2", "id": "w9", "value": {"label": "yeti", "span": [4, 900]}}
    )
    zoo.commit("Another task")
    zoo.store_in_dvc()
    zoo.commit("Behind a pointer")
    zoo.put(KEY, rating("p2", 3, BEN, rev=4))
    zoo.commit("Good again")
    for key in (KEY, "pets/p2#w9", "pets/p2#"):
        life = trace.trace(zoo.at, Key.parse(key))
        seen = hindsight.judged(zoo.at, life)
        assert not any(one.untold for one in seen)
        whole = [check.everything(zoo.at, tree.commit(zoo.at, step.commit.id)).findings for step in life.steps]
        assert [list(one.findings) for one in seen] == [
            [each for each in some if each.place.key == key] for some in whole
        ]
        assert any(one.findings for one in seen) == (not key.endswith("#"))


def test_a_rev_that_does_not_grow_is_told_where_check_tells_it(zoo: Zoo, labelvc: Run):
    zoo.put(KEY, {**zoo.row(KEY), "value": {"score": 3}})
    zoo.commit("The same rev again")
    code, out, _ = labelvc(zoo.folder, "check", "HEAD~1..HEAD", "--format", "json")
    assert code == 1
    (found,) = [one for one in json.loads(out)["items"] if one["rule"] == "record.rev"]
    (told,) = read(labelvc, zoo, KEY)["items"][-1]["checks"]["findings"]
    assert {name: told[name] for name in told if name != "hint"} == {
        name: found[name] for name in told if name != "hint"
    }
    assert (told["place"]["pointer"], told["hint"]) == ("/rev", "labelvc format")


def test_a_plain_value_is_not_told(zoo: Zoo, labelvc: Run):
    zoo.change(KEY, by=PLAIN, ext={"contact": PLAIN})
    zoo.commit("Plain")
    for words in ((), ("--format", "json")):
        code, out, err = labelvc(zoo.folder, "trace", KEY, "--checks", *words)
        assert code == 0
        assert "pseudonym" in out
        assert PLAIN not in out + err


def test_a_version_under_broken_documents_cannot_be_told(zoo: Zoo, labelvc: Run):
    zoo.replace("taxonomies/animals.yaml", "version: 1.0.0", "version: one")
    zoo.change(KEY, value={"score": 9})
    zoo.commit("Broken")
    zoo.replace("taxonomies/animals.yaml", "version: one", "version: 1.0.0")
    zoo.change(KEY, value={"score": 2})
    zoo.commit("Mended")
    _, broken, mended = read(labelvc, zoo, KEY, code=2)["items"]
    assert "taxonomies/animals.yaml" in broken["checks"]["untold"]
    assert mended["checks"] == {"findings": [], "untold": ""}
    assert (
        "check     cannot be told: the documents of that commit are wrong"
        in labelvc(zoo.folder, "trace", KEY, "--checks")[1]
    )


def test_it_is_not_for_prov(zoo: Zoo, labelvc: Run):
    code, out, err = labelvc(zoo.folder, "trace", KEY, "--checks", "--format", "prov")
    assert (code, out) == (2, "")
    assert "--checks is told as text or json" in err
