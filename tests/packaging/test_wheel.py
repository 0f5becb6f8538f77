"""The package as a user gets it: sdist, wheel from the sdist, installed into an empty environment, used for real work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from labelvc import __version__

TOP = Path(__file__).resolve().parents[2]
HEAVY = {"cryptography", "dvc", "git", "jinja2", "jsonschema", "jsonschema_rs", "ruamel.yaml", "pygit2", "rich"}


class Installed(NamedTuple):
    """What was built, and the environment it was installed into."""

    sdist: Path
    wheel: Path
    environment: Path

    def run(self, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment as its user would: on the PATH, without this checkout."""
        path = f"{self.environment / 'bin'}:{os.environ['PATH']}"
        home = folder.parent / "home"
        home.mkdir(exist_ok=True)
        return subprocess.run(
            words,
            cwd=folder,
            env={**user(os.environ), "PATH": path, "HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )


def user(environment: dict[str, str]) -> dict[str, str]:
    """Return an environment without what would lead back to the checkout."""
    return {name: value for name, value in environment.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}


def done(*words: str | Path) -> None:
    """Run a step of the build and fail with its own words."""
    result = subprocess.run(words, cwd=TOP, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{' '.join(map(str, words))}\n{result.stdout}{result.stderr}"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Build and install once for the tests of this file."""
    top = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    environment = top / "environment"
    done(sys.executable, "-m", "venv", "--without-pip", environment)
    into = (
        *pip,
        "--python",
        environment / "bin" / "python",
        "install",
        "-qq",
        "--no-compile",
        "-c",
        TOP / "constraints.txt",
    )
    reachable = subprocess.run([*into, "--dry-run", "click"], capture_output=True, text=True, check=False)
    if reachable.returncode and "CI" not in os.environ:
        pytest.skip("no package index is reachable to fill an empty environment from")
    done(sys.executable, "-m", "build", "--no-isolation", "--sdist", "--outdir", top / "sdist", TOP)
    (sdist,) = (top / "sdist").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # PEP 706: not in every 3.11
        archive.extractall(top / "unpacked", **safe)
    (unpacked,) = (top / "unpacked").iterdir()
    done(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", top / "wheel", unpacked)
    (wheel,) = (top / "wheel").glob("*.whl")
    done(*into, "--build-constraint", TOP / "constraints.txt", wheel)
    return Installed(sdist, wheel, environment)


@pytest.fixture
def folder(tmp_path: Path, git: Callable[..., str]) -> Path:
    """Return an empty git repository outside any checkout."""
    folder = tmp_path / "labels"
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "config", "user.name", "Ada Author")
    git(folder, "config", "user.email", "ada@example.com")
    return folder


def files(folder: Path) -> Iterator[str]:
    yield from (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_sdist_holds_what_the_wheel_is_built_from(installed: Installed):
    with tarfile.open(installed.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "LICENSE", "README.md", "schemas/record.v1.json", "hooks/pre-commit"} <= names
    assert not [name for name in names if name.startswith(("tests/", ".ci/", "demo/", ".venv"))]


def test_the_wheel_holds_every_schema_and_hook(installed: Installed):
    with zipfile.ZipFile(installed.wheel) as archive:
        members = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    for room in ("schemas", "hooks"):
        shipped = {name for name in members if name.startswith(f"labelvc/_data/{room}/")}
        assert {name.rpartition("/")[2] for name in shipped} == set(files(TOP / room)) - {".gitkeep"}
    assert all(mode & 0o111 for name, mode in members.items() if name.startswith("labelvc/_data/hooks/"))
    for shelf in ("_modules", "_templates"):
        shipped = {name for name in members if name.startswith(f"labelvc/ops/{shelf}/")}
        assert {name.partition(f"{shelf}/")[2] for name in shipped} == set(files(TOP / "src/labelvc/ops" / shelf))


def test_the_installed_program_is_the_installed_one(installed: Installed, tmp_path: Path):
    here = tmp_path / "here"
    here.mkdir()
    for name in ("labelvc", "git-labelvc"):
        told = installed.run(here, name, "--version")
        assert (told.returncode, told.stdout) == (0, f"labelvc {__version__}\n"), told.stderr
    where = installed.run(
        here, "python", "-c", "from labelvc.resources import folder; print(folder('schemas')); print(folder('hooks'))"
    )
    for line in where.stdout.splitlines():
        assert Path(line).is_relative_to(installed.environment)
        assert any(Path(line).iterdir())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["no-such-command"]], ids=" ".join)
def test_the_way_in_imports_nothing_heavy(installed: Installed, tmp_path: Path, arguments: list[str]):
    here = tmp_path / "here"
    here.mkdir()
    told = installed.run(
        here,
        "python",
        "-c",
        f"import sys; from labelvc.cli import main; main.run({arguments!r}); print(*sys.modules, sep='\\n', file=sys.stderr)",
    )
    loaded = set(told.stderr.splitlines())
    assert "click" in loaded
    assert loaded & HEAVY == set()


def test_a_project_works_from_the_wheel_alone(installed: Installed, folder: Path, git: Callable[..., str]):
    def labelvc(*arguments: str, code: int = 0) -> str:
        told = installed.run(folder, "labelvc", *arguments)
        assert told.returncode == code, f"labelvc {' '.join(arguments)}\n{told.stdout}{told.stderr}"
        return told.stdout

    labelvc("init", "--template", "rating")
    labelvc("check", "--all")
    labelvc("install")
    git(folder, "add", "-A")
    first = installed.run(folder, "git", "commit", "-q", "-m", "Start")
    assert first.returncode == 0, first.stderr
    assert json.loads(labelvc("check", "--all", "--format", "json"))["items"] == []

    # the hook that the wheel installed stops a bad file
    (folder / "taxonomies").mkdir(exist_ok=True)
    (folder / "taxonomies" / "broken.yaml").write_text("schema: [\n")
    git(folder, "add", "-A")
    second = installed.run(folder, "git", "commit", "-q", "-m", "Broken")
    assert second.returncode == 1, second.stdout + second.stderr
    assert "taxonomies/broken.yaml" in second.stdout + second.stderr
    assert git(folder, "rev-list", "--count", "HEAD").strip() == "1"
