"""What must never be stored of a client, whoever writes the row."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import Any

from django.db import models
from django.db.models.functions import Cast
from django.db.models.lookups import Contains
from oauth2_provider.models import AbstractApplication

from clients import guests, rules
from clients.models.choices import ApplicationType, AuthMethod, ClientTokenFormat, Introspection, RefreshTokens
from projects.choices import Profile, SignIn
from projects.rules import LONGEST_LIFETIME


def _public_has(**fields: Any) -> models.Q:
    """A constraint's condition: a public client has these values."""
    return ~models.Q(client_type=AbstractApplication.CLIENT_PUBLIC) | models.Q(**fields)


def _public_lacks(grant_type: str) -> models.Q:
    """A constraint's condition: no public client has this grant."""
    return ~models.Q(client_type="public") | _lacks(grant_type)


def asymmetric(column: str) -> models.Q:
    """A constraint's condition: neither unsigned nor signed with a shared secret (RFC 7518 section 3.1)."""
    return ~models.Q(**{column: "none"}) & ~models.Q(**{f"{column}__startswith": "HS"})


def _bounded(*names: str) -> models.Q:
    """A constraint's condition: these lifetimes are seconds, up to ten years, or none."""
    condition = models.Q()
    for name in names:
        within = models.Q((f"{name}__gt", 0), (f"{name}__lte", LONGEST_LIFETIME))
        condition &= models.Q((f"{name}__isnull", True)) | within
    return condition


def _lacks(grant_type: str) -> models.Q:
    listed = Contains(Cast("grant_types", models.TextField()), models.Value(f'"{grant_type}"'))
    return ~models.Q(listed)


# Whatever wrote the row: an app that registered itself has no right beyond what people allow it.
_GUEST = models.Q(
    registration_source__in=guests.SOURCES,
    introspection=Introspection.NONE,
    cross_client_public=False,
    require_pkce=True,
    rotate_refresh_tokens=True,
)
_FOR_NOBODY = [_lacks(one) for one in ("client_credentials", rules.TOKEN_EXCHANGE, rules.DEVICE_CODE)]

CONSTRAINTS = [
    models.CheckConstraint(
        condition=models.Q(project__isnull=False) | reduce(and_, [_GUEST, *_FOR_NOBODY]),
        name="client_without_a_project_is_a_guest",
    ),
    models.CheckConstraint(
        condition=models.Q(project__isnull=True) | ~models.Q(registration_source=guests.CIMD),
        name="client_of_a_document_is_a_guest",
    ),
    models.CheckConstraint(condition=~models.Q(client_id=""), name="client_has_an_id"),
    models.CheckConstraint(
        condition=models.Q(client_type__in=[value for value, _label in AbstractApplication.CLIENT_TYPES]),
        name="client_type_is_known",
    ),
    models.CheckConstraint(
        condition=models.Q(client_type="public", token_endpoint_auth_method=AuthMethod.NONE)
        | ~models.Q(client_type="public") & ~models.Q(token_endpoint_auth_method__in=["", AuthMethod.NONE]),
        name="client_is_public_when_it_has_no_secret",
    ),
    models.CheckConstraint(
        condition=_public_has(require_pkce=True, rotate_refresh_tokens=True),
        name="client_public_needs_pkce_and_rotation",
    ),
    models.CheckConstraint(
        condition=_public_has(introspection=Introspection.NONE), name="client_public_never_introspects"
    ),
    models.CheckConstraint(
        condition=_public_lacks("client_credentials"), name="client_public_has_no_client_credentials"
    ),
    models.CheckConstraint(condition=_public_lacks(rules.TOKEN_EXCHANGE), name="client_public_has_no_token_exchange"),
    models.CheckConstraint(condition=models.Q(profile__in=["", *Profile.values]), name="client_profile_is_known"),
    models.CheckConstraint(
        condition=models.Q(introspection__in=Introspection.values), name="client_introspection_is_known"
    ),
    models.CheckConstraint(
        condition=models.Q(access_token_format__in=ClientTokenFormat.values),
        name="client_access_token_format_is_known",
    ),
    models.CheckConstraint(
        condition=asymmetric("id_token_signed_response_alg") & ~models.Q(id_token_signed_response_alg=""),
        name="client_id_token_algorithm_is_asymmetric",
    ),
    models.CheckConstraint(
        condition=asymmetric("userinfo_signed_response_alg"),
        name="client_userinfo_algorithm_is_asymmetric",
    ),
    models.CheckConstraint(
        condition=asymmetric("authorization_signed_response_alg") & ~models.Q(authorization_signed_response_alg=""),
        name="client_authorization_algorithm_is_asymmetric",
    ),
    models.CheckConstraint(
        condition=asymmetric("request_object_signing_alg"), name="client_request_algorithm_is_asymmetric"
    ),
    models.CheckConstraint(
        condition=asymmetric("token_endpoint_auth_signing_alg"), name="client_assertion_algorithm_is_asymmetric"
    ),
    models.CheckConstraint(
        condition=models.Q(jwks__isnull=True) | models.Q(jwks_uri=""), name="client_keys_are_in_one_place"
    ),
    models.CheckConstraint(
        condition=models.Q(application_type__in=ApplicationType.values), name="client_application_type_is_known"
    ),
    models.CheckConstraint(
        condition=_bounded(*rules.LIFETIMES, *rules.LIFETIMES_OR_NONE),
        name="client_lifetimes_are_bounded",
    ),
    models.CheckConstraint(
        condition=models.Q(refresh_tokens__in=RefreshTokens.values), name="client_refresh_tokens_is_known"
    ),
    models.CheckConstraint(condition=models.Q(sign_in__in=SignIn.values), name="client_sign_in_is_known"),
]
