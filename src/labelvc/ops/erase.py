"""Erase: a person taken out of everything here that can still be changed, and told what cannot."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from labelvc.codec import dsse, shard
from labelvc.core.erasure import Eraser, Fate, Way
from labelvc.errors import ConfigurationError, RefusedError
from labelvc.model.change import Delta
from labelvc.model.erasure import Counted
from labelvc.model.names import Layer
from labelvc.model.project import Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import custody, erasures, links, reach
from labelvc.ops import dataset as datasets
from labelvc.ops import project as projects
from labelvc.ops.apply import Patch
from labelvc.ops.custody import Act
from labelvc.ops.erasures import Roll
from labelvc.ops.look import Advance
from labelvc.ops.reach import Reach
from labelvc.ops.sharing import Openers
from labelvc.ops.subject import Subject, refuse_untold
from labelvc.store import files, journal, pointer, tree
from labelvc.store import vault as folders
from labelvc.store.git import Git
from labelvc.store.keys import Signer
from labelvc.store.reader import Reader

_NAMED = 10
_DRAWN = 32


class Standing(NamedTuple):
    """Where a person stands in a dataset, and what becomes of it.

    Attributes:
        dataset: its name.
        storage: `git` or `dvc`.
        dropped, unlinked: how many lines.
        items: how many of them are items.
        sealed: how many sealed values nobody can open afterwards.
        fields: JSON pointer to how many lines have a token there.
        first: keys of some lines; a key that holds a token is left out.
    """

    dataset: str
    storage: str
    dropped: int
    unlinked: int
    items: int
    sealed: int
    fields: dict[str, int]
    first: tuple[str, ...]


class Kept(NamedTuple):
    """What the vault on this machine holds of a person: rows, tombstones, links and keys; and files that wait in its inbox."""

    rows: int
    gone: int
    links: int
    waiting: int


class Plan(NamedTuple):
    """What an erasure would do, and what it cannot.

    Attributes:
        subject: who.
        way: what was asked for the records; None: each by its place.
        fixed: whether the project fixes it.
        standing: by dataset, at HEAD.
        kept: what the vault here holds; None where there is no vault.
        documents: other files of the work tree that hold a token; a person edits them.
        reach: what holds a token in history.
        holders: who has to confirm.
        listed: the tokens that the ledger has already.
    """

    subject: Subject
    way: Way | None
    fixed: bool
    standing: list[Standing]
    kept: Kept | None
    documents: list[str]
    reach: Reach
    holders: tuple[str, ...]
    listed: frozenset[str]


class Done(NamedTuple):
    """What an erasure did.

    Attributes:
        name: of its entry in the ledger; empty when there was nothing to write.
        written: paths that were written and staged.
        counted: lines dropped and unlinked.
        forgotten: tokens that the vault here forgot, none when it had before; None where there is no vault.
        confirmed: who confirmed with it; empty for who holds no share.
    """

    name: str
    written: list[str]
    counted: Counted
    forgotten: list[str] | None
    confirmed: str


def way_of(project: Project, wish: Way | None) -> tuple[Way | None, bool]:
    """Return the way of every line, and whether the project fixes it.

    Raises:
        RefusedError: somebody wants another than the project fixes.
    """
    fixed = project.erase
    if fixed and wish and fixed != wish:
        message = f"the project fixes how records of an erased person go: {fixed}"
        raise RefusedError(message, where="labelvc.yaml: privacy.erase", hint=f"--records {fixed}, or leave it out")
    return fixed or wish, bool(fixed)


def plan(git: Git, subject: Subject, wish: Way | None, advance: Advance | None = None) -> Plan:
    """Return what an erasure would do; nothing is written.

    Raises:
        ConfigurationError: no project here, or its documents are wrong.
        DataError: a line that bears a token cannot be read.
        StoreError: a file or object cannot be read, or this is a shallow clone.
        TrustError: the tokens stand nowhere here, and what they became since cannot be told.
    """
    work, project = datasets.opened(git)
    way, fixed = way_of(project, wish)
    with tree.reader(git) as reader:
        found = [_standing(git, reader, work, project, name, subject, way) for name in sorted(project.datasets)]
        documents = list(_documents(reader, work, subject.tokens))
    found = [one for one in found if one.dropped or one.unlinked]
    if not found and not project.erased.issuperset(subject.tokens):
        refuse_untold(subject)
    wanted = reach.pattern([token.encode() for token in subject.tokens])
    return Plan(
        subject,
        way,
        fixed,
        found,
        _kept(git, subject),
        documents,
        reach.find(git, wanted, advance),
        tuple([holder.person for holder in erasures.roll(git).holders]),
        project.erased.intersection(subject.tokens),
    )


def apply(
    git: Git, subject: Subject, wish: Way | None, act: Act, openers: Openers, signer: Signer, now: datetime
) -> Done:
    """Take a person out of records, ledger and vault; what is done already is left alone.

    Records and ledger change as one step that a kill does not halve, and only then the vault forgets: whatever stops in
    between, the ledger says what is left to do, and the same command does it.

    Args:
        git: the repository.
        subject: who.
        wish: what shall become of the records.
        act: who does it, when and why.
        openers: open the vault, where there is one.
        signer: signs the ledger.
        now: with the person's offset from UTC.

    Raises:
        RefusedError: a dataset that bears a token has changes which are not committed, or the project fixes another way.
        TrustError: the key belongs to nobody the last commit names, the vault was not opened, or the tokens stand nowhere
            here and what they became since cannot be told.
        DataError: a line cannot be read.
        StoreError: the disk, git or DVC could not do it; then nothing has changed.
    """
    if subject.vault and not subject.opened:
        raise ConfigurationError(
            "the vault on this machine has to forget too", hint="open it: -i FILE for each of its people"
        )
    known = erasures.roll(git)
    who = erasures.speaker(known, signer.key)
    name, written, counted = _rewritten(git, subject, wish, act, known, who, signer, now)
    for entry in _of(git, subject.tokens, known):
        if entry.signed is None:  # `vault forget` began it
            written += _signed(git, entry, known, who, signer, now, records=Counted(0, 0))
    forgotten, confirmed = None, ""
    if subject.vault:
        gone = custody.forget(git, act, openers, subject.tokens, "erase")
        forgotten = gone.tokens if gone.fresh else []
        if any(holder.person == who for holder in known.holders):
            confirmed = who
            for entry in _of(git, subject.tokens, known):
                if who not in entry.confirmed:
                    written += _signed(git, entry, known, who, signer, now, vault_root=gone.root)
    return Done(name, written, counted, forgotten, confirmed)


def confirm(git: Git, wanted: str, act: Act, openers: Openers, signer: Signer, now: datetime) -> list[str]:
    """Have the vault on this machine forget what the ledger lists, and sign that it did.

    Args:
        git: the repository.
        wanted: a token or the name of an entry; empty: all of the ledger.
        act: who does it, when and why.
        openers: open the vault, where there is one.
        signer: the holder's key.
        now: with the person's offset from UTC.

    Returns:
        The paths of statements that were written and staged; none for what was confirmed already.

    Raises:
        RefusedError: the person holds no share, or the ledger has no such entry.
        TrustError: the key is nobody's, or the vault does not open.
    """
    known = erasures.roll(git)
    who = erasures.speaker(known, signer.key)
    entries = [
        entry for entry in erasures.read(git, tree.work(git), known) if wanted in ("", entry.name, *entry.tokens)
    ]
    if not entries:
        raise RefusedError("the ledger has no such erasure", where=projects.ERASURES, hint="labelvc erase --list")
    if not any(who in entry.holders for entry in entries):
        message = f"{who} holds no share of the vault's key, so there is nothing to confirm"
        pending = ", ".join(sorted({holder for entry in entries for holder in entry.holders}))
        hint = f"each of {pending} runs it, with the key that the policy has under that name: labelvc policy show"
        raise RefusedError(message, where=projects.RECIPIENTS, hint=hint)
    root = ""
    if folders.current(folders.home(git)) is not None:
        tokens = [token for entry in entries for token in entry.tokens]
        root = custody.forget(git, act, openers, tokens, "confirm").root
    mine = [entry for entry in entries if who in entry.holders and who not in entry.confirmed]
    return [path for entry in mine for path in _signed(git, entry, known, who, signer, now, vault_root=root)]


def _rewritten(
    git: Git, subject: Subject, wish: Way | None, act: Act, known: Roll, who: str, signer: Signer, now: datetime
) -> tuple[str, list[str], Counted]:
    """Rewrite records and write the signed entry of the ledger, as one step; nothing when there is nothing to do.

    Whoever is in the ledger already and came back, by a merge that is not committed yet, is taken out of what lies there.
    """
    counted: Counter[Way] = Counter()
    touched: set[str] = set()
    with files.lock(git) as since, tree.reader(git) as reader, Patch(git, reader, tree.work(git)) as patch:
        work, project = datasets.opened(git)
        way, _ = way_of(project, wish)
        for name in sorted(project.datasets):
            for fate in _fates(reader, work, name, subject.tokens, way):
                if name not in touched and not project.erased.issuperset(subject.tokens):
                    datasets.refuse_dirty(git, project.datasets[name], work)
                touched.add(name)
                counted[fate.way] += 1
                for delta in fate.deltas:
                    patch.take(delta)
        sums = Counted(counted["drop"], counted["unlink"])
        fresh = sorted(set(subject.tokens) - project.erased)
        if not fresh and not touched:
            return "", [], sums
        if not touched:
            refuse_untold(subject)
        entry, wrote = secrets.token_hex(8), list[str]()
        file = erasures.listed(fresh or subject.tokens, act.at)
        signed = erasures.sealed(erasures.draft(project.id, file, known, who, records=sums), signer, now)
        for path, data in ((erasures.path_of(entry), file), (erasures.path_of(entry, who), signed)):
            patch.take(Delta(path, None, data))
            wrote.append(path)
        with journal.transaction(git, "erase", since) as change:
            patch.write(change)
            change.then("stage", [*wrote, *_staged(project, touched)])
    return entry, wrote, sums


def _staged(project: Project, touched: Collection[str]) -> list[str]:
    """Return the folders of shards to stage; what lies behind DVC is staged by its pointer."""
    return [
        f"datasets/{name}/{layer}"
        for name in sorted(touched)
        for layer in ("annotations", "items")
        if layer == "items" or project.datasets[name].storage == "git"
    ]


def _of(git: Git, tokens: Sequence[str], known: Roll) -> list[erasures.Entry]:
    return [entry for entry in erasures.read(git, tree.work(git), known) if not set(tokens).isdisjoint(entry.tokens)]


def _signed(
    git: Git, entry: erasures.Entry, known: Roll, who: str, signer: Signer, now: datetime, *, records: Counted | None = None,
    vault_root: str = "",
) -> list[str]:  # fmt: skip
    """Write somebody's statement on an entry of the ledger and stage it; return its path."""
    file = (git.top / erasures.path_of(entry.name)).read_bytes()
    said = erasures.draft(custody.project_here(git).id, file, known, who, records=records, vault=vault_root)
    path = erasures.path_of(entry.name, who, said.did)
    with files.lock(git) as since, journal.transaction(git, "erase", since) as change:
        change.write(path, erasures.sealed(said, signer, now))
        change.then("stage", [path])
    return [path]


def _fates(reader: Reader, work: Snapshot, dataset: str, tokens: Collection[str], way: Way | None) -> Iterator[Fate]:
    """Yield what becomes of every line of a dataset that bears a token; memory holds the two shards of one name."""
    eraser = Eraser(tokens, way, _draw)
    names: dict[str, dict[Layer, str]] = {}
    for path in work.entries:
        place = shard.parse_path(path)
        if place and place[0] == dataset:
            names.setdefault(place[2], {})[place[1]] = path
    for _, paths in sorted(names.items()):
        data = {layer: reader.read(path, work.entries[path]) for layer, path in paths.items()}
        yield from eraser.fates(dataset, data.get("items", b""), data.get("annotations", b""))


def _draw() -> bytes:
    return secrets.token_bytes(_DRAWN)


def _standing(
    git: Git, reader: Reader, work: Snapshot, project: Project, name: str, subject: Subject, way: Way | None
) -> Standing:
    ways, fields = Counter[Way](), Counter[str]()
    items = sealed = 0
    first: list[str] = []
    for fate in _fates(reader, work, name, subject.tokens, way):
        ways[fate.way] += 1
        fields.update(set(fate.pointers))
        items += not fate.key.id
        sealed += fate.sealed
        if len(first) < _NAMED and not any(token in str(fate.key) for token in subject.tokens):
            first.append(str(fate.key))
    storage = project.datasets[name].storage
    return Standing(
        name, storage, ways["drop"], ways["unlink"], items, sealed, dict(sorted(fields.items())), tuple(first)
    )


def _documents(reader: Reader, work: Snapshot, tokens: Sequence[str]) -> Iterator[str]:
    """Yield the files beside shards and the ledger that hold a token, plain or inside of something signed."""
    wanted = reach.pattern([part for token in tokens for part in (token.encode(), *dsse.inside(token.encode()))])
    for path in sorted(work.entries):
        entry = work.entries[path]
        aside = shard.parse_path(path) or path.startswith(projects.ERASURES) or pointer.is_about_shards(path)
        if not aside and entry.kind not in ("link", "dvc") and wanted.search(reader.read(path, entry)):
            yield path


def _kept(git: Git, subject: Subject) -> Kept | None:
    if not subject.vault:
        return None
    folder = folders.home(git)
    rows = [line for lines in folders.rows(folders.needed(folder)).values() for line in lines]
    mine = [line for line in rows if any(token.encode() in line for token in subject.tokens)]
    gone = sum(b'"gone":true' in line for line in mine)
    return Kept(len(mine) - gone, gone, links.linked(folder, subject.tokens), len(folders.waiting(folder)))
