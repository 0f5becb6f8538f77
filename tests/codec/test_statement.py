"""Statements: what is written is read, and only that."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from labelvc.codec import canonical, rootfile, statement
from labelvc.errors import DataError
from labelvc.model.approval import Approval, Epochs, Mapped, Material, Rekeying, Scope, Seen, Signer, States
from labelvc.model.names import Digest
from labelvc.model.policy import Need, Policy, Principal, Role, Root, RootKey, Rule

HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
DIGESTS = HEX.map(lambda text: Digest(f"sha256:{text}"))
IDS = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(categories=["Lu", "Ll", "Nd"], max_codepoint=0x24F), min_size=1, max_size=8)
APPROVALS = st.builds(
    Approval,
    root=DIGESTS,
    decision=st.sampled_from(["approve", "reject", "withdraw", "abstain"]),
    meaning=st.sampled_from(["review", "approval", "emergency"]),
    role=TEXTS,
    signer=st.builds(Signer, IDS, TEXTS),
    signed_at=st.just("2026-03-01T09:00:00Z"),
    scope=st.builds(Scope, TEXTS, st.just("delta"), *[st.integers(0, 9)] * 3),
    policy=st.builds(Seen, st.integers(1, 9), HEX),
    nonce=st.text("0123456789abcdef", min_size=32, max_size=32),
    tool=TEXTS,
    tz_offset_minutes=st.integers(-60, 60),
    reason=TEXTS,
    authors=st.lists(IDS, max_size=2).map(tuple),
    materials=st.lists(st.builds(Material, TEXTS, HEX), max_size=2).map(tuple),
    supersedes=st.lists(DIGESTS, max_size=2).map(tuple),
)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIEOuvZ5NZJuzD3GO1ZNBVcLDJgT18UqwO1ZNtZ5tMNz"
ADA = Principal("Ada", keys=(KEY,), emails=("ada@example.com",), pseudonyms=("prs_a",))
POLICY = Policy(
    1, None, "r", {"ada": ADA}, {"lead": Role(("ada",))}, (Rule("x", ("labels",), (Need("lead", 1, ("author",)),)),)
)


@given(APPROVALS)
def test_an_approval_comes_back(value: Approval):
    payload = statement.encode_approval(value)
    assert statement.decode_approval(payload) == value
    assert canonical.encode(json.loads(payload)) == payload


@given(APPROVALS, st.data())
def test_no_other_bytes_mean_the_same(value: Approval, data: st.DataObject):
    payload = statement.encode_approval(value)
    at = data.draw(st.integers(0, len(payload) - 1))
    changed = payload[:at] + bytes([payload[at] ^ data.draw(st.integers(1, 255))]) + payload[at + 1 :]
    try:
        other = statement.decode_approval(changed)
    except DataError:
        return
    assert other != value


def test_a_policy_comes_back():
    assert statement.decode_policy(statement.encode_policy(POLICY)) == POLICY
    second = replace(POLICY, version=2, previous=Digest("sha256:" + "0" * 64))
    assert statement.decode_policy(statement.encode_policy(second)) == second


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 0}, "counts from 1"),
        ({"version": 2}, "names the one before"),
        ({"previous": Digest("sha256:" + "0" * 64)}, "names the one before"),
        ({"version": 2, "previous": Digest("md5:0")}, "not sha256"),
        ({"roles": {"lead": Role(("ada",)), "root": Role(("ada",))}}, "comes from the root keys"),
        ({"roles": {"lead": Role(("zoe",))}}, "zoe, who is no principal"),
        ({"roles": {"lead": Role(("ada", "ada"))}}, "twice"),
        ({"roles": {"lead": Role(("ada",), ("boss",)), "boss": Role(("ada",))}}, "exclude each other"),
        ({"roles": {}}, "asks for 1 of the role lead"),
        ({"rules": (Rule("x", (), (Need("lead"),)),)}, "no kinds or no needs"),
        ({"rules": (Rule("x", ("labels",), ()),)}, "no kinds or no needs"),
        ({"rules": (Rule("x", ("labels",), (Need("lead", 0),)),)}, "asks for 0"),
        ({"principals": {"ada": ADA, "bob": replace(ADA, emails=(), pseudonyms=())}}, "one key belongs to ada and bob"),
        (
            {"principals": {"ada": ADA, "bob": Principal("Bob", emails=("ADA@example.com",))}},
            "one address belongs to ada and bob",
        ),
        (
            {"principals": {"ada": ADA, "bob": Principal("Bob", pseudonyms=("prs_a",))}},
            "one pseudonym belongs to ada and bob",
        ),
        ({"principals": {"ada": ADA, "../x": Principal("Bob")}}, "no principal's id"),
        ({"principals": {"ada": replace(ADA, keys=(KEY + " comment",))}}, "type and base64 alone"),
        ({"principals": {"ada": replace(ADA, keys=("ssh-ed25519 AAAA",))}}, "cannot be used"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(change: dict, words: str):
    with pytest.raises(DataError, match=words):
        statement.decode_policy(statement.encode_policy(replace(POLICY, **change)))


def test_a_policy_is_about_itself():
    payload = statement.encode_policy(POLICY)
    with pytest.raises(DataError, match="not the document"):
        statement.decode_policy(payload.replace(b'"Ada"', b'"Eve"'))


FINGERPRINT = "SHA256:" + "x" * 43


def root(**change: object) -> Root:
    from labelvc.codec import sshsig

    fingerprint = sshsig.read_public(KEY).fingerprint
    role = ((fingerprint,), 1)
    return replace(Root(1, "r", {fingerprint: RootKey(KEY, "ada")}, role, role, Digest("")), **change)


def test_a_root_comes_back():
    payload = rootfile.encode(root(), "2036-01-01T00:00:00Z")
    found = rootfile.decode(payload)
    assert replace(found, digest=Digest("")) == root(expires="2036-01-01T00:00:00Z")
    assert found.digest == canonical.digest(payload)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 0}, "no version"),
        ({"keys": {FINGERPRINT: RootKey(KEY, "ada")}}, "another fingerprint"),
        ({"root": ((), 0)}, "threshold"),
        ({"root": ((), 1)}, "threshold"),
        ({"targets": ((FINGERPRINT,), 1)}, "does not have"),
        ({"root": (tuple(root().keys), 2)}, "threshold"),
        ({"root": (tuple(root().keys) * 2, 2)}, "twice"),
        ({"root": (tuple(root().keys), True)}, "threshold"),
        ({"keys": {next(iter(root().keys)): RootKey(KEY, "Ada Author")}}, "no principal's id"),
    ],
)
def test_a_root_nobody_could_meet_is_refused(change: dict, words: str):
    with pytest.raises(DataError, match=words):
        rootfile.decode(rootfile.encode(root(**change), "2036-01-01T00:00:00Z"))


@pytest.mark.parametrize("payload", [b"{}", b"[]", b"null", b"x", b'{"keys":[],"roles":1}', b'{"keys":{},"roles":{}}'])
def test_what_is_no_root_is_refused_cleanly(payload: bytes):
    with pytest.raises(DataError):
        rootfile.decode(payload)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=2),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(
                    ["_type", "subject", "predicate", "predicateType", "digest", "sha256", "keys", "roles", "root"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=8,
    )
)
def test_any_json_is_refused_cleanly(value: object):
    payload = canonical.encode(value)
    for decode in (statement.decode_approval, statement.decode_policy, rootfile.decode):
        with pytest.raises(DataError):
            decode(payload)


# ---------------------------------------------------------------- re-keys
YES = Approval(
    root=Digest("sha256:" + "0" * 64), decision="approve", meaning="approval", role="lead", signer=Signer("ada", "Ada"),
    signed_at="2026-03-01T09:00:00Z", scope=Scope("r", "delta", 0, 3, 0), policy=Seen(1, "0" * 64), nonce="0" * 32, tool="t",
)  # fmt: skip


def rekeying(**change: Any) -> Rekeying:
    about = {
        "decision": "approve", "meaning": "verification", "epochs": Epochs(("b",), "c"), "mapping": Mapped(3, "0" * 64),
        "states": States("1" * 64, "2" * 64), "supersedes": (), "materials": (), **change,
    }  # fmt: skip
    return Rekeying(**{**asdict(YES), **about})


def test_a_statement_on_a_re_key_is_an_approval_that_says_more():
    value = rekeying()
    payload = statement.encode_approval(value)
    assert json.loads(payload)["predicateType"] == "urn:labelvc:rekey:1"
    assert statement.decode_approval(payload) == value
    with pytest.raises(DataError):
        statement.decode_approval(payload.replace(b"urn:labelvc:rekey:1", b"urn:labelvc:approval:1"))


@pytest.mark.parametrize(
    "change",
    [
        {"decision": "reject", "reason": "no"}, {"meaning": "approval"}, {"meaning": "emergency", "reason": "now"},
        {"epochs": Epochs((), "c")}, {"epochs": Epochs(("a",), "c")}, {"epochs": Epochs(("b",), "")}, {"mapping": Mapped(0, "0" * 64)},
        {"mapping": Mapped(3, "0" * 63)}, {"states": States("1" * 64, "")}, {"supersedes": (Digest("sha256:" + "0" * 64),)},
    ],
)  # fmt: skip
def test_a_statement_on_a_re_key_that_says_something_else_is_none(change: dict[str, Any]):
    with pytest.raises(DataError):
        statement.decode_approval(statement.encode_approval(rekeying(**change)))


def test_words_inside_of_a_text_make_no_other_kind_of_statement():
    value = replace(YES, reason='"predicateType":"urn:labelvc:rekey:1"')
    assert statement.decode_approval(statement.encode_approval(value)) == value
