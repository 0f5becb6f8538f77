"""The hook most teams write: GitPython's list of staged files, jsonschema over every record in them."""

from __future__ import annotations

import json

import git
import jsonschema

from benchmarks.peers import RECORD_SCHEMA

repository = git.Repo(".")
validator = jsonschema.Draft202012Validator(RECORD_SCHEMA)
checked = 0
for change in repository.index.diff("HEAD"):
    for line in repository.git.show(f":{change.a_path}").splitlines():
        problems = list(validator.iter_errors(json.loads(line)))
        assert not problems, problems[0]
        checked += 1
print(checked)
