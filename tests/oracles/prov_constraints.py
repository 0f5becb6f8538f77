"""The checker of PROV-CONSTRAINTS by James Cheney, an editor of that Recommendation, run on documents in PROV-XML.

A second opinion that shares no code with the product. It is in no package: a clone of github.com/jamescheney/prov-constraints
is named by the environment variable PROV_CONSTRAINTS (tried at 58e84d9788fe, with SWI-Prolog 9.0.4). What it takes:

* `prov:person`, `prov:plan` and their like are what they are kinds of, with `prov:type`: it reads the general elements alone.
* `subset/2` is defined as SWI-Prolog had it in 2013: the one of today is an error where a list is not known yet.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from lxml import etree
from prov.model import ProvDocument

_PROV = "{http://www.w3.org/ns/prov#}"
_GENERAL = {
    "person": ("agent", "Person"),
    "softwareAgent": ("agent", "SoftwareAgent"),
    "plan": ("entity", "Plan"),
    "collection": ("entity", "Collection"),
    "emptyCollection": ("entity", "EmptyCollection"),
    "wasRevisionOf": ("wasDerivedFrom", "Revision"),
}
_SUBSET = "assertz((subset([],_):-!)),assertz((subset([E|R],S):-memberchk(E,S),subset(R,S)))"
_JUDGE = "provx_load_document(stream(user_input),D)->(valid_document(D)->halt(10);halt(11));halt(12)"
_VERDICTS = {10: True, 11: False}


def program() -> Path:
    """Return the checker's file.

    Raises:
        Skipped: it or SWI-Prolog is not there; the reason says what to get.
    """
    named = os.environ.get("PROV_CONSTRAINTS", "")
    if not named or not shutil.which("swipl"):
        pytest.skip(
            "no second opinion on PROV: apt-get install swi-prolog-nox; git clone"
            " https://github.com/jamescheney/prov-constraints, and name that folder in PROV_CONSTRAINTS"
        )
    return Path(named, "checker.pl")


def valid(document: ProvDocument) -> bool:
    """Tell whether the checker finds a document valid.

    Raises:
        AssertionError: it could not read the document, or did not end.
    """
    words = ["swipl", "-q", "-g", _SUBSET, "-g", _JUDGE, "-t", "halt(13)", str(program())]
    done = subprocess.run(words, check=False, input=_plain(document), capture_output=True, timeout=60)
    assert done.returncode in _VERDICTS, (done.stdout + done.stderr).decode()
    return _VERDICTS[done.returncode]


def _plain(document: ProvDocument) -> bytes:
    """Return a document as PROV-XML of general elements alone."""
    tree = etree.fromstring(document.serialize(format="xml").encode())
    for statement in tree:
        name, kind = _GENERAL.get(etree.QName(statement).localname, ("", ""))
        if name:
            statement.tag = _PROV + name
            etree.SubElement(statement, f"{_PROV}type").text = f"prov:{kind}"
    written: bytes = etree.tostring(tree, xml_declaration=True, encoding="UTF-8")
    return written
