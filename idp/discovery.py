"""Metadata and keys: derived from what the protocol table and the modules hold, so that it cannot lie."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson
from django.conf import settings

from accounts import sign_in
from common import certificates
from common.jws import ALGORITHMS, PROOFS
from projects import sectors
from projects.claim_table import DEFAULTS
from projects.scopes import SIGN_IN_SCOPES
from provider import client_authentication, document_rules
from provider.endpoints.http import CORS, JSON, Answer, protocol_endpoint
from provider.keys import rotation
from provider.parameters import Request
from provider.protocol import AT_TOKEN, authorization, logout, pkce, prompts
from provider.protocol.claims import ABOUT_THE_TOKEN, CLAIMS
from provider.protocol.facts import Json
from provider.protocol.response_modes import LEGACY, RESPONSE_MODES

# What programs ask, and no browser does: each of them that clients authenticate at, and that takes tokens.
AT_MTLS = (
    "token_endpoint",
    "userinfo_endpoint",
    "device_authorization_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "pushed_authorization_request_endpoint",
    "tokeninfo_endpoint",
)
MAX_AGE = int(rotation.JWKS_MAX_AGE.total_seconds())


def metadata() -> dict[str, Any]:
    """OpenID Connect Discovery 1.0 section 3 and RFC 8414 section 2: only what works."""
    methods = client_authentication.offered()
    secret_methods = [name for name in methods if not client_authentication.METHODS[name].public]
    return {
        "issuer": settings.IDP_ISSUER,
        **_addresses(),
        "scopes_supported": list(SIGN_IN_SCOPES),
        "response_types_supported": _response_types(),
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": _grant_types(),
        "subject_types_supported": list(sectors.TYPES),
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "userinfo_signing_alg_values_supported": list(ALGORITHMS),
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": secret_methods,
        "introspection_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "introspection_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "code_challenge_methods_supported": list(pkce.METHODS),
        "dpop_signing_alg_values_supported": list(PROOFS),
        "prompt_values_supported": list(prompts.PROMPTS),
        "include_granted_scopes_supported": True,  # no specification has a name for it; clients of Google's ask
        "claim_types_supported": ["normal"],
        "claims_supported": [*ABOUT_THE_TOKEN, *CLAIMS, *(row.name for row in DEFAULTS)],
        "claims_parameter_supported": True,
        "authorization_signing_alg_values_supported": list(ALGORITHMS),
        "require_pushed_authorization_requests": settings.IDP_REQUIRE_PUSHED_AUTHORIZATION_REQUESTS,
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": list(ALGORITHMS),
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        **_about_documents(),
        **_about_certificates(),
        **_about_sessions(),
    }


def _about_documents() -> dict[str, Json]:
    """draft-ietf-oauth-client-id-metadata-document, section 6: exactly where such clients are taken."""
    return {"client_id_metadata_document_supported": True} if document_rules.offered() else {}


def _about_certificates() -> dict[str, Json]:
    """RFC 8705 sections 3.3 and 5, where the proxy of this deployment passes certificates on."""
    if not certificates.are_passed_on():
        return {}
    said: dict[str, Json] = {"tls_client_certificate_bound_access_tokens": True}
    if settings.IDP_MTLS_URL:
        at = settings.IDP_MTLS_URL + "/oauth2/"
        own = {name: url.rpartition("/")[2] for name, url in _addresses().items() if name in AT_MTLS}
        said["mtls_endpoint_aliases"] = {name: at + path for name, path in own.items()}
    return said


def _response_types() -> list[str]:
    legacy = LEGACY if settings.IDP_LEGACY_RESPONSE_TYPES else ()
    return [*authorization.RESPONSE_TYPES, *legacy]


def _grant_types() -> list[str]:
    """Discovery has a word for tokens that come through the browser, which is no grant of the token endpoint."""
    return [*AT_TOKEN, *(["implicit"] if settings.IDP_LEGACY_RESPONSE_TYPES else [])]


def _about_sessions() -> dict[str, Json]:
    """How people sign in, in which words, and what apps hear when they sign out."""
    return {
        "acr_values_supported": list(sign_in.ACR_VALUES),
        "ui_locales_supported": [code for code, _name in settings.LANGUAGES],
        "backchannel_logout_supported": "events" in logout.TOKEN_CLAIMS,
        "backchannel_logout_session_supported": "sid" in logout.TOKEN_CLAIMS,
    }


def _addresses() -> dict[str, str]:
    base = f"{settings.IDP_ISSUER}/oauth2"
    return {
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/token",
        "userinfo_endpoint": f"{base}/userinfo",
        "device_authorization_endpoint": f"{base}/device_authorization",
        "introspection_endpoint": f"{base}/introspect",
        "revocation_endpoint": f"{base}/revoke",
        "pushed_authorization_request_endpoint": f"{base}/par",
        "end_session_endpoint": f"{base}/logout",
        "tokeninfo_endpoint": f"{base}/tokeninfo",
        "jwks_uri": f"{settings.IDP_ISSUER}/.well-known/jwks.json",
        **({"registration_endpoint": f"{base}/register"} if settings.IDP_DYNAMIC_REGISTRATION != "off" else {}),
    }


@lru_cache(maxsize=1)
def _metadata_document(issuer: str) -> Answer:
    """Made once: all it says is decided by the code and by the issuer."""
    return public(metadata())


@lru_cache(maxsize=4)
def _jwks_document(kids: tuple[str, ...]) -> Answer:
    """A key's id is its thumbprint: the same keys are the same document."""
    return public({"keys": [key.public_jwk for key in rotation.known() if key.kid in kids]})


@protocol_endpoint("GET", cors=True)
def configuration(request: Request) -> Answer:
    return _metadata_document(settings.IDP_ISSUER)


@protocol_endpoint("GET", cors=True)
def jwks(request: Request) -> Answer:
    return _jwks_document(rotation.published())


def public(document: dict[str, Json]) -> Answer:
    """Headers and all, as it goes out again and again."""
    return Answer(orjson.dumps(document), {**JSON, "Cache-Control": f"public, max-age={MAX_AGE}", **CORS})
