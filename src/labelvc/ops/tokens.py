"""Tokens: plain values of declared fields become pseudonyms, or coarser, or nothing, on their way in."""

from __future__ import annotations

import hmac
import importlib
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from itertools import chain, islice
from operator import eq
from typing import Any, NamedTuple

from labelvc.codec import subkeys
from labelvc.codec.derive import prefixed
from labelvc.core import domains, protection, pseudonym
from labelvc.errors import DataError
from labelvc.model import jsonpointer
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project, Sensitive
from labelvc.model.secret import Secret
from labelvc.model.snapshot import Snapshot
from labelvc.ops import pseudonyms
from labelvc.store import tree, vault
from labelvc.store.git import Git

_LAYERS: tuple[Layer, ...] = ("items", "annotations")
_REMEMBERED = 1 << 16
_BY = Sensitive("/by", "person")


class _Shares(NamedTuple):
    """Equal values share a token where these are equal: pseudonymisation domain, kind, scope."""

    domain: str
    kind: str
    scope: str


class _Field(NamedTuple):
    """A field of keyed tokens that one path leads to: whose tokens it shares, pointer, the names it goes through, the last one."""

    shares: _Shares
    pointer: str
    steps: list[str]
    last: str
    made: dict[str, str]


class _Cells(dict[bytes, bytes]):
    """Tokens of plain texts in UTF-8, by these; remembers those that were asked for lately."""

    def __init__(self, token: Callable[[str], str]) -> None:
        super().__init__()
        self._token = token

    def of(self, cells: Sequence[bytes]) -> list[bytes]:
        """Return the tokens of texts, nothing for an empty one."""
        if len(self) > _REMEMBERED:
            self.clear()
        return list(map(self.__getitem__, cells))

    def __missing__(self, cell: bytes) -> bytes:
        self[cell] = found = self._token(cell.decode()).encode() if cell else b""
        return found


class Tokens:
    """Turns plain values of declared fields into tokens; the secret is looked for only when there is one to turn."""

    def __init__(self, git: Git, work: Snapshot, project: Project, dataset: Dataset) -> None:
        self._git, self._work, self._project, self._dataset = git, work, project, dataset
        authors = protection.declared(dataset.sensitive, "annotations", _BY.pointer)
        declared = [
            field for field in dataset.sensitive if field.mode != "redact"
        ]  # `labelvc.ops.redaction` does these
        fields = [*declared, *([] if authors else [_BY])]
        self._domains = domains.of(project)
        made: dict[_Shares, dict[str, str]] = {}
        self._fields: dict[Layer, list[_Field]] = {layer: [] for layer in _LAYERS}
        self._others: dict[Layer, list[Sensitive]] = {layer: [] for layer in _LAYERS}
        for field in fields:
            if field.mode == "keyed" and field.scope != "record" and jsonpointer.ANY not in field.pointer.split("/"):
                scope = dataset.id if field.scope == "dataset" else ""
                shares = _Shares(self._domains.within(field), field.kind, scope)
                told = _Field(shares, field.pointer, *_steps(field.pointer), made.setdefault(shares, {}))
                self._fields[field.layer].append(told)
            else:
                self._others[field.layer].append(field)
        self._cells: dict[_Shares, _Cells] = {}

    def protect(self, layer: Layer, fields: dict[str, Any]) -> None:
        """Replace plain values by what their fields may hold.

        Raises:
            DataError: a value is empty once normalised, or cannot be made coarser; or an id is a value that was replaced,
                which would tell it.
        """
        plain: set[str] | None = None
        for shares, _, steps, last, made in self._fields[layer]:
            inside: Any = fields
            for step in steps:
                inside = inside.get(step) if isinstance(inside, dict) else None
            value = inside.get(last) if isinstance(inside, dict) else None
            if value is not None and value != "":
                text = value if type(value) is str else str(value)
                token = inside[last] = made.get(text) or self._token(shares, text, made)
                if token != text:
                    plain = plain or set()
                    plain.add(text)
        if self._others[layer]:
            plain = (plain or set()) | self._protect_others(layer, fields)
        if not plain:
            return
        told = [name for name in ("id", "item") if fields.get(name) in plain]
        if told:
            raise DataError(
                f"the {told[0]} is the plain value of a field that must hold a pseudonym",
                hint="choose another --key, or declare /id of items and /item of annotations as sensitive, of the same kind",
            )

    def _protect_others(self, layer: Layer, fields: dict[str, Any]) -> set[str]:
        """Protect fields of other modes, of record scope or that several paths lead to; return the texts that were replaced."""
        plain = set()
        for field in self._others[layer]:
            for holder, name in reversed(list(jsonpointer.places(fields, jsonpointer.steps(field.pointer)))):
                value = holder[name]
                if field.mode == "drop":
                    del holder[name]
                elif value is not None and value != "":
                    holder[name] = self._instead(field, fields, value)
                if value is not None and (field.mode == "drop" or holder[name] != value):
                    plain.add(value if type(value) is str else str(value))
        return plain

    def _instead(self, field: Sensitive, fields: dict[str, Any], value: Any) -> Any:
        """Return what stands in a field in place of a plain value."""
        if field.mode == "generalise":
            return protection.coarser(field, value)
        text = value if type(value) is str else str(value)
        if pseudonym.is_token(text) or (field.mode == "sealed" and protection.protected(text)):
            return text
        shares = _Shares(self._domains.within(field), field.kind, self.scope(field, fields))
        if field.mode == "random":
            return self._links.random(shares.domain, shares.kind, text, shares.scope)
        if field.mode == "sealed":
            place = protection.place(self._dataset, field)
            return self._links.seal(shares.domain, shares.kind, text, shares.scope, place)
        return self._made(shares, text)

    def of_value(self, domain: str, kind: str, value: str, scope: str) -> str:
        """Return the keyed token of a value that was found in a text; a value that nothing is left of is of no kind's form."""
        if kind not in pseudonym.KINDS or not pseudonym.KINDS[kind].normalise(value):
            kind = "other"
        return self._made(_Shares(domain, kind, scope), value)

    def drawn(self, domain: str, kind: str, value: str, scope: str) -> bytes:
        """Return 32 bytes that only a value and the epoch's secret decide, for a surrogate of it in a domain."""
        normaliser, plain = pseudonym.normalised(kind if kind in pseudonym.KINDS else "other", value)
        key = subkeys.subkey(self._secrets[-1], self._project.id, "surrogate", domain, kind)
        return hmac.digest(key, prefixed(scope, normaliser, plain), "sha256")

    @cached_property
    def traced(self) -> bool:
        """Tell whether there is a vault here that can be told what tokens stand for."""
        return vault.current(vault.home(self._git)) is not None

    def keep(self, more: Iterable[tuple[str, dict[str, Any]]] = ()) -> int:
        """Keep what the vault must know of the values that were replaced.

        Args:
            more: tokens and what they stand for beside those of fields; none where there is no vault.

        Returns:
            How many rows are new to it.
        """
        rows = iter(more)
        first = list(islice(rows, 1))
        kept: int = self._links.keep(chain(first, rows)) if first or "_links" in vars(self) else 0
        return kept

    def scope(self, field: Sensitive, fields: dict[str, Any]) -> str:
        """Return how far a value shares its token: everywhere, in this dataset, or in the record or item it stands in."""
        if field.scope != "record":
            return self._dataset.id if field.scope == "dataset" else ""
        item, name = (fields.get("item"), fields.get("id")) if field.layer == "annotations" else (fields.get("id"), "")
        if not isinstance(item, str) or not isinstance(name, str):
            raise DataError(
                f"the record has no id, and {field.pointer} needs one: its pseudonym holds in this record alone",
                hint="give each row an id of its own in a column `id`, and import without --key",
            )
        return f"{self._dataset.id}/{item}#{name}"

    def replace(self, layer: Layer, columns: dict[str, Sequence[bytes]], others: Sequence[str] = ()) -> bool:
        """Replace plain texts by tokens in many rows at once, as `protect` does in one.

        Args:
            layer: of the rows.
            columns: JSON pointer to the texts that the rows have there; empty where a row has none.
            others: pointers to what the rows hold beside these texts.

        Returns:
            Whether that was all; False where a declared field may lie in something else, or an id is a value that was replaced.

        Raises:
            DataError: a value is empty once normalised.
        """
        replaced: list[tuple[Sequence[bytes], Sequence[bytes]]] = []
        if any(_leads(field.pointer, columns, others) for field in self._others[layer]):
            return False
        for shares, pointer, _, _, made in self._fields[layer]:
            cells = columns.get(pointer)
            if cells is not None:
                token = partial(self._token, shares, made=made)
                columns[pointer] = self._cells.setdefault(shares, _Cells(token)).of(cells)
                replaced.append((cells, columns[pointer]))
            elif _touches(pointer, columns, others):
                return False
        names = [columns[name] for name in ("/id", "/item") if name in columns]
        return not any(_tells(*pair, ids) for pair in replaced for ids in names)

    def _token(self, shares: _Shares, value: str, made: dict[str, str]) -> str:
        if len(made) >= _REMEMBERED:
            made.clear()
        found = made[value] = value if pseudonym.is_token(value) else self._made(shares, value)
        return found

    def _made(self, shares: _Shares, value: str) -> str:
        if self._project.erased:
            self._comeback.refuse(shares.kind, value, shares.scope, found=shares.domain)
        return self._tokenise(shares.domain, shares.kind, value, shares.scope)

    @cached_property
    def _secrets(self) -> tuple[Secret, ...]:
        with tree.reader(self._git) as reader:
            return pseudonyms.making(self._git, self._work, reader)

    @cached_property
    def _tokenise(self) -> Callable[[str, str, str, str], str]:
        return pseudonyms.tokeniser(self._secrets, self._project.id)

    @cached_property
    def _comeback(self) -> Any:
        """Return what knows who was erased; what reads history is loaded only where somebody was."""
        return importlib.import_module("labelvc.ops.comeback").Comeback(self._git, self._project, self._secrets)

    @cached_property
    def _links(self) -> Any:
        """Return the links of random and sealed fields; what encrypts is loaded only where there are such fields."""
        return importlib.import_module("labelvc.ops.links").Links(self._git, self._project, self._secrets)


def _leads(glob: str, texts: Iterable[str], others: Sequence[str]) -> bool:
    """Tell whether a glob may lead to some texts, into something other, or to what holds them."""
    start = glob.split(f"/{jsonpointer.ANY}", maxsplit=1)[0]
    return start in texts or _touches(start, texts, others)


def _touches(pointer: str, texts: Iterable[str], others: Iterable[str]) -> bool:
    """Tell whether a pointer leads to something other than texts, into it, or to what holds texts."""
    return any(one.startswith(f"{pointer}/") for one in (*texts, *others)) or any(
        f"{pointer}/".startswith(f"{one}/") for one in others
    )


def _tells(plain: Sequence[bytes], tokens: Sequence[bytes], ids: Sequence[bytes]) -> bool:
    """Tell whether an id is the plain value that a token stands for in its row."""
    return any(map(eq, plain, ids)) and any(
        one == name != token for one, token, name in zip(plain, tokens, ids, strict=True)
    )


def _steps(pointer: str) -> tuple[list[str], str]:
    """Return the names a JSON pointer (RFC 6901) goes through, and the last one."""
    *steps, last = jsonpointer.steps(pointer)
    return steps, last
