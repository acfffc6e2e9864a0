"""The runs of a study as its report asks for them: each is read once, asked and let go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bioanalysis.report.all_runs import AllRuns, Deviation, not_acquired
from bioanalysis.report.decided import decided_within_run, wider_than_guideline
from bioanalysis.report.first_screen import Verdict
from bioanalysis.report.links import ControlsOf, held_in
from bioanalysis.report.study_tables import ROWS, Stacked, read_of_run
from bioanalysis.report.tracking import Preparation, prepared
from bioanalysis.study import Study
from bioanalysis.words import NOT_REPORTED


@dataclass(frozen=True)
class RunsOfStudy:
    """What the report of a study says of its runs.

    Attributes
    ----------
    verdicts : list of Verdict
        On each run, or plate of it, and analyte.
    curves, controls : DataFrame
        Every curve and every QC, as `AllRuns` returns them.
    rows : DataFrame
        run_id and `ROWS` of all measurements: where a number of the study leads to.
    held : dict
        The accepted runs that hold each QC.
    wider : list of str
        What lets pass more than the guideline does.
    decided : list of dict
        Lines of the first screen on what people decided.
    lost, prepared : list of tuple
        Rows that were not acquired; what standards and QCs were made of.
    """

    verdicts: list[Verdict]
    curves: pd.DataFrame
    controls: pd.DataFrame
    rows: pd.DataFrame
    held: dict[ControlsOf, list[str]]
    wider: list[str]
    decided: list[dict[str, str]]
    lost: list[Deviation]
    prepared: list[Preparation]

    @classmethod
    def read(cls, study: Study, results: Path, concentrations: pd.DataFrame, repeats: pd.DataFrame) -> RunsOfStudy:
        """Return what is said of the runs whose results lie in the folders of `results`.

        Parameters
        ----------
        concentrations, repeats : DataFrame
            tissue_concentrations.tsv and repeats.tsv of the study.
        """
        gathered = AllRuns(concentrations[concentrations.status == NOT_REPORTED], repeats)
        rows, held = Stacked("run_id", *ROWS), dict[ControlsOf, list[str]]()
        wider, decided, lost, made = list[str](), list[dict[str, str]](), list[Deviation](), list[Preparation]()
        for run in study.runs:
            tables, worklist = read_of_run(results / run.run_id, run.run_id, run.method.method_id), run.worklist
            gathered.add(tables)
            rows.add(tables.measurements, run_id=run.run_id)
            for controls in held_in(tables):
                held.setdefault(controls, []).append(run.run_id)
            wider += [line["text"] for line in wider_than_guideline(run.run_id, tables.acceptance, tables.flags)]
            decided += decided_within_run(run.run_id, tables.flags)
            lost += not_acquired(run.run_id, worklist)
            made += prepared(run, worklist)
        return cls(gathered.verdicts, gathered.curves, gathered.controls, rows.table(), held, wider, decided, lost,
                   made)  # fmt: skip
