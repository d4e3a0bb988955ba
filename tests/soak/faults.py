"""The faults, in the order in which they are tried."""

from __future__ import annotations

import contextlib
import secrets
import signal
import time

from psycopg import sql

from tests.soak.drills import Drill, Moments
from tests.soak.neighbours import Neighbour
from tests.soak.nodes import FIRST, Node, Release
from tests.soak.pair import TTL, Member, programs
from tests.soak.place import until
from tests.soak.stage import Stage

AWAY = 8.0  # seconds for which something is gone, or hangs


# --- Nodes --------------------------------------------------------------------------------------------------------


def kill_a_node(stage: Stage, moments: Moments) -> None:
    """Its server and its worker, all processes of both."""
    node = stage.nodes.members[0]
    with moments.now():
        _kill(node)
    time.sleep(3)


def start_it_again(stage: Stage, moments: Moments) -> None:
    stage.nodes.again(stage.nodes.members[0])
    stage.nodes.wait_ready(stage.nodes.members[0])


def _kill(node: Node) -> None:
    if node.worker:
        node.worker.kill()
    node.server.kill()


def kill_a_main_process(stage: Stage, moments: Moments) -> None:
    """Its worker processes notice, and stop by themselves."""
    with moments.now():
        stage.nodes.members[0].server.process.kill()
    stage.nodes.members[0].server.process.wait()
    time.sleep(3)
    with moments.now():
        _kill(stage.nodes.members[0])


def hang_a_node(stage: Stage, moments: Moments) -> None:
    server = stage.nodes.members[1].server
    with moments.now():
        server.hang()
    time.sleep(AWAY)
    server.go_on()


def roll(stage: Stage, moments: Moments) -> None:
    stage.nodes.roll()


# --- The database -------------------------------------------------------------------------------------------------


def kill_the_primary(stage: Stage, moments: Moments) -> None:
    """PostgreSQL and Patroni, as when a machine is gone: the other takes over by itself."""
    old = stage.pair.leader()
    with moments.now():
        old.kill()
    until(lambda: stage.pair.other(old).leads, TTL + 25, "the standby leads")


def start_the_dead_member(stage: Stage, moments: Moments) -> None:
    for member in stage.pair.members:
        if member.patroni.process.poll() is not None:
            member.start()
    stage.pair.wait_healthy(120)


def wait_for_the_pair(stage: Stage, moments: Moments) -> None:
    stage.pair.wait_healthy(120)


def kill_postgres(stage: Stage, moments: Moments) -> None:
    """PostgreSQL alone: Patroni starts it again, or hands over."""
    leader = stage.pair.leader()
    with moments.now():
        leader.signal_database(signal.SIGSTOP)
        leader.signal_database(signal.SIGKILL)
    time.sleep(1)
    until(lambda: any(member.leads for member in stage.pair.members), 60, "one leads")


def switch_over(stage: Stage, moments: Moments) -> None:
    old = stage.pair.leader()
    new = stage.pair.other(old)
    stage.pair.control("switchover", "vestibule", "--leader", old.name, "--candidate", new.name, "--force")
    until(lambda: new.leads, 60, "the candidate leads")


def restart_the_primary(stage: Stage, moments: Moments) -> None:
    old = stage.pair.leader()
    stage.pair.control("restart", "vestibule", old.name, "--force")
    until(lambda: any(member.leads for member in stage.pair.members), 60, "one leads")


def hang_the_primary(stage: Stage, moments: Moments) -> None:
    _hang(stage.pair.leader(), AWAY, moments)


def hang_the_primary_for_long(stage: Stage, moments: Moments) -> None:
    """Until the other has taken over. When it wakes up it must not believe that it still writes."""
    old = stage.pair.leader()
    with moments.now():
        old.hang()
    try:
        until(lambda: stage.pair.other(old).leads, TTL + 25, "the standby leads")
        time.sleep(3)
    finally:
        old.go_on()


def hang_the_standby(stage: Stage, moments: Moments) -> None:
    """What is committed waits for it until PostgreSQL and Patroni give it up."""
    _hang(stage.pair.other(stage.pair.leader()), 2 * AWAY, moments)


def _hang(member: Member, seconds: float, moments: Moments) -> None:
    with moments.now():
        member.hang()
    try:
        time.sleep(seconds)
    finally:
        member.go_on()


def stop_etcd(stage: Stage, moments: Moments) -> None:
    """For longer than the lock lives. Who has it goes on as long as it reaches all others."""
    stage.pair.etcd.kill()
    time.sleep(TTL + AWAY)
    stage.pair.start_etcd()


def kill_the_standby(stage: Stage, moments: Moments) -> None:
    with moments.now():
        stage.pair.other(stage.pair.leader()).kill()
    time.sleep(AWAY)


# --- Neighbours ---------------------------------------------------------------------------------------------------


def _stopped(which: Neighbour, moments: Moments) -> None:
    with moments.now():
        which.running.kill()
    time.sleep(AWAY)
    which.start()


def _hung(which: Neighbour, moments: Moments) -> None:
    with moments.now():
        which.running.hang()
    time.sleep(AWAY)
    which.running.go_on()


def restart_the_pooler(stage: Stage, moments: Moments) -> None:
    with moments.now():
        stage.bouncer.running.kill()
    stage.bouncer.start()


# --- What operators do --------------------------------------------------------------------------------------------


def rotate_keys(stage: Stage, moments: Moments) -> None:
    """The next key signs. It was published long enough ago, which is made so: the rest of the soak is too short."""
    stage.administrate(sql.SQL("update clients_signingkey set created_at = created_at - interval '1 day'"), "vestibule")
    stage.command("rotatekeys")


def change_key_secrets(stage: Stage, moments: Moments) -> None:
    """All steps of operations.md, to the end where the old one is gone."""
    new, old = secrets.token_urlsafe(48), stage.nodes.environment["IDP_KEY_SECRETS"]
    stage.nodes.environment["IDP_KEY_SECRETS"] = f"{new},{old}"
    stage.nodes.roll()
    stage.command("resealfactors")
    stage.command("rotatekeys", "--servers-restarted")
    stage.command("resealfactors")


def has_disks(stage: Stage) -> bool:
    """Or we would fill the one of this machine."""
    return all(member.home in stage.place.disks for member in stage.pair.members)


def fill_the_disk(stage: Stage, moments: Moments) -> None:
    """Of the primary, to the last byte; and then there is room again."""
    ballast = stage.pair.leader().home / "ballast"
    piece = b"\0" * 1_048_576
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(piece) == len(piece):
            continue
    time.sleep(2 * AWAY)
    ballast.unlink()
    until(lambda: any(member.leads for member in stage.pair.members), 60, "one leads")


def back_to_the_release_before(stage: Stage, moments: Moments) -> None:
    """The code before, on the tables of the new one."""
    stage.nodes.release = Release(stage.place.folder / FIRST)
    stage.nodes.roll()


def restore_a_dump(stage: Stage, moments: Moments) -> None:
    """What was ended since the dump must stay so: operations.md, "After a restore"."""
    dump = stage.place.folder / "vestibule.dump"
    pg = programs()
    stage.place.run([pg / "pg_dump", "--format", "custom", "--file", dump, stage.superuser("vestibule")])
    time.sleep(AWAY)
    stage.nodes.stop()
    stage.administrate(sql.SQL("drop database vestibule with (force)"))
    stage.administrate(sql.SQL("create database vestibule owner vestibule"))
    stage.place.run([pg / "pg_restore", "--exit-on-error", "--no-owner", "--dbname", stage.direct, dump])
    stage.command("migrate", "--verbosity", "0")
    stage.command("revoke", "--everything", "--consents")
    stage.load.ledger.everything_ended(time.monotonic())
    stage.load.forget()
    for node in list(stage.nodes.members):
        stage.nodes.again(node)
    for node in stage.nodes.members:
        stage.nodes.wait_ready(node)


def next_release(stage: Stage, moments: Moments) -> None:
    """A copy of the code with a migration that adds a column; the old servers go on while it runs."""
    newer = Release.copy(stage.place, "release-2", of=stage.nodes.release.folder)
    folder = newer.folder / "clients" / "migrations"
    last = max(path.stem for path in folder.glob("0*.py"))
    (folder / "9000_soak.py").write_text(MIGRATION.format(last=last))
    stage.nodes.release = newer
    stage.command("migrate", "--verbosity", "0")
    stage.nodes.roll()


MIGRATION = '''"""A column that nobody reads yet: what a next version may do while this one serves."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("clients", "{last}")]
    operations = [
        migrations.RunSQL("ALTER TABLE clients_accesstoken ADD COLUMN soak text NOT NULL DEFAULT ''"),
        migrations.RunSQL("ALTER TABLE clients_client ADD COLUMN soak text NOT NULL DEFAULT ''"),
    ]
'''


DRILLS = (
    Drill("node-kill", "kill -9 of a node, server and worker", kill_a_node, mend=start_it_again),
    Drill("main-kill", "kill -9 of the main process of a server alone", kill_a_main_process, 2, start_it_again),
    Drill("node-hang", f"a node hangs for {AWAY:.0f} s", hang_a_node, 3),
    Drill("roll", "rolling restart, servers and workers", roll),
    Drill("redis-stop", f"Redis is gone for {AWAY:.0f} s", lambda s, m: _stopped(s.redis, m), 3),
    Drill("redis-hang", f"Redis hangs for {AWAY:.0f} s", lambda s, m: _hung(s.redis, m), 3),
    Drill("pooler-restart", "kill -9 and start of PgBouncer", restart_the_pooler, 3),
    Drill("pooler-hang", f"PgBouncer hangs for {AWAY:.0f} s", lambda s, m: _hung(s.bouncer, m), 5),
    Drill("switchover", "patronictl switchover", switch_over, 8, wait_for_the_pair),
    Drill("restart", "patronictl restart of the primary", restart_the_primary, 8, wait_for_the_pair),
    Drill("primary-kill", "kill -9 of the primary, PostgreSQL and Patroni", kill_the_primary, 8, start_the_dead_member),
    Drill("postgres-kill", "kill -9 of the primary's PostgreSQL alone", kill_postgres, 8, wait_for_the_pair),
    Drill("primary-hang", f"the primary hangs for {AWAY:.0f} s", hang_the_primary, 8, wait_for_the_pair),
    Drill("primary-gone", "the primary hangs until the other leads", hang_the_primary_for_long, 8, wait_for_the_pair),
    Drill("standby-hang", f"the standby hangs for {2 * AWAY:.0f} s", hang_the_standby, 8, wait_for_the_pair),
    Drill("standby-kill", "kill -9 of the standby", kill_the_standby, 8, start_the_dead_member),
    Drill("etcd-stop", f"etcd is gone for {TTL + AWAY:.0f} s", stop_etcd, None, wait_for_the_pair),
    Drill(
        "disk-full", f"the primary's disk is full for {2 * AWAY:.0f} s", fill_the_disk, 10, wait_for_the_pair, has_disks
    ),
    Drill("keys", "rotatekeys", rotate_keys),
    Drill("key-secrets", "new IDP_KEY_SECRETS, all steps, node after node", change_key_secrets),
    Drill("release", "a new release with a migration, node after node", next_release),
    Drill("rollback", "back to the release before, on the new tables, node after node", back_to_the_release_before),
    Drill("restore", "a dump is restored, and everything revoked", restore_a_dump, 3),
)
