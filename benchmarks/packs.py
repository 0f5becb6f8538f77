"""The check pack: every rule asked for, over records of one task, with tasks of boxes, spans and polygons beside it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager

from benchmarks.data import Repository
from benchmarks.measure import Cost, in_turn
from benchmarks.report import Job, Row
from labelvc.checks import registry
from labelvc.checks.interface import Rule
from labelvc.ops import project as projects
from labelvc.store import tree
from labelvc.store.git import find

_SHAPES = ("box", "span", "polygon")
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
    with _asked(repository, [rule for rule in rules if not rule.across]) as local:
        ours, theirs = in_turn(check, parse, times=times)
    with _asked(repository, rules) as every:
        whole, beside = in_turn(check, parse, times=times)
    parses, wholly = ours.cpu / theirs.cpu, whole.cpu / beside.cpu
    right = ours.code == whole.code == 0
    across = sum(rule.across for rule in every)
    work = f"{repository.records:,} records, nothing checked before: "
    return Job(
        f"check pack, the {len(local)} rules at work that are done with one shard, {repository.records:,} records, one core",
        f"<= {_MOST_PARSES} parses, <= {_MOST_MEMORY} MiB",
        f"{parses:.2f} parses, {ours.peak:.0f} MiB; with the {across} that judge the whole dataset {wholly:.2f} parses",
        right and parses <= _MOST_PARSES and ours.peak <= _MOST_MEMORY,
        [
            Row(
                f"{work}{len(local)} rules of one shard at work, {_on_request(local)} on request",
                "labelvc check --all --jobs 1",
                *ours[:3],
                f"{parses:.2f} parses",
                right,
            ),
            Row(
                f"{work}all {len(every)} rules at work, {_on_request(every)} on request",
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
def _asked(repository: Repository, rules: Collection[Rule]) -> Iterator[list[Rule]]:
    """Let the dataset ask for those of some rules that wait to be asked, and put its documents back; give those at work."""
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
        yield [rule for rule in _at_work(repository) if rule in rules]
    finally:
        subprocess.run(["git", "checkout", "-q", "--", *documents], cwd=repository.folder, check=True)


def _at_work(repository: Repository) -> list[Rule]:
    """Return the rules of the checks that have anything to say about the dataset."""
    git = find(repository.folder)
    with tree.reader(git) as reader:
        project = projects.load(git, tree.work(git), reader)
    dataset = project.datasets["texts"]
    return [rule for check in registry.checks_for(project) if check.applies(project, dataset) for rule in check.rules]


def _on_request(rules: Iterable[Rule]) -> int:
    return sum(rule.on_request for rule in rules)
