"""The lock: which modules a project took, from where, and what each of their documents was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from labelvc import digests
from labelvc.codec import canonical
from labelvc.model.module import Pinned


def digest(data: bytes) -> str:
    """Return what the lock calls the bytes of a document."""
    return f"sha256:{digests.sha256(data).hexdigest()}"


def write(modules: Iterable[Pinned]) -> bytes:
    """Return the file's bytes: a canonical line a module, sorted by name, empty members left out."""
    rows = []
    for module in sorted(modules, key=lambda one: one.name):
        said = {name: value for name in module.__struct_fields__ if (value := getattr(module, name))}
        rows.append(canonical.encode({**said, "documents": dict(module.documents)}) + b"\n")
    return b"".join(rows)


def twice(modules: Sequence[Pinned]) -> str:
    """Return the name that two lines bear; empty when each has its own."""
    seen: set[str] = set()
    for module in modules:
        if module.name in seen:
            return module.name
        seen.add(module.name)
    return ""


def providers(modules: Iterable[Pinned]) -> Mapping[str, list[str]]:
    """Return the names of the modules that gave each document, by its path."""
    found: dict[str, list[str]] = defaultdict(list)
    for module in modules:
        for path in module.documents:
            found[path].append(module.name)
    return found
