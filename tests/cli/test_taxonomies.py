"""taxonomy add, rename, merge, split, move, deprecate and migrate as a user meets them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from labelvc.codec import document, schema

TAXONOMY = """# What we see
schema: urn:labelvc:schema:taxonomy:1
name: topics
version: 1.0.0
labels:
  - {id: order, name: Order}   # the first
  - {id: parcel, name: Parcel}
  - {id: damage, name: Damage, parent: parcel}
  - {id: money, name: Money}
  - {id: other, name: Other}
"""
GUIDELINE = """schema: urn:labelvc:schema:guideline:1
name: topic
version: 1.0.0
title: Topics
status: draft
taxonomy: topics
labels: {}
"""
ROWS = [
    ("a1", "m1", "order"),
    ("a2", "m1", "parcel"),
    ("a3", "m2", "damage"),
    ("a4", "m2", "parcel"),
    ("a5", "m3", "money"),
    ("a6", "m4", "other"),
]


@pytest.fixture
def labels(repo, labelvc, git, tmp_path) -> Path:
    """Return a project with a published taxonomy, a guideline, and six answers of two people, committed."""
    assert labelvc(repo, "init", "--template", "classification")[0] == 0
    (repo / "taxonomies/topics.yaml").write_text(TAXONOMY)
    (repo / "guidelines/topic.yaml").write_text(GUIDELINE)
    for noun, name in (("taxonomy", "topics"), ("guideline", "topic")):
        assert labelvc(repo, noun, "publish", name)[0] == 0
    bring(repo, labelvc, tmp_path, ROWS)
    commit(repo, git)
    return repo


def bring(repo: Path, labelvc, folder: Path, rows) -> None:
    lines = "".join(
        [
            f"{name},{item},text of {item},{'ada' if at % 2 else 'ben'},{label}\n"
            for at, (name, item, label) in enumerate(rows)
        ]
    )
    (folder / "in.csv").write_text(f"id,item,text,annotator,label\n{lines}")
    code, _, err = labelvc(repo, "import", "csv", str(folder / "in.csv"), "--dataset", "texts", "--mode", "replace")
    assert code == 0, err


def commit(repo: Path, git) -> None:
    git(repo, "add", "--all")
    git(repo, "commit", "-qnm", "next")


def run(repo: Path, labelvc, *words: str, code: int = 0) -> str:
    found, out, err = labelvc(repo, *words)
    assert found == code, out + err
    return out


def answers(repo: Path) -> dict[str, str]:
    found = {}
    for path in (repo / "datasets/texts/annotations").rglob("*.jsonl"):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            found[f"{row['item']}#{row['id']}"] = row["value"]["label"]
    return found


def valid(noun: str, text: str) -> dict:
    told = json.loads(text)
    assert schema.problems(noun, told) == []
    return told


def test_a_rename_touches_no_record_and_no_other_character(labels, labelvc):
    before = answers(labels)
    assert run(labels, labelvc, "taxonomy", "rename", "topics", "order", "Purchase", "--reason", "clearer") == snapshot(
        "topics is 1.1.0: order is called Purchase\n"
    )
    text = (labels / "taxonomies/topics.yaml").read_text()
    assert text.startswith(TAXONOMY.replace("1.0.0", "1.1.0").replace("name: Order", "name: Purchase"))
    assert document.read(text.encode())["lineage"] == [
        {"version": "1.1.0", "kind": "rename", "from": ["order"], "to": ["order"], "reason": "clearer"}
    ]
    assert run(labels, labelvc, "taxonomy", "migrate", "topics") == snapshot(
        "no record has a label that was merged or split in topics@1.1.0\n"
    )
    assert answers(labels) == before
    assert run(labels, labelvc, "diff").startswith(
        "= taxonomies/topics.yaml  label order renamed from Order to Purchase"
    )
    run(labels, labelvc, "check", "--all")


def test_a_merge_migrates_records_with_provenance(labels, labelvc, git):
    run(labels, labelvc, "taxonomy", "merge", "topics", "damage", "--into", "parcel", "--reason", "never agreed on")
    assert run(labels, labelvc, "check", "--all") == snapshot("""\
warning label.deprecated   texts/m2#a3  the label "damage" is deprecated in topics@2.0.0
        next: it is parcel now: labelvc taxonomy migrate topics
1 warning; 10 lines in 3 shards looked at
""")
    code, out, _ = labelvc(labels, "taxonomy", "migrate", "topics", "--dry-run", "--format", "json")
    told = valid("taxonomy-migrate", out)
    assert (code, told["summary"]["moved"], told["summary"]["written"]) == (0, 1, False)
    assert "damage" in answers(labels).values()
    run(labels, labelvc, "taxonomy", "migrate", "topics")
    assert sorted(answers(labels).values()) == ["money", "order", "other", "parcel", "parcel", "parcel"]
    run(labels, labelvc, "check", "--all")
    (line,) = [
        json.loads(line)
        for path in (labels / "datasets/texts/annotations").rglob("*.jsonl")
        for line in path.read_text().splitlines()
        if "migration" in line
    ]
    assert line["origin"]["migration"] == "topics@2.0.0"
    assert (line["rev"], line["under"]) == (2, "topic@1.0.0")
    assert document.read((labels / "taxonomies/topics.yaml").read_bytes())["labels"][2] == {
        "id": "damage",
        "name": "Damage",
        "parent": "parcel",
        "status": "deprecated",
    }
    run(labels, labelvc, "taxonomy", "publish", "topics")
    commit(labels, git)
    assert run(labels, labelvc, "taxonomy", "migrate", "topics").startswith("no record")
    assert run(labels, labelvc, "status")


def test_a_split_is_committed_before_it_is_decided_and_no_new_answer_has_what_is_gone(labels, labelvc, git, tmp_path):
    run(labels, labelvc, "taxonomy", "split", "topics", "parcel", "--into", "late", "--into", "lost")
    assert run(labels, labelvc, "check").startswith("no findings, 2 known findings not listed")
    commit(labels, git)
    run(labels, labelvc, "check", "HEAD~1..HEAD")
    bring(labels, labelvc, tmp_path, [*ROWS, ("a7", "m4", "parcel")])
    assert run(labels, labelvc, "check", code=1) == snapshot("""\
error   label.deprecated   texts/m4#a7  the label "parcel" is deprecated in topics@2.0.0
        next: it was split: decide between late, lost; labelvc taxonomy migrate topics --dry-run lists all of them
1 error, 1 known finding not listed (--known lists them); 6 lines in 1 shard looked at
""")
    bring(labels, labelvc, tmp_path, [ROWS[0], ("a2", "m1", "late"), *ROWS[2:]])
    run(labels, labelvc, "check")


def test_a_migration_goes_through_dvc(labels, labelvc, git):
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=labels, check=True)
    commit(labels, git)
    run(labels, labelvc, "dataset", "storage", "texts", "dvc")
    commit(labels, git)
    run(labels, labelvc, "taxonomy", "merge", "topics", "damage", "--into", "parcel")
    run(labels, labelvc, "taxonomy", "migrate", "topics")
    assert "damage" not in answers(labels).values()
    run(labels, labelvc, "check", "--all")
    commit(labels, git)
    assert git(labels, "status", "--porcelain") == ""


def test_a_merge_that_makes_two_answers_alike_is_told(labels, labelvc, git, tmp_path):
    bring(labels, labelvc, tmp_path, [("a1", "m1", "order"), ("a9", "m0", "other"), ("a3", "m1", "money")])
    commit(labels, git)
    run(labels, labelvc, "taxonomy", "merge", "topics", "money", "--into", "order")
    out = run(labels, labelvc, "taxonomy", "migrate", "topics", "--dry-run", code=1)
    assert "1 record of one annotator alike by the merge: delete one of each two" in out


def test_a_split_leaves_a_worklist_until_somebody_decides(labels, labelvc, git, tmp_path):
    run(labels, labelvc, "taxonomy", "split", "topics", "parcel", "--into", "parcel", "--into", "carrier")
    run(labels, labelvc, "taxonomy", "publish", "topics")
    commit(labels, git)
    code, out, err = labelvc(labels, "taxonomy", "migrate", "topics", "--format", "json")
    assert err == "next: decide those of a split label: import the answers, or edit the records and labelvc format\n"
    told = valid("taxonomy-migrate", out)
    assert (code, told["summary"]["open"], told["summary"]["moved"]) == (1, 2, 0)
    assert {item["key"].partition("#")[0] for item in told["items"]} == {"texts/m1", "texts/m2"}
    assert told["items"][0]["to"] == ["parcel", "carrier"]

    guideline = labels / "guidelines/topic.yaml"
    guideline.write_text(GUIDELINE.replace("labels: {}", "labels:\n  carrier: {definition: What the carrier did.}"))
    run(labels, labelvc, "guideline", "publish", "topic")
    lines = (labels / "guidelines/topic.versions.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["taxonomy"] == "topics@2.0.0"
    bring(labels, labelvc, tmp_path, [(name, item, "carrier" if name == "a2" else label) for name, item, label in ROWS])
    commit(labels, git)
    code, out, _ = labelvc(labels, "taxonomy", "migrate", "topics", "--format", "json")
    assert (code, valid("taxonomy-migrate", out)["summary"]["open"]) == (1, 1)  # a4 was not looked at again
    rows = tmp_path / "own.jsonl"
    run(labels, labelvc, "export", "jsonl", "--dataset", "texts", "-o", str(rows))
    rows.write_text(rows.read_text().replace("topic@1.0.0", "topic@1.1.0"))
    run(labels, labelvc, "import", "jsonl", str(rows), "--dataset", "texts")
    assert run(labels, labelvc, "taxonomy", "migrate", "topics").startswith("no record")


def test_a_migration_waits_for_what_is_not_committed(labels, labelvc, tmp_path):
    run(labels, labelvc, "taxonomy", "merge", "topics", "damage", "--into", "parcel")
    bring(labels, labelvc, tmp_path, [("a1", "m1", "damage"), *ROWS[1:]])
    before = answers(labels)
    code, out, err = labelvc(labels, "taxonomy", "migrate", "topics")
    assert (code, out) == (1, "")
    assert err.startswith("error: texts has changes that are not committed\n")
    assert answers(labels) == before


def test_a_merge_that_brings_a_merged_label_is_migrated_before_its_commit(labels, labelvc, git, tmp_path):
    """A branch from before decides for a label that main merged away: the merge stops, and the migration leads on."""
    git(labels, "checkout", "-qb", "topic")
    for label in ("money", "damage"):  # so that their rev outgrew that of main
        bring(labels, labelvc, tmp_path, [ROWS[0], ("a2", "m1", label), *ROWS[2:]])
        commit(labels, git)
    git(labels, "checkout", "-q", "main")
    run(labels, labelvc, "taxonomy", "merge", "topics", "damage", "--into", "parcel")
    run(labels, labelvc, "taxonomy", "publish", "topics")
    run(labels, labelvc, "taxonomy", "migrate", "topics")
    commit(labels, git)
    code, out, _ = labelvc(labels, "merge", "topic")
    assert (code, 'the label "damage" is deprecated' in out) == (1, True), out
    out = run(labels, labelvc, "taxonomy", "migrate", "topics")
    assert out.startswith("1 record got another label by topics@2.0.0")
    assert answers(labels)["m1#a2"] == "parcel"
    git(labels, "add", "--all")
    run(labels, labelvc, "merge", "--continue")
    run(labels, labelvc, "check", "--all")
    (row,) = [
        json.loads(line)
        for path in (labels / "datasets/texts/annotations").rglob("*.jsonl")
        for line in path.read_text().splitlines()
        if '"id":"a2"' in line
    ]
    assert row["rev"] == 4
    assert row["origin"]["migration"] == "topics@2.0.0"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("rename", "topics", "order", "Parcel"),
            snapshot("""\
error: 'Parcel' is the label 'parcel' already
  where: taxonomies/topics.yaml
  next: labelvc taxonomy merge topics order --into parcel
"""),
        ),
        (
            ("merge", "topics", "pracel", "--into", "order"),
            snapshot("""\
error: there is no label 'pracel'
  where: taxonomies/topics.yaml
  next: choose one of: parcel
"""),
        ),
        (
            ("move", "topics", "parcel", "--under", "damage"),
            snapshot("""\
error: the label 'parcel' would be its own ancestor
  where: taxonomies/topics.yaml
  next: labelvc taxonomy counts topics, which lists the labels there are
"""),
        ),
        (
            ("split", "topics", "parcel", "--into", "parcel"),
            snapshot("""\
error: the label 'parcel' is split into two labels or more, each named once
  where: taxonomies/topics.yaml
  next: labelvc taxonomy split topics parcel --into A --into B; one of them may be that label itself
"""),
        ),
        (
            ("add", "topics", "order"),
            snapshot("""\
error: 'order' is the label 'order' already
  where: taxonomies/topics.yaml
  next: labelvc taxonomy counts topics, which lists the labels there are
"""),
        ),
    ],
)
def test_what_the_labels_do_not_allow_is_refused_and_nothing_written(labels, labelvc, words, said):
    code, out, err = labelvc(labels, "taxonomy", *words)
    assert (code, out, err) == (1, "", said)
    assert (labels / "taxonomies/topics.yaml").read_text() == TAXONOMY


def test_several_operations_make_one_version(labels, labelvc):
    run(labels, labelvc, "taxonomy", "add", "topics", "praise", "--name", "Praise")
    assert b"version: 1.1.0" in (labels / "taxonomies/topics.yaml").read_bytes()
    run(labels, labelvc, "taxonomy", "move", "topics", "money", "--under", "order")
    run(labels, labelvc, "taxonomy", "deprecate", "topics", "praise", "--dry-run")
    value = document.read((labels / "taxonomies/topics.yaml").read_bytes())
    assert value["version"] == "2.0.0"
    assert [step["version"] for step in value["lineage"]] == ["2.0.0", "2.0.0"]
    assert value["labels"][-1] == {"id": "praise", "name": "Praise"}
    assert run(labels, labelvc, "taxonomy", "publish", "topics").startswith("topics 2.0.0 is published after 1.0.0")


@pytest.mark.parametrize("words", [("merge", "topics", "damage"), ("split", "topics", "parcel", "--into", "carrier")])
def test_a_release_waits_until_every_record_is_decided(labels, labelvc, git, tmp_path, words):
    run(labels, labelvc, "taxonomy", *words, "--into", "parcel")
    commit(labels, git)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    run(labels, labelvc, "trust", "init", "--key", str(tmp_path / "key"))
    commit(labels, git)
    words = ("release", "cut", "1.0.0", "--unapproved", "--key", str(tmp_path / "key"))
    code, _, err = labelvc(labels, *words)
    assert code == 1
    assert err.startswith("error: a record has a label that was merged or split, and nobody decided what it is now\n")
    assert err.endswith("next: labelvc taxonomy migrate topics\n")
    assert not (labels / "releases").exists()
    if (
        labelvc(labels, "taxonomy", "migrate", "topics")[0] == 1
    ):  # of a split label a person decides: they look again under a version of the guideline that knows it
        assert labelvc(labels, *words)[0] == 1
        run(labels, labelvc, "taxonomy", "publish", "topics")
        guideline = labels / "guidelines/topic.yaml"
        guideline.write_text(GUIDELINE.replace("labels: {}", "labels:\n  carrier: {definition: What the carrier did.}"))
        run(labels, labelvc, "guideline", "publish", "topic")
        rows = tmp_path / "own.jsonl"
        run(labels, labelvc, "export", "jsonl", "--dataset", "texts", "-o", str(rows))
        rows.write_text(rows.read_text().replace("topic@1.0.0", "topic@1.1.0").replace('"parcel"', '"carrier"'))
        run(labels, labelvc, "import", "jsonl", str(rows), "--dataset", "texts")
    commit(labels, git)
    run(labels, labelvc, *words)


def test_a_lineage_that_leads_to_no_label_is_found_before_records_follow_it(labels, labelvc):
    step = "lineage:\n  - {version: 1.1.0, kind: merge, from: [order], to: [nowhere]}\n"
    path = labels / "taxonomies/topics.yaml"
    path.write_text(path.read_text().replace("1.0.0", "1.1.0") + step)
    out = run(labels, labelvc, "check", "--all", code=1)
    assert "there is no label 'nowhere', which records would get" in out
    before = answers(labels)
    code, _, err = labelvc(labels, "taxonomy", "migrate", "topics")
    assert (code, "/lineage/0/to/0 there is no label 'nowhere'" in err) == (2, True), err
    assert answers(labels) == before


def test_what_was_done_to_labels_reads_as_sentences_in_a_diff(labels, labelvc):
    run(labels, labelvc, "taxonomy", "merge", "topics", "damage", "other", "--into", "parcel", "--reason", "too rare")
    out = run(labels, labelvc, "diff")
    assert "+ lineage merge damage, other -> parcel (too rare)\n" in out
    assert "{" not in out
    run(labels, labelvc, "taxonomy", "rename", "topics", "money", "Payment")
    run(labels, labelvc, "taxonomy", "move", "topics", "money", "--under", "order")
    assert "+ lineage merge damage, other -> parcel (too rare); rename money; move money\n" in run(
        labels, labelvc, "diff"
    )


def test_the_page_for_annotators_says_which_labels_are_out_of_use_and_which_it_does_not_explain(labels, labelvc):
    explained = GUIDELINE.replace("labels: {}", "labels:\n  parcel: {definition: Where it is.}")
    (labels / "guidelines/topic.yaml").write_text(explained)
    before = run(labels, labelvc, "guideline", "render", "topic")
    assert ("out of use" in before, "explain: `order`, `damage`, `money`, `other`\n" in before) == (False, True)
    run(labels, labelvc, "taxonomy", "split", "topics", "parcel", "--into", "late", "--into", "lost")
    page = run(labels, labelvc, "guideline", "render", "topic")
    assert "## `parcel` Parcel (out of use: do not choose it)\n" in page
    assert "Labels that this guideline does not explain: `order`, `damage`, `money`, `other`, `late`, `lost`\n" in page
    html = run(labels, labelvc, "guideline", "render", "topic", "--format", "html")
    assert '<span class="badge bad">out of use: do not choose it</span>' in html
    assert "<code>lost</code></p>" in html


def test_a_taxonomy_goes_out_as_skos_and_comes_in_again(labels, labelvc, tmp_path):
    run(labels, labelvc, "taxonomy", "merge", "topics", "damage", "--into", "parcel")
    path = tmp_path / "topics.rdf"
    code, _, err = labelvc(labels, "taxonomy", "export", "skos", "topics", "-o", str(path))
    assert (code, err) == (0, "skos cannot hold: the taxonomy's lineage\n")
    out = run(labels, labelvc, "taxonomy", "import", "skos", str(path), "--name", "copy")
    assert out == snapshot("copy 2.0.0 has 5 labels\n")
    text = (labels / "taxonomies/copy.yaml").read_text()
    assert text.startswith(
        'schema: urn:labelvc:schema:taxonomy:1\nname: "copy"\nversion: 2.0.0\nlabels:\n  - id: order\n    name: Order\n'
    )
    value = document.read((labels / "taxonomies/topics.yaml").read_bytes())
    assert document.read(text.encode())["labels"] == value["labels"]
    assert run(labels, labelvc, "taxonomy", "export", "csv", "copy").splitlines()[3] == snapshot(
        "damage,Damage,parcel,,,deprecated,"
    )


def test_a_list_that_is_no_taxonomy_is_refused_and_nothing_written(labels, labelvc, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("id,parent\na,b\na,\n")
    code, out, err = labelvc(labels, "taxonomy", "import", "csv", str(path))
    assert (code, out) == (2, "")
    assert err.startswith("error: /labels/1/id the label 'a' occurs twice (and 1 more problems)\n"), err
    assert not (labels / "taxonomies/new.yaml").exists()
    code, _, err = labelvc(labels, "taxonomy", "import", "csv", str(path), "--name", "topics")
    assert (code, "there is a taxonomy 'topics' already" in err) == (2, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n", "seems to be Turtle or N-Triples"),
        ("# a comment\n<urn:x:a> a skos:Concept .\n", "seems to be Turtle or N-Triples"),
        (
            "\ufeff<http://example.org/a> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <urn:x> .\n",
            "seems to be Turtle",
        ),
        ('{"@context": {}}', "seems to be JSON-LD"),
        ("<rdf:RDF", "not well-formed XML"),
        ("", "not well-formed XML"),
    ],
)
def test_rdf_in_another_form_is_told_what_to_become(labels, labelvc, tmp_path, text, said):
    path = tmp_path / "new.rdf"
    path.write_text(text)
    code, _, err = labelvc(labels, "taxonomy", "import", "skos", str(path))
    assert (code, said in err, "Traceback" in err) == (2, True, False), err
    assert ("rapper -i turtle -o rdfxml FILE" in err) == ("Turtle" in said)


def test_agreement_is_rolled_up_with_the_labels(labels, labelvc, git, tmp_path):
    rows = [
        (f"{who}{at}", f"n{at}", label)
        for at in range(12)
        for who, label in (("a", "parcel"), ("b", "damage" if at % 2 else "parcel"))
    ]
    rows += [("a12", "n12", "order"), ("b12", "n12", "order")]
    bring(labels, labelvc, tmp_path, rows)
    flat = valid("taxonomy-counts", run(labels, labelvc, "taxonomy", "counts", "topics", "--format", "json"))
    assert flat["summary"]["agreement"]["topic"]["observed"]["value"] == pytest.approx(7 / 13)
    rolled = ("taxonomy", "counts", "topics", "--level", "1")
    told = valid("taxonomy-counts", run(labels, labelvc, *rolled, "--format", "json"))
    assert (
        told["summary"]["agreement"]["topic"]["observed"]["value"],
        told["summary"]["agreement"]["topic"]["units"],
    ) == (1, 13)
    assert run(labels, labelvc, *rolled).endswith(
        "\ntopic: agreement 1.00, alpha 1.00, on 13 items with two answers or more\n"
    )


def test_counts_are_rolled_up_to_a_level(labels, labelvc):
    assert run(labels, labelvc, "taxonomy", "counts", "topics", "--level", "1") == snapshot("""\
6 records with a label of topics@1.0.0, rolled up to level 1

label     records    items      share
parcel          3        2       3.00  with damage
money           1        1       1.00
order           1        1       1.00
other           1        1       1.00
""")
    told = valid("taxonomy-counts", run(labels, labelvc, "taxonomy", "counts", "topics", "--format", "json"))
    assert {row["label"]: row["records"] for row in told["items"]} == {
        "parcel": 2,
        "damage": 1,
        "money": 1,
        "order": 1,
        "other": 1,
    }
    rolled = valid(
        "taxonomy-counts",
        run(labels, labelvc, "taxonomy", "counts", "topics", "--level", "1", "--at", "HEAD", "--format", "json"),
    )
    assert (rolled["items"][0]["label"], rolled["items"][0]["records"], rolled["items"][0]["items"]) == ("parcel", 3, 2)
    assert (rolled["summary"]["records"], rolled["head"]) == (6, "HEAD")
    code, _, err = labelvc(labels, "taxonomy", "counts", "nosuch")
    assert (code, "choose one of: topics" in err) == (2, True)


def test_a_guideline_is_not_published_beside_a_taxonomy_that_cannot_be_read(labels, labelvc):
    (labels / "guidelines/topic.yaml").write_text(GUIDELINE.replace("title: Topics", "title: Topics of messages"))
    (labels / "taxonomies/topics.yaml").write_text("garbage\n")
    before = (labels / "guidelines/topic.versions.jsonl").read_bytes()
    code, _, err = labelvc(labels, "guideline", "publish", "topic")
    assert (code, err.startswith("error: cannot be read, and the guideline explains its labels\n")) == (2, True), err
    assert (labels / "guidelines/topic.versions.jsonl").read_bytes() == before


def test_trace_and_diff_follow_what_became_of_a_label(labels, labelvc, git):
    run(labels, labelvc, "taxonomy", "rename", "topics", "parcel", "Shipment")
    run(labels, labelvc, "taxonomy", "merge", "topics", "damage", "--into", "parcel")
    run(labels, labelvc, "taxonomy", "split", "topics", "money", "--into", "refund", "--into", "invoice")
    run(labels, labelvc, "taxonomy", "publish", "topics")
    commit(labels, git)

    def meanings(key: str) -> list[str]:
        return [line.strip() for line in run(labels, labelvc, "trace", key).splitlines() if "meaning" in line]

    assert meanings("texts/m1#a2") == ["meaning   parcel 'Parcel', now 'Shipment'"]
    assert meanings("texts/m2#a3") == ["meaning   damage 'Damage', parcel since 2.0.0"]
    assert meanings("texts/m3#a5") == ["meaning   money 'Money', refund or invoice since 2.0.0"]
    run(labels, labelvc, "taxonomy", "migrate", "topics", code=1)
    commit(labels, git)
    assert meanings("texts/m2#a3") == ["meaning   damage 'Damage', parcel since 2.0.0", "meaning   parcel 'Shipment'"]
    told = valid("trace", run(labels, labelvc, "trace", "texts/m3#a5", "--format", "json"))
    (said,) = told["items"][0]["meaning"]["texts"]
    assert (said["led"], said["since"]) == (["refund", "invoice"], "2.0.0")
    assert run(labels, labelvc, "diff", "HEAD~1..HEAD").startswith(
        "~ texts/m2#a3  /origin/migration (none) -> topics@2.0.0; /value/label damage -> parcel\n"
    )
    assert "lineage rename parcel; merge damage -> parcel; split money -> refund, invoice" in run(
        labels, labelvc, "diff", "HEAD~2..HEAD~1"
    )


def test_a_taxonomy_of_which_no_task_knows_migrates_nothing_and_says_so(labels, labelvc):
    """As of a token task that declares fields and no taxonomy: its labels are nobody's, and silence would read as done."""
    path = labels / "labelvc.yaml"
    text = path.read_text().replace("    taxonomy: topics\n", "").replace("    type: label\n", "    type: text\n")
    path.write_text(text)
    said = run(labels, labelvc, "taxonomy", "migrate", "topics")
    assert said.startswith("no task takes its labels from topics@1.0.0: `taxonomy: topics` of a task in labelvc.yaml")
