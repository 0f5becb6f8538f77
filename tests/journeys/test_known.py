"""Known people on real letters: every occurrence of fifty names is found, and nothing else; hooks find whom the vault knows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from labelvc.core import known, pseudonym
from labelvc.ops import pseudonyms
from labelvc.store import keyring, tree
from tests.vaulting import MAIL, NAME, Vaulted, vaulted, vaulted_template, zoo, zoo_template
from tests.zoo import ID

__all__ = ["vaulted", "vaulted_template", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
BUNDLE = Path(os.environ.get("LABELVC_TEST_DATA", "nowhere")) / "histories/ud_ewt_dev.bundle"
FILE = "en_ewt-ud-dev.conllu"
NO_PERSON = {"El Paso", "Carr Futures"}


def blocks(source: Path) -> list[list[str]]:
    return [block.split("\n") for block in source.read_text().split("\n\n") if block.strip()]


def comment(block: list[str], name: str) -> str:
    return next((line.partition("= ")[2] for line in block if line.startswith(f"# {name} =")), "")


def names(source: Path) -> list[str]:
    """Return the fifty commonest full names in the letters: two proper nouns, of which the treebank calls the second flat."""
    found = Counter[str]()
    for block in blocks(source):
        if "email" in comment(block, "sent_id"):
            rows = [line.split("\t") for line in block if line and line.split("\t")[0].isdigit()]
            for one, two in pairwise(rows):
                proper = one[3] == two[3] == "PROPN" and two[7] == "flat" and two[6] == one[0]
                if proper and all(word.isalpha() and word[0].isupper() and len(word) > 1 for word in (one[1], two[1])):
                    found[f"{one[1]} {two[1]}"] += 1
    return [name for name, _ in found.most_common() if name not in NO_PERSON][:50]


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not BUNDLE.is_file():
        pytest.skip("LABELVC_TEST_DATA names no folder with histories/")
    tmp_path = tmp_path_factory.mktemp("letters")
    subprocess.run(["git", "clone", "-q", "--bare", str(BUNDLE), str(tmp_path / "ud")], check=True)
    words = ["git", "-C", str(tmp_path / "ud"), "show", f"HEAD:{FILE}"]
    place = tmp_path / FILE
    place.write_bytes(subprocess.run(words, check=True, capture_output=True).stdout)
    return place


def occurrences(text: str, people: list[str]) -> int:
    """Count names by plain patterns: as written or in any case, forename first or last, a blank, comma or hyphen between."""
    pairs = [name.split() for name in people]
    ways = [rf"{one}[\s,._-]{{1,8}}{two}" for a, b in pairs for one, two in ((a, b), (b, a))]
    return len(re.findall(rf"(?i)(?<![^\W_])(?:{'|'.join(ways)})(?![^\W_])", text))


def test_fifty_real_names_are_found_wherever_they_stand(
    letters: Path, tmp_path: Path, project: Callable[[str], Path], labelvc: Run
):
    people = names(letters)
    assert len(people) == 50
    folder = project("tokens")
    assert labelvc(folder, "import", "conllu", str(letters), "--dataset", "sentences")[0] == 0
    listed = tmp_path / "people.txt"
    listed.write_text("\n".join(people))
    words = ("privacy", "scan", "--all", "--identities", str(listed), "--format", "jsonl")
    code, out, err = labelvc(folder, *words)
    assert code == 1
    found = Counter[str]()
    for row in map(json.loads, out.splitlines()):
        if row["rule"] == "privacy.known" and row["place"]["pointer"] == "/text":
            found[row["place"]["key"]] += 1
    wanted = {
        f"sentences/{comment(block, 'sent_id')}#": number
        for block in blocks(letters)
        if (number := occurrences(comment(block, "text"), people))
    }
    assert found == wanted
    assert sum(wanted.values()) == 73
    for name in people:
        assert name not in out + err


@pytest.mark.parametrize("change", [str.upper, str.casefold, lambda name: ", ".join(reversed(name.split())), lambda name: name.replace(" ", "\u00a0\n"),
    lambda name: name.replace(" ", "_"), lambda name: name.replace("a", "á").replace("e", "e\u0301"), lambda name: name.replace(" ", "").lower()])  # fmt: skip
def test_recall_is_whole_after_normalisation(letters: Path, change: Callable[[str], str]):
    people = names(letters)
    for found in (known.plain(people)[0], known.keyed(people, bytes(32))[0]):
        assert [name for name in people if not list(found.spans(f"to {change(name)}: hello"))] == []


def test_hooks_and_ci_find_whom_the_vault_knows_without_holding_it(vaulted: Vaulted, labelvc: Run):
    zoo = vaulted.zoo
    file = zoo.folder / ".git/labelvc/keyring/known"
    values = vaulted.keys / "values"
    values.write_text(f"{NAME}\nNg\n")
    words = ("vault", "seal", "--values", str(values), "--kind", "person", *vaulted.by("ada", "ben"))
    assert labelvc(zoo.folder, *words)[0] == 0
    vaulted.person(1)
    code, _, err = labelvc(zoo.folder, "vault", "filter", *vaulted.by("ada"))
    assert (code, file.exists()) == (2, False)
    code, out, err = labelvc(zoo.folder, "vault", "filter", *vaulted.by("ada", "ben"))
    assert (code, out, err) == (0, "", f"2 values in {file}; 1 too short, or too long, to be looked for\n")
    assert file.stat().st_mode & 0o077 == 0
    data = file.read_bytes()
    assert not [word for word in (*NAME.split(), *NAME.lower().split(), MAIL) if word.encode() in data]
    zoo.commit("As it was")
    zoo.change("pets/p2#", text="hopper, grace BREWSTER called")
    zoo.write("notes.txt", "ask Grace\n  Brewster Hopper\n")
    zoo.git("add", "--all")
    for command in (("privacy", "scan"), ("check", "--staged"), ("plumbing", "hook", "pre-commit")):
        code, out, err = labelvc(zoo.folder, *command)
        assert (code, (out + err).count("privacy.known")) == (1, 2)
        assert not [word for word in ("hopper", "brewster", "grace") if word in (out + err).lower()]
    theirs = vaulted.copy().zoo
    shutil.rmtree(theirs.folder / ".git/labelvc/vault")
    gate = theirs.folder / ".git/labelvc/keyring/b.key"
    gate.unlink()
    code, _, err = labelvc(theirs.folder, "privacy", "scan")
    assert (code, "needs a gate key that is not here" in err) == (2, True)
    shutil.copy(zoo.folder / ".git/labelvc/keyring/b.key", gate)
    assert labelvc(theirs.folder, "privacy", "scan")[0] == 1
    (theirs.folder / ".git/labelvc/keyring/known").write_bytes(data[:-1])
    code, _, err = labelvc(theirs.folder, "privacy", "scan")
    assert (code, "is damaged, or of another key" in err) == (2, True)
    keyring.filter_path(theirs.at).unlink()
    assert labelvc(theirs.folder, "privacy", "scan")[0] == 0
    theirs.write("k.bin", data)
    theirs.git("add", "--all")
    assert "privacy.secret" in labelvc(theirs.folder, "privacy", "scan")[1]
    assert "filter" in (vaulted.home / "log.jsonl").read_text()


def test_who_is_forgotten_is_in_no_filter_any_more(vaulted: Vaulted, labelvc: Run):
    zoo = vaulted.zoo
    values = vaulted.keys / "values"
    values.write_text(f"{NAME}\nAda Byron Lovelace\n")
    both = vaulted.by("ada", "ben")
    assert labelvc(zoo.folder, "vault", "seal", "--values", str(values), "--kind", "person", *both)[0] == 0
    assert labelvc(zoo.folder, "vault", "filter", *both)[0] == 0
    zoo.write("notes.txt", f"ask {NAME}\n")
    zoo.write("more.txt", "ask Ada Byron Lovelace\n")
    zoo.git("add", "notes.txt", "more.txt")
    assert labelvc(zoo.folder, "privacy", "scan")[1].count("privacy.known") == 2
    with tree.reader(zoo.at) as reader:
        secret = pseudonyms.active(zoo.at, tree.work(zoo.at), reader)
    token = pseudonym.token(secret, ID, "main", "person", NAME)
    code, _, err = labelvc(zoo.folder, "vault", "forget", token, *both)
    assert code == 0, err
    code, out, _ = labelvc(zoo.folder, "privacy", "scan")
    assert (code, out.count("privacy.known"), "more.txt" in out, "notes.txt" in out) == (1, 1, True, False)
