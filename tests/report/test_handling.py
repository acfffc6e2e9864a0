"""Storage against what is proven, and peaks integrated by hand, as the study's report shows them."""

from __future__ import annotations

import pandas as pd
from made_results import make_results

from bioanalysis.report.handling import by_hand_section, storage_section
from bioanalysis.study import Study

DECISION = (
    "decision_id\taction\trun_id\tposition\tanalyte\tleft_min\tright_min\treason_code\treason\tauthor\tdecided_at\n"
    "D1\tintegrate\tR1\t7\tmipomersen\t2.9\t3.1\tWRONG_BASELINE\t<b>shoulder</b>\tAL\t2026-03-12T08:00:00Z\n"
)
PEAKS = (
    "position\ttransition\tleft_min\tright_min\tarea\tautomatic_area\tmanual\tflags\tmanual_reason_code\tmanual_reason\t"
    "manual_author\tmanual_decided_at\n"
    "6\tquan\t2.9\t3.1\t100\t100\tfalse\t\t\t\t\t\n"
    "7\tquan\t2.9\t3.1\t150\t100\ttrue\t\tWRONG_BASELINE\t<b>shoulder</b>\tAL\t2026-03-12T08:00:00Z\n"
)


def test_the_span_of_each_tissue_stands_beside_what_is_proven():
    table = pd.DataFrame({
        "method_id": "M", "tissue": ["liver", "liver", "spleen"], "sample_id": ["S1", "S2", "S3"],
        "days": [21.0, 400.0, 30.0], "proven_days": [365.0, 365.0, None], "storage_c": -70.0,
        "proven_temperature_c": [-70.0, -70.0, None], "freeze_thaw_cycles": [1.0, 3.0, 1.0],
        "proven_freeze_thaw_cycles": [3.0, 3.0, None], "verdict": ["pass", "fail", "not_assessable"],
    })  # fmt: skip
    liver, spleen = storage_section(table)["rows"]
    assert "<td>2</td><td>21 to 400</td><td>365</td><td>-70</td><td>-70</td><td>1 to 3</td><td>3</td>" in liver
    assert liver.endswith("<td>1</td><td>1</td><td>0</td></tr>")
    assert "<td>1</td><td>30</td><td>not given</td>" in spleen


def test_what_was_integrated_by_hand_is_shown_before_and_after_and_leads_to_its_chromatogram(tmp_path):
    folder = make_results(tmp_path)
    (folder / "config/decisions.tsv").write_text(DECISION)
    (folder / "results/runs/R1/peaks.tsv").write_text(PEAKS)
    made = by_hand_section(Study.load(folder))
    (row,) = made["rows"]
    assert "<td>100</td><td>150</td>" in row
    assert 'href="../runs/R1/report.html#chromatogram-7"' in row
    assert "&lt;b&gt;shoulder" in row


def test_a_study_without_any_says_none(tmp_path):
    folder = make_results(tmp_path)
    assert by_hand_section(Study.load(folder))["text"] == "none"
    assert storage_section(pd.DataFrame(columns=["method_id", "tissue", "verdict"]))["text"].endswith("none")
