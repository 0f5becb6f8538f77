"""Stranded: labels that are stored on a text which an import changes, and that the source does not bring along."""

from __future__ import annotations

from collections.abc import Collection

from labelvc.codec import canonical
from labelvc.errors import RefusedError
from labelvc.model.change import Delta
from labelvc.model.names import Key
from labelvc.model.snapshot import Snapshot
from labelvc.ops import fitting, lines
from labelvc.store import tree
from labelvc.store.git import Git

_HINT = "bring all labels of an item in one source; or export them, redact the texts elsewhere, and import both"


def refuse(git: Git, work: Snapshot, dataset: str, deltas: Collection[Delta]) -> None:
    """Refuse to redact a text that is stored with labels which would cover something else then.

    Args:
        git: the repository.
        work: what is stored.
        dataset: the dataset.
        deltas: what the import changes; gone through twice, and of it the texts that changed are kept.

    Raises:
        RefusedError: a label that stays as it is covers other text then.
    """
    texts = {
        delta.key.item: text for delta in deltas if isinstance(delta.key, Key) and (text := _new_text(delta.key, delta))
    }
    if not texts:
        return
    changed = {delta.key for delta in deltas if isinstance(delta.key, Key) and delta.key.item in texts}
    left = 0
    where = ""
    with tree.reader(git) as reader:
        for rows in lines.live(reader, work, dataset, "annotations"):
            for row in rows:
                key, at = Key(dataset, row["item"], row["id"]), fitting.span(row)
                if at is None or row["item"] not in texts or key in changed:
                    continue
                if texts[row["item"]][slice(*at)] != row["value"].get("text"):
                    left, where = left + 1, where or str(key)
    if left:
        message = f"{left} stored label{'s'[: left > 1]} would cover other text once personal data is out of it"
        raise RefusedError(
            f"{message}, and the source does not bring {'them' if left > 1 else 'it'}", where=where, hint=_HINT
        )


def _new_text(key: Key, delta: Delta) -> str:
    """Return the text that an item has now, where it had another one."""
    if key.id or delta.old is None or delta.new is None:
        return ""
    old, new = canonical.decode(delta.old).get("text"), canonical.decode(delta.new).get("text")
    return new if isinstance(new, str) and old != new else ""
