"""People with real SSH keys and a labels repository they have to agree about, for tests of trust."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from labelvc.cli import main as cli
from labelvc.codec import canonical, dsse
from labelvc.model.approval import Envelope
from labelvc.model.policy import Policy, Trust
from labelvc.ops import policy as governing
from labelvc.ops import trust
from labelvc.store import git as plumbing
from labelvc.store import keys, tree
from tests.copying import copied

PROJECT = "3f0e4b9e-53d3-4d2a-a7f6-5d5d1f2f9c11"
SHARD = "datasets/reviews/annotations/00.jsonl"
PROJECT_FILE = f"""schema: urn:labelvc:schema:project:1
id: {PROJECT}
name: reviews
goal: know what people think
tasks: {{sentiment: {{type: text}}}}
"""
NAMES = {"ada": "Ada Author", "ben": "Ben Builder", "cleo": "Cleo Checker"}
FIELDS = (
    "decision", "role", "principal", "printedName", "signedAt", "nonce", "repository", "added", "sha256", "authors", "tool",
    "_type", "predicateType", "binding", "meaning", "name",
)  # fmt: skip


class Desk(NamedTuple):
    """A repository and the keys of the people around it."""

    folder: Path
    keys: Path
    run: Callable[..., tuple[int, str, str]]

    def key(self, who: str) -> str:
        return str(self.keys / who)

    def git(self, *arguments: str, who: str = "ada", **environment: str) -> str:
        people = {f"GIT_{part}_{word}": value for part in ("AUTHOR", "COMMITTER") for word, value in _identity(who)}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **people, **environment},
        )
        assert done.returncode == 0, f"git {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def write(self, path: str, data: bytes | str) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data.encode() if isinstance(data, str) else data)

    def commit(self, message: str, who: str = "ada", **environment: str) -> str:
        self.git("add", "--all", who=who)
        self.git("commit", "-q", "--no-verify", "-m", message, who=who, **environment)
        return self.git("rev-parse", "HEAD")

    def relabel(self, label: str, item: str = "rev-1", who: str = "ada", by: str = "prs_anna") -> str:
        """Change one record, with the next `rev`, and commit it."""
        records = self.records()
        old = records.get(item, {"rev": 0})
        records[item] = record(item, label, old["rev"] + 1, by)
        self.save(records)
        return self.commit(f"{item} is {label}", who)

    def records(self) -> dict[str, dict[str, Any]]:
        rows = [json.loads(line) for line in (self.folder / SHARD).read_text().splitlines()]
        return {row["item"]: row for row in rows}

    def save(self, records: dict[str, dict[str, Any]]) -> None:
        self.write(SHARD, b"".join(sorted(canonical.encode_record(row) + b"\n" for row in records.values())))

    def labelvc(self, *arguments: str) -> tuple[int, str, str]:
        return self.run(self.folder, *arguments)

    def approve(
        self, who: str, words: str = "main...topic", role: str = "reviewer", *more: str, commit: bool = True
    ) -> Path:
        """Sign, expect that to work, commit the files and return the statement's path."""
        code, out, err = self.labelvc("approve", words, "--role", role, "--key", self.key(who), *more)
        assert code == 0, out + err
        if commit:
            self.git("commit", "-q", "--no-verify", "-m", f"{who} decides", "--", "approvals", who=who)
        return self.folder / next(line for line in out.splitlines() if line.endswith(".json"))

    def verify(self, *words: str) -> tuple[int, list[dict[str, Any]]]:
        code, out, err = self.labelvc("verify", *(words or ("main...topic",)), "--format", "json")
        document = json.loads(out) if out.startswith("{\n") else {"items": [], "error": out + err}
        return code, document["items"]


def _identity(who: str) -> list[tuple[str, str]]:
    return [("NAME", NAMES.get(who, who)), ("EMAIL", f"{who}@example.com")]


def record(item: str, label: str, rev: int = 1, by: str = "prs_anna") -> dict[str, Any]:
    return {"item": item, "id": "r1", "by": by, "rev": rev, "task": "sentiment", "value": {"text": label}}


def make_keys(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for who in ("ada", "ben", "cleo", "ben2", "mallory"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", str(folder / who)]
        subprocess.run(words, check=True, capture_output=True)


def make(folder: Path, keys: Path) -> Desk:
    """Make a repository with six records, three people and one change by Ada on the branch `topic`."""

    def run(at: Path, *arguments: str) -> tuple[int, str, str]:
        raise AssertionError(f"set by the fixture: {at} {arguments}")

    desk = Desk(folder, keys, run)
    folder.mkdir(parents=True)
    desk.git("init", "-q", "-b", "main")
    desk.write("labelvc.yaml", PROJECT_FILE)
    desk.save({f"rev-{number}": record(f"rev-{number}", "bad") for number in range(1, 7)})
    desk.commit("Start")
    here = Path.cwd()
    os.chdir(folder)
    try:
        words = [
            "trust",
            "init",
            "--as",
            "ada",
            "--name",
            NAMES["ada"],
            "--email",
            "ada@example.com",
            "--key",
            desk.key("ada"),
        ]
        assert cli.run(words) == 0
        for who in ("ben", "cleo"):
            more = [
                "--role",
                "reviewer",
                "--email",
                f"{who}@example.com",
                "--pseudonym",
                f"prs_{who}",
                "--sign-with",
                desk.key("ada"),
            ]
            assert cli.run(["policy", "add", who, "--name", NAMES[who], "--key", f"{desk.key(who)}.pub", *more]) == 0
    finally:
        os.chdir(here)
    desk.git("config", "--unset", "labelvc.signingKey")  # trust init remembers it; here each test names its own
    desk.write("guidelines/mood.yaml", "schema: urn:labelvc:schema:guideline:1\nname: mood\n")
    desk.commit("Govern")
    desk.git("checkout", "-q", "-b", "topic")
    desk.relabel("good")
    return desk


def copy(desk: Desk, folder: Path, run: Callable[..., tuple[int, str, str]]) -> Desk:
    copied(desk.folder, folder)
    return Desk(folder, desk.keys, run)


def in_force(desk: Desk, rev: str = "main") -> Trust:
    git = plumbing.find(desk.folder)
    with tree.reader(git) as reader:
        return trust.load(reader, tree.commit(git, rev))


def govern(desk: Desk, change: Callable[[Policy], Policy]) -> None:
    """Put another policy in force on `main`, signed by Ada, and bring `topic` onto it."""
    before = in_force(desk)
    signer = keys.signer(desk.key("ada"), None, lambda words: words)
    desk.git("checkout", "-q", "main")
    desk.write(trust.POLICY, governing.signed(before, change(before.policy), signer))
    desk.commit("Govern anew")
    desk.git("checkout", "-q", "topic")
    desk.git("rebase", "-q", "main")


def labels_rule(policy: Policy, **members: object) -> Policy:
    """Return a policy with other members of the rule about labels and items."""
    return replace(policy, rules=(replace(policy.rules[0], **members), *policy.rules[1:]))


def flip(desk: Desk, path: Path, field: str) -> None:
    """Change one signed byte of a field, name the file after the new payload, and amend the last commit with it."""
    envelope = dsse.decode(path.read_bytes(), dsse.IN_TOTO)
    payload = flipped(envelope.payload, field)
    changed = Envelope(envelope.payload_type, payload, envelope.signatures)
    path.unlink()
    who = path.name.partition(".")[0]
    (path.parent / f"{who}.{changed.digest.removeprefix('sha256:')[:12]}.json").write_bytes(dsse.encode(changed))
    desk.git("add", "--all", "approvals")
    desk.git("commit", "-q", "--no-verify", "--amend", "--no-edit")


def flipped(payload: bytes, field: str) -> bytes:
    """Change the last byte of a member's value."""
    start = payload.index(f'"{field}":'.encode()) + len(field) + 3
    end = start
    while payload[end : end + 1] not in (b",", b"}", b"]"):
        end += 1
    at = end - 2 if payload[end - 1 : end] == b'"' else end - 1
    byte = payload[at]
    new = (
        ord("1")
        if byte == ord("0")
        else ord("0")
        if chr(byte).isdigit()
        else byte ^ 1
        if chr(byte ^ 1).isalnum()
        else byte ^ 2
    )
    return payload[:at] + bytes([new]) + payload[at + 1 :]


def tampered(data: bytes, payload: bytes) -> bytes:
    """Return an envelope's file with another payload under the same signature."""
    value = json.loads(data)
    value["payload"] = base64.b64encode(payload).decode()
    return canonical.encode(value) + b"\n"
