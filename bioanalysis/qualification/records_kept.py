"""Records of a study that was run: the same bytes again, nothing lost, every change found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from bioanalysis.qualification.checks import FAIL, PASS, Check
from bioanalysis.qualification.study_runs import bioanalysis
from bioanalysis.records.digests import files_below, sha256_or_reason
from bioanalysis.tables import read_results
from bioanalysis.words import count_of

PART = "Records and reproducibility"
ALTERED = (
    "config/samples.tsv", "results/study/tissue_concentrations.tsv", "results/study/provenance/audit.jsonl",
    "test_data/raw/ELISA-01.tsv",
)  # fmt: skip


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of every result; records of who ran it and when are left out."""
    names = (name for name in files_below(folder, "results") if "provenance" not in Path(name).parts)
    return {name: sha256_or_reason(folder / name) for name in names}


def same_bytes(here: Mapping[str, str], there: Mapping[str, str]) -> Check:
    """Return the check that two runs of one study came to the same results."""
    differ = sorted(name for name in {**here, **there} if here.get(name) != there.get(name))
    expected = "all result files alike"
    observed = f"{len(differ)} differ, such as {differ[0]}" if differ else f"{len(here)} result files alike"
    words = "two runs: other folder, cores, locale, time zone and hash seed"
    return Check(PART, "UR-037", words, expected, observed, PASS if here and not differ else FAIL, "each other")


def record_checks(folder: Path) -> Iterator[Check]:
    """Yield the checks on the records of the demonstration in `folder`; it is altered and mended on the way."""
    yield _account(folder)
    done = bioanalysis("verify", str(folder))
    yield _exit("verify after the run", 0, done.returncode)
    for name in ALTERED:
        yield _found(folder, name)


def _account(folder: Path) -> Check:
    """Return the check that every sample of the manifest stands in the results with a value or a reason."""
    samples = read_results(folder / "config/samples.tsv")
    path = folder / "results/study/tissue_concentrations.tsv"
    if not path.is_file():
        return Check(PART, "UR-030", "every sample has a value or a reason", "all", f"{path.name} is missing", FAIL)
    values = read_results(path)
    mute = values[(values.status != "quantified") & (values.reason == "")]
    kept = Counter(samples.sample_id.isin(values.sample_id))
    observed = (
        f"{kept[True]} of {count_of(len(samples), 'sample')} in the results, {len(mute)} without value and reason"
    )
    expected = f"{len(samples)} of {count_of(len(samples), 'sample')} in the results, 0 without value and reason"
    verdict = PASS if observed == expected else FAIL
    return Check(
        PART, "UR-030", "every sample has a value or a reason", expected, observed, verdict, "config/samples.tsv"
    )


def _found(folder: Path, name: str) -> Check:
    """Return the check that `verify` names a file of which one byte is changed."""
    path = folder / name
    if not path.is_file():
        return Check(PART, "UR-033", f"one byte changed in {name}", "named, exit 3", f"{name} is missing", FAIL)
    whole = path.read_bytes()
    path.write_bytes(whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:])
    try:
        done = bioanalysis("verify", str(folder))
    finally:
        path.write_bytes(whole)
    observed = f"{'named' if name in done.stderr else 'not named'}, exit {done.returncode}"
    verdict = PASS if observed == "named, exit 3" else FAIL
    return Check(PART, "UR-033", f"one byte changed in {name}", "named, exit 3", observed, verdict)


def _exit(words: str, expected: int, code: int) -> Check:
    return Check(PART, "UR-033", words, f"exit {expected}", f"exit {code}", PASS if code == expected else FAIL)
