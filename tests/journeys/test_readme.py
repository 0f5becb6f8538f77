"""The README and the guide, run as they are printed: every command, its exit code and the words it says.

In a page, a block marked `sh` is run line by line in one shell, in a folder and a home of its own. A block marked
`text` right after it is what it prints, where a line `...` stands for any lines, `...` in a line for any words, and a last line `(exit N)` for the exit code
of the last command; without that line every command ends with 0. A comment `<!-- not run: why -->` before a block
keeps it from being run, `<!-- file: NAME -->` makes it a file beside the repository. A page of the guide goes on where the README's tour ends.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

TOP = Path(__file__).resolve().parents[2]
GUIDE = sorted(path.relative_to(TOP).as_posix() for path in (TOP / "docs/guide").glob("*.md"))
PAGES = ["README.md", "docs/README.md", *GUIDE]
HERE = {"README.md": "."}
"""Where a page's first command is typed; the others go on in the tour's repository."""

_BLOCK = re.compile(r"(?:^<!-- ([a-z ]+): (.+?) -->\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXIT = re.compile(r"\(exit (\d+)\)\n\Z")
_SAME = (
    (re.compile(r"\bSHA256:[A-Za-z0-9+/]{43}"), "SHA256:K"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "U"),
    (re.compile(r"\b(?=[a-f]*\d)[0-9a-f]{7,64}\b|\b[a-f]{7,64}\b"), "H"),
    (re.compile(r"\bprs_[bcdfghjklmnpqrstvwxz]{28}\b"), "prs_P"),
    (re.compile(r"\b20\d\d-\d\d-\d\d(T\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d))?"), "D"),
)


class Block(NamedTuple):
    """A block of commands: where it stands, what it is, and what the page says it prints (None: it does not say)."""

    page: str
    line: int
    commands: str
    printed: str | None
    code: int


def blocks(page: str) -> Iterator[Block]:
    """Yield the blocks of a page that are run, each with the `text` block right after it."""
    text = (TOP / page).read_text(encoding="utf-8")
    found = list(_BLOCK.finditer(text))
    for at, match in enumerate(found):
        note, _, language, body = match.groups()
        if language != "sh" or note in {"not run", "file"}:
            continue
        after = found[at + 1] if at + 1 < len(found) else None
        said = after is not None and after[3] == "text" and not text[match.end() : after.start(3) - 3].strip()
        printed = after[4] if said and after else None
        code = _EXIT.search(printed or "")
        printed = _EXIT.sub("", printed) if printed is not None else None
        yield Block(page, text[: match.start(4)].count("\n"), body, printed, int(code[1]) if code else 0)


def files(page: str) -> list[tuple[str, str]]:
    """Return the files that a page prints, by name."""
    text = (TOP / page).read_text(encoding="utf-8")
    return [(match[2], match[4]) for match in _BLOCK.finditer(text) if match[1] == "file"]


def commands(block: str) -> Iterator[str]:
    """Split a block into commands; here-documents and lines that end with a backslash stay together."""
    taken = ""
    for line in block.splitlines(keepends=True):
        taken += line
        done = subprocess.run(["bash", "-n"], input=taken, capture_output=True, text=True, check=False)
        if done.returncode == 0 and not done.stderr and not line.rstrip("\n").endswith("\\"):
            if taken.strip():
                yield taken
            taken = ""
    assert not taken, f"a command does not end:\n{taken}"


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a person who has just installed labelvc into a virtual environment."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "LABELVC_", "XDG_"))}
    for name in ("CI", "SSH_AUTH_SOCK", "PYTHONPATH"):
        kept.pop(name, None)
    scripts = Path(sys.executable).parent
    return kept | {
        "PATH": f"{scripts}{os.pathsep}{kept['PATH']}",
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "NO_COLOR": "1",
        "COLUMNS": "100",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "DVC_NO_ANALYTICS": "1",
    }


def play(page: str, folder: Path, **more: str) -> None:
    """Run a page's blocks and hold each command to its exit code and each block to what the page says it prints."""
    found = list(blocks(page))
    for name, body in files(page):
        (folder / "tour" / name).write_text(body, encoding="utf-8")
    script, places = [f"cd {HERE.get(page, 'tour/labels')}\n"], []
    for number, block in enumerate(found):
        for part, command in enumerate(commands(block.commands)):
            place = folder / f"said.{page.replace('/', '-')}.{number:02d}.{part:02d}"
            places.append((number, command, place))
            script.append(f"{{\n{command}\n}} >'{place}' 2>&1 </dev/null\necho $? >'{place}.code'\n")
    done = subprocess.run(
        ["bash", "--norc"],
        input="".join(script),
        cwd=folder,
        env=environment(folder) | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert not done.stderr, done.stderr
    last = {number: place for number, _, place in places}
    for number, command, place in places:
        block, code = found[number], int((Path(f"{place}.code")).read_text())
        wanted = block.code if place == last[number] else 0
        assert code == wanted, f"{page}:{block.line}: exit {code}, not {wanted}: {command}{place.read_text()}"
    for number, block in enumerate(found):
        if block.printed is not None:
            said = "".join(place.read_text(encoding="utf-8") for at, _, place in places if at == number)
            compare(block, said)


def compare(block: Block, said: str) -> None:
    """Hold what was said to what is printed, but for dates, ids and digests."""
    wanted, found = same(block.printed or ""), same(said)
    pattern = "".join("(?:.*\n)*?" if line == "..." else _line(line) for line in wanted.splitlines())
    assert re.fullmatch(pattern, found), f"{block.page}:{block.line} prints otherwise:\n{said}"


def _line(line: str) -> str:
    return ".*".join(map(re.escape, line.split("..."))) + "\n"


def same(text: str) -> str:
    """Return the text with what differs from run to run replaced, and without blanks at the ends of lines."""
    for pattern, word in _SAME:
        text = pattern.sub(word, text)
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the README's tour once and return its folder."""
    folder = tmp_path_factory.mktemp("readme")
    play("README.md", folder)
    return folder


@pytest.fixture
def after(tour: Path, tmp_path: Path) -> Path:
    """Return a copy of the folder as the README's tour leaves it."""
    return Path(shutil.copytree(tour, tmp_path / "reader"))


def test_the_tour_of_the_readme(tour: Path) -> None:
    assert (tour / "tour/labels/labelvc.yaml").is_file()
    assert len(list(blocks("README.md"))) >= 10


@pytest.mark.parametrize("page", [page for page in GUIDE if not page.endswith("add-a-check.md")])
def test_a_page_of_the_guide(after: Path, page: str) -> None:
    play(page, after)


def test_the_page_on_checks(after: Path) -> None:
    """Write the page's files, install them as pip would have, and run its commands."""
    page = "docs/guide/add-a-check.md"
    place = after / "plugin"
    place.mkdir()
    written = files(page)
    assert {name for name, _ in written} == {"pyproject.toml", "short_texts.py"}
    for name, body in written:
        (place / name).write_text(body, encoding="utf-8")
    project = tomllib.loads((place / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = place / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = project["entry-points"]["labelvc.checks"]
    (metadata / "entry_points.txt").write_text(
        "[labelvc.checks]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
    )
    play(page, after, PYTHONPATH=str(place))


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (TOP / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#[^)]*)?\)|(?:src|srcset)=\"(?!https?:)([^\"]+)\"", text):
        path = target[0] or target[1]
        assert not path or ((TOP / page).parent / path).exists(), f"{page} links {path}"


def test_no_page_is_left_out_of_the_index() -> None:
    index = (TOP / "docs/README.md").read_text(encoding="utf-8")
    for folder in ("guide", "formats", "adr"):
        for path in sorted((TOP / "docs" / folder).glob("*.md")):
            if path.name != "0000-template.md":
                assert f"({folder}/{path.name})" in index, path.name


def test_the_commands_that_set_up_stand_in_the_readme() -> None:
    text = (TOP / "README.md").read_text(encoding="utf-8")
    made = (TOP / "Makefile").read_text(encoding="utf-8")
    for command in ("make demo", "make test"):
        assert re.search(rf"^{command}$", text, re.MULTILINE), command
        assert re.search(rf"^{command.split()[1]}:", made, re.MULTILINE)
    assert re.search(r"^make test\b", (TOP / ".ci/run").read_text(encoding="utf-8"), re.MULTILINE)


def test_every_command_is_named_once_in_the_readme() -> None:
    """The table of commands is the table of the command line."""
    text = (TOP / "README.md").read_text(encoding="utf-8")
    said = subprocess.run(
        [sys.executable, "-m", "labelvc.cli", "--help"], capture_output=True, text=True, check=True
    ).stdout
    names = set(re.findall(r"^  ([a-z]+)  +[A-Z]", said, re.MULTILINE))
    assert names
    assert names == set(re.findall(r"^\| `([a-z]+)` \|", text, re.MULTILINE))


def test_a_page_that_says_otherwise_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong exit code or a wrong word in a page fails its test."""
    monkeypatch.setattr(sys.modules[__name__], "TOP", tmp_path)
    monkeypatch.setitem(HERE, "page.md", ".")
    fence: Callable[[str, str], str] = lambda kind, body: f"```{kind}\n{body}```\n"  # noqa: E731
    for printed, code in (
        ("one\n", "(exit 3)\n"),
        ("...\n", "(exit 3)\n"),
        ("one\ntwo\n", "(exit 3)\n"),
        ("one\n", ""),
    ):
        good = printed != "one\ntwo\n" and bool(code)
        (tmp_path / "page.md").write_text(fence("sh", "echo one\n(exit 3)\n") + "\n" + fence("text", printed + code))
        if good:
            play("page.md", tmp_path)
        else:
            with pytest.raises(AssertionError):
                play("page.md", tmp_path)
