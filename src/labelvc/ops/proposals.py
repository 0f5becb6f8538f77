"""Proposals: what a guideline should say otherwise, opened by what gave rise to it, and closed by the version that takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from labelvc.core import instructions
from labelvc.errors import ConfigurationError, RefusedError
from labelvc.model import jsonpointer
from labelvc.model.finding import Finding
from labelvc.model.snapshot import Snapshot
from labelvc.ops import registering, registers, versions
from labelvc.ops.registering import Entry
from labelvc.ops.registers import Document
from labelvc.store import tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git

KIND = "proposal"
FOR_ALL = ("ambiguity", "general")
OF_LABELS = ("definition", "use_when", "avoid_when", "examples", "counterexamples", "edge_cases", "rationale")
_SHORTEST = 6
_MOST = 1000
_ALL = "labelvc check --all --format json"


class Origin(NamedTuple):
    """What gave rise to a proposal.

    Attributes:
        said: member `from` of the document.
        label, block: what it is about, where it says so itself; empty where not.
        links: documents of registers that hold it.
    """

    said: Mapping[str, Any]
    label: str = ""
    block: str = ""
    links: tuple[str, ...] = ()


def of_findings(git: Git, name: str, found: Sequence[Finding], words: Sequence[str]) -> Origin:
    """Return findings as what gave rise to a proposal; those on the guideline itself say which label and block they are about.

    Args:
        git: the repository.
        name: of the guideline.
        found: all findings of the work tree.
        words: fingerprints, or starts of them, or a rule: then all that it found.

    Raises:
        ConfigurationError: a word means none of the findings, those it means are of several rules, or there are too many.
    """
    meant = [one for word in words for one in _meant(found, word)]
    rules = sorted({one.rule for one in meant})
    if len(rules) > 1:
        raise ConfigurationError(f"a proposal comes from one rule, and these are {', '.join(rules)}", hint=_ALL)
    if len(meant) > _MOST:
        raise ConfigurationError(f"{len(meant):,} findings are more than a proposal holds ({_MOST:,})", hint=_ALL)
    path, value = versions.path_of("guideline", name), _said(git, name)[0]
    places = [jsonpointer.steps(one.place.pointer) for one in meant if one.place.path == path]
    records = [one.place.key for one in meant if one.place.key] + [_record(value, steps) for steps in places]
    labels = {steps[1] for steps in places if steps[:1] == ["labels"] and len(steps) > 1}
    blocks = {steps[2] for steps in places if len(steps) > 2 and steps[2] in OF_LABELS}
    said = {
        "kind": "finding",
        "rule": rules[0],
        "fingerprints": list(dict.fromkeys(one.fingerprint for one in meant)),
        "records": list(dict.fromkeys(filter(None, records))),
        "said": meant[0].message,
    }
    label = labels.pop() if len(labels) == 1 else ""
    return Origin({k: v for k, v in said.items() if v}, label, blocks.pop() if label and len(blocks) == 1 else "")


def of_feedback(git: Git, words: str, on: str) -> Origin:
    """Return feedback as what gave rise to a proposal: a document of the register, or what was said.

    Raises:
        ConfigurationError: nothing was said, or there is no such document.
    """
    if words.startswith("feedback/"):
        found = registers.shown(git, tree.work(git), words, on)
        return Origin({"kind": "feedback", "document": found.id, "said": found.value["said"]}, links=(found.id,))
    if not words.strip():
        raise ConfigurationError("nothing was said", hint="name what was said, @FILE that holds it, or feedback/ID")
    return Origin({"kind": "feedback", "said": words.strip()})


def of_discussion(url: str) -> Origin:
    """Return a discussion as what gave rise to a proposal.

    Raises:
        ConfigurationError: that is no address.
    """
    if not url.startswith(("http://", "https://")) or len(url.split()) != 1:
        raise ConfigurationError(f"{url!r} is no address", hint="name where it is held: https://...")
    return Origin({"kind": "discussion", "url": url})


def opened(git: Git, name: str, origin: Origin, said: Mapping[str, Any], entry: Entry) -> Document:
    """Write a proposal into the register of the work tree.

    Args:
        git: the repository.
        name: of the guideline.
        origin: what gave rise to it.
        said: label, block, text, title, owner and due, as far as somebody said them.
        entry: who opens it, and when.

    Raises:
        ConfigurationError: there is no such guideline, label or block of it, or nobody owns the document.
    """
    label, block = str(said.get("label") or origin.label), str(said.get("block") or origin.block)
    value, taxonomy = _said(git, name)
    known = dict.fromkeys([*value["labels"], *[row["id"] for row in taxonomy.get("labels", ())]])
    if label and label not in known:
        near = get_close_matches(label, known, 3) or list(known)[:8]
        raise ConfigurationError(
            f"{name} explains no label {label!r}", where="--label", hint=f"choose one of: {', '.join(near)}"
        )
    if block and (block in FOR_ALL) == bool(label):
        wrong = f"{block} is no block of a label" if label else f"{block} is a block of a label, and none is named"
        raise ConfigurationError(wrong, where="--block", hint="leave out --label" if label else "--label ID")
    about = ", ".join(filter(None, (label, block.replace("_", " "))))
    title = said.get("title") or (f"{name}: {about}" if about else name)
    own = {"guideline": name, "label": label, "block": block, "text": said.get("text"), "from": dict(origin.said)}
    given = {**own, **said, "title": title, "label": label, "block": block, "links": list(origin.links)}
    return registering.opened(git, KIND, {k: v for k, v in given.items() if v}, entry)


def taken(git: Git, snapshot: Snapshot, value: Mapping[str, Any], asked: Sequence[str], on: str) -> list[Document]:
    """Return the open proposals that a guideline takes: those it says it comes from, and those that somebody names.

    Args:
        git: the repository.
        snapshot: where the register is.
        value: what the guideline says.
        asked: ids of proposals, or their kind and number.
        on: the day.

    Raises:
        ConfigurationError: there is no such proposal.
        RefusedError: it was closed, or is about another guideline.
    """
    links = {link for _, link in instructions.reasons(value) if link.startswith(f"{KIND}/")}
    if not links and not asked:
        return []
    wanted = [registers.shown(git, snapshot, name if "/" in name else f"{KIND}/{name}", on) for name in asked]
    for one in wanted:
        if one.kind != KIND or one.value["guideline"] != value["name"]:
            raise RefusedError(f"{one.id} proposes no change of {value['name']}", hint=f"labelvc register list {KIND}")
        if one.value["status"] != "open":
            closed = one.value["closed"]
            said = f"{one.id} was closed on {closed['on']}: {closed['reason']}"
            raise RefusedError(said, where=one.path, hint=f"labelvc register list {KIND} --open")
    named = [one for one in registers.listed(git, snapshot, on, KIND) if one.id in links]
    more = [one for one in named if one.value["status"] == "open" and one.value["guideline"] == value["name"]]
    return list({one.id: one for one in [*wanted, *more]}.values())


def naming(value: Mapping[str, Any], found: Sequence[Document]) -> dict[tuple[str, ...], list[str]]:
    """Return the edits that have a guideline say that it comes from proposals: lists in it to what to append."""
    links = {link for _, link in instructions.reasons(value)}
    places: dict[tuple[str, ...], list[str]] = {}
    for one in found:
        label = one.value.get("label", "")
        if one.id not in links:
            places.setdefault(("labels", label, "because") if label in value["labels"] else ("because",), []).append(
                one.id
            )
    return places


def closed(git: Git, snapshot: Snapshot, found: Sequence[Document], version: str, entry: Entry) -> dict[Path, bytes]:
    """Return the files of proposals as they are once a published version took them."""
    files: dict[Path, bytes] = {}
    for one in found:
        reason = f"{one.value['guideline']}@{version} takes it"
        files[git.top / one.path] = registering.changed(
            git, snapshot, one, entry, registering.closing(reason, entry.on)
        )[1]
    return files


def _meant(found: Sequence[Finding], word: str) -> list[Finding]:
    if "." in word:
        some = [one for one in found if one.rule == word]
    else:
        some = [one for one in found if len(word) >= _SHORTEST and one.fingerprint.startswith(word)]
        if len({one.fingerprint for one in some}) > 1:
            raise ConfigurationError(f"{word!r} is the start of several fingerprints", hint=_ALL)
    if not some:
        what = "the rule has found nothing" if "." in word else "no finding has this fingerprint"
        blind = [one.place.path for one in found if one.rule.startswith("document.") and one.severity == "error"]
        why = f"; while {blind[0]} is wrong, no record is looked at" if blind else ""
        raise ConfigurationError(f"{what} here: {word!r}{why}", hint="labelvc check --all" if blind else _ALL)
    return some


def _said(git: Git, name: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return what a guideline of the work tree says, and its taxonomy."""
    with tree.reader(git) as reader, Cache(git) as cache:
        texts, _ = versions.opened(git, reader, cache, "guideline", name)
        value = texts.now or {}
        return value, texts.beside("taxonomy", value["taxonomy"]) or {} if value.get("taxonomy") else {}


def _record(value: Mapping[str, Any], steps: Sequence[str]) -> str:
    """Return the record that an example of a guideline points to; empty for what is none."""
    if len(steps) < 4 or not steps[3].isdigit():
        return ""
    said = value["labels"].get(steps[1], {}).get(steps[2], ())
    one = said[int(steps[3])] if int(steps[3]) < len(said) else {}
    return str(one.get("record", "")) if isinstance(one, dict) else ""
