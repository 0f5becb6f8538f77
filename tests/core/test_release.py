"""Rules of releases: versions, the log that only grows, salts."""

from __future__ import annotations

import hmac
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec.derive import hkdf, prefixed
from labelvc.core import release as rules
from labelvc.core.diff import Summary
from labelvc.core.release import Log, Salt
from labelvc.errors import DataError
from labelvc.model.release import Version
from labelvc.model.secret import Secret

VERSIONS = st.builds(Version, *[st.integers(0, 999)] * 3)
STATEMENTS = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.sampled_from(["0" * 64, "1" * 64]), max_size=6)
KINDS = st.dictionaries(st.sampled_from(["added", "removed", "changed", "touched"]), st.integers(0, 3)).map(Counter)


@given(VERSIONS)
def test_a_version_is_read_as_it_is_written(version: Version):
    assert rules.version(str(version)) == version


@pytest.mark.parametrize(
    "text", ["", "1", "1.0", "1.0.0.0", "01.0.0", "1.0.0-a", "1.0.0+b", "-1.0.0", "1.0.x", "1.0.0\n", "9" * 10 + ".0.0"]
)
def test_what_is_no_version_is_refused(text: str):
    with pytest.raises(DataError):
        rules.version(text)


@given(VERSIONS, st.sampled_from(["patch", "minor", "major"]))
def test_every_step_leads_on_and_a_larger_one_further(version: Version, step: str):
    assert version < rules.least(version, "patch") < rules.least(version, "minor") < rules.least(version, "major")
    assert rules.least(version, step) > version


@given(KINDS, KINDS, KINDS)
def test_edits_weigh_more_than_additions_and_documents_nothing(records, items, documents):
    found = rules.bump(Summary(records, items, documents, 0, Counter()))
    seen = {kind for counts in (records, items) for kind, number in counts.items() if number}
    wanted = "major" if seen & {"changed", "removed"} else "minor" if "added" in seen else "patch"
    assert found == wanted


@given(st.lists(STATEMENTS, max_size=4))
def test_a_log_only_grows_and_each_checkpoint_continues_the_one_before(states):
    log, last = Log(), None
    for found in states:
        before = log
        log = log.grown(found)
        assert log.rows[: len(before.rows)] == before.rows
        assert {path for path, _ in log.rows} == {path for path, _ in before.rows} | set(found)
        point = log.checkpoint(len(before.rows))
        assert rules.follows(last, point)
        last = point


@given(STATEMENTS.filter(bool), STATEMENTS)
def test_a_statement_that_is_gone_or_changed_is_lost(old, new):
    lost = Log().grown(old).lost(new)
    assert set(lost) == {path for path, digest in old.items() if new.get(path) != digest}


@given(st.binary(max_size=200))
def test_a_salt_is_the_hmac_of_the_line(line: bytes):
    key = hkdf(b"s" * 32, b"project", prefixed("labelvc/v1", "leaf", "reviews"), 32)
    salt = Salt(Secret("b", b"s" * 32), "project", "reviews")
    assert salt.of(line) == hmac.digest(key, line, "sha256")
    assert salt.over(line) == salt.of(line) + line
    for other in (
        Salt(Secret("b", b"t" * 32), "project", "reviews"),
        Salt(Secret("b", b"s" * 32), "project", "others"),
    ):
        assert other.of(line) != salt.of(line)
        assert other.mark != salt.mark
