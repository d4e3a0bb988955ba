"""A limit on guesses at client secrets: per client and network. Only failures count.

What is compared quickly needs no limit: generated secrets have 256 random bits. So a right one is never refused,
whatever others at its address do. Wrong ones are counted for every client alike, so that the answer does not tell which
client has a secret that can be guessed, or exists.
"""

from __future__ import annotations

from common import counters
from common.networks import network_of

WINDOW = 300  # seconds
PER_CLIENT = 20


def blocked(client_id: str, address: str) -> bool:
    """Whether this network must wait before it guesses at this client again."""
    return counters.is_reached(_limit(), client_id, network_of(address))


def count(client_id: str, address: str) -> int:
    """Count a guess before it is tried. More than PER_CLIENT are too many."""
    return counters.count(_limit(), client_id, network_of(address))


def lift(client_id: str, network: str) -> bool:
    """Let this network try again. False when nothing was counted."""
    return counters.clear(_limit(), client_id, network)


def take_back(client_id: str, address: str) -> None:
    """It was the right secret."""
    counters.take_back(_limit(), client_id, network_of(address))


def _limit() -> counters.Limit:
    return counters.Limit("client-secret", PER_CLIENT, WINDOW)
