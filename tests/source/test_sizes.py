"""House sizes: short modules, short functions, short classes, and names that say what is inside."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "labelvc"
MODULES = sorted(SOURCE.rglob("*.py"))
NOWHERE_NAMES = {"util", "utils", "helper", "helpers", "manager", "managers", "base", "common", "misc"}


def name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def nodes(kinds: tuple[type[ast.AST], ...]) -> Iterator[tuple[str, int]]:
    """Yield where each definition of these kinds stands and how many lines it has."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, kinds):
                yield f"{name(path)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def functions() -> list[tuple[str, int]]:
    return list(nodes((ast.FunctionDef, ast.AsyncFunctionDef)))


def test_a_module_has_at_most_400_lines():
    lengths = {name(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {path: length for path, length in lengths.items() if length > 400} == {}


def test_a_function_has_at_most_60_lines():
    assert [(where, length) for where, length in functions() if length > 60] == []


def test_the_median_function_is_short(record_property: pytest.RecordProperty):
    lengths = [length for _, length in functions()]
    record_property("median function", statistics.median(lengths))
    assert statistics.median(lengths) <= 10, f"median of {len(lengths)} functions"


def test_a_class_has_at_most_250_lines():
    assert [(where, length) for where, length in nodes((ast.ClassDef,)) if length > 250] == []


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_says_in_its_first_line_what_it_is(path: Path):
    said = ast.get_docstring(ast.parse(path.read_text()))
    assert said, "a module docstring"
    first = said.split("\n\n")[0]
    assert first.endswith((".", ":")), first
    assert path.name == "__init__.py" or len(first.split()) >= 4, first


def test_no_room_is_named_for_nothing_in_particular():
    parts = {part for path in MODULES for part in path.relative_to(SOURCE).with_suffix("").parts}
    assert parts & NOWHERE_NAMES == set()
