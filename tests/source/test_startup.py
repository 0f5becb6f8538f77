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
