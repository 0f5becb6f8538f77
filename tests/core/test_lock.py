"""The lock: what is written is read again, sorted, and no order of taking shows in it."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec import document, schema
from labelvc.core import lock
from labelvc.model.module import Pinned
from labelvc.ops import parsing

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,8}", fullmatch=True)
PATHS = st.builds("{}/{}.yaml".format, st.sampled_from(["taxonomies", "guidelines", "profiles"]), NAMES)
SOURCES = st.sampled_from(["package:labelvc/boxes", "../shared", "https://example.org/x.git#a/b", "git@example.org:x"])
MODULES = st.lists(
    st.builds(
        Pinned,
        name=NAMES,
        version=st.sampled_from(["1.0.0", "0.1.0-rc.1"]),
        source=SOURCES,
        documents=st.dictionaries(PATHS, st.binary(max_size=4).map(lock.digest), max_size=3),
        commit=st.sampled_from(["", "ab" * 20, "cd" * 32]),
        licence=st.sampled_from(["", "CC0-1.0"]),
    ),
    unique_by=lambda one: one.name,
    max_size=4,
)


@given(MODULES, st.randoms())
def test_what_is_written_is_read_again_whatever_the_order(modules, chance):
    data = lock.write(modules)
    shuffled = list(modules)
    chance.shuffle(shuffled)
    assert lock.write(shuffled) == data
    lines = document.read_lines(data)
    assert msgspec.convert(lines, list[Pinned]) == sorted(modules, key=lambda one: one.name)
    assert not [problem for line in lines for problem in schema.problems("lock", line)]
    assert parsing.parse("lock", data).troubles == []


@given(MODULES.filter(bool))
def test_a_module_twice_is_told(modules):
    data = lock.write(modules)
    first = data.split(b"\n", 1)[0] + b"\n"
    (trouble,) = parsing.parse("lock", first + data).troubles
    assert "two lines of the module" in trouble.message
