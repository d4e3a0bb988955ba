"""`make bench`, or `.venv/bin/python -m tests.benchmarks --help`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks import databases, machine, report
from tests.benchmarks import peers as known
from tests.benchmarks.flows import AT_SCALE, FLOWS
from tests.benchmarks.goals import MEMORY_WORKERS
from tests.benchmarks.machine import Cores
from tests.benchmarks.measuring import (
    WARM_UP,
    WARM_UP_AT_SCALE,
    Measuring,
    Results,
    count_statements,
    memory_of,
    say,
    started,
)
from tests.benchmarks.peers import PEERS, Peer, Setting
from tests.benchmarks.peers.base import PYTHON
from tests.benchmarks.peers.vestibule import Installation, Vestibule

DOCUMENT = databases.ROOT / "docs" / "performance.md"
NEEDED = {"wrk": "wrk", "taskset": "util-linux", "setpriv": "util-linux"}
LONGEST = 3 * 3600  # seconds; nothing of a run is left after that


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--peers", default=",".join(known.default()), help=f"of: {', '.join(PEERS)} (default: %(default)s)"
    )
    parser.add_argument("--flows", help=f"of: {', '.join(FLOWS)} (default: all)")
    parser.add_argument("--seconds", type=int, default=5, help="per flow, peer and round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        help="processes of Vestibule (default: %(default)s, what it takes per core)",
    )
    parser.add_argument(
        "--private-postgres",
        action="store_true",
        help="a PostgreSQL of this run's own, kept off the server's core; else the one that answers",
    )
    parser.add_argument("--scale", action="store_true", help="compare a small installation with a full one instead")
    parser.add_argument("--clients", type=int, default=100_000, help="of the full one (default: %(default)s)")
    parser.add_argument("--tokens", type=int, default=10_000_000, help="of the full one (default: %(default)s)")
    parser.add_argument(
        "--profile", action="store_true", help="say instead what a request spends its time on, per flow"
    )
    parser.add_argument(
        "--before", type=Path, metavar="DIR", help="another checkout of Vestibule, to be measured in the same run"
    )
    parser.add_argument("--no-count", action="store_true", help="do not count statements")
    parser.add_argument("--write", action="store_true", help=f"put the results into {DOCUMENT.name}")
    chosen = parser.parse_args()
    if chosen.scale:
        chosen.peers, chosen.no_count = ",".join(known.AT_SCALE), True
    flows = AT_SCALE if chosen.scale else FLOWS
    chosen.flows = chosen.flows or ",".join(flows)
    for names, there, what in ((chosen.peers, PEERS, "peer"), (chosen.flows, flows, "flow")):
        if unknown := [name for name in names.split(",") if name not in there]:
            parser.error(f"There is no {what} {', '.join(unknown)}. There are: {', '.join(there)}.")
    return chosen


def neutral() -> None:
    """What the shell says about a deployment must not reach the servers under test."""
    for name in list(os.environ):
        if name.startswith(("IDP_", "DATABASE_", "CACHE_", "EMAIL_", "SECRET_KEY", "GUNICORN_")) or name in (
            "DEBUG",
            "LOG_LEVEL",
            "DJANGO_SETTINGS_MODULE",
            "WEB_CONCURRENCY",
        ):
            del os.environ[name]


def ready(peers: list[Peer]) -> None:
    needed = dict(NEEDED)
    for peer in peers:
        needed.update(peer.programs)
    if missing := machine.missing_programs(needed):
        sys.exit(f"Missing here. On Debian: sudo apt-get install -y {' '.join(missing)}")


def circumstances(chosen: argparse.Namespace, setting: Setting) -> report.Circumstances:
    cores = os.cpu_count() or 1
    where = f"{cores} cores, {machine.processor()}; one for the server under test"
    rounds = f"{chosen.rounds} rounds of {chosen.seconds} seconds, {chosen.connections} connections"
    processes = f"{chosen.workers} process{'' if chosen.workers == 1 else 'es'} of Vestibule"
    versions = {**machine.versions(), "PostgreSQL": databases.described(setting.postgres)}
    return report.Circumstances(f"{datetime.now(UTC):%Y-%m-%d}", where, versions, f"{rounds}, {processes}")


def measured(chosen: argparse.Namespace) -> tuple[Results, str]:
    peers = [PEERS[name]() for name in chosen.peers.split(",")]
    if chosen.before:
        peers.append(Vestibule("before", "Vestibule before", root=chosen.before.resolve()))
    ready(peers)
    cores = Cores.divide()
    cores.keep_off()
    flows = [(AT_SCALE if chosen.scale else FLOWS)[key] for key in chosen.flows.split(",")]
    with ExitStack() as stack:
        setting = Setting(stack, cores, chosen.workers, chosen.private_postgres, chosen.clients, chosen.tokens)
        started(peers, setting)
        warm_up = WARM_UP_AT_SCALE if chosen.scale else WARM_UP
        measuring = Measuring(peers, flows, chosen.seconds, chosen.rounds, chosen.connections, setting, warm_up)
        found = measuring.measure()
        counted = [peer for peer in peers if peer.name == report.OURS and isinstance(peer, Vestibule)]
        if counted and not chosen.no_count:
            say("Counting statements ...")
            found.statements[report.OURS] = count_statements(counted[0], flows, setting)
            say(f"Measuring the memory of {MEMORY_WORKERS} workers ...")
            found.memory_judged = memory_of(counted[0], flows, setting, MEMORY_WORKERS)
        about = circumstances(chosen, setting)
        say("Stopping everything ...")
    titles = {peer.name: peer.title for peer in peers}
    if chosen.scale:
        text = report.scale(found, chosen.clients, chosen.tokens)
        return found, f"{report.heading(about)}\n{text}"
    return found, report.results(found, titles, about)


def profile(chosen: argparse.Namespace) -> None:
    """On a database of this run's own, in a process on the core that servers have otherwise."""
    ready([PEERS[report.OURS]()])
    cores = Cores.divide()
    cores.keep_off()
    with ExitStack() as stack:
        setting = Setting(stack, cores, 1, chosen.private_postgres)
        made = Installation.make(setting, full=False)
        command = [*cores.put_there(), PYTHON, "-m", "tests.benchmarks.profiling", *chosen.flows.split(",")]
        environment = {**os.environ, **made.environment}
        subprocess.run(
            command, env=environment, cwd=databases.ROOT, input=json.dumps(made.secrets), text=True, check=True
        )


def compare(chosen: argparse.Namespace) -> None:
    found, text = measured(chosen)
    sys.stdout.write(text + "\n")
    if chosen.write:
        report.write(DOCUMENT, "scale" if chosen.scale else "results", text)
        say(f"Written to {DOCUMENT.relative_to(databases.ROOT)}.")
    if found.failed:
        sys.exit(1)


def main() -> None:
    chosen = arguments()
    neutral()
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, lambda *_: sys.exit(143))
    signal.alarm(LONGEST)
    try:
        profile(chosen) if chosen.profile else compare(chosen)
    except KeyboardInterrupt:
        sys.exit("Stopped. Nothing is left running.")


if __name__ == "__main__":
    main()
