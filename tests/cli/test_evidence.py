"""`audit trace`: each fact with what proves it, and what is not there said."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from labelvc.codec import schema
from tests.cli.test_bundle import DATASET, KEY
from tests.people import SHARD, Desk
from tests.trusting import desk, desk_template, govern, people_keys
from tests.zoo import ANNA, Zoo, zoo, zoo_template

__all__ = ["desk", "desk_template", "people_keys", "zoo", "zoo_template"]


def told(desk: Desk, *words: str) -> dict:
    code, out, err = desk.labelvc("audit", "trace", KEY, *words, "--format", "json")
    assert (code, err) == (0, ""), err
    document = json.loads(out)
    assert schema.problems("audit-trace", document) == []
    return document


def merged(desk: Desk) -> Desk:
    """Return the desk with a record that Ben approved before it was merged."""
    desk.relabel("good", KEY[8:14], by=ANNA)
    desk.approve("ben", "main...topic")
    desk.git("checkout", "-q", "main")
    desk.write("datasets/reviews/dataset.yaml", DATASET)
    (desk.folder / "guidelines/mood.yaml").unlink()
    desk.commit("Begin")
    desk.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    return desk


def test_each_fact_has_its_proof(desk: Desk):
    merged(desk)
    (item,) = told(desk)["items"]
    line = next(raw for raw in (desk.folder / SHARD).read_bytes().splitlines() if b'"item":"rev-26"' in raw)
    assert item["new"] == f"sha256:{hashlib.sha256(line).hexdigest()}"
    assert item["integrated"]["id"] == desk.git("rev-parse", "HEAD")
    assert item["integrated"]["parent"] == desk.git("rev-parse", "HEAD^1")
    assert item["commit"]["authors"] == ["ada"]
    assert item["approval"] == "covered"
    (said,) = item["statements"]
    assert (said["principal"], said["then"], said["now"], said["stood"]) == ("ben", "good", "good", True)
    assert Path(desk.folder / said["path"]).name.split(".")[1] == said["digest"][7:19]
    code, (judged,) = desk.verify("HEAD^1..HEAD")
    assert (item["state"], item["changeset"], item["policy"]["version"]) == (
        judged["state"],
        judged["changeset"],
        judged["policy"],
    )
    assert code == 0


def test_what_was_good_then_may_not_be_now(desk: Desk):
    merged(desk)
    words = ("--key", f"{desk.key('ben')}.pub", "--sign-with", desk.key("ada"))
    assert (
        desk.labelvc("policy", "add", "ben", "--key", f"{desk.key('ben2')}.pub", "--sign-with", desk.key("ada"))[0] == 0
    )
    desk.commit("A second key")
    assert desk.labelvc("policy", "remove", "ben", *words)[0] == 0
    desk.commit("The first key is gone")
    (said,) = told(desk)["items"][0]["statements"]
    assert said["then"] == "good"
    assert "does not belong to ben" in said["now"]
    text = desk.labelvc("audit", "trace", KEY)[1]
    assert "signature good under policy 3, would not count today: the key SHA256:" in text


def test_what_is_not_there_is_said(desk: Desk):
    merged(desk)
    records = desk.records()
    records["rev-26"] |= {"rev": 2, "value": {"text": "worse"}}
    desk.save(records)
    desk.commit("Nobody saw this")
    document = told(desk)
    assert document["items"][1]["approval"] == "none: no statement covers this change"
    assert document["items"][1]["state"] == "missing"
    assert (document["summary"]["releases"], document["summary"]["checks"]) == ([], "not told")
    text = desk.labelvc("audit", "trace", KEY)[1]
    assert "approval  none: no statement covers this change" in text
    assert "release   none: there is no releases/ folder" in text
    assert re.search(r"root +sha256:[0-9a-f]{64} \(unpinned\)", text)
    anchor = document["summary"]["root"]["root"]
    assert told(desk, "--root", anchor)["summary"]["root"] == {"root": anchor, "pinned": True}
    desk.approve("ben", "HEAD^..HEAD")
    assert told(desk)["items"][1]["approval"] == "none: what approves it came after it"


def test_a_release_that_holds_the_line_is_followed_to_its_root(desk: Desk):
    merged(desk)
    assert desk.labelvc("release", "cut", "1.0.0", "--unapproved", "--yes", "--key", desk.key("ada"))[0] == 0
    desk.commit("Release 1.0.0")
    (release,) = told(desk)["summary"]["releases"]
    listed = json.loads(desk.labelvc("release", "list", "--format", "json")[1])["items"][0]
    assert (release["version"], release["digest"], release["state"]) == ("1.0.0", listed["digest"], "good")
    assert release["root"] == listed["datasets"][0]["root"]
    assert f"the line leads to {release['root']}" in desk.labelvc("audit", "trace", KEY)[1]


def test_before_a_policy_and_for_nobody(desk: Desk):
    desk.git("checkout", "-q", "main")
    desk.write("datasets/reviews/dataset.yaml", DATASET)
    (desk.folder / "guidelines/mood.yaml").unlink()
    desk.commit("Begin")
    code, _, err = desk.labelvc("audit", "trace", "reviews/nobody#r1")
    assert (code, "no commit up to HEAD ever held" in err) == (2, True)
    assert desk.labelvc("audit", "trace", "nonsense")[0] == 2


def test_the_item_is_told_with_the_digest_of_its_line(desk: Desk):
    merged(desk)
    desk.write("datasets/reviews/items/00.jsonl", b'{"id":"rev-26","text":"nice"}\n')
    desk.commit("The item")
    document = told(desk)
    item = hashlib.sha256(b'{"id":"rev-26","text":"nice"}').hexdigest()
    assert document["summary"]["item"] == f"sha256:{item}"
    assert f"item      text nice  line sha256:{item}" in desk.labelvc("audit", "trace", KEY)[1]


def test_a_guideline_that_says_something_else_today_is_told(zoo: Zoo, people_keys: Path, labelvc):
    """The digest is that of the file as it was when the label was made, beside that of today's."""
    desk = govern(zoo, people_keys, labelvc)
    path = zoo.folder / "guidelines/mood.yaml"
    digests = [f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"]
    zoo.write("guidelines/mood.yaml", path.read_bytes() + b"# a word of today\n")
    zoo.commit("Say it in another way")
    digests.append(f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}")
    for today, shown in ((digests[1], f"(today {digests[1]})"), (None, "(today gone)")):
        found = json.loads(desk.labelvc("audit", "trace", "pets/p2#m1", "--format", "json")[1])["items"][-1][
            "guideline"
        ]
        assert (found["digest"], found["today"]) == (digests[0], today)
        assert shown in desk.labelvc("audit", "trace", "pets/p2#m1")[1]
        if today:
            zoo.replace("labelvc.yaml", "step: 1, guideline: mood}", "step: 1}")
            path.unlink()
            zoo.commit("Take it away")
