"""A re-key is one to one or none; what the zoo of tests/ops/test_mechanics.py does not reach is held here."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec import canonical
from labelvc.core import pseudonym
from labelvc.core.diff import Comparison, compare
from labelvc.core.rekey import Rekey
from labelvc.core.veil import Where
from labelvc.model.change import Delta
from labelvc.model.names import Key
from labelvc.model.secret import Secret

PROJECT = "3f0e4b9e-53d3-4d2a-a7f6-5d5d1f2f9c11"
OLD, NEW = (
    [pseudonym.token(Secret(epoch, bytes([at]) * 32), PROJECT, "main", "person", str(who)) for who in range(5)]
    for at, epoch in enumerate("bc")
)


def change(number: int, old: str, new: str, score: int = 1) -> Comparison:
    rows = [
        {"item": f"i{number}", "id": "r", "by": by, "rev": rev, "task": "t", "value": {"score": value}}
        for by, rev, value in ((old, 1, 1), (new, 2, score))
    ]
    return compare(Delta(Key("d", f"i{number}", "r"), *map(canonical.encode_record, rows)))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12))
def test_a_re_key_is_found_exactly_when_the_pairs_are_one_to_one(pairs: list[tuple[int, int]]) -> None:
    changes = [change(number, OLD[one], NEW[two]) for number, (one, two) in enumerate(pairs)]
    rekey = Rekey("b", "c")
    for seen in changes:
        rekey.weigh(seen, Where(["/by"]))
    distinct = set(pairs)
    exact = len({one for one, _ in distinct}) == len({two for _, two in distinct}) == len(distinct) > 0
    assert rekey.found is exact
    assert all(rekey.covers(seen, Where(["/by"])) for seen in changes) is (exact or not changes)
    if exact:
        one, two = pairs[0]
        assert not rekey.covers(change(99, OLD[one], NEW[two], score=2), Where(["/by"]))
        assert not rekey.covers(change(99, OLD[one], NEW[two]), Where(["/ext"]))
        rekey.weigh_lines(new=[f'{{"by":"{OLD[one]}"}}'.encode()])
        assert not rekey.found
