"""policy codeowners: a reader that other people wrote finds for every path whom the policy asks."""

from __future__ import annotations

from pathlib import Path

import pytest
from codeowners import CodeOwners
from inline_snapshot import snapshot

from labelvc.core import codeowners
from labelvc.model.policy import Need, Policy, Principal, Role, Rule

PEOPLE = {
    "ada": Principal("Ada", emails=("ada@example.org", "ada@home.example")),
    "ben": Principal("Ben", emails=("ben@example.org",)),
    "cy": Principal("Cy"),
}
POLICY = Policy(
    1,
    None,
    "r",
    PEOPLE,
    {"lead": Role(("ada",)), "reviewer": Role(("ben", "ada")), "warden": Role(("cy",)), "root": Role(("ada",))},
    (
        Rule("labels", ("labels", "items"), (Need("reviewer"),)),
        Rule("documents", ("guidelines", "taxonomies", "datasets", "project"), (Need("lead"),)),
        Rule("decisions", ("registers",), (Need("reviewer"),), paths=("registers/decision/**",)),
        Rule("privacy", ("privacy",), (Need("warden"),)),
        Rule("controls", ("controls",), (Need("root"),)),
    ),
)
PATHS = (
    "labelvc.yaml",
    "README.md",
    ".gitattributes",
    ".github/workflows/ci.yml",
    "datasets/texts/dataset.yaml",
    "datasets/texts/annotations/00.jsonl",
    "datasets/texts/annotations/00/0001.jsonl",
    "datasets/texts/items/00.jsonl",
    "datasets/far/dataset.yaml",
    "datasets/far/annotations.dvc",
    "datasets/far/annotations.sha256",
    "guidelines/topic.yaml",
    "guidelines/other.yaml",
    "taxonomies/topics.yaml",
    "registers/decision/0001-two.yaml",
    "registers/risk/0001-faces.yaml",
    "privacy/epochs.jsonl",
    "trust/policy.json",
    "releases/1.0.0.json",
)
NAMED = {
    "guidelines/topic.yaml": "ben",
    "guidelines/other.yaml": "labeling lead",
    "registers/risk/0001-faces.yaml": "ben",
}


def test_lines():
    assert codeowners.text(codeowners.lines(POLICY, PATHS, NAMED)) == snapshot("""\
/.gitattributes ada@example.org
/.github/ ada@example.org
/guidelines/ ada@example.org
/labelvc.yaml ada@example.org
# /privacy/ nobody of warden has an address
# /registers/ no rule of the policy is about it
/releases/ ada@example.org
/taxonomies/ ada@example.org
/trust/ ada@example.org
/datasets/far/ ada@example.org
/datasets/texts/ ada@example.org
/guidelines/topic.yaml ben@example.org
/registers/decision/ ben@example.org ada@example.org
/datasets/far/annotations.dvc ben@example.org ada@example.org
/datasets/far/annotations.sha256 ben@example.org ada@example.org
/datasets/texts/annotations/ ben@example.org ada@example.org
/datasets/texts/items/ ben@example.org ada@example.org
/registers/risk/0001-faces.yaml ben@example.org
""")


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("labelvc.yaml", ["ada"]),
        ("README.md", []),
        ("datasets/texts/dataset.yaml", ["ada"]),
        ("datasets/texts/annotations/00.jsonl", ["ben", "ada"]),
        ("datasets/texts/annotations/00/0001.jsonl", ["ben", "ada"]),
        ("datasets/texts/items/01.jsonl", ["ben", "ada"]),
        ("datasets/far/annotations.dvc", ["ben", "ada"]),
        ("datasets/far/annotations.sha256", ["ben", "ada"]),
        ("guidelines/topic.yaml", ["ben"]),
        ("guidelines/other.yaml", ["ada"]),
        ("guidelines/new.yaml", ["ada"]),
        ("registers/decision/0001-two.yaml", ["ben", "ada"]),
        ("registers/decision/0002-new.yaml", ["ben", "ada"]),
        ("registers/risk/0001-faces.yaml", ["ben"]),
        ("registers/risk/0002-new.yaml", []),
        ("privacy/epochs.jsonl", []),
        ("trust/policy.json", ["ada"]),
        ("releases/1.1.0.json", ["ada"]),
        (".github/workflows/other.yml", ["ada"]),
    ],
)
def test_another_reader_finds_whom_the_policy_asks(path: str, owners: list[str]):
    read = CodeOwners(codeowners.text(codeowners.lines(POLICY, PATHS, NAMED)))
    assert read.of(path) == [("EMAIL", f"{name}@example.org") for name in owners]


def test_a_path_with_blanks_and_stars_is_meant_literally():
    read = CodeOwners(codeowners.text(codeowners.lines(POLICY, ["sub dir/[x]*/.gitattributes"], {})))
    assert read.of("sub dir/[x]*/.gitattributes") == [("EMAIL", "ada@example.org")]
    assert read.of("sub dir/x/.gitattributes") == []


@pytest.fixture
def labels(repo, labelvc, git, ssh_key) -> Path:
    """Return a project with a policy."""
    assert labelvc(repo, "init", "--template", "classification", "--name", "demo", "--key", str(ssh_key("ada")))[0] == 0
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "Begin")
    return repo


def test_it_is_written_where_it_lies_and_no_edit_is_lost(labels, labelvc):
    (labels / ".github").mkdir()
    there = labels / ".github/CODEOWNERS"
    there.write_text("* @somebody\n")
    code, out, err = labelvc(labels, "policy", "codeowners")
    assert (code, err) == (0, "")
    code, _, err = labelvc(labels, "policy", "codeowners", "--write")
    assert (code, there.read_text(), "--force" in err) == (1, "* @somebody\n", True), err
    assert labelvc(labels, "policy", "codeowners", "--write", "--force")[0] == 0
    assert there.read_text() == out
    assert labelvc(labels, "policy", "codeowners", "--write")[0] == 0, "what it wrote itself it replaces"
    there.write_text(out + "/mine @me\n")
    assert labelvc(labels, "policy", "codeowners", "--write")[0] == 1
    there.unlink()
    assert labelvc(labels, "policy", "codeowners", "--write")[0] == 0
    expected = out.replace("/.github/", "/CODEOWNERS").splitlines()[1:]
    assert sorted((labels / "CODEOWNERS").read_text().splitlines()[1:]) == sorted(expected)


def test_what_nobody_owns_is_told(labels, labelvc):
    key = str(labels.parent / "ada.key")
    code, _, err = labelvc(labels, "policy", "rule", "remove", "controls", "--sign-with", key)
    assert code == 0, err
    code, out, err = labelvc(labels, "policy", "codeowners")
    assert (code, "unowned: /.gitattributes no rule of the policy is about it" in err) == (1, True), out + err
    assert "# /.gitattributes no rule of the policy is about it\n" in out


def test_without_a_policy_there_is_nothing_to_make_it_of(repo, labelvc):
    assert labelvc(repo, "init", "--template", "rating")[0] == 0
    code, _, err = labelvc(repo, "policy", "codeowners")
    assert (code, "no root of trust or no policy" in err) == (2, True), err


def test_init_for_a_host_writes_it_and_renews_what_nobody_edited(labels, labelvc, git):
    said = lambda: labelvc(labels, "init", "--ci", "github")[1]  # noqa: E731
    there = labels / "CODEOWNERS"
    assert said().splitlines() == [
        ".github/workflows/labels.yml  written",
        "CODEOWNERS                    written",
        "next: have them approved, and see docs/guide/ci.md for what to set on the host",
    ]
    first = there.read_text()
    assert labelvc(labels, "policy", "codeowners")[:2] == (0, first)
    assert "CODEOWNERS                    as it was\n" in said()
    key = str(labels.parent / "ada.key")
    code, _, err = labelvc(labels, "policy", "rule", "remove", "controls", "--sign-with", key)
    assert code == 0, err
    out = said()
    assert "CODEOWNERS                    renewed\n" in out
    assert "unowned: /.gitattributes no rule of the policy is about it\n" in out
    assert there.read_text() != first
    there.write_text(first + "/mine @me\n")
    assert "CODEOWNERS                    says otherwise; left as it is\n" in said()
    assert there.read_text() == first + "/mine @me\n"
    labelvc(labels, "init", "--ci", "make")
    assert "CODEOWNERS" not in labelvc(labels, "init", "--ci", "make")[1]
