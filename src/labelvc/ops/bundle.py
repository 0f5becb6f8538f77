"""Bundle: what an auditor needs to check a range of a history without the repository, gathered file by file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from labelvc import digests
from labelvc.core import changeset
from labelvc.core import release as rules
from labelvc.errors import DataError, TrustError
from labelvc.model import listing, release
from labelvc.model.approval import NAMESPACE
from labelvc.model.policy import Policy, Trust
from labelvc.model.release import FOLDER
from labelvc.model.snapshot import Entry
from labelvc.ops import approvals
from labelvc.ops import course as courses
from labelvc.ops import manifest as manifests
from labelvc.ops import population as counting
from labelvc.ops import release as releasing
from labelvc.ops import trust as trusting
from labelvc.ops.approvals import Problem, Shelf
from labelvc.ops.attest import Attester, Verdict
from labelvc.ops.course import Course
from labelvc.ops.population import Census, End, Row, Totals
from labelvc.ops.state import Scale
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.reader import Reader

MOST_MOVES = 20_000
"""Change-sets of more moves are left out of a bundle."""
TIMES = "times.txt"
"""When steps came in, seconds since 1970; there where something has a limit in time."""
NONE = "-"
"""What stands in a list where there is nothing."""
_SIGNERS = f'namespaces="{NAMESPACE},{release.NAMESPACE}"'
_DOCUMENT = re.compile(r"labelvc\.yaml|datasets/[^/]+/dataset\.yaml|(guidelines|taxonomies|profiles|schemas)/.+")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class Evidence(NamedTuple):
    """What was gathered.

    Attributes:
        going: the steps.
        rows: how each stands, without its moves.
        files: name in the bundle to content.
        policies: name in the bundle to the policy, in the order in which they came into force.
        releases: what is to be said of each release in the tree at the end; their data were not looked at.
        totals, ends: of the population.
        left_out: what is not in the bundle, and why.
    """

    going: Course
    rows: list[Row]
    files: dict[str, bytes]
    policies: dict[str, Trust]
    releases: list[Verdict]
    totals: Totals
    ends: tuple[End, End]
    left_out: list[str]

    @property
    def trust(self) -> Trust:
        """The last policy, and the longest chain of roots."""
        return max(self.policies.values(), key=lambda one: len(one.roots))


def course(git: Git, words: str | None) -> Course:
    """Return the steps that a bundle is about.

    Args:
        git: the repository.
        words: a version: all that came in since the release before it; a range as for `verify`; None: the whole history.

    Raises:
        StoreError: no such revision, or the release before is not on the first-parent line.
    """
    if words is None or ".." in words:
        return courses.read(git, words, everything=words is None)
    found = manifests.history(git, plumbing.resolve(git, "HEAD"))
    name = words.removeprefix("v")
    made = next((one for one in found if str(one.version) == name), None)
    if made is None:
        raise DataError(
            f"there is no release {words}", where=f"{FOLDER}/", hint="labelvc release list, or name a range A..B"
        )
    before = [one for one in found if one.version < made.version]
    if not before:
        return courses.read(git, made.commit, everything=True)
    return courses.read(git, f"{before[-1].commit}..{made.commit}")


def name_of(trust: Trust) -> str:
    """Return the name of a policy in a bundle: its version and the first 12 digits of its digest."""
    return f"{trust.policy.version}-{trust.digest.removeprefix('sha256:')[:12]}"


def signers(policy: Policy) -> bytes:
    """Return the keys of a policy as `ssh-keygen -Y verify -f` reads them."""
    rows = [f"{who} {_SIGNERS} {line}\n" for who, person in sorted(policy.principals.items()) for line in person.keys]
    return "".join(rows).encode()


def log_text(rows: rules.Log) -> bytes:
    """Return the log of approvals: a SHA-256 and a path a line, in its order."""
    return "".join(f"{digest} {path}\n" for path, digest in rows.rows).encode()


class Gatherer:
    """Gathers the evidence on a course.

    Args:
        git: the repository.
        reader: reads objects.
        pin: digest of root version 1, from outside the repository; None when there is none.
    """

    def __init__(self, git: Git, reader: Reader, pin: str | None) -> None:
        self._git, self._reader, self._pin = git, reader, pin
        self._census, self._shelf = Census(git, reader, pin), Shelf(reader)
        self._files: dict[str, bytes] = {}
        self._policies: dict[str, Trust] = {}
        self._judged: dict[str, str] = {}
        self._documents: set[tuple[str, str]] = set()
        self._left: list[str] = []

    def gather(self, going: Course, advance: Callable[[], None]) -> Evidence:
        """Return the evidence.

        Args:
            going: the steps.
            advance: called after each step.

        Raises:
            TrustError: no policy was in force that could vouch for anything, two roots of one version were, or the first is
                not the pinned one.
            DataError: a release before it cannot be read.
            StoreError: git or DVC data is missing.
        """
        totals = Totals()
        if self._pin is not None:  # a policy under another root would only look as if there were none
            trusting.load(self._reader, tree.commit(self._git, going.head, ["trust"]), self._pin)
        ends = counting.end(self._git, self._reader, going.base), counting.end(self._git, self._reader, going.head)
        self._documents_at(going.base)
        rows = []
        for row in totals.of(self._census.rows(going)):
            self._step(row, going.ruler)
            rows.append(row._replace(found=counting.NOTHING, words={}, folders={}, brought={}))
            advance()
        self._policy(going.head)
        releases = list(self._releases(going.head))
        if not self._policies:
            raise TrustError(
                "no policy was in force in this range, so nothing in a bundle could be proved",
                where=going.head[:12],
                hint="labelvc trust init",
            )
        self._lists(going, rows)
        return Evidence(going, rows, self._files, self._policies, releases, totals, ends, self._left)

    def _step(self, row: Row, ruler: str) -> None:
        """Add what one step brings: its policy, its change-set, documents, and the statements that came with it or speak for it."""
        policy = self._policy((ruler or row.step.parent) if row.trust else "")
        found = row.found.changeset
        if found.moves and self._changeset(found.root, lambda: changeset.write(row.found.lines), len(found.moves)):
            self._left.append(f"the change-set of {row.commit.id}: {len(found.moves):,} changes")
        for move in found.moves:
            path = move.key.replace("%23", "#").replace("%25", "%")
            if move.new is not None and "#" not in move.key and _DOCUMENT.fullmatch(path):
                self._document(path, plumbing.show(self._git, row.commit.id, path))
        folders, new = row.folders, row.brought
        for one in row.statements:
            self._statement(one.path, folders[one.approval.root][one.path], policy)
        for root in sorted({root for root in map(approvals.root_of, new) if root}):
            for said in self._shelf.statements(root, folders[root], row.trust) if row.trust else ():
                if said.path in new:
                    self._statement(said.path, new[said.path], NONE if isinstance(said, Problem) else policy)
            for path in sorted(new.keys() & folders[root].keys()):
                self._statement(path, new[path], NONE)

    def _statement(self, path: str, entry: Entry, policy: str) -> None:
        """Add a statement, its change-set, and the policy it was judged by; the first that knows it as good."""
        folder, _, name = path.rpartition("/")
        if self._judged.get(path, NONE) != NONE or name == approvals.CHANGE_SET:
            return
        if not _FILE.fullmatch(name):
            self._left.append(f"a file in {folder} whose name no statement can have")
            return
        self._judged[path] = policy
        self._files[path] = self._reader.read(path, entry)

    def _changeset(self, root: str, data: Callable[[], bytes], moves: int) -> bool:
        """Add a change-set; tell whether it is too large."""
        if moves <= MOST_MOVES:
            self._files.setdefault(f"changesets/{root.removeprefix('sha256:')}.jsonl", data())
        return moves > MOST_MOVES

    def _policy(self, commit: str) -> str:
        """Add the policy at a commit, and its roots; return its name, `-` where there is none."""
        trust = self._census.trust(commit) if commit else None
        if trust is None:
            return NONE
        name = name_of(trust)
        if name in self._policies:
            return name
        snapshot = tree.commit(self._git, commit, ["trust"])
        self._policies[name] = trust
        self._files[f"policies/{name}.json"] = self._reader.read(trusting.POLICY, snapshot.entries[trusting.POLICY])
        self._files[f"policies/{name}.signers"] = signers(trust.policy)
        for number in range(1, len(trust.roots) + 1):
            path = f"trust/root/{number}.json"
            data = self._reader.read(path, snapshot.entries[path])
            if self._files.setdefault(f"root/{number}.json", data) != data:
                message = f"two roots of version {number} were in force in this range"
                raise TrustError(message, where=path, hint="labelvc verify --all")
        return name

    def _releases(self, head: str) -> Iterator[Verdict]:
        """Add the releases in the tree, with the policies they were judged by; yield what is to be said of each."""
        entries = tree.commit(self._git, head, (FOLDER,)).entries
        for path, entry in listing.under(entries, f"{FOLDER}/"):
            if _FILE.fullmatch(path.removeprefix(f"{FOLDER}/")) and entry.kind == "git":
                self._files[path] = self._reader.read(path, entry)
            else:
                self._left.append("a file in releases/ of another name than releases have")
        rows = []
        with Cache(self._git) as cache:
            attester = Attester(self._git, self._reader, cache, self._pin, head)
            for made in manifests.history(self._git, head):
                if made.entry is not None:
                    parent = (
                        plumbing.run(self._git, "rev-list", "--parents", "--max-count=1", made.commit).decode().split()
                    )
                    rows.append(f"{made.version} {self._policy(parent[1] if len(parent) > 1 else '')}\n")
                yield attester.verdict(made, None)
            scale = Scale(self._reader, cache)
            base = releasing.based(self._git, self._reader, scale, head)
            grown = base.log.grown(scale.statements(tree.commit(self._git, head, [approvals.FOLDER])))
        self._files["log.txt"] = log_text(grown)
        self._files["releases.txt"] = "".join(rows).encode()

    def _lists(self, going: Course, rows: list[Row]) -> None:
        """Add the lists of steps, commits, policies, statements and documents; the change-sets that statements are about."""
        words = [f"{going.base}..{going.head}" if going.base else going.head]
        told = plumbing.run(self._git, "rev-list", "--topo-order", "--reverse", "--format=%H %T %P", *words)
        lines = [line.rstrip() for line in told.decode().splitlines() if not line.startswith("commit ")]
        trees = {line.split(" ", 2)[0]: line.split(" ", 2)[1] for line in lines}
        steps = [
            f"{row.commit.id} {row.step.parent or NONE} {trees[row.commit.id]} "
            f"{name_of(row.trust) if row.trust else NONE} {row.step.root.removeprefix('sha256:')} {row.state}\n"
            for row in rows
        ]
        self._files["commits.txt"] = "".join(f"{line}\n" for line in lines).encode()
        self._files["steps.txt"] = "".join(steps).encode()
        dates = self._census.dates
        if dates.asked:
            times = [f"{row.commit.id} {dates.at(row.commit.id, going.ruler)}\n" for row in rows]
            self._files[TIMES] = "".join(times).encode()
        self._files["policies.txt"] = "".join(
            f"{name} {len(one.roots)}\n" for name, one in self._policies.items()
        ).encode()
        self._files["approvals.txt"] = "".join(
            f"{path} {self._judged[path]}\n" for path in sorted(self._judged)
        ).encode()
        self._files["documents.txt"] = "".join(f"{name} {path}\n" for path, name in sorted(self._documents)).encode()
        snapshot = tree.commit(self._git, going.head, [approvals.FOLDER])
        for root, files in approvals.folders(snapshot).items():
            path = f"{approvals.folder_of(root)}/{approvals.CHANGE_SET}"
            if path in files and not self._judged.keys().isdisjoint(files):
                data = self._reader.read(path, files[path])
                if self._changeset(root, lambda data=data: data, data.count(b"\n")):  # type: ignore[misc]
                    self._left.append(f"the change-set {root}: {data.count(bytes([10])):,} changes")

    def _documents_at(self, commit: str) -> None:
        snapshot = tree.commit(self._git, commit) if commit else tree.empty()
        for path, entry in snapshot.entries.items():
            if entry.kind == "git" and _DOCUMENT.fullmatch(path):
                self._document(path, self._reader.read(path, entry))

    def _document(self, path: str, data: bytes) -> None:
        name = digests.sha256(data).hexdigest()
        if not path.isprintable() or not path.isascii():
            self._left.append("a document whose name is not plain ASCII")
            return
        self._documents.add((path, name))
        self._files[f"documents/{name}"] = data
