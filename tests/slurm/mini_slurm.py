"""A whole SLURM of one node for the tests: munge, MariaDB, slurmdbd, slurmctld and slurmd, each ended by its id.

As real clusters have it: cgroups find every process of a job (`proctrack/cgroup`), what a batch script leaves behind is
killed; a partition `high` preempts jobs of `cpu`; GPUs are character devices that nothing can be computed on.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hybridret.base.processes import parent

PROGRAMS = ("munged", "mariadbd", "mariadb-install-db", "mariadb", "slurmdbd", "slurmctld", "slurmd", "sbatch", "srun")
GPUS, CPUS, MEMORY = 4, 4, 8000
FREEZER = Path("/sys/fs/cgroup/freezer")


def missing() -> str | None:
    """Why no SLURM can be started here, None where one can."""
    if lacking := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"{', '.join(lacking)} not installed (apt-get install slurm-wlm munge slurmdbd mariadb-server procps)"
    return None if os.geteuid() == 0 else "SLURM's daemons are started as root"


@dataclass
class MiniSlurm:
    """`folder`: of everything that the daemons write. `accounting`: with slurmdbd. `nodes`: of this one machine, each
    with a slurmd of its own (Debian's is built with --enable-multiple-slurmd). `first`: the name of the first one; two
    SLURMs at once need different names, since their cgroups are called by them."""

    folder: Path
    accounting: bool = True
    nodes: int = 1
    first: str = ""
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: list[int] = field(default_factory=list)
    slurmd_ports: dict[str, int] = field(default_factory=dict)  # by node

    @property
    def conf(self) -> Path:
        return self.folder / "slurm.conf"

    def environment(self) -> dict[str, str]:
        return {"SLURM_CONF": str(self.conf)}

    def call(self, *command: str) -> str:
        """The output of a command of SLURM. Raises CalledProcessError with its error text."""
        done = subprocess.run(
            command, env={**os.environ, **self.environment()}, capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{command}: {done.stderr}")
        return done.stdout

    def start(self) -> None:
        """Start everything and wait until the node is idle."""
        for name in ("state", "log", "munge", "db"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "munge").chmod(0o711)
        key = self.folder / "munge" / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        names = [self.first or node(), *(f"other{number}" for number in range(1, self.nodes))]
        ports = free_ports(3 + self.nodes)
        self.ports, self.slurmd_ports = ports[:3], dict(zip(names, ports[3:], strict=True))
        self._write()
        self.munged()
        if self.accounting:
            self._accounting()
        self.controller()
        for name in self.slurmd_ports:
            self.slurmd(name)
        until(lambda: self._idle(), "idle nodes")

    def munged(self) -> None:
        """Start what makes and checks credentials, also after it was killed."""
        munge = self.folder / "munge"
        (munge / "sock").unlink(missing_ok=True)
        files = [f"--socket={munge}/sock", f"--key-file={munge}/key", f"--pid-file={munge}/pid"]
        files += [f"--log-file={munge}/log", f"--seed-file={munge}/seed"]
        self._daemon("munged", ["munged", "--force", "-F", *files])
        until(lambda: (munge / "sock").exists(), "munged")

    def controller(self) -> None:
        """Start slurmctld, also after it was killed: it reads the state that it left."""
        fresh = [] if any((self.folder / "state").iterdir()) else ["-i"]
        self._daemon("slurmctld", ["slurmctld", "-D", *fresh, "-f", str(self.conf)])

    def slurmd(self, name: str) -> None:
        """Start the daemon of a node, also after it was killed."""
        self._daemon(f"slurmd-{name}", ["slurmd", "-D", "-f", str(self.conf), "-N", name])

    def kill(self, name: str) -> None:
        """SIGKILL to one daemon."""
        self.daemons[name].kill()
        self.daemons[name].wait()

    def lose(self, name: str) -> None:
        """A node that loses its power: its slurmd and every process of its jobs are gone, and SLURM finds it down.
        SLURM would see this by itself after SlurmdTimeout."""
        self.kill(f"slurmd-{name}")
        tasks = self.in_cgroups(name)
        for pid in [*{parent(pid) for pid in tasks}, *tasks]:
            with suppress(OSError, TypeError):
                if pid in tasks or Path(f"/proc/{pid}/comm").read_text().startswith("slurmstepd"):
                    os.kill(pid, signal.SIGKILL)
        self.call("scontrol", "update", f"NodeName={name}", "State=DOWN", "Reason=lost")

    def in_cgroups(self, name: str) -> list[int]:
        """The processes of the jobs of a node."""
        found: list[int] = []
        for path in FREEZER.glob(f"slurm_{name}/uid_*/job_*/**/cgroup.procs"):
            with suppress(OSError):
                found += map(int, path.read_text().split())
        return found

    def saved(self, job: str) -> None:
        """Wait until slurmctld has written the jobs as they are now: what it knew later it would have forgotten."""
        now = time.time()
        state = self.folder / "state" / "job_state"
        self.call("scontrol", "update", f"JobId={job}", "Comment=saved")
        until(lambda: state.exists() and state.stat().st_mtime > now, "a saved state")

    def end_now(self, job: str) -> None:
        """Put the time limit of a running job to now: SLURM looks at limits every half minute."""
        self.call("scontrol", "update", f"JobId={job}", "EndTime=now")

    def answers(self) -> bool:
        """Whether the controller does."""
        try:
            self.call("squeue", "--noheader", "--format=%i")
        except RuntimeError:
            return False
        return True

    def clear(self) -> None:
        """End all jobs, and wait until none is left."""
        self.call("scancel", "--user=root")
        until(lambda: not self.call("squeue", "--noheader").strip(), "an empty queue")

    def stop(self) -> None:
        """End all jobs, whose processes would outlive the daemons, and all daemons, the last one first."""
        with suppress(RuntimeError, TimeoutError, OSError, subprocess.TimeoutExpired):
            self.clear()
        for name in reversed(list(self.daemons)):
            process = self.daemons[name]
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _idle(self) -> bool:
        try:
            return set(self.call("sinfo", "--noheader", "--Node", "--format=%t").split()) == {"idle"}
        except RuntimeError:
            return False

    def _daemon(self, name: str, command: Sequence[str]) -> None:
        with open(self.folder / "log" / f"{name}.out", "ab") as log:
            self.daemons[name] = subprocess.Popen(
                command,
                env={**os.environ, **self.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _accounting(self) -> None:
        db = self.folder / "db"
        options = ["--no-defaults", "--user=root", f"--datadir={db}/data"]
        subprocess.run(
            ["mariadb-install-db", *options, "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True,
            capture_output=True,
        )
        server = [f"--socket={db}/sock", "--bind-address=127.0.0.1", f"--port={self.ports[2]}", f"--pid-file={db}/pid"]
        server += ["--innodb-buffer-pool-size=64M", "--innodb-lock-wait-timeout=900"]
        self._daemon("mariadbd", ["mariadbd", *options, *server])
        until(lambda: (db / "sock").exists(), "mariadbd")
        users = "".join(
            f"create user slurm@'{host}' identified by 'x'; grant all on slurm_acct.* to slurm@'{host}';"
            for host in ("127.0.0.1", "localhost")
        )
        subprocess.run(["mariadb", "--no-defaults", "-uroot", f"-S{db}/sock", "-e", users], check=True)
        self._daemon("slurmdbd", ["slurmdbd", "-D"])
        log = self.folder / "log" / "slurmdbd.log"
        until(lambda: log.exists() and " started" in log.read_text(errors="replace"), "slurmdbd")
        self.call("sacctmgr", "-i", "add", "cluster", "mini")

    def _write(self) -> None:
        control, accounts, db = self.ports
        cgroup = FREEZER.is_dir()
        tracked = "AccountingStorageTRES=gres/gpu\n" if self.accounting else ""  # refused without slurmdbd
        nodes = "\n".join(
            f"NodeName={name} NodeHostname={node()} NodeAddr=127.0.0.1 Port={port} CPUs={CPUS} RealMemory={MEMORY} "
            f"Gres=gpu:{GPUS} State=UNKNOWN"
            for name, port in self.slurmd_ports.items()
        )
        every = ",".join(self.slurmd_ports)
        lines = f"""
ClusterName=mini
SlurmctldHost={node()}(127.0.0.1)
SlurmctldPort={control}
SlurmUser=root
SlurmdUser=root
SlurmdParameters=config_overrides
GresTypes=gpu
AuthType=auth/munge
AuthInfo=socket={self.folder}/munge/sock,cred_expire=5
CredType=cred/munge
StateSaveLocation={self.folder}/state
SlurmdSpoolDir={self.folder}/spool-%n
SlurmctldPidFile={self.folder}/slurmctld.pid
SlurmdPidFile={self.folder}/slurmd-%n.pid
SlurmctldLogFile={self.folder}/log/slurmctld.log
SlurmdLogFile={self.folder}/log/slurmd-%n.log
ProctrackType=proctrack/{"cgroup" if cgroup else "linuxproc"}
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/{"slurmdbd" if self.accounting else "none"}
AccountingStorageHost=127.0.0.1
AccountingStoragePort={accounts}
AccountingStoragePass={self.folder}/munge/sock
{tracked}SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=30
InactiveLimit=0
KillWait=30
MinJobAge=3600
Waittime=0
JobRequeue=1
OverTimeLimit=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
{nodes}
PartitionName=cpu Nodes={every} Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=60
PartitionName=high Nodes={every} MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""
        self.conf.write_text(lines)
        if cgroup:
            text = "CgroupPlugin=cgroup/v1\nCgroupMountpoint=/sys/fs/cgroup\nCgroupAutomount=no\n"
            (self.folder / "cgroup.conf").write_text(text)
        for number in range(GPUS):
            os.mknod(self.folder / f"gpu{number}", 0o20666, os.makedev(1, 3))
        (self.folder / "gres.conf").write_text(f"Name=gpu File={self.folder}/gpu[0-{GPUS - 1}]\n")
        accounting = self.folder / "slurmdbd.conf"
        accounting.write_text(
            f"AuthType=auth/munge\nAuthInfo=socket={self.folder}/munge/sock\nDbdHost=localhost\nDbdAddr=127.0.0.1\n"
            f"DbdPort={accounts}\nSlurmUser=root\nPidFile={self.folder}/slurmdbd.pid\n"
            f"LogFile={self.folder}/log/slurmdbd.log\nStorageType=accounting_storage/mysql\nStorageHost=127.0.0.1\n"
            f"StoragePort={db}\nStorageUser=slurm\nStoragePass=x\nStorageLoc=slurm_acct\n"
        )
        accounting.chmod(0o600)


def node() -> str:
    """The name of this machine, as SLURM has it."""
    return socket.gethostname().partition(".")[0]


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def until(holds: object, what: str, seconds: float = 120.0) -> None:
    """Wait for another program, which gives no other sign. Raises TimeoutError with `what` it was waited for."""
    assert callable(holds)
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.1)
