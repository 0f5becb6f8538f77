"""Judges: whose settings say what is wrong with a branch: those of where it would go, as that stands today."""

from __future__ import annotations

from labelvc.errors import ConfigurationError
from labelvc.model.project import Project
from labelvc.ops import privacy
from labelvc.ops import project as projects
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git


def of(git: Git, rev: str) -> Project | None:
    """Return what the documents of a revision say; None where there is no project yet, so that a branch begins it.

    Args:
        git: where.
        rev: where a branch would go.

    Raises:
        ConfigurationError: they cannot be read, so that the branch would be judged by its own.
        StoreError: an unknown revision, or a document that is not here.
    """
    if projects.TOP not in tree.commit(git, rev, (projects.TOP,)).entries:
        return None
    snapshot = tree.commit(git, rev)
    found = privacy.project_of(git, snapshot)
    if found is None:
        hint = f"git switch --detach {snapshot.commit[:12]}; labelvc check --all; mend it in the base first"
        raise ConfigurationError("the documents of the base cannot be read", where=snapshot.commit[:12], hint=hint)
    return found


def of_range(git: Git, words: str | None) -> Project | None:
    """Return whose settings judge a range; None where it is what the range starts from.

    Args:
        git: where.
        words: as `diff.resolve` takes them. Of `A...B` A judges, which may have gone on since the two parted.

    Raises:
        ConfigurationError: as for `of`.
        StoreError: as for `of`, or there is no common commit.
    """
    if not words or "..." not in words:
        return None
    one, two = [part or "HEAD" for part in words.split("...", 1)]
    return None if plumbing.merge_base(git, one, two) == plumbing.resolve(git, one) else of(git, one)
