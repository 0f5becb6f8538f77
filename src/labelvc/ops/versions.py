"""Versions: published versions of guidelines and taxonomies, and the text each had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from labelvc.codec import document
from labelvc.core import bump
from labelvc.core.bump import Weighed, Weight
from labelvc.errors import ConfigurationError, StoreError
from labelvc.model.finding import Finding
from labelvc.model.snapshot import Entry, Snapshot
from labelvc.ops import project as projects
from labelvc.store import git as plumbing
from labelvc.store import log, tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.reader import Reader

Noun = Literal["guideline", "taxonomy"]
FOLDERS: Mapping[Noun, str] = {"guideline": "guidelines", "taxonomy": "taxonomies"}
Value = Mapping[str, Any]


class Texts:
    """Finds what a guideline or taxonomy said in a version: as it lies in a snapshot, or as a commit before has it.

    A published version is found by its digest, so that a text edited later under the same number is never taken for it.

    Args:
        git: the repository.
        snapshot: where the document lies now.
        reader: reads it.
        cache: where documents are remembered.
        noun: kind of the document.
        name: its name.

    Attributes:
        path: of the document.
        now: what it says; None when it cannot be read.
        lines: the published versions, oldest first.
        listed: the bytes of their list.
    """

    def __init__(self, git: Git, snapshot: Snapshot, reader: Reader, cache: Cache, noun: Noun, name: str) -> None:
        self._git, self._reader, self._cache, self._noun = git, reader, cache, noun
        self._entries = snapshot.entries
        self._start = snapshot.commit or plumbing.head(git)
        self.path = path_of(noun, name)
        self.now: Value | None = self._value(noun, self.path, self._entries.get(self.path))
        listed, entry = listed_at(noun, name), self._entries.get(listed_at(noun, name))
        self.listed = reader.read(listed, entry) if entry else b""
        self.lines: Sequence[Value] = self._value("versions", listed, entry) or ()
        self._olds: list[str] | None = None
        self._read: dict[str, Value | None] = {}

    def version(self, wanted: str) -> Value:
        """Return what the document said in a version.

        Raises:
            StoreError: no commit here has it.
        """
        line = next((line for line in self.lines if line["version"] == wanted), None)
        for value in self._all():
            if value.get("version") == wanted and (line is None or document.digest(value) == line["digest"]):
                return value
        hint = "git fetch --unshallow, if the clone is shallow; or git commit what was published"
        raise StoreError(f"what version {wanted} said is in no commit here", where=self.path, hint=hint)

    def beside(self, noun: Noun, name: str) -> Value | None:
        """Return what another document of the same snapshot says; None when it is not there."""
        path = path_of(noun, name)
        found: Value | None = self._value(noun, path, self._entries.get(path))
        return found

    def base(self) -> Value | None:
        """Return what the next version is held against, None where there is nothing.

        It is the version published last; where none was, what HEAD says, since records may have been made under it.

        Raises:
            StoreError: as for `version`.
        """
        if self.lines:
            return self.version(self.lines[-1]["version"])
        if not plumbing.head(self._git):
            return None
        entry = tree.commit(self._git, "HEAD", (self.path,)).entries.get(self.path)
        found = self._value(self._noun, self.path, entry)
        return found if isinstance(found, dict) else None

    def _all(self) -> Iterator[Value]:
        if self.now is not None:
            yield self.now
        if self._olds is None:
            self._olds = log.blobs(self._git, self._start, self.path) if self._start else []
        for oid in self._olds:
            if oid not in self._read:
                self._read[oid] = self._value(self._noun, self.path, Entry("git", oid))
            value = self._read[oid]
            if value is not None:
                yield value

    def _value(self, noun: str, path: str, entry: Entry | None) -> Any:
        if entry is None:
            return None
        data = self._reader.read(path, entry)
        (value,) = projects.values(self._git, [(noun, data)], self._cache)
        return value


class Standing(NamedTuple):
    """How a document stands to what was published of it.

    Attributes:
        name: of the document.
        version: that it says it has.
        status: of a guideline; empty for a taxonomy.
        last: the version published last; empty when none was.
        labels: how many it names.
        weight: how much it says otherwise than that version; None when nothing.
        least: the least version that may be published now; empty where nothing is to publish.
    """

    name: str
    version: str
    status: str
    last: str
    labels: int
    weight: Weight | None
    least: str


class Shown(NamedTuple):
    """A guideline to be read by people.

    Attributes:
        value: what it says.
        names: label to its name in the taxonomy.
        retired: those of them that are out of use.
        against: the version it is compared with; empty for none.
        edits: what it says otherwise than that.
        published: whether this very text is published under its version.
    """

    value: Value
    names: Mapping[str, str]
    retired: frozenset[str]
    against: str
    edits: Sequence[Weighed]
    published: bool


def path_of(noun: Noun, name: str) -> str:
    """Return the path of a document."""
    return f"{FOLDERS[noun]}/{name}.yaml"


def listed_at(noun: Noun, name: str) -> str:
    """Return the path of its list of published versions."""
    return f"{FOLDERS[noun]}/{name}.versions.jsonl"


def listing(git: Git, noun: Noun) -> list[Standing]:
    """Return the documents of a kind in the work tree, by name.

    Raises:
        ConfigurationError: no project here, or a document is wrong.
        StoreError: what the version published last said is in no commit here.
    """
    with tree.reader(git) as reader, Cache(git) as cache:
        work = tree.work(git)
        for one in projects.problems_of(git, work, reader, cache):
            if one.rule != "document.version":
                raise ConfigurationError(
                    f"{one.place.pointer} {one.message}".strip(), where=one.place.path, hint=one.hint
                )
        return [_standing(Texts(git, work, reader, cache, noun, name), noun, name) for name in _names(work, noun)]


def shown(git: Git, name: str, against: str = "") -> Shown:
    """Return a guideline of the work tree for people to read.

    Args:
        git: the repository.
        name: of the guideline.
        against: a published version to compare it with; empty for none.

    Raises:
        ConfigurationError: there is no such guideline, or something is wrong with it.
        StoreError: what that version said is in no commit here.
    """
    with tree.reader(git) as reader, Cache(git) as cache:
        texts, _ = opened(git, reader, cache, "guideline", name)
        value: Value = texts.now or {}
        owner = value.get("taxonomy")
        labels = (texts.beside("taxonomy", owner) or {}).get("labels", ()) if owner else ()
        names = {label["id"]: str(label.get("name", "")) for label in labels}
        edits = bump.weighed("guideline", texts.version(against), value) if against else []
        published = any(line["digest"] == document.digest(value) for line in texts.lines)
        retired = frozenset([label["id"] for label in labels if label.get("status") == "deprecated"])
        return Shown(value, names, retired, against, edits, published)


def opened(git: Git, reader: Reader, cache: Cache, noun: Noun, name: str) -> tuple[Texts, bytes]:
    """Return what there is to say of a document of the work tree that a command is to edit, and its bytes.

    Args:
        git: the repository.
        reader: reads it.
        cache: where documents are remembered.
        noun: kind of the document.
        name: its name.

    Raises:
        ConfigurationError: there is no such document, or something else is wrong with it than that it was edited.
        StoreError: a document cannot be read.
    """
    work = tree.work(git)
    path = path_of(noun, name)
    entry = work.entries.get(path)
    if entry is None:
        raise unknown(work, noun, name)
    _refuse_troubles(projects.problems_of(git, work, reader, cache), noun, name)
    return Texts(git, work, reader, cache, noun, name), reader.read(path, entry)


def _standing(texts: Texts, noun: Noun, name: str) -> Standing:
    value: Value = texts.now or {}
    last = texts.lines[-1]["version"] if texts.lines else ""
    edits = bump.weighed(noun, texts.version(last), value) if last else []
    weight = bump.heaviest(edits)
    least = bump.least(last, weight) if weight else "" if last else value["version"]
    return Standing(name, value["version"], str(value.get("status", "")), last, len(value["labels"]), weight, least)


def _names(work: Snapshot, noun: Noun) -> list[str]:
    folder = FOLDERS[noun] + "/"
    rows = [
        path[len(folder) : -len(".yaml")] for path in work.entries if path.startswith(folder) and path.endswith(".yaml")
    ]
    return sorted(name for name in rows if "/" not in name)


def _refuse_troubles(found: Sequence[Finding], noun: Noun, name: str) -> None:
    """Refuse to publish what a check would refuse; that the text differs from what was published is why it is published."""
    own = (path_of(noun, name), listed_at(noun, name))
    for one in found:
        if one.place.path in own and one.rule != "document.version":
            where = f"{one.place.path}:{one.place.line}" if one.place.line else one.place.path
            raise ConfigurationError(f"{one.place.pointer} {one.message}".strip(), where=where, hint=one.hint)


def unknown(work: Snapshot, noun: Noun, name: str) -> ConfigurationError:
    """Return the error that says there is no such document, and which there are."""
    hint = f"choose one of: {', '.join(_names(work, noun)) or 'none yet'}"
    return ConfigurationError(f"there is no {noun} {name!r}", where=path_of(noun, name), hint=hint)
