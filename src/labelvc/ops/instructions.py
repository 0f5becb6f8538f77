"""Instructions: findings about guidelines, in what they say and in how it stands to the taxonomy and to the records they show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from labelvc.checks.interface import Rule
from labelvc.core import instructions
from labelvc.core.instructions import Remark
from labelvc.model.finding import Finding, Place
from labelvc.model.names import Key
from labelvc.model.project import Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import examples
from labelvc.ops import project as projects
from labelvc.ops.finder import Finder
from labelvc.ops.project import Read
from labelvc.store import tree
from labelvc.store.git import Git

_BY = "labelvc.guidelines/1"
RULES = (
    Rule("guideline.definition", "warning", "Label has no definition", "People decide by what tells it from everything else."),
    Rule("guideline.example", "warning", "Label has no example", "A definition is read in as many ways as there are readers."),
    Rule("guideline.edge_case", "warning", "Label has no edge case", "People part where a label ends."),
    Rule("guideline.ambiguity", "warning", "No rule for what is ambiguous", "Each finds a rule of their own where two labels fit."),
    Rule("guideline.silent", "warning", "Label is not explained", "Nobody can say what makes a record have it."),
    Rule("guideline.deprecated", "warning", "Label out of use is explained", "Who reads it will choose it."),
    Rule("guideline.rival", "warning", "Two guidelines for one task", "People who read different rules do not disagree by error."),
    Rule("guideline.because", "warning", "Reason is not there", "Who asks why a rule is as it is finds nothing."),
    Rule("guideline.taxonomy", "error", "Task and guideline disagree on the taxonomy", "It explains labels that nobody may choose."),
    Rule("example.contradicted", "warning", "Record says something else than the example", "People learn from it what the data does not hold."),
    Rule("example.vanished", "warning", "Example's record is not there", "What it shows can be looked at by nobody."),
    Rule("example.deprecated", "warning", "Example has a label out of use", "Who reads it will choose it."),
)  # fmt: skip
OF_DATASETS = frozenset(
    {f"guideline.{part}" for part in ("definition", "example", "edge_case", "ambiguity")}
    | {f"example.{problem}" for problem in ("contradicted", "vanished", "deprecated")}
)
"""Rules that a dataset may set; the others judge the guideline itself."""


def of(
    git: Git, documents: Sequence[Read], project: Project, snapshot: Snapshot, paths: Sequence[str] | None = None
) -> Iterator[Finding]:
    """Yield what is wrong with the guidelines of a snapshot.

    Args:
        git: the repository.
        documents: those of the snapshot.
        project: what they describe, with the settings that judge.
        snapshot: where the records are.
        paths: files that changed: where no document is among them, just the examples whose records' shards are; None for all.

    Raises:
        StoreError: a shard cannot be read.
    """
    anew = paths is None or any(map(projects.noun_of, paths))
    guidelines = [read for read in documents if read.noun == "guideline"]
    if anew:
        yield from _standing(documents, guidelines, project)
    shown = [(read, list(examples.pointing(read.parsed.value))) for read in guidelines]
    if not anew and not any(one.key for _, found in shown for one in found):
        return
    touched = frozenset(paths or ())
    with tree.reader(git) as reader:
        finder = Finder(project, snapshot, reader)
        for read, found in shown:
            retired = _retired(project, read.parsed.value)
            for remark in _baseless(read.parsed.value, snapshot, finder) if anew else ():
                yield _finding(read, remark)
            some = [one for one in found if anew or (one.key and finder.path(one.key) in touched)]
            for remark in examples.judged(some, project, finder, retired):
                yield _finding(read, remark)


def _standing(documents: Sequence[Read], guidelines: Sequence[Read], project: Project) -> Iterator[Finding]:
    own = {read.name: read for read in guidelines}
    for name, read in own.items():
        value: Any = read.parsed.value
        taxonomy = project.taxonomies.get(value.get("taxonomy") or "")
        for remark in instructions.lacking(value, taxonomy, instructions.asked(project, name)):
            yield _finding(read, remark)
    for name, remark in instructions.rivals(project):
        yield _finding(own[name], remark)
    top = next(read for read in documents if read.noun == "project")
    for remark in instructions.strangers(project):
        yield _finding(top, remark)


def _baseless(value: Any, snapshot: Snapshot, finder: Finder) -> Iterator[Remark]:
    """Yield reasons that lead nowhere: documents and records that are not there. An address is looked up by nobody."""
    for at, link in instructions.reasons(value):
        if "://" in link:
            continue
        if "#" in link:
            missing = "" if finder.line(Key.parse(link)) else f"there is no record {link}"
        else:
            path = f"batches/{link[6:]}.yaml" if link.startswith("batch/") else f"registers/{link}.yaml"
            missing = "" if path in snapshot.entries else f"there is no {path}"
        if missing:
            hint = "name what it comes from: a document of a register, a batch, a record, an address; or leave it out"
            yield Remark("guideline.because", "warning", at, missing, hint)


def _retired(project: Project, value: Any) -> frozenset[str]:
    taxonomy = project.taxonomies.get(value.get("taxonomy") or "")
    return frozenset([label.id for label in taxonomy.labels if label.status != "active"] if taxonomy else ())


def _finding(read: Read, remark: Remark) -> Finding:
    place = Place(read.path, read.parsed.line(remark.pointer), "", remark.pointer)
    return Finding(remark.rule, remark.severity, place, remark.message, remark.hint, _BY)
