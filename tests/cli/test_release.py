"""Releases as a person makes them: cut, list, show, notes, verify, and a proof of one label for somebody else."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelvc.codec import canonical, dsse, schema, shard
from labelvc.core.inclusion import check as check_proof
from labelvc.core.inclusion import decode as decode_proof
from labelvc.core.release import Log
from labelvc.errors import Error
from labelvc.model.approval import Envelope, Signature
from labelvc.model.release import NAMESPACE
from labelvc.ops import manifest as manifests
from labelvc.ops import trust as trusting
from labelvc.store import git as plumbing
from labelvc.store import tree
from tests.oracles import rfc6962
from tests.people import SHARD, Desk, record
from tests.trusting import desk, desk_template, people_keys
from tests.zoo import ANNA, Zoo

__all__ = ["desk", "desk_template", "people_keys"]


def cut(desk: Desk, *words: str, who: str = "ada") -> tuple[int, str, str]:
    """Cut a release of changes that nobody approved, most of the time: they are not what these tests are about."""
    return desk.labelvc("release", "cut", *words, "--unapproved", "--key", desk.key(who))


def released(desk: Desk, version: str) -> str:
    """Cut a release, commit it and return the commit."""
    code, out, err = cut(desk, version)
    assert (code, out) == (0, f"releases/{version}.json\n"), err
    return desk.commit(f"Release {version}")


def proved(desk: Desk, *words: str) -> tuple[int, list[dict]]:
    code, out, err = desk.labelvc("release", "verify", *words, "--format", "json")
    assert out, err
    document = json.loads(out)
    jsonschema.Draft202012Validator(schema.schema("release-verify")).validate(document)
    return code, document["items"]


def wrong(desk: Desk, *words: str) -> str:
    """Verify, expect something wrong, and return what."""
    code, items = proved(desk, *words)
    assert code == 1
    return "; ".join(text for item in items for text in item["problems"])


@pytest.fixture
def main(desk: Desk) -> Desk:
    desk.git("checkout", "-q", "main")
    return desk


@pytest.fixture
def people(main: Desk) -> Desk:
    """Return the desk with a described dataset, whose records are by a pseudonym."""
    main.write("datasets/reviews/dataset.yaml", DATASET)
    (main.folder / "guidelines/mood.yaml").unlink()
    main.write("datasets/reviews/items/00.jsonl", b'{"id":"rev-1","text":"nice"}\n')
    main.save({name: {**row, "by": ANNA} for name, row in main.records().items()})
    main.commit("Begin")
    return main


DATASET = """schema: urn:labelvc:schema:dataset:1
name: reviews
id: 0c4a7f7e-6c1e-4b3a-9a5e-2f6c1b7d9e10
tasks: {sentiment: true}
shards: 16
"""


def test_two_releases_from_first_to_last(main: Desk):
    first = released(main, "1.0.0")
    main.git("merge", "-q", "--no-edit", "topic")
    main.approve("ben", "HEAD^..HEAD")
    code, out, err = cut(main, "1.1.0")
    assert (code, out) == (1, "")
    assert "1.1.0 is too small a step from 1.0.0: 1 record changed, which asks for 2.0.0 (major)" in err
    assert "next: labelvc release cut 2.0.0" in err
    assert not main.git("status", "--porcelain")
    code, out, err = cut(main, "--next")
    assert (code, out) == (0, "releases/2.0.0.json\n")
    assert "release     2.0.0 (after 1.0.0: records or items were edited or removed)" in err
    assert "next: git commit -m 'Release 2.0.0' -- releases" in err
    second = main.commit("Release 2.0.0")
    code, items = proved(main, "--all")
    assert (code, [item["state"] for item in items]) == (0, ["good", "good"])
    assert [item["commit"] for item in items] == [first, second]
    assert main.verify("HEAD^..HEAD")[1][0]["state"] == "unchanged"
    assert proved(main, "1.0.0")[1][0]["version"] == "1.0.0"

    out = main.labelvc("release", "list", "--format", "json")[1]
    jsonschema.Draft202012Validator(schema.schema("release-list")).validate(json.loads(out))
    rows = json.loads(out)["items"]
    assert rows[1]["previous"] == {"version": "1.0.0", "sha256": rows[0]["digest"].removeprefix("sha256:")}
    assert [row["approvals"]["size"] for row in rows] == [0, 1]
    assert [row["sequence"] for row in rows] == [1, 2]
    text = main.labelvc("release", "show", "2.0.0")[1]
    assert f"digest      {rows[1]['digest']}" in text
    assert "Ada Author (ada) as lead" in text
    assert main.labelvc("release", "list")[1].count("\n") == 2
    assert len(main.labelvc("release", "show", "--format", "jsonl")[1].splitlines()) == 1

    payload = dsse.decode((main.folder / "releases/2.0.0.json").read_bytes(), dsse.IN_TOTO).payload
    jsonschema.Draft202012Validator(schema.schema("release")).validate(json.loads(payload))
    assert rows[1]["state"] == f"sha256:{by_the_book(main)}"


def test_a_release_of_what_nobody_approved_says_so(main: Desk):
    """Refused unless asked for by name; the release then says how many of its changes nobody approved, and so does all that tells of it."""
    released(main, "1.0.0")
    start = main.git("rev-parse", "HEAD")
    main.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    main.relabel("worse", "rev-2")
    words = f"labelvc verify {start[:12]}..{main.git('rev-parse', 'HEAD')[:12]}"
    code, out, err = main.labelvc("release", "cut", "--next", "--key", main.key("ada"))
    assert (code, out) == (1, "")
    assert "error: 2 of 2 changes since 1.0.0 are not approved\n" in err
    assert f"next: {words} shows them; --unapproved signs a release that holds them all the same\n" in err
    assert not main.git("status", "--porcelain")
    assert [step["state"] for step in main.verify(words.rpartition(" ")[2])[1]] == ["missing", "missing"]

    code, _, err = cut(main, "--next")
    assert code == 0
    assert f"changes     2 since 1.0.0: 2 NOT approved  ({words})\n" in err
    head = main.commit("Release 2.0.0")
    words = f"labelvc verify {start[:12]}..{head[:12]}"
    code, items = proved(main, "2.0.0")
    told = {"since": "1.0.0", "total": 2, "approved": 0, "not_approved": 2, "before_policy": 0, "not_told": 0}
    assert (code, items[0]["state"], items[0]["changes"]) == (0, "good", {**told, "command": words})
    assert f"changes: 2 since 1.0.0: 2 NOT approved  ({words})\n" in main.labelvc("release", "verify")[1]
    assert f"Changes: 2 since 1.0.0: 2 NOT approved ({words})\n" in main.labelvc("release", "notes")[1]
    assert "2 NOT approved" in main.labelvc("release", "notes", "1.0.0..HEAD")[1]


def test_a_release_of_approved_changes_needs_no_word_more(main: Desk):
    main.git("checkout", "-q", "topic")
    main.approve("ben")
    main.git("checkout", "-q", "main")
    main.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    code, _, err = main.labelvc("release", "cut", "--next", "--key", main.key("ada"))
    assert code == 0, err
    assert "changes     " in err
    assert ": 1 approved, " in err
    assert "from before the first policy  (labelvc verify --all " in err
    assert "NOT" not in err


def test_changes_are_counted_from_a_release_that_was_cut_on_a_branch(main: Desk):
    """Its commit is on no first-parent line: the step that brought it in counts as a whole."""
    main.git("checkout", "-q", "topic")
    released(main, "1.0.0")
    main.git("checkout", "-q", "main")
    main.git("commit", "-q", "--allow-empty", "-m", "Meanwhile")
    main.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    code, _, err = main.labelvc("release", "cut", "1.0.1", "--key", main.key("ada"))
    assert code == 1
    assert "error: 1 of 1 change since 1.0.0 is not approved\n" in err
    code, items = main.verify(err.partition("labelvc verify ")[2].partition(" ")[0])
    assert (code, [item["state"] for item in items]) == (1, ["unchanged", "missing"])


def by_the_book(desk: Desk) -> str:
    """Work the state digest out as docs/formats/release.md says, with another implementation of the tree."""
    leaves = []
    for path in ("labelvc.yaml", "guidelines/mood.yaml"):
        data = (desk.folder / path).read_bytes()
        leaves.append(b"%s\0%d\0%s" % (path.encode(), len(data), hashlib.sha256(data).hexdigest().encode()))
    lines = (desk.folder / SHARD).read_bytes().splitlines()
    row = b"%s\0%d\0%s" % (SHARD.encode(), len(lines), rfc6962.root(lines).hex().encode())
    leaves.append(b"datasets/reviews\0" + b"1\0" + rfc6962.root([row]).hex().encode())
    return rfc6962.root(sorted(leaves)).hex()


@pytest.mark.parametrize(
    ("change", "least"),
    [
        ("nothing", "1.0.1"),
        ("guideline", "1.0.1"),
        ("touch", "1.0.1"),
        ("add", "1.1.0"),
        ("edit", "2.0.0"),
        ("bury", "2.0.0"),
    ],
)
def test_the_version_moves_as_the_data_did(main: Desk, change: str, least: str):
    released(main, "1.0.0")
    records = main.records()
    if change == "guideline":
        main.write("guidelines/mood.yaml", "schema: urn:labelvc:schema:guideline:1\nname: mood\nversion: 2.0.0\n")
    elif change == "touch":
        records["rev-1"]["rev"] = 2
    elif change == "add":
        records["rev-9"] = record("rev-9", "new")
    elif change == "edit":
        records["rev-1"] = record("rev-1", "good", 2)
    elif change == "bury":
        records["rev-1"] = {"item": "rev-1", "id": "r1", "gone": True, "rev": 2}
    main.save(records)
    main.git("commit", "-qam", change, "--allow-empty", "--no-verify")
    assert cut(main, "--next")[1] == f"releases/{least}.json\n"


@pytest.mark.parametrize(
    ("words", "who", "code", "said"),
    [
        (("1.0",), "ada", 2, "is no version of three numbers"),
        (("1.0.0-rc1",), "ada", 2, "is no version of three numbers"),
        (("01.0.0",), "ada", 2, "is no version of three numbers"),
        ((), "ada", 2, "name a version, or let --next find it"),
        (("1.0.0", "--next"), "ada", 2, "name a version, or let --next find it"),
        (("1.0.0",), "ben", 1, "ben holds no role that may release"),
        (("1.0.0", "--role", "lead"), "ben", 1, "the policy does not grant ben the role lead"),
        (("1.0.0",), "mallory", 2, "the key belongs to no principal"),
        (("1.0.0", "--tag"), "ada", 2, "git has no key to sign tags with"),
        (("1.0.0", "--root", "sha256:" + "0" * 64), "ada", 2, "the root is not the pinned one"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(main: Desk, words: tuple[str, ...], who: str, code: int, said: str):
    got, out, err = cut(main, *words, who=who)
    assert (got, out) == (code, ""), err
    assert said in err
    assert not main.git("status", "--porcelain")


def test_a_release_is_of_what_is_committed(main: Desk):
    main.write("note.txt", "x")
    code, _, err = cut(main, "1.0.0")
    assert code == 1
    assert "the work tree differs from HEAD" in err
    assert "where: note.txt" in err


def test_a_version_must_follow_the_last(main: Desk):
    released(main, "2.0.0")
    for version in ("2.0.0", "1.9.9"):
        code, _, err = cut(main, version)
        assert code == 1
        assert f"{version} does not follow 2.0.0" in err


def test_a_signed_tag_is_made_of_the_commit_with_the_manifest(main: Desk):
    main.git("config", "gpg.format", "ssh")
    main.git("config", "user.signingKey", main.key("ada") + ".pub")
    main.git("config", "user.name", "Ada")
    main.git("config", "user.email", "ada@example.com")
    (main.folder / ".git" / "allowed").write_text(f"ada@example.com {Path(main.key('ada') + '.pub').read_text()}")
    main.git("config", "gpg.ssh.allowedSignersFile", str(main.folder / ".git" / "allowed"))
    code, _, err = cut(main, "1.0.0", "--tag")
    assert code == 0, err
    assert main.git("ls-tree", "--name-only", "v1.0.0", "releases/") == "releases/1.0.0.json"
    main.git("verify-tag", "v1.0.0")
    assert proved(main)[0] == 0
    code, _, err = cut(main, "1.0.1", "--tag")
    assert code == 0, err
    main.git("tag", "v1.0.2")
    assert "there is a tag of this name" in cut(main, "1.0.2", "--tag")[2]


def test_a_policy_without_a_rule_lets_nobody_release(main: Desk):
    git = plumbing.find(main.folder)
    with tree.reader(git) as reader:
        trust = trusting.load(reader, tree.commit(git, "HEAD"))
    bare = trust._replace(policy=trusting.msgspec.structs.replace(trust.policy, rules=()))
    released(main, "1.0.0")
    envelope, release = manifests.opened((main.folder / "releases/1.0.0.json").read_bytes())
    assert manifests.judge("releases/1.0.0.json", envelope, release, trust).state == "approved"
    assert manifests.judge("releases/1.0.0.json", envelope, release, bare).state == "denied"


def amended(desk: Desk, path: str, data: bytes) -> None:
    desk.write(path, data)
    desk.git("add", "--all")
    desk.git("commit", "-q", "--no-verify", "--amend", "--no-edit")


def test_every_flipped_byte_of_a_manifest_is_found(main: Desk):
    """None of them gives a manifest that is read and judged as good."""
    released(main, "1.0.0")
    path = "releases/1.0.0.json"
    data = (main.folder / path).read_bytes()
    git = plumbing.find(main.folder)
    with tree.reader(git) as reader:
        trust = trusting.load(reader, tree.commit(git, "HEAD"))
    assert manifests.judge(path, *manifests.opened(data), trust).state == "approved"
    for at in range(len(data)):
        flipped = data[:at] + bytes([data[at] ^ 1 << at % 7]) + data[at + 1 :]
        try:
            state = manifests.judge(path, *manifests.opened(flipped), trust).state
        except Error:
            state = "refused"
        assert state != "approved", (at, data[at : at + 1])


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_verify_finds_a_flipped_byte(main: Desk, data: st.DataObject):
    path = main.folder / "releases/1.0.0.json"
    if not path.exists():
        released(main, "1.0.0")
        main.git("tag", "good")
    main.git("reset", "-q", "--hard", "good")
    raw = path.read_bytes()
    at = data.draw(st.integers(0, len(raw) - 1))
    flipped = raw[:at] + bytes([raw[at] ^ 1 << data.draw(st.integers(0, 6))]) + raw[at + 1 :]
    amended(main, "releases/1.0.0.json", flipped)
    assert proved(main)[1][0]["state"] == "wrong"


def resigned(desk: Desk, who: str = "ada", namespace: str = NAMESPACE, **members: object) -> bytes:
    """Return the manifest with other members, signed anew by somebody."""
    envelope, _ = manifests.opened((desk.folder / "releases/1.0.0.json").read_bytes())
    value = json.loads(envelope.payload)
    value["predicate"] |= members
    payload = canonical.encode(value)
    message = dsse.pae(dsse.IN_TOTO, payload)
    words = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", desk.key(who)]
    made = subprocess.run(words, input=message, capture_output=True, check=True).stdout
    told = subprocess.run(["ssh-keygen", "-lf", desk.key(who)], capture_output=True, text=True, check=True).stdout
    return dsse.encode(Envelope(dsse.IN_TOTO, payload, (Signature(told.split()[1], made),)))


BEN = {"principal": "ben", "printedName": "Ben Builder"}


@pytest.mark.parametrize(
    ("who", "members", "said"),
    [
        ("mallory", {}, "belongs to nobody in the policy in force"),
        ("ben", {}, "ada, whom it names as signer, has not signed it"),
        ("ben", {"signer": BEN}, "does not grant ben the role lead"),
        ("ben", {"signer": BEN, "role": "reviewer"}, "does not let ben alone release as reviewer"),
        ("ada", {"signer": {"principal": "ada", "printedName": "Somebody"}}, "the printed name is not the one"),
        ("ada", {"repository": "0" * 8}, "it was made for another repository"),
        ("ada", {"policy": {"version": 2, "sha256": "0" * 64}}, "which is not the one in force before it"),
        ("ada", {"version": "1.0.1"}, "it says that it is version 1.0.1"),
        ("ada", {"documents": []}, "the documents at"),
        ("ada", {"datasets": []}, "datasets/reviews: it is at"),
        ("ada", {"approvals": {"size": 1, "root": "0" * 64}}, "its checkpoint is not the one of the approvals"),
        ("ada", {"sequence": 2, "previous": {"version": "0.9.0", "sha256": "0" * 64}}, "does not follow nothing"),
        ("ada", {"extra": 1}, "the release is not well formed"),
    ],
)
def test_a_manifest_that_says_something_else_is_found(main: Desk, who: str, members: dict, said: str):
    released(main, "1.0.0")
    amended(main, "releases/1.0.0.json", resigned(main, who, **members))
    assert said in wrong(main)


def test_a_signature_for_another_purpose_is_none(main: Desk):
    released(main, "1.0.0")
    amended(main, "releases/1.0.0.json", resigned(main, namespace="approval@labelvc.v1"))
    assert "the signature was made for 'approval@labelvc.v1'" in wrong(main)


def test_stock_tools_verify_a_manifest(main: Desk, tmp_path: Path):
    released(main, "1.0.0")
    envelope, _ = manifests.opened((main.folder / "releases/1.0.0.json").read_bytes())
    (tmp_path / "sig").write_bytes(envelope.signatures[0].sig)
    (tmp_path / "allowed").write_text(main.labelvc("key", "list", "--format", "allowed-signers")[1])
    words = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "ada", "-n", "release@labelvc.v1", "-s", "sig"]
    done = subprocess.run(
        words, cwd=tmp_path, input=dsse.pae(dsse.IN_TOTO, envelope.payload), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_labels_changed_with_the_release_are_found(main: Desk):
    cut(main, "1.0.0")
    records = main.records()
    records["rev-2"] = record("rev-2", "smuggled", 2)
    main.save(records)
    main.commit("Release 1.0.0, and a label")
    said = wrong(main)
    assert "datasets/reviews: the lines at" in said
    assert "the state at" in said


def test_a_manifest_changed_or_taken_away_later_is_found(main: Desk):
    released(main, "1.0.0")
    released(main, "1.0.1")
    path = main.folder / "releases/1.0.0.json"
    data = path.read_bytes()
    path.unlink()
    main.commit("Hide it")
    assert "its file was taken out of the tree" in wrong(main, "--all")
    assert cut(main, "1.0.2")[0] == 2
    path.write_bytes(data.replace(b"a", b"b", 1))
    main.commit("Put another one there")
    assert "its file was changed after it was added" in wrong(main, "--all")


def test_a_release_dropped_from_rewritten_history_breaks_the_chain(main: Desk):
    start = main.git("rev-parse", "HEAD")
    released(main, "1.0.0")
    released(main, "1.0.1")
    data = (main.folder / "releases/1.0.1.json").read_bytes()
    main.git("reset", "-q", "--hard", start)
    main.write("releases/1.0.1.json", data)
    main.commit("Only the second")
    assert "it does not follow nothing, the release before it here" in wrong(main)


def test_a_rejection_dropped_between_two_releases_is_found(main: Desk):
    """Threat 14: history is rewritten so that a no that a release had counted never was."""
    main.git("merge", "-q", "--no-edit", "topic")
    merged = main.git("rev-parse", "HEAD")
    step = f"{merged}^..{merged}"
    main.approve("ben", step)
    main.approve("cleo", step, "reviewer", "--decision", "reject", "--reason", "no")
    released(main, "1.0.0")
    released(main, "1.0.1")
    assert proved(main, "--all")[0] == 0
    last = (main.folder / "releases/1.0.1.json").read_bytes()
    first = (main.folder / "releases/1.0.0.json").read_bytes()
    statements = {
        path: path.read_bytes() for path in main.folder.glob("approvals/*/*") if not path.name.startswith("cleo.")
    }
    main.git("reset", "-q", "--hard", merged)
    for path, data in statements.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    main.commit("Ben alone")
    main.write("releases/1.0.0.json", first)
    main.commit("Release 1.0.0")
    assert "its checkpoint is not the one of the approvals in the tree" in wrong(main)
    main.write("releases/1.0.1.json", last)
    main.commit("Release 1.0.1")
    assert "its checkpoint is not the one of the approvals in the tree" in wrong(main)


def test_a_statement_lost_after_a_release_is_found_by_the_next(main: Desk):
    main.git("merge", "-q", "--no-edit", "topic")
    path = main.approve("cleo", "HEAD^..HEAD", "reviewer", "--decision", "reject", "--reason", "no")
    released(main, "1.0.0")
    path.unlink()
    main.commit("Forget it")
    code, _, err = cut(main, "1.0.1")
    assert code == 2
    assert "a statement that a release counted is gone or changed" in err


def test_a_release_whose_signer_leaves_a_no_out_of_the_log_is_wrong(main: Desk):
    """Whoever signs releases takes Cleo's no out of the tree, and signs a next release of the log that is left, by another program."""
    main.git("merge", "-q", "--no-edit", "topic")
    main.approve("ben", "HEAD^..HEAD")
    path = main.approve("cleo", "HEAD~2..HEAD~1", "reviewer", "--decision", "reject", "--reason", "no")
    released(main, "1.0.0")
    path.unlink()
    main.commit("Forget it")
    envelope, release = manifests.opened((main.folder / "releases/1.0.0.json").read_bytes())
    (kept,) = main.folder.glob("approvals/*/ben.*.json")
    digest = hashlib.sha256(kept.read_bytes()).hexdigest()
    left = Log(((kept.relative_to(main.folder).as_posix(), digest),)).checkpoint(0)
    previous = {"version": "1.0.0", "sha256": envelope.digest.removeprefix("sha256:")}
    members = {"version": "1.0.1", "sequence": 2, "previous": previous, "approvals": {"size": 1, "root": left.root}}
    main.write("releases/1.0.1.json", resigned(main, **members))
    main.commit("Release 1.0.1")
    assert (release.approvals.size, left.size) == (2, 1)
    told = wrong(main, "--all")
    assert "a statement that a release before counted is gone or changed" in told
    assert "its checkpoint is not the one of the approvals in the tree" in told


def test_what_cannot_be_told_is_2(main: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert main.labelvc("release", "verify")[:2] == (0, "0 releases: nothing was released yet\n")
    assert main.labelvc("release", "list")[:2] == (0, "nothing was released yet\n")
    for words in (("show",), ("notes",), ("verify", "1.0.0"), ("show", "9.9.9")):
        code, out, err = main.labelvc("release", *words)
        assert (code, out) == (2, "")
        assert "next:" in err
    released(main, "1.0.0")
    shallow = tmp_path / "shallow"
    main.git("clone", "-q", "--depth", "1", f"file://{main.folder}", str(shallow))
    code, _, err = main.run(shallow, "release", "verify")
    assert code == 2
    assert "git fetch --unshallow" in err
    monkeypatch.setenv("CI", "true")
    code, _, err = main.labelvc("release", "verify")
    assert code == 2
    assert "nobody pinned the root" in err
    root = json.loads(main.labelvc("policy", "show", "--format", "json")[1])["summary"]["root"]
    assert main.labelvc("release", "verify", "--root", root)[0] == 0


def test_a_release_cut_on_a_branch_and_merged_is_good(main: Desk):
    """Approvals that came to main meanwhile come after those that the release counted."""
    main.git("checkout", "-q", "-b", "release")
    released(main, "1.0.0")
    main.git("checkout", "-q", "main")
    main.git("merge", "-q", "--no-edit", "topic")
    main.approve("ben", "HEAD^..HEAD")
    main.git("merge", "-q", "--no-edit", "release")
    assert cut(main, "--next")[1] == "releases/2.0.0.json\n"
    main.commit("Release")
    code, items = proved(main, "--all")
    assert code == 0, items


def test_a_release_squashed_onto_a_line_that_went_on_is_told_where_it_holds(main: Desk):
    """It stays wrong: nobody signed what lies beside it."""
    main.git("checkout", "-q", "-b", "release")
    home = released(main, "1.0.0")
    main.git("checkout", "-q", "main")
    main.git("merge", "-q", "--no-edit", "topic")
    main.git("merge", "-q", "--squash", "release")
    main.commit("Squash the release")
    code, (item,) = proved(main)
    assert (code, item["state"]) == (1, "wrong")
    (note,) = item["notes"]
    assert note.startswith(f"it holds at {home[:12]}, which is not in this history: cut again here")
    main.git("branch", "-q", "-D", "release")
    (item,) = proved(main)[1]
    assert item["state"] == "wrong"
    assert item["notes"][0].startswith("all else holds, as when a branch is squashed onto a line that has gone on")
    assert cut(main, "--next")[1] == "releases/1.0.1.json\n"
    main.commit("Again")
    assert proved(main)[0] == 0


def test_a_manifest_that_a_merge_commit_itself_adds_is_known(main: Desk):
    code, out, _ = cut(main, "1.0.0")
    assert (code, out) == (0, "releases/1.0.0.json\n")
    data = (main.folder / "releases/1.0.0.json").read_bytes()
    main.git("rm", "-q", "-f", "releases/1.0.0.json")
    main.git("checkout", "-q", "-b", "side")
    main.git("commit", "-q", "--allow-empty", "--no-verify", "-m", "Aside")
    main.git("checkout", "-q", "main")
    main.git("merge", "-q", "--no-ff", "--no-commit", "side")
    main.write("releases/1.0.0.json", data)
    main.commit("Merge")
    assert proved(main)[1][0]["state"] == "good"


def test_notes_tell_what_came(main: Desk):
    released(main, "1.0.0")
    main.git("merge", "-q", "--no-edit", "topic")
    main.write("guidelines/mood.yaml", "schema: urn:labelvc:schema:guideline:1\nname: mood\nversion: 2.0.0\n")
    main.commit("Say it better")
    released(main, "2.0.0")
    said = main.labelvc("release", "notes")[1]
    assert said.startswith("## `Release 2.0.0`\n\nrecords: 1 changed")
    assert "`guidelines/mood.yaml` changed" in said
    assert main.labelvc("release", "notes", "v1.0.0..2.0.0")[1].partition("\n")[2] == said.partition("\n")[2]
    assert "6 added" in main.labelvc("release", "notes", "1.0.0")[1]
    assert main.labelvc("release", "notes", "1.0.0", "-o", "notes.md")[1] == ""
    assert (main.folder / "notes.md").is_file()


def scatter(desk: Desk, records: dict[str, dict]) -> None:
    """Put records where they belong."""
    files: dict[str, list[bytes]] = {}
    for item, row in records.items():
        path = shard.path("reviews", "annotations", shard.place(item, 2))
        files.setdefault(path, []).append(canonical.encode_record(row))
    (desk.folder / SHARD).unlink(missing_ok=True)
    for path, lines in files.items():
        desk.write(path, shard.write(lines))


def test_trace_names_the_releases_that_hold_a_line(people: Desk):
    records = {name: record(name, "bad", 1, ANNA) for name in ("rev-1", "rev-2", "rev-3")}
    for version, changed in (("1.0.0", {}), ("2.0.0", {"rev-1": "good"}), ("2.0.1", {}), ("", {"rev-3": "fine"})):
        records |= {name: record(name, label, 2, ANNA) for name, label in changed.items()}
        scatter(people, records)
        people.git("add", "--all")
        people.git("commit", "-q", "--no-verify", "--allow-empty", "-m", "Label")
        if version:
            released(people, version)
    for item, versions in {"rev-1": ["2.0.0", "2.0.1"], "rev-2": ["1.0.0", "2.0.0", "2.0.1"], "rev-3": []}.items():
        code, out, _ = people.labelvc("trace", f"reviews/{item}#r1", "--format", "json")
        assert code == 0, out
        assert json.loads(out)["summary"]["releases"] == versions, item
    assert "release  2.0.0, 2.0.1 hold this line" in people.labelvc("trace", "reviews/rev-1#r1")[1]
    assert "release  none holds this line" in people.labelvc("trace", "reviews/rev-3#r1")[1]


# ---------------------------------------------------------------- one label proved to somebody who gets nothing else


def test_a_proof_stands_alone(people: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    released(people, "1.0.0")
    digest = json.loads(people.labelvc("release", "show", "--format", "jsonl")[1])["digest"]
    away = tmp_path / "away"
    away.mkdir()
    for key in ("reviews/rev-1#r1", "reviews/rev-6#r1", "reviews/rev-1#"):
        code, out, err = people.labelvc("audit", "prove", key)
        assert code == 0, err
        jsonschema.Draft202012Validator(schema.schema("inclusion")).validate(json.loads(out))
        (away / "proof.json").write_text(out)
        code, said, err = people.run(away, "audit", "recheck", "proof.json", "--digest", digest)
        assert code == 0
        assert said.startswith(f"included    {key} in release 1.0.0 (plain tree)\n")
        assert "Ada Author, with SHA256:" in said
        assert rfc6962.recheck(json.loads(out)) == json.loads(out)["line"]
    assert people.run(away, "audit", "recheck", "proof.json")[2].startswith("note: compare digest and key")
    assert people.run(away, "audit", "recheck", "proof.json", "--digest", "sha256:0")[0] == 1
    monkeypatch.setenv("CI", "true")
    assert people.run(away, "audit", "recheck", "proof.json")[0] == 2
    assert people.run(away, "audit", "recheck", "proof.json", "--digest", digest)[0] == 0


def test_a_proof_that_was_changed_proves_nothing(people: Desk, tmp_path: Path):
    released(people, "1.0.0")
    proof = json.loads(people.labelvc("audit", "prove", "reviews/rev-2#r1")[1])
    other = json.loads(people.labelvc("audit", "prove", "reviews/rev-3#r1")[1])
    bad = [
        {"line": proof["line"].replace("bad", "good")},
        {"key": "reviews/rev-3#r1"},
        {"line": other["line"]},
        {"line": other["line"], "key": other["key"]},
        {"file": "datasets/reviews/annotations/01.jsonl"},
        {"file": "datasets/others/annotations/00.jsonl"},
        {"lines": {**proof["lines"], "index": proof["lines"]["index"] ^ 1}},
        {"lines": {**proof["lines"], "size": 7}},
        {"lines": {**proof["lines"], "path": proof["lines"]["path"][:-1]}},
        {"lines": {**proof["lines"], "path": [*proof["lines"]["path"], "00" * 32]}},
        {"shards": {**proof["shards"], "size": 3}},
        {"salt": "00" * 32},
        {"salt": "00"},
        {"salt": "no"},
        {"manifest": proof["manifest"].replace('"sig":"', '"sig":"A', 1)},
    ]
    for members in bad:
        (tmp_path / "proof.json").write_text(json.dumps({**proof, **members}))
        code, out, _ = people.run(tmp_path, "audit", "recheck", "proof.json")
        assert (code, out[:5]) == (1, "wrong"), members
    for text in ("", "[]", "{", json.dumps({**proof, "more": 1}), json.dumps({**proof, "schema": "urn:x"})):
        (tmp_path / "proof.json").write_text(text)
        assert people.run(tmp_path, "audit", "recheck", "proof.json")[0] == 2, text


def salted(people: Desk) -> None:
    """Give the project a secret, and release."""
    Zoo(people.folder).begin_pseudonyms()
    people.commit("Begin an epoch")
    released(people, "1.0.0")


def test_a_salted_proof_gives_no_guess_away(people: Desk):
    """Threat 28: who gets one proof cannot find out what its neighbours say, though there are few labels to try."""
    salted(people)
    assert proved(people)[1][0]["notes"] == []
    pieces = {}
    for how in ("--plain", ""):
        out = people.labelvc("audit", "prove", "reviews/rev-2#r1", *filter(None, [how]))[1]
        proof = json.loads(out)
        check_proof(decode_proof(out.encode()))
        assert rfc6962.recheck(proof) == proof["line"]
        lines = (people.folder / SHARD).read_bytes().splitlines()
        guesses = {
            hashlib.sha256(b"\0" + bytes.fromhex(salt) + line).digest()
            for line in lines
            for salt in ("", proof.get("salt", ""))
        }
        pieces[how] = {bytes.fromhex(node) for node in proof["lines"]["path"]} & guesses
    assert pieces["--plain"], "the plain tree shows its neighbours' hashes, so a guess can be tried"
    assert not pieces[""]


def test_without_the_secret_salted_roots_are_said_not_to_be_looked_at(people: Desk):
    salted(people)
    for path in (people.folder / ".git/labelvc/keyring").iterdir():
        path.unlink()
    code, items = proved(people)
    assert (code, items[0]["state"]) == (0, "good")
    assert items[0]["notes"] == ["salted roots not looked at: the secret of epoch b is not on this machine"]
    code, _, err = people.labelvc("audit", "prove", "reviews/rev-1#r1")
    assert code == 2
    assert "--plain" in err
    assert people.labelvc("audit", "prove", "reviews/rev-1#r1", "--plain")[0] == 0


def test_a_wrong_salted_root_is_found_by_who_has_the_secret(people: Desk):
    salted(people)
    envelope, _ = manifests.opened((people.folder / "releases/1.0.0.json").read_bytes())
    (data,) = json.loads(envelope.payload)["predicate"]["datasets"]
    data["salted"]["root"] = "0" * 64
    amended(people, "releases/1.0.0.json", resigned(people, datasets=[data]))
    assert "datasets/reviews: the lines at" in wrong(people)


def test_storage_in_dvc_changes_no_root_and_its_content_is_proved(people: Desk):
    scatter(people, {name: record(name, "bad", 1, ANNA) for name in ("rev-1", "rev-2", "rev-3")})
    people.commit("Scatter")
    released(people, "1.0.0")
    Zoo(people.folder).store_in_dvc("reviews")
    people.commit("Move to DVC")
    assert cut(people, "--next")[1] == "releases/1.0.1.json\n"
    people.commit("Release 1.0.1")
    assert proved(people, "--all")[0] == 0
    rows = [json.loads(row) for row in people.labelvc("release", "list", "--format", "jsonl")[1].splitlines()]
    assert len({row["datasets"][0]["root"] for row in rows}) == 1
    shutil.rmtree(people.folder / ".git/labelvc/cache")
    for path in (people.folder / ".dvc/cache/files/md5").glob("*/*"):
        if not path.name.endswith(".dir"):
            path.chmod(0o644)
            path.write_bytes(path.read_bytes().replace(b"bad", b"dab"))
    code, items = proved(people)
    assert (code, items[0]["state"]) == (2, "undecidable")
    assert "does not have the SHA-256 that the manifest says" in items[0]["doubts"][0]


def test_what_was_measured_once_is_not_read_again(main: Desk):
    """The second time the lines of unchanged shards are not looked at: their objects may even be gone."""
    released(main, "1.0.0")
    assert proved(main)[0] == 0
    blob = main.git("rev-parse", f"HEAD:{SHARD}")
    place = main.folder / ".git/objects" / blob[:2] / blob[2:]
    place.rename(place.with_suffix(".away"))
    assert proved(main)[0] == 0
    shutil.rmtree(main.folder / ".git/labelvc/cache")
    assert proved(main)[0] == 2


def test_of_several_shards_only_the_changed_one_is_read_again(people: Desk):
    """What was measured of the others stands, though their objects are gone; the changed one is asked for."""
    records = {f"rev-{number}": record(f"rev-{number}", "bad", 1, ANNA) for number in range(1, 13)}
    scatter(people, records)
    people.commit("Scatter")
    released(people, "1.0.0")
    assert proved(people)[0] == 0
    scatter(people, records | {"rev-1": record("rev-1", "good", 2, ANNA)})
    people.commit("Change one")
    shards = [row.split() for row in people.git("ls-tree", "-r", "HEAD", str(Path(SHARD).parent)).splitlines()]
    places = {path: people.folder / f".git/objects/{blob[:2]}/{blob[2:]}" for _, _, blob, path in shards}
    changed = places.pop(people.git("diff", "--name-only", "HEAD~1", "HEAD"))
    assert len(places) > 3
    for place in (*places.values(), changed):
        place.rename(place.with_suffix(".away"))
    assert cut(people, "2.0.0")[0] == 2
    changed.with_suffix(".away").rename(changed)
    released(people, "2.0.0")
    for place in places.values():
        place.unlink(missing_ok=True)  # git writes an object again where it finds the file as young as its index
    assert proved(people)[0] == 0
    shutil.rmtree(people.folder / ".git/labelvc/cache")
    assert proved(people)[0] == 2
