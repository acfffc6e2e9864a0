"""A new study folder: annotated settings, empty tables, an example method per platform."""

from __future__ import annotations

import shutil
from pathlib import Path

from bioanalysis.errors import BatchError, Fault

TEMPLATE = Path(__file__).with_name("template")


def make_study(folder: Path, kind: str = "study") -> list[Path]:
    """Write a new study (or ``validation``) into `folder` and return the files written, relative to it.

    The folder is made where it does not exist. What it holds passes `check`, with notes on what is still empty.

    Raises
    ------
    BatchError
        If `folder` is a file, holds anything already, or cannot be written to.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise BatchError([Fault(str(folder), "is a file", "the name of a new or empty folder")])
    if folder.exists() and any(folder.iterdir()):
        raise BatchError([Fault(str(folder), "holds files already", "a new or empty folder")])
    try:
        shutil.copytree(TEMPLATE, folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
        config = folder / "config/config.yaml"
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace("kind: study ", f"kind: {kind} ", 1), encoding="utf-8")
    except OSError as error:
        raise BatchError([Fault(str(folder), f"cannot be written ({error})", "a folder you may write to")]) from error
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
