"""What a record is bound to: its guideline's version, the taxonomy that one explained, and what its label meant by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from tests.cli.test_taxonomies import ROWS, TAXONOMY, bring, commit, run

GUIDELINE = """schema: urn:labelvc:schema:guideline:1
name: topic
version: 1.0.0
title: Topics
status: draft
taxonomy: topics
labels:
  order: {definition: About an order.}
  parcel: {definition: About a parcel.}
"""
PATH = "guidelines/topic.yaml"


@pytest.fixture
def labels(repo, labelvc, git, tmp_path) -> Path:
    """Return a project with a published taxonomy and guideline, and six answers of two people, committed."""
    assert labelvc(repo, "init", "--template", "classification")[0] == 0
    (repo / "taxonomies/topics.yaml").write_text(TAXONOMY)
    (repo / PATH).write_text(GUIDELINE)
    for noun, name in (("taxonomy", "topics"), ("guideline", "topic")):
        assert labelvc(repo, noun, "publish", name)[0] == 0
    bring(repo, labelvc, tmp_path, ROWS)
    commit(repo, git)
    return repo


def edit(repo: Path, old: str, new: str, path: str = PATH) -> None:
    text = (repo / path).read_text()
    assert old in text
    (repo / path).write_text(text.replace(old, new))


def found(repo: Path, labelvc, *words: str) -> list[tuple[str, str]]:
    told = json.loads(labelvc(repo, "check", *words, "--format", "json")[1])["items"]
    return [(one["rule"], one["place"]["key"]) for one in told]


def test_a_label_is_not_given_by_a_guideline_that_explained_the_taxonomy_before_it(labels, labelvc, git, tmp_path):
    run(labels, labelvc, "taxonomy", "add", "topics", "refund")
    run(labels, labelvc, "taxonomy", "publish", "topics")
    commit(labels, git)
    assert found(labels, labelvc, "--all") == []
    bring(labels, labelvc, tmp_path, [*ROWS, ("a7", "m4", "refund")])
    assert run(labels, labelvc, "check") == snapshot("""\
warning under.label        texts/m4#a7  the label 'refund' is not in topics@1.0.0, which topic@1.0.0 explains: it came with 1.1.0
        next: explain it, labelvc guideline publish topic, and decide by that version; or correct the label
1 warning; 6 lines in 1 shard looked at
""")
    edit(labels, "labels:\n", "labels:\n  refund: {definition: Money comes back.}\n")
    run(labels, labelvc, "guideline", "publish", "topic")
    bring(labels, labelvc, tmp_path, ROWS)
    bring(labels, labelvc, tmp_path, [*ROWS, ("a8", "m5", "refund")])
    assert found(labels, labelvc) == []
    assert found(labels, labelvc, "--all") == []
    commit(labels, git)
    assert found(labels, labelvc, "HEAD~1..HEAD") == []


def test_what_a_migration_brought_is_borne_out_by_it(labels, labelvc, git):
    run(labels, labelvc, "taxonomy", "merge", "topics", "damage", "money", "--into", "trouble")
    run(labels, labelvc, "taxonomy", "publish", "topics")
    run(labels, labelvc, "taxonomy", "migrate", "topics")
    assert found(labels, labelvc) == []
    commit(labels, git)
    path = next(path for path in (labels / "datasets").rglob("*.jsonl") if '"label":"trouble"' in path.read_text())
    edit(labels, '"migration":"topics@2.0.0",', "", str(path.relative_to(labels)))
    run(labels, labelvc, "format")
    assert "under.label" in {rule for rule, _ in found(labels, labelvc)}


def test_a_label_that_was_out_of_use_when_its_guideline_was_written(labels, labelvc, git, tmp_path):
    run(labels, labelvc, "taxonomy", "deprecate", "topics", "money")
    run(labels, labelvc, "taxonomy", "publish", "topics")
    edit(labels, "About an order.", "About an order in any way.")
    run(labels, labelvc, "guideline", "publish", "topic")
    commit(labels, git)
    run(labels, labelvc, "taxonomy", "add", "topics", "refund")
    run(labels, labelvc, "taxonomy", "publish", "topics")
    commit(labels, git)
    assert found(labels, labelvc, "--all") == [("label.deprecated", "texts/m3#a5")]
    bring(labels, labelvc, tmp_path, [("a1", "m1", "money"), *ROWS[1:]])
    assert sorted(found(labels, labelvc)) == [("label.deprecated", "texts/m1#a1"), ("under.label", "texts/m1#a1")]


@pytest.mark.parametrize("policy", ["pin", "follow"])
def test_old_versions_stay_right_or_follow(labels, labelvc, git, tmp_path, policy: str):
    edit(labels, "goal:", f"guidelines: {{records: {policy}}}\ngoal:", "labelvc.yaml")
    commit(labels, git)
    edit(labels, "About a parcel.", "About a parcel that comes late.")
    run(labels, labelvc, "guideline", "publish", "topic")
    outdated = [("under.outdated", "texts/m1#a2"), ("under.outdated", "texts/m2#a4")] if policy == "follow" else []
    assert sorted(found(labels, labelvc)) == outdated
    commit(labels, git)
    assert sorted(found(labels, labelvc, "HEAD~1..HEAD")) == outdated
    assert sorted(found(labels, labelvc, "--all")) == outdated
    assert found(labels, labelvc) == []
    if outdated:
        assert run(labels, labelvc, "check", "--all") == snapshot("""\
warning under.outdated     texts/m2#a4  was made under topic@1.0.0, by which it meant something else than today
        next: look at it again and import the answer; labelvc guideline impact topic lists all of them
warning under.outdated     texts/m1#a2  was made under topic@1.0.0, by which it meant something else than today
2 warnings; 10 lines in 3 shards looked at
""")
        bring(labels, labelvc, tmp_path, [ROWS[0], ("a2", "m1", "order"), *ROWS[2:]])
        assert found(labels, labelvc, "--all") == outdated[1:]
    edit(labels, "title: Topics", "title: The topics")
    run(labels, labelvc, "guideline", "publish", "topic")
    assert len(found(labels, labelvc, "--all")) <= 1


def test_without_history_it_cannot_be_told(labels, labelvc, git):
    """A shallow clone lacks the texts: that no record is called wrong must not look like a clean one."""
    run(labels, labelvc, "taxonomy", "add", "topics", "refund")
    run(labels, labelvc, "taxonomy", "publish", "topics")
    commit(labels, git)
    shallow = labels.parent / "shallow"
    git(labels, "clone", "-q", "--depth", "1", f"file://{labels}", str(shallow))
    assert labelvc(shallow, "check", "--all") == (
        2,
        "",
        snapshot("""\
error: what version 1.0.0 said is in no commit here
  where: taxonomies/topics.yaml
  next: git fetch --unshallow, if the clone is shallow; or git commit what was published
"""),
    )
    git(shallow, "fetch", "-q", "--unshallow")
    assert found(shallow, labelvc, "--all") == []
