"""Trust: ten thousand signed approvals over a thousand steps, and the state digest of a million records, worked out again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple

from msgspec.structs import replace

from benchmarks import data
from benchmarks.data import Repository
from benchmarks.measure import Cost, in_turn, least, process
from benchmarks.report import Job, Row
from benchmarks.tools import LABELVC
from labelvc.codec import dsse, shard, statement
from labelvc.core import changeset
from labelvc.model.approval import NAMESPACE, Approval, Scope, Seen
from labelvc.model.approval import Signer as Signatory
from labelvc.model.change import Delta
from labelvc.model.names import Key
from labelvc.model.policy import Principal, Role, Trust
from labelvc.ops import approvals, ceremony
from labelvc.ops import policy as governing
from labelvc.ops import trust as trusting
from labelvc.ops.state import Scale
from labelvc.store import git as plumbing
from labelvc.store import keys, tree
from labelvc.store.cache import Cache
from labelvc.store.keys import Signer

SHARDS = 16
SAMPLE = 100
_PATH = shard.path("texts", "annotations", shard.place("item-1", shard.digits(SHARDS)))


class Court(NamedTuple):
    """A history of approved steps.

    Attributes:
        folder: its work tree.
        root: digest of the root of trust.
        ends: ids of the commit under the first policy and of the last one.
        steps, people: how many steps, and how many approve each.
    """

    folder: Path
    root: str
    ends: tuple[str, str]
    steps: int
    people: int


def verify(folder: Path, steps: int, people: int) -> Job:
    """Verify a whole history natively, beside one ssh-keygen a signature.

    Args:
        folder: where the history lies or is made.
        steps: first-parent steps, each of one changed record.
        people: how many approve each of them.
    """
    court = make(folder / f"court-{steps}x{people}", steps, people)
    environment = {"LABELVC_ROOT": court.root, "XDG_STATE_HOME": str(folder / "state")}
    first, last = court.ends
    script = _script(court)
    ours, by_program = in_turn(
        lambda: process([LABELVC, "verify", f"{first}..{last}"], court.folder, environment=environment, cap=600),
        lambda: process(["sh", "all.sh"], script),
    )
    one = least(lambda: process([LABELVC, "verify", f"{last}~1..{last}"], court.folder, environment=environment), 5)
    reading = least(lambda: process(["git", "log", "--first-parent", "-m", "--raw", "-p"], court.folder, cap=300), 3)
    good = by_program.code == 0
    count = steps * people
    right = ours.code == 0 and f"{steps} approved".encode() in ours.out
    spent, peer = ours.cpu - reading.cpu, by_program.cpu / SAMPLE * count
    work = f"{count:,} approvals over {steps:,} steps"
    return Job(
        f"verify {work}",
        "<= 4 s CPU + reading the history; one ssh-keygen process each >= 20x",
        f"reading + {spent:.2f} s; {peer / ours.cpu:.0f}x",
        right and spent <= 4 and peer >= 20 * ours.cpu if count >= 10_000 else None,
        [
            Row(work, "labelvc verify A..B", *ours[:3], f"reading + {spent:.2f} s", right),
            Row("the last of these steps alone", "labelvc verify", *one[:3], "", one.code == 0, "follows the change"),
            Row("the history with all approvals", "git log --first-parent -m --raw -p", *reading[:3]),
            Row(
                f"{SAMPLE} of the signatures",
                "ssh-keygen -Y verify, a process each",
                *by_program[:3],
                f"{peer / ours.cpu:.0f}x labelvc's verify of all, for all of them",
                good,
            ),
        ],
    )


def state(repository: Repository) -> Job:
    """Plan a release, first with nothing measured and then again, when only changed shards are hashed."""
    here = repository.folder
    script = "import sys; from benchmarks import votes; votes.measure(sys.argv[1], sys.argv[2])"

    def run(revision: str) -> Cost:
        top = str(Path(__file__).resolve().parents[1])
        return process([sys.executable, "-c", script, str(here), revision], here, environment={"PYTHONPATH": top})

    def cold() -> Cost:
        process(["rm", "-rf", ".git/labelvc"], here)
        return run("main")

    first = least(cold, 3)
    again = run("few")
    known = least(lambda: run("few"), 3)
    work = f"state digest of {repository.records:,} records"
    share = known.cpu / first.cpu
    return Job(
        work,
        "only changed shards are hashed again",
        f"{first.cpu:.2f} s first, {again.cpu:.2f} s with {repository.changed['few']:,} records changed, {known.cpu:.2f} s again",
        share < 0.5 and first.out != again.out == known.out,
        [
            Row(work, "labelvc", *first[:3], "1x", first.code == 0, "nothing measured before"),
            Row(f"{repository.changed['few']:,} of them changed", "labelvc", *again[:3], f"{again.cpu / first.cpu:.2f}x", again.code == 0),
            Row("measured before", "labelvc", *known[:3], f"{share:.2f}x", known.code == 0),
        ],
    )  # fmt: skip


def measure(folder: str, revision: str) -> None:
    """Print the state digest of a revision."""
    git = plumbing.find(Path(folder))
    with tree.reader(git) as reader, Cache(git) as cache:
        sys.stdout.write(f"{Scale(reader, cache).state(tree.commit(git, revision)).digest}\n")


def make(folder: Path, steps: int, people: int) -> Court:
    """Make a history in which every step changes one record and all people approve it, or find it made."""
    signers = [_signer(folder.parent / f"{folder.name}-keys", number) for number in range(people + 1)]
    if not folder.exists():
        folder.mkdir(parents=True)
        data.begin(folder, SHARDS)
        _govern(folder, signers, people)
    git = plumbing.find(folder)
    if plumbing.run(git, "rev-list", "--count", "HEAD").strip() != b"%d" % (steps + 1):
        with tree.reader(git) as reader:
            trust = trusting.load(reader, tree.commit(git, "HEAD"))
        words = ["git", "fast-import", "--quiet", "--force"]
        with subprocess.Popen(words, cwd=folder, stdin=subprocess.PIPE) as running:
            for number in range(1, steps + 1):
                _write(running.stdin, number, dict(_step(number, trust, signers[1:])))
            running.stdin.close()
        if running.returncode:
            raise RuntimeError("git fast-import failed")
        data.git(folder, "reset", "-q", "--hard", "main")
        data.git(folder, "gc", "-q")
    first, *_, last = plumbing.run(git, "rev-list", "--reverse", "HEAD").decode().split()
    with tree.reader(git) as reader:
        root = trusting.load(reader, tree.commit(git, first)).anchor
    return Court(folder, root, (first, last), steps, people)


def _signer(folder: Path, number: int) -> Signer:
    path = folder / f"p{number}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    return keys.signer(str(path), None, lambda words: words)


def _govern(folder: Path, signers: list[Signer], people: int) -> None:
    git = plumbing.find(folder)
    project, now = trusting.project_id(git), datetime(2026, 1, 1, tzinfo=UTC)
    for path, content in ceremony.create(git, project, "p0", "P 0", "bench@example.org", signers[0], now).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    (folder / _PATH).parent.mkdir(parents=True)
    (folder / _PATH).write_bytes(_line(0) + b"\n")
    data.git(folder, "add", "-A")
    with tree.reader(git) as reader:
        before = trusting.load(reader, tree.index(git, ("trust",)))
    names = [f"p{number}" for number in range(1, people + 1)]
    rule = before.policy.rules[0]
    after = replace(
        before.policy,
        principals={
            **before.policy.principals,
            **{name: Principal(name, keys=(str(one.key),)) for name, one in zip(names, signers[1:], strict=True)},
        },
        roles={**before.policy.roles, "reviewer": Role(tuple(names))},
        rules=(replace(rule, needs=(replace(rule.needs[0], count=people),)), *before.policy.rules[1:]),
    )
    (folder / trusting.POLICY).write_bytes(governing.signed(before, after, signers[0]))
    data.git(folder, "add", "-A")
    data.git(folder, "commit", "-qnm", "Govern")


def _line(number: int) -> bytes:
    label = f"topic-{number % 80:02d}"
    told = f'"by":"prs_bcdfghjklmnpqrstvwxzbcdfghjk","rev":{number + 1},"task":"topic","under":"topic@1.0.0"'
    return f'{{"item":"item-1","id":"a1",{told},"value":{{"label":"{label}"}}}}'.encode()


def _step(number: int, trust: Trust, signers: list[Signer]) -> Iterator[tuple[str, bytes]]:
    found = changeset.gather([Delta(Key("texts", "item-1", "a1"), _line(number - 1), _line(number))])
    root = found.changeset.root
    yield _PATH, _line(number) + b"\n"
    yield f"{approvals.folder_of(root)}/{approvals.CHANGE_SET}", changeset.write(found.lines)
    for at, signer in enumerate(signers, 1):
        approval = Approval(
            root=root,
            decision="approve",
            meaning="approval",
            role="reviewer",
            signer=Signatory(f"p{at}", f"p{at}"),
            signed_at="2026-01-01T00:00:00Z",
            scope=Scope(trust.policy.repository, "delta", 0, 1, 0),
            policy=Seen(trust.policy.version, trust.digest.removeprefix("sha256:")),
            nonce=f"{number:016x}{at:016x}",
            tool="labelvc 0",
        )
        envelope = trusting.seal(dsse.IN_TOTO, statement.encode_approval(approval), signer, NAMESPACE)
        yield approvals.path_of(root, f"p{at}", envelope.digest), dsse.encode(envelope)


def _write(out: IO[bytes], number: int, files: dict[str, bytes]) -> None:
    said = b"step %d\n" % number
    out.write(b"commit refs/heads/main\n")
    out.write(b"committer bench <bench@example.org> %d +0000\n" % (1_772_000_000 + number * 60))
    out.write(b"data %d\n%s" % (len(said), said))
    if number == 1:
        out.write(b"from refs/heads/main^0\n")
    for path, content in files.items():
        out.write(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content))


def _script(court: Court) -> Path:
    """Return a folder with a script `all.sh` that verifies some of the signatures with ssh-keygen, a process each."""
    work = court.folder / ".git/by-program"
    work.mkdir(exist_ok=True)
    files = sorted(court.folder.glob("approvals/*/p*.json"))[:SAMPLE]
    lines = []
    for at, path in enumerate(files):
        envelope = dsse.decode(path.read_bytes(), dsse.IN_TOTO)
        (work / f"{at}.pae").write_bytes(dsse.pae(envelope.payload_type, envelope.payload))
        (work / f"{at}.sig").write_bytes(envelope.signatures[0].sig)
        who = path.name.partition(".")[0]
        lines.append(f"ssh-keygen -Y verify -f allowed -I {who} -n {NAMESPACE} -s {at}.sig < {at}.pae || exit 1\n")
    (work / "allowed").write_bytes(process([LABELVC, "key", "list", "--format", "allowed-signers"], court.folder).out)
    (work / "all.sh").write_text("".join(lines))
    if len(files) != SAMPLE:
        raise RuntimeError(f"{len(files)} approvals where {SAMPLE} are verified")
    return work
