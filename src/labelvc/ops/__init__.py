"""Verbs: one module for each thing a person does; joins rules and world."""
