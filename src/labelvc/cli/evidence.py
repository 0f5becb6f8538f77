"""The command audit trace: a label's life with what proves each part of it."""

from __future__ import annotations

from pathlib import Path

import click

from labelvc.cli import signing
from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.output import output_options, write
from labelvc.cli.render import evidence as render
from labelvc.core.veil import Veil
from labelvc.ops import evidence, naming
from labelvc.store import git as plumbing


@click.command("trace", short_help="Tell a label's life with what proves each part of it.")
@click.argument("key", metavar="KEY")
@click.option("--at", "revision", default="HEAD", show_default=True, metavar="REV", help="The last commit to look at.")
@signing.root_option
@output_options("text", "json")
@pass_settings
def trace(settings: Settings, /, key: str, revision: str, root: str | None, form: str, output: Path | None) -> None:
    """Tell what `labelvc trace` tells, with the digest, path or signature that proves it, and what is not there.

    Of each change: the digests of its line, the documents it was made under, the step by which it came in and how `verify`
    judges that step, each statement with its signature then and under today's policy; of the present line, the releases
    that hold it and the root it leads to. For daily questions `labelvc trace` is shorter and quicker.

    \b
      labelvc audit trace texts/m1#a1
    """
    git = plumbing.find(settings.directory)
    found = evidence.trace(git, naming.key(git, key, revision), revision, signing.pin(git, root))
    drawn = Veil(lambda _: found.life.sensitive)
    if form == "json":
        write(render.document(found, revision, drawn), output)
    else:
        write("".join(render.lines(found, drawn, color=settings.color)), output)
