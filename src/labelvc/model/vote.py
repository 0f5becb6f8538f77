"""A vote: a statement on a change, as it stands under the policy of its time."""

from __future__ import annotations

from typing import NamedTuple


class Vote(NamedTuple):
    """A statement on a transition, as it stands under the policy that was in force when it was integrated.

    Attributes:
        path: its file.
        decision: `approve`, `reject` ...; empty when the statement does not hold.
        principal, name, role: who, under which name, in which role.
        signed: when, as the signer claims.
        policy: version of the policy it was judged by.
        stood: whether its file was there when the change came in, which is all that `verify` counts for that step.
        problem: why it does not hold; empty when it does.
        meaning: what the signature means, as signed; a yes in an `emergency` is none that the rules ask for.
        reason: why, as signed.
        superseded: file of the signer's own statement that takes it back; empty when none does.
    """

    path: str
    decision: str
    principal: str
    name: str
    role: str
    signed: str
    policy: int
    stood: bool
    problem: str = ""
    meaning: str = ""
    reason: str = ""
    superseded: str = ""

    @property
    def ordinary(self) -> bool:
        """Tell whether it is a yes that the rules ask for and that was there when the change came in."""
        return self.decision == "approve" and self.meaning != "emergency" and self.stood
