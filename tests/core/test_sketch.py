"""Sketches of many texts at once against a loop over the shingles of each, which is how the papers have it."""

from __future__ import annotations

import random
import zlib

from hypothesis import example, given
from hypothesis import strategies as st

from labelvc.core import sketch

texts = st.lists(
    st.one_of(
        st.text(min_size=20, max_size=80),
        st.text(st.sampled_from("ab é漢\U0001f600\u0130\ud800"), min_size=20, max_size=80),
        st.text(st.sampled_from("ab"), min_size=20, max_size=80),  # few shingles, so that ranges stay empty
    ),
    max_size=6,
)


def looped(text: str) -> bytes:
    """Return the sketch of one text, number by number."""
    plain = " ".join(text.casefold().split())
    if len(plain) < sketch.SHORTEST:
        return b""
    shingles = [plain[at : at + sketch.SHINGLE] for at in range(len(plain) - sketch.SHINGLE + 1)]
    hashes = [zlib.crc32(shingle.encode(errors="replace")) * 0x9E3779B1 % 2**32 for shingle in shingles]
    ranges: list[list[int]] = [[] for _ in range(sketch.BINS)]
    for number in hashes:
        ranges[number * sketch.BINS // 2**32].append(number)
    first = next(min(numbers) for numbers in ranges if numbers)
    borrowed, found = first // 8 + 1, []
    for numbers in reversed(ranges):
        borrowed = min(numbers) // 8 if numbers else borrowed + 1
        found.append(borrowed % 2**16)
    return b"".join([number.to_bytes(2, "big") for number in reversed(found)])


@given(texts)
@example(["a" * 30, "a" * 29, "\u0130" * 30])
def test_many_at_once_are_as_each_by_itself(some: list[str]):
    assert sketch.sketches(some) == [looped(text) for text in some]


def test_long_texts_are_sketched_in_parts():
    luck = random.Random(2)
    some = ["".join(luck.choices("abcdefghé ", k=size)) for size in (100, 40_000, 16_384, 31, 16_388, 16_387)]
    assert sketch.sketches(some) == [looped(text) for text in some]


@given(st.text(min_size=30, max_size=200))
def test_case_and_white_space_change_no_sketch(text: str):
    one, two = sketch.sketches([text, f"  {text.replace(' ', chr(10) + ' ')}\t".casefold()])
    assert one == two
    assert len(one) in (0, 2 * sketch.BINS)
