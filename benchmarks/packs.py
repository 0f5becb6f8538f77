"""The check pack: every rule asked for, over records of one task, with tasks of boxes and spans beside it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from benchmarks.data import Repository
from benchmarks.measure import Cost, paired
from benchmarks.report import Job, Row
from labelvc.checks import registry
from labelvc.checks.interface import Rule

_SHAPES = ("box", "span")
_DATASET = "datasets/texts/dataset.yaml"
_MOST_PARSES, _MOST_MEMORY = 8, 100


def all_rules(repository: Repository, check: Callable[[], Cost], parse: Callable[[], Cost], times: int) -> Job:
    """Time `check --all` with every check at work that is done with one shard's records, beside one parse of the same lines.

    What judges by the records of more than one shard is asked for in a second row: its cost is told, and no part of the
    target.

    Args:
        repository: with records of one task; its documents are put back afterwards.
        check: checks everything, with nothing remembered.
        parse: parses every line once.
        times: how often; the least counts.

    Returns:
        The table. The findings are those of random labels: only that no error is among them is known.
    """
    rules = registry.catalogue().values()
    local = [rule for rule in rules if not rule.across]
    with _asked(repository, local) as few:
        ours, theirs = paired(check, parse, times)
    with _asked(repository, rules) as many:
        whole, beside = paired(check, parse, times)
    parses, wholly = ours.cpu / theirs.cpu, whole.cpu / beside.cpu
    right = ours.code == whole.code == 0
    across = len(rules) - len(local)
    work = f"{repository.records:,} records, nothing checked before: "
    return Job(
        f"check pack, the {len(local)} rules that are done with one shard, {repository.records:,} records, one core",
        f"<= {_MOST_PARSES} parses, <= {_MOST_MEMORY} MiB",
        f"{parses:.2f} parses, {ours.peak:.0f} MiB; with the {across} that judge the whole dataset {wholly:.2f} parses",
        right and parses <= _MOST_PARSES and ours.peak <= _MOST_MEMORY,
        [
            Row(
                f"{work}{len(local)} rules of one shard, {few} on request",
                "labelvc check --all --jobs 1",
                *ours[:3],
                f"{parses:.2f} parses",
                right,
            ),
            Row(
                f"{work}all {len(rules)} rules, {many} on request",
                "labelvc check --all --jobs 1",
                *whole[:3],
                f"{wholly:.2f} parses",
                right,
                "not in the target: copies, balance and paces are found by all shards together",
            ),
            Row("orjson.loads a line", "orjson", *theirs[:3], "1 parse"),
        ],
    )


@contextmanager
def _asked(repository: Repository, rules: Iterable[Rule]) -> Iterator[int]:
    """Let the dataset ask for those of some rules that wait to be asked, and put its documents back; give their number."""
    documents = [repository.folder / name for name in ("labelvc.yaml", _DATASET)]
    before = [path.read_text() for path in documents]
    tasks = "".join([f"  {name}: {{type: {name}, taxonomy: topics}}\n" for name in _SHAPES])
    asked = [f"  {rule.id}: {{severity: note}}\n" for rule in rules if rule.on_request]
    beside = ", ".join([f"{name}: false" for name in _SHAPES])
    documents[0].write_text(f"{before[0]}{tasks}")
    documents[1].write_text(
        before[1].replace("topic: true", f"topic: true, {beside}")
        + f"slices: [/source]\nsources: [{{name: bench, licence: CC0-1.0}}]\nchecks:\n{''.join(asked)}"
    )
    try:
        yield len(asked)
    finally:
        subprocess.run(["git", "checkout", "-q", "--", *documents], cwd=repository.folder, check=True)
