"""Threats to an erasure and a re-key from branches that were open across them: nobody comes back unseen, and nothing is lost."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from labelvc.codec import epochs
from labelvc.core import pseudonym
from labelvc.ops.install import ATTRIBUTES
from labelvc.store import keyring
from tests.ops.test_erase import erase, signing
from tests.ops.test_rekey import FIRST
from tests.threats.test_erasure import erased
from tests.vaulting import Vaulted, vaulted, vaulted_template, zoo, zoo_template
from tests.zoo import ANNA, SECRET, Zoo, author

__all__ = ["vaulted", "vaulted_template", "zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
ORDERS = [("main", "old"), ("old", "main")]
WAYS = ["labelvc", "git"]


def branched(zoo: Zoo, labelvc: Run) -> None:
    """Begin a branch that adds a record by Anna and changes one of hers, and go back to main."""
    zoo.git("config", "user.email", "ada@example.com")
    zoo.write(".gitattributes", f"{ATTRIBUTES}\n")
    assert labelvc(zoo.folder, "install")[0] == 0
    zoo.commit("Drivers")
    zoo.git("switch", "-q", "-c", "old")
    zoo.put("pets/p2#m9", {**zoo.row("pets/p2#m1"), "id": "m9"})
    zoo.change("pets/p3#m1", value={"score": -4})
    zoo.commit("More by Anna")
    zoo.git("switch", "-q", "main")


def merged(zoo: Zoo, labelvc: Run, way: str, into: str, other: str) -> tuple[int, str]:
    """Merge a branch into another; returns the exit code and what was said."""
    zoo.git("switch", "-q", into)
    if way == "labelvc":
        code, out, err = labelvc(zoo.folder, "merge", other, "-m", "Merge")
        return code, out + err
    done = subprocess.run(
        ["git", "merge", "--no-ff", "-m", "Merge", other], cwd=zoo.folder, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def found(zoo: Zoo, labelvc: Run, rule: str, *words: str) -> list[str]:
    code, out, err = labelvc(zoo.folder, "check", *words, "--format", "json")
    assert code in (0, 1), err
    return sorted(one["place"]["key"] for one in json.loads(out)["items"] if one["rule"] == rule)


def keys(zoo: Zoo) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for path in sorted((zoo.folder / "datasets").glob("*/annotations/*.jsonl")):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            rows[f"{path.parent.parent.name}/{row['item']}#{row['id']}"] = row
    return rows


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("into", "other"), ORDERS)
def test_privacy_15_a_branch_that_was_open_across_an_erasure(
    vaulted: Vaulted, labelvc: Run, way: str, into: str, other: str
):
    """What it added is seen, what it changed is a conflict, in which who takes the branch's label takes its maker; whoever commits all the same is stopped by CI, and cured by one command."""
    signing(vaulted)
    zoo = vaulted.zoo
    branched(zoo, labelvc)
    erased(vaulted, labelvc, ANNA)
    ledger = zoo.git("rev-parse", "main")
    code, said = merged(zoo, labelvc, way, into, other)
    assert code == 1, said
    assert labelvc(zoo.folder, "resolve", "--theirs" if into == "main" else "--ours")[0] == 0
    assert found(zoo, labelvc, "privacy.erased", "--all") == ["pets/p2#m9", "pets/p3#m1"]
    zoo.git("add", "--all")
    zoo.git("commit", "-q", "--no-verify", "-m", "Merge it all the same", **author("Ada"))
    assert found(zoo, labelvc, "privacy.erased", f"{ledger}..HEAD") == ["pets/p2#m9", "pets/p3#m1"]
    assert erase(vaulted, labelvc, ANNA, "--apply")[0] == 0
    zoo.commit("Take them out")
    assert found(zoo, labelvc, "privacy.erased", f"{ledger}..HEAD") == []
    there = keys(zoo)
    assert (there["pets/p2#m9"]["value"], there["pets/p3#m1"]["value"]) == ({"score": 0}, {"score": -4}), (
        "nothing is lost"
    )
    assert all(pseudonym.is_marker(there[key]["by"]) for key in ("pets/p2#m9", "pets/p3#m1"))
    assert ANNA not in json.dumps(there)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("into", "other"), ORDERS)
def test_privacy_14_a_branch_that_was_open_across_a_re_key(zoo: Zoo, labelvc: Run, way: str, into: str, other: str):
    """Its old tokens would make two people of one: they are seen, stop the next re-key, and one command gives them the new ones."""
    zoo.write(epochs.PATH, epochs.write([FIRST]))
    keyring.keep(zoo.at, SECRET)
    zoo.commit("The first epoch")
    branched(zoo, labelvc)
    assert labelvc(zoo.folder, "pseudonym", "rekey", "--to", "c", "--chained")[0] == 0
    zoo.commit("Re-key")
    base = zoo.git("rev-parse", "main")
    anna = zoo.row("pets/p3#m1")["by"]
    before = keys(zoo)
    code, said = merged(zoo, labelvc, way, into, other)
    assert code == 1, said
    assert labelvc(zoo.folder, "resolve", "--theirs" if into == "main" else "--ours")[0] == 0
    assert found(zoo, labelvc, "privacy.epoch", "--all") == ["pets/p2#m9", "pets/p3#m1"]
    zoo.git("add", "--all")
    zoo.git("commit", "-q", "--no-verify", "-m", "Merge it all the same", **author("Ada"))
    assert found(zoo, labelvc, "privacy.epoch", f"{base}..HEAD") == ["pets/p2#m9", "pets/p3#m1"]
    there = keys(zoo)
    assert there.keys() - before.keys() == {"pets/p2#m9"}
    assert {key for key in before if there[key] != before[key]} == {"pets/p3#m1"}, "no other record lost its new token"
    changed = {"by": ANNA, "value": {"score": -4}, "rev": there["pets/p3#m1"]["rev"]}
    assert there["pets/p3#m1"] == before["pets/p3#m1"] | changed
    assert labelvc(zoo.folder, "pseudonym", "rekey", "--to", "d", "--chained")[0] == 2
    assert labelvc(zoo.folder, "pseudonym", "mend")[0] == 0
    zoo.commit("Take the stragglers along")
    assert found(zoo, labelvc, "privacy.epoch", "--all") == []
    assert anna == zoo.row("pets/p3#m1")["by"] == zoo.row("pets/p2#m9")["by"], "one person again"
    assert labelvc(zoo.folder, "pseudonym", "rekey", "--to", "d", "--chained")[0] == 0
