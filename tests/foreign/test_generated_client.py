"""A client that openapi-python-client makes of docs/openapi.json: it drives the API by the names of the document."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import openapi
import pytest
from django.core.wsgi import get_wsgi_application

from projects.events import SecurityEvent
from tests.idp.api.caller import machine
from tests.world import ISSUER, SECRETS, App

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.programs,
    pytest.mark.any_database,
    pytest.mark.django_db,
    pytest.mark.usefixtures("world"),
]
PACKAGE = "vestibule_by_its_document"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, made without a warning."""
    folder, bin_folder = tmp_path_factory.mktemp("generated"), Path(sys.executable).parent
    said = ["generate", "--path", str(openapi.FILE), "--meta", "none", "--fail-on-warning"]
    said += ["--output-path", str(folder / PACKAGE)]
    environment = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([bin_folder / "openapi-python-client", *said], check=True, env=environment, timeout=120)
    return folder


@pytest.fixture
def models(made: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(made)
    return importlib.import_module(f"{PACKAGE}.models")


def operation(tag: str, name: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.api.{tag}.{name}")


@pytest.fixture
def client(models: Any) -> Any:
    """Of a machine that was given every project."""
    package = importlib.import_module(PACKAGE)
    transport = httpx.WSGITransport(app=get_wsgi_application())
    token = machine(administers=("*",)).token
    return package.AuthenticatedClient(f"{ISSUER}/api/v1", token, httpx_args={"transport": transport})


def test_a_project_a_client_and_its_secret_are_made_and_lists_are_read_to_their_end(models: Any, client: Any) -> None:
    made = operation("projects", "put_project").sync_detailed(
        "shop", client=client, body=models.Project(name="Shop"), if_none_match="*"
    )
    assert (made.status_code, made.parsed.id, made.headers["Location"]) == (
        201,
        "shop",
        f"{ISSUER}/api/v1/projects/shop",
    )
    wanted = models.Client(client_name="Nightly", grant_types=[models.ClientGrantTypesItem.CLIENT_CREDENTIALS])
    create = operation("clients", "create_client")
    nightly = create.sync("shop", client=client, body=wanted, idempotency_key="nightly-1")
    assert nightly == create.sync("shop", client=client, body=wanted, idempotency_key="nightly-1")
    secret = operation("secrets", "create_client_secret").sync(
        "shop", nightly.client_id, client=client, body=models.SecretWanted(label="first")
    )
    SECRETS[nightly.client_id] = secret.client_secret
    assert App(nightly.client_id).token(grant_type="client_credentials").status_code == 200

    read: list[str] = []
    cursor: str | None = None
    while cursor is not None or not read:
        asked = {"limit": 1} if cursor is None else {"limit": 1, "cursor": cursor}
        page = operation("projects", "list_projects").sync(client=client, **asked)
        read, cursor = [*read, *(one.id for one in page.items)], page.next_cursor
    assert read == ["acme", "house", "other", "shop"]
    assert SecurityEvent.objects.get(kind="client.created", client_id=nightly.client_id).detail["by"] == "deployer"


def test_people_events_and_what_is_wrong_have_their_models(models: Any, client: Any) -> None:
    [owner] = operation("users", "list_users").sync(client=client, username="owner").items
    changed = operation("users", "patch_user").sync(
        owner.sub, client=client, body=models.UserPatch(given_name="Olivia", family_name="Owner")
    )
    assert (changed.given_name, changed.email, changed.created_at) == ("Olivia", owner.email, owner.created_at)
    [event] = operation("events", "list_events").sync(client=client, kind="person.changed").items
    assert event.detail["person"] == owner.sub
    refused = operation("projects", "put_project").sync(
        "acme", client=client, body=models.Project(name="Acme", longest_grant=-1)
    )
    assert [one.pointer for one in refused.errors] == ["/longest_grant"]
