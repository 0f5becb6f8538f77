"""Every rule speaks when it is broken, with its place and cure, keeps still beside it, and never tells a secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labelvc.checks import registry
from labelvc.model.finding import SEVERITIES, Finding
from labelvc.model.project import Project
from labelvc.ops import catalogue, judgement, look, plain
from labelvc.ops import project as projects
from labelvc.ops.cells import cells_of
from labelvc.ops.outcomes import Outcomes
from labelvc.store import tree
from labelvc.store.cache import Cache
from tests.checks import cases as of_lines
from tests.checks import pack
from tests.checks.cases import Case
from tests.zoo import PLAIN, Zoo, rows, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
CASES = [*of_lines.CASES, *pack.CASES]
cases = pytest.mark.parametrize(
    "case", CASES, ids=[case.name if isinstance(case.path, str) else case.rule for case in CASES]
)


COMPARED = {"record.rev", *[rule.id for rule in plain.RULES]}
"""Rules of what changes, of which a check of everything says nothing."""


def found(zoo: Zoo, rule: str) -> list[Finding]:
    """Check everything, and what changed since HEAD for the rules of changes."""
    every = zoo.everything()
    if rule in COMPARED:
        every += zoo.unstaged().findings
    return every


def looked(zoo: Zoo) -> tuple[Project, Outcomes]:
    """Look at every shard of the work tree."""
    work = tree.work(zoo.at)
    with Cache(zoo.at) as cache, tree.reader(zoo.at) as reader:
        project = projects.load(zoo.at, work, reader)
        cells = cells_of(project, work, set(), set(project.datasets))
        return project, look.outcomes_of(zoo.at, project, cells, cache, 1)


def told_across(zoo: Zoo, rule: str) -> bool:
    """Tell whether a rule speaks by what was seen in shards and kept for the end, or by documents alone but not in a shard."""
    project, outcomes = looked(zoo)
    if any(finding.rule == rule for finding in outcomes.findings):
        return False
    with_shards, without = [
        [finding for finding in look.judged(project, some) if finding.rule == rule] for some in (outcomes, Outcomes())
    ]
    return with_shards != without or rule in BY_DOCUMENTS_TOO


BY_DOCUMENTS_TOO = {"privacy.domain"}
"""Rules that judge all shards, and what a document says of them."""
SUMMED = {
    rule.id: rule.across
    for check in registry.BUILT_IN.values()
    for rule in check.rules
    if any(r.across for r in check.rules)
}
"""Rules of checks that have one which judges the whole dataset, and whether they do."""


@cases
def test_a_broken_rule_is_found_where_it_is_broken(zoo: Zoo, case: Case):
    case.loud(zoo)
    every = found(zoo, case.rule)
    (finding,) = [finding for finding in every if finding.rule == case.rule]
    assert finding.severity == case.severity
    place = finding.place
    path = case.path(zoo) if callable(case.path) else case.path or zoo.shard(case.key)
    line = case.line(zoo) if callable(case.line) else case.line if case.line >= 0 else zoo.line(case.key)
    assert (place.key, place.pointer, place.path, place.line) == (case.key, case.pointer, path, line)
    assert case.hint in finding.hint
    assert finding.message
    assert "\n" not in finding.message + finding.hint
    assert PLAIN not in repr(every)
    if case.rule in SUMMED:
        assert told_across(zoo, case.rule) is SUMMED[case.rule]


@cases
def test_beside_it_the_rule_keeps_still(zoo: Zoo, case: Case):
    case.quiet(zoo)
    assert [finding for finding in found(zoo, case.rule) if finding.rule == case.rule] == []


def test_a_check_whose_rules_are_done_with_one_shard_keeps_nothing_for_the_end(zoo: Zoo):
    """What leaves no summary cannot judge by the records of two shards."""
    asked = ", ".join([f"{name}: {{}}" for name, rule in registry.catalogue().items() if not rule.across])
    for dataset in (pack.PETS, pack.PICTURES):
        zoo.replace(dataset, "checks: {}", f"checks: {{{asked}}}")
    project, outcomes = looked(zoo)
    checks = [check.name for check in registry.checks_for(project) if not any(rule.across for rule in check.rules)]
    assert len(checks) > 8
    assert [(name, check) for name in project.datasets for check in checks if [*outcomes.summaries(name, check)]] == []


QUIETER = {
    "annotator.constant": 1.1,
    "annotator.copy": 1.1,
    "annotator.run": 30,
    "annotator.too_fast": 3,
    "box.aspect": 22.5,
    "box.near_duplicate": 0.96,
    "box.outside": 1,
    "box.shifted_copy": 0.05,
    "box.tiny": 3,
    "item.near_text": 1.1,
    "label.balance": 0.75,
    "label.floor": 1,
    "outline.outside": 1,
    "privacy.dominant": 0.9,
    "shard.size": 100_000,
    "slice.coverage": 0,
    "soft.sum": 0.11,
    "source.share": 0.87,
}
"""Thresholds under which what each rule's first case shows is nothing wrong."""


@pytest.mark.parametrize("rule", sorted(QUIETER))
def test_a_threshold_of_the_dataset_makes_a_loud_case_quiet(zoo: Zoo, rule: str):
    next(case for case in CASES if case.rule == rule).loud(zoo)
    (loud,) = [finding for finding in found(zoo, rule) if finding.rule == rule]
    path = zoo.folder / "/".join([*loud.place.path.split("/")[:2], "dataset.yaml"])
    setting = f"checks: {{{rule}: {{threshold: {QUIETER[rule]}}}}}"
    text, count = re.subn(r"checks: \{.*\}", setting, path.read_text())
    assert count == 1
    path.write_text(text)
    assert [finding for finding in found(zoo, rule) if finding.rule == rule] == []


def test_every_rule_with_a_threshold_is_held_to_the_datasets_own():
    assert {rule.id for rule in catalogue.every().values() if rule.threshold is not None} == set(QUIETER)


KEYED = [
    case
    for case in CASES
    if case.key and not case.key.endswith("#") and case.rule not in ("item.missing", "record.rev")
]


@pytest.mark.parametrize("case", KEYED, ids=[case.name for case in KEYED])
def test_a_broken_record_with_a_plain_value_in_it_never_shows_it(zoo: Zoo, case: Case):
    """Whatever else is wrong with a record, no finding holds the value that should have been a pseudonym."""
    if case.key.startswith("pictures"):
        zoo.replace(
            "datasets/pictures/dataset.yaml",
            "checks: {}",
            "sensitive: [{pointer: /ext/contact, kind: email}]\nchecks: {}",
        )
    if case.key in rows():
        zoo.change(case.key, ext={"contact": PLAIN}, bump=0)
        zoo.commit("Plain")
    case.loud(zoo)
    path = zoo.folder / zoo.shard(case.key)
    text = path.read_text()
    if PLAIN not in text and '"ext":{"contact":' in text:
        path.write_text(re.sub(r'"ext":\{"contact":"[^"]*"', f'"ext":{{"contact":"{PLAIN}"', text))
    told = found(zoo, case.rule)
    assert told
    assert PLAIN not in repr(told)


JUDGED = {rule.id for rule in judgement.RULES}
"""Rules of `ci` alone: `tests/cli/test_ci.py` breaks them."""
KEYS = {
    "module.rewritten": "tests/cli/test_ci.py",
    "privacy.baseline": "tests/threats/test_baseline.py",
    "privacy.known": "tests/journeys/test_known.py",
    "register.owner": "tests/cli/test_registers.py",
    "register.rights": "tests/cli/test_registers.py",
    "under.label": "tests/cli/test_bindings.py",
    "under.outdated": "tests/cli/test_bindings.py",
    "waiver.expired": "tests/cli/test_waivers.py",
    "waiver.owner": "tests/cli/test_waivers.py",
    "waiver.unused": "tests/cli/test_waivers.py",
}
"""Rules that need keys, a policy, published texts in history or a lock before, which a zoo has not, and where they are broken and nearly broken."""


def test_every_rule_has_a_case_and_every_case_a_rule():
    assert {case.rule for case in CASES} == set(catalogue.every()) - KEYS.keys() - JUDGED
    top = Path(__file__).resolve().parents[2]
    assert all(rule in (top / path).read_text() for rule, path in KEYS.items())
    severities = {rule.id: rule.severity for rule in catalogue.every().values() if rule.id not in KEYS.keys() | JUDGED}
    assert {case.rule: case.severity for case in CASES} == severities


def test_a_rule_is_named_like_the_others_and_says_why():
    for name, rule in catalogue.every().items():
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", name)
        assert rule.severity in SEVERITIES
        assert rule.title
        assert rule.why.endswith(".")


def test_a_sound_repository_has_no_finding(zoo: Zoo):
    assert zoo.everything() == []


def test_documents_that_cannot_be_read_are_told_all_at_once(zoo: Zoo):
    zoo.replace("datasets/pets/dataset.yaml", "storage: git", "storage: s3")
    zoo.replace("datasets/pictures/dataset.yaml", "shards: 4", "shards: 5")
    zoo.replace("taxonomies/animals.yaml", "version: 1.0.0", "version: one")
    told = [
        (finding.rule, finding.place.path, finding.place.pointer, finding.place.line) for finding in zoo.everything()
    ]
    assert told == [
        ("document.schema", "datasets/pets/dataset.yaml", "/storage", 5),
        ("document.schema", "datasets/pictures/dataset.yaml", "/shards", 5),
        ("document.schema", "taxonomies/animals.yaml", "/version", 3),
    ]
