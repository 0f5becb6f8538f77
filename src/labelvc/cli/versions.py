"""How a person names a release."""

from __future__ import annotations

import click

from labelvc.core import release as rules
from labelvc.model.release import Version


class _Version(click.ParamType[Version]):
    """A version of three numbers, with or without git's `v` before it."""

    name = "version"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Version:
        return value if isinstance(value, Version) else rules.version(str(value).removeprefix("v"))


VERSION = _Version()
"""The type of an argument that names a release."""
