"""`diff` narrowed, counted, sampled and written as a page: counts agree with an independent one, nothing in a page is live."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from inline_snapshot import snapshot
from markdown_it import MarkdownIt

from labelvc.cli.render import html, text
from labelvc.codec import canonical, document, schema, shard
from labelvc.core import diff
from tests.zoo import ANNA, BEN, Zoo, answer, rating, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
Row = dict[str, Any]
HOSTILE = "<script>alert(1)</script> | <img src=x onerror=y> ![i](http://e.vil) [a](http://e.vil) @octocat #1 `x` ``y`` \\| --> *b* \u202e\x1b[2J\n# h"
PETS = "datasets/pets/dataset.yaml"


@pytest.fixture
def moved(zoo: Zoo) -> Zoo:
    """Return the zoo with a spread of changes between HEAD and the work tree."""
    zoo.write(PETS, document.edit(zoo.read(PETS), {("slices",): ["/natural/word", "/source"], ("group",): "^p"}))
    zoo.write(PETS, document.edit(zoo.read(PETS), {("group",): None}))
    zoo.change("pets/p1#", source="news")
    zoo.commit("Slices")
    zoo.change("pets/p1#k1", value={"label": "dog"})
    zoo.change("pets/p1#s1", value={"labels": ["dodo", "dog"]})
    zoo.put("pets/p2#k2", answer("p2", "k2", "kind", {"label": "dog"}, by=BEN))
    zoo.bury("pets/p1#w1")
    zoo.change("pets/p2#m1", value={"score": 3}, by=BEN)
    zoo.change("pets/p3#m1", at="2026-03-01T09:12:44Z")
    zoo.change("pets/p4#m1", ext={"note": "x"})
    zoo.change("pets/p4#", text="other")
    zoo.replace("labelvc.yaml", "Know the animals", "Know all animals")
    return zoo


def rows(zoo: Zoo, labelvc: Run, *words: str) -> list[Row]:
    code, out, err = labelvc(zoo.folder, "diff", "--format", "jsonl", *words)
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


def keys(zoo: Zoo, labelvc: Run, *words: str) -> list[str]:
    return [row["key"] for row in rows(zoo, labelvc, *words)]


def whole(zoo: Zoo, labelvc: Run, *words: str) -> Row:
    code, out, err = labelvc(zoo.folder, "diff", "--format", "json", *words)
    assert code == 0, err
    found = json.loads(out)
    jsonschema.Draft202012Validator(schema.schema("diff")).validate(found)
    return dict(found)


# ---------------------------------------------------------------- choose
@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("cat->dog", ["pets/p1#k1"]),
        ("Cat -> DOG", ["pets/p1#k1"]),
        ("cat->*", ["pets/p1#k1", "pets/p1#s1", "pets/p1#w1"]),
        ("*->dog", ["pets/p1#k1", "pets/p2#k2"]),
        ("->dog", ["pets/p2#k2"]),
        ("cat->", ["pets/p1#w1"]),
        ("cat->dodo", ["pets/p1#s1"]),
        ("*->3", ["pets/p2#m1"]),
        ("dog->cat", []),
        ("*->*", ["pets/p1#k1", "pets/p1#s1", "pets/p1#w1", "pets/p2#k2", "pets/p2#m1"]),
    ],
)
def test_labels_by_id_and_name(moved: Zoo, labelvc: Run, label: str, found: list[str]):
    assert sorted(keys(moved, labelvc, "--label", label)) == found
    assert whole(moved, labelvc, "--label", label)["summary"]["left_out"] == 9 - len(found)


def test_filters_combine_and_what_they_leave_out_is_counted(moved: Zoo, labelvc: Run):
    assert sorted(keys(moved, labelvc, "--label", "cat->dog", "--label", "->dog")) == ["pets/p1#k1", "pets/p2#k2"]
    assert keys(moved, labelvc, "--label", "*->dog", "--key", "pets/p2") == ["pets/p2#k2"]
    assert labelvc(moved.folder, "diff", "--label", "*->dog", "--key", "pets/p2") == snapshot(
        (
            0,
            "+ pets/p2#k2  label dog\n",
            """\
records: 0 changed, 1 added, 0 removed in 1 item
8 differences left out by --key and --label
""",
        )
    )
    assert labelvc(moved.folder, "diff", "--exit-code", "--label", "dog->cat")[0] == 0
    assert labelvc(moved.folder, "diff", "--exit-code", "--label", "cat->dog")[0] == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--label", "ct->dog"],
        ["--label", "cat"],
        ["--label", "->"],
        ["--key", "pets/nobody"],
        ["--sample", "0"],
        ["--by", "colour"],
        ["--format", "pdf"],
    ],
)
def test_what_cannot_be_asked(moved: Zoo, labelvc: Run, tmp_path: Path, words: list[str]):
    (tmp_path / "out").write_text("as it was")
    code, out, err = labelvc(moved.folder, "diff", *words, "-o", str(tmp_path / "out"))
    assert (code, out) == (2, ""), err
    assert "next: " in err
    assert (tmp_path / "out").read_text() == "as it was"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_who_thinks_of_git_is_told_how_it_is_written(moved: Zoo, labelvc: Run):
    moved.commit("Moved")
    moved.git("tag", "v1", "HEAD~1")
    for words, hint in (
        (("diff", "v1", "HEAD"), "labelvc diff v1..HEAD"),
        (("check", "v1", "a&b"), "labelvc check 'v1..a&b'"),
        (("review", "v1", "HEAD"), "labelvc review v1...HEAD"),
        (("diff", "v1..HEAD", "pets"), "labelvc diff --help"),
        (("diff", "pets"), "labelvc diff --key pets"),
        (("diff", "pets/p1#k1"), "labelvc diff --key 'pets/p1#k1'"),
        (("diff", "labelvc.yaml"), "labelvc diff --key labelvc.yaml"),
        (("diff", "nowhere"), "git fetch --all; git branch --all; git log --oneline"),
    ):
        code, out, err = labelvc(moved.folder, *words)
        assert (code, out, err.splitlines()[-1]) == (2, "", f"  next: {hint}"), err


def test_counts_are_no_stream(moved: Zoo, labelvc: Run):
    for words in (["--stat"], ["--by", "task"]):
        code, _, err = labelvc(moved.folder, "diff", *words, "--format", "jsonl")
        assert (code, "--format json" in err) == (2, True)


def test_a_sample_is_drawn_again_alike(moved: Zoo, labelvc: Run):
    moved.git("add", "--all")
    everything = keys(moved, labelvc)
    drawn = {seed: keys(moved, labelvc, "--sample", "4", "--seed", seed) for seed in "abcdefgh"}
    for seed, found in drawn.items():
        assert [key for key in everything if key in found] == found
        assert keys(moved, labelvc, "--sample", "4", "--seed", seed, "--staged") == found
        assert set(keys(moved, labelvc, "--sample", "2", "--seed", seed)) < set(found)
    assert len(set(map(tuple, drawn.values()))) > 4
    assert keys(moved, labelvc, "--sample", "100") == everything
    assert labelvc(moved.folder, "diff", "--sample", "1", "--key", "pets")[2] == snapshot("""\
records: 4 changed, 1 added, 1 removed, 1 touched in 4 items; items: 1 changed
1 difference left out by --key
a sample of 1 of 8 differences, seed 0
""")
    assert whole(moved, labelvc, "--sample", "1")["summary"]["sample"] == {"of": 9, "seed": "0"}
    moved.commit("Both ways")
    there = keys(moved, labelvc, "HEAD~1..HEAD", "--sample", "4", "--seed", "a")
    assert set(keys(moved, labelvc, "HEAD..HEAD~1", "--sample", "4", "--seed", "a")) == set(there) == set(drawn["a"])


# ---------------------------------------------------------------- count
def test_tables_agree_with_a_count_of_the_lines(moved: Zoo, labelvc: Run):
    records = [row for row in rows(moved, labelvc) if "#" in row["key"] and not row["key"].endswith("#")]

    def side(row: Row) -> Row:
        return row["new"] if row["new"] and not row["new"].get("gone") else row["old"]

    tasks = Counter([(side(row)["task"], row["kind"]) for row in records])
    people = Counter([(side(row).get("by", "(nobody)"), row["kind"]) for row in records])
    words = {f"p{n}": f"w{n}" for n in range(1, 9)}
    slices = Counter([(f"pets /natural/word={words[side(row)['item']]}", row["kind"]) for row in records])
    found = whole(
        moved, labelvc, *[part for name in ("task", "annotator", "slice", "label", "field") for part in ("--by", name)]
    )
    assert found["items"] == []
    tables = found["summary"]["by"]
    for name, counted in (("task", tasks), ("annotator", people)):
        assert {(row, kind): number for row, cells in tables[name].items() for kind, number in cells.items()} == counted
    assert {
        (row, kind): number for row, cells in tables["slice"].items() for kind, number in cells.items() if "word" in row
    } == slices
    assert tables["slice"]["pets /source=news"] == {"changed": 2, "removed": 1}
    assert tables["slice"]["pets /source=(not set)"] == {"added": 1, "changed": 2, "touched": 1}
    assert tables["label"]["cat"] == {"from": 1, "removed": 1}
    assert tables["label"]["dog"] == {"to": 1, "added": 1}
    assert tables["field"]["item /text"] == {"changed": 1}
    assert tables["dataset"] == {
        "pets": {"changed": 4, "added": 1, "removed": 1, "touched": 1, "items": 1},
        "(project)": {"documents": 1},
    }
    assert ANNA in tables["annotator"]


def test_tables_in_words(moved: Zoo, labelvc: Run):
    assert labelvc(moved.folder, "diff", "--by", "label", "--by", "slice")[1] == snapshot("""\
records: 4 changed, 1 added, 1 removed, 1 touched in 4 items; items: 1 changed; documents: 1 changed

dataset    changed    added  removed  touched    items  documents
pets             4        1        1        1        1          -
(project)        -        -        -        -        -          1

label        from       to    added  removed     same
cat             1        -        -        1        -
dog             -        1        1        -        -
0               1        -        -        -        -
1               -        -        -        -        1
2               -        -        -        -        1
3               -        1        -        -        -
cat,dog         1        -        -        -        -
dodo,dog        -        1        -        -        -

slice                   changed    added  removed  touched
pets /source=(not set)        2        1        -        1
pets /natural/word=w1         2        -        1        -
pets /source=news             2        -        1        -
pets /natural/word=w2         1        1        -        -
pets /natural/word=w3         -        -        -        1
pets /natural/word=w4         1        -        -        -

kind: 1 record with another answer
  cat -> dog        1

kinds: 1 record with another answer
  cat,dog -> dodo,dog        1

mood: 1 record with another answer
  0 -> 3        1
""")


def test_a_matrix_of_many_answers_fits_a_terminal(zoo: Zoo, labelvc: Run):
    for number in range(1, 9):
        zoo.change(f"pets/p{number}#m1", value={"score": (number * 3) % 9 - 4})
    out = labelvc(zoo.folder, "diff", "--stat")[1]
    assert max(map(len, out.splitlines())) <= 80
    assert out == snapshot("""\
records: 7 changed, 0 added, 0 removed, 1 touched in 8 items

dataset  changed    added  removed  touched    items  documents
pets           7        -        -        1        -          -

mood: 7 records with another answer (rows are old, columns new)
old     -4     -2     -1      0      1      2
-2       -      -      -      -      -      1
-1       1      -      -      -      -      -
0        -      -      1      -      -      1
1        1      -      -      -      -      1
2        -      -      1      -      -      -
""")


def test_many_labels_are_listed_and_the_rest_counted(zoo: Zoo, labelvc: Run):
    lines = [rating("p1", name=f"z{n}") for n in range(60)]
    for row in lines:
        zoo.put(f"pets/p1#{row['id']}", {**row, "task": "kind", "value": {"label": "an old label that is quite long"}})
    zoo.commit("Many")
    for at, row in enumerate(lines):
        zoo.put(f"pets/p1#{row['id']}", {**row, "rev": 2, "task": "kind", "value": {"label": f"new label {at // 2}"}})
    out = labelvc(zoo.folder, "diff", "--stat")[1]
    assert max(map(len, out.splitlines())) <= 80
    assert "  and 18 more transitions of 36 records\n" in out


def test_long_keys_that_differ_never_look_the_same(zoo: Zoo, labelvc: Run):
    one, two = (f"{'g' * 600}{middle}{'g' * 600}" for middle in "hi")
    for row in (rating(one, name="m1"), rating(one, name="m2"), rating(two, name="m1")):
        zoo.put(f"pets/{row['item']}#{row['id']}", row)
    for form, start in (("text", "+ pets/ggg"), ("markdown", "| added | `pets/ggg")):
        out = labelvc(zoo.folder, "diff", "--format", form)[1]
        keys = [line.removeprefix("| added | ").split("  ")[0] for line in out.splitlines() if line.startswith(start)]
        assert len(set(keys)) == len(keys) == 3
    shown = text.named(f"pets/{one}#m1")
    assert (len(shown), shown[:8], shown[-3:]) == (300, "pets/ggg", "#m1")
    assert text.named("pets/\u202ep1#m1") == "pets/\\u202ep1#m1"


# ---------------------------------------------------------------- pages
@pytest.fixture
def hostile(moved: Zoo) -> Zoo:
    """Return a zoo whose every text tries to become more than text."""
    moved.put("pets/p3#h1", answer("p3", "h1", "note", {"text": HOSTILE}))
    moved.put("pets/p3#h`|<b>1", answer("p3", "h`|<b>1", "kind", {"label": HOSTILE}))
    moved.change("pets/p5#m1", task=HOSTILE, value={"label": "``` `a"})
    moved.change("pets/p6#m1", ext={HOSTILE: HOSTILE})
    moved.write("guidelines/<b>`|.yaml", "a: 1\n")
    moved.write(
        "taxonomies/animals.yaml",
        document.edit(moved.read("taxonomies/animals.yaml"), {("labels", "0", "description"): HOSTILE}),
    )
    moved.replace(
        "labelvc.yaml", "Know all animals", "Know <b onclick=x>all</b> [a](b) animals, every one of them, and more"
    )
    return moved


def test_markdown_shows_and_does_nothing(hostile: Zoo, labelvc: Run):
    code, out, _ = labelvc(hostile.folder, "diff", "--format", "markdown", "--by", "label", "--by", "task")
    assert code == 0
    assert out.startswith("<!-- labelvc:diff:v1 -->\n")
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(out)
    flat = [inner for token in tokens for inner in (token.children or [token])]
    kinds = Counter([token.type for token in flat])
    assert not {"link_open", "image", "html_inline", "strong_open", "fence", "code_block"} & set(kinds)
    assert [token.content.strip() for token in flat if token.type == "html_block"] == [
        "<!-- labelvc:diff:v1 -->",
        "<details><summary>Records and items</summary>",
        "</details>",
    ]
    plain = "".join([token.content for token in flat if token.type == "text"])
    for word in ("script", "octocat", "e.vil", "onclick"):
        assert word not in plain
    assert "\u202e" not in out
    assert "\x1b" not in out
    columns = {
        len(line.replace("\\|", "").split("|"))
        for line in out.split("<details>")[1].splitlines()
        if line.startswith("|")
    }
    assert columns == {5}


class Page(HTMLParser):
    """What a browser would make of a page: tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.names: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_shows_and_does_nothing(hostile: Zoo, labelvc: Run):
    code, out, _ = labelvc(hostile.folder, "diff", "--format", "html", "--by", "label", "--by", "task")
    assert code == 0
    page = Page(out)
    assert not {"script", "img", "link", "iframe", "a", "b onclick", "object", "form"} & set(page.tags)
    assert page.names <= {
        "lang",
        "charset",
        "name",
        "content",
        "http-equiv",
        "class",
        "scope",
        "tabindex",
        "role",
        "aria-label",
        "open",
        "title",
    }
    assert "default-src 'none'" in out
    assert "@import" not in out
    assert "url(" not in out
    assert "<script>alert(1)</script>" in page.text
    assert "\u202e" not in out
    assert "\x1b" not in out
    assert page.tags["h1"] == 1


def test_what_changed_comes_before_what_came_and_went(zoo: Zoo, labelvc: Run):
    zoo.change("pets/p7#m1", value={"score": 1})
    zoo.bury("pets/p6#m1")
    zoo.put("pets/p1#n9", answer("p1", "n9", "note", {"text": "new"}))
    page = labelvc(zoo.folder, "diff", "--format", "html")[1]
    places = [page.index(f"<code>pets/{name}</code>") for name in ("p7#m1", "p6#m1", "p1#n9")]
    assert places == sorted(places)
    assert "Nothing differs" not in page


def test_a_page_on_no_difference_says_so(zoo: Zoo, labelvc: Run):
    assert (
        "<p>Nothing differs: no record, no item and no document.</p>"
        in labelvc(zoo.folder, "diff", "--format", "html")[1]
    )
    zoo.change("pets/p7#m1", value={"score": 1})
    page = labelvc(zoo.folder, "diff", "--format", "html", "--label", "cat->dog")[1]
    assert "<p>Nothing differs in what was asked for: " in page


def matrix(ways: dict[tuple[str, str], int]) -> html.Matrix:
    moves = Counter({diff.Transition("topic", *way): number for way, number in ways.items()})
    (found,) = html.matrices(diff.Summary(Counter(), Counter(), Counter(), 0, moves))
    return found


def test_a_table_that_would_be_mostly_empty_is_a_list():
    near = matrix({(f"{number:02}", f"{number + 1:02}"): number for number in range(1, 41)})
    assert near.sparse
    assert near.ways[0] == ("40", "41", 40, 20)
    assert near.more == (20, sum(range(1, 21)))
    assert not matrix({(str(one), str(two)): 1 for one in range(9) for two in range(9) if one != two}).sparse


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_a_page_of_nothing_and_a_page_of_counts(moved: Zoo, labelvc: Run, form: str):
    code, out, _ = labelvc(moved.folder, "diff", "HEAD..HEAD", "--format", form)
    assert code == 0
    assert "Records and items" not in out
    counts = labelvc(moved.folder, "diff", "--stat", "--format", form)[1]
    assert "p1#k1" not in counts
    assert "cat" in counts
    assert labelvc(moved.folder, "diff", "--format", form)[1] == labelvc(moved.folder, "diff", "--format", form)[1]


def test_a_page_has_a_budget_and_counts_what_it_leaves_out(zoo: Zoo, labelvc: Run):
    lines = [
        canonical.encode_record(answer("z", f"f{n:05}", "note", {"text": f"{n} " + "<|`" * 60})) for n in range(3_000)
    ]
    zoo.write(shard.path("pets", "annotations", shard.place("z", 1)), shard.write(lines))
    labels = [{"id": f"l{n}", "name": f"Label {n}", "description": "|`" * 90} for n in range(500)]
    zoo.write("taxonomies/animals.yaml", document.edit(zoo.read("taxonomies/animals.yaml"), {("labels",): labels}))
    out = labelvc(zoo.folder, "diff", "--format", "markdown", "--by", "label")[1]
    assert 40_000 < len(out) <= 60_000
    records = out.split("<details>")[1]
    listed = sum(line.startswith(("| added", "| removed")) for line in records.splitlines())
    (more,) = [line for line in records.splitlines() if line.startswith("and ")]
    total = len(rows(zoo, labelvc)) - 1
    assert listed + int(more.split()[1].replace(",", "")) == total
    page = labelvc(zoo.folder, "diff", "--format", "html")[1]
    assert len(page) < 1_500_000
    assert f"and {total - 1000:,} more, not shown here" in page


# ---------------------------------------------------------------- documents
def test_documents_are_told_by_what_they_say(zoo: Zoo, labelvc: Run):
    path = "guidelines/mood.yaml"
    blocks = {
        "definition": "A little happy, as people are when the sun comes out after rain.",
        "use_when": ["it smiles", "it thanks"],
    }
    zoo.write(path, document.edit(zoo.read(path), {("labels",): {"1": blocks, "2": {"definition": "Happy."}}}))
    zoo.commit("Blocks")
    new = {
        "definition": "A little happy, as people are when the moon comes out after rain.",
        "use_when": ["it thanks", "it sings"],
    }
    zoo.write(
        path,
        document.edit(zoo.read(path), {("labels",): {"1": new, "3": {"definition": "Glad."}}, ("version",): "1.2.0"}),
    )
    zoo.write(
        "taxonomies/animals.yaml",
        b"""schema: urn:labelvc:schema:taxonomy:1
name: animals
version: 2.0.0
labels:
  - {id: cat, name: House cat, parent: pet}
  - {id: dog, name: Dog, status: deprecated, description: barks}
  - {id: pet, name: Pet}
""",
    )
    zoo.write(
        PETS, document.edit(zoo.read(PETS), {("checks",): {"score.range": {"severity": "note"}}, ("shards",): 16})
    )
    zoo.write("labelvc.yaml", zoo.read("labelvc.yaml") + b"# a remark\n")
    zoo.write("README.md", "Pets\n")
    assert labelvc(zoo.folder, "diff")[1] == snapshot("""\
+ README.md  document added
~ datasets/pets/dataset.yaml  document changed
    ~ /shards 4 -> 16
    + /checks/score.range {"severity": "note"}
~ guidelines/mood.yaml  document changed
    ~ version 1.1.0 -> 1.2.0
    - label 2: Happy.
    ~ label 1 definition A little happy, as people are when the [-sun-]{+moon+} comes out after rain.
    - label 1 use_when it smiles
    + label 1 use_when it sings
    + label 3: Glad.
~ labelvc.yaml  document changed: comments, order of members or layout alone
~ taxonomies/animals.yaml  document changed
    ~ version 1.0.0 -> 2.0.0
    - label dodo (Dodo)
    ~ label cat renamed Cat -> House cat
    ~ label cat moved from the top to under pet
    ~ label dog description (none) -> barks
    ~ label dog deprecated
    + label pet (Pet)
""")
    found = {row["key"]: row for row in whole(zoo, labelvc)["items"]}
    words = [edit["words"] for edit in found[path]["edits"] if "words" in edit]
    assert ["-", "sun"] in words[1]
    assert found["taxonomies/animals.yaml"]["fields"] == ["/labels", "/version"]


def test_a_policy_is_told_by_what_it_says(zoo: Zoo, labelvc: Run):
    import base64

    def envelope(said: object) -> str:
        payload = base64.b64encode(json.dumps(said).encode()).decode()
        return json.dumps({"payload": payload, "payloadType": "x", "signatures": []})

    zoo.write("trust/policy.json", envelope({"roles": {"reviewer": 1}}))
    zoo.commit("Policy")
    zoo.write("trust/policy.json", envelope({"roles": {"reviewer": 2}}))
    assert labelvc(zoo.folder, "diff")[1] == snapshot("""\
~ trust/policy.json  document changed
    ~ /payload/roles/reviewer 1 -> 2
""")


@pytest.mark.parametrize("text", ["labels: [", "a: 1\na: 2\n", "\ufeffa: 1\n", "- 1\n", ""])
def test_a_document_that_cannot_be_read_is_shown_by_its_lines(zoo: Zoo, labelvc: Run, text: str):
    zoo.write("taxonomies/animals.yaml", text)
    code, out, _ = labelvc(zoo.folder, "diff")
    assert code == 0
    assert out.startswith("~ taxonomies/animals.yaml  document changed\n")
    assert out.count("\n") > 1 or not text


def test_help_is_grouped(zoo: Zoo, labelvc: Run):
    out = labelvc(zoo.folder, "diff", "--help")[1]
    assert [line for line in out.splitlines() if line.endswith(":") and not line.startswith(" ")] == [
        "Compare:",
        "Choose:",
        "Count:",
        "Output:",
        "Options:",
    ]


def test_two_commits_are_compared_by_two_gits(moved: Zoo, labelvc: Run, gits: Callable[[], list[str]]):
    """One reads objects by name, one tells files and lines: starting one costs more than most answers."""
    moved.commit("Edits")
    moved.git("switch", "-qc", "topic")
    gits()
    found = rows(moved, labelvc, "main~1..topic")
    assert [words.split()[0] for words in gits()] == ["cat-file", "diff-tree"]
    assert len(found) == 9
    assert found == rows(moved, labelvc, "HEAD~1..HEAD")
