"""Nouns: frozen values that every floor above shares; no I/O, no rules."""
