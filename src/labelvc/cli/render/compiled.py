"""Compiled templates, kept as Python keeps compiled modules: in `__pycache__` beside them, where that can be written."""

from __future__ import annotations

import os
import pickle
import sys
from contextlib import suppress
from pathlib import Path

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

FOLDER = Path(__file__).parent / "__pycache__"


class Compiled(BytecodeCache):
    """Keeps each template under its name, path and source, so that a changed one is compiled anew.

    Args:
        folder: where.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read a compiled template; what cannot be read is not there."""
        with suppress(OSError, EOFError, ValueError, pickle.UnpicklingError), self._path(bucket).open("rb") as file:
            bucket.load_bytecode(file)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write a compiled template as a whole or not at all, and where nothing can be written do without."""
        if sys.dont_write_bytecode:
            return
        path = self._path(bucket)
        fresh = path.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            self._folder.mkdir(exist_ok=True)
            fresh.write_bytes(bucket.bytecode_to_string())
            fresh.replace(path)

    def _path(self, bucket: Bucket) -> Path:
        return self._folder / f"{bucket.key}.{sys.implementation.cache_tag}.jinja"
