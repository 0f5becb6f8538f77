"""A file or folder being written: complete under a temporary name, then renamed, or not there at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from labelvc.errors import StoreError

UNFINISHED = ".labelvc-unfinished"
"""How a temporary name ends, as in `labelvc.store.files`."""


@contextmanager
def file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to write; it appears under its name when the block ends well, and not at all when it fails.

    Args:
        path: where; folders above it are made; a device, a pipe or a link (`/dev/stdout`) is written straight to, as a
            shell would.

    Yields:
        The file, open for bytes.

    Raises:
        StoreError: the disk is full, read-only or not ours.
    """
    beside = _beside(path)
    try:
        if path.is_symlink() or (path.exists() and not path.is_file() and not path.is_dir()):
            with path.open("wb") as straight:
                yield straight
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("xb") as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        beside.replace(path)
    except OSError as error:
        raise _failure(error, path) from None
    finally:
        if beside.exists():
            beside.unlink()


@contextmanager
def folder(path: Path) -> Iterator[Path]:
    """Open a folder to fill; its files move to their place when the block ends well, others there stay as they are.

    Args:
        path: the folder; it may exist.

    Yields:
        A temporary folder beside it.

    Raises:
        StoreError: the disk is full, read-only or not ours, or the path is a file.
    """
    beside = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.mkdir()
        yield beside
        os.sync()
        if path.exists():
            for made in sorted(beside.iterdir()):
                made.replace(path / made.name)
        else:
            beside.rename(path)
    except OSError as error:
        raise _failure(error, path) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name[:120]}.{os.urandom(4).hex()}{UNFINISHED}")


def _failure(error: OSError, path: Path) -> StoreError:
    return StoreError(
        f"could not write: {error.strerror}", where=str(path), hint=f"ls -ld {path.parent}; df -h {path.parent}"
    )
