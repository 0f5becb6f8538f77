"""The command init: a labels project where there was none, and what to do next."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import NamedTuple

import click
from click.shell_completion import CompletionItem

from labelvc.cli import signing
from labelvc.cli.context import Settings, now, pass_settings
from labelvc.cli.output import changes, write
from labelvc.cli.render import text
from labelvc.errors import TrustError
from labelvc.ops import codeowners, hosts, people
from labelvc.ops import initialise as making
from labelvc.ops import project as projects
from labelvc.ops.codeowners import Written as Owned
from labelvc.ops.initialise import Made
from labelvc.ops.templates import TEMPLATES, suggested_name
from labelvc.store import git as plumbing
from labelvc.store import keys
from labelvc.store.git import Git
from labelvc.store.keys import Signer

_ABOUT = {
    "labelvc.yaml": "the project: goal, scope, tasks; start editing here",
    "datasets/": "a dataset: its tasks, storage, checks and sources",
    "taxonomies/": "the labels",
    "guidelines/": "how to label",
    "profiles/": "how rules are wanted",
    "trust/policy.json": "who must approve what, signed by you",
    "trust/root/": "the root of trust: your key alone, for now",
    "privacy/": "the epochs of pseudonyms; their secret stays in .git/labelvc/keyring",
    ".gitattributes": "line ends and drivers of shards",
    ".gitignore": "what a killed command left behind",
    ".pre-commit-config.yaml": "hooks, for users of the pre-commit framework",
    ".dvc": "DVC's own files, staged",
}


_BECAME = {"new": "written", "kept": "as it was", "renewed": "renewed", "other": "says otherwise; left as it is"}
_ASKING = ("github", "gitlab")
"""Hosts that read CODEOWNERS."""
_OWN = Path("~/.ssh/id_ed25519")
_SOURCE = re.compile(r"[/:.]")


def _templates(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name, help=about) for name, about in TEMPLATES.items() if name.startswith(incomplete)]


class _Key(NamedTuple):
    """The key that signs the first policy.

    Attributes:
        signer: None when there is none.
        words: how to name it to `key use`; empty when the environment, git's settings or ssh-agent name it already.
        reason: why there is none.
    """

    signer: Signer | None
    words: str
    reason: str = ""


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), required=False)
@click.option(
    "--template",
    metavar="NAME|SOURCE",
    default="classification",
    show_default=True,
    shell_complete=_templates,
    help="What kind of labels: one of those above, or the source of a module that is a template.",
)
@click.option("--at", "rev", default="", metavar="REV", help="Branch, tag or commit of a template that lies in git.")
@click.option("--name", help="Name of the project; else the folder's.")
@click.option("--dvc", "in_dvc", is_flag=True, help="Keep annotations in DVC instead of git: for millions of records.")
@click.option(
    "--key",
    metavar="FILE",
    help="SSH key that signs the first policy, and for you from then on in this clone; else git's signing key, "
    "~/.ssh/id_ed25519 or the agent's.",
)
@click.option(
    "--ci",
    "host",
    type=click.Choice(list(hosts.HOSTS)),
    help="Write what has a host judge each change; into a project that is there, too.",
)
@pass_settings
@changes
def init(
    settings: Settings,
    folder: Path | None,
    template: str,
    rev: str,
    name: str | None,
    in_dvc: bool,
    key: str | None,
    host: str | None,
) -> None:
    """Make a labels project in FOLDER, or here: documents to edit, and all that git needs to know about them.

    \b
    rating          a score on a scale, from many annotators
    classification  one label a text out of a taxonomy
    boxes           boxes around objects in pictures
    spans           marked stretches of text (people, places ...)
    tokens          fields of every word of a sentence (CoNLL-U)

    A SOURCE is what `labelvc module add` takes: a folder, a package's module, the address of a git repository. A folder
    without a git repository becomes one. Nothing that is there is overwritten. In a project --ci NAME writes the
    files for CI alone: a workflow of GitHub Actions, a job of GitLab CI, a hook of a server, or rules of make; for the first
    two also CODEOWNERS, by which the host asks whom the policy names, and which is renewed until somebody edits it.

    \b
      labelvc init labels --template boxes
      labelvc init --template boxes --key ~/.ssh/id_ed25519 --ci github
    """
    place = settings.directory / (folder or "")
    if host and (place / projects.TOP).exists():
        git = plumbing.find(place)
        write(_judged_by(git, host))
        return
    documents = None
    if rev or (template not in TEMPLATES and _SOURCE.search(template)):
        documents = importlib.import_module("labelvc.ops.modules").template(settings.directory, template, rev)
    plan = making.plan(template, name or suggested_name(place.name), in_dvc=in_dvc, documents=documents)
    git = making.repository(place)
    found = _found(git, key)
    made = making.initialise(git, plan, found.signer, now())
    if found.words:
        people.remember(git, found.words)
    judged = _judged_by(git, host) if host else ""
    write(_told(made, template, git, found) + judged)


def _judged_by(git: Git, host: str) -> str:
    """Write the files for a host, and CODEOWNERS where it reads that, and return what became of them."""
    written: list[hosts.Written | Owned] = [*hosts.write(git, host)]
    owned = codeowners.refreshed(git) if host in _ASKING else None
    written += [owned[0]] if owned else []
    width = max(len(one.path) for one in written)
    rows = [f"{one.path.ljust(width)}  {_BECAME[one.state]}\n" for one in written]
    rows += [f"unowned: {text.safe(one.pattern)} {text.safe(one.why)}\n" for one in (owned[1] if owned else ())]
    if any(one.state == "other" for one in written):
        rows.append(f"next: move what stays elsewhere, labelvc init --ci {host}, and compare the two\n")
    else:
        rows.append("next: have them approved, and see docs/guide/ci.md for what to set on the host\n")
    if host in _ASKING and owned is None:
        rows.append(
            "      labelvc policy codeowners --write, once the policy knows e-mail addresses, has the host ask them\n"
        )
    return "".join(rows)


def _found(git: Git, key: str | None) -> _Key:
    """Return the key that signs the first policy; one that was named must work."""
    try:
        return _Key(people.signer(git, signing.where(key), signing.ask), key or "")
    except TrustError as problem:
        if key:
            raise
        if not _OWN.expanduser().is_file():
            return _Key(None, "", problem.message)
    try:
        return _Key(keys.signer(str(_OWN), signing.where(None).agent, signing.ask), str(_OWN))
    except TrustError as problem:
        return _Key(None, "", problem.message)


def _told(made: Made, template: str, git: Git, found: _Key) -> str:
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
    if found.signer is None:
        steps.insert(1, ("labelvc trust init --key FILE", f"later: who must approve what ({found.reason})"))
    else:
        kept = "; remembered for this clone" if found.words else ""
        parts.append(f"\nSigned with {found.signer.key.fingerprint} ({found.signer.where}){kept}.\n")
        steps.append(("labelvc policy add NAME --role reviewer --role lead ...", "a second person, who may approve"))
    wide = max(len(command) for command, _ in steps)
    return "".join([*parts, "\nnext:\n", *[f"  {command.ljust(wide)}  {why}\n" for command, why in steps]])
