"""Instructions: what a guideline lacks for people to decide by it, and what it says beside its taxonomy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from labelvc.model import jsonpointer
from labelvc.model.finding import SEVERITIES, Severity
from labelvc.model.project import Dataset, Project, Taxonomy

_DEFAULT: Mapping[str, tuple[str, ...]] = {"pilot": ("definition",), "active": ("definition", "example")}
"""What is asked where the project does not say: people decide by a pilot's definitions, and by examples of what is in force."""
_IN_USE = ("pilot", "active")
_BLOCKS = {"definition": "definition", "example": "examples", "edge_case": "edge_cases"}
_WORDS = {"definition": "definition", "example": "example", "edge_case": "edge case"}
RULE = "guideline."
Asked = Mapping[str, Severity]
"""What a guideline is asked for, to how bad it is when it lacks."""


class Remark(NamedTuple):
    """Something to be said of a guideline: the rule, how bad it is, a JSON pointer into it, what, and what to do."""

    rule: str
    severity: Severity
    pointer: str
    message: str
    hint: str


def asked(project: Project, name: str) -> Asked:
    """Return what a guideline is asked for: by default a warning, as its project requires an error.

    A dataset whose tasks go by the guideline asks for more by giving `guideline.edge_case` ... a severity, of a guideline
    that is in a pilot or active; `off` takes back what is only asked by default.

    Args:
        project: the documents in force.
        name: of the guideline.
    """
    status, required = project.guidelines[name].status, project.guiding.requires
    if status in required:
        found: dict[str, Severity] = dict.fromkeys(required[status], "error")
    else:
        found = dict.fromkeys(_DEFAULT.get(status, ()), "warning")
    for dataset in using(project, name) if status in _IN_USE else ():
        for part in (*_BLOCKS, "ambiguity"):
            setting = dataset.checks.get(f"{RULE}{part}")
            if setting and setting.severity == "off" and found.get(part) == "warning":
                del found[part]
            elif setting and setting.severity and setting.severity != "off":
                found[part] = max(found.get(part, "note"), setting.severity, key=SEVERITIES.index)
    return found


def using(project: Project, name: str) -> Iterator[Dataset]:
    """Yield the datasets that ask a task whose guideline this is."""
    tasks = {task for task, said in project.tasks.items() if said.guideline == name}
    return (dataset for dataset in project.datasets.values() if tasks & dataset.tasks.keys())


def lacking(value: Mapping[str, Any], taxonomy: Taxonomy | None, wanted: Asked) -> Iterator[Remark]:
    """Yield what a guideline lacks of what it is asked for.

    Args:
        value: what it says.
        taxonomy: whose labels it explains; None for scores and free text, of which it explains those it names.
        wanted: of `asked`.
    """
    name, explained = value["name"], value["labels"]
    path = f"guidelines/{name}.yaml"
    if "ambiguity" in wanted and not value.get("ambiguity"):
        hint = f"write `ambiguity:` in {path}: what to do when two labels fit, or none does"
        yield Remark(f"{RULE}ambiguity", wanted["ambiguity"], "", "there is no rule for what is ambiguous", hint)
    retired = {label.id for label in taxonomy.labels if label.status != "active"} if taxonomy else set()
    for label, blocks in explained.items():
        at = f"/labels/{jsonpointer.escaped(label)}"
        for part, block in _BLOCKS.items():
            if part in wanted and not blocks.get(block) and label not in retired:
                message = f"the label {_short(label)} has no {_WORDS[part]}"
                hint = f"write `{block}:` under it in {path}, then labelvc guideline publish {name}"
                yield Remark(f"{RULE}{part}", wanted[part], at, message, hint)
    if taxonomy and value["status"] in _IN_USE:
        yield from _beside(value, taxonomy, wanted)


def _beside(value: Mapping[str, Any], taxonomy: Taxonomy, wanted: Asked) -> Iterator[Remark]:
    """Yield labels that a guideline in use does not explain though its taxonomy has them, and that it explains though they are out of use."""
    path, explained = f"guidelines/{value['name']}.yaml", value["labels"]
    of_labels: list[Severity] = [severity for part, severity in wanted.items() if part in _BLOCKS]
    severity: Severity = max(of_labels or ["warning"], key=SEVERITIES.index)
    for label in taxonomy.labels:
        if label.status == "active" and label.id not in explained:
            message = f"does not explain the label {_short(label.id)} of {taxonomy.name}"
            hint = f"explain it under `labels:` in {path}, then labelvc guideline publish {value['name']}"
            yield Remark(f"{RULE}silent", severity, "/labels", message, hint)
        elif label.status != "active" and label.id in explained:
            at = f"/labels/{jsonpointer.escaped(label.id)}"
            message = f"explains the label {_short(label.id)}, which is out of use in {taxonomy.name}"
            hint = f"take it out of {path}, then labelvc guideline publish {value['name']}"
            yield Remark(f"{RULE}deprecated", "warning", at, message, hint)


def reasons(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a guideline says that it, a label or an example comes from (`because`), each with its JSON pointer."""
    places = [("", value)]
    for label, blocks in value["labels"].items():
        at = f"/labels/{jsonpointer.escaped(label)}"
        places.append((at, blocks))
        for block in ("examples", "counterexamples", "edge_cases"):
            rows = enumerate(blocks.get(block, ()))
            places += [(f"{at}/{block}/{number}", said) for number, said in rows if isinstance(said, dict)]
    for at, said in places:
        yield from ((f"{at}/because/{number}", link) for number, link in enumerate(said.get("because", ())))


def rivals(project: Project) -> Iterator[tuple[str, Remark]]:
    """Yield guidelines in use that no task names, though one with the same labels goes by another one, each with its name."""
    named = {task.guideline for task in project.tasks.values()}
    for name, guideline in sorted(project.guidelines.items()):
        if guideline.status not in _IN_USE or name in named or guideline.taxonomy is None:
            continue
        for task, said in project.tasks.items():
            other = project.guidelines.get(said.guideline or "")
            if other and other.status in _IN_USE and said.taxonomy == guideline.taxonomy:
                message = f"explains the labels of the task {task!r}, as {other.name} does, which the task names"
                hint = (
                    f"give guidelines/{name}.yaml `status: retired`; or name it in labelvc.yaml and retire {other.name}"
                )
                yield name, Remark(f"{RULE}rival", "warning", "/taxonomy", message, hint)
                break


def strangers(project: Project) -> Iterator[Remark]:
    """Yield tasks whose guideline explains the labels of another taxonomy, with pointers into labelvc.yaml."""
    for name, task in project.tasks.items():
        guideline = project.guidelines.get(task.guideline or "")
        if guideline and task.taxonomy and guideline.taxonomy and guideline.taxonomy != task.taxonomy:
            message = f"takes labels from {task.taxonomy}, but its guideline explains those of {guideline.taxonomy}"
            hint = f"name a guideline of {task.taxonomy}, or set its `taxonomy`"
            yield Remark(f"{RULE}taxonomy", "error", f"/tasks/{jsonpointer.escaped(name)}/guideline", message, hint)


def severity_in(datasets: Iterable[Dataset], rule: str, default: Severity) -> Severity | None:
    """Return how bad datasets take a rule: the worst that one of them says; None where all that speak of it turn it off."""
    said = [
        setting.severity
        for dataset in datasets
        if (setting := dataset.checks.get(rule)) is not None and setting.severity is not None
    ]
    loud: list[Severity] = [one for one in said if one != "off"]
    return max(loud, key=SEVERITIES.index) if loud else None if said else default


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
