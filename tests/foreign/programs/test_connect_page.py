"""What the page of an app shows to copy works as shown, with the framework of each tab.

Those without a framework are run by ../test_connect_page.py.
"""

from __future__ import annotations

import json
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.foreign.copied import Copied, registered
from tests.foreign.programs import environments
from tests.foreign.programs.chromium import prove_and_allow
from tests.foreign.programs.django_site import site
from tests.foreign.programs.recipes import Place
from tests.foreign.programs.running import lacks, running
from tests.foreign.programs.visitor import Visitor
from tests.world import ORDERS

pytestmark = [pytest.mark.foreign, pytest.mark.programs, pytest.mark.django_db(transaction=True)]
LIMITS = ("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


@pytest.fixture
def place(issuer: str, tmp_path: Path) -> Place:
    """On the host name that developers type: browsers keep its cookies apart from those of the provider."""
    return Place(issuer, tmp_path)


@pytest.fixture
def app(place: Place) -> Copied:
    """A web app on this machine, with an API."""
    return registered(place.folder, redirect_uris=f"{place.app}/callback")


def sub() -> str:
    return str(User.objects.get(username="owner").sub)


def needs(*programs: str) -> pytest.MarkDecorator:
    lacking = lacks(*programs)
    return pytest.mark.skipif(bool(lacking), reason=lacking)


def test_django(place: Place, app: Copied, visitor: Visitor) -> None:
    app.save("django")
    settings, urls = ((place.folder / name).read_text() for name in ("settings.py", "urls.py"))
    with site(environments.python("mozilla_django_oidc"), place, settings, views=f"{urls}\n", **app.environ):
        shown = visitor.sign_in(f"{place.app}/sign-in/").json()
        assert (shown["username"], shown["email"]) == (sub(), "owner@people.example")
        visitor.go(f"{place.app}/button?to=/sign-out/")
        assert visitor.send().json()["username"] == ""


def test_flask(place: Place, app: Copied, visitor: Visitor) -> None:
    app.save("flask")
    command: list[str | Path] = [environments.python("flask_oidc"), "-m", "flask", "run", "--port", str(place.port)]
    with running(command, place.folder, place.port, **app.environ):
        shown = visitor.sign_in(place.app).json()
        assert (shown["sub"], shown["email"]) == (sub(), "owner@people.example")


def test_fastapi(place: Place, app: Copied, visitor: Visitor) -> None:
    app.save("fastapi")
    command: list[str | Path] = [
        environments.python("fastapi_authlib"),
        "-m",
        "uvicorn",
        "app:app",
        "--port",
        str(place.port),
    ]
    with running(command, place.folder, place.port, **app.environ):
        shown = visitor.sign_in(place.app).json()
        assert (shown["sub"], shown["email"]) == (sub(), "owner@people.example")


@needs("node", "npm")
def test_express(place: Place, app: Copied, visitor: Visitor) -> None:
    app.save("express")
    (place.folder / "node_modules").symlink_to(environments.node("express_openid_connect") / "node_modules")
    with running(["node", "app.mjs"], place.folder, place.port, **app.environ):
        shown = visitor.sign_in(place.app).json()
        assert (shown["sub"], shown["email"]) == (sub(), "owner@people.example")


SESSION = """
import { getServerSession } from 'next-auth'

export async function GET() {
  return Response.json((await getServerSession())?.user ?? {})
}
"""
LAYOUT = "export default ({ children }) => <html><body>{children}</body></html>"


@needs("node", "npm")
def test_nextjs(place: Place, visitor: Visitor) -> None:
    """next-auth takes people back to an address of its own, which the page names."""
    app = registered(place.folder, redirect_uris=f"{place.app}/api/auth/callback/vestibule")
    app.save("nextjs")
    (place.folder / "app/layout.js").write_text(LAYOUT)
    (place.folder / "app/who").mkdir()
    (place.folder / "app/who/route.js").write_text(SESSION)
    (place.folder / "node_modules").symlink_to(environments.node("nextjs") / "node_modules")
    command: list[str | Path] = [
        "node",
        "node_modules/next/dist/bin/next",
        "dev",
        "--webpack",
        "--port",
        str(place.port),
    ]
    secret = {"NEXTAUTH_SECRET": "of-this-app-alone-and-long-enough", "NEXT_TELEMETRY_DISABLED": "1"}
    with running(command, place.folder, place.port, **secret, **app.environ):
        for path in ("/api/auth/providers", "/who"):  # each is compiled when it is asked for first
            assert requests.get(f"{place.app}{path}", timeout=300).status_code == 200
        visitor.go(f"{place.app}/api/auth/signin")
        visitor.send()
        visitor.prove_and_allow()
        assert visitor.go(f"{place.app}/who").json()["email"] == "owner@people.example"


@needs("go")
def test_go(place: Place, app: Copied, visitor: Visitor) -> None:
    app.save("go")
    program = built(place.folder)
    with running([program], place.folder, place.port, **app.environ):
        assert visitor.sign_in(place.app).json() == {"sub": sub()}


@needs("go")
def test_go_gets_a_token_of_the_app_itself(place: Place) -> None:
    app = registered(place.folder, kind="machine")
    app.save("go_own")
    token = app.run(str(built(place.folder))).stdout.strip()
    answer = requests.post(f"{place.issuer}/oauth2/tokeninfo", {"access_token": token}, timeout=30).json()
    assert (answer["scope"], answer["aud"]) == ("orders.read", ORDERS)


def built(folder: Path) -> Path:
    """The program there, of modules whose digests are known."""
    for name in ("go.mod", "go.sum"):
        shutil.copy(environments.HERE / "go_oidc" / name, folder)
    cache = {"GOCACHE": str(environments.PLACE / "go_oidc_cache"), "CGO_ENABLED": "0"}
    environments.run("go", "build", "-mod=readonly", "-o", folder / "app", ".", inside=folder, **cache)
    return folder / "app"


@needs("java", "mvn")
def test_spring(place: Place, app: Copied, visitor: Visitor) -> None:
    app.save("spring")
    source = (place.folder / "App.java").read_text()
    jar = environments.java("spring_login", {"src/main/java/app/App.java": source})
    with running(["java", *LIMITS, "-jar", jar], place.folder, place.port, **app.environ):
        assert visitor.sign_in(place.app).text == sub()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


PAGE = """<!doctype html><title>Shop</title>
<script type="importmap">{"imports": {"oidc-client-ts": "/oidc-client-ts.js", "jwt-decode": "/jwt-decode.js"}}</script>
<body></body>
<script type="module">
  import { person } from './sign-in.js'
  const found = await person()
  if (found) document.body.textContent = JSON.stringify(found)
</script>"""


@needs("npm")
@pytest.mark.browser
def test_a_page_without_a_server(page: Page, place: Place) -> None:
    modules = environments.node("oidc_client_ts") / "node_modules"
    shutil.copy(modules / "oidc-client-ts/dist/esm/oidc-client-ts.js", place.folder)
    shutil.copy(modules / "jwt-decode/build/esm/index.js", place.folder / "jwt-decode.js")
    (place.folder / "index.html").write_text(PAGE)
    app = registered(place.folder, kind="spa", redirect_uris=f"{place.app}/")
    app.save("browser")
    with ThreadingHTTPServer((place.host, place.port), partial(_Quiet, directory=str(place.folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            page.goto(f"{place.app}/")
            prove_and_allow(page)
            expect(page.locator("body")).to_contain_text("sub")
            shown: dict[str, Any] = json.loads(page.locator("body").inner_text())
            assert shown["sub"] == sub()
        finally:
            server.shutdown()
            thread.join()
