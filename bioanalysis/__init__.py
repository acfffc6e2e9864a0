"""Oligonucleotides in tissue: raw data of a study to concentrations that can be signed."""
