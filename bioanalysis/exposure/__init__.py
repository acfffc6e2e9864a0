"""Exposure over time: steady state, sparse AUC, half-life in tissue, trends over dose groups."""

from bioanalysis.exposure.elimination import half_life, sparse_auc
from bioanalysis.exposure.steady_state import accumulation_ratio, steady_state_fraction
from bioanalysis.exposure.trend import dunnett, jonckheere

__all__ = ["accumulation_ratio", "dunnett", "half_life", "jonckheere", "sparse_auc", "steady_state_fraction"]
