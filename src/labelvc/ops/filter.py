"""The filter: hooks find the people whom the vault knows, and hold nothing that says who they are."""

from __future__ import annotations

from labelvc.core import pseudonym
from labelvc.errors import TrustError
from labelvc.model.project import Project
from labelvc.ops import gates
from labelvc.ops.vault import Opened
from labelvc.store import disk, keyring
from labelvc.store.git import Git

_PEOPLE = ("person", "name", "email", "phone", "account", "iban")


def write(git: Git, project: Project, one: Opened) -> tuple[int, int]:
    """Write the filter from an open vault, in place of the one that is here.

    Returns:
        How many values are in it, and how many are too short or too long to be looked for.

    Raises:
        TrustError: the gate key is not on this machine.
    """
    kept = [token for token, row in one.rows.items() if row.sealed and pseudonym.kind_of(token) in _PEOPLE]
    values = {content["value"] for content in map(one.content, kept) if "value" in content}
    return gates.write_filter(git, project, values)


def renew(git: Git, project: Project, one: Opened) -> None:
    """Leave those out of the filter whom the vault has forgotten; where it cannot be made anew, it goes."""
    path = keyring.filter_path(git)
    if path.exists():
        try:
            write(git, project, one)
        except TrustError:
            disk.remove(path)
