"""What a release gives to the world: Croissant that its own library loads to what the shards hold, and a card."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from inline_snapshot import snapshot

from labelvc.codec import schema
from labelvc.core import disclosure
from labelvc.ops import templates
from tests import people
from tests import zoo as zoos
from tests.browser import hold
from tests.zoo import ANNA, BEN, PLAIN, Zoo, answer, rating, zoo_template

__all__ = ["zoo_template"]
Run = Callable[..., tuple[int, str, str]]
GOVERNANCE = """governance:
  creators: [The zoo's keepers]
  licence: CC-BY-4.0
  contact: keepers@example.org
  biases: "`Mammals` are over-represented | <b>see</b> below."
"""
READ = """
import json, sys
import mlcroissant

def plain(value):
    if isinstance(value, list):
        return [plain(each) for each in value]
    value = value.item() if hasattr(value, "item") else value
    return value.decode() if isinstance(value, bytes) else value

def rows(dataset, name):
    for row in dataset.records(name):
        yield {key.rpartition("/")[2]: plain(value) for key, value in row.items()}

said = {}
for folder in sys.argv[1:-1]:
    dataset = mlcroissant.Dataset(jsonld=f"{folder}/croissant.json")
    assert not dataset.metadata.ctx.issues.errors, dataset.metadata.ctx.issues.report()
    said[folder] = {one.uuid: list(rows(dataset, one.uuid)) for one in dataset.metadata.record_sets}
broken = mlcroissant.Dataset(jsonld=f"{sys.argv[-1]}/croissant.json")
try:
    list(broken.records("pets/mood"))
except Exception as error:
    said["broken"] = f"{error} {error.__cause__}"
print(json.dumps(said))
"""


@pytest.fixture(scope="session")
def released_template(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return []


@pytest.fixture
def zoo(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, released_template: list[Path], labelvc: Run) -> Zoo:
    """Return a copy of the zoo with a policy and a release, some of whose values look like numbers and are none."""
    if not released_template:
        folder = tmp_path_factory.mktemp("released")
        people.make_keys(folder / "keys")
        made = zoos.make(folder / "zoo")
        for number in range(1, 9):
            made.change(f"pets/p{number}#", natural={"word": f"00{number}"})
        made.bury("pets/p8#m1")
        made.put("pets/p2#e1", answer("p2", "e1", "kinds", {"empty": True}, by=BEN))
        made.put(
            "pets/p3#x1", answer("p3", "x1", "kind", {"label": "dog"}, origin={"model": "guesser-1", "tool": "bot"})
        )
        made.commit("More")
        words = ("--as", "ada", "--name", "Ada Author", "--email", "ada@example.com", "--key", str(folder / "keys/ada"))
        assert labelvc(made.folder, "trust", "init", *words)[0] == 0
        made.commit("Govern")
        assert labelvc(made.folder, "release", "cut", "1.0.0", "--key", str(folder / "keys/ada"))[0] == 0
        made.commit("Release 1.0.0")
        released_template.append(made.folder)
    fresh = Zoo(tmp_path / "zoo")
    subprocess.run(["cp", "-R", str(released_template[0]), str(fresh.folder)], check=True)
    fresh.git("update-index", "-q", "--refresh")
    return fresh


def release(zoo: Zoo, labelvc: Run, version: str, message: str = "More") -> None:
    zoo.commit(message)
    code, _, err = labelvc(zoo.folder, "release", "cut", version, "--unapproved")
    assert code == 0, err
    zoo.commit(f"Release {version}")


def lines(zoo: Zoo, layer: str) -> Iterator[dict[str, Any]]:
    """Yield what the shards in the work tree hold, read without labelvc."""
    for path in sorted(zoo.folder.glob(f"datasets/*/{layer}/*.jsonl")):
        for line in path.read_bytes().splitlines():
            row = json.loads(line)
            if "gone" not in row:
                yield {"dataset": path.parts[-3], **row}


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """Lay a record out by the words of docs/formats/croissant.md."""
    origin, value = row.get("origin", {}), row["value"]
    said = {name: row.get(name) for name in ("item", "id", "rev", "by", "at", "under")}
    said |= {"origin_tool": origin.get("tool"), "origin_model": origin.get("model"), "empty": "empty" in value}
    for name in {
        "mood": ["score"],
        "kind": ["label"],
        "kinds": ["labels"],
        "note": ["text"],
        "link": ["label", "from", "to"],
    }.get(row["task"], []):
        said[name] = value.get(name)
    if row["task"] == "odds":
        pairs = sorted(value["soft"].items())
        said |= {"labels": [name for name, _ in pairs], "probabilities": [number for _, number in pairs]}
    if row["task"] == "words":
        start, end = value["span"]
        said |= {"label": value["label"], "start": start, "end": end, "text": value["text"]}
    if row["task"] == "where":
        said |= dict(zip(("x", "y", "width", "height"), value["box"], strict=True), label=value["label"])
    return said


def tables(zoo: Zoo) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in lines(zoo, "items"):
        media = row.get("media", {})
        said = {"id": row["id"], "text": row.get("text"), "source": None, "licence": None}
        said |= {f"media_{name}": media.get(name) for name in ("path", "width", "height")}
        said |= {"natural_word": row["natural"]["word"]} if row["dataset"] == "pets" else {}
        found.setdefault(f"{row['dataset']}/items", []).append(said)
    for row in lines(zoo, "annotations"):
        found.setdefault(f"{row['dataset']}/{row['task']}", []).append(flat(row))
    return found


def by_key(rows: list[dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    keyed = {(row.get("item"), row["id"]): row for row in rows}
    assert len(keyed) == len(rows)
    return keyed


@pytest.mark.skipif(
    importlib.util.find_spec("mlcroissant") is None,
    reason="mlcroissant is not installed: scripts/environment croissant",
)
def test_mlcroissant_loads_what_the_shards_hold(zoo: Zoo, labelvc: Run, tmp_path: Path):
    """One process validates and loads a release in git, one behind DVC, and one with a changed byte."""
    folders = [tmp_path / name for name in ("git", "dvc", "broken")]
    code, out, err = labelvc(zoo.folder, "release", "export", "croissant", "-o", str(folders[0]))
    assert (code, out) == (0, ""), err
    expected = {str(folders[0]): tables(zoo)}
    zoo.change("pets/p1#k1", value={"label": "dog"})
    zoo.store_in_dvc()
    release(zoo, labelvc, "2.0.0")
    assert labelvc(zoo.folder, "release", "export", "croissant", "2.0.0", "-o", str(folders[1]))[0] == 0
    expected[str(folders[1])] = tables(zoo)
    assert labelvc(zoo.folder, "release", "export", "croissant", "-o", str(folders[2]))[0] == 0
    broken = folders[2] / "pets.mood.json"
    broken.write_bytes(broken.read_bytes().replace(b'"score":1', b'"score":2', 1))

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READ, *map(str, folders)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert "during the operation Download(pets.mood.json)" in said["broken"]
    for folder, wanted in expected.items():
        assert said[folder].keys() == wanted.keys()
        for name, rows in wanted.items():
            assert by_key(said[folder][name]) == by_key(rows), name
    assert said[str(folders[0])]["pets/items"][0]["natural_word"].startswith("00")


def test_the_files_are_what_the_description_says(zoo: Zoo, labelvc: Run, tmp_path: Path):
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        code, _, err = labelvc(zoo.folder, "release", "export", "croissant", "v1.0.0", "-o", str(folder))
        assert code == 0, err
    assert "wrote 29 rows in 10 files" in err
    assert {path.name: path.read_bytes() for path in one.iterdir()} == {
        path.name: path.read_bytes() for path in two.iterdir()
    }
    said = json.loads((one / "croissant.json").read_bytes())
    assert {file["contentUrl"] for file in said["distribution"]} == {path.name for path in one.iterdir()} - {
        "croissant.json"
    }
    for file in said["distribution"]:
        data = (one / file["contentUrl"]).read_bytes()
        assert (file["sha256"], file["contentSize"]) == (hashlib.sha256(data).hexdigest(), f"{len(data)} B")
    wanted = tables(zoo)
    for record_set in said["recordSet"]:
        rows = json.loads((one / record_set["field"][0]["source"]["fileObject"]["@id"]).read_bytes())
        assert by_key(rows) == by_key(wanted.pop(record_set["@id"]))
        assert all([field["name"] for field in record_set["field"]] == list(row) for row in rows)
    assert not wanted
    alone = tmp_path / "alone.json"
    code, _, err = labelvc(zoo.folder, "release", "export", "croissant", "-o", str(alone))
    assert code == 0
    assert alone.read_bytes() == (one / "croissant.json").read_bytes()
    assert "described 29 rows in 10 files" in err


def test_the_description_says_what_the_documents_say_and_invents_nothing(zoo: Zoo, labelvc: Run, tmp_path: Path):
    path = tmp_path / "said.json"
    _, _, err = labelvc(zoo.folder, "release", "export", "croissant", "-o", str(path))
    said = json.loads(path.read_bytes())
    assert said["conformsTo"] == ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
    assert (said["@context"]["cr"], said["@context"]["rai"]) == (
        "http://mlcommons.org/croissant/",
        "http://mlcommons.org/croissant/RAI/",
    )
    assert said["@context"]["conformsTo"] == "dct:conformsTo"
    assert said["version"] == "1.0.0"
    assert (said["name"], said["description"]) == ("zoo", "Know the animals.")
    assert not {"license", "creator", "url", "citeAs", "rai:dataBiases", "rai:annotatorDemographics"} & said.keys()
    assert (
        "gap: the licence of the data; write it to governance.licence in labelvc.yaml, or sources in dataset.yaml"
        in err
    )
    assert err.count("gap: ") == 14
    assert said["rai:machineAnnotationTools"] == ["guesser-1"]
    assert said["rai:dataAnnotationPlatform"] == ["bot", "form"]
    assert "pets/mood: 1 on 6 items, 2 on 1 item" in said["rai:annotationsPerItem"]
    (protocol,) = said["rai:dataAnnotationProtocol"]
    assert protocol.startswith("guidelines/mood.yaml, version 1.1.0, sha256 ")
    assert protocol.endswith(": How to judge a mood.")
    assert (
        "pets: /ext/contact of annotations (email) holds keyed pseudonyms" in said["rai:personalSensitiveInformation"]
    )
    assert (
        said["identifier"] == labelvc(zoo.folder, "release", "show", "--format", "jsonl")[1].split('"digest":"')[1][:71]
    )

    zoo.replace("labelvc.yaml", "tasks:", f"{GOVERNANCE}tasks:")
    zoo.replace(
        "datasets/pets/dataset.yaml",
        "checks: {}",
        "checks: {}\nsources: [{name: web, url: 'https://example.org', licence: MIT}]",
    )
    release(zoo, labelvc, "1.0.1")
    _, _, err = labelvc(zoo.folder, "release", "export", "croissant", "-o", str(path))
    said = json.loads(path.read_bytes())
    assert said["license"] == ["CC-BY-4.0"]
    assert [one["name"] for one in said["creator"]] == ["The zoo's keepers"]
    assert "pets from name web, url https://example.org, licence MIT" in said["rai:dataCollection"]
    assert "licence of the data" not in err
    assert err.count("gap: ") == 9


def test_what_a_template_leaves_to_be_replaced_is_a_gap_and_no_fact(zoo: Zoo, labelvc: Run, tmp_path: Path):
    """The templates of `init` say `replace-me` where only the project's people know; so does a source of which a part is left."""
    left = "governance:\n  licence: replace-me # such as CC-BY-4.0\n  contact: Replace me!\n  maintenance: [yearly, replace_me]\n"
    zoo.replace("labelvc.yaml", "tasks:", f"{left}tasks:")
    zoo.replace(
        "datasets/pets/dataset.yaml",
        "checks: {}",
        "checks: {}\nsources: [{name: web, url: 'https://example.org/replace-me', licence: MIT}]",
    )
    release(zoo, labelvc, "1.0.1")
    _, _, err = labelvc(zoo.folder, "release", "export", "croissant", "-o", str(tmp_path / "out.json"))
    said = (tmp_path / "out.json").read_text() + labelvc(zoo.folder, "release", "card", "--format", "json")[1]
    assert not re.search("replace.me", said, re.IGNORECASE)
    assert "MIT" not in said
    assert "yearly" in said
    assert "gap: the licence of the data; write it to governance.licence in labelvc.yaml" in err
    assert "gap: how the items were collected" in err
    assert "gap: whom to ask" in err
    assert err.count("gap: ") == 13


@pytest.mark.parametrize("template", ["boxes", "classification", "rating", "spans", "tokens"])
def test_a_template_states_no_fact_that_only_its_user_knows(template: str):
    found = templates.contents(template, "x", *["0c4a7f7e-6c1e-4b3a-9a5e-2f6c1b7d9e10"] * 2)
    project, dataset = (
        next(yaml.safe_load(data) for path, data in found.items() if path.endswith(name))
        for name in ("labelvc.yaml", "dataset.yaml")
    )
    assert len(list(disclosure.gaps(project, disclosure.sources(dataset["sources"])))) == len(disclosure.TOPICS)


def test_a_plain_value_is_never_published(zoo: Zoo, labelvc: Run, tmp_path: Path):
    zoo.change("pets/p1#k1", by=PLAIN)
    release(zoo, labelvc, "2.0.0")
    for words in (("export", "croissant", "-o", str(tmp_path / "out")), ("card",), ("card", "--format", "json")):
        code, out, err = labelvc(zoo.folder, "release", *words)
        assert code == 1
        assert not out or json.loads(out).keys() == {"error"}
        assert PLAIN not in out + err
        assert "where: pets/p1#k1" in err
    assert not list(tmp_path.glob("*out*"))


def test_rows_of_items_that_may_not_be_handed_out_are_not_published(zoo: Zoo, labelvc: Run, tmp_path: Path):
    """As `labelvc export` refuses them: by the terms in the release, unless a decision at HEAD lets them out."""
    path = zoo.folder / "datasets/pets/dataset.yaml"
    path.write_text(
        path.read_text() + "sources:\n  - {name: a, licence: MIT, export: forbidden}\n  - {name: b, licence: MIT}\n"
    )
    release(zoo, labelvc, "2.0.0")
    target = tmp_path / "out"
    publish = ("release", "export", "croissant", "-o")
    assert labelvc(zoo.folder, *publish, str(tmp_path / "out.json"))[0] == 0, "no row leaves with the description"
    code, out, err = labelvc(zoo.folder, *publish, str(target))
    assert (code, out, target.exists()) == (1, "", False)
    assert err == snapshot("""\
error: 8 of 8 items may not be handed out: 8 perhaps from a, which forbids it
  where: datasets/pets
  next: write source and licence into the items, or the licence into their source; or have it decided, then export with --because: labelvc register new decision --title 'Export pets' --set 'permits={export: [pets]}'
""")
    new = ("register", "new", "decision", "--owner", "ada", "--title", "Publish", "--set", "permits={export: [pets]}")
    assert labelvc(zoo.folder, *new)[0] == 0
    zoo.commit("Ask")
    code, _, err = labelvc(zoo.folder, *publish, str(target), "--because", "decision/1")
    assert (code, target.exists(), "is not decided yet" in err) == (1, False, True), err
    zoo.git("config", "user.email", "ada@example.com")
    assert labelvc(zoo.folder, "register", "close", "decision/1", "--reason", "Agreed.")[0] == 0
    zoo.commit("Decide")
    code, _, err = labelvc(zoo.folder, *publish, str(target), "--because", "decision/1")
    assert (code, target.exists(), "because of decision/0001-publish: Agreed." in err) == (0, True, True), err


def test_what_a_source_forbids_since_is_not_published_by_an_older_release(zoo: Zoo, labelvc: Run, tmp_path: Path):
    new = ("register", "new", "source", "--title", "Zoo", "--owner", "ada", "--set", "licence=MIT")
    assert labelvc(zoo.folder, *new)[0] == 0
    path = zoo.folder / "datasets/pets/dataset.yaml"
    path.write_text(path.read_text() + "sources:\n  - {name: a, register: source/0001-zoo}\n")
    zoo.commit("Name the source")
    release(zoo, labelvc, "2.0.0")
    path = zoo.folder / "registers/source/0001-zoo.yaml"
    path.write_text(path.read_text() + "export: forbidden\n")
    zoo.commit("Forbid")
    target = tmp_path / "out"
    code, out, err = labelvc(zoo.folder, "release", "export", "croissant", "2.0.0", "-o", str(target))
    said = "8 of 8 items may not be handed out: 8 from source/0001-zoo, which forbids it, as HEAD has it"
    assert (code, out, target.exists(), said in err) == (1, "", False, True), err


def test_the_card_counts_what_the_shards_hold(zoo: Zoo, labelvc: Run):
    code, out, err = labelvc(zoo.folder, "release", "card", "--format", "json")
    assert code == 0, err
    said = json.loads(out)
    jsonschema.Draft202012Validator(schema.schema("release-card")).validate(said)
    records = list(lines(zoo, "annotations"))
    assert (said["summary"]["records"], said["summary"]["items"]) == (len(records), 9)
    tasks = {task["task"]: task for each in said["items"] for task in each["tasks"]}
    for name, task in tasks.items():
        mine = [row for row in records if row["task"] == name]
        assert task["records"] == len(mine)
        assert task["annotators"] == len({row["by"] for row in mine if "by" in row})
        per_item = Counter(Counter(row["item"] for row in mine).values())
        assert task["per_item"] == {str(number): items for number, items in sorted(per_item.items())}
    assert tasks["mood"]["answers"] == Counter(str(row["value"]["score"]) for row in records if row["task"] == "mood")
    assert tasks["kinds"]["answers"] == {"cat": 1, "dog": 1}
    assert (tasks["kinds"]["empty"], tasks["kind"]["machine"], tasks["odds"]["answers"]) == (1, 1, {"dog": 1})
    assert tasks["note"]["answers"] == {}
    assert {each["dataset"]: each["tombstones"] for each in said["items"]} == {"pets": 1, "pictures": 0}
    assert len(said["summary"]["gaps"]) == 14
    assert [each["version"] for each in said["summary"]["releases"]] == ["1.0.0"]


def test_the_card_tells_how_far_people_agreed_as_the_dashboard_does(zoo: Zoo, labelvc: Run):
    for number in range(20, 33):
        zoo.put(f"pets/p{number}#", {"id": f"p{number}", "natural": {"word": f"x{number}"}, "text": "word"})
        for name, by, score in (("m1", ANNA, number % 3), ("m2", BEN, number % 2)):
            zoo.put(f"pets/p{number}#{name}", rating(f"p{number}", score, by, name))
    release(zoo, labelvc, "1.1.0")
    found = json.loads(labelvc(zoo.folder, "release", "card", "--format", "json")[1])
    jsonschema.Draft202012Validator(schema.schema("release-card")).validate(found)
    told = {task["task"]: task["agreement"] for each in found["items"] for task in each["tasks"]}
    trends = json.loads(labelvc(zoo.folder, "report", "HEAD", "--format", "json")[1])["trends"]["agreement"]
    assert {one["task"]: one["sides"][-1] for one in trends}["mood"] == told["mood"]
    equal = [number for number in range(20, 33) if number % 3 == number % 2]
    assert (told["mood"]["items"], told["mood"]["observed"]["value"]) == (14, round((len(equal)) / 14, 3))
    assert told["words"] is told["kind"] is None
    page = labelvc(zoo.folder, "release", "card")[1]
    assert f"observed {told['mood']['observed']['value']:.3f} (" in page
    assert "fewer than 10 items have answers of two people" in page


def test_a_card_in_markdown(zoo: Zoo, labelvc: Run):
    zoo.replace("labelvc.yaml", "tasks:", f"{GOVERNANCE}tasks:")
    release(zoo, labelvc, "1.0.1")
    code, out, err = labelvc(zoo.folder, "release", "card")
    assert code == 0, err
    headings = [line[3:] for line in out.splitlines() if line.startswith("## ")]
    assert headings == [
        "Motivation",
        "Composition",
        "Labelling",
        "Review",
        "Uses",
        "Distribution",
        "Maintenance",
        "What nobody wrote down",
    ]
    assert out.startswith("# zoo 1.0.1\n")
    assert "- **Known biases**: \\`Mammals\\` are over-represented \\| \\<b\\>see\\</b\\> below." in out
    answers = sum(row["dataset"] == "pets" for row in lines(zoo, "annotations"))
    assert f"| pets | 8 | {answers} | 1 |" in out
    assert "| dog | 1 | 50.0 |" in out
    assert "- how to cite it: `governance.citation in labelvc.yaml`" in out
    assert "<b>" not in out
    assert labelvc(zoo.folder, "release", "card")[1] == out


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.places: list[str] = []
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.tags[tag] += 1
        self.places += [
            value or "" for name, value in attrs if name in {"src", "href", "style"} or name.startswith("on")
        ]
        if said.get("http-equiv") == "Content-Security-Policy":
            self.policy = said["content"] or ""


def test_a_card_in_html_is_one_file_in_which_nothing_is_live(zoo: Zoo, labelvc: Run, tmp_path: Path):
    zoo.replace("labelvc.yaml", "tasks:", f"{GOVERNANCE}tasks:")
    release(zoo, labelvc, "1.0.1")
    path = tmp_path / "card.html"
    assert labelvc(zoo.folder, "release", "card", "--format", "html", "-o", str(path))[0] == 0
    page = _Page()
    page.feed(path.read_text())
    assert page.policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert not page.places
    assert not {"script", "img", "link", "iframe"} & page.tags.keys()
    assert "&lt;b&gt;see&lt;/b&gt;" in path.read_text()
    assert page.tags["h2"] >= 8
    for dark in (False, True):
        hold(path, dark=dark)


def test_nothing_to_publish_says_how_to_go_on(zoo: Zoo, labelvc: Run, tmp_path: Path):
    for words in (("card", "9.9.9"), ("export", "croissant", "9.9.9", "-o", str(tmp_path / "x"))):
        code, out, err = labelvc(zoo.folder, "release", *words)
        assert (code, out) == (2, "")
        assert "there is no release 9.9.9" in err
        assert "next: labelvc release list" in err
