"""The settings of the database, the cache and the mail server: how to reach them, and how long to wait for them."""

from __future__ import annotations

from math import inf
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.cache.backends.redis import RedisCache
from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo

from idp.environment import Environment, Settings

# Longer than a slow neighbour takes, shorter than people wait. What a URL says itself wins.
STATEMENT_MILLISECONDS = 5000
POSTGRES_LIMITS: dict[str, str | int] = {
    "connect_timeout": 3,  # seconds for each address
    "tcp_user_timeout": 5000,  # milliseconds until what we sent must have arrived
    "keepalives": 1,
    "keepalives_idle": 10,  # seconds
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
REDIS_LIMITS = {"socket_timeout": 0.3, "socket_connect_timeout": 0.3}  # seconds
EMAIL_SECONDS = 10
SWITCHES = {"true": True, "1": True, "false": False, "0": False}
# What nobody is asked for: requests and commands say themselves what is one transaction, and keep their connections.
NOT_OURS = ("ATOMIC_REQUESTS", "AUTOCOMMIT", "isolation_level", "pool")
# Never told to PostgreSQL.
OF_DJANGO = {"assume_role", "prepare_threshold", "server_side_binding"}


class Process:
    """What this process does. `idp.wsgi` says so before the settings are read."""

    serves = False


def database(env: Environment, state: Path) -> Settings:
    given = env.address("DATABASE_URL", f"sqlite:///{state / 'db.sqlite3'}", database_of)
    if not given["ENGINE"].endswith("sqlite3"):
        kept = {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
        return kept | with_time_limits(checked_query(given), serves=Process.serves)
    # IMMEDIATE: a transaction that will write takes the lock at once instead of failing half-way.
    options = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
    return {**given, "OPTIONS": options}


def database_of(url: str) -> Settings:
    """The settings of a database URL, every part of it percent-decoded as libpq does (RFC 3986 section 2.1).

    The library leaves `%2Fvar%2Frun%2Fpostgresql`, the directory of a socket, as it is, and takes `+` for a space.
    """
    before, mark, query = url.partition("?")
    whole = before.replace("+", "%2B") + mark + query
    given: Settings = Environment.db_url_config(whole)  # type: ignore[no-untyped-call]
    return {**given, "HOST": unquote(given.get("HOST", ""))}


def checked_query(given: Settings) -> Settings:
    """The same with what stands behind the `?` understood: else each request would fail, or `false` pass for true.

    No name is repeated, as one may be the rest of a password that has a `?`.
    """
    found, options = dict(given), dict(given.get("OPTIONS", {}))
    _switch(found, "DISABLE_SERVER_SIDE_CURSORS", "CONN_HEALTH_CHECKS")
    _switch(options, "server_side_binding")
    if not (found.get("CONN_MAX_AGE", 0) is None or _is_number(found.get("CONN_MAX_AGE", 0))):
        raise ImproperlyConfigured("CONN_MAX_AGE of DATABASE_URL must be a number of seconds.")
    for name in sorted({*POSTGRES_LIMITS, "prepare_threshold"} & options.keys()):
        if not _is_number(options[name]):
            raise ImproperlyConfigured(f"{name} of DATABASE_URL must be a whole number.")
    if refused := [name for name in NOT_OURS if name in found or name in options]:
        raise ImproperlyConfigured(f"DATABASE_URL may not say {' or '.join(refused)}. Take it out.")
    try:
        make_conninfo("", **{name: value for name, value in options.items() if name not in OF_DJANGO})
    except (ProgrammingError, TypeError):  # TypeError: a name of its own
        raise ImproperlyConfigured(
            "DATABASE_URL has a name behind its ? that PostgreSQL does not know (docs/operations.md, Databases)."
            " A ? of the password is written %3F."
        ) from None
    if not (found["NAME"] or options.get("dbname") or options.get("service")):
        raise ImproperlyConfigured("DATABASE_URL names no database: its last part, as in postgres://…/vestibule.")
    if "@" in found["NAME"]:  # what stands before it would be asked for as a host, and told
        raise ImproperlyConfigured(
            "DATABASE_URL has an @ behind its host. Special characters of the password are percent-encoded: %40 for @,"
            " %2F for /."
        )
    return {**found, **({"OPTIONS": options} if options else {})}


def _switch(said: Settings, *names: str) -> None:
    """Make these of what was said a truth value: any text would pass for true, or for nothing."""
    for name in names:
        if name not in said:
            continue
        if (value := SWITCHES.get(str(said[name]).lower())) is None:
            raise ImproperlyConfigured(f"{name} of DATABASE_URL must be True or False.")
        said[name] = value


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def with_time_limits(given: Settings, *, serves: bool) -> Settings:
    """The same PostgreSQL, never waited for without end.

    A statement may take long in a command, but not where somebody waits for the answer. A pooler takes no `options`:
    behind one, the role has the limit (docs/operations.md).
    """
    limits = dict(POSTGRES_LIMITS)
    if serves and not given.get("DISABLE_SERVER_SIDE_CURSORS"):
        limits["options"] = f"-c statement_timeout={STATEMENT_MILLISECONDS}"
    return {**given, "OPTIONS": limits | given.get("OPTIONS", {})}


def cache_of(url: str) -> Settings:
    """The settings of a cache URL. A mistake would look like a Redis that is away, with every request."""
    if url.startswith("valkey"):  # speaks as Redis does, and the library would make no address of it
        url = f"redis{url.removeprefix('valkey')}"
    given: Settings = Environment.cache_url_config(url)  # type: ignore[no-untyped-call]
    if given["BACKEND"].endswith(".RedisCache"):
        parts = urlsplit(url)
        for one in parts.netloc.split(","):
            _ = urlsplit(f"//{one}").port  # ValueError
        if parts.netloc and parts.path.strip("/"):
            int(parts.path.strip("/"))
        options = given.get("OPTIONS", {})
        for name in REDIS_LIMITS.keys() & options.keys():
            options[name] = _seconds(options[name])
        try:  # nobody is asked yet, and a name that no connection has would be told with the first one
            RedisCache(given["LOCATION"], given)._cache.get_client(write=True).connection_pool.make_connection()
        except (TypeError, ImportError):
            raise ImproperlyConfigured from None  # said by whoever reads the address
    return given


def _seconds(value: object) -> float:
    """Raises ValueError: nobody is waited for without end, nor not at all."""
    seconds = float(str(value))
    if not 0 < seconds < inf:
        raise ValueError
    return seconds


def cache_with_time_limits(given: Settings) -> Settings:
    """The same Redis, never waited for without end. Memory stays as it is."""
    if not given["BACKEND"].endswith(".RedisCache"):
        return given
    return {**given, "BACKEND": "common.redis_cache.RedisCache", "OPTIONS": REDIS_LIMITS | given.get("OPTIONS", {})}


def mail(env: Environment) -> Settings:
    """All of Django's settings for mail, and IDP_MAIL_BACKEND: where `delivermail` sends it.

    No request waits for a mail server: it writes into the outbox. A log or a file needs no such detour.
    """
    given = env.address("EMAIL_URL", "consolemail://", env.email_url_config)
    sends = given["EMAIL_BACKEND"]
    if sends.endswith(".console.EmailBackend"):
        sends = "common.console.EmailBackend"
    outbox = "accounts.outbox.Outbox" if sends.endswith("smtp.EmailBackend") else sends
    seconds = env.positive("EMAIL_TIMEOUT", default=EMAIL_SECONDS)
    return {**given, "EMAIL_BACKEND": outbox, "IDP_MAIL_BACKEND": sends, "EMAIL_TIMEOUT": seconds}
