"""Programs that run: they end as programs do, inherit nothing that is not meant for them, and are talked to."""

import os

import pytest

from labelvc.store import spawn
from labelvc.store.process import nameless_file


@pytest.fixture
def complaints():
    with nameless_file() as file:
        yield file


def shell(words, complaints, **options):
    return spawn.start(["sh", "-c", words], None, complaints, **options)


def test_what_it_prints_complains_of_and_ends_with(complaints):
    child = shell("echo out; echo err >&2; exit 7", complaints)
    with child.stdout as out:
        assert out.read() == b"out\n"
    assert (child.wait(), child.wait()) == (7, 7)
    complaints.seek(0)
    assert complaints.read() == b"err\n"


def test_a_signal_ends_it_as_one_ends_a_program_of_a_shell(complaints):
    """Python ignores SIGPIPE; git must not, or it complains where nobody reads on."""
    with (child := shell("kill -PIPE $$; exit 5", complaints)).stdout:
        assert child.wait() == -13
    with (child := shell("exec sleep 60", complaints)).stdout:
        child.kill()
        assert child.wait() == -9
        child.kill()  # nobody is killed in its place


def test_it_reads_what_it_is_told_a_file_or_nothing(complaints):
    child = shell("cat", complaints, talk=True)
    with child.stdout as out, child.stdin as told:
        told.write(b"one\n")
        told.close()
        assert (out.read(), child.wait()) == (b"one\n", 0)
    with nameless_file() as file:
        file.write(b"two\n")
        file.seek(0)
        with (child := shell("cat", complaints, source=file)).stdout as out:
            assert (out.read(), child.wait()) == (b"two\n", 0)
    with (child := shell("cat", complaints)).stdout as out:
        assert (out.read(), child.wait(), child.stdin) == (b"", 0, None)


def test_no_open_file_is_inherited(complaints):
    mine = os.open(os.devnull, os.O_RDONLY)
    here = {*os.listdir("/dev/fd")}
    with (child := shell("echo /dev/fd/*", complaints, talk=True)).stdout as out, child.stdin:
        seen = {name.rpartition(b"/")[2].decode() for name in out.read().split()}
        assert child.wait() == 0
    os.close(mine)
    assert not seen & {str(mine), str(complaints.fileno())} - {"0", "1", "2"}
    assert len(seen) < len(here)


def test_a_program_that_is_not_there_leaves_no_pipe_behind(complaints):
    before = os.listdir("/dev/fd")
    with pytest.raises(FileNotFoundError):
        spawn.start(["no-such-program"], None, complaints, talk=True)
    assert os.listdir("/dev/fd") == before


def test_it_gets_the_environment_it_is_given(complaints):
    with (child := spawn.start(["env"], {"ONLY": "this"}, complaints)).stdout as out:
        assert (out.read(), child.wait()) == (b"ONLY=this\n", 0)
