"""The audits: what a history brought about and nobody saw."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click

from labelvc.cli import signing
from labelvc.cli.context import Settings, environment, in_ci, pass_settings
from labelvc.cli.lazy import LazyGroup, Row
from labelvc.cli.output import output_option, output_options, progress, say, stream, write
from labelvc.cli.render import audit as render
from labelvc.cli.render import impact as lost
from labelvc.cli.render import json, text
from labelvc.core.veil import Veil
from labelvc.errors import DataError, Error, StoreError, TrustError
from labelvc.ops import audit as auditing
from labelvc.ops import course as courses
from labelvc.ops import impact as distrusting
from labelvc.ops import veil
from labelvc.ops.audit import Auditor, Found, Merge
from labelvc.store import git as plumbing
from labelvc.store import tree
from labelvc.store.git import Git

_TABLE: dict[str, Row] = {
    "bundle": (
        "labelvc.cli.bundle",
        "bundle",
        "Put the evidence on a range in one file, for an auditor without labelvc.",
    ),
    "impact": (__name__, "impact", "Tell what lost its approval because somebody is distrusted."),
    "merges": (__name__, "merges", "Work merge commits out again; tell what they lost."),
    "population": ("labelvc.cli.population", "population", "List all that came in, approved or not."),
    "prove": (__name__, "prove", "Prove that one label is in a release."),
    "recheck": (__name__, "recheck", "Check a proof or a bundle, offline and without the repository."),
    "sample": ("labelvc.cli.population", "sample", "Draw a sample of what came in, that anybody can draw again."),
    "trace": ("labelvc.cli.evidence", "trace", "Tell a label's life with what proves each part of it."),
}


@click.group(cls=LazyGroup, table=_TABLE)
def audit() -> None:
    """Look back over what was committed: what went wrong, who answered for it, and what an auditor can prove."""


@click.command("prove", short_help="Prove that one label is in a release.")
@click.argument("key")
@click.option("--release", "version", metavar="VERSION", help="The release; without it, the last.")
@click.option("--plain", is_flag=True, help="Prove it in the tree without salt, though there is one with.")
@output_option
@pass_settings
def prove(settings: Settings, /, key: str, version: str | None, plain: bool, output: Path | None) -> None:
    """Write a proof that the line of a record or item is in a release, for somebody who gets no other data.

    The proof holds the line, a few hashes and the release's manifest. Where the release has salted roots, which need the
    secret of its epoch, no other label can be guessed from the hashes.

    \b
      labelvc audit prove texts/m1#a1 --release 1.0.0 -o proof.json
    """
    git = plumbing.find(settings.directory)
    rules = importlib.import_module("labelvc.core.release")
    wanted = rules.version(version.removeprefix("v")) if version else None
    named = importlib.import_module("labelvc.ops.naming").key(git, key, tree.commit(git, "HEAD"))
    proof = importlib.import_module("labelvc.ops.prove").prove(git, named, wanted, plain=plain)
    write(importlib.import_module("labelvc.core.inclusion").encode(proof).decode(), output)


@click.command("recheck", short_help="Check a proof or a bundle, offline and without the repository.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--digest", metavar="sha256:...", help="Of a proof: digest of the release, as its project publishes it.")
@click.option(
    "--root", metavar="sha256:...", help="Of a bundle: digest of the first root, as its project publishes it."
)
@pass_settings
def recheck(settings: Settings, /, file: Path, digest: str | None, root: str | None) -> int:
    """Check what `labelvc audit prove` or `labelvc audit bundle` wrote; neither a repository nor a network is needed.

    Of a proof, --digest ties it to the release that `labelvc release show` prints it for. Of a bundle, --root (or LABELVC_ROOT)
    ties it to the project. Without them compare yourself: anybody can sign what they made up. Nothing is unpacked. Exit 1 when
    something does not hold, 2 when the file is neither, is an archive that could do harm, leaves open what nobody can tell from
    it, or, with CI=true, without them.

    \b
      labelvc audit recheck evidence.tar --root sha256:...
      labelvc audit recheck proof.json --digest sha256:...
    """
    with file.open("rb") as source:
        if importlib.import_module("labelvc.codec.tar").is_one(source.read(512)):
            return _bundle(settings, file, root or environment("LABELVC_ROOT"))
    return _proof(settings, file, digest)


def _bundle(settings: Settings, file: Path, root: str | None) -> int:
    fixed = importlib.import_module("labelvc.cli.render.bundle").fixed()
    try:
        with file.open("rb") as source:
            files = importlib.import_module("labelvc.codec.tar").read(source)
    except DataError as error:
        place = f"{file}: {text.safe(error.where)}" if error.where else str(file)
        raise DataError(error.message, where=place, hint="ask for the file again; nothing was unpacked") from None
    found = list(importlib.import_module("labelvc.ops.recheck").recheck(files, root, fixed))
    write("".join(f"{one.state.ljust(6)} {text.safe(one.words)}\n" for one in found))
    wrong = sum(one.state == "wrong" for one in found)
    if wrong:
        say(settings, f"FAILED: {wrong} wrong")
        return 1
    checks = text.count(sum(one.state == "ok" for one in found), "check")
    if unknown := sum(one.state == "open" for one in found):
        say(settings, f"{checks} hold; NOT PROVED: {unknown} cannot be told from a bundle")
        say(settings, "  next: ask for a clone, and run in it: labelvc verify --all --root sha256:...")
        return 2
    if root is None:
        say(
            settings,
            f"{checks} hold among themselves; NOT PROVED: nobody pinned the root, so all of it could be made up",
        )
        say(
            settings,
            "  next: get the digest of the root from the project by another way, and pass it as --root sha256:...",
        )
        return 2 if in_ci() else 0
    say(settings, f"GOOD: {checks}, under the root that you pinned")
    return 0


def _proof(settings: Settings, file: Path, digest: str | None) -> int:
    inclusion = importlib.import_module("labelvc.core.inclusion")
    proof = inclusion.decode(file.read_bytes())
    try:
        proved = inclusion.check(proof)
    except (TrustError, DataError) as error:
        write(f"wrong       {text.safe(error.message)}\n")
        return 1
    write("".join(importlib.import_module("labelvc.cli.render.release").proved(proved, proof.line)))
    if digest is not None and digest != proved.digest:
        write(f"wrong       it is of another release than {text.safe(digest)}\n")
        return 1
    if digest is None:
        say(settings, "note: compare digest and key with what the project publishes, or pass --digest")
        return 2 if in_ci() else 0
    return 0


class _Seen(NamedTuple):
    """One thing to tell of a merge: a verdict, or why it could not be told."""

    merge: Merge
    found: Found | None
    problem: Error | None
    veil: Veil


@click.command("merges", short_help="Work merge commits out again; tell what they lost.")
@click.argument("revisions", metavar="[A..B]", required=False)
@output_options("text", "json", "jsonl")
@pass_settings
def merges(settings: Settings, /, revisions: str | None, form: str, output: Path | None) -> int:
    """Work out every merge commit again, record by record, and tell what it lost and what nobody wrote.

    A..B looks at the merges of B that A lacks, A at all that lead to A; without either, at all that lead to HEAD. The merge
    that was just made, and those of the branch it brought: `labelvc audit merges HEAD^..HEAD`. It finds what a host's
    merge button, `-X ours`, a text merge and edits of a merge commit did. Exit 1 when there is something, 2 when it could not be told of some merge.

    \b
      labelvc audit merges HEAD^..HEAD
    """
    git = plumbing.find(settings.directory)
    found = auditing.merges(git, revisions)
    counts: Counter[str] = Counter()
    with progress(settings, len(found), "working merges out again") as advance:
        seen = _counted(_walk(git, found, advance), counts)
        if form == "text":
            stream(_text(git, seen, len(found), counts, color=settings.color), output)
            return _code(counts)
        items = (render.item(one.merge, one.found, one.problem, one.veil) for one in seen)
        if form == "jsonl":
            stream(json.lines(items), output)
        else:
            listed = list(items)
            base, dots, head = (revisions or "HEAD").partition("..")
            ends = (base or "HEAD", head.lstrip(".") or "HEAD") if dots else ("", base)
            summary = _summary(len(found), counts)
            write(json.document("audit-merges", listed, base=ends[0], head=ends[1], summary=summary), output)
    return _code(counts)


@click.command("impact", short_help="Tell what lost its approval because somebody is distrusted.")
@click.argument("revisions", metavar="[A..B | A]", required=False)
@signing.root_option
@output_options("text", "json", "jsonl")
@pass_settings
def impact(settings: Settings, /, revisions: str | None, root: str | None, form: str, output: Path | None) -> int:
    """Tell which records and documents lost their approval by `labelvc policy distrust`, and how they get it back.

    A..B looks at the first-parent steps from A to B, A at all that lead to A; without either, at all that lead to HEAD; the policy
    at their end says who is distrusted. What others approved since is not listed. Exit 1 when something is lost, 2 when it
    cannot be told, such as, with CI=true, under a root that nobody pinned.

    \b
      labelvc audit impact
      labelvc audit impact v1.0.0..main
    """
    git = plumbing.find(settings.directory)
    alone = revisions is None or ".." not in revisions
    going = courses.read(git, revisions, everything=alone)
    pinned = signing.pin(git, root)
    with progress(settings, len(going.pairs), "judging steps again") as advance:
        found = list(distrusting.losses(git, going, pinned, advance))
    rows = [item for loss in found for item in lost.items(loss)]
    if form == "jsonl":
        stream(json.lines(rows), output)
    elif form == "json":
        summary = lost.summary(found, len(going.pairs))
        write(json.document("audit-impact", rows, base=going.base, head=going.head, summary=summary), output)
    else:
        told = (lost.lines(loss, auditing.subject(git, loss.step.commit), color=settings.color) for loss in found)
        stream((line for lines in (*told, [lost.totals(found)]) for line in lines), output)
    if any(loss.step.state == "undecidable" for loss in found) or signing.unproved(settings, pinned):
        return 2
    return int(bool(found))


def _text(git: Git, seen: Iterator[_Seen], merges: int, counts: Counter[str], *, color: bool) -> Iterator[str]:
    rows = ((one.merge, one.found, one.problem, one.veil) for one in seen)
    yield from render.text(rows, lambda merge: auditing.subject(git, merge.commit), color=color)
    yield render.totals(_summary(merges, counts))


def _code(counts: Mapping[str, int]) -> int:
    """Return the exit code; that something could not be told weighs more than that something was found."""
    return 2 if counts.get("untold") else int(any(counts.get(kind) for kind in render.FAULTS))


def _walk(git: Git, found: list[Merge], advance: Any) -> Iterator[_Seen]:
    with Auditor(git) as auditor:
        for one in found:
            drawn: Veil | None = None
            try:
                for verdict in auditor.examine(one):
                    drawn = drawn or veil.over(git, *auditor.snapshots(one))
                    yield _Seen(one, verdict, None, drawn)
            except (StoreError, DataError) as problem:
                yield _Seen(one, None, problem, Veil())
            advance(1)


def _counted(seen: Iterator[_Seen], counts: Counter[str]) -> Iterator[_Seen]:
    """Yield what is seen and count it: verdicts by kind, merges once by whether anything is wrong with them."""
    wrong: set[str] = set()
    for one in seen:
        kind = one.found.verdict.kind if one.found else "untold"
        counts[kind] += 1
        if kind != "resolved" and one.merge.commit not in wrong:
            wrong.add(one.merge.commit)
            counts["wrong"] += 1
        yield one


def _summary(merges: int, counts: Mapping[str, int]) -> Mapping[str, int]:
    kinds = {kind: counts.get(kind, 0) for kind in (*render.FAULTS, "resolved", "untold")}
    return {"merges": merges, "clean": merges - counts.get("wrong", 0), **kinds}
