"""Numbers over all shards: however the lines are spread, the same is told, and a branch answers for its own part only."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.checks import counts
from labelvc.checks.counts import Counts
from labelvc.checks.view import View
from labelvc.codec import canonical
from labelvc.model.project import CheckSetting
from tests.checks.pack import asking, many, only_kinds, sliced
from tests.strategies import DATASET, PROJECT
from tests.zoo import CONTACT, PLAIN, Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
ASKED = msgspec.structs.replace(
    DATASET,
    slices=("/place",),
    checks={
        "label.floor": CheckSetting(threshold=2),
        "label.balance": CheckSetting(threshold=0.5),
        "slice.coverage": CheckSetting(),
        "source.share": CheckSetting(threshold=0.5),
    },
)
rows = st.lists(
    st.tuples(st.sampled_from(["cat", "dog", "ünïcode", "cow"]), st.sampled_from(["sea", "hill", None, 7]), st.integers(0, 3)),
    max_size=120,
)  # fmt: skip


def shard(found: list[tuple[int, tuple[str, object, int]]]) -> View:
    items = [{"id": f"i{at:03}", "place": place, "source": "web" if at % 3 else "book"} for at, (_, place, _) in found]
    records = [
        {"item": f"i{at:03}", "id": "r", "rev": 1, "task": "kind", "value": {"label": label}}
        for at, (label, *_) in found
    ]
    files = [
        b"".join([canonical.encode(row, first) + b"\n" for row in some])
        for some, first in ((items, canonical.ITEM_FIRST), (records, canonical.RECORD_FIRST))
    ]
    return View(PROJECT, ASKED, "00", *files)


@given(rows, st.randoms())
def test_however_lines_are_spread_over_shards_the_same_is_told(found, chance):
    numbered = list(enumerate(found))
    parts = [[row for row in numbered if row[1][2] == part] for part in range(4)]
    summaries = [(str(at), Counts().look(shard(part), PROJECT).summary) for at, part in enumerate(parts)]
    spread = [pair for pair in summaries if pair[1]]
    chance.shuffle(spread)
    together = [pair for pair in [("0", Counts().look(shard(numbered), PROJECT).summary)] if pair[1]]
    told = [list(Counts().judge(some, PROJECT, ASKED)) for some in (together, spread)]
    assert told[0] == told[1]
    rare = {
        finding.message.split("'")[1]
        for finding in told[0]
        if finding.rule == "label.floor" and "'kind'" in finding.message
    }
    assert rare == {label for label in ("cat", "dog", 'q"uote', "ünïcode") if sum(row[0] == label for row in found) < 2}


def test_a_record_changed_on_a_branch_is_counted_and_what_was_short_before_is_not_told(zoo: Zoo):
    asking("label.floor", only_kinds, many("cat", "dog", "dog"), threshold=2)(zoo)
    zoo.commit("Ask")
    assert [finding.rule for finding in zoo.everything()] == []
    zoo.change("pets/q1#k1", value={"label": "cat"})
    (finding,) = zoo.unstaged().findings
    assert (finding.rule, finding.message) == ("label.floor", "the label 'dog' has fewer than 2 records of 'kind'")
    zoo.commit("Fewer")
    zoo.change("pets/q2#k1", value={"label": "cat"})
    assert zoo.unstaged().findings == []
    assert zoo.unstaged().known == 1


def test_a_dataset_that_asks_for_nothing_is_not_counted_again_when_a_record_changes(zoo: Zoo):
    zoo.change("pets/p1#k1", value={"label": "dog"})
    report = zoo.unstaged()
    assert (report.findings, report.shards) == ([], 1)


@pytest.mark.parametrize(("value", "shown"), [(PLAIN, "(not shown)"), (CONTACT, CONTACT)])
def test_a_slice_by_a_sensitive_field_shows_tokens_and_no_plain_value(zoo: Zoo, value: str, shown: str):
    asking("slice.coverage", only_kinds, sliced, many("cat"))(zoo)
    zoo.replace(
        "datasets/pets/dataset.yaml",
        "sensitive:\n",
        "sensitive:\n  - {pointer: /ext/place, kind: email, layer: items}\n",
    )
    zoo.change("pets/q0#", ext={"place": value})
    told = zoo.everything()
    assert PLAIN not in repr(told)
    assert [shown in finding.message for finding in told if finding.rule == "slice.coverage"] == [True]


def test_a_field_with_a_value_for_each_item_is_no_slice(zoo: Zoo):
    asking("slice.coverage", only_kinds, sliced, many("cat", each=counts.MOST_VALUES + 2))(zoo)
    for at in range(counts.MOST_VALUES + 2):
        zoo.change(f"pets/q{at}#", ext={"place": f"house {at}"})
    (finding,) = [finding for finding in zoo.everything() if finding.rule == "slice.coverage"]
    assert "more than 256 values" in finding.message


def test_a_label_above_others_has_the_records_of_all_of_them(zoo: Zoo):
    asking("label.floor", only_kinds, many("cat", "dog"), threshold=2)(zoo)
    zoo.replace(
        "taxonomies/animals.yaml",
        "  - {id: cat, name: Cat}",
        "  - {id: pet, name: Pet}\n  - {id: cat, name: Cat, parent: pet}",
    )
    zoo.replace("taxonomies/animals.yaml", "{id: dog, name: Dog}", "{id: dog, name: Dog, parent: pet}")
    assert [finding.message for finding in zoo.everything()] == ["the label 'dog' has fewer than 2 records of 'kind'"]
