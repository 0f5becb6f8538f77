"""Run by the peers' own Python: doltlite's diff, merge and history, timed inside the engine, without loading.

Usage: peer_doltlite.py diff BASE OURS | merge BASE OURS THEIRS OUTPUT | history COMMITS KEY DATABASE
A side is a JSON object, key to row; COMMITS has a line a commit: {"put": {key: text}, "drop": [keys]}.
Prints one JSON object: a job's name to its `cpu`, `wall` and what it found.
"""

# ruff: noqa: I001

from __future__ import annotations

# doltlite must come before sqlite3, which it fills with its own functions
import doltlite  # noqa: F401
import contextlib
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

TIMES = 5


def timed(run: Callable[[], Any], times: int = TIMES) -> dict[str, Any]:
    """Return what the least costly of several runs cost and found."""
    found = []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        said = run()
        found.append((time.process_time() - cpu, time.perf_counter() - wall, said))
    cpu, wall, said = min(found, key=lambda one: one[0])
    return {"cpu": cpu, "wall": wall, "found": said}


def commit(base: sqlite3.Connection, message: str) -> None:
    base.execute("select dolt_commit('-Am', ?)", (message,)).fetchall()


def opened(path: str) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def load(base: sqlite3.Connection, name: str) -> tuple[dict[str, Any], list[str]]:
    rows = json.loads(Path(name).read_bytes())
    columns = list(next(iter(rows.values())))
    described = ", ".join([f'"{column}" text{" primary key" if column == "key" else ""}' for column in columns])
    base.execute(f"create table if not exists t({described})")
    return rows, columns


def bring(base: sqlite3.Connection, name: str, before: dict[str, Any]) -> dict[str, Any]:
    """Make the table what a file says, as one commit."""
    rows, columns = load(base, name)
    changed = [row for key, row in rows.items() if before.get(key) != row]
    base.execute("begin")
    marks = ", ".join("?" * len(columns))
    base.executemany(f"insert or replace into t values({marks})", [[row[c] for c in columns] for row in changed])
    base.executemany('delete from t where "key" = ?', [(key,) for key in before if key not in rows])
    base.execute("commit")
    commit(base, name)
    return rows


def diff(base: sqlite3.Connection, names: list[str]) -> dict[str, Any]:
    bring(base, names[1], bring(base, names[0], {}))
    return {"diff": timed(lambda: len(base.execute("select * from dolt_diff_t('HEAD~1', 'HEAD')").fetchall()))}


def merge(base: sqlite3.Connection, names: list[str]) -> dict[str, Any]:
    rows = bring(base, names[0], {})
    base.execute("select dolt_branch('theirs')").fetchall()
    bring(base, names[1], rows)
    base.execute("select dolt_checkout('theirs')").fetchall()
    bring(base, names[2], rows)
    base.execute("select dolt_checkout('main')").fetchall()

    def run() -> None:
        if base.in_transaction:
            base.execute("rollback")
        base.execute("begin")
        # it says by an exception that there are conflicts
        with contextlib.suppress(sqlite3.OperationalError):
            base.execute("select dolt_merge('theirs')").fetchall()

    done = timed(run)
    conflicts = [row[0] for row in base.execute("select coalesce(our_key, their_key, base_key) from dolt_conflicts_t")]
    merged = base.execute("select * from t")
    columns = [one[0] for one in merged.description]
    Path(names[3]).write_text(json.dumps({row[0]: dict(zip(columns, row, strict=True)) for row in merged}))
    return {"merge": {**done, "found": conflicts}}


def history(base: sqlite3.Connection, names: list[str], path: str) -> dict[str, Any]:
    base.execute('create table t("key" text primary key, line text)')
    sizes: list[int] = []
    for number, line in enumerate(lines(names[0])):
        change = json.loads(line)
        base.execute("begin")
        base.executemany('delete from t where "key" = ?', [(key,) for key in change["drop"]])
        base.executemany("insert or replace into t values(?, ?)", list(change["put"].items()))
        base.execute("commit")
        commit(base, f"edit {number}")
        if not sizes:
            sizes.append(os.path.getsize(path))
    one = 'select count(*) from dolt_diff_t where to_key = ? and diff_type <> "removed"'
    return {
        "size": sizes[0],
        "after": os.path.getsize(path),
        "one": timed(lambda: base.execute(one, (names[1],)).fetchone()[0], 3),
        "blame": timed(lambda: base.execute("select count(*) from dolt_blame_t").fetchone()[0], 1),
    }


def lines(name: str) -> Iterable[str]:
    with Path(name).open() as file:
        yield from file


def main() -> None:
    command, *names = sys.argv[1:]
    with tempfile.TemporaryDirectory(dir=Path(names[0]).parent) as folder:
        path = f"{folder}/dolt.db"
        base = opened(path)
        found = (
            history(base, names, path) if command == "history" else {"diff": diff, "merge": merge}[command](base, names)
        )
        print(json.dumps(found))
        base.close()


if __name__ == "__main__":
    main()
