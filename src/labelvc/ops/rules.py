"""The rules of documents, which no check of a shard tells."""

from __future__ import annotations

from labelvc.checks.interface import Rule
from labelvc.ops import instructions, invisible

RULES = (
    Rule("document.yaml", "error", "Document cannot be read", "What two programs read differently governs nothing."),
    Rule(
        "document.schema",
        "error",
        "Document does not fit its schema",
        "A misspelt setting would be ignored in silence.",
    ),
    Rule(
        "document.reference",
        "error",
        "Document names something that does not exist",
        "A label, task or guideline must mean one thing.",
    ),
    Rule(
        "document.version",
        "error",
        "Published version was edited",
        "Records made under a version must keep their meaning.",
    ),
    *invisible.RULES,
    *instructions.RULES,
    Rule(
        "document.register",
        "error",
        "Document of a register contradicts itself or names another that is not there",
        "A date or a link that cannot be is no record of anything.",
    ),
    Rule(
        "register.owner",
        "error",
        "Open document is owned by nobody",
        "What nobody answers for is not looked at again.",
    ),
    Rule(
        "register.rights",
        "warning",
        "Decision was closed by somebody who may not decide",
        "Who may decide is written down before, so that it counts.",
    ),
    Rule("waiver.expired", "error", "Waiver is over", "An exception that nobody looks at again hides the next defect."),
    Rule("waiver.unused", "warning", "Waiver covers nothing", "What it was about is mended, or was never as it says."),
    Rule("waiver.owner", "error", "Nobody answers for a waiver", "Who let a defect stand must be somebody to ask."),
)
