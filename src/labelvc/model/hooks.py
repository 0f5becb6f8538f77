"""Hooks: the names of those that git runs for labelvc; what they are asked costs a start, so nothing else is here."""

from __future__ import annotations

HOOKS = ("pre-commit", "pre-merge-commit", "commit-msg", "pre-push")
"""What runs in a clone: a commit, a merge without conflict (which runs no pre-commit), the message of either, a push."""
SERVER_HOOKS = ("pre-receive",)
"""What runs in a bare repository that people push to."""
