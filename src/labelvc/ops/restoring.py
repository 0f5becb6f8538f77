"""Restoring: an item and its records as they were before personal data was taken out of their texts, for who may open the vault."""

from __future__ import annotations

from collections.abc import Iterator
from re import Match
from typing import Any, NamedTuple

from labelvc.codec import canonical, expression, shard, vaultrow
from labelvc.core import protection, pseudonym, redact
from labelvc.core.redact import Move, Redacted
from labelvc.errors import ConfigurationError, DataError
from labelvc.model import jsonpointer
from labelvc.model.names import Key
from labelvc.model.project import Dataset
from labelvc.ops import custody, fitting, redaction, revealing, vault
from labelvc.ops import project as projects
from labelvc.ops.custody import Act
from labelvc.ops.sharing import Openers
from labelvc.ops.vault import Opened
from labelvc.store import tree
from labelvc.store import vault as folders
from labelvc.store.git import Git

_OTHER = "oth_"


class Restored(NamedTuple):
    """What was restored.

    Attributes:
        lines: the item and its records, canonical lines.
        texts: how many texts in them are another one now.
        forgotten: how many values in them stood for somebody who was forgotten.
    """

    lines: list[bytes]
    texts: int
    forgotten: int

    def __repr__(self) -> str:
        """Show no text."""
        return f"Restored({self.texts} texts)"


def restore(git: Git, act: Act, openers: Openers, item: str) -> Restored:
    """Return an item and its records with the texts that an import replaced personal data in; the log has a line of it before.

    Args:
        git: the repository.
        act: who, when, why; a reason is needed.
        openers: open the vault.
        item: `dataset/item`.

    Raises:
        ConfigurationError: no reason, or the key of a record.
        DataError: there is no such item, no way back from its texts, or a label that cannot go it.
    """
    revealing.reasoned(act)
    key = Key.parse(item if "#" in item else f"{item}#")
    if key.id:
        raise ConfigurationError(
            "a text is restored with all labels on it", hint=f"labelvc vault restore {key.dataset}/{key.item}"
        )
    project = custody.project_here(git)
    dataset = projects.dataset(project, key.dataset)
    fields = revealing.fields_of(git, dataset, key, "items")
    records = list(_records(git, dataset, key.item))
    with folders.held(git) as folder:
        one, _ = custody.opened(folder, project, openers)
        vault.fold(one)
        vault.record(one, custody.entry(act, "restore", key=str(key)))
    ways = _ways(one, dataset.id, key.item)
    texts = forgotten = 0
    for layer, line in [("items", fields), *[("annotations", record) for record in records]]:
        for pointer, holder, name in list(jsonpointer.texts(line, [])):
            found = (_placed(one, holder[name], way) for way in ways.get((layer, pointer), ()))
            steps = next((steps for steps in found if steps is not None), None)
            if steps is not None:
                done = _back(holder[name], steps)
                texts += 1
                forgotten += sum(step[-1] is None for step in steps)
                if (layer, pointer) == ("items", protection.TEXT):
                    _carry(records, done.old, done.way, dataset)
                holder[name] = done.old
    if not texts:
        hint = "labelvc vault status; or restore it where it was imported, and look at labelvc log for later edits"
        raise DataError(
            "nothing leads back from the texts of this item: none was replaced here, or they were edited since",
            where=str(key),
            hint=hint,
        )
    lines = [canonical.encode_item(fields), *[canonical.encode_record(record) for record in records]]
    return Restored(lines, texts, forgotten)


class _Way(NamedTuple):
    """A way back as the vault has it: the digest of the text it leads back from, its steps, and the epoch of their tokens."""

    digest: str
    steps: list[list[Any]]
    epoch: str

    def __repr__(self) -> str:
        """Show no value."""
        return f"_Way({self.digest!r}, ...)"


class _Back(NamedTuple):
    """A text as it was, and the way between it and what it is."""

    old: str
    way: Redacted


def _back(text: str, steps: list[list[Any]]) -> _Back:
    """Return a text as it was; where a value was forgotten its replacement stays."""
    pieces: list[str] = []
    moves: list[Move] = []
    at = length = 0
    for _, _, start, end, _, said in steps:
        whole = text[start:end] if said is None else said
        pieces += [text[at:start], whole]
        first = length + start - at
        moves.append(Move((first, first + len(whole)), (start, end)))
        at, length = end, first + len(whole)
    return _Back("".join([*pieces, text[at:]]), Redacted(text, tuple(moves)))


def _carry(records: list[dict[str, Any]], old: str, way: Redacted, dataset: Dataset) -> None:
    """Give labels the offsets they had."""
    for record in records:
        span = fitting.span(record)
        if span is not None:
            try:
                found = way.back(span)
            except DataError as error:
                where = f"{dataset.name}/{record['item']}#{record['id']}"
                raise DataError(
                    error.message, where=where, hint="move the label to where the replacement begins or ends"
                ) from None
            fitting.place(record, found, old)


def _ways(one: Opened, dataset: str, item: str) -> dict[tuple[str, str], list[_Way]]:
    """Return the ways back from the texts of an item and its records, by layer and pointer."""
    found: dict[tuple[str, str], list[_Way]] = {}
    for token, row in one.rows.items():
        content = one.content(token) if row.sealed is not None and token.startswith(_OTHER) else {}
        match redaction.place_of(content.get("value", "")) if "moves" in content else None:
            case [where, layer, name, pointer, digest] if (where, name) == (dataset, item):
                steps = vaultrow.without(content, one.gone)["moves"]
                way = _Way(digest, steps, pseudonym.epoch_of(token))
                found.setdefault((layer, pointer), []).append(way)
    return found


def _placed(one: Opened, text: str, way: _Way) -> list[list[Any]] | None:
    """Return the steps of a way where they lie in a text; None where it does not lead back from it.

    It does when its own tokens, put where others stand now (of a later epoch, or markers of somebody who was erased), make
    the text that it was written down for: that has its digest.
    """
    own = {step[2]: step[4] for step in way.steps}
    ahead = 0

    def instead(mark: Match[str]) -> str:
        nonlocal ahead
        token = own.get(mark.start() - ahead) or _earlier(one, mark[1], way.epoch)
        ahead += len(mark[1]) - len(token)
        return str(token)

    done = redact.exchanged(text, instead)
    if redaction.digest(done.text) != way.digest:
        return None
    try:
        return [[*step[:2], *done.back((step[2], step[3])), *step[4:]] for step in way.steps]
    except DataError:  # whoever has the vault's public half can write a way that leads nowhere
        return None


def _earlier(one: Opened, token: str, epoch: str) -> str:
    """Return what a token was in an epoch, as far as the vault knows; else the token."""
    return next((each for each in _before(one, token) if pseudonym.epoch_of(each) == epoch), token)


def _before(one: Opened, token: str) -> Iterator[str]:
    """Yield a token and what it was before each re-key."""
    seen: set[str] = set()
    while token and token not in seen:
        yield token
        seen.add(token)
        row = one.rows.get(token)
        token = one.content(token).get("before", "") if row is not None and row.sealed is not None else ""


def _records(git: Git, dataset: Dataset, item: str) -> Iterator[dict[str, Any]]:
    """Yield the live records of an item in the work tree."""
    snapshot = tree.work(git)
    name = shard.place(shard.group_of(item, expression.compiled(dataset.group)), shard.digits(dataset.shards))
    path = shard.path(dataset.name, "annotations", name)
    entry = snapshot.entries.get(path)
    if entry is None:
        return
    with tree.reader(git) as reader:
        for line in shard.lines(reader.read(path, entry)):
            fields = canonical.decode(line)
            if fields.get("item") == item and not fields.get("gone"):
                yield fields
