"""A pull request of a dataset behind DVC: both sides' shards are merged and judged, and an absent object is never green."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.journeys.test_dvc_journey import Command, Git, dvc, labels, rate

__all__ = ["labels"]


def judge(labelvc: Command, folder: Path, out: Path) -> tuple[int, str]:
    code, said, err = labelvc(folder, "ci", "--base", "origin/main", "--head", "origin/topic", "-o", str(out))
    return code, said + err + (out / "summary.md").read_text()


def test_a_pull_request_behind_dvc(labels: Path, git: Git, labelvc: Command, tmp_path: Path):
    git(labels, "checkout", "-q", "-b", "topic")
    rate(labels, 2)
    assert labelvc(labels, "format")[0] == 0
    git(labels, "commit", "-qam", "Two")
    dvc(labels, "push")
    git(labels, "checkout", "-q", "main")
    dvc(labels, "checkout")
    (labels / "guidelines/sentiment.yaml").write_text((labels / "guidelines/sentiment.yaml").read_text() + "# seen\n")
    git(labels, "commit", "-qam", "Main went on")
    clone, out = tmp_path / "clone", tmp_path / "out"
    git(tmp_path, "clone", "-q", str(labels), "clone")
    (clone / ".dvc/config.local").write_text(f"['remote \"store\"']\n    url = {labels.parent / 'remote'}\n")
    code, said = judge(labelvc, clone, out)
    assert (code, "1 of 1 change" in said or "ungoverned" in said) == (0, True), said
    assert git(clone, "status", "--porcelain") == ""

    fresh = tmp_path / "fresh"
    git(tmp_path, "clone", "-q", str(labels), "fresh")
    shutil.rmtree(labels.parent / "remote")
    (fresh / ".dvc/config.local").write_text(f"['remote \"store\"']\n    url = {labels.parent / 'remote'}\n")
    code, said = judge(labelvc, fresh, out)
    assert code == 2, said
    assert "is in no cache and no remote" in said
    assert "dvc pull" in said
    assert str(tmp_path) not in "".join(path.read_text() for path in out.iterdir())


def test_two_sides_behind_dvc_are_merged_for_the_judgement_alone(
    labels: Path, git: Git, labelvc: Command, tmp_path: Path
):
    for branch, words, score in (("topic", "w1", 2), ("main", "w2", 9)):
        git(labels, "checkout", "-q", *(["-b"] if branch == "topic" else []), branch)
        dvc(labels, "checkout")
        for path in (labels / "datasets/ratings/annotations").iterdir():
            text = path.read_text()
            for line in text.splitlines():
                if f'"item":"{words}"' in line and '"source-' in line:
                    head, _, tail = line.rpartition('"score":')
                    path.unlink(missing_ok=True)
                    text = text.replace(line, f'{head}"score":{score}{tail[tail.index("}") :]}')
                    path.write_text(text)
        labelvc(labels, "format")
        git(labels, "commit", "-qam", branch)
    git(labels, "checkout", "-q", "main")
    head = git(labels, "rev-parse", "HEAD")
    code, said, err = labelvc(labels, "ci", "--base", "main", "--head", "topic", "-o", str(tmp_path / "out"))
    assert code == 0, said + err
    assert "dvc.pointer" not in said
    assert git(labels, "rev-parse", "HEAD") == head
