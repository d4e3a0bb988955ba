"""MCP: agents made with the official SDKs against the servers of the page, which our verifier protects."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from accounts.models import User
from idp import discovery
from provider import fetched_documents
from provider.protocol.client_document import Answer
from tests.foreign.person import Person, sign_in_and_allow
from tests.foreign.programs import environments
from tests.foreign.programs.agents import BACK, MCP, agent, decides, opened, register, remote
from tests.foreign.programs.recipes import Place
from tests.foreign.programs.running import finished, lacks, running, talking
from tests.provider.proving import Holder
from tests.verifier.documented import EXAMPLES
from tests.world import CHALLENGE, claims_of
from tests.world import VERIFIER as PKCE

LACKING = lacks("node", "npm")
needs_node = pytest.mark.skipif(bool(LACKING), reason=LACKING)
pytestmark = [pytest.mark.foreign, pytest.mark.programs, pytest.mark.django_db(transaction=True)]
HERE = Path(__file__).parent
DOCUMENT = "https://agent.example/client.json"
VERIFIER = HERE.parents[2] / "verifier"
TYPED = """
[mypy]
strict = true
untyped_calls_exclude = jwcrypto
[mypy-jwcrypto.*]
implicit_reexport = true
follow_untyped_imports = true
ignore_errors = true
"""


@contextmanager
def serving(place: Place, name: str) -> Iterator[str]:
    """A server of the page; its address."""
    place.save(name)
    with running(
        [environments.python("mcp_python"), name], place.folder, place.port, PYTHONPATH=str(VERIFIER), **place.environ
    ):
        yield f"{place.app}{MCP}"


def in_python(place: Place) -> list[str | Path]:
    return [environments.python("mcp_python"), HERE / "mcp_python" / "client.py"]


def in_typescript(place: Place) -> list[str | Path]:
    folder = environments.node("mcp_node")
    program = folder / "client.mjs"
    program.write_text((HERE / "mcp_node" / "client.mjs").read_text())
    return ["node", program]


Program = Callable[[Place], list[str | Path]]
AGENTS = [in_python, pytest.param(in_typescript, marks=needs_node)]


def asked_for(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def token_for(place: Place, scope: str, **headers: str) -> str:
    """What the client of the page gets for the server. `headers` of the token request."""
    query = {"response_type": "code", "client_id": "wiki-mcp", "redirect_uri": BACK, "scope": scope, "state": "x"}
    query |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256", "resource": f"{place.app}{MCP}"}
    answer = asked_for(sign_in_and_allow(f"{place.issuer}/oauth2/authorize?{urlencode(query)}"))
    form = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": BACK, "client_id": "wiki-mcp"}
    form["code_verifier"] = PKCE
    tokens = requests.post(f"{place.issuer}/oauth2/token", form, headers=headers, timeout=30)
    return str(tokens.json()["access_token"])


def ends(place: Place, person: Person) -> None:
    """The person takes access back, on their own page: of an app, or of an agent that nobody registered."""
    person.visit(f"{place.issuer}/accounts/apps/")
    if found := re.search(
        r'<form method="post" action="(/accounts/apps/guests/[^"]+)">(.*?)</form>', person.page, re.DOTALL
    ):
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', found[2])
        assert token
        sent = {"csrfmiddlewaretoken": token[1]}
        assert person.http.post(place.issuer + found[1], sent, headers={"Referer": person.address}, timeout=30).ok
    else:
        person.visit(f"{place.issuer}/accounts/apps/wiki/remove/")
        person.send()


@pytest.fixture
def come(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], dict[str, str]]]:
    """Which way an agent comes, and what it is told for it: made beforehand, registered by itself, by its document."""

    def fetched(client_id: str) -> tuple[Answer, int]:
        return Answer("application/json", EXAMPLES["client.json"].encode()), 60

    def by(way: str) -> dict[str, str]:
        settings.IDP_DYNAMIC_REGISTRATION = "guests" if way == "dcr" else "off"
        settings.IDP_CLIENT_ID_METADATA_DOCUMENTS = way == "cimd"
        return {"beforehand": {"client_id": "wiki-mcp"}, "dcr": {}, "cimd": {"client_metadata_url": DOCUMENT}}[way]

    monkeypatch.setattr(fetched_documents, "fetch", fetched)
    discovery._metadata_document.cache_clear()
    yield by
    discovery._metadata_document.cache_clear()
    fetched_documents.shared.clear()


WAYS = [("mcp_sdk_server.py", "beforehand"), ("mcp_server.py", "dcr"), ("mcp_server.py", "cimd")]


@pytest.mark.parametrize("program", AGENTS)
@pytest.mark.parametrize(("server", "way"), WAYS)
def test_an_agent_calls_a_tool_refreshes_and_asks_for_more(
    place: Place, server: str, way: str, program: Program, come: Callable[[str], dict[str, str]]
) -> None:
    register(place)
    sub = str(User.objects.get(username="owner").sub)
    with serving(place, server) as address, agent(program(place), place, Person(), **come(way)) as found:
        assert found.call() == {"said": [f"Home, as {sub} sees it"], "failed": False}
        (first,) = map(asked_for, found.asked)
        assert first["resource"] == address
        assert set(first["scope"].split()) - {"offline_access"} == {"pages.read"}
        assert first["client_id"] == {"beforehand": "wiki-mcp", "cimd": DOCUMENT}.get(way, found.client["client_id"])
        before = found.tokens["access_token"]
        assert claims_of(before)["aud"] == address

        found.told({"expire": True})
        assert found.call()["failed"] is False
        assert len(found.asked) == 1, "refreshed, without the person"
        assert found.tokens["access_token"] != before

        if program is in_typescript:
            assert "403 after trying upscoping" in found.call("write_page")["error"], "this SDK refreshes first"
            found.told({"forget": True})
        assert found.call("write_page") == {"said": ["Home is written"], "failed": False}
        more = asked_for(found.asked[-1])
        assert set(more["scope"].split()) - {"offline_access"} == {"pages.read", "pages.write"}
        assert len(found.asked) == 2
        assert found.call()["failed"] is False, "with what it had before"


@pytest.mark.parametrize("way", ["beforehand", "dcr", "cimd"])
def test_a_person_ends_it_and_the_next_call_fails(
    place: Place, way: str, come: Callable[[str], dict[str, str]]
) -> None:
    register(place)
    person = Person()
    with serving(place, "mcp_server.py"), agent(in_python(place), place, person, **come(way)) as found:
        assert found.call()["failed"] is False
        ends(place, person)
        time.sleep(1)  # what the server of the page keeps for so long
        found.answer = "deny"
        assert "No authorization code" in found.call()["error"], "nobody gets in without the person"
        assert len(found.asked) == 2


def test_an_api_of_starlette_asks_for_more_at_one_of_its_routes(place: Place) -> None:
    register(place)
    with serving(place, "starlette_api.py") as address:
        document = requests.get(f"{place.app}/.well-known/oauth-protected-resource{MCP}", timeout=30).json()
        assert (document["resource"], document["authorization_servers"]) == (address, [place.issuer])

        def ask(path: str, token: str) -> requests.Response:
            headers = {"Authorization": f"Bearer {token}"}
            return requests.request(
                "POST" if path == "write" else "GET", f"{address}/{path}", headers=headers, timeout=30
            )

        reads, writes = (token_for(place, scope) for scope in ("pages.read", "pages.read pages.write"))
        assert ask("read", reads).json() == {"for": str(User.objects.get(username="owner").sub)}
        assert ask("write", writes).json() == {"written by": "wiki-mcp"}
        refused = ask("write", reads)
        assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
        assert 'scope="pages.read pages.write", resource_metadata="' in refused.headers["WWW-Authenticate"]
        assert ask("read", "x").status_code == 401


def test_a_bound_token_needs_its_key_at_an_mcp_server(place: Place) -> None:
    register(place)
    holder, about = Holder(), {"protocolVersion": "2025-06-18", "capabilities": {}}
    about["clientInfo"] = {"name": "bound", "version": "1"}
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}
    with serving(place, "mcp_server.py") as address:
        token = token_for(place, "pages.read", DPoP=holder.proof(f"{place.issuer}/oauth2/token"))

        def ask(scheme: str, **more: str) -> requests.Response:
            sent = {"Authorization": f"{scheme} {token}", "Accept": "application/json, text/event-stream", **more}
            return requests.post(address, json=message, headers=sent, timeout=30)

        assert ask("DPoP", DPoP=holder.proof(address, token=token)).status_code == 200
        assert ask("DPoP", DPoP=Holder().proof(address, token=token)).status_code == 401
        stolen = ask("Bearer")
        assert (stolen.status_code, stolen.json()["error"]) == (401, "invalid_token")


@pytest.mark.parametrize("path", ["/fast/mcp", "/sdk/mcp"])
def test_servers_below_paths_of_an_app(place: Place, path: str) -> None:
    """FastMCP with our `auth`; the SDK with its own middleware, and our verifier behind it."""
    register(place, path)
    server = f"{place.app}{path}"
    environ = {"ISSUER": place.issuer, "HERE": place.app, "PORT": str(place.port), "PYTHONPATH": str(VERIFIER)}
    program: list[str | Path] = [environments.python("mcp_python"), HERE / "mcp_python" / "mounted.py"]
    with (
        running(program, place.folder, place.port, **environ),
        agent(in_python(place), place, Person(), client_id="wiki-mcp", server=server) as found,
    ):
        sub = str(User.objects.get(username="owner").sub)
        assert found.call() == {"said": [f"Home, as {sub} sees it"], "failed": False}
        assert claims_of(found.tokens["access_token"])["aud"] == server
        assert requests.post(server, json={}, timeout=30).status_code == 401
        assert requests.get(f"{place.app}/fast/health", timeout=30).text == "well", "FastMCP's own routes stay open"


def test_the_adapters_are_typed_as_the_frameworks_are(tmp_path: Path) -> None:
    config = tmp_path / "mypy.ini"
    config.write_text(TYPED)
    modules = [VERIFIER / "vestibule_verifier" / name for name in ("asgi.py", "mcp.py", "fastmcp.py")]
    modules += [HERE / "mcp_python" / name for name in ("client.py", "mounted.py")]
    command: list[str | Path] = [environments.python("mcp_python"), "-m", "mypy", "--config-file", config, *modules]
    finished(command, tmp_path, PYTHONPATH=str(VERIFIER))


@needs_node
@pytest.mark.parametrize("way", ["beforehand", "dcr"])
def test_mcp_remote_lets_a_program_in_that_knows_only_pipes(
    place: Place, tmp_path: Path, way: str, come: Callable[[str], dict[str, str]]
) -> None:
    """It listens for the browser itself."""
    register(place)
    sub = str(User.objects.get(username="owner").sub)
    program = environments.node("mcp_node") / "node_modules/mcp-remote/dist/proxy.js"
    told = come(way)
    known = ["--static-oauth-client-info", json.dumps(told)] if told else []
    beside = Place(place.issuer, tmp_path / "remote")
    beside.folder.mkdir()
    with serving(place, "mcp_server.py") as address:
        command: list[str | Path] = ["node", program, address, str(beside.port), *known]
        with remote(command, beside) as found:
            requests.get(decides(Person(), opened(found.said, place)), timeout=30)
            assert found.call("read_page", title="Home") == [f"Home, as {sub} sees it"]


@pytest.mark.parametrize("way", ["beforehand", "dcr", "cimd"])
def test_an_agent_of_fastmcp_opens_a_browser(
    place: Place, tmp_path: Path, way: str, come: Callable[[str], dict[str, str]]
) -> None:
    register(place)
    sub = str(User.objects.get(username="owner").sub)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    command: list[str | Path] = [environments.python("mcp_python"), HERE / "mcp_python" / "fastmcp_client.py"]
    with serving(place, "mcp_server.py") as address:
        asked = json.dumps({"server": address, **come(way)})
        with talking(command, tmp_path, ASKED=asked, BROWSER=str(browser)) as process:
            requests.get(decides(Person(), opened(tmp_path / "opened", place)), timeout=30)
            assert process.stdout
            assert json.loads(process.stdout.readline()) == f"Home, as {sub} sees it"
