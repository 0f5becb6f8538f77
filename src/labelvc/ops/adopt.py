"""Adopt: a module's documents copied into the project, brought up to date, or let go of; all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from labelvc.codec import document
from labelvc.core import graft, lock
from labelvc.errors import ConfigurationError, RefusedError
from labelvc.model.module import LOCK, Pinned
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import foresight, modules
from labelvc.ops.foresight import Effect
from labelvc.ops.gates import NOTHING, Brought
from labelvc.ops.look import Advance
from labelvc.ops.modules import Module
from labelvc.store import files, journal, log, tree
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.reader import Reader

State = Literal["new", "same", "taken", "merged", "left", "gone", "takes"]
Foresee = Callable[[Git, Snapshot, Mapping[str, bytes | None]], Effect]


_PROFILES = "profiles/"


class Copy(NamedTuple):
    """What becomes of a document of a module.

    Attributes:
        path: where it is, in the module and here.
        state: it is `new` here; says the `same` as it did; is `taken` as the module gives it now; is `merged` with what was
            edited here; is `left` here as the project's own; or is `gone`. A dataset's document `takes` its profiles.
        data: its bytes when they change.
        conflicts: JSON pointers of what was changed here and there, which stays as it is here.
        unsure: whether nobody knows what the module gave before, so that all that differs counts as a conflict.
    """

    path: str
    state: State
    data: bytes | None = None
    conflicts: Sequence[str] = ()
    unsure: bool = False


class Wish(NamedTuple):
    """How something is to be adopted.

    Attributes:
        keep: where both sides changed the same, or a document is here already, let stand what stands here.
        anyway: take it although it brings errors.
        dry: write nothing.
        datasets: names of those that shall take the profiles that it gives.
        brought: date, and people to look for.
        jobs: worker processes.
        advance: called with the number of shards done.
    """

    keep: bool = False
    anyway: bool = False
    dry: bool = False
    datasets: tuple[str, ...] = ()
    brought: Brought = NOTHING
    jobs: int = 1
    advance: Advance | None = None


class Done(NamedTuple):
    """What adopting came to.

    Attributes:
        before: the module's line of the lock before; None when it is new.
        after: its line after; None when it was let go of.
        copies: its documents.
        effect: what checks would say otherwise.
        stopped: why nothing was written; empty when nothing stood in the way.
        written: whether anything was.
    """

    before: Pinned | None
    after: Pinned | None
    copies: Sequence[Copy]
    effect: Effect
    stopped: str
    written: bool


def add(git: Git, module: Module, name: str, wish: Wish) -> Done:
    """Copy a module's documents into the work tree and enter it into the lock.

    Args:
        git: the repository.
        module: from `modules.read`.
        name: what it is called here; empty for its own name.
        wish: how.

    Returns:
        What it came to; nothing is staged.

    Raises:
        ConfigurationError: the lock is wrong.
        RefusedError: a module of that name was taken before, another one gives one of its documents, or a name differs from
            one that is here by nothing but the case of letters.
        StoreError: a file cannot be read or written.
    """
    pinned = module.pinned(name)

    def planned(here: _Here) -> list[Copy]:
        if any(one.name == pinned.name for one in here.modules):
            hint = f"labelvc module update {pinned.name}; or give this one another name: --name NAME"
            raise RefusedError(f"a module {pinned.name!r} was taken already", where=LOCK, hint=hint)
        here.refuse_taken(pinned)
        found = [here.brought(path, data, None) for path, data in module.documents.items()]
        return found + [here.taking(name, pinned) for name in wish.datasets]

    return _adopted(git, f"module add {pinned.name}", (None, pinned), planned, wish)


def update(git: Git, module: Module, before: Pinned, start: Path, wish: Wish) -> Done:
    """Bring what a module gives now into the work tree; what was edited here is merged, never written over.

    Args:
        git: the repository.
        module: what it is now.
        before: its line of the lock.
        start: the folder from which a path as source is read.
        wish: how.

    Returns:
        What it came to; nothing is staged.

    Raises:
        ConfigurationError: the lock is wrong.
        RefusedError: another module gives one of its documents, or as for `add`.
        StoreError: a file cannot be read or written.
    """
    pinned = module.pinned(before.name)

    def planned(here: _Here) -> list[Copy]:
        here.refuse_taken(pinned)
        found = []
        for path, data in module.documents.items():
            digest = before.documents.get(path)
            if digest == lock.digest(data) and here.read(path) is not None:
                found.append(Copy(path, "same"))
            else:
                found.append(here.brought(path, data, digest, lambda path: modules.before(git, start, before, path)))
        return found + [Copy(path, "left") for path in before.documents if path not in module.documents]

    return _adopted(git, f"module update {before.name}", (before, pinned), planned, wish)


def remove(git: Git, before: Pinned, wish: Wish) -> Done:
    """Let go of a module: its documents go with it, or stay as the project's own.

    Args:
        git: the repository.
        before: its line of the lock.
        wish: `keep` lets its documents stay.

    Returns:
        What it came to; nothing is staged.

    Raises:
        ConfigurationError: the lock is wrong.
        RefusedError: a document was edited here, so that it would be lost.
        StoreError: a file cannot be read or written.
    """

    def planned(here: _Here) -> list[Copy]:
        found = []
        for path, digest in before.documents.items():
            data = here.read(path)
            if not wish.keep and data is not None and lock.digest(data) != digest:
                hint = f"labelvc module remove {before.name} --keep leaves its documents as the project's own"
                raise RefusedError("was edited here and would be lost", where=path, hint=hint)
            found.append(Copy(path, "left" if wish.keep or data is None else "gone"))
        return found

    return _adopted(git, f"module remove {before.name}", (before, None), planned, wish)


def name_of(path: str) -> str:
    """Return what its path calls a document."""
    return path.rpartition("/")[2].removesuffix(".yaml")


class _Here:
    """The work tree that takes a module."""

    def __init__(self, git: Git, work: Snapshot, reader: Reader) -> None:
        self.modules = modules.taken(work, reader)
        self._git, self._work, self._reader = git, work, reader

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a document, None when it is not here."""
        entry = self._work.entries.get(path)
        return self._reader.read(path, entry) if entry else None

    def refuse_taken(self, pinned: Pinned) -> None:
        """Refuse documents that another module gives, or whose names differ from others by case alone."""
        providers = lock.providers([one for one in self.modules if one.name != pinned.name])
        there = {path.casefold(): path for path in self._work.entries if path.startswith(modules.HOMES)}
        for path in pinned.documents:
            if path in providers:
                message = f"the module {providers[path][0]!r} gives it already"
                hint = f"labelvc module remove {providers[path][0]} --keep, and then again"
                raise RefusedError(message, where=path, hint=hint)
            other = there.get(path.casefold(), path)
            if other != path:
                message = f"{other} is here, and where letters have no case both are one file"
                raise RefusedError(message, where=path, hint=f"git mv {other} {path}, or take the module without it")

    def brought(
        self, path: str, data: bytes, digest: str | None, before: Callable[[str], bytes | None] = lambda path: None
    ) -> Copy:
        """Return what becomes of a document that a module gives.

        Args:
            path: where.
            data: what it gives.
            digest: of what it gave before; None when it gave nothing.
            before: returns what it gave before, where the source still knows.
        """
        ours = self.read(path)
        if ours is None:
            return Copy(path, "new", data)
        if ours == data:
            return Copy(path, "same")
        if digest == lock.digest(ours):
            return Copy(path, "taken", data)
        base = None if digest is None else self._given(path, digest) or before(path)
        values = [document.read(raw, path) for raw in (base or b"{}\n", ours, data)]
        found = graft.graft(*values)
        lost = [f"/{name}" for name in graft.removed(values[1], found.value)]
        merged = _edited(ours, graft.changes(values[1], found.value))
        state: State = "same" if merged == ours else "merged"
        return Copy(path, state, merged if merged != ours else None, [*found.conflicts, *lost], base is None)

    def taking(self, name: str, pinned: Pinned) -> Copy:
        """Return what becomes of a dataset's document when it takes the profiles that a module gives.

        Raises:
            ConfigurationError: there is no such dataset.
            RefusedError: the module gives no profile.
        """
        path = f"datasets/{name}/dataset.yaml"
        data = self.read(path)
        if data is None:
            raise ConfigurationError(f"there is no dataset {name!r}", where=path, hint="labelvc dataset list")
        given = [name_of(one) for one in pinned.documents if one.startswith(_PROFILES)]
        if not given:
            raise RefusedError("the module gives no profile that a dataset could take", where=path)
        said = document.read(data, path).get("profiles") or []
        fresh = [one for one in given if one not in said]
        edited = document.extend(data, ("profiles",), fresh) if said else document.edit(data, {("profiles",): fresh})
        return Copy(path, "takes", edited)

    def _given(self, path: str, digest: str) -> bytes | None:
        """Return what a module gave before, from this repository's own history."""
        head = plumbing.head(self._git)
        for oid in log.blobs(self._git, head, path) if head else ():
            data = self._reader.read(path, Entry("git", oid))
            if lock.digest(data) == digest:
                return data
        return None


def _adopted(
    git: Git,
    command: str,
    pins: tuple[Pinned | None, Pinned | None],
    planned: Callable[[_Here], list[Copy]],
    wish: Wish,
) -> Done:
    before, after = pins
    with files.lock(git) as since:
        work = tree.work(git)
        with tree.reader(git) as reader:
            here = _Here(git, work, reader)
            copies = planned(here)
        kept = [one for one in here.modules if before is None or one.name != before.name]
        wanted: dict[str, bytes | None] = {one.path: one.data for one in copies if one.data or one.state == "gone"}
        listed = [*kept, *([after] if after else [])]
        wanted[LOCK] = lock.write(listed) if listed else None
        effect = foresight.foresee(git, work, wanted, brought=wish.brought, jobs=wish.jobs, advance=wish.advance)
        stopped = _reason(copies, effect, wish)
        if stopped or wish.dry or not effect.changes:
            return Done(before, after, copies, effect, stopped, written=False)
        with journal.transaction(git, command, since) as change:
            for path, data in wanted.items():
                if data is None:
                    change.delete(path)
                else:
                    change.write(path, data)
        return Done(before, after, copies, effect, "", written=True)


def _reason(copies: Sequence[Copy], effect: Effect, wish: Wish) -> str:
    """Return why nothing may be written; empty when nothing stands in the way."""
    if any(one.conflicts for one in copies) and not wish.keep:
        return "conflict"
    if effect.broken:
        return "broken"
    errors = any(one.severity == "error" for one in effect.fresh)
    return "errors" if errors and not wish.anyway else ""


def _edited(data: bytes, edits: Iterator[graft.Change]) -> bytes:
    found = dict(edits)
    data = document.edit(data, {path: value for path, value in found.items() if path[-1] != "-"})
    for path, members in found.items():
        data = document.extend(data, path[:-1], members) if path[-1] == "-" else data
    return data
