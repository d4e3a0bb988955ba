"""Apache Superset: the roles of a project here are roles there, as they are when somebody signs in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from idp.configuration import apply
from tests.foreign.programs import environments
from tests.foreign.programs.recipes import SECRET, Place
from tests.foreign.programs.running import finished, running
from tests.foreign.programs.visitor import Visitor

pytestmark = [pytest.mark.foreign, pytest.mark.programs, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def superset(place: Place) -> Iterator[Place]:
    place.register("/oauth-authorized/vestibule", client_id="superset", scope="openid profile email roles")
    config = place.save("superset_config.py")
    environ = {
        "FLASK_APP": "superset",
        "SUPERSET_CONFIG_PATH": str(config),
        "SUPERSET_SECRET_KEY": "a-key-of-this-superset-and-no-other-0123456789",
        "SUPERSET_CLIENT_SECRET": SECRET,
        "SUPERSET__SQLALCHEMY_DATABASE_URI": f"sqlite:///{place.folder / 'superset.db'}",
    }
    program = environments.python("superset").with_name("superset")
    for words in (("db", "upgrade"), ("init",)):
        finished([program, *words], place.folder, **environ)
    command: list[str | Path] = [program, "run", "--host", place.host, "--port", str(place.port)]
    with running(command, place.folder, place.port, **environ):
        yield place


def have(roles: Sequence[str]) -> None:
    """The owner has these roles of the project, and no other."""
    told = [
        {"name": name, "users": ["owner"] if name in roles else [], "groups": []}
        for name in ("admin", "editor", "viewer")
    ]
    apply({"version": 1, "projects": [{"id": "wiki", "roles": told}]})


def roles_after_signing_in(place: Place) -> set[str]:
    """None: whoever is only *Public* may not even ask."""
    visitor = Visitor()
    visitor.sign_in(f"{place.app}/login/vestibule")
    answer = visitor.http.get(f"{place.app}/api/v1/me/roles/", timeout=60)
    visitor.hang_up()
    if answer.status_code == 403:
        return set()
    assert answer.status_code == 200, (answer.text, visitor.page.text[:2000])
    return set(answer.json()["result"]["roles"])


def test_roles_are_those_of_the_project_and_follow_them(superset: Place) -> None:
    have(["editor"])
    assert roles_after_signing_in(superset) == {"Alpha", "Public"}
    have(["admin", "viewer"])
    assert roles_after_signing_in(superset) == {"Admin", "Gamma", "Public"}
    have([])
    assert roles_after_signing_in(superset) == set(), "with none, they are in and may do nothing"
