"""Names: how a thing is called so that everybody means the same thing."""

# No `from __future__ import annotations`: typing would compile the text of each at every start.

from typing import Literal, NamedTuple, NewType

from labelvc.errors import DataError

Digest = NewType("Digest", str)
"""`sha256:<64 lower-case hex>`: the only identity of content (never md5 or sha1)."""

Layer = Literal["annotations", "items"]
"""The two folders of shards in a dataset."""


class Key(NamedTuple):
    """The name of a record, written `dataset/item#id`; of an item, `dataset/item#` (its id is empty).

    An item may hold `/` and `#`; a dataset holds no `/` and an id no `#`, so the text splits at the first `/` and the last `#`.
    """

    dataset: str
    item: str
    id: str

    def __str__(self) -> str:
        """Return `dataset/item#id`."""
        return f"{self.dataset}/{self.item}#{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Key":
        """Read a key from its text.

        Args:
            text: `dataset/item#id`.

        Returns:
            The key.

        Raises:
            DataError: the text lacks the `/` or the `#`, or was not UTF-8 where it was typed.
        """
        dataset, slash, rest = text.partition("/")
        item, mark, identifier = rest.rpartition("#")
        if not (slash and mark and dataset and item and _is_text(text)):
            raise DataError(
                f"{text!r} is not a key",
                hint="write dataset/item#id, as `labelvc diff` prints it; `labelvc blame dataset/item` lists an item's records",
            )
        return cls(dataset, item, identifier)


def _is_text(text: str) -> bool:
    """Tell whether a text can be stored: half a surrogate pair, or a byte the terminal could not decode, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
