"""export: what the licences of items and the terms of their sources do not let out stays, unless it was decided."""

from __future__ import annotations

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from labelvc.codec import canonical, document

ROWS = "item,text,annotator,label\nm1,One,ann,order\nm2,Two,ann,order\nm3,Wait,ann,order\n"
SAID = {"O": {"source": "shop"}, "T": {"source": "shop", "licence": "MIT"}, "W": {}}
DATASET = "datasets/texts/dataset.yaml"


@pytest.fixture
def labels(repo, labelvc, git, tmp_path, monkeypatch) -> Path:
    """Return a project with three messages: two of a source, of which one has a licence of its own, and one of nowhere."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1796169600")  # 2026-12-02
    assert labelvc(repo, "init", "--template", "classification", "--name", "demo")[0] == 0
    told(repo, [{"name": "shop", "licence": "CC-BY-4.0"}, {"name": "other"}])
    (tmp_path / "in.csv").write_text(ROWS)
    code, _, err = labelvc(repo, "import", "csv", str(tmp_path / "in.csv"), "--dataset", "texts")
    assert code == 0, err
    for path in (repo / "datasets/texts/items").glob("*.jsonl"):
        items = [canonical.decode(line) for line in path.read_bytes().splitlines()]
        path.write_bytes(
            b"".join([canonical.encode({**item, **SAID[item["text"][:1]]}, ("id",)) + b"\n" for item in items])
        )
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "Begin")
    return repo


def told(repo: Path, sources: list[dict[str, str]]) -> None:
    path = repo / DATASET
    path.write_bytes(document.edit(path.read_bytes(), {("sources",): sources}))


def allow(repo: Path, *licences: str) -> None:
    path = repo / "labelvc.yaml"
    path.write_bytes(document.edit(path.read_bytes(), {("licences",): {"allow": list(licences)}}))


@pytest.fixture
def export(labels, labelvc, tmp_path):
    """Export the messages; return (exit code, what was said, whether a file was written)."""

    def run(*words: str) -> tuple[int, str, bool]:
        target = tmp_path / "out.csv"
        target.unlink(missing_ok=True)
        code, _, err = labelvc(labels, "export", "csv", "--dataset", "texts", "-o", str(target), *words)
        return code, err, target.exists()

    return run


def test_a_project_that_says_nothing_of_licences_is_as_it_was(export):
    assert export() == (0, export()[1], True)


def test_what_is_not_allowed_stays(labels, export):
    allow(labels, "MIT")
    code, err, written = export()
    assert (code, written) == (1, False)
    assert err == snapshot("""\
error: 2 of 3 items may not be handed out: 1 under 'CC-BY-4.0', which labelvc.yaml does not allow; 1 without a licence
  where: datasets/texts
  next: write source and licence into the items, or the licence into their source; or have it decided, then export with --because: labelvc register new decision --title 'Export texts' --set 'permits={export: [texts]}'
""")
    assert export("--at", "HEAD")[0] == 0, "the commit says nothing of licences yet"
    allow(labels, "MIT", "CC-BY-4.0")
    assert "1 of 3 items may not be handed out: 1 without a licence" in export()[1]


def test_items_that_no_source_can_be_shown_for_stay(labels, export):
    """A name that two sources have, one that none has, and items of no name: each may be the source that forbids it."""
    shop, other = {"name": "shop", "licence": "MIT"}, {"name": "other", "licence": "MIT"}
    closed = {"export": "forbidden", "url": "https://example.org/replace-me"}
    said = "items may not be handed out:"
    told(labels, [shop, other])
    assert export()[0] == 0
    for sources, expected in (
        ([shop, {**shop, **closed}], f"3 of 3 {said} 3 perhaps from shop, which forbids it"),
        ([{**shop, **closed}, other], f"3 of 3 {said} 2 from shop, which forbids it; 1 perhaps from shop"),
        ([{**other, **closed}], f"3 of 3 {said} 2 from 'shop', which is none of the dataset's sources; 1 from other"),
        ([shop, {**other, **closed}], f"1 of 3 {said} 1 perhaps from other, which forbids it"),
    ):
        told(labels, sources)
        code, err, written = export()
        assert (code, written) == (1, False), err
        assert (expected in err, "where: datasets/texts\n" in err, "next: write source" in err) == (True, True, True), (
            err
        )


def test_where_sources_are_registered_each_item_shows_its_licence(labels, labelvc, export):
    new = ("register", "new", "source", "--title", "Archive", "--owner", "lead", "--set", "licence=MIT")
    assert labelvc(labels, *new)[0] == 0
    code, err, written = export()
    assert (code, written, "1 of 3 items may not be handed out: 1 without a licence" in err) == (1, False, True), err
    told(labels, [{"name": "shop", "register": "source/0001-archive"}])
    assert export()[0] == 0


def test_a_decision_that_is_named_must_be_there_also_where_nothing_needs_it(labels, labelvc, export):
    for name in ("decision/77", "garbage"):
        code, err, written = export("--because", name)
        assert (code, written, "next: " in err) == (2, False, True), err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "export=forbidden"), "from source/0001-shop, which forbids it"),
        (("--set", "expires=2026-12-01"), "from source/0001-shop, whose licence ended on 2026-12-01"),
    ],
)
def test_a_source_that_forbids_it_or_has_ended_needs_no_list(labels, labelvc, export, words, said):
    code, _, err = labelvc(
        labels, "register", "new", "source", "--title", "Shop", "--owner", "lead", "--set", "licence=MIT", *words
    )
    assert code == 0, err
    told(labels, [{"name": "shop", "register": "source/0001-shop"}, {"name": "other"}])
    assert labelvc(labels, "check", "--all")[0] == 0
    code, err, written = export()
    expected = f"3 of 3 items may not be handed out: 2 {said}; 1 perhaps {said}"
    assert (code, written, expected in err) == (1, False, True), err


def test_what_a_source_forbids_since_does_not_leave_by_an_older_commit(labels, labelvc, git, export):
    new = ("register", "new", "source", "--title", "Shop", "--owner", "lead", "--set", "licence=MIT")
    assert labelvc(labels, *new)[0] == 0
    told(labels, [{"name": "shop", "register": "source/0001-shop"}])
    git(labels, "add", "--all")
    git(labels, "commit", "-qm", "Allow")
    assert (export("--at", "HEAD")[0], export()[0]) == (0, 0)
    path = labels / "registers/source/0001-shop.yaml"
    path.write_bytes(document.edit(path.read_bytes(), {("export",): "forbidden"}))
    git(labels, "commit", "-qam", "Forbid")
    code, err, written = export("--at", "HEAD~1")
    said = "3 of 3 items may not be handed out: 3 from source/0001-shop, which forbids it, as HEAD has it"
    assert (code, written, said in err) == (1, False, True), err
    path.write_bytes(path.read_bytes().replace(b"forbidden", b"allowed"))
    git(labels, "commit", "-qam", "Allow again")
    assert export("--at", "HEAD~2")[0] == 0
    assert "which forbids it\n" in export("--at", "HEAD~1")[1], "what was forbidden then stays too"


def test_a_licence_that_is_struck_since_does_not_leave_by_an_older_commit(labels, git, export):
    allow(labels, "MIT", "CC-BY-4.0")
    path = labels / "datasets/texts/dataset.yaml"
    told(labels, [{"name": "shop", "licence": "MIT"}])
    git(labels, "add", "--all")
    git(labels, "commit", "-qm", "Allow both")
    assert (export("--at", "HEAD")[0], export()[0]) == (0, 0), path
    allow(labels, "CC-BY-4.0")
    git(labels, "commit", "-qam", "Strike one")
    code, err, written = export("--at", "HEAD~1")
    assert (code, written, "under 'MIT', which labelvc.yaml does not allow, as HEAD has it" in err) == (
        1,
        False,
        True,
    ), err
    allow(labels, "MIT", "CC-BY-4.0")
    git(labels, "commit", "-qam", "Allow it again")
    assert export("--at", "HEAD~2")[0] == 0
    code, err, _ = export("--at", "HEAD~1")
    assert (code, "labelvc.yaml does not allow" in err, "as HEAD has it" in err) == (1, True, False), err


def test_a_decision_lets_them_out_and_says_why(labels, labelvc, export):
    allow(labels, "MIT")
    new = ("register", "new", "decision", "--owner", "lead", "--title")
    permits = "permits={export: [texts], until: 2026-12-31}"
    assert labelvc(labels, *new, "Others", "--set", "permits={export: [pets]}")[0] == 0
    assert labelvc(labels, "register", "close", "decision/1", "--reason", "Yes.")[0] == 0
    assert labelvc(labels, *new, "Texts", "--set", permits)[0] == 0
    assert export("--because", "decision/9")[0] == 2
    for which, said in (("1", "permits no export of texts"), ("2", "is not decided yet")):
        code, err, written = export("--because", f"decision/{which}")
        assert (code, written, said in err) == (1, False, True), err
    assert labelvc(labels, "register", "close", "decision/2", "--reason", "The shop agreed.")[0] == 0
    code, err, written = export("--because", "decision/2")
    assert (code, written) == (0, True)
    assert err.splitlines()[0] == snapshot(
        "note: 2 of 3 items may not be handed out: 1 under 'CC-BY-4.0', which labelvc.yaml does not allow; 1 without a licence; they go out because of decision/0002-texts: The shop agreed."
    )


def test_a_decision_that_was_taken_back_does_not_let_an_older_commit_out(labels, labelvc, git, export):
    allow(labels, "MIT")
    words = ("--owner", "lead", "--title", "Texts", "--set", "permits={export: [texts]}")
    assert labelvc(labels, "register", "new", "decision", *words)[0] == 0
    git(labels, "add", "--all")
    git(labels, "commit", "-qm", "Ask")
    assert labelvc(labels, "register", "close", "decision/1", "--reason", "Yes.")[0] == 0
    git(labels, "commit", "-qam", "Decide")
    assert [export("--at", rev, "--because", "decision/1")[0] for rev in ("HEAD", "HEAD~1")] == [0, 0]
    git(labels, "revert", "--no-edit", "HEAD")
    for rev in ("HEAD", "HEAD~1"):
        code, err, written = export("--at", rev, "--because", "decision/1")
        assert (code, written, "is not decided yet" in err) == (1, False, True), err


def test_a_permission_ends(labels, labelvc, export, monkeypatch):
    allow(labels, "MIT")
    words = ("--owner", "lead", "--title", "Texts", "--set", "permits={export: [texts], until: 2026-12-31}")
    assert labelvc(labels, "register", "new", "decision", *words)[0] == 0
    assert labelvc(labels, "register", "close", "decision/1", "--reason", "Yes.")[0] == 0
    assert export("--because", "decision/1")[0] == 0
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1798761600")  # 2027-01-01
    code, err, _ = export("--because", "decision/1")
    assert (code, "permitted it until 2026-12-31" in err) == (1, True), err


@pytest.mark.parametrize(
    ("source", "place", "said"),
    [
        ({"register": "source/0009-none"}, "register", "there is no source 'source/0009-none'"),
        ({"register": "decision/0001-x"}, "register", "there is no source 'decision/0001-x'"),
        (
            {"register": "source/0001-shop", "licence": "MIT"},
            "licence",
            "is not the licence that source/0001-shop says",
        ),
        ({"expires": "soon"}, "expires", "is no day of the calendar"),
        ({"export": "no"}, "export", "is neither allowed nor forbidden"),
    ],
)
def test_a_source_that_cannot_be_is_found(labels, labelvc, source, place, said):
    words = ("register", "new", "source", "--title", "Shop", "--owner", "lead", "--set", "licence=CC0-1.0")
    assert labelvc(labels, *words)[0] == 0
    told(labels, [{"name": "shop", **source}])
    code, out, _ = labelvc(labels, "check", "--all")
    assert (code, f"/sources/0/{place}" in out or DATASET in out, said in out) == (1, True, True), out
