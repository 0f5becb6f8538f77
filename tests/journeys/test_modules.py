"""The modules that ship, on real labels: each finds what another count finds there, and nothing where nothing is; two projects share one."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path

import pytest

from labelvc.ops import modules
from labelvc.ops.templates import TEMPLATES
from labelvc.store import origins
from tests.oracles import bccd_counts

Command = Callable[..., tuple[int, str, str]]
Take = Callable[..., None]
CHECKS = {"box-checks", "crowd-checks", "text-checks"}


@pytest.fixture
def take(labelvc: Command) -> Take:
    """Take a module of the library, and have a dataset checked by its profile alone."""

    def run(folder: Path, source: str, dataset: str, *more: str) -> None:
        path = folder / "datasets" / dataset / "dataset.yaml"
        text = path.read_text()
        if "\nchecks:" in text:
            own = text.index("\nchecks:")
            path.write_text(text[:own] + text[text.index("\n\n", own) :])
        code, out, err = labelvc(folder, "module", "add", source, "--dataset", dataset, "--anyway", *more)
        assert code == 0, out + err

    return run


@pytest.fixture
def found(labelvc: Command) -> Callable[[Path], Counter[tuple[str, str]]]:
    """Return how often each rule is broken, with its severity."""

    def run(folder: Path) -> Counter[tuple[str, str]]:
        return Counter(
            (item["rule"], item["severity"])
            for item in json.loads(labelvc(folder, "check", "--all", "--format", "json")[1])["items"]
        )

    return run


def bring(folder: Path, labelvc: Command, *words: str) -> None:
    code, out, err = labelvc(folder, "import", *words, "--add-labels")
    assert code == 0, out + err


def real(folder: Path, *names: str) -> Path:
    path = folder.joinpath(*names)
    if not path.exists():
        pytest.skip(f"{'/'.join(names)} is not among the real data")
    return path


# ---------------------------------------------------------------- what ships
def test_every_template_is_a_module_and_lists_all_of_its_documents():
    shelved = {one.name: one for one in modules.shelved()}
    assert shelved.keys() == {*TEMPLATES, *CHECKS}
    for name in TEMPLATES:
        top = next(shelf / name for shelf in origins.shelves() if (shelf / name).is_dir())
        lying = {str(path.relative_to(top)) for path in Path(str(top)).rglob("*.yaml")}
        assert lying == {"module.yaml", *shelved[name].provides}


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_checks_of_the_library_fit_every_template(template, project, take, found):
    """Taken together they do not disagree, and an empty project has no finding."""
    folder = project(template)
    dataset = next((folder / "datasets").iterdir()).name
    for name in sorted(CHECKS):
        take(folder, name, dataset)
    assert not +found(folder)


# ---------------------------------------------------------------- boxes
@pytest.fixture
def cells(real_data: Path, tmp_path: Path) -> Callable[[Sequence[str]], Path]:
    """Return a folder with some of BCCD's files; without names those that are odd and ten others."""
    source = real(real_data, "bccd-voc", "BCCD", "Annotations")

    def choose(names: Sequence[str]) -> Path:
        folder = tmp_path / f"cells-{len(names)}"
        folder.mkdir()
        for name in names:
            (folder / f"{name}.xml").write_bytes((source / f"{name}.xml").read_bytes())
        return folder

    return choose


def odd(real_data: Path) -> tuple[list[str], list[str]]:
    source = real(real_data, "bccd-voc", "BCCD", "Annotations")
    strange = sorted({*bccd_counts.doubled(source, 0.7), "BloodImage_00338", "BloodImage_00343"})
    return strange, [path.stem for path in sorted(source.glob("*.xml")) if path.stem not in strange][:12]


def test_boxes(real_data, cells, project, take, found, labelvc):
    strange, plain = odd(real_data)
    folder = project("boxes")
    source = cells([*strange, *plain])
    bring(folder, labelvc, "voc", str(source), "--dataset", "pictures")
    take(folder, "box-checks", "pictures")
    counted = bccd_counts.count(source)
    pairs = sum(map(len, bccd_counts.doubled(source, 0.7).values()))
    assert (counted["zero_area"], pairs) == (2, 8)
    doubled = {("box.near_duplicate", "error"): 1, ("box.shifted_copy", "error"): 7}
    assert found(folder) == {("box.zero_area", "error"): 2, **doubled}


def test_boxes_without_a_flaw(real_data, cells, project, take, found, labelvc):
    folder = project("boxes")
    bring(folder, labelvc, "voc", str(cells(odd(real_data)[1])), "--dataset", "pictures")
    take(folder, "box-checks", "pictures")
    assert not found(folder)


def test_two_projects_share_a_module_and_an_update_tells_each_what_it_finds(
    real_data, cells, project, take, found, labelvc, git, tmp_path
):
    """Boxes of cells and of litter: at 0.7 instead of 0.8 the cells have no new pair, and the litter has one."""
    packed = real(real_data, "taco", "annotations.2019-06-09.56bdab8.json.gz")
    litter = tmp_path / "litter.json"
    litter.write_bytes(gzip.decompress(packed.read_bytes()))
    shared = tmp_path / "shared"
    publish(shared, git, 0.8)
    made = {}
    for name, words in {"cells": ("voc", str(cells(odd(real_data)[0]))), "litter": ("coco", str(litter))}.items():
        folder = project("boxes").rename(tmp_path / name)
        bring(folder, labelvc, *words, "--dataset", "pictures")
        take(folder, "../shared", "pictures", "--at", "main")
        git(folder, "add", "--all")
        git(folder, "commit", "-qm", "Begin", "--no-verify")
        made[name] = folder
    publish(shared, git, 0.7)
    told = {name: fresh(labelvc, folder) for name, folder in made.items()}
    assert told == {"cells": Counter(), "litter": Counter({"box.near_duplicate": 1})}
    assert told["litter"].total() == near(litter, 0.7) - near(litter, 0.8)
    for folder in made.values():
        before = found(folder)
        assert labelvc(folder, "module", "update", "shared", "--anyway")[0] == 0
        after = found(folder)
        assert sum(after.values()) - sum(before.values()) == fresh_of(told, folder)


def publish(folder: Path, git: Callable[..., str], threshold: float) -> None:
    contents = {
        "module.yaml": "schema: urn:labelvc:schema:module:1\nname: shared\nversion: {version}\nlicence: CC0-1.0\n"
        "provides: [profiles/shared.yaml]\n",
        "profiles/shared.yaml": "schema: urn:labelvc:schema:profile:1\nname: shared\nversion: {version}\nchecks:\n"
        "  box.near_duplicate: {{severity: error, threshold: {threshold}}}\n",
    }
    if not folder.exists():
        (folder / "profiles").mkdir(parents=True)
        git(folder, "init", "-q")
    for path, text in contents.items():
        version = "1.0.0" if threshold == 0.8 else "1.1.0"
        (folder / path).write_text(text.format(version=version, threshold=threshold))
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", str(threshold))


def fresh(labelvc: Command, folder: Path) -> Counter[str]:
    """Return the rules that an update would find broken, as its dry run tells them."""
    code, out, err = labelvc(folder, "module", "update", "shared", "--dry-run", "--format", "json")
    rules = Counter(item["finding"]["rule"] for item in json.loads(out)["items"] if item["kind"] == "finding")
    assert code == bool(rules), err
    return rules


def fresh_of(told: dict[str, Counter[str]], folder: Path) -> int:
    return told[folder.name].total()


def near(path: Path, threshold: float) -> int:
    """Count pairs of boxes of one picture and category that overlap by more."""
    groups = defaultdict(list)
    for one in json.loads(path.read_text())["annotations"]:
        x, y, width, height = one["bbox"]
        groups[one["image_id"], one["category_id"]].append((one["category_id"], x, y, x + width, y + height))
    return sum(bccd_counts.overlap(a, b) > threshold for found in groups.values() for a, b in combinations(found, 2))


# ---------------------------------------------------------------- crowds
def crowd(source: Path, target: Path, rows: int) -> list[tuple[str, ...]]:
    """Write the first answers of a crowd with a header, and return them."""
    found = [tuple(line.split("\t")) for line in source.read_text().splitlines()[:rows]]
    with target.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["annotator", "item", "label"])
        writer.writerows(found)
    return found


@pytest.mark.parametrize(("name", "twice"), [("HITspam-UsingCrowdflower", 518), ("BarzanMozafari", 0)])
def test_crowds(real_data, tmp_path, project, take, found, labelvc, name, twice):
    """A crowd that answered twice, and one that did not."""
    rows = crowd(real(real_data, "gal-crowd", name, "labels.txt"), tmp_path / "in.csv", 3000)
    assert len(rows) - len({row[:2] for row in rows}) == twice
    folder = project("classification")
    bring(folder, labelvc, "csv", str(tmp_path / "in.csv"), "--dataset", "texts")
    take(folder, "crowd-checks", "texts")
    rules = found(folder)
    assert rules["rating.duplicate", "error"] == twice
    assert {rule for rule, severity in rules if severity == "error"} <= {"rating.duplicate"}


# ---------------------------------------------------------------- texts
def sentences(source: Path) -> Iterator[list[list[str]]]:
    """Yield the sentences of a file of words and tags."""
    some: list[list[str]] = []
    for line in source.read_text().split("\n"):
        if line.strip():
            some.append(line.split("\t"))
        elif some:
            yield some
            some = []


def marked(words: list[list[str]]) -> tuple[str, list[tuple[str, int, int]]]:
    """Return the text of a sentence, and its spans: label, start and end."""
    text, spans = "", []
    for word, tag in words:
        text += " " if text else ""
        if tag.startswith("B-"):
            spans.append([tag[2:], len(text), 0])
        text += word
        if tag != "O":
            spans[-1][2] = len(text)
    return text, [tuple(span) for span in spans]


def test_texts(real_data, tmp_path, project, take, found, labelvc):
    """Tweets that were taken twice are found, and a span that moved by a letter; nothing else in four hundred of them."""
    texts = [marked(words) for words in sentences(real(real_data, "wnut17", "wnut17train.conll"))]
    counted = Counter(text for text, _ in texts)
    twice = [one for one in texts if counted[one[0]] > 1]
    chosen = [*twice, *[one for one in texts if counted[one[0]] == 1 and one[1]][:400]]
    repeated = len(twice) - len({text for text, _ in twice})
    assert repeated > 3
    folder = project("spans")
    rows = []
    for number, (text, spans) in enumerate(chosen):
        rows.append({"id": f"t{number}", "text": text})
        for at, (label, start, end) in enumerate(spans):
            value = {"label": label, "span": [start, end], "text": text[start:end]}
            rows.append({"item": f"t{number}", "id": f"s{at}", "task": "entities", "value": value})
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    bring(folder, labelvc, "jsonl", str(path), "--dataset", "documents")
    take(folder, "text-checks", "documents")
    settings = folder / "datasets/documents/dataset.yaml"
    settings.write_text(settings.read_text().replace("natural_key: []", "natural_key: [/text]"))
    assert errors(found(folder)) == {"item.duplicate": repeated}
    settings.write_text(settings.read_text().replace("natural_key: [/text]", "natural_key: []"))
    assert errors(found(folder)) == {}
    shard = next(
        path for path in sorted((folder / "datasets/documents/annotations").glob("*.jsonl")) if path.stat().st_size
    )
    first, *rest = shard.read_text().splitlines(keepends=True)
    moved = json.loads(first)
    start = moved["value"]["span"][0]
    shard.write_text(first.replace(f'"span":[{start},', f'"span":[{start + 1},') + "".join(rest))
    assert errors(found(folder)) == {"span.text": 1}


def errors(rules: Counter[tuple[str, str]]) -> dict[str, int]:
    """Return the errors in labels; tweets hold addresses of people, which is another gate's matter."""
    return {rule: number for (rule, severity), number in rules.items() if severity == "error" and "privacy" not in rule}
