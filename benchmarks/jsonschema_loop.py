"""A loop of the jsonschema package over a file of records."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jsonschema

from benchmarks.peers import RECORD_SCHEMA

validator = jsonschema.Draft202012Validator(RECORD_SCHEMA)
good = sum(validator.is_valid(record) for record in json.loads(Path(sys.argv[1]).read_bytes()))
print(good)
