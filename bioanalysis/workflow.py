"""What a script of the workflow needs: errors that end in the log, and refusals that reach the user in words."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bioanalysis.errors import BatchError, read_faults, write_refusal
from bioanalysis.records.made import note_begun, note_made
from bioanalysis.text_files import write_whole

REFUSED = Path("work/refused")


@contextlib.contextmanager
def plain_errors(snakemake: Any, job: str = "") -> Iterator[None]:
    """Turn a `BatchError` into a refusal file and exit code 2; anything else is a bug: traceback, exit code 1.

    A job with an output `refused` ends well where it refuses: what is refused stands in there, and `admit` stops the
    workflow by it. A job that fails is tried again on a cluster, with more memory; a refusal is final.
    """
    log = Path(snakemake.log[0])
    log.parent.mkdir(parents=True, exist_ok=True)
    refusal = REFUSED / f"{job or log.stem}.json"
    named = getattr(snakemake.output, "refused", None)
    refused = Path(named) if named else None
    refusal.unlink(missing_ok=True)
    try:
        note_begun(log, snakemake.output)
        yield
        if refused:
            write_whole(refused, b"[]")
        note_made(log, snakemake.output)
        log.write_text("done\n", encoding="utf-8")
    except BatchError as error:
        write_refusal(refusal, error)
        log.write_text(f"{error}\n", encoding="utf-8")
        if refused:
            for name in snakemake.output:
                write_whole(Path(name), b"")
            write_refusal(refused, error)
            note_made(log, snakemake.output)
            return
        print(error, file=sys.stderr)
        sys.exit(2)
    except Exception:
        log.write_text(traceback.format_exc(), encoding="utf-8")
        raise


def admit(refused: list[Path], admitted: Path) -> None:
    """Write `admitted` where no raw file was refused; else take the refusals away, so that the files are read again.

    Raises
    ------
    BatchError
        With everything that was refused in any run.
    """
    faults = {path: read_faults(path) for path in refused}
    if any(faults.values()):
        for path in refused:
            if faults[path]:
                path.unlink()
        raise BatchError([fault for found in faults.values() for fault in found])
    write_whole(admitted, b"all raw data could be read and matched\n")
