"""Recheck: a bundle held against itself and against the digest of a root, without the repository it came from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from labelvc.codec import merkle
from labelvc.core import changeset
from labelvc.core import release as rules
from labelvc.core.decide import Decision
from labelvc.core.release import Log
from labelvc.errors import DataError, TrustError
from labelvc.model.approval import AGAINST
from labelvc.model.names import Digest
from labelvc.model.policy import Trust
from labelvc.model.release import FOLDER, Release
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import approvals
from labelvc.ops import bundle as bundling
from labelvc.ops import manifest as manifests
from labelvc.ops import trust as trusting
from labelvc.ops.reckon import Held, Listed, Reckoner
from labelvc.store.reader import Reader

MANIFEST = "MANIFEST.sha256"
_LISTS = (
    "approvals.txt",
    "commits.txt",
    "documents.txt",
    "log.txt",
    "policies.txt",
    "population.csv",
    "releases.txt",
    "steps.txt",
)
_SECONDS = re.compile("0|[1-9][0-9]{0,12}")
_RELEASE = re.compile(rf"{FOLDER}/[0-9]+\.[0-9]+\.[0-9]+\.json")
_ROOT = re.compile(r"root/([1-9][0-9]*)\.json")
_NAMED = 10
_EMPTY = merkle.root(()).hex()
_COLUMNS = 6  # of population.csv up to the state; none of them can hold a comma


class Check(NamedTuple):
    """One thing that was looked at.

    Attributes:
        state: `ok`, `wrong`, `open` (nobody can tell from what is here) or `note`: nothing that could be looked at.
        words: what.
    """

    state: Literal["ok", "wrong", "open", "note"]
    words: str


def recheck(files: Mapping[str, bytes], pin: str | None, fixed: Mapping[str, bytes]) -> Iterator[Check]:
    """Yield what is right and what is wrong with a bundle.

    Args:
        files: name to content.
        pin: digest of root version 1, from outside the bundle; None when there is none.
        fixed: the files that this version of labelvc puts into every bundle.

    Raises:
        DataError: it is no bundle.
    """
    if MANIFEST not in files or not set(_LISTS) <= files.keys():
        raise DataError("this archive is no bundle that `labelvc audit bundle` made")
    told = "every file is as MANIFEST.sha256 says, and there is no other"
    yield _blamed(told, _unlisted(files), good=_listed(files))
    for name, data in sorted(fixed.items()):
        if files.get(name) != data:
            yield Check("note", f"{name} is not the one of this labelvc: do not run it before you have read it")
    bench = _Bench(files)
    yield from bench.policies()
    yield from bench.roots(pin)
    yield from bench.changesets()
    yield from bench.statements()
    yield from bench.releases()
    yield from bench.lists()
    yield from bench.quorums()


class _Bench:
    """Looks at the files of a bundle one kind after another."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._trusts: dict[str, Trust] = {}
        self._log = Log(
            tuple((path, digest) for digest, _, path in (row.partition(" ") for row in _rows(files, "log.txt")))
        )

    def roots(self, pin: str | None) -> Iterator[Check]:
        """Look at the chain of roots, which loading the policies under it has followed."""
        numbers = sorted(int(found[1]) for name in self._files if (found := _ROOT.fullmatch(name)))
        followed = max((len(one.roots) for one in self._trusts.values()), default=0)
        for number in numbers:
            told = f"root {number} is signed by enough of its own people and of those of the root before"
            yield _check(told, number <= followed)
        anchor = next((one.anchor for one in self._trusts.values()), None)
        if anchor is None:
            yield Check("wrong", "no root vouches for a policy here")
        elif pin is None:
            yield Check("note", f"the root is {anchor}: nobody pinned it, so it could be anybody's")
        else:
            yield _check(f"the root is the one you named: {pin}", anchor == pin)

    def policies(self) -> Iterator[Check]:
        """Look at the policies and the keys beside them."""
        for row in _rows(self._files, "policies.txt"):
            name, _, number = row.partition(" ")
            data = self._files.get(f"policies/{name}.json")
            try:
                trust = trusting.load(*self._trusted(int(number), {trusting.POLICY: data or b""}))
            except (TrustError, ValueError) as error:
                yield Check("wrong", f"policy {name}: {error}")
                continue
            good = bundling.name_of(trust) == name and self._files.get(f"policies/{name}.signers") == bundling.signers(
                trust.policy
            )
            if good:
                self._trusts[name] = trust
            yield _check(
                f"policy {name} is signed by the people of root {number}, and its list of keys is its own", good
            )

    def changesets(self) -> Iterator[Check]:
        """Look at the change-sets."""
        for name in _under(self._files, "changesets/"):
            try:
                found = changeset.read(self._files[name])
            except DataError as error:
                yield Check("wrong", f"{name}: {error.message}")
            else:
                told = (
                    f"change-set {name.removeprefix('changesets/')}: its lines are in order, and their root is its name"
                )
                yield _check(told, name == f"changesets/{found.root.removeprefix('sha256:')}.jsonl")

    def statements(self) -> Iterator[Check]:
        """Look at the statements, each by the policy that judged it."""
        judged = dict(_pair(row) for row in _rows(self._files, "approvals.txt"))
        for path, policy in judged.items():
            data = self._files.get(path)
            if data is None or not path.startswith(f"{approvals.FOLDER}/"):
                yield Check("wrong", "approvals.txt names a statement that is not here")
                continue
            if policy == bundling.NONE:
                yield Check("note", f"{path} counts for nothing: no policy in force when it came in knows it as good")
                continue
            yield from self._statement(path, data, policy)
        lying = _under(self._files, f"{approvals.FOLDER}/")
        yield _check("approvals.txt lists every statement that is here", sorted(judged) == lying)
        logged = dict(self._log.rows)
        good = all(logged.get(path) == hashlib.sha256(self._files[path]).hexdigest() for path in lying)
        yield _check("log.txt holds every statement that is here", good)

    def _statement(self, path: str, data: bytes, policy: str) -> Iterator[Check]:
        root = Digest(f"sha256:{path.split('/')[1]}")
        try:
            trust = self._trust(policy)
            found = approvals.opened(data, trust)
            approvals.judge(path, root, found, trust)
        except (DataError, TrustError) as error:
            yield Check("wrong", f"statement {path}: {error.message}")
            return
        said = found.approval
        told = f"{said.signer.principal} says {said.decision} about {root[7:19]}"
        yield Check("ok", f"statement {told}, policy {policy}")
        if said.decision in AGAINST and f"changesets/{root[7:]}.jsonl" not in self._files:
            yield Check("open", f"{told}: that change-set is not here, so nobody can tell of which steps it is a part")

    def releases(self) -> Iterator[Check]:
        """Look at the releases, their chain, and the log of approvals that they hold."""
        before: tuple[Release, Digest] | None = None
        rows = _rows(self._files, "releases.txt")
        lying = [name for name in _under(self._files, f"{FOLDER}/") if _RELEASE.fullmatch(name)]
        told = sorted(f"{FOLDER}/{_pair(row)[0]}.json" for row in rows)
        yield _check("releases.txt lists every release that is here", told == lying)
        for row in rows:
            version, policy = _pair(row)
            path = f"{FOLDER}/{version}.json"
            try:
                envelope, release = manifests.opened(self._files.get(path, b""))
                state = manifests.judge(path, envelope, release, self._trust(policy)).state
                _follows(version, release, before, state)
            except (DataError, TrustError) as error:
                yield Check("wrong", f"release {version}: {error.message}")
                before = None
                continue
            yield Check(
                "ok",
                f"release {version} is signed by {release.signer.principal}, follows {before[0].version if before else 'nothing'}, policy {policy}",
            )
            log = release.approvals
            good = len(self._log.rows) >= log.size and merkle.root(self._log.leaves()[: log.size]).hex() == log.root
            good = good and rules.follows(before[0].approvals if before else None, log)
            yield _check(f"release {version}: no statement that it counted is gone from log.txt", good)
            before = release, envelope.digest

    def lists(self) -> Iterator[Check]:
        """Look at documents, steps and commits."""
        documents = _under(self._files, "documents/")
        odd = [name for name in documents if name != f"documents/{hashlib.sha256(self._files[name]).hexdigest()}"]
        yield _blamed("every document is named after its SHA-256", odd, good=not odd)
        steps = [row.split(" ") for row in _rows(self._files, "steps.txt")]
        commits = {row.split(" ")[0]: row.split(" ")[1:] for row in _rows(self._files, "commits.txt")}
        good = all(len(row) == _COLUMNS for row in steps) and all(one[0] == two[1] for one, two in pairwise(steps))
        good = good and all(_came(row, commits.get(row[0], []), alone=len(steps) == 1) for row in steps)
        yield _check("the steps follow each other without a gap", good)
        for row in steps:
            if len(row) == _COLUMNS and row[4] != _EMPTY and f"changesets/{row[4]}.jsonl" not in self._files:
                yield Check("note", f"the change-set of step {row[0][:12]} is not here")
        sheet = [row.split(",") for row in _rows(self._files, "population.csv")[1:]]
        told = [(row[0], row[_COLUMNS - 1]) for row in sheet if len(row) >= _COLUMNS]
        yield _check("population.csv lists these steps", told == [(row[0], row[-1]) for row in steps])
        if bundling.TIMES in self._files:
            times = self._times()
            good = [commit for commit, _ in times] == [row[0] for row in steps] and _onward(times)
            yield _check("times.txt says of each step when it came in, and never goes back", good)
        ids = "".join(f"{row[0]}\n" for row in steps).encode()
        yield Check("note", f"{len(steps)} steps, list sha256:{hashlib.sha256(ids).hexdigest()}")

    def quorums(self) -> Iterator[Check]:
        """Work out again how each step stands that is called approved, or let in."""
        steps = [row.split(" ") for row in _rows(self._files, "steps.txt")]
        sheet = {cells[0]: cells for row in _rows(self._files, "population.csv")[1:] if (cells := row.split(","))}
        times = {commit: int(at) for commit, at in self._times() if _SECONDS.fullmatch(at)}
        listed = [
            Listed(row[0], row[3], row[4], tuple(filter(None, sheet[row[0]][4].split("+"))), row[5], times.get(row[0]))
            for row in steps
            if len(row) == _COLUMNS <= len(sheet.get(row[0], ()))
        ]
        parents = {row.split(" ")[0]: row.split(" ")[2:] for row in _rows(self._files, "commits.txt")}
        reckoner = Reckoner(self._files, self._trusts, parents, listed)
        flaws = list(reckoner.flaws())
        yield from (Check("wrong", flaw) for flaw in flaws)
        yield _check("the policies that judged the steps follow one another", not flaws)
        for step in listed:
            if step.policy == bundling.NONE or step.root == _EMPTY or step.state not in ("approved", "conditional"):
                continue
            decision = reckoner.judged(step)
            if decision is not None:
                asked = ", ".join(f"{need.have} of {need.asked} {need.role}" for need in decision.needs) or "nobody"
                told = f"step {step.commit[:12]} is {step.state}: policy {step.policy} asks for {asked}"
                yield _in_time(told, step, decision, reckoner)

    def _times(self) -> list[tuple[str, str]]:
        return [_pair(row) for row in _rows(self._files, bundling.TIMES)] if bundling.TIMES in self._files else []

    def _trust(self, name: str) -> Trust:
        if name not in self._trusts:
            raise TrustError(f"the policy {name} it was judged by is not here, or is not good")
        return self._trusts[name]

    def _trusted(self, roots: int, more: Mapping[str, bytes]) -> tuple[Reader, Snapshot]:
        """Return the first roots, and other files, as a snapshot."""
        files = {
            f"trust/root/{number}.json": self._files.get(f"root/{number}.json", b"") for number in range(1, roots + 1)
        }
        files |= more
        return Held(files), Snapshot("the bundle", "commit", "", {path: Entry("git", "") for path in files})


def _in_time(told: str, step: Listed, decision: Decision, reckoner: Reckoner) -> Check:
    """Return whether a step stands as it is called, an emergency that must be ratified in a time among what let it in."""
    if not reckoner.stands(step, decision):
        return Check("wrong", told)
    ended = reckoner.ended(step, decision)
    if ended is False:
        return Check("ok", told)
    if ended and decision.state == "conditional":
        return Check("wrong", f"{told}; the time to ratify it was over, and nobody had")
    return Check("open", f"{told}; an emergency was declared, and whether it was ratified in time is not in a bundle")


def _follows(version: str, release: Release, before: tuple[Release, Digest] | None, state: str) -> None:
    """Return when a release stands where it says.

    Raises:
        TrustError: it does not.
    """
    if state != "approved":
        raise TrustError("its policy does not let its signer release")
    named = (release.previous.version, release.previous.sha256) if release.previous else None
    known = (before[0].version, before[1].removeprefix("sha256:")) if before else None
    if release.version != version or named != known or release.sequence != (before[0].sequence + 1 if before else 1):
        raise TrustError("it does not follow the release before it here")


def _came(step: list[str], commit: list[str], *, alone: bool) -> bool:
    """Tell whether a step is what the list of commits says; a pull request is one step from where it was cut."""
    return commit[:1] == [step[2]] and (alone or (commit[1:2] or [bundling.NONE]) == [step[1]])


def _onward(times: Sequence[tuple[str, str]]) -> bool:
    """Tell whether times never go back."""
    found = [int(at) for _, at in times if _SECONDS.fullmatch(at)]
    return len(found) == len(times) and found == sorted(found)


def _listed(files: Mapping[str, bytes]) -> bool:
    rows = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files) if name != MANIFEST]
    return files[MANIFEST] == "".join(rows).encode()


def _unlisted(files: Mapping[str, bytes]) -> list[str]:
    """Return what is wrong with which file, as far as the manifest can be read."""
    rows = files[MANIFEST].decode("utf-8", "replace").splitlines()
    said = {row[66:]: row[:64] for row in rows}
    here = {name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != MANIFEST}
    return [
        f"{name} {_amiss(said.get(name), here.get(name))}"
        for name in sorted(said.keys() | here.keys())
        if said.get(name) != here.get(name)
    ]


def _amiss(said: str | None, here: str | None) -> str:
    return "is not in it" if said is None else "is not here" if here is None else "has another SHA-256"


def _blamed(told: str, names: Sequence[str], *, good: bool) -> Check:
    """Return a check; one that failed names the first files."""
    more = f", and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return _check(told if good or not names else f"{told}: {', '.join(names[:_NAMED])}{more}", good)


def _rows(files: Mapping[str, bytes], name: str) -> list[str]:
    return files[name].decode("utf-8", "surrogateescape").split("\n")[:-1]


def _under(files: Mapping[str, bytes], folder: str) -> list[str]:
    return sorted(name for name in files if name.startswith(folder))


def _pair(row: str) -> tuple[str, str]:
    one, _, other = row.partition(" ")
    return one, other


def _check(words: str, good: object) -> Check:
    return Check("ok" if good else "wrong", words)
