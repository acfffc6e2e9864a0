"""A reviewer at the page of a run: boundaries dragged, decisions saved, put into the study, the workflow run again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from browser import serious_issues

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
    """One run of the demonstration, with one decision about it."""
    folder = tmp_path_factory.mktemp("reviewed")
    shutil.copytree(ROOT / "config", folder / "config")
    shutil.copytree(ROOT / "test_data/raw" / RUN, folder / "test_data/raw" / RUN)
    for path in (folder / "config/worklists").glob("*.tsv"):
        if path.stem != RUN:
            path.unlink()
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


def test_decisions_of_the_study_stand_apart_as_text(page):
    # text that is not scrolled to is not drawn: its content is asked for, not what is seen of it
    cells = page.locator(".review-taken tbody td").all_text_contents()
    assert cells[:3] == ["D-001", "accept_flag", "66"]
    assert "<b>seen</b>" in cells
    page.evaluate("location.hash = '#chromatogram-66'")
    page.wait_for_function("document.querySelector('.review-title').textContent.startsWith('66 ')")
    assert page.inner_text(".review-flags").startswith("accepted: qc_failed")
    assert page.locator(".review-drafts").is_hidden()


def test_what_the_page_shows_is_what_the_workflow_gives(page, study, tmp_path):
    page.evaluate("location.hash = '#chromatogram-54-mipomersen_quan'")
    page.wait_for_function("document.querySelector('.review-title').textContent.startsWith('54 ')")
    before = peak(study, "54", "mipomersen_quan")
    assert page.get_attribute("#review-area-now", "value") == before.area
    drag(page, "right", 35)
    drag(page, "left", -20)
    dragged = page.get_attribute("#review-area-drawn", "value")
    read = {name: page.get_attribute(f".review-read-drawn [data-name={name}]", "value") for name in READ}
    decide(page, "WRONG_BASELINE", REASON)
    page.evaluate("location.hash = '#chromatogram-58-is_quan'")
    page.wait_for_function("document.querySelector('.review-title').textContent.includes('is_quan')")
    page.focus("[aria-label='left boundary, min']")
    page.keyboard.press("Shift+ArrowLeft")
    pressed = page.get_attribute("#review-area-drawn", "value")
    decide(page, "WRONG_PEAK", "first point left out")
    page.select_option("[name=action]", "exclude")
    page.select_option("[name=scope]", "injection")
    decide(page, "SPILL", "vial tipped over")
    with page.expect_download() as download:
        page.click(".review-save")
    assert download.value.suggested_filename == "decisions.tsv"
    download.value.save_as(tmp_path / "decisions.tsv")
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
    assert page.complaints == []


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
