"""Hash functions of the standard library, loaded when the first is asked for.

OpenSSL behind hashlib takes 3 ms, a twentieth of a short command, and many commands hash nothing.
"""

from __future__ import annotations

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    """Return a member of hashlib (PEP 562), kept for the next time."""
    found = getattr(importlib.import_module("hashlib"), name)
    globals()[name] = found
    return found
