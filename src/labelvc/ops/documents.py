"""Documents of a diff read and compared by what they say; loaded only where a document differs, since it parses YAML."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection
from typing import Any

from labelvc.codec import canonical, document
from labelvc.core import documents
from labelvc.core.diff import Comparison, pointers
from labelvc.core.rekey import Rekey
from labelvc.errors import DataError
from labelvc.model.change import Delta
from labelvc.model.snapshot import EXECUTABLE, FILE, LINK
from labelvc.ops.project import noun_of

LAYOUT = "comments, order of members or layout alone"
_DVC_IGNORES = frozenset(("/config.local", "/tmp", "/cache"))  # noqa: S108 - lines of a .gitignore
_ENTRIES = {"versions": "version", "epoch": "id", "lock": "name"}
_MOST_NAMED = 5


def told(seen: Comparison, moved: Collection[str] = (), rekey: Rekey | None = None) -> Comparison:
    """Return the comparison of a document with what it says differently.

    Args:
        seen: the comparison of its bytes.
        moved: datasets whose storage moved between the snapshots.
        rekey: the re-key between them, if there was one.

    Returns:
        The comparison with `edits` and `pointers` where both sides can be read, `mechanical` where nothing is changed by it.
    """
    path, old, new, _ = seen.delta
    path = str(path)
    if _goes_with_dvc(path, old, new, moved):
        return seen._replace(kind="mechanical")  # the dataset's own document tells of the move
    if old is None or new is None:
        return seen
    became = _became(seen.delta)
    if old == new or LINK in seen.delta.modes:
        return seen._replace(said=became)
    if became:
        rest = told(seen._replace(delta=Delta(path, old, new)), moved, rekey)
        return rest._replace(delta=seen.delta, kind="changed", said=f"{became}; {rest.said}" if rest.said else became)
    noun = (noun_of(path) or ("", ""))[0]
    one, two = value(path, noun, old), value(path, noun, new)
    if one is None or two is None:
        return seen
    found = documents.edits(noun, one, two)
    seen = seen._replace(pointers=pointers(one, two) if found else [], edits=found, said="" if found else LAYOUT)
    said = _mechanical(noun, one, two, rekey)
    return seen._replace(kind="mechanical", said=said) if said else seen


def _became(delta: Delta) -> str:
    """Return what kind of file a document became, in words; empty where it is of the kind it was, or is new or gone."""
    was, now = delta.modes or (FILE, FILE)
    if was == now:
        return ""
    if LINK in (was, now):
        return "a symbolic link now" if now == LINK else "a file now, no symbolic link"
    return "may be executed now" if now == EXECUTABLE else "may not be executed any more"


def moves(old: bytes, new: bytes) -> bool:
    """Tell whether a dataset's storage differs between two versions of its document."""
    one, two = value("dataset.yaml", "dataset", old), value("dataset.yaml", "dataset", new)
    if not isinstance(one, dict) or not isinstance(two, dict):
        return False
    return bool(one.get("storage", "git") != two.get("storage", "git"))


def value(path: str, noun: str, data: bytes) -> Any:
    """Return what a document says.

    Args:
        path: its path, whose ending tells how it is written.
        noun: its kind, if it has one.
        data: its bytes.

    Returns:
        A plain value; of a file of lines a mapping by version or id; of a signed envelope the statement with its
        signatures. None when it cannot be read, or is no YAML, JSON or JSONL.
    """
    try:
        if noun in _ENTRIES:
            lines = document.read_lines(data)
            found = {str(line.get(_ENTRIES[noun], number)): line for number, line in enumerate(lines)}
            return found if len(found) == len(lines) else None
        if path.endswith((".yaml", ".yml", ".dvc")):
            return document.read(data, path)
        return _opened(canonical.decode(data)) if path.endswith(".json") else None
    except DataError:
        return None


def _opened(said: Any) -> Any:
    """Return a DSSE envelope with its payload opened, so that a policy is compared by what it says."""
    if not isinstance(said, dict) or not isinstance(said.get("payload"), str) or "payloadType" not in said:
        return said
    try:
        return {**said, "payload": canonical.decode(base64.b64decode(said["payload"], validate=True))}
    except (binascii.Error, ValueError, DataError):
        return said


def _mechanical(noun: str, old: Any, new: Any, rekey: Rekey | None) -> str:
    """Return how a document differs without any change of content, in one sentence; empty when content changed."""
    if noun == "dataset":
        return ", ".join(documents.layout(old, new) or ())
    if noun == "taxonomy":
        found = documents.renames(old, new) or []
        named = [f"label {one.id} renamed from {one.old} to {one.new}" for one in found[:_MOST_NAMED]]
        more = f", and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        return ", ".join(named) + more
    if noun == "epoch" and rekey is not None and _grew(old, new):
        came = ", ".join(set(new) - set(old) or set(old) - set(new))
        return f"pseudonyms re-keyed, epoch {came}: {rekey.tokens:,} tokens, one to one, in {rekey.records:,} lines"
    return ""


def _grew(old: dict[str, Any], new: dict[str, Any]) -> bool:
    one, two = list(old.values()), list(new.values())
    return bool(documents.begun(one, two) or documents.begun(two, one))


def _goes_with_dvc(path: str, old: bytes | None, new: bytes | None, moved: Collection[str]) -> bool:
    """Tell whether a file differs only in what DVC itself writes when records move into it."""
    if not moved:
        return False
    one, two = [
        {line.strip() for line in (side or b"").decode(errors="replace").splitlines()} - {""} for side in (old, new)
    ]
    if path == ".dvc/config":
        return not one and not two
    if path == ".dvcignore":
        return all(line.startswith("#") for line in one | two)
    if path == ".dvc/.gitignore":
        return one | two <= _DVC_IGNORES
    parts = path.split("/")
    return (
        parts[0] == "datasets" and parts[2:] == [".gitignore"] and parts[1] in moved and one ^ two <= {"/annotations"}
    )
