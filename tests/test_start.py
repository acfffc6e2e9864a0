"""The short way to `verify` says what the long way says, and every other command goes the long way."""

from __future__ import annotations

import subprocess
import sys

import pytest

SHORT, LONG = ("from bioanalysis.start import main; main()", "from bioanalysis.cli import main; main()")


@pytest.mark.parametrize(
    "words", [["verify"], ["verify", "."], ["verify", "--help"], ["verify", "a", "b"], ["mass", "x"]]
)
def test_both_ways_say_the_same(words, tmp_path):
    command = [sys.executable, "-c"]
    ways = [
        subprocess.run([*command, way, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        for way in (SHORT, LONG)
    ]
    short, long = ((way.returncode, way.stdout, way.stderr) for way in ways)
    assert short == long


def test_the_first_page_of_help_names_every_exit_code():
    said = subprocess.run([sys.executable, "-c", LONG, "--help"], capture_output=True, text=True, check=True).stdout
    words = " ".join(said.split())
    codes = "0 done (a run that fails acceptance is a result), 1 a fault of the software, 2 the input must be put right"
    assert f"Exit codes: {codes}, 3 a record is not what it was" in words


def test_verify_loads_no_more_than_it_needs(tmp_path):
    script = f"import sys; sys.argv = ['bioanalysis', 'verify', {str(tmp_path)!r}]\n"
    script += "try:\n    from bioanalysis.start import main; main()\nexcept SystemExit: print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    computing = {"typer", "pandas", "numpy", "pydantic", "yaml", "psutil"}
    other_commands = {"zipfile", "xml.parsers.expat", "csv", "difflib", "importlib.resources"}
    signing = {"tempfile", "subprocess"}
    assert (computing | other_commands | signing | {"concurrent.futures", "logging", "socket"}) & set(said) == set()


@pytest.mark.parametrize("cores", ["0", "-1", "x", "1.5"])
def test_a_number_of_jobs_below_one_is_refused_in_plain_words(cores, tmp_path):
    command = [sys.executable, "-c", LONG, "run", str(tmp_path), "--cores", cores]
    way = subprocess.run(command, capture_output=True, text=True, check=False)
    assert way.returncode == 2
    said = f"Error: Invalid value for '--cores': it is '{cores}'; it must be a whole number of at least 1"
    assert way.stderr.splitlines()[-1] == said
