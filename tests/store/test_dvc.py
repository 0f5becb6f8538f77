"""DVC storage: plain `dvc` and `sha256sum` are right about what is written, and any revision is read or refused aloud."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.errors import StoreError
from labelvc.model.snapshot import Entry
from labelvc.store import dvc, pointer, tree
from labelvc.store import git as plumbing

FOLDER = Path("datasets/x/annotations")
SHARD = "datasets/x/annotations/01.jsonl"


@pytest.fixture
def plain(monkeypatch):
    """Run DVC's own command line in a folder; returns what it prints."""

    def run(folder, *arguments, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "dvc", *arguments], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def labels(repo, git, tmp_path):
    """Return a project with one dataset in DVC, two commits (one line differs) and a remote nothing was pushed to."""
    found = plumbing.find(repo)
    dvc.initialise(found)
    write(found, {f"0{number}": f"{number} old\n" for number in range(4)})
    dvc.add(found, FOLDER)
    with (repo / ".dvc" / "config").open("a") as config:
        config.write(f"[core]\n    remote = store\n['remote \"store\"']\n    url = {tmp_path / 'remote'}\n")
    git(repo, "add", ".dvc")
    git(repo, "commit", "-qm", "one")
    write(found, {"01": "1 new\n"})
    dvc.add(found, repo / FOLDER)
    git(repo, "commit", "-qm", "two")
    return found


def write(found, shards):
    for name, text in shards.items():
        path = found.top / FOLDER / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)


def shards(found, snapshot):
    with tree.reader(found) as reader:
        return {
            path[-8:-6]: data.decode()
            for path, data in reader.many((p, e) for p, e in snapshot.entries.items() if p.endswith(".jsonl"))
        }


def lines(found, old, new):
    return {
        change.path[-8:-6]: (change.old, change.new)
        for change in tree.changes(found, old, new)
        if change.path.endswith(".jsonl")
    }


OLD = {f"0{number}": f"{number} old\n" for number in range(4)}
NEW = OLD | {"01": "1 new\n"}


def test_plain_dvc_and_sha256sum_agree_through_push_gc_loss_and_pull(labels, git, plain):
    top = labels.top
    assert git(top, "status", "--porcelain") == ""
    assert "up to date" in plain(top, "status")
    check = ["sha256sum", "-c", "--strict", "annotations.sha256"]
    assert subprocess.run(check, cwd=top / "datasets" / "x", capture_output=True, check=False).returncode == 0
    plain(top, "push", "--all-commits")
    plain(top, "gc", "-w", "-f")
    shutil.rmtree(top / ".dvc" / "cache")
    shutil.rmtree(top / FOLDER)
    plain(top, "pull")
    assert "up to date" in plain(top, "status")
    assert subprocess.run(check, cwd=top / "datasets" / "x", capture_output=True, check=False).returncode == 0
    assert git(top, "status", "--porcelain") == ""
    assert {path.stem: path.read_text() for path in (top / FOLDER).iterdir()} == NEW


def test_every_revision_is_read_from_the_cache_without_dvc(labels):
    script = (
        "import sys\nfrom pathlib import Path\nfrom labelvc.store import git, tree\n"
        "found = git.find(Path(sys.argv[1]))\n"
        "with tree.reader(found) as reader:\n"
        "    for rev in ('HEAD~1', 'HEAD'):\n"
        f"        print(reader.read('{SHARD}', tree.commit(found, rev).entries['{SHARD}']))\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('dvc', 'dvc_data', 'git')])\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(labels.top)], capture_output=True, text=True, check=True)
    assert done.stdout == "b'1 old\\n'\nb'1 new\\n'\n[]\n"


def test_the_three_moments(labels):
    one, two, index, work = (
        tree.commit(labels, "HEAD~1"),
        tree.commit(labels, "HEAD"),
        tree.index(labels),
        tree.work(labels),
    )
    assert shards(labels, one) == OLD
    assert shards(labels, two) == shards(labels, index) == shards(labels, work) == NEW
    assert lines(labels, one, two) == lines(labels, one, work) == {"01": ([b"1 old"], [b"1 new"])}
    assert lines(labels, two, work) == {}
    assert {"datasets/x/annotations.dvc", "datasets/x/annotations.sha256"} <= set(two.entries)
    write(labels, {"03": "3 edited\n"})
    (labels.top / FOLDER / "02.jsonl").unlink()
    assert lines(labels, two, tree.work(labels)) == {"02": ([b"2 old"], []), "03": ([b"3 old"], [b"3 edited"])}
    assert lines(labels, two, tree.index(labels)) == {}


def test_a_listing_can_be_narrowed_to_members(labels):
    for snapshot in (tree.commit(labels, "HEAD", [SHARD]), tree.index(labels, [SHARD]), tree.work(labels, [SHARD])):
        assert list(snapshot.entries) == [SHARD]
    assert len(tree.commit(labels, "HEAD", ["datasets/x/annotations/"]).entries) == 4
    assert len(tree.commit(labels, "HEAD", ["datasets/"]).entries) == 7


def test_a_folder_not_checked_out_is_what_its_pointer_says(labels):
    shutil.rmtree(labels.top / FOLDER)
    assert lines(labels, tree.commit(labels, "HEAD"), tree.work(labels)) == {}
    dvc.checkout(labels, ["datasets/x/annotations.dvc"])
    assert {path.stem: path.read_text() for path in (labels.top / FOLDER).iterdir()} == NEW


def test_an_old_revision_comes_from_the_remote(labels, plain, capfd):
    plain(labels.top, "push", "--all-commits")
    shutil.rmtree(labels.top / ".dvc" / "cache")
    capfd.readouterr()
    assert shards(labels, tree.commit(labels, "HEAD~1")) == OLD
    assert capfd.readouterr() == ("", "")
    assert lines(labels, tree.commit(labels, "HEAD~1"), tree.commit(labels, "HEAD")) == {"01": ([b"1 old"], [b"1 new"])}


def test_what_is_nowhere_is_named(labels, plain):
    entry = tree.commit(labels, "HEAD").entries[SHARD]
    md5 = entry.id.partition(":")[0]
    place = labels.top / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
    place.chmod(0o644)
    place.unlink()
    with tree.reader(labels) as reader, pytest.raises(StoreError, match=md5) as caught:
        reader.read(SHARD, entry)
    assert (caught.value.where, caught.value.hint) == (SHARD, "dvc pull")
    shutil.rmtree(labels.top / ".dvc" / "cache")
    with pytest.raises(StoreError, match=r"\.dir is in no cache and no remote") as caught:
        tree.commit(labels, "HEAD")
    assert caught.value.hint == "dvc pull"


def test_without_a_remote_the_reason_is_told(labels):
    (labels.top / ".dvc" / "config").write_text("")
    shutil.rmtree(labels.top / ".dvc" / "cache")
    with pytest.raises(StoreError, match="no remote specified"):
        tree.commit(labels, "HEAD")


def test_an_exchanged_object_is_refused(labels):
    entry = tree.commit(labels, "HEAD").entries[SHARD]
    md5 = entry.id.partition(":")[0]
    place = labels.top / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
    place.chmod(0o644)
    place.write_text("1 bad\n")
    with tree.reader(labels) as reader, pytest.raises(StoreError, match="SHA-256") as caught:
        reader.read(SHARD, entry)
    assert caught.value.where == SHARD
    with pytest.raises(StoreError, match="SHA-256"):
        lines(labels, tree.commit(labels, "HEAD~1"), tree.commit(labels, "HEAD"))


def test_a_broken_object_without_a_manifest_is_refused_by_its_md5(labels, git):
    git(labels.top, "rm", "-q", "datasets/x/annotations.sha256")
    entry = tree.index(labels).entries[SHARD]
    place = labels.top / ".dvc" / "cache" / "files" / "md5" / entry.id[:2] / entry.id[2:]
    place.chmod(0o644)
    place.write_text("1 bad\n")
    with tree.reader(labels) as reader, pytest.raises(StoreError, match="damaged"):
        reader.read(SHARD, entry)


def test_a_pointer_and_a_manifest_that_disagree_are_refused(labels, git, plain):
    write(labels, {"01": "1 by plain dvc\n", "09": "9 by plain dvc\n"})
    (labels.top / FOLDER / "02.jsonl").unlink()
    plain(labels.top, "add", str(FOLDER))
    git(labels.top, "add", "-A")
    index = tree.index(labels)
    with tree.reader(labels) as reader:
        for name, words in (
            ("01", "does not have the SHA-256"),
            ("09", "not in its SHA-256 manifest"),
            ("02", "not in its DVC pointer"),
        ):
            path = f"datasets/x/annotations/{name}.jsonl"
            with pytest.raises(StoreError, match=words):
                reader.read(path, index.entries[path])
    dvc.add(labels, FOLDER)
    assert shards(labels, tree.index(labels)) == {
        "00": "0 old\n",
        "01": "1 by plain dvc\n",
        "03": "3 old\n",
        "09": "9 by plain dvc\n",
    }


@pytest.mark.parametrize("kind", ["hardlink", "symlink"])
def test_links_into_the_cache_are_known_without_reading(labels, plain, kind):
    plain(labels.top, "config", "cache.type", kind)
    plain(labels.top, "checkout", "--relink", "datasets/x/annotations.dvc")
    head, work = tree.commit(labels, "HEAD"), tree.work(labels)
    assert tree.changed(head, work, "datasets/") == []
    write(labels, {"03": "3 edited\n"})
    assert lines(labels, head, tree.work(labels)) == {"03": ([b"3 old"], [b"3 edited"])}


@pytest.mark.parametrize("level", ["--project", "--local", "--global"])
def test_a_cache_elsewhere_is_found(labels, plain, tmp_path, level):
    shutil.move(labels.top / ".dvc" / "cache", tmp_path / "shared cache")
    plain(labels.top, "config", level, "cache.dir", str(tmp_path / "shared cache"))
    assert shards(labels, tree.commit(labels, "HEAD~1")) == OLD


def test_a_relative_cache_and_a_linked_work_tree(labels, git, tmp_path):
    git(labels.top, "worktree", "add", "-q", "--detach", str(tmp_path / "linked"))
    linked = plumbing.find(tmp_path / "linked")
    assert shards(linked, tree.commit(linked, "HEAD~1")) == OLD
    shutil.move(labels.top / ".dvc" / "cache", labels.top / "moved")
    with (labels.top / ".dvc" / "config").open("a") as config:
        config.write("[cache]\n    dir = ../moved\n")
    assert shards(labels, tree.commit(labels, "HEAD~1")) == OLD


def test_the_layout_of_dvc_2_is_read(labels, git):
    cache = labels.top / ".dvc" / "cache"
    for path in (cache / "files" / "md5").iterdir():
        shutil.move(path, cache / path.name)
    pointer_file = labels.top / "datasets/x/annotations.dvc"
    pointer_file.write_text(pointer_file.read_text().replace("  hash: md5\n", ""))
    assert shards(labels, tree.commit(labels, "HEAD")) == NEW


def test_add_refuses_what_cannot_be_kept(labels, tmp_path):
    (labels.top / FOLDER / "link.jsonl").symlink_to(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="plain file"):
        dvc.add(labels, FOLDER)
    with pytest.raises(StoreError, match="no such folder"):
        dvc.add(labels, Path("datasets/none"))
    assert dvc.initialise(labels) == []


def test_add_deletes_what_a_kill_left_and_is_silent(labels, capfd):
    (labels.top / FOLDER / ".01.jsonl.abcd.labelvc-unfinished").write_text("half")
    assert dvc.add(labels, FOLDER) == [
        "datasets/x/annotations.dvc",
        "datasets/x/annotations.sha256",
        "datasets/x/.gitignore",
    ]
    assert capfd.readouterr() == ("", "")
    assert shards(labels, tree.index(labels)) == NEW


def test_a_folder_that_git_tracks_is_refused_with_the_reason(labels, git):
    path = labels.top / "datasets" / "y" / "annotations"
    path.mkdir(parents=True)
    (path / "00.jsonl").write_text("a\n")
    git(labels.top, "add", "datasets/y")
    with pytest.raises(StoreError, match="tracked by SCM"):
        dvc.add(labels, path)


def test_a_bare_server_says_it_cannot_judge(labels, git, tmp_path):
    git(tmp_path, "clone", "-q", "--bare", str(labels.top), "bare.git")
    with pytest.raises(StoreError, match="server holds no DVC objects"):
        tree.commit(plumbing.find(tmp_path / "bare.git"), "HEAD")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "outs: []\n",
        "outs:\n- md5: xyz\n  path: annotations\n",
        "outs:\n- md5: 0123456789abcdef0123456789abcdef.dir\n  path: ../../etc\n",
        "outs:\n- md5: 0123456789abcdef0123456789abcdef.dir\n  path: a\n- md5: 0123456789abcdef0123456789abcdef\n  path: b\n",
        "<<<<<<< HEAD\nouts:\n- md5: 0123456789abcdef0123456789abcdef.dir\n=======\n",
    ],
)
def test_bad_pointers_are_refused(text):
    with pytest.raises(StoreError) as caught:
        pointer.read("datasets/x/annotations.dvc", text.encode())
    assert caught.value.hint


def test_pointers_in_other_spellings_are_read():
    text = "# by hand\nmd5: 00000000000000000000000000000000\nframe: x\nouts:\n  - path: 'annotations'\n    md5: \"0123456789abcdef0123456789abcdef.dir\"\n    meta:\n      path: other\nmeta:\n  path: x\n"
    assert pointer.read("datasets/x/annotations.dvc", text.encode()) == (
        str(FOLDER),
        "0123456789abcdef0123456789abcdef.dir",
    )


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "", "./x", 7])
def test_a_listing_that_leads_out_of_its_folder_is_refused(name):
    listing = json.dumps([{"md5": "0" * 32, "relpath": name}]).encode()
    with pytest.raises(StoreError, match="listing is broken"):
        pointer.members(pointer.Pointer(str(FOLDER), "0" * 32 + ".dir"), listing, None)
    with pytest.raises(StoreError, match="listing is broken"):
        pointer.members(pointer.Pointer(str(FOLDER), "0" * 32 + ".dir"), b"{", None)


def test_a_manifest_in_any_spelling_of_sha256sum_and_no_other():
    digest = "a" * 64
    assert pointer.manifest("d/m.sha256", f"{digest}  a/b c\n{digest} *a/d\n".encode()) == {
        "d/a/b c": digest,
        "d/a/d": digest,
    }
    with pytest.raises(StoreError) as caught:
        pointer.manifest("d/m.sha256", f"{digest}  a\nnonsense\n".encode())
    assert caught.value.where == "d/m.sha256:2"


def test_equal_md5_is_not_equal_without_equal_sha256():
    assert not Entry("dvc", "m:s1").same(Entry("dvc", "m:s2"))
    assert os.path.basename(pointer.manifest_path("datasets/x/annotations.dvc")) == "annotations.sha256"


NAMES = st.one_of(
    st.sampled_from(
        ["a.jsonl", "000/0001.jsonl", "a/../b", "..", ".", "a//b", "/a", "a/", ".a", "a b", "é", "", "a\0b", "a\nb"]
    ),
    st.text(max_size=6),
    st.from_regex(r"\A[0-3]{1,3}(/[0-3]{1,4})?\.jsonl\Z"),
    st.sampled_from(["a.jsonl\n" + "0" * 32 + " b.jsonl", 5, None]),
)
MD5S = st.one_of(
    st.just("0" * 32),
    st.text("0123456789abcdef", min_size=32, max_size=32),
    st.sampled_from(["0" * 31, "0" * 32 + ".dir", "0" * 32 + "\n", "0" * 32 + " x\n" + "0" * 32, "g" * 32, 5, None]),
)
DIGESTS = st.sampled_from(["0" * 64, "ab" * 32, "0" * 63, "A" * 64])
LISTED = pointer.Pointer(str(FOLDER), "0" * 32 + ".dir")


@given(st.lists(st.tuples(NAMES, MD5S), max_size=5), st.none() | st.dictionaries(NAMES, DIGESTS, max_size=5))
def test_what_is_read_of_many_names_at_once_is_what_each_says(rows, sums):
    """An oracle that looks at one name after the other."""
    listing = json.dumps([{"relpath": name, "md5": md5} for name, md5 in rows]).encode()
    sums = None if sums is None else {f"{FOLDER}/{name}": digest for name, digest in sums.items()}
    good = all(
        isinstance(md5, str) and re.fullmatch(r"[0-9a-f]{32}(\.dir)?", md5) and pointer.beneath(name)
        for name, md5 in rows
    )
    if not good:
        with pytest.raises(StoreError):
            pointer.members(LISTED, listing, sums)
        return
    told = {f"{FOLDER}/{name}": md5 for name, md5 in rows}
    expected = {
        path: f"{told.get(path, '')}:{sums.get(path, '')}" if sums is not None else told[path]
        for path in [*told, *(sums or ())]
    }
    assert {path: entry.id for path, entry in pointer.members(LISTED, listing, sums).items()} == expected


@given(
    st.lists(st.tuples(DIGESTS, st.sampled_from([" ", "*", "x"]), NAMES.filter(lambda name: isinstance(name, str)))),
    st.booleans(),
)
def test_a_manifest_is_read_as_line_after_line_says(rows, ended):
    lines = [f"{digest} {mark}{name}" for digest, mark, name in rows]
    data = ("\n".join(lines) + "\n" * ended).encode("utf-8", "surrogatepass")
    expected = {}
    for line in data.splitlines():
        found = re.fullmatch(rb"([0-9a-f]{64}) [ *](.+)", line)
        if found is None or not pointer.beneath(found[2].decode("utf-8", "surrogateescape")):
            with pytest.raises(StoreError):
                pointer.manifest("d/m.sha256", data)
            return
        expected[f"d/{found[2].decode('utf-8', 'surrogateescape')}"] = found[1].decode()
    assert pointer.manifest("d/m.sha256", data) == expected
