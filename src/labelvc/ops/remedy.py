"""Remedy: the command that brings a step further which is not approved."""

from __future__ import annotations

from labelvc.core import decide
from labelvc.core.quorum import Standing
from labelvc.model.shell import word
from labelvc.ops import approvals
from labelvc.ops import policy as governing
from labelvc.ops.steps import Step


def hint(step: Step, names: str) -> str:
    """Return the command that brings a step further.

    Args:
        step: one that is not approved.
        names: the range to approve, as the command should write it.
    """
    if step.state == "undecidable":
        strangers = [problem.path for problem in step.problems if len(problem.path) == len(step.commit)]
        if strangers:
            return f"git show -s --format=%ae {strangers[0][:12]}; labelvc policy add PRINCIPAL --email ADDRESS"
        lists = [problem.path for problem in step.problems if problem.path.endswith(f"/{approvals.CHANGE_SET}")]
        return f"git log --all -- {word(lists[0])}, and bring it back as it was" if lists else "labelvc policy check"
    if step.state == "rejected" and step.noes:
        who, role = step.noes[0].principal, step.noes[0].role
        command = f'labelvc approve {word(names)} --role {role} --decision withdraw --reason "..."'
        return f"change what {who} rejected, or {who} runs: {command}"
    missing = [need for need in step.needs if need.have < need.asked]
    if not missing:
        rooted = any(decide.kind_of(key) == "trust" for key in step.uncovered)
        return "labelvc trust show" if rooted else f"labelvc policy explain {word(names)}"
    told = "; ".join(dict.fromkeys(cure(need, names) for need in missing))
    if any(need.stuck for need in missing) or "..." in names:
        return told
    if step.state == "conditional":
        return f"{told}, commit it, and judge this step with what came after it: labelvc verify {word(names.partition('..')[0])}..HEAD"
    return f"{told}, commit it, and judge both as one: labelvc verify {word(names.partition('..')[0])}...HEAD"


def cure(need: Standing, names: str) -> str:
    """Return the command that brings a need further.

    Args:
        need: one that is not met.
        names: the range it is about.
    """
    if not need.stuck:
        return f"labelvc approve {word(names)} --role {need.role}"
    key = "ssh-keygen -t ed25519-sk" + " -O verify-required" * need.presence.verification
    return (
        f"{key}, then {governing.enrol(need.role, names)}" if any(need.presence) else governing.enrol(need.role, names)
    )
