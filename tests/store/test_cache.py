"""The cache remembers, forgets when it is full, and never makes trouble."""

import multiprocessing
import os
import resource
import shutil
import signal
import sqlite3
import threading
from pathlib import Path

import pytest

from labelvc.store import git as plumbing
from labelvc.store.cache import Cache


@pytest.fixture
def found(repo):
    return plumbing.find(repo)


def path(found):
    return found.common / "labelvc" / "cache" / "results.sqlite3"


def test_it_remembers_for_the_next_process(found):
    pairs = {f"key {number}": b"\x00%d" % number for number in range(1300)}
    with Cache(found) as cache:
        cache.put_many(pairs.items())
        cache.put_many([("key 1", b"again")])
        cache.put_many([])
    with Cache(found) as cache:
        assert cache.get_many([*pairs, "absent"]) == pairs | {"key 1": b"again"}
        assert cache.get_many([]) == {}


@pytest.mark.parametrize("damage", [b"no database at all" * 400, b"", b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_broken_file_is_thrown_away(found, damage):
    with Cache(found) as cache:
        cache.put_many([("k", b"v")])
    path(found).write_bytes(damage)
    with Cache(found) as cache:
        assert cache.get_many(["k"]) == {}
        cache.put_many([("k", b"w")])
    with Cache(found) as cache:
        assert cache.get_many(["k"]) == {"k": b"w"}


@pytest.mark.parametrize("value", ["'text'", "7", "NULL"])
def test_a_value_that_is_no_bytes_is_not_returned(found, value):
    with Cache(found) as cache:
        cache.put_many([("k", b"v"), ("l", b"w")])
    with sqlite3.connect(path(found)) as connection:
        connection.execute("CREATE TABLE other (key TEXT PRIMARY KEY, value BLOB, proof BLOB)")
        connection.execute("INSERT INTO other SELECT * FROM result_1")
        connection.execute("DROP TABLE result_1")
        connection.execute("ALTER TABLE other RENAME TO result_1")
        connection.execute(f"UPDATE result_1 SET value = {value} WHERE key = 'k'")
    with Cache(found) as cache:
        assert cache.get_many(["k", "l"]) == {"l": b"w"}


def test_a_file_broken_in_the_middle_costs_only_results(found):
    with Cache(found) as cache:
        cache.put_many((f"{number}", os.urandom(3000)) for number in range(400))
    data = bytearray(path(found).read_bytes())
    for start in range(4096, len(data) - 4096, 12288):
        data[start : start + 64] = os.urandom(64)
    path(found).write_bytes(data)
    with Cache(found) as cache:
        assert isinstance(cache.get_many([str(number) for number in range(400)]), dict)
        cache.put_many([("k", b"w")])
        assert cache.get_many(["k"]) in ({"k": b"w"}, {})


def test_a_changed_value_is_not_returned(found):
    with Cache(found) as cache:
        cache.put_many([("clean", b"no findings"), ("dirty", b"a finding")])
    connection = sqlite3.connect(path(found))
    connection.execute(
        "UPDATE result_1 SET value = (SELECT value FROM result_1 WHERE key = 'clean') WHERE key = 'dirty'"
    )
    connection.execute(
        "UPDATE result_1 SET proof = (SELECT proof FROM result_1 WHERE key = 'clean') WHERE key = 'dirty'"
    )
    connection.commit()
    connection.close()
    with Cache(found) as cache:
        assert cache.get_many(["clean", "dirty"]) == {"clean": b"no findings"}


def test_it_forgets_the_oldest_beyond_its_limit(found):
    with Cache(found, limit=1 << 20) as cache:
        for number in range(100):
            cache.put_many([(f"{number}", b"x" * 50_000)])
        kept = cache.get_many(str(number) for number in range(100))
    assert "99" in kept
    assert "0" not in kept
    assert sum(map(len, kept.values())) <= 1 << 20
    assert path(found).stat().st_size < 3 << 20


def test_a_folder_that_cannot_be_made_means_no_cache(found):
    (found.common / "labelvc").write_bytes(b"a file in the way")
    with Cache(found) as cache:
        cache.put_many([("k", b"v")])
        assert cache.get_many(["k"]) == {}


def test_a_folder_where_the_file_should_be_means_no_cache(found):
    path(found).mkdir(parents=True)
    with Cache(found) as cache:
        cache.put_many([("k", b"v")])
        assert cache.get_many(["k"]) == {}


def test_threads_and_processes_share_it(found):
    cache = Cache(found)

    def work(name):
        for number in range(30):
            cache.put_many([(f"{name}-{number}", b"v")])

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(4)]
    processes = [multiprocessing.get_context("fork").Process(target=work, args=(f"p{number}",)) for number in range(3)]
    for each in (*processes, *threads):
        each.start()
    for each in (*processes, *threads):
        each.join()
    assert all(each.exitcode == 0 for each in processes)
    wanted = [
        f"{kind}{number}-{step}"
        for kind, count in (("t", 4), ("p", 3))
        for number in range(count)
        for step in range(30)
    ]
    assert len(cache.get_many(wanted)) == len(wanted)
    cache.close()


def test_it_may_be_deleted_while_it_is_in_use(found):
    with Cache(found) as one, Cache(found) as other:
        for number in range(30):
            one.put_many([(f"{number}", b"v")])
            if number % 3 == 0:
                shutil.rmtree(path(found).parent if number % 2 else found.common / "labelvc", ignore_errors=True)
            assert other.get_many([f"{number}"]) in ({}, {f"{number}": b"v"})
            other.put_many([(f"other {number}", b"w")])
    with Cache(found) as cache:
        cache.put_many([("k", b"v")])
    with Cache(found) as cache:
        assert cache.get_many(["k"]) == {"k": b"v"}


def test_another_process_may_delete_it_again_and_again(found):
    def delete():
        while True:
            shutil.rmtree(found.common / "labelvc", ignore_errors=True)

    process = multiprocessing.get_context("fork").Process(target=delete)
    process.start()
    try:
        for number in range(100):
            with Cache(found) as cache:
                cache.put_many([("k", b"%d" % number), ("l", b"same")])
                kept = cache.get_many(["k", "l"])
                assert kept.get("l", b"same") == b"same"
                assert kept.get("k", b"%d" % number) == b"%d" % number
    finally:
        process.kill()
        process.join()


def ended(work):
    """Run a function in a process of its own; return its exit code."""
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join(60)
    return process.exitcode


@pytest.mark.parametrize("room", [0, 1 << 10, 40 << 10, 300 << 10])
def test_a_full_disk_costs_only_results(found, room):
    """The system refuses to let a file grow (RLIMIT_FSIZE, as a full disk or a quota does)."""

    def work():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        with Cache(found) as cache:
            for number in range(20):
                cache.put_many((f"{number} {step}", b"v" * 3000) for step in range(20))
            assert set(cache.get_many(f"{number} 0" for number in range(20)).values()) <= {b"v" * 3000}

    assert ended(work) == 0
    with Cache(found) as cache:
        cache.put_many([("k", b"v")])
        assert cache.get_many(["k", "0 0"])["k"] == b"v"


@pytest.mark.parametrize("there", [True, False])
def test_a_git_folder_that_cannot_be_written_means_no_cache(found, there):
    if there:
        with Cache(found) as cache:
            cache.put_many([("k", b"v")])
    folders = [found.common, *found.common.rglob("*")]

    def work():
        for place in folders:
            place.chmod(0o555 if place.is_dir() else 0o444)
        os.chdir(found.common)  # the folders above are closed to others
        if os.geteuid() == 0:
            os.setuid(65534)
        with Cache(found._replace(common=Path())) as cache:
            cache.put_many([("new", b"v")])
            assert cache.get_many(["k", "new"]) in ({}, {"k": b"v"})

    assert ended(work) == 0
    for place in folders:
        place.chmod(0o755 if place.is_dir() else 0o644)


def test_a_process_that_is_killed_while_it_writes_leaves_what_was_there(found):
    with Cache(found) as cache:
        cache.put_many([("k", b"v")])

    def write():
        with Cache(found) as mine:
            for number in range(1 << 20):
                mine.put_many((f"{number} {step}", os.urandom(2000)) for step in range(50))

    process = multiprocessing.get_context("fork").Process(target=write)
    process.start()
    process.join(0.7)
    process.kill()
    process.join()
    with Cache(found) as cache:
        assert cache.get_many(["k", "0 0"]).keys() >= {"k", "0 0"}
