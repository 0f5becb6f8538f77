"""Hash functions of the standard library, loaded when the first is asked for.

OpenSSL behind hashlib takes 3 ms, a twentieth of a short command, and many commands hash nothing.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

_OWN = {"sha256_short": ("sha256", "_sha2", "_sha256"), "blake2b": ("blake2b", "_blake2")}


def __getattr__(name: str) -> Any:
    """Return a member of hashlib (PEP 562), kept for the next time.

    `sha256_short` is for a few bytes: where hashlib is not loaded it is the interpreter's own, which is as quick for those.
    """
    name_there, *homes = _OWN.get(name, (name,))
    found = None
    for home in (*homes, "hashlib") if "hashlib" not in sys.modules else ("hashlib",):
        try:
            found = getattr(importlib.import_module(home), name_there)
            break
        except ImportError:  # each version of Python has another of the modules
            continue
    globals()[name] = found
    return found
