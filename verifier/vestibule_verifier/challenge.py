"""What WWW-Authenticate says to an app that was refused (RFC 6750, RFC 9449, RFC 9728 section 5.1)."""

from __future__ import annotations

from vestibule_verifier.claims import is_scope, scopes
from vestibule_verifier.errors import InsufficientScope, Missing, TokenError
from vestibule_verifier.metadata import ProtectedResource
from vestibule_verifier.sender import ALGORITHMS


def challenge(
    error: TokenError,
    realm: str = "api",
    scheme: str = "bearer",
    resource: ProtectedResource | None = None,
    scope: str = "",
) -> str:
    """One challenge, of the scheme that the request used. `scope`: what the request needed.

    With a `resource` the app learns where to read of it, and which scopes to ask for. Those that it has are among them:
    an app asks for exactly these, and would lose what is not named.
    """
    said = [f'realm="{realm}"']
    if scheme == "dpop":
        said.append(f'algs="{" ".join(ALGORITHMS)}"')
    if not isinstance(error, Missing):  # then nothing was sent that could be wrong
        said += [f'error="{error.code}"', f'error_description="{error}"']
    if asked := _to_ask_for(error, resource, scope):
        said.append(f'scope="{asked}"')
    if resource is not None:
        said.append(f'resource_metadata="{resource.metadata_url}"')
    return f"{'DPoP' if scheme == 'dpop' else 'Bearer'} {', '.join(said)}"


def _to_ask_for(error: TokenError, resource: ProtectedResource | None, scope: str) -> str:
    if isinstance(error, InsufficientScope):
        held = filter(is_scope, error.held) if resource is not None else ()
        return " ".join(sorted(scopes(error.scope).union(held)))
    return " ".join(sorted(scopes(scope))) if resource is not None else ""
