"""Review: everything that the page of a label pull request says, gathered in one pass over the change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec import structs

from labelvc import __version__
from labelvc.codec import shard
from labelvc.core import diff, disclosure, governing, profiles, ways
from labelvc.core.counts import NOBODY, Counts, Rows
from labelvc.core.diff import Comparison
from labelvc.core.sampling import Stratum
from labelvc.core.veil import Veil
from labelvc.core.ways import Drawn, Turn
from labelvc.errors import ConfigurationError, DataError, StoreError
from labelvc.model import review as page
from labelvc.model.finding import SEVERITIES, Finding
from labelvc.model.names import Key
from labelvc.model.project import Project, ReviewSetting
from labelvc.model.review import Review
from labelvc.model.snapshot import FileChange, Snapshot
from labelvc.model.ways import Shift
from labelvc.ops import audit, check, gates, judges, mechanics, slices, spread, standing, veil
from labelvc.ops import diff as differing
from labelvc.ops import project as projects
from labelvc.ops.diff import Range
from labelvc.ops.exhibits import Exhibits, Screen
from labelvc.ops.gates import NOTHING, Brought
from labelvc.ops.look import Advance
from labelvc.ops.spread import Touched
from labelvc.store import git as plumbing
from labelvc.store import kept, log, tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_ROOM = 24
"""How many examples there may be of all ways while there are few of these and nobody says how many."""
_MOST_WAYS = 40
_MOST_FINDINGS = 500
_MOST_ROWS = 200
_MOST_DOCUMENTS = 200
_MOST_EDITS = 100
_MOST_LOST = 200
"""Rules on the step from one version to the next, which say nothing of either."""


class Asked(NamedTuple):
    """How a review is made.

    Attributes:
        pin: digest of root version 1, from outside the repository; None when there is none.
        brought: the date, and people to look for.
        jobs: worker processes.
        examples: how many of each way; None: as the touched datasets want it, else three, and more where there are few
            ways.
        advance: called with the number of shards that were checked.
        now: seconds since 1970: what `A...B` brings comes in no earlier.
    """

    pin: str | None = None
    brought: Brought = NOTHING
    jobs: int = 1
    examples: int | None = None
    advance: Advance | None = None
    now: int = 0


class _Place(NamedTuple):
    """Where a review is made: the repository, what reads it, the snapshots, their projects as the base judges them, and what hides plain values."""

    git: Git
    reader: Reader
    cache: Cache
    pair: Range
    projects: tuple[Project | None, Project | None]
    veil: Veil


def review(git: Git, words: str, asked: Asked | None = None) -> Review:
    """Return everything that a page says of a change.

    Args:
        git: the repository.
        words: `A...B` for what B brings to A, or `A..B`.
        asked: how.

    Returns:
        The review. The same change gives the same value, whatever the number of jobs.

    Raises:
        ConfigurationError: there is no labelvc.yaml at the head.
        StoreError: an unknown revision, histories without a common commit, a shallow clone, or missing data.
        TrustError: a key that is needed to judge texts is not on this machine.
    """
    asked = asked or Asked()
    going = standing.course(git, words)
    pair = differing.resolve(git, words)
    with kept.comparing(), tree.reader(git) as reader, Cache(git) as cache:
        told = standing.of(git, reader, going, words, asked.pin, asked.now)
        judge = judges.of_range(git, words)
        both = [_project(git, one, reader, cache) for one in pair]
        old, new = [governing.by(judge, one) if judge and one else one for one in both]
        brought, jobs = asked.brought, asked.jobs
        report = check.changed(git, *pair, by=judge, brought=brought, fixed=True, jobs=jobs, advance=asked.advance)
        place = _Place(git, reader, cache, pair, (old, new), veil.over(git, *pair, reader=reader))
        screen = Screen(gates.of(git, old or new, brought))
        reading = _Reading(place, screen)
        drawn = reading.drawn(_ROOM if asked.examples is None else asked.examples, told.seed)
        return _review(place, words, asked, told, _quality(report), reading, drawn, screen)


class _Reading:
    """One pass over all that differs, counted and drawn from as it goes by."""

    def __init__(self, place: _Place, screen: Screen) -> None:
        self._place, self._screen = place, screen
        self.tally = diff.Tally(ways=False)
        sliced = slices.Slices(place.reader, place.veil, place.pair[::-1], slices.declared(*place.projects))
        self.counts = Counts(("annotator", "slice", "field"), sliced.of)
        self.turns: Counter[Turn] = Counter()
        self.touched: dict[str, Touched] = {}
        self.documents: list[Comparison] = []

    def drawn(self, number: int, seed: str) -> dict[Turn, Stratum[Comparison]]:
        """Read it all, and return what is drawn of each way."""
        return ways.draw(self._rows(), number, seed)

    def _rows(self) -> Iterator[tuple[Turn, str, Comparison]]:
        git, pair = self._place.git, self._place.pair
        drawn = mechanics.between(git, pair, self._place.veil).drawn
        deltas = differing.between(git, *pair, self._place.reader)
        for seen in self.counts.counted(self.tally.counted(deltas, drawn)):
            key = seen.delta.key
            if isinstance(key, str):
                bare = seen.delta._replace(old=None, new=None)
                self.documents.append(seen._replace(delta=bare))
                continue
            if not key.id or seen.kind == "mechanical":
                continue
            touched = self.touched.get(key.dataset)
            if touched is None:
                touched = self.touched[key.dataset] = Touched(self._place.projects, key.dataset)
            touched.add(key, seen)
            turn = self._shown(ways.way_of(seen))
            if turn is not None:
                self.turns[turn] += 1
                yield turn, str(key), seen

    def _shown(self, turn: Turn | None) -> Turn | None:
        """Return a way with what is personal in its labels covered: whoever edits a record may write anything there."""
        if turn is None:
            return None
        task, old, new = [None if name is None else self._screen.name(name) for name in turn]
        return task or "", old, new


def _review(
    place: _Place,
    words: str,
    asked: Asked,
    told: standing.Standing,
    quality: page.Quality,
    reading: _Reading,
    drawn: Mapping[Turn, Stratum[Comparison]],
    screen: Screen,
) -> Review:
    pair, summary, tables = place.pair, reading.tally.summary(), reading.counts.tables()
    one, _, two = words.partition("..." if "..." in words else "..")
    exhibits = Exhibits(place.reader, pair, place.veil, screen)
    wanted = list(_wanted(place))
    usual = max(profiles.EXAMPLES, _ROOM // max(1, len(reading.turns)))
    number = profiles.examples(wanted, usual) if asked.examples is None else asked.examples
    shown = {
        turn: Drawn(drawn[turn].size, tuple(map(exhibits.example, drawn[turn].drawn[:number])))
        for turn, _ in ways.ranked(reading.turns)[:_MOST_WAYS]
    }
    spreads = spread.of(place.reader, place.cache, pair, place.projects, place.veil, reading.touched)
    told_documents = [_document(seen, screen) for seen in reading.documents[:_MOST_DOCUMENTS]]
    before, after = spread.whole(spreads)
    return Review(
        words,
        page.End(one or "HEAD", pair.old.commit),
        page.End(two or "HEAD", pair.new.commit),
        told.verdict(screen),
        _counts(place, summary, tables, spreads, reading),
        quality,
        ways.told(reading.turns, told.seed, shown),
        _rates(tables["annotator"], before.people, screen),
        _rates(tables["slice"], before.slices, screen) if before.slices or after.slices else page.Rates((), 0),
        _rates(tables["field"], None, screen),
        tuple([_shift(one, screen) for one in spread.shifts(spreads, place.projects)]),
        tuple([structs.replace(one, task=screen.name(one.task)) for one in spread.agreements(spreads, place.projects)]),
        tuple(told_documents),
        len(reading.documents) - len(told_documents),
        tuple(spread.stranded(spreads, place.projects)),
        _merges(place.git, words),
        _privacy(quality, place.projects[1] or place.projects[0], screen),
        tuple(_licences(place, sorted(spreads))),
        told.provenance(f"labelvc {__version__}", asked.brought.today),
        exhibits.pictures,
        profiles.budget(wanted),
    )


def _wanted(place: _Place) -> Iterator[ReviewSetting]:
    """Yield how the datasets that the change touches want their review; the base says so, where it has them."""
    old, new = place.projects
    judged = governing.by(old, new) if old and new else old or new
    known = {name: one for project in (old, judged) if project for name, one in project.datasets.items()}
    touched = {parsed[0] for path in tree.changed(*place.pair) if (parsed := shard.parse_path(path))}
    yield from (known[name].review for name in sorted(touched & known.keys()))


def _project(git: Git, snapshot: Snapshot, reader: Reader, cache: Cache) -> Project | None:
    """Return a snapshot's project; None where its documents are not right, which the findings tell."""
    try:
        return projects.examine(git, snapshot, reader, cache)[1]
    except ConfigurationError:
        return None


def _counts(
    place: _Place,
    summary: diff.Summary,
    tables: Mapping[str, Rows],
    spreads: Mapping[str, spread.Spread],
    reading: _Reading,
) -> page.Counts:
    pair = place.pair
    before, after = spread.whole(spreads)
    records, items, documents = summary.records, summary.items, summary.documents
    relabelled = ways.relabelled(reading.turns)
    added, removed, changed = [records[kind] for kind in ("added", "removed", "changed")]
    places = [parsed for path in tree.changed(*pair) if (parsed := shard.parse_path(path))]
    names = set(spreads) | {parsed[0] for parsed in places}
    everywhere = {
        path for one in pair for path in one.entries if (parsed := shard.parse_path(path)) and parsed[0] in names
    }
    commits, edits = _edits(place.git, pair)
    return page.Counts(
        tuple(sorted(names)),
        page.Records(before.records, after.records, added, removed, changed, relabelled, records["touched"]),
        page.Items(
            before.items,
            before.items + items["added"] - items["removed"],
            items["added"],
            items["removed"],
            items["changed"],
            summary.touched_items,
        ),
        page.Documents(*[documents[kind] for kind in ("added", "removed", "changed")]),
        len(places),
        len(everywhere),
        len(tables["annotator"].keys() - {NOBODY}),
        commits,
        max(edits, added + removed + changed),
        dict(sorted(summary.mechanical.items())),
    )


def _edits(git: Git, pair: Range) -> tuple[int, int]:
    """Return the commits of a range, and how many records they edited, one after another."""
    span = (f"^{pair.old.commit}", pair.new.commit)
    commits = int(plumbing.run(git, "rev-list", "--count", *span))
    if commits < 2:  # what one commit edits is what differs
        return commits, 0
    edits = 0
    for entry in log.read(git, pair.new.commit, ["datasets/*/annotations/*"], base=pair.old.commit):
        for file in entry.files:
            if isinstance(file, FileChange) and shard.parse_path(file.path):
                edits += sum(isinstance(delta.key, Key) and bool(delta.key.id) for delta in diff.pair(file))
    return commits, edits


def _quality(report: check.Report) -> page.Quality:
    """Return what is found otherwise than before."""
    new, gone = [
        sorted(rows, key=lambda one: -SEVERITIES.index(one.severity)) for rows in (report.findings, report.fixed)
    ]
    return page.Quality(
        _by_severity(new),
        _by_severity(gone),
        report.known,
        tuple(new[:_MOST_FINDINGS]),
        max(0, len(new) - _MOST_FINDINGS),
        tuple(gone[:_MOST_FINDINGS]),
        max(0, len(gone) - _MOST_FINDINGS),
        report.waived[:_MOST_FINDINGS],
        max(0, len(report.waived) - _MOST_FINDINGS),
    )


def _by_severity(found: Iterable[Finding]) -> dict[str, int]:
    counted = Counter([one.severity for one in found])
    return {severity: counted[severity] for severity in SEVERITIES[::-1] if counted[severity]}


def _shift(shift: Shift, screen: Screen) -> Shift:
    rows = tuple([structs.replace(row, label=screen.name(row.label)) for row in shift.rows])
    return structs.replace(shift, task=screen.name(shift.task), rows=rows)


def _rates(rows: Rows, there: Mapping[str, int] | None, screen: Screen) -> page.Rates:
    """Return how many records of each row differ, of those that were there before or came.

    Args:
        rows: name to counts.
        there: name to records before; None where there is no such number.
        screen: covers what is personal in a name.
    """
    found = []
    for name, counted in list(rows.items())[:_MOST_ROWS]:
        total = 0 if there is None else there.get(name, 0) + counted["added"]
        changed, added, removed = [counted[kind] for kind in ("changed", "added", "removed")]
        rate = round(1000 * (changed + added + removed) / total, 1) if total else None
        found.append(page.Rate(screen.name(ways.named(name)), total, changed, added, removed, counted["touched"], rate))
    return page.Rates(tuple(found), len(rows) - len(found))


def _document(seen: Comparison, screen: Screen) -> page.Document:
    edits = tuple(map(screen.edit, seen.edits[:_MOST_EDITS]))
    return page.Document(
        screen.over(str(seen.delta.key)), seen.kind, screen.over(seen.said), edits, len(seen.edits) - len(edits)
    )


def _merges(git: Git, words: str) -> page.Merges:
    found = audit.merges(git, words)
    verdicts: Counter[str] = Counter()
    rows: list[page.Lost] = []
    problems: list[page.Problem] = []
    with audit.Auditor(git) as auditor:
        for merge in found:
            try:
                for _, one in auditor.examine(merge):
                    verdicts[one.kind] += 1
                    rows.append(page.Lost(merge.commit, one.kind, str(one.key), one.side, one.fields))
            except (DataError, StoreError) as error:
                problems.append(page.Problem(merge.commit, error.message))
    rows.sort(key=lambda row: row.kind == "resolved")
    more = max(0, len(rows) - _MOST_LOST)
    return page.Merges(len(found), dict(sorted(verdicts.items())), tuple(rows[:_MOST_LOST]), more, tuple(problems))


def _privacy(quality: page.Quality, project: Project | None, screen: Screen) -> page.Privacy:
    rules = Counter([one.rule for one in quality.findings if one.rule.startswith(("privacy.", "pseudonym."))])
    fields = sum(len(dataset.sensitive) for dataset in project.datasets.values()) if project else 0
    return page.Privacy(dict(sorted(rules.items())), fields, screen.covered)


def _licences(place: _Place, names: Iterable[str]) -> Iterator[page.Licence]:
    """Yield what is said of the licences of datasets at the head."""
    project, pair = place.projects[1] or place.projects[0], place.pair
    if project is None:
        return
    said = projects.values(place.git, [("project", place.reader.read(projects.TOP, pair.new.entries[projects.TOP]))])
    for name in names:
        if name in project.datasets:
            listed = project.datasets[name].sources
            found = disclosure.licences(said[0], disclosure.sources(listed))
            yield page.Licence(name, found, len(listed), sum(not source.get("licence") for source in listed))
