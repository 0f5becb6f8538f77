"""Plumbing git against real repositories: revisions, objects, patches, and settings that would change their shape."""

import hashlib
import os
import shutil
import subprocess
import tracemalloc
import zlib

import pytest

from labelvc.errors import StoreError
from labelvc.store import conflicts, process
from labelvc.store import git as plumbing
from labelvc.store.objects import Objects


def commit(git, repo, name="f.jsonl", data=b"a\n", message="one"):
    path = repo / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", message)
    return git(repo, "rev-parse", "HEAD").strip()


def changes(repo, old="HEAD~1", new="HEAD", paths=()):
    return {
        change.path: (change.old, change.new) for change in plumbing.diff_lines(plumbing.find(repo), old, new, paths)
    }


def test_find_from_a_folder_inside_a_linked_work_tree_and_a_bare_repository(repo, git, tmp_path):
    commit(git, repo, "deep/er/f")
    found = plumbing.find(repo / "deep" / "er")
    assert (found.top, found.directory, found.common, found.bare) == (repo, repo / ".git", repo / ".git", False)
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"))
    linked = plumbing.find(tmp_path / "linked")
    assert (linked.top, linked.common) == (tmp_path / "linked", repo / ".git")
    assert linked.directory == repo / ".git" / "worktrees" / "linked"
    git(tmp_path, "clone", "-q", "--bare", str(repo), "bare.git")
    bare = plumbing.find(tmp_path / "bare.git")
    assert bare.bare
    assert plumbing.head(bare) == plumbing.head(found)


def test_find_outside_says_git_init(tmp_path):
    with pytest.raises(StoreError, match="not a git repository") as caught:
        plumbing.find(tmp_path)
    assert "labelvc init" in caught.value.hint
    with pytest.raises(StoreError, match="no such folder"):
        plumbing.find(tmp_path / "nowhere")


def test_a_missing_git_is_told(repo, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StoreError, match="git is not installed"):
        plumbing.find(repo)


def test_variables_of_a_hook_are_kept_and_dropped_when_alone(repo, git, tmp_path, monkeypatch):
    commit(git, repo)
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    commit(git, other, "g", b"other\n")
    monkeypatch.setenv("GIT_DIR", str(repo / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(repo / ".git" / "index"))
    assert plumbing.find(repo).directory == repo / ".git"
    alone = plumbing.find(other, alone=True)
    assert alone.directory == other / ".git"
    assert plumbing.run(alone, "ls-files").decode().split() == ["g"]
    assert plumbing.head(alone) != plumbing.head(plumbing.find(repo))


def test_the_index_a_hook_sees_is_honoured(repo, git, monkeypatch):
    commit(git, repo)
    (repo / "f.jsonl").write_bytes(b"b\n")
    shutil.copy(repo / ".git" / "index", repo / ".git" / "index.other")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index.other")
    git(repo, "add", "f.jsonl")
    assert changes(repo, "HEAD", "index") == {"f.jsonl": ([b"a"], [b"b"])}
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert changes(repo, "HEAD", "index") == {}


def test_resolve(repo, git):
    with pytest.raises(StoreError, match="no commit yet"):
        plumbing.resolve(plumbing.find(repo), "HEAD")
    one = commit(git, repo)
    git(repo, "tag", "-a", "v1", "-m", "v1")
    found = plumbing.find(repo)
    assert plumbing.resolve(found, "v1") == plumbing.resolve(found, "HEAD") == one
    for bad in ("nothing", "--all", "", "HEAD~9", "HEAD:f.jsonl", "a\nb"):
        with pytest.raises(StoreError) as caught:
            plumbing.resolve(found, bad)
        assert caught.value.hint


def test_head_before_and_after_the_first_commit(repo, git):
    assert plumbing.head(plumbing.find(repo)) == ""
    assert changes(repo, "", "index") == {}
    one = commit(git, repo)
    assert plumbing.head(plumbing.find(repo)) == one
    assert changes(repo, "", one) == {"f.jsonl": ([], [b"a"])}


def test_merge_base_and_first_parents(repo, git):
    one = commit(git, repo)
    git(repo, "checkout", "-qb", "side")
    two = commit(git, repo, "s", b"s\n")
    git(repo, "checkout", "-q", "main")
    three = commit(git, repo, "m", b"m\n")
    git(repo, "merge", "-q", "--no-edit", "side")
    four = git(repo, "rev-parse", "HEAD").strip()
    found = plumbing.find(repo)
    assert plumbing.merge_base(found, three, "side") == one
    assert plumbing.first_parents(found, one, "main") == [(one, three), (three, four)]
    assert plumbing.first_parents(found, "", "side") == [("", one), (one, two)]
    assert plumbing.is_ancestor(found, one, four)
    assert plumbing.is_ancestor(found, two, four)
    assert not plumbing.is_ancestor(found, two, three)
    git(repo, "checkout", "-q", "--orphan", "island")
    commit(git, repo, "i", b"i\n")
    with pytest.raises(StoreError, match="no ancestor"):
        plumbing.merge_base(found, "main", "island")


def test_a_shallow_clone_names_the_cure(repo, git, tmp_path):
    commit(git, repo)
    commit(git, repo, data=b"b\n")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repo}", "shallow")
    found = plumbing.find(tmp_path / "shallow")
    assert plumbing.is_shallow(found)
    for call in (lambda: plumbing.resolve(found, "HEAD~1"), lambda: plumbing.first_parents(found, "", "HEAD")):
        with pytest.raises(StoreError, match="shallow") as caught:
            call()
        assert caught.value.hint == "git fetch --unshallow"


def test_objects_many_single_nested_and_left_unfinished(repo, git):
    contents = [b"%d\n" % number * (number * 37 % 4000) for number in range(500)]
    for number, data in enumerate(contents):
        (repo / f"{number:03}").write_bytes(data)
    git(repo, "add", ".")
    oids = git(repo, "ls-files", "-s").split("\n")[:-1]
    oids = [row.split()[1] for row in oids]
    found = plumbing.find(repo)
    with Objects(found) as objects:
        assert list(objects.many(oids)) == contents
        assert list(objects.many([])) == []
        walk = objects.many(oids)
        assert next(walk) == contents[0]
        assert objects.read(oids[7]) == contents[7]
        assert next(walk) == contents[1]
        walk.close()
        assert [objects.read(oid) for oid in oids[:5]] == contents[:5]


def test_a_large_object_beside_small_ones_does_not_block(repo, git):
    (repo / "large").write_bytes(b"x" * (8 << 20))
    (repo / "small").write_bytes(b"y")
    git(repo, "add", ".")
    large, small = [row.split()[1] for row in git(repo, "ls-files", "-s").split("\n")[:-1]]
    with Objects(plumbing.find(repo)) as objects:
        sizes = [len(data) for data in objects.many([large, small] * 40)]
    assert sizes == [8 << 20, 1] * 40


def test_memory_stays_flat(repo, git):
    for number in range(64):
        (repo / str(number)).write_bytes(hashlib.sha256(b"%d" % number).digest() * 32768)
    git(repo, "add", ".")
    oids = [row.split()[1] for row in git(repo, "ls-files", "-s").split("\n")[:-1]]
    tracemalloc.start()
    with Objects(plumbing.find(repo)) as objects:
        assert sum(len(data) for data in objects.many(oids)) == 64 << 20
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 << 20


def test_missing_and_broken_objects(repo, git):
    commit(git, repo)
    oid = git(repo, "rev-parse", "HEAD:f.jsonl").strip()
    found = plumbing.find(repo)
    with Objects(found) as objects:
        for bad in ("0" * 40, "HEAD:f\nf"):
            with pytest.raises(StoreError):
                objects.read(bad)
        assert objects.read(oid) == b"a\n"
    path = repo / ".git" / "objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    for damage in (b"", path.read_bytes()[:-4], b"x" * 40, zlib.compress(b"blob nonsense")):
        path.write_bytes(damage)
        with Objects(found) as objects, pytest.raises(StoreError) as caught:
            objects.read(oid)
        assert "git f" in caught.value.hint
    path.unlink()
    with pytest.raises(StoreError) as caught:
        changes(repo, "", "HEAD")
    assert oid in caught.value.message
    assert "git f" in caught.value.hint


def test_commits_are_compared_by_their_objects_not_by_files_that_look_the_same(repo, git):
    one = commit(git, repo, data=b"true value\n")
    git(repo, "config", "core.trustctime", "false")
    path = repo / "f.jsonl"
    os.utime(path, (1, 1))
    git(repo, "update-index", "--refresh")
    path.write_bytes(b"fake value\n")
    os.utime(path, (1, 1))
    assert changes(repo, "", one) == {"f.jsonl": ([], [b"true value"])}


def test_a_replacement_object_is_not_followed(repo, git):
    one = commit(git, repo)
    two = commit(git, repo, data=b"b\n")
    old, new = (git(repo, "rev-parse", f"{rev}:f.jsonl").strip() for rev in (one, two))
    git(repo, "replace", new, old)
    with Objects(plumbing.find(repo)) as objects:
        assert objects.read(new) == b"b\n"
    assert changes(repo) == {"f.jsonl": ([b"a"], [b"b"])}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("diff.noprefix", "true"),
        ("diff.mnemonicPrefix", "true"),
        ("diff.interHunkContext", "9"),
        ("diff.context", "9"),
        ("diff.external", "false"),
        ("diff.renames", "copies"),
        ("diff.relative", "true"),
        ("diff.suppressBlankEmpty", "true"),
        ("color.ui", "always"),
        ("core.quotePath", "true"),
        ("diff.algorithm", "minimal"),
        ("diff.wsErrorHighlight", "all"),
    ],
)
def test_no_setting_changes_what_differs(repo, git, name, value):
    git(repo, "config", name, value)
    before = b"".join(b"%d\n" % number for number in range(20))
    (repo / "moved.jsonl").write_bytes(before)
    commit(git, repo, "sub/ä.jsonl", before)
    git(repo, "mv", "moved.jsonl", "away.jsonl")
    commit(git, repo, "sub/ä.jsonl", before.replace(b"3\n", b"three\n", 1).replace(b"7\n", b"\n", 1))
    found = changes(repo)
    assert found["sub/ä.jsonl"] == ([b"3", b"7"], [b"three", b""])
    assert len(found["moved.jsonl"][0]) == len(found["away.jsonl"][1]) == 20
    assert changes(repo / "sub") == found


@pytest.mark.parametrize("attribute", ["binary", "-diff", "-text", "diff=custom", "text eol=crlf"])
def test_no_attribute_hides_a_change(repo, git, attribute):
    git(repo, "config", "diff.custom.textconv", "false")
    git(repo, "config", "diff.custom.command", "false")
    (repo / ".gitattributes").write_text(f"*.jsonl {attribute}\n")
    commit(git, repo, data=b"a\n\x00\n")
    commit(git, repo, data=b"b\n\x00\n")
    assert changes(repo) == {"f.jsonl": ([b"a"], [b"b"])}


def test_names_of_any_kind(repo, git):
    names = [
        "with space.jsonl",
        'quo"te\\.jsonl',
        "tab\tline\nbreak.jsonl",
        "ünïcødé.jsonl",
        "-dash.jsonl",
        ":(glob)*.jsonl",
        "a b/c d",
    ]
    for name in names:
        commit(git, repo, name, b"old\n")
    git(repo, "rm", "-q", "--cached", "-r", ".")
    for name in names:
        (repo / name).write_bytes(b"new\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "all")
    assert changes(repo, f"HEAD~{1}", "HEAD") == {name: ([b"old"], [b"new"]) for name in names}
    assert set(changes(repo, "", "HEAD", [":(glob)*.jsonl"])) == {":(glob)*.jsonl"}
    assert set(changes(repo, "", "HEAD", ["a b"])) == {"a b/c d"}


def test_many_paths_do_not_overflow_the_command_line(repo, git):
    commit(git, repo, "wanted/f", b"x\n")
    paths = [f"{'absent' * 20}/{number}" for number in range(4000)] + ["wanted"]
    assert changes(repo, "", "HEAD", paths) == {"wanted/f": ([], [b"x"])}


def test_new_deleted_empty_mode_and_missing_line_ends(repo, git):
    commit(git, repo, "gone", b"1\n2")
    (repo / "kept").write_bytes(b"k\n")
    commit(git, repo, "ended", b"same")
    (repo / "gone").unlink()
    (repo / "kept").chmod(0o755)
    (repo / "empty").write_bytes(b"")
    (repo / "new").write_bytes(b"-- a\n++ b\n@@ -1 +1 @@\ndiff --git a/x b/x\n\\ No newline at end of file")
    commit(git, repo, "ended", b"same\n")
    assert changes(repo) == {
        "gone": ([b"1", b"2"], []),
        "new": ([], [b"-- a", b"++ b", b"@@ -1 +1 @@", b"diff --git a/x b/x", b"\\ No newline at end of file"]),
    }


def test_index_work_tree_and_conflicts(repo, git):
    commit(git, repo)
    git(repo, "checkout", "-qb", "side")
    commit(git, repo, data=b"side\n")
    git(repo, "checkout", "-q", "main")
    (repo / "f.jsonl").write_bytes(b"staged\n")
    git(repo, "add", ".")
    (repo / "f.jsonl").write_bytes(b"work\n")
    assert changes(repo, "HEAD", "index") == {"f.jsonl": ([b"a"], [b"staged"])}
    assert changes(repo, "HEAD", "work") == {"f.jsonl": ([b"a"], [b"work"])}
    assert conflicts.unmerged(plumbing.find(repo)) == []
    commit(git, repo, data=b"main\n")
    assert subprocess.run(["git", "merge", "-q", "side"], cwd=repo, capture_output=True, check=False).returncode
    assert conflicts.unmerged(plumbing.find(repo)) == ["f.jsonl"]


def test_complaints_by_the_thousand_do_not_stop_git(repo, git):
    git(repo, "config", "core.autocrlf", "true")
    git(repo, "config", "core.safecrlf", "warn")
    for number in range(1500):
        (repo / f"{'n' * 60}{number}").write_bytes(b"a\n")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "one")
    for number in range(1500):
        (repo / f"{'n' * 60}{number}").write_bytes(b"b\n")
    assert len(changes(repo, "HEAD", "work")) == 1500


def test_a_walk_of_a_diff_may_be_left_early(repo, git):
    for number in range(300):
        (repo / str(number)).write_bytes(b"line\n" * 5000)
    commit(git, repo)
    walk = plumbing.diff_lines(plumbing.find(repo), "", "HEAD")
    assert next(walk)
    walk.close()


def test_a_corrupted_index_is_told_with_its_cure(repo, git):
    commit(git, repo)
    (repo / ".git" / "index").write_bytes(b"DIRC" + b"\xff" * 60)
    with pytest.raises(StoreError) as caught:
        changes(repo, "HEAD", "index")
    assert "index" in caught.value.message
    assert caught.value.hint == "rm .git/index && git reset"


def test_identity_and_settings(repo, git, monkeypatch):
    found = plumbing.find(repo)
    assert plumbing.identity(found) == ("Ada Author", "ada@example.com")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "ben@example.com")
    assert plumbing.identity(found)[1] == "ben@example.com"
    assert plumbing.config_get(found, "labelvc.none") is None
    plumbing.config_set(found, "labelvc.some", "two\nlines")
    assert plumbing.config_get(found, "labelvc.some") == "two\nlines"
    with pytest.raises(StoreError):
        plumbing.config_set(found, "bad", "x")


def test_nobody_is_told(repo, git, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    git(repo, "config", "user.useConfigOnly", "true")
    with pytest.raises(StoreError, match="who you are"):
        plumbing.identity(plumbing.find(repo))


def test_add_stages_exact_names_and_deletions(repo, git):
    commit(git, repo, "gone", b"x\n")
    (repo / "gone").unlink()
    (repo / "*").write_bytes(b"star\n")
    (repo / "other").write_bytes(b"other\n")
    plumbing.add(plumbing.find(repo), ["gone", "*"])
    assert sorted(git(repo, "diff", "--cached", "--name-only").split()) == ["*", "gone"]
    plumbing.add(plumbing.find(repo), [])
    with pytest.raises(StoreError, match="did not match"):
        plumbing.add(plumbing.find(repo), ["nowhere"])


def test_git_complains_in_the_language_its_words_are_known_in(monkeypatch):
    for name in ("LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.setenv(name, "de_DE.UTF-8")
    around = process.environment()
    assert (around["LC_ALL"], around["LANGUAGE"]) == ("C", "C")


def test_a_file_that_cannot_be_read_is_not_a_file_that_is_not_there(repo, git):
    found = plumbing.find(repo)
    (repo / "naïve").write_bytes(b"a\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "one")
    assert plumbing.show(found, "HEAD", "naïve") == b"a\n"
    assert plumbing.show(found, "HEAD", "gone") == b""
    with pytest.raises(StoreError):
        plumbing.show(found, "0" * 39 + "1", "gone")
    blob, tree = (git(repo, "rev-parse", name).strip() for name in ("HEAD:naïve", "HEAD^{tree}"))
    for oid, name in ((blob, "naïve"), (tree, "gone")):
        (repo / ".git/objects" / oid[:2] / oid[2:]).unlink()
        with pytest.raises(StoreError):
            plumbing.show(found, "HEAD", name)
