"""What we want to be, as ratios to others inside one interleaved run. Pure.

Ours durable in PostgreSQL with synchronous commit and every check on, theirs as each is usually run.
"""

from __future__ import annotations

GOALS: dict[str, dict[str, float]] = {
    "dot": {"client_credentials": 500, "introspect": 500, "refresh": 300, "code": 300, "jwks": 2},
    "dot-cheap": {
        "client_credentials": 12,
        "introspect": 12,
        "refresh": 10,
        "code": 10,
        "userinfo": 15,
        "jwks": 10,
    },
    "node": {
        "client_credentials": 1,
        "dpop": 1,
        "private_key_jwt": 1,
        "jwt": 4,
        "introspect": 1,
        "refresh": 1,
        "code": 1,
        "device": 1,
        "exchange": 1,
        "userinfo": 1.1,
    },
    "node-memory": {"jwks": 2.5},
    "glewlwyd": {"client_credentials": 10, "introspect": 3, "refresh": 7, "code": 10, "userinfo": 5, "jwks": 1},
}
# Statements per request on PostgreSQL with warm caches; transaction control is counted apart.
STATEMENTS: dict[str, float] = {
    "client_credentials": 1,
    "dpop": 1,  # the memory of proofs and assertions is Redis
    "private_key_jwt": 1,
    "jwt": 0,
    "introspect": 1,
    "refresh": 2,
    "kept": 2,
    "code": 2,
    "device": 2,
    "exchange": 2,
    "userinfo": 1,
    "jwks": 0,
}
NOTHING = "-"
MEMORY_MB, MEMORY_WORKERS = 150, 2
SIGNING = 0.7  # of openssl's RSA-2048 signatures, for access tokens that are JWTs signed by RS256
FLAT = 0.9  # at scale: the least part of the small installation's rate


def compared(measured: float | None, goal: float | None) -> str:
    """A measured ratio beside its goal, as a table says it."""
    if measured is None:
        return NOTHING
    said = f"{number(measured)}x"
    if goal is None:
        return said
    return f"{said} (goal {number(goal)}x: {'met' if measured >= goal else 'missed'})"


def number(value: float) -> str:
    """Three figures are all a measurement is worth: 0.123, 1.23, 12.3, 123, 1,234."""
    for places, above in ((0, 99.95), (1, 9.995), (2, 0.9995)):
        if abs(value) >= above:
            return f"{value:,.{places}f}"
    return f"{value:.3f}" if value else "0"
