"""The vault's folder: generations that are never changed, one of which is current, what waits to be sealed, and the log.

`<git common dir>/labelvc/vault/` lies outside of every work tree, so no commit can hold it. A change writes a new
generation beside the current one and then names it, so that a kill leaves the old one as it was.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from labelvc.codec import canonical, merkle
from labelvc.errors import DataError, StoreError, TrustError
from labelvc.store import disk, files
from labelvc.store import git as plumbing
from labelvc.store.git import Git

KEY, ROOT, LINKS, KEYS, LOG = "key.json", "root.json", "links.jsonl", "keys.jsonl", "log.jsonl"
_CURRENT, _INBOX, _PART, _ROWS = "current", "inbox", ".part", "rows"
_NAME = re.compile(r"[0-9a-f]{16}")
_ROW_FILE = re.compile(r"rows/[a-z]{3}/[a-z]\.jsonl")
_START = "0" * 64
NEW = "labelvc vault new"


def home(git: Git) -> Path:
    """Return where the vault of a repository is."""
    return git.common / "labelvc" / "vault"


def inside(git: Git, path: Path) -> bool:
    """Tell whether a path leads into the repository: its git folder, or any of its work trees.

    Raises:
        StoreError: git cannot tell its work trees.
    """
    listed = plumbing.run(git, "worktree", "list", "--porcelain", "-z").split(b"\0")
    trees = [Path(os.fsdecode(row.removeprefix(b"worktree "))) for row in listed if row.startswith(b"worktree ")]
    return any(path.resolve().is_relative_to(top.resolve()) for top in (git.top, git.common.parent, *trees))


@contextmanager
def held(git: Git) -> Iterator[Path]:
    """Hold the vault for writing; yields its folder, which only its owner may enter.

    Raises:
        StoreError: another command writes it, or it cannot be made.
    """
    folder = disk.private_folder(git, "vault")
    guard(folder)
    with files.held(folder / "lock"):
        yield folder


def guard(folder: Path) -> None:
    """Refuse a vault that others may enter, that is a link, or another user's; one that is not there is no harm.

    Raises:
        TrustError: it is; says what to type.
    """
    with suppress(FileNotFoundError):
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise TrustError("the vault is no folder of yours", where=str(folder), hint=f"ls -ld {folder}")
        if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise TrustError("others may enter the vault", where=str(folder), hint=f"chmod 700 {folder}")


def current(folder: Path) -> Path | None:
    """Return the folder of the current generation of a vault; None when the vault was never begun.

    Raises:
        DataError: what names it is damaged.
    """
    try:
        name = (folder / _CURRENT).read_text(errors="replace").strip()
    except FileNotFoundError:
        return None
    found = folder / name
    if not _NAME.fullmatch(name) or not found.is_dir():
        hint = "bring the folder back from a backup, or take a colleague's: it must come whole"
        raise DataError("the vault's current generation is not there", where=str(folder / _CURRENT), hint=hint)
    return found


def needed(folder: Path) -> Path:
    """Return the current generation of a vault that must be there.

    Raises:
        TrustError: the vault was never begun on this machine.
    """
    guard(folder)
    found = current(folder)
    if found is None:
        hint = f"copy the folder from a clone that has it, by a way nobody listens to; when nobody has one: {NEW}"
        raise TrustError("there is no vault on this machine", where=str(folder), hint=hint)
    return found


def rows(generation: Path) -> dict[str, list[bytes]]:
    """Return the lines of all files of rows, by their name in the generation, `rows/prs/k.jsonl`."""
    found = {}
    for path in sorted((generation / _ROWS).glob("*/*.jsonl")):
        name = path.relative_to(generation).as_posix()
        if _ROW_FILE.fullmatch(name):
            found[name] = path.read_bytes().splitlines()
    return found


def row_file(token: str) -> str:
    """Return the file that a token's row is in: by its kind and the first letter of its body, which spreads evenly."""
    return f"{_ROWS}/{token[:3]}/{token[-27]}.jsonl"


def root_of(found: Mapping[str, list[bytes]]) -> tuple[int, str]:
    """Return how many rows there are and the RFC 6962 root over their lines, file by file."""
    lines = [line for name in sorted(found) for line in found[name]]
    return len(lines), merkle.root(lines).hex()


def begin(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write the files of a new generation and make it the current one; the generation before goes.

    Args:
        folder: the vault.
        contents: name to bytes: all of the generation.

    Raises:
        StoreError: the disk is full or not ours; the generation before stays.
    """
    fresh = folder / secrets.token_hex(8)
    try:
        fresh.mkdir(mode=0o700)
        disk.write_all({fresh / name: data for name, data in contents.items()})
        disk.write_all({folder / _CURRENT: f"{fresh.name}\n".encode()})
    except (OSError, StoreError) as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise disk.failure(error, fresh) if isinstance(error, OSError) else error from None
    sweep(folder)


def leftover(folder: Path) -> list[Path]:
    """Return generations that are not the current one; none when nobody can tell which that is."""
    now = current(folder)
    return [path for path in sorted(folder.iterdir()) if now and _NAME.fullmatch(path.name) and path != now]


def sweep(folder: Path) -> None:
    """Delete the generations before the current one, which a kill may have left: they hold what was forgotten since."""
    for path in leftover(folder):
        shutil.rmtree(path, ignore_errors=True)


def waiting(folder: Path) -> list[Path]:
    """Return the files that wait to be sealed, oldest name first; what is in them is encrypted."""
    return sorted((folder / _INBOX).glob("*.age"))


def put_in(folder: Path, files: Iterable[bytes]) -> list[Path]:
    """Set encrypted files aside until they are sealed, one at a time; the caller holds the vault.

    All are on the disk before the first waits: a kill leaves parts that nobody can open, which the next import deletes, and a
    full disk none.

    Args:
        folder: the vault.
        files: what each holds.

    Returns:
        Where they are.

    Raises:
        StoreError: the disk refuses; none waits more than before.
    """
    inbox = folder / _INBOX
    inbox.mkdir(mode=0o700, exist_ok=True)
    for path in inbox.glob(f"*{_PART}"):
        path.unlink(missing_ok=True)
    parts: list[Path] = []
    done: list[Path] = []
    try:
        for data in files:
            parts.append(inbox / f"{secrets.token_hex(8)}{_PART}")
            disk.replace(parts[-1], data)
        while parts:
            done.append(parts[-1].rename(parts[-1].with_suffix(".age")))
            parts.pop()
    except OSError as error:
        parts += done
        raise disk.failure(error, inbox) from None
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    return done


def lines(path: Path) -> list[bytes]:
    """Return the lines of a file of the vault; none when it is not there."""
    try:
        return path.read_bytes().splitlines()
    except FileNotFoundError:
        return []


def append(folder: Path, entry: Mapping[str, object], seal: Callable[[bytes], str] | None = None) -> None:
    """Add an entry to the log, chained to the one before by its digest, and wait until it is on the disk.

    Args:
        folder: the vault.
        entry: what was done.
        seal: makes what only who holds the vault's key can make of an entry's bytes; None for who does not hold it.

    Raises:
        DataError: the chain is broken: nothing is added to a log that somebody edited.
        StoreError: the disk refuses.
    """
    before, number = chain(folder)
    content = {**entry, "n": number + 1, "prev": before}
    line = canonical.encode({**content, "mac": seal(canonical.encode(content))} if seal else content) + b"\n"
    path = folder / LOG
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _add(handle, line)
        finally:
            os.close(handle)
    except OSError as error:
        raise disk.failure(error, path) from None


def _add(handle: int, line: bytes) -> None:
    """Write a line at the end of a file, or nothing: half a one would be a log that somebody edited."""
    length = os.fstat(handle).st_size
    done = os.write(handle, line)
    if done < len(line):
        os.ftruncate(handle, length)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(handle)


def chain(folder: Path) -> tuple[str, int]:
    """Return the digest of the log's last line and how many there are.

    Raises:
        DataError: a line is not chained to the one before; says which.
    """
    before, number = _START, 0
    for number, line in enumerate(lines(folder / LOG), 1):
        try:
            value = canonical.decode(line)
            good = isinstance(value, dict) and (value.get("prev"), value.get("n")) == (before, number)
        except DataError:
            good = False
        if not good:
            raise edited(folder, number)
        before = hashlib.sha256(line).hexdigest()
    return before, number


def edited(folder: Path, number: int) -> DataError:
    """Return what to tell of a log whose line is not what was written, or not there."""
    message = "the log of the vault was edited: this line is not the one that was written"
    hint = f"keep it as evidence: cp {folder / LOG} {folder / LOG}.edited, and bring the vault back from a backup"
    return DataError(message, where=f"{folder / LOG}:{number}", hint=hint)
