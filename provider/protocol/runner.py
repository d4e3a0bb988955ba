"""Running the steps of the table: one way for requests, for the consent page and for explanations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TypeVar

from provider.protocol.errors import Refusal

Request = TypeVar("Request")


def run(steps: Iterable[Callable[[Request], None]], request: Request, ran: list[str] | None = None) -> None:
    """Each step in its order, until one raises its Refusal. `ran` collects their names, the refusing one last."""
    for step in steps:
        if ran is not None:
            ran.append(name(step))
        try:
            step(request)
        except Refusal as refusal:
            refusal.step = name(step)
            raise


def name(step: Callable[[Request], None]) -> str:
    """As people find it: the module in `provider.protocol`, and the function."""
    return f"{step.__module__.removeprefix('provider.protocol.')}.{step.__name__}"


class At:
    """What is refused in here, outside the table, was refused by this step. The innermost name counts."""

    def __init__(self, step: str) -> None:
        self.step = step

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _at: TracebackType | None
    ) -> None:
        if kind is not None and isinstance(error, Refusal) and not error.step:
            error.step = self.step
