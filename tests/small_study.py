"""A study of four samples, an LC-MS/MS run and an ELISA run, small enough to be read at a glance."""

from __future__ import annotations

from pathlib import Path

from bioanalysis.errors import BatchError, Fault
from bioanalysis.study import Study

CONFIG = """\
study: {id: SMALL-1, title: Four samples, test_article: mipomersen, status: qualified}
tissues:
  liver:  {density_g_ml: 1.06, source: textbook}
  kidney: {density_g_ml: 1.05, source: textbook}
"""

LCMS = """\
method_id: ASO-LCMS-01
version: "2"
platform: lcms
assay_class: chromatographic
concentration_basis: free_acid
analytes:
  - name: mipomersen
    internal_standard: IS1
    lloq_ng_ml: 5
    uloq_ng_ml: 5000
    calibration: {model: linear, weighting: "1/x^2"}
transitions:
  - {name: quan, analyte: mipomersen, role: quantifier, q1_mz: 651.5, q3_mz: 94.9, rt_min: 3.1}
  - {name: qual, analyte: mipomersen, role: qualifier, q1_mz: 716.7, q3_mz: 94.9, rt_min: 3.1}
  - {name: is_quan, internal_standard: IS1, role: quantifier, q1_mz: 640.2, q3_mz: 94.9, rt_min: 2.95}
extraction:
  calibrator_matrix: surrogate
  calibrators_extracted: false
  internal_standard_kind: analog
  internal_standard_added: after_extraction
  recovery_correction: extraction_recovery
acceptance: {profile: ich_m10_chromatographic}
"""

ELISA = """\
method_id: ASO-ELISA-01
version: "1"
platform: elisa
assay_class: ligand_binding
concentration_basis: free_acid
analytes:
  - name: mipomersen
    lloq_ng_ml: 5
    uloq_ng_ml: 500
    calibration: {model: 4pl, weighting: "1/y^2"}
extraction:
  calibrator_matrix: surrogate
  calibrators_extracted: false
  internal_standard_kind: none
  internal_standard_added: none
  recovery_correction: apparent
acceptance: {profile: ich_m10_ligand_binding}
"""

TABLES = {
    "subjects": """\
        subject_id  species  sex  group  treatment   dose_mg_per_kg  dose_basis
        R1          rat      M    G1     vehicle     0               -
        R2          rat      F    G2     mipomersen  10              free_acid""",
    "samples": """\
        sample_id  subject_id  tissue  collection_day  tissue_mass_mg  buffer_volume_ul  not_available_reason
        S1         R1          liver   29              100.5           900               -
        S2         R1          kidney  29              98.2            900               -
        S3         R2          liver   29              101             900               -
        S4         R2          kidney  29              -               -                 lost""",
    "runs": """\
        run_id  method_id     run_date    analyst  raw_path
        LC-01   ASO-LCMS-01   2026-03-10  AL       raw/LC-01
        EL-01   ASO-ELISA-01  2026-03-12  KM       raw/EL-01.csv""",
    "worklists/LC-01": """\
        position  file     sample_type    sample_id  level  nominal_ng_ml  dilution_factor  tissue
        1         b.mzML   blank          -          -      -              -                -
        2         c1.mzML  calibrator     -          C1     5              -                -
        3         c2.mzML  calibrator     -          C2     5000           -                -
        4         q.mzML   qc             -          LQC    15             -                -
        5         qk.mzML  qc             -          MQC    300            -                kidney
        6         pl.mzML  recovery_pre   -          MQC    300            -                liver
        7         ql.mzML  recovery_post  -          MQC    300            -                liver
        8         s1.mzML  unknown        S1         -      -              -                -
        9         s2.mzML  unknown        S2         -      -              10               -""",
    "worklists/EL-01": """\
        position  sample_type   sample_id  level  nominal_ng_ml  dilution_factor  tissue
        A01       calibrator    -          C1     5              -                -
        A02       calibrator    -          C1     5              -                -
        B01       qc            -          LQC    15             -                -
        C1        recovery_pre  -          LQC    15             -                liver
        D1        unknown       S3         -      -              20               -
        D2        unknown       S3         -      -              20               -""",
    "decisions": """\
        decision_id  action   run_id  position  reason_code  reason  author  decided_at
        D1           exclude  EL-01   D02       SPILL        spilt   KM      2026-03-12T10:00:00Z""",
}


def table(text: str) -> str:
    """Return a table drawn with blanks as tab-separated text; `-` is an empty cell, `~` a blank inside a cell."""
    rows = [["" if cell == "-" else cell.replace("~", " ") for cell in line.split()] for line in text.splitlines()]
    return "".join("\t".join(row) + "\n" for row in rows)


def make_small_study(folder: Path) -> Path:
    """Write the study into `folder`."""
    for name in ("config/methods", "config/worklists", "raw/LC-01"):
        (folder / name).mkdir(parents=True)
    (folder / "config/config.yaml").write_text(CONFIG)
    (folder / "config/methods/lcms.yaml").write_text(LCMS)
    (folder / "config/methods/elisa.yaml").write_text(ELISA)
    for name, text in TABLES.items():
        (folder / f"config/{name}.tsv").write_text(table(text))
    for name in ("b", "c1", "c2", "q", "qk", "pl", "ql", "s1", "s2"):
        (folder / f"raw/LC-01/{name}.mzML").write_text("<mzML/>")
    (folder / "raw/EL-01.csv").write_text("well,signal\n")
    return folder


def change(folder: Path, file: str, *changes: tuple[str, str]) -> None:
    """Replace text in a file of the study; each `old` must be there. Cells of tables are separated by one blank."""
    path = folder / file
    text = path.read_text()
    for old, new in changes:
        if path.suffix == ".tsv":
            old, new = (part.replace(" ", "\t").replace("~", " ") for part in (old, new))
        assert old in text, f"{old!r} is not in {file}"
        text = text.replace(old, new, 1)
    path.write_text(text)


def faults_of(folder: Path) -> list[Fault]:
    """Return the faults of a study, in the order of the message."""
    try:
        Study.load(folder)
    except BatchError as error:
        return sorted(error.faults, key=lambda fault: (fault.file, fault.line or 0, fault.column or ""))
    return []


def said(folder: Path) -> list[str]:
    """Return each fault as ``file: line 3, column: found; expected ...``."""
    return [f"{fault.file}: {fault}" for fault in faults_of(folder)]
