"""The inbox of the vault: what an import leaves to seal waits whole or not at all, and is never all in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labelvc.errors import StoreError
from labelvc.ops import links
from labelvc.store import age, vault


def test_files_wait_once_all_of_them_are_there(tmp_path: Path):
    def files() -> Iterator[bytes]:
        for number in range(3):
            assert vault.waiting(tmp_path) == []
            yield b"%d" % number

    done = vault.put_in(tmp_path, files())
    assert vault.waiting(tmp_path) == sorted(done)
    assert sorted(path.read_bytes() for path in done) == [b"0", b"1", b"2"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), ValueError("a bug")])
def test_none_of_them_waits_when_one_cannot_be_written(tmp_path: Path, error: BaseException):
    def files() -> Iterator[bytes]:
        yield b"one"
        raise error

    with pytest.raises(StoreError if isinstance(error, OSError) else type(error)):
        vault.put_in(tmp_path, files())
    assert list((tmp_path / "inbox").iterdir()) == []


def test_what_a_kill_left_behind_never_waits_and_goes_with_the_next(tmp_path: Path):
    left = tmp_path / "inbox" / "0123456789abcdef.part"
    left.parent.mkdir()
    left.write_bytes(b"half")
    assert vault.waiting(tmp_path) == []
    (done,) = vault.put_in(tmp_path, [b"whole"])
    assert list(left.parent.iterdir()) == [done]


def test_rows_are_read_as_they_are_written_and_every_one_is_there(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(links, "PARCEL", 1000)
    read = 0

    def rows() -> Iterator[tuple[str, dict[str, Any]]]:
        nonlocal read
        for read in range(1, 101):
            yield f"prs_{read}", {"scope": "", "value": "x" * 90}

    private, public = age.generate()
    identity = [age.identity(private, "here")]
    lines: list[bytes] = []
    for number, parcel in enumerate(links.parcels(rows(), public), 1):
        assert read < number * 10
        lines += (age.decrypt(parcel, identity) or b"").splitlines()
    assert len(set(lines)) == len(lines) == 100
