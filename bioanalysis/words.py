"""Words for study samples and what became of them, as the data contract spells them."""

STUDY_SAMPLES = ("unknown", "incurred")
QUANTIFIED, BLQ, ALQ = "quantified", "BLQ", "ALQ"
NOT_REPORTED, NEEDS_DECISION, NOT_ANALYSED = "not_reported", "needs_decision", "not_analysed"
ACCEPTED = (QUANTIFIED, BLQ)
MEASURED = (QUANTIFIED, BLQ, ALQ)

FIGURES = "figures"  # the folder of figures beside a page


def count_of(number: int, word: str) -> str:
    """Return a number with its noun: 1 sample, 2 samples, 2 analyses."""
    plural = word.removesuffix("is") + "es" if word.endswith("sis") else f"{word}s"
    return f"{number} {word if number == 1 else plural}"
