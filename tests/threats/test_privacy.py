"""Threats to privacy: personal data and secrets on their way into git, hidden in each of the ways that blind other scanners."""

from __future__ import annotations

import base64
import contextlib
import io
import itertools
import json
import os
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from labelvc.codec import epochs
from labelvc.core import pseudonym
from labelvc.model.secret import Secret
from labelvc.ops import pseudonyms
from labelvc.store import keyring
from tests.ops.test_modes import bring, row
from tests.zoo import ANNA, BEN, CONTACT, ID, Zoo, author, zoo, zoo_template
from tests.zoo import SECRET as EPOCH

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
TOP = Path(__file__).resolve().parents[2]
MAIL = "jo.public@firma.de"
SECRET = "labelvc-epoch-secret-v1 b " + "0f" * 32


def scan(zoo: Zoo, labelvc: Run, *words: str) -> tuple[int, list[tuple[str, str, str]]]:
    """Return the exit code of a scan, and rule, path and pointer of what it found; no output holds the value."""
    code, out, err = labelvc(zoo.folder, "privacy", "scan", *words, "--format", "jsonl")
    assert MAIL not in out + err
    assert "public" not in out + err.replace("publication", "")
    rows = [json.loads(line) for line in out.splitlines()]
    return code, [
        (row["rule"], row["place"]["path"], row["place"]["pointer"])
        for row in rows
        if row["rule"].startswith("privacy.")
    ]


HIDING = {
    "a text": ({"text": f"write to {MAIL}"}, "/text"),
    "an escape": ({"text": "write to jo.public\\u0040firma.de"}, "/text"),
    "full width": ({"text": "ｊｏ．ｐｕｂｌｉｃ＠ｆｉｒｍａ．ｄｅ"}, "/text"),
    "marks that show as nothing": ({"text": "jo.pub\u200blic@fir\u00adma.de"}, "/text"),
    "percent": ({"source": "https://shop.example/?to=jo.public%40firma.de"}, "/source"),
    "base64": ({"ext": {"raw": base64.b64encode(MAIL.encode()).decode()}}, "/ext/raw"),
    "hex": ({"ext": {"raw": MAIL.encode().hex()}}, "/ext/raw"),
    "a nested value": ({"ext": {"a": [{"b": [1, MAIL]}]}}, "/ext/a/0/b/1"),
    "the name of a member": ({"ext": {MAIL: 3}}, "/ext/***"),
    "the name of a member with a list": ({"ext": {MAIL: [3]}}, "/ext/***"),
    "a number": ({"ext": {"card": 4111111111111111}}, "/ext/card"),
    "a member that says what it is": ({"ext": {"phone": "30901820"}}, "/ext/phone"),
}


@pytest.mark.parametrize("way", HIDING)
def test_privacy_06_personal_data_in_a_record_however_it_is_written(zoo: Zoo, labelvc: Run, way: str):
    members, pointer = HIDING[way]
    zoo.change("pets/p2#", **members)
    if way == "an escape":
        zoo.respell("pets/p2#", "\\\\u0040", "\\u0040")
    zoo.git("add", "--all")
    code, found = scan(zoo, labelvc, "--staged")
    assert code == 1
    standing = [
        (path, place) for rule, path, place in found if rule != "privacy.undeclared"
    ]  # which tells of the name alone
    assert standing == [(zoo.shard("pets/p2#"), pointer)]
    assert labelvc(zoo.folder, "plumbing", "hook", "pre-commit")[0] == 1


@pytest.mark.parametrize("path", ["taxonomies/animals.yaml", "README.md", "guidelines/mood.yaml", "notes/x.csv"])
def test_privacy_06_personal_data_in_other_files(zoo: Zoo, labelvc: Run, path: str):
    before = (zoo.folder / path).read_text() if (zoo.folder / path).exists() else ""
    zoo.write(path, f"{before}# ask {MAIL}\n")
    zoo.git("add", "--all")
    assert scan(zoo, labelvc, "--staged") == (1, [("privacy.email", path, "")])


def test_privacy_06_personal_data_in_the_name_of_a_file_and_in_the_id_of_an_item(zoo: Zoo, labelvc: Run):
    zoo.write(f"notes/{MAIL}.txt", "hello")
    zoo.put(f"pets/{MAIL}#", {"id": MAIL, "natural": {"word": "x"}, "text": "hello"})
    zoo.git("add", "--all")
    code, found = scan(zoo, labelvc, "--staged")
    assert code == 1
    assert ("privacy.email", "notes/***.txt", "") in found or ("privacy.email", "notes/***", "") in found
    assert ("privacy.email", zoo.shard(f"pets/{MAIL}#"), "/id") in found
    assert MAIL not in labelvc(zoo.folder, "privacy", "scan")[1]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("b.key", SECRET + "\n"),
        ("id_ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n-----END OPENSSH PRIVATE KEY-----\n"),
        ("identity.txt", "# created\nAGE-SECRET-KEY-1" + "Q" * 58 + "\n"),
        ("vault.age", "age-encryption.org/v1\n-> X25519 abc\n"),
        ("armored.age", "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n"),
        (".env", "AWS=AKIA" + "Z2345672ABCDEFGH\n"),
    ],
)
def test_privacy_07_a_key_or_keyring_that_is_staged(zoo: Zoo, labelvc: Run, path: str, text: str):
    zoo.write(path, text)
    zoo.git("add", "--all", "--force")
    code, found = scan(zoo, labelvc, "--staged")
    assert (code, {(rule, where) for rule, where, _ in found}) == (1, {("privacy.secret", path)})


@pytest.mark.parametrize("trick", ["binary", "-diff", "textconv", "a NUL byte", "UTF-16", "UTF-16 without a mark"])
def test_privacy_08_attributes_drivers_and_encodings_hide_nothing(zoo: Zoo, labelvc: Run, trick: str):
    text = f"first line\nask {MAIL}\n"
    if trick in ("binary", "-diff"):
        zoo.write(".gitattributes", f"*.txt {trick}\n*.jsonl {trick}\n")
    elif trick == "textconv":
        zoo.write(".gitattributes", "*.txt diff=nothing\n*.jsonl diff=nothing\n")
        zoo.git("config", "diff.nothing.textconv", "echo hidden #")
    data = {
        "a NUL byte": b"\0" + text.encode(),
        "UTF-16": text.encode("utf-16"),
        "UTF-16 without a mark": text.encode("utf-16-le"),
    }.get(trick, text.encode())
    zoo.write("notes.txt", data)
    zoo.change("pets/p2#", text=f"ask {MAIL}")
    zoo.git("add", "--all")
    code, found = scan(zoo, labelvc, "--staged")
    attributes = [".gitattributes"] if trick in ("binary", "-diff", "textconv") else []
    assert code == 1
    assert [path for _, path, _ in found] == [*attributes, zoo.shard("pets/p2#"), "notes.txt"]


def route(zoo: Zoo, name: str) -> None:
    """Bring an address into a branch on a way that runs no hook, and take it out again in the next commit."""
    zoo.git("switch", "-q", "-c", "topic")
    zoo.change("pets/p2#", text=f"ask {MAIL}")
    zoo.git("add", "--all")
    if name == "--no-verify":
        zoo.git("commit", "-q", "--no-verify", "-m", "Bring")
    else:
        zoo.git("switch", "-q", "-c", "aside")
        zoo.git("commit", "-q", "--no-verify", "-m", "Bring")
        zoo.git("switch", "-q", "topic")
        if name == "cherry-pick":
            zoo.git("cherry-pick", "aside")
        elif name == "am":
            (zoo.folder / "p.patch").write_text(zoo.git("format-patch", "-1", "--stdout", "aside") + "\n")
            zoo.git("am", "-q", "p.patch")
            (zoo.folder / "p.patch").unlink()
        elif name == "rebase":
            zoo.git("commit", "-q", "--allow-empty", "-m", "Else")
            zoo.git("switch", "-q", "aside")
            zoo.git("rebase", "-q", "topic")
            zoo.git("branch", "-qf", "topic", "aside")
            zoo.git("switch", "-q", "topic")
        else:
            zoo.git("commit", "-q", "--allow-empty", "-m", "Else")
            zoo.git("merge", "-q", "--no-ff", "-m", "Merge", "aside")
    zoo.change("pets/p2#", text="nothing")
    zoo.git("commit", "-q", "--no-verify", "-a", "-m", "Take back")


@pytest.mark.parametrize("name", ["--no-verify", "cherry-pick", "am", "rebase", "merge"])
def test_privacy_09_each_commit_of_a_range_is_looked_at(zoo: Zoo, labelvc: Run, name: str):
    zoo.git("config", "user.name", "Ada")
    zoo.git("config", "user.email", "ada@example.com")
    route(zoo, name)
    code, found = scan(zoo, labelvc, "main..topic")
    assert (code, found) == (1, [("privacy.email", zoo.shard("pets/p2#"), "/text")])
    said = labelvc(zoo.folder, "privacy", "scan", "main..topic")[1]
    assert "; and out of history: labelvc privacy incident RULE PLACE --at COMMIT\n" in said
    assert labelvc(zoo.folder, "check", "main..topic")[0] == 0, "the sum of the commits shows nothing"


def test_privacy_09_what_a_merge_made_up_and_what_a_message_says(zoo: Zoo, labelvc: Run):
    zoo.git("switch", "-q", "-c", "topic")
    zoo.change("pets/p1#m1", value={"score": 3})
    zoo.commit("One")
    zoo.git("switch", "-q", "main")
    zoo.git("merge", "-q", "--no-ff", "--no-commit", "topic")
    zoo.write("notes.txt", f"ask {MAIL}")
    zoo.git("add", "--all")
    zoo.git("commit", "-q", "--no-verify", "-m", f"Merge\n\nasked {MAIL}\n\nCo-authored-by: Jo <{MAIL}>")
    code, found = scan(zoo, labelvc, "HEAD~1..HEAD")
    assert code == 1
    assert ("privacy.email", "notes.txt", "") in found
    assert [path for _, path, _ in found if path.startswith("message of")] == [
        f"message of commit {zoo.git('rev-parse', 'HEAD')[:10]}"
    ]


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("labelvc.yaml", "tasks:\n", "privacy: {leaks: {off: [email]}}\ntasks:\n"),
        ("labelvc.yaml", "tasks:\n", "privacy: {leaks: {domains: [firma.de]}}\ntasks:\n"),
        ("datasets/pets/dataset.yaml", "checks: {}", "checks: {privacy.email: {severity: off}}"),
    ],
)
def test_privacy_10_a_branch_cannot_widen_what_judges_it(zoo: Zoo, labelvc: Run, path: str, old: str, new: str):
    zoo.replace(path, old, new)
    zoo.change("pets/p2#", text=f"ask {MAIL}")
    zoo.git("add", "--all")
    assert scan(zoo, labelvc, "--staged") == (1, [("privacy.email", zoo.shard("pets/p2#"), "/text")])
    zoo.change("pets/p2#", text="nothing")
    zoo.commit("Widen, by itself")
    zoo.change("pets/p2#", text=f"ask {MAIL}")
    zoo.git("add", "--all")
    assert scan(zoo, labelvc, "--staged") == (0, [])


@pytest.mark.parametrize("widened", ["labelvc.yaml", "datasets/pets/dataset.yaml"])
def test_privacy_10_one_commit_cannot_widen_what_judges_the_next(zoo: Zoo, labelvc: Run, widened: str):
    before = zoo.git("rev-parse", "HEAD").strip()
    zoo.git("switch", "-q", "-c", "topic")
    old, new = {
        "labelvc.yaml": ("tasks:\n", "privacy: {leaks: {off: [email]}}\ntasks:\n"),
        "datasets/pets/dataset.yaml": ("checks: {}", "checks: {privacy.email: {severity: off}}"),
    }[widened]
    zoo.replace(widened, old, new)
    zoo.commit("Widen")
    zoo.change("pets/p2#", text=f"ask {MAIL}")
    zoo.commit("Use it")
    assert scan(zoo, labelvc, "main..topic") == (1, [("privacy.email", zoo.shard("pets/p2#"), "/text")])
    pushed = zoo.git("rev-parse", "HEAD").strip()
    zoo.git("switch", "-q", "main")
    zoo.git("branch", "-qD", "topic")
    code, said = received(zoo, before, pushed, "refs/heads/topic")
    assert (code, "an e-mail address" in said) == (1, True)


def received(zoo: Zoo, old: str, new: str, ref: str) -> tuple[int, str]:
    """Return what a server's hook says of a push; it holds no value."""
    program = "import sys; from labelvc.cli.main import run; sys.exit(run(['plumbing', 'hook', 'pre-receive']))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=f"{old} {new} {ref}\n",
        cwd=zoo.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert MAIL not in done.stdout + done.stderr
    return done.returncode, done.stdout + done.stderr


def test_privacy_06_the_name_of_a_branch_or_tag_and_the_message_of_a_tag_bring_no_commit(zoo: Zoo):
    head, nothing = zoo.git("rev-parse", "HEAD").strip(), "0" * 40
    assert received(zoo, nothing, head, "refs/heads/topic") == (0, "")
    code, said = received(zoo, nothing, head, f"refs/heads/{MAIL}")
    assert (code, "refs/heads/***" in said) == (1, True)
    assert received(zoo, nothing, head, "refs/tags/v0") == (0, "")
    zoo.git("tag", "-a", "-m", "A plain tag", "v0", **author("Ada"))
    for points_to in (head, zoo.git("rev-parse", "v0").strip()):  # a tag of either sort, whose name is the value
        code, said = received(zoo, nothing, points_to, f"refs/tags/{MAIL}")
        assert (code, "refs/tags/***" in said, "an e-mail address" in said) == (1, True, True), said
    zoo.git("tag", "-a", "-m", f"Thanks to {MAIL}", "v1", **author("Ada"))
    zoo.git("tag", "-a", "-m", "A tag of a tag", "v2", "v1", **author("Ada"))
    for name in ("v1", "v2"):
        code, said = received(zoo, nothing, zoo.git("rev-parse", name).strip(), f"refs/tags/{name}")
        assert (code, "message of tag" in said) == (1, True)


def test_privacy_09_a_branch_without_a_project_and_a_shallow_clone_are_never_green(zoo: Zoo, labelvc: Run):
    zoo.git("switch", "-q", "--orphan", "pages")
    zoo.write("notes.txt", f"ask {MAIL}")
    zoo.git("add", "notes.txt")
    zoo.git("commit", "-q", "--no-verify", "-m", "Aside", **author("Ada"))
    assert scan(zoo, labelvc, "main..pages") == (1, [("privacy.email", "notes.txt", "")])
    zoo.git("rm", "-q", "notes.txt")
    zoo.git("commit", "-q", "--no-verify", "--allow-empty", "-m", "Gone again", **author("Ada"))
    place = zoo.folder.parent / "shallow"
    for words in (
        ("clone", "-q", "--depth=1", "--branch=pages", f"file://{zoo.folder}", str(place)),
        ("-C", str(place), "fetch", "-q", "--depth=1", "origin", "main"),
    ):
        subprocess.run(["git", *words], check=True)
    assert labelvc(place, "privacy", "scan", "FETCH_HEAD..HEAD")[0] == 2


def test_privacy_09_a_merge_is_judged_alike_against_all_of_its_parents(zoo: Zoo, labelvc: Run):
    zoo.git("switch", "-q", "-c", "topic")
    zoo.replace("datasets/pets/dataset.yaml", "checks: {}", "checks: {privacy.email: {severity: warning}}")
    zoo.commit("Widen")
    zoo.git("switch", "-q", "main")
    zoo.change("pets/p1#m1", value={"score": 3})
    zoo.commit("Else")
    zoo.git("switch", "-q", "topic")
    zoo.git("merge", "-q", "--no-ff", "--no-commit", "main", **author("Ada"))
    zoo.change("pets/p2#", text=f"ask {MAIL}")
    zoo.commit("Merge")
    assert scan(zoo, labelvc, "main..topic") == (1, [("privacy.email", zoo.shard("pets/p2#"), "/text")])


@pytest.mark.parametrize("setting", ["regions: [XX]", "regions: [us]", "off: [e-mail]", "locales: [US]"])
def test_privacy_10_a_name_that_is_not_known_is_an_error_not_silence(zoo: Zoo, labelvc: Run, setting: str):
    zoo.replace("labelvc.yaml", "tasks:\n", f"privacy: {{leaks: {{{setting}}}}}\ntasks:\n")
    zoo.git("add", "--all")
    code, out, _ = labelvc(zoo.folder, "privacy", "scan")
    assert (code, "document.schema" in out) == (1, True)
    assert labelvc(zoo.folder, "privacy", "scan", "--all")[0] == 2


def test_privacy_10_another_value_in_the_place_of_one_that_was_there_is_new(zoo: Zoo, labelvc: Run):
    zoo.change("pets/p2#", text=f"ask {MAIL}")
    zoo.write("notes.txt", f"ask {MAIL}")
    zoo.commit("As it was")
    assert scan(zoo, labelvc, "--staged") == (0, [])
    zoo.change("pets/p2#", text="ask ju.public@firma.de")
    zoo.write("notes.txt", "ask ju.public@firma.de")
    zoo.git("add", "--all")
    code, found = scan(zoo, labelvc, "--staged")
    assert (code, [path for _, path, _ in found]) == (1, [zoo.shard("pets/p2#"), "notes.txt"])


@pytest.mark.parametrize("after", ["ask {0}\nask ju.public@firma.de\n", "ask ju.public@firma.de\nx\n\nask {0}\n"])
def test_privacy_10_one_of_two_equal_lines_excuses_no_other_value(zoo: Zoo, labelvc: Run, after: str):
    zoo.write("notes.txt", f"ask {MAIL}\nask {MAIL}\n")
    zoo.commit("As it was")
    zoo.write("notes.txt", f"x\nask {MAIL}\n\nask {MAIL}\n")
    zoo.git("add", "--all")
    assert scan(zoo, labelvc, "--staged") == (0, [])
    zoo.write("notes.txt", after.format(MAIL))
    zoo.git("add", "--all")
    assert scan(zoo, labelvc, "--staged") == (1, [("privacy.email", "notes.txt", "")])


@pytest.mark.parametrize("piece", ["1 ", "a@", "@a.", "4111 ", "::", "%40", "\\\\u0031"])
def test_privacy_11_a_line_made_to_be_slow_is_not(zoo: Zoo, labelvc: Run, piece: str):
    """What a pattern costs is held in tests/core/test_detect.py; this is the whole way from the index."""
    zoo.change("pets/p2#", text=piece * (250_000 // len(piece)))
    zoo.git("add", "--all")
    before = time.process_time()
    labelvc(zoo.folder, "privacy", "scan", "--staged")
    assert time.process_time() - before < 10


def test_privacy_11_a_file_of_findings_is_not_slow(zoo: Zoo, labelvc: Run):
    zoo.write("notes.txt", f"ask {MAIL}\n" * 10_000)
    zoo.commit("As it was")
    zoo.write("notes.txt", f"ask {MAIL}\n" * 10_001)
    zoo.git("add", "--all")
    before = time.process_time()
    code, found = scan(zoo, labelvc, "--staged")
    assert (code, len(found)) == (1, 1)
    assert time.process_time() - before < 10


def test_privacy_19_a_shard_names_people_by_tokens_only(zoo: Zoo, labelvc: Run):
    zoo.change("pets/p1#m1", by="Ada Lovelace")
    zoo.git("add", "--all")
    code, out, _ = labelvc(zoo.folder, "check", "--staged")
    assert (code, "privacy.plaintext" in out, "Lovelace" in out) == (1, True, False)
    code, out, _ = labelvc(zoo.folder, "privacy", "status")
    assert (code, "names and addresses of git authors" in out) == (0, True)


PROMISES = {
    "what no detector knows": ("no list and no filter holds", "of names those that the vault or a list knows"),
    "hooks": ("hooks are a courtesy: --no-verify", "**Hooks are a courtesy.** `git commit --no-verify`"),
    "what was pushed": ("what was pushed once stays in every clone", "What was pushed stays in every clone"),
    "what an erasure reaches": ("an erasure reaches no other clone, no backup of the vault", "other clones, exports and trained models are out of reach"),
    "a copy of the vault": ("nothing proves that there is no other copy", "an old copy of the vault still opens what it held"),
    "git authors": ("names and addresses of git authors", "names and addresses of who commits or signs they leave alone"),
    "what is not read": ("what is compressed (zip, xlsx, gz, Parquet) or what a picture shows", "what is compressed or what a picture shows"),
    "pseudonyms": ("records under pseudonyms stay personal data", "**Pseudonymised is not anonymised.** Whoever holds the epoch's secret can test a guess"),
    "what nobody declared": ("what nobody declared, and text, tell more", "Only declared fields and `by` are turned into pseudonyms"),
    "who may fetch": ("who may fetch reads everything in git", "Who may fetch reads everything: what some must not read belongs in a repository of its own"),
}  # fmt: skip
"""What cannot be promised: words that the command says of it, and words of the README."""


def test_privacy_19_what_cannot_be_promised_is_said_by_the_status_and_by_the_readme(zoo: Zoo, labelvc: Run):
    code, out, _ = labelvc(zoo.folder, "privacy", "status", "--format", "json")
    assert code == 0
    limits = json.loads(out)["limits"]
    said = {name: [at for at, limit in enumerate(limits) if words in limit] for name, (words, _) in PROMISES.items()}
    assert list(said.values()) == [[at] for at in range(len(limits))], said
    out = labelvc(zoo.folder, "privacy", "status")[1]
    assert out.partition("not promised\n")[2] == "".join(f"  - {limit}\n" for limit in limits)
    page = (TOP / "README.md").read_text().partition("## What labelvc does not do\n")[2].partition("\n## ")[0]
    assert not [name for name, (_, words) in PROMISES.items() if words not in page]


def plain_name(name: str) -> str:
    """Return the name of a package as indexes compare it (PyPA, name normalization)."""
    return re.sub("[-_.]+", "-", name).lower()


def asked_for() -> set[str]:
    """Return the packages that pyproject.toml names, and all that those ask for in turn, as far as they are installed here."""
    told = tomllib.loads((TOP / "pyproject.toml").read_text())
    lists = [told["build-system"]["requires"], told["project"]["dependencies"]]
    lists += [*told["project"]["optional-dependencies"].values(), *told["dependency-groups"].values()]
    waiting = [Requirement(words) for words in itertools.chain(*lists) if isinstance(words, str)]
    extras: dict[str, set[str]] = {}
    while waiting:
        one = waiting.pop()
        name = plain_name(one.name)
        if name in extras and one.extras <= extras[name]:
            continue
        extras.setdefault(name, set()).update(one.extras)
        with contextlib.suppress(metadata.PackageNotFoundError):
            more = map(Requirement, metadata.requires(name) or ())
            ways = [{"extra": extra} for extra in (*extras[name], "")]
            waiting += [each for each in more if each.marker is None or any(map(each.marker.evaluate, ways))]
    return set(extras)


def test_privacy_20_no_requirement_names_a_model_and_every_one_is_pinned():
    """Names of language models on package indexes are squatted: `en-core-web-trf` of the real publisher is not there."""
    lines = [line for line in (TOP / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert not [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.!+]*", line)]
    pinned = {plain_name(line.partition("==")[0]) for line in lines}
    asked = asked_for()
    assert len(asked) > 150
    assert not asked - pinned
    # a language, a kind, a genre and a size (spacy.io/models, naming conventions); one of them tells a model
    model = re.compile(r"^(?:[a-z]{2}|grc)[-_](?:core|dep|ent|sent)[-_]|[-_](?:news|web)[-_]|(?:[-_](?:sm|md|lg|trf))$")
    assert model.search("en-core-web-trf")
    assert not [name for name in asked | pinned if model.search(name)]


def test_the_scan_imports_nothing_heavy(zoo: Zoo):
    zoo.git("add", "--all")
    program = "import sys; from labelvc.cli.main import run; run(['privacy', 'scan']); print(sorted({'dvc','git','jinja2','cryptography','re2','jsonschema'} & set(sys.modules)))"
    for _ in range(2):  # the second one remembers the documents
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=zoo.folder, capture_output=True, text=True, check=True
        )
    assert done.stdout.splitlines()[-1] == "[]", done.stdout


@pytest.mark.parametrize(
    ("path", "line", "found"),
    [
        (".gitattributes", "*.jsonl binary", True),
        (".gitattributes", "*.jsonl -diff", True),
        (".gitattributes", "* -diff", True),
        (".gitattributes", "datasets/** diff=mine", True),
        (".gitattributes", "/guidelines/*.yaml linguist-generated", True),
        (".gitattributes", "[attr]quiet -diff\nlabelvc.yaml quiet", True),
        (".gitattributes", '"*.jsonl" text binary', True),
        ("datasets/pets/.gitattributes", "items/*.jsonl -diff", True),
        (".gitattributes", "datasets/**/*.jsonl text eol=lf diff=labelvc merge=labelvc", False),
        (".gitattributes", "*.png binary\n*.py diff=python\n# *.jsonl binary", False),
        ("media/.gitattributes", "* binary", False),
    ],
)
def test_privacy_08_attributes_that_hide_data_from_a_review_are_told(
    zoo: Zoo, labelvc: Run, path: str, line: str, found: bool
):
    zoo.write(path, f"{line}\n")
    zoo.write("media/a.png", "x")
    zoo.git("add", "--all")
    assert scan(zoo, labelvc, "--staged") == ((1, [("privacy.hidden", path, "")]) if found else (0, []))
    zoo.commit("As it was")
    zoo.write(path, f"# a word\n{line}\n")
    zoo.git("add", "--all")
    assert scan(zoo, labelvc, "--staged") == (0, []), "what was there before is known"


@pytest.mark.parametrize("where", ["a message", "the comment of git", "below the scissors"])
def test_privacy_06_a_message_is_looked_at_before_its_commit(zoo: Zoo, labelvc: Run, where: str):
    text = {
        "a message": f"Say it\n\nasked {MAIL}\n",
        "the comment of git": f"Say it\n# Author:    Jo <{MAIL}>\n",
        "below the scissors": f"Say it\n# ------------------------ >8 ------------------------\n-ask {MAIL}\n",
    }[where]
    zoo.write(".git/COMMIT_EDITMSG", text)
    code, out, err = labelvc(zoo.folder, "plumbing", "hook", "commit-msg", ".git/COMMIT_EDITMSG")
    assert (code, "an e-mail address" in err, MAIL in out + err) == (
        int(where == "a message"),
        where == "a message",
        False,
    )
    assert labelvc(zoo.folder, "plumbing", "hook", "commit-msg", "nowhere")[0] == 2


def test_privacy_06_git_stops_at_the_message(zoo: Zoo, labelvc: Run):
    assert labelvc(zoo.folder, "install")[0] == 0
    words = ("git", "commit", "-q", "--allow-empty", "-m", f"asked {MAIL}")
    there = {**os.environ, **author("Ada")}
    done = subprocess.run(words, cwd=zoo.folder, capture_output=True, text=True, env=there, check=False)
    assert (done.returncode, "commit-msg: stopped by 1 error" in done.stderr, MAIL in done.stderr) == (1, True, False)


@pytest.mark.parametrize("way", ["a commit", "a message", "a branch", "a tag"])
def test_privacy_09_a_push_is_looked_at_commit_by_commit(zoo: Zoo, labelvc: Run, way: str):
    server = zoo.folder.parent / "server.git"
    zoo.git("init", "-q", "--bare", str(server))
    zoo.git("remote", "add", "origin", str(server))
    zoo.git("push", "-q", "origin", "main")
    assert labelvc(zoo.folder, "install")[0] == 0
    ref = "topic"
    zoo.git("switch", "-q", "-c", "topic")
    if way == "a commit":
        zoo.change("pets/p2#", text=f"ask {MAIL}")
        zoo.commit("Bring")
        zoo.change("pets/p2#", text="nothing")
        zoo.commit("Take back")
    elif way == "a message":
        zoo.commit(f"Asked {MAIL}")
    elif way == "a branch":
        ref = f"topic:refs/heads/{MAIL}"
    else:
        zoo.git("tag", "-a", "-m", f"Thanks to {MAIL}", "v1", **author("Ada"))
        ref = "v1"
    words = ("git", "push", "origin", ref)
    done = subprocess.run(words, cwd=zoo.folder, capture_output=True, text=True, check=False)
    assert (done.returncode, "an e-mail address" in done.stderr) == (1, True), done.stderr
    assert "pre-push: stopped by 1 error" in done.stderr
    if way != "a branch":  # what git itself says names the branch
        assert MAIL not in done.stderr
    zoo.git("push", "-q", "--no-verify", "origin", "topic:refs/heads/aside")
    if way in ("a commit", "a message"):
        zoo.commit("More")
        zoo.git("push", "-q", "origin", "topic:refs/heads/aside")


def test_privacy_06_the_reason_of_an_approval(zoo: Zoo, labelvc: Run):
    payload = base64.b64encode(json.dumps({"predicate": {"reason": f"ask {MAIL}"}}).encode()).decode()
    zoo.write("approvals/x/y.json", json.dumps({"payload": payload, "payloadType": "application/vnd.in-toto+json"}))
    zoo.git("add", "--all")
    assert scan(zoo, labelvc, "--staged") == (1, [("privacy.email", "approvals/x/y.json", "")])


def begun(zoo: Zoo) -> None:
    """Commit the epoch that made the tokens, whose secret is here."""
    first = epochs.Epoch("b", "active", "2026-03-01T09:00:00Z", pseudonym.commitment(EPOCH))
    zoo.write(epochs.PATH, epochs.write([first]))
    zoo.commit("The first epoch")
    keyring.keep(zoo.at, EPOCH)


def rekeyed(zoo: Zoo, labelvc: Run) -> None:
    begun(zoo)
    code, _, err = labelvc(zoo.folder, "pseudonym", "rekey", "--to", "c", "--chained")
    assert code == 0, err
    zoo.commit("Re-key")


def lines(zoo: Zoo) -> list[bytes]:
    return [line for path in (zoo.folder / "datasets").rglob("*.jsonl") for line in path.read_bytes().splitlines()]


def exchanged(zoo: Zoo, one: str, two: str) -> None:
    """Let two people change places in every line."""
    for path in (zoo.folder / "datasets").rglob("*.jsonl"):
        text = path.read_text().replace(one, "%").replace(two, one).replace("%", two)
        path.write_text("".join(sorted(line + "\n" for line in text.splitlines())))


@pytest.mark.parametrize("domain", ["main", "release-1", "release-2"])
def test_privacy_03_an_import_gives_the_tokens_of_the_domain_that_the_project_says(zoo: Zoo, domain: str):
    """Of one person two releases that got a domain each hold no token in common: of the annotator, or of a declared field."""
    begun(zoo)
    if domain != "main":
        zoo.replace("labelvc.yaml", "tasks:\n", f"privacy: {{domain: {domain}}}\ntasks:\n")
    zoo.replace("datasets/pets/dataset.yaml", "pointer: /ext/contact", "pointer: /ext/jsonl/contact")
    bring(zoo, row(by="anna", contact="anna@example.com"))
    told = zoo.row("pets/p1#r1")
    own = [
        pseudonym.token(EPOCH, ID, domain, "person", "anna"),
        pseudonym.token(EPOCH, ID, domain, "email", "anna@example.com"),
    ]
    assert [told["by"], told["ext"]["jsonl"]["contact"]] == own
    assert ({*own} == {ANNA, CONTACT}, {*own}.isdisjoint({ANNA, CONTACT})) == (domain == "main", domain != "main")


def test_privacy_15_who_was_imported_in_a_domain_of_before_is_found_by_their_value(
    zoo: Zoo, labelvc: Run, monkeypatch: pytest.MonkeyPatch
):
    """A domain for each release makes other tokens of everybody; those of the domains before stand where they stood."""
    begun(zoo)
    zoo.replace("labelvc.yaml", "tasks:\n", "privacy: {domain: release-1}\ntasks:\n")
    bring(zoo, row(by="anna"))
    zoo.commit("The first release has a domain of its own")
    zoo.write("labelvc.yaml", "tasks: {: no document\n")
    zoo.commit("A slip")
    zoo.git("checkout", "-q", "HEAD~1", "--", "labelvc.yaml")
    zoo.replace("labelvc.yaml", "release-1", "release-2")
    monkeypatch.setattr("sys.stdin", io.StringIO("anna\n"))
    code, out, err = labelvc(zoo.folder, "erase", "--value", "--format", "json")
    assert code == 0, err
    wanted = {pseudonym.token(EPOCH, ID, domain, "person", "anna") for domain in ("main", "release-1", "release-2")}
    assert {*json.loads(out)["tokens"]} == wanted
    monkeypatch.setattr("sys.stdin", io.StringIO("anna\n"))
    assert "pets (in git): 0 dropped, 10 unlinked (/by 10)" in labelvc(zoo.folder, "erase", "--value")[1]


def test_privacy_05_the_old_secret_makes_no_token_that_is_left_after_a_re_key(zoo: Zoo, labelvc: Run):
    """A leaver who holds it, and guesses every name right, finds nobody at HEAD; the history keeps what it had."""
    rekeyed(zoo, labelvc)
    names = [("person", "anna"), ("person", "ben"), ("email", "anna@example.com")]
    guesses = {pseudonym.token(EPOCH, ID, "main", kind, name) for kind, name in names}
    found = set(re.findall(rb"[a-z]{3}_[b-z]{28,29}", b"\n".join(lines(zoo))))
    assert guesses == {ANNA, BEN, CONTACT}
    assert len(found) == 3
    assert found.isdisjoint(guess.encode() for guess in guesses)
    chained = {pseudonym.chained(Secret("c", EPOCH.reveal()), ID, "main", guess) for guess in guesses}
    assert found.isdisjoint(guess.encode() for guess in chained)
    assert BEN in zoo.git("show", "HEAD~1:" + zoo.shard("pets/p1#m2"))


def test_privacy_14_a_re_key_mixes_no_epochs(zoo: Zoo, labelvc: Run):
    """With another epoch's secret, an unknown epoch's token or one of the new epoch in the data nothing is written."""
    begun(zoo)
    path = keyring.path(zoo.at, "b")
    path.write_bytes(epochs.write_secret(Secret("b", b"\3" * 32)))
    before = zoo.git("status", "--porcelain")
    code, _, err = labelvc(zoo.folder, "pseudonym", "rekey", "--to", "c", "--chained")
    assert (code, "its tokens would be other people" in err) == (2, True)
    path.write_bytes(epochs.write_secret(EPOCH))
    keyring.keep(zoo.at, Secret("c", b"\4" * 32))
    for epoch, words in (("c", "two epochs would be mixed"), ("d", "an epoch that this project does not have")):
        zoo.change("pets/p3#m1", by=pseudonym.token(Secret(epoch, b"\5" * 32), ID, "main", "person", "dora"))
        zoo.commit("A token from elsewhere")
        code, _, err = labelvc(zoo.folder, "pseudonym", "rekey", "--to", "c", "--chained")
        assert (code, words in err, "where: pets/p3#m1" in err) == (2, True, True)
    assert zoo.git("status", "--porcelain") == before == ""


@pytest.mark.parametrize("side", ["new", "old"], ids=["in the new epoch", "in the old one"])
def test_privacy_18_two_people_exchanged_in_one_line_of_a_re_key_are_found_without_a_key(
    zoo: Zoo, labelvc: Run, side: str
):
    rekeyed(zoo, labelvc)
    anna, ben = (zoo.row(key)["by"] for key in ("pets/p1#m1", "pets/p1#m2")) if side == "new" else (ANNA, BEN)
    zoo.change("pets/p1#m2", bump=0, by=anna)
    zoo.commit("Ben's is Anna's now")
    code, out, err = labelvc(zoo.folder, "pseudonym", "verify-rekey", "HEAD~2..HEAD")
    assert (code, out, "where: pets/p1#m" in err) == (1, "", True)
    assert not any(token in err for token in (anna, ben, ANNA, BEN))


def test_privacy_18_a_swap_within_an_epoch_is_no_re_key(zoo: Zoo, labelvc: Run):
    """It is one to one, and of the same kind; but no token of an epoch before became one of an epoch that began."""
    begun(zoo)
    exchanged(zoo, ANNA, BEN)
    zoo.write(epochs.PATH, pseudonyms.begin(zoo.at, "2026-04-01T09:00:00Z", zoo.read(epochs.PATH)))
    zoo.commit("Re-key")
    code, _, err = labelvc(zoo.folder, "pseudonym", "verify-rekey", "HEAD~1..HEAD")
    assert (code, "no token of an epoch before became one of c" in err) == (1, True)


def test_privacy_18_two_people_exchanged_everywhere_are_found_with_the_keys(zoo: Zoo, labelvc: Run):
    rekeyed(zoo, labelvc)
    exchanged(zoo, *(zoo.row(key)["by"] for key in ("pets/p1#m1", "pets/p1#m2")))
    zoo.git("commit", "-q", "-a", "--amend", "--no-edit", "--no-verify", **author("Ada"))
    assert labelvc(zoo.folder, "pseudonym", "verify-rekey", "HEAD~1..HEAD")[0] == 0, "nobody can see it without keys"
    code, _, err = labelvc(zoo.folder, "pseudonym", "verify-rekey", "HEAD~1..HEAD", "--keys")
    assert (code, "its new token is not the one that the keys make" in err) == (1, True)


@pytest.mark.parametrize(
    ("key", "members", "told"),
    [
        ("pets/p3#m1", {"value": {"score": 2}}, "changed at /value/score"),
        ("pets/p3#m1", {"at": "2026-03-01T09:12:44Z"}, "changed at /at"),
        ("pets/p3#m1", {"rev": 9}, "its rev did not go up by one"),
        ("pets/p3#m1", {"rev": 1}, "its rev did not go up by one"),
        ("pets/p3#m1", {"by": None}, "changed at /by"),
        ("pets/p3#", {"text": "the dog"}, "changed at /text"),
    ],
)
def test_privacy_18_nothing_else_changes_under_cover_of_a_re_key(
    zoo: Zoo, labelvc: Run, key: str, members: dict[str, object], told: str
):
    rekeyed(zoo, labelvc)
    zoo.change(key, bump=0, **members)
    zoo.git("commit", "-q", "-a", "--amend", "--no-edit", "--no-verify", **author("Ada"))
    code, out, err = labelvc(zoo.folder, "pseudonym", "verify-rekey", "HEAD~1..HEAD")
    assert (code, out, told in err, f"where: {key}" in err) == (1, "", True, True), err


@pytest.mark.parametrize(
    "change", ["added", "removed", "a tombstone", "a document", "a line elsewhere", "one left behind"]
)
def test_privacy_18_nothing_comes_or_goes_under_cover_of_a_re_key(zoo: Zoo, labelvc: Run, change: str):
    rekeyed(zoo, labelvc)
    row = zoo.row("pets/p3#m1")
    if change == "added":
        zoo.put("pets/p3#m2", {**row, "id": "m2", "rev": 1})
    elif change == "removed":
        zoo.put("pets/p3#m1", None)
    elif change == "a tombstone":
        zoo.bury("pets/p3#m1")
    elif change == "a document":
        zoo.replace("datasets/pets/dataset.yaml", "checks: {}", "checks: {privacy.email: {severity: off}}")
    elif change == "a line elsewhere":
        zoo.put("pets/p3#m1", {**row, "item": "p4", "id": "m9"})
    else:
        zoo.put("pets/p3#m1", {**row, "by": ANNA, "rev": 1})
    zoo.git("add", "--all")
    zoo.git("commit", "-q", "--amend", "--no-edit", "--no-verify", **author("Ada"))
    code, out, _ = labelvc(zoo.folder, "pseudonym", "verify-rekey", "HEAD~1..HEAD")
    assert (code, out) == (1, "")


@pytest.mark.parametrize("way", ["a member twice", "a space", "a line twice"])
def test_privacy_18_a_line_that_can_be_read_in_two_ways_is_no_part_of_a_re_key(zoo: Zoo, labelvc: Run, way: str):
    """Of two members of one name some programs take the first and some the last: only one of them was there before."""
    rekeyed(zoo, labelvc)
    raw = zoo.raw("pets/p3#m1")
    path = zoo.folder / zoo.shard("pets/p3#m1")
    other = {
        "a member twice": raw.replace(b'"value":', b'"value":{"score":2},"value":'),
        "a space": raw.replace(b'"rev":2', b'"rev": 2'),
        "a line twice": raw + b"\n" + raw,
    }[way]
    path.write_bytes(path.read_bytes().replace(raw, other))
    zoo.git("commit", "-q", "-a", "--amend", "--no-edit", "--no-verify", **author("Ada"))
    code, out, err = labelvc(zoo.folder, "pseudonym", "verify-rekey", "HEAD~1..HEAD")
    assert (code, out, "where: pets/p3#m1" in err) == (1, "", True), err


def test_privacy_16_a_name_of_a_file_is_not_shown_beside_what_stands_in_it(zoo: Zoo, labelvc: Run):
    zoo.write(f"notes/{MAIL}.txt", f"ask {MAIL}\n")
    zoo.git("add", "--all")
    code, found = scan(zoo, labelvc, "--staged")
    assert (code, {rule for rule, _, _ in found}, len(found)) == (1, {"privacy.email"}, 2)


def test_who_signs_may_be_known(zoo: Zoo, labelvc: Run):
    people = zoo.folder.parent / "people"
    people.write_text("Ada Lovelace\n")
    payload = base64.b64encode(json.dumps({"predicate": {"signer": {"printedName": "Ada Lovelace"}}}).encode()).decode()
    zoo.write("approvals/x/y.json", json.dumps({"payload": payload}))
    zoo.write("trust/policy.json", json.dumps({"name": "Ada Lovelace"}))
    zoo.replace("labelvc.yaml", "goal:", "governance: {owner: Ada Lovelace}\ngoal:")
    zoo.write("notes.txt", "ask Ada Lovelace")
    zoo.git("add", "--all")
    code, out, err = labelvc(zoo.folder, "privacy", "scan", "--identities", str(people), "--format", "jsonl")
    found = [row["place"]["path"] for row in map(json.loads, out.splitlines()) if row["rule"] == "privacy.known"]
    assert (code, found, "Lovelace" in out + err) == (1, ["notes.txt"], False)
    head = zoo.commit("Say it\n\nCo-authored-by: Ada Lovelace <ada@example.com>")
    words = ("privacy", "scan", f"{head}~1..{head}", "--identities", str(people), "--format", "jsonl")
    assert labelvc(zoo.folder, *words)[1].count("privacy.known") == 1


HIDDEN = {
    "the name inside a tag": ("tag", "tag jo.public@firma.de\ntagger A <a@example.com> 1772355600 +0000\n\nhello\n"),
    "a tag behind what begins as a signature": ("tag", "tag v9\ntagger A <a@example.com> 1772355600 +0000\n\n-----BEGIN A-----\njo.public@firma.de\n"),
    "a tag whose maker has a card": ("tag", "tag v9\ntagger 4111111111111111 <a@example.com> 1772355600 +0000\n\nhello\n"),
    "a message in UTF-16": ("commit", "encoding UTF-16\n\n" + "jo.public@firma.de".encode("utf-16-le").decode()),
    "what stands for a signature": ("commit", "gpgsig jo.public@firma.de\n\nhello\n"),
    "an encoding": ("commit", "encoding jo.public@firma.de\n\nhello\n"),
    "armour in a merged tag": ("commit", "mergetag object {0}\n type commit\n tag v1\n tagger A <a@example.com> 1772355600 +0000\n \n -----BEGIN A-----\n jo.public@firma.de\n -----END A-----\n\nhello\n"),
    "an author with a card": ("commit", "\nhello\n"),
}  # fmt: skip


@pytest.mark.parametrize("where", HIDDEN)
def test_privacy_06_nothing_hides_in_the_head_of_a_commit_or_tag(zoo: Zoo, where: str):
    kind, rest = HIDDEN[where]
    base = zoo.git("rev-parse", "HEAD").strip()
    person = "A <a@example.com> 1772355600 +0000"
    head = f"object {base}\ntype commit\n"
    if kind == "commit":
        author_of = person if where != "an author with a card" else person.replace("A ", "4111111111111111 ")
        head = f"tree {zoo.git('rev-parse', 'HEAD^{tree}').strip()}\nparent {base}\nauthor {author_of}\ncommitter {person}\n"
    words = ("git", "hash-object", "-t", kind, "-w", "--literally", "--stdin")
    done = subprocess.run(
        words, input=(head + rest.format(base)).encode(), cwd=zoo.folder, capture_output=True, check=True
    )
    ref = "refs/tags/v9" if kind == "tag" else "refs/heads/topic"
    code, said = received(zoo, "0" * 40, done.stdout.decode().strip(), ref)
    assert (code, f"message of {kind}" in said) == (1, True), said


def test_privacy_06_notes_names_of_folders_links_and_the_head_of_a_commit(zoo: Zoo, labelvc: Run):
    base = zoo.git("rev-parse", "HEAD")
    zoo.git("notes", "add", "-m", f"ask {MAIL}", base, **author("Ada"))
    notes = zoo.git("rev-parse", "refs/notes/commits")
    zoo.git("update-ref", "-d", "refs/notes/commits")
    code, said = received(zoo, "0" * 40, notes, "refs/notes/commits")
    assert (code, "an e-mail address" in said) == (1, True)
    zoo.git("switch", "-q", "-c", "topic")
    zoo.write("people/219-09-9998/x.txt", "hello")
    (zoo.folder / "link").symlink_to("../people/4111111111111111")
    head = zoo.commit("Bring")
    made = zoo.git("cat-file", "commit", head)
    tagged = f"mergetag object {base}\n type commit\n tag v1\n tagger Jo <{MAIL}> 1772355600 +0000\n \n asked {MAIL}"
    first, _, rest = made.partition("\n\n")
    words = ("git", "hash-object", "-t", "commit", "-w", "--stdin")
    done = subprocess.run(
        words, input=f"{first}\n{tagged}\n\n{rest}\n", cwd=zoo.folder, capture_output=True, text=True, check=True
    )
    zoo.git("update-ref", "refs/heads/topic", done.stdout.strip())
    code, found = scan(zoo, labelvc, "main..topic")
    assert code == 1
    assert [(rule, path) for rule, path, _ in found] == [
        ("privacy.card", "link"),
        ("privacy.ssn", "people/***/x.txt"),
        ("privacy.email", f"message of commit {done.stdout[:10]}"),
    ]
