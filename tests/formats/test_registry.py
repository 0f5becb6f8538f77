"""Formats are found by name, imported when asked for, and others may add theirs."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from labelvc.errors import ConfigurationError
from labelvc.formats import registry


@pytest.mark.parametrize("name", registry.names())
def test_every_format_says_what_it_is_and_what_it_loses(name: str) -> None:
    form = registry.find(name)
    assert form.name == name
    assert form.title
    assert form.reads
    assert form.writes
    assert form.fidelity.kept
    assert form.fidelity.lost


def test_built_in_formats_ask_no_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "entry_points", None)
    assert registry.find("csv").name == "csv"


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    said = "import sys, labelvc.formats.registry as r; r.find('voc'); print([n for n in r.names() if f'labelvc.formats.{n}' in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True).stdout.strip()
        == "['voc']"
    )


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ConfigurationError) as caught:
        registry.find("parquet")
    assert "csv, jsonl, voc" in caught.value.hint


def _package(folder: Path, value: str) -> None:
    information = folder / "labelvc_other-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: labelvc-other\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[labelvc.formats]\nother = {value}\n")
    (folder / "other_format.py").write_text("class Other:\n    name = 'other'\n\nFORMAT = Other()\n")


def test_an_installed_package_adds_a_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _package(tmp_path, "other_format:FORMAT")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    assert registry.find("other").name == "other"
    assert "other" not in registry.names()


def test_a_broken_package_is_an_error_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _package(tmp_path, "absent_module:FORMAT")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    with pytest.raises(ConfigurationError) as caught:
        registry.find("other")
    assert "labelvc-other" in caught.value.hint
