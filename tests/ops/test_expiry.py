"""A yes that expires, and a need that wants a young one: what the dates of commits decide, and what nobody gains by lying."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from labelvc.codec import dsse, moment, statement
from labelvc.model.approval import Approval
from labelvc.model.policy import Need
from labelvc.ops.dates import Dates
from labelvc.store import git as plumbing
from labelvc.store import log
from tests import people
from tests.people import Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "people_keys"]
DAY = 86_400
START = 1772355600
"""2026-03-01T09:00:00Z, the date of the desk's commits."""
Clock = Callable[[float], None]


def after(days: float) -> str:
    """Return a moment some days after the start."""
    return moment.instant(START + int(days * DAY))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return what sets the time, in days after the start, of commands and of commits; it is the start."""

    def at(days: float) -> None:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(START + int(days * DAY)))
        for part in ("AUTHOR", "COMMITTER"):
            monkeypatch.setenv(f"GIT_{part}_DATE", f"@{START + int(days * DAY)} +0000")

    at(0)
    return at


def said(path: Path) -> Approval:
    return statement.decode_approval(dsse.decode(path.read_bytes(), dsse.IN_TOTO).payload)


def merge(desk: Desk, *words: str) -> str:
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--no-edit", *(words or ("--no-ff",)), "topic", who="cleo")
    return desk.git("rev-parse", "HEAD")


def squash(desk: Desk) -> str:
    desk.git("checkout", "-q", "main")
    desk.git("merge", "-q", "--squash", "topic")
    return desk.commit("Squash", "ada")


def state(desk: Desk, *words: str) -> tuple[int, str]:
    code, items = desk.verify(*words)
    return code, items[-1]["state"]


def test_a_yes_counts_to_its_last_second_however_the_change_is_merged(desk: Desk, clock: Clock):
    path = desk.approve("ben", "main...topic", "reviewer", "--expires", "30d")
    assert (said(path).expires_at, said(path).signed_at) == (after(30), after(0))
    assert state(desk) == (0, "approved")  # as of its last commit; whether it still is, --at tells
    start = desk.git("rev-parse", "main")
    for days, good in ((30, True), (30 + 1 / DAY, False), (4000, False)):
        expected = (0, "approved") if good else (1, "missing")
        assert state(desk, "main...topic", "--at", after(days)) == expected
        clock(days)
        assert state(desk, "main...topic", "--at", "now") == expected
        for merged in (merge, squash):
            merged(desk)
            assert state(desk, "main") == expected
            desk.git("reset", "-q", "--hard", start)
    merge(desk, "--ff-only")  # no commit says when that was; who judges as of now, as `ci` does, tells
    assert state(desk, f"{start}...main") == (0, "approved")
    assert state(desk, f"{start}...main", "--at", "now") == (1, "missing")


def test_a_commit_that_is_dated_back_revives_nothing(desk: Desk, clock: Clock):
    """Main was at day 40 already: whoever merges at day 50 and says it is day 10 merges at day 40."""
    desk.approve("ben", "main...topic", "reviewer", "--expires", "30d")
    desk.git("checkout", "-q", "main")
    clock(40)
    desk.write("README.md", "hello")
    desk.commit("Forty days later")
    for claimed in (10, -20_000, 0):
        clock(claimed)
        start = desk.git("rev-parse", "main")
        commit = merge(desk)
        assert state(desk, "main") == (1, "missing")
        assert desk.git("show", "-s", "--format=%ct", commit) == str(START + claimed * DAY)
        desk.git("reset", "-q", "--hard", start)
    assert state(desk, "main...topic") == (1, "missing")  # the tip of main counts for a pull request
    assert state(desk, "main...topic", "--at", after(1)) == (1, "missing")  # and nobody judges as of a day before it
    desk.git("checkout", "-q", "topic")
    desk.git("rebase", "-q", "main", "--committer-date-is-author-date")
    assert state(desk, "main...topic") == (1, "missing")


def test_what_an_expired_yes_takes_back_and_whom_it_names_stays(desk: Desk, clock: Clock):
    desk.approve("ben", "main...topic", "reviewer", "--decision", "reject", "--reason", "no")
    assert state(desk) == (1, "rejected")
    path = desk.approve("ben", "main...topic", "reviewer", "--expires", "1d")
    assert said(path).supersedes
    assert state(desk) == (0, "approved")
    clock(2)
    merge(desk)
    code, (step,) = desk.verify("main")
    assert (code, step["state"]) == (1, "missing")  # neither yes nor no
    assert step["at"] == after(2)
    assert step["needs"] == [{"role": "reviewer", "count": 1, "have": 0, "who_can": ["ben", "cleo"], "ended": ["ben"]}]
    told = {one["decision"]: (one.get("expires_at"), bool(one["superseded_by"])) for one in step["approvals"]}
    assert told == {"reject": (None, True), "approve": (after(1), False)}


def test_a_no_has_no_end(desk: Desk, clock: Clock):
    """Neither by the command nor by a program of one's own: a file with an end that is no yes counts for nothing as a whole."""
    words = ("approve", "main...topic", "--role", "reviewer", "--key", desk.key("ben"))
    code, _, err = desk.labelvc(*words, "--decision", "reject", "--reason", "no", "--expires", "1d")
    assert (code, "has no end" in err) == (2, True)
    for typed in ("yesterday", "2026-02-30", "0d", "-5d", "9999999d", "2026-12-31T18:00:00", "1e3d", ""):
        code, _, err = desk.labelvc(*words, "--expires", typed)
        assert (code, "is no time" in err) == (2, True), typed
    code, _, err = desk.labelvc(*words, "--expires", "2026-02-28")
    assert (code, "later than now" in err) == (1, True)
    assert not (desk.folder / "approvals").exists()


def test_a_young_yes_is_asked_for(desk: Desk, clock: Clock):
    desk.git("checkout", "-q", "main")
    words = ("policy", "rule", "set", "labels and items", "--need", "reviewer:1:author,annotators", "--max-age", "10d")
    assert desk.labelvc(*words, "--sign-with", desk.key("ada"))[0] == 0
    desk.commit("Ask for young ones")
    desk.git("checkout", "-q", "topic")
    desk.git("rebase", "-q", "main")
    desk.approve("ben")
    for days, expected in ((10, (0, "approved")), (10 + 1 / DAY, (1, "missing"))):
        assert state(desk, "main...topic", "--at", after(days)) == expected
    clock(11)
    code, out, _ = desk.labelvc("policy", "explain", "main...topic")
    assert code == 0
    assert "asks 1 reviewer, said at most 10 days before it comes in (no author of the change" in out
    assert "ben's yes does not count any more: it expired or is too old\n" in out
    assert "next: labelvc approve main...topic --role reviewer\n" in out
    desk.approve("ben")  # again, which takes the old one back
    merge(desk)
    code, (step,) = desk.verify("main")
    assert (code, step["needs"]) == (
        0,
        [{"role": "reviewer", "count": 1, "have": 1, "who_can": [], "max_age": 10 * DAY}],
    )
    code, out, _ = desk.labelvc("policy", "show")
    assert "1 reviewer, said at most 10 days before it comes in" in out


def test_a_remainder_is_what_expired_too(desk: Desk, clock: Clock):
    desk.relabel("fine", "rev-2")
    desk.approve("ben", "main...topic", "reviewer", "--except", "reviews/rev-2#r1", "--expires", "5d")
    clock(3)
    shown = desk.labelvc("approve", "main...topic", "--role", "reviewer", "--key", desk.key("cleo"), "--remainder")[2]
    assert "1 of 2 changes carried over" in shown
    desk.git("reset", "-q", "--hard")
    clock(6)
    desk.approve("cleo", "main...topic", "reviewer", "--remainder")
    assert state(desk, "main...topic", "--at", "now") == (0, "approved")


def test_an_emergency_is_ratified_by_what_still_counts_then(desk: Desk, clock: Clock):
    people.govern(
        desk, lambda policy: people.labels_rule(policy, needs=(Need("reviewer", 2),), emergency=Need("reviewer"))
    )
    desk.approve("ben", "main...topic", "reviewer", "--emergency", "--reason", "the client waits", "--expires", "1d")
    desk.approve("ben", "main...topic", "reviewer", "--expires", "5d")
    merge(desk)
    assert state(desk, "main") == (1, "conditional")
    step = desk.git("rev-parse", "--short=12", "main")
    assert state(desk, "main", "--at", after(2)) == (1, "missing")  # nobody lets it in any more at that time
    clock(6)
    desk.approve("cleo", f"{step}~1..{step}")
    assert [one["state"] for one in desk.verify(f"{step}~1..main")[1]] == ["conditional", "unchanged"]
    desk.approve("ben", f"{step}~1..{step}")
    code, (first, *_) = desk.verify(f"{step}~1..main")
    assert (code, first["state"], first["ratified_by"]) == (0, "approved", ["ben", "cleo"])
    clock(600)
    desk.write("README.md", "later")
    desk.commit("Much later")
    assert desk.verify("--all")[0] == 0  # what was approved once stays approved


def test_a_date_that_no_clock_shows_is_told_and_cured(desk: Desk, clock: Clock):
    """One commit of the year 2099 ends every yes with a limit after it; those without one go on."""
    desk.git("checkout", "-q", "main")
    desk.write("README.md", "hello")
    desk.commit("From far away", GIT_COMMITTER_DATE="2099-01-01T00:00:00Z")
    desk.git("checkout", "-q", "topic")
    desk.approve("ben", "main...topic", "reviewer", "--expires", "30d")
    code, out, err = desk.labelvc("verify", "main...topic")
    assert code == 1
    far = desk.git("rev-parse", "--short=12", "main")
    assert f"note: {far} says that it is of 2099-01-01T00:00:00Z, later than now" in err
    assert "ben's yes does not count any more" in out
    desk.approve("ben")
    assert state(desk) == (0, "approved")


def test_a_shallow_clone_tells_nothing_where_a_date_matters(desk: Desk, clock: Clock, tmp_path: Path):
    desk.approve("ben", "main...topic", "reviewer", "--expires", "30d")
    merge(desk)
    subprocess.run(["git", "clone", "-q", "--depth=2", f"file://{desk.folder}", tmp_path / "shallow"], check=True)
    code, _, err = desk._replace(folder=tmp_path / "shallow").labelvc("verify", "HEAD")
    assert (code, "shallow clone" in err, "git fetch --unshallow" in err) == (2, True, True)


DATES = {
    "1772355600 +0000": 1772355600,
    "1772355601 -1200": 1772355601,
    "1772355602 +9959": 1772355602,
    "17179869190 +0000": 17179869190,  # more than the 34 bits of a commit-graph
    "00000000000000001772355600 +0000": 1772355600,
    "99999999999999999999 +0000": 10**12,
    "9" * 5000 + " +0000": 10**12,
    "-5 +0000": 0,
    "tomorrow +0000": 0,
    "": 0,
}


def test_any_date_that_a_commit_can_hold_is_a_number(desk: Desk):
    git, tree, first = plumbing.find(desk.folder), desk.git("rev-parse", "HEAD^{tree}"), desk.git("rev-parse", "main")
    words = ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"]
    made = {}
    for date, expected in DATES.items():
        raw = f"tree {tree}\nparent {first}\nauthor a <a@b> 1 +0000\ncommitter a <a@b> {date}\n\nodd\n"
        done = subprocess.run(words, input=raw.encode(), cwd=desk.folder, capture_output=True, check=True)
        made[done.stdout.decode().strip()] = expected
    for graph in (False, True):
        if graph:
            refs = "".join(f"create refs/heads/odd-{number} {odd}\n" for number, odd in enumerate(made))
            subprocess.run(["git", "update-ref", "--stdin"], input=refs.encode(), cwd=desk.folder, check=True)
            desk.git("commit-graph", "write", "--reachable")
        for odd, expected in made.items():
            assert log.dates(git, odd)[-1] == (odd, expected)
            assert Dates(git).at(odd, "") == max(expected, START)
            assert Dates(git, 2 * START).at(odd, first) == max(expected, 2 * START)
    assert {moment.is_instant(moment.instant(at)) for at in made.values()} == {True}


def test_old_statements_are_written_and_read_as_before(desk: Desk, clock: Clock):
    path = desk.approve("ben")
    payload = dsse.decode(path.read_bytes(), dsse.IN_TOTO).payload
    assert b"expiresAt" not in payload
    code, out, _ = desk.labelvc("verify", "main...topic", "--format", "json")
    assert (code, "expires_at" in out, '"at"' in out) == (0, False, False)
    assert "maxAge" not in json.dumps(json.loads(desk.labelvc("policy", "show", "--format", "json")[1]))
    ended = replace(said(path), expires_at=after(1))
    assert statement.decode_approval(statement.encode_approval(ended)) == ended


def test_what_ended_is_told_wherever_an_approval_is_shown(desk: Desk, clock: Clock, tmp_path: Path):
    desk.git("checkout", "-q", "main")
    dataset = "schema: urn:labelvc:schema:dataset:1\nname: reviews\nid: 0c4a7f7e-6c1e-4b3a-9a5e-2f6c1b7d9e10\ntasks: {sentiment: true}\nshards: 16\n"
    desk.write("datasets/reviews/dataset.yaml", dataset)
    (desk.folder / "guidelines/mood.yaml").unlink()
    desk.commit("Begin")
    desk.git("checkout", "-q", "topic")
    desk.git("rebase", "-q", "main")
    desk.relabel("good", "rev-26")  # of sixteen shards it belongs in the one that the desk keeps all records in
    path = desk.approve("ben", "main...topic", "reviewer", "--expires", "1d")
    judged = ("ci", "--base", "main", "--head", "topic", "-o", str(tmp_path / "out"))
    review = ("review", "main...topic", "--format", "json")
    assert "main...HEAD is approved" in desk.labelvc("status")[1]
    verdict = json.loads(desk.labelvc(*review)[1])["verdict"]
    assert (verdict["state"], [one["ended"] for one in verdict["said"]]) == ("approved", [False])
    clock(2)  # nothing was committed since: whoever asks about a pull request asks about now
    assert state(desk) == (0, "approved")
    assert "main...HEAD waits for 1 reviewer" in desk.labelvc("status")[1]
    verdict = json.loads(desk.labelvc(*review)[1])["verdict"]
    assert (verdict["state"], [one["ended"] for one in verdict["said"]]) == ("missing", [True])
    for form in ("markdown", "html"):
        page = tmp_path / f"page.{form}"
        desk.labelvc(*review[:-1], form, "-o", str(page))
        assert "does not count any more: it expired or is too old" in page.read_text(), form
    code, out, _ = desk.labelvc(*judged)
    assert (code, "0 of 2 changes covered" in out) == (1, True)
    assert json.loads((tmp_path / "out/review.json").read_text())["verdict"]["state"] == "missing"
    assert (
        "2 of 2 changes covered" in desk.labelvc(*judged, "--date", "2026-03-01")[1]
    )  # its last second is before the end
    code, out, _ = desk.labelvc("policy", "explain", "main...topic")
    assert f"said        ben said approve as reviewer, expired {after(1)}\n" in out
    merge(desk)
    void = f"{path.relative_to(desk.folder)}: ben's yes expired at {after(1)}, before the change came in\n"
    for words in (("trace",), ("audit", "trace")):
        out = desk.labelvc(*words, "reviews/rev-26#r1")[1]
        assert f"   void      {void}" in out, words
        assert "approved  " not in out
    out = desk.labelvc("audit", "population", "main~1..main")[1]
    assert ("missing" in out, "approved by" in out) == (True, False)
    (said,) = json.loads(desk.labelvc("audit", "population", "main~1..main", "--format", "json")[1])["items"][0][
        "approvals"
    ]
    assert (said["signed"], said["expires"]) == (after(0), after(1))


def test_a_release_is_as_old_as_it_says(desk: Desk, clock: Clock):
    """Its signatures have its own time, so a rule that wants young ones asks nothing of them."""
    people.govern(
        desk,
        lambda policy: replace(
            policy,
            rules=tuple(
                replace(rule, needs=tuple(replace(need, max_age=DAY) for need in rule.needs)) for rule in policy.rules
            ),
        ),
    )
    desk.git("checkout", "-q", "main")
    code, _, err = desk.labelvc("release", "cut", "1.0.0", "--unapproved", "--yes", "--key", desk.key("ada"))
    assert code == 0, err
    clock(400)
    desk.commit("Release 1.0.0")
    code, out, err = desk.labelvc("release", "verify", "1.0.0")
    assert code == 0, out + err
