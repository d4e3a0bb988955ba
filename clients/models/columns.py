"""The row of a client as metadata, and metadata as its row."""

from __future__ import annotations

from clients.metadata import CERTIFICATE_NAMES, EVERY_PROJECT, ClientMetadata
from clients.rules import SHOWN_URIS, URI_LISTS

# Columns with the name of their metadata, and the same value.
PLAIN = (
    "client_id",
    "enabled",
    "token_endpoint_auth_method",
    "backchannel_logout_uri",
    "scope",
    "access_token_format",
    "access_token_lifetime",
    "id_token_lifetime",
    "refresh_token_lifetime",
    "refresh_token_idle_lifetime",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "authorization_signed_response_alg",
    "require_pkce",
    "rotate_refresh_tokens",
    "tokens_not_before",
    "cross_client_public",
    "introspection",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
    *CERTIFICATE_NAMES,
    "require_pushed_authorization_requests",
    "request_object_signing_alg",
    "jwks",
    "jwks_uri",
    "token_endpoint_auth_signing_alg",
    "profile",
    "application_type",
    *SHOWN_URIS,
    "initiate_login_uri",
    "default_max_age",
    "refresh_tokens",
)
TEXTS = ("contacts", "default_acr_values")  # lists in a column of their own


class MetadataColumns:
    """Mixed into `Client`."""

    name: str
    client_type: str
    grant_types: list[str]
    response_types: list[str]
    redirect_uris: str
    post_logout_redirect_uris: str
    scope: str
    contacts: list[str]
    default_acr_values: list[str]
    administers_all: bool

    @property
    def columns(self) -> ClientMetadata:
        """What its own row says; what it lists of other tables is left out."""
        return ClientMetadata(
            client_name=self.name,
            client_type=self.client_type,
            grant_types=tuple(self.grant_types),
            response_types=tuple(self.response_types),
            redirect_uris=tuple(str(self.redirect_uris).split()),
            post_logout_redirect_uris=tuple(str(self.post_logout_redirect_uris).split()),
            contacts=tuple(self.contacts),
            default_acr_values=tuple(self.default_acr_values),
            **{name: getattr(self, name) for name in PLAIN},
        )

    def take(self, wanted: ClientMetadata) -> None:
        """Set its columns; nothing is saved."""
        settled = wanted.settled()
        for name in (*PLAIN, "client_type"):
            setattr(self, name, getattr(settled, name))
        self.name = settled.client_name
        self.grant_types = list(settled.grant_types)
        self.response_types = list(settled.response_types)
        self.scope = " ".join(settled.scopes)
        for name in TEXTS:
            setattr(self, name, list(getattr(settled, name)))
        self.administers_all = EVERY_PROJECT in settled.administers
        for uris in URI_LISTS:
            if str(getattr(self, uris)).split() != [*getattr(settled, uris)]:
                setattr(self, uris, "\n".join(getattr(settled, uris)))
