"""What the machine says: its cores, the processor time and memory of processes, the versions of what runs."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

PROC = Path("/proc")
SETTLES_WITHIN = 30  # seconds
PAUSE = 0.3
IDLE = 0.1  # of a core
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cores:
    """One core is the server's under test; load generator, databases and this program share the others."""

    server: int
    others: frozenset[int]

    @classmethod
    def divide(cls) -> Cores:
        usable = sorted(os.sched_getaffinity(0))
        return cls(usable[0], frozenset(usable[1:]) or frozenset(usable))

    def keep_off(self) -> None:
        """Leave the server's core alone; whatever this program starts inherits that."""
        os.sched_setaffinity(0, self.others)

    def put_there(self) -> list[str]:
        """Begins a command that has the server's core to itself, and ends when this program does, however it ends."""
        return ["setpriv", "--pdeathsig", "TERM", "taskset", "-c", str(self.server)]


def missing_programs(names: Mapping[str, str]) -> list[str]:
    """Debian packages of the programs that are not there; `names` maps a program to its package."""
    return sorted({package for program, package in names.items() if shutil.which(program) is None})


_PARENT, _SESSION = 2, 4


def _processes_of(number: int, field: int = _SESSION) -> list[list[str]]:
    """The fields of /proc/PID/stat from `state` on, behind the id, of every process of a session (see proc(5))."""
    found = []
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except OSError:  # it has just ended
                continue
            fields = [entry.name, *text[text.rindex(")") + 2 :].split()]
            if int(fields[field]) == number:
                found.append(fields)
    return found


def cpu_seconds(session: int) -> float:
    """Processor time of a session's processes and of the children they waited for."""
    return _seconds(_processes_of(session))


def cpu_seconds_below(parent: int | None) -> float:
    """That of a process and its children, the ended ones included. PostgreSQL puts each into a session of its own."""
    return _seconds(_processes_of(parent, 0) + _processes_of(parent, _PARENT)) if parent is not None else 0.0


def _seconds(processes: list[list[str]]) -> float:
    return sum(sum(map(int, fields[12:16])) for fields in processes) / _TICKS


def parent_of(process: int) -> int:
    return int(_processes_of(process, 0)[0][_PARENT])


def settle(session: int) -> None:
    """Wait until a session is idle: requests nobody waits for any more must not slow down who is measured next."""
    until = time.monotonic() + SETTLES_WITHIN
    used, before = cpu_seconds(session), -1.0
    while used - before > IDLE * PAUSE and time.monotonic() < until:
        time.sleep(PAUSE)
        used, before = cpu_seconds(session), used


def memory_mb(session: int) -> float:
    """Their memory, what they share counted once (proportional set size)."""
    total = 0
    for fields in _processes_of(session):
        try:
            rollup = (PROC / fields[0] / "smaps_rollup").read_text()
        except OSError:
            continue
        found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
        total += int(found[1]) if found else 0
    return total / 1024


def processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", (PROC / "cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def signing_rate(core: int) -> float:
    """How many RSA-2048 signatures openssl makes in a second on this core; 0 without openssl."""
    said = said_by("taskset", "-c", str(core), "openssl", "speed", "-elapsed", "-seconds", "2", "-mr", "rsa2048")
    found = re.search(r"^\+F2:\d+:2048:([\d.]+)", said, re.MULTILINE)
    return float(found[1]) if found else 0.0


def versions() -> dict[str, str]:
    names = ("Django", "django-oauth-toolkit", "psycopg", "granian", "gunicorn")
    return {
        "Python": platform.python_version(),
        **{name: metadata.version(name) for name in names},
        "Node.js": said_by("node", "--version").removeprefix("v").strip(),
    }


def said_by(*command: str) -> str:
    """What a program says; nothing when it is not there."""
    if shutil.which(command[0]) is None:
        return ""
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return result.stdout or result.stderr
