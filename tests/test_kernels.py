"""The kernels of BLAS and NumPy are fixed, whatever the surroundings ask for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bioanalysis import kernels

pytestmark = pytest.mark.requirement("UR-037")

SHOW = """
import numpy, threadpoolctl
from numpy._core._multiarray_umath import __cpu_features__ as here
blas = [pool["architecture"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
print(*blas, *(name for name in ("X86_V3", "X86_V4", "AVX512_ICL", "AVX512_SPR") if here[name]))
"""
PINNED = "import os\nfrom bioanalysis.kernels import pin_kernels\npin_kernels()\n"
OTHERS = {"OPENBLAS_CORETYPE": "Nehalem", "NPY_ENABLE_CPU_FEATURES": "X86_V3", "OMP_NUM_THREADS": "7"}


def said(code: str, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in OTHERS.items():
        monkeypatch.setenv(name, value)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(not kernels._has_avx2(), reason="a processor without AVX2")
def test_blas_and_numpy_take_the_kernels_of_avx2(monkeypatch):
    assert said(PINNED + SHOW, monkeypatch) == "Haswell X86_V3"
    assert said(PINNED + "print(os.environ['OMP_NUM_THREADS'])", monkeypatch) == "1"


@pytest.mark.parametrize(
    ("flags", "pinned"),
    [("flags : fpu fma sse4_2 avx avx2", True), ("flags : fpu sse4_2 avx", False), ("Features : fp asimd", False)],
)
def test_a_processor_without_avx2_keeps_its_own(tmp_path, monkeypatch, flags, pinned):
    about = tmp_path / "cpuinfo"
    about.write_text(f"processor\t: 0\n{flags}\nbugs : none\n")
    for path, has in ((about, pinned), (tmp_path / "missing", False)):  # no Linux has no such file
        monkeypatch.setattr(kernels, "CPU", path)
        monkeypatch.setattr(kernels.os, "environ", found := dict(OTHERS))
        kernels.pin_kernels()
        assert found["OPENBLAS_CORETYPE"] == ("Haswell" if has else "Nehalem")
        assert ("NPY_ENABLE_CPU_FEATURES" in found) == (not has)
