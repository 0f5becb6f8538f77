"""Check and diff on a real Dask cluster: what one machine finds, from shards it does not have, and nothing is lost."""

from __future__ import annotations

import importlib
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labelvc.codec import canonical, shard
from labelvc.core.answers import Changed
from labelvc.errors import StoreError
from labelvc.ops import census, check, progress, veil
from labelvc.ops import project as projects
from labelvc.store import dvc, parcel, tree
from labelvc.store.cache import Cache
from labelvc.store.git import Git
from tests.cluster import Cluster, cluster, lone
from tests.zoo import ANNA, BEN, PLAIN, Zoo, rating, zoo, zoo_template

__all__ = ["cluster", "lone", "zoo", "zoo_template"]

Run = Callable[..., tuple[int, str, str]]


def grow(zoo: Zoo, count: int, shards: int = 256) -> None:
    """Give the pets so many items with a rating each; every tenth rating is out of its range."""
    zoo.replace("datasets/pets/dataset.yaml", "shards: 4", f"shards: {shards}")
    for folder in ("items", "annotations"):
        shutil.rmtree(zoo.folder / "datasets" / "pets" / folder)
    files: dict[str, list[bytes]] = {}
    for number in range(count):
        item = f"i{number}"
        for key, row in {
            f"pets/{item}#": {"id": item, "natural": {"word": item}},
            f"pets/{item}#m1": rating(item, 9 if number % 10 == 0 else 1, ANNA),
        }.items():
            first = canonical.ITEM_FIRST if key.endswith("#") else canonical.RECORD_FIRST
            files.setdefault(zoo.shard(key, shards), []).append(canonical.encode(row, first) + b"\n")
    for path, lines in files.items():
        zoo.write(path, b"".join(sorted(lines)))


def forget(zoo: Zoo) -> None:
    shutil.rmtree(zoo.folder / ".git" / "labelvc" / "cache", ignore_errors=True)


def on(cluster: Cluster) -> tuple[str, ...]:
    return ("--executor", "dask", "--scheduler", cluster.address)


# ---------------------------------------------------------------- what git and the disk hold
def test_a_cluster_finds_what_one_process_finds_to_the_byte(zoo: Zoo, cluster: Cluster, labelvc: Run):
    grow(zoo, 400)
    zoo.commit("Grow")
    zoo.replace(zoo.shard("pets/i3#m1", 256), '"score":1', '"score":7')  # on the disk only
    for words in (("--all",), (), ("HEAD~1..HEAD",)):
        arguments = ("check", *words, "--format", "json")
        forget(zoo)
        alone = labelvc(zoo.folder, *arguments, "--jobs", "1")
        forget(zoo)
        assert labelvc(zoo.folder, *arguments, *on(cluster)) == alone
        assert alone[0] == 1
        assert json.loads(alone[1])["summary"]["error"] > 0


def test_what_a_cluster_found_is_remembered_here(zoo: Zoo, cluster: Cluster, labelvc: Run):
    zoo.commit("Refresh what git knows of the files")
    found = labelvc(zoo.folder, "check", "--all", *on(cluster))
    nowhere = ("--executor", "dask", "--scheduler", "tcp://127.0.0.1:1")
    assert labelvc(zoo.folder, "check", "--all", *nowhere) == found


def test_bad_data_is_a_finding_not_a_crash(zoo: Zoo, cluster: Cluster, labelvc: Run):
    path = zoo.shard("pets/p1#m1")
    zoo.write(path, b'{"item":"p1",\n\xff\xfe\n' + b"[" * 100_000 + b"\n" + zoo.read(path))
    zoo.commit("Break")
    alone = labelvc(zoo.folder, "check", "--all", "--format", "jsonl")
    forget(zoo)
    assert labelvc(zoo.folder, "check", "--all", "--format", "jsonl", *on(cluster)) == alone
    assert alone[0] == 1
    assert alone[1].count("\n") >= 3


def test_no_sensitive_value_comes_back_or_is_remembered(zoo: Zoo, cluster: Cluster, labelvc: Run):
    row = zoo.row("pets/p1#k1")
    zoo.put("pets/p1#k1", {**row, "by": PLAIN, "ext": {"contact": PLAIN}, "rev": 2})
    zoo.put("pets/p1#", {**zoo.row("pets/p1#"), "ext": {"owner": PLAIN}})
    zoo.commit("Leak")
    code, out, err = labelvc(zoo.folder, "check", "--all", "--format", "json", *on(cluster))
    assert code == 1
    assert "pseudonym" in out
    assert PLAIN not in out + err + cluster.said()
    kept = b"".join(path.read_bytes() for path in (zoo.folder / ".git" / "labelvc").rglob("*") if path.is_file())
    assert b"pseudonym" in kept
    assert PLAIN.encode() not in kept
    assert PLAIN.partition("@")[0].encode() not in kept


# ---------------------------------------------------------------- a DVC remote that only the workers know
@pytest.fixture
def far(zoo: Zoo, cluster: Cluster, labelvc: Run) -> Zoo:
    """Return a repository whose annotations are in a DVC remote that only the workers' own settings lead to.

    It names its remote as `remote://shared/...`; `shared` is defined in the home of the workers alone, so nothing that
    runs here can resolve it. Its cache and the shards in its work tree are deleted.
    """
    grow(zoo, 400)
    zoo.store_in_dvc()
    with (zoo.folder / ".dvc" / "config").open("a") as config:
        config.write(
            f"[core]\n    remote = store\n['remote \"store\"']\n    url = remote://shared/{zoo.folder.parent.name}\n"
        )
    zoo.commit("Store in DVC")
    zoo.replace(zoo.shard("pets/i3#m1", 256), '"score":1', '"score":2')
    zoo.replace(zoo.shard("pets/i3#m1", 256), '"rev":1', '"rev":2')
    zoo.replace(zoo.shard("pets/i4#m1", 256), '"score":1', '"score":8')
    assert labelvc(zoo.folder, "format")[0] == 0
    zoo.commit("Change")
    settings = Path(cluster.environment["XDG_CONFIG_HOME"]) / "dvc" / "config"
    settings.write_text(f"['remote \"shared\"']\n    url = {cluster.folder / 'remote'}\n")
    push = [sys.executable, "-m", "dvc", "push", "-q", "--all-commits"]
    subprocess.run(push, cwd=zoo.folder, env={**os.environ, **cluster.environment}, check=True)
    return zoo


def strip(far: Zoo) -> None:
    """Take away all that DVC keeps here."""
    shutil.rmtree(far.folder / ".dvc" / "cache")
    shutil.rmtree(far.folder / "datasets" / "pets" / "annotations", ignore_errors=True)
    forget(far)


COMMANDS = [
    ("check", "--all"),
    ("check", "HEAD~1..HEAD"),
    ("check", "HEAD~1"),
    ("diff", "HEAD~1..HEAD"),
    ("diff", "HEAD~1..HEAD", "--stat"),
    ("diff", "HEAD~1"),
    ("report",),
    ("review", "HEAD~1..HEAD"),
    ("taxonomy", "counts", "animals"),
]


def test_workers_read_the_remote_that_the_client_cannot(far: Zoo, cluster: Cluster, labelvc: Run):
    shutil.rmtree(far.folder / "datasets" / "pets" / "annotations")
    alone = {}
    for words in COMMANDS:
        forget(far)
        alone[words] = labelvc(far.folder, *words, "--format", "json")
    assert alone["check", "--all"][0] == 1
    strip(far)
    for words in COMMANDS:
        code, _, err = labelvc(far.folder, *words)
        assert code == 2, words
        assert "is in no cache and no remote" in err
        forget(far)
        assert labelvc(far.folder, *words, "--format", "json", *on(cluster)) == alone[words]
    assert not (far.folder / ".dvc" / "cache").exists()


def test_statistics_are_counted_where_the_shards_are_read(far: Zoo, cluster: Cluster, monkeypatch: pytest.MonkeyPatch):
    """Sums travel, not records; plain values stay hidden in the names of slices, and what was counted is remembered here."""
    far.write(
        "datasets/pets/dataset.yaml", far.read("datasets/pets/dataset.yaml") + b"slices: [/ext/owner, /natural/word]\n"
    )
    far.replace(far.shard("pets/i7#", 256), '"id":"i7",', f'"id":"i7","ext":{{"owner":"{PLAIN}"}},')
    far.commit("Slices")

    def counted(git: Git) -> tuple[object, ...]:
        snapshot = tree.commit(git, "HEAD")
        with tree.reader(git) as reader, Cache(git) as cache:
            dataset = projects.load(git, snapshot, reader, cache).datasets["pets"]
            drawn = veil.over(git, snapshot, reader=reader)
            wanted = census.asked(projects.load(git, snapshot, reader, cache), dataset, drawn)
            changed = Changed(lambda item: shard.place(item, 4))
            changed.add("i3", "m1", None)
            found, turned = census.with_turned(reader, cache, snapshot, dataset, wanted, changed)
            sums = {task: (*each.sums(), each.units) for task, each in turned.items()}
            return (found, sums, progress.cells(reader, cache, snapshot, dataset, drawn, "/ext/owner"))

    alone = counted(far.at)
    assert alone[0].records == 400
    assert [gone.answers for gone, _, _ in alone[1].values()] == [{(1, 1): {"1": 1}}]
    strip(far)
    sent: list[tuple[str, bytes]] = []
    with cluster.executor() as pool:
        spread = pool.spread

        def listening(function: Callable[[bytes], list[object]], parcels: object) -> Iterator[object]:
            for result in spread(function, parcels):
                sent.append((function.__name__, pickle.dumps(result)))
                yield result

        monkeypatch.setattr(pool, "spread", listening)
        assert counted(far.at._replace(far=pool)) == alone
        assert {name for name, _ in sent} == {
            "counted",
            "censuses",
            "contents",
        }  # the last is the listing of the folder
        assert not any(PLAIN.encode() in result for _, result in sent)
        sent.clear()
        assert counted(far.at._replace(far=pool)) == alone
    assert {name for name, _ in sent} == {"contents"}  # that listing, and what was said of the one item


def test_labels_are_counted_where_the_shards_are_read(zoo: Zoo, cluster: Cluster, labelvc: Run):
    """Sums of shards are the counts of the whole, people's agreement among them; a line that cannot be read is in no log."""
    zoo.put("pets/p1#k2", {**zoo.row("pets/p1#k1"), "id": "k2", "by": BEN, "value": {"label": "dog"}})
    zoo.put("pets/p2#k1", {**zoo.row("pets/p1#k1"), "item": "p2"})
    zoo.put("pets/p2#o1", {**zoo.row("pets/p1#o1"), "item": "p2", "value": {"soft": {"cat": "much", "dog": 0.5}}})
    words = ("taxonomy", "counts", "animals", "--format", "json")
    alone = labelvc(zoo.folder, *words)
    told = json.loads(alone[1])
    assert alone[0] == 0
    assert {one["label"]: (one["records"], one["items"], one["share"]) for one in told["items"]}["dog"] == (5, 2, 3.75)
    assert labelvc(zoo.folder, *words, *on(cluster)) == alone
    assert labelvc(zoo.folder, *words[:3], "--level", "1", *on(cluster)) == labelvc(
        zoo.folder, *words[:3], "--level", "1"
    )
    zoo.write(zoo.shard("pets/p2#m1"), f'{{"item":7,"by":"{PLAIN}"}}\n'.encode() + zoo.read(zoo.shard("pets/p2#m1")))
    broken = labelvc(zoo.folder, *words)
    assert (broken[0], "cannot be read" in broken[2]) == (2, True), broken
    assert labelvc(zoo.folder, *words, *on(cluster)) == broken
    assert PLAIN not in cluster.said()


def test_an_object_that_was_exchanged_or_is_gone_stops_the_check(far: Zoo, cluster: Cluster, labelvc: Run):
    strip(far)
    path = far.shard("pets/i3#m1", 256)
    remote = cluster.folder / "remote" / far.folder.parent.name / "files" / "md5"
    objects = [place for place in remote.rglob("*") if place.is_file() and b'"i3"' in place.read_bytes()]
    assert len(objects) == 2
    for place in objects:
        place.chmod(0o644)
        place.write_bytes(place.read_bytes().replace(b'"score":', b'"score": '))
    code, out, err = labelvc(far.folder, "check", "--all", *on(cluster))
    assert (code, out) == (2, "")
    assert "does not have the SHA-256" in err
    assert path in err
    for place in objects:
        place.unlink()
    code, out, err = labelvc(far.folder, "check", "--all", *on(cluster))
    assert (code, out) == (2, "")
    assert "is not in the remote the workers read" in err
    assert path in err


# ---------------------------------------------------------------- what breaks
def until(true: Callable[[], object]) -> None:
    """Wait for something that is about to be, and fail when it is not within half a minute."""
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_worker_killed_in_the_middle_loses_nothing(zoo: Zoo, lone: Callable[..., Cluster]):
    grow(zoo, 3000)
    zoo.commit("Grow")
    commit = tree.commit(zoo.at, "HEAD")
    alone = check.everything(zoo.at, commit)
    assert len(alone.findings) == 300
    forget(zoo)
    distributed = pytest.importorskip("distributed")
    broken = lone()
    broken.add()
    with broken.executor() as far:
        assert list(far.spread(parcel.contents, parcel.pack(zoo.at, [], lambda _: []))) == []  # connected
        victim, other = broken.workers
        with distributed.Client(broken.address, timeout=30) as asking, ThreadPoolExecutor(1) as pool:
            until(lambda: len(asking.run(os.getpid)) == len(broken.workers))
            (place,) = [name for name, pid in asking.run(os.getpid).items() if pid == victim.pid]
            for worker in broken.workers:
                os.kill(worker.pid, signal.SIGSTOP)  # both are given shards, and answer for none of them
            found = pool.submit(check.everything, zoo.at._replace(far=far), commit)
            until(lambda: asking.processing()[place])
            victim.kill()
            os.kill(other.pid, signal.SIGCONT)
            assert found.result(120) == alone
    assert victim.wait(5) == -signal.SIGKILL
    assert broken.workers[1].poll() is None


def test_a_scheduler_that_goes_away_is_told_within_seconds(zoo: Zoo, lone: Callable[..., Cluster]):
    grow(zoo, 400)
    broken = lone()
    with broken.executor() as far:
        list(far.spread(parcel.contents, parcel.pack(zoo.at, [], lambda _: [])))
        os.kill(broken.workers[0].pid, signal.SIGSTOP)
        begun = time.monotonic()
        threading.Timer(0.5, broken.scheduler.kill).start()
        with pytest.raises(StoreError, match=r"scheduler is gone|dropped the work") as caught:
            check.everything(zoo.at._replace(far=far), tree.work(zoo.at))
    assert time.monotonic() - begun < 20
    assert caught.value.where == broken.address


def test_a_scheduler_that_stands_still_is_told_within_seconds(
    zoo: Zoo, lone: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch, labelvc: Run
):
    grow(zoo, 400)
    monkeypatch.setattr("labelvc.store.dask._ANSWER", 1)
    monkeypatch.setattr("labelvc.store.dask._CONNECT", 1)
    broken = lone()
    begun = time.monotonic()
    with broken.executor() as far:
        list(far.spread(parcel.contents, parcel.pack(zoo.at, [], lambda _: [])))
        os.kill(broken.scheduler.pid, signal.SIGSTOP)
        with pytest.raises(StoreError, match="does not answer any more"):
            check.everything(zoo.at._replace(far=far), tree.work(zoo.at))
    code, _, err = labelvc(zoo.folder, "check", "--all", *on(broken))
    assert code == 2
    assert "cannot be reached" in err
    assert time.monotonic() - begun < 25


def test_the_last_worker_that_goes_away_is_told(
    zoo: Zoo, lone: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
):
    grow(zoo, 400)
    broken = lone()
    monkeypatch.setattr("labelvc.store.dask._PATIENCE", 1.0)
    with broken.executor() as far:
        list(far.spread(parcel.contents, parcel.pack(zoo.at, [], lambda _: [])))
        os.kill(broken.workers[0].pid, signal.SIGSTOP)
        threading.Timer(0.5, broken.workers[0].kill).start()
        with pytest.raises(StoreError, match="no Dask worker is left"):
            check.everything(zoo.at._replace(far=far), tree.work(zoo.at))


def test_shards_that_kill_every_worker_are_told(
    zoo: Zoo, lone: Callable[..., Cluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "deadly.py").write_text("import os\n\ndef die(data):\n    os._exit(1)\n")
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    once = {"PYTHONPATH": str(tmp_path / "modules"), "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    broken = lone(everywhere=once)
    deadly = importlib.import_module("deadly")
    with broken.executor() as far, pytest.raises(StoreError, match="Dask workers died over the same few shards"):
        list(far.spread(deadly.die, lambda width: iter([b""])))


def test_a_worker_of_another_version_is_refused(zoo: Zoo, lone: Callable[..., Cluster], tmp_path: Path, labelvc: Run):
    other = tmp_path / "other" / "labelvc-99.0.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: labelvc\nVersion: 99.0\n")
    broken = lone({"PYTHONPATH": str(other.parent)})
    code, out, err = labelvc(zoo.folder, "check", "--all", *on(broken))
    assert (code, out) == (2, "")
    assert "has labelvc 99.0; here it is" in err
    assert "next: pip install" in err


def test_what_a_late_worker_is_sent_says_which_versions_it_needs():
    made = parcel.pickle.dumps((("99.0", *parcel.maker("")[1:]), b""))
    with pytest.raises(StoreError, match="another version of labelvc"):
        parcel.contents(made)


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:1", "127.0.0.1:1", "nonsense", "http://127.0.0.1:1", "tcp://no.such.host.invalid:8786"]
)
def test_an_address_where_nobody_answers(zoo: Zoo, labelvc: Run, address: str, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("labelvc.store.dask._CONNECT", 1)
    begun = time.monotonic()
    code, out, err = labelvc(zoo.folder, "check", "--all", "--executor", "dask", "--scheduler", address)
    assert (code, out) == (2, "")
    assert err.startswith("error: the Dask scheduler cannot be reached: ")
    assert err.count("\n") == 3
    assert "  next: dask scheduler; dask worker" in err
    assert time.monotonic() - begun < 10


def test_commands_at_once_and_a_cache_that_is_deleted_under_them(zoo: Zoo, tmp_path: Path):
    grow(zoo, 1000)
    zoo.commit("Grow")
    words = [sys.executable, "-m", "labelvc.cli", "check", "--all", "--format", "json"]
    alone = subprocess.run(words, cwd=zoo.folder, capture_output=True, check=False).stdout
    assert json.loads(alone)["summary"]["error"] == 100
    forget(zoo)
    running = []
    for name in "abc":
        with (tmp_path / name).open("wb") as out:
            running.append(subprocess.Popen(words, cwd=zoo.folder, stdout=out, stderr=subprocess.STDOUT))
    end = time.monotonic() + 60
    while any(process.poll() is None for process in running) and time.monotonic() < end:
        forget(zoo)
        time.sleep(0.02)
    assert [process.poll() for process in running] == [1, 1, 1]
    assert {(tmp_path / name).read_bytes() for name in "abc"} == {alone}


# ---------------------------------------------------------------- options
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--executor", "dask"), "--executor dask needs --scheduler ADDR"),
        (("--scheduler", "tcp://a:1"), "add --executor dask"),
        (("--executor", "processes", "--scheduler", "tcp://a:1"), "add --executor dask"),
        (("--executor", "slurm"), "there is no executor 'slurm'"),
    ],
)
def test_options_that_make_no_sense(zoo: Zoo, labelvc: Run, options: tuple[str, ...], words: str):
    for command in ("check", "diff"):
        code, out, err = labelvc(zoo.folder, command, *options)
        assert (code, out) == (2, "")
        assert words in err


def test_a_command_that_works_here_alone_says_so(zoo: Zoo, labelvc: Run):
    code, out, err = labelvc(zoo.folder, "status", "--executor", "dask", "--scheduler", "tcp://a:1")
    assert (code, out) == (2, "")
    assert "status does its work here: --executor is for check, diff, import, report, review and taxonomy counts" in err


def test_the_environment_names_executor_and_scheduler(zoo: Zoo, labelvc: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LABELVC_SCHEDULER", "nonsense")
    assert labelvc(zoo.folder, "check", "--all")[0] == 0
    forget(zoo)
    monkeypatch.setenv("LABELVC_EXECUTOR", "dask")
    assert "cannot be reached" in labelvc(zoo.folder, "check", "--all")[2]
    assert labelvc(zoo.folder, "check", "--all", "--executor", "processes")[0] == 0


def test_dask_is_imported_only_when_asked_for(zoo: Zoo):
    script = (
        "import sys\nfrom labelvc.cli.main import run\n"
        "assert run(['check', '--all']) == 0 and run(['diff']) == 0\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('distributed', 'dask', 'tornado')])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=zoo.folder, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\n[]\n")


def test_an_installed_package_adds_an_executor(zoo: Zoo, labelvc: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    information = tmp_path / "package" / "labelvc_other-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: labelvc-other\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[labelvc.executors]\nspawned = other_executor:start\n")
    (tmp_path / "package" / "other_executor.py").write_text(
        "import multiprocessing\nfrom concurrent.futures import ProcessPoolExecutor\n"
        "from labelvc.store.executors import Started\n\n"
        "def start(address):\n"
        "    return Started(ProcessPoolExecutor(2, multiprocessing.get_context('spawn')), 2)\n"
    )
    grow(zoo, 400)
    alone = labelvc(zoo.folder, "check", "--all", "--format", "json")
    forget(zoo)
    monkeypatch.syspath_prepend(str(tmp_path / "package"))
    assert labelvc(zoo.folder, "check", "--all", "--format", "json", "--executor", "spawned") == alone


# ---------------------------------------------------------------- what travels
def test_no_credential_travels(zoo: Zoo):
    zoo.store_in_dvc()
    (zoo.folder / ".dvc" / "config.local").write_text(
        "['remote \"store\"']\n    url = https://anna:s3cr3t-in-url@example.org/labels\n    password = s3cr3t-word\n    user = anna\n"
    )
    with (zoo.folder / ".dvc" / "config").open("a") as config:
        config.write("[core]\n    remote = store\n")
    entry = tree.Entry("dvc", "0" * 32)
    parcels = list(parcel.pack(zoo.at, ["datasets/pets/annotations/0000.jsonl"], lambda path: [(path, entry)])(2))
    assert len(parcels) == 1
    _, inner = parcel.pickle.loads(parcels[0])
    remote = parcel.pickle.loads(inner).remote
    assert remote == parcel.Remote("store", (("store", "https://anna@example.org/labels"),))
    assert b"s3cr3t" not in parcels[0]


@pytest.mark.parametrize(
    ("remote", "words"),
    [
        (parcel.Remote(""), "neither the repository nor this worker names a default remote"),
        (parcel.Remote("store", (("store", "remote://shared/x"),)), "remote 'shared' doesn't exist"),
        (parcel.Remote("store", (("store", "s3://bucket/x"),)), "s3"),
        (parcel.Remote("store", (("store", "http://127.0.0.1:1/x"),)), "cannot read the DVC remote"),
    ],
)
def test_a_remote_that_a_worker_cannot_read(remote: parcel.Remote, words: str):
    with pytest.raises(StoreError, match=words) as caught:
        list(dvc.read_remote(remote, [("datasets/pets/annotations/0.jsonl", tree.Entry("dvc", "0" * 32))]))
    assert "dvc remote" in caught.value.hint


def test_a_repository_cannot_have_a_workers_credentials_sent_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    settings = tmp_path / "config" / "dvc" / "config"
    settings.parent.mkdir(parents=True)
    settings.write_text(
        "['remote \"store\"']\n    url = https://good.example/labels\n    password = word\n    auth = custom\n    custom_auth_header = X-Key\n"
    )
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    dvc._filesystem.cache_clear()
    system, _ = dvc._filesystem(parcel.Remote("store", (("store", "https://good.example/labels"),)))
    assert "word" in str(system.fs_args)
    system, top = dvc._filesystem(parcel.Remote("store", (("store", "https://bad.example/labels"),)))
    assert "word" not in str(system.fs_args)
    assert "bad.example" in top
    dvc._filesystem.cache_clear()
