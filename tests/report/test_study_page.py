"""The page of a study on made-up results: what it says first, and that nothing put in can break it."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from made_results import make_results

from bioanalysis.report import write_study_report

pytestmark = pytest.mark.requirement("UR-050")

HOSTILE = ("<script>alert(1)</script>", "=cmd|'/C~calc'!A0", "<img/src=x/onerror=alert(1)>", "n" * 200)
REQUIRED = (
    "Tissue concentrations", "Samples planned, received, analysed and reported",
    "Samples from collection to analysis", "Preparation of standards and QCs", "Primary value, basis, unit and range",
    "Control animals", "All runs", "Calibration of all runs", "QCs over the runs", "Materials",
    "Methods and their validation", "Effect of each open flag on the means of groups", "Deviations and their impact",
    "Provenance",
)  # fmt: skip


class Page(HTMLParser):
    """Counts tags and remembers ids and links."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        named = dict(attributes)
        self.ids += [named["id"]] if "id" in named else []
        self.links += [named["href"]] if "href" in named else []
        self.handlers += [name for name in named if name.startswith("on")]


def page_of(folder: Path) -> str:
    path = folder / "results/study/report.html"
    write_study_report(folder, path)
    return path.read_text(encoding="utf-8")


def first_screen(page: str) -> str:
    return unescape(re.sub(r"<style>.*?</style>", "", page[: page.index("<nav")], flags=re.S))


def section_of(page: str, title: str) -> str:
    found = re.search(rf"<section [^>]*><h2>{re.escape(title)}</h2>.*?</section>", page, re.S)
    assert found, title
    return found[0]


@pytest.fixture
def page(tmp_path):
    return page_of(make_results(tmp_path))


def test_every_section_is_there_and_in_the_contents(page):
    contents = page[page.index("<nav") : page.index("</nav>")]
    for title in REQUIRED:
        section_of(page, title)
        assert f">{title}</a>" in contents


def test_every_id_is_unique_and_every_link_within_the_page_leads_somewhere(page):
    parsed = Page(page)
    assert len(parsed.ids) == len(set(parsed.ids))
    within = {link[1:].partition("?")[0] for link in parsed.links if link.startswith("#")}  # behind ?: filters to set
    assert within <= set(parsed.ids)


def test_the_page_needs_no_network(page):
    assert not [link for link in Page(page).links if "//" in link]
    assert "src=" not in page


def test_the_first_screen_says_what_happened_and_that_nothing_is_signed(page):
    words = first_screen(page)
    # twelve samples of six animals, two of them controls: 8 values, 4 BLQ
    assert "2 of 2 runs accepted" in words
    assert "12 of 12 samples with a value or BLQ" in words
    assert "8 quantified, 4 BLQ" in words
    assert "nothing is wider" in words
    assert "UNSIGNED" in words
    assert "Method status: qualified" in words


def test_a_failed_run_says_why_and_what_to_do(tmp_path):
    words = first_screen(page_of(make_results(tmp_path, failed=(1,))))
    assert "1 of 2 runs accepted, 1 failed" in words
    assert "FAILED: R1, mipomersen. QC-05 share of all QCs passing: 0 of 1, must be >= 2/3." in words
    assert "6 samples without a result by ASO-LCMS-01, no repeat yet" in words
    assert "Repeat 6 samples of R1, mipomersen (ASO-LCMS-01)" in words


def test_what_a_failed_rule_was_judged_on_is_named(tmp_path):
    folder = make_results(tmp_path, failed=(1,))
    path = folder / "results/runs/R1/acceptance.tsv"
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    table.loc[table.rule_id == "QC-05", ["subject", "tissue"]] = ["LQC", "liver"]
    table.to_csv(path, sep="\t", index=False)
    words = first_screen(page_of(folder))
    assert "QC-05 share of all QCs passing, LQC, liver: 0 of 1, must be >= 2/3" in words


def flagged(folder, kind: str, observed: str):
    """Return the folder, its first two flags of this kind."""
    path = folder / "results/study/flags.tsv"
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    table.loc[:1, ["flag", "observed"]] = [kind, observed]
    table.to_csv(path, sep="\t", index=False)
    return folder


def test_a_mass_or_volume_that_cannot_be_stands_first_of_what_to_do(tmp_path):
    words = first_screen(page_of(flagged(make_results(tmp_path), "homogenate_implausible", "1.055 mL/g")))
    what = "Check tissue mass and volume of 2 samples, which do not go together (1.055 mL/g in S1): S1, S6."
    # the samples of made_results that have a flag are S1 and S6, and so on
    first, *_ = re.findall(r"<li>(.*?)</li>", words[words.index("What a person must do now") :], re.S)
    assert first.startswith(what)


@pytest.mark.parametrize(
    ("reason", "how"),
    [
        ("above the ULOQ of 5000 ng/mL on the curve", "; diluted more, with repeat_reason ABOVE_ULOQ."),
        ("DILUTED_BELOW_LLOQ: diluted 20 times", "; diluted less, or minimum_dilution in the method"),
        ("INSTRUMENT: no internal standard peak", "."),
    ],
)
def test_a_repeat_says_how_it_is_to_differ(tmp_path, reason, how):
    words = first_screen(page_of(flagged(make_results(tmp_path), "repeat_missing", reason)))
    assert f"Repeat S1 (first in R0): {reason}{how}" in words


def test_samples_that_were_not_measured_are_among_what_to_do(tmp_path):
    folder = make_results(tmp_path, not_analysed=(2, 3))
    path = folder / "results/study/tissue_concentrations.tsv"
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    lost = "not acquired: autosampler did not find the vial"
    table.loc[2, "reason"] = "in no worklist"
    table.loc[3, ["method_id", "run_id", "reason"]] = ["ASO-LCMS-01", "R0", lost]
    table.loc[4, ["status", "value", "reason"]] = ["not_analysed", "", "not_collected"]
    table.to_csv(path, sep="\t", index=False)
    words = first_screen(page_of(folder))
    assert "Analyse S2, in no worklist, or say in config/samples.tsv, not_available_reason" in words
    assert f"Analyse S3 by ASO-LCMS-01: {lost}." in words
    assert "Analyse S4" not in words  # there is no homogenate of it


def test_a_repeat_that_replaced_a_failed_run_is_named(tmp_path):
    folder = make_results(tmp_path, failed=(0,))
    table = pd.DataFrame([
        {"method_id": "ASO-LCMS-01", "analyte": "mipomersen", "sample_id": f"S{n}", "initial_run_id": "R0",
         "initial_status": "not_reported", "accepted_run_id": "R1", "accepted_status": "quantified"} for n in range(6)
    ])  # fmt: skip
    table.to_csv(folder / "results/study/repeats.tsv", sep="\t", index=False)
    path = folder / "results/study/tissue_concentrations.tsv"
    path.write_text(path.read_text().replace("\tR0\t", "\tR1\t").replace("not_reported", "quantified"))
    words = first_screen(page_of(folder))
    assert "6 samples replaced by R1" in words
    assert "Repeat 6" not in words


def test_each_value_leads_to_its_row_in_the_report_of_its_run(page):
    rows = section_of(page, "Tissue concentrations")
    # S8 is the third sample of R1: after head, four calibrators, a QC and two samples it stands in line 9
    assert re.search(r'<th scope="row">S8</th>.*<a href="../runs/R1/report.html#row-9-mipomersen">9</a>', rows)
    assert len(set(re.findall(r'href="(../runs/R\d/report.html#row-\d+-mipomersen)"', rows))) == 12


def test_blq_is_drawn_as_such_and_counted(page):
    rows = section_of(page, "Tissue concentrations")
    figures = re.findall(r"<figure.*?</figure>", rows, re.S)
    assert len(figures) == 2
    for figure in figures:
        assert figure.count('class="mark empty"') == 2  # two control animals
        assert figure.count('class="interval"') == 4
        assert "n 0, BLQ 2" in figure
        assert "from tissue_concentrations.tsv" in figure


def test_samples_are_accounted_for(tmp_path):
    page = page_of(make_results(tmp_path, not_analysed=(2,)))
    rows = section_of(page, "Samples planned, received, analysed and reported")
    # S2 is a liver of the low group, which has two animals
    assert "In every row: day 29." in rows
    assert re.search(r">low</a></th><td>liver</td><td>2</td><td>2</td><td>1</td><td>1</td>", rows)


def test_qcs_outside_their_limit_differ_in_shape(tmp_path):
    figure = section_of(page_of(make_results(tmp_path, failed=(1,))), "QCs over the runs")
    assert figure.count('class="mark fail"') == 1
    assert "1 outside" in figure


def test_expired_materials_are_said(tmp_path):
    folder = make_results(tmp_path)
    (folder / "config/materials.tsv").write_text(
        "material\tkind\tlot\tpurity\texpiry\tsource\n"
        "mipomersen\treference standard\tL-7\t98\t2026-03-10\tX\nIS1\tinternal standard\tL-8\t97\t2027-01-01\tX\n"
    )
    rows = section_of(page_of(folder), "Materials")
    # the last run is of 2026-03-11
    assert rows.count("EXPIRED") == 1
    assert "L-7" in rows


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_data(tmp_path, name):
    name = name.replace("~", " ")
    page = page_of(make_results(tmp_path, name_of=lambda n: f"{name}{n}", comment=name))
    parsed = Page(page)
    assert parsed.tags.count("script") == 1
    assert "img" not in parsed.tags
    assert not parsed.handlers
    assert f"{name}0" in unescape(section_of(page, "Tissue concentrations"))


def test_all_runs_failed(tmp_path):
    page = page_of(make_results(tmp_path, failed=(0, 1)))
    assert "0 of 2 runs accepted, 2 failed" in first_screen(page)
    assert "0 of 12 samples with a value or BLQ" in first_screen(page)
    assert section_of(page, "Tissue concentrations").count("nothing to draw") == 2


def test_one_sample(tmp_path):
    page = page_of(make_results(tmp_path, sizes=(1,)))
    assert "1 of 1 run accepted" in first_screen(page)
    assert section_of(page, "Tissue concentrations").count("<tr id") == 1
    assert 'scope="row">S0<' in page


def test_what_is_said_first_is_said_in_words(tmp_path):
    first = first_screen(page_of(make_results(tmp_path, failed=(1,))))
    assert "not reported" in first
    assert not re.search(r"\b(not_\w+|\w+_failed|is_\w+|ich_\w+)\b", first)


def test_every_sample_is_found_by_its_name_and_no_name_is_given_twice(tmp_path):
    parsed = Page(page_of(make_results(tmp_path, name_of=lambda n: f"S {n}<>")))
    assert len(parsed.ids) == len(set(parsed.ids))
    led = {link[1:] for link in parsed.links if link.startswith("#sample-")}
    assert led
    assert led <= set(parsed.ids)


def test_no_samples_of_a_tissue(tmp_path):
    page = page_of(make_results(tmp_path, not_analysed=(1, 3, 5, 7, 9, 11)))  # every kidney
    rows = section_of(page, "Tissue concentrations")
    assert rows.count("<figure") == 1
    assert rows.count("not in any run") == 6


def test_the_page_is_the_same_each_time(tmp_path):
    folder = make_results(tmp_path)
    assert page_of(folder) == page_of(folder)
