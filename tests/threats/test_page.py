"""The page on security and the tests here name the same thirty threats."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs/guide/security.md"


def test_every_row_of_the_page_has_a_test_and_every_test_a_row():
    """The last cell links to each file that holds a test of the row, those elsewhere too, and to no other."""
    rows = re.findall(r"^\| (\d+) \| .* \| `threat_(\d\d)`: (.*) \|$", PAGE.read_text(), re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == [int(name) for _, name, _ in rows] == list(range(1, 31))
    linked = {name: re.findall(r"\[\w+\]\((\S+)\)", cell) for _, name, cell in rows}
    tried: dict[str, list[str]] = {name: [] for name in linked}
    for path in sorted(HERE.parent.rglob("test_*.py"), key=lambda path: (path.parent != HERE, path)):
        link = f"../../{path.relative_to(HERE.parents[1]).as_posix()}"
        names = re.findall(r"^def test_threat((?:_\d\d)+)_", path.read_text(), re.MULTILINE)
        for number in {number for name in names for number in name[1:].split("_")}:
            tried[number].append(link)
    assert linked == tried


def test_every_privacy_row_of_the_page_has_a_test_and_every_test_a_row():
    rows = re.findall(r"^\| P(\d+) \| .* \| `privacy_(\d\d)` \|$", PAGE.read_text(), re.MULTILINE)
    assert (
        [int(number) for number, _ in rows] == [int(name) for _, name in rows] == sorted(int(name) for _, name in rows)
    )
    tried = {
        int(n)
        for path in HERE.glob("test_*.py")
        for n in re.findall(r"^def test_privacy_(\d\d)_", path.read_text(), re.MULTILINE)
    }
    assert tried == {int(number) for number, _ in rows}
