"""Gates: what judges texts here, by a project's documents and the keys on this machine; and what its baseline is still worth."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cache
from typing import NamedTuple

from labelvc.codec import epochs, expression, shard, subkeys
from labelvc.codec.derive import commitment
from labelvc.core import baseline, known, leaks
from labelvc.core.gate import Gate
from labelvc.core.known import Known
from labelvc.errors import DataError, TrustError
from labelvc.model.detection import BASELINE, Accepted
from labelvc.model.finding import Finding, Place, Severity
from labelvc.model.names import Key
from labelvc.model.project import Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import deposits
from labelvc.store import keyring, tree
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_BY = "labelvc.privacy/1"
_KNOWN = f"privacy.{known.DETECTOR}"
_HEADER = "labelvc-known-v1"
_HEAD = re.compile(rf"{_HEADER} ([a-z]{{1,2}}) ([0-9a-f]{{32}})".encode())
_SHARED = "labelvc pseudonym accept FILE -i MY_KEY, with what `labelvc pseudonym share --role gate` wrote"
_FILTERED = "who opens the vault makes it anew: labelvc vault filter -i MY_KEY"


class Brought(NamedTuple):
    """What whoever judges brings along.

    Attributes:
        today: date, `2026-12-02`; empty when nobody said: then no exception with an end holds.
        people: values to look for beside those that are known here: names, addresses.
    """

    today: str = ""
    people: tuple[str, ...] = ()


NOTHING = Brought()


def of(git: Git, project: Project | None, brought: Brought = NOTHING) -> Gate:
    """Return what judges texts by a project's documents; of what is always looked for when there is none.

    Args:
        git: the repository, with the keyring.
        project: whose settings and baseline judge.
        brought: date, and people to look for.
    """
    listed = cache(lambda: [known.plain(brought.people)[0]] if brought.people else [])
    if project is None:
        return Gate(today=brought.today, known=listed)
    active, key_of = epochs.active(project.epochs), keys(git, project)
    return Gate(
        project.leaks,
        accepted=project.accepted,
        key_of=key_of,
        epoch=active.id if active else "",
        today=brought.today,
        known=lambda: [*listed(), *_filters(git, key_of)],
    )


def write_filter(git: Git, project: Project, values: Collection[str]) -> tuple[int, int]:
    """Write the filter with which hooks find people whom the vault knows, beside the keys of this machine.

    Args:
        git: the repository.
        project: whose active gate key makes the filter.
        values: plain values.

    Returns:
        How many values are in it, and how many are too short or too long to be looked for.

    Raises:
        TrustError: the gate key is not here.
        StoreError: the disk refuses.
    """
    active = epochs.active(project.epochs)
    key = keys(git, project)(active.id) if active else None
    if active is None or key is None:
        raise TrustError("the gate key is not on this machine", where=epochs.PATH, hint=_SHARED)
    found, left = known.keyed(values, key)
    head = f"{_HEADER} {active.id} {commitment(key)}\n".encode()
    keyring.keep_filter(git, head + known.write(found))
    return len(values) - left, left


def _filters(git: Git, key_of: Callable[[str], bytes | None]) -> list[Known]:
    """Return the filter on this machine; none where there is none.

    Raises:
        TrustError: its key is not here, or it is damaged: who would be found by it cannot be told.
    """
    data = keyring.load_filter(git)
    if data is None:
        return []
    head, _, body = data.partition(b"\n")
    found = _HEAD.fullmatch(head)
    key = key_of(found[1].decode()) if found else None
    where = str(keyring.filter_path(git))
    if found and key is None:
        raise TrustError("the filter of known people needs a gate key that is not here", where=where, hint=_SHARED)
    filtered = known.read(body, key) if found and key and commitment(key) == found[2].decode() else None
    if filtered is None:
        raise TrustError("the filter of known people is damaged, or of another key", where=where, hint=_FILTERED)
    return [filtered]


def keys(git: Git, project: Project) -> Callable[[str], bytes | None]:
    """Return what finds the gate key of an epoch: derived from its secret, or as it was handed over; None where it is not here.

    Raises:
        TrustError: (of what is returned) a key that others may read, or that is another epoch's.
        StoreError: (of what is returned) the disk refuses.
    """
    listed = {epoch.id: epoch for epoch in project.epochs}

    @cache
    def key_of(epoch: str) -> bytes | None:
        if epoch in listed and keyring.path(git, epoch).exists():
            return subkeys.subkey(keyring.load(git, listed[epoch]), project.id, subkeys.GATE)
        handed = keyring.load_gate(git, epoch)
        return handed.reveal() if handed else None

    return key_of


def audit(
    git: Git, project: Project, snapshot: Snapshot, brought: Brought, paths: Iterable[str] | None = None
) -> Iterator[Finding]:
    """Yield what is wrong with exceptions: those that ended, and those that nothing needs any more.

    Args:
        git: the repository.
        project: the documents of the snapshot.
        snapshot: where the files are.
        brought: date.
        paths: files that changed: of exceptions for others nothing is said; None for all.

    Raises:
        TrustError: a key that others may read.
        StoreError: a file cannot be read.
    """
    changed = None if paths is None else frozenset(paths)
    gate = of(git, project, brought)
    with tree.reader(git) as reader:
        for number, line in enumerate(project.accepted, 1):
            path = _path(project, line)
            if changed is None or BASELINE in changed or path in changed:
                said = _worth(git, line, path, gate, snapshot, reader)
                if said:
                    severity, message, hint = said
                    yield Finding(baseline.RULE, severity, Place(BASELINE, number), message, hint, _BY)


def _worth(
    git: Git, line: Accepted, path: str, judge: Gate, snapshot: Snapshot, reader: Reader
) -> tuple[Severity, str, str] | None:
    """Return severity, message and hint for an exception that is worth nothing; None for one that something needs."""
    out = f"delete the line from {BASELINE}, and have that approved"
    if baseline.ended(line, judge.today):
        return "error", f"the exception for {line.rule} ended on {line.expires}", f"take the value out; then {out}"
    if not judge.can_mark(line):
        return (
            "warning",
            f"only the gate key of epoch {line.epoch!r} tells whether something needs this exception",
            _SHARED,
        )
    if line.rule == _KNOWN and not judge.knows:
        return "warning", "only a filter of known people tells whether something needs this exception", _FILTERED
    gate = judge.alone(line)
    for _ in _findings(git, line, path, snapshot, reader, gate):
        pass
    return (
        None
        if gate.used
        else (
            "warning",
            f"nothing needs this exception for {line.rule}, or not yet",
            f"leave it while its value is still to come; else {out}",
        )
    )


def _findings(git: Git, line: Accepted, path: str, snapshot: Snapshot, reader: Reader, gate: Gate) -> Iterator[Finding]:
    """Yield what stands in plain where an exception points to."""
    entry = snapshot.entries.get(path)
    found = shard.parse_path(path)
    if entry is None or not found:
        yield from leaks.in_names(list(snapshot.entries) if "***" in path else (path,), gate)
    data = reader.read(path, entry) if entry else deposits.held(git, reader, snapshot, path)
    if found and line.pointer:
        data = shard.find(data, Key.parse(line.at)) or b""
        yield from leaks.in_shard(path, data, lambda at: line.at, gate)
    else:
        yield from leaks.in_file(path, data, gate)


def _path(project: Project, line: Accepted) -> str:
    """Return the file that an exception is about."""
    if not line.pointer:
        return line.at
    try:
        key = Key.parse(line.at)
    except DataError:
        return line.at
    dataset = project.datasets.get(key.dataset)
    if dataset is None:
        return line.at
    group = shard.group_of(key.item, expression.compiled(dataset.group))
    name = shard.place(group, shard.digits(dataset.shards))
    return shard.path(key.dataset, "annotations" if key.id else "items", name)
