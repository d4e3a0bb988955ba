"""Auth.js in Express, knowing the issuer and its client, and nothing else."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.foreign.programs import environments
from tests.foreign.programs.recipes import Place
from tests.foreign.programs.running import lacks, running
from tests.foreign.programs.visitor import Visitor

LACKING = lacks("node", "npm")
pytestmark = [
    pytest.mark.foreign,
    pytest.mark.programs,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(bool(LACKING), reason=LACKING),
]


def test_somebody_signs_in_and_out(place: Place, visitor: Visitor) -> None:
    place.register("/auth/callback/vestibule")
    place.save("authjs.mjs")
    (place.folder / "node_modules").symlink_to(environments.node("authjs") / "node_modules")
    secrets = {"AUTH_SECRET": "of-this-app-alone-and-long-enough", **place.environ}
    with running(["node", "authjs.mjs"], place.folder, place.port, **secrets):
        assert visitor.go(place.app).json() == {}
        visitor.go(f"{place.app}/auth/signin")
        visitor.send()
        asked = parse_qs(urlsplit(visitor.address).query)["next"][0]
        assert "code_challenge=" in asked
        visitor.prove_and_allow()
        shown = visitor.go(place.app).json()
        assert (shown["name"], shown["email"]) == ("Olive Owner", "owner@people.example")
        visitor.go(f"{place.app}/auth/signout")
        visitor.send()
        assert visitor.go(place.app).json() == {}
