"""A bundle as an auditor gets it: checked by its own script with stock tools alone, and by `audit recheck`."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from labelvc.cli.render import bundle as render
from labelvc.codec import canonical, dsse, rootfile, schema, sshsig, statement, tar
from labelvc.core.release import Log
from labelvc.model.approval import NAMESPACE, Envelope, Signature, Signer
from labelvc.model.policy import Need, PublicKey, Root, RootKey
from labelvc.ops import approvals
from labelvc.ops import bundle as bundling
from labelvc.ops import trust as trusting
from labelvc.store.keys import signer as keys_of
from tests import people
from tests.browser import hold
from tests.copying import copied
from tests.oracles import rfc6962
from tests.people import Desk, record
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]

TOOLS = (
    "sh", "sha256sum", "base64", "cut", "cat", "tr", "sed", "sort", "uniq", "comm", "wc", "tail", "od", "mktemp", "rm", "mv", "cp", "mkdir",
    "dirname", "ssh-keygen", "echo",
)  # fmt: skip
KEY = "reviews/rev-26#r1"
"""Of sixteen shards it belongs in the one that the desk keeps all records in."""
DATASET = """schema: urn:labelvc:schema:dataset:1
name: reviews
id: 0c4a7f7e-6c1e-4b3a-9a5e-2f6c1b7d9e10
tasks: {sentiment: true}
shards: 16
"""


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the tools that the script may use, and no other: no python, no jq, no awk, no git."""
    folder = tmp_path_factory.mktemp("tools")
    for name in TOOLS:
        found = shutil.which("dash" if name == "sh" else name, path="/usr/bin:/bin")
        assert found, name
        (folder / name).symlink_to(found)
    return folder


class Case:
    """A bundle in memory, and the root that it should have."""

    def __init__(self, files: dict[str, bytes], root: str, data: bytes = b"") -> None:
        self.files, self.root, self.data = files, root, data

    def but(self, **changes: bytes | None) -> Case:
        """Return another bundle whose manifest fits its files."""
        files = {**self.files}
        for name, data in changes.items():
            files.pop(name, None)
            if data is not None:
                files[name] = data
        files.pop(render.MANIFEST)
        return Case({**files, render.MANIFEST: render.manifest(files)}, self.root)

    def name(self, start: str, end: str = "") -> str:
        return min(name for name in self.files if name.startswith(start) and name.endswith(end))


class Made(NamedTuple):
    """A project that was made once, and the bundle of all of it."""

    folder: Path
    case: Case


@pytest.fixture(scope="session")
def made_once() -> list[Made]:
    """Return the place of the first project; it is made inside a test, where the environment is hermetic."""
    return []


@pytest.fixture
def project(desk: Desk, made_once: list[Made], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Return a project with two merged changes, a rejection among them, changes that nobody approved, two policies and two releases."""
    if not made_once:
        fill(desk)
        kept = tmp_path_factory.mktemp("project")
        copied(desk.folder, kept / "labels")
        made_once.append(Made(kept / "labels", bundled(desk, kept / "b.tar", "--key", KEY)))
    copied(made_once[0].folder, tmp_path / "labels")
    return desk._replace(folder=tmp_path / "labels")


@pytest.fixture
def case(project: Desk, made_once: list[Made]) -> Case:
    return made_once[0].case


def fill(desk: Desk) -> None:
    desk.relabel("good", "rev-26")
    desk.approve("ben", "main...topic", "reviewer", "--reason", 'said "role":"lead" once')
    desk.git("checkout", "-q", "main")
    desk.write("datasets/reviews/dataset.yaml", DATASET)
    (desk.folder / "guidelines/mood.yaml").unlink()
    desk.commit("Begin")
    desk.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    cut(desk, "1.0.0")
    more = ("--key", f"{desk.key('ben2')}.pub", "--sign-with", desk.key("ada"))
    assert desk.labelvc("policy", "add", "ben", *more)[0] == 0
    desk.commit("A second key")
    desk.git("switch", "-q", "-c", "more")
    records = desk.records()
    records |= {f"rev-{number}": record(f"rev-{number}", "new") for number in range(10, 17)}
    desk.save(records)
    desk.commit("More")
    desk.approve("cleo", "main...more", "reviewer", "--decision", "reject", "--reason", "too fast")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "--no-edit", "more")
    cut(desk, "1.1.0")
    desk.relabel("alone", "rev-2")


def cut(desk: Desk, version: str) -> None:
    assert desk.labelvc("release", "cut", version, "--unapproved", "--yes", "--key", desk.key("ada"))[0] == 0
    desk.commit(f"Release {version}")


def bundled(desk: Desk, target: Path, *words: str) -> Case:
    code, out, err = desk.labelvc("audit", "bundle", *words, "-o", str(target))
    assert (code, out) == (0, ""), err
    anchor = json.loads(desk.labelvc("policy", "show", "--format", "json")[1])["summary"]["root"]
    data = target.read_bytes()
    with tarfile.open(fileobj=io.BytesIO(data)) as theirs:
        files = {one.name: theirs.extractfile(one).read() for one in theirs}  # type: ignore[union-attr]
    return Case(files, anchor, data)


def unpacked(case: Case, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def by_script(folder: Path, tools: Path, root: str, **more: str) -> tuple[int, str]:
    done = subprocess.run(
        ["sh", "verify.sh", root], cwd=folder, env={"PATH": str(tools), **more}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def by_labelvc(desk: Desk, case: Case, folder: Path) -> tuple[int, str]:
    folder.mkdir(exist_ok=True)
    (folder / "x.tar").write_bytes(b"".join(tar.write(case.files)))
    code, out, err = desk.run(folder, "audit", "recheck", "x.tar", "--root", case.root)
    return code, out + err


def test_the_script_and_labelvc_find_it_good(project: Desk, case: Case, tools: Path, tmp_path: Path):
    code, said = by_script(unpacked(case, tmp_path / "b"), tools, case.root)
    assert code == 0, said
    code, ours = by_labelvc(project, case, tmp_path / "away")
    assert (code, "GOOD" in ours) == (0, True), ours
    told = [line for line in said.splitlines() if line.startswith("ok ")]
    again = [line for line in ours.splitlines() if line.startswith(("ok     step ", "ok     the policies that judged"))]
    assert sorted(told) == sorted(line for line in ours.splitlines() if line.startswith("ok ") and line not in again)
    assert len(again) == 3, "two steps are approved, and the policies follow one another"
    assert any("statement ben says approve" in line for line in told)
    assert any("statement cleo says reject" in line for line in told)
    assert any("release 1.1.0 is signed by ada, follows 1.0.0" in line for line in told)
    steps = project.git("rev-list", "--reverse", "--first-parent", "HEAD")
    assert f"list sha256:{hashlib.sha256((steps + chr(10)).encode()).hexdigest()}" in said


def test_what_is_in_it(project: Desk, case: Case):
    assert schema.problems("audit-bundle", json.loads(case.files["bundle.json"])) == []
    assert schema.problems("audit-trace", json.loads(case.files["trace/1.json"])) == []
    states = [row.split()[-1] for row in case.files["steps.txt"].decode().splitlines()]
    assert states == [
        "ungoverned",
        "ungoverned",
        "missing",
        "approved",
        "unchanged",
        "approved",
        "rejected",
        "unchanged",
        "missing",
    ]
    assert case.files["population.csv"].decode().count("\n") == 10
    assert sorted(name.partition("/")[0] for name in case.files if name.startswith("releases")) == [
        "releases",
        "releases",
        "releases.txt",
    ]
    for name in case.files:
        if name.startswith("changesets/"):
            assert rfc6962.root(case.files[name].splitlines()).hex() == name[11:-6]
    for row in case.files["commits.txt"].decode().splitlines():
        commit, tree, *parents = row.split()
        assert project.git("show", "-s", "--format=%T %P", commit).split() == [tree, *parents]
    everything = b"".join(case.files.values())
    assert KEY.encode() in everything
    assert b"prs_anna" not in everything, "a plain value where a pseudonym must be is shown nowhere"
    assert b'"item":"rev-2"' not in everything, "no record but the one that was asked for"
    report = case.files["report.md"].decode()
    assert "Ben Builder" in report
    assert "<script" not in case.files["report.html"].decode()
    assert b"://" not in case.files["report.html"]
    assert case.files["policies.txt"].decode().count("\n") == len(
        [name for name in case.files if name.endswith(".signers")]
    )


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_its_page_is_read_by_anybody(case: Case, tmp_path: Path, dark: bool):
    page = tmp_path / "report.html"
    page.write_bytes(case.files["report.html"])
    hold(page, dark=dark)


def test_two_runs_and_two_clones_give_the_same_bytes(project: Desk, case: Case, tmp_path: Path):
    project.git("clone", "-q", str(project.folder), str(tmp_path / "clone"))
    there = project._replace(folder=tmp_path / "clone")
    assert bundled(there, tmp_path / "there.tar", "--key", KEY, "--root", case.root).data == case.data


def test_a_release_is_what_came_since_the_one_before(project: Desk, tools: Path, tmp_path: Path):
    for words, steps in [(("1.0.0",), 5), (("1.1.0",), 3), (("HEAD~3...HEAD",), 1)]:
        case = bundled(project, tmp_path / "r.tar", *words)
        assert len(case.files["steps.txt"].splitlines()) == steps, words
        code, said = by_script(unpacked(case, tmp_path / "r"), tools, case.root)
        assert code == 0, said
        assert by_labelvc(project, case, tmp_path / "away")[0] == 0
    code, _, err = project.labelvc("audit", "bundle", "9.9.9", "-o", str(tmp_path / "n.tar"))
    assert (code, "there is no release 9.9.9" in err) == (2, True)
    assert not (tmp_path / "n.tar").exists()


def test_every_flipped_bit_of_every_file_is_found(project: Desk, case: Case, tools: Path, tmp_path: Path):
    """At least one in each file, and forty more: neither the script nor `audit recheck` passes any of them."""
    folder = unpacked(case, tmp_path / "b")
    dice = random.Random(4711)
    names = [*case.files, *dice.choices([name for name in case.files if name != "verify.sh"], k=40)]
    for name in names:
        data = case.files[name]
        if not data:
            continue
        at, bit = dice.randrange(len(data)), 1 << dice.randrange(8)
        flipped = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
        code, said = by_labelvc(project, Case({**case.files, name: flipped}, case.root), tmp_path / "away")
        assert code == 1, (name, at, bit, said)
        if name == "verify.sh":
            continue  # who runs a script that was tampered with learns what it says; VERIFY.md says so
        (folder / name).write_bytes(flipped)
        code, said = by_script(folder, tools, case.root)
        assert (code, "FAILED" in said) == (1, True), (name, at, bit, said)
        (folder / name).write_bytes(data)
    assert by_script(folder, tools, case.root)[0] == 0


@pytest.mark.parametrize("change", ["more", "less", "renamed", "link", "dot", "case", "star", "end"])
def test_the_manifest_is_of_exactly_these_files(case: Case, tools: Path, tmp_path: Path, change: str):
    folder = unpacked(case, tmp_path / "b")
    manifest = folder / render.MANIFEST
    lines = manifest.read_text()
    if change == "more":
        (folder / "documents/extra").write_text("x")
    elif change == "less":
        (folder / "releases.txt").unlink()
    elif change == "renamed":
        (folder / "report.md").rename(folder / "reports.md")
    elif change == "link":
        (folder / "report.md").unlink()
        (folder / "report.md").symlink_to("report.html")
    elif change == "dot":
        (folder / ".hidden").write_text("x")
    elif change == "case":
        manifest.write_text(lines[:64].upper() + lines[64:])
    elif change == "star":
        manifest.write_text(lines.replace("  ", " *", 1))
    else:
        manifest.write_text(lines.rstrip("\n"))
    code, said = by_script(folder, tools, case.root)
    assert (code, said.splitlines()[0][:5]) == (1, "WRONG"), said
    blamed = {"more": "documents/extra is not in it", "less": "releases.txt is not here", "dot": ".hidden is not in it"}
    blamed["renamed"] = "report.md is not here, reports.md is not in it"
    if change in blamed:
        assert said.splitlines()[0].endswith(f"and there is no other: {blamed[change]}"), said


def test_a_changed_file_is_named_and_never_obeyed(project: Desk, case: Case, tools: Path, tmp_path: Path):
    folder = unpacked(case, tmp_path / "b")
    (folder / "report.md").write_text("another")
    (folder / "documents/a\x1b[2J").write_text("x")
    code, said = by_script(folder, tools, case.root)
    assert code == 1
    assert "documents/a??2J is not in it, report.md has another SHA-256" in said
    assert "\x1b" not in said
    other = Case({**case.files, "report.md": b"another"}, case.root)
    code, said = by_labelvc(project, other, tmp_path / "away")
    assert code == 1
    assert (
        "wrong  every file is as MANIFEST.sha256 says, and there is no other: report.md has another SHA-256\n" in said
    )


def test_without_the_root_nothing_is_called_good(project: Desk, case: Case, tmp_path: Path):
    (tmp_path / "b.tar").write_bytes(b"".join(tar.write(case.files)))
    code, _, err = project.labelvc("audit", "recheck", str(tmp_path / "b.tar"))
    assert code == 0
    assert "GOOD" not in err
    assert "NOT PROVED: nobody pinned the root" in err
    code, _, err = project.labelvc("audit", "recheck", str(tmp_path / "b.tar"), "--root", case.root)
    assert (code, "GOOD: " in err) == (0, True)


def forged(case: Case, desk: Desk, name: str, old: bytes, new: bytes, namespace: str, who: str = "mallory") -> bytes:
    """Return an envelope with another payload, signed by somebody else under the name of the key it had."""
    envelope = dsse.decode(case.files[name], dsse.IN_TOTO)
    payload = envelope.payload.replace(old, new)
    assert payload != envelope.payload or old == new
    message = dsse.pae(envelope.payload_type, payload)
    done = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-n", namespace, "-f", desk.key(who)],
        input=message,
        capture_output=True,
        check=True,
    )
    keyid = envelope.signatures[0].keyid
    return dsse.encode(Envelope(envelope.payload_type, payload, (Signature(keyid, done.stdout),)))


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)], ids=["some", "all"])
def test_a_rebuilt_manifest_does_not_help(project: Desk, case: Case, tools: Path, tmp_path: Path, every: bool):
    """Each of these bundles is whole by its own manifest; what the keys signed gives them away."""
    ben, no, release = case.name("approvals/", ".json"), case.name("approvals/"), "releases/1.1.0.json"
    ben, no = sorted(name for name in case.files if name.startswith("approvals/") and ".json" in name)[:2]
    if "ben" not in ben:
        ben, no = no, ben
    policy = case.name("policies/", ".json")
    policies = sorted(name for name in case.files if name.startswith("policies/") and name.endswith(".json"))
    signers = case.name("policies/", ".signers")
    changes = case.name("changesets/")
    mallory = Path(f"{project.key('mallory')}.pub").read_text().rsplit(" ", 1)[0].encode()
    log = case.files["log.txt"].splitlines(keepends=True)
    judged = case.files["approvals.txt"].splitlines(keepends=True)
    without = b"".join(line for line in log if no.encode() not in line)
    unsaid = b"".join(line for line in judged if no.encode() not in line)
    steps = case.files["steps.txt"].splitlines(keepends=True)
    same = forged(case, project, ben, b"", b"", "approval@labelvc.v1")
    cases: dict[str, dict[str, bytes | None]] = {
        "a statement by another key": {ben: same},
        "a statement with another decision": {no: tampered(case.files[no], b'"decision":"reject"', b'"decision":"approve"')},
        "a rejection taken away": {no: None, "log.txt": without, "approvals.txt": unsaid},
        "a policy by another key": {policy: forged(case, project, policy, b"", b"", "trust@labelvc.v1")},
        "one more signer": {signers: case.files[signers] + case.files[signers].splitlines()[0].rsplit(b" ", 2)[0] + b" " + mallory + b"\n"},
        "a policy that is another": {policies[0]: case.files[policies[-1]]},
        "a change-set that says more": {changes: case.files[changes] + b'{"k":"zz","n":null,"o":"sha256:%s"}\n' % (b"0" * 64)},
        "a release by another key": {release: forged(case, project, release, b"", b"", "release@labelvc.v1")},
        "a release that follows nothing": {"releases/1.0.0.json": None, "releases.txt": case.files["releases.txt"].split(b"\n", 1)[1]},
        "a release that is not listed": {"releases.txt": case.files["releases.txt"].split(b"\n", 1)[0] + b"\n"},
        "no list of releases": {"releases.txt": None},
        "names that move the cursor": {
            name: b"\x1b[2J " + case.files[name] for name in ("policies.txt", "releases.txt", "steps.txt", "approvals.txt")
        },
        "a step left out": {"steps.txt": b"".join(steps[:2] + steps[3:])},
        "a state that is better": {"steps.txt": case.files["steps.txt"].replace(b" missing", b" approved")},
        "a document that is another": {case.name("documents/"): b"x"},
        "a root by another key": {"root/1.json": tampered(case.files["root/1.json"], b'"version":1', b'"version":2')},
    }  # fmt: skip
    assert cases.keys() >= FEW
    for what, changes_ in cases.items():
        if not every and what not in FEW:
            continue
        other = case.but(**changes_)
        code, said = by_script(unpacked(other, tmp_path / "b"), tools, case.root)
        assert code == 1, (what, said)
        assert "ok     every file is as MANIFEST.sha256 says" in said
        assert "\x1b" not in said
        code, said = by_labelvc(project, other, tmp_path / "away")
        assert code == (2 if what.startswith("no list") else 1), (what, said)
        assert "\x1b" not in said


FEW = {
    "a statement by another key", "a rejection taken away", "one more signer", "a change-set that says more",
    "a release that is not listed", "a state that is better", "names that move the cursor",
}  # fmt: skip
"""Those of the forged bundles that are tried in the short run: one for each way of finding out."""


def tampered(data: bytes, old: bytes, new: bytes) -> bytes:
    value = json.loads(data)
    kind = value["payloadType"]
    envelope = dsse.decode(data, kind)
    assert old in envelope.payload
    return dsse.encode(Envelope(kind, envelope.payload.replace(old, new), envelope.signatures))


@pytest.mark.parametrize(
    ("owners", "by", "policy_by", "said"),
    [
        ("ada ben", "ada ben", "ada ben", ""),
        ("ada ben", "ada", "ada ben", "root 2"),
        ("ben cleo", "ben cleo", "ben cleo", "root 2"),
        ("ada ben", "ada ben", "ada", "policy"),
        pytest.param("ada ben", "ada ben", "ada ada", "policy", marks=pytest.mark.long),
        pytest.param("ada ben", "ada ben", "ada cleo", "policy", marks=pytest.mark.long),
    ],
)
def test_a_second_root_needs_both(
    project: Desk, case: Case, tools: Path, tmp_path: Path, owners: str, by: str, policy_by: str, said: str
):
    """Root 2 asks for two people; those of root 1 must sign it, and so must its own, and both the policies under it."""
    first = rootfile.decode(dsse.decode(case.files["root/1.json"], dsse.TUF).payload)
    held = {who: public(project, who) for who in owners.split()}
    keys = {key.fingerprint: RootKey(str(key), who) for who, key in held.items()}
    both = (tuple(sorted(keys)), 2)
    root = rootfile.encode(Root(2, first.repository, keys, both, both, first.digest), "2036-01-01T00:00:00Z")
    changes: dict[str, bytes | None] = {"root/2.json": signed(project, dsse.TUF, root, by)}
    for name in [one for one in case.files if one.startswith("policies/") and one.endswith(".json")]:
        payload = dsse.decode(case.files[name], dsse.IN_TOTO).payload
        changes[name] = signed(project, dsse.IN_TOTO, payload, policy_by)
    changes["policies.txt"] = case.files["policies.txt"].replace(b" 1\n", b" 2\n")
    other = case.but(**changes)
    found = [
        by_script(unpacked(other, tmp_path / "b"), tools, case.root),
        by_labelvc(project, other, tmp_path / "away"),
    ]
    assert [code for code, _ in found] == [int(bool(said))] * 2, found
    assert f"WRONG  {said}" in found[0][1] if said else "WRONG" not in found[0][1]


@pytest.mark.parametrize(("owners", "good"), [("ada ben", True), ("ben cleo", False)])
def test_only_owners_of_the_root_in_force_speak_as_root(
    project: Desk, case: Case, tools: Path, tmp_path: Path, owners: str, good: bool
):
    """Ada owned root 1 and signed that root 2 has others; what she says as `root` under root 2 is no word of it."""
    first = rootfile.decode(dsse.decode(case.files["root/1.json"], dsse.TUF).payload)
    held = {who: public(project, who) for who in owners.split()}
    both = (tuple(sorted(key.fingerprint for key in held.values())), 2)
    keys = {key.fingerprint: RootKey(str(key), who) for who, key in held.items()}
    root = rootfile.encode(Root(2, first.repository, keys, both, both, first.digest), "2036-01-01T00:00:00Z")
    changes: dict[str, bytes | None] = {"root/2.json": signed(project, dsse.TUF, root, "ada ben cleo")}
    for name in [one for one in case.files if one.startswith("policies/") and one.endswith(".json")]:
        changes[name] = signed(
            project, dsse.IN_TOTO, dsse.decode(case.files[name], dsse.IN_TOTO).payload, "ada ben cleo"
        )
    changes["policies.txt"] = case.files["policies.txt"].replace(b" 1\n", b" 2\n")
    ben = next(name for name in case.files if name.startswith("approvals/") and "/ben." in name)
    said = statement.decode_approval(dsse.decode(case.files[ben], dsse.IN_TOTO).payload)
    ours = replace(said, role="root", signer=Signer("ada", "Ada Author"))
    made = trusting.seal(
        dsse.IN_TOTO, statement.encode_approval(ours), keys_of(project.key("ada"), None, str), NAMESPACE
    )
    path = approvals.path_of(ours.root, "ada", made.digest)
    changes[path] = dsse.encode(made)
    policy = next(row for row in case.files["approvals.txt"].splitlines() if row.startswith(ben.encode())).split()[1]
    rows = [*case.files["approvals.txt"].splitlines(), b"%s %s" % (path.encode(), policy)]
    changes["approvals.txt"] = b"".join(row + b"\n" for row in sorted(rows))
    changes["log.txt"] = case.files["log.txt"] + bundling.log_text(
        Log(((path, hashlib.sha256(dsse.encode(made)).hexdigest()),))
    )
    other = case.but(**changes)
    found = [
        by_script(unpacked(other, tmp_path / "b"), tools, case.root),
        by_labelvc(project, other, tmp_path / "away"),
    ]
    assert [code for code, _ in found] == [int(not good)] * 2, found
    assert (f"WRONG  statement {path}" in found[0][1]) is not good


def restated(case: Case, commit: str, old: str, new: str) -> dict[str, bytes | None]:
    """Return the lists with another state of a step."""
    changes: dict[str, bytes | None] = {}
    for name, before, after in (("steps.txt", f" {old}", f" {new}"), ("population.csv", f",{old},", f",{new},")):
        rows = case.files[name].decode().splitlines(keepends=True)
        told = [row.replace(before, after, 1) if row.startswith(commit) else row for row in rows]
        assert told != rows
        changes[name] = "".join(told).encode()
    return changes


@pytest.mark.parametrize("lie", ["missing", "rejected", "no statement", "an author", "a policy before", "no policy"])
def test_a_list_that_calls_a_step_approved_is_worked_out_again(project: Desk, case: Case, tmp_path: Path, lie: str):
    """Whoever makes a bundle writes its lists; the quorum follows from policies, change-sets and what people signed."""
    rows = [row.split() for row in case.files["steps.txt"].decode().splitlines()]
    if lie in ("missing", "rejected"):
        commit = next(row[0] for row in reversed(rows) if row[5] == lie)
        changes = restated(case, commit, lie, "approved")
    elif lie == "no policy":
        governed = [row for row in rows if row[3] != "-"]
        commit = governed[0][0]
        told = [[*row[:3], "-", row[4], "ungoverned"] for row in rows]
        sheet = case.files["population.csv"].decode()
        for row in governed:
            start = sheet.index(row[0])
            sheet = sheet[:start] + sheet[start:].replace(f",{row[5]},", ",ungoverned,", 1)
        changes = {
            "steps.txt": "".join(f"{' '.join(row)}\n" for row in told).encode(),
            "population.csv": sheet.encode(),
        }
    elif lie == "a policy before":
        at = [row[3] for row in rows]
        last = next(number for number in range(len(at) - 1, 0, -1) if at[number] != at[number - 1])
        commit = rows[last][0]
        told = [[*row[:3], at[last - 1], *row[4:]] if number >= last else row for number, row in enumerate(rows)]
        changes = {"steps.txt": "".join(f"{' '.join(row)}\n" for row in told).encode()}
    else:
        commit = next(
            row[0]
            for row in rows
            if row[5] == "approved" and case.files.get(f"changesets/{row[4]}.jsonl", b"").count(b"reviews/")
        )
        ben = next(name for name in case.files if name.startswith("approvals/") and "/ben." in name)
        rid = {
            name: b"".join(row for row in case.files[name].splitlines(True) if ben.encode() not in row)
            for name in ("approvals.txt", "log.txt")
        }
        sheet = "".join(
            row.replace(",ada,", ",ada+ben,", 1) if row.startswith(commit) else row
            for row in case.files["population.csv"].decode().splitlines(keepends=True)
        ).encode()
        changes = {ben: None, **rid} if lie == "no statement" else {"population.csv": sheet}
    code, said = by_labelvc(project, case.but(**changes), tmp_path / "away")
    assert code == 1
    found = [line for line in said.splitlines() if line.startswith("wrong") and commit[:12] in line]
    words = {"a policy before": "in force", "no policy": "names no policy"}.get(lie, "is approved: policy")
    assert any(words in line for line in found), said


def test_a_no_whose_change_set_was_left_out_is_no_no_about_something_else(desk: Desk, tmp_path: Path):
    """Cleo rejected a part of what came in; whoever makes the bundle calls it approved, and leaves out what she rejected."""
    no = desk.approve("cleo", "main...topic", "reviewer", "--decision", "reject", "--reason", "no")
    desk.relabel("fine", "rev-2")
    desk.approve("ben")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--squash", "topic")
    step = desk.commit("Squash")
    case = bundled(desk, tmp_path / "b.tar", f"{step}~1..{step}")
    assert by_labelvc(desk, case, tmp_path / "away")[0] == 0
    lie = case.but(**restated(case, step, "rejected", "approved"))
    code, said = by_labelvc(desk, lie, tmp_path / "away")
    assert (code, f"wrong  step {step[:12]} is approved" in said) == (1, True), said
    code, said = by_labelvc(desk, lie.but(**{f"changesets/{no.parent.name}.jsonl": None}), tmp_path / "away")
    assert (code, "NOT PROVED: 1 cannot be told" in said) == (2, True), said
    assert f"open   cleo says reject about {no.parent.name[:12]}: that change-set is not here" in said


def test_when_a_step_came_in_decides_whether_its_approval_had_ended(desk: Desk, tools: Path, tmp_path: Path):
    """`times.txt` is there where a limit is, and without it, or with a later one, nothing that has a limit counts."""
    desk.approve("ben", "main...topic", "reviewer", "--expires", "2030-01-01")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "--no-edit", "topic", GIT_COMMITTER_DATE="2029-06-01T00:00:00Z")
    desk.relabel("unsaid", "rev-6")
    case = bundled(desk, tmp_path / "b.tar", "HEAD~3..HEAD")
    rows = case.files["times.txt"].decode().splitlines()
    steps = [row.split()[0] for row in case.files["steps.txt"].decode().splitlines()]
    began, merged = 1772355600, 1874966400
    assert rows == [f"{commit} {at}" for commit, at in zip(steps, (began, merged, merged), strict=True)]
    assert '"expiresAt":"2030-01-01T23:59:59Z"' in next(
        dsse.decode(case.files[name], dsse.IN_TOTO).payload.decode() for name in case.files if "/ben." in name
    )
    told = "times.txt says of each step when it came in, and never goes back"

    def wrong(changed: Case) -> list[str]:
        code, said = by_labelvc(desk, changed, tmp_path / "away")
        found = [line for line in said.splitlines() if line.startswith("wrong")]
        assert code == bool(found)
        return found

    assert by_script(unpacked(case, tmp_path / "c"), tools, case.root)[0] == 0
    assert wrong(case) == []
    late = "".join(
        f"{commit} {at}\n" for commit, at in zip(steps, (began, merged + 10**8, merged + 10**8), strict=True)
    )
    for data in (late.encode(), None):
        (found,) = wrong(case.but(**{"times.txt": data}))
        assert f"step {steps[1][:12]} is approved" in found
    back = f"{rows[0]}\n{rows[1]}\n{steps[2]} 5\n".encode()
    other, short = f"{rows[1]}\n{rows[0]}\n{rows[2]}\n".encode(), f"{rows[0]}\n".encode()
    for data in (back, other, short, b"", b"x\n", f"{steps[0]} -1\n{rows[1]}\n{rows[2]}\n".encode()):
        changed = case.but(**{"times.txt": data})
        assert f"wrong  {told}" in wrong(changed), data
        if data in (back, b"x\n"):
            code, said = by_script(unpacked(changed, tmp_path / "c"), tools, case.root)
            assert (code, f"WRONG  {told}\n" in said) == (1, True)


def test_who_ratified_is_held_against_the_time_of_the_policy_that_let_them(desk: Desk, tmp_path: Path):
    needs, urgent = (Need("reviewer", 2),), Need("reviewer")
    people.govern(desk, lambda policy: people.labels_rule(policy, needs=needs, emergency=urgent))
    desk.approve("ben", "main...topic", "reviewer", "--emergency", "--reason", "the client waits")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    words = ("labels and items", "--need", "reviewer:1:author", "--sign-with", desk.key("ada"))
    assert desk.labelvc("policy", "rule", "set", *words)[0] == 0
    desk.commit("One is enough")
    desk.approve("ben", "main~2..main~1", "reviewer", "--expires", "2030-01-01")
    case = bundled(desk, tmp_path / "b.tar", "main~3..main")
    code, said = by_labelvc(desk, case, tmp_path / "away")
    assert (code, "is approved" in said) == (0, True), said
    rows = [row.split() for row in case.files["times.txt"].decode().splitlines()]
    late = "".join(f"{commit} {int(when) + 10**9 * (at > 1)}\n" for at, (commit, when) in enumerate(rows)).encode()
    code, said = by_labelvc(desk, case.but(**{"times.txt": late}), tmp_path / "away")
    (found,) = [line for line in said.splitlines() if line.startswith("wrong")]
    assert (code, "is approved" in found) == (1, True)


@pytest.mark.parametrize("when", ["in time", "late", "late and said to be approved", "not yet", "never"])
def test_a_bundle_cannot_tell_that_an_emergency_was_ratified_in_time(desk: Desk, tmp_path: Path, when: str):
    """Every statement of a bundle is heard whenever it came in, so a late yes must never make it good."""
    day, start = 86_400, 1_800_000_000
    dated = lambda days: {f"GIT_{who}_DATE": f"{start + int(days * day)} +0000" for who in ("AUTHOR", "COMMITTER")}  # noqa: E731
    people.govern(desk, lambda policy: people.labels_rule(policy, emergency=Need("lead"), ratify_within=3 * day))
    desk.approve("ada", "main...topic", "lead", "--emergency", "--reason", "the client waits")
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "--no-edit", "topic", **dated(0))
    step = desk.git("rev-parse", "HEAD")
    if when in ("in time", "late", "late and said to be approved"):
        desk.approve("ben", "main~1..main")
        desk.git("commit", "-q", "--amend", "--no-edit", **dated(2 if when == "in time" else 4))
    desk.git("commit", "-q", "--allow-empty", "-m", "Later", **dated(2.5 if when == "not yet" else 5))
    case = bundled(desk, tmp_path / "b.tar", f"{step}~1..main")
    (said,) = [row.split()[5] for row in case.files["steps.txt"].decode().splitlines() if row.startswith(step)]
    assert said == {"in time": "approved", "not yet": "conditional"}.get(when, "missing")
    if when == "late and said to be approved":
        case = case.but(**restated(case, step, "missing", "approved"))
    if when == "never":
        case = case.but(**restated(case, step, "missing", "conditional"))
    code, told = by_labelvc(desk, case, tmp_path / "away")
    (found,) = [line for line in told.splitlines() if f"step {step[:12]} is" in line] or [""]
    if when in ("in time", "late and said to be approved"):
        assert (code, found[:5], "NOT PROVED: 1 cannot be told" in told) == (2, "open ", True), told
    else:
        assert (code, found[:5]) == {"not yet": (0, "ok   "), "late": (0, ""), "never": (1, "wrong")}[when], told


def public(desk: Desk, who: str) -> PublicKey:
    return sshsig.read_public(Path(f"{desk.key(who)}.pub").read_text().rsplit(" ", 1)[0])


def signed(desk: Desk, kind: str, payload: bytes, by: str) -> bytes:
    message = dsse.pae(kind, payload)
    words = ["ssh-keygen", "-Y", "sign", "-n", "trust@labelvc.v1", "-f"]
    made = []
    for who in by.split():
        done = subprocess.run([*words, desk.key(who)], input=message, capture_output=True, check=True)
        made.append(Signature(public(desk, who).fingerprint, done.stdout))
    return dsse.encode(Envelope(kind, payload, tuple(made)))


def test_another_root_is_another_project(project: Desk, case: Case, tools: Path, tmp_path: Path):
    folder = unpacked(case, tmp_path / "b")
    code, said = by_script(folder, tools, "sha256:" + "0" * 64)
    assert (code, "WRONG  the root is the one you named" in said) == (1, True)
    done = subprocess.run(
        ["sh", "verify.sh"], cwd=folder, env={"PATH": str(tools)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "usage: sh verify.sh" in done.stderr) == (2, True)
    assert by_labelvc(project, Case(case.files, "sha256:" + "0" * 64), tmp_path / "away")[0] == 1
    (tmp_path / "x.tar").write_bytes(case.data)
    code, out, _ = project.run(tmp_path, "audit", "recheck", "x.tar")
    assert (code, "nobody pinned it" in out) == (0, True)


def test_what_is_too_long_is_said_to_be_skipped(case: Case, tools: Path, tmp_path: Path):
    code, said = by_script(unpacked(case, tmp_path / "b"), tools, case.root, LIMIT="0")
    assert code == 0
    assert "its root was not worked out" in said
    assert "the log of approvals has more than 0 statements" in said


HOSTILE: dict[str, Callable[[Case], bytes]] = {
    "leads out of its folder": lambda case: by_others("../x"),
    "holds a symbolic link": lambda case: by_others("x", kind=tarfile.SYMTYPE),
    "holds this name twice": lambda case: by_others("x", "x"),
    "is cut short": lambda case: case.data[: len(case.data) // 2],
    "larger than it may be": lambda case: tar._header("a", 7 << 30),
    "more than 9,999 files": lambda case: b"".join(tar._header(f"f{number:05}", 0) for number in range(10_000)),
    "is no bundle": lambda case: b"".join(tar.write({"a": b"x"})),
}


def by_others(*names: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as theirs:
        for name in names:
            info = tarfile.TarInfo(name)
            info.type = kind
            theirs.addfile(info, io.BytesIO())
    return target.getvalue()


def test_an_archive_that_could_do_harm_is_refused(project: Desk, case: Case, tmp_path: Path):
    away = tmp_path / "away"
    away.mkdir()
    for said, make in HOSTILE.items():
        (away / "x.tar").write_bytes(make(case))
        code, out, err = project.run(away, "audit", "recheck", "x.tar", "--root", case.root)
        assert (code, out) == (2, ""), said
        assert said in err
        assert os.listdir(away) == ["x.tar"]


def test_without_a_policy_there_is_nothing_to_prove(desk: Desk, tmp_path: Path):
    first = desk.git("rev-list", "--max-parents=0", "HEAD")
    desk.git("checkout", "-q", first)
    code, _, err = desk.labelvc("audit", "bundle", "-o", str(tmp_path / "x.tar"))
    assert (code, "no policy was in force" in err) == (2, True)
    assert not (tmp_path / "x.tar").exists()


def test_a_root_that_is_not_the_pinned_one_gives_no_bundle(desk: Desk, tmp_path: Path):
    code, _, err = desk.labelvc("audit", "bundle", "-o", str(tmp_path / "x.tar"), "--root", "sha256:" + "0" * 64)
    assert (code, "the root is not the pinned one" in err) == (2, True)
    assert not (tmp_path / "x.tar").exists()


def test_a_void_statement_is_in_it_and_counts_for_nothing(project: Desk, tools: Path, tmp_path: Path):
    (path,) = (project.folder / "approvals").glob("*/ben.*")
    project.write(f"approvals/{path.parent.name}/mallory.0123456789ab.json", path.read_bytes())
    project.commit("A copy")
    case = bundled(project, tmp_path / "v.tar", "HEAD^..HEAD")
    code, said = by_script(unpacked(case, tmp_path / "v"), tools, case.root)
    assert code == 0, said
    assert "mallory.0123456789ab.json counts for nothing" in said
    assert canonical.decode(case.files["bundle.json"])


def test_a_bundle_of_nothing_is_refused(project: Desk, tmp_path: Path):
    code, out, err = project.labelvc("audit", "bundle", "-o", str(tmp_path / "x.tar"), "HEAD...HEAD")
    assert (code, out) == (2, "")
    assert "nothing came in there" in err
    assert not (tmp_path / "x.tar").exists()
