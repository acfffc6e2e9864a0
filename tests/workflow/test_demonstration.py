"""The demonstration study through the whole workflow, as a user starts it."""

from __future__ import annotations

import html
import json
import os
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
pytestmark = pytest.mark.workflow


def bioanalysis(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIOANALYSIS, *words], capture_output=True, text=True, check=False)


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def study(demonstrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(demonstrated, tmp_path_factory.mktemp("demonstration") / "study")


def test_a_clean_checkout_has_work_to_do(tmp_path):
    for name in ("config", "test_data"):
        shutil.copytree(ROOT / name, tmp_path / name)
    command = [sys.executable, "-m", "snakemake", "-n", "-s", str(ROOT / "Snakefile"), "--directory", str(tmp_path)]
    plan = subprocess.run(command, capture_output=True, text=True, check=True)
    total = next(line for line in plan.stdout.splitlines() if line.startswith("total"))
    assert int(total.split()[1]) > 0


@pytest.mark.requirement("UR-014")
def test_intervals_hold_the_truth(study):
    # errors are shared by a run, so one study may lie apart from 95 %: at least 80 % are asked for
    found = read(study / "results/study/tissue_concentrations.tsv")
    found = found[found.status == "quantified"]
    truth = read(study / "test_data/truth/samples.tsv").set_index("sample_id").true_tissue_ug_g.astype(float)
    true = found.sample_id.map(truth)
    covered = (found.tissue_ug_g_low.astype(float) <= true) & (true <= found.tissue_ug_g_high.astype(float))
    assert covered.mean() >= 0.80


@pytest.mark.requirement("UR-007")
def test_raw_files_stand_in_the_order_of_their_acquisition(study):
    # each injection takes 6 min: 144 of them, the first at 08:30, the last 143 x 6 min later
    page = (study / "results/runs/LC-01/report.html").read_text(encoding="utf-8")
    assert "Acquired from 2026-03-03T08:30:00Z to 2026-03-03T22:54:00Z, in the order of positions." in page
    assert len(read(study / "work/LC-01/acquisitions.tsv")) == 144
    assert "file_out_of_place" not in set(read(study / "results/study/flags.tsv").flag)


@pytest.mark.requirement("UR-030")
def test_every_sample_has_a_value_or_a_reason(study):
    found = read(study / "results/study/tissue_concentrations.tsv")
    assert set(read(study / "config/samples.tsv").sample_id) == set(found.sample_id)
    assert ((found.status == "quantified") | (found.reason != "")).all()


@pytest.mark.requirement("UR-028")
def test_expected_statuses_come_out(study):
    found = read(study / "results/study/tissue_concentrations.tsv").set_index(["sample_id", "method_id"]).status
    truth = read(study / "test_data/truth/samples.tsv")
    for method, column in (("ASO-LCMS-01", "expected_status_lcms"), ("ASO-HELISA-01", "expected_status_elisa")):
        expected = truth[truth[column] != ""].set_index("sample_id")[column]
        wrong = {sample for sample, status in expected.items() if found.get((sample, method)) not in (status, None)}
        assert not wrong


def test_models_and_weightings_are_compared_on_the_measurements_of_a_run(study, tmp_path):
    measurements = study / "results/runs/LC-01/measurements.tsv"
    done = bioanalysis("curve", str(measurements), "--page", str(tmp_path / "curves.html"))
    assert done.returncode == 0, done.stderr
    head, *rows, _ = done.stdout.splitlines()
    remarks = [row[head.index("remark") :] for row in rows]
    assert not any(remark.startswith(" ") for remark in remarks)
    assert "midpoint ran to its bound" in "".join(remarks)  # on a line the sigmoids do not converge


def test_the_study_stage_passes_fails_and_says_what_it_cannot_assess(study):
    found = read(study / "results/study/acceptance.tsv")
    by_rule = {key: set(rows.verdict) for key, rows in found.groupby(["method_id", "rule_id"])}
    assert by_rule["ASO-LCMS-01", "ISR-03"] == {"pass"}
    assert by_rule["ASO-HELISA-01", "ISR-04"] == {"not_assessable"}
    assert by_rule["ASO-LCMS-01", "STAB-05"] == {"pass", "fail", "not_assessable"}
    assert by_rule["ASO-HELISA-01", "DIL-CC-03"] == {"fail"}
    assert by_rule["ASO-LCMS-01", "DIL-CC-03"] == {"pass"}


@pytest.mark.requirement("UR-024")
def test_the_wrong_tube_is_found_as_a_flyer_and_the_thawed_liver_is_flagged(study):
    events = read(study / "test_data/truth/events.tsv")
    swapped = events[events.event.str.startswith("wrong tube")].sample_id.item()
    pairs = read(study / "results/study/incurred.tsv")
    assert list(pairs[pairs.flyer == "true"].sample_id) == [swapped]
    values = read(study / "results/study/tissue_concentrations.tsv")
    flagged = values[values["flags"].str.contains("storage_beyond_stability")]
    assert set(flagged.sample_id) == {"R203-L2a"}


@pytest.mark.requirement("UR-024")
def test_repeats_are_listed_with_reason_and_justification(study):
    repeats = read(study / "results/study/repeats.tsv")
    assert set(repeats.reason_code) == {"ABOVE_ULOQ", "INSTRUMENT", "IS_RESPONSE"}
    assert (repeats.justification != "").all()
    assert (repeats.accepted_run_id == "LC-02").all()


@pytest.mark.requirement("UR-050")
def test_the_report_shows_the_study_stage(study):
    page = (study / "results/study/report.html").read_text()
    for title in ("Acceptance of the study", "Repeat analyses", "Incurred sample reanalysis", "over all accepted runs"):
        assert title in page
    assert "Incurred reanalysis, ASO-LCMS-01, mipomersen: 13 of 14" in page


@pytest.mark.requirement("UR-060")
def test_a_second_run_has_nothing_to_do(study):
    done = bioanalysis("run", str(study))
    assert "nothing to do: results are up to date" in done.stdout


def test_every_figure_has_its_numbers_beside_it(study):
    folders = list((study / "results").rglob("figures"))
    assert len(folders) == 5  # the study and four runs
    for folder in folders:
        names = set(read(folder / "index.tsv").figure)
        assert names
        for kind in ("svg", "tsv"):
            assert {path.stem for path in folder.glob(f"*.{kind}")} - {"index"} == names


def test_every_result_leads_to_its_row_in_its_run_and_from_there_to_its_chromatogram(study):
    table = read(study / "results/study/tissue_concentrations.tsv")
    measured = table[table.run_id != ""]
    assert (measured.plate[measured.run_id == "ELISA-01"] != "").all()
    page = (study / "results/study/report.html").read_text(encoding="utf-8")
    section = page[page.index("<h2>Tissue concentrations") : page.index("<h2>Summary by group")]
    led = re.findall(r'<th scope="row">([^<]+)</th>.*?href="\.\./runs/([^/]+)/report\.html#(row-[^"]+)"', section)
    assert [(sample, run) for sample, run, _ in led] == list(zip(measured.sample_id, measured.run_id, strict=True))
    pages = {run: (study / f"results/runs/{run}/report.html").read_text(encoding="utf-8") for _, run, _ in led}
    for (_, run, anchor), row in zip(led, measured.itertuples(), strict=True):
        target = re.search(rf'<tr id="{anchor}">.*?</tr>', pages[run], re.S)[0]
        position = row.position.split(";")[0]
        assert f"<td>{row.sample_id}</td>" in target
        is_lcms = row.method_id == "ASO-LCMS-01"
        assert (f'href="#chromatogram-{position}">' in target) == is_lcms
        assert is_lcms or f'<th scope="row">{position}</th><td>{row.plate}</td>' in target


def test_snakemakes_own_report_holds_every_figure_without_a_network(study, tmp_path):
    page = tmp_path / "workflow.html"
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--directory", str(study)]
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run([*command, "--report", str(page)], capture_output=True, text=True, env=os.environ | nowhere)
    assert done.returncode == 0, done.stderr
    words = page.read_text(encoding="utf-8")
    figures = [path for path in (study / "results").rglob("figures/*.svg")]
    assert len(figures) > 20
    assert all(f"{path.stem}.svg" in words for path in figures)
    assert "each sample with its 95 % interval" in words


@pytest.mark.requirement("UR-004")
@pytest.mark.parametrize("memory", ["kept", "lost"])
def test_a_truncated_raw_file_is_refused_and_results_stay(demonstrated, tmp_path, memory):
    """Also where the workflow's hidden folder did not come along with a copy of the study."""
    left_out = shutil.ignore_patterns(".snakemake") if memory == "lost" else None
    study = shutil.copytree(demonstrated, tmp_path / "study", ignore=left_out)
    before = {path: path.read_bytes() for path in (study / "results").rglob("*.tsv")}
    raw = study / "test_data/raw/LC-01/LC-01_010.mzML"
    whole = raw.read_bytes()
    raw.write_bytes(whole[: len(whole) // 2])
    done = bioanalysis("run", str(study))
    assert done.returncode == 2
    assert "LC-01_010.mzML" in done.stderr
    assert "Traceback" not in done.stderr
    assert all(path.read_bytes() == content for path, content in before.items())
    raw.write_bytes(whole)
    planned = bioanalysis("run", str(study), "--dry-run").stdout
    again = re.findall(r"^  run (\S+):", planned, re.MULTILINE)
    assert again == ["LC-01"], "a file that is put right costs its own run and the study"


@pytest.mark.requirement("UR-003")
def test_a_bad_table_is_refused_with_file_and_line(study):
    path = study / "config/samples.tsv"
    text = path.read_text()
    path.write_text(text.replace("\tliver\t", "\tLiver\t", 1))
    try:
        done = bioanalysis("check", str(study))
        assert done.returncode == 2
        assert "config/samples.tsv" in done.stderr
        assert "line 2" in done.stderr
        assert "Liver" in done.stderr
    finally:
        path.write_text(text)


def test_flags_are_words_known_to_the_flag_table_or_the_integrator(study):
    found = read(study / "results/study/tissue_concentrations.tsv")["flags"]
    words = {word for cell in found for word in cell.split(";") if word}
    assert words
    assert all(word.replace("_", "").replace(" ", "").isalnum() for word in words)


@pytest.mark.requirement("UR-060")
def test_a_touched_file_reruns_nothing_and_a_mass_reruns_the_study_alone(study):
    path = study / "config/samples.tsv"
    text = path.read_text()
    assert bioanalysis("run", str(study)).returncode == 0
    path.touch()
    assert "nothing to do" in bioanalysis("run", str(study), "--dry-run").stdout
    path.write_text(text.replace("\t108.0\t", "\t109.0\t", 1))
    try:
        would, *words = bioanalysis("run", str(study), "--dry-run").stdout.splitlines()
        jobs = would.removeprefix("would run: ").split(", ")
        assert sorted(jobs) == ["1 x export_study", "1 x judge_study", "1 x report_study"]
        assert words == [
            "changed since the last recorded run:",
            "  config/samples.tsv, R101-L1a: tissue_mass_mg 108.0 -> 109.0",
            "why:",
            "  the study: settings or tables of the study changed",
        ]
    finally:
        path.write_text(text)


def test_trends_read_what_the_runs_left(study):
    done = bioanalysis("trends", str(study))
    assert done.returncode == 0, done.stderr
    trends = read(study / "trends/trends.tsv")
    kinds = {series.split(", ASO")[0] for series in trends.series}
    assert {"QC bias", "recovery", "retention time", "curve", "signal to noise at the LLOQ", "blank response"} <= kinds
    assert set(trends.run_id) == set(read(study / "config/runs.tsv").run_id)
    written = read(study / "results/runs/LC-02/measurements.tsv")
    bias = written[(written.level == "LQC") & (written.tissue == "liver") & (written.sample_type == "qc")].bias_percent
    charted = trends[(trends.series == "QC bias, ASO-LCMS-01, mipomersen, LQC, liver") & (trends.run_id == "LC-02")]
    assert float(charted.value.iloc[0]) == pytest.approx(bias.astype(float).mean())
    assert "nothing to do" in bioanalysis("run", str(study), "--dry-run").stdout


@pytest.mark.requirement("UR-051")
def test_the_summary_for_other_systems_keeps_its_schema_and_says_what_the_table_says(study):
    document = json.loads((study / "results/study/report.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, read_schema())
    table = read(study / "results/study/tissue_concentrations.tsv")
    numbers = {"value": "value", "low": "value_low", "high": "value_high", "lloq": "lloq", "uloq": "uloq",
               "recovery_factor": "recovery_factor", "collection_day": "collection_day"}  # fmt: skip
    words = ("sample_id", "method_id", "run_id", "status", "reason", "unit", "basis")
    rows = table.to_dict("records")
    assert [[row[name] for name in words] for row in document["results"]] == [
        [row[name] for name in words] for row in rows
    ]
    assert [[row[name] for name in numbers] for row in document["results"]] == [
        [float(row[column]) if row[column] else None for column in numbers.values()] for row in rows
    ]


@pytest.mark.requirement("UR-051")
def test_the_workbook_holds_every_result(study):
    table = read(study / "results/study/tissue_concentrations.tsv")
    workbook = CalamineWorkbook.from_path(str(study / "results/study/report.xlsx"))
    header, *rows = workbook.get_sheet_by_name("tissue_concentrations").to_python()
    assert header == list(table.columns)
    place = header.index("value")
    filled = table.value != ""
    assert [row[place] for row, value in zip(rows, filled, strict=True) if value] == pytest.approx(
        table.value[filled].astype(float).tolist(), rel=1e-15
    )
    assert {row[place] for row, value in zip(rows, filled, strict=True) if not value} == {""}


def test_no_page_shows_a_number_that_is_none(study):
    for page in (study / "results").rglob("report.html"):
        text = re.sub("<(script|style).*?</(script|style)>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.search(r"\b(nan|NaN)\b", re.sub("<[^>]+>", " ", text)), page


@pytest.mark.requirement("UR-051")
def test_the_workbook_has_a_sheet_for_every_table_with_all_its_rows(study):
    workbook = CalamineWorkbook.from_path(str(study / "results/study/report.xlsx"))
    held = {name: len(workbook.get_sheet_by_name(name).to_python()) - 1 for name in workbook.sheet_names}
    tables = {path.stem: len(read(path)) for path in (study / "results/study").glob("*.tsv")}
    of_runs = ("measurements", "reportable", "peaks", "internal_standard", "carry_over", "dilutions", "positions")
    for name in of_runs:
        tables[name] = sum(len(read(path)) for path in (study / "results/runs").glob(f"*/{name}.tsv"))
    tables["acceptance_of_runs"] = sum(len(read(path)) for path in (study / "results/runs").glob("*/acceptance.tsv"))
    assert {name: held[name] for name in tables} == tables
    assert set(held) == {"Contents", *tables}


@pytest.mark.requirement("UR-051")
def test_the_document_for_signature_names_every_result_once(study):
    path = study / "results/study/report.pdf"
    pages = [page.extract_text() for page in pypdf.PdfReader(path).pages]
    text = " ".join(pages)
    words = text[text.index("Concentrations") : text.index("Summary by group")].split()
    table = read(study / "results/study/tissue_concentrations.tsv")
    assert {name: words.count(name) for name in table.sample_id} == table.sample_id.value_counts().to_dict()
    assert all(f"page {number} of {len(pages)}" in text for number, text in enumerate(pages, start=1))
    assert len({re.search("digest of the results ([0-9a-f]{64})", text)[1] for text in pages}) == 1
    assert "FAILED" in pages[0]
    assert "UNSIGNED" in pages[0]
    assert "19 samples without a result" in " ".join(pages[0].split())
    pairs = text[text.index("Incurred sample reanalysis") : text.index("Storage against proven stability")].split()
    reanalysed = read(study / "results/study/incurred.tsv").sample_id
    assert {name: pairs.count(name) for name in reanalysed} == reanalysed.value_counts().to_dict()
    repeats = text[text.index("Repeat analyses") : text.index("Incurred sample reanalysis")].split()
    assert all(name in repeats for name in read(study / "results/study/repeats.tsv").sample_id)
    for title in ("Calibration of all runs", "Recovery", "Deviations and their impact", "Materials"):
        assert title in text
    codes = set(re.findall(r"(?<![\w./-])[a-z]+(?:_[a-z0-9]+)+(?![\w/-]|\.\w)", text))
    assert codes <= {"mipomersen_quan", "mipomersen_qual", "is_quan"}  # names of transitions


def test_the_document_has_the_same_bytes_each_time(study, tmp_path):
    assert bioanalysis("run", str(study)).returncode == 0
    write_pdf(study, tmp_path / "again.pdf")
    assert (tmp_path / "again.pdf").read_bytes() == (study / "results/study/report.pdf").read_bytes()


@pytest.mark.requirement("UR-072")
def test_a_performance_qualification_against_the_truth_as_earlier_numbers(study, tmp_path):
    # sum of what is simulated: single values lie within 30 % of the truth
    truth = read(study / "test_data/truth/samples.tsv").query("expected_status_lcms in ('quantified', 'BLQ')")
    values = [row.true_tissue_ug_g if row.expected_status_lcms == "quantified" else "BLQ" for row in truth.itertuples()]
    rows = [f"{sample}\tmipomersen\tASO-LCMS-01\t{value}\tug/g" for sample, value in
            zip(truth.sample_id, values, strict=True)]  # fmt: skip
    earlier = tmp_path / "earlier.tsv"
    for wrong, code in (([], 0), (["ghost\tmipomersen\tASO-LCMS-01\t3\tug/g"], 3)):
        earlier.write_text("\n".join(["sample_id\tanalyte\tmethod_id\tvalue\tunit", *rows, *wrong]) + "\n")
        options = ["--expected", str(earlier), "--tolerance-percent", "30", "--output", str(tmp_path)]
        done = bioanalysis("pq", str(study), *options)
        assert done.returncode == code, done.stdout
    held = json.loads((tmp_path / "pq.json").read_text())
    assert [row["sample_id"] for row in held["rows"] if row["verdict"] == "fail"] == ["ghost"]


def test_each_required_content_stands_where_the_guide_to_the_report_says(study):
    lines = (ROOT / "docs/report-contents.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| RPT-")]
    assert [rule for rule, *_ in rows] == [f"RPT-{number:02}" for number in range(1, 19)]
    pages = {
        "study": (study / "results/study/report.html").read_text(encoding="utf-8"),
        "run": (study / "results/runs/LC-02/report.html").read_text(encoding="utf-8"),
    }
    for rule, _, where, test in rows:
        assert (ROOT / test).is_file(), rule
        places = [place.split(": ", 1) for place in where.split("; ") if ": " in place]
        for page, title in places:
            assert page == "validation" or f"<h2>{title}" in pages[page], (rule, title)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("sample", "method", "run", "keys"),
    [
        ("R301-S1a", "ASO-LCMS-01", "LC-02", False),
        ("R301-S1a", "ASO-LCMS-01", "LC-02", True),
        ("R301-L1a", "ASO-HELISA-01", "ELISA-01", False),
    ],
)
def test_a_tissue_value_leads_to_its_chromatogram_or_well_in_two_steps(chromium, study, sample, method, run, keys):
    def follow(link):
        link.press("Enter") if keys else link.click()

    with opened(chromium) as (page, said):
        page.goto((study / "results/study/report.html").as_uri())
        row = page.locator("#Tissue-concentrations tbody tr").filter(has_text=sample).filter(has_text=method)
        position = read(study / "results/study/tissue_concentrations.tsv").query(
            "sample_id == @sample and method_id == @method"
        ).position.iloc[0]  # fmt: skip
        follow(row.locator("a").first)
        page.wait_for_url(f"**/runs/{run}/report.html#row-*")
        assert sample in page.locator("tr:target").inner_text()
        if method == "ASO-LCMS-01":
            follow(page.locator("tr:target a").first)
            page.wait_for_selector("#chromatograms[data-ready]")
            begins = "(words) => document.querySelector('.review-title').textContent.startsWith(words)"
            page.wait_for_function(begins, arg=f"{position} {sample}")
        else:
            assert position.split(";")[0] in page.locator("tr:target").inner_text()
        follow(page.get_by_role("link", name="Report of the study"))
        page.wait_for_url("**/study/report.html")
        assert said == []


NOT_OF_READINGS = (  # sections whose numbers come from other tables than readings, or are read off the runs as a whole
    "Doses as given", "Liver safety", "Liver tests", "Samples from collection", "Acceptance of the study",
    "Response variance", "Deviations", "Methods", "Preparation", "Reconciliation", "Provenance", "Repeat analyses by",
    "Exposure over time", "Tissue concentrations", "Materials",
)  # fmt: skip


@pytest.mark.requirement("UR-050")
def test_every_row_of_the_page_leads_to_values_samples_or_runs(study):
    page = (study / "results/study/report.html").read_text(encoding="utf-8")
    sections = re.findall(r"<section id=\"[^\"]+\"[^>]*><h2>([^<]+)</h2>(.*?)</section>", page, re.S)
    followed = 0
    for title, body in sections:
        if title.startswith(NOT_OF_READINGS):
            continue
        for row in re.findall(r"<tr(?: id=\"[^\"]*\")?><th scope=\"row\".*?</tr>", body, re.S):
            # what is about no reading: doses, clinical chemistry, a rule over all runs
            names_nothing = any(word in row for word in ("sample not available", ">dose ", ">liver ", ">study rule "))
            assert names_nothing or re.search(r'href="(\.\./runs/|#sample-|#Tissue-concentrations\?)', row), (
                title,
                row,
            )
            followed += 1
    assert followed > 400


@pytest.mark.requirement("UR-050")
def test_no_code_of_ours_is_shown_to_a_reader(study):
    pages = [study / "results/study/report.html", *(study / "results/runs").glob("*/report.html")]
    assert len(pages) == 5
    for path in pages:
        page = re.sub(
            r"<(script|style|nav|code|figcaption)\b.*?</\1>", " ", path.read_text(encoding="utf-8"), flags=re.S
        )
        words = html.unescape(re.sub(r"<[^>]*>", " ", page))
        shown = set(re.findall(r"(?<![\w./-])[a-z]+(?:_[a-z0-9]+)+(?![\w/-]|\.\w)", words))
        # what a reader is told to write into a table, and names of tables, transitions and presets of the study
        assert shown <= {"repeat_reason", "accept_flag", "clinical_chemistry", "transaminase_3_5", "mipomersen_quan",
                         "mipomersen_qual", "is_quan"}, path  # fmt: skip


@pytest.mark.browser
@pytest.mark.requirement("UR-050")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["study", "runs/ELISA-01", "runs/LC-02"])
def test_no_page_has_a_serious_issue_of_accessibility_or_is_wider_than_a_narrow_screen(chromium, study, path, scheme):
    with opened(chromium, color_scheme=scheme, viewport={"width": 400, "height": 900}) as (page, said):
        page.goto((study / f"results/{path}/report.html").as_uri())
        assert serious_issues(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert said == []
