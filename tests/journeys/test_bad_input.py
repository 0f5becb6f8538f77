"""Bad input of every kind gets a place and a next command, never a traceback, and changes nothing on the disk."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from labelvc.cli import main as cli
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
        rows = [f"t{at},Text number {at},{topics[at % 4]},rater {at % 3}" for at in range(1, 41)]
        (top / "in.csv").write_text("\n".join(["id,text,label,who", *rows]) + "\n")
        words = ["-q", "-C", str(top / "labels"), "import", "csv", str(top / "in.csv"), "--dataset", "texts"]
        for number in (1, 2):
            for git in (["add", "--all"], ["commit", "-qm", f"commit {number}"]):
                subprocess.run(["git", *git], cwd=top / "labels", check=True, capture_output=True)
            if number == 1:
                assert cli.run([*words, "--item", "text", "--value", "label", "--by", "who", "--key", "id"]) == 0
        _made["labels"] = top
    shutil.copytree(_made["labels"], tmp_path / "project", symlinks=True)
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
    elif code == 1 and words[0] == "check":
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


def test_one_broken_line_meets_every_command(labels, git, labelvc):
    save(labels, [f'{{"item":"t1","id":"r1","by":"{SECRET}"'.encode(), *lines(labels)])
    for words in (*READING, *WRITING):
        judge(labelvc, labels, *words)
    git(labels, "add", "--all")
    git(labels, "commit", "-qm", "broken", "--no-verify")
    for words in (*READING, *WRITING, ("check", "HEAD~1..HEAD"), ("diff", "HEAD~1..HEAD"), ("verify", "HEAD")):
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


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("path", DOCUMENTS)
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
    for words in (*READING, *WRITING, ("check", "HEAD~1..HEAD"), ("diff", "HEAD~1..HEAD"), ("verify", "HEAD")):
        judge(labelvc, labels, *words)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"null", b"[]", b'{"payload":1}', b"\xff\xfe", b"\0" * 100, b"[" * 100_000, SECRET.encode()]
)
@pytest.mark.parametrize("path", ["trust/policy.json", "trust/root/1.json"])
def test_a_broken_policy(labels, git, labelvc, path, text):
    (labels / path).write_bytes(text)
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
