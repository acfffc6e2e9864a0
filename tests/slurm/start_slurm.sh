#!/usr/bin/env bash
# Start a SLURM of one node on this machine, for tests: real slurmctld, slurmd and munged, no systemd, no cgroups.
#
#   tests/slurm/start_slurm.sh         installs the packages where they are missing (Debian, root), starts the daemons
#   tests/slurm/start_slurm.sh stop    ends them
#
# Ends with exit code 77 and words on what is missing where this machine cannot do it: tests are skipped then.
# It writes /etc/slurm/slurm.conf and refuses to replace one it did not write.
set -euo pipefail

STATE=${SLURM_TEST_STATE:-/var/lib/slurm-of-tests}
CONF=/etc/slurm/slurm.conf  # nowhere else: jobs do not inherit SLURM_CONF
MARK="# written by start_slurm.sh, for tests"
PACKAGES="slurm-wlm slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge"

cannot() {
  echo "no SLURM for tests: $1" >&2
  exit 77
}

are_here() {  # `command -v` of several names is content with one
  for name in slurmctld slurmd sbatch squeue munged; do command -v "$name" >/dev/null || return 1; done
}

install_packages() {
  are_here && return
  command -v apt-get >/dev/null || cannot "packages are installed by apt-get, which is not here"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086
  { timeout 60 apt-get update && timeout 120 apt-get install -y --no-install-recommends $PACKAGES; } \
    >/dev/null 2>&1 </dev/null || cannot "the packages $PACKAGES cannot be installed"
  are_here || cannot "the packages $PACKAGES do not hold all that is needed"
}

write_configuration() {
  if [ -s "$CONF" ] && ! grep -q "$MARK" "$CONF"; then
    cannot "$CONF is somebody's own"
  fi
  local host hardware
  host=$(hostname)
  hardware=$(slurmd -C | grep -oE 'CPUs=[0-9]+|RealMemory=[0-9]+' | tr '\n' ' ')
  getent hosts "$host" >/dev/null || echo "127.0.0.1 $host" >>/etc/hosts
  mkdir -p "$STATE"/state "$STATE"/spool "$STATE"/log "$(dirname "$CONF")"
  cat >"$CONF" <<CONFIGURATION
$MARK
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation=$STATE/state
SlurmdSpoolDir=$STATE/spool
SlurmctldPidFile=$STATE/slurmctld.pid
SlurmdPidFile=$STATE/slurmd.pid
SlurmctldLogFile=$STATE/log/slurmctld.log
SlurmdLogFile=$STATE/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
MinJobAge=300
NodeName=$host NodeAddr=127.0.0.1 $hardware State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
CONFIGURATION
}

start_daemons() {  # jobs of an earlier SLURM of ours are forgotten
  mkdir -p /run/munge
  chown munge:munge /run/munge
  chmod 755 /run/munge
  if ! munge -n 2>/dev/null | unmunge >/dev/null 2>&1; then
    runuser -u munge -- /usr/sbin/munged || cannot "munged does not start"
    cp /run/munge/munged.pid "$STATE/munged.pid"  # ours to end; one that ran before is somebody's own
  fi
  slurmctld -c || cannot "slurmctld does not start"
  sleep 2
  slurmd || cannot "slurmd does not start"
  for _ in $(seq 30); do
    [ "$(sinfo -h -o %T 2>/dev/null)" = idle ] && return
    sleep 1
  done
  cannot "the node does not become idle: see $STATE/log"
}

stop() {
  local name pid
  for name in slurmd slurmctld munged; do
    pid=$(cat "$STATE/$name.pid" 2>/dev/null) || continue
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$name" ] || kill "$pid"  # a number is used again
    rm -f "$STATE/$name.pid"
  done
}

if [ "${1:-start}" = stop ]; then
  stop
  exit 0
fi
if command -v sinfo >/dev/null && sinfo -h >/dev/null 2>&1; then
  echo "SLURM runs already"
  exit 0
fi
trap 'code=$?; [ $code = 0 ] || [ $code = 77 ] || cannot "a step of its start ended with exit code $code"' EXIT
[ "$(id -u)" = 0 ] || cannot "it must be started as root"
install_packages
write_configuration
start_daemons
echo "SLURM runs: $(sinfo -h)"
