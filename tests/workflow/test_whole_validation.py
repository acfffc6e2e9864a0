"""The chromatographic demonstration validation through the whole workflow, as a user starts it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pandas as pd
import pypdf
import pytest
from browser import opened, serious_issues
from python_calamine import CalamineWorkbook

from bioanalysis.export import write_pdf
from bioanalysis.export.summary import read_schema

ROOT = Path(__file__).parents[2]
BIOANALYSIS = Path(sys.executable).with_name("bioanalysis")
pytestmark = [pytest.mark.workflow, pytest.mark.requirement("UR-025")]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("validation") / "study"
    shutil.copytree(ROOT / "test_data/validation/chromatographic", folder)
    run = subprocess.run([BIOANALYSIS, "run", str(folder), "--cores", "2"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return folder, run.stdout


def read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"results/study/{name}.tsv", sep="\t", dtype=str, keep_default_na=False)


def test_the_verdict_is_said_at_the_end(done):
    assert "validation mipomersen: not_assessable (no deciding rule failed; failed and not claimed: STAB-02" in done[1]


def test_every_kind_of_verdict_is_there(done):
    rules = read(done[0], "acceptance").set_index(["rule_id", "subject"]).verdict
    assert rules["VAL-CC-03"].tolist() == ["pass"]
    assert rules["STAB-02", "bench_top, 24 h, 22 °C, LQC"] == "pass"
    assert rules["STAB-02", "bench_top, 48 h, 22 °C, LQC"] == "fail"  # a quarter of the analyte is lost
    assert rules["SEL-CC-04", "lipaemic"] == "not_assessable"
    assert rules["REINJ-VAL"].tolist() == ["not_assessable"]
    assert rules["CROSS-01"].tolist() == ["not_applicable"]


def test_the_simulated_recovery_is_found(done):
    # 0.62 of the analyte and 0.60 of the internal standard; sensitivity scatters 6 % and 3 extracts are on each side
    found = read(done[0], "validation").query("experiment == 'recovery' and lot == ''")
    means = found.groupby("measure")["mean"].apply(lambda column: column.astype(float).mean())
    assert means["recovery, %"] == pytest.approx(62, abs=5)
    assert means["recovery of the internal standard, %"] == pytest.approx(60, abs=5)


def test_only_what_was_shown_is_claimed(done):
    shown = json.loads((done[0] / "results/study/validation.json").read_text())["methods"]["VAL-LCMS"]
    assert shown["tissues"] == ["liver"]
    assert shown["dilution_factors"] == [10.0, 50.0]
    stays = [storage["hours"] for storage in shown["stability"] if storage["condition"] == "bench_top"]
    assert stays == [24.0]


def test_the_report_opens_with_the_verdict_and_what_was_not_done(done):
    page = (done[0] / "results/study/report.html").read_text()
    first_screen = page[: page.index("<h2")]
    assert "mipomersen: OPEN (no deciding rule failed" in first_screen
    assert re.search(r"\d+ NOT ASSESSABLE: VAL-CC-07 \(", first_screen)
    assert "2 FAILED: STAB-02 (bench top, 48 h, 22 °C, LQC: mean -" in first_screen
    for title in (
        "Accuracy and precision",
        "Selectivity",
        "Matrix effect",
        "Dilution integrity",
        "Stability",
        "Recovery",
    ):
        assert f"<h2>{title}" in page


def test_nothing_vanishes(done):
    account = read(done[0], "reconciliation")
    worklists = [pd.read_csv(path, sep="\t") for path in (done[0] / "config/worklists").glob("*.tsv")]
    assert len(account) == sum(map(len, worklists)) + len(worklists)
    assert (account.outcome != "").all()


def test_a_validation_is_sealed_archived_and_charted_like_a_study(done, tmp_path):
    folder = str(done[0])
    for words in (
        ["verify", folder],
        ["seal", folder],
        ["archive", str(tmp_path / "v.zip"), folder],
        ["trends", folder],
    ):
        run = subprocess.run([BIOANALYSIS, *words], capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_validation_report_has_no_serious_issue_of_accessibility(chromium, done, scheme):
    with opened(chromium, color_scheme=scheme) as (page, said):
        page.goto((done[0] / "results/study/report.html").as_uri())
        assert serious_issues(page) == []
        assert said == []


def test_the_validation_has_document_workbook_and_summary_like_a_study(done, tmp_path):
    results = done[0] / "results/study"
    pages = [page.extract_text() for page in pypdf.PdfReader(results / "report.pdf").pages]
    assert "mipomersen: OPEN (no deciding rule failed" in pages[0]
    assert "2 FAILED: STAB-02" in pages[0]
    words = " ".join(pages)
    for title in ("Accuracy and precision", "Stability: verdicts", "Quality controls", "Materials", "Signatures"):
        assert title in words
    assert "Carry-over not done" not in words.replace("\n", " ")  # it is judged in each run
    assert "Re-injection not done" in words.replace("\n", " ")
    assert len({re.search("digest of the results ([0-9a-f]{64})", page)[1] for page in pages}) == 1
    write_pdf(done[0], tmp_path / "again.pdf")
    assert (tmp_path / "again.pdf").read_bytes() == (results / "report.pdf").read_bytes()
    document = json.loads((results / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, read_schema())
    table = read(done[0], "validation")
    said = [row.get("mean") for row in document["statistics"]]
    assert said == [float(cell) if cell else None for cell in table["mean"]]
    assert [row["verdict"] for row in document["rules"]] == read(done[0], "acceptance").verdict.tolist()
    sheet = CalamineWorkbook.from_path(str(results / "report.xlsx")).get_sheet_by_name("validation").to_python()
    assert sheet[0] == list(table.columns)
    assert len(sheet) == len(table) + 1
