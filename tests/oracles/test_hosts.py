"""Outputs for code hosts, judged by the schema of OASIS and by readers that are not ours: sarif-tools, junitparser."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import jsonschema_rs
import junitparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sarif.loader import load_sarif_file

from labelvc.cli.render import github, gitlab, hosts, junit, sarif
from labelvc.cli.render.hosts import Judged
from labelvc.model.finding import SEVERITIES, Finding, Place
from labelvc.ops import catalogue
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
OASIS = json.loads(
    (Path(__file__).resolve().parents[1] / "data" / "sarif" / "sarif-schema-2.1.0.json").read_text("utf-8")
)
CODE_QUALITY = {
    # written after docs.gitlab.com, "Code Quality report format": what GitLab reads, with the values that it knows
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{16}(-[0-9]+)?$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^(?!\\./|/).+"},
                    "lines": {"type": "object", "required": ["begin"], "properties": {"begin": {"minimum": 1}}},
                },
            },
        },
    },
}
HOSTILE = [
    "two\nlines\r\n::error file=a::gone",
    "::warning::x",
    "%0A%25%3A::set-output name=a::b",
    "]]><failure/><!-- & \"quoted\" 'twice'",
    "<script>alert(1)</script>",
    "nul \0 bell \a escape \x1b[31m del \x7f",
    "bidi \u202egnp.exe\u2066 mark \u200f",
    "\ud800 lone \udc80 surrogates",
    "\ufffe\uffff no characters",
    "\u2028 line \u2029 paragraph \x85 next",
    "{0} {nothing} {{",
    "[a link](https://example.org/) [1](1)",
    "=1+1",
    "  \t ",
    "ünïcode 語 🦤",
    "x" * 100_000,
]
RULES = catalogue.every()
FILES = frozenset({"labelvc.yaml", "datasets/pets/dataset.yaml", "datasets/pets/annotations/1.jsonl", "README.md"})
JUDGED = Judged("main", "HEAD", FILES, {"": (), "pets": (RULES["score.range"], RULES["label.unknown"])})


def at(path: str = "datasets/pets/annotations/1.jsonl", line: int = 7, key: str = "pets/p1#m1") -> Place:
    return Place(path, line, key, "/value")


def found(severity: str = "error", message: str = "it is wrong", rule: str = "score.range", **place: Any) -> Finding:
    return Finding(rule, severity, at(**place), message, "mend it", "labelvc.test/1")


hostile = [
    Finding(rule, severity, Place(text, 3, text, text), text, text, text)
    for text in HOSTILE
    for rule, severity in (("score.range", "error"), (text, "warning"))
] + [Finding("label.unknown", "note", at(key=text), text, text) for text in HOSTILE]
texts = st.text(alphabet=st.characters(exclude_categories=()), max_size=40)
some_text = st.text(alphabet=st.characters(exclude_categories=()), min_size=1, max_size=40)
findings = st.lists(
    st.builds(
        Finding,
        some_text | st.sampled_from(sorted(RULES)),
        st.sampled_from(SEVERITIES),
        st.builds(Place, texts | st.sampled_from(sorted(FILES)), st.integers(0, 9), texts, texts),
        some_text,
        texts,
        texts,
    ),
    max_size=30,
)


def harmless(text: str) -> bool:
    """Tell whether a text moves, reorders and ends nothing where it is shown."""
    return all(unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"} for c in text)


def strings(value: Any) -> list[str]:
    """Return every string in a JSON value."""
    if isinstance(value, dict):
        return [text for inner in value.values() for text in strings(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in strings(inner)]
    return [value] if isinstance(value, str) else []


# ---------------------------------------------------------------- SARIF
SARIF = jsonschema_rs.Draft4Validator(OASIS, validate_formats=True)


def sarif_of(some: list[Finding], judged: Judged = JUDGED) -> dict[str, Any]:
    """Return the run, after the schema said yes."""
    whole = json.loads(sarif.write(some, RULES, judged).encode())
    SARIF.validate(whole)
    (run,) = whole["runs"]
    return run


def test_the_schema_refuses_what_is_wrong():
    whole = json.loads(sarif.write([found()], RULES, JUDGED))
    for path, value in (("level", "fatal"), ("locations", [{"physicalLocation": {"region": {"startLine": 0}}}])):
        bad = json.loads(json.dumps(whole))
        bad["runs"][0]["results"][0][path] = value
        assert not SARIF.is_valid(bad)


def test_a_second_validator_agrees():
    whole = json.loads(sarif.write([found()], RULES, JUDGED))
    jsonschema.Draft4Validator(OASIS, format_checker=jsonschema.FormatChecker()).validate(whole)


def test_sarif_of_hostile_texts_is_valid_and_each_result_has_a_place_and_a_rule():
    run = sarif_of(hostile)
    assert len(run["results"]) == len(hostile)
    rules = run["tool"]["driver"]["rules"]
    assert set(RULES) <= {rule["id"] for rule in rules}
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        (location,) = result["locations"]
        where = location["physicalLocation"]
        assert unquote(where["artifactLocation"]["uri"]) in FILES
        assert where["region"]["startLine"] >= 1
        assert not re.search(r"\[[^\]]*\]\(", result["message"]["text"])
        assert not re.search(r"(?<!\{)\{(\{\{)*[^{]", result["message"]["text"])
        assert len(result["message"]["text"]) <= 3000
    assert all(harmless(text) for text in strings(run))


@given(findings)
def test_any_findings_make_valid_sarif(some: list[Finding]):
    run = sarif_of(some)
    assert [SEVERITIES.index(result["level"]) for result in run["results"]] == sorted(
        [SEVERITIES.index(one.severity) for one in some], reverse=True
    )
    marks = [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]
    assert len(set(marks)) == len(marks)


def test_an_independent_reader_counts_the_same(tmp_path: Path):
    some = [found(), found("error", "other"), found("warning", rule="label.unknown"), found("note", rule="file.link")]
    path = tmp_path / "findings.sarif"
    path.write_text(sarif.write([*some, *hostile], RULES, JUDGED), "utf-8")
    read = load_sarif_file(str(path))
    counts = Counter(one.severity for one in [*some, *hostile])
    assert {name: read.get_report().get_issue_count_for_severity(name) for name in SEVERITIES} == counts
    record = next(row for row in read.get_records() if "other" in row["Description"])
    assert (record["Tool"], record["Severity"], record["Code"]) == ("labelvc", "error", "score.range")
    assert (record["Location"], record["Line"]) == ("datasets/pets/annotations/1.jsonl", 7)


def test_a_fingerprint_does_not_move_with_its_line():
    marks = [
        sarif_of([found(line=line)])["results"][0]["partialFingerprints"]["primaryLocationLineHash"] for line in (1, 9)
    ]
    assert marks[0] == marks[1] == found().fingerprint


def test_no_more_results_than_a_host_takes_the_most_severe_first_and_the_rest_counted():
    some = [found("note", f"n{number}") for number in range(sarif.MOST)] + [found("error", f"e{n}") for n in range(3)]
    run = json.loads(sarif.write(some, RULES, JUDGED))["runs"][0]
    assert len(run["results"]) == sarif.MOST
    assert [result["level"] for result in run["results"][:4]] == ["error", "error", "error", "note"]
    (said,) = run["invocations"][0]["toolExecutionNotifications"]
    assert said["message"]["text"].startswith("3 more findings not listed here")
    assert sarif_of([found()])["invocations"][0]["toolExecutionNotifications"] == []


@pytest.mark.parametrize(
    ("path", "line", "files", "anchor"),
    [
        ("datasets/pets/annotations/1.jsonl", 7, FILES, ("datasets/pets/annotations/1.jsonl", 7)),
        ("README.md", 0, FILES, ("README.md", 1)),
        ("", 0, FILES, ("labelvc.yaml", 1)),
        ("taxonomies/gone.yaml", 4, FILES, ("labelvc.yaml", 1)),
        ("datasets/pets/annotations", 0, FILES, ("datasets/pets/dataset.yaml", 1)),
        ("datasets/pets", 0, FILES, ("datasets/pets/dataset.yaml", 1)),
        ("datasets/gone", 3, FILES, ("labelvc.yaml", 1)),
        (
            "datasets/pets/annotations/1.jsonl",
            7,
            FILES | {"datasets/pets/annotations.dvc"},
            ("datasets/pets/annotations.dvc", 1),
        ),
        (
            "datasets/pets/items/1.jsonl",
            7,
            FILES | {"datasets/pets/items/1.jsonl", "datasets/pets/annotations.dvc"},
            ("datasets/pets/items/1.jsonl", 7),
        ),
    ],
)
def test_every_finding_is_told_at_a_file_that_the_host_has(path, line, files, anchor):
    assert hosts.anchor(Place(path, line), files) == anchor


def test_a_path_that_is_no_utf_8_is_spelt_as_its_bytes():
    name = b"datasets/pets/annotations/\xff %.jsonl".decode(errors="surrogateescape")
    run = sarif_of([found(path=name)], JUDGED._replace(files={name}))
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "datasets/pets/annotations/%FF%20%25.jsonl"


# ---------------------------------------------------------------- JUnit
def junit_of(some: list[Finding], judged: Judged = JUDGED) -> dict[str, dict[str, junitparser.TestCase]]:
    read = junitparser.JUnitXml.fromstring(junit.write(some, RULES, judged).encode())
    suites = {suite.name: {case.name: case for case in suite} for suite in read}
    cases = [case for suite in suites.values() for case in suite.values()]
    assert (read.tests, read.failures, read.errors) == (len(cases), sum(bool(case.result) for case in cases), 0)
    return suites


def test_a_rule_that_judged_and_found_nothing_is_a_case_that_passed():
    suites = junit_of([found()])
    assert {name: sorted(cases) for name, cases in suites.items()} == {
        "(project)": [],
        "pets": ["label.unknown", "score.range"],
    }
    assert suites["pets"]["label.unknown"].is_passed
    (failure,) = suites["pets"]["score.range"].result
    assert (failure.type, failure.message) == ("error", "1 finding: Score is out of range")
    assert "pets/p1#m1: it is wrong (next: mend it)" in failure.text


def test_the_first_twenty_findings_are_told_and_the_rest_is_counted():
    some = [found("warning", f"m{number}") for number in range(23)] + [found("error", "the worst")]
    (failure,) = junit_of(some)["pets"]["score.range"].result
    lines = failure.text.split("\n")
    assert len(lines) == junit.LISTED + 1
    assert "the worst" in lines[0]
    assert lines[-1] == "and 4 more findings"


def test_a_case_fails_where_the_command_does():
    some = [found("warning")]
    assert junit_of(some)["pets"]["score.range"].is_passed
    assert "it is wrong" in junit_of(some)["pets"]["score.range"].system_out
    assert junit_of(some, JUDGED._replace(fail_on="warning"))["pets"]["score.range"].result


@given(findings)
def test_any_findings_make_xml_that_is_read(some: list[Finding]):
    suites = junit_of(some)
    assert {"(project)", "pets"} == set(suites)


def test_hostile_texts_stay_texts_in_junit():
    written = junit.write(hostile, RULES, JUDGED)
    assert harmless(written.replace("\n", ""))
    cases = [case for suite in junit_of(hostile).values() for case in suite.values()]
    assert len(cases) == len(HOSTILE) + 3  # and score.range of the project, score.range and label.unknown of pets
    assert "<script>" in "".join(case.system_out or "" for case in cases)


# ---------------------------------------------------------------- GitLab
def gitlab_of(some: list[Finding]) -> list[dict[str, Any]]:
    items = json.loads(gitlab.write(some, RULES, JUDGED).encode())
    jsonschema.Draft202012Validator(CODE_QUALITY).validate(items)
    assert len({item["fingerprint"] for item in items}) == len(items) == len(some)
    assert all(harmless(text) for text in strings(items))
    return items


@given(findings)
def test_any_findings_make_a_code_quality_report(some: list[Finding]):
    gitlab_of(some + some)


def test_a_code_quality_report_says_what_and_where():
    gitlab_of(hostile)
    items = gitlab_of([found("note"), found("error"), found("warning")])
    assert [item["severity"] for item in items] == ["critical", "minor", "info"]
    assert items[0] == {
        "description": "Score is out of range: pets/p1#m1: it is wrong (next: mend it)",
        "check_name": "score.range",
        "fingerprint": found().fingerprint,
        "severity": "critical",
        "location": {"path": "datasets/pets/annotations/1.jsonl", "lines": {"begin": 7}},
    }


# ---------------------------------------------------------------- GitHub
def commands(written: str) -> list[tuple[str, dict[str, str], str]]:
    """Read workflow commands as a runner does: `::NAME key=value,key=value::DATA` at the start of a line, then unescaped."""
    read = []
    for line in written.splitlines():
        if not line.startswith("::"):
            raise ValueError(line)
        head, data = line[2:].split("::", 1)
        name, _, rest = head.partition(" ")
        properties = dict(part.split("=", 1) for part in rest.split(","))
        for escaped, plain in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            properties = {key: value.replace(escaped, plain) for key, value in properties.items()}
            data = data.replace(escaped, plain) if escaped not in ("%3A", "%2C") else data
        read.append((name, properties, data))
    return read


def test_an_annotation_says_what_and_where():
    assert github.write([found()], RULES, JUDGED) == (
        "::error file=datasets/pets/annotations/1.jsonl,line=7,title=Score is out of range (score.range)"
        "::pets/p1#m1: it is wrong (next: mend it)\n"
    )
    assert github.write([], RULES, JUDGED) == ""


@given(findings)
def test_any_findings_make_annotations_within_the_limits(some: list[Finding]):
    read = commands(github.write(some, RULES, JUDGED))
    levels = Counter(name for name, _, _ in read)
    assert set(levels) <= {"error", "warning", "notice"}
    assert all(number <= github.MOST for number in levels.values())
    assert all(harmless(text) for _, properties, data in read for text in (*properties.values(), data))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_makes_one_annotation_and_no_other_command(text: str):
    one = Finding(text, "error", Place(text, 1, text), text, text)
    written = github.write([one], RULES, JUDGED._replace(files={text}))
    ((name, properties, data),) = commands(written)
    assert (name, sorted(properties)) == ("error", ["file", "line", "title"])
    assert written.count("\n") == 1
    assert data == hosts.sentence(one)


def test_the_worst_are_shown_and_the_last_line_counts_the_rest():
    some = [found("note", f"n{n}") for n in range(12)] + [found("warning", "w")] * 3
    some += [found("error", f"e{n}") for n in range(14)]
    read = commands(github.write(some, RULES, JUDGED))
    assert [name for name, _, _ in read] == ["error"] * 10 + ["warning"] * 3 + ["notice"] * 10
    assert read[0][2].startswith("pets/p1#m1: e0")
    assert read[-1][2] == "and 4 errors, 3 notes more, which no annotation shows: see the report"


# ---------------------------------------------------------------- the command
def test_the_command_writes_each_form_of_one_judgement(zoo: Zoo, labelvc, tmp_path: Path):
    zoo.change("pets/p2#m1", value={"score": 9})
    zoo.change("pets/p3#m1", value={"score": 8})
    for form in ("sarif", "junit", "gitlab", "github"):
        code, out, err = labelvc(zoo.folder, "check", "--format", form)
        assert (code, err) == (1, "2 errors; 11 lines in 2 shards looked at\n") or err.startswith("2 errors; ")
        assert labelvc(zoo.folder, "--jobs", "2", "check", "--format", form)[:2] == (code, out)
        assert labelvc(zoo.folder, "-q", "check", "--format", form, "-o", str(tmp_path / form))[1:] == ("", "")
        assert (tmp_path / form).read_text("utf-8") == out
    run = json.loads((tmp_path / "sarif").read_text())["runs"][0]
    assert [result["ruleId"] for result in run["results"]] == ["score.range"] * 2
    cases = {case.name: case for suite in junitparser.JUnitXml.fromfile(str(tmp_path / "junit")) for case in suite}
    assert cases["score.range"].result
    assert cases["label.unknown"].is_passed
    assert len(json.loads((tmp_path / "gitlab").read_text())) == 2
    assert (tmp_path / "github").read_text().count("::error ") == 2


def test_what_lies_behind_dvc_is_told_at_its_pointer(zoo: Zoo, labelvc):
    zoo.change("pets/p2#m1", value={"score": 9})
    zoo.store_in_dvc()
    zoo.commit("Behind DVC")
    code, out, _ = labelvc(zoo.folder, "check", "--all", "--format", "github")
    assert code == 1
    assert [(properties["file"], properties["line"]) for _, properties, _ in commands(out)] == [
        ("datasets/pets/annotations.dvc", "1")
    ]


def test_a_rule_that_is_off_is_no_case(zoo: Zoo, labelvc):
    zoo.replace("datasets/pets/dataset.yaml", "checks: {}", "checks: {score.range: {severity: 'off'}}")
    zoo.change("pets/p2#m1", value={"score": 9})
    code, out, _ = labelvc(zoo.folder, "check", "--format", "junit")
    read = junitparser.JUnitXml.fromstring(out.encode())
    names = {suite.name: {case.name for case in suite} for suite in read}
    assert code == 0
    assert "score.range" not in names["pets"]
    assert "label.unknown" in names["pets"]


def test_documents_that_cannot_be_read_are_told_too(zoo: Zoo, labelvc):
    zoo.replace("taxonomies/animals.yaml", "labels:", "labels: [")
    code, out, _ = labelvc(zoo.folder, "check", "--format", "junit")
    assert code == 1
    cases = {case.name: case for suite in junitparser.JUnitXml.fromstring(out.encode()) for case in suite}
    assert cases["document.yaml"].result
    assert cases["document.version"].is_passed
