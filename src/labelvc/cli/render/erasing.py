"""Erasures and what history holds, for people and programs; no value is among it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labelvc.cli.render.text import count, safe
from labelvc.ops.erase import Done, Plan, Standing
from labelvc.ops.erasures import Entry
from labelvc.ops.reach import Reach

_NAMED = 8
_PATHS = 3

LIMITS = (
    "clones and forks of other people, and copies that a host keeps: caches, pull requests, backups",
    "backups of the vault: an old copy opens with old shares, so keep none longer than you have to answer a request",
    "names and addresses of git authors, and signatures of people who approved: an audit needs them",
    "releases and exports that were handed out, and what was trained on them",
)
"""What an erasure does not reach."""

_WAYS = {
    "drop": "dropped: a tombstone stays that says nothing (--records drop)",
    "unlink": "unlinked: a marker takes the token's place (--records unlink)",
    None: "each by its place: unlinked where the token is `by` alone, since the label is about another's item; else dropped",
}


def plan(found: Plan) -> Iterator[str]:
    """Yield what an erasure would do."""
    yield _row("tokens", found.subject.tokens)
    if found.subject.vault and not found.subject.opened:
        yield _row("", ["the vault was not opened (-i FILE): other tokens of the same person are not among them"])
    if found.subject.behind:
        said = f"what they became in epoch {found.subject.behind} neither the vault nor a secret here tells"
        yield _row("", [f"{said}: the person may stand here under other tokens"])
    if found.listed == set(found.subject.tokens):
        yield _row("ledger", ["all of them are listed as erased already"])
    yield _row("vault", [_kept(found)])
    fixed = "; the project fixes it" if found.fixed else ""
    yield _row("records", [_WAYS[found.way] + fixed, *[_standing(one) for one in found.standing]])
    yield _row("by hand", [safe(path) for path in found.documents])
    yield from reach(found.reach)
    yield _row("to confirm", [", ".join(found.holders) or "nobody holds a share of a vault's key"])
    yield _row("not reached", LIMITS)


def reach(found: Reach) -> Iterator[str]:
    """Yield what history holds."""
    reached = sum(one.reached for one in found.objects)
    loose = len(found.objects) - reached
    yield _row("history", [
        f"{found.holding:,} of {count(found.commits, 'commit')} hold it, in {count(reached, 'object')} of git",
        *([f"{count(loose, 'object')} that no ref leads to: git reflog expire --expire=now --all; git gc --prune=now"] if loose else []),
        *[f"{one.id[:10]}  {one.at}  {_paths(one.paths)}" for one in found.brought[:_NAMED]],
        *_more(len(found.brought)),
    ])  # fmt: skip
    yield _row("refs", [*map(safe, found.refs[:_NAMED]), *_more(len(found.refs))])
    yield _row(
        "pushed", ["yes: a remote-tracking ref leads to it" if found.pushed else "no remote-tracking ref leads to it"]
    )
    yield _row("releases", found.releases)
    stored = [f"{one.md5}  {one.size:,} bytes  {safe(one.path)}" for one in found.stored[:_NAMED]]
    yield _row("DVC", [*stored, *_more(len(found.stored))])
    unread = f"{count(len(found.unread), 'object')} of DVC in no cache here, so not looked at: dvc fetch --all-commits"
    yield _row("", [unread] if found.unread else [])
    yield _row(
        "remotes", [f"{name}  {safe(url)}" for name, url in found.remotes] if found.stored or found.unread else []
    )
    bound = [
        f"{root.removeprefix('sha256:')[:12]}  binds {count(number, 'line')}"
        for root, number in found.approvals.items()
    ]
    yield _row("approvals", [*bound[:_NAMED], *_more(len(bound))])
    yield _row("", [f"{count(found.untold, 'change-set')} kept no list, so nobody can tell"] if found.untold else [])


def done(what: Done) -> Iterator[str]:
    """Yield what was done."""
    if not what.written and not what.forgotten:
        yield "nothing was left to do\n"
        return
    yield f"records: {what.counted.dropped:,} dropped, {what.counted.unlinked:,} unlinked\n"
    if what.forgotten is not None:
        yield f"vault: {count(len(what.forgotten), 'token')} forgotten here\n"
    yield "".join([f"{path}\n" for path in what.written])


def entries(found: list[Entry]) -> Iterator[str]:
    """Yield the ledger."""
    for entry in found:
        by = (
            f"signed by {safe(entry.signed.signer.printed_name)}"
            if entry.signed
            else f"not signed; whoever answers for it: labelvc erase {safe(entry.tokens[0])} --apply, and commit"
        )
        yield f"{entry.name}  {entry.at}  {count(len(entry.tokens), 'token')}  {standing(entry)}\n  {by}\n"
        yield "".join(
            [f"  confirmed by {person}, {said.signed_at}\n" for person, said in sorted(entry.confirmed.items())]
        )
        yield "".join([f"  wrong: {safe(problem)}\n" for problem in entry.problems])


def standing(entry: Entry) -> str:
    """Return how far an erasure is: `pending 2 of 3`."""
    if not entry.holders:
        return "done"
    if entry.pending:
        return f"pending {len(entry.pending)} of {len(entry.holders)} key holders: {', '.join(entry.pending)}"
    return f"done, {len(entry.holders)} of {len(entry.holders)} key holders"


def entry_of(entry: Entry) -> Mapping[str, Any]:
    """Return an erasure for programs."""
    signed = entry.signed
    return {
        "name": entry.name,
        "at": entry.at,
        "tokens": list(entry.tokens),
        "signed_by": signed.signer.principal if signed else None,
        "dropped": signed.records.dropped if signed and signed.records else None,
        "unlinked": signed.records.unlinked if signed and signed.records else None,
        "holders": list(entry.holders),
        "pending": entry.pending,
        "confirmed": [{"person": who, "at": said.signed_at} for who, said in sorted(entry.confirmed.items())],
        "problems": list(entry.problems),
    }


def plan_of(found: Plan) -> Mapping[str, Any]:
    """Return a plan for programs."""
    return {
        "tokens": list(found.subject.tokens),
        "listed": sorted(found.listed),
        "vault_opened": found.subject.opened,
        "vault": found.kept._asdict() if found.kept else None,
        "records": found.way,
        "fixed": found.fixed,
        "datasets": [{**one._asdict(), "first": list(one.first)} for one in found.standing],
        "documents": found.documents,
        **reach_of(found.reach),
        "holders": list(found.holders),
        "limits": list(LIMITS),
    }


def reach_of(found: Reach) -> Mapping[str, Any]:
    """Return what history holds, for programs."""
    return {
        "commits": {"holding": found.holding, "total": found.commits},
        "brought": [{"commit": one.id, "at": one.at, "paths": list(one.paths)} for one in found.brought],
        "objects": [one._asdict() for one in found.objects],
        "refs": found.refs,
        "pushed": found.pushed,
        "dvc": [{"id": one.md5, "path": one.path, "size": one.size} for one in found.stored],
        "unread": [{"id": md5, "path": path} for md5, path in sorted(found.unread.items())],
        "remotes": [{"name": name, "url": url} for name, url in found.remotes],
        "releases": found.releases,
        "approvals": [{"changeset": root, "lines": number} for root, number in found.approvals.items()],
        "untold": found.untold,
    }


def _row(name: str, lines: Any) -> str:
    """Return lines under a name; nothing when there are none."""
    return "".join([f"{'' if at else name:<13}{line}\n" for at, line in enumerate(lines)])


def _paths(paths: Sequence[str]) -> str:
    """Return the first paths of a commit, and how many more there are."""
    more = f" and {len(paths) - _PATHS:,} more" if len(paths) > _PATHS else ""
    return f"{', '.join(map(safe, paths[:_PATHS]))}{more}" if paths else "its message"


def _more(number: int) -> list[str]:
    return [f"and {number - _NAMED:,} more (--format json)"] if number > _NAMED else []


def _kept(found: Plan) -> str:
    kept = found.kept
    if kept is None:
        return "no vault on this machine"
    inbox = f"; {count(kept.waiting, 'file')} in the inbox, which may hold more" if kept.waiting else ""
    return (
        f"{count(kept.rows, 'row')} and {count(kept.links, 'link')} or keys go; {kept.gone:,} forgotten already{inbox}"
    )


def _standing(one: Standing) -> str:
    fields = ", ".join([f"{safe(pointer) or 'with its item'} {number:,}" for pointer, number in one.fields.items()])
    sealed = f"; {count(one.sealed, 'sealed value')} that nobody can open then" if one.sealed else ""
    where = "in DVC" if one.storage == "dvc" else "in git"
    items = f", {count(one.items, 'item')} among them" if one.items else ""
    return f"{one.dataset} ({where}): {one.dropped:,} dropped, {one.unlinked:,} unlinked{items} ({fields}){sealed}"
