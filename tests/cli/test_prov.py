"""`trace --format prov`: PROV-JSON that the `prov` package reads, holds to the rules, and writes again the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from prov.model import (
    ProvActivity,
    ProvAgent,
    ProvAssociation,
    ProvAttribution,
    ProvDerivation,
    ProvDocument,
    ProvEntity,
    ProvGeneration,
    ProvInvalidation,
    ProvUsage,
)

from tests.ops.test_trace import integrate, sound
from tests.oracles import prov_constraints
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys
from tests.zoo import ANNA, BEN, PLAIN, Zoo, rating, zoo, zoo_template

__all__ = ["desk", "desk_template", "people_keys", "sound", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
Parts = dict[str, dict[str, dict[str, Any]]]
"""PROV-JSON: statements by their kind."""
KEY = "pets/p2#m1"


def read(labelvc: Run, zoo: Zoo, key: str) -> tuple[ProvDocument, str]:
    code, out, err = labelvc(zoo.folder, "trace", key, "--format", "prov")
    assert code == 0, err
    return ProvDocument.deserialize(content=out, format="json"), out


def named(document: ProvDocument, kind: type) -> set[str]:
    return {str(one.identifier) for one in document.get_records(kind)}


def hold(document: ProvDocument) -> None:
    """Hold a document to what PROV-CONSTRAINTS asks of such statements."""
    entities, activities, agents = (named(document, kind) for kind in (ProvEntity, ProvActivity, ProvAgent))
    assert not entities & activities  # 54, 55: nothing is both
    assert not activities & agents
    made = [tuple(map(str, one.args[:2])) for one in document.get_records(ProvGeneration)]
    assert len({entity for entity, _ in made}) == len(made)  # 24: one generation
    gone = [tuple(map(str, one.args[:2])) for one in document.get_records(ProvInvalidation)]
    assert len({entity for entity, _ in gone}) == len(gone)  # 25: one invalidation
    for kind, ends in (
        (ProvGeneration, (entities, activities)),
        (ProvInvalidation, (entities, activities)),
        (ProvUsage, (activities, entities)),
        (ProvAttribution, (entities, agents)),
        (ProvAssociation, (activities, agents)),
        (ProvDerivation, (entities, entities)),
    ):
        for one in document.get_records(kind):
            for end, known in zip(one.args, ends, strict=False):
                assert str(end) in known, one
    born = dict(made)
    for one in document.get_records(ProvDerivation):
        new, old, activity = map(str, one.args[:3])
        assert born[new] == activity
        assert born[old] != activity


def test_a_life_is_a_chain_of_revisions(zoo: Zoo, labelvc: Run):
    zoo.change(KEY, value={"score": 3}, by=BEN, origin={"tool": "a form: v 2", "model": "rater/7"})
    zoo.commit("Three", "Ben")
    zoo.git("checkout", "-q", "-b", "topic")
    zoo.bury(KEY)
    zoo.commit("Delete", "Cleo")
    zoo.put(KEY, rating("p2", -1, BEN, rev=4))
    zoo.commit("Again", "Cleo")
    zoo.git("checkout", "-q", "main")
    zoo.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    document, out = read(labelvc, zoo, KEY)
    hold(document)
    assert len(list(document.get_records(ProvGeneration))) == 3
    assert len(list(document.get_records(ProvInvalidation))) == 1
    (derived,) = document.get_records(ProvDerivation)
    assert "prov:Revision" in {str(value) for value in derived.get_asserted_types()}
    commits = zoo.git("rev-list", "HEAD").split()
    assert named(document, ProvActivity) == {f"commit:{commit}" for commit in commits}
    assert named(document, ProvAgent) == {
        f"who:{ANNA}",
        f"who:{BEN}",
        "software:a%20form%3A%20v%202",
        "software:rater/7",
    }
    assert "Cleo" not in out
    assert "@example.com" not in out


def test_what_a_merge_dropped_is_told(zoo: Zoo, labelvc: Run):
    """Once it is another value, and once a deletion, which takes nothing away."""
    zoo.git("checkout", "-q", "-b", "topic")
    zoo.change(KEY, value={"score": 3})
    changed = zoo.commit("Three", "Ben")
    zoo.bury(KEY)
    buried = zoo.commit("Delete", "Cleo")
    zoo.git("checkout", "-q", "main")
    zoo.git("merge", "-q", "-s", "ours", "--no-edit", "-m", "Takes nothing", "topic")
    merge = zoo.git("rev-parse", "HEAD")
    document, out = read(labelvc, zoo, KEY)
    hold(document)
    parts = json.loads(out)
    (gone,) = parts["wasInvalidatedBy"].values()
    assert (gone["prov:entity"].rpartition(".")[2], gone["prov:activity"]) == (changed[:12], f"commit:{merge}")
    assert [
        (one["prov:informed"], one["prov:informant"], one.get("lvc:dropped")) for one in parts["wasInformedBy"].values()
    ] == [(f"commit:{merge}", f"commit:{commit}", KEY) for commit in (changed, buried)]


def test_what_both_sides_deleted_is_taken_away_once(zoo: Zoo, labelvc: Run):
    for branch in ("one", "two"):
        zoo.git("checkout", "-q", "-b", branch, "main")
        zoo.bury(KEY)
        zoo.commit(f"Delete on {branch}", "Cleo")
    zoo.git("merge", "-q", "--no-edit", "one")
    document, _ = read(labelvc, zoo, KEY)
    hold(document)
    assert len(list(document.get_records(ProvInvalidation))) == 1


def test_it_comes_back_the_same(zoo: Zoo, labelvc: Run):
    for key in (KEY, "pets/p2#", "pets/p1#n1", "pets/p1#w1", "pictures/b.jpg#x1"):
        document, out = read(labelvc, zoo, key)
        hold(document)
        again = document.serialize(format="json")
        assert ProvDocument.deserialize(content=again, format="json") == document
        assert json.loads(again)["entity"].keys() == json.loads(out)["entity"].keys()


@pytest.mark.parametrize("item", ["a#b", "ä/ö ü", 'q"u:o(t)e', "%41"])
def test_names_of_all_kinds(zoo: Zoo, labelvc: Run, item: str):
    zoo.put(f"pets/{item}#", {"id": item, "natural": {"word": item}})
    zoo.put(f"pets/{item}#m1", rating(item))
    zoo.commit("Odd")
    document, _ = read(labelvc, zoo, f"pets/{item}#m1")
    hold(document)
    (entity,) = [one for one in document.get_records(ProvEntity) if "record:" in str(one.identifier)]
    assert entity.label == f"pets/{item}#m1"


def test_a_plain_value_is_no_agent(zoo: Zoo, labelvc: Run):
    zoo.change(KEY, by=PLAIN)
    zoo.commit("Plain")
    document, out = read(labelvc, zoo, KEY)
    hold(document)
    assert PLAIN not in out


def test_a_release_is_a_collection_that_holds_the_present_version(sound: Desk, labelvc: Run):
    integrate(sound)
    assert sound.labelvc("release", "cut", "1.0.0", "--unapproved", "--yes", "--key", sound.key("ada"))[0] == 0
    sound.commit("Release")
    document, out = read(labelvc, Zoo(sound.folder), "reviews/rev-1#r1")
    hold(document)
    (member,) = json.loads(out)["hadMember"].values()
    assert member == {"prov:collection": "release:1.0.0", "prov:entity": versions(json.loads(out))[-1]}


def test_a_statement_is_an_activity_of_its_principal(sound: Desk, labelvc: Run):
    sound.approve("ben")
    integrate(sound)
    document, out = read(labelvc, Zoo(sound.folder), "reviews/rev-1#r1")
    hold(document)
    assert "principal:ben" in named(document, ProvAgent)
    (said,) = [one for one in document.get_records(ProvActivity) if str(one.identifier).startswith("statement:")]
    assert '"lvc:decision": "approve"' in out
    assert said.get_endTime() is not None


def brought(zoo: Zoo, labelvc: Run) -> str:
    """Bring a record in by an import, let people, a model and merges at it, and return its key."""
    key = "pets/new#m1"
    zoo.begin_pseudonyms()
    path = zoo.folder.parent / "in.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ({"id": "new", "text": "t"}, rating("new", by="anna"))))
    code, _, err = labelvc(zoo.folder, "import", "jsonl", str(path), "--dataset", "pets", "--task", "mood")
    assert code == 0, err
    zoo.commit("Import")
    zoo.change(key, value={"score": 2}, by=BEN, origin={"tool": "a form: v 2", "model": "rater/7"})
    zoo.commit("Two", "Ben")
    zoo.git("checkout", "-q", "-b", "topic")
    zoo.change(key, value={"score": 3})
    zoo.commit("Three", "Ben")
    zoo.git("checkout", "-q", "-b", "lost", "main")
    zoo.change(key, value={"score": 4})
    zoo.commit("Four", "Ben")
    zoo.git("checkout", "-q", "main")
    zoo.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    zoo.git("merge", "-q", "-s", "ours", "--no-edit", "-m", "Takes nothing", "lost")
    zoo.bury(key)
    zoo.commit("Delete", "Cleo")
    return key


def used_before_it_was_made(parts: Parts) -> None:
    """The first version's commit used the last one, and revised it."""
    first, *_, last = versions(parts)
    (maker,) = [one["prov:activity"] for one in parts["wasGeneratedBy"].values() if one["prov:entity"] == first]
    parts["used"]["_:more"] = {"prov:activity": maker, "prov:entity": last}
    parts["wasDerivedFrom"]["_:more"] = {"prov:generatedEntity": first, "prov:usedEntity": last, "prov:activity": maker}


def revised_from_itself(parts: Parts) -> None:
    derived = any_of(parts, "wasDerivedFrom")
    derived["prov:usedEntity"] = derived["prov:generatedEntity"]


def made_twice(parts: Parts) -> None:
    parts["wasGeneratedBy"]["_:more"] = any_of(parts, "wasGeneratedBy") | {"prov:time": "2020-01-01T00:00:00+00:00"}


def taken_away_twice(parts: Parts) -> None:
    parts["wasInvalidatedBy"]["_:more"] = any_of(parts, "wasInvalidatedBy") | {"prov:time": "2020-01-01T00:00:00Z"}


def ended_twice(parts: Parts) -> None:
    ended = {"prov:activity": next(iter(parts["activity"])), "prov:time": "2020-01-01T00:00:00+00:00"}
    parts["wasEndedBy"] = {"_:more": ended}


def a_commit_of_no_right_type(parts: Parts) -> None:
    name = next(iter(parts["activity"]))
    parts["entity"][name] = parts["activity"].pop(name)
    parts["entity"][name].pop("prov:endTime")


def an_entity_made_an_activity(parts: Parts) -> None:
    made = any_of(parts, "wasGeneratedBy")
    made["prov:entity"], made["prov:activity"] = made["prov:activity"], made["prov:entity"]


def told_of_its_maker_alone(parts: Parts) -> None:
    """A revision that names the act of using what it revised, and no act at all."""
    derived = any_of(parts, "wasDerivedFrom")
    del derived["prov:activity"]
    derived["prov:usage"] = "lvc:use"


SPOILS = (
    used_before_it_was_made,
    revised_from_itself,
    made_twice,
    taken_away_twice,
    ended_twice,
    a_commit_of_no_right_type,
    an_entity_made_an_activity,
    told_of_its_maker_alone,
)


def versions(parts: Parts) -> list[str]:
    return [name for name in parts["entity"] if name.startswith("record:")]


def any_of(parts: Parts, kind: str) -> dict[str, Any]:
    return next(iter(parts[kind].values()))


def test_a_checker_by_somebody_else_finds_a_life_valid_and_none_that_is_spoilt(zoo: Zoo, labelvc: Run):
    """Each spoil is one that PROV-CONSTRAINTS forbids, so that the checker cannot agree to everything."""
    prov_constraints.program()
    document, out = read(labelvc, zoo, brought(zoo, labelvc))
    hold(document)
    assert len(versions(json.loads(out))) == 4
    assert prov_constraints.valid(document)
    for spoil in SPOILS:
        parts = json.loads(out)
        spoil(parts)
        spoilt = ProvDocument.deserialize(content=json.dumps(parts), format="json")
        assert not prov_constraints.valid(spoilt), spoil.__name__


def test_a_checker_by_somebody_else_finds_statements_and_releases_valid(sound: Desk, labelvc: Run):
    prov_constraints.program()
    sound.approve("ben")
    integrate(sound)
    assert sound.labelvc("release", "cut", "1.0.0", "--unapproved", "--yes", "--key", sound.key("ada"))[0] == 0
    sound.commit("Release")
    document, out = read(labelvc, Zoo(sound.folder), "reviews/rev-1#r1")
    assert '"statement:' in out
    assert '"release:' in out
    assert prov_constraints.valid(document)
    (member,) = json.loads(out)["hadMember"].values()
    parts = json.loads(out)
    parts["entity"][member["prov:collection"]]["prov:type"] = {
        "$": "prov:EmptyCollection",
        "type": "prov:QUALIFIED_NAME",
    }
    assert not prov_constraints.valid(ProvDocument.deserialize(content=json.dumps(parts), format="json"))
