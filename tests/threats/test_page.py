"""The page on security and the tests name the same threats: thirty to trust, twenty to the people in the data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs/guide/security.md"


@pytest.mark.parametrize(("sign", "kind", "number"), [("", "threat", 30), ("P", "privacy", 20)])
def test_every_row_of_the_page_has_a_test_and_every_test_a_row(sign: str, kind: str, number: int):
    """The last cell links to each file that holds a test of the row, those elsewhere too, and to no other."""
    rows = re.findall(rf"^\| {sign}(\d+) \| .* \| `{kind}_(\d\d)`: (.*) \|$", PAGE.read_text(), re.MULTILINE)
    assert [int(one) for one, _, _ in rows] == [int(name) for _, name, _ in rows] == list(range(1, number + 1))
    linked = {name: re.findall(r"\[\w+\]\((\S+)\)", cell) for _, name, cell in rows}
    tried: dict[str, list[str]] = {name: [] for name in linked}
    for path in sorted(HERE.parent.rglob("test_*.py"), key=lambda path: (path.parent != HERE, path)):
        link = f"../../{path.relative_to(HERE.parents[1]).as_posix()}"
        names = re.findall(rf"^def test_{kind}((?:_\d\d)+)_", path.read_text(), re.MULTILINE)
        for one in {one for name in names for one in name[1:].split("_")}:
            tried[one].append(link)
    assert linked == tried
