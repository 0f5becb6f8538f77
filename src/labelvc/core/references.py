"""References between documents: does every name a document uses exist, and does each document agree with itself.

What one document looks like is its schema's business; here is what a schema cannot say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from labelvc.codec import canonical, expression
from labelvc.core import domains, labels, milestones, profiles, registers, semver, waivers
from labelvc.model import jsonpointer, register

Rule = str
_HOME = {
    "dataset": "datasets/{}/dataset.yaml",
    "taxonomy": "taxonomies/{}.yaml",
    "guideline": "guidelines/{}.yaml",
    "profile": "profiles/{}.yaml",
    "batch": "batches/{}.yaml",
}
_NAMED = ("dataset", "taxonomy", "guideline", "profile")


class Document(NamedTuple):
    """A document that fits its schema.

    Attributes:
        noun: `project`, `dataset`, `taxonomy`, `guideline`, `profile`, `versions`, `register-decision` ...
        name: what its path calls it; empty for the project.
        value: its content; of `versions`, the list of its lines.
    """

    noun: str
    name: str
    value: Any


class Trouble(NamedTuple):
    """Something wrong between documents: the document, a JSON pointer into it, the rule, and what is wrong."""

    document: Document
    pointer: str
    rule: Rule
    message: str


def named(documents: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """Return the names of the documents that others may name, by noun; those of all registers under `register`.

    Args:
        documents: noun and name of each.
    """
    found: dict[str, set[str]] = {noun: set() for noun in (*_NAMED, register.NOUN)}
    for noun, name in documents:
        kind = register.NOUN if noun.startswith(register.NOUN) else noun
        if kind in found:
            found[kind].add(name)
    return {noun: frozenset(names) for noun, names in found.items()}


def troubles(
    documents: Sequence[Document],
    names: Mapping[str, frozenset[str]],
    settable: Mapping[str, bool | None] | None = None,
) -> Iterator[Trouble]:
    """Yield everything that is wrong between documents.

    Args:
        documents: those that fit their schema.
        names: noun to the names of **all** documents there are, good or not, so that one broken document is not reported
            a second time wherever it is used; those of all registers under `register`.
        settable: rules with whether a dataset may set their threshold, None for those that no dataset sets; without any,
            of settings nothing is said.

    Yields:
        Troubles, in the order of the documents; ids of datasets first.
    """
    tasks: Mapping[str, Any] | None = next(
        (found.value["tasks"] for found in documents if found.noun == "project"), None
    )
    taxonomies = {found.name: found for found in documents if found.noun == "taxonomy"}
    sources = {found.name: found for found in documents if found.noun == register.noun("source")}
    explained = {
        (noun, found.name): found for found in documents for noun in [found.noun] if noun in ("guideline", "taxonomy")
    }
    said = {
        found.name: profiles.Said(found.value.get("checks", {}), found.value.get("review", {}))
        for found in documents
        if found.noun == "profile"
    }
    yield from _minted(documents)
    for found in documents:
        if found.noun in _HOME and found.value["name"] != found.name:
            home = _HOME[found.noun].format(found.value["name"])
            yield Trouble(found, "/name", "document.reference", f"says {found.value['name']!r}, so it should be {home}")
        if found.noun == "project":
            yield from _project(found, names, documents)
        elif found.noun == "dataset":
            yield from _dataset(found, tasks)
            yield from _sources(found, names, sources)
            yield from _taken(found, names, said)
            yield from _settings(found, settable) if settable is not None else ()
        elif found.noun == "taxonomy":
            for at, wrong in labels.troubles(found.value):
                yield Trouble(found, at, "document.reference", wrong)
        elif found.noun == "guideline":
            yield from _guideline(found, names, taxonomies)
        elif found.noun == "versions":
            yield from _versions(found, explained)
        elif found.noun == "recipients":
            yield from _recipients(found)
        elif found.noun == "waiver":
            yield from _waivers(found)
        elif found.noun.startswith(register.NOUN):
            for pointer, message in registers.troubles(found.name, found.value, names[register.NOUN]):
                yield Trouble(found, pointer, "document.register", message)
            about = found.value.get("guideline")
            if about is not None and found.value["status"] == "open" and about not in names["guideline"]:
                message = f"there is no guideline {about!r}{_known(names['guideline'])}"
                yield Trouble(found, "/guideline", "document.register", message)


def _minted(documents: Iterable[Document]) -> Iterator[Trouble]:
    """Yield where a dataset has the id of another, as after a folder was copied."""
    owners: dict[str, str] = {}
    for found in documents:
        if found.noun == "dataset" and (other := owners.setdefault(found.value["id"], found.name)) != found.name:
            message = f"is the id of the dataset {other!r} too, so their pseudonyms would be alike; take a new UUID"
            yield Trouble(found, "/id", "document.reference", message)


def _waivers(found: Document) -> Iterator[Trouble]:
    for number, line in enumerate(found.value):
        if not waivers.may(line["rule"]):
            said = f"findings of {line['rule']} are not waived"
            yield Trouble(found, f"/{number}/rule", "document.reference", said)
        if line["expires"] < line["made"]:
            yield Trouble(found, f"/{number}/expires", "document.reference", "is before the day on which it was made")


def _project(found: Document, names: Mapping[str, frozenset[str]], documents: Sequence[Document]) -> Iterator[Trouble]:
    datasets = {one.name: one.value for one in documents if one.noun == "dataset"}
    for pointer, message in milestones.troubles(found.value, datasets, names["dataset"]):
        yield Trouble(found, pointer, "document.reference", message)
    for name, task in found.value["tasks"].items():
        at = f"/tasks/{name}"
        for noun in ("taxonomy", "guideline"):
            used = task.get(noun)
            if used is not None and used not in names[noun]:
                home = _HOME[noun].format(used)
                yield Trouble(
                    found,
                    f"{at}/{noun}",
                    "document.reference",
                    f"there is no {noun} {used!r} ({home}){_known(names[noun])}",
                )
        if "minimum" in task and task["minimum"] > task["maximum"]:
            yield Trouble(found, f"{at}/minimum", "document.reference", "is more than the maximum")
        fields = task.get("fields", ())
        for number, group in enumerate(task.get("groups", ())):
            for field in group:
                if field not in fields:
                    yield Trouble(
                        found, f"{at}/groups/{number}", "document.reference", f"{field!r} is none of the task's fields"
                    )


def _dataset(found: Document, tasks: Mapping[str, Any] | None) -> Iterator[Trouble]:
    for name in found.value["tasks"]:
        if tasks is not None and name not in tasks:
            message = f"labelvc.yaml has no task {name!r}{_known(frozenset(tasks))}"
            yield Trouble(found, f"/tasks/{name}", "document.reference", message)
    said = expression.trouble(found.value.get("group") or "")
    if said:
        yield Trouble(found, "/group", "document.reference", said)
    for number, field in enumerate(found.value.get("sensitive", ())):
        said = _unprotectable(field) or _divided(field, found.value["sensitive"][:number])
        if said:
            yield Trouble(found, f"/sensitive/{number}", "document.reference", said)


def _sources(
    found: Document, names: Mapping[str, frozenset[str]], registered: Mapping[str, Document]
) -> Iterator[Trouble]:
    """Say which sources of a dataset name an entry of the register that is not there, or that says otherwise."""
    for number, source in enumerate(found.value.get("sources", ())):
        entry, at = source.get("register"), f"/sources/{number}"
        if "expires" in source and not registers.is_day(source["expires"]):
            yield Trouble(found, f"{at}/expires", "document.reference", "is no day of the calendar; write 2027-06-30")
        if source.get("export", "allowed") not in ("allowed", "forbidden"):
            yield Trouble(found, f"{at}/export", "document.reference", "is neither allowed nor forbidden")
        if entry is not None and (entry not in names[register.NOUN] or not entry.startswith("source/")):
            home = register.path(entry if entry.startswith("source/") else "source/...")
            yield Trouble(found, f"{at}/register", "document.reference", f"there is no source {entry!r} ({home})")
        elif (
            entry in registered
            and source.get("licence", registered[entry].value["licence"]) != (registered[entry].value["licence"])
        ):
            message = f"is not the licence that {entry} says; leave it out here, and that one holds"
            yield Trouble(found, f"{at}/licence", "document.reference", message)


def _taken(
    found: Document, names: Mapping[str, frozenset[str]], said: Mapping[str, profiles.Said]
) -> Iterator[Trouble]:
    """Say which profiles of a dataset there are not, and where two disagree on what it leaves open."""
    taken = found.value.get("profiles", ())
    for number, name in enumerate(taken):
        if name not in names["profile"]:
            message = f"there is no profile {name!r} ({_HOME['profile'].format(name)}){_known(names['profile'])}"
            yield Trouble(found, f"/profiles/{number}", "document.reference", message)
    own = profiles.Said(found.value.get("checks", {}), {"slices": found.value.get("slices")})
    for dispute in profiles.disputes(own, [(name, said[name]) for name in taken if name in said]):
        cure = {"slices": "say it under slices", "examples": "take one of them", "budget": "take one of them"}
        message = (
            f"{dispute.one!r} and {dispute.other!r} disagree on {dispute.member} of {dispute.rule}; "
            f"{cure.get(dispute.member, 'say it under checks')}"
        )
        yield Trouble(found, "/profiles", "document.reference", message)


def _settings(found: Document, rules: Mapping[str, bool | None]) -> Iterator[Trouble]:
    """Yield settings of rules that would do nothing. A rule that is not known may be a package's, which is asked later."""
    for name, setting in found.value.get("checks", {}).items():
        if rules.get(name, False) is None:
            message = f"{name} judges what no dataset can change; take the line out"
            yield Trouble(found, f"/checks/{name}", "document.reference", message)
        elif rules.get(name) is False and setting.get("threshold") is not None:
            message = f"{name} has no threshold; take it out, or set its severity"
            yield Trouble(found, f"/checks/{name}/threshold", "document.reference", message)


def _unprotectable(field: Mapping[str, Any]) -> str:
    """Say why a field cannot be protected as a dataset asks; empty when it can."""
    first, *rest = jsonpointer.steps(field["pointer"])
    if first == jsonpointer.ANY:
        return "begins with `*`, so it would take item, id and task as well"
    names = not rest and first in ("id", "item")
    if names and (field.get("mode", "keyed") not in ("keyed", "random") or field.get("scope") == "record"):
        return f"/{first} is a name, so it is keyed or random and means the same in the whole dataset"
    if not rest and first in ("gone", "rev", "task", "value", "under"):
        return f"/{first} is what labelvc itself reads, so it cannot be protected as a whole"
    if field["pointer"] == "/by" and field.get("layer", "annotations") == "annotations":
        if "domain" in field:
            return "/by is in the project's domain, by whose tokens the policy knows people; take `domain` out"
        return "" if field.get("mode", "keyed") in ("keyed", "random") else "/by always holds a pseudonym"
    return ""


def _divided(field: Mapping[str, Any], before: Iterable[Mapping[str, Any]]) -> str:
    """Say with which entry before it a field shares a place, or names, and no domain: there a value would have two tokens."""
    for number, other in enumerate(before):
        if field.get("domain") != other.get("domain") and domains.meet(field, other):
            return (
                f"and /sensitive/{number} lead to one place, or to the same names, and say two domains; say one in both"
            )
    return ""


def _recipients(found: Document) -> Iterator[Trouble]:
    people = found.value["people"]
    owners: dict[str, str] = {}
    for person, keys in people.items():
        for number, key in enumerate(keys):
            owner = owners.setdefault(" ".join(key.split()[:2]), person)
            if owner != person:
                message = f"is the key of {owner!r} too; one key is one person's, or one alone could do what needs two"
                yield Trouble(found, f"/people/{person}/{number}", "document.reference", message)
    for name, role in found.value["roles"].items():
        for number, person in enumerate(role["people"]):
            if person not in people:
                message = f"there is nobody {person!r} under people{_known(frozenset(people))}"
                yield Trouble(found, f"/roles/{name}/people/{number}", "document.reference", message)
        if role.get("needs", 1) > len(role["people"]):
            yield Trouble(found, f"/roles/{name}/needs", "document.reference", "is more than there are people")


def _guideline(
    found: Document, names: Mapping[str, frozenset[str]], taxonomies: Mapping[str, Document]
) -> Iterator[Trouble]:
    used = found.value.get("taxonomy")
    if used is None:
        return
    if used not in names["taxonomy"]:
        message = f"there is no taxonomy {used!r} ({_HOME['taxonomy'].format(used)}){_known(names['taxonomy'])}"
        yield Trouble(found, "/taxonomy", "document.reference", message)
    if used in taxonomies:
        known = {label["id"] for label in taxonomies[used].value["labels"]}
        for at, label in _taught(found.value["labels"]):
            if label not in known:
                yield Trouble(
                    found, at, "document.reference", f"the taxonomy {used!r} has no label {labels.short(label)}"
                )


def _taught(labels: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every label a guideline names, with its place: those it explains and those of its examples."""
    for label, blocks in labels.items():
        at = f"/labels/{jsonpointer.escaped(label)}"
        yield at, label
        for name in ("examples", "counterexamples", "edge_cases"):
            for number, example in enumerate(blocks.get(name, ())):
                if isinstance(example, dict) and "label" in example:
                    yield f"{at}/{name}/{number}/label", example["label"]


def _versions(found: Document, explained: Mapping[tuple[str, str], Document]) -> Iterator[Trouble]:
    """Say when a published version's document was edited afterwards: records made under it would mean something else."""
    noun, _, name = found.name.partition("/")
    seen: set[str] = set()
    last = ""
    current = explained.get((noun, name))
    for number, line in enumerate(found.value):
        if line["version"] in seen:
            yield Trouble(
                found, f"/{number}/version", "document.reference", f"the version {line['version']} is published twice"
            )
        elif last and semver.precedes(line["version"], last):
            message = f"version {line['version']} comes before {last}, which was published before it"
            yield Trouble(found, f"/{number}/version", "document.version", message)
        seen.add(line["version"])
        last = max(last, line["version"], key=semver.rank) if last else line["version"]
        if (
            current
            and line["version"] == current.value["version"]
            and line["digest"] != canonical.digest(canonical.encode(current.value))
        ):
            message = f"version {line['version']} was published with other content; give the change a new version"
            yield Trouble(current, "/version", "document.version", message)
    if current and last and semver.precedes(current.value["version"], last):
        message = (
            f"version {current.value['version']} comes before {last}, which is published; a version never goes back"
        )
        yield Trouble(current, "/version", "document.version", message)


def _known(names: frozenset[str]) -> str:
    return f"; there is {', '.join(sorted(names)[:8])}" if names else ""
