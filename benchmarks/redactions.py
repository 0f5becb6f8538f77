"""Redaction: texts with addresses, telephone numbers and hosts in three of ten come in without them, labels moved."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import data
from benchmarks.measure import Cost, process
from benchmarks.report import Job, Row
from benchmarks.tools import LABELVC
from labelvc.store import age

SIZES = (40_000, 200_000)
WORDS = [
    "the",
    "a",
    "of",
    "service",
    "order",
    "arrived",
    "late",
    "broken",
    "please",
    "refund",
    "thanks",
    "again",
    "customer",
    "said",
    "that",
    "delivery",
    "box",
    "price",
    "very",
    "good",
    "bad",
    "would",
    "like",
    "to",
    "have",
    "my",
    "new",
    "phone",
    "address",
    "account",
    "number",
    "yesterday",
    "today",
    "morning",
]
DECLARED = "sensitive:\n  - {pointer: /text, mode: redact, layer: items}\n"
SLACK, CAP = 1.25, 900


def read(folder: Path, most: int) -> list[Job]:
    """Import the same kind of texts at three sizes.

    Args:
        folder: for the files and the project.
        most: the largest number of texts.
    """
    costs: list[tuple[int, Cost, bool]] = []
    for texts in [size * most // SIZES[-1] for size in SIZES]:
        source, labels = folder / f"texts-{texts}.jsonl", folder / "redacted"
        with source.open("w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows(texts))
        shutil.rmtree(labels, ignore_errors=True)
        labels.mkdir()
        begin(labels)
        words = [LABELVC, "import", "jsonl", str(source), "--dataset", "texts", "--offsets", "utf16"]
        costs.append((texts, process(words, labels, cap=CAP), right(labels, texts)))
        shutil.rmtree(labels)
    (few, first, _), (many, last, _) = costs[0], costs[-1]
    growth = last.cpu / many / (first.cpu / few)
    rates = [
        Row(
            f"{texts:,} texts, a label each",
            "labelvc import jsonl",
            *cost[:3],
            f"{texts / cost.cpu:,.0f} texts/s",
            good,
        )
        for texts, cost, good in costs
    ]
    title = "import with personal data taken out of texts, and ways back kept"
    target = (
        f"a text costs at most {SLACK} times as much among {many:,} as among {few:,}, and so does the memory of all"
    )
    met = max(growth, last.peak / first.peak) <= SLACK and all(good for *_, good in costs)
    return [Job(title, target, f"{growth:.2f} times; {first.peak:.0f} and {last.peak:.0f} MiB", met, rates)]


def begin(folder: Path) -> None:
    """Make a project with one dataset of spans, whose texts are redacted."""
    data.begin(folder, 64)
    for path, old, new in (
        ("labelvc.yaml", "type: label,", "type: span,"),
        ("datasets/texts/dataset.yaml", "tasks:", f"{DECLARED}tasks:"),
    ):
        text = (folder / path).read_text()
        if old not in text:
            raise ValueError(f"{old!r} is not in {path}")
        (folder / path).write_text(text.replace(old, new, 1))
    process([LABELVC, "pseudonym", "new"], folder)
    _, public = age.generate()
    (folder / "privacy").mkdir(exist_ok=True)
    (folder / "privacy/recipients.yaml").write_text(
        f"schema: urn:labelvc:schema:recipients:1\npeople:\n  bench: [{public}]\n"
        "roles:\n  tokenise: {people: [bench]}\n  reverse: {people: [bench], needs: 1}\n"
    )
    data.git(folder, "add", "-A")
    data.git(folder, "commit", "-qnm", "Begin")
    if process([LABELVC, "vault", "new"], folder).code:
        raise ValueError("no vault was begun")


def rows(texts: int) -> Iterator[dict[str, Any]]:
    """Yield items and a label on each, in UTF-16 units; a third of the texts begins with an emoji."""
    chance = random.Random(texts)
    for number in range(texts):
        said = chance.choices(WORDS, k=chance.randint(15, 40))
        if chance.random() < 0.3:
            said.insert(chance.randrange(len(said)), _value(chance))
        text = ("😀 " if number % 3 == 0 else "") + " ".join(said)
        wide = len(text.encode("utf-16-le")) // 2
        start = chance.randrange(2 if number % 3 == 0 else 0, wide - 5)
        end = chance.randint(start + 1, wide)
        covered = text.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le")
        yield {"id": f"t{number}", "text": text}
        value = {"label": data.LABELS[number % 80], "span": [start, end], "text": covered}
        yield {"item": f"t{number}", "id": "a", "value": value}


def _value(chance: random.Random) -> str:
    made = (
        f"{chance.choice(WORDS)}.{chance.choice(WORDS)}{chance.randrange(9999)}@firma{chance.randrange(99)}.de",
        f"+49 30 {chance.randrange(100_000, 999_999)}",
        f"8.{chance.randrange(9)}.{chance.randrange(250)}.{chance.randrange(250)}",
    )
    return chance.choice(made)


def right(labels: Path, texts: int) -> bool:
    """Tell whether every text came in without an address, and every label covers what its record says."""
    said: dict[str, str] = {}
    for path in sorted((labels / "datasets/texts/items").rglob("*.jsonl")):
        said |= {row["id"]: row["text"] for row in map(json.loads, path.read_text().splitlines())}
    covered = 0
    for _, lines in data.walk(labels):
        for value in (json.loads(line) for line in lines):
            start, end = value["value"]["span"]
            covered += said[value["item"]][start:end] == value["value"]["text"]
    told = list((labels / ".git/labelvc/vault/inbox").iterdir())
    clean = not any("@firma" in text or "+49" in text for text in said.values())
    return len(said) == covered == texts and clean and told != [] and all(path.suffix == ".age" for path in told)
