"""Renumbering: an import that would give most ids another meaning is stopped, with the numbers and the way round."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable
from functools import cache

from labelvc.codec import canonical
from labelvc.core import renumber
from labelvc.core.diff import decoded, live
from labelvc.errors import RefusedError
from labelvc.model.change import Delta
from labelvc.model.names import Key
from labelvc.ops.identity import Asked, Lines, Stored
from labelvc.ops.request import Request

ALLOW = "--allow-renumbering"


def refuse(
    deltas: Iterable[Delta], lines: Lines, stored: Stored, asked: Asked, request: Request, *, keyed: bool
) -> None:
    """Stop an import that renumbers.

    What an ordinary import costs is a count of its deltas; contents are compared only when most records moved.

    Args:
        deltas: what the import would change.
        lines: what was read, under the names it has here.
        stored: what is there.
        asked: what decided the names.
        request: what was typed.
        keyed: the items read have the key that the dataset claims, or it claims none; without it even items that are
            only added may be there under another name.

    Raises:
        RefusedError: most ids would be rewritten with content that is there under other ids; says how many of each, and
            the command that finds records by content instead.
    """
    moved = Counter(
        ("changed" if live(delta.old) else "added")
        for delta in deltas
        if isinstance(delta.key, Key) and delta.key.id and live(delta.new)
    )
    answers = lines["annotations"]
    if not renumber.likely(moved["added"], moved["changed"], len(answers)) or not stored.items:
        return

    @cache
    def about(item: str, source: bool) -> bytes:
        raw = lines["items"].get(Key(asked.dataset, item, "")) if source else stored.items.get(item)
        fields = decoded(raw)
        media = fields.get("media")
        path = media.get("path") if isinstance(media, dict) else None
        return canonical.encode(fields.get("text") or path or item)

    found = renumber.measure(
        stored.answers(asked.task), answers, lambda key, source: about(key.item, source), whole=asked.whole or not keyed
    )
    if found is not None:
        message = (
            f"ids were given out anew: {found.rewritten:,} of the {found.stored:,} ids stored here would be rewritten, "
            f"{found.elsewhere:,} of them with what the source has under another id"
        )
        raise RefusedError(message, where=str(request.source), hint=_way_on(lines, stored, asked, request))


def _way_on(lines: Lines, stored: Stored, asked: Asked, request: Request) -> str:
    words = ["labelvc", "import", request.form, str(request.source), "--dataset", asked.dataset]
    words += ["--task", request.task] if request.task else []
    for name in ("layout", "item", "by", "value"):
        said = request.words.get(name)
        words += [f"--{name}", str(said)] if said and (name, said) != ("layout", "long") else []
    words += ["--mode", "replace"] if asked.whole else []
    words += ["--add-labels"] if request.add_labels else []
    if asked.keys:
        return f"name another --key; or, if the ids stored here are the wrong ones, add {ALLOW}"
    key = _steady(lines, stored, asked.tool) or request.words.get("item") or "FIELD"
    typed = " ".join([*map(shlex.quote, words), "--key", shlex.quote(str(key))])
    return f"{typed} finds items by {key} and records by content; {ALLOW} writes them all the same"


def _steady(lines: Lines, stored: Stored, tool: str) -> str:
    """Return the field that names items best: no two items of the source share it, and most stored items have it, too."""
    held = [_fields(raw, tool) for raw in stored.items.values()]
    read = [_fields(raw, tool) for raw in lines["items"].values()]
    scores: list[tuple[int, int, str]] = []
    for name in read[0] if read else ():
        told = [fields.get(name) for fields in read]
        if None not in told and "" not in told and len(set(told)) == len(told) and name != "id":
            values = set(told)
            known = sum(fields.get(name) in values for fields in held)
            scores.append((-known, len(name), name))
    return min(scores)[2] if scores else ""


def _fields(raw: bytes, tool: str) -> dict[str, str]:
    """Return the plain fields that a source brought for an item."""
    fields = decoded(raw)
    ext, natural = fields.get("ext"), fields.get("natural")
    space = ext.get(tool) if isinstance(ext, dict) else None
    plain = {**(space if isinstance(space, dict) else {}), **(natural if isinstance(natural, dict) else {})}
    return {
        name: str(said) for name, said in plain.items() if isinstance(said, str | int) and not isinstance(said, bool)
    }
