"""nginx before the provider, set up as docs/operations.md says."""

from __future__ import annotations

import re
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter

from tests.foreign.programs.nginx import NGINX, block, nginx
from tests.foreign.programs.running import lacks
from tests.foreign.programs.visitor import Visitor
from tests.installation import Installation, free_port, prepared, serving
from tests.world import CHALLENGE, VERIFIER

LACKING = lacks(NGINX)
pytestmark = [pytest.mark.foreign, pytest.mark.programs, pytest.mark.skipif(bool(LACKING), reason=LACKING)]
SECRET = "a secret of the app that is long enough"
TRUSTED = {"IDP_TRUSTED_PROXIES": "127.0.0.1"}
CLIENT = """
version: 1
projects:
  - id: acme
    clients:
      - client_id: shop
        client_name: Shop
        client_secret: {secret}
        grant_types: [authorization_code, client_credentials]
        redirect_uris: ["http://127.0.0.1:{app}/cb"]
        scope: openid profile
"""


@dataclass(frozen=True)
class Site:
    """The provider as everybody reaches it: through nginx."""

    issuer: str
    app: int
    folder: Path

    @property
    def port(self) -> int:
        return int(urlsplit(self.issuer).port or 0)

    def token(self, http: requests.Session, **sent: str) -> requests.Response:
        form = {"grant_type": "client_credentials", **sent}
        return http.post(f"{self.issuer}/oauth2/token", form, auth=("shop", SECRET), timeout=60)

    def networks(self) -> set[str]:
        """From where refused requests came, as the console says."""
        with sqlite3.connect(self.folder / "db.sqlite3") as database:
            return {row[0] for row in database.execute("SELECT network FROM clients_refusedrequest")}


def made(folder: Path, port: int, app: int, path: str = "") -> Installation:
    more = CLIENT.format(secret=SECRET, app=app)
    return prepared(folder, f"http://localhost:{port}", path, more, **TRUSTED)


@contextmanager
def one_node(folder: Path, path: str = "") -> Iterator[Site]:
    port, app, behind = free_port(), free_port(), free_port()
    location = block("### Below a path", "location ~") if path else block("## Behind a proxy", "location / ")
    provider = made(folder, port, app, path)
    with (
        serving(provider, behind),
        nginx(folder, port, app, location.replace(":8000", f":{behind}"), more="client_body_timeout 2s;"),
    ):
        yield Site(provider.issuer, app, folder)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with one_node(tmp_path_factory.mktemp("nginx")) as made:
        yield made


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with one_node(tmp_path_factory.mktemp("below"), "/auth") as made:
        yield made


class _From(HTTPAdapter):
    """Somebody else on loopback, so that it shows whose address counts."""

    def init_poolmanager(self, *arguments: object, **more: object) -> None:
        super().init_poolmanager(*arguments, source_address=("127.0.0.2", 0), **more)  # type: ignore[arg-type]


def elsewhere() -> requests.Session:
    http = requests.Session()
    http.mount("http://", _From())
    return http


def signs_in(site: Site, state: str) -> None:
    """Somebody signs in at the app, which gets its state and a code that it can exchange."""
    callback = f"http://127.0.0.1:{site.app}/cb"
    asked = {
        "response_type": "code",
        "client_id": "shop",
        "redirect_uri": callback,
        "scope": "openid profile",
        "state": state,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    visitor = Visitor()
    try:
        page = visitor.sign_in(f"{site.issuer}/oauth2/authorize?{urlencode(asked)}")
    finally:
        visitor.hang_up()
    assert page.url.startswith(callback), page.text[:500]
    answer = {name: value for name, (value, *_) in parse_qs(urlsplit(page.url).query).items()}
    assert answer["state"] == state
    exchange = {"grant_type": "authorization_code", "redirect_uri": callback, "code_verifier": VERIFIER}
    with requests.Session() as http:
        tokens = site.token(http, code=answer["code"], **exchange)
    assert tokens.status_code == 200, tokens.text


@pytest.mark.parametrize("length", [8, 4_096])
def test_somebody_signs_in_however_long_the_request(site: Site, length: int) -> None:
    signs_in(site, "s" * length)


def test_the_same_below_a_path_and_what_is_not_ours_is_not_passed_on(below: Site) -> None:
    signs_in(below, "s" * 4_096)
    root = below.issuer.removesuffix("/auth")
    with requests.Session() as http:
        for place in (
            f"{root}/.well-known/oauth-authorization-server/auth",
            f"{below.issuer}/.well-known/openid-configuration",
        ):
            assert http.get(place, timeout=60).json()["issuer"] == below.issuer
        assert http.get(f"{below.issuer}/accounts/login/", timeout=60).status_code == 200
        assert "nginx" in http.get(f"{root}/authority", timeout=60).text


@pytest.mark.parametrize("where", ["site", "below"])
def test_nobody_says_where_they_come_from_or_what_their_request_is_called(
    where: str, request: pytest.FixtureRequest
) -> None:
    site: Site = request.getfixturevalue(where)
    forged = {
        "X-Forwarded-For": "192.0.2.1",
        "X_Forwarded_For": "192.0.2.2",
        "X-Forwarded_For": "192.0.2.3",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "X-Request-Id": "chosen",
    }
    with elsewhere() as http:
        http.headers.update(forged)
        answer = http.post(f"{site.issuer}/oauth2/token", {"grant_type": "nothing"}, timeout=60)
    assert answer.status_code in (400, 401)
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"]), "nginx gave it"
    until = time.monotonic() + 10
    while not site.networks() and time.monotonic() < until:
        time.sleep(0.2)
    assert site.networks() == {"127.0.0.2"}


def test_bodies_in_chunks_arrive_whole_and_large_ones_do_not(site: Site) -> None:
    with requests.Session() as http:
        chunks = iter([b"grant_type=client", b"_credentials"])
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        address = f"{site.issuer}/oauth2/token"
        answer = http.post(address, data=chunks, headers=headers, auth=("shop", SECRET), timeout=60)
        assert answer.status_code == 200, answer.text
        assert http.post(address, data=b"a" * 2_000_000, headers=headers, timeout=60).status_code == 413


def test_bodies_that_come_slowly_keep_nobody_waiting_and_are_given_up(site: Site) -> None:
    head = b"POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\ngrant_type="
    with ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(("127.0.0.1", site.port))) for _ in range(50)]
        for one in slow:
            one.sendall(head)
        with requests.Session() as http:
            began = time.monotonic()
            assert site.token(http).status_code == 200, "the server has eight threads"
            assert time.monotonic() - began < 2
        for one in slow:
            one.settimeout(30)
            answer = one.recv(1000)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")


def test_no_request_is_lost_while_one_node_after_the_other_is_restarted(tmp_path: Path) -> None:
    port, app, ports = free_port(), free_port(), [free_port(), free_port()]
    provider = made(tmp_path, port, app)
    heading = "### Several nodes behind nginx"
    upstream = block(heading, "upstream vestibule ")
    for number, behind in enumerate(ports, start=1):
        upstream = upstream.replace(f"10.0.0.{number}:8000", f"127.0.0.1:{behind}")
    site = Site(provider.issuer, app, tmp_path)
    statuses: list[int] = []
    done = threading.Event()

    def ask() -> None:
        with requests.Session() as http:
            while not done.is_set():
                statuses.append(site.token(http).status_code)
                statuses.append(http.get(f"{site.issuer}/.well-known/jwks.json", timeout=60).status_code)

    with nginx(tmp_path, port, app, block(heading, "location / "), upstream), ExitStack() as nodes:
        first, second = (nodes.enter_context(serving(provider, behind)) for behind in ports)
        apps = [threading.Thread(target=ask) for _ in range(3)]
        for one in apps:
            one.start()
        try:
            for process, behind in ((first, ports[0]), (second, ports[1])):
                process.terminate()
                process.wait(timeout=60)
                nodes.enter_context(serving(provider, behind))
                time.sleep(1)
        finally:
            done.set()
            for one in apps:
                one.join()
    assert len(statuses) > 50
    assert set(statuses) == {200}
