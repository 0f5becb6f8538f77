"""Edits of documents as sentences: which label, block or member, and the words that changed."""

from __future__ import annotations

import json
from typing import Any

from labelvc.core import bump
from labelvc.core.prose import Stretch, words
from labelvc.model.change import Edit

_SHORT = 40
_WIDEST = 160
_CONTEXT = 24
_SIGNS = {"added": "+", "removed": "-"}
_SIMPLE = {"deprecated": "deprecated", "revived": "active again", "ordered": "the same in another order"}
_AROUND = 2


def sentence(edit: Edit) -> tuple[str, list[Stretch]]:
    """Say an edit.

    Args:
        edit: the edit.

    Returns:
        Its sign (`+`, `-`, `~`), and stretches of text: `=` to be read as they are, `-` and `+` words that went and came.
        Nothing is escaped.
    """
    sign = _SIGNS.get(edit.what, "~")
    head = _head(edit)
    if edit.what in _SIMPLE:
        return sign, [Stretch("=", f"{head} {_SIMPLE[edit.what]}")]
    if edit.of == "label" and edit.what in _SIGNS:
        return sign, [Stretch("=", f"{head}{_described(edit.old if edit.what == 'removed' else edit.new)}")]
    lineage = bump.tells_lineage(edit)
    if edit.what in _SIGNS:
        side = edit.old if edit.what == "removed" else edit.new
        return sign, [Stretch("=", f"{head} {_said(side, lineage=lineage)}")]
    if edit.what == "moved":
        return sign, [Stretch("=", f"{head} moved from {_under(edit.old)} to {_under(edit.new)}")]
    verb = "renamed " if edit.what == "renamed" else ""
    if isinstance(edit.old, str) and isinstance(edit.new, str) and max(len(edit.old), len(edit.new)) > _SHORT:
        return sign, [Stretch("=", f"{head} {verb}"), *_near(words(edit.old, edit.new))]
    old, new = [_said(side, lineage=lineage) for side in (edit.old, edit.new)]
    return sign, [Stretch("=", f"{head} {verb}{old} -> {new}")]


def plain(stretches: list[Stretch]) -> str:
    """Return stretches as one text, words that went as `[-so-]` and those that came as `{+so+}`, as `git diff --word-diff`."""
    marks = {"=": ("", ""), "-": ("[-", "-]"), "+": ("{+", "+}")}
    return "".join([f"{marks[one.sign][0]}{one.text}{marks[one.sign][1]}" for one in stretches])


def _head(edit: Edit) -> str:
    if edit.of == "version":
        return "version"
    if bump.tells_lineage(edit):
        return "lineage"
    if edit.of == "label":
        named = f"label {edit.name}" if edit.name else "labels"
        return f"{named} {edit.block}" if edit.what == "changed" else named
    if edit.of == "block":
        return f"label {edit.name} {edit.block}"
    return edit.pointer or "the whole document"


def _described(label: Any) -> str:
    """Return what is worth saying of a whole label: its name and parent, or its definition."""
    if not isinstance(label, dict):
        return ""
    said = [f" ({label['name']})"] if "name" in label else []
    said += [f" under {label['parent']}"] if label.get("parent") else []
    said += [f": {_said(label['definition'])}"] if "definition" in label else []
    return "".join(said)


def _under(parent: Any) -> str:
    return "the top" if parent is None else f"under {_said(parent)}"


def _said(value: Any, *, lineage: bool = False) -> str:
    if value is None:
        return "(none)"
    if lineage:
        text = "; ".join(map(_step, value if isinstance(value, list) else [value]))
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _step(value: Any) -> str:
    """Say what was done to labels, as `merge glass, plastic -> bottle (nobody could tell)`; anything else as it stands."""
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        return _said(value)
    old, new = [value.get(end, []) for end in ("from", "to")]
    if not all(isinstance(end, list) for end in (old, new)):
        return _said(value)
    ends = [", ".join(map(str, end)) for end in ([old] if old == new else [old, new]) if end]
    reason = f" ({value['reason']})" if value.get("reason") else ""
    return f"{value['kind']} {' -> '.join(ends)}{reason}"


def _near(found: list[Stretch]) -> list[Stretch]:
    """Return the words that changed with a little of what stands around them."""
    shown = []
    for at, one in enumerate(found):
        text = one.text
        if one.sign != "=":
            text = _said(text)
        elif len(text) > _AROUND * _CONTEXT + 1:
            before = text[:_CONTEXT] if at else ""
            after = text[-_CONTEXT:] if at < len(found) - 1 else ""
            text = f"{before}…{after}"
        shown.append(Stretch(one.sign, text))
    return shown
