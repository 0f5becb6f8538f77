"""Archives: what we write every tar reads, and what is spelled otherwise is refused with its reason."""

from __future__ import annotations

import contextlib
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelvc.codec import tar
from labelvc.errors import DataError

NAMES = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,8}(/[a-z0-9]{1,60}){0,2}", fullmatch=True)
FILES = st.dictionaries(NAMES, st.binary(max_size=1200), max_size=6)


def made(files: dict[str, bytes]) -> bytes:
    return b"".join(tar.write(files))


def refused(data: bytes) -> str:
    with pytest.raises(DataError) as caught:
        tar.read(io.BytesIO(data))
    return caught.value.message


@given(FILES)
def test_others_read_what_we_write(files: dict[str, bytes]):
    data = made(files)
    assert tar.read(io.BytesIO(data)) == dict(sorted(files.items()))
    with tarfile.open(fileobj=io.BytesIO(data), format=tarfile.USTAR_FORMAT) as theirs:
        found = {}
        for member in theirs:
            handle = theirs.extractfile(member)
            assert handle is not None
            found[member.name] = handle.read()
            assert (member.uid, member.mtime, member.mode, member.uname) == (0, 0, 0o644, "")
    assert found == files


@given(FILES.filter(bool), st.data())
def test_a_flipped_bit_is_another_file_or_none(files: dict[str, bytes], data: st.DataObject):
    whole = bytearray(made(files))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(DataError):
        assert tar.read(io.BytesIO(whole)) != dict(sorted(files.items()))


def by_others(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.USTAR_FORMAT) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=form) as theirs:
        for info, data in members:
            info.size = len(data)
            theirs.addfile(info, io.BytesIO(data))
    return target.getvalue()


def plain(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([plain("../../etc/passwd")], "leads out of its folder"),
        ([plain("a/../../b")], "leads out of its folder"),
        ([plain("/etc/passwd")], "leads out of its folder"),
        ([plain("a", tarfile.SYMTYPE, "/etc")], "holds a symbolic link"),
        ([plain("a", tarfile.LNKTYPE, "b")], "holds a hard link"),
        ([plain("a", tarfile.DIRTYPE)], "holds a folder"),
        ([plain("a", tarfile.FIFOTYPE)], "holds a pipe"),
        ([plain("a", tarfile.CHRTYPE)], "holds a device"),
        ([plain("a"), plain("a")], "holds this name twice"),
        ([plain("b"), plain("a")], "are not in order"),
        ([plain(".ssh/x")], "is none that labelvc gives"),
        ([plain("a\nb")], "is none that labelvc gives"),
        ([plain("-rf")], "is none that labelvc gives"),
    ],
)
def test_what_could_do_harm_is_refused(members: list[tarfile.TarInfo], said: str):
    assert said in refused(by_others(*[(info, b"") for info in members]))


def test_other_spellings_are_refused():
    dated = plain("a")
    dated.mtime = 1
    assert "not spelled as labelvc writes it" in refused(by_others((dated, b"")))
    assert "header of another format" in refused(by_others((plain("x" * 120), b""), form=tarfile.PAX_FORMAT))
    assert "header of another format" in refused(by_others((plain("x" * 120), b""), form=tarfile.GNU_FORMAT))


def test_what_is_cut_short_or_too_long_is_refused():
    data = made({"a": b"x" * 600, "b": b"y"})
    for end in (0, 100, 512, 900, 1536, 2000, len(data) - 1024, len(data) - 1):
        assert "cut short" in refused(data[:end]), end
    assert "behind the end" in refused(data + bytes(512))
    assert "behind the end" in refused(data[:-512] + b"x" + bytes(511))
    assert "behind the end of this file" in refused(data[:1200] + b"x" + data[1201:])


def test_what_is_huge_is_refused_before_it_is_read():
    header = tar._header("a", 7 << 30)
    assert "larger than it may be" in refused(header)
    many = b"".join(tar._header(f"f{number:05}", 0) for number in range(10_000)) + bytes(1024)
    assert "more than 9,999 files" in refused(many)
    with pytest.raises(DataError, match="10,000 files"):
        list(tar.write({f"f{number:05}": b"" for number in range(10_000)}))
    with pytest.raises(DataError, match="cannot stand"):
        list(tar.write({"../a": b""}))
