"""What may be used once: assertions and proofs of others, by their `jti`. One memory for all processes and nodes.

It is where guesses are counted: in Redis where one is configured, else in the database. Unlike a counter it is never a
process's own: what cannot be remembered is refused (503), for another process would accept it again. Only a digest is
kept, until nothing could be replayed any more. Uses clear away what is over, so the table has no more rows than there
were uses within the longest time that one matters.
"""

from __future__ import annotations

import hashlib
import logging
import random
from datetime import timedelta

from common import clock, counters, sql
from common.redis_cache import RedisCache
from provider.protocol.errors import TemporarilyUnavailable

logger = logging.getLogger(__name__)
CLEARED_EVERY = 200  # uses, by chance: processes need not agree
CLEARED_AT_ONCE = 2_000  # rows: more than were added since
_TABLE = "clients_firstuse"
# A row that is over counts for nothing, cleared away or not.
_USE = f"""
    INSERT INTO {_TABLE} (digest, expires_at) VALUES (%s, %s)
    ON CONFLICT (digest) DO UPDATE SET expires_at = excluded.expires_at WHERE {_TABLE}.expires_at <= %s
    RETURNING 1
"""  # noqa: S608 - names of ours
_CLEAR = f"""
    DELETE FROM {_TABLE} WHERE digest IN (
        SELECT digest FROM {_TABLE} WHERE expires_at <= %s ORDER BY expires_at LIMIT {CLEARED_AT_ONCE} {{skip}}
    ) RETURNING 1
"""  # noqa: S608 - names of ours


def first_use(kind: str, holder: str, jti: str, seconds: int) -> bool:
    """Whether this holder did not use it before; from now on it is used, for so many seconds.

    Raises TemporarilyUnavailable, or an error of the database, when that cannot be found out.
    """
    digest = _digest(kind, holder, jti)
    cache = counters.shared()
    return _first_key(cache, digest, seconds) if isinstance(cache, RedisCache) else _first_row(digest, seconds)


def _digest(*parts: str) -> str:
    """Each part with its length, so that two of them never read as two others."""
    counted = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(counted.encode(errors="surrogatepass")).hexdigest()


def _first_key(cache: RedisCache, digest: str, seconds: int) -> bool:
    try:
        return cache.first(f"first-use:{digest}", seconds)
    except Exception as error:  # the library has its own
        logger.error("The cache does not answer, so nothing that may be used once is accepted. It said: %s", error)
        raise TemporarilyUnavailable("The provider cannot tell now whether this was used before.") from error


def _first_row(digest: str, seconds: int) -> bool:
    now = clock.now()
    if not sql.changes(_USE, (digest, now + timedelta(seconds=seconds), now)):
        return False
    if random.randrange(CLEARED_EVERY) == 0:  # noqa: S311 - nothing depends on who it is
        sql.changes(_CLEAR.format(skip=sql.skip_locked()), (now,))
    return True
