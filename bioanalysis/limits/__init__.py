"""Acceptance limits: a catalogue of rules as data, profiles that change its numbers, the limits in force."""

from bioanalysis.limits.catalogue import EDITION, Limits, Rule, limits_for, override_faults, read_catalogue

__all__ = ["EDITION", "Limits", "Rule", "limits_for", "override_faults", "read_catalogue"]
