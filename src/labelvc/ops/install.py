"""Install: hooks and drivers of one clone, set up and taken away again."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Literal, NamedTuple

from labelvc import resources
from labelvc.errors import RefusedError, StoreError
from labelvc.model.hooks import HOOKS, SERVER_HOOKS
from labelvc.store import disk
from labelvc.store import git as plumbing
from labelvc.store.git import Git

PYTHON = "labelvc.python"
"""The setting that names the interpreter a hook falls back on when labelvc is not on PATH."""

ATTRIBUTES = "datasets/**/*.jsonl text eol=lf diff=labelvc merge=labelvc"
"""The line of .gitattributes that gives shards `\\n` line ends and our drivers."""

_OURS = b"# labelvc hook:"
_FRAMEWORK = b"https://pre-commit.com"
_KEY = r'^\{"item":"(([^"\\]|\\.)*","id":"[^"]*)"' + "\n" + r'^\{"id":"(([^"\\]|\\.)*)"'
_WORD = r'"([^"\\]|\\.)*"|[-+0-9.eE]+|[^[:space:]]'
_DRIVER = (
    "{python} -P -m labelvc.cli plumbing merge-driver %O %A %B %L %P; "
    'case $? in 0) exit 0;; 1) grep -q "^<<<<<<<" %A && exit 1;; esac; '
    "git merge-file --marker-size=%L -L ours -L base -L theirs %A %O %B || exit 1"
)

_DRIVERS = {
    "merge": "merges shards by record and field; what no rule decides is marked as a conflict",
    "diff": "names a key above each hunk; `git diff --word-diff` shows fields",
}

State = Literal["new", "kept", "renewed", "chained", "left", "removed", "restored", "absent"]


class Step(NamedTuple):
    """One thing that was done or found done.

    Attributes:
        what: a hook's name, or the setting.
        state: what happened to it.
        note: what a person should know about it, else empty.
    """

    what: str
    state: State
    note: str = ""


def install(git: Git, python: str, *, everywhere: bool = False) -> list[Step]:
    """Set up the hooks and drivers of a clone; of a bare repository, the hook that judges what is pushed to it.

    Args:
        git: the repository.
        python: absolute path of the interpreter that can import labelvc.
        everywhere: write the drivers to the user's own configuration instead of the clone's.

    Returns:
        What was done, hooks first; doing it again changes nothing.

    Raises:
        RefusedError: the hooks folder serves other repositories too, or a hook cannot be kept; nothing was written.
        StoreError: git or the disk could not do it.
    """
    folder = hooks_folder(git)
    names = hook_names(git)
    plans = {name: _plan(git, folder, name) for name in names}
    steps = [_set_up(folder, step) for step in plans.values()]
    steps.append(
        _settings(git, "interpreter", {PYTHON: python}, "--local", "what hooks run when labelvc is not on PATH")
    )
    if not git.bare:
        scope = "--global" if everywhere else "--local"
        for driver, note in _DRIVERS.items():
            mine = {name: value for name, value in drivers(python).items() if name.startswith(f"{driver}.")}
            steps.append(_settings(git, f"{driver} driver", mine, scope, note))
    return steps


def uninstall(git: Git, *, everywhere: bool = False) -> list[Step]:
    """Take away what `install` set up, and put hooks that were there before back in their place.

    Args:
        git: the repository.
        everywhere: take the drivers out of the user's own configuration instead of the clone's.

    Returns:
        What was done.
    """
    folder = hooks_folder(git)
    steps = [_take_away(folder, name) for name in (*HOOKS, *SERVER_HOOKS) if is_ours(folder / name)]
    scope = "--global" if everywhere else "--local"
    sections = {f"{driver}.labelvc": (f"{driver} driver", scope) for driver in _DRIVERS}
    removed = [what for section, (what, where) in sections.items() if _section_removed(git, section, where)]
    if _configured(git, PYTHON, "--local") is not None:  # the section also holds a person's signing key and pinned root
        plumbing.run(git, "config", "--local", "--unset-all", PYTHON)
        removed.append("interpreter")
    return [*steps, *(Step(what, "removed") for what in removed)]


def hook_names(git: Git) -> tuple[str, ...]:
    """Return the names of the hooks this repository should have."""
    return SERVER_HOOKS if git.bare else HOOKS


def hooks_folder(git: Git) -> Path:
    """Return the folder git runs hooks from; `core.hooksPath` is honoured.

    Raises:
        RefusedError: that setting is the user's or the system's, so that a hook there would run in every repository.
    """
    if plumbing.config_get(git, "core.hooksPath"):
        scope = plumbing.run(git, "config", "--show-scope", "--get", "core.hooksPath").split(b"\t")[0].decode()
        if scope in {"global", "system"}:
            raise RefusedError(
                f"core.hooksPath is set in your {scope} configuration: a hook there would run in every repository",
                where=plumbing.config_get(git, "core.hooksPath") or "",
                hint=f"git config --local core.hooksPath {shlex.quote(str(git.common / 'hooks'))} && labelvc install",
            )
    told = plumbing.run(git, "rev-parse", "--git-path", "hooks").rstrip(b"\n").decode("utf-8", "surrogateescape")
    return git.top / told


def shim(name: str) -> bytes:
    """Return the text of a hook."""
    return (resources.folder("hooks") / name).read_bytes()


def is_ours(path: Path) -> bool:
    """Tell whether a hook is one of ours."""
    return path.is_file() and _OURS in path.read_bytes()


def is_framework(git: Git, path: Path) -> bool:
    """Tell whether a hook is the pre-commit framework's and its configuration runs labelvc."""
    configuration = git.top / ".pre-commit-config.yaml"
    return (
        path.is_file()
        and _FRAMEWORK in path.read_bytes()
        and configuration.is_file()
        and b"labelvc" in configuration.read_bytes()
    )


def drivers(python: str) -> dict[str, str]:
    """Return the settings of the merge and diff drivers.

    A missing or broken labelvc leaves git's text merge: only an exit of 0, or of 1 with conflict markers in the file,
    is believed. `-P` keeps Python from importing anything that lies in the work tree. The diff driver starts no
    program (a missing one would end `git diff` with an error): it shows keys above hunks and fields in `--word-diff`.

    Args:
        python: absolute path of the interpreter that can import labelvc.
    """
    return {
        "merge.labelvc.name": "labelvc: by record",
        "merge.labelvc.driver": _DRIVER.format(python=shlex.quote(python).replace("%", "%%")),
        "diff.labelvc.xfuncname": _KEY,
        "diff.labelvc.wordRegex": _WORD,
    }


def _plan(git: Git, folder: Path, name: str) -> Step:
    """Return what will be done about one hook, before anything is written."""
    path, legacy = folder / name, folder / f"{name}.legacy"
    if not (path.exists() or path.is_symlink()):
        return Step(name, "new")
    if is_ours(path):
        return Step(name, "kept" if path.read_bytes() == shim(name) and _executable(path) else "renewed")
    if is_framework(git, path):
        return Step(name, "left", "the pre-commit framework runs labelvc")
    if path.is_dir() or not path.exists():
        raise RefusedError("what is there is no hook", where=str(path), hint=f"rm -r {shlex.quote(str(path))}")
    if legacy.exists() and legacy.read_bytes() != path.read_bytes():
        raise RefusedError(
            f"there is another {name} hook, and {legacy.name} is taken",
            where=str(path),
            hint=f"join the two in {legacy.name}, delete {name}, then: labelvc install",
        )
    runs = "runs first" if _executable(path) else "is not executable, so git never ran it"
    return Step(name, "chained", f"the hook that was there is now {legacy.name} and {runs}")


def _set_up(folder: Path, step: Step) -> Step:
    path = folder / step.what
    if step.state in {"kept", "left"}:
        return step
    if step.state == "chained":
        legacy = path.with_name(f"{path.name}.legacy")
        mode = path.stat().st_mode
        disk.replace(legacy, path.read_bytes())
        legacy.chmod(mode & 0o777)
        path.unlink() if path.is_symlink() else None
    disk.replace(path, shim(step.what))
    path.chmod(0o755)
    return step


def _take_away(folder: Path, name: str) -> Step:
    path, legacy = folder / name, folder / f"{name}.legacy"
    if not legacy.exists():
        path.unlink()
        return Step(name, "removed")
    legacy.replace(path)
    return Step(name, "restored", f"{legacy.name} is {name} again")


def _settings(git: Git, what: str, wanted: dict[str, str], scope: str, note: str) -> Step:
    """Write the settings that are not as wanted."""
    before = {name: _configured(git, name, scope) for name in wanted}
    if before == wanted:
        return Step(what, "kept", note)
    for name, value in wanted.items():
        plumbing.run(git, "config", scope, "--replace-all", name, value)
    return Step(what, "renewed" if any(before.values()) else "new", note)


def _configured(git: Git, name: str, scope: str) -> str | None:
    try:
        return (
            plumbing.run(git, "config", scope, "--null", "--get", name)
            .split(b"\0")[0]
            .decode("utf-8", "surrogateescape")
        )
    except StoreError:  # git config ends with 1, and no word, for what is not set
        return None


def _section_removed(git: Git, section: str, scope: str) -> bool:
    try:
        plumbing.run(git, "config", scope, "--remove-section", section)
    except StoreError:  # there was no such section
        return False
    return True


def _executable(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o111)
