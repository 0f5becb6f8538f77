"""The command audit bundle: the evidence on a range, in one file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from labelvc.cli import signing
from labelvc.cli.context import Settings, pass_settings
from labelvc.cli.output import progress, say
from labelvc.cli.render import bundle as render
from labelvc.cli.render import evidence as proofs
from labelvc.cli.render import json, prov, text
from labelvc.cli.render import population as counted
from labelvc.cli.render.bundle import Life
from labelvc.codec import tar
from labelvc.core.veil import Veil
from labelvc.errors import DataError
from labelvc.formats import target
from labelvc.ops import bundle as gathering
from labelvc.ops import evidence, naming
from labelvc.ops.bundle import Evidence, Gatherer
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git


@click.command("bundle", short_help="Put the evidence on a range in one file, for an auditor without labelvc.")
@click.argument("what", metavar="[VERSION | A..B]", required=False)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.tar",
    help="Write to FILE.tar.",
)
@click.option("--key", "keys", multiple=True, metavar="KEY", help="Tell the life of this label too; repeatable.")
@signing.root_option
@pass_settings
def bundle(settings: Settings, /, what: str | None, output: Path, keys: tuple[str, ...], root: str | None) -> None:
    """Write a tar file with all that an auditor needs who has neither labelvc nor the repository.

    VERSION is all that came in since the release before it; without a range it is the whole first-parent history of HEAD. In it are the roots and
    policies, change-sets and signed statements, documents as they stood, releases, the population, a report, and
    `verify.sh`, which needs coreutils and ssh-keygen to check it. No records but those of --key are in it, and no secrets.
    The same range gives the same bytes in every clone.

    \b
      labelvc audit bundle 1.1.0 -o evidence.tar
    """
    git = plumbing.find(settings.directory)
    pin = signing.pin(git, root)
    going = gathering.course(git, what)
    if going.base == going.head:
        raise DataError("nothing came in there", where=what or "HEAD", hint="labelvc audit bundle -o FILE.tar A..B")
    with tree.reader(git) as reader, progress(settings, len(going.pairs), "gathering steps") as advance:
        found = Gatherer(git, reader, pin).gather(going, advance)
    release = what if what and ".." not in what else None
    files = found.files | dict(_told(git, found, keys, release, pin))
    files[render.MANIFEST] = render.manifest(files)
    with target.file(output) as file:
        file.writelines(tar.write(files))
    say(
        settings,
        f"{text.count(len(files), 'file')} on {text.count(found.totals.size, 'step')}; root {found.trust.anchor}",
    )
    for words in found.left_out:
        say(settings, f"note: left out: {text.safe(words)}")
    say(
        settings,
        f"next: send it, and the digest of the root by another way; labelvc audit recheck {output} --root DIGEST",
    )


def _told(
    git: Git, found: Evidence, keys: tuple[str, ...], release: str | None, pin: str | None
) -> Iterator[tuple[str, bytes]]:
    """Yield the files that are made of what was gathered."""
    lives = []
    for number, key in enumerate(keys, 1):
        record = evidence.trace(git, naming.key(git, key, found.going.head), found.going.head, pin)
        if record.anchor is not None:  # whether this clone pins the root is not told: all clones give the same bytes
            record = record._replace(anchor=(record.anchor[0], False))
        veil = Veil(lambda _, life=record.life: life.sensitive)  # type: ignore[misc]
        yield f"trace/{number}.json", proofs.document(record, found.going.head, veil).encode()
        yield f"prov/{number}.json", prov.document(record.life, veil).encode()
        *told, _ = "".join(
            proofs.lines(record, veil, color=False)
        ).splitlines()  # the last names the root, as the report does
        lives.append(Life(key, told))
    yield "population.csv", "".join(counted.sheet(found.rows, "step")).encode()
    yield "population.jsonl", "".join(json.lines(map(counted.item, found.rows))).encode()
    yield "bundle.json", render.document(found, release, keys).encode()
    yield "report.md", render.report(found, release, lives).encode()
    yield "report.html", render.page(found, release, lives).encode()
    yield from render.fixed().items()
