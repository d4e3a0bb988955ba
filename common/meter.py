"""Who watches requests, if anybody does. Where metrics and traces are off this is all there is of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from common.arrival import Arrival


class Meter(Protocol):
    def begin(self) -> None:
        """This process will serve; it was forked before."""

    def came(self, came: Arrival) -> None:
        """Somebody will be answered."""

    def answered(self, endpoint: str, came: Arrival, status: int, meta: Mapping[str, object]) -> None:
        """`meta`: the request's variables, of which nothing may be kept that was sent."""


class Watching:
    """The meters of this process."""

    meters: tuple[Meter, ...] = ()
