"""The command line: init, check, run, mass. Exit codes: 0 done, 1 our bug, 2 the input must be put right."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
StudyFolder = Annotated[Path, typer.Argument(help="the study folder", show_default="the current folder")]


@app.command()
def init(study: Annotated[Path, typer.Argument(help="folder to be made")]) -> None:
    """Make a new study folder: annotated settings, empty tables, an example method."""
    from bioanalysis.template import make_study

    make_study(study)
    print(f"{study} is ready: fill in the tables in {study}/config, then: bioanalysis check {study}")


@app.command()
def check(study: StudyFolder = Path()) -> None:
    """Say everything that is wrong with tables, methods and the existence of raw files, all at once."""
    from bioanalysis.study import Study

    checked = _existing(study)
    loaded = Study.load(checked)
    for note in loaded.notes:
        print(f"note: {note}")
    print(f"nothing wrong: {len(loaded.samples)} samples, {len(loaded.runs)} runs")


@app.command()
def run(
    study: StudyFolder = Path(),
    cores: Annotated[int, typer.Option(help="jobs at once")] = 2,
    profile: Annotated[str, typer.Option(help="profile of the workflow")] = "default",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would run, and run nothing")] = False,
) -> None:
    """Run the whole workflow and say where the report is."""
    from bioanalysis.launch import run_study

    raise typer.Exit(run_study(_existing(study), cores=cores, profile=profile, dry_run=dry_run))


@app.command()
def mass(
    sequence: Annotated[str, typer.Argument(help="a sequence such as 'Ges mCes Ads Ge', or mipomersen")],
    window: Annotated[float, typer.Option(help="half-width of the quadrupole's window in Th")] = 0.7,
) -> None:
    """Formula, masses and charge states of an oligonucleotide, and the shortened metabolites it cannot be told from.

    Each nucleotide is written 5' to 3' as base (A C G T U mC mU), sugar (d deoxy, r ribo, m 2'-OMe, e 2'-MOE, l LNA,
    k cEt, f 2'-F) and linkage to the next (s phosphorothioate, o phosphodiester). A conjugate is written behind as the
    formula it adds: '... mCe + C8H13NO5'.
    """
    from bioanalysis.oligonucleotides.page import mass_page

    print(mass_page(sequence, window))


def _existing(study: Path) -> Path:
    from bioanalysis.errors import BatchError, Fault

    if not (study / "config").is_dir():
        raise BatchError([Fault(str(study), "no folder config", "a study folder (bioanalysis init makes one)")])
    return study.resolve()


def main() -> None:
    """Run the command line; a `BatchError` is printed plainly and ends with exit code 2."""
    from bioanalysis.errors import BatchError

    try:
        app()
    except BatchError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
