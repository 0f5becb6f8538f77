"""Tags: git's own signed ones, made with whatever git is set to sign with."""

from __future__ import annotations

from labelvc.errors import ConfigurationError, RefusedError, StoreError
from labelvc.store import git as plumbing
from labelvc.store.git import Git


def demand(git: Git, name: str) -> None:
    """Return when a signed tag of this name can be made.

    Raises:
        RefusedError: there is one.
        ConfigurationError: git has no key to sign with.
    """
    if plumbing.run(git, "tag", "--list", name).strip():
        raise RefusedError("there is a tag of this name", where=name, hint=f"git show {name}")
    if not plumbing.config_get(git, "user.signingKey"):
        hint = "git config gpg.format ssh; git config user.signingKey ~/.ssh/id_ed25519.pub"
        raise ConfigurationError("git has no key to sign tags with", where="user.signingKey", hint=hint)


def commit(git: Git, path: str, message: str) -> None:
    """Commit one staged file; hooks run as for any commit.

    Raises:
        StoreError: git or a hook refused; the file stays staged.
    """
    plumbing.run(git, "commit", "--quiet", f"--message={message}", "--", path)


def sign(git: Git, name: str, message: str) -> None:
    """Make a signed tag of HEAD.

    Raises:
        StoreError: git could not sign it.
    """
    try:
        plumbing.run(git, "tag", "--sign", f"--message={message}", name)
    except StoreError as error:
        hint = f"git tag --sign --message='{message}' {name}"
        raise StoreError(f"the release is committed and not tagged: {error.message}", where=name, hint=hint) from None
