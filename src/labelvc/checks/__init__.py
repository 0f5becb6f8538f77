"""Checks: what can be wrong with labels, one module a check, found through `registry`."""
