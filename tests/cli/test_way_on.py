"""What a newcomer runs into on the first day: each message says what happened, and what it tells to do next leads on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys
from tests.zoo import Zoo, zoo, zoo_template

__all__ = ["desk", "desk_template", "people_keys", "zoo", "zoo_template"]
CSV = "id,item,text,annotator,label\na1,m1,hello,jo,order\n"


@pytest.fixture
def project(repo: Path, git, labelvc) -> Path:
    """Return a fresh project of texts, without a policy."""
    assert labelvc(repo, "init")[0] == 0
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "start")
    return repo


def test_policy_add_names_its_own_option_for_the_key_to_sign_with(project: Path, labelvc, ssh_key):
    assert labelvc(project, "trust", "init", "--key", f"{ssh_key('ada')}")[0] == 0
    project.joinpath(".git/config").write_text(
        "\n".join(line for line in project.joinpath(".git/config").read_text().splitlines() if "signingKey" not in line)
    )
    words = ["policy", "add", "ben", "--role", "reviewer", "--name", "Ben", "--email", "ben@example.com"]
    code, _, err = labelvc(project, *words, "--key", f"{ssh_key('ben')}.pub")
    assert code == 2
    assert "error: no key to sign with\n  next: labelvc key use ~/.ssh/id_ed25519, or pass --sign-with FILE\n" in err


def test_trust_init_remembers_its_key_as_init_does(project: Path, labelvc, ssh_key):
    assert labelvc(project, "trust", "init", "--key", f"{ssh_key('ada')}")[0] == 0
    words = ["policy", "add", "ben", "--role", "reviewer", "--name", "Ben", "--email", "ben@example.com"]
    assert labelvc(project, *words, "--key", f"{ssh_key('ben')}.pub")[0] == 0


@pytest.mark.parametrize("words", [("trust", "init", "--key"), ("policy", "add", "ben", "--name", "Ben", "--key")])
def test_a_path_without_a_key_is_to_be_checked_first(desk: Desk, project: Path, labelvc, words: tuple[str, ...]):
    place = project if words[1] == "init" else desk.folder
    code, _, err = labelvc(place, *words, "nowhere/id.pub")
    assert code == 2
    assert "  next: check the path; a new key is made by: ssh-keygen -t ed25519 -f nowhere/id\n" in err


def test_a_signer_nobody_knows_learns_who_lets_them_in(desk: Desk, ssh_key):
    desk.git("checkout", "-q", "topic")
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", f"{ssh_key('zoe')}")
    assert code == 2
    assert "error: the key belongs to no principal of the policy in force\n" in err
    assert "  next: ask who keeps the root; on main: labelvc policy add NAME --role reviewer --name " in err


def test_what_is_signed_can_be_read_first(desk: Desk):
    desk.git("checkout", "-q", "topic")
    code, _, err = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    assert code == 0
    assert "\nto read     labelvc diff main...topic\n" in err


def test_an_approval_that_comes_after_the_merge_counts_where_verify_says(desk: Desk):
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    code, out, _ = desk.labelvc("verify")
    assert code == 1
    step = f"{desk.git('rev-parse', '--short=12', 'HEAD~1').strip()}..{desk.git('rev-parse', '--short=12', 'HEAD').strip()}"
    judged = step.replace("..", "...").rpartition("...")[0] + "...HEAD"
    hint = f"labelvc approve {step} --role reviewer, commit it, and judge both as one: labelvc verify {judged}"
    assert f"next: {hint}\n" in out
    assert desk.labelvc("approve", step, "--role", "reviewer", "--key", desk.key("ben"))[0] == 0
    desk.commit("Approve")
    assert desk.labelvc("verify", judged)[0] == 0


def test_trace_offers_only_keys_that_it_takes(zoo: Zoo, labelvc):
    for wrong in ("pets/p1#zz9", "pets/p11", "pets/p11#m1"):
        err = labelvc(zoo.folder, "trace", wrong)[2]
        offered = err.partition("did you mean ")[2].strip().rstrip("?").split(", ")
        assert offered != [""], err
        for key in offered:
            assert labelvc(zoo.folder, "trace", key)[0] == 0, key


def test_two_answers_of_one_id_are_told_apart_by_the_column_id(project: Path, labelvc, tmp_path: Path):
    source = tmp_path / "twice.csv"
    source.write_text(CSV + "a1,m1,hello,al,payment\n")
    code, _, err = labelvc(project, "import", "csv", str(source), "--dataset", "texts")
    assert code == 2
    assert (
        "  next: give each answer of an item another id in the source, or rename the column to have lines as ids\n"
        in err
    )


def test_rows_that_share_their_key_are_not_told_to_give_one(project: Path, labelvc, tmp_path: Path):
    source = tmp_path / "twins.csv"
    source.write_text("word,ann,ben\ngood,order,order\ngood,payment,order\n")
    words = ["import", "csv", str(source), "--dataset", "texts", "--layout", "wide", "--item", "word"]
    out = labelvc(project, *words, "--key", "word")[1]
    told = "note: several rows share their --key, or it is too long for a name or holds control characters, so "
    assert f"{told}2 items are called by their line (source-2 ...): " in out
    assert "prevents it" not in out


def test_a_key_that_is_too_long_for_a_name_is_not_said_to_be_shared_alone(project: Path, labelvc, tmp_path: Path):
    source = tmp_path / "long.csv"
    source.write_text(f"word,ann,ben\n{'g' * 4096},order,order\n")
    words = ["import", "csv", str(source), "--dataset", "texts", "--layout", "wide", "--item", "word"]
    out = labelvc(project, *words, "--key", "word")[1]
    told = "or it is too long for a name or holds control characters, so 1 item is called by its line (source-2 ...): "
    assert told in out


def test_columns_that_ride_along_are_named_and_can_be_declared(project: Path, labelvc, tmp_path: Path):
    source = tmp_path / "more.csv"
    source.write_text("id,item,text,annotator,label,email,when\na1,m1,hello,jo,order,jo@example.org,today\n")
    words = ["import", "csv", str(source), "--dataset", "texts"]
    document = project / "datasets/texts/dataset.yaml"
    out = labelvc(project, *words)[1]
    note = "note: stored as they stand, for everybody to read: /ext/csv/email, /ext/csv/when; "
    assert (
        f"{note}declare what identifies a person under sensitive in datasets/texts/dataset.yaml and import again\n"
        in out
    )
    document.write_text(
        document.read_text().replace("sensitive: []", "sensitive: [{pointer: /ext/csv/email, kind: email}]")
    )
    out = labelvc(project, *words)[1]
    assert "stored as they stand, for everybody to read: /ext/csv/when; " in out
    assert "jo@example.org" not in "".join(path.read_text() for path in project.glob("datasets/**/*.jsonl"))


def test_status_on_main_judges_each_step_as_verify_does(repo: Path, git, labelvc, ssh_key, tmp_path: Path):
    ben = ["-c", "user.name=Ben", "-c", "user.email=ben@example.com"]
    document = repo / "datasets/texts/dataset.yaml"

    def bring(branch: str, author: list[str]) -> None:
        git(repo, "switch", "-qc", branch, "main")
        document.write_text(f"{document.read_text()}# {branch}\n")
        git(repo, *author, "commit", "-qam", branch)

    assert labelvc(repo, "init", "--key", str(ssh_key("ada")))[0] == 0
    words = ["--name", "Ben", "--email", "ben@example.com", "--key", f"{ssh_key('ben')}.pub"]
    assert labelvc(repo, "policy", "add", "ben", "--role", "lead", *words)[0] == 0
    git(repo, "add", "--all")
    git(repo, "commit", "-qm", "start")
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "server.git")
    git(repo, "remote", "add", "origin", str(tmp_path / "server.git"))
    git(repo, "push", "-q", "-u", "origin", "main")
    bring("bens", ben)
    assert labelvc(repo, "approve", "main...bens", "--role", "lead")[0] == 0
    git(repo, "commit", "-qm", "Approve")
    git(repo, "switch", "-q", "main")
    git(repo, "merge", "-q", "--no-ff", "-m", "Merge", "bens")
    assert "\napprovals   @{upstream}..HEAD is approved\n" in labelvc(repo, "status")[1]
    bring("adas", [])
    git(repo, "switch", "-q", "main")
    git(repo, "merge", "-q", "--no-ff", "-m", "Merge another", "adas")
    step = "..".join(git(repo, "rev-parse", "--short=12", name).strip() for name in ("main~1", "main"))
    assert f"next: labelvc approve {step} --role lead" in labelvc(repo, "verify", "@{upstream}..HEAD")[1]
    out = labelvc(repo, "status")[1]
    assert f"\napprovals   {step} waits for 1 lead\n" in out
    assert f"\nnext: a lead: labelvc approve {step} --role lead\n" in out


def test_a_guideline_cannot_teach_a_label_that_does_not_exist(project: Path, labelvc):
    document = project / "guidelines/topic.yaml"
    assert "        label: payment\n" in document.read_text()
    document.write_text(document.read_text().replace("        label: payment\n", "        label: paymnt\n", 1))
    code, out, _ = labelvc(project, "check")
    line = 1 + document.read_text()[: document.read_text().index("label: paymnt")].count("\n")
    assert code == 1
    assert (
        f"error   document.reference guidelines/topic.yaml:{line}  the taxonomy 'topics' has no label 'paymnt'\n" in out
    )


def test_doctor_survives_broken_epochs(project: Path, labelvc):
    with (project / "privacy/epochs.jsonl").open("a") as opened:
        opened.write("garbage\n")
    code, out, _ = labelvc(project, "doctor")
    assert code == 1
    assert "fail  project           not JSON: Expecting value at character 1 (privacy/epochs.jsonl:2)\n" in out
    assert "next: mend privacy/epochs.jsonl:2, then run: labelvc check\n" in out


def test_who_never_imports_reads_that_the_secret_is_not_needed(project: Path, labelvc):
    next((project / ".git/labelvc/keyring").glob("*.key")).unlink()
    code, out, _ = labelvc(project, "doctor")
    assert code == 0
    (line,) = [line for line in out.splitlines() if "pseudonyms" in line and line.startswith("warn")]
    assert line.endswith("; only imports of names need it")


def test_a_raised_guideline_says_where_the_old_version_is_kept(project: Path, labelvc, tmp_path: Path):
    source = tmp_path / "one.csv"
    source.write_text(CSV)
    assert labelvc(project, "import", "csv", str(source), "--dataset", "texts")[0] == 0
    document = project / "guidelines/topic.yaml"
    document.write_text(document.read_text().replace("version: 1.0.0", "version: 1.1.0"))
    code, out, _ = labelvc(project, "check", "--all")
    assert code == 1
    assert "under.unknown" in out
    assert "next: edit `under`, or keep that version known by a line in guidelines/topic.versions.jsonl\n" in out
