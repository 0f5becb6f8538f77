"""Templates are compiled once; whatever happens to what is kept of them, pages are the same."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from labelvc.cli.render.compiled import Compiled


def page(folder: Path, source: str = "{{ n + 1 }}") -> str:
    return Environment(loader=DictLoader({"x": source}), bytecode_cache=Compiled(folder)).get_template("x").render(n=1)


def test_what_is_kept_is_used_and_never_trusted_further_than_it_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "kept"
    assert page(folder) == "2"
    (kept,) = folder.iterdir()
    whole = kept.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(Environment, "_parse", lambda *_: pytest.fail("compiled twice"))
        assert page(folder) == "2"
    assert page(folder, "{{ n + 2 }}") == "3"  # another source of the same name
    assert page(folder) == "2"
    for size in range(0, len(whole), 7):
        kept.write_bytes(whole[:size])
        assert page(folder) == "2"
    kept.write_bytes(b"no bytecode")
    assert page(folder) == "2"
    assert kept.read_bytes() == whole
    assert [file.name for file in folder.iterdir()] == [kept.name]


def test_where_nothing_can_be_written_or_may_be_it_does_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("")
    assert page(tmp_path / "file") == "2"
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert page(tmp_path / "kept") == "2"
    assert not (tmp_path / "kept").exists()
