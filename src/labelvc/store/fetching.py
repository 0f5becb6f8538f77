"""Fetching: one commit of somebody else's repository, brought into a bare one beside ours, and nothing else of it.

git asks nobody, runs no hook, checks nothing out, speaks https and ssh alone, and is ended when it takes too long or writes
too much: what comes is not trusted before it is read as documents.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from labelvc import digests
from labelvc.errors import DataError, StoreError
from labelvc.store import disk, process
from labelvc.store import git as plumbing
from labelvc.store.git import Git

WAIT = 60.0
"""Seconds that one fetch may take."""
_ROOM = 64 << 10
"""What git may write into one file, in the blocks of `ulimit -f`: 512 bytes, in some shells 1024."""
_PROTOCOLS = ("https", "ssh")
_SCP = re.compile(r"[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:(?!/?/)[^\s]+")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REV = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}")
_SETTINGS = (
    "core.hooksPath=/dev/null", "core.askPass=", "credential.interactive=false", "fetch.fsckObjects=true",
    "fetch.unpackLimit=1", "gc.auto=0", "maintenance.auto=false",
)  # fmt: skip
_QUIET = {
    "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS": "", "SSH_ASKPASS_REQUIRE": "never",
    "GIT_ALLOW_PROTOCOL": ":".join(_PROTOCOLS),
}  # fmt: skip
_LIMITED = ("sh", "-c", f'ulimit -f {_ROOM} && exec "$@"', "sh")


class Fetched(NamedTuple):
    """A commit that is here: the bare repository that holds it, and its full id."""

    git: Git
    commit: str


def is_remote(source: str) -> bool:
    """Tell whether a text names a repository elsewhere, whatever the protocol: `https://...`, `git@host:path`, `ext::...`."""
    return "://" in source or "::" in source or _SCP.fullmatch(source.partition("#")[0]) is not None


def fetch(git: Git, url: str, rev: str, *, wait: float = WAIT) -> Fetched:
    """Bring one commit here; one that is here already is not asked for again.

    Args:
        git: the repository whose git folder keeps it.
        url: https or ssh, without a password.
        rev: branch, tag or full id; empty for the default branch.
        wait: seconds it may take; 0: nothing is fetched.

    Raises:
        DataError: a protocol that is not allowed, a password in the address, or no revision.
        StoreError: git could not fetch it, was not let in, took too long, or it is too large.
    """
    _refuse(url, rev)
    place = disk.private_folder(git, "modules") / digests.sha256(url.encode()).hexdigest()[:32]
    bare = Git(place, place, place, alone=True)
    if _COMMIT.fullmatch(rev) and _holds(bare, rev):
        return Fetched(bare, rev)
    if not wait:
        raise StoreError("it is not here, and nothing is fetched", where=url)
    fresh = not place.exists()
    try:
        if fresh:
            _run(["git", "init", "--quiet", "--bare", "--template=", str(place)], git.top, wait, url)
        words = ("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", url, rev or "HEAD")
        settings = [word for one in _SETTINGS for word in ("-c", one)]
        _run([*_LIMITED, *process.GIT, *settings, f"--git-dir={place}", *words], place, wait, url)
        commit = plumbing.resolve(bare, "FETCH_HEAD")
        plumbing.run(bare, "update-ref", f"refs/kept/{commit}", commit)
    except BaseException:
        if fresh:
            shutil.rmtree(place, ignore_errors=True)
        raise
    return Fetched(bare, commit)


def _refuse(url: str, rev: str) -> None:
    if rev and not _REV.fullmatch(rev):
        raise DataError(
            "is no branch, tag or commit", where=repr(rev)[:80], hint="--at main, --at v1.2.0 or a full commit"
        )
    if _SCP.fullmatch(url):
        return
    try:
        parts = urlsplit(url)
    except ValueError:
        raise DataError("is no address", where=repr(url)[:80], hint="https://HOST/PATH.git") from None
    if "::" in url or parts.scheme not in _PROTOCOLS or not parts.hostname or parts.hostname.startswith("-"):
        shown = re.sub(r"//[^/@]*@", "//...@", url)[:80]
        hint = "an address that begins with https:// or ssh://; a repository on this machine is named by its folder"
        raise DataError("modules are fetched over https and ssh only", where=shown, hint=hint)
    if parts.password is not None or (parts.scheme == "https" and parts.username is not None):
        hint = "leave it out of the address, and give it to git's credential helper: git help credentials"
        raise DataError(
            "a name or password in the address would get into modules.lock", where=parts.hostname, hint=hint
        )


def _holds(bare: Git, commit: str) -> bool:
    words = [*process.GIT, f"--git-dir={bare.directory}", "cat-file", "-e", f"{commit}^{{commit}}"]
    return bare.directory.is_dir() and process.finish(words, bare.top, around=process.environment(alone=True)).code == 0


def _run(words: list[str], folder: Path, wait: float, url: str) -> None:
    """Run git in a session of its own, so that what it starts ends with it and no terminal can be asked."""
    around = {**process.environment(alone=True), **_QUIET}
    with process.nameless_file() as complaints:
        running = subprocess.Popen(
            words,
            cwd=folder,
            env=around,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            start_new_session=True,
        )
        try:
            code = running.wait(wait)
        except subprocess.TimeoutExpired:
            message = f"git fetched for {wait:g} seconds and was not done"
            raise StoreError(
                message, where=url, hint="try again, or with --wait SECONDS; git ls-remote URL asks alone"
            ) from None
        finally:
            if running.poll() is None:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()
        complaints.seek(0)
        said = process.complaint(complaints.read())
    if code and ("index-pack" in said or "File too large" in said):  # what is over the limit ends by a signal
        message = "the repository is too large for one that holds modules, or damaged"
        raise StoreError(message, where=url, hint="keep modules in a repository of their own")
    if code:
        raise StoreError(f"git could not fetch it: {said}", where=url, hint=f"git ls-remote {url}")
