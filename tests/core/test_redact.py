"""Redaction: what is outside of personal data stays, labels keep their order and what they cover, and there is a way back."""

from __future__ import annotations

import itertools
import random
import unicodedata

import pytest

from labelvc.codec.offsets import Offsets
from labelvc.core import redact
from labelvc.core.redact import Piece
from labelvc.errors import DataError

LETTERS = "abcdefgh äöüß\u0301\u0308\u200d\ufe0f😀👩🇩🇪𝔘日本مرحبا\t\n"
WORDS = ["short", "a much longer replacement", "[[prs_bkxlrbwjqtcdkvcjphrqpwmqkvfh]]", "é", "😀"]


def case(seed: int) -> tuple[str, list[Piece], list[tuple[int, int]], list[str]]:
    """Return a text, personal data and labels in it that overlap in any way, and replacements."""
    chance = random.Random(seed)
    text = "".join(chance.choices(LETTERS, k=chance.randint(1, 60)))

    def span() -> tuple[int, int]:
        start = chance.randrange(len(text))
        return start, chance.randint(start + 1, len(text))

    pieces = [
        Piece(*span(), chance.choice(["person", "email"]), chance.choice([0.5, 1])) for _ in range(chance.randint(0, 6))
    ]
    return text, pieces, [span() for _ in range(chance.randint(0, 8))], [chance.choice(WORDS) for _ in range(100)]


def violations(seed: int) -> list[str]:
    """Return which of the laws a random text breaks."""
    text, found, labels, words = case(seed)
    pieces = redact.apart(text, found)
    cut = redact.parts(pieces, labels)
    chosen = iter(words)
    done = redact.redacted(text, cut, lambda _: next(chosen))
    placed = [done.place(label) for label in labels]
    old, new = [at for label in labels for at in label], [at for label in placed for at in label]
    hidden = {at for piece in found for at in range(piece.start, piece.end)}
    kept = "".join(letter for at, letter in enumerate(text) if not any(part.start <= at < part.end for part in cut))
    gaps, at = [], 0
    for move in done.moves:
        gaps.append(done.text[at : move.new[0]])
        at = move.new[1]
    laws = {
        "what is outside stays as it is": "".join([*gaps, done.text[at:]]) == kept,
        "all that was found is replaced": hidden <= {at for part in cut for at in range(part.start, part.end)},
        "boundaries keep their order and stay apart": [(a < b, a == b) for a in old for b in old]
        == [(a < b, a == b) for a in new for b in new],
        "no label is empty": all(start < end for start, end in placed),
        "the way back is the same way": [done.back(label) for label in placed] == labels,
        "parts are apart and in order": all(one.end <= two.start for one, two in itertools.pairwise(cut)),
        "a label covers what it covered": all(
            _outside(text, label, done, 0) == _outside(done.text, there, done, 1)
            for label, there in zip(labels, placed, strict=True)
        ),
    }
    return [law for law, holds in laws.items() if not holds]


def _outside(text: str, span: tuple[int, int], done: redact.Redacted, side: int) -> str:
    """Return what a span covers outside of replacements."""
    ranges = [move[side] for move in done.moves]
    return "".join(text[at] for at in range(*span) if not any(start <= at < end for start, end in ranges))


def test_the_laws_hold_on_random_texts():
    assert {seed: broken for seed in range(1_000) if (broken := violations(seed))} == {}


@pytest.mark.long
def test_the_laws_hold_on_twenty_thousand_random_texts():
    assert {seed: broken for seed in range(20_000) if (broken := violations(seed))} == {}


def test_a_name_that_a_label_begins_in_is_replaced_in_parts():
    text = "Ask Ada Lovelace now"
    (piece,) = redact.apart(text, [Piece(4, 16, "person")])
    cut = redact.parts([piece], [(8, 16), (0, 20)])
    done = redact.redacted(text, cut, lambda part: redact.marked("prs_x", part.number))
    assert done.text == "Ask [[prs_x~1]][[prs_x~2]] now"
    start, end = done.place((8, 16))
    assert done.text[start:end] == "[[prs_x~2]]"
    whole = redact.redacted(text, redact.parts([piece], [(4, 16)]), lambda part: redact.marked("prs_x", part.number))
    assert whole.text == "Ask [[prs_x]] now"
    with pytest.raises(DataError, match="inside of personal data"):
        whole.place((8, 16))


def test_of_two_that_overlap_nothing_is_left_over():
    """The surer one is whole; what the other has beyond it is hidden too: no fragment of a name survives."""
    text = "mail ada.lovelace@example.org please"
    found = [Piece(5, 17, "person", 0.6), Piece(9, 29, "email", 0.9), Piece(0, 0, "person"), Piece(30, 99, "person")]
    assert [(piece.start, piece.end, piece.kind) for piece in redact.apart(text, found)] == [
        (5, 9, "person"),
        (9, 29, "email"),
    ]


@pytest.mark.parametrize("text", ["Jose\u0301", "👩\u200d💻", "✊\ufe0f", "a\u0301\u0323"])
def test_no_mark_of_a_character_stays_behind(text: str):
    """A span that ends before an accent, or inside of a joined sign, takes the rest of the character with it."""
    for end in range(1, len(text) + 1):
        pieces = redact.apart(f"x {text} y", [Piece(2, 2 + end, "person")])
        done = redact.redacted(f"x {text} y", redact.parts(pieces, []), lambda _: "#")
        after = done.text[done.moves[0].new[1]]
        assert not unicodedata.category(after).startswith("M")
        assert "\u200d" not in (after, done.text[done.moves[0].new[0] - 1])


def test_a_replacement_by_nothing_is_refused():
    with pytest.raises(DataError, match="by nothing"):
        redact.redacted("ada", redact.parts([Piece(0, 3, "person")], []), lambda _: "")


# ---------------------------------------------------------------- offsets of other programs
def test_offsets_of_other_programs_are_those_of_their_own_slices():
    """Python's encoders are the oracle: the slice in units, decoded, is the slice in code points."""
    for seed in range(300):
        text = case(seed)[0]
        for unit, encoding, width in (("utf16", "utf-16-le", 2), ("bytes", "utf-8", 1), ("codepoints", "utf-32-le", 4)):
            raw, offsets = text.encode(encoding), Offsets(text, unit)
            for start in range(len(raw) // width):
                end = min(len(raw) // width, start + 1 + seed % 5)
                try:
                    wanted = raw[start * width : end * width].decode(encoding)
                    raw[: start * width].decode(encoding)
                except UnicodeDecodeError:
                    with pytest.raises(DataError, match="cuts a character"):
                        offsets.code_points(start, end)
                    continue
                found = offsets.code_points(start, end)
                assert text[slice(*found)] == wanted


@pytest.mark.parametrize("span", [(-1, 1), (0, 0), (2, 1), (0, 4)])
@pytest.mark.parametrize("unit", ["codepoints", "utf16", "bytes"])
def test_a_span_outside_of_its_text_is_refused(span: tuple[int, int], unit: str):
    with pytest.raises(DataError, match="does not lie in a text of 3"):
        Offsets("abc", unit).code_points(*span)


def test_half_a_surrogate_pair_is_no_text():
    for unit in ("utf16", "bytes"):
        with pytest.raises(DataError, match="surrogate"):
            Offsets("a\ud83d", unit)
