"""Where a soak runs: a folder, free ports of this machine, and processes that are sure to end with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ENDS_WITHIN = 8  # seconds
SERVICE = "postgres"  # PostgreSQL refuses to run as root, and so does PgBouncer
MAY_MOUNT = "VESTIBULE_SOAK_MAY_MOUNT"  # said to itself by a soak that mounts what only it sees
KEPT = ("PATH", "LANG", "VIRTUAL_ENV")


class Failed(Exception):
    """The soak itself cannot go on: something did not start, a command failed."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def until(holds: Callable[[], bool], seconds: float, what: str) -> float:
    """The seconds it took."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() > began + seconds:
            raise Failed(f"{what}: not within {seconds:.0f} seconds")
        time.sleep(0.1)
    return time.monotonic() - began


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@dataclass
class Running:
    """A command and its children, which are one process group."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.process.wait()

    def hang(self) -> None:
        self.send(signal.SIGSTOP)

    def go_on(self) -> None:
        self.send(signal.SIGCONT)

    def end(self, seconds: float = ENDS_WITHIN) -> None:
        self.go_on()
        with contextlib.suppress(ProcessLookupError):  # its children are ended by it
            self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        self.kill()


@dataclass
class Place:
    """What refuses to run as root runs as a user of its own where we are root; the product runs as we do."""

    folder: Path
    running: list[Running] = field(default_factory=list)
    disks: list[Path] = field(default_factory=list)

    @property
    def root(self) -> bool:
        return os.geteuid() == 0

    def own(self, path: Path) -> Path:
        """A path that what is started may use."""
        if self.root:
            shutil.chown(path, SERVICE, SERVICE)
        return path

    def make(self, name: str, text: str | None = None) -> Path:
        """A folder, or a file with this text, which others cannot read."""
        path = self.folder / name
        if text is None:
            path.mkdir(mode=0o700)
        else:
            path.write_text(text)
            path.chmod(0o600)
        return self.own(path)

    def small_disk(self, folder: Path, megabytes: int) -> bool:
        """Give a folder a file system of its own, in memory, if we may. Nobody else sees it (see __main__.py)."""
        options = f"size={megabytes}m,mode=0700"
        made = ["mount", "-t", "tmpfs", "-o", options, "vestibule-soak", str(folder)]
        if os.environ.get(MAY_MOUNT) != "yes" or subprocess.run(made, check=False, capture_output=True).returncode:
            return False
        self.own(folder)
        self.disks.append(folder)
        return True

    def become(self, *, ours: bool) -> list[str]:
        """Gone when we are, however we end."""
        user = [] if ours or not self.root else ["--reuid", SERVICE, "--regid", SERVICE, "--clear-groups"]
        return ["setpriv", *user, "--pdeathsig", "KILL"]

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        *,
        ours: bool = False,
    ) -> Running:
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*self.become(ours=ours), *map(str, command)],
                env=plain(environment),
                cwd=cwd or self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        started = Running(name, process, log)
        self.running.append(started)
        return started

    def run(
        self,
        command: Sequence[str | Path],
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        *,
        ours: bool = False,
    ) -> str:
        """What a command answers."""
        done = subprocess.run(
            [*self.become(ours=ours), *map(str, command)],
            env=plain(environment),
            cwd=cwd or self.folder,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if done.returncode:
            raise Failed(f"{' '.join(map(str, command))[:200]}: {(done.stderr or done.stdout)[-1500:]}")
        return done.stdout

    def end(self) -> None:
        """Whoever was started last ends first."""
        while self.running:
            self.running.pop().end()
        while self.disks:
            subprocess.run(["umount", "--lazy", str(self.disks.pop())], check=False)


def plain(more: Mapping[str, str] | None) -> dict[str, str]:
    """An environment in which nothing of ours is said."""
    return {name: os.environ[name] for name in KEPT if name in os.environ} | {"HOME": "/nonexistent"} | dict(more or {})


@contextlib.contextmanager
def place(folder: Path) -> Iterator[Place]:
    made = Place(folder)
    made.own(folder)
    try:
        yield made
    finally:
        made.end()


def say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
