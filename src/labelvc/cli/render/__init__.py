"""Renderers: findings, deltas and steps as text, JSON or other contracts."""
