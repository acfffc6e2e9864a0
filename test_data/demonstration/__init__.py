"""The demonstration study, simulated: animals and homogenates, what each assay reads of them, and the raw files."""
