"""The world of tests/world.py behind a port, as a relying party finds it."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.chromium import base_url, browser_type_launch_args, playwright

__all__ = ["base_url", "browser_type_launch_args", "playwright"]


@pytest.fixture
def issuer(live_server: Any, world: None, settings: Any) -> str:
    settings.IDP_ISSUER = live_server.url
    return str(live_server.url)


@pytest.fixture
def metadata(issuer: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=30).json()
    assert found["issuer"] == issuer
    return found
