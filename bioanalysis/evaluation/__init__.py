"""The corridor walked once: everything that happens to one run, and what the study makes of its runs."""
