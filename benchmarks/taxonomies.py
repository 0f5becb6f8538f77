"""Taxonomies: what a command on a taxonomy of thousands of labels costs, beside reading it once with ruamel.yaml."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks import data
from benchmarks.measure import Cost, least, process
from benchmarks.report import Job, Row
from benchmarks.tools import LABELVC

PATH = "taxonomies/topics.yaml"
HEAD = "schema: urn:labelvc:schema:taxonomy:1\nname: topics\nversion: 1.0.0\nlabels:\n"
GUIDELINE = "schema: urn:labelvc:schema:guideline:1\nname: topic\nversion: 1.0.0\ntitle: Topics\nstatus: draft\ntaxonomy: topics\nlabels: {}\n"
PARSE = (
    "import sys; from ruamel.yaml import YAML; YAML(typ='safe', pure=True).load(open(sys.argv[1], encoding='utf-8'))"
)
TARGETS = {"check": 1.0, "diff": 0.5, "rename": 2.0, "publish": 3.0}
"""CPU seconds asked at 10,000 labels."""


def scale(folder: Path, labels: int, times: int) -> list[Job]:
    """Time a cold check, a rename, the diff of it, and publishing it.

    Args:
        folder: where the project is made.
        labels: how many the taxonomy has, ten below each.
        times: how often each is run.
    """
    here = folder / "taxonomies"
    shutil.rmtree(here, ignore_errors=True)
    here.mkdir(parents=True)
    begin(here, labels)
    text = (here / PATH).read_text()
    costs: dict[str, tuple[Cost, bool]] = {}

    def cold(*words: str) -> Cost:
        shutil.rmtree(here / ".git/labelvc", ignore_errors=True)
        return process([LABELVC, *words], here)

    def again(*words: str) -> Cost:
        data.git(here, "checkout", "-q", "--", PATH)
        (here / "taxonomies/topics.versions.jsonl").unlink(missing_ok=True)
        return cold(*words)

    checked = least(lambda: cold("check", "--all"), times)
    costs["check"] = checked, b"no findings" in checked.out
    renamed = least(lambda: again("taxonomy", "rename", "topics", "label-00005", "Another"), times)
    expected = text.replace("1.0.0", "1.1.0", 1).replace("name: Label number 5}", "name: Another}", 1)
    costs["rename"] = renamed, (here / PATH).read_text().startswith(expected)
    seen = least(lambda: cold("diff"), times)
    costs["diff"] = seen, b"label label-00005 renamed from Label number 5 to Another" in seen.out
    published = least(lambda: again("taxonomy", "publish", "topics"), times)
    costs["publish"] = published, (here / "taxonomies/topics.versions.jsonl").exists()
    parse = least(lambda: process([sys.executable, "-c", PARSE, PATH], here), times)
    rows = [
        Row(f"{labels:,} labels", f"labelvc {name}", *cost[:3], f"{cost.cpu / parse.cpu:.2f} readings", right)
        for name, (cost, right) in costs.items()
    ]
    rows.append(Row("one reading of the document", "ruamel.yaml", *parse[:3], "1 reading"))
    met = all(costs[name][0].cpu <= most for name, most in TARGETS.items()) and all(
        right for _, right in costs.values()
    )
    target = ", ".join([f"{name} <= {most:g} s" for name, most in TARGETS.items()])
    measured = ", ".join([f"{name} {cost.cpu:.2f} s" for name, (cost, _) in costs.items()])
    return [Job(f"taxonomy of {labels:,} labels, nothing remembered", f"{target} of CPU", measured, met, rows)]


def begin(folder: Path, labels: int) -> None:
    """Make a project whose taxonomy has many labels, and commit it."""
    data.git(folder, "init", "-q", "-b", "main")
    process([LABELVC, "init", "--template", "classification"], folder)
    (folder / PATH).write_text(HEAD + "".join([_label(number) for number in range(labels)]))
    (folder / "guidelines/topic.yaml").write_text(GUIDELINE)
    data.git(folder, "add", "-A")
    data.git(folder, "commit", "-qnm", "Begin")


def _label(number: int) -> str:
    parent = f", parent: label-{number // 10:05d}" if number >= 10 else ""
    return f"  - {{id: label-{number:05d}, name: Label number {number}{parent}}}\n"
