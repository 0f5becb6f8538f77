"""Check: what is judged is what would be committed, what was there before is counted, and no shortcut changes a word."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from labelvc.codec import canonical, document
from labelvc.core.gate import Gate
from labelvc.errors import ConfigurationError
from labelvc.model.detection import Settings
from labelvc.model.finding import Finding
from labelvc.ops import check, plain
from labelvc.ops.check import Report
from labelvc.store import tree
from tests.zoo import ANNA, PLAIN, Zoo, answer, make, rating, zoo, zoo_template

__all__ = ["zoo", "zoo_template"]
PETS = "datasets/pets/dataset.yaml"
LEAK = "anna.smith@firma.de"


def told(report: Report | list[Finding]) -> list[tuple[str, str]]:
    findings = report if isinstance(report, list) else report.findings
    return [(finding.rule, finding.place.key or finding.place.path) for finding in findings]


def between(zoo: Zoo, old: str, new: str) -> Report:
    return check.changed(zoo.at, tree.commit(zoo.at, old), tree.commit(zoo.at, new))


def score(zoo: Zoo, value: float, key: str = "pets/p2#m1") -> None:
    zoo.change(key, value={"score": value})


# ---------------------------------------------------------------- what is judged
def test_a_bad_staged_file_is_found_although_the_work_tree_is_mended(zoo: Zoo):
    good = zoo.read(zoo.shard("pets/p2#m1"))
    score(zoo, 9)
    zoo.git("add", "--all")
    zoo.write(zoo.shard("pets/p2#m1"), good)
    assert told(zoo.staged()) == [("score.range", "pets/p2#m1")]
    assert told(zoo.unstaged()) == []
    assert told(zoo.everything()) == []


def test_a_bad_work_tree_does_not_stop_a_good_index(zoo: Zoo):
    score(zoo, 3)
    zoo.git("add", "--all")
    zoo.change("pets/p2#m1", value={"score": 9}, bump=0)
    assert told(zoo.staged()) == []
    assert told(zoo.unstaged()) == [("score.range", "pets/p2#m1")]


def test_an_untracked_shard_is_judged_in_the_work_tree_only(zoo: Zoo):
    zoo.write("datasets/pets/annotations/9.jsonl", "x\n")
    assert told(zoo.staged()) == []
    assert told(zoo.unstaged()) == [("shard.stray", "datasets/pets/annotations/9.jsonl")]


def test_before_the_first_commit_everything_is_new(tmp_path: Path):
    zoo = make(tmp_path / "fresh")
    zoo.git("update-ref", "-d", "HEAD")
    score(zoo, 9)
    zoo.git("add", "--all")
    assert told(zoo.staged()) == told(zoo.unstaged()) == [("score.range", "pets/p2#m1")]


def test_documents_are_taken_from_the_snapshot_that_is_judged(zoo: Zoo):
    zoo.replace("labelvc.yaml", "maximum: 4", "maximum: 9")
    score(zoo, 9)
    zoo.git("add", zoo.shard("pets/p2#m1"))
    assert told(zoo.staged()) == [("score.range", "pets/p2#m1")]
    assert told(zoo.unstaged()) == []


def test_no_project_is_no_clean_project(zoo: Zoo):
    zoo.git("rm", "-q", "labelvc.yaml")
    for report in (zoo.staged, zoo.unstaged):
        with pytest.raises(ConfigurationError) as caught:
            report()
        assert caught.value.hint == "labelvc init"


# ---------------------------------------------------------------- what was there before
def test_known_findings_are_counted_and_not_listed(zoo: Zoo):
    score(zoo, 9)
    zoo.commit("Bad")
    assert zoo.unstaged()[:4] == ([], 0, 0, 0)
    assert zoo.unstaged().known == 0
    zoo.put("pets/p2#a0", answer("p2", "a0", "note", {"text": "moves the bad line down"}))
    report = zoo.unstaged()
    assert (told(report), report.known) == ([], 1)
    assert told(zoo.everything()) == [("score.range", "pets/p2#m1")]


def test_a_second_finding_like_a_known_one_is_new(zoo: Zoo):
    score(zoo, 9)
    zoo.commit("Bad")
    score(zoo, 8)
    assert told(zoo.unstaged()) == [("score.range", "pets/p2#m1")]
    zoo.commit("Worse")
    score(zoo, 9, "pets/p3#m1")
    assert told(between(zoo, "HEAD~2", "HEAD")) == [("score.range", "pets/p2#m1")]
    assert told(zoo.unstaged()) == [("score.range", "pets/p3#m1")]


def test_a_known_finding_excuses_only_one_like_it(zoo: Zoo):
    score(zoo, 9)
    zoo.commit("Bad")
    path, line = zoo.shard("pets/p2#m1"), zoo.raw("pets/p2#m1")
    zoo.write(
        path,
        b"".join(sorted([*zoo.read(path).splitlines(keepends=True), line.replace(b'"rev":2', b'"rev":3') + b"\n"])),
    )
    report = zoo.unstaged()
    assert (sorted(rule for rule, _ in told(report)), report.known) == (["key.duplicate", "score.range"], 1)


def test_mending_one_of_two_leaves_one_known(zoo: Zoo):
    zoo.change("pets/p1#k1", value={"label": "cow"})
    zoo.change("pets/p1#w1", value={"label": "cow", "span": [4, 7], "text": "cat"})
    zoo.commit("Two cows")
    zoo.change("pets/p1#k1", value={"label": "cat"})
    report = zoo.unstaged()
    assert (told(report), report.known) == ([], 1)


def test_stray_files_are_new_once(zoo: Zoo):
    zoo.write("datasets/pets/items/notes.txt", "x")
    zoo.write("datasets/pets/annotations/012.jsonl", b"")
    assert told(zoo.unstaged()) == [
        ("shard.stray", "datasets/pets/annotations/012.jsonl"),
        ("shard.stray", "datasets/pets/items/notes.txt"),
    ]
    zoo.commit("Strays")
    score(zoo, 3)
    report = zoo.unstaged()
    assert told(report) == []
    assert len(told(zoo.everything())) == 2


# ---------------------------------------------------------------- how far a change reaches
def test_only_touched_shards_are_looked_at(zoo: Zoo):
    score(zoo, 3)
    report = zoo.unstaged()
    assert report.shards == 1
    assert report.lines < 15


def test_a_change_of_the_taxonomy_is_judged_against_all_shards(zoo: Zoo):
    zoo.replace("taxonomies/animals.yaml", "name: Dog", "name: Dog, status: deprecated")
    report = zoo.unstaged()
    assert report.shards == check.everything(zoo.at, tree.work(zoo.at)).shards > 4
    assert (told(report), report.known) == ([], 3)
    zoo.replace("taxonomies/animals.yaml", "  - {id: dog, name: Dog, status: deprecated}\n", "")
    report = zoo.unstaged()
    assert ("label.unknown", "pets/p1#w2") in told(report)
    assert {rule for rule, _ in told(report)} == {"label.unknown"}


def test_a_label_out_of_use_is_refused_in_answers_that_are_new_or_say_something_else(zoo: Zoo):
    zoo.replace("taxonomies/animals.yaml", "name: Dog", "name: Dog, status: deprecated")
    waiting = check.everything(zoo.at, tree.work(zoo.at))
    assert {(one.rule, one.severity) for one in waiting.findings} == {("label.deprecated", "warning")}
    zoo.commit("Out of use")
    assert told(between(zoo, "HEAD~1", "HEAD")) == []
    zoo.change("pets/p1#w2", at="2026-03-01T09:12:44Z")
    assert told(zoo.unstaged()) == []
    zoo.change("pets/p1#w2", value={"label": "dog", "span": [16, 18], "text": "do"})
    zoo.put("pets/p2#k1", answer("p2", "k1", "kind", {"label": "dog"}))
    assert sorted(told(zoo.unstaged())) == [("label.deprecated", "pets/p1#w2"), ("label.deprecated", "pets/p2#k1")]
    refused = [one for one in check.everything(zoo.at, tree.work(zoo.at)).findings if one.severity == "error"]
    assert told(refused) == told(zoo.unstaged())


# ---------------------------------------------------------------- what was published
VERSIONS = "guidelines/mood.versions.jsonl"


@pytest.mark.parametrize("kept", [0, 1])
def test_a_published_version_stays_in_its_list(zoo: Zoo, kept: int):
    lines = zoo.read(VERSIONS).splitlines(keepends=True)
    zoo.write(VERSIONS, b"".join(lines[:kept]))
    found = zoo.unstaged().findings
    assert [(one.rule, one.place.path) for one in found] == [("document.version", VERSIONS)] * (2 - kept)
    assert found[0].message.startswith(f"version 1.{kept}.0 was published, and is not in the list any more")
    assert found[0].hint.endswith(f" --staged --worktree -- {VERSIONS}")
    assert ("document.version", VERSIONS) in told(check.everything(zoo.at, tree.work(zoo.at)))
    zoo.commit("Shortened")
    assert ("document.version", VERSIONS) in told(between(zoo, "HEAD~1", "HEAD"))
    zoo.git("checkout", "-q", "HEAD~1", "--", VERSIONS)
    assert told(zoo.staged()) == []


def test_a_list_goes_with_its_document_and_not_without_it(zoo: Zoo):
    (zoo.folder / VERSIONS).unlink()
    assert ("document.version", VERSIONS) in told(zoo.unstaged())
    (zoo.folder / "guidelines/mood.yaml").unlink()
    zoo.replace("labelvc.yaml", ", guideline: mood", "")
    assert told(zoo.unstaged()) == []


def test_the_digest_of_a_published_version_does_not_change(zoo: Zoo):
    zoo.write(
        VERSIONS,
        zoo.read(VERSIONS).replace(
            canonical.digest(b"the first version").encode(), canonical.digest(b"another").encode()
        ),
    )
    (one,) = zoo.unstaged().findings
    assert one.message.startswith("version 1.0.0 was published, and stands there with other content")


@pytest.mark.parametrize("version", ["1.0.9", "1.1.0-rc.1", "0.1.0"])
def test_a_version_never_goes_back(zoo: Zoo, version: str):
    zoo.replace("guidelines/mood.yaml", "version: 1.1.0", f"version: {version}")
    (one,) = zoo.unstaged().findings
    assert (one.rule, one.place.path, one.place.line) == ("document.version", "guidelines/mood.yaml", 3)
    assert one.message == f"version {version} comes before 1.1.0, which is published; a version never goes back"


def test_a_list_of_versions_goes_forward(zoo: Zoo):
    zoo.write(VERSIONS, b"".join(reversed(zoo.read(VERSIONS).splitlines(keepends=True))))
    assert told(zoo.unstaged()) == [("document.version", VERSIONS)]


@pytest.mark.parametrize(
    ("path", "old", "new", "rule"),
    [
        ("labelvc.yaml", "minimum: -4", "minimum: 0", "score.range"),
        ("guidelines/mood.versions.jsonl", '"version":"1.1.0"', '"version":"1.2.0"', "document.version"),
        (PETS, "{mood: true, kind: false", "{mood: true, kind: true", "label.missing"),
        (PETS, "[/natural/word]", "[/text]", "item.duplicate"),
        ("datasets/pictures/dataset.yaml", "shards: 4", "shards: 16", "shard.stray"),
    ],
)
def test_a_change_of_a_document_reaches_every_shard_it_governs(zoo: Zoo, path: str, old: str, new: str, rule: str):
    zoo.replace(path, old, new)
    found = {name for name, _ in told(zoo.unstaged())}
    assert found == ({rule} if rule else set())


def test_a_change_of_one_dataset_leaves_the_other_alone(zoo: Zoo):
    zoo.replace("datasets/pictures/dataset.yaml", "checks: {}", "checks: {box.outside: {severity: note}}")
    assert zoo.unstaged().shards == len({zoo.shard("pictures/b.jpg#x1")})


def test_a_duplicate_across_shards_is_found_when_one_shard_changed(zoo: Zoo):
    other = next(f"p{n}" for n in range(2, 9) if zoo.shard(f"pets/p{n}#") != zoo.shard("pets/p1#"))
    zoo.change(f"pets/{other}#", natural={"word": "w1"})
    report = zoo.unstaged()
    assert told(report) == [("item.duplicate", f"pets/{other}#")]
    assert report.shards == 1
    zoo.commit("Twice")
    zoo.change(f"pets/{other}#", text="the cat and the dog, again")
    report = zoo.unstaged()
    assert (told(report), report.known) == ([], 1)
    score(zoo, 3)
    assert told(zoo.unstaged()) == []


def test_a_removed_shard_is_told_record_by_record(zoo: Zoo):
    path = zoo.shard("pictures/b.jpg#x1")
    (zoo.folder / path).unlink()
    gone = [("record.rev", f"pictures/b.jpg#x{number}") for number in (1, 2, 3)]
    assert told(zoo.unstaged()) == gone
    zoo.git("add", "--all")
    assert told(zoo.staged()) == gone


def test_all_document_problems_are_told_at_once(zoo: Zoo):
    zoo.replace(PETS, "storage: git", "storage: s3")
    zoo.replace("labelvc.yaml", "goal: Know the animals", "goal: Know the animals\ncolour: red")
    zoo.replace("guidelines/mood.yaml", "status: active", "status: activ")
    score(zoo, 9)
    zoo.git("add", "--all")
    documents = [
        ("document.schema", PETS),
        ("document.schema", "guidelines/mood.yaml"),
        ("document.schema", "labelvc.yaml"),
    ]
    for report in (zoo.staged(), zoo.unstaged(), check.everything(zoo.at, tree.work(zoo.at))):
        assert told(report) == documents
        assert report.worst() == "error"


# ---------------------------------------------------------------- rev
def test_rev_grows(zoo: Zoo):
    for value in (0, 1, 2):
        score(zoo, value)
        zoo.commit(f"{value}")
    assert told(between(zoo, "HEAD~3", "HEAD")) == []
    zoo.change("pets/p2#m1", value={"score": 3}, rev=2)
    zoo.commit("Back to an old rev")
    assert told(between(zoo, "HEAD~1", "HEAD")) == [("record.rev", "pets/p2#m1")]


def test_in_a_merge_rev_may_grow_by_more(zoo: Zoo):
    zoo.git("checkout", "-q", "-b", "topic")
    for value in (2, 3):
        score(zoo, value)
        zoo.commit(f"topic {value}")
    zoo.git("checkout", "-q", "main")
    zoo.change("pets/p1#k1", value={"label": "dog"})
    zoo.commit("main")
    zoo.git("merge", "-q", "--no-commit", "--no-ff", "topic")
    assert told(zoo.staged()) == []
    zoo.change("pets/p2#m1", value={"score": 4}, rev=1)
    assert told(zoo.unstaged()) == [("record.rev", "pets/p2#m1")]


def test_moving_a_record_to_its_right_shard_needs_no_rev(zoo: Zoo):
    zoo.replace(PETS, "shards: 4", "shards: 16")
    for layer in ("annotations", "items"):
        lines = [
            line
            for path in sorted((zoo.folder / "datasets/pets" / layer).glob("*"))
            for line in path.read_bytes().splitlines()
        ]
        for path in (zoo.folder / "datasets/pets" / layer).glob("*"):
            path.unlink()
        for line in lines:
            row = canonical.decode(line)
            path = zoo.shard(f"pets/{row.get('item', row['id'])}#{row['id'] if 'item' in row else ''}", 16)
            kept = zoo.read(path) if (zoo.folder / path).exists() else b""
            zoo.write(path, b"".join(sorted([*kept.splitlines(keepends=True), line + b"\n"])))
    assert told(zoo.unstaged()) == []


# ---------------------------------------------------------------- severities
def test_a_dataset_sets_its_severities(zoo: Zoo):
    score(zoo, 9)
    zoo.change("pets/p1#k1", value={"label": "cow"})
    zoo.replace(PETS, "checks: {}", "checks: {score.range: {severity: note}, label.unknown: {severity: off}}")
    report = zoo.unstaged()
    assert [(finding.rule, finding.severity) for finding in report.findings] == [("score.range", "note")]
    assert report.worst() == "note"
    zoo.change("pictures/b.jpg#x1", value={"label": "cow", "box": [10, 10, 20, 20]})
    assert ("label.unknown", "pictures/b.jpg#x1") in told(zoo.unstaged())


def test_a_finding_that_grew_worse_by_its_setting_alone_is_no_new_one(zoo: Zoo):
    score(zoo, 9)
    zoo.commit("Bad")
    zoo.replace(PETS, "checks: {}", "checks: {score.range: {severity: note}}")
    report = zoo.unstaged()
    assert (told(report), report.known) == ([], 1)


def test_a_threshold_is_the_datasets_own(zoo: Zoo):
    zoo.change("pictures/b.jpg#x2", value={"label": "cat", "box": [10, 10, 20, 24]})
    assert told(zoo.unstaged()) == [("box.near_duplicate", "pictures/b.jpg#x2")]
    zoo.replace("datasets/pictures/dataset.yaml", "checks: {}", "checks: {box.near_duplicate: {threshold: 0.9}}")
    assert told(zoo.unstaged()) == []


# ---------------------------------------------------------------- shortcuts change nothing
def spoil(zoo: Zoo) -> None:
    score(zoo, 9)
    zoo.change("pets/p3#", natural={"word": "w1"})
    zoo.respell("pets/p1#n1", ',"rev"', ', "rev"')
    zoo.change("pictures/b.jpg#x1", value={"label": "cow", "box": [0, 0, 0, 0]})


def test_what_is_remembered_is_what_would_be_found(zoo: Zoo):
    spoil(zoo)
    zoo.commit("Bad")
    database = zoo.at.common / "labelvc" / "cache" / "results.sqlite3"
    commit = tree.commit(zoo.at, "HEAD")
    first = check.everything(zoo.at, commit)
    again = check.everything(zoo.at, commit)
    assert len(first.findings) > 4
    assert (first.remembered, again.remembered) == (0, again.shards)
    assert again._replace(remembered=0) == first
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE result_1 SET value = x'93909000'")
    assert check.everything(zoo.at, commit) == first
    for end in ("", "-wal", "-shm"):
        Path(f"{database}{end}").unlink(missing_ok=True)
    database.write_bytes(b"no database at all" * 100)
    assert check.everything(zoo.at, commit)._replace(remembered=0) == first
    assert check.everything(zoo.at, tree.work(zoo.at))._replace(remembered=0) == first


def test_what_is_remembered_is_forgotten_when_the_rules_change(zoo: Zoo):
    score(zoo, 4)
    zoo.commit("Good")
    assert told(zoo.everything()) == told(zoo.everything()) == []
    zoo.replace("labelvc.yaml", "maximum: 4", "maximum: 3")
    assert told(zoo.everything()) == [("score.range", "pets/p2#m1")]


def grow(zoo: Zoo, items: int) -> None:
    """Give the pets 256 shards and many items, one in ten rated out of range."""
    zoo.write(PETS, document.edit(zoo.read(PETS), {("shards",): 256}))
    for path in (zoo.folder / "datasets/pets").glob("*/*.jsonl"):
        path.unlink()
    files: dict[str, list[bytes]] = {}
    for number in range(items):
        item = f"i{number}"
        rows = {
            f"pets/{item}#": {"id": item, "natural": {"word": item}},
            f"pets/{item}#m1": rating(item, 9 if number % 10 == 0 else 1, ANNA),
        }
        for key, row in rows.items():
            line = canonical.encode(row, canonical.ITEM_FIRST if key.endswith("#") else canonical.RECORD_FIRST)
            files.setdefault(zoo.shard(key, 256), []).append(line + b"\n")
    for path, lines in files.items():
        zoo.write(path, b"".join(sorted(lines)))


def test_two_processes_find_what_one_finds(zoo: Zoo):
    grow(zoo, 400)
    zoo.commit("Grow")
    commit = tree.commit(zoo.at, "HEAD")
    seen: list[int] = []
    totals: set[int | None] = set()

    def advance(n: int = 1, total: int | None = None) -> None:
        seen.append(n)
        totals.add(total)

    two = check.everything(zoo.at, commit, jobs=2, advance=advance)
    (zoo.at.common / "labelvc" / "cache" / "results.sqlite3").unlink()
    one = check.everything(zoo.at, commit, jobs=1)
    assert two == one
    assert two.shards > 128
    assert len(two.findings) == 40
    assert sum(seen) == two.shards
    assert totals == {two.shards, None}


def test_no_plain_value_is_remembered_even_where_it_is_an_id(zoo: Zoo):
    zoo.put("pets/p1#k1", {**zoo.row("pets/p1#k1"), "by": PLAIN, "rev": 2})
    zoo.commit("An annotator's plain name")
    cache = zoo.at.common / "labelvc" / "cache"

    def kept() -> bytes:
        return b"".join(path.read_bytes() for path in cache.rglob("*"))

    zoo.everything()
    assert b"privacy.plaintext" in kept()
    assert PLAIN.encode() not in kept()
    ids = "sensitive:\n  - {pointer: /id, kind: email, layer: items}\n  - {pointer: /item, kind: email}"
    zoo.replace("datasets/pets/dataset.yaml", "sensitive:", ids)
    zoo.put(f"pets/{PLAIN}#", {"id": PLAIN, "natural": {"word": "zz"}})
    zoo.put(f"pets/{PLAIN}#m1", rating(PLAIN))
    zoo.commit("Plain ids")
    found = zoo.everything()
    assert any(finding.rule == "privacy.plaintext" and PLAIN in finding.place.key for finding in found)
    assert PLAIN.encode() not in kept()


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupted_check_goes_on_where_it_stopped(zoo: Zoo, jobs: int):
    grow(zoo, 400)
    zoo.commit("Grow")
    commit = tree.commit(zoo.at, "HEAD")
    seen: list[int] = []

    def advance(n: int = 1, total: int | None = None) -> None:
        seen.append(n)
        if sum(seen) == 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check.everything(zoo.at, commit, jobs=jobs, advance=advance)
    again = check.everything(zoo.at, commit, jobs=jobs)
    assert again.remembered == 100
    (zoo.at.common / "labelvc" / "cache" / "results.sqlite3").unlink()
    assert check.everything(zoo.at, commit)._replace(remembered=100) == again


# ---------------------------------------------------------------- DVC
def test_edits_behind_a_pointer_that_were_not_stored_are_found(zoo: Zoo):
    zoo.store_in_dvc()
    zoo.commit("Store in DVC")
    assert told(zoo.everything()) == []
    score(zoo, 3)
    report = check.everything(zoo.at, tree.work(zoo.at))
    assert told(report) == [("dvc.unstored", zoo.shard("pets/p2#m1"))]
    assert "1 shards differ from datasets/pets/annotations.sha256" in report.findings[0].message
    (zoo.folder / zoo.shard("pets/p1#m1")).unlink()
    assert "dvc.unstored" in dict(told(zoo.everything()))


def test_records_behind_a_pointer_are_judged_like_others(zoo: Zoo):
    zoo.store_in_dvc()
    zoo.commit("Store in DVC")
    score(zoo, 9)
    zoo.change("pets/p3#m1", value={"score": 3}, bump=0)
    bad = [("record.rev", "pets/p3#m1"), ("score.range", "pets/p2#m1")]
    unstored = [("dvc.unstored", "datasets/pets/annotations/0.jsonl")]
    assert sorted(told(zoo.unstaged())) == unstored + bad
    assert told(zoo.staged()) == []
    zoo.store_in_dvc()
    assert sorted(told(zoo.staged())) == bad
    zoo.commit("Bad")
    assert sorted(told(between(zoo, "HEAD~1", "HEAD"))) == bad


# ---------------------------------------------------------------- configuration
SOFT = "checks: {label.unknown: {severity: off}, score.range: {severity: off}}"


def test_a_branch_does_not_soften_what_judges_it(zoo: Zoo):
    """Checks are configured by the base: what is switched off together with a bad label is switched off for the next."""
    zoo.replace(PETS, "checks: {}", SOFT)
    score(zoo, 9)
    assert told(zoo.unstaged()) == []  # a person tries settings out
    zoo.git("add", "--all")
    assert told(zoo.staged()) == [("score.range", "pets/p2#m1")]
    zoo.commit("Softer")
    assert told(between(zoo, "HEAD~1", "HEAD")) == [("score.range", "pets/p2#m1")]
    assert told(zoo.everything()) == []
    score(zoo, 8)
    assert told(zoo.unstaged()) == []


PROFILE = "schema: urn:labelvc:schema:profile:1\nname: loose\nversion: 1.0.0\nchecks:\n  score.range: {severity: off}\n"


def test_a_profile_sets_what_a_dataset_leaves_open(zoo: Zoo):
    zoo.write("profiles/loose.yaml", PROFILE.encode())
    zoo.commit("A profile that nobody takes")
    score(zoo, 9)
    assert told(zoo.everything()) == [("score.range", "pets/p2#m1")]
    zoo.replace(PETS, "checks: {}", "profiles: [loose]")
    assert told(zoo.everything()) == []
    zoo.replace(PETS, "profiles: [loose]", "profiles: [loose]\nchecks: {score.range: {severity: warning}}")
    assert [(one.rule, one.severity) for one in zoo.everything()] == [("score.range", "warning")]


def test_a_branch_does_not_soften_what_judges_it_by_a_profile(zoo: Zoo):
    """Neither by taking one, nor by an edit of one that the base takes."""
    zoo.write("profiles/loose.yaml", PROFILE.replace("off", "warning").encode())
    zoo.commit("A profile")
    zoo.replace(PETS, "checks: {}", "profiles: [loose]")
    score(zoo, 9)
    zoo.commit("Taken")
    assert [one.severity for one in between(zoo, "HEAD~1", "HEAD").findings] == ["error"]
    score(zoo, 8)
    zoo.replace("profiles/loose.yaml", "warning", "off")
    zoo.commit("Softer")
    assert [one.severity for one in between(zoo, "HEAD~1", "HEAD").findings] == ["warning"]


def test_profiles_that_are_missing_or_disagree_are_findings(zoo: Zoo):
    zoo.write("profiles/loose.yaml", PROFILE.encode())
    zoo.write("profiles/strict.yaml", PROFILE.replace("loose", "strict").replace("off", "error").encode())
    zoo.replace(PETS, "checks: {}", "profiles: [loose, strict, none]")
    said = [(one.place.pointer, one.message) for one in zoo.everything()]
    assert said == [
        ("/profiles", "'loose' and 'strict' disagree on severity of score.range; say it under checks"),
        ("/profiles/2", "there is no profile 'none' (profiles/none.yaml); there is loose, strict"),
    ]
    zoo.replace(PETS, "[loose, strict, none]", "[loose, strict]\nchecks: {score.range: {severity: note}}")
    assert told(zoo.everything()) == []


def test_a_threshold_comes_from_the_base_too(zoo: Zoo):
    path = "datasets/pictures/dataset.yaml"
    zoo.replace(path, "checks: {}", "checks: {box.near_duplicate: {threshold: 1}}")
    for name in ("x1", "x2"):
        zoo.change(f"pictures/b.jpg#{name}", value={"label": "cat", "box": [10, 10, 20, 20]})
    zoo.commit("Softer")
    assert [rule for rule, _ in told(between(zoo, "HEAD~1", "HEAD"))] == ["box.near_duplicate"]
    assert told(zoo.everything()) == []


def test_a_new_dataset_does_not_soften_its_own_checks(zoo: Zoo):
    old = zoo.read(PETS).decode()
    zoo.write(
        "datasets/birds/dataset.yaml",
        old.replace("name: pets", "name: birds")
        .replace("f2c11", "f2c12")
        .replace("9e10", "9e12")
        .replace("checks: {}", SOFT),
    )
    zoo.write(zoo.shard("pets/p1#").replace("pets", "birds"), b'{"id":"p1","natural":{"word":"w"},"text":"x"}\n')
    zoo.write(
        zoo.shard("pets/p1#m1").replace("pets", "birds"),
        b'{"item":"p1","id":"m1","rev":1,"task":"mood","under":"mood@1.1.0","value":{"score":9}}\n',
    )
    zoo.commit("Birds")
    assert told(between(zoo, "HEAD~1", "HEAD")) == [("score.range", "birds/p1#m1")]
    assert told(zoo.everything()) == []


# ---------------------------------------------------------------- new, unchanged, fixed
def states(zoo: Zoo, old: str = "HEAD~1", new: str = "HEAD") -> dict[str, list[tuple[str, str]]]:
    report = check.changed(zoo.at, tree.commit(zoo.at, old), tree.commit(zoo.at, new), fixed=True)
    plainly = check.changed(zoo.at, tree.commit(zoo.at, old), tree.commit(zoo.at, new))
    assert plainly.findings == report.findings
    assert not plainly.fixed
    return {"new": told(report), "known": told(list(report.unchanged)), "fixed": told(list(report.fixed))}


def test_a_change_tells_what_is_new_what_stayed_and_what_is_gone(zoo: Zoo):
    score(zoo, 9, "pets/p2#m1")
    score(zoo, 8, "pets/p1#m1")
    zoo.commit("Bad")
    score(zoo, 3, "pets/p2#m1")
    score(zoo, 7, "pets/p1#m2")
    path = zoo.shard("pets/p1#m1")
    zoo.commit("Half mended")
    assert zoo.shard("pets/p1#m2") == path
    assert states(zoo) == {
        "new": [("score.range", "pets/p1#m2")],
        "known": [("score.range", "pets/p1#m1")],
        "fixed": [("score.range", "pets/p2#m1")],
    }
    back = states(zoo, "HEAD", "HEAD~1")
    assert ("score.range", "pets/p2#m1") in back["new"]
    assert (back["known"], back["fixed"]) == ([("score.range", "pets/p1#m1")], [("score.range", "pets/p1#m2")])


def test_what_is_gone_is_told_where_nothing_is_wrong_any_more(zoo: Zoo):
    score(zoo, 9)
    zoo.commit("Bad")
    score(zoo, 3)
    zoo.commit("Mended")
    assert states(zoo) == {"new": [], "known": [], "fixed": [("score.range", "pets/p2#m1")]}


def test_what_goes_with_its_shard_is_gone(zoo: Zoo):
    zoo.write("datasets/pets/annotations/9.jsonl", "x\n")
    zoo.commit("A stray")
    zoo.git("rm", "-q", "datasets/pets/annotations/9.jsonl")
    zoo.commit("No stray")
    assert states(zoo)["fixed"] == [("shard.stray", "datasets/pets/annotations/9.jsonl")]


def test_a_leak_that_left_is_gone_and_one_that_moved_within_its_record_is_not(zoo: Zoo):
    zoo.change("pets/p1#n1", value={"text": f"write to {LEAK}"})
    zoo.change("pets/p2#m1", ext={"note": f"or to {LEAK}"})
    zoo.commit("Leaks")
    zoo.change("pets/p1#n1", value={"text": "write to nobody"})
    zoo.change("pets/p2#m1", value={"score": 1})
    zoo.commit("One taken out, the other edited beside")
    found = states(zoo)
    assert ("privacy.email", "pets/p1#n1") in found["fixed"]
    assert found["new"] == []
    assert all(key != "pets/p2#m1" for _, key in found["fixed"])


def test_both_sides_of_a_change_are_read_at_once_and_say_what_each_says_alone(zoo: Zoo):
    broken = "datasets/pets/annotations/33.jsonl"
    zoo.change("pets/p1#n1", value={"text": f"write to {LEAK}"})
    zoo.change("pets/p2#m1", ext={"note": f"or to {LEAK}"})
    zoo.write(broken, f"no JSON: x{LEAK}\n")
    zoo.commit("Leaks")
    zoo.change("pets/p1#n1", value={"text": f"write to y{LEAK}"})
    zoo.change("pets/p2#m1", ext={"note": "or to nobody"})
    zoo.git("rm", "-q", "-f", broken)
    zoo.write("datasets/pets/items/22.jsonl", f'{{"id":"{LEAK}"}}\n')
    zoo.commit("Others")
    old, new = tree.commit(zoo.at, "HEAD~1"), tree.commit(zoo.at, "HEAD")
    paths, gate = tree.changed(old, new), Gate()
    alone = [list(plain.standing(zoo.at, gate, one, paths, other)) for one, other in ((new, old), (old, new))]
    assert [sorted({one.rule for one in side}) for side in alone] == [["privacy.email"]] * 2
    assert [len(side) for side in alone] == [2, 3]
    for former in (gate, Gate(Settings(regions=("DE",)))):  # another finds the rest alone
        found = plain.between(zoo.at, gate, former, old, new, paths)
        assert [sorted(side) for side in found] == [sorted(side) for side in alone]
    assert plain.between(zoo.at, gate, None, old, new, paths)[1] == []


def test_nothing_that_blinds_a_diff_blinds_the_gate_between_two_commits(zoo: Zoo):
    """`binary`, a textconv, an external diff, settings of the clone, a NUL byte and another file in the work tree."""
    shard = "datasets/pets/annotations/30.jsonl"
    zoo.write(".gitattributes", "*.jsonl binary -diff\n")
    zoo.write(".git/info/attributes", "*.jsonl diff=blind\n")
    for name, value in (("textconv", "true"), ("command", "true"), ("binary", "true")):
        zoo.git("config", f"diff.blind.{name}", value)
    for name, value in (("external", "true"), ("noprefix", "true"), ("renames", "copies"), ("relative", "true")):
        zoo.git("config", f"diff.{name}", value)
    zoo.write(shard, "no JSON\n")
    zoo.commit("Attributes")
    zoo.write(shard, f"no\0 JSON\nx{LEAK}")
    zoo.change("pets/p1#n1", value={"text": f"write to {LEAK}"})
    zoo.commit("Leaks")
    zoo.write(shard, "no JSON\n")
    old, new = tree.commit(zoo.at, "HEAD~1"), tree.commit(zoo.at, "HEAD")
    come, _ = plain.between(zoo.at, Gate(), Gate(), old, new, tree.changed(old, new))
    assert sorted({(one.rule, one.place.path) for one in come}) == [
        ("privacy.email", "datasets/pets/annotations/3.jsonl"),
        ("privacy.email", shard),
    ]
    assert sorted(come) == sorted(plain.standing(zoo.at, Gate(), new, tree.changed(old, new), old))


@pytest.mark.parametrize(
    ("ext", "new"),
    [
        ({"note": f"or to {LEAK}", "seen": True}, False),
        ({"note": f"rather to {LEAK}"}, False),
        ({"note": f"or to x{LEAK[1:]}"}, True),  # as long, and another
        ({"note": f"or to {LEAK}", "more": f"or to {LEAK}"}, True),
        ({"note": f"to {LEAK} or x{LEAK}"}, True),
    ],
)
def test_a_record_that_was_edited_brings_only_what_did_not_stand_there(zoo: Zoo, ext: dict[str, object], new: bool):
    zoo.change("pets/p2#m1", ext={"note": f"or to {LEAK}"})
    zoo.commit("A leak")
    zoo.change("pets/p2#m1", ext=ext, value={"score": 1})
    zoo.commit("Edited")
    assert bool(states(zoo)["new"]) == new


def test_settings_that_soften_fix_nothing_on_a_branch(zoo: Zoo):
    score(zoo, 9)
    zoo.commit("Bad")
    zoo.replace(PETS, "checks: {}", "checks: {score.range: {severity: 'off'}}")
    zoo.commit("Softened")
    assert states(zoo) == {"new": [], "known": [], "fixed": []}  # no shard changed, so none is looked at


def test_a_resharded_finding_is_neither_new_nor_fixed(zoo: Zoo, labelvc):
    score(zoo, 9)
    zoo.commit("Bad")
    code, _, err = labelvc(zoo.folder, "dataset", "reshard", "pets", "--shards", "16")
    assert code == 0, err
    zoo.commit("Resharded")
    assert states(zoo) == {"new": [], "known": [("score.range", "pets/p2#m1")], "fixed": []}
