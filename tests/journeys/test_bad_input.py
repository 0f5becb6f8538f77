"""Bad input of every kind gets a place and a next command, never a traceback, and changes nothing on the disk."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from labelvc.cli import main as cli
from labelvc.codec import canonical
from tests.copying import copied
from tests.journeys.conftest import contents

Command = Callable[..., tuple[int, str, str]]

SECRET = "jane.roe@example.org"
SHARD = "datasets/texts/annotations/00.jsonl"
ITEMS = "datasets/texts/items/00.jsonl"
TAXONOMY = "taxonomies/topics.yaml"
LABELVC = Path(sys.executable).with_name("labelvc")
READING = (
    ("check", "--all"),
    ("check",),
    ("check", "--staged"),
    ("diff",),
    ("diff", "--staged", "--stat"),
    ("status",),
    ("doctor",),
    ("blame", "texts/t1"),
    ("trace", "texts/t1#source-2"),
    ("verify", "--all"),
    ("plumbing", "hook", "pre-commit"),
)
WRITING = (
    ("format",),
    ("format", "--staged"),
    ("export", "jsonl", "--dataset", "texts", "-o", "../out.jsonl"),
    ("export", "csv", "--dataset", "texts", "-o", "../out.csv"),
)
COUNTING = (
    ("dataset", "show", "texts"),
    ("dataset", "reshard", "texts", "--shards", "4"),
    ("report",),
    ("privacy", "scan", "--all"),
)
"""What reads lines without checking them."""
_made: dict[str, Path] = {}


@pytest.fixture
def labels(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with a signed policy and forty labels of three annotators, in two commits."""
    if "labels" not in _made:
        top = tmp_path_factory.mktemp("made")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(top / "key")], check=True)
        words = ["-q", "init", str(top / "labels"), "--template", "classification", "--key", str(top / "key")]
        assert cli.run(words) == 0
        topics = ("order", "delivery", "payment", "other")
        rows = [f"t{at},source-{at + 1},Text number {at},{topics[at % 4]},rater {at % 3}" for at in range(1, 41)]
        (top / "in.csv").write_text("\n".join(["code,id,text,label,who", *rows]) + "\n")
        words = ["-q", "-C", str(top / "labels"), "import", "csv", str(top / "in.csv"), "--dataset", "texts"]
        for number in (1, 2):
            for git in (["add", "--all"], ["commit", "-qm", f"commit {number}"]):
                subprocess.run(["git", *git], cwd=top / "labels", check=True, capture_output=True)
            if number == 1:
                assert cli.run([*words, "--item", "text", "--value", "label", "--by", "who", "--key", "code"]) == 0
        _made["labels"] = top
    copied(_made["labels"], tmp_path / "project")
    return tmp_path / "project" / "labels"


def lines(folder: Path, path: str = SHARD) -> list[bytes]:
    return (folder / path).read_bytes().splitlines()


def save(folder: Path, rows: list[bytes], path: str = SHARD) -> None:
    (folder / path).write_bytes(b"".join(row + b"\n" for row in rows))


def sound(code: int, out: str, err: str, *words: str) -> None:
    """Hold what every command owes: no bug, no traceback, no sensitive value; a place and a next step when it could not."""
    said = f"labelvc {' '.join(words)} (exit {code})\n{out[-3000:]}{err[-3000:]}"
    assert code in (0, 1, 2), said
    assert "Traceback" not in out + err, said
    assert "bug in labelvc" not in err, said
    assert SECRET not in err, said
    if words[0] != "diff":
        assert SECRET not in out, said
    if code == 2 and words[0] == "verify" and "undecidable" in out:
        assert "next: " in out, said
    elif code == 2:
        assert err.startswith("error: ") or "\nerror: " in err, said
        assert "\n  where: " in err, said
        assert "\n  next: " in err, said
    elif code == 1 and words[0] == "check" and "-o" not in words:
        assert "next: " in out or '"hint": "' in out, said


def judge(labelvc: Command, folder: Path, *words: str) -> tuple[int, str, str]:
    """Run a command, hold its answer to `sound` and the disk to what it was unless the command writes and is done."""
    before = contents(folder)
    code, out, err = labelvc(folder, *words)
    sound(code, out, err, *words)
    if code or words[:1] not in (("format",), ("import",), ("export",)):
        after = contents(folder)
        assert {path: said for path, said in after.items() if before.get(path) != said} == {}, words
        assert before.keys() == after.keys(), words
    return code, out, err


# ---------------------------------------------------------------- shards
class Broken(NamedTuple):
    """A way to break a line of a shard: what becomes of the first line, and the rule that must find it."""

    name: str
    change: Callable[[bytes], bytes]
    rule: str


def _field(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(line: bytes) -> bytes:
        assert old in line
        return line.replace(old, new, 1)

    return change


def _inside(member: bytes) -> Callable[[bytes], bytes]:
    """Add a member before `origin`."""
    return _field(b'"origin":', member + b',"origin":')


BROKEN = (
    Broken("cut", lambda line: line[: len(line) // 2], "record.json"),
    Broken("words", lambda _: f"call {SECRET}".encode(), "record.json"),
    Broken("list", lambda _: b'["item","id"]', "record.json"),
    Broken("empty line", lambda line: b"\n" + line, "record.json"),
    Broken("latin-1", _inside('"ext":{"note":"gr\xfc\xdfe"}'.encode("latin-1")), "record.json"),
    Broken("UTF-16", lambda line: line.decode().encode("utf-16"), "record.json"),
    Broken("mark", lambda line: b"\xef\xbb\xbf" + line, "record.json"),
    Broken("NUL", _inside(b'"ext":{"note":"a\0b"}'), "record.json"),
    Broken("only NUL", lambda line: b"\0" * len(line), "record.json"),
    Broken("twice", _field(b'"rev":1', b'"rev":1,"rev":1'), "record.json"),
    Broken("twice inside", _field(b'"label":', b'"label":"other","label":'), "record.json"),
    Broken("deep", _inside(b'"ext":{"deep":' + b"[" * 90_000 + b"]" * 90_000 + b"}"), "record.json"),
    Broken("deep objects", _inside(b'"ext":' + b'{"a":' * 60_000 + b"1" + b"}" * 60_000), "record.json"),
    Broken("rather deep", _inside(b'"ext":' + b'{"a":' * 900 + b"1" + b"}" * 900), "record.json"),
    Broken("deeper than allowed", _inside(b'"ext":' + b'{"a":' * 40 + b"1" + b"}" * 40), "record.json"),
    Broken("not a number", _inside(b'"ext":{"n":NaN}'), "record.json"),
    Broken("infinite", _inside(b'"ext":{"n":1e999}'), "record.json"),
    Broken("long number", _inside(b'"ext":{"n":' + b"7" * 5_000 + b"}"), "record.json"),
    Broken("half a pair", _inside(rb'"ext":{"n":"\ud800"}'), "record.json"),
    Broken("spaces", _field(b'"rev":1', b'"rev": 1'), "record.canonical"),
    Broken("spelt otherwise", _field(b'"rev":1', b'"rev":1.0'), "record.canonical"),
    Broken("other member", _inside(b'"extra":true'), "record.schema"),
    Broken("no value", lambda line: line[: line.index(b',"value":')] + b"}", "record.schema"),
    Broken("rev of text", _field(b'"rev":1', b'"rev":"1"'), "record.schema"),
    Broken("rev below one", _field(b'"rev":1', b'"rev":0'), "record.schema"),
    Broken("other task", _field(b'"task":"topic"', b'"task":"other"'), "record.task"),
    Broken("other label", lambda line: line[: line.index(b'"value":')] + b'"value":{"label":"nope"}}', "label.unknown"),
    Broken("wrong value", lambda line: line[: line.index(b'"value":')] + b'"value":{"score":1}}', "record.schema"),
    Broken("other guideline", _field(b"topic@1.0.0", b"topic@9.0.0"), "under.unknown"),
    Broken("a person", _field(b'"by":"prs_', f'"by":"{SECRET} prs_'.encode()), "privacy.plaintext"),
    Broken("# in the id", _field(b'"id":"source-', b'"id":"source#'), "record.schema"),
    Broken("markers", lambda line: b"<<<<<<< ours\n" + line + b"\n=======\n>>>>>>> theirs", "shard.markers"),
)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.name)
def test_a_broken_line_of_a_shard(labels, git, labelvc, broken):
    """Seen in the work tree by every command, then staged: the hook stops it."""
    first, *rest = lines(labels)
    save(labels, [broken.change(first), *rest])
    code, out, _ = judge(labelvc, labels, "check", "--all", "--format", "json")
    found = json.loads(out)["items"]
    assert code == 1
    assert broken.rule in {one["rule"] for one in found}, [(one["rule"], one["message"]) for one in found]
    assert all(one["place"]["path"] and one["hint"] for one in found)
    mine = [one for one in found if one["rule"] == broken.rule]
    assert {one["place"]["path"] for one in mine} == {SHARD}
    assert all(one["place"]["line"] for one in mine)
    for words in (("diff",), ("status",), ("export", "jsonl", "--dataset", "texts", "-o", "../out.jsonl")):
        judge(labelvc, labels, *words)
    git(labels, "add", "--all")
    assert judge(labelvc, labels, "check", "--staged")[0] == 1
    assert judge(labelvc, labels, "plumbing", "hook", "pre-commit")[0] == 1
    code, _, err = judge(labelvc, labels, "format")
    if code == 0:
        code, out, _ = labelvc(labels, "check")
        assert code in (0, 1), err
        sound(code, out, "", "check")


def test_line_ends_of_windows_are_found_and_mended_on_the_way_into_git(labels, git, labelvc):
    """`.gitattributes` says `eol=lf` for shards, so what is staged is right again."""
    (labels / SHARD).write_bytes((labels / SHARD).read_bytes().replace(b"\n", b"\r\n"))
    code, out, _ = judge(labelvc, labels, "check", "--all", "--format", "json")
    assert code == 1
    assert {one["rule"] for one in json.loads(out)["items"]} == {"record.canonical"}
    git(labels, "add", "--all")
    assert judge(labelvc, labels, "check", "--staged")[0] == 0
    git(labels, "reset", "-q", "--hard")
    (labels / SHARD).write_bytes((labels / SHARD).read_bytes().replace(b"\n", b" \r\n"))
    assert judge(labelvc, labels, "check")[0] == 1
    assert judge(labelvc, labels, "format")[0] == 0
    assert judge(labelvc, labels, "check", "--all")[0] == 0
    assert b"\r" not in (labels / SHARD).read_bytes()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(f'{{"item":"t1","id":"r1","by":"{SECRET}"'.encode(), id="cut"),
        pytest.param(b'{"item":"t1","id":"r1","ext":' + b"[" * 90_000 + b"]" * 90_000 + b"}", id="deep"),
    ],
)
def test_one_broken_line_meets_every_command(labels, git, labelvc, line):
    save(labels, [line, *lines(labels)])
    for words in (*READING, *COUNTING, *WRITING):
        judge(labelvc, labels, *words)
    git(labels, "add", "--all")
    git(labels, "commit", "-qm", "broken", "--no-verify")
    for words in (
        *READING,
        *WRITING,
        ("check", "HEAD~1..HEAD"),
        ("diff", "HEAD~1..HEAD"),
        ("review", "HEAD~1..HEAD"),
        ("verify", "HEAD"),
    ):
        judge(labelvc, labels, *words)
    assert labelvc(labels, "check", "HEAD~1..HEAD")[0] == 1


def test_a_shard_out_of_order_and_a_record_in_the_wrong_shard(labels, git, labelvc):
    with_many = max((labels / "datasets/texts/annotations").iterdir(), key=lambda path: path.read_bytes().count(b"\n"))
    path = str(with_many.relative_to(labels))
    rows = lines(labels, path)
    assert len(rows) > 2
    save(labels, rows[::-1], path)
    code, out, _ = judge(labelvc, labels, "check", "--format", "json")
    found = json.loads(out)["items"]
    assert (code, {one["rule"] for one in found}, {one["place"]["path"] for one in found}) == (
        1,
        {"shard.order"},
        {path},
    )
    save(labels, rows[1:], path)
    save(labels, sorted([*lines(labels), rows[0]]))
    code, out, _ = judge(labelvc, labels, "check", "--format", "json")
    found = json.loads(out)["items"]
    assert code == 1
    assert [(one["place"]["path"], one["place"]["key"]) for one in found if one["rule"] == "shard.placement"] == [
        (SHARD, f"texts/{json.loads(rows[0])['item']}#{json.loads(rows[0])['id']}")
    ]
    git(labels, "add", "--all")
    assert judge(labelvc, labels, "plumbing", "hook", "pre-commit")[0] == 1
    assert judge(labelvc, labels, "format", "--staged")[0] == 0
    assert git(labels, "diff", "--cached", "--name-only") == ""
    assert judge(labelvc, labels, "check", "--all")[0] == 0


def test_a_deprecated_label_does_not_come_anew(labels, git, labelvc):
    text = (labels / TAXONOMY).read_text()
    (labels / TAXONOMY).write_text(text.replace("    name: Order\n", "    name: Order\n    status: deprecated\n"))
    paths = sorted((labels / SHARD).parent.iterdir())
    for path in paths:
        path.write_bytes(path.read_bytes().replace(b'"label":"order"', b'"label":"other"'))
    assert judge(labelvc, labels, "format")[0] == 0
    assert judge(labelvc, labels, "check", "--all")[0] == 0
    git(labels, "commit", "-qnam", "deprecate")
    path = next(path for path in paths if b'"label":"delivery"' in path.read_bytes())
    name, number = str(path.relative_to(labels)), path.read_bytes().count(b'"label":"delivery"')
    path.write_bytes(path.read_bytes().replace(b'"label":"delivery"', b'"label":"order"'))
    assert judge(labelvc, labels, "format")[0] == 0
    git(labels, "add", "--all")
    code, out, _ = judge(labelvc, labels, "check", "--staged", "--format", "json")
    found = json.loads(out)["items"]
    assert code == 1
    assert [one["rule"] for one in found] == ["label.deprecated"] * number
    assert all(one["place"]["path"] == name and one["hint"] for one in found)


# ---------------------------------------------------------------- documents
DOCUMENTS = ("labelvc.yaml", "datasets/texts/dataset.yaml", TAXONOMY, "guidelines/topic.yaml")
TEXTS: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "only NUL": lambda text: b"\0" * len(text),
    "NUL": lambda text: text + b"title: a\0b\n",
    "latin-1": lambda text: text + "gr\xfc\xdfe: 1\n".encode("latin-1"),
    "UTF-16": lambda text: text.decode().encode("utf-16"),
    "a tab": lambda text: text + b"scope:\n\tincludes: []\n",
    "an open bracket": lambda text: text + b"more: [1, 2\n",
    "a key twice": lambda text: text + b"schema: other\n",
    "a bomb": lambda text: text + b"a: &a [1,1,1,1]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n",
    "a Python object": lambda text: text + b"x: !!python/object/apply:os.system [id]\n",
    "a second document": lambda text: text + b"---\na: 1\n",
    "a list": lambda _: b"- 1\n- 2\n",
    "a word": lambda _: SECRET.encode() + b"\n",
    "deep": lambda text: text + b"x: " + b"[" * 30_000 + b"]" * 30_000 + b"\n",
    "deep blocks": lambda text: text + b"x:\n" + b"".join(b" " * at + b"a:\n" for at in range(1, 1_200)),
    "markers": lambda text: b"<<<<<<< ours\n" + text + b"=======\n" + text + b">>>>>>> theirs\n",
    "an unknown member": lambda text: text + f"surprise: {SECRET}\n".encode(),
    "another schema": lambda text: text.replace(b":1\n", b":99\n", 1),
    "cut": lambda text: text[: len(text) // 2] + b'\nmore: "',
    "binary": lambda _: bytes(range(256)) * 8,
    "huge number": lambda text: text + b"more: " + b"9" * 20_000 + b"\n",
}


def spread(rows: Iterable[tuple[str, object]]) -> list[Any]:
    """Return one in four cases as they are; the others run with the long tests."""
    return [pytest.param(*row, marks=() if at % 4 == 0 else pytest.mark.long) for at, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("path", "name"),
    [("labelvc.yaml", name) for name in TEXTS] + spread((path, name) for name in TEXTS for path in DOCUMENTS[1:]),
)
def test_a_broken_document(labels, git, labelvc, path, name):
    (labels / path).write_bytes(TEXTS[name]((labels / path).read_bytes()))
    code, out, err = judge(labelvc, labels, "check", "--all", "--format", "json")
    if code == 2:
        assert path in err
    else:
        found = json.loads(out)["items"]
        assert code == 1
        assert path in {one["place"]["path"] for one in found}
        assert {one["rule"].partition(".")[0] for one in found} == {"document"}
        assert all(one["hint"] for one in found)
    for words in (WRITING[0], WRITING[2]):
        code, _, err = judge(labelvc, labels, *words)
        assert code == 2
        assert path in err
    judge(labelvc, labels, "status")
    git(labels, "add", "--all")
    assert judge(labelvc, labels, "plumbing", "hook", "pre-commit")[0] in (1, 2)


def test_a_broken_document_meets_every_command(labels, git, labelvc):
    (labels / "labelvc.yaml").write_bytes(b"a: [\n")
    for words in (*READING, *WRITING):
        judge(labelvc, labels, *words)
    git(labels, "add", "--all")
    git(labels, "commit", "-qm", "broken", "--no-verify")
    for words in (
        *READING,
        *WRITING,
        ("check", "HEAD~1..HEAD"),
        ("diff", "HEAD~1..HEAD"),
        ("review", "HEAD~1..HEAD"),
        ("verify", "HEAD"),
    ):
        judge(labelvc, labels, *words)


POLICIES = {
    "nothing": b"",
    "open": b"{",
    "null": b"null",
    "a list": b"[]",
    "a member": b'{"payload":1}',
    "no UTF-8": b"\xff\xfe",
    "NUL": b"\0" * 100,
    "deep": b"[" * 100_000,
    "words": SECRET.encode(),
}


@pytest.mark.parametrize(
    ("path", "name"), spread((path, name) for name in POLICIES for path in ("trust/policy.json", "trust/root/1.json"))
)
def test_a_broken_policy(labels, git, labelvc, path, name):
    (labels / path).write_bytes(POLICIES[name])
    git(labels, "commit", "-qnam", "broken")
    rows = [
        row.replace(b'"rev":1', b'"rev":2').replace(b'"label":"order"', b'"label":"other"') for row in lines(labels)
    ]
    save(labels, rows)
    git(labels, "commit", "-qnam", "a change")
    key = str(labels.parent / "key")
    for words in (
        ("verify", "HEAD~1..HEAD"),
        ("approve", "HEAD~1..HEAD", "--role", "reviewer", "--key", key, "--yes"),
        ("policy", "show"),
        ("policy", "check"),
        ("policy", "add", "ben", "--name", "Ben", "--key", f"{key}.pub", "--sign-with", key),
    ):
        code, _, err = judge(labelvc, labels, *words)
        assert code == 2, words
        assert "trust/" in err or words[0] == "verify", (words, err)
    for words in (("trace", "texts/t28#source-29"), ("verify", "--all"), ("status",), ("doctor",), ("key", "list")):
        judge(labelvc, labels, *words)


# ---------------------------------------------------------------- repositories
def everything(labelvc: Command, folder: Path, *, skip: tuple[str, ...] = ()) -> dict[str, tuple[int, str]]:
    """Run every command in a folder; return code and complaint of each."""
    found = {}
    for words in (*READING, *WRITING):
        if words[0] not in skip:
            code, _, err = judge(labelvc, folder, *words)
            found[" ".join(words[:2])] = (code, err)
    return found


def test_no_repository(tmp_path, labelvc):
    (tmp_path / "nowhere").mkdir()
    for words, (code, err) in everything(labelvc, tmp_path / "nowhere").items():
        assert code == 2, (words, err)
        assert "git init" in err or "labelvc init" in err or "doctor" in words, (words, err)


def test_a_repository_without_a_project_and_without_commits(repo, git, labelvc):
    for words, (code, err) in everything(labelvc, repo, skip=("plumbing", "diff")).items():
        assert code in (1, 2) if words.startswith("doctor") else code == 2, (words, err)
    (repo / "README").write_text("other things live here\n")
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "start")
    for words, (code, err) in everything(labelvc, repo, skip=("plumbing", "diff", "verify")).items():
        assert code in (1, 2) if words.startswith("doctor") else code == 2, (words, err)
        assert "labelvc" in err or words.startswith("doctor"), (words, err)


def test_a_project_before_its_first_commit(tmp_path, labelvc):
    folder = tmp_path / "fresh"
    assert cli.run(["-q", "init", str(folder), "--template", "rating"]) == 0
    for words, (code, err) in everything(labelvc, folder, skip=("export", "plumbing")).items():
        expected = (0, 1, 2) if words.split()[0] in ("blame", "trace", "verify", "doctor") else (0,)
        if "--staged" in words and "diff" not in words:
            expected = (2,)
        assert code in expected, (words, err)


def test_a_bare_repository(labels, git, labelvc, tmp_path):
    git(tmp_path, "clone", "-q", "--bare", str(labels), "bare.git")
    bare = tmp_path / "bare.git"
    found = everything(labelvc, bare, skip=("plumbing", "export"))
    assert found["check --all"][0] == found["diff"][0] == found["format"][0] == 2
    for words in (("check", "HEAD~1..HEAD"), ("diff", "HEAD~1..HEAD"), ("trace", "texts/t1#source-2")):
        code, out, err = judge(labelvc, bare, *words)
        assert code == 0, (words, out, err)
    code, _, err = labelvc(bare, "export", "jsonl", "--dataset", "texts", "--at", "HEAD", "-o", str(tmp_path / "out"))
    assert code == 0, err
    assert len((tmp_path / "out").read_text().splitlines()) == 80


def test_a_shallow_clone_never_counts_as_clean(labels, git, labelvc, tmp_path):
    rows = [
        row.replace(b'"rev":1', b'"rev":2').replace(b'"label":"order"', b'"label":"other"') for row in lines(labels)
    ]
    save(labels, rows)
    git(labels, "commit", "-qnam", "a change")
    git(tmp_path, "clone", "-q", "--depth", "1", labels.as_uri(), "shallow")
    shallow = tmp_path / "shallow"
    for words in (
        ("trace", "texts/t28#source-29"),
        ("blame", "texts/t28"),
        ("verify", "--all"),
        ("verify", "HEAD~1..HEAD"),
        ("check", "HEAD~1..HEAD"),
        ("diff", "HEAD~1..HEAD"),
        ("diff", "HEAD~2...HEAD"),
        ("approve", "HEAD~1..HEAD", "--role", "reviewer", "--key", str(labels.parent / "key"), "--yes"),
    ):
        code, out, err = judge(labelvc, shallow, *words)
        assert code == 2, (words, out, err)
        assert "git fetch --unshallow" in out + err, (words, out, err)
    for words in (("check", "--all"), ("status",), ("diff",)):
        assert judge(labelvc, shallow, *words)[0] == 0
    git(shallow, "fetch", "-q", "--unshallow")
    assert judge(labelvc, shallow, "trace", "texts/t28#source-29")[0] == 0


def test_a_broken_index(labels, labelvc):
    index = labels / ".git" / "index"
    whole = index.read_bytes()
    for broken in (whole[:100], b"DIRC" + b"\0" * 200, b"X" * 200):
        index.write_bytes(broken)
        for words, (code, err) in everything(labelvc, labels, skip=("doctor",)).items():
            if words.split()[0] not in ("blame", "trace", "verify"):
                assert code == 2, (words, err)
    index.unlink()
    assert judge(labelvc, labels, "check", "--staged")[0] != 0
    assert judge(labelvc, labels, "plumbing", "hook", "pre-commit")[0] != 0


OBJECTS = ("HEAD", "HEAD^{tree}", f"HEAD:{SHARD}", "HEAD:labelvc.yaml")


def loose(folder: Path, oid: str) -> Path:
    return folder / ".git" / "objects" / oid[:2] / oid[2:]


@pytest.mark.parametrize(
    ("what", "how"),
    [
        *((what, how) for what in OBJECTS for how in ("missing", "emptied", "cut")),
        ("HEAD", "another"),  # git does not compare a loose blob with its name while it reads; `git fsck` does
        ("HEAD^{tree}", "another"),
    ],
)
def test_a_broken_object(labels, git, labelvc, what, how):
    """A commit, a tree, a shard and a document of git's store; nothing may be taken for absent or unchanged."""
    path = loose(labels, git(labels, "rev-parse", what).strip())
    other = loose(labels, git(labels, "rev-parse", "HEAD:datasets/texts/annotations/01.jsonl").strip())
    path.chmod(0o644)
    data = {"emptied": b"", "cut": path.read_bytes()[:40], "another": other.read_bytes()}.get(how)
    path.unlink() if data is None else path.write_bytes(data)
    rows = lines(labels)
    save(labels, [*rows, rows[0].replace(b'"id":"', b'"id":"x')])
    for words in (
        ("diff",),
        ("check",),
        ("check", "HEAD~1..HEAD"),
        ("export", "jsonl", "--dataset", "texts", "--at", "HEAD", "-o", "../out"),
    ):
        code, out, err = judge(labelvc, labels, *words)
        if what != "HEAD:labelvc.yaml" or words[0] not in ("diff", "check"):
            assert code == 2, (words, out, err)


def test_a_truncated_pack(labels, git, labelvc):
    git(labels, "gc", "-q", "--prune=now")
    (pack,) = (labels / ".git/objects/pack").glob("*.pack")
    pack.chmod(0o644)
    pack.write_bytes(pack.read_bytes()[: pack.stat().st_size // 3])
    for words in (
        ("diff", "HEAD~1..HEAD"),
        ("check", "HEAD~1..HEAD"),
        ("trace", "texts/t1#source-2"),
        ("status",),
        ("verify", "--all"),
    ):
        judge(labelvc, labels, *words)
    assert judge(labelvc, labels, "diff", "HEAD~1..HEAD")[0] == 2


# ---------------------------------------------------------------- files that are none
def to_link(path: Path) -> None:
    path.parent.parent.joinpath("outside").write_text("secret\n")
    path.symlink_to("/etc/hostname")


def to_loop(path: Path) -> None:
    path.symlink_to(path.name)


def to_folder(path: Path) -> None:
    path.mkdir()
    (path / "inside").write_text("x\n")


KINDS: dict[str, Callable[[Path], object]] = {
    "a link out of the tree": to_link,
    "a link to itself": to_loop,
    "a pipe": os.mkfifo,
    "a folder": to_folder,
    "nothing": lambda _: None,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", [SHARD, "labelvc.yaml", "datasets/texts/dataset.yaml"])
def test_a_path_that_is_no_plain_file(labels, labelvc, path, kind):
    (labels / path).unlink()
    KINDS[kind](labels / path)
    for words in (("check", "--all"), ("check",), ("diff",), ("status",), ("format",), WRITING[2]):
        code, out, err = judge(labelvc, labels, *words)
        if words[0] == "check" and not (path == SHARD and kind in ("nothing", "a folder", "a pipe")):
            assert code, (words, out, err)


def test_names_with_spaces_and_of_any_script_work(labels, git, labelvc, tmp_path):
    folder = tmp_path / "my  labels \u00fc\u6f22 'x'"
    labels.rename(folder)
    for words in (
        ("check", "--all"),
        ("diff",),
        ("status",),
        ("export", "jsonl", "--dataset", "texts", "-o", "../my out.jsonl"),
    ):
        assert judge(labelvc, folder, *words)[0] == 0
    (folder / "notes \u00e9 \n newline\t.txt").write_text("x\n")
    (folder / "datasets/texts/annotations/odd\nname.jsonl").write_text("{}\n")
    (folder / os.fsdecode(b"datasets/texts/items/\xff\xfe.jsonl")).write_text("{}\n")
    for words, expected in (
        (("check", "--all"), 1),
        (("check", "--all", "--format", "json"), 1),
        (("check", "--all", "--format", "json", "-o", "../found.json"), 1),
        (("diff",), 0),
        (("diff", "--format", "jsonl"), 0),
        (("status",), 0),
    ):
        before = contents(folder)
        done = subprocess.run([LABELVC, *words], cwd=folder, capture_output=True, text=True, check=False)
        sound(done.returncode, done.stdout, done.stderr, *words)
        assert done.returncode == expected, (words, done.stdout, done.stderr)
        assert contents(folder) == before
    found = json.loads((tmp_path / "found.json").read_text())["items"]
    assert [one["rule"] for one in found] == ["shard.stray"] * 2
    git(folder, "add", "--all")
    done = subprocess.run([LABELVC, "plumbing", "hook", "pre-commit"], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 1


@pytest.mark.parametrize("item", ["i" * 4096, "\u6f22\u00e9" * 2048], ids=["4 KB", "4,096 letters of 10 KB"])
def test_an_id_beyond_the_limit_is_a_finding_that_stops_no_command(labels, git, labelvc, item):
    """An id has at most 512 letters (schemas/item.v1.json); a longer one is shown, compared, merged and logged all the same."""
    path = labels / "datasets/texts/items/00.jsonl"
    known = path.read_bytes() if path.exists() else b""
    path.write_bytes(known + canonical.encode_item({"id": item, "text": "x"}) + b"\n")
    assert labelvc(labels, "format")[0] == 0
    code, out, _ = judge(labelvc, labels, "check", "--all", "--format", "json")
    assert code == 1
    assert "record.schema" in {one["rule"] for one in json.loads(out)["items"]}
    assert f"+ texts/{item[:100]}" in judge(labelvc, labels, "diff")[1]
    git(labels, "add", "--all")
    assert judge(labelvc, labels, "plumbing", "hook", "pre-commit")[0] == 1
    git(labels, "commit", "-qnm", "long")
    assert f"+ texts/{item[:100]}" in judge(labelvc, labels, "log", f"texts/{item}")[1]
    assert judge(labelvc, labels, "check", "HEAD~1..HEAD")[0] == 1


def test_a_submodule_is_not_read(labels, git, labelvc, tmp_path):
    git(tmp_path, "clone", "-q", str(labels), "other")
    git(labels, "submodule", "add", "-q", str(tmp_path / "other"), "datasets/other")
    git(labels, "commit", "-qnam", "a module")
    for words in (("check", "--all"), ("check", "HEAD~1..HEAD"), ("diff",), ("status",), ("verify", "HEAD")):
        _, out, err = judge(labelvc, labels, *words)
        assert "datasets/other/" not in out + err, (words, out)


def test_a_submodule_that_moved_stops_nothing(labels, git, labelvc, tmp_path):
    """Dirty, on another commit, staged so and committed so: it is no file, and never a difference."""
    git(tmp_path, "clone", "-q", str(labels), "other")
    git(labels, "submodule", "add", "-q", str(tmp_path / "other"), "tools")
    git(labels, "commit", "-qnam", "a module")
    asked = (("check",), ("diff",), ("diff", "--staged"), ("status",), ("format",))
    clean = [judge(labelvc, labels, *words) for words in asked]
    (labels / "tools/labelvc.yaml").write_text("dirty\n")
    assert [judge(labelvc, labels, *words) for words in asked] == clean
    git(labels / "tools", "commit", "-qnam", "on")
    assert [judge(labelvc, labels, *words) for words in asked] == clean
    git(labels, "switch", "-qc", "topic")
    (labels / "notes.txt").write_text("x\n")
    git(labels, "add", "notes.txt")
    git(labels, "commit", "-qnm", "notes")
    git(labels, "switch", "-q", "-")
    assert labelvc(labels, "merge", "--no-ff", "topic")[0] == 0
    git(labels, "commit", "-qnam", "the module moved")
    assert git(labels, "diff", "--name-only", "HEAD~1").split() == ["tools"]
    for words in (("diff", "HEAD~1"), ("diff", "HEAD~1..HEAD")):
        assert judge(labelvc, labels, *words)[1] == ""
    assert "tools" not in judge(labelvc, labels, "log")[1]


def test_what_may_not_be_read_or_written(labels, tmp_path):
    """Run without the right of the superuser to read and write everything."""
    drop = shutil.which("setpriv") if os.geteuid() == 0 else "env"
    if drop is None:
        pytest.skip("the superuser may do everything, and setpriv is not installed")
    limits = ["--bounding-set=-dac_override,-dac_read_search,-fowner"] if os.geteuid() == 0 else []

    def run(*words: str) -> tuple[int, str, str]:
        before = contents(labels)
        done = subprocess.run([drop, *limits, LABELVC, *words], cwd=labels, capture_output=True, text=True, check=False)
        sound(done.returncode, done.stdout, done.stderr, *words)
        assert contents(labels) == before
        return done.returncode, done.stdout, done.stderr

    rows = lines(labels)
    save(labels, [rows[0] + b" ", *rows[1:]])
    folders = [labels / "datasets/texts/annotations", labels / "datasets/texts/items"]
    for folder in folders:
        folder.chmod(0o555)
    assert run("check", "--all")[0] == 1
    code, _, err = run("format")
    assert (code, "Permission denied" in err) == (2, True), err
    source = labels.parent / "in.csv"
    source.write_text("id,text,label,who\nnew-1,a text,order,rater 1\n")
    words = ["import", "csv", str(source), "--dataset", "texts", "--item", "text", "--value", "label", "--key", "id"]
    assert run(*words)[0] == 2
    assert run("export", "jsonl", "--dataset", "texts", "-o", "datasets/texts/items/out.jsonl")[0] == 2
    for folder in folders:
        folder.chmod(0o755)
    (labels / SHARD).chmod(0)
    for words in (["check", "--all"], ["diff"], ["format"], ["export", "jsonl", "--dataset", "texts", "-o", "../o"]):
        code, _, err = run(*words)
        assert code == 2, (words, err)
        assert SHARD in err
    (labels / SHARD).chmod(0o644)
    (labels / ".git/labelvc").chmod(0)
    for words in (["check", "--all"], ["status"], ["diff"]):
        run(*words)
    (labels / ".git/labelvc").chmod(0o755)


# ---------------------------------------------------------------- words that mean nothing
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("diff", "nope..HEAD"), 2),
        (("diff", "HEAD..nope"), 2),
        (("diff", "nope...HEAD"), 2),
        (("diff", "HEAD^9"), 2),
        (("diff", "--", "--output=x..HEAD"), 2),
        (("diff", "-1..HEAD"), 2),
        (("diff", f"HEAD:{SHARD}..HEAD"), 2),
        (("check", "nope..HEAD"), 2),
        (("check", "HEAD~9..HEAD"), 2),
        (("verify", "nope"), 2),
        (("verify", "a..b"), 2),
        (("approve", "nope...HEAD", "--role", "reviewer"), 2),
        (("approve", "HEAD~1..HEAD", "--role", "nobody"), 2),
        (("export", "jsonl", "--dataset", "texts", "--at", "nope", "-o", "../o"), 2),
        (("export", "jsonl", "--dataset", "nope", "-o", "../o"), 2),
        (("export", "jsonl", "--dataset", "texts", "--task", "nope", "-o", "../o"), 2),
        (("export", "nope", "--dataset", "texts", "-o", "../o"), 2),
        (("export", "jsonl", "--dataset", "texts", "-o", "datasets"), 2),
        (("export", "jsonl", "--dataset", "../..", "-o", "../o"), 2),
        (("trace", "texts"), 2),
        (("trace", "texts/t1"), 2),
        (("trace", "#"), 2),
        (("trace", "/#x"), 2),
        (("trace", ""), 2),
        (("trace", "texts/t1#nope"), 2),
        (("trace", "nope/t1#r1"), 2),
        (("trace", "texts/../../x#r1"), 2),
        (("trace", "texts/t1#source-2", "--at", "nope"), 2),
        (("trace", "texts/\ud800#r1"), 2),
        (("trace", "texts/a\nb#r1"), 2),
        (("blame", "texts/nope"), 2),
        (("blame", "nope/t1"), 2),
        (("import", "csv", "no-such-file", "--dataset", "texts"), 2),
        (("import", "csv", ".", "--dataset", "texts"), 2),
        (("import", "nope", "labelvc.yaml", "--dataset", "texts"), 2),
        (("import", "csv", "labelvc.yaml", "--dataset", "nope"), 2),
        (("policy", "add", "../x", "--name", "X"), 2),
        (("nonsense",), 2),
        (("check", "--nonsense"), 2),
        (("-C", "no/such/folder", "check"), 2),
        (("init", "--template", "nope"), 2),
    ],
    ids=lambda part: " ".join(part).encode("ascii", "backslashreplace").decode() if isinstance(part, tuple) else "",
)
def test_words_that_mean_nothing(labels, labelvc, words, code):
    before = contents(labels)
    found, out, err = labelvc(labels, *words)
    said = f"{words} {found}\n{out}{err}"
    assert found == code, said
    assert "Traceback" not in out + err, said
    assert "\n  next: " in err, said
    assert contents(labels) == before, said


# ---------------------------------------------------------------- the secret of pseudonyms
@pytest.mark.parametrize("how", ["gone", "empty", "cut", "text", "another"])
def test_a_keyring_that_is_gone_or_broken(labels, labelvc, how):
    ring = labels / ".git/labelvc/keyring"
    files = [path for path in sorted(ring.rglob("*")) if path.is_file()]
    assert files
    if how == "gone":
        shutil.rmtree(ring)
    else:
        for path in files:
            data = path.read_bytes()
            path.chmod(0o600)
            path.write_bytes(
                {"empty": b"", "cut": data[: len(data) // 2], "text": SECRET.encode(), "another": data[::-1]}[how]
            )
    source = labels.parent / "in.csv"
    source.write_text(f"id,text,label,who\nnew-1,a text,order,{SECRET}\n")
    words = ["import", "csv", str(source), "--dataset", "texts", "--item", "text", "--value", "label", "--key", "id"]
    code, out, err = judge(labelvc, labels, *words, "--by", "who")
    assert code == 2, out + err
    for other in (("check", "--all"), ("diff",), ("status",)):
        assert judge(labelvc, labels, *other)[0] == 0
    source.write_text("id,text,label\nnew-1,a text,order\n")
    assert judge(labelvc, labels, *words)[0] == 0


# ---------------------------------------------------------------- sources of imports
TABLE = "id,text,label,who\nn1,one text,order,ann\nn2,another,delivery,ben\n"
VOC = """<annotation><filename>a.jpg</filename><size><width>9</width><height>9</height><depth>3</depth></size>
<object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox></object></annotation>
"""
WORDS = (
    "# sent_id = a\n# text = Go on\n1\tGo\tgo\tVERB\tVB\t_\t0\troot\t_\t_\n2\ton\ton\tADV\tRB\t_\t1\tadvmod\t_\t_\n\n"
)
LINE = '{"id":"n1","text":"one text","label":"order","who":"ann"}\n'
SOURCES: dict[str, tuple[str, str, str, dict[str, bytes]]] = {
    "csv": (
        "classification",
        "texts",
        TABLE,
        {
            "nothing": b"",
            "latin-1": TABLE.replace("another", "gr\xfc\xdfe").encode("latin-1"),
            "UTF-16": TABLE.encode("utf-16"),
            "UTF-32": TABLE.encode("utf-32"),
            "NUL": TABLE.replace("another", "a\0b").encode(),
            "binary": bytes(range(256)) * 4,
            "an open quote": TABLE.replace("another", '"another').encode(),
            "a short row": TABLE.encode() + b"n3,short\n",
            "a long row": TABLE.encode() + b"n3,a,order,ann,more,and more\n",
            "a column twice": TABLE.replace("who", "label").encode(),
            "no such column": TABLE.replace("label", "answer").encode(),
            "an item twice": TABLE.encode() + b"n1,another text,order,ann\n",
            "no item": TABLE.encode() + b",no name,order,ann\n",
        },
    ),
    "jsonl": (
        "classification",
        "texts",
        LINE,
        {
            "nothing": b"",
            "open": b"{\n",
            "words": SECRET.encode() + b"\n",
            "a list": b"[1,2]\n",
            "a member twice": LINE.replace('"who"', '"label"').encode(),
            "latin-1": LINE.replace("one text", "gr\xfc\xdfe").encode("latin-1"),
            "UTF-16": LINE.encode("utf-16"),
            "NUL": LINE.replace("one text", "a\0b").encode(),
            "deep": LINE.replace('"one text"', "[" * 50_000 + "]" * 50_000).encode(),
            "not a number": LINE.replace('"order"', "NaN").encode(),
            "half a pair": LINE.replace("one text", r"\ud800").encode(),
            "an array of all": b"[" + LINE.strip().encode() + b"]\n",
        },
    ),
    "conllu": (
        "tokens",
        "sentences",
        WORDS,
        {
            "nothing": b"",
            "nine columns": WORDS.replace("\tadvmod\t_\t_", "\tadvmod\t_").encode(),
            "a number twice": WORDS.replace("2\ton", "1\ton").encode(),
            "a gap": WORDS.replace("2\ton", "3\ton").encode(),
            "no number": WORDS.replace("2\ton", "x\ton").encode(),
            "latin-1": WORDS.replace("Go", "G\xf6").encode("latin-1"),
            "UTF-16": WORDS.encode("utf-16"),
            "NUL": WORDS.replace("on", "o\0").encode(),
            "words": SECRET.encode() + b"\n",
            "markers": b"<<<<<<< ours\n" + WORDS.encode(),
        },
    ),
    "voc": (
        "boxes",
        "pictures",
        VOC,
        {
            "nothing": b"",
            "open": VOC.replace("</annotation>", "").encode(),
            "crossed": VOC.replace("</size>", "</object>", 1).encode(),
            "words": SECRET.encode() + b"\n",
            "latin-1": VOC.replace("cat", "K\xe4tzchen").encode("latin-1"),
            "a lie about its encoding": b'<?xml version="1.0" encoding="utf-16"?>' + VOC.encode(),
            "NUL": VOC.replace("cat", "c\0t").encode(),
            "a bomb": b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]>' + VOC.replace("cat", "&c;").encode(),
            "a file of the system": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
            + VOC.replace("cat", "&b;").encode(),
            "deep": VOC.replace("</annotation>", "<a>" * 20_000 + "</a>" * 20_000 + "</annotation>").encode(),
            "no corner": VOC.replace("<xmax>5</xmax>", "").encode(),
            "a corner of words": VOC.replace("<xmax>5</xmax>", "<xmax>five</xmax>").encode(),
            "an endless corner": VOC.replace("<xmax>5</xmax>", "<xmax>1e999</xmax>").encode(),
            "another root": VOC.replace("annotation>", "html>").encode(),
        },
    ),
}


@pytest.mark.parametrize("form", SOURCES)
def test_a_broken_source(tmp_path, git, labelvc, form):
    template, dataset, good, broken = SOURCES[form]
    folder = tmp_path / "project"
    assert cli.run(["-q", "init", str(folder), "--template", template]) == 0
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "start")
    source = tmp_path / f"source.{ {'voc': 'xml'}.get(form, form) }"
    columns = ["--item", "text", "--value", "label", "--key", "id"] if template == "classification" else []
    words = ["import", form, str(source), "--dataset", dataset, "--add-labels", *columns]
    for name, content in broken.items():
        source.write_bytes(content)
        code, out, err = judge(labelvc, folder, *words)
        assert code == 2, (form, name, out, err)
        assert source.name in err, (form, name, err)
        assert git(folder, "status", "--porcelain") == "", (form, name)
    source.write_text(good)
    assert judge(labelvc, folder, *words)[0] == 0


# ---------------------------------------------------------------- size
LONG = 100_000_000


def bounded(folder: Path, *words: str, seconds: float = 20, megabytes: int = 900) -> tuple[int, str, str]:
    """Run a command in a process of its own; hold its time and the memory it used at most."""
    script = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[2:], cwd=sys.argv[1], capture_output=True, text=True)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(repr((done.returncode, done.stdout[-5000:], done.stderr[-5000:], used.ru_utime + used.ru_stime, used.ru_maxrss)))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, folder, LABELVC, *words], capture_output=True, text=True, check=True
    )
    code, out, err, spent, most = ast.literal_eval(told.stdout)
    sound(code, out, err, *words)
    assert spent < seconds, (words, spent)
    assert most < megabytes * 1024, (words, most)
    return code, out, err


@pytest.mark.parametrize("form", SOURCES)
def test_a_source_that_is_one_line_of_100_megabytes(tmp_path, form):
    template, dataset, good, _ = SOURCES[form]
    folder = tmp_path / "project"
    assert cli.run(["-q", "init", str(folder), "--template", template]) == 0
    source = tmp_path / "source.xml"
    columns = ["--item", "text", "--value", "label", "--key", "id"] if template == "classification" else []
    for start in (good.encode().rstrip(b"\n>"), b""):
        with source.open("wb") as file:
            file.write(start)
            for _ in range(LONG // 1_000_000):
                file.write(b"a" * 1_000_000)
        before = contents(folder)
        code, out, err = bounded(folder, "import", form, str(source), "--dataset", dataset, *columns)
        assert code == 2, (out, err)
        assert source.name in err
        assert contents(folder) == before


@pytest.mark.parametrize("path", ["guidelines/topic.yaml", TAXONOMY, "registers/decision/0001-long.yaml"])
def test_a_document_of_10_megabytes_is_told_in_little_time_and_memory(labels, path):
    rows = "".join([f"  l{number}:\n    definition: {'x' * 900}\n" for number in range(11_000)])
    (labels / path).parent.mkdir(parents=True, exist_ok=True)
    (labels / path).write_text(f"schema: urn:labelvc:schema:guideline:1\nname: topic\nlabels:\n{rows}")
    before = contents(labels)
    for words in (
        ("check",),
        ("check", "--all"),
        ("guideline", "list"),
        ("guideline", "publish", "topic", "--dry-run"),
        ("status",),
    ):
        code, out, err = bounded(labels, *words, seconds=3, megabytes=200)
        if path.startswith("registers/") and words[0] != "check":
            continue  # who publishes needs no register that the text does not name
        assert code in (1, 2), (words, out, err)
        assert path in out + err, (words, out, err)
        beside = path == TAXONOMY and "publish" in words
        assert ("cannot be read" if beside else "larger than 4 MiB") in out + err, (words, out, err)
        assert ("next: labelvc check" if beside else "next: mend") in out + err, (words, out, err)
    assert contents(labels) == before


def test_a_label_list_of_10_megabytes_makes_no_document(labels, tmp_path):
    source = tmp_path / "big.csv"
    source.write_text("id,name\n" + "".join([f"l{number},{'n' * 900}{number}\n" for number in range(11_000)]))
    before = contents(labels)
    code, _, err = bounded(labels, "taxonomy", "import", "csv", str(source), seconds=3, megabytes=300)
    assert (code, contents(labels)) == (2, before)
    assert err.startswith("error: the taxonomy is larger than 4 MiB"), err
    assert f"where: {source}" in err


def swell(path: Path) -> None:
    with path.open("ab") as file:
        for _ in range(LONG // 1_000_000):
            file.write(b"a" * 1_000_000)


@pytest.mark.parametrize("path", [SHARD, "labelvc.yaml"])
def test_a_line_of_100_megabytes_in_the_project(labels, path):
    swell(labels / path)
    before = contents(labels)
    code, out, err = bounded(labels, "check", "--all")
    assert code in (1, 2), (out, err)
    assert path in out + err or "texts/" in out
    assert contents(labels) == before


@pytest.mark.parametrize("path", [SHARD, ITEMS])
def test_a_sound_record_of_100_megabytes_is_told_in_little_time_and_memory(labels, path):
    first, *rest = lines(labels, path)
    inside = b'"ext":{"a":"' + "é€😀".encode() * (LONG // 9) + b'"},'
    before = b'"origin"' if path == SHARD else b'"text"'
    save(labels, [first.replace(before, inside + before), *rest], path)
    code, out, err = bounded(labels, "check", "--all", seconds=5, megabytes=400)
    assert code == 1, (out, err)
    assert "the line is longer than 16 MiB" in out
    assert out.count("error ") == 1
    assert bounded(labels, "format", seconds=5, megabytes=400)[0] == 2
    code, out, _ = bounded(labels, "diff", seconds=5, megabytes=800)
    assert len(out) < 2000


@pytest.mark.long
@pytest.mark.parametrize("path", [SHARD, ITEMS, "labelvc.yaml", TAXONOMY, "trust/policy.json"])
def test_a_line_of_100_megabytes_meets_every_command(labels, git, path):
    swell(labels / path)
    before = contents(labels)
    for words in (*READING, *WRITING):
        bounded(labels, *words)
        assert contents(labels) == before
    git(labels, "add", "--all")
    git(labels, "commit", "-qm", "long", "--no-verify")
    for words in (
        ("check", "HEAD~1..HEAD"),
        ("diff", "HEAD~1..HEAD"),
        ("verify", "--all"),
        ("trace", "texts/t28#source-29"),
    ):
        bounded(labels, *words, seconds=40)
