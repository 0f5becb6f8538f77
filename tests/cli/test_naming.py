"""A key that names nothing: `diff --key`, `trace` and `blame` say so and what it may have meant."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
WRITTEN = "a record is dataset/item#id, an item dataset/item, a dataset its name and a document its path"


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("pets/p1#m3", "pets/p1#m2, pets/p1#m1?"),
        ("pets/p11", "pets/p1"),
        ("pets/P1#m1", "pets/p1#m1"),
        ("p1#m1", "pets/p1#m1"),
        ("p1", "pets/p1"),
        ("pts/p1#m1", "pets/p1#m1"),
        ("pest", "pets"),
        ("labelvc.yml", "labelvc.yaml"),
        ("taxonomies/animal.yaml", "taxonomies/animals.yaml"),
        ("datasets/pets", "pets"),
        ("pets/", "pets"),
    ],
)
def test_a_diff_of_a_key_that_is_nowhere_names_what_it_may_have_meant(zoo: Zoo, labelvc: Run, key: str, hint: str):
    zoo.change("pets/p2#m1", value={"score": 3})
    code, out, err = labelvc(zoo.folder, "diff", "--key", key)
    assert (code, out) == (2, "")
    first, *rest = err.splitlines()
    assert first == f"error: {key!r} is nothing in HEAD or the work tree"
    assert rest[0].startswith(f"  next: did you mean {hint}")


@pytest.mark.parametrize("key", ["zzz", "", "#", "/", "zzz/zzz#zzz", "datasets/pets/annotations/00.jsonl", "\udcff"])
def test_where_nothing_comes_near_it_says_how_keys_are_written(zoo: Zoo, labelvc: Run, key: str):
    code, out, err = labelvc(zoo.folder, "diff", "--key", key, "--format", "jsonl")
    assert code == 2
    assert '"error"' in out
    assert f"next: {WRITTEN}" in err


@pytest.mark.parametrize(
    "key", ["pets", "pets/p2", "pets/p2#", "pets/p2#m1", "labelvc.yaml", "taxonomies/animals.yaml", "pictures/b.jpg#x1"]
)
@pytest.mark.parametrize("revisions", [[], ["--staged"], ["HEAD..HEAD"]])
def test_a_key_that_is_there_and_did_not_change_is_no_error(zoo: Zoo, labelvc: Run, key: str, revisions: list[str]):
    assert labelvc(zoo.folder, "diff", *revisions, "--key", key)[:2] == (0, "")


def test_one_side_is_enough_and_every_key_is_asked(zoo: Zoo, labelvc: Run):
    zoo.bury("pets/p1#m2")
    zoo.put("pets/p4#n7", b'{"item":"p4","id":"n7","rev":1,"task":"note","value":{"text":"new"}}')
    assert labelvc(zoo.folder, "diff", "--key", "pets/p4#n7")[0] == 0
    zoo.commit("Both")
    assert labelvc(zoo.folder, "diff", "HEAD~1..HEAD", "--key", "pets/p1#m2")[0] == 0
    code, _, err = labelvc(zoo.folder, "diff", "HEAD~1..HEAD~1", "--key", "pets/p1#m2", "--key", "pets/p4#n7")
    assert (code, err.splitlines()[0]) == (2, "error: 'pets/p4#n7' is nothing in HEAD~1 or HEAD~1")


def test_a_broken_document_does_not_hide_a_key(zoo: Zoo, labelvc: Run):
    zoo.write("datasets/pets/dataset.yaml", "shards: [")
    assert labelvc(zoo.folder, "diff", "--key", "pets/p2#m1")[0] == 0
    code, _, err = labelvc(zoo.folder, "diff", "--key", "pets/p2#m9")
    assert (code, err.splitlines()[0]) == (2, "error: 'pets/p2#m9' is nothing in HEAD or the work tree")


@pytest.mark.parametrize(
    ("key", "said", "hint"),
    [
        ("pets/p1#m3", "no commit up to HEAD ever held pets/p1#m3", "did you mean pets/p1#m2, pets/p1#m1?"),
        ("pets/P1#m1", "no commit up to HEAD ever held pets/P1#m1", "did you mean pets/p1#m1"),
        ("pets/zzz#m1", "no commit up to HEAD ever held pets/zzz#m1", WRITTEN),
        ("pets/p1", "'pets/p1' is not a key", "did you mean pets/p1#k1, pets/p1#l1, pets/p1#m1?"),
        ("p1#m1", "'p1#m1' is not a key", "did you mean pets/p1#m1"),
        ("pets", "'pets' is not a key", "write dataset/item#id"),
        ("labelvc.yaml", "'labelvc.yaml' is not a key", "write dataset/item#id"),
    ],
)
def test_trace_too(zoo: Zoo, labelvc: Run, key: str, said: str, hint: str):
    code, out, err = labelvc(zoo.folder, "trace", key)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {said}\n")
    assert f"  next: {hint}" in err


@pytest.mark.parametrize(
    ("key", "said", "hint"),
    [
        ("pets/p11", "pets/p11 has no records at HEAD", "did you mean pets/p1"),
        ("p1", "there is no dataset 'p1'", "did you mean pets/p1"),
        ("pets/zzz", "pets/zzz has no records at HEAD", WRITTEN),
    ],
)
def test_and_blame(zoo: Zoo, labelvc: Run, key: str, said: str, hint: str):
    code, out, err = labelvc(zoo.folder, "blame", key)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {said}\n")
    assert f"  next: {hint}" in err
