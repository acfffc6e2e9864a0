"""SEND: the pharmacokinetic concentrations domain of SENDIG 3.1.1, its supplement, pools and define.xml.

One record per test, specimen, time and animal (or pool): one method, and by default the mean of the pieces of an organ.
A result without a number has none in PCSTRESN: `BLQ` or `ALQ` in PCSTRESC, or PCSTAT with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from bioanalysis.export.reference_dose import Doses
from bioanalysis.export.sources import read_words
from bioanalysis.export.xpt import short_names, unique_within, write_xpt
from bioanalysis.method import Method
from bioanalysis.report.plots import plain
from bioanalysis.study import Study
from bioanalysis.study.finished import open_finished
from bioanalysis.tables import read_columns_of
from bioanalysis.text_files import write_whole

NOT_DONE = "NOT DONE"
SUPPLEMENT = {
    "PCCILOW": ("Lower End of the 95 % Interval", "_low", "DERIVED"),
    "PCCIHIGH": ("Upper End of the 95 % Interval", "_high", "DERIVED"),
    "PCRECOV": ("Recovery Factor Applied", "_recovery", "DERIVED"),
    "PCRUNID": ("Analytical Run", "_runs", "COLLECTED"),
}
READ = (
    "sample_id", "subject_id", "tissue", "collection_day", "piece", "homogenate", "pool", "analyte", "method_id",
    "run_id", "status", "reason", "unit", "value", "value_low", "value_high", "lloq", "recovery_factor",
)  # fmt: skip
RECORDS_AT_ONCE = 2000
LONGEST_NAME = 40  # SENDIG 3.1.1 4.5.2: PCTEST may become a column label


@dataclass(frozen=True)
class DataSets:
    """The data sets of one study by domain, every variable in order, and what was done to make them fit."""

    domains: dict[str, pd.DataFrame]
    notes: tuple[str, ...]


def write_send(folder: Path, target: Path) -> None:
    """Write pc.xpt, supppc.xpt, pooldef.xpt (where there are pools), define.xml and notes.tsv into `target`."""
    from bioanalysis.export.define import ABOUT, write_define

    study = open_finished(folder)
    sets = data_sets(study, read_columns_of(folder / "results/study/tissue_concentrations.tsv", READ))
    target.mkdir(parents=True, exist_ok=True)
    notes = list(sets.notes)
    for domain, frame in sets.domains.items():
        notes += write_xpt(frame, target / f"{domain.lower()}.xpt", domain, ABOUT[domain][0])
    if "POOLDEF" not in sets.domains:
        (target / "pooldef.xpt").unlink(missing_ok=True)
    write_define(study, sets.domains, target / "define.xml")
    write_whole(target / "notes.tsv", "".join(f"{line}\n" for line in ["note", *notes]).encode("utf-8"))


def method_of(study: Study) -> Method:
    """Return the method whose results are submitted: the one named in the settings, else that of the first run."""
    named = study.config.send.method_id
    return study.methods[named] if named else study.runs[0].method


def data_sets(study: Study, table: pd.DataFrame) -> DataSets:
    """Return the data sets made of tissue_concentrations.tsv (as read: every cell text)."""
    method = method_of(study)
    if method.counts_moles:
        return DataSets({name: pd.DataFrame(columns=variables(name)) for name in ("PC", "SUPPPC")}, (in_moles(method),))
    own = table[(table.method_id == method.method_id) | (table.status == "not_analysed")]
    collected = study.samples.set_index("sample_id").collected_at
    own = own.assign(collected_at=own.sample_id.map(collected).fillna(""))
    separate = study.config.send.pieces == "separate"
    doses = Doses.of(study)
    notes = tuple(_notes(study, method, table, own))
    groups = _groups(own[own.analyte.isin(method.analyte_names)], separate)
    del table, own  # as large as the records made of them
    frame = _gathered(_record(here, study, method, doses) for here in groups)
    domains = {"PC": pd.DataFrame(), "SUPPPC": pd.DataFrame()}
    if len(frame):
        order = ["USUBJID", "POOLID", "PCSPEC", "PCDY", "PCTESTCD", "PCSPID"]
        frame = frame.sort_values(order, kind="stable", ignore_index=True)
        frame["PCSEQ"] = frame.groupby(["USUBJID", "POOLID"]).cumcount() + 1.0
        domains = {"PC": frame, "SUPPPC": _supplement(frame)}
    if study.pools is not None and len(study.pools):
        domains["POOLDEF"] = _pools(study)
    ordered = {domain: rows.reindex(columns=variables(domain)) for domain, rows in domains.items()}
    return DataSets(ordered, notes)


def in_moles(method: Method) -> str:
    """Return why nothing of a method in nmol/L without molar mass is submitted."""
    return (
        f"no records: method {method.method_id} counts nmol/L and names no molar mass, and the data sets hold mass per "
        "mass or volume; state the molar mass of each analyte, or name another method under send.method_id"
    )


def variables(domain: str) -> list[str]:
    """Return the variables of a domain in the order of the implementation guide."""
    return [row["variable"] for row in read_words("send_variables.tsv") if row["domain"] == domain]


def term(codelist: str, ours: str) -> str:
    """Return the controlled term for a word of ours; in capitals where the codelist is not known to have one."""
    terms = {(row["codelist"], row["ours"]): row["term"] for row in read_words("send_terms.tsv")}
    return terms.get((codelist, _spoken(ours) if codelist == "SPEC" else ours), ours.upper())


def _spoken(tissue: str) -> str:
    return tissue.lower().replace("_", " ")


def _groups(rows: pd.DataFrame, separate: bool) -> Iterator[pd.DataFrame]:
    keys = ["subject_id", "tissue", "collection_day", "analyte"] + (["piece", "homogenate"] if separate else [])
    return (here for _, here in rows.groupby(keys, sort=False))


def _record(here: pd.DataFrame, study: Study, method: Method, doses: Doses) -> dict[str, Any]:
    """Return one record of PC from the homogenates of one organ."""
    first = here.iloc[0]
    codes = short_names(list(method.analyte_names))
    names = unique_within(list(method.analyte_names), LONGEST_NAME)
    pooled = first.pool == "true"
    unit = term("PKUNIT", first.unit)
    lloq = pd.to_numeric(here.lloq).max()
    day = float(first.collection_day)
    return {
        "STUDYID": study.config.study.id, "DOMAIN": "PC",
        "USUBJID": "" if pooled else _subject(study, first.subject_id), "POOLID": first.subject_id if pooled else "",
        "PCREFID": first.sample_id if len(here) == 1 else "", "PCSPID": first.piece if len(here) == 1 else "",
        "PCTESTCD": codes[first.analyte], "PCTEST": names[first.analyte], "PCCAT": "ANALYTE",
        **_result(here, unit), "PCNAM": study.config.report.test_site, "PCSPEC": term("SPEC", first.tissue),
        "PCMETHOD": term("METHOD", method.platform), "PCDRVFL": "Y" if len(here) > 1 else "", "PCLLOQ": lloq,
        "VISITDY": day, "PCDTC": _one(here.collected_at), "PCDY": day, "PCNOMDY": day, "PCNOMLBL": f"Day {int(day)}",
        **doses.timing(first.subject_id, int(day)),
        "_low": _one(here.value_low), "_high": _one(here.value_high), "_recovery": _one(here.recovery_factor),
        "_runs": ",".join(dict.fromkeys(run for run in here.run_id if run)),
    }  # fmt: skip


def _subject(study: Study, subject_id: str) -> str:
    return f"{study.config.study.id}-{subject_id}"


def _one(cells: pd.Series) -> str:
    """Return what all cells say alike, nothing where they differ."""
    return str(cells.iloc[0]) if cells.nunique() == 1 else ""


def _result(here: pd.DataFrame, unit: str) -> dict[str, Any]:
    """Return result, unit and status: the mean of pieces that all have a number, a word they all have."""
    statuses = set(here.status)
    empty = {"PCORRES": "", "PCORRESU": "", "PCSTRESC": "", "PCSTRESN": float("nan"), "PCSTRESU": ""}
    if statuses == {"quantified"}:
        mean = float(pd.to_numeric(here.value).mean())
        words = plain(mean)
        return {"PCORRES": words, "PCORRESU": unit, "PCSTRESC": words, "PCSTRESN": float(words), "PCSTRESU": unit,
                "PCSTAT": "", "PCREASND": ""}  # fmt: skip
    if len(statuses) == 1 and statuses <= {"BLQ", "ALQ"}:
        word = statuses.pop()
        return empty | {"PCORRES": word, "PCORRESU": unit, "PCSTRESC": word, "PCSTRESU": unit, "PCSTAT": "",
                        "PCREASND": ""}  # fmt: skip
    said = "; ".join(dict.fromkeys(f"{row.status}: {row.reason}".rstrip(": ") for row in here.itertuples()))
    reason = said if len(here) == 1 or len(statuses) == 1 else f"no mean of {len(here)} pieces: {said}"
    return empty | {"PCSTAT": NOT_DONE, "PCREASND": reason}


def _gathered(records: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Return the records as one table, gathered some at a time: a record is ten times as large as a row."""
    rest = iter(records)
    parts = [pd.DataFrame(here) for here in iter(lambda: list(islice(rest, RECORDS_AT_ONCE)), [])]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _supplement(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per record and value that PC has no variable for, in the order of the records."""
    kept = ["STUDYID", "USUBJID", "POOLID"]
    parts = [
        here[kept].assign(
            RDOMAIN="PC", IDVAR="PCSEQ", IDVARVAL=here.PCSEQ.astype(int).astype(str), QNAM=name, QLABEL=label,
            QVAL=here[column].map(_three_digits), QORIG=origin, QEVAL="",
        )
        for name, (label, column, origin) in SUPPLEMENT.items()
        for here in (frame[frame[column] != ""],)  # a table without rows would take those of any column put into it
    ]  # fmt: skip
    return pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)


def _three_digits(cell: str) -> str:
    try:
        return plain(float(cell))
    except ValueError:
        return cell


def _pools(study: Study) -> pd.DataFrame:
    assert study.pools is not None
    return pd.DataFrame(
        {
            "STUDYID": study.config.study.id,
            "POOLID": study.pools.pool_id,
            "USUBJID": [_subject(study, animal) for animal in study.pools.subject_id],
        }
    )


def _notes(study: Study, method: Method, table: pd.DataFrame, own: pd.DataFrame) -> list[str]:
    """Return what is not in the data sets, and words that no codelist of ours is known to have."""
    others = sorted(set(table.method_id) - {method.method_id, ""})
    notes = [f"results of method {method.method_id} alone; not submitted: {', '.join(others)}"] if others else []
    known = {row["ours"] for row in read_words("send_terms.tsv") if row["codelist"] == "SPEC"}
    notes += [f"{name}: no controlled term known, written as {name.upper()}" for name in study.config.tissues
              if _spoken(name) not in known]  # fmt: skip
    names = unique_within(list(method.analyte_names), LONGEST_NAME)
    notes += [f"{analyte}: PCTEST written as '{name}'" for analyte, name in names.items() if analyte != name]
    lost = own[own.status == "not_analysed"]
    return notes + [f"{row.sample_id}: not analysed, no record ({row.reason})" for row in lost.itertuples()]
