"""A reviewer at the page of a run: boundaries dragged, decisions saved, put into the study, the workflow run again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from browser import serious_issues
from markup import missing_marks

ROOT = Path(__file__).parents[2]
BIOANALYSIS = Path(sys.executable).with_name("bioanalysis")
RUN = "LC-03"
EARLIER = {
    "decision_id": "D-001", "action": "accept_flag", "run_id": RUN, "position": "66", "reason_code":
    "TECHNICAL_CAUSE_EXCLUDED", "reason": "<b>seen</b>", "author": "K. Moreau", "decided_at": "2026-03-18T09:40:00Z",
}  # fmt: skip
REASON = 'tail cut off: "too\tearly"'
READ = {"response": "response", "reading": "curve_reading_ng_ml", "homogenate": "homogenate_ng_ml"}
pytestmark = [pytest.mark.workflow, pytest.mark.browser, pytest.mark.requirement("UR-053")]


def run_study(folder: Path) -> None:
    command = [BIOANALYSIS, "run", str(folder), "--cores", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def rows(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


def peak(folder: Path, position: str, transition: str) -> pd.Series:
    peaks = rows(folder / f"results/runs/{RUN}/peaks.tsv")
    return peaks[(peaks.position == position) & (peaks.transition == transition)].iloc[0]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run of the demonstration, its reanalyses taken as first analyses, one QC outside, one decision about it."""
    folder = tmp_path_factory.mktemp("reviewed")
    shutil.copytree(ROOT / "config", folder / "config")
    shutil.copytree(ROOT / "test_data/raw" / RUN, folder / "test_data/raw" / RUN)
    for path in (folder / "config/worklists").glob("*.tsv"):
        if path.stem != RUN:
            path.unlink()
    worklist = rows(folder / f"config/worklists/{RUN}.tsv")
    worklist.loc[worklist.sample_type == "incurred", "sample_type"] = "unknown"
    worklist.loc[worklist.position == "57", "nominal_ng_ml"] = "5000"  # 4000 was prepared: 20 % too little is found
    worklist.to_csv(folder / f"config/worklists/{RUN}.tsv", sep="\t", index=False)
    runs = rows(folder / "config/runs.tsv")
    runs[runs.run_id == RUN].to_csv(folder / "config/runs.tsv", sep="\t", index=False)
    pd.DataFrame([EARLIER]).to_csv(folder / "config/decisions.tsv", sep="\t", index=False)
    run_study(folder)
    return folder


@pytest.fixture(scope="module")
def page(chromium, study):
    page = chromium.new_page(viewport={"width": 1300, "height": 1000})
    page.complaints = []
    page.on("console", lambda said: page.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(f"file://{study}/results/runs/{RUN}/report.html")
    page.wait_for_selector("#chromatograms[data-ready]")
    yield page
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_issue_of_accessibility(page, scheme):
    page.emulate_media(color_scheme=scheme)
    assert serious_issues(page) == []


@pytest.mark.parametrize("name", ["study", f"runs/{RUN}"])
def test_tables_and_figures_have_captions_and_names(study, name):
    tables, figures, missing = missing_marks((study / f"results/{name}/report.html").read_text(encoding="utf-8"))
    assert tables > 10
    assert figures > 3
    assert missing == []


def title(page) -> str:
    return page.inner_text(".review-title")


def test_a_reviewer_walks_through_the_peaks_by_keyboard(page):
    titles = page.evaluate("[...document.querySelectorAll('.review-card')].map((card) => card.title.split(':')[0])")
    page.locator(".review-card").first.focus()
    for key, place in (("ArrowRight", 1), ("j", 2), ("k", 1), ("ArrowLeft", 0), ("End", len(titles) - 1), ("Home", 0)):
        page.keyboard.press(key)
        assert title(page) == titles[place]
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "left boundary, min"


@pytest.mark.requirement("UR-041")
def test_decisions_of_the_study_stand_apart_as_text(page):
    # text that is not scrolled to is not drawn: its content is asked for, not what is seen of it
    cells = page.locator(".review-taken tbody td").all_text_contents()
    assert cells[:3] == ["D-001", "accept flag", "66"]
    assert "<b>seen</b>" in cells
    page.evaluate("location.hash = '#chromatogram-66'")
    page.wait_for_function("document.querySelector('.review-title').textContent.startsWith('66 ')")
    assert page.inner_text(".review-flags").startswith("accepted: QC failed")
    assert page.locator(".review-drafts").is_hidden()


@pytest.mark.requirement("UR-041")
def test_from_a_tissue_value_to_its_chromatogram_and_back_changed_as_the_page_showed(page, study, tmp_path):
    was = result(study, "R202-K1a")
    before = peak(study, "54", "mipomersen_quan")
    follow_from_the_study(page, study, "R202-K1a", "kidney")
    assert title(page).startswith("54 R202-K1a")
    assert page.get_attribute("#review-area-now", "value") == before.area
    drag(page, "right", 35)
    drag(page, "left", -20)
    dragged = page.get_attribute("#review-area-drawn", "value")
    read = {name: page.get_attribute(f".review-read-drawn [data-name={name}]", "value") for name in READ}
    decide(page, "WRONG_BASELINE", REASON)
    at_peak(page, "58-is_quan", "is_quan")
    page.focus("[aria-label='left boundary, min']")
    page.keyboard.press("Shift+ArrowLeft")
    pressed = page.get_attribute("#review-area-drawn", "value")
    decide(page, "WRONG_PEAK", "first point left out")
    page.select_option("[name=action]", "exclude")
    page.select_option("[name=scope]", "injection")
    decide(page, "SPILL", "vial tipped over")
    at_peak(page, "57-mipomersen_quan", "57 ")
    page.select_option("[name=action]", "accept_flag")
    decide(page, "TECHNICAL_CAUSE_EXCLUDED", "prepared at 4000, listed as 5000")
    with page.expect_download() as download:
        page.click(".review-save")
    assert download.value.suggested_filename == "decisions.tsv"
    download.value.save_as(tmp_path / "decisions.tsv")
    saved = rows(tmp_path / "decisions.tsv")
    put_into(study, tmp_path / "decisions.tsv")
    run_study(study)
    for position, transition, shown in (("54", "mipomersen_quan", dragged), ("58", "is_quan", pressed)):
        after = peak(study, position, transition)
        assert (after.manual, after.estimate) == ("true", "by_hand")
        assert float(after.area) == float(shown) != float(after.automatic_area)
    assert peak(study, "54", "mipomersen_quan").automatic_area == before.area
    measured = rows(study / f"results/runs/{RUN}/measurements.tsv").set_index("position").loc["54"]
    assert {name: float(measured[column]) for name, column in READ.items()} == {k: float(v) for k, v in read.items()}
    assert peak(study, "54", "mipomersen_quan").manual_reason == 'tail cut off: "too early"'
    decided = rows(study / f"results/runs/{RUN}/decisions.tsv")
    assert set(decided.author) == {"A. Lindqvist"}
    assert set(decided.position[decided.reason_code == "SPILL"]) == {"58"}
    # ng/mL of homogenate x mL per g / recovery = ng per g of tissue; neither factor is touched by these decisions
    ng_per_g = float(read["homogenate"]) * float(was.homogenate_factor_ml_per_g) / float(was.recovery_factor)
    now = result(study, "R202-K1a")
    assert float(now.tissue_ug_g) == pytest.approx(ng_per_g / 1000, rel=1e-12)
    assert float(now.tissue_ug_g) != float(was.tissue_ug_g)
    gone = result(study, "R201-K1a")
    assert (gone.tissue_ug_g, gone.status) == ("", "not_reported")
    assert "vial tipped over" in gone.reason
    (accepting,) = saved.decision_id[saved.action == "accept_flag"]
    flags = rows(study / "results/study/flags.tsv").query("flag == 'qc_failed' and position == '57'")
    assert flags[["state", "decision_id"]].to_numpy().tolist() == [["accepted", accepting]]
    assert set(saved.decision_id) <= decisions_in_the_trail(study)
    page.goto(f"file://{study}/results/study/report.html")
    shown = page.locator("#Tissue-concentrations tbody tr").filter(has_text="R202-K1a").inner_text().split()
    assert f"{float(now.tissue_ug_g):.3g}" in shown
    assert f"{float(was.tissue_ug_g):.3g}" not in shown
    assert page.complaints == []


def result(folder: Path, sample: str) -> pd.Series:
    found = rows(folder / "results/study/tissue_concentrations.tsv")
    return found[found.sample_id == sample].iloc[0]


def follow_from_the_study(page, study: Path, sample: str, tissue: str) -> None:
    """Open the study page, leave one tissue, and go in two clicks from the value to its chromatogram."""
    page.goto(f"file://{study}/results/study/report.html")
    page.locator("#Tissue-concentrations .filter label:has-text('tissue') select").select_option(tissue)
    left = page.locator("#Tissue-concentrations tbody tr:visible")
    assert 0 < left.count() < page.locator("#Tissue-concentrations tbody tr").count()
    left.filter(has_text=sample).locator("a").first.click()
    page.wait_for_url(f"**/runs/{RUN}/report.html#row-*")
    page.locator("tr:target a").first.click()
    page.wait_for_selector("#chromatograms[data-ready]")
    page.wait_for_function("document.querySelector('.review-title').textContent !== ''")


def at_peak(page, name: str, said: str) -> None:
    page.evaluate(f"location.hash = '#chromatogram-{name}'")
    page.wait_for_function(f"document.querySelector('.review-title').textContent.includes('{said}')")


def decisions_in_the_trail(study: Path) -> set[str]:
    """Return the ids of decisions that the audit trail has as taken."""
    trail = (study / "results/study/provenance/audit.jsonl").read_text(encoding="utf-8").splitlines()
    return {entry["object"] for entry in map(json.loads, trail) if entry["action"] == "decision_taken"}


def drag(page, side: str, by_pixels: int) -> None:
    box = page.locator(f"[aria-label='{side} boundary, min']").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + 60
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by_pixels, y, steps=4)
    page.mouse.up()


def decide(page, code: str, reason: str) -> None:
    """Fill in the form; the author is asked once."""
    page.select_option("[name=reason_code]", code)
    page.fill("[name=reason]", reason)
    if not page.input_value("[name=author]"):
        page.fill("[name=author]", "A. Lindqvist")
    page.click(".review-form button")


def put_into(study: Path, saved: Path) -> None:
    """Add the rows saved by the page to those of the study."""
    path = study / "config/decisions.tsv"
    both = pd.concat([rows(path), rows(saved)]).fillna("")
    both.to_csv(path, sep="\t", index=False)
