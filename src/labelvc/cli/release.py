"""The commands on releases: cut one, list and show them, tell what they bring, prove them."""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import click

from labelvc.cli import memory, signing
from labelvc.cli.context import Settings, now, pass_settings
from labelvc.cli.lazy import LazyGroup
from labelvc.cli.output import changes, output_option, output_options, progress, say, write
from labelvc.cli.render import json, text
from labelvc.cli.render import release as render
from labelvc.cli.versions import VERSION
from labelvc.model.release import Version
from labelvc.model.snapshot import Snapshot
from labelvc.ops import attest, people
from labelvc.ops import manifest as manifests
from labelvc.ops import memory as remembering
from labelvc.ops import policy as governing
from labelvc.ops import release as releasing
from labelvc.ops import reviewed as reviewing
from labelvc.ops import trust as trusting
from labelvc.ops.attest import Verdict
from labelvc.ops.manifest import Made
from labelvc.ops.release import Plan
from labelvc.ops.state import Scale
from labelvc.store import git as plumbing
from labelvc.store import tag as tagging
from labelvc.store import tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from labelvc.store.keys import Signer

_HERE = "labelvc.cli.release"
_TABLE = {
    "card": ("labelvc.cli.publishing", "card", "Describe a release for those who use the data."),
    "compare": ("labelvc.cli.witness", "compare", "Tell whether two clones saw one history."),
    "cut": (_HERE, "cut", "Sign a release of what HEAD holds."),
    "export": ("labelvc.cli.publishing", "export", "Write a release in a form that other tools read."),
    "list": (_HERE, "list_command", "List the releases, oldest first; nothing is proved."),
    "notes": (_HERE, "notes", "Write in Markdown what a release brings."),
    "show": (_HERE, "show", "Show what a release says; nothing is proved."),
    "verify": (_HERE, "verify", "Prove releases from the repository alone."),
    "witness": ("labelvc.cli.witness", "witness", "Sign that you saw a release, in a clone of your own."),
}


@click.group(cls=LazyGroup, table=_TABLE)
def release() -> None:
    """Name a state of the data, sign it, and prove it again years later."""


@click.command("cut", short_help="Sign a release of what HEAD holds.")
@click.argument("version", type=VERSION, required=False)
@click.option("--next", "following", is_flag=True, help="Take the smallest version that the changes allow.")
@click.option(
    "--role", metavar="ROLE", help="The hat you wear; without it, one that the policy asks for and grants you."
)
@click.option("--unapproved", is_flag=True, help="Release changes too that nobody approved who had to.")
@click.option("--tag", is_flag=True, help="Commit the manifest and tag the commit, signed, as v<VERSION>.")
@click.option("--yes", is_flag=True, help="Do not ask on a terminal before signing.")
@signing.key_option
@signing.root_option
@pass_settings
@changes
def cut(
    settings: Settings,
    /,
    version: Version | None,
    following: bool,
    role: str | None,
    unapproved: bool,
    tag: bool,
    yes: bool,
    key: str | None,
    root: str | None,
) -> int:
    """Sign a release of what HEAD holds, and stage its manifest releases/VERSION.json.

    The version moves as the data did since the release before: the last number where they are the same, the middle one
    for additions, the first for edits and removals. A smaller step is refused, and so are changes that `labelvc verify` calls
    not approved, unless --unapproved says that you know. What is signed names the digest of the data, the documents, the
    policy, the approvals so far and the release before.

    \b
      labelvc release cut --next
      labelvc release cut 1.0.0 --tag
    """
    if (version is None) is not following:
        raise click.UsageError("name a version, or let --next find it: labelvc release cut --next")
    git = plumbing.find(settings.directory)
    head = tree.commit(git, "HEAD")
    releasing.demand_clean(git, head)
    plan, who, hat, signer = _planned(settings, git, version, head, role, key, root)
    if tag:
        tagging.demand(git, f"v{plan.release.version}")
    last = reviewing.last_before(manifests.history(git, head.commit), None)
    with progress(settings, None, "verifying steps") as advance:
        judge = reviewing.told if unapproved else reviewing.demanded
        changes = judge(git, last, head.commit, signing.pin(git, root), advance)
    shown = render.preview(plan, changes, who, hat, signer.key.fingerprint, head.commit, color=settings.color)
    say(settings, "".join(shown).rstrip("\n"))
    if sys.stdin.isatty() and not yes and not click.confirm("sign this", err=True):
        say(settings, "not signed; nothing was written")
        return 1
    governing.write(git, {plan.path: releasing.signed(plan, who, hat, signer, now().astimezone())})
    write(f"{plan.path}\n")
    if tag:
        tagging.commit(git, plan.path, f"Release {plan.release.version}")
        tagging.sign(git, f"v{plan.release.version}", f"Release {plan.release.version}, state {plan.release.root}")
        say(settings, f"committed and tagged v{plan.release.version}; next: git push --follow-tags")
    else:
        say(settings, f"staged; next: git commit -m 'Release {plan.release.version}' -- releases")
    return 0


def _planned(
    settings: Settings,
    git: Git,
    version: Version | None,
    head: Snapshot,
    role: str | None,
    key: str | None,
    root: str | None,
) -> tuple[Plan, str, str, Signer]:
    """Return the plan, who signs it in which role, and their key."""
    with tree.reader(git) as reader, Cache(git) as cache:
        trust = trusting.load(reader, head, signing.pin(git, root))
        secret = releasing.secret_of(git, reader, head)
        if secret is None:
            say(
                settings,
                "note: no secret for pseudonyms is here, so the release gets no salted roots (docs/formats/release.md)",
            )
        scale = Scale(reader, cache, secret, trust.policy.repository)
        with progress(settings, None, "measuring shards", "shards") as advance:
            plan = releasing.plan(git, version, trust, scale, reader, head, advance)
    signer = people.signer(git, signing.where(key), signing.ask, trust.policy)
    return plan, *releasing.speaker(plan, signer, role), signer


@click.command("list")
@output_options("text", "json", "jsonl")
@pass_settings
def list_command(settings: Settings, /, form: str, output: Path | None) -> None:
    """List the releases, oldest first; nothing is proved.

    \b
      labelvc release list
    """
    git = plumbing.find(settings.directory)
    _show(git, [made for made in manifests.history(git, plumbing.resolve(git, "HEAD")) if made.entry], form, output)


@click.command("show")
@click.argument("version", type=VERSION, required=False)
@output_options("text", "json", "jsonl")
@pass_settings
def show(settings: Settings, /, version: Version | None, form: str, output: Path | None) -> None:
    """Show what a release says, the last one when none is named; nothing is proved.

    \b
      labelvc release show 1.0.0
    """
    git = plumbing.find(settings.directory)
    made = manifests.find(git, plumbing.resolve(git, "HEAD"), version)
    _show(git, [made], "full" if form == "text" else form, output)


def _show(git: Git, found: list[Made], form: str, output: Path | None) -> None:
    with tree.reader(git) as reader:
        read = ((made, reader.read(made.path, made.entry)) for made in found if made.entry)
        rows = [(made, *manifests.opened(data, made.path)) for made, data in read]
    if form == "full":
        write("".join(line for row in rows for line in render.whole(*row)), output)
    elif form == "text":
        write("".join(render.line(*row) for row in rows) or "nothing was released yet\n", output)
    elif form == "jsonl":
        write("".join(json.lines(render.item(*row) for row in rows)), output)
    else:
        items = [render.item(*row) for row in rows]
        write(json.document("release-list", items, head="HEAD", summary={"releases": len(items)}), output)


@click.command("notes")
@click.argument("words", metavar="[VERSION | A..B]", required=False)
@output_option
@pass_settings
def notes(settings: Settings, /, words: str | None, output: Path | None) -> None:
    """Write in Markdown what a release brings: counts, which answer became which, what guidelines and taxonomies say anew.

    A and B are versions or revisions; a version alone is compared with the release before it; without one, the last release is.

    \b
      labelvc release notes 1.1.0
      labelvc release notes 1.0.0..HEAD -o notes.md
    """
    git = plumbing.find(settings.directory)
    title, pair = manifests.ends(git, words)
    known = {made.commit: str(made.version) for made in manifests.history(git, plumbing.resolve(git, "HEAD"))}
    since = (known.get(pair.old.commit) or (words or "").partition("..")[0], pair.old.commit)
    with progress(settings, None, "verifying steps") as advance:
        changes = reviewing.told(git, since, pair.new.commit, signing.pin(git, None), advance)
    page = importlib.import_module("labelvc.cli.render.notes").page(git, title, pair, render.reviewed(changes))
    write(page, output)


@click.command("verify", short_help="Prove releases from the repository alone.")
@click.argument("version", type=VERSION, required=False)
@click.option("--all", "everything", is_flag=True, help="Prove every release.")
@click.option(
    "--max-age",
    type=click.IntRange(min=0),
    metavar="DAYS",
    help="Exit 1 when the last release is older, by its own word: who serves an old state for ever is found so.",
)
@memory.rewrite_option
@signing.root_option
@output_options("text", "json", "jsonl")
@pass_settings
def verify(
    settings: Settings,
    /,
    version: Version | None,
    everything: bool,
    max_age: int | None,
    accept_rewrite: bool,
    root: str | None,
    form: str,
    output: Path | None,
) -> int:
    """Prove a release from the repository alone; the last when none is named.

    Works out the data and documents at the commit that added it, and compares them, the chain of releases, the log of approvals and
    the version with what was signed, and the signatures with the policy in force before. It also counts how many of the changes it
    brought were approved; that is for `labelvc verify` to judge, and does not count here. Exit 1 when something is wrong,
    2 when it cannot be told: missing data, a policy that does not verify, a chain that went back since it last verified here,
    or, with CI=true, a root that nobody pinned.

    \b
      labelvc release verify
      labelvc release verify --all --max-age 90
    """
    if version is not None and (everything or max_age is not None):
        raise click.UsageError("name a version, or --all of them; --max-age is about the last")
    git = plumbing.find(settings.directory)
    pinned = signing.pin(git, root)
    again = "labelvc release verify --accept-rewrite"
    place = memory.Place("HEAD", plumbing.resolve(git, "HEAD"), again, accept=accept_rewrite)
    known = memory.hold(git, place, pinned)
    with progress(settings, None, "proving releases", "shards") as advance:
        proof = attest.verify(git, version, pinned, advance, everything=everything)
    verdicts, anchors = proof.verdicts, proof.anchors
    found = manifests.history(git, place.commit)
    changes = {one.version: reviewing.of_release(git, found, one.version, pinned) for one in verdicts}
    items = [render.proved_item(one, changes[one.version]) for one in verdicts]
    states = Counter(one.state for one in verdicts)
    if form == "text":
        told = "".join(
            line for one in verdicts for line in render.verdict(one, changes[one.version], color=settings.color)
        )
        ends = "".join(
            f"root {digest} ({'pinned' if named else 'unpinned'})\n" for digest, named in sorted(anchors.items())
        )
        sums = ", ".join(f"{number} {state}" for state, number in sorted(states.items())) or "nothing was released yet"
        write(f"{told}{text.count(len(verdicts), 'release')}: {sums}\n{ends}", output)
    elif form == "jsonl":
        write("".join(json.lines(items)), output)
    else:
        roots = [{"root": digest, "pinned": named} for digest, named in sorted(anchors.items())]
        summary = {"releases": len(verdicts), "states": dict(sorted(states.items())), "roots": roots}
        write(json.document("release-verify", items, head="HEAD", summary=summary), output)
    code = _code(settings, states, pinned) or _stale(settings, verdicts[-1:], max_age)
    last = verdicts[-1].release if verdicts and version is None else None
    if known and not code and last:
        memory.keep(settings, git, known, place, remembering.released(last.sequence, verdicts[-1].digest))
    return code


def _stale(settings: Settings, last: list[Verdict], most: int | None) -> int:
    """Return 1 when the last release is older than so many days, or there is none, and say so."""
    release = last[0].release if last else None
    if most is None or (release and now() - datetime.fromisoformat(release.signed_at) <= timedelta(days=most)):
        return 0
    told = f"the last release here is {release.version} of {release.signed_at}" if release else "nothing was released"
    say(
        settings,
        f"error: {told}, and one of the last {text.count(most, 'day')} was asked for\n  next: git fetch, and ask who releases",
    )
    return 1


def _code(settings: Settings, states: Counter[str], pinned: str | None) -> int:
    """Return the exit code; that something could not be told weighs more than that something was found."""
    if states["undecidable"]:
        return 2
    if signing.unproved(settings, pinned):
        return 2
    return int(bool(states["wrong"]))
