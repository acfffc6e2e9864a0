"""The simulated runs of the benchmark, for tests."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_PATH = Path(__file__).parents[2] / "benchmarks" / "integrate_simulated.py"
_SPEC = importlib.util.spec_from_file_location("integrate_simulated", _PATH)
benchmark = importlib.util.module_from_spec(_SPEC)
sys.modules["integrate_simulated"] = benchmark
_SPEC.loader.exec_module(benchmark)
