"""What the profile `fapi2` demands of a client's registration (FAPI 2.0 Security Profile section 5.3). Pure.

Each thing that is missing is a problem of its field, with what to do. What it demands of requests is for
`provider.protocol.profile`, which goes by what it demands and not by what is registered.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients import keys
from clients.metadata import ClientMetadata
from projects.facts import FAPI2
from projects.problems import Problem

CERTIFICATE_OF_A_CA = "tls_client_auth"
METHODS = ("private_key_jwt", CERTIFICATE_OF_A_CA, "self_signed_tls_client_auth")
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
FORBIDDEN = "RS256"  # its padding has been broken again and again (section 5.4)
NOT_RS256 = gettext_lazy("The profile fapi2 forbids RS256: choose PS256, ES256 or EdDSA.")
SIGNATURES = (
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "authorization_signed_response_alg",
    "token_endpoint_auth_signing_alg",
    "request_object_signing_alg",
)


def missing(wanted: ClientMetadata) -> list[Problem]:
    """Everything that stands between this client and the profile; rules F1 to F9."""
    settled = wanted.settled()
    return [*_authentication(settled), *_requests(settled), *_tokens(settled), *_signatures(settled)]


def missing_for(profile: str, wanted: ClientMetadata) -> list[Problem]:
    """The same, for whichever profile holds: the client's own, or its project's."""
    return missing(wanted) if FAPI2 in (profile, wanted.profile) else []


def _authentication(wanted: ClientMetadata) -> Iterator[Problem]:
    """F1: who it is, it proves by a key that nobody else has."""
    if wanted.token_endpoint_auth_method not in METHODS:
        message = _("The profile fapi2 demands a key instead of a secret: choose private_key_jwt.")
        yield Problem("token_endpoint_auth_method", message)
    registered = keys.keys_of(wanted.jwks)
    if wanted.token_endpoint_auth_method != CERTIFICATE_OF_A_CA and not (registered or wanted.jwks_uri):
        yield Problem("jwks", _("The profile fapi2 demands a public key of the client: register one, or its address."))
    if any(key.get("alg") == FORBIDDEN for key in registered):
        yield Problem("jwks", str(NOT_RS256))


def _requests(wanted: ClientMetadata) -> Iterator[Problem]:
    """F1, F4, F5, F6: what it may ask for, and by which way."""
    for index, grant_type in enumerate(wanted.grant_types):
        if grant_type not in GRANT_TYPES:
            message = _("The profile fapi2 allows no other grant types than these: %(names)s.")
            yield Problem(f"grant_types[{index}]", message % {"names": ", ".join(GRANT_TYPES)})
    for index, response_type in enumerate(wanted.response_types):
        if response_type != "code":
            yield Problem(f"response_types[{index}]", _("The profile fapi2 allows no other response type than code."))
    for index, uri in enumerate(wanted.redirect_uris):
        if not uri.lower().startswith("https://"):
            yield Problem(f"redirect_uris[{index}]", _("The profile fapi2 demands https: register another address."))
    if "authorization_code" in wanted.grant_types and not wanted.require_pushed_authorization_requests:
        message = _("The profile fapi2 demands pushed authorization requests: switch this on.")
        yield Problem("require_pushed_authorization_requests", message)
    if not wanted.require_pkce:
        yield Problem("require_pkce", _("The profile fapi2 demands PKCE: switch this on."))


def _tokens(wanted: ClientMetadata) -> Iterator[Problem]:
    """F9, F12: they are bound to a key; refresh tokens stay, for the key protects them."""
    if not (wanted.dpop_bound_access_tokens or wanted.tls_client_certificate_bound_access_tokens):
        message = _("The profile fapi2 demands access tokens that are bound to a key: switch this on.")
        yield Problem("dpop_bound_access_tokens", message)
    if wanted.rotate_refresh_tokens:
        yield Problem("rotate_refresh_tokens", _("The profile fapi2 forbids rotation: switch this off."))


def _signatures(wanted: ClientMetadata) -> Iterator[Problem]:
    """F3."""
    for name in SIGNATURES:
        if getattr(wanted, name) == FORBIDDEN:
            yield Problem(name, str(NOT_RS256))
