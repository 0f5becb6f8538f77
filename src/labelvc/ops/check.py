"""Check: is the content right, of everything or of what changed."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from labelvc.checks import registry
from labelvc.checks.interface import Look
from labelvc.checks.view import View
from labelvc.codec import shard
from labelvc.core import revise
from labelvc.errors import ConfigurationError
from labelvc.model.change import Delta
from labelvc.model.finding import SEVERITIES, Finding, Place, Severity
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset, Project
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import diff
from labelvc.ops import project as projects
from labelvc.store import git as plumbing
from labelvc.store import pointer, tree, workers
from labelvc.store.cache import Cache
from labelvc.store.git import Git

Advance = Callable[[int], None]
_LAYERS: tuple[Layer, ...] = ("items", "annotations")


class Report(NamedTuple):
    """What a check came to.

    Attributes:
        findings: sorted by path, line and rule.
        known: findings that were there before the change and are not listed.
        shards: number of shards looked at or remembered.
        lines: number of items and records in them.
        remembered: how many of the shards were answered from the cache.
    """

    findings: list[Finding]
    known: int = 0
    shards: int = 0
    lines: int = 0
    remembered: int = 0

    def worst(self) -> Severity | None:
        """Return the highest severity found."""
        return max((finding.severity for finding in self.findings), key=SEVERITIES.index, default=None)


class Cell(NamedTuple):
    """One shard's two files in a snapshot, the unit of work: an entry is None where the layer has no such file."""

    dataset: str
    name: str
    items: Entry | None
    annotations: Entry | None


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """What looking at one cell gave: its findings, one summary a check, and its number of lines."""

    findings: list[Finding]
    summaries: dict[str, bytes]
    lines: int


def everything(git: Git, snapshot: Snapshot, *, jobs: int = 1, advance: Advance | None = None) -> Report:
    """Check all documents and shards of a snapshot.

    Args:
        git: the repository.
        snapshot: what to check.
        jobs: worker processes.
        advance: called with the number of shards done.

    Returns:
        All findings.

    Raises:
        ConfigurationError: there is no labelvc.yaml.
        StoreError: a file cannot be read.
    """
    with Cache(git) as cache:
        findings, project = _documents(git, snapshot, cache)
        if project is None:
            return Report(findings)
        cells = _cells(project, snapshot)
        outcomes, remembered = _look(git, project, cells, cache, jobs, advance)
    findings += _strays(project, snapshot)
    findings += [finding for outcome in outcomes.values() for finding in outcome.findings]
    findings += _judged(project, outcomes)
    findings += _unstored(git, project, snapshot)
    lines = sum(outcome.lines for outcome in outcomes.values())
    return Report(_configured(findings, project), 0, len(cells), lines, remembered)


def changed(git: Git, old: Snapshot, new: Snapshot, *, jobs: int = 1, advance: Advance | None = None) -> Report:
    """Check what differs between two snapshots; findings that were there before are counted, not listed.

    Args:
        git: the repository.
        old: the snapshot the change starts from.
        new: the snapshot to judge.
        jobs: worker processes.
        advance: called with the number of shards done.

    Returns:
        The findings that the change brings.

    Raises:
        ConfigurationError: there is no labelvc.yaml in the new snapshot.
        StoreError: a file cannot be read.
    """
    with Cache(git) as cache:
        return _changed(git, old, new, cache, jobs, advance)


def staged(git: Git, *, jobs: int = 1) -> Report:
    """Check the index against HEAD: what a commit would bring."""
    return changed(git, _head(git), tree.index(git), jobs=jobs)


def unstaged(git: Git, *, jobs: int = 1) -> Report:
    """Check the work tree against HEAD."""
    return changed(git, _head(git), tree.work(git), jobs=jobs)


def _changed(git: Git, old: Snapshot, new: Snapshot, cache: Cache, jobs: int, advance: Advance | None) -> Report:
    paths = tree.changed(old, new)
    findings, project = _documents(git, new, cache)
    if project is None:
        return Report(findings)
    before, former = _documents(git, old, cache) if "labelvc.yaml" in old.entries else ([], None)
    touched = {found[::2] for found in map(shard.parse_path, paths) if found}
    whole = {name for name in project.datasets if _governed_anew(name, project, former)}
    cells = {place: cell for place, cell in _cells(project, new).items() if place in touched or cell.dataset in whole}
    outcomes, remembered = _look(git, project, cells, cache, jobs, advance)
    findings += _strays(project, new)
    findings += [finding for outcome in outcomes.values() for finding in outcome.findings]
    if former is not None:
        earlier = {place: cell for place, cell in _cells(former, old).items() if place in cells}
        earlier_outcomes, _ = _look(git, former, earlier, cache, jobs, None)
        before += _strays(former, old)
        before += [finding for outcome in earlier_outcomes.values() for finding in outcome.findings]
    for name in _rejudged(paths, whole, project):
        findings += _judge_all(git, project, new, cache, name, jobs)
        before += _judge_all(git, former, old, cache, name, jobs) if former and name in former.datasets else []
    findings += _successions(git, old, new, paths)
    fresh, known = _new_only(_configured(findings, project), _configured(before, former or project))
    lines = sum(outcome.lines for outcome in outcomes.values())
    return Report(fresh, known, len(cells), lines, remembered)


def _head(git: Git) -> Snapshot:
    return tree.commit(git, "HEAD") if plumbing.head(git) else tree.empty()


def _documents(git: Git, snapshot: Snapshot, cache: Cache) -> tuple[list[Finding], Project | None]:
    """Return the findings in documents and, when there is no error among them, the project."""
    if "labelvc.yaml" not in snapshot.entries:
        raise ConfigurationError(f"there is no labelvc.yaml in {snapshot.name}", hint="labelvc init")
    with tree.reader(git) as reader:
        findings = projects.problems_of(git, snapshot, reader, cache)
        if any(finding.severity == "error" for finding in findings):
            return findings, None
        return findings, projects.load(git, snapshot, reader, cache)


def _cells(project: Project, snapshot: Snapshot) -> dict[tuple[str, str], Cell]:
    """Return the cells of all datasets, by (dataset, shard name)."""
    found: dict[tuple[str, str], dict[Layer, Entry]] = defaultdict(dict)
    for path, entry in snapshot.entries.items():
        parsed = shard.parse_path(path)
        if parsed and parsed[0] in project.datasets and shard.path(*parsed) == path:
            found[parsed[0], parsed[2]][parsed[1]] = entry
    return {
        place: Cell(*place, layers.get("items"), layers.get("annotations")) for place, layers in sorted(found.items())
    }


def _governed_anew(name: str, project: Project, former: Project | None) -> bool:
    """Tell whether a dataset's rules may have changed: then all of its shards are looked at again."""
    if former is None or name not in former.datasets:
        return True
    same = (former.tasks, former.taxonomies, former.guidelines) == (
        project.tasks,
        project.taxonomies,
        project.guidelines,
    )
    return not same or former.datasets[name] != project.datasets[name]


def _look(
    git: Git, project: Project, cells: Mapping[tuple[str, str], Cell], cache: Cache, jobs: int, advance: Advance | None
) -> tuple[dict[tuple[str, str], Outcome], int]:
    """Return the outcome of every cell, from the cache where its files and rules were seen before."""
    keys = {place: _cache_key(project, cell) for place, cell in cells.items()}
    kept = cache.get_many([key for key in keys.values() if key])
    outcomes: dict[tuple[str, str], Outcome] = {}
    for place, key in keys.items():
        if key in kept:
            outcomes[place] = msgspec.msgpack.decode(kept[key], type=Outcome)
    if advance:
        advance(len(outcomes))
    remembered = len(outcomes)
    todo = [cell for place, cell in cells.items() if place not in outcomes]
    fresh: list[tuple[str, bytes]] = []
    looking: Callable[[list[Cell]], Iterator[Outcome]] = _Looking(git, project)
    looked = workers.map_chunks(looking, todo, jobs, _WORTH_SHARING)
    for cell, outcome in zip(todo, looked, strict=True):
        outcomes[cell[:2]] = outcome
        key = keys[cell[:2]]
        if key:
            fresh.append((key, msgspec.msgpack.encode(outcome)))
        if advance:
            advance(1)
    cache.put_many(fresh)
    return outcomes, remembered


_WORTH_SHARING = 64


class _Looking(NamedTuple):
    """The work of one process: read cells and look at them."""

    git: Git
    project: Project

    def __call__(self, cells: list[Cell]) -> Iterator[Outcome]:
        wanted = [
            (shard.path(cell.dataset, layer, cell.name), entry)
            for cell in cells
            for layer, entry in zip(_LAYERS, (cell.items, cell.annotations), strict=True)
            if entry
        ]
        with tree.reader(self.git) as reader:
            data = reader.many(wanted)
            for cell in cells:
                yield self._one(cell, data)

    def _one(self, cell: Cell, data: Iterator[tuple[str, bytes]]) -> Outcome:
        items = next(data)[1] if cell.items else b""
        annotations = next(data)[1] if cell.annotations else b""
        return look(self.project, self.project.datasets[cell.dataset], cell.name, items, annotations)


def look(project: Project, dataset: Dataset, name: str, items: bytes, annotations: bytes) -> Outcome:
    """Look at one shard's bytes with every check that applies.

    Args:
        project: the documents in force.
        dataset: the shard's dataset.
        name: the shard's name.
        items: bytes of its items file, empty when there is none.
        annotations: bytes of its annotations file, empty when there is none.

    Returns:
        Findings and summaries.
    """
    view = View(project, dataset, name, items, annotations)
    looks: list[tuple[str, Look]] = [
        (check.name, check.look(view, project)) for check in registry.all_checks() if check.applies(project, dataset)
    ]
    summaries = {check: look.summary for check, look in looks if look.summary}
    return Outcome([finding for _, look in looks for finding in look.findings], summaries, view.size)


def _cache_key(project: Project, cell: Cell) -> str:
    """Return the key an outcome is remembered under, empty when only reading would tell what the files hold."""
    entries = (cell.items, cell.annotations)
    if any(entry is not None and not entry.id for entry in entries):
        return ""
    parts = [registry.versions(), project.digest, cell.dataset, cell.name]
    parts += [f"{entry.kind}:{entry.id}" if entry else "-" for entry in entries]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _judged(project: Project, outcomes: Mapping[tuple[str, str], Outcome]) -> Iterator[Finding]:
    for dataset in project.datasets.values():
        for check in registry.all_checks():
            if check.applies(project, dataset):
                summaries = [
                    (name, outcome.summaries[check.name])
                    for (owner, name), outcome in outcomes.items()
                    if owner == dataset.name and check.name in outcome.summaries
                ]
                yield from check.judge(summaries, project, dataset)


def _rejudged(paths: Iterable[str], whole: set[str], project: Project) -> list[str]:
    """Return the datasets whose items changed: only these can hold a new finding that spans shards."""
    touched = {found[0] for found in map(shard.parse_path, paths) if found and found[1] == "items"}
    return sorted((touched | whole) & set(project.datasets))


def _judge_all(git: Git, project: Project, snapshot: Snapshot, cache: Cache, name: str, jobs: int) -> list[Finding]:
    if not project.datasets[name].natural_key and len(registry.BUILT_IN) == len(registry.all_checks()):
        return []
    cells = {place: cell for place, cell in _cells(project, snapshot).items() if cell.dataset == name}
    outcomes, _ = _look(git, project, cells, cache, jobs, None)
    return list(_judged(project, outcomes))


def _strays(project: Project, snapshot: Snapshot) -> Iterator[Finding]:
    """Yield files among the shards that are none of the dataset's."""
    for path in snapshot.entries:
        top, _, rest = path.partition("/")
        name, _, inside = rest.partition("/")
        if top != "datasets" or not inside.startswith(("annotations/", "items/")):
            continue
        if name not in project.datasets:
            yield Finding(
                "shard.stray",
                "error",
                Place(path),
                f"there is no dataset {name!r}",
                f"write datasets/{name}/dataset.yaml, or delete the file",
            )
            continue
        parsed, k = shard.parse_path(path), shard.digits(project.datasets[name].shards)
        if parsed is None or len(parsed[2]) != k or shard.path(*parsed) != path:
            example = shard.path(name, "annotations", "0" * k)
            yield Finding(
                "shard.stray",
                "error",
                Place(path),
                f"the file is none of the dataset's {4**k} shards (such as {example})",
                "labelvc format",
            )


def _unstored(git: Git, project: Project, snapshot: Snapshot) -> Iterator[Finding]:
    """Yield DVC datasets whose work-tree shards differ from their manifest: `git commit` would not store them."""
    if snapshot.kind != "work":
        return
    with tree.reader(git) as reader:
        for dataset in project.datasets.values():
            folder = f"datasets/{dataset.name}"
            entry = snapshot.entries.get(f"{folder}/annotations.sha256")
            if dataset.storage != "dvc" or entry is None:
                continue
            stored = pointer.manifest(
                f"{folder}/annotations.sha256", reader.read(f"{folder}/annotations.sha256", entry)
            )
            lying = [
                (path, found) for path, found in snapshot.entries.items() if path.startswith(f"{folder}/annotations/")
            ]
            sums = {path: hashlib.sha256(data).hexdigest() for path, data in reader.many(lying)}
            differing = sorted(path for path in stored.keys() | sums.keys() if stored.get(path) != sums.get(path))
            if differing:
                message = f"{len(differing)} shards differ from {folder}/annotations.sha256"
                hint = "labelvc format, which stores them with DVC; or dvc checkout, which drops them"
                yield Finding("dvc.unstored", "error", Place(differing[0]), message, hint)


def _successions(git: Git, old: Snapshot, new: Snapshot, paths: Sequence[str]) -> Iterator[Finding]:
    """Yield records whose `rev` does not follow the one before."""
    if not any(found and found[1] == "annotations" for found in map(shard.parse_path, paths)):
        return
    for delta in diff.shard_deltas(git, old, new):
        problem = revise.problem(delta)
        if problem and isinstance(delta.key, Key):
            yield Finding(
                "record.rev",
                "error",
                _place(delta, delta.key),
                problem,
                "labelvc format --staged" if new.kind == "index" else "labelvc format",
            )


def _place(delta: Delta, key: Key) -> Place:
    return Place(f"datasets/{key.dataset}/annotations", 0, str(key), "/rev" if delta.new else "")


def _new_only(findings: list[Finding], before: list[Finding]) -> tuple[list[Finding], int]:
    known = Counter([finding.fingerprint for finding in before])
    fresh = []
    for finding in findings:
        if known[finding.fingerprint] > 0:
            known[finding.fingerprint] -= 1
        else:
            fresh.append(finding)
    return fresh, len(findings) - len(fresh)


def _configured(findings: Iterable[Finding], project: Project) -> list[Finding]:
    """Give each finding the severity its dataset wants, drop what is off, and sort."""
    kept = []
    for finding in findings:
        name = finding.place.path.split("/")[1] if finding.place.path.startswith("datasets/") else ""
        dataset = project.datasets.get(name)
        setting = dataset.checks.get(finding.rule) if dataset else None
        severity = setting.severity if setting and setting.severity else finding.severity
        if severity != "off":
            kept.append(finding._replace(severity=severity))
    return sorted(kept, key=lambda finding: (finding.place, finding.rule, finding.message))
