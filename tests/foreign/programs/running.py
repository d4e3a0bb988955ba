"""Programs of others while a test speaks to them: on loopback, for a bounded time, and none is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST = 400  # seconds that a program may run, whatever becomes of its test
STARTING = 180  # seconds until it answers


def bounded(command: list[str | Path]) -> list[str]:
    """The command, ending after a while by itself."""
    return ["timeout", "--kill-after=5", str(LONGEST), *map(str, command)]


def alone(folder: Path, environ: dict[str, str]) -> dict[str, str]:
    """The environment of a program: a home of its own, and nothing of ours but the path."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONUNBUFFERED": "1", **environ}


@contextmanager
def running(command: list[str | Path], folder: Path, port: int, **environ: str) -> Iterator[Path]:
    """A program in a folder, until it is left. Yields the file with what it says."""
    log = folder / "said.log"
    with (
        log.open("ab") as said,
        subprocess.Popen(
            bounded(command),
            cwd=folder,
            env=alone(folder, environ),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        ) as process,
    ):
        try:
            _wait(process, port, log)
            yield log
        except AssertionError as error:
            error.add_note(f"What the program said:\n{log.read_text(errors='replace')[-4000:]}")
            raise
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """`timeout` leads a process group of its own and passes signals on to all of it."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + STARTING
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"It does not answer: {log.read_text()}")


def finished(command: list[str | Path], folder: Path, **environ: str) -> str:
    """What a program says that does its work and ends."""
    done = subprocess.run(
        bounded(command),
        cwd=folder,
        env=alone(folder, environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def lacks(*programs: str | Path) -> str:
    """The reason to skip where the machine has not all of these, or nothing."""
    missing = [Path(one).name for one in programs if shutil.which(one) is None]
    return f"needs {' and '.join(missing)}" if missing else ""


@contextmanager
def talking(command: list[str | Path], folder: Path, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """A program that somebody talks to in a terminal, until it is left. What it complains of is in `said.log`."""
    with (
        (folder / "said.log").open("ab") as said,
        subprocess.Popen(
            bounded(command),
            cwd=folder,
            env=alone(folder, environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
