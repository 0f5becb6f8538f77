"""Work in processes: the results are those of a loop, errors keep their class, Ctrl-C ends it."""

import os
import signal
import subprocess
import sys
import time

import pytest

from labelvc.errors import DataError, StoreError
from labelvc.store import workers


@pytest.mark.parametrize("jobs", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 1000])
def test_results_are_in_order_and_workers_are_used(jobs, count):
    factor = 3

    def function(chunk):
        return [(number * factor, os.getpid()) for number in chunk]

    found = list(workers.map_chunks(function, range(count), jobs, 32))
    assert [number for number, _ in found] == [number * factor for number in range(count)]
    assert (os.getpid() in {pid for _, pid in found}) == (jobs == 1 and count > 0)


def test_a_function_may_yield_fewer_results_than_items():
    found = list(workers.map_chunks(lambda chunk: (number for number in chunk if number % 100 == 0), range(500), 2, 30))
    assert found == [0, 100, 200, 300, 400]


def test_an_error_comes_back_whole():
    def function(chunk):
        if 70 in chunk:
            raise DataError("bad line", where="f:70", hint="labelvc format")
        return chunk

    with pytest.raises(DataError) as caught:
        list(workers.map_chunks(function, range(100), 2, 7))
    assert (caught.value.message, caught.value.where, caught.value.hint) == ("bad line", "f:70", "labelvc format")


def test_a_killed_worker_is_told():
    def function(chunk):
        if 50 in chunk:
            os.kill(os.getpid(), signal.SIGKILL)
        return chunk

    with pytest.raises(StoreError, match="killed") as caught:
        list(workers.map_chunks(function, range(100), 2, 7))
    assert "--jobs 1" in caught.value.hint


def test_a_walk_may_be_left_early():
    walk = workers.map_chunks(lambda chunk: chunk, range(1000), 2, 10)
    assert next(walk) == 0
    walk.close()


def test_one_process_is_lazy():
    seen = []

    def function(chunk):
        seen.extend(chunk)
        return chunk

    walk = workers.map_chunks(function, range(100), 1, 10)
    next(walk)
    assert seen == [*range(10)]


def test_items_are_asked_for_as_they_are_needed():
    asked = []
    walk = workers.map_chunks(lambda chunk: chunk, (asked.append(number) or number for number in range(10_000)), 2, 10)
    assert next(walk) == 0
    assert len(asked) <= 80
    walk.close()


def test_an_interrupt_ends_everything():
    script = (
        "import signal, time\nfrom labelvc.store import workers\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # who runs the tests in the background has it ignored
        "print('ready', flush=True)\n"
        "for _ in workers.map_chunks(lambda chunk: [time.sleep(0.05) for _ in chunk], range(2000), 2): pass\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    start = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode != 0
    assert time.monotonic() - start < 4
    assert "KeyboardInterrupt" in told
    assert "Process ForkProcess" not in told
