"""How Hypothesis looks for counter-examples: the same ones each time in the gate, many more in `make test-long`."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("gate", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("long", deadline=None, max_examples=2_000, print_blob=True)
settings.load_profile("gate")
