"""What `snakemake --report` shows of each figure: its section, what it is about, its caption."""

import csv
from functools import cache


report: "../report/workflow.rst"


@cache
def figures_in(folder):
    """The index of a folder of figures, by figure."""
    with open(Path(folder) / "index.tsv", encoding="utf-8", newline="") as lines:
        return {row["figure"]: row for row in csv.DictReader(lines, delimiter="\t")}


def figure_category(wildcards):
    """A run's figures by run, those of the study together."""
    return f"Run {wildcards.run}" if "run" in wildcards.keys() else "Study"


def figure_section(wildcards, output):
    """The section of the page in which a figure stands."""
    return figures_in(output.figures)[wildcards.figure]["section"]


def figure_labels(wildcards, output):
    """What a figure is about, and its caption."""
    row = figures_in(output.figures)[wildcards.figure]
    return {
        "about": row["about"] or row["section"],
        "axes": f"{row['y']} against {row['x']}",
        "shows": row["caption"],
    }


def figures(folder):
    """A folder of figures as output, each of them marked for the report."""
    return report(
        directory(folder),
        patterns=["{figure}.svg"],
        caption="../report/figure.rst",
        category=figure_category,
        subcategory=figure_section,
        labels=figure_labels,
    )
