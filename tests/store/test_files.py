"""Files are whole or as they were: after a full disk, a kill, a refusal."""

import os
import signal
import stat
import subprocess
import sys
import time

import pytest

from labelvc.errors import StoreError
from labelvc.store import disk, files
from labelvc.store import git as plumbing

# Files may grow to 64 KB in this process: what a full disk does, without root.
FULL = """
import resource, signal, sys
from pathlib import Path
from labelvc.errors import StoreError
from labelvc.store import disk
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
folder = Path(sys.argv[1])
try:
    disk.write_all({folder / "a": b"small", folder / "new": b"new", folder / "b": b"x" * 100_000, folder / "c": None})
except StoreError as error:
    print(error.message, "|", error.hint)
"""
KILLED = """
import sys
from pathlib import Path
from labelvc.store import disk
folder = Path(sys.argv[1])
print("ready", flush=True)
while True:
    for letter in b"xyz":
        disk.replace(folder / "a", bytes([letter]) * 300_000)
"""


def leftovers(folder):
    return [path for path in folder.rglob("*") if path.name.endswith(files.UNFINISHED)]


def test_replace_makes_folders_and_keeps_permissions(tmp_path):
    path = tmp_path / "deep" / "er" / "f.jsonl"
    disk.replace(path, b"one")
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o640)
    disk.replace(path, b"two")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"two", 0o640)
    disk.remove(path)
    disk.remove(path)
    assert not path.exists()
    assert leftovers(tmp_path) == []


def test_replace_puts_a_file_where_a_link_was(tmp_path):
    (tmp_path / "target").write_bytes(b"target")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    disk.replace(tmp_path / "link", b"new")
    assert (tmp_path / "target").read_bytes() == b"target"
    assert not (tmp_path / "link").is_symlink()


def test_many_files_at_once(tmp_path):
    contents = {tmp_path / f"{number % 7}" / f"{number}": b"%d" % number for number in range(200)}
    disk.write_all(contents)
    assert all(path.read_bytes() == data for path, data in contents.items())
    disk.write_all(dict.fromkeys(contents) | {tmp_path / "last": b""})
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["last"]


def test_a_full_disk_changes_nothing(tmp_path):
    for name in "abc":
        (tmp_path / name).write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "could not write: File too large" in done.stdout
    assert "df -h" in done.stdout
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"old", "b": b"old", "c": b"old"}


def test_a_disk_that_is_really_full_changes_nothing(tmp_path):
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(tmp_path)], capture_output=True, check=False
    ).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        (tmp_path / "a").write_bytes(b"old")
        contents = {tmp_path / "a": b"new"} | {tmp_path / f"new {number}": b"x" * 50_000 for number in range(40)}
        for some in (contents, dict(list(contents.items())[:8])):
            with pytest.raises(StoreError, match="No space left") as caught:
                disk.write_all(some)
            assert "df -h" in caught.value.hint
            assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"old"}
        disk.replace(tmp_path / "a", b"new")
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_kill_leaves_one_whole_version(tmp_path):
    (tmp_path / "a").write_bytes(b"w" * 300_000)
    for attempt in range(12):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.003 * attempt)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        data = (tmp_path / "a").read_bytes()
        assert len(data) == 300_000
        assert len(set(data)) == 1
    assert files.sweep(tmp_path) == len(leftovers(tmp_path)) or leftovers(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_not_ours(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="Permission denied"):
        disk.replace(tmp_path / "a", b"x")
    tmp_path.chmod(0o700)


def test_a_folder_in_the_way_is_told_and_nothing_stays(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "inside").write_bytes(b"")
    with pytest.raises(StoreError, match="could not write"):
        disk.replace(tmp_path / "a", b"x")
    assert leftovers(tmp_path) == []


def test_links_out_of_the_project_are_refused(tmp_path):
    top = tmp_path / "top"
    top.mkdir()
    (top / "link").symlink_to(tmp_path)
    for path in (top / "link" / "f", top / ".." / "f"):
        with pytest.raises(StoreError, match="leads out"):
            disk.write_all({top / "fine": b"", path: b""}, top)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["top"]
    assert [path.name for path in top.iterdir()] == ["link"]


def test_one_writer_at_a_time(repo):
    found = plumbing.find(repo)
    with files.lock(found):
        with pytest.raises(StoreError, match="another labelvc"), files.lock(found, patience=0.1):
            pass
        holder = "import sys, time\nfrom pathlib import Path\nfrom labelvc.store import files, git\n"
        holder += "with files.lock(git.find(Path(sys.argv[1])), patience=0):\n    pass\n"
        done = subprocess.run([sys.executable, "-c", holder, str(repo)], capture_output=True, text=True, check=False)
        assert "another labelvc" in done.stderr
    with files.lock(found, patience=0):
        pass


def test_private_folders_are_private(repo):
    folder = disk.private_folder(plumbing.find(repo), "cache")
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
