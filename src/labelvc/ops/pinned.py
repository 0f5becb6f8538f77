"""Pinned: does what was copied from modules lie here as `modules.lock` says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from labelvc.checks.interface import Rule
from labelvc.core import lock
from labelvc.model.finding import Finding, Place, Severity
from labelvc.model.module import LOCK, Pinned
from labelvc.model.snapshot import Snapshot
from labelvc.store import tree
from labelvc.store.git import Git

RULES = (
    Rule(
        "module.missing",
        "error",
        "Document of a module is gone",
        "What the lock names and nobody has explains nothing.",
    ),
    Rule(
        "module.conflict",
        "error",
        "Two modules give one document",
        "Each update of the one would undo what the other gave.",
    ),
    Rule(
        "module.edited",
        "note",
        "Document differs from what its module gave",
        "Two projects that name one module would be taken to say the same.",
    ),
    Rule(
        "module.rewritten",
        "error",
        "Lock says otherwise of a version than before",
        "A document and its digest edited alike would pass for what the module gave.",
    ),
)
_SEVERITY: dict[str, Severity] = {rule.id: rule.severity for rule in RULES}
_BY = "labelvc.modules/1"
TWICE = "module.conflict"


def troubles(git: Git, modules: Sequence[Pinned], snapshot: Snapshot) -> Iterator[Finding]:
    """Yield what is wrong between a lock and the documents beside it; nothing is read where it names no module.

    Args:
        git: the repository.
        modules: that the lock names.
        snapshot: where the documents are.

    Raises:
        StoreError: a document cannot be read.
    """
    if not modules:
        return
    given = lock.providers(modules)
    for path, names in given.items():
        if len(names) > 1:
            message = f"the modules {' and '.join(names)} both give it"
            yield _finding(TWICE, path, message, f"labelvc module remove {names[-1]} --keep")
    entries = [(path, entry) for path in given if (entry := snapshot.entries.get(path)) is not None]
    with tree.reader(git) as reader:
        lying = dict(reader.many(entries))
    for module in modules:
        for path, digest in module.documents.items():
            version = f"{module.name}@{module.version}"
            if path not in lying:
                hint = (
                    f"labelvc module update {module.name} brings it back; or labelvc module remove {module.name} --keep"
                )
                yield _finding("module.missing", path, f"{version} gave it, and it is not here", hint)
            elif lock.digest(lying[path]) != digest:
                hint = f"labelvc module update {module.name} --dry-run; an update keeps what was edited here"
                yield _finding("module.edited", path, f"differs from what {version} gave", hint)


def rewritten(before: Sequence[Pinned], now: Sequence[Pinned]) -> Iterator[Finding]:
    """Yield what the lock of a change says of a version of a module that the lock it is judged by says otherwise.

    Args:
        before: modules of the lock that judges.
        now: those of the lock that is judged; another version, source or commit may give what it likes.
    """
    known = {(one.name, one.version, one.source, one.commit): one.documents for one in before}
    for number, module in enumerate(now, 1):
        said = known.get((module.name, module.version, module.source, module.commit), module.documents)
        for path in sorted(path for path in {*said, *module.documents} if said.get(path) != module.documents.get(path)):
            message = f"the lock says otherwise of {path} in {module.name}@{module.version} than before"
            hint = f"git checkout BASE -- {LOCK}; labelvc module update {module.name}"
            yield Finding("module.rewritten", "error", Place(LOCK, number, "", f"/{module.name}"), message, hint, _BY)


def _finding(rule: str, path: str, message: str, hint: str) -> Finding:
    return Finding(rule, _SEVERITY[rule], Place(path), message, hint, _BY)
