from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from projects.upstream import fetched
from tests.projects.upstream.elsewhere import known_there
from tests.projects.upstream.fake import Provider, serving


@pytest.fixture(autouse=True)
def _nothing_fetched() -> Iterator[None]:
    fetched.forget()
    yield
    fetched.forget()


@pytest.fixture
def issuer(live_server: Any, world: None, settings: Any) -> str:
    """The provider elsewhere: this one, at a port of its own, where it is asked over HTTP."""
    settings.IDP_ISSUER = live_server.url
    known_there(live_server.url)
    return str(live_server.url)


@pytest.fixture(scope="module")
def _server() -> Iterator[Provider]:
    with serving() as provider:
        yield provider


@pytest.fixture
def fake(_server: Provider) -> Provider:
    """A provider elsewhere that says whatever a test wants; for each test as new."""
    _server.reset()
    return _server
