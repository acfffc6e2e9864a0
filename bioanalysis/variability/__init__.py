"""Variance components, outliers, robust summaries and the comparison of methods."""

from bioanalysis.variability.comparison import compare_methods, share_within
from bioanalysis.variability.components import variance_components
from bioanalysis.variability.one_way import one_way_anova
from bioanalysis.variability.outliers import grubbs, modified_z, rosner
from bioanalysis.variability.robust import geometric_cv_percent, robust_summary

__all__ = [
    "compare_methods",
    "geometric_cv_percent",
    "grubbs",
    "modified_z",
    "one_way_anova",
    "robust_summary",
    "rosner",
    "share_within",
    "variance_components",
]
