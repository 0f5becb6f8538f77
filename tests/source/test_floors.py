"""The floors and homes of `pyproject.toml` hold, and breaking one is noticed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
LINT = Path(sys.executable).with_name("lint-imports")


def lint(top: Path) -> tuple[int, str]:
    """Run import-linter over a checkout; return its exit code and what it says."""
    done = subprocess.run(
        [LINT, "--no-cache", "--no-logo"],
        cwd=top,
        env={**os.environ, "PYTHONPATH": str(top / "src"), "NO_COLOR": "1", "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of the sources that a test may break."""
    shutil.copytree(TOP / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TOP / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_is_kept():
    code, said = lint(TOP)
    assert code == 0, said


BROKEN = {
    ("core/align.py", "import labelvc.store.git"): "labelvc.core is not allowed to import labelvc.store",
    ("store/git.py", "import labelvc.core.align"): "labelvc.store is not allowed to import labelvc.core",
    ("checks/values.py", "import labelvc.store.git"): "labelvc.checks is not allowed to import labelvc.store",
    ("errors.py", "import labelvc.resources"): "labelvc.errors is not allowed to import labelvc.resources",
    ("ops/check.py", "import click"): "labelvc.ops.check -> click",
    ("core/diff.py", "import subprocess"): "labelvc.core.diff -> subprocess",
    ("store/files.py", "import dvc.repo"): "labelvc.store.files -> dvc",
    ("cli/context.py", "import jsonschema"): "labelvc.cli.context -> jsonschema",
    ("newcomer.py", '"""A module on no floor."""'): "- labelvc.newcomer",
}


def test_each_broken_contract_is_named(checkout: Path):
    for module, line in BROKEN:
        with (checkout / "src" / "labelvc" / module).open("a") as file:
            file.write(f"\n{line}\n")
    code, said = lint(checkout)
    assert code == 1
    assert [words for words in BROKEN.values() if words not in said] == [], said
