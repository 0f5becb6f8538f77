"""A real browser without a network that opens one page as it lies: what it shows, measures, prints, and does when keys are pressed.

Playwright drives the browser that the system has; what it evaluates is not bound by the page's policy, so the page stays as it is.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_WORDS = ("--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND")
_TALLEST = 12_000
_PAPER = 718
"""Width of A4 in pixels of 1/96 inch, without 1 cm on both sides."""
_STOPS = 'a[href], summary, [tabindex="0"]'
_MEASURE = """
() => {
const parts = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
const over = (front, back) => { const a = front[3] === undefined ? 1 : front[3]; return [0, 1, 2].map(i => front[i] * a + back[i] * (1 - a)); };
const paper = over(parts(getComputedStyle(document.body).backgroundColor), [255, 255, 255]);
const ground = one => { const chain = []; for (let at = one; at; at = at.parentElement) chain.unshift(at);
  return chain.reduce((back, at) => over(parts(getComputedStyle(at).backgroundColor), back), paper); };
const light = rgb => { const c = rgb.map(v => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * c[0] + .7152 * c[1] + .0722 * c[2]; };
const faint = [], hidden = [];
for (const one of document.body.querySelectorAll('*')) {
  if (one.closest('svg') || one.closest('[aria-hidden]') || ![...one.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
  const back = ground(one), front = over(parts(getComputedStyle(one).color), back);
  const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
  const ratio = (a + .05) / (b + .05);
  if (ratio < 4.5) faint.push([one.tagName, one.className, one.textContent.slice(0, 40), ratio.toFixed(2)]);
  if (!one.closest('nav, .skip') && !one.checkVisibility({ contentVisibilityAuto: true })) hidden.push([one.tagName, one.className, one.textContent.slice(0, 40)]);
}
const place = one => { const r = one.getBoundingClientRect(); return [r.left + scrollX, r.top + scrollY, r.width, r.height]; };
const pictures = [...document.querySelectorAll('figure svg')].map(one => ({ view: one.getAttribute('viewBox'), label: one.getAttribute('aria-label'),
  place: place(one), went: [...one.querySelectorAll('rect.went')].map(place), came: [...one.querySelectorAll('rect.came')].map(place) }));
return { dark: matchMedia('(prefers-color-scheme: dark)').matches, paper, faint, hidden, width: innerWidth, pictures,
  height: document.documentElement.scrollHeight, wide: document.documentElement.scrollWidth > innerWidth };
}
"""
_FOCUSED = """
stops => { const at = document.activeElement, all = [...document.querySelectorAll(stops)], style = getComputedStyle(at), r = at.getBoundingClientRect();
  return { at: all.indexOf(at), open: at.tagName === 'SUMMARY' ? at.parentElement.open : null, marked: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0, what: at.outerHTML.slice(0, 80),
    seen: r.width > 0 && r.height > 0 && r.bottom > 0 && r.top < innerHeight && r.right > 0 && r.left < innerWidth }; }
"""
_AUDIT = """
async () => {
  document.querySelectorAll('details').forEach(one => { one.open = true; });
  const found = await axe.run(document, { resultTypes: ['violations'] });
  return { rules: found.passes.length,
    told: found.violations.map(one => ({ rule: one.id, help: one.help, where: one.nodes.slice(0, 5).map(node => node.html.slice(0, 160)) })) };
}
"""


class Look(NamedTuple):
    """What a browser shows and measures of a page."""

    facts: dict[str, Any]
    image: Image.Image


def look(page: Path, *, dark: bool = False, width: int = 1200) -> Look:
    """Open a page in a browser; the test is skipped where there is none.

    Args:
        page: an HTML file.
        dark: whether the person prefers dark colours.
        width: of the window in pixels.
    """
    with _browser() as browser, _opened(browser, page, dark=dark, width=width) as (shown, said):
        facts = _measured(shown, said)
        clip = {"x": 0, "y": 0, "width": width, "height": min(_TALLEST, facts["height"])}
        data = shown.screenshot(full_page=True, clip=clip)
        with Image.open(BytesIO(data)) as image:
            return Look(facts, image.convert("RGB"))


def audit(page: Path, *, dark: bool = False, width: int = 1200) -> list[dict[str, Any]]:
    """Return what axe-core finds wrong with a page for who reads it without eyes or mouse, everything in it unfolded.

    The test is skipped where there is no browser, or no axe-core.

    Args:
        page: an HTML file.
        dark: as for `look`.
        width: as for `look`.
    """
    with _browser() as browser, _opened(browser, page, dark=dark, width=width) as (shown, _):
        return _audited(shown)


def hold(page: Path, *, dark: bool) -> None:
    """Hold a page that people read: axe-core finds nothing wrong, it fits a telephone, is walked by keys, and prints whole.

    Args:
        page: an HTML file.
        dark: as for `look`.
    """
    with _browser() as browser:
        for width in (1200, 390):
            with _opened(browser, page, dark=dark, width=width) as (shown, said):
                facts = _measured(shown, said)
                assert (facts["dark"], facts["faint"], facts["wide"], facts["loaded"]) == (dark, [], False, []), facts
                if width == 1200:
                    walked(shown)
                    found = _audited(shown)
                    assert (found, said) == ([], []), (found, said)
        with _opened(browser, page, dark=dark, width=_PAPER) as (shown, said):
            shown.emulate_media(media="print", color_scheme="dark" if dark else "light")
            facts = _measured(shown, said)
            assert (facts["paper"], facts["faint"], facts["hidden"], facts["loaded"]) == (
                [255, 255, 255],
                [],
                [],
                [],
            ), facts
            assert shown.pdf().startswith(b"%PDF")


def quiet(pages: Iterable[Path]) -> None:
    """Hold that pages which are opened do nothing: no dialog, nothing asked for, no script, nothing for a browser to complain of.

    Args:
        pages: HTML files.
    """
    with _browser() as browser:
        for page in pages:
            with _opened(browser, page, dark=False, width=1200) as (shown, said):
                shown.mouse.move(300, 300)
                shown.keyboard.press("Tab")
                assert (said, shown.url, shown.evaluate("document.scripts.length")) == ([], page.as_uri(), 0), (
                    page,
                    said,
                )


def walked(shown: Page) -> None:
    """Hold that keys alone lead through a page: Tab to each stop, in order and seen, and back; Enter unfolds and follows a link.

    Args:
        shown: a page that nobody touched yet.
    """
    number = shown.locator(_STOPS).count()
    for at in range(number):
        shown.keyboard.press("Tab")
        stop = shown.evaluate(_FOCUSED, _STOPS)
        assert (stop["at"], stop["marked"], stop["seen"]) == (at, True, True), stop
        if stop["open"] is not None:
            shown.keyboard.press("Enter")
            assert shown.evaluate(_FOCUSED, _STOPS)["open"] is not stop["open"], stop
            if stop["open"]:
                shown.keyboard.press("Space")
    if number > 1:
        shown.keyboard.press("Shift+Tab")
        assert shown.evaluate(_FOCUSED, _STOPS)["at"] == number - 2
    if not shown.locator("nav, a[href]").count():
        return
    lead = shown.locator(_STOPS).first
    lead.focus()
    shown.keyboard.press("Enter")
    assert shown.evaluate("document.querySelector(':target') !== null"), "the first stop leads nowhere"


def _measured(shown: Page, said: list[str]) -> dict[str, Any]:
    """Return what a browser measures, and what the page asked for and complained of."""
    return {**shown.evaluate(_MEASURE), "loaded": list(said)}


def _audited(shown: Page) -> list[dict[str, Any]]:
    package = pytest.importorskip("axe_core_python", reason="axe-core-python is not installed")
    shown.evaluate((Path(package.__file__).parent / "axe.min.js").read_text())
    found = shown.evaluate(_AUDIT)
    assert found["rules"] > 0, "axe-core looked at nothing"
    return list(found["told"])


@contextmanager
def _opened(browser: Browser, page: Path, *, dark: bool, width: int) -> Iterator[tuple[Page, list[str]]]:
    """Open a page in a window of a width; beside it what it loaded from elsewhere, and what the browser complained of."""
    context = browser.new_context(
        viewport={"width": width, "height": 1000}, color_scheme="dark" if dark else "light", device_scale_factor=1
    )
    said: list[str] = []
    shown = context.new_page()
    shown.on("request", lambda asked: said.append(asked.url) if asked.url != page.as_uri() else None)
    shown.on("console", lambda told: said.append(told.text))
    shown.on("pageerror", lambda problem: said.append(str(problem)))
    shown.on("dialog", lambda box: said.append(box.message))
    shown.goto(page.as_uri())
    assert shown.evaluate("innerWidth") == width
    yield shown, said
    context.close()


@contextmanager
def _browser() -> Iterator[Browser]:
    """Start a browser, without a network where the system lets us; or skip, and say why."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip(f"no browser is installed ({', '.join(_NAMES)})")
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "browser")
        program.write_text(f'#!/bin/sh\nexec {_alone()}"{found}" "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        around = {**os.environ, "HOME": folder, "XDG_CONFIG_HOME": folder, "XDG_CACHE_HOME": folder}
        with driver.sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(program), args=list(_WORDS), env=around)
            yield browser
            browser.close()


def _alone() -> str:
    """Return the words that start a program without a network, where the system lets us."""
    tried = (
        subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False) if shutil.which("unshare") else None
    )
    return "unshare -n " if tried is not None and tried.returncode == 0 else ""
