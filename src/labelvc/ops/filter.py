"""The filter: hooks find the people whom the vault knows, and hold nothing that says who they are."""

from __future__ import annotations

from labelvc.core import pseudonym
from labelvc.ops import custody, gates, vault
from labelvc.ops.custody import Act
from labelvc.ops.sharing import Openers
from labelvc.store import vault as folders
from labelvc.store.git import Git

_PEOPLE = ("person", "name", "email", "phone", "account", "iban")


def write(git: Git, act: Act, openers: Openers) -> tuple[int, int]:
    """Write the filter with which hooks find the people whom the vault knows, without holding who they are.

    Returns:
        How many values are in it, and how many are too short or too long to be looked for.

    Raises:
        TrustError: the vault does not open, or the gate key is not on this machine.
    """
    project = custody.project_here(git)
    with folders.held(git) as folder:
        one, _ = custody.opened(folder, project, openers)
        vault.fold(one)
        kept = [token for token, row in one.rows.items() if row.sealed and pseudonym.kind_of(token) in _PEOPLE]
        values = {content["value"] for content in map(one.content, kept) if "value" in content}
        vault.record(one, custody.entry(act, "filter", values=len(values)))
    return gates.write_filter(git, project, values)
