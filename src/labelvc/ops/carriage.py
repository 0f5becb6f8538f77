"""Carriage: a line of a dataset with every token in it carried into the epoch of a re-key, or why it cannot be."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from re import Match
from typing import Any, NamedTuple

from labelvc.codec import canonical, epochs, shard
from labelvc.core import protection, pseudonym, redact
from labelvc.core.domains import Domains
from labelvc.core.redact import Redacted
from labelvc.core.rekey import carries, tokens_in
from labelvc.errors import DataError
from labelvc.model import jsonpointer
from labelvc.model.names import Key, Layer
from labelvc.model.project import Dataset
from labelvc.model.secret import Epoch
from labelvc.ops import fitting
from labelvc.ops.carrying import Way

_WITH_TOKENS = ("keyed", "random", "sealed")
_BY = "/by"
_NAMES = ("/id", "/item")
_is_name = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}").fullmatch
Texts = dict[str, tuple[str, Redacted]]
"""By item: its text before, and the way to what it is now."""


class Shard(NamedTuple):
    """What lines of one shard have in common.

    Attributes:
        dataset, layer: where they are.
        fields, texts: steps to the fields that may hold a token, and to the texts that may; each with the domain of its tokens.
        changed: the texts of their items that changed.
    """

    dataset: str
    layer: Layer
    fields: list[tuple[list[str], str]]
    texts: list[tuple[list[str], str]]
    changed: Texts


def shard_of(dataset: Dataset, layer: Layer, domains: Domains, changed: Texts) -> Shard:
    """Return what lines of a shard have in common; a name of a record or item is no field that may hold a token."""
    found = [field.pointer for field in dataset.sensitive if field.layer == layer and field.mode in _WITH_TOKENS]
    found += [_BY] if layer == "annotations" and _BY not in found else []
    fields = [pointer for pointer in found if pointer not in _NAMES]
    texts = protection.texts(dataset.sensitive, layer)

    def led(pointers: Iterable[str]) -> list[tuple[list[str], str]]:
        return [(jsonpointer.steps(pointer), domains.of(dataset.name, layer, pointer)) for pointer in pointers]

    return Shard(dataset.name, layer, led(fields), led(texts), changed)


class Carriage:
    """Carries the tokens of lines, the same one always to the same.

    Args:
        way: turns old tokens into new ones.
        known: the epochs; the last one is the one that begins.
        gone: tokens of those who were forgotten.
        stay: epochs whose tokens stay as they are; none in a re-key.

    Attributes:
        tokens: old token to new one, as far as they were met.
        met: the epochs that the old ones are of.
    """

    def __init__(
        self, way: Way, known: Sequence[Epoch], gone: Collection[str], stay: Collection[str] = frozenset()
    ) -> None:
        self._way, self._epoch, self._gone, self._stay = way, known[-1].id, gone, stay
        self._ended = epochs.ended(known[:-1])
        self._old = {epoch.id for epoch in known[:-1]}
        self._made: set[str] = set()
        self._domains: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.met: set[str] = set()

    def line(self, raw: bytes, of: Shard) -> bytes:
        """Return a line with its tokens carried and the next `rev`; the very same where nothing in it changes.

        Labels follow the text they lie on, which is to be carried before them.

        Raises:
            DataError: a token stands where it cannot be rewritten, or cannot be carried; a label cuts one; the line is not
                in canonical form.
        """
        bears = any(True for _ in tokens_in(raw))
        if not bears and not of.changed:
            return raw
        key = shard.key_of(raw, of.dataset, of.layer)
        fields = canonical.decode(raw)
        first = canonical.RECORD_FIRST if of.layer == "annotations" else canonical.ITEM_FIRST
        if bears and canonical.encode(fields, first) != raw:
            raise DataError("the line is not in canonical form", where=str(key), hint="labelvc format, then commit")
        changed = bears and self._fields(fields, of, str(key))
        changed |= self._texts(fields, of, str(key))
        if changed and of.layer == "annotations":
            fields["rev"] = fields["rev"] + 1 if type(fields.get("rev")) is int else 1
        new = canonical.encode(fields, first) if changed else raw
        if not self._made.issuperset(tokens_in(new)):
            self._refuse_left(fields, key, of.layer)
        return new

    def _fields(self, fields: dict[str, Any], of: Shard, where: str) -> bool:
        """Carry the tokens of declared fields; tells whether there was one."""
        changed = False
        for steps, domain in of.fields:
            for holder, name in list(jsonpointer.places(fields, steps)):
                value = holder[name]
                if isinstance(value, str) and protection.protected(value) and not pseudonym.is_marker(value):
                    holder[name] = self._carried(value, domain, where)
                    changed |= holder[name] != value
        return changed

    def _texts(self, fields: dict[str, Any], of: Shard, where: str) -> bool:
        """Carry the tokens in redacted texts, and move a label with the text it lies on; tells whether anything changed."""
        changed = False

        def instead(mark: Match[str], domain: str) -> str:
            return mark[1] if pseudonym.is_marker(mark[1]) else self._carried(mark[1], domain, where)

        for steps, domain in of.texts:
            for pointer, holder, name in list(jsonpointer.texts(fields, steps)):
                done = redact.exchanged(holder[name], partial(instead, domain=domain))
                if done.text == holder[name]:
                    continue
                if (of.layer, pointer) == ("items", protection.TEXT):
                    of.changed[fields["id"]] = holder[name], done
                holder[name], changed = done.text, True
        if of.layer == "annotations" and fields.get("item") in of.changed:
            changed |= _followed(fields, *of.changed[fields["item"]], where)
        return changed

    def _carried(self, value: str, domain: str, where: str) -> str:
        """Return a token, or a sealed value, with the token that takes its place in its field's domain."""
        token, mark, letters = value.partition(":")
        if token in self.tokens:
            if self._domains[token] != domain:
                message = f"one token stands in a field of the domain {self._domains[token]!r} and in one of {domain!r}, and would become two"
                hint = "give both fields one `domain` in dataset.yaml, or import one of them anew from its source"
                raise DataError(message, where=where, hint=hint)
            return f"{self.tokens[token]}{mark}{letters}"
        epoch = pseudonym.epoch_of(token)
        if epoch in self._stay:
            return value
        if not pseudonym.is_token(token):
            message = "the check letters of a token are wrong"
            raise DataError(message, where=where, hint="labelvc check --all, and mend what it finds")
        if epoch == self._epoch:
            message = f"a token of the new epoch {epoch!r} is here already: two epochs would be mixed"
            raise DataError(message, where=where, hint="git checkout -- datasets, then the command again")
        if epoch not in self._old:
            message = f"a token of an epoch that this project does not have: {epoch!r}"
            raise DataError(message, where=where, hint=f"git log -p -- {epochs.PATH}; labelvc blame {where}")
        if epoch in self._ended and not self._stay:
            message = f"a token of epoch {epoch!r} is left from before a re-key, and its person has another one since"
            raise DataError(message, where=where, hint="labelvc pseudonym mend, then git commit")
        if token in self._gone:
            message = "a token of somebody who was forgotten still stands here"
            raise DataError(
                message, where=where, hint="labelvc check --all names the lines: take it out of them, and commit"
            )
        self.met.add(epoch)
        new = self.tokens[token] = self._way.of(token, domain, where)
        self._domains[token] = domain
        self._made.add(new)
        return f"{new}{mark}{letters}"

    def _refuse_left(self, fields: Mapping[str, Any], key: Key | None, layer: Layer) -> None:
        """Refuse a line in which a token stands where none is declared, so that it would stay as it was."""
        for pointer, text in _texts(fields):
            for token in tokens_in(text.encode()):
                if carries(token) and pseudonym.epoch_of(token) not in (self._epoch, *self._stay):
                    raise _misplaced(str(key), pointer, layer, redacted=f"{redact.MARK}{token}" in text)


def _followed(fields: dict[str, Any], old: str, way: Redacted, where: str) -> bool:
    """Move a label with the text that it lies on; tells whether that changed it.

    Args:
        fields: of its record, what it covers carried already.
        old: the text before.
        way: from there to the text now.
        where: the record, for messages.

    Raises:
        DataError: it begins or ends inside of a token, lies outside of the text, or covers other text than its record says.
    """
    at = fitting.span(fields)
    if at is None:
        return False
    try:
        found = way.place(at)
    except DataError:
        message = "a label begins or ends inside of a token, which becomes another one"
        raise DataError(
            message, where=where, hint="move the label to where the token begins or ends, and commit"
        ) from None
    covered = fields["value"].get("text")
    if not 0 <= at[0] < at[1] <= len(old) or covered not in (None, way.text[slice(*found)]):
        message = "a label lies outside of its text, or covers other text than its record says"
        raise DataError(message, where=where, hint="labelvc check --all, and mend what it finds")
    fields["value"]["span"] = [*found]
    return found != at


def _misplaced(key: str, pointer: str, layer: Layer, *, redacted: bool) -> DataError:
    if pointer in _NAMES:
        message = (
            f"a token names the {'record' if layer == 'annotations' else 'item'}: with another it would be another one"
        )
        hint = "datasets whose items are named by pseudonyms are not re-keyed: import them anew from their source"
        return DataError(message, where=f"{key} {pointer}", hint=hint)
    if redacted:
        message = "a token stands in a text that is not declared to be redacted"
        hint = "declare it under `sensitive` in the document of its dataset, `mode: redact`, or take the token out; then git commit"
        return DataError(message, where=f"{key} {pointer}", hint=hint)
    message = "a token stands in a field that is not declared to hold any"
    hint = "declare the field under `sensitive` in the document of its dataset, or take the token out; then git commit"
    return DataError(message, where=f"{key} {pointer}", hint=hint)


def _texts(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text in a value, names of members among them, with a pointer to it."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, list):
        for position, one in enumerate(value):
            yield from _texts(one, f"{at}/{position}")
    elif isinstance(value, dict):
        for name, one in value.items():
            yield at, name
            yield from _texts(one, f"{at}/{name if _is_name(name) else '***'}")
