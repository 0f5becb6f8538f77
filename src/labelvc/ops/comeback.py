"""Coming back: a value that belongs to somebody who was erased, about to come in again under a token that the ledger does not list."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from labelvc.core import pseudonym
from labelvc.errors import RefusedError
from labelvc.model.project import Project
from labelvc.model.secret import Secret
from labelvc.ops import domains
from labelvc.ops import project as projects
from labelvc.store.git import Git


class Comeback:
    """Knows the keyed tokens of values in every domain that the project has or had, and what the ledger lists.

    Args:
        git: the repository.
        project: its project.
        secrets: of the active epoch and those it is chained to, oldest first.
    """

    def __init__(self, git: Git, project: Project, secrets: Sequence[Secret]) -> None:
        self._git, self._project, self._secrets = git, project, secrets

    def refuse(self, kind: str, value: str, scope: str, *, found: str = "") -> None:
        """Refuse a value whose keyed token is listed.

        Args:
            kind: of the value.
            value: the plain value, never shown.
            scope: how far it shares its token.
            found: the domain in whose token `check` finds it anyway; empty for none.

        Raises:
            RefusedError: it belongs to somebody who was erased: a new token would bring them back unseen.
        """
        project = self._project
        for name in self._domains:
            if name == found:
                continue
            tokens = pseudonym.lineage(self._secrets, project.id, name, kind, value, scope)
            if not project.erased.isdisjoint(tokens):
                message = f"a value of the kind {kind} belongs to somebody who was erased; nothing was written"
                hint = "take their rows out of the source; labelvc erase --list"
                raise RefusedError(message, where=projects.ERASURES, hint=hint)

    @cached_property
    def _domains(self) -> tuple[str, ...]:
        """Return the domains; none where nobody was erased, so that history is not asked."""
        return domains.ever(self._git, self._project) if self._project.erased else ()
