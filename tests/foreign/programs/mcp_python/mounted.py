"""Two MCP servers below paths of one app: FastMCP's with its `auth`, the SDK's with its own middleware."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastmcp import FastMCP
from fastmcp.server.dependencies import get_access_token as of_fastmcp
from mcp.server.auth.middleware.auth_context import get_access_token as of_sdk
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from vestibule_verifier import LocalVerifier, ProtectedResource, Provider
from vestibule_verifier.asgi import Metadata
from vestibule_verifier.fastmcp import MCPAuth
from vestibule_verifier.mcp import MCPTokenVerifier

PROVIDER, HERE, PORT = Provider(os.environ["ISSUER"]), os.environ["HERE"], int(os.environ["PORT"])

fast_resource = ProtectedResource(LocalVerifier(PROVIDER, f"{HERE}/fast/mcp"), scopes=["pages.read"])
fast = FastMCP("Fast", auth=MCPAuth(fast_resource, scope="pages.read"))


async def health(request: Request) -> PlainTextResponse:
    return PlainTextResponse("well")


def fast_page(title: str) -> str:
    token = of_fastmcp()
    return f"{title}, as {token.subject} sees it" if token else "nobody"


sdk_verifier = MCPTokenVerifier(LocalVerifier(PROVIDER, f"{HERE}/sdk/mcp"))
own = AuthSettings(
    issuer_url=AnyHttpUrl(os.environ["ISSUER"]),
    resource_server_url=AnyHttpUrl(f"{HERE}/sdk/mcp"),
    required_scopes=["pages.read"],
    validate_token_resource=True,
)
sdk = MCPServer("SDK", token_verifier=sdk_verifier, auth=own)


def sdk_page(title: str) -> str:
    token = of_sdk()
    return f"{title}, as {token.subject} sees it" if token else "nobody"


fast.custom_route("/health", methods=["GET"])(health)
fast.tool(fast_page, name="read_page")
sdk.add_tool(sdk_page, name="read_page")
fast_app, sdk_app = fast.http_app(path="/mcp"), sdk.streamable_http_app()


@asynccontextmanager
async def both(app: Starlette) -> AsyncIterator[None]:
    async with fast_app.lifespan(app), sdk.session_manager.run():
        yield


sdk_metadata = ProtectedResource(LocalVerifier(PROVIDER, f"{HERE}/sdk/mcp"), scopes=["pages.read"])
routes = [Route(one.metadata_path, Metadata(one)) for one in (fast_resource, sdk_metadata)]
site = Starlette(routes=[*routes, Mount("/fast", fast_app), Mount("/sdk", sdk_app)], lifespan=both)
uvicorn.run(site, host="127.0.0.1", port=PORT)
