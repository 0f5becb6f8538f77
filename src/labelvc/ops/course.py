"""Course: the steps that are to be verified, as a person names them."""

from __future__ import annotations

from typing import NamedTuple

from labelvc.errors import StoreError
from labelvc.ops import parting
from labelvc.store import git as plumbing
from labelvc.store.git import Git


class Course(NamedTuple):
    """What is to be verified.

    Attributes:
        base, head: the commits a person named; the merge base for `A...B`.
        pairs: (parent, commit) of each step, oldest first.
        ruler: commit whose policy judges a pull request: the tip of the branch it would go into, not the place where it
            was cut; empty: each step is judged by its parent's.
    """

    base: str
    head: str
    pairs: list[tuple[str, str]]
    ruler: str = ""


def read(git: Git, words: str | None, *, everything: bool = False) -> Course:
    """Read what is to be verified.

    Args:
        git: where.
        words: `A..B` for each first-parent step, `A...B` for one step from the merge base (a pull request), `A` for the step
            that made A, None for the step that made HEAD.
        everything: the whole first-parent history of `words`, or of HEAD.

    Returns:
        The steps, oldest first.

    Raises:
        StoreError: unknown revision, a shallow clone that hides what is needed, or an A that B's first-parent line never
            meets: its steps would say nothing of what came after A.
    """
    if everything:
        end = plumbing.resolve(git, words or "HEAD")
        return Course("", end, plumbing.first_parents(git, "", end))
    words = words or "HEAD"
    if "..." in words:
        one, two = [part or "HEAD" for part in words.split("...", 1)]
        base, end = parting.base(git, one, two), plumbing.resolve(git, two)
        return Course(base, end, [(base, end)], plumbing.resolve(git, one))
    if ".." in words:
        one, two = [plumbing.resolve(git, part or "HEAD") for part in words.split("..", 1)]
        pairs = plumbing.first_parents(git, one, two)
        if one != (pairs[0][0] if pairs else two):
            message = f"{words.split('..')[0] or 'HEAD'} is not on the first-parent line that leads to the other end"
            raise StoreError(message, where=words, hint=f"labelvc verify {words.replace('..', '...')}")
        return Course(one, two, pairs)
    end = plumbing.resolve(git, words)
    parent = plumbing.run(git, "rev-list", "--parents", "--max-count=1", end).decode().split()[1:2]
    if not parent and plumbing.is_shallow(git):
        raise StoreError("the parent is not in this shallow clone", where=words, hint="git fetch --unshallow")
    return Course(parent[0] if parent else "", end, [(parent[0] if parent else "", end)])
