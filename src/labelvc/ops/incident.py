"""An incident: a plain value that reached history, everything that holds it, and what takes it out."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from labelvc.codec import shard
from labelvc.core import leaks, spelling
from labelvc.errors import DataError, StoreError
from labelvc.model.names import Key
from labelvc.model.snapshot import Snapshot
from labelvc.ops import deposits, naming, reach
from labelvc.ops import privacy as plain
from labelvc.ops.gates import Brought
from labelvc.ops.look import Advance
from labelvc.ops.reach import Object, Reach
from labelvc.store import disk, tree
from labelvc.store import git as plumbing
from labelvc.store.git import Git
from labelvc.store.objects import Objects

_MESSAGE = re.compile(r"message of (?:commit|tag) ([0-9a-f]{7,64})")
_FOLDER = "incident"

LIMITS = (
    "forks, clones of other people, and what a host keeps: pull requests, caches, backups; ask the host to delete them",
    "a stale clone brings everything back with its next push: everybody clones anew",
    "other spellings of the value: a nickname, a number in other groups, a picture of it, what is compressed",
    "mail, chat and logs of CI that showed it",
)
"""What taking a value out of one history does not reach."""


class Files(NamedTuple):
    """The files for git filter-repo, in the git folder; None where none is needed. They hold the value.

    Attributes:
        replace: spellings and what takes their place, for contents and messages.
        strip: objects that are no text, which go whole.
        names: spellings in names of files.
    """

    replace: Path | None
    strip: Path | None
    names: Path | None


class Left(NamedTuple):
    """An object that the files do not change, and why."""

    id: str
    kind: str
    why: str


class Incident(NamedTuple):
    """What was found; no value is in it.

    Attributes:
        reach: what holds the value, its paths and refs with the value left out.
        files: what takes it out of `history`; none elsewhere.
        left: what they do not change.
        lies: in `history`; in the `tip`, the last commit of the branch here and in nothing else, so that an amended commit
            takes its place; or `loose`, where no ref leads.
    """

    reach: Reach
    files: Files
    left: list[Left]
    lies: Literal["history", "tip", "loose"]

    @property
    def found(self) -> bool:
        """Whether anything holds it."""
        return bool(self.reach.objects or self.reach.stored)


def values_at(git: Git, rule: str, place: str, at: str | None) -> set[str]:
    """Return the values that a finding of `privacy scan` is about.

    Args:
        git: the repository.
        rule: `privacy.email` ...
        place: the path or key that the finding names, or `message of commit ...`.
        at: the commit it names; None: the work tree.

    Raises:
        DataError: nothing of that rule stands there.
        StoreError: there is no such commit or file.
    """
    snapshot = tree.commit(git, at) if at else tree.work(git)
    gate = plain.gate_of(git, None, snapshot, Brought())
    found = leaks.values(_bytes(git, snapshot, place), rule, gate)
    if not found:
        hint = "labelvc privacy scan --all, or A..B with --at COMMIT: copy rule and place from a finding"
        raise DataError(f"nothing of the rule {rule} stands there", where=f"{place} in {snapshot.name}", hint=hint)
    return found


def find(git: Git, values: Sequence[str], advance: Advance | None = None) -> Incident:
    """Look for values in all that history and DVC hold, and write the files that take them out.

    The files hold the values: their owner alone may read them, outside of the work tree, where no commit can hold them.

    Args:
        git: the repository.
        values: the plain values; none is told.
        advance: called after each object of git.

    Raises:
        ConfigurationError: a value is too short.
        StoreError: an object cannot be read, this is a shallow clone, or the disk refuses.
    """
    wanted = re.compile(b"|".join([spelling.pattern(value).pattern for value in sorted(values)]))
    found = reach.find(git, wanted, advance)
    left = list(_left(git, found.objects, wanted))
    lies = "history" if left else _lies(git, found)
    files = _write(git, found) if lies == "history" else Files(None, None, None)
    return Incident(_masked(found, wanted), files, left, lies)


def _lies(git: Git, found: Reach) -> Literal["history", "tip", "loose"]:
    """Return where all that holds the value lies; `history` as soon as anything more than a commit of one's own does."""
    if found.stored or found.unread or found.releases:
        return "history"
    if not found.refs and not any(one.reached for one in found.objects):
        return "loose"
    head = plumbing.head(git)
    alone = found.holding == 1 and [one.id for one in found.brought] == [head]
    branch = plumbing.run(git, "rev-parse", "--symbolic-full-name", "HEAD").decode().strip()
    return "tip" if alone and found.refs == [branch] else "history"


def _bytes(git: Git, snapshot: Snapshot, place: str) -> bytes:
    message = _MESSAGE.fullmatch(place)
    if message:
        return plumbing.held(git, message[1])[2].partition(b"\n\n")[2]
    with tree.reader(git) as reader:
        if place in snapshot.entries:
            return reader.read(place, snapshot.entries[place])
        key = Key.parse(place) if "#" in place else None
        for path, entry in snapshot.entries.items() if key else ():
            where = shard.parse_path(path)
            if key and where and where[:2] == (key.dataset, "annotations" if key.id else "items"):
                line = shard.find(reader.read(path, entry), key)
                if line is not None:
                    return line
        data = deposits.held(git, reader, snapshot, place)
        if data:
            return data
    raise StoreError("there is no such file or record", where=f"{place} in {snapshot.name}", hint=naming.WRITTEN)


def _write(git: Git, found: Reach) -> Files:
    """Write what git filter-repo reads: `literal:...==>...` a line for contents and messages, ids, and renames."""
    if not found.objects:
        return Files(None, None, None)
    folder = disk.private_folder(git, _FOLDER)
    spelled = [text for text in sorted(found.spelled, key=len, reverse=True) if not {*b"\r\n"} & {*text}]
    literal = [b"literal:" + text + b"==>" + spelling.replacement(text) for text in spelled]
    strip = [one.id.encode() for one in found.objects if one.kind == "blob" and not one.text]
    renames = [b"regex:" + re.escape(text) + b"==>removed" for text in spelled]
    rows = (
        ("replace", literal),
        ("strip", strip),
        ("names", renames if any(one.kind == "tree" for one in found.objects) else []),
    )
    name = _named(folder, rows)
    written: list[Path | None] = []
    for ending, lines in rows:
        path = folder / f"{name}.{ending}" if lines else None
        if path:
            disk.write_private(path, _file(lines))
        written.append(path)
    return Files(*written)


def _named(folder: Path, rows: Iterable[tuple[str, list[bytes]]]) -> str:
    """Return the name of the files: that of an earlier run which wrote the same, so that a value lies there once."""
    wanted = {ending: _file(lines) for ending, lines in rows if lines}
    for name in {path.stem for path in folder.iterdir()}:
        lying = {path.suffix[1:]: path.read_bytes() for path in folder.glob(f"{name}.*")}
        if lying == wanted:
            return name
    return secrets.token_hex(4)


def _file(lines: Iterable[bytes]) -> bytes:
    return b"".join([line + b"\n" for line in lines])


def _left(git: Git, objects: Sequence[Object], wanted: re.Pattern[bytes]) -> Iterator[Left]:
    """Yield what filter-repo does not change by these files: who made a commit or tag, and a tag's own name."""
    told = [one for one in objects if one.kind in ("commit", "tag") and one.reached]
    with Objects(git) as reader:
        for one, data in zip(told, reader.many([one.id for one in told]), strict=True):
            if wanted.search(data.partition(b"\n\n")[0]):
                why = (
                    "a name or address of who made it: --mailmap FILE"
                    if one.kind == "commit"
                    else "its name or who made it"
                )
                yield Left(one.id, one.kind, why)
    for name in plumbing.run(git, "for-each-ref", "--format=%(refname)").decode(errors="replace").splitlines():
        if wanted.search(name.encode(errors="replace")):
            yield Left("", "ref", f"the name of a branch or tag: git branch -m, git tag -d ({_hidden(name, wanted)})")


def _masked(found: Reach, wanted: re.Pattern[bytes]) -> Reach:
    """Return what was found with the value left out of paths and names."""

    def hide(text: str) -> str:
        return _hidden(text, wanted)

    return found._replace(
        objects=[one._replace(path=hide(one.path)) for one in found.objects],
        brought=[one._replace(paths=tuple(map(hide, one.paths))) for one in found.brought],
        refs=list(map(hide, found.refs)),
        stored=[one._replace(path=hide(one.path)) for one in found.stored],
        unread={md5: hide(path) for md5, path in found.unread.items()},
        remotes=[(hide(name), hide(url)) for name, url in found.remotes],
    )


def _hidden(text: str, wanted: re.Pattern[bytes]) -> str:
    return wanted.sub(leaks.HIDDEN.encode(), text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
