"""An approval of so much that its list is too long for a file in git: it holds for the very change, and for nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import jsonschema

from labelvc.codec import dsse, schema
from labelvc.ops import approve, sealing
from labelvc.store import git as plumbing
from labelvc.store import keys
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]


def said(desk: Desk, decision: str = "approve", most: int = 200) -> dict[str, bytes]:
    """Return what Ben writes, with lists of so many bytes at most."""
    signer = keys.signer(desk.key("ben"), None, str)
    wish = approve.Wish("reviewer", decision, reason="" if decision == "approve" else "no")  # type: ignore[arg-type]
    change = approve.examine(plumbing.find(desk.folder), "main...topic", None, wish)
    made = approve.draft(change, wish, signer.key, datetime.now(UTC), "0" * 32, most)
    return sealing.seal(change, made, signer)


def test_a_long_list_is_left_out_and_the_approval_holds_for_the_very_change(desk: Desk):
    desk.relabel("fine", "rev-2")
    ((path, data),) = said(desk).items()
    payload = json.loads(dsse.decode(data, dsse.IN_TOTO).payload)
    assert payload["predicate"]["scope"]["binding"] == "whole"
    jsonschema.Draft202012Validator(schema.schema("approval")).validate(payload)
    desk.write(path, data)
    desk.commit("Approve", "ben")
    assert desk.verify()[0] == 0
    desk.git("checkout", "-q", "main")
    desk.relabel("meanwhile", "rev-6", who="ben")
    start = desk.git("rev-parse", "HEAD")
    desk.git("merge", "-q", "--squash", "topic")
    desk.commit("Squash onto a main that went on")
    assert desk.verify(f"{start}..HEAD")[0] == 0
    records = desk.records()
    desk.git("reset", "-q", "--hard", start)
    desk.git("checkout", "-q", "topic", "--", "approvals")
    desk.save({**records, "rev-3": {**records["rev-3"], "rev": 2, "value": {"text": "more"}}})
    desk.commit("Something beside it")
    code, (step,) = desk.verify(f"{start}..HEAD")
    assert (code, step["covered"], step["total"]) == (1, 0, 3)


def test_a_short_list_and_that_of_a_no_are_kept(desk: Desk):
    """Without its list a no would bind the very change alone, and one label more would go round it."""
    assert len(said(desk)) == 2
    desk.relabel("fine", "rev-2")
    files = said(desk, "reject")
    assert [path.rpartition("/")[2] for path in sorted(files)][-1] == "changeset.jsonl"
