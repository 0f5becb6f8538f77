"""Domains: one answer to the question in which domain the tokens of a place are."""

from __future__ import annotations

import pytest

from labelvc.core import domains
from labelvc.core.domains import Domains
from labelvc.model.names import Layer
from labelvc.model.project import Sensitive

FIELDS = Domains(
    "main",
    {
        "pets": (
            Sensitive("/ext/owner", layer="items", domain="clinic"),
            Sensitive("/ext/people/*/mail", "email", domain="post"),
            Sensitive("/text", mode="redact", layer="items", domain="texts"),
            Sensitive("/id", layer="items", domain="names"),
            Sensitive("/ext/plain"),
        ),
        "toys": (Sensitive("/value/text", mode="redact", domain="own"),),
    },
)


@pytest.mark.parametrize(
    ("dataset", "layer", "pointer", "domain"),
    [
        ("pets", "items", "/ext/owner", "clinic"),
        ("pets", "annotations", "/ext/owner", "main"),
        ("toys", "items", "/ext/owner", "main"),
        ("none", "items", "/ext/owner", "main"),
        ("pets", "annotations", "/ext/people/3/mail", "post"),
        ("pets", "annotations", "/ext/people/*/mail", "post"),
        ("pets", "annotations", "/ext/people/3/mailbox", "main"),
        ("pets", "annotations", "/by", "main"),
        ("pets", "annotations", "/ext/plain", "main"),
        ("pets", "items", "/text", "texts"),
        ("pets", "annotations", "/value/text", "texts"),
        ("pets", "annotations", "/item", "names"),
        ("toys", "annotations", "/value/text", "own"),
        ("toys", "annotations", "/item", "main"),
    ],
)
def test_a_place_is_in_the_domain_of_its_field(dataset: str, layer: Layer, pointer: str, domain: str):
    assert FIELDS.of(dataset, layer, pointer) == domain


def test_the_names_begin_with_that_of_the_project():
    assert FIELDS.names == ("main", "clinic", "names", "own", "post", "texts")


@pytest.mark.parametrize(
    ("one", "other", "met"),
    [
        ("/ext/a", "/ext/a", True),
        ("/ext/a", "/ext/b", False),
        ("/ext/*", "/ext/b", True),
        ("/ext/a", "/ext/a/b", True),
        ("/ext/a/*/c", "/ext/a/b/d", False),
        ("/ext/a", "/value/a", False),
    ],
)
def test_two_entries_meet_where_one_may_lead_to_or_into_the_place_of_the_other(one: str, other: str, met: bool):
    pair = {"pointer": one}, {"pointer": other}
    assert domains.meet(*pair) is domains.meet(*reversed(pair)) is met
    assert not domains.meet(pair[0], {"pointer": one, "layer": "items"})
