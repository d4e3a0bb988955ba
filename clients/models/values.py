"""The values of fields that have few, as `clients.rules` asks for them."""

from __future__ import annotations

from oauth2_provider.models import AbstractApplication

from clients import rules
from clients.models.choices import (
    ApplicationType,
    AuthMethod,
    ClientTokenFormat,
    GrantType,
    Introspection,
    RefreshTokens,
)
from clients.models.response_type import ResponseType
from common import jws
from projects.choices import Profile

CHOICES: rules.Choices = {
    "client_type": [value for value, _label in AbstractApplication.CLIENT_TYPES],
    "token_endpoint_auth_method": AuthMethod.values,
    "grant_types": GrantType.values,
    "response_types": ResponseType.values,
    "introspection": Introspection.values,
    "access_token_format": ClientTokenFormat.values,
    "id_token_signed_response_alg": jws.ALGORITHMS,
    "userinfo_signed_response_alg": jws.ALGORITHMS,
    "profile": Profile.values,
    "refresh_tokens": RefreshTokens.values,
    "authorization_signed_response_alg": jws.ALGORITHMS,
    "token_endpoint_auth_signing_alg": jws.ALGORITHMS,
    "request_object_signing_alg": jws.ALGORITHMS,
    "application_type": ApplicationType.values,
}
