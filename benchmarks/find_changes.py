"""Random changes of single bytes in a sealed and signed study: how many does `bioanalysis verify` find and name?

python benchmarks/find_changes.py [changes=200]

Takes the demonstration study, computed, sealed and signed with a key made for it. Each change hits one byte of one
file below config/, raw data or results/ (records included), drawn by file on a fresh seed.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bioanalysis.records.verify import verify

ROOT = Path(__file__).parents[1]
BIOANALYSIS = Path(sys.executable).with_name("bioanalysis")


def sealed_study(folder: Path) -> Path:
    """Return the demonstration study, computed, sealed and signed."""
    study, key = folder / "study", folder / "key"
    for name in ("config", "test_data"):
        shutil.copytree(ROOT / name, study / name)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    signers = f"signer\tname\trole\tpublic_key\nSD\tS. Dorn\tstudy director\t{key.with_suffix('.pub').read_text()}"
    (study / "config/signers.tsv").write_text(signers)
    for words in (["run", study], ["seal", study], ["sign", "SD", "approved", study, "--key", key]):
        subprocess.run([BIOANALYSIS, *words], check=True, capture_output=True)
    return study


def main(changes: int = 200) -> None:
    """Change, verify, undo, count."""
    seed = int.from_bytes(os.urandom(4), "big")
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        study = sealed_study(Path(folder))
        tops = ("config", "test_data/raw", "results")
        files = sorted(p for top in tops for p in (study / top).rglob("*") if p.is_file() and p.stat().st_size)
        found = named = 0
        for _ in range(changes):
            path = rng.choice(files)
            whole = path.read_bytes()
            place = rng.randrange(len(whole))
            path.write_bytes(whole[:place] + bytes([whole[place] ^ rng.randrange(1, 256)]) + whole[place + 1 :])
            findings = verify(study)[0]
            found += bool(findings)
            named += str(path.relative_to(study)) in {finding.file for finding in findings}
            path.write_bytes(whole)
        assert not verify(study)[0]
    print(f"seed {seed}: {changes} changes in {len(files)} files; {found} found, {named} named")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
