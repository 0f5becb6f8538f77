"""CoNLL-U: an item a sentence, a record a word, called by the characters it covers and never by its number.

Numbers shift whenever a word is inserted; so heads and enhanced dependencies point to words by their ids, and a sentence
names the one before it instead of its place. `conllu_write` puts numbers and order back.
Source: https://universaldependencies.org/format.html
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from labelvc.errors import DataError
from labelvc.formats import conllu_write, source
from labelvc.formats.interface import Fidelity, Plan, Row
from labelvc.formats.tables import nameable
from labelvc.model.project import Dataset

COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
ROOT = "root"
"""What a word without a head points to."""

_NUMBER = re.compile(r"([1-9]\d{0,5}|0(?=\.))(?:([-.])([1-9]\d{0,5}))?", re.ASCII)
_POINTER = re.compile(r"\d{1,6}(?:\.\d{1,6})?", re.ASCII)
_NAMED = re.compile(r"#\s*(sent_id|text)\s*=\s?(.*)")
_ID = "# sent_id = "
_TEXT = "# text = "


class Line(NamedTuple):
    """A line of a sentence: its number in the file and its text."""

    number: int
    text: str


class Sentence(NamedTuple):
    """The lines of one sentence.

    Attributes:
        comments: lines that begin with `#`.
        words: lines of words, surface tokens and empty nodes.
        blank: number of empty lines after it; -1 when the file ends within its last line.
    """

    comments: list[Line]
    words: list[Line]
    blank: int


class Node(NamedTuple):
    """One parsed word line.

    Attributes:
        line: where it stands.
        first: its number; of a surface token the first word's; of an empty node the word's before it.
        kind: empty for a word, `-` for a surface token over several words, `.` for an empty node.
        second: last word of a surface token; counter of an empty node.
        cells: the ten columns.
    """

    line: int
    first: int
    kind: str
    second: int
    cells: list[str]


class Conllu:
    """Reads and writes treebanks."""

    name: ClassVar[str] = "conllu"
    title: ClassVar[str] = "CoNLL-U treebank, an item a sentence, a record a word"
    reads: ClassVar[bool] = True
    writes: ClassVar[bool] = True
    fidelity: ClassVar[Fidelity] = Fidelity(
        kept=("every byte of a well-formed file: words, surface tokens, empty nodes, comments, order",),
        lost=(
            "byte order mark, CR LF line ends, empty lines before the first sentence",
            "by, at, rev, under, origin of words",
        ),
    )

    def read(self, source: Path, plan: Plan) -> Iterator[Row]:
        """Yield sentences and their words; see `labelvc.formats.interface.Format`."""
        if plan.key not in ((), ("sent_id",)):
            raise DataError(
                "a sentence is named by its sent_id", where=str(source), hint="leave --key out, or write --key sent_id"
            )
        yield from _read(source)

    def write(
        self,
        items: Iterable[Mapping[str, Any]],
        records: Iterable[Mapping[str, Any]],
        dataset: Dataset,
        plan: Plan,
        target: Path,
    ) -> int:
        """Write a treebank, rebuilt from its words; see `labelvc.formats.interface.Format`."""
        return conllu_write.write(items, records, plan, target)


FORMAT = Conllu()


def _read(path: Path) -> Iterator[Row]:
    source.prove(path)
    names = Counter(name for name in map(_sent_id, _sentences(path)) if name is not None)
    before: str | None = None
    for sentence in _sentences(path):
        where = f"{path.name}:{(sentence.comments or sentence.words)[0].number}"
        said = _sent_id(sentence)
        named = said is not None and names[said] == 1 and nameable(said)
        item = said if named and said is not None else f"source-{where.rpartition(':')[2]}"
        natural = None if named or said is None else {"sent_id": said}
        nodes = [_node(line, path) for line in sentence.words]
        _number_in_turn(nodes, path)
        yield from _rows(item, natural, before, sentence, nodes, where)
        before = item


def _rows(
    item: str, natural: dict[str, str] | None, before: str | None, sentence: Sentence, nodes: list[Node], where: str
) -> Iterator[Row]:
    said, comments = _comments(sentence.comments, natural["sent_id"] if natural else item)
    text, spans = _aligned(said, nodes)
    ids = _ids(nodes, spans)
    ext = {
        "after": before,
        "blank": sentence.blank if sentence.blank != 1 else None,
        "comments": comments,
        "empty": {ids[_label(node)]: _value(node, ids) for node in nodes if node.kind == "."},
        "text": said if said is not None and said != text else None,
        "tokens": _tokens(nodes, ids),
    }
    kept = {name: value for name, value in ext.items() if value not in (None, {})}
    fields: dict[str, Any] = {"id": item, "text": text}
    if natural:
        fields["natural"] = natural
    if kept:
        fields["ext"] = {"conllu": kept}
    yield Row("items", fields, where)
    source_name = where.rpartition(":")[0]
    for node in nodes:
        if not node.kind:
            word = {"item": item, "id": ids[str(node.first)], "value": _value(node, ids)}
            yield Row("annotations", word, f"{source_name}:{node.line}")


def _sentences(path: Path) -> Iterator[Sentence]:
    """Yield the sentences of a file; a comment after a word begins a new one even where the empty line was forgotten."""
    comments: list[Line] = []
    words: list[Line] = []
    blank, last = 0, b""
    for number, raw in source.lines(path):
        last = raw
        if not raw.strip():
            blank += bool(words or comments)
            continue
        if words and (blank or raw.startswith(b"#")):
            yield Sentence(comments, words, blank)
            comments, words, blank = [], [], 0
        elif blank:
            raise DataError("comments stand without a sentence", where=f"{path}:{comments[0].number}")
        (comments if raw.startswith(b"#") else words).append(Line(number, raw.decode()))
    if comments and not words:
        raise DataError("comments stand without a sentence", where=f"{path}:{comments[0].number}")
    if not words:
        raise DataError("the file holds no sentence", where=str(path))
    yield Sentence(comments, words, blank if not last or _ends(path) else -1)


def _ends(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"


def _sent_id(sentence: Sentence) -> str | None:
    return next(
        (found[2] for line in sentence.comments if (found := _NAMED.fullmatch(line.text)) and found[1] == "sent_id"),
        None,
    )


def _node(line: Line, path: Path) -> Node:
    cells = line.text.split("\t")
    where = f"{path}:{line.number}"
    if len(cells) != len(COLUMNS):
        raise DataError(
            f"a word of CoNLL-U has 10 columns, and the line has {len(cells)}",
            where=where,
            hint="separate columns by one tab each",
        )
    if "" in cells:
        raise DataError(
            f"the column {COLUMNS[cells.index('')].upper()} is empty",
            where=where,
            hint="write _ where there is nothing",
        )
    found = _NUMBER.fullmatch(cells[0])
    if found is None:
        raise DataError("the first column is no number of a word", where=where)
    node = Node(line.number, int(found[1]), found[2] or "", int(found[3] or 0), cells)
    head, deps = cells[6], cells[8]
    if head != "_" and not _POINTER.fullmatch(head):
        raise DataError("the column HEAD is no number", where=where)
    if deps != "_" and not all(_POINTER.fullmatch(part.partition(":")[0]) and ":" in part for part in deps.split("|")):
        raise DataError("the column DEPS is no list of head:relation", where=where)
    return node


def _number_in_turn(nodes: list[Node], path: Path) -> None:
    """Refuse words that are not numbered 1, 2, 3 ... and surface tokens and empty nodes that do not stand where they belong."""
    word, empty, covered = 0, 0, 0
    for node in nodes:
        if node.kind == "":
            good = node.first == word + 1
            word, empty = node.first, 0
        elif node.kind == "-":
            good = node.first == word + 1 and node.second >= node.first and node.first > covered
            covered = node.second
        else:
            good = node.first == word and node.second == empty + 1
            empty = node.second
        if not good:
            raise DataError(f"the number {_label(node)} does not follow the one before", where=f"{path}:{node.line}")
    if covered > word or not word:
        raise DataError("the sentence lacks words that its lines speak of", where=f"{path}:{nodes[-1].line}")


def _comments(lines: Iterable[Line], name: str) -> tuple[str | None, list[str] | None]:
    """Return the text that the comments give, and the comments to keep.

    The lines that the item's own id and text rebuild become `sent_id` and `text`; None stands for just these two.
    """
    said: str | None = None
    kept: list[str] = []
    for _, line in lines:
        found = _NAMED.fullmatch(line)
        if found and found[1] == "text" and said is None:
            said = found[2]
            kept.append("text" if line == _TEXT + said else line)
        elif line == _ID + name and "sent_id" not in kept:
            kept.append("sent_id")
        else:
            kept.append(line)
    return said, None if kept == ["sent_id", "text"] else kept


def _aligned(said: str | None, nodes: list[Node]) -> tuple[str, dict[int, tuple[int, int]]]:
    """Find the characters of each surface token, given by the number of its first word.

    The forms are looked for in the text in turn, blanks between them skipped. Where they do not stand there, or no text is
    given, the text is made from the forms: a blank after each unless MISC says SpaceAfter=No.

    Returns:
        Text and spans in code points.
    """
    surface = list(_surface(nodes))
    spans: dict[int, tuple[int, int]] = {}
    at = 0
    for node in surface if said is not None else ():
        while at < len(said or "") and (said or "")[at].isspace() and not (said or "").startswith(node.cells[1], at):
            at += 1
        if not (said or "").startswith(node.cells[1], at):
            break
        spans[node.first] = (at, at := at + len(node.cells[1]))
    if said is not None and len(spans) == len(surface):
        return said, spans
    text = ""
    for node in surface:
        spans[node.first] = (len(text), len(text) + len(node.cells[1]))
        text += node.cells[1] + ("" if "SpaceAfter=No" in node.cells[9].split("|") else " ")
    return text.removesuffix(" "), spans


def _surface(nodes: Iterable[Node]) -> Iterator[Node]:
    covered = 0
    for node in nodes:
        if node.kind == "-":
            covered = node.second
            yield node
        elif not node.kind and node.first > covered:
            yield node


def _ids(nodes: list[Node], spans: Mapping[int, tuple[int, int]]) -> dict[str, str]:
    """Return what each number of the file is called: `c0-5`, `c0-5.1` within a surface token, `c0-5+1` for an empty node."""
    ids = {"0": ROOT}
    begins, covered, span = 0, 0, ""
    for node in nodes:
        if node.kind == "-":
            begins, covered, span = node.first, node.second, "c{}-{}".format(*spans[node.first])
            ids[_label(node)] = span
        elif node.kind == ".":
            ids[_label(node)] = f"{ids[str(node.first)]}+{node.second}"
        elif node.first <= covered:
            ids[str(node.first)] = f"{span}.{node.first - begins + 1}"
        else:
            ids[str(node.first)] = "c{}-{}".format(*spans[node.first])
    return ids


def _label(node: Node) -> str:
    return f"{node.first}{node.kind}{node.second}" if node.kind else str(node.first)


def _value(node: Node, ids: Mapping[str, str]) -> dict[str, str]:
    """Return the columns that say something; numbers become ids where the sentence has such a word, and stay where not."""
    cells = node.cells
    value = {name: cell for name, cell in zip(COLUMNS[1:], cells[1:], strict=True) if cell != "_" or name == "form"}
    if "head" in value:
        value["head"] = ids.get(cells[6], cells[6])
    if "deps" in value:
        parts = [part.partition(":") for part in cells[8].split("|")]
        value["deps"] = "|".join([f"{ids.get(number, number)}:{relation}" for number, _, relation in parts])
    if cells[1] == cells[2] == "_" and not node.kind:
        value["lemma"] = "_"
    return value


def _tokens(nodes: Iterable[Node], ids: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return what surface tokens over several words say besides their form, by span."""
    said = {ids[_label(node)]: _value(node, ids) for node in nodes if node.kind == "-"}
    return {
        span: rest
        for span, value in said.items()
        if (rest := {name: cell for name, cell in value.items() if name != "form"})
    }
