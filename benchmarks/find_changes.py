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


def count(what: Path, files: list[Path], rng: random.Random, changes: int, *, one_bit: bool) -> tuple[int, int]:
    """Change, verify `what`, undo; return how many changes were found, and how many with the file they hit."""
    found = named = 0
    for _ in range(changes):
        path = rng.choice(files)
        whole = path.read_bytes()
        place, flip = rng.randrange(len(whole)), 1 << rng.randrange(8) if one_bit else rng.randrange(1, 256)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
        findings = verify(what)[0]
        found += bool(findings)
        name = path.name if path == what else str(path.relative_to(what))
        named += name in {finding.file for finding in findings}
        path.write_bytes(whole)
    assert not verify(what)[0]
    return found, named


def files_below(*tops: Path) -> list[Path]:
    """Return the files that hold at least one byte."""
    return sorted(p for top in tops for p in top.rglob("*") if p.is_file() and p.stat().st_size)


def main(changes: int = 200) -> None:
    """Change, verify, undo, count: the study, each kind of its records, its archive as folder and as zip file."""
    seed = int.from_bytes(os.urandom(4), "big")
    rng = random.Random(seed)
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory() as folder:
        study = sealed_study(Path(folder))
        files = files_below(study / "config", study / "test_data/raw", study / "results")
        found, named = count(study, files, rng, changes, one_bit=False)
        print(f"study: {changes} bytes changed in {len(files)} files; {found} found, {named} named")
        for pattern in (
            "audit.jsonl",
            "head.json",
            "versions/*/seal.json",
            "signatures/*/*.sig",
            "signatures/*/*.json",
        ):
            records = sorted((study / "results/study/provenance").glob(pattern))
            found, named = count(study, records, rng, changes // 4, one_bit=True)
            print(f"{pattern}: {changes // 4} bits flipped; {found} found, {named} named")
        for name in ("bag", "bag.zip"):
            made = Path(folder) / name
            subprocess.run([BIOANALYSIS, "archive", made, study], check=True, capture_output=True)
            files = files_below(made) if made.is_dir() else [made]
            found, named = count(made, files, rng, changes // 4, one_bit=True)
            print(f"archive {name}: {changes // 4} bits flipped in {len(files)} files; {found} found, {named} named")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
