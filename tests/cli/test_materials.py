"""What a signer says they went by: reports, plans and lists of their own, and where it was talked about."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import jsonschema

from labelvc.codec import dsse, schema, statement
from labelvc.model.policy import Need, Role
from tests import people
from tests.cli.test_bundle import DATASET, KEY
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]
PULL = "https://example.org/labels/pull/12"


def test_what_a_signer_went_by_is_signed_shown_and_found_again(desk: Desk, tmp_path: Path):
    desk.relabel("good", KEY[8:14])
    desk.write("reports/qa.json", '{"errors":0}\n')
    desk.commit("The report", "cleo")
    sample, other = tmp_path / "sample.csv", tmp_path / "more/sample.csv"
    other.parent.mkdir()
    for file in (sample, other):
        file.write_text("reviews/rev-1#r1\n")
    words = ("main...topic", "--role", "reviewer", "--key", desk.key("ben"), "--reference", PULL)
    asked = [part for file in ("reports/qa.json", sample) for part in ("--material", str(desk.folder / file))]
    code, _, err = desk.labelvc("approve", *words, "--material", str(sample), "--material", str(other))
    assert (code, "two materials have one name" in err) == (1, True)
    code, _, err = desk.labelvc("approve", *words[:-1], "https://example.org/\x1b[31m")
    assert (code, "control or direction characters" in err, "\x1b" in err) == (2, True, False), err
    code, _, err = desk.labelvc("approve", *words, *asked)
    digest = hashlib.sha256(sample.read_bytes()).hexdigest()
    assert code == 0, err
    assert f"went by     file:sample.csv sha256:{digest}\n" in err
    assert "went by     reports/qa.json sha256:" in err
    assert f"reference   {PULL}\n" in err
    path = next((desk.folder / "approvals").rglob("ben.*.json"))
    payload = dsse.decode(path.read_bytes(), dsse.IN_TOTO).payload
    jsonschema.Draft202012Validator(schema.schema("approval")).validate(json.loads(payload))
    said = statement.decode_approval(payload)
    assert statement.encode_approval(said) == payload
    names = [each.name for each in said.materials]
    assert names == sorted(names)
    assert {"file:sample.csv", "reports/qa.json", "labelvc.yaml"} <= {*names}
    desk.commit("Approve", "ben")
    assert desk.verify()[0] == 0
    desk.git("checkout", "-q", "main")
    desk.write("datasets/reviews/dataset.yaml", DATASET)
    (desk.folder / "guidelines/mood.yaml").unlink()
    desk.commit("Begin")
    desk.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    out = desk.labelvc("audit", "trace", KEY)[1]
    assert f"             talked about: {PULL}\n             went by file:sample.csv sha256:{digest}\n" in out
    assert "went by labelvc.yaml" not in out
    document = json.loads(desk.labelvc("audit", "trace", KEY, "--format", "json")[1])
    jsonschema.Draft202012Validator(schema.schema("audit-trace")).validate(document)
    told = [one for item in document["items"] for one in item.get("statements", ()) if "reference" in one]
    assert [(one["reference"], len(one["materials"])) for one in told] == [(PULL, len(names))]


def test_a_file_of_the_branch_that_was_edited_since_is_not_called_the_branch_s(desk: Desk):
    desk.write("reports/qa.json", '{"errors":0}\n')
    desk.commit("The report", "cleo")
    desk.write("reports/qa.json", '{"errors":9}\n')
    words = ("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    err = desk.labelvc(*words, "--material", str(desk.folder / "reports/qa.json"))[2]
    assert "went by     file:qa.json sha256:" in err


def test_a_stage_is_a_role_and_two_stages_are_two_people(desk: Desk):
    roles = {"first": Role(("ben", "cleo")), "final": Role(("ben", "cleo"))}
    needs = tuple(Need(role, distinct_from=("author",)) for role in roles)
    people.govern(desk, lambda old: people.labels_rule(people.replace(old, roles={**old.roles, **roles}), needs=needs))
    for role in roles:
        desk.approve("ben", "main...topic", role)
    code, (step,) = desk.verify()
    assert (code, step["state"], [need["have"] for need in step["needs"]]) == (1, "missing", [1, 0])
    desk.approve("cleo", "main...topic", "final")
    assert desk.verify()[0] == 0
