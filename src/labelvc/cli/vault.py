"""The command vault: what tokens stand for, kept outside of git, opened by the people who may, with a reason."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from labelvc.cli.context import Settings, in_ci, now, pass_settings
from labelvc.cli.grouped import NounGroup
from labelvc.cli.listing import FILE, lines
from labelvc.cli.opening import asking, openers, opening
from labelvc.cli.output import changes, say, write
from labelvc.cli.render import text
from labelvc.core.pseudonym import KINDS
from labelvc.errors import ConfigurationError, RefusedError
from labelvc.ops import custody, erasures, restoring, revealing
from labelvc.ops import vault as vaults
from labelvc.ops.custody import Act
from labelvc.store import age, disk, keyring
from labelvc.store import git as plumbing
from labelvc.store import vault as folders
from labelvc.store.git import Git


@click.group(cls=NounGroup)
def vault() -> None:
    """Look after what tokens stand for: sealed outside of git, opened with a reason."""


@vault.command("new")
@pass_settings
@changes
def vault_new(settings: Settings, /) -> None:
    """Begin a vault: its key in shares for the role `reverse` of privacy/recipients.yaml.

    \b
      labelvc vault new
    """
    git = plumbing.find(settings.directory)
    file = vaults.new(git, custody.project_id(git), _time())
    people = ", ".join(sorted(file.shares))
    say(settings, f"the vault opens with {file.needs} of {people}; next: labelvc vault status")


@vault.command("status")
@pass_settings
def vault_status(settings: Settings, /) -> int:
    """Show what the vault holds, who opens it, and whether something is damaged; needs no key.

    \b
      labelvc vault status
    """
    found = custody.status(plumbing.find(settings.directory))
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(found.kinds.items())) or "none"
    rows = [
        ("folder", str(found.folder)),
        ("opens with", f"{found.needs} of {', '.join(found.people)}"),
        ("rows", f"{kinds}{f', and {found.gone:,} forgotten' if found.gone else ''}"),
        ("waiting", f"{text.count(found.waiting, 'file')} to seal" if found.waiting else "nothing to seal"),
        ("log", text.count(found.entries, "line")),
    ]
    write("".join(f"{name:<12}{said}\n" for name, said in rows))
    for problem in found.problems:
        say(settings, f"error: {problem.message}\n  where: {problem.where}\n  next: {problem.hint}")
    return int(bool(found.problems))


@vault.command("seal")
@click.option(
    "--values", type=FILE, metavar="FILE", help="Plain values of keyed fields, one a line, to be traced from now on."
)
@click.option(
    "--kind", type=click.Choice(sorted(KINDS)), default="person", show_default=True, help="Kind of these values."
)
@opening
@pass_settings
@changes
def vault_seal(settings: Settings, /, values: Path | None, kind: str, **brought: Any) -> None:
    """Take what imports left in the inbox into the vault.

    \b
      labelvc vault seal -i ada.key
    """
    git = plumbing.find(settings.directory)
    number = custody.seal(git, _act(git), openers(brought), lines(values) if values else [], kind)
    say(settings, f"{text.count(number, 'row')} sealed")


@vault.command("reveal")
@click.argument("what", metavar="TOKEN|KEY")
@click.argument("pointer", required=False, default="")
@click.option(
    "--reason", default="", metavar="TEXT", help="What it is for, eight characters or more; goes into the log."
)
@click.option("--show", is_flag=True, help="Show the value on this terminal.")
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="FILE",
    help="Write the value to a file outside of the repository that you alone may read.",
)
@opening
@pass_settings
def vault_reveal(
    settings: Settings, /, what: str, pointer: str, reason: str, show: bool, output: Path | None, **brought: Any
) -> None:
    """Tell what a token stands for, or what is sealed in a field (KEY POINTER).

    The value goes to the terminal with --show or into a file with -o, and nowhere else; each time is one line of the log.

    \b
      labelvc vault reveal prs_bwnbfgqzjncrnlmznmftbjkcqtzn --show -i ada.key \\
        --reason 'asks about own data'
    """
    git = plumbing.find(settings.directory)
    if show == (output is not None):
        raise ConfigurationError("say where the value shall go", hint="--show for this terminal, or -o FILE")
    if show and (in_ci() or not sys.stdout.isatty()):
        raise RefusedError(
            "what a token stands for is shown on a terminal only, never to a pipe or a log", hint="-o FILE"
        )
    if output is not None and folders.inside(git, output):
        hint = "name a file outside of the repository with -o"
        raise RefusedError("a plain value is not written into the repository", where=str(output), hint=hint)
    found = revealing.reveal(git, _act(git, reason), openers(brought), what, pointer)
    if found.proved is None and ":" not in found.token and pointer == "":
        say(settings, "note: whether the value yields this token was not worked out: its epoch's secret is not here")
    if output is None:
        write(f"{text.safe(found.value)}\n")
        return
    disk.write_private(output, f"{found.value}\n".encode())


@vault.command("filter")
@opening
@pass_settings
@changes
def vault_filter(settings: Settings, /, **brought: Any) -> None:
    """Write the filter with which hooks and CI find the people whom the vault knows.

    It lies beside the keys, outside of every commit, and holds no value: only who has the gate key can ask it, and only for
    values that they have. Write it anew after `vault seal` and `merge`, and give it to those who have the gate key.

    \b
      labelvc vault filter -i ada.key
    """
    git = plumbing.find(settings.directory)
    number, left = custody.filtered(git, _act(git), openers(brought))
    short = f"; {left:,} too short, or too long, to be looked for" if left else ""
    say(settings, f"{text.count(number, 'value')} in {keyring.filter_path(git)}{short}")


@vault.command("restore")
@click.argument("item", metavar="DATASET/ITEM")
@click.option(
    "--reason", default="", metavar="TEXT", help="What it is for, eight characters or more; goes into the log."
)
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    metavar="FILE",
    help="File outside of the repository that you alone may read.",
)
@opening
@pass_settings
def vault_restore(settings: Settings, /, item: str, reason: str, output: Path, **brought: Any) -> None:
    """Write an item and its records as they were before personal data was taken out of their texts.

    One line of JSON each, the item first, as `labelvc export jsonl` writes them: the texts, and the labels on them with
    the offsets of that time. What was forgotten, or edited since, stays as it is.

    \b
      labelvc vault restore texts/m1 --reason 'court order' -o m1.jsonl -i ada.key
    """
    git = plumbing.find(settings.directory)
    if folders.inside(git, output):
        hint = "name a file outside of the repository with -o"
        raise RefusedError("a plain value is not written into the repository", where=str(output), hint=hint)
    found = restoring.restore(git, _act(git, reason), openers(brought), item)
    disk.write_private(output, b"".join([line + b"\n" for line in found.lines]))
    say(settings, f"{text.count(found.texts, 'text')} restored in {output}")
    if found.forgotten:
        say(
            settings,
            f"{text.count(found.forgotten, 'value')} in them told of somebody who was forgotten: what replaced it stays",
        )


@vault.command("merge")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@opening
@pass_settings
@changes
def vault_merge(settings: Settings, /, folder: Path, **brought: Any) -> int:
    """Take in another copy of the vault, from a colleague's `.git/labelvc/vault`.

    Nothing of who was forgotten comes in: exit 1 lists the tokens that the other copy still has rows of.

    \b
      labelvc vault merge ../copy/.git/labelvc/vault -i ada.key
    """
    git = plumbing.find(settings.directory)
    found = custody.merge(git, _act(git), openers(brought), folder)
    also = f"; {text.count(found.aliases, 'token')} became another name of one that is smaller" if found.aliases else ""
    say(settings, f"{text.count(found.rows, 'row')} new or changed{also}")
    for token in found.returning:
        write(f"{token}\n")
    if found.returning:
        held = text.count(len(found.returning), "row")
        say(settings, f"left out {held} of somebody who was forgotten, which that copy still holds")
        say(settings, "next: its people let go, there: labelvc erase --confirm, or labelvc vault merge")
    return int(bool(found.returning))


@vault.command("rotate")
@click.option("--reason", default="", metavar="TEXT", help="Why; goes into the log.")
@opening
@pass_settings
@changes
def vault_rotate(settings: Settings, /, reason: str, **brought: Any) -> None:
    """Give the vault a new key, in shares for the people that privacy/recipients.yaml names now.

    \b
      labelvc vault rotate --reason 'Ben has left' -i ada.key
    """
    git = plumbing.find(settings.directory)
    found = custody.rotate(git, _act(git, reason), openers(brought))
    people = ", ".join(sorted(found.file.shares))
    say(
        settings,
        f"{text.count(len(found.rows), 'row')} sealed anew; the vault opens with {found.file.needs} of {people}",
    )
    say(settings, "whoever kept a copy of the old folder and the old shares can still open that copy")


@vault.command("forget")
@click.argument("token")
@click.option("--reason", default="", metavar="TEXT", help="Why; goes into the log.")
@opening
@pass_settings
@changes
def vault_forget(settings: Settings, /, token: str, reason: str, **brought: Any) -> None:
    """Make a token stand for nothing: nobody can tell any more what it stood for.

    The tokens are written into privacy/erasures, and from then on `labelvc check` finds them in records.

    \b
      labelvc vault forget prs_bwnbfgqzjncrnlmznmftbjkcqtzn -i ada.key
    """
    git = plumbing.find(settings.directory)
    act = _act(git, reason)
    found = custody.forget(git, act, openers(brought), [token]).tokens
    write("".join(f"{name}\n" for name in found))
    path = erasures.declare(git, found, act.at)
    say(
        settings,
        f"gone here, and staged: {path}; every other copy of the vault must merge this one, backups must be deleted",
    )
    say(settings, f"next: labelvc erase {token} takes it out of records, and tells what else holds it")


@vault.command("lend")
@click.option(
    "--to", "person", required=True, metavar="PERSON", help="Another holder of a share, as recipients.yaml calls them."
)
@click.option(
    "-o", "--output", required=True, type=FILE, metavar="FILE", help="Where the share goes, encrypted to them."
)
@opening
@pass_settings
def vault_lend(settings: Settings, /, person: str, output: Path, **brought: Any) -> None:
    """Lend your share of the vault's key to another holder, who then opens it with `--share`.

    \b
      labelvc vault lend --to ben -o for-ben.share -i ada.key
    """
    git = plumbing.find(settings.directory)
    disk.replace(output, custody.lend(git, _act(git), openers(brought), person))
    say(settings, f"send it to {person}, who adds: --share {output.name}")


@vault.command("identity")
@click.option("-o", "--output", required=True, type=FILE, metavar="FILE", help="Where the private key goes.")
@click.option("--passphrase-file", type=FILE, metavar="FILE", help="Read its passphrase from here, the first line.")
@click.option("--no-passphrase", is_flag=True, help="Protect it by the file's permissions alone.")
@pass_settings
def vault_identity(settings: Settings, /, output: Path, passphrase_file: Path | None, no_passphrase: bool) -> None:
    """Make a key of your own that opens shares, and print its public half for privacy/recipients.yaml.

    \b
      labelvc vault identity -o ada.key
    """
    if output.exists() or output.is_symlink():
        raise RefusedError(
            "there is a file already, and no key is overwritten", where=str(output), hint="name another -o FILE"
        )
    private, public = age.generate()
    data = f"{private}\n".encode()
    if not no_passphrase:
        if passphrase_file is None and not sys.stdin.isatty():
            message = "a new key wants a passphrase, and no terminal is here to type it on"
            hint = "--passphrase-file FILE, or --no-passphrase when the file's permissions are enough"
            raise ConfigurationError(message, where=str(output), hint=hint)
        words = asking(passphrase_file)(f"passphrase of {output}")
        if not words:
            raise ConfigurationError(
                "the passphrase is empty", hint="--no-passphrase when the file's permissions are enough"
            )
        data = age.protect(private, words)
    disk.write_private(output, data)
    write(f"{public}\n")


def _act(git: Git, reason: str = "") -> Act:
    return Act(plumbing.config_get(git, "user.email") or "", _time(), reason)


def _time() -> str:
    return now().strftime("%Y-%m-%dT%H:%M:%SZ")
