"""Pages that people read are held, without a network: to axe-core with everything unfolded, on a telephone, by keys, on paper; in light and dark."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser import audit, hold, look
from tests.cli.test_report import lived
from tests.cli.test_review import changed
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["changed", "lived", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
SHADES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])


@SHADES
def test_a_review(changed: Zoo, labelvc: Run, tmp_path: Path, dark: bool):
    page = tmp_path / "page.html"
    assert labelvc(changed.folder, "review", "main...topic", "--format", "html", "-o", str(page))[0] == 0
    hold(page, dark=dark)


@SHADES
def test_a_diff(changed: Zoo, labelvc: Run, tmp_path: Path, dark: bool):
    page = tmp_path / "page.html"
    assert labelvc(changed.folder, "diff", "main...topic", "--format", "html", "-o", str(page))[0] == 0
    hold(page, dark=dark)


@SHADES
def test_a_dashboard(lived: Zoo, labelvc: Run, tmp_path: Path, dark: bool):
    page = tmp_path / "page.html"
    assert labelvc(lived.folder, "report", "main", "--format", "html", "-o", str(page))[0] == 0
    hold(page, dark=dark)


@SHADES
def test_a_guideline(labelvc: Run, tmp_path: Path, dark: bool):
    folder, page = tmp_path / "labels", tmp_path / "page.html"
    assert labelvc(tmp_path, "init", str(folder), "--template", "classification")[0] == 0
    assert labelvc(folder, "guideline", "render", "topic", "--format", "html", "-o", str(page))[0] == 0
    hold(page, dark=dark)


def test_axe_finds_what_is_wrong(tmp_path: Path):
    page = tmp_path / "page.html"
    page.write_text(
        "<!doctype html><html><head><title></title></head><body><h1>x</h1><h4>y</h4><img src='data:,'></body></html>"
    )
    found = {one["rule"] for one in audit(page)}
    assert {"html-has-lang", "document-title", "image-alt"} <= found


def test_what_is_measured_is_what_a_telephone_shows(tmp_path: Path):
    page = tmp_path / "page.html"
    page.write_text(
        "<!doctype html><html><head><style>body { background: #fff } i { display: block; width: 450px; height: 9px }</style></head>"
        "<body><p style='color: #999'>faint</p><i></i></body></html>"
    )
    narrow, wide = (look(page, width=width).facts for width in (390, 1200))
    assert (narrow["width"], narrow["wide"], wide["wide"]) == (390, True, False)
    assert [one[2] for one in narrow["faint"]] == ["faint"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("<a href='#x'>x</a><summary>loose</summary><p id='x'>x</p>", "'at'"),  # says that it can be reached, and cannot
        ("<style>a:focus { outline: 0 }</style><a href='#x'>x</a><a href='#x'>y</a><p id='x'>x</p>", "'marked': False"),
        ("<a href='#x'>x</a><a href='#x' style='position: absolute; left: -99rem'>y</a><p id='x'>x</p>", "'seen': False"),
        ("<a href='#x'>x</a><a href='#x'>y</a>", "leads nowhere"),
        ("<a href='#x'>x</a><a href='#x'>y</a><p id='x'>x</p><script src='http://e.vil/x.js'></script>", "http://e.vil/x.js"),
        ("<a href='#x'>x</a><a href='#x'>y</a><p id='x'>x</p><style>@media print { p { display: none } }</style>", "'P'"),
    ],
    ids=["unreachable", "unmarked", "unseen", "nowhere", "loads", "not printed"],
)  # fmt: skip
def test_what_keys_and_paper_do_not_reach_is_told(tmp_path: Path, body: str, why: str):
    page = tmp_path / "page.html"
    page.write_text(
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>x</title></head><body><main><h1>x</h1>{body}</main></body></html>"
    )
    with pytest.raises(AssertionError, match=re.escape(why)):
        hold(page, dark=False)
