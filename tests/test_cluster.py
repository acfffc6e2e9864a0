"""Profiles, and jobs on a cluster: what is refused before anything starts, and jobs that were left behind."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
import yaml

from bioanalysis.cluster import RUN_ID, end_jobs_left_behind, find_profile, forget_run_id, note_run_id
from bioanalysis.errors import BatchError
from bioanalysis.installed import locked_versions
from bioanalysis.planning import workflow_folder

pytestmark = pytest.mark.requirement("UR-062")

OURS = workflow_folder() / "profiles"


def own_profile(folder, text):
    folder.mkdir()
    (folder / "profile.yaml").write_text(text)
    return str(folder)


def test_a_profile_is_ours_by_name_and_the_users_by_path(tmp_path):
    assert find_profile("default") == OURS / "default"
    own = own_profile(tmp_path / "own", "cores: 4\n")
    assert find_profile(own) == tmp_path / "own"


def test_an_unknown_profile_is_answered_with_the_known_ones(tmp_path):
    with pytest.raises(BatchError, match="one of cluster-generic, default, slurm, or a folder"):
        find_profile("sge")
    with pytest.raises(BatchError, match="no such profile"):
        find_profile(str(tmp_path))


def test_what_jobs_cannot_be_started_with_is_said_before_anything_starts(tmp_path):
    own = own_profile(tmp_path / "own", "executor: no-such-thing\n")
    with pytest.raises(BatchError, match="snakemake-executor-plugin-no-such-thing is not installed"):
        find_profile(own)


def test_the_script_that_submits_must_be_named(tmp_path, monkeypatch):
    text = (OURS / "cluster-generic/profile.yaml").read_text()
    own = own_profile(tmp_path / "own", text)
    monkeypatch.delenv("BIOANALYSIS_SUBMIT", raising=False)
    with pytest.raises(BatchError, match="BIOANALYSIS_SUBMIT is not set"):
        find_profile(own)


@pytest.mark.parametrize(
    ("says", "settings", "refused"),
    [
        ("echo 'Slurm accounting storage is disabled' >&2; exit 1", "", True),
        ("echo 'Slurm accounting storage is disabled' >&2; exit 1", "slurm-status-command: squeue\n", False),
        ("exit 0", "", False),
    ],
)
def test_slurm_without_accounting_is_refused_where_sacct_would_be_asked(tmp_path, monkeypatch, says, settings, refused):
    # jobs would end, and the workflow wait for ever; the words are those of sacct of SLURM 22.05
    for name in ("sbatch", "sacct"):
        command = tmp_path / name
        command.write_text(f"#!/bin/sh\n{says}\n")
        command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)  # the plugin is not in the usual environment
    own = own_profile(tmp_path / "own", f"executor: slurm\n{settings}")
    if not refused:
        assert find_profile(own) == tmp_path / "own"
        return
    with pytest.raises(BatchError, match=r"keeps no accounts .*expected `slurm-status-command: squeue`"):
        find_profile(own)


def test_accounts_that_do_not_answer_are_not_waited_for(tmp_path, monkeypatch):
    # as where the database behind sacct hangs
    for name in ("sbatch", "sacct"):
        (tmp_path / name).write_text("#!/bin/sh\nexec sleep 600\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.setattr("bioanalysis.cluster.ANSWER_S", 0.5)
    own = own_profile(tmp_path / "own", "executor: slurm\n")
    with pytest.raises(
        BatchError, match=r"tells of no accounts within 0.5 s .*expected `slurm-status-command: squeue`"
    ):
        find_profile(own)


def test_groups_always_come_with_cores():
    # a group without `cores` asks for one CPU per member, and waits for ever on a small node
    for path in OURS.glob("*/profile.yaml"):
        settings = yaml.safe_load(path.read_text())
        assert "cores" in settings
        assert ("group-components" in settings) == ("executor" in settings)


def test_the_name_of_the_jobs_is_said_kept_and_forgotten(tmp_path, capsys):
    note_run_id(tmp_path, "SLURM run ID: 0a-1b\n")
    assert (tmp_path / RUN_ID).read_text() == "0a-1b"
    assert "scancel --name 0a-1b" in capsys.readouterr().out
    note_run_id(tmp_path, "rule all: SLURM")
    assert (tmp_path / RUN_ID).read_text() == "0a-1b"
    forget_run_id(tmp_path)
    end_jobs_left_behind(tmp_path)
    assert capsys.readouterr().out == ""


def test_jobs_that_cannot_be_ended_from_here_keep_the_run_from_starting(tmp_path, monkeypatch):
    note_run_id(tmp_path, "SLURM run ID: 0a-1b")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BatchError, match="scancel --name 0a-1b"):
        end_jobs_left_behind(tmp_path)
    assert (tmp_path / RUN_ID).exists()


def test_a_slurm_that_does_not_answer_is_not_waited_for(tmp_path, monkeypatch):
    note_run_id(tmp_path, "SLURM run ID: 0a-1b")
    for name in ("squeue", "scancel"):
        (tmp_path / name).write_text("#!/bin/sh\nexec sleep 600\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("bioanalysis.cluster.ANSWER_S", 0.2)
    monkeypatch.setattr("bioanalysis.cluster.PATIENCE_S", 0.5)
    with pytest.raises(BatchError, match=r"do not end within 0.5 s.* scancel --name 0a-1b"):
        end_jobs_left_behind(tmp_path)
    assert (tmp_path / RUN_ID).exists()


def pins(lock):
    """Versions by package of a lock file."""
    return dict(re.findall(r"^([a-z0-9_.-]+)==([^ ;]+)", (workflow_folder() / lock).read_text(), re.MULTILINE))


@pytest.mark.repository
def test_the_lock_of_the_cluster_adds_packages_and_changes_none():
    usual, cluster = pins("requirements.lock"), pins("requirements-hpc.lock")
    added = {name for name in cluster if usual.get(name) != cluster[name]}
    assert added
    assert all(name.startswith("snakemake-executor-plugin-") and name not in usual for name in added)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-hpc.lock"])
@pytest.mark.repository
def test_every_python_gets_the_same_versions(lock):
    # another numpy is another 16th digit, and a container may hold another Python
    text = (workflow_folder() / lock).read_text()
    of_pythons = [
        locked_versions(text, {"python_version": f"3.{minor}", "python_full_version": f"3.{minor}.1"})
        for minor in (11, 12, 13)  # requires-python of pyproject.toml
    ]
    assert of_pythons[0] == of_pythons[1] == of_pythons[2]
    assert {"numpy", "scipy", "pandas", "pyopenms"} <= set(of_pythons[0])


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.repository
def test_the_script_that_starts_slurm_is_sound_bash():
    script = workflow_folder() / "tests/slurm/start_slurm.sh"
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
