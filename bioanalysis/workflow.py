"""What a script of the workflow needs: errors that end in the log, and refusals that reach the user in words."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bioanalysis.errors import BatchError, write_refusal
from bioanalysis.records.made import note_begun, note_made

REFUSED = Path("work/refused")


@contextlib.contextmanager
def plain_errors(snakemake: Any, job: str = "") -> Iterator[None]:
    """Turn a `BatchError` into a refusal file and exit code 2; anything else is a bug: traceback, exit code 1."""
    log = Path(snakemake.log[0])
    log.parent.mkdir(parents=True, exist_ok=True)
    refusal = REFUSED / f"{job or log.stem}.json"
    refusal.unlink(missing_ok=True)
    try:
        note_begun(log, snakemake.output)
        yield
        note_made(log, snakemake.output)
        log.write_text("done\n", encoding="utf-8")
    except BatchError as error:
        write_refusal(refusal, error)
        log.write_text(f"{error}\n", encoding="utf-8")
        print(error, file=sys.stderr)
        sys.exit(2)
    except Exception:
        log.write_text(traceback.format_exc(), encoding="utf-8")
        raise
