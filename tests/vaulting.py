"""A labels repository whose secrets are held by three people, any two of whom open its vault, for tests that attack it.

`from tests.vaulting import vaulted, vaulted_template, zoo, zoo_template`: each test gets a fresh copy.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from labelvc.cli import main as cli
from labelvc.ops import transfer
from labelvc.ops.request import Request
from labelvc.store import age, vault
from tests.copying import copied
from tests.zoo import ID, Zoo, zoo, zoo_template

__all__ = ["Vaulted", "vaulted", "vaulted_template", "zoo", "zoo_template"]
PEOPLE = ("ada", "ben", "cleo")
MAIL = "grace.hopper@example.org"
NAME = "Grace Brewster Hopper"
FIELDS = """  - {pointer: /ext/jsonl/mail, kind: email, mode: random}
  - {pointer: /ext/jsonl/name, kind: name, mode: sealed}
  - {pointer: /ext/jsonl/phone, kind: phone}
"""
REASON = "ticket 4711: asked by the person"


class Vaulted(NamedTuple):
    """The zoo with a vault; `keys` holds the people's identities, outside of it."""

    zoo: Zoo
    keys: Path

    @property
    def folder(self) -> Path:
        return self.zoo.folder

    @property
    def project(self) -> str:
        return ID

    @property
    def home(self) -> Path:
        return vault.home(self.zoo.at)

    @property
    def generation(self) -> Path:
        return vault.needed(self.home)

    def by(self, *people: str) -> list[str]:
        """Return the options that open the vault with the identities of some people."""
        return [word for who in people for word in ("--identity", str(self.keys / who))]

    def bring(self, *rows: dict[str, Any]) -> None:
        path = self.folder.parent / "in.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        words = {"item": "item", "by": "by", "value": "said"}
        transfer.perform(self.zoo.at, Request("jsonl", path, "pets", "note", "add", words, add_labels=False))

    def person(self, number: int = 1, mail: str = MAIL, name: str = NAME, **more: Any) -> None:
        """Import one record about a person."""
        row = {"item": f"q{number}", "id": f"r{number}", "by": "anna", "said": "hello", "mail": mail, "name": name}
        self.bring({**row, **more})

    def told(self, number: int = 1) -> dict[str, str]:
        """Return what the record about a person holds in place of them."""
        return dict(self.zoo.row(f"pets/q{number}#r{number}")["ext"]["jsonl"])

    def reveal(
        self, run: Callable[..., tuple[int, str, str]], *what: str, who: tuple[str, ...] = ("ada", "ben")
    ) -> str:
        """Return what is revealed into a file."""
        path = self.keys / "value"
        path.unlink(missing_ok=True)
        code, out, err = run(self.folder, "vault", "reveal", *what, "--reason", REASON, "-o", str(path), *self.by(*who))
        assert (code, out) == (0, ""), err
        return path.read_text().removesuffix("\n")

    def copy(self, name: str = "theirs") -> Vaulted:
        """Return another clone that has the same secrets and the same vault."""
        place = self.folder.parent / name / "zoo"
        place.parent.mkdir()
        copied(self.folder, place)
        return Vaulted(Zoo(place), self.keys)

    def everything(self) -> bytes:
        """Return all bytes of the repository: work tree, git's objects (unpacked) and the vault."""
        words = ["git", "cat-file", "--batch", "--batch-all-objects", "--buffer"]
        objects = subprocess.run(words, cwd=self.folder, capture_output=True, check=True).stdout
        files = [path.read_bytes() for path in self.folder.rglob("*") if path.is_file()]
        return objects + b"".join(files)


def recipients(keys: Path, *, needs: int = 2, people: tuple[str, ...] = PEOPLE) -> str:
    """Return `privacy/recipients.yaml`."""
    public = "".join(f"  {who}: [{(keys / f'{who}.pub').read_text().strip()}]\n" for who in PEOPLE)
    held = ", ".join(people)
    return f"""schema: urn:labelvc:schema:recipients:1
people:
{public}roles:
  tokenise: {{people: [{held}]}}
  reverse: {{people: [{held}], needs: {needs}}}
"""


_vaults: list[Path] = []


@pytest.fixture(scope="session")
def vaulted_template() -> list[Path]:
    """Return the place of the first repository with a vault; it is made inside a test, where the environment is hermetic."""
    return _vaults


@pytest.fixture
def vaulted(
    zoo: Zoo, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, vaulted_template: list[Path]
) -> Vaulted:
    """Return a fresh copy of a zoo with a vault and the keys beside it."""
    if not vaulted_template:
        place = tmp_path_factory.mktemp("vaulted")
        copied(zoo.folder, place / "zoo")
        vaulted_template.append(place)
        begin(Vaulted(Zoo(place / "zoo"), place / "keys"))
    copied(vaulted_template[0], tmp_path / "v")
    return Vaulted(Zoo(tmp_path / "v/zoo"), tmp_path / "v/keys")


def begin(found: Vaulted) -> None:
    """Give three people keys, say who may open what, and begin the vault."""
    found.keys.mkdir()
    for who in PEOPLE:
        private, public = age.generate()
        (found.keys / who).write_text(f"{private}\n")
        (found.keys / f"{who}.pub").write_text(f"{public}\n")
    found.zoo.begin_pseudonyms()
    found.zoo.replace("datasets/pets/dataset.yaml", "sensitive:\n", f"sensitive:\n{FIELDS}")
    found.zoo.write("privacy/recipients.yaml", recipients(found.keys))
    found.zoo.commit("Say who may open what")
    assert cli.run(["-C", str(found.folder), "vault", "new"]) == 0
