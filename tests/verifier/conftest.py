from __future__ import annotations

from typing import Any

import pytest

from tests.verifier.live import Acme


@pytest.fixture
def acme(live_server: Any, world: None, settings: Any) -> Acme:
    """Acme at the real provider, which calls itself by the port it has here."""
    settings.IDP_ISSUER = live_server.url
    return Acme(live_server.url)
