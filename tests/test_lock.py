"""The lock of a study: a living owner is respected, a dead one taken over."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import psutil
import pytest

from bioanalysis.errors import BatchError
from bioanalysis.lock import LOCK, locked, owner_of

pytestmark = pytest.mark.requirement("UR-061")


def leave_lock(folder, owner):
    (folder / "work").mkdir()
    (folder / LOCK).write_text(json.dumps(owner))


def test_a_living_owner_is_named_and_left_alone(tmp_path):
    leave_lock(tmp_path, owner_of(os.getpid()))
    with pytest.raises(BatchError, match=f"process {os.getpid()}"), locked(tmp_path):
        pass
    assert (tmp_path / LOCK).exists()


def test_a_dead_owner_is_taken_over(tmp_path, capsys):
    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    owner = {"host": owner_of(os.getpid())["host"], "processes": [[ended.pid, psutil.Process(ended.pid).create_time()]]}
    ended.wait()
    leave_lock(tmp_path, owner)
    with locked(tmp_path, resumes=True) as taken_over:
        assert taken_over
    assert "taking over" in capsys.readouterr().out
    assert not (tmp_path / LOCK).exists()


def test_a_workflow_that_outlives_its_owner_keeps_the_lock(tmp_path):
    owner = owner_of(os.getpid())
    owner["processes"].insert(0, [2**22 + 1, 0.0])  # beyond the largest process number: dead
    leave_lock(tmp_path, owner)
    with pytest.raises(BatchError), locked(tmp_path):
        pass


def test_another_host_is_never_taken_over(tmp_path):
    leave_lock(tmp_path, {"host": "elsewhere", "processes": [[2**22 + 1, 0.0]]})
    with pytest.raises(BatchError, match="elsewhere"), locked(tmp_path):
        pass
