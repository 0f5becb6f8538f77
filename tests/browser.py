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
const told = { dark, faint, pictures, height: document.documentElement.scrollHeight, wide: document.documentElement.scrollWidth > innerWidth,
  loaded: performance.getEntriesByType('resource').map(one => one.name.slice(0, 40)), focus, skip: focus[0] === 'A' };
document.documentElement.innerHTML = '<pre id="told"></pre>'; document.getElementById('told').textContent = JSON.stringify(told);
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
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip(f"no browser is installed ({', '.join(_NAMES)})")
    with tempfile.TemporaryDirectory() as folder:
        scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
        words = [*_alone(), found, *_WORDS, scheme, f"--user-data-dir={folder}/profile"]
        told = Path(folder, "told.html")
        script = f"<script>addEventListener('load', () => {{{_MEASURE}}})</script></body>"
        told.write_text(_POLICY.sub("", page.read_text()).replace("</body>", script))
        out = _run([*words, f"--window-size={width},1000", "--dump-dom", told.as_uri()], folder)
        said = re.search(r'<pre id="told">(.*?)</pre>', out, re.DOTALL)
        assert said, out[-2000:]
        facts = json.loads(html.unescape(said[1]))
        height = min(_TALLEST, facts["height"])
        _run([*words, f"--window-size={width},{height}", f"--screenshot={folder}/page.png", page.as_uri()], folder)
        with Image.open(f"{folder}/page.png") as image:
            return Look(facts, image.convert("RGB"))


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
