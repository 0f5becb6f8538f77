"""Guidelines and taxonomies for people and programs: versions, what a publication changes, what it leaves to be done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from labelvc.cli.render import edits, text
from labelvc.core import bump
from labelvc.core.bump import Weight
from labelvc.ops.publication import Publication
from labelvc.ops.versions import Standing
from labelvc.ops.worklist import Entry, Worklist

_MOST = 20
_SAID: Mapping[Weight | None, str] = {
    "meaning": "changes the meaning",
    "clarifying": "clarifies",
    "editorial": "changes words only",
    None: "says the same",
}


def row(one: Standing) -> Mapping[str, Any]:
    """Return a document as JSON (`schemas/versions-list.v1.json`)."""
    return one._asdict()


def table(found: Sequence[Standing]) -> Iterator[str]:
    """Yield a line a document: name, version, status, number of labels, and how it stands to what was published."""
    width = max([len(one.name) for one in found], default=0)
    for one in found:
        last = f"published as {one.last}" if one.last else "never published"
        now = f"; {_SAID[one.weight]} since: {one.least} at least" if one.last and one.weight else ""
        status = f"{one.status.ljust(8)}" if one.status else ""
        labels = text.count(one.labels, "label").rjust(12)
        yield f"{text.safe(one.name).ljust(width)}  {one.version.ljust(8)} {status}{labels}  {last}{now}\n"


def edited(done: Publication) -> Iterator[Mapping[str, Any]]:
    """Yield what a publication changes as JSON (`schemas/publication.v1.json`)."""
    for edit, weight in done.edits:
        yield {
            "weight": weight,
            "of": edit.of,
            "what": edit.what,
            "label": edit.name,
            "block": edit.block,
            "pointer": edit.pointer,
        }


def published(noun: str, name: str, done: Publication) -> Mapping[str, Any]:
    """Return the summary of a publication as JSON."""
    return {
        "noun": noun,
        "name": name,
        "path": done.path,
        "before": done.before,
        "version": done.version,
        "status": done.status,
        "weight": done.weight,
        "grows": bump.GROWS[done.weight] if done.weight else None,
        "affected": None if done.affected is None else sorted(done.affected),
        "written": done.written,
        "takes": [one.id for one in done.takes],
    }


def publication(name: str, done: Publication, *, dry: bool, color: bool) -> Iterator[str]:
    """Yield what was published and why it has the version it has, the heaviest edits first."""
    title = text.safe(name)
    if done.version == done.before:
        yield f"{title} {done.version} is published and says the same\n"
        return
    would = "would be" if dry else "is"
    if not done.before:
        yield f"{title} {done.version} {would} published, its first version\n"
        yield from _taken(done)
        return
    word = bump.GROWS[done.weight] if done.weight else "patch"
    yield f"{title} {done.version} {would} published after {done.before}: {_SAID[done.weight]} ({word})\n"
    for weight in reversed(bump.WEIGHTS):
        some = [one for one in done.edits if one.weight == weight]
        for one in some[:_MOST]:
            sign, stretches = edits.sentence(one.edit)
            yield f"  {text.paint(sign, sign, on=color)} {weight.ljust(10)} {text.safe(edits.plain(stretches))}\n"
        if len(some) > _MOST:
            yield f"    and {len(some) - _MOST:,} more {weight} edits\n"
    if done.weight == "meaning":
        whose = "every label" if done.affected is None else ", ".join(map(text.safe, sorted(done.affected)[:_MOST]))
        yield f"what it means now may be decided otherwise: {whose}\n"
    yield from _taken(done)


def _taken(done: Publication) -> Iterator[str]:
    for one in done.takes:
        yield f"takes {one.id}{', which is closed' if done.written else ''}\n"


def entry(one: Entry) -> Mapping[str, Any]:
    """Return a record of a worklist as JSON (`schemas/guideline-impact.v1.json`)."""
    return {
        "key": str(one.key),
        "state": "done" if one.done else "open",
        "task": one.task,
        "under": one.under,
        "labels": list(one.labels),
        "by": one.by,
        "now": None if one.now is None else list(one.now),
    }


def totals(name: str, found: Worklist) -> Mapping[str, Any]:
    """Return the counts of a worklist as JSON."""
    done = sum(one.done for one in found.entries)
    return {
        "guideline": f"{name}@{found.version}",
        "open": len(found.entries) - done,
        "done": done,
        "affected": {
            version: None if labels is None else sorted(labels) for version, labels in sorted(found.affected.items())
        },
        "labels": dict(_by(found.entries, _labels)),
        "annotators": dict(_by(found.entries, _annotator)),
    }


def impact(name: str, found: Worklist, *, color: bool) -> Iterator[str]:
    """Yield a worklist: numbers by label and annotator, what became of those done, and the first records."""
    title = f"{text.safe(name)} {found.version}"
    open_ = [one for one in found.entries if not one.done]
    done = len(found.entries) - len(open_)
    if not found.entries:
        yield f"no record was made under another meaning than that of {title}\n"
        return
    yield f"{text.count(len(open_), 'record')} made under another meaning than that of {title}"
    yield f"; {done:,} done\n" if done else "\n"
    for version, labels in sorted(found.affected.items()):
        if labels is None or labels:
            whose = "every label" if labels is None else ", ".join(map(text.safe, sorted(labels)))
            yield f"  since {version}: {whose}\n"
    for heading, which in (("label", _labels), ("annotator", _annotator)):
        yield f"\n{heading.ljust(32)} {'open':>8} {'done':>8}\n"
        rows = list(_by(found.entries, which))
        for row_name, counts in rows[:_MOST]:
            yield f"{text.clip(text.safe(row_name), 32).ljust(32)} {counts['open']:>8,} {counts['done']:>8,}\n"
        if len(rows) > _MOST:
            yield f"and {len(rows) - _MOST:,} more\n"
    moves = Counter([(_words(one.labels), _words(one.now)) for one in found.entries if one.done])
    if moves:
        yield "\nwhat became of those done\n"
        for (old, new), number in moves.most_common(_MOST):
            yield f"  {number:>6,}  {text.safe(old)} -> {text.safe(new)}\n"
    if open_:
        yield "\n"
    for one in open_[:_MOST]:
        sign = text.paint("~", "~", on=color)
        yield f"{sign} {text.named(str(one.key))}  {text.safe(_words(one.labels))}  {one.under.rpartition('@')[2]}\n"
    if len(open_) > _MOST:
        yield f"and {len(open_) - _MOST:,} more; --format jsonl lists all\n"


def _labels(one: Entry) -> Sequence[str]:
    return one.labels


def _annotator(one: Entry) -> Sequence[str]:
    return (one.by or "(nobody)",)


def _words(labels: Sequence[str] | None) -> str:
    return "(gone)" if labels is None else ", ".join(labels) or "(no label)"


def _by(entries: Sequence[Entry], which: Callable[[Entry], Sequence[str]]) -> Iterator[tuple[str, Mapping[str, int]]]:
    """Yield the entries counted by what each has, those with most open first."""
    counted = {
        state: Counter(name for one in entries if one.done == done for name in which(one))
        for state, done in (("open", False), ("done", True))
    }
    names = sorted(
        {*counted["open"], *counted["done"]}, key=lambda name: (-counted["open"][name], -counted["done"][name], name)
    )
    for name in names:
        yield name, {state: found[name] for state, found in counted.items()}
