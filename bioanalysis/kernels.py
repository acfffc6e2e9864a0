"""Which kernels BLAS and NumPy take, so that machines with other processors calculate the same last digit.

Both choose by what the processor can do, and logarithms of AVX-512 round otherwise than those of AVX2, which every
x86-64 server since 2013 has. Parallelism is by run: threads that spin on busy cores only cost time.
"""

from __future__ import annotations

import os
from pathlib import Path

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
AVX2 = {
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_L2_SIZE": "512",  # kB: by it matrices are cut into blocks
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",  # names of NumPy 2.4, which the lock holds
}
NOT_BESIDE = "NPY_ENABLE_CPU_FEATURES"  # NumPy refuses both
CPU, FIRST = Path("/proc/cpuinfo"), 2**14  # bytes, which hold all of the first processor


def pin_kernels() -> None:
    """Fix the kernels of this process and of all it starts; NumPy must not be loaded yet.

    A processor without AVX2, or whose abilities are not known (no Linux, no x86-64), keeps its own.
    """
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    if _has_avx2():
        os.environ.update(AVX2)
        os.environ.pop(NOT_BESIDE, None)


def _has_avx2() -> bool:
    try:
        with CPU.open("rb") as about:
            return {b"avx2", b"fma"} <= set(about.read(FIRST).split())
    except OSError:
        return False
