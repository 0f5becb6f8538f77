"""Check: is the content right, of everything or of what changed."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from labelvc.checks import registry
from labelvc.checks.interface import Rule
from labelvc.codec import shard
from labelvc.core import baseline, governing, revise, waivers
from labelvc.core.diff import live
from labelvc.core.gate import Gate
from labelvc.model import listing, register
from labelvc.model.finding import SEVERITIES, Finding, Place, Severity
from labelvc.model.names import Key
from labelvc.model.project import Project
from labelvc.model.snapshot import Snapshot
from labelvc.model.waiver import WAIVERS, Waived
from labelvc.ops import (
    behind,
    bindings,
    catalogue,
    diff,
    forgotten,
    gates,
    instructions,
    invisible,
    look,
    pinned,
    plain,
    retired,
    strays,
    unprotected,
    withdrawn,
)
from labelvc.ops import project as projects
from labelvc.ops.cells import cells_of
from labelvc.ops.gates import NOTHING, Brought
from labelvc.ops.look import Advance, Side
from labelvc.ops.masking import masked
from labelvc.ops.project import Read, Survey
from labelvc.store import tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git

_APPROVALS = "approvals/"


class Report(NamedTuple):
    """What a check came to.

    Attributes:
        findings: sorted by path, line and rule; of a change those that it brings.
        shards: number of shards looked at or remembered.
        lines: number of items and records in them.
        remembered: how many of the shards were answered from the cache.
        asked: the rules that judged, by dataset; those of the project as a whole under the empty name.
        unchanged: what was there before the change too, where it looked.
        fixed: what was there before the change and is gone; only where that was asked for.
        waived: what somebody lets stand: of a change what it brings and the waivers of its base cover.
        accepted: how many exceptions of the baseline hold; only of a check of everything.
    """

    findings: list[Finding]
    shards: int = 0
    lines: int = 0
    remembered: int = 0
    asked: Mapping[str, Sequence[Rule]] = {}
    unchanged: Sequence[Finding] = ()
    fixed: Sequence[Finding] = ()
    waived: Sequence[Waived] = ()
    accepted: int = 0

    @property
    def known(self) -> int:
        """The number of findings that were there before."""
        return len(self.unchanged)

    def worst(self) -> Severity | None:
        """Return the highest severity found."""
        return max((finding.severity for finding in self.findings), key=SEVERITIES.index, default=None)


def everything(
    git: Git, snapshot: Snapshot, *, brought: Brought = NOTHING, jobs: int = 1, advance: Advance | None = None
) -> Report:
    """Check all documents and shards of a snapshot, but for plain text, which `labelvc.ops.plain` finds.

    Args:
        git: the repository.
        snapshot: what to check.
        brought: the date, and people to look for.
        jobs: worker processes.
        advance: called with the number of shards done.

    Returns:
        All findings.

    Raises:
        ConfigurationError: there is no labelvc.yaml.
        StoreError: a file cannot be read.
    """
    with Cache(git) as cache:
        findings, project, documents = _documents(git, snapshot, cache)
        odd = listing.of(snapshot.entries).odd()
        findings += _misplaced(git, snapshot, [*odd, *listing.paths(snapshot.entries, _APPROVALS)])
        findings += withdrawn.since_head(git, snapshot)
        if project is None:
            findings = masked(findings, gates.of(git, None, brought))
            return Report(findings, asked=catalogue.asked(None, (), change=False))
        project = bindings.bound(git, project, snapshot, cache)
        cells = cells_of(project, snapshot, set(), set(project.datasets))
        outcomes = look.outcomes_of(git, project, cells, cache, jobs, advance)
        findings += retired.softened(git, outcomes.findings, project, snapshot, cache)
    findings += look.judged(project, outcomes)
    findings += behind.unstored(git, project, snapshot, snapshot.entries)
    findings += strays.ignored(project, snapshot)
    findings += _besides(git, _Side(snapshot, project, project, documents), brought)
    asked = catalogue.asked(project, project.datasets, change=False)
    left, waived = waivers.apart(configured(findings, project), project.waivers, brought.today)
    if project.waivers:
        left += _waiving().unused(project.waivers, waived, brought.today)
    left = masked(left, Gate(project.leaks))  # without who is known here: that may take a key which checks need not
    report = Report(left, outcomes.shards, outcomes.lines, outcomes.remembered, asked, waived=waived)
    held = [one for one in project.accepted if not baseline.ended(one, brought.today)]
    return report._replace(accepted=len(held))


def changed(
    git: Git,
    old: Snapshot,
    new: Snapshot,
    *,
    by: Project | None = None,
    brought: Brought = NOTHING,
    fixed: bool = False,
    jobs: int = 1,
    advance: Advance | None = None,
) -> Report:
    """Check what differs between two snapshots: findings that the change brings, and those that were there before.

    Args:
        git: the repository.
        old: the snapshot the change starts from.
        new: the snapshot to judge.
        by: whose settings judge, when it is not the old snapshot's: a branch's second commit is not judged by its first.
        brought: as for `everything`.
        fixed: whether to find out what the change mended: the old side is looked at then where nothing is wrong now, too.
        jobs: worker processes.
        advance: called with the number of shards done.

    Returns:
        The findings that the change brings, those that stayed, and those that are gone.

    Raises:
        ConfigurationError: there is no labelvc.yaml in the new snapshot.
        StoreError: a file cannot be read.
    """
    with Cache(git) as cache:
        return _changed(git, old, new, cache, _Asked(by, brought, fixed, jobs, advance))


class _Asked(NamedTuple):
    """What `changed` was asked for beside the two snapshots."""

    by: Project | None
    brought: Brought
    fixed: bool
    jobs: int
    advance: Advance | None


def _changed(git: Git, old: Snapshot, new: Snapshot, cache: Cache, asked: _Asked) -> Report:
    by, brought, fixed, jobs, advance = asked
    paths = tree.changed(old, new)
    findings, project, documents = _documents(git, new, cache)
    findings += _misplaced(git, new, paths)
    lost = list(withdrawn.unsaid(git, old, new, paths))
    if project is None:
        found = masked(findings + lost, gates.of(git, None, brought))
        return Report(found, asked=catalogue.asked(None, (), change=True))
    own, earlier = project, Survey([], project, documents)
    if any(map(projects.noun_of, paths)):
        earlier = _documents(git, old, cache) if projects.TOP in old.entries else Survey([], None, ())
    before, former = earlier[:2]
    judge = by or former
    project, former = _judged(own, former, by, trying=new.kind == "work")
    project, former = bindings.bound(git, project, new, cache), former and bindings.bound(git, former, old, cache)
    touched = {found[::2] for found in map(shard.parse_path, paths) if found}
    whole = {name for name in project.datasets if _governed_anew(name, project, former)}
    strewn = bool(whole) or (former is not None and not project.datasets.keys() >= former.datasets.keys())
    cells = cells_of(project, new, touched, whole)
    then = former and Side(former, cells_of(former, old, touched.union(cells.places()), set()))
    both = [Side(project, cells), then] if fixed and then else [Side(project, cells)]
    outcomes, *past = look.sides_of(git, both, cache, jobs, advance)
    rules = catalogue.asked(project, cells.datasets, change=True)
    findings += outcomes.findings
    listed = project.erased - (former.erased if former else project.erased)
    if listed:  # a ledger that grew is no reason to ask every check of every shard again
        rest = sorted(set(project.datasets) - whole)
        findings += forgotten.standing(git, project, new, listed, rest, set(cells.places()))
    rejudged = _rejudged(paths, whole, project)
    for name in rejudged:
        findings += look.across(git, project, new, name, cache, jobs)
    findings += _besides(git, _Side(new, project, own, documents), brought, paths, all_strays=strewn)
    wary = gates.of(git, former, brought) if fixed and former is not None else None
    leaked, healed = plain.between(git, gates.of(git, project, brought), wary, old, new, paths)
    findings += leaked
    findings += unprotected.opened(git, old, new, judge, own, findings)
    if (findings or fixed) and former is not None:  # what was there before matters only when there is something now
        before += (past or look.sides_of(git, [then] if then else [], cache, jobs))[0].findings
        for name in rejudged:
            before += look.across(git, former, old, name, cache, jobs) if name in former.datasets else []
        before += _besides(git, _Side(old, former, former, earlier.documents), brought, paths, all_strays=strewn)
        files = [path for path in paths if not shard.parse_path(path)]
        before += plain.standing(git, gates.of(git, former, brought), old, files)
    findings += [*_successions(git, project, old, new, paths), *lost]
    findings += pinned.rewritten(judge.modules if judge else (), own.modules)
    findings += behind.unstored(git, project, new, paths)
    findings += strays.ignored(project, new)
    findings = configured(findings, project)
    gone = []
    if fixed and former is not None:
        gone = apart(configured([*before, *_misplaced(git, old, paths), *healed], former), findings)[0]
    if former is not None:
        before = retired.known(git, findings, before, (former, old), (project, new))
    before = plain.same(git, old, new, findings, before)
    fresh, stayed = apart(findings, configured(before, former or project))
    fresh, waived = waivers.apart(fresh, project.waivers, brought.today)
    gate = gates.of(git, project, brought)
    fresh, stayed, gone = [masked(some, gate) for some in (fresh, stayed, gone)]
    return Report(fresh, outcomes.shards, outcomes.lines, outcomes.remembered, rules, stayed, gone, waived)


def _judged(
    own: Project, former: Project | None, by: Project | None, *, trying: bool
) -> tuple[Project, Project | None]:
    """Return the project and the one before as settings judge them that are not the change's own.

    Args:
        own: the project.
        former: the one before; None where there was none.
        by: whose settings judge; None for those before.
        trying: whether a person tries settings out, in the work tree.
    """
    if former is not None and former is not own and not trying:
        own = governing.by(former, own)
    return (own, former) if by is None else (governing.by(by, own), former and governing.by(by, former))


class _Side(NamedTuple):
    """A snapshot that is looked at.

    Attributes:
        snapshot: what is there.
        project: the settings that judge it.
        own: its own settings.
        documents: as they were read.
    """

    snapshot: Snapshot
    project: Project
    own: Project
    documents: Sequence[Read]


def _besides(
    git: Git, side: _Side, brought: Brought, paths: Sequence[str] | None = None, *, all_strays: bool = True
) -> Iterator[Finding]:
    """Yield what is wrong with a snapshot beside the lines of its shards and what stands in plain.

    Args:
        git: the repository.
        side: the snapshot.
        brought: the date.
        paths: files that changed, where a change is judged; None for all.
        all_strays: look for strays among all files, since other ones may be strays now.
    """
    snapshot, project, own, documents = side
    yield from strays.among(
        project, snapshot.entries if paths is None or all_strays else filter(snapshot.entries.__contains__, paths)
    )
    yield from strays.twins(snapshot.entries if paths is None else filter(snapshot.entries.__contains__, paths))
    yield from behind.pointers(project, snapshot)
    yield from invisible.of(documents) if paths is None or any(map(projects.noun_of, paths)) else ()
    yield from instructions.of(git, documents, project, snapshot, paths)
    yield from pinned.troubles(git, project.modules, snapshot)
    yield from gates.audit(git, own, snapshot, brought, paths)
    if own.waivers and (paths is None or WAIVERS in paths):
        yield from _waiving().troubles(git, own.waivers, snapshot, brought.today)
    yield from _owned(git, snapshot)


def _misplaced(git: Git, snapshot: Snapshot, paths: Iterable[str]) -> list[Finding]:
    """Return links where a file must stand, and what lies among the approvals and says nothing."""
    paths = dict.fromkeys(paths)
    said = [path for path in paths if path.startswith(_APPROVALS)]
    found = importlib.import_module("labelvc.ops.papers").strays(git, snapshot, said) if said else ()
    return [*strays.links(paths, snapshot), *found]


def _documents(git: Git, snapshot: Snapshot, cache: Cache) -> Survey:
    with tree.reader(git) as reader:
        return projects.survey(git, snapshot, reader, cache, catalogue.settable())


def _owned(git: Git, snapshot: Snapshot) -> list[Finding]:
    """Return what is wrong with who owns and who closed documents of registers; nothing is loaded where there are none."""
    if not any(listing.paths(snapshot.entries, register.FOLDER)):
        return []
    with tree.reader(git) as reader:
        return list(importlib.import_module("labelvc.ops.registers").findings(git, snapshot, reader))


def _governed_anew(name: str, project: Project, former: Project | None) -> bool:
    """Tell whether a dataset's rules may have changed: then all of its shards are looked at again."""
    if former is None or name not in former.datasets:
        return True
    same = _rules_of(former) == _rules_of(project)
    return not same or former.datasets[name] != project.datasets[name]


def _rules_of(project: Project) -> tuple[object, ...]:
    """Return what a project says that bears on the records of every dataset."""
    return project.tasks, project.taxonomies, project.guidelines, project.licences, project.bindings


def _waiving() -> Any:
    """Return the module that reads the policy, which is loaded only where there are waivers."""
    return importlib.import_module("labelvc.ops.waiving")


def _rejudged(paths: Iterable[str], whole: set[str], project: Project) -> list[str]:
    """Return the datasets that can hold a new finding that spans shards: lines changed that a check of theirs counts."""
    touched = {found[:2] for found in map(shard.parse_path, paths) if found}
    counted = {
        name: registry.counted(project, project.datasets[name]) for name, _ in touched if name in project.datasets
    }
    return sorted({name for name, layer in touched if layer in counted.get(name, ())} | whole & set(project.datasets))


def _successions(git: Git, project: Project, old: Snapshot, new: Snapshot, paths: Sequence[str]) -> Iterator[Finding]:
    """Yield records whose `rev` does not follow the one before; once for a dataset that went with its records."""
    if not any(found and found[1] == "annotations" for found in map(shard.parse_path, paths)):
        return
    hint = {
        "work": "labelvc format",
        "index": "labelvc format --staged",
        "commit": f"labelvc format --since {old.name}, then commit again (after `git revert`: git commit -a --amend --no-edit)",
    }[new.kind]
    gone = Counter[str]()
    for delta in diff.shard_deltas(git, old, new):
        found = revise.finding(delta, project.erased, hint)
        if found is None or not isinstance(delta.key, Key):
            continue
        if delta.key.dataset in project.datasets:
            yield found
        else:
            gone[delta.key.dataset] += live(delta.old) is not None
    for name, records in gone.items():
        if records:
            folder = f"datasets/{name}"
            message = f"{records} records went with their dataset, without tombstones"
            cure = f"git restore --source={old.commit[:10]} --staged --worktree {folder}; delete its annotations, labelvc format, commit; then delete the rest"
            yield Finding("record.rev", "error", Place(folder), message, cure)


def apart(findings: list[Finding], others: list[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Return the findings that are not among others, each of those counting once, and the findings that are."""
    known = Counter([finding.fingerprint for finding in others])
    alone, shared = list[Finding](), list[Finding]()
    for finding in findings:
        known[finding.fingerprint] -= 1
        (shared if known[finding.fingerprint] >= 0 else alone).append(finding)
    return alone, shared


def configured(findings: Iterable[Finding], project: Project) -> list[Finding]:
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
