"""The project as its documents describe it: tasks, datasets, taxonomies, guidelines."""

# No `from __future__ import annotations`: msgspec would compile and evaluate the text of each at every start.

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from labelvc.model.change import Strategy
from labelvc.model.detection import Accepted, Settings
from labelvc.model.finding import Severity
from labelvc.model.milestone import Milestone
from labelvc.model.module import Pinned
from labelvc.model.secret import Epoch
from labelvc.model.waiver import Waiver

TaskType = Literal[
    "label", "labels", "soft", "score", "span", "box", "polygon", "polyline", "points", "mask",
    "relation", "text", "ranking", "token",
]  # fmt: skip


class Task(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked about an item.

    Attributes:
        type: shape of the answer; decides the record's `value`.
        taxonomy: name of the taxonomy its labels come from, for the types that carry a label.
        guideline: name of the guideline in force, for `under`.
        minimum, maximum, step: bounds of a `score`; step 1 means whole numbers, None any number.
        fields: names of the fields of a `token` value, in the order its source format has them.
        groups: token fields that one decision covers, so that a merge keeps them together.
        title: for people.
    """

    type: TaskType
    taxonomy: str | None = None
    guideline: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    fields: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    title: str = ""


Mode = Literal["keyed", "random", "sealed", "drop", "generalise", "redact"]
Scope = Literal["domain", "dataset", "record"]


class Sensitive(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field that must never hold a plain value.

    Attributes:
        pointer: JSON pointer into the record or item, `/by`; a step `*` is any member or element (docs/formats/privacy.md).
        kind: `person`, `account`, `email`, `device` ...: equal kinds share tokens and can be joined.
        mode: how it is protected: `keyed` by the token of docs/formats/pseudonym.md, `random` by a token that only the vault
            can trace, `sealed` by a ciphertext in place, `drop` by leaving it out, `generalise` by a coarser value, `redact` by
            taking what the detectors find out of a text, whose labels stay.
        layer: whether it is a field of records (`annotations`) or of `items`.
        scope: how far equal values share a token: the whole `domain`, one `dataset`, or nothing but its own `record`.
        to: `generalise` a time to its `month` or `year`.
        step: `generalise` a number to the lower end of its bin of this width.
        prefix: `generalise` a text to its first characters, as many as this.
        instead: what `redact` puts in place of a value: its `token`, or a `surrogate` that nobody has.
        domain: pseudonymisation domain of its tokens; empty: the project's (`labelvc.core.domains` answers).
    """

    pointer: str
    kind: str = "person"
    mode: Mode = "keyed"
    layer: Literal["annotations", "items"] = "annotations"
    scope: Scope = "domain"
    to: Literal["month", "year", ""] = ""
    step: float = 0
    prefix: int = 0
    instead: Literal["token", "surrogate"] = "token"
    domain: str = ""


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field of records or of items: JSON pointer and layer."""

    pointer: str
    layer: Literal["annotations", "items"] = "annotations"


class Risk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What tells people apart without naming them.

    Attributes:
        quasi: fields that together may point to a person: a year of birth, a region, a profession.
        person: the field that says whose a line is, mostly one with pseudonyms; None: each line counts as one person.
    """

    quasi: tuple[Field, ...]
    person: Field | None = None


class CheckSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a dataset wants one rule: its severity (`off` silences it) and its threshold."""

    severity: Severity | Literal["off"] | None = None
    threshold: float | None = None


class ReviewSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How reviews of a dataset are wanted; None and no slices: nothing is said.

    Attributes:
        slices: as those of a dataset.
        examples: how many records of each way a label went are shown.
        budget: characters of Markdown at most.
    """

    slices: tuple[str, ...] = ()
    examples: int | None = None
    budget: int | None = None


class Profile(msgspec.Struct, frozen=True):
    """How some rules and reviews are wanted, under a name that datasets take it by."""

    name: str
    checks: dict[str, CheckSetting] = {}
    review: ReviewSetting = ReviewSetting()


class Dataset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One set of items and the records made on them.

    Attributes:
        name: folder under `datasets/`.
        id: UUID, minted once.
        tasks: names of the project's tasks asked here, to whether each item needs a record of it.
        storage: where annotation shards live: `git` itself, or behind a `dvc` pointer.
        shards: 4^k, the number of shards of each layer.
        group: regular expression; what it captures in the item id decides the shard (None: the id itself).
        natural_key: pointers whose values together must be unique over items; empty: no such claim.
        item_fields: declared extra fields of an item, name to JSON Schema.
        slices: JSON pointers into the item to break results down by: the dataset's own, else those of its profiles.
        sensitive: fields that must never hold a plain value, besides `/by` which always holds a pseudonym.
        risk: the quasi-identifiers, for `labelvc privacy risk`; None where nobody declared any.
        checks: rule id to setting: the dataset's own over those of its profiles.
        profiles: names of profiles whose settings it takes.
        review: how its profiles want reviews of it; `slices` of the dataset holds what they say of these.
        sources: where the items come from: name, url, licence; of one that names an entry of the register of sources, what
            that says: licence, last day (`expires`), whether items may be handed out (`export`).
        merge: pointer into the record or item to what a merge does where both sides changed what is there.
        title: for people.
        ext: what a source of the whole says beside items and records, by format; survives every round trip.
    """

    name: str
    id: str
    tasks: dict[str, bool]
    storage: Literal["git", "dvc"] = "git"
    shards: int = 16
    group: str | None = None
    natural_key: tuple[str, ...] = ()
    item_fields: dict[str, Any] = {}
    slices: tuple[str, ...] = ()
    sensitive: tuple[Sensitive, ...] = ()
    risk: Risk | None = None
    checks: dict[str, CheckSetting] = {}
    profiles: tuple[str, ...] = ()
    review: ReviewSetting = ReviewSetting()
    sources: tuple[dict[str, str], ...] = ()
    merge: dict[str, Strategy] = {}
    title: str = ""
    ext: dict[str, Any] = {}


class Label(msgspec.Struct, frozen=True):
    """One label of a taxonomy: records hold its id, people see its name, sources may call it by an alias."""

    id: str
    name: str = ""
    parent: str | None = None
    status: Literal["active", "deprecated"] = "active"
    aliases: tuple[str, ...] = ()


class Taxonomy(msgspec.Struct, frozen=True):
    """A named, versioned set of labels, and what was done to them, oldest first."""

    name: str
    version: str
    labels: tuple[Label, ...]
    lineage: tuple[dict[str, Any], ...] = ()


class Guideline(msgspec.Struct, frozen=True):
    """What checks need of a guideline.

    Attributes:
        name: the file's name.
        version: in the tree.
        status: `draft`, `pilot`, `active` or `retired`.
        taxonomy: whose labels it explains; None for scores and free text.
        versions: published before, and that of the tree as the last.
        bound: published version to the taxonomy that it explained, `name@version`.
    """

    name: str
    version: str
    status: str
    taxonomy: str | None
    versions: tuple[str, ...]
    bound: dict[str, str] = {}


Part = Literal["definition", "example", "edge_case", "ambiguity"]
"""What a guideline can be asked for: of each label, or (`ambiguity`) once."""


class Pilot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a pilot must have shown before a guideline is active.

    Attributes:
        agreement: share of pairs of answers to one item that are the same; None: not asked.
        alpha: Krippendorff's alpha for labels without order; None: not asked.
        confusions: how many of the pairs of labels taken for each other most often must be answered.
    """

    agreement: float | None = None
    alpha: float | None = None
    confusions: int = 0


class Guiding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a project asks of its guidelines (`guidelines` in labelvc.yaml).

    Attributes:
        requires: status to what a guideline of that status must have.
        records: whether records of a version before stay right (`pin`), or are outdated by a new meaning (`follow`).
        pilot: what must be shown before one is active; None: nothing.
    """

    requires: dict[Literal["draft", "pilot", "active", "retired"], tuple[Part, ...]] = {}
    records: Literal["pin", "follow"] = "pin"
    pilot: Pilot | None = None


class Binding(msgspec.Struct, frozen=True):
    """What a guideline's version leaves open to a record that was made under it.

    Attributes:
        taxonomy: that it explains, `name@version`; empty for none.
        absent: labels of today that this taxonomy did not have, to the version that brought each.
        retired: labels that were out of use in it.
        outdated: labels that mean something else today, where the project follows that; None for every label.
    """

    taxonomy: str = ""
    absent: dict[str, str] = {}
    retired: tuple[str, ...] = ()
    outdated: tuple[str, ...] | None = ()


class Project(msgspec.Struct, frozen=True):
    """Everything the documents of one snapshot say that rules depend on.

    Attributes:
        id: UUID of the project.
        name: short name.
        tasks: name to task.
        datasets, taxonomies, guidelines: name to value.
        digest: `sha256:` over the bytes of all documents read, the key of remembered results.
        domain: pseudonymisation domain of fields that say none; tokens of two domains cannot be joined.
        leaks: what is looked for in plain text.
        erased: tokens of people who were forgotten, which must stand nowhere any more.
        licences: under which items may be handed out; None where the project does not say, and any may, or none at all.
        erase: how records of an erased person go, where the project fixes it; None: each by its place.
        accepted: findings of plain text that somebody answers for.
        waivers: findings that somebody lets stand.
        epochs: of pseudonymisation, in the order they began.
        guiding: what is asked of guidelines.
        modules: that its documents were copied from.
        milestones: name to how much is wanted by when.
        bindings: guideline and version, as records name them, to what that version leaves open; only those of which there is
            something to say, and only where history was asked.
    """

    id: str
    name: str
    tasks: Mapping[str, Task]
    datasets: Mapping[str, Dataset]
    taxonomies: Mapping[str, Taxonomy]
    guidelines: Mapping[str, Guideline]
    digest: str
    domain: str = "main"
    leaks: Settings = Settings()
    erased: frozenset[str] = frozenset()
    licences: frozenset[str] | None = None
    erase: Literal["drop", "unlink"] | None = None
    accepted: tuple[Accepted, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    epochs: tuple[Epoch, ...] = ()
    guiding: Guiding = Guiding()
    modules: tuple[Pinned, ...] = ()
    milestones: Mapping[str, Milestone] = {}
    bindings: Mapping[str, Binding] = {}
