"""Taxonomies for people and programs: what was done to labels, and what a migration does to records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labelvc.cli.render import text
from labelvc.core.lineage import Operation
from labelvc.ops.migrate import Migration
from labelvc.ops.taxonomy import Done

_MOST = 20


def done(name: str, what: Done, *, dry: bool) -> str:
    """Return one line that says what was done."""
    would = "would be" if dry else "is"
    return f"{text.safe(name)} {would} {what.version}: {text.safe(_sentence(what.asked))}\n"


def _sentence(asked: Operation) -> str:
    labels, into = ", ".join(asked.labels), ", ".join(asked.into)
    return {
        "add": f"{into} is new{f' under {asked.parent}' if asked.parent else ''}",
        "rename": f"{labels} is called {asked.name}",
        "merge": f"{labels} {'is' if len(asked.labels) == 1 else 'are'} {into} now",
        "split": f"{labels} may be {into} now",
        "move": f"{labels} is {f'under {asked.parent}' if asked.parent else 'at the top'} now",
        "deprecate": f"{labels} {'is' if len(asked.labels) == 1 else 'are'} out of use",
    }[asked.kind]


def items(found: Migration) -> Iterator[Mapping[str, Any]]:
    """Yield what a migration does as JSON (`schemas/taxonomy-migrate.v1.json`)."""
    for move in found.moves:
        yield {"kind": "moved", "key": str(move.key), "from": list(move.old), "to": list(move.new), "by": move.by}
    for one in found.open:
        yield {"kind": "open", "key": str(one.key), "from": [one.label], "to": list(one.to), "by": one.by}
    for twin in found.twins:
        yield {"kind": "alike", "key": str(twin.key), "other": str(twin.other)}


def summary(found: Migration, *, dry: bool) -> Mapping[str, Any]:
    """Return the counts of a migration as JSON."""
    return {
        "taxonomy": found.version,
        "moved": len(found.moves),
        "open": len(found.open),
        "alike": len(found.twins),
        "files": found.files,
        "written": bool(found.moves) and not dry,
        "labels": [{"from": list(old), "to": list(new), "records": number} for (old, new), number in _ways(found)],
        "annotators": dict(_people(found)),
        "splits": [
            {"from": label, "to": list(to), "version": version, "records": counted.total(), "annotators": dict(counted)}
            for (label, to, version), counted in _splits(found)
        ],
        "left": dict(found.left),
    }


def migration(found: Migration, *, dry: bool, color: bool) -> Iterator[str]:
    """Yield what a migration does: which label became which, for whom, and what a person must decide."""
    title = text.safe(found.version)
    if not found.tasks:
        name = title.rpartition("@")[0]
        yield f"no task takes its labels from {title}: `taxonomy: {name}` of a task in labelvc.yaml says that one does\n"
        return
    if not (found.moves or found.open or found.twins or found.left):
        yield f"no record has a label that was merged or split in {title}\n"
        return
    would = "would get" if dry else "got"
    yield f"{text.count(len(found.moves), 'record')} {would} another label by {title}\n"
    for (old, new), number in _ways(found)[:_MOST]:
        yield f"  {number:>8,}  {text.safe(', '.join(old))} -> {text.safe(', '.join(new))}\n"
    if len(_ways(found)) > _MOST:
        yield f"  and {len(_ways(found)) - _MOST:,} more ways\n"
    people = _people(found)
    if people:
        yield f"\n{'annotator'.ljust(36)}{'records':>8}\n"
        yield from (f"{text.safe(who).ljust(36)}{number:>8,}\n" for who, number in people[:_MOST])
    yield from _opened(found, color=color)
    if found.twins:
        yield f"\n{text.count(len(found.twins), 'record')} of one annotator alike by the merge: delete one of each two\n"
        for twin in found.twins[:_MOST]:
            yield f"{text.paint('!', 'warning', on=color)} {text.named(str(twin.other))} says the same as {text.named(str(twin.key))}\n"
        if len(found.twins) > _MOST:
            yield f"and {len(found.twins) - _MOST:,} more; --format jsonl lists all\n"
    if found.left:
        yield f"\n{text.count(found.left.total(), 'record')} with a label that nothing follows: merge it into one, or correct them\n"
        for label, number in found.left.most_common(_MOST):
            yield f"  {number:>8,}  {text.safe(label)}\n"
        if len(found.left) > _MOST:
            yield f"  and {len(found.left) - _MOST:,} more labels\n"


def _opened(found: Migration, *, color: bool) -> Iterator[str]:
    """Yield what a person must decide: each split with how many records of whom wait for it, then the first of them."""
    if not found.open:
        return
    yield f"\n{text.count(len({one.key for one in found.open}), 'record')} of a label that was split: a person decides\n"
    for (label, to, version), counted in _splits(found)[:_MOST]:
        yield f"\n{text.safe(label)} -> {text.safe(' or '.join(to))}, since {version}\n"
        for who, number in counted.most_common(_MOST):
            yield f"  {text.safe(who).ljust(34)}{number:>8,}\n"
        if len(counted) > _MOST:
            yield f"  and {len(counted) - _MOST:,} more annotators\n"
    yield "\n"
    for one in found.open[:_MOST]:
        mark = text.paint("!", "warning", on=color)
        yield f"{mark} {text.named(str(one.key))}  {text.safe(one.label)} -> {text.safe(' or '.join(one.to))}\n"
    if len(found.open) > _MOST:
        yield f"and {len(found.open) - _MOST:,} more; --format jsonl lists all\n"


_Split = tuple[str, tuple[str, ...], str]


def _splits(found: Migration) -> list[tuple[_Split, Counter[str]]]:
    """Return the splits that wait for somebody, those with most records first: label, labels it may be, version; to who made them."""
    counted: dict[_Split, Counter[str]] = {}
    for one in found.open:
        counted.setdefault((one.label, one.to, one.version), Counter())[one.by or "(nobody)"] += 1
    return sorted(counted.items(), key=lambda row: (-row[1].total(), row[0]))


def _ways(found: Migration) -> list[tuple[tuple[tuple[str, ...], tuple[str, ...]], int]]:
    counted = Counter([(move.old, move.new) for move in found.moves])
    return sorted(counted.items(), key=lambda row: (-row[1], row[0]))


def _people(found: Migration) -> Sequence[tuple[str, int]]:
    counted = Counter([move.by or "(nobody)" for move in found.moves])
    return sorted(counted.items(), key=lambda row: (-row[1], row[0]))
