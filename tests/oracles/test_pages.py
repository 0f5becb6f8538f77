"""The commands that the pages on trust show are run as they stand there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from labelvc.ops import trust
from labelvc.store import git as plumbing
from labelvc.store import tree
from tests.people import Desk, flip
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]
PAGES = Path(__file__).resolve().parents[2] / "docs" / "formats"


def block(page: str, name: str = "") -> str:
    found = re.search(
        rf"<!-- executed by .*: {name or page} -->\n```sh\n(.*?)```", (PAGES / f"{page}.md").read_text(), re.DOTALL
    )
    assert found, page
    return found[1]


def run(page: str, folder: Path, name: str = "", **variables: str) -> tuple[int, str]:
    words = ["env", "PATH=/usr/bin:/bin", *[f"{name}={value}" for name, value in variables.items()], "sh", "-eu"]
    done = subprocess.run(words, cwd=folder, input=block(page, name), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_change_set(desk: Desk):
    desk.relabel("fine", "rev-2")
    desk.relabel("dull", "rev-3")
    folder = desk.approve("ben").parent
    assert run("change-set", folder) == (0, f"{folder.name}  -\n")


@pytest.mark.parametrize("more", [(), ("--also-raw",)])
@pytest.mark.parametrize("field", [None, "decision", "nonce", "sha256"])
def test_approval(desk: Desk, tmp_path: Path, field: str | None, more: tuple[str, ...]):
    path = desk.approve("ben", "main...topic", "reviewer", *more)
    if field is not None:
        folder = path.parent
        flip(desk, path, field)
        (path,) = folder.glob("ben.*")
    (tmp_path / "allowed").write_text(desk.labelvc("key", "list", "--format", "allowed-signers")[1])
    code, said = run("approval", tmp_path, statement=str(path), who="ben")
    assert (code == 0) is (field is None), said
    if field is None:
        assert 'Good "approval@labelvc.v1" signature for ben' in said
        assert path.name.split(".")[1] in said
        assert run("approval", tmp_path, statement=str(path), who="cleo")[0] != 0


def test_raw(desk: Desk, tmp_path: Path):
    path = desk.approve("ben", "main...topic", "reviewer", "--also-raw")
    ben, cleo = (Path(f"{desk.key(who)}.pub").read_text().strip() for who in ("ben", "cleo"))
    code, said = run("approval", tmp_path, "raw", statement=str(path), key=ben)
    assert (code, said) == (0, "Signature Verified Successfully\n")
    assert run("approval", tmp_path, "raw", statement=str(path), key=cleo)[0] != 0


def test_policy(desk: Desk):
    git = plumbing.find(desk.folder)
    with tree.reader(git) as reader:
        anchor = trust.load(reader, tree.commit(git, "HEAD")).anchor
    code, said = run("policy", desk.folder)
    assert code == 0, said
    assert anchor.removeprefix("sha256:") in said
    assert 'Good "trust@labelvc.v1" signature for owner' in said
    data = (desk.folder / trust.POLICY).read_bytes()
    desk.write(trust.POLICY, data.replace(b'"payload":"eyJ', b'"payload":"eyK'))
    assert run("policy", desk.folder)[0] != 0
