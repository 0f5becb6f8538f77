"""Plain: whatever is read in one pass is what the strict readers say of the same bytes, and what people sign is read in one pass."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec import canonical, dsse, plain, sshsig, statement
from labelvc.errors import DataError, TrustError
from labelvc.model import approval as noun
from labelvc.model.approval import Approval, Envelope, Signature
from tests import authenticator
from tests.codec.test_dsse import GOOD, KINDS, SIGNATURES
from tests.codec.test_statement import APPROVALS

ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\'), max_size=12)
PRINTED = st.builds(
    lambda value, role, tool, name, reason: msgspec.structs.replace(
        value,
        role=role,
        tool=tool,
        signer=noun.Signer(value.signer.principal, name),
        scope=msgspec.structs.replace(value.scope, repository=name),
        materials=(noun.Material(tool, "0" * 64),),
        reason=reason.replace("ROOT", value.root),
    ),
    APPROVALS,
    ASCII,
    ASCII,
    ASCII,
    st.one_of(ASCII, st.sampled_from([",root:ROOT", "'root':'ROOT',", "ROOT"])),
)


def strictly(payload: bytes) -> Approval | None:
    """Return what the strict reader says of a statement, whose own checks of names and times come after both."""
    try:
        return statement._read(payload, noun.PREDICATE, statement.CHANGE_SET, Approval, "it")
    except DataError:
        return None


def envelope_strictly(raw: bytes) -> Envelope | None:
    try:
        return dsse._strictly(raw)
    except DataError:
        return None


def spoiled(data: st.DataObject, raw: bytes) -> bytes:
    """Return bytes with a stretch of them exchanged for another stretch or for something that JSON has a meaning for."""
    at, to = sorted(data.draw(st.tuples(*[st.integers(0, len(raw))] * 2)))
    begin, end = sorted(data.draw(st.tuples(*[st.integers(0, len(raw))] * 2)))
    tokens = [
        b"",
        b" ",
        b'"',
        b"\\",
        b",",
        b"0",
        b"1.0",
        b"null",
        b"{",
        b"}",
        b"=",
        b"\\u0041",
        b'"root":"",',
        "é".encode(),
    ]
    return (
        raw[:at]
        + data.draw(st.sampled_from([raw[begin:end], *tokens]))
        + raw[data.draw(st.sampled_from([at, at + 1, to])) :]
    )


@given(PRINTED)
def test_an_approval_in_plain_ascii_is_read_in_one_pass(value: Approval):
    payload = statement.encode_approval(value)
    assert plain.approval(payload) == value == strictly(payload)


@given(st.one_of(APPROVALS, PRINTED), st.data())
def test_no_statement_is_read_that_the_strict_reader_reads_otherwise(value: Approval, data: st.DataObject):
    raw = statement.encode_approval(value)
    for payload in (raw, spoiled(data, raw), spoiled(data, spoiled(data, raw))):
        assert plain.approval(payload) in (None, strictly(payload))


@given(KINDS, st.binary(max_size=80), SIGNATURES)
def test_an_envelope_as_it_is_written_is_read_in_one_pass(kind: str, payload: bytes, signatures: list[Signature]):
    envelope = Envelope(kind, payload, tuple(signatures))
    assert plain.envelope(dsse.encode(envelope)) == envelope


@given(KINDS, st.binary(max_size=20), SIGNATURES, st.data())
def test_no_envelope_is_read_that_the_strict_reader_reads_otherwise(
    kind: str, payload: bytes, signatures: list[Signature], data: st.DataObject
):
    raw = dsse.encode(Envelope(kind, payload, tuple(signatures)))
    for changed in (spoiled(data, raw), spoiled(data, spoiled(data, raw))):
        assert plain.envelope(changed) in (None, envelope_strictly(changed))


def test_every_byte_of_an_envelope_and_of_a_statement_counts():
    for raw, read, strict in ((GOOD, plain.envelope, envelope_strictly), (_said(), plain.approval, strictly)):
        assert read(raw) == strict(raw) is not None
        for at in range(len(raw)):
            for byte in (raw[at] ^ 1, raw[at] ^ 0x20, 0x20, 0x22, 0x5C, 0x7F, 0x80):
                changed = raw[:at] + bytes([byte]) + raw[at + 1 :]
                assert read(changed) in (None, strict(changed))
            assert read(raw[:at]) is None
            assert read(raw[:at] + raw[at : at + 1] + raw[at:]) in (
                None,
                strict(raw[:at] + raw[at : at + 1] + raw[at:]),
            )


def _said() -> bytes:
    scope = noun.Scope("r", "delta", 0, 1, 0)
    return statement.encode_approval(
        Approval(
            root=statement.Digest("sha256:" + "0" * 64),
            decision="approve",
            meaning="approval",
            role="reviewer",
            signer=noun.Signer("ada", "Ada"),
            signed_at="2026-01-01T00:00:00Z",
            scope=scope,
            policy=noun.Seen(1, "0" * 64),
            nonce="0" * 32,
            tool="labelvc 0",
            authors=("ben",),
        )
    )


@pytest.mark.parametrize("number", [2**53 - 1, 2**53, -(2**53), 10**18, 10**30])
def test_a_number_that_not_every_program_reads_alike_is_refused(number: int):
    payload = _said().replace(b'"version":1', b'"version":%d' % number)
    assert plain.approval(payload) is None
    if number == canonical.EXACT:
        assert statement.decode_approval(payload).policy.version == number
    else:
        with pytest.raises(DataError):
            statement.decode_approval(payload)


def test_a_root_inside_the_predicate_is_refused():
    payload = _said()
    for member in (b'"root":"",', b'"root":"sha256:%b",' % (b"0" * 64), b'"root":null,'):
        for place in (b'"scope"', b'"authors"', b'"tool"'):
            spoilt = payload.replace(place, member + place, 1)
            assert spoilt != payload
            assert plain.approval(spoilt) is None
            with pytest.raises(DataError):
                statement.decode_approval(spoilt)


@pytest.mark.parametrize("kind", [sshsig.ED25519, *authenticator.KINDS])
def test_a_signature_is_taken_apart_alike_however_it_is_read(kind: str):
    """An Ed25519 signature is compared with the text that `wrap` writes for its key; whatever differs is read field by field."""
    key, other = [sshsig.PublicKey(kind, sshsig.public_blob(kind, bytes([number]) * 32)) for number in (7, 8)]
    raw = random.Random(1).randbytes(64)
    made = sshsig.wrap(key, "n", sshsig.signature_blob(sshsig.ED25519, raw))
    usual = sshsig._usual(made, "n", key)
    assert usual == (sshsig.parse(made) if kind == sshsig.ED25519 else None)
    assert sshsig._usual(made, "m", key) is None
    assert sshsig._usual(made, "n", other) is None
    for at in range(len(made)):
        for change in (
            made[:at] + bytes([made[at] ^ 1]) + made[at + 1 :],
            made[:at] + made[at + 1 :],
            made[:at] + b"\n" + made[at:],
        ):
            found = sshsig._usual(change, "n", key)
            if found is not None:
                assert found == sshsig.parse(change) != usual
    for kinds, size in (("rsa-sha2-512", 64), (sshsig.ED25519, 63), (sshsig.ED25519, 65)):
        changed = sshsig.wrap(key, "n", sshsig.signature_blob(kinds, raw[:63] + bytes(size - 63)))
        assert sshsig._usual(changed, "n", key) is None
    with pytest.raises(TrustError):
        sshsig.verify(made, b"m", "n", other)
