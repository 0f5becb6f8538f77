"""Start-up stays within its budget, counted in start-ups of a bare interpreter in the same run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROUNDS = 7


def processor_seconds(*arguments: str, cwd: Path) -> float:
    """Return the processor time of a child process."""
    before = os.times()
    subprocess.run(
        [sys.executable, *arguments], cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


@pytest.mark.parametrize(
    ("arguments", "budget"),
    [(("--help",), 11), (("check", "--help"), 25)],
    ids=["--help", "check --help"],
)
def test_start_up_is_light(
    tmp_path: Path, arguments: tuple[str, ...], budget: int, record_property: pytest.RecordProperty
):
    bare, ours = [], []
    for _ in range(ROUNDS):
        bare.append(processor_seconds("-c", "", cwd=tmp_path))
        ours.append(processor_seconds("-m", "labelvc.cli", *arguments, cwd=tmp_path))
    ratio = sum(ours) / sum(bare)
    record_property("start-ups of a bare interpreter", round(ratio, 1))
    assert ratio <= budget, (
        f"{1000 * sum(ours) / ROUNDS:.0f} ms of processor time against {1000 * sum(bare) / ROUNDS:.0f}"
    )


COUNT = """
import re._compiler, sys
compiled, real = [], re._compiler.compile
def counted(pattern, *flags):
    caller = sys._getframe(1)
    while caller.f_globals["__name__"].partition(".")[0] == "re":
        caller = caller.f_back
    compiled.append(caller.f_globals["__name__"])
    return real(pattern, *flags)
re._compiler.compile = counted
from labelvc.cli import main
main.run(["--help"])
print("@", *compiled, "@", *sys.modules)
"""


def test_help_compiles_no_pattern_of_ours_and_loads_nothing_for_what_goes_wrong(tmp_path: Path):
    done = subprocess.run([sys.executable, "-c", COUNT], cwd=tmp_path, capture_output=True, text=True, check=True)
    _, compiled, modules = done.stdout.rsplit("@", 2)
    assert "click._compat" in compiled.split()  # the counter counts
    assert [name for name in compiled.split() if name.startswith("labelvc")] == []
    assert not {*modules.split()} & {"traceback", "difflib"}
