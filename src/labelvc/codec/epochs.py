"""Epochs on disk: `privacy/epochs.jsonl`, one canonical line an epoch, and the file that holds an epoch's secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from labelvc.codec import canonical
from labelvc.errors import DataError
from labelvc.model.secret import ALPHABET, EPOCHS, Epoch, Secret

PATH = EPOCHS
EPOCH, GATE = "labelvc-epoch-secret-v1", "labelvc-gate-key-v1"
"""How the two kinds of key file begin; leak detectors know both."""
_SECRET = rf"([a-z0-9-]+) ([{ALPHABET}]{{1,2}}) ([0-9a-f]{{64}})\n?".encode()
_FIELDS = {
    "id": f"[{ALPHABET}]{{1,2}}",
    "status": "active|retired|destroyed",
    "created": "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
    "commitment": "[0-9a-f]{32}",
}
_BEFORE, _REKEYED = "from", "rekeyed"


def read(data: bytes, where: str = PATH) -> tuple[Epoch, ...]:
    """Read the list of epochs.

    Args:
        data: the file's bytes; empty when there is none.
        where: its path, for messages.

    Returns:
        Epochs in the order they began.

    Raises:
        DataError: a line that is no epoch in canonical form, an id used twice, two active epochs, or one that is chained to
            none before it.
    """
    found: list[Epoch] = []
    for number, raw in enumerate(data.splitlines(), 1):
        value = _line(raw, f"{where}:{number}")
        if any(value.id == epoch.id for epoch in found):
            raise DataError(f"the epoch {value.id!r} occurs twice", where=f"{where}:{number}", hint=_hint(where))
        if value.status == "active" and any(epoch.status == "active" for epoch in found):
            raise DataError("two epochs are active", where=f"{where}:{number}", hint=_hint(where))
        if value.before and all(value.before != epoch.id for epoch in found):
            message = f"the epoch {value.id!r} is made of tokens of {value.before!r}, which is none before it"
            raise DataError(message, where=f"{where}:{number}", hint=_hint(where))
        found.append(value)
    return tuple(found)


def members(epoch: Epoch) -> dict[str, Any]:
    """Return an epoch as the object its line is."""
    found = {name: value for name, value in epoch._asdict().items() if name in _FIELDS}
    made_of = {_BEFORE: epoch.before} if epoch.before else {}
    return {**found, **made_of, **({_REKEYED: True} if epoch.rekeyed else {})}


def epoch_of(value: Mapping[str, Any]) -> Epoch:
    """Return the epoch that an object of such a line is; `members` returns the object."""
    named = (value["id"], value["status"], value["created"], value["commitment"])
    return Epoch(*named, value.get(_BEFORE, ""), value.get(_REKEYED, False))


def chain(epochs: Sequence[Epoch], last: Epoch) -> list[Epoch]:
    """Return the epochs whose tokens a token of an epoch is made of, oldest first, and that epoch itself."""
    found = [last]
    while before := found[0].before:
        found.insert(0, next(epoch for epoch in epochs if epoch.id == before))
    return found


def ended(epochs: Sequence[Epoch]) -> frozenset[str]:
    """Return the epochs of which a re-key left no token: all before the last one that began with a re-key."""
    last = max((at for at, epoch in enumerate(epochs) if epoch.ends), default=0)
    return frozenset([epoch.id for epoch in epochs[:last]])


def write(epochs: Iterable[Epoch]) -> bytes:
    """Return the file's bytes: one canonical line an epoch, oldest first."""
    return b"".join([canonical.encode(members(epoch)) + b"\n" for epoch in epochs])


def active(epochs: Iterable[Epoch]) -> Epoch | None:
    """Return the epoch that makes new tokens, or None."""
    return next((epoch for epoch in epochs if epoch.status == "active"), None)


def read_secret(data: bytes, epoch: str, header: str = EPOCH) -> Secret | None:
    """Return the secret in a key file's bytes, or None when they are no key file of this kind and epoch."""
    found = re.fullmatch(_SECRET, data)
    if found is None or (found[1].decode(), found[2].decode()) != (header, epoch):
        return None
    return Secret(epoch, bytes.fromhex(found[3].decode()))


def write_secret(secret: Secret, header: str = EPOCH) -> bytes:
    """Return the bytes of a key file: a header that leak detectors know, the epoch's letters, 64 hex digits."""
    return f"{header} {secret.epoch} {secret.reveal().hex()}\n".encode()


def _line(raw: bytes, where: str) -> Epoch:
    try:
        value = canonical.decode(raw)
    except DataError as error:
        raise DataError(error.message, where=where, hint=_hint(where)) from None
    told = dict(value) if isinstance(value, dict) else {}
    rekeyed = told.pop(_REKEYED, True)
    rules = {**_FIELDS, _BEFORE: _FIELDS["id"]} if _BEFORE in told else _FIELDS
    good = rekeyed is True and set(told) == set(rules)
    if not good or not all(
        isinstance(told[name], str) and re.fullmatch(rule, told[name]) for name, rule in rules.items()
    ):
        raise DataError("the line is no epoch (docs/formats/pseudonym.md)", where=where, hint=_hint(where))
    if canonical.encode(value) != raw:
        raise DataError("the line is not in canonical form", where=where, hint=_hint(where))
    return epoch_of(value)


def _hint(where: str) -> str:
    return f"git log -p -- {where.rsplit(':', 1)[0]}"
