"""Words for what became of a study sample, as the data contract spells them."""

QUANTIFIED, BLQ, ALQ = "quantified", "BLQ", "ALQ"
NOT_REPORTED, NEEDS_DECISION, NOT_ANALYSED = "not_reported", "needs_decision", "not_analysed"
ACCEPTED = (QUANTIFIED, BLQ)
MEASURED = (QUANTIFIED, BLQ, ALQ)
