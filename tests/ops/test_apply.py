"""Apply: a diff makes of its base its head to the byte, its inverse undoes it, and what does not fit changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelvc.codec import canonical, deltas, document, shard
from labelvc.model.change import Delta
from labelvc.model.names import Key
from labelvc.ops import diff
from tests.ops.test_diff import edit, reshard
from tests.zoo import CONTACT, PLAIN, Zoo, answer, make, rating, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
Run = Callable[..., tuple[int, str, str]]
FORMS = ("json", "jsonl")


def lying(zoo: Zoo) -> dict[str, bytes]:
    """Return every file of the work tree that is not git's or DVC's own."""
    return {
        str(path.relative_to(zoo.folder)): path.read_bytes()
        for path in zoo.folder.rglob("*")
        if path.is_file() and not str(path.relative_to(zoo.folder)).startswith((".git/", ".dvc/"))
    }


def there_and_back(zoo: Zoo, labelvc: Run, form: str, old: str, new: str, tmp_path: Path) -> None:
    """Apply the diff of two commits to the first, compare with the second, and undo it."""
    patch = str(tmp_path / "patch")
    assert labelvc(zoo.folder, "diff", f"{old}..{new}", "--format", form, "-o", patch)[0] == 0
    zoo.git("checkout", "-q", new)
    after = lying(zoo)
    zoo.git("checkout", "-q", old)
    before = lying(zoo)
    assert before != after
    code, out, err = labelvc(zoo.folder, "plumbing", "apply", patch)
    assert (code, out) == (0, ""), err
    assert err.startswith("applied: records: ")
    assert lying(zoo) == after
    assert labelvc(zoo.folder, "plumbing", "apply", patch)[0] == 1
    assert lying(zoo) == after
    assert labelvc(zoo.folder, "plumbing", "apply", patch, "--reverse")[0] == 0
    assert lying(zoo) == before
    assert zoo.git("status", "--porcelain") == ""


@pytest.mark.parametrize("form", FORMS)
def test_everything_there_and_back(zoo: Zoo, labelvc: Run, form: str, tmp_path: Path):
    edit(zoo, 0)
    zoo.change("pets/p1#k1", ext={"contact": CONTACT, "small": 1e-7, "half": 0.5, "deep": {"b": [1, {"z": 1, "a": 2}]}})
    zoo.replace("labelvc.yaml", "Know the animals", "Know all animals")
    zoo.write("guidelines/other.md", "one\r\ntwo\u2028three")
    (zoo.folder / "datasets/pictures/dataset.yaml").unlink()
    shutil.rmtree(zoo.folder / "datasets/pictures/items")
    shutil.rmtree(zoo.folder / "datasets/pictures/annotations")
    zoo.commit("Much")
    zoo.git("branch", "-f", "head")
    there_and_back(zoo, labelvc, form, "main~1", "head", tmp_path)


@pytest.mark.parametrize("form", FORMS)
def test_a_reshard_with_an_edit_there_and_back(zoo: Zoo, labelvc: Run, form: str, tmp_path: Path):
    edit(zoo, 0)
    reshard(zoo, 64)
    zoo.commit("Reshard, and something else")
    zoo.git("branch", "-f", "head")
    there_and_back(zoo, labelvc, form, "main~1", "head", tmp_path)


def test_records_behind_a_pointer(zoo: Zoo, labelvc: Run, tmp_path: Path):
    """DVC stores the folder anew; a shard that only its cache holds comes back before that."""
    zoo.store_in_dvc()
    zoo.commit("To DVC")
    before = zoo.read("datasets/pets/annotations.dvc")
    old = lying(zoo)
    edit(zoo, 0)
    zoo.store_in_dvc()
    after, new = zoo.read("datasets/pets/annotations.dvc"), lying(zoo)
    zoo.commit("Edit")
    patch = str(tmp_path / "patch")
    assert labelvc(zoo.folder, "diff", "main~1..main", "--format", "jsonl", "-o", patch)[0] == 0
    for path in (zoo.folder / "datasets/pets/annotations").glob("*"):
        path.unlink()
        break
    shutil.rmtree(zoo.folder / "datasets/pets/annotations")
    assert labelvc(zoo.folder, "plumbing", "apply", patch, "--reverse")[0] == 0
    assert zoo.read("datasets/pets/annotations.dvc") == before
    assert lying(zoo) == old
    assert labelvc(zoo.folder, "plumbing", "apply", patch)[0] == 0
    assert (zoo.read("datasets/pets/annotations.dvc"), lying(zoo)) == (after, new)


def test_a_storage_move_is_refused_in_words(zoo: Zoo, labelvc: Run, tmp_path: Path):
    zoo.store_in_dvc()
    zoo.commit("To DVC")
    patch = str(tmp_path / "patch")
    labelvc(zoo.folder, "diff", "main~1..main", "--format", "jsonl", "-o", patch)
    zoo.git("checkout", "-q", "main~1")
    before = lying(zoo)
    code, _, err = labelvc(zoo.folder, "plumbing", "apply", patch)
    assert code == 2
    assert "moves pets from git to dvc" in err
    assert lying(zoo) == before


def test_all_or_nothing(zoo: Zoo, labelvc: Run, tmp_path: Path):
    edit(zoo, 0)
    zoo.commit("Edit")
    patch = str(tmp_path / "patch")
    labelvc(zoo.folder, "diff", "main~1..main", "--format", "jsonl", "-o", patch)
    zoo.git("checkout", "-q", "main~1")
    zoo.change("pets/p1#m1", value={"score": 3})
    before = lying(zoo)
    code, out, err = labelvc(zoo.folder, "plumbing", "apply", patch)
    assert (code, out) == (1, "")
    assert "1 of 6 changes do not fit" in err
    assert "pets/p1#m1" in err
    assert lying(zoo) == before


def test_what_does_not_fit_is_listed_in_part(zoo: Zoo, labelvc: Run, tmp_path: Path):
    rows = [
        {"key": f"pets/p1#z{n}", "kind": "removed", "old": rating("p1", name=f"z{n}"), "new": None, "fields": []}
        for n in range(30)
    ]
    (tmp_path / "patch").write_text("".join([json.dumps(row) + "\n" for row in rows]))
    code, _, err = labelvc(zoo.folder, "plumbing", "apply", str(tmp_path / "patch"))
    assert code == 1
    assert "30 of 30 changes do not fit" in err
    assert "and 20 more" in err


def test_a_hidden_value_cannot_be_applied(zoo: Zoo, labelvc: Run, tmp_path: Path):
    zoo.change("pets/p1#k1", by=PLAIN)
    for form in FORMS:
        patch = str(tmp_path / form)
        labelvc(zoo.folder, "diff", "--format", form, "-o", patch)
        assert PLAIN not in Path(patch).read_text()
        code, _, err = labelvc(zoo.folder, "plumbing", "apply", patch, "--reverse")
        assert code == 2
        assert "pets/p1#k1" in err
        assert "hidden" in err
        assert PLAIN not in err


def test_a_file_that_is_no_text_is_named_with_the_command_that_brings_it(zoo: Zoo, labelvc: Run, tmp_path: Path):
    zoo.write("a picture.png", b"\x89PNG\xff\0")
    for form in FORMS:
        labelvc(zoo.folder, "diff", "--format", form, "-o", str(tmp_path / form))
        code, _, err = labelvc(zoo.folder, "plumbing", "apply", str(tmp_path / form), "--reverse")
        assert code == 2
        assert "a picture.png does not hold the whole file (it is no UTF-8 text)" in err
        assert "next: git checkout REV -- 'a picture.png'" in err


@pytest.mark.parametrize("spelling", ['"rev": 1', '"rev":1.0', '"rev":1,"rev":1'])
def test_a_line_that_json_would_respell_is_not_exact(zoo: Zoo, labelvc: Run, spelling: str):
    zoo.respell("pets/p1#n1", '"rev":1', spelling)
    for form in FORMS:
        out = labelvc(zoo.folder, "diff", "--format", form)[1]
        items = json.loads(out)["items"] if form == "json" else [json.loads(line) for line in out.splitlines()]
        if spelling != '"rev":1.0':
            assert [item.get("exact") for item in items] == [False]
        else:
            assert b'"rev":1.0' in next(iter(deltas.read(out.encode().splitlines(keepends=True)))).new


HOSTILE: list[tuple[str, Any, Any]] = [
    (".git/hooks/pre-commit", None, "#!/bin/sh"),
    (".GIT/config", None, "x"),
    ("a/../../x", None, "x"),
    ("/etc/x", None, "x"),
    ("datasets/pets/annotations/0.jsonl", None, "x"),
    ("approvals/x.json", None, "x"),
    ("datasets/pets/annotations.dvc", None, "x"),
    ("datasets/pets/annotations/0.jsonl:0123456789ab", None, "x"),
    ("a\nb", None, "x"),
    ("", None, "x"),
    ("pets/p1#m1", None, None),
    ("pets/p1#m1", None, 5),
    ("pets/p1#m1", None, {"item": "p2", "id": "m1", "rev": 1}),
    ("pets/p1", None, {"item": "p1", "id": "m1", "rev": 1}),
    ("pets/p1#m1", "text", {"item": "p1", "id": "m1", "rev": 1}),
    ("nobody/p1#m1", None, {"item": "p1", "id": "m1", "rev": 1}),
    ("../p1#m1", None, {"item": "p1", "id": "m1", "rev": 1}),
]


@pytest.mark.parametrize(("key", "old", "new"), HOSTILE)
def test_a_hostile_diff_writes_nothing(zoo: Zoo, labelvc: Run, tmp_path: Path, key: str, old: Any, new: Any):
    row = {"key": key, "kind": "added", "old": old, "new": new, "fields": []}
    (tmp_path / "patch").write_text(json.dumps(row) + "\n")
    before = lying(zoo)
    code, out, err = labelvc(zoo.folder, "plumbing", "apply", str(tmp_path / "patch"))
    assert (code, out) == (2, ""), err
    assert lying(zoo) == before
    assert not (zoo.folder / ".git/hooks/pre-commit").exists()


@pytest.mark.parametrize(
    "data", ["{", "[]", "5", '{"key":5}', '{"schema":"urn:labelvc:schema:check:1"}', "\udcff", "no"]
)
def test_what_is_no_diff(zoo: Zoo, labelvc: Run, tmp_path: Path, data: str):
    (tmp_path / "patch").write_bytes(data.encode(errors="surrogateescape"))
    code, _, err = labelvc(zoo.folder, "plumbing", "apply", str(tmp_path / "patch"))
    assert code == 2
    assert "no output of labelvc diff" in err


def test_a_link_is_not_followed(zoo: Zoo, labelvc: Run, tmp_path: Path):
    (tmp_path / "outside").write_text("mine")
    (zoo.folder / "README.md").symlink_to(tmp_path / "outside")
    (zoo.folder / "docs").symlink_to(tmp_path)
    for key, old in (("README.md", "mine"), ("README.md", None), ("docs/outside", "mine"), ("docs/new", None)):
        row = {"key": key, "kind": "changed", "old": old, "new": "yours", "fields": []}
        (tmp_path / "patch").write_text(json.dumps(row) + "\n")
        assert labelvc(zoo.folder, "plumbing", "apply", str(tmp_path / "patch"))[0] in (1, 2)
        assert (tmp_path / "outside").read_text() == "mine"
        assert not (tmp_path / "new").exists()


def test_nothing_to_apply(zoo: Zoo, labelvc: Run, tmp_path: Path):
    (tmp_path / "patch").write_text("")
    assert labelvc(zoo.folder, "plumbing", "apply", str(tmp_path / "patch"))[0] == 0


def forms(zoo: Zoo) -> dict[str, str]:
    """Return what each file at the top is, as git sees it."""
    zoo.git("add", "-A")
    rows = zoo.git("ls-files", "-s").splitlines()
    zoo.git("reset", "-q")
    return {row.split("\t")[1]: row[:6] for row in rows if "/" not in row}


@pytest.mark.parametrize("form", FORMS)
def test_links_and_who_may_execute_go_there_and_back(zoo: Zoo, labelvc: Run, form: str, tmp_path: Path):
    """Every pair of absent, file, executable file and link, each with and without other bytes."""
    kinds: dict[str, Callable[[Path, str], object]] = {
        "none": lambda path, text: None,
        "file": lambda path, text: path.write_text(text),
        "run": lambda path, text: (path.write_text(text), path.chmod(0o755)),
        "link": lambda path, text: path.symlink_to(text),
    }
    for side, text in (("old", "README.md"), ("new", "labelvc.yaml")):
        for one in kinds:
            for two in kinds:
                for same in (True, False):
                    path = zoo.folder / f"{one}-{two}-{same}"
                    path.unlink(missing_ok=True)
                    kinds[one if side == "old" else two](path, "README.md" if same else text)
        zoo.commit(side)
    after = forms(zoo)
    patch = str(tmp_path / "patch")
    assert labelvc(zoo.folder, "diff", "HEAD~1..HEAD", "--format", form, "-o", patch)[0] == 0
    zoo.git("checkout", "-q", "HEAD~1")
    before, held = forms(zoo), lying(zoo)
    assert len({*after.values()}) == 3
    assert labelvc(zoo.folder, "plumbing", "apply", patch)[0] == 0
    assert forms(zoo) == after
    zoo.git("add", "-A")
    assert zoo.git("diff", "--cached", "main") == ""
    zoo.git("reset", "-q")
    assert labelvc(zoo.folder, "plumbing", "apply", patch)[0] == 1  # what lies there is not what it starts from
    work = str(tmp_path / "work")
    assert (
        labelvc(zoo.folder, "diff", "--format", form, "-o", work)[0] == 0
    )  # the work tree tells the same as the commit
    held_by = [[*deltas.read(Path(name).read_bytes().splitlines(keepends=True))] for name in (work, patch)]
    assert held_by[0] == held_by[1]
    assert labelvc(zoo.folder, "plumbing", "apply", patch, "--reverse")[0] == 0
    assert (forms(zoo), lying(zoo)) == (before, held)
    assert zoo.git("status", "--porcelain") == ""


def test_a_change_of_mode_alone_is_told_and_signed_by_nobody(zoo: Zoo, labelvc: Run):
    zoo.write("run.sh", "true\n")
    zoo.commit("Bring")
    (zoo.folder / "run.sh").chmod(0o755)
    assert labelvc(zoo.folder, "diff", "--exit-code")[:2] == (1, "~ run.sh  document changed: may be executed now\n")
    zoo.commit("Turn on")
    assert labelvc(zoo.folder, "diff", "HEAD~1..HEAD")[1] == "~ run.sh  document changed: may be executed now\n"
    assert (
        labelvc(zoo.folder, "diff", "HEAD..HEAD~1")[1] == "~ run.sh  document changed: may not be executed any more\n"
    )
    assert labelvc(zoo.folder, "plumbing", "changeset", "HEAD~1", "HEAD")[:2] == (0, "")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("a", "../x", "120000")], "leads out of the project"),
        ([("a", "/etc/passwd", "120000")], "leads out of the project"),
        ([("a/b/c", "../../../x", "120000")], "leads out of the project"),
        ([("a", "b", "040000")], "no output of labelvc diff"),
        ([("a", "b", "120000"), ("a/x", "y", "100644")], "lies in a"),
        ([("datasets/pets/annotations", "x", "120000")], "datasets/pets/annotations"),
    ],
)
def test_a_hostile_link_writes_nothing(zoo: Zoo, labelvc: Run, tmp_path: Path, rows: list[tuple[str, ...]], said: str):
    row = {"kind": "added", "old": None, "fields": []}
    made = [{**row, "key": path, "new": text, "modes": [None, mode]} for path, text, mode in rows]
    (tmp_path / "patch").write_text("".join(json.dumps(one) + "\n" for one in made))
    before = lying(zoo)
    code, out, err = labelvc(zoo.folder, "plumbing", "apply", str(tmp_path / "patch"))
    assert (code in (1, 2), out, said in err) == (True, "", True), err
    assert lying(zoo) == before
    assert zoo.git("status", "--porcelain") == ""


# ---------------------------------------------------------------- laws
VALUES = st.one_of(
    st.none(),
    st.integers(-4, 4).map(lambda score: {"score": score}),
    st.text(max_size=8).map(lambda text: {"text": text}),
    st.floats(-1000, 1000).map(lambda number: {"score": number}),
)
STATES = st.dictionaries(
    st.tuples(st.sampled_from([f"q{n}" for n in range(6)] + ["a/b#c", "ü"]), st.sampled_from(["", "m1", "m2"])),
    VALUES,
    max_size=10,
)


def build(zoo: Zoo, state: dict[tuple[str, str], Any], title: str, shards: int) -> None:
    """Make the pets hold a state and nothing else."""
    shutil.rmtree(zoo.folder / "datasets/pets/annotations", ignore_errors=True)
    shutil.rmtree(zoo.folder / "datasets/pets/items", ignore_errors=True)
    path = "datasets/pets/dataset.yaml"
    zoo.write(path, document.edit(zoo.read(path), {("title",): title or "x", ("shards",): shards}))
    cells: dict[str, list[bytes]] = {}
    for (item, name), value in state.items():
        if name:
            raw = canonical.encode_record(
                answer(item, name, "note", value) if value else {"item": item, "id": name, "gone": True, "rev": 2}
            )
        else:
            raw = canonical.encode_item({"id": item, "ext": {"value": value}})
        layer = "annotations" if name else "items"
        cells.setdefault(shard.path("pets", layer, shard.place(item, shard.digits(shards))), []).append(raw)
    for where, lines in cells.items():
        zoo.write(where, shard.write(lines))


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ground") / "zoo"


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STATES, STATES, st.sampled_from([4, 16]), st.sampled_from([4, 16]), st.sampled_from(FORMS))
def test_a_diff_is_what_lies_between_and_its_inverse_the_way_back(
    ground: Path, labelvc: Run, one: dict[Any, Any], two: dict[Any, Any], shards: int, others: int, form: str
):
    shutil.rmtree(ground, ignore_errors=True)
    zoo = make(ground)
    build(zoo, one, "one", shards)
    zoo.commit("one")
    zoo.git("branch", "-f", "one")
    build(zoo, two, "two", others)
    zoo.commit("two")
    zoo.git("branch", "-f", "two")
    there_and_back(zoo, labelvc, form, "one", "two", ground.parent)
    at = zoo.at
    found = list(diff.between(at, *diff.resolve(at, "one..two")))
    assert {~delta for delta in found} == set(diff.between(at, *diff.resolve(at, "two..one")))
    patch = ground.parent / "patch"
    assert set(deltas.read(patch.read_bytes().splitlines(keepends=True))) == set(found)
    assert all(isinstance(delta, Delta) and isinstance(delta.key, Key | str) for delta in found)


def test_memory_does_not_grow_with_the_shards(zoo: Zoo, labelvc: Run, tmp_path: Path):
    """One record in each of 400 shards of 64 KB: no more than a few shards are held at a time."""
    zoo.write("datasets/pets/dataset.yaml", document.edit(zoo.read("datasets/pets/dataset.yaml"), {("shards",): 1024}))
    filler: dict[str, list[bytes]] = {}
    for number in range(4_000):
        item = f"f{number}"
        where = shard.path("pets", "annotations", shard.place(item, 5))
        row = answer(item, "n", "note", {"text": "x" * 7_000})
        filler.setdefault(where, []).append(canonical.encode_record(row))
    for path in (zoo.folder / "datasets/pets/annotations").glob("*.jsonl"):
        path.unlink()
    for where, lines in filler.items():
        zoo.write(where, shard.write(lines))
    zoo.commit("Many")
    row = {"old": None, "kind": "added", "fields": []}
    rows = [
        {**row, "key": f"pets/f{n}#m", "new": json.loads(canonical.encode_record(rating(f"f{n}", name="m")))}
        for n in range(0, 4_000, 4)
    ]
    peaks = []
    for name, some in (("few", rows[:1]), ("many", rows[1:])):
        (tmp_path / name).write_text("".join([json.dumps(one, separators=(",", ":")) + "\n" for one in some]))
        peaks.append(memory_of(zoo, "plumbing", "apply", str(tmp_path / name)))
    lines = b"".join([path.read_bytes() for path in (zoo.folder / "datasets").rglob("*.jsonl")]).splitlines()
    assert sum(b'"id":"m"' in line for line in lines) == 1_000
    assert sum(map(len, lines)) > 27_000_000
    assert peaks[1] - peaks[0] < 6_000, peaks


def test_memory_does_not_grow_with_the_changes(zoo: Zoo, tmp_path: Path):
    """12,000 changes of 2 KB are applied, and shown again, in the memory that a few take."""
    zoo.write("datasets/pets/dataset.yaml", document.edit(zoo.read("datasets/pets/dataset.yaml"), {("shards",): 256}))
    for layer in ("annotations", "items"):
        shutil.rmtree(zoo.folder / "datasets/pets" / layer)
    zoo.commit("Empty")
    peaks = []
    for number in (10, 12_000):
        zoo.git("clean", "-fdq", "datasets")
        patch, back = tmp_path / f"{number}.json", tmp_path / f"{number}.back"
        with patch.open("w") as file:
            file.write('{"schema": "urn:labelvc:schema:diff:1", "base": "", "head": "", "items": [')
            for at in range(number):
                key, row = f"pets/f{at % 4000}#m{at}", rating(f"f{at % 4000}", name=f"m{at}")
                new = {
                    "item": row.pop("item"),
                    "id": row.pop("id"),
                    **dict(sorted({**row, "ext": {"n": "y" * 1_800}}.items())),
                }
                one = {"key": key, "kind": "added", "old": None, "new": new, "fields": []}
                file.write(f"{',' * bool(at)}\n{json.dumps(one, separators=(',', ':'))}")
            file.write('\n], "summary": {}}\n')
        peaks.append(
            [
                memory_of(zoo, "plumbing", "apply", str(patch)),
                memory_of(zoo, "diff", "--format", "json", "-o", str(back)),
            ]
        )
    assert patch.stat().st_size > 22_000_000
    summary = json.loads(back.read_bytes())["summary"]
    assert (summary["records"], summary["touched_items"]) == ({"added": 12_000}, 4_000)
    assert all(many - few < 24_000 for few, many in zip(*peaks, strict=True)), peaks


def memory_of(zoo: Zoo, *words: str) -> int:
    """Run a command and return the most memory it took, in KB."""
    child = subprocess.Popen([sys.executable, "-m", "labelvc.cli", "-q", *words], cwd=zoo.folder)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return usage.ru_maxrss


@pytest.mark.parametrize("cut", ["line", "comma", "end", "tail"])
def test_a_diff_that_was_cut_short_is_none(zoo: Zoo, labelvc: Run, tmp_path: Path, cut: str):
    """Half of the changes of an object would look like all of them."""
    edit(zoo, 0)
    zoo.commit("Edit")
    patch = tmp_path / "patch"
    assert labelvc(zoo.folder, "diff", "main~1..main", "--format", "json", "-o", str(patch))[0] == 0
    zoo.git("checkout", "-q", "main~1")
    lines = patch.read_bytes().splitlines(keepends=True)
    wrong = {
        "line": lines[:3],
        "comma": [*lines[:2], lines[2].replace(b"},\n", b"}\n"), *lines[3:]],
        "end": lines[:-1],
        "tail": [*lines[:-1], lines[-1][:-3]],
    }
    patch.write_bytes(b"".join(wrong[cut]))
    before = lying(zoo)
    code, _, err = labelvc(zoo.folder, "plumbing", "apply", str(patch))
    assert (code, "no output of labelvc diff" in err) == (2, True)
    assert lying(zoo) == before
    patch.write_bytes(json.dumps(json.loads(b"".join(lines)), indent=1).encode())  # spelled by another program
    assert labelvc(zoo.folder, "plumbing", "apply", str(patch))[0] == 0
