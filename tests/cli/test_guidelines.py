"""guideline and taxonomy: list, publish, impact and render as a user meets them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from labelvc.codec import document, schema

PLAIN = """\
# How we judge
schema: urn:labelvc:schema:guideline:1
name: sentiment   # as the file
version: 1.0.0
title: How it feels
status: draft

labels:
  "-4":
    definition: Says it is very bad.
  "0":
    definition: Says nothing of it.
    examples:
      - {text: it is a table, label: "0"}
  "4":
    definition: Says it is very good.   # the best there is
"""
COLUMNS = ("--dataset", "ratings", "--item", "text", "--value", "score", "--by", "who", "--key", "id")


@pytest.fixture
def labels(repo, labelvc, git, tmp_path) -> Path:
    """Return a project with a guideline, published and committed, and nine ratings made under it."""
    assert labelvc(repo, "init", "--template", "rating")[0] == 0
    (repo / "guidelines/sentiment.yaml").write_text(PLAIN)
    assert labelvc(repo, "guideline", "publish", "sentiment", "--status", "active")[0] == 0
    bring(repo, labelvc, tmp_path, {f"w{at}": at - 4 for at in range(9)})
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "start")
    return repo


def bring(repo: Path, labelvc, folder: Path, scores: dict[str, int]) -> str:
    rows = "".join([f"{name},word {name},{score},ada\n" for name, score in scores.items()])
    (folder / "in.csv").write_text(f"id,text,score,who\n{rows}")
    code, out, err = labelvc(repo, "import", "csv", str(folder / "in.csv"), *COLUMNS, "--mode", "replace")
    assert code == 0, err
    return out + err


def edit(repo: Path, old: str, new: str) -> None:
    path = repo / "guidelines/sentiment.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def valid(noun: str, text: str) -> dict:
    told = json.loads(text)
    assert schema.problems(noun, told) == []
    return told


def published(repo: Path) -> list[str]:
    lines = (repo / "guidelines/sentiment.versions.jsonl").read_text().splitlines()
    return [json.loads(line)["version"] for line in lines]


def test_the_first_publication_takes_the_version_of_the_document(labels, labelvc):
    text = (labels / "guidelines/sentiment.yaml").read_text()
    assert text == PLAIN.replace("status: draft", "status: active")
    (line,) = map(json.loads, (labels / "guidelines/sentiment.versions.jsonl").read_text().splitlines())
    assert line == {"digest": document.digest(document.read(text.encode())), "taxonomy": None, "version": "1.0.0"}
    assert labelvc(labels, "check", "--all")[0] == 0
    assert labelvc(labels, "guideline", "list")[:2] == (
        0,
        snapshot("sentiment  1.0.0    active      3 labels  published as 1.0.0\n"),
    )
    assert labelvc(labels, "guideline", "publish", "sentiment") == (
        0,
        snapshot("sentiment 1.0.0 is published and says the same\n"),
        "",
    )


def test_a_change_of_meaning_takes_a_major_version_and_keeps_the_layout(labels, labelvc):
    edit(labels, "very good.", "very good, or the best.")
    edit(labels, "title: How it feels", "title: How it feels to them")
    code, out, err = labelvc(labels, "guideline", "publish", "sentiment", "--dry-run")
    assert (code, out, err) == (
        0,
        snapshot("""\
sentiment 2.0.0 would be published after 1.0.0: changes the meaning (major)
  ~ meaning    label 4 definition Says it is very good. -> Says it is very good, or the best.
  ~ editorial  /title How it feels -> How it feels to them
what it means now may be decided otherwise: 4
"""),
        "nothing was written (--dry-run)\n",
    )
    assert published(labels) == ["1.0.0"]
    code, out, err = labelvc(labels, "guideline", "publish", "sentiment", "--format", "json")
    told = valid("publication", out)
    assert told["summary"] == snapshot(
        {
            "noun": "guideline",
            "name": "sentiment",
            "path": "guidelines/sentiment.yaml",
            "before": "1.0.0",
            "version": "2.0.0",
            "status": "active",
            "weight": "meaning",
            "grows": "major",
            "affected": ["4"],
            "written": True,
            "takes": [],
        }
    )
    text = (labels / "guidelines/sentiment.yaml").read_text()
    assert "version: 2.0.0" in text
    assert "# the best there is" in text
    assert "name: sentiment   # as the file" in text
    assert published(labels) == ["1.0.0", "2.0.0"]
    assert labelvc(labels, "check", "--all")[0] == 0


@pytest.mark.parametrize(
    ("raised", "words", "version"),
    [
        ("", (), "1.1.0"),
        ("1.1.0", (), "1.1.0"),
        ("1.5.0", (), "1.5.0"),
        ("", ("--version", "2.0.0"), "2.0.0"),
        ("", ("--version", "1.1.0-rc.1"), "1.1.0-rc.1"),
    ],
)
def test_a_larger_step_is_the_authors_to_take(labels, labelvc, raised, words, version):
    edit(labels, '- {text: it is a table, label: "0"}', '- {text: it is a table, label: "0"}\n      - it is a chair')
    if raised:
        edit(labels, "version: 1.0.0", f"version: {raised}")
    assert labelvc(labels, "guideline", "publish", "sentiment", *words)[0] == 0
    assert published(labels) == ["1.0.0", version]
    assert labelvc(labels, "check", "--all")[0] == 0


@pytest.mark.parametrize(
    ("change", "version", "said"),
    [
        (
            ("very good.", "good."),
            "1.1.0",
            snapshot("""\
error: 1.1.0 is too small a step from 1.0.0: /labels/4/definition changed changes the meaning, so it is 2.0.0 at least
  where: guidelines/sentiment.yaml
  next: labelvc guideline publish sentiment --version 2.0.0
"""),
        ),
        (
            ("it is a table", "it is a chair"),
            "1.0.1",
            snapshot("""\
error: 1.0.1 is too small a step from 1.0.0: /labels/0/examples/0 was changed, so it is 1.1.0 at least
  where: guidelines/sentiment.yaml
  next: labelvc guideline publish sentiment --version 1.1.0
"""),
        ),
        (
            ("title: How it feels", "title: How"),
            "1.0.0",
            snapshot("""\
error: version 1.0.0 is published and never changes
  where: guidelines/sentiment.yaml
  next: labelvc guideline publish sentiment --version 1.0.1
"""),
        ),
        (
            ("title: How it feels", "title: How"),
            "0.9.0",
            snapshot("""\
error: version 0.9.0 comes before 1.0.0, which is published
  where: guidelines/sentiment.yaml
  next: labelvc guideline publish sentiment --version 1.0.1
"""),
        ),
    ],
)
def test_a_smaller_step_is_refused(labels, labelvc, change, version, said):
    edit(labels, *change)
    before = (labels / "guidelines/sentiment.yaml").read_bytes()
    code, out, err = labelvc(labels, "guideline", "publish", "sentiment", "--version", version)
    assert (code, out) == (1, "")
    assert err == said
    edit(labels, "version: 1.0.0", f"version: {version}")
    if version != "1.0.0":
        assert labelvc(labels, "guideline", "publish", "sentiment")[0] == 1
    assert (labels / "guidelines/sentiment.yaml").read_bytes() == before.replace(
        b"version: 1.0.0", f"version: {version}".encode()
    )
    assert published(labels) == ["1.0.0"]


def test_what_was_committed_and_never_published_is_published_before_what_follows_it(repo, labelvc, git, tmp_path):
    """Otherwise the text that records were made under would be replaced by another one of the same number."""
    assert labelvc(repo, "init", "--template", "rating")[0] == 0
    (repo / "guidelines/sentiment.yaml").write_text(PLAIN)
    bring(repo, labelvc, tmp_path, {"w1": 4, "w2": -4})
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "start")
    edit(repo, "very good.", "good.")
    edit(repo, "status: draft", "status: pilot")
    code, out, _ = labelvc(repo, "guideline", "publish", "sentiment")
    assert (code, out.splitlines()[0]) == (0, "sentiment 2.0.0 is published after 1.0.0: changes the meaning (major)")
    assert published(repo) == ["1.0.0", "2.0.0"]
    assert labelvc(repo, "check", "--all")[0] == 0
    assert labelvc(repo, "guideline", "impact", "sentiment")[1].startswith("1 record made under another meaning")
    git(repo, "checkout", "-q", ".")
    assert (repo / "guidelines/sentiment.versions.jsonl").exists()
    (repo / "guidelines/sentiment.versions.jsonl").unlink()
    assert labelvc(repo, "guideline", "publish", "sentiment", "--status", "active")[0] == 0
    assert published(repo) == ["1.0.0"]


@pytest.mark.parametrize("version", ["two", "1.0", "01.0.0", "1.0.0-", "v1.0.0", "1.0.0+build"])
def test_what_is_no_version_is_refused(labels, labelvc, version):
    code, _, err = labelvc(labels, "guideline", "publish", "sentiment", "--version", version)
    assert code == 2
    assert "is no version; write 1.2.0" in err


def test_a_published_version_edited_in_place_is_a_finding_until_it_is_published_anew(labels, labelvc):
    edit(labels, "very good.", "good.")
    code, out, _ = labelvc(labels, "check", "--all")
    assert code == 1
    assert "document.version" in out
    assert labelvc(labels, "guideline", "publish", "sentiment")[0] == 0
    assert labelvc(labels, "check", "--all")[0] == 0


@pytest.mark.parametrize(
    ("two", "said"),
    [
        ("guideline: sentiment\n{0}guideline: other", "the key 'guideline' occurs twice in one mapping"),
        ("guideline: [sentiment, other]", "must be text"),
    ],
)
def test_two_guidelines_of_one_task_are_a_finding_at_their_line(labels, labelvc, two, said):
    path = labels / "labelvc.yaml"
    text = path.read_text()
    line = next(row for row in text.splitlines() if row.lstrip().startswith("guideline: sentiment"))
    indent = line[: len(line) - len(line.lstrip())]
    path.write_text(text.replace(line, indent + two.format(indent)))
    code, out, _ = labelvc(labels, "check", "--all")
    assert (code, said in out, "next: mend labelvc.yaml:" in out) == (1, True, True), out


def test_a_version_that_goes_back_is_a_finding_and_is_not_published(labels, labelvc):
    path = labels / "guidelines/sentiment.yaml"
    before = path.read_text().replace("version: 1.0.0", "version: 0.9.0")
    path.write_text(before)
    code, out, _ = labelvc(labels, "check", "--all")
    assert (code, "version 0.9.0 comes before 1.0.0, which is published" in out) == (1, True), out
    code, out, err = labelvc(labels, "guideline", "publish", "sentiment", "--version", "0.8.0")
    assert (code, out, path.read_text()) == (1, "", before)  # refused, as an approval by its author is
    assert "next: labelvc guideline publish sentiment --version" in err


def test_a_text_that_no_commit_has_is_told(labels, labelvc):
    edit(labels, "very good.", "good.")
    assert labelvc(labels, "guideline", "publish", "sentiment")[0] == 0
    edit(labels, "very bad.", "bad.")
    code, out, err = labelvc(labels, "guideline", "publish", "sentiment")
    assert (code, out) == (2, "")
    assert err == snapshot("""\
error: what version 2.0.0 said is in no commit here
  where: guidelines/sentiment.yaml
  next: git fetch --unshallow, if the clone is shallow; or git commit what was published
""")


def test_a_document_that_is_wrong_is_not_published(labels, labelvc):
    edit(labels, "definition: Says it is very bad.", "defintion: Says it is very bad.")
    code, out, err = labelvc(labels, "guideline", "publish", "sentiment")
    assert (code, out) == (2, "")
    assert "guidelines/sentiment.yaml:10" in err
    assert labelvc(labels, "guideline", "publish", "moods")[2] == snapshot("""\
error: there is no guideline 'moods'
  where: guidelines/moods.yaml
  next: choose one of: sentiment
""")
    assert labelvc(labels, "taxonomy", "publish", "moods")[0] == 2


def test_impact_lists_what_was_decided_under_another_meaning(labels, labelvc, git, tmp_path):
    edit(labels, "very good.", "very good, or the best.")
    assert labelvc(labels, "guideline", "publish", "sentiment")[0] == 0
    git(labels, "add", "--all")
    git(labels, "commit", "-qm", "Other meaning")
    code, out, _ = labelvc(labels, "guideline", "impact", "sentiment")
    assert code == 0
    assert re.sub("#[a-z]+", "#id", out.replace(who(labels), "prs_x".ljust(32))) == snapshot("""\
1 record made under another meaning than that of sentiment 2.0.0
  since 1.0.0: 4

label                                open     done
4                                       1        0

annotator                            open     done
prs_x                                   1        0

~ ratings/w8#id  4  1.0.0
""")
    said = bring(labels, labelvc, tmp_path, {**{f"w{at}": at - 4 for at in range(8)}, "w8": 3})
    assert "records: 1 changed, 0 added, 0 removed" in said
    code, out, _ = labelvc(labels, "guideline", "impact", "sentiment", "--since", "HEAD", "--format", "json")
    told = valid("guideline-impact", out)
    assert (told["summary"]["open"], told["summary"]["done"]) == (0, 1)
    (item,) = told["items"]
    assert item["key"].startswith("ratings/w8#")
    assert {name: item[name] for name in ("state", "under", "labels", "now")} == {
        "state": "done",
        "under": "sentiment@1.0.0",
        "labels": ["4"],
        "now": ["3"],
    }
    rows = labelvc(labels, "guideline", "impact", "sentiment", "--at", "HEAD", "--format", "jsonl")[1].splitlines()
    assert [json.loads(row)["state"] for row in rows] == ["open"]


def test_impact_of_a_rule_for_all_is_everybodys(labels, labelvc):
    edit(labels, "\nlabels:", "ambiguity: Take the lower one.\n\nlabels:")
    assert labelvc(labels, "guideline", "publish", "sentiment")[1].startswith("sentiment 1.1.0 is published")
    edit(labels, "Take the lower one.", "Take the higher one.")
    code, _, err = labelvc(labels, "guideline", "impact", "sentiment")
    assert (code, err.splitlines()[0]) == (
        2,
        "error: /version version 1.1.0 was published with other content; give the change a new version",
    )


def test_impact_is_nothing_where_words_alone_changed(labels, labelvc):
    edit(labels, "title: How it feels", "title: How")
    assert labelvc(labels, "guideline", "publish", "sentiment")[0] == 0
    assert labelvc(labels, "guideline", "impact", "sentiment")[:2] == (
        0,
        snapshot("no record was made under another meaning than that of sentiment 1.0.1\n"),
    )
    assert labelvc(labels, "guideline", "impact", "moods")[0] == 2


def test_a_record_that_says_the_same_keeps_its_version_and_one_that_names_another_takes_it(
    labels, labelvc, git, tmp_path
):
    """A source without versions cannot know that anybody looked again; labelvc's own lines do."""
    edit(labels, "very good.", "very good, or the best.")
    assert labelvc(labels, "guideline", "publish", "sentiment")[0] == 0
    same = bring(labels, labelvc, tmp_path, {f"w{at}": at - 4 for at in range(9)})
    assert "records: 0 changed" in same
    rows = tmp_path / "own.jsonl"
    assert labelvc(labels, "export", "jsonl", "--dataset", "ratings", "-o", str(rows))[0] == 0
    rows.write_text(rows.read_text().replace("sentiment@1.0.0", "sentiment@2.0.0"))
    code, out, err = labelvc(labels, "import", "jsonl", str(rows), "--dataset", "ratings")
    assert code == 0, err
    assert "9 changed" in out + err
    assert "no record" in labelvc(labels, "guideline", "impact", "sentiment")[1]


def test_render_marks_what_changed_and_that_it_is_no_published_text(labels, labelvc, tmp_path):
    edit(labels, "very good.", "very good, or <b>the best</b>.")
    code, out, _ = labelvc(labels, "guideline", "render", "sentiment", "--against", "1.0.0")
    assert code == 0
    assert out == snapshot("""\
# How it feels

`sentiment@1.0.0`, active, with changes that are not published

## What changed since 1.0.0

**Decide otherwise**

- 4 definition: Says it is very good**, or \\<b\\>the best\\</b\\>**.

## `-4`

Says it is very bad.

## `0`

Says nothing of it.

**Examples**

- ✓ it is a table → `0`

## `4` (decide otherwise)

Says it is very good, or \\<b\\>the best\\</b\\>.
""")
    page = tmp_path / "page.html"
    assert labelvc(labels, "guideline", "render", "sentiment", "--format", "html", "-o", str(page))[0] == 0
    html = page.read_text()
    assert "default-src 'none'" in html
    assert "&lt;b&gt;the best&lt;/b&gt;" in html
    assert "<b>" not in html
    assert "<script" not in html
    assert "http" not in html.replace("http-equiv", "")


def test_a_taxonomy_is_published_the_same_way(repo, labelvc, git):
    assert labelvc(repo, "init", "--template", "classification")[0] == 0
    (path,) = (repo / "taxonomies").glob("*.yaml")
    assert labelvc(repo, "taxonomy", "publish", path.stem)[0] == 0
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "start")
    path.write_bytes(document.edit(path.read_bytes(), {("labels", "-"): {"id": "spam", "name": "spam"}}))
    code, out, _ = labelvc(repo, "taxonomy", "list", "--format", "json")
    assert code == 0
    (row,) = valid("versions-list", out)["items"]
    assert (row["weight"], row["least"]) == ("clarifying", "1.1.0")
    assert labelvc(repo, "taxonomy", "publish", path.stem)[0] == 0
    assert b"version: 1.1.0" in path.read_bytes()
    assert labelvc(repo, "check", "--all")[0] == 0


def who(repo: Path) -> str:
    """Return the token of the only annotator."""
    for path in (repo / "datasets/ratings/annotations").rglob("*.jsonl"):
        for line in path.read_text().splitlines():
            return json.loads(line)["by"]
    raise AssertionError


def test_what_a_rule_comes_from_is_words_only_and_stands_on_the_pages(labels, labelvc, tmp_path):
    edit(labels, "status: active", "status: active\nbecause: [https://example.org/thread]")
    edit(
        labels,
        "definition: Says nothing of it.",
        "because: ['ratings/w4#x', decision/0001-nought]\n    definition: Says nothing of it.",
    )
    assert labelvc(labels, "guideline", "publish", "sentiment")[1].startswith(
        "sentiment 1.0.1 is published after 1.0.0: changes words only (patch)"
    )
    code, out, _ = labelvc(labels, "check")
    assert (code, out.count("guideline.because")) == (0, 2)
    written = labelvc(labels, "guideline", "render", "sentiment")[1]
    assert "Comes from `https://example.org/thread`" in written
    assert "*Comes from:* `ratings/w4#x`, `decision/0001-nought`" in written
    shown = labelvc(labels, "guideline", "render", "sentiment", "--format", "html")[1]
    for link in ("https://example.org/thread", "ratings/w4#x", "decision/0001-nought"):
        assert f"<code>{link}</code>" in shown
    assert 'href="http' not in shown
