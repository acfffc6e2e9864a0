"""Words for study samples and what became of them, as the data contract spells them; words as they are printed."""

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


def printable(text: str) -> str:
    """Return text as a terminal may be given it: what would steer it, or is seen by nobody, is written out.

    A name with the escapes that erase a line would else take a finding about itself from the screen.
    """
    return text if text.isprintable() else "".join(s if s.isprintable() else repr(s)[1:-1] for s in text)
