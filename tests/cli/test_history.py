"""`trace` and `blame` as people and programs meet them."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from inline_snapshot import snapshot

from labelvc.codec import schema
from tests.zoo import BEN, Zoo, rating, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
KEY = "pets/p2#m1"


@pytest.fixture
def lived(zoo: Zoo) -> Zoo:
    """Return the zoo with a record that was changed, deleted, added again and merged."""
    zoo.change("pets/p2#m1", value={"score": 3}, origin={"tool": "form", "ref": "8812"})
    zoo.commit("Raise the score\n\nCo-authored-by: Cleo <cleo@example.com>", "Ben")
    zoo.git("checkout", "-q", "-b", "topic")
    zoo.bury("pets/p2#m1")
    zoo.commit("Delete", "Cleo")
    zoo.put("pets/p2#m1", rating("p2", -1, BEN, rev=4))
    zoo.commit("Rate again", "Cleo")
    zoo.git("checkout", "-q", "main")
    zoo.git("merge", "-q", "--no-ff", "-m", "Merge topic", "topic")
    return zoo


def masked(text: str) -> str:
    """Hide commit ids, which hold the whole tree."""
    return re.sub(r"\b[0-9a-f]{10}\b", "<commit>", text)


def read(labelvc: Run, zoo: Zoo, noun: str, *words: str) -> dict[str, Any]:
    code, out, err = labelvc(zoo.folder, noun, *words, "--format", "json")
    assert code == 0, err
    document: dict[str, Any] = json.loads(out)
    jsonschema.Draft202012Validator(schema.schema(noun)).validate(document)
    return document


def test_trace_tells_a_life(lived: Zoo, labelvc: Run):
    code, out, err = labelvc(lived.folder, "trace", "pets/p2#m1")
    assert (code, err) == (0, "")
    assert masked(out) == snapshot("""\
pets/p2#m1  the cat and the dog
now  score -1  rev 4

1. added    score 0
   annotator prs_bbsdthvxnbtclgcpbgqkthtzvcrv
   under     mood@1.1.0
   commit    <commit>  2026-03-01T09:00:00+00:00  Ada: Begin
   approval  none: no policy was in force yet

2. changed  /origin (none) -> {"ref":"8812","tool":"form"}; /value/score 0 -> 3
   annotator prs_bbsdthvxnbtclgcpbgqkthtzvcrv  (tool form, ref 8812)
   under     mood@1.1.0
   commit    <commit>  2026-03-01T09:00:00+00:00  Ben: Raise the score
   approval  none: no policy was in force yet

3. removed  score 3
   commit    <commit>  2026-03-01T09:00:00+00:00  Cleo: Delete
   merged    <commit>  2026-03-01T09:00:00+00:00  Ada Author: Merge topic
   approval  none: no policy was in force yet

4. added    score -1
   annotator prs_bbdcxtcnrqcglttdbktsccrpwkqd
   under     mood@1.1.0
   commit    <commit>  2026-03-01T09:00:00+00:00  Cleo: Rate again
   merged    <commit>  2026-03-01T09:00:00+00:00  Ada Author: Merge topic
   approval  none: no policy was in force yet

checks   not told: no file keeps what `check` said; --checks asks again of each version
release  none: there is no releases/ folder
""")


def test_trace_names_the_merge_that_dropped_a_change(zoo: Zoo, labelvc: Run):
    zoo.git("switch", "-qc", "topic")
    zoo.change("pets/p2#m1", value={"score": 3})
    lost = zoo.commit("Theirs")
    zoo.git("switch", "-q", "main")
    zoo.git("merge", "-q", "-s", "ours", "--no-edit", "-m", "Takes nothing", "topic")
    out = masked(labelvc(zoo.folder, "trace", "pets/p2#m1")[1])
    assert out.startswith("pets/p2#m1  the cat and the dog\nnow  score 0  rev 1\n")
    assert out[out.index("2. changed") :].split("\n   approval")[0] == snapshot("""\
2. changed  /value/score 0 -> 3
   annotator prs_bbsdthvxnbtclgcpbgqkthtzvcrv
   under     mood@1.1.0
   commit    <commit>  2026-03-01T09:00:00+00:00  Ada: Theirs
   dropped   <commit>  2026-03-01T09:00:00+00:00  Ada Author: Takes nothing
             it kept another side's line; `labelvc audit merges` tells whether somebody decided that\
""")
    items = read(labelvc, zoo, "trace", "pets/p2#m1")["items"]
    assert [item["dropped"] for item in items] == [None, zoo.git("rev-parse", "HEAD")]
    assert items[1]["commit"]["id"] == lost
    assert zoo.git("rev-parse", "HEAD") in labelvc(zoo.folder, "audit", "trace", "pets/p2#m1")[1]


def test_trace_of_what_was_deleted(lived: Zoo, labelvc: Run):
    out = labelvc(lived.folder, "trace", "pets/p2#m1", "--at", "topic~1")[1]
    assert masked(out).splitlines()[:2] == ["pets/p2#m1  the cat and the dog", "now  deleted"]


def test_trace_of_an_item(lived: Zoo, labelvc: Run):
    out = labelvc(lived.folder, "trace", "pets/p2#")[1]
    assert masked(out) == snapshot("""\
pets/p2#  the cat and the dog
now  the cat and the dog

1. added    the cat and the dog
   commit    <commit>  2026-03-01T09:00:00+00:00  Ada: Begin
   approval  none: no policy was in force yet

checks   not told: no file keeps what `check` said; --checks asks again of each version
release  none: there is no releases/ folder
""")


def test_trace_in_json_fits_its_schema(lived: Zoo, labelvc: Run):
    document = read(labelvc, lived, "trace", "pets/p2#m1")
    told = {"checks": "not told", "releases": [], "later": None}
    assert document["summary"] == {"key": "pets/p2#m1", "steps": 4, **told}
    assert [
        (item["kind"], item["commit"]["subject"], item["commit"]["author"]["name"]) for item in document["items"]
    ] == snapshot(
        [
            ("added", "Begin", "Ada"),
            ("changed", "Raise the score", "Ben"),
            ("removed", "Delete", "Cleo"),
            ("added", "Rate again", "Cleo"),
        ]
    )
    assert document["items"][1]["commit"]["coauthors"] == [{"name": "Cleo", "email": "cleo@example.com"}]
    head = lived.git("rev-parse", "HEAD")
    assert [item["integrated"] == head for item in document["items"]] == [False, False, True, True]
    assert document["head"] == "HEAD"
    assert read(labelvc, lived, "trace", "pets/p2#m1", "--at", "HEAD~1")["head"] == "HEAD~1"


def test_blame_names_a_commit_a_field(lived: Zoo, labelvc: Run):
    code, out, err = labelvc(lived.folder, "blame", "pets/p2")
    assert (code, err) == (0, "")
    assert masked(out) == snapshot("""\
pets/p2#m1
  /by           prs_bbdcxtcnrqcglttdbktsccrpwkqd  <commit> 2026-03-01 Cleo: Rate again
  /task         mood                              <commit> 2026-03-01 Cleo: Rate again
  /under        mood@1.1.0                        <commit> 2026-03-01 Cleo: Rate again
  /value/score  -1                                <commit> 2026-03-01 Cleo: Rate again
""")
    assert (
        labelvc(lived.folder, "blame", "pets/p2#") == labelvc(lived.folder, "blame", "pets/p2#m1") == (code, out, err)
    )


def test_blame_in_json_fits_its_schema(lived: Zoo, labelvc: Run):
    document = read(labelvc, lived, "blame", "pets/p1")
    assert document["summary"] == {"records": 9}
    assert {item["commit"]["subject"] for item in document["items"]} == {"Begin"}
    spans = {item["pointer"]: item["value"] for item in document["items"] if item["key"] == "pets/p1#w1"}
    assert spans == {"/task": "words", "/value/label": "cat", "/value/span": [4, 7], "/value/text": "cat"}


def test_blame_in_lines_says_what_json_says(lived: Zoo, labelvc: Run, tmp_path: Path):
    zoo, file = lived, tmp_path / "blame.jsonl"
    odd = {"a/b": {"~": [1.5, "\u2028", None]}, "none": {}}
    zoo.put("pets/p2#m1", {**rating("p2", by="Zoë plain", rev=9), "ext": odd})
    zoo.commit("Ö\tplainly")
    for words in ("pets", "pets/p2", "pets/p1"):
        code, out, _ = labelvc(zoo.folder, "blame", words, "--format", "jsonl")
        assert code == labelvc(zoo.folder, "blame", words, "--format", "jsonl", "-o", str(file))[0] == 0
        assert file.read_text() == out
        items = read(labelvc, zoo, "blame", words)["items"]
        rows = [json.loads(line) for line in out.split("\n")[:-1]]
        assert rows == items
        assert [list(row) for row in rows] == [list(item) for item in items]
    assert "Zoë" not in out


def test_an_item_with_a_mark_in_its_name(zoo: Zoo, labelvc: Run):
    for item in ("a", "a#b"):
        zoo.put(f"pets/{item}#", {"id": item, "natural": {"word": item}})
        zoo.put(f"pets/{item}#m1", rating(item))
    zoo.commit("Marks")
    for words, key in {
        "pets/a": "pets/a#m1",
        "pets/a#": "pets/a#m1",
        "pets/a#b": "pets/a#b#m1",
        "pets/a#b#m1": "pets/a#b#m1",
    }.items():
        assert labelvc(zoo.folder, "blame", words)[1].splitlines()[0] == key, words
    assert labelvc(zoo.folder, "trace", "pets/a#b#m1")[0] == 0


def test_ids_of_four_kilobytes_are_merged_and_told_like_others(zoo: Zoo, labelvc: Run):
    """No id may be that long, and what came in all the same is merged, decided and told in lines that can be read."""
    item, name = "i" * 4096, "\u6f22\u00e9" * 2048
    keys = [f"pets/{item}#m1", f"pets/p1#{name}"]

    def scored(score: int, message: str) -> None:
        for key in keys:
            zoo.change(key, value={"score": score})
        zoo.commit(message)

    zoo.put(f"pets/{item}#", {"id": item, "natural": {"word": "long"}})
    zoo.put(keys[0], rating(item))
    zoo.put(keys[1], rating("p1", 1, BEN, name))
    zoo.commit("Long ids")
    zoo.git("switch", "-qc", "topic")
    scored(3, "Theirs")
    zoo.git("switch", "-q", "main")
    scored(4, "Ours")
    told = [labelvc(zoo.folder, "merge", "topic"), labelvc(zoo.folder, "resolve")]
    assert [code for code, *_ in told] == [1, 1]
    assert labelvc(zoo.folder, "resolve", keys[0], "--theirs")[0] == 1
    assert labelvc(zoo.folder, "resolve", keys[1], "--ours")[0] == 0
    assert labelvc(zoo.folder, "merge", "--continue")[0] == 0
    assert [zoo.row(key)["value"]["score"] for key in keys] == [3, 4]
    for words in (
        *[("trace", key) for key in keys],
        *[("log", key) for key in keys],
        ("blame", f"pets/{item}"),
        ("blame", "pets/p1"),
        ("audit", "merges"),
        ("diff", "HEAD~1"),
    ):
        told.append(labelvc(zoo.folder, *words))
        assert told[-1][0] == 0, (words[0], told[-1][2])
    assert max(len(line) for _, out, err in told for line in (out + err).splitlines()) < 400
    assert [len(read(labelvc, zoo, "trace", key)["items"]) for key in keys] == [4, 4]


def test_into_a_file(lived: Zoo, labelvc: Run, tmp_path: Path):
    for words in (["trace", "pets/p2#m1"], ["blame", "pets/p2", "--format", "json"]):
        printed = labelvc(lived.folder, *words)[1]
        assert labelvc(lived.folder, *words, "-o", str(tmp_path / "out"))[1] == ""
        assert (tmp_path / "out").read_text() == printed
    for words in (["trace", KEY], ["blame", "pets/p2"], ["log", KEY], ["diff", "HEAD~1"], ["check", "--rules"]):
        assert "\x1b[" in labelvc(lived.folder, "--color", "always", *words)[1], words
        assert labelvc(lived.folder, "--color", "always", *words, "-o", str(tmp_path / "out"))[1] == ""
        assert "\x1b" not in (tmp_path / "out").read_text(), words


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["trace", "pets/p2"], "is not a key"),
        (["trace", "pets/p2#m9"], "no commit up to HEAD ever held pets/p2#m9"),
        (["trace", "birds/b#1"], "there is no dataset 'birds'"),
        (["trace", "pets/p2#m1", "--at", "nowhere"], "nowhere"),
        (["blame", "birds"], "there is no dataset 'birds'"),
        (["log", "birds"], "there is no dataset 'birds'"),
        (["log", "pets/nobody"], "no commit up to HEAD ever held pets/nobody"),
        (["log", "pets/p2#m9"], "no commit up to HEAD ever held pets/p2#m9"),
        (["log", "--under", "mood"], "is no guideline@version"),
        (["log", "--annotator", "Somebody Private"], "the annotator is no pseudonym"),
        (["log", "--at", "nowhere..HEAD"], "nowhere"),
        (["blame", "pets/nobody"], "pets/nobody has no records at HEAD"),
        (["blame", "birds/b"], "there is no dataset 'birds'"),
    ],
)
def test_what_cannot_be_told(lived: Zoo, labelvc: Run, words: list[str], said: str):
    code, out, err = labelvc(lived.folder, *words)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_odd_items_do_not_stop_a_trace(zoo: Zoo, labelvc: Run):
    zoo.change("pictures/b.jpg#", media="b.jpg")
    zoo.commit("Media as text")
    assert labelvc(zoo.folder, "trace", "pictures/b.jpg#x1")[0] == 0
    assert labelvc(zoo.folder, "trace", "pictures/b.jpg#")[0] == 0


# ---------------------------------------------------------------- clones that lack a part of history
@pytest.fixture
def shallow(zoo: Zoo, labelvc: Run) -> tuple[Zoo, str]:
    """Return a clone that was cut off at the last of three commits but two, and what `log` says of those two elsewhere."""
    zoo.change(KEY, value={"score": 3})
    zoo.commit("Three")
    zoo.git("tag", "three")
    for number, score in enumerate((4, 5)):
        zoo.change(KEY, value={"score": score})
        zoo.put(f"pets/p3#x{number}", rating("p3", 1, BEN, name=f"x{number}"))
        zoo.commit(f"Score {score}")
    clone = Zoo(zoo.folder.parent / "shallow")
    zoo.git("clone", "-q", "--depth", "3", f"file://{zoo.folder}", str(clone.folder))
    return clone, labelvc(zoo.folder, "log", KEY, "--at", "three..HEAD")[1]


def test_log_of_a_span_that_a_shallow_clone_holds_whole(shallow: tuple[Zoo, str], labelvc: Run):
    clone, told = shallow
    assert told.count("Score ") == 2
    assert labelvc(clone.folder, "log", KEY, "--at", "HEAD~2..HEAD") == (0, told, "")
    code, out, err = labelvc(clone.folder, "log", "pets", "--at", "HEAD~2..HEAD", "--format", "jsonl")
    assert (code, [json.loads(line)["records"] for line in out.splitlines()], err) == (
        0,
        [{"added": 1, "changed": 1}] * 2,
        "",
    )
    assert labelvc(clone.folder, "log", "pets/p1#m1", "--at", "HEAD~2..HEAD")[:2] == (0, "")


@pytest.mark.parametrize(
    "words",
    [[], [KEY], ["--at", "HEAD~2"], [KEY, "--at", "HEAD~2"], ["pets/p9#m1", "--at", "HEAD~2..HEAD"]],
)
def test_log_beyond_what_a_shallow_clone_holds_cannot_tell(shallow: tuple[Zoo, str], labelvc: Run, words: list[str]):
    code, _, err = labelvc(shallow[0].folder, "log", *words)
    assert (code, "cut off in this shallow clone" in err, "git fetch --unshallow" in err) == (2, True, True)


# ---------------------------------------------------------------- long work
@pytest.mark.parametrize(
    ("words", "shown"), [(["diff", "HEAD~1..HEAD"], "comparing records"), (["log", "pets"], "reading history")]
)
def test_long_work_draws_a_bar_on_a_terminal_that_does_not_show_the_answer(zoo: Zoo, words: list[str], shown: str):
    zoo.change(KEY, value={"score": 3})
    zoo.commit("Three")
    code = (
        "import sys\n"
        "from labelvc.cli import bar, main\n"
        "bar.PATIENCE = 0\n"
        f"sys.argv = {['labelvc', *words, '--format', 'jsonl']!r}\n"
        "sys.exit(main.main())\n"
    )
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=zoo.folder, stdout=subprocess.PIPE, stderr=theirs, check=True
        )
        said = os.read(ours, 1 << 16).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert shown in said
    assert [json.loads(line) for line in done.stdout.splitlines()]
