"""The catalogue: every rule there is, and which of them judge what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from labelvc.checks import registry
from labelvc.checks.interface import Rule
from labelvc.core import baseline
from labelvc.model.project import Project
from labelvc.ops import behind, instructions, judgement, pinned, plain, rules

_OF_CHANGES = "record.rev"
_OF_APPROVALS = "approval.stray"
TREE = (
    Rule(
        "shard.stray",
        "error",
        "File is none of a dataset's shards",
        "What no dataset owns is checked, merged and counted by nobody.",
    ),
    Rule(
        "shard.ignored",
        "error",
        "git ignores a shard",
        "It lies here and goes into no commit: its records reach nobody, and no hook sees them.",
    ),
    Rule(
        "file.link",
        "error",
        "Link stands where a file must",
        "What a link shows is another file's content, or none, in another clone.",
    ),
    Rule(
        "file.twin",
        "error",
        "File has the name of another but for case",
        "On a Mac or Windows disk one of the two lies there: people see labels that nobody approved.",
    ),
    Rule(
        _OF_APPROVALS,
        "error",
        "File among the approvals says nothing",
        "Who looks into the folder takes it for somebody's word, and `verify` does not count it.",
    ),
    *behind.RULES,
    *pinned.RULES,
    Rule(_OF_CHANGES, "error", "Revision does not follow", "Without a growing rev an old approval could be replayed."),
)
"""Rules of the tree as a whole, which no check of a shard tells."""


def every() -> dict[str, Rule]:
    """Return every rule by its id: of the checks, of documents, of the tree as a whole, of plain text and of `ci`."""
    beside = (*rules.RULES, *TREE, *plain.RULES, *judgement.RULES)
    return {**registry.catalogue(), **{rule.id: rule for rule in beside}}


def settable() -> dict[str, bool | None]:
    """Return every rule with whether a dataset may set its threshold; None for what no dataset sets: it judges the documents."""
    fixed = {
        baseline.RULE,
        _OF_APPROVALS,
        *[rule.id for rule in (*rules.RULES, *pinned.RULES, *judgement.RULES)],
    } - instructions.OF_DATASETS
    return {name: None if name in fixed else rule.threshold is not None for name, rule in every().items()}


def asked(project: Project | None, names: Iterable[str], *, change: bool) -> dict[str, tuple[Rule, ...]]:
    """Return the rules that judge, each with the severity that its dataset gives it, by dataset.

    Args:
        project: the documents in force; None when they cannot be read: then only their own rules were asked.
        names: datasets whose shards are looked at.
        change: whether a change is judged, or all that is there.

    Returns:
        The rules of the project as a whole under the empty name, then those of each dataset; what is `off` is left out.
    """
    whole = [rule for rule in TREE if change or rule.id != _OF_CHANGES]
    whole += [rule for rule in plain.RULES if change or rule.id == baseline.RULE]
    if project is None:
        return {"": rules.RULES}
    of_datasets = {name: tuple(_of_dataset(project, name, whole)) for name in sorted(names)}
    return {"": (*rules.RULES, *whole), **of_datasets}


def _of_dataset(project: Project, name: str, whole: Iterable[Rule]) -> Iterator[Rule]:
    dataset = project.datasets[name]
    looking = [check for check in registry.checks_for(project) if check.applies(project, dataset)]
    for rule in (*[rule for check in looking for rule in check.rules], *whole):
        setting = dataset.checks.get(rule.id)
        severity = setting.severity if setting and setting.severity else rule.severity
        if severity != "off":
            yield rule._replace(severity=severity)


def of_packages(asked: Mapping[str, Iterable[Rule]]) -> dict[str, Rule]:
    """Return every rule by its id, those of installed packages that were asked among them."""
    return {**{rule.id: rule for rules in asked.values() for rule in rules}, **every()}
