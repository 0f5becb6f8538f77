"""Re-key: every token of a project carried into a new epoch in one step, and nothing else changed."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import NamedTuple

from labelvc.codec import epochs, shard
from labelvc.core import domains as rules
from labelvc.core import pseudonym
from labelvc.core.rekey import carries, tokens_in
from labelvc.errors import ConfigurationError, DataError, RefusedError
from labelvc.model.detection import BASELINE
from labelvc.model.project import Dataset, Project
from labelvc.model.secret import Epoch, Secret
from labelvc.model.snapshot import Snapshot
from labelvc.ops import carrying, domains, naming, pseudonyms
from labelvc.ops import dataset as datasets
from labelvc.ops import project as projects
from labelvc.ops.carriage import Carriage, Texts, shard_of
from labelvc.ops.carrying import Way
from labelvc.ops.dataset import Advance
from labelvc.store import files, journal, keyring, tree
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.journal import Transaction
from labelvc.store.keyring import SECRET_BYTES
from labelvc.store.reader import Reader

Ways = Callable[[Secret, Project], Way]


class Asked(NamedTuple):
    """What a person asked for.

    Attributes:
        epoch: the epoch that the tokens shall be of.
        created: when it begins, UTC.
        chained: whether new tokens are made of the old ones; otherwise of the values that the vault has.
    """

    epoch: str
    created: str
    chained: bool


class Done(NamedTuple):
    """What a re-key did, or would do.

    Attributes:
        before: the epochs of the tokens that were carried.
        epoch: the one they are of now.
        tokens: old token to new one.
        records, items: how many lines of each changed.
        datasets: their names.
        waiting: rows that wait in the vault's inbox.
    """

    before: tuple[str, ...]
    epoch: str
    tokens: dict[str, str]
    records: int
    items: int
    datasets: tuple[str, ...]
    waiting: int = 0


def rekey(git: Git, asked: Asked, ways: Ways, *, dry: bool = False, advance: Advance | None = None) -> Done:
    """Carry every token of the work tree into an epoch that begins with it.

    Args:
        git: the repository.
        asked: what is asked.
        ways: makes of the new epoch's secret what turns old tokens into new ones.
        dry: only say what would happen; with a secret that is thrown away, unless the epoch's is here already.
        advance: called with the number of lines looked at.

    Returns:
        What happened.

    Raises:
        ConfigurationError: the epoch cannot begin now.
        RefusedError: a dataset has changes that are not committed.
        TrustError: a secret that is needed is not here, or is the wrong one.
        DataError: a token stands where it cannot be rewritten, is of an epoch nobody knows or of the new one, has wrong check
            letters, or cannot be carried; nothing was written.
        StoreError: a conflict, another command writes here, or the disk, git or DVC could not do it.
    """
    with nullcontext(0) if dry else files.lock(git) as since:
        work, project = datasets.opened(git)
        for dataset in project.datasets.values():
            datasets.refuse_dirty(git, dataset, work)
        with tree.reader(git) as reader:
            known = _begun(git, work, reader, asked)
            secret, fresh = _secret(git, known, asked, dry=dry)
            kept = False
            try:
                way = ways(secret, project)
                run = Run(git, work, project, way, known, asked)
                if dry:
                    return run.all(reader, None, advance)
                with journal.transaction(git, f"pseudonym rekey --to {asked.epoch}", since) as change:
                    done = run.all(reader, change, advance)
                    kept = True  # what the vault keeps from here on is of this secret
                    return done._replace(waiting=carrying.keep(git, way))
            except BaseException:
                if fresh and not kept and not journal.is_pending(git):
                    keyring.path(git, asked.epoch).unlink(missing_ok=True)
                raise


def _begun(git: Git, work: Snapshot, reader: Reader, asked: Asked) -> list[Epoch]:
    """Return the epochs as they will be, without the new one's commitment where it has none yet.

    An epoch that the last commit knows may have tokens already, which nobody could tell from those of a re-key.
    """
    before = pseudonyms.listed(tree.commit(git, "HEAD"), reader) if plumbing.head(git) else ()
    here = pseudonyms.listed(work, reader)
    if not before:
        message = "no epoch was committed yet, so there is nothing to re-key"
        raise ConfigurationError(message, where=epochs.PATH, hint="labelvc import, then git commit")
    following = pseudonym.next_epoch(before[-1].id)
    if asked.epoch != following:
        message = f"a re-key begins an epoch of its own, the next one: {following!r}, not {asked.epoch!r}"
        hint = f"labelvc pseudonym rekey --to {following}{' --chained' if asked.chained else ''}"
        raise ConfigurationError(message, where=epochs.PATH, hint=hint)
    last = epochs.active(before) or before[-1]
    if here != before and ([each.id for each in here[:-1]], here[-1].id) != ([each.id for each in before], following):
        message = "the list of epochs was changed by hand"
        raise ConfigurationError(message, where=epochs.PATH, hint=f"git restore --staged --worktree {epochs.PATH}")
    began, committed = (here[-1].created, here[-1].commitment) if here != before else (asked.created, "")
    retired = [epoch._replace(status="retired") if epoch.status == "active" else epoch for epoch in before]
    chained = last.id if asked.chained else ""
    return [*retired, Epoch(following, "active", began, committed, chained, rekeyed=not asked.chained)]


def _secret(git: Git, known: list[Epoch], asked: Asked, *, dry: bool) -> tuple[Secret, bool]:
    """Return the new epoch's secret, and whether it was made now; `known` gets its commitment.

    One that a killed command left is taken up: no list has its epoch, so it made no token that anybody keeps.
    """
    if asked.chained:
        pseudonyms.secrets(git, known[:-1], next(each for each in known if each.id == known[-1].before))
    there = keyring.path(git, asked.epoch).exists()
    if there or known[-1].commitment:
        secret, fresh = keyring.load(git, known[-1]), False
    elif dry:
        secret, fresh = Secret(asked.epoch, secrets.token_bytes(SECRET_BYTES)), False
    else:
        secret, fresh = keyring.create(git, asked.epoch), True
    known[-1] = known[-1]._replace(commitment=pseudonym.commitment(secret))
    return secret, fresh


class Run:
    """One re-key as it is worked out: looks at every line, and refuses what it cannot carry."""

    def __init__(
        self, git: Git, work: Snapshot, project: Project, way: Way, known: Sequence[Epoch], asked: Asked
    ) -> None:
        self._git, self._work, self._project, self._way = git, work, project, way
        self._known, self._asked = known, asked
        self._old = {epoch.id for epoch in known[:-1]}
        self._domains = rules.of(project)
        self._gone: set[str] = set()
        self._changed = {"annotations": 0, "items": 0}

    def all(self, reader: Reader, change: Transaction | None, advance: Advance | None) -> Done:
        """Look at everything, and hand what changes to a transaction."""
        self._gone = self.erased(reader)
        self.refuse_elsewhere(reader)
        carriage = Carriage(self._way, self._known, self._gone)
        every = self._project.datasets.values()
        touched = [dataset for dataset in every if self.rewritten(reader, dataset, carriage, change, advance)]
        if not carriage.tokens:
            message = "there is no token to re-key"
            raise RefusedError(message, where=str(self._git.top), hint="labelvc pseudonym new begins an epoch")
        if change is not None:
            change.write(epochs.PATH, epochs.write(self._known))
            self.then(change, touched, [epochs.PATH, *self._erase(change)])
        return self.done(carriage, touched)

    def done(self, carriage: Carriage, touched: Sequence[Dataset]) -> Done:
        """Return what was done."""
        names = tuple(dataset.name for dataset in touched)
        counts = self._changed["annotations"], self._changed["items"]
        return Done(tuple(sorted(carriage.met)), self._asked.epoch, dict(carriage.tokens), *counts, names)

    def rewritten(
        self, reader: Reader, dataset: Dataset, carriage: Carriage, change: Transaction | None, advance: Advance | None
    ) -> bool:
        """Rewrite the shards of a dataset, items before the labels on them; tells whether one changed."""
        places = [(at, path) for path in self._work.entries if (at := shard.parse_path(path)) and at[0] == dataset.name]
        touched = False
        texts: Texts = {}
        last = ""
        for (_, side, name), path in sorted(places, key=lambda place: (place[0][2], place[0][1] != "items")):
            if name != last:
                texts, last = {}, name
            lines, changed = [], False
            of = shard_of(dataset, side, self._domains, texts)
            for layer, _, _, raw in datasets.layer_lines(reader, self._work, dataset, [path]):
                new = carriage.line(raw, of)
                changed |= new is not raw
                self._changed[layer] += new is not raw
                lines.append(new)
            if changed and change is not None:
                change.write(path, shard.write(lines), fresh=self._work.entries[path].kind == "dvc")
            touched |= changed
            if advance:
                advance(len(lines))
        return touched

    def refuse_elsewhere(self, reader: Reader) -> None:
        """Refuse tokens in what is no dataset's line: shards of no dataset, and documents."""
        for path in self._work.entries:
            place = shard.parse_path(path)
            if place is not None and place[0] not in self._project.datasets:
                message = "shards of a dataset that the project does not have may hold tokens"
                raise DataError(
                    message, where=path, hint=f"bring datasets/{place[0]}/dataset.yaml back, or delete them"
                )
        rows = [(path, entry) for path, entry in self._work.entries.items() if _may_tell(path)]
        for path, data in reader.lying(rows):
            if any(carries(token) and pseudonym.epoch_of(token) in self._old for token in tokens_in(data)):
                message = "a token stands in a file that a re-key does not rewrite"
                raise DataError(message, where=path, hint="take it out, or write there who is meant in another way")

    def erased(self, reader: Reader) -> set[str]:
        """Return the tokens of those who were forgotten."""
        paths = [path for path in self._work.entries if path.startswith(projects.ERASURES)]
        data = [reader.read(path, self._work.entries[path]) for path in paths]
        return {token for each in data for token in tokens_in(each) if pseudonym.is_token(token)}

    def _erase(self, change: Transaction) -> list[str]:
        """Write down what tokens of the forgotten would be now, where that can be told, so that `check` finds these too.

        Of a token that stands nowhere nobody can tell its domain: what it would be in each is written down.
        """
        if not self._asked.chained or not self._gone:
            return []
        path = f"{projects.ERASURES}rekey-{self._asked.epoch}.yaml"
        ever = domains.ever(self._git, self._project)
        listed = "".join([f"  - {self._way.of(token, each, path)}\n" for token in sorted(self._gone) for each in ever])
        head = "schema: urn:labelvc:schema:erasure:1\n"
        said = f'at: "{self._asked.created}"\nnote: what tokens of before are since a re-key\n'
        change.write(path, f"{head}{said}tokens:\n{listed}".encode())
        return [path]

    def then(self, change: Transaction, touched: Sequence[Dataset], stage: list[str]) -> None:
        """Have what changed stored and staged once it is written."""
        for dataset in touched:
            folder = f"datasets/{dataset.name}"
            layers = [layer for layer in ("annotations", "items") if any(_under(self._work, f"{folder}/{layer}/"))]
            if dataset.storage == "dvc" and "annotations" in layers:
                change.then("store", [f"{folder}/annotations"])
                layers.remove("annotations")
            stage += [f"{folder}/{layer}" for layer in layers]
        change.then("stage", stage)


def _may_tell(path: str) -> bool:
    """Tell whether a file is a document of the project that could hold a token which has to change.

    Who answered for a finding did so under the epoch whose gate key made its mark, and both stay.
    """
    away = ("trust/", projects.ERASURES, BASELINE)
    return naming.is_document(path) and not path.startswith(away) and "/media/" not in path


def _under(work: Snapshot, folder: str) -> Iterator[str]:
    return (path for path in work.entries if path.startswith(folder))
