"""What a receiver of Shared Signals has to know of this provider (SSF 1.0 section 7)."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from clients.models.stream import DeliveryMethod
from common.json_type import Json
from idp.discovery import public
from provider.endpoints.http import Answer, protocol_endpoint
from provider.parameters import Request

NAME = "ssf-configuration"


def metadata() -> dict[str, Json]:
    base = f"{settings.IDP_ISSUER}/api/v1/ssf"
    return {
        "spec_version": "1_0",
        "issuer": settings.IDP_ISSUER,
        "jwks_uri": f"{settings.IDP_ISSUER}/.well-known/jwks.json",
        "delivery_methods_supported": [str(one) for one in DeliveryMethod.values],
        "configuration_endpoint": f"{base}/streams",
        "status_endpoint": f"{base}/status",
        "add_subject_endpoint": f"{base}/subjects/add",
        "remove_subject_endpoint": f"{base}/subjects/remove",
        "verification_endpoint": f"{base}/verification",
        "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}],
        "default_subjects": "ALL",  # of those who allowed the project something
    }


@lru_cache(maxsize=1)
def _document(issuer: str) -> Answer:
    return public(metadata())


@protocol_endpoint("GET", cors=True)
def transmitter(request: Request) -> Answer:
    return _document(settings.IDP_ISSUER)
