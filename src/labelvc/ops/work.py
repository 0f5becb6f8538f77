"""Work: the edits of records that the commits of a line made, by who made the record, when, and which label became which."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache, partial

import msgspec

from labelvc import digests
from labelvc.codec import shard
from labelvc.core import births, calendar, census, diff, ways
from labelvc.core.births import Birth
from labelvc.core.calendar import Calendar
from labelvc.core.veil import Veil
from labelvc.core.ways import Turn
from labelvc.model import dashboard as page
from labelvc.model import jsonpointer
from labelvc.model.change import Delta
from labelvc.model.commit import Commit
from labelvc.model.names import Key
from labelvc.model.snapshot import FileChange
from labelvc.ops import log as history
from labelvc.ops import remembered
from labelvc.store import git as plumbing
from labelvc.store import log, tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.reader import Reader

MACHINE = "(a model)"
_BY = "labelvc.work/2"
_MOST, _MOST_TURNS = 30, 40
_FEW, _MANY = 64, 256
_FOLDER, _DOCUMENTS = "datasets/", "datasets/*/dataset.yaml"
_Place = tuple[str, date]
_day_of = lru_cache(maxsize=4096)(calendar.day_of)


class Edits(msgspec.Struct, frozen=True):
    """What commits did to records.

    Attributes:
        made: who and on which day, to how many records were added or changed.
        turns: way to number of records whose label became another.
        removed: records.
        stamped: of those added or changed, the ones that say themselves when.
    """

    made: dict[_Place, int] = {}
    turns: dict[Turn, int] = {}
    removed: int = 0
    stamped: int = 0


class _Tally:
    """Counts the edits of one commit."""

    def __init__(self, commit: Commit, drawn: Veil) -> None:
        self._drawn = drawn
        self._day = calendar.day_of(commit.authored) or date.min
        self.made: Counter[_Place] = Counter()
        self.turns: Counter[Turn] = Counter()
        self.removed = self.stamped = 0
        self._born: dict[str, Counter[Birth]] = defaultdict(Counter)

    def add(self, delta: Delta) -> None:
        """Count a record that differs."""
        if not isinstance(delta.key, Key) or not delta.key.id:
            return
        if delta.old is None:  # a record that came has no way to tell of, and most records of a history came once
            fields = self._drawn.over(delta.key, diff.decoded(delta.new))
            if fields.get("gone") is not True:
                self._count(fields, None)
            return
        seen = self._drawn.drawn(diff.compare(delta))
        self.removed += seen.kind == "removed"
        if seen.kind not in ("added", "changed"):
            return
        turn = ways.way_of(seen)
        if turn is not None and turn[1] is not None:
            self.turns[turn] += 1
        self._count(seen.new, seen.old.get("at"))

    def _count(self, fields: Mapping[str, object], before: object) -> None:
        """Count who made a record, and when: as it says itself, where it does not say what it said before."""
        said = fields.get("at")
        day = _day_of(said) if isinstance(said, str) and said != before else None
        self.stamped += day is not None
        self.made[_maker(fields), day or self._day] += 1

    def came(self, path: str, lines: Sequence[bytes]) -> bool:
        """Count the lines of a shard at once where they are records that nothing but who made them is hidden of."""
        place = shard.parse_path(path)
        if place is None or len(lines) < _FEW:
            return False
        dataset, layer, _ = place
        born = [] if layer == "items" else births.read(lines)
        key = Key(dataset, "-", "-")
        if born is None or any(_is_read(field) for field in self._drawn.where(key).fields):
            return False
        self._born[dataset].update(born)
        return True

    def document(self, path: str) -> None:
        """Count nothing: a document is no record."""

    def edits(self) -> Edits:
        """Return what was counted."""
        for dataset, born in self._born.items():
            people: dict[str | None, str] = {}
            for (by, day, model), number in born.items():
                person = MACHINE if model else people.get(by)
                if person is None:
                    shown = self._drawn.over(Key(dataset, "-", "-"), {"by": by})
                    person = people[by] = census.person_of(shown)
                self.stamped += number * (day is not None)
                self.made[person, date.fromordinal(day) if day else self._day] += number
        self._born.clear()
        return Edits(dict(self.made), dict(self.turns), self.removed, self.stamped)


def _is_read(pointer: str) -> bool:
    """Tell whether something that is counted of records, but for who made them, may lie in a field."""
    return pointer.split("/", 2)[1] in ("at", "gone", "origin", jsonpointer.ANY)


def _maker(fields: Mapping[str, object]) -> str:
    origin = fields.get("origin")
    return MACHINE if isinstance(origin, dict) and "model" in origin else census.person_of(fields)


def read(
    git: Git, reader: Reader, cache: Cache, head: str, base: str, drawn: Veil, advance: Callable[[], None]
) -> Edits:
    """Return what all commits of a line did to records, those of merged branches among them.

    Args:
        git: the repository.
        reader: reads objects.
        cache: where it is remembered of each commit.
        head: commit to begin with.
        base: commit to end before; empty for all of history.
        drawn: hides plain values.
        advance: called after each commit that changed a dataset.

    Raises:
        StoreError: a shallow clone, or a missing object.
    """
    made, turns = Counter[_Place](), Counter[Turn]()
    removed = stamped = 0
    commits = log.commits(git, head, [_FOLDER], base)
    rules = _rules(git, head, drawn) if commits else ""
    for _, found in remembered.by_commit(
        cache, commits, partial(_key, rules), Edits, partial(_made, git, reader, drawn)
    ):
        made.update(found.made)
        turns.update(found.turns)
        removed, stamped = removed + found.removed, stamped + found.stamped
        advance()
    return Edits(made, turns, removed, stamped)


def _key(rules: str, commit: Commit) -> str:
    return f"{_BY}:{commit.id}:{','.join(commit.parents)}:{rules}"


def _made(git: Git, reader: Reader, drawn: Veil, commits: Sequence[Commit]) -> Iterator[tuple[Commit, Edits]]:
    whole = {commit.id: _all_new(git, reader, commit) for commit in commits if len(commit.parents) < 2}
    news = (log.Entry(commit, files) for commit in commits if (files := whole.get(commit.id)) is not None)
    rest = [commit.id for commit in commits if whole.get(commit.id) is None]
    places = {commit.id: place for place, commit in enumerate(commits)}
    told = log.these(git, rest, [_FOLDER]) if rest else iter(())
    for entry in heapq.merge(news, told, key=lambda entry: places[entry.commit.id]):
        yield entry.commit, history.counted(git, reader, entry, _fresh(entry.commit, drawn)).edits()


def _all_new(git: Git, reader: Reader, commit: Commit) -> Iterator[FileChange] | None:
    """Return the files of a commit that brings many and changes no shard, read as they lie: a third of what their patch costs."""
    if commit.parents:
        old, new = tree.differing(git, commit.parents[0], commit.id, reader)
    else:
        old, new = tree.empty(), tree.commit(git, commit.id)
    paths = [path for path in tree.changed(old, new) if path.startswith(_FOLDER)]
    if len(paths) < _MANY or any(path in old.entries or new.entries[path].kind != "git" for path in paths):
        return None
    files = reader.many([(path, new.entries[path]) for path in paths])
    return (FileChange(path, [], shard.lines(data)) for path, data in files)


def _rules(git: Git, head: str, drawn: Veil) -> str:
    """Return a digest of all that was ever declared sensitive, by which plain values are hidden."""
    told = plumbing.run(git, "log", "--format=", "--name-only", "-m", "--full-history", "-z", head, "--", _DOCUMENTS)
    names = sorted({path.split("/")[1] for path in told.decode("utf-8", "surrogateescape").split("\0") if path})
    said = "\0".join(f"{name}\0{drawn.rules(name)}" for name in names)
    return str(digests.sha256(said.encode("utf-8", "surrogateescape")).hexdigest())


def _fresh(commit: Commit, drawn: Veil) -> Callable[[], _Tally]:
    return lambda: _Tally(commit, drawn)


def told(edits: Edits, stretches: Calendar) -> page.Work:
    """Return edits by people and stretches of time.

    Args:
        edits: the edits.
        stretches: a calendar that holds their days.
    """
    people: dict[str, list[int]] = defaultdict(lambda: [0] * len(stretches.starts))
    for (name, day), number in edits.made.items():
        people[name][stretches.place(day)] += number
    total = sum(edits.made.values())
    ranked = sorted(people.items(), key=lambda row: (-sum(row[1]), row[0]))
    rows = [page.Worker(name, sum(row), ways.percent(sum(row), total), tuple(row)) for name, row in ranked[:_MOST]]
    sums = tuple(map(sum, zip(*people.values(), strict=True))) or (0,) * len(stretches.starts)
    return page.Work(
        stretches.unit,
        tuple(day.isoformat() for day in stretches.starts),
        total,
        edits.removed,
        edits.stamped,
        sums,
        tuple(rows),
        len(ranked) - len(rows),
        sum(sum(row) for _, row in ranked[_MOST:]),
    )


def turned(edits: Edits) -> page.Turns:
    """Return which labels became which, most frequent first."""
    total = sum(edits.turns.values())
    ranked = ways.ranked(Counter(edits.turns))
    return page.Turns(total, len(ranked), tuple(_rows(ranked[:_MOST_TURNS], total)), max(0, len(ranked) - _MOST_TURNS))


def _rows(ranked: list[tuple[Turn, int]], total: int) -> Iterator[page.Turned]:
    reached = 0
    for (task, old, new), number in ranked:
        reached += number
        yield page.Turned(task, old or "", new or "", number, ways.percent(number, total), ways.percent(reached, total))
