"""Modules for people and programs: what was taken, what adopting one changes, and what checks would say of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labelvc.cli.render import json, text
from labelvc.model.module import Manifest, Pinned
from labelvc.ops import adopt
from labelvc.ops.adopt import Copy, Done

_MOST = 40
_SIGNS = {"new": "+", "taken": "~", "merged": "~", "gone": "-", "left": "=", "same": "=", "takes": "~"}
_SAID = {
    "new": "is new here",
    "taken": "as the module gives it now",
    "merged": "merged with what stands here",
    "left": "stays, as the project's own",
    "gone": "goes",
    "same": "says the same",
    "takes": "takes the profile",
}


def row(one: Pinned, states: Mapping[str, str]) -> Mapping[str, Any]:
    """Return a module that was taken as JSON (`schemas/module-list.v1.json`)."""
    return {
        "name": one.name,
        "version": one.version,
        "source": one.source,
        "commit": one.commit,
        "licence": one.licence,
        "title": "",
        "documents": [{"path": path, "state": state} for path, state in states.items()],
    }


def offered(one: Manifest) -> Mapping[str, Any]:
    """Return a module of the library as JSON (`schemas/module-list.v1.json`)."""
    return {
        "name": one.name,
        "version": one.version,
        "source": f"package:labelvc/{one.name}",
        "commit": "",
        "licence": one.licence,
        "title": one.title,
        "documents": [{"path": path, "state": "offered"} for path in one.provides],
    }


def table(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line a module, and below it one a document that is not as the module gave it."""
    width = max([len(item["name"]) for item in items], default=0)
    for item in items:
        at = f" at {item['commit'][:10]}" if item["commit"] else ""
        said = item["title"] or f"{item['source']}{at}  {text.count(len(item['documents']), 'document')}"
        yield f"{text.safe(item['name']).ljust(width)}  {item['version'].ljust(8)} {text.safe(said)}\n"
        for document in item["documents"]:
            if document["state"] in ("edited", "missing"):
                yield f"{''.ljust(width)}  {document['state'].ljust(8)} {text.safe(document['path'])}\n"


def items(done: Done) -> Iterator[Mapping[str, Any]]:
    """Yield what adopting changes as JSON (`schemas/module-change.v1.json`)."""
    for copy in done.copies:
        yield {"kind": "document", "path": copy.path, "state": copy.state, "conflicts": list(copy.conflicts)}
    for turned in done.effect.settings:
        yield {"kind": "setting", **turned._asdict()}
    for kind, found in (("finding", done.effect.fresh), ("ended", done.effect.gone)):
        for finding in found:
            yield {"kind": kind, "finding": json.finding(finding)}


def summary(verb: str, done: Done) -> Mapping[str, Any]:
    """Return which module it was, which version was and is pinned, and whether anything was written."""
    one = done.after or done.before
    return {
        "verb": verb,
        "name": one.name if one else "",
        "source": one.source if one else "",
        "commit": one.commit if one else "",
        "before": done.before.version if done.before else "",
        "version": done.after.version if done.after else "",
        "stopped": done.stopped,
        "written": done.written,
    }


def told(done: Done, *, color: bool) -> Iterator[str]:
    """Yield what adopting changes: documents by what they say, settings, findings that come and those that end."""
    yield _head(done)
    seen = {one.delta.key: one for one in done.effect.changes}
    for copy in done.copies:
        change = seen.get(copy.path)
        sign = _SIGNS[copy.state]
        yield f"{text.paint(sign, sign, on=color) if sign in '+-~' else sign} {text.safe(copy.path)}  {_SAID[copy.state]}\n"
        if change is not None and change.kind == "changed":
            yield from list(text.deltas([change], color=color))[1:]
        yield from _conflicts(copy, color=color)
    if done.effect.settings:
        yield "\nsettings that turn\n"
        for turned in done.effect.settings:
            mark = text.paint("  softer", "warning", on=color) if turned.softer else ""
            old, new = ("default" if side is None else side for side in (turned.old, turned.new))
            yield f"  {text.safe(turned.dataset)}  {turned.rule} {turned.member} {old} -> {new}{mark}\n"
    yield from _findings("new: ", done.effect.fresh, color=color)
    yield from _findings("ended: ", done.effect.gone, color=color)


def reason(verb: str, done: Done) -> str:
    """Return why nothing was written, and what to do."""
    name = (done.after or done.before or Pinned("", "", "", {})).name
    if done.stopped == "conflict":
        cure = "edit the document as you want it" if verb == "update" else "move it elsewhere"
        return f"nothing was written: both sides say something; {cure}, or --keep lets stand what stands here"
    if done.stopped == "broken":
        cure = f"labelvc module remove {name} --keep" if verb == "remove" else "mend what the findings name first"
        return f"nothing was written: the documents would not fit together; {cure}"
    return "nothing was written: errors would come of it; --anyway takes it all the same"


def onward(verb: str, done: Done) -> str:
    """Return the next command after something was written."""
    given = [adopt.name_of(copy.path) for copy in done.copies if copy.path.startswith("profiles/")]
    if verb == "add" and given and not any(copy.state == "takes" for copy in done.copies):
        said = ", ".join(given)
        return f"next: write `profiles: [{said}]` into the dataset.yaml that shall take it (or --dataset NAME); labelvc check --all"
    return "next: labelvc diff; git add --all && git commit"


def _head(done: Done) -> str:
    before, after = done.before, done.after
    one = after or before
    if one is None:
        return ""
    at = f" at {one.commit[:10]}" if one.commit else ""
    old = f"{before.version} -> " if before and after and before.version != after.version else ""
    alike = before and after and before.version == after.version and before.documents != after.documents
    same = ", changed under the same version" if alike else ""
    said = f"{text.safe(one.name)} {old}{one.version} from {text.safe(one.source)}{at}{same}"
    return f"{said}, {text.safe(one.licence)}\n" if one.licence and not before else f"{said}\n"


def _conflicts(copy: Copy, *, color: bool) -> Iterator[str]:
    if copy.conflicts and copy.unsure:
        yield "    what the module gave before is in no commit here, so all that differs is for you to decide\n"
    for at in copy.conflicts[:_MOST]:
        yield f"    {text.paint('!', 'warning', on=color)} {text.safe(at) or '/'} was changed here and there\n"
    if len(copy.conflicts) > _MOST:
        yield f"    and {len(copy.conflicts) - _MOST:,} more\n"


def _findings(title: str, found: Sequence[Any], *, color: bool) -> Iterator[str]:
    if found:
        yield f"\n{title}{text.tally(found)}\n"
        yield from text.findings(found[:_MOST], color=color)
        if len(found) > _MOST:
            yield f"and {len(found) - _MOST:,} more; --format json lists all\n"
