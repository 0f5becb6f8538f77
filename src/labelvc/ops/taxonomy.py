"""Taxonomies edited by commands: labels added to the document, everything else in it left as it was."""

from __future__ import annotations

from collections.abc import Sequence

from labelvc.codec import document


def add_labels(data: bytes, labels: Sequence[str]) -> bytes:
    """Add the labels a taxonomy lacks at the end of its list; id and name are the same text.

    Args:
        data: the taxonomy's bytes.
        labels: ids, in the order to add them.

    Returns:
        The new bytes; the same when none is missing.

    Raises:
        DataError: the document cannot be read.
    """
    known = {label.get("id") for label in document.read(data).get("labels") or () if isinstance(label, dict)}
    missing = [label for label in dict.fromkeys(labels) if label not in known]
    return document.extend(data, ("labels",), [{"id": label, "name": label} for label in missing])
