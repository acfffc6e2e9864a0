"""A method validation from the tables of its runs: units, statistics per experiment, what was shown."""
