"""Threats to files behind DVC that are no shards: git holds a pointer alone, and what it leads to is pushed all the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

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
    return code, sorted(json.loads(line)["place"]["path"] for line in out.splitlines())


def test_privacy_06_names_and_texts_behind_dvc(zoo: Zoo, labelvc: Run, tmp_path: Path):
    zoo.store_in_dvc()
    base = zoo.commit("DVC")
    zoo.git("switch", "-qc", "topic")
    zoo.write(f"raw/{MAIL}.txt", "hello\n")
    zoo.write("raw/deep/a.txt", f"one\nask {MAIL}\n")
    zoo.write("raw/b.bin", b"\0" + MAIL.encode())
    zoo.write("alone.csv", f"ask {MAIL}\n")
    add(zoo, "raw", "alone.csv")
    wanted = ["alone.csv", "raw/***", "raw/deep/a.txt"]
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
    zoo.git("add", "both.dvc", "raw.dvc")
    assert found(zoo, labelvc, "--staged") == (1, ["both"])


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
