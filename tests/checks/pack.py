"""Cases of the rules about shapes, spans, numbers, people and sources: as in `tests.checks.cases`, most of them asked for."""

from __future__ import annotations

from typing import Any

from labelvc.codec import canonical, shard
from labelvc.core import pseudonym
from tests.checks.cases import PETS, PICTURES, Case, boxed, put, value
from tests.zoo import ANNA, BEN, ID, SECRET, TEXT, Change, Row, Zoo, answer


def asking(rule: str, *changes: Change, dataset: str = PETS, threshold: float | None = None) -> Change:
    """Let a dataset ask for a rule, then make some changes."""

    def make(zoo: Zoo) -> None:
        setting = "" if threshold is None else f"threshold: {threshold:g}"
        zoo.replace(dataset, "checks: {}", f"checks: {{{rule}: {{{setting}}}}}")
        for change in changes:
            change(zoo)

    return make


def silenced(rule: str, *changes: Change, dataset: str = PICTURES) -> Change:
    """Let a dataset silence a rule, then make some changes."""

    def make(zoo: Zoo) -> None:
        zoo.replace(dataset, "checks: {}", f"checks: {{{rule}: {{severity: off}}}}")
        for change in changes:
            change(zoo)

    return make


def outlined(points: list[list[float]], member: str = "polygon") -> Change:
    """Ask for outlines of pictures, and draw one."""

    def make(zoo: Zoo) -> None:
        zoo.replace("labelvc.yaml", "tasks:\n", f"tasks:\n  shape: {{type: {member}, taxonomy: animals}}\n")
        zoo.replace(PICTURES, "{where: false}", "{where: false, shape: false}")
        drawn: Row = {"label": "cat", member: points}
        zoo.put("pictures/b.jpg#o1", answer("b.jpg", "o1", "shape", drawn, by=ANNA))

    return make


def second_box(*corners: float, **more: Any) -> Change:
    return value("pictures/b.jpg#x2", {**boxed(*corners), **more})


def spanned(start: int, end: int, text: str = TEXT, by: str = ANNA) -> Change:
    """Mark a stretch of the first text in place of `dog`, by the one who marked `the cat`."""

    def make(zoo: Zoo) -> None:
        zoo.change("pets/p1#", text=text)
        zoo.change("pets/p1#w1", by=ANNA, value={"label": "cat", "span": [0, 7], "text": text[0:7]})
        zoo.change("pets/p1#w2", by=by, value={"label": "dog", "span": [start, end], "text": text[start:end]})

    return make


def many(*ratings: str, source: str = "", each: int = 1) -> Change:
    """Add as many items with one record of `kind` each, in slices of `/ext/place` that follow each other."""

    def make(zoo: Zoo) -> None:
        for at, label in enumerate(ratings * each):
            item: Row = {"id": f"q{at}", "ext": {"place": "sea"}, "natural": {"word": f"q{at}"}}
            if source:
                item["source"] = source if at % 10 else "other"
            zoo.put(f"pets/q{at}#", item)
            zoo.put(f"pets/q{at}#k1", answer(f"q{at}", "k1", "kind", {"label": label}))

    return make


def sliced(zoo: Zoo) -> None:
    zoo.replace(PETS, "natural_key:", "slices: [/ext/place]\nnatural_key:")


def only_kinds(zoo: Zoo) -> None:
    """Leave `kind` the only task with labels, so that no other one is counted."""
    text = zoo.read(PETS).decode()
    tasks = text[text.index("tasks:") : text.index("\nstorage")]
    zoo.replace(PETS, tasks, "tasks: {mood: false, kind: false}")
    for name in ("s1", "o1", "w1", "w2", "l1", "n1"):
        zoo.put(f"pets/p1#{name}", None)


def of_pictures(rule: str, *changes: Change, sources: str = "") -> Change:
    """Let the dataset of pictures ask for a rule and say where its pictures come from."""

    def declare(zoo: Zoo) -> None:
        zoo.replace(PICTURES, "shards: 4", f"shards: 4\nsources: [{sources}]")

    return asking(rule, declare, *changes, dataset=PICTURES)


def picture(**members: Any) -> Change:
    return lambda zoo: zoo.change("pictures/b.jpg#", **members)


def box(name: str, **members: Any) -> Change:
    return lambda zoo: zoo.change(f"pictures/b.jpg#{name}", **members)


def guided(*names: str) -> Change:
    """Let boxes say by which guideline they were decided."""

    def make(zoo: Zoo) -> None:
        for name in names:
            box(name, under="boxes@1.0.0")(zoo)

    return make


LICENSED, WEB = "{name: web, licence: CC0-1.0}", "{name: web, url: 'https://example.org'}"
PICTURE = "pictures/b.jpg#"
LONG = "The parcel came on Monday, and the vase that was in it lay in pieces on the floor of the van."


def texts(*found: str) -> Change:
    """Add items with these texts; those that are there become different."""

    def make(zoo: Zoo) -> None:
        for at in range(1, 9):
            zoo.change(f"pets/p{at}#", text=f"{TEXT}, number {at}")
        for at, text in enumerate(found):
            item: Row = {"id": f"q{at}", "natural": {"word": f"q{at}"}, "text": text}
            zoo.put(f"pets/q{at}#", item)

    return make


def second_picture(path: str) -> Change:
    return put("pictures/c.jpg#", {"id": "c.jpg", "media": {"height": 100, "path": path, "width": 100}})


def crowd(odd: str, *, copies: bool = False) -> Change:
    """Let five people answer `kind` of 40 items: four in turn, the fifth as is said or, with `copies`, as the first does."""

    def make(zoo: Zoo) -> None:
        found: dict[str, list[bytes]] = {}
        for at in range(40):
            first = "cat" if at % 3 else "dog"
            said = [first, "dog" if at % 2 else "cat", "cat" if at % 5 else "dog", "dog" if at % 7 else "cat"]
            said.append(first if copies else odd if odd != "turn" else said[1])
            found.setdefault(zoo.shard(f"pets/q{at}#"), []).append(
                canonical.encode({"id": f"q{at}", "natural": {"word": f"q{at}"}}, canonical.ITEM_FIRST)
            )
            for number, label in enumerate(said):
                row = answer(f"q{at}", f"k{number}", "kind", {"label": label}, by=CROWD[number])
                found.setdefault(zoo.shard(f"pets/q{at}#k0"), []).append(canonical.encode_record(row))
        for path, lines in found.items():
            before = shard.lines(zoo.read(path)) if (zoo.folder / path).exists() else []
            zoo.write(path, shard.write([*before, *lines]))

    return make


def sitting(seconds: int, labels: str) -> Change:
    """Let one person answer `kind` of as many items as there are letters, one every so many seconds."""

    def make(zoo: Zoo) -> None:
        for at, letter in enumerate(labels):
            key, label = f"q{at:02}", {"c": "cat", "d": "dog"}[letter]
            zoo.put(f"pets/{key}#", {"id": key, "natural": {"word": key}})
            time = f"2026-03-01T{9 + at * seconds // 3600:02}:{at * seconds // 60 % 60:02}:{at * seconds % 60:02}Z"
            zoo.put(f"pets/{key}#k1", answer(key, "k1", "kind", {"label": label}, by=ANNA, at=time))

    return make


CROWD = sorted(pseudonym.token(SECRET, ID, "main", "person", f"one of {at}") for at in range(5))
Q1, ITEMS = "pets/q1#", "datasets/{}/items"
W2 = "pets/p1#w2"
FLAG = "the cat \U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7"
X2, O1 = "pictures/b.jpg#x2", "pictures/b.jpg#o1"
SQUARE, BOW = [[10, 10], [30, 10], [30, 30], [10, 30]], [[10, 10], [30, 30], [30, 10], [10, 30]]

CASES = [
    # ---------------------------------------------------------------- boxes
    Case("box.shifted_copy", "warning", second_box(12, 8, 20, 20), second_box(13, 10, 20, 20), X2, "/value/box", "delete the copy"),
    Case("box.shifted_copy", "warning", second_box(10, 9, 20, 20), second_box(12, 8, 20, 20, label="dog"), X2, "/value/box", "delete the copy"),
    Case("box.near_duplicate", "warning", silenced("box.shifted_copy", second_box(11, 10, 20, 20)), second_box(11, 10, 20, 20), X2, "/value/box", "delete one"),
    Case("box.tiny", "warning", asking("box.tiny", second_box(50, 50, 20, 3.5), dataset=PICTURES), asking("box.tiny", second_box(50, 50, 4, 20), dataset=PICTURES), X2, "/value/box", "redraw"),
    Case("box.aspect", "note", asking("box.aspect", second_box(0, 50, 90, 4), dataset=PICTURES, threshold=22), asking("box.aspect", second_box(0, 50, 88, 4), dataset=PICTURES, threshold=22), X2, "/value/box", "redraw"),
    # ---------------------------------------------------------------- spans
    Case("span.boundary", "warning", spanned(15, 19), spanned(16, 19), W2, "/value/span", "move its ends"),
    Case("span.boundary", "warning", spanned(8, 12), spanned(8, 11), W2, "/value/span", "move its ends"),
    Case("span.boundary", "warning", spanned(8, 9, "the cat e\u0301t"), spanned(8, 10, "the cat e\u0301t"), W2, "/value/span", "move its ends"),
    Case("span.boundary", "warning", spanned(8, 9, FLAG), spanned(8, 10, FLAG), W2, "/value/span", "move its ends"),
    Case("span.word", "warning", asking("span.word", spanned(16, 18)), asking("span.word", spanned(16, 19)), W2, "/value/span", "those of the word"),
    Case("span.word", "warning", asking("span.word", spanned(8, 10, "the cat \u017cba")), asking("span.word", spanned(8, 10, "the cat \u732b\u304c\u3044")), W2, "/value/span", "those of the word"),
    Case("span.crossing", "warning", spanned(4, 11), spanned(4, 7), W2, "/value/span", "delete one"),
    Case("span.crossing", "warning", spanned(4, 11), spanned(4, 11, by=BEN), W2, "/value/span", "delete one"),
    Case("span.overlap", "error", asking("span.overlap", spanned(4, 7)), asking("span.overlap", spanned(8, 11)), W2, "/value/span", "delete one"),
    # ---------------------------------------------------------------- numbers
    Case("label.floor", "warning", asking("label.floor", only_kinds, many("dog", "cat"), threshold=1.5), asking("label.floor", only_kinds, many("dog", "cat"), threshold=1), pointer="/tasks/kind", hint="it has 1: label more", path=PETS, line=0),
    Case("label.balance", "note", asking("label.balance", only_kinds, many("dog", "dog", "dog", "cat", each=25), threshold=0.74), asking("label.balance", only_kinds, many("dog", "dog", "dog", "cat", each=25), threshold=0.75), pointer="/tasks/kind", hint="it has 74.3 % of 101", path=PETS, line=0),
    Case("slice.coverage", "warning", asking("slice.coverage", only_kinds, sliced, many("cat")), asking("slice.coverage", only_kinds, sliced, many("cat", "dog")), pointer="/slices", hint="0 so far", path=PETS, line=0),
    Case("source.share", "note", asking("source.share", many("cat", "dog", source="web", each=100), threshold=0.86), asking("source.share", many("cat", "dog", source="web", each=100), threshold=0.87), pointer="/sources", hint="86.5 % of 208", path=PETS, line=0),
    # ---------------------------------------------------------------- annotators
    Case("annotator.constant", "warning", asking("annotator.constant", only_kinds, crowd("cat")), asking("annotator.constant", only_kinds, crowd("turn")), pointer="/tasks/kind", hint="100 % of 40", path=PETS, line=0),
    Case("annotator.copy", "note", asking("annotator.copy", only_kinds, crowd("cat", copies=True), threshold=0.95), asking("annotator.copy", only_kinds, crowd("cat"), threshold=0.95), pointer="/tasks/kind", hint="on 40 of 40 items", path=PETS, line=0),
    Case("annotator.too_fast", "warning", asking("annotator.too_fast", only_kinds, sitting(3, 20 * "cd"), threshold=4), asking("annotator.too_fast", only_kinds, sitting(4, 20 * "cd"), threshold=4), hint="median 3.00 s over 39", path=PETS, line=0),
    Case("annotator.run", "warning", asking("annotator.run", only_kinds, sitting(9, 10 * "cd" + 20 * "d"), threshold=20), asking("annotator.run", only_kinds, sitting(9, 20 * "cd"), threshold=20), pointer="/tasks/kind", hint="21 times 'dog'", path=PETS, line=0),
    # ---------------------------------------------------------------- doubles
    Case("item.same_text", "warning", asking("item.same_text", texts(LONG, LONG)), asking("item.same_text", texts(LONG, LONG.upper())), Q1, path=ITEMS.format("pets"), line=0),
    Case("item.near_text", "warning", asking("item.near_text", texts(LONG, LONG.upper() + "!")), asking("item.near_text", texts(LONG, LONG[::-1])), Q1, path=ITEMS.format("pets"), line=0),
    Case("item.same_media", "warning", asking("item.same_media", second_picture("b.jpg"), dataset=PICTURES), asking("item.same_media", second_picture("c.jpg"), dataset=PICTURES), "pictures/c.jpg#", path=ITEMS.format("pictures"), line=0),
    # ---------------------------------------------------------------- origins
    Case("item.licence", "warning", of_pictures("item.licence", picture(source="web"), sources=WEB), of_pictures("item.licence", picture(source="web"), sources=LICENSED), PICTURE, hint="`licence`"),
    Case("item.licence", "warning", of_pictures("item.licence", picture(ext={"coco": {"license": None}})), of_pictures("item.licence", picture(ext={"coco": {"license": 4}})), PICTURE, hint="`licence`"),
    Case("item.licence", "warning", of_pictures("item.licence", picture(licence=None), sources=LICENSED), of_pictures("item.licence", picture(licence="MIT")), PICTURE, hint="`licence`"),
    Case("item.source", "error", of_pictures("item.source", picture(source="wbe"), sources=WEB), of_pictures("item.source", picture(source="web"), sources=WEB), PICTURE, "/source", "under sources"),
    Case("source.licence", "warning", of_pictures("source.licence", sources=f"{LICENSED}, {WEB}"), of_pictures("source.licence", sources=LICENSED), pointer="/sources/1", hint="SPDX", path=PICTURES, line=0),
    Case("record.maker", "warning", of_pictures("record.maker", box("x2", by=None, origin={"tool": "m"})), of_pictures("record.maker", box("x2", by=None, origin={"model": "m"})), X2, hint="origin.model"),
    Case("record.unguided", "warning", of_pictures("record.unguided", guided("x1", "x3")), of_pictures("record.unguided", guided("x1", "x2", "x3")), X2, hint="guideline"),
    # ---------------------------------------------------------------- outlines
    Case("outline.outside", "error", outlined([[0, 0], [50, 0], [50, 100.6]]), outlined([[0, 0], [100, 0], [50, 100.5]]), O1, "/value/polygon", "clip"),
    Case("outline.outside", "error", outlined([[5, 5], [-1, 5]], "points"), outlined([[0, 0], [0, 0]], "points"), O1, "/value/points", "clip"),
    Case("outline.no_area", "error", outlined([[1, 1], [3, 3], [9, 9]]), outlined([[1, 1], [3, 3], [9, 9.5]]), O1, "/value/polygon", "redraw"),
    Case("outline.no_area", "error", outlined([[1, 1], [1, 1]], "polyline"), outlined([[1, 1], [3, 3]], "polyline"), O1, "/value/polyline", "redraw"),
    Case("outline.crossing", "warning", outlined(BOW), outlined(SQUARE), O1, "/value/polygon", "split"),
    Case("outline.crossing", "warning", outlined([*SQUARE, [20, 35]]), outlined([*SQUARE, [20, 30], [20, 20]]), O1, "/value/polygon", "split"),
]  # fmt: skip
