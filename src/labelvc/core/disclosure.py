"""What a published dataset should say of itself, where a project says it, and what it leaves open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple


class Topic(NamedTuple):
    """A question that who takes the data over asks.

    Attributes:
        about: the question, in a few words.
        names: members of `governance` in labelvc.yaml that answer it, the first to write, the others read as well.
    """

    about: str
    names: tuple[str, ...]


TOPICS: Mapping[str, Topic] = {
    "creators": Topic("who made the dataset", ("creators", "creator", "authors")),
    "publisher": Topic("who publishes it", ("publisher",)),
    "funding": Topic("who paid for it", ("funding",)),
    "licence": Topic("the licence of the data", ("licence", "license")),
    "contact": Topic("whom to ask", ("contact", "owner")),
    "url": Topic("where it is published", ("url", "homepage")),
    "citation": Topic("how to cite it", ("citation",)),
    "collection": Topic("how the items were collected", ("collection",)),
    "consent": Topic("consent or another legal basis", ("consent", "legal_basis", "legal-basis")),
    "annotators": Topic("who the annotators are, and how they are paid", ("annotators",)),
    "uses": Topic("what it may be used for", ("uses",)),
    "limitations": Topic("known limitations", ("limitations",)),
    "biases": Topic("known biases", ("biases",)),
    "maintenance": Topic("how it is kept up", ("maintenance", "retention")),
}
"""The questions of Datasheets for Datasets (Gebru et al.) and of Croissant RAI 1.0 that no record can answer."""


_PLACEHOLDER = re.compile("replace[-_ ]me", re.IGNORECASE)
"""What stands in the templates of `labelvc init` where nobody has written anything yet."""


class Gap(NamedTuple):
    """Something that nobody wrote down: what, and where to write it."""

    topic: str
    about: str
    where: str


def said(project: Any, topic: str) -> tuple[str, ...]:
    """Return what the governance of a project says of a topic; empty when nothing, or when it says to replace it.

    Args:
        project: what labelvc.yaml says, be it of the shape that its schema asks for or of any other.
        topic: one of `TOPICS`.
    """
    governance = project.get("governance") if isinstance(project, Mapping) else None
    if not isinstance(governance, Mapping):
        return ()
    for name in TOPICS[topic].names:
        if name in governance:
            value = governance[name]
            words = value if isinstance(value, list) else [value]
            return tuple([word for word in words if isinstance(word, str) and not _PLACEHOLDER.search(word)])
    return ()


def sources(listed: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Return the sources that somebody described: one that says anywhere to replace it is not of this dataset.

    Args:
        listed: what dataset.yaml lists.
    """
    return [source for source in listed if filled(source) == source]


def filled(source: Mapping[str, str]) -> dict[str, str]:
    """Return what somebody wrote of a source, without the members that still say to be replaced."""
    return {name: said for name, said in source.items() if not _PLACEHOLDER.search(said)}


def licences(project: Any, described: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """Return the licences of the data: the project's, else those of the described sources of its datasets, each once."""
    found = said(project, "licence")
    return found or tuple(dict.fromkeys(source["licence"] for source in described if source.get("licence")))


def gaps(project: Mapping[str, Any], described: Sequence[Mapping[str, str]]) -> Iterator[Gap]:
    """Yield the topics of which neither the project nor, of licences and collection, a described source says anything."""
    for name, topic in TOPICS.items():
        told = licences(project, described) if name == "licence" else said(project, name)
        if told or (name == "collection" and described):
            continue
        where = f"governance.{topic.names[0]} in labelvc.yaml"
        if name in {"licence", "collection"}:
            where += ", or sources in dataset.yaml"
        yield Gap(name, topic.about, where)
