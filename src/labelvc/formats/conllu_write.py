"""A treebank being written: words numbered, heads turned back into numbers, sentences put in order."""

from __future__ import annotations

import re
import tempfile
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from labelvc.errors import DataError
from labelvc.formats import target as output
from labelvc.formats.interface import Plan
from labelvc.formats.spool import Spool, counting, understood

FIELDS = ("form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")

_WORD = re.compile(r"c(\d{1,9})-(\d{1,9})(?:\.(\d{1,6}))?", re.ASCII)
_EMPTY = re.compile(r"(.+)\+(\d{1,6})", re.ASCII)
_DIGITS = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_USUAL = ("sent_id", "text")


class Word(NamedTuple):
    """A record, and where it stands: span in code points, place within a surface token (0 when it is one itself)."""

    start: int
    end: int
    part: int
    id: str
    value: Mapping[str, Any]

    @property
    def span(self) -> str:
        """Return the id of the surface token it belongs to."""
        return f"c{self.start}-{self.end}"


class Block(NamedTuple):
    """A sentence already written, waiting for its place: bytes in the temporary file, and the sentence before it."""

    start: int
    length: int
    after: str | None


def write(items: Iterable[Mapping[str, Any]], records: Iterable[Mapping[str, Any]], plan: Plan, target: Path) -> int:
    """Write sentences in the order that their `ext.conllu.after` tells.

    Args:
        items: sentences in any order.
        records: their words.
        plan: names the task.
        target: the file.

    Returns:
        Number of words written.

    Raises:
        DataError: a record is no word, or points to a word that is not there; says which.
    """
    blocks: dict[str, Block] = {}
    written = 0
    with Spool(items, records, plan.task) as spool, tempfile.TemporaryFile() as waiting, output.file(target) as file:
        for name in spool:
            item, words = spool.item(name), sorted(_word(record) for record in spool.records(name))
            with understood(item):
                raw = _sentence(item, words).encode() if words else b""
            blocks[name] = Block(waiting.tell(), len(raw), _ext(item).get("after"))
            waiting.write(raw)
            written += len(words)
        for name in order({name: block.after for name, block in blocks.items()}):
            waiting.seek(blocks[name].start)
            file.write(waiting.read(blocks[name].length))
    return written


def order(after: Mapping[str, str | None]) -> list[str]:
    """Put sentences in order when each names the one before it.

    Merges and deletions may leave two after one, or one after none that is there. Two after one stand by their ids, each with
    all that follows it; one that follows a missing sentence stands where the missing one's id would; those that follow no
    sentence come first; a circle is opened at its smallest id.

    Args:
        after: id to the id before it, None for a first.

    Returns:
        All ids.
    """
    names = sorted(after, key=counting)
    keys = [counting(name) for name in names]
    following: dict[str | None, list[str]] = {}
    for name in names:
        before = after[name]
        if before is not None and before not in after:
            place = bisect_left(keys, counting(before))
            before = names[place - 1] if place and names[place - 1] != name else None
        following.setdefault(before, []).append(name)
    found: dict[str, None] = {}
    for start in [*following.get(None, ()), *names]:
        stack = [start]
        while stack:
            name = stack.pop()
            if name not in found:
                found[name] = None
                stack.extend(reversed(following.get(name, ())))
    return list(found)


def _sentence(item: Mapping[str, Any], words: list[Word]) -> str:
    empty = _empty_nodes(item, words)
    numbers = {"root": "0", **{word.id: str(number) for number, word in enumerate(words, 1)}}
    numbers.update(
        {node: f"{numbers[word]}.{n}" for word, nodes in empty.items() for n, (node, _) in enumerate(nodes, 1)}
    )
    lines = [*_comments(item), *_rows(item, words, empty, numbers)]
    return "\n".join(lines) + "\n" * (1 + int(_ext(item).get("blank", 1)))


def _empty_nodes(item: Mapping[str, Any], words: Iterable[Word]) -> dict[str, list[tuple[str, Mapping[str, Any]]]]:
    """Return the empty nodes as (id, value) by the word they follow, `root` for those before the first."""
    there = {"root", *(word.id for word in words)}
    found: dict[str, list[tuple[int, str, Mapping[str, Any]]]] = {}
    for name, value in _ext(item).get("empty", {}).items():
        parts = _EMPTY.fullmatch(name)
        if parts is None or parts[1] not in there:
            raise DataError(f"the empty node {name[:40]!r} follows no word of the sentence", where=f"{item['id']}#")
        found.setdefault(parts[1], []).append((int(parts[2]), name, value))
    return {word: [(name, value) for _, name, value in sorted(nodes, key=_first)] for word, nodes in found.items()}


def _rows(
    item: Mapping[str, Any],
    words: Sequence[Word],
    empty: Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]],
    numbers: Mapping[str, str],
) -> Iterator[str]:
    """Yield the lines of words, each surface token before its words, each empty node after its word."""
    parts = Counter(word.span for word in words if word.part)
    for node, value in empty.get("root", ()):
        yield _line(numbers[node], value, numbers, f"{item['id']}#")
    before = ""
    for number, word in enumerate(words, 1):
        if word.part and word.span != before:
            yield _token(item, word, number, parts[word.span], numbers)
        before = word.span
        yield _line(str(number), word.value, numbers, f"{item['id']}#{word.id}")
        for node, value in empty.get(word.id, ()):
            yield _line(numbers[node], value, numbers, f"{item['id']}#{word.id}")


def _comments(item: Mapping[str, Any]) -> Iterator[str]:
    ext = _ext(item)
    own = {
        "sent_id": f"# sent_id = {item.get('natural', {}).get('sent_id', item['id'])}",
        "text": f"# text = {ext.get('text', item.get('text', ''))}",
    }
    for line in ext.get("comments", _USUAL):
        yield own.get(line, line)


def _token(item: Mapping[str, Any], word: Word, number: int, words: int, numbers: Mapping[str, str]) -> str:
    value = {
        "form": str(item.get("text", ""))[word.start : word.end],
        **_ext(item).get("tokens", {}).get(word.span, {}),
    }
    return _line(f"{number}-{number + words - 1}", value, numbers, f"{item['id']}#{word.span}")


def _line(number: str, value: Mapping[str, Any], numbers: Mapping[str, str], where: str) -> str:
    cells = {name: str(cell) for name, cell in value.items() if name in FIELDS and cell != ""}
    if "head" in cells:
        cells["head"] = _number(cells["head"], numbers, where)
    if "deps" in cells:
        parts = [part.partition(":") for part in cells["deps"].split("|")]
        cells["deps"] = "|".join([f"{_number(name, numbers, where)}:{relation}" for name, _, relation in parts])
    line = "\t".join([number, *(cells.get(name, "_") for name in FIELDS)])
    if line.count("\t") != len(FIELDS) or "\n" in line:
        raise DataError("a field holds a tab or a line break, which CoNLL-U cannot", where=where)
    return line


def _number(name: str, numbers: Mapping[str, str], where: str) -> str:
    found = numbers.get(name)
    if found is not None:
        return found
    if _DIGITS.fullmatch(name):
        return name
    raise DataError(f"the word points to {name[:40]!r}, which is not there", where=where, hint="labelvc check --all")


def _word(record: Mapping[str, Any]) -> Word:
    found = _WORD.fullmatch(str(record["id"]))
    if found is None:
        where = f"{record['item']}#{record['id']}"
        raise DataError(
            "the record is no word: its id is not of the form c0-5", where=where, hint="export another format"
        )
    return Word(int(found[1]), int(found[2]), int(found[3] or 0), str(record["id"]), record["value"])


def _first(node: tuple[int, str, Mapping[str, Any]]) -> int:
    return node[0]


def _ext(item: Mapping[str, Any]) -> Mapping[str, Any]:
    found = item.get("ext", {}).get("conllu", {})
    return found if isinstance(found, dict) else {}
