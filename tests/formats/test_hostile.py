"""Stored lines may be edited by hand: an export of anything gives a file or an error of ours, and leaves nothing half-written."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelvc.errors import Error
from labelvc.formats import registry
from tests import strategies
from tests.formats.exchange import DATASET, plan

odd = strategies.json_values
near_conllu = st.dictionaries(
    st.sampled_from(["after", "blank", "comments", "empty", "text", "tokens"]), odd, max_size=3
)
near_voc = st.dictionaries(
    st.sampled_from(["attributes", "content", "indent", "objects", "end", "declaration"]), odd, max_size=3
)
ext = odd | st.fixed_dictionaries({"conllu": odd | near_conllu, "voc": odd | near_voc, "csv": odd})
values = odd | st.fixed_dictionaries({"label": odd, "box": odd, "form": odd, "head": odd, "score": odd})
items = st.dictionaries(st.sampled_from(["id", "text", "media", "natural", "ext"]), odd | ext, max_size=5)
records = st.fixed_dictionaries(
    {"item": st.just("x"), "id": st.sampled_from(["c0-1", "r01", "c1-2"])},
    optional={"value": values, "ext": ext, "by": odd, "at": odd},
)


@pytest.mark.parametrize(
    ("name", "kind", "layout"),
    [
        ("csv", "score", "long"),
        ("csv", "label", "wide"),
        ("conllu", "token", "long"),
        ("voc", "box", "long"),
        ("jsonl", "score", "long"),
    ],
)
@settings(max_examples=80)
@given(item=items, record=records, other=st.dictionaries(st.sampled_from(["item", "id", "value"]), odd, max_size=3))
def test_an_export_of_anything_never_stumbles(
    tmp_path_factory: pytest.TempPathFactory, name: str, kind: str, layout: Any, item: Any, record: Any, other: Any
) -> None:
    folder = Path(tmp_path_factory.mktemp(name))
    made = set()
    for part, (found_items, found_records) in enumerate(
        (([{**item, "id": "x"}], [record]), ([item], []), ([], [other]))
    ):
        target = folder / f"{part}"
        with contextlib.suppress(Error):
            registry.find(name).write(found_items, found_records, DATASET, plan(kind, layout=layout), target)
            made.add(target.name)
    assert {path.name for path in folder.iterdir()} == made


@pytest.mark.parametrize("name", registry.names())
@settings(max_examples=80)
@given(
    content=st.binary(max_size=60) | st.text('<>/annotiobjecdxy&;!DOCTYPE[] \n\t{}":,1_#=', max_size=80).map(str.encode)
)
def test_an_import_of_anything_never_stumbles(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "anything.xml"
    path.write_bytes(content)
    for words in ({}, {"item": "1", "value": "2"}, {"layout": "wide"}, {"layout": "wide", "item": "1", "value": "2"}):
        with contextlib.suppress(Error):
            list(registry.find(name).read(path, plan("score", **words)))
