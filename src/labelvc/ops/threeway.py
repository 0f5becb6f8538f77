"""Three-way: the tree that two commits merge into, record by record, worked out beside the index and the work tree."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

from labelvc.codec import expression, shard
from labelvc.core import markers, merge, reconcile
from labelvc.errors import StoreError
from labelvc.model.change import Conflict
from labelvc.model.names import Layer
from labelvc.model.snapshot import FILE, Entry
from labelvc.ops import layers, strategies, texts
from labelvc.ops.layers import Layout, Side, Sides, Version
from labelvc.store import draft, patch, tree, treewalk
from labelvc.store import git as plumbing
from labelvc.store.draft import Draft
from labelvc.store.git import Git
from labelvc.store.reader import Reader
from labelvc.store.treewalk import Stage

Advance = Callable[[int], None]
Names = tuple[str, str, str]
_Thing = TypeVar("_Thing")
_CROSSED = "base of a criss-cross merge"
_AT_ONCE = 256  # cells of which git is asked for the objects together
_combined: dict[tuple[Path, str, str], str] = {}


class Tally(NamedTuple):
    """How much a merge had to do.

    Attributes:
        taken: shards taken over whole from their side.
        merged: shards that both sides changed, merged by record.
        records: records and items that both sides changed and that came together by themselves.
    """

    taken: int = 0
    merged: int = 0
    records: int = 0


class Outcome(NamedTuple):
    """What a merge comes to.

    Attributes:
        entries: path to entry of every shard of a layer that lies in DVC, as merged: an object of DVC, or of git where the
            merge made it.
        tree: id of the merged tree, with conflict markers where a person must decide.
        stages: the versions of each path in conflict, for the index.
        torn: path of a shard to what is in conflict in it.
        said: git's sentences about documents in conflict.
        stored: datasets whose annotations must be written to the work tree and stored with DVC.
        fetched: pointers whose folder in the work tree must become what the pointer says.
        left: pointers of ours that the merged tree has not: what lies behind them leaves the work tree.
        tally: counts.
    """

    entries: Mapping[str, Entry]
    tree: str
    stages: list[Stage]
    torn: Mapping[str, list[Conflict]]
    said: list[str]
    stored: list[str]
    fetched: list[str]
    left: list[str]
    tally: Tally


class _Target(NamedTuple):
    """Where the merged lines of a layer go."""

    dataset: str
    layer: Layer
    layout: Layout
    group: re.Pattern[str] | None


class _Work(NamedTuple):
    """What a merge works with and gathers.

    Attributes:
        git: the repository.
        reader: of entries.
        draft: the tree in the making.
        names: what conflict markers call ours, the base and theirs.
        settle: whether conflicts become lines nobody agreed on, for a base of a criss-cross merge.
        lying: whether our files lie in the work tree.
        entries: shards as merged, of layers that lie in DVC.
        torn: conflicts a path.
        stages: their versions.
        counts: taken, merged, records.
    """

    git: Git
    reader: Reader
    draft: Draft
    names: Names
    settle: bool
    lying: bool
    entries: dict[str, Entry]
    torn: dict[str, list[Conflict]]
    stages: list[Stage]
    counts: dict[str, int]


def bases(git: Git, ours: str, theirs: str) -> list[str]:
    """Return the best common ancestors of two commits.

    Raises:
        StoreError: they have none, or a shallow clone may hide it.
    """
    found = sorted(plumbing.merge_bases(git, ours, theirs))  # the same for both sides, whoever asks
    if not found:
        hint = "git log --graph --oneline --all"
        raise StoreError("the two histories share no commit", where=f"{ours[:10]}...{theirs[:10]}", hint=hint)
    return found


def three_way(
    git: Git,
    ours: str,
    theirs: str,
    names: Names = ("ours", "base", "theirs"),
    *,
    found: Sequence[str] = (),
    settle: bool = False,
    lying: bool = False,
    advance: Advance | None = None,
    reader: Reader | None = None,
) -> Outcome:
    """Work out what two commits merge into; nothing but unreferenced objects is written.

    Args:
        git: the repository.
        ours: full id of a commit: its datasets' rules decide, and where nobody changed the layout, its layout.
        theirs: full id of another.
        names: what conflict markers call the sides.
        found: their best common ancestors, where they are known.
        lying: whether our files lie in the work tree, where they are read quicker.
        settle: leave no conflict: a line nobody agreed on stands for each, as the base of a further merge needs.
        advance: called with the number of shards done.
        reader: one that is open already.

    Returns:
        The outcome.

    Raises:
        StoreError: no common ancestor, an object that is nowhere, or a git older than 2.38.
        DataError: conflict markers in a commit.
    """
    start = _single(git, found or bases(git, ours, theirs))
    with nullcontext(reader) if reader else tree.reader(git) as source, Draft(git, ours) as drawn:
        base = layers.version_of(git, start, source)
        versions = [base, *[layers.version_after(base, commit, source) for commit in (ours, theirs)]]
        work = _Work(git, source, drawn, names, settle, lying, {}, {}, [], defaultdict(int))
        stored, pointed = list[str](), dict[str, list[str]]({"fetch": [], "leave": []})
        for dataset, layer in sorted(set().union(*[version.layers for version in versions])):
            kind = _layer(work, versions, dataset, layer, advance)
            stored += [dataset] if kind == "store" else []
            if kind in pointed:
                pointed[kind].append(f"datasets/{dataset}/{layer}.dvc")
        said, stages = texts.three_way(git, drawn, (versions[0].rows, versions[1].rows, versions[2].rows))
        work.stages.extend([] if settle else stages)
        tally = Tally(work.counts["taken"], work.counts["merged"], work.counts["records"])
        return Outcome(
            work.entries, drawn.write(), work.stages, work.torn, said, stored, pointed["fetch"], pointed["leave"], tally
        )


def base(git: Git, ours: str, theirs: str) -> str:
    """Return the one base of a merge: of several, as a criss-cross leaves them, the commit they merge into.

    Raises:
        StoreError: there is none, or a shallow clone may hide it.
    """
    return _single(git, bases(git, ours, theirs))


def _single(git: Git, found: Sequence[str]) -> str:
    """Return the commit that common ancestors merge into."""
    one, *others = found
    if others:
        for pair in reversed(_crossed(git, one, others[0])):
            combined(git, *pair)
    for other in others:
        one = combined(git, one, other)
    return one


def combined(git: Git, one: str, other: str) -> str:
    """Return a commit that no branch points to and that two commits merge into; a line nobody has stands for a conflict.

    It is remembered: where two branches merged each other again and again, every merge asks for all that lies below it.
    """
    known = _combined.get((git.common, one, other))
    if known is None:
        known = _combined[git.common, one, other] = _combine(git, one, other)
    return known


def _crossed(git: Git, one: str, other: str) -> list[tuple[str, str]]:
    """Return two commits, two bases of theirs, two of those and so on, as far down as they cross and are not combined yet."""
    found = [(one, other)]
    while (git.common, *found[-1]) not in _combined and not _alike(git, *found[-1]):
        below = bases(git, *found[-1])[:2]
        if len(below) < 2:
            break
        found.append((below[0], below[1]))
    return found


def _alike(git: Git, one: str, other: str) -> str:
    """Return the tree of two commits that have the same one, else nothing."""
    trees = [plumbing.held(git, f"{commit}^{{tree}}")[0] for commit in (one, other)]
    return trees[0] if trees[0] == trees[1] else ""


def _combine(git: Git, one: str, other: str) -> str:
    alike = _alike(git, one, other)
    if alike:
        return draft.joined(git, alike, (one, other), _CROSSED)
    outcome = three_way(git, one, other, settle=True)
    with Draft(git, one) as drawn, tree.reader(git) as reader:
        old, new = [{row.path: row for row in treewalk.files(git, side)} for side in (one, outcome.tree)]
        texts.replace(drawn, old, new)
        for path, entry in outcome.entries.items():
            if path.split("/")[1] in outcome.stored:  # no pointer says what DVC would hold
                drawn.put(path, reader.read(path, entry))
        return draft.joined(git, drawn.write(), (one, other), _CROSSED)


def _layer(work: _Work, versions: Sequence[Version], dataset: str, layer: Layer, advance: Advance | None) -> str:
    """Merge one layer of a dataset; return what its folder in the work tree needs: `store`, `fetch`, `leave` or nothing."""
    layouts = [layers.layout(version, dataset, layer) for version in versions]
    pick = 2 if layouts[1] in (layouts[0], None) and layouts[2] is not None else 1
    final = layouts[pick] or layouts[0]
    if final is None:
        return ""
    target = _Target(dataset, layer, final, expression.compiled(final.group))
    decide = reconcile.resolver(layer, strategies.of(versions[1].project, dataset))
    torn: list[Sides] = []
    winners = set[str]()
    for cell in layers.cells(versions, dataset, layer):
        base, ours, theirs = cell
        if layouts[1] in (final, None) and theirs in (ours, base):
            winners |= {"ours"} if ours != theirs else set()
            _keep(work, ours, final)
        elif layouts[2] in (final, None) and base == ours:
            winners.add("theirs")
            _take(work, ours, theirs, final)
        else:
            winners.add("both")
            torn.append(cell)
        if len(torn) == _AT_ONCE:
            _merge(work, torn, target, decide, advance)
            torn.clear()
    _merge(work, torn, target, decide, advance)
    theirs_won = winners == {"theirs"}
    if winners & {"theirs", "both"} or layouts[1] != final:
        _derived(work, versions, versions[2 if theirs_won or pick == 2 else 1], dataset, layer)
    if final.storage != "dvc":
        return "leave" if layouts[1] is not None and layouts[1].storage == "dvc" else ""
    if winners <= {"ours"} and layouts[1] == final:
        return ""
    return "fetch" if theirs_won else "store"


def _keep(work: _Work, side: Side, final: Layout) -> None:
    """Note what a cell comes to, where the work tree will need it."""
    if final.storage == "dvc":
        work.entries.update(side)


def _take(work: _Work, ours: Side, theirs: Side, final: Layout) -> None:
    """Take a cell over as their side has it."""
    _keep(work, theirs, final)
    work.counts["taken"] += len(theirs)
    kept = theirs if final.storage == "git" else ()
    work.draft.take([Stage(path, FILE, "") for path, entry in ours.items() if entry.kind == "git" and path not in kept])
    if final.storage == "git":
        work.draft.take([Stage(path, FILE, entry.id) for path, entry in theirs.items()])


def _merge(work: _Work, cells: list[Sides], target: _Target, decide: merge.Resolve, advance: Advance | None) -> None:
    """Merge cells that both sides changed, read in one stream; what lies in the work tree in another."""
    own = [pair for _, ours, _ in cells for pair in ours.items()]
    lying = work.lying and all(entry.kind == "git" for _, entry in own)
    asked = [(base, theirs) if lying else (base, ours, theirs) for base, ours, theirs in cells]
    stream = work.reader.many([pair for sides in asked for side in sides for pair in side.items()])
    streams = (stream, work.reader.lying(own) if lying else stream, stream)
    for sides in cells:
        data = [layers.joined(islice(source, len(side))) for source, side in zip(streams, sides, strict=True)]
        _cell(work, sides, data, target, decide)
        if advance:
            advance(1)


def _cell(work: _Work, files: Sides, data: Sequence[bytes], target: _Target, decide: merge.Resolve) -> None:
    """Merge the lines of one cell and put them where the final layout wants them."""
    path = shard.path(target.dataset, target.layer, "0" * target.layout.digits)
    ours, theirs = [patch.walk(path, data[0], side) for side in data[1:]]
    found = merge.merge(ours, theirs, decide)
    work.counts["merged"] += 1
    work.counts["records"] += found.resolved
    lines = markers.without(shard.lines(data[1]), found.gone) + found.come
    torn = found.conflicts
    if work.settle:
        lines, torn = lines + [reconcile.undecided(_some_line(conflict), target.layer) for conflict in torn], []
    only = _only(files, target)
    split = {only: lines} if only else _split(lines, target, lambda line: line)
    wrong = {only: torn} if only else _split(torn, target, _some_line)
    in_git, kept = target.layout.storage == "git", set[str]()
    for name in sorted(split.keys() | wrong.keys()):
        conflicts = wrong.get(name, [])
        written = markers.weave(split.get(name, []), conflicts, work.names)
        if not written:
            continue
        if in_git:
            work.draft.put(name, written)
            kept.add(name)
        else:
            _keep(work, {name: Entry("git", work.draft.keep(written))}, target.layout)
        if conflicts:
            work.torn[name] = conflicts
            work.stages.extend(_stages(work, files, data, target, name) if in_git else [])
    left = [name for name, entry in files[1].items() if entry.kind == "git" and name not in kept]
    work.draft.take([Stage(name, FILE, "") for name in left])


def _only(files: Sides, target: _Target) -> str:
    """Return the one path a cell has in every version and will have; empty when its lines must be placed one by one."""
    names = set().union(*files)
    name = next(iter(names)) if len(names) == 1 else ""
    found = shard.parse_path(name)
    return name if found and len(found[2]) == target.layout.digits and shard.path(*found) == name else ""


def _split(things: Iterable[_Thing], target: _Target, line_of: Callable[[_Thing], bytes]) -> dict[str, list[_Thing]]:
    """Return lines, or what holds some, by the path of the shard they belong into."""
    found: dict[str, list[_Thing]] = defaultdict(list)
    for thing in things:
        line = line_of(thing)
        key = shard.key_of(line, target.dataset, target.layer)
        item = key.item if key else ""
        place = shard.place(shard.group_of(item, target.group), target.layout.digits)
        found[shard.path(target.dataset, target.layer, place)].append(thing)
    return found


def _stages(work: _Work, files: Sides, data: Sequence[bytes], target: _Target, name: str) -> list[Stage]:
    """Return the three versions of a shard in conflict, as `git ls-files -u` shows them."""
    found = []
    for number, (side, whole) in enumerate(zip(files, data, strict=True), 1):
        entry = side.get(name)
        if len(side) == 1 and entry is not None and entry.kind == "git":
            found.append(Stage(name, FILE, entry.id, number))
            continue
        lines = _split(shard.lines(whole), target, lambda line: line).get(name)
        if lines:
            found.append(Stage(name, FILE, work.draft.keep(shard.write(lines)), number))
    return found


def _derived(work: _Work, versions: Sequence[Version], source: Version, dataset: str, layer: Layer) -> None:
    """Give the tree the DVC pointer and manifest that the picked version has; none when its shards lie in git."""
    for path in (f"datasets/{dataset}/{layer}.dvc", f"datasets/{dataset}/{layer}.sha256"):
        entry = source.snapshot.entries.get(path)
        work.draft.take([Stage(path, FILE, entry.id if entry else "")])
    torn = any(name.startswith(f"datasets/{dataset}/{layer}/") for name in work.torn)
    pointer_path = f"datasets/{dataset}/{layer}.dvc"
    if torn and pointer_path in source.snapshot.entries:
        for number, version in enumerate(versions, 1):
            entry = version.snapshot.entries.get(pointer_path)
            if entry is not None:
                work.stages.append(Stage(pointer_path, FILE, entry.id, number))


def _some_line(conflict: Conflict) -> bytes:
    return next(iter((*conflict.ours, *conflict.theirs, *conflict.base)))
