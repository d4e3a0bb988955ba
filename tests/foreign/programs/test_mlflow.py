"""MLflow with mlflow-oidc-auth: whom it lets in, and who administers it, by their groups here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from string import Template

import pytest

from accounts import groups
from accounts.models import User
from projects.actors import Actor
from tests.foreign.programs import environments
from tests.foreign.programs.recipes import SECRET, Place
from tests.foreign.programs.running import running
from tests.foreign.programs.visitor import Visitor

pytestmark = [pytest.mark.foreign, pytest.mark.programs, pytest.mark.django_db(transaction=True)]


def environ(place: Place) -> dict[str, str]:
    """The example of the page, with the secret of this client."""
    lines = Template(place.recipe("mlflow.env")).substitute(MLFLOW_SECRET=SECRET).splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def mlflow(place: Place, metadata: object) -> Iterator[Place]:
    """It waits ten seconds for our metadata, so somebody has asked before: a first answer takes longest."""
    place.register("/callback", client_id="mlflow", scope="openid profile email groups")
    server = environments.python("mlflow_oidc_auth").with_name("mlflow")
    command: list[str | Path] = [server, "server", "--app-name", "oidc-auth", "--host", place.host]
    patient = {"OIDC_HTTP_TIMEOUT_SECONDS": "60"}
    command += ["--port", str(place.port), "--workers", "1", "--backend-store-uri", "sqlite:///mlflow.db"]
    with running(command, place.folder, place.port, SECRET_KEY="of-this-server", **patient, **environ(place)):
        yield place


def come_in(place: Place, name: str = "owner") -> dict[str, object]:
    """Somebody signs in anew; what the server knows of them, or nothing."""
    visitor = Visitor()
    visitor.go(f"{place.app}/login")
    visitor.send(login=name, password=f"{name}-pw")
    visitor.allow_if_asked()
    answer = visitor.http.get(f"{place.app}/api/2.0/mlflow/users/current", timeout=60)
    visitor.hang_up()
    found: dict[str, object] = answer.json() if answer.status_code == 200 else {}
    return found


def test_groups_let_people_in_and_make_administrators(mlflow: Place) -> None:
    operator = Actor.operator("test")
    owner, member = (User.objects.get(username=name) for name in ("owner", "member"))
    users, admins = (groups.make(name, operator) for name in ("mlflow-users", "mlflow-admins"))
    assert come_in(mlflow) == {}, "in no group: nobody comes in"

    groups.set_members(users, [owner], "", operator)
    known = come_in(mlflow)
    assert (known["username"], known["is_admin"]) == ("owner@people.example", False)

    groups.set_members(admins, [owner, member], "", operator)
    assert come_in(mlflow)["is_admin"] is True
    assert come_in(mlflow, "member")["is_admin"] is True, "else it would keep the owner, as the last one"

    groups.set_members(admins, [member], "", operator)
    assert come_in(mlflow)["is_admin"] is False

    groups.set_members(users, [], "", operator)
    assert come_in(mlflow) == {}, "and nobody stays who left"
