"""Who a commit's message names as an author, held against what git itself reads."""

from __future__ import annotations

import subprocess

import pytest

from labelvc.codec import trailers


@pytest.mark.parametrize(
    "line",
    [
        "Co-authored-by: Ann Lee <ann@example.com>",
        "co-authored-by: Ann Lee <ann@example.com>\r",
        "Co-authored-by: Ann Lee\n <ann@example.com>",
        "Co-authored-by: Ann\n\tLee\n  <ann@example.com>",
        "Co-authored-by:\n Ann Lee <ann@example.com>",
    ],
)
def test_a_person_is_named_however_the_line_is_written(line: str):
    message = f"Subject\n\n{line}\n"
    assert list(trailers.coauthors(message)) == [("Ann Lee", "ann@example.com")]
    words = ["git", "interpret-trailers", "--parse", "--unfold"]
    said = subprocess.run(words, input=message.encode(), capture_output=True, check=True).stdout.decode()
    assert " ".join(said.split()).lower() == "co-authored-by: ann lee <ann@example.com>"


def test_what_follows_a_line_and_is_not_folded_belongs_to_it_no_more():
    message = "Subject\n\nCo-authored-by: Ann <ann@example.com>\nSigned-off-by: Ben <ben@example.com>\n"
    assert list(trailers.coauthors(message)) == [("Ann", "ann@example.com")]
