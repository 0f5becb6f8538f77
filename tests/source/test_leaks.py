"""No file of the project names somebody's machine or one package index."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LEAKS = Path(__file__).resolve().parents[2] / "scripts" / "leaks"


def leaks(*paths: Path) -> tuple[int, str]:
    done = subprocess.run([sys.executable, LEAKS, *paths], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_tracked_files_do_not_leak():
    assert leaks() == (0, "no leaks\n")


@pytest.mark.parametrize(
    "halves",
    [
        ("see /wo", "rk/main"),
        ("cd /ro", "ot/x"),
        ("--index-url https://py", "pi.org/simple"),
        ("files.python", "hosted.org"),
    ],
)
def test_a_leak_is_found_with_its_place(tmp_path: Path, halves: tuple[str, str]):
    page = tmp_path / "page.md"
    page.write_text("a quiet line\n" + "".join(halves) + "\n")
    code, said = leaks(page)
    assert code == 1
    assert said.startswith(f"{page}:2: ")


@pytest.mark.parametrize("text", ["datasets/work/items", "$HOME/work/x", "a homework/root", "rooted"])
def test_words_that_only_look_alike_are_no_leak(tmp_path: Path, text: str):
    page = tmp_path / "page.md"
    page.write_text(text + "\n")
    assert leaks(page) == (0, "no leaks\n")
