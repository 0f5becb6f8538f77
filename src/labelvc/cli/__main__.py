"""The door: `python -m labelvc.cli`, which lets git's merge driver in without importing Click."""

from __future__ import annotations

import importlib
import sys

DRIVER = ["plumbing", "merge-driver"]


def main() -> None:
    """Run the merge driver by itself, and everything else through the command line."""
    if sys.argv[1:3] == DRIVER and len(sys.argv) == 8:
        sys.exit(importlib.import_module("labelvc.cli.merging").run(sys.argv[3:]))
    importlib.import_module("labelvc.cli.main").main()


if __name__ == "__main__":
    main()
