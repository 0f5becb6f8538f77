"""What one command asked git for is not asked for again, and nothing of it outlives the command."""

import os
import subprocess
from collections import Counter

import pytest

from labelvc.errors import StoreError
from labelvc.store import git as plumbing
from labelvc.store import kept, process, tree, treerows, workers


@pytest.fixture
def labels(repo, git):
    for number in range(3):
        (repo / f"{number}.txt").write_text(f"{number}\n")
        git(repo, "add", "-A")
        git(repo, "commit", "-qm", str(number))
    return plumbing.find(repo)


def texts(git, rev):
    snapshot = tree.commit(git, rev)
    with tree.reader(git) as reader:
        return {path: data.decode() for path, data in reader.many(snapshot.entries.items())}


@pytest.fixture
def walks(monkeypatch):
    """Return the commits whose trees are walked from here on."""
    walked, walk = [], treerows.read
    monkeypatch.setattr(
        treerows, "read", lambda git, commit, under: [walked.append(commit), walk(git, commit, under)][1]
    )
    return walked


def test_a_command_starts_one_git_for_objects_and_lists_a_commit_once(labels, gits, walks):
    with kept.keeping():
        for _ in range(3):
            assert texts(labels, "HEAD") == {f"{number}.txt": f"{number}\n" for number in range(3)}
            assert texts(labels, "HEAD~1") == {f"{number}.txt": f"{number}\n" for number in range(2)}
            assert plumbing.show(labels, "HEAD~2", "0.txt") == b"0\n"
    assert Counter(words.split()[0] for words in gits()) == {"cat-file": 1}
    assert len(walks) == len(set(walks)) == 2


def test_where_two_commits_part_is_looked_for_once(labels, gits):
    with kept.keeping():
        parted = {plumbing.merge_base(labels, "HEAD", "HEAD~1") for _ in range(3)}
        assert parted == {plumbing.resolve(labels, "HEAD~1")}
    assert Counter(words.split()[0] for words in gits())["merge-base"] == 1


def test_a_reader_within_a_reader_has_a_git_of_its_own(labels):
    snapshot = tree.commit(labels, "HEAD")
    with kept.keeping(), tree.reader(labels) as one:
        rows = one.many(snapshot.entries.items())
        assert next(rows) == ("0.txt", b"0\n")
        assert texts(labels, "HEAD") == {f"{number}.txt": f"{number}\n" for number in range(3)}
        assert dict(rows) == {"1.txt": b"1\n", "2.txt": b"2\n"}


def test_no_git_outlives_the_command(labels):
    with kept.keeping():
        texts(labels, "HEAD")
        running = kept.take(labels)
        assert running is not None
        assert kept.give(labels, running)
        with kept.keeping():  # a command within a command
            pass
        assert process.named(running, "HEAD") is not None  # it is still there
    assert running.process.wait() == -9
    assert kept.take(labels) is None
    assert not kept.give(labels, running)


def test_the_next_command_sees_what_is_gone(labels, git):
    oid = git(labels.top, "rev-parse", "HEAD:2.txt").strip()
    with kept.keeping():
        assert texts(labels, "HEAD")["2.txt"] == "2\n"
    (labels.directory / "objects" / oid[:2] / oid[2:]).unlink()
    with kept.keeping(), pytest.raises(StoreError, match="missing"):
        texts(labels, "HEAD")


def test_a_name_is_looked_up_each_time(labels, git):
    with kept.keeping():
        assert sorted(texts(labels, "HEAD")) == ["0.txt", "1.txt", "2.txt"]
        git(labels.top, "reset", "-q", "--hard", "HEAD~1")
        assert sorted(texts(labels, "HEAD")) == ["0.txt", "1.txt"]


def test_workers_leave_the_gits_of_their_parent_alone(labels):
    def work(chunk):
        for rev in chunk:
            yield os.getpid(), sorted(texts(labels, rev))

    with kept.keeping():
        texts(labels, "HEAD")
        told = list(workers.map_chunks(work, ["HEAD", "HEAD~1", "HEAD~2"] * 4, 2, 1))
        assert texts(labels, "HEAD~2") == {"0.txt": "0\n"}
    assert [names for _, names in told[:3]] == [["0.txt", "1.txt", "2.txt"], ["0.txt", "1.txt"], ["0.txt"]]
    assert os.getpid() not in {pid for pid, _ in told}


def test_what_may_not_fetch_is_asked_of_another_git(labels):
    with kept.keeping():
        texts(labels, "HEAD")
        with process.without_fetching():
            assert kept.take(labels) is None
        running = kept.take(labels)
        assert running is not None
        kept.give(labels, running)


def test_listings_are_let_go_of_before_they_fill_the_memory(labels, monkeypatch, walks):
    monkeypatch.setattr(kept, "_ROOM", tree.commit(labels, "HEAD").entries.size)
    walks.clear()
    with kept.keeping():
        for _ in range(2):
            for rev in ("HEAD", "HEAD~1", "HEAD~2"):
                tree.commit(labels, rev)
    assert len(walks) >= 4


def test_a_git_that_ended_is_an_error(labels):
    with kept.keeping():
        texts(labels, "HEAD")
        running = kept.take(labels)
        running.process.kill()
        running.process.wait()
        kept.give(labels, running)
        with pytest.raises(StoreError) as caught:
            plumbing.resolve(labels, "HEAD^")
        assert caught.value.hint


@pytest.mark.parametrize(
    "rev", ["HEAD\n", "no such", "", "-x", "a\0b", "HEAD:0.txt", "HEAD^{tree}", "\udcff", "@{upstream}"]
)
def test_what_names_no_commit_is_refused_as_git_does(labels, rev):
    with kept.keeping(), pytest.raises(StoreError):
        plumbing.resolve(labels, rev)


@pytest.mark.parametrize("rev", ["HEAD", "@", "main", "HEAD~2", ":/1", "main@{0}", "HEAD^{/1}", "v1"])
def test_a_revision_means_what_git_says(labels, git, rev):
    git(labels.top, "tag", "-a", "-m", "one", "v1", "HEAD~1")
    wanted = subprocess.run(
        ["git", "rev-parse", "--verify", f"{rev}^{{commit}}"],
        cwd=labels.top,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    if wanted:
        assert plumbing.resolve(labels, rev) == wanted
    else:
        with pytest.raises(StoreError):
            plumbing.resolve(labels, rev)


def test_who_compares_two_commits_again_and_again_asks_git_once_and_nobody_else_keeps_lines(labels, repo, git, gits):
    shard = repo / "datasets/d/annotations/0.jsonl"
    shard.parent.mkdir(parents=True)
    for number in range(3):
        shard.write_text(f'{{"item":"i","id":"r","rev":{number + 1}}}\n')
        git(repo, "add", "-A")
        git(repo, "commit", "-qm", f"r{number}")
    one, two, three = [tree.commit(labels, rev) for rev in ("HEAD~2", "HEAD~1", "HEAD")]

    def lines(old, new):
        return [(change.old, change.new) for change in tree.changes(labels, old, new)]

    gits()
    with kept.comparing():
        first = lines(one, two)
        assert first == [([b'{"item":"i","id":"r","rev":1}'], [b'{"item":"i","id":"r","rev":2}'])]
        assert lines(one, two) == first
        assert len(gits()) == 1
        assert next(tree.changes(labels, two, three)).new == [b'{"item":"i","id":"r","rev":3}']  # broken off
        assert lines(two, three) == [([b'{"item":"i","id":"r","rev":2}'], [b'{"item":"i","id":"r","rev":3}'])]
    gits()
    assert lines(two, three) == lines(two, three)
    assert len(gits()) == 2
