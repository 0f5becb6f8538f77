"""What others may rely on is written down: public names, schemas with pages and examples, commands with pages."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import types
from pathlib import Path

import jsonschema
import pytest

import labelvc
from labelvc.cli import main
from labelvc.resources import folder

TOP = Path(__file__).resolve().parents[2]
SCHEMAS = sorted(folder("schemas").glob("*.json"))
EXAMPLES = TOP / "tests" / "examples"
FORMATS = TOP / "docs" / "formats"
REFERENCE = TOP / "docs" / "reference"


def noun(path: Path) -> str:
    return path.name.split(".")[0]


def test_public_names_are_all_and_sorted():
    found = {
        name for name, value in vars(labelvc).items() if name[0] != "_" and not isinstance(value, types.ModuleType)
    }
    dunder = {name for name in labelvc.__all__ if name.startswith("__")}
    assert sorted(found - {"annotations"} | dunder) == sorted(labelvc.__all__)
    assert sorted(labelvc.__all__) == list(labelvc.__all__)


def test_there_are_schemas():
    assert {
        "project",
        "dataset",
        "taxonomy",
        "guideline",
        "policy",
        "item",
        "record",
        "change-set",
        "approval",
        "finding",
    } <= set(map(noun, SCHEMAS))


@pytest.mark.parametrize("path", SCHEMAS, ids=noun)
def test_a_schema_names_itself_and_is_one(path: Path):
    schema = json.loads(path.read_bytes())
    found = re.fullmatch(r"(?P<noun>[a-z-]+)\.v(?P<version>[1-9][0-9]*)\.json", path.name)
    assert found, path.name
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:labelvc:schema:{found['noun']}:{found['version']}"
    assert schema.get("title"), "a title"
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", SCHEMAS, ids=noun)
def test_a_schema_has_a_page(path: Path):
    identity = json.loads(path.read_bytes())["$id"]
    assert [page.name for page in sorted(FORMATS.glob("*.md")) if identity in page.read_text()], (
        f"{identity} is in no page"
    )


@pytest.mark.parametrize("path", SCHEMAS, ids=noun)
@pytest.mark.parametrize("kind", ["valid", "invalid"])
def test_a_schema_has_examples(path: Path, kind: str):
    assert any(example.is_file() for example in (EXAMPLES / kind / noun(path)).glob("*")), (
        f"tests/examples/{kind}/{noun(path)}/"
    )


@pytest.mark.parametrize("name", sorted(name for names in main.HEADINGS.values() for name in names))
def test_a_command_has_a_page(name: str):
    page = REFERENCE / f"{name}.md"
    assert page.is_file(), f"run scripts/reference to write {page.name}"
    assert f"labelvc {name}" in page.read_text()


def test_generated_pages_are_current():
    done = subprocess.run(
        [sys.executable, TOP / "scripts" / "reference", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
