"""Fixtures of a desk: `from tests.trusting import desk, desk_template, people_keys`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import people
from tests.people import Desk


@pytest.fixture(scope="session")
def people_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the keys of Ada, Ben (two), Cleo and Mallory."""
    folder = tmp_path_factory.mktemp("keys")
    people.make_keys(folder)
    return folder


@pytest.fixture
def desk(
    tmp_path: Path, people_keys: Path, desk_template: list[Desk], labelvc: Callable[..., tuple[int, str, str]]
) -> Desk:
    """Return a fresh copy of a repository with policy, three people and a change by Ada on `topic`."""
    if not desk_template:
        desk_template.append(people.make(people_keys.parent / f"{people_keys.name}-desk", people_keys))
    return people.copy(desk_template[0], tmp_path / "desk", labelvc)


@pytest.fixture(scope="session")
def desk_template() -> list[Desk]:
    """Return the place of the first desk; it is made inside a test, where the environment is hermetic."""
    return []
