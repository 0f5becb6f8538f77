"""Plumbing git: the repository, its revisions, its objects and its patches, each through one git process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from labelvc.errors import StoreError
from labelvc.model import shell
from labelvc.model.snapshot import FileChange
from labelvc.store import discovery, kept, patch, process, revisions

if TYPE_CHECKING:
    from labelvc.store.executors import Executor

# Plumbing reads no diff.* settings; the rest says what attributes and basic settings could change; whole ids need no search.
PATCH = (
    "-p", "-r", "-U0", "--full-index", "--inter-hunk-context=0", "--text", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color",
    "--no-relative", "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short", "--ignore-submodules=all", "-O/dev/null",
)  # fmt: skip
RAW = ("--raw", "-r", "--no-abbrev", "--no-renames", "--no-relative", "-O/dev/null")
_NO_REPOSITORY = "cd into your project, or make one here: labelvc init"
_commits: dict[Path, set[str]] = {}
# Words of git's complaints that tell the cure (read-cache.c; tree-walk.c, object-file.c and revision.c).
_INDEX = ("index file", "index uses", "bad signature")
_OBJECT = (
    "missing", "could not read", "unable to read", "bad object", "corrupt", "not a tree", "promisor", "fetch", "unable to stream",
)  # fmt: skip


class Git(NamedTuple):
    """A repository.

    Attributes:
        top: top of the work tree; of a bare repository, the git folder itself.
        directory: git folder of this work tree.
        common: git folder that all work trees of the repository share.
        alone: True when GIT_* variables inherited from a hook belong to another repository and are dropped.
        far: workers of a cluster that look at shards and read DVC objects in place of this machine; None: it does so itself.
    """

    top: Path
    directory: Path
    common: Path
    alone: bool = False
    far: Executor | None = None

    @property
    def bare(self) -> bool:
        """Tell whether there is no work tree."""
        return self.top == self.directory


def find(start: Path, *, alone: bool = False) -> Git:
    """Return the repository a folder belongs to, linked work trees and bare repositories (in `pre-receive`) included.

    Args:
        start: a folder.
        alone: leave inherited GIT_* variables out of it; for a repository other than the one a hook runs in.

    Returns:
        The repository, with absolute paths.

    Raises:
        StoreError: no repository there, or git is not installed.
    """
    around = process.environment(alone=alone)
    if plain := discovery.plain(start, around):
        return Git(plain, plain / ".git", plain / ".git", alone)
    asked = ("rev-parse", "--absolute-git-dir", "--git-common-dir", "--show-toplevel")
    done = process.finish([*process.GIT, *asked], start, around=around)
    answer = done.text.split("\n")
    if len(answer) < 2:
        raise StoreError(done.said or "not a git repository", where=str(start), hint=_NO_REPOSITORY)
    directory = Path(answer[0])
    top = Path(answer[2]) if done.code == 0 else directory
    return Git(top, directory, (start / answer[1]).resolve(), alone)


def start(
    git: Git, *arguments: str, index: str = "", talk: bool = False, source: IO[bytes] | None = None
) -> process.Running:
    """Start git at the top of the repository, with another index when one is named; it may read a file, or what another one prints."""
    around = process.environment(alone=git.alone, index=index)
    return process.start(_command(git, *arguments), git.top, around, talk=talk, source=source)


def run(git: Git, *arguments: str, data: bytes = b"", index: str = "") -> bytes:
    """Run git at the top of the repository and return what it prints.

    Args:
        git: where.
        arguments: the command and its arguments.
        data: what it reads from its standard input.
        index: path of an index to use instead of the repository's own.

    Returns:
        Its standard output.

    Raises:
        StoreError: it failed; the message is git's own.
    """
    done = _try(git, *arguments, data=data, index=index)
    if done.code:
        raise failure(git, arguments[0], done.said)
    return done.out


def resolve(git: Git, rev: str) -> str:
    """Return the full id of the commit that a revision names.

    Raises:
        StoreError: there is no such commit here, and the hint says so when a shallow clone may be why; or it could mean several.
    """
    if rev.startswith("-") or not rev or "\0" in rev:
        raise StoreError(f"{rev!r} is not a revision", hint="git log --oneline")
    if rev in _commits.get(git.common, ()):
        return rev
    plain = revisions.is_plain(rev, git.directory, lambda name: named(git, name) is not None)
    if plain and (found := named(git, f"{rev}^{{commit}}")):
        return known(git, found[0])
    done = _try(git, "rev-parse", "--verify", f"{rev}^{{commit}}")
    if done.ambiguous not in ("", done.text):  # an id that a ref is called like is still the id
        hint = f"git show-ref {shell.word(done.ambiguous)}; then write in full which one is meant: refs/heads/..."
        raise StoreError(f"{done.ambiguous!r} names more than one thing here", where=rev, hint=hint)
    if done.code == 0:
        return known(git, done.text)
    if is_shallow(git):
        raise StoreError("no such commit in this shallow clone", where=rev, hint=process.UNSHALLOW)
    if rev == "HEAD" and not head(git):
        raise StoreError("there is no commit yet", where=rev, hint="git commit")
    raise StoreError("no such revision", where=rev, hint="git fetch --all; git branch --all; git log --oneline")


def objects(git: Git) -> process.Running:
    """Return a `git cat-file --batch` that waits for a question: the one that is kept, else another."""
    return kept.take(git) or start(git, *process.ROOM, "cat-file", "--batch", talk=True)


def named(git: Git, name: str) -> tuple[str, str, bytes] | None:
    """Return full id, kind and bytes of the object that a name leads to (`HEAD:labelvc.yaml`); None when git knows none, or several."""
    running = objects(git)
    try:
        found = process.named(running, name)
    except EOFError:
        raise failure(git, "cat-file", running.end().said) from None
    if not kept.give(git, running):
        running.end()
    return found


def held(git: Git, name: str) -> tuple[str, str, bytes]:
    """Return what `named` does.

    Raises:
        StoreError: git knows no such object, or several.
    """
    if found := named(git, name):
        return found
    raise failure(git, "cat-file", f"missing object: {name}")


def known(git: Git, commit: str) -> str:
    """Remember the full id of a commit that is here, and return it: it will not come to name something else."""
    return remember(git, (commit,))[0]


def remember(git: Git, commits: Sequence[str]) -> Sequence[str]:
    """Remember the full ids of commits that are here, and return them."""
    _commits.setdefault(git.common, set()).update(commits)
    return commits


def head(git: Git) -> str:
    """Return the full id of HEAD's commit, empty before the first; StoreError when it cannot be read."""
    if found := named(git, "HEAD^{commit}"):
        return known(git, found[0])
    branch = _try(git, "symbolic-ref", "--quiet", "HEAD").text
    if _try(git, "rev-parse", "--verify", "--quiet", "HEAD").code == 0 or (git.common / branch).is_file():
        raise StoreError("HEAD names a commit that cannot be read", where=branch or "HEAD", hint=process.REPAIR)
    return ""


def merge_bases(git: Git, ours: str, theirs: str) -> list[str]:
    """Return the full ids of all best common ancestors of two commits: several after a criss-cross merge, at times none.

    Raises:
        StoreError: a shallow clone hides them, or may hide better ones: from an older one a merge takes back what came since.
    """
    done = _try(git, "merge-base", "--all", ours, theirs)
    if done.code > 1:
        raise failure(git, "merge-base", done.said)
    found = done.text.split()
    if is_shallow(git) and (not found or run(git, "rev-list", "-1", "--max-parents=0", ours, theirs, "--not", *found)):
        message = "nobody can tell the best common ancestor in this shallow clone"
        raise StoreError(message, where=f"{ours[:10]}...{theirs[:10]}", hint=process.UNSHALLOW)
    return found


def merge_base(git: Git, ours: str, theirs: str) -> str:
    """Return the full id of the best common ancestor of two revisions.

    Raises:
        StoreError: they have none, or as for `merge_bases`.
    """
    one, two = resolve(git, ours), resolve(git, theirs)
    found = kept.bases(git, (one, two), lambda: merge_bases(git, one, two))
    if found:
        return known(git, found[0])
    raise StoreError("the two revisions share no ancestor", where=f"{ours}...{theirs}", hint="git log --graph --all")


def first_parents(git: Git, base: str, head: str) -> list[tuple[str, str]]:
    """Return the steps from base to head along first parents.

    Args:
        git: where.
        base: revision to start after; empty for all of history.
        head: revision to end with.

    Returns:
        (first parent, commit) pairs, oldest first; the parent of a root commit is empty.

    Raises:
        StoreError: unknown revision, or a shallow clone ends before base is reached.
    """
    wanted = [resolve(git, head)] + ([f"^{resolve(git, base)}"] if base else [])
    listed = run(git, "rev-list", "--first-parent", "--parents", "--reverse", *wanted).decode().splitlines()
    remember(git, [words.partition(" ")[0] for words in listed])
    steps = [(words[1] if len(words) > 1 else "", words[0]) for words in map(str.split, listed)]
    if not all(parent for parent, _ in steps) and is_shallow(git):
        raise StoreError("history ends early in this shallow clone", where=f"{base}..{head}", hint=process.UNSHALLOW)
    return steps


def is_ancestor(git: Git, commit: str, descendant: str) -> bool:
    """Tell whether a commit is another one or one of its ancestors."""
    return not run(git, "rev-list", "--max-count=1", commit, "--not", descendant).strip()


def is_shallow(git: Git) -> bool:
    """Tell whether history is cut off here (`git clone --depth`); git is asked where the file that it keeps of that is there."""
    other = process.environment(alone=git.alone).get("GIT_SHALLOW_FILE")
    file = git.top / other if other else git.common / "shallow"
    return file.exists() and _try(git, "rev-parse", "--is-shallow-repository").text == "true"


def empty_tree(git: Git) -> str:
    """Return the id of the tree without files, in the repository's hash."""
    return run(git, "hash-object", "-t", "tree", "--stdin").decode().strip()


def identity(git: Git) -> tuple[str, str]:
    """Return the name and address git would put on a commit made now.

    Raises:
        StoreError: git knows none.
    """
    done = _try(git, "var", "GIT_AUTHOR_IDENT")
    name, mark, rest = done.text.partition(" <")
    if done.code or not mark:
        raise StoreError(
            "git does not know who you are", hint="git config user.name NAME; git config user.email ADDRESS"
        )
    return name, rest.partition("> ")[0]


def config_get(git: Git, name: str) -> str | None:
    """Return the last value of a setting, or None when it is not set."""
    done = _try(git, "config", "--null", "--get", name)
    if done.code > 1:
        raise failure(git, "config", done.said)
    return None if done.code else done.text.removesuffix("\0")


def config_set(git: Git, name: str, value: str) -> None:
    """Set a setting of this repository."""
    run(git, "config", "--local", name, value)


def add(git: Git, paths: Sequence[str]) -> None:
    """Stage files by their exact names, deleted ones included."""
    if paths:
        names = b"".join([path.encode("utf-8", "surrogateescape") + b"\0" for path in paths])
        sparse = (
            ["--sparse"] if config_get(git, "core.sparseCheckout") == "true" else []
        )  # what was in conflict may lie outside
        words = ("--literal-pathspecs", "add", "--all", *sparse, "--pathspec-from-file=-", "--pathspec-file-nul")
        run(git, *words, data=names)


def refresh(git: Git) -> bool:
    """Let the index take note of files that were written and say the same; tell whether all do: those that differ stay as they are."""
    return _try(git, "update-index", "--refresh").code == 0


def show(git: Git, commit: str, path: str) -> bytes:
    """Return the bytes of a file in a commit; empty when there is none.

    Raises:
        StoreError: the commit, its trees or the file cannot be read: that is not the same as no file.
    """
    if (found := named(git, f"{commit}:{path}")) and found[1] == "blob":
        return found[2]
    done = _try(git, "cat-file", "blob", f"{commit}:{path}")
    if done.code and run(git, "--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, "--", path):
        raise failure(git, "cat-file", done.said)
    return b"" if done.code else done.out


def diff_lines(git: Git, old: str, new: str, paths: Sequence[str] = ()) -> Iterator[FileChange]:
    """Yield the lines that differ between a commit and another, the index or the work tree.

    Args:
        git: where.
        old: commit; empty for nothing at all.
        new: commit, or `index`, or `work` for the tracked files of the work tree.
        paths: files or folders to look at, literally; none for all.

    Yields:
        One change a file, in git's order; files with equal lines are left out.

    Raises:
        StoreError: git failed; nothing that was yielded before is wrong.
    """
    before = resolve(git, old) if old else empty_tree(git)
    nothing = ""
    if new == "index":
        words = ["diff-index", *PATCH, "--cached", before]
    elif new == "work":
        words = ["diff-index", *PATCH, before]
    else:
        words = ["diff-tree", *PATCH, before, resolve(git, new)]
        # With an index at hand git reads a file that looks unchanged instead of the commit's object (diff.c, `reuse_worktree_file`).
        nothing = str(git.directory / "labelvc-no-index")
    for some in process.batches(paths):
        line = ("-c", "core.quotePath=false", "--literal-pathspecs", *words, "--", *some)
        with start(git, *line, index=nothing) as running:
            yield from patch.read(running.out)
            done = running.end()
        if done.code:
            raise failure(git, words[0], done.said)


def changes(git: Git, source: IO[bytes], form: str, paths: Sequence[str], *, lines: bool) -> Iterator[bytes]:
    """Yield what many commits changed, from one `git diff-tree`, which reads no settings of the interface.

    A merge is shown as a combined diff (`-c`): only files that differ from those of each parent are in it.

    Args:
        git: where.
        source: full ids of the commits, one a line: a file, or what another git prints.
        form: `--format` of what stands before each commit's files.
        paths: pathspecs; none for all.
        lines: print patches, else rows with the ids of the files.

    Yields:
        Lines, each with its `\\n`; commits that change none of the paths are left out.

    Raises:
        StoreError: git failed; nothing that was yielded before is wrong.
    """
    kind = PATCH if lines else RAW
    words = ("diff-tree", "--stdin", "--root", "-c", *kind, f"--format={form}", "--", *paths)
    # With an index at hand git reads a file that looks unchanged instead of the commit's object (diff.c, `reuse_worktree_file`).
    nothing = str(git.directory / "labelvc-no-index")
    with start(git, *process.ROOM, "-c", "core.quotePath=false", *words, index=nothing, source=source) as running:
        source.close()  # git alone reads it now, so that who writes it ends when git does
        yield from running.out
        done = running.end()
    if done.code:
        raise failure(git, "diff-tree", done.said)


def demand(git: Git, verb: str, done: process.Done) -> None:
    """Raise a StoreError with git's complaint when a command that was started did not end well."""
    if done.code:
        raise failure(git, verb, done.said)


def _try(git: Git, *arguments: str, data: bytes = b"", index: str = "") -> process.Done:
    return process.finish(_command(git, *arguments), git.top, data, process.environment(alone=git.alone, index=index))


def _command(git: Git, *arguments: str) -> list[str]:
    """Return the command line; it names both folders, since GIT_DIR and GIT_WORK_TREE may be relative to where a person stands."""
    return [*process.GIT, f"--git-dir={git.directory}", *([] if git.bare else [f"--work-tree={git.top}"]), *arguments]


def failure(git: Git, verb: str, said: str) -> StoreError:
    """Return git's complaint with the command that helps."""
    said = said or f"git {verb} failed"
    if any(word in said for word in _INDEX):
        return StoreError(said, where=str(git.directory / "index"), hint="rm .git/index && git reset")
    if any(word in said.lower() for word in _OBJECT):
        return StoreError(said, where=str(git.top), hint=process.UNSHALLOW if is_shallow(git) else process.REPAIR)
    return StoreError(said, where=str(git.top), hint="git status, or `labelvc doctor`")
