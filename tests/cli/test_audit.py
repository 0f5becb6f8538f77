"""`audit merges` as people and programs meet it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot

from labelvc.codec import schema
from labelvc.ops import merge, resolve
from tests.cli.test_history import Run
from tests.ops.test_audit import apart, by_hand
from tests.ops.test_merge import both, conflict, fork, merged, scored
from tests.zoo import PLAIN, Zoo, rating, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]


def masked(text: str) -> str:
    return re.sub(r"\b[0-9a-f]{10,40}\b", "<commit>", text)


def read(labelvc: Run, zoo: Zoo, *words: str, code: int) -> dict[str, Any]:
    found, out, err = labelvc(zoo.folder, "audit", "merges", *words, "--format", "json")
    assert (found, err) == (code, "")
    document: dict[str, Any] = json.loads(out)
    assert schema.problems("audit-merges", document) == []
    return document


def test_a_merge_button_that_lost_changes(zoo: Zoo, labelvc: Run):
    apart(zoo)
    by_hand(zoo, start="-s ours")
    code, out, err = labelvc(zoo.folder, "audit", "merges")
    assert (code, err) == (1, "")
    assert masked(out) == snapshot("""\
<commit>  Merge branch 'topic'
  lost        pets/p5#m1  a change of the second parent is not in the merge
      /value/score  was -2  ours -2  theirs -4  merge -2
  resurrected pets/p6#m1  deleted by the second parent, and there again
      /value  was score -1  ours score -1  theirs (deleted)  merge score -1
  lost        pets/p1#m2  a change of the second parent is not in the merge
      /value/score  was 2  ours 2  theirs -3  merge 2
1 merge, 0 clean; 2 lost updates; 1 resurrected record
""")


def test_in_json_it_fits_its_schema(zoo: Zoo, labelvc: Run):
    apart(zoo)
    by_hand(zoo, start="-X ours")
    document = read(labelvc, zoo, code=1)
    assert document["summary"] == {
        "merges": 1, "clean": 0, "lost": 1, "resurrected": 0, "unwritten": 0, "doubled": 0, "markers": 0, "resolved": 0,
        "untold": 0,
    }  # fmt: skip
    (item,) = document["items"]
    assert item["commit"] == zoo.git("rev-parse", "HEAD")
    assert item["parents"] == zoo.git("show", "-s", "--format=%P").split()
    assert [row[0]["value"]["score"] for row in (item["base"], item["ours"], item["theirs"], item["merge"])] == [
        2,
        2,
        -3,
        2,
    ]
    assert read(labelvc, zoo, "HEAD^1...HEAD", code=1)["base"] == "HEAD^1"
    code, out, _ = labelvc(zoo.folder, "audit", "merges", "--format", "jsonl")
    assert (code, [json.loads(line) for line in out.splitlines()]) == (1, [item])


def test_resolved_conflicts_are_counted_by_the_side_that_won(zoo: Zoo, labelvc: Run):
    conflict(zoo)
    merged(zoo)
    resolve.resolve(zoo.at, resolve.by_side("theirs"))
    merge.finish(zoo.at)
    code, out, err = labelvc(zoo.folder, "audit", "merges")
    assert (code, err) == (0, "")
    assert masked(out) == snapshot("""\
<commit>  Merge branch 'topic'
  1 conflict resolved by a person: 1 as the second parent
1 merge, 1 clean; 1 conflict resolved
""")
    assert read(labelvc, zoo, code=0)["items"][0]["side"] == "theirs"


def test_of_many_parents_the_last_is_held_against_the_others(zoo: Zoo, labelvc: Run):
    for name, key in (("one", "pets/p1#m1"), ("two", "pets/p2#m1")):
        zoo.git("switch", "-qc", name, "main")
        zoo.change(key, value={"score": 3})
        zoo.commit(name)
    zoo.git("switch", "-q", "main")
    zoo.write("notes.txt", "ours")
    zoo.commit("ours")
    zoo.git("merge", "-q", "-s", "ours", "-m", "Takes nothing", "one", "two")
    code, out, _ = labelvc(zoo.folder, "audit", "merges")
    assert code == 1
    assert "pets/p1#m1  a change of the parents before the last is not in the merge\n" in out
    assert "pets/p2#m1  a change of the last parent is not in the merge\n" in out


def test_a_history_without_merges(zoo: Zoo, labelvc: Run):
    assert labelvc(zoo.folder, "audit", "merges") == (0, "0 merges, 0 clean\n", "")
    assert labelvc(zoo.folder, "audit", "merges", "--format", "jsonl") == (0, "", "")
    assert read(labelvc, zoo, code=0)["items"] == []


def test_many_faults_are_counted_and_listed_on_demand(zoo: Zoo, labelvc: Run):
    names = [f"r{number}" for number in range(30)]
    fork(
        zoo,
        scored("pets/p1#m1", 3),
        both(*[lambda zoo, name=name: zoo.put(f"pets/p2#{name}", rating("p2", 1, name=name)) for name in names]),
    )
    by_hand(zoo, start="-s ours")
    code, out, _ = labelvc(zoo.folder, "audit", "merges")
    assert code == 1
    assert out.count("lost  ") == 20
    assert "and 10 more; labelvc audit merges --format jsonl lists all" in out
    assert out.endswith("1 merge, 0 clean; 30 lost updates\n")
    listed = labelvc(zoo.folder, "audit", "merges", "--format", "jsonl")[1].splitlines()
    assert len(listed) == 30


def test_what_cannot_be_told_is_never_green(zoo: Zoo, labelvc: Run):
    apart(zoo)
    merged(zoo)
    zoo.git("switch", "-q", "--orphan", "alone")
    zoo.write("notes.txt", "x")
    zoo.commit("alone")
    zoo.git("switch", "-q", "main")
    zoo.git("merge", "-q", "--no-edit", "--allow-unrelated-histories", "alone")
    code, out, err = labelvc(zoo.folder, "audit", "merges")
    assert (code, err) == (2, "")
    assert masked(out) == snapshot("""\
<commit>  Merge branch 'alone'
  untold      the two histories share no commit (<commit>...<commit>)
      next: git log --graph --oneline --all
2 merges, 1 clean; 1 could not be told
""")
    document = read(labelvc, zoo, code=2)
    assert (document["summary"]["untold"], document["summary"]["clean"]) == (1, 1)


def test_no_plain_value_is_shown(zoo: Zoo, labelvc: Run, tmp_path: Path):
    def private(name: str) -> Any:
        return lambda zoo: zoo.change("pets/p1#k1", ext={"contact": f"{name}.{PLAIN}", "note": name})

    fork(zoo, private("a"), private("b"))
    merged(zoo, commit=False)
    resolve.resolve(zoo.at, resolve.by_side("ours"))
    private("c")(zoo)
    zoo.git("add", "--all")
    zoo.git("commit", "-q", "--no-verify", "--no-edit")
    for form in ("text", "json", "jsonl"):
        code, out, err = labelvc(zoo.folder, "audit", "merges", "--format", form)
        assert code == 1
        assert PLAIN not in out + err
        assert "contact" in out
    target = tmp_path / "out.txt"
    assert labelvc(zoo.folder, "audit", "merges", "-o", str(target))[:2] == (1, "")
    assert "not shown" in target.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "no such revision"),
        (["HEAD..nowhere"], "no such revision"),
        (["--", "--all"], "is not a revision"),
        (["HEAD", "HEAD"], "unexpected extra argument"),
    ],
)
def test_what_is_no_range_is_told(zoo: Zoo, labelvc: Run, words, said):
    code, out, err = labelvc(zoo.folder, "audit", "merges", *words)
    assert (code, out) == (2, "")
    assert said in err


def test_the_group_tells_what_there_is(zoo: Zoo, labelvc: Run):
    code, out, err = labelvc(zoo.folder, "audit", "--help")
    assert code == 0
    assert "merges" in out + err
    assert labelvc(zoo.folder, "audit", "merge")[0] == 2
