"""`import`, `export` and `format` as people and programs meet them: words, exit codes, and no trace of what failed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from inline_snapshot import snapshot

from labelvc.cli import bar, context
from labelvc.codec import schema
from tests.oracles import vader_counts
from tests.zoo import PLAIN, Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
IN_FORM = "everything is in form already; after a `git revert`, --since REV counts rev from before it\n"
LONG = ("--dataset", "pets", "--task", "mood", "--item", "word", "--key", "word", "--by", "who", "--value", "score")


@pytest.fixture
def ready(zoo: Zoo) -> Zoo:
    """Return the zoo on a machine that can make pseudonyms, and a source beside it."""
    zoo.begin_pseudonyms()
    zoo.commit("Pseudonyms")
    (zoo.folder.parent / "in.csv").write_text(f"word,who,score\nhello,{PLAIN},1\nbye,Ben Bee,-2\n")
    return zoo


def test_import_says_what_it_did(ready: Zoo, labelvc: Run):
    assert labelvc(ready.folder, "import", "csv", "../in.csv", *LONG) == snapshot(
        (
            0,
            """\
read 2 items, 2 records of in.csv
wrote 4 shards: records: 0 changed, 2 added, 0 removed in 2 items; items: 2 added
""",
            "next: labelvc check --all, then git add --all && git commit\n",
        )
    )
    assert labelvc(ready.folder, "check", "--all")[0] == 0
    assert labelvc(ready.folder, "import", "csv", "../in.csv", *LONG)[:2] == snapshot(
        (
            0,
            """\
read 2 items, 2 records of in.csv
wrote 0 shards: records: 0 changed, 0 added, 0 removed in 0 items
""",
        )
    )


def test_a_dry_run_shows_and_writes_nothing(ready: Zoo, labelvc: Run):
    code, out, err = labelvc(ready.folder, "import", "csv", "../in.csv", *LONG, "--dry-run")
    assert (code, err) == (0, "")
    assert re.sub(r"mood\.a[a-z]{10}", "mood.a...", out) == snapshot("""\
+ pets/bye#  bye
+ pets/hello#  hello
+ pets/bye#mood.a...  score -2
+ pets/hello#mood.a...  score 1
read 2 items, 2 records of in.csv
would write 4 shards: records: 0 changed, 2 added, 0 removed in 2 items; items: 2 added
""")
    assert PLAIN not in out
    assert ready.git("status", "--porcelain") == ""


def test_a_long_dry_run_shows_the_first(ready: Zoo, labelvc: Run):
    (ready.folder.parent / "in.csv").write_text(
        "word,who,score\n" + "".join(f"w{number},Ben,1\n" for number in range(100, 140))
    )
    out = labelvc(ready.folder, "import", "csv", "../in.csv", *LONG, "--dry-run")[1]
    assert len(out.splitlines()) == 13
    assert "  ... and 70 more\n" in out


def test_import_in_json_fits_the_schema_of_diff(ready: Zoo, labelvc: Run):
    code, out, _ = labelvc(ready.folder, "import", "csv", "../in.csv", *LONG, "--format", "json")
    document: dict[str, Any] = json.loads(out)
    jsonschema.Draft202012Validator(schema.schema("diff")).validate(document)
    assert code == 0
    assert PLAIN not in out
    assert document["summary"]["read"] == {"items": 2, "annotations": 2}
    assert [item["kind"] for item in document["items"]] == ["added"] * 4
    assert document["head"] == "in.csv"


def test_replace_says_what_went(ready: Zoo, labelvc: Run):
    assert labelvc(ready.folder, "import", "csv", "../in.csv", *LONG, "--mode", "replace")[1].splitlines()[
        -1
    ] == snapshot("wrote 7 shards: records: 0 changed, 2 added, 9 removed in 10 items; items: 2 added, 7 removed")


def test_the_words_that_occur_twice_in_real_ratings(ready: Zoo, labelvc: Run):
    """Fourteen words of the lexicon stand in it twice: both are kept, under one natural key, and shown."""
    expected = vader_counts.count(vader_counts.lexicon())["twice"]
    rows = [line for line in vader_counts.lexicon().read_text().splitlines() if line.split("\t")[0] in expected]
    (ready.folder.parent / "in.txt").write_text("\n".join(rows) + "\n")
    code, out, _ = labelvc(
        ready.folder,
        "import",
        "csv",
        "../in.txt",
        "-D",
        "pets",
        "--task",
        "mood",
        "--layout",
        "wide",
        "--item",
        "1",
        "--value",
        "4",
        "--key",
        "word=1",
    )
    assert code == 0
    assert "read 28 items, 280 records of in.txt" in out
    code, out, _ = labelvc(ready.folder, "check", "--all", "--fail-on", "warning")
    assert (code, out.count("item.duplicate")) == (1, 14)
    ready.commit("In")
    assert labelvc(ready.folder, "check", "--fail-on", "note")[0] == 0


# ---------------------------------------------------------------- what cannot be done leaves no trace
def test_without_the_secret(ready: Zoo, labelvc: Run):
    for path in (ready.at.common / "labelvc" / "keyring").iterdir():
        path.unlink()
    code, out, err = labelvc(ready.folder, "import", "csv", "../in.csv", *LONG)
    assert (code, out) == (2, "")
    assert PLAIN not in err
    assert "next: copy b.key from .git/labelvc/keyring/ of a clone that imports already" in err
    assert ready.git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("csv", "../none.csv", *LONG), "does not exist"),
        (("xml", "../in.csv", *LONG), "xml"),
        (("csv", "../in.csv", "--dataset", "birds"), "there is no dataset 'birds'"),
        (("csv", "../in.csv", "--dataset", "pets"), "--task with one of"),
        (("csv", "../in.csv", *LONG[:-1], "points"), "points"),
        (("jsonl", "../in.csv", *LONG[:4]), "in.csv:1"),
    ],
)
def test_what_cannot_be_read(ready: Zoo, labelvc: Run, words: tuple[str, ...], said: str):
    code, out, err = labelvc(ready.folder, "import", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert PLAIN not in err
    assert ready.git("status", "--porcelain") == ""


FULL = """
import resource, sys
from labelvc.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
sys.exit(main.run(sys.argv[1:]))
"""


@pytest.mark.parametrize("rows", [4000])
def test_a_full_disk_leaves_everything_as_it_was(ready: Zoo, rows: int):
    """Files may not grow beyond 60 KB here, which some of the new shards would."""
    lines = "".join(f"word number {number},Ben,1\n" for number in range(rows))
    (ready.folder.parent / "in.csv").write_text("word,who,score\n" + lines)
    before = {
        path: path.read_bytes() for path in ready.folder.rglob("*") if path.is_file() and ".git" not in path.parts
    }
    words = [sys.executable, "-c", FULL, "--jobs", "1", "import", "csv", "../in.csv", *LONG]
    done = subprocess.run(words, cwd=ready.folder, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert "could not write: File too large" in done.stderr
    assert "free some space" in done.stderr
    assert {
        path: path.read_bytes() for path in ready.folder.rglob("*") if path.is_file() and ".git" not in path.parts
    } == before
    assert ready.git("status", "--porcelain") == ""


def test_nothing_new_is_said_to_be_nothing(ready: Zoo, labelvc: Run):
    labelvc(ready.folder, "import", "csv", "../in.csv", *LONG)
    assert labelvc(ready.folder, "import", "csv", "../in.csv", *LONG)[2] == "all of it is there already\n"


def test_items_that_nothing_names_are_told(ready: Zoo, labelvc: Run):
    (ready.folder.parent / "in.csv").write_text("word,Ann,Ben\nhello,1,2\nhello,2,3\n")
    words = ("import", "csv", "../in.csv", "-D", "pets", "--task", "mood", "--layout", "wide", "--item", "word")
    code, out, _ = labelvc(ready.folder, *words)
    assert (code, out.splitlines()[1:-1]) == snapshot(
        (
            0,
            [
                "note: nothing names 2 items, or they share a name, so they are called by their line (source-2 ...): a line inserted in the source renames those below. --key COL, or a sent_id in CoNLL-U, prevents it"
            ],
        )
    )


def test_a_column_that_holds_no_answers_is_told_with_the_cure(ready: Zoo, labelvc: Run):
    (ready.folder.parent / "in.csv").write_text("word,remark,Ben\nhello,nice,2\n")
    words = ("import", "csv", "../in.csv", "-D", "pets", "--task", "mood", "--layout", "wide", "--item", "word")
    code, _, err = labelvc(ready.folder, *words)
    assert code == 2
    assert "if 'remark' holds no answers, name the columns that do: --value COL,COL" in err


# ---------------------------------------------------------------- export and format
def test_export_and_import_again_changes_nothing(ready: Zoo, labelvc: Run, tmp_path: Path):
    target = str(tmp_path / "out.jsonl")
    assert labelvc(ready.folder, "export", "jsonl", "-D", "pets", "--task", "mood", "-o", target)[:2] == (0, "")
    code, out, _ = labelvc(ready.folder, "import", "jsonl", target, "-D", "pets", "--task", "mood", "--mode", "replace")
    assert (code, ready.git("status", "--porcelain")) == (0, "")
    assert out.splitlines()[-1] == snapshot("wrote 0 shards: records: 0 changed, 0 added, 0 removed in 0 items")


def test_export_of_a_revision(ready: Zoo, labelvc: Run, tmp_path: Path):
    ready.bury("pets/p2#m1")
    for words, number in (([], "8 records"), (["--at", "HEAD"], "9 records")):
        _, _, err = labelvc(
            ready.folder, "export", "csv", "-D", "pets", "--task", "mood", "-o", str(tmp_path / "out.csv"), *words
        )
        assert number in err
    assert (
        labelvc(
            ready.folder, "export", "csv", "-D", "pets", "--task", "mood", "--at", "nowhere", "-o", str(tmp_path / "x")
        )[0]
        == 2
    )
    assert not (tmp_path / "x").exists()


def test_format_says_what_it_did(zoo: Zoo, labelvc: Run):
    assert labelvc(zoo.folder, "format") == snapshot((0, "", IN_FORM))
    zoo.respell("pets/p2#m1", '"score":0', '"score": 3')
    assert labelvc(zoo.folder, "format") == snapshot((0, "", "pets: 1 shard rewritten, 1 line brought into form\n"))
    zoo.respell("pets/p2#m1", '"rev":2', '"rev":')
    code, out, err = labelvc(zoo.folder, "format")
    assert (code, out) == (2, "")
    assert f"{zoo.shard('pets/p2#m1')}:{zoo.line('pets/p2#m1')}" in err


def test_format_of_what_is_staged(zoo: Zoo, labelvc: Run):
    zoo.change("pets/p2#m1", value={"score": 3}, bump=0)
    zoo.git("add", "--all")
    assert labelvc(zoo.folder, "check", "--staged")[0] == 1
    assert labelvc(zoo.folder, "format", "--staged")[0] == 0
    assert labelvc(zoo.folder, "check", "--staged")[0] == 0
    assert zoo.git("diff", "--name-only") == ""


def test_format_behind_a_pointer(zoo: Zoo, labelvc: Run):
    zoo.store_in_dvc()
    zoo.commit("Store in DVC")
    zoo.change("pets/p2#m1", value={"score": 3})
    assert labelvc(zoo.folder, "format") == snapshot((0, "", "pets: stored with DVC, pointer staged\n"))
    assert labelvc(zoo.folder, "format") == (0, "", IN_FORM)


# ---------------------------------------------------------------- help
@pytest.mark.parametrize("verb", ["import", "export"])
def test_each_option_is_told_for_the_command_it_belongs_to(zoo: Zoo, labelvc: Run, verb: str):
    code, out, _ = labelvc(zoo.folder, verb, "--help")
    assert code == 0
    assert ("export" in out, "import" in out) == (verb == "export", verb == "import")
    assert ("--key" in out) == (verb == "import")
    assert {name: name in out for name in ("csv", "jsonl", "conllu", "voc")} == dict.fromkeys(
        ("csv", "jsonl", "conllu", "voc"), True
    )


def test_what_export_does_not_use_it_does_not_take(zoo: Zoo, labelvc: Run):
    code, _, err = labelvc(zoo.folder, "export", "csv", "-D", "pets", "--key", "word", "-o", "../out.csv")
    assert code == 2
    assert "no such option" in err.lower()


def test_long_work_says_how_far_it_is(ready: Zoo, labelvc: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """On a terminal, what is done is counted against how much there is."""
    resolved = context.settings_from
    monkeypatch.setattr(context, "settings_from", lambda *given: resolved(*given)._replace(progress=True))
    monkeypatch.setattr(bar, "PATIENCE", 0)
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    for words, told in (
        (("export", "csv", "--dataset", "pets", "--task", "mood", "-o", str(tmp_path / "o.csv")), "8/8"),
        (("format",), "5/5"),
        (("blame", "pets", "-o", str(tmp_path / "blame.txt")), "2/2"),
    ):
        code, _, err = labelvc(ready.folder, *words)
        assert (code, told in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", err)) == (0, True), err
