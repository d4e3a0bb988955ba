"""What a client's metadata must be like, whoever registers it and whatever else there is. Pure: no rows are read.

`Client.full_clean()` and `Client.save()` ask these rules; `clients.registration` asks them first, and then what
depends on other rows and on who acts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from django.conf import settings
from django.utils.translation import gettext as _

from clients import keys
from clients.about_the_app import SHOWN_URIS as SHOWN_URIS
from clients.about_the_app import TEXTS as TEXTS
from clients.about_the_app import about_the_app
from clients.identifiers import backchannel_uri_problem, client_id_problem, jwks_uri_problem, redirect_uri_problem
from clients.metadata import BY_NAMED_CERTIFICATE, EVERY_PROJECT, Audience, ClientMetadata
from common import certificates
from projects import matcher, quotas
from projects.problems import Problem
from projects.rules import lifetime_problem, quoted, scope_problem, text_problem

Choices = Mapping[str, Collection[str]]  # the values a field may have

MAX_NAME = 255
MAX_URI = 500
# Plain JSON; whichever its keys are for; no profile.
MAY_BE_EMPTY = (
    *("userinfo_signed_response_alg", "token_endpoint_auth_signing_alg", "request_object_signing_alg"),
    "profile",
)
MODES = ("prefix", "exact")
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a grant type (RFC 8693)
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
CODE = "code"  # the one response type that brings no token through the browser
URI_LISTS = ("redirect_uris", "post_logout_redirect_uris")
LISTS = (
    *("grant_types", "response_types", *URI_LISTS, "allowed_callers", "introspects", "acts_for", *TEXTS),
    "administers",
)
LIFETIMES = ("access_token_lifetime", "id_token_lifetime")
LIFETIMES_OR_NONE = ("refresh_token_lifetime", "refresh_token_idle_lifetime")
# Registered with IANA, and not served by this version.
NOT_AVAILABLE = frozenset(
    {
        "client_secret_jwt",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    }
)


def problems(wanted: ClientMetadata, choices: Choices) -> list[Problem]:
    """Everything that is wrong with it, in no particular order but each on its field."""
    return [
        *_texts(wanted),
        *_choices(wanted, choices),
        *_repeated(wanted),
        *_uris(wanted),
        *_scopes(wanted),
        *_lifetimes(wanted),
        *_kind(wanted),
        *audience_problems(wanted.audience),
        *_keys(wanted),
        *_certificate(wanted),
        *about_the_app(wanted),
        *_administers(wanted),
    ]


def _texts(wanted: ClientMetadata) -> Iterator[Problem]:
    if problem := client_id_problem(wanted.client_id) or text_problem(wanted.client_id, MAX_NAME):
        yield Problem("client_id", problem)
    if problem := text_problem(wanted.client_name, MAX_NAME):
        yield Problem("client_name", problem)


def _choices(wanted: ClientMetadata, choices: Choices) -> Iterator[Problem]:
    for name, known in choices.items():
        value = getattr(wanted, name)
        if isinstance(value, tuple):
            for index, one in enumerate(value):
                if one not in known:
                    yield Problem(f"{name}[{index}]", _unknown(one, known))
        elif value is not None and value not in known and not (value == "" and name in MAY_BE_EMPTY):
            yield Problem(name, _unknown(value, known))


def _unknown(value: str, known: Collection[str]) -> str:
    words = {"value": quoted(value), "names": ", ".join(filter(None, known))}
    if value in NOT_AVAILABLE:
        return _("%(value)s is not available in this version. Use one of: %(names)s.") % words
    return _("%(value)s is not known here. Use one of: %(names)s.") % words


def _repeated(wanted: ClientMetadata) -> Iterator[Problem]:
    for name in LISTS:
        values: tuple[str, ...] = getattr(wanted, name)
        if len(values) > quotas.LISTED:
            yield Problem(name, quotas.too_many(quotas.LISTED))
        for index, value in enumerate(values):
            if value in values[:index]:
                yield Problem(f"{name}[{index}]", _("%(value)s is listed twice.") % {"value": quoted(value)})


def _uris(wanted: ClientMetadata) -> Iterator[Problem]:
    for name in URI_LISTS:
        for index, uri in enumerate(getattr(wanted, name)):
            if problem := text_problem(uri, quotas.REDIRECT_URI) or redirect_uri_problem(uri):
                yield Problem(f"{name}[{index}]", problem)
    if "authorization_code" in wanted.grant_types and not wanted.redirect_uris:
        yield Problem("redirect_uris", _("The authorization code grant needs at least one redirect URI."))
    elif set(wanted.response_types) - {CODE} and not wanted.redirect_uris:
        yield Problem("redirect_uris", _("Tokens that come through the browser need at least one redirect URI."))
    uri = wanted.backchannel_logout_uri
    if problem := text_problem(uri, MAX_URI) or backchannel_uri_problem(uri):
        yield Problem("backchannel_logout_uri", problem)


def _scopes(wanted: ClientMetadata) -> Iterator[Problem]:
    if problem := next(filter(None, map(scope_problem, wanted.scopes)), ""):
        yield Problem("scope", problem)
    if len(set(wanted.scopes)) > quotas.CLIENT_SCOPES:
        yield Problem("scope", quotas.too_many(quotas.CLIENT_SCOPES))


def _lifetimes(wanted: ClientMetadata) -> Iterator[Problem]:
    for names, nullable in ((LIFETIMES, False), (LIFETIMES_OR_NONE, True)):
        for name in names:
            if problem := lifetime_problem(getattr(wanted, name), nullable=nullable):
                yield Problem(name, problem)


def _kind(wanted: ClientMetadata) -> Iterator[Problem]:
    """Public or confidential: what goes with it, and what does not (RFC 6749 section 2.1)."""
    if wanted.client_type == "public" and not wanted.public:
        message = _("A public client cannot keep a secret: choose “None”, or make it confidential.")
        yield Problem("token_endpoint_auth_method", message)
    if wanted.client_type == "confidential" and wanted.public:
        message = _("A confidential client proves who it is: choose how it sends its secret, or make it public.")
        yield Problem("token_endpoint_auth_method", message)
    if not wanted.public:
        return
    if "client_credentials" in wanted.grant_types:
        yield Problem("grant_types", _("A public client cannot use client credentials: it has none."))
    if TOKEN_EXCHANGE in wanted.grant_types:
        yield Problem("grant_types", _("A public client cannot exchange tokens: anybody may speak in its name."))
    if wanted.require_pkce is False:
        yield Problem("require_pkce", _("A public client always needs PKCE. Leave this key out."))
    if wanted.rotate_refresh_tokens is False:
        message = _("A public client's refresh tokens always rotate. Leave this key out.")
        yield Problem("rotate_refresh_tokens", message)
    if wanted.introspection not in (None, "none"):
        yield Problem("introspection", _("A public client may not introspect. Leave this key out."))


def _keys(wanted: ClientMetadata) -> Iterator[Problem]:
    """Registered, or at an address, and not both (RFC 7591 section 2)."""
    if wanted.jwks is not None:
        yield from keys.problems(wanted.jwks)
    uri = wanted.jwks_uri
    if problem := text_problem(uri, MAX_URI) or jwks_uri_problem(uri):
        yield Problem("jwks_uri", problem)
    if wanted.request_object_signing_alg and not (uri or keys.keys_of(wanted.jwks)):
        yield Problem("request_object_signing_alg", _("Register the keys that sign its requests, or their address."))
    if uri and keys.keys_of(wanted.jwks):
        yield Problem("jwks_uri", _("Register keys, or an address that has them, and not both."))


def _certificate(wanted: ClientMetadata) -> Iterator[Problem]:
    """One name of the certificate that proves who it is, where certificates come this far (RFC 8705 section 2.1.2)."""
    method, named = wanted.token_endpoint_auth_method, wanted.certificate_names
    enough = certificates.are_verified() if method == BY_NAMED_CERTIFICATE else certificates.are_passed_on()
    if method.endswith(BY_NAMED_CERTIFICATE) and not enough:
        message = _("No proxy of this deployment passes certificates on (docs/operations.md, “Client certificates”).")
        yield Problem("token_endpoint_auth_method", message)
    if method == BY_NAMED_CERTIFICATE and not named:
        message = _("Say what its certificate is called: its subject, or one of its alternative names.")
        yield Problem("tls_client_auth_subject_dn", message)
    for name, value in named:
        if problem := text_problem(value, MAX_URI):
            yield Problem(name, problem)
        elif not certificates.is_name(name.rpartition("_")[2], value):
            yield Problem(name, _("%(value)s is no such name.") % {"value": quoted(value)})
    for name, _value in named[1:]:
        yield Problem(name, _("Name the certificate in one way, not in several."))


def _administers(wanted: ClientMetadata) -> Iterator[Problem]:
    if EVERY_PROJECT in wanted.administers and len(wanted.administers) > 1:
        yield Problem("administers", _("“*” stands for every project, and so alone."))


def audience_problems(entries: tuple[Audience, ...]) -> list[Problem]:
    """What is wrong with an allowlist as it is written."""
    found: list[Problem] = []
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        try:
            parsed = matcher.check_registrable(entry.value, plain_http=settings.IDP_PLAIN_HTTP_AUDIENCES)
        except matcher.Malformed as error:
            found.append(Problem(f"audience[{index}].value", str(error)))
            continue
        if parsed.canonical in seen:
            found.append(Problem(f"audience[{index}].value", _("This audience is listed twice."), "twice"))
        seen.add(parsed.canonical)
        if entry.mode not in (None, *MODES):
            found.append(Problem(f"audience[{index}].mode", _unknown(entry.mode, MODES)))
        if entry.mode == "prefix" and parsed.scheme not in ("http", "https"):
            message = _("Only http(s) addresses have something below them: use exact.")
            found.append(Problem(f"audience[{index}].mode", message))
    return [*found, *_too_many_audiences(entries)]


def _too_many_audiences(entries: tuple[Audience, ...]) -> Iterator[Problem]:
    """Told at the first that is too many."""
    if len(entries) > quotas.AUDIENCES:
        yield Problem(f"audience[{quotas.AUDIENCES}].value", quotas.too_many(quotas.AUDIENCES))
    defaults = [index for index, entry in enumerate(entries) if entry.default]
    if len(defaults) > quotas.DEFAULT_AUDIENCES:
        message = _("At most %(most)s audiences may be defaults.") % {"most": quotas.DEFAULT_AUDIENCES}
        yield Problem(f"audience[{defaults[quotas.DEFAULT_AUDIENCES]}].default", message)
