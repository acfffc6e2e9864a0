"""Clinical chemistry beside liver concentrations. A research flag, not a dosing decision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from bioanalysis.evaluation.findings import Findings, flags_of
from bioanalysis.exposure import dunnett, jonckheere
from bioanalysis.exposure.liver_safety import SCALES, FindingClass, classes_of, correlation
from bioanalysis.study import Study
from bioanalysis.variability.biodistribution import animal_values
from bioanalysis.words import count_of

STATEMENT = "research flag, not a dosing decision"
LIVER_SAFETY = [
    "subject_id", "group", "treatment", "study_day", "test", "value", "unit", "uln", "multiple_of_uln",
    "fold_over_control", "class", "action", "repeat_by_day", "repeated", "flag", "source", "statement", "note",
]  # fmt: skip
LIVER_TESTS = [
    "analysis", "test", "unit", "study_day", "group", "analyte", "method_id", "estimate", "low", "high", "statistic",
    "p_value", "n", "note",
]  # fmt: skip
VEHICLE, LIVER, ALT = "vehicle", "liver", "ALT"


def judge_liver_safety(study: Study, concentrations: pd.DataFrame) -> Findings:
    """Return liver_safety and liver_tests with their flags; both empty without config/clinical_chemistry.tsv."""
    if study.clinical_chemistry is None or study.clinical_chemistry.empty:
        return Findings(
            {"liver_safety": pd.DataFrame(columns=LIVER_SAFETY), "liver_tests": pd.DataFrame(columns=LIVER_TESTS)}
        )
    values = chemistry_values(study)
    table = _classified(values, classes_of(study.config.liver_safety), _last_days(study))
    tests = [*_between_groups(values, study), *_correlations(values, concentrations)]
    text = "{subject_id}, day {study_day:g}: {test} {value:g} {unit}, {note}"
    flags = flags_of(
        table.assign(tissue=LIVER), "clinical_chemistry.tsv", liver_finding=text, liver_repeat_overdue=text
    )
    return Findings(
        {"liver_safety": table[LIVER_SAFETY], "liver_tests": pd.DataFrame(tests, columns=LIVER_TESTS)}, flags
    )


def chemistry_values(study: Study) -> pd.DataFrame:
    """Return the rows of clinical chemistry with multiple of the ULN and fold over concurrent controls."""
    assert study.clinical_chemistry is not None
    about = study.subjects.set_index("subject_id")
    table = study.clinical_chemistry.drop(columns="line").reset_index(drop=True)
    for name in ("group", "treatment", "dose_mg_per_kg"):
        table[name] = table.subject_id.map(about[name])
    table["multiple_of_uln"] = table.value / table.uln
    table["log"] = np.log(table.value.where(table.value > 0))
    keys = ["test", "unit", "study_day"]
    controls = table[table.treatment == VEHICLE].groupby(keys).log.mean().rename("control")
    table = table.join(controls, on=keys)
    table["fold_over_control"] = np.exp(table.log - table.control)
    return table


def _last_days(study: Study) -> dict[str, float]:
    """Return the last day anything is known of each animal: collected, sampled or dosed."""
    logs = [study.samples.rename(columns={"collection_day": "study_day"}), study.clinical_chemistry, study.dosing]
    days = pd.concat([log[["subject_id", "study_day"]] for log in logs if log is not None])
    return days.groupby("subject_id").study_day.max().to_dict()


def _classified(values: pd.DataFrame, classes: tuple[FindingClass, ...], last: dict[str, float]) -> pd.DataFrame:
    rows = []
    for row in values.to_dict("records"):
        scales = {"uln": row["multiple_of_uln"], "control": row["fold_over_control"], "value": row["value"]}
        found = [one for one in classes if one.applies(row["test"], scales[one.scale])]
        row |= {"class": "", "action": "", "source": "", "flag": "", "repeated": "", "statement": STATEMENT}
        row["note"] = _note(row, any(one.scale == "uln" for one in classes if _names(one, row["test"])))
        if found:
            one = found[-1]
            said = f"{scales[one.scale]:.3g} {SCALES[one.scale]}, class {one.name} ({one.when})"
            row |= {"class": one.name, "action": one.action, "source": one.source, "flag": "liver_finding"}
            row |= {"note": "; ".join(filter(None, [said, row["note"]]))} | _repeat(row, one, values, last)
        rows.append(row)
    return pd.DataFrame(rows, columns=LIVER_SAFETY)


def _names(one: FindingClass, test: str) -> bool:
    return test.lower() in (name.lower() for name in one.tests)


def _note(row: dict[str, Any], needs_uln: bool) -> str:
    """Say what a value lacks to be judged."""
    if row["value"] <= 0 and needs_uln:
        return "value is not above 0: no logarithm, no fold over control"
    if np.isfinite(row["multiple_of_uln"]) or not needs_uln:
        return ""
    fold = row["fold_over_control"]
    beside = f"{fold:.3g} x the controls of the day" if np.isfinite(fold) else "no control of the day either"
    return f"no ULN: not classified by it; {beside}"


def _repeat(row: dict[str, Any], one: FindingClass, values: pd.DataFrame, last: dict[str, float]) -> dict[str, Any]:
    """Return by when a finding was to be repeated and what became of it."""
    if one.repeat_within_days is None:
        return {}
    day, until = row["study_day"], row["study_day"] + one.repeat_within_days
    later = values[(values.subject_id == row["subject_id"]) & (values.test == row["test"]) & (values.study_day > day)]
    known = last.get(row["subject_id"], day)
    if len(later) and later.study_day.min() <= until:
        return {"repeat_by_day": until, "repeated": f"repeated on day {later.study_day.min():g}"}
    if known >= until:
        done = f"repeated late, on day {later.study_day.min():g}" if len(later) else "overdue"
        return {"repeat_by_day": until, "repeated": done, "flag": f"{row['flag']};liver_repeat_overdue"}
    return {"repeat_by_day": until, "repeated": f"due; nothing is known of the animal after day {known:g}"}


def _between_groups(values: pd.DataFrame, study: Study) -> Iterator[dict[str, Any]]:
    """Yield Dunnett's and Jonckheere's tests on logarithms, per test and day, groups in the order of their dose."""
    for (test, unit, day), here in values.groupby(["test", "unit", "study_day"], sort=False):
        known = here[here.log.notna()]
        about = {"test": test, "unit": unit, "study_day": day}
        left = f"{count_of(len(here) - len(known), 'value')} not above 0 left out" if len(known) < len(here) else ""
        control = known[known.treatment == VEHICLE].log
        for treatment in dict.fromkeys(known.treatment[known.treatment != VEHICLE]):
            arm = known[known.treatment == treatment].sort_values("dose_mg_per_kg", kind="stable")
            groups = {name: members.log for name, members in arm.groupby("group", sort=False)}
            yield from (about | row | {"note": _joined(row["note"], left)} for row in _dunnett(control, groups))
            yield about | _jonckheere(control, groups, treatment, left)


def _dunnett(control: pd.Series, groups: dict[str, pd.Series]) -> list[dict[str, Any]]:
    base: list[dict[str, Any]] = [
        {"analysis": "dunnett", "group": name, "n": len(members)} for name, members in groups.items()
    ]
    if control.empty:
        return [row | {"note": "no controls on this day"} for row in base]
    try:
        found = dunnett(control, *groups.values())
    except ValueError as error:
        return [row | {"note": str(error)} for row in base]
    note = found.attrs["note"] or "ratio to control, family-wise over groups, on logarithms"
    rows = found.to_dict("records")
    return [
        row | {"statistic": f["statistic"], "p_value": f["p_value"], "low": float(np.exp(f["low"])),
               "high": float(np.exp(f["high"])), "note": note,
               "estimate": float(np.exp(groups[row["group"]].mean() - control.mean()))}
        for row, f in zip(base, rows, strict=True)
    ]  # fmt: skip


def _jonckheere(control: pd.Series, groups: dict[str, pd.Series], treatment: str, left: str) -> dict[str, Any]:
    ordered = [members for members in (control, *groups.values()) if len(members)]
    row = {"analysis": "jonckheere", "group": treatment, "n": sum(map(len, ordered))}
    if len(ordered) < 2:
        return row | {"note": "a trend needs two groups"}
    found = jonckheere(*ordered)
    note = _joined("trend over controls and groups in the order of dose, two-sided", left)
    return row | {"statistic": found.statistic, "estimate": found.z, "p_value": found.p_value, "note": note}


def _correlations(values: pd.DataFrame, concentrations: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the correlation of ALT with liver concentration, overall and within groups."""
    for (analyte, method_id, unit), pairs in alt_and_liver(values, concentrations).groupby(
        ["analyte", "method_id", "unit"], sort=False
    ):
        about = {"test": ALT, "unit": unit, "group": LIVER, "analyte": analyte, "method_id": method_id}
        for name, groups in (("overall", None), ("within groups", pairs.group.tolist())):
            found = correlation(pairs.log_alt, pairs.log_liver, groups)
            note = _joined(
                found.note, "Pearson, on logarithms" + ("; the dose alone may make it" if not groups else "")
            )
            yield about | {
                "analysis": f"correlation, {name}", "estimate": found.coefficient, "low": found.low, "note": note,
                "high": found.high, "p_value": found.p_value, "n": found.n,
            }  # fmt: skip


def alt_and_liver(values: pd.DataFrame, concentrations: pd.DataFrame) -> pd.DataFrame:
    """Return, for each animal, logarithms of its liver concentration and of its last ALT until that day."""
    liver = animal_values(concentrations)
    liver = liver[liver.tissue == LIVER].assign(log_liver=lambda table: np.log(table.ug_per_g))
    keys = ["subject_id", "group", "collection_day", "analyte", "method_id"]
    liver = liver.assign(liver_unit=liver.unit)
    liver = liver.groupby(keys, sort=False).agg({"log_liver": "mean", "liver_unit": "first"}).reset_index()
    log = np.log(values.value.where(values.value > 0))
    alt = values.assign(log_alt=log)[(values.test.str.upper() == ALT) & log.notna()]
    both = liver.merge(alt[["subject_id", "study_day", "log_alt", "unit"]], on="subject_id")
    both = both[both.study_day <= both.collection_day].sort_values("study_day", kind="stable")
    return both.drop_duplicates(["subject_id", "collection_day", "analyte", "method_id"], keep="last").sort_index()


def _joined(*notes: str) -> str:
    return "; ".join(filter(None, notes))
