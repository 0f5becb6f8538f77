"""The command `check`: its catalogue in every form, what a dataset sets in vain, and from which severity on it fails."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from labelvc.checks import registry
from labelvc.cli import reference
from labelvc.model import framework
from labelvc.model.hooks import HOOKS
from labelvc.ops import catalogue, judgement
from labelvc.resources import folder
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
TOP = Path(__file__).resolve().parents[2]
PETS = "datasets/pets/dataset.yaml"


def settings(zoo: Zoo, words: str) -> None:
    zoo.replace(PETS, "checks: {}", f"checks: {{{words}}}")


# ---------------------------------------------------------------- the catalogue
def test_the_page_has_a_section_for_each_rule_and_shows_how_it_is_set():
    page = (TOP / "docs" / "reference" / "rules.md").read_text()
    assert page == reference.markdown()["rules.md"]
    sections = dict(part.split("\n", 1) for part in page.split("\n## ")[1:])
    assert list(sections) == sorted(catalogue.every())
    for name, rule in catalogue.every().items():
        assert f"**{rule.title}.** {rule.why}" in sections[name]
        assert ("threshold: " in sections[name]) == (rule.threshold is not None)
        assert f"](#{name.replace('.', '')})" in page


def test_what_the_page_shows_of_settings_can_be_set(zoo: Zoo):
    page = (TOP / "docs" / "reference" / "rules.md").read_text()
    shown = [part.split("```")[0] for part in page.split("```yaml\n")[1:]]
    assert len(shown) == sum(may is not None for may in catalogue.settable().values())
    merged = {rule: setting for text in shown for rule, setting in yaml.safe_load(text)["checks"].items()}
    zoo.replace(PETS, "checks: {}", f"checks: {json.dumps(merged)}")
    assert [one for one in zoo.everything() if one.rule.startswith("document.")] == []


def test_the_list_is_grouped_and_says_all(labelvc, tmp_path: Path):
    code, out, err = labelvc(tmp_path, "check", "--rules")
    assert (code, err) == (0, "")
    groups = [part.split("\n", 1)[0] for part in out.split("\n\n")]
    assert groups == sorted({name.partition(".")[0] for name in catalogue.every()})
    assert all(f"  {name}  " in out for name in catalogue.every())
    assert "  warning  box.near_duplicate  Two boxes of one label all but coincide (threshold 0.8, " in out


def test_the_list_as_json(labelvc, tmp_path: Path):
    code, out, _ = labelvc(tmp_path, "check", "--rules", "--format", "json")
    told = json.loads(out)
    jsonschema.validate(told, json.loads((folder("schemas") / "rules.v1.json").read_bytes()))
    assert code == 0
    assert [item["id"] for item in told["items"]] == sorted(catalogue.every())
    fixed = {item["id"] for item in told["items"] if not item["settable"]}
    assert fixed == {name for name, may in catalogue.settable().items() if may is None}
    assert {"privacy.baseline", "document.yaml", "register.owner", "module.edited", "guideline.silent"} <= fixed
    assert fixed.isdisjoint({"guideline.example", "example.vanished", "box.outside", "shard.large"})
    lines = labelvc(tmp_path, "check", "--rules", "--format", "jsonl")[1].splitlines()
    assert list(map(json.loads, lines)) == told["items"]
    code, _, err = labelvc(tmp_path, "check", "--rules", "--format", "sarif")
    assert (code, "text, json or jsonl" in err) == (2, True)


def test_the_frameworks_manifest_is_the_table():
    text = (TOP / ".pre-commit-hooks.yaml").read_text()
    assert text == framework.manifest()
    read = yaml.safe_load(text)
    assert [hook["id"] for hook in read] == [offer.id for offer in framework.OFFERS]
    assert {stage for hook in read for stage in hook["stages"]} == {*HOOKS, "manual"}
    assert all(hook.get("always_run") or hook.get("files") for hook in read)


# ---------------------------------------------------------------- what a dataset sets
@pytest.mark.parametrize(
    ("words", "rule", "pointer", "said"),
    [
        ("document.yaml: {severity: warning}", "document.reference", "/checks/document.yaml", "no dataset can change"),
        ("merge.lost: {severity: off}", "document.reference", "/checks/merge.lost", "no dataset can change"),
        (
            "approval.missing: {severity: note}",
            "document.reference",
            "/checks/approval.missing",
            "no dataset can change",
        ),
        ("score.range: {threshold: 2}", "document.reference", "/checks/score.range/threshold", "has no threshold"),
        ("score.range: {severity: fatal}", "document.schema", "/checks/score.range/severity", "must be one of"),
        ("score.range: {threshold: many}", "document.schema", "/checks/score.range/threshold", "must be"),
        ("score.range: warning", "document.schema", "/checks/score.range", "must be"),
        ("score.range: {level: error}", "document.schema", "/checks/score.range/level", "is not known here"),
        ("Score-Range: {severity: error}", "document.schema", "/checks", "a rule's id"),
    ],
)
def test_a_setting_that_does_nothing_is_told_at_its_line(zoo: Zoo, words: str, rule: str, pointer: str, said: str):
    settings(zoo, words)
    line = zoo.read(PETS).decode().splitlines().index(f"checks: {{{words}}}") + 1
    for found in (zoo.everything(), zoo.unstaged().findings):
        (finding,) = found
        assert (finding.rule, finding.severity) == (rule, "error")
        assert finding.place[:2] == (PETS, line)
        assert finding.place.pointer.startswith(pointer)
        assert said in finding.message
        assert PETS in finding.hint


@pytest.mark.parametrize(
    ("rule", "hint"),
    [
        ("score.rang", "write score.range, if that is meant; or install"),
        ("shard.strays", "write shard.stray, if"),
        ("astronomy.telescope", "labelvc check --rules lists the rules; or install the package"),
    ],
)
def test_a_rule_that_no_check_has_is_no_verdict(zoo: Zoo, labelvc, rule: str, hint: str):
    settings(zoo, f"{rule}: {{severity: warning}}")
    code, out, err = labelvc(zoo.folder, "check", "--all")
    assert (code, out) == (2, "")
    assert f"{PETS}: sets the rule '{rule}', which no check here has" in err or (
        PETS in err and f"sets the rule '{rule}', which no check here has" in err
    )
    assert hint in err


def test_every_rule_but_those_of_ci_is_known_to_the_registry():
    """What only `ci` tells, no dataset sets and nobody waives."""
    of_ci = {rule.id for rule in judgement.RULES}
    assert set(catalogue.every()) - of_ci == registry._ELSEWHERE | registry._RULES
    assert registry.unknown(of_ci) == of_ci == {name for name in of_ci if catalogue.settable()[name] is None}


# ---------------------------------------------------------------- --fail-on
@pytest.mark.parametrize("severity", ["note", "warning", "error"])
@pytest.mark.parametrize("least", ["note", "warning", "error"])
def test_the_least_severity_that_fails(zoo: Zoo, labelvc, severity: str, least: str):
    settings(zoo, f"score.range: {{severity: {severity}}}")
    zoo.commit("Settings")
    zoo.change("pets/p2#m1", value={"score": 9})
    fails = ["note", "warning", "error"].index(severity) >= ["note", "warning", "error"].index(least)
    for words in ((), ("--all",), ("--format", "json"), ("--format", "github")):
        assert labelvc(zoo.folder, "check", "--fail-on", least, *words)[0] == int(fails)
    zoo.git("add", "--all")
    assert labelvc(zoo.folder, "check", "--fail-on", least, "--staged")[0] == int(fails)
    zoo.commit("Scored")
    assert labelvc(zoo.folder, "check", "--fail-on", least, "HEAD~1..HEAD")[0] == int(fails)
    assert labelvc(zoo.folder, "check", "--fail-on", least)[0] == 0


# ---------------------------------------------------------------- --known
def test_what_was_there_before_and_what_is_gone_is_listed_on_demand(zoo: Zoo, labelvc):
    for key, score in (("pets/p1#m1", 9), ("pets/p1#m2", 9)):
        zoo.change(key, value={"score": score})
    zoo.commit("Bad")
    zoo.change("pets/p1#m2", value={"score": 2})
    code, out, _ = labelvc(zoo.folder, "check")
    assert (code, "no findings, 1 known finding not listed (--known lists them); " in out) == (0, True)
    code, out, _ = labelvc(zoo.folder, "check", "--known")
    assert code == 0
    said = [line for line in out.splitlines() if not line.startswith("        next")]
    assert said[0::2] == ["there before: 1 error", "gone: 1 error", said[4]]
    assert ["pets/p1#m1" in said[1], "pets/p1#m2" in said[3]] == [True, True]
    assert said[4].startswith("no findings, 1 known finding; ")
    code, out, _ = labelvc(zoo.folder, "check", "--known", "--format", "json")
    told = json.loads(out)
    assert [(item["state"], item["place"]["key"]) for item in told["items"]] == [
        ("known", "pets/p1#m1"),
        ("fixed", "pets/p1#m2"),
    ]
    assert (code, told["summary"]["known"], told["summary"]["fixed"], told["summary"]["error"]) == (0, 1, 1, 0)
    for words in (("--all",), ("--format", "sarif")):
        assert labelvc(zoo.folder, "check", "--known", *words)[0] == 2
