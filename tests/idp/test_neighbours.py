"""Nobody is waited for without end: PostgreSQL, Redis, and the mail server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.cache.backends.redis import RedisCache
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend
from redis.exceptions import RedisError

from idp import neighbours
from idp.environment import Environment
from idp.neighbours import cache_with_time_limits, with_time_limits
from tests.idp.test_settings import run, value_of
from tests.races.conftest import database_url
from tests.silence import silent_server

REDIS = "django.core.cache.backends.redis.RedisCache"


@contextmanager
def within(seconds: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def test_a_silent_redis_is_not_waited_for() -> None:
    with silent_server() as port:
        settings = cache_with_time_limits({"BACKEND": REDIS, "LOCATION": f"redis://127.0.0.1:{port}"})
        cache = RedisCache(settings["LOCATION"], settings)
        with within(4), pytest.raises(RedisError):
            cache.get("a")


def test_a_silent_database_costs_a_few_seconds_and_a_sentence() -> None:
    with silent_server() as port, within(20):
        url = f"postgres://vestibule:topsecret@127.0.0.1:{port}/vestibule"
        done = run("manage.py", "cleartokens", DATABASE_URL=url, IDP_ISSUER="http://localhost:8000")
    assert "CommandError: The database cannot be used: " in done.stderr
    assert "timeout expired" in done.stderr


def test_a_silent_mail_server_is_waited_for_as_long_as_the_settings_say() -> None:
    assert value_of("EMAIL_TIMEOUT") == "10"
    assert value_of("EMAIL_TIMEOUT", EMAIL_TIMEOUT="3", EMAIL_URL="smtp://mail.example") == "3"
    with silent_server() as port, within(8), pytest.raises(OSError):
        EmailBackend("127.0.0.1", port, timeout=1).send_messages([EmailMessage("a", "b", to=["a@people.example"])])


def test_what_a_url_says_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = "postgres://db.example/v?connect_timeout=9&options=-c%20statement_timeout%3D9000"
    monkeypatch.setenv("DATABASE_URL", given)
    options = neighbours.database(Environment(), tmp_path)["OPTIONS"]
    assert (options["connect_timeout"], options["options"]) == (9, "-c statement_timeout=9000")
    assert options["tcp_user_timeout"] == 5000
    cache = {"BACKEND": REDIS, "LOCATION": "redis://cache.example", "OPTIONS": {"socket_timeout": 2.5}}
    assert cache_with_time_limits(cache)["OPTIONS"] == {"socket_timeout": 2.5, "socket_connect_timeout": 0.3}


def test_a_statement_ends_where_somebody_waits_and_not_in_a_command() -> None:
    database = {"ENGINE": "django.db.backends.postgresql"}
    assert with_time_limits(database, serves=True)["OPTIONS"]["options"] == "-c statement_timeout=5000"
    assert "options" not in with_time_limits(database, serves=False)["OPTIONS"]
    pooled = {**database, "DISABLE_SERVER_SIDE_CURSORS": True}
    assert "options" not in with_time_limits(pooled, serves=True)["OPTIONS"], "poolers refuse it"


@pytest.mark.postgresql
@pytest.mark.django_db
@pytest.mark.parametrize(("module", "limit"), [("idp.wsgi", "5s"), ("django", "0")])
def test_postgresql_knows_the_limit(module: str, limit: str) -> None:
    code = (
        f"import os, {module}, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'idp.settings'; django.setup()\n"
        "from django.db import connection as c; k = c.cursor(); k.execute('SHOW statement_timeout')\n"
        "print(k.fetchone()[0])"
    )
    done = run("-c", code, DATABASE_URL=database_url(), IDP_ISSUER="http://localhost:8000")
    assert done.stdout.strip() == limit, done.stderr


SOCKET = "/var/run/postgresql"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgres://app:secret@%2Fvar%2Frun%2Fpostgresql/idp", {"HOST": SOCKET, "NAME": "idp", "USER": "app"}),
        ("postgres://%2Fvar%2Frun%2Fpostgresql:5433/idp", {"HOST": SOCKET, "PORT": 5433}),
        ("postgres:///idp?host=/var/run/postgresql", {"HOST": "", "OPTIONS": {"host": SOCKET}}),
        ("postgres://us%40er:p%40ss%2Fw%3Ao+rd%2B@h/idp", {"USER": "us@er", "PASSWORD": "p@ss/w:o+rd+", "HOST": "h"}),
        ("postgres://app@[2001:db8::1]:5433/a+b%20c", {"HOST": "2001:db8::1", "PORT": 5433, "NAME": "a+b c"}),
        (
            "postgres://app@one:5432,two:5433/idp?target_session_attrs=read-write",
            {"HOST": "one,two", "PORT": "5432,5433", "OPTIONS": {"target_session_attrs": "read-write"}},
        ),
        (
            "postgres://app@h/idp?sslmode=verify-full&sslrootcert=/etc/our%20ca.pem&connect_timeout=3",
            {"OPTIONS": {"sslmode": "verify-full", "sslrootcert": "/etc/our ca.pem", "connect_timeout": 3}},
        ),
        ("sqlite:////srv/a+b%20c.sqlite3", {"NAME": "/srv/a+b c.sqlite3"}),
    ],
)
def test_every_part_of_a_database_url_may_be_percent_encoded(url: str, says: dict[str, object]) -> None:
    given = neighbours.database_of(url)
    assert {name: given[name] for name in says} == says


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("sslmod=require", "a name behind its .* PostgreSQL does not know"),
        ("ENGINE=other", "a name behind its .* PostgreSQL does not know"),
        ("connect_timeout=soon", "connect_timeout of DATABASE_URL must be a whole number"),
        ("keepalives_idle=-1", "keepalives_idle of DATABASE_URL must be a whole number"),
        ("CONN_MAX_AGE=long", "CONN_MAX_AGE of DATABASE_URL must be a number of seconds"),
        ("CONN_MAX_AGE=-1", "CONN_MAX_AGE of DATABASE_URL must be a number of seconds"),
        ("DISABLE_SERVER_SIDE_CURSORS=perhaps", "must be True or False"),
        ("AUTOCOMMIT=False", "may not say AUTOCOMMIT"),
        ("ATOMIC_REQUESTS=True", "may not say ATOMIC_REQUESTS"),
        ("pool=True", "may not say pool"),
        ("isolation_level=serializable", "may not say isolation_level"),
        ("prepare_threshold=None", "prepare_threshold of DATABASE_URL must be a whole number"),
        ("server_side_binding=perhaps", "server_side_binding of DATABASE_URL must be True or False"),
        ("conninfo=dbname%3Dother", "a name behind its .* PostgreSQL does not know"),
    ],
)
def test_what_a_database_url_says_wrongly_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, query: str, sentence: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgres://app:topsecret@db.example/v?{query}")
    with pytest.raises(ImproperlyConfigured, match=sentence) as refused:
        neighbours.database(Environment(), tmp_path)
    assert "topsecret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgres:///vestibule?host=/var/run/postgresql",
        "postgres://app:secret@db1:5432,db2:5432/vestibule?target_session_attrs=read-write",
        "postgres://db.example/vestibule?sslmode=verify-full&sslrootcert=/etc/ssl/our-ca.pem&CONN_MAX_AGE=60",
        "postgres://db.example/vestibule?connect_timeout=3&options=-c%20statement_timeout%3D5000",
        "postgres://db.example/vestibule?assume_role=vestibule&application_name=idp",
        "postgres:///?service=vestibule",
    ],
)
def test_what_a_database_url_may_say_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert neighbours.database(Environment(), tmp_path)["ENGINE"].endswith("postgresql")


def test_a_question_mark_of_a_password_is_told_and_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://app:top?secret=x@db.example/v")
    with pytest.raises(ImproperlyConfigured) as refused:
        neighbours.database(Environment(), tmp_path)
    assert "secret" not in str(refused.value)


def test_a_password_that_is_not_encoded_is_told_and_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its middle would be looked up as a host, and be named as one that is not there."""
    monkeypatch.setenv("DATABASE_URL", "postgres://app:top@secret/word@db.example/v")
    with pytest.raises(ImproperlyConfigured, match="percent-encoded") as refused:
        neighbours.database(Environment(), tmp_path)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["postgres://", "postgres://app@db.example", "postgres://app@db.example/"])
def test_a_database_has_a_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(ImproperlyConfigured, match="names no database"):
        neighbours.database(Environment(), tmp_path)


@pytest.mark.parametrize(
    ("written", "meant"), [("True", True), ("true", True), ("1", True), ("False", False), ("false", False)]
)
def test_a_switch_of_a_database_url_is_never_its_opposite(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, written: str, meant: bool
) -> None:
    url = f"postgres://db.example/v?DISABLE_SERVER_SIDE_CURSORS={written}&CONN_MAX_AGE=None"
    monkeypatch.setenv("DATABASE_URL", url)
    given = neighbours.database(Environment(), tmp_path)
    assert (given["DISABLE_SERVER_SIDE_CURSORS"], given["CONN_MAX_AGE"]) == (meant, None)
    monkeypatch.setenv("DATABASE_URL", f"postgres://db.example/v?server_side_binding={written}")
    assert neighbours.database(Environment(), tmp_path)["OPTIONS"]["server_side_binding"] is meant


@pytest.mark.parametrize(
    "url",
    [
        "redis://cache.example:port/0",
        "redis://cache.example:6379/counters",
        "redis://cache.example:6379/0?socket_timeout=soon",
        "redis://cache.example:6379/0?socket_timeout=None",
        "redis://cache.example:6379/0?socket_timeout=inf",
        "redis://cache.example:6379/0?socket_timeout=0",
        "redis://cache.example:6379/0?socket_timout=1",
        "redis://cache.example:6379/0?parser_class=nowhere.Parser",
        "memcache://cache.example",
        "dummycache://",
        "filecache:///tmp/cache",
    ],
)
def test_a_cache_that_would_not_count_stops_the_start(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("CACHE_URL", url)
    with pytest.raises(ImproperlyConfigured, match="CACHE_URL must look like redis://"):
        Environment().address("CACHE_URL", "locmemcache://", neighbours.cache_of)


@pytest.mark.parametrize(
    "url",
    [
        "redis://cache.example",
        "rediss://:p%40ss@cache.example:6379/0?socket_timeout=0.5",
        "redis://one:6379,two:6379/1",
        "redis:///var/run/redis.sock",
        "valkey://cache.example:6379/0",
        "redis://cache.example:6379/0?db=7&health_check_interval=30",
        "locmemcache://",
    ],
)
def test_a_cache_as_it_should_be(url: str) -> None:
    assert neighbours.cache_of(url)["BACKEND"].endswith(("RedisCache", "LocMemCache"))


def test_valkey_is_asked_as_redis_is() -> None:
    assert neighbours.cache_of("valkeys://cache.example/1") == neighbours.cache_of("rediss://cache.example/1")
    assert neighbours.cache_of("redis://h?socket_timeout=0.5")["OPTIONS"] == {"socket_timeout": 0.5}, "a number"
