"""Our own codes in words: flags, statuses, verdicts and names of columns, as a reader of a report says them.

Files keep the codes; pages and documents show words. What a laboratory wrote (ids, comments) is never changed.
"""

from __future__ import annotations

import re
from functools import cache

from bioanalysis.contradictions import PROFILES
from bioanalysis.flags import catalogue
from bioanalysis.report.heads import ACRONYMS, head
from bioanalysis.study.schema import ACTIONS, SAMPLE_TYPES
from bioanalysis.words import NEEDS_DECISION, NOT_ANALYSED, NOT_REPORTED

STANDARD = "is_"  # begins words on the internal standard
CODE_COLUMNS = {
    "accepted_status", "action", "analysis", "basis", "class", "component", "correction_x", "correction_y",
    "dose_basis", "estimator", "flag", "flags", "initial_status", "kind", "profile", "quantity", "repeat_status",
    "sample_type", "status", "status_with", "status_without", "time", "temperature", "freeze_thaw", "verdict",
}  # fmt: skip
COLUMNS_NAMED = (
    "body_weight_g", "collected_at", "dose_mg_per_kg", "doses_given_mg", "extracted_by", "extracted_on",
    "extraction_batch", "freeze_thaw_cycles", "homogenate_factor_ml_per_g", "hours_to_receipt", "organ_weight_g",
    "prepared_on", "received_at", "run_date", "storage_c", "tissue_mass_mg", "buffer_volume_ul",
)  # fmt: skip
SETTINGS = (
    "extraction_recovery", "process_efficiency", "is_normalised", "free_acid", "sodium_salt", "not_collected",
    "freeze_thaw", "bench_top", "long_term", *PROFILES, *ACTIONS, *SAMPLE_TYPES,
)  # fmt: skip
VERDICTS = ("not_assessable", "not_applicable", "no_value")
YES_OR_NO = {"true": "yes", "false": "no", "True": "yes", "False": "no"}


def said(code: str) -> str:
    """Return a code in words: `qc_failed` is 'QC failed', `is_no peak` is 'IS: no peak'."""
    rest = code.removeprefix(STANDARD)
    if rest != code:  # a flag of any peak, at the internal standard's; or a word of its own
        return ("IS: " if rest in catalogue() else "IS ") + said(rest)
    return " ".join(ACRONYMS.get(word, word) for word in code.split("_"))


def said_each(codes: str) -> str:
    """Return codes joined by ';' in words."""
    return "; ".join(said(code.strip()) for code in codes.split(";"))


def in_words(sentence: str) -> str:
    """Return a sentence of ours with its codes said in words; a code of a repeat before its reason is left out."""
    without_code = re.sub(r"^[A-Z]+(?:_[A-Z]+)+: ", "", sentence)
    if "_" not in without_code:
        return without_code
    return _known().sub(lambda found: _named(found[0]), without_code)


@cache
def _known() -> re.Pattern[str]:
    words = {*catalogue(), *VERDICTS, *SETTINGS, *COLUMNS_NAMED, NOT_REPORTED, NEEDS_DECISION, NOT_ANALYSED}
    longest_first = sorted((re.escape(word) for word in words if "_" in word), key=len, reverse=True)
    return re.compile(rf"(?<![\w./-])(?:{'|'.join(longest_first)})(?![\w/-]|\.\w)")


def _named(code: str) -> str:
    return head(code) if code in COLUMNS_NAMED else said(code)
