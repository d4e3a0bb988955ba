"""For MCP servers of the official SDK: tools find who calls, and a session belongs to whoever began it."""

from __future__ import annotations

from functools import partial

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken as SDKToken
from starlette.authentication import AuthCredentials

from vestibule_verifier.access import AccessToken, AccessTokenVerifier
from vestibule_verifier.answers import presented
from vestibule_verifier.asgi import AccessTokens, Receive, Scope, Send, header, headers_of, in_thread
from vestibule_verifier.errors import TokenError, Unavailable


class MCPAccessTokens(AccessTokens):
    """AccessTokens around `MCPServer(…).streamable_http_app()`, which then needs no `auth` of its own.

    `get_access_token()` of the SDK works in tools.
    """

    async def pass_on(self, token: AccessToken, scope: Scope, receive: Receive, send: Send) -> None:
        _scheme, text = presented(header(scope, "authorization")[0])
        user = AuthenticatedUser(for_sdk(token, text))
        told = {"user": user, "auth": AuthCredentials(sorted(token.scopes)), "headers": _as_bearer(scope, text)}
        await AuthContextMiddleware(partial(super().pass_on, token))({**scope, **told}, receive, send)


class MCPTokenVerifier:
    """The `token_verifier` of an `MCPServer` that keeps its own `auth`. It knows no DPoP, and answers as the SDK does.

    With `AuthSettings(validate_token_resource=False)`: the audience is checked here.
    """

    def __init__(self, verifier: AccessTokenVerifier) -> None:
        self._verifier = verifier

    async def verify_token(self, token: str) -> SDKToken | None:
        """None for a token that is no good; raises Unavailable when nobody can say, so that no app throws it away."""
        try:
            return for_sdk(await in_thread(partial(self._verifier.verify, token)), token)
        except Unavailable:
            raise
        except TokenError:
            return None


def for_sdk(token: AccessToken, text: str) -> SDKToken:
    return SDKToken(
        token=text,
        client_id=token.client_id,
        scopes=sorted(token.scopes),
        expires_at=int(token.expires_at),
        resource=token.audience_here[0],
        subject=token.subject,
        claims=dict(token.claims),
    )


def _as_bearer(scope: Scope, text: str) -> list[tuple[bytes, bytes]]:
    """The headers for what is inside, which knows Bearer only. That the sender has the key was checked."""
    kept = [(name, value) for name, value in headers_of(scope) if name.lower() not in (b"authorization", b"dpop")]
    return [*kept, (b"authorization", b"Bearer " + text.encode("latin-1"))]
