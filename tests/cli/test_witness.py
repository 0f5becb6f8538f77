"""Witnesses: a second person signs that they saw a release, and a history that is told twice is found."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from labelvc.codec import canonical, dsse, schema
from labelvc.core import decide
from labelvc.errors import Error
from labelvc.model.approval import Envelope, Signature
from labelvc.model.witness import NAMESPACE
from labelvc.ops import trust as trusting
from labelvc.ops import witness as witnessing
from labelvc.store import git as plumbing
from labelvc.store import tree
from tests.cli.test_release import cut, main, proved, released, wrong
from tests.copying import copied
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "main", "people_keys"]
BEN = "releases/1.0.0.witness.ben.json"


def witness(desk: Desk, *words: str, who: str = "ben") -> tuple[int, str, str]:
    return desk.labelvc("release", "witness", *words, "--key", desk.key(who))


def witnessed(desk: Desk, *words: str, who: str = "ben") -> str:
    """Witness a release, commit the statement and return its path."""
    code, out, err = witness(desk, *words, who=who)
    assert code == 0, err
    desk.commit(f"{who} saw it", who)
    return out.strip()


def clone(desk: Desk, folder: Path) -> Desk:
    copied(desk.folder, folder)
    return desk._replace(folder=folder)


def compared(desk: Desk, other: Path) -> tuple[int, dict]:
    code, out, err = desk.labelvc("release", "compare", str(other), "--format", "json")
    assert out, err
    document = json.loads(out)
    jsonschema.Draft202012Validator(schema.schema("release-compare")).validate(document)
    return code, document["summary"]


def test_a_witness_signs_and_verify_names_them(main: Desk):
    assert decide.kind_of(BEN) == "project"
    released(main, "1.0.0")
    code, out, err = witness(main)
    assert (code, out) == (0, f"{BEN}\n"), err
    assert "witness     release 1.0.0, number 1, sha256:" in err
    assert "since       nothing you signed before is known" in err
    assert "next: git commit -m 'Witness of 1.0.0' -- releases" in err
    main.commit("Ben saw it", "ben")
    assert "the release has this witness already" in witness(main)[2]
    assert not main.git("status", "--porcelain")
    code, items = proved(main)
    assert (code, items[0]["state"]) == (0, "good")
    (found,) = items[0]["witnesses"]
    assert (found["path"], found["principal"], found["name"]) == (BEN, "ben", "Ben Builder")
    assert "witnessed by Ben Builder (ben), " in main.labelvc("release", "verify")[1]
    payload = dsse.decode((main.folder / BEN).read_bytes(), dsse.IN_TOTO).payload
    jsonschema.Draft202012Validator(schema.schema("witness")).validate(json.loads(payload))
    assert main.verify("HEAD^..HEAD")[1][0]["state"] == "unchanged"

    main.git("merge", "-q", "--no-edit", "topic")
    main.approve("ben", "HEAD^..HEAD")
    released(main, "2.0.0")
    code, out, err = witness(main)
    assert (code, out) == (0, "releases/2.0.0.witness.ben.json\n")
    assert "since       continues 1.0.0, which you signed before" in err
    main.commit("Ben saw it", "ben")
    witnessed(main, "1.0.0", who="cleo")
    code, items = proved(main, "--all")
    assert code == 0
    assert [[one["principal"] for one in item["witnesses"]] for item in items] == [["ben", "cleo"], ["ben"]]
    assert cut(main, "--next")[1] == "releases/2.0.1.json\n"


def test_stock_tools_verify_a_witness(main: Desk, tmp_path: Path):
    released(main, "1.0.0")
    assert witness(main, "-o", str(tmp_path / "seen.json"))[:2] == (0, "")
    assert not main.git("status", "--porcelain")
    envelope, _ = witnessing.opened((tmp_path / "seen.json").read_bytes())
    (tmp_path / "sig").write_bytes(envelope.signatures[0].sig)
    (tmp_path / "allowed").write_text(main.labelvc("key", "list", "--format", "allowed-signers")[1])
    words = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "ben", "-n", NAMESPACE, "-s", "sig"]
    message = dsse.pae(dsse.IN_TOTO, envelope.payload)
    done = subprocess.run(words, cwd=tmp_path, input=message, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "who", "code", "said"),
    [
        ((), "ada", 1, "ada signed release 1.0.0, and cannot be its witness"),
        ((), "mallory", 2, "the key belongs to no principal"),
        (("9.9.9",), "ben", 2, "there is no release 9.9.9"),
        (("--root", "sha256:" + "0" * 64), "ben", 2, "the root is not the pinned one"),
    ],
)
def test_who_may_not_witness_leaves_nothing_behind(main: Desk, words: tuple[str, ...], who: str, code: int, said: str):
    released(main, "1.0.0")
    got, out, err = witness(main, *words, who=who)
    assert (got, out) == (code, ""), err
    assert said in err
    assert not main.git("status", "--porcelain")


def test_a_release_that_is_wrong_is_not_witnessed(main: Desk):
    cut(main, "1.0.0")
    main.relabel("smuggled", "rev-2")
    code, out, err = witness(main)
    assert (code, out) == (1, "")
    assert "the lines at" in err
    assert "not signed; next: labelvc release verify --all" in err
    assert not main.git("status", "--porcelain")


def test_nobody_pinned_the_root_in_ci(main: Desk, monkeypatch: pytest.MonkeyPatch):
    released(main, "1.0.0")
    monkeypatch.setenv("CI", "true")
    code, _, err = witness(main)
    assert code == 2
    assert "nobody pinned the root" in err


def resigned(
    desk: Desk, path: str, who: str = "ben", namespace: str = NAMESPACE, root: str = "", **members: object
) -> bytes:
    """Return a statement with other members, signed anew by somebody."""
    value = json.loads(dsse.decode((desk.folder / path).read_bytes(), dsse.IN_TOTO).payload)
    value["predicate"] |= members
    if root:
        value["subject"][0]["digest"]["sha256"] = root
    payload = canonical.encode(value)
    words = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", desk.key(who)]
    made = subprocess.run(words, input=dsse.pae(dsse.IN_TOTO, payload), capture_output=True, check=True).stdout
    told = subprocess.run(["ssh-keygen", "-lf", desk.key(who)], capture_output=True, text=True, check=True).stdout
    return dsse.encode(Envelope(dsse.IN_TOTO, payload, (Signature(told.split()[1], made),)))


@pytest.mark.parametrize(
    ("who", "members", "said"),
    [
        ("mallory", {}, "does not belong to ben in the policy in force"),
        ("cleo", {}, "does not belong to ben in the policy in force"),
        ("ben", {"signer": {"principal": "ben", "printedName": "Somebody"}}, "the printed name is not the one"),
        ("mallory", {"signer": {"principal": "mallory", "printedName": "M"}}, "mallory is no principal of the policy"),
        (
            "cleo",
            {"signer": {"principal": "cleo", "printedName": "Cleo Checker"}},
            "not named after its release and signer",
        ),
        ("ben", {"repository": "0" * 8}, "it was made for another repository"),
        ("ben", {"version": "1.0.1"}, "not named after its release and signer"),
        ("ben", {"root": "0" * 64}, "where release number 1 here is 1.0.0 sha256:"),
        ("ben", {"sequence": 2}, "it is about release 1.0.0, number 2 of them, and here are 1"),
        ("ben", {"approvals": {"size": 1, "root": "0" * 64}}, "it counted other approvals than the release"),
        ("ben", {"since": {"version": "0.9.0", "sha256": "0" * 64}}, "the release 0.9.0 that its signer saw before"),
        ("ben", {"extra": 1}, "the statement of the witness is not well formed"),
        ("ben", {"namespace": "release@labelvc.v1"}, "the signature was made for 'release@labelvc.v1'"),
    ],
)
def test_a_statement_that_says_something_else_is_named(main: Desk, who: str, members: dict, said: str):
    released(main, "1.0.0")
    witnessed(main)
    main.write(BEN, resigned(main, BEN, who, **members))
    main.git("add", "--all")
    main.git("commit", "-q", "--no-verify", "--amend", "--no-edit")
    found = wrong(main)
    assert f"{BEN}: " in found
    assert said in found
    main.git("rm", "-q", BEN)
    main.commit("It never held, so it may go")
    assert proved(main)[0] == 0


def test_a_statement_copied_to_another_release_or_person_is_named(main: Desk):
    released(main, "1.0.0")
    witnessed(main)
    released(main, "1.0.1")
    data = (main.folder / BEN).read_bytes()
    for path in ("releases/1.0.1.witness.ben.json", "releases/1.0.1.witness.cleo.json"):
        main.write(path, data)
    main.commit("Copied")
    found = wrong(main)
    assert "releases/1.0.1.witness.ben.json: the file is not named after its release and signer" in found
    assert "releases/1.0.1.witness.cleo.json: the file is not named after its release and signer" in found


def test_every_flipped_byte_of_a_statement_is_found(main: Desk):
    released(main, "1.0.0")
    witnessed(main)
    data = (main.folder / BEN).read_bytes()
    git = plumbing.find(main.folder)
    with tree.reader(git) as reader:
        policy = trusting.load(reader, tree.commit(git, "HEAD")).policy
    witnessing.judge(*witnessing.opened(data), policy)
    for at in range(len(data)):
        flipped = data[:at] + bytes([data[at] ^ 1 << at % 7]) + data[at + 1 :]
        with pytest.raises(Error):
            witnessing.judge(*witnessing.opened(flipped), policy)


def test_a_statement_taken_away_or_replaced_is_found(main: Desk):
    released(main, "1.0.0")
    witnessed(main)
    main.git("rm", "-q", BEN)
    main.commit("Hide it")
    assert f"{BEN}: it was changed or taken out of the tree after it was added" in wrong(main)
    main.git("reset", "-q", "--hard", "HEAD^")
    main.write(BEN, resigned(main, BEN, signedAt="2020-01-01T00:00:00Z"))
    main.commit("Another one by the same hand")
    assert f"{BEN}: it was changed or taken out of the tree after it was added" in wrong(main)


def test_a_statement_on_a_release_that_is_gone_is_found(main: Desk):
    """The last release is withheld, and its witness is not."""
    released(main, "1.0.0")
    last = released(main, "1.0.1")
    path = witnessed(main)
    data = (main.folder / path).read_bytes()
    main.git("reset", "-q", "--hard", f"{last}^")
    main.write(path, data)
    main.commit("Only the witness")
    assert f"{path}: it is about release 1.0.1, number 2 of them, and here are 1" in wrong(main)


def fork(desk: Desk, start: str) -> None:
    """Rewrite history from a commit on, with another release 1.0.1."""
    desk.git("reset", "-q", "--hard", start)
    desk.relabel("otherwise", "rev-3")
    released(desk, "2.0.0")


def test_a_witness_does_not_sign_a_second_history(main: Desk, tmp_path: Path):
    start = main.git("rev-parse", "HEAD")
    released(main, "1.0.0")
    assert witness(main, "-o", str(tmp_path / "seen.json"))[0] == 0
    main.git("reset", "-q", "--hard", start)
    main.relabel("otherwise", "rev-3")
    released(main, "1.0.0")
    assert proved(main)[0] == 0
    code, out, err = witness(main)
    assert (code, out) == (1, "")
    assert "this is not the history that ben witnessed: it is about 1.0.0 sha256:" in err
    assert "labelvc release compare" in err
    shutil.rmtree(main.folder / ".git/labelvc/witness")
    assert witness(main, "--since", str(tmp_path / "seen.json"))[0] == 1
    assert witness(main)[0] == 0  # who remembers nothing cannot tell


def test_a_witness_does_not_sign_a_shorter_history(main: Desk):
    first = released(main, "1.0.0")
    released(main, "1.0.1")
    witnessed(main)
    main.git("reset", "-q", "--hard", first)
    code, _, err = witness(main)
    assert code == 1
    assert "it is about release 1.0.1, number 2 of them, and here are 1" in err
    main.git("reset", "-q", "--hard", "HEAD@{1}")
    assert witness(main, "1.0.0")[0] == 0
    main.git("reset", "-q", "--hard", first)
    assert witness(main)[0] == 1  # an older one signed later does not make it forget


def test_two_clones_that_saw_one_history(main: Desk, tmp_path: Path):
    released(main, "1.0.0")
    early = clone(main, tmp_path / "early")
    assert compared(main, early.folder) == (0, {"state": "same", "first": None, "proof": []})
    main.git("merge", "-q", "--no-edit", "topic")
    main.approve("ben", "HEAD^..HEAD")
    released(main, "2.0.0")
    middle = clone(main, tmp_path / "middle")
    main.approve("cleo", "HEAD~3..HEAD~2", "reviewer", "--decision", "reject", "--reason", "no")
    released(main, "2.0.1")
    assert compared(main, early.folder)[1]["state"] == "ahead"
    code, said = compared(middle, main.folder)
    assert (code, said["state"], len(said["proof"])) == (0, "behind", 1)
    code, out, _ = main.labelvc("release", "compare", str(middle.folder))
    assert code == 0
    assert out.startswith(
        "ahead       this clone goes on after release 2.0.0, which the other ends with\nhere        2.0.1 sha256:"
    )
    assert "proof       1 hashes: the approvals of the one begin those of the other\n" in out


def test_a_forked_history_is_told_with_the_release_where_it_parts(main: Desk, tmp_path: Path):
    first = released(main, "1.0.0")
    other = clone(main, tmp_path / "other")
    released(main, "1.0.1")
    assert witness(main, "-o", str(tmp_path / "seen.json"))[0] == 0
    fork(other, first)
    code, said = compared(main, other.folder)
    assert (code, said["state"]) == (1, "forked")
    assert [said["first"][side]["version"] for side in ("here", "there")] == ["1.0.1", "2.0.0"]
    code, out, _ = main.labelvc("release", "compare", str(other.folder))
    assert out.startswith("forked      the histories part: release 1.0.1 here is not 2.0.0 there\n")
    assert "parted      1.0.1 sha256:" in out
    assert compared(other, tmp_path / "seen.json")[0] == 1
    assert compared(main, tmp_path / "seen.json") == (0, {"state": "same", "first": None, "proof": []})


def test_a_clone_and_a_witness_file(main: Desk, tmp_path: Path):
    first = released(main, "1.0.0")
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    assert witness(main, "-o", str(one))[0] == 0
    released(main, "1.0.1")
    assert compared(main, one)[1]["state"] == "ahead"
    assert witness(main, "-o", str(two))[0] == 0
    main.git("reset", "-q", "--hard", first)
    assert compared(main, two)[1]["state"] == "behind"
    assert compared(main, two)[0] == 0
    two.write_bytes(resigned_at(main, two))
    assert compared(main, two) == (2, {"state": "unproved", "first": None, "proof": []})
    one.write_bytes(one.read_bytes().replace(b"a", b"b", 1))
    code, out, err = main.labelvc("release", "compare", str(one))
    assert (code, out) == (2, "")
    assert f"where: {one}" in err
    assert main.labelvc("release", "compare", str(tmp_path))[0] == 2


def resigned_at(desk: Desk, path: Path) -> bytes:
    """Return a statement without what its signer saw before, signed anew."""
    value = json.loads(dsse.decode(path.read_bytes(), dsse.IN_TOTO).payload)
    del value["predicate"]["since"]
    shadow = desk.folder / "shadow.json"
    envelope = dsse.decode(path.read_bytes(), dsse.IN_TOTO)
    shadow.write_bytes(dsse.encode(Envelope(dsse.IN_TOTO, canonical.encode(value), envelope.signatures)))
    made = resigned(desk, "shadow.json")
    shadow.unlink()
    return made


def test_a_truncated_log_of_approvals_is_no_history(main: Desk, tmp_path: Path):
    """A clone whose release counts fewer approvals than the tree it came from is told, not called the same."""
    main.git("merge", "-q", "--no-edit", "topic")
    merged = main.git("rev-parse", "HEAD")
    main.approve("cleo", "HEAD^..HEAD", "reviewer", "--decision", "reject", "--reason", "no")
    released(main, "1.0.0")
    other = clone(main, tmp_path / "other")
    data = (main.folder / "releases/1.0.0.json").read_bytes()
    other.git("reset", "-q", "--hard", merged)
    other.write("releases/1.0.0.json", data)
    other.commit("Release 1.0.0 without the no")
    code, said = compared(main, other.folder)
    assert (code, said["state"]) == (1, "same")
    out = main.labelvc("release", "compare", str(other.folder))[1]
    assert "its checkpoint is not the one of the approvals in the tree" in out


def test_clones_of_two_projects_are_not_compared(
    main: Desk, tmp_path: Path, labelvc: Callable[..., tuple[int, str, str]]
):
    released(main, "1.0.0")
    empty = tmp_path / "empty"
    main.git("clone", "-q", str(main.folder), str(empty))
    main.git("-C", str(empty), "reset", "-q", "--hard", "HEAD^")
    code, out, err = main.labelvc("release", "compare", str(empty))
    assert (code, out) == (2, "")
    assert "nothing was released yet" in err
    assert labelvc(empty, "release", "witness", "--key", main.key("ben"))[0] == 2


def opened_note(text: str, vkey: str) -> tuple[list[str], int]:
    """Verify a note by C2SP's pages alone, and return the lines of its checkpoint and the moment of its cosignature."""
    name, keyid, public = vkey.split("+", 2)
    raw = base64.b64decode(public)
    assert raw[:1] == b"\4"
    assert hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex() == keyid
    body, _, line = text.rpartition("\n\n")
    dash, who, signature = line.removesuffix("\n").split(" ")
    found = base64.b64decode(signature)
    assert (dash, who, found[:4].hex(), len(found)) == ("\u2014", name, keyid, 4 + 8 + 64)
    moment = int.from_bytes(found[4:12], "big")
    signed = f"cosignature/v1\ntime {moment}\n{body}\n".encode()
    Ed25519PublicKey.from_public_bytes(raw[1:]).verify(found[12:], signed)
    return body.split("\n"), moment


def test_the_example_of_the_specification_opens():
    """C2SP signed-note v1.0.0, of another signature type: name, id and line are put together alike."""
    key = base64.b64decode("AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    assert hashlib.sha256(b"example.com/foo\n" + key).digest()[:4].hex() == "530d903a"


def test_a_cosignature_is_what_other_programs_verify(main: Desk, tmp_path: Path):
    released(main, "1.0.0")
    code, _, err = witness(main, "--cosign", str(tmp_path / "note"))
    assert code == 0
    vkey = err.split("its key for other programs: ")[1].split()[0]
    text = (tmp_path / "note").read_text()
    lines, moment = opened_note(text, vkey)
    said = witnessing.opened((main.folder / BEN).read_bytes())[1]
    assert lines == [
        f"labelvc/{said.repository}/approvals",
        str(said.approvals.size),
        base64.b64encode(bytes.fromhex(said.approvals.root)).decode(),
    ]
    assert abs(moment - time.time()) < 600
    for changed in (text.replace(lines[1], "9", 1), text.replace("/approvals", "/approvalz")):
        with pytest.raises(InvalidSignature):
            opened_note(changed, vkey)


def test_a_security_key_or_another_kind_makes_no_cosignature(main: Desk, ssh_key, tmp_path: Path):
    path = ssh_key("wide", "rsa")
    main.git("checkout", "-q", "main")
    words = ("policy", "add", "ben", "--key", f"{path}.pub", "--sign-with", main.key("ada"))
    assert main.labelvc(*words)[0] == 0
    main.commit("Ben has another key")
    released(main, "1.0.0")
    before = main.git("status", "--porcelain")
    code, out, err = main.labelvc("release", "witness", "--cosign", str(tmp_path / "note"), "--key", str(path))
    assert (code, out) == (2, "")
    assert "an Ed25519 key" in err
    assert "--cosign" in err
    assert main.git("status", "--porcelain") == before
    assert not (tmp_path / "note").exists()
