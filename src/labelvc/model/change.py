"""Change as a value: a delta says what one record was and is; a change-set is what a person signs."""

# No `from __future__ import annotations`: typing would compile the text of each at every start.

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from labelvc.model.names import Digest, Key

Kind = Literal["added", "removed", "changed", "touched", "mechanical"]
"""How a thing changed; `mechanical` is a reshard, a storage move, a re-key or a rename, by which no content changes."""

ConflictKind = Literal["edited", "added", "deleted", "doubled"]

Strategy = Literal["ours", "theirs", "newest", "max", "union", "conflict"]
"""How a field that both sides changed is merged: one side's, the side with the later `at`, the greater value, the members
of both lists less what either took out, or not at all."""


class Delta(NamedTuple):
    """One thing's old and new bytes.

    Attributes:
        key: the record's or item's key, or a document's path.
        old: canonical line before, without `\\n`; for a document its whole bytes; None when it was not there.
        new: the same after.
        modes: of a document, how git tells the kind of file before and after (`model.snapshot`), where one is no plain file.
    """

    key: Key | str
    old: bytes | None
    new: bytes | None
    modes: Sequence[str] = ()

    def __invert__(self) -> "Delta":
        """Return the delta that undoes this one."""
        return Delta(self.key, self.new, self.old, self.modes[::-1])

    def __bool__(self) -> bool:
        """Tell whether anything differs."""
        return self.old != self.new or len({*self.modes}) > 1


class Conflict(NamedTuple):
    """What two sides made of one thing and no rule can bring together; a person decides.

    Attributes:
        key: the record's or item's key; text where a line's key cannot be read.
        kind: `edited` where both changed the same field, `added` where both added it, `deleted` where one deleted what the
            other changed, `doubled` where a key stands on several lines.
        base: the lines of the common ancestor, none where it was not there.
        ours: the lines on our side.
        theirs: the lines on their side.
        fields: JSON pointers that neither side may win by itself.
    """

    key: Key | str
    kind: ConflictKind
    base: tuple[bytes, ...]
    ours: tuple[bytes, ...]
    theirs: tuple[bytes, ...]
    fields: tuple[str, ...] = ()


class Edit(NamedTuple):
    """One thing that a document says differently.

    Attributes:
        of: what kind of thing: the document's `version`, a `label`, a `block` of a guideline, an entry of the `lineage`,
            or any other `member`.
        what: what happened to it; `moved` is another parent, `ordered` the same things in another order.
        name: the label's id; empty where it is none.
        block: the block or the label's member; empty where it is none.
        pointer: JSON pointer into the new document, or into the old one where it went.
        old: the value before, None where there was none.
        new: the same after.
    """

    of: Literal["version", "label", "block", "lineage", "member"]
    what: Literal["added", "removed", "changed", "renamed", "deprecated", "revived", "moved", "ordered"]
    name: str
    block: str
    pointer: str
    old: Any
    new: Any


class Move(NamedTuple):
    """One line of a change-set: a key with the SHA-256 of its old and new bytes."""

    key: str
    old: Digest | None
    new: Digest | None


class ChangeSet(NamedTuple):
    """All moves between two snapshots; independent of shard paths, base and head.

    Attributes:
        moves: sorted by key text (bytes of its UTF-8), at most one a key.
        root: RFC 6962 root over the canonical lines, unsalted: `sha256:<hex>`.
    """

    moves: Sequence[Move]
    root: Digest
