"""Whether many clients are deleted now, by somebody who tells of all of them and clears what they leave at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_many: ContextVar[bool] = ContextVar("deletes_many", default=False)


def deletes_many() -> bool:
    return _many.get()


@contextmanager
def many_at_once() -> Iterator[None]:
    token = _many.set(True)
    try:
        yield
    finally:
        _many.reset(token)
