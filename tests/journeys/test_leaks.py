"""A plain value where a pseudonym must stand is in no word that any command prints, whatever else is wrong with its line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.zoo import ANNA, BEN, CONTACT, Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
NAME = "Zorro Secret"
K1, P1 = "pets/p1#k1", "pets/p1#"
COMMANDS = [
    ("check", "--all"),
    ("check",),
    ("check", "--all", "--format", "json"),
    ("check", "--format", "jsonl"),
    ("diff",),
    ("diff", "--stat"),
    ("diff", "--format", "json"),
    ("diff", "--format", "jsonl"),
    ("diff", "--key", "pets/p1"),
    ("diff", "--format", "markdown", "--by", "annotator", "--by", "label"),
    ("diff", "--format", "html", "--by", "slice", "--by", "field"),
    ("diff", "--by", "annotator", "--by", "label", "--by", "field", "--by", "slice"),
    ("diff", "--label", "*->*", "--sample", "9"),
    ("status",),
    ("doctor",),
    ("blame", "pets/p1"),
    ("blame", "pets/p1", "--format", "json"),
    ("trace", K1),
    ("trace", P1),
    ("trace", K1, "--format", "json"),
    ("format",),
    ("import", "jsonl", "../own.jsonl", "-D", "pets", "--task", "kind", "--dry-run", "--mode", "replace"),
    ("import", "jsonl", "../own.jsonl", "-D", "pets", "--task", "kind", "--dry-run", "--format", "json"),
]
COMMITTED = [
    ("check", "HEAD~1..HEAD"),
    ("diff", "HEAD~1..HEAD"),
    ("diff", "HEAD..HEAD~1", "--format", "json"),
    ("diff", "HEAD~1..HEAD", "--format", "jsonl"),
]
EDITS: dict[str, tuple[str, str, str]] = {
    "the annotator": (K1, ANNA, NAME),
    "a declared field of a record": (K1, CONTACT, NAME),
    "a declared field of an item": (P1, BEN, NAME),
    "in a list": (K1, f'"{CONTACT}"', f'["{NAME}"]'),
    "in an object": (K1, f'"{CONTACT}"', f'{{"{NAME}":"{NAME}"}}'),
    "a name twice": (K1, f'"{CONTACT}"', f'{{"{NAME}":1,"{NAME}":2}}'),
    "no JSON": (K1, f'"{ANNA}"', f'"{NAME}",'),
    "not UTF-8": (K1, ANNA, f"{NAME}\udcff"),
    "half a character": (K1, ANNA, f"{NAME}\\ud800"),
    "a deep nest": (K1, f'"{ANNA}"', f'"{NAME}","a":{"[" * 2000}{"]" * 2000}'),
}


def silent(zoo: Zoo, labelvc: Callable[..., tuple[int, str, str]], commands: list[tuple[str, ...]]) -> None:
    for words in commands:
        code, out, err = labelvc(zoo.folder, *words)
        assert code in (0, 1, 2), (words, code, out, err)
        assert "zorro" not in (out + err).casefold(), (words, out, err)


@pytest.mark.parametrize("edit", EDITS)
def test_no_command_prints_a_plain_value(zoo: Zoo, labelvc: Callable[..., tuple[int, str, str]], edit: str):
    key, old, new = EDITS[edit]
    (zoo.folder.parent / "own.jsonl").write_text('{"item":"p1","id":"k1","task":"kind","value":{"label":"dog"}}\n')
    path = zoo.shard(key)
    data = zoo.read(path)
    assert old.encode() in data
    zoo.write(path, data.replace(old.encode(), new.encode("utf-8", "surrogateescape"), 1))
    silent(zoo, labelvc, COMMANDS)
    zoo.write(path, data.replace(old.encode(), new.encode("utf-8", "surrogateescape"), 1))
    zoo.commit("A slip")
    silent(zoo, labelvc, COMMITTED)
    zoo.write(path, data)
    silent(zoo, labelvc, [words for words in COMMANDS if words[0] not in ("check", "doctor", "status")])


def test_a_diff_still_tells_that_and_where_it_changed(zoo: Zoo, labelvc: Callable[..., tuple[int, str, str]]):
    zoo.change(K1, ext={"contact": NAME, "note": "bold"})
    zoo.replace("labelvc.yaml", "goal:", "gaol:")  # a project that cannot be read hides no less
    _, out, _ = labelvc(zoo.folder, "diff", "--key", K1)
    assert out == (f"~ {K1}  /ext/contact {CONTACT} -> (a plain value, not shown); /ext/note shy -> bold\n")


@pytest.mark.parametrize("declared", ["on both sides", "on theirs alone"])
def test_a_conflict_prints_no_plain_value(zoo: Zoo, labelvc: Callable[..., tuple[int, str, str]], declared: str):
    line = "  - {pointer: /ext/contact, kind: email}\n"
    if declared == "on theirs alone":
        zoo.replace("datasets/pets/dataset.yaml", line, "")
        zoo.commit("nothing declared")
    zoo.git("switch", "-qc", "topic")
    if declared == "on theirs alone":
        zoo.replace("datasets/pets/dataset.yaml", "sensitive:\n", f"sensitive:\n{line}")
    zoo.change(K1, by=BEN, ext={"contact": {f"{NAME} 2": NAME}, "note": "loud"})
    zoo.commit("theirs")
    zoo.git("switch", "-q", "main")
    zoo.change(K1, by=NAME, ext={"contact": {f"{NAME} 1": NAME}, "note": "bold"})
    zoo.commit("ours")
    silent(zoo, labelvc, [("merge", "topic"), ("merge", "--abort"), ("merge", "topic", "--format", "json")])
    silent(zoo, labelvc, [("resolve", "--format", form) for form in ("text", "json", "jsonl")])
    assert "/ext/contact " in labelvc(zoo.folder, "resolve")[1]
    silent(zoo, labelvc, [("status",), ("resolve", "--theirs"), ("merge", "--continue"), ("audit", "merges")])


def test_a_history_hides_what_was_declared_once(zoo: Zoo, labelvc: Callable[..., tuple[int, str, str]]):
    zoo.change(K1, ext={"contact": NAME, "note": "bold"})
    zoo.commit("A slip")
    zoo.replace("datasets/pets/dataset.yaml", "  - {pointer: /ext/contact, kind: email}\n", "")
    zoo.commit("not declared any more")
    for words in (("log", K1), ("trace", K1), ("blame", "pets/p1"), ("blame", "pets")):
        silent(zoo, labelvc, [words, (*words, "--format", "json")])
    silent(zoo, labelvc, [("trace", K1, "--format", "prov"), ("log", "--format", "jsonl")])
