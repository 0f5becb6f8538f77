"""One case a rule: a single change to the zoo that must be found, and one beside it that must not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from labelvc.codec import canonical, epochs, shard
from labelvc.core import lock, pseudonym
from labelvc.model.module import LOCK, Pinned
from labelvc.model.secret import Epoch, Secret
from tests.zoo import ANNA, BEN, CONTACT, ID, PLAIN, SECRET, Change, Row, Zoo, answer, rating

REGISTERED = "registers/decision/0001-two-labels.yaml"
DECISION = """schema: urn:labelvc:schema:register-decision:1
id: decision/0001-two-labels
title: Two labels
owner: lead
opened: "2026-12-01"
status: open
"""
PETS, PICTURES = "datasets/pets/dataset.yaml", "datasets/pictures/dataset.yaml"
Line = Callable[[Zoo], int]


class Case(NamedTuple):
    """One rule, broken and nearly broken.

    Attributes:
        rule, severity: what must be found.
        loud: the change that breaks the rule.
        quiet: a change beside it that does not.
        key, pointer: where it must be found.
        path: the file; empty for the shard of the key.
        line: the line; -1 for that of the key.
        hint: what the cure must say.
    """

    rule: str
    severity: str
    loud: Change
    quiet: Change
    key: str = ""
    pointer: str = ""
    hint: str = "labelvc format"
    path: str | Callable[[Zoo], str] = ""
    line: int | Line = -1

    @property
    def name(self) -> str:
        return f"{self.rule} {self.key or self.path or ''}{self.pointer}".strip()


def change(key: str, **members: Any) -> Change:
    return lambda zoo: zoo.change(key, **members)


def respell(key: str, old: str, new: str) -> Change:
    return lambda zoo: zoo.respell(key, old, new)


def put(key: str, row: Mapping[str, Any] | bytes | None) -> Change:
    return lambda zoo: zoo.put(key, row)


def replace(path: str, old: str, new: str) -> Change:
    return lambda zoo: zoo.replace(path, old, new)


PLANTS = """schema: urn:labelvc:schema:taxonomy:1
name: plants
version: 1.0.0
labels:
  - {id: cat, name: Catnip}
  - {id: dog, name: Dogwood}
"""
KINDS = """schema: urn:labelvc:schema:guideline:1
name: kinds
version: 1.0.0
title: Kinds
status: active
taxonomy: animals
ambiguity: Take the larger one.
labels:
  cat: {definition: It purrs., examples: [a cat], edge_cases: [a kitten]}
  dog: {definition: It barks., examples: [a dog], edge_cases: [a puppy]}
"""


def kinds(old: str = "", new: str = "", ask: str = "") -> Change:
    """Write a guideline for kinds that lacks nothing, with something else in it; `ask` has the dataset ask for a part of it."""
    assert old in KINDS

    def edit(zoo: Zoo) -> None:
        zoo.write("guidelines/kinds.yaml", KINDS.replace(old, new, 1))
        if ask:
            zoo.replace("labelvc.yaml", "where: {type: box,", "where: {type: box, guideline: kinds,")
            zoo.replace(PICTURES, "checks: {}", f"checks: {{guideline.{ask}: {{severity: warning}}}}")

    return edit


def together(*changes: Change) -> Change:
    """Make several changes."""

    def edit(zoo: Zoo) -> None:
        for one in changes:
            one(zoo)

    return edit


def write(path: str, text: str) -> Change:
    return lambda zoo: zoo.write(path, text)


def taken(given: Mapping[str, str], old: str = "", new: str = "") -> Change:
    """Pin a document for each of some modules as it lies there, then edit those there are."""

    def pin(zoo: Zoo) -> None:
        digests = {
            path: lock.digest(zoo.read(path)) if (zoo.folder / path).is_file() else f"sha256:{'0' * 64}"
            for path in given.values()
        }
        zoo.write(
            LOCK,
            lock.write([Pinned(name, "1.0.0", f"../{name}", {path: digests[path]}) for name, path in given.items()]),
        )
        for path in given.values() if old else ():
            zoo.replace(path, old, new)

    return pin


def value(key: str, inside: Any) -> Change:
    return lambda zoo: zoo.change(key, value=inside)


def said(rule: str, loud: str, quiet: str) -> Case:
    """Return the case of a text that an item of a Brazilian project has."""
    return Case(f"privacy.{rule}", "error", text_of(loud), text_of(quiet), "pets/p2#", "/text", "take it out")


def text_of(text: str) -> Change:
    def write(zoo: Zoo) -> None:
        zoo.replace("labelvc.yaml", "tasks:\n", "privacy: {leaks: {regions: [BR]}}\ntasks:\n")
        zoo.change("pets/p2#", text=text)

    return write


def file_of(key: str) -> Callable[[Zoo], str]:
    return lambda zoo: zoo.shard(key)


def marked(zoo: Zoo) -> None:
    """Leave a file as a conflict leaves it: both sides of a line and git's markers."""
    line = zoo.raw("pets/p1#k1")
    other = line.replace(b'"cat"', b'"dog"')
    conflict = b"\n".join([b"<<<<<<< HEAD", line, b"=======", other, b">>>>>>> topic"])
    zoo.write(zoo.shard("pets/p1#k1"), zoo.read(zoo.shard("pets/p1#k1")).replace(line, conflict))


def turned(zoo: Zoo) -> None:
    lines = shard.lines(zoo.read(zoo.shard("pets/p1#k1")))
    zoo.write(zoo.shard("pets/p1#k1"), b"".join([line + b"\n" for line in [lines[1], lines[0], *lines[2:]]]))


def unended(zoo: Zoo) -> None:
    zoo.write(zoo.shard("pets/p1#k1"), zoo.read(zoo.shard("pets/p1#k1")).removesuffix(b"\n"))


def number_of_lines(zoo: Zoo) -> int:
    return len(shard.lines(zoo.read(zoo.shard("pets/p1#k1"))))


def elsewhere(zoo: Zoo) -> str:
    """Return another shard's path than that of p1's records."""
    home = zoo.shard("pets/p1#k1")
    return next(path for name in "0123" if (path := shard.path("pets", "annotations", name)) != home)


def astray(zoo: Zoo) -> None:
    line, there = zoo.raw("pets/p1#k1"), elsewhere(zoo)
    zoo.put("pets/p1#k1", None)
    present = shard.lines(zoo.read(there)) if (zoo.folder / there).exists() else []
    zoo.write(there, shard.write([*present, line]))


def line_astray(zoo: Zoo) -> int:
    return [line.startswith(b'{"item":"p1"') for line in shard.lines(zoo.read(elsewhere(zoo)))].index(True) + 1


def re_keyed(keep: str = "") -> Change:
    """Carry every token into a second epoch, but for those of one record."""

    def carry(zoo: Zoo) -> None:
        secret = Secret("c", b"\2" * 32)
        first = Epoch("b", "retired", "2026-03-01T09:00:00Z", pseudonym.commitment(SECRET))
        second = Epoch("c", "active", "2026-03-02T09:00:00Z", pseudonym.commitment(secret), "b")
        zoo.write("privacy/epochs.jsonl", epochs.write([first, second]))
        into = {token: pseudonym.chained(secret, ID, "main", token) for token in (ANNA, BEN, CONTACT)}
        for path in (zoo.folder / "datasets").rglob("*.jsonl"):
            lines = []
            for line in path.read_text().splitlines():
                new = line
                for old, token in into.items() if not keep or line.encode() != zoo.raw(keep) else ():
                    new = new.replace(old, token)
                lines.append(new.encode())
            path.write_bytes(shard.write(lines))

    return carry


def erased(token: str, keep: str = "") -> Change:
    """Write down that somebody was forgotten, and give what is theirs, but for one record, to somebody else."""

    def write_down(zoo: Zoo) -> None:
        zoo.write(
            "privacy/erasures/0123456789abcdef.yaml",
            f'schema: urn:labelvc:schema:erasure:1\nat: "2026-03-01T09:00:00Z"\ntokens: [{token}]\n',
        )
        for path in (zoo.folder / "datasets").rglob("*.jsonl"):
            lines = path.read_bytes().splitlines()
            kept = [
                line if keep and line == zoo.raw(keep) else line.replace(token.encode(), BEN.encode()) for line in lines
            ]
            path.write_bytes(shard.write(kept))

    return write_down


def people(number: int, most: int = 1, kind: str = "person") -> Change:
    """Add 600 items of as many owners, one of whom owns several."""

    def add(zoo: Zoo) -> None:
        made = [pseudonym.token(SECRET, ID, "main", kind, f"owner {one}") for one in range(number)]
        found: dict[str, list[bytes]] = {}
        for at in range(600):
            row = {"id": f"q{at}", "ext": {"owner": made[0 if at < most else at % number]}}
            path = zoo.shard(f"pets/q{at}#")
            found.setdefault(path, []).append(canonical.encode(row, canonical.ITEM_FIRST))
        for path, lines in found.items():
            before = shard.lines(zoo.read(path)) if (zoo.folder / path).exists() else []
            zoo.write(path, shard.write([*before, *lines]))

    return add


def few(number: int) -> Change:
    """Say that owners are of a kind that is no person's, and add so many of them."""

    def add(zoo: Zoo) -> None:
        zoo.replace(PETS, "kind: person, layer: items", "kind: place, layer: items")
        people(number, kind="place")(zoo)

    return add


def fields(members: str, sensitive: str = "") -> Change:
    """Declare fields of items, and a sensitive one."""
    more = f"item_fields: {members}\nsensitive:\n{sensitive and f'  - {sensitive}' + chr(10)}"
    return replace(PETS, "sensitive:\n", more)


def limit(extra: int) -> Change:
    """Set the limit of a shard's size just below or above the largest one."""

    def setting(zoo: Zoo) -> None:
        size = len(zoo.read(zoo.shard("pets/p1#k1"))) + extra
        zoo.replace(PETS, "checks: {}", f"checks: {{shard.size: {{threshold: {size}}}}}")

    return setting


def doubled(zoo: Zoo) -> None:
    row = zoo.row("pets/p1#n1")
    lines = shard.lines(zoo.read(zoo.shard("pets/p1#n1")))
    twice = canonical.encode_record({**row, "value": {"text": "other"}})
    zoo.write(zoo.shard("pets/p1#n1"), shard.write([*lines, twice]))


def second(zoo: Zoo) -> int:
    """Return the line of the second record of p1#n1."""
    starts = [line.startswith(b'{"item":"p1","id":"n1"') for line in shard.lines(zoo.read(zoo.shard("pets/p1#n1")))]
    return starts.index(True) + 2


def word(text: str) -> Change:
    return lambda zoo: zoo.change("pets/p3#", natural={"word": text})


def no_item(zoo: Zoo) -> None:
    zoo.put("pets/p2#", None)


def ignored(zoo: Zoo) -> None:
    zoo.write(".git/info/exclude", "*.jsonl\n")
    zoo.git("rm", "-q", "--cached", "datasets/pets/items/3.jsonl")


def link(path: str) -> Change:
    """Put a link to where a copy of the zoo's folder lies, or to nowhere."""

    def change(zoo: Zoo) -> None:
        place = zoo.folder / path
        if place.exists():
            place.rename(zoo.folder.parent / place.name)
        place.symlink_to(zoo.folder.parent / place.name)

    return change


def unstored(zoo: Zoo) -> None:
    stored(zoo)
    zoo.change("pets/p1#n1", value={"text": "other"})


def unlisted(zoo: Zoo) -> None:
    stored(zoo)
    (zoo.folder / "datasets/pets/annotations.sha256").unlink()


def stored(zoo: Zoo) -> None:
    zoo.store_in_dvc()
    zoo.commit("Store in DVC")


def owner(name: str) -> Change:
    return lambda zoo: zoo.change("pets/p1#", ext={"owner": name})


MISTYPED = ANNA[:-1] + ("b" if ANNA[-1] != "b" else "c")
BOX: Row = {"label": "cat", "box": [10, 10, 0, 20]}


def boxed(x: float, y: float, width: float, height: float) -> Row:
    return {"label": "cat", "box": [x, y, width, height]}


CASES = [
    # ---------------------------------------------------------------- single lines
    Case("record.json", "error", respell("pets/p1#n1", '"rev":1', '"rev":'), value("pets/p1#n1", {"text": '"rev":,'}), "pets/p1#n1", hint="restore the line"),
    Case("record.json", "error", respell("pets/p1#n1", '"rev":1', '"rev":1,"rev":1'), value("pets/p1#n1", {"text": '"rev":1,"rev":1'}), "pets/p1#n1", hint="re-import"),
    Case("record.canonical", "error", respell("pets/p1#n1", ',"rev"', ', "rev"'), value("pets/p1#n1", {"text": ', "rev"'}), "pets/p1#n1"),
    Case("record.canonical", "error", respell("pets/p1#o1", "0.25", "0.250"), value("pets/p1#o1", {"soft": {"cat": 0.125, "dog": 0.875}}), "pets/p1#o1"),
    Case("record.canonical", "error", respell("pets/p1#n1", "ü", "\\u00fc"), value("pets/p1#n1", {"text": '\t"\\ \x7f\u2028'}), "pets/p1#n1"),
    Case("record.canonical", "error", respell("pets/p4#", '"text"', ' "text"'), change("pets/p4#", text=' "text"'), "pets/p4#"),
    Case("record.schema", "error", change("pets/p1#k1", confidence=1), change("pets/p1#k1", ext={"confidence": 1}), "pets/p1#k1", hint="docs/formats/record.md"),
    Case("record.schema", "error", change("pets/p1#k1", at="2026-02-30T09:00:00Z"), change("pets/p1#k1", at="2026-02-28T23:59:59.5Z"), "pets/p1#k1", "/at", "docs/formats/record.md"),
    Case("record.schema", "error", change("pets/p4#", txet="x"), change("pets/p4#", ext={"txet": "x"}), "pets/p4#", hint="docs/formats/item.md"),
    Case("record.task", "error", change("pets/p1#n1", task="where"), lambda zoo: zoo.bury("pets/p1#n1"), "pets/p1#n1", "/task", PETS),
    Case("label.unknown", "error", value("pets/p1#k1", {"label": "cow"}), value("pets/p1#k1", {"label": "dog"}), "pets/p1#k1", "/value/label", "taxonomies/animals.yaml"),
    Case("label.unknown", "error", value("pets/p1#s1", {"labels": ["cat", "cow"]}), value("pets/p1#s1", {"labels": []}), "pets/p1#s1", "/value/labels/1", "cat, dog"),
    Case("label.deprecated", "error", value("pets/p1#k1", {"label": "dodo"}), value("pets/p1#k1", {"empty": True}), "pets/p1#k1", "/value/label", "choose an active label: cat, dog"),
    Case("score.range", "error", value("pets/p2#m1", {"score": 5}), value("pets/p2#m1", {"score": 4}), "pets/p2#m1", "/value/score", "labelvc.yaml"),
    Case("score.range", "error", value("pets/p2#m1", {"score": 0.5}), value("pets/p2#m1", {"score": -4}), "pets/p2#m1", "/value/score", "labelvc.yaml"),
    Case("under.unknown", "error", change("pets/p2#m1", under="mood@9.0.0"), change("pets/p2#m1", under="mood@1.0.0"), "pets/p2#m1", "/under", "guidelines/mood.versions.jsonl"),
    Case("privacy.plaintext", "error", change("pets/p1#k1", ext={"contact": PLAIN}), change("pets/p1#k1", ext={"contact": CONTACT}), "pets/p1#k1", "/ext/contact", "labelvc import"),
    Case("privacy.plaintext", "error", change("pets/p2#m1", by=PLAIN), change("pets/p2#m1", by=BEN), "pets/p2#m1", "/by", "labelvc import"),
    Case("privacy.plaintext", "error", owner(PLAIN), owner(ANNA), "pets/p1#", "/ext/owner", "remove the value"),
    Case("privacy.token", "error", change("pets/p2#m1", by=MISTYPED), change("pets/p2#m1", by=BEN), "pets/p2#m1", "/by", "copy it whole"),
    # ---------------------------------------------------------------- files
    Case("shard.markers", "error", marked, value("pets/p1#n1", {"text": "<<<<<<< HEAD"}), hint="git add", path=file_of("pets/p1#k1"), line=1),
    Case("shard.order", "error", turned, change("pets/p1#k1", by=BEN), path=file_of("pets/p1#k1"), line=2),
    Case("shard.ending", "error", unended, change("pets/p1#k1", by=BEN), path=file_of("pets/p1#k1"), line=number_of_lines),
    Case("shard.placement", "error", astray, change("pets/p1#k1", by=BEN), "pets/p1#k1", path=elsewhere, line=line_astray),
    Case("shard.size", "note", limit(-1), limit(0), hint="labelvc dataset reshard pets --shards 16", path=file_of("pets/p1#k1"), line=0),
    Case("key.duplicate", "error", doubled, put("pets/p1#n2", answer("p1", "n2", "note", {"text": "other"})), "pets/p1#n1", hint="keep one", line=second),
    # ---------------------------------------------------------------- references
    Case("item.missing", "error", no_item, lambda zoo: (no_item(zoo), zoo.bury("pets/p2#m1")), "pets/p2#m1", "/item", "add the item"),
    Case("label.missing", "warning", lambda zoo: zoo.bury("pets/p2#m1"), value("pets/p2#m1", {"empty": True}), "pets/p2#", hint='{"empty":true}'),
    Case("rating.duplicate", "warning", put("pets/p2#m9", rating("p2", 2, ANNA, "m9")), put("pets/p2#m9", rating("p2", 2, BEN, "m9")), "pets/p2#m9", "/by", "delete one"),
    Case("rating.duplicate", "warning", put("pets/p1#k2", answer("p1", "k2", "kind", {"label": "cat"}, by=ANNA)), put("pets/p1#w3", answer("p1", "w3", "words", {"label": "cat", "span": [0, 3], "text": "the"}, by=ANNA)), "pets/p1#k2", "/by", "delete one"),
    Case("item.duplicate", "warning", word("w2"), word("W2"), "pets/p3#", hint="labelvc format", path="datasets/pets/items", line=0),
    # ---------------------------------------------------------------- values
    Case("soft.sum", "error", value("pets/p1#o1", {"soft": {"cat": 0.5, "dog": 0.4999}}), value("pets/p1#o1", {"soft": {"cat": 0.1, "dog": 0.9000001}}), "pets/p1#o1", "/value/soft", "shares"),
    Case("labels.order", "error", value("pets/p1#s1", {"labels": ["dog", "cat"]}), value("pets/p1#s1", {"labels": ["dog"]}), "pets/p1#s1", "/value/labels"),
    Case("labels.order", "error", value("pets/p1#s1", {"labels": ["cat", "cat"]}), value("pets/p1#s1", {"labels": []}), "pets/p1#s1", "/value/labels"),
    Case("span.outside", "error", value("pets/p1#w2", {"label": "dog", "span": [16, 20], "text": "dog"}), value("pets/p1#w2", {"label": "dog", "span": [0, 19]}), "pets/p1#w2", "/value/span", "offset"),
    Case("span.outside", "error", value("pets/p1#w2", {"label": "dog", "span": [5, 5], "text": ""}), value("pets/p1#w2", {"label": "dog", "span": [5, 6]}), "pets/p1#w2", "/value/span", "offset"),
    Case("span.text", "error", value("pets/p1#w2", {"label": "dog", "span": [15, 18], "text": "dog"}), value("pets/p1#w2", {"label": "dog", "span": [15, 18]}), "pets/p1#w2", "/value/text", "offsets or the text"),
    Case("reference.missing", "error", value("pets/p1#l1", {"label": "cat", "from": "w1", "to": "w9"}), value("pets/p1#l1", {"label": "cat", "from": "w1", "to": "root"}), "pets/p1#l1", "/value/to", "same item"),
    Case("reference.missing", "error", value("pets/p1#l1", {"label": "cat", "from": "m1x", "to": "w1"}), value("pets/p1#l1", {"label": "cat", "from": "m1", "to": "w1"}), "pets/p1#l1", "/value/from", "same item"),
    # ---------------------------------------------------------------- protected fields
    Case("privacy.plaintext", "error", replace(PETS, "kind: person, layer: items", "mode: drop, layer: items"), replace(PETS, "kind: person, layer: items", "scope: dataset, layer: items"), "pets/p1#", "/ext/owner", "remove the value"),
    Case("privacy.epoch", "error", re_keyed("pets/p2#m1"), re_keyed(), "pets/p2#m1", hint="labelvc pseudonym mend"),
    Case("privacy.erased", "error", erased(ANNA, "pets/p2#m1"), erased(pseudonym.token(SECRET, ID, "main", "person", "nobody")), "pets/p2#m1", hint="labelvc erase TOKEN --apply"),
    Case("privacy.domain", "error", fields("{sex: {enum: [f, m]}}", "{pointer: /sex, kind: other, layer: items}"), fields("{sex: {enum: [f, m]}}", "{pointer: /sex, kind: other, layer: items, scope: record}"), pointer="/sensitive/0", hint="scope: record", path=PETS, line=0),
    Case("privacy.domain", "error", few(100), few(600), pointer="/sensitive/1", hint="generalise or drop", path=PETS, line=0),
    Case("privacy.dominant", "warning", people(600, most=31), people(600, most=30), pointer="/sensitive/1", hint="scope: record", path=PETS, line=0),
    Case("privacy.undeclared", "warning", fields("{email: {type: string}}"), fields("{email: {type: string}}", "{pointer: /email, kind: email, layer: items}"), pointer="/email", hint="layer: items", path=PETS, line=0),
    Case("privacy.undeclared", "warning", change("pets/p1#k1", ext={"rater": [{"E-Mail": "jo"}]}), change("pets/p1#k1", ext={"rater": [{"E-Mail": BEN, "name": "tool", "phone": None}]}), "pets/p1#k1", "/ext/rater/*/E-Mail", "layer: annotations"),
    Case("privacy.undeclared", "warning", change("pets/p1#", ext={"phone": 1}), change("pets/p1#", ext={"phones": 1}), "pets/p1#", "/ext/phone", "layer: items"),
    Case("privacy.hidden", "error", write(".gitattributes", "*.jsonl binary\n"), write(".gitattributes", "*.png binary\n"), hint="take the line out", path=".gitattributes", line=1),
    # ---------------------------------------------------------------- boxes
    Case("box.zero_area", "error", value("pictures/b.jpg#x1", BOX), value("pictures/b.jpg#x1", boxed(10, 10, 0.5, 20)), "pictures/b.jpg#x1", "/value/box", "redraw"),
    Case("box.zero_area", "error", value("pictures/b.jpg#x1", boxed(10, 10, 5, -1)), value("pictures/b.jpg#x1", {"empty": True}), "pictures/b.jpg#x1", "/value/box", "redraw"),
    Case("box.outside", "error", value("pictures/b.jpg#x3", boxed(80, 80, 20.6, 20)), value("pictures/b.jpg#x3", boxed(0, 80, 20, 20.5)), "pictures/b.jpg#x3", "/value/box", "clip"),
    Case("box.outside", "error", value("pictures/b.jpg#x3", boxed(-1, 80, 20, 20)), value("pictures/b.jpg#x3", boxed(80, -0.5, 20, 20)), "pictures/b.jpg#x3", "/value/box", "clip"),
    Case("box.near_duplicate", "warning", value("pictures/b.jpg#x2", boxed(10, 10, 20, 21)), value("pictures/b.jpg#x2", boxed(10, 10, 20, 26)), "pictures/b.jpg#x2", "/value/box", "delete one"),
    Case("box.near_duplicate", "warning", value("pictures/b.jpg#x2", boxed(10, 10, 20, 20)), value("pictures/b.jpg#x2", {"label": "dog", "box": [10, 10, 20, 20]}), "pictures/b.jpg#x2", "/value/box", "delete one"),
    # ---------------------------------------------------------------- plain text
    said("email", "mail jo@firma.de", "mail jo@example.com"),
    said("iban", "to DE89 3704 0044 0532 0130 00", "to DE89 3704 0044 0532 0130 01"),
    said("card", "4111 1111 1111 1111", "4111 1111 1111 1112"),
    said("ssn", "219-09-9998", "912-34-5678"),
    said("phone", "+49 30 901820", "+1 212 555 0143"),
    said("address", "from 8.8.8.8", "from 192.0.2.7"),
    said("secret", "AGE-SECRET-KEY-1" + "Q" * 58, "AGE-SECRET-KEY-1..."),
    said("url", "https://joe:s3cret@host.de/", "https://joe:s3cret@host.example/"),
    said("place", "gps 48.85837,2.29448", "gps 48.8,2.2"),
    said("birth", "born 2/8/1935", "sent 2/8/1935"),
    said("paper", "passport C01234567", "parcel C01234567"),
    said("unread", "it was said %41\u200b=2541 " * 9000, "it was said %2541 " * 9000),
    said("identity", "CPF 598.212.434-60", "CPF 598.212.434-61"),
    # ---------------------------------------------------------------- documents and the tree
    Case("document.yaml", "error", replace(PICTURES, "shards: 4", "shards: 4\nshards: 4"), replace(PICTURES, "shards: 4", "shards: 4 # shards: 4"), hint="labelvc check", path=PICTURES, line=6),
    Case("document.yaml", "error", write("privacy/epochs.jsonl", "garbage\n"), write("privacy/notes.md", "garbage\n"), hint="mend privacy/epochs.jsonl:1", path="privacy/epochs.jsonl", line=1),
    Case("document.schema", "error", replace(PETS, "storage: git", "storage: s3"), replace(PETS, "storage: git", 'storage: "git"'), pointer="/storage", hint=PETS, path=PETS, line=5),
    Case("document.reference", "error", replace("labelvc.yaml", "{type: label, taxonomy: animals}", "{type: label, taxonomy: plants}"), replace("labelvc.yaml", "type: text", "type: text, taxonomy: animals"), pointer="/tasks/kind/taxonomy", hint="labelvc.yaml:7", path="labelvc.yaml", line=7),
    Case("document.version", "error", replace("guidelines/mood.yaml", "judge", "guess"), replace("guidelines/mood.yaml", "labels: {}", "labels: {} # none"), pointer="/version", hint="guidelines/mood.yaml", path="guidelines/mood.yaml", line=3),
    Case("document.invisible", "warning", kinds("It purrs.", "It\u202e purrs."), kinds("It purrs.", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 purrs."), pointer="/labels/cat/definition", hint="type the text anew", path="guidelines/kinds.yaml", line=9),
    Case("document.register", "error", write(REGISTERED, DECISION.replace("0001", "0002")), write(REGISTERED, DECISION), pointer="/id", hint="registers/decision", path=REGISTERED, line=2),
    Case("guideline.definition", "warning", kinds("definition: It barks., ", ""), kinds("It barks", "It howls"), pointer="/labels/dog", hint="guideline publish kinds", path="guidelines/kinds.yaml", line=10),
    Case("guideline.example", "warning", kinds("examples: [a cat]", "examples: []"), kinds("[a cat]", "[a cat, a tom]"), pointer="/labels/cat", hint="`examples:`", path="guidelines/kinds.yaml", line=9),
    Case("guideline.edge_case", "warning", kinds(", edge_cases: [a kitten]", "", ask="edge_case"), kinds(", edge_cases: [a kitten]", ""), pointer="/labels/cat", hint="`edge_cases:`", path="guidelines/kinds.yaml", line=9),
    Case("guideline.ambiguity", "warning", kinds("ambiguity: Take the larger one.\n", "", ask="ambiguity"), kinds(ask="ambiguity"), hint="`ambiguity:`", path="guidelines/kinds.yaml", line=1),
    Case("guideline.silent", "warning", kinds("  dog: {definition: It barks., examples: [a dog], edge_cases: [a puppy]}\n", ""), kinds("status: active", "status: draft"), pointer="/labels", hint="guideline publish kinds", path="guidelines/kinds.yaml", line=8),
    Case("guideline.deprecated", "warning", kinds("labels:", "labels:\n  dodo: {}"), kinds("labels:", "labels: # none for the dodo"), pointer="/labels/dodo", hint="take it out of guidelines/kinds.yaml", path="guidelines/kinds.yaml", line=9),
    Case("guideline.rival", "warning", together(kinds(ask="ambiguity"), write("guidelines/rival.yaml", KINDS.replace("kinds", "rival"))), together(kinds(ask="ambiguity"), write("guidelines/rival.yaml", KINDS.replace("kinds", "rival").replace("active", "retired"))), pointer="/taxonomy", hint="status: retired", path="guidelines/rival.yaml", line=6),
    Case("guideline.because", "warning", kinds("definition: It purrs.", "because: [https://example.org/1, decision/0001-cats], definition: It purrs."), together(kinds("definition: It purrs.", "because: ['pets/p1#k1', https://example.org/1, decision/0001-cats], definition: It purrs."), write("registers/decision/0001-cats.yaml", "x: 1")), pointer="/labels/cat/because/1", hint="name what it comes from", path="guidelines/kinds.yaml", line=9),
    Case("guideline.taxonomy", "error", together(kinds("animals", "plants", ask="ambiguity"), write("taxonomies/plants.yaml", PLANTS)), together(kinds(ask="ambiguity"), write("taxonomies/plants.yaml", PLANTS)), pointer="/tasks/where/guideline", hint="name a guideline of animals", path="labelvc.yaml", line=12),
    Case("example.contradicted", "warning", kinds("[a dog]", "[{record: 'pets/p1#k1'}]"), kinds("[a cat]", "[{record: 'pets/p1#k1'}]"), pointer="/labels/dog/examples/0", hint="labelvc trace pets/p1#k1", path="guidelines/kinds.yaml", line=10),
    Case("example.vanished", "warning", kinds("[a cat]", "[{record: 'pets/p1#k9'}]"), kinds("[a cat]", "[{record: 'pets/p1#k1'}]"), pointer="/labels/cat/examples/0", hint="point the example to another record", path="guidelines/kinds.yaml", line=9),
    Case("example.deprecated", "warning", kinds("[a puppy]", "[{text: a bird, label: dodo}]"), kinds("[a puppy]", "[{text: a cat, label: cat}]"), pointer="/labels/dog/edge_cases/0", hint="in use", path="guidelines/kinds.yaml", line=10),
    Case("module.missing", "error", taken({"zoo": "taxonomies/plants.yaml"}), taken({"zoo": "taxonomies/animals.yaml"}), hint="labelvc module update zoo", path="taxonomies/plants.yaml", line=0),
    Case("module.conflict", "error", taken({"zoo": "taxonomies/animals.yaml", "park": "taxonomies/animals.yaml"}), taken({"zoo": "taxonomies/animals.yaml", "park": "guidelines/mood.yaml"}), hint="labelvc module remove zoo --keep", path="taxonomies/animals.yaml", line=0),
    Case("module.edited", "note", taken({"zoo": "taxonomies/animals.yaml"}, "Cat", "Kitten"), taken({"zoo": "taxonomies/animals.yaml"}), hint="labelvc module update zoo --dry-run", path="taxonomies/animals.yaml", line=0),
    Case("shard.stray", "error", write("datasets/pets/annotations/0123.jsonl", ""), write("datasets/pets/notes.txt", ""), path="datasets/pets/annotations/0123.jsonl", line=0),
    Case("shard.stray", "error", write("datasets/birds/items/0.jsonl", ""), write("datasets/birds/readme.md", ""), hint="datasets/birds/dataset.yaml", path="datasets/birds", line=0),
    Case("shard.ignored", "error", ignored, write(".git/info/exclude", "*.jsonl\n"), hint="git check-ignore -v", path="datasets/pets/items/3.jsonl", line=0),
    Case("file.link", "error", link("datasets/pets/items"), link("datasets/pets/media"), hint="put the file or folder itself", path="datasets/pets/items", line=0),
    Case("file.twin", "error", write("Datasets/pets/items/0.jsonl", ""), write("Notes/0.jsonl", ""), hint="git mv Datasets/pets/items/0.jsonl", path="Datasets/pets/items/0.jsonl", line=0),
    Case("file.twin", "error", write("datasets/pets/Dataset.yaml", ""), write("datasets/pets/Readme.md", ""), hint="git rm", path="datasets/pets/Dataset.yaml", line=0),
    Case("file.twin", "error", write("trust\u200b/root/1.json", ""), write("docs\u200b/1.json", ""), hint="git rm", path="trust\u200b/root/1.json", line=0),
    Case("file.twin", "error", write("LabelVC.yaml", ""), write("README.md", ""), hint="git rm", path="LabelVC.yaml", line=0),
    Case("approval.stray", "error", write("approvals/x.json", "{}"), write("notes/x.json", "{}"), hint="git rm", path="approvals/x.json", line=0),
    Case("record.rev", "error", change("pets/p2#m1", bump=0, value={"score": 3}), change("pets/p2#m1", bump=1, value={"score": 3}), "pets/p2#m1", "/rev", path="datasets/pets/annotations", line=0),
    Case("record.rev", "error", put("pets/p1#n1", None), lambda zoo: zoo.bury("pets/p1#n1"), "pets/p1#n1", path="datasets/pets/annotations", line=0),
    Case("dvc.pointer", "error", unlisted, stored, hint="labelvc format", path="datasets/pets/annotations.dvc", line=0),
    Case("dvc.unstored", "error", unstored, stored, hint="labelvc format", path=file_of("pets/p1#n1"), line=0),
]  # fmt: skip
