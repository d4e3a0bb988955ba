"""Once through everything: what people, apps, programs and operators do of whom a version may fail none."""

from __future__ import annotations

import io
from pathlib import Path

import yaml
from django.core.management import call_command

from accounts.models import User
from clients.models import Client
from tests import console
from tests.idp.api import caller
from tests.provider.devices import Device, add_devices, connect
from tests.world import ORDERS, App, Browser, Response

SCOPE = "openid profile email offline_access orders.read"
# Those that docs/operations.md, "A replica that may be read", names.
READING = (("report",), ("events",), ("tokens", "--user", "owner"), ("keys",), ("exportconfig",))
COMMANDS = (
    *(
        ("status",),
        ("keys",),
        ("report",),
        ("tokens", "--user", "owner"),
        ("events",),
        ("worker", "--once"),
        ("cleartokens",),
    ),
    *(("rotatekeys",), ("revoke", "--everything")),
)


def everything(folder: Path) -> None:
    """In the world of tests/world.py; each step raises what goes wrong."""
    tokens = signs_in()
    at_apps(tokens)
    by_device()
    in_the_console()
    by_programs()
    by_file(folder)
    for name, *arguments in COMMANDS:
        run(name, *arguments)
    assert not App("web").introspect(tokens["access_token"]).json()["active"]


def signs_in() -> dict[str, str]:
    """By password at the form, then allows an app what it asks for."""
    browser = Browser()
    answer = browser.http.post("/accounts/login/", {"login": "owner", "password": "owner-pw"})
    assert answer.status_code == 302, answer.content
    return browser.tokens("web", scope=SCOPE, audience=ORDERS)


def at_apps(tokens: dict[str, str]) -> None:
    web = App("web")
    assert good(web.introspect(tokens["access_token"])).json()["active"]
    assert good(web.userinfo(tokens["access_token"])).json()["email"] == "owner@people.example"
    good(web.refresh(tokens["refresh_token"]))
    rotated = Browser("owner").tokens("desk", scope="openid offline_access")["refresh_token"]
    good(App("desk").refresh(good(App("desk").refresh(rotated)).json()["refresh_token"]))
    own = good(App("service").token(grant_type="client_credentials")).json()["access_token"]
    good(App("service").post("/oauth2/revoke", {"token": own}))
    assert App("stranger").token(grant_type="refresh_token", refresh_token="unknown").status_code == 400


def by_device() -> None:
    add_devices()
    device = Device().begin()
    connect(device)
    assert device.tokens()["access_token"]


def in_the_console() -> None:
    User.objects.create_superuser("root", "root@people.example", "root-pw")
    page = console.page("clients_client_change", Client.objects.get(client_id="web").pk)
    answer = console.insist(console.browser("root"), page, {"name": "Acme on the web"})
    assert answer.status_code == 302, console.problems(answer)
    assert Client.objects.get(client_id="web").name == "Acme on the web"


def by_programs() -> None:
    program = caller.machine(administers=("*",))
    new = {"client_name": "New", "grant_types": ["client_credentials"]}
    made = program.post(caller.path("projects", "acme", "clients"), new)
    assert made.status_code == 201, made.content
    good(program.get(caller.path("users")))


def by_file(folder: Path) -> None:
    """What is exported is what a file says; a change of it is made, and once."""
    file = folder / "acme.yaml"
    file.write_text(run("exportconfig", "--project", "acme"))
    said = yaml.safe_load(file.read_text())
    said["projects"][0]["name"] = "Acme and daughters"
    file.write_text(yaml.safe_dump(said))
    run("applyconfig", str(file))
    assert "Nothing to change" in run("applyconfig", str(file))


def run(name: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(name, *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def good(response: Response) -> Response:
    assert response.status_code == 200, response.content
    return response
