"""The lock of a study: a living owner is respected, a dead one taken over, also from one container to another."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bioanalysis.errors import BatchError
from bioanalysis.launch import _clear_up
from bioanalysis.lock import HELD, LOCK, WORKFLOWS_OWN, living_owner, locked, owner_of, share_lock, workflows_in

pytestmark = pytest.mark.requirement("UR-061")

NOBODY = [2**22 + 1, 0.0, 0]  # beyond the largest process number: dead
HOLDS = """
import subprocess, sys, time
from pathlib import Path
from bioanalysis.lock import locked
with locked(Path(sys.argv[1])):
    if len(sys.argv) > 2:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], close_fds=False)
    print("held", flush=True)
    time.sleep(600)
"""


def leave_lock(folder, owner):
    (folder / "work").mkdir(exist_ok=True)
    (folder / LOCK).write_text(json.dumps(owner))


def owner_here(**other):
    return owner_of(os.getpid()) | other


def is_refused(folder, match, **how):
    before = (folder / LOCK).read_bytes()
    with pytest.raises(BatchError, match=match), locked(folder, resumes=True, **how):
        pass
    return (folder / LOCK).read_bytes() == before


def is_taken_over(folder, **how):
    with locked(folder, resumes=True, **how) as taken_over:
        return taken_over


def test_a_lock_names_host_process_and_start(tmp_path):
    with locked(tmp_path):
        owner = json.loads((tmp_path / LOCK).read_text())
    (pid, started, _), here = owner["processes"][0], psutil.Process()
    assert (pid, started) == (here.pid, here.create_time())
    assert owner["host"] == os.uname().nodename
    assert not (tmp_path / LOCK).exists()


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_in_the_place_of_the_lock_is_named(tmp_path, make):
    names = ["run.guard", "run.held", "run.lock"]
    (tmp_path / "work").mkdir()
    for name in names:
        make(tmp_path / "work" / name)
    with pytest.raises(BatchError) as refusal, locked(tmp_path):
        pass
    assert sorted(fault.file for fault in refusal.value.faults) == [f"work/{name}" for name in names]
    assert "is no file" in str(refusal.value)


def test_a_living_owner_is_named_and_left_alone(tmp_path):
    leave_lock(tmp_path, owner_here())
    assert is_refused(tmp_path, f"process {os.getpid()} on")
    assert is_refused(tmp_path, "wait for it, or end it", insists=True)  # nobody's word outweighs what is seen


def test_a_dead_owner_is_taken_over(tmp_path, capsys):
    ended = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = owner_of(ended.pid)
    ended.communicate(b"\n")
    leave_lock(tmp_path, owner)
    with pytest.raises(BatchError, match="`bioanalysis run` first"), locked(tmp_path):
        pass
    assert is_taken_over(tmp_path) == "an earlier run ended before it was done"
    assert "taking over" in capsys.readouterr().out
    assert not (tmp_path / LOCK).exists()


def test_a_workflow_that_outlives_its_owner_keeps_the_lock(tmp_path):
    leave_lock(tmp_path, owner_here(processes=[NOBODY, *owner_here()["processes"]]))
    assert is_refused(tmp_path, f"another run works on this study: process {os.getpid()} on")  # which can be ended


def leave_workflow_lock(folder, written_ns=10**18):
    """Lock the study as Snakemake does; it takes the first name that is free, and with it one used before."""
    (folder / WORKFLOWS_OWN).mkdir(parents=True, exist_ok=True)
    (folder / WORKFLOWS_OWN / "0.output.lock").write_text("results/study/report.html\n")
    os.utime(folder / WORKFLOWS_OWN / "0.output.lock", ns=(written_ns, written_ns))


def stays_when_interrupted(folder, during=lambda: None):
    with contextlib.suppress(KeyboardInterrupt), locked(folder, resumes=True):
        during()
        raise KeyboardInterrupt
    return (folder / LOCK).exists()


def test_a_run_that_is_interrupted_stays_to_be_taken_over_where_its_workflow_did_not_unlock(tmp_path):
    assert not stays_when_interrupted(tmp_path)
    assert stays_when_interrupted(tmp_path, lambda: leave_workflow_lock(tmp_path))


def test_the_lock_of_a_workflow_that_was_there_before_is_none_of_an_interrupted_run(tmp_path):
    leave_workflow_lock(tmp_path)
    assert not stays_when_interrupted(tmp_path)
    # the other ends, and the workflow of the run locks by the same name
    assert stays_when_interrupted(tmp_path, lambda: leave_workflow_lock(tmp_path, 10**18 + 1))


def test_who_is_interrupted_while_taking_over_leaves_the_dead_workflows_lock_to_the_next(tmp_path):
    leave_lock(tmp_path, owner_here(processes=[NOBODY]))
    leave_workflow_lock(tmp_path)
    assert stays_when_interrupted(tmp_path)


SNAKEFILE = """
rule slow:
    output: "done"
    shell: "touch begun; while [ ! -e go ]; do sleep 0.1; done; touch done"
"""


@pytest.fixture
def plain_workflow(tmp_path):
    """Start Snakemake without the command, and return it once its job runs; the file `go` ends it."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    words = [sys.executable, "-m", "snakemake", "--snakefile", tmp_path / "Snakefile", "--directory", tmp_path, "-c1"]
    one = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while not (tmp_path / "begun").exists():
        assert one.poll() is None
        time.sleep(0.05)
    yield one
    (tmp_path / "go").touch()
    one.wait()


def test_the_lock_of_a_living_workflow_is_not_taken_away(tmp_path, plain_workflow):
    unlock = [sys.executable, "-m", "snakemake", "-s", tmp_path / "Snakefile", "-d", tmp_path, "-c1"]
    assert not stays_when_interrupted(tmp_path)
    leave_lock(tmp_path, owner_here(processes=[NOBODY]))  # of a run that was killed
    assert workflows_in(tmp_path) == [plain_workflow.pid]
    assert workflows_in(tmp_path.parent) == []
    locks = sorted((tmp_path / WORKFLOWS_OWN).iterdir())
    assert locks
    refused = rf"workflow .*without `bioanalysis` is at work \(process {plain_workflow.pid}\)"
    with pytest.raises(BatchError, match=refused), locked(tmp_path, resumes=True):
        _clear_up(tmp_path, unlock)
    assert sorted((tmp_path / WORKFLOWS_OWN).iterdir()) == locks
    assert (tmp_path / LOCK).exists()  # what the killed run left is still to be taken over
    os.killpg(plain_workflow.pid, signal.SIGKILL)
    plain_workflow.wait()
    assert sorted((tmp_path / WORKFLOWS_OWN).iterdir()) == locks
    leave_lock(tmp_path, owner_here(processes=[NOBODY]))  # the test lives, which was the last to be refused
    with locked(tmp_path, resumes=True):
        _clear_up(tmp_path, unlock)
    assert not any((tmp_path / WORKFLOWS_OWN).glob("*"))


def test_a_process_number_used_again_is_another_process(tmp_path):
    pid, started, ticks = owner_here()["processes"][0]
    leave_lock(tmp_path, owner_here(processes=[[pid, started, ticks - 1]]))
    assert is_taken_over(tmp_path)


def test_a_clock_that_was_set_kills_no_owner(tmp_path):
    pid, started, ticks = owner_here()["processes"][0]
    leave_lock(tmp_path, owner_here(processes=[[pid, started - 3600, ticks]]))
    assert is_refused(tmp_path, f"process {pid}")


@pytest.mark.parametrize(("alive", "host"), [(True, "renamed"), (False, "renamed")])
def test_a_host_that_was_renamed_is_still_this_one(tmp_path, alive, host):
    processes = owner_here()["processes"] if alive else [NOBODY]
    leave_lock(tmp_path, owner_here(host=host, processes=processes))
    assert is_refused(tmp_path, "on renamed") if alive else is_taken_over(tmp_path)


@pytest.fixture
def no_container(monkeypatch):
    """Let this process table, a container's or not, be taken for a machine's own."""
    monkeypatch.setattr("bioanalysis.lock.FIRST_NAMESPACE", owner_here()["pid_namespace"])


@pytest.fixture
def a_container(monkeypatch):
    """Let this process table, a machine's own or not, be taken for a container's."""
    monkeypatch.setattr("bioanalysis.lock.FIRST_NAMESPACE", "pid:[0]")


@pytest.mark.usefixtures("no_container")
def test_a_host_that_was_started_again_holds_no_living_owner(tmp_path):
    leave_lock(tmp_path, owner_here(boot_id="another"))  # its process number and start are ours by chance
    assert is_taken_over(tmp_path)


@pytest.mark.usefixtures("a_container")
def test_the_name_of_a_container_names_no_machine_that_was_started_again(tmp_path):
    leave_lock(tmp_path, owner_here(boot_id="another", processes=[NOBODY]))
    assert is_refused(tmp_path, "in a container, since")


@pytest.mark.usefixtures("no_container")
def test_an_owner_outside_containers_is_not_said_to_be_in_one(tmp_path):
    leave_lock(tmp_path, owner_here())
    assert is_refused(tmp_path, rf"on {os.uname().nodename}, since")


def test_the_process_number_of_an_ended_container_is_not_looked_up_in_our_process_table(tmp_path):
    leave_lock(tmp_path, owner_here(pid_namespace="pid:[1]"))  # its process number and start are ours by chance
    assert is_taken_over(tmp_path)


@pytest.fixture
def zombie():
    """Start a process that has ended and whose end nobody took note of; yields it with what a lock says of it."""
    one = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = owner_of(one.pid)
    one.stdin.close()
    while psutil.Process(one.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    yield owner
    one.wait()


@pytest.mark.parametrize("told", [3, 2], ids=["by ticks", "by time"])
def test_a_process_that_has_ended_owns_nothing_before_its_parent_takes_note(tmp_path, zombie, told):
    leave_lock(
        tmp_path, zombie | {"boot_id": zombie["boot_id"] * (told == 3), "processes": [zombie["processes"][0][:told]]}
    )
    assert is_taken_over(tmp_path)


def left_without_a_kernel(*processes):
    """Return an owner as a system without /proc leaves it: its processes by number and time alone."""
    return {"host": os.uname().nodename, "processes": [process[:2] for process in processes]}


def test_without_the_start_of_a_kernel_processes_are_told_by_number_and_time(tmp_path):
    pid, started, _ = owner_here()["processes"][0]
    for number, (owner, alive) in enumerate([([NOBODY, [pid, started]], True), ([[pid, started - 3600]], False)]):
        (tmp_path / str(number)).mkdir()
        leave_lock(tmp_path / str(number), left_without_a_kernel(*owner))
        assert is_refused(tmp_path / str(number), "process") if alive else is_taken_over(tmp_path / str(number))


@pytest.mark.parametrize("process", [[1, 1e300], [1, float("inf")], [1, float("nan")], [1, "now"], [1], 1])
@pytest.mark.parametrize("before", [[], [NOBODY]])
def test_an_owner_of_another_form_is_none(tmp_path, before, process):
    leave_lock(tmp_path, owner_here(host="elsewhere", boot_id="another", processes=[*before, process]))
    assert living_owner(tmp_path) == ""
    assert is_taken_over(tmp_path)


def test_two_systems_without_the_start_of_a_kernel_are_not_taken_for_one(tmp_path, monkeypatch):
    monkeypatch.setattr("bioanalysis.lock._kernel", lambda: {"boot_id": "", "pid_namespace": ""})  # as without /proc
    leave_lock(tmp_path, owner_here(host="elsewhere", processes=[NOBODY]))
    assert is_refused(tmp_path, "on elsewhere")


def test_a_workflow_becomes_an_owner_beside_its_command(tmp_path):
    workflow = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with locked(tmp_path):
        share_lock(tmp_path, workflow.pid)
        owner = json.loads((tmp_path / LOCK).read_text())
        assert owner["processes"] == owner_of(os.getpid(), workflow.pid)["processes"]
        assert living_owner(tmp_path).startswith(f"another run works on this study: process {os.getpid()} on")
    assert living_owner(tmp_path) == ""
    workflow.communicate()


def test_a_container_of_the_same_name_on_another_machine_is_never_taken_for_dead(tmp_path):
    leave_lock(tmp_path, owner_here(boot_id="another", pid_namespace="pid:[1]", processes=[NOBODY]))
    assert is_refused(tmp_path, "in a container, since")


def test_another_host_is_taken_over_on_the_users_word_alone(tmp_path):
    leave_lock(tmp_path, {"host": "elsewhere", "processes": [NOBODY[:2]]})  # as other systems leave it
    assert is_refused(tmp_path, r"(?s)elsewhere.*`bioanalysis run --take-over`")
    assert is_taken_over(tmp_path, insists=True).endswith("is said to have ended")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_named_and_nothing_is_begun(tmp_path, monkeypatch, number):
    def refuse(*_):  # as Lustre mounted without flock does: no such file system can be made in a test
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(BatchError, match=rf"work/run.guard.*\n.*{os.strerror(number)}.*keeps locks"), locked(tmp_path):
        pass
    assert not (tmp_path / LOCK).exists()


def test_what_is_locked_may_be_read_and_written(tmp_path):
    # over NFS the kernel refuses a shared lock on a file not open for reading, an exclusive one on one not for writing
    with locked(tmp_path):
        ours = (Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd"))
        (held,) = (one for one in ours if os.path.realpath(one) == str(tmp_path / HELD))
        flags = int(re.search(r"flags:\s*(\d+)", Path(f"/proc/self/fdinfo/{held.name}").read_text())[1], 8)
    assert flags & os.O_ACCMODE == os.O_RDWR


def test_a_file_that_is_no_lock_holds_nothing(tmp_path):
    for number, content in enumerate(("", "{", "[]", '{"host": "h"}', '{"host": "h", "processes": []}')):
        (tmp_path / str(number) / "work").mkdir(parents=True)
        (tmp_path / str(number) / LOCK).write_text(content)
        assert is_taken_over(tmp_path / str(number))


def test_an_owner_whose_processes_are_hidden_is_respected_while_it_lives(tmp_path):
    # as another user's are on machines whose /proc is mounted with hidepid
    owner = subprocess.Popen([sys.executable, "-c", HOLDS, tmp_path], stdout=subprocess.PIPE, text=True)
    assert owner.stdout.readline() == "held\n"
    (tmp_path / LOCK).write_text(json.dumps(owner_here(processes=[NOBODY])))
    assert is_refused(tmp_path, "another run works on this study")
    owner.kill()
    owner.communicate()
    assert is_taken_over(tmp_path)


@pytest.fixture
def container(tmp_path):
    """Start an owner of the study in a process table of its own, as a container has; the host's name stays the same."""
    unshare = [] if os.geteuid() == 0 else ["--map-root-user"]
    prefix = ["unshare", *unshare, "--pid", "--fork", "--mount-proc", "--kill-child"]
    if not shutil.which("unshare") or subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody make a process table (unshare --pid)")
    started = []

    def owner(*words):
        one = subprocess.Popen(
            [*prefix, "sh", "-c", '"$@" & wait; exec sleep 600', "sh", sys.executable, "-c", HOLDS, tmp_path, *words],
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(one)
        assert one.stdout.readline() == "held\n"
        return one

    yield owner
    for one in started:
        one.kill()
        one.wait()
        one.stdout.close()


def test_an_owner_in_another_container_is_respected_while_it_lives_and_taken_over_after(tmp_path, container):
    one = container()
    assert is_refused(tmp_path, "another run works on this study: process 2 on .* in a container")
    one.kill()
    wait_until_gone(one)
    assert is_taken_over(tmp_path)


def test_a_workflow_in_another_container_that_outlives_its_command_keeps_the_lock(tmp_path, container):
    one = container("with a workflow")
    command = next(
        child for child in psutil.Process(one.pid).children(recursive=True) if child.cmdline()[2:3] == [HOLDS]
    )
    command.send_signal(signal.SIGKILL)
    command.wait()
    assert is_refused(tmp_path, "another run works on this study")
    one.kill()
    wait_until_gone(one)
    assert is_taken_over(tmp_path)


def wait_until_gone(container):
    """Wait until all in the container have ended: they hold the other end of its output."""
    container.wait()
    container.stdout.read()
