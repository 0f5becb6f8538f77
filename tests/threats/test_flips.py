"""Any byte, of anything that was signed or approved: one flipped bit of it is found, and its file or record is named."""

from __future__ import annotations

import random

import pytest

from tests.cli.test_release import main, released
from tests.people import SHARD, Desk
from tests.trusting import desk, desk_template, people_keys

__all__ = ["desk", "desk_template", "main", "people_keys"]
AT_ONCE = 5


def flips(data: bytes, start: int, end: int) -> list[bytes]:
    """Return a file with one bit of it flipped, in places drawn from a part of it; the first and last of the part among them."""
    draw = random.Random(len(data))
    places = {start, end - 1, *(draw.randrange(start, end) for _ in range(AT_ONCE - 2))}
    return [data[:at] + bytes([data[at] ^ (1 << draw.randrange(7))]) + data[at + 1 :] for at in sorted(places)]


@pytest.mark.parametrize("what", ["record", "approval", "change-set", "policy", "root", "release"])
def test_threat_01_30_one_flipped_bit_is_found_and_named(main: Desk, what: str):
    main.git("checkout", "-q", "topic")
    said = main.approve("ben")
    main.git("checkout", "-q", "main")
    main.git("merge", "-q", "--no-ff", "-m", "Merge", "topic")
    start = released(main, "1.0.0")
    assert main.verify("--all")[0] == 0
    path = {
        "record": SHARD,
        "approval": said.relative_to(main.folder).as_posix(),
        "change-set": said.with_name("changeset.jsonl").relative_to(main.folder).as_posix(),
        "policy": "trust/policy.json",
        "root": "trust/root/1.json",
        "release": "releases/1.0.0.json",
    }[what]
    data = (main.folder / path).read_bytes()
    line = next(row for row in data.splitlines() if what != "record" or b'"rev-1"' in row)
    at = data.index(line)
    for flipped in flips(data, at, at + len(line)):
        main.git("reset", "-q", "--hard", start)
        main.write(path, flipped)
        main.commit("Flip")
        words = ("release", "verify") if what == "release" else ("verify", "HEAD~1..HEAD")
        code, out, err = main.labelvc(*words)
        assert code in (1, 2), flipped
        named = {"record": ("reviews/", SHARD), "root": ("trust/", path), "release": ("1.0.0",)}.get(what, (path,))
        assert any(name in out + err for name in named), out + err
