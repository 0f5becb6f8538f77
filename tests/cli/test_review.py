"""The page of a label pull request: its numbers are those of the change, it shows nothing live and nothing plain."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shlex
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from inline_snapshot import snapshot
from markdown_it import MarkdownIt
from PIL import Image

from labelvc.cli.render import text as texts
from labelvc.codec import document, schema
from labelvc.core import sampling
from tests.people import Desk
from tests.trusting import desk, desk_template, govern, people_keys
from tests.zoo import ANNA, BEN, Zoo, answer, rating, zoo, zoo_template

__all__ = ["desk", "desk_template", "people_keys", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
PETS = "datasets/pets/dataset.yaml"
PLAIN = "jo.bloggs@" + "mailbox.org"
"""A value that no page may show."""
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></title><h1>no</h1>",
    "| a | b |\n|---|---|",
    "![i](http://e.vil/a.png) [a](http://e.vil) <http://e.vil> http://e.vil",
    "@octocat #1 `x` ``y`` *b* _c_ ~~d~~ \\| -->",
    "# h\n- l\n> q\n\n    code",
    "\u202egnp.exe\u202c \u2066\u200b",
    "\x1b[2J\x1b]8;;http://e.vil\x07x\x1b]8;;\x07",
    "{{ 7 * 7 }} {% raw %} ${x} $(x)",
    "&lt;b&gt; &#x3c;i&#x3e;",
    "javascript:alert(1) data:text/html,<b>",
)
"""Texts that would do something if a page took them for anything but text."""


@pytest.fixture
def changed(zoo: Zoo) -> Zoo:
    """Return the zoo with a spread of changes on the branch `topic`, in two commits."""
    zoo.write(PETS, document.edit(zoo.read(PETS), {("slices",): ["/source"]}))
    for name in ("p1", "p2", "p3"):
        zoo.change(f"pets/{name}#", source="news" if name == "p1" else "web")
    zoo.commit("Slices")
    zoo.git("switch", "-qc", "topic")
    zoo.change("pets/p1#k1", value={"label": "dog"})
    zoo.put("pets/p2#k2", answer("p2", "k2", "kind", {"label": "dog"}, by=BEN))
    zoo.commit("One")
    zoo.bury("pets/p1#w1")
    zoo.change("pets/p1#k1", ext={"note": "bold"})
    zoo.bury("pictures/b.jpg#x2")
    zoo.change("pets/p2#m1", value={"score": 3}, by=BEN)
    zoo.change("pets/p3#m1", value={"score": 3})
    zoo.change("pets/p4#m1", at="2026-03-01T09:12:44Z")
    zoo.change("pets/p4#", text="other")
    zoo.replace("labelvc.yaml", "Know the animals", "Know all animals")
    zoo.commit("Two")
    return zoo


def told(zoo: Zoo | Desk, labelvc: Run, *words: str, range_: str = "main...topic") -> dict[str, Any]:
    code, out, err = labelvc(zoo.folder, "review", range_, "--format", "json", *words)
    assert code == 0, err
    found = json.loads(out)
    jsonschema.Draft202012Validator(schema.schema("review")).validate(found)
    return dict(found)


def markdown(zoo: Zoo | Desk, labelvc: Run, *words: str) -> str:
    code, out, err = labelvc(zoo.folder, "review", "main...topic", "--format", "markdown", *words)
    assert code == 0, err
    return out


def html(zoo: Zoo | Desk, labelvc: Run, *words: str) -> str:
    code, out, err = labelvc(zoo.folder, "review", "main...topic", "--format", "html", *words)
    assert code == 0, err
    return out


class Page(HTMLParser):
    """A page taken apart: tags with their attributes, numbers with where they stand in the JSON, and the text between."""

    VOID = ("meta", "br")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.numbers: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.declared: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        tag, attributes = self.open[-1] if self.open else ("", {})
        if tag == "data":
            self.numbers.append((str(attributes["data-at"]), str(attributes["value"]), data))
        elif not any(
            tag in ("code", "style", "title", "svg", "pre") or "own" in str(a.get("class")) for tag, a in self.open
        ):
            self.words.append(data)


def reached(value: Any, pointer: str) -> Any:
    for step in pointer.split("/")[1:]:
        value = value[int(step) if isinstance(value, list) else step]
    return value


def numbers(value: Any) -> Iterator[int | float]:
    """Yield every number in a JSON value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from numbers(one)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def spelled(value: Any) -> set[str]:
    """Return every number of a JSON value as a page writes it, without sign."""
    found = {"1,000", "95"}
    for one in map(abs, numbers(value)):
        found |= {f"{one:,}"} if isinstance(one, int) else {f"{one:,.{digits}f}" for digits in (1, 2, 3)}
    return found


def in_words(text: str) -> list[str]:
    """Return the numbers of a text."""
    return re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", text)


def prose_of(page: str) -> str:
    """Return the text of a Markdown page that is not in code, as it is read."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    children = [child for token in tokens for child in token.children or ()]
    assert not [
        one.type for one in (*tokens, *children) if one.type in ("image", "link_open", "html_inline", "code_block")
    ]
    blocks = [one.content.strip() for one in tokens if one.type == "html_block"]
    assert set(blocks) <= {"<!-- labelvc:review:v1 -->"}
    return "\n".join(child.content for child in children if child.type == "text")


# ---------------------------------------------------------------- numbers
def test_the_numbers_are_those_of_the_diff(changed: Zoo, labelvc: Run):
    found = told(changed, labelvc)
    _, out, _ = labelvc(changed.folder, "diff", "main...topic", "--format", "jsonl")
    rows = [json.loads(line) for line in out.splitlines()]
    records = Counter(row["kind"] for row in rows if "#" in row["key"] and not row["key"].endswith("#"))
    counted = found["counts"]["records"]
    assert {kind: counted[kind] for kind in ("added", "removed", "changed", "touched")} == dict(records)
    assert counted == {"before": 19, "after": 18, "added": 1, "removed": 2, "changed": 3, "relabelled": 3, "touched": 1}
    assert found["counts"]["items"] == {
        "before": 9, "after": 9, "added": 0, "removed": 0, "changed": 1, "concerned": 5
    }  # fmt: skip
    assert found["counts"]["documents"] == {"added": 0, "removed": 0, "changed": 1}
    assert (found["counts"]["commits"], found["counts"]["edits"]) == (2, 8)  # one record was edited twice
    assert found["counts"]["annotators"] == 2
    ways = {(way["task"], way["old"], way["new"]): way["count"] for way in found["ways"]["list"]}
    assert ways == {
        ("kind", "cat", "dog"): 1, ("kind", None, "dog"): 1, ("words", "cat", None): 1, ("where", "cat", None): 1,
        ("mood", "0", "3"): 1, ("mood", "1", "3"): 1,
    }  # fmt: skip
    assert found["ways"]["records"] == found["ways"]["distinct"] == found["ways"]["singletons"] == 6
    assert found["ways"]["list"][-1]["coverage"] == 100.0
    assert {row["name"]: row["per_thousand"] for row in found["slices"]["rows"]} == {
        "pets /source=news": 222.2, "pets /source=web": 1000.0, "pets /source=(not set)": 0.0, "(no slice)": None
    }  # fmt: skip
    for grid in found["ways"]["grids"]:
        assert sum(map(sum, grid["rows"])) == grid["records"]
        assert len(grid["rows"]) == len(grid["labels"]) + grid["others"]


def test_the_shift_is_what_is_counted_on_both_sides(changed: Zoo, labelvc: Run):
    found = told(changed, labelvc)
    sides = []
    for branch in ("main", "topic"):
        changed.git("switch", "-q", branch)
        lines = [
            json.loads(line)
            for path in sorted(changed.folder.glob("datasets/*/annotations/*.jsonl"))
            for line in path.read_text().splitlines()
        ]
        sides.append(Counter(row["value"].get("score") for row in lines if row.get("task") == "mood"))
    (mood,) = [one for one in found["shifts"] if one["task"] == "mood"]
    counted = [{int(row["label"]): row[side] for row in mood["rows"]} for side in ("before", "after")]
    assert [Counter({k: n for k, n in side.items() if n}) for side in counted] == sides
    one, two = [{k: n / side.total() for k, n in side.items()} for side in sides]
    assert mood["distance"] == pytest.approx(
        50 * sum(abs(one.get(k, 0) - two.get(k, 0)) for k in {*one, *two}), abs=0.01
    )


def test_every_number_of_the_markdown_is_in_the_json(changed: Zoo, labelvc: Run):
    found = told(changed, labelvc)
    said = in_words(prose_of(markdown(changed, labelvc)))
    assert len(said) > 100
    assert set(said) <= spelled(found)


def test_every_number_of_the_html_is_the_one_in_the_json(changed: Zoo, labelvc: Run):
    found = told(changed, labelvc)
    page = Page(html(changed, labelvc))
    assert len(page.numbers) > 150
    for pointer, value, shown in page.numbers:
        number = reached(found, pointer)
        assert str(number) == value, pointer
        assert float(shown.replace(",", "").replace("−", "-")) == pytest.approx(number, abs=0.0005), pointer
    assert in_words("\n".join(page.words)) == []
    places = {pointer.rsplit("/", 1)[0] for pointer, _, _ in page.numbers}
    for way in range(len(found["ways"]["list"])):
        assert f"/ways/list/{way}" in places


def test_samples_state_their_exact_guarantee(changed: Zoo, labelvc: Run):
    assert [sampling.bound(270, number) for number in (30, 59, 100)] == [24, 11, 6]
    for number in range(10, 50):
        changed.put(f"pets/p{number}#", {"id": f"p{number}", "natural": {"word": f"x{number}"}, "text": "word"})
        changed.put(f"pets/p{number}#m1", rating(f"p{number}", 1))
    changed.git("switch", "-qc", "more")
    changed.commit("Forty more")
    found = told(changed, labelvc, range_="main...more")["ways"]
    assert found["records"] == 46
    assert found["plans"] == [{"seen": 30, "at_most": sampling.bound(46, 30)}]
    (new,) = [way for way in found["list"] if way["old"] is None and way["task"] == "mood"]
    assert (new["count"], new["shown"], new["at_most"]) == (40, 3, sampling.bound(40, 3))
    words = ("diff", "main...more", "--label", "->1", "--sample", "3", "--seed", found["seed"], "--format", "jsonl")
    _, out, _ = labelvc(changed.folder, *words)
    assert {json.loads(line)["key"] for line in out.splitlines()} == {one["key"] for one in new["examples"]}


def second_thoughts(zoo: Zoo) -> None:
    """Let two people rate twelve items, and one of them think again of six on the branch `topic`."""
    for number in range(1, 13):
        for name, by in (("m1", ANNA), ("m2", BEN)):
            if number > 8:
                zoo.put(f"pets/p{number}#", {"id": f"p{number}", "natural": {"word": f"w{number}"}, "text": "word"})
            zoo.put(
                f"pets/p{number}#{name}", rating(f"p{number}", number % 3 if name == "m1" else number % 2, by, name)
            )
    zoo.commit("Two people")
    zoo.git("switch", "-qc", "topic")
    for number in range(1, 7):
        zoo.change(f"pets/p{number}#m2", value={"score": number % 3})
    zoo.commit("Second thoughts")


def test_a_base_that_moved_on_is_counted_from_what_was_remembered_as_if_all_were_read(zoo: Zoo, labelvc: Run):
    second_thoughts(zoo)
    first = told(zoo, labelvc)
    zoo.git("switch", "-q", "main")
    zoo.bury("pets/p10#m1")
    zoo.commit("Elsewhere")
    zoo.git("switch", "-q", "topic")
    zoo.git("rebase", "-q", "main")
    remembered = told(zoo, labelvc)
    shutil.rmtree(zoo.folder / ".git/labelvc")
    assert remembered == told(zoo, labelvc)
    assert remembered["counts"]["records"]["before"] == first["counts"]["records"]["before"] - 1
    mood = {one["task"]: one for one in remembered["agreement"]}["mood"]
    assert [mood[side]["items"] for side in ("before", "after")] == [11, 11]


def test_agreement_before_and_after_has_an_interval_where_two_people_answered(zoo: Zoo, labelvc: Run):
    second_thoughts(zoo)
    by_task = {one["task"]: one for one in told(zoo, labelvc)["agreement"]}
    mood = by_task["mood"]
    equal = [sum(n % 3 == n % 2 for n in range(1, 13)), 6 + sum(n % 3 == n % 2 for n in range(7, 13))]
    assert [mood[side]["observed"]["value"] for side in ("before", "after")] == [round(n / 12, 3) for n in equal]
    assert [mood[side]["items"] for side in ("before", "after")] == [12, 12]
    assert (
        mood["observed"]["low"]
        < mood["observed"]["value"]
        == round((equal[1] - equal[0]) / 12, 3)
        < mood["observed"]["high"]
    )
    assert mood["why"] == ""
    assert by_task["words"]["why"] == "answers of type span would have to be matched before they can be compared"
    assert by_task["kind"]["before"] is by_task["kind"]["alpha"] is None


# ---------------------------------------------------------------- forms
def test_the_parts_stand_in_the_order_of_their_weight(changed: Zoo, labelvc: Run):
    """What decides comes first, what a reviewer looks into after it, where it comes from last; both pages alike."""
    found = Page(html(changed, labelvc))
    parts = [each["aria-labelledby"] for tag, each in found.tags if tag == "section"]
    assert parts == [
        "verdict", "counts", "findings", "ways", "rates", "shift", "agreement", "examples", "documents", "merges", "privacy",
        "provenance",
    ]  # fmt: skip
    titles = re.findall(r"^### (.*)", markdown(changed, labelvc), re.MULTILINE)
    assert titles == [
        "Counts", "Findings", "Which label became which", "By annotator", "By slice", "By field", "Shift of the whole", "Agreement",
        "Examples", "Guidelines, taxonomies and other documents", "Merges", "Privacy and licence", "Where this page comes from",
    ]  # fmt: skip


def test_on_a_terminal(changed: Zoo, labelvc: Run):
    code, out, _ = labelvc(changed.folder, "review", "main...topic")
    assert code == 0
    assert re.sub(r"[0-9a-f]{40}", "…", out) == snapshot("""\
verdict         No policy was in force: nobody had to approve; 0 of 9 covered (records, items and documents that differ)
                next: labelvc trust init
counts          records: 19 before, 18 after; 1 added, 2 removed, 3 changed
                items: 9 before, 9 after; 0 added, 0 removed, 1 changed
                3 labels changed; 5 items concerned; 6 of 10 shards; 2 annotators
                documents: 0 added, 0 removed, 1 changed; 8 edits of records in 2 commits
quality         new: none; fixed: none; unchanged: 0
labels          3 labels changed, 1 came, 2 went: 6 records in 6 ways, 6 of them once
                      1   16.7 %  kind  (new record) -> dog
                      1   33.3 %  kind  cat -> dog
                      1   50.0 %  mood  0 -> 3
                      1   66.7 %  mood  1 -> 3
                      1   83.3 %  where  cat -> (record removed)
                      1  100.0 %  words  cat -> (record removed)
by annotator          3    250.0 per 1,000  prs_bbsdthvxnbtclgcpbgqkthtzvcrv
                      2  1,000.0 per 1,000  prs_bbdcxtcnrqcglttdbktsccrpwkqd
                      1    166.7 per 1,000  (nobody)
by slice              3  1,000.0 per 1,000  pets /source=web
                      2    222.2 per 1,000  pets /source=news
                      1        – per 1,000  (no slice)
                      0      0.0 per 1,000  pets /source=(not set)
by field              3        – per 1,000  (whole record)
                      2        – per 1,000  /value/score
                      1        – per 1,000  /by
                      1        – per 1,000  /ext/contact
                      1        – per 1,000  /ext/note
                      1        – per 1,000  /value/label
                      1        – per 1,000  item /text
shift           pets kind: distance 100.00 %, most at cat: 1 to 0, -100.00 points
                pets mood: distance 22.22 %, most at 3: 0 to 2, +22.22 points
                pets words: distance 50.00 %, most at cat: 1 to 0, -50.00 points
                pictures where: distance 0.00 %, most at cat: 3 to 2, +0.00 points
agreement       does not apply to pets kind, pets kinds, pets mood: fewer than 10 items have answers of two people
                does not apply to pets link: answers of type relation would have to be matched before they can be compared
                does not apply to pets note: answers of type text would have to be matched before they can be compared
                does not apply to pets odds: answers of type soft would have to be matched before they can be compared
                does not apply to pets words: answers of type span would have to be matched before they can be compared
                does not apply to pictures where: answers of type box would have to be matched before they can be compared
documents       changed labelvc.yaml
merges          no merge commit in the range
privacy         new plain personal data: none; 2 fields declared sensitive
                licence of pets: nobody says
                licence of pictures: nobody says
made by         labelvc 0.1.0; labelvc review …...…
""")


def test_markdown_keeps_its_budget_and_counts_what_it_leaves_out(changed: Zoo, labelvc: Run):
    whole = markdown(changed, labelvc)
    assert whole.startswith("<!-- labelvc:review:v1 -->\n")
    for budget in range(2_000, len(whole) + 500, 431):
        page = markdown(changed, labelvc, "--budget", str(budget))
        assert len(page) <= budget
        assert "No policy was in force" in page
        if len(page) < len(whole):
            assert "not shown here" in page or "Left out for want of room" in page
    assert "not shown here" not in whole


def test_the_same_change_gives_the_same_bytes(changed: Zoo, labelvc: Run, tmp_path):
    for form in ("json", "markdown", "text", "html"):
        words = ("review", "main...topic", "--format", form)
        first = labelvc(changed.folder, *words, "--jobs", "1")
        assert labelvc(changed.folder, *words, "--jobs", "2") == first
        changed.git("clone", "-q", str(changed.folder), str(tmp_path / form))
        changed.git("-C", str(tmp_path / form), "branch", "-q", "main", "origin/main")
        assert labelvc(tmp_path / form, *words)[:2] == first[:2]


def harmless(page: str, more: frozenset[str] = frozenset()) -> Page:
    """Hold that nothing in a page runs, loads or leads anywhere but within the page."""
    found = Page(page)
    names = {
        "html", "head", "meta", "title", "style", "body", "main", "header", "nav", "section", "article", "h1", "h2", "h3", "h4",
        "p", "ul", "li", "span", "code", "pre", "b", "br", "a", "table", "thead", "tbody", "tr", "th", "td", "div", "details",
        "summary", "ins", "del", "mark", "data", "i", "dl", "dt", "dd", "figure", "figcaption", "svg", "defs", "image", "use",
        "rect", "circle", "g",
    }  # fmt: skip
    assert {tag for tag, _ in found.tags} <= names | more
    attributes = {name for _, each in found.tags for name in each}
    assert not {name for name in attributes if name.startswith("on") or name in ("style", "src", "srcset", "action")}
    ids = [each["id"] for _, each in found.tags if "id" in each]
    assert len(ids) == len(set(ids))
    for _, each in found.tags:
        lead = each.get("href")
        assert lead is None or (lead.startswith("#") and lead[1:] in ids) or lead.startswith("data:image/")
    (policy,) = [each["content"] for tag, each in found.tags if each.get("http-equiv") == "Content-Security-Policy"]
    assert str(policy).startswith("default-src 'none';")
    return found


def test_the_page_can_be_read_without_eyes_or_mouse(changed: Zoo, labelvc: Run):
    found = harmless(html(changed, labelvc))
    tags = [tag for tag, _ in found.tags]
    assert [tags.count(tag) for tag in ("h1", "main", "header", "nav")] == [1] * 4
    assert ("html", {"lang": "en"}) in found.tags
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert tags.index("a") < tags.index("h1")
    assert found.tags[tags.index("a")][1]["class"] == "skip"
    assert all("scope" in each for tag, each in found.tags if tag == "th")
    assert all("aria-label" in each or "aria-hidden" in each for tag, each in found.tags if tag == "svg")
    assert "group" in {each.get("role") for _, each in found.tags}
    for _, each in found.tags:
        if each.get("role") == "group":
            assert each["tabindex"] == "0"
            assert "aria-label" in each or "aria-labelledby" in each
    ids = {each["id"] for _, each in found.tags if "id" in each}
    assert {each["aria-labelledby"] for _, each in found.tags if "aria-labelledby" in each} <= ids


# ---------------------------------------------------------------- verdict
def test_the_verdict_says_who_can_and_what_to_type(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    def verdict() -> dict[str, Any]:
        return told(desk, lambda _, *words: desk.labelvc(*words))["verdict"]

    found = verdict()
    assert found["state"] == "missing"
    assert found["next"].startswith("labelvc approve main...topic --role ")
    assert all(need["missing"] for need in found["needs"])
    assert desk.labelvc("review", "main...topic", "--exit-code")[0] == 1
    monkeypatch.setenv("CI", "true")
    for words in ((), ("--exit-code",)):
        code, out, err = desk.labelvc("review", "main...topic", *words)
        assert (code, "Not approved yet" in out, "nobody pinned the root" in err) == (2, True, True)
    monkeypatch.delenv("CI")
    assert desk.labelvc("review", "main...topic")[0] == 0
    for _ in range(4):
        if found["state"] == "approved":
            break
        (role, who), *_ = [(need["role"], need["who_can"][0]) for need in found["needs"] if need["missing"]]
        desk.approve(who, "main...topic", role)
        found = verdict()
    assert (found["state"], found["next"], found["uncovered"]) == ("approved", "", [])
    assert found["said"]
    code, _, _ = desk.labelvc("review", "main...topic", "--exit-code")
    assert code == int("error" in told(desk, lambda _, *words: desk.labelvc(*words))["quality"]["new"])


def test_a_branch_that_is_a_command_is_quoted_where_it_is_to_be_typed(desk: Desk):
    name = "x;touch${IFS}pwned;true"
    desk.git("branch", name, "topic")
    for words in (("review",), ("verify",), ("policy", "explain")):
        out = "".join(map(str, desk.labelvc(*words, f"main...{name}")[1:]))
        typed = [line for line in out.splitlines() if "labelvc approve" in line]
        assert typed, out
        assert all(f"'main...{name}'" in line for line in typed), typed


# ---------------------------------------------------------------- bad input
def test_two_long_keys_look_different_on_the_page(zoo: Zoo, labelvc: Run):
    """As on a terminal: beginning, end, and a digest of what is left out between."""
    items = ["p" * 400 + middle + "q" * 400 for middle in "ab"]
    zoo.git("switch", "-qc", "topic")
    for item in items:
        zoo.put(f"pets/{item}#", {"id": item, "natural": {"word": item[400]}, "text": "the cat"})
        zoo.put(f"pets/{item}#m1", rating(item))
    zoo.commit("Two long ones")
    page = html(zoo, labelvc)
    for item in items:
        assert texts.named(f"pets/{item}#m1") in page


def test_nothing_differs(zoo: Zoo, labelvc: Run):
    zoo.git("branch", "topic")
    found = told(zoo, labelvc)
    assert found["ways"]["records"] == found["verdict"]["total"] == found["counts"]["commits"] == 0
    assert found["shifts"] == found["documents"] == found["agreement"] == []
    assert "no label changed, came or went" in markdown(zoo, labelvc)


def test_members_of_the_wrong_kind_are_findings_and_stop_no_page(zoo: Zoo, labelvc: Run):
    zoo.git("switch", "-qc", "topic")
    zoo.change("pets/p1#m1", task=["mood"])
    zoo.change("pets/p2#m1", by={"a": 1}, origin=7)
    zoo.commit("Odd")
    found = told(zoo, labelvc)
    assert found["counts"]["records"]["changed"] == 2
    assert found["quality"]["new"]["error"] >= 2


ODD: dict[str, tuple[str, bytes, bytes]] = {
    "the project is a link": ("labelvc.yaml", b"", b""),
    "its governance a word": ("labelvc.yaml", b"goal:", b"governance: licence\ngoal:"),
    "a licence a mapping": ("labelvc.yaml", b"goal:", b"governance: {licence: {a: 1}, creators: [[1]]}\ngoal:"),
    "a status a list": ("taxonomies/animals.yaml", b"status: deprecated", b"status: [1]"),
    "a pointer a word": (PETS, b"{pointer: /ext/owner,", b"{pointer: ext,"),
}
"""Documents whose members are of no kind that their schemas know: what is told, where, and the branch's own record are all the same."""


@pytest.mark.parametrize("name", ODD)
def test_documents_of_the_wrong_kind_are_findings_and_stop_no_page(zoo: Zoo, labelvc: Run, name: str):
    path, old, new = ODD[name]
    zoo.git("switch", "-qc", "topic")
    zoo.change("pets/p1#m1", value={"score": 3})
    zoo.change("pets/p1#", text="the cat and the fox")
    if old:
        assert old in zoo.read(path)
        zoo.write(path, zoo.read(path).replace(old, new))
    else:
        (zoo.folder / path).rename(zoo.folder / "other.yaml")
        (zoo.folder / path).symlink_to("other.yaml")
    zoo.commit("Odd")
    found = told(zoo, labelvc)
    assert found["counts"]["records"]["changed"] == 1
    assert path in {one["place"]["path"] for one in found["quality"]["findings"] if one["severity"] == "error"}
    assert labelvc(zoo.folder, "diff", "main...topic", "--format", "markdown")[0] == 0


def test_documents_alone(zoo: Zoo, labelvc: Run):
    zoo.git("switch", "-qc", "topic")
    zoo.replace("taxonomies/animals.yaml", "{id: cat, name: Cat}", "{id: cat, name: Cat, status: deprecated}")
    zoo.replace("labelvc.yaml", "Know the animals", "Know all animals")
    zoo.commit("Documents")
    found = told(zoo, labelvc)
    assert found["counts"]["records"]["changed"] == found["ways"]["records"] == 0
    assert [one["path"] for one in found["documents"]] == ["labelvc.yaml", "taxonomies/animals.yaml"]
    assert {(one["dataset"], one["task"], one["label"]): one["records"] for one in found["stranded"]} == {
        ("pets", "kind", "cat"): 1, ("pets", "kinds", "cat"): 1, ("pets", "link", "cat"): 1, ("pets", "words", "cat"): 1,
        ("pictures", "where", "cat"): 3,
    }  # fmt: skip
    page = markdown(zoo, labelvc)
    assert "1 record of `pets` `kind` stands on `cat`, which is out of use" in page
    assert "3 records of `pictures` `where` stand on `cat`, which is out of use" in page


def test_what_a_guideline_and_a_taxonomy_say_differently_is_on_the_page(zoo: Zoo, labelvc: Run):
    path, animals = "guidelines/mood.yaml", "taxonomies/animals.yaml"
    zoo.write(path, document.edit(zoo.read(path), {("labels",): {"1": {"definition": "As when the sun comes out."}}}))
    zoo.commit("A definition")
    zoo.git("switch", "-qc", "topic")
    moon = {"1": {"definition": "As when the moon comes out."}}
    zoo.write(path, document.edit(zoo.read(path), {("labels",): moon, ("version",): "1.2.0"}))
    labels = [
        {"id": "cat", "name": "House cat", "parent": "pet"},
        {"id": "dog", "name": "Dog", "status": "deprecated"},
        {"id": "pet", "name": "Pet"},
    ]
    zoo.write(animals, document.edit(zoo.read(animals), {("labels",): labels, ("version",): "2.0.0"}))
    zoo.commit("Words")
    rows = {one["path"]: one for one in told(zoo, labelvc)["documents"]}
    assert {name: (row["kind"], row["said"], row["more"]) for name, row in rows.items()} == {
        path: ("changed", "", 0), animals: ("changed", "", 0),
    }  # fmt: skip
    edits = {
        name: [(one["of"], one["what"], one["name"], one["old"], one["new"]) for one in row["edits"]]
        for name, row in rows.items()
    }
    assert edits[path] == [
        ("version", "changed", "", "1.1.0", "1.2.0"),
        ("block", "changed", "1", "As when the sun comes out.", "As when the moon comes out."),
    ]
    assert {one[:3] for one in edits[animals]} == {
        ("version", "changed", ""), ("label", "removed", "dodo"), ("label", "renamed", "cat"),
        ("label", "moved", "cat"), ("label", "deprecated", "dog"), ("label", "added", "pet"),
    }  # fmt: skip
    assert ("label", "renamed", "cat", "Cat", "House cat") in edits[animals]
    pages = markdown(zoo, labelvc), " ".join(re.sub(r"<[^>]*>", "", html(zoo, labelvc)).split())
    for page in pages:
        for said in ("label cat renamed", "House cat", "label cat moved", "label dog deprecated", "label dodo", "moon"):
            assert said in page, (said, page)


def test_a_page_says_which_policy_change_and_licences_it_is_of_and_how_it_is_made_again(
    zoo: Zoo, people_keys: Path, labelvc: Run
):
    desk = govern(zoo, people_keys, labelvc)
    zoo.git("switch", "-qc", "topic")
    sources = [{"name": "web", "licence": "MIT"}, {"name": "news"}]
    zoo.write(PETS, document.edit(zoo.read(PETS), {("sources",): sources}))
    zoo.change("pets/p1#k1", value={"label": "dog"})
    zoo.commit("Sources")
    found = told(zoo, labelvc)
    assert found["licences"] == [{"dataset": "pets", "licences": ["MIT"], "sources": 2, "silent": 1}]
    policy = json.loads(desk.labelvc("policy", "show", "--format", "json")[1])["summary"]
    (step,) = desk.verify()[1]
    shown = found["provenance"]
    assert (shown["policy"], shown["root"]) == (policy["digest"], policy["root"])
    assert shown["changeset"] == step["changeset"]
    program, *words = shlex.split(shown["command"])
    assert program == "labelvc"
    code, out, err = labelvc(zoo.folder, *words, "--format", "json")
    assert code == 0, err
    again = json.loads(out)
    assert again["provenance"] == shown
    found, again = [json.loads(json.dumps(page).replace(words[1], "main...topic")) for page in (found, again)]
    for end in ("base", "head"):
        assert again[end]["commit"] == found[end]["commit"]
        assert again.pop(end)["name"] == found.pop(end)["commit"]
    assert again == found


def test_what_cannot_be_reviewed_exits_2_and_says_why(zoo: Zoo, labelvc: Run):
    zoo.git("switch", "-q", "--orphan", "alone")
    zoo.commit("Alone")
    for words, said in (
        ("main...alone", "alone"),
        ("main..alone", "is not in the history"),
        ("main", "is no range"),
        ("main...nowhere", "nowhere"),
    ):
        code, out, err = labelvc(zoo.folder, "review", words)
        assert (code, out) == (2, ""), words
        assert said in err
        assert "next: " in err


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_nothing_in_a_page_is_live(zoo: Zoo, labelvc: Run, number: int):
    said = HOSTILE[number]
    zoo.git("switch", "-qc", "topic")
    zoo.change("pets/p1#", text=f"the {said} and", source=said, ext={"owner": BEN, "who": said})
    zoo.change("pets/p1#k1", value={"label": said}, ext={"contact": None, said: said})
    zoo.change("pets/p1#w1", value={"label": said, "span": [4, 4 + len(said)], "text": said})
    zoo.replace("labelvc.yaml", "goal: Know the animals", f"goal: {json.dumps(said)}")
    zoo.put("pictures/b.jpg#", {"id": "b.jpg", "media": {"height": 9, "path": said.replace("/", "-"), "width": 9}})
    zoo.change("pictures/b.jpg#x1", value={"label": said, "box": [1, 1, 3, 3]})
    zoo.git("add", "--all")
    zoo.git("commit", "-qnm", said)
    page, whole = markdown(zoo, labelvc), html(zoo, labelvc)
    prose_of(page)
    harmless(whole)
    _, text, _ = labelvc(zoo.folder, "review", "main...topic")
    for written in (page, text, whole):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u200b\u202a-\u202e\u2066-\u2069]", written)
    assert told(zoo, labelvc)["ways"]["records"] == 3


def test_no_plain_value_is_shown(zoo: Zoo, labelvc: Run):
    zoo.git("switch", "-qc", "topic")
    zoo.change("pets/p1#k1", value={"label": "dog"}, by=PLAIN, ext={"contact": PLAIN})
    zoo.change("pets/p1#", text=f"write to {PLAIN} or the dog", ext={"owner": PLAIN})
    zoo.put("pets/p1#n2", answer("p1", "n2", "note", {"text": f"call {PLAIN}"}, by=ANNA))
    zoo.replace("labelvc.yaml", "Know the animals", f"Ask {PLAIN}")
    zoo.commit("Plain")
    found = told(zoo, labelvc)
    assert found["privacy"]["hidden"] > 1
    assert found["privacy"]["findings"]
    for form in ("json", "markdown", "text", "html"):
        _, out, err = labelvc(zoo.folder, "review", "main...topic", "--format", form)
        assert PLAIN not in out + err
        assert "bloggs" not in out + err
    assert "•••" in json.dumps(found, ensure_ascii=False)


def test_a_long_text_and_ten_thousand_labels(zoo: Zoo, labelvc: Run):
    labels = "".join([f"  - {{id: l{number}, name: L{number}}}\n" for number in range(10_000)])
    zoo.replace("taxonomies/animals.yaml", "labels:\n", f"labels:\n{labels}")
    zoo.commit("Labels")
    zoo.git("switch", "-qc", "topic")
    zoo.change("pets/p1#", text="the cat and the dog " + "word " * 200_000)
    zoo.change("pets/p1#s1", value={"labels": [f"l{number}" for number in range(0, 10_000, 3)]})
    for number in range(400):
        zoo.put(f"pets/p2#k{number + 10}", answer("p2", f"k{number + 10}", "kind", {"label": f"l{number}"}, by=BEN))
    zoo.commit("Many")
    found = told(zoo, labelvc)
    assert (found["ways"]["distinct"], len(found["ways"]["list"]), found["ways"]["more"]) == (401, 200, 201)
    assert max(len(way["new"]) for way in found["ways"]["list"]) <= 120
    page = markdown(zoo, labelvc)
    assert len(page) <= 60_000
    assert "and 201 more, not shown here" in page
    assert len(json.dumps(found)) < 400_000


def portrait(width: int, height: int, form: str = "JPEG", *, noise: bool = False) -> bytes:
    """Return a picture; noise makes it large."""
    image = (
        Image.effect_noise((width, height), 200).convert("RGB") if noise else Image.new("RGB", (width, height), "teal")
    )
    exif = Image.Exif()
    exif[0x010E] = PLAIN
    found = io.BytesIO()
    image.save(found, form, quality=98, exif=exif)
    return found.getvalue()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is no JPEG or PNG, or it is damaged"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "it is no JPEG or PNG, or it is damaged"),
        (portrait(100, 100)[:300], "it is no JPEG or PNG, or it is damaged"),
        (None, "it is not in the repository; labelvc media add brings pictures in"),
        (portrait(1500, 1500, noise=True), "it is too large for a page"),
        (portrait(100, 100), ""),
        (portrait(100, 100, "PNG"), ""),
    ],
    ids=["empty", "svg", "cut off", "missing", "too large", "jpeg", "png"],
)
def test_a_picture_is_shown_clean_or_the_page_says_why_not(zoo: Zoo, labelvc: Run, data: bytes | None, why: str):
    if data is not None:
        zoo.write("datasets/pictures/media/b.jpg", data)
    zoo.commit("Picture")
    zoo.git("switch", "-qc", "topic")
    zoo.change("pictures/b.jpg#x1", value={"label": "dog", "box": [12, 10, 20, 20]})
    zoo.put("pictures/b.jpg#x4", answer("b.jpg", "x4", "where", {"label": "cat", "box": [1, 1, 2, 2]}, by=ANNA))
    zoo.bury("pictures/b.jpg#x2")
    zoo.commit("Boxes")
    found = told(zoo, labelvc)
    pictures = [one["picture"] for way in found["ways"]["list"] for one in way["examples"]]
    assert len(pictures) == 3
    for one in pictures:
        assert one["why"].startswith(why)
        assert bool(one["why"]) == bool(why) != bool(one["digest"])
        assert [(box["sign"], box["label"], box["x"]) for box in one["boxes"]] == [
            ("=", "cat", 80), ("-", "cat", 10), ("-", "cat", 50), ("+", "dog", 12), ("+", "cat", 1)
        ]  # fmt: skip
        assert (one["differing"], one["total"]) == (4, 5)
    page = html(zoo, labelvc)
    taken = harmless(page)
    images = [str(each["href"]) for tag, each in taken.tags if tag == "image"]
    assert len(images) == int(not why)
    for image in images:
        shown = base64.b64decode(image.partition(",")[2])
        assert PLAIN.encode() not in shown
        with Image.open(io.BytesIO(shown)) as opened:
            assert opened.size == (100, 100)
        assert f"sha256:{hashlib.sha256(shown).hexdigest()}" == pictures[0]["digest"]
    kinds = Counter(
        each["class"].split()[1]
        for tag, each in taken.tags
        if tag == "rect" and each.get("class", "").startswith("box")
    )
    assert kinds == {"keep": 3 + 1, "went": 6 + 1, "came": 6 + 1, "halo": 12}  # three drawings, and the legend
    assert "b.jpg: removed cat box, removed cat box, added dog box, added cat box" in page


def test_a_link_in_place_of_a_picture_is_not_followed(zoo: Zoo, labelvc: Run):
    (zoo.folder / "datasets/pictures/media").mkdir()
    (zoo.folder / "datasets/pictures/media/b.jpg").symlink_to("/etc/passwd")
    zoo.commit("Link")
    zoo.git("switch", "-qc", "topic")
    zoo.bury("pictures/b.jpg#x2")
    zoo.commit("Boxes")
    (way,) = told(zoo, labelvc)["ways"]["list"]
    assert way["examples"][0]["picture"]["why"] == "it is a link, which is not followed"


def test_crowded_pictures_leave_room_for_the_page(zoo: Zoo, labelvc: Run):
    boxes = [[x, y, 3, 3] for x in range(0, 95, 6) for y in range(0, 95, 6)]
    for number in range(30):
        item = f"c{number}.jpg"
        zoo.put(f"pictures/{item}#", {"id": item, "media": {"height": 100, "path": item, "width": 100}})
        for at, box in enumerate(boxes[:80]):
            zoo.put(f"pictures/{item}#y{at}", answer(item, f"y{at}", "where", {"label": "cat", "box": box}, by=ANNA))
    zoo.commit("Crowds")
    zoo.git("switch", "-qc", "topic")
    for number in range(30):
        zoo.change(f"pictures/c{number}.jpg#y7", value={"label": "dog", "box": [50, 50, 4, 4]})
    zoo.commit("One each")
    (way,) = told(zoo, labelvc)["ways"]["list"]
    for one in way["examples"]:
        assert (len(one["picture"]["boxes"]), one["picture"]["more"], one["picture"]["differing"]) == (60, 21, 2)
        assert [box["sign"] for box in one["picture"]["boxes"]][-2:] == ["-", "+"]
    page = html(zoo, labelvc)
    harmless(page)
    assert len(page) < 500_000


def test_what_a_merge_made_up_is_told(zoo: Zoo, labelvc: Run):
    zoo.git("switch", "-qc", "topic")
    zoo.change("pets/p1#k1", value={"label": "dog"})
    zoo.commit("One")
    zoo.git("switch", "-q", "main")
    zoo.change("pets/p3#m1", value={"score": 3})
    zoo.commit("Another")
    zoo.git("switch", "-q", "topic")
    zoo.git("merge", "-q", "--no-commit", "main")
    assert labelvc(zoo.folder, "review", "main...topic", "--exit-code")[0] == 0
    zoo.change("pets/p3#m1", value={"score": 2})
    zoo.commit("Merged, and edited on the way")
    found = told(zoo, labelvc)["merges"]
    assert (found["commits"], found["verdicts"], found["problems"]) == (1, {"unwritten": 1}, [])
    assert (found["rows"][0]["key"], found["rows"][0]["fields"]) == ("pets/p3#m1", ["/value/score"])
    assert labelvc(zoo.folder, "review", "main...topic", "--exit-code")[0] == 1
    assert "no side and no rule says" in markdown(zoo, labelvc)
    harmless(html(zoo, labelvc))


def test_a_dataset_that_goes_and_documents_that_break_are_told(zoo: Zoo, labelvc: Run):
    zoo.git("switch", "-qc", "topic")
    shutil.rmtree(zoo.folder / "datasets/pictures")
    zoo.commit("Gone")
    found = told(zoo, labelvc)
    assert (found["counts"]["records"]["removed"], found["counts"]["items"]["removed"]) == (3, 1)
    zoo.write(PETS, "a: [b")
    zoo.change("pets/p1#k1", value={"label": ["dog"]})
    zoo.commit("Broken")
    found = told(zoo, labelvc)
    assert found["quality"]["new"]["error"] >= 1
    assert found["counts"]["records"]["changed"] == 1
    harmless(html(zoo, labelvc))
    (zoo.folder / "labelvc.yaml").unlink()
    zoo.commit("No project")
    code, out, err = labelvc(zoo.folder, "review", "main...topic", "--format", "html")
    assert (code, out) == (2, "")
    assert "labelvc.yaml" in err


def test_behind_dvc_it_is_the_same_and_what_is_missing_is_no_page(zoo: Zoo, labelvc: Run):
    zoo.store_in_dvc()
    zoo.commit("Behind DVC")
    zoo.git("switch", "-qc", "topic")
    zoo.change("pets/p1#k1", value={"label": "dog"})
    assert labelvc(zoo.folder, "format")[0] == 0
    zoo.commit("One label")
    found = told(zoo, labelvc)
    assert [(way["old"], way["new"], way["count"]) for way in found["ways"]["list"]] == [("cat", "dog", 1)]
    assert (found["counts"]["records"]["before"], found["documents"]) == (16, [])
    shutil.rmtree(zoo.folder / ".dvc/cache")
    code, out, err = labelvc(zoo.folder, "review", "main...topic", "--format", "html")
    assert (code, out) == (2, "")
    assert "dvc pull" in err
