"""Real ratings with words that occur twice: what is stored, found and given back is what another program counts in the file."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.oracles import vader_counts

Command = Callable[..., tuple[int, str, str]]
COLUMNS = ("--layout", "wide", "--item", "1", "--value", "4", "--key", "word=1")


@pytest.fixture
def bring(project: Callable[[str], Path], labelvc: Command) -> Callable[[bytes], Path]:
    """Import a lexicon into a project, afresh or over what is there."""
    made: list[Path] = []

    def run(content: bytes) -> Path:
        made or made.append(project("rating"))
        source = made[0].parent / "lexicon.txt"
        source.write_bytes(content)
        words = ["import", "csv", str(source), "--dataset", "ratings", *COLUMNS, "--mode", "replace"]
        code, out, err = labelvc(made[0], *words)
        assert code == 0, out + err
        return made[0]

    return run


@pytest.fixture
def tell(labelvc: Command) -> Callable[[Path], dict[str, Any]]:
    """Return the oracle's figures as labelvc tells them: sums from stored lines, words that occur twice from `check`."""

    def run(folder: Path) -> dict[str, Any]:
        items = {item["id"]: item for item in lines(folder, "items")}
        scores: dict[str, list[int]] = {name: [] for name in items}
        for line in lines(folder, "annotations"):
            if "gone" not in line:
                scores[line["item"]].append(line["value"]["score"])
        code, out, err = labelvc(folder, "check", "--all", "--format", "json")
        found = json.loads(out)["items"]
        assert code == 0, err
        assert {one["rule"] for one in found} <= {"item.duplicate"}
        means = {name: sum(rated) / len(rated) for name, rated in scores.items()}
        flat = [score for rated in scores.values() for score in rated]
        ordered = sorted(items.values(), key=lambda item: int(item["id"].partition("-")[2]))
        return {
            "lines": len(items),
            "ratings": len(flat),
            "raters": sorted({len(rated) for rated in scores.values()}),
            "lowest": min(flat),
            "highest": max(flat),
            "twice": sorted(items[one["place"]["key"].split("/")[1][:-1]]["natural"]["word"] for one in found),
            "disagree": [
                [item["text"], item["ext"]["csv"]["2"], round(means[item["id"]], 2)]
                for item in ordered
                if abs(float(item["ext"]["csv"]["2"]) - means[item["id"]]) > 0.0501
            ],
        }

    return run


def lines(folder: Path, layer: str) -> Iterator[dict[str, Any]]:
    for path in sorted((folder / "datasets/ratings" / layer).rglob("*.jsonl")):
        yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


@pytest.fixture
def few() -> list[bytes]:
    """Return the lines of all words that occur twice, of `lmfao`, and of a hundred others, in their order."""
    whole = vader_counts.lexicon().read_bytes().replace(b"\r\n", b"\n").rstrip(b"\n").split(b"\n")
    odd = {word.encode() for word in vader_counts.count(vader_counts.lexicon())["twice"]} | {b"lmfao"}
    found = [line for at, line in enumerate(whole) if at % 75 == 0 or line.split(b"\t")[0] in odd]
    assert 125 < len(found) < 135
    return found


def counted(folder: Path, content: bytes) -> dict[str, Any]:
    path = folder / "oracle.txt"
    path.write_bytes(content)
    return vader_counts.count(path)


@pytest.mark.long
def test_all_ratings_come_in_and_check_finds_the_words_that_occur_twice(bring, tell, labelvc, tmp_path):
    content = vader_counts.lexicon().read_bytes()
    expected = counted(tmp_path, content)
    assert (expected["lines"], expected["ratings"], len(expected["twice"])) == (7520, 75200, 14)
    assert [row[:2] for row in expected["disagree"]] == [["lmfao", "2.5"]]
    folder = bring(content)
    assert tell(folder) == expected
    by = {line["by"] for line in lines(folder, "annotations")}
    assert len(by) == 10
    assert all(token.startswith("prs_") for token in by)
    code, _, err = labelvc(
        folder, "export", "csv", "--dataset", "ratings", *COLUMNS[:-2], "-o", str(tmp_path / "back.txt")
    )
    assert code == 0, err
    cells = [line.split("\t") for line in content.decode().splitlines()]
    with (tmp_path / "back.txt").open(encoding="utf-8", newline="") as file:
        back = list(csv.DictReader(file))
    ratings = Counter((row[0], row[1], row[2], tuple(json.loads(row[3]))) for row in cells)
    assert Counter((row["text"], row["2"], row["3"], tuple(json.loads(row["4"]))) for row in back) == ratings


def test_one_line_less_of_a_word_that_occurs_twice_is_one_finding_less(bring, tell, few, tmp_path, git, labelvc):
    before = counted(tmp_path, b"\n".join(few))
    assert len(before["twice"]) == 14
    folder = bring(b"\n".join(few))
    assert tell(folder) == before
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "all")
    word = before["twice"][0].encode()
    at = max(at for at, line in enumerate(few) if line.split(b"\t")[0] == word)
    fewer = b"\n".join([*few[:at], b"\t".join([word + b"-other", *few[at].split(b"\t")[1:]]), *few[at + 1 :]])
    expected = counted(tmp_path, fewer)
    assert {name for name in before if before[name] != expected[name]} == {"twice"}
    assert len(expected["twice"]) == 13
    bring(fewer)
    assert tell(folder) == expected
    last = b"\n".join(few[:-1])
    bring(last)
    assert tell(folder) == counted(tmp_path, last)
    _, out, _ = labelvc(folder, "diff", "--stat", "--format", "json")
    assert {kind: number for kind, number in json.loads(out)["summary"]["records"].items() if number} == {"removed": 10}


def test_one_more_double_word_and_one_changed_rating_follow(bring, tell, few, tmp_path, git, labelvc):
    folder = bring(b"\n".join(few))
    git(folder, "add", "--all")
    git(folder, "commit", "-qm", "all")
    before = counted(tmp_path, b"\n".join(few))
    single = next(line for line in few if line.split(b"\t")[0].decode() not in before["twice"])
    more = b"\n".join([*few, single])
    expected = counted(tmp_path, more)
    assert len(expected["twice"]) == len(before["twice"]) + 1
    bring(more)
    assert tell(folder) == expected
    mended = b"\n".join(few).replace(b"[3, 2, 3, 3, 3, -1, 4, 2, 3, 2]", b"[3, 3, 3, 3, 3, -1, 4, 2, 3, 2]")
    expected = counted(tmp_path, mended)
    assert expected["disagree"] == []
    bring(mended)
    assert tell(folder) == expected
    _, out, _ = labelvc(folder, "diff", "--format", "json")
    document = json.loads(out)
    changed = [one for one in document["items"] if one["kind"] == "changed"]
    assert [(one["old"]["value"], one["new"]["value"]) for one in changed] == [({"score": 2}, {"score": 3})]


@pytest.mark.parametrize(("score", "code"), [("4", 0), ("-4", 0), ("5", 1), ("-9", 1)])
def test_a_rating_outside_the_scale_is_found_and_named(bring, few, labelvc, score, code):
    cells = few[0].decode().split("\t")
    ratings = json.loads(cells[3])
    row = "\t".join([*cells[:3], json.dumps([*ratings[:-1], int(score)])])
    folder = bring("\n".join([row, *(line.decode() for line in few[1:])]).encode())
    found, out, _ = labelvc(folder, "check", "--all", "--format", "json")
    errors = [one for one in json.loads(out)["items"] if one["severity"] == "error"]
    assert found == code == len(errors)
    assert [(one["rule"], one["place"]["key"]) for one in errors] == [("score.range", "ratings/source-1#r10")] * code
