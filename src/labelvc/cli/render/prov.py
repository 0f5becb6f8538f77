"""PROV-JSON: a record's life as entities, activities and agents (W3C Member Submission, 24 April 2013)."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any
from urllib.parse import quote

from labelvc.core import diff
from labelvc.core.veil import HIDDEN, Veil
from labelvc.model.commit import Commit
from labelvc.model.vote import Vote
from labelvc.ops.trace import Life, Step

_SPACES = {
    "lvc": "urn:labelvc:prov:",
    "record": "urn:labelvc:prov:record:",
    "commit": "urn:labelvc:prov:commit:",
    "who": "urn:labelvc:prov:pseudonym:",
    "principal": "urn:labelvc:prov:principal:",
    "software": "urn:labelvc:prov:software:",
    "statement": "urn:labelvc:prov:statement:",
    "guideline": "urn:labelvc:prov:guideline:",
    "release": "urn:labelvc:prov:release:",
}


def document(life: Life, veil: Veil) -> str:
    """Return a life as one PROV-JSON document, with a line break.

    Args:
        life: the life.
        veil: hides plain values where a pseudonym must stand.

    Returns:
        Entities are the record's versions and the releases that hold the present one, activities the commits and statements,
        agents pseudonyms, principals and software.
    """
    graph = _Graph()
    for at, step in enumerate(life.steps):
        graph.step(step, veil, at)
    for release in life.releases or ():
        graph.release(release, life.now)
    return json.dumps({"prefix": _SPACES, **graph.parts}, ensure_ascii=False, indent=1) + "\n"


class _Graph:
    """Statements of PROV by their kind; relations are numbered."""

    def __init__(self) -> None:
        self.parts: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self._versions: dict[bytes, str] = {}
        self._gone: set[str] = set()

    def step(self, step: Step, veil: Veil, at: int) -> None:
        """Add one change: the version it made or took away, who made it, and who answered for it."""
        seen = veil.drawn(diff.compare(step.delta))
        commit = f"commit:{step.commit.id}"
        self._activity(commit, step.commit.committed, "Commit")
        key = step.delta.key
        if step.dropped is not None:
            self._informed(step.dropped, commit, {"lvc:dropped": str(key)})
        if step.integrated.id != step.commit.id and step.integrated != step.dropped:
            self._informed(step.integrated, commit)
        old = self._versions.get(step.delta.old) if step.delta.old is not None else None
        if diff.live(step.delta.new) is None or step.delta.new is None:
            if old is not None and step.dropped is None:
                self._ended(old, step.commit)
            elif old is not None:
                self._relate("used", activity=commit, entity=old)
            return
        name = f"record:{_local(str(key))}/{at + 1}.{step.commit.id[:12]}"
        self.parts["entity"][name] = {
            "prov:type": _name("lvc:Record"),
            "prov:label": str(key),
            "lvc:rev": seen.new.get("rev", 1),
            "lvc:value": json.dumps(_shown(seen.new), ensure_ascii=False, sort_keys=True),
        }
        self._versions[step.delta.new] = name
        self._relate("wasGeneratedBy", entity=name, activity=commit, time=step.commit.committed)
        if old is not None:
            self._relate("used", activity=commit, entity=old)
            self._relate(
                "wasDerivedFrom", generatedEntity=name, usedEntity=old, activity=commit, type=_name("prov:Revision")
            )
        if step.dropped is not None:
            self._ended(name, step.dropped)
        self._makers(name, commit, seen.new, step)
        for vote in step.votes:
            self._vote(vote, name)

    def release(self, version: str, line: bytes | None) -> None:
        """Add a release that holds a line, as a collection of which that version of the record is a member."""
        name = f"release:{_local(version)}"
        self.parts["entity"][name] = {"prov:type": _name("prov:Collection"), "prov:label": version}
        if line is not None and line in self._versions:
            self._relate("hadMember", collection=name, entity=self._versions[line])

    def _informed(self, merge: Commit, commit: str, extra: dict[str, Any] | None = None) -> None:
        """Say that a merge brought what a commit did, or threw it away."""
        name = f"commit:{merge.id}"
        self._activity(name, merge.committed, "Commit")
        self._relate("wasInformedBy", extra=extra, informed=name, informant=commit)

    def _ended(self, version: str, commit: Commit) -> None:
        """Say that a commit took a version away, once: both sides of a merge may have (PROV-CONSTRAINTS, 25)."""
        if version not in self._gone:
            self._gone.add(version)
            activity = f"commit:{commit.id}"
            self._relate("wasInvalidatedBy", entity=version, activity=activity, time=commit.committed)

    def _makers(self, version: str, commit: str, fields: dict[str, Any], step: Step) -> None:
        plan = self._plan(step)
        by, origin = fields.get("by"), fields.get("origin")
        agents = []
        if isinstance(by, str) and by != HIDDEN:
            agents.append(self._agent(f"who:{_local(by)}", "prov:Person"))
        said = [origin.get(kind) for kind in ("tool", "model")] if isinstance(origin, dict) else []
        names = [f"software:{_local(name)}" for name in said if isinstance(name, str)]
        agents += [self._agent(name, "prov:SoftwareAgent") for name in names]
        under = {"prov:plan": plan} if plan else None
        for agent in agents:
            self._relate("wasAssociatedWith", extra=under, activity=commit, agent=agent)
            self._relate("wasAttributedTo", entity=version, agent=agent)

    def _plan(self, step: Step) -> str:
        meaning = step.meaning
        if meaning is None or not meaning.guideline:
            return ""
        name = f"guideline:{_local(meaning.guideline)}"
        entry: dict[str, Any] = {"prov:type": _name("prov:Plan"), "prov:label": meaning.guideline}
        if meaning.taxonomy:
            entry["lvc:taxonomy"] = meaning.taxonomy
        self.parts["entity"].setdefault(name, entry)
        return name

    def _vote(self, vote: Vote, version: str) -> None:
        if vote.problem:
            return
        name = f"statement:{_local(vote.path)}"
        agent = self._agent(f"principal:{_local(vote.principal)}", "prov:Person")
        self._activity(name, vote.signed, "Statement")
        self.parts["activity"][name] |= {
            "lvc:decision": vote.decision,
            "lvc:meaning": vote.meaning,
            "lvc:role": vote.role,
        }
        self._relate("used", activity=name, entity=version, extra={"lvc:stood": vote.stood})
        self._relate("wasAssociatedWith", activity=name, agent=agent)

    def _activity(self, name: str, time: str, kind: str) -> None:
        entry = {"prov:endTime": time, "prov:type": _name(f"lvc:{kind}")}
        self.parts["activity"].setdefault(name, entry)

    def _agent(self, name: str, kind: str) -> str:
        self.parts["agent"].setdefault(name, {"prov:type": _name(kind)})
        return name

    def _relate(self, relation: str, *, extra: dict[str, Any] | None = None, **members: Any) -> None:
        entry = {f"prov:{name}": value for name, value in members.items()} | (extra or {})
        if entry not in self.parts[relation].values():
            self.parts[relation][f"_:{relation}{len(self.parts[relation]) + 1}"] = entry


def _shown(fields: dict[str, Any]) -> Any:
    """Return what a version says: a record's value; of an item all but its id."""
    return fields["value"] if "value" in fields else {name: value for name, value in fields.items() if name != "id"}


def _name(name: str) -> dict[str, str]:
    return {"$": name, "type": "prov:QUALIFIED_NAME"}


def _local(text: str) -> str:
    """Return text as the local part of a qualified name: all but letters, digits and `-._~/` as %XX."""
    return quote(text, safe="/")
