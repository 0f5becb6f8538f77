"""Threats to files behind DVC that are no shards: git holds a pointer alone, and what it leads to is pushed all the same."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.core.gate import Gate
from labelvc.ops import deposits
from labelvc.store import outs
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
MAIL, OTHER = "jo.public@firma.de", "ju.public@firma.de"


def add(zoo: Zoo, *paths: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", "add", "-q", *paths], cwd=zoo.folder, check=True)
    zoo.git("add", "--all")


def found(zoo: Zoo, labelvc: Run, *words: str) -> tuple[int, list[str]]:
    """Return the exit code of a scan, and the places that it names; no output holds a value."""
    code, out, err = labelvc(zoo.folder, "privacy", "scan", *words, "--format", "jsonl")
    assert not [value for value in (MAIL, OTHER) if value in out + err]
    told = [json.loads(line) for line in out.splitlines()]
    return code, sorted(row["place"]["path"] if "place" in row else row["error"]["message"] for row in told)


def lose(zoo: Zoo, pointer: str) -> None:
    """Take what a pointer leads to out of the cache, with the members of a folder."""
    md5 = zoo.read(pointer).decode().partition("md5: ")[2].split()[0]
    place = zoo.folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    for row in json.loads(place.read_text()) if md5.endswith(".dir") else []:
        (place.parents[1] / row["md5"][:2] / row["md5"][2:]).unlink()
    place.unlink()


def leave_unread(zoo: Zoo, *globs: str) -> None:
    told = json.dumps([{"paths": globs, "why": "only their store may hold them"}])
    zoo.write("labelvc.yaml", zoo.read("labelvc.yaml").decode() + f"privacy: {{leaks: {{unread: {told}}}}}\n")


def test_privacy_06_names_and_texts_behind_dvc(zoo: Zoo, labelvc: Run, tmp_path: Path):
    zoo.store_in_dvc()
    base = zoo.commit("DVC")
    zoo.git("switch", "-qc", "topic")
    zoo.write(f"raw/{MAIL}.txt", "hello\n")
    zoo.write("raw/deep/a.txt", f"one\nask {MAIL}\n")
    zoo.write("raw/b.bin", b"\0" + MAIL.encode())
    zoo.write("raw/c.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0" + MAIL.encode())
    zoo.write("alone.csv", f"ask {MAIL}\n")
    add(zoo, "raw", "alone.csv")
    wanted = ["alone.csv", "raw/***", "raw/b.bin", "raw/deep/a.txt"]
    assert found(zoo, labelvc, "--staged") == (1, wanted)
    assert found(zoo, labelvc, "--all") == (1, wanted)
    assert labelvc(zoo.folder, "plumbing", "hook", "pre-commit")[0] == 1
    first = zoo.commit("Bring")
    assert found(zoo, labelvc, f"{base}..HEAD") == (1, wanted)
    out = tmp_path / "ci"
    assert labelvc(zoo.folder, "ci", "--base", "main", "--head", "topic", "-o", str(out))[0] == 1
    said = "".join(path.read_text() for path in out.iterdir())
    assert ("raw/deep/a.txt" in said, MAIL in said) == (True, False)
    code, said, err = labelvc(zoo.folder, "privacy", "incident", "privacy.email", "raw/deep/a.txt", "--at", first)
    assert (code, "raw.dvc" in said, MAIL in said + err) == (1, True, False)

    zoo.write("raw/c.txt", "nothing\n")
    add(zoo, "raw")
    assert found(zoo, labelvc, "--staged") == (0, []), "what was there before is not told again"
    zoo.write("raw/deep/a.txt", f"one\nask {OTHER}\n")
    add(zoo, "raw")
    assert found(zoo, labelvc, "--staged") == (1, ["raw/deep/a.txt"]), "another value in its place is new"


def test_privacy_08_a_listing_leads_nowhere_but_to_objects(zoo: Zoo, labelvc: Run):
    """An md5 that is a path would have a gate in CI tell of files of its machine; two outputs of one pointer hide none."""
    zoo.store_in_dvc()
    zoo.commit("DVC")
    (zoo.folder.parent / "own.txt").write_text(f"ask {MAIL}\n")
    zoo.write("one.txt", f"ask {MAIL}\n")
    zoo.write("two.txt", "nothing\n")
    add(zoo, "one.txt", "two.txt")
    two = zoo.read("two.txt.dvc").decode().partition("outs:\n")[2]
    zoo.write("both.dvc", zoo.read("one.txt.dvc").decode() + two)
    listing = "0" * 32
    name = f"00/{'../' * 6}own.txt"
    place = zoo.folder / ".dvc/cache/files/md5" / listing[:2] / f"{listing[2:]}.dir"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps([{"md5": name, "relpath": "a.txt"}]))
    zoo.write("raw.dvc", f"outs:\n- md5: {listing}.dir\n  path: raw\n")
    zoo.git("rm", "-q", "--cached", "one.txt.dvc", "two.txt.dvc")
    zoo.git("add", "both.dvc")
    assert found(zoo, labelvc, "--staged") == (1, ["both"])
    for rows in ([{"md5": name, "relpath": "a.txt"}], [{"md5": "0" * 32, "relpath": "../a"}], {}, [1], [[]]):
        place.write_text(json.dumps(rows))
        zoo.git("add", "raw.dvc")
        assert found(zoo, labelvc, "--staged") == (2, ["a DVC folder listing is broken (raw)"])
    zoo.git("rm", "-qf", "--cached", "raw.dvc")
    for text in (
        "outs: [",
        "outs:\n- md5: xyz\n  path: a\n",
        "outs:\n- etag: ab\n  path: a\n",
        "outs:\n- path: a\n  files: [{etag: a}]\n",
    ):
        zoo.write("other.dvc", text)
        zoo.git("add", "other.dvc")
        code, said = found(zoo, labelvc, "--staged")
        assert (code, len(said)) == (2, 1), text


def test_what_is_accepted_behind_dvc_is_needed(zoo: Zoo, labelvc: Run):
    zoo.git("config", "user.email", "ada@example.com")
    zoo.store_in_dvc()
    zoo.begin_pseudonyms()
    zoo.write("raw/a.txt", f"ask {MAIL}\n")
    add(zoo, "raw")
    zoo.commit("As it was")
    code, out, _ = labelvc(zoo.folder, "privacy", "scan", "--all")
    mark = out.partition("***@***, ")[2][:10]
    code, _, err = labelvc(zoo.folder, "privacy", "accept", mark, "--why", "consented")
    assert code == 0, (err, out)
    zoo.commit("Answer for it")
    assert labelvc(zoo.folder, "privacy", "scan", "--all", "--fail-on", "note")[0] == 0


def test_privacy_08_what_is_nowhere_is_never_clean(zoo: Zoo, labelvc: Run, tmp_path: Path):
    zoo.store_in_dvc()
    base = zoo.commit("DVC")
    zoo.git("switch", "-qc", "topic")
    for path in ("raw/a.txt", "raw/deep/b.txt", "alone.csv"):
        zoo.write(path, f"ask {MAIL} in {path}\n")
    add(zoo, "raw", "alone.csv")
    zoo.commit("Bring")
    lose(zoo, "alone.csv.dvc")
    lose(zoo, "raw.dvc")
    for words in (("--all",), (f"{base}..HEAD",)):
        code, (said,) = found(zoo, labelvc, *words)
        assert (code, "is in no cache and no remote" in said) == (2, True), words
    code, _, err = labelvc(zoo.folder, "privacy", "scan", "--all")
    assert (code, "dvc pull" in err, "unread" in err) == (2, True, True), err
    out = tmp_path / "ci"
    assert labelvc(zoo.folder, "ci", "--base", "main", "--head", "topic", "-o", str(out))[0] == 2
    leave_unread(zoo, "raw/**", "alone.csv")
    zoo.git("add", "labelvc.yaml")
    zoo.commit("A branch cannot excuse itself")
    assert found(zoo, labelvc, f"{base}..HEAD")[0] == 2
    assert labelvc(zoo.folder, "ci", "--base", "main", "--head", "topic", "-o", str(out))[0] == 2
    assert found(zoo, labelvc, "--all") == (0, []), "the work tree is judged by its own settings"
    assert "raw/**" in labelvc(zoo.folder, "privacy", "status")[1]
    zoo.git("switch", "-q", "main")
    leave_unread(zoo, "raw/**", "alone.csv")
    zoo.git("add", "labelvc.yaml")
    zoo.commit("Say why")
    zoo.git("switch", "-q", "topic")
    assert found(zoo, labelvc, "main..HEAD") == (0, [])
    leave_unread(zoo, "other/**")
    code, _, err = labelvc(zoo.folder, "privacy", "scan", "--all")
    assert code == 2, "two blocks of one name are no document"


def test_privacy_08_files_behind_lfs(zoo: Zoo, labelvc: Run):
    data = f"ask {MAIL}\n".encode()
    name = hashlib.sha256(data).hexdigest()
    zoo.write("raw.csv", f"version https://git-lfs.github.com/spec/v1\noid sha256:{name}\nsize {len(data)}\n")
    zoo.git("add", "raw.csv")
    code, out, err = labelvc(zoo.folder, "privacy", "scan")
    assert (code, "git lfs fetch" in err, "unread" in err) == (2, True, True), (out, err)
    assert labelvc(zoo.folder, "plumbing", "hook", "pre-commit")[0] == 2
    place = zoo.folder / ".git/lfs/objects" / name[:2] / name[2:4] / name
    place.parent.mkdir(parents=True)
    place.write_bytes(data)
    assert found(zoo, labelvc) == (1, ["raw.csv"])
    zoo.write("datasets/pets/items/0.jsonl", zoo.read("raw.csv"))
    zoo.git("add", "datasets")
    assert found(zoo, labelvc) == (
        2,
        ["a shard is behind git LFS, where nobody reads its records (datasets/pets/items/0.jsonl)"],
    )
    zoo.git("checkout", "-q", "HEAD", "--", "datasets")
    place.unlink()
    leave_unread(zoo, "*.csv")
    assert found(zoo, labelvc, "--all") == (0, [])


def test_a_long_text_is_read_in_pieces(zoo: Zoo, labelvc: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deposits, "_AT_ONCE", 10_007)
    monkeypatch.setattr(deposits, "_OVERLAP", 101)
    lines = [f"ä{'€' * (at % 90)} ask nobody" for at in range(900)]
    for at in range(0, 900, 7):
        lines[at] = f"ä{'€' * (at % 90)} ask jo.public{at}@firma.de"
    file = io.BytesIO("\n".join(lines).encode())
    told = list(deposits._standing("a.txt", file, Gate()))
    assert [one.place.line for one in told] == [at + 1 for at in range(0, 900, 7)]


def test_a_listing_is_read_row_by_row(tmp_path: Path):
    """A million names take as much memory as a hundred thousand: none to speak of."""
    rows = [{"md5": f"{at:032x}", "relpath": f"folder/{at:08}.txt"} for at in range(20_000)]
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text(json.dumps(rows, sort_keys=True))
    rows[5] = {"md5": "f" * 32, "relpath": rows[5]["relpath"]}
    two.write_text(json.dumps([*rows, {"md5": "e" * 32, "relpath": "g"}], sort_keys=True))
    tracemalloc.start()
    try:
        told = list(outs.fresh(outs.listed(two, "raw"), outs.listed(one, "raw")))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert told == [("folder/00000005.txt", "f" * 32, False), ("g", "e" * 32, True)]
    assert peak < 200_000
    odd = json.dumps([{"md5": "0" * 32, "relpath": "\udcff"}, {"isexec": True, "md5": "1" * 32, "relpath": "\udcff{"}])
    assert len(list(outs.rows(odd.encode(), "raw"))) == 2, "a name that is no UTF-8 hides no folder"
