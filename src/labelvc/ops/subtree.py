"""Subtrees: where a merge put the files of its other side when that is not where they lay.

`git subtree` and `git merge -s subtree` put the whole tree of another project under a folder of ours, or take for our tree a
folder of it (git-subtree(1); git's match-trees.c). Held against each other path by path such a merge seems to have lost
everything; what its sides say of our project is found by moving them first, as git did.

Where our project lies is told by the id of its document alone, which is minted once: nobody hides what a merge of our own
branches lost by putting a copy somewhere else.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from labelvc.model.snapshot import Entry
from labelvc.ops import project as projects
from labelvc.ops import threeway
from labelvc.store import draft, treewalk
from labelvc.store import git as plumbing
from labelvc.store.draft import Draft
from labelvc.store.folders import Folders
from labelvc.store.git import Git
from labelvc.store.reader import Reader

_MOVED = "side of a subtree merge"


class Sides(NamedTuple):
    """The commits of a merge, each with the project where the others have it: some are made here, and nothing refers to them."""

    base: str
    ours: str
    theirs: str
    merged: str


def sides(git: Git, reader: Reader, ours: str, theirs: str, merged: str) -> Sides:
    """Return the commits of a merge with their files moved as the merge moved them; most merges move none.

    Args:
        git: where.
        reader: reads documents.
        ours: full id of the first parent.
        theirs: full id of the other.
        merged: full id of the merge.

    Raises:
        StoreError: the parents share no commit, and neither was put under a folder; or an object is missing.
    """
    folders = Folders(git, reader)
    documents = [_document(folders, commit) for commit in (ours, theirs, merged)]
    if len(set(documents)) == 1:
        return Sides(threeway.base(git, ours, theirs), ours, theirs, merged)
    mine, other, _ = [_id(git, reader, document) for document in documents]
    project = mine or other
    base = threeway.base(git, ours, theirs) if plumbing.merge_bases(git, ours, theirs) else ""
    places = [_place(git, reader, folders, commit, project) for commit in (base, ours, theirs, merged)]
    if project and places[0] is None and places[2] is None:
        folder = _under(git, (base, theirs), (ours, merged))
        if folder:
            return Sides(_put(git, ours, base, folder), ours, _put(git, ours, theirs, folder), merged)
    if not base and (places[1] is not None or not places[3]):
        threeway.bases(git, ours, theirs)
    return Sides(
        *[_taken(git, commit, place or "") for commit, place in zip((base, ours, theirs, merged), places, strict=True)]
    )


def _place(git: Git, reader: Reader, folders: Folders, commit: str, project: str) -> str | None:
    """Return the folder of a commit in which a project lies, empty for its top; None when it is nowhere."""
    if not commit or not project:
        return None
    if _id(git, reader, _document(folders, commit)) == project:
        return ""
    rows = [row for row in treewalk.files(git, commit) if row.path.endswith(f"/{projects.TOP}")]
    for row in sorted(rows, key=lambda row: (row.path.count("/"), row.path)):
        if _id(git, reader, row.entry) == project:
            return row.path.rpartition("/")[0]
    return None


def _document(folders: Folders, commit: str) -> Entry | None:
    return folders.snapshot(commit, [projects.TOP]).entries.get(projects.TOP)


def _id(git: Git, reader: Reader, document: Entry | None) -> str:
    """Return the id of the project that a document describes; empty when there is none or nobody can read it."""
    if document is None:
        return ""
    (value,) = projects.values(git, [("project", reader.read(projects.TOP, document))])
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def _under(git: Git, theirs: tuple[str, str], ours: tuple[str, str]) -> str:
    """Return the folder under which most of what one side changed is found again in what the merge changed, word for word."""
    moved = _moved(git, *theirs)
    alike, touched = Counter[str](), Counter[str]()
    for path, new in _moved(git, *ours).items():
        for at in [-1, *[at for at, letter in enumerate(path) if letter == "/"]]:
            if path[at + 1 :] in moved:
                folder = path[: max(at, 0)]
                touched[folder] += 1
                alike[folder] += moved[path[at + 1 :]] == new
    return max(touched, key=lambda folder: (alike[folder], touched[folder], -len(folder)), default="")


def _moved(git: Git, old: str, new: str) -> dict[str, Entry | None]:
    """Return the files in which two commits differ, as the second has them; all of it where there is no first."""
    return {path: entry for path, _, entry in treewalk.moved(git, old or plumbing.empty_tree(git), new, "")}


def _taken(git: Git, commit: str, folder: str) -> str:
    """Return a commit whose tree is a folder of another commit's, that one itself for its top, an empty one for none."""
    if commit and not folder:
        return commit
    if not commit:
        return draft.commit(git, plumbing.empty_tree(git), (), _MOVED)
    tree = plumbing.run(git, "rev-parse", f"{commit}:{folder}").decode().strip()
    return draft.commit(git, tree, (commit,), _MOVED)


def _put(git: Git, ours: str, side: str, folder: str) -> str:
    """Return a commit whose tree is ours with the files of a side in place of a folder."""
    with Draft(git, ours) as drawn:
        drawn.take([row._replace(id="") for row in treewalk.files(git, ours, folder)])
        if side:
            drawn.take([row._replace(path=f"{folder}/{row.path}") for row in treewalk.files(git, side)])
        return draft.commit(git, drawn.write(), (ours,), _MOVED)
