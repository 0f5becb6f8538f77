"""Texts that would do something if a page, a terminal or a host took them for anything but text, in every place that holds a text, through every command.

One repository is full of them: labels, texts, ids, names of fields, files, tasks' documents, guidelines, registers, people, reasons, messages and authors.
"""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from markdown_it import MarkdownIt

from labelvc.cli import merging
from tests.browser import quiet
from tests.cli.test_review import HOSTILE as TEXTS
from tests.cli.test_review import Page
from tests.people import Desk
from tests.trusting import govern, people_keys
from tests.zoo import Zoo, answer, rating, zoo, zoo_template

__all__ = ["people_keys", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
HOSTILE = (
    *TEXTS,
    "<svg/onload=alert(1)><a xlink:href='javascript:alert(1)'>",
    "[x](javascript:alert(1)) [y](data:text/html,z) <javascript:alert(1)> www.e.vil ftp://e.vil/",
    "`<img src=x onerror=alert(1)>` ``` ~~~ <details><summary>",
    "::error file=x::y ##[add-mask]z",
    "\u2067\u200f\u061c\u2028\u2029\x85\ufeff\u00ad invisible",
    "' onfocus=alert(1) autofocus x='",
    "--> <!-- ]]> <![CDATA[ &#106;avascript&colon;alert(1)",
    "\x9b2J\x1bP+q\x1b\\\x1b]52;c;eA==\x07\r\x08",
)
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_LIVE = {
    "script",
    "iframe",
    "object",
    "embed",
    "form",
    "input",
    "img",
    "link",
    "base",
    "animate",
    "set",
    "foreignobject",
}


class Full(NamedTuple):
    """A repository full of payloads, and who can sign in it."""

    zoo: Zoo
    desk: Desk


def fill(zoo: Zoo) -> None:
    """Put a payload wherever a schema lets a text stand; a label's id is one where it may be."""
    said = json.dumps
    zoo.replace("labelvc.yaml", "goal: Know the animals", f"goal: {said(HOSTILE[0])}\ngovernance:\n  licence: {said(HOSTILE[1])}\n"
        f"  creators: [{', '.join(map(said, HOSTILE))}]\n  biases: {said(HOSTILE[4])}\n  citation: {said(HOSTILE[5])}")  # fmt: skip
    zoo.replace(
        "datasets/pets/dataset.yaml", "checks: {}", f"checks: {{}}\ntitle: {said(HOSTILE[12])}\nslices: [/source]"
    )
    names = [label(text) for text in HOSTILE]
    labels = "".join(
        [
            f"  - {{id: {said(name)}, name: {said(name)}, description: {said(text)}}}\n"
            for name, text in zip(names, HOSTILE, strict=True)
        ]
    )
    zoo.replace("taxonomies/animals.yaml", "labels:\n", f"labels:\n{labels}")
    blocks = "".join([
        f"  {said(name)}: {{definition: {said(text)}, use_when: [{said(text)}], avoid_when: [{said(text)}], rationale: {said(text)}, "
        f"examples: [{{text: {said(text)}, label: {said(name)}, why: {said(text)}}}], edge_cases: [{said(text)}]}}\n"
        for name, text in zip(names, HOSTILE, strict=True)
    ])  # fmt: skip
    zoo.write("guidelines/kinds.yaml", "schema: urn:labelvc:schema:guideline:1\nname: kinds\nversion: 1.0.0\nstatus: draft\n"
        f"title: {said(HOSTILE[13])}\nowner: {said(HOSTILE[2])}\ntaxonomy: animals\nambiguity: {said(HOSTILE[14])}\nlabels:\n{blocks}")  # fmt: skip
    for at, text in enumerate(HOSTILE):
        name = f"feedback/{at:04}-words"
        zoo.write(f"registers/{name}.yaml", f"schema: urn:labelvc:schema:register-feedback:1\nid: {name}\ntitle: {said(text)}\nowner: ada\n"
            f"opened: 2026-03-01\nstatus: open\nsaid: {said(text)}\n")  # fmt: skip
        zoo.put(f"pets/{text}#", {"id": text, "natural": {"word": f"h{at}"}, "source": text, "text": f"the {text} and"})
        zoo.put(f"pets/{text}#m1", rating(text))
        key = text.replace("#", "+")
        zoo.put(
            f"pets/{text}#{key}", answer(text, key, "note", {"text": text}, origin={"tool": text}, ext={text: text})
        )
        zoo.put(f"pets/{text}#k", answer(text, "k", "kind", {"label": names[at]}))


def label(text: str) -> str:
    """Return a text as the id of a label, in which nothing unseen may stand, nor blanks at its ends."""
    return _UNSEEN.sub("", text.replace("\n", "")).strip()


def change(zoo: Zoo) -> None:
    """Change, on a branch, each of these texts to the next one; files have such names too."""
    for at, text in enumerate(HOSTILE):
        after = HOSTILE[(at + 1) % len(HOSTILE)]
        zoo.change(f"pets/{text}#", text=f"the {after} and", source=after)
        zoo.change(f"pets/{text}#k", value={"label": label(after)})
        zoo.change(f"pets/{text}#{text.replace('#', '+')}", value={"text": after})
        name = re.sub(r"[/\x00]", "", after)
        zoo.write(f"datasets/pets/items/{name}.jsonl", "stray\n")
        zoo.write(name.strip() or "x", "of no kind\n")
        zoo.write(f"guidelines/{label(name)}.yaml", f"title: {json.dumps(text)}\n")
    zoo.replace("labelvc.yaml", json.dumps(HOSTILE[0]), json.dumps(HOSTILE[3]))
    zoo.replace("guidelines/kinds.yaml", f"title: {json.dumps(HOSTILE[13])}", f"title: {json.dumps(HOSTILE[16])}")


@pytest.fixture
def full(zoo: Zoo, people_keys: Path, labelvc: Run) -> Full:
    """Return the repository: `main` and a release have payloads, the branch `topic` changes them all and is approved."""
    desk = govern(zoo, people_keys, labelvc)
    words = ("--role", "reviewer", "--key", f"{desk.key('ben2')}.pub", "--sign-with", desk.key("ada"))
    assert desk.labelvc("policy", "add", "eve", "--name", HOSTILE[0], *words)[0] == 0
    fill(zoo)
    commit(zoo, 0)
    code, _, err = desk.labelvc("release", "cut", "1.0.0", "--unapproved", "--yes", "--key", desk.key("ada"))
    assert code == 0, err
    commit(zoo, 1)
    zoo.git("switch", "-qc", "topic")
    change(zoo)
    commit(zoo, 2)
    desk.approve("ben", "main...topic", "reviewer", "--reason", HOSTILE[1])
    return Full(zoo, desk)


def commit(zoo: Zoo, at: int) -> None:
    zoo.git("add", "--all")
    zoo.git("commit", "-qm", HOSTILE[at], GIT_AUTHOR_NAME=HOSTILE[at + 3])


FIRST = HOSTILE[0]
ON_MAIN: dict[tuple[str, ...], tuple[str, ...]] = {
    ("check", "--all"): ("text", "junit", "github"),
    ("status",): ("text",),
    ("doctor",): ("text",),
    ("log",): ("text",),
    ("log", "pets"): ("text",),
    ("blame", f"pets/{FIRST}"): ("text",),
    ("trace", f"pets/{FIRST}#k"): ("text",),
    ("report",): ("text", "markdown", "html"),
    ("policy", "show"): ("text",),
    ("policy", "codeowners"): ("text",),
    ("register", "list"): ("text",),
    ("register", "show", "feedback/0012-words"): ("text",),
    ("guideline", "list"): ("text",),
    ("guideline", "impact", "kinds"): ("text",),
    ("taxonomy", "list"): ("text",),
    ("dataset", "show", "pets"): ("text",),
    ("release", "list"): ("text",),
    ("release", "notes", "1.0.0"): ("text",),
    ("release", "verify", "1.0.0"): ("text",),
    ("release", "card"): ("markdown", "html"),
    ("privacy", "scan", "--all"): ("text",),
}
ON_TOPIC: dict[tuple[str, ...], tuple[str, ...]] = {
    ("check", "main...topic"): ("text", "junit", "github"),
    ("diff", "main...topic"): ("text", "markdown", "html"),
    ("review", "main...topic"): ("text", "markdown", "html"),
    ("verify", "main...topic"): ("text",),
    ("policy", "explain", "main...topic"): ("text",),
    ("guideline", "render", "kinds"): ("markdown", "html"),
    ("audit", "merges", "main...topic"): ("text",),
    ("audit", "population", "--all"): ("text", "csv"),
}
"""Commands with the forms that people read, and which a terminal, a host or a browser shows."""


def told(full: Full, labelvc: Run, commands: dict[tuple[str, ...], tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """Yield what commands say, with its form."""
    for words, forms in commands.items():
        for form in forms:
            code, out, err = labelvc(full.zoo.folder, *words, *(() if form == "text" else ("--format", form)))
            assert (code in (0, 1), bool(out)) == (True, True), (words, form, err)
            yield form, out
            yield "text", err


def judge(form: str, said: str) -> None:
    """Hold that nothing in an output is anything but text."""
    assert _UNSEEN.search(said) is None, (form, said[_UNSEEN.search(said).start() - 60 :][:120])  # type: ignore[union-attr]
    if form == "github":
        assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in said.splitlines())
    if form == "text":
        assert [line for line in said.splitlines() if "##[" in line or line.lstrip().startswith("::")] == []
    if form == "markdown":
        tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(said)
        inner = [child for token in tokens for child in token.children or ()]
        kinds = {one.type for one in (*tokens, *inner)}
        assert not kinds & {"link_open", "image", "html_inline"}, kinds
        assert all(
            re.match(r"base [0-9a-f]{12}; head [0-9a-f]{12}: \d", one.content) for one in tokens if one.type == "fence"
        )
        lines = {line for one in tokens if one.type == "html_block" for line in one.content.strip().splitlines()}
        assert all(
            re.fullmatch(r"<!-- labelvc:\w+:v1 -->|</?details>|<details><summary>[\w ,]+</summary>", line)
            for line in lines
        ), lines
        spans = [
            [one.content if one.type in ("text", "text_special") else "\n" for one in token.children or ()]
            for token in tokens
        ]
        shown = "\n".join(["".join(row) for row in spans])
        if said.startswith("<!-- labelvc:"):  # it is posted as a comment, where a host looks for more
            assert re.findall(r"[@#!~%&$][\w\"]|(?i:\b(?:https?|ftp|mailto|www|gh)[:.-])", shown) == []
    if form == "html":
        page = Page(said)
        assert not _LIVE & {tag for tag, _ in page.tags}
        assert not [
            (name, value)
            for _, each in page.tags
            for name, value in each.items()
            if name.startswith("on") or name in ("style", "src", "action")
        ]
        assert all(str(each["href"])[:1] == "#" for _, each in page.tags if "href" in each)


def test_no_text_is_anything_but_text(full: Full, labelvc: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """On a terminal, in Markdown, for a host's runner, and in a browser that opens every page."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    pages = list[Path]()

    def hold(form: str, said: str) -> None:
        judge(form, said)
        if form == "html":
            pages.append(tmp_path / f"{len(pages)}.html")
            pages[-1].write_text(said)

    for form, said in told(full, labelvc, ON_TOPIC):
        hold(form, said)
    out = tmp_path / "out"
    code, said, err = labelvc(
        full.zoo.folder, "ci", "--base", "main", "--head", "topic", "-o", str(out), "--branch", HOSTILE[15]
    )
    assert code == 1, err
    hold("text", "".join([line for line in said.splitlines(keepends=True) if not line.startswith("::")]))
    hold("markdown", (out / "summary.md").read_text())
    hold("html", (out / "review.html").read_text())
    hold("junit", (out / "junit.xml").read_text())
    full.zoo.git("checkout", "-qf", "main")
    full.zoo.git("clean", "-qdf")
    for form, said in told(full, labelvc, ON_MAIN):
        hold(form, said)
    code, _, err = labelvc(
        full.zoo.folder, "audit", "bundle", "--key", f"pets/{FIRST}#k", "-o", str(tmp_path / "b.tar")
    )
    assert code == 0, err
    with tarfile.open(tmp_path / "b.tar") as files:
        for name, form in (("report.html", "html"), ("report.md", "markdown")):
            file = files.extractfile(name)
            assert file
            hold(form, file.read().decode())
    quiet(pages)


def test_json_on_a_terminal_holds_nothing_that_a_terminal_obeys_and_says_the_same(zoo: Zoo):
    """C0 is escaped by JSON itself; a terminal obeys U+009B as it does ESC [, and shows what U+202E turns around."""
    said = "\x9b31m \u202egnp.exe\u202c \x1b[2J ünïcode"
    zoo.change("pets/p1#n1", value={"text": said})
    main, side = pty.openpty()
    words = [str(Path(sys.executable).parent / "labelvc"), "diff", "--format", "json"]
    with subprocess.Popen(words, cwd=zoo.folder, stdout=side, stderr=subprocess.DEVNULL) as running:
        os.close(side)
        seen = b""
        while part := _read(main):
            seen += part
    assert running.returncode == 0
    text = seen.decode().replace("\r\n", "\n")
    assert _UNSEEN.search(text) is None
    assert "ünïcode" in text
    assert json.loads(text)["items"][0]["new"]["value"]["text"] == said
    piped = subprocess.run(words, cwd=zoo.folder, capture_output=True, check=True).stdout
    assert "\u202egnp.exe\u202c".encode() in piped
    assert json.loads(piped) == json.loads(text)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other side is closed
        return b""


def test_the_merge_driver_shows_a_path_and_obeys_none(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """git quotes paths in what it says itself, and hands them to a driver as they are."""
    files = [tmp_path / name for name in "abc"]
    for file, text in zip(files, ("x\n", "x\ny\n", "z\nx\n"), strict=True):
        file.write_text(text)
    merging.run([*map(str, files), "7", "datasets/\x1b]0;pwned\x07/annotations/1.jsonl"])
    assert _UNSEEN.search(capfd.readouterr().err) is None
