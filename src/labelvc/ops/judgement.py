"""Rules of a judgement: what `ci` tells of a branch beside what `check` finds."""

from __future__ import annotations

from labelvc.checks.interface import Rule

LOST = "approval.lost"
RULES = (
    Rule("ci.untold", "error", "Could not be told", "What nobody could look at is not clean."),
    Rule("merge.conflict", "error", "Branch is in conflict", "A person decides what the merge says, and it is judged."),
    Rule("merge.lost", "error", "Merge lost a change", "A label that somebody set is gone without a word."),
    Rule("merge.resurrected", "error", "Merge brought back what was deleted", "Who deleted it is not heard."),
    Rule("merge.unwritten", "error", "Merge says what no side said", "Nobody answers for such a label."),
    Rule("merge.doubled", "error", "Merge holds a key twice", "Two labels of one record cannot both be right."),
    Rule("merge.markers", "error", "Conflict markers were committed", "What is between them is no label."),
    Rule("approval.missing", "error", "Approval is missing", "What the policy asks for was not said."),
    Rule("approval.rejected", "error", "Somebody rejected the change", "A no binds until it is taken back."),
    Rule(LOST, "error", "What was said was taken out", "Approvals and rejections stay in the tree."),
)
"""Of merges, of approvals, and of what could not be told; no dataset sets them."""
