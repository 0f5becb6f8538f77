"""Run by the peers' own Python: nbdime's generic diff or three-way merge of JSON objects.

Usage: peer_nbdime.py diff BASE OURS | merge BASE OURS THEIRS OUTPUT. Prints JSON: `changed`, or `conflicts` (keys).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from nbdime.diffing.generic import diff
from nbdime.merging.decisions import apply_decisions
from nbdime.merging.generic import decide_merge

command, *names = sys.argv[1:]
sides = [json.loads(Path(name).read_bytes()) for name in names[:3]]
if command == "diff":
    print(json.dumps({"changed": [entry["key"] for entry in diff(*sides)]}))
else:
    decisions = decide_merge(*sides)
    merged = apply_decisions(sides[0], decisions)
    Path(names[3]).write_text(json.dumps(merged))
    print(json.dumps({"conflicts": [one["common_path"][0] for one in decisions if one["conflict"]]}))
