"""Discovery: where the repository of a folder is, read from its files where they are as `git init` and `git clone` leave them.

A git that only says so would be a process at the start of every command. Whatever is unusual is left to it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

# Variables of git that say nothing of where a repository is (git(1)); any other one is for git to read.
_ELSEWHERE = (
    "GIT_ALLOW_PROTOCOL", "GIT_ASKPASS", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_EDITOR",
    "GIT_EXEC_PATH", "GIT_GRAFT_FILE", "GIT_INDEX_FILE", "GIT_MERGE_AUTOEDIT", "GIT_OPTIONAL_LOCKS", "GIT_PAGER", "GIT_PREFIX",
    "GIT_REFLOG_ACTION", "GIT_SEQUENCE_EDITOR", "GIT_TERMINAL_PROMPT",
)  # fmt: skip
_KINDS = ("GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CURL_", "GIT_HTTP_", "GIT_SSH", "GIT_SSL_", "GIT_TRACE")
_TELLING = ("extensions", "include", "includeif")
_USUAL: dict[str, str | None] = {"bare": "false", "repositoryformatversion": "0", "worktree": None}
_IDS = (40, 64)


def plain(start: Path, around: Mapping[str, str]) -> Path | None:
    """Return the top of the work tree that a folder belongs to, where the whole of its repository is the `.git` in there.

    Source: git's setup.c (`setup_git_directory_gently_1`, `is_git_directory`, `ensure_valid_ownership`, `check_repo_format`).

    Args:
        start: a folder.
        around: the environment of the git that would be asked.

    Returns:
        The absolute path, without symbolic links. None where git must be asked: it is another kind of repository or none, of
        another format, somebody else's, on another file system, or a variable may say where it is; or there is no git.
    """
    if any(map(_may_tell, around)) or not _git_is_there(around):
        return None
    try:
        top = start.resolve(strict=True)
        device = top.stat().st_dev
        while not os.path.lexists(top / ".git"):
            if os.path.lexists(top / "HEAD") or top.parent == top or top.parent.stat().st_dev != device:
                return None
            top = top.parent
        return top if _is_ours(top) and _is_git_folder(top / ".git") else None
    except (OSError, ValueError, RuntimeError):
        return None


def _may_tell(variable: str) -> bool:
    return variable.startswith("GIT_") and variable not in _ELSEWHERE and not variable.startswith(_KINDS)


def _git_is_there(around: Mapping[str, str]) -> bool:
    return any(os.access(Path(folder, "git"), os.X_OK) for folder in around.get("PATH", os.defpath).split(os.pathsep))


def _is_ours(top: Path) -> bool:
    """Tell whether work tree and git folder belong to who runs this: of those of others git obeys some, by `safe.directory`."""
    own = getattr(os, "geteuid", None)
    return own is not None and all(path.lstat().st_uid == own() for path in (top, top / ".git"))


def _is_git_folder(folder: Path) -> bool:
    """Tell whether a folder is a git folder that shares nothing with another one, and its configuration as plain as most are."""
    for name in ("", "objects", "refs"):
        if not stat.S_ISDIR((folder / name).lstat().st_mode) or not os.access(folder / name, os.X_OK):
            return False
    for name in ("HEAD", "config"):
        if not stat.S_ISREG((folder / name).lstat().st_mode):
            return False
    head = (folder / "HEAD").read_bytes().removesuffix(b"\n")
    named = head.startswith(b"ref: refs/") or (len(head) in _IDS and head.isalnum())
    return named and not os.path.lexists(folder / "commondir") and _is_usual((folder / "config").read_text("utf-8"))


def _is_usual(configuration: str) -> bool:
    """Tell whether a configuration says nothing of the repository's place and format but what is so everywhere.

    A line that holds anything but the name of a section, or a name and its value, is left to git (git-config, Syntax).
    """
    section = ""
    for line in configuration.split("\n"):
        text = line.strip()
        if not text or text[0] in "#;":
            continue
        if text[0] == "[":
            name, _, rest = text[1:-1].partition(" ")
            section = name.lower()
            if text[-1] != "]" or "]" in rest or not _is_name(name) or section in _TELLING:
                return False
            section += rest
            continue
        name, mark, value = map(str.strip, text.partition("="))
        if not mark or not section or not _is_name(name) or text[-1] == "\\":
            return False
        if section == "core" and value != _USUAL.get(name.lower(), value):
            return False
    return True


def _is_name(text: str) -> bool:
    return text.isascii() and text.replace("-", "").isalnum()
