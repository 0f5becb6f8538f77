"""Near copies against all pairs: how many are found, how many that are none, and that equal ones are always."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.checks import recurring
from labelvc.checks.doubles import Doubles
from labelvc.checks.view import View
from labelvc.codec import canonical
from labelvc.model.project import CheckSetting
from tests.strategies import DATASET, PROJECT

ASKED = msgspec.structs.replace(
    DATASET, checks={rule: CheckSetting(severity="warning") for rule in ("item.same_text", "item.near_text")}
)


def resemblance(one: str, two: str) -> float:
    """Return the share of runs of five characters that two texts have in common."""
    sets = [{text[at : at + 5] for at in range(len(text) - 4)} for text in (one, two)]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def shard(texts: dict[str, str]) -> View:
    rows = [canonical.encode({"id": name, "text": text}, canonical.ITEM_FIRST) for name, text in sorted(texts.items())]
    return View(PROJECT, ASKED, "00", b"".join([row + b"\n" for row in rows]), b"")


def told(*parts: dict[str, str]) -> set[tuple[str, str]]:
    summaries = [(str(at), Doubles().look(shard(part), PROJECT).summary) for at, part in enumerate(parts)]
    found = Doubles().judge([pair for pair in summaries if pair[1]], PROJECT, ASKED)
    return {(finding.rule, finding.place.key) for finding in found}


def sentences(seed: int, number: int, words: int = 30) -> list[str]:
    chance = random.Random(seed)
    known = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(3000)]
    return [" ".join(chance.choices(known, k=words)) for _ in range(number)]


def test_of_a_thousand_near_copies_all_but_a_few_are_found_and_nothing_else():
    """The recall that docs/guide/quality.md states: pairs of which nine tenths of the shingles are equal."""
    texts = sentences(5, 1000)
    near: dict[str, str] = {}
    for at, text in enumerate(texts):
        words = text.split()
        words[at % len(words)] = "other"
        near[f"b{at}"] = " ".join(words)
    pairs = {f"b{at}": resemblance(text, near[f"b{at}"]) for at, text in enumerate(texts)}
    close = {name for name, share in pairs.items() if share >= 0.9}
    assert len(close) > 250
    found = {key.split("/")[1][:-1] for rule, key in told({f"a{at}": text for at, text in enumerate(texts)}, near)}
    assert len(close & found) >= 0.99 * len(close)
    assert found <= set(near)


def test_texts_of_which_half_is_equal_are_not_told():
    texts = sentences(6, 400)
    halves = [f"{one[: len(one) // 2]} {two[len(two) // 2 :]}" for one, two in zip(texts, reversed(texts), strict=True)]
    shares = [resemblance(one, two) for one, two in zip(texts, halves, strict=True)]
    assert max(shares) < 0.6
    assert len(told({f"a{at}": text for at, text in enumerate([*texts, *halves])})) <= 0.01 * len(texts)


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.text(min_size=1, max_size=60), min_size=2), st.data())
def test_equal_texts_are_told_whichever_shards_they_lie_in(texts, data):
    split = data.draw(st.integers(0, len(texts)))
    names = sorted(texts)
    parts = [{name: texts[name] for name in some} for some in (names[:split], names[split:])]
    again = {f"t/{name}#" for at, name in enumerate(names) if texts[name] in [texts[other] for other in names[:at]]}
    for some in (parts, parts[::-1]):
        assert {key.replace("pets", "t") for rule, key in told(*some) if rule == "item.same_text"} == again


@given(st.lists(st.sampled_from([sentence for seed in range(4) for sentence in sentences(seed, 3, 8)]), max_size=12))
def test_where_more_recurs_than_is_held_in_memory_the_same_is_told(texts):
    part = {f"a{at}": text if at % 3 else f"{text} again" for at, text in enumerate(texts)}
    expected = told(part)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recurring, "MOST", 0)
        assert told(part) == expected


@given(st.lists(st.binary(min_size=8, max_size=8).map(lambda one: one[:2] * 4), max_size=60), st.integers(1, 9))
def test_what_comes_more_than_once_recurs_and_nothing_else(values, size):
    with recurring.Recurring() as seen:
        for at in range(0, len(values), size):
            seen.add(recurring.numbers(b"".join(values[at : at + size])))
        found = seen.found()
    twice = [one for one in values if values.count(one) > 1]
    assert found == frozenset(recurring.numbers(b"".join(twice)))
