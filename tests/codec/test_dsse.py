"""DSSE: the published vector, and one spelling only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec import dsse
from labelvc.errors import DataError
from labelvc.model.approval import Envelope, Signature

KINDS = st.sampled_from([dsse.IN_TOTO, dsse.TUF, "text/ünïcode"])
SIGNATURES = st.lists(
    st.builds(Signature, st.text("abcSHA256:+/", min_size=1, max_size=9), st.binary(max_size=30)),
    min_size=1,
    max_size=4,
    unique_by=lambda each: each.keyid,
)


def test_pae_of_the_specification():
    """The test vector of DSSE `protocol.md`."""
    assert (
        dsse.pae("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_pae_counts_bytes():
    assert dsse.pae("ü", "ß€".encode()) == b"DSSEv1 2 \xc3\xbc 5 \xc3\x9f\xe2\x82\xac"


@given(KINDS, st.binary(max_size=80), SIGNATURES)
def test_round_trip(kind: str, payload: bytes, signatures: list[Signature]):
    envelope = Envelope(kind, payload, tuple(signatures))
    assert dsse.decode(dsse.encode(envelope), kind) == envelope


@given(KINDS, st.binary(max_size=20), KINDS, st.binary(max_size=20))
def test_pae_of_different_things_differs(kind: str, payload: bytes, other: str, body: bytes):
    assert (dsse.pae(kind, payload) == dsse.pae(other, body)) == ((kind, payload) == (other, body))


GOOD = dsse.encode(Envelope(dsse.IN_TOTO, b"{}x", (Signature("k", b"sig!"),)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\n", b""),
        (b"\n", b"\n\n"),
        (b"\n", b"\r\n"),
        (b"]}\n", b"]"),
        (b"}\n", b"}{}\n"),
        (b'{"payload"', b' {"payload"'),
        (b"e314", b"e314="),
        (b"e314", b"e31"),
        (b"e314", b"e3-4"),
        (b'"keyid":"k"', b'"keyid":"k","cert":"x"'),
        (b'"keyid":"k",', b""),
        (b'"keyid":"k"', b'"keyid":"\\u006b"'),
        (b'"keyid":"k"', b'"keyid":"k","keyid":"k"'),
        (b'"payloadType"', b'"payloadtype"'),
        (b"vnd.in-toto", b"vnd.IN-toto"),
        (b'"signatures":[', b'"signatures":[],"signatures":['),
        (b"c2lnIQ==", b"c2lnIR=="),
        (b"c2lnIQ==", b"c2lnIQ"),
        (b'"sig":"c2lnIQ=="', b'"sig":null'),
    ],
)
def test_another_spelling_is_refused(old: bytes, new: bytes):
    assert dsse.decode(GOOD, dsse.IN_TOTO).payload == b"{}x"
    bad = GOOD.replace(old, new, 1)
    with pytest.raises(DataError):
        dsse.decode(bad, dsse.IN_TOTO)


@given(st.binary(max_size=20), st.binary(min_size=4, max_size=20), st.binary(max_size=20))
def test_a_file_whose_payload_holds_words_holds_one_of_their_spellings(before: bytes, words: bytes, after: bytes):
    data = dsse.encode(Envelope(dsse.IN_TOTO, before + words + after, (Signature("k", b"s"),)))
    spelled = dsse.inside(words)
    assert spelled[len(before) % 3] in data
    assert all(len(each) >= len(words) * 4 // 3 - 2 for each in spelled)
