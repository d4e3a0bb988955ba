"""What the HTTP API says of itself, so that apps which never heard of it know where to get tokens (RFC 9728)."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from common import certificates, issuer
from common.json_type import Json
from common.jws import PROOFS
from idp.discovery import public
from projects.apis import own_identifier
from projects.scopes import ADMIN_SCOPES
from provider.endpoints.http import Answer, protocol_endpoint
from provider.parameters import Request

# Section 3.1: between the host and the path of the resource.
PATH = f"/.well-known/oauth-protected-resource{issuer.path()}/api/v1"


def address() -> str:
    """Where the document is: what challenges of the API name (section 5.1)."""
    return issuer.url_of(PATH)


def metadata() -> dict[str, Json]:
    """Section 2."""
    bound: dict[str, Json] = (
        {"tls_client_certificate_bound_access_tokens": True} if certificates.are_passed_on() else {}
    )
    return {
        "resource": own_identifier(),
        "authorization_servers": [settings.IDP_ISSUER],
        "scopes_supported": list(ADMIN_SCOPES),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(PROOFS),
        "resource_name": "Vestibule",
        "resource_documentation": f"{own_identifier()}/openapi.json",
        **bound,
    }


@lru_cache(maxsize=1)
def _document(issuer: str) -> Answer:
    return public(metadata())


@protocol_endpoint("GET", cors=True)
def protected_resource(request: Request) -> Answer:
    return _document(settings.IDP_ISSUER)
