"""The command init: a labels project where there was none, and what to do next."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from labelvc.cli.context import Settings, environment, now, pass_settings
from labelvc.cli.output import write
from labelvc.errors import TrustError
from labelvc.ops import initialise as making
from labelvc.ops import people
from labelvc.ops.initialise import Made
from labelvc.ops.templates import TEMPLATES, suggested_name
from labelvc.store import keys
from labelvc.store.git import Git
from labelvc.store.keys import Signer

_ABOUT = {
    "labelvc.yaml": "the project: goal, scope, tasks; start editing here",
    "datasets/": "a dataset: its tasks, storage, checks and sources",
    "taxonomies/": "the labels",
    "guidelines/": "how to label",
    "trust/policy.json": "who must approve what, signed by you",
    "trust/root/": "the root of trust: your key alone, for now",
    "privacy/": "the epochs of pseudonyms; their secret stays in .git/labelvc/keyring",
    ".gitattributes": "line ends and drivers of shards",
    ".gitignore": "what a killed command left behind",
    ".pre-commit-config.yaml": "hooks, for users of the pre-commit framework",
    ".dvc": "DVC's own files, staged",
}


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), required=False)
@click.option(
    "--template",
    type=click.Choice(list(TEMPLATES)),
    default="classification",
    show_default=True,
    help="What kind of labels.",
)
@click.option("--name", help="Name of the project; else the folder's.")
@click.option("--dvc", "in_dvc", is_flag=True, help="Keep annotations in DVC instead of git: for millions of records.")
@click.option(
    "--key",
    metavar="FILE",
    help="SSH key that signs the first policy; else git's signing key, ~/.ssh/id_ed25519 or the agent's.",
)
@pass_settings
def init(
    settings: Settings, folder: Path | None, template: str, name: str | None, in_dvc: bool, key: str | None
) -> None:
    """Make a labels project in FOLDER, or here: documents to edit, and all that git needs to know about them.

    \b
    rating          a score on a scale, from many annotators
    classification  one label a text out of a taxonomy
    boxes           boxes around objects in pictures
    spans           marked stretches of text (people, places ...)
    tokens          fields of every word of a sentence (CoNLL-U)

    A folder without a git repository becomes one. Nothing that is there is overwritten.
    """
    place = settings.directory / (folder or "")
    plan = making.plan(template, name or suggested_name(place.name), in_dvc=in_dvc)
    git = making.repository(place)
    signer, reason = _signer(git, key)
    made = making.initialise(git, plan, signer, now())
    if not settings.quiet:
        write(_told(made, template, git, signer, reason))


def _signer(git: Git, key: str | None) -> tuple[Signer | None, str]:
    """Return the key that signs the first policy, or None and why there is none; a key that was named must work."""
    where = people.Where(key, environment("LABELVC_KEY"), environment("SSH_AUTH_SOCK"))
    try:
        return people.signer(git, where, _ask), ""
    except TrustError as problem:
        if key:
            raise
        own = Path("~/.ssh/id_ed25519").expanduser()
        if not own.is_file():
            return None, problem.message
    try:
        return keys.signer(str(own), where.agent, _ask), ""
    except TrustError as problem:
        return None, problem.message


def _ask(words: str) -> str:
    """Ask a person for a passphrase."""
    if not sys.stdin.isatty():
        raise TrustError("the key asks for its passphrase, and nobody is here to type it", hint="ssh-add FILE")
    return str(click.prompt(words, hide_input=True, err=True))


def _told(made: Made, template: str, git: Git, signer: Signer | None, reason: str) -> str:
    """Return what was made and what to do next."""
    rows = [
        (path, next((about for start, about in _ABOUT.items() if path.startswith(start)), "")) for path in made.paths
    ]
    width = max(map(len, (*made.paths, *made.kept)))
    parts = [f"A {template} project in {git.top}\n\n", *[f"  {path.ljust(width)}  {about}\n" for path, about in rows]]
    parts += [f"  {path.ljust(width)}  was there, left as it is\n" for path in made.kept]
    dataset = next(path.split("/")[1] for path in made.paths if path.startswith("datasets/"))
    steps = [
        ("labelvc install", "hooks and drivers in this clone"),
        ("git add --all && git commit", "the start of its history"),
        (f"labelvc import csv FILE --dataset {dataset}", "bring labels in"),
    ]
    if signer is None:
        steps.insert(1, ("labelvc policy init --key FILE", f"later: who must approve what ({reason})"))
    else:
        parts.append(f"\nSigned with {signer.key.fingerprint} ({signer.where}).\n")
        steps.append(("labelvc key use FILE", "the key that signs for you from now on"))
        steps.append(("labelvc policy add NAME --role reviewer --role lead ...", "a second person, who may approve"))
    wide = max(len(command) for command, _ in steps)
    return "".join([*parts, "\nnext:\n", *[f"  {command.ljust(wide)}  {why}\n" for command, why in steps]])
