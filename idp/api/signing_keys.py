"""The provider's signing keys: public parts only."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse

from clients.models import SigningKey
from common.json_type import Json
from idp.api.described import PAGE, operation
from idp.api.provider_wide import ProviderWide
from projects.json_shape import as_json

SHOWN = ("kid", "algorithm", "state", "created_at", "activated_at", "retired_at", "believed_until", "public_jwk")


class SigningKeyList(ProviderWide):
    tag = "signing keys"

    @operation("list_signing_keys", "List the signing keys", answers="SigningKeyPage", parameters=PAGE)
    def get(self, request: HttpRequest) -> HttpResponse:
        """Which signs (`active`), which comes next, and until when what a retired one signed is believed."""
        self.refuse_others()
        return self.listed(SigningKey.objects.only(*SHOWN), "kid", represent)


def represent(keys: Sequence[SigningKey]) -> list[dict[str, Json]]:
    return [{name: as_json(getattr(one, name)) for name in SHOWN} for one in keys]
