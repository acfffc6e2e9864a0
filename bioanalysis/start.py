"""Where the command starts: `verify` is answered at once, without loading what only other commands need."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    """Run the command line."""
    words = sys.argv[1:]
    if words[:1] == ["verify"] and len(words) <= 2 and not any(word.startswith("-") for word in words):
        from bioanalysis.records.commands import verify_study

        sys.exit(verify_study(Path(*words[1:])))
    from bioanalysis.kernels import pin_kernels

    pin_kernels()
    from bioanalysis.cli import main as all_commands

    all_commands()
