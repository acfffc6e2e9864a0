"""Acceptance: limits in, verdicts with their numbers out."""
