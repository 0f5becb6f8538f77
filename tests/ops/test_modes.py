"""Modes of sensitive fields: what an import leaves in each, what a check takes for it, and what is never shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.core import protection, pseudonym
from labelvc.core.veil import HIDDEN, Veil
from labelvc.errors import ConfigurationError, DataError
from labelvc.model import jsonpointer
from labelvc.model.names import Key
from labelvc.model.project import Sensitive
from labelvc.ops import transfer
from labelvc.ops.request import Request
from tests.zoo import PLAIN, Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
PETS = "datasets/pets/dataset.yaml"
DATASET = "0c4a7f7e-6c1e-4b3a-9a5e-2f6c1b7d9e10"


@pytest.fixture
def ready(zoo: Zoo) -> Zoo:
    zoo.begin_pseudonyms()
    zoo.replace(PETS, "  - {pointer: /ext/owner, kind: person, layer: items}\n", "")
    zoo.commit("Pseudonyms")
    return zoo


def declare(zoo: Zoo, *fields: str) -> None:
    zoo.replace(PETS, "sensitive:\n", "sensitive:\n" + "".join(f"  - {field}\n" for field in fields))


def bring(zoo: Zoo, *rows: dict[str, Any], task: str = "note", key: tuple[str, ...] = ()) -> None:
    path = zoo.folder.parent / "in.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = {"item": "item", "by": "by", "value": "said", "key": key}
    transfer.perform(zoo.at, Request("jsonl", path, "pets", task, "add", words, add_labels=False))


def row(number: int = 1, **more: Any) -> dict[str, Any]:
    return {"item": f"p{number}", "id": f"r{number}", "by": "anna", "said": f"hello {number}", **more}


def records(zoo: Zoo) -> list[dict[str, Any]]:
    found = [
        json.loads(line)
        for path in zoo.folder.glob("datasets/pets/annotations/**/*.jsonl")
        for line in path.read_text().splitlines()
    ]
    return [one for one in found if one["id"].startswith("r") and one.get("task") == "note"]


def one_of(zoo: Zoo) -> dict[str, Any]:
    (found,) = records(zoo)
    return dict(found["ext"]["jsonl"])


def plain(zoo: Zoo) -> list[str]:
    return sorted(
        f"{found.place.pointer} {found.rule}" for found in zoo.everything() if found.rule.startswith("privacy")
    )


@pytest.mark.parametrize(
    ("how", "value", "stored"),
    [
        ("mode: drop", PLAIN, None),
        ("mode: drop", {"a": [PLAIN]}, None),
        ("mode: generalise, to: month", "1984-05-17", "1984-05"),
        ("mode: generalise, to: month", "1984-05", "1984-05"),
        ("mode: generalise, to: year", "1984-05-17T10:00:00Z", "1984"),
        ("mode: generalise, step: 10", 47, 40),
        ("mode: generalise, step: 10", -1, -10),
        ("mode: generalise, step: 0.1", 0.75, 0.7),
        ("mode: generalise, step: 10", "47", 40),
        ("mode: generalise, prefix: 2", "04109", "04"),
    ],
)
def test_a_field_holds_what_its_mode_leaves_and_the_check_takes_it(ready: Zoo, how: str, value: Any, stored: Any):
    declare(ready, f"{{pointer: /ext/jsonl/told, {how}}}")
    bring(ready, row(told=value, other="kept"))
    assert one_of(ready) == {"other": "kept", **({} if stored is None else {"told": stored})}
    assert plain(ready) == []
    bring(ready, row(told=value if stored is None else stored, other="kept"))  # what was protected stays as it is
    assert one_of(ready).get("told") == stored


@pytest.mark.parametrize(
    ("how", "value"),
    [
        ("mode: drop", PLAIN),
        ("mode: drop", 48151),
        ("mode: generalise, to: month", "1984-05-17"),
        ("mode: generalise, to: year", "1984-05"),
        ("mode: generalise, step: 10", 47),
        ("mode: generalise, step: 10", "40"),
        ("mode: generalise, prefix: 2", "041"),
    ],
)
def test_a_plain_value_that_was_edited_in_is_found_and_never_shown(ready: Zoo, how: str, value: Any, labelvc):
    declare(ready, f"{{pointer: /ext/told, {how}}}")
    ready.commit("Declare")
    before = ready.row("pets/p1#n1")
    ready.change("pets/p1#n1", ext={"told": value})
    assert plain(ready) == ["/ext/told privacy.plaintext"]
    for command in (["diff", "HEAD"], ["check", "--all"], ["diff", "HEAD", "--format", "json"]):
        _, out, err = labelvc(ready.folder, *command)
        assert json.dumps(value) not in out + err
        assert str(value) not in (out + err).replace(before["at"], "") or len(str(value)) < 4
    _, out, _ = labelvc(ready.folder, "diff", "HEAD", "--format", "json")
    assert HIDDEN in out


def test_a_glob_protects_every_member_and_element(ready: Zoo):
    declare(ready, "{pointer: /ext/jsonl/people/*/mail, kind: email}", "{pointer: /ext/jsonl/tags/*, mode: drop}")
    bring(
        ready,
        row(people=[{"mail": "Ada@Example.com"}, {"name": "x"}, {"mail": "ben@example.com"}], tags={"a": 1, "b": 2}),
        row(2, people={"x": {"mail": "ada@example.com"}}, tags=["a"]),
    )
    first, second = (found["ext"]["jsonl"] for found in sorted(records(ready), key=lambda one: one["id"]))
    mails = [first["people"][0]["mail"], first["people"][2]["mail"], second["people"]["x"]["mail"]]
    assert all(map(pseudonym.is_token, mails))
    assert mails[0] == mails[2] != mails[1]
    assert (first["tags"], second["tags"]) == ({}, [])
    assert plain(ready) == []
    ready.change("pets/p1#n1", ext={"jsonl": {"people": PLAIN}})
    assert "/ext/jsonl/people" in {one.place.pointer for one in ready.everything()}


@pytest.mark.parametrize("people", [[{"mail": PLAIN}], {"x": {"mail": PLAIN}}, [[PLAIN]], PLAIN, [{"mail": [PLAIN]}]])
def test_no_command_shows_a_plain_value_that_a_glob_reaches(ready: Zoo, labelvc, people: Any):
    declare(ready, "{pointer: /ext/people/*/mail, kind: email}", "{pointer: /ext/people/*/*, mode: drop}")
    ready.commit("Declare")
    ready.change("pets/p1#n1", ext={"people": people})
    shown = [labelvc(ready.folder, "diff", *words) for words in ((), ("--format", "json"), ("--format", "markdown"))]
    ready.commit("Bring a plain value")
    for command in (
        ("blame", "pets/p1"),
        ("blame", "pets/p1", "--format", "json"),
        ("trace", "pets/p1#n1"),
        ("log", "pets/p1#n1"),
    ):
        shown.append(labelvc(ready.folder, *command))
        shown.append(labelvc(ready.folder, *command, "--format", "json"))
    assert not [said for said in shown if PLAIN in said[1] + said[2]]
    assert any(HIDDEN in out for _, out, _ in shown)


@pytest.mark.parametrize("layer", ["annotations", "items"])
@pytest.mark.parametrize("how", ["kind: email", "mode: drop", "mode: generalise, to: month"])
def test_no_export_carries_a_plain_value_on(ready: Zoo, labelvc, tmp_path: Path, how: str, layer: str):
    declare(ready, f"{{pointer: /ext/told, layer: {layer}, {how}}}")
    ready.change("pets/p1#n1" if layer == "annotations" else "pets/p1#", ext={"told": PLAIN})
    words = ("export", "jsonl", "-D", "pets", "--task", "note", "-o", str(tmp_path / "out.jsonl"))
    code, out, err = labelvc(ready.folder, *words)
    assert (code, PLAIN in out + err, (tmp_path / "out.jsonl").exists()) == (2, False, False)
    assert "declared sensitive" in err


def test_a_scope_says_how_far_equal_values_share_a_token(ready: Zoo):
    declare(
        ready,
        "{pointer: /ext/jsonl/a, kind: email}",
        "{pointer: /ext/jsonl/b, kind: email, scope: dataset}",
        "{pointer: /ext/jsonl/c, kind: email, scope: record}",
    )
    mail = "ada@example.com"
    bring(ready, row(1, a=mail, b=mail, c=mail), row(2, a=mail, b=mail, c=mail))
    first, second = (one["ext"]["jsonl"] for one in sorted(records(ready), key=lambda one: one["item"]))
    assert first["a"] == second["a"]
    assert first["b"] == second["b"] != first["a"]
    assert len({first["a"], first["b"], first["c"], second["c"]}) == 4
    assert plain(ready) == []


def test_a_field_of_its_record_alone_needs_the_record_to_have_an_id(ready: Zoo):
    declare(ready, "{pointer: /ext/jsonl/c, kind: email, scope: record}")
    nameless = {name: value for name, value in row(c="ada@example.com").items() if name != "id"}
    with pytest.raises(DataError, match="has no id") as caught:
        bring(ready, nameless, key=("item",))
    assert "ada@" not in str(caught.value)


@pytest.mark.parametrize("value", ["yesterday", "17.05.1984", True, "NaN", "1e999999999", [1], {}])
@pytest.mark.parametrize("how", ["to: month", "step: 10"])
def test_what_cannot_be_made_coarser_stops_the_import_and_is_not_shown(ready: Zoo, how: str, value: Any):
    declare(ready, f"{{pointer: /ext/jsonl/told, mode: generalise, {how}}}")
    before = sorted(ready.folder.glob("datasets/**/*.jsonl"))
    with pytest.raises(DataError) as caught:
        bring(ready, row(told=value))
    assert "/ext/jsonl/told" in caught.value.message
    assert str(value) not in caught.value.message + caught.value.hint
    assert sorted(ready.folder.glob("datasets/**/*.jsonl")) == before


def test_an_id_that_is_a_dropped_value_would_tell_it(ready: Zoo):
    declare(ready, "{pointer: /ext/jsonl/told, mode: drop}")
    with pytest.raises(DataError, match="the item is the plain value"):
        bring(ready, row(told="p1"))


@pytest.mark.parametrize(
    "field",
    [
        "{pointer: /item, mode: drop}",
        "{pointer: /id, scope: record}",
        "{pointer: /id, mode: generalise, prefix: 2, layer: items}",
        "{pointer: /task}",
        "{pointer: /value, mode: drop}",
        "{pointer: '/*', mode: drop}",
        "{pointer: /by, mode: drop}",
        "{pointer: /ext/x, mode: generalise}",
        "{pointer: /ext/x, mode: generalise, to: month, step: 1}",
        "{pointer: /ext/x, mode: drop, scope: record}",
        "{pointer: /ext/x, to: month}",
        "{pointer: /ext/x, mode: generalise, step: 0}",
        "{pointer: /ext/x, mode: hidden}",
    ],
)
def test_what_cannot_be_meant_is_refused(ready: Zoo, field: str):
    declare(ready, field)
    with pytest.raises(ConfigurationError):
        bring(ready, row())


SHAPES = [
    Sensitive("/x", mode="drop"),
    Sensitive("/x", mode="generalise", to="month"),
    Sensitive("/x", mode="generalise", to="year"),
    Sensitive("/x", mode="generalise", step=10),
    Sensitive("/x", mode="generalise", step=0.1),
    Sensitive("/x", mode="generalise", prefix=3),
    Sensitive("/x"),
]


@given(
    st.sampled_from(SHAPES),
    st.one_of(
        st.text(max_size=5), st.dates().map(str), st.integers(-(2**40), 2**40), st.floats(-1e6, 1e6), st.booleans()
    ),
)
def test_what_was_made_coarser_has_the_form_of_its_field_and_stays(field: Sensitive, value: Any):
    """The veil, and the import a second time, agree with what the import made."""
    if field.mode != "generalise":
        assert not protection.proof(field)(value)
        return
    try:
        found = protection.coarser(field, value)
    except DataError:
        return
    assert protection.proof(field)(found) or found == ""
    assert protection.coarser(field, found) == found


@given(
    st.recursive(
        st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab*"), inner, max_size=3),
    )
)
def test_the_veil_hides_whatever_an_import_would_replace(value: Any):
    """Two walks along a glob, one that changes and one that hides, reach the same places."""
    for glob in ("/ext/*", "/ext/a/*", "/ext/*/b", "/ext/*/*"):
        veil = Veil(lambda _, glob=glob: [Sensitive(glob)])
        line = {"ext": value}
        drawn = veil.over(Key("d", "i", "r"), line)
        reached = [holder[name] for holder, name in jsonpointer.places(drawn, jsonpointer.steps(glob))]
        assert all(one in (HIDDEN, None) for one in reached)
        assert drawn is not line or not reached


@given(st.sampled_from([0.1, 0.05, 0.25, 2.5, 10, 3, 0.3]), st.integers(-10_000, 10_000), st.integers(1, 3))
def test_the_lower_end_of_a_bin_is_a_multiple_of_its_width_for_the_validator_too(step: float, number: int, places: int):
    """The schema that check uses is judged by another library, whose arithmetic may differ from ours."""
    field = Sensitive("/x", mode="generalise", step=step)
    found = protection.coarser(field, number / 10**places)
    assert jsonschema_rs.validator_for(protection.form(field)).is_valid(found), (step, number / 10**places, found)


def test_the_page_names_every_mode():
    page = (Path(__file__).parents[2] / "docs/formats/privacy.md").read_text()
    for mode in ("keyed", "random", "sealed", "drop", "generalise"):
        assert f"| `{mode}` |" in page
