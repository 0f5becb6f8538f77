"""The demo of guidelines is a test: it asserts each step itself, and what it leaves behind is read here without labelvc."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts/demo-guidelines"


def test_the_demo_of_guidelines(tmp_path: Path):
    folder, scripts = tmp_path / "demo", Path(sys.executable).parent
    done = subprocess.run(
        [sys.executable, SCRIPT, "--folder", folder],
        env={**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    for words in (
        "delivery / delivery-damage",
        "too small a step",
        "2.0.0 would be published",
        "24 records of a label that was split",
        "Done in",
    ):
        assert words in done.stdout
    assert "Traceback" not in done.stdout
    labels = folder / "labels"
    status = subprocess.run(["git", "status", "--porcelain"], cwd=labels, capture_output=True, text=True, check=True)
    assert status.stdout == ""
    versions = (labels / "guidelines/topic.versions.jsonl").read_text().splitlines()
    assert [line.rpartition('"version":')[2] for line in versions] == [
        f'"{one}"}}' for one in ("1.0.0", "2.0.0", "2.0.1", "3.0.0")
    ]
    page = (folder / "topic.html").read_text()
    assert "does not come at all" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
