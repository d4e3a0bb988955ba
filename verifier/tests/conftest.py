from __future__ import annotations

from collections.abc import Iterator

import pytest
from vestibule_verifier import LocalVerifier, Provider

from tests.provider import ORDERS, TestProvider


@pytest.fixture(scope="session")
def _provider() -> Iterator[TestProvider]:
    server = TestProvider()
    yield server
    server.close()


@pytest.fixture
def provider(_provider: TestProvider) -> Iterator[TestProvider]:
    """A provider with the keys `ec-1` and `rsa-1`, as every test finds it."""
    _provider.reset()
    yield _provider
    _provider.gate.set()


@pytest.fixture
def local(provider: TestProvider) -> LocalVerifier:
    """The Orders API, checking tokens by itself."""
    return LocalVerifier(Provider(provider.issuer), ORDERS)
