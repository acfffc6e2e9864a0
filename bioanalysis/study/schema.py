"""The tables of a study folder, column by column."""

from __future__ import annotations

from bioanalysis.columns import (
    boolean,
    date,
    file_word,
    identifier,
    integer,
    moment,
    nonnegative,
    number,
    one_of,
    positive,
    study_day,
    text,
)
from bioanalysis.tables import Table

BASES = ("free_acid", "sodium_salt")
SAMPLE_TYPES = (
    "calibrator", "anchor", "blank", "zero", "qc", "dilution_qc", "carryover_blank", "system_suitability",
    "recovery_pre", "recovery_post", "neat", "unknown", "incurred",
)  # fmt: skip
REPEAT_REASONS = (
    "RUN_FAIL", "IS_RESPONSE", "ABOVE_ULOQ", "BELOW_REVISED_LLOQ", "INSTRUMENT", "DILUTED_BELOW_LLOQ",
    "PREDOSE_POSITIVE", "POOR_CHROM", "WELL_CV", "WELL_OUT_OF_RANGE",
)  # fmt: skip
EXPERIMENTS: dict[str, tuple[str, ...]] = {
    "accuracy_precision": ("qc",),
    "selectivity": ("blank", "zero", "qc"),
    "specificity": ("blank", "zero", "qc"),
    "matrix_effect": ("qc", "recovery_post", "neat"),
    "recovery": ("recovery_pre", "recovery_post", "neat"),
    "carry_over": ("carryover_blank", "blank"),
    "dilution_integrity": ("dilution_qc",),
    "dilution_linearity": ("qc", "dilution_qc"),
    "parallelism": ("unknown", "incurred"),
    "stability": ("qc",),
    "reinjection": ("qc",),
    "surrogate_matrix": ("qc",),
    "endogenous": ("blank", "zero", "qc"),
    "cross_validation": ("qc", "unknown", "incurred"),
}
CONDITIONS = ("bench_top", "refrigerated", "freeze_thaw", "long_term", "extract")
SOURCE_KINDS = ("normal", "lipaemic", "haemolysed", "other")
ACTIONS: dict[str, tuple[str, ...]] = {
    "integrate": ("WRONG_BASELINE", "WRONG_PEAK", "SPLIT_PEAK"),
    "exclude": ("PREPARATION_ERROR", "INJECTION_FAILURE", "SPILL", "INSTRUMENT"),
    "report_run": REPEAT_REASONS,
    "report_result": REPEAT_REASONS,
    "accept_flag": ("TECHNICAL_CAUSE_EXCLUDED", "SCIENTIFIC_JUSTIFICATION"),
}
HOMOGENATE_COLUMNS: dict[str, tuple[str, ...]] = {
    "added_volume": ("tissue_mass_mg", "buffer_volume_ul"),
    "final_volume": ("tissue_mass_mg", "homogenate_volume_ul"),
    "gravimetric": ("tissue_mass_mg", "buffer_mass_mg"),
    "tissue_equivalent": (),
}
BY_HAND, FROM_INSTRUMENT = "by_hand", "from_instrument"
WITHIN_RUN = ("exclude", "integrate")  # what bears on the run itself, not on the choice among results
CODES = tuple(dict.fromkeys(code for codes in ACTIONS.values() for code in codes))

SUBJECTS = Table(
    title="Subjects",
    key=("subject_id",),
    covariates=True,
    columns=(
        identifier("subject_id", "identifier of one animal", required=True),
        text("species", "species", required=True),
        one_of("sex", "sex", "M", "F"),
        text("group", "dose group", required=True),
        text("treatment", "test article or arm; vehicle for controls", required=True),
        nonnegative("dose_mg_per_kg", "dose per body weight"),
        one_of("dose_basis", "basis of the dose", *BASES),
        text("regimen", "dosing regimen in words"),
        positive("body_weight_g", "body weight"),
        one_of("formulation", "formulation", "unconjugated", "galnac", "nanoparticle", "other"),
    ),
)

SAMPLES = Table(
    title="Sample manifest",
    key=("sample_id",),
    columns=(
        identifier("sample_id", "identifier of one homogenate", required=True),
        identifier("subject_id", "animal, or pool of animals, it comes from", required=True),
        text("tissue", "organ of origin, one of the tissues in config.yaml", required=True),
        identifier("piece", "piece of the organ", default="1"),
        identifier("homogenate", "homogenate of the piece", default="1"),
        study_day("collection_day", "study day of collection", required=True),
        positive("tissue_mass_mg", "wet mass taken"),
        positive("buffer_volume_ul", "homogenisation buffer added"),
        positive("homogenate_volume_ul", "volume the homogenate was made up to"),
        positive("buffer_mass_mg", "mass of the homogenisation buffer added"),
        positive("organ_weight_g", "weight of the whole organ"),
        one_of("entry", "how masses and volumes came here", BY_HAND, FROM_INSTRUMENT),
        text("entered_by", "who entered them by hand"),
        text("checked_by", "second person who checked the entry"),
        moment("collected_at", "time of collection"),
        moment("received_at", "time of receipt"),
        number("storage_c", "storage temperature"),
        integer("freeze_thaw_cycles", "freeze-thaw cycles so far", least=0),
        text("not_available_reason", "why there is no homogenate"),
        text("comment", "remark"),
    ),
)

RUNS = Table(
    title="Analytical runs",
    key=("run_id",),
    columns=(
        file_word("run_id", "identifier of the run", required=True),
        identifier("method_id", "method_id of a file in config/methods", required=True),
        moment("run_date", "day of the run", required=True),
        text("analyst", "name of the analyst", required=True),
        text("instrument", "instrument"),
        identifier("raw_path", "folder of the mzML files, or the plate export, relative to the study", required=True),
        identifier("extraction_batch", "batch of samples extracted together"),
        date("extraction_date", "day of extraction"),
        text("extracted_by", "who extracted"),
        text("reviewed_by", "who reviewed"),
        identifier("reinjection_of", "run whose extracts were injected again"),
        identifier("sequence_id", "runs acquired in one sequence: carry-over and drift are judged over it"),
    ),
)

WORKLIST = Table(
    title="Worklist",
    families=(
        positive("nominal_ng_ml", "prepared concentration of one analyte"),
        positive("nominal_nmol_l", "prepared concentration of one analyte, for a method in nmol/L"),
    ),
    columns=(
        identifier("position", "injection number, or well such as B7"),
        identifier("plate", "label of the plate"),
        identifier("file", "name of the mzML file"),
        one_of("sample_type", "kind of the row", *SAMPLE_TYPES, required=True),
        identifier("sample_id", "sample of the manifest, or a free label"),
        identifier("level", "level of the calibrator, QC or recovery row"),
        nonnegative("nominal_ng_ml", "prepared concentration on the homogenate scale"),
        nonnegative("nominal_nmol_l", "prepared concentration, for a method in nmol/L"),
        nonnegative("nominal_ng_g", "prepared concentration, for a method in ng per g"),
        nonnegative("nominal_ug_g", "prepared concentration, for a method in ug per g"),
        positive("dilution_factor", "dilution of the homogenate before extraction", default=1.0),
        nonnegative("dilution_steps", "pipetting steps of the dilution"),
        positive("extract_dilution", "dilution of the extract, internal standard included", default=1.0),
        text("tissue", "matrix of the row"),
        boolean("extracted", "whether the row was extracted"),
        identifier("extraction_id", "one extraction of a sample"),
        identifier("batch", "extraction batch inside the run"),
        identifier("lot", "matrix lot"),
        identifier("stock", "stock solution of a calibrator or QC"),
        date("prepared_on", "day a calibrator or QC was prepared"),
        one_of("repeat_reason", "why the analysis was repeated", *REPEAT_REASONS),
        text("not_acquired_reason", "why there is no reading"),
        one_of("experiment", "experiment of a validation the row belongs to", *EXPERIMENTS),
        one_of("source_kind", "kind of the matrix lot", *SOURCE_KINDS),
        nonnegative("haemolysed_percent", "haemolysed blood in the matrix lot (% v/v)"),
        text("interferent", "related substance added"),
        one_of("condition", "storage before analysis", *CONDITIONS),
        nonnegative("condition_days", "days stored so"),
        nonnegative("condition_hours", "hours stored so"),
        integer("condition_cycles", "freeze-thaw cycles gone through", least=0),
        nonnegative("hours_frozen", "hours frozen between two thaws, the shortest"),
        number("condition_c", "temperature of the storage"),
        identifier("series", "dilutions of one preparation"),
        text("diluent", "matrix a sample was diluted with: its tissue, or surrogate"),
    ),
)

DECISIONS = Table(
    title="Decisions",
    key=("decision_id",),
    columns=(
        identifier("decision_id", "identifier of the decision", required=True),
        one_of("action", "action decided", *ACTIONS, required=True),
        identifier("run_id", "run concerned"),
        identifier("position", "injection or well concerned"),
        identifier("plate", "plate concerned"),
        text("analyte", "analyte or internal standard concerned"),
        identifier("sample_id", "sample concerned"),
        identifier("extraction_id", "extraction concerned"),
        positive("dilution_factor", "dilution concerned"),
        nonnegative("left_min", "left boundary of the peak"),
        positive("right_min", "right boundary of the peak"),
        one_of("reason_code", "code of the reason", *CODES, required=True),
        text("reason", "reason in words", required=True),
        text("author", "name of who decided", required=True),
        moment("decided_at", "time of the decision in UTC", required=True),
    ),
)

POOLS = Table(
    title="Pools",
    key=("pool_id", "subject_id"),
    columns=(
        identifier("pool_id", "identifier of the pool", required=True),
        identifier("subject_id", "animal that went into it", required=True),
    ),
)

DOSING = Table(
    title="Doses as given",
    columns=(
        identifier("subject_id", "animal dosed", required=True),
        study_day("study_day", "study day of the dose", required=True),
        moment("dosed_at", "time of the dose"),
        nonnegative("dose_mg", "dose given", required=True),
        one_of("dose_basis", "basis of the dose", *BASES, required=True),
        text("site", "site of injection"),
        boolean("given", "whether the dose was given"),
        text("comment", "remark"),
    ),
)

CLINICAL_CHEMISTRY = Table(
    title="Clinical chemistry",
    columns=(
        identifier("subject_id", "animal sampled", required=True),
        study_day("study_day", "study day of sampling", required=True),
        text("test", "test, such as ALT", required=True),
        number("value", "value of the test", required=True),
        text("unit", "unit of the value", required=True),
        positive("uln", "upper limit of normal, in the same unit"),
    ),
)

MATERIALS = Table(
    title="Materials",
    columns=(
        text("material", "name of the material", required=True),
        text("kind", "kind: reference standard, internal standard, reagent, matrix ...", required=True),
        text("lot", "lot", required=True),
        text("purity", "purity with its unit"),
        text("form", "salt or free acid, water, concentration, solvent"),
        text("storage", "storage conditions"),
        date("expiry", "expiry or retest date"),
        text("source", "supplier or certificate"),
    ),
)
