"""Label lists keep what they say they keep, and rdflib reads the same triples that we write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import rdflib
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdflib.namespace import DCTERMS, OWL, RDF, SKOS

from labelvc.errors import DataError
from labelvc.formats import labels, skos

TEXTS = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=8)  # fmt: skip


@st.composite
def taxonomies(draw):
    ids = draw(st.lists(TEXTS, min_size=1, max_size=5, unique_by=str.casefold))
    rows = []
    for at, name in enumerate(ids):
        row = {"id": name, "name": f"Name of {name}"}
        if at and draw(st.booleans()):
            row["parent"] = ids[draw(st.integers(0, at - 1))]
        if draw(st.booleans()):
            row["description"] = draw(TEXTS)
        if draw(st.booleans()):
            row["aliases"] = [f"also {name.replace('|', '/')}"]
        if draw(st.booleans()):
            row["status"] = "deprecated"
        rows.append(row)
    return {"name": "t", "version": "1.2.0", "title": "A & B", "labels": rows}


def back(kind: str, value, folder: Path):
    path = folder / "list"
    path.write_bytes(labels.form(kind).write(value))
    return labels.form(kind).read(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(taxonomies())
def test_skos_and_csv_come_back_whole(tmp_path, value):
    assert back("skos", value, tmp_path) == {name: said for name, said in value.items() if name != "name"}
    assert back("csv", value, tmp_path)["labels"] == value["labels"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(taxonomies())
def test_rdflib_reads_what_we_write_and_we_read_what_rdflib_writes(tmp_path, value):
    graph = rdflib.Graph().parse(data=skos.write(value), format="xml")
    (scheme,) = graph.subjects(RDF.type, SKOS.ConceptScheme)
    assert str(graph.value(scheme, DCTERMS.title)) == "A & B"
    notation = {concept: str(graph.value(concept, SKOS.notation)) for concept in graph.subjects(RDF.type, SKOS.Concept)}
    for row in value["labels"]:
        (concept,) = [found for found, name in notation.items() if name == row["id"]]
        assert str(graph.value(concept, SKOS.prefLabel)) == row["name"]
        assert notation.get(graph.value(concept, SKOS.broader)) == row.get("parent")
        assert [str(name) for name in graph.objects(concept, SKOS.altLabel)] == row.get("aliases", [])
        assert (graph.value(concept, OWL.deprecated) is not None) == ("status" in row)
    for form in ("xml", "pretty-xml"):
        path = tmp_path / "other.rdf"
        path.write_bytes(graph.serialize(format=form).encode())
        told = skos.read(path)
        assert sorted(told["labels"], key=str) == sorted(value["labels"], key=str)
        assert told["version"] == "1.2.0"


OTHER = """<?xml version="1.0"?>
<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://www.w3.org/2004/02/skos/core#" xml:lang="de">
  <r:Description r:about="http://example.org/thing/cat">
    <r:type r:resource="http://www.w3.org/2004/02/skos/core#Concept"/>
    <prefLabel>Katze</prefLabel><prefLabel xml:lang="en">Cat</prefLabel>
    <broader><Concept r:about="http://example.org/thing/animal" prefLabel="Tier"/></broader>
  </r:Description>
</r:RDF>
"""


def test_skos_of_another_tool(tmp_path):
    path = tmp_path / "other.rdf"
    path.write_text(OTHER)
    assert skos.read(path)["labels"] == [
        {"id": "cat", "name": "Cat", "parent": "animal", "aliases": ["Katze"]},
        {"id": "animal", "name": "Tier"},
    ]


def test_categories_of_coco_keep_numbers_and_supercategories(tmp_path):
    path = tmp_path / "instances.json"
    rows = [
        {"id": 7, "name": "person", "supercategory": "person"},
        {"id": 3, "name": "cat", "supercategory": "animal"},
        {"id": 0, "name": "dog", "supercategory": "animal"},
    ]
    path.write_text(json.dumps({"images": [], "categories": rows}))
    said = labels.form("coco").read(path)
    assert [(row["id"], row.get("parent")) for row in said["labels"]] == [
        ("animal", None),
        ("person", None),
        ("cat", "animal"),
        ("dog", "animal"),
    ]
    assert json.loads(labels.form("coco").write(said))["categories"] == rows
    fresh = {"labels": [*said["labels"], {"id": "x", "name": "X"}, {"id": "y", "name": "Y", "status": "deprecated"}]}
    assert json.loads(labels.form("coco").write(fresh))["categories"][3:] == [
        {"id": 1, "name": "X", "supercategory": "X"}
    ]


def test_relations_lie_under_their_type(tmp_path):
    path = tmp_path / "deprel.en"
    path.write_text("# English\nacl\nacl:relcl\nnsubj:pass\n\n")
    said = labels.form("conllu").read(path)
    assert said["labels"] == [
        {"id": "acl", "name": "acl"},
        {"id": "acl:relcl", "name": "acl:relcl", "parent": "acl"},
        {"id": "nsubj:pass", "name": "nsubj:pass"},
    ]
    assert labels.form("conllu").write(said) == b"acl\nacl:relcl\nnsubj:pass\n"


def test_what_is_lost_is_told():
    value = {
        "labels": [{"id": "a", "name": "A", "aliases": ["b"], "attributes": {"c": 1}}, {"id": "d", "name": "d"}],
        "lineage": [{}],
        "title": "T",
    }
    told = "aliases of 1 label; attributes of 1 label; ids of 1 label whose name is another; the taxonomy's title; the taxonomy's lineage"
    assert "; ".join(labels.lost("voc", value)) == told
    assert list(labels.lost("skos", value)) == ["attributes of 1 label", "the taxonomy's lineage"]


@pytest.mark.parametrize(
    ("kind", "content", "word"),
    [
        ("skos", "<a>", "XML"),
        ("skos", "<a/>", "RDF/XML"),
        ("skos", OTHER.replace("Concept", "Thing"), "holds no skos:Concept"),
        ("skos", OTHER.replace('prefLabel="Tier"', ""), "has no skos:prefLabel"),
        ("skos", "<!DOCTYPE r [<!ENTITY a 'b'>]><r/>", "document type"),
        ("csv", "a,b\n1,2\n", "needs a column id or name"),
        ("csv", "id,attributes\n1,{\n", "attributes"),
        ("coco", "{}", "has no list `categories`"),
        ("coco", "{", "JSON"),
        ("voc", b"\xff", "UTF-8"),
    ],
)
def test_bad_lists_are_refused(tmp_path, kind, content, word):
    path = tmp_path / "list"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError) as refused:
        labels.form(kind).read(path)
    assert word in str(refused.value.message)
