"""The whole way of trust, from an approval to a bundle that an auditor checks, where shards lie in DVC and where git hashes with SHA-256."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.store import dvc
from labelvc.store import git as plumbing
from tests import people as persons
from tests.cli.test_bundle import DATASET, KEY, bundled, by_labelvc, by_script, tools, unpacked
from tests.cli.test_release import ANNA
from tests.people import SHARD, Desk
from tests.trusting import people_keys
from tests.zoo import Zoo

__all__ = ["people_keys", "tools"]
ITEM = KEY.removeprefix("reviews/").removesuffix("#r1")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(params=["shards in DVC", "git with SHA-256"])
def place(request: pytest.FixtureRequest, tmp_path: Path, people_keys: Path, labelvc: Run, monkeypatch) -> Desk:
    """Return a project with its shards in DVC, or whose git hashes with SHA-256 (DVC reads no such repository), and a branch `topic`."""
    hashed = request.param == "git with SHA-256"
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256" if hashed else "sha1")
    desk = persons.make(tmp_path / "desk", people_keys)._replace(run=labelvc)
    assert len(desk.git("rev-parse", "HEAD")) == (64 if hashed else 40)
    desk.git("checkout", "-q", "main")
    desk.git("branch", "-q", "-D", "topic")
    (desk.folder / "guidelines/mood.yaml").unlink()
    desk.write("datasets/reviews/dataset.yaml", DATASET)
    if not hashed:
        Zoo(desk.folder).store_in_dvc("reviews")
    desk.commit("Begin")
    desk.git("checkout", "-q", "-b", "topic")
    return desk


def relabelled(desk: Desk, label: str) -> None:
    """Change a label where it lies, store it and commit it."""
    records = desk.records()
    records[ITEM] = persons.record(ITEM, label, records.get(ITEM, {"rev": 0})["rev"] + 1, ANNA)
    (desk.folder / SHARD).unlink()  # a file in DVC may be a link into its cache
    desk.save(records)
    if (desk.folder / "datasets/reviews/annotations.dvc").exists():
        dvc.add(plumbing.find(desk.folder), Path("datasets/reviews/annotations"))
    desk.commit(f"{ITEM} is {label}")


def test_from_an_approval_to_a_bundle(place: Desk, tools: Path, tmp_path: Path):
    relabelled(place, "good")
    assert place.verify()[0] == 1
    place.approve("ben")
    code, (step,) = place.verify()
    assert (code, step["state"], step["covered"]) == (0, "approved", 1)
    place.git("checkout", "-q", "main")
    place.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    assert place.verify("HEAD")[0] == 0
    code, out, err = place.labelvc("release", "cut", "1.0.0", "--unapproved", "--yes", "--key", place.key("ada"))
    assert code == 0, out + err
    place.commit("Release")
    code, out, err = place.labelvc("release", "verify", "--all")
    assert code == 0, out + err
    code, out, err = place.labelvc("release", "witness", "--key", place.key("cleo"))
    assert code == 0, out + err
    place.commit("Seen", "cleo")
    case = bundled(place, tmp_path / "b.tar", "--key", KEY)
    assert place.git("rev-parse", "HEAD") in case.files["commits.txt"].decode().split()
    code, said = by_labelvc(place, case, tmp_path / "away")
    assert code == 0, said
    code, said = by_script(unpacked(case, tmp_path / "b"), tools, case.root)
    assert code == 0, said
    code, out, err = place.labelvc("audit", "prove", KEY, "-o", str(tmp_path / "proof.json"))
    assert code == 0, err
    assert place.run(tmp_path, "audit", "recheck", "proof.json")[0] == 0
    relabelled(place, "smuggled")
    assert place.verify("HEAD")[0] == 1
