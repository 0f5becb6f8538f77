"""Templates: complete starting repositories of five kinds, as commented files that a user edits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from labelvc.errors import ConfigurationError

TEMPLATES: Mapping[str, str] = {
    "rating": "a score on a scale, from many annotators (sentiment from -4 to 4)",
    "classification": "one label a text out of a taxonomy",
    "boxes": "boxes around objects in pictures",
    "spans": "marked stretches of text (people, places ...)",
    "tokens": "fields of every word of a sentence (CoNLL-U)",
}
_PLACE = re.compile(rb"\{(name|id|dataset_id)\}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_MANIFEST = "module.yaml"  # of the module that a template is too
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def contents(template: str, name: str, project_id: str, dataset_id: str) -> dict[str, bytes]:
    """Return the files of a template.

    Args:
        template: a name in `TEMPLATES`.
        name: the new project's name.
        project_id: a fresh UUID in lower case.
        dataset_id: another.

    Returns:
        Path (relative to the new repository) to bytes: labelvc.yaml, a dataset, its guideline and taxonomy.

    Raises:
        ConfigurationError: unknown template, or a name or id that the documents could not hold.
    """
    if template not in TEMPLATES:
        raise ConfigurationError(
            f"there is no template {template[:40]!r}", hint=f"--template with one of: {', '.join(TEMPLATES)}"
        )
    found: dict[str, bytes] = {}
    _collect(files("labelvc.ops") / "_templates" / template, "", found)
    return filled(found, name, project_id, lambda: dataset_id)


def filled(documents: Mapping[str, bytes], name: str, project_id: str, fresh: Callable[[], str]) -> dict[str, bytes]:
    """Return the documents of a template with `{name}`, `{id}` and `{dataset_id}` filled in.

    Args:
        documents: path to bytes.
        name: the new project's name.
        project_id: a fresh UUID in lower case.
        fresh: returns another, for each dataset.

    Raises:
        ConfigurationError: a name or id that the documents could not hold.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            "a project's name consists of letters, digits, _ and -, at most 64",
            where=name[:40],
            hint="labelvc init --name my-labels",
        )
    ids = {path: fresh() for path in documents if path.startswith("datasets/")}
    if not all(map(_UUID.fullmatch, (project_id, *ids.values()))):
        raise ConfigurationError(
            "an id must be a UUID in lower case", hint="python3 -c 'import uuid; print(uuid.uuid4())'"
        )
    values = {b"name": name.encode(), b"id": project_id.encode()}
    return {
        path: _PLACE.sub(lambda place: {**values, b"dataset_id": ids.get(path, "").encode()}[place[1]], data)  # noqa: B023
        for path, data in documents.items()
    }


def suggested_name(folder: str) -> str:
    """Return a project's name made from a folder's: what a name may not hold becomes `-`; `labels` when nothing is left."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", folder).strip("-_")[:64] or "labels"


def _collect(folder: Traversable, prefix: str, found: dict[str, bytes]) -> None:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            _collect(entry, f"{prefix}{entry.name}/", found)
        elif entry.name.endswith(".yaml") and prefix + entry.name != _MANIFEST:
            found[prefix + entry.name] = entry.read_bytes()
