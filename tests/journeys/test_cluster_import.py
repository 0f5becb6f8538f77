"""Import on a real Dask cluster: a source that only the workers can read comes in as if it lay here."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labelvc.store import cluster as clusters
from labelvc.store import pieces
from labelvc.store.outs import Out
from tests.cluster import Cluster, cluster, lone
from tests.journeys.test_cluster import on, strip, until
from tests.zoo import PLAIN, SECRET, Zoo, zoo, zoo_template

__all__ = ["cluster", "lone", "zoo", "zoo_template"]

Run = Callable[..., tuple[int, str, str]]
WORDS = ("--dataset", "pets", "--task", "mood", "--item", "word", "--value", "score", "--by", "who")


def table(count: int, start: int = 0) -> str:
    rows = [f'w{n},{n % 5 - 2},person-{n % 7},"text, {n}"' for n in range(start, start + count)]
    return "\n".join(["word,score,who,text", *rows]) + "\n"


_STORE = """
import sys
from pathlib import Path
from dvc.repo import Repo
with Repo.init() as repo:
    with Path(".dvc/config").open("a") as config:
        config.write(sys.argv[2])
with Repo() as repo:
    repo.add(sys.argv[1])
    repo.push([sys.argv[1] + ".dvc"])
"""


def remote(zoo: Zoo, cluster: Cluster) -> str:
    """Return DVC's settings of a repository whose remote only the workers' own settings lead to."""
    settings = Path(cluster.environment["XDG_CONFIG_HOME"]) / "dvc" / "config"
    settings.write_text(f"['remote \"shared\"']\n    url = {cluster.folder / 'remote'}\n")
    return f"[core]\n    remote = store\n['remote \"store\"']\n    url = remote://shared/{zoo.folder.parent.name}\n"


def put_far(zoo: Zoo, cluster: Cluster, source: Path) -> None:
    """Put a file behind a DVC pointer, into a remote that only the workers' own settings lead to, and delete it here."""
    name = remote(zoo, cluster)
    environment = {**os.environ, **cluster.environment}
    subprocess.run([sys.executable, "-c", _STORE, source.name, name], cwd=zoo.folder, env=environment, check=True)
    shutil.rmtree(zoo.folder / ".dvc" / "cache")
    source.unlink()


def content(zoo: Zoo) -> dict[str, bytes]:
    return {
        str(path.relative_to(zoo.folder)): path.read_bytes()
        for path in sorted((zoo.folder / "datasets").rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def source(zoo: Zoo) -> Path:
    """Return where a table lies, in a repository that can make pseudonyms."""
    zoo.begin_pseudonyms()
    zoo.commit("Begin pseudonyms")
    path = zoo.folder / "raw.csv"
    path.write_text(table(300))
    return path


def again(zoo: Zoo, before: dict[str, bytes]) -> None:
    """Take back what an import wrote."""
    zoo.git("checkout", "-q", "--", ".")
    zoo.git("clean", "-qfd", "datasets")
    assert content(zoo) == before


def test_a_source_in_the_workers_remote_comes_in_as_if_it_lay_here(
    zoo: Zoo, source: Path, cluster: Cluster, labelvc: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """To the byte, output and files; in pieces that cut rows; and neither it nor the secret is anywhere it should not be."""
    monkeypatch.setattr(pieces, "_BYTES", 1000)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    source.write_text(table(300) + f"last,1,{PLAIN},text\n")
    words, before = ("import", "csv", str(source), *WORDS), content(zoo)
    told = {form: labelvc(zoo.folder, *words, "--dry-run", "--format", form) for form in ("text", "json")}
    alone = labelvc(zoo.folder, *words)
    assert alone[0] == 0, alone
    wanted = content(zoo)
    again(zoo, before)
    put_far(zoo, cluster, source)
    code, _, err = labelvc(zoo.folder, *words)
    assert (code, "behind a DVC pointer and not here" in err, "--executor dask" in err) == (2, True, True), err
    sent: list[bytes] = []
    spread = clusters.Cluster.spread

    def listening(
        self: clusters.Cluster, function: Callable[[bytes], list[object]], parcels: Callable[[int], Iterator[bytes]]
    ) -> Iterator[object]:
        def heard(width: int) -> Iterator[bytes]:
            for one in parcels(width):
                sent.append(one)
                yield one

        return spread(self, function, heard)

    monkeypatch.setattr(clusters.Cluster, "spread", listening)
    for form, wished in told.items():
        assert labelvc(zoo.folder, *words, "--dry-run", "--format", form, *on(cluster)) == wished
    assert content(zoo) == before
    assert labelvc(zoo.folder, *words, *on(cluster)) == alone
    assert content(zoo) == wanted
    assert len(sent) >= 30
    assert not any(SECRET.reveal() in one or PLAIN.encode() in one or b"person-" in one for one in sent)
    assert not list((tmp_path / "temporary").iterdir())
    left = [path for path in cluster.folder.rglob("*") if path.is_file() and "remote" not in path.parts]
    assert left
    assert not any(PLAIN.encode() in path.read_bytes() for path in left)


def test_an_error_names_the_source_and_nothing_is_written(zoo: Zoo, source: Path, cluster: Cluster, labelvc: Run):
    source.write_text(table(30) + "odd,nine,anna,text\n")
    words, before = ("import", "csv", str(source), *WORDS), content(zoo)
    alone = labelvc(zoo.folder, *words)
    assert (alone[0], "raw.csv:32" in alone[2]) == (2, True), alone
    put_far(zoo, cluster, source)
    assert labelvc(zoo.folder, *words, *on(cluster)) == alone
    assert content(zoo) == before


def test_what_is_not_the_object_of_the_pointer_is_not_imported(zoo: Zoo, source: Path, cluster: Cluster, labelvc: Run):
    put_far(zoo, cluster, source)
    words, before = ("import", "csv", str(source), *WORDS, *on(cluster)), content(zoo)
    remote = cluster.folder / "remote" / zoo.folder.parent.name
    (place,) = [path for path in remote.rglob("*") if path.is_file()]
    place.chmod(0o644)
    place.write_bytes(place.read_bytes().replace(b"w7,", b"w8,"))
    code, out, err = labelvc(zoo.folder, *words)
    assert (code, out, "is damaged" in err, str(source) in err) == (2, "", True, True), err
    place.unlink()
    code, out, err = labelvc(zoo.folder, *words)
    assert (code, out, "is not in the remote the workers read" in err) == (2, "", True), err
    assert content(zoo) == before


@pytest.mark.parametrize("missing", [True, False])
def test_a_folder_or_nothing_behind_the_name_is_told(zoo: Zoo, cluster: Cluster, labelvc: Run, missing: bool):
    path = zoo.folder / "raw.csv"
    if not missing:
        path.with_name("raw.csv.dvc").write_text(f"outs:\n- md5: {'0' * 32}.dir\n  path: raw.csv\n")
    code, out, err = labelvc(zoo.folder, "import", "csv", str(path), *WORDS, *on(cluster))
    assert (code, out) == (2, "")
    assert ("does not exist" if missing else "to no single file") in err


@pytest.mark.parametrize("name", [".", "..", "/", ""])
def test_a_folder_without_a_name_is_a_source_as_well(
    zoo: Zoo, labelvc: Run, monkeypatch: pytest.MonkeyPatch, name: str
):
    monkeypatch.chdir(zoo.folder)
    code, out, err = labelvc(zoo.folder, "import", "csv", name, *WORDS)
    assert (code, out) == (2, "")
    assert "is a folder" in err or "does not exist" in err


def test_stored_shards_that_only_the_workers_can_read_are_compared_and_kept(zoo: Zoo, cluster: Cluster, labelvc: Run):
    """The dataset's own shards lie in the remote: what the import does not touch is still there after it."""
    zoo.begin_pseudonyms()
    zoo.store_in_dvc()
    (zoo.folder / ".dvc" / "config").write_text(remote(zoo, cluster))
    zoo.commit("Store in DVC")
    push = [sys.executable, "-m", "dvc", "push", "-q"]
    subprocess.run(push, cwd=zoo.folder, env={**os.environ, **cluster.environment}, check=True)
    source = zoo.folder.parent / "in.csv"
    source.write_text(table(2))
    words, before = ("import", "csv", str(source), *WORDS), content(zoo)
    with_all = labelvc(zoo.folder, *words)
    assert with_all[0] == 0, with_all
    wanted = content(zoo)
    untouched = [path for path in wanted if before.get(path) == wanted[path] and "/annotations/" in path]
    assert untouched
    zoo.git("reset", "-q", "--hard")
    zoo.git("clean", "-qfd", "datasets")
    strip(zoo)
    code, _, err = labelvc(zoo.folder, *words)
    assert (code, "is in no cache and no remote" in err) == (2, True)
    assert labelvc(zoo.folder, *words, *on(cluster))[::2] == with_all[::2]
    assert content(zoo) == wanted


def test_a_worker_killed_in_the_middle_loses_nothing(
    zoo: Zoo, source: Path, lone: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(pieces, "_BYTES", 500)
    data = source.read_bytes()
    out = Out("raw.csv", hashlib.md5(data, usedforsecurity=False).hexdigest())
    broken = lone()
    broken.add()
    put_far(zoo, broken, source)
    with broken.executor() as pool:
        git, before = zoo.at._replace(far=pool), io.BytesIO()
        pieces.bring(git, pool, out, before)  # connected
        assert before.getvalue() == data
        victim, other = broken.workers
        with distributed.Client(broken.address, timeout=30) as asking, ThreadPoolExecutor(1) as thread:
            until(lambda: len(asking.run(os.getpid)) == len(broken.workers))
            (place,) = [name for name, pid in asking.run(os.getpid).items() if pid == victim.pid]
            into = io.BytesIO()
            for worker in broken.workers:
                os.kill(worker.pid, signal.SIGSTOP)  # both are given pieces, and answer for none of them
            found = thread.submit(pieces.bring, git, pool, out, into)
            os.kill(other.pid, signal.SIGCONT)
            until(lambda: asking.processing()[place])
            victim.kill()
            found.result(120)
    assert into.getvalue() == data
    assert victim.wait(5) == -signal.SIGKILL


def test_memory_here_stays_flat(zoo: Zoo, source: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pieces, "_BYTES", 1 << 16)
    data = table(40_000).encode() * 8
    source.write_bytes(data)
    out = Out("raw.csv", hashlib.md5(data, usedforsecurity=False).hexdigest())
    size = len(data)
    del data
    put_far(zoo, cluster, source)
    with cluster.executor() as pool, tempfile.TemporaryFile() as into:
        git = zoo.at._replace(far=pool)
        assert list(pool.spread(pieces.sizes, lambda _: iter(()))) == []  # connected
        tracemalloc.start()
        pieces.bring(git, pool, out, into)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert into.seek(0, os.SEEK_END) == size > 8_000_000
    assert peak < size / 2
