"""Behind DVC: pointers and manifests that do not fit their dataset, and edits that no commit would store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import product

from labelvc.checks.interface import Rule
from labelvc.model import listing
from labelvc.model.finding import Finding, Place
from labelvc.model.project import Project
from labelvc.model.snapshot import Snapshot
from labelvc.store import pointer, stale, tree
from labelvc.store.git import Git

RULES = (
    Rule(
        "dvc.unstored",
        "error",
        "Work tree differs from its DVC manifest",
        "A commit would keep the old pointer and lose the edit.",
    ),
    Rule(
        "dvc.pointer",
        "error",
        "DVC pointer does not fit its dataset",
        "Edits would be stored nowhere, or one of two versions of a shard would count without a word.",
    ),
)


def pointers(project: Project, snapshot: Snapshot) -> Iterator[Finding]:
    """Yield DVC pointers that stand where git is to store, lack their manifest, or name shards that git holds too."""
    for dataset, layer in product(project.datasets.values(), ("annotations", "items")):
        folder = f"datasets/{dataset.name}/{layer}"
        place = Place(f"{folder}.dvc")
        if place.path not in snapshot.entries:
            continue
        out = f"git rm {folder}.dvc, and git add the shards instead of ignoring them"
        if layer == "items":
            message = "items are kept in git: labelvc stores annotations with DVC and nothing else"
            yield Finding("dvc.pointer", "error", place, message, out)
        elif dataset.storage != "dvc":
            message = f"the pointer is there, yet datasets/{dataset.name}/dataset.yaml does not say `storage: dvc`"
            yield Finding("dvc.pointer", "error", place, message, f"write `storage: dvc`; or {out}")
        elif f"{folder}.sha256" not in snapshot.entries:
            message = "no SHA-256 manifest stands beside the pointer, so the shards are known by their MD5 alone"
            yield Finding("dvc.pointer", "error", place, message, "labelvc format")
        both = [path for path, entry in listing.under(snapshot.entries, f"{folder}/") if entry.kind == "git"]
        if both:
            message = f"git holds {len(both)} of the shards that the pointer stands for"
            yield Finding("dvc.pointer", "error", place, message, f"git rm -r --cached {folder}")


def unstored(git: Git, project: Project, snapshot: Snapshot, paths: Iterable[str]) -> Iterator[Finding]:
    """Yield DVC datasets whose work-tree shards differ from their manifest: `git commit` would not store them."""
    behind = [dataset for dataset in project.datasets.values() if dataset.storage == "dvc"]
    if snapshot.kind != "work" or not behind:
        return
    touched = {tuple(path.split("/")[:2]) for path in paths}
    with tree.reader(git) as reader:
        for dataset in behind:
            folder = f"datasets/{dataset.name}"
            if ("datasets", dataset.name) not in touched:
                continue
            if not (git.top / folder / "annotations").is_dir():
                continue  # nothing lies here: the pointer and its manifest speak for themselves
            others = stale.among(git, [f"{folder}/annotations"])
            yield from [Finding("dvc.unstored", "error", Place(it.folder), it.message, it.hint) for it in others]
            entry = snapshot.entries.get(f"{folder}/annotations.sha256")
            if entry is None or others:
                continue
            stored = pointer.manifest(
                f"{folder}/annotations.sha256", reader.read(f"{folder}/annotations.sha256", entry)
            )
            lying = list(listing.under(snapshot.entries, f"{folder}/annotations/"))
            sums = {path: found.id.partition(":")[2] for path, found in lying if found.kind == "dvc"}
            unproved = [(path, found) for path, found in lying if not sums.get(path)]
            sums |= {path: hashlib.sha256(data).hexdigest() for path, data in reader.many(unproved)}
            differing = sorted(path for path in stored.keys() | sums.keys() if stored.get(path) != sums.get(path))
            if differing:
                message = f"{len(differing)} shards differ from {folder}/annotations.sha256"
                hint = "labelvc format, which stores them with DVC; or dvc checkout, which drops them"
                yield Finding("dvc.unstored", "error", Place(differing[0]), message, hint)
