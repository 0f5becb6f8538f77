"""The commands of docs/formats/shard.md, run as they stand there: silent on good shards, loud on each kind of damage."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from labelvc.codec import canonical, shard

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "formats" / "shard.md").read_text()
BLOCKS = dict(re.findall(r"^### ([^\n]+)$(?:(?!^###).)*?^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
EVERY_PLACE = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[-4]
K = 2
IDS = ["rev-00042", "dir/a#b", "Zoë 😀", 'q"uo\\te', " blank ", "-n", *[f"item-{number}" for number in range(9)]]

pytestmark = pytest.mark.skipif(not shutil.which("jq"), reason="no jq on this machine")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Return a folder of real shards: 15 items with two records each, in git's layout and with a manifest."""
    layers: dict[str, dict[str, list[bytes]]] = {"items": {}, "annotations": {}}
    for number, item in enumerate(IDS):
        name = shard.place(item, K)
        layers["items"].setdefault(name, []).append(
            canonical.encode_item({"id": item, "text": f"say {item}", "ext": {"b": 1, "a": [1.5, None]}})
        )
        for record in ("r1", "r2"):
            fields = {"item": item, "id": record, "rev": 1, "task": "mood", "value": {"score": number % 9 - 4}}
            layers["annotations"].setdefault(name, []).append(canonical.encode_record(fields))
    for layer, shards in layers.items():
        (tmp_path / layer).mkdir()
        for name, lines in shards.items():
            (tmp_path / layer / f"{name}.jsonl").write_bytes(shard.write(lines))
    manifest(tmp_path)
    return tmp_path


def manifest(folder: Path) -> None:
    paths = sorted((folder / "annotations").iterdir())
    text = "".join([f"{hashlib.sha256(path.read_bytes()).hexdigest()}  annotations/{path.name}\n" for path in paths])
    (folder / "annotations.sha256").write_text(text)


def run(folder: Path, script: str) -> str:
    done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def home(folder: Path, layer: str = "annotations", item: str = "rev-00042") -> Path:
    return folder / layer / f"{shard.place(item, K)}.jsonl"


def test_the_page_has_the_commands():
    assert list(BLOCKS) == ["Order", "Keys", "Canonical form", "Place", "Items", "One record's digest", "DVC"]
    assert "base64 -d" in EVERY_PLACE


@pytest.mark.parametrize("name", ["Order", "Keys", "Canonical form", "Items", "DVC"])
def test_good_shards_pass_in_silence(dataset: Path, name: str):
    assert run(dataset, BLOCKS[name]) == ""


def test_every_line_is_in_its_place(dataset: Path):
    assert run(dataset, EVERY_PLACE) == ""


def test_the_place_of_one_item(dataset: Path):
    for item in ("rev-00042", "Zoë 😀", *IDS[6:12]):
        assert run(dataset, BLOCKS["Place"].replace("rev-00042", item)) == shard.place(item, K) + "\n"


def test_the_digest_of_one_record(dataset: Path):
    line = shard.find(home(dataset).read_bytes(), shard.Key("", "rev-00042", "r1"))
    assert line is not None
    assert run(dataset, BLOCKS["One record's digest"]) == hashlib.sha256(line).hexdigest() + "  -\n"


def swap(folder: Path) -> None:
    lines = home(folder).read_bytes().splitlines(keepends=True)
    home(folder).write_bytes(b"".join([lines[1], lines[0], *lines[2:]]))


def double(folder: Path) -> None:
    data = home(folder).read_bytes()
    again = data.split(b"\n")[0].replace(b'"rev":1', b'"rev":2')
    home(folder).write_bytes(shard.write([*shard.lines(data), again]))


def space(folder: Path) -> None:
    home(folder).write_bytes(home(folder).read_bytes().replace(b'"rev":1', b'"rev": 1', 1))


def reorder(folder: Path) -> None:
    home(folder, "items").write_bytes(
        home(folder, "items").read_bytes().replace(b'"a":[1.5,null],"b":1', b'"b":1,"a":[1.5,null]', 1)
    )


def escape(folder: Path) -> None:
    home(folder).write_bytes(home(folder).read_bytes().replace(b'"mood"', b'"\\u006dood"', 1))


def cut(folder: Path) -> None:
    home(folder).write_bytes(home(folder).read_bytes().removesuffix(b"\n"))


def move(folder: Path) -> None:
    target = next(path for path in sorted((folder / "annotations").iterdir()) if path != home(folder))
    first, *rest = shard.lines(home(folder).read_bytes())
    home(folder).write_bytes(shard.write(rest))
    target.write_bytes(shard.write([*shard.lines(target.read_bytes()), first]))


def forget(folder: Path) -> None:
    home(folder, "items").write_bytes(shard.write(shard.lines(home(folder, "items").read_bytes())[1:]))


@pytest.mark.parametrize(
    ("name", "damage"),
    [("Order", swap), ("Keys", double), ("Canonical form", space), ("Canonical form", reorder), ("Canonical form", escape), ("Canonical form", cut), ("Every place", move), ("Items", forget), ("DVC", space)],
)  # fmt: skip
def test_damage_is_noticed(dataset: Path, name: str, damage: Callable[[Path], None]):
    damage(dataset)
    assert run(dataset, {**BLOCKS, "Every place": EVERY_PLACE}[name]) != ""
