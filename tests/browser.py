"""A real browser without a network that looks at one page: a screenshot, and what it measures of the page.

The page itself is shown as it is. To measure, a copy is opened to which a script is added and whose policy lets it run.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_WORDS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--force-device-scale-factor=1", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
_TALLEST = 12_000
_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
_MEASURE = """
UNSEEN
const dark = matchMedia('(prefers-color-scheme: dark)').matches;
const paper = getComputedStyle(document.body).backgroundColor;
const parts = text => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
const over = (front, back) => { const a = front[3] === undefined ? 1 : front[3]; return [0, 1, 2].map(i => front[i] * a + back[i] * (1 - a)); };
const ground = one => { const chain = []; for (let at = one; at; at = at.parentElement) chain.unshift(at);
  return chain.reduce((back, at) => over(parts(getComputedStyle(at).backgroundColor), back), parts(paper)); };
const light = rgb => { const c = rgb.map(v => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * c[0] + .7152 * c[1] + .0722 * c[2]; };
const faint = [];
for (const one of document.body.querySelectorAll('*')) {
  if (one.closest('svg') || one.closest('[aria-hidden]') || ![...one.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
  const back = ground(one), front = over(parts(getComputedStyle(one).color), back);
  const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
  const ratio = (a + .05) / (b + .05);
  if (ratio < 4.5) faint.push([one.tagName, one.className, one.textContent.slice(0, 40), ratio.toFixed(2)]);
}
const place = one => { const r = one.getBoundingClientRect(); return [r.left + scrollX, r.top + scrollY, r.width, r.height]; };
const pictures = [...document.querySelectorAll('figure svg')].map(one => ({ view: one.getAttribute('viewBox'), label: one.getAttribute('aria-label'),
  place: place(one), went: [...one.querySelectorAll('rect.went')].map(place), came: [...one.querySelectorAll('rect.came')].map(place) }));
const focus = [...document.querySelectorAll('a[href], summary, [tabindex="0"]')].map(one => one.tagName);
const told = { dark, faint, width: innerWidth, pictures, height: document.documentElement.scrollHeight, wide: document.documentElement.scrollWidth > innerWidth,
  unseen: unseen.map(one => one.outerHTML.slice(0, 80)), loaded: performance.getEntriesByType('resource').map(one => one.name.slice(0, 40)), focus, skip: focus[0] === 'A' };
parent.told(told);
"""


_UNSEEN = """
const unseen = [...document.querySelectorAll('a[href], summary, [tabindex="0"]')].filter(one => { one.focus();
  const style = getComputedStyle(one); return document.activeElement === one && (style.outlineStyle === 'none' || !parseFloat(style.outlineWidth)); });
document.activeElement.blur();
"""
_AUDIT = """
document.querySelectorAll('details').forEach(one => { one.open = true; });
axe.run(document, { resultTypes: ['violations'] }).then(found => {
  const told = found.violations.map(one => ({ rule: one.id, help: one.help, where: one.nodes.slice(0, 5).map(node => node.html.slice(0, 160)) }));
  parent.told({ told, rules: found.passes.length });
});
"""
_PATIENCE = 60_000
_AROUND = """<!doctype html><html><head><meta name="color-scheme" content="light dark"></head><body style="margin: 0">
<script>window.told = said => { document.documentElement.innerHTML = '<pre id="told"></pre>'; document.getElementById('told').textContent = JSON.stringify(said); };</script>
<iframe style="border: 0; width: WIDTHpx; height: 1000px" srcdoc="PAGE"></iframe></body></html>"""
"""The page as a frame of just that width: a browser makes no window as narrow as a telephone."""


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
    with tempfile.TemporaryDirectory() as folder:
        words = _started(folder, dark=dark)
        script = f"addEventListener('load', () => {{{_MEASURE.replace('UNSEEN', _UNSEEN)}}})"
        facts = _told(words, page, f"<script>{script}</script>", folder, width)
        assert facts["width"] == width
        height = min(_TALLEST, facts["height"])
        _run([*words, f"--window-size={width},{height}", f"--screenshot={folder}/page.png", page.as_uri()], folder)
        with Image.open(f"{folder}/page.png") as image:
            return Look(facts, image.convert("RGB"))


def audit(page: Path, *, dark: bool = False, width: int = 1200) -> list[dict[str, Any]]:
    """Return what axe-core finds wrong with a page for who reads it without eyes or mouse, everything in it unfolded.

    The test is skipped where there is no browser, or no axe-core.

    Args:
        page: an HTML file.
        dark: as for `look`.
        width: as for `look`.
    """
    package = pytest.importorskip("axe_core_python", reason="axe-core-python is not installed")
    with tempfile.TemporaryDirectory() as folder:
        words = [*_started(folder, dark=dark), f"--virtual-time-budget={_PATIENCE}"]
        shutil.copy(Path(package.__file__).parent / "axe.min.js", folder)
        script = f"<script src='axe.min.js'></script><script>addEventListener('load', () => {{{_AUDIT}}})</script>"
        told = _told(words, page, script, folder, width)
        assert told["rules"] > 0, "axe-core looked at nothing"
        return list(told["told"])


def hold(page: Path, *, dark: bool) -> None:
    """Hold that axe-core finds nothing wrong with a page, and that it can be read and stepped through on a telephone.

    Args:
        page: an HTML file.
        dark: as for `look`.
    """
    assert audit(page, dark=dark) == []
    facts = look(page, dark=dark, width=390).facts
    assert (facts["dark"], facts["faint"], facts["unseen"], facts["skip"]) == (dark, [], [], True)
    assert (facts["wide"], facts["loaded"]) == (False, [])


def _started(folder: str, *, dark: bool) -> list[str]:
    """Return the words that start a browser, or skip."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip(f"no browser is installed ({', '.join(_NAMES)})")
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    return [*_alone(), found, *_WORDS, scheme, f"--user-data-dir={folder}/profile"]


def _told(words: list[str], page: Path, script: str, folder: str, width: int) -> dict[str, Any]:
    """Return what a script says of a copy of a page."""
    copy = Path(folder, "told.html")
    inner = _POLICY.sub("", page.read_text()).replace("</body>", f"{script}</body>")
    copy.write_text(_AROUND.replace("WIDTH", str(width)).replace("PAGE", html.escape(inner)))
    out = _run([*words, f"--window-size={max(width, 600)},1000", "--dump-dom", copy.as_uri()], folder)
    said = re.search(r'<pre id="told">(.*?)</pre>', out, re.DOTALL)
    assert said, out[-2000:]
    return dict(json.loads(html.unescape(said[1])))


def _alone() -> list[str]:
    """Return what starts a program without a network, where the system lets us."""
    tried = (
        subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False) if shutil.which("unshare") else None
    )
    return ["unshare", "-n"] if tried is not None and tried.returncode == 0 else []


def _run(words: list[str], home: str) -> str:
    environment = {**os.environ, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home}
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
