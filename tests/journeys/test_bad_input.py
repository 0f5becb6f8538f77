"""Bad input gets a clear error with place and next command, or a finding; never a traceback, never a changed tree."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

CSV = "item,by,label\n" + "".join(f"text number {n},rater-{n % 3},general\n" for n in range(40))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Return a folder that each test fills once; see `project`."""
    return tmp_path_factory.mktemp("bad")


@pytest.fixture
def project(made, tmp_path, git, labelvc) -> Path:
    """Return a copy of a small, valid, committed project with 40 records."""
    first = made / "labels"
    if not first.exists():
        (made / "rows.csv").write_text(CSV)
        assert labelvc(made, "init", "--template", "classification", "labels")[0] == 0
        words = ("--dataset", "texts", "--item", "item", "--by", "by", "--value", "label", "--add-labels")
        assert labelvc(first, "import", "csv", "../rows.csv", *words)[0] == 0
        git(first, "add", "--all")
        git(first, "commit", "-qm", "begin")
    copy = tmp_path / "labels with spaces and ü"
    shutil.copytree(first, copy, symlinks=True)
    git(copy, "status")
    return copy


def tree(folder: Path) -> dict[str, str]:
    """Return what every file of the work tree holds."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name.startswith(".git/") or name == ".git":
            continue
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def shard(folder: Path, layer: str = "annotations") -> Path:
    """Return the largest shard of a layer."""
    return max((folder / "datasets/texts" / layer).rglob("*.jsonl"), key=lambda path: path.stat().st_size)


def edit(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def damage_objects(folder: Path) -> None:
    """Cut every loose object of a shard short."""
    for path in (folder / ".git/objects").glob("[0-9a-f][0-9a-f]/*"):
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:12])


def fifo(folder: Path) -> None:
    path = shard(folder)
    path.unlink()
    os.mkfifo(path)


def folder(top: Path) -> None:
    path = shard(top)
    path.unlink()
    path.mkdir()


def link_out(folder: Path) -> None:
    path = shard(folder)
    path.unlink()
    path.symlink_to("/etc/passwd")


class Case(NamedTuple):
    """One kind of damage: how it is made, what is typed, the exit code, and words of the answer."""

    name: str
    damage: Callable[[Path], object]
    words: tuple[str, ...]
    code: int
    says: tuple[str, ...]


CHECK = ("check", "--all")
CASES = [
    Case("malformed yaml", lambda f: edit(f / "labelvc.yaml", lambda d: d + b"\n  bad: [1,\n"), CHECK, 1, ("document.yaml", "labelvc.yaml")),
    Case("malformed yaml, diff goes on", lambda f: edit(f / "labelvc.yaml", lambda d: d + b"\n  bad: [1,\n"), ("diff",), 0, ("document changed",)),
    Case("duplicate yaml key", lambda f: edit(f / "labelvc.yaml", lambda d: d + b"\nname: again\n"), CHECK, 1, ("document.yaml",)),
    Case("yaml in latin-1", lambda f: edit(f / "labelvc.yaml", lambda d: d + b"\n# caf\xe9\n"), CHECK, 1, ("document.yaml",)),
    Case("unknown setting", lambda f: edit(f / "labelvc.yaml", lambda d: d + b"\ngaol: x\n"), CHECK, 1, ("document.schema",)),
    Case("no labelvc.yaml", lambda f: (f / "labelvc.yaml").unlink(), CHECK, 2, ("no labelvc.yaml", "labelvc init")),
    Case("no labelvc.yaml, import", lambda f: (f / "labelvc.yaml").unlink(), ("import", "csv", "../rows.csv", "-D", "texts"), 2, ("labelvc init",)),
    Case("malformed json", lambda f: edit(shard(f), lambda d: d + b"{oops\n"), CHECK, 1, ("record.json", "not JSON")),
    Case("duplicate json keys", lambda f: edit(shard(f), lambda d: d.replace(b'"rev":1', b'"rev":1,"rev":2', 1)), CHECK, 1, ("occurs twice",)),
    Case("deeply nested", lambda f: edit(shard(f), lambda d: d + b"[" * 200_000 + b"\n"), CHECK, 1, ("nested deeper than 32",)),
    Case("nul bytes", lambda f: edit(shard(f), lambda d: d + b"\0\0\n"), CHECK, 1, ("record.json",)),
    Case("not utf-8", lambda f: edit(shard(f), lambda d: d.replace(b'"item":"', b'"item":"\xff', 1)), CHECK, 1, ("not UTF-8",)),
    Case("utf-16", lambda f: edit(shard(f), lambda d: d.decode().encode("utf-16")), CHECK, 1, ("record.json",)),
    Case("byte order mark", lambda f: edit(shard(f), lambda d: b"\xef\xbb\xbf" + d), CHECK, 1, ("record.json",)),
    Case("crlf", lambda f: edit(shard(f), lambda d: d.replace(b"\n", b"\r\n")), CHECK, 1, ("record.canonical",)),
    Case("out of order", lambda f: edit(shard(f), lambda d: b"".join(sorted(d.splitlines(True), reverse=True))), CHECK, 1, ("shard.order", "labelvc format")),
    Case("no last line break", lambda f: edit(shard(f), lambda d: d[:-1]), CHECK, 1, ("shard.ending",)),
    Case("conflict markers", lambda f: edit(shard(f), lambda d: b"<<<<<<< ours\n" + d), CHECK, 1, ("shard.markers",)),
    Case("conflict markers, format", lambda f: edit(shard(f), lambda d: b"<<<<<<< ours\n" + d), ("format",), 2, ("conflict marker", ":1")),
    Case("wrong shard", lambda f: shard(f).rename(f / "datasets/texts/annotations/99.jsonl"), CHECK, 1, ("shard.stray",)),
    Case("unknown label", lambda f: edit(shard(f), lambda d: d.replace(b'"label":"general"', b'"label":"nonsense"', 1)), CHECK, 1, ("label.unknown", "nonsense")),
    Case("plain name", lambda f: edit(shard(f), lambda d: d.replace(b'"by":"prs_', b'"by":"Jane Roe prs_', 1)), CHECK, 1, ("privacy.plaintext",)),
    Case("fifo for a shard", fifo, CHECK, 2, ("not a plain file",)),
    Case("link out of the tree", link_out, CHECK, 2, ("symbolic link",)),
    Case("folder for a shard", folder, CHECK, 0, ("label.missing",)),
    Case("folder for a shard, judged against HEAD", folder, ("check",), 1, ("deleted without a tombstone",)),
    Case("broken index", lambda f: (f / ".git/index").write_bytes(b"DIRC garbage"), CHECK, 2, ("index",)),
    Case("damaged objects", damage_objects, ("diff", "HEAD"), 2, ("next:",)),
    Case("unknown revision", lambda f: None, ("diff", "nowhere..HEAD"), 2, ("nowhere",)),
    Case("unknown key", lambda f: None, ("trace", "texts/nobody#r1"), 2, ("ever held",)),
    Case("no key", lambda f: None, ("trace", "nonsense"), 2, ("is not a key",)),
    Case("unknown dataset", lambda f: None, ("export", "csv", "-D", "nope", "-o", "x.csv"), 2, ("no dataset",)),
    Case("unknown format", lambda f: None, ("import", "nope", "labelvc.yaml", "-D", "texts"), 2, ("nope",)),
    Case("xml that is none", lambda f: (f / "x.xml").write_text("<annotation><object>"), ("import", "voc", "x.xml", "-D", "texts"), 2, ("x.xml",)),
    Case("xml with entities", lambda f: (f / "x.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>'), ("import", "voc", "x.xml", "-D", "texts"), 2, ("x.xml",)),
    Case("csv in latin-1", lambda f: (f / "x.csv").write_bytes(b"item,by,label\ncaf\xe9,a,general\n"), ("import", "csv", "x.csv", "-D", "texts", "--item", "item", "--by", "by", "--value", "label"), 2, ("x.csv", "UTF-8")),
    Case("csv without the column", lambda f: (f / "x.csv").write_text("a,b\n1,2\n"), ("import", "csv", "x.csv", "-D", "texts", "--value", "label"), 2, ("x.csv", "the columns are")),
    Case("no secret", lambda f: shutil.rmtree(f / ".git/labelvc/keyring"), ("import", "csv", "../rows.csv", "-D", "texts", "--item", "item", "--by", "by", "--value", "label"), 2, ("next:",)),
    Case("broken policy", lambda f: [(f / "trust").mkdir(exist_ok=True), (f / "trust/policy.json").write_text("{}")], ("policy", "show"), 2, ("trust",)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input(project, labelvc, case):
    (project.parent / "rows.csv").write_text(CSV)
    case.damage(project)
    before = tree(project)
    code, out, err = labelvc(project, *case.words)
    said = out + err
    assert code == case.code, said
    assert "Traceback" not in said
    assert "Jane Roe" not in said
    for words in case.says:
        assert words in said, said
    if code == 2:
        assert "error: " in err
        assert "next: " in err or case.name == "unknown format", err
    assert tree(project) == before


def test_a_long_line_is_refused_without_being_held_many_times(project, labelvc):
    path = shard(project)
    with path.open("ab") as file:
        file.write(b'{"item":"' + b"x" * 20_000_000 + b'","id":"1"}\n')
    code, out, _ = labelvc(project, *CHECK)
    assert code == 1
    assert len(out) < 20_000


def test_a_deprecated_label_is_found(project, labelvc):
    edit(
        project / "taxonomies/topics.yaml",
        lambda data: data.replace(b"id: general\n", b"id: general\n    status: deprecated\n", 1),
    )
    code, out, _ = labelvc(project, *CHECK)
    assert (code, out.count("label.deprecated")) == (1, 40), out


def test_a_shallow_clone_says_what_it_lacks(project, labelvc, git, tmp_path):
    (project / "labelvc.yaml").write_bytes((project / "labelvc.yaml").read_bytes() + b"# more\n")
    git(project, "commit", "-qam", "more")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{project}", "shallow")
    key = f"texts/{shard(project).read_text().split(chr(34))[3]}#r1"
    for words in (("trace", key), ("verify", "--all"), ("diff", "HEAD~1..HEAD")):
        code, out, err = labelvc(tmp_path / "shallow", *words)
        assert code == 2, (words, out, err)
        assert "unshallow" in err, (words, err)


def test_outside_of_a_repository(labelvc, tmp_path):
    for words in (CHECK, ("diff",), ("status",), ("trace", "a/b#c"), ("verify",), ("format",)):
        code, _, err = labelvc(tmp_path, *words)
        assert code == 2
        assert "git init" in err or "labelvc init" in err, err


def test_an_empty_repository(repo, labelvc):
    for words in (CHECK, ("diff",), ("diff", "--staged"), ("status",), ("doctor",), ("verify",), ("format",)):
        code, out, err = labelvc(repo, *words)
        assert code in (0, 1, 2)
        assert "Traceback" not in out + err
