"""Running the steps of the table: one way for requests, for the consent page and for explanations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

Request = TypeVar("Request")


def run(steps: Iterable[Callable[[Request], None]], request: Request, ran: list[str] | None = None) -> None:
    """Each step in its order, until one raises its Refusal. `ran` collects their names, the refusing one last."""
    for step in steps:
        if ran is not None:
            ran.append(name(step))
        step(request)


def name(step: Callable[[Request], None]) -> str:
    """As people find it: the module in `provider.protocol`, and the function."""
    return f"{step.__module__.removeprefix('provider.protocol.')}.{step.__name__}"
