"""The whole check pack: every rule asked for, over records of one task, with tasks of boxes and spans beside it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from benchmarks.data import Repository
from benchmarks.measure import Cost, paired
from benchmarks.report import Job, Row
from labelvc.checks import registry

_SHAPES = ("box", "span")
_DATASET = "datasets/texts/dataset.yaml"


def all_rules(repository: Repository, check: Callable[[], Cost], parse: Callable[[], Cost], times: int) -> Job:
    """Time `check --all` with every check at work, beside one parse of the same lines.

    Args:
        repository: with records of one task; its documents are put back afterwards.
        check: checks everything, with nothing remembered.
        parse: parses every line once.
        times: how often; the least counts.

    Returns:
        The table. The findings are those of random labels: only that no error is among them is known.
    """
    documents = [repository.folder / name for name in ("labelvc.yaml", _DATASET)]
    before = [path.read_text() for path in documents]
    tasks = "".join([f"  {name}: {{type: {name}, taxonomy: topics}}\n" for name in _SHAPES])
    asked = "".join([f"  {rule.id}: {{severity: note}}\n" for rule in registry.catalogue().values() if rule.on_request])
    beside = ", ".join([f"{name}: false" for name in _SHAPES])
    documents[0].write_text(f"{before[0]}{tasks}")
    documents[1].write_text(
        before[1].replace("topic: true", f"topic: true, {beside}")
        + f"slices: [/source]\nsources: [{{name: bench, licence: CC0-1.0}}]\nchecks:\n{asked}"
    )
    try:
        ours, theirs = paired(check, parse, times)
    finally:
        subprocess.run(["git", "checkout", "-q", "--", *documents], cwd=repository.folder, check=True)
    parses, number = ours.cpu / theirs.cpu, asked.count("\n")
    right = ours.code == 0
    work = f"{repository.records:,} records, {number} rules on request asked for, nothing checked before"
    return Job(
        f"check pack, all shard-local checks, {repository.records:,} records, one core",
        "<= 8 parses",
        f"{parses:.2f} parses",
        right and parses <= 8,
        [
            Row(work, "labelvc check --all --jobs 1", *ours[:3], f"{parses:.2f} parses", right),
            Row("orjson.loads a line", "orjson", *theirs[:3], "1 parse"),
        ],
    )
