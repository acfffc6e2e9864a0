"""What several tests need."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def reference() -> Path:
    """Folder of real data and certified values; tests that need it are skipped where it is not given."""
    folder = os.environ.get("BIOANALYSIS_REFERENCE")
    if not folder or not Path(folder).is_dir():
        pytest.skip("BIOANALYSIS_REFERENCE does not name the folder of reference data")
    return Path(folder).resolve()
