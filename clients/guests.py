"""Guest apps: what an app may be that registered itself and is of no project (protocol section 19). Pure.

A guest is nobody's sibling and speaks for nobody but the person who allowed it something. What it says of itself beyond
that is left out (RFC 7591 section 2: the answer says what was registered), not refused, unless nothing would be left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from django.utils.translation import gettext as _

from clients import rules
from clients.identifiers import redirect_uri_problem
from clients.metadata import ClientMetadata
from clients.rules import Choices
from projects import guests
from projects.guest_policy import host_problem
from projects.problems import Problem
from projects.rules import text_problem

DCR, CIMD = "dcr", "cimd"  # sources: it called the registration endpoint, or its id is the address of a document
SOURCES = (DCR, CIMD)
GRANT_TYPES = ("authorization_code", "refresh_token")
AUTH_METHODS = {
    DCR: ("none", "client_secret_basic", "client_secret_post", "private_key_jwt"),
    CIMD: ("none", "private_key_jwt"),  # nobody shares a secret with a document that everybody reads
}
MOST_REDIRECT_URIS = 20
# What the person saw when they allowed it something. Another one of these, and they are asked anew.
SHOWN = ("client_name", "redirect_uris", "token_endpoint_auth_method", "jwks", "jwks_uri")
KEPT = (  # what it decides itself; all the rest is as every guest has it
    *("client_id", "client_name", "enabled", "held", "token_endpoint_auth_method", "redirect_uris", "scope"),
    *("post_logout_redirect_uris", "tokens_not_before", "id_token_signed_response_alg"),
    *("userinfo_signed_response_alg", "authorization_signed_response_alg", "dpop_bound_access_tokens"),
    *("require_pushed_authorization_requests", "request_object_signing_alg", "jwks", "jwks_uri"),
    "token_endpoint_auth_signing_alg",
    *("application_type", "client_uri", "policy_uri", "tos_uri", "contacts", "initiate_login_uri"),
    *("default_max_age", "default_acr_values"),
)


def as_guest(wanted: ClientMetadata) -> ClientMetadata:
    """This, as far as a guest may be it."""
    return replace(
        ClientMetadata(**{name: getattr(wanted, name) for name in KEPT}),
        grant_types=tuple(one for one in dict.fromkeys(wanted.grant_types) if one in GRANT_TYPES),
        redirect_uris=tuple(dict.fromkeys(wanted.redirect_uris)),
        introspection="none",
        require_pkce=True,
        rotate_refresh_tokens=True,
    )


def problems(wanted: ClientMetadata, source: str, choices: Choices) -> Iterator[Problem]:
    """Everything that is wrong with it as a guest; `wanted` is what `as_guest` left of it."""
    for one in rules.problems(wanted, choices):
        if source == DCR or one.name != "client_id":
            yield one
    if source == CIMD and (problem := _document_problem(wanted.client_id)):
        yield Problem("client_id", problem)
    if "authorization_code" not in wanted.grant_types:
        yield Problem("grant_types", _("An app that registers itself needs the grant authorization_code."))
    if wanted.token_endpoint_auth_method not in AUTH_METHODS[source]:
        message = _("Not for an app that registers itself. Use one of: %(names)s.")
        yield Problem("token_endpoint_auth_method", message % {"names": ", ".join(AUTH_METHODS[source])})
    if wanted.token_endpoint_auth_method == "private_key_jwt" and not (wanted.jwks or wanted.jwks_uri):  # noqa: S105
        yield Problem("jwks", _("Register the keys that prove who it is, or their address."))
    yield from _addresses(wanted)


def _addresses(wanted: ClientMetadata) -> Iterator[Problem]:
    """So many, and each at a place that can be listed and blocked by its name."""
    for index, uri in enumerate(wanted.redirect_uris):
        if not redirect_uri_problem(uri) and (problem := host_problem(guests.place_of(uri))):
            yield Problem(f"redirect_uris[{index}]", problem)
    for name in ("redirect_uris", "post_logout_redirect_uris"):
        if len(getattr(wanted, name)) > MOST_REDIRECT_URIS:
            yield Problem(name, _("At most %(most)s values.") % {"most": MOST_REDIRECT_URIS})


def _document_problem(client_id: str) -> str:
    """What the address has to be like is for whoever fetches it (`clients.rules` refuses addresses as ids)."""
    if not guests.has_document(client_id):
        return _("The id of such an app is the address of its document.")
    return text_problem(client_id, rules.MAX_NAME)


def is_another(before: ClientMetadata, after: ClientMetadata) -> bool:
    """Whether people have to be asked anew, for it is not what they saw (rule C10)."""
    return any(getattr(before, name) != getattr(after, name) for name in SHOWN)
