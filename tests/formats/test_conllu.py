"""CoNLL-U: real corrections to a treebank, byte-equal there and back, and differences that speak of words and not of numbers."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import conllu
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelvc.errors import DataError
from labelvc.formats import registry
from labelvc.formats.conllu_write import order
from labelvc.formats.interface import Row
from tests.formats.exchange import DATASET, keyed, plan, read, sample, write
from tests.oracles import ud_diff

P = plan("token")
NAME = "en_ewt-ud-dev.conllu"
OLD, NEW = "c999e2b", "741ecb7"
SAMPLE = [OLD, "2d0a69a", "d22e974"]
MALFORMED = {"cbeaf4d": 25385, "104ea82": 13407, "c62284d": 4788}

SMALL = """# newdoc id = d
# sent_id = d-1
# text = I don't know _ 😀.
# note = kept
1	I	I	PRON	PRP	_	4	nsubj	4:nsubj	_
2-3	don't	_	_	_	_	_	_	_	SpaceAfter=Yes
2	do	do	AUX	VBP	_	4	aux	4:aux	_
3	n't	not	PART	RB	_	4	advmod	4:advmod	_
4	know	know	VERB	VB	_	0	root	0:root	_
4.1	know	know	VERB	VB	_	_	_	4:conj|0:root	CopyOf=4
5	_	_	SYM	_	_	4	dep	4.1:dep	_
6	😀	😀	SYM	NFP	_	4	discourse	4:discourse:x	SpaceAfter=No
7	.	.	PUNCT	.	_	4	punct	4:punct	_

# sent_id = d-2
# text = Gone.
1	Gone	go	VERB	VBN	_	0	root	0:root	SpaceAfter=No
2	.	.	PUNCT	.	_	1	punct	1:punct	_

"""


@pytest.fixture(scope="session")
def treebank(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """Return a function that gives the file at a revision of the real history."""
    bundle = real_data / "histories" / "ud_ewt_dev.bundle"
    if not bundle.is_file():
        pytest.skip(f"{bundle.name} is not among the real data")
    folder = tmp_path_factory.mktemp("treebank") / "clone"
    subprocess.run(["git", "clone", "-q", "--bare", str(bundle), str(folder)], check=True, capture_output=True)

    def git(*arguments: str) -> bytes:
        return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True).stdout

    return lambda revision: git("rev-list", "--all") if revision == "all" else git("show", f"{revision}:{NAME}")


def rows(folder: Path, content: bytes) -> list[Row]:
    """Return what the reader yields."""
    return list(registry.find("conllu").read(sample(folder, "in.conllu", content), P))


def straight(folder: Path, content: bytes) -> bytes:
    """Return a file after reading and writing, without the way through shards: quicker, for whole treebanks."""
    found = rows(folder, content)
    items = [row.fields for row in found if row.layer == "items"][::-1]
    records = [row.fields for row in found if row.layer == "annotations"][::-1]
    registry.find("conllu").write(items, records, DATASET, P, folder / "out.conllu")
    return (folder / "out.conllu").read_bytes()


def there_and_back(folder: Path, content: bytes) -> bytes:
    """Return a file after import and export."""
    items, records = read("conllu", sample(folder, "in.conllu", content), P)
    write("conllu", items, records, folder / "out.conllu", P)
    return (folder / "out.conllu").read_bytes()


# ---------------------------------------------------------------- real data
@pytest.mark.parametrize("revision", SAMPLE)
def test_real_revisions_come_back_byte_by_byte(treebank: Callable[[str], bytes], tmp_path: Path, revision: str) -> None:
    content = treebank(revision)
    assert straight(tmp_path, content) == content


@pytest.mark.parametrize(("revision", "line"), MALFORMED.items())
def test_malformed_revisions_are_refused_at_their_line(
    treebank: Callable[[str], bytes], tmp_path: Path, revision: str, line: int
) -> None:
    content = treebank(revision)
    with pytest.raises(DataError) as caught:
        straight(tmp_path, content)
    assert caught.value.where.endswith(f":{line}")
    assert content.split(b"\n")[line - 1].count(b"\t") != 9


@pytest.mark.long
@pytest.mark.parametrize("part", range(21))
def test_every_revision_comes_back_byte_by_byte(treebank: Callable[[str], bytes], tmp_path: Path, part: int) -> None:
    revisions = treebank("all").decode().split()
    assert len(revisions) == 441
    refused = []
    for revision in revisions[part::21]:
        content = treebank(revision)
        try:
            assert straight(tmp_path, content) == content, revision
        except DataError:
            refused.append(revision[:7])
    assert set(refused) == MALFORMED.keys() & {revision[:7] for revision in revisions[part::21]}


def test_another_library_reads_the_same_in_both(treebank: Callable[[str], bytes], tmp_path: Path) -> None:
    content = b"\n\n".join(treebank(NEW).split(b"\n\n")[:300]) + b"\n\n"
    mine = conllu.parse(there_and_back(tmp_path, content).decode())
    items, records = read("conllu", tmp_path / "in.conllu", P)
    assert [sentence.metadata["sent_id"] for sentence in mine] == [item["id"] for item in items]
    assert [sentence.metadata["text"] for sentence in mine] == [item["text"] for item in items]
    words = [token for sentence in mine for token in sentence if isinstance(token["id"], int)]
    assert len(words) == len(records) > 5000
    assert [token["form"] for token in words] == [record["value"]["form"] for record in records]
    assert [token["deprel"] for token in words] == [record["value"]["deprel"] for record in records]
    assert sum(
        isinstance(token["id"], tuple) and token["id"][1] == "." for sentence in mine for token in sentence
    ) == sum(len(item.get("ext", {}).get("conllu", {}).get("empty", {})) for item in items)


def compared(folder: Path, old: bytes, new: bytes) -> dict[str, Any]:
    """Return the oracle's figures, made from records keyed by item and id."""
    before, after = (
        {
            (row.fields["item"], row.fields["id"]): row.fields
            for row in rows(folder, content)
            if row.layer == "annotations"
        }
        for content in (old, new)
    )
    both = before.keys() & after.keys()

    def differ(name: str) -> list[tuple[str, str]]:
        return [key for key in both if before[key]["value"].get(name, "_") != after[key]["value"].get(name, "_")]

    moved = Counter((before[key]["value"]["deprel"], after[key]["value"]["deprel"]) for key in differ("deprel"))
    return {
        "old": len(before),
        "new": len(after),
        "removed": len(before.keys() - both),
        "added": len(after.keys() - both),
        "relations": len(differ("deprel")),
        "transitions": len(moved),
        "sentences": len({item for item, _ in differ("deprel")}),
        "first": [*max(moved, key=lambda pair: moved[pair]), max(moved.values())] if moved else [],
        **{name: len(differ(name)) for name in ("form", "lemma", "upos", "xpos", "feats", "head", "misc")},
    }


@pytest.mark.long
def test_two_releases_differ_as_the_oracle_says(treebank: Callable[[str], bytes], tmp_path: Path) -> None:
    old, new = treebank(OLD), treebank(NEW)
    expected = ud_diff.compare(sample(tmp_path, "old", old), sample(tmp_path, "new", new))
    assert expected == {
        "old": 25149, "new": 25147, "removed": 4, "added": 2, "relations": 237, "transitions": 60, "sentences": 140,
        "first": ["nummod", "flat", 33], "form": 0, "lemma": 24, "upos": 9, "xpos": 9, "feats": 22, "head": 275, "misc": 46,
    }  # fmt: skip
    assert compared(tmp_path, old, new) == expected
    relabelled = new.replace(b"1\tFrom\tfrom\tADP\tIN\t_\t3\tcase", b"1\tFrom\tfrom\tADP\tIN\t_\t3\tmark", 1)
    followed = ud_diff.compare(tmp_path / "old", sample(tmp_path, "new", relabelled))
    assert followed == {**expected, "relations": 238, "transitions": 61, "sentences": 141}
    assert compared(tmp_path, old, relabelled) == followed


def test_one_changed_label_changes_exactly_its_line(treebank: Callable[[str], bytes], tmp_path: Path) -> None:
    content = treebank(NEW)
    items, records = read("conllu", sample(tmp_path, "in.conllu", content), P)
    changed = next(record for record in records if record["value"]["deprel"] == "flat")
    changed["value"]["deprel"] = "flat:name"
    write("conllu", items, records, tmp_path / "out.conllu", P)
    pairs = zip(content.split(b"\n"), (tmp_path / "out.conllu").read_bytes().split(b"\n"), strict=True)
    (different,) = [(old, new) for old, new in pairs if old != new]
    assert different[0].replace(b"\tflat\t", b"\tflat:name\t") == different[1]


# ---------------------------------------------------------------- what is stored
def test_words_are_called_by_their_characters(tmp_path: Path) -> None:
    items, records = read("conllu", sample(tmp_path, "a.conllu", SMALL), P)
    first = [record for record in records if record["item"] == "d-1"]
    assert [record["id"] for record in first] == ["c0-1", "c2-7.1", "c2-7.2", "c8-12", "c13-14", "c15-16", "c16-17"]
    assert first[2]["value"] == {
        "form": "n't",
        "lemma": "not",
        "upos": "PART",
        "xpos": "RB",
        "head": "c8-12",
        "deprel": "advmod",
        "deps": "c8-12:advmod",
    }
    assert first[3]["value"]["head"] == "root"
    assert first[3]["value"]["deps"] == "root:root"
    assert first[4]["value"] == {
        "form": "_",
        "lemma": "_",
        "upos": "SYM",
        "head": "c8-12",
        "deprel": "dep",
        "deps": "c8-12+1:dep",
    }
    assert first[5]["value"]["deps"] == "c8-12:discourse:x"
    assert items[0]["ext"]["conllu"] == {
        "comments": ["# newdoc id = d", "sent_id", "text", "# note = kept"],
        "empty": {
            "c8-12+1": {
                "form": "know",
                "lemma": "know",
                "upos": "VERB",
                "xpos": "VB",
                "deps": "c8-12:conj|root:root",
                "misc": "CopyOf=4",
            }
        },
        "tokens": {"c2-7": {"misc": "SpaceAfter=Yes"}},
    }
    assert items[1]["ext"]["conllu"] == {"after": "d-1"}


def test_splitting_a_word_shifts_no_other(tmp_path: Path) -> None:
    _, before = read("conllu", sample(tmp_path, "a.conllu", SMALL), P)
    numbers = {str(n): str(n + 1) for n in range(4, 8)}
    lines = []
    for line in SMALL.split("\n\n", maxsplit=1)[0].split("\n"):
        cells = line.split("\t")
        if cells[0] == "1":
            lines.append("1\tI\tI\tPRON\tPRP\t_\t5\tnsubj\t5:nsubj\t_")
        elif len(cells) == 10 and cells[0].startswith("2-"):
            lines += [
                "\t".join(["2-4", *cells[1:]]),
                "2\tdo\tdo\tAUX\tVBP\t_\t5\taux\t5:aux\t_",
                "3\tn\tnot\tPART\tRB\t_\t5\tadvmod\t5:advmod\t_",
            ]
        elif len(cells) == 10 and cells[0] == "3":
            lines.append("4\t't\tnot\tPART\tRB\t_\t5\tadvmod\t5:advmod\t_")
        elif len(cells) == 10 and cells[0] != "2":
            number, _, counter = cells[0].partition(".")
            deps = "|".join(numbers.get(part[0], part[0]) + part[1:] for part in cells[8].split("|"))
            lines.append(
                "\t".join(
                    [
                        numbers[number] + ("." + counter if counter else ""),
                        *cells[1:6],
                        numbers.get(cells[6], cells[6]),
                        cells[7],
                        deps,
                        cells[9],
                    ]
                )
            )
        elif len(cells) == 1:
            lines.append(line)
    _, after = read("conllu", sample(tmp_path, "b.conllu", "\n".join(lines) + "\n\n"), P)
    old, new = keyed([record for record in before if record["item"] == "d-1"]), keyed(after)
    assert {key[1] for key in old.keys() ^ new.keys()} == {"c2-7.3"}
    assert {key[1] for key in old if old[key] != new[key]} == {"c2-7.2"}


def test_an_inserted_sentence_changes_only_itself_and_the_next(tmp_path: Path) -> None:
    before, _ = read("conllu", sample(tmp_path, "a.conllu", SMALL), P)
    first, second = SMALL.split("\n\n")[:2]
    extra = "# sent_id = d-1b\n# text = Hm\n1\tHm\thm\tINTJ\tUH\t_\t0\troot\t0:root\t_"
    after, _ = read("conllu", sample(tmp_path, "b.conllu", f"{first}\n\n{extra}\n\n{second}\n\n"), P)
    old, new = ({item["id"]: item for item in items} for items in (before, after))
    assert [name for name in new if old.get(name) != new[name]] == ["d-1b", "d-2"]
    assert new["d-2"]["ext"]["conllu"] == {"after": "d-1b"}


def test_a_text_that_disagrees_with_the_forms_is_remembered(tmp_path: Path) -> None:
    content = SMALL.replace("# text = Gone.", "# text = Left.")
    items, records = read("conllu", sample(tmp_path, "a.conllu", content), P)
    assert items[1]["text"] == "Gone."
    assert items[1]["ext"]["conllu"]["text"] == "Left."
    assert [record["id"] for record in records if record["item"] == "d-2"] == ["c0-4", "c4-5"]
    assert there_and_back(tmp_path, content.encode()) == content.encode()


def test_sentences_without_or_with_the_same_id_are_named_by_their_line(tmp_path: Path) -> None:
    content = SMALL + SMALL.split("\n\n")[1] + "\n\n1\tBare\t_\t_\t_\t_\t_\t_\t_\t_\n\n"
    items, _ = read("conllu", sample(tmp_path, "a.conllu", content), P)
    assert [(item["id"], item.get("natural")) for item in items] == [
        ("d-1", None),
        ("source-15", {"sent_id": "d-2"}),
        ("source-20", {"sent_id": "d-2"}),
        ("source-25", None),
    ]
    assert there_and_back(tmp_path, content.encode()) == content.encode()


def test_a_head_that_is_not_there_stays_a_number(tmp_path: Path) -> None:
    content = SMALL.replace("\t1\tpunct\t1:punct", "\t9\tpunct\t9:punct")
    _, records = read("conllu", sample(tmp_path, "a.conllu", content), P)
    assert records[-1]["value"]["head"] == "9"
    assert there_and_back(tmp_path, content.encode()) == content.encode()


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n\n\n\n"])
@pytest.mark.parametrize("gap", ["\n", "\n\n", "\n\n\n"])
def test_forgotten_and_doubled_empty_lines_come_back(tmp_path: Path, gap: str, end: str) -> None:
    first, second = SMALL.split("\n\n")[:2]
    content = (first + gap + second + end).encode()
    assert there_and_back(tmp_path, content) == content


def test_marks_and_line_ends_of_windows_are_read(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode()
    assert there_and_back(tmp_path, content) == SMALL.encode()


# ---------------------------------------------------------------- order
def test_order_of_merges_and_deletions() -> None:
    assert order({"b": "a", "a": None, "c": "b"}) == ["a", "b", "c"]
    assert order({"a": None, "n1": "a", "n2": "n1", "m": "a", "z": "n2"}) == ["a", "m", "n1", "n2", "z"]
    assert order({"s-1": None, "s-2": "s-1", "s-4": "s-3", "s-10": "s-4"}) == ["s-1", "s-2", "s-4", "s-10"]
    assert order({"b": "c", "c": "b", "a": None}) == ["a", "b", "c"]
    assert order({}) == []


@given(st.dictionaries(st.text("ab1", max_size=3), st.none() | st.text("ab1", max_size=3), max_size=8))
def test_order_loses_nobody(after: dict[str, str | None]) -> None:
    assert sorted(order(after)) == sorted(after)


def test_a_deleted_sentence_leaves_the_others_in_place(tmp_path: Path) -> None:
    blocks = [f"# sent_id = d-{n}\n# text = w\n1\tw\t_\t_\t_\t_\t_\t_\t_\t_\n\n" for n in range(1, 13)]
    items, records = read("conllu", sample(tmp_path, "a.conllu", "".join(blocks)), P)
    del items[6]
    del records[6]
    write("conllu", items, records, tmp_path / "b.conllu", P)
    assert (tmp_path / "b.conllu").read_text() == "".join(blocks[:6] + blocks[7:])


# ---------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("old", "new", "message", "line"),
    [
        ("1\tGone\tgo", "1\tGone", "10 columns, and the line has 9", 17),
        ("1\tGone\tgo", "1\t\tgo", "FORM is empty", 17),
        ("2\t.\t.\tPUNCT\t.\t_\t1", "3\t.\t.\tPUNCT\t.\t_\t1", "does not follow", 18),
        ("2\t.\t.\tPUNCT\t.\t_\t1", "x\t.\t.\tPUNCT\t.\t_\t1", "no number of a word", 18),
        ("2\t.\t.\tPUNCT\t.\t_\t1", "2\t.\t.\tPUNCT\t.\t_\tc0-4", "HEAD is no number", 18),
        ("1:punct", "punct", "DEPS is no list", 18),
        ("2-3\tdon't", "2-9\tdon't", "does not follow|lacks words", None),
        ("4.1\tknow", "4.2\tknow", "does not follow", 10),
        ("# sent_id = d-2\n", "# lonely\n\n# sent_id = d-2\n", "without a sentence", 15),
        ("\tgo\t", "\tg\0\t", "NUL", 17),
    ],
)
def test_bad_lines_say_where(tmp_path: Path, old: str, new: str, message: str, line: int | None) -> None:
    assert old in SMALL
    with pytest.raises(DataError, match=message) as caught:
        read("conllu", sample(tmp_path, "a.conllu", SMALL.replace(old, new)), P)
    assert line is None or caught.value.where.endswith(f"a.conllu:{line}")


@pytest.mark.parametrize("content", ["", "\n\n", "# sent_id = d-1\n"])
def test_nothing_is_no_treebank(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError):
        read("conllu", sample(tmp_path, "a.conllu", content), P)


def test_what_cannot_be_written_says_which_word(tmp_path: Path) -> None:
    items, records = read("conllu", sample(tmp_path, "a.conllu", SMALL), P)
    for place, value, message in (
        (("value", "head"), "c99-100", "not there"),
        (("value", "form"), "a\tb", "tab"),
        (("id",), "r1", "no word"),
    ):
        changed = [{**record, "value": dict(record["value"])} for record in records]
        inside = changed[0]
        for step in place[:-1]:
            inside = inside[step]
        inside[place[-1]] = value
        with pytest.raises(DataError, match=message) as caught:
            write("conllu", items, changed, tmp_path / "b.conllu", P)
        assert caught.value.where == f"d-1#{changed[0]['id']}"
        assert not (tmp_path / "b.conllu").exists()


# ---------------------------------------------------------------- there and back
cells = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6) | st.sampled_from(
    ["_", "e\u0301", "👩‍👩‍👧", "10 000", "|", ":", "c0-1", "root", "\u2028"]
)
comment = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8).map("# {}".format)


@st.composite
def sentence(draw: st.DrawFn, name: int) -> str:
    count = draw(st.integers(1, 6))
    empty = draw(st.sets(st.integers(0, count), max_size=2))
    pointers = ["0", *map(str, range(1, count + 1)), *(f"{n}.1" for n in empty), "77"]
    lines = []
    surface = ""

    def row(number: str) -> list[str]:
        deps = draw(st.lists(st.sampled_from(pointers), max_size=2))
        pairs = "|".join(f"{head}:{draw(cells.filter(lambda cell: '|' not in cell))}" for head in deps)
        middle = [draw(cells) for _ in range(5)]
        return [
            number,
            *middle,
            draw(st.sampled_from([*pointers, "_"])),
            draw(cells),
            pairs or "_",
            draw(st.sampled_from(["_", "SpaceAfter=No", "X=Y|SpaceAfter=No"])),
        ]

    if 0 in empty:
        lines.append(row("0.1"))
    covered = 0
    for number in range(1, count + 1):
        if number > covered and draw(st.integers(0, 3)) == 0:
            covered = draw(st.integers(number, count))
            lines.append(row(f"{number}-{covered}"))
            surface += lines[-1][1] + draw(st.sampled_from(["", " "]))
        elif number > covered:
            surface += "{}"
        lines.append(row(str(number)))
        surface = surface.replace("{}", lines[-1][1] + draw(st.sampled_from(["", " ", "\u00a0"])))
        if number in empty:
            lines.append(row(f"{number}.1"))
    comments = [
        f"# sent_id = s-{name}",
        f"# text = {draw(st.sampled_from([surface, surface.strip(), 'other']))}",
        *draw(st.lists(comment, max_size=2)),
    ]
    kept = draw(st.permutations(comments).map(lambda lines: lines[: draw(st.integers(0, len(lines)))]))
    return "\n".join([*kept, *("\t".join(line) for line in lines)])


@settings(max_examples=60)
@given(st.data())
def test_any_treebank_comes_back_byte_by_byte(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    blocks = [data.draw(sentence(n)) for n in range(data.draw(st.integers(1, 4)))]
    content = ("\n\n".join(blocks) + data.draw(st.sampled_from(["", "\n", "\n\n"]))).encode()
    assert there_and_back(tmp_path_factory.getbasetemp(), content) == content
