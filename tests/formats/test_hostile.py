"""Stored lines may be edited by hand: an export of anything gives a file or an error of ours, and leaves nothing half-written."""

from __future__ import annotations

import contextlib
import json
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
near_coco = st.dictionaries(st.sampled_from(["id", "segmentation", "bbox", "image_id", "name"]), odd, max_size=3)
spaces = {"conllu": odd | near_conllu, "voc": odd | near_voc, "csv": odd, "coco": odd | near_coco}
ext = odd | st.fixed_dictionaries({**spaces, "coco-lists": odd | st.dictionaries(st.just("scene"), odd)})
shapes = {"box": odd, "polygon": odd, "rle": odd, "empty": odd}
values = odd | st.fixed_dictionaries({"label": odd, "form": odd, "head": odd, "score": odd}, optional=shapes)
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
        ("coco", "box", "long"),
        ("coco", "mask", "long"),
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
        for kind in ("score", "box"):
            with contextlib.suppress(Error):
                list(registry.find(name).read(path, plan(kind, **words)))


@settings(max_examples=150)
@given(
    content=st.fixed_dictionaries(
        {},
        optional={
            name: odd
            | st.lists(
                odd | st.dictionaries(st.sampled_from([*members, "id", "image_id"]), odd, max_size=5), max_size=3
            )
            for name, members in {
                "images": ["file_name", "width", "labelvc_empty"],
                "annotations": ["bbox", "segmentation", "category_id"],
                "categories": ["name"],
                "info": ["year"],
            }.items()
        },
    ),
    key=st.sampled_from([(), ("file_name",), ("id",), ("file_name", "width")]),
)
def test_nearly_coco_never_stumbles(
    tmp_path_factory: pytest.TempPathFactory, content: Any, key: tuple[str, ...]
) -> None:
    path = tmp_path_factory.getbasetemp() / "nearly.json"
    path.write_text(json.dumps(content))
    for kind in ("box", "polygon", "mask"):
        with contextlib.suppress(Error):
            list(registry.find("coco").read(path, plan(kind, key=key)))
