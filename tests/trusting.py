"""Fixtures of a desk: `from tests.trusting import desk, desk_template, people_keys`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import people
from tests.people import Desk
from tests.zoo import Zoo

_keys: list[Path] = []
_desks: list[Desk] = []
"""What is made once: a fixture of the session that several files import is another one in each of them."""


@pytest.fixture(scope="session")
def people_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the keys of Ada, Ben (two), Cleo and Mallory."""
    if not _keys:
        folder = tmp_path_factory.mktemp("keys")
        people.make_keys(folder)
        _keys.append(folder)
    return _keys[0]


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
    return _desks


def govern(zoo: Zoo, people_keys: Path, labelvc: Callable[..., tuple[int, str, str]]) -> Desk:
    """Put a zoo under a policy of Ada, who keeps the root, and Ben and Cleo, who lead and review."""
    desk = Desk(zoo.folder, people_keys, labelvc)
    ada = ("--as", "ada", "--name", "Ada", "--email", "ada@example.com", "--key", desk.key("ada"))
    assert desk.labelvc("trust", "init", *ada)[0] == 0
    for who in ("ben", "cleo"):
        words = (
            "--role",
            "reviewer",
            "--role",
            "lead",
            "--email",
            f"{who}@example.com",
            "--sign-with",
            desk.key("ada"),
        )
        assert desk.labelvc("policy", "add", who, "--name", who, "--key", f"{desk.key(who)}.pub", *words)[0] == 0
    zoo.commit("Govern")
    return desk
