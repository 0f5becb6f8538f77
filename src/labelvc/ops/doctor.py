"""Doctor: what may be wrong with this clone and this machine, each with its cure."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from labelvc.codec import epochs
from labelvc.errors import Error
from labelvc.model.project import Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import ceremony, install
from labelvc.ops import project as projects
from labelvc.ops.seals import Seal
from labelvc.store import conflicts, files, keyring, pending, program, tree
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.journal import FINISH, FORGET, Pending

State = Literal["ok", "warn", "fail"]
_OLDEST = (2, 30)
_SCARCE, _LOW = 100 * 2**20, 2**30
_SAMPLE = "datasets/any/annotations/0000.jsonl"
_WANTED = {"text": "set", "eol": "lf", "diff": "labelvc", "merge": "labelvc"}


class Line(NamedTuple):
    """One thing that was examined.

    Attributes:
        topic: what, in a word or two.
        state: `ok`, `warn` (works, but something will surprise you) or `fail` (something does not work).
        message: what was found.
        cure: the command or edit that mends it; empty when there is nothing to mend.
    """

    topic: str
    state: State
    message: str
    cure: str = ""


class Machine(NamedTuple):
    """What the command line knows of the machine.

    Attributes:
        python: the interpreter this labelvc runs in.
        version: this labelvc's version.
        found: where a shell finds `labelvc`; empty when it does not.
        signing: tells which key would sign, or raises an `Error`.
    """

    python: str
    version: str
    found: str
    signing: Callable[[], str]


def examine(git: Git, machine: Machine) -> list[Line]:
    """Look at everything that labelvc depends on here; nothing is changed.

    Args:
        git: the repository.
        machine: what the command line knows.

    Returns:
        All lines, in the order of what to mend first.
    """
    lines = [*_programs(git, machine), *_repository(git), *_interrupted(git)]
    if git.bare:
        return [*lines, *_hooks(git), *_disk(git)]
    work = tree.work(git, settled=False)
    if projects.TOP not in work.entries:
        message = "there is no labelvc.yaml: this repository holds no labels project yet"
        return [*lines, Line("project", "fail", message, "labelvc init"), *_identity(git), *_disk(git)]
    lines += [*_attributes(git), *_drivers(git), *_hooks(git), *_identity(git)]
    try:
        with tree.reader(git) as reader:
            lines += _drafts(ceremony.drafts(reader, work))
            project = projects.load(git, work, reader)
    except Error as problem:
        lines.append(Line("project", "fail", _words(problem), problem.hint))
    else:
        lines += [*_project(project), *_secrets(git, work), *_dvc(git, project)]
    return [*lines, *_signing(machine), *_disk(git)]


def _programs(git: Git, machine: Machine) -> Iterator[Line]:
    told = plumbing.run(git, "version").decode().strip()
    figures = re.findall(r"\d+", told)
    if tuple(map(int, figures[:2])) < _OLDEST:
        yield Line("git", "fail", f"{told} is too old", "install git 2.30 or newer")
    else:
        yield Line("git", "ok", told.removeprefix("git version "))
    yield Line("labelvc", "ok", f"{machine.version}, run by {machine.python}")
    if machine.found:
        return
    recorded = plumbing.config_get(git, install.PYTHON)
    if not recorded:
        yield Line("hooks find", "warn", "labelvc is not on PATH and no interpreter is recorded", "labelvc install")
        return
    done = program.run([recorded, "-P", "-c", "import labelvc; print(labelvc.__version__)"], git.top)
    if done.code:
        yield Line("hooks find", "fail", f"{recorded} cannot import labelvc", "labelvc install")
    elif done.out.decode().strip() != machine.version:
        yield Line("hooks find", "warn", f"{recorded} has labelvc {done.out.decode().strip()}", "labelvc install")
    else:
        yield Line("hooks find", "ok", f"labelvc through {recorded}, for it is not on PATH")


def _repository(git: Git) -> Iterator[Line]:
    if plumbing.is_shallow(git):
        cure = "git fetch --unshallow"
        yield Line("history", "warn", "this clone is shallow: log, trace and verify cannot see all of it", cure)
    begun = None if git.bare else pending.read(git)
    if begun is not None and begun.writing:
        yield Line("merge", "fail", f"a merge of {begun.other[:10]} was killed while it wrote files", files.UNMERGE)
    torn = conflicts.unmerged(git) if not git.bare else []
    if torn:
        message = f"in conflict: {torn[0]}{f' and {len(torn) - 1} more' if torn[1:] else ''}"
        yield Line("index", "warn", message, "labelvc resolve")
    elif (git.directory / "index.lock").exists():
        cure = f"when no git runs: rm {git.directory / 'index.lock'}"
        yield Line("index", "warn", "another git works on the index, or one was killed", cure)
    else:
        yield Line("index", "ok", "no conflict, no lock")


def left_by(left: Pending) -> str:
    """Say in words where a killed command left the files."""
    name = f"`labelvc {left.command}` was killed" if left.command else "a command was killed"
    if left.before:
        return f"{name} before it changed anything: all is as before"
    if left.strange:
        more = f" and {len(left.strange) - 1} more" if left.strange[1:] else ""
        return f"{name} half way, and {left.strange[0]}{more} changed since, so it cannot be finished"
    if left.done == len(left.steps):
        return f"{name} when its files were in place but not all was done that follows"
    return f"{name} half way: {left.done:,} of {len(left.steps):,} files are in place"


def settled(left: Pending | None, *, forget: bool) -> str:
    """Say in words what became of what a killed command left."""
    if left is None:
        return "no command was interrupted"
    if forget:
        return "forgotten; the files are as they are: git status, then labelvc check --all"
    if left.before:
        return f"nothing had been changed; type it again: labelvc {left.command}"
    return f"finished: labelvc {left.command}"


def summary_of(left: Pending) -> dict[str, object]:
    """Return what a killed command left, as JSON has it."""
    return {
        "command": left.command,
        "state": "before" if left.before else "stuck" if left.strange else "between",
        "files": len(left.steps),
        "done": left.done,
    }


def _interrupted(git: Git) -> Iterator[Line]:
    try:
        left = files.interrupted(git)
    except Error as problem:
        yield Line("interrupted", "fail", _words(problem), problem.hint)
        return
    if left is not None:
        cure = f"{FORGET}, then git status and labelvc check --all" if left.strange else FINISH
        yield Line("interrupted", "warn" if left.before else "fail", left_by(left), cure)


def _attributes(git: Git) -> Iterator[Line]:
    told = plumbing.run(git, "check-attr", "-z", *_WANTED, "--", _SAMPLE).decode().split("\0")
    found = dict(zip(told[1::3], told[2::3], strict=False))
    wrong = [f"{name} is {found.get(name)}, not {value}" for name, value in _WANTED.items() if found.get(name) != value]
    if wrong:
        cure = f"echo '{install.ATTRIBUTES}' >> .gitattributes"
        yield Line("attributes", "warn", f"for shards, {', '.join(wrong)}", cure)
    else:
        yield Line("attributes", "ok", "shards are text with \\n and have our drivers")


def _drivers(git: Git) -> Iterator[Line]:
    driver = plumbing.config_get(git, "merge.labelvc.driver")
    if driver is None:
        yield Line(
            "drivers", "warn", "not set up in this clone: `git diff` does not name the record", "labelvc install"
        )
        return
    python = plumbing.config_get(git, install.PYTHON) or ""
    wanted = install.drivers(python)
    if any(plumbing.config_get(git, name) != value for name, value in wanted.items()):
        yield Line("drivers", "warn", "not those of this version of labelvc", "labelvc install")
    elif program.run([python, "-P", "-c", "import labelvc.cli.merging"], git.top).code:
        yield Line("drivers", "fail", f"{python} cannot run them", "labelvc install")
    else:
        yield Line("drivers", "ok", "merge and diff")


def _hooks(git: Git) -> Iterator[Line]:
    try:
        folder = install.hooks_folder(git)
    except Error as problem:
        yield Line("hooks", "warn", _words(problem), problem.hint)
        return
    shown = folder.relative_to(git.top) if folder.is_relative_to(git.top) else folder
    for name in install.hook_names(git):
        path = folder / name
        if install.is_framework(git, path):
            yield Line(name, "ok", "run by the pre-commit framework")
        elif not install.is_ours(path):
            there = "another hook is there" if path.exists() else "no hook"
            yield Line(name, "warn", f"{there} in {shown}", "labelvc install")
        elif not path.stat().st_mode & 0o100:
            yield Line(name, "fail", "not executable, so git does not run it", f"chmod +x {path}")
        elif path.read_bytes() != install.shim(name):
            yield Line(name, "warn", "not that of this version of labelvc", "labelvc install")
        else:
            yield Line(name, "ok", f"in {shown}")


def _identity(git: Git) -> Iterator[Line]:
    try:
        name, address = plumbing.identity(git)
    except Error as problem:
        yield Line("author", "fail", _words(problem), problem.hint)
    else:
        yield Line("author", "ok", f"{name} <{address}>")


def _project(project: Project) -> Iterator[Line]:
    count = len(project.datasets)
    yield Line("project", "ok", f"{project.name}, {count} dataset{'' if count == 1 else 's'}")


def _secrets(git: Git, work: Snapshot) -> Iterator[Line]:
    entry = work.entries.get(epochs.PATH)
    if entry is None:
        yield Line(
            "pseudonyms",
            "warn",
            f"there is no {epochs.PATH}: nothing can be pseudonymised",
            f"git log --oneline -- {epochs.PATH}",
        )
        return
    with tree.reader(git) as reader:
        known = epochs.read(reader.read(epochs.PATH, entry))
    epoch = epochs.active(known)
    if epoch is None:
        message = "no epoch is active: nothing can be pseudonymised"
        yield Line("pseudonyms", "warn", message, f"git log -p -- {epochs.PATH}")
        return
    for each in epochs.chain(known, epoch):
        try:
            keyring.load(git, each)
        except Error as problem:
            if keyring.path(git, each.id).exists():
                yield Line("pseudonyms", "fail", _words(problem), problem.hint)
            else:
                yield Line("pseudonyms", "warn", f"{_words(problem)}; only imports of names need it", problem.hint)
            return
    yield Line("pseudonyms", "ok", f"the secret of epoch {epoch.id} is here and is the right one")


def _drafts(drafts: Iterable[Seal]) -> Iterator[Line]:
    for seal in drafts:
        message = f"{seal.path} is a draft: too few people signed it, so it counts for nothing"
        yield Line("trust", "warn", message, f"{ceremony.SHOW}; {ceremony.SIGN}")


def _dvc(git: Git, project: Project) -> Iterator[Line]:
    if not any(dataset.storage == "dvc" for dataset in project.datasets.values()):
        return
    config = git.top / ".dvc" / "config"
    if not config.is_file():
        yield Line("dvc", "fail", "a dataset lies in DVC, but there is no .dvc/config", "dvc init")
    elif not _has_remote(config) and not _has_remote(config.with_name("config.local")):
        yield Line("dvc", "warn", "no remote: nobody else can read what lies in DVC", "dvc remote add -d NAME URL")
    else:
        yield Line("dvc", "ok", "set up, with a remote")


def _has_remote(config: Path) -> bool:
    return config.is_file() and b"remote" in config.read_bytes()


def _signing(machine: Machine) -> Iterator[Line]:
    try:
        yield Line("signing key", "ok", machine.signing())
    except Error as problem:
        yield Line("signing key", "warn", _words(problem), problem.hint)


def _disk(git: Git) -> Iterator[Line]:
    free = shutil.disk_usage(git.common).free
    state: State = "fail" if free < _SCARCE else "warn" if free < _LOW else "ok"
    cure = "" if state == "ok" else "df -h ."
    yield Line("disk", state, f"{free / 2**30:.1f} GiB free", cure)


def _words(problem: Error) -> str:
    return f"{problem.message} ({problem.where})" if problem.where else problem.message
