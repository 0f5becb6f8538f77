"""Moments as people type them and statements spell them, and an end that only a yes may have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from labelvc.codec import moment, statement
from labelvc.errors import DataError
from labelvc.model.approval import Approval, Epochs, Mapped, Rekeying, Scope, Seen, Signer, States
from labelvc.model.names import Digest
from labelvc.model.policy import Need, Policy, Principal, Role, Rule

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
HEX = "a" * 64
YES = Approval(
    root=Digest(f"sha256:{HEX}"),
    decision="approve",
    meaning="approval",
    role="reviewer",
    signer=Signer("ben", "Ben"),
    signed_at="2026-03-01T09:00:00Z",
    scope=Scope("r", "delta", 0, 1, 0),
    policy=Seen(1, HEX),
    nonce="0" * 32,
    tool="labelvc 0",
)


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("now", "2026-03-01T09:00:00Z"),
        ("36h", "2026-03-02T21:00:00Z"),
        ("30d", "2026-03-31T09:00:00Z"),
        ("4w", "2026-03-29T09:00:00Z"),
        ("2026-12-31", "2026-12-31T23:59:59Z"),
        ("2024-02-29", "2024-02-29T23:59:59Z"),
        ("2026-12-31T18:00:00Z", "2026-12-31T18:00:00Z"),
        ("2026-12-31T18:00:00.9+05:30", "2026-12-31T12:30:00Z"),
        ("2026-12-31 18:00:00-11:00", "2027-01-01T05:00:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31", "9999-12-31T23:59:59Z"),
        *((odd, None) for odd in (
            "", "0d", "01d", "-1d", "1.5d", "1m", "1y", "30 d", "9999999d", "999999w", "2026-02-29", "2026-13-01", "2026-1-1", "20261231",
            "2026-12-31T18:00:00", "2026-12-31T23:59:60Z", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00",
            "2026-W01-1", "٣٠d", "２d", "tomorrow", "1772355600",
        )),
    ],
)  # fmt: skip
def test_a_time_that_is_typed(typed: str, wanted: str | None):
    assert moment.read(typed, NOW) == wanted
    assert moment.read(typed, NOW.astimezone()) == wanted, "where one sits does not matter"


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.timezones()))
def test_a_moment_is_one_number_and_one_spelling(at: datetime):
    found = moment.read(at.isoformat(), NOW)
    assert found is not None
    assert moment.is_instant(found)
    assert moment.instant(moment.seconds(found)) == found
    assert abs(datetime.fromisoformat(found) - at) < timedelta(seconds=1)


@given(st.integers(-(10**30), 10**30), st.integers(-(10**30), 10**30))
def test_any_number_has_a_spelling_and_they_are_in_its_order(one: int, other: int):
    told = [moment.instant(at) for at in sorted((one, other))]
    assert all(map(moment.is_instant, told))
    assert told == sorted(told)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"),
        (90, "90 seconds"),
        (3600, "1 hour"),
        (36 * 3600, "36 hours"),
        (86400, "1 day"),
        (28 * 86400, "28 days"),
    ],
)
def test_a_stretch_in_words(seconds: int, words: str):
    assert moment.told(seconds) == words


def test_a_yes_with_an_end_comes_back_and_a_yes_without_is_what_it_was():
    ends = replace(YES, expires_at="2026-03-01T09:00:01Z")
    payload = statement.encode_approval(ends)
    assert statement.decode_approval(payload) == ends
    assert payload.replace(b'"expiresAt":"2026-03-01T09:00:01Z",', b"") == statement.encode_approval(YES)


REKEY = Rekeying(
    **{name: getattr(YES, name) for name in YES.__struct_fields__} | {"meaning": "verification"},
    epochs=Epochs(("b",), "c"),
    mapping=Mapped(1, HEX),
    states=States(HEX, HEX),
)


@pytest.mark.parametrize(
    "said",
    [
        *(
            replace(YES, expires_at=odd)
            for odd in (
                "2026-03-01T09:00:00Z", "2026-03-01T08:59:59Z", "2026-02-30T00:00:00Z", "2027-03-01T09:00:00+00:00", "2027-03-01",
                "2027-03-01T09:00:60Z", "never", "0000-01-01T00:00:00Z", "2027-03-01t09:00:00z", "10000-01-01T00:00:00Z",
            )
        ),
        *(replace(YES, decision=no, reason="why", expires_at="2027-03-01T09:00:00Z") for no in ("reject", "withdraw", "abstain")),
        replace(REKEY, expires_at="2027-03-01T09:00:00Z"),
    ],
)  # fmt: skip
def test_an_end_that_no_yes_can_have_is_refused(said: Approval):
    """A no that ended would let in by waiting, so a file that says so is none at all."""
    assert statement.decode_approval(statement.encode_approval(replace(said, expires_at="")))
    with pytest.raises(DataError, match="not well formed"):
        statement.decode_approval(statement.encode_approval(said))


@pytest.mark.parametrize("age", [0, -1, -(10**9)])
@pytest.mark.parametrize("urgent", [False, True])
def test_a_policy_that_no_yes_is_young_enough_for_is_none(age: int, urgent: bool):
    good, old = Need("lead"), Need("lead", max_age=age)
    rule = Rule("x", ("labels",), (good if urgent else old,), emergency=old if urgent else None)
    policy = Policy(1, None, "r", {"ada": Principal("Ada")}, {"lead": Role(("ada",))}, (rule,))
    with pytest.raises(DataError, match=f"no older than {age} seconds, which none can be"):
        statement.decode_policy(statement.encode_policy(policy))
    with pytest.raises(DataError):
        statement.decode_policy(statement.encode_policy(policy).replace(f'"maxAge":{age}'.encode(), b'"maxAge":true'))
