"""Acceptance limits: a catalogue of rules as data, profiles that change its numbers, the limits in force."""

from bioanalysis.limits.catalogue import (
    CONVENTION,
    EDITION,
    EXPLORATORY,
    STAGES,
    Limits,
    Rule,
    distribution_rules,
    limits_for,
    override_faults,
    read_catalogue,
    sides_needed,
    trend_rules,
)

__all__ = [
    "CONVENTION",
    "EDITION",
    "EXPLORATORY",
    "STAGES",
    "Limits",
    "Rule",
    "distribution_rules",
    "limits_for",
    "override_faults",
    "read_catalogue",
    "sides_needed",
    "trend_rules",
]
