"""Strays: files that lie where none belongs or at another's name, links where a file must stand, shards that git ignores."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import filterfalse

from labelvc.codec import shard
from labelvc.model import shell
from labelvc.model.finding import Finding, Place
from labelvc.model.project import Project
from labelvc.model.snapshot import Snapshot
from labelvc.ops import project as projects

_FOLDERS = re.compile(
    r"taxonomies|guidelines|profiles|registers(?:/[^/]+)?|datasets(?:/[^/]+(?:/(?:annotations|items))?)?"
)


_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
"""Letters that HFS+ leaves out when it compares names, and some that nobody sees."""
_ALONE = (".gitattributes", "trust/policy.json")
_ENDS = (".jsonl", ".yaml", *_ALONE)
_TOPS = frozenset(
    ("datasets", "taxonomies", "guidelines", "profiles", "registers", "trust", "approvals", "releases", "privacy")
)


def twins(paths: Iterable[str]) -> Iterator[Finding]:
    """Yield files that lie at a file of the project, or in a folder of it, where letters have no case: there one hides the other."""
    for path in paths:
        if path.isascii() and path.islower():
            continue
        other = _UNSEEN.sub("", unicodedata.normalize("NFC", path)).casefold()
        top, meant = path.partition("/")[0], other.partition("/")[0]
        if (top != meant and meant in _TOPS) or (other != path and other.endswith(_ENDS) and _is_home(other, path)):
            message = f"on a disk whose names have no case this is {other}, beside or over the project's own"
            yield Finding(
                "file.twin", "error", Place(path), message, f"git mv {shell.word(path)} somewhere else, or git rm it"
            )


def _is_home(other: str, path: str) -> bool:
    """Tell whether a shard, a document or the policy lies at one path and none of them at another."""
    if shard.parse_path(path) or projects.noun_of(path):
        return False
    return other in _ALONE or bool(shard.parse_path(other) or projects.noun_of(other))


def among(project: Project, paths: Iterable[str]) -> Iterator[Finding]:
    """Yield files among the shards that are none of the dataset's; once a folder where there is no dataset."""
    ownerless = Counter[str]()
    digits = {name: shard.digits(dataset.shards) for name, dataset in project.datasets.items()}
    for path in filterfalse(shard.own_paths(digits).fullmatch, paths):
        top, _, rest = path.partition("/")
        name, _, inside = rest.partition("/")
        if top != "datasets" or not inside.startswith(("annotations/", "items/")):
            continue
        if name not in project.datasets:
            ownerless[name] += 1
            continue
        example = shard.path(name, "annotations", "0" * digits[name])
        yield Finding(
            "shard.stray",
            "error",
            Place(path),
            f"the file is none of the dataset's {4 ** digits[name]} shards (such as {example})",
            "labelvc format" if shard.parse_path(path) else "delete the file, or move it out of the shards",
        )
    for name, files in ownerless.items():
        message = f"there is no dataset {name!r}, yet {files} of its files lie here"
        left = f"git clean -fd datasets/{name}, when a branch left them behind; or write datasets/{name}/dataset.yaml"
        yield Finding("shard.stray", "error", Place(f"datasets/{name}"), message, left)


def links(paths: Iterable[str], snapshot: Snapshot) -> Iterator[Finding]:
    """Yield symbolic links that stand for a shard, a document or a folder of them."""
    for path in paths:
        entry = snapshot.entries.get(path)
        if entry is None or entry.kind != "link":
            continue
        if shard.parse_path(path) or projects.noun_of(path) or _FOLDERS.fullmatch(path):
            message = "a symbolic link stands where a file or folder of the project must"
            yield Finding("file.link", "error", Place(path), message, f"put the file or folder itself at {path}")


def ignored(project: Project, snapshot: Snapshot) -> Iterator[Finding]:
    """Yield datasets of whose shards git ignores some: no commit would hold them."""
    found: dict[str, list[str]] = {}
    for path in snapshot.ignored:
        found.setdefault(path.split("/")[1], []).append(path)
    for name, paths in found.items():
        dataset = project.datasets.get(name)
        stored = dataset is not None and dataset.storage == "dvc" and "/annotations/" in paths[0]
        message = f"git ignores {len(paths)} of the shards that lie here, so no commit would hold them"
        hint = f"git check-ignore -v {paths[0]} names the rule to take out; then git add datasets/{name}"
        yield Finding("shard.ignored", "error", Place(paths[0]), message, "labelvc format" if stored else hint)
