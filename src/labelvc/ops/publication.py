"""Publication: giving a guideline or taxonomy the version that its change calls for, and closing the proposals it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from labelvc.codec import canonical, document
from labelvc.core import bump, semver
from labelvc.core.bump import Weighed, Weight
from labelvc.errors import ConfigurationError, RefusedError
from labelvc.ops import batch, proposals, versions
from labelvc.ops.registering import Entry
from labelvc.ops.registers import Document
from labelvc.ops.versions import Noun, Texts, Value, listed_at
from labelvc.store import disk, files, tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git


class Publication(NamedTuple):
    """What publishing came to.

    Attributes:
        path: of the document.
        before: the version published last; empty when it is the first.
        version: the version now published.
        status: of the document.
        edits: what it says otherwise than the version before.
        weight: how much that changes; None for a first version.
        affected: labels whose meaning changed; None when it is that of every label.
        written: whether anything was written: a version that is published already, or a dry run, writes nothing.
        takes: proposals that it takes, which are closed by that.
    """

    path: str
    before: str
    version: str
    status: str
    edits: Sequence[Weighed]
    weight: Weight | None
    affected: frozenset[str] | None
    written: bool
    takes: Sequence[Document] = ()


class Wanted(NamedTuple):
    """What a person wants of the next version.

    Attributes:
        version: that it is published as; empty for the one in the document where it was raised, else for the least allowed.
        status: a guideline's new status; empty to leave it.
        takes: proposals that a guideline takes beside those it names.
        dry: write nothing.
    """

    version: str = ""
    status: str = ""
    takes: Sequence[str] = ()
    dry: bool = False


_ANY = Wanted()


def publish(git: Git, noun: Noun, name: str, entry: Entry, wanted: Wanted = _ANY) -> Publication:
    """Publish the document in the work tree: give it the version that its change calls for and enter that into the list.

    Args:
        git: the repository.
        noun: kind of the document.
        name: its name.
        entry: who publishes it, and when: they close the proposals that it takes.
        wanted: what is wanted of it.

    Returns:
        What it came to; document and list are written and not staged.

    Raises:
        ConfigurationError: there is no such document or proposal, or something is wrong with it.
        RefusedError: the version goes backwards, is published already with another text, or is too small for the change; the
            guideline would be active without the pilot that the project asks for; or a proposal is closed.
        StoreError: the text of the version before is in no commit here, or the disk is full.
    """
    with files.lock(git), tree.reader(git) as reader, Cache(git) as cache:
        work = tree.work(git)
        texts, data = versions.opened(git, reader, cache, noun, name)
        path, base = texts.path, texts.base()
        taken: Sequence[Document] = ()
        if noun == "guideline":
            said = document.read(data, path)
            taken = proposals.taken(git, work, said, wanted.takes, entry.on)
            data = document.edit(data, {}, proposals.naming(said, taken))
        data = document.edit(data, {("status",): wanted.status}) if wanted.status else data
        said = document.read(data, path)
        if said.get("status") == "active" and (wanted.status or not base or base.get("status") != "active"):
            batch.refuse(git, reader, cache, work, said)
        _explained(texts, said)  # which can be told, or nothing is published
        found = _judged(texts, noun, base, said, wanted.version)
        if found.version != said["version"]:
            data = document.edit(data, {("version",): found.version})
        if not found.written:
            return found
        if wanted.dry:
            return found._replace(written=False, takes=taken)
        fresh = [document.read(data, path)]
        if base and found.before and not texts.lines:  # records name it, so it must stay known
            fresh.insert(0, dict(base))
        lines = b"".join([canonical.encode(_line(texts, value)) + b"\n" for value in fresh])
        ended = proposals.closed(git, work, taken, found.version, entry)
        disk.write_all({git.top / path: data, git.top / listed_at(noun, name): texts.listed + lines, **ended}, git.top)
        return found._replace(takes=taken)


def _judged(texts: Texts, noun: Noun, base: Value | None, value: Value, version: str) -> Publication:
    """Return what publishing a text after another comes to, without writing it."""
    said, status = str(value["version"]), str(value.get("status", ""))
    edits = bump.weighed(noun, base, value) if base else []
    weight = bump.heaviest(edits)
    if base is None or (not texts.lines and weight in (None, "editorial")):
        return Publication(texts.path, "", version or said, status, (), None, frozenset(), written=True)
    last, affected = str(base["version"]), bump.affected(edits)
    if weight is None and (version or said) == last:
        return Publication(texts.path, last, last, status, (), None, frozenset(), written=False)
    least = bump.least(last, weight or "editorial")
    wanted = version or (said if said != last else least)
    hint = f"labelvc {noun} publish {value['name']} --version {least}"
    if wanted == last or any(line["version"] == wanted for line in texts.lines):
        raise RefusedError(f"version {wanted} is published and never changes", where=texts.path, hint=hint)
    if not semver.precedes(last, wanted):
        raise RefusedError(f"version {wanted} comes before {last}, which is published", where=texts.path, hint=hint)
    if semver.precedes(wanted, least) and not _announces(wanted, least):
        worst = next(one.edit for one in edits if one.weight == weight)
        why = (
            f"{worst.pointer} {worst.what} changes the meaning"
            if weight == "meaning"
            else f"{worst.pointer} was {worst.what}"
        )
        raise RefusedError(
            f"{wanted} is too small a step from {last}: {why}, so it is {least} at least", where=texts.path, hint=hint
        )
    return Publication(texts.path, last, wanted, status, edits, weight, affected, written=True)


def _announces(version: str, least: str) -> bool:
    """Tell whether a version with a suffix announces the least one allowed, or a later one."""
    core = version.partition("-")[0]
    return core != version and not semver.precedes(core, least)


def _line(texts: Texts, value: Value) -> Value:
    return {"digest": document.digest(value), "taxonomy": _explained(texts, value), "version": value["version"]}


def _explained(texts: Texts, value: Value) -> str | None:
    """Return the taxonomy a guideline explains, with its version; None for one that explains none, and for a taxonomy."""
    owner = value.get("taxonomy")
    found = texts.beside("taxonomy", owner) if isinstance(owner, str) else None
    if isinstance(owner, str) and found is None:
        path = versions.path_of("taxonomy", owner)
        raise ConfigurationError(
            "cannot be read, and the guideline explains its labels", where=path, hint="labelvc check"
        )
    return f"{owner}@{found['version']}" if found else None
