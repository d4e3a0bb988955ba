"""Who counts requests, if anybody does. Where metrics are off this is all there is of them."""

from __future__ import annotations

from typing import Protocol

from common.arrival import Arrival


class Meter(Protocol):
    def begin(self) -> None:
        """This process will serve; it was forked before."""

    def request(self, endpoint: str, came: Arrival, status: int) -> None: ...


class Counting:
    """The meter of this process."""

    meter: Meter | None = None
