"""Two simulated method validations."""
