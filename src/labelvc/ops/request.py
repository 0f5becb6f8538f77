"""Request: what a person asked to import, as it was typed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from labelvc.codec.offsets import Unit


class Request(NamedTuple):
    """What a person asked to import.

    Attributes:
        form: name of the format.
        source: file or folder.
        dataset: name of the dataset.
        task: name of the task; empty when the dataset has just one.
        mode: `add` keeps what the source lacks; `replace` leaves tombstones for it.
        words: the columns and key given, as for `formats.interface.Plan`.
        add_labels: add labels that the taxonomy lacks to it.
        offsets: what the offsets of the source count; None: code points, as they stand.
        renumbering: write even when most ids would change what they stand for.
    """

    form: str
    source: Path
    dataset: str
    task: str = ""
    mode: Literal["add", "replace"] = "add"
    words: Mapping[str, Any] = {}
    add_labels: bool = False
    renumbering: bool = False
    offsets: Unit | None = None
