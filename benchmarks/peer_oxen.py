"""Run by oxen's own Python: its diff of two tables by key. Usage: peer_oxen.py BASE OURS; prints how many rows it names."""

from __future__ import annotations

import sys

import oxen

found = oxen.diff(sys.argv[1], to=sys.argv[2], keys=["key"], compares=["label", "note"])
print(found.tabular.data.height)
