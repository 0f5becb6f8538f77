"""What installed packages bring is listed: the package that the page on checks writes, one that cannot be loaded, and a format."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from labelvc.resources import folder
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
PAGE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "add-a-check.md"
POINTS = """\
[labelvc.checks]
short_texts = short_texts:ShortTexts
torn = torn:Check

[labelvc.formats]
sheets = short_texts:ShortTexts
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the page's package, and beside it a check that cannot be imported and a format, as pip would have."""
    place = tmp_path / "site"
    metadata = place / "short_texts-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: short-texts\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(POINTS)
    found = re.search(r"<!-- file: short_texts\.py -->\n```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    (place / "short_texts.py").write_text(found[1])
    (place / "torn.py").write_text("raise RuntimeError('secret of the machine')\n")
    monkeypatch.syspath_prepend(place)
    return place


def mine(out: str) -> str:
    """Return the lines of the packages that the test installed."""
    return "".join(re.findall(r"^\w+ +\w+ +short-texts .*\n(?: .*\n)*", out, re.MULTILINE))


def test_what_packages_bring_is_listed_with_the_datasets_that_name_it(zoo: Zoo, labelvc, packages: Path):
    code, out, _ = labelvc(zoo.folder, "plugin", "list")
    assert code == 0
    assert mine(out) == (
        "check   short_texts  short-texts 1.0  no dataset sets it, so it does not run\n"
        "        warning  text.short  Text is too short (threshold 20)\n"
        "check   torn  short-texts 1.0  torn:Check cannot be loaded: RuntimeError\n"
        "format  sheets  short-texts 1.0\n"
    )
    zoo.replace("datasets/pets/dataset.yaml", "checks: {}", "checks: {text.short: {severity: note}}")
    assert "short-texts 1.0  set by pets\n" in labelvc(zoo.folder, "plugin", "list")[1]


def test_the_list_as_json_has_a_schema(zoo: Zoo, labelvc, packages: Path):
    told = json.loads(labelvc(zoo.folder, "plugin", "list", "--format", "json")[1])
    jsonschema.validate(told, json.loads((folder("schemas") / "plugin-list.v1.json").read_bytes()))
    (short,) = [item for item in told["items"] if item["name"] == "short_texts"]
    assert [rule["id"] for rule in short["rules"]] == ["text.short"]


def test_outside_of_a_project_and_without_packages(tmp_path: Path, repo: Path, labelvc):
    for place in (tmp_path, repo):
        code, out, err = labelvc(place, "plugin", "list")
        assert (code, mine(out), err) == (0, "", "")
