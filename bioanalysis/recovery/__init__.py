"""Extraction recovery: the factor a run, a study or a validation gives, and when it may be applied."""
