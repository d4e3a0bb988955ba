"""The one JSON of a client: the configuration file, the HTTP API and dynamic registration read and show it.

Names are those of RFC 7591 where it has one. Secrets are no metadata: each door has its own way for them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict

from clients.metadata import CERTIFICATE_NAMES, Audience, ClientMetadata
from clients.rules import SHOWN_URIS
from common.json_type import Json
from projects import sign_in_document
from projects.json_shape import (
    Members,
    Reader,
    Spot,
    Wrong,
    as_json,
    flag,
    items,
    moment_or_none,
    read_members,
    scope,
    seconds,
    seconds_or_none,
    text,
    texts,
)
from projects.problems import Problem


def _audience(spot: Spot) -> tuple[Audience, ...]:
    """Texts, or mappings with `value`, `mode` and `default`. One that cannot be read keeps its number, as nothing."""
    return tuple(_entry(item) for item in items(spot))


def _entry(spot: Spot) -> Audience:
    bare = isinstance(spot.value, str)  # stands for a mapping that says nothing else
    if bare or not isinstance(spot.value, Mapping):
        try:
            return Audience(text(spot)) if bare else _unreadable(spot)
        except Wrong as error:
            spot.tell(error)
            return Audience("")
    said = read_members(AUDIENCE, spot, needed=["value"])
    value, mode, default = said.get("value", ""), said.get("mode"), said.get("default", False)
    return Audience(str(value), None if mode is None else str(mode), bool(default))


def _unreadable(spot: Spot) -> Audience:
    raise Wrong(f"This must be a mapping of keys and values, not {spot.kind}.")


def _jwks(spot: Spot) -> Json:
    """A JWK Set as it is; what its keys must be like is for the rules to say."""
    if spot.value is None:
        return None
    if not isinstance(spot.value, Mapping):
        raise Wrong("Write 'jwks: {keys: [...]}', or leave the key out.")
    return spot.value


AUDIENCE: Members = {"value": text, "mode": text, "default": flag}
_NAMES_OF_CERTIFICATES: dict[str, Reader] = dict.fromkeys(CERTIFICATE_NAMES, text)
_SHOWN_URIS: dict[str, Reader] = dict.fromkeys(SHOWN_URIS, text)
# Every member, in the order in which they are shown. Each is the field of `ClientMetadata` with its name.
MEMBERS: Members = {
    "client_id": text,
    "client_name": text,
    "token_endpoint_auth_method": text,
    "token_endpoint_auth_signing_alg": text,
    "jwks": _jwks,
    "jwks_uri": text,
    **_NAMES_OF_CERTIFICATES,
    "grant_types": texts,
    "response_types": texts,
    "redirect_uris": texts,
    "post_logout_redirect_uris": texts,
    "backchannel_logout_uri": text,
    "scope": scope,
    "audience": _audience,
    "introspection": text,
    "introspects": texts,
    "acts_for": texts,
    "access_token_format": text,
    "access_token_lifetime": seconds,
    "id_token_lifetime": seconds,
    "refresh_token_lifetime": seconds_or_none,
    "refresh_token_idle_lifetime": seconds_or_none,
    "id_token_signed_response_alg": text,
    "userinfo_signed_response_alg": text,
    "authorization_signed_response_alg": text,
    "request_object_signing_alg": text,
    "require_pkce": flag,
    "require_pushed_authorization_requests": flag,
    "profile": text,
    "rotate_refresh_tokens": flag,
    "refresh_tokens": text,
    "allowed_callers": texts,
    "cross_client_public": flag,
    "dpop_bound_access_tokens": flag,
    "tls_client_certificate_bound_access_tokens": flag,
    "application_type": text,
    "contacts": texts,
    **_SHOWN_URIS,
    "initiate_login_uri": text,
    "default_max_age": seconds_or_none,
    "default_acr_values": texts,
    "sign_in": sign_in_document.read,
    "enabled": flag,
    "held": flag,  # whether members of the project may not enable it again
    "tokens_not_before": moment_or_none,
    "administers": texts,
}
DERIVED = ("client_type",)  # fields that follow from members


def represent(metadata: ClientMetadata) -> dict[str, Json]:
    """The whole of it, with nothing left open that follows from the kind of client. Has no secret, ever."""
    settled = metadata.settled()
    entries: list[Json] = [asdict(entry) for entry in settled.audience]
    forms: dict[str, Json] = {"audience": entries, "sign_in": settled.sign_in.json}
    return {name: forms[name] if name in forms else as_json(getattr(settled, name)) for name in MEMBERS}


def read(
    values: Mapping[str, object], *, needed: Collection[str] = (), besides: Collection[str] = ()
) -> tuple[dict[str, object], list[Problem]]:
    """What is said, for `ClientMetadata.changed`, and what is wrong with its shape.

    A member that cannot be read is left out of what is said; whoever means to register asks for problems first.
    `needed` are members that have to be there, `besides` those that the door reads itself.
    """
    spot = Spot(values)
    return read_members(MEMBERS, spot, needed=needed, besides=besides), spot.found
