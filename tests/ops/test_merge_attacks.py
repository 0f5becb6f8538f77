"""Attacks on a merge: odd trees, odd settings, odd moments. No label is lost in silence, nothing is left half done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.cli import main as cli
from labelvc.codec import canonical, shard
from labelvc.errors import StoreError
from labelvc.ops import audit, install, merge, resolve
from labelvc.ops.audit import Auditor
from tests.ops.test_merge import at, behind, both, conflict, fork, lines, merged, scored, seen, stored
from tests.zoo import PETS, Change, Zoo, rating, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]


def driven(zoo: Zoo) -> None:
    """Set up the merge driver of this clone."""
    zoo.write(".gitattributes", install.ATTRIBUTES + "\n")
    for name, value in install.drivers(sys.executable).items():
        zoo.git("config", name, value)


def kept(zoo: Zoo, *revs: str, rev: str = "HEAD") -> bool:
    """Tell whether every key of some commits is there."""

    def keys(where: str) -> set[str]:
        return {json.dumps([row.get("item"), row["id"]]) for row in map(json.loads, lines(zoo, where))}

    return all(keys(rev) >= keys(other) for other in revs)


def kinds(zoo: Zoo) -> set[str]:
    with Auditor(zoo.at) as auditor:
        return {found.verdict.kind for one in audit.merges(zoo.at, None) for found in auditor.examine(one)}


# ---------------------------------------------------------------- odd trees
@pytest.mark.parametrize("layer", ["annotations", "items"])
@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_a_shard_deleted_as_a_file_against_an_edit(zoo: Zoo, layer, side):
    key = "pets/p1#m1" if layer == "annotations" else "pets/p1#"
    path = zoo.shard(key)
    delete: Change = lambda zoo: (zoo.folder / path).unlink()  # noqa: E731
    edit = scored("pets/p1#m1", 3) if layer == "annotations" else (lambda zoo: zoo.change(key, text="the cat sat"))
    fork(zoo, *((delete, edit) if side == "ours" else (edit, delete)))
    found = merged(zoo)
    assert found.state == "conflict"
    assert [str(one.key) for here in found.outcome.torn.values() for one in here] == [key]
    resolve.resolve(zoo.at, resolve.by_side("ours" if side == "theirs" else "theirs"))
    assert zoo.raw(key)
    merge.abort(zoo.at)
    assert merged(zoo).state == "conflict"
    resolve.resolve(zoo.at, resolve.by_side(side))
    assert not (zoo.folder / path).exists()


@pytest.mark.parametrize("side", ["ours", "theirs"])
@pytest.mark.parametrize("tool", ["labelvc", "git"])
def test_a_dataset_removed_against_an_edit(zoo: Zoo, side, tool):
    remove: Change = lambda zoo: zoo.git("rm", "-rq", "datasets/pictures")  # noqa: E731
    edit: Change = lambda zoo: zoo.change("pictures/b.jpg#x1", ext={"note": "x"})  # noqa: E731
    fork(zoo, *((remove, edit) if side == "ours" else (edit, remove)))
    if tool == "git":
        driven(zoo)
        zoo.git("merge", "-q", "topic", code=1)
    else:
        assert merged(zoo).state == "conflict"
    left = resolve.left(zoo.at)
    assert [str(one.key) for here in left.conflicts.values() for one in here] == ["pictures/b.jpg#x1"]
    resolve.resolve(zoo.at, resolve.by_side(side))
    assert zoo.git("ls-files", "datasets/pictures") == ""
    done = merge.finish(zoo.at)
    if side == "ours":
        assert done.state == "merged"
    else:  # theirs took records away without tombstones, which the check of the result says
        assert done.state == "wrong"
        assert {one.rule for one in done.report.findings if one.severity == "error"} == {"record.rev"}


def test_a_dataset_added_on_both_sides_with_different_ids(zoo: Zoo):
    def add(digit: str, item: str) -> Change:
        def apply(zoo: Zoo) -> None:
            zoo.write("datasets/birds/dataset.yaml", PETS.replace("pets", "birds").replace("7d9e10", f"7d9e{digit}"))
            zoo.put(f"birds/{item}#", {"id": item, "text": "tweet"})
            zoo.put(f"birds/{item}#m1", rating(item))

        return apply

    fork(zoo, add("21", "o"), add("22", "t"))
    found = merged(zoo)
    assert found.state == "conflict"
    assert resolve.left(zoo.at).documents == ["datasets/birds/dataset.yaml"]
    assert zoo.raw("birds/o#m1")
    assert zoo.raw("birds/t#m1")
    zoo.git("checkout", "--ours", "datasets/birds/dataset.yaml")
    zoo.git("add", "datasets/birds/dataset.yaml")
    assert merge.finish(zoo.at).state == "merged"
    assert kept(zoo, "HEAD^1", "HEAD^2")


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_a_record_in_the_wrong_shard_on_one_side(zoo: Zoo, side):
    wrong = shard.path("pets", "annotations", "3" if zoo.shard("pets/p1#m1")[-7] != "3" else "2")

    def misplace(zoo: Zoo) -> None:
        raw = zoo.raw("pets/p1#m1")
        zoo.put("pets/p1#m1", None)
        zoo.write(wrong, shard.write([*shard.lines(zoo.read(wrong)), raw]))

    edit = scored("pets/p1#m1", 3)
    fork(zoo, *((misplace, edit) if side == "ours" else (edit, misplace)))
    found = merged(zoo)
    assert found.state in ("conflict", "wrong")
    text = b"".join(path.read_bytes() for path in zoo.folder.glob("datasets/*/*/*.jsonl"))
    for rev in ("main", "topic"):
        for line in lines(zoo, rev):
            assert line.encode() in text


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_a_shard_that_became_a_link(zoo: Zoo, side):
    path = zoo.shard("pets/p1#m1")

    def link(zoo: Zoo) -> None:
        (zoo.folder / path).unlink()
        (zoo.folder / path).symlink_to("/etc/hostname")

    edit = scored("pets/p1#m1", 3)
    fork(zoo, *((link, edit) if side == "ours" else (edit, link)))
    before = seen(zoo)
    try:
        found = merged(zoo)
    except StoreError:
        assert seen(zoo) == before
        return
    assert found.state in ("conflict", "wrong")
    assert b'"score":3' in zoo.read(path) or "topic" in zoo.git("name-rev", "--name-only", "MERGE_HEAD")


def test_a_submodule_in_the_tree(zoo: Zoo):
    def module(commit: str) -> Change:
        def apply(zoo: Zoo) -> None:
            (zoo.folder / "module").mkdir()
            zoo.git("update-index", "--add", "--cacheinfo", f"160000,{commit},module")
            zoo.git("commit", "-qm", "module")

        return apply

    module("1" * 40)(zoo)
    zoo.git("switch", "-qc", "topic")
    zoo.write(zoo.shard("pets/p1#m2"), zoo.read(zoo.shard("pets/p1#m2")).replace(b'"score":2', b'"score":3'))
    zoo.git("commit", "-qam", "theirs")
    zoo.git("update-index", "--cacheinfo", f"160000,{'2' * 40},module")
    zoo.git("commit", "-qm", "module of theirs")
    zoo.git("switch", "-q", "main")
    zoo.write(zoo.shard("pets/p1#m1"), zoo.read(zoo.shard("pets/p1#m1")).replace(b'"score":-1', b'"score":3'))
    zoo.git("commit", "-qam", "ours")
    merged(zoo, commit=False)
    assert zoo.git("ls-files", "-s", "module").split()[:2] == ["160000", "2" * 40]
    assert b"<<<" not in zoo.read(zoo.shard("pets/p1#m1"))


def test_names_and_ids_beyond_ascii_and_of_any_length(zoo: Zoo):
    odd = ["caf\u00e9", "cafe\u0301", "\U0001f408", "i" * 512, "a/b#c", "\u2028", "tab\\t", 'quo"te', "\\u00e9"]

    def add(sign: str) -> Change:
        def apply(zoo: Zoo) -> None:
            for item in odd:
                zoo.put(f"pets/{item}#", {"id": item, "natural": {"word": f"w{item}"}, "text": "x"})
                zoo.put(f"pets/{item}#m1", rating(item, name="m1"))
                zoo.put(f"pets/{item}#{sign}", rating(item, name=sign))
            for name in ("n\u00f6tes.txt", 'quo"te\n.txt', "-dash.txt", "sp ace\t.txt"):
                zoo.write(name, f"{name}\n\n\n\n{sign}\n" if sign == "o" else f"{sign}\n{name}\n\n\n\n")

        return apply

    fork(zoo, add("o"), add("t"), lambda zoo: None)
    found = merged(zoo)
    assert found.state == "conflict"
    assert found.outcome.torn == {}
    for path in resolve.left(zoo.at).documents:
        zoo.git("--literal-pathspecs", "checkout", "--ours", "--", path)
        zoo.git("--literal-pathspecs", "add", "--", path)
    done = merge.finish(zoo.at)
    assert done.state == "merged", [found for found in done.report.findings if found.severity == "error"]
    assert kept(zoo, "HEAD^1", "HEAD^2")
    assert kinds(zoo) == set()


# ---------------------------------------------------------------- odd bytes
@pytest.mark.parametrize("tool", ["labelvc", "git"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data[:-1],
        lambda data: data + b"no json\n",
        lambda data: data + b'{"item":"p1","id":"m1"\n',
        lambda data: data + b"\xff\xfe\n",
        lambda data: data + data,
        lambda data: b"\n".join(data.splitlines()[::-1]) + b"\n",
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data + b"\n\n",
        lambda data: data + b"x" * (2 << 20) + b"\n",
    ],
    ids=["empty", "crlf", "no-end", "no-json", "cut", "no-utf8", "twice", "unsorted", "bom", "blank", "long"],
)
def test_odd_bytes_on_our_side_lose_nothing_of_either(zoo: Zoo, spoil, tool):
    path = zoo.shard("pets/p1#m1")
    fork(
        zoo,
        lambda zoo: zoo.write(path, spoil(zoo.read(path))),
        both(scored("pets/p1#m2", 4), lambda zoo: zoo.put("pets/p1#zz", rating("p1", 1, name="zz"))),
    )
    if tool == "git":
        driven(zoo)
        words = ["git", "merge", "-q", "--no-edit", "topic"]
        if subprocess.run(words, cwd=zoo.folder, check=False, capture_output=True).returncode == 2:
            return  # git itself refuses to begin, over a file that it would store otherwise
    else:
        merged(zoo)
    text = (zoo.folder / path).read_bytes() if (zoo.folder / path).exists() else b""
    for rev, others in (("main", "main~1"), ("topic", "main~1")):
        side, base = [
            subprocess.run(["git", "show", f"{one}:{path}"], cwd=zoo.folder, capture_output=True, check=True).stdout
            for one in (rev, others)
        ]
        for line in {one.rstrip(b"\r") for one in side.split(b"\n")} - {one.rstrip(b"\r") for one in base.split(b"\n")}:
            assert line in text, (rev, line[:80])


# ---------------------------------------------------------------- odd moments and settings
def test_many_parents_at_once_whose_records_lie_in_different_shards(zoo: Zoo):
    driven(zoo)
    zoo.commit("attributes")
    for branch, key, score in (("one", "pets/p1#m1", 3), ("two", "pets/p3#m1", -3), ("three", "pets/p4#m1", 4)):
        zoo.git("switch", "-qc", branch, "main")
        scored(key, score)(zoo)
        zoo.commit(branch)
    zoo.git("switch", "-q", "main")
    zoo.write("notes.txt", "x")
    zoo.commit("ours")
    zoo.git("merge", "-q", "--no-edit", "one", "two", "three")
    assert [at(zoo, f"pets/{name}")["value"]["score"] for name in ("p1#m1", "p3#m1", "p4#m1")] == [3, -3, 4]
    assert kinds(zoo) == set()


def test_a_stash_in_conflict_is_resolved_and_the_next_command_is_right(zoo: Zoo, labelvc):
    driven(zoo)
    zoo.commit("attributes")
    scored("pets/p1#m1", 3)(zoo)
    zoo.git("stash", "-q")
    scored("pets/p1#m1", -3)(zoo)
    zoo.commit("ours")
    zoo.git("stash", "pop", "-q", code=1)
    code, _, err = labelvc(zoo.folder, "resolve", "--theirs")
    assert code == 0
    assert zoo.row("pets/p1#m1")["value"] == {"score": 3}
    assert "merge --continue" not in err
    assert "git commit" in err


def test_rerere_remembers_and_does_no_harm(zoo: Zoo):
    zoo.git("config", "rerere.enabled", "true")
    zoo.git("config", "rerere.autoUpdate", "true")
    conflict(zoo)
    for _ in range(2):
        assert merged(zoo).state == "conflict"
        resolve.resolve(zoo.at, resolve.by_side("theirs"))
        assert merge.finish(zoo.at).state == "merged"
        assert at(zoo, "pets/p1#m1")["value"] == {"score": -3}
        assert kinds(zoo) == {"resolved"}
        zoo.git("reset", "-q", "--hard", "HEAD^1")
    driven(zoo)
    zoo.git("merge", "-q", "topic", code=1)
    resolve.resolve(zoo.at, resolve.by_side("theirs"))
    zoo.git("commit", "-q", "--no-edit")
    zoo.git("reset", "-q", "--hard", "HEAD^1")
    subprocess.run(["git", "merge", "-q", "topic"], cwd=zoo.folder, check=False, capture_output=True)
    zoo.git("commit", "-qam", "by rerere")
    assert at(zoo, "pets/p1#m1")["value"] == {"score": -3}


@pytest.mark.parametrize("cone", ["--cone", "--no-cone"])
def test_a_conflict_outside_a_sparse_checkout(zoo: Zoo, cone):
    conflict(zoo)
    zoo.git("sparse-checkout", "set", cone, "datasets/pictures")
    assert not (zoo.folder / zoo.shard("pets/p1#m1")).exists()
    assert merged(zoo).state == "conflict"
    assert resolve.left(zoo.at).records() == 1
    resolve.resolve(zoo.at, resolve.by_side("theirs"))
    assert merge.finish(zoo.at).state == "merged"
    assert at(zoo, "pets/p1#m1")["value"] == {"score": -3}
    assert at(zoo, "pets/p4#m1")["value"] == {"score": 4}
    assert kept(zoo, "HEAD^1", "HEAD^2")


def test_a_sparse_checkout_is_merged_clean(zoo: Zoo):
    fork(zoo, scored("pets/p1#m1", 3), both(scored("pets/p1#m2", -3), scored("pets/p4#m1", 3)))
    zoo.git("sparse-checkout", "set", "datasets/pictures")
    assert merged(zoo).state == "merged"
    assert kept(zoo, "HEAD^1", "HEAD^2")
    assert kinds(zoo) == set()
    assert zoo.git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    "setting",
    [
        "merge.renames=true",
        "merge.renames=false",
        "merge.directoryRenames=true",
        "merge.renormalize=true",
        "merge.ff=false",
        "merge.ff=only",
        "pull.rebase=true",
        "merge.autoStash=true",
        "core.fsmonitor=false",
        "index.version=4",
        "core.untrackedCache=true",
        "core.splitIndex=true",
        "merge.verifySignatures=true",
        "commit.status=false",
        "diff.noprefix=true",
        "color.ui=always",
        "i18n.commitEncoding=ISO-8859-1",
        "core.commentChar=auto",
        "merge.log=true",
        "commit.cleanup=strip",
        "submodule.recurse=true",
        "advice.mergeConflict=false",
    ],
)
def test_settings_change_nothing(zoo: Zoo, setting):
    conflict(zoo)
    zoo.git("config", *setting.split("="))
    assert merged(zoo).state == "conflict"
    resolve.resolve(zoo.at, resolve.by_side("ours"))
    assert merge.finish(zoo.at).state == "merged"
    assert at(zoo, "pets/p1#m1")["value"] == {"score": 3}
    assert kinds(zoo) == {"resolved"}


def test_a_folder_below_and_a_detached_head(zoo: Zoo, labelvc):
    fork(zoo, scored("pets/p1#m1", 3), scored("pets/p1#m2", -3))
    zoo.git("switch", "-q", "--detach")
    code, out, err = labelvc(zoo.folder, "-C", "datasets/pets", "merge", "topic")
    assert (code, err) == (0, ""), out
    assert kept(zoo, "main", "topic")


def test_a_bare_repository_and_an_unborn_branch_are_told(zoo: Zoo, git: Callable[..., str], labelvc, tmp_path: Path):
    conflict(zoo)
    git(tmp_path, "clone", "-q", "--bare", str(zoo.folder), "bare.git")
    for words in (["merge", "topic"], ["resolve"], ["merge", "--continue"], ["merge", "--abort"]):
        code, _, err = labelvc(tmp_path / "bare.git", *words)
        assert (code, "Traceback" in err) == (2, False), err
    zoo.git("switch", "-q", "--orphan", "empty")
    for words in (["merge", "topic"], ["resolve"], ["merge", "--continue"], ["merge", "--abort"]):
        code, _, err = labelvc(zoo.folder, *words)
        assert (code, "next:" in err, "Traceback" in err) == (2, True, False), (words, err)


@pytest.mark.parametrize("name", ["pre-commit", "commit-msg", "prepare-commit-msg", "pre-merge-commit"])
def test_a_hook_that_refuses_leaves_the_merge_as_it_is(zoo: Zoo, labelvc, name):
    fork(zoo, scored("pets/p1#m1", 3), scored("pets/p1#m2", -3))
    head = zoo.git("rev-parse", "HEAD")
    hook = zoo.folder / ".git/hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no way >&2\nexit 1\n")
    hook.chmod(0o755)
    code, _, err = labelvc(zoo.folder, "merge", "topic")
    if code == 0:  # `git commit` does not run this one
        assert name == "pre-merge-commit"
        return
    assert code == 2
    assert "no way" in err
    assert "labelvc merge --continue" in err
    assert zoo.git("rev-parse", "HEAD") == head
    hook.unlink()
    assert labelvc(zoo.folder, "merge", "--continue")[0] == 0
    assert kept(zoo, "HEAD^1", "HEAD^2")


def test_a_commit_that_cannot_be_signed(zoo: Zoo, labelvc):
    fork(zoo, scored("pets/p1#m1", 3), scored("pets/p1#m2", -3))
    zoo.git("config", "commit.gpgSign", "true")
    zoo.git("config", "gpg.program", "/bin/false")
    code, _, err = labelvc(zoo.folder, "merge", "topic")
    assert (code, "Traceback" in err) == (2, False)
    assert labelvc(zoo.folder, "merge", "--abort")[0] == 0
    assert zoo.git("status", "--porcelain") == ""


@pytest.mark.long
@pytest.mark.parametrize("storage", ["git", "dvc"])
def test_a_merge_killed_anywhere_is_taken_back_or_finished(zoo: Zoo, storage):
    change = stored if storage == "dvc" else both
    fork(
        zoo,
        change(scored("pets/p1#m1", 3), scored("pets/p4#m1", 3)),
        change(scored("pets/p1#m2", -3), scored("pets/p2#m1", -3)),
        behind if storage == "dvc" else (lambda _: None),
    )
    head = zoo.git("rev-parse", "HEAD")
    before = {path: path.read_bytes() for path in zoo.folder.glob("datasets/**/*.jsonl")}
    started = time.monotonic()
    words = [sys.executable, "-m", "labelvc.cli", "merge", "topic"]
    subprocess.run(words, cwd=zoo.folder, check=True, capture_output=True)
    whole = time.monotonic() - started
    result = lines(zoo)
    zoo.git("reset", "-q", "--hard", head)
    for path, data in before.items():
        zoo.write(str(path.relative_to(zoo.folder)), data)
    for step in range(6):
        running = subprocess.Popen(
            words, cwd=zoo.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(whole * (0.35 + 0.11 * step))
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        if zoo.git("rev-parse", "HEAD") == head:
            time.sleep(2.1)  # how old a lock must be
            code = cli.run(["-C", str(zoo.folder), "merge", "--abort"])
            assert code in (0, 2)
            assert zoo.git("status", "--porcelain") == ""
            assert {path: path.read_bytes() for path in zoo.folder.glob("datasets/**/*.jsonl")} == before
        else:
            assert lines(zoo) == result
            break
    if zoo.git("rev-parse", "HEAD") == head:
        assert merged(zoo).state == "merged"
    assert lines(zoo) == result


@pytest.mark.parametrize("left", ["datasets/pets/.annotations.sha256.0a", "datasets/pets/annotations/.0.jsonl.0b"])
def test_what_a_killed_merge_had_not_finished_goes_when_it_is_taken_back(zoo: Zoo, left: str):
    fork(zoo, stored(scored("pets/p1#m1", 3)), stored(scored("pets/p1#m1", -3)), behind)
    assert merged(zoo).state == "conflict"
    zoo.write(f"{left}.labelvc-unfinished", b"half a file")
    assert cli.run(["-C", str(zoo.folder), "merge", "--abort"]) == 0
    assert zoo.git("status", "--porcelain") == ""
    assert not (zoo.folder / f"{left}.labelvc-unfinished").exists()


def test_the_driver_and_the_command_say_the_same_bytes(zoo: Zoo):
    conflict(zoo)
    driven(zoo)
    zoo.git("merge", "-q", "topic", code=1)
    path = zoo.shard("pets/p1#m1")
    by_driver = zoo.read(path)
    zoo.git("merge", "--abort")
    merged(zoo)
    names = (b"ours", b"HEAD"), (b"theirs", b"topic")
    for one, two in names:
        by_driver = by_driver.replace(b"< " + one, b"< " + two).replace(b"> " + one, b"> " + two)
    assert zoo.read(path) == by_driver


def test_a_key_written_in_two_ways_is_not_doubled_in_silence(zoo: Zoo):
    """`caf\\u00e9` with and without an escape is one key; only one spelling is canonical."""
    plain = canonical.encode_record(rating("caf\u00e9", 1, name="x"))
    fork(
        zoo,
        lambda zoo: zoo.put("pets/caf\u00e9#x", plain.replace("\u00e9".encode(), b"\\u00e9")),
        lambda zoo: zoo.put("pets/caf\u00e9#x", plain.replace(b'"score":1', b'"score":2')),
    )
    assert merged(zoo).state in ("conflict", "wrong")


@pytest.mark.parametrize("driver", ["false", "kill -9 $$", "exit 128", "/nowhere/labelvc %A"])
@pytest.mark.parametrize("choice", ["ours", "theirs"])
def test_a_driver_that_never_ran_leaves_our_file_and_resolve_knows_it(zoo: Zoo, driver, choice):
    """git leaves our side without a marker then, and `git add` would drop theirs (git 2.39)."""
    conflict(zoo)
    zoo.write(".gitattributes", install.ATTRIBUTES + "\n")
    zoo.git("config", "merge.labelvc.driver", driver)
    zoo.git("merge", "-q", "topic", code=1)
    assert b"<<<<" not in zoo.read(zoo.shard("pets/p1#m1"))
    left = resolve.left(zoo.at)
    assert [str(one.key) for here in left.conflicts.values() for one in here] == ["pets/p1#m1"]
    assert resolve.resolve(zoo.at, resolve.by_side(choice)).left.records() == 0
    zoo.git("commit", "-q", "--no-edit", "--no-verify")
    assert at(zoo, "pets/p1#m1")["value"] == {"score": 3 if choice == "ours" else -3}
    assert at(zoo, "pets/p1#m2")["value"] == {"score": -4}
    assert kinds(zoo) == {"resolved"}


def test_what_a_person_edited_without_markers_is_theirs_to_say(zoo: Zoo, labelvc):
    conflict(zoo)
    zoo.git("merge", "-q", "topic", code=1)
    path = zoo.shard("pets/p1#m1")
    mine = shard.write(
        line for line in zoo.read(path).splitlines() if line.startswith(b"{") and b'"id":"m1"' not in line
    )
    zoo.write(path, mine)
    assert labelvc(zoo.folder, "resolve")[0] == 0
    assert zoo.git("show", f":{path}").encode() == mine.rstrip(b"\n")


def test_taking_back_a_merge_in_a_sparse_checkout(zoo: Zoo):
    conflict(zoo)
    zoo.git("sparse-checkout", "set", "datasets/pictures")
    assert merged(zoo).state == "conflict"
    assert b"<<<<<<<" in zoo.read(zoo.shard("pets/p1#m1"))
    merge.abort(zoo.at)
    assert zoo.git("status", "--porcelain") == ""
    zoo.git("sparse-checkout", "disable")
    assert zoo.row("pets/p1#m1")["value"] == {"score": 3}


def test_a_strategy_that_is_a_rule_settles_what_git_left_to_us(zoo: Zoo):
    fork(
        zoo,
        scored("pets/p1#m1", 3),
        scored("pets/p1#m1", -3),
        lambda zoo: zoo.replace("datasets/pets/dataset.yaml", "checks: {}", "merge: {/value/score: max}\nchecks: {}"),
    )
    zoo.git("config", "merge.labelvc.driver", "false")
    zoo.write(".gitattributes", install.ATTRIBUTES + "\n")
    zoo.git("merge", "-q", "topic", code=1)
    assert cli.run(["-q", "-C", str(zoo.folder), "resolve"]) == 0
    assert zoo.row("pets/p1#m1")["value"] == {"score": 3}
