"""What every test has: this machine's network only, no silent skips, and the world people and clients live in."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db.models import F
from hypothesis import settings as hypothesis_settings

from clients.models import SigningKey
from common import cache as facts_cache
from common import clock, counters
from provider.keys import keyring
from provider.store import refusals, tallies
from tests.snapshot import Snapshot, applied
from tests.world import WORLD

# In the gate each property is tried less often: it looks for what a change broke, and by hand one looks for more.
hypothesis_settings.register_profile("gate", parent=hypothesis_settings.get_profile("ci"), max_examples=25)
if os.environ.get("CI"):
    hypothesis_settings.load_profile("gate")

pytest_plugins = [
    "tests.plugins.collecting",
    "tests.plugins.loopback",
    "tests.plugins.skips",
    "tests.plugins.places",
    "tests.plugins.programs",
    "tests.plugins.emptying",
    "tests.plugins.garbage",
    "tests.plugins.widgets",
    "tests.plugins.numbering",
    "tests.plugins.tables",
    "tests.console",
    "tests.guests",
]


@pytest.fixture(scope="session", autouse=True)
def _changes_bite_at_once() -> None:
    """Between two tests, too: the live server still answers programs that the one before has ended."""
    django_settings.IDP_FACTS_MAX_AGE = 0


@pytest.fixture(autouse=True)
def _quick_and_alone(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed quickly, and no test sees the limits another one used up.

    Tests that travel in time do not take the database with them, so its clock is not compared.
    """
    monkeypatch.setattr(clock, "compare", lambda *_read: None)
    # Every client of a test starts the middleware anew, which would list hundreds of static files each time.
    settings.WHITENOISE_AUTOREFRESH = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.IDP_ISSUER_FORGOTTEN = False  # on PostgreSQL a test run has DATABASE_URL only
    counters._away_until = 0.0
    cache.clear()
    counters._local.clear()
    monkeypatch.setattr(refusals, "_waiting", refusals.Waiting())
    monkeypatch.setattr(tallies, "_waiting", tallies.Waiting())


@pytest.fixture
def remembering(settings: Any) -> Iterator[None]:
    """A process that looks at what changed only when it has to. In the transaction of a test it always has."""
    settings.IDP_FACTS_MAX_AGE = 3600
    yield
    settings.IDP_FACTS_MAX_AGE = 0
    facts_cache.renew()


@pytest.fixture(scope="session")
def live_server(django_db_setup: None, live_server: Any) -> Iterator[Any]:
    """The server. Its threads hold database connections: they end before the database is dropped.

    A thread ends when its visitor hangs up, and a forgotten `requests.Session` does that once it is collected.
    """
    yield live_server
    gc.collect()
    for thread in threading.enumerate():
        if thread.name.endswith("(process_request_thread)"):
            thread.join(timeout=10)


_keys = Snapshot(keyring.ensure_keys)
_world = Snapshot(partial(applied, WORLD, "world.yaml"))


@pytest.fixture
def keys(db: None) -> None:
    """Signing keys; made once per process, because an RSA key takes long to make.

    They are as of now, not of then, and one after the other as they were made: what is of one moment has no order.
    """
    _keys()
    since = clock.now() - SigningKey.objects.latest("created_at").created_at
    SigningKey.objects.update(created_at=F("created_at") + since, activated_at=F("activated_at") + since)


@pytest.fixture
def world(db: None, keys: None) -> None:
    """People with roles, three projects and their clients (tests/world.py)."""
    _world()
