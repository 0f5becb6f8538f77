"""Files on the disk: at no moment may more people read a private file than its owner."""

from __future__ import annotations

import os
import resource
import stat
import threading
from pathlib import Path

import pytest

from labelvc.errors import StoreError
from labelvc.store import disk


def test_no_byte_of_a_private_file_was_ever_for_all_to_read(tmp_path: Path):
    """A file that is readable while it is written has been read; one that a kill leaves then stays readable."""
    before = os.umask(0o022)
    seen, done = set[int](), threading.Event()

    def look() -> None:
        while not done.is_set():
            for row in os.scandir(tmp_path):
                try:
                    found = row.stat()
                except FileNotFoundError:
                    continue
                if found.st_size:
                    seen.add(stat.S_IMODE(found.st_mode))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for number in range(3):
            disk.write_private(tmp_path / f"key{number}", bytes(1 << 25))
    finally:
        done.set()
        watcher.join()
        os.umask(before)
    assert seen == {0o600}


def test_a_private_file_that_could_not_be_written_is_not_there(tmp_path: Path):
    (tmp_path / "old").write_bytes(b"as it was")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        for name in ("new", "old"):
            with pytest.raises(StoreError, match="could not write"):
                disk.write_private(tmp_path / name, bytes(2 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("old", b"as it was")]
