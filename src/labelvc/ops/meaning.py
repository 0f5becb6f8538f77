"""Meaning: what a record's labels meant when it was made: guideline and taxonomy as they stood then."""

# No `from __future__ import annotations`: typing would compile the text of each at every start.

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from labelvc.core import bearing, diff
from labelvc.model.project import Project
from labelvc.model.snapshot import Entry
from labelvc.ops import project as projects
from labelvc.store import log
from labelvc.store.cache import Cache
from labelvc.store.folders import Folders

if TYPE_CHECKING:
    from labelvc.core.lineage import Fate

_MOST = 8


class Text(NamedTuple):
    """What a label meant.

    Attributes:
        label: its id; of a score the number.
        definition: its text in the guideline; empty when the guideline has none.
        name: its name in the taxonomy at that time; empty when the taxonomy lacked it.
        now: its name at the end of the history looked at; empty when it is gone.
        led: where the lineage leads from it by then: the label it was merged into, or those it was split into.
        since: version of the taxonomy that brought that.
    """

    label: str
    definition: str
    name: str
    now: str
    led: tuple[str, ...] = ()
    since: str = ""


class Meaning(NamedTuple):
    """The guideline and taxonomy a record was made under.

    Attributes:
        guideline: `name@version` as the record says.
        found: whether a document of that version is in history; if not, the texts are missing.
        taxonomy: `name@version` at the commit; empty when there is none.
        texts: one for each label, the first few.
    """

    guideline: str
    found: bool
    taxonomy: str
    texts: tuple[Text, ...]


class Library:
    """Reads guidelines and taxonomies as they were.

    Args:
        folders: finds files of commits.
        project: the project at the end of the history, for the tasks and today's names.
        cache: where documents are remembered.
    """

    def __init__(self, folders: Folders, project: Project, cache: Cache) -> None:
        self._folders, self._project, self._cache = folders, project, cache
        self._values: dict[Entry, dict[str, Any] | None] = {}
        self._led: dict[str, Mapping[str, Fate]] = {}

    def meaning(self, commit: str, raw: bytes | None) -> Meaning | None:
        """Return what a line meant at a commit; None when it names no guideline and its task no taxonomy."""
        fields = diff.decoded(raw)
        under, task = fields.get("under"), self._project.tasks.get(str(fields.get("task")))
        under = under if isinstance(under, str) else ""
        if not under and (task is None or task.taxonomy is None):
            return None
        name, _, version = under.rpartition("@")
        guideline = self._guideline(commit, name, version) if name else None
        owner = (guideline or {}).get("taxonomy") or (task.taxonomy if task else None)
        taxonomy = self._document(commit, "taxonomy", f"taxonomies/{owner}.yaml") if owner else None
        texts = tuple(self._texts(fields.get("value"), guideline or {}, taxonomy or {}, str(owner)))
        spelt = f"{owner}@{taxonomy['version']}" if taxonomy and taxonomy.get("version") else ""
        return Meaning(under, guideline is not None, spelt, texts)

    def _texts(self, value: object, guideline: dict[str, Any], taxonomy: dict[str, Any], owner: str) -> list[Text]:
        blocks, listed = guideline.get("labels"), taxonomy.get("labels")
        blocks = {str(label): block for label, block in blocks.items()} if isinstance(blocks, dict) else {}
        rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
        then = {row.get("id"): str(row.get("name", "")) for row in rows if isinstance(row.get("id"), str)}
        today = self._project.taxonomies.get(owner)
        now = {label.id: label.name for label in today.labels} if today else {}
        if today and today.lineage and owner not in self._led:
            # most taxonomies have none: they do not pay for the module
            self._led[owner] = importlib.import_module("labelvc.core.lineage").fates({"lineage": today.lineage})
        led = self._led.get(owner, {})
        found = []
        for label in bearing.labels(value)[:_MOST]:
            block = blocks.get(label)
            definition = str(block.get("definition", "")) if isinstance(block, dict) else ""
            if definition or label in then or label in now:
                fate = (led[label].to, led[label].version) if label in led else ((), "")
                found.append(Text(label, definition, then.get(label, ""), now.get(label, ""), *fate))
        return found

    def _guideline(self, commit: str, name: str, version: str) -> dict[str, Any] | None:
        """Return a version of a guideline: as it stood at a commit, or the last one of that version before."""
        path = f"guidelines/{name}.yaml"
        found = self._document(commit, "guideline", path)
        if found is not None and found.get("version") == version:
            return found
        for oid in log.blobs(self._folders.git, commit, path):
            older = self._value("guideline", path, Entry("git", oid))
            if older is not None and older.get("version") == version:
                return older
        return None

    def _document(self, commit: str, noun: str, path: str) -> dict[str, Any] | None:
        entry = self._folders.snapshot(commit, [path]).entries.get(path)
        return None if entry is None else self._value(noun, path, entry)

    def _value(self, noun: str, path: str, entry: Entry) -> dict[str, Any] | None:
        if entry not in self._values:
            data = self._folders.reader.read(path, entry)
            (value,) = projects.values(self._folders.git, [(noun, data)], self._cache)
            self._values[entry] = value if isinstance(value, dict) else None
        return self._values[entry]
