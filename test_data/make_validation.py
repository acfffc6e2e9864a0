"""Make the two demonstration validations: their tables and raw data in test_data/validation/.

    python test_data/make_validation.py [--seed N] [--into FOLDER]

Without arguments it makes the committed files again, byte for byte. Settings and methods are kept by hand.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from validation import elisa_validation, lcms_validation

SEED = 20260112
STUDIES = {"chromatographic": lcms_validation.make, "ligand_binding": elisa_validation.make}


def make_validations(folder: Path, seed: int) -> None:
    """Write both study folders below `folder`; the same seed (0 to 2**32 - 1) gives the same bytes."""
    for number, (name, make) in enumerate(STUDIES.items()):
        source = HERE / "validation" / name
        for kept in ("config.yaml", f"methods/{_method(source)}"):
            if source != folder / name:
                (folder / name / "config" / kept).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / "config" / kept, folder / name / "config" / kept)
        make(folder / name, np.random.RandomState([seed, number]))


def _method(study: Path) -> str:
    return next((study / "config/methods").glob("*.yaml")).name


def main() -> None:
    """Read the command line and make the validations."""
    parser = argparse.ArgumentParser(description="Make the demonstration validations.")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of every random number")
    parser.add_argument("--into", type=Path, default=HERE / "validation", help="folder of both study folders")
    given = parser.parse_args()
    make_validations(given.into, given.seed)


if __name__ == "__main__":
    main()
