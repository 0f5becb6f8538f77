"""Growth: records whose `rev` does not grow, which nobody can approve: an old approval of what followed would fit again."""

from __future__ import annotations

from labelvc.core.changeset import Gathered
from labelvc.ops.approvals import Problem


def faults(found: Gathered) -> tuple[Problem, ...]:
    """Return what is wrong with the `rev` of records that moved: one problem, which names the first and says how many there are.

    Args:
        found: everything that moved.
    """
    if not found.stuck:
        return ()
    more = f", and that of {len(found.stuck) - 1:,} more" if len(found.stuck) > 1 else ""
    told = f"its rev{more} does not grow or cannot be read, so that an old approval of what came after it would fit again: labelvc format --since REV, REV being the commit before"
    return (Problem(min(found.stuck), told),)
