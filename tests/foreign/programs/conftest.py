"""Where a program of others meets the provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.foreign.programs import environments
from tests.foreign.programs.recipes import Place
from tests.foreign.programs.visitor import Visitor


@pytest.fixture(scope="session", autouse=True)
def _seen_while_it_installs(request: pytest.FixtureRequest) -> Iterator[None]:
    """A first run takes minutes: whoever waits sees for what."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    say = environments.tell

    def tell(text: str) -> None:
        with capture.global_and_fixture_disabled():
            say(f"\n{text}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environments, "tell", tell)
        yield


@pytest.fixture
def place(issuer: str, tmp_path: Path) -> Place:
    return Place(issuer, tmp_path)


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    somebody = Visitor()
    yield somebody
    somebody.hang_up()
