"""No label is lost or overwritten without a word: what git ignores, what is no file, two commands at once."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from labelvc.cli import main as cli
from labelvc.errors import StoreError
from labelvc.model.change import Conflict, Strategy
from labelvc.ops import check, diff, hook, merge, resolve, tidy, transfer
from labelvc.ops.transfer import Request
from labelvc.store import dvc, files, log, tree
from labelvc.store import git as plumbing
from labelvc.store.cache import Cache
from tests.zoo import ANNA, Zoo, rating, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]


def source(zoo: Zoo, *items: str) -> Path:
    """Write labelvc's own lines: an item and its rating each."""
    path = zoo.folder.parent / f"{items[0]}.jsonl"
    rows = []
    for item in items:
        rows.append(f'{{"id":"{item}","natural":{{"word":"{item}"}},"text":"t"}}')
        rows.append(
            f'{{"item":"{item}","id":"m1","by":"{ANNA}","task":"mood","under":"mood@1.1.0","value":{{"score":1}}}}'
        )
    path.write_text("\n".join(rows) + "\n")
    return path


def request(zoo: Zoo, *items: str) -> Request:
    return Request("jsonl", source(zoo, *items), "pets", "mood")


def rules(report: check.Report) -> set[str]:
    return {finding.rule for finding in report.findings}


def held(zoo: Zoo) -> set[str]:
    """Return the items of which a rating lies in the work tree."""
    paths = (zoo.folder / "datasets/pets/annotations").rglob("*.jsonl")
    return {line.split('"')[3] for path in paths for line in path.read_text().splitlines() if "gone" not in line}


# ---------------------------------------------------------------- what git ignores
@pytest.mark.parametrize("ignored", ["*.jsonl", "datasets/", "annotations/"])
def test_shards_that_git_ignores_are_seen_and_told(zoo: Zoo, ignored: str):
    zoo.git("rm", "-rq", "datasets/pets/annotations", "datasets/pets/items")
    zoo.git("commit", "-qm", "Empty")
    zoo.write(".git/info/exclude", f"{ignored}\n")
    transfer.perform(zoo.at, request(zoo, "one"))
    work = tree.work(zoo.at)
    assert "shard.ignored" in rules(check.changed(zoo.at, tree.commit(zoo.at, "HEAD"), work))
    assert "shard.ignored" in rules(check.everything(zoo.at, work))
    transfer.perform(zoo.at, request(zoo, *[f"x{number}" for number in range(40)]))
    assert "one" in held(zoo)
    zoo.git("add", "--force", "datasets")
    assert "shard.ignored" not in rules(check.everything(zoo.at, tree.work(zoo.at)))


def test_a_pointer_that_is_gone_takes_no_record_along(zoo: Zoo):
    zoo.store_in_dvc()
    zoo.commit("Store in DVC")
    before = held(zoo)
    (zoo.folder / "datasets/pets/annotations.dvc").unlink()
    assert "shard.ignored" in rules(check.everything(zoo.at, tree.work(zoo.at)))
    transfer.perform(zoo.at, request(zoo, "one"))
    assert held(zoo) == before | {"one"}
    assert (zoo.folder / "datasets/pets/annotations.dvc").is_file()
    zoo.git("add", "--all")
    assert rules(zoo.staged()) == set()


def test_a_repository_within_the_shards_is_told(zoo: Zoo):
    zoo.git("rm", "-rq", "--cached", "datasets/pets/annotations")
    subprocess.run(["git", "init", "-q"], cwd=zoo.folder / "datasets/pets/annotations", check=True)
    with pytest.raises(StoreError, match="another git repository"):
        transfer.perform(zoo.at, request(zoo, "one"))


# ---------------------------------------------------------------- links
@pytest.mark.parametrize("path", ["datasets/pets/annotations/0.jsonl", "taxonomies/animals.yaml"])
def test_a_link_whose_target_is_the_very_text_is_a_finding(zoo: Zoo, path: str):
    oid = zoo.git("rev-parse", f"HEAD:{path}")
    zoo.git("update-index", "--cacheinfo", f"120000,{oid},{path}")
    assert rules(zoo.staged()) == {"file.link"}
    zoo.git("commit", "-qm", "A link")
    whole = [tree.commit(zoo.at, rev) for rev in ("HEAD~1", "HEAD")]
    assert rules(check.changed(zoo.at, *whole)) == {"file.link"}
    assert rules(check.everything(zoo.at, whole[1])) == {"file.link"}


@pytest.mark.parametrize("folder", ["datasets/pets/annotations", "datasets/pets", "taxonomies"])
def test_a_link_in_place_of_a_folder_is_a_finding(zoo: Zoo, folder: str):
    (zoo.folder / folder).rename(zoo.folder.parent / "elsewhere")
    (zoo.folder / folder).symlink_to(zoo.folder.parent / "elsewhere")
    zoo.commit("A link")
    assert "file.link" in rules(check.everything(zoo.at, tree.commit(zoo.at, "HEAD")))
    assert "file.link" in rules(check.everything(zoo.at, tree.work(zoo.at)))


def test_links_elsewhere_are_documents_like_others(zoo: Zoo):
    (zoo.folder / "dangling").symlink_to("/nowhere")
    (zoo.folder / "loop").symlink_to(".")
    found = list(diff.between(zoo.at, tree.commit(zoo.at, "HEAD"), tree.work(zoo.at)))
    assert [(delta.key, delta.new) for delta in found] == [("dangling", b"/nowhere"), ("loop", b".")]
    zoo.commit("Links")
    assert found == list(diff.between(zoo.at, *[tree.commit(zoo.at, rev) for rev in ("HEAD~1", "HEAD")]))
    (zoo.folder / "loop").unlink()
    (zoo.folder / "loop").symlink_to("elsewhere")
    (delta,) = diff.between(zoo.at, tree.commit(zoo.at, "HEAD"), tree.work(zoo.at))
    assert delta == ("loop", b".", b"elsewhere", ("120000", "120000"))
    assert rules(check.everything(zoo.at, tree.work(zoo.at))) == set()


# ---------------------------------------------------------------- two at once
def test_imports_at_once_lose_nothing(zoo: Zoo):
    wanted = {f"{name}{number}" for name in "abc" for number in range(60)}
    sources = [source(zoo, *[f"{name}{number}" for number in range(60)]) for name in "abc"]
    words = [sys.executable, "-m", "labelvc.cli", "import", "jsonl"]
    running = [
        subprocess.Popen([*words, str(path), "-D", "pets", "--task", "mood"], cwd=zoo.folder, env=os.environ)
        for path in sources
    ]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert wanted <= held(zoo)


@pytest.mark.parametrize("words", [["format"], ["import", "jsonl", "../one.jsonl", "-D", "pets", "--task", "mood"]])
def test_what_another_command_wrote_meanwhile_stays(zoo: Zoo, words: list[str]):
    source(zoo, "one")
    zoo.put("pets/p2#m1", rating("p2", 3))
    with files.lock(zoo.at):
        process = subprocess.Popen([sys.executable, "-m", "labelvc.cli", *words], cwd=zoo.folder, env=os.environ)
        time.sleep(1)
        for number in range(30):
            zoo.put(f"pets/x{number}#m1", rating(f"x{number}"))
    assert process.wait() == 0
    assert {f"x{number}" for number in range(30)} <= held(zoo)


def test_an_edit_made_while_resolve_asks_stays(zoo: Zoo):
    zoo.git("switch", "-qc", "topic")
    zoo.change("pets/p1#m1", value={"score": -3})
    zoo.commit("theirs", "Ben")
    zoo.git("switch", "-q", "main")
    zoo.change("pets/p1#m1", value={"score": 3})
    zoo.commit("ours")
    assert merge.merge(zoo.at, "topic").state == "conflict"
    path = zoo.shard("pets/p1#m1")
    mine = zoo.read(path).replace(b'"cat"', b'"dog"')

    def choose(_: Conflict) -> Strategy:
        zoo.write(path, mine)  # an editor in another window
        return "theirs"

    with pytest.raises(StoreError, match="changed while labelvc worked on it; nothing was written") as caught:
        resolve.resolve(zoo.at, choose)
    assert caught.value.where == path
    assert zoo.read(path) == mine
    assert resolve.resolve(zoo.at, lambda _: "theirs").settled == 1
    assert zoo.row("pets/p1#m1")["value"] == {"score": -3}
    assert b'"dog"' in zoo.raw("pets/p1#k1")


@pytest.mark.parametrize("verb", ["import", "reshard"])
def test_an_edit_made_after_the_shards_were_listed_stays(zoo: Zoo, verb: str):
    """git names an unedited shard by its object: it would be read from there, and what was edited since be lost."""
    path = zoo.shard("pets/p1#m1")
    near = next(name for name in (f"x{number}" for number in range(99)) if zoo.shard(f"pets/{name}#m1") == path)
    words = {
        "import": ["import", "jsonl", str(source(zoo, near)), "-D", "pets", "--task", "mood"],
        "reshard": ["dataset", "reshard", "pets", "--shards", "16"],
    }
    mine = zoo.read(path).replace(b'"cat"', b'"dog"')
    child = os.fork()
    if not child:
        sys.addaudithook(partial(_edit_when_a_draft_begins, zoo, path, mine))
        os._exit(cli.run(["-q", "-C", str(zoo.folder), *words[verb]]))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
    assert zoo.read(path) == mine
    assert cli.run(["-q", "-C", str(zoo.folder), *words["import"]]) == 0
    assert b'"dog"' in zoo.raw("pets/p1#k1")


def _edit_when_a_draft_begins(zoo: Zoo, path: str, data: bytes, event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and str(arguments[0]).endswith("labelvc/draft") and arguments[1] == "w":
        (zoo.folder / path).write_bytes(data)


# ---------------------------------------------------------------- what a clone may hold
def test_a_sparse_checkout_is_checked_whole(zoo: Zoo):
    zoo.change("pets/p2#m1", value={"score": 9})
    zoo.commit("Bad")
    zoo.git("sparse-checkout", "set", "--no-cone", "/*", "!/datasets/*/annotations/*")
    assert not list((zoo.folder / "datasets").glob("*/annotations/*"))
    assert rules(check.everything(zoo.at, tree.work(zoo.at))) == {"score.range"}
    assert list(diff.between(zoo.at, tree.commit(zoo.at, "HEAD"), tree.work(zoo.at))) == []


def test_a_remembered_outcome_of_another_labelvc_is_not_believed(zoo: Zoo):
    commit = tree.commit(zoo.at, "HEAD")
    first = check.everything(zoo.at, commit)
    with sqlite3.connect(zoo.at.common / "labelvc" / "cache" / "results.sqlite3") as connection:
        keys = [key for (key,) in connection.execute("SELECT key FROM result_1")]
    with Cache(zoo.at) as cache:
        cache.put_many([(key, b"\x91\x01") for key in keys])
    assert check.everything(zoo.at, commit) == first


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GIT_DIFF_OPTS", "-u3"),
        ("GIT_GLOB_PATHSPECS", "1"),
        ("GIT_ICASE_PATHSPECS", "1"),
        ("GIT_NOGLOB_PATHSPECS", "1"),
    ],
)
def test_settings_of_the_shell_change_no_diff(zoo: Zoo, name: str, value: str, monkeypatch: pytest.MonkeyPatch):
    zoo.change("pets/p2#m1", value={"score": 3})
    zoo.commit("Edit")
    pair = [tree.commit(zoo.at, rev) for rev in ("HEAD~1", "HEAD")]
    before = list(diff.between(zoo.at, *pair))
    monkeypatch.setenv(name, value)
    assert list(diff.between(zoo.at, *pair)) == before
    assert list(diff.between(zoo.at, *tree.differing(zoo.at, "HEAD~1", "HEAD"))) == before


def test_a_graft_hides_no_history(zoo: Zoo):
    zoo.change("pets/p2#m1", value={"score": 3})
    head = zoo.commit("Edit")
    parent = zoo.git("rev-parse", "HEAD~1")
    zoo.write(".git/info/grafts", f"{head}\n")
    assert plumbing.first_parents(zoo.at, "", "HEAD") == [("", parent), (parent, head)]
    assert {found.id for found in log.commits(zoo.at, "HEAD", [zoo.shard("pets/p2#m1")])} == {head, parent}


# ---------------------------------------------------------------- pointers
def moments(zoo: Zoo) -> list[set[str]]:
    """Commit everything; return the rules broken in the work tree and in the index before, and in the commit after."""
    before = [rules(check.changed(zoo.at, tree.commit(zoo.at, "HEAD"), tree.work(zoo.at)))]
    before.append(rules(check.everything(zoo.at, tree.work(zoo.at))))
    zoo.git("add", "--all")
    before.append(rules(zoo.staged()))
    zoo.commit("Next")
    commits = [tree.commit(zoo.at, rev) for rev in ("HEAD~1", "HEAD")]
    return [*before, rules(check.changed(zoo.at, *commits)), rules(check.everything(zoo.at, commits[1]))]


def test_a_pointer_where_storage_says_git_is_a_finding(zoo: Zoo):
    """Else format and import write shards that git ignores and DVC does not store."""
    zoo.store_in_dvc()
    zoo.commit("Store in DVC")
    zoo.replace("datasets/pets/dataset.yaml", "storage: dvc", "storage: git")
    assert moments(zoo) == [{"dvc.pointer"}] * 5
    assert rules(zoo.staged()) == set()  # known by now


def test_a_pointer_without_its_manifest_is_a_finding_that_format_mends(zoo: Zoo):
    zoo.store_in_dvc()
    zoo.commit("Store in DVC")
    manifest = zoo.read("datasets/pets/annotations.sha256")
    (zoo.folder / "datasets/pets/annotations.sha256").unlink()
    assert moments(zoo) == [{"dvc.pointer"}] * 5
    tidy.tidy(zoo.at)
    assert zoo.read("datasets/pets/annotations.sha256") == manifest
    assert rules(check.everything(zoo.at, tree.work(zoo.at))) == set()


def test_shards_in_git_are_not_hidden_by_a_pointer(zoo: Zoo):
    zoo.store_in_dvc()
    zoo.commit("Store in DVC")
    zoo.change("pets/p2#m1", value={"score": 3})
    path = zoo.shard("pets/p2#m1")
    zoo.git("add", "--force", path)
    assert "dvc.pointer" in rules(zoo.staged())
    zoo.git("commit", "-qm", "Both")
    old, new = [tree.commit(zoo.at, rev) for rev in ("HEAD~1", "HEAD")]
    assert [str(delta.key) for delta in diff.between(zoo.at, old, new)] == ["pets/p2#m1"]
    assert list(diff.between(zoo.at, new, tree.work(zoo.at))) == []
    assert "dvc.pointer" in rules(check.everything(zoo.at, new))


# ---------------------------------------------------------------- datasets that go
def test_a_dataset_goes_in_two_steps(zoo: Zoo):
    """At once it is stopped, with a cure that works: tombstones first, so that its records are told to be gone."""
    zoo.git("rm", "-rq", "datasets/pets")
    (finding,) = zoo.staged().findings
    assert (finding.rule, finding.place.path) == ("record.rev", "datasets/pets")
    assert "16 records" in finding.message
    assert "git restore" in finding.hint
    zoo.git("reset", "-q", "--hard")
    zoo.git("rm", "-rq", "datasets/pets/annotations")
    tidy.tidy(zoo.at)
    zoo.commit("Bury")
    zoo.git("rm", "-rq", "datasets/pets")
    assert rules(zoo.staged()) == set()


def test_a_ref_may_hold_what_python_takes_for_a_line_end():
    one, two = "1" * 40, "2" * 40
    for name in ("refs/heads/a\u2028b", "refs/heads/a\x85b"):
        assert hook.read_pushed(f"{name} {one} {name} {two}\n") == [hook.Push(name, two, one)]
        assert hook.read_received(f"{two} {one} {name}\n") == [hook.Push(name, two, one)]


def test_a_rev_that_could_not_grow_any_more_is_a_finding(zoo: Zoo):
    zoo.change("pets/p2#m1", value={"score": 3}, rev=2**53 - 1)
    assert rules(check.changed(zoo.at, tree.commit(zoo.at, "HEAD"), tree.work(zoo.at))) == {"record.rev"}
    tidy.tidy(zoo.at)
    assert zoo.row("pets/p2#m1")["rev"] == 2


@pytest.mark.parametrize("verb", ["import", "format"])
def test_what_dvc_has_not_brought_into_the_work_tree_is_not_lost(zoo: Zoo, verb: str):
    """A linked work tree, or a clone before `dvc pull`, has the pointer only: new shards alone would become the dataset."""
    zoo.store_in_dvc()
    zoo.commit("Store in DVC")
    before = held(zoo)
    zoo.git("worktree", "add", "-q", "../linked", "-b", "linked")
    linked = Zoo(zoo.folder.parent / "linked")
    assert not (linked.folder / "datasets/pets/annotations").exists()
    if verb == "import":
        transfer.perform(linked.at, request(linked, "one"))
    else:
        linked.change("pets/p2#", text=f"{linked.row('pets/p2#')['text']}!")
        linked.respell("pets/p2#", ',"text"', ', "text"')
        tidy.tidy(linked.at)
    linked.git("add", "--all")
    assert rules(linked.staged()) == set()
    linked.git("commit", "-qm", "Next")
    with tree.reader(linked.at) as reader:
        commit = tree.commit(linked.at, "HEAD")
        data = b"".join(
            raw for _, raw in reader.many([row for row in commit.entries.items() if "pets/annotations/" in row[0]])
        )
    assert data.count(b'"id":"m1"') == len(before) + (verb == "import")


def test_items_behind_a_pointer_are_a_finding(zoo: Zoo):
    """labelvc stores annotations with DVC, never items: their edits would be stored by nobody."""
    zoo.git("rm", "-rq", "--cached", "datasets/pets/items")
    dvc.initialise(zoo.at)
    dvc.add(zoo.at, Path("datasets/pets/items"))
    assert moments(zoo) == [{"dvc.pointer"}] * 5
