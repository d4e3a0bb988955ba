"""Nobody is refused for what a process remembers (decision 0321): their request is answered as if it came once more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from common import cache
from provider.protocol.errors import InvalidScope, InvalidTarget, UnauthorizedClient
from provider.protocol.request import Params

Answered = TypeVar("Answered")
# Refused by what administrators say of clients and APIs, without a trace: InvalidAudience is an event.
BY_FACTS = (InvalidScope, InvalidTarget, UnauthorizedClient)


def answered(params: Params, by: Callable[[], Answered]) -> Answered:
    """What `by` answers, from the client's authentication on; where something changed meanwhile, what it answers then.

    Nothing of the first answer is kept. It is what the client would hear that asks again: whoever proved something
    proves it anew. One that authenticates by an assertion, which is good once, has to ask again itself.
    """
    known = cache.remembered()
    try:
        return by()
    except BY_FACTS:
        if params.has("client_assertion") or not cache.changed_since(known):
            raise
    return by()
