"""The commands of witnesses: sign that a release was seen, and compare what two clones saw."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from labelvc.cli import signing
from labelvc.cli.context import Settings, now, pass_settings
from labelvc.cli.output import changes, deliver, output_options, progress, say, write
from labelvc.cli.render import json
from labelvc.cli.render import release as render_release
from labelvc.cli.render import witness as render
from labelvc.cli.versions import VERSION
from labelvc.core import release as rules
from labelvc.model.release import Version
from labelvc.ops import attest, people
from labelvc.ops import compare as comparing
from labelvc.ops import policy as governing
from labelvc.ops import witness as witnessing
from labelvc.ops.attest import Proof
from labelvc.store import git as plumbing


@click.command(short_help="Sign that you saw a release, in a clone of your own.")
@click.argument("version", type=VERSION, required=False)
@click.option("--yes", is_flag=True, help="Do not ask on a terminal before signing.")
@click.option(
    "--since",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What you signed last, where this clone does not remember it.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to FILE, not into the repository.",
)
@click.option(
    "--cosign",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="NOTE",
    help="Also write the approvals' checkpoint with a C2SP cosignature to NOTE, for programs of transparency logs.",
)
@signing.key_option
@signing.root_option
@pass_settings
@changes
def witness(
    settings: Settings,
    /,
    version: Version | None,
    yes: bool,
    since: Path | None,
    output: Path | None,
    cosign: Path | None,
    key: str | None,
    root: str | None,
) -> int:
    """Sign that you saw a release, the last when none is named, and stage releases/VERSION.witness.NAME.json.

    Proves all releases first, as `labelvc release verify --all` does, and that they continue what you signed before: this
    clone remembers that. What is signed is the release's digest and the checkpoint of the approvals, so that nobody can
    show others another history. Whoever signed the release cannot be its witness. Exit 1 when something is wrong.

    \b
      labelvc release witness 1.0.0
    """
    git = plumbing.find(settings.directory)
    pin = signing.pin(git, root)
    with progress(settings, None, "proving releases", "shards") as advance:
        proof = attest.verify(git, None, pin, advance, everything=True)
    if code := _refused(settings, proof, pin):
        return code
    policy = witnessing.policy_at_head(git, pin)
    signer = people.signer(git, signing.where(key), signing.ask, policy)
    who = witnessing.speaker(policy, signer)
    before = [one.said for verdict in proof.verdicts for one in verdict.witnesses if one.said]
    before += [*witnessing.remembered(git, who), *([witnessing.read(since)] if since else [])]
    before = [said for said in before if said.signer.principal == who]
    said = witnessing.plan(proof.chain, version, before, who, policy)
    path = witnessing.path_of(rules.version(said.version), who)
    if output is None:
        witnessing.demand_new(git, path)
    vkey = witnessing.cosigner(signer).vkey if cosign else ""
    say(settings, "".join(render.preview(said, signer.key.fingerprint)).rstrip("\n"))
    if sys.stdin.isatty() and not yes and not click.confirm("sign this", err=True):
        say(settings, "not signed; nothing was written")
        return 1
    data = witnessing.signed(said, signer, policy, now().astimezone())
    if cosign is not None:
        deliver(witnessing.cosigned(said, signer, now()).encode(), cosign)
        say(settings, f"cosigned    {cosign}; its key for other programs: {vkey}")
    if output is not None:
        deliver(data, output)
        say(settings, f"keep {output}, or hand it on: labelvc release compare {output}")
    else:
        governing.write(git, {path: data})
        write(f"{path}\n")
        say(settings, f"staged; next: git commit -m 'Witness of {said.version}' -- releases")
    witnessing.remember(git, who, data, before)
    return 0


def _refused(settings: Settings, proof: Proof, pin: str | None) -> int:
    """Tell what is wrong with the releases, and return the exit code; 0 when they are good."""
    bad = [verdict for verdict in proof.verdicts if verdict.state != "good"]
    if bad:
        say(settings, "".join(line for one in bad for line in render_release.verdict(one, color=False)).rstrip("\n"))
        say(settings, "not signed; next: labelvc release verify --all")
        return 2 if any(one.doubts for one in bad) else 1
    return 2 if signing.unproved(settings, pin) else 0


@click.command(short_help="Tell whether two clones saw one history.")
@click.argument("other", metavar="CLONE|FILE", type=click.Path(exists=True, path_type=Path))
@signing.root_option
@output_options("text", "json")
@pass_settings
def compare(settings: Settings, /, other: Path, root: str | None, form: str, output: Path | None) -> int:
    """Tell whether this clone and another, or a witness's FILE, saw one history of releases.

    same: they end with one release. ahead, behind: one has more and continues the other, as a consistency proof of the
    approvals shows. forked: they differ, first in the release that is named; exit 1, and each side keeps the other's
    signed manifest as evidence. Exit 2 when a witness saw more than is here. Data are not read: `labelvc release verify`.

    \b
      labelvc release compare ../colleague/labels
    """
    git = plumbing.find(settings.directory)
    pin = signing.pin(git, root)
    if other.is_dir():
        found = comparing.clones(git, other, pin)
    else:
        found = comparing.witnessed(git, other, pin, witnessing.policy_at_head(git, pin))
    if form == "text":
        write("".join(render.compared(found)), output)
    else:
        write(json.document("release-compare", render.sides(found), head="HEAD", summary=render.summary(found)), output)
    return render.code(found)
