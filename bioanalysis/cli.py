"""From the raw data of a tissue study to concentrations a study director can sign.

Exit codes: 0 done (a run that fails acceptance is a result), 1 a fault of the software, 2 the input must be put right,
3 a record is not what it was, or a qualification failed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    rich_markup_mode=None, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__
)
StudyFolder = Annotated[Path, typer.Argument(help="the study folder", show_default="the current folder")]


def _jobs(value: str | int) -> int:
    """Return the number of jobs at once that an option, or its default, names."""
    text = str(value)
    if text.isascii() and text.isdecimal() and int(text) > 0:
        return int(text)
    raise typer.BadParameter(f"it is '{text}'; it must be a whole number of at least 1")


QualificationFolder = Annotated[Path, typer.Option(help="folder for the report; earlier reports are kept")]


@app.command()
def init(
    study: Annotated[Path, typer.Argument(help="folder to be made")],
    validation: Annotated[bool, typer.Option("--validation", help="a method validation")] = False,
) -> None:
    """Make a new study folder: annotated settings, empty tables, an example method."""
    from bioanalysis.template import make_study

    make_study(study, "validation" if validation else "study")
    print(f"{study} is ready: fill in the tables in {study}/config, then: bioanalysis check {study}")


@app.command()
def check(study: StudyFolder = Path()) -> None:
    """Say everything that is wrong with tables, methods and the existence of raw files, all at once."""
    from bioanalysis.launch import notes_on
    from bioanalysis.study import Study
    from bioanalysis.words import count_of

    checked = _existing(study)
    loaded = Study.load(checked)
    notes = notes_on(loaded)
    for note in notes:
        print(f"note: {note}")
    samples, runs = count_of(len(loaded.samples), "sample"), count_of(len(loaded.runs), "run")
    found = f"nothing stops a run; {count_of(len(notes), 'note')} to look at" if notes else "nothing wrong"
    print(f"{found}: {samples}, {runs}")


@app.command()
def run(
    study: StudyFolder = Path(),
    cores: Annotated[
        int, typer.Option(parser=_jobs, metavar="N", help="jobs at once; on a cluster: cores per job")
    ] = 2,
    profile: Annotated[str, typer.Option(help="default, slurm, cluster-generic, or the path of one")] = "default",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would run and why, and run nothing")] = False,
    reason: Annotated[str, typer.Option(help="why the study is run again, for the audit trail")] = "",
    take_over: Annotated[
        bool, typer.Option("--take-over", help="the run that holds the study elsewhere has ended: you have seen to it")
    ] = False,
) -> None:
    """Run the whole workflow and say where the report is."""
    from bioanalysis.launch import run_study

    folder = _existing(study)
    code = run_study(folder, cores=cores, profile=profile, dry_run=dry_run, reason=reason, take_over=take_over)
    raise typer.Exit(code)


@app.command()
def verify(
    study: Annotated[
        Path, typer.Argument(help="a study folder, or an archive of one", show_default="the current folder")
    ] = Path(),
    witness: Annotated[Path | None, typer.Option(help="a copy of head.json that was kept elsewhere")] = None,
) -> None:
    """Say whether settings, raw data, results, audit trail, seals and signatures are what they were (exit 0 or 3)."""
    from bioanalysis.records.commands import verify_study

    raise typer.Exit(verify_study(study, witness))


@app.command()
def history(sample: Annotated[str, typer.Argument(help="sample_id")], study: StudyFolder = Path()) -> None:
    """Tell the life of a sample's values: readings, decisions, results, every change."""
    from bioanalysis.records.history import history as life_of

    print(life_of(_existing(study), sample))


@app.command()
def seal(
    study: StudyFolder = Path(),
    reason: Annotated[str, typer.Option(help="why there is a further version")] = "",
) -> None:
    """Freeze what stands as a version: settings, results and code, and what changed since the version before."""
    from bioanalysis.records.commands import seal_study

    seal_study(_existing(study), reason)


@app.command()
def sign(
    signer: Annotated[str, typer.Argument(help="short name in config/signers.tsv")],
    meaning: Annotated[str, typer.Argument(help="authored, reviewed or approved")],
    study: StudyFolder = Path(),
    key: Annotated[Path, typer.Option(help="an OpenSSH key")] = Path("~/.ssh/id_ed25519"),
) -> None:
    """Sign the sealed version with a key of one's own: name, role, meaning and time are bound to its digest."""
    from bioanalysis.records.commands import sign_study

    sign_study(_existing(study), key.expanduser(), signer, meaning)


@app.command()
def archive(
    target: Annotated[Path, typer.Argument(help="a file that ends in .zip, else a folder")], study: StudyFolder = Path()
) -> None:
    """Write the sealed study as one BagIt folder or zip file that opens without this software."""
    from bioanalysis.records.commands import archive_study

    archive_study(_existing(study), target)


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


@app.command()
def incurred(
    seed: Annotated[int, typer.Option(help="seed of the selection")],
    study: StudyFolder = Path(),
    share: Annotated[str, typer.Option(help="share of the samples, where more is wanted than ICH M10 5 asks for")] = "",
) -> None:
    """Draw the samples to be reanalysed (ISR) and write them as part of a worklist, one file per method.

    Each tissue, group and day gives at least one quantified sample; within them high and low concentrations take
    turns. The same seed and results give the same samples; a selection is never overwritten.
    """
    from bioanalysis.disk import plain_disk_errors
    from bioanalysis.reanalysis import FOLDER, share_of, write_selections
    from bioanalysis.records.beside import DRAWN, recorded_beside

    wanted, folder = share_of(share) if share else None, _existing(study)
    why = f"seed {seed}" + f", share {share}" * bool(share)
    with plain_disk_errors(), recorded_beside(folder, DRAWN, f"{FOLDER}/*.tsv", why):
        said = write_selections(folder, seed, wanted)
    print("\n".join(said))


@app.command()
def trends(
    folder: Annotated[
        Path, typer.Argument(help="a study, or a folder of studies", show_default="the current folder")
    ] = Path(),
    fix_limits: Annotated[bool, typer.Option("--fix-limits", help="fix limits from a phase 1")] = False,
    first: Annotated[str, typer.Option(help="first run of phase 1, RUN or STUDY:RUN")] = "",
    last: Annotated[str, typer.Option(help="last run of phase 1")] = "",
    author: Annotated[str, typer.Option(help="who fixes the limits")] = "",
    reason: Annotated[str, typer.Option(help="why these runs, why now")] = "",
    series: Annotated[list[str] | None, typer.Option(help="only this series (may be given again)")] = None,
) -> None:
    """Draw control charts over the runs of one study or of many; fix their limits where that is asked for."""
    from contextlib import nullcontext

    from bioanalysis.disk import plain_disk_errors
    from bioanalysis.records.beside import FIXED, recorded_beside
    from bioanalysis.trends import LIMITS, chart_folder

    kept = recorded_beside(folder.resolve(), FIXED, LIMITS, reason, author=author) if fix_limits else nullcontext()
    with plain_disk_errors(), kept:
        chart_folder(folder, fix=fix_limits, phase=(first, last), author=author, reason=reason, only=series or [])


@app.command()
def curve(
    data: Annotated[Path, typer.Argument(help="table with columns nominal_ng_ml and response (tsv, csv, xlsx)")],
    page: Annotated[Path, typer.Option(help="file for the figures")] = Path("curves.html"),
) -> None:
    """Fit every model and weighting to a table of standards and print how they compare, as evidence for choosing."""
    from bioanalysis.curve_choice import compare_curves

    print(compare_curves(data, page))
    print(f"figures: {page}")


@app.command()
def iq(
    output: QualificationFolder = Path("qualification"),
    code: Annotated[str, typer.Option(help="digest of the code, as noted when it was installed")] = "",
) -> None:
    """Installation qualification: packages, files and surroundings are those locked and shipped, and all works."""
    try:
        from bioanalysis.qualification.installation import qualify_installation
    except ImportError as error:
        print(f"Installation qualification: FAILED: {error.name or 'a package'} cannot be imported ({error})")
        raise typer.Exit(3) from None
    raise typer.Exit(qualify_installation(output, code))


@app.command()
def oq(
    output: QualificationFolder = Path("qualification"),
    cores: Annotated[int, typer.Option(parser=_jobs, metavar="N", help="jobs at once")] = 2,
) -> None:
    """Operational qualification: the shipped studies and every acceptance boundary against expected results."""
    from bioanalysis.qualification.operation import qualify_operation

    raise typer.Exit(qualify_operation(output, cores))


@app.command()
def pq(
    study: Annotated[Path, typer.Argument(help="a study folder with historical runs of the laboratory")],
    expected: Annotated[
        Path, typer.Option(help="table with the numbers of the software used before (docs/qualification.md)")
    ],
    tolerance_percent: Annotated[
        float | None,
        typer.Option(help="largest difference, in percent of the earlier number, where no row says its own"),
    ] = None,
    output: QualificationFolder = Path("qualification"),
    cores: Annotated[int, typer.Option(parser=_jobs, metavar="N", help="jobs at once")] = 2,
) -> None:
    """Performance qualification: a study of your own against the numbers of your previous software."""
    from bioanalysis.qualification.performance import qualify_performance

    raise typer.Exit(qualify_performance(_existing(study), expected, tolerance_percent, output, cores))


def _existing(study: Path) -> Path:
    from bioanalysis.errors import BatchError, Fault

    if not (study / "config").is_dir():
        raise BatchError([Fault(str(study), "no folder config", "a study folder (bioanalysis init makes one)")])
    return study.resolve()


def main() -> None:
    """Run the command line; what must be put right, and records that are not what they were, are said plainly."""
    from bioanalysis.errors import BatchError, RecordsDamaged

    try:
        app()
    except BatchError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except RecordsDamaged as error:
        print(error, file=sys.stderr)
        sys.exit(3)
