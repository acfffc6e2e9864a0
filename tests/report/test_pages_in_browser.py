"""The pages in a real browser: filters, links, keyboard, light and dark, paper."""

from __future__ import annotations

import pandas as pd
import pytest
from browser import opened, serious_issues
from made_results import make_results

from bioanalysis.report import write_study_report
from bioanalysis.report.page import write_page
from bioanalysis.report.run_sections import curve_figures, measurements_section, rule_sections
from bioanalysis.report.sections import section
from bioanalysis.report.study_tables import read_of_run

pytestmark = [pytest.mark.browser, pytest.mark.requirement("UR-050")]
ROWS = "#Tissue-concentrations tbody tr"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Return a study of two runs, the second failed, with its page and a page per run."""
    folder = make_results(tmp_path_factory.mktemp("study"), failed=(1,))
    write_study_report(folder, folder / "results/study/report.html")
    for name in ("R0", "R1"):
        run = read_of_run(folder / f"results/runs/{name}", name, "ASO-LCMS-01")
        sections = [
            *rule_sections(run.acceptance),
            section("Calibration", figures=curve_figures(run.curves[0], 15.0)),
            measurements_section(run.measurements, has_chromatograms=False),
        ]
        write_page(folder / f"results/runs/{name}/report.html", f"Run {name}", "", [], sections)
    return folder


def address(study, path: str = "study/report.html") -> str:
    return (study / "results" / path).as_uri()


def choice(page, name: str):
    return page.locator(f"#Tissue-concentrations .filter label:has-text('{name}') select")


def test_filters_leave_the_rows_chosen_and_count_them(chromium, study):
    with opened(chromium) as (page, said):
        page.goto(address(study))
        choice(page, "status").select_option("not reported")
        assert page.locator(f"{ROWS}:visible").count() == 6
        choice(page, "tissue").select_option("liver")
        assert page.locator(f"{ROWS}:visible").count() == 3
        assert page.locator("#Tissue-concentrations output").inner_text() == "3 of 12 rows"
        assert said == []


def test_rows_are_whole_pixels_high_so_that_the_fixed_first_column_stays_in_line(chromium, study):
    with opened(chromium) as (page, _):
        page.goto(address(study))
        heights = page.locator(ROWS).evaluate_all("rows => rows.map(row => row.getBoundingClientRect().height)")
        assert len(heights) == 12
        assert all(height == round(height) for height in heights)


def test_a_value_leads_to_its_row_in_one_click(chromium, study):
    with opened(chromium) as (page, said):
        page.goto(address(study))
        # S2 is the third sample of R0: line 9 of its worklist
        page.locator(ROWS).filter(has_text="S2").locator("a").first.click()
        page.wait_for_url("**/runs/R0/report.html#row-9-mipomersen")
        assert "S2" in page.locator("tr:target").inner_text()
        assert said == []


@pytest.mark.parametrize("section", ["Samples-planned_2c-received_2c-analysed-and-reported", "Control-animals"])
def test_a_number_of_a_group_leads_to_its_values_and_from_there_to_the_injection(chromium, study, section):
    with opened(chromium) as (page, said):
        page.goto(address(study))
        row = page.locator(f"#{section} tbody tr").first
        row.locator("a").first.click()
        left = page.locator(f"{ROWS}:visible")
        page.locator("#Tissue-concentrations output:not(:empty)").wait_for()  # the filter follows the address
        shown = page.locator("#Tissue-concentrations output").inner_text()
        assert shown == f"{left.count()} of 12 rows"
        assert 0 < left.count() < 12
        assert choice(page, "tissue").input_value() == "liver"
        left.first.locator("td a").first.click()
        page.wait_for_url("**/runs/R*/report.html#row-*")
        assert page.locator("tr:target").is_visible()
        assert said == []


def test_a_sample_hidden_by_a_filter_is_shown_to_who_is_sent_to_it(chromium, study):
    with opened(chromium) as (page, _):
        page.goto(address(study) + "#Tissue-concentrations?group=high&tissue=kidney")
        assert page.locator("#sample-S0").is_hidden()
        page.goto(address(study) + "#sample-S0")
        assert page.locator("#sample-S0").is_visible()
        assert choice(page, "group").input_value() == ""


def test_a_long_table_scrolls_in_its_own_frame_under_its_head(chromium, tmp_path):
    folder = make_results(tmp_path, sizes=(60,))
    write_study_report(folder, folder / "results/study/report.html")
    with opened(chromium, viewport={"width": 900, "height": 700}) as (page, _):
        page.goto(address(folder))
        frame = page.locator("#Tissue-concentrations .wide")
        frame.evaluate("box => { box.scrollIntoView(); box.scrollTop = box.scrollHeight; }")
        assert frame.bounding_box()["height"] <= 700
        assert page.locator(ROWS).last.bounding_box()["y"] < 700
        head, box = frame.locator("thead th").first.bounding_box(), frame.bounding_box()
        assert head["y"] == pytest.approx(box["y"], abs=2)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_link_into_a_folded_table_opens_it(chromium, study):
    with opened(chromium) as (page, _):
        page.goto(address(study, "runs/R0/report.html"))
        assert not page.get_by_text("prepared separately").last.is_visible()
        page.locator("#Every-rule-and-its-numbers summary").press("Enter")
        assert page.get_by_text("prepared separately").last.is_visible()


def test_every_row_stands_there_without_scripts(chromium, study):
    with opened(chromium, java_script_enabled=False) as (page, _):
        page.goto(address(study))
        assert page.locator(ROWS).count() == 12
        assert not page.locator("#Tissue-concentrations .filter").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["study/report.html", "runs/R1/report.html"])
def test_no_serious_issue_of_accessibility(chromium, study, path, scheme):
    with opened(chromium, color_scheme=scheme) as (page, said):
        page.goto(address(study, path))
        assert serious_issues(page) == []
        assert said == []


def test_on_paper_no_filters_and_no_hidden_tables(chromium, study):
    with opened(chromium) as (page, _):
        page.goto(address(study))
        page.emulate_media(media="print")
        assert not page.locator("nav").is_visible()
        assert not page.locator("#Tissue-concentrations .filter").is_visible()
        assert page.locator("h1").is_visible()


def test_a_table_of_many_columns_is_not_cut_on_paper(chromium, tmp_path):
    cells = {f"mean of {n}": [12.3, 0.456] for n in range(26)}
    write_page(tmp_path / "page.html", "Page", "", [], [section("Wide", pd.DataFrame(cells))])
    # 273 mm of an A4 page between margins of 12 mm are 1032 pixels
    with opened(chromium, viewport={"width": 1032, "height": 700}) as (page, _):
        page.goto((tmp_path / "page.html").as_uri())
        page.emulate_media(media="print")
        assert page.locator(".wide").evaluate("box => box.firstElementChild.offsetWidth <= box.clientWidth")


def test_numbers_stand_at_the_right_and_names_at_the_left(chromium, tmp_path):
    table = pd.DataFrame({"tissue": ["liver", "kidney"], "subject_id": ["101", "102"], "mean": ["BLQ", "1.5"],
                          "days": ["28 to 84", "3"]})  # fmt: skip
    write_page(tmp_path / "page.html", "Page", "", [], [section("1st, of all", table)])
    with opened(chromium) as (page, said):
        page.goto((tmp_path / "page.html").as_uri())
        for row in page.locator("tr").all():
            sides = row.locator("th, td").evaluate_all("all => all.map(cell => getComputedStyle(cell).textAlign)")
            assert sides == ["left", "left", "right", "left"]
        assert said == []


@pytest.mark.parametrize("name", ["<img src=x onerror=document.title='hit'>", "<script>document.title='hit'</script>"])
def test_a_hostile_name_does_nothing(chromium, tmp_path, name):
    folder = make_results(tmp_path, name_of=lambda n: f"{name}{n}", comment=name)
    write_study_report(folder, folder / "results/study/report.html")
    with opened(chromium) as (page, said):
        page.goto(address(folder))
        assert page.title() != "hit"
        assert f"{name}0" in page.locator(ROWS).first.inner_text()
        assert said == []
