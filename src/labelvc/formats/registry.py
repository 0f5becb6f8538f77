"""The formats there are: a literal table of our own, and what installed packages add under `labelvc.formats`."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from labelvc.errors import ConfigurationError
from labelvc.formats.interface import Format

BUILT_IN = {
    "coco": "labelvc.formats.coco:FORMAT",
    "conllu": "labelvc.formats.conllu:FORMAT",
    "csv": "labelvc.formats.csv:FORMAT",
    "jsonl": "labelvc.formats.jsonl:FORMAT",
    "voc": "labelvc.formats.voc:FORMAT",
}
"""Name to `module:attribute`; nothing is imported before it is asked for."""

GROUP = "labelvc.formats"
"""Entry points of other packages: name to `module:attribute` of a `labelvc.formats.interface.Format`."""


def names() -> tuple[str, ...]:
    """Return the names of the built-in formats, for `click.Choice` and help."""
    return tuple(BUILT_IN)


def find(name: str) -> Format:
    """Return a format by its name; other packages are asked only for names that are not built in.

    Args:
        name: `csv`, or what an installed package calls its own.

    Returns:
        The format.

    Raises:
        ConfigurationError: nothing installed has this name, or the package that does cannot be imported.
    """
    where = BUILT_IN.get(name)
    if where is not None:
        module, _, attribute = where.partition(":")
        return cast("Format", getattr(import_module(module), attribute))
    for point in entry_points(group=GROUP, name=name):
        try:
            return cast("Format", point.load())
        except (ImportError, AttributeError) as error:
            message = f"the format {name!r} cannot be loaded: {type(error).__name__}"
            raise ConfigurationError(
                message, where=point.value, hint=f"pip install --force-reinstall {_package(point)}"
            ) from None
    raise ConfigurationError(
        f"there is no format {name!r}", hint=f"use one of {', '.join(names())}, or install a package that brings it"
    )


def _package(point: object) -> str:
    distribution = getattr(point, "dist", None)
    return str(getattr(distribution, "name", "the package that brings it"))
