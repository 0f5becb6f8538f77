"""Instructions: examples are held against their records whenever either changes, and statuses ask for what they need."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from labelvc.model.finding import Finding
from labelvc.ops import check
from labelvc.store import tree
from tests.checks.cases import KINDS
from tests.zoo import Zoo, answer, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
PATH = "guidelines/kinds.yaml"
RECORD = "pets/p1#k1"


def told(findings: list[Finding]) -> list[tuple[str, str, int]]:
    return [(one.rule, one.place.pointer, one.place.line) for one in findings]


def teach(zoo: Zoo, **blocks: str) -> None:
    """Write the guideline with other blocks for cats, and commit it."""
    said = {"definition": "It purrs.", "examples": "[a cat]", "edge_cases": "[a kitten]", **blocks}
    written = ", ".join([f"{name}: {text}" for name, text in said.items()])
    zoo.write(
        PATH,
        KINDS.replace("cat: {definition: It purrs., examples: [a cat], edge_cases: [a kitten]}", f"cat: {{{written}}}"),
    )
    zoo.commit("A guideline")


def between(zoo: Zoo, old: str, new: str) -> list[Finding]:
    return check.changed(zoo.at, tree.commit(zoo.at, old), tree.commit(zoo.at, new)).findings


def test_a_record_that_changes_contradicts_its_example_in_the_hook_and_in_a_range(zoo: Zoo):
    teach(zoo, examples=f"[a cat, {{record: '{RECORD}'}}]")
    assert zoo.everything() == []
    zoo.change(RECORD, value={"label": "dog"})
    zoo.git("add", "--all")
    (one,) = zoo.staged().findings
    assert told([one]) == [("example.contradicted", "/labels/cat/examples/1", 9)]
    assert one.message == "the record pets/p1#k1 says dog, the example cat"
    assert one.place.path == PATH
    zoo.commit("Corrected")
    assert told(between(zoo, "HEAD~1", "HEAD")) == told([one])
    assert told(zoo.everything()) == told([one])
    zoo.change("pets/p1#w1", value={"label": "dog", "span": [4, 7], "text": "cat"})
    report = zoo.unstaged()
    assert (told(report.findings), report.known) == ([], 1)
    zoo.change(RECORD, value={"label": "cat"})
    assert told(zoo.unstaged().findings) == []


def test_a_record_that_goes_leaves_its_example_behind(zoo: Zoo):
    teach(zoo, edge_cases=f"[{{record: '{RECORD}', why: it sleeps}}]")
    zoo.bury(RECORD)
    (one,) = zoo.unstaged().findings
    assert told([one]) == [("example.vanished", "/labels/cat/edge_cases/0", 9)]
    assert (one.message, one.hint.partition(";")[0]) == ("the record pets/p1#k1 was deleted", "labelvc log pets/p1#k1")


@pytest.mark.parametrize(
    ("block", "said", "value", "rule"),
    [
        ("examples", {}, {"label": "cat"}, ""),
        ("examples", {"label": "cat"}, {"label": "dog"}, "example.contradicted"),
        ("examples", {"value": "{label: dog}"}, {"label": "dog"}, ""),
        ("examples", {"value": "dog"}, {"label": "dog"}, ""),
        ("examples", {"value": "{label: cat}"}, {"label": "dog"}, "example.contradicted"),
        ("examples", {}, {"empty": True}, "example.contradicted"),
        ("counterexamples", {}, {"label": "dog"}, ""),
        ("counterexamples", {}, {"label": "cat"}, "example.contradicted"),
        ("counterexamples", {"label": "dog"}, {"empty": True}, "example.contradicted"),
        ("edge_cases", {}, {"label": "dog"}, ""),
        ("edge_cases", {"label": "dog"}, {"label": "dog"}, ""),
        ("edge_cases", {"label": "dog"}, {"label": "cat"}, "example.contradicted"),
    ],
)
def test_what_an_example_claims(zoo: Zoo, block: str, said: Mapping[str, str], value: Mapping[str, object], rule: str):
    zoo.change(RECORD, value=value)
    written = ", ".join([f"record: '{RECORD}'", *[f"{name}: {text}" for name, text in said.items()]])
    teach(zoo, **({"examples": "[a cat]"} | {block: f"[{{{written}}}]"}))
    assert {one.rule for one in zoo.everything()} == ({rule} if rule else set())


@pytest.mark.parametrize(
    ("record", "rules"),
    [
        ("pets/p1#s1", []),
        ("pets/p1#o1", ["example.contradicted"]),
        ("pets/p1#w1", []),
        ("pets/p1#w2", ["example.contradicted"]),
        ("pets/p1#m1", ["example.contradicted"]),
    ],
)
def test_answers_of_every_shape(zoo: Zoo, record: str, rules: list[str]):
    teach(zoo, examples=f"[{{record: '{record}'}}]")
    assert [one.rule for one in zoo.everything()] == rules


def test_an_example_is_looked_at_only_when_its_own_shard_changed(zoo: Zoo):
    zoo.change(RECORD, value={"label": "dog"})
    teach(zoo, examples=f"[{{record: '{RECORD}'}}]")
    other = next(f"pets/p{n}#m1" for n in range(2, 9) if zoo.shard(f"pets/p{n}#m1") != zoo.shard(RECORD))
    zoo.change(other, value={"score": 0})
    assert (zoo.unstaged().findings, zoo.unstaged().known) == ([], 0)
    zoo.put("pets/p1#k2", answer("p1", "k2", "kind", {"label": "dog"}))
    assert (zoo.unstaged().findings, zoo.unstaged().known) == ([], 1)


def test_a_dataset_says_how_bad_a_wrong_example_is(zoo: Zoo):
    teach(zoo, counterexamples=f"[{{record: '{RECORD}'}}]")
    for severity, found in (("error", ["error"]), ("off", [])):
        zoo.replace(
            "datasets/pets/dataset.yaml", "checks: {}", f"checks: {{example.contradicted: {{severity: {severity}}}}}"
        )
        assert [one.severity for one in zoo.everything()] == found
        zoo.git("checkout", "-q", ".")


ASKED = "guidelines: {requires: {draft: [definition], active: [definition, example, edge_case, ambiguity]}}\n"


@pytest.mark.parametrize(
    ("status", "asks", "found"),
    [
        ("draft", "", {}),
        ("pilot", "", {"guideline.definition": "warning"}),
        ("active", "", {"guideline.definition": "warning", "guideline.example": "warning"}),
        ("retired", "", {}),
        ("draft", ASKED, {"guideline.definition": "error"}),
        (
            "active",
            ASKED,
            {f"guideline.{part}": "error" for part in ("definition", "example", "edge_case", "ambiguity")},
        ),
        ("pilot", ASKED, {"guideline.definition": "warning"}),
        ("active", "guidelines: {requires: {active: []}}\n", {}),
    ],
)
def test_a_status_asks_for_what_it_needs(zoo: Zoo, status: str, asks: str, found: Mapping[str, str]):
    bare = KINDS.replace("ambiguity: Take the larger one.\n", "").replace("active", status)
    zoo.write(
        PATH,
        bare.partition("  cat:")[0] + "  cat: {}\n  dog: {definition: It barks., examples: [a], edge_cases: [b]}\n",
    )
    zoo.write("labelvc.yaml", zoo.read("labelvc.yaml").decode() + asks)
    about = [one for one in zoo.everything() if one.place.path == PATH]
    assert {one.rule: one.severity for one in about} == found


def test_a_branch_does_not_soften_what_is_asked(zoo: Zoo):
    zoo.write("labelvc.yaml", zoo.read("labelvc.yaml").decode() + ASKED)
    zoo.commit("Asked")
    zoo.write(
        "labelvc.yaml", zoo.read("labelvc.yaml").decode().replace(ASKED, "guidelines: {requires: {active: []}}\n")
    )
    zoo.write(PATH, KINDS.replace(", edge_cases: [a kitten]", ""))
    zoo.commit("Softened")
    assert [(one.rule, one.severity) for one in between(zoo, "HEAD~1", "HEAD") if one.place.path == PATH] == [
        ("guideline.edge_case", "error")
    ]


def test_warnings_that_stood_before_are_known(zoo: Zoo):
    zoo.write(PATH, KINDS.partition("  dog:")[0])
    zoo.commit("Half a guideline")
    zoo.replace("taxonomies/animals.yaml", "version: 1.0.0", "version: 1.1.0")
    report = zoo.unstaged()
    assert (report.findings, report.known) == ([], 1)
    assert [one.rule for one in zoo.everything()] == ["guideline.silent"]
