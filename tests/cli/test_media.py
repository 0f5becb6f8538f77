"""media check: a picture that is another one than was labelled is found, and what is not here is never called right."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from labelvc.codec import schema
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
FOLDER = "datasets/pictures"


def told(zoo: Zoo, labelvc: Run, *words: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Return the exit code, path to state, and the whole output."""
    code, out, err = labelvc(zoo.folder, "media", "check", "--format", "json", *words)
    assert code in (0, 1, 2), err
    found = json.loads(out)
    jsonschema.Draft202012Validator(schema.schema("media-check")).validate(found)
    return code, {one["path"]: one["state"] for one in found["items"]}, found


def picture(zoo: Zoo, name: str, data: bytes, **media: Any) -> None:
    zoo.put(f"pictures/{name}#", {"id": name, "media": {"path": name, **media}})
    zoo.write(f"{FOLDER}/media/{name}", data)


def test_a_picture_is_held_against_its_item_then_against_the_manifest(zoo: Zoo, labelvc: Run):
    one, two = (hashlib.sha256(data).hexdigest() for data in (b"one", b"two"))
    picture(zoo, "a.jpg", b"one", sha256=one)
    picture(zoo, "c.jpg", b"two", sha256=one)
    picture(zoo, "d.jpg", b"two")
    picture(zoo, "e.jpg", b"one", sha256=one)
    zoo.write(f"{FOLDER}/media.sha256", f"{two}  media/d.jpg\n{two}  media/e.jpg\n")
    assert zoo.everything() == []
    code, states, whole = told(zoo, labelvc)
    assert states == {"a.jpg": "same", "b.jpg": "unnamed", "c.jpg": "other", "d.jpg": "same", "e.jpg": "same"}
    assert (code, whole["summary"]) == (1, {"same": 3, "other": 1, "absent": 0, "unnamed": 1})
    (wrong,) = [row for row in whole["items"] if row["state"] == "other"]
    assert (wrong["wanted"], wrong["found"]) == (one, two)
    done = subprocess.run(
        ["sha256sum", "-c", "media.sha256"], cwd=zoo.folder / FOLDER, capture_output=True, check=False
    )
    assert b"e.jpg: FAILED" in done.stdout  # the item is asked first, and says otherwise
    _, out, _ = labelvc(zoo.folder, "media", "check")
    assert out == (
        "other   pictures/c.jpg  c.jpg is another file than the one that was labelled\n"
        "3 same, 1 other, 0 absent, 1 unnamed\n"
    )


def test_what_is_not_here_is_counted_and_exits_2_only_where_it_is_asked_for(zoo: Zoo, labelvc: Run):
    picture(zoo, "a.jpg", b"one", sha256=hashlib.sha256(b"one").hexdigest())
    assert told(zoo, labelvc, "--require")[:2] == (0, {"a.jpg": "same", "b.jpg": "unnamed"})
    (zoo.folder / FOLDER / "media/a.jpg").unlink()
    assert told(zoo, labelvc)[:2] == (0, {"a.jpg": "absent", "b.jpg": "unnamed"})
    assert told(zoo, labelvc, "--require")[0] == 2
    assert told(zoo, labelvc, "--require", "--dataset", "pets")[:2] == (0, {})
    code, _, err = labelvc(zoo.folder, "media", "check", "--dataset", "petz")
    assert (code, "petz" in err, "next: " in err) == (2, True, True)


def test_a_path_never_leads_out(zoo: Zoo, labelvc: Run):
    digest = hashlib.sha256((zoo.folder / "labelvc.yaml").read_bytes()).hexdigest()
    zoo.put("pictures/b.jpg#", {"id": "b.jpg", "media": {"path": "../../../labelvc.yaml", "sha256": digest}})
    assert told(zoo, labelvc)[1] == {"../../../labelvc.yaml": "absent"}


def test_a_real_picture_that_came_in_is_the_same_until_somebody_saves_it_again(
    zoo: Zoo, labelvc: Run, real_data: Path, tmp_path
):
    source = real_data / "bccd-voc/BCCD/JPEGImages/BloodImage_00013.jpg"
    if not source.is_file():
        pytest.skip("the pictures of blood cells are not among the real data")
    shutil.copy(source, tmp_path)
    assert labelvc(zoo.folder, "media", "add", str(tmp_path / source.name), "--dataset", "pictures")[0] == 0
    assert told(zoo, labelvc)[1][source.name] == "same"
    there = zoo.folder / FOLDER / "media" / source.name
    there.write_bytes(there.read_bytes() + b"\0")
    assert told(zoo, labelvc)[:2] == (1, {source.name: "other", "b.jpg": "unnamed"})
