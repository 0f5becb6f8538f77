"""Out through the command line what came in: byte for byte, and after one changed label exactly its line differs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from labelvc.codec import canonical, shard

Run = Callable[..., tuple[int, str, str]]
TREEBANK = """\
# newdoc id = letters
# sent_id = l-1
# text = Don't bark, dogs.
1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_
1\tDo\tdo\tAUX\tVB\tMood=Imp|VerbForm=Fin\t3\taux\t_\t_
2\tn't\tnot\tPART\tRB\t_\t3\tadvmod\t_\t_
3\tbark\tbark\tVERB\tVB\tVerbForm=Inf\t0\troot\t_\tSpaceAfter=No
4\t,\t,\tPUNCT\t,\t_\t5\tpunct\t_\t_
5\tdogs\tdog\tNOUN\tNNS\tNumber=Plur\t3\tvocative\t3:vocative\tSpaceAfter=No
6\t.\t.\tPUNCT\t.\t_\t3\tpunct\t_\t_

# sent_id = l-2
# translator = nobody
# text = Ünïcode and Sue tea
1\tÜnïcode\tUnicode\tPROPN\t_\t_\t0\troot\t_\tNote=a|b
2\tand\tand\tCCONJ\t_\t_\t3\tcc\t_\t_
3\tSue\tSue\tPROPN\t_\t_\t1\tconj\t_\t_
3.1\tlikes\tlike\tVERB\t_\t_\t_\t_\t1:conj\t_
4\ttea\ttea\tNOUN\t_\t_\t3\torphan\t3.1:obj\t_

"""
PICTURE = """\
<annotation verified="yes">
\t<folder>cells</folder>
\t<filename>{name}.jpg</filename>
\t<source>
\t\t<database>Unknown</database>
\t</source>
\t<size>
\t\t<width>640</width>
\t\t<height>480</height>
\t\t<depth>3</depth>
\t</size>
\t<segmented>0</segmented>
\t<object>
\t\t<name>Object B</name>
\t\t<pose>Left &amp; up</pose>
\t\t<difficult>1</difficult>
\t\t<bndbox>
\t\t\t<xmin>260</xmin>
\t\t\t<ymin>177.5</ymin>
\t\t\t<xmax>491</xmax>
\t\t\t<ymax>376</ymax>
\t\t</bndbox>
\t</object>
\t<object>
\t\t<name>Object A</name>
\t\t<bndbox>
\t\t\t<xmin>78</xmin>
\t\t\t<ymin>336</ymin>
\t\t\t<xmax>184</xmax>
\t\t\t<ymax>435</ymax>
\t\t</bndbox>
\t</object>
</annotation>
"""


class Case(NamedTuple):
    """A source, the project it goes to, and one label to change.

    Attributes:
        form: the format.
        template: the project's.
        dataset: the dataset it goes to.
        field: the member of `value` that holds a label.
        more: further words of the import.
    """

    form: str
    template: str
    dataset: str
    field: str
    more: tuple[str, ...] = ()


TOKENS = Case("conllu", "tokens", "sentences", "upos")
BOXES = Case("voc", "boxes", "pictures", "label", ("--add-labels",))


@pytest.fixture
def trip(project: Callable[[str], Path], labelvc: Run, git: Callable[..., str], tmp_path: Path) -> Callable[..., None]:
    """Import a source, export it, change one label by hand, export it again, and hold each against the source."""

    def run(case: Case, source: Path, old: str, new: str, written: Callable[[str], str] = str) -> None:
        folder = project(case.template)

        def command(*words: str) -> str:
            code, out, err = labelvc(folder, *words)
            assert code == 0, out + err
            return out + err

        def export(name: str, *words: str) -> Mapping[str, bytes]:
            command("export", case.form, "--dataset", case.dataset, "-o", str(tmp_path / name), *words)
            return contents(tmp_path / name)

        before = contents(source)
        command("import", case.form, str(source), "--dataset", case.dataset, *case.more)
        assert export("work") == before
        git(folder, "add", "--all")
        git(folder, "commit", "-qm", "all of it")
        assert export("committed", "--at", "HEAD") == before
        relabel(folder / "datasets" / case.dataset / "annotations", case.field, old, new)
        command("format")
        after = export("changed")
        assert before.keys() == after.keys()
        [name] = [name for name in before if before[name] != after[name]]
        one, two = before[name].splitlines(), after[name].splitlines()
        assert len(one) == len(two)
        [(was, now)] = [pair for pair in zip(one, two, strict=True) if pair[0] != pair[1]]
        assert now == was.replace(written(old).encode(), written(new).encode())
        assert export("still", "--at", "HEAD") == before
        command("import", case.form, str(tmp_path / "changed"), "--dataset", case.dataset, *case.more)
        assert "no findings" in command("check")

    return run


def contents(source: Path) -> dict[str, bytes]:
    """Return what a file or folder holds; the name of a lone file does not count."""
    if source.is_file():
        return {"": source.read_bytes()}
    return {path.name: path.read_bytes() for path in source.iterdir() if path.is_file()}


def relabel(folder: Path, field: str, old: str, new: str) -> None:
    """Give the first record of a label another one, as somebody with an editor would."""
    for path in sorted(folder.rglob("*.jsonl")):
        lines = shard.lines(path.read_bytes())
        for number, line in enumerate(lines):
            row: dict[str, Any] = json.loads(line)
            if row["value"].get(field) == old:
                row["value"][field] = new
                lines[number] = canonical.encode_record(row)
                path.write_bytes(b"".join([line + b"\n" for line in lines]))
                return
    raise AssertionError(f"no record says {old}")


@pytest.mark.parametrize(("old", "new"), [("VERB", "AUX"), ("PROPN", "X"), ("PUNCT", "SYM")])
def test_a_treebank_made_by_hand(trip: Callable[..., None], tmp_path: Path, old: str, new: str):
    (tmp_path / "in.conllu").write_text(TREEBANK, encoding="utf-8")
    trip(TOKENS, tmp_path / "in.conllu", old, new)


@pytest.mark.parametrize(("old", "new"), [("object-a", "object-c"), ("object-b", "object-a")])
def test_boxes_made_by_hand(trip: Callable[..., None], tmp_path: Path, old: str, new: str):
    (tmp_path / "in").mkdir()
    for name in ("one", "two 2"):
        (tmp_path / "in" / f"{name}.xml").write_text(PICTURE.format(name=name), encoding="utf-8")
    trip(BOXES, tmp_path / "in", old, new, lambda label: label.replace("-", " ").title())  # a file holds names, not ids


@pytest.mark.long
def test_a_real_treebank(trip: Callable[..., None], treebank: Callable[..., bytes], tmp_path: Path):
    (tmp_path / "in.conllu").write_bytes(treebank("show", "HEAD:en_ewt-ud-dev.conllu"))
    trip(TOKENS, tmp_path / "in.conllu", "VERB", "AUX")


def test_real_boxes(trip: Callable[..., None], real_data: Path):
    source = real_data / "bccd-voc" / "BCCD" / "Annotations"
    if not source.is_dir():
        pytest.skip("the boxes of BCCD are not among the real data")
    trip(BOXES, source, "WBC", "Platelets")
