"""Record-level rules: is each line canonical, of the right shape, with known labels, versions and pseudonyms."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from labelvc.checks.interface import Line, Look, Rule, Shard, finding
from labelvc.codec import canonical
from labelvc.codec import shard as shards
from labelvc.core import expect, protection
from labelvc.errors import DataError
from labelvc.model import jsonpointer
from labelvc.model.finding import Finding, Place
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator as Validator

_LONGEST_EXCERPT = 40
_validators: dict[str, Validator] = {}
_fates: dict[tuple[str, str], Mapping[str, Any]] = {}


class Records:
    """Looks at the lines that the accept path did not prove good and says in words what is wrong with each."""

    name: ClassVar[str] = "labelvc.records"
    version: ClassVar[int] = 2
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "record.json",
            "error",
            "Line is not JSON",
            "A line that programs read differently cannot be compared or signed.",
        ),
        Rule(
            "record.canonical",
            "error",
            "Line is not canonical",
            "Equal records must have equal bytes, or every diff lies.",
        ),
        Rule(
            "record.schema",
            "error",
            "Record has the wrong shape",
            "Downstream readers rely on the shape of docs/formats/record.md.",
        ),
        Rule(
            "record.task",
            "error",
            "Task is not asked in this dataset",
            "A record of an unknown task is counted nowhere.",
        ),
        Rule("label.unknown", "error", "Label is not in the taxonomy", "Nobody can say what an unknown label means."),
        Rule(
            "label.deprecated", "error", "Label is deprecated", "A deprecated label must not be used for new records."
        ),
        Rule(
            "score.range",
            "error",
            "Score is out of range",
            "A score outside the scale is a slip of the hand or a wrong scale.",
        ),
        Rule(
            "under.unknown",
            "error",
            "Guideline version does not exist",
            "A label is only explicable with the definition in force.",
        ),
        Rule(
            "privacy.plaintext",
            "error",
            "Plain value in a pseudonymous field",
            "git never forgets: a name must not enter it.",
        ),
    )

    def applies(self, project: Project, dataset: Dataset) -> bool:
        """Apply to every dataset."""
        return True

    def look(self, shard: Shard, project: Project) -> Look:
        """Return what is wrong with single lines."""
        layers: tuple[Layer, ...] = ("annotations", "items")
        found: list[Finding] = []
        for layer in layers:
            suspects = shard.suspects(layer)
            marked = set(shards.markers(shard.data(layer))) if suspects else set()
            for line in suspects:
                if line.number in marked:  # told once, by labelvc.layout
                    continue
                found += explain(line, shard.path(layer), project, shard.dataset)
                if not _canonical(shard.raw(layer)[line.number - 1], line):
                    place = Place(shard.path(layer), line.number, str(line.key or ""))
                    found.append(
                        finding(
                            Records, "record.canonical", place, "the line is not in canonical form", "labelvc format"
                        )
                    )
        return Look(found)

    def judge(self, summaries: Iterable[tuple[str, bytes]], project: Project, dataset: Dataset) -> Iterator[Finding]:
        """Yield nothing: each line stands for itself."""
        return iter(())


def explain(line: Line, path: str, project: Project, dataset: Dataset) -> Iterator[Finding]:
    """Yield what is wrong with one decoded line, canonical form apart."""
    place = Place(path, line.number, str(line.key or ""))
    if line.fields is None:
        yield finding(Records, "record.json", place, line.problem, "restore the line, or re-import its source")
        return
    schema = expect.schema_for(project, dataset, line.layer, line.fields)
    if schema is None:
        asked = ", ".join(dataset.tasks)
        yield finding(
            Records,
            "record.task",
            place._replace(pointer="/task"),
            f"the task is none of this dataset's: {asked}",
            f"edit `task`, or add it to datasets/{dataset.name}/dataset.yaml",
        )
        return
    told: set[str] = set()
    for error in _validator(schema).iter_errors(dict(line.fields)):
        pointer = "".join([f"/{jsonpointer.escaped(str(step))}" for step in error.instance_path])
        if pointer in told and isinstance(error.instance, str):
            continue  # one text may break its format, its pattern and its length at once
        told.add(pointer)
        yield _told(error, place._replace(pointer=pointer), line.fields, project, dataset)


def _told(error: Any, place: Place, fields: Mapping[str, Any], project: Project, dataset: Dataset) -> Finding:
    """Turn one schema error into a finding of the rule a person would name."""
    keyword, task = str(error.schema_path[-1]), project.tasks.get(str(fields.get("task")))
    pointer, schema = place.pointer, error.schema_path
    if "pattern" in schema and _demands_token(error):
        return finding(
            Records,
            "privacy.plaintext",
            place,
            "a plain value stands where a pseudonym must",
            "labelvc import turns it into one; or remove the value",
        )
    layer: Layer = "annotations" if place.path.split("/")[2] == "annotations" else "items"
    field = protection.declared(dataset.sensitive, layer, pointer)
    if field is not None and field.mode not in ("keyed", "random"):
        return finding(
            Records,
            "privacy.plaintext",
            place,
            f"a plain value stands where {protection.WORDS[field.mode]} belong",
            "labelvc import turns it into that; or remove the value",
        )
    if pointer == "/under" and task and keyword == "enum":
        known = ", ".join(expect.versions_of(project, task) or ["none"])
        return finding(
            Records,
            "under.unknown",
            place,
            f"{_excerpt(fields.get('under'))} is no published version of the guideline; known: {known}",
            f"edit `under`, or keep that version known by a line in guidelines/{task.guideline}.versions.jsonl",
        )
    if pointer.startswith("/value") and keyword == "enum" and task and task.taxonomy:
        return _label(error.instance, place, project, task.taxonomy)
    if pointer == "/value/soft" and keyword == "additionalProperties" and task and task.taxonomy:
        return _label(error.kind.unexpected[0], place, project, task.taxonomy)
    if pointer == "/value/score" and keyword in ("minimum", "maximum", "multipleOf", "type"):
        scale = f"{_bound(task.minimum)} to {_bound(task.maximum)}" if task else "the scale"
        step = f" in steps of {_bound(task.step)}" if task and task.step else ""
        return finding(
            Records,
            "score.range",
            place,
            f"the score {_excerpt(error.instance)} is outside {scale}{step}",
            "correct the score, or widen the task's scale in labelvc.yaml",
        )
    return finding(
        Records,
        "record.schema",
        place,
        _words(keyword, error, place.pointer),
        "see docs/formats/record.md" if "annotations" in place.path else "see docs/formats/item.md",
    )


def _label(value: Any, place: Place, project: Project, name: str) -> Finding:
    taxonomy = project.taxonomies[name]
    known = {label.id: label for label in taxonomy.labels}
    if isinstance(value, str) and value in known:
        return finding(
            Records,
            "label.deprecated",
            place,
            f"the label {_excerpt(value)} is deprecated in {name}@{taxonomy.version}",
            _way_on(value, name, project) or f"choose an active label: {_list(known.values())}",
        )
    return finding(
        Records,
        "label.unknown",
        place,
        f"the label {_excerpt(value)} is not in {name}@{taxonomy.version}",
        f"choose one of {_list(known.values())}, or add it to taxonomies/{name}.yaml",
    )


def _way_on(label: str, name: str, project: Project) -> str:
    """Say what became of a label by the lineage of its taxonomy; empty where nothing did."""
    place = (project.digest, name)
    if place not in _fates:
        said = {"lineage": project.taxonomies[name].lineage}
        _fates[place] = importlib.import_module("labelvc.core.lineage").fates(said)
    fate = _fates[place].get(label)
    if fate is None:
        return ""
    if len(fate.to) == 1:
        return f"it is {fate.to[0]} now: labelvc taxonomy migrate {name}"
    return f"it was split: decide between {', '.join(fate.to)}; labelvc taxonomy migrate {name} --dry-run lists all of them"


def _list(labels: Iterable[Any]) -> str:
    active = [label.id for label in labels if label.status == "active"]
    return ", ".join(active[:8]) + (f" and {len(active) - 8} more" if len(active) > 8 else "")


def _words(keyword: str, error: Any, pointer: str) -> str:
    """Say a schema error without echoing the value: it may be the very thing that must not be shown."""
    where = pointer or "the record"
    if keyword == "required":
        return f"{where} lacks {error.kind.property!r}"
    if keyword == "additionalProperties":
        return f"{where} has a member that is not known here: {_names(error.kind.unexpected)}"
    return f"{where} breaks the rule {keyword!r} of its schema"


def _names(names: Iterable[str]) -> str:
    """Name unknown members as long as they look like names: a member name can itself be an address."""
    return ", ".join([name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,39}", name) else "(not shown)" for name in names])


def _demands_token(error: Any) -> bool:
    return getattr(error.kind, "pattern", "") == protection.PSEUDONYM


def _canonical(raw: bytes, line: Line) -> bool:
    if line.fields is None:
        return True
    try:
        first = canonical.RECORD_FIRST if line.layer == "annotations" else canonical.ITEM_FIRST
        return canonical.encode(dict(line.fields), first) == raw
    except DataError:
        return False


def _validator(schema: dict[str, Any]) -> Validator:
    """Return the schema's validator; its library is loaded for the first bad line only: a good commit has none."""
    text = json.dumps(schema, sort_keys=True)
    if text not in _validators:
        library = importlib.import_module("jsonschema_rs")
        _validators[text] = library.Draft202012Validator(schema, validate_formats=True, offline=True)
    return _validators[text]


def _excerpt(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_EXCERPT else text[: _LONGEST_EXCERPT - 1] + "…"


def _bound(value: float | None) -> str:
    return "any" if value is None else f"{value:g}"
