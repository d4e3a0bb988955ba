"""What a client is to be, in the names of OAuth dynamic registration (RFC 7591) where there is one.

Every door translates what it was sent into this, and nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from clients import keys
from common.json_type import Json
from projects.sign_in import EVERYBODY, LetIn

_HAS_PATHS = re.compile("https?:", re.IGNORECASE)
PUBLIC_METHOD = "none"  # of authentication: a client that cannot keep a secret (RFC 7591 section 2)
SECRET_METHODS = "client_secret_"  # noqa: S105 - how the names of those begin that need one
BY_NAMED_CERTIFICATE = "tls_client_auth"
CERTIFICATE_NAMES = tuple(
    f"tls_client_auth_{kind}" for kind in ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")
)
EVERY_PROJECT = "*"
# What a public client has no choice in. None: whatever its kind has.
FIXED_FOR_PUBLIC = ("require_pkce", "rotate_refresh_tokens", "introspection")


@dataclass(frozen=True, slots=True)
class Audience:
    """An entry of the allowlist. No mode: this address and everything below it, or exactly this name."""

    value: str
    mode: str | None = None
    default: bool = False

    def settled(self) -> Audience:
        """This, with the mode that its kind has when none is said."""
        return self if self.mode else replace(self, mode="prefix" if _HAS_PATHS.match(self.value) else "exact")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMetadata:
    client_id: str = ""
    client_name: str = ""
    client_type: str | None = None  # None: as the authentication method says
    enabled: bool = True
    held: bool | None = None  # None: switched off by whoever may overrule members
    token_endpoint_auth_method: str = "client_secret_basic"  # noqa: S105 - a method
    grant_types: tuple[str, ...] = ()
    response_types: tuple[str, ...] = ("code",)
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str = ""
    scope: str = ""
    audience: tuple[Audience, ...] = ()
    access_token_format: str = "opaque"  # noqa: S105 - a format
    access_token_lifetime: int = 3600
    id_token_lifetime: int = 3600
    refresh_token_lifetime: int | None = None
    refresh_token_idle_lifetime: int | None = 30 * 24 * 3600
    id_token_signed_response_alg: str = "RS256"  # noqa: S105 - an algorithm
    userinfo_signed_response_alg: str = ""
    authorization_signed_response_alg: str = "RS256"
    require_pkce: bool | None = None
    rotate_refresh_tokens: bool | None = None
    tokens_not_before: datetime | None = None
    allowed_callers: tuple[str, ...] = ()
    cross_client_public: bool = False
    introspection: str | None = None
    introspects: tuple[str, ...] = ()
    acts_for: tuple[str, ...] = ()
    dpop_bound_access_tokens: bool = False
    tls_client_certificate_bound_access_tokens: bool = False
    tls_client_auth_subject_dn: str = ""
    tls_client_auth_san_dns: str = ""
    tls_client_auth_san_uri: str = ""
    tls_client_auth_san_ip: str = ""
    tls_client_auth_san_email: str = ""
    require_pushed_authorization_requests: bool = False
    request_object_signing_alg: str = ""  # empty: requests need not be signed
    jwks: Json = None  # a JWK Set (RFC 7517)
    jwks_uri: str = ""
    token_endpoint_auth_signing_alg: str = ""  # of assertions; empty: whichever its keys are for
    profile: str = ""
    application_type: str = "web"  # or native: it takes the port that it gets, on the person's device
    contacts: tuple[str, ...] = ()
    client_uri: str = ""
    logo_uri: str = ""
    policy_uri: str = ""
    tos_uri: str = ""
    initiate_login_uri: str = ""  # where others begin a sign-in of it (OpenID Connect Core 1.0 section 4)
    default_max_age: int | None = None  # seconds, where a request names none
    default_acr_values: tuple[str, ...] = ()
    administers: tuple[str, ...] = ()  # keys of the projects it may manage by its own token; EVERY_PROJECT: all
    sign_in: LetIn = EVERYBODY  # whom it lets in, of those whom its project does
    refresh_tokens: str = "offline_access"  # what people have to have allowed for one; always: the sign-in is enough

    @property
    def public(self) -> bool:
        return self.token_endpoint_auth_method == PUBLIC_METHOD

    @property
    def certificate_names(self) -> tuple[tuple[str, str], ...]:
        """What names its certificate, by field: its subject, or a subject alternative name (RFC 8705 section 2.1.2)."""
        named = ((name, str(getattr(self, name))) for name in CERTIFICATE_NAMES)
        return tuple((name, value) for name, value in named if value)

    @property
    def uses_secrets(self) -> bool:
        """Whether it proves who it is by a secret that it shares with us."""
        return self.token_endpoint_auth_method.startswith(SECRET_METHODS)

    @property
    def scopes(self) -> list[str]:
        return self.scope.split()

    def changed(self, said: Mapping[str, Any]) -> ClientMetadata:
        """This, with what is said anew.

        A client that turns public by it has what public clients have; one that is switched off, whoever did it.
        """
        wanted = replace(self, **({"held": None} if "enabled" in said else {}) | dict(said))
        unsaid: dict[str, Any] = dict.fromkeys(name for name in FIXED_FOR_PUBLIC if name not in said)
        return replace(wanted, **unsaid) if wanted.public else wanted

    def with_modes(self) -> ClientMetadata:
        """This, with the mode of every audience, as stored ones have it."""
        return replace(self, audience=tuple(entry.settled() for entry in self.audience))

    def settled(self) -> ClientMetadata:
        """This, with nothing left open that follows from the kind of client."""
        return replace(
            self.with_modes(),
            scope=" ".join(dict.fromkeys(self.scopes)),
            introspects=tuple(sorted(self.introspects)),
            allowed_callers=tuple(sorted(self.allowed_callers)),
            acts_for=tuple(sorted(self.acts_for)),
            administers=tuple(sorted(self.administers)),
            jwks=keys.settled(self.jwks),
            held=bool(self.held),
            client_type="public" if self.public else "confidential",
            require_pkce=True if self.require_pkce is None else self.require_pkce,
            rotate_refresh_tokens=self.public if self.rotate_refresh_tokens is None else self.rotate_refresh_tokens,
            introspection=self.introspection or ("none" if self.public else "own"),
        )
