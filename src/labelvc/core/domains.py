"""Domains: in which pseudonymisation domain the tokens of each field are made; tokens of two domains cannot be joined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from labelvc.core import protection
from labelvc.model import jsonpointer

if TYPE_CHECKING:
    from labelvc.model.names import Layer
    from labelvc.model.project import Project, Sensitive

_ONE_PLACE: Mapping[tuple[str, str], tuple[Layer, str]] = {
    ("annotations", protection.COVERED): ("items", protection.TEXT),
    ("annotations", "/item"): ("items", "/id"),
}
"""What says again what stands elsewhere: where it is not declared itself, its tokens are those of the other place."""


class Domains(NamedTuple):
    """The domains of a project's fields.

    Attributes:
        project: the one of every field that says none, and always of `/by`.
        fields: dataset to its declared fields.
    """

    project: str
    fields: Mapping[str, tuple[Sensitive, ...]]

    def of(self, dataset: str, layer: Layer, pointer: str) -> str:
        """Return the domain of the tokens at a place.

        Args:
            dataset: its name.
            layer: of the line.
            pointer: to the field, or the glob that declares it; what lies inside of a declared field is in its domain.
        """
        declared = self.fields.get(dataset, ())
        field = protection.declared(declared, layer, pointer)
        if field is None and (layer, pointer) in _ONE_PLACE:
            other, at = _ONE_PLACE[layer, pointer]
            field = protection.declared(declared, other, at)
        return self.within(field)

    def within(self, field: Sensitive | None) -> str:
        """Return the domain of a declared field; of none that of the project."""
        return (field.domain if field is not None else "") or self.project

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, that of the project first, then by name."""
        own = {field.domain for fields in self.fields.values() for field in fields} - {"", self.project}
        return self.project, *sorted(own)


def of(project: Project) -> Domains:
    """Return the domains that a project declares."""
    return Domains(project.domain, {name: dataset.sensitive for name, dataset in project.datasets.items()})


def meet(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Tell whether two entries under `sensitive`, as the document has them, may lead to one place, or one into the other."""
    return all(jsonpointer.ANY in pair or pair[0] == pair[1] for pair in zip(*map(_steps, (one, other)), strict=False))


def _steps(field: Mapping[str, object]) -> list[str]:
    """Return the layer of a field and the steps to it."""
    layer, pointer = str(field.get("layer", "annotations")), str(field["pointer"])
    layer, pointer = _ONE_PLACE.get((layer, pointer), (layer, pointer))
    return [layer, *jsonpointer.steps(pointer)]
