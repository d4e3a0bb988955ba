"""What may stand in the file: every section, every key, and how its value is read. Touches no database row."""

from __future__ import annotations

from clients.metadata import CERTIFICATE_NAMES
from clients.rules import SHOWN_URIS
from common.jws import ALGORITHMS
from idp.configuration.shape import Key, Section
from idp.configuration.values import (
    audience,
    choice,
    flag,
    jwks,
    scope,
    scope_descriptions,
    seconds,
    secret,
    secret_source,
    section,
    sections,
    shared,
    text,
    texts,
    version,
)
from projects.choices import GuestApps
from projects.models import ConsentMode, CrossClient, Status, TokenFormat

USER = Section(
    "users",
    {
        "username": Key(text, required=True),
        "password": Key(secret),
        "email": Key(text),
        "email_verified": Key(flag),
        "given_name": Key(text, field="first_name"),
        "family_name": Key(text, field="last_name"),
        "is_active": Key(flag),
        "is_staff": Key(flag),
        "is_superuser": Key(flag),
        "phone_number": Key(text),
        "address": Key(text),
        "sub": Key(text),
    },
)

MEMBERS = Section("members", {"owners": Key(texts), "editors": Key(texts), "viewers": Key(texts)})

CONSENT_SCREEN = Section(
    "consent_screen",
    {name: Key(text) for name in ("app_name", "support_email", "homepage_uri", "policy_uri", "tos_uri")},
)

SCOPE = Section("scopes", {"description": Key(text), "sensitive": Key(flag), "guests": Key(flag)})

API = Section(
    "apis",
    {
        "identifier": Key(text, required=True),
        "name": Key(text),
        "description": Key(text),
        "scopes": Key(scope_descriptions(SCOPE)),
        "token_format": Key(choice(TokenFormat)),
        "token_signing_alg": Key(choice(ALGORITHMS)),
        "token_lifetime": Key(seconds(nullable=True)),
        "shared": Key(shared),
    },
)

AUDIENCE = Section("audience", {"value": Key(text, required=True), "mode": Key(text), "default": Key(flag)})

CLIENT = Section(
    "clients",
    {
        "client_id": Key(text, required=True),
        "client_name": Key(text),
        "client_secret": Key(secret),
        "client_secret_from": Key(secret_source),
        "token_endpoint_auth_method": Key(text),
        "grant_types": Key(texts),
        "response_types": Key(texts),
        "redirect_uris": Key(texts),
        "post_logout_redirect_uris": Key(texts),
        "backchannel_logout_uri": Key(text),
        "scope": Key(scope),
        "audience": Key(audience(AUDIENCE)),
        "introspection": Key(text),
        "introspects": Key(texts),
        "acts_for": Key(texts),
        "access_token_format": Key(text),
        "access_token_lifetime": Key(seconds()),
        "id_token_lifetime": Key(seconds()),
        "refresh_token_lifetime": Key(seconds(nullable=True)),
        "refresh_token_idle_lifetime": Key(seconds(nullable=True)),
        "id_token_signed_response_alg": Key(text),
        "userinfo_signed_response_alg": Key(text),
        "authorization_signed_response_alg": Key(text),
        "require_pkce": Key(flag),
        "require_pushed_authorization_requests": Key(flag),
        "profile": Key(text),
        "rotate_refresh_tokens": Key(flag),
        "refresh_tokens": Key(text),
        "allowed_callers": Key(texts),
        "cross_client_public": Key(flag),
        "jwks": Key(jwks),
        "jwks_uri": Key(text),
        "token_endpoint_auth_signing_alg": Key(text),
        "request_object_signing_alg": Key(text),
        "enabled": Key(flag),
        "dpop_bound_access_tokens": Key(flag),
        "tls_client_certificate_bound_access_tokens": Key(flag),
        **{name: Key(text) for name in CERTIFICATE_NAMES},
        "application_type": Key(text),
        "contacts": Key(texts),
        **{name: Key(text) for name in (*SHOWN_URIS, "initiate_login_uri")},
        "default_max_age": Key(seconds(nullable=True)),
        "default_acr_values": Key(texts),
        "administers": Key(texts),
    },
)

PROJECT = Section(
    "projects",
    {
        "id": Key(text, required=True, field="key"),
        "name": Key(text),
        "consent_mode": Key(choice(ConsentMode)),
        "cross_client": Key(choice(CrossClient)),
        "require_pushed_authorization_requests": Key(flag),
        "profile": Key(text),
        "status": Key(choice(Status)),
        "longest_grant": Key(seconds(nullable=True)),
        "test_users": Key(texts),
        "guest_apps": Key(choice(GuestApps)),
        "guest_hosts": Key(texts),
        "guest_longest_grant": Key(seconds(nullable=True)),
        "members": Key(section(MEMBERS)),
        "consent_screen": Key(section(CONSENT_SCREEN)),
        "apis": Key(sections(API)),
        "clients": Key(sections(CLIENT)),
    },
)

FILE = Section(
    "", {"version": Key(version, required=True), "users": Key(sections(USER)), "projects": Key(sections(PROJECT))}
)
SECTIONS = (FILE, USER, PROJECT, MEMBERS, CONSENT_SCREEN, API, SCOPE, CLIENT, AUDIENCE)
