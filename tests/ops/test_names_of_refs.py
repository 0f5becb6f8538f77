"""Names that mean several things: a tag called like a branch, which git takes with no more than a warning, turns no verdict green."""

from __future__ import annotations

import pytest

from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["desk", "desk_template", "people_keys", "zoo", "zoo_template"]
RANGES = [
    ("verify", "main...topic"),
    ("verify", "main..topic"),
    ("check", "main...topic"),
    ("review", "main...topic"),
    ("privacy", "scan", "main..topic"),
    ("policy", "explain", "main...topic"),
    ("approve", "main...topic", "--role", "reviewer"),
    ("audit", "merges", "main..topic"),
]
WORK = [
    ("diff", "main..topic"),
    ("diff", "main...topic"),
    ("diff", "topic"),
    ("check", "main...topic"),
    ("log", "--at", "main..topic"),
    ("blame", "pets/p2", "--at", "topic"),
    ("trace", "pets/p2#m1", "--at", "topic"),
    ("export", "jsonl", "--dataset", "pets", "--task", "mood", "--at", "topic", "-o", "out.jsonl"),
    ("merge", "topic"),
    ("report", "topic"),
    ("format", "--since", "topic"),
]


@pytest.mark.parametrize(("tag", "at"), [("main", "topic"), ("topic", "main")])
@pytest.mark.parametrize("quiet", [False, True])
def test_a_tag_called_like_a_branch_is_refused(desk: Desk, tmp_path, tag: str, at: str, quiet: bool):
    if quiet:
        desk.git("config", "core.warnAmbiguousRefs", "false")
    code, _ = desk.verify("main...topic")
    assert code == 1
    desk.git("tag", tag, at)
    told = f"'{tag}' names more than one thing here"
    for words in RANGES:
        code, out, err = desk.labelvc(*words)
        assert (code, told in err, f"next: git show-ref {tag}; then" in err) == (2, True, True), (words, out, err)
    code, out, _ = desk.labelvc("ci", "--base", "main", "--head", "topic", "-o", str(tmp_path / "out"))
    assert (code, "ci.untold" in out, told in out) == (2, True, True), out
    assert desk.verify("refs/heads/main...refs/heads/topic")[0] == 1


@pytest.mark.parametrize("words", WORK, ids=" ".join)
def test_no_command_takes_one_of_the_two(zoo: Zoo, labelvc, words: tuple[str, ...]):
    zoo.git("switch", "-q", "-c", "topic")
    zoo.change("pets/p2#m1", value={"score": 3})
    zoo.commit("More")
    zoo.git("switch", "-q", "main")
    zoo.git("tag", "topic", "main")
    code, out, err = labelvc(zoo.folder, *words)
    assert (code, "'topic' names more than one thing here" in out + err) == (2, True), (out, err)
    assert zoo.git("status", "--short") == ""
    full = [word.replace("topic", "refs/heads/topic") for word in words]
    assert "names more" not in "".join(labelvc(zoo.folder, *full)[1:])


def test_a_tag_called_like_the_short_id_of_a_commit(desk: Desk):
    short = desk.git("rev-parse", "--short", "topic")
    assert desk.verify(f"main...{short}")[0] == 1
    desk.git("tag", short, "main")
    assert desk.labelvc("verify", f"main...{short}")[0] == 2


def test_a_whole_id_is_what_it_says_whatever_is_called_so(desk: Desk):
    main, topic = (desk.git("rev-parse", name) for name in ("main", "topic"))
    desk.git("update-ref", f"refs/tags/{topic}", "main")
    desk.git("update-ref", f"refs/heads/{main}", "topic")
    assert desk.verify(f"{main}...{topic}")[0] == 1
    desk.git("tag", "main", "topic")
    assert desk.labelvc("verify", f"main...{topic}")[0] == 2, "the advice about the id hides no warning about the other"
