"""A commit as people see it: who made it, when, and what it says."""

# No `from __future__ import annotations`: typing would compile the text of each at every start.

from typing import NamedTuple


class Person(NamedTuple):
    """Somebody as a commit names them."""

    name: str
    email: str


class Commit(NamedTuple):
    """A commit.

    Attributes:
        id: full commit id.
        parents: ids of its parents.
        author: who made the change.
        coauthors: who the message names in `Co-authored-by` lines.
        authored: author date, ISO 8601 with its offset.
        committed: committer date, ISO 8601 with its offset.
        subject: first line of the message.
    """

    id: str
    parents: tuple[str, ...]
    author: Person
    coauthors: tuple[Person, ...]
    authored: str
    committed: str
    subject: str
