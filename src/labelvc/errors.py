"""What can go wrong, as values the command line turns into an exit code and three lines of text.

    Error, the root, is never raised itself
    ├── ConfigurationError   the project's own documents are wrong or missing
    ├── DataError            input or stored bytes cannot be read as what they should be
    ├── StoreError           git, DVC or the disk could not do it
    ├── TrustError           a key, signature or policy could not be used
    └── RefusedError         a rule of the project says no; nothing was written

This module knows no exit code and no terminal: `labelvc.cli.main` maps `RefusedError` to 1 and every other `Error` to 2.
"""

from __future__ import annotations


class Error(Exception):
    """A problem told in three parts: what happened, where, and the command to type next.

    Args:
        message: what happened, one sentence, never a sensitive value.
        where: the path (with line), key or revision it happened at; empty when it is nowhere in particular.
        hint: what to do next, best a command that can be pasted; empty when there is nothing to do.
    """

    kind = "error"

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with the keyword parts kept, since errors cross worker processes."""
        return (_rebuild, (type(self), self.message, self.where, self.hint))


class ConfigurationError(Error):
    """The project's own documents (labelvc.yaml, dataset.yaml ...) are missing or wrong."""

    kind = "configuration"


class DataError(Error):
    """Input or stored bytes cannot be read as what they should be."""

    kind = "data"


class StoreError(Error):
    """git, DVC or the disk could not do what was asked."""

    kind = "store"


class TrustError(Error):
    """A key, a signature or a policy cannot be used."""

    kind = "trust"


class RefusedError(Error):
    """A rule of the project says no; nothing was written."""

    kind = "refused"


def _rebuild(kind: type[Error], message: str, where: str, hint: str) -> Error:
    return kind(message, where=where, hint=hint)
