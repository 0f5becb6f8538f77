"""Risk: classes of people who look alike, held against a count by other means; no value is shown that is not coarse."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec import canonical, schema, shard
from labelvc.core import anonymity
from tests.zoo import ANNA, BEN, Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
FIELDS = """sensitive:
  - {pointer: /ext/owner, kind: person, layer: items}
  - {pointer: /ext/born, mode: generalise, to: year, layer: items}
  - {pointer: /ext/age, mode: generalise, step: 10, layer: items}
"""
RISK = """risk:
  quasi:
    - {pointer: /ext/born, layer: items}
    - {pointer: /ext/town, layer: items}
"""
PERSON = "  person: {pointer: /ext/owner, layer: items}\n"


def people(zoo: Zoo, rows: list[tuple[str | None, str | None, str | None]], risk: str = RISK + PERSON) -> None:
    """Put items in place of those there are: born, town and owner."""
    text = zoo.read("datasets/pets/dataset.yaml").decode()
    start = text.index("sensitive:")
    zoo.write("datasets/pets/dataset.yaml", text[:start] + FIELDS + risk + "checks: {}\n")
    for layer in ("items", "annotations"):
        shutil.rmtree(zoo.folder / "datasets/pets" / layer, ignore_errors=True)
    for number, (born, town, owner) in enumerate(rows):
        ext = {name: value for name, value in (("born", born), ("town", town), ("owner", owner)) if value is not None}
        zoo.put(f"pets/i{number}#", {"id": f"i{number}", "natural": {"word": f"w{number}"}, "text": "x", "ext": ext})


def told(zoo: Zoo, labelvc: Run, *words: str) -> dict[str, Any]:
    code, out, err = labelvc(zoo.folder, "privacy", "risk", *words, "--format", "json")
    assert code == 0, err
    whole = json.loads(out)
    assert not list(schema.problems("privacy-risk", whole))
    (one,) = whole["items"]
    return dict(one)


ROWS = [
    ("1980", "Ulm", ANNA),
    ("1980", "Ulm", ANNA),
    ("1980", "Ulm", BEN),
    ("1990", "Bern", BEN),
    ("1990", None, None),
    ("1990", None, None),
]


def test_people_who_look_alike_are_counted(zoo: Zoo, labelvc: Run):
    people(zoo, ROWS)
    found = told(zoo, labelvc)
    assert found["smallest"][0] == {
        "size": 1,
        "records": 1,
        "values": {"items /ext/born": "1990", "items /ext/town": "***"},
        "example": "pets/i3#",
    }
    assert [one["size"] for one in found["smallest"]] == [1, 2, 2]
    assert found["smallest"][2]["values"]["items /ext/town"] in ("***", "(none)")
    del found["smallest"]
    assert found == {
        "dataset": "pets",
        "quasi": ["items /ext/born", "items /ext/town"],
        "person": "items /ext/owner",
        "records": 6,
        "persons": 5,
        "classes": 3,
        "k": 1,
        "in_classes": {
            "records": {"of_one": 1, "below_five": 6, "below_ten": 6},
            "persons": {"of_one": 1, "below_five": 5, "below_ten": 5},
        },
        "prosecutor": {"highest": 1.0, "average": 0.6, "at_highest": 1},
        "population": None,
    }
    people(zoo, ROWS, RISK)
    assert told(zoo, labelvc)["persons"] == 6


def test_nothing_but_coarse_values_is_shown(zoo: Zoo, labelvc: Run):
    """A plain date in a field that should hold years is no coarse value, and neither is a token."""
    people(zoo, [("1980-03-01", "Ulm", None), (ANNA, "Bern", None), ("1990", "Rome", None)])
    code, out, err = labelvc(zoo.folder, "privacy", "risk")
    assert code == 0, err
    for value in ("1980-03-01", "Ulm", "Bern", "Rome", ANNA):
        assert value not in out + err
    assert "/ext/born 1990, /ext/town ***" in out


def test_it_fails_under_a_k(zoo: Zoo, labelvc: Run):
    people(zoo, [("1980", "Ulm", None)] * 3 + [("1990", "Ulm", None)] * 4)
    for k, code in ((3, 0), (4, 1)):
        assert labelvc(zoo.folder, "privacy", "risk", "pets", "--fail-under", str(k))[0] == code


def test_a_dataset_that_declares_nothing_is_never_fine(zoo: Zoo, labelvc: Run):
    for words in ((), ("pets",), ("pictures",)):
        code, out, err = labelvc(zoo.folder, "privacy", "risk", *words, "--fail-under", "5")
        assert (code, out) == (2, "")
        assert "no quasi-identifiers are declared" in err


def test_fields_of_records_count_each_record_with_its_item(zoo: Zoo, labelvc: Run):
    text = zoo.read("datasets/pets/dataset.yaml").decode()
    risk = "risk: {quasi: [{pointer: /task}, {pointer: /text, layer: items}], person: {pointer: /by}}\nchecks"
    zoo.write("datasets/pets/dataset.yaml", text.replace("checks", risk))
    zoo.bury("pets/p1#w2")
    lines = [
        json.loads(line)
        for path in sorted(zoo.folder.glob("datasets/pets/annotations/*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]
    live = [line for line in lines if not line.get("gone")]
    found = told(zoo, labelvc)
    assert found["records"] == len(live)
    assert found["classes"] == len({line["task"] for line in live})
    whose = defaultdict(set)
    for line in live:
        whose[line["task"]].add(line.get("by", (line["item"], line["id"])))
    assert found["persons"] == sum(map(len, whose.values()))


def test_a_population_gives_the_journalist_s_risk(zoo: Zoo, labelvc: Run, tmp_path: Path):
    people(zoo, [("1980", "Ulm", None), ("1980", "Ulm", None), ("1990", "Bern", None)])
    table = tmp_path / "population.csv"
    table.write_text("born,town,count\n1980-01-01,Ulm,30\n1980-12-31,Ulm,10\n1990,Bern,5\n1990,Rome,900\n")
    found = told(zoo, labelvc, "pets", "--population", str(table))
    assert found["population"] == {
        "classes": 3,
        "absent": 0,
        "k": 5,
        "highest": 0.2,
        "average": pytest.approx((2 / 40 + 1 / 5) / 3),
    }
    assert labelvc(zoo.folder, "privacy", "risk", "pets", "--population", str(table), "--fail-under", "5")[0] == 0
    assert labelvc(zoo.folder, "privacy", "risk", "pets", "--population", str(table), "--fail-under", "6")[0] == 1
    table.write_text("/ext/born,/ext/town\n1980,Ulm\n")
    found = told(zoo, labelvc, "pets", "--population", str(table))
    assert (found["population"]["absent"], found["population"]["k"]) == (1, 1)
    for text, said in (
        ("born\n1980\n", "no column 'town'"),
        ("born,town,count\n1980,Ulm,many\n", "no whole number"),
        ("born,town\nsoon,Ulm\n", "no time"),
    ):
        table.write_text(text)
        code, _, err = labelvc(zoo.folder, "privacy", "risk", "pets", "--population", str(table))
        assert (code, said in err) == (2, True), err
        assert "soon" not in err


ROW = st.tuples(st.sampled_from("abcd"), st.sampled_from("pqrs"), st.sampled_from("123"))


@given(st.lists(ROW, max_size=60), st.integers(1, 5))
def test_the_figures_are_those_of_a_count_by_hand(rows: list[tuple[str, str, str]], parts: int):
    """Against counting in one go, whatever part a class falls into; the average is ARX's 1 / average class size."""
    tally = anonymity.Tally()
    for part in range(parts):
        tally.add([row for row in rows if ord(row[0]) % parts == part])
    found = tally.risk()
    sizes = {values: len({who for one, who, _ in rows if one == values}) for values in {row[0] for row in rows}}
    lines = Counter(row[0] for row in rows)
    assert (found.records, found.persons, found.classes) == (len(rows), sum(sizes.values()), len(sizes))
    assert found.k == min(sizes.values(), default=0)
    assert found.persons_below == tuple(sum(size for size in sizes.values() if size < most) for most in (2, 5, 10))
    assert found.records_below == tuple(
        sum(lines[one] for one, size in sizes.items() if size < most) for most in (2, 5, 10)
    )
    if rows:
        assert found.average == pytest.approx(1 / (sum(sizes.values()) / len(sizes)))
        assert found.highest == 1 / min(sizes.values())
        assert found.at_highest == sum(size for size in sizes.values() if size == found.k)
        assert [one.size for one in found.smallest] == sorted(sizes.values())


def test_many_lines_agree_with_a_counter(zoo: Zoo, labelvc: Run, tmp_path: Path):
    people(zoo, [])
    made = [(str(1900 + number % 97), f"town {number * 7919 % 503}") for number in range(40_000)]
    shards = defaultdict(list)
    for number, (born, town) in enumerate(made):
        row = {"id": f"i{number}", "natural": {"word": f"w{number}"}, "text": "x", "ext": {"born": born, "town": town}}
        shards[shard.place(row["id"], 1)].append(canonical.encode_item(row))
    for name, lines in shards.items():
        zoo.write(shard.path("pets", "items", name), shard.write(lines))
    found = told(zoo, labelvc, "pets")
    classes = Counter(made)
    assert (found["classes"], found["k"], found["persons"]) == (len(classes), min(classes.values()), len(made))
    below = {
        name: sum(size for size in classes.values() if size < most)
        for name, most in (("of_one", 2), ("below_five", 5), ("below_ten", 10))
    }
    assert found["in_classes"]["persons"] == below
    with (tmp_path / "p.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("born", "town"), *made])
    known = told(zoo, labelvc, "pets", "--population", str(tmp_path / "p.csv"))["population"]
    assert (known["k"], known["absent"], known["average"]) == (
        found["k"],
        0,
        pytest.approx(found["prosecutor"]["average"]),
    )
