"""Where the peers are: those that `make bench-peers` fetched, and those of labelvc's own environment."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = HERE.parent / ".bench/peers"


def python(name: str, module: str) -> str | None:
    """Return the Python of a peers' folder that can import a module, or None."""
    home = PEERS / name
    found = list(home.glob(f"lib/python3*/site-packages/{module}"))
    return str(home / "bin/python") if found else None


def script(name: str) -> str:
    """Return the path of one of the scripts that run a peer."""
    return str(HERE / f"peer_{name}.py")


def npm(name: str) -> str | None:
    """Return a program that npm installed, or None."""
    return shutil.which(name, path=str(PEERS / "node_modules/.bin"))


def of_peers(name: str) -> str | None:
    """Return a program of the peers' Python folder, or None."""
    return shutil.which(name, path=str(PEERS / "python/bin"))


def own(name: str) -> str | None:
    """Return a program of labelvc's own environment, or None."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)


LABELVC = own("labelvc") or "labelvc"
