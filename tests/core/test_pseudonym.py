"""Pseudonyms: the published vectors, an independent second implementation, and the laws tokens must keep."""

from __future__ import annotations

import json
import pickle
import re
import unicodedata
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import assume, given
from hypothesis import strategies as st

from labelvc.codec import derive
from labelvc.core import pseudonym
from labelvc.errors import ConfigurationError, DataError
from labelvc.model.secret import ALPHABET, Secret

VECTORS = json.loads((Path(__file__).resolve().parents[1] / "data" / "pseudonym-vectors.json").read_text())
PROJECT = "6f9619ff-8b86-4d01-b42d-00c04fc964ff"
SECRET = Secret("b", bytes(range(32)))
WORDS = st.text(min_size=1).filter(lambda text: unicodedata.normalize("NFC", text).strip() and text.isprintable())


def make(
    value: str,
    *,
    domain: str = "main",
    kind: str = "other",
    scope: str = "",
    project: str = PROJECT,
    secret: Secret = SECRET,
) -> str:
    return pseudonym.token(secret, project, domain, kind, value, scope)


def lp(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def second_opinion(row: dict[str, str]) -> tuple[str, str]:
    """Return (token, commitment) by the words of docs/formats/pseudonym.md alone, with other people's HKDF and HMAC."""
    secret = bytes.fromhex(row["secret"])
    use = b"chain" if "old" in row else b"tok"
    info = lp(b"labelvc/v1", use, row["domain"].encode(), row["kind"].encode())
    key = HKDF(hashes.SHA256(), 32, UUID(row["project"]).bytes, info).derive(secret)
    mac = HMAC(key, hashes.SHA256())
    if "old" in row:
        mac.update(lp(b"chain1", row["old"].encode()))
    else:
        mac.update(lp(b"tok1", row["scope"].encode(), row["normaliser"].encode(), row["normalised"].encode()))
    digits, rest = "", int.from_bytes(mac.finalize(), "big")
    for _ in range(24):  # the first 24 digits of the fraction rest / 2^256 in base 20
        rest *= 20
        digits += "bcdfghjklmnpqrstvwxz"[rest >> 256]
        rest &= (1 << 256) - 1
    start = {"person": "prs", "account": "act", "email": "eml", "phone": "phn", "name": "nam", "device": "dev", "iban": "ibn", "place": "plc", "organisation": "org", "other": "oth"}[row["kind"]]  # fmt: skip
    start = f"{start}_{row['epoch']}{digits}"
    total = sum(ord(letter) * pow(31, len(start) - 1 - at, 7993) for at, letter in enumerate(start)) % 7993
    check = "".join("bcdfghjklmnpqrstvwxz"[total // power % 20] for power in (400, 20, 1))
    return start + check, HKDF(hashes.SHA256(), 16, None, lp(b"labelvc/v1", b"commit")).derive(secret).hex()


@pytest.mark.parametrize("row", VECTORS["tokens"], ids=lambda row: row["why"])
def test_published_vectors(row: dict[str, str]):
    secret = Secret(row["epoch"], bytes.fromhex(row["secret"]))
    token = pseudonym.token(secret, row["project"], row["domain"], row["kind"], row["value"], row["scope"])
    assert (token, pseudonym.commitment(secret)) == (row["token"], row["commitment"]) == second_opinion(row)
    kind = pseudonym.KINDS[row["kind"]]
    assert (kind.normaliser, kind.normalise(row["value"])) == (row["normaliser"], row["normalised"])
    assert pseudonym.is_token(token)
    assert pseudonym.epoch_of(token) == row["epoch"]


@pytest.mark.parametrize("row", VECTORS["chained"], ids=lambda row: row["why"])
def test_published_vectors_of_a_chained_re_key(row: dict[str, str]):
    secret = Secret(row["epoch"], bytes.fromhex(row["secret"]))
    token = pseudonym.chained(secret, row["project"], row["domain"], row["old"])
    assert token == row["token"] == second_opinion(row)[0]
    assert pseudonym.is_token(token)
    assert (pseudonym.epoch_of(token), token[:4]) == (row["epoch"], row["old"][:4])


def test_tokens_of_a_chain_follow_one_another():
    first, second, third = (Secret(epoch, bytes([at]) * 32) for at, epoch in enumerate(("b", "c", "d")))
    tokens = pseudonym.lineage((first, second, third), PROJECT, "main", "person", " Ada ", "s")
    assert tokens[0] == pseudonym.token(first, PROJECT, "main", "person", "Ada", "s")
    assert tokens[1:] == [
        pseudonym.chained(second, PROJECT, "main", tokens[0]),
        pseudonym.chained(third, PROJECT, "main", tokens[1]),
    ]
    assert pseudonym.lineage((first,), PROJECT, "main", "person", "Ada", "s") == tokens[:1]


@given(WORDS, WORDS)
def test_a_chain_keeps_two_values_apart_and_is_no_token_of_a_value(one: str, other: str):
    new = Secret("c", bytes(range(1, 33)))
    tokens = [make(one), make(other)]
    chained = [pseudonym.chained(new, PROJECT, "main", token) for token in tokens]
    assert (chained[0] == chained[1]) == (tokens[0] == tokens[1])
    assert chained[0] not in (make(tokens[0], secret=new), make(one, secret=new))


@pytest.mark.parametrize(
    "old", ["prs_x", make("ada", kind="person")[:-1] + "b", "ada", make("x", secret=Secret("c", bytes(32)))]
)
def test_only_a_token_of_another_epoch_is_carried(old: str):
    with pytest.raises(DataError):
        pseudonym.chained(Secret("c", bytes(32)), PROJECT, "main", old)


@pytest.mark.parametrize("row", VECTORS["no_tokens"], ids=lambda row: row["why"])
def test_published_texts_that_are_no_tokens(row: dict[str, str]):
    assert not pseudonym.is_token(row["token"])


def test_vectors_that_must_be_equal_and_all_others_differ():
    tokens: dict[str, set[str]] = {}
    for row in VECTORS["tokens"]:
        tokens.setdefault(row["token"], set()).add(row["why"])
    assert sorted(sorted(same) for same in tokens.values() if len(same) > 1) == [
        ["an address as a person", "the same address written plainly"],
        ["an address with an international domain", "the same in ASCII"],
        ["composed", "decomposed, other case and blanks"],
        ["the same with +", "with 00"],
    ]


@pytest.mark.parametrize(
    ("secret", "salt", "info", "length", "expected"),
    [  # RFC 5869, appendix A.1 to A.3
        ("0b" * 22, "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9", 42, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"),
        ("".join(f"{n:02x}" for n in range(0x50)), "".join(f"{n:02x}" for n in range(0x60, 0xB0)), "".join(f"{n:02x}" for n in range(0xB0, 0x100)), 82,
         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"),
        ("0b" * 22, "", "", 42, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"),
    ],
)  # fmt: skip
def test_hkdf_of_rfc_5869(secret: str, salt: str, info: str, length: int, expected: str):
    assert derive.hkdf(bytes.fromhex(secret), bytes.fromhex(salt), bytes.fromhex(info), length).hex() == expected


@given(st.lists(st.binary(max_size=6), max_size=5), st.lists(st.binary(max_size=6), max_size=5))
def test_prefixed_parts_stay_apart(one: list[bytes], other: list[bytes]):
    assert (derive.prefixed(*one) == derive.prefixed(*other)) == (one == other)


@given(WORDS)
def test_equal_values_give_equal_tokens_of_the_right_shape(value: str):
    token = make(value)
    assert token == make(f"  {unicodedata.normalize('NFD', value)} \n")
    assert re.fullmatch(f"oth_b[{ALPHABET}]{{27}}", token)


@given(WORDS, WORDS)
def test_different_values_give_different_tokens(one: str, other: str):
    assume(pseudonym.KINDS["other"].normalise(one) != pseudonym.KINDS["other"].normalise(other))
    assert make(one) != make(other)


@given(
    WORDS,
    st.text("ab/#:", max_size=4),
    st.text("ab/#:", max_size=4),
    st.text("ab", min_size=1, max_size=3),
    st.text("ab", min_size=1, max_size=3),
)
def test_scope_domain_and_value_stay_apart(value: str, scope: str, other: str, domain: str, second: str):
    """("ab", "c") is not ("a", "bc"), wherever the two parts stand."""
    assert (make(value, scope=scope, domain=domain) == make(value, scope=other, domain=second)) == (
        (scope, domain) == (other, second)
    )
    assert (make("x" + value, scope=scope) == make(value, scope=scope + "x")) is False


def test_kinds_projects_secrets_and_epochs_stay_apart():
    made = [make("ada", kind=kind)[5:] for kind in pseudonym.KINDS]
    made += [
        make("ada", project="0c4a7f7e-6c1e-4b3a-9a5e-2f6c1b7d9e10")[5:],
        make("ada", secret=Secret("b", bytes(32)))[5:],
    ]
    assert len(set(made)) == len(made)
    assert make("ada", secret=Secret("c", bytes(range(32)))) != make("ada")


@given(WORDS, st.sampled_from(sorted(pseudonym.KINDS)), st.sampled_from(["b", "z", "bc", "zz"]))
def test_every_single_wrong_letter_is_noticed(value: str, kind: str, epoch: str):
    """All of them, not most: 32 or 33 places times every other letter."""
    token = make(value, kind=kind, secret=Secret(epoch, bytes(32)))
    assert pseudonym.is_token(token)
    for at, letter in enumerate(token):
        others = set("abcdefghijklmnopqrstuvwxyz_0-") - {letter}
        assert not any(pseudonym.is_token(token[:at] + other + token[at + 1 :]) for other in others)


@given(WORDS)
def test_swapped_neighbours_and_lost_letters_are_noticed(value: str):
    token = make(value)
    for at in range(len(token) - 4):
        if token[at] != token[at + 1]:
            assert not pseudonym.is_token(token[:at] + token[at + 1] + token[at] + token[at + 2 :])
    assert not any(
        pseudonym.is_token(text) for text in (token[:-1], token + "b", token + "\n", token.upper(), " " + token, "")
    )


@given(WORDS)
def test_a_token_holds_nothing_of_its_value(value: str):
    token = make(value)
    assert len(value) < 4 or value.casefold() not in token


@pytest.mark.parametrize(
    ("kind", "one", "other", "same"),
    [
        ("person", "Ada@Example.com", "ada@example.com", True),
        ("person", "Ada", "ada", False),
        ("person", "Ada  B", " Ada B", True),
        ("person", "R1", "R01", False),
        ("account", "Ada", "ada", False),
        ("email", "a@EXAMPLE.com", "A@example.COM", True),
        ("email", "a.b@example.com", "ab@example.com", False),
        ("phone", "+1 (202) 555-0143", "0012025550143", True),
        ("phone", "+1 202 555 0143", "202 555 0143", False),
        ("phone", "+٤٤ ٢٠", "+4420", True),
        ("name", "José  GARCÍA", "josé garcía", True),
        ("name", "Straße", "STRASSE", True),
        ("iban", "GB33 BUKB 2020", "gb33bukb2020", True),
        ("other", "A", "a", False),
    ],
)  # fmt: skip
def test_what_counts_as_the_same_value(kind: str, one: str, other: str, same: bool):
    assert (make(one, kind=kind) == make(other, kind=kind)) is same


@pytest.mark.parametrize("value", ["", "  \n", "\ud800"])
def test_values_that_cannot_be_tokenised(value: str):
    with pytest.raises(DataError) as caught:
        make(value)
    assert not value.strip() or value not in caught.value.message


def test_wrong_settings_are_refused():
    with pytest.raises(ConfigurationError, match="kind"):
        make("ada", kind="shoe-size")
    for project in ("42", "", "zzz", PROJECT + "00"):
        with pytest.raises(ConfigurationError, match="UUID"):
            make("ada", project=project)


def test_a_secret_never_shows_itself():
    for text in (repr(SECRET), str(SECRET), f"{SECRET}", f"{[SECRET]}"):
        assert "01" not in text
        assert "\\x" not in text
    with pytest.raises(TypeError):
        pickle.dumps(SECRET)


def test_commitments_tell_secrets_apart():
    assert pseudonym.commitment(SECRET) == pseudonym.commitment(Secret("c", bytes(range(32))))
    assert len({pseudonym.commitment(Secret("b", bytes([number]) * 32)) for number in range(256)}) == 256


def test_epoch_letters():
    names = [pseudonym.next_epoch()]
    while len(names) < 420:
        names.append(pseudonym.next_epoch(names[-1]))
    assert (names[0], names[19], names[20], names[-1]) == ("b", "z", "bb", "zz")
    assert len(set(names)) == 420
    with pytest.raises(ConfigurationError):
        pseudonym.next_epoch("zz")
