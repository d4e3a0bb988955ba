"""`make soak`, or `.venv/bin/python -m tests.soak --help`.

Three nodes behind HAProxy, Redis, and a PostgreSQL pair that fails over by itself behind PgBouncer, all of this run's
own on loopback, under a constant load. Then one fault after another. The clients of the load keep a ledger of what they
were answered: nothing of it may be lost, and nothing that was ended may come back.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psycopg

from tests.soak import report
from tests.soak.drills import Drill, Result, perform
from tests.soak.faults import DRILLS
from tests.soak.place import MAY_MOUNT, Failed, place, say
from tests.soak.stage import stage

LONGEST = 3600  # seconds; nothing of a run is left after that
NEEDED = {
    "patroni": "patroni",
    "patronictl": "patroni",
    "etcd": "etcd-server",
    "pgbouncer": "pgbouncer",
    "haproxy": "haproxy",
    "redis-server": "redis-server",
    "setpriv": "util-linux",
}
APART = ("unshare", "--mount", "--propagation", "private")
WHERE = "/usr/sbin:/usr/bin:/sbin:/bin"


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    keys = ",".join(drill.key for drill in DRILLS)
    parser.add_argument("--faults", default=keys, help=f"of: {keys.replace(',', ', ')} (default: all, in this order)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where the logs of all processes are left")
    parser.add_argument("--write", action="store_true", help=f"put the table into {report.DOCUMENT.name}")
    chosen = parser.parse_args(given)
    if unknown := set(chosen.faults.split(",")) - set(keys.split(",")):
        parser.error(f"There is no fault {', '.join(sorted(unknown))}.")
    return chosen


def chosen_drills(names: str) -> list[Drill]:
    known = {drill.key: drill for drill in DRILLS}
    return [known[name] for name in names.split(",")]


def soak(drills: Sequence[Drill], keep: Path | None, results: list[Result]) -> None:
    """The results of those that were performed, should one stop it."""
    with tempfile.TemporaryDirectory(prefix="vestibule-soak-") as folder, place(Path(folder)) as here:
        try:
            with stage(here) as made:
                made.load.start()
                results.extend(filter(None, (perform(drill, made) for drill in drills)))
        finally:
            if keep:
                keep.mkdir(parents=True, exist_ok=True)
                for log in Path(folder).glob("*.log"):
                    shutil.copy(log, keep)


def apart() -> None:
    """As root, go on in a mount namespace of our own: small disks that nobody else sees, and that go with us."""
    if os.environ.get(MAY_MOUNT) or os.geteuid() != 0:
        return
    allowed = subprocess.run([*APART, "true"], check=False, capture_output=True).returncode == 0
    os.environ[MAY_MOUNT] = "yes" if allowed else "no"
    if allowed:
        os.execvp(APART[0], [*APART, sys.executable, "-m", "tests.soak", *sys.argv[1:]])  # noqa: S606


def main() -> int:
    chosen = arguments()
    apart()
    if missing := sorted({package for name, package in NEEDED.items() if not shutil.which(name, path=WHERE)}):
        sys.exit(f"Missing here. On Debian: sudo apt-get install -y {' '.join(missing)}")
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, lambda *_: sys.exit(143))
    signal.alarm(LONGEST)
    results: list[Result] = []
    stopped = ""
    try:
        soak(chosen_drills(chosen.faults), chosen.keep, results)
    except (Failed, OSError, psycopg.Error) as error:
        stopped = f"The soak could not go on: {error}"
    except KeyboardInterrupt:
        sys.exit("Stopped. Nothing is left running.")
    sys.stdout.write(report.table(results) + "\n")
    if chosen.write and not stopped:
        report.write(results)
    wrong = report.faults(results) + [stopped] * bool(stopped)
    for sentence in wrong:
        say(sentence)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
