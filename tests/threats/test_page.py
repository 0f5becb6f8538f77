"""The page on security and the tests here name the same thirty threats."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs/guide/security.md"


def test_every_row_of_the_page_has_a_test_and_every_test_a_row():
    rows = re.findall(r"^\| (\d+) \| .* \| `threat_(\d\d)` \|$", PAGE.read_text(), re.MULTILINE)
    assert [int(number) for number, _ in rows] == [int(name) for _, name in rows] == list(range(1, 31))
    names = [
        name
        for path in HERE.glob("test_*.py")
        for name in re.findall(r"^def (test_threat_\w+)\(", path.read_text(), re.MULTILINE)
    ]
    tried = {int(number) for name in names for number in re.findall(r"_(\d\d)(?=_)", name)}
    assert tried == set(range(1, 31))


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
