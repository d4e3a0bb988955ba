"""For FastMCP: `FastMCP("Notes", auth=MCPAuth(resource))`."""

from __future__ import annotations

from collections.abc import Mapping

from fastmcp.server.auth import AccessToken, AuthProvider
from pydantic import AnyHttpUrl
from starlette.middleware import Middleware
from starlette.routing import Route

from vestibule_verifier.asgi import App, Certificate, Metadata, Receive, Scope, Send
from vestibule_verifier.claims import scopes
from vestibule_verifier.mcp import MCPAccessTokens, MCPTokenVerifier
from vestibule_verifier.metadata import ProtectedResource


class MCPAuth(AuthProvider):
    """The `auth` of a FastMCP server over streamable HTTP. Its other routes stay open, as FastMCP has it.

    The arguments are those of AccessTokens. A tool that needs more says so here, in `tools`: its own
    `auth=require_scopes(…)` refuses too, but in a way that no app answers by asking for more.
    """

    def __init__(
        self,
        resource: ProtectedResource,
        *,
        scope: str = "",
        tools: Mapping[str, str] | None = None,
        base_url: str = "",
        certificate: Certificate | None = None,
    ) -> None:
        super().__init__(base_url=resource.origin, required_scopes=sorted(scopes(scope)))
        self.resource = resource
        self.mcp_path: str | None = None  # known when the routes are asked for
        self._verifier = MCPTokenVerifier(resource.verifier)
        self._scope, self._tools, self._base_url, self._certificate = scope, tools, base_url, certificate

    @property
    def scopes_supported(self) -> list[str]:
        return list(self.resource.scopes)

    def guard(self, app: App) -> MCPAccessTokens:
        return MCPAccessTokens(
            app,
            self.resource,
            scope=self._scope,
            tools=self._tools,
            base_url=self._base_url,
            certificate=self._certificate,
        )

    async def verify_token(self, token: str) -> AccessToken | None:
        found = await self._verifier.verify_token(token)
        return AccessToken(**found.model_dump()) if found is not None else None

    def get_routes(self, mcp_path: str | None = None) -> list[Route]:
        self.mcp_path = mcp_path
        self.set_mcp_path(mcp_path)
        return [Route(self.resource.metadata_path, endpoint=Metadata(self.resource))]

    def get_middleware(self) -> list[Middleware]:
        return [Middleware(_AtTheServer, auth=self)]

    def _get_resource_url(self, path: str | None = None) -> AnyHttpUrl:
        return AnyHttpUrl(self.resource.identifier)


class _AtTheServer:
    """The guard, at the path of the server alone. FastMCP refuses there once more what came without a user."""

    def __init__(self, app: App, auth: MCPAuth) -> None:
        self._app, self._auth, self._guarded = app, auth, auth.guard(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", "")).removeprefix(str(scope.get("root_path", "")))
        here = scope["type"] == "http" and path == self._auth.mcp_path
        await (self._guarded if here else self._app)(scope, receive, send)
