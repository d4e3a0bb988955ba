"""The guard of an ASGI app: what gets through, what the others hear, and that nobody waits for the provider."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from vestibule_verifier import IntrospectionVerifier, LocalVerifier, Missing, ProtectedResource, Provider
from vestibule_verifier.asgi import AccessTokens, Message, Metadata, Receive, Scope, Send, access_token
from vestibule_verifier.tools import MAX_BODY

from tests.caller import call, call_async, scope_of, tells_its_token
from tests.holder import Holder
from tests.provider import INTROSPECT, KEYS, ORDERS, TestProvider, signed

DOCUMENT = "/.well-known/oauth-protected-resource/orders"
DESCRIBED = f'resource_metadata="https://api.acme.example{DOCUMENT}"'


@pytest.fixture
def resource(local: LocalVerifier) -> ProtectedResource:
    return ProtectedResource(local, scopes=["orders.read", "orders.write"], name="Orders")


@pytest.fixture
def app(resource: ProtectedResource) -> AccessTokens:
    return AccessTokens(tells_its_token, resource, scope="orders.read")


@pytest.fixture
def token(provider: TestProvider) -> str:
    return signed(provider.access_claims())


def test_a_good_token_reaches_the_app(app: AccessTokens, token: str) -> None:
    reply = call(app, "/orders/7", token, b"hello")
    assert (reply.status, reply.body) == (200, b"9b2f2f9a-person hello")


@pytest.mark.parametrize("header", ["", "Bearer", "Basic d2ViOnNlY3JldA=="])
def test_without_a_token_the_challenge_leads_to_the_document(app: AccessTokens, header: str) -> None:
    reply = call(app, headers={"Authorization": header} if header else {})
    assert reply.status == 401
    assert reply.headers["www-authenticate"] == f'Bearer realm="api", scope="orders.read", {DESCRIBED}'
    assert (reply.headers["cache-control"], reply.json()["error"]) == ("no-store", "invalid_token")


def test_a_bad_token_is_told_why(app: AccessTokens, provider: TestProvider, token: str) -> None:
    for bad in (f"{token}x", signed(provider.access_claims(aud="https://other.example")), "\xff"):
        reply = call(app, token=bad)
        assert reply.status == 401
        assert reply.headers["www-authenticate"].startswith('Bearer realm="api", error="invalid_token"')
        assert reply.headers["www-authenticate"].endswith(f'scope="orders.read", {DESCRIBED}')


def test_two_tokens_are_none(app: AccessTokens, token: str) -> None:
    scope = scope_of("/orders/7", {"Authorization": f"Bearer {token}"})
    lines: Any = scope["headers"]
    lines.append((b"authorization", b"Bearer other"))
    assert asyncio.run(call_async(app, scope)).status == 401


def test_a_missing_scope_is_named_with_those_held(app: AccessTokens, provider: TestProvider) -> None:
    reply = call(app, token=signed(provider.access_claims(scope="openid orders.write")))
    assert (reply.status, reply.json()["error"]) == (403, "insufficient_scope")
    assert f'scope="openid orders.read orders.write", {DESCRIBED}' in reply.headers["www-authenticate"]


def test_an_outage_is_no_verdict(app: AccessTokens, provider: TestProvider, token: str) -> None:
    provider.fail(KEYS)
    reply = call(app, token=token)
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    assert "www-authenticate" not in reply.headers, "an app would throw a good token away"


def test_the_document_is_for_everybody(app: AccessTokens, resource: ProtectedResource) -> None:
    for path in (DOCUMENT, f"{DOCUMENT}/"):
        reply = call(app, path)
        assert (reply.status, reply.json()) == (200, resource.document)
        assert reply.headers["access-control-allow-origin"] == "*"
        assert reply.headers["content-type"] == "application/json"
    assert call(app, DOCUMENT, method="HEAD").body == b""
    asked = call(app, DOCUMENT, method="OPTIONS", headers={"Access-Control-Request-Headers": "mcp-protocol-version"})
    assert (asked.status, asked.headers["access-control-allow-headers"]) == (204, "*")
    assert call(app, DOCUMENT, method="POST").status == 405
    assert call(Metadata(resource), "/anywhere").json() == resource.document
    assert call(app, f"{DOCUMENT}/x").status == 401


def test_what_the_request_says_of_its_host_counts_for_nothing(app: AccessTokens) -> None:
    reply = call(app, DOCUMENT)
    assert b"evil.example" not in reply.body
    assert "evil.example" not in call(app).headers["www-authenticate"]


# --- Bound tokens --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/orders/7", "/orders/a%20b"])
def test_the_holder_of_the_key_is_let_in_at_the_address_that_apps_call(
    app: AccessTokens, provider: TestProvider, path: str
) -> None:
    holder = Holder()
    bound = signed(provider.access_claims(cnf=holder.cnf))

    def ask(url: str) -> int:
        return call(
            app,
            path.replace("%20", " "),
            raw_path=path.encode(),
            headers={"Authorization": f"DPoP {bound}", "DPoP": holder.proof(bound, url)},
        ).status

    assert ask(f"https://api.acme.example{path}") == 200
    assert ask(f"https://evil.example{path}") == 401


def test_a_proxy_may_take_a_part_of_the_path_away(resource: ProtectedResource, provider: TestProvider) -> None:
    app = AccessTokens(tells_its_token, resource, base_url="https://api.acme.example/orders/")
    holder = Holder()
    bound = signed(provider.access_claims(cnf=holder.cnf))
    proof = holder.proof(bound, "https://api.acme.example/orders/7")
    assert call(app, "/7", headers={"Authorization": f"DPoP {bound}", "DPoP": proof}).status == 200
    again = call(app, "/7", headers={"Authorization": f"DPoP {bound}", "DPoP": proof})
    assert (again.status, again.json()["error"]) == (401, "invalid_dpop_proof")
    assert again.headers["www-authenticate"].startswith("DPoP ")
    assert call(app, "/7", bound).status == 401, "as Bearer it is nothing"


# --- What single parts need ----------------------------------------------------------------------------------------


def asks_for_more(scope: str) -> Any:
    async def app(found: Scope, receive: Receive, send: Send) -> None:
        class Request:
            scope = found

        access_token(Request(), scope)
        await tells_its_token(found, receive, send)

    return app


def test_an_endpoint_may_need_more_and_the_app_hears_what(resource: ProtectedResource, token: str) -> None:
    assert call(AccessTokens(asks_for_more("orders.read"), resource), "/", token).status == 200
    reply = call(AccessTokens(asks_for_more("orders.write"), resource), "/", token)
    assert reply.status == 403
    assert 'scope="openid orders.read orders.write"' in reply.headers["www-authenticate"]


def test_an_endpoint_that_nobody_guards_lets_nobody_in() -> None:
    with pytest.raises(Missing):
        call(asks_for_more(""))


def test_an_answer_that_has_begun_is_not_begun_again(resource: ProtectedResource, token: str) -> None:
    async def too_late(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise Missing

    with pytest.raises(Missing):
        call(AccessTokens(too_late, resource), "/", token)


def rpc(method: str = "tools/call", **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (rpc(name="look"), 200),
        (rpc("tools/list"), 200),
        (rpc(name="borrow"), 403),
        (rpc(name="borrow")[:-1] + b', "method": "tools/list"}', 403),
        (rpc(name="look").replace(b'"look"', b'"borrow", "name": "look"'), 403),
        (b"[" + rpc(name="look") + b", " + rpc(name="borrow") + b"]", 403),
        (rpc(name="borrow").decode().encode("utf-16"), 403),
        (b"\xef\xbb\xbf" + rpc(name="look"), 403),
        (b"[" * 100_000, 403),
        (b"", 403),
        (rpc(name=["borrow"]), 200),
        (rpc("tools/call"), 200),
        (b"7", 200),
        (b" " * (MAX_BODY + 1), 413),
    ],
)
def test_a_tool_may_need_more_and_what_cannot_be_read_needs_everything(
    resource: ProtectedResource, token: str, body: bytes, status: int
) -> None:
    app = AccessTokens(tells_its_token, resource, scope="orders.read", tools={"borrow": "orders.write"})
    reply = call(app, "/orders", token, body[: len(body) // 2], body[len(body) // 2 :], method="POST")
    assert reply.status == status
    if status == 403:
        assert 'scope="openid orders.read orders.write"' in reply.headers["www-authenticate"]
    if status == 200:
        assert reply.body == b"9b2f2f9a-person " + body, "the app reads what was read already"


def test_a_body_is_read_from_those_alone_who_have_a_token(resource: ProtectedResource) -> None:
    app = AccessTokens(tells_its_token, resource, tools={"borrow": "orders.write"})

    async def nothing() -> Message:
        raise AssertionError("nobody reads")

    async def ask() -> list[Message]:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        await app(scope_of("/orders", method="POST"), nothing, send)
        return sent

    assert asyncio.run(ask())[0]["status"] == 401


# --- Other kinds of connections ------------------------------------------------------------------------------------


def test_a_websocket_is_guarded_too(resource: ProtectedResource, token: str) -> None:
    async def accepts(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})

    app = AccessTokens(accepts, resource, scope="orders.read")
    assert call(app, "/", type="websocket").messages == [{"type": "websocket.close", "code": 1008}]
    assert call(app, "/", token, type="websocket").messages == [{"type": "websocket.accept"}]
    assert call(app, DOCUMENT, type="websocket").messages[0]["type"] == "websocket.close"


def test_a_lifespan_is_the_apps(resource: ProtectedResource) -> None:
    async def lives(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "lifespan.startup.complete"})

    reply = asyncio.run(call_async(AccessTokens(lives, resource), {"type": "lifespan"}))
    assert reply.messages == [{"type": "lifespan.startup.complete"}]


# --- Nobody waits --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["keys", "introspection"])
def test_the_loop_goes_on_while_the_provider_takes_its_time(provider: TestProvider, way: str, token: str) -> None:
    known = Provider(provider.issuer)
    verifier: Any = LocalVerifier(known, ORDERS)
    if way == "introspection":
        verifier = IntrospectionVerifier(known, ORDERS, client_id="api", client_secret="x")
        provider.active()
    app = AccessTokens(tells_its_token, ProtectedResource(verifier), scope="orders.read")
    provider.gate.clear()

    async def both() -> int:
        asked = asyncio.create_task(call_async(app, scope_of("/", {"Authorization": f"Bearer {token}"})))
        until = time.monotonic() + 5
        while not provider.requests:
            assert time.monotonic() < until
            await asyncio.sleep(0.01)
        document = await asyncio.wait_for(call_async(app, scope_of(DOCUMENT)), 1)
        assert document.status == 200
        provider.gate.set()
        return (await asked).status

    assert asyncio.run(both()) == 200
    assert provider.asked(KEYS if way == "keys" else INTROSPECT) == 1


def test_each_loop_has_threads_of_its_own(app: AccessTokens, token: str) -> None:
    """A forked process has none of those that were there, and a loop may end before another begins."""
    assert [call(app, token=token).status for _ in range(3)] == [200, 200, 200]
