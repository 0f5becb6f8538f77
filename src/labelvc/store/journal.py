"""The journal: many files and what must follow them, changed as one step that survives a kill at any moment.

New bytes are written beside their places and noted in a draft. Renaming the draft to `journal` is the moment that decides:
before it nothing has changed, after it the step is finished by this process or by the next one that takes the lock.
Rule as in SQLite (https://www.sqlite.org/atomiccommit.html), with the journal of what is to come, not of what was.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Literal, NamedTuple

from labelvc import digests
from labelvc.errors import StoreError
from labelvc.model.snapshot import LINK
from labelvc.store import disk
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.step import Noted, Step, link_state, progress, state

Verb = Literal["stage", "unstage", "store"]
FINISH, FORGET = "labelvc doctor --finish", "labelvc doctor --forget"
_MANY = 32


class Pending(NamedTuple):
    """A transaction that a kill interrupted.

    Attributes:
        command: the command that began it, without `labelvc`.
        decided: whether it reached the journal; otherwise nothing has changed.
        steps: its files.
        after: (verb, paths) to be done when the files are in place.
        done: how many files are as they shall be.
        undone: how many are as they were.
        strange: paths that are neither, or were taken back by hand, so that going on would write over somebody's work.
    """

    command: str
    decided: bool
    steps: list[Step]
    after: list[tuple[Verb, list[str]]]
    done: int
    undone: int
    strange: list[str]

    @property
    def before(self) -> bool:
        """Tell whether every file is as it was: then there is nothing to finish."""
        return not self.decided or (bool(self.steps) and self.undone == len(self.steps))


class Transaction:
    """The files of one step, staged one by one; made by `transaction`."""

    def __init__(self, git: Git, command: str, since: int = sys.maxsize) -> None:
        self._git, self._since = git, since
        self._folder = _folder(git)
        self._number = 0
        self._after: list[tuple[Verb, list[str]]] = []
        self._inside: dict[str, tuple[str, str]] = {}
        self._draft: IO[str] = (self._folder / "draft").open("w", encoding="ascii")
        self._note({"command": command})

    def write(self, path: str | Path, data: bytes, *, fresh: bool = False, mode: str = "") -> None:
        """Stage new bytes of a file, on the disk at once; the file itself is untouched until the transaction is decided.

        Args:
            path: relative to the top of the work tree, or absolute: in the work tree or the git folder. Not twice.
            data: all of it; a file that holds these bytes already is left alone.
            fresh: replace it all the same, where it is a link to a file that others share.
            mode: what it shall be as git tells it, as for `disk.create`; empty: as it was.

        Raises:
            StoreError: the disk is full, read-only or not ours, or the path leads out of the project or through a link.
        """
        place, name = self._place(path)
        try:
            old, new = state(place), link_state(data) if mode == LINK else digests.sha256(data).hexdigest()
            if old == new and not fresh and not mode:
                return
            beside = disk.beside(place)
            self._step(Step(name, os.path.basename(beside), old, new))
            disk.create(beside, data, place, sync=self._number <= _MANY, mode=mode)
        except OSError as error:
            raise disk.failure(error, Path(place)) from None

    def delete(self, path: str | Path) -> None:
        """Note that a file is to go; one that is not there is no error.

        Raises:
            StoreError: as for `write`.
        """
        place, name = self._place(path)
        try:
            old = state(place)
            if old is not None:
                self._step(Step(name, None, old, None))
        except OSError as error:
            raise disk.failure(error, Path(place)) from None

    def then(self, verb: Verb, paths: Iterable[str]) -> None:
        """Ask for what must follow when all files are in place; a process that finishes the transaction does it again.

        Args:
            verb: `stage` adds paths to the index, `unstage` takes paths out of it and leaves the files, `store` puts
                folders behind DVC pointers with their manifests and stages those.
            paths: relative to the top of the work tree.

        Raises:
            StoreError: git tracks what DVC is to store, so that DVC would refuse it when all files are in place.
        """
        named = list(paths)
        leaving = {path for before, some in self._after if before == "unstage" for path in some}
        for path in named if verb == "store" else ():
            if path not in leaving and plumbing.run(self._git, "--literal-pathspecs", "ls-files", "--", path):
                message, hint = "git tracks what DVC is to store", f"git rm -r --cached {path}, then the command again"
                raise StoreError(message, where=path, hint=hint)
        self._after.append((verb, named))

    def _place(self, path: str | Path) -> tuple[str, str]:
        """Return the absolute path of a file, and its name in the journal."""
        folder, name = os.path.split(path)
        if folder not in self._inside:
            place = self._git.top / folder
            disk.refuse_outside(place / name, self._git.top, self._git.directory, self._git.common)
            if not os.path.isabs(folder) and place.resolve() != self._git.top.resolve() / folder:
                raise StoreError(
                    "a symbolic link is not followed", where=str(place), hint="replace the link by a folder"
                )
            inside = os.path.relpath(place, self._git.top)
            self._inside[folder] = f"{place}/", "" if inside == "." else f"{inside}/"
        absolute, relative = self._inside[folder]
        return absolute + name, relative + name

    def _step(self, step: Step) -> None:
        disk.refuse_changed(self._git.top / step.path, self._since, step.path)
        self._number += 1
        self._note(step)

    def _note(self, row: object) -> None:
        self._draft.write(json.dumps(row) + "\n")
        self._draft.flush()

    def _decide(self) -> None:
        """Put everything on the disk and rename the draft: from here on there is no way but forward."""
        if not self._number and not self._after:
            self._drop()
            return
        for step in Noted(self._folder / "draft"):
            disk.refuse_changed(self._git.top / step.path, self._since, step.path)
        self._note({"after": self._after})
        os.fsync(self._draft.fileno())
        self._draft.close()
        if self._number > _MANY:
            os.sync()
        (self._folder / "draft").replace(self._folder / "journal")
        disk.sync_folder(self._folder)
        _apply(self._git, Noted(self._folder / "journal"), self._after)

    def _drop(self) -> None:
        with suppress(OSError):
            self._draft.close()
        _discard(self._git, Noted(self._folder / "draft"))


@contextmanager
def transaction(git: Git, command: str, since: int = sys.maxsize) -> Iterator[Transaction]:
    """Change many files as one step: leaving the block puts all in place, an exception leaves everything as it was.

    The caller holds `files.lock` since before it read what it changes.

    Args:
        git: the repository.
        command: what the person typed after `labelvc`, for who finds the step interrupted: `dataset reshard`.
        since: when the command began, from `files.lock`: a file that changed later is not written over.

    Yields:
        Takes the files and what must follow them.

    Raises:
        StoreError: the disk is full or not ours, or somebody changed a file meanwhile, then nothing has changed; or what
            must follow failed, then the message names the command that goes on.
    """
    try:
        change = Transaction(git, command, since)
    except OSError as error:
        raise disk.failure(error, _folder(git)) from None
    try:
        yield change
    except BaseException:
        change._drop()  # noqa: SLF001 - both halves of one thing
        raise
    try:
        change._decide()  # noqa: SLF001
    except (StoreError, OSError) as error:
        decided = is_pending(git)
        if not decided:
            change._drop()  # noqa: SLF001
        if isinstance(error, StoreError):
            raise
        told = StoreError(f"could not write: {error.strerror}", where=str(error.filename), hint=FINISH)
        raise (told if decided else disk.failure(error, _folder(git))) from None


def is_pending(git: Git) -> bool:
    """Tell whether a transaction was decided and is not finished: by a process that still writes, or one that was killed."""
    return os.path.lexists(git.directory / "labelvc" / "journal")


def has_left(git: Git) -> bool:
    """Tell whether there is a journal or a draft: of a process that writes now, or of one that was killed."""
    return is_pending(git) or os.path.lexists(git.directory / "labelvc" / "draft")


def pending(git: Git) -> Pending | None:
    """Return the transaction that a killed command left, or None.

    The caller holds `files.lock`'s file or knows that nobody writes: a transaction that is being written looks the same.

    Raises:
        StoreError: the journal cannot be read.
    """
    folder = git.directory / "labelvc"
    decided = is_pending(git)
    try:
        text = (folder / ("journal" if decided else "draft")).read_text("ascii")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise _unreadable(folder) from None
    command, steps = "", list[Step]()
    after: list[tuple[Verb, list[str]]] = []
    for line in text.splitlines(keepends=True):
        if not line.endswith("\n"):
            break
        try:
            row = json.loads(line)
            if isinstance(row, list):
                steps.append(Step(*row))
            else:
                command = row.get("command", command)
                after = [(verb, paths) for verb, paths in row.get("after", after)]
        except (ValueError, TypeError, AttributeError):
            raise _unreadable(folder) from None
    states = [progress(git.top, step) for step in steps]
    strange = [step.path for step, state in zip(steps, states, strict=True) if state in ("strange", "back")]
    undone = sum(state in ("old", "back") for state in states)
    found = Pending(command, decided, steps, after, states.count("new"), undone, strange)
    return found._replace(strange=[]) if found.before else found


def settle(git: Git) -> Pending | None:
    """Finish what a killed command left, or clear it away when nothing had changed; the caller holds the lock.

    Args:
        git: the repository.

    Returns:
        What was found, or None.

    Raises:
        StoreError: files were changed since, so that going on would write over somebody's work; or the disk, git or DVC
            could not do it.
    """
    found = pending(git)
    if found is None:
        return None
    if found.before:
        _discard(git, found.steps)
    elif found.strange:
        message = (
            f"a killed `labelvc {found.command}` cannot be finished: {len(found.strange)} of its files changed since"
        )
        raise StoreError(message, where=found.strange[0], hint=f"{FORGET}, then git status and labelvc check --all")
    else:
        _apply(git, found.steps, found.after)
    return found


def forget(git: Git) -> Pending | None:
    """Give up what a killed command left: files stay as they are now, staged bytes and the journal go.

    Returns:
        What was found, or None.
    """
    found = pending(git)
    if found is not None:
        _discard(git, found.steps)
    return found


def _apply(git: Git, steps: Iterable[Step], after: list[tuple[Verb, list[str]]]) -> None:
    """Put staged bytes in place, delete, and do what must follow; what is done already is left alone."""
    folders, thinned = set[str](), set[str]()
    try:
        for step in steps:
            place = os.path.join(git.top, step.path)
            folder = os.path.dirname(place)
            folders.add(folder)
            if step.staged is None:
                thinned.add(folder)
                continue
            try:
                os.replace(os.path.join(folder, step.staged), place)
            except FileNotFoundError:
                if state(place) != step.new:
                    raise
        for step in steps if thinned else ():
            if step.staged is None:
                (git.top / step.path).unlink(missing_ok=True)
        for folder in folders:
            disk.sync_folder(Path(folder))
        _prune(git, map(Path, thinned))
    except OSError as error:
        raise StoreError(f"could not write: {error.strerror}", where=str(error.filename), hint=FINISH) from None
    for verb, paths in after:
        _follow(git, verb, paths)
    (git.directory / "labelvc" / "journal").unlink(missing_ok=True)
    disk.sync_folder(git.directory / "labelvc")


def _follow(git: Git, verb: Verb, paths: list[str]) -> None:
    if verb == "stage":
        gone = {path for path in paths if not os.path.lexists(git.top / path)}
        if gone:  # git refuses to stage what is neither there nor known to it
            gone -= set(plumbing.run(git, "ls-files", "-z").decode("utf-8", "surrogateescape").split("\0"))
        plumbing.add(git, [path for path in paths if path not in gone])
    elif verb == "unstage":
        plumbing.run(git, "--literal-pathspecs", "rm", "-r", "--cached", "--quiet", "--ignore-unmatch", "--", *paths)
    else:
        # Importing DVC takes 0.3 s: only a dataset that is stored with it pays.
        for path in paths:
            (git.top / path).mkdir(parents=True, exist_ok=True)
            importlib.import_module("labelvc.store.dvc").add(git, git.top / path)


def _discard(git: Git, steps: Iterable[Step]) -> None:
    emptied = set[Path]()
    for step in steps:
        place = git.top / step.path
        if step.staged is not None:
            with suppress(OSError):
                place.with_name(step.staged).unlink()
        if step.old is None:
            emptied.add(place.parent)
    _prune(git, emptied)
    for name in ("draft", "journal"):
        with suppress(OSError):
            (git.directory / "labelvc" / name).unlink()


def _prune(git: Git, folders: Iterable[Path]) -> None:
    """Delete folders that are empty now, and those above them that become so."""
    for folder in folders:
        for above in (folder, *folder.parents):
            inside = above != git.top and above.is_relative_to(git.top)
            if not inside or above.is_relative_to(git.directory) or above.is_relative_to(git.common):
                break
            try:
                above.rmdir()
            except OSError:
                break


def _folder(git: Git) -> Path:
    folder = git.directory / "labelvc"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise disk.failure(error, folder) from None
    return folder


def _unreadable(folder: Path) -> StoreError:
    where = str(folder / "journal")
    return StoreError("the journal of a killed command cannot be read", where=where, hint=f"rm {where}; git status")
