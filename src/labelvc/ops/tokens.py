"""Tokens: plain values of declared fields become pseudonyms on their way in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from operator import eq
from typing import Any, NamedTuple

from labelvc.core import pseudonym
from labelvc.errors import DataError
from labelvc.model import jsonpointer
from labelvc.model.names import Layer
from labelvc.model.project import Dataset, Project, Sensitive
from labelvc.model.snapshot import Snapshot
from labelvc.ops import pseudonyms
from labelvc.store import tree
from labelvc.store.git import Git

_LAYERS: tuple[Layer, ...] = ("items", "annotations")
_REMEMBERED = 1 << 16
_BY = Sensitive("/by", "person")


class _Field(NamedTuple):
    """A declared field: kind, pointer, the names it goes through, the last one, and the tokens made for its kind."""

    kind: str
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
        self._git, self._work, self._project = git, work, project
        fields = [*dataset.sensitive, _BY]
        made: dict[str, dict[str, str]] = {field.kind: {} for field in fields}
        self._fields = {
            layer: [
                _Field(field.kind, field.pointer, *_steps(field.pointer), made[field.kind])
                for field in fields
                if field.layer == layer
            ]
            for layer in _LAYERS
        }
        self._cells: dict[str, _Cells] = {}

    def protect(self, layer: Layer, fields: dict[str, Any]) -> None:
        """Replace plain values by tokens.

        Raises:
            DataError: a value is empty once normalised; or an id is a value that was replaced, which would tell it.
        """
        plain: set[str] | None = None
        for kind, _, steps, last, made in self._fields[layer]:
            inside: Any = fields
            for step in steps:
                inside = inside.get(step) if isinstance(inside, dict) else None
            value = inside.get(last) if isinstance(inside, dict) else None
            if value is not None and value != "":
                text = value if type(value) is str else str(value)
                token = inside[last] = made.get(text) or self._token(kind, text, made)
                if token != text:
                    plain = plain or set()
                    plain.add(text)
        if plain is None:
            return
        told = [name for name in ("id", "item") if fields.get(name) in plain]
        if told:
            raise DataError(
                f"the {told[0]} is the plain value of a field that must hold a pseudonym",
                hint="choose another --key, or declare /id of items and /item of annotations as sensitive, of the same kind",
            )

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
        for kind, pointer, _, _, made in self._fields[layer]:
            cells = columns.get(pointer)
            if cells is not None:
                columns[pointer] = self._cells.setdefault(kind, _Cells(partial(self._token, kind, made=made))).of(cells)
                replaced.append((cells, columns[pointer]))
            elif _touches(pointer, columns, others):
                return False
        names = [columns[name] for name in ("/id", "/item") if name in columns]
        return not any(_tells(*pair, ids) for pair in replaced for ids in names)

    def _token(self, kind: str, value: str, made: dict[str, str]) -> str:
        if len(made) >= _REMEMBERED:
            made.clear()
        found = made[value] = value if pseudonym.is_token(value) else self._tokenise(kind, value)
        return found

    @cached_property
    def _tokenise(self) -> Callable[[str, str], str]:
        with tree.reader(self._git) as reader:
            secret = pseudonyms.active(self._git, self._work, reader)
        return pseudonyms.tokeniser(secret, self._project.id, self._project.domain)


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
